// SPDX-License-Identifier: GPL-2.0-only
/*
 * Iterating over a hash table: the next key, every element, whole buckets
 */
#include <linux/nospec.h>
#include <linux/rcupdate.h>
#include <linux/sched.h>

#include "hash_bucket.h"
#include "user.h"

/*
 * Buckets to visit in one section with interrupts off, in addition to the
 * elements copied and HTAB_CHAIN_MAX elements that are counted but do not fit
 */
#define HTAB_WALK_BUCKETS	256

/*
 * Copy the key of the element at @link, which was read from @from. It is a key
 * of that chain only if @from is unchanged after the copy.
 */
static int htab_copy_key(const struct bpfmap_htab *h, const u32 *from, u32 link,
			 void *next_key)
{
	struct bpfmap_htab_elem *e = htab_elem(h, link);
	/* Pairs with smp_store_release() in htab_write_end() */
	u32 seq = smp_load_acquire(&e->seq);

	if (seq & 1)
		return -EAGAIN;
	bpfmap_value_load(next_key, e->key, h->map.key_size);
	if (!htab_unchanged(e, seq) || READ_ONCE(*from) != link)
		return -EAGAIN;
	return 0;
}

/*
 * With the lock, copy the key after @key in the bucket of @hash, or the first
 * one if @key is NULL. The mutex protects large keys from writers; see
 * hash_large.c. -ENOENT: @key is absent; -ENODATA: there is no next key
 */
static int htab_key_locked(struct bpfmap_htab *h, const void *key, u32 hash,
			   void *next_key)
{
	u32 *from, link = HTAB_END, bucket = hash & h->mask;
	bool large = bpfmap_key_is_large(&h->map);
	struct bpfmap_htab_elem *e;
	unsigned long irqflags;

	if (large)
		mutex_lock(&h->mutex);
	if (key) {
		from = htab_find_lock(h, key, hash, &e, &irqflags);
		if (from)
			from = &e->next;
	} else {
		from = &h->heads[bucket];
		raw_spin_lock_irqsave(htab_lock(h, bucket), irqflags);
	}
	if (from)
		link = *from;
	if (!large && !(link & HTAB_END))
		memcpy(next_key, htab_elem(h, link)->key, h->map.key_size);
	raw_spin_unlock_irqrestore(htab_lock(h, bucket), irqflags);
	if (large) {
		if (!(link & HTAB_END))
			memcpy(next_key, htab_elem(h, link)->key,
			       h->map.key_size);
		mutex_unlock(&h->mutex);
	}
	if (!from)
		return -ENOENT;
	return link & HTAB_END ? -ENODATA : 0;
}

/* First key of the first bucket that has one, from @bucket on */
static int htab_first_key(struct bpfmap_htab *h, u32 bucket, void *next_key)
{
	int tries = 0;
	u32 link;

	while (bucket <= h->mask) {
		link = READ_ONCE(h->heads[bucket]);
		if (link & HTAB_END) {
			bucket++;
			continue;
		}
		if (tries++ < HTAB_TRIES) {
			if (!htab_copy_key(h, &h->heads[bucket], link,
					   next_key))
				return 0;
		} else {
			if (!htab_key_locked(h, NULL, bucket, next_key))
				return 0;
			bucket++;
		}
	}
	return -ENOENT;
}

/*
 * Copy the key after @key in its chain. -EAGAIN: a writer interfered;
 * -ENOENT: @key is absent; -ENODATA: @key is the last one of the chain.
 */
static int htab_key_after(const struct bpfmap_htab *h, const void *key,
			  u32 hash, void *next_key)
{
	struct bpfmap_htab_elem *e;
	u32 seq, link;
	int err;

	e = htab_find(h, key, hash, &seq);
	if (!e)
		return -ENOENT;
	if (IS_ERR(e))
		return PTR_ERR(e);
	link = READ_ONCE(e->next);
	err = link & HTAB_END ? -ENODATA :
				htab_copy_key(h, &e->next, link, next_key);
	/* The link is of this chain only if the element stayed in it */
	return htab_unchanged(e, seq) ? err : -EAGAIN;
}

/**
 * htab_get_next_key() - bucket by bucket, and newest first within a bucket
 * @map: the map
 * @key: NULL or a key; one that is not in the map is treated as NULL
 * @next_key: out
 */
int htab_get_next_key(struct bpfmap *map, const void *key, void *next_key)
{
	struct bpfmap_htab *h = to_htab(map);
	int err = -EAGAIN, tries;
	u32 hash;

	if (!key)
		return htab_first_key(h, 0, next_key);

	hash = htab_hash(h, key);
	for (tries = 0; tries < HTAB_TRIES && err == -EAGAIN; tries++)
		err = htab_key_after(h, key, hash, next_key);
	if (err == -EAGAIN)
		err = htab_key_locked(h, key, hash, next_key);

	if (err == -ENODATA)
		return htab_first_key(h, (hash & h->mask) + 1, next_key);
	if (err == -ENOENT)
		return htab_first_key(h, 0, next_key);
	return err;
}

