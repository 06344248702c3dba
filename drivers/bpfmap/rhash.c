// SPDX-License-Identifier: GPL-2.0-only
/*
 * Hash tables that grow and shrink, on the kernel's rhashtable
 *
 * Elements are in two places: in the rhashtable, which finds them, and in the
 * list of their stripe, which is what a walk follows. What a walk sees thus does
 * not depend on whether the table is being resized: an element that stays is
 * seen once.
 *
 * The hash of a key is computed once and kept. It chooses the stripe, and is
 * mixed with the seed of each table that rhashtable makes.
 *
 * The rhashtable's own bucket locks decide who inserts and who removes. All else
 * about an element is written under the lock of its stripe:
 *
 *	insert:	rhashtable, then the list unless somebody has removed it meanwhile
 *	remove:	rhashtable, then mark it dead and take it off the list
 *	update:	in place; one that finds the element dead starts again, and will
 *		not find it again
 *
 * Values of a word are loaded and stored as such. For larger ones each element
 * has a sequence count, as in hash.c. Elements are freed after a grace period.
 *
 * Tables are allocated by rhashtable, for nobody's memory cgroup.
 */
#include <linux/jhash.h>
#include <linux/log2.h>
#include <linux/random.h>
#include <linux/rculist.h>
#include <linux/rhashtable.h>
#include <linux/sched.h>
#include <linux/slab.h>

#include "batch.h"
#include "internal.h"
#include "value.h"

/* bpf(2)'s limit; its elements have a header of 48 bytes */
#define RHASH_MAX_ELEM	((4U << 20) - 48)

#define RHASH_FLAGS (BPFMAP_F_NO_PREALLOC | BPFMAP_F_NUMA_NODE |	\
		     BPFMAP_F_RDONLY | BPFMAP_F_WRONLY |		\
		     BPFMAP_F_RDONLY_PROG | BPFMAP_F_WRONLY_PROG)

/* Attempts without a lock, before a reader that writers outrun takes it */
#define RHASH_TRIES	16

#define RHASH_MAX_STRIPES	1024U

/* Bits of rhash_elem.seq; what is above them counts */
#define RHASH_BUSY	1U	/* the value is being written */
#define RHASH_DEAD	2U	/* removed */
#define RHASH_STEP	4U

/**
 * struct rhash_elem - an element
 * @node: for the rhashtable
 * @list: in its stripe's list; linked to itself until it is there
 * @rcu: for freeing
 * @hash: of the key, constant as the key is
 * @seq: written, as are @list and the value, under the stripe's lock
 * @key: the key, and from the next multiple of 8 the value
 */
struct rhash_elem {
	struct rhash_head node;
	struct list_head list;
	struct rcu_head rcu;
	u32 hash;
	u32 seq;
	u8 key[] __aligned(8);
};

/**
 * struct rhash_stripe - elements that share a lock
 * @lock: protects the list and what is in the elements; irqs off
 * @elems: those of this stripe, the oldest first; walked under RCU
 */
struct rhash_stripe {
	raw_spinlock_t lock;
	struct list_head elems;
} ____cacheline_aligned_in_smp;

/**
 * struct bpfmap_rhash - a table; constant but for @ht and @nr
 * @map: the common part
 * @ht: finds elements by their key
 * @stripes: lists and locks
 * @stripe_mask: stripes - 1
 * @seed: of the hash function
 * @value_off: from an element to its value
 * @elem_size: bytes of an element
 * @nr: elements, with those that are about to be inserted
 */
struct bpfmap_rhash {
	struct bpfmap map;
	struct rhashtable ht;
	struct rhash_stripe *stripes;
	u32 stripe_mask;
	u32 seed;
	u32 value_off;
	u32 elem_size;
	atomic_t nr ____cacheline_aligned_in_smp;
};

/* What rhashtable takes for a key */
struct rhash_key {
	const void *key;
	u32 size;
	u32 hash;
};

