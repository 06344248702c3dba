/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef _BPFMAP_HASH_H
#define _BPFMAP_HASH_H

#include <linux/bitmap.h>
#include <linux/bits.h>
#include <linux/jhash.h>
#include <linux/mutex.h>

#include "batch.h"
#include "internal.h"
#include "keyed_hash.h"
#include "lru.h"
#include "pool.h"
#include "value.h"

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

/**
 * struct bpfmap_htab_stripe - lock of a run of buckets
 * @lock: protects heads and links of all chains in the run, and the LRU lists
 *	  of their elements; irqs off
 */
struct bpfmap_htab_stripe {
	raw_spinlock_t lock;
} ____cacheline_aligned_in_smp;

/* Longest key that is compared word by word */
#define HTAB_WORDS_MAX	64

/**
 * struct htab_snap - snapshot of a bucket being copied; see hash_large.c
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
	struct mutex mutex;	/* see above */
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

static inline raw_spinlock_t *htab_lock(const struct bpfmap_htab *h, u32 bucket)
{
	return &h->stripes[bucket >> h->stripe_shift].lock;
}

/* Is everything that was read from @e since @seq was loaded consistent? */
static inline bool htab_unchanged(const struct bpfmap_htab_elem *e, u32 seq)
{
	/* Pairs with smp_wmb() in htab_write_begin() */
	smp_rmb();
	return READ_ONCE(e->seq) == seq;
}

/* Until htab_write_end(), readers discard what they read from @e */
static inline void htab_write_begin(struct bpfmap_htab_elem *e)
{
	WRITE_ONCE(e->seq, e->seq + 1);
	/* Pairs with smp_rmb() in htab_unchanged() */
	smp_wmb();
}

static inline void htab_write_end(struct bpfmap_htab_elem *e)
{
	/* Pairs with smp_load_acquire() in htab_find() */
	smp_store_release(&e->seq, e->seq + 1);
}

void __htab_save(struct bpfmap_htab *h, const struct bpfmap_htab_elem *e,
		 bool cut);

/*
 * Call before changing or removing (@cut) an element, with its stripe locked: a
 * snapshot may need its current content.
 */
static __always_inline void htab_save(struct bpfmap_htab *h,
				      const struct bpfmap_htab_elem *e, bool cut)
{
	if (unlikely(READ_ONCE(h->snap.bucket) != HTAB_NO_BUCKET))
		__htab_save(h, e, cut);
}

/**
 * htab_cut() - remove an element from its chain
 * @h: the table
 * @e: the element
 * @link: the link to it; the chain's stripe is locked
 *
 * Return: its index. The caller owns it now.
 */
static __always_inline u32 htab_cut(struct bpfmap_htab *h,
				    struct bpfmap_htab_elem *e, u32 *link)
{
	u32 index = *link;

	htab_save(h, e, true);
	/* @next stays: readers on @e go on to the rest of the chain */
	WRITE_ONCE(*link, e->next);
	/* Odd from here on, even if a large value is being written */
	WRITE_ONCE(e->seq, (e->seq + 1) | 1);
	/* Pairs with smp_rmb() in htab_unchanged() */
	smp_wmb();
	return index;
}

/* Remove an element from a locked chain, and free it at once */
static __always_inline void htab_unlink(struct bpfmap_htab *h,
					struct bpfmap_htab_elem *e, u32 *link)
{
	bpfmap_pool_free(&h->pool, htab_cut(h, e, link), &e->pool);
}

/* The same in a map that evicts; @group is the chain's */
static __always_inline void htab_lru_unlink(struct bpfmap_htab *h,
					    struct bpfmap_htab_elem *e,
					    u32 *link, u32 group)
{
	u32 index = htab_cut(h, e, link);

	bpfmap_lru_del(h->lru, group, e);
	bpfmap_lru_free(h->lru, index, e);
}

static __always_inline void htab_store(const struct bpfmap_htab *h,
				       struct bpfmap_htab_elem *e,
				       const void *value, u64 flags, bool fresh,
				       bool percpu)
{
	if (percpu)
		bpfmap_percpu_store(&h->map, e, value, flags, fresh, htab_slot);
	else if (unlikely(h->value_size > BPFMAP_ATOMIC_COPY))
		bpfmap_copy_large(htab_value(h, e), value, h->value_size);
	else
		bpfmap_value_store(htab_value(h, e), value, h->value_size);
}

