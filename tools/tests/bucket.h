/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * bucket - keys that share a bucket of a hash, probed or computed
 */
#ifndef BPFMAP_TESTS_BUCKET_H
#define BPFMAP_TESTS_BUCKET_H

#include <stdint.h>

/* Elements that a bucket can have */
#define BUCKET_MAX	256

/* Bucket of a key in a map with BPFMAP_F_ZERO_SEED and @entries, a power of two */
uint32_t bucket_of(uint32_t key, uint32_t entries);

/* @n keys of bucket 0 of such a map; free() them */
uint32_t *bucket_keys(uint32_t n, uint32_t entries);

#endif /* BPFMAP_TESTS_BUCKET_H */
