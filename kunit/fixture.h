/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What the suites share: shapes of maps, maps that go away with their test,
 * keys and values that can be recognised
 */
#ifndef _BPFMAP_KUNIT_FIXTURE_H
#define _BPFMAP_KUNIT_FIXTURE_H

#include <kunit/test.h>
#include <linux/bpfmap.h>
#include <linux/string.h>
#include <linux/types.h>

/**
 * struct map_shape - a map to create
 * @name: of the test case's parameter
 * @type: enum bpfmap_type
 * @flags: create flags
 * @key_size: bytes
 * @value_size: bytes
 * @max_entries: elements
 */
struct map_shape {
	const char *name;
	u32 type;
	u32 flags;
	u32 key_size;
	u32 value_size;
	u32 max_entries;
};

static inline void shape_describe(const struct map_shape *s, char *desc)
{
	strscpy(desc, s->name, KUNIT_PARAM_DESC_SIZE);
}

/* Makes NAME_gen_params() for cases with each of an array of shapes */
#define SHAPE_PARAM(name, shapes)					\
	KUNIT_ARRAY_PARAM(name, shapes, shape_describe)

static inline bool shape_is_array(const struct map_shape *s)
{
	return s->type == BPFMAP_TYPE_ARRAY ||
	       s->type == BPFMAP_TYPE_PERCPU_ARRAY;
}

static inline bool shape_is_percpu(const struct map_shape *s)
{
	return s->type == BPFMAP_TYPE_PERCPU_HASH ||
	       s->type == BPFMAP_TYPE_LRU_PERCPU_HASH ||
	       s->type == BPFMAP_TYPE_PERCPU_ARRAY;
}

/* Never full */
static inline bool shape_is_lru(const struct map_shape *s)
{
	return s->type == BPFMAP_TYPE_LRU_HASH ||
	       s->type == BPFMAP_TYPE_LRU_PERCPU_HASH;
}

/* Element flags that name a CPU */
static inline u64 cpu_flags(u32 cpu)
{
	return BPFMAP_F_CPU | (u64)cpu << 32;
}

/* Module parameters */
extern unsigned int bpfmap_kunit_effort;
u32 bpfmap_kunit_seed(void);

struct bpfmap *shape_create(const struct map_shape *shape);
struct bpfmap *kunit_map(struct kunit *test, const struct map_shape *shape);
struct model *kunit_model(struct kunit *test, const struct map_shape *shape);
void *kunit_buf(struct kunit *test, size_t size);
void kunit_move_to(struct kunit *test, int cpu);

void key_make(const struct bpfmap *map, void *key, u32 n);
bool key_is_whole(const struct bpfmap *map, const void *key);
void value_make(void *value, u32 size, u32 n, u32 nonce);
bool value_is_whole(const void *value, u32 size, u32 n);

int update_patiently(struct bpfmap *map, const void *key, const void *value,
		     u64 flags);
int put_nth(struct bpfmap *map, u32 n, u32 nonce, u64 flags);
int put_patiently(struct bpfmap *map, u32 n, u32 nonce, u64 flags);
int del_nth(struct bpfmap *map, u32 n);
bool has_nth(struct bpfmap *map, u32 n);
long count_elems(struct bpfmap *map);

/* Keys of the shapes used in the suites are not larger than this, nor values */
#define SHAPE_MAX_KEY	40
#define SHAPE_MAX_VALUE	512

#endif /* _BPFMAP_KUNIT_FIXTURE_H */
