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
 * hash_save() makes each of them copy an element to the walk before changing
 * it. So the walk gets a snapshot of the time when it noted the bucket.
 *
 * One case remains: large values of all CPUs under keys that are not large. One
 * CPU's value can be written at any time, and elements can be reused. They are
 * copied CPU by CPU without tearing, under the mutex against updates of all
 * CPUs; if one is removed meanwhile, the copy starts again.
 */
#include <linux/sched.h>
#include <linux/sched/signal.h>
#include <linux/slab.h>

#include "hash.h"

/**
 * struct large_put - an update in progress
 * @key: the key
 * @value: in its stored form
 * @flags: element flags
 * @gfp: for a new element
 * @hash: of the key
 * @home: owner of the element taken for it, in maps that evict
 * @old: out: the replaced value, if not NULL
 */
struct large_put {
	const void *key;
	const void *value;
	u64 flags;
	gfp_t gfp;
	u32 hash;
	u32 home;
	void *old;
};

/* Is the mutex needed? Not for the value of one CPU */
static bool large_needs_mutex(const struct bpfmap *map, u64 flags)
{
	return bpfmap_copies_large(map, flags) || bpfmap_key_is_large(map);
}

/**
 * percpu_hash_load_large() - hash_load() of the values of all CPUs
 * @h: the table
 * @e: the element
 * @value: out: in the user's layout
 *
 * Context: Sleeps.
 */
void percpu_hash_load_large(const struct bpfmap_hash *h,
			    const struct bpfmap_hash_elem *e, void *value)
{
	unsigned int cpu;

	bpfmap_each_cpu(cpu) {
		value = bpfmap_slot_load(&h->map, value,
					 hash_slot(&h->map, e, cpu));
		cond_resched();
	}
}

