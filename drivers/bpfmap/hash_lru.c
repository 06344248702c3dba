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
 * Updates of present keys and look-ups of modules set the ref of an element;
 * look-ups from user space (as in bpf(2)), batches and get_next_key do not.
 *
 * An insert holds a stripe lock (its own, or others one after the other), or
 * has irqs off, for no longer than it takes to look at HTAB_CHAIN_MAX elements
 * of its bucket, LRU_SCAN refs, and twice the list of each stripe: 16 per CPU.
 */
#include <linux/overflow.h>

#include "hash_bucket.h"

static u32 htab_lru_group(const struct bpfmap_htab *h, u32 hash)
{
	return (hash & h->mask) >> h->stripe_shift;
}

/* Evict an element from a stripe. Returns its index or BPFMAP_POOL_NONE */
static u32 htab_lru_evict(struct bpfmap_htab *h, u32 group)
{
	struct bpfmap_htab_elem *e;

	lockdep_assert_held(&h->stripes[group].lock);

	e = bpfmap_lru_evict(h->lru, group, bpfmap_lru_owner_cpu(h->lru));
	if (unlikely(!e))
		return BPFMAP_POOL_NONE;
	return htab_cut(h, e, htab_link_to(h, e->hash & h->mask, e));
}

/* Take an element for a new key in a locked stripe: free, or evicted there */
static u32 htab_lru_take(struct bpfmap_htab *h, u32 group)
{
	const struct bpfmap_lru_list *list;
	u32 index = bpfmap_lru_take(h->lru);

	if (index != BPFMAP_POOL_NONE)
		return index;
	list = bpfmap_lru_list(h->lru, group, bpfmap_lru_owner_cpu(h->lru));
	if (unlikely(list->nr <= h->lru->low))
		return BPFMAP_POOL_NONE;
	return htab_lru_evict(h, group);
}

/* Evict from the next stripe that has more than @least; no lock is held */
static u32 htab_lru_take_over(struct bpfmap_htab *h, u32 group, u32 least)
{
	u32 cpu = bpfmap_lru_owner_cpu(h->lru);
	u32 i, index, nr = h->lru->nr_groups;

	for (i = 1; i <= nr; i++) {
		u32 other = (group + i) & (nr - 1);

		/* Racy check: do not lock a stripe that has too few */
		if (READ_ONCE(bpfmap_lru_list(h->lru, other, cpu)->nr) <= least)
			continue;
		raw_spin_lock(&h->stripes[other].lock);
		index = htab_lru_evict(h, other);
		raw_spin_unlock(&h->stripes[other].lock);
		if (index != BPFMAP_POOL_NONE)
			return index;
	}
	return BPFMAP_POOL_NONE;
}

static u32 htab_lru_take_elsewhere(struct bpfmap_htab *h, u32 group)
{
	u32 index;

	index = htab_lru_take_over(h, group, h->lru->fair);
	if (index == BPFMAP_POOL_NONE)
		index = htab_lru_take_over(h, group, 0);
	/* All elements are in flight between lists: try once more */
	return index != BPFMAP_POOL_NONE ? index : bpfmap_lru_take(h->lru);
}

/**
 * htab_lru_take_unlocked() - take an element for a key of an unlocked stripe
 * @h: the table
 * @group: number of the stripe
 *
 * Context: irqs off.
 * Return: the index of the element; BPFMAP_POOL_NONE: try again.
 */
u32 htab_lru_take_unlocked(struct bpfmap_htab *h, u32 group)
{
	u32 index;

	raw_spin_lock(&h->stripes[group].lock);
	index = htab_lru_take(h, group);
	raw_spin_unlock(&h->stripes[group].lock);
	return index != BPFMAP_POOL_NONE ? index :
					   htab_lru_take_elsewhere(h, group);
}

/**
 * htab_lru_shorten() - remove the oldest element of an overlong bucket
 * @h: the table
 * @bucket: a bucket that is locked and not empty
 */
void htab_lru_shorten(struct bpfmap_htab *h, u32 bucket)
{
	u32 *link = &h->heads[bucket];
	struct bpfmap_htab_elem *e = htab_elem(h, *link);

	lockdep_assert_held(htab_lock(h, bucket));

	while (!(e->next & HTAB_END)) {
		link = &e->next;
		e = htab_elem(h, *link);
	}
	htab_lru_unlink(h, e, link, bucket >> h->stripe_shift);
}

