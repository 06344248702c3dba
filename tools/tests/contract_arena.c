// SPDX-License-Identifier: GPL-2.0-only
/*
 * contract_arena - arenas: creation, addresses of mappings, contents of touched
 * pages, and what mappings refuse. arena_module tests what modules do with
 * arenas.
 */
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/wait.h>

#include "keyless.h"
#include "load.h"

#if __SIZEOF_LONG__ == 8
#define GIB4	(1ULL << 32)
#define RO	PROT_READ
#define RW	(PROT_READ | PROT_WRITE)
#define MM	BPFMAP_F_MMAPABLE

/* A place that nothing else takes, and at the start of a window */
#define BASE	(0x20ULL << 32)

/* bpf(2) takes its time for an arena, above all on a kernel with KASAN */
static int rounds(int n)
{
	return backend() == BACKEND_BPF ? 1 : n;
}

static int arena_new(uint32_t pages, uint64_t extra, uint32_t more_flags)
{
	return map_create(.map_type = BPFMAP_TYPE_ARENA, .max_entries = pages,
			  .map_flags = MM | more_flags, .map_extra = extra);
}

/* The address, or -errno */
static long map_at(int fd, uint64_t addr, size_t len, int prot, int flags)
{
	void *p = mmap((void *)addr, len, prot, flags, fd, 0);

	return p == MAP_FAILED ? -errno : (long)p;
}

/* Map where the kernel likes it; NULL fails the row */
static char *map_any(int fd, size_t len)
{
	long p = map_at(fd, 0, len, RW, MAP_SHARED);

	return check(p > 0, "mmap gave %ld", p) ? (char *)p : NULL;
}

static void refuse(int fd, uint64_t addr, size_t len, int prot, int flags,
		   int want, const char *what)
{
	check_ret(map_at(fd, addr, len, prot, flags), want, "%s", what);
}

/* Pages that the arena has, from fdinfo */
static unsigned long pages_of(int fd)
{
	return load_fdinfo(fd, "memlock") / page;
}

static sigjmp_buf caught;

static void on_signal(int sig)
{
	siglongjmp(caught, sig);
}

/* The signal that access to a byte raises, 0 for none */
static int access_byte(volatile char *p, int prot)
{
	struct sigaction act = { .sa_handler = on_signal }, segv, bus;
	int sig;

	sigaction(SIGSEGV, &act, &segv);
	sigaction(SIGBUS, &act, &bus);
	sig = sigsetjmp(caught, 1);
	if (!sig) {
		if (prot == PROT_WRITE)
			*p = 1;
		else
			(void)*p;
	}
	sigaction(SIGSEGV, &segv, NULL);
	sigaction(SIGBUS, &bus, NULL);
	return sig;
}

/* ------------------------------------------------------------------------- */

#define SEGV BPFMAP_F_SEGV_ON_FAULT
#define CONV BPFMAP_F_NO_USER_CONV
static const struct kind arena = { "ARENA", BPFMAP_TYPE_ARENA, MM, C_NONE, 612 };

/* With MMAPABLE, without which there is none */
#define PAGES(n, ...)	{ .max_entries = n, ##__VA_ARGS__ }

