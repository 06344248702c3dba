// SPDX-License-Identifier: GPL-2.0-only
/*
 * Ring buffers from the kernel to user space
 *
 * Producers in any context reserve a record under a spinlock and fill it
 * without one. The only consumer, user space, takes no lock: it reads up to the
 * first record that is still being written, and stores its position. See
 * ringbuf.h for the layout and kernel/bpf/ringbuf.c for its origin.
 *
 * User space may write anything to the page of the consumer's position. That
 * affects only whether its own records are overwritten and whether it is woken.
 * It can only read the rest of the ring, so the headers can be trusted here.
 */
#include <linux/export.h>
#include <linux/log2.h>
#include <linux/poll.h>
#include <linux/slab.h>
#include <linux/vmalloc.h>

#include "ringbuf.h"

/* Largest payload: leaves room for the flags in a length */
#define RING_MAX_RECORD		(U32_MAX / 4)

/* Old records that a producer looks at in one section with interrupts off */
#define RING_STEP		1024

/* --- memory --- */

static void ring_wake(struct irq_work *work)
{
	wake_up_all(&container_of(work, struct bpfmap_ring, work)->waitq);
}

static void ring_free_pages(struct bpfmap_ringbuf *rb)
{
	while (rb->nr_pages) {
		__free_page(rb->pages[--rb->nr_pages]);
		cond_resched();
	}
	kvfree(rb->pages);
}

/* Pages for the ring, in mapping order */
static int ring_alloc_pages(struct bpfmap_ringbuf *rb, unsigned int nr_data)
{
	const gfp_t gfp = GFP_KERNEL_ACCOUNT | __GFP_ZERO | __GFP_NOWARN |
			  __GFP_RETRY_MAYFAIL;
	unsigned int i, nr = RING_DATA_PAGE + nr_data;
	struct page *page;

	if (!bpfmap_mem_available((u64)nr << PAGE_SHIFT))
		return -ENOMEM;
	rb->pages = bpfmap_area_alloc((u64)(nr + nr_data) * sizeof(*rb->pages),
				      rb->map.numa_node, GFP_KERNEL);
	if (!rb->pages)
		return -ENOMEM;

	for (i = 0; i < nr; i++) {
		page = alloc_pages_node(rb->map.numa_node, gfp, 0);
		if (!page) {
			ring_free_pages(rb);
			return -ENOMEM;
		}
		rb->pages[i] = page;
		rb->nr_pages++;
		if (i >= RING_DATA_PAGE)
			rb->pages[i + nr_data] = page;
		cond_resched();
	}
	return 0;
}

static int ring_alloc(struct bpfmap_ringbuf *rb)
{
	unsigned int nr_data = rb->map.max_entries >> PAGE_SHIFT;
	struct bpfmap_ring *ring;
	int err;

	err = ring_alloc_pages(rb, nr_data);
	if (err)
		return err;
	ring = vmap(rb->pages, RING_DATA_PAGE + 2 * nr_data, VM_MAP,
		    PAGE_KERNEL);
	if (!ring) {
		ring_free_pages(rb);
		return -ENOMEM;
	}

	init_waitqueue_head(&ring->waitq);
	init_irq_work(&ring->work, ring_wake);
	raw_spin_lock_init(&ring->lock);
	ring->mask = rb->map.max_entries - 1;
	ring->overwrite = rb->map.flags & BPFMAP_F_RB_OVERWRITE;
	rb->ring = ring;
	return 0;
}

/* As in bpf(2), errors in the attr are reported by the allocation */
int bpfmap_ringbuf_check(const struct bpfmap_create_attr *attr)
{
	return 0;
}

/**
 * bpfmap_ringbuf_alloc() - create a map that is an empty ring
 * @attr: the request
 * @flags: create flags that the type accepts
 *
 * Return: the map; ERR_PTR -EINVAL or -ENOMEM.
 */
struct bpfmap *bpfmap_ringbuf_alloc(const struct bpfmap_create_attr *attr,
				    u32 flags)
{
	struct bpfmap_ringbuf *rb;
	int err;

	err = bpfmap_check_create_flags(attr, flags);
	if (err)
		return ERR_PTR(err);
	if (attr->key_size || attr->value_size ||
	    !is_power_of_2(attr->max_entries) ||
	    !PAGE_ALIGNED(attr->max_entries))
		return ERR_PTR(-EINVAL);

	rb = bpfmap_area_alloc(sizeof(*rb), NUMA_NO_NODE,
			       GFP_KERNEL | __GFP_ZERO);
	if (!rb)
		return ERR_PTR(-ENOMEM);
	bpfmap_init_map(&rb->map, attr);
	err = ring_alloc(rb);
	if (err) {
		mutex_destroy(&rb->map.freeze_mutex);
		kvfree(rb);
		return ERR_PTR(err);
	}
	return &rb->map;
}