static struct bpfmap_rhash *to_rhash(const struct bpfmap *map)
{
	return container_of(map, struct bpfmap_rhash, map);
}

static void *rhash_value(const struct bpfmap_rhash *h,
			 const struct rhash_elem *e)
{
	return (void *)e + h->value_off;
}

static struct rhash_stripe *rhash_stripe(const struct bpfmap_rhash *h,
					 const struct rhash_elem *e)
{
	return &h->stripes[e->hash & h->stripe_mask];
}

/* The hash is good; what shares a chain must not do so with each seed */
static __always_inline u32 rhash_mix(u32 hash, u32 seed)
{
	hash = (hash ^ seed) * 0x9e3779b1;
	return hash ^ (hash >> 15);
}

static __always_inline u32 rhash_hash_key(const void *data, u32 len, u32 seed)
{
	const struct rhash_key *k = data;

	return rhash_mix(k->hash, seed);
}

static __always_inline u32 rhash_hash_elem(const void *data, u32 len, u32 seed)
{
	const struct rhash_elem *e = data;

	return rhash_mix(e->hash, seed);
}

static __always_inline int rhash_compare(struct rhashtable_compare_arg *arg,
					 const void *obj)
{
	const struct rhash_key *k = arg->key;
	const struct rhash_elem *e = obj;

	return e->hash != k->hash || memcmp(e->key, k->key, k->size);
}

static const struct rhashtable_params rhash_params = {
	.key_len = sizeof(struct rhash_key),
	.head_offset = offsetof(struct rhash_elem, node),
	.hashfn = rhash_hash_key,
	.obj_hashfn = rhash_hash_elem,
	.obj_cmpfn = rhash_compare,
	.automatic_shrinking = true,
};

static struct rhash_key rhash_key(const struct bpfmap_rhash *h, const void *key)
{
	u32 size = h->map.key_size;

	return (struct rhash_key) {
		.key = key,
		.size = size,
		.hash = likely(!(size & 3)) ? jhash2(key, size / 4, h->seed) :
					      jhash(key, size, h->seed),
	};
}

/* Caller is in an RCU read-side critical section */
static __always_inline struct rhash_elem *
rhash_find(struct bpfmap_rhash *h, const struct rhash_key *k)
{
	return rhashtable_lookup(&h->ht, k, rhash_params);
}

static void *rhash_lookup_elem(struct bpfmap *map, const void *key)
{
	struct bpfmap_rhash *h = to_rhash(map);
	struct rhash_key k = rhash_key(h, key);
	struct rhash_elem *e;

	/* The caller's may be of another flavour, which rhashtable does not know */
	rcu_read_lock();
	e = rhash_find(h, &k);
	rcu_read_unlock();
	return e ? rhash_value(h, e) : NULL;
}

static bool rhash_is_dead(const struct rhash_elem *e)
{
	return READ_ONCE(e->seq) & RHASH_DEAD;
}

/* Copy the value out, whole. False: a writer came in between, or it is dead */
static bool rhash_try_read(const struct bpfmap_rhash *h,
			   const struct rhash_elem *e, void *value)
{
	u32 seq, size = h->map.value_size;

	/* A word is whole, and of a dead element the last one it had */
	if (bpfmap_value_is_word(size)) {
		bpfmap_value_load(value, rhash_value(h, e), size);
		return true;
	}
	/* Pairs with smp_store_release() in rhash_write() */
	seq = smp_load_acquire(&e->seq);
	if (seq & (RHASH_BUSY | RHASH_DEAD))
		return false;
	bpfmap_value_load(value, rhash_value(h, e), size);
	/* Pairs with smp_wmb() in rhash_write() */
	smp_rmb();
	return READ_ONCE(e->seq) == seq;
}

