// SPDX-License-Identifier: GPL-2.0-only
/*
 * A hostile user with access to the device, in a memory cgroup with a limit,
 * creates what is charged least: all memory that the machine loses is charged
 * to that group.
 *
 * HOSTILE_SHAPE: only what has a name that begins with this
 */
#include <grp.h>
#include <sched.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysinfo.h>

#include "group.h"
#include "map_types.h"
#include "pin.h"

#define LIMIT		"96M"
#define BUDGET		(32 * MIB)	/* no more once so much is charged */
#define DAMAGE		(128 * MIB)	/* or so much is lost */
#define MOST		8000		/* maps, names, ... of one shape */

/*
 * Uncharged memory that is allowed: the kernel's own records of an area of
 * vmalloc, its page tables, and unused parts of pages
 */
#define SPARE(charged)	(2 * MIB + (charged) / 16)

struct fill;

/**
 * struct shape - something that a user makes as often as possible
 * @attr: of the map
 * @inner: a map of maps
 * @elements: to insert into each map, or pages to touch
 * @make: makes one: 0 or -errno; NULL: a map
 */
struct shape {
	const char *name;
	struct bpfmap_create_attr attr;
	bool inner;
	unsigned int elements;
	int (*make)(struct fill *fill);
};

/**
 * struct fill - the making
 * @map: template of maps of maps, and what is pinned
 * @dir: for names
 * @made: how many
 * @result: what stopped it, 0 if nothing did
 */
struct fill {
	const struct shape *shape;
	int map;
	char dir[32];
	unsigned int made;
	int result;
};

static long free_memory(void)
{
	return (load_proc("/proc/meminfo", "MemFree") +
		load_cached_pages() * (long)(page / 1024)) * 1024;
}

/* Once no more memory comes back */
static long settled_memory(void)
{
	long before, now = free_memory();

	do {
		before = now;
		load_sleep_ms(300);
		now = free_memory();
	} while (now > before + 64 * 1024);
	return now;
}

static int touch(int fd, unsigned int pages)
{
	/* A node of the index and a page table for each, or nearly so */
	size_t i, distance = 64 * 4096;
	char *at = mmap(NULL, pages * distance, PROT_READ | PROT_WRITE,
			MAP_SHARED, fd, 0);

	if (at == MAP_FAILED)
		return -errno;
	for (i = 0; i < pages; i++)
		at[i * distance] = 1;
	return 0;
}

static int insert(int fd, const struct shape *shape, int inner)
{
	uint8_t key[16] = { 0 }, value[64] = { 0 };
	uint32_t i, at = shape->attr.map_type == BPFMAP_TYPE_LPM_TRIE ? 4 : 0;
	int err = 0;

	if (shape->attr.map_type == BPFMAP_TYPE_ARENA)
		return touch(fd, shape->elements);
	if (at)
		key[0] = 32;
	if (shape->inner)
		memcpy(value, &inner, sizeof(inner));
	for (i = 0; i < shape->elements && !err; i++) {
		memcpy(key + at, &i, sizeof(i));
		err = map_update(fd, key, value, 0);
	}
	return err;
}

static int make_map(struct fill *fill)
{
	struct bpfmap_create_attr a = fill->shape->attr;
	int fd;

	if (fill->shape->inner)
		a.inner_map_fd = fill->map;
	fd = map_create_attr(&a);
	if (fd < 0)
		return fd;
	return fill->shape->elements ? insert(fd, fill->shape, fill->map) : 0;
}

static const char *next_name(const struct fill *fill, const char *prefix)
{
	static char name[256];

	snprintf(name, sizeof(name), "%s/%s%u", fill->dir, prefix, fill->made);
	return name;
}

static int make_pin(struct fill *fill)
{
	return pin_obj(fill->map, next_name(fill, ""));
}

static int make_directory(struct fill *fill)
{
	return sys_result(mkdir(next_name(fill, ""), 0700));
}

/* Longer than what fits into a dentry by a byte or two */
static int make_long_name(struct fill *fill)
{
	return pin_obj(fill->map, next_name(fill, "a_name_of_more_than_40_bytes_in_all_"));
}

static int make_link(struct fill *fill)
{
	char target[1100];

	memset(target, 'x', sizeof(target));
	target[1025] = 0;	/* allocated: 2 KiB */
	return sys_result(symlink(target, next_name(fill, "")));
}

/* A file system that will not be mounted; it takes a namespace of its own */
static int make_context(struct fill *fill)
{
	if (!fill->made)
		unshare(CLONE_NEWUSER | CLONE_NEWNS);
	return syscall(SYS_fsopen, pin_fs_type(), 1) < 0 ? -errno : 0;
}

#define MAP(type_, key, value, entries, flags) .attr = {			\
	.map_type = BPFMAP_TYPE_##type_, .key_size = (key),			\
	.value_size = (value), .max_entries = (entries), .map_flags = (flags) }
#define EXTRA(type_, key, value, entries, flags, extra) .attr = {		\
	.map_type = BPFMAP_TYPE_##type_, .key_size = (key),			\
	.value_size = (value), .max_entries = (entries), .map_flags = (flags),	\
	.map_extra = (extra) }
