// SPDX-License-Identifier: GPL-2.0-only
/*
 * Maps of millions of elements, and maps that do not fit into memory
 *
 * BIG_ENTRIES: elements of the preallocated map (10 million, or 500000 with 32
 *		bits, which have little address space), a tenth of it without
 *		preallocation
 * BIG_ALL: 1 to ask for many more maps that do not fit
 */
#include "load.h"

#define BATCH		65536
#define ENTRIES		(sizeof(long) == 8 ? 10000000 : 500000)

struct big {
	int fd;
	unsigned long entries;
	unsigned long start;		/* of the present step, in ms */
	uint64_t *keys, *values;		/* BATCH of each */
};

/* Keys are all different, as multiplying by an odd number loses nothing. */
static uint64_t nth_key(unsigned long n)
{
	return (n + 1) * 0x9e3779b97f4a7c15ULL;
}

static uint64_t value_of(uint64_t key)
{
	return (key ^ key >> 29) * 0xbf58476d1ce4e5b9ULL;
}

static void step_done(struct big *b, const char *what)
{
	unsigned long ms = load_ms() - b->start;

	printf("# %s: %lu ms, %lu ns an element\n", what, ms,
	       ms * 1000000 / b->entries);
	b->start = load_ms();
}

static void insert_all(struct big *b)
{
	unsigned long n, i;
	uint32_t count;

	for (n = 0; n < b->entries; n += count) {
		count = b->entries - n < BATCH ? b->entries - n : BATCH;
		for (i = 0; i < count; i++) {
			b->keys[i] = nth_key(n + i);
			b->values[i] = value_of(b->keys[i]);
		}
		expect_eq(load_batch(UB, b->fd, NULL, NULL,
				     b->keys, b->values, &count, 0), 0);
		need(count > 0);
	}
	step_done(b, "update_batch");
}

/* Walks over all: the keys' count, sum and xor tell that it was each of them once. */
static void walk_all(struct big *b, int cmd, unsigned long first, unsigned long end)
{
	uint64_t sum = 0, xor = 0, wrong = 0;
	unsigned long total = 0, i;
	void *in = NULL;
	uint32_t token, count;
	int ret;

	do {
		count = BATCH;
		ret = load_batch(cmd, b->fd, in, &token, b->keys, b->values, &count, 0);
		expect(ret == 0 || ret == -ENOENT);
		for (i = 0; i < count; i++) {
			sum += b->keys[i];
			xor ^= b->keys[i];
			wrong += b->values[i] != value_of(b->keys[i]);
		}
		total += count;
		in = &token;
	} while (!ret && total <= b->entries);
	for (i = first; i < end; i++) {
		sum -= nth_key(i);
		xor ^= nth_key(i);
	}
	expect_eq(ret, -ENOENT);
	expect_eq(total, end - first);
	expect(sum == 0 && xor == 0);
	expect_eq(wrong, 0);
	step_done(b, cmd == LB ? "lookup_batch" :
		  "lookup_and_delete_batch of the rest");
}

static void lookup_some(struct big *b)
{
	unsigned long i, missed = 0;
	uint64_t key, value;

	srandom(1);
	for (i = 0; i < 100000; i++) {
		key = nth_key(random() % b->entries);
		missed += map_lookup(b->fd, &key, &value, 0) ||
			  value != value_of(key);
	}
	expect_eq(missed, 0);
	key = nth_key(b->entries);
	expect_eq(map_lookup(b->fd, &key, &value, 0), -ENOENT);
	value = 0;
	expect_eq(map_update(b->fd, &key, &value, 0), -E2BIG);
	b->start = load_ms();
}

static void delete_half(struct big *b)
{
	unsigned long n, i;
	uint32_t count;

	for (n = 0; n < b->entries / 2; n += count) {
		count = b->entries / 2 - n < BATCH ? b->entries / 2 - n : BATCH;
		for (i = 0; i < count; i++)
			b->keys[i] = nth_key(n + i);
		expect_eq(load_batch(DB, b->fd, NULL, NULL,
				     b->keys, NULL, &count, 0), 0);
		need(count > 0);
	}
	step_done(b, "delete_batch of one half");
}

/*
 * KiB available: the kernel's own count lacks the free pages that each
 * CPU has put aside, and after a big map has gone they are many.
 */
static long available(void)
{
	return load_proc("/proc/meminfo", "MemAvailable") + load_cached_pages() * 4;
}

/* Memory comes back some time after close(). */
static void expect_memory_back(long before, long used)
{
	long slack = 16 * 1024 + used / 20, now;
	unsigned long start = load_ms();

	while ((now = available()) < before - slack && load_ms() < start + LOAD_PATIENCE)
		load_sleep_ms(50);
	if (used)
		printf("# given back after %lu ms: %ld KiB available at first, %ld now\n",
		       load_ms() - start, before, now);
	check(now >= before - slack, "%ld KiB are missing", before - now);
}

