// SPDX-License-Identifier: GPL-2.0-only
/*
 * What RHASH promises beyond the contract suite
 */
#include <linux/cpumask.h>
#include <linux/delay.h>
#include <linux/rcupdate.h>
#include <linux/string.h>

#include "../drivers/bpfmap/internal.h"
#include "crew.h"
#include "stress.h"

#define RHASH(key, value, max) {					\
	.name = #key "/" #value, .type = BPFMAP_TYPE_RHASH,		\
	.flags = BPFMAP_F_NO_PREALLOC, .key_size = key,			\
	.value_size = value, .max_entries = max,			\
}

static const struct map_shape shapes[] = {
	RHASH(8, 16, 64),
	RHASH(40, 512, 48),
	RHASH(13, 77, 48),
};

SHAPE_PARAM(shape, shapes);

static void rhash_full_and_empty(struct kunit *test)
{
	static const struct map_shape shape = RHASH(8, 16, 200);

	stress_full_and_empty(test, &shape);
}

static void rhash_grow(struct kunit *test)
{
	static const struct map_shape shape = RHASH(8, 64, 600);

	contexts_grow(test, &shape);
}

#define MANY	6000

/*
 * Grow from the smallest table and shrink back; every key is found throughout
 */
static void rhash_resize(struct kunit *test)
{
	static const struct map_shape shape = RHASH(4, 8, MANY);
	struct bpfmap *map = kunit_map(test, &shape);
	u32 n, i, wrong = 0;

	for (n = 0; n < MANY; n++) {
		wrong += put_nth(map, n, n, BPFMAP_F_NOEXIST) != 0;
		wrong += !has_nth(map, n) + !has_nth(map, n / 2);
		wrong += has_nth(map, n + 1);
	}
	KUNIT_EXPECT_EQ(test, put_nth(map, MANY, 0, 0), -E2BIG);
	for (n = 0; n < MANY; n++) {
		wrong += del_nth(map, n) != 0;
		wrong += has_nth(map, n);
		wrong += n + 1 < MANY && !has_nth(map, n + 1);
	}
	KUNIT_EXPECT_EQ(test, wrong, 0U);
	for (i = 0; i < 100; i++)
		KUNIT_EXPECT_EQ(test, del_nth(map, i), -ENOENT);
}

/* Buckets follow the elements: at most 3/4 of them, at least 1/4, some always */
static void rhash_buckets(struct kunit *test)
{
	static const struct map_shape shape = RHASH(4, 8, MANY);
	struct bpfmap *map = kunit_map(test, &shape);
	u32 n, least = bpfmap_rhash_buckets(map), wrong = 0;

	KUNIT_EXPECT_LE(test, least, 16U * 2 * nr_cpu_ids + 64);
	for (n = 0; n < MANY; n++) {
		wrong += put_nth(map, n, n, BPFMAP_F_NOEXIST) != 0;
		if (n % 64 == 0)
			wrong += n + 1 > bpfmap_rhash_buckets(map) / 4 * 3;
	}
	KUNIT_EXPECT_EQ(test, wrong, 0U);
	KUNIT_EXPECT_EQ(test, bpfmap_rhash_buckets(map), 8192U);
	for (n = MANY; n-- > 0;) {
		wrong += del_nth(map, n) != 0;
		if (n % 64 == 0)
			wrong += n < bpfmap_rhash_buckets(map) / 4 &&
				 bpfmap_rhash_buckets(map) > least;
	}
	KUNIT_EXPECT_EQ(test, wrong, 0U);
	KUNIT_EXPECT_LE(test, bpfmap_rhash_buckets(map), least);
}

/* Keys in the order of a walk; how many */
static u32 walk_order(struct bpfmap *map, u32 *order, u32 room)
{
	u32 key, next, n = 0;
	int err = bpfmap_get_next_key(map, NULL, &next);

	for (; !err && n < room; n++) {
		order[n] = next;
		key = next;
		err = bpfmap_get_next_key(map, &key, &next);
	}
	return n;
}

#define ORDERED	50