/* Replace a value that is not large; the stripe is locked */
static __always_inline void htab_replace(struct bpfmap_htab *h,
					 struct bpfmap_htab_elem *e,
					 const void *value, u64 flags,
					 bool percpu)
{
	htab_save(h, e, false);
	htab_write_begin(e);
	htab_store(h, e, value, flags, false, percpu);
	htab_write_end(e);
}

/* Fill in a new element, which the caller owns */
static __always_inline void htab_fill(const struct bpfmap_htab *h,
				      struct bpfmap_htab_elem *e,
				      const void *key, u32 hash,
				      const void *value, u64 flags, bool percpu)
{
	/* @seq is odd, and has been since htab_cut() or htab_elem_init() */
	WRITE_ONCE(e->hash, hash);
	bpfmap_value_store(e->key, key, h->map.key_size);
	htab_store(h, e, value, flags, true, percpu);
}

/* Insert an element into a locked chain */
static __always_inline void htab_link(struct bpfmap_htab *h,
				      struct bpfmap_htab_elem *e, u32 index,
				      u32 hash)
{
	u32 *head = &h->heads[hash & h->mask];

	WRITE_ONCE(e->next, *head);
	htab_write_end(e);
	/* Pairs with the address dependency on the link in htab_find() */
	smp_store_release(head, index);
}

/* Hash of a key; the key is aligned to 4 if key_size is a multiple of 4 */
static __always_inline u32 htab_hash(const struct bpfmap_htab *h,
				     const void *key)
{
	u32 size = h->map.key_size;

	if (likely(!(h->map.flags & BPFMAP_F_ZERO_SEED)))
		return bpfmap_keyed_hash(&h->secret, key, size);
	/* As in bpf(2), to give the same order */
	return size & 3 ? jhash(key, size, 0) : jhash2(key, size / 4, 0);
}

/* Most keys are short and whole words: no call for those */
static __always_inline bool htab_same_key(const void *elem_key, const void *key,
					  u32 size)
{
	const u32 *a = elem_key, *b = key;

	/* The compiler inlines these */
	if (likely(size == 8))
		return !memcmp(a, b, 8);
	if (size == 4)
		return !memcmp(a, b, 4);
	if (unlikely(size & 3 || size > HTAB_WORDS_MAX))
		return !memcmp(a, b, size);
	for (; size >= 16; size -= 16, a += 4, b += 4)
		if (memcmp(a, b, 16))
			return false;
	if (size & 8 && memcmp(a, b, 8))
		return false;
	return !(size & 4) || a[(size & 8) / 4] == b[(size & 8) / 4];
}

static __always_inline bool htab_matches(const struct bpfmap_htab *h,
					 const struct bpfmap_htab_elem *e,
					 const void *key, u32 hash)
{
	if (READ_ONCE(e->hash) != hash)
		return false;
	/* data_race: the caller discards the result if @seq has changed */
	return data_race(htab_same_key(e->key, key, h->map.key_size));
}

/**
 * htab_seek() - look for a key with its stripe locked
 * @h: the table, whose keys are not large
 * @key: the key
 * @hash: of the key
 * @elem: out: the element
 * @length: out, if the key is absent: length of the chain, up to HTAB_CHAIN_MAX
 *
 * Return: the link to the element, NULL if the key is absent.
 */
static __always_inline u32 *
htab_seek(const struct bpfmap_htab *h, const void *key, u32 hash,
	  struct bpfmap_htab_elem **elem, u32 *length)
{
	u32 nr, *link = &h->heads[hash & h->mask];

	lockdep_assert_held(htab_lock(h, hash & h->mask));

	for (nr = 0; !(*link & HTAB_END); nr++) {
		struct bpfmap_htab_elem *e = htab_elem(h, *link);

		if (htab_matches(h, e, key, hash)) {
			*elem = e;
			return link;
		}
		link = &e->next;
	}
	*length = nr;
	return NULL;
}

