// SPDX-License-Identifier: GPL-2.0-only
/*
 * Arenas: pages that modules allocate, find and free. No user space maps these,
 * but they have user addresses.
 */
#include <linux/bitmap.h>
#include <linux/mm.h>
#include <linux/numa.h>
#include <linux/prandom.h>
#include <linux/rcupdate.h>
#include <linux/string.h>

#include "crew.h"
#include "fixture.h"

#define START	(0x30UL << 32)

static struct bpfmap *arena_create(u32 pages, u64 start)
{
	const struct bpfmap_create_attr attr = {
		.map_type = BPFMAP_TYPE_ARENA,
		.max_entries = pages,
		.map_flags = BPFMAP_F_MMAPABLE,
		.map_extra = start,
	};

	return bpfmap_create(&attr);
}

static unsigned long at(unsigned long index)
{
	return START + (index << PAGE_SHIFT);
}

static long alloc(struct bpfmap *map, unsigned long addr, u32 nr)
{
	return bpfmap_arena_alloc_pages(map, addr, nr, NUMA_NO_NODE, 0);
}

static bool has_page(struct bpfmap *map, unsigned long addr)
{
	bool has;

	rcu_read_lock();
	has = bpfmap_arena_kaddr(map, addr);
	rcu_read_unlock();
	return has;
}

/* Write a word that is this page's; false if there is no page, or not zeros */
static bool claim(struct bpfmap *map, unsigned long addr, u64 word)
{
	u64 *p;
	bool ok;

	rcu_read_lock();
	p = bpfmap_arena_kaddr(map, addr);
	ok = p && PAGE_ALIGNED(p) && !memchr_inv(p, 0, PAGE_SIZE);
	if (ok) {
		WRITE_ONCE(p[0], word);
		WRITE_ONCE(p[PAGE_SIZE / sizeof(*p) - 1], word);
	}
	rcu_read_unlock();
	return ok;
}

static bool is_claimed(struct bpfmap *map, unsigned long addr, u64 word)
{
	u64 *p;
	bool ok;

	rcu_read_lock();
	p = bpfmap_arena_kaddr(map, addr);
	ok = p && READ_ONCE(p[0]) == word &&
	     READ_ONCE(p[PAGE_SIZE / sizeof(*p) - 1]) == word;
	rcu_read_unlock();
	return ok;
}

static void arena_arguments(struct kunit *test)
{
	static const struct map_shape hash = {
		.type = BPFMAP_TYPE_HASH, .key_size = 4, .value_size = 8,
		.max_entries = 4,
	};
	struct bpfmap *other = kunit_map(test, &hash);
	struct bpfmap *map = arena_create(8, START);
	int node;

	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, map);
	KUNIT_EXPECT_EQ(test, alloc(other, 0, 1), -EINVAL);
	KUNIT_EXPECT_EQ(test, alloc(map, 0, 0), -EINVAL);
	KUNIT_EXPECT_EQ(test, bpfmap_arena_alloc_pages(map, 0, 1, 0, 1), -EINVAL);
	for (node = -3; node < NUMA_NO_NODE; node++)
		KUNIT_EXPECT_EQ(test, bpfmap_arena_alloc_pages(map, 0, 1, node,
							       0), -EINVAL);
	KUNIT_EXPECT_EQ(test, bpfmap_arena_alloc_pages(map, 0, 1, MAX_NUMNODES,
						       0), -EINVAL);
	KUNIT_EXPECT_EQ(test, alloc(map, at(0) + 1, 1), -EINVAL);
	KUNIT_EXPECT_EQ(test, alloc(map, at(0) - PAGE_SIZE, 1), -EINVAL);
	KUNIT_EXPECT_EQ(test, alloc(map, at(8), 1), -EINVAL);
	KUNIT_EXPECT_EQ(test, alloc(map, at(7), 2), -EINVAL);
	KUNIT_EXPECT_EQ(test, alloc(map, at(1), U32_MAX), -EINVAL);
	KUNIT_EXPECT_EQ(test, alloc(map, -PAGE_SIZE, 1), -EINVAL);
	KUNIT_EXPECT_EQ(test, alloc(map, 0, 9), -ENOSPC);
	KUNIT_EXPECT_EQ(test, alloc(map, 0, U32_MAX), -ENOSPC);

	KUNIT_EXPECT_EQ(test, bpfmap_arena_free_pages(other, at(0), 1), -EINVAL);
	KUNIT_EXPECT_EQ(test, bpfmap_arena_free_pages(map, at(0), 0), -EINVAL);
	KUNIT_EXPECT_EQ(test, bpfmap_arena_free_pages(map, at(0) + 8, 1), -EINVAL);
	KUNIT_EXPECT_EQ(test, bpfmap_arena_free_pages(map, at(8), 1), -EINVAL);
	KUNIT_EXPECT_EQ(test, bpfmap_arena_free_pages(map, 0, 1), -EINVAL);
	KUNIT_EXPECT_EQ(test, bpfmap_arena_free_pages(map, at(0), 1), 0);
	KUNIT_EXPECT_EQ(test, bpfmap_arena_free_pages(map, at(7), U32_MAX), 0);
	bpfmap_put(map);

	map = arena_create(8, 0);
	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, map);
	KUNIT_EXPECT_EQ(test, alloc(map, 0, 1), -ENXIO);
	KUNIT_EXPECT_EQ(test, alloc(map, at(0), 1), -ENXIO);
	KUNIT_EXPECT_EQ(test, bpfmap_arena_free_pages(map, at(0), 1), -ENXIO);
	KUNIT_EXPECT_FALSE(test, has_page(map, 0));
	KUNIT_EXPECT_FALSE(test, has_page(map, at(0)));
	bpfmap_put(map);
}

