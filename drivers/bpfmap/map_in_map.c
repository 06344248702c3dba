// SPDX-License-Identifier: GPL-2.0-only
/*
 * Maps of maps: arrays and hashes
 *
 * An element is a pointer to a map, with a reference. User space stores a map
 * by descriptor and reads its id; a map may be in any number of elements. All
 * inner maps are like the example given at creation, of which inner_map_meta
 * keeps a few numbers. A map of maps cannot be an inner map, so there are no
 * cycles, and freeing one never frees another one.
 *
 * Readers use RCU. Removing a pointer from an element drops its reference, and
 * a map is freed a grace period after its last put: a reader that found the
 * pointer in place may use the map until rcu_read_unlock(). In a hash,
 * htab_unchanged() must come between reading the pointer and using it, since an
 * element that left its chain still holds the pointer of a map that may have
 * been freed.
 *
 * References are dropped under no lock: bpfmap_put() enables bottom halves.
 */
#include <linux/export.h>
#include <linux/mm.h>
#include <linux/rcupdate.h>
#include <linux/sched.h>
#include <linux/slab.h>

#include "array.h"
#include "batch.h"
#include "hash.h"

/* Elements of an array to visit in one RCU read-side critical section */
#define ARRAY_OF_MAPS_WALK	4096

/* A map whose reference count saturates is never freed: stay far below */
#define INNER_MAX_REFS		(INT_MAX / 2)

/**
 * struct bpfmap_array_of_maps - an array of maps
 * @map: the common part
 * @slots: the elements; NULL if there is none. Changed only by xchg(), so that
 *	   each reference is dropped once
 */
struct bpfmap_array_of_maps {
	struct bpfmap map;
	struct bpfmap __rcu **slots;
};

static struct bpfmap_array_of_maps *to_array_of_maps(const struct bpfmap *map)
{
	return container_of(map, struct bpfmap_array_of_maps, map);
}

static struct bpfmap_inner_map_meta inner_map_meta_of(const struct bpfmap *like)
{
	bool any = !like->ops->same_entries || like->flags & BPFMAP_F_INNER_MAP;

	return (struct bpfmap_inner_map_meta) {
		.type = like->type,
		.key_size = like->key_size,
		.value_size = like->value_size,
		.flags = like->flags,
		.max_entries = any ? 0 : like->max_entries,
	};
}

/**
 * bpfmap_inner_map_meta_init() - describe the maps in a map of maps
 * @meta: out
 * @like: an example, or NULL
 * @fd: descriptor of the example, if @like is NULL
 *
 * Return: 0, -EBADF if @fd is closed, -EINVAL if it is no map or the example is
 * a map of maps, -ENOTSUPP if the example cannot be an inner map.
 */
int bpfmap_inner_map_meta_init(struct bpfmap_inner_map_meta *meta,
			       const struct bpfmap *like, int fd)
{
	struct bpfmap *map = NULL;
	int err = 0;

	if (!like) {
		map = bpfmap_get_from_fd(fd);
		if (IS_ERR(map))
			return PTR_ERR(map);
		like = map;
	}
	if (like->ops->set_inner)
		err = -EINVAL;
	else if (like->exclusive)
		err = -ENOTSUPP;
	else
		*meta = inner_map_meta_of(like);
	if (map)
		bpfmap_put(map);
	return err;
}

static int inner_check(const struct bpfmap *outer, const struct bpfmap *inner)
{
	const struct bpfmap_inner_map_meta *meta = &outer->inner_map_meta;

	if (inner->exclusive)
		return -ENOTSUPP;
	/* The example is no map of maps: same type means it is none either */
	if (inner->type != meta->type || inner->key_size != meta->key_size ||
	    inner->value_size != meta->value_size ||
	    inner->flags != meta->flags)
		return -EINVAL;
	if (meta->max_entries && inner->max_entries != meta->max_entries)
		return -EINVAL;
	return refcount_read(&inner->ref) > INNER_MAX_REFS ? -E2BIG : 0;
}

static int inner_set(struct bpfmap *outer, const void *key,
		     struct bpfmap *inner, u64 flags, gfp_t gfp)
{
	int err = inner_check(outer, inner);

	if (err)
		return err;
	err = outer->ops->set_inner(outer, key, bpfmap_get(inner), flags, gfp);
	if (err)
		bpfmap_put(inner);
	return err;
}

