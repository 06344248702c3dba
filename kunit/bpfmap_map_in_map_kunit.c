// SPDX-License-Identifier: GPL-2.0-only
/*
 * Maps of maps as other modules use them: contents of elements, references, and
 * readers that keep using a replaced inner map
 *
 * The oracle for references: inside one RCU read-side critical section a map's
 * memory stays, so after an operation bpfmap_tryget() tells whether that let
 * the last reference go.
 */
#include <linux/bottom_half.h>
#include <linux/cpumask.h>
#include <linux/delay.h>
#include <linux/prandom.h>
#include <linux/rcupdate.h>
#include <linux/string.h>

#include "../drivers/bpfmap/internal.h"
#include "crew.h"
#include "fixture.h"

#define OUTER(label, t, map_flags, key, max) {				\
	.name = label, .type = BPFMAP_TYPE_##t##_OF_MAPS,		\
	.flags = map_flags, .key_size = key, .value_size = 4,		\
	.max_entries = max,						\
}

static const struct map_shape shapes[] = {
	OUTER("array", ARRAY, 0, 4, 13),
	OUTER("hash prealloc", HASH, 0, 4, 13),
	OUTER("hash no_prealloc", HASH, BPFMAP_F_NO_PREALLOC, 4, 13),
	OUTER("hash 13-byte keys", HASH, 0, 13, 8),
};

/* An inner map; its element 0 has the map's own id */
static const struct map_shape inner_shape = {
	.type = BPFMAP_TYPE_ARRAY, .key_size = 4, .value_size = 8,
	.max_entries = 3,
};

SHAPE_PARAM(shape, shapes);

static bool is_array(const struct bpfmap *outer)
{
	return bpfmap_type(outer) == BPFMAP_TYPE_ARRAY_OF_MAPS;
}

/* NULL if there is no memory */
static struct bpfmap *inner_create(void)
{
	struct bpfmap *inner = shape_create(&inner_shape);
	u64 id;
	u32 zero = 0;

	if (IS_ERR(inner))
		return NULL;
	id = bpfmap_id(inner);
	if (!bpfmap_update_elem(inner, &zero, &id, 0))
		return inner;
	bpfmap_put(inner);
	return NULL;
}

/* Is this a map of inner_create(), and usable? */
static bool inner_is_whole(struct bpfmap *inner)
{
	u32 zero = 0;
	u64 id;

	return bpfmap_type(inner) == inner_shape.type &&
	       !bpfmap_copy_elem(inner, &zero, &id, 0) &&
	       id == bpfmap_id(inner);
}

static int set_nth(struct bpfmap *outer, u32 n, struct bpfmap *inner, u64 flags)
{
	u8 key[SHAPE_MAX_KEY];

	key_make(outer, key, n);
	return bpfmap_set_inner(outer, key, inner, flags);
}

/* In an RCU read-side critical section */
static struct bpfmap *lookup_nth(struct bpfmap *outer, u32 n)
{
	u8 key[SHAPE_MAX_KEY];

	key_make(outer, key, n);
	return bpfmap_lookup_inner(outer, key);
}

static struct bpfmap_create_attr outer_attr(const struct map_shape *shape)
{
	return (struct bpfmap_create_attr) {
		.map_type = shape->type,
		.key_size = shape->key_size,
		.value_size = shape->value_size,
		.max_entries = shape->max_entries,
		.map_flags = shape->flags,
		.inner_map_fd = -1,
	};
}

static int take_map(struct kunit_resource *res, void *map)
{
	res->data = map;
	return 0;
}

static void put_map(struct kunit_resource *res)
{
	bpfmap_put(res->data);
}

/* A map of maps for those of inner_create() */
static struct bpfmap *kunit_outer(struct kunit *test,
				  const struct map_shape *shape)
{
	struct bpfmap_create_attr attr = outer_attr(shape);
	struct bpfmap *like = inner_create(), *outer;

	KUNIT_ASSERT_NOT_NULL(test, like);
	outer = bpfmap_create_outer(&attr, like);
	bpfmap_put(like);
	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, outer);
	return kunit_alloc_resource(test, take_map, put_map, GFP_KERNEL, outer);
}

#define INNERS	5
#define MAX_KEYS 16

/**
 * struct world - a map of maps, what may be in it, and the oracle
 * @test: the test
 * @shape: of @outer
 * @outer: the map of maps
 * @inner: maps, NULL if unreferenced
 * @held: the test has a reference
 * @at: by key, index of the map that is there, -1: none
 * @rnd: what comes next
 */
