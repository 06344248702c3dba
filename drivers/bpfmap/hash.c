// SPDX-License-Identifier: GPL-2.0-only
/*
 * Hash tables, with one value per element or one per CPU
 *
 *	heads[] --> element --> element --> end|bucket
 *
 * Chains are singly linked, newest first, as 32-bit indexes into a pool.
 * Writers hold the stripe lock of the bucket. Readers hold nothing.
 *
 * A removed element can be reused for another key at once, while readers still
 * look at it. Two things protect them:
 *
 * - The end of a chain names its bucket (as in <linux/rculist_nulls.h>). A
 *   reader that was carried into another chain finds a foreign end and starts
 *   again. A reader that was carried to the head of its own chain sees all of
 *   it. So a key that stays in the table is never missed.
 *
 * - A sequence count in the element: odd from before the element is returned to
 *   the pool until key and value of its next use are complete, and while a
 *   value is replaced in place. A reader has copied an untorn value of the
 *   right key if it finds the count even before comparing the key, and
 *   unchanged after copying the value. This is a seqcount_t without its lockdep
 *   map, which would be larger than most elements.
 *
 * A reader that loses to writers HASH_TRIES times takes the lock.
 *
 * Work under a stripe lock, or with irqs off, is bounded: walking a chain of
 * HASH_CHAIN_MAX elements, and comparing and copying a key and a value of
 * BPFMAP_ATOMIC_COPY bytes. Anything larger is left to hash_large.c.
 *
 * The memory of elements stays until the map is freed, a grace period after
 * the last put. A copying reader has a reference to the map; without one,
 * rcu_read_lock() keeps the pointer of hash_lookup_elem() valid.
 */
#include <linux/capability.h>
#include <linux/log2.h>
#include <linux/mm.h>
#include <linux/sizes.h>
#include <linux/slab.h>

#include "batch.h"
#include "hash.h"

/* bpf(2)'s limits; its elements have a header of 48 bytes, its buckets 16 */
#define HASH_MAX_ELEM	((4U << 20) - 48)
#define HASH_MAX_BUCKETS SZ_128M

/* Bytes of elements to allocate at once; at least one element */
#define HASH_CHUNK_BYTES	SZ_2M
#define HASH_GROW_MIN		SZ_2K
#define HASH_GROW_MAX		SZ_32K
#define HASH_PERCPU_CHUNK	16

/* As hash_find(), but also returns an element whose value is being written */
static struct bpfmap_hash_elem *hash_peek(const struct bpfmap_hash *h,
					  const void *key, u32 hash, u32 *seq)
{
	u32 bucket = hash & h->mask;
	u32 link = READ_ONCE(h->heads[bucket]);

	while (!(link & HASH_END)) {
		struct bpfmap_hash_elem *e = hash_elem(h, link);

		/* Pairs with smp_store_release() in hash_write_end() */
		*seq = smp_load_acquire(&e->seq);
		if (hash_matches(h, e, key, hash))
			return e;
		link = READ_ONCE(e->next);
	}
	return link == (HASH_END | bucket) ? NULL : ERR_PTR(-EAGAIN);
}

/*
 * Compare large keys first, then take the lock. The element found is still
 * right if it is in the chain and its count is unchanged. Otherwise retry: some
 * other operation has made progress.
 */
static u32 *hash_find_lock_large(const struct bpfmap_hash *h, const void *key,
				 u32 hash, struct bpfmap_hash_elem **elem,
				 unsigned long *irqflags)
	__acquires(hash_lock(h, hash & h->mask))
{
	raw_spinlock_t *lock = hash_lock(h, hash & h->mask);
	u32 seq, *link;

	for (;;) {
		*elem = hash_peek(h, key, hash, &seq);
		raw_spin_lock_irqsave(lock, *irqflags);
		if (!*elem)
			return NULL;
		if (!IS_ERR(*elem)) {
			link = hash_link_to(h, hash & h->mask, *elem);
			if (link && (*elem)->seq == seq)
				return link;
		}
		raw_spin_unlock_irqrestore(lock, *irqflags);
		cpu_relax();
	}
}

