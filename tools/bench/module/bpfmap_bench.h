/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef BPFMAP_BENCH_MODULE_H
#define BPFMAP_BENCH_MODULE_H

#include <linux/ioctl.h>
#include <linux/types.h>

/* Calls between two looks at the clock, and between two offers to others to run */
#define BENCH_STRETCH	4096U

enum bpfmap_bench_op {
	BENCH_EMPTY,	/* the loop alone */
	BENCH_LOOKUP,
	BENCH_UPDATE,
	BENCH_DELETE,
	BENCH_LOOKUP_MANY,	/* of bpf(2)'s maps: BENCH_LOOKUP */
	BENCH_OPS
};

/**
 * struct bpfmap_bench_run - ioctl(BPFMAP_BENCH_RUN)
 * @fd: a hash with keys of 8 bytes or an array, values of 8 bytes
 * @bpf: it is one of bpf(2)'s
 * @op: enum bpfmap_bench_op
 * @threads: working at a time, each on a CPU of its own
 * @calls: of each thread
 * @flags: for updates
 * @indexes: pointer to threads x calls u32, the keys; values are index + 1
 * @times: pointer to threads x DIV_ROUND_UP(calls, BENCH_STRETCH) u64, where
 *	   the nanoseconds go that each stretch of calls took
 * @sum: out: of all values found
 * @failed: out: calls that did not succeed
 */
struct bpfmap_bench_run {
	__s32 fd;
	__u32 bpf;
	__u32 op;
	__u32 threads;
	__u32 calls;
	__u32 flags;
	__aligned_u64 indexes;
	__aligned_u64 times;
	__aligned_u64 sum;
	__aligned_u64 failed;
};

#define BPFMAP_BENCH_RUN	_IOWR('v', 0x10, struct bpfmap_bench_run)

#endif /* BPFMAP_BENCH_MODULE_H */