struct world {
	struct kunit *test;
	const struct map_shape *shape;
	struct bpfmap *outer;
	struct bpfmap *inner[INNERS];
	bool held[INNERS];
	int at[MAX_KEYS];
	struct rnd_state rnd;
};

static u32 below(struct world *w, u32 limit)
{
	return prandom_u32_state(&w->rnd) % limit;
}

static u32 world_count(const struct world *w)
{
	u32 n, nr = 0;

	for (n = 0; n < MAX_KEYS; n++)
		nr += w->at[n] >= 0;
	return nr;
}

/* Is there a reference to the map, by the oracle? */
static bool world_holds(const struct world *w, int i)
{
	u32 n;

	for (n = 0; n < MAX_KEYS; n++)
		if (w->at[n] == i)
			return true;
	return w->held[i];
}

/* After an operation, in the same RCU read-side critical section */
static bool world_is_right(struct world *w)
{
	int i;

	for (i = 0; i < INNERS; i++) {
		bool alive;

		if (!w->inner[i])
			continue;
		alive = bpfmap_tryget(w->inner[i]);
		if (alive)
			bpfmap_put(w->inner[i]);
		if (alive != world_holds(w, i))
			return false;
		if (!alive)
			w->inner[i] = NULL;
	}
	return true;
}

static int want_set(const struct world *w, u32 n, u64 flags)
{
	if (is_array(w->outer)) {
		if (flags)
			return -EINVAL;
		return n < w->shape->max_entries ? 0 : -E2BIG;
	}
	if (flags > BPFMAP_F_EXIST)
		return -EINVAL;
	if (w->at[n] >= 0)
		return flags == BPFMAP_F_NOEXIST ? -EEXIST : 0;
	if (flags == BPFMAP_F_EXIST)
		return -ENOENT;
	return world_count(w) < w->shape->max_entries ? 0 : -E2BIG;
}

static void step_set(struct world *w, u32 n, int i)
{
	/* Mostly without flags, which is all that an array takes */
	u64 flags = below(w, 3) ? 0 : below(w, 4);
	int want = want_set(w, n, flags), err;
	bool right;

	if (!w->inner[i])
		return;
	rcu_read_lock();
	err = set_nth(w->outer, n, w->inner[i], flags);
	if (!err)
		w->at[n] = i;
	right = world_is_right(w);
	rcu_read_unlock();
	KUNIT_EXPECT_EQ(w->test, err, want);
	KUNIT_EXPECT_TRUE(w->test, right);
}

static void step_delete(struct world *w, u32 n)
{
	int want = w->at[n] >= 0 ? 0 : -ENOENT, err;
	bool right;

	if (is_array(w->outer) && n >= w->shape->max_entries)
		want = -E2BIG;
	rcu_read_lock();
	err = del_nth(w->outer, n);
	w->at[n] = -1;
	right = world_is_right(w);
	rcu_read_unlock();
	KUNIT_EXPECT_EQ(w->test, err, want);
	KUNIT_EXPECT_TRUE(w->test, right);
}

/* Put one that the test holds, or create one where there is none */
static void step_hold(struct world *w, int i)
{
	bool right;

	if (!w->inner[i]) {
		w->inner[i] = inner_create();
		w->held[i] = w->inner[i];
		return;
	}
	rcu_read_lock();
	if (w->held[i])
		bpfmap_put(w->inner[i]);
	else
		bpfmap_get(w->inner[i]);
	w->held[i] = !w->held[i];
	right = world_is_right(w);
	rcu_read_unlock();
	KUNIT_EXPECT_TRUE(w->test, right);
}

static void step_look(struct world *w, u32 n)
{
	struct bpfmap *want = w->at[n] < 0 ? NULL : w->inner[w->at[n]], *got;
	u8 key[SHAPE_MAX_KEY];
	bool whole = true;
	u32 id = 0;
	int err;

	rcu_read_lock();
	got = lookup_nth(w->outer, n);
	if (got)
		whole = inner_is_whole(got);
	rcu_read_unlock();
	KUNIT_EXPECT_PTR_EQ(w->test, got, want);
	KUNIT_EXPECT_TRUE(w->test, whole);

	key_make(w->outer, key, n);
	err = bpfmap_copy_elem(w->outer, key, &id, 0);
	KUNIT_EXPECT_EQ(w->test, err, want ? 0 : -ENOENT);
	KUNIT_EXPECT_EQ(w->test, id, want ? bpfmap_id(want) : 0);
}

