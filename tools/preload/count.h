/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * Calls of bpf(2) by command, and where they went: what "bpfmap-run --stats"
 * prints. In memory that all programs share that it runs.
 */
#ifndef __BPFMAP_COUNT_H
#define __BPFMAP_COUNT_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#define COUNT_COMMANDS 64	/* the last one stands for all that are higher */

/* @refused: answered by an errno, of those that went there */
struct counter {
	_Atomic uint64_t calls, refused;
};

struct counters {
	struct counter device[COUNT_COMMANDS];
	struct counter kernel[COUNT_COMMANDS];
};

static inline void count_call(struct counters *to, unsigned int cmd, bool device,
			      long ret)
{
	unsigned int i = cmd < COUNT_COMMANDS ? cmd : COUNT_COMMANDS - 1;
	struct counter *c = device ? &to->device[i] : &to->kernel[i];

	atomic_fetch_add_explicit(&c->calls, 1, memory_order_relaxed);
	if (ret < 0 && ret >= -4095)
		atomic_fetch_add_explicit(&c->refused, 1, memory_order_relaxed);
}

#endif /* __BPFMAP_COUNT_H */
