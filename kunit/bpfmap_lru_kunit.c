// SPDX-License-Identifier: GPL-2.0-only
/*
 * What the LRU types promise: they are never full, they evict the right element
 * for a new one, and they evict nothing else
 */
#include <linux/cpumask.h>
#include <linux/prandom.h>
#include <linux/rcupdate.h>
#include <linux/string.h>

#include "crew.h"
#include "percpu.h"
#include "stress.h"

#define LRU(label, lru_type, map_flags, key, value, max) {		\
	.name = label " " #key "/" #value " x " #max,			\
	.type = BPFMAP_TYPE_##lru_type, .flags = map_flags,		\
	.key_size = key, .value_size = value, .max_entries = max,	\
}

#define OWN	BPFMAP_F_NO_COMMON_LRU

/* Those above 256 elements consist of several groups */
static const struct map_shape shapes[] = {
	LRU("lru", LRU_HASH, 0, 8, 16, 1),
	LRU("lru", LRU_HASH, 0, 4, 12, 2),
	LRU("lru", LRU_HASH, 0, 8, 16, 64),
	LRU("lru", LRU_HASH, 0, 13, 77, 200),
	LRU("lru", LRU_HASH, 0, 40, 512, 300),
	LRU("lru", LRU_HASH, 0, 8, 16, 2000),
	LRU("lru own", LRU_HASH, OWN, 8, 16, 64),
	LRU("lru own", LRU_HASH, OWN, 8, 16, 2000),
	LRU("lru view", LRU_HASH, BPFMAP_F_VIEW, 8, 16, 2000),
	LRU("lru percpu", LRU_PERCPU_HASH, 0, 8, 16, 64),
	LRU("lru percpu own", LRU_PERCPU_HASH, OWN, 8, 16, 60),
};

SHAPE_PARAM(shape, shapes);

static bool shape_is_own(const struct map_shape *shape)
{
	return shape->flags & OWN;
}

/* Elements that one CPU can have in a map */
static u32 share_of(const struct bpfmap *map, const struct map_shape *shape)
{
	return bpfmap_max_entries(map) /
	       (shape_is_own(shape) ? num_possible_cpus() : 1);
}

/*
 * The oracle for maps of one group, used by one CPU: two arrays, the oldest
 * element first. What it shares with the module is what design.rst says.
 */
#define ORDER_MAX	256

struct order {
	u32 max;
	u32 evictions;
	u32 nr[2];			/* inactive, active */
	struct { u32 n; bool used; } q[2][ORDER_MAX];
};

static void order_take(struct order *o, int q, u32 at)
{
	memmove(&o->q[q][at], &o->q[q][at + 1],
		(--o->nr[q] - at) * sizeof(o->q[q][0]));
}

static void order_add(struct order *o, int q, u32 n)
{
	o->q[q][o->nr[q]].n = n;
	o->q[q][o->nr[q]++].used = false;
}

static bool order_find(const struct order *o, u32 n, int *q, u32 *at)
{
	for (*q = 0; *q < 2; ++*q)
		for (*at = 0; *at < o->nr[*q]; ++*at)
			if (o->q[*q][*at].n == n)
				return true;
	return false;
}

static void order_evict(struct order *o)
{
	bool old_first = !(++o->evictions % 128);
	u32 cleared = 0;

	for (;;) {
		u32 nr = o->nr[0] + o->nr[1], n;
		int q = o->nr[0] > nr / 3 ? 0 : 1;

		if (old_first && o->nr[1])
			q = 1;
		old_first = false;
		n = o->q[q][0].n;
		if (!o->q[q][0].used || cleared == 128) {
			order_take(o, q, 0);
			return;
		}
		cleared++;
		order_take(o, q, 0);
		order_add(o, 1, n);
	}
}

static void order_use(struct order *o, u32 n)
{
	u32 at;
	int q;

	if (order_find(o, n, &q, &at))
		o->q[q][at].used = true;
}

static int order_update(struct order *o, u32 n, u64 flags)
{
	u32 at;
	int q;

	if (order_find(o, n, &q, &at)) {
		if (flags == BPFMAP_F_NOEXIST)
			return -EEXIST;
		o->q[q][at].used = true;
		return 0;
	}
	if (flags == BPFMAP_F_EXIST)
		return -ENOENT;
	if (o->nr[0] + o->nr[1] == o->max)
		order_evict(o);
	order_add(o, 0, n);
	return 0;
}

static int order_delete(struct order *o, u32 n)
{
	u32 at;
	int q;

	if (!order_find(o, n, &q, &at))
		return -ENOENT;
	order_take(o, q, at);
	return 0;
}