static u32 count_keys(struct bpfmap *outer, u32 max)
{
	u8 keys[2][SHAPE_MAX_KEY];
	u32 nr = 0;
	int err = bpfmap_get_next_key(outer, NULL, keys[0]);

	for (; !err && nr <= max; nr++)
		err = bpfmap_get_next_key(outer, keys[nr & 1], keys[!(nr & 1)]);
	return nr;
}

static void world_begin(struct world *w, struct kunit *test)
{
	w->test = test;
	w->shape = test->param_value;
	w->outer = kunit_outer(test, w->shape);
	memset(w->at, -1, sizeof(w->at));
	prandom_seed_state(&w->rnd, bpfmap_kunit_seed());
}

/* Maps that only the outer map holds are freed with it, after the test */
static void world_end(struct world *w)
{
	int i;

	for (i = 0; i < INNERS; i++)
		if (w->held[i])
			bpfmap_put(w->inner[i]);
}

static void map_in_map_random(struct kunit *test)
{
	u32 steps = 20000 * bpfmap_kunit_effort, n, i;
	struct world *w = kunit_buf(test, sizeof(*w));

	world_begin(w, test);
	while (steps--) {
		n = below(w, MAX_KEYS);
		i = below(w, INNERS);
		switch (below(w, 8)) {
		case 0 ... 2:
			step_set(w, n, i);
			break;
		case 3:
			step_delete(w, n);
			break;
		case 4:
			step_hold(w, i);
			break;
		default:
			step_look(w, n);
		}
		if (!(steps & 255))
			KUNIT_EXPECT_EQ(test, count_keys(w->outer, MAX_KEYS),
					is_array(w->outer) ?
					w->shape->max_entries : world_count(w));
	}
	world_end(w);
}

/* One map in every element: each element holds a reference */
static void map_in_map_everywhere(struct kunit *test)
{
	struct world *w = kunit_buf(test, sizeof(*w));
	u32 n;

	world_begin(w, test);
	w->inner[0] = inner_create();
	KUNIT_ASSERT_NOT_NULL(test, w->inner[0]);
	w->held[0] = true;
	for (n = 0; n < w->shape->max_entries; n++) {
		KUNIT_EXPECT_EQ(test, set_nth(w->outer, n, w->inner[0], 0), 0);
		w->at[n] = 0;
	}
	step_hold(w, 0);
	for (n = 0; n < w->shape->max_entries; n++) {
		KUNIT_EXPECT_NOT_NULL(test, w->inner[0]);
		step_delete(w, n);
	}
	KUNIT_EXPECT_NULL(test, w->inner[0]);
}

/* The values of a map of maps are no kernel memory and no descriptors */
static void map_in_map_wrong_calls(struct kunit *test)
{
	struct bpfmap *outer = kunit_outer(test, test->param_value);
	struct bpfmap *inner = inner_create();
	struct bpfmap *other = kunit_outer(test, test->param_value);
	static const struct map_shape larger = {
		.type = BPFMAP_TYPE_ARRAY, .key_size = 4, .value_size = 8,
		.max_entries = 4,
	};
	struct bpfmap *unlike = kunit_map(test, &larger);
	u8 key[SHAPE_MAX_KEY];
	u32 zero = 0;

	KUNIT_ASSERT_NOT_NULL(test, inner);
	key_make(outer, key, 0);
	KUNIT_EXPECT_EQ(test, bpfmap_update_elem(outer, key, &zero, 0), -EINVAL);
	KUNIT_EXPECT_EQ(test, set_nth(outer, 0, unlike, 0), -EINVAL);
	KUNIT_EXPECT_EQ(test, set_nth(outer, 0, other, 0), -EINVAL);
	KUNIT_EXPECT_EQ(test, set_nth(outer, 0, outer, 0), -EINVAL);
	KUNIT_EXPECT_EQ(test, set_nth(outer, 0, inner, BPFMAP_F_CPU), -EINVAL);
	KUNIT_EXPECT_EQ(test, bpfmap_set_inner(inner, &zero, inner, 0), -EINVAL);
	KUNIT_EXPECT_EQ(test, set_nth(outer, 0, inner, 0), 0);
	KUNIT_EXPECT_EQ(test, bpfmap_for_each_elem(outer, NULL, NULL, 0),
			-EOPNOTSUPP);
	rcu_read_lock();
	KUNIT_EXPECT_NULL(test, bpfmap_lookup_elem(outer, key));
	KUNIT_EXPECT_NULL(test, bpfmap_lookup_percpu_elem(outer, key, 0));
	KUNIT_EXPECT_NULL(test, bpfmap_lookup_inner(inner, &zero));
	rcu_read_unlock();
	bpfmap_put(inner);
}