static const struct create_case creates[] = {
	{ "one page", PAGES(1), GOT_FD },
	{ "2^20 pages", PAGES(1 << 20), GOT_FD },
	{ "NO_USER_CONV", PAGES(1, .map_flags = CONV), GOT_FD },
	{ "SEGV_ON_FAULT", PAGES(1, .map_flags = SEGV), GOT_FD },
	{ "both", PAGES(1, .map_flags = SEGV | CONV), GOT_FD },
	{ "numa_node without flag", PAGES(1, .numa_node = 12345), GOT_FD },
	{ "address", PAGES(1, .map_extra = BASE), GOT_FD },
	{ "address within a window", PAGES(1, .map_extra = BASE + 4096),
	  GOT_FD },
	{ "last page of a window", PAGES(1, .map_extra = BASE - 4096), GOT_FD },
	{ "kernel's half", PAGES(1, .map_extra = 1ULL << 63), GOT_FD,
	  true },
	{ "a whole window", PAGES(1 << 20, .map_extra = BASE), GOT_FD },

	{ "key", PAGES(1, .key_size = 4), -EINVAL },
	{ "value", PAGES(1, .value_size = 8), -EINVAL },
	{ "no pages", PAGES(0), -EINVAL },
	{ "no flag", PAGES(1, .map_flags = MM), -EINVAL },
	{ "not MMAPABLE", PAGES(1, .map_flags = MM | SEGV), -EINVAL },
	{ "address within a page", PAGES(1, .map_extra = BASE + 1), -EINVAL },
	{ "address of half a page", PAGES(1, .map_extra = BASE + 2048), -EINVAL },
	{ "2^20 pages and one", PAGES((1 << 20) + 1), -E2BIG },
	{ "2^32 - 1 pages", PAGES(UINT32_MAX), -E2BIG },
	{ "two windows", PAGES(2, .map_extra = BASE - 4096), -ERANGE },
	{ "address beyond all", PAGES(2, .map_extra = -4096ULL), -ERANGE },
	{ "odd address before size", PAGES(UINT32_MAX, .map_extra = BASE + 1),
	  -EINVAL },
	{ "flags before size", PAGES(UINT32_MAX, .map_flags = BPFMAP_F_CLONE), -EINVAL },
	{ "size before two windows", PAGES(UINT32_MAX, .map_extra = BASE - 4096),
	  -E2BIG },
	{ "size before name", PAGES(UINT32_MAX, .map_name = "a-b"), -E2BIG },
	{ "name", PAGES(1, .map_name = "a-b"), -EINVAL },
	{ "map_ifindex before size", PAGES(UINT32_MAX, .map_ifindex = 1),
	  -EINVAL },
	{ "token before size", PAGES(UINT32_MAX, .map_flags = BPFMAP_F_TOKEN_FD,
				 .map_token_fd = -1), -EBADF },
};

TEST(create, 0)
{
	int fd;

	check_creates("create.arena", &arena, creates, ARRAY_SIZE(creates));
	check_create_flags("create.flags", &arena, (struct bpfmap_create_attr)PAGES(1),
			   CONV | SEGV);
	fd = arena_new(1, 0, 0);
	check_num(pages_of(fd), 0, "pages");
}

TEST(elements, 0)
{
	uint64_t key = 0, value = 5;
	uint8_t digest[32];
	struct bpfmap_info info = {
		.hash = PTR(digest), .hash_size = sizeof(digest),
	};
	union attr a = { .info = {
		.info_len = sizeof(info), .info = PTR(&info),
	} };
	int fd = arena_new(4, 0, 0);

	keyless_check_keys(fd, &arena);
	keyless_check_batches(fd, &arena);
	row("update.type", "element commands");
	check_ret(map_lookup(fd, NULL, &value, 0), -EINVAL, "LOOKUP");
	check_ret(map_lookup(fd, NULL, &value, BPFMAP_F_LOCK), -EINVAL,
		  "LOOKUP with F_LOCK");
	check_ret(map_update(fd, NULL, &value, 0), -EOPNOTSUPP, "UPDATE");
	check_ret(map_update(fd, NULL, &value, BPFMAP_F_NOEXIST), -EOPNOTSUPP,
		  "UPDATE with NOEXIST");
	check_ret(map_delete(fd, NULL), -EOPNOTSUPP, "DELETE");
	check_ret(map_next_key(fd, NULL, &key), -EOPNOTSUPP, "GET_NEXT_KEY");
	check_ret(map_elem(LAD, fd, NULL, &value, 0), -ENOTSUPP,
		  "LOOKUP_AND_DELETE");
	check_num(value, 5, "value");
	a.info.bpf_fd = fd;
	if (since(7, 3))
		check_ret(sys_map(BPFMAP_CMD_OBJ_GET_INFO_BY_FD, &a,
				  sizeof(a.info)), -EINVAL, "hash");
}

/* ------------------------------------------------------------------------- */
/* Where */

TEST(first_mapping, 0)
{
	size_t len = 8 * page;
	int i, fd;
	char *p;

	for (i = 0; i < rounds(20); i++) {
		fd = arena_new(1 << 20, 0, 0);
		row("arena.same", "4 GiB somewhere, %d", i);
		p = map_any(fd, GIB4);
		check_num((uintptr_t)p % GIB4, 0, "offset in the window");
		if (p) {
			check_num(access_byte(p, PROT_WRITE), 0, "first byte");
			check_num(access_byte(p + GIB4 - 1, PROT_WRITE), 0,
				  "last byte");
			munmap(p, GIB4);
		}
		close(fd);
	}

	row("arena.offset", "before there is an address");
	fd = arena_new(8, 0, 0);
	refuse(fd, 0, GIB4 + page, RW, MAP_SHARED, -E2BIG, "above 4 GiB");
	refuse(fd, 0, 0, RW, MAP_SHARED, -EINVAL, "nothing");
	p = mmap(NULL, len, RW, MAP_SHARED, fd, page);
	check(p == MAP_FAILED && errno == EINVAL, "with an offset: %p, %d", p,
	      errno);
	refuse(fd, 0, len, RW, MAP_PRIVATE, -EINVAL, "private");
	refuse(fd, 0, len, RO, MAP_PRIVATE, -EINVAL, "private, read only");
	if (since(7, 3))
		refuse(fd, 0, len, RO | PROT_EXEC, MAP_SHARED, -EPERM, "exec");
}

