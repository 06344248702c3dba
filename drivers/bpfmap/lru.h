/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef _BPFMAP_LRU_H
#define _BPFMAP_LRU_H

#include <linux/cache.h>
#include <linux/compiler.h>
#include <linux/list.h>
#include <linux/smp.h>
#include <linux/types.h>

#include "pool.h"

/* LRU lists: a new element evicts one that was not used for long. See lru.c */

/**
 * struct bpfmap_lru_node - follows every element of a pool with lists
 * @link: in its queue
 * @home: list of its group; constant if CPUs have elements of their own
 * @old: in the old queue
 * @used: since it was last looked at; set by anyone at any time. A late caller
 *	  may even mark an element that has been reused
 *
 * Protected by the lock of its group while it is in a list, else by having a
 * single owner; except @used.
 */
struct bpfmap_lru_node {
	struct list_head link;
	u32 home;
	u8 old;
	u8 used;
};

/**
 * struct bpfmap_lru_list - elements of one group, and of one CPU if each CPU
 * has its own; protected by the lock of the group, except for racy reads of @nr
 * @queues: young and old elements, each newest first
 * @nr: elements in both
 * @nr_young: elements in the young queue
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
 * @nr_groups: groups; the owner has a lock for each
 * @nr_homes: 1, or nr_cpu_ids if each CPU has elements of its own
 * @fair: length of each list if all were equally long
 * @low: a list of at most this length takes elements from others
 * @loose: false: no CPU had a free element at the last search
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

/* The list of a group, for one CPU or for all */
static inline struct bpfmap_lru_list *
bpfmap_lru_list(const struct bpfmap_lru *lru, u32 group, u32 home)
{
	return &lru->lists[group * lru->nr_homes + home];
}

/* Home of this CPU's elements; irqs are off, so that the CPU stays the same */
static inline u32 bpfmap_lru_home(const struct bpfmap_lru *lru)
{
	return lru->nr_homes == 1 ? 0 : smp_processor_id();
}

static inline struct bpfmap_lru_node *
bpfmap_lru_node(const struct bpfmap_lru *lru, void *elem)
{
	return elem + lru->node_off;
}

/* Remove an element from its list; the group is locked */
static inline void bpfmap_lru_unlist(struct bpfmap_lru_list *list,
				     struct bpfmap_lru_node *node)
{
	/* No poison: nobody follows these links, and adding it sets them */
	__list_del_entry(&node->link);
	list->nr_young -= !node->old;
	/* Read without the lock to find a long list */
	WRITE_ONCE(list->nr, list->nr - 1);
}

/**
 * bpfmap_lru_del() - remove an element from its list
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

/* Mark an element as used. No write if it is already marked */
static inline void bpfmap_lru_mark(const struct bpfmap_lru *lru, void *elem)
{
	struct bpfmap_lru_node *node = bpfmap_lru_node(lru, elem);

	if (!READ_ONCE(node->used))
		WRITE_ONCE(node->used, 1);
}

/*
 * Call after freeing elements for every CPU. The cmpxchg that freed them is the
 * barrier that pairs with the one in bpfmap_lru_get(): either that sees the
 * elements, or this sees @loose cleared.
 */
static inline void bpfmap_lru_loosen(struct bpfmap_lru *lru)
{
	if (!READ_ONCE(lru->loose))
		WRITE_ONCE(lru->loose, true);
}

/**
 * bpfmap_lru_put() - free an element
 * @lru: the lists
 * @index: of an element that is in no list
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
