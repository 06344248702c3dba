// SPDX-License-Identifier: GPL-2.0-only
/*
 * What all map types promise: the same cases for each type, variant and size,
 * with the oracle of model.c to say what is right
 */
#include <linux/cpumask.h>
#include <linux/fdtable.h>
#include <linux/rcupdate.h>
#include <linux/string.h>

#include "contract.h"

#define SHAPE(label, map_type, map_flags, key, value, max) {		\
	.name = label " " #key "/" #value, .type = map_type,		\
	.flags = map_flags, .key_size = key, .value_size = value,	\
	.max_entries = max,						\
}

#define HASH_SHAPES(label, type, flags)					\
	SHAPE(label, type, flags, 1, 8, 32),				\
	SHAPE(label, type, flags, 8, 8, 30),				\
	SHAPE(label, type, flags, 4, 64, 17),				\
	SHAPE(label, type, flags, 40, 512, 12),				\
	SHAPE(label, type, flags, 5, 3, 23),				\
	SHAPE(label, type, flags, 13, 77, 1),

#define ARRAY_SHAPES(label, type, flags)				\
	SHAPE(label, type, flags, 4, 1, 32),				\
	SHAPE(label, type, flags, 4, 8, 30),				\
	SHAPE(label, type, flags, 4, 64, 17),				\
	SHAPE(label, type, flags, 4, 512, 12),				\
	SHAPE(label, type, flags, 4, 3, 23),				\
	SHAPE(label, type, flags, 4, 77, 1),

/* By the rules for keys and values; the other types have promises of their own */
#define SHAPES_BYTES_BYTES	HASH_SHAPES
#define SHAPES_BYTES_PERCPU	HASH_SHAPES
#define SHAPES_SHORT_BYTES	HASH_SHAPES
#define SHAPES_INDEX_BYTES	ARRAY_SHAPES
#define SHAPES_INDEX_PERCPU	ARRAY_SHAPES
#define NO_SHAPES(label, type, flags)
#define SHAPES_PREFIX_BYTES	NO_SHAPES
#define SHAPES_INDEX_MAPS	NO_SHAPES
#define SHAPES_BYTES_MAPS	NO_SHAPES
#define SHAPES_NONE_BYTES	NO_SHAPES
#define SHAPES_NONE_NONE	NO_SHAPES

static const struct map_shape shapes[] = {
	HASH_SHAPES("hash no_prealloc", BPFMAP_TYPE_HASH,
		    BPFMAP_F_NO_PREALLOC)
	HASH_SHAPES("percpu_hash no_prealloc", BPFMAP_TYPE_PERCPU_HASH,
		    BPFMAP_F_NO_PREALLOC)
	ARRAY_SHAPES("array mmapable", BPFMAP_TYPE_ARRAY, BPFMAP_F_MMAPABLE)
#define BPFMAP_MAP_TYPE(NAME, name, key, value, cursor, must, ...)	\
	SHAPES_##key##_##value(#name, BPFMAP_TYPE_##NAME, must)
#include <linux/bpfmap_types.h>
#undef BPFMAP_MAP_TYPE
};

SHAPE_PARAM(shape, shapes);

/**
 * contract_begin() - the map and the oracle of a test case
 * @test: the test, its parameter a shape
 */
struct contract *contract_begin(struct kunit *test)
{
	struct contract *c = kunit_buf(test, sizeof(*c));

	c->test = test;
	c->shape = test->param_value;
	c->map = kunit_map(test, c->shape);
	c->model = kunit_model(test, c->shape);
	c->key = kunit_buf(test, c->shape->key_size);
	c->value = kunit_buf(test, c->shape->value_size);
	c->got = kunit_buf(test, max(c->shape->key_size, c->shape->value_size));
	kunit_move_to(test, raw_smp_processor_id());
	return c;
}

static void expect_as_model(struct contract *c)
{
	const char *what = model_differs(c->model, c->map);

	KUNIT_EXPECT_NULL_MSG(c->test, what, "%s", what);
}

/* One operation on both; the results must be the same, and are returned */
static int put(struct contract *c, u32 n, u32 nonce, u64 flags)
{
	int err, want;

	key_make(c->map, c->key, n);
	value_make(c->value, c->shape->value_size, n, nonce);
	err = update_patiently(c->map, c->key, c->value, flags);
	want = model_update(c->model, c->key, c->value, flags,
			    raw_smp_processor_id());
	KUNIT_EXPECT_EQ_MSG(c->test, err, want, "update %u, flags %llx", n,
			    flags);
	return err;
}

