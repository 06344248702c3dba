/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef _BPFMAP_HASH_H
#define _BPFMAP_HASH_H

#include <linux/bitmap.h>
#include <linux/bits.h>
#include <linux/mutex.h>

#include "batch.h"
#include "internal.h"
#include "keyed_hash.h"
#include "lru.h"
#include "pool.h"

/*
 * A link is the index of the next element, or, with this bit, the end of a
 * chain and the number of the bucket whose chain it is.
 */
#define HTAB_END	BIT(31)

/* Lockless attempts before a reader that keeps losing takes the lock */
#define HTAB_TRIES	16

/*
 * Maximum length of a chain: bounds the walk of a chain with its lock held.
 * There are as many buckets as elements, so keys that are not chosen to collide
 * never get near this.
 */
#define HTAB_CHAIN_MAX	256

/**
 * struct bpfmap_htab_elem - an element, or a free place for one
 * @pool: for the pool
 * @next: link; written under the stripe lock, read without
 * @seq: odd while key or value are invalid: in an element in no bucket, and
 *	 while the value is being written. Written under the stripe lock, or by
 *	 the owner of an element that no one else can find
 * @hash: of the key
 * @key: the key and, at the next multiple of 8, the value (for per-CPU values
 *	 a constant pointer to them); written while @seq is odd
 */
struct bpfmap_htab_elem {
	struct bpfmap_pool_elem pool;
	u32 next;
	u32 seq;
	u32 hash;
	u8 key[] __aligned(8);
};

/*
 * With BPFMAP_F_VIEW user space sees whole elements: nothing in them may be an
 * address. The node of an LRU list is apart from its element then.
 */

/**
 * struct bpfmap_htab_stripe - lock of a run of buckets
 * @lock: protects heads and links of all chains in the run, and the LRU lists
 *	  of their elements; irqs off
 */
struct bpfmap_htab_stripe {
	raw_spinlock_t lock;
} ____cacheline_aligned_in_smp;

/**
 * struct htab_snap - snapshot of a bucket being copied; see hash_snap.c
 * @bucket: number of the bucket, or HTAB_NO_BUCKET. Written with that bucket
 *	    and &bpfmap_hash.mutex locked, read without; all else is protected
 *	    by the lock of @bucket
 * @nr: elements
 * @index: of each
 * @walk: receives the copies
 * @saved: elements already copied
 * @broken: an element was removed before it was copied
 */
struct htab_snap {
	u32 bucket;
	u32 nr;
	u32 *index;
	struct bpfmap_walk *walk;
	DECLARE_BITMAP(saved, HTAB_CHAIN_MAX);
	bool broken;
};

#define HTAB_NO_BUCKET	U32_MAX

/**
 * struct bpfmap_htab - a hash table; constant except @snap, @mutex and @spare
 * @map: the common part
 * @heads: link of each bucket
 * @mask: buckets - 1
 * @secret: of the hash function, unless BPFMAP_F_ZERO_SEED is set
 * @value_off: from an element to its value
 * @value_size: bytes of a value in an element; unused for per-CPU values
 * @stripe_shift: log2 of the buckets that share a lock
 * @walk_max: elements to copy at once with a lock held; 0: not even one
 * @large: a key, or a value in the user's layout, is larger than
 *	   BPFMAP_ATOMIC_COPY: hash_large.c
 * @snap: a bucket that is being copied
 * @stripes: the locks
 * @pool: the elements
 * @lru: LRU lists, one group per stripe, in maps that evict; else NULL
 * @mutex: held by user space to write anything large; protects @snap
 * @spare: values of no element, for large values of all CPUs; under @mutex
 */
struct bpfmap_htab {
	struct bpfmap map;
	u32 *heads;
	u32 mask;
	u32 value_off;
	u32 value_size;
	u32 stripe_shift;
	u32 walk_max;
	bool large;
	struct htab_snap snap;
	struct bpfmap_htab_stripe *stripes;
	struct bpfmap_pool pool;
	struct bpfmap_lru *lru;
	struct bpfmap_hash_secret secret;
	struct mutex mutex; /* see above */
	void __percpu *spare;
};

static __always_inline struct bpfmap_htab *to_htab(const struct bpfmap *map)
{
	return container_of(map, struct bpfmap_htab, map);
}

static __always_inline struct bpfmap_htab_elem *
htab_elem(const struct bpfmap_htab *h, u32 index)
{
	return bpfmap_pool_elem(&h->pool, index);
}

static __always_inline void *htab_value(const struct bpfmap_htab *h,
					const struct bpfmap_htab_elem *e)
{
	return (void *)e + h->value_off;
}