/**
 * struct lru_upsert - an update in progress
 * @key: the key
 * @value: the value
 * @flags: element flags
 * @hash: of the key
 * @index: an element for it, or BPFMAP_POOL_NONE
 */
struct lru_upsert {
	const void *key;
	const void *value;
	u64 flags;
	u32 hash;
	u32 index;
};

/* -EAGAIN: nothing changed; up->index is needed */
static int htab_lru_upsert_locked(struct bpfmap_htab *h, struct lru_upsert *up)
{
	u64 mode = bpfmap_update_mode(up->flags);
	u32 length, group = htab_lru_group(h, up->hash);
	struct bpfmap_htab_elem *e;

	if (htab_seek(h, up->key, up->hash, &e, &length)) {
		if (mode == BPFMAP_F_NOEXIST)
			return -EEXIST;
		htab_replace(h, e, up->value, up->flags, h->map.ops->percpu);
		bpfmap_lru_set_ref(h->lru, e);
		return 0;
	}
	if (mode == BPFMAP_F_EXIST)
		return -ENOENT;
	if (unlikely(length >= HTAB_CHAIN_MAX))
		htab_lru_shorten(h, up->hash & h->mask);

	if (likely(up->index == BPFMAP_POOL_NONE)) {
		up->index = htab_lru_take(h, group);
		if (unlikely(up->index == BPFMAP_POOL_NONE))
			return -EAGAIN;
	}
	e = htab_elem(h, up->index);
	bpfmap_lru_add(h->lru, group, bpfmap_lru_owner_cpu(h->lru), e);
	htab_fill(h, e, up->key, up->hash, up->value, up->flags,
		  h->map.ops->percpu);
	htab_link(h, e, up->index, up->hash);
	up->index = BPFMAP_POOL_NONE;
	return 0;
}

/*
 * The stripe has too few elements: evict elsewhere, and look for the key again.
 * -EAGAIN: nothing changed
 */
static int htab_lru_upsert_slow(struct bpfmap_htab *h, struct lru_upsert *up)
{
	u32 group = htab_lru_group(h, up->hash);
	int err;

	up->index = htab_lru_take_elsewhere(h, group);
	if (up->index == BPFMAP_POOL_NONE)
		return -EAGAIN;

	raw_spin_lock(&h->stripes[group].lock);
	err = htab_lru_upsert_locked(h, up);
	/* Another CPU inserted the key */
	if (up->index != BPFMAP_POOL_NONE)
		bpfmap_lru_free(h->lru, up->index, htab_elem(h, up->index));
	raw_spin_unlock(&h->stripes[group].lock);
	return err;
}

/*
 * The caller keeps irqs off, so that all elements are of one CPU. -EAGAIN:
 * nothing changed
 */
static int htab_lru_upsert(struct bpfmap_htab *h, const void *key,
			   const void *value, u64 flags)
{
	struct lru_upsert up = {
		.key = key,
		.value = value,
		.flags = flags,
		.hash = htab_hash(h, key),
		.index = BPFMAP_POOL_NONE,
	};
	raw_spinlock_t *lock = htab_lock(h, up.hash & h->mask);
	int err;

	raw_spin_lock(lock);
	err = htab_lru_upsert_locked(h, &up);
	raw_spin_unlock(lock);
	if (unlikely(err == -EAGAIN))
		err = htab_lru_upsert_slow(h, &up);
	return err;
}

/* Enables interrupts between attempts that found no element */
static noinline int htab_lru_update_again(struct bpfmap *map, const void *key,
					  const void *value, u64 flags)
{
	int tries, err = -EAGAIN;
	unsigned long irqflags;

	for (tries = 1; tries < HTAB_TRIES && err == -EAGAIN; tries++) {
		cpu_relax();
		local_irq_save(irqflags);
		err = htab_lru_upsert(to_htab(map), key, value, flags);
		local_irq_restore(irqflags);
	}
	return err == -EAGAIN ? -ENOMEM : err;
}

static int htab_lru_do_update(struct bpfmap *map, const void *key,
			      const void *value, u64 flags, gfp_t gfp)
{
	unsigned long irqflags;
	int err;

	if (unlikely(to_htab(map)->large))
		return htab_upsert_large(map, key, value, flags, gfp, NULL);
	local_irq_save(irqflags);
	err = htab_lru_upsert(to_htab(map), key, value, flags);
	local_irq_restore(irqflags);
	if (unlikely(err == -EAGAIN))
		return htab_lru_update_again(map, key, value, flags);
	return err;
}

