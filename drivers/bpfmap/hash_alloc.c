// SPDX-License-Identifier: GPL-2.0-only
/*
 * Creating and freeing hash tables
 */
#include <linux/capability.h>
#include <linux/log2.h>
#include <linux/mm.h>
#include <linux/sizes.h>
#include <linux/slab.h>

#include "hash.h"

/* bpf(2)'s limit: 4 GiB of its buckets, which are two longs, at least */
#define HTAB_MAX_BUCKETS	(BIT(31) / (2 * sizeof(long)))

/* Bytes of elements to allocate at once; at least one element */
#define HTAB_CHUNK_BYTES	SZ_2M
#define HTAB_GROW_MIN		SZ_2K
#define HTAB_GROW_MAX		SZ_32K
#define HTAB_PERCPU_CHUNK	16

static int htab_elem_init(struct bpfmap *map, void *elem, gfp_t gfp)
{
	struct bpfmap_htab_elem *e = elem;

	e->seq = 1;
	return 0;
}

static void __percpu *htab_alloc_values(const struct bpfmap *map, gfp_t gfp)
{
	return __alloc_percpu_gfp(bpfmap_value_stride(map), 8,
				  gfp | __GFP_ACCOUNT | __GFP_NOWARN |
					  __GFP_NORETRY);
}

static int htab_percpu_elem_init(struct bpfmap *map, void *elem, gfp_t gfp)
{
	void __percpu **values = htab_value(to_htab(map), elem);

	*values = htab_alloc_values(map, gfp);
	if (!*values)
		return -ENOMEM;
	return htab_elem_init(map, elem, gfp);
}

static void htab_percpu_elem_exit(struct bpfmap *map, void *elem)
{
	free_percpu(*(void __percpu **)htab_value(to_htab(map), elem));
}

static const struct bpfmap_pool_ops htab_pool_ops = {
	.init = htab_elem_init,
};

static const struct bpfmap_pool_ops htab_percpu_pool_ops = {
	.init = htab_percpu_elem_init,
	.exit = htab_percpu_elem_exit,
};

/**
 * htab_check_flags() - flag checks of all hash types, which come first
 * @attr: the request
 * @allowed: flags that the type knows
 *
 * Return: 0, -EPERM or -EINVAL.
 */
int htab_check_flags(const struct bpfmap_create_attr *attr, u32 allowed)
{
	/* A known seed makes collisions predictable */
	if (attr->map_flags & BPFMAP_F_ZERO_SEED && !capable(CAP_SYS_ADMIN))
		return -EPERM;
	/* A view's reader need not know jhash() */
	if (attr->map_flags & BPFMAP_F_ZERO_SEED &&
	    attr->map_flags & BPFMAP_F_VIEW)
		return -EINVAL;
	return bpfmap_check_create_flags(attr, allowed);
}

/**
 * htab_check_sizes() - size checks of all hash types, which come last
 * @attr: the request
 *
 * Return: 0, -EINVAL or -E2BIG.
 */
int htab_check_sizes(const struct bpfmap_create_attr *attr)
{
	const struct bpfmap_ops *ops = bpfmap_type_ops(attr->map_type);

	if (!attr->max_entries || !attr->key_size || !attr->value_size)
		return -EINVAL;
	if ((u64)attr->key_size + attr->value_size >= BPFMAP_HASH_MAX_ELEM)
		return -E2BIG;
	if (ops->percpu &&
	    round_up((u64)attr->value_size, 8) > BPFMAP_PERCPU_VALUE_MAX)
		return -E2BIG;
	return 0;
}

/* A few locks per CPU that can be here, each in its own cache line */
static int htab_alloc_stripes(struct bpfmap_htab *h, u32 lru_owners)
{
	u32 buckets = h->mask + 1;
	u32 nr = min_t(u32, buckets,
		       16 * roundup_pow_of_two(num_possible_cpus()));
	u32 i;

	/* An insert evicts from its own stripe: do not make it too small */
	if (lru_owners)
		nr = bpfmap_lru_groups(
			h->map.max_entries,
			lru_owners == 1 ? 1 : num_possible_cpus(), nr);
	h->stripe_shift = ilog2(buckets) - ilog2(nr);
	h->stripes = bpfmap_area_alloc((u64)nr * sizeof(*h->stripes),
				       h->map.numa_node, GFP_KERNEL);
	if (!h->stripes)
		return -ENOMEM;
	for (i = 0; i < nr; i++)
		raw_spin_lock_init(&h->stripes[i].lock);
	return 0;
}