/* False: it is dead */
static bool rhash_read(const struct bpfmap_rhash *h, const struct rhash_elem *e,
		       void *value)
{
	struct rhash_stripe *stripe = rhash_stripe(h, e);
	unsigned long flags;
	int tries;
	bool dead;

	for (tries = 0; tries < RHASH_TRIES; tries++) {
		if (likely(rhash_try_read(h, e, value)))
			return true;
		if (rhash_is_dead(e))
			return false;
		cpu_relax();
	}
	raw_spin_lock_irqsave(&stripe->lock, flags);
	dead = rhash_is_dead(e);
	if (!dead)
		bpfmap_value_load(value, rhash_value(h, e), h->map.value_size);
	raw_spin_unlock_irqrestore(&stripe->lock, flags);
	return !dead;
}

static int rhash_lookup(struct bpfmap *map, const void *key, void *value,
			u64 flags)
{
	struct bpfmap_rhash *h = to_rhash(map);
	struct rhash_key k = rhash_key(h, key);
	struct rhash_elem *e;

	rcu_read_lock();
	do {
		e = rhash_find(h, &k);
	} while (e && !rhash_read(h, e, value));
	rcu_read_unlock();
	return e ? 0 : -ENOENT;
}

/* Overwrite the value. -EAGAIN: the element is dead */
static int rhash_write(struct bpfmap_rhash *h, struct rhash_elem *e,
		       const void *value)
{
	struct rhash_stripe *stripe = rhash_stripe(h, e);
	u32 size = h->map.value_size;
	unsigned long flags;
	int err = 0;

	raw_spin_lock_irqsave(&stripe->lock, flags);
	if (rhash_is_dead(e)) {
		err = -EAGAIN;
	} else if (bpfmap_value_is_word(size)) {
		bpfmap_value_store(rhash_value(h, e), value, size);
	} else {
		WRITE_ONCE(e->seq, e->seq | RHASH_BUSY);
		/* Pairs with smp_rmb() in rhash_try_read() */
		smp_wmb();
		bpfmap_value_store(rhash_value(h, e), value, size);
		/* Pairs with smp_load_acquire() in rhash_try_read() */
		smp_store_release(&e->seq, (e->seq & ~RHASH_BUSY) + RHASH_STEP);
	}
	raw_spin_unlock_irqrestore(&stripe->lock, flags);
	return err;
}

static int rhash_replace(struct bpfmap_rhash *h, const struct rhash_key *k,
			 const void *value, u64 flags)
{
	struct rhash_elem *e;
	int err;

	rcu_read_lock();
	do {
		e = rhash_find(h, k);
		if (!e)
			err = -ENOENT;
		else if (flags == BPFMAP_F_NOEXIST)
			err = -EEXIST;
		else
			err = rhash_write(h, e, value);
	} while (err == -EAGAIN);
	rcu_read_unlock();
	return err;
}

static struct rhash_elem *rhash_elem_new(const struct bpfmap_rhash *h,
					 const struct rhash_key *k,
					 const void *value, gfp_t gfp)
{
	struct mem_cgroup *old = bpfmap_charge_begin(&h->map);
	struct rhash_elem *e;

	e = bpfmap_area_alloc(h->elem_size, h->map.numa_node, gfp);
	bpfmap_charge_end(old);
	if (!e)
		return NULL;
	INIT_LIST_HEAD(&e->list);
	e->hash = k->hash;
	e->seq = 0;
	memcpy(e->key, k->key, k->size);
	memcpy(rhash_value(h, e), value, h->map.value_size);
	return e;
}

/* Caller has been in RCU since before it was in the table: it may be dead */
static void rhash_list_add(struct bpfmap_rhash *h, struct rhash_elem *e)
{
	struct rhash_stripe *stripe = rhash_stripe(h, e);
	unsigned long flags;

	raw_spin_lock_irqsave(&stripe->lock, flags);
	if (!rhash_is_dead(e))
		list_add_tail_rcu(&e->list, &stripe->elems);
	raw_spin_unlock_irqrestore(&stripe->lock, flags);
}