/* What stays keeps its place among what stays */
static void rhash_order_stays(struct kunit *test)
{
	static const struct map_shape shape = RHASH(4, 8, MANY);
	struct bpfmap *map = kunit_map(test, &shape);
	u32 *before = kunit_buf(test, ORDERED * sizeof(*before));
	u32 *after = kunit_buf(test, MANY * sizeof(*after));
	u32 n, i, nr;

	for (n = 0; n < ORDERED; n++)
		KUNIT_ASSERT_EQ(test, put_nth(map, n, n, 0), 0);
	KUNIT_ASSERT_EQ(test, walk_order(map, before, ORDERED), ORDERED);
	for (; n < MANY; n++)
		KUNIT_ASSERT_EQ(test, put_nth(map, n, n, 0), 0);
	KUNIT_EXPECT_EQ(test, bpfmap_rhash_buckets(map), 8192U);
	nr = walk_order(map, after, MANY);
	KUNIT_EXPECT_EQ(test, nr, (u32)MANY);
	for (n = 0, i = 0; n < nr && i < ORDERED; n++) {
		if (after[n] >= ORDERED)
			continue;
		KUNIT_EXPECT_EQ(test, after[n], before[i]);
		i++;
	}
	for (n = ORDERED; n < MANY; n++)
		KUNIT_ASSERT_EQ(test, del_nth(map, n), 0);
	bpfmap_rhash_buckets(map);
	KUNIT_EXPECT_EQ(test, walk_order(map, after, MANY), ORDERED);
	KUNIT_EXPECT_EQ(test, memcmp(before, after, ORDERED * sizeof(*after)), 0);
}

/* Without memory for a new table the old one stays; a later try succeeds */
static void rhash_no_table(struct kunit *test)
{
	static const struct map_shape shape = RHASH(4, 8, MANY);
	struct bpfmap *map = kunit_map(test, &shape);
	u32 n, least = bpfmap_rhash_buckets(map), wrong = 0;

	bpfmap_rhash_fail_tables(INT_MAX);
	for (n = 0; n < MANY / 2; n++)
		wrong += put_nth(map, n, n, BPFMAP_F_NOEXIST) != 0;
	KUNIT_EXPECT_EQ(test, bpfmap_rhash_buckets(map), least);
	for (n = 0; n < MANY / 2; n++)
		wrong += !has_nth(map, n);
	bpfmap_rhash_fail_tables(0);
	for (n = MANY / 2; n < MANY; n++)
		wrong += put_nth(map, n, n, BPFMAP_F_NOEXIST) != 0;
	KUNIT_EXPECT_EQ(test, bpfmap_rhash_buckets(map), 8192U);
	for (n = 0; n < MANY; n++)
		wrong += !has_nth(map, n);

	bpfmap_rhash_fail_tables(INT_MAX);
	for (n = 0; n < MANY - 1; n++)
		wrong += del_nth(map, n) != 0;
	KUNIT_EXPECT_EQ(test, bpfmap_rhash_buckets(map), 8192U);
	wrong += !has_nth(map, n);
	bpfmap_rhash_fail_tables(0);
	wrong += del_nth(map, n) != 0;
	KUNIT_EXPECT_EQ(test, wrong, 0U);
}

/* [update.grow]: an insert fails rather than walk long with interrupts off */
static void rhash_long_chains(struct kunit *test)
{
	static const struct map_shape shape = RHASH(4, 8, 1 << 20);
	struct bpfmap *map = kunit_map(test, &shape);
	u32 n, most = bpfmap_rhash_buckets(map) * 512, wrong = 0;
	int err = 0;

	bpfmap_rhash_fail_tables(INT_MAX);
	for (n = 0; n < most && !err; n++)
		err = put_nth(map, n, n, BPFMAP_F_NOEXIST);
	KUNIT_EXPECT_EQ(test, err, -EBUSY);
	KUNIT_EXPECT_GT(test, n, 4096U);
	/* That one alone is not there, others can be written */
	n--;
	KUNIT_EXPECT_FALSE(test, has_nth(map, n));
	KUNIT_EXPECT_EQ(test, put_nth(map, 0, 1, BPFMAP_F_EXIST), 0);
	bpfmap_rhash_fail_tables(0);
	/* The one that fails lets the work try again */
	for (most = n + n / 4; n < most; n++) {
		err = put_nth(map, n, n, BPFMAP_F_NOEXIST);
		if (err == -EBUSY) {
			bpfmap_rhash_buckets(map);
			err = put_nth(map, n, n, BPFMAP_F_NOEXIST);
		}
		wrong += err != 0;
	}
	KUNIT_EXPECT_EQ(test, wrong, 0U);
	KUNIT_EXPECT_GE(test, bpfmap_rhash_buckets(map), n);
	for (n = 0; n < most; n++)
		wrong += !has_nth(map, n);
	KUNIT_EXPECT_EQ(test, wrong, 0U);
}

