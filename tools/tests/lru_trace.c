// SPDX-License-Identifier: GPL-2.0-only
/*
 * lru_trace - how good are LRU_HASH maps as a cache? Each access looks its key
 * up; a hit updates the element, which marks it as used, a miss inserts it. The
 * same accesses go to the device and, where permitted, to bpf(2); its hit rate
 * must not be better. They start in batches, of updates alone.
 *
 * Environment: LRU_ACCESSES multiplies the length (1).
 */
#include <sched.h>
#include <time.h>
#include <sys/syscall.h>

#include "common.h"

/* Keys that the Zipf distribution has for each entry of the map */
#define KEYS_PER_ENTRY	10

/* Neighbours in rank are no neighbours in the table */
#define SPREAD		2654435761U

/* Percent that may be chance */
#define NOISE		0.5

enum way { DEVICE, BPF, N_WAYS };

enum trace { ZIPF, SCAN, N_TRACES };

static const char *const trace_names[N_TRACES] = {
	[ZIPF] = "Zipf",
	[SCAN] = "3 of 10 scan",
};

/* Accesses that count; small maps take long to be compared well */
static const struct size {
	uint32_t entries;
	uint32_t accesses;
} sizes[] = {
	{ 64, 15000 }, { 1000, 25000 }, { 100000, 50000 },
};

/* Accesses for each entry before these, in batches */
#define WARM_UP		6
#define BATCH		4096

static uint64_t rng;

static uint64_t pick(void)
{
	rng ^= rng << 13;
	rng ^= rng >> 7;
	rng ^= rng << 17;
	return rng;
}

/* Sums of 1/1 + 1/2 + ...: rank n has weight 1/n */
static double *zipf_sums;
static uint32_t zipf_n;

static void zipf_init(uint32_t n)
{
	double sum = 0;
	uint32_t i;

	zipf_sums = realloc(zipf_sums, n * sizeof(*zipf_sums));
	for (i = 0; i < n; i++)
		zipf_sums[i] = sum += 1.0 / (i + 1);
	zipf_n = n;
}

static uint32_t zipf(void)
{
	double u = (pick() >> 11) * (zipf_sums[zipf_n - 1] / (1ULL << 53));
	uint32_t low = 0, high = zipf_n - 1;

	while (low < high) {
		uint32_t mid = (low + high) / 2;

		if (zipf_sums[mid] < u)
			low = mid + 1;
		else
			high = mid;
	}
	return low;
}

/*
 * The next access of a trace. Keys of a scan come back only after four times
 * as many as fit; they are not counted.
 */
static uint32_t next_key(enum trace trace, uint32_t entries, uint64_t *scanned,
			 bool *counts)
{
	bool scan = trace == SCAN && pick() % 10 < 3;

	*counts = !scan;
	return SPREAD * (scan ? zipf_n + (*scanned)++ % (4ULL * entries) :
				zipf());
}

static int command(enum way way, int fd, int cmd, union attr *a,
		   unsigned int size)
{
	int ret;

	if (way == DEVICE)
		return ioctl_map(fd, cmd, a, size);
	ret = syscall(SYS_bpf, cmd, a, size);
	return ret < 0 ? -errno : ret;
}

static int create(enum way way, uint32_t entries)
{
	union attr a = { .create = {
		.map_type = BPFMAP_TYPE_LRU_HASH, .key_size = 4,
		.value_size = 8, .max_entries = entries,
	} };

	if (way == DEVICE)
		return ioctl_map(device_fd(), BPFMAP_CMD_MAP_CREATE, &a,
				 sizeof(a.create));
	return syscall(SYS_bpf, BPFMAP_CMD_MAP_CREATE, &a, 72);
}

static int elem(enum way way, int fd, int cmd, const uint32_t *key,
		uint64_t *value)
{
	union attr a = { .elem = {
		.map_fd = way == DEVICE ? 0 : fd,
		.key = PTR(key), .value = PTR(value),
	} };

	return command(way, fd, cmd, &a, sizeof(a.elem));
}

/* Was @key there? */
static bool access_key(enum way way, int fd, uint32_t key)
{
	uint64_t value = 0;
	int ret;

	ret = elem(way, fd, LOOKUP, &key, &value);
	if (!ret)
		check_num(value, key, "value");
	else
		check_ret(ret, -ENOENT, "LOOKUP");
	value = key;
	check_ret(elem(way, fd, UPDATE, &key, &value), 0, "UPDATE");
	return !ret;
}