void bpfmap_ringbuf_free(struct bpfmap *map)
{
	struct bpfmap_ringbuf *rb = to_ringbuf(map);

	irq_work_sync(&rb->ring->work);
	vunmap(rb->ring);
	ring_free_pages(rb);
	kvfree(rb);
}

u64 bpfmap_ringbuf_mem_usage(const struct bpfmap *map)
{
	const struct bpfmap_ringbuf *rb = to_ringbuf(map);
	u64 mapped = rb->nr_pages + (map->max_entries >> PAGE_SHIFT);

	return sizeof(*rb) + ((u64)rb->nr_pages << PAGE_SHIFT) +
	       mapped * sizeof(*rb->pages);
}

/* --- what both directions answer to user space --- */

/* Pages that user space sees; data counts twice */
static unsigned long ring_user_pages(const struct bpfmap *map)
{
	return BPFMAP_RINGBUF_DATA_PAGE +
	       2UL * (map->max_entries >> PAGE_SHIFT);
}

/**
 * bpfmap_ringbuf_mmap_range() - is a mapping completely inside the ring?
 * @map: the ring
 * @vma: the mapping
 *
 * Return: 0 or -EINVAL.
 */
int bpfmap_ringbuf_mmap_range(const struct bpfmap *map,
			      struct vm_area_struct *vma)
{
	unsigned long pages = ring_user_pages(map);

	if (vma->vm_pgoff > pages || vma_pages(vma) > pages - vma->vm_pgoff)
		return -EINVAL;
	return 0;
}

struct page *bpfmap_ringbuf_mmap_page(struct bpfmap *map, pgoff_t pgoff)
{
	if (pgoff >= ring_user_pages(map))
		return NULL;
	return to_ringbuf(map)->pages[RING_PRIVATE_PAGES + pgoff];
}

/* --- kernel to user space: the map type --- */

static struct bpfmap *ringbuf_alloc(const struct bpfmap_create_attr *attr)
{
	return bpfmap_ringbuf_alloc(attr, BPFMAP_RINGBUF_FLAGS);
}

static int ringbuf_mmap(struct bpfmap *map, struct vm_area_struct *vma)
{
	/* User space may write only the consumer's position */
	if (vma->vm_flags & VM_WRITE &&
	    (vma->vm_pgoff != BPFMAP_RINGBUF_CONSUMER_PAGE ||
	     vma_pages(vma) != 1))
		return -EPERM;
	return bpfmap_ringbuf_mmap_range(map, vma);
}

/* Bytes to read; arbitrary if user space stored a wrong position */
static unsigned long ring_available(const struct bpfmap_ring *ring)
{
	unsigned long consumer, producer, overwritten = 0;

	/*
	 * The producer's position must be loaded last: an older one could be
	 * behind the others
	 */
	consumer = smp_load_acquire(&ring->consumer_pos); /* see above */
	if (ring->overwrite)
		overwritten = smp_load_acquire(&ring->overwrite_pos); /* too */
	producer = READ_ONCE(ring->producer_pos);

	if (!ring->overwrite)
		return producer - consumer;
	return min(producer - consumer, producer - overwritten);
}

static __poll_t ringbuf_poll(struct bpfmap *map, struct file *file,
			     struct poll_table_struct *wait)
{
	struct bpfmap_ring *ring = to_ringbuf(map)->ring;

	poll_wait(file, &ring->waitq, wait);
	/*
	 * Pairs with xchg() in ring_commit(): either this sees the record, or
	 * the producer sees the consumer's position and wakes user space.
	 */
	smp_mb();
	return ring_available(ring) ? EPOLLIN | EPOLLRDNORM : 0;
}

struct bpfmap_ops bpfmap_ringbuf_ops __ro_after_init = {
	.check = bpfmap_ringbuf_check,
	.alloc = ringbuf_alloc,
	.free = bpfmap_ringbuf_free,
	.mmap = ringbuf_mmap,
	.mmap_page = bpfmap_ringbuf_mmap_page,
	.poll = ringbuf_poll,
	.mem_usage = bpfmap_ringbuf_mem_usage,
};

/* --- producers --- */

