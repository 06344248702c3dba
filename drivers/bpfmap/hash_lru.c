// SPDX-License-Identifier: GPL-2.0-only
/*
 * LRU hash tables: an insert into a full map evicts an old element
 *
 * As hash.c, plus one LRU group (lru.c) per stripe: an insert evicts from its
 * own stripe, under the lock that it already holds. It takes an element from
 * another stripe only if its own has far less than its share.
 *
 * The key is looked for first. An element is taken, just one, only for an
 * insert that will succeed: a replacement or a failing update evicts nothing.
 *
 * Elements are marked as used by updates of present keys and by look-ups of
 * modules; not by look-ups from user space (as in bpf(2)), by batches, or by
 * get_next_key.
 *
 * An insert holds a stripe lock (its own, or others one after the other), or
 * has irqs off, for no longer than it takes to look at HASH_CHAIN_MAX elements
 * of its bucket, LRU_SCAN marks, and twice the list of each stripe: 16 per CPU.
 */
#include <linux/overflow.h>

#include "batch.h"
#include "hash.h"

static u32 lru_hash_group(const struct bpfmap_hash *h, u32 hash)
{
	return (hash & h->mask) >> h->stripe_shift;
}

/* Evict an element from a stripe. Returns its index or BPFMAP_POOL_NONE */
static u32 lru_hash_evict(struct bpfmap_hash *h, u32 group)
{
	struct bpfmap_hash_elem *e;

	lockdep_assert_held(&h->stripes[group].lock);

	e = bpfmap_lru_evict(h->lru, group, bpfmap_lru_home(h->lru));
	if (unlikely(!e))
		return BPFMAP_POOL_NONE;
	return hash_cut(h, e, hash_link_to(h, e->hash & h->mask, e));
}

/* Take an element for a new key in a locked stripe: free, or evicted there */
static u32 lru_hash_take(struct bpfmap_hash *h, u32 group)
{
	const struct bpfmap_lru_list *list;
	u32 index = bpfmap_lru_get(h->lru);

	if (index != BPFMAP_POOL_NONE)
		return index;
	list = bpfmap_lru_list(h->lru, group, bpfmap_lru_home(h->lru));
	if (unlikely(list->nr <= h->lru->low))
		return BPFMAP_POOL_NONE;
	return lru_hash_evict(h, group);
}

/* Evict from the next stripe that has more than @least; no lock is held */
static u32 lru_hash_take_over(struct bpfmap_hash *h, u32 group, u32 least)
{
	u32 home = bpfmap_lru_home(h->lru), i, index, nr = h->lru->nr_groups;

	for (i = 1; i <= nr; i++) {
		u32 other = (group + i) & (nr - 1);

		/* Racy check: do not lock a stripe that has too few */
		if (READ_ONCE(bpfmap_lru_list(h->lru, other, home)->nr) <= least)
			continue;
		raw_spin_lock(&h->stripes[other].lock);
		index = lru_hash_evict(h, other);
		raw_spin_unlock(&h->stripes[other].lock);
		if (index != BPFMAP_POOL_NONE)
			return index;
	}
	return BPFMAP_POOL_NONE;
}

static u32 lru_hash_take_elsewhere(struct bpfmap_hash *h, u32 group)
{
	u32 index;

	index = lru_hash_take_over(h, group, h->lru->fair);
	if (index == BPFMAP_POOL_NONE)
		index = lru_hash_take_over(h, group, 0);
	/* All elements are in flight between lists: try once more */
	return index != BPFMAP_POOL_NONE ? index : bpfmap_lru_get(h->lru);
}

/**
 * lru_hash_get() - take an element for a key of an unlocked stripe
 * @h: the table
 * @group: number of the stripe
 *
 * Context: irqs off.
 * Return: the index of the element; BPFMAP_POOL_NONE: try again.
 */
u32 lru_hash_get(struct bpfmap_hash *h, u32 group)
{
	u32 index;

	raw_spin_lock(&h->stripes[group].lock);
	index = lru_hash_take(h, group);
	raw_spin_unlock(&h->stripes[group].lock);
	return index != BPFMAP_POOL_NONE ? index :
					   lru_hash_take_elsewhere(h, group);
}

/**
 * lru_hash_shorten() - remove the oldest element of an overlong bucket
 * @h: the table
 * @bucket: a bucket that is locked and not empty
 */
