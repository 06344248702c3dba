/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What the files of bpfmap-view-bench share
 */
#ifndef BENCH_VIEW_H
#define BENCH_VIEW_H

#include <stdint.h>

#include "bpfmap_view.h"

/* An element of a hash 8/8 */
struct elem {
	uint32_t next_free, next, seq, hash;
	uint64_t key, value;
};

/* The n-th key and its value; keys from the number of elements on are missing */
static inline uint64_t key_of(uint32_t n)
{
	return n * 0x9e3779b97f4a7c15ULL;
}

static inline uint64_t value_of(uint64_t key)
{
	return key ^ 0x5555;
}

/* image.c */
int image_new(uint32_t n, const uint64_t state[4], uint32_t (*hash)(uint64_t));

/* count.c: in a machine that counts instructions */
int count_all(uint32_t n, uint32_t rounds);
int verify_image(uint32_t n);

/* time.c: at the processor's full speed, on images */
int time_all(uint32_t n, uint32_t rounds);

/* Nanoseconds of the monotonic clock */
uint64_t now(void);

/* Median of samples, which are sorted then */
uint64_t median(uint64_t *samples, uint32_t n);

#endif /* BENCH_VIEW_H */
