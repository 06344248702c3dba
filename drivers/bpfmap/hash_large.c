// SPDX-License-Identifier: GPL-2.0-only
/*
 * Keys, values and buckets of a hash table that are too large to be compared or
 * copied at once with a lock held: more than BPFMAP_ATOMIC_COPY bytes
 *
 * Only user space writes large values, and elements with large keys, and it
 * holds the map's mutex. (api.c refuses them to modules, except the value of
 * one CPU.) So under the mutex the content of such elements does not change,
 * not even of one that is removed, which needs no mutex: nobody can reuse it.
 * The stripe lock is held only to find, link and cut elements:
 *
 *	new key		an element is filled in before it is linked
 *	new value	written in place between two sections with the lock,
 *			@seq odd
 *	... all CPUs'	written to the spare values, which are swapped in with
 *			the lock held
 *	look-up		without a lock; with the mutex if it keeps losing
 *	removal		cut; then the value is copied and the element freed
 *
 * A removing walk cuts a bucket first and copies it afterwards. A walk that
 * only copies notes the indexes of the bucket's elements. If they are large,
 * the mutex protects them. If not, writers do not take the mutex, but
 * htab_save() makes each of them copy an element to the walk before changing
 * it. So the walk gets a snapshot of the time when it noted the bucket.
 *
 * One case remains: large values of all CPUs under keys that are not large. One
 * CPU's value can be written at any time, and elements can be reused. They are
 * copied CPU by CPU without tearing, under the mutex against updates of all
 * CPUs; if one is removed meanwhile, the copy starts again.
 */
#include <linux/sched.h>

#include "hash_bucket.h"

/**
 * struct large_upsert - an update in progress
 * @key: the key
 * @value: in its stored form
 * @flags: element flags
 * @gfp: for a new element
 * @hash: of the key
 * @owner_cpu: owner of the element taken for it, in maps that evict
 * @old: out: the replaced value, if not NULL
 */
struct large_upsert {
	const void *key;
	const void *value;
	u64 flags;
	gfp_t gfp;
	u32 hash;
	u32 owner_cpu;
	void *old;
};

/* Is the mutex needed? Not for the value of one CPU */
static bool large_needs_mutex(const struct bpfmap *map, u64 flags)
{
	return bpfmap_copies_large(map, flags) || bpfmap_key_is_large(map);
}

/**
 * htab_percpu_load_large() - htab_load() of the values of all CPUs
 * @h: the table
 * @e: the element
 * @value: out: in the user's layout
 *
 * Context: Sleeps.
 */
void htab_percpu_load_large(const struct bpfmap_htab *h,
			    const struct bpfmap_htab_elem *e, void *value)
{
	unsigned int cpu;

	bpfmap_each_cpu(cpu) {
		value = bpfmap_slot_load(&h->map, value,
					 htab_slot(&h->map, e, cpu));
		cond_resched();
	}
}

/* Copy a user's value for all CPUs, or one for each, to the spare values */
static void large_fill_spare(struct bpfmap_htab *h, const void *value,
			     u64 flags)
{
	unsigned int cpu;

	lockdep_assert_held(&h->mutex);

	bpfmap_each_cpu(cpu) {
		bpfmap_value_store(per_cpu_ptr(h->spare, cpu), value,
				   h->map.value_size);
		if (!(flags & BPFMAP_F_ALL_CPUS))
			value += bpfmap_value_stride(&h->map);
		cond_resched();
	}
}

/* Either the element is locked and its @seq odd, or the caller owns it */
static void large_swap(struct bpfmap_htab *h, struct bpfmap_htab_elem *e)
{
	void __percpu **values = htab_value(h, e);
	void __percpu *old = *values;

	lockdep_assert_held(&h->mutex);

	WRITE_ONCE(*values, h->spare);
	h->spare = old;
}

