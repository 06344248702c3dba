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
#include <linux/sched/signal.h>
#include <linux/slab.h>

#include "hash.h"

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

/* Free an element that is in no chain and in no list */
static void large_give_back(struct bpfmap_htab *h, u32 index)
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
		large_give_back(h, index);
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
		large_give_back(h, index);
	}
	if (mutex)
		mutex_unlock(&h->mutex);
	return link ? 0 : -ENOENT;
}

/* Can elements be reused or written while the mutex is held? */
static bool snap_is_needed(const struct bpfmap_htab *h)
{
	return !h->large || (h->spare && !bpfmap_key_is_large(&h->map));
}

/* The bucket is locked. From here until snap_end(), writers see the snapshot */
static void snap_begin(struct bpfmap_htab *h, u32 bucket, u32 *index, u32 nr,
		       struct bpfmap_walk *w)
{
	struct htab_snap *snap = &h->snap;

	lockdep_assert_held(&h->mutex);
	lockdep_assert_held(htab_lock(h, bucket));

	snap->nr = nr;
	snap->index = index;
	snap->walk = w;
	bitmap_zero(snap->saved, HTAB_CHAIN_MAX);
	snap->broken = false;
	WRITE_ONCE(snap->bucket, bucket);
}

static void snap_end(struct bpfmap_htab *h)
{
	raw_spinlock_t *lock = htab_lock(h, h->snap.bucket);
	unsigned long irqflags;

	lockdep_assert_held(&h->mutex);

	raw_spin_lock_irqsave(lock, irqflags);
	WRITE_ONCE(h->snap.bucket, HTAB_NO_BUCKET);
	raw_spin_unlock_irqrestore(lock, irqflags);
}

/* The bucket is locked */
static void snap_copy(struct bpfmap_htab *h, u32 place)
{
	struct htab_snap *snap = &h->snap;

	if (__test_and_set_bit(place, snap->saved))
		return;
	htab_copy_elem(h, htab_elem(h, snap->index[place]), snap->walk, place);
}

/**
 * __htab_save() - call before changing an element while a bucket is copied
 * @h: the table
 * @e: the element, whose stripe is locked
 * @cut: it is removed
 *
 * Costs the caller at most one more copy of an element that is not large.
 */
void __htab_save(struct bpfmap_htab *h, const struct bpfmap_htab_elem *e,
		 bool cut)
{
	struct htab_snap *snap = &h->snap;
	u32 i, bucket = e->hash & h->mask;

	lockdep_assert_held(htab_lock(h, bucket));

	/* A snapshot of another bucket may come and go concurrently */
	if (READ_ONCE(snap->bucket) != bucket)
		return;
	for (i = 0; i < snap->nr; i++)
		if (htab_elem(h, snap->index[i]) == e)
			break;
	if (i == snap->nr)
		return;
	if (!h->large)
		snap_copy(h, i);
	else if (cut && !test_bit(i, snap->saved))
		snap->broken = true;
}

/* Take the lock for as many elements as may be copied at once */
static void snap_copy_elems(struct bpfmap_htab *h)
{
	raw_spinlock_t *lock = htab_lock(h, h->snap.bucket);
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
static bool snap_copy_slot(struct bpfmap_htab *h, u32 place, void *value,
			   int cpu, bool last)
{
	raw_spinlock_t *lock = htab_lock(h, h->snap.bucket);
	struct bpfmap_htab_elem *e = htab_elem(h, h->snap.index[place]);
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
		htab_load(h, e, value, w->flags);
	else if (there)
		bpfmap_slot_load(&h->map, value, htab_slot(&h->map, e, cpu));
	raw_spin_unlock_irqrestore(lock, irqflags);
	return there;
}

/* Take the lock for one CPU's value at a time. False: start again */
static bool snap_copy_slots(struct bpfmap_htab *h)
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
static bool snap_copy_all(struct bpfmap_htab *h)
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
 * htab_lookup_large() - copy a value out after losing to writers
 * @map: the map, whose values are large
 * @key: the key
 * @hash: of the key
 * @value: out: in the user's layout
 * @flags: element flags
 *
 * Context: Sleeps.
 * Return: 0, -ENOENT, or -EINTR if the process is being killed.
 */
int htab_lookup_large(struct bpfmap *map, const void *key, u32 hash,
		      void *value, u64 flags)
{
	struct bpfmap_walk w = { .values = value, .flags = flags, .room = 1 };
	struct bpfmap_htab *h = to_htab(map);
	u32 index, *link, bucket = hash & h->mask;
	bool snap = snap_is_needed(h);
	struct bpfmap_htab_elem *e;
	unsigned long irqflags;
	int err = -EAGAIN;

	mutex_lock(&h->mutex);
	while (err == -EAGAIN) {
		link = htab_find_lock(h, key, hash, &e, &irqflags);
		if (link) {
			index = *link;
			if (snap)
				snap_begin(h, bucket, &index, 1, &w);
		}
		raw_spin_unlock_irqrestore(htab_lock(h, bucket), irqflags);
		if (!link)
			err = -ENOENT;
		else if (!snap)
			htab_load(h, e, value, flags);
		if (link && (!snap || snap_copy_all(h)))
			err = 0;
		else if (link && fatal_signal_pending(current))
			err = -EINTR;
	}
	mutex_unlock(&h->mutex);
	return err;
}

/* Cut all elements of a locked bucket */
static void large_cut_bucket(struct bpfmap_htab *h, u32 bucket)
{
	u32 *head = &h->heads[bucket];

	while (!(*head & HTAB_END)) {
		struct bpfmap_htab_elem *e = htab_elem(h, *head);

		htab_cut(h, e, head);
		if (h->lru)
			bpfmap_lru_del(h->lru, bucket >> h->stripe_shift, e);
	}
}

/* Note the elements of bucket @w->pos in @index; -ENOSPC: no room in @w */
static int large_note(struct bpfmap_htab *h, struct bpfmap_walk *w, u32 *index)
{
	raw_spinlock_t *lock = htab_lock(h, w->pos);
	unsigned long irqflags;
	u32 link, nr = 0;
	int err = 0;

	raw_spin_lock_irqsave(lock, irqflags);
	for (link = h->heads[w->pos]; !(link & HTAB_END);
	     link = htab_elem(h, link)->next)
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
static bool large_copy_noted(struct bpfmap_htab *h, struct bpfmap_walk *w,
			     const u32 *index)
{
	u32 i;

	if (!w->remove && snap_is_needed(h))
		return snap_copy_all(h);
	for (i = 0; i < w->need; i++) {
		htab_copy_elem(h, htab_elem(h, index[i]), w, i);
		if (w->remove)
			large_give_back(h, index[i]);
		cond_resched();
	}
	return true;
}

/**
 * htab_walk_bucket() - htab_walk() for a bucket that cannot be copied at once
 * @h: the table
 * @w: where and what; must have a buffer
 *
 * Context: Sleeps.
 * Return: as htab_walk(), -ENOMEM, or -EINTR if the process is being killed.
 */
int htab_walk_bucket(struct bpfmap_htab *h, struct bpfmap_walk *w)
{
	bool done = false;
	u32 *index;
	int err;

	index = kmalloc_array(HTAB_CHAIN_MAX, sizeof(*index),
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
