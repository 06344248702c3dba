// SPDX-License-Identifier: GPL-2.0-only
/*
 * Going through a hash table: the next key, every element, whole buckets
 */
#include <linux/rcupdate.h>
#include <linux/sched.h>

#include "hash.h"

/* Buckets to look at in one go with interrupts off */
#define HASH_WALK_BUCKETS	1024

/*
 * Copy the key behind @link, which was read from @from. It is a key of that
 * chain only if @from still says so after the copy.
 */
static int hash_copy_key(const struct bpfmap_hash *h, const u32 *from, u32 link,
			 void *next_key)
{
	struct bpfmap_hash_elem *e = hash_elem(h, link);
	/* Pairs with smp_store_release() in hash_write_end() */
	u32 seq = smp_load_acquire(&e->seq);

	if (seq & 1)
		return -EAGAIN;
	/* data_race: dropped if @seq has changed */
	data_race(memcpy(next_key, e->key, h->map.key_size));
	if (!hash_unchanged(e, seq) || READ_ONCE(*from) != link)
		return -EAGAIN;
	return 0;
}

static int hash_first_key_locked(const struct bpfmap_hash *h, u32 bucket,
				 void *next_key)
{
	raw_spinlock_t *lock = hash_lock(h, bucket);
	unsigned long irqflags;
	u32 link;

	raw_spin_lock_irqsave(lock, irqflags);
	link = h->heads[bucket];
	if (!(link & HASH_END))
		memcpy(next_key, hash_elem(h, link)->key, h->map.key_size);
	raw_spin_unlock_irqrestore(lock, irqflags);
	return link & HASH_END ? -ENOENT : 0;
}

/* First key of the first bucket that has one, from @bucket on */
static int hash_first_key(const struct bpfmap_hash *h, u32 bucket,
			  void *next_key)
{
	int tries = 0;
	u32 link;

	while (bucket <= h->mask) {
		link = READ_ONCE(h->heads[bucket]);
		if (link & HASH_END) {
			bucket++;
			continue;
		}
		if (tries++ < HASH_TRIES) {
			if (!hash_copy_key(h, &h->heads[bucket], link, next_key))
				return 0;
		} else {
			if (!hash_first_key_locked(h, bucket, next_key))
				return 0;
			bucket++;
		}
	}
	return -ENOENT;
}

/*
 * The key behind @key in its chain. -EAGAIN: a writer came in between;
 * -ENOENT: there is no @key; -ENODATA: it is the last one of the chain.
 */
static int hash_key_after(const struct bpfmap_hash *h, const void *key,
			  u32 hash, void *next_key)
{
	struct bpfmap_hash_elem *e;
	u32 seq, link;
	int err;

	e = hash_find(h, key, hash, &seq);
	if (!e)
		return -ENOENT;
	if (IS_ERR(e))
		return PTR_ERR(e);
	link = READ_ONCE(e->next);
	err = link & HASH_END ? -ENODATA :
				hash_copy_key(h, &e->next, link, next_key);
	/* Only the link of an element that stayed in the chain leads on in it */
	return hash_unchanged(e, seq) ? err : -EAGAIN;
}

static int hash_key_after_locked(const struct bpfmap_hash *h, const void *key,
				 u32 hash, void *next_key)
{
	raw_spinlock_t *lock = hash_lock(h, hash & h->mask);
	unsigned long irqflags;
	int err = -ENOENT;
	u32 *link;

	raw_spin_lock_irqsave(lock, irqflags);
	link = hash_find_link(h, key, hash);
	if (link) {
		u32 next = hash_elem(h, *link)->next;

		err = next & HASH_END ? -ENODATA : 0;
		if (!err)
			memcpy(next_key, hash_elem(h, next)->key,
			       h->map.key_size);
	}
	raw_spin_unlock_irqrestore(lock, irqflags);
	return err;
}

/**
 * hash_get_next_key() - bucket by bucket, in a bucket the newest first
 * @map: the map
 * @key: NULL or a key; one that is not there is as NULL
 * @next_key: out
 */
int hash_get_next_key(struct bpfmap *map, const void *key, void *next_key)
{
	struct bpfmap_hash *h = to_hash(map);
	int err = -EAGAIN, tries;
	u32 hash;

	if (!key)
		return hash_first_key(h, 0, next_key);

	hash = hash_key(h, key);
	for (tries = 0; tries < HASH_TRIES && err == -EAGAIN; tries++)
		err = hash_key_after(h, key, hash, next_key);
	if (err == -EAGAIN)
		err = hash_key_after_locked(h, key, hash, next_key);

	if (err == -ENODATA)
		return hash_first_key(h, (hash & h->mask) + 1, next_key);
	if (err == -ENOENT)
		return hash_first_key(h, 0, next_key);
	return err;
}