/**
 * struct compare - a walk over the map
 * @order: the oracle
 * @right: keys that it has, too
 */
struct compare {
	const struct order *order;
	u32 right;
};

static long each_in_order(struct bpfmap *map, const void *key, void *value,
			  void *ctx)
{
	struct compare *c = ctx;
	u32 n = 0, at;
	int q;

	memcpy(&n, key, min_t(u32, bpfmap_key_size(map), sizeof(n)));
	c->right += key_is_whole(map, key) && order_find(c->order, n, &q, &at);
	return 0;
}

static void expect_as_order(struct kunit *test, struct bpfmap *map,
			    const struct order *o)
{
	struct compare c = { .order = o };
	u32 nr = o->nr[0] + o->nr[1];

	KUNIT_EXPECT_EQ(test, bpfmap_for_each_elem(map, each_in_order, &c, 0),
			(long)nr);
	KUNIT_EXPECT_EQ(test, c.right, nr);
}

/* One operation on both, of every kind */
static void order_step(struct kunit *test, struct bpfmap *map, struct order *o,
		       struct rnd_state *rnd, u32 keys)
{
	static const u64 flags[] = {
		BPFMAP_F_ANY, BPFMAP_F_ANY, BPFMAP_F_NOEXIST, BPFMAP_F_EXIST,
	};
	u32 op = prandom_u32_state(rnd) % 16, n;
	u8 key[SHAPE_MAX_KEY], next[SHAPE_MAX_KEY];
	u32 at;
	int q;

	/* Small numbers more often */
	n = prandom_u32_state(rnd) % keys;
	n = prandom_u32_state(rnd) % (n + 1);
	key_make(map, key, n);
	if (op < 10) {
		KUNIT_EXPECT_EQ(test, put_nth(map, n, op, flags[op & 3]),
				order_update(o, n, flags[op & 3]));
	} else if (op < 12) {
		KUNIT_EXPECT_EQ(test, has_nth(map, n), order_find(o, n, &q, &at));
		order_use(o, n);
	} else if (op < 14) {
		rcu_read_lock();
		if (bpfmap_lookup_elem(map, key))
			order_use(o, n);
		rcu_read_unlock();
	} else if (op < 15) {
		KUNIT_EXPECT_EQ(test, del_nth(map, n), order_delete(o, n));
	} else {
		/* Does not count as use */
		bpfmap_get_next_key(map, key, next);
	}
}

static void lru_order(struct kunit *test)
{
	const struct map_shape *shape = test->param_value;
	struct order *o = kunit_buf(test, sizeof(*o));
	struct bpfmap *map = kunit_map(test, shape);
	struct rnd_state rnd;
	u32 i, keys;

	kunit_move_to(test, raw_smp_processor_id());
	o->max = share_of(map, shape);
	if (o->max >= ORDER_MAX)
		kunit_skip(test, "more than one group");
	keys = 2 * o->max + 3;
	prandom_seed_state(&rnd, bpfmap_kunit_seed());
	for (i = 0; i < 4000 * bpfmap_kunit_effort; i++) {
		order_step(test, map, o, &rnd, keys);
		if (!(i % 100))
			expect_as_order(test, map, o);
	}
	expect_as_order(test, map, o);
}

/* More marks than are looked at for one insert: it does not take them all */
static void lru_all_used(struct kunit *test)
{
	static const struct map_shape shape = LRU("", LRU_HASH, 0, 8, 16, 200);
	struct order *o = kunit_buf(test, sizeof(*o));
	struct bpfmap *map = kunit_map(test, &shape);
	u32 n, round;

	o->max = shape.max_entries;
	for (round = 0; round < 2; round++) {
		for (n = 0; n < o->max; n++) {
			put_nth(map, n, round, 0);
			order_update(o, n, 0);
		}
	}
	for (n = o->max; n < o->max + 10; n++) {
		KUNIT_EXPECT_EQ(test, put_nth(map, n, 0, 0), 0);
		order_update(o, n, 0);
		expect_as_order(test, map, o);
	}
}

