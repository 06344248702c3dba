// SPDX-License-Identifier: GPL-2.0-only
/*
 * What the per-CPU array promises beyond the contract suite
 */
#include <linux/cpumask.h>
#include <linux/sizes.h>
#include <linux/string.h>

#include "percpu.h"
#include "stress.h"

#define PERCPU_ARRAY(value, max) {					\
	.name = "value " #value, .type = BPFMAP_TYPE_PERCPU_ARRAY,	\
	.key_size = 4, .value_size = value, .max_entries = max,		\
}

static const struct map_shape shapes[] = {
	PERCPU_ARRAY(16, 64),
	PERCPU_ARRAY(77, 48),
	PERCPU_ARRAY(512, 64),
};

SHAPE_PARAM(shape, shapes);

static void percpu_array_counters(struct kunit *test)
{
	static const struct map_shape shape = PERCPU_ARRAY(8, 16);

	stress_counters(test, &shape);
}

/* One CPU's value is never too large to copy, those of all can be */
static void percpu_array_large_values(struct kunit *test)
{
	static const struct map_shape shape = PERCPU_ARRAY(SZ_32K, 2);
	int all = num_possible_cpus() > 2 ? -EOPNOTSUPP : 0;
	struct bpfmap *map = kunit_map(test, &shape);
	void *value = kunit_buf(test, SZ_32K);
	u32 key = 1;

	KUNIT_EXPECT_EQ(test, bpfmap_update_elem(map, &key, value,
						 BPFMAP_F_ALL_CPUS), all);
	KUNIT_EXPECT_EQ(test, bpfmap_update_elem(map, &key, value, 0), 0);
	KUNIT_EXPECT_EQ(test, bpfmap_update_elem(map, &key, value,
						 cpu_flags(0)), 0);
	KUNIT_EXPECT_EQ(test, bpfmap_copy_elem(map, &key, value, 0), 0);
	KUNIT_EXPECT_EQ(test, bpfmap_copy_elem(map, &key, value,
					       cpu_flags(0)), 0);
}

static struct kunit_case percpu_array_cases[] = {
	KUNIT_CASE_PARAM(percpu_isolation, shape_gen_params),
	KUNIT_CASE_PARAM(percpu_this_cpu, shape_gen_params),
	KUNIT_CASE_PARAM(percpu_all_cpus, shape_gen_params),
	KUNIT_CASE_PARAM(percpu_cpu_range, shape_gen_params),
	KUNIT_CASE_PARAM(contexts_softirq, shape_gen_params),
	KUNIT_CASE_PARAM(contexts_hardirq, shape_gen_params),
	KUNIT_CASE_PARAM(contexts_last_put, shape_gen_params),
	KUNIT_CASE_PARAM(stress_whole_values, shape_gen_params),
	KUNIT_CASE(percpu_array_counters),
	KUNIT_CASE(percpu_array_large_values),
	{}
};

static struct kunit_suite percpu_array_suite = {
	.name = "bpfmap_percpu_array",
	.test_cases = percpu_array_cases,
};

kunit_test_suite(percpu_array_suite);
