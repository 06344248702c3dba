/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * What bpfmap-run puts into a program: code, data and stacks in one mapping.
 * page.S and page.c are linked to begin at address 0, so that addresses in
 * struct page_header are offsets.
 */
#ifndef __BPFMAP_RUN_PAGE_H
#define __BPFMAP_RUN_PAGE_H

#define PAGE_DATA 0x4000	/* from here on it is writable */
#define PAGE_STACKS 0x6000
#define PAGE_STACK_SIZE 0x8000
#define PAGE_N_STACKS 32
#define PAGE_COUNTERS (PAGE_STACKS + PAGE_N_STACKS * PAGE_STACK_SIZE)
#define PAGE_COUNTERS_SIZE 0x1000
#define PAGE_SIZE_ALL (PAGE_COUNTERS + PAGE_COUNTERS_SIZE)

#define PAGE_EXEC_FD 700		/* a program for bpfmap-exec is at this or above */
#define PAGE_EXEC_MAX 256
#define PAGE_IOC_NONE 0xc000bf00	/* BPFMAP_IOC(0, 0), for the assembler */

#define PAGE_N_STUBS 8
#define PAGE_BEGIN_ROOM 8	/* of a stub, for what stood before the site */
#define PAGE_EXIT_ROOM 16	/* for what stood behind it, and a jump back */

#ifndef __ASSEMBLER__
#include <stdint.h>

/* A way through the page: for each place that jumps here its own */
struct page_stub {
	uint64_t begin;		/* PAGE_BEGIN_ROOM bytes that do nothing */
	uint64_t exit;		/* PAGE_EXIT_ROOM bytes to fill */
};

/*
 * @route: the struct route
 * @fast: bits of commands that the code without a stack handles; others that
 * are in @slow go to route_bpf(), the rest to bpf(2)
 */
struct page_header {
	struct page_stub stubs[PAGE_N_STUBS];
	uint64_t route;
	uint64_t fast;
	uint64_t slow;
	uint64_t counting;
	uint64_t exec;		/* PAGE_EXEC_MAX bytes: path of bpfmap-exec, or empty */
};
#endif

#endif /* __BPFMAP_RUN_PAGE_H */
