/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef _BPFMAP_LRU_H
#define _BPFMAP_LRU_H

#include <linux/cache.h>
#include <linux/compiler.h>
#include <linux/list.h>
#include <linux/smp.h>
#include <linux/types.h>

#include "pool.h"

/* A new element's place is that of one that was not used for long: lru.c */

/**
 * struct bpfmap_lru_node - what is behind every element of a pool with lists
 * @link: in its queue
 * @home: list of its group; constant where lists have elements of their own
 * @old: in the queue of the old ones
 * @used: since it was last looked at; set by anybody at any time, also by who
 *	  comes late and marks an element that is another one by now
 *
 * Protected by the lock of its group while it is in a list, else by being
 * known to one only; but for @used.
 */
struct bpfmap_lru_node {
	struct list_head link;
	u32 home;
	u8 old;
	u8 used;
};

/**
 * struct bpfmap_lru_list - elements of one group, and of one CPU if each has
 * its own; protected by the lock of the group, but for looks at @nr
 * @queues: the young ones and the old ones, the newest first
 * @nr: elements in both
 * @nr_young: elements in the first one
 * @turn: counts bpfmap_lru_evict()
 */
struct bpfmap_lru_list {
	struct list_head queues[2];
	u32 nr;
	u32 nr_young;
	u32 turn;
} ____cacheline_aligned_in_smp;

/**
 * struct bpfmap_lru - order of the elements of a pool
 * @pool: the elements
 * @lists: @nr_homes for each group
 * @node_off: from an element to its node
 * @nr_groups: of elements; each has a lock, which is the owner's
 * @nr_homes: 1, or nr_cpu_ids if a CPU's elements are for that CPU only
 * @fair: elements of a list, were all equally long
 * @low: a list that is not longer is to get elements from others
 * @loose: false: when free elements were last looked for, no CPU had one
 *
 * All but @loose are constant.
 */
struct bpfmap_lru {
	struct bpfmap_pool *pool;
	struct bpfmap_lru_list *lists;
	u32 node_off;
	u32 nr_groups;
	u32 nr_homes;
	u32 fair;
	u32 low;
	bool loose ____cacheline_aligned_in_smp;
};

u32 bpfmap_lru_groups(u32 nr_elems, u32 nr_homes, u32 max);
struct bpfmap_lru *bpfmap_lru_create(struct bpfmap_pool *pool, u32 node_off,
				     u32 nr_groups, u32 nr_homes);
void bpfmap_lru_destroy(struct bpfmap_lru *lru);
u32 bpfmap_lru_get(struct bpfmap_lru *lru);
void bpfmap_lru_add(struct bpfmap_lru *lru, u32 group, u32 home, void *elem);
void *bpfmap_lru_evict(struct bpfmap_lru *lru, u32 group, u32 home);
u64 bpfmap_lru_mem_usage(const struct bpfmap_lru *lru);

/* The list of a CPU, or of all, in a group */
static inline struct bpfmap_lru_list *
bpfmap_lru_list(const struct bpfmap_lru *lru, u32 group, u32 home)
{
	return &lru->lists[group * lru->nr_homes + home];
}

/* Where this CPU's elements are; irqs are off, for the CPU to stay */
static inline u32 bpfmap_lru_home(const struct bpfmap_lru *lru)
{
	return lru->nr_homes == 1 ? 0 : smp_processor_id();
}

static inline struct bpfmap_lru_node *
bpfmap_lru_node(const struct bpfmap_lru *lru, void *elem)
{
	return elem + lru->node_off;
}

/* Take an element out of its list, whose group is locked */
static inline void bpfmap_lru_unlist(struct bpfmap_lru_list *list,
				     struct bpfmap_lru_node *node)
{
	/* Nobody follows its links any more, and who adds it sets them: no poison */
	__list_del_entry(&node->link);
	list->nr_young -= !node->old;
	/* Others read it without the lock, to find a long list */
	WRITE_ONCE(list->nr, list->nr - 1);
}

/**
 * bpfmap_lru_del() - take an element out of its list
 * @lru: the lists
 * @group: the group
 * @elem: in a list of the group
 *
 * Context: The lock of @group is held, irqs off.
 */
static inline void bpfmap_lru_del(const struct bpfmap_lru *lru, u32 group,
				  void *elem)
{
	struct bpfmap_lru_node *node = bpfmap_lru_node(lru, elem);

	bpfmap_lru_unlist(bpfmap_lru_list(lru, group, node->home), node);
}

/* An element was used. The second time in a row costs no write */
static inline void bpfmap_lru_mark(const struct bpfmap_lru *lru, void *elem)
{
	struct bpfmap_lru_node *node = bpfmap_lru_node(lru, elem);

	if (!READ_ONCE(node->used))
		WRITE_ONCE(node->used, 1);
}

/*
 * After elements became free for every CPU. The cmpxchg that did it is the barrier
 * which pairs with that in bpfmap_lru_get(): either that sees the elements, or
 * this sees that it did not.
 */
static inline void bpfmap_lru_loosen(struct bpfmap_lru *lru)
{
	if (!READ_ONCE(lru->loose))
		WRITE_ONCE(lru->loose, true);
}

/**
 * bpfmap_lru_put() - make an element free
 * @lru: the lists
 * @index: of an element that is in none of them
 * @elem: the element
 *
 * Context: irqs off.
 */
static inline void bpfmap_lru_put(struct bpfmap_lru *lru, u32 index, void *elem)
{
	if (lru->nr_homes > 1) {
		bpfmap_pool_put_to(lru->pool, index, elem,
				   bpfmap_lru_node(lru, elem)->home);
		return;
	}
	bpfmap_pool_put(lru->pool, index, elem);
	bpfmap_lru_loosen(lru);
}

#endif /* _BPFMAP_LRU_H */
