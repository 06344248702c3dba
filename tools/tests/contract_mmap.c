// SPDX-License-Identifier: GPL-2.0-only
/*
 * contract_mmap - mappings of arrays: permissions, that a mapping is the elements'
 * own memory, and what it prevents
 *
 * MAPPING_ROUNDS: how often mmap and FREEZE race (400)
 */
#include <pthread.h>
#include <sched.h>
#include <sys/mman.h>
#include <sys/wait.h>

#include "contract.h"
#include "load.h"

#define RO	PROT_READ
#define RW	(PROT_READ | PROT_WRITE)

/* The mapping, or NULL with its errno checked */
static void *map_at(int fd, size_t len, int prot, int flags, off_t offset,
		    int want)
{
	void *p = mmap(NULL, len, prot, flags, fd, offset);

	check_ret(p == MAP_FAILED ? -errno : 0, want, "mmap");
	if (p == MAP_FAILED)
		return NULL;
	if (want) {
		munmap(p, len);
		return NULL;
	}
	return p;
}

static void *map_rw(const struct tmap *t, size_t len)
{
	return map_at(t->fd, len, RW, MAP_SHARED, 0, 0);
}

static int protect(void *p, size_t len, int prot)
{
	return mprotect(p, len, prot) ? -errno : 0;
}

/* ------------------------------------------------------------------------- */
/* Permissions to map: [mmap.mode] to [mmap.flag], each before the next */

enum fd { RDWR, RDONLY, WRONLY, FROZEN };

struct mmap_row {
	const char *name;
	uint32_t flags;	/* more create flags */
	enum fd fd;
	int prot, map;
	bool newer;
	int array, mmapable;	/* plain ARRAY, with MMAPABLE */
};

#define PROG_RO BPFMAP_F_RDONLY_PROG

static const struct mmap_row mmap_rows[] = {
	{ "shared RW", 0, RDWR, RW, MAP_SHARED, 0, -EINVAL, 0 },
	{ "shared R", 0, RDWR, RO, MAP_SHARED, 0, -EINVAL, 0 },
	{ "shared W", 0, RDWR, PROT_WRITE, MAP_SHARED, 0, -EINVAL, 0 },
	{ "shared NONE", 0, RDWR, PROT_NONE, MAP_SHARED, 0, -EINVAL, 0 },
	{ "private R", 0, RDWR, RO, MAP_PRIVATE, 0, -EINVAL, -EINVAL },
	{ "private RW", 0, RDWR, RW, MAP_PRIVATE, 0, -EINVAL, -EINVAL },
	/* [mmap.exec] */
	{ "shared RX", 0, RDWR, RO | PROT_EXEC, MAP_SHARED, 1, -EPERM, -EPERM },
	{ "shared X", 0, RDWR, PROT_EXEC, MAP_SHARED, 1, -EPERM, -EPERM },
	{ "RDONLY fd: R", 0, RDONLY, RO, MAP_SHARED, 0, -EINVAL, -EINVAL },
	{ "RDONLY fd: RW", 0, RDONLY, RW, MAP_SHARED, 0, -EACCES, -EACCES },
	{ "RDONLY fd: private R", 0, RDONLY, RO, MAP_PRIVATE, 0, -EINVAL,
	  -EINVAL },
	{ "WRONLY fd: R", 0, WRONLY, RO, MAP_SHARED, 0, -EACCES, -EACCES },
	{ "WRONLY fd: RW", 0, WRONLY, RW, MAP_SHARED, 0, -EACCES, -EACCES },
	{ "WRONLY fd: W", 0, WRONLY, PROT_WRITE, MAP_SHARED, 0, -EACCES,
	  -EACCES },
	/* [mmap.frozen] */
	{ "frozen: RW", 0, FROZEN, RW, MAP_SHARED, 0, -EPERM, -EPERM },
	{ "frozen: R", 0, FROZEN, RO, MAP_SHARED, 0, -EINVAL, 0 },
	{ "frozen: private RW", 0, FROZEN, RW, MAP_PRIVATE, 0, -EINVAL,
	  -EINVAL },
	/* [mmap.prog] */
	{ "RDONLY_PROG: RW", PROG_RO, RDWR, RW, MAP_SHARED, 0, -EACCES,
	  -EACCES },
	{ "RDONLY_PROG: R", PROG_RO, RDWR, RO, MAP_SHARED, 0, -EINVAL, 0 },
	{ "RDONLY_PROG, frozen: RW", PROG_RO, FROZEN, RW, MAP_SHARED, 0, -EPERM,
	  -EPERM },
	{ "WRONLY_PROG: RW", BPFMAP_F_WRONLY_PROG, RDWR, RW, MAP_SHARED, 0,
	  -EINVAL, 0 },
};

