// SPDX-License-Identifier: GPL-2.0-only
/*
 * What a call costs by each way: the least of many short measurements, the
 * ways taking turns so that both meet the same disturbances.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <arpa/inet.h>

#include "bpfmap.h"
#include "demo.h"

#define ELEMENTS	2048
#define BATCH		1024
#define BLOCK		256	/* calls to measure together */
#define ROUNDS		10

enum op {
	INSERT, UPDATE, LOOKUP, MISS, NEXT_KEY, LOOK_DEL, DELETE,
	B_UPDATE, B_LOOKUP, B_LOOK_DEL, B_DELETE, OPS
};

static const char *const op_names[OPS] = {
	"insert", "update", "lookup", "miss", "next_key", "look+del", "delete",
	"b.update", "b.lookup", "b.lk+del", "b.delete",
};

struct kind {
	const char *name;
	enum bpfmap_type type;
	unsigned int key_size;
	bool percpu;
	bool lru;
};

static const struct kind kinds[] = {
	{ "hash", BPFMAP_TYPE_HASH, 8, false, false },
	{ "percpu_hash", BPFMAP_TYPE_PERCPU_HASH, 8, true, false },
	{ "lru_hash", BPFMAP_TYPE_LRU_HASH, 8, false, true },
	{ "lru_percpu", BPFMAP_TYPE_LRU_PERCPU_HASH, 8, true, true },
	{ "array", BPFMAP_TYPE_ARRAY, 4, false, false },
	{ "percpu_array", BPFMAP_TYPE_PERCPU_ARRAY, 4, true, false },
	{ "lpm_trie", BPFMAP_TYPE_LPM_TRIE, 8, false, false },
};

/* A map under measurement; least[] in ns for each call or element, 0: none */
struct run {
	const struct way *way;
	const struct kind *kind;
	int map;
	unsigned int slots;	/* of 8 bytes in a value */
	__u64 *values;		/* ELEMENTS of them */
	unsigned char *keys;	/* ELEMENTS present ones, then as many absent */
	unsigned char *out_keys;
	double least[OPS];
};

static bool is_hash(const struct kind *kind)
{
	return kind->type == BPFMAP_TYPE_HASH ||
	       kind->type == BPFMAP_TYPE_PERCPU_HASH || kind->lru;
}

static bool is_lpm(const struct kind *kind)
{
	return kind->type == BPFMAP_TYPE_LPM_TRIE;
}

static void must(const struct run *run, enum op op, int ret, int expected)
{
	if (ret != expected)
		die("%s: %s of %s: %s", run->way->name, op_names[op],
		    run->kind->name, ret < 0 ? errno_name(-ret) : "success");
}

/* @nr elements have been done since *start; the next ones start now */
static void note(struct run *run, enum op op, __u64 *start, unsigned int nr)
{
	__u64 end = now_ns();
	double each = (double)(end - *start) / nr;

	if (!run->least[op] || each < run->least[op])
		run->least[op] = each;
	*start = end;
}

/* One command for each element; keys from the @first-th on */
static void each(struct run *run, enum op op, int cmd, unsigned int first,
		 int expected)
{
	const unsigned char *key = run->keys +
				   (size_t)first * run->kind->key_size;
	__u64 *value = cmd == BPFMAP_CMD_MAP_DELETE_ELEM ? NULL : run->values;
	__u64 start = now_ns();
	unsigned int i;
	int ret;

	for (i = 0; i < ELEMENTS; i++) {
		ret = way_elem(run->way, cmd, run->map, key, value, 0);
		must(run, op, ret, expected);
		key += run->kind->key_size;
		if (value && first == 0)
			value += run->slots;
		if (i % BLOCK == BLOCK - 1)
			note(run, op, &start, BLOCK);
	}
}

static void walk(struct run *run)
{
	unsigned char *key = NULL, *next = run->out_keys;
	__u64 start = now_ns();
	unsigned int i;
	int ret;

	for (i = 0; i < ELEMENTS; i++) {
		ret = way_elem(run->way, BPFMAP_CMD_MAP_GET_NEXT_KEY, run->map,
			       key, next, 0);
		must(run, NEXT_KEY, ret, 0);
		key = next;
		next += run->kind->key_size;
		if (i % BLOCK == BLOCK - 1)
			note(run, NEXT_KEY, &start, BLOCK);
	}
}

/* Update or delete all elements, in batches */
static void give(struct run *run, enum op op, int cmd)
{
	__u64 start = now_ns();
	unsigned int i;

	for (i = 0; i < ELEMENTS; i += BATCH) {
		struct bpfmap_batch_attr attr = {
			.keys = (unsigned long)run->keys +
				i * run->kind->key_size,
			.values = (unsigned long)(run->values + i * run->slots),
			.count = BATCH,
		};

		must(run, op, way_batch(run->way, cmd, run->map, &attr), 0);
		must(run, op, attr.count, BATCH);
		note(run, op, &start, BATCH);
	}
}

/* Look up all elements in batches */
static void take(struct run *run, enum op op, int cmd)
{
	__u64 start = now_ns();
	unsigned int done = 0;
	__u64 cursor;
	int ret = 0;
	struct bpfmap_batch_attr attr = {
		.out_batch = (unsigned long)&cursor,
	};

	while (!ret && done < ELEMENTS) {
		attr.keys = (unsigned long)run->out_keys +
			    done * run->kind->key_size;
		attr.values = (unsigned long)(run->values + done * run->slots);
		attr.count = ELEMENTS - done < BATCH ? ELEMENTS - done : BATCH;
		ret = way_batch(run->way, cmd, run->map, &attr);
		if (ret != -ENOENT)
			must(run, op, ret, 0);
		if (attr.count >= BATCH / 2)
			note(run, op, &start, attr.count);
		done += attr.count;
		attr.in_batch = (unsigned long)&cursor;
	}
	must(run, op, done, ELEMENTS);
}

