// SPDX-License-Identifier: GPL-2.0-only
/*
 * The only table from a map type's number to its operations
 */
#include <linux/nospec.h>

#include "internal.h"

static const struct bpfmap_ops * const bpfmap_types[] = {
	[BPFMAP_TYPE_HASH] = &bpfmap_hash_ops,
	[BPFMAP_TYPE_ARRAY] = &bpfmap_array_ops,
	[BPFMAP_TYPE_PERCPU_HASH] = &bpfmap_percpu_hash_ops,
	[BPFMAP_TYPE_PERCPU_ARRAY] = &bpfmap_percpu_array_ops,
	[BPFMAP_TYPE_LRU_HASH] = &bpfmap_lru_hash_ops,
	[BPFMAP_TYPE_LRU_PERCPU_HASH] = &bpfmap_lru_percpu_hash_ops,
	[BPFMAP_TYPE_LPM_TRIE] = &bpfmap_lpm_trie_ops,
	[BPFMAP_TYPE_ARRAY_OF_MAPS] = &bpfmap_array_of_maps_ops,
	[BPFMAP_TYPE_HASH_OF_MAPS] = &bpfmap_hash_of_maps_ops,
	[BPFMAP_TYPE_QUEUE] = &bpfmap_queue_ops,
	[BPFMAP_TYPE_STACK] = &bpfmap_stack_ops,
	[BPFMAP_TYPE_RINGBUF] = &bpfmap_ringbuf_ops,
	[BPFMAP_TYPE_BLOOM_FILTER] = &bpfmap_bloom_ops,
	[BPFMAP_TYPE_USER_RINGBUF] = &bpfmap_user_ringbuf_ops,
	[BPFMAP_TYPE_ARENA] = &bpfmap_arena_ops,
	[BPFMAP_TYPE_RHASH] = &bpfmap_rhash_ops,
};

/**
 * bpfmap_type_ops() - operations of a map type
 * @type: any number, may come from user space
 *
 * Return: the operations, NULL if there is no such type.
 */
const struct bpfmap_ops *bpfmap_type_ops(u32 type)
{
	if (type >= ARRAY_SIZE(bpfmap_types))
		return NULL;
	return bpfmap_types[array_index_nospec(type, ARRAY_SIZE(bpfmap_types))];
}