static void one_mmap(const struct kind *k, const struct mmap_row *r)
{
	struct tmap t = { .kind = k };
	int fd, want = k->flags & BPFMAP_F_MMAPABLE ? r->mmapable : r->array;
	void *p;

	t.fd = map_new(k, 4, 8, 4, r->flags);
	check_ret(t.fd, GOT_FD, "MAP_CREATE");
	if (r->fd == FROZEN)
		check_ret(map_freeze(t.fd), 0, "FREEZE");
	fd = r->fd == RDONLY ? tmap_reopen(&t, BPFMAP_F_RDONLY) :
	     r->fd == WRONLY ? tmap_reopen(&t, BPFMAP_F_WRONLY) : t.fd;
	p = map_at(fd, page, r->prot, r->map, 0, want);
	if (p)
		munmap(p, page);
	/* One that was refused does not count as a writer */
	if (r->fd != FROZEN)
		check_ret(map_freeze(t.fd), 0, "FREEZE afterwards");
	if (fd != t.fd)
		close(fd);
	tmap_close(&t);
}

TEST(who_may_map, K_ARRAY | K_ARRAY_MM)
{
	size_t i;

	for (i = 0; i < ARRAY_SIZE(mmap_rows); i++) {
		if (mmap_rows[i].newer && !since(7, 3))
			continue;
		row("mmap.shared", "%s: %s", k->name, mmap_rows[i].name);
		one_mmap(k, &mmap_rows[i]);
	}
}

/* Types without mmap say so before anything else that they could */
TEST(no_mmap, K_HASHES | K_PARRAY)
{
	static const struct {
		const char *name;
		int prot, map;
	} rows[] = {
		{ "shared RW", RW, MAP_SHARED }, { "shared R", RO, MAP_SHARED },
		{ "private R", RO, MAP_PRIVATE }, { "private RW", RW, MAP_PRIVATE },
	};
	struct tmap t = tmap_new(k, 4, 8, 4);
	size_t i;

	for (i = 0; i < ARRAY_SIZE(rows); i++) {
		row("mmap.type", "mmap of %s: %s", k->name, rows[i].name);
		map_at(t.fd, page, rows[i].prot, rows[i].map, 0, -ENOTSUPP);
	}
	row("mmap.type", "mmap of frozen %s", k->name);
	check_ret(map_freeze(t.fd), 0, "FREEZE");
	map_at(t.fd, page, RW, MAP_SHARED, 0, -ENOTSUPP);
}

/* ------------------------------------------------------------------------- */
/* Offset and length */

TEST(ranges, K_ARRAY_MM)
{
	const struct {
		uint32_t value_size, max_entries;
		uint64_t offset, len;	/* pages */
		int want;
	} rows[] = {
		{ 1, 1, 0, 1, 0 }, { 1, 1, 0, 2, -EINVAL }, { 1, 1, 1, 1, -EINVAL },
		{ 8, 512, 0, 1, 0 }, { 8, 512, 0, 2, -EINVAL },
		{ 8, 513, 0, 2, 0 }, { 8, 513, 1, 1, 0 },
		{ 8, 513, 1, 2, -EINVAL }, { 8, 513, 2, 1, -EINVAL },
		{ 8, 513, 0, 3, -EINVAL },
		/* the stride is 16: 400 elements have 6400 bytes */
		{ 9, 400, 0, 2, 0 }, { 9, 400, 0, 3, -EINVAL },
		{ 4096, 10, 0, 10, 0 }, { 4096, 10, 9, 1, 0 },
		{ 4096, 10, 3, 4, 0 }, { 4096, 10, 3, 7, 0 },
		{ 4096, 10, 3, 8, -EINVAL }, { 4096, 10, 10, 1, -EINVAL },
		{ 4096, 10, FAR_PAGE, 1, -EINVAL },
		{ 4096, 10, FARTHER_PAGE, 1, -EINVAL },
		{ 5000, 3, 0, 4, 0 }, { 5000, 3, 0, 5, -EINVAL },
	};
	size_t i;

	for (i = 0; i < ARRAY_SIZE(rows); i++) {
		struct tmap t = tmap_new(k, 4, rows[i].value_size,
					 rows[i].max_entries);
		size_t len = rows[i].len * page;
		void *p;

		row("mmap.range", "%s %u x %u: %llu pages from page %llu",
		    k->name, rows[i].value_size, rows[i].max_entries,
		    (unsigned long long)rows[i].len,
		    (unsigned long long)rows[i].offset);
		p = map_at(t.fd, len, RW, MAP_SHARED, rows[i].offset * page,
			   rows[i].want);
		if (p) {
			memset(p, 1, len);	/* all of it is there */
			munmap(p, len);
		}
		tmap_close(&t);
	}
}