/* -EEXIST: somebody was faster */
static int rhash_insert(struct bpfmap_rhash *h, const struct rhash_key *k,
			const void *value, gfp_t gfp)
{
	struct rhash_elem *e, *old = ERR_PTR(-ENOMEM);

	if (!bpfmap_rht_may_write())
		return -EOPNOTSUPP;
	if (!atomic_add_unless(&h->nr, 1, h->map.max_entries))
		return -E2BIG;

	e = rhash_elem_new(h, k, value, gfp);
	if (e) {
		rcu_read_lock();
		/* data_race: rhashtable reads buckets others try to lock */
		old = data_race(rhashtable_lookup_get_insert_key(&h->ht, k,
								 &e->node,
								 rhash_params));
		if (!old)
			rhash_list_add(h, e);
		rcu_read_unlock();
	}
	if (!old)
		return 0;
	/* Nobody knows it */
	kvfree(e);
	atomic_dec(&h->nr);
	return IS_ERR(old) ? PTR_ERR(old) : -EEXIST;
}

static int rhash_update(struct bpfmap *map, const void *key, const void *value,
			u64 flags, gfp_t gfp)
{
	struct bpfmap_rhash *h = to_rhash(map);
	struct rhash_key k;
	int err;

	if (flags > BPFMAP_F_EXIST)
		return -EINVAL;

	k = rhash_key(h, key);
	do {
		err = rhash_replace(h, &k, value, flags);
		if (err != -ENOENT || flags == BPFMAP_F_EXIST)
			return err;
		err = rhash_insert(h, &k, value, gfp);
	} while (err == -EEXIST && flags != BPFMAP_F_NOEXIST);
	return err;
}

/* Remove an element, and copy its last value. False: it was removed already */
static bool rhash_take(struct bpfmap_rhash *h, struct rhash_elem *e,
		       void *value)
{
	struct rhash_stripe *stripe = rhash_stripe(h, e);
	unsigned long flags;

	/* data_race: rhashtable reads buckets others try to lock */
	if (data_race(rhashtable_remove_fast(&h->ht, &e->node, rhash_params)))
		return false;

	raw_spin_lock_irqsave(&stripe->lock, flags);
	WRITE_ONCE(e->seq, e->seq | RHASH_DEAD);
	if (value)
		bpfmap_value_load(value, rhash_value(h, e), h->map.value_size);
	/* Else rhash_list_add() will see that it need not */
	if (!list_empty(&e->list))
		list_del_rcu(&e->list);
	raw_spin_unlock_irqrestore(&stripe->lock, flags);

	atomic_dec(&h->nr);
	kvfree_rcu(e, rcu);
	return true;
}

static int rhash_remove(struct bpfmap *map, const void *key, void *value)
{
	struct bpfmap_rhash *h = to_rhash(map);
	struct rhash_key k = rhash_key(h, key);
	struct rhash_elem *e;
	bool taken;

	if (!bpfmap_rht_may_write())
		return -EOPNOTSUPP;
	rcu_read_lock();
	e = rhash_find(h, &k);
	taken = e && rhash_take(h, e, value);
	rcu_read_unlock();
	return taken ? 0 : -ENOENT;
}

static int rhash_delete(struct bpfmap *map, const void *key)
{
	return rhash_remove(map, key, NULL);
}

/* First element of @stripe and those behind it */
static struct rhash_elem *rhash_first(const struct bpfmap_rhash *h, u32 stripe)
{
	struct rhash_elem *e;

	for (; stripe <= h->stripe_mask; stripe++) {
		list_for_each_entry_rcu(e, &h->stripes[stripe].elems, list)
			if (!rhash_is_dead(e))
				return e;
	}
	return NULL;
}

