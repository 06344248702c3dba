// SPDX-License-Identifier: GPL-2.0-only
#include <stdio.h>
#include <stdlib.h>

#include "bucket.h"
#include "jhash.h"

uint32_t bucket_of(uint32_t key, uint32_t entries)
{
	return jhash(&key, sizeof(key), JHASH_START(sizeof(key))) & (entries - 1);
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
