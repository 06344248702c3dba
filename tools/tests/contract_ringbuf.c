// SPDX-License-Identifier: GPL-2.0-only
/*
 * contract_ringbuf - ring buffers of both directions as user space sees them:
 * creation, commands, mappings. contract_ring_data tests their contents.
 */
#include <sys/mman.h>

#include "contract.h"

#define RO	PROT_READ
#define RW	(PROT_READ | PROT_WRITE)

static const struct kind *const both[] = { &ringbuf, &user_ringbuf };

static size_t page;

static int new_ring(const struct kind *k, uint32_t pages)
{
	int fd = map_new(k, 0, 0, pages * page, 0);

	check_ret(fd, GOT_FD, "MAP_CREATE");
	return fd;
}

/* ------------------------------------------------------------------------- */
/* Creation */

TEST(create_sizes, 0)
{
	static const struct {
		uint32_t key_size, value_size, max_entries;
		int want;
	} rows[] = {
		{ 0, 0, 4096, GOT_FD }, { 0, 0, 8192, GOT_FD },
		{ 0, 0, 1 << 20, GOT_FD }, { 0, 0, 0, -EINVAL },
		{ 0, 0, 1, -EINVAL }, { 0, 0, 8, -EINVAL },
		{ 0, 0, 2048, -EINVAL }, { 0, 0, 4095, -EINVAL },
		{ 0, 0, 4097, -EINVAL }, { 0, 0, 12288, -EINVAL },
		{ 0, 0, 4096 + 2048, -EINVAL }, { 0, 0, UINT32_MAX, -EINVAL },
		{ 0, 0, 0xfffff000, -EINVAL }, { 1, 0, 4096, -EINVAL },
		{ 4, 0, 4096, -EINVAL }, { 0, 1, 4096, -EINVAL },
		{ 4, 8, 4096, -EINVAL }, { UINT32_MAX, 0, 4096, -EINVAL },
		{ 0, UINT32_MAX, 4096, -EINVAL },
		/* more than the memory of the machine that runs this */
		{ 0, 0, 1U << 31, TOO_BIG },
	};
	size_t i, t;
	int fd;

	for (t = 0; t < ARRAY_SIZE(both); t++) {
		for (i = 0; i < ARRAY_SIZE(rows); i++) {
			/* bpf(2) would take all the memory there is first */
			if (rows[i].want == TOO_BIG && backend() == BACKEND_BPF)
				continue;
			if (rows[i].want == TOO_BIG &&
			    sysconf(_SC_PHYS_PAGES) * page > 1UL << 31)
				continue;
			row("create.ring", "%s key %u, value %u, max %u",
			    both[t]->name, rows[i].key_size, rows[i].value_size,
			    rows[i].max_entries);
			fd = map_new(both[t], rows[i].key_size,
				     rows[i].value_size, rows[i].max_entries, 0);
			check_ret(fd, rows[i].want, "MAP_CREATE");
			if (fd >= 0)
				close(fd);
		}
	}
}

TEST(create_flags, 0)
{
	unsigned int bit, t;
	uint32_t flag;
	int fd, want;

	for (t = 0; t < ARRAY_SIZE(both); t++) {
		for (bit = 0; bit < 32; bit++) {
			flag = 1U << bit;
			/* Tested elsewhere, with the envelope */
			if (flag == BPFMAP_F_TOKEN_FD)
				continue;
			if (flag == BPFMAP_F_RB_OVERWRITE && !since(7, 3))
				continue;
			want = -EINVAL;
			if (flag == BPFMAP_F_NUMA_NODE ||
			    (flag == BPFMAP_F_RB_OVERWRITE && !t))
				want = GOT_FD;
			row("create.flags", "%s with flag 1 << %u",
			    both[t]->name, bit);
			fd = map_new(both[t], 0, 0, page, flag);
			check_ret(fd, want, "MAP_CREATE");
			if (fd >= 0)
				close(fd);
		}
	}
}

static int create_attr(const struct bpfmap_create_attr *create)
{
	union attr a = { .create = *create };
	int fd = sys_map(BPFMAP_CMD_MAP_CREATE, &a, sizeof(a));

	if (fd >= 0)
		close(fd);
	return fd;
}

