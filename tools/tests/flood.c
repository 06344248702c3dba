// SPDX-License-Identifier: GPL-2.0-only
/*
 * flood - attacks on hash functions by a user without any capability: choose
 * keys, and read their buckets in the cursors of LOOKUP_BATCH, or query a Bloom
 * filter
 *
 * [hash.random]: each succeeds in seconds against a function that it fits, for
 * any seed, and
 * has a negligible chance against one that shows no pattern.
 */
#include "jhash.h"
#include "load.h"

#define CHUNK		8192	/* elements of a batch */
#define KEY_MAX		72

/* Keys in the order in which they were added, each with its number as value */
struct sample {
	int fd;
	uint32_t key_size;
	uint32_t n;
	uint32_t pending;	/* of the last ones, in @keys and @values */
	uint8_t *keys;
	uint32_t *values;
	uint32_t *buckets;	/* by number, after sample_read() */
};

static struct sample sample_new(uint32_t key_size, uint32_t max_entries)
{
	struct sample s = { .key_size = key_size };

	s.fd = map_new(KIND(K_HASH_NP), key_size, 4, max_entries, 0);
	s.keys = malloc((size_t)CHUNK * key_size);
	s.values = malloc(CHUNK * sizeof(*s.values));
	s.buckets = calloc(max_entries, sizeof(*s.buckets));
	must(s.fd >= 0 && s.keys && s.values && s.buckets);
	return s;
}

static void sample_free(struct sample *s)
{
	close(s->fd);
	free(s->keys);
	free(s->values);
	free(s->buckets);
}

static void sample_flush(struct sample *s)
{
	uint32_t count = s->pending;

	if (count)
		must(!load_batch(UB, s->fd, NULL, NULL,
				 s->keys, s->values, &count, 0));
	s->pending = 0;
}

static void sample_add(struct sample *s, const void *key)
{
	memcpy(s->keys + s->pending * s->key_size, key, s->key_size);
	s->values[s->pending++] = s->n++;
	if (s->pending == CHUNK)
		sample_flush(s);
}

/* The elements of bucket *at, which has some; *at is then the next such one */
static int sample_bucket(struct sample *s, uint32_t *at, uint32_t *count)
{
	uint32_t room = 1, next = 0;
	int err;

	/* There is no room for the next bucket: the batch ends there */
	do {
		*count = room++;
		err = load_batch(LB, s->fd, at, &next,
				 s->keys, s->values, count, 0);
	} while (err == -ENOSPC && room <= CHUNK);
	must(!err || err == -ENOENT);
	*at = next;
	return err;
}

/* The first bucket that has elements counts as bucket 0: what is one of so many? */
static void sample_read(struct sample *s)
{
	uint32_t bucket, next = 0, count, i, n = 0;
	int err;

	sample_flush(s);
	do {
		bucket = next;
		err = sample_bucket(s, &next, &count);
		for (i = 0; i < count; i++)
			s->buckets[s->values[i]] = bucket;
		n += count;
	} while (!err);
	expect_eq(n, s->n);
}

/* ------------------------------------------------------------------------- */
/*
 * jhash starts with three words of state, all of them seed plus a constant, and
 * adds the first three words of the key: to add d to each of those is to add d to
 * the seed. So 2^16 keys show what 2^16 seeds in a row do, and 2^16 seeds at even
 * distances, computed at home, meet one of them. What collides under a known seed
 * is then written down.
 */
#define JHASH_STEPS	65536
#define JHASH_BASES	3
#define JHASH_BUCKETS	(1U << 20)
#define COLLIDERS	256

/* What the buckets of some keys are like if the hash function starts with @start */
struct view {
	uint64_t buckets;
	uint32_t step;
};

static int view_cmp(const void *a, const void *b)
{
	const struct view *x = a, *y = b;

	return x->buckets < y->buckets ? -1 : x->buckets > y->buckets;
}

static void jhash_key(uint32_t words[KEY_MAX / 4], uint32_t step, uint32_t base)
{
	memset(words, 0, KEY_MAX);
	words[0] = step;
	words[1] = step;
	words[2] = step;
	words[3] = base;
}

