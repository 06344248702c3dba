// SPDX-License-Identifier: GPL-2.0-only
/*
 * fill_map TYPE COUNT PIN - a full map with COUNT elements, pinned at PIN
 *
 * Keys and values are all different, and in no order. Maps of maps have some
 * maps of a few elements by turns, the first of which is pinned at PIN_inner.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <bpfmap.h>

#define BATCH	4096
#define INNERS	600	/* more than bpfmapctl keeps open */
#define FEW	300	/* enough for many elements */

enum { NUMBERS = 1, TRIE = 2, KEYLESS = 4, PERCPU = 8, OUTER = 16 };

static const struct kind {
	const char *name;
	int type;
	unsigned int key_size, value_size;
	unsigned int flags, what;
} kinds[] = {
	{ "hash", BPFMAP_TYPE_HASH, 8, 8, 0, 0 },
	{ "percpu_hash", BPFMAP_TYPE_PERCPU_HASH, 8, 12, 0, PERCPU },
	{ "lru_hash", BPFMAP_TYPE_LRU_HASH, 8, 8, 0, 0 },
	{ "lru_percpu_hash", BPFMAP_TYPE_LRU_PERCPU_HASH, 8, 8, 0, PERCPU },
	{ "array", BPFMAP_TYPE_ARRAY, 4, 12, 0, NUMBERS },
	{ "percpu_array", BPFMAP_TYPE_PERCPU_ARRAY, 4, 8, 0, NUMBERS | PERCPU },
	{ "lpm_trie", BPFMAP_TYPE_LPM_TRIE, 12, 8, BPFMAP_F_NO_PREALLOC, TRIE },
	{ "rhash", BPFMAP_TYPE_RHASH, 8, 8, BPFMAP_F_NO_PREALLOC, 0 },
	{ "queue", BPFMAP_TYPE_QUEUE, 0, 8, 0, KEYLESS },
	{ "stack", BPFMAP_TYPE_STACK, 0, 8, 0, KEYLESS },
	{ "array_of_maps", BPFMAP_TYPE_ARRAY_OF_MAPS, 4, 4, 0, NUMBERS | OUTER },
	{ "hash_of_maps", BPFMAP_TYPE_HASH_OF_MAPS, 8, 4, 0, OUTER },
};

static int inners[INNERS], nr_inners;

static void die(const char *what, int err)
{
	fprintf(stderr, "fill_map: %s: %s\n", what, strerror(-err));
	exit(1);
}

/* Multiples of an odd number: all different, and so are their upper halves */
static __u64 scramble(__u64 i)
{
	return i * 0x9e3779b97f4a7c15ULL;
}

static void make_key(const struct kind *kind, __u32 i, unsigned char *key)
{
	__u64 data = scramble(i);
	__u32 len = 33 + i % 32;

	if (kind->what & NUMBERS) {
		memcpy(key, &i, 4);
	} else if (kind->what & TRIE) {
		data = __builtin_bswap64(data & ~0ULL << (64 - len));
		memcpy(key, &len, 4);
		memcpy(key + 4, &data, 8);
	} else {
		memcpy(key, &data, kind->key_size);
	}
}

/* One for each CPU, at steps of 8 bytes; what is between them stays zero */
static void make_values(const struct kind *kind, __u32 i, int cpus,
			unsigned char *value)
{
	size_t stride = kind->what & PERCPU ? (kind->value_size + 7) & ~7 :
			kind->value_size;
	__u64 words[2];

	if (kind->what & OUTER) {
		memcpy(value, &inners[i % nr_inners], 4);
		return;
	}
	for (int cpu = 0; cpu < cpus; cpu++) {
		words[0] = scramble(i + 1000003ULL * cpu + 7) ^ i;
		words[1] = i ^ cpu << 24;
		memcpy(value + cpu * stride, words, kind->value_size);
	}
}

static void make_inners(const char *pin)
{
	char path[256];
	int err;

	for (int i = 0; i < nr_inners; i++) {
		inners[i] = bpfmap_create(BPFMAP_TYPE_ARRAY, "inside", 4, 4, 2,
					  NULL);
		if (inners[i] < 0)
			die("inner map", inners[i]);
	}
	snprintf(path, sizeof(path), "%s_inner", pin);
	err = bpfmap_obj_pin(inners[0], path);
	if (err)
		die(path, err);
}

static int store(const struct kind *kind, int map, unsigned char *keys,
		 unsigned char *values, __u32 n)
{
	int err = 0;

	if (!(kind->what & KEYLESS))
		return bpfmap_update_batch(map, keys, values, &n, NULL);
	for (__u32 i = 0; i < n && !err; i++)
		err = bpfmap_update_elem(map, NULL,
					 values + i * kind->value_size, 0);
	return err;
}

static void fill(const struct kind *kind, int map, __u32 count, int cpus)
{
	size_t value_bytes = kind->what & PERCPU ?
			     ((kind->value_size + 7) & ~7) * cpus :
			     kind->value_size;
	unsigned char *keys = calloc(BATCH, kind->key_size + 1);
	unsigned char *values = calloc(BATCH, value_bytes);
	cpu_set_t one;
	int err;

	/* One CPU must fill an LRU map to its last element */
	CPU_ZERO(&one);
	CPU_SET(sched_getcpu(), &one);
	if (!keys || !values || sched_setaffinity(0, sizeof(one), &one))
		die("fill", -errno);
	for (__u32 i = 0, n; i < count; i += n) {
		for (n = 0; n < BATCH && i + n < count; n++) {
			make_key(kind, i + n, keys + n * kind->key_size);
			make_values(kind, i + n, kind->what & PERCPU ? cpus : 1,
				    values + n * value_bytes);
		}
		err = store(kind, map, keys, values, n);
		if (err)
			die("store", err);
	}
	free(keys);
	free(values);
}

int main(int argc, char **argv)
{
	BPFMAP_OPTS(bpfmap_create_opts, opts, .map_flags = 0);
	const struct kind *kind = kinds, *end = kinds + sizeof(kinds) /
						       sizeof(kinds[0]);
	int map, err, cpus = bpfmap_num_possible_cpus();
	__u32 count;

	while (kind < end && argc == 4 && strcmp(kind->name, argv[1]))
		kind++;
	if (argc != 4 || kind == end || cpus < 0)
		return 2;
	count = strtoul(argv[2], NULL, 0);
	opts.map_flags = kind->flags;
	if (kind->what & OUTER) {
		nr_inners = count > 10000 ? FEW : INNERS;
		make_inners(argv[3]);
		opts.inner_map_fd = inners[0];
	}
	map = bpfmap_create(kind->type, "saved", kind->key_size,
			    kind->value_size, count, &opts);
	if (map < 0)
		die("create", map);
	fill(kind, map, count, cpus);
	err = bpfmap_obj_pin(map, argv[3]);
	if (err)
		die(argv[3], err);
	return 0;
}
