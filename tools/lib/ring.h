/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * A mapped ring buffer and its positions. Not installed.
 */
#ifndef __BPFMAP_LIB_RING_H
#define __BPFMAP_LIB_RING_H

#include <stdbool.h>
#include <stddef.h>
#include <string.h>
#include <sys/personality.h>
#include <sys/utsname.h>

#include "bpfmap.h"

/*
 * A position is the kernel's unsigned long: 64 bits, in 32-bit programs too,
 * unless the kernel has 32. With this alignment 32-bit programs load and store
 * it by one instruction, and the page of the producer, which may be read only,
 * is not written by a load.
 */
typedef __u64 ring_pos __attribute__((aligned(8)));

/**
 * struct bpfmap_ring - a mapped ring
 * @fn: what consumes samples
 * @ctx: for @fn
 * @data: the records, twice in a row
 * @consumer_pos: page of the consumer
 * @producer_pos: page of the producer
 * @narrow: positions have 32 bits, and begin again after 4 GiB
 * @size: bytes of data
 * @overwrite: the producer does not wait: records can be lost, and must be copied
 * @lost: bytes of records that were
 * @copy: of a record, with room for @room bytes
 * @room: see @copy
 * @map_fd: the caller's descriptor
 */
struct bpfmap_ring {
	bpfmap_ring_buffer_sample_fn fn;
	void *ctx;
	void *data;
	void *consumer_pos;
	void *producer_pos;
	bool narrow;
	size_t size;
	bool overwrite;
	__u64 lost;
	void *copy;
	size_t room;
	int map_fd;
};

/* Does the kernel have 32 bits? */
static inline bool kernel_is_narrow(void)
{
	struct utsname u;

	/* With this personality, a kernel with 64 bits says that it has 32 */
	if (sizeof(long) == 8 ||
	    (personality(0xffffffff) & PER_MASK) == PER_LINUX32)
		return false;
	return !uname(&u) && !strstr(u.machine, "64") &&
	       strcmp(u.machine, "s390x");
}

/* The position with this index in the page */
static inline __u64 load_acquire(const struct bpfmap_ring *r, const void *page,
				 unsigned int index)
{
	if (r->narrow)
		return __atomic_load_n((const __u32 *)page + index,
				       __ATOMIC_ACQUIRE);
	return __atomic_load_n((const ring_pos *)page + index, __ATOMIC_ACQUIRE);
}

static inline __u64 consumer_pos(const struct bpfmap_ring *r)
{
	return load_acquire(r, r->consumer_pos, 0);
}

static inline __u64 producer_pos(const struct bpfmap_ring *r)
{
	return load_acquire(r, r->producer_pos, BPFMAP_RINGBUF_PRODUCER_POS);
}

static inline __u64 overwrite_pos(const struct bpfmap_ring *r)
{
	return load_acquire(r, r->producer_pos, BPFMAP_RINGBUF_OVERWRITE_POS);
}

static inline void store_release(const struct bpfmap_ring *r, void *page, __u64 value)
{
	if (r->narrow)
		__atomic_store_n((__u32 *)page, value, __ATOMIC_RELEASE);
	else
		__atomic_store_n((ring_pos *)page, value, __ATOMIC_RELEASE);
}

/* Bytes from position @from to position @to, which may be before it */
static inline __s64 distance(const struct bpfmap_ring *r, __u64 from, __u64 to)
{
	return r->narrow ? (__s32)(to - from) : (__s64)(to - from);
}

#endif /* __BPFMAP_LIB_RING_H */
