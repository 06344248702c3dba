// SPDX-License-Identifier: GPL-2.0-only
/*
 * Many at once on one map
 */
#include <linux/cpumask.h>
#include <linux/preempt.h>
#include <linux/rcupdate.h>
#include <linux/string.h>

#include "crew.h"
#include "stress.h"

/* Keys that are always there, in maps that do not evict */
#define STABLE	4

/* So few that they collide all the time */
#define KEYS	16

/**
 * struct stress - what the workers share; all constant
 * @map: the map
 * @keys: keys in use
 * @stable: keys 0 .. @stable - 1 are always there. In a hash, the others come
 *	    and go, so that elements change their key all the time
 * @array: elements cannot be deleted
 * @evicts: it is never full
 * @percpu: there is a value for each CPU
 * @allocates: each insertion takes memory, which no true interrupt may
 */
struct stress {
	struct bpfmap *map;
	u32 keys;
	u32 stable;
	bool array;
	bool evicts;
	bool percpu;
	bool allocates;
};

/* For per-CPU types the value of any possible CPU, else the value */
static u64 random_value(struct worker *w, const struct stress *s)
{
	u32 cpu;

	if (!s->percpu)
		return 0;
	do {
		cpu = worker_random(w, nr_cpu_ids);
	} while (!cpu_possible(cpu));
	return cpu_flags(cpu);
}

static void write_step(struct worker *w)
{
	const struct stress *s = w->ctx;
	u32 n = worker_random(w, s->keys);
	u64 flags = random_value(w, s);
	int err;

	if (s->percpu && !worker_random(w, 4))
		flags = BPFMAP_F_ALL_CPUS;
	/* Also in the call that a CPU makes to itself, which is no interrupt */
	if (s->allocates && irqs_disabled())
		flags = BPFMAP_F_EXIST;
	err = put_nth(s->map, n, worker_random(w, U32_MAX), flags);
	if (flags == BPFMAP_F_EXIST && n >= s->stable && err == -ENOENT)
		return;
	/*
	 * An element is unavailable until it reaches the pool: for a moment the
	 * map may look full.
	 */
	worker_check(w, !err ||
		     (!s->evicts && n >= s->stable && err == -E2BIG));
}

static void delete_step(struct worker *w)
{
	const struct stress *s = w->ctx;
	u32 n = s->stable + worker_random(w, s->keys - s->stable);
	int err = del_nth(s->map, n);

	if (s->array)
		worker_check(w, err == -EINVAL);
	else
		worker_check(w, !err || err == -ENOENT);
}

/* A whole value of that key, or the zeros of a CPU without a write */
static bool value_fits(const struct stress *s, const void *value, u32 n)
{
	u32 size = bpfmap_value_size(s->map);

	return value_is_whole(value, size, n) ||
	       ((s->array || s->percpu) && !memchr_inv(value, 0, size));
}

static void copy_step(struct worker *w)
{
	u8 value[SHAPE_MAX_VALUE], key[SHAPE_MAX_KEY];
	const struct stress *s = w->ctx;
	u32 n = worker_random(w, s->keys);
	int err;

	key_make(s->map, key, n);
	err = bpfmap_copy_elem(s->map, key, value, random_value(w, s));
	if (!err)
		worker_check(w, value_fits(s, value, n));
	else
		worker_check(w, err == -ENOENT && n >= s->stable && !s->array);
}

static void lookup_step(struct worker *w)
{
	const struct stress *s = w->ctx;
	u32 n = worker_random(w, s->keys);
	u8 key[SHAPE_MAX_KEY];
	u8 *value;

	key_make(s->map, key, n);
	rcu_read_lock();
	value = bpfmap_lookup_elem(s->map, key);
	if (value)
		READ_ONCE(value[bpfmap_value_size(s->map) - 1]);
	rcu_read_unlock();
	worker_check(w, value || (n >= s->stable && !s->array));
}

static void next_step(struct worker *w)
{
	const struct stress *s = w->ctx;
	u8 keys[2][SHAPE_MAX_KEY];
	u32 i;
	int err = bpfmap_get_next_key(s->map, NULL, keys[0]);

	/* A deleted key starts the walk again: it need not end */
	for (i = 0; !err && i < 2 * s->keys; i++) {
		worker_check(w, key_is_whole(s->map, keys[i & 1]));
		err = bpfmap_get_next_key(s->map, keys[i & 1],
					  keys[!(i & 1)]);
	}
	worker_check(w, i || !s->stable);
	worker_check(w, !err || err == -ENOENT);
}

static void each_step(struct worker *w)
{
	const struct stress *s = w->ctx;

	worker_check(w, count_elems(s->map) >= 0);
}

/* All in one thread too, else the scheduler decides which operations race */
static void mixed_step(struct worker *w)
{
	static void (* const steps[])(struct worker *w) = {
		write_step, write_step, delete_step, copy_step, lookup_step,
	};

	steps[worker_random(w, ARRAY_SIZE(steps))](w);
}