#define NP BPFMAP_F_NO_PREALLOC

/*
 * Of each type the smallest, what has most beside the elements, and elements; a
 * type that is not here gets an ordinary map
 */
static const struct shape shapes[] = {
	{ "HASH", MAP(HASH, 1, 1, 1, 0) },
	{ "HASH, table", MAP(HASH, 1, 1, 1 << 20, NP) },
	{ "HASH, elements", MAP(HASH, 4, 1, 20000, NP), .elements = 20000 },
	{ "PERCPU_HASH", MAP(PERCPU_HASH, 1, 1, 1, 0) },
	{ "PERCPU_HASH, elements", MAP(PERCPU_HASH, 4, 1, 20000, NP), .elements = 20000 },
	{ "LRU_HASH", MAP(LRU_HASH, 1, 1, 1, 0) },
	{ "LRU_HASH, per CPU", MAP(LRU_HASH, 1, 1, 1000, BPFMAP_F_NO_COMMON_LRU) },
	{ "LRU_PERCPU_HASH", MAP(LRU_PERCPU_HASH, 1, 1, 1, 0) },
	{ "ARRAY", MAP(ARRAY, 4, 1, 1, 0) },
	{ "ARRAY, mapped", MAP(ARRAY, 4, 1, 1, BPFMAP_F_MMAPABLE) },
	{ "ARRAY, two pages", MAP(ARRAY, 4, 8, 513, 0) },
	{ "ARRAY, stripes", MAP(ARRAY, 4, 9, 4096, 0) },
	{ "HASH, view", MAP(HASH, 1, 1, 1, BPFMAP_F_VIEW) },
	{ "HASH, view, elements", MAP(HASH, 4, 1, 20000, NP | BPFMAP_F_VIEW),
	  .elements = 20000 },
	{ "LRU_HASH, view", MAP(LRU_HASH, 1, 1, 1, BPFMAP_F_VIEW) },
	{ "ARRAY, view", MAP(ARRAY, 4, 3, 1, BPFMAP_F_VIEW) },
	{ "PERCPU_ARRAY", MAP(PERCPU_ARRAY, 4, 1, 1, 0) },
	{ "PERCPU_ARRAY, two pages", MAP(PERCPU_ARRAY, 4, 8, 513, 0) },
	{ "LPM_TRIE", MAP(LPM_TRIE, 5, 1, 1, NP) },
	{ "LPM_TRIE, elements", MAP(LPM_TRIE, 8, 1, 20000, NP), .elements = 20000 },
	{ "RHASH", MAP(RHASH, 4, 4, 1, NP) },
	{ "RHASH, table", EXTRA(RHASH, 4, 4, 65535, NP, 65535) },
	{ "RHASH, elements", MAP(RHASH, 4, 1, 20000, NP), .elements = 20000 },
	{ "QUEUE", MAP(QUEUE, 0, 1, 1, 0) },
	{ "STACK", MAP(STACK, 0, 1, 1, 0) },
	{ "BLOOM_FILTER", EXTRA(BLOOM_FILTER, 0, 1, 1, 0, 15) },
	{ "RINGBUF", MAP(RINGBUF, 0, 0, 4096, 0) },
	{ "USER_RINGBUF", MAP(USER_RINGBUF, 0, 0, 4096, 0) },
	{ "ARRAY_OF_MAPS", MAP(ARRAY_OF_MAPS, 4, 4, 1, 0), .inner = true },
	{ "HASH_OF_MAPS", MAP(HASH_OF_MAPS, 4, 4, 1, 0), .inner = true },
	{ "HASH_OF_MAPS, elements", MAP(HASH_OF_MAPS, 4, 4, 1000, NP), .inner = true,
	  .elements = 1000 },
#if HAS_ARENA
	{ "ARENA", MAP(ARENA, 0, 0, 1, BPFMAP_F_MMAPABLE) },
	{ "ARENA, numbers", MAP(ARENA, 0, 0, 1 << 20, BPFMAP_F_MMAPABLE) },
	{ "ARENA, pages", MAP(ARENA, 0, 0, 1 << 18, BPFMAP_F_MMAPABLE), .elements = 4000 },
#endif
	{ "pins", .make = make_pin },
	{ "pins with long names", .make = make_long_name },
	{ "directories", .make = make_directory },
	{ "symbolic links", .make = make_link },
	{ "file systems not mounted", .make = make_context },
};

static bool has_shape(uint32_t type)
{
	for (size_t i = 0; i < ARRAY_SIZE(shapes); i++)
		if (shapes[i].attr.map_type == type)
			return true;
	return false;
}

static long lost_so_far(long before)
{
	struct sysinfo info;

	return sysinfo(&info) ? 0 : before - (long)(info.freeram * info.mem_unit);
}

