// SPDX-License-Identifier: GPL-2.0-only
/*
 * Which element goes when a new one needs a place
 *
 *	new --> [ young ] --used--> [  old  ] --used--> back to its start
 *	            |                   |
 *	          taken               taken
 *
 * A list is two queues. Elements come in as young ones. Those that are marked
 * as used when they are the oldest of their queue go to the start of the old
 * ones, without the mark; others are taken. It is the young ones' turn while
 * they are more than a third of the list: what is used once, like all that a
 * scan brings in, passes through there and leaves alone what is used often.
 * Every so often it is the turn of the old ones, so that what was used often
 * some day, and never since, does not stay for ever.
 *
 * Two queues with a mark are what kernel/bpf/bpf_lru_list.c has; the idea is
 * that of 2Q (Johnson, Shasha: VLDB 1994). Here an element is taken when one is
 * needed and not before, and marks are looked at only then.
 *
 * Elements are in groups, each with lists of its own and a lock, which is that
 * of the owner's table for these elements anyway. So inserting, deleting and
 * evicting take no lock for the order's sake, and a hit is a mark: nothing, if
 * there is one already. A group is large enough for its order to be as good as
 * that of all elements; small maps are one group.
 */
#include <linux/list.h>
#include <linux/log2.h>
#include <linux/mm.h>
#include <linux/slab.h>

#include "internal.h"
#include "lru.h"

/* Elements of a list, at least, where there are several groups */
#define LRU_LIST_MIN	128

/*
 * Marks to clear before an element is taken, be it marked or not. They bound what
 * bpfmap_lru_evict() does with the lock of the group held
 */
#define LRU_SCAN	128

/* One in so many turns is that of the old ones */
#define LRU_AGING	128

enum { YOUNG, OLD };

/**
 * bpfmap_lru_groups() - in how many groups is it good to divide elements?
 * @nr_elems: of all groups
 * @nr_homes: CPUs that have elements of their own, or 1
 * @max: groups at most, a power of two
 *
 * Return: a power of two.
 */
u32 bpfmap_lru_groups(u32 nr_elems, u32 nr_homes, u32 max)
{
	u32 nr = nr_elems / nr_homes / LRU_LIST_MIN;

	return nr ? min(rounddown_pow_of_two(nr), max) : 1;
}

/**
 * bpfmap_lru_create() - lists for the elements of a pool
 * @pool: all its elements are free. With homes, each CPU's free ones are its own
 * @node_off: from an element to its struct bpfmap_lru_node
 * @nr_groups: from bpfmap_lru_groups()
 * @nr_homes: 1 or nr_cpu_ids
 *
 * Return: empty lists, NULL if there is no memory.
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
 * Another CPU's free elements are looked for only if there may be one, since a
 * map in use is full.
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
 * bpfmap_lru_add() - put an element into the list of its home
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
	/* Others read it without the lock, to find a long list */
	WRITE_ONCE(list->nr, list->nr + 1);
}

/* An element that was used gets another round, as an old one */
static void lru_keep(struct bpfmap_lru_list *list, struct bpfmap_lru_node *node)
{
	list_move(&node->link, &list->queues[OLD]);
	list->nr_young -= node->old == YOUNG;
	node->old = OLD;
	WRITE_ONCE(node->used, 0);
}

/* Whose turn is it? */
static struct bpfmap_lru_node *lru_oldest(const struct bpfmap_lru_list *list,
					  bool aging)
{
	bool old = list->nr_young <= list->nr / 3 ||
		   (aging && list->nr_young < list->nr);

	return list_last_entry(&list->queues[old ? OLD : YOUNG],
			       struct bpfmap_lru_node, link);
}

/**
 * bpfmap_lru_evict() - take that element out of a list whose time it is
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
