/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef _BPFMAP_POOL_H
#define _BPFMAP_POOL_H

#include <linux/percpu.h>
#include <linux/spinlock.h>
#include <linux/types.h>

struct bpfmap;
struct bpfmap_pool;

/* No element: end of a list of the pool */
#define BPFMAP_POOL_NONE	U32_MAX

/**
 * struct bpfmap_pool_elem - head of every element of a pool
 * @next_free: next in a pool's list; protected by the lock of that list, and
 *	       free for the owner's use while the element is taken
 */
struct bpfmap_pool_elem {
	u32 next_free;
};

/**
 * struct bpfmap_pool_ops - what the owner does with new elements
 * @init: set up an element that nobody has seen; may allocate with @gfp
 * @exit: undo @init when the pool goes; NULL: nothing to undo
 */
struct bpfmap_pool_ops {
	int (*init)(struct bpfmap *map, void *elem, gfp_t gfp);
	void (*exit)(struct bpfmap *map, void *elem);
};

/**
 * struct bpfmap_pool_list - free elements of one CPU
 * @lock: protects @first and the links behind it; irqs off
 * @first: index of the first one
 * @victim: CPU that gave something the last time; a hint, this CPU only
 */
struct bpfmap_pool_list {
	raw_spinlock_t lock;
	u32 first;
	u32 victim;
};

/**
 * struct bpfmap_pool - elements of one size, addressed by a 32-bit index
 * @chunks: memory of the elements, chunk by chunk; an entry is constant once
 *	    an index in it was given out
 * @chunk_shift: log2 of the elements in a chunk
 * @chunk_mask: elements in a chunk - 1
 * @elem_size: bytes of an element, a multiple of 8
 * @nr_max: elements at most
 * @nr_ready: elements in chunks that exist; written under @grow_lock
 * @grow_lock: serialises additions to @chunks
 * @lists: free elements per CPU
 * @map: owner
 * @ops: owner's hooks
 *
 * An element stays an element of this map, and its memory stays, until the
 * pool is destroyed: a reader under RCU that still looks at an element which
 * was put back sees no foreign memory.
 */
struct bpfmap_pool {
	void **chunks;
	u32 chunk_shift;
	u32 chunk_mask;
	u32 elem_size;
	u32 nr_max;
	u32 nr_ready;
	raw_spinlock_t grow_lock;
	struct bpfmap_pool_list __percpu *lists;
	struct bpfmap *map;
	const struct bpfmap_pool_ops *ops;
};

int bpfmap_pool_create(struct bpfmap_pool *pool, struct bpfmap *map,
		       const struct bpfmap_pool_ops *ops, u32 elem_size,
		       u32 chunk_elems, bool prealloc);
void bpfmap_pool_destroy(struct bpfmap_pool *pool);
int bpfmap_pool_grow(struct bpfmap_pool *pool, gfp_t gfp);
s64 bpfmap_pool_get(struct bpfmap_pool *pool);
u32 bpfmap_pool_get_own(struct bpfmap_pool *pool);
void bpfmap_pool_put(struct bpfmap_pool *pool, u32 index);
void bpfmap_pool_put_list(struct bpfmap_pool *pool, u32 first, u32 last);
void bpfmap_pool_put_to(struct bpfmap_pool *pool, u32 index, u32 cpu);
u64 bpfmap_pool_mem_usage(const struct bpfmap_pool *pool);

/**
 * bpfmap_pool_elem() - address of an element
 * @pool: the pool
 * @index: that was given out, now or earlier
 *
 * The load of the chunk's address depends on @index: whoever can know the
 * index sees the chunk.
 */
static __always_inline void *bpfmap_pool_elem(const struct bpfmap_pool *pool, u32 index)
{
	return READ_ONCE(pool->chunks[index >> pool->chunk_shift]) +
	       (size_t)(index & pool->chunk_mask) * pool->elem_size;
}

#endif /* _BPFMAP_POOL_H */