/* From user space: the value is a descriptor */
static int outer_update(struct bpfmap *map, const void *key, const void *value,
			u64 flags, gfp_t gfp)
{
	struct bpfmap *inner = bpfmap_get_from_fd(*(const int *)value);
	int err;

	if (IS_ERR(inner))
		return PTR_ERR(inner);
	err = inner_set(map, key, inner, flags, gfp);
	bpfmap_put(inner);
	return err;
}

/* To user space, and to modules that ask for a value: the id */
static int inner_copy_id(const struct bpfmap *inner, void *value)
{
	if (!inner)
		return -ENOENT;
	memcpy(value, &inner->id, sizeof(inner->id));
	return 0;
}

/**
 * bpfmap_set_inner() - store a map in a map of maps
 * @outer: the map of maps
 * @key: key_size bytes of @outer
 * @inner: the map; @outer takes a reference
 * @flags: BPFMAP_F_ANY; in a hash also BPFMAP_F_NOEXIST or BPFMAP_F_EXIST
 *
 * The previous inner map loses its reference; if that was the last one, the map
 * is freed a grace period later. Use synchronize_rcu() to wait for its readers,
 * as is done for user space.
 *
 * Context: Process and softirq context. Caller holds a reference to both. Takes
 * a lock of @outer, irqs off. With BPFMAP_F_NO_PREALLOC, memory is allocated
 * with GFP_ATOMIC.
 * Return:
 * * %0 - stored
 * * %-EINVAL - @outer is no map of maps, @inner is not like its template, or
 *   other flags
 * * %-ENOTSUPP - @inner was created for one program alone
 * * %-EEXIST - BPFMAP_F_NOEXIST, and the key is there
 * * %-ENOENT - BPFMAP_F_EXIST, and the key is not there
 * * %-E2BIG - @outer is full, the index is out of range, or @inner has 2^30
 *   references already
 * * %-ENOMEM - no memory for a new element
 * * %-EOPNOTSUPP - the key is larger than 64 KiB
 */
int bpfmap_set_inner(struct bpfmap *outer, const void *key,
		     struct bpfmap *inner, u64 flags)
{
	if (!outer->ops->set_inner)
		return -EINVAL;
	if (bpfmap_key_is_large(outer))
		return -EOPNOTSUPP;
	return inner_set(outer, key, inner, flags, GFP_ATOMIC);
}
EXPORT_SYMBOL_GPL(bpfmap_set_inner);

/**
 * bpfmap_lookup_inner() - the map in an element of a map of maps
 * @outer: the map of maps
 * @key: key_size bytes of @outer
 *
 * The caller gets no reference: bpfmap_tryget() takes one.
 *
 * Context: Any but NMI, inside an RCU read-side critical section.
 * Return: the map, to be used like any other until rcu_read_unlock(); NULL if
 * there is none, or if @outer is no map of maps.
 */
struct bpfmap *bpfmap_lookup_inner(struct bpfmap *outer, const void *key)
{
	RCU_LOCKDEP_WARN(!rcu_read_lock_any_held(), "lookup outside of RCU");
	if (!outer->ops->lookup_inner)
		return NULL;
	return outer->ops->lookup_inner(outer, key);
}
EXPORT_SYMBOL_GPL(bpfmap_lookup_inner);

/* Store @inner, which may be NULL, and drop the previous map's reference */
static int array_of_maps_replace(struct bpfmap_array_of_maps *a, u32 index,
				 struct bpfmap *inner)
{
	struct bpfmap *old;

	/* Pairs with rcu_dereference() in array_of_maps_lookup_inner() */
	old = unrcu_pointer(xchg(&a->slots[index], RCU_INITIALIZER(inner)));
	if (!old)
		return -ENOENT;
	bpfmap_put(old);
	return 0;
}

static struct bpfmap *array_of_maps_lookup_inner(struct bpfmap *map,
						 const void *key)
{
	s64 index = array_index(map, key);

	if (index < 0)
		return NULL;
	return rcu_dereference_check(to_array_of_maps(map)->slots[index],
				     rcu_read_lock_any_held());
}

static int array_of_maps_lookup(struct bpfmap *map, const void *key,
				void *value, u64 flags)
{
	int err;

	rcu_read_lock();
	err = inner_copy_id(array_of_maps_lookup_inner(map, key), value);
	rcu_read_unlock();
	return err;
}

