// SPDX-License-Identifier: GPL-2.0-only
/*
 * contract_lru - LRU_HASH and LRU_PERCPU_HASH: they are never full, which
 * element a new key evicts, and BPF_F_NO_COMMON_LRU. Rules that they share
 * with the other hashes are in the other programs.
 * Rows about what is better here are not for bpf(2).
 */
#include <sched.h>

#include "contract.h"

#define NOEXIST	BPFMAP_F_NOEXIST
#define EXIST	BPFMAP_F_EXIST
#define CPU	BPFMAP_F_CPU
#define ALL	BPFMAP_F_ALL_CPUS
#define OWN	BPFMAP_F_NO_COMMON_LRU

static const uint32_t sizes[] = { 1, 2, 3, 10, 64, 250, 1000, 5000 };

static bool device(void)
{
	return backend() != BACKEND_BPF;
}

static struct tmap own_new(const struct kind *k, uint32_t max_entries)
{
	struct tmap t = {
		.kind = k, .key_size = 4, .value_size = 8,
		.max_entries = ROUND_UP(max_entries, n_cpus()),
		.vs = user_value_size(k, 8),
	};

	t.fd = map_new(k, 4, 8, max_entries, OWN);
	check_ret(t.fd, GOT_FD, "MAP_CREATE %s own x %u", k->name, max_entries);
	return t;
}

static bool has(const struct tmap *t, uint32_t n)
{
	struct buf value = buf_new(t->vs);
	int ret = map_lookup(t->fd, &n, value.p, 0);

	check(!ret || ret == -ENOENT, "LOOKUP of key %u: %d", n, ret);
	buf_free(&value);
	return !ret;
}

static uint32_t count(const struct tmap *t, uint32_t from, uint32_t to)
{
	uint32_t n = 0;

	for (; from < to; from++)
		n += has(t, from);
	return n;
}

static void put(const struct tmap *t, uint32_t n, int want)
{
	check_ret(tmap_put(t, n, n), want, "UPDATE of key %u", n);
}

/* It holds max_entries elements, and one more insert evicts one */
TEST(one_for_one, K_LRUS)
{
	size_t s;
	uint32_t i;

	run_on(cpu_nr(0));
	for (s = 0; s < ARRAY_SIZE(sizes); s++) {
		uint32_t n = sizes[s], more = n < 100 ? 3 * n : n / 10;
		struct tmap t = tmap_new(k, 4, 8, n);

		row("lru.full", "%s: %u entries", k->name, n);
		for (i = 0; i < n; i++)
			put(&t, i, 0);
		if (device())
			check_num(tmap_walk(&t, n + 2), n, "elements");
		for (; i < n + more; i++) {
			put(&t, i, 0);
			check_elem(&t, i, i, "the newest one");
		}
		check(tmap_walk(&t, n + 2) <= n, "no more than max_entries");
		if (device())
			check_num(count(&t, 0, n + more), n, "still full");
		tmap_close(&t);
	}
}