/* The element after @e in its stripe, whether or not @e is still there */
static struct rhash_elem *rhash_next_in_stripe(const struct bpfmap_rhash *h,
					       struct rhash_elem *e)
{
	struct list_head *elems = &rhash_stripe(h, e)->elems;
	struct rhash_elem *next;

	do {
		next = list_next_or_null_rcu(elems, &e->list, struct rhash_elem,
					     list);
		/* Not in the list yet: it will be the last one */
		if (!next || next == e)
			return NULL;
		e = next;
	} while (rhash_is_dead(e));
	return e;
}

static struct rhash_elem *rhash_next(const struct bpfmap_rhash *h,
				     struct rhash_elem *e)
{
	struct rhash_elem *next = rhash_next_in_stripe(h, e);

	return next ?: rhash_first(h, (e->hash & h->stripe_mask) + 1);
}

static int rhash_get_next_key(struct bpfmap *map, const void *key,
			      void *next_key)
{
	struct bpfmap_rhash *h = to_rhash(map);
	struct rhash_elem *e = NULL;
	struct rhash_key k;

	rcu_read_lock();
	if (key) {
		k = rhash_key(h, key);
		e = rhash_find(h, &k);
	}
	e = e ? rhash_next(h, e) : rhash_first(h, 0);
	if (e)
		memcpy(next_key, e->key, map->key_size);
	rcu_read_unlock();
	return e ? 0 : -ENOENT;
}

static long rhash_for_each(struct bpfmap *map, bpfmap_each_fn fn, void *ctx)
{
	struct bpfmap_rhash *h = to_rhash(map);
	long nr = 0, stop = 0;
	struct rhash_elem *e;
	u32 stripe;

	for (stripe = 0; stripe <= h->stripe_mask && !stop; stripe++) {
		rcu_read_lock();
		list_for_each_entry_rcu(e, &h->stripes[stripe].elems, list) {
			if (rhash_is_dead(e))
				continue;
			stop = fn(map, e->key, rhash_value(h, e), ctx);
			nr++;
			if (stop)
				break;
		}
		rcu_read_unlock();
	}
	return nr;
}

/**
 * rhash_walk_from() - copy, and remove, elements in the order of a walk
 * @map: the map
 * @w: what, and where to
 * @from: key of the first element to copy, or NULL
 * @next: out: key of the first element not copied; may be @from
 *
 * Return: 0, -ENOENT if no element is left, -EAGAIN if there is no @from.
 */
static int rhash_walk_from(struct bpfmap *map, struct bpfmap_walk *w,
			   const void *from, void *next)
{
	struct bpfmap_rhash *h = to_rhash(map);
	struct rhash_elem *e;
	struct rhash_key k;

	w->nr = 0;
	rcu_read_lock();
	if (from) {
		k = rhash_key(h, from);
		e = rhash_find(h, &k);
		if (!e) {
			rcu_read_unlock();
			return -EAGAIN;
		}
	} else {
		e = rhash_first(h, 0);
	}

	for (; e && w->nr < w->room; e = rhash_next(h, e)) {
		void *value = w->values + (size_t)w->nr * map->value_size;

		/* Somebody else took it: then it is not ours to deliver */
		if (w->remove ? !rhash_take(h, e, value) :
				!rhash_read(h, e, value))
			continue;
		memcpy(w->keys + (size_t)w->nr * map->key_size, e->key,
		       map->key_size);
		w->nr++;
	}
	if (e)
		memcpy(next, e->key, map->key_size);
	rcu_read_unlock();
	return e ? 0 : -ENOENT;
}

static int rhash_check(const struct bpfmap_create_attr *attr)
{
	if (!(attr->map_flags & BPFMAP_F_NO_PREALLOC) ||
	    attr->map_flags & BPFMAP_F_ZERO_SEED)
		return -EINVAL;
	if (attr->key_size > U16_MAX)
		return -E2BIG;
	if (attr->map_extra > U32_MAX)
		return -EINVAL;
	if (attr->map_extra > U16_MAX)
		return -E2BIG;
	if (attr->map_extra > attr->max_entries ||
	    bpfmap_check_create_flags(attr, RHASH_FLAGS))
		return -EINVAL;
	if (!attr->max_entries || !attr->key_size || !attr->value_size)
		return -EINVAL;
	if ((u64)attr->key_size + attr->value_size >= RHASH_MAX_ELEM)
		return -E2BIG;
	return 0;
}

