// SPDX-License-Identifier: GPL-2.0-only
/*
 * Bloom filters: sets that may answer "perhaps" where "no" would be right
 *
 * A value sets a few bits, one per hash function. Function i is h1 + i * h2,
 * from two hashes of the value. A value was never added if one of its bits is
 * clear. Bits are set one by one and never cleared, so no lock is needed: a
 * value being added concurrently may or may not be found.
 *
 * The number of bits is bpf(2)'s, and with BPFMAP_F_ZERO_SEED so are the hash
 * functions, so that both give the same answers. bpf(2) uses jhash with
 * consecutive seeds. Adding one to the first three words of a value has the
 * same effect as adding one to the seed: so for any seed, one value sets all
 * bits but one of another value.
 */
#include <linux/bitops.h>
#include <linux/jhash.h>
#include <linux/log2.h>
#include <linux/overflow.h>
#include <linux/slab.h>

#include "internal.h"
#include "keyed_hash.h"

/* map_extra: number of hash functions, 0 for the default */
#define BLOOM_HASHES_MASK	15
#define BLOOM_HASHES		5

/**
 * struct bpfmap_bloom - a filter; all members are constant
 * @map: the common part
 * @mask: bits - 1
 * @nr_hashes: hash functions
 * @secret: of the hash functions, unless BPFMAP_F_ZERO_SEED is set
 * @bits: the bits; set atomically, read without a lock
 */
struct bpfmap_bloom {
	struct bpfmap map;
	u32 mask;
	u32 nr_hashes;
	struct bpfmap_hash_secret secret;
	unsigned long *bits;
};

static struct bpfmap_bloom *to_bloom(const struct bpfmap *map)
{
	return container_of(map, struct bpfmap_bloom, map);
}

/* The part of bloom_bit() that is the same for all bits of a value */
static u64 bloom_hash(const struct bpfmap_bloom *b, const void *value)
{
	if (unlikely(b->map.flags & BPFMAP_F_ZERO_SEED))
		return 0;
	return bpfmap_keyed_hash(&b->secret, value, b->map.value_size);
}

/* Bit number for hash function @i; @hash is from bloom_hash() */
static unsigned long bloom_bit(const struct bpfmap_bloom *b, const void *value,
			       u64 hash, u32 i)
{
	u32 size = b->map.value_size, step = hash >> 32 | 1;

	if (likely(!(b->map.flags & BPFMAP_F_ZERO_SEED)))
		return ((u32)hash + i * step) & b->mask;
	return (size & 3 ? jhash(value, size, i) : jhash2(value, size / 4, i)) &
	       b->mask;
}

static int bloom_peek(struct bpfmap *map, const void *key, void *value,
		      u64 flags)
{
	struct bpfmap_bloom *b = to_bloom(map);
	u64 hash = bloom_hash(b, value);
	u32 i;

	for (i = 0; i < b->nr_hashes; i++)
		if (!test_bit(bloom_bit(b, value, hash, i), b->bits))
			return -ENOENT;
	return 0;
}

static int bloom_push(struct bpfmap *map, const void *key, const void *value,
		      u64 flags, gfp_t gfp)
{
	struct bpfmap_bloom *b = to_bloom(map);
	unsigned long bit;
	u64 hash;
	u32 i;

	if (flags != BPFMAP_F_ANY)
		return -EINVAL;

	hash = bloom_hash(b, value);
	for (i = 0; i < b->nr_hashes; i++) {
		bit = bloom_bit(b, value, hash, i);
		/* Do not dirty the cache line if the bit is already set */
		if (!test_bit(bit, b->bits))
			set_bit(bit, b->bits);
	}
	return 0;
}

static int bloom_check(const struct bpfmap_create_attr *attr)
{
	if (attr->value_size > KMALLOC_MAX_SIZE)
		return -E2BIG;
	if (attr->key_size || !attr->value_size || !attr->max_entries ||
	    bpfmap_check_create_flags(attr, BPFMAP_BLOOM_FILTER_FLAGS) ||
	    attr->map_extra & ~(u64)BLOOM_HASHES_MASK)
		return -EINVAL;
	return 0;
}

/*
 * Entries times hash functions, divided by ln 2, which 5/7 approximates: the
 * size with the fewest false positives when the filter is full. Rounded up to a
 * power of two, a long at least and 2^32 at most. Returns the number of bits
 * minus one.
 */
static u32 bloom_mask(u32 max_entries, u32 nr_hashes)
{
	u32 bits;

	if (check_mul_overflow(max_entries, nr_hashes, &bits) ||
	    check_mul_overflow(bits / 5, 7U, &bits) || bits > 1U << 31)
		return U32_MAX;
	return max_t(u64, roundup_pow_of_two(max(bits, 1U)), BITS_PER_LONG) - 1;
}

static u64 bloom_bytes(const struct bpfmap_bloom *b)
{
	return ((u64)b->mask + 1) / BITS_PER_BYTE;
}

static struct bpfmap *bloom_alloc(const struct bpfmap_create_attr *attr)
{
	struct bpfmap_bloom *b = kzalloc(sizeof(*b), GFP_KERNEL_ACCOUNT);

	if (!b)
		return ERR_PTR(-ENOMEM);
	bpfmap_init_map(&b->map, attr);
	b->nr_hashes = attr->map_extra ?: BLOOM_HASHES;
	b->mask = bloom_mask(attr->max_entries, b->nr_hashes);
	bpfmap_hash_secret_init(&b->secret);

	b->bits = bpfmap_area_alloc(bloom_bytes(b), b->map.numa_node,
				    GFP_KERNEL | __GFP_ZERO);
	if (!b->bits) {
		kfree(b);
		return ERR_PTR(-ENOMEM);
	}
	return &b->map;
}

static void bloom_free(struct bpfmap *map)
{
	struct bpfmap_bloom *b = to_bloom(map);

	kvfree(b->bits);
	kfree(b);
}

static u64 bloom_mem_usage(const struct bpfmap *map)
{
	return sizeof(struct bpfmap_bloom) + bloom_bytes(to_bloom(map));
}

struct bpfmap_ops bpfmap_bloom_filter_ops __ro_after_init = {
	.map_extra = true,
	.lookup_by_value = true,
	.check = bloom_check,
	.alloc = bloom_alloc,
	.free = bloom_free,
	.lookup = bloom_peek,
	.update = bloom_push,
	.no_delete = -EOPNOTSUPP,
	.no_next_key = -EOPNOTSUPP,
	.mem_usage = bloom_mem_usage,
};