/**
 * hash_find_lock() - look for a key and lock its stripe
 * @h: the table
 * @key: the key
 * @hash: of the key
 * @elem: out: the element
 * @irqflags: out: to unlock hash_lock() with raw_spin_unlock_irqrestore()
 *
 * Return: the link to the element, NULL if the key is absent. The stripe is
 * locked in both cases.
 */
u32 *hash_find_lock(const struct bpfmap_hash *h, const void *key, u32 hash,
		    struct bpfmap_hash_elem **elem, unsigned long *irqflags)
	__acquires(hash_lock(h, hash & h->mask))
{
	if (unlikely(bpfmap_key_is_large(&h->map)))
		return hash_find_lock_large(h, key, hash, elem, irqflags);
	raw_spin_lock_irqsave(hash_lock(h, hash & h->mask), *irqflags);
	return __hash_find_link(h, key, hash, elem);
}

/**
 * hash_get_again() - hash_get() after an attempt lost to a writer
 * @h: the table
 * @key: the key
 * @hash: of the key
 *
 * Return: the element, NULL if the key is absent.
 */
struct bpfmap_hash_elem *hash_get_again(const struct bpfmap_hash *h,
					const void *key, u32 hash)
{
	raw_spinlock_t *lock = hash_lock(h, hash & h->mask);
	struct bpfmap_hash_elem *e;
	unsigned long irqflags;
	int tries;
	u32 seq;

	for (tries = 1; tries < HASH_TRIES; tries++) {
		cpu_relax();
		e = hash_find(h, key, hash, &seq);
		if (!e || (!IS_ERR(e) && hash_unchanged(e, seq)))
			return e;
	}

	if (!hash_find_lock(h, key, hash, &e, &irqflags))
		e = NULL;
	raw_spin_unlock_irqrestore(lock, irqflags);
	return e;
}

static void *hash_lookup_elem(struct bpfmap *map, const void *key)
{
	struct bpfmap_hash *h = to_hash(map);
	struct bpfmap_hash_elem *e = hash_get(h, key, hash_key(h, key));

	return e ? hash_value(h, e) : NULL;
}

static void *percpu_hash_lookup_elem_cpu(struct bpfmap *map, const void *key,
					 u32 cpu)
{
	struct bpfmap_hash *h = to_hash(map);
	struct bpfmap_hash_elem *e = hash_get(h, key, hash_key(h, key));

	return e ? hash_slot(map, e, cpu) : NULL;
}

static void *percpu_hash_lookup_elem(struct bpfmap *map, const void *key)
{
	return percpu_hash_lookup_elem_cpu(map, key, raw_smp_processor_id());
}

static int hash_lookup_locked(struct bpfmap_hash *h, const void *key, u32 hash,
			      void *value, u64 flags)
{
	raw_spinlock_t *lock = hash_lock(h, hash & h->mask);
	struct bpfmap_hash_elem *e;
	unsigned long irqflags;
	u32 *link;

	if (bpfmap_copies_large(&h->map, flags))
		return hash_lookup_large(&h->map, key, hash, value, flags);
	link = hash_find_lock(h, key, hash, &e, &irqflags);
	if (link)
		hash_load(h, e, value, flags);
	raw_spin_unlock_irqrestore(lock, irqflags);
	return link ? 0 : -ENOENT;
}

static __always_inline int hash_do_lookup(struct bpfmap_hash *h,
					  const void *key, void *value,
					  u64 flags, bool percpu)
{
	u32 seq, hash = hash_key(h, key);
	struct bpfmap_hash_elem *e;
	int tries;

	for (tries = 0; tries < HASH_TRIES; tries++) {
		e = hash_find(h, key, hash, &seq);
		if (!e)
			return -ENOENT;
		if (!IS_ERR(e)) {
			__hash_load(h, e, value, flags, percpu);
			if (likely(hash_unchanged(e, seq)))
				return 0;
		}
		cpu_relax();
	}
	return hash_lookup_locked(h, key, hash, value, flags);
}

/**
 * hash_lookup() - copy the value of a key out
 * @map: the map, not of a per-CPU type
 * @key: the key
 * @value: out: as stored
 * @flags: element flags
 */