/* An arena with an address is nowhere else, and all of it is there */
static void only_there(int fd, uint64_t at, size_t len)
{
	refuse(fd, at, len - page, RW, MAP_SHARED | MAP_FIXED, -EINVAL,
	       "shorter");
	refuse(fd, at, len + page, RW, MAP_SHARED | MAP_FIXED, -E2BIG, "longer");
	refuse(fd, 0, len, RW, MAP_SHARED, -EINVAL, "anywhere");
	refuse(fd, at + page, len, RW, MAP_SHARED | MAP_FIXED, -EINVAL,
	       "elsewhere");
	refuse(fd, at + GIB4, len, RW, MAP_SHARED | MAP_FIXED, -EINVAL,
	       "in another window");
	refuse(fd, at, GIB4 + page, RW, MAP_SHARED | MAP_FIXED, -E2BIG,
	       "above 4 GiB");
}

TEST(address_stays, 0)
{
	size_t len = 8 * page;
	int fd = arena_new(8, 0, 0);
	char *p, *q;
	long ret;

	row("arena.same", "the first mapping's address");
	p = map_any(fd, len);
	if (!p)
		return;
	only_there(fd, PTR(p), len);
	p[3 * page] = 'x';
	ret = map_at(fd, PTR(p), len, RW, MAP_SHARED);
	check_ret(ret, -EBUSY, "address taken, without MAP_FIXED");
	ret = map_at(fd, PTR(p), len, RW, MAP_SHARED | MAP_FIXED_NOREPLACE);
	check_ret(ret, -EEXIST, "address taken, MAP_FIXED_NOREPLACE");
	check_num(p[3 * page], 'x', "byte of the mapping that is there");
	ret = map_at(fd, PTR(p), len, RW, MAP_SHARED | MAP_FIXED);
	check_num(ret, PTR(p), "over itself");
	check_num(p[3 * page], 'x', "byte");
	munmap(p, len);
	only_there(fd, PTR(p), len);
	ret = map_at(fd, PTR(p), len, RW, MAP_SHARED | MAP_FIXED);
	check_num(ret, PTR(p), "again");
	check_num(p[3 * page], 'x', "byte that outlived the mapping");
	check_num(p[4 * page], 0, "another page");
	munmap(p, len);
	close(fd);

	row("arena.address", "the address of map_extra");
	fd = arena_new(8, BASE + 5 * page, 0);
	only_there(fd, BASE + 5 * page, len);
	q = (char *)map_at(fd, BASE + 5 * page, len, RW, MAP_SHARED);
	check_num(PTR(q), BASE + 5 * page, "address");
	only_there(fd, BASE + 5 * page, len);
	munmap(q, len);
}

/* Without map_extra the first mapping says how long an arena is */
TEST(other_lengths, 0)
{
	int fd;
	char *p;

	row("arena.large", "shorter than max_entries");
	fd = arena_new(8, 0, 0);
	p = map_any(fd, 4 * page);
	if (p) {
		check_num(access_byte(p + 3 * page, PROT_WRITE), 0, "last page");
		refuse(fd, PTR(p), 8 * page, RW, MAP_SHARED | MAP_FIXED, -E2BIG,
		       "all of it");
		munmap(p, 4 * page);
	}
	close(fd);

	row("arena.fault", "longer than max_entries");
	fd = arena_new(2, 0, 0);
	p = map_any(fd, 8 * page);
	if (p) {
		check_num(access_byte(p + page, PROT_WRITE), 0, "page 1");
		check_num(access_byte(p + 2 * page, PROT_WRITE), 0, "page 2");
		check_num(access_byte(p + 7 * page, PROT_READ), 0, "page 7");
		check_num(p[2 * page], 1, "byte of page 2");
		munmap(p, 8 * page);
	}
}

