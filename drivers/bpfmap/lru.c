// SPDX-License-Identifier: GPL-2.0-only
/*
 * Choosing the element to evict
 *
 *	new --> [ inactive ] --ref--> [ active ] --ref--> back to its start
 *	             |                     |
 *	          evicted               evicted
 *
 * A list is two queues. New elements enter the inactive queue. The oldest
 * element of a queue is evicted, or, if its @ref is set, loses that and moves
 * to the start of the active queue. Eviction is from the inactive queue while
 * that has more than a third of the list: elements used once, such as those of
 * a scan, pass through it and do not displace frequently used ones. Every
 * LRU_AGING-th eviction is from the active queue, so that elements that are no
 * longer used do not stay there for ever.
 *
 * kernel/bpf/bpf_lru_list.c also has two queues and a ref; the idea is that of
 * 2Q (Johnson, Shasha: VLDB 1994). Here, an element is evicted only when one is
 * needed, and only then is @ref examined.
 *
 * Elements are in groups. Each has its own lists, protected by the lock that
 * the table already has for these elements. So inserting, deleting and evicting
 * need no extra lock, and a hit only sets @ref, if that is not yet set. A group
 * is large enough for its order to be as good as an order of all elements;
 * small maps are one group.
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
 * Elements whose @ref is cleared before one is evicted even if its @ref is set.
 * Bounds the time for which bpfmap_lru_evict() holds the lock of the group.
 */
#define LRU_SCAN	128

/* One eviction in this many is from the active queue */
#define LRU_AGING	128

enum { INACTIVE, ACTIVE };

/**
 * bpfmap_lru_groups() - number of groups to divide elements into
 * @nr_elems: of all groups
 * @nr_owners: CPUs that own elements, or 1
 * @max: maximum number of groups, a power of two
 *
 * Return: a power of two.
 */
u32 bpfmap_lru_groups(u32 nr_elems, u32 nr_owners, u32 max)
{
	u32 nr = nr_elems / nr_owners / LRU_LIST_MIN;

	return nr ? min(rounddown_pow_of_two(nr), max) : 1;
}

/**
 * bpfmap_lru_create() - create lists for the elements of a pool
 * @pool: all elements are free; if CPUs own elements, each owns its free ones
 * @node_off: from an element to its struct bpfmap_lru_node
 * @nr_groups: from bpfmap_lru_groups()
 * @nr_owners: 1 or nr_cpu_ids
 *
 * Return: empty lists, or NULL without memory.
 */
struct bpfmap_lru *bpfmap_lru_create(struct bpfmap_pool *pool, u32 node_off,
				     u32 nr_groups, u32 nr_owners)
{
	u32 cpus = nr_owners == 1 ? 1 : num_possible_cpus();
	u32 i, nr = nr_groups * nr_owners;
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
		INIT_LIST_HEAD(&lru->lists[i].queues[INACTIVE]);
		INIT_LIST_HEAD(&lru->lists[i].queues[ACTIVE]);
	}
	lru->pool = pool;
	lru->node_off = node_off;
	lru->nr_groups = nr_groups;
	lru->nr_owners = nr_owners;
	lru->fair = pool->nr_max / cpus / nr_groups;
	lru->low = nr_groups == 1 ? 0 : lru->fair - lru->fair / 4;
	lru->free_hint = true;
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
 * bpfmap_lru_take() - take a free element
 * @lru: the lists
 *
 * Searches other CPUs' free elements only if there may be any: a map in use is
 * usually full.
 *
 * Context: irqs off.
 * Return: its index, or BPFMAP_POOL_NONE.
 */
u32 bpfmap_lru_take(struct bpfmap_lru *lru)
{
	u32 own = bpfmap_pool_take_own(lru->pool);
	s64 index;

	if (own != BPFMAP_POOL_NONE || lru->nr_owners > 1 ||
	    !READ_ONCE(lru->free_hint))
		return own;
	index = bpfmap_pool_take(lru->pool);
	if (index >= 0)
		return index;

	WRITE_ONCE(lru->free_hint, false);
	/* Pairs with the cmpxchg before bpfmap_lru_set_free_hint() */
	smp_mb();
	index = bpfmap_pool_take(lru->pool);
	if (index < 0)
		return BPFMAP_POOL_NONE;
	WRITE_ONCE(lru->free_hint, true);
	return index;
}

/**
 * bpfmap_lru_add() - add an element to the list of its owner
 * @lru: the lists
 * @group: the group
 * @cpu: bpfmap_lru_owner_cpu() when @elem was taken
 * @elem: from bpfmap_lru_take() or bpfmap_lru_evict()
 *
 * Context: The lock of @group is held, irqs off.
 */
void bpfmap_lru_add(struct bpfmap_lru *lru, u32 group, u32 cpu, void *elem)
{
	struct bpfmap_lru_node *node = bpfmap_lru_node(lru, elem);
	struct bpfmap_lru_list *list = bpfmap_lru_list(lru, group, cpu);

	node->owner_cpu = cpu;
	node->active = INACTIVE;
	WRITE_ONCE(node->ref, 0);
	list_add(&node->link, &list->queues[INACTIVE]);
	list->nr_inactive++;
	/* Read without the lock to find a long list */
	WRITE_ONCE(list->nr, list->nr + 1);
}

/* The element was used: it gets another round, in the active queue */
static void lru_activate(struct bpfmap_lru_list *list,
			 struct bpfmap_lru_node *node)
{
	list_move(&node->link, &list->queues[ACTIVE]);
	list->nr_inactive -= node->active == INACTIVE;
	node->active = ACTIVE;
	WRITE_ONCE(node->ref, 0);
}

/* The next candidate for eviction */
static struct bpfmap_lru_node *lru_oldest(const struct bpfmap_lru_list *list,
					  bool aging)
{
	bool active = list->nr_inactive <= list->nr / 3 ||
		      (aging && list->nr_inactive < list->nr);

	return list_last_entry(&list->queues[active ? ACTIVE : INACTIVE],
			       struct bpfmap_lru_node, link);
}

/**
 * bpfmap_lru_evict() - evict one element from a list
 * @lru: the lists
 * @group: the group
 * @cpu: owner of the list
 *
 * Context: The lock of @group is held, irqs off.
 * Return: the element, NULL if the list is empty.
 */
void *bpfmap_lru_evict(struct bpfmap_lru *lru, u32 group, u32 cpu)
{
	struct bpfmap_lru_list *list = bpfmap_lru_list(lru, group, cpu);
	struct bpfmap_lru_node *node;
	int left = LRU_SCAN;

	if (!list->nr)
		return NULL;
	node = lru_oldest(list, !(++list->turn % LRU_AGING));
	while (unlikely(READ_ONCE(node->ref)) && left--) {
		lru_activate(list, node);
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
	if (!lru)
		return 0;
	return sizeof(*lru) +
	       (u64)lru->nr_groups * lru->nr_owners * sizeof(*lru->lists);
}
