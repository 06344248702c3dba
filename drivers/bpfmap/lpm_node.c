// SPDX-License-Identifier: GPL-2.0-only
/*
 * Nodes of tries: allocated in chunks, which are freed with the map, and reused
 * a grace period after they left the trie
 */
#include <linux/log2.h>
#include <linux/mm.h>
#include <linux/sched.h>
#include <linux/sizes.h>
#include <linux/slab.h>

#include "lpm_trie.h"

/* Bytes of nodes to allocate at once; at least one node */
#define LPM_CHUNK_MIN	SZ_1K
#define LPM_CHUNK_MAX	SZ_32K
#define LPM_CHUNK_HEAD	L1_CACHE_BYTES

/* Move all of @from to @to */
static void lpm_list_splice(struct lpm_list *to, struct lpm_list *from)
{
	if (!from->first)
		return;
	if (!to->first)
		to->last = from->last;
	from->last->next = to->first;
	to->first = from->first;
	from->first = NULL;
}

/**
 * lpm_start_gp() - let removed nodes wait for a grace period
 * @t: the trie, locked; no grace period is in progress
 *
 * The caller calls call_rcu() after unlocking, before the map's last put.
 */
void lpm_start_gp(struct bpfmap_lpm *t)
{
	lockdep_assert_held(&t->lock);

	t->call_rcu_in_progress = true;
	lpm_list_splice(&t->waiting_for_gp, &t->free_by_rcu);
}

/**
 * lpm_reclaim() - free nodes, when a grace period has passed
 * @rcu: of the trie
 */
void lpm_reclaim(struct rcu_head *rcu)
{
	struct bpfmap_lpm *t = container_of(rcu, struct bpfmap_lpm, rcu);
	unsigned long irqflags;

	raw_spin_lock_irqsave(&t->lock, irqflags);
	lpm_list_splice(&t->free, &t->waiting_for_gp);
	t->call_rcu_in_progress = false;
	lpm_unlock(t, irqflags);
}

static bool lpm_gp_in_progress(struct bpfmap_lpm *t)
{
	unsigned long irqflags;
	bool in_progress;

	raw_spin_lock_irqsave(&t->lock, irqflags);
	in_progress = t->call_rcu_in_progress;
	raw_spin_unlock_irqrestore(&t->lock, irqflags);
	return in_progress;
}

/*
 * Wait until @t->rcu is unused; there are no more writers. One wait is not
 * enough if lpm_reclaim() is running and about to call call_rcu() again.
 */
static void lpm_wait_for_gp(struct bpfmap_lpm *t)
{
	while (lpm_gp_in_progress(t))
		rcu_barrier();
}

/*
 * The more memory there is, the larger the next chunk, within limits: large
 * ones can be hard to get. If nodes would leave much of a chunk unused,
 * allocate one.
 */
static size_t lpm_chunk_bytes(const struct bpfmap_lpm *t, gfp_t gfp)
{
	size_t max = gfpflags_allow_blocking(gfp) ? LPM_CHUNK_MAX : PAGE_SIZE;
	size_t one = LPM_CHUNK_HEAD + t->node_size;
	u64 want = READ_ONCE(t->nr_bytes) / 4;

	if (one > max / 4)
		return one;
	return roundup_pow_of_two(
		clamp_t(u64, want, max_t(size_t, one, LPM_CHUNK_MIN), max));
}

/**
 * lpm_grow() - allocate more nodes
 * @t: the trie
 * @gfp: GFP_KERNEL or GFP_ATOMIC
 *
 * Context: No lock held. Charged to the map's memory cgroup.
 * Return: 0 or -ENOMEM.
 */
int lpm_grow(struct bpfmap_lpm *t, gfp_t gfp)
{
	struct mem_cgroup *old = bpfmap_charge_begin(&t->map);
	size_t pos, bytes = lpm_chunk_bytes(t, gfp);
	struct lpm_list nodes = {};
	struct lpm_chunk *chunk;
	unsigned long irqflags;

	chunk = bpfmap_area_alloc(bytes, t->map.numa_node, gfp);
	bpfmap_charge_end(old);
	if (!chunk)
		return -ENOMEM;
	for (pos = LPM_CHUNK_HEAD; pos + t->node_size <= bytes;
	     pos += t->node_size)
		lpm_list_add(&nodes, (void *)chunk + pos);

	raw_spin_lock_irqsave(&t->lock, irqflags);
	chunk->next = t->chunks;
	t->chunks = chunk;
	WRITE_ONCE(t->nr_bytes, t->nr_bytes + bytes);
	lpm_list_splice(&t->free, &nodes);
	raw_spin_unlock_irqrestore(&t->lock, irqflags);
	return 0;
}

/**
 * lpm_free_nodes() - free the memory of all nodes
 * @t: the trie, which has no users any more
 */
void lpm_free_nodes(struct bpfmap_lpm *t)
{
	struct lpm_chunk *chunk, *next;

	lpm_wait_for_gp(t);
	for (chunk = t->chunks; chunk; chunk = next) {
		next = chunk->next;
		kvfree(chunk);
		cond_resched();
	}
}

/* As in struct bpfmap_ops */
u64 lpm_mem_usage(const struct bpfmap *map)
{
	const struct bpfmap_lpm *t = to_lpm(map);

	return sizeof(*t) + READ_ONCE(t->nr_bytes);
}
