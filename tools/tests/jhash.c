// SPDX-License-Identifier: GPL-2.0-only
/*
 * jhash - see jhash.h
 */
#include <string.h>

#include "jhash.h"

static uint32_t rol(uint32_t x, int n)
{
	return x << n | x >> (32 - n);
}

void jhash_mix(uint32_t s[3])
{
	static const uint8_t turns[] = { 4, 6, 8, 16, 19, 4 };
	unsigned int i;

	for (i = 0; i < 6; i++) {
		uint32_t *a = &s[i % 3], *b = &s[(i + 1) % 3], *c = &s[(i + 2) % 3];

		*a -= *c;
		*a ^= rol(*c, turns[i]);
		*c += *b;
	}
}

static uint32_t jhash_final(uint32_t s[3])
{
	static const uint8_t turns[] = { 14, 11, 25, 16, 4, 14, 24 };
	unsigned int i;

	for (i = 0; i < 7; i++) {
		uint32_t *c = &s[(i + 2) % 3], *b = &s[(i + 1) % 3];

		*c ^= *b;
		*c -= rol(*b, turns[i]);
	}
	return s[2];
}

static void add(uint32_t s[3], const void *key, uint32_t size)
{
	uint32_t w[3] = { 0 }, i;

	memcpy(w, key, size);
	for (i = 0; i < 3; i++)
		s[i] += w[i];
}

/* What is left of a key that is no whole words: its first byte is the lowest */
static void add_bytes(uint32_t s[3], const uint8_t *key, uint32_t size)
{
	uint32_t i;

	for (i = 0; i < size; i++)
		s[i / 4] += (uint32_t)key[i] << 8 * (i % 4);
}

uint32_t jhash(const void *key, uint32_t size, uint32_t start)
{
	uint32_t s[3] = { start, start, start };
	const uint8_t *k = key;

	for (; size > 12; size -= 12, k += 12) {
		add(s, k, 12);
		jhash_mix(s);
	}
	if (!size)
		return s[2];
	if (size % 4)
		add_bytes(s, k, size);
	else
		add(s, k, size);
	return jhash_final(s);
}