static struct view *jhash_views(struct sample *s)
{
	struct view *views = calloc(JHASH_STEPS, sizeof(*views));
	uint32_t key[KEY_MAX / 4], i, j;

	must(views);
	for (i = 0; i < JHASH_STEPS; i++) {
		for (j = 0; j < JHASH_BASES; j++) {
			jhash_key(key, i, j);
			sample_add(s, key);
		}
	}
	sample_read(s);
	for (i = 0; i < JHASH_STEPS; i++) {
		views[i].step = i;
		for (j = 0; j < JHASH_BASES; j++)
			views[i].buckets |= (uint64_t)s->buckets[i * JHASH_BASES + j] <<
					    (20 * j);
	}
	qsort(views, JHASH_STEPS, sizeof(*views), view_cmp);
	return views;
}

/* Keys that have one state after their second block if it starts with @start */
static uint32_t jhash_collide(struct sample *s, uint32_t start)
{
	uint32_t key[KEY_MAX / 4], i, first = s->n, same = 0;

	for (i = 0; i < COLLIDERS; i++) {
		uint32_t state[3] = { start + JHASH_STEPS + i, start, start };

		jhash_mix(state);
		jhash_key(key, 0, -state[0]);
		key[0] = JHASH_STEPS + i;
		key[4] = -state[1];
		key[5] = -state[2];
		sample_add(s, key);
	}
	sample_read(s);
	for (i = 0; i < COLLIDERS; i++)
		same += s->buckets[first + i] == s->buckets[first];
	return same;
}

/* @arg: bytes of a key */
static void jhash_attack(void *arg)
{
	uint32_t size = *(uint32_t *)arg;
	struct sample s = sample_new(size, JHASH_BUCKETS);
	struct view *views = jhash_views(&s), v, *met;
	uint32_t key[KEY_MAX / 4], i, j, same = 1;

	for (i = 0; i < JHASH_STEPS && same < COLLIDERS; i++) {
		v.buckets = 0;
		for (j = 0; j < JHASH_BASES; j++) {
			jhash_key(key, 0, j);
			v.buckets |= (uint64_t)(jhash(key, size, i << 16) &
						(JHASH_BUCKETS - 1)) << (20 * j);
		}
		met = bsearch(&v, views, JHASH_STEPS, sizeof(v), view_cmp);
		if (met)
			same = jhash_collide(&s, (i << 16) - met->step);
	}
	check(same < COLLIDERS,
	      "%u keys that were computed, after %u of which the buckets were read, are in one bucket",
	      COLLIDERS, JHASH_STEPS * JHASH_BASES);
	free(views);
	sample_free(&s);
}

/* ------------------------------------------------------------------------- */
/*
 * A sum of products of words and seeds is an arithmetic progression if one word
 * is one. If its step is large, it leaves the low bits alone, and with them much of
 * what follows. So the second differences of the buckets are few, and are the same
 * time and again. How often tells the low bits of a seed, then the next bits, until
 * the seed is known: 2^27 keys do for the 30 low bits.
 */
#define STEP		(1U << 30)
#define TRIPLES		131072
#define SUM_BUCKETS	(1U << 22)

/* Pairs of equal numbers */
static uint64_t equal_pairs(const uint32_t *numbers, uint32_t n)
{
	uint32_t *seen = calloc(SUM_BUCKETS, sizeof(*seen)), i;
	uint64_t pairs = 0;

	must(seen);
	for (i = 0; i < n; i++)
		pairs += seen[numbers[i]]++;
	free(seen);
	return pairs;
}

/* Keys of two words, the first of which is @fixed */
static uint64_t sum_pairs(uint32_t fixed)
{
	struct sample s = sample_new(8, SUM_BUCKETS);
	uint32_t *diffs = calloc(TRIPLES, sizeof(*diffs)), i, j;
	uint64_t pairs;

	must(diffs);
	for (i = 0; i < TRIPLES; i++) {
		for (j = 0; j < 3; j++) {
			uint32_t key[2] = { fixed, i + j * STEP };

			sample_add(&s, key);
		}
	}
	sample_read(&s);
	for (i = 0; i < TRIPLES; i++) {
		const uint32_t *b = &s.buckets[3 * i];

		diffs[i] = (b[0] - 2 * b[1] + b[2]) & (SUM_BUCKETS - 1);
	}
	pairs = equal_pairs(diffs, TRIPLES);
	free(diffs);
	sample_free(&s);
	return pairs;
}

