// SPDX-License-Identifier: GPL-2.0-only
/*
 * Hash tables, with one value per element or one per CPU
 *
 *	heads[] --> element --> element --> end|bucket
 *
 * Chains are singly linked, newest first, as 32-bit indexes into a pool.
 * Writers hold the stripe lock of the bucket. Readers hold nothing.
 *
 * A removed element can be reused for another key at once, while readers still
 * look at it. Two things protect them:
 *
 * - The end of a chain names its bucket (as in <linux/rculist_nulls.h>). A
 *   reader that was carried into another chain finds a foreign end and starts
 *   again. A reader that was carried to the head of its own chain sees all of
 *   it. So a key that stays in the table is never missed.
 *
 * - A sequence count in the element: odd from before the element is returned to
 *   the pool until key and value of its next use are complete, and while a
 *   value is replaced in place. A reader has copied an untorn value of the
 *   right key if it finds the count even before comparing the key, and
 *   unchanged after copying the value. This is a seqcount_t without its lockdep
 *   map, which would be larger than most elements.
 *
 * A reader that loses to writers HTAB_TRIES times takes the lock.
 *
 * Work under a stripe lock, or with irqs off, is bounded: walking a chain of
 * HTAB_CHAIN_MAX elements, and comparing and copying a key and a value of
 * BPFMAP_ATOMIC_COPY bytes. Anything larger is left to hash_large.c.
 *
 * The memory of elements stays until the map is freed, a grace period after
 * the last put. A copying reader has a reference to the map; without one,
 * rcu_read_lock() keeps the pointer of htab_lookup_elem() valid.
 */
#include "hash_bucket.h"

/* As htab_find(), but also returns an element whose value is being written */
static struct bpfmap_htab_elem *htab_peek(const struct bpfmap_htab *h,
					  const void *key, u32 hash, u32 *seq)
{
	u32 bucket = hash & h->mask;
	u32 link = READ_ONCE(h->heads[bucket]);

	while (!(link & HTAB_END)) {
		struct bpfmap_htab_elem *e = htab_elem(h, link);

		/* Pairs with smp_store_release() in htab_write_end() */
		*seq = smp_load_acquire(&e->seq);
		if (htab_matches(h, e, key, hash))
			return e;
		link = READ_ONCE(e->next);
	}
	return link == (HTAB_END | bucket) ? NULL : ERR_PTR(-EAGAIN);
}

/*
 * Compare large keys first, then take the lock. The element found is still
 * right if it is in the chain and its count is unchanged. Otherwise retry: some
 * other operation has made progress.
 */
static u32 *htab_find_lock_large(const struct bpfmap_htab *h, const void *key,
				 u32 hash, struct bpfmap_htab_elem **elem,
				 unsigned long *irqflags)
	__acquires(htab_lock(h, hash & h->mask))
{
	raw_spinlock_t *lock = htab_lock(h, hash & h->mask);
	u32 seq, *link;

	for (;;) {
		*elem = htab_peek(h, key, hash, &seq);
		raw_spin_lock_irqsave(lock, *irqflags);
		if (!*elem)
			return NULL;
		if (!IS_ERR(*elem)) {
			link = htab_link_to(h, hash & h->mask, *elem);
			if (link && (*elem)->seq == seq)
				return link;
		}
		raw_spin_unlock_irqrestore(lock, *irqflags);
		cpu_relax();
	}
}

/**
 * htab_find_lock() - look for a key and lock its stripe
 * @h: the table
 * @key: the key
 * @hash: of the key
 * @elem: out: the element
 * @irqflags: out: to unlock htab_lock() with raw_spin_unlock_irqrestore()
 *
 * Return: the link to the element, NULL if the key is absent. The stripe is
 * locked in both cases.
 */
u32 *htab_find_lock(const struct bpfmap_htab *h, const void *key, u32 hash,
		    struct bpfmap_htab_elem **elem, unsigned long *irqflags)
	__acquires(htab_lock(h, hash & h->mask))
{
	if (unlikely(bpfmap_key_is_large(&h->map)))
		return htab_find_lock_large(h, key, hash, elem, irqflags);
	raw_spin_lock_irqsave(htab_lock(h, hash & h->mask), *irqflags);
	return __htab_find_link(h, key, hash, elem);
}

/**
 * htab_get_again() - htab_get() after an attempt lost to a writer
 * @h: the table
 * @key: the key
 * @hash: of the key
 *
 * Return: the element, NULL if the key is absent.
 */