/* More than one, so that an element can be freed and used again */
static void interrupted(void *worker)
{
	int i;

	for (i = 0; i < 8; i++)
		mixed_step(worker);
}

static void interrupt_step(struct worker *w)
{
	worker_interrupt(w, interrupted);
}

static const struct job whole_jobs[] = {
	{ "write", write_step },
	{ "delete", delete_step },
	{ "copy", copy_step },
	{ "lookup", lookup_step },
	{ "next", next_step },
	{ "each", each_step },
	{ "mixed", mixed_step },
	{ "interrupt", interrupt_step },
};

/* From empty to exactly full and back */
static void expect_fill_and_empty(struct kunit *test, struct bpfmap *map,
				  u32 nr)
{
	u32 n, failed = 0;

	KUNIT_EXPECT_EQ(test, count_elems(map), 0);
	for (n = 0; n < nr; n++)
		failed += put_patiently(map, n, n, BPFMAP_F_NOEXIST) != 0;
	KUNIT_EXPECT_EQ(test, failed, 0);
	KUNIT_EXPECT_EQ(test, put_nth(map, nr, 0, 0), -E2BIG);
	KUNIT_EXPECT_EQ(test, count_elems(map), nr);
	for (n = 0; n < nr; n++)
		failed += del_nth(map, n) != 0;
	KUNIT_EXPECT_EQ(test, failed, 0);
	KUNIT_EXPECT_EQ(test, count_elems(map), 0);
}

/**
 * stress_run() - no reader sees a torn value, or misses one
 * @test: the test
 * @shape: of the map, values at least 12 bytes
 * @map: the map; the first @stable keys are there
 * @keys: keys to use
 * @stable: those of them that are never deleted
 *
 * Writers, deleters and readers of all kinds at once, interrupted by more of
 * them. A copied value must be one that a writer stored, for that key; a key
 * that stays must be found by every look-up; keys must be whole.
 */
void stress_run(struct kunit *test, const struct map_shape *shape,
		struct bpfmap *map, u32 keys, u32 stable)
{
	struct stress s = {
		.map = map,
		.keys = keys,
		.stable = stable,
		.array = shape_is_array(shape),
		.evicts = shape_is_lru(shape),
		.percpu = shape_is_percpu(shape),
		.allocates = shape->type == BPFMAP_TYPE_RHASH,
	};

	crew_run(test, whole_jobs, ARRAY_SIZE(whole_jobs), &s, 500);
}

/**
 * stress_whole_values() - stress_run(), after which all elements are still there
 * @test: the test, its parameter a shape with values of at least 12 bytes that
 *	  does not evict; how many entries does not matter
 */
void stress_whole_values(struct kunit *test)
{
	struct map_shape small = *(const struct map_shape *)test->param_value;
	struct bpfmap *map;
	u32 n;

	small.max_entries = KEYS;
	map = kunit_map(test, &small);
	/* All of them, so that no interrupt has to allocate memory */
	for (n = 0; n < KEYS; n++)
		KUNIT_ASSERT_EQ(test, put_patiently(map, n, 0, 0), 0);
	stress_run(test, &small, map, KEYS, STABLE);
	if (shape_is_array(&small))
		return;
	for (n = 0; n < KEYS; n++)
		del_nth(map, n);
	expect_fill_and_empty(test, map, KEYS);
}

/**
 * stress_pointer_stays() - a pointer is that of the element while its value is
 *			    replaced, and valid until rcu_read_unlock() if that
 *			    is deleted
 * @test: the test, its parameter the shape of a hash with values of at least 12
 *	  bytes; KASAN finds a use after free
 */
void stress_pointer_stays(struct kunit *test)
{
	const struct map_shape *shape = test->param_value;
	struct bpfmap *map = kunit_map(test, shape);
	void *before, *after;
	u8 key[SHAPE_MAX_KEY];
	bool whole, gone;

	put_nth(map, 1, 1, 0);
	key_make(map, key, 1);
	rcu_read_lock();
	before = bpfmap_lookup_elem(map, key);
	put_nth(map, 1, 2, 0);
	after = bpfmap_lookup_elem(map, key);
	del_nth(map, 1);
	gone = !bpfmap_lookup_elem(map, key);
	whole = before && value_is_whole(before, shape->value_size, 1);
	rcu_read_unlock();
	KUNIT_EXPECT_PTR_EQ(test, before, after);
	KUNIT_EXPECT_TRUE(test, whole);
	KUNIT_EXPECT_TRUE(test, gone);
}

/**
 * stress_capacity() - the capacity is exact on every CPU
 * @test: the test, its parameter the shape of a hash
 *
 * Each CPU in turn fills what another one has emptied.
 */