static int del(struct contract *c, u32 n)
{
	int err, want;

	key_make(c->map, c->key, n);
	err = bpfmap_delete_elem(c->map, c->key);
	want = model_delete(c->model, c->key);
	KUNIT_EXPECT_EQ_MSG(c->test, err, want, "delete %u", n);
	return err;
}

static void fill_map(struct contract *c, u32 nonce)
{
	u32 n;

	for (n = 0; n < c->shape->max_entries; n++)
		KUNIT_EXPECT_EQ(c->test, put(c, n, nonce, BPFMAP_F_ANY), 0);
}

static void contract_handle(struct kunit *test)
{
	struct contract *c = contract_begin(test);
	struct bpfmap *other = shape_create(c->shape);

	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, other);
	KUNIT_EXPECT_EQ(test, bpfmap_type(other), c->shape->type);
	KUNIT_EXPECT_EQ(test, bpfmap_key_size(other), c->shape->key_size);
	KUNIT_EXPECT_EQ(test, bpfmap_value_size(other), c->shape->value_size);
	KUNIT_EXPECT_EQ(test, bpfmap_max_entries(other),
			c->shape->max_entries);
	KUNIT_EXPECT_NE(test, bpfmap_id(other), 0);
	KUNIT_EXPECT_NE(test, bpfmap_id(other), bpfmap_id(c->map));

	/* References: 2, 1: still as good as new */
	KUNIT_EXPECT_PTR_EQ(test, bpfmap_get(other), other);
	bpfmap_put(other);
	KUNIT_EXPECT_NULL(test, model_differs(c->model, other));
	/* 0: KASAN and kmemleak have the last word */
	bpfmap_put(other);
}

static void contract_descriptor(struct kunit *test)
{
	struct contract *c = contract_begin(test);
	struct bpfmap *map;
	int fd;

	KUNIT_EXPECT_EQ(test, bpfmap_install_fd(c->map, BPFMAP_F_RDONLY |
						BPFMAP_F_WRONLY), -EINVAL);
	KUNIT_EXPECT_EQ(test, bpfmap_install_fd(c->map, BPFMAP_F_NO_PREALLOC),
			-EINVAL);
	fd = bpfmap_install_fd(c->map, BPFMAP_F_RDONLY);
	KUNIT_ASSERT_GE(test, fd, 0);

	map = bpfmap_get_from_fd(fd);
	KUNIT_EXPECT_PTR_EQ(test, map, c->map);
	KUNIT_EXPECT_EQ(test, close_fd(fd), 0);
	KUNIT_EXPECT_EQ(test, PTR_ERR(bpfmap_get_from_fd(fd)), -EBADF);
	KUNIT_EXPECT_EQ(test, PTR_ERR(bpfmap_get_from_fd(-1)), -EBADF);
	if (!IS_ERR(map))
		bpfmap_put(map);
	expect_as_model(c);
}

static void contract_fresh(struct kunit *test)
{
	struct contract *c = contract_begin(test);

	/* hash: empty; array: all there, all zero */
	expect_as_model(c);
	KUNIT_EXPECT_EQ(test, c->model->nr,
			shape_is_array(c->shape) ? c->shape->max_entries : 0);
	KUNIT_EXPECT_EQ(test, del(c, 0),
			shape_is_array(c->shape) ? -EINVAL : -ENOENT);
	expect_as_model(c);
}

/* Columns of the tables below */
enum { HASH, PERCPU_HASH, ARRAY, PERCPU_ARRAY, KINDS };

static int shape_kind(const struct map_shape *shape)
{
	return 2 * shape_is_array(shape) + shape_is_percpu(shape);
}

#define NO_SUCH_CPU	(BPFMAP_F_CPU | (u64)U32_MAX << 32)
#define CPU_0		BPFMAP_F_CPU

/**
 * struct flags_row - what element flags do
 * @name: the flags in words
 * @flags: the flags
 * @absent: result by kind where the key is absent, or the index out of range
 * @present: result by kind where the key is there
 */
struct flags_row {
	const char *name;
	u64 flags;
	int absent[KINDS];
	int present[KINDS];
};

