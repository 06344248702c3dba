// SPDX-License-Identifier: GPL-2.0-only
/*
 * What Bloom filters promise: no value that was added is ever missed, and wrong
 * answers are rare. User space checks which bits are right: see
 * tools/tests/contract_bloom.c.
 */
#include <linux/bitmap.h>
#include <linux/completion.h>
#include <linux/irq_work.h>
#include <linux/string.h>

#include "crew.h"
#include "fixture.h"

#define BLOOM(value, max) {						\
	.name = #value " x " #max, .type = BPFMAP_TYPE_BLOOM_FILTER,	\
	.value_size = value, .max_entries = max,			\
}

static const struct map_shape shapes[] = {
	BLOOM(4, 500),
	BLOOM(5, 100),
	BLOOM(8, 1),
	BLOOM(13, 1000),
	BLOOM(64, 300),
	BLOOM(512, 200),
};

SHAPE_PARAM(shape, shapes);

static int push_nth(struct bpfmap *map, u32 n)
{
	u8 value[SHAPE_MAX_VALUE] __aligned(4);

	value_make(value, bpfmap_value_size(map), n, 0);
	return bpfmap_push_elem(map, value, 0);
}

static bool maybe_nth(struct bpfmap *map, u32 n)
{
	u8 value[SHAPE_MAX_VALUE] __aligned(4);

	value_make(value, bpfmap_value_size(map), n, 0);
	return !bpfmap_peek_elem(map, value);
}

/* The oracle is the set of what was added: [0, 3, 6 ...] */
static void bloom_members(struct kunit *test)
{
	const struct map_shape *shape = test->param_value;
	struct bpfmap *map = kunit_map(test, shape);
	u32 n, max = shape->max_entries, missed = 0, wrong = 0;

	for (n = 0; n < 2000; n++)
		wrong += maybe_nth(map, n);
	KUNIT_EXPECT_EQ(test, wrong, 0U);

	for (n = 0; n < max; n++) {
		KUNIT_EXPECT_EQ(test, push_nth(map, 3 * n), 0);
		missed += !maybe_nth(map, 3 * n);
	}
	for (n = 0; n < max; n++) {
		missed += !maybe_nth(map, 3 * n);
		/* Adding a value twice is adding it once */
		KUNIT_EXPECT_EQ(test, push_nth(map, 3 * n), 0);
	}
	KUNIT_EXPECT_EQ(test, missed, 0U);

	/* Full: about 3 % with five hash functions, never half of them */
	for (n = 0; n < 2000; n++)
		wrong += maybe_nth(map, 3 * n + 1);
	KUNIT_EXPECT_LT(test, wrong, 300U);

	/* Beyond max_entries it accepts more, with more false positives */
	for (n = max; n < 4 * max + 10; n++)
		KUNIT_EXPECT_EQ(test, push_nth(map, 3 * n), 0);
	for (n = 0; n < 4 * max + 10; n++)
		missed += !maybe_nth(map, 3 * n);
	KUNIT_EXPECT_EQ(test, missed, 0U);
}

static void bloom_cannot(struct kunit *test)
{
	static const struct map_shape shape = BLOOM(8, 10);
	struct bpfmap *map = kunit_map(test, &shape);
	u64 value = 5, next = 0, flag;

	for (flag = 1; flag; flag <<= 1)
		KUNIT_EXPECT_EQ(test, bpfmap_push_elem(map, &value, flag),
				-EINVAL);
	KUNIT_EXPECT_EQ(test, bpfmap_peek_elem(map, &value), -ENOENT);
	KUNIT_EXPECT_EQ(test, bpfmap_pop_elem(map, &value), -EOPNOTSUPP);
	KUNIT_EXPECT_EQ(test, bpfmap_delete_elem(map, NULL), -EOPNOTSUPP);
	KUNIT_EXPECT_EQ(test, bpfmap_get_next_key(map, NULL, &next),
			-EOPNOTSUPP);
	KUNIT_EXPECT_EQ(test, value, 5ULL);
	rcu_read_lock();
	KUNIT_EXPECT_NULL(test, bpfmap_lookup_elem(map, NULL));
	rcu_read_unlock();
	/* The general functions do the same */
	KUNIT_EXPECT_EQ(test, bpfmap_copy_elem(map, NULL, &value, 0), -ENOENT);
	KUNIT_EXPECT_EQ(test, bpfmap_update_elem(map, NULL, &value, 0), 0);
	KUNIT_EXPECT_EQ(test, bpfmap_copy_elem(map, NULL, &value, 0), 0);
}