void lru_hash_shorten(struct bpfmap_hash *h, u32 bucket)
{
	u32 *link = &h->heads[bucket];
	struct bpfmap_hash_elem *e = hash_elem(h, *link);

	lockdep_assert_held(hash_lock(h, bucket));

	while (!(e->next & HASH_END)) {
		link = &e->next;
		e = hash_elem(h, *link);
	}
	lru_hash_unlink(h, e, link, bucket >> h->stripe_shift);
}

/**
 * struct lru_put - an update in progress
 * @key: the key
 * @value: the value
 * @flags: element flags
 * @hash: of the key
 * @index: an element for it, or BPFMAP_POOL_NONE
 */
struct lru_put {
	const void *key;
	const void *value;
	u64 flags;
	u32 hash;
	u32 index;
};

/* -EAGAIN: nothing changed; put->index is needed */
static int lru_hash_put_locked(struct bpfmap_hash *h, struct lru_put *put)
{
	u64 mode = put->flags & ~BPFMAP_F_THIS_CPU;
	u32 length, group = lru_hash_group(h, put->hash);
	struct bpfmap_hash_elem *e;

	if (hash_seek(h, put->key, put->hash, &e, &length)) {
		if (mode == BPFMAP_F_NOEXIST)
			return -EEXIST;
		hash_replace(h, e, put->value, put->flags,
			     h->map.ops->percpu);
		bpfmap_lru_mark(h->lru, e);
		return 0;
	}
	if (mode == BPFMAP_F_EXIST)
		return -ENOENT;
	if (unlikely(length >= HASH_CHAIN_MAX))
		lru_hash_shorten(h, put->hash & h->mask);

	if (likely(put->index == BPFMAP_POOL_NONE)) {
		put->index = lru_hash_take(h, group);
		if (unlikely(put->index == BPFMAP_POOL_NONE))
			return -EAGAIN;
	}
	e = hash_elem(h, put->index);
	bpfmap_lru_add(h->lru, group, bpfmap_lru_home(h->lru), e);
	hash_fill(h, e, put->key, put->hash, put->value, put->flags,
		  h->map.ops->percpu);
	hash_link(h, e, put->index, put->hash);
	put->index = BPFMAP_POOL_NONE;
	return 0;
}

/*
 * The stripe has too few elements: evict elsewhere, and look for the key again.
 * -EAGAIN: nothing changed
 */
static int lru_hash_put_slow(struct bpfmap_hash *h, struct lru_put *put)
{
	u32 group = lru_hash_group(h, put->hash);
	int err;

	put->index = lru_hash_take_elsewhere(h, group);
	if (put->index == BPFMAP_POOL_NONE)
		return -EAGAIN;

	raw_spin_lock(&h->stripes[group].lock);
	err = lru_hash_put_locked(h, put);
	/* Another CPU inserted the key */
	if (put->index != BPFMAP_POOL_NONE)
		bpfmap_lru_put(h->lru, put->index, hash_elem(h, put->index));
	raw_spin_unlock(&h->stripes[group].lock);
	return err;
}

/*
 * The caller keeps irqs off, so that all elements are of one CPU. -EAGAIN:
 * nothing changed
 */
static int lru_hash_put(struct bpfmap_hash *h, const void *key,
			const void *value, u64 flags)
{
	struct lru_put put = {
		.key = key,
		.value = value,
		.flags = flags,
		.hash = hash_key(h, key),
		.index = BPFMAP_POOL_NONE,
	};
	raw_spinlock_t *lock = hash_lock(h, put.hash & h->mask);
	int err;

	raw_spin_lock(lock);
	err = lru_hash_put_locked(h, &put);
	raw_spin_unlock(lock);
	if (unlikely(err == -EAGAIN))
		err = lru_hash_put_slow(h, &put);
	return err;
}

/* Enables interrupts between attempts that found no element */
static noinline int lru_hash_update_again(struct bpfmap *map, const void *key,
					  const void *value, u64 flags)
{
	int tries, err = -EAGAIN;
	unsigned long irqflags;

	for (tries = 1; tries < HASH_TRIES && err == -EAGAIN; tries++) {
		cpu_relax();
		local_irq_save(irqflags);
		err = lru_hash_put(to_hash(map), key, value, flags);
		local_irq_restore(irqflags);
	}
	return err == -EAGAIN ? -ENOMEM : err;
}