/* The lock of @e is held, but is dropped to copy a large value in place */
static void large_replace(struct bpfmap_htab *h, const struct large_upsert *up,
			  struct bpfmap_htab_elem *e, unsigned long *irqflags)
	__must_hold(htab_lock(h, up->hash & h->mask))
{
	raw_spinlock_t *lock = htab_lock(h, up->hash & h->mask);
	bool percpu = h->map.ops->percpu;
	u32 seq;

	if (up->old)
		htab_load(h, e, up->old, 0);
	if (!bpfmap_copies_large(&h->map, up->flags)) {
		htab_replace(h, e, up->value, up->flags, percpu);
		return;
	}
	htab_write_begin(e);
	if (percpu) {
		large_swap(h, e);
		htab_write_end(e);
		return;
	}
	seq = e->seq;
	raw_spin_unlock_irqrestore(lock, *irqflags);
	htab_store(h, e, up->value, up->flags, false, false);
	raw_spin_lock_irqsave(lock, *irqflags);
	/* If it was removed meanwhile, @seq must stay odd */
	if (e->seq == seq)
		htab_write_end(e);
}

/* -EAGAIN: nothing changed; the key is absent and must be inserted */
static int large_update(struct bpfmap_htab *h, const struct large_upsert *up)
{
	raw_spinlock_t *lock = htab_lock(h, up->hash & h->mask);
	u64 mode = bpfmap_update_mode(up->flags);
	struct bpfmap_htab_elem *e;
	unsigned long irqflags;
	int err = 0;

	if (!htab_find_lock(h, up->key, up->hash, &e, &irqflags)) {
		err = mode == BPFMAP_F_EXIST ? -ENOENT : -EAGAIN;
	} else if (mode == BPFMAP_F_NOEXIST) {
		err = -EEXIST;
	} else {
		large_replace(h, up, e, &irqflags);
		if (h->lru)
			bpfmap_lru_set_ref(h->lru, e);
	}
	raw_spin_unlock_irqrestore(lock, irqflags);
	return err;
}

/* Index of a free or evicted element; -EAGAIN: the pool must grow */
static s64 large_take(struct bpfmap_htab *h, struct large_upsert *up)
{
	u32 group = (up->hash & h->mask) >> h->stripe_shift;
	unsigned long irqflags;
	s64 index;
	int tries;

	if (!h->lru) {
		local_irq_save(irqflags);
		index = bpfmap_pool_take(&h->pool);
		local_irq_restore(irqflags);
		return index;
	}
	for (tries = 0; tries < HTAB_TRIES; tries++) {
		local_irq_save(irqflags);
		up->owner_cpu = bpfmap_lru_owner_cpu(h->lru);
		index = htab_lru_take_unlocked(h, group);
		local_irq_restore(irqflags);
		if (index == BPFMAP_POOL_NONE)
			continue;
		/* Where to return the element if it is not needed */
		bpfmap_lru_node(h->lru, htab_elem(h, index))->owner_cpu =
			up->owner_cpu;
		return index;
	}
	return -ENOMEM;
}

/**
 * htab_free_elem() - free an element that is in no chain and in no LRU list
 * @h: the table
 * @index: of the element
 *
 * Context: Any; no lock is held, or the stripe's.
 */
void htab_free_elem(struct bpfmap_htab *h, u32 index)
{
	struct bpfmap_htab_elem *e = htab_elem(h, index);
	unsigned long irqflags;

	local_irq_save(irqflags);
	if (h->lru)
		bpfmap_lru_free(h->lru, index, e);
	else
		bpfmap_pool_free(&h->pool, index, &e->pool);
	local_irq_restore(irqflags);
}

/* No lock is held: the caller owns the element */
static void large_fill(struct bpfmap_htab *h, const struct large_upsert *up,
		       struct bpfmap_htab_elem *e)
{
	bool percpu = h->map.ops->percpu;

	if (!percpu || !bpfmap_copies_large(&h->map, up->flags)) {
		htab_fill(h, e, up->key, up->hash, up->value, up->flags,
			  percpu);
		return;
	}
	WRITE_ONCE(e->hash, up->hash);
	bpfmap_value_store(e->key, up->key, h->map.key_size);
	large_swap(h, e);
}