static void arena_hints(struct kunit *test)
{
	struct bpfmap *map = arena_create(16, START);

	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, map);
	KUNIT_EXPECT_EQ(test, alloc(map, at(4), 2), (long)at(4));
	KUNIT_EXPECT_EQ(test, alloc(map, at(5), 1), -EBUSY);
	KUNIT_EXPECT_EQ(test, alloc(map, at(3), 2), -EBUSY);
	KUNIT_EXPECT_EQ(test, alloc(map, at(0), 16), -EBUSY);
	KUNIT_EXPECT_FALSE(test, has_page(map, at(3)));
	/* The first place where it fits */
	KUNIT_EXPECT_EQ(test, alloc(map, 0, 5), (long)at(6));
	KUNIT_EXPECT_EQ(test, alloc(map, 0, 1), (long)at(0));
	KUNIT_EXPECT_EQ(test, alloc(map, 0, 3), (long)at(1));
	KUNIT_EXPECT_EQ(test, alloc(map, 0, 6), -ENOSPC);
	KUNIT_EXPECT_EQ(test, alloc(map, 0, 5), (long)at(11));
	KUNIT_EXPECT_EQ(test, alloc(map, 0, 1), -ENOSPC);
	/* A hole, and more than the hole */
	KUNIT_EXPECT_EQ(test, bpfmap_arena_free_pages(map, at(9), 2), 0);
	KUNIT_EXPECT_EQ(test, alloc(map, 0, 3), -ENOSPC);
	KUNIT_EXPECT_EQ(test, alloc(map, 0, 2), (long)at(9));
	KUNIT_EXPECT_EQ(test, bpfmap_arena_free_pages(map, at(14), 100), 0);
	KUNIT_EXPECT_TRUE(test, has_page(map, at(13)));
	KUNIT_EXPECT_FALSE(test, has_page(map, at(14)));
	KUNIT_EXPECT_EQ(test, alloc(map, 0, 2), (long)at(14));
	bpfmap_put(map);
}

static void arena_kaddr(struct kunit *test)
{
	struct bpfmap *map = arena_create(4, START);
	u8 *p;

	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, map);
	KUNIT_ASSERT_EQ(test, alloc(map, at(1), 2), (long)at(1));
	rcu_read_lock();
	p = bpfmap_arena_kaddr(map, at(1));
	KUNIT_EXPECT_TRUE(test, p && PAGE_ALIGNED(p));
	KUNIT_EXPECT_PTR_EQ(test, (u8 *)bpfmap_arena_kaddr(map, at(1) + 1),
			    p + 1);
	KUNIT_EXPECT_PTR_EQ(test, (u8 *)bpfmap_arena_kaddr(map, at(2) - 1),
			    p + PAGE_SIZE - 1);
	KUNIT_EXPECT_NOT_NULL(test, bpfmap_arena_kaddr(map, at(3) - 1));
	KUNIT_EXPECT_NULL(test, bpfmap_arena_kaddr(map, at(3)));
	KUNIT_EXPECT_NULL(test, bpfmap_arena_kaddr(map, at(1) - 1));
	KUNIT_EXPECT_NULL(test, bpfmap_arena_kaddr(map, at(4) + PAGE_SIZE));
	KUNIT_EXPECT_NULL(test, bpfmap_arena_kaddr(map, 0));
	KUNIT_EXPECT_NULL(test, bpfmap_arena_kaddr(map, ULONG_MAX));
	/* The same lower half in another window is another address */
	KUNIT_EXPECT_NULL(test, bpfmap_arena_kaddr(map, at(1) + (1UL << 32)));
	rcu_read_unlock();
	bpfmap_put(map);
}

