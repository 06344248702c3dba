// SPDX-License-Identifier: GPL-2.0-only
/*
 * contract_ringbuf - ring buffers of both directions as user space sees them:
 * creation, commands, mappings. contract_ring_data tests their contents.
 */
#include <poll.h>
#include <sys/mman.h>

#include "keyless.h"

#define RO	PROT_READ
#define RW	(PROT_READ | PROT_WRITE)

static bool is_user(const struct kind *k)
{
	return k->type == BPFMAP_TYPE_USER_RINGBUF;
}

static int new_ring(const struct kind *k, uint32_t pages)
{
	int fd = map_new(k, 0, 0, pages * page, 0);

	check_ret(fd, GOT_FD, "MAP_CREATE");
	return fd;
}

/* ------------------------------------------------------------------------- */
/* Creation */

static const struct create_case creates[] = {
	{ "4 KiB", SHAPE(0, 0, 4096, 0), GOT_FD },
	{ "8 KiB", SHAPE(0, 0, 8192, 0), GOT_FD },
	{ "1 MiB", SHAPE(0, 0, 1 << 20, 0), GOT_FD },
	{ "nothing", SHAPE(0, 0, 0, 0), -EINVAL },
	{ "1", SHAPE(0, 0, 1, 0), -EINVAL },
	{ "half a page", SHAPE(0, 0, 2048, 0), -EINVAL },
	{ "a page less 1", SHAPE(0, 0, 4095, 0), -EINVAL },
	{ "a page and 1", SHAPE(0, 0, 4097, 0), -EINVAL },
	{ "1.5 pages", SHAPE(0, 0, 4096 + 2048, 0), -EINVAL },
	{ "3 pages", SHAPE(0, 0, 12288, 0), -EINVAL },
	{ "2^32 - 1", SHAPE(0, 0, UINT32_MAX, 0), -EINVAL },
	{ "2^32 - 1 page", SHAPE(0, 0, 0xfffff000, 0), -EINVAL },
	{ "key_size 1", SHAPE(1, 0, 4096, 0), -EINVAL },
	{ "key_size 4", SHAPE(4, 0, 4096, 0), -EINVAL },
	{ "key_size 2^32 - 1", SHAPE(UINT32_MAX, 0, 4096, 0), -EINVAL },
	{ "value_size 1", SHAPE(0, 1, 4096, 0), -EINVAL },
	{ "value_size 2^32 - 1", SHAPE(0, UINT32_MAX, 4096, 0), -EINVAL },
	{ "both sizes", SHAPE(4, 8, 4096, 0), -EINVAL },
	{ "map_extra", SHAPE(0, 0, 4096, 0, .map_extra = 1), -EINVAL },
	{ "no such node", SHAPE(0, 0, 4096, BPFMAP_F_NUMA_NODE,
				.numa_node = 5000), -EINVAL },
	{ "bad name", SHAPE(0, 0, 4096, 0, .map_name = "no-good"), -EINVAL },
	{ "hash", SHAPE(0, 0, 4096, 0, .excl_prog_hash_size = 32), -EINVAL,
	  true },
	/* The type's own rules come after the token, but before the name */
	{ "token before key_size", SHAPE(4, 0, 4096, BPFMAP_F_TOKEN_FD,
					 .map_token_fd = 250), -EBADF, true },
	{ "token before flags", SHAPE(0, 0, 4096, BPFMAP_F_TOKEN_FD |
		BPFMAP_F_RDONLY, .map_token_fd = 250), -EBADF, true },
	{ "name and size", SHAPE(0, 0, 1, 0, .map_name = "no-good"), -EINVAL },
};

TEST(create, K_RINGS)
{
	bool overwrite = k->type == BPFMAP_TYPE_RINGBUF && since(7, 3);
	struct bpfmap_create_attr good = SHAPE(0, 0, page, 0);

	check_creates("create.ring", k, creates, ARRAY_SIZE(creates));
	check_create_flags("create.flags", k, good, BPFMAP_F_NUMA_NODE |
			   (overwrite ? BPFMAP_F_RB_OVERWRITE : 0));
	row("create.name", "%s: good name", k->name);
	good.map_type = k->type;
	strcpy(good.map_name, "good.name_1");
	check_create(&good, GOT_FD, "good.name_1");

	/* More than there is memory; bpf(2) would take all of it first */
	if (backend() == BACKEND_BPF ||
	    sysconf(_SC_PHYS_PAGES) * page > 1UL << 31)
		return;
	row("create.reported", "%s: 2 GiB", k->name);
	good.max_entries = 1U << 31;
	created(&good, TOO_BIG);
}