#define SAME(err)	{ err, err, err, err }
#define ONLY_PERCPU(hash, array) { -EINVAL, hash, -EINVAL, array }
#define WRONG		.absent = SAME(-EINVAL), .present = SAME(-EINVAL)

static const struct flags_row update_rows[] = {
	{ "ANY", BPFMAP_F_ANY,
	  { 0, 0, -E2BIG, -E2BIG }, SAME(0) },
	{ "NOEXIST", BPFMAP_F_NOEXIST,
	  { 0, 0, -E2BIG, -E2BIG }, SAME(-EEXIST) },
	{ "EXIST", BPFMAP_F_EXIST,
	  { -ENOENT, -ENOENT, -E2BIG, -E2BIG }, SAME(0) },
	{ "NOEXIST|EXIST", BPFMAP_F_NOEXIST | BPFMAP_F_EXIST,
	  ONLY_PERCPU(0, -E2BIG), ONLY_PERCPU(0, 0) },
	{ "CPU", CPU_0,
	  ONLY_PERCPU(0, -E2BIG), ONLY_PERCPU(0, 0) },
	{ "CPU|NOEXIST", CPU_0 | BPFMAP_F_NOEXIST,
	  ONLY_PERCPU(0, -E2BIG), ONLY_PERCPU(0, 0) },
	{ "CPU|EXIST", CPU_0 | BPFMAP_F_EXIST,
	  ONLY_PERCPU(0, -E2BIG), ONLY_PERCPU(0, 0) },
	{ "CPU|NOEXIST|EXIST", CPU_0 | BPFMAP_F_NOEXIST | BPFMAP_F_EXIST,
	  ONLY_PERCPU(0, -E2BIG), ONLY_PERCPU(0, 0) },
	{ "CPU, not possible", NO_SUCH_CPU,
	  ONLY_PERCPU(-ERANGE, -ERANGE), ONLY_PERCPU(-ERANGE, -ERANGE) },
	{ "CPU|32, not possible", NO_SUCH_CPU | 32,
	  ONLY_PERCPU(-ERANGE, -ERANGE), ONLY_PERCPU(-ERANGE, -ERANGE) },
	{ "ALL_CPUS", BPFMAP_F_ALL_CPUS,
	  ONLY_PERCPU(0, -E2BIG), ONLY_PERCPU(0, 0) },
	{ "ALL_CPUS|NOEXIST", BPFMAP_F_ALL_CPUS | BPFMAP_F_NOEXIST, WRONG },
	{ "ALL_CPUS|EXIST", BPFMAP_F_ALL_CPUS | BPFMAP_F_EXIST, WRONG },
	{ "ALL_CPUS|CPU", BPFMAP_F_ALL_CPUS | CPU_0, WRONG },
	{ "ALL_CPUS, bits above", BPFMAP_F_ALL_CPUS | 1ULL << 32, WRONG },
	{ "LOCK", BPFMAP_F_LOCK, WRONG },
	{ "LOCK|EXIST", BPFMAP_F_LOCK | BPFMAP_F_EXIST, WRONG },
	{ "LOCK|CPU, not possible", BPFMAP_F_LOCK | NO_SUCH_CPU, WRONG },
	{ "32", 32, WRONG },
	{ "32|CPU", 32 | CPU_0, WRONG },
	{ "bit 31", 1U << 31, WRONG },
	{ "bit 32", 1ULL << 32, WRONG },
	{ "bit 63", 1ULL << 63, WRONG },
	{ "bit 63|EXIST", 1ULL << 63 | BPFMAP_F_EXIST, WRONG },
	{ "all bits", U64_MAX, WRONG },
};

static const struct flags_row copy_rows[] = {
	{ "0", 0, SAME(-ENOENT), SAME(0) },
	{ "CPU", CPU_0, ONLY_PERCPU(-ENOENT, -ENOENT), ONLY_PERCPU(0, 0) },
	{ "CPU, not possible", NO_SUCH_CPU,
	  ONLY_PERCPU(-ERANGE, -ERANGE), ONLY_PERCPU(-ERANGE, -ERANGE) },
	{ "NOEXIST", BPFMAP_F_NOEXIST, WRONG },
	{ "EXIST", BPFMAP_F_EXIST, WRONG },
	{ "LOCK", BPFMAP_F_LOCK, WRONG },
	{ "ALL_CPUS", BPFMAP_F_ALL_CPUS, WRONG },
	{ "ALL_CPUS|CPU", BPFMAP_F_ALL_CPUS | CPU_0, WRONG },
	{ "NOEXIST|CPU, not possible", BPFMAP_F_NOEXIST | NO_SUCH_CPU, WRONG },
	{ "bit 31", 1U << 31, WRONG },
	{ "bit 32", 1ULL << 32, WRONG },
	{ "bit 63", 1ULL << 63, WRONG },
	{ "all bits", U64_MAX, WRONG },
};