/* ------------------------------------------------------------------------- */
/* What is there */

TEST(touch, 0)
{
	size_t i, len = 64 * page;
	int fd = arena_new(64, 0, 0);
	char *p = map_any(fd, len), *zero = calloc(1, page);

	if (!p || !zero)
		return;
	row("arena.fault", "pages of zeros by touch");
	for (i = 0; i < 64; i += 3) {
		check_mem(p + i * page, zero, page, "page %zu", i);
		p[i * page + i] = (char)i;
		if (since(7, 3))
			check_num(pages_of(fd), i / 3 + 1, "pages");
	}
	for (i = 0; i < 64; i += 3)
		check_num(p[i * page + i], i, "byte of page %zu", i);
	row("arena.fault", "MADV_DONTNEED takes nothing away");
	check_ret(madvise(p, len, MADV_DONTNEED), 0, "madvise");
	check_num(p[3 * page + 3], 3, "byte");
	row("arena.fault", "munmap takes nothing away");
	munmap(p, len);
	if (since(7, 3))
		check_num(pages_of(fd), 22, "pages");
	check_num(map_at(fd, PTR(p), len, RO, MAP_SHARED | MAP_FIXED), PTR(p),
		  "mmap");
	check_num(p[6 * page + 6], 6, "byte");
	row("mmap.protect", "a mapping that is read only");
	check_num(access_byte(p, PROT_WRITE), SIGSEGV, "write");
	check_num(access_byte(p + page, PROT_READ), 0, "read of a new page");
	check_sys(mprotect(p, len, RW), -EACCES, "mprotect");
	munmap(p, len);
	close(fd);
	free(zero);
}

TEST(segv_on_fault, 0)
{
	int fd = arena_new(4, 0, BPFMAP_F_SEGV_ON_FAULT), pipes[2];
	char *p = map_any(fd, 4 * page);

	row("arena.segv", "SEGV_ON_FAULT");
	if (!p)
		return;
	check_num(access_byte(p, PROT_READ), SIGSEGV, "read");
	check_num(access_byte(p + 4 * page - 1, PROT_WRITE), SIGSEGV, "write");
	check_ret(pipe(pipes), 0, "pipe");
	check_ret(write(pipes[1], p, 1) < 0 ? -errno : 1, -EFAULT,
		  "the kernel's read");
	check_num(pages_of(fd), 0, "pages");
	close(pipes[0]);
	close(pipes[1]);
	munmap(p, 4 * page);
}

/* ------------------------------------------------------------------------- */
/* What mappings refuse */

TEST(whole_or_not, 0)
{
	size_t len = 8 * page;
	int fd = arena_new(8, 0, 0);
	char *p = map_any(fd, len);
	void *q;

	if (!p)
		return;
	p[page] = 7;
	row("arena.whole", "no piece of a mapping");
	check_sys(munmap(p, page), -EINVAL, "munmap of the start");
	check_sys(munmap(p + page, page), -EINVAL, "of the middle");
	check_sys(munmap(p + len - page, page), -EINVAL, "of the end");
	check_sys(mprotect(p + page, page, RO), -EINVAL, "mprotect of a page");
	q = mmap(p + page, page, RW, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED,
		 -1, 0);
	/* Older kernels say ENOMEM */
	check(q == MAP_FAILED, "MAP_FIXED over a page: %p", q);
	check_num(p[page], 7, "byte");
	row("arena.whole", "mremap");
	check(mremap(p, len, len, MREMAP_MAYMOVE | MREMAP_FIXED, BASE + 64 * page)
	      == MAP_FAILED && errno == EINVAL, "move: %d", errno);
	check(mremap(p, len, 2 * len, MREMAP_MAYMOVE) == MAP_FAILED &&
	      errno == EFAULT, "growth: %d", errno);
	check(mremap(p, len, len - page, 0) == MAP_FAILED && errno == EINVAL,
	      "shrinking: %d", errno);
	check(mremap(p, 0, len, MREMAP_MAYMOVE) == MAP_FAILED &&
	      errno == EFAULT, "a second one: %d", errno);
	check(mremap(p, page, page, MREMAP_MAYMOVE | MREMAP_FIXED,
		     BASE + 64 * page) == MAP_FAILED && errno == EINVAL,
	      "move of a page: %d", errno);
	check_num(p[page], 7, "byte");
	row("arena.whole", "mprotect of all");
	check_sys(mprotect(p, len, RO), 0, "to read only");
	check_num(access_byte(p + page, PROT_WRITE), SIGSEGV, "write");
	check_num(p[page], 7, "byte");
	check_sys(mprotect(p, len, PROT_NONE), 0, "to nothing");
	check_num(access_byte(p + page, PROT_READ), SIGSEGV, "read");
	check_sys(mprotect(p, len, RW), 0, "to all");
	check_num(access_byte(p + 5 * page, PROT_WRITE), 0, "write");
	check_sys(mprotect(p, len, RW | PROT_EXEC), -EACCES, "exec");
	munmap(p, len);
}