/* Move pending_pos to the oldest busy record. False: not there, call again */
static bool ring_pass_pending(struct bpfmap_ring *ring)
{
	unsigned long pos = ring->pending_pos;
	unsigned int steps = RING_STEP;
	u32 len;

	lockdep_assert_held(&ring->lock);

	while (pos != ring->producer_pos && steps) {
		/* Pairs with xchg() in ring_commit(); a branch orders stores */
		len = READ_ONCE(ring_hdr(ring, pos)->len);
		if (len & BPFMAP_RINGBUF_BUSY_BIT)
			break;
		pos += ring_record_size(len);
		steps--;
	}
	ring->pending_pos = pos;
	return steps;
}

/*
 * Drop the oldest records, to make room up to @end. False: incomplete, call
 * again.
 */
static bool ring_overwrite(struct bpfmap_ring *ring, unsigned long end)
{
	unsigned long pos = ring->overwrite_pos;
	unsigned int steps = RING_STEP;

	lockdep_assert_held(&ring->lock);

	/* Never drops a busy record: see ring_reserve_locked() */
	while (end - pos > ring->mask && steps) {
		pos += ring_record_size(READ_ONCE(ring_hdr(ring, pos)->len));
		steps--;
	}
	WRITE_ONCE(ring->overwrite_pos, pos);
	/*
	 * Pairs with the consumer's acquire between reading a record and this
	 * position: if it read anything written after this, it sees the new
	 * position
	 */
	smp_wmb();
	return steps;
}

/* NULL: no room. -EAGAIN: enable interrupts, then call again */
static struct bpfmap_ring_hdr *
ring_reserve_locked(struct bpfmap_ring *ring, u32 size, unsigned long consumer)
{
	unsigned long start = ring->producer_pos;
	unsigned long end = start + ring_record_size(size);
	struct bpfmap_ring_hdr *hdr;

	lockdep_assert_held(&ring->lock);

	if (!ring_pass_pending(ring))
		return ERR_PTR(-EAGAIN);
	if (end - ring->pending_pos > ring->mask)
		return NULL;
	if (ring->overwrite && !ring_overwrite(ring, end))
		return ERR_PTR(-EAGAIN);
	if (!ring->overwrite && end - consumer > ring->mask)
		return NULL;

	hdr = ring_hdr(ring, start);
	hdr->len = size | BPFMAP_RINGBUF_BUSY_BIT;
	hdr->pg_off = ((void *)hdr - (void *)ring) >> PAGE_SHIFT;
	/* Pairs with user space's load: a header is there */
	smp_store_release(&ring->producer_pos, end);
	return hdr;
}

static void *ring_reserve(struct bpfmap_ring *ring, u64 size)
{
	struct bpfmap_ring_hdr *hdr;
	unsigned long consumer, flags;

	if (unlikely(size > RING_MAX_RECORD ||
		     ring_record_size(size) > ring_size(ring)))
		return NULL;

	/* Pairs with user space's store: it has read what was there */
	consumer = smp_load_acquire(&ring->consumer_pos);
	do {
		raw_spin_lock_irqsave(&ring->lock, flags);
		hdr = ring_reserve_locked(ring, size, consumer);
		raw_spin_unlock_irqrestore(&ring->lock, flags);
	} while (unlikely(hdr == ERR_PTR(-EAGAIN)));

	return hdr ? hdr + 1 : NULL;
}

static void ring_commit(void *record, u64 flags, u32 discard)
{
	struct bpfmap_ring_hdr *hdr = record - BPFMAP_RINGBUF_HDR_SZ;
	unsigned long page = (unsigned long)hdr & PAGE_MASK;
	struct bpfmap_ring *ring;
	unsigned long consumer;

	ring = (void *)(page - ((unsigned long)hdr->pg_off << PAGE_SHIFT));
	/*
	 * A full barrier: orders the record's content before, and the load of
	 * the consumer's position after, for smp_mb() in ringbuf_poll()
	 */
	xchg(&hdr->len, (hdr->len & ~BPFMAP_RINGBUF_BUSY_BIT) | discard);

	/* Wake user space if it had caught up; else it will get here anyway */
	consumer = READ_ONCE(ring->consumer_pos);
	if (flags & BPFMAP_RB_FORCE_WAKEUP ||
	    (!(flags & BPFMAP_RB_NO_WAKEUP) && ring_hdr(ring, consumer) == hdr))
		irq_work_queue(&ring->work);
}

/**
 * bpfmap_ringbuf_reserve() - take space for a record
 * @map: a ring buffer of type BPFMAP_TYPE_RINGBUF; the caller has a reference
 *	 to it until the record is submitted or discarded
 * @size: bytes of payload, at most max_entries - 16
 * @flags: 0
 *
 * Until the record is submitted or discarded, consumers stop at it and
 * producers may run out of space: be quick.
 *
 * Context: Any but NMI.
 * Return: @size bytes, aligned to 8 and not initialised; user space can read
 * them at once. Pass it to bpfmap_ringbuf_submit() or bpfmap_ringbuf_discard()
 * in any context. NULL if there is no room, @size is too large, @flags is not 0
 * or @map is of another type.
 */