static void *hash_each_value(const struct bpfmap_hash *h,
			     struct bpfmap_hash_elem *e)
{
	void *value = hash_value(h, e);

	if (!h->map.ops->percpu)
		return value;
	return this_cpu_ptr(*(void __percpu **)value);
}

/**
 * hash_for_each() - call a function for every element
 * @map: the map
 * @fn: the function
 * @ctx: for the function
 *
 * Elements that come and go meanwhile may be seen or not. One that is taken for
 * another key while @fn runs may carry the walk out of the bucket: what is left
 * of that is then skipped.
 */
long hash_for_each(struct bpfmap *map, bpfmap_each_fn fn, void *ctx)
{
	struct bpfmap_hash *h = to_hash(map);
	long nr = 0, stop = 0;
	u32 bucket, link;

	for (bucket = 0; bucket <= h->mask && !stop; bucket++) {
		/* This CPU's value must be this CPU's throughout @fn */
		preempt_disable();
		rcu_read_lock();
		link = READ_ONCE(h->heads[bucket]);
		while (!(link & HASH_END) && !stop) {
			struct bpfmap_hash_elem *e = hash_elem(h, link);

			link = READ_ONCE(e->next);
			/* Pairs with smp_store_release() in hash_write_end() */
			if (smp_load_acquire(&e->seq) & 1)
				continue;
			if ((READ_ONCE(e->hash) & h->mask) != bucket)
				break;
			stop = fn(map, e->key, hash_each_value(h, e), ctx);
			nr++;
		}
		rcu_read_unlock();
		preempt_enable();
	}
	return nr;
}

static u32 hash_chain_length(const struct bpfmap_hash *h, u32 bucket)
{
	u32 nr = 0, link = h->heads[bucket];

	for (; !(link & HASH_END); nr++)
		link = hash_elem(h, link)->next;
	return nr;
}

static __always_inline void hash_walk_bucket(struct bpfmap_hash *h, u32 bucket,
					     struct bpfmap_walk *w, bool lru)
{
	u32 stride = bpfmap_user_value_size(&h->map, w->flags);
	u32 *link = &h->heads[bucket];

	while (!(*link & HASH_END)) {
		struct bpfmap_hash_elem *e = hash_elem(h, *link);

		memcpy(w->keys + (size_t)w->nr * h->map.key_size, e->key,
		       h->map.key_size);
		if (unlikely(w->take))
			w->take(w, hash_value(h, e));
		else
			hash_load(h, e, w->values + (size_t)w->nr * stride,
				  w->flags);
		w->nr++;
		if (!w->remove)
			link = &e->next;
		else if (lru)
			lru_hash_unlink(h, link);
		else
			hash_unlink(h, link);
	}
}

/* Buckets that share a lock. -ENOSPC: the one at @w->pos does not fit */
static __always_inline int hash_walk_stripe(struct bpfmap_hash *h,
					    struct bpfmap_walk *w, bool lru)
{
	raw_spinlock_t *lock = hash_lock(h, w->pos);
	u32 end, left = HASH_WALK_BUCKETS;
	unsigned long irqflags;
	int err = 0;

	end = ((w->pos >> h->stripe_shift) + 1) << h->stripe_shift;

	raw_spin_lock_irqsave(lock, irqflags);
	for (; w->pos < end && left; w->pos++, left--) {
		u32 nr = hash_chain_length(h, w->pos);

		if (nr > w->room - w->nr) {
			w->need = nr;
			err = -ENOSPC;
			break;
		}
		hash_walk_bucket(h, w->pos, w, lru);
	}
	raw_spin_unlock_irqrestore(lock, irqflags);
	return err;
}

static __always_inline int hash_do_walk(struct bpfmap *map,
					struct bpfmap_walk *w, bool lru)
{
	struct bpfmap_hash *h = to_hash(map);
	int err = 0;

	w->nr = 0;
	if (w->pos > h->mask)
		return -ENOENT;

	while (w->pos <= h->mask && !err) {
		err = hash_walk_stripe(h, w, lru);
		cond_resched();
	}
	return w->nr ? 0 : err;
}

/**
 * hash_walk() - copy whole buckets
 * @map: the map
 * @w: where and what; positions are buckets
 *
 * Each bucket is of one time.
 *
 * Return: 0 if something was copied or the last bucket is behind us, -ENOSPC if
 * the first bucket with elements does not fit, -ENOENT if there is no bucket
 * @w->pos.
 */
int hash_walk(struct bpfmap *map, struct bpfmap_walk *w)
{
	return hash_do_walk(map, w, false);
}

/**
 * lru_hash_walk() - the same where elements have an order
 * @map: the map
 * @w: as for hash_walk()
 *
 * Being copied is not being used.
 */
int lru_hash_walk(struct bpfmap *map, struct bpfmap_walk *w)
{
	return hash_do_walk(map, w, true);
}
