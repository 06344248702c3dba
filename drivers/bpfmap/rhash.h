/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef _BPFMAP_RHASH_H
#define _BPFMAP_RHASH_H

#include <linux/llist.h>
#include <linux/rcupdate.h>
#include <linux/spinlock.h>

#include "batch.h"
#include "internal.h"
#include "keyed_hash.h"
#include "value.h"

/* Bits of rhash_elem.seq; the bits above are the count */
#define RHASH_BUSY	1U	/* the value is being written */
#define RHASH_DEAD	2U	/* deleted */
#define RHASH_STEP	4U

/**
 * struct rhash_elem - an element
 * @rcu: for freeing
 * @retired: for freeing large elements; first, as in struct rhash_table
 * @next: next element of the chain; written under the stripe's lock
 * @hash: of the key; constant, as is the key
 * @seq: written under the stripe's lock, as is the value; see RHASH_BUSY
 * @key: the key and, at bpfmap_rhash.value_off, the value. A large value is
 *	 constant, and a refcount_t follows its last 8 bytes
 */
struct rhash_elem {
	union {
		struct rcu_head rcu;
		struct llist_node retired;
	};
	struct rhash_elem __rcu *next;
	u32 hash;
	u32 seq;
	u8 key[] __aligned(8);
};

/**
 * struct rhash_table - the buckets
 * @retired: for freeing; first, as in struct rhash_elem
 * @shift: bucket = hash >> shift; constant
 * @heads: the first element of each chain; written under the stripe's lock
 */
struct rhash_table {
	struct llist_node retired;
	u32 shift;
	struct rhash_elem __rcu *heads[];
};

/**
 * struct rhash_stripe - elements that share a lock: a range of hashes
 * @lock: protects chains and heads of the range and the content of its
 *	  elements; irqs off
 * @table: holds the chains of hashes from @pos on; protected by @lock, as are
 *	   @also and @pos
 * @also: holds the chains of hashes below @pos; its heads are kept valid, as
 *	  are those of @table; NULL: no resize in progress
 * @pos: see @table and @also
 * @nr: elements; written under @lock, read without
 */
struct rhash_stripe {
	raw_spinlock_t lock;
	struct rhash_table *table;
	struct rhash_table *also;
	u64 pos;
	u32 nr;
} ____cacheline_aligned_in_smp;

/**
 * struct bpfmap_rhash - a map
 * @map: the common part
 * @table: used by readers; written by @resize only
 * @stripes: by the first bits of the hash
 * @stripe_shift: stripe = hash >> stripe_shift; constant, as all up to @secret
 * @min_bits: log2 of the buckets of the smallest table, which has at least one
 *	      per stripe
 * @value_off: from an element to its value
 * @elem_size: bytes of an element
 * @secret: of the hash function
 * @grow_at: with more elements than this the table is too small; written by
 *	     @resize, as is @shrink_at
 * @shrink_at: with fewer elements it is too large
 * @resize: work that replaces the table
 * @reap: work that frees @retired
 * @retired: tables and large elements, to be freed after a grace period
 * @nr: elements
 */
struct bpfmap_rhash {
	struct bpfmap map;
	struct rhash_table __rcu *table;
	struct rhash_stripe *stripes;
	u32 stripe_shift;
	u32 min_bits;
	u32 value_off;
	u32 elem_size;
	struct bpfmap_hash_secret secret;
	u32 grow_at;
	u32 shrink_at;
	struct work_struct resize;
	struct work_struct reap;
	struct llist_head retired;
	atomic_t nr ____cacheline_aligned_in_smp;
};

/* Callers of bpfmap_lookup_elem() may use any flavour of RCU */
#define rhash_dereference(p) \
	rcu_dereference_check(p, rcu_read_lock_any_held())

static inline struct bpfmap_rhash *to_rhash(const struct bpfmap *map)
{
	return container_of(map, struct bpfmap_rhash, map);
}

static inline void *rhash_value(const struct bpfmap_rhash *h,
				const struct rhash_elem *e)
{
	return (void *)e + h->value_off;
}

static __always_inline u32 rhash_hash(const struct bpfmap_rhash *h,
				      const void *key)
{
	return bpfmap_keyed_hash(&h->secret, key, h->map.key_size);
}

static inline struct rhash_stripe *rhash_stripe(const struct bpfmap_rhash *h,
						u32 hash)
{
	return &h->stripes[hash >> h->stripe_shift];
}

static inline bool rhash_is_dead(const struct rhash_elem *e)
{
	return READ_ONCE(e->seq) & RHASH_DEAD;
}

