/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef _BPFMAP_ARENA_H
#define _BPFMAP_ARENA_H

#include <linux/bits.h>
#include <linux/mutex.h>
#include <linux/xarray.h>

#include "internal.h"

/* All addresses of a window have the same upper 32 bits */
#define ARENA_MAX_BYTES	BIT_ULL(32)

/**
 * struct bpfmap_arena - an arena
 * @map: the common part
 * @inode: its i_mapping tracks all mappings
 * @lock: serialises adding and removing pages
 * @start: of the mappings; written before @end, under @lock
 * @end: 0 while there is no address; then constant, and so is @start
 * @pages: by number; written under @lock, erased under the page's lock too, and
 *	   read under RCU
 * @taken: bit set: the page exists; for numbers below max_entries, under @lock
 * @first_free: all numbers below are taken; under @lock
 * @nr_pages: in @pages; written under @lock
 */
struct bpfmap_arena {
	struct bpfmap map;
	struct inode *inode;
	struct mutex lock; /* see above */
	unsigned long start;
	unsigned long end;
	struct xarray pages;
	unsigned long *taken;
	unsigned long first_free;
	unsigned long nr_pages;
};

static inline struct bpfmap_arena *to_arena(const struct bpfmap *map)
{
	return container_of(map, struct bpfmap_arena, map);
}

/* The end of the mappings, 0 while there is no address */
static inline unsigned long arena_end(const struct bpfmap_arena *a)
{
	/* Pairs with smp_store_release() in arena_place(): start before end */
	return smp_load_acquire(&a->end);
}

/* Fix the address of the mappings */
static inline void arena_place(struct bpfmap_arena *a, unsigned long start,
			       unsigned long end)
{
	a->start = start;
	/* Pairs with smp_load_acquire() in arena_end() */
	smp_store_release(&a->end, end);
}

/* Do the upper halves of the first and the last address differ? */
static inline bool arena_crosses(u64 start, u64 bytes)
{
	return start >> 32 != (start + bytes - 1) >> 32;
}

/* arena.c */
struct page *arena_add_page(struct bpfmap_arena *a, unsigned long index,
			    int node);

/* arena_mmap.c */
bool arena_find_held(struct bpfmap *map, pgoff_t *at);
unsigned long arena_get_unmapped_area(struct bpfmap *map, struct file *file,
				      unsigned long addr, unsigned long len,
				      unsigned long pgoff, unsigned long flags);
int arena_mmap(struct bpfmap *map, struct vm_area_struct *vma);
struct address_space *arena_mapping(struct bpfmap *map);

#endif /* _BPFMAP_ARENA_H */
