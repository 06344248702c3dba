// SPDX-License-Identifier: GPL-2.0-only
/*
 * Time of look-ups on an image, where caches and TLB are those of the machine
 *
 * The plain programs know the layout at compile time and check nothing but the
 * sequence count: one with the module's hash function, one with a
 * multiplication, on an image whose chains are those of that function.
 */
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include "view.h"

#define LOOKUPS (1U << 20)
#define ROUNDS_MAX 64
#define GROUP 512

struct image {
	struct bpfmap_view *v;
	const struct elem *elems;
	const uint32_t *heads;
	uint64_t *keys;	/* LOOKUPS of them, random */
	uint64_t sum;
};

static uint32_t multiplied(uint64_t key)
{
	return key * 0xd6e8feb86659fd93ULL >> 32;
}

static inline __attribute__((always_inline)) int
plain(const struct image *im, uint64_t key, uint32_t hash, uint64_t *value)
{
	uint32_t seq, link = im->heads[hash & im->v->mask];

	while (!(link & BPFMAP_VIEW_END)) {
		const struct elem *e = &im->elems[link];

		seq = __atomic_load_n(&e->seq, __ATOMIC_ACQUIRE);
		if (e->key == key) {
			*value = e->value;
			__atomic_thread_fence(__ATOMIC_ACQUIRE);
			return __atomic_load_n(&e->seq, __ATOMIC_RELAXED) !=
			       seq;
		}
		link = __atomic_load_n(&e->next, __ATOMIC_ACQUIRE);
	}
	return -1;
}

static void time_plain(struct image *im)
{
	uint64_t value;
	uint32_t i;

	for (i = 0; i < LOOKUPS; i++) {
		uint64_t key = im->keys[i];

		if (!plain(im, key, __bpfmap_view_hash(im->v, &key, 8), &value))
			im->sum += value;
	}
}

static void time_multiplied(struct image *im)
{
	uint64_t value;
	uint32_t i;

	for (i = 0; i < LOOKUPS; i++)
		if (!plain(im, im->keys[i], multiplied(im->keys[i]), &value))
			im->sum += value;
}

static void time_fixed(struct image *im)
{
	uint64_t value;
	uint32_t i;

	for (i = 0; i < LOOKUPS; i++)
		if (!bpfmap_view_lookup_fixed(im->v, &im->keys[i], 8, &value, 8))
			im->sum += value;
}

static void time_single(struct image *im)
{
	uint64_t value;
	uint32_t i;

	for (i = 0; i < LOOKUPS; i++)
		if (!bpfmap_view_lookup(im->v, &im->keys[i], &value))
			im->sum += value;
}

static void time_many(struct image *im)
{
	uint64_t values[GROUP];
	int32_t results[GROUP];
	uint32_t i;

	for (i = 0; i < LOOKUPS; i += GROUP) {
		im->sum += bpfmap_view_lookup_many(im->v, &im->keys[i], values,
						   results, GROUP);
		im->sum += values[GROUP - 1];
	}
}

static int add(const void *key, const void *value, void *ctx)
{
	(void)key;
	*(uint64_t *)ctx += *(const uint64_t *)value;
	return 0;
}

static void time_scan(struct image *im)
{
	uint64_t key, value;

	bpfmap_view_for_each(im->v, &key, &value, add, &im->sum);
}

struct way {
	const char *name;
	void (*fn)(struct image *im);
	int cheap, missing, scan;
};

static const struct way ways[] = {
	{ "plain program, multiplication", time_multiplied, 1, 0, 0 },
	{ "plain program", time_plain, 0, 0, 0 },
	{ "bpfmap_view_lookup_fixed", time_fixed, 0, 0, 0 },
	{ "bpfmap_view_lookup", time_single, 0, 0, 0 },
	{ "bpfmap_view_lookup_many", time_many, 0, 0, 0 },
	{ "plain program, miss", time_plain, 0, 1, 0 },
	{ "bpfmap_view_lookup_fixed, miss", time_fixed, 0, 1, 0 },
	{ "bpfmap_view_lookup_many, miss", time_many, 0, 1, 0 },
	{ "bpfmap_view_for_each", time_scan, 0, 0, 1 },
};

#define ARRAY_SIZE(a) (sizeof(a) / sizeof((a)[0]))
#define N_WAYS ARRAY_SIZE(ways)

/* Time that this thread runs: others may use the processor meanwhile */
static uint64_t cpu_now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
	return t.tv_sec * 1000000000ULL + t.tv_nsec;
}

static int open_image(struct image *im, uint32_t n, uint32_t (*hash)(uint64_t))
{
	static const uint64_t state[4] = { 0x0123456789abcdef, 0x1020304050607080,
					   0xfedcba9876543210, 0x1122334455667788 };
	BPFMAP_OPTS(bpfmap_view_opts, opts, .populate = true);
	int fd = image_new(n, state, hash);

	im->v = fd < 0 ? NULL : bpfmap_view_open(fd, &opts);
	if (!im->v) {
		perror("image");
		return 1;
	}
	close(fd);
	im->elems = (const void *)im->v->elems;
	im->heads = im->v->heads;
	return 0;
}

static uint64_t *random_keys(uint32_t first, uint32_t n)
{
	uint64_t *keys = malloc(LOOKUPS * sizeof(*keys)), x = 88172645463325252;
	uint32_t i;

	for (i = 0; i < LOOKUPS; i++) {
		x ^= x << 13;
		x ^= x >> 7;
		x ^= x << 17;
		keys[i] = key_of(first + (x >> 32) * n / (1ULL << 32));
	}
	return keys;
}

int time_all(uint32_t n, uint32_t rounds)
{
	static uint64_t samples[N_WAYS][ROUNDS_MAX];
	uint64_t *hits = random_keys(0, n), *misses = random_keys(n, n);
	struct image images[2] = { };
	double ns, plain_ns[2] = { };
	uint32_t round, w;

	if (rounds > ROUNDS_MAX)
		rounds = ROUNDS_MAX;
	if (open_image(&images[0], n, NULL) ||
	    open_image(&images[1], n, multiplied))
		return 1;
	/* In turn, so that what else the machine does hits all alike */
	for (round = 0; round < rounds; round++)
		for (w = 0; w < N_WAYS; w++) {
			struct image *im = &images[ways[w].cheap];
			uint64_t start;

			im->keys = ways[w].missing ? misses : hits;
			start = cpu_now();
			ways[w].fn(im);
			samples[w][round] = cpu_now() - start;
		}
	printf("hash 8/8, %u elements, random keys      ns  / plain\n", n);
	for (w = 0; w < N_WAYS; w++) {
		median(samples[w], rounds);
		/* The lowest: caches are shared with what else runs */
		ns = (double)samples[w][0] / (ways[w].scan ? n : LOOKUPS);
		if (ways[w].fn == time_plain)
			plain_ns[ways[w].missing] = ns;
		printf("%-34s %9.1f", ways[w].name, ns);
		if (plain_ns[ways[w].missing] && !ways[w].scan)
			printf(" %6.2f", ns / plain_ns[ways[w].missing]);
		printf("\n");
	}
	printf("(sum %lu)\n",
	       (unsigned long)(images[0].sum + images[1].sum));
	return 0;
}
