// SPDX-License-Identifier: GPL-2.0-only
/*
 * Rows of operations: which are refused, and what a missing operation answers
 */
#include <linux/errno.h>

#include "../drivers/bpfmap/batch.h"
#include "fixture.h"

static int some_check(const struct bpfmap_create_attr *attr)
{
	return 0;
}

static struct bpfmap *some_alloc(const struct bpfmap_create_attr *attr)
{
	return NULL;
}

static void some_free(struct bpfmap *map)
{
}

static u64 some_usage(const struct bpfmap *map)
{
	return 0;
}

static void *some_lookup_elem(struct bpfmap *map, const void *key)
{
	return NULL;
}

static void *some_lookup_cpu(struct bpfmap *map, const void *key, u32 cpu)
{
	return NULL;
}

static int some_lookup(struct bpfmap *map, const void *key, void *value,
		       u64 flags)
{
	return 1;
}

static void some_lookup_many(struct bpfmap *map, struct bpfmap_many *many)
{
}

static u32 some_lookup_elems(struct bpfmap *map, const void *keys,
			     void **values, u32 nr)
{
	return 0;
}

static int some_update(struct bpfmap *map, const void *key, const void *value,
		       u64 flags, gfp_t gfp)
{
	return 2;
}

static int some_delete(struct bpfmap *map, const void *key)
{
	return 3;
}

static int some_next_key(struct bpfmap *map, const void *key, void *next_key)
{
	return 4;
}

static int some_set_inner(struct bpfmap *map, const void *key,
			  struct bpfmap *inner, u64 flags, gfp_t gfp)
{
	return 0;
}

static struct bpfmap *some_inner(struct bpfmap *map, const void *key)
{
	return NULL;
}

static long some_each(struct bpfmap *map, bpfmap_each_fn fn, void *ctx)
{
	return 0;
}

static int some_walk(struct bpfmap *map, struct bpfmap_walk *walk)
{
	return 0;
}

static int some_walk_from(struct bpfmap *map, struct bpfmap_walk *walk,
			  const void *from, void *next)
{
	return 0;
}

static int some_update_run(struct bpfmap *map, struct bpfmap_run *run,
			   gfp_t gfp)
{
	return 0;
}

static int some_delete_run(struct bpfmap *map, struct bpfmap_run *run)
{
	return 0;
}

static int some_batch(struct bpfmap_batch *batch)
{
	return 0;
}

static int some_mmap(struct bpfmap *map, struct vm_area_struct *vma)
{
	return 0;
}

static struct page *some_page(struct bpfmap *map, pgoff_t pgoff)
{
	return NULL;
}

static bool some_held(struct bpfmap *map, pgoff_t *at)
{
	return false;
}

static struct address_space *some_mapping(struct bpfmap *map)
{
	return NULL;
}

static const struct bpfmap_batch_ops lookups = { .lookup = some_batch };
static const struct bpfmap_batch_ops updates = { .update = some_batch };
static const struct bpfmap_batch_ops deletes = { .delete = some_batch };

/* What no row can do without */
#define LEAST	.check = some_check, .alloc = some_alloc, .free = some_free, \
		.mem_usage = some_usage

/**
 * struct row - a row to check
 * @name: of the test case's parameter
 * @ops: the row
 */
struct row {
	const char *name;
	struct bpfmap_ops ops;
};

