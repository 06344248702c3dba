/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Ring buffers: common to both directions
 *
 * The layout in memory is that of bpf(2), which libbpf relies on. Data pages
 * are mapped twice in a row, here and in user space, so that a record that
 * wraps around the end can be read and written in one piece:
 *
 *	| private | consumer | producer | data 0 ... n-1 | data 0 ... n-1 |
 *	            ^ offset 0 of a user's mapping
 *
 * Positions count bytes and only grow; modulo the size they are offsets in the
 * data. A record is a header of 8 bytes and the payload, rounded up to 8. Bits
 * in the length mark a record that is being written or to be skipped.
 */
#ifndef _BPFMAP_RINGBUF_H
#define _BPFMAP_RINGBUF_H

#include <linux/atomic.h>
#include <linux/cache.h>
#include <linux/irq_work.h>
#include <linux/mm.h>
#include <linux/spinlock.h>
#include <linux/wait.h>

#include "internal.h"

/* Pages at the start of a ring that user space cannot map */
#define RING_PRIVATE_PAGES	1

/* Pages of a ring before the data */
#define RING_DATA_PAGE		(RING_PRIVATE_PAGES + BPFMAP_RINGBUF_DATA_PAGE)

#define RING_WAKE_FLAGS		(BPFMAP_RB_NO_WAKEUP | BPFMAP_RB_FORCE_WAKEUP)

#define RING_LEN_FLAGS \
	(BPFMAP_RINGBUF_BUSY_BIT | BPFMAP_RINGBUF_DISCARD_BIT)

/**
 * struct bpfmap_ring - a ring as mapped in the kernel
 * @waitq: pollers
 * @work: wakes them from any context
 * @mask: bytes of data - 1, constant
 * @overwrite: producers do not wait for the consumer, constant
 * @lock: serialises producers in the kernel; irqs off, for no longer than it
 *	  takes to look at RING_STEP old records
 * @busy: the samples of user space are being drained
 * @consumer_pos: everything below was read. Arbitrary if user space is the
 *		  consumer, else written by the holder of @busy
 * @producer_pos: space below is taken. Written under @lock; arbitrary if user
 *		  space is the producer
 * @pending_pos: no record below is being written; under @lock
 * @overwrite_pos: records below are lost; written under @lock
 * @data: the records
 */
struct bpfmap_ring {
	wait_queue_head_t waitq;
	struct irq_work work;
	unsigned long mask;
	bool overwrite;
	/* see above */
	raw_spinlock_t lock ____cacheline_aligned_in_smp;
	atomic_t busy ____cacheline_aligned_in_smp;

	unsigned long consumer_pos __aligned(PAGE_SIZE);
	unsigned long producer_pos __aligned(PAGE_SIZE);
	unsigned long pending_pos;
	unsigned long overwrite_pos;
	u8 data[] __aligned(PAGE_SIZE);
};

static_assert(offsetof(struct bpfmap_ring, consumer_pos) ==
	      RING_PRIVATE_PAGES * PAGE_SIZE);
static_assert(offsetof(struct bpfmap_ring, data) == RING_DATA_PAGE * PAGE_SIZE);
static_assert(offsetof(struct bpfmap_ring, pending_pos) % PAGE_SIZE ==
	      sizeof(long));
static_assert(offsetof(struct bpfmap_ring, overwrite_pos) % PAGE_SIZE ==
	      2 * sizeof(long));

/**
 * struct bpfmap_ringbuf - a map that is a ring; all members are constant
 * @map: the common part
 * @ring: @pages, mapped in order
 * @pages: of the ring; data pages are listed twice
 * @nr_pages: distinct pages
 */
struct bpfmap_ringbuf {
	struct bpfmap map;
	struct bpfmap_ring *ring;
	struct page **pages;
	unsigned int nr_pages;
};

/**
 * struct bpfmap_ring_hdr - what precedes a record
 * @len: bytes of payload, and RING_LEN_FLAGS
 * @pg_off: pages from the start of the ring; leads from a record to its ring
 */
struct bpfmap_ring_hdr {
	u32 len;
	u32 pg_off;
};

static_assert(sizeof(struct bpfmap_ring_hdr) == BPFMAP_RINGBUF_HDR_SZ);

static inline struct bpfmap_ringbuf *to_ringbuf(const struct bpfmap *map)
{
	return container_of(map, struct bpfmap_ringbuf, map);
}

static inline unsigned long ring_size(const struct bpfmap_ring *ring)
{
	return ring->mask + 1;
}

/* Bytes that a record with length word @len takes in the ring; ignores flags */
static inline u32 ring_record_size(u32 len)
{
	return round_up((len & ~RING_LEN_FLAGS) + BPFMAP_RINGBUF_HDR_SZ, 8);
}

static inline struct bpfmap_ring_hdr *ring_hdr(struct bpfmap_ring *ring,
					       unsigned long pos)
{
	return (void *)ring->data + (pos & ring->mask);
}

/* ringbuf.c */
int bpfmap_ringbuf_check(const struct bpfmap_create_attr *attr);
struct bpfmap *bpfmap_ringbuf_alloc(const struct bpfmap_create_attr *attr,
				    u32 flags);
void bpfmap_ringbuf_free(struct bpfmap *map);
int bpfmap_ringbuf_mmap_range(const struct bpfmap *map,
			      struct vm_area_struct *vma);
struct page *bpfmap_ringbuf_mmap_page(struct bpfmap *map, pgoff_t pgoff);
u64 bpfmap_ringbuf_mem_usage(const struct bpfmap *map);

#endif /* _BPFMAP_RINGBUF_H */
