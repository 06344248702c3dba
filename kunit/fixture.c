// SPDX-License-Identifier: GPL-2.0-only
/*
 * What the suites share: see fixture.h
 */
#include <linux/cpumask.h>
#include <linux/delay.h>
#include <linux/module.h>
#include <linux/random.h>
#include <linux/sched.h>
#include <linux/slab.h>

#include "fixture.h"
#include "model.h"

unsigned int bpfmap_kunit_effort = 1;
module_param_named(effort, bpfmap_kunit_effort, uint, 0444);
MODULE_PARM_DESC(effort, "multiplies the length of random and concurrent tests");

static unsigned int seed;
module_param(seed, uint, 0444);
MODULE_PARM_DESC(seed, "of the random operation sequences; 0 (default): pick one");

MODULE_DESCRIPTION("KUnit suites for bpfmap");
MODULE_LICENSE("GPL");

/**
 * bpfmap_kunit_seed() - what to start random sequences from
 *
 * Return: the same number in all of one run, never 0.
 */
u32 bpfmap_kunit_seed(void)
{
	while (!seed)
		seed = get_random_u32();
	return seed;
}

/**
 * shape_create() - create a map
 * @shape: what it is
 *
 * Return: the map or an ERR_PTR.
 */
struct bpfmap *shape_create(const struct map_shape *shape)
{
	struct bpfmap_create_attr attr = {
		.map_type = shape->type,
		.key_size = shape->key_size,
		.value_size = shape->value_size,
		.max_entries = shape->max_entries,
		.map_flags = shape->flags,
		.map_name = "kunit",
	};

	return bpfmap_create(&attr);
}

static int take_data(struct kunit_resource *res, void *data)
{
	res->data = data;
	return 0;
}

static void put_map(struct kunit_resource *res)
{
	bpfmap_put(res->data);
}

static void free_model(struct kunit_resource *res)
{
	model_free(res->data);
}

/**
 * kunit_map() - a map for a test case
 * @test: gives it back at its end
 * @shape: what it is
 */
struct bpfmap *kunit_map(struct kunit *test, const struct map_shape *shape)
{
	struct bpfmap *map = shape_create(shape);

	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, map);
	return kunit_alloc_resource(test, take_data, put_map, GFP_KERNEL, map);
}

/**
 * kunit_model() - the oracle for a map
 * @test: frees it at its end
 * @shape: what the map is
 */
struct model *kunit_model(struct kunit *test, const struct map_shape *shape)
{
	struct model *m = model_create(shape);

	KUNIT_ASSERT_NOT_NULL(test, m);
	return kunit_alloc_resource(test, take_data, free_model, GFP_KERNEL, m);
}

/**
 * kunit_buf() - zeroed memory
 * @test: frees it at its end
 * @size: bytes exactly, for KASAN to see what goes beyond
 */
void *kunit_buf(struct kunit *test, size_t size)
{
	void *buf = kunit_kzalloc(test, size, GFP_KERNEL);

	KUNIT_ASSERT_NOT_NULL(test, buf);
	return buf;
}

/**
 * kunit_move_to() - run on a CPU from now on
 * @test: the test that runs in this thread
 * @cpu: an online CPU
 */
void kunit_move_to(struct kunit *test, int cpu)
{
	KUNIT_ASSERT_EQ(test, set_cpus_allowed_ptr(current, cpumask_of(cpu)), 0);
}

/* Repeatable pseudo-random bytes; different for each @start */
static void fill(void *buf, u32 size, u32 start)
{
	u32 i, x = start * 2654435761U + 0x9e3779b9;

	for (i = 0; i < size; i += sizeof(x)) {
		x ^= x << 13;
		x ^= x >> 17;
		x ^= x << 5;
		memcpy(buf + i, &x, min_t(u32, size - i, sizeof(x)));
	}
}

/* The lowest @size bytes of a number, in the machine's order */
static void *low_bytes(u32 *n, u32 size)
{
	return (void *)n + (IS_ENABLED(CONFIG_CPU_BIG_ENDIAN) ? 4 - size : 0);
}

/**
 * key_make() - the nth key
 * @map: for the size of its keys
 * @key: out
 * @n: for arrays the index; below 256 for keys of one byte
 *
 * Keys begin with the lowest bytes of @n in the machine's order; all further
 * bytes follow from it.
 */
void key_make(const struct bpfmap *map, void *key, u32 n)
{
	u32 size = bpfmap_key_size(map);
	u32 head = min_t(u32, size, sizeof(n));

	memcpy(key, low_bytes(&n, head), head);
	fill(key + head, size - head, n);
}