static int htab_alloc_heads(struct bpfmap_htab *h)
{
	u32 i;

	if (h->map.view)
		h->heads = bpfmap_area_pages(htab_heads_bytes(h), GFP_KERNEL);
	else
		h->heads = bpfmap_area_alloc(htab_heads_bytes(h),
					     h->map.numa_node, GFP_KERNEL);
	if (!h->heads)
		return -ENOMEM;
	for (i = 0; i <= h->mask; i++)
		h->heads[i] = HTAB_END | i;
	return 0;
}

/*
 * Elements to allocate at once on demand: a power of two. Small enough that
 * small maps stay small, large enough that the allocator's rounding wastes at
 * most an eighth of the memory.
 */
static u32 htab_grow_elems(u32 elem_size)
{
	u32 nr, bytes, taken;

	for (nr = 1; 2ULL * nr * elem_size <= HTAB_GROW_MAX; nr *= 2) {
		bytes = nr * elem_size;
		taken = bytes <= PAGE_SIZE ? roundup_pow_of_two(bytes) :
					     PAGE_ALIGN(bytes);
		if (bytes >= HTAB_GROW_MIN && taken - bytes <= taken / 8)
			break;
	}
	return nr;
}

/* Bytes of an element, without its per-CPU part */
static u32 htab_elem_size(const struct bpfmap_htab *h, bool lru)
{
	return h->value_off + round_up(h->value_size, 8) +
	       (lru ? round_up(sizeof(struct bpfmap_lru_node), 8) : 0);
}

/*
 * Fail early if the elements cannot fit: initialising the buckets first would
 * take time, and memory from others meanwhile.
 */
static bool htab_fits(const struct bpfmap_htab *h, bool lru)
{
	u64 bytes = htab_heads_bytes(h);
	u64 elem_bytes = htab_elem_size(h, lru);

	if (h->map.ops->percpu)
		elem_bytes += bpfmap_user_value_size(&h->map, 0);
	if (!(h->map.flags & BPFMAP_F_NO_PREALLOC))
		bytes += h->map.max_entries * elem_bytes;
	return bpfmap_mem_available(bytes);
}

/* Elements to allocate at once: a power of two */
static u32 htab_chunk_elems(const struct bpfmap_htab *h, u32 elem_size)
{
	u32 chunk;

	if (!(h->map.flags & BPFMAP_F_NO_PREALLOC))
		chunk = rounddown_pow_of_two(
			max(HTAB_CHUNK_BYTES / elem_size, 1U));
	else if (h->map.ops->percpu)
		/* The allocator zeroes them, perhaps in atomic context */
		chunk = clamp_t(u32, BPFMAP_ATOMIC_COPY / h->map.user_size, 1,
				HTAB_PERCPU_CHUNK);
	else
		chunk = htab_grow_elems(elem_size);
	return min_t(u32, chunk, roundup_pow_of_two(h->map.max_entries));
}

static int htab_alloc_pool(struct bpfmap_htab *h, u32 lru_owners)
{
	bool prealloc = !(h->map.flags & BPFMAP_F_NO_PREALLOC);
	bool percpu = h->map.ops->percpu;
	u32 node_off = htab_elem_size(h, false);
	u32 elem_size, chunk;
	int err;

	if (h->map.view) {
		elem_size = htab_view_shape(h, node_off, lru_owners, &chunk);
		node_off = h->pool.apart;
	} else {
		elem_size = htab_elem_size(h, lru_owners);
		chunk = htab_chunk_elems(h, elem_size);
	}

	err = bpfmap_pool_create(&h->pool, &h->map,
				 percpu ? &htab_percpu_pool_ops :
					  &htab_pool_ops,
				 elem_size, chunk, prealloc);
	if (err || !lru_owners)
		return err;
	h->lru = bpfmap_lru_create(&h->pool, node_off,
				   (h->mask + 1) >> h->stripe_shift,
				   lru_owners);
	return h->lru ? 0 : -ENOMEM;
}

