// SPDX-License-Identifier: GPL-2.0-only
/*
 * Elements with per-CPU free lists
 *
 * Each element is either taken or in exactly one list. A CPU uses its own list,
 * and searches the others' when that is empty, so that any CPU can get the last
 * element. The idea of per-CPU lists is that of kernel/bpf/percpu_freelist.c;
 * indexes instead of pointers halve the links, allow a link and a counter to be
 * replaced as one word, and allow chunks to be added one by one without
 * preallocation.
 */
#include <linux/log2.h>
#include <linux/mm.h>
#include <linux/sched.h>
#include <linux/slab.h>

#include "internal.h"
#include "pool.h"

static u32 pool_nr_chunks(const struct bpfmap_pool *pool)
{
	u32 per_chunk = 1U << pool->chunk_shift;

	return DIV_ROUND_UP_ULL(pool->nr_max, per_chunk);
}

static u32 pool_chunk_elems(const struct bpfmap_pool *pool, u32 first)
{
	return min_t(u32, 1U << pool->chunk_shift, pool->nr_max - first);
}

/* Bytes of a chunk of @nr elements */
static u64 pool_chunk_bytes(const struct bpfmap_pool *pool, u32 nr)
{
	u64 bytes = (u64)nr * pool->elem_size;

	if (!pool->shown)
		return bytes;
	if (pool->apart)
		bytes += pool->apart + pool->apart_size - pool->elem_size;
	return PAGE_ALIGN(bytes);
}

/* Bytes of the chunks of the first @nr elements */
static u64 pool_bytes(const struct bpfmap_pool *pool, u32 nr)
{
	u64 chunks = nr >> pool->chunk_shift;
	u32 rest = nr & pool->chunk_mask;

	return chunks * pool_chunk_bytes(pool, 1U << pool->chunk_shift) +
	       (rest ? pool_chunk_bytes(pool, rest) : 0);
}

static void pool_free_memory(const struct bpfmap_pool *pool, void *chunk,
			     u32 nr)
{
	if (pool->shown)
		bpfmap_area_free_pages(chunk, pool_chunk_bytes(pool, nr));
	else
		kvfree(chunk);
}

/* @nr elements of @of were set up; exit must not be called for others */
static void pool_free_chunk(struct bpfmap_pool *pool, void *chunk, u32 nr,
			    u32 of, gfp_t gfp)
{
	u32 i;

	for (i = 0; i < nr && pool->ops->exit; i++) {
		pool->ops->exit(pool->map, chunk + (size_t)i * pool->elem_size);
		if (gfpflags_allow_blocking(gfp))
			cond_resched();
	}
	pool_free_memory(pool, chunk, of);
}

static void *pool_alloc_chunk(struct bpfmap_pool *pool, u32 nr, gfp_t gfp)
{
	void *chunk;
	u32 i;

	if (pool->shown)
		chunk = bpfmap_area_pages(pool_chunk_bytes(pool, nr), gfp);
	else
		chunk = bpfmap_area_alloc(pool_chunk_bytes(pool, nr),
					  pool->map->numa_node,
					  gfp | __GFP_ZERO);
	if (!chunk)
		return NULL;

	for (i = 0; i < nr; i++) {
		void *elem = chunk + (size_t)i * pool->elem_size;

		if (pool->ops->init(pool->map, elem, gfp)) {
			pool_free_chunk(pool, chunk, i, nr, gfp);
			return NULL;
		}
		if (gfpflags_allow_blocking(gfp))
			cond_resched();
	}
	return chunk;
}

static struct bpfmap_pool_elem *pool_link(struct bpfmap_pool *pool, u32 index)
{
	return bpfmap_pool_elem(pool, index);
}

/*
 * Add elements first..first+nr-1, which nobody else knows, to lists of CPUs.
 * For a new chunk this runs under grow_lock: HTAB_GROW_MAX bytes, or one
 * element
 */
static void pool_add_range(struct bpfmap_pool *pool, u32 first, u32 nr, int cpu)
{
	unsigned long flags;
	u32 i;

	for (i = first; i < first + nr - 1; i++)
		pool_link(pool, i)->next_free = i + 1;
	local_irq_save(flags);
	bpfmap_pool_push(per_cpu_ptr(pool->lists, cpu), first,
			 pool_link(pool, first + nr - 1));
	local_irq_restore(flags);
}

/* Give each CPU a share, so that the first inserts need not search others' */
static void pool_spread(struct bpfmap_pool *pool)
{
	u32 cpus = num_possible_cpus();
	u32 first = 0, done = 0;
	int cpu;

	for_each_possible_cpu(cpu) {
		u32 end = div_u64((u64)pool->nr_max * ++done, cpus);

		if (end > first)
			pool_add_range(pool, first, end - first, cpu);
		first = end;
	}
}

static int pool_fill(struct bpfmap_pool *pool)
{
	u32 i, nr;

	for (i = 0; i < pool_nr_chunks(pool); i++) {
		nr = pool_chunk_elems(pool, pool->nr_ready);
		pool->chunks[i] = pool_alloc_chunk(pool, nr, GFP_KERNEL);
		if (!pool->chunks[i])
			return -ENOMEM;
		pool->nr_ready += nr;
		if (fatal_signal_pending(current))
			return -ENOMEM;
	}
	pool_spread(pool);
	return 0;
}

/**
 * bpfmap_pool_create() - set up a pool
 * @pool: in the map's struct; @shown, @apart and @apart_size are set, the rest
 *	  is zero
 * @map: owner; max_entries and numa_node are set
 * @ops: owner's hooks
 * @elem_size: bytes of an element, a multiple of 8
 * @chunk_elems: elements to allocate at once, rounded up to a power of two
 * @prealloc: allocate all elements now, instead of on demand
 *
 * Return: 0 or -ENOMEM; call bpfmap_pool_destroy() in both cases.
 */