static void one_round(struct run *run)
{
	bool hash = is_hash(run->kind), lpm = is_lpm(run->kind);

	if (hash || lpm)
		each(run, INSERT, BPFMAP_CMD_MAP_UPDATE_ELEM, 0, 0);
	each(run, UPDATE, BPFMAP_CMD_MAP_UPDATE_ELEM, 0, 0);
	each(run, LOOKUP, BPFMAP_CMD_MAP_LOOKUP_ELEM, 0, 0);
	each(run, MISS, BPFMAP_CMD_MAP_LOOKUP_ELEM, ELEMENTS, -ENOENT);
	walk(run);
	give(run, B_UPDATE, BPFMAP_CMD_MAP_UPDATE_BATCH);
	take(run, B_LOOKUP, BPFMAP_CMD_MAP_LOOKUP_BATCH);
	if (!hash && !lpm)
		return;
	if (hash) {
		each(run, LOOK_DEL, BPFMAP_CMD_MAP_LOOKUP_AND_DELETE_ELEM, 0,
		     0);
		each(run, INSERT, BPFMAP_CMD_MAP_UPDATE_ELEM, 0, 0);
		take(run, B_LOOK_DEL, BPFMAP_CMD_MAP_LOOKUP_AND_DELETE_BATCH);
		each(run, INSERT, BPFMAP_CMD_MAP_UPDATE_ELEM, 0, 0);
	}
	each(run, DELETE, BPFMAP_CMD_MAP_DELETE_ELEM, 0, 0);
	each(run, INSERT, BPFMAP_CMD_MAP_UPDATE_ELEM, 0, 0);
	give(run, B_DELETE, BPFMAP_CMD_MAP_DELETE_BATCH);
}

/* An index, a number of which the first or the last bytes differ, an address */
static void make_key(const struct kind *kind, unsigned char *key, __u64 n)
{
	__u32 index = n, address[] = { 32, htonl(0x0a000000 + n) };

	if (is_lpm(kind))
		memcpy(key, address, sizeof(address));
	else if (kind->key_size == sizeof(index))
		memcpy(key, &index, sizeof(index));
	else
		memcpy(key, &n, sizeof(n));
}

static void run_init(struct run *run, const struct way *way,
		     const struct kind *kind)
{
	const struct bpfmap_create_attr create = {
		.map_type = kind->type,
		.key_size = kind->key_size,
		.value_size = sizeof(__u64),
		/* bpf(2)'s LRU may evict before it is full */
		.max_entries = kind->lru ? 2 * ELEMENTS : ELEMENTS,
		.map_flags = is_lpm(kind) ? BPFMAP_F_NO_PREALLOC : 0,
		.map_name = "cost",
	};
	__u64 i;

	memset(run, 0, sizeof(*run));
	run->way = way;
	run->kind = kind;
	run->slots = kind->percpu ? bpfmap_num_possible_cpus() : 1;
	run->values = calloc((size_t)ELEMENTS * run->slots,
			     sizeof(*run->values));
	run->keys = calloc(2 * ELEMENTS, kind->key_size);
	run->out_keys = calloc(ELEMENTS, kind->key_size);
	if (!run->values || !run->keys || !run->out_keys)
		die("no memory");
	for (i = 0; i < 2 * ELEMENTS; i++)
		make_key(kind, run->keys + i * kind->key_size, i);
	run->map = must_create(way, &create);
}

static void run_end(struct run *run)
{
	close(run->map);
	free(run->values);
	free(run->keys);
	free(run->out_keys);
}

static void print_line(const char *kind, const char *what,
		       const double *numbers, const char *format)
{
	enum op op;

	printf("  %-13s%-7s", kind, what);
	for (op = 0; op < OPS; op++) {
		if (numbers[op])
			printf(format, numbers[op]);
		else
			printf("%9s", "-");
	}
	printf("\n");
	fflush(stdout);
}

static void measure(const struct kind *kind)
{
	double ratio[OPS] = { 0 };
	struct run runs[WAYS];
	int i, round;
	enum op op;

	for (i = 0; i < WAYS; i++)
		run_init(&runs[i], &ways[i], kind);
	for (round = 0; round < ROUNDS; round++)
		for (i = 0; i < WAYS; i++)
			one_round(&runs[i]);
	for (op = 0; op < OPS; op++)
		if (runs[DEVICE].least[op])
			ratio[op] = runs[BPF].least[op] /
				    runs[DEVICE].least[op];
	for (i = 0; i < WAYS; i++) {
		print_line(i ? "" : kind->name, ways[i].name, runs[i].least,
			   "%9.0f");
		run_end(&runs[i]);
	}
	print_line("", "ratio", ratio, "%9.2f");
}

bool costs(void)
{
	unsigned int i;
	enum op op;
	int cpu;

	if (usable_cpus(&cpu, 1))
		pin_to_cpu(cpu);
	printf("Nanoseconds for a call, or for an element of a batch (b., %d at a time).\n"
	       "Values of 8 bytes, %d elements; the least of %d times %d calls.\n"
	       "A ratio above 1: bpfmap is faster.\n\n  %-20s",
	       BATCH, ELEMENTS, ROUNDS * ELEMENTS / BLOCK, BLOCK, "");
	for (op = 0; op < OPS; op++)
		printf("%9s", op_names[op]);
	printf("\n");
	for (i = 0; i < ARRAY_SIZE(kinds); i++)
		measure(&kinds[i]);
	return true;
}
