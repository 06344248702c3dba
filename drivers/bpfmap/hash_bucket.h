/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Chains of a hash table and their elements; inlined, as most of a command on
 * one element is in these functions
 */
#ifndef _BPFMAP_HASH_BUCKET_H
#define _BPFMAP_HASH_BUCKET_H

#include <linux/jhash.h>

#include "hash.h"
#include "value.h"

/* Longest key that is compared word by word */
#define HTAB_WORDS_MAX	64

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

/*
 * Call before changing or removing (@cut) an element, with its stripe locked: a
 * snapshot may need its current content.
 */
static __always_inline void
htab_save(struct bpfmap_htab *h, const struct bpfmap_htab_elem *e, bool cut)
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

/* Remove an element from a locked chain of a map that evicts, and free it */
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

/*
 * Hash of a key; the key is aligned to 4 if key_size is a multiple of 4. @size:
 * key_size; a constant for the compiler, where it is one.
 */
static __always_inline u32 __htab_hash(const struct bpfmap_htab *h,
				       const void *key, const u32 size)
{
	if (likely(!(h->map.flags & BPFMAP_F_ZERO_SEED)))
		return bpfmap_keyed_hash(&h->secret, key, size);
	/* As in bpf(2), to give the same order */
	return size & 3 ? jhash(key, size, 0) : jhash2(key, size / 4, 0);
}

static __always_inline u32 htab_hash(const struct bpfmap_htab *h,
				     const void *key)
{
	return __htab_hash(h, key, h->map.key_size);
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
static __always_inline u32 *htab_seek(const struct bpfmap_htab *h,
				      const void *key, u32 hash,
				      struct bpfmap_htab_elem **elem,
				      u32 *length)
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
static __always_inline u32 *__htab_find_link(const struct bpfmap_htab *h,
					     const void *key, u32 hash,
					     struct bpfmap_htab_elem **elem)
{
	u32 length;

	return htab_seek(h, key, hash, elem, &length);
}

/**
 * __htab_find() - one lockless attempt to look for a key
 * @h: the table
 * @key: the key
 * @size: key_size; a constant for the compiler, where it is one
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

#endif /* _BPFMAP_HASH_BUCKET_H */