/**
 * key_is_whole() - is this a key of key_make()?
 * @map: for the size of its keys, at most SHAPE_MAX_KEY
 * @key: the key
 */
bool key_is_whole(const struct bpfmap *map, const void *key)
{
	u8 want[SHAPE_MAX_KEY];
	u32 n = 0, head = min_t(u32, bpfmap_key_size(map), sizeof(n));

	memcpy(low_bytes(&n, head), key, head);
	key_make(map, want, n);
	return !memcmp(want, key, bpfmap_key_size(map));
}

/**
 * value_make() - a value for the nth key
 * @value: out
 * @size: bytes
 * @n: of the key
 * @nonce: makes it differ from other values for the same key
 *
 * Values of 12 bytes and more can be told by value_is_whole().
 */
void value_make(void *value, u32 size, u32 n, u32 nonce)
{
	u32 head[2] = { n ^ nonce, nonce };
	u32 len = min_t(u32, size, sizeof(head));

	memcpy(value, head, len);
	fill(value + len, size - len, n * 31 + nonce);
}

/**
 * value_is_whole() - is this a value of value_make() for the nth key?
 * @value: the value
 * @size: its bytes, 12 to SHAPE_MAX_VALUE
 * @n: of the key
 */
bool value_is_whole(const void *value, u32 size, u32 n)
{
	u8 want[SHAPE_MAX_VALUE];
	u32 head[2];

	memcpy(head, value, sizeof(head));
	value_make(want, size, n, head[1]);
	return !memcmp(want, value, size);
}

/**
 * put_nth() - update the nth key
 * @map: keys at most SHAPE_MAX_KEY, values at most SHAPE_MAX_VALUE
 * @n: of the key
 * @nonce: of the value
 * @flags: as for bpfmap_update_elem(); its result is returned
 */
int put_nth(struct bpfmap *map, u32 n, u32 nonce, u64 flags)
{
	u8 value[SHAPE_MAX_VALUE], key[SHAPE_MAX_KEY];

	key_make(map, key, n);
	value_make(value, bpfmap_value_size(map), n, nonce);
	return bpfmap_update_elem(map, key, value, flags);
}

/**
 * update_patiently() - update when there is memory
 * @map: the map
 * @key: the key
 * @value: the value
 * @flags: as for bpfmap_update_elem(); its result is returned
 *
 * Atomic allocations can draw on little memory, per-CPU memory above all, but
 * it is refilled soon.
 */
int update_patiently(struct bpfmap *map, const void *key, const void *value,
		     u64 flags)
{
	int err, tries = 0;

	do {
		err = bpfmap_update_elem(map, key, value, flags);
		if (err == -ENOMEM)
			msleep(20);
	} while (err == -ENOMEM && tries++ < 3000);
	return err;
}

/**
 * put_patiently() - update the nth key when there is memory
 * @map: as for put_nth()
 * @n: of the key
 * @nonce: of the value
 * @flags: as for bpfmap_update_elem(); its result is returned
 */
int put_patiently(struct bpfmap *map, u32 n, u32 nonce, u64 flags)
{
	u8 value[SHAPE_MAX_VALUE], key[SHAPE_MAX_KEY];

	key_make(map, key, n);
	value_make(value, bpfmap_value_size(map), n, nonce);
	return update_patiently(map, key, value, flags);
}

/**
 * del_nth() - delete the nth key
 * @map: keys at most SHAPE_MAX_KEY
 * @n: of the key
 *
 * Return: that of bpfmap_delete_elem().
 */
int del_nth(struct bpfmap *map, u32 n)
{
	u8 key[SHAPE_MAX_KEY];

	key_make(map, key, n);
	return bpfmap_delete_elem(map, key);
}

/**
 * has_nth() - is the nth key there?
 * @map: keys at most SHAPE_MAX_KEY, values at most SHAPE_MAX_VALUE
 * @n: of the key
 */
bool has_nth(struct bpfmap *map, u32 n)
{
	u8 value[SHAPE_MAX_VALUE], key[SHAPE_MAX_KEY];

	key_make(map, key, n);
	return !bpfmap_copy_elem(map, key, value, 0);
}

static long each_nothing(struct bpfmap *map, const void *key, void *value,
			 void *ctx)
{
	return 0;
}

/**
 * count_elems() - elements that bpfmap_for_each_elem() visits
 * @map: the map
 */
long count_elems(struct bpfmap *map)
{
	return bpfmap_for_each_elem(map, each_nothing, NULL, 0);
}
