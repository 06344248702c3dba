// SPDX-License-Identifier: GPL-2.0-only
/*
 * Ids of maps: what comes after the last one
 */
#include <linux/limits.h>

#include "../drivers/bpfmap/internal.h"
#include "fixture.h"

#define LAST_ID		(INT_MAX - 1)

static const struct map_shape shape = {
	.name = "array", .type = BPFMAP_TYPE_ARRAY, .key_size = 4,
	.value_size = 8, .max_entries = 1,
};

/* The first ones again, but for those that are in use */
static void ids_wrap_around(struct kunit *test)
{
	struct bpfmap *first = kunit_map(test, &shape), *maps[4];
	u32 next = bpfmap_set_next_id(1), i;

	/* Nobody has that many maps: somewhere above there is room again */
	maps[0] = kunit_map(test, &shape);
	KUNIT_EXPECT_GE(test, maps[0]->id, 1);
	KUNIT_EXPECT_NE(test, maps[0]->id, first->id);

	bpfmap_set_next_id(LAST_ID - 1);
	for (i = 1; i < ARRAY_SIZE(maps); i++)
		maps[i] = kunit_map(test, &shape);
	KUNIT_EXPECT_EQ(test, maps[1]->id, LAST_ID - 1);
	KUNIT_EXPECT_EQ(test, maps[2]->id, LAST_ID);
	KUNIT_EXPECT_GE(test, maps[3]->id, 1);
	KUNIT_EXPECT_LT(test, maps[3]->id, LAST_ID - 1);
	KUNIT_EXPECT_NE(test, maps[3]->id, maps[0]->id);
	KUNIT_EXPECT_NE(test, maps[3]->id, first->id);
	bpfmap_set_next_id(next);
}

/* An id that is used is not given out again, and one that is free is, at last */
static void ids_in_use(struct kunit *test)
{
	struct bpfmap *map = kunit_map(test, &shape), *other;
	u32 next = bpfmap_set_next_id(map->id);

	other = kunit_map(test, &shape);
	KUNIT_EXPECT_GT(test, other->id, map->id);
	bpfmap_set_next_id(LAST_ID);
	KUNIT_EXPECT_EQ(test, kunit_map(test, &shape)->id, LAST_ID);
	bpfmap_set_next_id(LAST_ID);
	KUNIT_EXPECT_LT(test, kunit_map(test, &shape)->id, LAST_ID);
	bpfmap_set_next_id(next);
}

static struct kunit_case ids_cases[] = {
	KUNIT_CASE(ids_wrap_around),
	KUNIT_CASE(ids_in_use),
	{}
};

static struct kunit_suite ids_suite = {
	.name = "bpfmap_ids",
	.test_cases = ids_cases,
};

kunit_test_suite(ids_suite);