/* Never E2BIG, whatever the flags; each insert evicts one */
TEST(flags_when_full, K_LRUS)
{
	static const struct {
		const char *name;
		uint64_t flags;
		bool percpu;	/* only, and since 7.3 */
		int absent, present;
	} rows[] = {
		{ "ANY", 0, false, 0, 0 },
		{ "NOEXIST", NOEXIST, false, 0, -EEXIST },
		{ "EXIST", EXIST, false, -ENOENT, 0 },
		{ "3", 3, true, 0, 0 },
		{ "CPU", CPU, true, 0, 0 },
		{ "CPU|NOEXIST", CPU | NOEXIST, true, 0, 0 },
		{ "CPU|EXIST", CPU | EXIST, true, 0, 0 },
		{ "ALL_CPUS", ALL, true, 0, 0 },
		{ "ALL_CPUS|NOEXIST", ALL | NOEXIST, true, -EINVAL, -EINVAL },
		{ "LOCK", BPFMAP_F_LOCK, false, -EINVAL, -EINVAL },
		{ "32", 32, false, -EINVAL, -EINVAL },
	};
	struct buf value = buf_new(user_value_size(k, 8));
	size_t i;
	uint32_t n, key;

	run_on(cpu_nr(0));
	for (i = 0; i < ARRAY_SIZE(rows); i++) {
		struct tmap t = tmap_new(k, 4, 8, 8);
		bool other = rows[i].percpu && !is_percpu(k);

		if (rows[i].percpu && !since(7, 3))
			continue;
		for (n = 0; n < 8; n++)
			put(&t, n, 0);
		tmap_value(&t, 99, value.p);
		/* bpf(2) evicts first: possibly the key itself */
		if (device()) {
			row("lru.exact", "%s full, present: %s", k->name,
			    rows[i].name);
			key = 3;
			check_ret(map_update(t.fd, &key, value.p, rows[i].flags),
				  other ? -EINVAL : rows[i].present, "UPDATE");
			check_num(count(&t, 0, 8), 8, "all still there");
		}
		row("lru.full", "%s full, absent: %s", k->name, rows[i].name);
		key = 8;
		n = map_update(t.fd, &key, value.p, rows[i].flags);
		check_ret((int)n, other ? -EINVAL : rows[i].absent, "UPDATE");
		check_num(has(&t, 8), !n, "is it there?");
		if (device())
			check_num(count(&t, 0, 8), n ? 8 : 7, "the others");
		tmap_close(&t);
	}
}

/* An update that replaces one CPU's value must not lose the other CPUs' */
TEST(replaced_in_place, K_PLRU)
{
	struct tmap t = tmap_new(k, 4, 8, 8);
	struct buf value = buf_new(t.vs);
	uint32_t key, i;
	uint64_t one;

	row("lru.exact", "%s: CPU update of a present key, full", k->name);
	for (key = 0; key < 8; key++)
		put(&t, key, 0);
	for (i = 0; i < 10; i++) {
		for (key = 0; key < 8 && device(); key++) {
			tmap_value(&t, key, value.p);
			memcpy(&one, value.p, 8);
			check_ret(map_update(t.fd, &key, &one, CPU |
					     (uint64_t)cpu_nr(0) << 32), 0,
				  "UPDATE");
			check_elem(&t, key, key, "all CPUs' values");
		}
	}
}

/* Updates of present keys count as use, reading does not */
TEST(what_is_use, K_LRUS)
{
	enum { N = 64, USED = 10 };
	struct tmap t = tmap_new(k, 4, 8, N);
	struct buf keys = buf_new(N * 4), values = buf_new(N * t.vs);
	struct batch b = { .keys = keys.p, .values = values.p };
	uint32_t i, cursor;

	run_on(cpu_nr(0));
	row("lru.use", "%s: what counts as use", k->name);
	for (i = 0; i < N; i++)
		put(&t, i, 0);
	for (i = 0; i < USED; i++)
		put(&t, i, 0);
	/* None of these marks: else all would be alike */
	tmap_walk(&t, N);
	count(&t, USED, N);
	b.out = &cursor;
	b.count = N;
	map_batch(LB, t.fd, &b);
	for (i = N; i < N + N - USED; i++)
		put(&t, i, 0);
	if (device()) {
		check_num(count(&t, 0, USED), USED, "those that were used");
		check_num(count(&t, USED, N), 0, "those that were read");
		check_num(count(&t, N, 2 * N - USED), N - USED, "new ones");
	} else if (since(7, 3)) {
		check_num(count(&t, 0, USED), USED, "those that were used");
	}
}

/* A scan, many times as long as the map, leaves what is used between */
TEST(scan, K_LRUS)
{
	enum { N = 200, USED = 50 };
	struct tmap t = tmap_new(k, 4, 8, N);
	uint32_t i;

	if (!device())
		return;
	row("lru.use", "%s: a scan", k->name);
	for (i = 0; i < USED; i++)
		put(&t, i, 0);
	for (i = 0; i < USED; i++)
		put(&t, i, 0);
	for (i = 1000; i < 1000 + 10 * N; i++) {
		put(&t, i, 0);
		put(&t, i % USED, 0);
	}
	check_num(count(&t, 0, USED), USED, "those in use");
	check_num(tmap_walk(&t, N + 1), N, "elements");
}