static int htab_lru_update(struct bpfmap *map, const void *key,
			   const void *value, u64 flags, gfp_t gfp)
{
	if (!bpfmap_update_flags_ok(flags, false))
		return -EINVAL;
	return htab_lru_do_update(map, key, value, flags, gfp);
}

static int htab_lru_percpu_update(struct bpfmap *map, const void *key,
				  const void *value, u64 flags, gfp_t gfp)
{
	if (!bpfmap_update_flags_ok(flags, true))
		return -EINVAL;
	return htab_lru_do_update(map, key, value, flags, gfp);
}

/* @value may be NULL; irqs are off */
static __always_inline int htab_lru_cut(struct bpfmap_htab *h, const void *key,
					void *value)
{
	u32 hash = htab_hash(h, key), *link;
	raw_spinlock_t *lock = htab_lock(h, hash & h->mask);
	struct bpfmap_htab_elem *e;

	raw_spin_lock(lock);
	link = __htab_find_link(h, key, hash, &e);
	if (link) {
		if (value)
			htab_load(h, e, value, 0);
		htab_lru_unlink(h, e, link, htab_lru_group(h, hash));
	}
	raw_spin_unlock(lock);
	return link ? 0 : -ENOENT;
}

static __always_inline int htab_lru_remove(struct bpfmap *map, const void *key,
					   void *value)
{
	unsigned long irqflags;
	int err;

	if (unlikely(to_htab(map)->large))
		return htab_remove_large(map, key, value);
	local_irq_save(irqflags);
	err = htab_lru_cut(to_htab(map), key, value);
	local_irq_restore(irqflags);
	return err;
}

static __always_inline void htab_lru_run_next(const struct bpfmap *map,
					      struct bpfmap_run *run)
{
	run->keys += map->key_size;
	run->values += bpfmap_user_value_size(map, run->flags);
	run->done++;
}

/* As update and delete, with interrupts off over several elements */
static int htab_lru_update_run(struct bpfmap *map, struct bpfmap_run *run,
			       gfp_t gfp)
{
	unsigned long irqflags;
	int err = 0;
	u32 end;

	while (!err && run->done < run->nr) {
		end = bpfmap_run_end(run);
		local_irq_save(irqflags);
		while (!err && run->done < end) {
			err = htab_lru_upsert(to_htab(map), run->keys,
					      run->values, run->flags);
			if (likely(!err))
				htab_lru_run_next(map, run);
		}
		local_irq_restore(irqflags);
		if (likely(err != -EAGAIN))
			continue;
		err = htab_lru_update_again(map, run->keys, run->values,
					    run->flags);
		if (!err)
			htab_lru_run_next(map, run);
	}
	return err;
}

static int htab_lru_delete_run(struct bpfmap *map, struct bpfmap_run *run)
{
	unsigned long irqflags;
	int err = 0;
	u32 end;

	while (!err && run->done < run->nr) {
		local_irq_save(irqflags);
		for (end = bpfmap_run_end(run); run->done < end; run->done++) {
			err = htab_lru_cut(to_htab(map), run->keys, NULL);
			if (unlikely(err))
				break;
			run->keys += map->key_size;
		}
		local_irq_restore(irqflags);
	}
	return err;
}

static int htab_lru_delete(struct bpfmap *map, const void *key)
{
	return htab_lru_remove(map, key, NULL);
}

static struct bpfmap_htab_elem *htab_lru_get(const struct bpfmap_htab *h,
					     const void *key)
{
	struct bpfmap_htab_elem *e = htab_get(h, key, htab_hash(h, key));

	if (e)
		bpfmap_lru_set_ref(h->lru, e);
	return e;
}

static void *htab_lru_lookup_elem(struct bpfmap *map, const void *key)
{
	struct bpfmap_htab *h = to_htab(map);
	struct bpfmap_htab_elem *e = htab_lru_get(h, key);

	return e ? htab_value(h, e) : NULL;
}

static void *htab_lru_percpu_lookup_elem_cpu(struct bpfmap *map,
					     const void *key, u32 cpu)
{
	struct bpfmap_htab_elem *e = htab_lru_get(to_htab(map), key);

	return e ? htab_slot(map, e, cpu) : NULL;
}