/* Other errors, and which of two comes first */
TEST(create_order, 0)
{
	struct bpfmap_create_attr a;
	size_t t;

	for (t = 0; t < ARRAY_SIZE(both); t++) {
		const struct bpfmap_create_attr good = {
			.map_type = both[t]->type, .max_entries = page,
		};

		row("create.ring", "%s", both[t]->name);
		check_ret(create_attr(&good), GOT_FD, "nothing wrong");
		a = good;
		a.map_extra = 1;
		check_ret(create_attr(&a), -EINVAL, "map_extra");
		a = good;
		a.map_flags = BPFMAP_F_NUMA_NODE;
		a.numa_node = 5000;
		check_ret(create_attr(&a), -EINVAL, "no such node");
		a = good;
		memcpy(a.map_name, "no-good", 7);
		check_ret(create_attr(&a), -EINVAL, "name");
		a = good;
		memcpy(a.map_name, "good.name_1", 11);
		check_ret(create_attr(&a), GOT_FD, "good name");
		if (!since(7, 3))
			continue;
		a = good;
		a.excl_prog_hash_size = 32;
		check_ret(create_attr(&a), -EINVAL, "hash");
		/* The type's own rules come after the token */
		a = good;
		a.map_flags = BPFMAP_F_TOKEN_FD;
		a.key_size = 4;
		a.map_token_fd = closed_fd();
		check_ret(create_attr(&a), -EBADF, "token, then key_size");
		a = good;
		a.map_flags = BPFMAP_F_TOKEN_FD | BPFMAP_F_RDONLY;
		a.map_token_fd = closed_fd();
		check_ret(create_attr(&a), -EBADF, "token, then flags");
		/* ... but before the name */
		a = good;
		memcpy(a.map_name, "no-good", 7);
		a.max_entries = 1;
		check_ret(create_attr(&a), -EINVAL, "name and size");
	}
}

TEST(info, 0)
{
	struct bpfmap_info in;
	size_t t;
	int fd;

	for (t = 0; t < ARRAY_SIZE(both); t++) {
		row("create.reported", "info of %s", both[t]->name);
		fd = new_ring(both[t], 4);
		check_ret(map_info(fd, &in), 0, "INFO");
		check_num(in.type, both[t]->type, "type");
		check_num(in.max_entries, 4 * page, "max_entries");
		check_num(in.key_size | in.value_size | in.map_flags, 0,
			  "sizes and flags");
		close(fd);
		if (t || !since(7, 3))
			continue;
		fd = map_new(both[t], 0, 0, page, BPFMAP_F_RB_OVERWRITE);
		check_ret(map_info(fd, &in), 0, "INFO");
		check_num(in.map_flags, BPFMAP_F_RB_OVERWRITE, "map_flags");
		close(fd);
	}
}

/* ------------------------------------------------------------------------- */
/* Commands for elements: [update.type], [delete.type], [next.type] */

TEST(no_elements, 0)
{
	static const int cmds[] = {
		BPFMAP_CMD_MAP_LOOKUP_ELEM, BPFMAP_CMD_MAP_UPDATE_ELEM,
		BPFMAP_CMD_MAP_DELETE_ELEM, BPFMAP_CMD_MAP_GET_NEXT_KEY,
		BPFMAP_CMD_MAP_LOOKUP_AND_DELETE_ELEM,
	};
	struct buf key = buf_new(8), value = buf_new(8);
	bool has_value;
	size_t i, t;
	int fd;

	for (t = 0; t < ARRAY_SIZE(both); t++) {
		fd = new_ring(both[t], 1);
		for (i = 0; i < ARRAY_SIZE(cmds); i++) {
			has_value = cmds[i] != BPFMAP_CMD_MAP_DELETE_ELEM;
			row("lookup.type", "%s, command %d", both[t]->name,
			    cmds[i]);
			check_ret(map_elem(cmds[i], fd, NULL,
					   has_value ? value.p : NULL, 0),
				  -ENOTSUPP, "without a key");
			check_ret(map_elem(cmds[i], fd, NULL, NULL, 0),
				  -ENOTSUPP, "without anything");
			if (has_value)
				check_ret(map_elem(cmds[i], fd, NULL,
						   (void *)INTPTR_MIN, 0),
					  -ENOTSUPP, "value in kernel memory");
			check_ret(map_elem(cmds[i], fd, key.p, NULL, 0),
				  -EINVAL, "with a key");
			check_ret(map_elem(cmds[i], fd, bad_ptr(), NULL, 0),
				  -EINVAL, "with a bad key");
			check_untouched(&key, "key");
			check_untouched(&value, "value");
		}
		close(fd);
	}
}

TEST(no_batches, 0)
{
	static const int cmds[] = {
		BPFMAP_CMD_MAP_LOOKUP_BATCH, BPFMAP_CMD_MAP_UPDATE_BATCH,
		BPFMAP_CMD_MAP_LOOKUP_AND_DELETE_BATCH,
		BPFMAP_CMD_MAP_DELETE_BATCH,
	};
	uint64_t token = 0;
	size_t i, t;
	int fd;

	for (t = 0; t < ARRAY_SIZE(both); t++) {
		fd = new_ring(both[t], 1);
		for (i = 0; i < 2 * ARRAY_SIZE(cmds); i++) {
			struct batch b = { .out = &token, .count = i & 1 };

			row("batch.type", "%s, command %d, count %zu",
			    both[t]->name, cmds[i / 2], i & 1);
			check_ret(map_batch(cmds[i / 2], fd, &b), -ENOTSUPP,
				  "batch");
			check_num(b.count, i & 1, "count");
		}
		close(fd);
	}
}