/* Address of one CPU's value in a per-CPU element */
static __always_inline void *htab_slot(const struct bpfmap *map,
				       const void *elem, int cpu)
{
	void __percpu **values = htab_value(to_htab(map), elem);

	/* hash_large.c can swap the values of an element */
	return per_cpu_ptr(READ_ONCE(*values), cpu);
}

/* Bytes of the heads; with BPFMAP_F_VIEW they are pages of their own */
static inline u64 htab_heads_bytes(const struct bpfmap_htab *h)
{
	u64 bytes = ((u64)h->mask + 1) * sizeof(*h->heads);

	return h->map.view ? PAGE_ALIGN(bytes) : bytes;
}

static inline raw_spinlock_t *htab_lock(const struct bpfmap_htab *h, u32 bucket)
{
	return &h->stripes[bucket >> h->stripe_shift].lock;
}

/* hash.c */
u32 *htab_find_lock(const struct bpfmap_htab *h, const void *key, u32 hash,
		    struct bpfmap_htab_elem **elem, unsigned long *irqflags)
	__acquires(htab_lock(h, hash & h->mask));
struct bpfmap_htab_elem *htab_get_again(const struct bpfmap_htab *h,
					const void *key, u32 hash);
int htab_lookup(struct bpfmap *map, const void *key, void *value, u64 flags);
int htab_percpu_lookup(struct bpfmap *map, const void *key, void *value,
		       u64 flags);
int htab_exchange(struct bpfmap *map, const void *key, const void *value,
		  u64 flags, gfp_t gfp, void *old);
int htab_lookup_and_delete(struct bpfmap *map, const void *key, void *value);

/* hash_alloc.c */
struct bpfmap *htab_alloc(const struct bpfmap_create_attr *attr);
int htab_check_flags(const struct bpfmap_create_attr *attr, u32 allowed);
int htab_check_sizes(const struct bpfmap_create_attr *attr);
struct bpfmap *htab_create(const struct bpfmap_create_attr *attr,
			   u32 lru_owners);
void htab_free(struct bpfmap *map);
u64 htab_mem_usage(const struct bpfmap *map);
u64 htab_percpu_mem_usage(const struct bpfmap *map);

/* hash_iter.c */
int htab_get_next_key(struct bpfmap *map, const void *key, void *next_key);
long htab_for_each(struct bpfmap *map, bpfmap_each_fn fn, void *ctx);
int htab_walk(struct bpfmap *map, struct bpfmap_walk *w);
int htab_lru_walk(struct bpfmap *map, struct bpfmap_walk *w);

/* hash_large.c */
void htab_percpu_load_large(const struct bpfmap_htab *h,
			    const struct bpfmap_htab_elem *e, void *value);
int htab_upsert_large(struct bpfmap *map, const void *key, const void *value,
		      u64 flags, gfp_t gfp, void *old);
int htab_remove_large(struct bpfmap *map, const void *key, void *value);
void htab_free_elem(struct bpfmap_htab *h, u32 index);

/* hash_lru.c */
u32 htab_lru_take_unlocked(struct bpfmap_htab *h, u32 group);
void htab_lru_shorten(struct bpfmap_htab *h, u32 bucket);

/* hash_many.c */
void htab_lookup_many(struct bpfmap *map, struct bpfmap_many *many);
void htab_percpu_lookup_many(struct bpfmap *map, struct bpfmap_many *many);
u32 htab_lookup_elems(struct bpfmap *map, const void *keys, void **values,
		      u32 nr);
u32 htab_lru_lookup_elems(struct bpfmap *map, const void *keys, void **values,
			  u32 nr);

/* hash_run.c */
int htab_update_run(struct bpfmap *map, struct bpfmap_run *run, gfp_t gfp);
int htab_percpu_update_run(struct bpfmap *map, struct bpfmap_run *run,
			   gfp_t gfp);
int htab_delete_run(struct bpfmap *map, struct bpfmap_run *run);

/* hash_snap.c */
int htab_lookup_large(struct bpfmap *map, const void *key, u32 hash,
		      void *value, u64 flags);
void __htab_save(struct bpfmap_htab *h, const struct bpfmap_htab_elem *e,
		 bool cut);
int htab_walk_bucket(struct bpfmap_htab *h, struct bpfmap_walk *w);

/* hash_view.c */
u32 htab_view_shape(struct bpfmap_htab *h, u32 elem_size, bool lru, u32 *chunk);
void htab_view_describe(struct bpfmap_htab *h);
struct page *htab_view_page(struct bpfmap *map, pgoff_t pgoff);

#endif /* _BPFMAP_HASH_H */