static int array_of_maps_check_update(const struct bpfmap *map, const void *key,
				      u64 flags)
{
	if (flags)
		return -EINVAL;
	return array_index(map, key) < 0 ? -E2BIG : 0;
}

static int array_of_maps_set_inner(struct bpfmap *map, const void *key,
				   struct bpfmap *inner, u64 flags, gfp_t gfp)
{
	int err = array_of_maps_check_update(map, key, flags);

	if (err)
		return err;
	array_of_maps_replace(to_array_of_maps(map), array_index(map, key),
			      inner);
	return 0;
}

/* Unlike in a hash, a bad descriptor is the last error to be checked for */
static int array_of_maps_update(struct bpfmap *map, const void *key,
				const void *value, u64 flags, gfp_t gfp)
{
	int err = array_of_maps_check_update(map, key, flags);

	return err ?: outer_update(map, key, value, flags, gfp);
}

static int array_of_maps_delete(struct bpfmap *map, const void *key)
{
	s64 index = array_index(map, key);

	if (index < 0)
		return -E2BIG;
	return array_of_maps_replace(to_array_of_maps(map), index, NULL);
}

static int array_of_maps_walk(struct bpfmap *map, struct bpfmap_walk *w)
{
	struct bpfmap_array_of_maps *a = to_array_of_maps(map);
	u32 *keys = w->keys, *ids = w->values;
	u32 index, *last = w->key, left = ARRAY_OF_MAPS_WALK;
	struct bpfmap *inner;

	w->nr = 0;
	index = array_walk_index(map, w);
	if (index == map->max_entries)
		return -ENOENT;

	rcu_read_lock();
	for (; index < map->max_entries && w->nr < w->room && left; left--) {
		inner = rcu_dereference(a->slots[index]);
		if (inner) {
			keys[w->nr] = index;
			ids[w->nr++] = inner->id;
		}
		*last = index++;
	}
	rcu_read_unlock();
	return 0;
}

static int array_of_maps_check(const struct bpfmap_create_attr *attr)
{
	if (attr->value_size != sizeof(u32) || attr->key_size != sizeof(u32) ||
	    !attr->max_entries)
		return -EINVAL;
	return bpfmap_check_create_flags(attr, BPFMAP_ARRAY_OF_MAPS_FLAGS);
}

static void array_of_maps_free(struct bpfmap *map)
{
	struct bpfmap_array_of_maps *a = to_array_of_maps(map);
	struct bpfmap *inner;
	u32 index;

	for (index = 0; index < map->max_entries; index++) {
		/* No references, hence no readers and no writers */
		inner = unrcu_pointer(a->slots[index]);
		if (inner)
			bpfmap_put(inner);
		cond_resched();
	}
	kvfree(a->slots);
	kfree(a);
}

static struct bpfmap *array_of_maps_alloc(const struct bpfmap_create_attr *attr)
{
	struct bpfmap_array_of_maps *a =
		kzalloc(sizeof(*a), GFP_KERNEL_ACCOUNT);

	if (!a)
		return ERR_PTR(-ENOMEM);
	bpfmap_init_map(&a->map, attr);
	a->slots = bpfmap_area_alloc((u64)attr->max_entries * sizeof(*a->slots),
				     a->map.numa_node, GFP_KERNEL | __GFP_ZERO);
	if (!a->slots) {
		kfree(a);
		return ERR_PTR(-ENOMEM);
	}
	return &a->map;
}

static u64 array_of_maps_mem_usage(const struct bpfmap *map)
{
	struct bpfmap_array_of_maps *a = to_array_of_maps(map);

	return sizeof(*a) + (u64)map->max_entries * sizeof(*a->slots);
}

static struct bpfmap *htab_of_maps_lookup_inner(struct bpfmap *map,
						const void *key)
{
	struct bpfmap *inner;

	return htab_lookup(map, key, &inner, 0) ? NULL : inner;
}

static int htab_of_maps_lookup(struct bpfmap *map, const void *key, void *value,
			       u64 flags)
{
	int err;

	rcu_read_lock();
	err = inner_copy_id(htab_of_maps_lookup_inner(map, key), value);
	rcu_read_unlock();
	return err;
}