/* Keys 0 .. STAY-1 stay while others make the table grow and shrink */
#define STAY	100
#define COME	4000

/**
 * struct tide - a table that others make grow and shrink
 * @map: the map
 */
struct tide {
	struct bpfmap *map;
};

static void tide_step(struct worker *w)
{
	struct tide *t = w->ctx;
	u32 n, share = COME / nr_cpu_ids, first = STAY + w->cpu * share;

	for (n = first; n < first + share; n++)
		worker_check(w, !put_nth(t->map, n, 0, BPFMAP_F_NOEXIST));
	for (n = first; n < first + share; n++)
		worker_check(w, !del_nth(t->map, n));
}

/**
 * struct sighting - what a walk met
 * @map: the map
 * @seen: how often key n was there
 */
struct sighting {
	struct bpfmap *map;
	u8 seen[STAY];
};

static void sight(struct sighting *s, const void *key)
{
	u32 n;

	memcpy(&n, key, sizeof(n));
	if (n < STAY)
		s->seen[n]++;
}

static long sight_each(struct bpfmap *map, const void *key, void *value,
		       void *ctx)
{
	sight(ctx, key);
	return 0;
}

static void check_sighting(struct worker *w, const struct sighting *s)
{
	u32 n;

	for (n = 0; n < STAY; n++)
		worker_check(w, s->seen[n] == 1);
}

static void each_step(struct worker *w)
{
	struct tide *t = w->ctx;
	struct sighting s = { .map = t->map };

	bpfmap_for_each_elem(t->map, sight_each, &s, 0);
	check_sighting(w, &s);
}

/* From a key that stays to the next one, past any number of new keys */
static void next_step(struct worker *w)
{
	struct tide *t = w->ctx;
	u32 key = worker_random(w, STAY), next, i;

	for (i = 0; i < 200; i++) {
		if (bpfmap_get_next_key(t->map, &key, &next))
			break;
		worker_check(w, next != key);
		key = next;
	}
	worker_check(w, has_nth(t->map, worker_random(w, STAY)));
}

/* Look-ups and updates of what stays */
static void stay_step(struct worker *w)
{
	struct tide *t = w->ctx;
	u32 n;

	for (n = 0; n < STAY; n++) {
		worker_check(w, has_nth(t->map, n));
		worker_check(w, !put_nth(t->map, n, n, BPFMAP_F_EXIST));
	}
}

/* Now and then there is no memory for the next table */
static void no_table_step(struct worker *w)
{
	bpfmap_rhash_fail_tables(worker_random(w, 4) == 0);
	usleep_range(100, 1000);
}

static void rhash_walk_while_resizing(struct kunit *test)
{
	static const struct job jobs[] = {
		{ "tide", tide_step }, { "each", each_step },
		{ "next", next_step }, { "stay", stay_step },
		{ "no table", no_table_step },
	};
	static const struct map_shape shape = RHASH(4, 8, STAY + COME);
	struct tide t = { .map = kunit_map(test, &shape) };
	struct sighting s = { .map = t.map };
	u32 n, wrong = 0;

	for (n = 0; n < STAY; n++)
		KUNIT_ASSERT_EQ(test, put_nth(t.map, n, 0, 0), 0);
	crew_run(test, jobs, ARRAY_SIZE(jobs), &t, 1000);
	bpfmap_rhash_fail_tables(0);
	KUNIT_EXPECT_EQ(test, bpfmap_for_each_elem(t.map, sight_each, &s, 0),
			STAY);
	for (n = 0; n < STAY; n++)
		wrong += s.seen[n] != 1;
	KUNIT_EXPECT_EQ(test, wrong, 0U);
}

#define FOUGHT_FOR	2

/**
 * struct fight - keys that all workers insert and delete
 * @map: the map
 * @puts: insertions that succeeded, of each key
 * @dels: deletions that succeeded
 */
struct fight {
	struct bpfmap *map;
	atomic_t puts[FOUGHT_FOR];
	atomic_t dels[FOUGHT_FOR];
};

