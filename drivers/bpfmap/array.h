/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Shared by all types whose keys are indexes
 */
#ifndef _BPFMAP_ARRAY_H
#define _BPFMAP_ARRAY_H

#include <linux/compiler.h>
#include <linux/nospec.h>

#include "batch.h"
#include "internal.h"

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

int array_get_next_key(struct bpfmap *map, const void *key, void *next_key);

#endif /* _BPFMAP_ARRAY_H */
