// SPDX-License-Identifier: GPL-2.0-only
/*
 * What the array promises beyond the contract suite
 */
#include <linux/mm.h>
#include <linux/rcupdate.h>
#include <linux/sizes.h>
#include <linux/string.h>

#include "crew.h"
#include "stress.h"

#define ARRAY(label, map_flags, value, max) {				\
	.name = label " " #value, .type = BPFMAP_TYPE_ARRAY,		\
	.flags = map_flags, .key_size = 4, .value_size = value,		\
	.max_entries = max,						\
}

static const struct map_shape shapes[] = {
	ARRAY("plain", 0, 16, 64),
	ARRAY("plain", 0, 77, 48),
	ARRAY("plain", 0, 512, 64),
	ARRAY("mmapable", BPFMAP_F_MMAPABLE, 512, 64),
	ARRAY("view", BPFMAP_F_VIEW, 77, 48),
};

SHAPE_PARAM(shape, shapes);

/**
 * struct index_row - an index of an array of 5
 * @index: the index
 * @there: is it one?
 * @next: what get_next_key makes of it
 */
struct index_row {
	u32 index;
	bool there;
	int next;
};

static void array_index_range(struct kunit *test)
{
	static const struct index_row rows[] = {
		{ 0, true, 1 }, { 3, true, 4 }, { 4, true, -ENOENT },
		{ 5, false, 0 }, { 6, false, 0 }, { 8, false, 0 },
		{ S32_MAX, false, 0 }, { 1U << 31, false, 0 },
		{ U32_MAX - 1, false, 0 }, { U32_MAX, false, 0 },
	};
	static const struct map_shape shape = ARRAY("", 0, 8, 5);
	struct bpfmap *map = kunit_map(test, &shape);
	u64 value = 1;
	u32 i, next;
	void *found;
	int err;

	for (i = 0; i < ARRAY_SIZE(rows); i++) {
		const u32 *key = &rows[i].index;
		bool there = rows[i].there;

		KUNIT_EXPECT_EQ(test, bpfmap_update_elem(map, key, &value, 0),
				there ? 0 : -E2BIG);
		KUNIT_EXPECT_EQ(test, bpfmap_copy_elem(map, key, &value, 0),
				there ? 0 : -ENOENT);
		KUNIT_EXPECT_EQ(test, bpfmap_delete_elem(map, key), -EINVAL);
		rcu_read_lock();
		found = bpfmap_lookup_elem(map, key);
		rcu_read_unlock();
		KUNIT_EXPECT_EQ(test, !!found, there);
		err = bpfmap_get_next_key(map, key, &next);
		KUNIT_EXPECT_EQ(test, err ?: (int)next, rows[i].next);
	}
}

/* The layout that a mapping shows: one after the other, each rounded up to 8 */
static void array_layout(struct kunit *test)
{
	static const struct map_shape layouts[] = {
		ARRAY("", 0, 1, 9), ARRAY("", BPFMAP_F_MMAPABLE, 3, 3000),
		ARRAY("", BPFMAP_F_MMAPABLE, 8, 9), ARRAY("", 0, 77, 100),
	};
	u32 i, n;

	for (i = 0; i < ARRAY_SIZE(layouts); i++) {
		const struct map_shape *shape = &layouts[i];
		struct bpfmap *map = kunit_map(test, shape);
		u32 wrong = 0, zero = 0;
		void *first;

		rcu_read_lock();
		first = bpfmap_lookup_elem(map, &zero);
		for (n = 0; n < shape->max_entries; n++)
			wrong += bpfmap_lookup_elem(map, &n) !=
				 first + n * round_up(shape->value_size, 8);
		rcu_read_unlock();
		KUNIT_EXPECT_EQ(test, wrong, 0U);
		if (shape->flags & BPFMAP_F_MMAPABLE)
			KUNIT_EXPECT_TRUE(test, PAGE_ALIGNED(first));
	}
}