/* An element no longer used is evicted eventually, however much it was used */
TEST(aging, K_LRUS)
{
	enum { N = 64 };
	struct tmap t = tmap_new(k, 4, 8, N);
	uint32_t i, round;

	if (!device())
		return;
	row("lru.use", "%s: aging", k->name);
	for (round = 0; round < 3; round++)
		for (i = 0; i < N; i++)
			put(&t, i, 0);
	for (i = 1000; i < 1000 + 150 * N; i++)
		put(&t, i, 0);
	check_num(count(&t, 0, N), 0, "what was used long ago");
}

/* A batch of more than fits: all are inserted, the last ones remain */
TEST(batches, K_LRUS)
{
	enum { N = 100, MORE = 350 };
	struct tmap t = tmap_new(k, 4, 8, N);
	struct buf keys = buf_new(MORE * 4), values = buf_new(MORE * t.vs);
	struct batch b = { .keys = keys.p, .values = values.p, .count = MORE };
	uint32_t i, cursor;

	run_on(cpu_nr(0));
	row("lru.full", "%s: UPDATE_BATCH of more than fits", k->name);
	for (i = 0; i < MORE; i++) {
		memcpy(keys.p + 4 * i, &i, 4);
		tmap_value(&t, i, values.p + t.vs * i);
	}
	check_ret(map_batch(UB, t.fd, &b), 0, "result");
	check_num(b.count, MORE, "count");
	check_elem(&t, MORE - 1, MORE - 1, "the last one");
	if (device())
		check_num(count(&t, 0, MORE), N, "elements");
	check(tmap_walk(&t, N + 2) <= N, "no more than max_entries");

	row("lru.full", "%s: LOOKUP_AND_DELETE_BATCH of all", k->name);
	b.out = &cursor;
	b.count = MORE;
	check_ret(map_batch(LADB, t.fd, &b), -ENOENT, "result");
	if (device())
		check_num(b.count, N, "count");
	check_num(tmap_walk(&t, 1), 0, "elements");
	for (i = 0; i < N; i++)
		put(&t, i, 0);
	if (device())
		check_num(count(&t, 0, N), N, "all elements are back");
}

/* Rounded to the same number for each CPU, and reported so */
TEST(own_sizes, K_LRUS)
{
	uint32_t n;

	for (n = 1; n < 20; n++) {
		struct tmap t = own_new(k, n);
		struct bpfmap_info info;

		row("create.own_lru", "%s: NO_COMMON_LRU, %u entries", k->name,
		    n);
		check_ret(map_info(t.fd, &info), 0, "OBJ_GET_INFO_BY_FD");
		check_num(info.max_entries, t.max_entries, "max_entries");
		check_num(info.map_flags, OWN, "map_flags");
		tmap_close(&t);
	}
	row("create.own_lru", "%s: NO_COMMON_LRU, most entries", k->name);
	check_ret(map_new(k, 4, 8, UINT32_MAX, OWN), -E2BIG, "2^32 - 1");
	check_ret(map_new(k, 4, 8, (1U << 31) + 1, OWN), -E2BIG, "2^31 + 1");
}

/* Which error comes first */
#define NP	BPFMAP_F_NO_PREALLOC
#define NODE	BPFMAP_F_NUMA_NODE