/* A pointer that was got before a page is freed is good while RCU is held */
static void reader_step(struct worker *w)
{
	struct bpfmap *map = w->ctx;
	u64 *p, word;
	int i;

	rcu_read_lock();
	p = bpfmap_arena_kaddr(map, at(worker_random(w, nr_cpu_ids)));
	if (p) {
		word = READ_ONCE(*p);
		/* Zero before it is claimed; never another map's */
		worker_check(w, !word || word == 0xa11ca11ca11ca11c);
		for (i = 0; i < 200; i++)
			worker_check(w, !word || READ_ONCE(*p) == word);
	}
	rcu_read_unlock();
}

/* Each on a page of its own */
static void freer_step(struct worker *w)
{
	struct bpfmap *map = w->ctx;
	unsigned long addr = at(w->cpu);

	worker_check(w, alloc(map, addr, 1) == (long)addr);
	worker_check(w, claim(map, addr, 0xa11ca11ca11ca11c));
	worker_check(w, is_claimed(map, addr, 0xa11ca11ca11ca11c));
	worker_check(w, !bpfmap_arena_free_pages(map, addr, 1));
	worker_check(w, !has_page(map, addr));
}

static void arena_readers(struct kunit *test)
{
	static const struct job jobs[] = {
		{ "read", reader_step }, { "free", freer_step },
	};
	struct bpfmap *map = arena_create(nr_cpu_ids, START);

	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, map);
	crew_run(test, jobs, ARRAY_SIZE(jobs), map, 300);
	bpfmap_put(map);
}

/* All CPUs allocate anywhere: no page is given out twice */
static void owner_step(struct worker *w)
{
	u64 word = (u64)(uintptr_t)w | 1;
	struct bpfmap *map = w->ctx;
	u32 i, nr = 1 + worker_random(w, 5);
	long addr = alloc(map, 0, nr);

	if (addr == -ENOSPC || !worker_check(w, addr > 0))
		return;
	for (i = 0; i < nr; i++)
		worker_check(w, claim(map, addr + i * PAGE_SIZE, word + i));
	for (i = 0; i < nr; i++)
		worker_check(w, is_claimed(map, addr + i * PAGE_SIZE, word + i));
	worker_check(w, !bpfmap_arena_free_pages(map, addr, nr));
}

static void arena_owners(struct kunit *test)
{
	static const struct job jobs[] = {
		{ "own", owner_step }, { "own", owner_step },
		{ "own", owner_step }, { "own", owner_step },
	};
	struct bpfmap *map = arena_create(12, START);

	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, map);
	crew_run(test, jobs, ARRAY_SIZE(jobs), map, 300);
	/* All came back */
	KUNIT_EXPECT_EQ(test, alloc(map, 0, 12), (long)at(0));
	bpfmap_put(map);
}

#define RANDOM_PAGES	150
#define RANDOM_OPS	300

/**
 * struct oracle - what an arena should be
 * @there: numbers of the pages that are there
 * @words: what was written to each
 */
struct oracle {
	DECLARE_BITMAP(there, RANDOM_PAGES);
	u64 words[RANDOM_PAGES];
};

/* Where @nr pages in a row fit first, page by page */
static long oracle_fit(const struct oracle *o, u32 nr)
{
	u32 i, run = 0;

	for (i = 0; i < RANDOM_PAGES; i++) {
		run = test_bit(i, o->there) ? 0 : run + 1;
		if (run == nr)
			return at(i + 1 - nr);
	}
	return -ENOSPC;
}

static long oracle_alloc(const struct oracle *o, u32 index, u32 nr, bool hint)
{
	u32 i;

	if (!hint)
		return oracle_fit(o, nr);
	if (index + nr > RANDOM_PAGES)
		return -EINVAL;
	for (i = 0; i < nr; i++)
		if (test_bit(index + i, o->there))
			return -EBUSY;
	return at(index);
}

static u32 oracle_differs(struct bpfmap *map, const struct oracle *o)
{
	u32 i, wrong = 0;

	for (i = 0; i < RANDOM_PAGES; i++)
		wrong += test_bit(i, o->there) ?
			 !is_claimed(map, at(i), o->words[i]) :
			 has_page(map, at(i));
	return wrong;
}

static void random_alloc(struct kunit *test, struct bpfmap *map,
			 struct oracle *o, struct rnd_state *rnd)
{
	u32 index = prandom_u32_state(rnd) % RANDOM_PAGES;
	u32 i, nr = 1 + prandom_u32_state(rnd) % 12;
	bool hint = prandom_u32_state(rnd) & 1;
	long want = oracle_alloc(o, index, nr, hint);
	long got = alloc(map, hint ? at(index) : 0, nr);