/* A key that is there, and one that is not though there is room for it */
static void set_up_keys(struct contract *c, u32 *present, u32 *absent)
{
	*present = 0;
	*absent = shape_is_array(c->shape) ? c->shape->max_entries : 1;
	put(c, *present, 1, BPFMAP_F_ANY);
	if (!shape_is_array(c->shape))
		del(c, *absent);
}

static void contract_update_flags(struct kunit *test)
{
	struct contract *c = contract_begin(test);
	int i, kind = shape_kind(c->shape);
	u32 present, absent;

	for (i = 0; i < ARRAY_SIZE(update_rows); i++) {
		const struct flags_row *row = &update_rows[i];

		set_up_keys(c, &present, &absent);
		KUNIT_EXPECT_EQ_MSG(test, put(c, present, i, row->flags),
				    row->present[kind], "%s, present", row->name);
		expect_as_model(c);
		/* Else full is what it would be */
		if (!shape_is_array(c->shape) && c->shape->max_entries == 1)
			del(c, present);
		KUNIT_EXPECT_EQ_MSG(test, put(c, absent, i, row->flags),
				    row->absent[kind], "%s, absent", row->name);
		expect_as_model(c);
		if (!shape_is_array(c->shape))
			del(c, absent);
	}
}

/* A copy into memory that must not change where it fails */
static int copy(struct contract *c, u32 n, u64 flags)
{
	int err, want;

	key_make(c->map, c->key, n);
	memset(c->value, 0xa5, c->shape->value_size);
	memset(c->got, 0xa5, c->shape->value_size);
	err = bpfmap_copy_elem(c->map, c->key, c->got, flags);
	want = model_copy(c->model, c->key, c->value, flags,
			  raw_smp_processor_id());
	KUNIT_EXPECT_EQ_MSG(c->test, err, want, "copy %u, flags %llx", n, flags);
	KUNIT_EXPECT_MEMEQ(c->test, c->got, c->value, c->shape->value_size);
	return err;
}

static void contract_copy_flags(struct kunit *test)
{
	struct contract *c = contract_begin(test);
	int i, kind = shape_kind(c->shape);
	u32 present, absent;

	set_up_keys(c, &present, &absent);
	for (i = 0; i < ARRAY_SIZE(copy_rows); i++) {
		const struct flags_row *row = &copy_rows[i];

		KUNIT_EXPECT_EQ_MSG(test, copy(c, present, row->flags),
				    row->present[kind], "%s, present", row->name);
		KUNIT_EXPECT_EQ_MSG(test, copy(c, absent, row->flags),
				    row->absent[kind], "%s, absent", row->name);
	}
}

static void contract_full(struct kunit *test)
{
	struct contract *c = contract_begin(test);
	u32 n, max = c->shape->max_entries;

	if (shape_is_lru(c->shape))
		kunit_skip(test, "never full");
	fill_map(c, 0);
	/* [0 .. max-1], and no room for more */
	KUNIT_EXPECT_EQ(test, put(c, max, 1, BPFMAP_F_ANY), -E2BIG);
	KUNIT_EXPECT_EQ(test, put(c, max, 1, BPFMAP_F_NOEXIST), -E2BIG);
	for (n = 0; n < max; n++)
		KUNIT_EXPECT_EQ(test, put(c, n, 2, BPFMAP_F_EXIST), 0);
	expect_as_model(c);
	if (shape_is_array(c->shape))
		return;

	/* [1 .. max]: one out, one in */
	KUNIT_EXPECT_EQ(test, del(c, 0), 0);
	KUNIT_EXPECT_EQ(test, put(c, max, 3, BPFMAP_F_NOEXIST), 0);
	KUNIT_EXPECT_EQ(test, put(c, 0, 3, BPFMAP_F_ANY), -E2BIG);
	expect_as_model(c);
}

