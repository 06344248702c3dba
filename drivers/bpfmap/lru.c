// SPDX-License-Identifier: GPL-2.0-only
/*
 * Choosing the element to evict
 *
 *	new --> [ young ] --used--> [  old  ] --used--> back to its start
 *	            |                   |
 *	         evicted             evicted
 *
 * A list is two queues. New elements enter the young queue. An element that is
 * the oldest of its queue is evicted, or, if it is marked as used, loses the
 * mark and moves to the start of the old queue. Eviction is from the young
 * queue while that has more than a third of the list: elements used once, such
 * as those of a scan, pass through it and do not displace frequently used ones.
 * Every LRU_AGING-th eviction is from the old queue, so that elements that are
 * no longer used do not stay there for ever.
 *
 * kernel/bpf/bpf_lru_list.c also has two queues and a mark; the idea is that of
 * 2Q (Johnson, Shasha: VLDB 1994). Here, an element is evicted only when one is
 * needed, and only then are marks looked at.
 *
 * Elements are in groups. Each has its own lists, protected by the lock that
 * the owner's table already has for these elements. So inserting, deleting and
 * evicting need no extra lock, and a hit only sets a mark, if that is not yet
 * set. A group is large enough for its order to be as good as an order of all
 * elements; small maps are one group.
 */
#include <linux/list.h>
#include <linux/log2.h>
#include <linux/mm.h>
#include <linux/slab.h>

#include "internal.h"
#include "lru.h"

/* Minimum elements of a list if there are several groups */
#define LRU_LIST_MIN	128

/*
 * Marks to clear before an element is evicted even if marked. Bounds the time
 * for which bpfmap_lru_evict() runs under the lock of the group.
 */
#define LRU_SCAN	128

/* One eviction in this many is from the old queue */
#define LRU_AGING	128

enum { YOUNG, OLD };

/**
 * bpfmap_lru_groups() - number of groups to divide elements into
 * @nr_elems: of all groups
 * @nr_homes: CPUs that have elements of their own, or 1
 * @max: maximum number of groups, a power of two
 *
 * Return: a power of two.
 */
u32 bpfmap_lru_groups(u32 nr_elems, u32 nr_homes, u32 max)
{
	u32 nr = nr_elems / nr_homes / LRU_LIST_MIN;

	return nr ? min(rounddown_pow_of_two(nr), max) : 1;
}

/**
 * bpfmap_lru_create() - create lists for the elements of a pool
 * @pool: all elements are free; with several homes, each CPU owns its free ones
 * @node_off: from an element to its struct bpfmap_lru_node
 * @nr_groups: from bpfmap_lru_groups()
 * @nr_homes: 1 or nr_cpu_ids
 *
 * Return: empty lists, or NULL without memory.
 */
struct bpfmap_lru *bpfmap_lru_create(struct bpfmap_pool *pool, u32 node_off,
				     u32 nr_groups, u32 nr_homes)
{
	u32 cpus = nr_homes == 1 ? 1 : num_possible_cpus();
	u32 i, nr = nr_groups * nr_homes;
	struct bpfmap_lru *lru;

	lru = kzalloc(sizeof(*lru), GFP_KERNEL_ACCOUNT);
	if (!lru)
		return NULL;
	lru->lists = bpfmap_area_alloc((u64)nr * sizeof(*lru->lists),
				       pool->map->numa_node,
				       GFP_KERNEL | __GFP_ZERO);
	if (!lru->lists) {
		kfree(lru);
		return NULL;
	}
	for (i = 0; i < nr; i++) {
		INIT_LIST_HEAD(&lru->lists[i].queues[YOUNG]);
		INIT_LIST_HEAD(&lru->lists[i].queues[OLD]);
	}
	lru->pool = pool;
	lru->node_off = node_off;
	lru->nr_groups = nr_groups;
	lru->nr_homes = nr_homes;
	lru->fair = pool->nr_max / cpus / nr_groups;
	lru->low = nr_groups == 1 ? 0 : lru->fair - lru->fair / 4;
	lru->loose = true;
	return lru;
}

