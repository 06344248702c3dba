/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Keyed hash: users choose keys and can see buckets
 *
 * SipHash-1-3, as hsiphash() on 64 bits, but inlined and for keys of one size:
 * the final block with the length is omitted, since all keys of a map have the
 * same length. A user who sees hashes of his keys learns neither the map's
 * random state nor the hash of another key.
 */
#ifndef _BPFMAP_KEYED_HASH_H
#define _BPFMAP_KEYED_HASH_H

#include <linux/bitops.h>
#include <linux/compiler.h>
#include <linux/minmax.h>
#include <linux/random.h>
#include <linux/siphash.h>
#include <linux/string.h>
#include <linux/types.h>

/**
 * struct bpfmap_hash_secret - the secret of one map's hash function
 * @v: SipHash's state before the first block, after the part of the first round
 *     on v[0] and v[1] that does not depend on the block; constant, never
 *     exposed
 */
struct bpfmap_hash_secret {
	u64 v[4];
};

/* SIPHASH_PERMUTATION() consists of this ... */
static __always_inline void keyed_hash_half_1(u64 *v0, u64 *v1)
{
	*v0 += *v1;
	*v1 = rol64(*v1, 13) ^ *v0;
	*v0 = rol64(*v0, 32);
}

/* ... and this */
static __always_inline void keyed_hash_half_2(u64 *v0, u64 *v1, u64 *v2,
					      u64 *v3)
{
	*v2 += *v3;
	*v3 = rol64(*v3, 16) ^ *v2;
	*v0 += *v3;
	*v3 = rol64(*v3, 21) ^ *v0;
	*v2 += *v1;
	*v1 = rol64(*v1, 17) ^ *v2;
	*v2 = rol64(*v2, 32);
}

/**
 * bpfmap_hash_secret_set() - set up a hash function
 * @secret: out
 * @key: random
 */
static inline void bpfmap_hash_secret_set(struct bpfmap_hash_secret *secret,
					  const u64 key[2])
{
	secret->v[0] = key[0] ^ SIPHASH_CONST_0;
	secret->v[1] = key[1] ^ SIPHASH_CONST_1;
	secret->v[2] = key[0] ^ SIPHASH_CONST_2;
	secret->v[3] = key[1] ^ SIPHASH_CONST_3;
	keyed_hash_half_1(&secret->v[0], &secret->v[1]);
}

/**
 * bpfmap_hash_secret_init() - choose a hash function
 * @secret: of a map that is being created
 */
static inline void bpfmap_hash_secret_init(struct bpfmap_hash_secret *secret)
{
	u64 key[2];

	get_random_bytes(key, sizeof(key));
	bpfmap_hash_secret_set(secret, key);
	memzero_explicit(key, sizeof(key));
}

/* Load up to 8 bytes; no byte is left out */
static __always_inline u64 keyed_hash_short(const void *key, u32 size)
{
	const u8 *bytes = key;
	u32 first, last;

	if (size < 4)
		return bytes[0] | bytes[size / 2] << 8 | bytes[size - 1] << 16;
	memcpy(&first, bytes, 4);
	memcpy(&last, bytes + size - 4, 4);
	return first | (u64)last << 32;
}

/* The last block is the last 8 bytes, which may overlap the one before */
static __always_inline u64 keyed_hash_block(const void *key, u32 at, u32 size)
{
	u64 block;

	memcpy(&block, key + min(at, size - 8), 8);
	return block;
}

/**
 * bpfmap_keyed_hash() - hash of a key
 * @secret: of the map
 * @key: the key, any alignment
 * @size: of all keys of this map, not 0
 *
 * All bits of the result are equally good. hsiphash() uses 32 of them.
 *
 * Context: Any.
 */
static __always_inline u64 bpfmap_keyed_hash(
	const struct bpfmap_hash_secret *secret, const void *key, u32 size)
{
	u64 v0 = secret->v[0], v1 = secret->v[1];
	u64 v2 = secret->v[2], v3 = secret->v[3], block;
	u32 at = 0;

	block = size < 8 ? keyed_hash_short(key, size) :
			   keyed_hash_block(key, 0, size);
	for (;;) {
		v3 ^= block;
		keyed_hash_half_2(&v0, &v1, &v2, &v3);
		v0 ^= block;
		at += 8;
		if (likely(at >= size))
			break;
		keyed_hash_half_1(&v0, &v1);
		block = keyed_hash_block(key, at, size);
	}
	v2 ^= 0xff;
	SIPHASH_PERMUTATION(v0, v1, v2, v3);
	SIPHASH_PERMUTATION(v0, v1, v2, v3);
	SIPHASH_PERMUTATION(v0, v1, v2, v3);
	return v0 ^ v1 ^ v2 ^ v3;
}

#endif /* _BPFMAP_KEYED_HASH_H */