/* Make as many as possible; as a user without any rights */
static void fill_up(void *arg)
{
	struct fill *fill = arg;
	int (*make)(struct fill *fill) = fill->shape->make ?: make_map;
	long before = -lost_so_far(0);

	if (setgroups(0, NULL) || setgid(1000) || setuid(1000))
		_exit(2);
	for (fill->made = 0; fill->made < MOST; fill->made++) {
		fill->result = make(fill);
		if (fill->result)
			break;
		if (fill->made > 64 && fill->made % 16)
			continue;
		if (group_current(GROUP_OWNER) > BUDGET ||
		    lost_so_far(before) > DAMAGE)
			break;
	}
}

/* What a failure may be explained by */
static void print_memory(const char *when)
{
	static const char *const fields[] = { "Percpu", "Slab", "SUnreclaim",
		"VmallocUsed", "PageTables", "KernelStack" };
	unsigned int i;

	printf("# %s:", when);
	for (i = 0; i < ARRAY_SIZE(fields); i++)
		printf(" %s %ld", fields[i], load_proc("/proc/meminfo", fields[i]));
	putchar('\n');
}

static void lose(const struct shape *shape)
{
	struct fill fill = { .shape = shape };
	long before, charged, lost;
	int first;

	row("-", "%s", shape->name);
	need(!pin_mount(fill.dir, ""));
	chmod(fill.dir, 0777);
	fill.map = map_new(&kinds[0], 4, 8, 4, 0);
	first = dup(0);
	close(first);

	charged = group_settled(GROUP_OWNER);
	before = settled_memory();
	expect(group_run(GROUP_OWNER, fill_up, &fill, sizeof(fill)));
	lost = before - settled_memory();
	charged = group_current(GROUP_OWNER) - charged;
	printf("# %s: %u, then %d: %ld KiB lost, %ld charged, %ld not\n",
	       shape->name, fill.made, fill.result, lost / 1024,
	       charged / 1024, (lost - charged) / 1024);
	expect(fill.made > 0);
	if (!expect(lost - charged <= SPARE(charged)))
		print_memory("with it");

	syscall(SYS_close_range, first, ~0U, 0);
	close(fill.map);
	pin_umount(fill.dir, 0);
	group_wait(GROUP_OWNER, MIB);
	if (lost - charged > SPARE(charged)) {
		settled_memory();
		print_memory("without");
	}
}

TEST(test_shapes, 0)
{
	const char *only = getenv("HOSTILE_SHAPE") ?: "";
	unsigned int i;

	if (!groups_there())
		return;
	if (load_kasan()) {
		skipped("KASAN and kmemleak keep records of each allocation");
		return;
	}
	expect_eq(group_write(GROUP_OWNER, "memory.max", LIMIT), 0);
	for (i = 0; i < ARRAY_SIZE(shapes); i++)
		if (!strncmp(shapes[i].name, only, strlen(only)))
			lose(&shapes[i]);
	for (i = 0; i < N_TYPE_ROWS; i++) {
		struct shape shape = {
			type_rows[i].NAME, type_row_attr(&type_rows[i]),
			.inner = type_rows[i].values == VALUES_MAPS,
		};

		if (!has_shape(shape.attr.map_type) && is_here(&type_rows[i]) &&
		    !strncmp(shape.name, only, strlen(only)))
			lose(&shape);
	}
}

/* ------------------------------------------------------------------------- */
/* The table of ids has a node for 64 ids, if only one is in use */

#define KEPT		300
#define PER_NODE	64

static int smallest(void)
{
	return map_new(KIND(K_ARRAY), 4, 8, 1, 0);
}

/* One in @arg maps is kept */
static void keep_some(void *arg)
{
	unsigned int i, apart = *(unsigned int *)arg;
	int fd;

	for (i = 0; i < KEPT * apart; i++) {
		fd = smallest();
		if (fd < 0)
			_exit(2);
		if (i % apart)
			close(fd);
	}
}

/* What that takes of the slab allocator, as far as it is charged */
static long charged_slab(unsigned int apart)
{
	int first = dup(0);
	long before, with;

	close(first);
	group_settled(GROUP_OWNER);
	before = group_read(GROUP_OWNER, "memory.stat", "slab");
	expect(group_run(GROUP_OWNER, keep_some, &apart, sizeof(apart)));
	group_settled(GROUP_OWNER);
	with = group_read(GROUP_OWNER, "memory.stat", "slab") - before;
	printf("# %d maps, ids %u apart: %ld KiB of slabs\n", KEPT, apart, with / 1024);
	syscall(SYS_close_range, first, ~0U, 0);
	return with;
}

TEST(test_ids, 0)
{
	long dense, sparse;

	if (!groups_there())
		return;
	charged_slab(1);	/* what comes with the first ones */
	dense = charged_slab(1);
	sparse = charged_slab(PER_NODE);
	/* 576 bytes for each node, or half of it; debugging makes them more */
	expect(sparse - dense >= KEPT * 50 * (long)sizeof(void *));
}

int main(void)
{
	struct rlimit many = { MOST + 1000, MOST + 1000 };

	setrlimit(RLIMIT_NOFILE, &many);
	/* The table of descriptors grows once, and is charged to no group */
	close(dup2(0, MOST + 500));
	device_fd();
	return groups_run_tests();
}
