// SPDX-License-Identifier: GPL-2.0-only
/*
 * What the hash promises beyond the contract suite
 */
#include <linux/cpumask.h>
#include <linux/delay.h>
#include <linux/rcupdate.h>
#include <linux/siphash.h>
#include <linux/smp.h>
#include <linux/string.h>

#include "../drivers/bpfmap/keyed_hash.h"
#include "crew.h"
#include "stress.h"

#define HASH(label, map_flags, key, value, max) {			\
	.name = label " " #key "/" #value, .type = BPFMAP_TYPE_HASH,	\
	.flags = map_flags, .key_size = key, .value_size = value,	\
	.max_entries = max,						\
}

static const struct map_shape shapes[] = {
	HASH("prealloc", 0, 8, 16, 64),
	HASH("no_prealloc", BPFMAP_F_NO_PREALLOC, 8, 16, 64),
	HASH("prealloc", 0, 40, 512, 48),
	HASH("no_prealloc", BPFMAP_F_NO_PREALLOC, 13, 77, 48),
	HASH("view", BPFMAP_F_VIEW, 8, 16, 64),
	HASH("view, no_prealloc", BPFMAP_F_VIEW | BPFMAP_F_NO_PREALLOC, 13, 77,
	     48),
};

SHAPE_PARAM(shape, shapes);

static void hash_full_and_empty(struct kunit *test)
{
	static const struct map_shape shape = HASH("", 0, 8, 16, 200);

	stress_full_and_empty(test, &shape);
}

static void hash_grow(struct kunit *test)
{
	static const struct map_shape shape =
		HASH("", BPFMAP_F_NO_PREALLOC, 8, 64, 600);

	contexts_grow(test, &shape);
}

/* A map with two buckets: chains of all lengths, and every way out of them */
static void hash_chain(struct kunit *test)
{
	static const struct map_shape shape = HASH("", 0, 8, 16, 2);
	struct bpfmap *map = kunit_map(test, &shape);
	u32 n, stays;

	for (n = 0; n < 100; n++) {
		/* [n, n+1], in the same chain every other time */
		KUNIT_EXPECT_EQ(test, put_nth(map, n, 0, BPFMAP_F_NOEXIST), 0);
		KUNIT_EXPECT_EQ(test, put_nth(map, n + 1, 0, BPFMAP_F_NOEXIST),
				0);
		/* Delete the first or the last of the chain, keep the other */
		stays = n & 1 ? n : n + 1;
		KUNIT_EXPECT_EQ(test, del_nth(map, 2 * n + 1 - stays), 0);
		KUNIT_EXPECT_TRUE(test, has_nth(map, stays));
		KUNIT_EXPECT_FALSE(test, has_nth(map, 2 * n + 1 - stays));
		KUNIT_EXPECT_EQ(test, del_nth(map, stays), 0);
	}
}

/* BPFMAP_F_ZERO_SEED: two maps have the same order */
static void hash_zero_seed(struct kunit *test)
{
	static const struct map_shape shape =
		HASH("", BPFMAP_F_ZERO_SEED, 8, 16, 64);
	u8 keys[2][2][8];	/* this and the next key of both */
	struct bpfmap *maps[2];
	u32 i, n;

	for (i = 0; i < 2; i++) {
		maps[i] = kunit_map(test, &shape);
		for (n = 0; n < 64; n++)
			put_nth(maps[i], n, 0, 0);
		KUNIT_ASSERT_EQ(test, 0, bpfmap_get_next_key(maps[i], NULL,
							     keys[0][i]));
	}
	for (n = 0; n < 63; n++) {
		void *now = keys[n & 1], *next = keys[!(n & 1)];

		KUNIT_EXPECT_MEMEQ(test, now, now + 8, 8);
		for (i = 0; i < 2; i++)
			KUNIT_ASSERT_EQ(test, 0,
					bpfmap_get_next_key(maps[i], now + 8 * i,
							    next + 8 * i));
	}
	KUNIT_EXPECT_MEMEQ(test, keys[1][0], keys[1][1], 8);
}

static const u64 secret_key[2] = { 0x0706050403020100, 0x0f0e0d0c0b0a0908 };

/* SipHash-1-3 as specified, but without the block with the length */
static u64 siphash_1_3(const u64 *blocks, u32 nr)
{
	u64 v0 = secret_key[0] ^ SIPHASH_CONST_0;
	u64 v1 = secret_key[1] ^ SIPHASH_CONST_1;
	u64 v2 = secret_key[0] ^ SIPHASH_CONST_2;
	u64 v3 = secret_key[1] ^ SIPHASH_CONST_3;

	while (nr--) {
		v3 ^= *blocks;
		SIPHASH_PERMUTATION(v0, v1, v2, v3);
		v0 ^= *blocks++;
	}
	v2 ^= 0xff;
	SIPHASH_PERMUTATION(v0, v1, v2, v3);
	SIPHASH_PERMUTATION(v0, v1, v2, v3);
	SIPHASH_PERMUTATION(v0, v1, v2, v3);
	return v0 ^ v1 ^ v2 ^ v3;
}