static const struct row good_rows[] = {
	{ "least", { LEAST } },
	{ "errnos", { LEAST, .no_lookup = -EINVAL, .no_update = -EPERM,
		      .no_delete = -EOPNOTSUPP, .no_next_key = -MAX_ERRNO } },
	{ "elements", { LEAST, .lookup_elem = some_lookup_elem,
			.lookup = some_lookup, .copy = some_lookup,
			.update = some_update, .delete = some_delete,
			.get_next_key = some_next_key,
			.for_each = some_each } },
	{ "many keys", { LEAST, .lookup_elem = some_lookup_elem,
			 .lookup = some_lookup,
			 .lookup_many = some_lookup_many,
			 .lookup_elems = some_lookup_elems } },
	{ "per CPU", { LEAST, .percpu = true,
		       .lookup_percpu_elem = some_lookup_cpu } },
	{ "of maps", { LEAST, .set_inner = some_set_inner,
		       .lookup_inner = some_inner } },
	{ "walk", { LEAST, .batch = &lookups, .walk = some_walk,
		    .walk_direct = true } },
	{ "update", { LEAST, .batch = &updates, .update = some_update,
		      .update_run = some_update_run } },
	{ "delete", { LEAST, .batch = &deletes, .delete = some_delete,
		      .delete_run = some_delete_run } },
	{ "pages", { LEAST, .mmap = some_mmap, .mmap_page = some_page } },
	{ "own vm_ops", { LEAST, .mmap = some_mmap, .find_held = some_held,
			  .mapping = some_mapping } },
};

static const struct row bad_rows[] = {
	{ "empty", { } },
	{ "no check", { .alloc = some_alloc, .free = some_free,
			.mem_usage = some_usage } },
	{ "no alloc", { .check = some_check, .free = some_free,
			.mem_usage = some_usage } },
	{ "no free", { .check = some_check, .alloc = some_alloc,
		       .mem_usage = some_usage } },
	{ "no mem_usage", { .check = some_check, .alloc = some_alloc,
			    .free = some_free } },
	{ "positive errno", { LEAST, .no_lookup = EINVAL } },
	{ "no errno", { LEAST, .no_next_key = -MAX_ERRNO - 1 } },
	{ "errno and lookup", { LEAST, .lookup = some_lookup,
				.no_lookup = -EINVAL } },
	{ "errno and update", { LEAST, .update = some_update,
				.no_update = -EINVAL } },
	{ "errno and delete", { LEAST, .delete = some_delete,
				.no_delete = -EINVAL } },
	{ "errno and next key", { LEAST, .get_next_key = some_next_key,
				  .no_next_key = -EINVAL } },
	{ "pointer without lookup", { LEAST,
				      .lookup_elem = some_lookup_elem } },
	{ "copy without lookup", { LEAST, .copy = some_lookup } },
	{ "value without lookup", { LEAST, .lookup_by_value = true } },
	{ "many without lookup", { LEAST, .lookup_many = some_lookup_many } },
	{ "many pointers without one", { LEAST,
					 .lookup_elems = some_lookup_elems } },
	{ "percpu without CPU", { LEAST, .percpu = true } },
	{ "CPU without percpu", { LEAST,
				  .lookup_percpu_elem = some_lookup_cpu } },
	{ "set_inner alone", { LEAST, .set_inner = some_set_inner } },
	{ "lookup_inner alone", { LEAST, .lookup_inner = some_inner } },
	{ "pointer to an inner map", { LEAST, .set_inner = some_set_inner,
				       .lookup_inner = some_inner,
				       .lookup = some_lookup,
				       .lookup_elem = some_lookup_elem } },
	{ "each inner map", { LEAST, .set_inner = some_set_inner,
			      .lookup_inner = some_inner,
			      .for_each = some_each } },
	{ "batch without walk", { LEAST, .batch = &lookups } },
	{ "walk without batch", { LEAST, .walk = some_walk } },
	{ "walk_from without batch", { LEAST, .walk_from = some_walk_from } },
	{ "wrong walk", { LEAST, .batch = &lookups,
			  .walk_from = some_walk_from } },
	{ "direct without walk", { LEAST, .walk_direct = true } },
	{ "batch without update", { LEAST, .batch = &updates } },
	{ "batch without delete", { LEAST, .batch = &deletes } },
	{ "update_run without batch", { LEAST, .update = some_update,
					.update_run = some_update_run } },
	{ "delete_run without batch", { LEAST, .batch = &updates,
					.update = some_update,
					.delete = some_delete,
					.delete_run = some_delete_run } },
	{ "mmap without pages", { LEAST, .mmap = some_mmap } },
	{ "mmap with both", { LEAST, .mmap = some_mmap, .mmap_page = some_page,
			      .find_held = some_held } },
	{ "pages without mmap", { LEAST, .mmap_page = some_page } },
	{ "held without mmap", { LEAST, .find_held = some_held } },
	{ "mapping without mmap", { LEAST, .mapping = some_mapping } },
};