/* ------------------------------------------------------------------------- */
/* The same memory */

TEST(same_memory, K_ARRAY_MM)
{
	static const uint32_t sizes[] = { 1, 4, 8, 12, 13, 100, 4096, 5000 };
	size_t s;

	for (s = 0; s < ARRAY_SIZE(sizes); s++) {
		struct tmap t = tmap_new(k, 4, sizes[s], 50);
		size_t stride = ROUND_UP(sizes[s], 8);
		size_t len = ROUND_UP(50 * stride, page);
		uint8_t *p, *want = malloc(sizes[s]), pad[8] = { 0 };
		uint32_t i;

		row("mmap.layout", "%s: values of %u bytes", k->name, sizes[s]);
		p = map_rw(&t, len);
		for (i = 0; p && i < len && !p[i]; i++)
			;
		check_num(i, len, "zero at first");
		tmap_fill(&t, 50);
		for (i = 0; p && i < 50; i++) {
			tmap_value(&t, i, want);
			check_mem(p + i * stride, want, sizes[s], "element %u", i);
			check_mem(p + i * stride + sizes[s], pad,
				  stride - sizes[s], "padding %u", i);
		}
		/* what is written there is read by LOOKUP */
		for (i = 0; p && i < 50; i++) {
			tmap_value(&t, i + 100, p + i * stride);
			memset(p + i * stride + sizes[s], 0x5a, stride - sizes[s]);
		}
		for (i = 0; p && i < 50; i++)
			check_elem(&t, i, i + 100, "written by the mapping");
		/* UPDATE leaves the padding alone */
		memset(pad, 0x5a, sizeof(pad));
		for (i = 0; p && i < 50; i++) {
			check_ret(tmap_put(&t, i, i), 0, "UPDATE");
			check_mem(p + i * stride + sizes[s], pad,
				  stride - sizes[s], "padding %u", i);
		}
		free(want);
		munmap(p, len);
		tmap_close(&t);
	}
}

/* Page n of the file is page n of the data; two mappings are one memory */
TEST(offsets, K_ARRAY_MM)
{
	struct tmap t = tmap_new(k, 4, 8, 2048);
	uint64_t *all, *third;
	uint32_t i;

	row("mmap.layout", "%s: offset", k->name);
	all = map_rw(&t, 4 * page);
	third = map_at(t.fd, page, RW, MAP_SHARED, 2 * page, 0);
	for (i = 0; all && i < 2048; i++)
		all[i] = i;
	for (i = 0; third && i < 512; i++)
		check_num(third[i], 1024 + i, "element %u", 1024 + i);
	third[5] = 99;
	check_num(all[1029], 99, "through the other mapping");
	munmap(third, page);
	munmap(all, 4 * page);
}

/* The hash of a frozen array is that of its memory, with the padding */
TEST(padding_in_hash, K_ARRAY_MM)
{
	static const uint8_t want[32] = {
		0x49, 0x1d, 0x1e, 0x9c, 0x06, 0xe8, 0xc5, 0xe7,
		0xfc, 0x18, 0x20, 0x0f, 0x51, 0x48, 0x6d, 0x6f,
		0x14, 0x5e, 0xf9, 0x15, 0xb4, 0x0a, 0xbf, 0xce,
		0x98, 0x51, 0xd7, 0x13, 0x9b, 0x27, 0xf5, 0x5b,
	};
	struct tmap t = tmap_new(k, 4, 13, 1);
	struct bpfmap_info info = { 0 };
	struct buf hash = buf_new(32);
	union attr a = { .info = { .bpf_fd = t.fd, .info_len = sizeof(info),
				   .info = PTR(&info) } };
	uint8_t *p;

	row("info.sha256", "SHA-256 of %s with padding", k->name);
	if (since(7, 3)) {
		p = map_rw(&t, page);
		tmap_fill(&t, 1);
		memset(p + 13, 0x5a, 3);
		munmap(p, page);
		check_ret(map_freeze(t.fd), 0, "FREEZE");
		info.hash = PTR(hash.p);
		info.hash_size = 32;
		check_ret(sys_map(BPFMAP_CMD_OBJ_GET_INFO_BY_FD, &a, sizeof(a)),
			  0, "OBJ_GET_INFO_BY_FD");
		check_buf(&hash, want, 32, "hash");
	}
}