/* The hash of keys of all short sizes is SipHash-1-3, and of every byte */
static void hash_keyed(struct kunit *test)
{
	struct bpfmap_hash_secret secret;
	u8 key[40], other[40];
	u64 blocks[5];
	u64 hash;
	u32 size, i;

	bpfmap_hash_secret_set(&secret, secret_key);
	for (i = 0; i < sizeof(key); i++)
		key[i] = i * 37 + 1;
	for (size = 1; size <= sizeof(key); size++) {
		hash = bpfmap_keyed_hash(&secret, key, size);
		for (i = 0; i < size; i++) {
			memcpy(other, key, size);
			other[i] ^= 1 << (i % 8);
			KUNIT_EXPECT_NE(test, hash, bpfmap_keyed_hash(&secret, other,
								      size));
		}
		if (size < 8)
			continue;
		memcpy(blocks, key, size);
		memcpy(&blocks[(size - 1) / 8], key + size - 8, 8);
		KUNIT_EXPECT_EQ_MSG(test, hash,
				    siphash_1_3(blocks, DIV_ROUND_UP(size, 8)),
				    "%u bytes", size);
	}
}

/* Keys of the test below: one that stays, others for one element in front */
#define ANCHOR		0
#define DRIFTERS	8

/**
 * struct anchorage - the map of the anchor test
 * @map: a map of two elements
 * @drifter: key of the other element
 */
struct anchorage {
	struct bpfmap *map;
	u32 drifter;
};

/* One CPU lets the element drift, in interrupts of the readers on the others */
static bool drifts(const struct worker *w)
{
	return num_online_cpus() > 1 &&
	       w->cpu == cpumask_first(cpu_online_mask);
}

static void find_anchor_step(struct worker *w)
{
	struct anchorage *a = w->ctx;
	u8 key[8], value[16];
	bool found;
	int i;

	if (drifts(w)) {
		msleep(20);
		return;
	}
	key_make(a->map, key, ANCHOR);
	for (i = 0; i < 50; i++) {
		worker_check(w, !bpfmap_copy_elem(a->map, key, value, 0));
		rcu_read_lock();
		found = bpfmap_lookup_elem(a->map, key);
		rcu_read_unlock();
		worker_check(w, found);
	}
}

static void drift(void *worker)
{
	struct worker *w = worker;
	struct anchorage *a = w->ctx;

	worker_check(w, !del_nth(a->map, a->drifter));
	a->drifter = 1 + worker_random(w, DRIFTERS);
	worker_check(w, !put_nth(a->map, a->drifter, 0, BPFMAP_F_NOEXIST));
}

static void drift_step(struct worker *w)
{
	int cpu = cpumask_last(cpu_online_mask);

	if (drifts(w))
		worker_check(w, !smp_call_function_single(cpu, drift, w, true));
	else
		msleep(20);
}

/*
 * The element in front of the anchor is taken for a key of the other bucket
 * while a reader stands on it: it must not miss the anchor.
 */
static void hash_carried_away(struct kunit *test)
{
	static const struct job jobs[] = {
		{ "find", find_anchor_step }, { "drift", drift_step },
	};
	static const struct map_shape shape = HASH("", 0, 8, 16, 2);
	struct anchorage a = { .map = kunit_map(test, &shape), .drifter = 1 };

	KUNIT_ASSERT_EQ(test, put_nth(a.map, ANCHOR, 0, 0), 0);
	KUNIT_ASSERT_EQ(test, put_nth(a.map, a.drifter, 0, 0), 0);
	crew_run(test, jobs, ARRAY_SIZE(jobs), &a, 800);
}

static struct kunit_case hash_cases[] = {
	KUNIT_CASE(hash_chain),
	KUNIT_CASE_PARAM(stress_pointer_stays, shape_gen_params),
	KUNIT_CASE(hash_zero_seed),
	KUNIT_CASE(hash_keyed),
	KUNIT_CASE_PARAM(stress_capacity, shape_gen_params),
	KUNIT_CASE_PARAM(contexts_softirq, shape_gen_params),
	KUNIT_CASE_PARAM(contexts_hardirq, shape_gen_params),
	KUNIT_CASE_PARAM(contexts_last_put, shape_gen_params),
	KUNIT_CASE_PARAM(stress_whole_values, shape_gen_params),
	KUNIT_CASE(hash_carried_away),
	KUNIT_CASE(hash_full_and_empty),
	KUNIT_CASE(hash_grow),
	{}
};

static struct kunit_suite hash_suite = {
	.name = "bpfmap_hash",
	.test_cases = hash_cases,
};

kunit_test_suite(hash_suite);