/* ------------------------------------------------------------------------- */
/* Mappings */

/* The mapping, or NULL with its errno checked */
static void *map_at(int fd, size_t pages, int prot, int flags, size_t from,
		    int want)
{
	void *p = mmap(NULL, pages * page, prot, flags, fd, from * page);

	check_ret(p == MAP_FAILED ? -errno : 0, want, "mmap");
	if (p == MAP_FAILED)
		return NULL;
	if (want) {
		munmap(p, pages * page);
		return NULL;
	}
	return p;
}

/* Rings of 2 pages: there are 6 of them to map */
static const struct {
	size_t from, pages;
	int prot, ring, user;
} ranges[] = {
	/* from, pages, prot, RINGBUF, USER_RINGBUF */
	{ 0, 1, RO, 0, 0 }, { 0, 2, RO, 0, 0 }, { 0, 6, RO, 0, 0 },
	{ 0, 7, RO, -EINVAL, -EINVAL }, { 1, 5, RO, 0, 0 },
	{ 1, 6, RO, -EINVAL, -EINVAL }, { 1, 1, RO, 0, 0 },
	{ 2, 2, RO, 0, 0 }, { 2, 4, RO, 0, 0 }, { 3, 2, RO, 0, 0 },
	{ 5, 1, RO, 0, 0 }, { 5, 2, RO, -EINVAL, -EINVAL },
	{ 6, 1, RO, -EINVAL, -EINVAL }, { 7, 1, RO, -EINVAL, -EINVAL },
	{ 1UL << 32, 1, RO, -EINVAL, -EINVAL },
	{ 1UL << 50, 1, RO, -EINVAL, -EINVAL },
	{ 0, 1, PROT_NONE, 0, 0 }, { 0, 7, PROT_NONE, -EINVAL, -EINVAL },
	{ 0, 1, RW, 0, -EPERM }, { 0, 1, PROT_WRITE, 0, -EPERM },
	{ 0, 2, RW, -EPERM, -EPERM }, { 0, 6, RW, -EPERM, -EPERM },
	{ 0, 7, RW, -EPERM, -EPERM }, { 1, 1, RW, -EPERM, 0 },
	{ 1, 5, RW, -EPERM, 0 }, { 1, 6, RW, -EPERM, -EINVAL },
	{ 1, 1, PROT_WRITE, -EPERM, 0 }, { 2, 1, RW, -EPERM, 0 },
	{ 2, 4, RW, -EPERM, 0 }, { 5, 1, RW, -EPERM, 0 },
	{ 5, 2, RW, -EPERM, -EINVAL }, { 6, 1, RW, -EPERM, -EINVAL },
	{ 1UL << 50, 1, RW, -EPERM, -EINVAL },
};

TEST(map_ranges, 0)
{
	size_t i, t, at, bytes;
	char *p;
	int fd;

	for (t = 0; t < ARRAY_SIZE(both); t++) {
		fd = new_ring(both[t], 2);
		for (i = 0; i < ARRAY_SIZE(ranges); i++) {
			row("ring.writable",
			    "%s: %zu pages from page %zu, prot %d",
			    both[t]->name, ranges[i].pages, ranges[i].from,
			    ranges[i].prot);
			p = map_at(fd, ranges[i].pages, ranges[i].prot,
				   MAP_SHARED, ranges[i].from,
				   t ? ranges[i].user : ranges[i].ring);
			if (!p)
				continue;
			/* All of it is there, and nothing in it */
			bytes = ranges[i].prot & PROT_READ ?
				ranges[i].pages * page : 0;
			for (at = 0; at < bytes && !p[at]; at++)
				;
			check_num(at, bytes, "zeros");
			munmap(p, ranges[i].pages * page);
		}
		close(fd);
	}
}

enum fd { RDWR, RDONLY, WRONLY, FROZEN };