static void contract_reinsert(struct kunit *test)
{
	struct contract *c = contract_begin(test);
	u32 i, n, max = c->shape->max_entries;
	int cpu;

	for (i = 0; i < 3; i++) {
		fill_map(c, i);
		for_each_possible_cpu(cpu)
			for (n = 0; n < max; n++)
				put(c, n, 10 + cpu, shape_is_percpu(c->shape) ?
				    cpu_flags(cpu) : 0);
		expect_as_model(c);
		for (n = 0; n < max; n++)
			del(c, n);
		/* hash: []; array: as it was, deleting is -EINVAL */
		expect_as_model(c);
		for (n = 0; n < max; n++)
			del(c, n);
	}
	/*
	 * New elements in recycled memory: percpu_hash: zeros on other CPUs;
	 * array: what other CPUs had
	 */
	fill_map(c, 20);
	expect_as_model(c);
}

static void contract_next_key(struct kunit *test)
{
	struct contract *c = contract_begin(test);
	void *first = kunit_buf(test, c->shape->key_size);
	u32 n, nr = 0, max = c->shape->max_entries;
	int err;

	fill_map(c, 0);
	/* What all keys are, and each once, is part of this */
	expect_as_model(c);

	/* A key that is not there: the first one */
	KUNIT_ASSERT_EQ(test, bpfmap_get_next_key(c->map, NULL, first), 0);
	key_make(c->map, c->got, max);
	KUNIT_EXPECT_EQ(test, bpfmap_get_next_key(c->map, c->got, c->key), 0);
	KUNIT_EXPECT_MEMEQ(test, c->key, first, c->shape->key_size);

	/* From there on to the end, which comes after the last one only */
	for (err = 0; !err && nr < max; nr++) {
		memcpy(c->got, c->key, c->shape->key_size);
		err = bpfmap_get_next_key(c->map, c->got, c->key);
		KUNIT_EXPECT_TRUE(test, model_next_key_fits(c->model, c->got,
							    err, c->key));
	}
	KUNIT_EXPECT_EQ(test, nr, max);
	KUNIT_EXPECT_EQ(test, err, -ENOENT);

	if (shape_is_array(c->shape))
		return;
	for (n = 0; n < max; n++)
		del(c, n);
	/* []: no first key, and none after any other */
	KUNIT_EXPECT_EQ(test, bpfmap_get_next_key(c->map, NULL, c->got),
			-ENOENT);
	KUNIT_EXPECT_EQ(test, bpfmap_get_next_key(c->map, c->key, c->got),
			-ENOENT);
}

/**
 * struct each - what the callbacks below know
 * @c: the test case
 * @calls: so far
 * @stop_at: call to stop at
 * @right: values that were as the oracle has them
 */
struct each {
	struct contract *c;
	long calls;
	long stop_at;
	long right;
};

static long each_compare(struct bpfmap *map, const void *key, void *value,
			 void *ctx)
{
	struct each *each = ctx;
	struct contract *c = each->c;
	const void *want = model_lookup(c->model, key, raw_smp_processor_id());

	each->right += map == c->map && want &&
		       !memcmp(value, want, c->shape->value_size);
	return ++each->calls == each->stop_at;
}

static void contract_each(struct kunit *test)
{
	struct contract *c = contract_begin(test);
	long max = c->shape->max_entries;
	const long stops[] = { 0, 1, 2, max / 2, max - 1, max, max + 1 };
	struct each none = { .c = c };
	int i;

	fill_map(c, 0);
	for (i = 0; i < ARRAY_SIZE(stops); i++) {
		/* 0 and more than max: never */
		long want = stops[i] && stops[i] <= max ? stops[i] : max;
		struct each each = { .c = c, .stop_at = stops[i] };

		KUNIT_EXPECT_EQ(test, bpfmap_for_each_elem(c->map, each_compare,
							   &each, 0), want);
		KUNIT_EXPECT_EQ(test, each.calls, want);
		KUNIT_EXPECT_EQ(test, each.right, want);
	}
	/* Which elements they are is what model_differs() looks at */
	expect_as_model(c);

	KUNIT_EXPECT_EQ(test, bpfmap_for_each_elem(c->map, each_compare, &none,
						   1), -EINVAL);
	KUNIT_EXPECT_EQ(test, bpfmap_for_each_elem(c->map, each_compare, &none,
						   1ULL << 32), -EINVAL);
	KUNIT_EXPECT_EQ(test, none.calls, 0);
}