static void *htab_each_value(const struct bpfmap_htab *h,
			     struct bpfmap_htab_elem *e)
{
	void *value = htab_value(h, e);

	if (!h->map.ops->percpu)
		return value;
	return this_cpu_ptr(*(void __percpu **)value);
}

/* @seq of the element is odd: is it removed, or is its value being written? */
static bool htab_is_gone(const struct bpfmap_htab *h, u32 bucket,
			 const struct bpfmap_htab_elem *e)
{
	unsigned long irqflags;
	bool gone;

	raw_spin_lock_irqsave(htab_lock(h, bucket), irqflags);
	gone = !htab_link_to(h, bucket, e);
	raw_spin_unlock_irqrestore(htab_lock(h, bucket), irqflags);
	return gone;
}

/**
 * htab_for_each() - call a function for every element
 * @map: the map
 * @fn: the function
 * @ctx: passed to @fn
 *
 * Elements inserted or deleted meanwhile may or may not be visited. An element
 * that is reused for another key while @fn runs may carry the walk out of the
 * bucket: the rest of that bucket is then skipped.
 */
long htab_for_each(struct bpfmap *map, bpfmap_each_fn fn, void *ctx)
{
	struct bpfmap_htab *h = to_htab(map);
	long nr = 0, stop = 0;
	u32 bucket, link;

	for (bucket = 0; bucket <= h->mask && !stop; bucket++) {
		bpfmap_each_begin(map);
		link = READ_ONCE(h->heads[bucket]);
		while (!(link & HTAB_END) && !stop) {
			struct bpfmap_htab_elem *e = htab_elem(h, link);

			link = READ_ONCE(e->next);
			/* Pairs with smp_store_release() in htab_write_end() */
			if (smp_load_acquire(&e->seq) & 1 &&
			    htab_is_gone(h, bucket, e))
				continue;
			if ((READ_ONCE(e->hash) & h->mask) != bucket)
				break;
			stop = fn(map, e->key, htab_each_value(h, e), ctx);
			nr++;
		}
		bpfmap_each_end(map);
	}
	return nr;
}

static void htab_copy_bucket(const struct bpfmap_htab *h, u32 bucket,
			     struct bpfmap_walk *w)
{
	u32 link;

	for (link = h->heads[bucket]; !(link & HTAB_END); w->nr++) {
		struct bpfmap_htab_elem *e = htab_elem(h, link);

		htab_copy_elem(h, e, w, w->nr);
		link = e->next;
	}
}

/*
 * Copy to @w->keys and @w->values. -ENOSPC: the bucket at @w->pos does not fit;
 * -EFBIG: it fits, but is too much to copy at once with those before it.
 */
static int htab_copy_buckets(const struct bpfmap_htab *h, struct bpfmap_walk *w,
			     u32 end)
{
	u32 room = min(w->room, h->walk_max);

	for (; w->pos < end; w->pos++) {
		w->need = htab_chain_length(h, h->heads[w->pos]);
		if (w->need > room - w->nr)
			return w->need > w->room - w->nr ? -ENOSPC : -EFBIG;
		htab_copy_bucket(h, w->pos, w);
	}
	return 0;
}

/* Copy to user memory. False after a fault: a part may have been written */
static __always_inline bool htab_copy_out(void __user *dst, const void *src,
					  u32 size)
{
	bool whole;

	if (!user_write_access_begin(dst, size))
		return false;
	whole = bpfmap_unsafe_copy_out(dst, src, size);
	user_write_access_end();
	return whole;
}

static bool htab_copy_out_percpu(const struct bpfmap_htab *h,
				 const struct bpfmap_htab_elem *e,
				 void __user *key, void __user *value,
				 u64 flags)
{
	u32 stride = bpfmap_value_stride(&h->map);
	unsigned int cpu;

	if (!htab_copy_out(key, e->key, h->map.key_size))
		return false;
	if (flags & BPFMAP_F_ONE_VALUE)
		return htab_copy_out(
			value, htab_slot(&h->map, e, bpfmap_one_cpu(flags)),
			h->map.value_size);
	bpfmap_each_cpu(cpu) {
		if (!htab_copy_out(value, htab_slot(&h->map, e, cpu), stride))
			return false;
		value += stride;
	}
	return true;
}

static __always_inline bool htab_copy_out_elem(const struct bpfmap_htab *h,
					       const struct bpfmap_htab_elem *e,
					       void __user *key,
					       void __user *value, u64 flags,
					       const bool percpu)
{
	if (percpu)
		return htab_copy_out_percpu(h, e, key, value, flags);
	return bpfmap_unsafe_copy_out(key, e->key, h->map.key_size) &&
	       bpfmap_unsafe_copy_out(value, htab_value(h, e),
				      h->map.value_size);
}

/*
 * Copy to @w->ukeys and @w->uvalues. Page faults are disabled, and there is
 * room for no more than may be copied at once. -ENOSPC and -EFAULT: the bucket
 * at @w->pos does not fit, or met a fault. Per-CPU values are copied in
 * sections of their own: compilers may add calls to the look-up of a CPU's
 * value, which are not allowed under user_write_access_begin().
 */
