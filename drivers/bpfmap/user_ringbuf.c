// SPDX-License-Identifier: GPL-2.0-only
/*
 * Ring buffers from user space to the kernel
 *
 * Here the kernel writes the consumer's position, which user space can only
 * read. User space owns the producer's position and all records and may change
 * them at any time: each is loaded once and trusted only as far as it was
 * checked. See ringbuf.h for the layout.
 */
#include <linux/export.h>
#include <linux/nospec.h>
#include <linux/poll.h>
#include <linux/sizes.h>

#include "ringbuf.h"

/* Records that one call drains at most: user space cannot keep it busy */
#define DRAIN_MAX_RECORDS	(128 * 1024)

/* Largest payload, as in bpf(2) */
#define DRAIN_MAX_SIZE		(SZ_16M - 1)

static struct bpfmap *user_ringbuf_alloc(const struct bpfmap_create_attr *attr)
{
	return bpfmap_ringbuf_alloc(attr, BPFMAP_USER_RINGBUF_FLAGS);
}

static int user_ringbuf_mmap(struct bpfmap *map, struct vm_area_struct *vma)
{
	if (vma->vm_flags & VM_WRITE &&
	    vma->vm_pgoff == BPFMAP_RINGBUF_CONSUMER_PAGE)
		return -EPERM;
	return bpfmap_ringbuf_mmap_range(map, vma);
}

static __poll_t user_ringbuf_poll(struct bpfmap *map, struct file *file,
				  struct poll_table_struct *wait)
{
	struct bpfmap_ring *ring = to_ringbuf(map)->ring;
	unsigned long consumer;

	/* The drainer stores the position before its wakeup: none is missed */
	poll_wait(file, &ring->waitq, wait);
	consumer = READ_ONCE(ring->consumer_pos);
	if (READ_ONCE(ring->producer_pos) - consumer < ring_size(ring))
		return EPOLLOUT | EPOLLWRNORM;
	return 0;
}

struct bpfmap_ops bpfmap_user_ringbuf_ops __ro_after_init = {
	.check = bpfmap_ringbuf_check,
	.alloc = user_ringbuf_alloc,
	.free = bpfmap_ringbuf_free,
	.mmap = user_ringbuf_mmap,
	.mmap_page = bpfmap_ringbuf_mmap_page,
	.poll = user_ringbuf_poll,
	.mem_usage = bpfmap_ringbuf_mem_usage,
};

/**
 * struct ring_sample - a checked record of user space
 * @data: inside the ring, followed by the whole payload; NULL: skip it
 * @size: bytes of payload
 * @end: position after the record
 */
struct ring_sample {
	const void *data;
	u32 size;
	unsigned long end;
};

/* As in bpf(2); but with 32 bits positions begin again after 4 GiB */
static bool ring_is_empty(unsigned long consumer, unsigned long producer)
{
	if (IS_ENABLED(CONFIG_64BIT))
		return consumer >= producer;
	return (long)(producer - consumer) <= 0;
}

/* Check the next record, if there is one */
static int ring_peek(struct bpfmap_ring *ring, struct ring_sample *sample)
{
	/* Written only by the holder of @busy, which is the caller */
	unsigned long consumer = ring->consumer_pos;
	unsigned long producer, size;
	struct bpfmap_ring_hdr *hdr;
	u32 len;

	/* Pairs with the store of user space: it wrote a header before */
	producer = smp_load_acquire(&ring->producer_pos);
	if (producer % 8)
		return -EINVAL;
	if (ring_is_empty(consumer, producer))
		return -ENODATA;

	hdr = ring_hdr(ring, consumer);
	/* Pairs with the store of user space: the record is complete */
	len = smp_load_acquire(&hdr->len);
	size = ring_record_size(len);
	if (size > producer - consumer)
		return -EINVAL;
	if (size > ring_size(ring))
		return -E2BIG;
	sample->size = len & ~RING_LEN_FLAGS;
	if (sample->size > DRAIN_MAX_SIZE)
		return -E2BIG;
	/* Even under speculation, @fn does not read past the ring */
	sample->size = array_index_nospec(sample->size, ring_size(ring));
	sample->end = consumer + size;

	sample->data = NULL;
	if (len & BPFMAP_RINGBUF_DISCARD_BIT)
		return 0;
	if (len & BPFMAP_RINGBUF_BUSY_BIT)
		return -ENODATA;
	sample->data = ring_hdr(ring, consumer + sizeof(*hdr));
	return 0;
}

/* Sets @records to the number of records consumed, including discarded ones */
static long ring_drain(struct bpfmap *map, bpfmap_sample_fn fn, void *ctx,
		       long *records)
{
	struct bpfmap_ring *ring = to_ringbuf(map)->ring;
	struct ring_sample sample;
	long stop = 0, samples = 0;
	int err;

	for (*records = 0; *records < DRAIN_MAX_RECORDS && !stop; ++*records) {
		err = ring_peek(ring, &sample);
		if (err == -ENODATA)
			break;
		if (err)
			return err;
		if (sample.data) {
			stop = fn(map, sample.data, sample.size, ctx);
			samples++;
		}
		/* Pairs with user space's load: it may reuse the space now */
		smp_store_release(&ring->consumer_pos, sample.end);
	}
	return samples;
}

/**
 * bpfmap_user_ringbuf_drain() - process what user space has sent
 * @map: a ring buffer of type BPFMAP_TYPE_USER_RINGBUF
 * @fn: called for each sample that was not discarded
 * @ctx: for @fn
 * @flags: 0 to wake user space if any record was consumed, BPFMAP_RB_NO_WAKEUP
 *	   not to, BPFMAP_RB_FORCE_WAKEUP to wake it in any case
 *
 * Stops at an incomplete sample, when @fn returns 1, and after 128 Ki samples,
 * including discarded ones. A sample stays valid while @fn runs, but user space
 * can change it meanwhile: copy what you test.
 *
 * Context: Any in which @fn can run.
 * Return:
 * * number of calls of @fn
 * * %-EBUSY - the map is already being drained, maybe by the caller
 * * %-EINVAL - unknown flags, @map is of another type, the producer's position
 *   is not a multiple of 8, or a sample extends beyond it
 * * %-E2BIG - a sample is larger than the ring or than 16 MiB - 1 bytes.
 *   @fn was called for the samples before a bad one; the bad one stays
 */
long bpfmap_user_ringbuf_drain(struct bpfmap *map, bpfmap_sample_fn fn,
			       void *ctx, u64 flags)
{
	struct bpfmap_ring *ring;
	long ret, records;
	int idle = 0;

	if (flags & ~RING_WAKE_FLAGS || map->type != BPFMAP_TYPE_USER_RINGBUF)
		return -EINVAL;
	ring = to_ringbuf(map)->ring;

	/* Orders the previous drainer's stores before this one's loads */
	if (!atomic_try_cmpxchg(&ring->busy, &idle, 1))
		return -EBUSY;
	ret = ring_drain(map, fn, ctx, &records);
	atomic_set_release(&ring->busy, 0);

	if (flags & BPFMAP_RB_FORCE_WAKEUP ||
	    (!(flags & BPFMAP_RB_NO_WAKEUP) && records))
		irq_work_queue(&ring->work);
	return ret;
}
EXPORT_SYMBOL_GPL(bpfmap_user_ringbuf_drain);