/* A module's own counters: what atomics do through the pointer adds up */
static void add_step(struct worker *w)
{
	struct bpfmap *map = w->ctx;
	atomic64_t *value;
	u32 n;

	for (n = 0; n < bpfmap_max_entries(map); n++) {
		rcu_read_lock();
		value = bpfmap_lookup_elem(map, &n);
		if (worker_check(w, value))
			atomic64_inc(value);
		rcu_read_unlock();
	}
}

static void array_pointer_counts(struct kunit *test)
{
	static const struct job jobs[] = { { "add", add_step } };
	static const struct map_shape shape = ARRAY("", 0, 8, 8);
	struct bpfmap *map = kunit_map(test, &shape);
	u64 value, first = 0;
	u32 n;

	crew_run(test, jobs, ARRAY_SIZE(jobs), map, 200);
	for (n = 0; n < shape.max_entries; n++) {
		KUNIT_ASSERT_EQ(test, bpfmap_copy_elem(map, &n, &value, 0), 0);
		if (!n)
			first = value;
		KUNIT_EXPECT_EQ(test, value, first);
	}
	KUNIT_EXPECT_NE(test, first, 0ULL);
}

/* Values of one word are whole though nothing protects them: all bytes alike */
static void word_step(struct worker *w)
{
	struct bpfmap *map = w->ctx;
	u32 size = bpfmap_value_size(map);
	u32 n = worker_random(w, bpfmap_max_entries(map));
	u8 value[8];

	memset(value, worker_random(w, 256), size);
	worker_check(w, !bpfmap_update_elem(map, &n, value, 0));
	n = worker_random(w, bpfmap_max_entries(map));
	worker_check(w, !bpfmap_copy_elem(map, &n, value, 0));
	worker_check(w, !memchr_inv(value, value[0], size));
}

static void array_words(struct kunit *test)
{
	static const struct job jobs[] = {
		{ "word", word_step }, { "word", word_step },
	};
	static const struct map_shape words[] = {
		ARRAY("", 0, 2, 4), ARRAY("", 0, 4, 4), ARRAY("", 0, 8, 4),
	};
	int i;

	for (i = 0; i < ARRAY_SIZE(words); i++)
		crew_run(test, jobs, ARRAY_SIZE(jobs),
			 kunit_map(test, &words[i]), 200);
}

/* Too much to copy in atomic context, but a pointer still works */
static void array_large_values(struct kunit *test)
{
	static const struct map_shape sizes[] = {
		ARRAY("", 0, SZ_64K, 2), ARRAY("", 0, SZ_64K + 1, 2),
	};
	void *value = kunit_buf(test, SZ_64K + 1);
	u32 i, key = 1;

	for (i = 0; i < ARRAY_SIZE(sizes); i++) {
		struct bpfmap *map = kunit_map(test, &sizes[i]);
		int want = sizes[i].value_size > SZ_64K ? -EOPNOTSUPP : 0;

		KUNIT_EXPECT_EQ(test, want,
				bpfmap_update_elem(map, &key, value, 0));
		KUNIT_EXPECT_EQ(test, want,
				bpfmap_update_elem(map, &key, value,
						   BPFMAP_F_EXIST));
		KUNIT_EXPECT_EQ(test, want,
				bpfmap_copy_elem(map, &key, value, 0));
		rcu_read_lock();
		KUNIT_EXPECT_NOT_NULL(test, bpfmap_lookup_elem(map, &key));
		rcu_read_unlock();
	}
}

static struct kunit_case array_cases[] = {
	KUNIT_CASE(array_index_range),
	KUNIT_CASE(array_layout),
	KUNIT_CASE(array_pointer_counts),
	KUNIT_CASE(array_words),
	KUNIT_CASE(array_large_values),
	KUNIT_CASE_PARAM(contexts_softirq, shape_gen_params),
	KUNIT_CASE_PARAM(contexts_hardirq, shape_gen_params),
	KUNIT_CASE_PARAM(contexts_last_put, shape_gen_params),
	KUNIT_CASE_PARAM(stress_whole_values, shape_gen_params),
	{}
};

static struct kunit_suite array_suite = {
	.name = "bpfmap_array",
	.test_cases = array_cases,
};

kunit_test_suite(array_suite);