/* htab_seek() for callers that insert nothing */
static __always_inline u32 *
__htab_find_link(const struct bpfmap_htab *h, const void *key, u32 hash,
		 struct bpfmap_htab_elem **elem)
{
	u32 length;

	return htab_seek(h, key, hash, elem, &length);
}

/**
 * htab_find() - one lockless attempt to look for a key
 * @h: the table
 * @key: the key
 * @hash: of the key
 * @seq: out: of the element, for htab_unchanged() after reading from it
 *
 * Return: the element, NULL if the key was absent, or ERR_PTR(-EAGAIN) if a
 * writer interfered.
 */
static __always_inline struct bpfmap_htab_elem *
htab_find(const struct bpfmap_htab *h, const void *key, u32 hash, u32 *seq)
{
	u32 bucket = hash & h->mask;
	u32 link = READ_ONCE(h->heads[bucket]);

	while (likely(!(link & HTAB_END))) {
		struct bpfmap_htab_elem *e = htab_elem(h, link);

		/* Pairs with smp_store_release() in htab_write_end() */
		*seq = smp_load_acquire(&e->seq);
		if (htab_matches(h, e, key, hash))
			return unlikely(*seq & 1) ? ERR_PTR(-EAGAIN) : e;
		link = READ_ONCE(e->next);
	}
	return unlikely(link != (HTAB_END | bucket)) ? ERR_PTR(-EAGAIN) : NULL;
}

/* Number of elements in a locked chain */
static __always_inline u32 htab_chain_length(const struct bpfmap_htab *h,
					     u32 link)
{
	u32 nr = 0;

	for (; !(link & HTAB_END); nr++)
		link = htab_elem(h, link)->next;
	return nr;
}

/* The link to an element of a locked bucket; NULL if it is not there */
static inline u32 *htab_link_to(const struct bpfmap_htab *h, u32 bucket,
				const struct bpfmap_htab_elem *e)
{
	u32 *link = &h->heads[bucket];

	lockdep_assert_held(htab_lock(h, bucket));

	while (!(*link & HTAB_END)) {
		struct bpfmap_htab_elem *other = htab_elem(h, *link);

		if (other == e)
			return link;
		link = &other->next;
	}
	return NULL;
}

struct bpfmap_htab_elem *htab_get_again(const struct bpfmap_htab *h,
					const void *key, u32 hash);

/**
 * htab_get() - look for a key, retrying until there is a definite answer
 * @h: the table
 * @key: the key
 * @hash: of the key
 *
 * Return: the element, NULL if the key is absent.
 */
static __always_inline struct bpfmap_htab_elem *
htab_get(const struct bpfmap_htab *h, const void *key, u32 hash)
{
	struct bpfmap_htab_elem *e;
	u32 seq;

	e = htab_find(h, key, hash, &seq);
	if (likely(!e || (!IS_ERR(e) && htab_unchanged(e, seq))))
		return e;
	return htab_get_again(h, key, hash);
}

void htab_percpu_load_large(const struct bpfmap_htab *h,
			    const struct bpfmap_htab_elem *e, void *value);

static __always_inline void __htab_load(const struct bpfmap_htab *h,
					const struct bpfmap_htab_elem *e,
					void *value, u64 flags, bool percpu)
{
	if (percpu && bpfmap_copies_large(&h->map, flags))
		htab_percpu_load_large(h, e, value);
	else if (percpu)
		bpfmap_percpu_load(&h->map, value, e, flags, htab_slot);
	else if (unlikely(h->value_size > BPFMAP_ATOMIC_COPY))
		bpfmap_copy_large(value, htab_value(h, e), h->value_size);
	else
		bpfmap_value_load(value, htab_value(h, e), h->value_size);
}

/**
 * htab_load() - copy the value of an element out
 * @h: the table
 * @e: the element, locked or to be checked with htab_unchanged()
 * @value: bpfmap_user_value_size() bytes; for maps of maps a pointer
 * @flags: element flags
 *
 * Context: Sleeps if the value is large.
 */
static inline void htab_load(const struct bpfmap_htab *h,
			     const struct bpfmap_htab_elem *e, void *value,
			     u64 flags)
{
	__htab_load(h, e, value, flags, h->map.ops->percpu);
}