static int lru_hash_do_update(struct bpfmap *map, const void *key,
			      const void *value, u64 flags, gfp_t gfp)
{
	unsigned long irqflags;
	int err;

	if (unlikely(to_hash(map)->large))
		return hash_put_large(map, key, value, flags, gfp, NULL);
	local_irq_save(irqflags);
	err = lru_hash_put(to_hash(map), key, value, flags);
	local_irq_restore(irqflags);
	return likely(err != -EAGAIN) ? err :
	       lru_hash_update_again(map, key, value, flags);
}

static int lru_hash_update(struct bpfmap *map, const void *key,
			   const void *value, u64 flags, gfp_t gfp)
{
	if (flags > BPFMAP_F_EXIST)
		return -EINVAL;
	return lru_hash_do_update(map, key, value, flags, gfp);
}

static int lru_percpu_hash_update(struct bpfmap *map, const void *key,
				  const void *value, u64 flags, gfp_t gfp)
{
	if ((u32)flags > BPFMAP_F_ALL_CPUS)
		return -EINVAL;
	return lru_hash_do_update(map, key, value, flags, gfp);
}

/* @value may be NULL; irqs are off */
static __always_inline int lru_hash_cut(struct bpfmap_hash *h, const void *key,
					void *value)
{
	u32 hash = hash_key(h, key), *link;
	raw_spinlock_t *lock = hash_lock(h, hash & h->mask);
	struct bpfmap_hash_elem *e;

	raw_spin_lock(lock);
	link = __hash_find_link(h, key, hash, &e);
	if (link) {
		if (value)
			hash_load(h, e, value, 0);
		lru_hash_unlink(h, e, link, lru_hash_group(h, hash));
	}
	raw_spin_unlock(lock);
	return link ? 0 : -ENOENT;
}

static __always_inline int lru_hash_remove(struct bpfmap *map, const void *key,
					   void *value)
{
	unsigned long irqflags;
	int err;

	if (unlikely(to_hash(map)->large))
		return hash_remove_large(map, key, value);
	local_irq_save(irqflags);
	err = lru_hash_cut(to_hash(map), key, value);
	local_irq_restore(irqflags);
	return err;
}

static __always_inline void lru_hash_run_next(const struct bpfmap *map,
					      struct bpfmap_run *run)
{
	run->keys += map->key_size;
	run->values += bpfmap_user_value_size(map, run->flags);
	run->done++;
}

/* As update and delete, with interrupts off over several elements */
static int lru_hash_update_run(struct bpfmap *map, struct bpfmap_run *run,
			       gfp_t gfp)
{
	unsigned long irqflags;
	int err = 0;
	u32 end;

	while (!err && run->done < run->nr) {
		end = bpfmap_run_end(run);
		local_irq_save(irqflags);
		while (!err && run->done < end) {
			err = lru_hash_put(to_hash(map), run->keys, run->values,
					   run->flags);
			if (likely(!err))
				lru_hash_run_next(map, run);
		}
		local_irq_restore(irqflags);
		if (likely(err != -EAGAIN))
			continue;
		err = lru_hash_update_again(map, run->keys, run->values,
					    run->flags);
		if (!err)
			lru_hash_run_next(map, run);
	}
	return err;
}

static int lru_hash_delete_run(struct bpfmap *map, struct bpfmap_run *run)
{
	unsigned long irqflags;
	int err = 0;
	u32 end;

	while (!err && run->done < run->nr) {
		local_irq_save(irqflags);
		for (end = bpfmap_run_end(run); run->done < end; run->done++) {
			err = lru_hash_cut(to_hash(map), run->keys, NULL);
			if (unlikely(err))
				break;
			run->keys += map->key_size;
		}
		local_irq_restore(irqflags);
	}
	return err;
}

static int lru_hash_delete(struct bpfmap *map, const void *key)
{
	return lru_hash_remove(map, key, NULL);
}

static struct bpfmap_hash_elem *lru_hash_use(const struct bpfmap_hash *h,
					     const void *key)
{
	struct bpfmap_hash_elem *e = hash_get(h, key, hash_key(h, key));

	if (e)
		bpfmap_lru_mark(h->lru, e);
	return e;
}

