// SPDX-License-Identifier: GPL-2.0-only
/*
 * fill_map TYPE COUNT PIN - a full map with COUNT elements, pinned at PIN
 * fill_map - the types that can be filled
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

#include "map_types.h"

#define BATCH	4096
#define INNERS	600	/* more than bpfmapctl keeps open */
#define FEW	300	/* enough for many elements */

/**
 * struct kind - what to fill
 * @key_size: of its keys
 * @value_size: of its values; not a multiple of 8 where CPUs' values are padded
 */
struct kind {
	const struct type_row *row;
	unsigned int key_size, value_size;
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

	if (kind->row->keys == KEYS_INDEX) {
		memcpy(key, &i, 4);
	} else if (kind->row->keys == KEYS_PREFIX) {
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
	size_t stride = kind->row->values == VALUES_PERCPU ? (kind->value_size + 7) & ~7 :
			kind->value_size;
	__u64 words[2];

	if (kind->row->values == VALUES_MAPS) {
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

	if (kind->row->keys != KEYS_NONE)
		return bpfmap_update_batch(map, keys, values, &n, NULL);
	for (__u32 i = 0; i < n && !err; i++)
		err = bpfmap_update_elem(map, NULL,
					 values + i * kind->value_size, 0);
	return err;
}

static void fill(const struct kind *kind, int map, __u32 count, int cpus)
{
	size_t value_bytes = kind->row->values == VALUES_PERCPU ?
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
			make_values(kind, i + n, kind->row->values == VALUES_PERCPU ? cpus : 1,
				    values + n * value_bytes);
		}
		err = store(kind, map, keys, values, n);
		if (err)
			die("store", err);
	}
	free(keys);
	free(values);
}

/* Elements come out again, and are not in its memory only */
static bool can_fill(const struct type_row *row)
{
	return row->values != VALUES_NONE && !(row->props & BPFMAP_T_BY_VALUE);
}

static bool find_kind(const char *name, struct kind *kind)
{
	struct bpfmap_create_attr a;

	for (size_t i = 0; i < N_TYPE_ROWS; i++) {
		const struct type_row *row = &type_rows[i];

		if (strcmp(row->name, name) || !can_fill(row))
			continue;
		a = type_row_attr(row);
		*kind = (struct kind){ row, a.key_size, a.value_size };
		if (row->keys == KEYS_PREFIX)
			kind->key_size = 12;
		if (row->values == VALUES_PERCPU)
			kind->value_size = 12;
		return true;
	}
	return false;
}

int main(int argc, char **argv)
{
	BPFMAP_OPTS(bpfmap_create_opts, opts, .map_flags = 0);
	struct kind found, *kind = &found;
	int map, err, cpus = bpfmap_num_possible_cpus();
	__u32 count;

	for (size_t i = 0; argc == 1 && i < N_TYPE_ROWS; i++)
		if (can_fill(&type_rows[i]))
			puts(type_rows[i].name);
	if (argc == 1)
		return 0;
	if (argc != 4 || !find_kind(argv[1], &found) || cpus < 0)
		return 2;
	count = strtoul(argv[2], NULL, 0);
	opts.map_flags = kind->row->must;
	if (kind->row->values == VALUES_MAPS) {
		nr_inners = count > 10000 ? FEW : INNERS;
		make_inners(argv[3]);
		opts.inner_map_fd = inners[0];
	}
	map = bpfmap_create((enum bpfmap_type)kind->row->type, "saved", kind->key_size,
			    kind->value_size, count, &opts);
	if (map < 0)
		die("create", map);
	fill(kind, map, count, cpus);
	err = bpfmap_obj_pin(map, argv[3]);
	if (err)
		die(argv[3], err);
	return 0;
}
