// SPDX-License-Identifier: GPL-2.0-only
/*
 * Many look-ups in a hash table
 *
 * In a table larger than the caches, a look-up waits for memory: for the head
 * of its bucket, and then for the element. The waits of a group of keys
 * overlap: hash all of them and prefetch the heads, prefetch the first elements
 * of the chains, and only then look at them. In a smaller table that only costs
 * instructions, as the processor finds enough to do by itself.
 *
 * As in hash.c, readers hold nothing. One that loses to a writer looks again by
 * itself.
 */
#include <linux/prefetch.h>
#include <linux/sizes.h>

#include "hash_bucket.h"

#define HTAB_GROUP	32

/* With as many buckets and elements, a table is not in the caches */
#define HTAB_FAR	SZ_64K

static bool htab_is_far(const struct bpfmap_htab *h)
{
	return h->mask >= HTAB_FAR;
}

/* Hash @nr keys, and prefetch what a look-up of them needs first */
static __always_inline void htab_group_begin(const struct bpfmap_htab *h,
					     const void *keys, u32 nr,
					     u32 *hashes, const u32 key_size)
{
	u32 i, link;

	for (i = 0; i < nr; i++, keys += key_size) {
		hashes[i] = __htab_hash(h, keys, key_size);
		prefetch(&h->heads[hashes[i] & h->mask]);
	}
	for (i = 0; i < nr; i++) {
		link = READ_ONCE(h->heads[hashes[i] & h->mask]);
		if (likely(!(link & HTAB_END)))
			prefetch(htab_elem(h, link));
	}
}

/**
 * struct htab_layout - of elements; where it is a constant, so it is in the
 * code
 * @key_size: bytes of a key
 * @value_size: bytes of a value, in the user's layout
 * @value_off: from an element to its value
 * @elem_size: bytes of an element
 * @seeded: the hash function has a secret
 * @percpu: the type has one value per CPU
 */
struct htab_layout {
	u32 key_size;
	u32 value_size;
	u32 value_off;
	u32 elem_size;
	bool seeded;
	bool percpu;
};

/* Most maps for counters and states */
#define HTAB_WORDS							\
	((struct htab_layout) { .key_size = 8, .value_size = 8,		\
				.value_off = 24, .elem_size = 32,	\
				.seeded = true })

static __always_inline struct htab_layout
htab_layout(const struct bpfmap_htab *h, u64 flags, const bool percpu)
{
	return (struct htab_layout) {
		.key_size = h->map.key_size,
		.value_size = percpu ? bpfmap_user_value_size(&h->map, flags) :
				       h->value_size,
		.value_off = h->value_off,
		.elem_size = h->pool.elem_size,
		.percpu = percpu,
	};
}

static bool htab_has_words(const struct bpfmap_htab *h)
{
	return h->map.key_size == HTAB_WORDS.key_size &&
	       h->value_size == HTAB_WORDS.value_size &&
	       h->value_off == HTAB_WORDS.value_off &&
	       h->pool.elem_size == HTAB_WORDS.elem_size &&
	       !(h->map.flags & BPFMAP_F_ZERO_SEED);
}

/* A command's look-up, after an attempt lost to a writer */
static noinline s32 htab_lookup_again(struct bpfmap_htab *h, const void *key,
				      void *value, u64 flags, u32 size)
{
	s32 err = h->map.ops->lookup(&h->map, key, value, flags);

	if (err)
		memset(value, 0, size);
	return err;
}

/*
 * htab_find(), and then the copy: together, because a look-up of many keys
 * spends its time here. @hash: its lower half counts; that the upper one need
 * not be cleared saves two instructions.
 */
static __always_inline s32 htab_lookup_hashed(struct bpfmap_htab *h,
					      const struct htab_layout l,
					      const void *key, u64 hash,
					      void *value, u64 flags)
{
	u32 seq, link = READ_ONCE(h->heads[hash & h->mask]);
	struct bpfmap_htab_elem *e;

	for (; likely(!(link & HTAB_END)); link = READ_ONCE(e->next)) {
		e = __bpfmap_pool_elem(&h->pool, link, l.elem_size);
		/* Pairs with smp_store_release() in htab_write_end() */
		seq = smp_load_acquire(&e->seq);
		if (READ_ONCE(e->hash) != (u32)hash)
			continue;
		/* data_race: as in htab_matches() */
		if (data_race(!htab_same_key(e->key, key, l.key_size)))
			continue;
		if (unlikely(seq & 1))
			goto again;
		if (l.percpu)
			bpfmap_percpu_load(&h->map, value, e, flags, htab_slot);
		else
			bpfmap_value_load(value, (void *)e + l.value_off,
					  l.value_size);
		if (unlikely(!htab_unchanged(e, seq)))
			goto again;
		return 0;
	}
	if (likely(link == (HTAB_END | (u32)(hash & h->mask)))) {
		memset(value, 0, l.value_size);
		return -ENOENT;
	}
again:
	return htab_lookup_again(h, key, value, flags, l.value_size);
}