int bpfmap_pool_create(struct bpfmap_pool *pool, struct bpfmap *map,
		       const struct bpfmap_pool_ops *ops, u32 elem_size,
		       u32 chunk_elems, bool prealloc)
{
	int cpu;

	pool->map = map;
	pool->ops = ops;
	pool->elem_size = elem_size;
	pool->nr_max = map->max_entries;
	pool->chunk_shift = order_base_2(chunk_elems);
	pool->chunk_mask = (1U << pool->chunk_shift) - 1;
	raw_spin_lock_init(&pool->grow_lock);

	pool->lists = alloc_percpu_gfp(struct bpfmap_pool_list,
				       GFP_KERNEL_ACCOUNT | __GFP_NOWARN);
	if (!pool->lists)
		return -ENOMEM;
	for_each_possible_cpu(cpu) {
		struct bpfmap_pool_list *list = per_cpu_ptr(pool->lists, cpu);

		atomic64_set(&list->head, BPFMAP_POOL_NONE);
		list->victim = cpu;
	}
	pool->chunks = bpfmap_area_alloc(
		(u64)pool_nr_chunks(pool) * sizeof(*pool->chunks),
		map->numa_node, GFP_KERNEL | __GFP_ZERO);
	if (!pool->chunks)
		return -ENOMEM;
	if (!prealloc)
		return 0;
	if (!bpfmap_mem_available(pool_bytes(pool, pool->nr_max)))
		return -ENOMEM;
	return pool_fill(pool);
}

/**
 * bpfmap_pool_destroy() - free all elements
 * @pool: passed to bpfmap_pool_create() before, or all zero
 *
 * Context: Process context, after the last reader's grace period.
 */
void bpfmap_pool_destroy(struct bpfmap_pool *pool)
{
	u32 i, nr, first = 0;

	for (i = 0; first < pool->nr_ready; i++) {
		nr = pool_chunk_elems(pool, first);
		pool_free_chunk(pool, pool->chunks[i], nr, nr, GFP_KERNEL);
		first += nr;
		cond_resched();
	}
	kvfree(pool->chunks);
	free_percpu(pool->lists);
}

/**
 * bpfmap_pool_grow() - allocate one more chunk
 * @pool: the pool
 * @gfp: GFP_KERNEL or GFP_ATOMIC
 *
 * Context: No lock held. Charged to the map's memory cgroup.
 * Return: 0 if bpfmap_pool_take() should be tried again, or -ENOMEM.
 */
int bpfmap_pool_grow(struct bpfmap_pool *pool, gfp_t gfp)
{
	struct mem_cgroup *old = bpfmap_charge_begin(pool->map);
	u32 first = READ_ONCE(pool->nr_ready);
	u32 nr = pool_chunk_elems(pool, first);
	unsigned long flags;
	void *chunk = NULL;

	if (nr)
		chunk = pool_alloc_chunk(pool, nr, gfp);
	bpfmap_charge_end(old);
	if (!chunk)
		return nr ? -ENOMEM : 0;

	raw_spin_lock_irqsave(&pool->grow_lock, flags);
	if (pool->nr_ready != first) {
		/* Another CPU was faster: there are elements now */
		raw_spin_unlock_irqrestore(&pool->grow_lock, flags);
		pool_free_chunk(pool, chunk, nr, nr, gfp);
		return 0;
	}
	/* Zeroed before a page fault of a view can find it */
	smp_store_release(&pool->chunks[first >> pool->chunk_shift], chunk);
	pool_add_range(pool, first, nr, raw_smp_processor_id());
	/* Pairs with smp_load_acquire() in bpfmap_pool_steal() */
	smp_store_release(&pool->nr_ready, first + nr);
	if (pool->shown)
		/* Pairs with the acquire of readers in user space */
		smp_store_release(pool->shown, first + nr);
	raw_spin_unlock_irqrestore(&pool->grow_lock, flags);
	return 0;
}

/**
 * bpfmap_pool_steal() - take an element from any CPU's list
 * @pool: the pool
 *
 * Checks the list of each CPU once.
 *
 * Context: irqs off.
 * Return: as bpfmap_pool_take().
 */
s64 bpfmap_pool_steal(struct bpfmap_pool *pool)
{
	struct bpfmap_pool_list *own = this_cpu_ptr(pool->lists);
	/* Load this before the lists: elements are added before it grows */
	u32 ready = smp_load_acquire(&pool->nr_ready);
	u32 index, i, cpu = own->victim;

	for (i = 0; i < nr_cpu_ids; i++) {
		if (cpu_possible(cpu)) {
			index = bpfmap_pool_pop(pool,
						per_cpu_ptr(pool->lists, cpu));
			if (index != BPFMAP_POOL_NONE) {
				own->victim = cpu;
				return index;
			}
		}
		if (++cpu >= nr_cpu_ids)
			cpu = 0;
	}
	return ready < pool->nr_max ? -EAGAIN : -E2BIG;
}

/**
 * bpfmap_pool_mem_usage() - bytes of all allocated elements
 * @pool: the pool
 */
u64 bpfmap_pool_mem_usage(const struct bpfmap_pool *pool)
{
	return pool_bytes(pool, READ_ONCE(pool->nr_ready)) +
	       (u64)pool_nr_chunks(pool) * sizeof(*pool->chunks) +
	       (u64)num_possible_cpus() * sizeof(struct bpfmap_pool_list);
}