static int htab_of_maps_set_inner(struct bpfmap *map, const void *key,
				  struct bpfmap *inner, u64 flags, gfp_t gfp)
{
	struct bpfmap *old = NULL;
	int err;

	if (!bpfmap_update_flags_ok(flags, false))
		return -EINVAL;
	err = htab_exchange(map, key, &inner, flags, gfp, &old);
	if (old)
		bpfmap_put(old);
	return err;
}

static int htab_of_maps_delete(struct bpfmap *map, const void *key)
{
	struct bpfmap *inner;
	int err = htab_lookup_and_delete(map, key, &inner);

	if (!err)
		bpfmap_put(inner);
	return err;
}

/**
 * struct htab_of_maps_walk - a walk over a hash of maps
 * @walk: the walk
 * @removed: maps whose references the walk owns, if it removes
 */
struct htab_of_maps_walk {
	struct bpfmap_walk walk;
	struct bpfmap **removed;
};

/* The bucket is locked or the element is the caller's: it has a reference */
static void htab_of_maps_take(struct bpfmap_walk *w, u32 place,
			      const void *value)
{
	struct bpfmap *inner = *(struct bpfmap *const *)value;
	u32 *ids = w->values;

	ids[place] = inner->id;
	if (w->remove)
		container_of(w, struct htab_of_maps_walk, walk)->removed[place] =
			inner;
}

static int htab_of_maps_walk(struct bpfmap *map, struct bpfmap_walk *w)
{
	struct htab_of_maps_walk outer = { .walk = *w };
	int err;
	u32 i;

	w->nr = 0;
	if (w->remove) {
		outer.removed =
			kvmalloc_array(w->room, sizeof(*outer.removed),
				       GFP_KERNEL_ACCOUNT | __GFP_NOWARN);
		if (!outer.removed)
			return -ENOMEM;
	}
	outer.walk.take = htab_of_maps_take;
	err = htab_walk(map, &outer.walk);
	w->pos = outer.walk.pos;
	w->nr = outer.walk.nr;
	w->need = outer.walk.need;

	for (i = 0; w->remove && i < w->nr; i++)
		bpfmap_put(outer.removed[i]);
	kvfree(outer.removed);
	return err;
}

static int htab_of_maps_check(const struct bpfmap_create_attr *attr)
{
	if (attr->value_size != sizeof(u32))
		return -EINVAL;
	return htab_check_flags(attr, BPFMAP_HASH_OF_MAPS_FLAGS) ?:
		       htab_check_sizes(attr);
}

static void htab_of_maps_free(struct bpfmap *map)
{
	struct bpfmap_htab *h = to_htab(map);
	struct bpfmap_htab_elem *e;
	u32 bucket, link;

	for (bucket = 0; bucket <= h->mask; bucket++) {
		for (link = h->heads[bucket]; !(link & HTAB_END);
		     link = e->next) {
			e = htab_elem(h, link);
			bpfmap_put(*(struct bpfmap **)htab_value(h, e));
			cond_resched();
		}
		cond_resched();
	}
	htab_free(map);
}

struct bpfmap_ops bpfmap_array_of_maps_ops __ro_after_init = {
	.sync_writes = true,
	.check = array_of_maps_check,
	.alloc = array_of_maps_alloc,
	.free = array_of_maps_free,
	.lookup = array_of_maps_lookup,
	.update = array_of_maps_update,
	.delete = array_of_maps_delete,
	.set_inner = array_of_maps_set_inner,
	.lookup_inner = array_of_maps_lookup_inner,
	.get_next_key = array_get_next_key,
	.walk = array_of_maps_walk,
	.batch = &bpfmap_batch_by_index,
	.mem_usage = array_of_maps_mem_usage,
};

struct bpfmap_ops bpfmap_hash_of_maps_ops __ro_after_init = {
	.sync_writes = true,
	.check = htab_of_maps_check,
	.alloc = htab_alloc,
	.free = htab_of_maps_free,
	.lookup = htab_of_maps_lookup,
	.update = outer_update,
	.delete = htab_of_maps_delete,
	.set_inner = htab_of_maps_set_inner,
	.lookup_inner = htab_of_maps_lookup_inner,
	.get_next_key = htab_get_next_key,
	.walk = htab_of_maps_walk,
	.batch = &bpfmap_batch_by_bucket,
	.mem_usage = htab_mem_usage,
};
