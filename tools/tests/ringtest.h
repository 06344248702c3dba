/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * ringtest - the in-kernel side of a ring buffer, and a reader of a map of maps,
 * by the module of that name
 */
#ifndef BPFMAP_TESTS_RINGTEST_H
#define BPFMAP_TESTS_RINGTEST_H

#include <stddef.h>
#include <stdint.h>

#include "module/ringtest.h"

/* A descriptor of the module's device; ends the program if there is none */
int ringtest_fd(void);

/* RINGTEST_*: the result of the in-kernel function */
long ring_output(int map, const void *data, size_t size, uint64_t flags);
long ring_reserve(int map, unsigned int slot, uint64_t size);
long ring_submit(int map, unsigned int slot, const void *data, size_t size,
		 uint64_t flags);
long ring_discard(int map, unsigned int slot, uint64_t flags);
uint64_t ring_query(int map, uint64_t what);

/* @buf: RINGTEST_BUF bytes, of which *@used are filled */
long ring_drain(int map, void *buf, uint32_t *used, uint64_t stop_after,
		uint64_t flags);

/* Of element @key of @outer, for @ms; when it began and ended, CLOCK_MONOTONIC */
long ring_read_inner(int outer, uint32_t key, unsigned int ms, uint64_t *start,
		     uint64_t *end);

#endif /* BPFMAP_TESTS_RINGTEST_H */