/* It holds max_entries elements, and one more insert evicts exactly one */
static void lru_capacity(struct kunit *test)
{
	const struct map_shape *shape = test->param_value;
	struct bpfmap *map = kunit_map(test, shape);
	u32 n, failed = 0, max = share_of(map, shape);

	kunit_move_to(test, cpumask_first(cpu_online_mask));
	for (n = 0; n < max; n++)
		failed += put_nth(map, n, n, BPFMAP_F_NOEXIST) != 0;
	KUNIT_EXPECT_EQ(test, count_elems(map), max);
	for (; n < 3 * max; n++)
		failed += put_nth(map, n, n, BPFMAP_F_NOEXIST) != 0 ||
			  (!(n % (1 + max / 16)) && count_elems(map) != max);
	KUNIT_EXPECT_EQ(test, failed, 0);
	KUNIT_EXPECT_TRUE(test, has_nth(map, n - 1));

	/* Every element can be deleted, and as many inserted again */
	for (n = 0, failed = 0; n < 3 * max; n++)
		del_nth(map, n);
	KUNIT_EXPECT_EQ(test, count_elems(map), 0);
	for (n = 0; n < max; n++)
		failed += put_nth(map, n, n, BPFMAP_F_NOEXIST) != 0;
	KUNIT_EXPECT_EQ(test, failed, 0);
	KUNIT_EXPECT_EQ(test, count_elems(map), max);
}

/* Updates that insert nothing evict nothing, be they successful or not */
static void lru_no_loss(struct kunit *test)
{
	const struct map_shape *shape = test->param_value;
	struct bpfmap *map = kunit_map(test, shape);
	u32 n, failed = 0, max = share_of(map, shape);

	kunit_move_to(test, raw_smp_processor_id());
	for (n = 0; n < max; n++)
		failed += put_nth(map, n, 0, BPFMAP_F_NOEXIST) != 0;
	for (n = 0; n < max; n++) {
		failed += put_nth(map, n, 1, BPFMAP_F_EXIST) != 0;
		failed += put_nth(map, n, 2, BPFMAP_F_ANY) != 0;
		failed += put_nth(map, n, 3, BPFMAP_F_NOEXIST) != -EEXIST;
		failed += put_nth(map, max + n, 3, BPFMAP_F_EXIST) != -ENOENT;
	}
	for (n = 0; n < max; n++)
		failed += !has_nth(map, n) || has_nth(map, max + n);
	KUNIT_EXPECT_EQ(test, failed, 0);
}

/* Elements are taken back from every CPU: each CPU can use all of them */
static void lru_common(struct kunit *test)
{
	const struct map_shape *shape = test->param_value;
	struct bpfmap *map = kunit_map(test, shape);
	u32 n, nr = bpfmap_max_entries(map), failed = 0, first = 0;
	int cpu;

	if (shape_is_own(shape))
		kunit_skip(test, "not common");
	for_each_online_cpu(cpu) {
		kunit_move_to(test, cpu);
		for (n = first; n < first + nr; n++)
			failed += put_nth(map, n, 0, 0) != 0;
		KUNIT_EXPECT_EQ(test, count_elems(map), nr);
		/* Only this CPU's are left: delete half of them */
		for (n = first; n < first + nr; n += 2)
			del_nth(map, n);
		first += nr;
	}
	KUNIT_EXPECT_EQ(test, failed, 0);
}

/* BPFMAP_F_NO_COMMON_LRU: no CPU takes from another one's share */
static void lru_own(struct kunit *test)
{
	const struct map_shape *shape = test->param_value;
	struct bpfmap *map = kunit_map(test, shape);
	u32 n, nr = share_of(map, shape), failed = 0;
	int one = cpumask_first(cpu_online_mask);
	int other = cpumask_last(cpu_online_mask);

	if (!shape_is_own(shape) || one == other)
		kunit_skip(test, "not for each CPU");
	KUNIT_EXPECT_EQ(test, bpfmap_max_entries(map),
			roundup(shape->max_entries, num_possible_cpus()));

	/* [0 .. nr-1] of one CPU stay, whatever the other one does */
	kunit_move_to(test, one);
	for (n = 0; n < nr; n++)
		failed += put_nth(map, n, 0, 0) != 0;
	kunit_move_to(test, other);
	for (n = nr; n < 4 * nr; n++)
		failed += put_nth(map, n, 0, 0) != 0;
	KUNIT_EXPECT_EQ(test, count_elems(map), 2 * nr);
	for (n = 0; n < nr; n++)
		failed += !has_nth(map, n);

	/* Elements that another CPU deletes return to their owner */
	for (n = 0; n < nr; n++)
		failed += del_nth(map, n) != 0;
	for (n = 4 * nr; n < 6 * nr; n++)
		failed += put_nth(map, n, 0, 0) != 0;
	KUNIT_EXPECT_EQ(test, count_elems(map), nr);
	kunit_move_to(test, one);
	for (n = 0; n < nr; n++)
		failed += put_nth(map, n, 0, 0) != 0;
	KUNIT_EXPECT_EQ(test, count_elems(map), 2 * nr);
	KUNIT_EXPECT_EQ(test, failed, 0);
}