static void run_big(const struct kind *kind, unsigned long entries)
{
	struct big b = { .entries = entries };
	long before, used;

	before = available();
	if (before < (long)(entries / 1024 * 200 + 128 * 1024)) {
		skipped("%ld KiB are too little for %lu elements", before, entries);
		return;
	}
	b.keys = calloc(BATCH, sizeof(uint64_t));
	b.values = calloc(BATCH, sizeof(uint64_t));
	need(b.keys && b.values);
	/* The buffers' own pages shall not count. */
	memset(b.keys, 1, BATCH * sizeof(uint64_t));
	memset(b.values, 1, BATCH * sizeof(uint64_t));
	before = available();

	b.start = load_ms();
	b.fd = map_new(kind, 8, 8, entries, 0);
	need(b.fd >= 0);
	step_done(&b, "create");
	insert_all(&b);
	used = before - available();
	if (used > 0)
		printf("# %lu elements: %ld KiB, %.1f bytes an element\n", entries, used,
		       used * 1024.0 / entries);
	walk_all(&b, LB, 0, entries);
	lookup_some(&b);
	delete_half(&b);
	walk_all(&b, LADB, entries / 2, entries);
	expect_eq(load_count(b.fd, kind, 0), 0);
	close(b.fd);
	expect_memory_back(before, used);
	free(b.keys);
	free(b.values);
}

TEST(test_prealloc, 0)
{
	run_big(KIND(K_HASH), load_env("BIG_ENTRIES", ENTRIES));
}

TEST(test_no_prealloc, 0)
{
	run_big(KIND(K_HASH_NP), load_env("BIG_ENTRIES", ENTRIES) / 10);
}

/* Only the first FEW of each, unless BIG_ALL asks for all. */
#define FEW	5

static const uint32_t many[] = {
	1U << 20, 1U << 27, (1U << 27) + 1, (1U << 31) + 1, 0xffffffff,
	1U << 24, (1U << 27) - 1, 1U << 28, 1U << 30, (1U << 31) - 1, 1U << 31, 0xfffffffe,
};

static const uint32_t large[] = {
	8, 32768, (4U << 20) - 80, 0x7fffffff, 0xffffffff,
	1, 4096, 32769, 1U << 20, (4U << 20) - 8, 4U << 20, 1U << 30, 0x7ffffff8,
	0x80000000, 0xfffffff8,
};

/*
 * Every request fits, or is ENOMEM or E2BIG, and no process is killed for it.
 */
TEST(test_huge, K_ALL)
{
	long before = available(), kills = load_proc("/proc/vmstat", "oom_kill");
	unsigned int i, j, fits = 0, no_memory = 0, too_big = 0;
	unsigned long start = load_ms(), began;
	bool all = load_env("BIG_ALL", 0);
	int fd;

	expect(kills >= 0);
	for (i = 0; i < (all ? ARRAY_SIZE(many) : FEW); i++) {
		for (j = 0; j < (all ? ARRAY_SIZE(large) : FEW); j++) {
			/* Allocating the memory in millions of tiny pieces takes long. */
			if (is_percpu(k) && large[j] < 4096 &&
			    (!all || many[i] > 1U << 20))
				continue;
			began = load_ms();
			fd = load_create(k, large[j], many[i]);
			if (load_ms() - began > 3000)
				printf("# %u entries of %u bytes: %s after %lu ms\n",
				       many[i], large[j], fd < 0 ? strerror(-fd) : "fits",
				       load_ms() - began);
			if (fd >= 0)
				close(fd);
			check(fd >= 0 || fd == -ENOMEM || fd == -E2BIG,
			      "%u entries of %u bytes: %d", many[i], large[j], fd);
			fits += fd >= 0;
			no_memory += fd == -ENOMEM;
			too_big += fd == -E2BIG;
			/* Else the next one finds the memory of this one missing. */
			if (fd >= 0)
				expect_memory_back(before, 0);
		}
	}
	printf("# %s: %u fit, %u ENOMEM, %u E2BIG, %lu ms\n", k->name, fits,
	       no_memory, too_big, load_ms() - start);
	expect(too_big > 0);
	/* Without preallocation only buckets have to fit. */
	expect(no_memory > 0 || k->flags & BPFMAP_F_NO_PREALLOC);
	expect_eq(load_proc("/proc/vmstat", "oom_kill"), kills);
	expect_memory_back(before, 0);
}

/* Pages allocated since the start of the machine */
static long pages_allocated(void)
{
	static const char *const zones[] = { "pgalloc_dma", "pgalloc_dma32",
					     "pgalloc_normal" };
	long sum = 0, n;
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(zones); i++) {
		n = load_proc("/proc/vmstat", zones[i]);
		sum += n > 0 ? n : 0;
	}
	return sum;
}

/* The buckets would fit, the elements do not: nothing is allocated for it. */
TEST(test_refused_early, K_HASH | K_PHASH)
{
	long pages, bucket_pages;
	uint32_t entries = 1 << 20;

	if (backend() == BACKEND_BPF) {
		skipped("bpf(2) begins with the buckets");
		return;
	}
	/* An element has more than 64 bytes here, a bucket 4 */
	while ((long)(entries / 1024 * 64) < 2 * available() && entries < 1U << 30)
		entries *= 2;
	bucket_pages = entries / 4096 * 4;
	pages = pages_allocated();
	expect(pages > 0);
	expect_eq(load_create(k, 64, entries), -ENOMEM);
	pages = pages_allocated() - pages;
	printf("# %u entries: %ld pages for a refusal, buckets have %ld\n", entries,
	       pages, bucket_pages);
	expect(pages < bucket_pages / 2);
}

TEST_MAIN
