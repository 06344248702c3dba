// SPDX-License-Identifier: GPL-2.0-only
/*
 * Iterating over an array: the next index, every element, ranges of elements
 */
#include "array.h"
#include "user.h"
#include "value.h"

/**
 * array_get_next_key() - the next index
 * @map: the map
 * @key: NULL or an index; one that is out of range is treated as NULL
 * @next_key: out
 */
int array_get_next_key(struct bpfmap *map, const void *key, void *next_key)
{
	u32 index = key ? *(const u32 *)key : U32_MAX;

	if (index >= map->max_entries)
		index = 0;
	else if (++index == map->max_entries)
		return -ENOENT;
	*(u32 *)next_key = index;
	return 0;
}

/* As in struct bpfmap_ops */
long array_for_each(struct bpfmap *map, bpfmap_each_fn fn, void *ctx)
{
	long stop = 0;
	u32 index;

	for (index = 0; index < map->max_entries && !stop; index++) {
		bpfmap_each_begin(map);
		stop = fn(map, &index, map->ops->lookup_elem(map, &index), ctx);
		bpfmap_each_end(map);
	}
	return index;
}

/* Copy to user memory, between user_write_access_begin() and _end() */
static __always_inline bool array_copy_out(const struct bpfmap_array *a,
					   u32 index, u32 __user *key,
					   void __user *value, u64 flags)
{
	void *elem = (void *)(uintptr_t)index;
	u32 cpu;

	if (!bpfmap_unsafe_copy_out(key, &index, sizeof(index)))
		return false;
	if (!a->map.ops->percpu)
		return bpfmap_unsafe_copy_out(value, array_elem(a, index),
					      a->map.value_size);
	if (flags & BPFMAP_F_ONE_VALUE)
		return bpfmap_unsafe_copy_out(
			value, array_slot(&a->map, elem, bpfmap_one_cpu(flags)),
			a->map.value_size);
	for (cpu = 0; cpu < nr_cpu_ids; cpu++) {
		/* Only possible CPUs have an area */
		if (!a->areas[cpu])
			continue;
		if (!bpfmap_unsafe_copy_out(
			    value, array_slot(&a->map, elem, cpu), a->stride))
			return false;
		value += a->stride;
	}
	return true;
}

/* Copy @nr elements whose values are words. Returns how many were copied */
static u32 array_copy_out_words(const struct bpfmap_array *a, u32 index, u32 nr,
				const struct bpfmap_walk *w)
{
	u32 i, stride = bpfmap_user_value_size(&a->map, w->flags);
	u32 __user *keys = w->ukeys;
	void __user *value = w->uvalues;

	if (!user_write_access_begin(keys, nr * sizeof(*keys)))
		return 0;
	for (i = 0; i < nr; i++, value += stride)
		if (!array_copy_out(a, index + i, &keys[i], value, w->flags))
			break;
	user_write_access_end();
	return i;
}

/* Copy one untorn value. False after a fault or if writers keep winning */
static bool array_copy_out_whole(const struct bpfmap_array *a, u32 index,
				 u32 __user *key, void __user *value, u64 flags)
{
	struct bpfmap_array_stripe *stripe = array_stripe(a, index);
	unsigned int seq;
	int tries;
	bool copied;

	for (tries = 0; tries < ARRAY_TRIES; tries++) {
		seq = read_seqcount_begin(&stripe->seq);
		if (!user_write_access_begin(key, sizeof(*key)))
			return false;
		copied = array_copy_out(a, index, key, value, flags);
		user_write_access_end();
		if (!copied)
			return false;
		if (!read_seqcount_retry(&stripe->seq, seq))
			return true;
	}
	return false;
}

/* Copy up to @nr elements straight to user memory; -EFAULT if none could be */
static int array_walk_direct(const struct bpfmap_array *a, u32 index, u32 nr,
			     struct bpfmap_walk *w)
{
	u32 i, stride = bpfmap_user_value_size(&a->map, w->flags);
	u32 __user *keys = w->ukeys;

	if (array_way(a, w->flags) == ARRAY_WORDS) {
		i = array_copy_out_words(a, index, nr, w);
	} else if (a->way == ARRAY_VIEW) {
		for (i = 0; i < nr; i++)
			if (!array_view_copy_out(a, index + i, &keys[i],
						 w->uvalues +
							 (size_t)i * stride))
				break;
	} else {
		for (i = 0; i < nr; i++)
			if (!array_copy_out_whole(
				    a, index + i, &keys[i],
				    w->uvalues + (size_t)i * stride, w->flags))
				break;
	}
	w->nr = i;
	*(u32 *)w->key = index + i - 1;
	return i ? 0 : -EFAULT;
}

static int array_walk_buffer(const struct bpfmap_array *a, u32 index, u32 nr,
			     struct bpfmap_walk *w)
{
	u32 stride = bpfmap_user_value_size(&a->map, w->flags);
	u32 i, *keys = w->keys;

	for (i = 0; i < nr; i++) {
		keys[i] = index + i;
		array_read(a, index + i, w->values + (size_t)i * stride,
			   w->flags);
	}
	w->nr = nr;
	*(u32 *)w->key = index + nr - 1;
	return 0;
}

/* As in struct bpfmap_ops */
int array_walk(struct bpfmap *map, struct bpfmap_walk *w)
{
	u32 nr, index = array_walk_index(map, w);

	w->nr = 0;
	if (index == map->max_entries)
		return -ENOENT;
	nr = min(w->room, map->max_entries - index);
	return w->ukeys ? array_walk_direct(to_array(map), index, nr, w) :
			  array_walk_buffer(to_array(map), index, nr, w);
}

/* Value of element @index, or zeros if that is -1 */
static __always_inline s32 array_take(const struct bpfmap_array *a, s64 index,
				      void *value, u64 flags, const u32 size,
				      const bool words)
{
	if (unlikely(index < 0)) {
		memset(value, 0, size);
		return -ENOENT;
	}
	if (words)
		bpfmap_value_load(value, array_elem(a, index), size);
	else
		array_read(a, index, value, flags);
	return 0;
}

/**
 * array_lookup_many() - as in struct bpfmap_ops
 * @map: the map
 * @many: the elements
 *
 * The address of an element follows from its key alone, so the processor
 * overlaps the loads by itself.
 */
void array_lookup_many(struct bpfmap *map, struct bpfmap_many *many)
{
	u32 i, size = bpfmap_user_value_size(map, many->flags);
	const struct bpfmap_array *a = to_array(map);
	const u32 *keys = many->keys;
	void *value = many->values;

	if (a->way == ARRAY_WORDS && size == sizeof(u64)) {
		for (i = 0; i < many->nr; i++, value += sizeof(u64))
			many->results[i] =
				array_take(a, array_index(map, &keys[i]), value,
					   0, sizeof(u64), true);
		return;
	}
	for (i = 0; i < many->nr; i++, value += size)
		many->results[i] = array_take(a, array_index(map, &keys[i]),
					      value, many->flags, size, false);
}
