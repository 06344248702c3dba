/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Shared by all types whose keys are indexes, and by the files of arrays
 */
#ifndef _BPFMAP_ARRAY_H
#define _BPFMAP_ARRAY_H

#include <linux/compiler.h>
#include <linux/nospec.h>
#include <linux/rwsem.h>
#include <linux/seqlock.h>

#include "batch.h"
#include "internal.h"

/*
 * In front of each value with BPFMAP_F_VIEW: a sequence count, odd while the
 * value is being written, and padding
 */
#define ARRAY_VIEW_HEADER	8

/* Index of @key, safe under speculation; -1 if out of range */
static inline s64 array_index(const struct bpfmap *map, const void *key)
{
	u32 index = *(const u32 *)key;

	if (unlikely(index >= map->max_entries))
		return -1;
	return array_index_nospec(index, map->max_entries);
}

/* Where a walk continues, safe under speculation; max_entries at the end */
static inline u32 array_walk_index(const struct bpfmap *map,
				   const struct bpfmap_walk *w)
{
	u32 last = *(const u32 *)w->key;

	/* A key that is out of range: start from the first element */
	if (w->from == BPFMAP_WALK_START || last >= map->max_entries)
		return 0;
	return array_index_nospec(last, map->max_entries) + 1;
}

/* Lockless attempts before a reader that keeps losing takes the lock */
#define ARRAY_TRIES	16

/**
 * enum array_way - how values are loaded and stored
 * @ARRAY_WORDS: one word each; needs no lock
 * @ARRAY_STRIPED: under the lock and sequence count of a stripe
 * @ARRAY_VIEW: user space maps the elements: under the lock of a stripe and the
 *		sequence count of the element: array_view.c. If the value is
 *		large, under the semaphore instead of the lock
 * @ARRAY_CPU_WORDS: each CPU's value is a word, those of all CPUs together are
 *		     @ARRAY_STRIPED
 * @ARRAY_LARGE: too large for these: under the semaphore of a stripe, may
 *		 sleep. Each CPU's value is @ARRAY_STRIPED
 */
enum array_way {
	ARRAY_WORDS,
	ARRAY_STRIPED,
	ARRAY_VIEW,
	ARRAY_CPU_WORDS,
	ARRAY_LARGE,
};

/**
 * struct bpfmap_array_stripe - keeps the values of some elements from tearing
 * @lock: held to write an element of the stripe; irqs off, for no longer than
 *	  it takes to copy BPFMAP_ATOMIC_COPY bytes
 * @seq: odd during a write, under @lock
 * @sem: for large values; @lock and @seq then cover one CPU's value at most
 */
struct bpfmap_array_stripe {
	raw_spinlock_t lock;
	seqcount_raw_spinlock_t seq;
	struct rw_semaphore sem;
} ____cacheline_aligned_in_smp;

/**
 * struct bpfmap_array - an array; all members are constant
 * @map: the common part
 * @stride: bytes from one element to the next
 * @stripe_mask: stripes - 1
 * @way: how values are loaded and stored
 * @stripes: NULL with @ARRAY_WORDS
 * @data: the elements; page aligned with BPFMAP_F_MMAPABLE. With BPFMAP_F_VIEW
 *	  what follows the first sequence count
 * @areas: the elements of each possible CPU, instead of @data
 */
struct bpfmap_array {
	struct bpfmap map;
	u32 stride;
	u32 stripe_mask;
	enum array_way way;
	struct bpfmap_array_stripe *stripes;
	union {
		void *data;
		void **areas;
	};
};

static __always_inline struct bpfmap_array *to_array(const struct bpfmap *map)
{
	return container_of(map, struct bpfmap_array, map);
}

static __always_inline void *array_elem(const struct bpfmap_array *a, u32 index)
{
	return a->data + (u64)index * a->stride;
}

/* For value.h: an "element" is an index here */
static __always_inline void *array_slot(const struct bpfmap *map,
					const void *elem, int cpu)
{
	struct bpfmap_array *a = to_array(map);

	return a->areas[cpu] + (u64)(uintptr_t)elem * a->stride;
}

/* How to transfer what @flags select; never ARRAY_CPU_WORDS */
static __always_inline enum array_way array_way(const struct bpfmap_array *a,
						u64 flags)
{
	enum array_way way = a->way;

	if (likely(way <= ARRAY_VIEW))
		return way;
	if (flags & (BPFMAP_F_CPU | BPFMAP_F_THIS_CPU))
		return way == ARRAY_CPU_WORDS ? ARRAY_WORDS : ARRAY_STRIPED;
	return way == ARRAY_CPU_WORDS ? ARRAY_STRIPED : ARRAY_LARGE;
}

static __always_inline struct bpfmap_array_stripe *
array_stripe(const struct bpfmap_array *a, u32 index)
{
	return &a->stripes[index & a->stripe_mask];
}

/* array.c */
void array_read(const struct bpfmap_array *a, u32 index, void *value,
		u64 flags);

/* array_view.c */
void *array_view_alloc(struct bpfmap_array *a);
void array_view_free(struct bpfmap_array *a);
void array_view_read(const struct bpfmap_array *a, u32 index, void *value);
void array_view_write(const struct bpfmap_array *a, u32 index,
		      const void *value);
bool array_view_copy_out(const struct bpfmap_array *a, u32 index,
			 u32 __user *key, void __user *value);
struct page *array_view_page(struct bpfmap *map, pgoff_t pgoff);

/* array_iter.c */
int array_get_next_key(struct bpfmap *map, const void *key, void *next_key);
long array_for_each(struct bpfmap *map, bpfmap_each_fn fn, void *ctx);
int array_walk(struct bpfmap *map, struct bpfmap_walk *w);
void array_lookup_many(struct bpfmap *map, struct bpfmap_many *many);

#endif /* _BPFMAP_ARRAY_H */