int hash_lookup(struct bpfmap *map, const void *key, void *value, u64 flags)
{
	return hash_do_lookup(to_hash(map), key, value, flags, false);
}

/**
 * percpu_hash_lookup() - the same for per-CPU types
 * @map: the map
 * @key: the key
 * @value: out: in the user's layout
 * @flags: element flags
 */
int percpu_hash_lookup(struct bpfmap *map, const void *key, void *value,
		       u64 flags)
{
	return hash_do_lookup(to_hash(map), key, value, flags, true);
}

static __always_inline int
hash_do_exchange(struct bpfmap *map, const void *key, const void *value,
		 u64 flags, gfp_t gfp, void *old, const bool percpu)
{
	struct bpfmap_hash *h = to_hash(map);
	raw_spinlock_t *lock;
	unsigned long irqflags;
	u32 hash;
	int err;

	if (unlikely(h->large))
		return hash_put_large(map, key, value, flags, gfp, old);
	hash = hash_key(h, key);
	lock = hash_lock(h, hash & h->mask);
	for (;;) {
		raw_spin_lock_irqsave(lock, irqflags);
		err = hash_put(h, key, hash, value, flags, old, percpu);
		raw_spin_unlock_irqrestore(lock, irqflags);
		if (likely(err != -EAGAIN))
			return err;
		err = bpfmap_pool_grow(&h->pool, gfp);
		if (err)
			return err;
	}
}

/**
 * hash_exchange() - insert an element, or replace and return its value
 * @map: the map, not of a per-CPU type
 * @key: the key
 * @value: in its stored form
 * @flags: element flags that the type allows
 * @gfp: for a new element
 * @old: out: the replaced value; untouched if nothing was replaced
 */
int hash_exchange(struct bpfmap *map, const void *key, const void *value,
		  u64 flags, gfp_t gfp, void *old)
{
	return hash_do_exchange(map, key, value, flags, gfp, old, false);
}

static int hash_update(struct bpfmap *map, const void *key, const void *value,
		       u64 flags, gfp_t gfp)
{
	if (unlikely(flags > BPFMAP_F_EXIST))
		return -EINVAL;
	return hash_do_exchange(map, key, value, flags, gfp, NULL, false);
}

static int percpu_hash_update(struct bpfmap *map, const void *key,
			      const void *value, u64 flags, gfp_t gfp)
{
	if (unlikely((u32)flags > BPFMAP_F_ALL_CPUS))
		return -EINVAL;
	return hash_do_exchange(map, key, value, flags, gfp, NULL, true);
}

/* @value is NULL if the element is only removed */
static __always_inline int hash_remove(struct bpfmap *map, const void *key,
				       void *value)
{
	struct bpfmap_hash *h = to_hash(map);
	struct bpfmap_hash_elem *e;
	unsigned long irqflags;
	raw_spinlock_t *lock;
	u32 hash, *link;

	if (unlikely(h->large))
		return hash_remove_large(map, key, value);
	hash = hash_key(h, key);
	lock = hash_lock(h, hash & h->mask);
	raw_spin_lock_irqsave(lock, irqflags);
	link = __hash_find_link(h, key, hash, &e);
	if (link) {
		if (value)
			hash_load(h, e, value, 0);
		hash_unlink(h, e, link);
	}
	raw_spin_unlock_irqrestore(lock, irqflags);
	return link ? 0 : -ENOENT;
}

static int hash_delete(struct bpfmap *map, const void *key)
{
	return hash_remove(map, key, NULL);
}

/**
 * hash_lookup_and_delete() - remove an element and return its value
 * @map: the map
 * @key: the key
 * @value: out: as stored
 */
int hash_lookup_and_delete(struct bpfmap *map, const void *key, void *value)
{
	return hash_remove(map, key, value);
}

static int hash_elem_init(struct bpfmap *map, void *elem, gfp_t gfp)
{
	struct bpfmap_hash_elem *e = elem;

	e->seq = 1;
	return 0;
}

static void __percpu *hash_alloc_values(const struct bpfmap *map, gfp_t gfp)
{
	return __alloc_percpu_gfp(bpfmap_value_stride(map), 8,
				  gfp | __GFP_ACCOUNT | __GFP_NOWARN |
				  __GFP_NORETRY);
}