static void *htab_lru_percpu_lookup_elem(struct bpfmap *map, const void *key)
{
	return htab_lru_percpu_lookup_elem_cpu(map, key,
					       raw_smp_processor_id());
}

static int htab_lru_copy(struct bpfmap *map, const void *key, void *value,
			 u64 flags)
{
	struct bpfmap_htab *h = to_htab(map);
	struct bpfmap_htab_elem *e;
	u32 seq;

	e = htab_find(h, key, htab_hash(h, key), &seq);
	if (!e)
		return -ENOENT;
	if (!IS_ERR(e)) {
		htab_load(h, e, value, flags);
		if (likely(htab_unchanged(e, seq))) {
			bpfmap_lru_set_ref(h->lru, e);
			return 0;
		}
	}
	/* A writer interfered: an update, which has set @ref */
	return map->ops->lookup(map, key, value, flags);
}

static int htab_lru_check(const struct bpfmap_create_attr *attr)
{
	bool percpu = bpfmap_type_ops(attr->map_type)->percpu;
	bool one_node = attr->map_flags & BPFMAP_F_NO_COMMON_LRU || percpu;
	u32 allowed = percpu ? BPFMAP_LRU_PERCPU_HASH_FLAGS :
			       BPFMAP_LRU_HASH_FLAGS;
	int err = htab_check_flags(attr, allowed | BPFMAP_F_NO_PREALLOC);

	if (err)
		return err;
	if (attr->map_flags & BPFMAP_F_NO_PREALLOC)
		return -ENOTSUPP;
	if (attr->map_flags & BPFMAP_F_NUMA_NODE &&
	    attr->numa_node != NUMA_NO_NODE && one_node)
		return -EINVAL;
	return htab_check_sizes(attr);
}

/* Round max_entries, so that each CPU owns the same number of elements */
static struct bpfmap *htab_lru_alloc(const struct bpfmap_create_attr *attr)
{
	struct bpfmap_create_attr even = *attr;
	u32 odd = attr->max_entries % num_possible_cpus();

	if (!(attr->map_flags & BPFMAP_F_NO_COMMON_LRU))
		return htab_create(attr, 1);
	if (odd &&
	    check_add_overflow(attr->max_entries, num_possible_cpus() - odd,
			       &even.max_entries))
		even.max_entries = attr->max_entries - odd;
	return htab_create(&even, nr_cpu_ids);
}

struct bpfmap_ops bpfmap_lru_hash_ops __ro_after_init = {
	.check = htab_lru_check,
	.alloc = htab_lru_alloc,
	.free = htab_free,
	.lookup_elem = htab_lru_lookup_elem,
	.lookup = htab_lookup,
	.lookup_many = htab_lookup_many,
	.lookup_elems = htab_lru_lookup_elems,
	.copy = htab_lru_copy,
	.update = htab_lru_update,
	.delete = htab_lru_delete,
	.lookup_and_delete = htab_lru_remove,
	.get_next_key = htab_get_next_key,
	.for_each = htab_for_each,
	.walk = htab_lru_walk,
	.walk_direct = true,
	.update_run = htab_lru_update_run,
	.delete_run = htab_lru_delete_run,
	.batch = &bpfmap_batch_by_bucket,
	.view_page = htab_view_page,
	.mem_usage = htab_mem_usage,
};

struct bpfmap_ops bpfmap_lru_percpu_hash_ops __ro_after_init = {
	.percpu = true,
	.check = htab_lru_check,
	.alloc = htab_lru_alloc,
	.free = htab_free,
	.lookup_elem = htab_lru_percpu_lookup_elem,
	.lookup_percpu_elem = htab_lru_percpu_lookup_elem_cpu,
	.lookup = htab_percpu_lookup,
	.lookup_many = htab_percpu_lookup_many,
	.copy = htab_lru_copy,
	.update = htab_lru_percpu_update,
	.delete = htab_lru_delete,
	.lookup_and_delete = htab_lru_remove,
	.get_next_key = htab_get_next_key,
	.for_each = htab_for_each,
	.walk = htab_lru_walk,
	.walk_direct = true,
	.update_run = htab_lru_update_run,
	.delete_run = htab_lru_delete_run,
	.batch = &bpfmap_batch_by_bucket,
	.mem_usage = htab_percpu_mem_usage,
};