void stress_capacity(struct kunit *test)
{
	const struct map_shape *shape = test->param_value;
	struct bpfmap *map = kunit_map(test, shape);
	u32 n, failed, nr = shape->max_entries;
	int filler, emptier;

	for_each_online_cpu(filler) {
		for_each_online_cpu(emptier) {
			kunit_move_to(test, filler);
			expect_fill_and_empty(test, map, nr);
			for (n = 0, failed = 0; n < nr; n++)
				failed += put_patiently(map, n, 0, 0) != 0;
			kunit_move_to(test, emptier);
			KUNIT_EXPECT_EQ(test, put_nth(map, nr, 0, 0), -E2BIG);
			for (n = 0; n < nr; n++)
				failed += del_nth(map, n) != 0;
			KUNIT_EXPECT_EQ(test, failed, 0);
		}
	}
}

/* The map is never full, but may look so for a moment: see write_step() */
static int put_new(struct bpfmap *map, u32 n, u32 nonce)
{
	int err, tries = 0;

	do {
		err = put_nth(map, n, nonce, BPFMAP_F_NOEXIST);
	} while (err == -E2BIG && tries++ < 1000);
	return err;
}

/* Fill and empty this CPU's own share of the keys */
static void cycle_step(struct worker *w)
{
	const struct stress *s = w->ctx;
	u32 share = s->keys / nr_cpu_ids, n;

	for (n = w->cpu * share; n < (w->cpu + 1) * share; n++) {
		worker_check(w, !put_new(s->map, n, w->steps));
		worker_check(w, has_nth(s->map, n));
	}
	for (n = w->cpu * share; n < (w->cpu + 1) * share; n++) {
		worker_check(w, !del_nth(s->map, n));
		worker_check(w, !has_nth(s->map, n));
	}
}

static const struct job cycle_jobs[] = {
	{ "cycle", cycle_step },
};

/**
 * stress_full_and_empty() - no element is lost or found
 * @test: the test
 * @shape: a hash with preallocation
 *
 * All CPUs fill and empty their shares of the map, then one fills all.
 */
void stress_full_and_empty(struct kunit *test, const struct map_shape *shape)
{
	struct stress s = {
		.map = kunit_map(test, shape),
		/* One element for each CPU is in transit */
		.keys = shape->max_entries - nr_cpu_ids,
	};

	crew_run(test, cycle_jobs, ARRAY_SIZE(cycle_jobs), &s, 500);
	expect_fill_and_empty(test, s.map, shape->max_entries);
}

/* Counters as modules have them: this CPU's, written through the pointer */
static void count_step(struct worker *w)
{
	const struct stress *s = w->ctx;
	u8 key[SHAPE_MAX_KEY];
	u64 *value;
	u32 n;

	for (n = 0; n < s->keys; n++) {
		key_make(s->map, key, n);
		preempt_disable();
		rcu_read_lock();
		value = bpfmap_lookup_elem(s->map, key);
		if (worker_check(w, value))
			(*value)++;
		rcu_read_unlock();
		preempt_enable();
	}
}

/* Counted in the order of the keys: none can be ahead of the one before it */
static void watch_step(struct worker *w)
{
	const struct stress *s = w->ctx;
	u8 key[SHAPE_MAX_KEY];
	u64 value, last = U64_MAX;
	u32 n;

	for (n = s->keys; n-- > 0; last = value) {
		key_make(s->map, key, n);
		if (worker_check(w, !bpfmap_copy_elem(s->map, key, &value,
						      cpu_flags(w->cpu))))
			worker_check(w, last == U64_MAX || value >= last);
	}
}

static const struct job count_jobs[] = {
	{ "count", count_step },
	{ "watch", watch_step },
};

/**
 * stress_counters() - counts of each CPU are that CPU's
 * @test: the test
 * @shape: a per-CPU type, values of 8 bytes
 */
void stress_counters(struct kunit *test, const struct map_shape *shape)
{
	struct stress s = {
		.map = kunit_map(test, shape),
		.keys = shape->max_entries,
	};
	u64 value, first = 0, zero = 0;
	u8 key[SHAPE_MAX_KEY];
	int cpu;
	u32 n;

	for (n = 0; n < s.keys; n++) {
		key_make(s.map, key, n);
		KUNIT_ASSERT_EQ(test, bpfmap_update_elem(s.map, key, &zero, 0),
				0);
	}
	crew_run(test, count_jobs, ARRAY_SIZE(count_jobs), &s, 300);
	/* All keys were counted equally often, on each CPU */
	for_each_online_cpu(cpu) {
		for (n = 0; n < s.keys; n++) {
			key_make(s.map, key, n);
			KUNIT_ASSERT_EQ(test, bpfmap_copy_elem(s.map, key, &value,
							       cpu_flags(cpu)), 0);
			if (!n)
				first = value;
			KUNIT_EXPECT_EQ(test, value, first);
		}
		KUNIT_EXPECT_GT(test, first, 0ULL);
	}
}