static int percpu_hash_elem_init(struct bpfmap *map, void *elem, gfp_t gfp)
{
	void __percpu **values = hash_value(to_hash(map), elem);

	*values = hash_alloc_values(map, gfp);
	if (!*values)
		return -ENOMEM;
	return hash_elem_init(map, elem, gfp);
}

static void percpu_hash_elem_exit(struct bpfmap *map, void *elem)
{
	free_percpu(*(void __percpu **)hash_value(to_hash(map), elem));
}

static const struct bpfmap_pool_ops hash_pool_ops = {
	.init = hash_elem_init,
};

static const struct bpfmap_pool_ops percpu_hash_pool_ops = {
	.init = percpu_hash_elem_init,
	.exit = percpu_hash_elem_exit,
};

/**
 * hash_check_flags() - flag checks of all hash types, which come first
 * @attr: the request
 * @allowed: flags that the type knows
 *
 * Return: 0, -EPERM or -EINVAL.
 */
int hash_check_flags(const struct bpfmap_create_attr *attr, u32 allowed)
{
	/* A known seed makes collisions predictable */
	if (attr->map_flags & BPFMAP_F_ZERO_SEED && !capable(CAP_SYS_ADMIN))
		return -EPERM;
	return bpfmap_check_create_flags(attr, allowed);
}

/**
 * hash_check_sizes() - size checks of all hash types, which come last
 * @attr: the request
 *
 * Return: 0, -EINVAL or -E2BIG.
 */
int hash_check_sizes(const struct bpfmap_create_attr *attr)
{
	const struct bpfmap_ops *ops = bpfmap_type_ops(attr->map_type);

	if (!attr->max_entries || !attr->key_size || !attr->value_size)
		return -EINVAL;
	if ((u64)attr->key_size + attr->value_size >= HASH_MAX_ELEM)
		return -E2BIG;
	if (ops->percpu &&
	    round_up((u64)attr->value_size, 8) > BPFMAP_PERCPU_VALUE_MAX)
		return -E2BIG;
	return 0;
}

/**
 * hash_check() - argument checks of a plain hash
 * @attr: the request
 */
int hash_check(const struct bpfmap_create_attr *attr)
{
	return hash_check_flags(attr, HASH_FLAGS) ?: hash_check_sizes(attr);
}

static int percpu_hash_check(const struct bpfmap_create_attr *attr)
{
	int err = hash_check_flags(attr, HASH_FLAGS);

	if (err)
		return err;
	if (attr->map_flags & BPFMAP_F_NUMA_NODE &&
	    attr->numa_node != NUMA_NO_NODE)
		return -EINVAL;
	return hash_check_sizes(attr);
}

/* A few locks per CPU that can be here, each in its own cache line */
static int hash_alloc_stripes(struct bpfmap_hash *h, u32 lru_homes)
{
	u32 buckets = h->mask + 1;
	u32 nr = min_t(u32, buckets,
		       16 * roundup_pow_of_two(num_possible_cpus()));
	u32 i;

	/* An insert evicts from its own stripe: do not make it too small */
	if (lru_homes)
		nr = bpfmap_lru_groups(h->map.max_entries, lru_homes == 1 ? 1 :
				       num_possible_cpus(), nr);
	h->stripe_shift = ilog2(buckets) - ilog2(nr);
	h->stripes = bpfmap_area_alloc((u64)nr * sizeof(*h->stripes),
				       h->map.numa_node, GFP_KERNEL);
	if (!h->stripes)
		return -ENOMEM;
	for (i = 0; i < nr; i++)
		raw_spin_lock_init(&h->stripes[i].lock);
	return 0;
}

static int hash_alloc_heads(struct bpfmap_hash *h)
{
	u32 i;

	h->heads = bpfmap_area_alloc(((u64)h->mask + 1) * sizeof(*h->heads),
				     h->map.numa_node, GFP_KERNEL);
	if (!h->heads)
		return -ENOMEM;
	for (i = 0; i <= h->mask; i++)
		h->heads[i] = HASH_END | i;
	return 0;
}