/* -EAGAIN: another task inserted the key */
static int large_link(struct bpfmap_htab *h, const struct large_upsert *up,
		      u32 index)
{
	u32 bucket = up->hash & h->mask;
	struct bpfmap_htab_elem *found, *e = htab_elem(h, index);
	unsigned long irqflags;
	int err = 0;

	if (htab_find_lock(h, up->key, up->hash, &found, &irqflags)) {
		err = -EAGAIN;
		goto out;
	}
	if (htab_chain_length(h, h->heads[bucket]) >= HTAB_CHAIN_MAX) {
		if (!h->lru) {
			err = -E2BIG;
			goto out;
		}
		htab_lru_shorten(h, bucket);
	}
	if (h->lru)
		bpfmap_lru_add(h->lru, bucket >> h->stripe_shift, up->owner_cpu,
			       e);
	htab_link(h, e, index, up->hash);
out:
	raw_spin_unlock_irqrestore(htab_lock(h, bucket), irqflags);
	if (err)
		htab_free_elem(h, index);
	return err;
}

/* -EAGAIN: nothing changed; try again */
static int large_insert(struct bpfmap_htab *h, struct large_upsert *up)
{
	s64 index = large_take(h, up);

	if (index == -EAGAIN)
		return bpfmap_pool_grow(&h->pool, up->gfp) ?: -EAGAIN;
	if (index < 0)
		return index;
	large_fill(h, up, htab_elem(h, index));
	return large_link(h, up, index);
}

/**
 * htab_upsert_large() - insert an element or replace its value
 * @map: the map, with large keys or values
 * @key: the key
 * @value: in its stored form
 * @flags: element flags that the type allows
 * @gfp: for a new element
 * @old: out: the replaced value, if not NULL; untouched if nothing was replaced
 *
 * Context: Any for the value of one CPU, else sleeps.
 * Return: 0, -EEXIST, -ENOENT, -E2BIG, -ENOMEM; -EOPNOTSUPP: the caller may not
 * sleep, but would copy something large.
 */
int htab_upsert_large(struct bpfmap *map, const void *key, const void *value,
		      u64 flags, gfp_t gfp, void *old)
{
	struct bpfmap_htab *h = to_htab(map);
	struct large_upsert up = {
		.key = key,
		.value = value,
		.flags = flags,
		.gfp = gfp,
		.hash = htab_hash(h, key),
		.old = old,
	};
	bool spare = h->spare && bpfmap_copies_large(map, flags);
	bool mutex = large_needs_mutex(map, flags);
	int err;

	if (mutex && !gfpflags_allow_blocking(gfp))
		return -EOPNOTSUPP;
	if (mutex)
		mutex_lock(&h->mutex);
	do {
		if (spare)
			large_fill_spare(h, value, flags);
		err = large_update(h, &up);
		if (err == -EAGAIN)
			err = large_insert(h, &up);
	} while (err == -EAGAIN);
	if (mutex)
		mutex_unlock(&h->mutex);
	return err;
}

/**
 * htab_remove_large() - remove an element
 * @map: the map, with large keys or values
 * @key: the key
 * @value: out: as stored, if not NULL
 *
 * Context: Any if @value is NULL or is not large, else sleeps.
 * Return: 0 or -ENOENT.
 */
int htab_remove_large(struct bpfmap *map, const void *key, void *value)
{
	bool mutex = value && bpfmap_value_is_large(map);
	struct bpfmap_htab *h = to_htab(map);
	u32 *link, index = BPFMAP_POOL_NONE, hash = htab_hash(h, key);
	u32 bucket = hash & h->mask;
	struct bpfmap_htab_elem *e;
	unsigned long irqflags;

	/* Exclude a write of the value in progress */
	if (mutex)
		mutex_lock(&h->mutex);
	link = htab_find_lock(h, key, hash, &e, &irqflags);
	if (link) {
		index = htab_cut(h, e, link);
		if (h->lru)
			bpfmap_lru_del(h->lru, bucket >> h->stripe_shift, e);
	}
	raw_spin_unlock_irqrestore(htab_lock(h, bucket), irqflags);
	if (link) {
		if (value)
			htab_load(h, e, value, 0);
		htab_free_elem(h, index);
	}
	if (mutex)
		mutex_unlock(&h->mutex);
	return link ? 0 : -ENOENT;
}