static void fight_step(struct worker *w)
{
	struct fight *f = w->ctx;
	u32 n = worker_random(w, FOUGHT_FOR);
	int err;

	if (worker_random(w, 2)) {
		err = put_nth(f->map, n, w->steps, BPFMAP_F_NOEXIST);
		if (!err)
			atomic_inc(&f->puts[n]);
		worker_check(w, !err || err == -EEXIST);
	} else {
		err = del_nth(f->map, n);
		if (!err)
			atomic_inc(&f->dels[n]);
		worker_check(w, !err || err == -ENOENT);
	}
}

/* Each insertion and each deletion has one winner: [lad.once] */
static void rhash_one_winner(struct kunit *test)
{
	static const struct job jobs[] = {
		{ "fight", fight_step }, { "fight too", fight_step },
		{ "fight on", fight_step },
	};
	/* Exactly enough: the loser of a race needs no place */
	static const struct map_shape shape = RHASH(8, 16, FOUGHT_FOR);
	struct fight *f = kunit_buf(test, sizeof(*f));
	u32 n, left;

	f->map = kunit_map(test, &shape);
	crew_run(test, jobs, ARRAY_SIZE(jobs), f, 500);
	for (n = 0; n < FOUGHT_FOR; n++) {
		left = has_nth(f->map, n);
		KUNIT_EXPECT_EQ(test, atomic_read(&f->puts[n]),
				atomic_read(&f->dels[n]) + left);
		KUNIT_EXPECT_GT(test, atomic_read(&f->dels[n]), 0);
		del_nth(f->map, n);
	}
	/* Nothing is left, and no place is lost */
	for (n = 0; n < FOUGHT_FOR; n++)
		KUNIT_ASSERT_EQ(test, put_nth(f->map, n, 0, BPFMAP_F_NOEXIST), 0);
	KUNIT_EXPECT_EQ(test, put_nth(f->map, n, 0, 0), -E2BIG);
}

/* Replacing races with deleting in a map of one element */
static void rhash_lone_element(struct kunit *test)
{
	static const struct map_shape shape = RHASH(8, 64, 1);
	struct bpfmap *map = kunit_map(test, &shape);
	u32 i;

	for (i = 0; i < 300; i++) {
		KUNIT_EXPECT_EQ(test, put_nth(map, i, 0, BPFMAP_F_EXIST),
				-ENOENT);
		KUNIT_EXPECT_EQ(test, put_nth(map, i, 1, BPFMAP_F_NOEXIST), 0);
		KUNIT_EXPECT_EQ(test, put_nth(map, i, 2, BPFMAP_F_NOEXIST),
				-EEXIST);
		KUNIT_EXPECT_EQ(test, put_nth(map, i + 1, 2, 0), -E2BIG);
		KUNIT_EXPECT_EQ(test, put_nth(map, i, 2, BPFMAP_F_EXIST), 0);
		KUNIT_EXPECT_EQ(test, del_nth(map, i), 0);
		KUNIT_EXPECT_EQ(test, del_nth(map, i), -ENOENT);
	}
}

static struct kunit_case rhash_cases[] = {
	KUNIT_CASE(rhash_lone_element),
	KUNIT_CASE_PARAM(stress_pointer_stays, shape_gen_params),
	KUNIT_CASE(rhash_resize),
	KUNIT_CASE(rhash_buckets),
	KUNIT_CASE(rhash_order_stays),
	KUNIT_CASE(rhash_no_table),
	KUNIT_CASE(rhash_long_chains),
	KUNIT_CASE_PARAM(stress_capacity, shape_gen_params),
	KUNIT_CASE_PARAM(contexts_softirq, shape_gen_params),
	KUNIT_CASE_PARAM(contexts_hardirq, shape_gen_params),
	KUNIT_CASE_PARAM(contexts_last_put, shape_gen_params),
	KUNIT_CASE_PARAM(stress_whole_values, shape_gen_params),
	KUNIT_CASE(rhash_walk_while_resizing),
	KUNIT_CASE(rhash_one_winner),
	KUNIT_CASE(rhash_full_and_empty),
	KUNIT_CASE(rhash_grow),
	{}
};

static struct kunit_suite rhash_suite = {
	.name = "bpfmap_rhash",
	.test_cases = rhash_cases,
};

kunit_test_suite(rhash_suite);
