// SPDX-License-Identifier: GPL-2.0-only
/*
 * Hash tables that user space can map: see view.c
 *
 * Heads and elements are laid out as in any other table, but in pages of their
 * own, and elements follow each other without gaps between chunks. An element
 * has two links, a sequence count, a hash, the key and the value, and padding
 * that stays zero. In a map that evicts, the nodes of the LRU lists, which are
 * made of pointers, are in the second half of each chunk, at the same distance
 * from their elements everywhere. That is the only price: memory of the size of
 * the elements again.
 */
#include <linux/log2.h>
#include <linux/math64.h>
#include <linux/sizes.h>

#include "hash.h"

/* Bytes of elements to allocate at once; less where nodes follow them */
#define VIEW_CHUNK	SZ_2M
#define VIEW_CHUNK_LRU	SZ_64K
#define VIEW_CHUNK_GROW	max_t(u32, SZ_32K, PAGE_SIZE)

static_assert(sizeof_field(struct bpfmap_view_header, hash_state) ==
	      sizeof(struct bpfmap_hash_secret));
static_assert(BPFMAP_VIEW_END == HTAB_END);

/**
 * htab_view_shape() - choose the layout of the elements
 * @h: the table; its pool is not set up yet
 * @elem_size: bytes that an element needs, without the node of a list
 * @lru: there are nodes
 * @chunk: out: elements to allocate at once, a power of two
 *
 * All chunks but the last one are whole pages.
 *
 * Return: bytes from one element to the next.
 */
u32 htab_view_shape(struct bpfmap_htab *h, u32 elem_size, bool lru, u32 *chunk)
{
	u32 nr, bytes = lru ? VIEW_CHUNK_LRU : VIEW_CHUNK;

	if (h->map.flags & BPFMAP_F_NO_PREALLOC)
		bytes = VIEW_CHUNK_GROW;
	nr = rounddown_pow_of_two(max(bytes / elem_size, 1U));
	elem_size = round_up(elem_size, max_t(u32, PAGE_SIZE / nr, 8));
	nr = min_t(u32, nr, roundup_pow_of_two(h->map.max_entries));

	h->pool.shown = &h->map.view->nr_ready;
	if (lru) {
		/* From a page that is shown to one that is not */
		h->pool.apart = PAGE_ALIGN(nr * elem_size);
		h->pool.apart_size = sizeof(struct bpfmap_lru_node);
	}
	*chunk = nr;
	return elem_size;
}

/**
 * htab_view_describe() - fill in the header
 * @h: the table, completely set up
 */
void htab_view_describe(struct bpfmap_htab *h)
{
	struct bpfmap_view_header *view = h->map.view;
	u64 elems = (u64)h->map.max_entries * h->pool.elem_size;

	view->nr_ready = h->pool.nr_ready;
	view->elem_size = h->pool.elem_size;
	view->heads_off = PAGE_SIZE;
	view->elems_off = PAGE_SIZE + htab_heads_bytes(h);
	view->size = view->elems_off + PAGE_ALIGN(elems);
	view->mask = h->mask;
	view->next_off = offsetof(struct bpfmap_htab_elem, next);
	view->seq_off = offsetof(struct bpfmap_htab_elem, seq);
	view->hash_off = offsetof(struct bpfmap_htab_elem, hash);
	view->key_off = offsetof(struct bpfmap_htab_elem, key);
	view->value_off = h->value_off;
	memcpy(view->hash_state, h->secret.v, sizeof(view->hash_state));
}

/**
 * htab_view_page() - page of the heads or of the elements
 * @map: the map
 * @pgoff: not 0
 *
 * Return: the page, NULL if its elements do not exist (yet).
 */
struct page *htab_view_page(struct bpfmap *map, pgoff_t pgoff)
{
	struct bpfmap_htab *h = to_htab(map);
	const struct bpfmap_pool *pool = &h->pool;
	u64 offset = (u64)pgoff << PAGE_SHIFT;
	u32 nr, elem_bytes, first;
	void *chunk;

	if (offset >= map->view->size)
		return NULL;
	if (offset < map->view->elems_off)
		return bpfmap_area_page(h->heads,
					offset - map->view->heads_off);
	offset -= map->view->elems_off;
	nr = DIV_ROUND_UP_ULL(pool->nr_max, 1U << pool->chunk_shift);
	elem_bytes = pool->elem_size << pool->chunk_shift;
	first = div_u64(offset, elem_bytes);
	/* Pairs with smp_store_release() in bpfmap_pool_grow() */
	chunk = smp_load_acquire(&pool->chunks[array_index_nospec(first, nr)]);
	if (!chunk)
		return NULL;
	return bpfmap_area_page(chunk, offset - (u64)first * elem_bytes);
}
