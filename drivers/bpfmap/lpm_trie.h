/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef _BPFMAP_LPM_TRIE_H
#define _BPFMAP_LPM_TRIE_H

#include <linux/bitops.h>
#include <linux/cache.h>
#include <linux/minmax.h>
#include <linux/rcupdate.h>
#include <linux/rwsem.h>
#include <linux/spinlock.h>

#include "batch.h"
#include "internal.h"

/* A key is a prefix length and up to this many bytes of data */
#define LPM_HEAD	sizeof(u32)
#define LPM_DATA_MAX	256
#define LPM_WORDS	(LPM_DATA_MAX / sizeof(u64))

/**
 * struct lpm_node - a prefix
 * @child: subtrees after a 0 and a 1 following the prefix; written under the
 *	   lock
 * @next: in a list of nodes that are no longer in the trie; under the lock
 * @len: of the prefix in bits; constant as @bits
 * @intermediate: no element, only joins its children; set under the lock
 * @bits: all data of the key, including what follows the prefix; then the value
 */
struct lpm_node {
	struct lpm_node __rcu *child[2];
	struct lpm_node *next;
	u16 len;
	bool intermediate;
	u64 bits[];
};

/**
 * struct lpm_key - a key in the form for comparisons
 * @len: of the prefix in bits
 * @bits: the data; the last word is padded with zeros
 */
struct lpm_key {
	u32 len;
	u64 bits[LPM_WORDS];
};

/* Nodes that are in no trie; @first is the one added last */
struct lpm_list {
	struct lpm_node *first;
	struct lpm_node *last;
};

/**
 * struct lpm_chunk - memory for nodes, which start at LPM_CHUNK_HEAD
 * @next: next chunk
 */
struct lpm_chunk {
	struct lpm_chunk *next;
};

/**
 * struct bpfmap_lpm - a trie
 * @map: the common part
 * @root: written under @lock
 * @removals: incremented before each removal, under @lock
 * @data_size: bytes of the data in a key, constant as all up to @node_size
 * @max_len: the same in bits
 * @words: 64-bit words that it takes
 * @value_off: from a node to its value
 * @node_size: bytes from one node to the next
 * @lock: protects all links between nodes and the members below; irqs off
 * @nr_entries: nodes that are not intermediate
 * @free: nodes that no reader can see
 * @free_by_rcu: nodes that readers may see, waiting for the next grace period
 * @waiting_for_gp: the same, waiting for the grace period in progress
 * @call_rcu_in_progress: a grace period is in progress: @rcu is in use
 * @rcu: ends @waiting_for_gp
 * @sem: for maps with large values: held for writing to take a node, and for
 *	 reading to copy a value, so that its node is not reused. Only user
 *	 space takes it, and only user space writes such values; outside @lock
 * @chunks: all memory for nodes
 * @nr_bytes: of @chunks; read without the lock
 */
struct bpfmap_lpm {
	struct bpfmap map;
	struct lpm_node __rcu *root;
	u32 removals;
	u32 data_size;
	u32 max_len;
	u32 words;
	u32 value_off;
	u32 node_size;
	raw_spinlock_t lock ____cacheline_aligned_in_smp;
	u32 nr_entries;
	struct lpm_list free;
	struct lpm_list free_by_rcu;
	struct lpm_list waiting_for_gp;
	bool call_rcu_in_progress;
	struct rcu_head rcu;
	struct rw_semaphore sem;
	struct lpm_chunk *chunks;
	unsigned long nr_bytes;
};

static inline struct bpfmap_lpm *to_lpm(const struct bpfmap *map)
{
	return container_of(map, struct bpfmap_lpm, map);
}

static inline void *lpm_value(const struct bpfmap_lpm *t,
			      const struct lpm_node *node)
{
	return (void *)node + t->value_off;
}

/* For readers; any flavour of RCU is allowed */
#define lpm_get(p)	rcu_dereference_check(p, rcu_read_lock_any_held())

static inline u32 lpm_bit(const u64 *bits, u32 pos)
{
	return bits[pos / 64] >> (63 - pos % 64) & 1;
}

/* Length of the common prefix of two keys, at most @len bits */
static inline u32 lpm_common(const u64 *a, const u64 *b, u32 len)
{
	u32 i;

	for (i = 0; i * 64 < len; i++) {
		u64 diff = a[i] ^ b[i];

		if (diff)
			return min_t(u32, i * 64 + 64 - fls64(diff), len);
	}
	return len;
}

/*
 * Which child of @node leads to a key that is longer than its prefix? -1: none.
 * The first @from bits, those of the parent, are known to be equal. @word: keys
 * are one word; a constant for the compiler.
 */
static __always_inline int lpm_side(const struct lpm_node *node,
				    const u64 *bits, u32 from, bool word)
{
	u32 i = word ? 0 : from / 64, last = word ? 0 : node->len / 64;
	u32 shift = ~(u32)node->len % 64;

	for (; i < last; i++)
		if (node->bits[i] != bits[i])
			return -1;
	/* After the shift, bit 0 follows the prefix; the others are in it */
	if ((node->bits[last] ^ bits[last]) >> shift > 1)
		return -1;
	return bits[last] >> shift & 1;
}

static inline void lpm_list_add(struct lpm_list *list, struct lpm_node *node)
{
	if (!list->first)
		list->last = node;
	node->next = list->first;
	list->first = node;
}

/* Take a free node, of which there is one */
static inline struct lpm_node *lpm_take(struct bpfmap_lpm *t)
{
	struct lpm_node *node = t->free.first;

	lockdep_assert_held(&t->lock);

	t->free.first = node->next;
	return node;
}

/* @node is unlinked; readers that already found it may still use it */
static inline void lpm_free_by_rcu(struct bpfmap_lpm *t, struct lpm_node *node)
{
	lockdep_assert_held(&t->lock);

	lpm_list_add(&t->free_by_rcu, node);
}

/* lpm_node.c */
void lpm_start_gp(struct bpfmap_lpm *t);
void lpm_reclaim(struct rcu_head *rcu);
int lpm_grow(struct bpfmap_lpm *t, gfp_t gfp);
void lpm_free_nodes(struct bpfmap_lpm *t);
u64 lpm_mem_usage(const struct bpfmap *map);

/* Unlock a trie, and start a grace period if removed nodes need one */
static inline void lpm_unlock(struct bpfmap_lpm *t, unsigned long irqflags)
	__releases(&t->lock)
{
	bool call = t->free_by_rcu.first && !t->call_rcu_in_progress;

	if (call)
		lpm_start_gp(t);
	raw_spin_unlock_irqrestore(&t->lock, irqflags);
	if (call)
		call_rcu(&t->rcu, lpm_reclaim);
}

/* lpm_trie.c */
bool lpm_load_key(const struct bpfmap_lpm *t, struct lpm_key *k,
		  const void *key);
bool lpm_is_exact(const struct lpm_node *node, const u64 *bits, u32 len);
void lpm_store_key(const struct bpfmap_lpm *t, const struct lpm_node *node,
		   void *key);

/* lpm_many.c */
void lpm_lookup_many(struct bpfmap *map, struct bpfmap_many *many);
u32 lpm_lookup_elems(struct bpfmap *map, const void *keys, void **values,
		     u32 nr);

/* lpm_iter.c */
int lpm_get_next_key(struct bpfmap *map, const void *key, void *next_key);
long lpm_for_each(struct bpfmap *map, bpfmap_each_fn fn, void *ctx);
int lpm_walk(struct bpfmap *map, struct bpfmap_walk *w);

#endif /* _BPFMAP_LPM_TRIE_H */