static long each_delete(struct bpfmap *map, const void *key, void *value,
			void *ctx)
{
	struct each *each = ctx;
	struct contract *c = each->c;
	int err;

	/* @key is the map's: use a copy, as the element goes */
	memcpy(c->key, key, c->shape->key_size);
	each->calls++;
	err = bpfmap_delete_elem(map, c->key);
	each->right += err == model_delete(c->model, c->key);
	return 0;
}

static void contract_each_delete(struct kunit *test)
{
	struct contract *c = contract_begin(test);
	long max = c->shape->max_entries;
	struct each each = { .c = c };

	fill_map(c, 0);
	KUNIT_EXPECT_EQ(test, bpfmap_for_each_elem(c->map, each_delete, &each,
						   0), max);
	KUNIT_EXPECT_EQ(test, each.right, max);
	/* hash: []; array: [0 .. max-1] */
	expect_as_model(c);
	fill_map(c, 1);
	expect_as_model(c);
}

static long each_write(struct bpfmap *map, const void *key, void *value,
		       void *ctx)
{
	struct contract *c = ctx;

	memset(value, 0x5a, c->shape->value_size);
	memset(model_lookup(c->model, key, raw_smp_processor_id()), 0x5a,
	       c->shape->value_size);
	return 0;
}

static void contract_each_write(struct kunit *test)
{
	struct contract *c = contract_begin(test);

	fill_map(c, 0);
	bpfmap_for_each_elem(c->map, each_write, c, 0);
	/* Every value 5a 5a .., of other CPUs 0 */
	expect_as_model(c);
}

/**
 * struct each_free - what a callback may do
 * @insert: a map that needs memory for each element
 * @last: a map to give back, unless NULL
 * @preempt_count: of the caller
 * @calls: of the callback
 * @wrong: those in which something was not as promised
 */
struct each_free {
	struct bpfmap *insert;
	struct bpfmap *last;
	int preempt_count;
	u32 calls;
	u32 wrong;
};

static long each_allocates(struct bpfmap *map, const void *key, void *value,
			   void *ctx)
{
	struct each_free *each = ctx;
	bool wrong = put_nth(each->insert, each->calls++, 0, 0);
	void *here;

	if (each->last)
		bpfmap_put(each->last);
	each->last = NULL;
	if (IS_ENABLED(CONFIG_PREEMPT_RCU))
		wrong |= preempt_count() != each->preempt_count;
	here = bpfmap_lookup_percpu_elem(map, key, raw_smp_processor_id());
	wrong |= here && here != value;
	each->wrong += wrong;
	return 0;
}

/* A callback runs as its caller does: it allocates, and gives maps back */
static void contract_each_context(struct kunit *test)
{
	static const struct map_shape shape = {
		.type = BPFMAP_TYPE_HASH, .flags = BPFMAP_F_NO_PREALLOC,
		.key_size = 4, .value_size = 64, .max_entries = 256,
	};
	struct contract *c = contract_begin(test);
	struct each_free each = { .insert = kunit_map(test, &shape) };

	each.last = shape_create(&shape);
	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, each.last);
	fill_map(c, 0);
	each.preempt_count = preempt_count();
	KUNIT_EXPECT_EQ(test, bpfmap_for_each_elem(c->map, each_allocates,
						   &each, 0),
			(long)c->shape->max_entries);
	KUNIT_EXPECT_EQ(test, each.wrong, 0U);
}