static const struct create_case creates[] = {
	{ "NO_PREALLOC", SHAPE(4, 8, 4, NP), -ENOTSUPP },
	{ "NO_PREALLOC|NO_COMMON_LRU", SHAPE(4, 8, 4, NP | OWN), -ENOTSUPP },
	{ "NO_PREALLOC before max_entries", SHAPE(4, 8, 0, NP), -ENOTSUPP },
	{ "NO_PREALLOC before key_size", SHAPE(0, 8, 4, NP), -ENOTSUPP },
	{ "NO_PREALLOC before E2BIG", SHAPE(4, UINT32_MAX, 4, NP), -ENOTSUPP },
	{ "NO_PREALLOC before the node", SHAPE(4, 8, 4, NP | OWN | NODE),
	  -ENOTSUPP },
	{ "a bad node before NO_PREALLOC",
	  SHAPE(4, 8, 4, NP | NODE, .numa_node = 1 << 20), -EINVAL },
	{ "flags before NO_PREALLOC", SHAPE(4, 8, 4, NP | BPFMAP_F_MMAPABLE),
	  -EINVAL },
	{ "*_PROG before NO_PREALLOC",
	  SHAPE(4, 8, 4, NP | BPFMAP_F_RDONLY_PROG | BPFMAP_F_WRONLY_PROG),
	  -EINVAL },
	{ "NO_COMMON_LRU on a node", SHAPE(4, 8, 4, OWN | NODE), -EINVAL },
	{ "NO_COMMON_LRU on a node before E2BIG",
	  SHAPE(4, UINT32_MAX, 4, OWN | NODE), -EINVAL },
	{ "NO_COMMON_LRU on no node",
	  SHAPE(4, 8, 4, OWN | NODE, .numa_node = -1), GOT_FD },
	{ "NO_COMMON_LRU, max_entries 0", SHAPE(4, 8, 0, OWN), -EINVAL },
	{ "NO_COMMON_LRU, value too large", SHAPE(4, UINT32_MAX, 4, OWN),
	  -E2BIG },
	{ "NO_COMMON_LRU|RDONLY_PROG|ZERO_SEED",
	  SHAPE(4, 8, 4, OWN | BPFMAP_F_RDONLY_PROG | BPFMAP_F_ZERO_SEED),
	  GOT_FD },
};

TEST(create_order, K_LRUS)
{
	check_creates("create.lru", k, creates, ARRAY_SIZE(creates));
}

/* The flag is for LRU types only */
TEST(own_elsewhere, K_ALL & ~K_LRUS)
{
	row("create.lru", "%s: NO_COMMON_LRU", k->name);
	check_ret(map_new(k, 4, 8, 4, OWN), -EINVAL, "MAP_CREATE");
}

/* A CPU has its share, takes from no other's, and gets its own back */
TEST(own_shares, K_LRUS)
{
	static const uint32_t shares[] = { 1, 4, 10, 100, 700 };
	uint32_t i, n;
	size_t s;

	if (n_cpus() < 2 || !run_on(cpu_nr(1)))
		return;
	for (s = 0; s < ARRAY_SIZE(shares); s++) {
		struct tmap t;

		n = shares[s];
		t = own_new(k, n * n_cpus());
		row("lru.own", "%s: NO_COMMON_LRU, %u for each CPU", k->name,
		    n);
		run_on(cpu_nr(0));
		for (i = 0; i < n; i++)
			put(&t, i, 0);
		if (device())
			check_num(count(&t, 0, n), n, "the first CPU's");
		run_on(cpu_nr(1));
		for (i = n; i < 5 * n; i++)
			put(&t, i, 0);
		if (device())
			check_num(count(&t, 0, n), n, "the first CPU's stay");
		check(count(&t, n, 5 * n) <= n, "a CPU has no more than its share");
		check_elem(&t, 5 * n - 1, 5 * n - 1, "the newest one");

		/* Deleted there, free here */
		for (i = 0; i < n; i++)
			map_delete(t.fd, &i);
		for (i = 5 * n; i < 8 * n; i++)
			put(&t, i, 0);
		check(tmap_walk(&t, 9 * n) <= n, "deleted elements go home");
		run_on(cpu_nr(0));
		for (i = 0; i < n; i++)
			put(&t, i, 0);
		if (device()) {
			check_num(count(&t, 0, n), n, "and are used there");
			check_num(tmap_walk(&t, 9 * n), 2 * n, "elements");
		}
		tmap_close(&t);
	}
}

TEST_MAIN