static __always_inline int __htab_copy_out_buckets(const struct bpfmap_htab *h,
						   struct bpfmap_walk *w,
						   u32 end, const bool percpu)
{
	u32 stride = bpfmap_user_value_size(&h->map, w->flags);
	u32 key_size = h->map.key_size, room = w->room, pos, link, nr;
	void __user *key = w->ukeys, *value = w->uvalues;
	int err = 0;

	if (!percpu && !user_write_access_begin(key, (size_t)room * key_size))
		return -EFAULT;
	for (pos = w->pos; pos < end; pos++) {
		link = h->heads[pos];
		nr = htab_chain_length(h, link);
		if (nr > room) {
			w->need = nr;
			err = -ENOSPC;
			break;
		}
		for (; !(link & HTAB_END); link = htab_elem(h, link)->next) {
			const struct bpfmap_htab_elem *e = htab_elem(h, link);

			if (!htab_copy_out_elem(h, e, key, value, w->flags,
						percpu)) {
				err = -EFAULT;
				goto out;
			}
			key += key_size;
			value += stride;
		}
		room -= nr;
	}
out:
	if (!percpu)
		user_write_access_end();
	w->pos = pos;
	w->nr = w->room - room;
	return err;
}

static int htab_copy_out_buckets(const struct bpfmap_htab *h,
				 struct bpfmap_walk *w, u32 end)
{
	return h->map.ops->percpu ? __htab_copy_out_buckets(h, w, end, true) :
				    __htab_copy_out_buckets(h, w, end, false);
}

/* Elements that any CPU may reuse are returned to the pool as one list */
static __always_inline void
htab_empty_buckets(struct bpfmap_htab *h, u32 bucket, u32 end, const bool lru)
{
	struct bpfmap_pool_bundle free;
	u32 index;

	bpfmap_pool_bundle_init(&free);
	for (; bucket < end; bucket++) {
		u32 *link = &h->heads[bucket];

		while (!(*link & HTAB_END)) {
			struct bpfmap_htab_elem *e = htab_elem(h, *link);

			if (lru && h->lru->nr_owners > 1) {
				htab_lru_unlink(h, e, link,
						bucket >> h->stripe_shift);
				continue;
			}
			index = htab_cut(h, e, link);
			if (lru)
				bpfmap_lru_del(h->lru,
					       bucket >> h->stripe_shift, e);
			bpfmap_pool_bundle_add(&free, index, &e->pool);
		}
	}
	bpfmap_pool_free_bundle(&h->pool, &free);
	if (lru && free.first != BPFMAP_POOL_NONE)
		bpfmap_lru_set_free_hint(h->lru);
}

/*
 * Copy some buckets that share a lock: up to HTAB_WALK_BUCKETS with up to
 * BPFMAP_ATOMIC_COPY bytes in total, or a single larger one without the lock.
 * Page faults are disabled while the lock is held, as in kernel/futex: a fault
 * is an error and does not sleep.
 */
static __always_inline int htab_do_walk(struct bpfmap *map,
					struct bpfmap_walk *w, const bool lru)
{
	struct bpfmap_htab *h = to_htab(map);
	unsigned long irqflags;
	raw_spinlock_t *lock;
	u32 first, end;
	int err;

	w->nr = 0;
	if (w->pos > h->mask)
		return -ENOENT;
	w->pos = array_index_nospec(w->pos, h->mask + 1UL);
	first = w->pos;
	lock = htab_lock(h, w->pos);
	end = ((w->pos >> h->stripe_shift) + 1) << h->stripe_shift;
	end = min(end, w->pos + HTAB_WALK_BUCKETS);

	pagefault_disable();
	raw_spin_lock_irqsave(lock, irqflags);
	err = w->ukeys ? htab_copy_out_buckets(h, w, end) :
			 htab_copy_buckets(h, w, end);
	if (w->remove)
		htab_empty_buckets(h, first, w->pos, lru);
	raw_spin_unlock_irqrestore(lock, irqflags);
	pagefault_enable();
	if (unlikely(err == -EFBIG && !w->nr))
		return htab_walk_bucket(h, w);
	return w->nr ? 0 : err;
}

/**
 * htab_walk() - copy whole buckets
 * @map: the map
 * @w: where and what; positions are buckets
 *
 * Each bucket is copied as a snapshot.
 *
 * Return: 0 if buckets were visited, even if they were empty, -ENOSPC if the
 * first bucket with elements does not fit, -EFAULT if it could not be copied
 * straight to user memory, -ENOENT if there is no bucket @w->pos.
 */
int htab_walk(struct bpfmap *map, struct bpfmap_walk *w)
{
	return htab_do_walk(map, w, false);
}

/**
 * htab_lru_walk() - htab_walk() for LRU maps
 * @map: the map
 * @w: as for htab_walk()
 *
 * Copying an element does not count as a use.
 */
int htab_lru_walk(struct bpfmap *map, struct bpfmap_walk *w)
{
	return htab_do_walk(map, w, true);
}
