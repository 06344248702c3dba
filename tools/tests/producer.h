/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * producer - the kernel's side of a RINGBUF, whatever the backend: the module
 * ringtest, or a BPF program
 */
#ifndef BPFMAP_TESTS_PRODUCER_H
#define BPFMAP_TESTS_PRODUCER_H

#include <stddef.h>
#include <stdint.h>

/* bpf_ringbuf_output() */
long produce(int map, const void *data, uint32_t size, uint32_t flags);

/* bpf_ringbuf_reserve() and bpf_ringbuf_discard(); -ENOSPC without room */
long produce_discarded(int map, uint32_t size, uint32_t flags);

/* bpf_ringbuf_query(), the lower 32 bits */
uint32_t produce_query(int map, uint32_t what);

#endif /* BPFMAP_TESTS_PRODUCER_H */