static void contract_pointer(struct kunit *test)
{
	struct contract *c = contract_begin(test);
	u32 n, max = c->shape->max_entries;
	u8 *value, *again, *beyond;

	fill_map(c, 0);
	for (n = 0; n < max; n++) {
		key_make(c->map, c->key, n);
		rcu_read_lock();
		value = bpfmap_lookup_elem(c->map, c->key);
		again = bpfmap_lookup_elem(c->map, c->key);
		if (value)
			memset(value, n + 1, c->shape->value_size);
		rcu_read_unlock();
		KUNIT_ASSERT_NOT_NULL(test, value);
		KUNIT_EXPECT_PTR_EQ(test, value, again);
		KUNIT_EXPECT_EQ(test, (unsigned long)value % 8, 0);
		memset(model_lookup(c->model, c->key, raw_smp_processor_id()),
		       n + 1, c->shape->value_size);
	}
	/* What was written stays, and only in that element */
	expect_as_model(c);

	/* The key after them is not there; nor are CPUs beyond the last one */
	key_make(c->map, c->key, max);
	rcu_read_lock();
	value = bpfmap_lookup_elem(c->map, c->key);
	again = bpfmap_lookup_percpu_elem(c->map, c->key, 0);
	rcu_read_unlock();
	KUNIT_EXPECT_NULL(test, value);
	KUNIT_EXPECT_NULL(test, again);

	key_make(c->map, c->key, 0);
	rcu_read_lock();
	value = bpfmap_lookup_elem(c->map, c->key);
	again = bpfmap_lookup_percpu_elem(c->map, c->key,
					  raw_smp_processor_id());
	beyond = bpfmap_lookup_percpu_elem(c->map, c->key, nr_cpu_ids);
	rcu_read_unlock();
	KUNIT_EXPECT_PTR_EQ(test, again,
			    shape_is_percpu(c->shape) ? value : NULL);
	KUNIT_EXPECT_NULL(test, beyond);
}

/* Pointers to many values: those of one at a time; some keys are absent */
static void contract_many(struct kunit *test)
{
	struct contract *c = contract_begin(test);
	u32 i, found = 0, nr = 2 * c->shape->max_entries + 1;
	u32 key_size = c->shape->key_size;
	void **values = kunit_buf(test, nr * sizeof(*values));
	u8 *keys = kunit_buf(test, nr * key_size);

	for (i = 0; i < c->shape->max_entries; i += 2)
		put(c, i, 1, BPFMAP_F_ANY);
	for (i = 0; i < nr; i++) {
		key_make(c->map, c->key, i * 7 % nr);
		memcpy(keys + i * key_size, c->key, key_size);
	}
	migrate_disable();
	rcu_read_lock();
	KUNIT_EXPECT_EQ(test, bpfmap_lookup_many(c->map, keys, values, 0), 0U);
	i = bpfmap_lookup_many(c->map, keys, values, nr);
	KUNIT_EXPECT_GE(test, i, (c->shape->max_entries + 1) / 2);
	KUNIT_EXPECT_LT(test, i, nr);
	while (nr--) {
		memcpy(c->key, keys + nr * key_size, key_size);
		KUNIT_EXPECT_PTR_EQ(test, values[nr],
				    bpfmap_lookup_elem(c->map, c->key));
		found += !!values[nr];
	}
	KUNIT_EXPECT_EQ(test, found, i);
	rcu_read_unlock();
	migrate_enable();
}

static struct kunit_case contract_cases[] = {
	KUNIT_CASE_PARAM(contract_handle, shape_gen_params),
	KUNIT_CASE_PARAM(contract_descriptor, shape_gen_params),
	KUNIT_CASE_PARAM(contract_fresh, shape_gen_params),
	KUNIT_CASE_PARAM(contract_update_flags, shape_gen_params),
	KUNIT_CASE_PARAM(contract_copy_flags, shape_gen_params),
	KUNIT_CASE_PARAM(contract_full, shape_gen_params),
	KUNIT_CASE_PARAM(contract_reinsert, shape_gen_params),
	KUNIT_CASE_PARAM(contract_next_key, shape_gen_params),
	KUNIT_CASE_PARAM(contract_each, shape_gen_params),
	KUNIT_CASE_PARAM(contract_each_delete, shape_gen_params),
	KUNIT_CASE_PARAM(contract_each_write, shape_gen_params),
	KUNIT_CASE_PARAM(contract_each_context, shape_gen_params),
	KUNIT_CASE_PARAM(contract_pointer, shape_gen_params),
	KUNIT_CASE_PARAM(contract_many, shape_gen_params),
	KUNIT_CASE_PARAM(contract_random, shape_gen_params),
	KUNIT_CASE(contract_create),
	{}
};

/* What it takes to repeat this run */
static int contract_suite_init(struct kunit_suite *suite)
{
	kunit_info(suite, "seed=%u effort=%u", bpfmap_kunit_seed(),
		   bpfmap_kunit_effort);
	return 0;
}

static struct kunit_suite contract_suite = {
	.name = "bpfmap_contract",
	.suite_init = contract_suite_init,
	.test_cases = contract_cases,
};

kunit_test_suite(contract_suite);