/* ------------------------------------------------------------------------- */
/* Operations that a mapping prevents */

TEST(protection, K_ARRAY_MM)
{
	struct tmap t = tmap_new(k, 4, 8, 4);
	void *p;

	row("mmap.protect", "%s: mprotect of a read-only mapping", k->name);
	p = map_at(t.fd, page, RO, MAP_SHARED, 0, 0);
	check_ret(protect(p, page, RW), -EACCES, "to RW");
	check_ret(protect(p, page, PROT_WRITE), -EACCES, "to W");
	check_ret(protect(p, page, PROT_NONE), 0, "to NONE");
	check_ret(protect(p, page, RO), 0, "to R");
	if (since(7, 3))
		check_ret(protect(p, page, RO | PROT_EXEC), -EACCES, "to RX");
	row("mmap.protect", "%s: FREEZE with a read-only mapping", k->name);
	check_ret(map_freeze(t.fd), 0, "result");
	munmap(p, page);
	tmap_close(&t);

	row("mmap.protect", "%s: mprotect of a PROT_NONE mapping", k->name);
	t = tmap_new(k, 4, 8, 4);
	p = map_at(t.fd, page, PROT_NONE, MAP_SHARED, 0, 0);
	check_ret(protect(p, page, RW), -EACCES, "to RW");
	check_ret(protect(p, page, RO), 0, "to R");
	munmap(p, page);
	tmap_close(&t);

	row("mmap.writer", "%s: mprotect of a writable mapping", k->name);
	t = tmap_new(k, 4, 8, 4);
	p = map_rw(&t, page);
	check_ret(protect(p, page, RO), 0, "to R");
	check_ret(map_freeze(t.fd), -EBUSY, "FREEZE: it stays a writer");
	check_ret(protect(p, page, RW), 0, "back to RW");
	*(uint64_t *)p = 5;
	munmap(p, page);
	check_ret(map_freeze(t.fd), 0, "FREEZE after munmap");
}

TEST(busy, K_ARRAY_MM)
{
	struct tmap t = tmap_new(k, 4, 4096, 4);
	uint8_t *p, *q;

	row("mmap.writer", "%s: FREEZE with a writable mapping", k->name);
	p = map_rw(&t, 4 * page);
	q = map_rw(&t, page);
	check_ret(map_freeze(t.fd), -EBUSY, "two mappings");
	check_ret(tmap_put(&t, 1, 1), 0, "not frozen");
	munmap(q, page);
	check_ret(map_freeze(t.fd), -EBUSY, "one mapping");
	row("mmap.writer", "%s: FREEZE with pieces of a mapping", k->name);
	munmap(p + page, page);
	check_ret(map_freeze(t.fd), -EBUSY, "two pieces");
	munmap(p, page);
	check_ret(map_freeze(t.fd), -EBUSY, "one piece");
	check_ret(protect(p + 3 * page, page, RO), 0, "split by mprotect");
	munmap(p + 2 * page, page);
	check_ret(map_freeze(t.fd), -EBUSY, "the last piece");
	munmap(p + 3 * page, page);
	check_ret(map_freeze(t.fd), 0, "none");
	check_ret(tmap_put(&t, 1, 1), -EPERM, "frozen");
}

/* A child has the mapping too; its exit or munmap() drops it */
TEST(busy_in_child, K_ARRAY_MM)
{
	struct tmap t = tmap_new(k, 4, 8, 4);
	int in[2], status;
	pid_t pid;
	void *p;

	row("mmap.writer", "%s: FREEZE with the mapping of a child", k->name);
	p = map_rw(&t, page);
	check_ret(pipe(in), 0, "pipe");
	fflush(stdout);
	pid = fork();
	if (!pid) {
		char c;

		close(in[1]);
		_exit(read(in[0], &c, 1) != 0);
	}
	close(in[0]);
	munmap(p, page);
	check_ret(map_freeze(t.fd), -EBUSY, "while the child lives");
	close(in[1]);
	check(waitpid(pid, &status, 0) == pid && !status, "child's end");
	check_ret(map_freeze(t.fd), 0, "after its end");
}