static void map_in_map_create(struct kunit *test)
{
	const struct map_shape *shape = test->param_value;
	struct bpfmap_create_attr attr = outer_attr(shape);
	struct bpfmap *outer = kunit_outer(test, shape);
	struct bpfmap *inner = inner_create();

	KUNIT_ASSERT_NOT_NULL(test, inner);
	/* Nothing but user space has descriptors */
	KUNIT_EXPECT_EQ(test, PTR_ERR(bpfmap_create(&attr)), -EBADF);
	KUNIT_EXPECT_EQ(test, PTR_ERR(bpfmap_create_outer(&attr, outer)),
			-EINVAL);
	attr.value_size = 8;
	KUNIT_EXPECT_EQ(test, PTR_ERR(bpfmap_create_outer(&attr, inner)),
			-EINVAL);
	KUNIT_EXPECT_EQ(test, PTR_ERR(bpfmap_create(&attr)), -EINVAL);
	attr.value_size = 4;
	attr.map_flags |= BPFMAP_F_RDONLY;
	KUNIT_EXPECT_EQ(test, PTR_ERR(bpfmap_create_outer(&attr, inner)),
			-EINVAL);
	attr.map_flags = 0;
	attr.map_type = BPFMAP_TYPE_HASH;
	KUNIT_EXPECT_EQ(test, PTR_ERR(bpfmap_create_outer(&attr, inner)),
			-EINVAL);
	attr.map_type = BPFMAP_TYPE_UNSPEC;
	KUNIT_EXPECT_EQ(test, PTR_ERR(bpfmap_create_outer(&attr, inner)),
			-EINVAL);
	bpfmap_put(inner);
}

/* [inner.limit]: far below the number of references that saturates */
static void map_in_map_many_elements(struct kunit *test)
{
	struct bpfmap *outer = kunit_outer(test, test->param_value);
	struct bpfmap *inner = inner_create();
	int refs;

	KUNIT_ASSERT_NOT_NULL(test, inner);
	refs = refcount_read(&inner->ref);
	refcount_set(&inner->ref, INT_MAX / 2 + 1);
	KUNIT_EXPECT_EQ(test, set_nth(outer, 0, inner, 0), -E2BIG);
	KUNIT_EXPECT_EQ(test, refcount_read(&inner->ref), INT_MAX / 2 + 1);
	refcount_set(&inner->ref, INT_MAX / 2);
	KUNIT_EXPECT_EQ(test, set_nth(outer, 0, inner, 0), 0);
	KUNIT_EXPECT_EQ(test, refcount_read(&inner->ref), INT_MAX / 2 + 1);
	KUNIT_EXPECT_EQ(test, set_nth(outer, 1, inner, 0), -E2BIG);
	KUNIT_EXPECT_EQ(test, del_nth(outer, 0), 0);
	refcount_set(&inner->ref, refs);
	bpfmap_put(inner);
}

/* Long enough for a grace period that does not wait for this reader */
static void map_in_map_replaced_under_reader(struct kunit *test)
{
	struct bpfmap *outer = kunit_outer(test, test->param_value);
	struct bpfmap *one = inner_create(), *two = inner_create(), *got;
	bool before, after, written;
	u32 zero = 0;
	u64 value = 1;
	int err;

	KUNIT_ASSERT_NOT_NULL(test, one);
	KUNIT_ASSERT_NOT_NULL(test, two);
	KUNIT_EXPECT_EQ(test, set_nth(outer, 0, one, 0), 0);
	bpfmap_put(one);

	rcu_read_lock();
	got = lookup_nth(outer, 0);
	err = set_nth(outer, 0, two, 0);
	before = inner_is_whole(got);
	mdelay(100);
	after = inner_is_whole(got);
	written = !bpfmap_update_elem(got, &zero, &value, 0);
	rcu_read_unlock();
	KUNIT_EXPECT_PTR_EQ(test, got, one);
	KUNIT_EXPECT_EQ(test, err, 0);
	KUNIT_EXPECT_TRUE(test, before && after && written);
	bpfmap_put(two);
}