void *bpfmap_ringbuf_reserve(struct bpfmap *map, u64 size, u64 flags)
{
	if (unlikely(flags || map->type != BPFMAP_TYPE_RINGBUF))
		return NULL;
	return ring_reserve(to_ringbuf(map)->ring, size);
}
EXPORT_SYMBOL_GPL(bpfmap_ringbuf_reserve);

/**
 * bpfmap_ringbuf_submit() - complete a record
 * @record: from bpfmap_ringbuf_reserve()
 * @flags: 0 to wake user space if it has read everything before this record;
 *	   BPFMAP_RB_NO_WAKEUP not to; BPFMAP_RB_FORCE_WAKEUP to wake in any
 *	   case
 *
 * Records become readable in the order in which they were reserved.
 *
 * Context: Any. The wakeup is done from an irq_work.
 */
void bpfmap_ringbuf_submit(void *record, u64 flags)
{
	ring_commit(record, flags, 0);
}
EXPORT_SYMBOL_GPL(bpfmap_ringbuf_submit);

/**
 * bpfmap_ringbuf_discard() - make consumers skip a record
 * @record: from bpfmap_ringbuf_reserve()
 * @flags: as in bpfmap_ringbuf_submit()
 *
 * Its space stays in use until the consumer has passed it.
 *
 * Context: Any. The wakeup is done from an irq_work.
 */
void bpfmap_ringbuf_discard(void *record, u64 flags)
{
	ring_commit(record, flags, BPFMAP_RINGBUF_DISCARD_BIT);
}
EXPORT_SYMBOL_GPL(bpfmap_ringbuf_discard);

/**
 * bpfmap_ringbuf_output() - copy a record into a ring buffer
 * @map: a ring buffer of type BPFMAP_TYPE_RINGBUF
 * @data: the payload
 * @size: bytes of it, at most max_entries - 16
 * @flags: as in bpfmap_ringbuf_submit()
 *
 * Context: Any but NMI. The wakeup is done from an irq_work.
 * Return:
 * * %0 - the record is in the ring
 * * %-EAGAIN - no room, or @size is too large
 * * %-EINVAL - unknown flags, or @map is of another type
 */
int bpfmap_ringbuf_output(struct bpfmap *map, const void *data, u64 size,
			  u64 flags)
{
	void *record;

	if (unlikely(flags & ~RING_WAKE_FLAGS ||
		     map->type != BPFMAP_TYPE_RINGBUF))
		return -EINVAL;
	record = ring_reserve(to_ringbuf(map)->ring, size);
	if (!record)
		return -EAGAIN;
	memcpy(record, data, size);
	ring_commit(record, flags, 0);
	return 0;
}
EXPORT_SYMBOL_GPL(bpfmap_ringbuf_output);

/**
 * bpfmap_ringbuf_query() - query the state of a ring buffer
 * @map: a ring buffer of type BPFMAP_TYPE_RINGBUF
 * @what: BPFMAP_RB_AVAIL_DATA, BPFMAP_RB_RING_SIZE, BPFMAP_RB_CONS_POS,
 *	  BPFMAP_RB_PROD_POS or BPFMAP_RB_OVERWRITE_POS
 *
 * A snapshot. The consumer's position, and thus the amount of available data,
 * is whatever user space has written.
 *
 * Context: Any.
 * Return: bytes or a position; 0 for another @what or type of @map.
 */
u64 bpfmap_ringbuf_query(struct bpfmap *map, u64 what)
{
	struct bpfmap_ring *ring;

	if (unlikely(map->type != BPFMAP_TYPE_RINGBUF))
		return 0;
	ring = to_ringbuf(map)->ring;

	switch (what) {
	case BPFMAP_RB_AVAIL_DATA:
		return ring_available(ring);
	case BPFMAP_RB_RING_SIZE:
		return ring_size(ring);
	case BPFMAP_RB_CONS_POS:
		return READ_ONCE(ring->consumer_pos);
	case BPFMAP_RB_PROD_POS:
		return READ_ONCE(ring->producer_pos);
	case BPFMAP_RB_OVERWRITE_POS:
		return READ_ONCE(ring->overwrite_pos);
	default:
		return 0;
	}
}
EXPORT_SYMBOL_GPL(bpfmap_ringbuf_query);
