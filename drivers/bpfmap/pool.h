/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef _BPFMAP_POOL_H
#define _BPFMAP_POOL_H

#include <linux/atomic.h>
#include <linux/percpu.h>
#include <linux/spinlock.h>
#include <linux/types.h>

struct bpfmap;
struct bpfmap_pool;

/* No element: end of a list of the pool */
#define BPFMAP_POOL_NONE	U32_MAX

/**
 * struct bpfmap_pool_elem - head of every element of a pool
 * @next_free: next in a free list. Written by the freeing CPU; racy reads of
 *	       pop are validated by cmpxchg
 */
struct bpfmap_pool_elem {
	u32 next_free;
};

/**
 * struct bpfmap_pool_ops - what the owner does with new elements
 * @init: set up an element that nobody has seen; may allocate with @gfp
 * @exit: undo @init when the pool is destroyed; NULL: nothing to undo
 */
struct bpfmap_pool_ops {
	int (*init)(struct bpfmap *map, void *elem, gfp_t gfp);
	void (*exit)(struct bpfmap *map, void *elem);
};

/**
 * struct bpfmap_pool_list - free elements of one CPU, last freed first
 * @head: index of the first one; the upper half is a tag that counts changes
 * @victim: CPU that last gave an element to this one; a hint, this CPU only
 *
 * A stack as in Treiber, "Systems programming: coping with parallelism", 1986:
 * @head is replaced by cmpxchg. The tag prevents ABA: wrapping within a short
 * irqs-off section is implausible.
 */
struct bpfmap_pool_list {
	atomic64_t head;
	u32 victim;
};

/**
 * struct bpfmap_pool - elements of one size, addressed by a 32-bit index
 * @chunks: memory of the elements, chunk by chunk; an entry is constant once
 *	    an index in it has been handed out
 * @chunk_shift: log2 of the elements in a chunk
 * @chunk_mask: elements in a chunk - 1
 * @elem_size: bytes of an element, a multiple of 8
 * @nr_max: elements at most
 * @shown: where user space reads @nr_ready, if it can map the elements: chunks
 *	   are pages of their own then; else NULL
 * @apart: from an element to the part of it that is not shown; behind the
 *	   chunk's elements. 0: there is none
 * @apart_size: bytes of that part
 * @nr_ready: elements in chunks that exist; written under @grow_lock
 * @grow_lock: serialises additions to @chunks
 * @lists: free elements per CPU
 * @map: owner
 * @ops: owner's hooks
 *
 * Elements and their memory stay with this map until the pool is destroyed: an
 * RCU reader that still looks at a freed element sees no foreign memory.
 */
struct bpfmap_pool {
	void **chunks;
	u32 chunk_shift;
	u32 chunk_mask;
	u32 elem_size;
	u32 nr_max;
	u32 *shown;
	u32 apart;
	u32 apart_size;
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
s64 bpfmap_pool_steal(struct bpfmap_pool *pool);
u64 bpfmap_pool_mem_usage(const struct bpfmap_pool *pool);

/**
 * __bpfmap_pool_elem() - address of an element
 * @pool: the pool
 * @index: handed out now or earlier
 * @size: bytes of an element; a constant for the compiler, where it is one
 *
 * The load of the chunk's address depends on @index: a CPU that can know the
 * index sees the chunk.
 */
static __always_inline void *__bpfmap_pool_elem(const struct bpfmap_pool *pool,
						u32 index, const u32 size)
{
	return READ_ONCE(pool->chunks[index >> pool->chunk_shift]) +
	       (size_t)(index & pool->chunk_mask) * size;
}

static __always_inline void *bpfmap_pool_elem(const struct bpfmap_pool *pool,
					      u32 index)
{
	return __bpfmap_pool_elem(pool, index, pool->elem_size);
}

/* The value that replaces @head to make @index the first element */
static __always_inline s64 bpfmap_pool_head(s64 head, u32 index)
{
	return (s64)((((u64)head >> 32) + 1) << 32 | index);
}

static __always_inline void bpfmap_pool_push(struct bpfmap_pool_list *list,
					     u32 first,
					     struct bpfmap_pool_elem *last)
{
	s64 head = atomic64_read(&list->head);

	lockdep_assert_irqs_disabled();