/* ------------------------------------------------------------------------- */
/* Commands for elements: [update.type], [delete.type], [next.type] */

TEST(no_elements, K_RINGS)
{
	static const int cmds[] = { LOOKUP, UPDATE, DELETE, NEXT, LAD };
	struct buf value = buf_new(8);
	int fd = new_ring(k, 1);
	size_t i;

	for (i = 0; i < ARRAY_SIZE(cmds); i++) {
		row("lookup.type", "%s, command %d", k->name, cmds[i]);
		check_ret(map_elem(cmds[i], fd, NULL, NULL, 0), -ENOTSUPP,
			  "without anything");
		if (cmds[i] == DELETE)
			continue;
		check_ret(map_elem(cmds[i], fd, NULL, value.p, 0), -ENOTSUPP,
			  "without a key");
		check_ret(map_elem(cmds[i], fd, NULL, (void *)INTPTR_MIN, 0),
			  -ENOTSUPP, "value in kernel memory");
	}
	check_untouched(&value, "value");
	keyless_check_keys(fd, k);
	keyless_check_batches(fd, k);
}

/* ------------------------------------------------------------------------- */
/* Mappings */

/* The mapping, or NULL with its errno checked */
static void *map_at(int fd, size_t pages, int prot, int flags, uint64_t from,
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
	uint64_t from, pages;
	int prot, ring, user;
} ranges[] = {
	/* from, pages, prot, RINGBUF, USER_RINGBUF */
	{ 0, 1, RO, 0, 0 }, { 0, 2, RO, 0, 0 }, { 0, 6, RO, 0, 0 },
	{ 0, 7, RO, -EINVAL, -EINVAL }, { 1, 5, RO, 0, 0 },
	{ 1, 6, RO, -EINVAL, -EINVAL }, { 1, 1, RO, 0, 0 },
	{ 2, 2, RO, 0, 0 }, { 2, 4, RO, 0, 0 }, { 3, 2, RO, 0, 0 },
	{ 5, 1, RO, 0, 0 }, { 5, 2, RO, -EINVAL, -EINVAL },
	{ 6, 1, RO, -EINVAL, -EINVAL }, { 7, 1, RO, -EINVAL, -EINVAL },
	{ FAR_PAGE, 1, RO, -EINVAL, -EINVAL },
	{ FARTHER_PAGE, 1, RO, -EINVAL, -EINVAL },
	{ 0, 1, PROT_NONE, 0, 0 }, { 0, 7, PROT_NONE, -EINVAL, -EINVAL },
	{ 0, 1, RW, 0, -EPERM }, { 0, 1, PROT_WRITE, 0, -EPERM },
	{ 0, 2, RW, -EPERM, -EPERM }, { 0, 6, RW, -EPERM, -EPERM },
	{ 0, 7, RW, -EPERM, -EPERM }, { 1, 1, RW, -EPERM, 0 },
	{ 1, 5, RW, -EPERM, 0 }, { 1, 6, RW, -EPERM, -EINVAL },
	{ 1, 1, PROT_WRITE, -EPERM, 0 }, { 2, 1, RW, -EPERM, 0 },
	{ 2, 4, RW, -EPERM, 0 }, { 5, 1, RW, -EPERM, 0 },
	{ 5, 2, RW, -EPERM, -EINVAL }, { 6, 1, RW, -EPERM, -EINVAL },
	{ FARTHER_PAGE, 1, RW, -EPERM, -EINVAL },
};

