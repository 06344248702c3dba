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
 * @owner_cpu: which list of its group it is in; constant if CPUs own elements
 * @active: in the active queue
 * @ref: it was used since it was last examined; set by anyone at any time. A
 *	 late caller may even set it in an element that has been reused
 *
 * Protected by the lock of its group while it is in a list, else by having a
 * single user; except @ref.
 */
struct bpfmap_lru_node {
	struct list_head link;
	u32 owner_cpu;
	u8 active;
	u8 ref;
};

/**
 * struct bpfmap_lru_list - elements of one group, and of one CPU if CPUs own
 * elements; protected by the lock of the group, except for racy reads of @nr
 * @queues: inactive and active elements, each newest first
 * @nr: elements in both
 * @nr_inactive: elements in the inactive queue
 * @turn: counts bpfmap_lru_evict()
 */
struct bpfmap_lru_list {
	struct list_head queues[2];
	u32 nr;
	u32 nr_inactive;
	u32 turn;
} ____cacheline_aligned_in_smp;

/**
 * struct bpfmap_lru - order of the elements of a pool
 * @pool: the elements
 * @lists: @nr_owners for each group
 * @node_off: from an element to its node
 * @nr_groups: groups; the owner has a lock for each
 * @nr_owners: 1, or nr_cpu_ids if each CPU owns elements
 * @fair: length of each list if all were equally long
 * @low: a list of at most this length takes elements from others
 * @free_hint: false: no CPU had a free element at the last search
 *
 * All but @free_hint are constant.
 */
struct bpfmap_lru {
	struct bpfmap_pool *pool;
	struct bpfmap_lru_list *lists;
	u32 node_off;
	u32 nr_groups;
	u32 nr_owners;
	u32 fair;
	u32 low;
	bool free_hint ____cacheline_aligned_in_smp;
};

u32 bpfmap_lru_groups(u32 nr_elems, u32 nr_owners, u32 max);
struct bpfmap_lru *bpfmap_lru_create(struct bpfmap_pool *pool, u32 node_off,
				     u32 nr_groups, u32 nr_owners);
void bpfmap_lru_destroy(struct bpfmap_lru *lru);
u32 bpfmap_lru_take(struct bpfmap_lru *lru);
void bpfmap_lru_add(struct bpfmap_lru *lru, u32 group, u32 cpu, void *elem);
void *bpfmap_lru_evict(struct bpfmap_lru *lru, u32 group, u32 cpu);
u64 bpfmap_lru_mem_usage(const struct bpfmap_lru *lru);

/* The list of a group, for one CPU or for all */
static inline struct bpfmap_lru_list *
bpfmap_lru_list(const struct bpfmap_lru *lru, u32 group, u32 cpu)
{
	return &lru->lists[group * lru->nr_owners + cpu];
}

/*
 * Owner of the elements that this CPU takes; 0 if CPUs own none. irqs are off,
 * so that the CPU stays the same.
 */
static inline u32 bpfmap_lru_owner_cpu(const struct bpfmap_lru *lru)
{
	return lru->nr_owners == 1 ? 0 : smp_processor_id();
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
	list->nr_inactive -= !node->active;
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

	bpfmap_lru_unlist(bpfmap_lru_list(lru, group, node->owner_cpu), node);
}

/* Note that an element was used. No write if that is already noted */
static inline void bpfmap_lru_set_ref(const struct bpfmap_lru *lru, void *elem)
{
	struct bpfmap_lru_node *node = bpfmap_lru_node(lru, elem);

	if (!READ_ONCE(node->ref))
		WRITE_ONCE(node->ref, 1);
}

/*
 * Call after freeing elements for every CPU. The cmpxchg that freed them is the
 * barrier that pairs with the one in bpfmap_lru_take(): either that sees the
 * elements, or this sees @free_hint cleared.
 */
static inline void bpfmap_lru_set_free_hint(struct bpfmap_lru *lru)
{
	if (!READ_ONCE(lru->free_hint))
		WRITE_ONCE(lru->free_hint, true);
}

/**
 * bpfmap_lru_free() - free an element
 * @lru: the lists
 * @index: of an element that is in no list
 * @elem: the element
 *
 * Context: irqs off.
 */
static inline void bpfmap_lru_free(struct bpfmap_lru *lru, u32 index,
				   void *elem)
{
	if (lru->nr_owners > 1) {
		bpfmap_pool_free_to(lru->pool, index, elem,
				    bpfmap_lru_node(lru, elem)->owner_cpu);
		return;
	}
	bpfmap_pool_free(lru->pool, index, elem);
	bpfmap_lru_set_free_hint(lru);
}

#endif /* _BPFMAP_LRU_H */