/* Copy an element to @place of a walk; the caller keeps out writers of @e */
static __always_inline void htab_copy_elem(const struct bpfmap_htab *h,
					   const struct bpfmap_htab_elem *e,
					   struct bpfmap_walk *w, u32 place)
{
	u32 stride = bpfmap_user_value_size(&h->map, w->flags);

	memcpy(w->keys + (size_t)place * h->map.key_size, e->key,
	       h->map.key_size);
	if (w->take)
		w->take(w, place, htab_value(h, e));
	else
		htab_load(h, e, w->values + (size_t)place * stride, w->flags);
}

/* -EAGAIN: nothing changed and the pool must grow */
static __always_inline int htab_insert(struct bpfmap_htab *h, const void *key,
				       u32 hash, const void *value, u64 flags,
				       const bool percpu)
{
	s64 index = bpfmap_pool_take(&h->pool);

	if (unlikely(index < 0))
		return index;
	htab_fill(h, htab_elem(h, index), key, hash, value, flags, percpu);
	htab_link(h, htab_elem(h, index), index, hash);
	return 0;
}

/**
 * htab_upsert() - insert an element or replace its value; stripe locked
 * @h: the table, of a type that does not evict; not @h->large
 * @key: the key
 * @hash: of the key
 * @value: in its stored form
 * @flags: element flags that the type allows
 * @old: out: the replaced value, if not NULL
 * @percpu: does the type have one value per CPU?
 *
 * Return: 0, -EEXIST, -ENOENT or -E2BIG; -EAGAIN if nothing changed and
 * bpfmap_pool_grow() can help.
 */
static __always_inline int htab_upsert(struct bpfmap_htab *h, const void *key,
				       u32 hash, const void *value, u64 flags,
				       void *old, const bool percpu)
{
	u64 mode = bpfmap_update_mode(flags);
	struct bpfmap_htab_elem *e;
	u32 length;

	if (!htab_seek(h, key, hash, &e, &length)) {
		if (mode == BPFMAP_F_EXIST)
			return -ENOENT;
		if (unlikely(length >= HTAB_CHAIN_MAX))
			return -E2BIG;
		return htab_insert(h, key, hash, value, flags, percpu);
	}
	if (mode == BPFMAP_F_NOEXIST)
		return -EEXIST;
	if (old)
		htab_load(h, e, old, 0);
	htab_replace(h, e, value, flags, percpu);
	return 0;
}

/* hash.c */
u32 *htab_find_lock(const struct bpfmap_htab *h, const void *key, u32 hash,
		    struct bpfmap_htab_elem **elem, unsigned long *irqflags)
	__acquires(htab_lock(h, hash & h->mask));
int htab_lookup(struct bpfmap *map, const void *key, void *value, u64 flags);
int htab_percpu_lookup(struct bpfmap *map, const void *key, void *value,
		       u64 flags);
int htab_exchange(struct bpfmap *map, const void *key, const void *value,
		  u64 flags, gfp_t gfp, void *old);
int htab_lookup_and_delete(struct bpfmap *map, const void *key, void *value);
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
int htab_upsert_large(struct bpfmap *map, const void *key, const void *value,
		      u64 flags, gfp_t gfp, void *old);
int htab_remove_large(struct bpfmap *map, const void *key, void *value);
int htab_lookup_large(struct bpfmap *map, const void *key, u32 hash,
		      void *value, u64 flags);
int htab_walk_bucket(struct bpfmap_htab *h, struct bpfmap_walk *w);

/* hash_lru.c */
u32 htab_lru_take_unlocked(struct bpfmap_htab *h, u32 group);
void htab_lru_shorten(struct bpfmap_htab *h, u32 bucket);

/* hash_run.c */
int htab_update_run(struct bpfmap *map, struct bpfmap_run *run, gfp_t gfp);
int htab_percpu_update_run(struct bpfmap *map, struct bpfmap_run *run,
			   gfp_t gfp);
int htab_delete_run(struct bpfmap *map, struct bpfmap_run *run);

#endif /* _BPFMAP_HASH_H */