/* 2048 are expected, give or take 45; 3000 never come, and never so few of a sum */
static void sum_attack(void *arg)
{
	const uint64_t expected = (uint64_t)TRIPLES * TRIPLES / 2 / SUM_BUCKETS;
	uint32_t fixed = *(uint32_t *)arg;
	uint64_t pairs = sum_pairs(fixed);

	printf("# first word %u: %llu equal pairs of %llu\n", fixed,
	       (unsigned long long)pairs, (unsigned long long)expected);
	check(pairs < expected * 3 / 2, "%llu equal pairs, %llu expected",
	      (unsigned long long)pairs, (unsigned long long)expected);
}

/* ------------------------------------------------------------------------- */
/*
 * A Bloom filter with jhash and consecutive seeds as hash functions:
 * what one value with d in its three words sets for seed s, one with d - 1 sets for
 * seed s + 1. Two values, as far apart as there are functions, have all bits of
 * those between them.
 */
#define BLOOM_HASHES	5

static void bloom_attack(void *arg)
{
	static const struct kind bloom = {
		"BLOOM_FILTER", BPFMAP_TYPE_BLOOM_FILTER, 0, C_HASH,
	};
	int fd = map_new(&bloom, 0, 12, 1000000, 0);
	uint32_t value[3], i, j, said = 0;

	(void)arg;
	must(fd >= 0);
	for (i = 0; i <= BLOOM_HASHES * 100; i += BLOOM_HASHES) {
		for (j = 0; j < 3; j++)
			value[j] = i;
		must(!map_update(fd, NULL, value, 0));
	}
	for (i = 0; i < BLOOM_HASHES * 100; i++) {
		for (j = 0; j < 3; j++)
			value[j] = i;
		said += i % BLOOM_HASHES && !map_lookup(fd, NULL, value, 0);
	}
	check(said < 3, "after 101 values, %u others are said to be there", said);
	close(fd);
}

/* ------------------------------------------------------------------------- */
/* Keys that collide in a map of the attacker's own do not in another one */
#define OTHER_KEYS	256
#define OTHER_BUCKETS	65536

static void other_attack(void *arg)
{
	struct sample s[2];
	uint32_t i, m, same = 0;

	(void)arg;
	for (m = 0; m < 2; m++) {
		s[m] = sample_new(8, OTHER_BUCKETS);
		for (i = 0; i < OTHER_KEYS; i++)
			sample_add(&s[m], (const uint32_t[]){ i, 0 });
		sample_read(&s[m]);
	}
	/* Distances: the bucket that counts as 0 may be another one */
	for (i = 1; i < OTHER_KEYS; i++)
		same += s[0].buckets[i] - s[0].buckets[i - 1] ==
			s[1].buckets[i] - s[1].buckets[i - 1];
	check(same < 4, "%u of %u keys are as far apart in another map", same,
	      OTHER_KEYS);
	sample_free(&s[0]);
	sample_free(&s[1]);
}

TEST(flood_other, 0)
{
	as_nobody(other_attack, NULL);
}

TEST(flood_bloom, 0)
{
	as_nobody(bloom_attack, NULL);
}

TEST(flood_jhash, 0)
{
	/* Whole words, and not */
	uint32_t sizes[] = { 68, 71 }, i;

	for (i = 0; i < ARRAY_SIZE(sizes); i++) {
		row("-", "keys of %u bytes", sizes[i]);
		as_nobody(jhash_attack, &sizes[i]);
	}
}

TEST(flood_sum, 0)
{
	uint32_t fixed;

	/* One of four steps is a multiple of 2^32 */
	for (fixed = 0; fixed < 4; fixed++) {
		row("-", "first word %u", fixed);
		as_nobody(sum_attack, &fixed);
	}
}

TEST_MAIN