struct family {
	int fd;
	char *p;
};

static void child_has_none(void *arg)
{
	struct family *f = arg;

	check_num(access_byte(f->p, PROT_READ), SIGSEGV, "read in the child");
	check_num(map_at(f->fd, PTR(f->p), 4 * page, RW, MAP_SHARED | MAP_FIXED),
		  PTR(f->p), "mmap in the child");
	check_num(f->p[page], 9, "byte");
	f->p[2 * page] = 11;
}

static void child_writes(void *arg)
{
	struct family *f = arg;

	check_num(access_byte(f->p + 3 * page, PROT_WRITE), 0, "child's write");
}

TEST(forked, 0)
{
	struct family f = { .fd = arena_new(4, 0, 0) };

	f.p = map_any(f.fd, 4 * page);
	if (!f.p)
		return;
	row("arena.whole", "fork");
	f.p[page] = 9;
	in_child(child_has_none, &f);
	check_num(f.p[2 * page], 11, "byte from the child");
	row("arena.whole", "MADV_DOFORK");
	/* Not all kernels allow it; where they do, it must work */
	if (!madvise(f.p, 4 * page, MADV_DOFORK)) {
		in_child(child_writes, &f);
		check_num(f.p[3 * page], 1, "byte from the child");
	}
	munmap(f.p, 4 * page);
	close(f.fd);
}

TEST(frozen, 0)
{
	int fd = arena_new(4, 0, 0), ro;
	char *p;

	row("freeze.mapped", "freeze against a writable mapping");
	p = map_any(fd, 4 * page);
	if (!p)
		return;
	p[page] = 3;
	check_ret(map_freeze(fd), -EBUSY, "FREEZE");
	munmap(p, 4 * page);
	/* bpf(2) does not drop that count */
	if (backend() != BACKEND_BPF)
		check_ret(map_freeze(fd), 0, "FREEZE after munmap");
	else
		check_ret(map_freeze(fd), -EBUSY, "FREEZE after munmap");
	close(fd);

	row("mmap.frozen", "frozen");
	fd = arena_new(4, BASE, 0);
	check_ret(map_freeze(fd), 0, "FREEZE");
	refuse(fd, BASE, 4 * page, RW, MAP_SHARED | MAP_FIXED, -EPERM,
	       "writable mapping");
	check_ret(map_update(fd, NULL, &ro, 0), -EPERM, "UPDATE");
	check_num(map_at(fd, BASE, 4 * page, RO, MAP_SHARED | MAP_FIXED), BASE,
		  "mapping to read");
	check_num(access_byte((char *)BASE + page, PROT_READ), 0, "read");
	check_num(access_byte((char *)BASE, PROT_WRITE), SIGSEGV, "write");
	munmap((void *)BASE, 4 * page);

	row("mmap.mode", "modes of a descriptor");
	ro = map_get_fd_by_id(map_id(fd), BPFMAP_F_RDONLY);
	check_ret(ro, GOT_FD, "MAP_GET_FD_BY_ID");
	refuse(ro, BASE, 4 * page, RO, MAP_SHARED | MAP_FIXED, -EINVAL, "read");
	refuse(ro, BASE, 4 * page, RW, MAP_SHARED | MAP_FIXED, -EACCES, "write");
}

/* ------------------------------------------------------------------------- */
/* More than one process and thread */

struct node {
	struct node *next;
	uint64_t value;
};

/* A list that hops from page to page, by the pointers of this process */
static void build_list(void *arg)
{
	struct family *f = arg;
	struct node *n, *last = NULL;
	int i;

	check_num(map_at(f->fd, PTR(f->p), 64 * page, RW, MAP_SHARED | MAP_FIXED),
		  PTR(f->p), "mmap in the child");
	for (i = 0; i < 63; i++) {
		n = (struct node *)(f->p + (1 + i * 17 % 63) * page + 16 * i);
		n->next = last;
		n->value = 1000 + i;
		last = n;
	}
	*(struct node **)f->p = last;
}