/* The compiler inlines these sizes */
static __always_inline bool rhash_same_key(const struct rhash_elem *e,
					   const void *key, u32 size)
{
	if (likely(size == 8))
		return !memcmp(e->key, key, 8);
	if (size == 4)
		return !memcmp(e->key, key, 4);
	return !memcmp(e->key, key, size);
}

/**
 * rhash_moved() - has the table been replaced?
 * @h: the map
 * @t: in: table in which a chain has just ended; out: what readers use now
 *
 * Chains of a table that was replaced by a larger one may end too early. Caller
 * has stayed inside RCU since it loaded @t.
 */
static __always_inline bool rhash_moved(const struct bpfmap_rhash *h,
					const struct rhash_table **t)
{
	const struct rhash_table *now;

	/* Pairs with smp_wmb() in rhash_resize(): the end, then the table */
	smp_rmb();
	now = rhash_dereference(h->table);
	if (likely(now == *t))
		return false;
	*t = now;
	return true;
}

/**
 * rhash_find() - look for a key
 * @h: the map
 * @t: in: the table; out: a newer one, if that was used
 * @key: the key
 * @hash: of the key
 *
 * Caller is in an RCU read-side critical section.
 *
 * Return: the element, NULL if the key is absent.
 */
static __always_inline struct rhash_elem *
rhash_find(const struct bpfmap_rhash *h, const struct rhash_table **t,
	   const void *key, u32 hash)
{
	struct rhash_elem *e;

	do {
		e = rhash_dereference((*t)->heads[hash >> (*t)->shift]);
		for (; e; e = rhash_dereference(e->next)) {
			if (e->hash < hash)
				continue;
			if (e->hash > hash)
				return NULL;
			if (likely(rhash_same_key(e, key, h->map.key_size)))
				return e;
		}
	} while (unlikely(rhash_moved(h, t)));
	return NULL;
}

/* rhash_find() for callers that do not continue from there */
static __always_inline struct rhash_elem *
rhash_get(const struct bpfmap_rhash *h, const void *key, u32 hash)
{
	const struct rhash_table *t = rhash_dereference(h->table);

	return rhash_find(h, &t, key, hash);
}

/* rhash.c */
int rhash_lookup(struct bpfmap *map, const void *key, void *value, u64 flags);
bool rhash_take(struct bpfmap_rhash *h, const void *key, u32 hash, void *value);
void rhash_read_again(const struct bpfmap_rhash *h, const struct rhash_elem *e,
		      void *value);

/* One attempt to copy an untorn value. False: a writer interfered */
static __always_inline bool rhash_try_read(const struct bpfmap_rhash *h,
					   const struct rhash_elem *e,
					   void *value)
{
	/* Pairs with smp_store_release() in rhash_store() */
	u32 seq = smp_load_acquire(&e->seq);

	if (seq & RHASH_BUSY)
		return false;
	bpfmap_value_load(value, rhash_value(h, e), h->map.value_size);
	/* Pairs with smp_wmb() in rhash_store() */
	smp_rmb();
	return READ_ONCE(e->seq) == seq;
}

/**
 * rhash_read() - copy a value that is not large
 * @h: the map
 * @e: element; if it was deleted meanwhile, its last value is copied
 * @value: out: value_size bytes, never torn
 *
 * Caller is in an RCU read-side critical section.
 */
static __always_inline void rhash_read(const struct bpfmap_rhash *h,
				       const struct rhash_elem *e, void *value)
{
	u32 size = h->map.value_size;

	if (bpfmap_value_is_word(size))
		bpfmap_value_load(value, rhash_value(h, e), size);
	else if (unlikely(!rhash_try_read(h, e, value)))
		rhash_read_again(h, e, value);
}

/* rhash_iter.c */
int rhash_get_next_key(struct bpfmap *map, const void *key, void *next_key);
long rhash_for_each(struct bpfmap *map, bpfmap_each_fn fn, void *ctx);
int rhash_walk_from(struct bpfmap *map, struct bpfmap_walk *w, const void *from,
		    void *next);

/* rhash_table.c */
int rhash_tables_init(struct bpfmap_rhash *h, u32 hint);
void rhash_tables_free(struct bpfmap_rhash *h);
u64 rhash_tables_usage(const struct bpfmap_rhash *h);
void rhash_check_load(struct bpfmap_rhash *h);
void rhash_resize_now(struct bpfmap_rhash *h, gfp_t gfp);
void rhash_retire(struct bpfmap_rhash *h, struct llist_node *block);
void rhash_reap_now(struct bpfmap_rhash *h);

#endif /* _BPFMAP_RHASH_H */
