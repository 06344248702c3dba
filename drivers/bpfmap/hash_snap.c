// SPDX-License-Identifier: GPL-2.0-only
/*
 * Copies of elements and buckets of a hash table that are too large to be made
 * with the lock held; the head of hash_large.c says why they are whole
 */
#include <linux/sched.h>
#include <linux/sched/signal.h>
#include <linux/slab.h>

#include "hash_bucket.h"

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
static void snap_cut_bucket(struct bpfmap_htab *h, u32 bucket)
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
static int snap_note(struct bpfmap_htab *h, struct bpfmap_walk *w, u32 *index)
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
		snap_cut_bucket(h, w->pos);
	else if (snap_is_needed(h))
		snap_begin(h, w->pos, index, nr, w);
	raw_spin_unlock_irqrestore(lock, irqflags);
	return err;
}

/* Copy what snap_note() noted. False: start again */
static bool snap_copy_noted(struct bpfmap_htab *h, struct bpfmap_walk *w,
			    const u32 *index)
{
	u32 i;

	if (!w->remove && snap_is_needed(h))
		return snap_copy_all(h);
	for (i = 0; i < w->need; i++) {
		htab_copy_elem(h, htab_elem(h, index[i]), w, i);
		if (w->remove)
			htab_free_elem(h, index[i]);
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
		err = snap_note(h, w, index);
		if (!err)
			done = snap_copy_noted(h, w, index);
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
