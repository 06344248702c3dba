// SPDX-License-Identifier: GPL-2.0-only
#include <stdio.h>
#include <stdlib.h>

#include "bucket.h"

static uint32_t rol(uint32_t x, int by)
{
	return x << by | x >> (32 - by);
}

/* jhash2() of one word with seed 0: what BPFMAP_F_ZERO_SEED stands for */
static uint32_t hash_of(uint32_t key)
{
	uint32_t a = 0xdeadbeef + 4, b = a, c = a;

	a += key;
	c ^= b;
	c -= rol(b, 14);
	a ^= c;
	a -= rol(c, 11);
	b ^= a;
	b -= rol(a, 25);
	c ^= b;
	c -= rol(b, 16);
	a ^= c;
	a -= rol(c, 4);
	b ^= a;
	b -= rol(a, 14);
	c ^= b;
	c -= rol(b, 24);
	return c;
}

uint32_t bucket_of(uint32_t key, uint32_t entries)
{
	return hash_of(key) & (entries - 1);
}

uint32_t *bucket_keys(uint32_t n, uint32_t entries)
{
	uint32_t *keys = malloc(n * sizeof(*keys)), i = 0, key;

	if (!keys) {
		perror("memory");
		exit(1);
	}
	for (key = 0; i < n; key++)
		if (!bucket_of(key, entries))
			keys[i++] = key;
	return keys;
}