TEST(remap, K_ARRAY_MM)
{
	struct tmap t = tmap_new(k, 4, 4096, 4);
	void *p, *q;

	row("mmap.grow", "%s: mremap", k->name);
	p = map_rw(&t, 2 * page);
	q = mremap(p, 2 * page, 4 * page, MREMAP_MAYMOVE);
	check_ret(q == MAP_FAILED ? -errno : 0, -EFAULT, "growing");
	q = mremap(p, 2 * page, page, 0);
	check_ret(q == MAP_FAILED ? -errno : 0, 0, "shrinking");
	check_ret(map_freeze(t.fd), -EBUSY, "FREEZE");
	munmap(p, page);
	check_ret(map_freeze(t.fd), 0, "FREEZE after munmap");
}

/* Is @flag among the VmFlags of the mapping at @p? */
static bool has_vm_flag(void *p, const char *flag)
{
	char line[256], head[32];
	bool here = false, found = false;
	FILE *f = fopen("/proc/self/smaps", "re");

	snprintf(head, sizeof(head), "%lx-", (unsigned long)p);
	while (f && fgets(line, sizeof(line), f)) {
		if (strchr(line, '-') && strstr(line, "bpf-map"))
			here = !strncmp(line, head, strlen(head));
		else if (here && !strncmp(line, "VmFlags:", 8))
			found = strstr(line, flag), here = false;
	}
	if (f)
		fclose(f);
	return found;
}

TEST(core_dumps, K_ARRAY_MM)
{
	struct tmap t = tmap_new(k, 4, 8, 4);
	void *p;

	row("mmap.grow", "%s: not in core dumps", k->name);
	if (access("/proc/self/smaps", R_OK)) {
		printf("# this kernel has no /proc/self/smaps\n");
		tmap_close(&t);
		return;
	}
	p = map_rw(&t, page);
	check(has_vm_flag(p, " dd"), "VmFlags has dd");
	check(has_vm_flag(p, " de"), "VmFlags has de");
	munmap(p, page);
}

TEST(keeps_the_map, K_ARRAY_MM)
{
	struct tmap t = tmap_new(k, 4, 8, 4);
	uint32_t id = map_id(t.fd), key = 2;
	uint64_t *p, value = 0;
	int fd;

	row("mmap.holds", "%s: a mapping keeps the map", k->name);
	p = map_rw(&t, page);
	tmap_close(&t);
	p[2] = 1234;
	fd = map_get_fd_by_id(id, 0);
	check_ret(fd, GOT_FD, "GET_FD_BY_ID without a descriptor");
	check_ret(map_lookup(fd, &key, &value, 0), 0, "LOOKUP");
	check_num(value, 1234, "value");
	close(fd);
	munmap(p, page);
	check_ret(map_get_fd_by_id(id, 0), -ENOENT, "GET_FD_BY_ID after munmap");
}

struct race {
	int fd;
	pthread_barrier_t start;
	void *at;
	int error;
};

static void *map_writable(void *arg)
{
	struct race *r = arg;

	pthread_barrier_wait(&r->start);
	r->at = mmap(NULL, page, RW, MAP_SHARED, r->fd, 0);
	r->error = errno;
	return NULL;
}

/* A writable mapping and FREEZE at the same moment: one of them comes first */
TEST(freeze_races_mmap, K_ARRAY_MM)
{
	unsigned int i, frozen = 0, n = load_env("MAPPING_ROUNDS", 400);
	pthread_t thread;
	struct race r;
	int ret;

	row("mmap.frozen", "%s: FREEZE and mmap race", k->name);
	pthread_barrier_init(&r.start, NULL, 2);
	for (i = 0; i < n; i++) {
		r.fd = map_new(k, 4, 8, 512, 0);
		need(pthread_create(&thread, NULL, map_writable, &r) == 0);
		pthread_barrier_wait(&r.start);
		if (i % 2)
			sched_yield();
		ret = map_freeze(r.fd);
		pthread_join(thread, NULL);
		if (r.at != MAP_FAILED) {
			check_ret(ret, -EBUSY, "FREEZE");
			munmap(r.at, page);
		} else {
			frozen++;
			check_ret(ret, 0, "FREEZE");
			check_num(r.error, EPERM, "errno of mmap");
		}
		close(r.fd);
	}
	printf("# frozen first %u, mapped first %u\n", frozen, n - frozen);
	pthread_barrier_destroy(&r.start);
}

TEST_MAIN