/**
 * htab_free() - free the table and its elements
 * @map: the map, possibly only partly set up
 */
void htab_free(struct bpfmap *map)
{
	struct bpfmap_htab *h = to_htab(map);

	bpfmap_lru_destroy(h->lru);
	bpfmap_pool_destroy(&h->pool);
	free_percpu(h->spare);
	if (map->view)
		bpfmap_area_free_pages(h->heads, htab_heads_bytes(h));
	else
		kvfree(h->heads);
	kvfree(h->stripes);
	bpfmap_view_destroy(map);
	kfree(h);
}

/* Set up what hash_large.c needs, and the flags that lead there */
static int htab_init_large(struct bpfmap_htab *h)
{
	const struct bpfmap *map = &h->map;

	h->walk_max = BPFMAP_ATOMIC_COPY / (map->key_size + map->user_size);
	h->large = bpfmap_key_is_large(map) || bpfmap_value_is_large(map);
	h->snap.bucket = HTAB_NO_BUCKET;
	mutex_init(&h->mutex);
	if (!map->ops->percpu || !bpfmap_value_is_large(map))
		return 0;
	h->spare = htab_alloc_values(map, GFP_KERNEL);
	return h->spare ? 0 : -ENOMEM;
}

/**
 * htab_create() - create a map of a hash type
 * @attr: the request, checked
 * @lru_owners: 0 if it does not evict, else as for bpfmap_lru_create()
 *
 * Return: the map, or ERR_PTR(-E2BIG) or ERR_PTR(-ENOMEM).
 */
struct bpfmap *htab_create(const struct bpfmap_create_attr *attr,
			   u32 lru_owners)
{
	struct bpfmap_htab *h;
	int err;

	if (attr->max_entries > HTAB_MAX_BUCKETS)
		return ERR_PTR(-E2BIG);

	h = kzalloc(sizeof(*h), GFP_KERNEL_ACCOUNT);
	if (!h)
		return ERR_PTR(-ENOMEM);
	bpfmap_init_map(&h->map, attr);
	h->mask = roundup_pow_of_two(attr->max_entries) - 1;
	bpfmap_hash_secret_init(&h->secret);
	h->value_off = offsetof(struct bpfmap_htab_elem, key) +
		       round_up(h->map.key_size, 8);
	h->value_size = h->map.value_size;
	if (h->map.ops->percpu || h->map.ops->set_inner)
		h->value_size = sizeof(void *);

	err = htab_fits(h, lru_owners) ? htab_init_large(h) : -ENOMEM;
	if (!err && h->map.flags & BPFMAP_F_VIEW)
		err = bpfmap_view_create(&h->map);
	if (!err)
		err = htab_alloc_stripes(h, lru_owners);
	if (!err)
		err = htab_alloc_heads(h);
	if (!err)
		err = htab_alloc_pool(h, lru_owners);
	if (err) {
		htab_free(&h->map);
		return ERR_PTR(err);
	}
	if (h->map.view)
		htab_view_describe(h);
	return &h->map;
}

/**
 * htab_alloc() - create an empty table
 * @attr: the request
 */
struct bpfmap *htab_alloc(const struct bpfmap_create_attr *attr)
{
	return htab_create(attr, 0);
}

/**
 * htab_mem_usage() - bytes of the table and its elements
 * @map: the map
 */
u64 htab_mem_usage(const struct bpfmap *map)
{
	struct bpfmap_htab *h = to_htab(map);
	u64 buckets = (u64)h->mask + 1;

	return sizeof(*h) + htab_heads_bytes(h) + bpfmap_view_mem_usage(map) +
	       (buckets >> h->stripe_shift) * sizeof(*h->stripes) +
	       bpfmap_pool_mem_usage(&h->pool) + bpfmap_lru_mem_usage(h->lru);
}

/**
 * htab_percpu_mem_usage() - bytes of a map with a value for each CPU
 * @map: the map
 */
u64 htab_percpu_mem_usage(const struct bpfmap *map)
{
	struct bpfmap_htab *h = to_htab(map);
	u64 nr = READ_ONCE(h->pool.nr_ready);

	/* h->spare */
	if (bpfmap_value_is_large(map))
		nr++;
	return htab_mem_usage(map) +
	       nr * bpfmap_value_stride(map) * num_possible_cpus();
}