struct bpfmap_htab_elem *htab_get_again(const struct bpfmap_htab *h,
					const void *key, u32 hash)
{
	raw_spinlock_t *lock = htab_lock(h, hash & h->mask);
	struct bpfmap_htab_elem *e;
	unsigned long irqflags;
	int tries;
	u32 seq;

	for (tries = 1; tries < HTAB_TRIES; tries++) {
		cpu_relax();
		e = htab_find(h, key, hash, &seq);
		if (!e || (!IS_ERR(e) && htab_unchanged(e, seq)))
			return e;
	}

	if (!htab_find_lock(h, key, hash, &e, &irqflags))
		e = NULL;
	raw_spin_unlock_irqrestore(lock, irqflags);
	return e;
}

static void *htab_lookup_elem(struct bpfmap *map, const void *key)
{
	struct bpfmap_htab *h = to_htab(map);
	struct bpfmap_htab_elem *e = htab_get(h, key, htab_hash(h, key));

	return e ? htab_value(h, e) : NULL;
}

static void *htab_percpu_lookup_elem_cpu(struct bpfmap *map, const void *key,
					 u32 cpu)
{
	struct bpfmap_htab *h = to_htab(map);
	struct bpfmap_htab_elem *e = htab_get(h, key, htab_hash(h, key));

	return e ? htab_slot(map, e, cpu) : NULL;
}

static void *htab_percpu_lookup_elem(struct bpfmap *map, const void *key)
{
	return htab_percpu_lookup_elem_cpu(map, key, raw_smp_processor_id());
}

static int htab_lookup_locked(struct bpfmap_htab *h, const void *key, u32 hash,
			      void *value, u64 flags)
{
	raw_spinlock_t *lock = htab_lock(h, hash & h->mask);
	struct bpfmap_htab_elem *e;
	unsigned long irqflags;
	u32 *link;

	if (bpfmap_copies_large(&h->map, flags))
		return htab_lookup_large(&h->map, key, hash, value, flags);
	link = htab_find_lock(h, key, hash, &e, &irqflags);
	if (link)
		htab_load(h, e, value, flags);
	raw_spin_unlock_irqrestore(lock, irqflags);
	return link ? 0 : -ENOENT;
}

static __always_inline int htab_do_lookup(struct bpfmap_htab *h,
					  const void *key, void *value,
					  u64 flags, bool percpu)
{
	u32 seq, hash = htab_hash(h, key);
	struct bpfmap_htab_elem *e;
	int tries;

	for (tries = 0; tries < HTAB_TRIES; tries++) {
		e = htab_find(h, key, hash, &seq);
		if (!e)
			return -ENOENT;
		if (!IS_ERR(e)) {
			__htab_load(h, e, value, flags, percpu);
			if (likely(htab_unchanged(e, seq)))
				return 0;
		}
		cpu_relax();
	}
	return htab_lookup_locked(h, key, hash, value, flags);
}

/**
 * htab_lookup() - copy the value of a key out
 * @map: the map, not of a per-CPU type
 * @key: the key
 * @value: out: as stored
 * @flags: element flags
 */
int htab_lookup(struct bpfmap *map, const void *key, void *value, u64 flags)
{
	return htab_do_lookup(to_htab(map), key, value, flags, false);
}

/**
 * htab_percpu_lookup() - the same for per-CPU types
 * @map: the map
 * @key: the key
 * @value: out: in the user's layout
 * @flags: element flags
 */
int htab_percpu_lookup(struct bpfmap *map, const void *key, void *value,
		       u64 flags)
{
	return htab_do_lookup(to_htab(map), key, value, flags, true);
}

static __always_inline int htab_do_exchange(struct bpfmap *map, const void *key,
					    const void *value, u64 flags,
					    gfp_t gfp, void *old,
					    const bool percpu)
{
	struct bpfmap_htab *h = to_htab(map);
	raw_spinlock_t *lock;
	unsigned long irqflags;
	u32 hash;
	int err;

	if (unlikely(h->large))
		return htab_upsert_large(map, key, value, flags, gfp, old);
	hash = htab_hash(h, key);
	lock = htab_lock(h, hash & h->mask);
	for (;;) {
		raw_spin_lock_irqsave(lock, irqflags);
		err = htab_upsert(h, key, hash, value, flags, old, percpu);
		raw_spin_unlock_irqrestore(lock, irqflags);
		if (likely(err != -EAGAIN))
			return err;
		err = bpfmap_pool_grow(&h->pool, gfp);
		if (err)
			return err;
	}
}

/**
 * htab_exchange() - insert an element, or replace and return its value
 * @map: the map, not of a per-CPU type
 * @key: the key
 * @value: in its stored form
 * @flags: element flags that the type allows
 * @gfp: for a new element
 * @old: out: the replaced value; untouched if nothing was replaced
 */