static void *lru_hash_lookup_elem(struct bpfmap *map, const void *key)
{
	struct bpfmap_hash *h = to_hash(map);
	struct bpfmap_hash_elem *e = lru_hash_use(h, key);

	return e ? hash_value(h, e) : NULL;
}

static void *lru_percpu_hash_lookup_elem_cpu(struct bpfmap *map,
					     const void *key, u32 cpu)
{
	struct bpfmap_hash_elem *e = lru_hash_use(to_hash(map), key);

	return e ? hash_slot(map, e, cpu) : NULL;
}

static void *lru_percpu_hash_lookup_elem(struct bpfmap *map, const void *key)
{
	return lru_percpu_hash_lookup_elem_cpu(map, key,
					       raw_smp_processor_id());
}

static int lru_hash_copy(struct bpfmap *map, const void *key, void *value,
			 u64 flags)
{
	struct bpfmap_hash *h = to_hash(map);
	struct bpfmap_hash_elem *e;
	u32 seq;

	e = hash_find(h, key, hash_key(h, key), &seq);
	if (!e)
		return -ENOENT;
	if (!IS_ERR(e)) {
		hash_load(h, e, value, flags);
		if (likely(hash_unchanged(e, seq))) {
			bpfmap_lru_mark(h->lru, e);
			return 0;
		}
	}
	/* A writer interfered: an update, which has set the mark */
	return map->ops->lookup(map, key, value, flags);
}

static int lru_hash_check(const struct bpfmap_create_attr *attr)
{
	bool one_node = attr->map_flags & BPFMAP_F_NO_COMMON_LRU ||
			bpfmap_type_ops(attr->map_type)->percpu;
	int err = hash_check_flags(attr, HASH_FLAGS | BPFMAP_F_NO_COMMON_LRU);

	if (err)
		return err;
	if (attr->map_flags & BPFMAP_F_NO_PREALLOC)
		return -ENOTSUPP;
	if (attr->map_flags & BPFMAP_F_NUMA_NODE &&
	    attr->numa_node != NUMA_NO_NODE && one_node)
		return -EINVAL;
	return hash_check_sizes(attr);
}

/* Round max_entries, so that each CPU owns the same number of elements */
static struct bpfmap *lru_hash_alloc(const struct bpfmap_create_attr *attr)
{
	struct bpfmap_create_attr even = *attr;
	u32 odd = attr->max_entries % num_possible_cpus();

	if (!(attr->map_flags & BPFMAP_F_NO_COMMON_LRU))
		return hash_create(attr, 1);
	if (odd && check_add_overflow(attr->max_entries,
				      num_possible_cpus() - odd,
				      &even.max_entries))
		even.max_entries = attr->max_entries - odd;
	return hash_create(&even, nr_cpu_ids);
}

const struct bpfmap_ops bpfmap_lru_hash_ops = {
	.check = lru_hash_check,
	.alloc = lru_hash_alloc,
	.free = hash_free,
	.lookup_elem = lru_hash_lookup_elem,
	.lookup = hash_lookup,
	.copy = lru_hash_copy,
	.update = lru_hash_update,
	.delete = lru_hash_delete,
	.lookup_and_delete = lru_hash_remove,
	.get_next_key = hash_get_next_key,
	.for_each = hash_for_each,
	.walk = lru_hash_walk,
	.walk_direct = true,
	.update_run = lru_hash_update_run,
	.delete_run = lru_hash_delete_run,
	.batch = &bpfmap_batch_by_bucket,
	.mem_usage = hash_mem_usage,
};

const struct bpfmap_ops bpfmap_lru_percpu_hash_ops = {
	.percpu = true,
	.check = lru_hash_check,
	.alloc = lru_hash_alloc,
	.free = hash_free,
	.lookup_elem = lru_percpu_hash_lookup_elem,
	.lookup_percpu_elem = lru_percpu_hash_lookup_elem_cpu,
	.lookup = percpu_hash_lookup,
	.copy = lru_hash_copy,
	.update = lru_percpu_hash_update,
	.delete = lru_hash_delete,
	.lookup_and_delete = lru_hash_remove,
	.get_next_key = hash_get_next_key,
	.for_each = hash_for_each,
	.walk = lru_hash_walk,
	.walk_direct = true,
	.update_run = lru_hash_update_run,
	.delete_run = lru_hash_delete_run,
	.batch = &bpfmap_batch_by_bucket,
	.mem_usage = percpu_hash_mem_usage,
};