	/*
	 * Fully ordered: the CPU that takes the element sees all earlier writes
	 * to it, and bpfmap_lru_set_free_hint() comes after
	 */
	do {
		WRITE_ONCE(last->next_free, (u32)head);
	} while (!atomic64_try_cmpxchg(&list->head, &head,
				       bpfmap_pool_head(head, first)));
}

static __always_inline u32 bpfmap_pool_pop(const struct bpfmap_pool *pool,
					   struct bpfmap_pool_list *list)
{
	s64 head = atomic64_read(&list->head);
	struct bpfmap_pool_elem *elem;

	lockdep_assert_irqs_disabled();

	do {
		if ((u32)head == BPFMAP_POOL_NONE)
			return BPFMAP_POOL_NONE;
		/* Not owned yet: the value counts only if @head is unchanged */
		elem = bpfmap_pool_elem(pool, (u32)head);
	} while (!atomic64_try_cmpxchg(
		&list->head, &head,
		bpfmap_pool_head(head, READ_ONCE(elem->next_free))));
	return (u32)head;
}

/**
 * bpfmap_pool_take_own() - take an element of this CPU only
 * @pool: the pool
 *
 * Context: irqs off.
 * Return: its index, or BPFMAP_POOL_NONE.
 */
static __always_inline u32 bpfmap_pool_take_own(struct bpfmap_pool *pool)
{
	return bpfmap_pool_pop(pool, this_cpu_ptr(pool->lists));
}

/**
 * bpfmap_pool_take() - take an element
 * @pool: the pool
 *
 * Context: irqs off.
 * Return: its index, -EAGAIN if bpfmap_pool_grow() can help, -E2BIG if all are
 * taken.
 */
static __always_inline s64 bpfmap_pool_take(struct bpfmap_pool *pool)
{
	u32 index = bpfmap_pool_take_own(pool);

	return likely(index != BPFMAP_POOL_NONE) ? index :
						   bpfmap_pool_steal(pool);
}

/**
 * struct bpfmap_pool_bundle - elements to be freed, linked by next_free
 * @first: index of the one added last, or BPFMAP_POOL_NONE
 * @last: the one added first
 */
struct bpfmap_pool_bundle {
	u32 first;
	struct bpfmap_pool_elem *last;
};

static __always_inline void
bpfmap_pool_bundle_init(struct bpfmap_pool_bundle *bundle)
{
	bundle->first = BPFMAP_POOL_NONE;
	bundle->last = NULL;
}

/* Add a taken element */
static __always_inline void
bpfmap_pool_bundle_add(struct bpfmap_pool_bundle *bundle, u32 index,
		       struct bpfmap_pool_elem *elem)
{
	WRITE_ONCE(elem->next_free, bundle->first);
	if (!bundle->last)
		bundle->last = elem;
	bundle->first = index;
}

/**
 * bpfmap_pool_free_bundle() - free several elements
 * @pool: the pool
 * @bundle: the elements; may be empty
 *
 * Context: irqs off.
 */
static __always_inline void
bpfmap_pool_free_bundle(const struct bpfmap_pool *pool,
			const struct bpfmap_pool_bundle *bundle)
{
	if (bundle->last)
		bpfmap_pool_push(this_cpu_ptr(pool->lists), bundle->first,
				 bundle->last);
}

/**
 * bpfmap_pool_free() - free an element
 * @pool: the pool
 * @index: of a taken element
 * @elem: the element
 *
 * Context: irqs off.
 */
static __always_inline void bpfmap_pool_free(const struct bpfmap_pool *pool,
					     u32 index,
					     struct bpfmap_pool_elem *elem)
{
	bpfmap_pool_push(this_cpu_ptr(pool->lists), index, elem);
}

/**
 * bpfmap_pool_free_to() - free an element to a CPU's list
 * @pool: the pool
 * @index: of a taken element
 * @elem: the element
 * @cpu: a possible CPU
 *
 * Context: irqs off.
 */
static __always_inline void bpfmap_pool_free_to(const struct bpfmap_pool *pool,
						u32 index,
						struct bpfmap_pool_elem *elem,
						u32 cpu)
{
	bpfmap_pool_push(per_cpu_ptr(pool->lists, cpu), index, elem);
}

#endif /* _BPFMAP_POOL_H */