static void row_describe(const struct row *row, char *desc)
{
	strscpy(desc, row->name, KUNIT_PARAM_DESC_SIZE);
}

KUNIT_ARRAY_PARAM(good, good_rows, row_describe);
KUNIT_ARRAY_PARAM(bad, bad_rows, row_describe);

static void types_good(struct kunit *test)
{
	const struct row *row = test->param_value;
	struct bpfmap_ops ops = row->ops;

	KUNIT_EXPECT_NULL(test, bpfmap_ops_complete(&ops));
	/* All that commands call without a test */
	KUNIT_EXPECT_NOT_NULL(test, ops.lookup_elem);
	KUNIT_EXPECT_NOT_NULL(test, ops.lookup);
	KUNIT_EXPECT_NOT_NULL(test, ops.copy);
	KUNIT_EXPECT_NOT_NULL(test, ops.update);
	KUNIT_EXPECT_NOT_NULL(test, ops.delete);
	KUNIT_EXPECT_NOT_NULL(test, ops.get_next_key);
	KUNIT_EXPECT_NOT_NULL(test, ops.lookup_many);
	KUNIT_EXPECT_NOT_NULL(test, ops.lookup_elems);
	KUNIT_EXPECT_NOT_NULL(test, ops.batch);
}

static void types_bad(struct kunit *test)
{
	const struct row *row = test->param_value;
	struct bpfmap_ops ops = row->ops;

	KUNIT_EXPECT_NOT_NULL(test, bpfmap_ops_complete(&ops));
	KUNIT_EXPECT_MEMEQ(test, &ops, &row->ops, sizeof(ops));
}

static void expect_errnos(struct kunit *test, const struct bpfmap_ops *row,
			  const int *errnos)
{
	struct bpfmap *map = kunit_buf(test, sizeof(*map));
	struct bpfmap_ops ops = *row;

	KUNIT_ASSERT_NULL(test, bpfmap_ops_complete(&ops));
	map->ops = &ops;
	KUNIT_EXPECT_NULL(test, ops.lookup_elem(map, NULL));
	KUNIT_EXPECT_EQ(test, ops.lookup(map, NULL, NULL, 0), errnos[0]);
	KUNIT_EXPECT_EQ(test, ops.copy(map, NULL, NULL, 0), errnos[0]);
	KUNIT_EXPECT_EQ(test, ops.update(map, NULL, NULL, 0, 0), errnos[1]);
	KUNIT_EXPECT_EQ(test, ops.delete(map, NULL), errnos[2]);
	KUNIT_EXPECT_EQ(test, ops.get_next_key(map, NULL, NULL), errnos[3]);
}

static void types_defaults(struct kunit *test)
{
	const struct bpfmap_ops usual = { LEAST };
	const struct bpfmap_ops own = {
		LEAST, .no_lookup = -1, .no_update = -2, .no_delete = -3,
		.no_next_key = -4,
	};
	const struct bpfmap_ops full = {
		LEAST, .lookup = some_lookup, .update = some_update,
		.delete = some_delete, .get_next_key = some_next_key,
	};

	expect_errnos(test, &usual, (int []) { -524, -524, -524, -524 });
	expect_errnos(test, &own, (int []) { -1, -2, -3, -4 });
	expect_errnos(test, &full, (int []) { 1, 2, 3, 4 });
}

static struct kunit_case types_cases[] = {
	KUNIT_CASE_PARAM(types_good, good_gen_params),
	KUNIT_CASE_PARAM(types_bad, bad_gen_params),
	KUNIT_CASE(types_defaults),
	{}
};

static struct kunit_suite types_suite = {
	.name = "bpfmap_types",
	.test_cases = types_cases,
};

kunit_test_suite(types_suite);
