// SPDX-License-Identifier: GPL-2.0-only
/*
 * Runs: many elements of a hash table, written one after the other
 *
 * As hash.c, but with interrupts off over several elements, and with removed
 * elements returned to the pool in one list. They get there slightly later than
 * after a single removal, so an insert in between finds the map still as full.
 *
 * Interrupts are off for up to BPFMAP_RUN elements that are not large, of 4 KiB
 * in total or a single one, and a chain for each.
 */
#include "hash_bucket.h"

/* Write some elements of a run; irqs are off */
static __always_inline int htab_update_some(struct bpfmap_htab *h,
					    struct bpfmap_run *run, u32 end,
					    const bool percpu)
{
	u32 i, hash, key_size = h->map.key_size;
	u32 value_size = percpu ? bpfmap_user_value_size(&h->map, run->flags) :
				  h->map.value_size;
	raw_spinlock_t *lock;
	int err = 0;

	for (i = run->done; i < end; i++) {
		hash = htab_hash(h, run->keys);
		lock = htab_lock(h, hash & h->mask);
		raw_spin_lock(lock);
		err = htab_upsert(h, run->keys, hash, run->values, run->flags,
				  NULL, percpu);
		raw_spin_unlock(lock);
		if (unlikely(err))
			break;
		run->keys += key_size;
		run->values += value_size;
	}
	run->done = i;
	return err;
}

static __always_inline int htab_do_update_run(struct bpfmap *map,
					      struct bpfmap_run *run, gfp_t gfp,
					      const bool percpu)
{
	struct bpfmap_htab *h = to_htab(map);
	unsigned long irqflags;
	int err = 0;

	while (!err && run->done < run->nr) {
		local_irq_save(irqflags);
		err = htab_update_some(h, run, bpfmap_run_end(run), percpu);
		local_irq_restore(irqflags);
		if (unlikely(err == -EAGAIN))
			err = bpfmap_pool_grow(&h->pool, gfp);
	}
	return err;
}

/**
 * htab_update_run() - insert elements or replace their values
 * @map: the map, not of a per-CPU type
 * @run: the elements
 * @gfp: for new ones
 */
int htab_update_run(struct bpfmap *map, struct bpfmap_run *run, gfp_t gfp)
{
	return htab_do_update_run(map, run, gfp, false);
}

/**
 * htab_percpu_update_run() - the same for per-CPU types
 * @map: the map
 * @run: the elements
 * @gfp: for new ones
 */
int htab_percpu_update_run(struct bpfmap *map, struct bpfmap_run *run,
			   gfp_t gfp)
{
	return htab_do_update_run(map, run, gfp, true);
}

/* Delete some elements of a run; irqs are off */
static int htab_delete_some(struct bpfmap_htab *h, struct bpfmap_run *run,
			    u32 end)
{
	u32 i, hash, *link, index, key_size = h->map.key_size;
	struct bpfmap_pool_bundle free;
	struct bpfmap_htab_elem *e;
	raw_spinlock_t *lock;

	bpfmap_pool_bundle_init(&free);
	for (i = run->done; i < end; i++) {
		hash = htab_hash(h, run->keys);
		lock = htab_lock(h, hash & h->mask);
		raw_spin_lock(lock);
		link = __htab_find_link(h, run->keys, hash, &e);
		if (likely(link))
			index = htab_cut(h, e, link);
		raw_spin_unlock(lock);
		if (unlikely(!link))
			break;
		bpfmap_pool_bundle_add(&free, index, &e->pool);
		run->keys += key_size;
	}
	bpfmap_pool_free_bundle(&h->pool, &free);
	run->done = i;
	return i < end ? -ENOENT : 0;
}

/**
 * htab_delete_run() - remove elements
 * @map: the map, of a type that does not evict
 * @run: their keys
 */
int htab_delete_run(struct bpfmap *map, struct bpfmap_run *run)
{
	struct bpfmap_htab *h = to_htab(map);
	unsigned long irqflags;
	int err = 0;

	while (!err && run->done < run->nr) {
		local_irq_save(irqflags);
		err = htab_delete_some(h, run, bpfmap_run_end(run));
		local_irq_restore(irqflags);
	}
	return err;
}