	KUNIT_ASSERT_EQ(test, got, want);
	if (got < 0)
		return;
	index = (got - START) >> PAGE_SHIFT;
	for (i = index; i < index + nr; i++) {
		o->words[i] = (u64)prandom_u32_state(rnd) << 8 | i;
		__set_bit(i, o->there);
		KUNIT_EXPECT_TRUE(test, claim(map, at(i), o->words[i]));
	}
}

static void random_free(struct kunit *test, struct bpfmap *map,
			struct oracle *o, struct rnd_state *rnd)
{
	u32 index = prandom_u32_state(rnd) % RANDOM_PAGES;
	u32 nr = 1 + prandom_u32_state(rnd) % 12;

	KUNIT_EXPECT_EQ(test, bpfmap_arena_free_pages(map, at(index), nr), 0);
	bitmap_clear(o->there, index, min_t(u32, nr, RANDOM_PAGES - index));
}

static void arena_random(struct kunit *test)
{
	struct oracle *o = kunit_buf(test, sizeof(*o));
	struct bpfmap *map = arena_create(RANDOM_PAGES, START);
	struct rnd_state rnd;
	unsigned int i;

	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, map);
	prandom_seed_state(&rnd, bpfmap_kunit_seed());
	for (i = 0; i < RANDOM_OPS * bpfmap_kunit_effort; i++) {
		if (prandom_u32_state(&rnd) % 5 < 3)
			random_alloc(test, map, o, &rnd);
		else
			random_free(test, map, o, &rnd);
		if (i % 50 == 0)
			KUNIT_EXPECT_EQ(test, oracle_differs(map, o), 0U);
	}
	KUNIT_EXPECT_EQ(test, oracle_differs(map, o), 0U);
	bpfmap_put(map);
}

/* The ends of the largest one, and a fit that is far away */
static void arena_large(struct kunit *test)
{
	const u32 pages = 1 << 20;
	struct bpfmap *map = arena_create(pages, START);
	u32 i;

	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, map);
	KUNIT_EXPECT_EQ(test, alloc(map, at(pages - 1), 1), (long)at(pages - 1));
	KUNIT_EXPECT_EQ(test, alloc(map, at(pages - 1), 2), -EINVAL);
	KUNIT_EXPECT_EQ(test, alloc(map, 0, pages), -ENOSPC);
	for (i = 0; i < 64; i++)
		KUNIT_EXPECT_EQ(test, alloc(map, at(i * 8), 1), (long)at(i * 8));
	KUNIT_EXPECT_EQ(test, alloc(map, 0, 8), (long)at(63 * 8 + 1));
	KUNIT_EXPECT_TRUE(test, claim(map, at(pages - 1), 77));
	KUNIT_EXPECT_EQ(test, bpfmap_arena_free_pages(map, at(0), U32_MAX), 0);
	KUNIT_EXPECT_FALSE(test, has_page(map, at(pages - 1)));
	KUNIT_EXPECT_EQ(test, alloc(map, 0, 1), (long)at(0));
	bpfmap_put(map);
}

/* There are no elements */
static void arena_elements(struct kunit *test)
{
	struct bpfmap *map = arena_create(2, START);
	u64 buf = 0;

	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, map);
	rcu_read_lock();
	KUNIT_EXPECT_NULL(test, bpfmap_lookup_elem(map, &buf));
	rcu_read_unlock();
	KUNIT_EXPECT_EQ(test, bpfmap_copy_elem(map, &buf, &buf, 0), -EINVAL);
	KUNIT_EXPECT_EQ(test, bpfmap_update_elem(map, &buf, &buf, 0), -EOPNOTSUPP);
	KUNIT_EXPECT_EQ(test, bpfmap_delete_elem(map, &buf), -EOPNOTSUPP);
	KUNIT_EXPECT_EQ(test, bpfmap_get_next_key(map, &buf, &buf), -EOPNOTSUPP);
	KUNIT_EXPECT_EQ(test, bpfmap_for_each_elem(map, NULL, NULL, 0),
			-EOPNOTSUPP);
	bpfmap_put(map);
}

static struct kunit_case arena_cases[] = {
	KUNIT_CASE(arena_arguments),
	KUNIT_CASE(arena_hints),
	KUNIT_CASE(arena_kaddr),
	KUNIT_CASE(arena_elements),
	KUNIT_CASE(arena_large),
	KUNIT_CASE_SLOW(arena_random),
	KUNIT_CASE(arena_readers),
	KUNIT_CASE_SLOW(arena_owners),
	{}
};

static struct kunit_suite arena_suite = {
	.name = "bpfmap_arena",
	.test_cases = arena_cases,
};

kunit_test_suite(arena_suite);