/* What the workers share; keys are those of the map */
struct stress {
	struct bpfmap *outer;
	u32 keys;
};

/* Not E2BIG: a deleted element may not have reached the pool yet */
static void stress_set(struct worker *w, struct bpfmap *inner)
{
	const struct stress *s = w->ctx;
	int err = set_nth(s->outer, worker_random(w, s->keys), inner, 0);

	worker_check(w, !err || err == -E2BIG);
}

static void new_step(struct worker *w)
{
	struct bpfmap *inner = inner_create();

	if (!worker_check(w, inner))
		return;
	stress_set(w, inner);
	stress_set(w, inner);
	bpfmap_put(inner);
}

/* From one element to another, in softirq context for lockdep */
static void move_step(struct worker *w)
{
	const struct stress *s = w->ctx;
	struct bpfmap *inner;

	local_bh_disable();
	rcu_read_lock();
	inner = lookup_nth(s->outer, worker_random(w, s->keys));
	if (inner && !bpfmap_tryget(inner))
		inner = NULL;
	rcu_read_unlock();
	if (inner) {
		stress_set(w, inner);
		bpfmap_put(inner);
	}
	local_bh_enable();
}

static void delete_step(struct worker *w)
{
	const struct stress *s = w->ctx;
	int err = del_nth(s->outer, worker_random(w, s->keys));

	worker_check(w, !err || err == -ENOENT);
}

static void lookup_step(struct worker *w)
{
	const struct stress *s = w->ctx;
	struct bpfmap *inner;

	rcu_read_lock();
	inner = lookup_nth(s->outer, worker_random(w, s->keys));
	worker_check(w, !inner || inner_is_whole(inner));
	rcu_read_unlock();
}

static void id_step(struct worker *w)
{
	const struct stress *s = w->ctx;
	u8 key[SHAPE_MAX_KEY];
	u32 id = 0;
	int err;

	key_make(s->outer, key, worker_random(w, s->keys));
	err = bpfmap_copy_elem(s->outer, key, &id, 0);
	worker_check(w, err ? err == -ENOENT : id && id <= INT_MAX);
}

static void interrupted(void *worker)
{
	lookup_step(worker);
	id_step(worker);
}

static void interrupt_step(struct worker *w)
{
	worker_interrupt(w, interrupted);
}

static const struct job jobs[] = {
	{ "new", new_step },
	{ "move", move_step },
	{ "delete", delete_step },
	{ "lookup", lookup_step },
	{ "id", id_step },
	{ "interrupt", interrupt_step },
};

static void map_in_map_stress(struct kunit *test)
{
	const struct map_shape *shape = test->param_value;
	struct stress s = {
		.outer = kunit_outer(test, shape),
		.keys = shape->max_entries,
	};
	u32 n, left;

	crew_run(test, jobs, ARRAY_SIZE(jobs), &s, 500);
	for (n = 0; n < s.keys; n++)
		del_nth(s.outer, n);
	left = is_array(s.outer) ? s.keys : 0;
	KUNIT_EXPECT_EQ(test, count_keys(s.outer, s.keys), left);
	for (n = 0; n < s.keys; n++)
		KUNIT_EXPECT_EQ(test, del_nth(s.outer, n), -ENOENT);
}

static struct kunit_case map_in_map_cases[] = {
	KUNIT_CASE_PARAM(map_in_map_create, shape_gen_params),
	KUNIT_CASE_PARAM(map_in_map_wrong_calls, shape_gen_params),
	KUNIT_CASE_PARAM(map_in_map_many_elements, shape_gen_params),
	KUNIT_CASE_PARAM(map_in_map_random, shape_gen_params),
	KUNIT_CASE_PARAM(map_in_map_everywhere, shape_gen_params),
	KUNIT_CASE_PARAM(map_in_map_replaced_under_reader, shape_gen_params),
	KUNIT_CASE_PARAM(map_in_map_stress, shape_gen_params),
	{}
};

static struct kunit_suite map_in_map_suite = {
	.name = "bpfmap_map_in_map",
	.test_cases = map_in_map_cases,
};

kunit_test_suite(map_in_map_suite);