TEST(map_ranges, K_RINGS)
{
	bool user = is_user(k);
	size_t i, at, bytes;
	char *p;
	int fd;

	fd = new_ring(k, 2);
	for (i = 0; i < ARRAY_SIZE(ranges); i++) {
		row("ring.writable", "%s: %llu pages from page %llu, prot %d",
		    k->name, (unsigned long long)ranges[i].pages,
		    (unsigned long long)ranges[i].from, ranges[i].prot);
		p = map_at(fd, ranges[i].pages, ranges[i].prot,
			   MAP_SHARED, ranges[i].from,
			   user ? ranges[i].user : ranges[i].ring);
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
TEST(who_may_map, K_RINGS)
{
	static const uint32_t open_flags[] = {
		[RDONLY] = BPFMAP_F_RDONLY, [WRONLY] = BPFMAP_F_WRONLY,
	};
	bool user = is_user(k);
	size_t i;
	int fd, other;
	void *p;

	for (i = 0; i < ARRAY_SIZE(modes); i++) {
		if (modes[i].newer && !since(7, 3))
			continue;
		row("mmap.shared", "%s: %s", k->name, modes[i].name);
		fd = new_ring(k, 1);
		other = fd;
		if (modes[i].fd == FROZEN)
			check_ret(map_freeze(fd), 0, "FREEZE");
		else if (modes[i].fd != RDWR)
			other = reopen(fd, open_flags[modes[i].fd]);
		p = map_at(other, 1, modes[i].prot, modes[i].map, user,
			   user ? modes[i].user : modes[i].ring);
		if (p)
			munmap(p, page);
		if (other != fd)
			close(other);
		close(fd);
	}
}

static int protect(void *p, int prot)
{
	return mprotect(p, page, prot) ? -errno : 0;
}

TEST(writers, K_RINGS)
{
	bool user = is_user(k);
	void *p, *q;
	int fd;

	row("mmap.writer", "%s: protection and freezing", k->name);
	fd = new_ring(k, 1);
	p = map_at(fd, 1, RO, MAP_SHARED, user, 0);
	q = map_at(fd, 1, RW, MAP_SHARED, user, 0);
	if (!p || !q)
		return;
	check_ret(protect(p, RW), -EACCES, "mprotect of a reader");
	check_ret(protect(q, RO), 0, "mprotect of a writer");
	check_ret(map_freeze(fd), -EBUSY, "FREEZE, one writer");
	check_ret(protect(q, RW), 0, "mprotect of a writer, back");
	munmap(q, page);
	check_ret(map_freeze(fd), 0, "FREEZE, one reader");
	check_ret(map_freeze(fd), -EPERM, "FREEZE again");
	map_at(fd, 1, RW, MAP_SHARED, user, -EPERM);
	check_num(*(volatile long *)p, 0, "what the reader sees");
	munmap(p, page);
}

/* A mapping keeps the ring when its descriptor is closed */
TEST(outlives_fd, K_RINGS)
{
	bool user = is_user(k);
	char *p;
	int fd;

	row("mmap.holds", "%s: mapping without a descriptor", k->name);
	fd = new_ring(k, 1);
	p = map_at(fd, 1, RW, MAP_SHARED, user, 0);
	close(fd);
	if (!p)
		return;
	memset(p, 0x5a, page);
	check_num(p[page - 1], 0x5a, "last byte");
	munmap(p, page);
}

/* Data of the one that user space may write: the second half is the first */
TEST(data_twice, K_USER_RINGBUF)
{
	char *p, *q;
	size_t i;
	int fd;

	row("ring.pages", "data pages are there twice");
	fd = new_ring(k, 2);
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

static int poll_now(int fd)
{
	struct pollfd p = {
		.fd = fd,
		.events = POLLIN | POLLRDNORM | POLLOUT | POLLWRNORM | POLLPRI,
	};

	return poll(&p, 1, 0) < 0 ? -errno : p.revents;
}

/* By the positions alone, whatever is in the data */
TEST(room, K_USER_RINGBUF)
{
	static const struct {
		long used;
		bool room;
	} rows[] = {
		{ 0, true }, { 8, true }, { 4088, true }, { 4095, true },
		{ 4096, false }, { 4104, false }, { -8, false },
	};
	int fd = new_ring(k, 1);
	unsigned long *producer = map_at(fd, 1, RW, MAP_SHARED, 1, 0);
	size_t i;

	if (!producer)
		return;
	for (i = 0; i < ARRAY_SIZE(rows); i++) {
		row("user_ring.poll", "%ld bytes used", rows[i].used);
		*producer = rows[i].used;
		check_num(poll_now(fd), rows[i].room ? POLLOUT | POLLWRNORM : 0,
			  "poll");
	}
	munmap(producer, page);
	close(fd);
}

TEST_MAIN