/* Copy a user's value for all CPUs, or one for each, to the spare values */
static void large_fill_spare(struct bpfmap_hash *h, const void *value,
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
static void large_swap(struct bpfmap_hash *h, struct bpfmap_hash_elem *e)
{
	void __percpu **values = hash_value(h, e);
	void __percpu *old = *values;

	lockdep_assert_held(&h->mutex);

	WRITE_ONCE(*values, h->spare);
	h->spare = old;
}

/* The lock of @e is held, but is dropped to copy a large value in place */
static void large_replace(struct bpfmap_hash *h, const struct large_put *put,
			  struct bpfmap_hash_elem *e, unsigned long *irqflags)
	__must_hold(hash_lock(h, put->hash & h->mask))
{
	raw_spinlock_t *lock = hash_lock(h, put->hash & h->mask);
	bool percpu = h->map.ops->percpu;
	u32 seq;

	if (put->old)
		hash_load(h, e, put->old, 0);
	if (!bpfmap_copies_large(&h->map, put->flags)) {
		hash_replace(h, e, put->value, put->flags, percpu);
		return;
	}
	hash_write_begin(e);
	if (percpu) {
		large_swap(h, e);
		hash_write_end(e);
		return;
	}
	seq = e->seq;
	raw_spin_unlock_irqrestore(lock, *irqflags);
	hash_store(h, e, put->value, put->flags, false, false);
	raw_spin_lock_irqsave(lock, *irqflags);
	/* If it was removed meanwhile, @seq must stay odd */
	if (e->seq == seq)
		hash_write_end(e);
}

/* -EAGAIN: nothing changed; the key is absent and must be inserted */
static int large_update(struct bpfmap_hash *h, const struct large_put *put)
{
	raw_spinlock_t *lock = hash_lock(h, put->hash & h->mask);
	u64 mode = put->flags & ~BPFMAP_F_THIS_CPU;
	struct bpfmap_hash_elem *e;
	unsigned long irqflags;
	int err = 0;

	if (!hash_find_lock(h, put->key, put->hash, &e, &irqflags)) {
		err = mode == BPFMAP_F_EXIST ? -ENOENT : -EAGAIN;
	} else if (mode == BPFMAP_F_NOEXIST) {
		err = -EEXIST;
	} else {
		large_replace(h, put, e, &irqflags);
		if (h->lru)
			bpfmap_lru_mark(h->lru, e);
	}
	raw_spin_unlock_irqrestore(lock, irqflags);
	return err;
}

/* Index of a free or evicted element; -EAGAIN: the pool must grow */
static s64 large_take(struct bpfmap_hash *h, struct large_put *put)
{
	u32 group = (put->hash & h->mask) >> h->stripe_shift;
	unsigned long irqflags;
	s64 index;
	int tries;

	if (!h->lru) {
		local_irq_save(irqflags);
		index = bpfmap_pool_get(&h->pool);
		local_irq_restore(irqflags);
		return index;
	}
	for (tries = 0; tries < HASH_TRIES; tries++) {
		local_irq_save(irqflags);
		put->home = bpfmap_lru_home(h->lru);
		index = lru_hash_get(h, group);
		local_irq_restore(irqflags);
		if (index == BPFMAP_POOL_NONE)
			continue;
		/* Where to return the element if it is not needed */
		bpfmap_lru_node(h->lru, hash_elem(h, index))->home = put->home;
		return index;
	}
	return -ENOMEM;
}

/* Free an element that is in no chain and in no list */
static void large_give_back(struct bpfmap_hash *h, u32 index)
{
	struct bpfmap_hash_elem *e = hash_elem(h, index);
	unsigned long irqflags;

	local_irq_save(irqflags);
	if (h->lru)
		bpfmap_lru_put(h->lru, index, e);
	else
		bpfmap_pool_put(&h->pool, index, &e->pool);
	local_irq_restore(irqflags);
}

/* No lock is held: the caller owns the element */
static void large_fill(struct bpfmap_hash *h, const struct large_put *put,
		       struct bpfmap_hash_elem *e)
{
	bool percpu = h->map.ops->percpu;

	if (!percpu || !bpfmap_copies_large(&h->map, put->flags)) {
		hash_fill(h, e, put->key, put->hash, put->value, put->flags,
			  percpu);
		return;
	}
	WRITE_ONCE(e->hash, put->hash);
	bpfmap_value_store(e->key, put->key, h->map.key_size);
	large_swap(h, e);
}

/* -EAGAIN: another task inserted the key */
static int large_link(struct bpfmap_hash *h, const struct large_put *put,
		      u32 index)
{
	u32 bucket = put->hash & h->mask;
	struct bpfmap_hash_elem *found, *e = hash_elem(h, index);
	unsigned long irqflags;
	int err = 0;

	if (hash_find_lock(h, put->key, put->hash, &found, &irqflags)) {
		err = -EAGAIN;
		goto out;
	}
	if (hash_chain_length(h, h->heads[bucket]) >= HASH_CHAIN_MAX) {
		if (!h->lru) {
			err = -E2BIG;
			goto out;
		}
		lru_hash_shorten(h, bucket);
	}
	if (h->lru)
		bpfmap_lru_add(h->lru, bucket >> h->stripe_shift, put->home, e);
	hash_link(h, e, index, put->hash);
out:
	raw_spin_unlock_irqrestore(hash_lock(h, bucket), irqflags);
	if (err)
		large_give_back(h, index);
	return err;
}

/* -EAGAIN: nothing changed; try again */
static int large_insert(struct bpfmap_hash *h, struct large_put *put)
{
	s64 index = large_take(h, put);

	if (index == -EAGAIN)
		return bpfmap_pool_grow(&h->pool, put->gfp) ?: -EAGAIN;
	if (index < 0)
		return index;
	large_fill(h, put, hash_elem(h, index));
	return large_link(h, put, index);
}

/**
 * hash_put_large() - insert an element or replace its value
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
int hash_put_large(struct bpfmap *map, const void *key, const void *value,
		   u64 flags, gfp_t gfp, void *old)
{
	struct bpfmap_hash *h = to_hash(map);
	struct large_put put = {
		.key = key,
		.value = value,
		.flags = flags,
		.gfp = gfp,
		.hash = hash_key(h, key),
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
		err = large_update(h, &put);
		if (err == -EAGAIN)
			err = large_insert(h, &put);
	} while (err == -EAGAIN);
	if (mutex)
		mutex_unlock(&h->mutex);
	return err;
}

/**
 * hash_remove_large() - remove an element
 * @map: the map, with large keys or values
 * @key: the key
 * @value: out: as stored, if not NULL
 *
 * Context: Any if @value is NULL or is not large, else sleeps.
 * Return: 0 or -ENOENT.
 */
int hash_remove_large(struct bpfmap *map, const void *key, void *value)
{
	bool mutex = value && bpfmap_value_is_large(map);
	struct bpfmap_hash *h = to_hash(map);
	u32 *link, index = BPFMAP_POOL_NONE, hash = hash_key(h, key);
	u32 bucket = hash & h->mask;
	struct bpfmap_hash_elem *e;
	unsigned long irqflags;

	/* Exclude a write of the value in progress */
	if (mutex)
		mutex_lock(&h->mutex);
	link = hash_find_lock(h, key, hash, &e, &irqflags);
	if (link) {
		index = hash_cut(h, e, link);
		if (h->lru)
			bpfmap_lru_del(h->lru, bucket >> h->stripe_shift, e);
	}
	raw_spin_unlock_irqrestore(hash_lock(h, bucket), irqflags);
	if (link) {
		if (value)
			hash_load(h, e, value, 0);
		large_give_back(h, index);
	}
	if (mutex)
		mutex_unlock(&h->mutex);
	return link ? 0 : -ENOENT;
}

/* Can elements be reused or written while the mutex is held? */
static bool snap_is_needed(const struct bpfmap_hash *h)
{
	return !h->large || (h->spare && !bpfmap_key_is_large(&h->map));
}

/* The bucket is locked. From here until snap_end(), writers see the snapshot */
static void snap_begin(struct bpfmap_hash *h, u32 bucket, u32 *index, u32 nr,
		       struct bpfmap_walk *w)
{
	struct hash_snap *snap = &h->snap;

	lockdep_assert_held(&h->mutex);
	lockdep_assert_held(hash_lock(h, bucket));

	snap->nr = nr;
	snap->index = index;
	snap->walk = w;
	bitmap_zero(snap->saved, HASH_CHAIN_MAX);
	snap->broken = false;
	WRITE_ONCE(snap->bucket, bucket);
}

static void snap_end(struct bpfmap_hash *h)
{
	raw_spinlock_t *lock = hash_lock(h, h->snap.bucket);
	unsigned long irqflags;

	lockdep_assert_held(&h->mutex);

	raw_spin_lock_irqsave(lock, irqflags);
	WRITE_ONCE(h->snap.bucket, HASH_NO_BUCKET);
	raw_spin_unlock_irqrestore(lock, irqflags);
}

/* The bucket is locked */
static void snap_copy(struct bpfmap_hash *h, u32 place)
{
	struct hash_snap *snap = &h->snap;

	if (__test_and_set_bit(place, snap->saved))
		return;
	hash_copy_elem(h, hash_elem(h, snap->index[place]), snap->walk, place);
}

/**
 * __hash_save() - call before changing an element while a bucket is copied
 * @h: the table
 * @e: the element, whose stripe is locked
 * @cut: it is removed
 *
 * Costs the caller at most one more copy of an element that is not large.
 */
void __hash_save(struct bpfmap_hash *h, const struct bpfmap_hash_elem *e,
		 bool cut)
{
	struct hash_snap *snap = &h->snap;
	u32 i, bucket = e->hash & h->mask;

	lockdep_assert_held(hash_lock(h, bucket));

	/* A snapshot of another bucket may come and go concurrently */
	if (READ_ONCE(snap->bucket) != bucket)
		return;
	for (i = 0; i < snap->nr; i++)
		if (hash_elem(h, snap->index[i]) == e)
			break;
	if (i == snap->nr)
		return;
	if (!h->large)
		snap_copy(h, i);
	else if (cut && !test_bit(i, snap->saved))
		snap->broken = true;
}

/* Take the lock for as many elements as may be copied at once */
static void snap_copy_elems(struct bpfmap_hash *h)
{
	raw_spinlock_t *lock = hash_lock(h, h->snap.bucket);
	u32 i = 0, end, nr = h->snap.nr;
	unsigned long irqflags;

	while (i < nr) {
		end = min(i + max(h->walk_max, 1U), nr);
		raw_spin_lock_irqsave(lock, irqflags);
		for (; i < end; i++)
			snap_copy(h, i);
		raw_spin_unlock_irqrestore(lock, irqflags);
		cond_resched();
	}
}

/* Copy one CPU's value of an element. False: the element is gone */
static bool snap_copy_slot(struct bpfmap_hash *h, u32 place, void *value,
			   int cpu, bool last)
{
	raw_spinlock_t *lock = hash_lock(h, h->snap.bucket);
	struct bpfmap_hash_elem *e = hash_elem(h, h->snap.index[place]);
	struct bpfmap_walk *w = h->snap.walk;
	u32 key_size = h->map.key_size;
	unsigned long irqflags;
	bool there;

	raw_spin_lock_irqsave(lock, irqflags);
	there = !h->snap.broken;
	if (there && last) {
		if (w->keys)
			memcpy(w->keys + (size_t)place * key_size, e->key,
			       key_size);
		__set_bit(place, h->snap.saved);
	}
	if (there && w->flags & BPFMAP_F_ONE_VALUE)
		hash_load(h, e, value, w->flags);
	else if (there)
		bpfmap_slot_load(&h->map, value, hash_slot(&h->map, e, cpu));
	raw_spin_unlock_irqrestore(lock, irqflags);
	return there;
}

/* Take the lock for one CPU's value at a time. False: start again */
static bool snap_copy_slots(struct bpfmap_hash *h)
{
	u32 i, size = bpfmap_value_stride(&h->map), nr = h->snap.nr;
	unsigned int cpu, last = cpumask_last(cpu_possible_mask);
	struct bpfmap_walk *w = h->snap.walk;
	void *value = w->values;

	for (i = 0; i < nr; i++) {
		if (w->flags & BPFMAP_F_ONE_VALUE) {
			if (!snap_copy_slot(h, i, value, 0, true))
				return false;
			value += h->map.value_size;
			continue;
		}
		bpfmap_each_cpu(cpu) {
			if (!snap_copy_slot(h, i, value, cpu, cpu == last))
				return false;
			value += size;
		}
		cond_resched();
	}
	return true;
}

/* Copy what snap_begin() noted. False: start again */
static bool snap_copy_all(struct bpfmap_hash *h)
{
	bool done = true;

	if (h->large)
		done = snap_copy_slots(h);
	else
		snap_copy_elems(h);
	snap_end(h);
	return done;
}

/**
 * hash_lookup_large() - copy a value out after losing to writers
 * @map: the map, whose values are large
 * @key: the key
 * @hash: of the key
 * @value: out: in the user's layout
 * @flags: element flags
 *
 * Context: Sleeps.
 * Return: 0, -ENOENT, or -EINTR if the process is being killed.
 */
int hash_lookup_large(struct bpfmap *map, const void *key, u32 hash,
		      void *value, u64 flags)
{
	struct bpfmap_walk w = { .values = value, .flags = flags, .room = 1 };
	struct bpfmap_hash *h = to_hash(map);
	u32 index, *link, bucket = hash & h->mask;
	bool snap = snap_is_needed(h);
	struct bpfmap_hash_elem *e;
	unsigned long irqflags;
	int err = -EAGAIN;

	mutex_lock(&h->mutex);
	while (err == -EAGAIN) {
		link = hash_find_lock(h, key, hash, &e, &irqflags);
		if (link) {
			index = *link;
			if (snap)
				snap_begin(h, bucket, &index, 1, &w);
		}
		raw_spin_unlock_irqrestore(hash_lock(h, bucket), irqflags);
		if (!link)
			err = -ENOENT;
		else if (!snap)
			hash_load(h, e, value, flags);
		if (link && (!snap || snap_copy_all(h)))
			err = 0;
		else if (link && fatal_signal_pending(current))
			err = -EINTR;
	}
	mutex_unlock(&h->mutex);
	return err;
}

/* Cut all elements of a locked bucket */
static void large_cut_bucket(struct bpfmap_hash *h, u32 bucket)
{
	u32 *head = &h->heads[bucket];

	while (!(*head & HASH_END)) {
		struct bpfmap_hash_elem *e = hash_elem(h, *head);

		hash_cut(h, e, head);
		if (h->lru)
			bpfmap_lru_del(h->lru, bucket >> h->stripe_shift, e);
	}
}

/* Note the elements of bucket @w->pos in @index; -ENOSPC: no room in @w */
static int large_note(struct bpfmap_hash *h, struct bpfmap_walk *w, u32 *index)
{
	raw_spinlock_t *lock = hash_lock(h, w->pos);
	unsigned long irqflags;
	u32 link, nr = 0;
	int err = 0;

	raw_spin_lock_irqsave(lock, irqflags);
	for (link = h->heads[w->pos]; !(link & HASH_END);
	     link = hash_elem(h, link)->next)
		index[nr++] = link;
	w->need = nr;
	if (nr > w->room)
		err = -ENOSPC;
	else if (w->remove)
		large_cut_bucket(h, w->pos);
	else if (snap_is_needed(h))
		snap_begin(h, w->pos, index, nr, w);
	raw_spin_unlock_irqrestore(lock, irqflags);
	return err;
}

/* Copy what large_note() noted. False: start again */
static bool large_copy_noted(struct bpfmap_hash *h, struct bpfmap_walk *w,
			     const u32 *index)
{
	u32 i;

	if (!w->remove && snap_is_needed(h))
		return snap_copy_all(h);
	for (i = 0; i < w->need; i++) {
		hash_copy_elem(h, hash_elem(h, index[i]), w, i);
		if (w->remove)
			large_give_back(h, index[i]);
		cond_resched();
	}
	return true;
}

/**
 * hash_walk_bucket() - hash_walk() for a bucket that cannot be copied at once
 * @h: the table
 * @w: where and what; must have a buffer
 *
 * Context: Sleeps.
 * Return: as hash_walk(), -ENOMEM, or -EINTR if the process is being killed.
 */
int hash_walk_bucket(struct bpfmap_hash *h, struct bpfmap_walk *w)
{
	bool done = false;
	u32 *index;
	int err;

	index = kmalloc_array(HASH_CHAIN_MAX, sizeof(*index),
			      GFP_KERNEL_ACCOUNT | __GFP_NOWARN);
	if (!index)
		return -ENOMEM;
	mutex_lock(&h->mutex);
	do {
		err = large_note(h, w, index);
		if (!err)
			done = large_copy_noted(h, w, index);
		if (!done && !err && fatal_signal_pending(current))
			err = -EINTR;
	} while (!err && !done);
	mutex_unlock(&h->mutex);
	kfree(index);
	if (!err) {
		w->nr = w->need;
		w->pos++;
	}
	return err;
}