static unsigned int longer(void)
{
	const char *more = getenv("LRU_ACCESSES");

	return more ? strtoul(more, NULL, 0) : 1;
}

/* An update marks what is there, and inserts what is not: an access */
static void warm_up(enum way way, int fd, enum trace trace, uint32_t entries,
		    uint64_t *scanned)
{
	uint64_t left = (uint64_t)entries * WARM_UP * longer();
	static uint64_t values[BATCH];
	static uint32_t keys[BATCH];
	bool counts;
	uint32_t i;

	while (left) {
		uint32_t nr = left < BATCH ? left : BATCH;
		union attr a = { .batch = {
			.keys = PTR(keys), .values = PTR(values), .count = nr,
			.map_fd = way == DEVICE ? 0 : fd,
		} };

		for (i = 0; i < nr; i++) {
			keys[i] = next_key(trace, entries, scanned, &counts);
			values[i] = keys[i];
		}
		check_ret(command(way, fd, UB, &a,
				  sizeof(a.batch)), 0, "UPDATE_BATCH");
		left -= nr;
	}
}

/* Percent of hits; -1: no map */
static double hit_rate(enum way way, const struct size *size, enum trace trace)
{
	uint64_t n = (uint64_t)size->accesses * longer(), scanned = 0;
	uint64_t hits = 0, counted = 0;
	int fd = create(way, size->entries);
	bool counts;

	if (fd < 0)
		return -1;
	rng = 88172645463325252ULL;
	warm_up(way, fd, trace, size->entries, &scanned);
	while (n--) {
		uint32_t key = next_key(trace, size->entries, &scanned, &counts);
		bool hit = access_key(way, fd, key);

		counted += counts;
		hits += counts && hit;
	}
	close(fd);
	return 100.0 * hits / counted;
}

TEST(traces, 0)
{
	double rates[N_WAYS];
	enum trace trace;
	enum way way;
	size_t s;

	printf("# %8s  %-14s %8s %8s\n", "entries", "hit rate", "bpfmap",
	       "bpf(2)");
	for (s = 0; s < ARRAY_SIZE(sizes); s++) {
		zipf_init(sizes[s].entries * KEYS_PER_ENTRY);
		for (trace = 0; trace < N_TRACES; trace++) {
			row("lru.use", "%u entries, %s", sizes[s].entries,
			    trace_names[trace]);
			for (way = 0; way < N_WAYS; way++)
				rates[way] = hit_rate(way, &sizes[s], trace);
			printf("# %8u  %-14s %7.2f%%", sizes[s].entries,
			       trace_names[trace], rates[DEVICE]);
			if (rates[BPF] >= 0)
				printf(" %7.2f%%", rates[BPF]);
			printf("\n");
			fflush(stdout);
			check(rates[DEVICE] >= rates[BPF] - NOISE,
			      "%.2f %% of hits, bpf(2) has %.2f %%",
			      rates[DEVICE], rates[BPF]);
		}
	}
}

static double insert_ns(enum way way, uint32_t entries, uint32_t n)
{
	struct timespec from, to;
	int fd = create(way, entries);
	uint32_t key;

	if (fd < 0)
		return -1;
	for (key = 0; key < entries + n; key++) {
		uint64_t value = key;

		if (key == entries)
			clock_gettime(CLOCK_MONOTONIC, &from);
		check_ret(elem(way, fd, UPDATE, &key, &value), 0, "UPDATE");
	}
	clock_gettime(CLOCK_MONOTONIC, &to);
	close(fd);
	return ((to.tv_sec - from.tv_sec) * 1e9 + to.tv_nsec - from.tv_nsec) / n;
}

/* What it takes to evict; no check, as time is not exact */
TEST(inserts, 0)
{
	size_t s;

	row("lru.use", "inserts into a full map");
	for (s = 0; s < ARRAY_SIZE(sizes); s++) {
		double device = insert_ns(DEVICE, sizes[s].entries, 10000);
		double bpf = insert_ns(BPF, sizes[s].entries, 10000);

		printf("# %8u  %-14s %8.0f %8.0f\n", sizes[s].entries,
		       "insert, full", device, bpf);
	}
}

int main(void)
{
	/* bpf(2)'s lists are each CPU's: what is compared is not the scheduler */
	run_on(sched_getcpu());
	return run_tests();
}
