// SPDX-License-Identifier: GPL-2.0-only
/*
 * What both per-CPU types promise
 */
#include <linux/cpumask.h>
#include <linux/rcupdate.h>
#include <linux/string.h>

#include "percpu.h"

/* The value of @cpu is that of value_make(n, nonce), by every operation */
static void expect_value(struct kunit *test, struct bpfmap *map, u32 n, int cpu,
			 u32 nonce)
{
	u8 want[SHAPE_MAX_VALUE], got[SHAPE_MAX_VALUE], key[SHAPE_MAX_KEY];
	u32 size = bpfmap_value_size(map);
	bool same;
	void *p;

	key_make(map, key, n);
	value_make(want, size, n, nonce);
	KUNIT_EXPECT_EQ(test, bpfmap_copy_elem(map, key, got, cpu_flags(cpu)), 0);
	KUNIT_EXPECT_MEMEQ(test, got, want, size);
	rcu_read_lock();
	p = bpfmap_lookup_percpu_elem(map, key, cpu);
	same = p && !memcmp(p, want, size);
	rcu_read_unlock();
	KUNIT_EXPECT_TRUE(test, same);
}

/**
 * percpu_isolation() - each possible CPU has a value of its own
 * @test: the test, its parameter the shape of a per-CPU type
 */
void percpu_isolation(struct kunit *test)
{
	const struct map_shape *shape = test->param_value;
	struct bpfmap *map = kunit_map(test, shape);
	u32 n, max = shape->max_entries;
	int cpu, changed;

	for (n = 0; n < max; n++)
		for_each_possible_cpu(cpu)
			KUNIT_EXPECT_EQ(test, 0,
					put_patiently(map, n, 100 + cpu,
						      cpu_flags(cpu)));
	/* n: 100, 101, .. */
	for (n = 0; n < max; n++)
		for_each_possible_cpu(cpu)
			expect_value(test, map, n, cpu, 100 + cpu);

	/* One changes: 0 of that CPU is 7 */
	for_each_possible_cpu(changed) {
		KUNIT_EXPECT_EQ(test, 0, put_patiently(map, 0, 7,
						       cpu_flags(changed)));
		for_each_possible_cpu(cpu)
			expect_value(test, map, 0, cpu,
				     cpu == changed ? 7 : 100 + cpu);
		put_patiently(map, 0, 100 + changed, cpu_flags(changed));
	}
}

/**
 * percpu_this_cpu() - without a CPU, it is the one that this runs on
 * @test: the test, its parameter the shape of a per-CPU type
 */
void percpu_this_cpu(struct kunit *test)
{
	const struct map_shape *shape = test->param_value;
	u8 value[SHAPE_MAX_VALUE], key[SHAPE_MAX_KEY];
	struct bpfmap *map = kunit_map(test, shape);
	void *mine, *named;
	int cpu;

	KUNIT_ASSERT_EQ(test, put_patiently(map, 0, 1, BPFMAP_F_ALL_CPUS), 0);
	key_make(map, key, 0);
	for_each_online_cpu(cpu) {
		kunit_move_to(test, cpu);
		KUNIT_EXPECT_EQ(test, put_patiently(map, 0, 50 + cpu, 0), 0);
		expect_value(test, map, 0, cpu, 50 + cpu);

		KUNIT_EXPECT_EQ(test, bpfmap_copy_elem(map, key, value, 0), 0);
		rcu_read_lock();
		mine = bpfmap_lookup_elem(map, key);
		named = bpfmap_lookup_percpu_elem(map, key, cpu);
		rcu_read_unlock();
		KUNIT_ASSERT_NOT_NULL(test, mine);
		KUNIT_EXPECT_PTR_EQ(test, mine, named);
		KUNIT_EXPECT_MEMEQ(test, mine, value, shape->value_size);
	}
	/* 0: 50, 51, .. of CPUs that are online, 1 of the others */
	for_each_possible_cpu(cpu)
		expect_value(test, map, 0, cpu, cpu_online(cpu) ? 50 + cpu : 1);
}

/**
 * percpu_all_cpus() - one value for every possible CPU
 * @test: the test, its parameter the shape of a per-CPU type
 */
void percpu_all_cpus(struct kunit *test)
{
	const struct map_shape *shape = test->param_value;
	struct bpfmap *map = kunit_map(test, shape);
	int cpu;

	for_each_possible_cpu(cpu)
		put_patiently(map, 0, 100 + cpu, cpu_flags(cpu));
	KUNIT_EXPECT_EQ(test, put_patiently(map, 0, 9, BPFMAP_F_ALL_CPUS), 0);
	/* 0: 9, 9, .. */
	for_each_possible_cpu(cpu)
		expect_value(test, map, 0, cpu, 9);
}

/**
 * percpu_cpu_range() - CPUs that are not possible
 * @test: the test, its parameter the shape of a per-CPU type
 */
void percpu_cpu_range(struct kunit *test)
{
	const struct map_shape *shape = test->param_value;
	const u32 cpus[] = { 0, nr_cpu_ids - 1, nr_cpu_ids, nr_cpu_ids + 1,
			     1U << 31, U32_MAX };
	u8 value[SHAPE_MAX_VALUE], key[SHAPE_MAX_KEY];
	struct bpfmap *map = kunit_map(test, shape);
	void *found;
	u32 i;

	KUNIT_ASSERT_EQ(test, put_patiently(map, 0, 1, BPFMAP_F_ALL_CPUS), 0);
	key_make(map, key, 0);
	for (i = 0; i < ARRAY_SIZE(cpus); i++) {
		bool possible = cpus[i] < nr_cpu_ids && cpu_possible(cpus[i]);
		u64 flags = cpu_flags(cpus[i]);

		rcu_read_lock();
		found = bpfmap_lookup_percpu_elem(map, key, cpus[i]);
		rcu_read_unlock();
		KUNIT_EXPECT_EQ(test, !!found, possible);
		KUNIT_EXPECT_EQ(test, put_patiently(map, 0, 1, flags),
				possible ? 0 : -ERANGE);
		KUNIT_EXPECT_EQ(test, bpfmap_copy_elem(map, key, value, flags),
				possible ? 0 : -ERANGE);
	}
}