/* A few for each CPU that can be in here, each in its own cache line */
static int rhash_alloc_stripes(struct bpfmap_rhash *h)
{
	u32 i, nr = min_t(u64, roundup_pow_of_two((u64)h->map.max_entries),
			  16 * roundup_pow_of_two(num_possible_cpus()));

	nr = min(nr, RHASH_MAX_STRIPES);
	h->stripes = bpfmap_area_alloc((u64)nr * sizeof(*h->stripes),
				       h->map.numa_node, GFP_KERNEL);
	if (!h->stripes)
		return -ENOMEM;
	h->stripe_mask = nr - 1;
	for (i = 0; i < nr; i++) {
		raw_spin_lock_init(&h->stripes[i].lock);
		INIT_LIST_HEAD(&h->stripes[i].elems);
	}
	return 0;
}

static struct bpfmap *rhash_alloc(const struct bpfmap_create_attr *attr)
{
	struct rhashtable_params params = rhash_params;
	struct bpfmap_rhash *h;
	int err;

	if (attr->max_entries > 1U << 31)
		return ERR_PTR(-E2BIG);

	h = kzalloc(sizeof(*h), GFP_KERNEL_ACCOUNT);
	if (!h)
		return ERR_PTR(-ENOMEM);
	bpfmap_init_map(&h->map, attr);
	h->seed = get_random_u32();
	h->value_off = offsetof(struct rhash_elem, key) +
		       round_up(attr->key_size, 8);
	h->elem_size = h->value_off + round_up(attr->value_size, 8);

	err = rhash_alloc_stripes(h);
	if (!err) {
		params.nelem_hint = attr->map_extra;
		err = rhashtable_init(&h->ht, &params);
	}
	if (err) {
		kvfree(h->stripes);
		kfree(h);
		return ERR_PTR(err);
	}
	return &h->map;
}

static void rhash_free(struct bpfmap *map)
{
	struct bpfmap_rhash *h = to_rhash(map);
	struct rhash_elem *e, *next;
	u32 stripe;

	rhashtable_destroy(&h->ht);
	for (stripe = 0; stripe <= h->stripe_mask; stripe++) {
		list_for_each_entry_safe(e, next, &h->stripes[stripe].elems,
					 list) {
			kvfree(e);
			cond_resched();
		}
	}
	kvfree(h->stripes);
	kfree(h);
}

static u64 rhash_mem_usage(const struct bpfmap *map)
{
	struct bpfmap_rhash *h = to_rhash(map);

	return sizeof(*h) + (h->stripe_mask + 1ULL) * sizeof(*h->stripes) +
	       (u64)(u32)atomic_read(&h->nr) * h->elem_size;
}

const struct bpfmap_ops bpfmap_rhash_ops = {
	.map_extra = true,
	.check = rhash_check,
	.alloc = rhash_alloc,
	.free = rhash_free,
	.lookup_elem = rhash_lookup_elem,
	.lookup = rhash_lookup,
	.update = rhash_update,
	.delete = rhash_delete,
	.lookup_and_delete = rhash_remove,
	.get_next_key = rhash_get_next_key,
	.for_each = rhash_for_each,
	.walk_from = rhash_walk_from,
	.lookup_batch = bpfmap_lookup_from_batch,
	.lookup_and_delete_batch = bpfmap_lookup_and_delete_from_batch,
	.update_batch = bpfmap_update_batch,
	.delete_batch = bpfmap_delete_batch,
	.mem_usage = rhash_mem_usage,
};
