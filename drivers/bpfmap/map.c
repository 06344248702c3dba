// SPDX-License-Identifier: GPL-2.0-only
/*
 * Lifetime of a map: references and ids
 */
#include <linux/export.h>
#include <linux/memcontrol.h>
#include <linux/xarray.h>

#include "internal.h"

/*
 * Maps by id. The lock is taken with bottom halves off; the xarray must know,
 * since it drops the lock to allocate. A node is charged to the creator of the
 * first map in it.
 */
static DEFINE_XARRAY_FLAGS(bpfmap_ids, XA_FLAGS_ALLOC1 | XA_FLAGS_LOCK_BH |
					       XA_FLAGS_ACCOUNT);
static u32 bpfmap_next_free_id; /* under the lock of bpfmap_ids */
static struct workqueue_struct *bpfmap_free_wq;

/**
 * bpfmap_free() - free a map at once
 * @map: without references, or known to no one else; after the type's alloc
 */
void bpfmap_free(struct bpfmap *map)
{
	struct bpfmap_writers __percpu *writers = map->writers;
	struct obj_cgroup *objcg = map->objcg;

	mutex_destroy(&map->freeze_mutex);
	map->ops->free(map);
	free_percpu(writers);
	if (objcg)
		obj_cgroup_put(objcg);
}

static void bpfmap_free_work(struct work_struct *work)
{
	bpfmap_free(container_of(to_rcu_work(work), struct bpfmap, free_work));
}

/**
 * bpfmap_init_map() - initialise the common part, first in a type's alloc
 * @map: the common part
 * @attr: the request
 */
void bpfmap_init_map(struct bpfmap *map, const struct bpfmap_create_attr *attr)
{
	map->ops = bpfmap_type_ops(attr->map_type);
	map->type = attr->map_type;
	map->key_size = attr->key_size;
	map->value_size = attr->value_size;
	map->user_size = map->value_size;
	if (map->ops->percpu)
		map->user_size = bpfmap_value_stride(map) * num_possible_cpus();
	map->max_entries = attr->max_entries;
	map->flags = attr->map_flags & ~(BPFMAP_F_RDONLY | BPFMAP_F_WRONLY);
	map->numa_node = NUMA_NO_NODE;
	if (attr->map_flags & BPFMAP_F_NUMA_NODE)
		map->numa_node = attr->numa_node;
	map->map_extra = attr->map_extra;
	refcount_set(&map->ref, 1);
	mutex_init(&map->freeze_mutex);
	INIT_RCU_WORK(&map->free_work, bpfmap_free_work);
}

/**
 * bpfmap_publish() - give a map its id
 * @map: from bpfmap_create_from(), not published yet
 *
 * From here on MAP_GET_FD_BY_ID finds it.
 *
 * Return: 0, -ENOMEM or -ENOSPC.
 */
int bpfmap_publish(struct bpfmap *map)
{
	int err = xa_alloc_cyclic_bh(&bpfmap_ids, &map->id, map,
				     XA_LIMIT(1, INT_MAX - 1),
				     &bpfmap_next_free_id, GFP_KERNEL);

	/* 1 also means success: ids have wrapped */
	if (err >= 0)
		return 0;
	/* On -ENOMEM the id is not reserved: another map may get it */
	map->id = 0;
	return err == -EBUSY ? -ENOSPC : err;
}

#if IS_ENABLED(CONFIG_KUNIT)
/**
 * bpfmap_set_next_id() - set the id to try first for the next map
 * @id: from 1 to INT_MAX - 1
 *
 * For the test of id wrap-around.
 *
 * Return: the previous value.
 */
u32 bpfmap_set_next_id(u32 id)
{
	u32 old;

	xa_lock_bh(&bpfmap_ids);
	old = bpfmap_next_free_id;
	bpfmap_next_free_id = id;
	xa_unlock_bh(&bpfmap_ids);
	return old;
}
EXPORT_SYMBOL_GPL(bpfmap_set_next_id);
#endif

/**
 * bpfmap_get() - take a reference
 * @map: map to which the caller has a reference
 *
 * Context: Any.
 * Return: @map.
 */
struct bpfmap *bpfmap_get(struct bpfmap *map)
{
	refcount_inc(&map->ref);
	return map;
}
EXPORT_SYMBOL_GPL(bpfmap_get);

/**
 * bpfmap_tryget() - take a reference unless the last one is gone
 * @map: map whose memory is still valid, as that of bpfmap_lookup_inner() is
 *	 until rcu_read_unlock()
 *
 * Context: Any.
 * Return: true with a reference, false if the map is about to be freed.
 */
bool bpfmap_tryget(struct bpfmap *map)
{
	return refcount_inc_not_zero(&map->ref);
}
EXPORT_SYMBOL_GPL(bpfmap_tryget);

/**
 * bpfmap_put() - drop a reference
 * @map: the map
 *
 * Dropping the last one removes the id at once. Memory is freed after a grace
 * period, so that values from bpfmap_lookup_elem() stay valid until
 * rcu_read_unlock().
 *
 * Context: Process and softirq context.
 */
void bpfmap_put(struct bpfmap *map)
{
	if (!refcount_dec_and_test(&map->ref))
		return;
	if (map->id)
		xa_erase_bh(&bpfmap_ids, map->id);
	queue_rcu_work(bpfmap_free_wq, &map->free_work);
}
EXPORT_SYMBOL_GPL(bpfmap_put);

/**
 * bpfmap_get_by_id() - get the map with an id
 * @id: any number
 *
 * Return: the map, NULL if there is none or its last reference is gone.
 */
struct bpfmap *bpfmap_get_by_id(u32 id)
{
	struct bpfmap *map;

	/* The lock keeps the map valid: it is erased before it is freed */
	xa_lock_bh(&bpfmap_ids);
	map = xa_load(&bpfmap_ids, id);
	if (map && !bpfmap_tryget(map))
		map = NULL;
	xa_unlock_bh(&bpfmap_ids);
	return map;
}

/**
 * bpfmap_next_id() - the smallest id that is at least @start
 * @start: the number, at most INT_MAX
 *
 * Return: the id, -ENOENT if there is none.
 */
int bpfmap_next_id(u32 start)
{
	unsigned long id = start;

	return xa_find(&bpfmap_ids, &id, INT_MAX, XA_PRESENT) ? id : -ENOENT;
}

int __init bpfmap_lifetime_init(void)
{
	bpfmap_charge_setup();
	bpfmap_free_wq = alloc_workqueue("bpfmap_free", WQ_UNBOUND, 0);
	return bpfmap_free_wq ? 0 : -ENOMEM;
}

/* No map has a reference: descriptors, mounts and modules pin this module */
void bpfmap_lifetime_exit(void)
{
	/*
	 * First wait for grace periods that queue work, of inodes too, then for
	 * the work. Freeing a map of maps starts grace periods of its inner
	 * maps, which contain no maps.
	 */
	rcu_barrier();
	flush_workqueue(bpfmap_free_wq);
	rcu_barrier();
	destroy_workqueue(bpfmap_free_wq);
	xa_destroy(&bpfmap_ids);
}