int htab_exchange(struct bpfmap *map, const void *key, const void *value,
		  u64 flags, gfp_t gfp, void *old)
{
	return htab_do_exchange(map, key, value, flags, gfp, old, false);
}

static int htab_update(struct bpfmap *map, const void *key, const void *value,
		       u64 flags, gfp_t gfp)
{
	if (unlikely(!bpfmap_update_flags_ok(flags, false)))
		return -EINVAL;
	return htab_do_exchange(map, key, value, flags, gfp, NULL, false);
}

static int htab_percpu_update(struct bpfmap *map, const void *key,
			      const void *value, u64 flags, gfp_t gfp)
{
	if (unlikely(!bpfmap_update_flags_ok(flags, true)))
		return -EINVAL;
	return htab_do_exchange(map, key, value, flags, gfp, NULL, true);
}

/* Remove an element from a locked chain, and free it at once */
static __always_inline void htab_unlink(struct bpfmap_htab *h,
					struct bpfmap_htab_elem *e, u32 *link)
{
	bpfmap_pool_free(&h->pool, htab_cut(h, e, link), &e->pool);
}

/* @value is NULL if the element is only removed */
static __always_inline int htab_remove(struct bpfmap *map, const void *key,
				       void *value)
{
	struct bpfmap_htab *h = to_htab(map);
	struct bpfmap_htab_elem *e;
	unsigned long irqflags;
	raw_spinlock_t *lock;
	u32 hash, *link;

	if (unlikely(h->large))
		return htab_remove_large(map, key, value);
	hash = htab_hash(h, key);
	lock = htab_lock(h, hash & h->mask);
	raw_spin_lock_irqsave(lock, irqflags);
	link = __htab_find_link(h, key, hash, &e);
	if (link) {
		if (value)
			htab_load(h, e, value, 0);
		htab_unlink(h, e, link);
	}
	raw_spin_unlock_irqrestore(lock, irqflags);
	return link ? 0 : -ENOENT;
}

static int htab_delete(struct bpfmap *map, const void *key)
{
	return htab_remove(map, key, NULL);
}

/**
 * htab_lookup_and_delete() - remove an element and return its value
 * @map: the map
 * @key: the key
 * @value: out: as stored
 */
int htab_lookup_and_delete(struct bpfmap *map, const void *key, void *value)
{
	return htab_remove(map, key, value);
}

static int htab_check(const struct bpfmap_create_attr *attr)
{
	return htab_check_flags(attr, BPFMAP_HASH_FLAGS) ?:
							   htab_check_sizes(attr);
}

static int htab_percpu_check(const struct bpfmap_create_attr *attr)
{
	int err = htab_check_flags(attr, BPFMAP_PERCPU_HASH_FLAGS);

	if (err)
		return err;
	if (attr->map_flags & BPFMAP_F_NUMA_NODE &&
	    attr->numa_node != NUMA_NO_NODE)
		return -EINVAL;
	return htab_check_sizes(attr);
}

struct bpfmap_ops bpfmap_hash_ops __ro_after_init = {
	.check = htab_check,
	.alloc = htab_alloc,
	.free = htab_free,
	.lookup_elem = htab_lookup_elem,
	.lookup = htab_lookup,
	.lookup_many = htab_lookup_many,
	.lookup_elems = htab_lookup_elems,
	.update = htab_update,
	.delete = htab_delete,
	.lookup_and_delete = htab_lookup_and_delete,
	.get_next_key = htab_get_next_key,
	.for_each = htab_for_each,
	.walk = htab_walk,
	.walk_direct = true,
	.update_run = htab_update_run,
	.delete_run = htab_delete_run,
	.batch = &bpfmap_batch_by_bucket,
	.view_page = htab_view_page,
	.mem_usage = htab_mem_usage,
};

struct bpfmap_ops bpfmap_percpu_hash_ops __ro_after_init = {
	.percpu = true,
	.check = htab_percpu_check,
	.alloc = htab_alloc,
	.free = htab_free,
	.lookup_elem = htab_percpu_lookup_elem,
	.lookup_percpu_elem = htab_percpu_lookup_elem_cpu,
	.lookup = htab_percpu_lookup,
	.lookup_many = htab_percpu_lookup_many,
	.update = htab_percpu_update,
	.delete = htab_delete,
	.lookup_and_delete = htab_lookup_and_delete,
	.get_next_key = htab_get_next_key,
	.for_each = htab_for_each,
	.walk = htab_walk,
	.walk_direct = true,
	.update_run = htab_percpu_update_run,
	.delete_run = htab_delete_run,
	.batch = &bpfmap_batch_by_bucket,
	.mem_usage = htab_percpu_mem_usage,
};