/*
 * Elements to allocate at once on demand: a power of two. Small enough that
 * small maps stay small, large enough that the allocator's rounding wastes at
 * most an eighth of the memory.
 */
static u32 hash_grow_elems(u32 elem_size)
{
	u32 nr, bytes, taken;

	for (nr = 1; 2ULL * nr * elem_size <= HASH_GROW_MAX; nr *= 2) {
		bytes = nr * elem_size;
		taken = bytes <= PAGE_SIZE ? roundup_pow_of_two(bytes) :
					     PAGE_ALIGN(bytes);
		if (bytes >= HASH_GROW_MIN && taken - bytes <= taken / 8)
			break;
	}
	return nr;
}

/* Bytes of an element, without its per-CPU part */
static u32 hash_elem_size(const struct bpfmap_hash *h, bool lru)
{
	return h->value_off + round_up(h->value_size, 8) +
	       (lru ? round_up(sizeof(struct bpfmap_lru_node), 8) : 0);
}

/*
 * Fail early if the elements cannot fit: initialising the buckets first would
 * take time, and memory from others meanwhile.
 */
static bool hash_fits(const struct bpfmap_hash *h, bool lru)
{
	u64 bytes = ((u64)h->mask + 1) * sizeof(*h->heads);
	u64 elem_bytes = hash_elem_size(h, lru);

	if (h->map.ops->percpu)
		elem_bytes += bpfmap_user_value_size(&h->map, 0);
	if (!(h->map.flags & BPFMAP_F_NO_PREALLOC))
		bytes += h->map.max_entries * elem_bytes;
	return bpfmap_mem_available(bytes);
}

static int hash_alloc_pool(struct bpfmap_hash *h, u32 lru_homes)
{
	bool prealloc = !(h->map.flags & BPFMAP_F_NO_PREALLOC);
	bool percpu = h->map.ops->percpu;
	u32 elem_size = hash_elem_size(h, lru_homes);
	u32 chunk;
	int err;

	if (prealloc)
		chunk = rounddown_pow_of_two(max(HASH_CHUNK_BYTES / elem_size,
						 1U));
	else if (percpu)
		/* The allocator zeroes them, perhaps in atomic context */
		chunk = clamp_t(u32, BPFMAP_ATOMIC_COPY / h->map.user_size, 1,
				HASH_PERCPU_CHUNK);
	else
		chunk = hash_grow_elems(elem_size);
	chunk = min_t(u32, chunk, roundup_pow_of_two(h->map.max_entries));

	err = bpfmap_pool_create(&h->pool, &h->map, percpu ?
				 &percpu_hash_pool_ops : &hash_pool_ops,
				 elem_size, chunk, prealloc);
	if (err || !lru_homes)
		return err;
	h->lru = bpfmap_lru_create(&h->pool, hash_elem_size(h, false),
				   (h->mask + 1) >> h->stripe_shift, lru_homes);
	return h->lru ? 0 : -ENOMEM;
}

/**
 * hash_free() - free the table and its elements
 * @map: the map, possibly only partly set up
 */
void hash_free(struct bpfmap *map)
{
	struct bpfmap_hash *h = to_hash(map);

	bpfmap_lru_destroy(h->lru);
	bpfmap_pool_destroy(&h->pool);
	free_percpu(h->spare);
	kvfree(h->heads);
	kvfree(h->stripes);
	kfree(h);
}

/* Set up what hash_large.c needs, and the flags that lead there */
static int hash_init_large(struct bpfmap_hash *h)
{
	const struct bpfmap *map = &h->map;

	h->walk_max = BPFMAP_ATOMIC_COPY / (map->key_size + map->user_size);
	h->large = bpfmap_key_is_large(map) || bpfmap_value_is_large(map);
	h->snap.bucket = HASH_NO_BUCKET;
	mutex_init(&h->mutex);
	if (!map->ops->percpu || !bpfmap_value_is_large(map))
		return 0;
	h->spare = hash_alloc_values(map, GFP_KERNEL);
	return h->spare ? 0 : -ENOMEM;
}

/**
 * hash_create() - create a map of a hash type
 * @attr: the request, checked
 * @lru_homes: 0 if it does not evict, else as for bpfmap_lru_create()
 *
 * Return: the map, or ERR_PTR(-E2BIG) or ERR_PTR(-ENOMEM).
 */