TEST(shared_list, 0)
{
	struct family f = { .fd = arena_new(64, 0, 0) };
	uint64_t want = 1062;
	struct node *n;
	int count = 0;

	row("arena.same", "a list of another process");
	f.p = map_any(f.fd, 64 * page);
	if (!f.p)
		return;
	in_child(build_list, &f);
	for (n = *(struct node **)f.p; n; n = n->next, want--) {
		if (!check_num(n->value, want, "node %d", count))
			break;
		count++;
	}
	check_num(count, 63, "nodes");
	munmap(f.p, 64 * page);
	close(f.fd);
}

#define RACE_PAGES 512

static pthread_barrier_t race_start;

/* Both touch all pages in the same order, and add to each */
static void *race(void *arg)
{
	char *p = arg;
	int i;

	pthread_barrier_wait(&race_start);
	for (i = 0; i < RACE_PAGES; i++)
		__atomic_add_fetch((int *)(p + (size_t)i * page), 1,
				   __ATOMIC_RELAXED);
	return NULL;
}

TEST(racing_faults, 0)
{
	int i, j, fd, sum;
	pthread_t thread;
	char *p;

	row("arena.fault", "one page for faults at the same time");
	pthread_barrier_init(&race_start, NULL, 2);
	for (j = 0; j < rounds(8); j++) {
		fd = arena_new(RACE_PAGES, 0, 0);
		p = map_any(fd, RACE_PAGES * page);
		if (!p || pthread_create(&thread, NULL, race, p))
			return;
		race(p);
		pthread_join(thread, NULL);
		for (sum = i = 0; i < RACE_PAGES; i++)
			sum += *(int *)(p + (size_t)i * page);
		check_num(sum, 2 * RACE_PAGES, "sum of the counters");
		if (since(7, 3))
			check_num(pages_of(fd), RACE_PAGES, "pages");
		munmap(p, RACE_PAGES * page);
		close(fd);
	}
	pthread_barrier_destroy(&race_start);
}

/* A mapping is enough to keep the arena */
TEST(keeps_the_map, 0)
{
	int fd = arena_new(4, 0, 0);
	char *p = map_any(fd, 4 * page);
	uint32_t id = map_id(fd);

	row("mmap.holds", "a mapping keeps the arena");
	if (!p)
		return;
	close(fd);
	p[page] = 5;
	fd = map_get_fd_by_id(id, 0);
	check_ret(fd, GOT_FD, "MAP_GET_FD_BY_ID");
	if (since(7, 3))
		check_num(pages_of(fd), 1, "pages");
	close(fd);
	check_num(p[page], 5, "byte");
	munmap(p, 4 * page);
	check_ret(map_get_fd_by_id(id, 0), -ENOENT, "after munmap");
}

/* A mapping that would leave its window is moved into one, or is not made */
TEST(windows, 0)
{
	uint64_t at = BASE - 2 * page;
	size_t len = 4 * page;
	int fd = arena_new(4, 0, 0);
	char *q, *p = mmap((void *)at, len, RO, MAP_PRIVATE | MAP_ANONYMOUS |
			   MAP_FIXED, -1, 0);
	long ret;

	row("arena.address", "an address in two windows");
	check_num(PTR(p), at, "something there");
	munmap(p, len);
	ret = map_at(fd, at, len, RW, MAP_SHARED);
	check_num(ret, BASE, "next window");
	if (ret > 0)
		munmap((void *)ret, len);
	close(fd);

	/* bpf(2) maps elsewhere, over whatever is there */
	if (backend() == BACKEND_BPF)
		return;
	fd = arena_new(4, 0, 0);
	q = mmap((void *)BASE, len, RW, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED,
		 -1, 0);
	check_num(PTR(q), BASE, "something in the next window");
	refuse(fd, at, len, RW, MAP_SHARED | MAP_FIXED, -EINVAL, "MAP_FIXED");
	check_num(*q, 0, "byte of what is there");
	munmap(q, len);
}

#else

TEST(refused, 0)
{
	row("create.arena", "a kernel of 32 bits has no arenas");
	check_ret(map_create(.map_type = BPFMAP_TYPE_ARENA, .max_entries = 1,
			     .map_flags = BPFMAP_F_MMAPABLE), -EINVAL,
		  "MAP_CREATE");
}

#endif

TEST_MAIN