/**
 * bpfmap_lru_destroy() - free the lists
 * @lru: from bpfmap_lru_create(), or NULL
 */
void bpfmap_lru_destroy(struct bpfmap_lru *lru)
{
	if (!lru)
		return;
	kvfree(lru->lists);
	kfree(lru);
}

/**
 * bpfmap_lru_get() - take a free element
 * @lru: the lists
 *
 * Searches other CPUs' free elements only if there may be any: a map in use is
 * usually full.
 *
 * Context: irqs off.
 * Return: its index, or BPFMAP_POOL_NONE.
 */
u32 bpfmap_lru_get(struct bpfmap_lru *lru)
{
	u32 own = bpfmap_pool_get_own(lru->pool);
	s64 index;

	if (own != BPFMAP_POOL_NONE || lru->nr_homes > 1 ||
	    !READ_ONCE(lru->loose))
		return own;
	index = bpfmap_pool_get(lru->pool);
	if (index >= 0)
		return index;

	WRITE_ONCE(lru->loose, false);
	/* Pairs with the cmpxchg before bpfmap_lru_loosen() */
	smp_mb();
	index = bpfmap_pool_get(lru->pool);
	if (index < 0)
		return BPFMAP_POOL_NONE;
	WRITE_ONCE(lru->loose, true);
	return index;
}

/**
 * bpfmap_lru_add() - add an element to the list of its home
 * @lru: the lists
 * @group: the group
 * @home: bpfmap_lru_home() of the CPU that took @elem
 * @elem: from bpfmap_lru_get() or bpfmap_lru_evict()
 *
 * Context: The lock of @group is held, irqs off.
 */
void bpfmap_lru_add(struct bpfmap_lru *lru, u32 group, u32 home, void *elem)
{
	struct bpfmap_lru_node *node = bpfmap_lru_node(lru, elem);
	struct bpfmap_lru_list *list = bpfmap_lru_list(lru, group, home);

	node->home = home;
	node->old = YOUNG;
	WRITE_ONCE(node->used, 0);
	list_add(&node->link, &list->queues[YOUNG]);
	list->nr_young++;
	/* Read without the lock to find a long list */
	WRITE_ONCE(list->nr, list->nr + 1);
}

/* A used element gets another round, in the old queue */
static void lru_keep(struct bpfmap_lru_list *list, struct bpfmap_lru_node *node)
{
	list_move(&node->link, &list->queues[OLD]);
	list->nr_young -= node->old == YOUNG;
	node->old = OLD;
	WRITE_ONCE(node->used, 0);
}

/* The next candidate for eviction */
static struct bpfmap_lru_node *lru_oldest(const struct bpfmap_lru_list *list,
					  bool aging)
{
	bool old = list->nr_young <= list->nr / 3 ||
		   (aging && list->nr_young < list->nr);

	return list_last_entry(&list->queues[old ? OLD : YOUNG],
			       struct bpfmap_lru_node, link);
}

/**
 * bpfmap_lru_evict() - evict one element from a list
 * @lru: the lists
 * @group: the group
 * @home: which of its lists
 *
 * Context: The lock of @group is held, irqs off.
 * Return: the element, NULL if the list is empty.
 */
void *bpfmap_lru_evict(struct bpfmap_lru *lru, u32 group, u32 home)
{
	struct bpfmap_lru_list *list = bpfmap_lru_list(lru, group, home);
	struct bpfmap_lru_node *node;
	int left = LRU_SCAN;

	if (!list->nr)
		return NULL;
	node = lru_oldest(list, !(++list->turn % LRU_AGING));
	while (unlikely(READ_ONCE(node->used)) && left--) {
		lru_keep(list, node);
		node = lru_oldest(list, false);
	}
	bpfmap_lru_unlist(list, node);
	return (void *)node - lru->node_off;
}

/**
 * bpfmap_lru_mem_usage() - bytes of the lists; nodes are the pool's
 * @lru: the lists, or NULL
 */
u64 bpfmap_lru_mem_usage(const struct bpfmap_lru *lru)
{
	return lru ? sizeof(*lru) + (u64)lru->nr_groups * lru->nr_homes *
		     sizeof(*lru->lists) : 0;
}