/* A map emptied in part: stripes with few elements take from others */
static void lru_balance(struct kunit *test)
{
	static const struct map_shape shape = LRU("", LRU_HASH, 0, 8, 16, 2048);
	struct bpfmap *map = kunit_map(test, &shape);
	u8 keys[2][8];
	u32 n, i, hits = 0;

	for (n = 0; n < 2048; n++)
		put_nth(map, n, 0, 0);
	/* Empty the first half of the buckets */
	for (i = 0; i < 1024; i++) {
		if (!bpfmap_get_next_key(map, NULL, keys[0]))
			bpfmap_delete_elem(map, keys[0]);
	}
	/* Fill up from the other stripes, then replace everything */
	for (n = 10000; n < 10000 + 8 * 2048; n++)
		put_nth(map, n, 0, 0);
	KUNIT_EXPECT_EQ(test, count_elems(map), 2048);
	/* Nearly all of the newest max_entries / 2 must be present */
	for (n = 10000 + 7 * 2048 + 1024; n < 10000 + 8 * 2048; n++)
		hits += has_nth(map, n);
	KUNIT_EXPECT_GT(test, hits, 900U);
}

static void lru_zero_on_insert(struct kunit *test)
{
	static const struct map_shape shape =
		LRU("", LRU_PERCPU_HASH, 0, 8, 16, 8);
	u8 value[SHAPE_MAX_VALUE], key[SHAPE_MAX_KEY];
	struct bpfmap *map = kunit_map(test, &shape);
	int cpu;
	u32 n;

	for (n = 0; n < 32; n++) {
		KUNIT_EXPECT_EQ(test, put_nth(map, n, 1, cpu_flags(0)), 0);
		key_make(map, key, n);
		for_each_possible_cpu(cpu) {
			KUNIT_EXPECT_EQ(test, bpfmap_copy_elem(map, key, value,
							       cpu_flags(cpu)), 0);
			KUNIT_EXPECT_TRUE(test, cpu ? !memchr_inv(value, 0, 16) :
					  value_is_whole(value, 16, n));
		}
		/* For the next owner of this element */
		put_nth(map, n, 2, BPFMAP_F_ALL_CPUS);
	}
}

/* Of many keys a third fits. Whole values, and in the end no element is lost */
static void lru_rush(struct kunit *test)
{
	const struct map_shape *shape = test->param_value;
	struct bpfmap *map = kunit_map(test, shape);
	u32 n, nr = bpfmap_max_entries(map), keys = 3 * nr, failed = 0;
	int cpu;

	stress_run(test, shape, map, keys, 0);
	KUNIT_EXPECT_LE(test, count_elems(map), nr);
	for (n = 0; n < keys; n++)
		del_nth(map, n);
	KUNIT_EXPECT_EQ(test, count_elems(map), 0);

	nr = share_of(map, shape);
	for_each_online_cpu(cpu) {
		kunit_move_to(test, cpu);
		for (n = 0; n < nr; n++)
			failed += put_nth(map, n, 0, BPFMAP_F_NOEXIST) != 0;
		KUNIT_EXPECT_EQ(test, count_elems(map), nr);
		for (n = 0; n < nr; n++)
			failed += del_nth(map, n) != 0;
	}
	KUNIT_EXPECT_EQ(test, failed, 0);
}

static struct kunit_case lru_cases[] = {
	KUNIT_CASE_PARAM(lru_order, shape_gen_params),
	KUNIT_CASE(lru_all_used),
	KUNIT_CASE_PARAM(lru_capacity, shape_gen_params),
	KUNIT_CASE_PARAM(lru_no_loss, shape_gen_params),
	KUNIT_CASE_PARAM(lru_common, shape_gen_params),
	KUNIT_CASE_PARAM(lru_own, shape_gen_params),
	KUNIT_CASE(lru_balance),
	KUNIT_CASE(lru_zero_on_insert),
	KUNIT_CASE_PARAM(contexts_softirq, shape_gen_params),
	KUNIT_CASE_PARAM(contexts_hardirq, shape_gen_params),
	KUNIT_CASE_PARAM(contexts_last_put, shape_gen_params),
	KUNIT_CASE_PARAM(lru_rush, shape_gen_params),
	{}
};

static struct kunit_suite lru_suite = {
	.name = "bpfmap_lru",
	.test_cases = lru_cases,
};

kunit_test_suite(lru_suite);
