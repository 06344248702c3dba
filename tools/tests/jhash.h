/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * jhash - the kernel's <linux/jhash.h>, Bob Jenkins' lookup3: of bytes, and of
 * words the same
 */
#ifndef BPFMAP_TESTS_JHASH_H
#define BPFMAP_TESTS_JHASH_H

#include <stdint.h>

/* What a key of @size bytes starts with; a seed is added */
#define JHASH_START(size) (0xdeadbeef + (size))

uint32_t jhash(const void *key, uint32_t size, uint32_t start);

/* One step over a whole block of 12 bytes */
void jhash_mix(uint32_t s[3]);

#endif /* BPFMAP_TESTS_JHASH_H */