/* Exactly the bits of map_extra's low four bits, and 64 of them at least */
static void bloom_create(struct kunit *test)
{
	struct bpfmap_create_attr attr = {
		.map_type = BPFMAP_TYPE_BLOOM_FILTER,
		.value_size = 8,
		.max_entries = 1,
	};
	struct bpfmap *map;
	u32 n, wrong = 0;

	for (n = 0; n < 40; n++) {
		attr.map_extra = n;
		map = bpfmap_create(&attr);
		KUNIT_EXPECT_EQ(test, PTR_ERR_OR_ZERO(map), n > 15 ? -EINVAL : 0);
		if (!IS_ERR(map))
			bpfmap_put(map);
	}
	/* One hash function and one of 64 bits: about one in 64 is wrong */
	attr.map_extra = 1;
	map = bpfmap_create(&attr);
	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, map);
	KUNIT_EXPECT_EQ(test, push_nth(map, 0), 0);
	for (n = 1; n < 6401; n++)
		wrong += maybe_nth(map, n);
	KUNIT_EXPECT_GT(test, wrong, 30U);
	KUNIT_EXPECT_LT(test, wrong, 300U);
	bpfmap_put(map);
}

/* Values of the test below */
#define VALUES	2000

/**
 * struct crowd - values that all CPUs add
 * @map: the map
 * @added: values whose push has returned; set after that
 * @next: the next one to add
 */
struct crowd {
	struct bpfmap *map;
	DECLARE_BITMAP(added, VALUES);
	atomic_t next;
};

static void add_one(struct worker *w)
{
	struct crowd *c = w->ctx;
	u32 n = atomic_inc_return(&c->next) - 1;

	if (n >= VALUES)
		return;
	worker_check(w, !push_nth(c->map, n));
	/* Barrier: a reader that sees the bit sees the filter's bits */
	smp_mb__before_atomic();
	set_bit(n, c->added);
}

static void add_interrupt(void *worker)
{
	add_one(worker);
}

static void add_step(struct worker *w)
{
	if (w->steps & 1)
		add_one(w);
	else
		smp_call_function_single(w->cpu, add_interrupt, w, true);
}

static void ask_step(struct worker *w)
{
	struct crowd *c = w->ctx;
	u32 n = worker_random(w, VALUES);
	bool added = test_bit(n, c->added);

	/* Barrier: pairs with that in add_one() */
	smp_rmb();
	worker_check(w, maybe_nth(c->map, n) || !added);
}

/* What was added from all CPUs, in threads and interrupts, is there */
static void bloom_concurrent(struct kunit *test)
{
	static const struct job jobs[] = {
		{ "add", add_step }, { "ask", ask_step },
	};
	/* One bit of many in each word, so that writers meet in it */
	static const struct map_shape shape = BLOOM(12, VALUES);
	struct crowd *c = kunit_buf(test, sizeof(*c));
	u32 n, missed = 0;

	c->map = kunit_map(test, &shape);
	crew_run(test, jobs, ARRAY_SIZE(jobs), c, 300);
	KUNIT_EXPECT_FALSE(test, bitmap_empty(c->added, VALUES));
	for_each_set_bit(n, c->added, VALUES)
		missed += !maybe_nth(c->map, n);
	KUNIT_EXPECT_EQ(test, missed, 0U);
}

static struct kunit_case bloom_cases[] = {
	KUNIT_CASE_PARAM(bloom_members, shape_gen_params),
	KUNIT_CASE(bloom_cannot),
	KUNIT_CASE(bloom_create),
	KUNIT_CASE(bloom_concurrent),
	{}
};

static struct kunit_suite bloom_suite = {
	.name = "bpfmap_bloom",
	.test_cases = bloom_cases,
};

kunit_test_suite(bloom_suite);
