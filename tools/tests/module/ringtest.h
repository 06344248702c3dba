/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Calls of in-kernel functions, on request of the tests: those of ring buffers,
 * and a reader of a map of maps
 */
#ifndef RINGTEST_H
#define RINGTEST_H

#include <linux/ioctl.h>
#include <linux/types.h>

#define RINGTEST_SLOTS		8
#define RINGTEST_BUF		65536

/**
 * enum ringtest_op - what to call; the result goes to ret
 * @RINGTEST_OUTPUT: bpfmap_ringbuf_output() of size bytes at data
 * @RINGTEST_RESERVE: bpfmap_ringbuf_reserve() into a slot: 0 or -ENOSPC
 * @RINGTEST_SUBMIT: the record of a slot; size bytes at data go into it before
 * @RINGTEST_DISCARD: the record of a slot
 * @RINGTEST_QUERY: bpfmap_ringbuf_query() with flags
 * @RINGTEST_DRAIN: bpfmap_user_ringbuf_drain(); stops after size samples if
 *		    that is not 0; samples go to RINGTEST_BUF bytes at data, each
 *		    an __u32 size and the bytes
 * @RINGTEST_READ_INNER: bpfmap_lookup_inner() of the __u32 key slot, size
 *			 milliseconds before the end of the same RCU read-side
 *			 critical section: 0 or -ENOENT
 */
enum ringtest_op {
	RINGTEST_OUTPUT,
	RINGTEST_RESERVE,
	RINGTEST_SUBMIT,
	RINGTEST_DISCARD,
	RINGTEST_QUERY,
	RINGTEST_DRAIN,
	RINGTEST_READ_INNER,
};

struct ringtest {
	__s32 map_fd;
	__u32 op;
	__u32 slot;
	__u32 used;	/* out: bytes at data, of RINGTEST_DRAIN */
	__u64 data;	/* out: CLOCK_MONOTONIC at the start of READ_INNER */
	__u64 size;
	__u64 flags;	/* out: the same at its end */
	__s64 ret;	/* out */
};

#define RINGTEST	_IOWR('r', 0x01, struct ringtest)

#endif /* RINGTEST_H */
