/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Random numbers that are the same for the same seed
 */
#ifndef TESTS_RNG_H
#define TESTS_RNG_H

#include <stdint.h>

struct rng {
	uint64_t s;
};

/* Sebastiano Vigna's splitmix64 */
static inline uint64_t rnd64(struct rng *r)
{
	uint64_t z = r->s += 0x9e3779b97f4a7c15ULL;

	z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9ULL;
	z = (z ^ z >> 27) * 0x94d049bb133111ebULL;
	return z ^ z >> 31;
}

static inline uint32_t rnd32(struct rng *r)
{
	return rnd64(r) >> 32;
}

static inline uint32_t rnd(struct rng *r, uint32_t below)
{
	return (rnd64(r) >> 32) * below >> 32;
}

#define one_in(r, n)	(!rnd(r, n))
#define PICK(r, list)	((list)[rnd(r, ARRAY_SIZE(list))])

#endif /* TESTS_RNG_H */
