// SPDX-License-Identifier: GPL-2.0-only
/*
 * What the per-CPU hash promises beyond the contract suite
 */
#include <linux/cpumask.h>
#include <linux/string.h>

#include "percpu.h"
#include "stress.h"

#define PERCPU_HASH(label, map_flags, key, value, max) {		\
	.name = label " " #key "/" #value,				\
	.type = BPFMAP_TYPE_PERCPU_HASH, .flags = map_flags,		\
	.key_size = key, .value_size = value, .max_entries = max,	\
}

static const struct map_shape shapes[] = {
	PERCPU_HASH("prealloc", 0, 8, 16, 64),
	PERCPU_HASH("no_prealloc", BPFMAP_F_NO_PREALLOC, 8, 16, 64),
	PERCPU_HASH("prealloc", 0, 13, 77, 48),
	PERCPU_HASH("no_prealloc", BPFMAP_F_NO_PREALLOC, 40, 512, 20),
};

SHAPE_PARAM(shape, shapes);

static void percpu_hash_full_and_empty(struct kunit *test)
{
	static const struct map_shape shape = PERCPU_HASH("", 0, 8, 16, 100);

	stress_full_and_empty(test, &shape);
}

static void percpu_hash_grow(struct kunit *test)
{
	static const struct map_shape shape =
		PERCPU_HASH("", BPFMAP_F_NO_PREALLOC, 8, 16, 200);

	contexts_grow(test, &shape);
}

static void percpu_hash_counters(struct kunit *test)
{
	static const struct map_shape shape = PERCPU_HASH("", 0, 8, 8, 16);

	stress_counters(test, &shape);
}

/* The nth element was just made with a value for one CPU: others have zeros */
static void expect_only(struct kunit *test, struct bpfmap *map, u32 n, int only)
{
	u8 value[SHAPE_MAX_VALUE], key[SHAPE_MAX_KEY];
	u32 size = bpfmap_value_size(map);
	int cpu;

	key_make(map, key, n);
	for_each_possible_cpu(cpu) {
		KUNIT_ASSERT_EQ(test, bpfmap_copy_elem(map, key, value,
						       cpu_flags(cpu)), 0);
		KUNIT_EXPECT_TRUE(test, cpu == only ?
				  value_is_whole(value, size, n) :
				  !memchr_inv(value, 0, size));
	}
}

/* A new element shows nothing of an old one, even in recycled memory */
static void percpu_hash_new_is_zero(struct kunit *test)
{
	const struct map_shape *shape = test->param_value;
	struct bpfmap *map = kunit_map(test, shape);
	u32 n, round, max = shape->max_entries;
	int only;

	for (round = 0; round < 2; round++) {
		for_each_possible_cpu(only) {
			for (n = 0; n < max; n++) {
				KUNIT_EXPECT_EQ(test, 0,
						put_patiently(map, n, round,
							      cpu_flags(only)));
				expect_only(test, map, n, only);
				put_patiently(map, n, round, BPFMAP_F_ALL_CPUS);
			}
			for (n = 0; n < max; n++)
				KUNIT_EXPECT_EQ(test, del_nth(map, n), 0);
		}
	}
}

static struct kunit_case percpu_hash_cases[] = {
	KUNIT_CASE_PARAM(percpu_isolation, shape_gen_params),
	KUNIT_CASE_PARAM(percpu_this_cpu, shape_gen_params),
	KUNIT_CASE_PARAM(percpu_all_cpus, shape_gen_params),
	KUNIT_CASE_PARAM(percpu_cpu_range, shape_gen_params),
	KUNIT_CASE_PARAM(percpu_hash_new_is_zero, shape_gen_params),
	KUNIT_CASE_PARAM(stress_capacity, shape_gen_params),
	KUNIT_CASE_PARAM(contexts_softirq, shape_gen_params),
	KUNIT_CASE_PARAM(contexts_hardirq, shape_gen_params),
	KUNIT_CASE_PARAM(contexts_last_put, shape_gen_params),
	KUNIT_CASE_PARAM(stress_whole_values, shape_gen_params),
	KUNIT_CASE(percpu_hash_full_and_empty),
	KUNIT_CASE(percpu_hash_counters),
	KUNIT_CASE(percpu_hash_grow),
	{}
};

static struct kunit_suite percpu_hash_suite = {
	.name = "bpfmap_percpu_hash",
	.test_cases = percpu_hash_cases,
};

kunit_test_suite(percpu_hash_suite);