static __always_inline void htab_lookup_far(struct bpfmap_htab *h,
					    const struct htab_layout l,
					    struct bpfmap_many *many)
{
	u32 i, at, nr, hashes[HTAB_GROUP] __bpfmap_uninit;
	const void *key = many->keys;
	void *value = many->values;

	for (at = 0; at < many->nr; at += nr) {
		nr = min_t(u32, many->nr - at, HTAB_GROUP);
		htab_group_begin(h, key, nr, hashes, l.key_size);
		for (i = 0; i < nr; i++) {
			many->results[at + i] = htab_lookup_hashed(
				h, l, key, hashes[i], value, many->flags);
			key += l.key_size;
			value += l.value_size;
		}
	}
}

static __always_inline void htab_lookup_near(struct bpfmap_htab *h,
					     const struct htab_layout l,
					     struct bpfmap_many *many)
{
	const void *keys = many->keys;
	void *values = many->values;
	s32 *results = many->results;
	u64 flags = many->flags;
	u32 nr = many->nr;
	u64 hash;
	size_t i;

	for (i = 0; i < nr; i++) {
		const void *key = keys + i * l.key_size;

		if (l.seeded)
			hash = bpfmap_keyed_hash(&h->secret, key, l.key_size);
		else
			hash = __htab_hash(h, key, l.key_size);
		results[i] = htab_lookup_hashed(
			h, l, key, hash, values + i * l.value_size, flags);
	}
}

/**
 * htab_lookup_many() - as in struct bpfmap_ops
 * @map: the map, not of a per-CPU type
 * @many: the elements
 */
void htab_lookup_many(struct bpfmap *map, struct bpfmap_many *many)
{
	struct bpfmap_htab *h = to_htab(map);

	if (htab_is_far(h))
		htab_lookup_far(h, htab_layout(h, 0, false), many);
	else if (htab_has_words(h))
		htab_lookup_near(h, HTAB_WORDS, many);
	else
		htab_lookup_near(h, htab_layout(h, 0, false), many);
}

/**
 * htab_percpu_lookup_many() - the same for per-CPU types
 * @map: the map
 * @many: the elements
 */
void htab_percpu_lookup_many(struct bpfmap *map, struct bpfmap_many *many)
{
	struct bpfmap_htab *h = to_htab(map);

	if (htab_is_far(h))
		htab_lookup_far(h, htab_layout(h, many->flags, true), many);
	else
		htab_lookup_near(h, htab_layout(h, many->flags, true), many);
}

static __always_inline u32 htab_do_lookup_elems(struct bpfmap_htab *h,
						const void *keys, void **values,
						u32 nr, const bool lru)
{
	u32 hashes[HTAB_GROUP] __bpfmap_uninit;
	u32 i, n, found = 0;
	struct bpfmap_htab_elem *e;

	for (; nr; nr -= n, values += n) {
		n = min_t(u32, nr, HTAB_GROUP);
		htab_group_begin(h, keys, n, hashes, h->map.key_size);
		for (i = 0; i < n; i++, keys += h->map.key_size) {
			e = htab_get(h, keys, hashes[i]);
			values[i] = e ? htab_value(h, e) : NULL;
			if (unlikely(!e))
				continue;
			found++;
			if (lru)
				bpfmap_lru_set_ref(h->lru, e);
		}
	}
	return found;
}

/**
 * htab_lookup_elems() - as in struct bpfmap_ops
 * @map: the map, not of a per-CPU type, nor of one that evicts
 * @keys: packed keys
 * @values: out
 * @nr: number of keys
 */
u32 htab_lookup_elems(struct bpfmap *map, const void *keys, void **values,
		      u32 nr)
{
	return htab_do_lookup_elems(to_htab(map), keys, values, nr, false);
}

/**
 * htab_lru_lookup_elems() - the same for a map that evicts
 * @map: the map
 * @keys: packed keys
 * @values: out
 * @nr: number of keys
 */
u32 htab_lru_lookup_elems(struct bpfmap *map, const void *keys, void **values,
			  u32 nr)
{
	return htab_do_lookup_elems(to_htab(map), keys, values, nr, true);
}