struct bpfmap *hash_create(const struct bpfmap_create_attr *attr, u32 lru_homes)
{
	struct bpfmap_hash *h;
	int err;

	if (attr->max_entries > HASH_MAX_BUCKETS)
		return ERR_PTR(-E2BIG);

	h = kzalloc(sizeof(*h), GFP_KERNEL_ACCOUNT);
	if (!h)
		return ERR_PTR(-ENOMEM);
	bpfmap_init_map(&h->map, attr);
	h->mask = roundup_pow_of_two(attr->max_entries) - 1;
	bpfmap_hash_secret_init(&h->secret);
	h->value_off = offsetof(struct bpfmap_hash_elem, key) +
		       round_up(h->map.key_size, 8);
	h->value_size = h->map.ops->percpu || h->map.ops->set_inner ?
			sizeof(void *) : h->map.value_size;

	err = hash_fits(h, lru_homes) ? hash_init_large(h) : -ENOMEM;
	if (!err)
		err = hash_alloc_stripes(h, lru_homes);
	if (!err)
		err = hash_alloc_heads(h);
	if (!err)
		err = hash_alloc_pool(h, lru_homes);
	if (err) {
		hash_free(&h->map);
		return ERR_PTR(err);
	}
	return &h->map;
}

/**
 * hash_alloc() - create an empty table
 * @attr: the request
 */
struct bpfmap *hash_alloc(const struct bpfmap_create_attr *attr)
{
	return hash_create(attr, 0);
}

/**
 * hash_mem_usage() - bytes of the table and its elements
 * @map: the map
 */
u64 hash_mem_usage(const struct bpfmap *map)
{
	struct bpfmap_hash *h = to_hash(map);
	u64 buckets = (u64)h->mask + 1;

	return sizeof(*h) + buckets * sizeof(*h->heads) +
	       (buckets >> h->stripe_shift) * sizeof(*h->stripes) +
	       bpfmap_pool_mem_usage(&h->pool) + bpfmap_lru_mem_usage(h->lru);
}

/**
 * percpu_hash_mem_usage() - bytes of a map with a value for each CPU
 * @map: the map
 */
u64 percpu_hash_mem_usage(const struct bpfmap *map)
{
	struct bpfmap_hash *h = to_hash(map);
	u64 nr = READ_ONCE(h->pool.nr_ready);

	/* h->spare */
	if (bpfmap_value_is_large(map))
		nr++;
	return hash_mem_usage(map) + nr * bpfmap_value_stride(map) *
	       num_possible_cpus();
}

const struct bpfmap_ops bpfmap_hash_ops = {
	.check = hash_check,
	.alloc = hash_alloc,
	.free = hash_free,
	.lookup_elem = hash_lookup_elem,
	.lookup = hash_lookup,
	.update = hash_update,
	.delete = hash_delete,
	.lookup_and_delete = hash_lookup_and_delete,
	.get_next_key = hash_get_next_key,
	.for_each = hash_for_each,
	.walk = hash_walk,
	.walk_direct = true,
	.update_run = hash_update_run,
	.delete_run = hash_delete_run,
	.batch = &bpfmap_batch_by_bucket,
	.mem_usage = hash_mem_usage,
};

const struct bpfmap_ops bpfmap_percpu_hash_ops = {
	.percpu = true,
	.check = percpu_hash_check,
	.alloc = hash_alloc,
	.free = hash_free,
	.lookup_elem = percpu_hash_lookup_elem,
	.lookup_percpu_elem = percpu_hash_lookup_elem_cpu,
	.lookup = percpu_hash_lookup,
	.update = percpu_hash_update,
	.delete = hash_delete,
	.lookup_and_delete = hash_lookup_and_delete,
	.get_next_key = hash_get_next_key,
	.for_each = hash_for_each,
	.walk = hash_walk,
	.walk_direct = true,
	.update_run = percpu_hash_update_run,
	.delete_run = hash_delete_run,
	.batch = &bpfmap_batch_by_bucket,
	.mem_usage = percpu_hash_mem_usage,
};