static const struct {
	const char *name;
	enum fd fd;
	int prot, map, ring, user;
	bool newer;
} modes[] = {
	{ "private R", RDWR, RO, MAP_PRIVATE, -EINVAL, -EINVAL, 0 },
	{ "private RW", RDWR, RW, MAP_PRIVATE, -EINVAL, -EINVAL, 0 },
	{ "RX", RDWR, RO | PROT_EXEC, MAP_SHARED, -EPERM, -EPERM, 1 },
	{ "RDONLY fd: R", RDONLY, RO, MAP_SHARED, -EINVAL, -EINVAL, 0 },
	{ "RDONLY fd: RW", RDONLY, RW, MAP_SHARED, -EACCES, -EACCES, 0 },
	{ "WRONLY fd: R", WRONLY, RO, MAP_SHARED, -EACCES, -EACCES, 0 },
	{ "WRONLY fd: W", WRONLY, PROT_WRITE, MAP_SHARED, -EACCES, -EACCES, 0 },
	{ "frozen: R", FROZEN, RO, MAP_SHARED, 0, 0, 0 },
	{ "frozen: RW", FROZEN, RW, MAP_SHARED, -EPERM, -EPERM, 0 },
	{ "frozen: private RW", FROZEN, RW, MAP_PRIVATE, -EINVAL, -EINVAL, 0 },
};

static int reopen(int fd, uint32_t open_flags)
{
	return map_get_fd_by_id(map_id(fd), open_flags);
}

/* The page that may be written: the consumer's or the producer's */
TEST(who_may_map, 0)
{
	static const uint32_t open_flags[] = {
		[RDONLY] = BPFMAP_F_RDONLY, [WRONLY] = BPFMAP_F_WRONLY,
	};
	size_t i, t;
	int fd, other;
	void *p;

	for (t = 0; t < ARRAY_SIZE(both); t++) {
		for (i = 0; i < ARRAY_SIZE(modes); i++) {
			if (modes[i].newer && !since(7, 3))
				continue;
			row("mmap.shared", "%s: %s", both[t]->name,
			    modes[i].name);
			fd = new_ring(both[t], 1);
			other = fd;
			if (modes[i].fd == FROZEN)
				check_ret(map_freeze(fd), 0, "FREEZE");
			else if (modes[i].fd != RDWR)
				other = reopen(fd, open_flags[modes[i].fd]);
			p = map_at(other, 1, modes[i].prot, modes[i].map, t,
				   t ? modes[i].user : modes[i].ring);
			if (p)
				munmap(p, page);
			if (other != fd)
				close(other);
			close(fd);
		}
	}
}

static int protect(void *p, int prot)
{
	return mprotect(p, page, prot) ? -errno : 0;
}

TEST(writers, 0)
{
	size_t t;
	void *p, *q;
	int fd;

	for (t = 0; t < ARRAY_SIZE(both); t++) {
		row("mmap.writer", "%s: protection and freezing",
		    both[t]->name);
		fd = new_ring(both[t], 1);
		p = map_at(fd, 1, RO, MAP_SHARED, t, 0);
		q = map_at(fd, 1, RW, MAP_SHARED, t, 0);
		if (!p || !q)
			return;
		check_ret(protect(p, RW), -EACCES, "mprotect of a reader");
		check_ret(protect(q, RO), 0, "mprotect of a writer");
		check_ret(map_freeze(fd), -EBUSY, "FREEZE, one writer");
		check_ret(protect(q, RW), 0, "mprotect of a writer, back");
		munmap(q, page);
		check_ret(map_freeze(fd), 0, "FREEZE, one reader");
		check_ret(map_freeze(fd), -EPERM, "FREEZE again");
		map_at(fd, 1, RW, MAP_SHARED, t, -EPERM);
		check_num(*(volatile long *)p, 0, "what the reader sees");
		munmap(p, page);
		close(fd);
	}
}

/* A mapping keeps the ring when its descriptor is closed */
TEST(outlives_fd, 0)
{
	size_t t;
	char *p;
	int fd;

	for (t = 0; t < ARRAY_SIZE(both); t++) {
		row("mmap.holds", "%s: mapping without a descriptor",
		    both[t]->name);
		fd = new_ring(both[t], 1);
		p = map_at(fd, 1, RW, MAP_SHARED, t, 0);
		close(fd);
		if (!p)
			continue;
		memset(p, 0x5a, page);
		check_num(p[page - 1], 0x5a, "last byte");
		munmap(p, page);
	}
}

/* Data of the one that user space may write: the second half is the first */
TEST(data_twice, 0)
{
	char *p, *q;
	size_t i;
	int fd;

	row("ring.pages", "data pages are there twice");
	fd = new_ring(&user_ringbuf, 2);
	p = map_at(fd, 4, RW, MAP_SHARED, 2, 0);
	q = map_at(fd, 2, RO, MAP_SHARED, 4, 0);
	if (!p || !q)
		return;
	for (i = 0; i < 2 * page; i++)
		p[i] = i * 7 + i / page;
	check_mem(p + 2 * page, p, 2 * page, "second half");
	check_mem(q, p, 2 * page, "another mapping");
	p[3 * page] = 99;
	check_num(p[page], 99, "written by the second half");
	munmap(p, 4 * page);
	munmap(q, 2 * page);
}

int main(void)
{
	page = sysconf(_SC_PAGESIZE);
	return run_tests();
}
