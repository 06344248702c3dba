// SPDX-License-Identifier: GPL-2.0-only
/*
 * contract_many - the commands on many keys: which error comes first, the result
 * of each element, and what a fault leaves
 */
#include <pthread.h>
#include <sys/mman.h>

#include "contract.h"

#define CPU	BPFMAP_F_CPU
#define ALL	BPFMAP_F_ALL_CPUS
#define HIGH(n)	((uint64_t)(n) << 32)

#define N 6	/* elements of the map */
#define KINDS	(K_ALL | K_LPM | K_RHASH)
/* Without those of which most of the keys that tmap_key() makes are invalid */
#define NUMBERED (K_ALL | K_RHASH)

/* A command and its buffers; @count goes in and comes out */
struct many {
	const void *in;
	void *results;
	const void *keys;
	void *values;
	uint32_t count;
	uint64_t elem_flags;
	uint64_t flags;
};

static int map_many(int cmd, int fd, struct many *m)
{
	struct bpfmap_batch_attr a = {
		.in_batch = (uintptr_t)m->in,
		.results = (uintptr_t)m->results,
		.keys = (uintptr_t)m->keys,
		.values = (uintptr_t)m->values,
		.count = m->count,
		.map_fd = fd,
		.elem_flags = m->elem_flags,
		.flags = m->flags,
	};
	int ret = sys_map(cmd, &a, sizeof(a));

	m->count = a.count;
	return ret;
}

static const struct {
	int cmd;
	const char *name;
} cmds[] = {
	{ LM, "LOOKUP_MANY" }, { LADM, "LOOKUP_AND_DELETE_MANY" },
	{ UM, "UPDATE_MANY" }, { DM, "DELETE_MANY" },
};

#define C_LM	(1U << 0)
#define C_LADM	(1U << 1)
#define C_UM	(1U << 2)
#define C_DM	(1U << 3)
#define EVERY	((1U << 4) - 1)

/* bpf(2)'s own tests of deletion decide: what a type lacks, it lacks here */
static bool has(const struct kind *k, int cmd)
{
	if (cmd == DM)
		return is_hash(k);
	if (cmd == LADM)
		return is_hash(k) && k->type != BPFMAP_TYPE_LPM_TRIE;
	return true;
}

/* Buffers for @n elements */
struct bufs {
	struct buf results, keys, values;
};

static void bufs_new(struct bufs *b, const struct tmap *t, uint32_t n)
{
	b->results = buf_new(n * 4);
	b->keys = buf_new(n * t->key_size);
	b->values = buf_new(n * t->vs);
}

static void bufs_free(struct bufs *b)
{
	buf_free(&b->results);
	buf_free(&b->keys);
	buf_free(&b->values);
}

static void set_key(const struct tmap *t, struct bufs *b, uint32_t i, uint32_t n)
{
	tmap_key(t, n, b->keys.p + i * t->key_size);
}

static int32_t result(const struct bufs *b, uint32_t i)
{
	int32_t r;

	memcpy(&r, b->results.p + 4 * i, 4);
	return r;
}

static void check_value(const struct tmap *t, const struct bufs *b, uint32_t i,
			int seed)
{
	uint8_t *want = calloc(1, t->vs);

	if (seed >= 0)
		tmap_value(t, seed, want);
	check_mem(b->values.p + i * t->vs, want, t->vs, "value %u", i);
	free(want);
}

static struct tmap full_map(const struct kind *k)
{
	struct tmap t = tmap_new(k, k->type == BPFMAP_TYPE_LPM_TRIE ? 8 : 4, 12,
				 N);

	tmap_fill(&t, N);
	return t;
}

/* ------------------------------------------------------------------------- */
/* The order of checks */

enum fd { RW, RDONLY, WRONLY, FROZEN, CLOSED, OTHER };

struct order_row {
	const char *rule;
	const char *name;
	unsigned int cmds;
	enum fd fd;
	uint64_t elem_flags, flags;
	uint32_t count;
	bool in;
	int want;	/* of a type that has the command; 0: and NONE */
	int percpu;	/* of a per-CPU type; 1: the same */
};

#define SAME 1

static const struct order_row order_rows[] = {
	{ "many.result", "whole map", EVERY, RW, 0, 0, N, false, 0, SAME },
	{ "many.access", "RDONLY fd", C_LM, RDONLY, 0, 0, N, false, 0, SAME },
	{ "many.access", "WRONLY fd",
	  C_UM | C_DM, WRONLY, 0, 0, N, false, 0, SAME },
	{ "many.access", "frozen", C_LM, FROZEN, 0, 0, N, false, 0, SAME },
	{ "many.access", "WRONLY fd",
	  C_LM | C_LADM, WRONLY, 0, 0, N, false, -EPERM, SAME },
	{ "many.access", "RDONLY fd",
	  C_LADM | C_UM | C_DM, RDONLY, 0, 0, N, false, -EPERM, SAME },
	{ "many.access", "frozen",
	  C_LADM | C_UM | C_DM, FROZEN, 0, 0, N, false, -EPERM, SAME },
	{ "many.access", "frozen, count 0",
	  C_LADM | C_UM | C_DM, FROZEN, 0, 0, 0, false, -EPERM, SAME },
	{ "many.access", "closed fd",
	  EVERY, CLOSED, 0, 0, N, false, -EBADF, SAME },
	{ "many.access", "other fd",
	  EVERY, OTHER, 0, 0, N, false, -EINVAL, SAME },
	{ "many.flags", "in_batch", EVERY, RW, 0, 0, N, true, -EINVAL, SAME },
	{ "many.flags", "in_batch before a closed fd",
	  EVERY, CLOSED, 0, 0, N, true, -EINVAL, SAME },
	{ "many.flags", "flags", EVERY, RW, 0, 1, N, false, -EINVAL, SAME },
	{ "many.flags", "flags RESUME",
	  EVERY, RW, 0, BPFMAP_BATCH_F_RESUME, N, false, -EINVAL, SAME },
	{ "many.flags", "flags before count 0",
	  EVERY, RW, 0, 1, 0, false, -EINVAL, SAME },
	{ "many.flags", "LOCK", EVERY, RW, 4, 0, N, false, -EINVAL, SAME },
	{ "many.flags", "elem_flags before count 0",
	  EVERY, RW, 4, 0, 0, false, -EINVAL, SAME },
	{ "many.flags", "NOEXIST",
	  C_LM | C_LADM | C_DM, RW, 1, 0, N, false, -EINVAL, SAME },
	{ "many.flags", "EXIST",
	  C_LM | C_LADM | C_DM, RW, 2, 0, N, false, -EINVAL, SAME },
	{ "many.flags", "EXIST", C_UM, RW, 2, 0, N, false, 0, SAME },
	{ "many.flags", "NOEXIST|EXIST", C_UM, RW, 3, 0, N, false, -EINVAL, 2 },
	{ "many.flags", "bit 5", EVERY, RW, 32, 0, N, false, -EINVAL, SAME },
	{ "many.flags", "bit 31",
	  EVERY, RW, 1U << 31, 0, N, false, -EINVAL, SAME },
	{ "many.flags", "a CPU's number alone",
	  EVERY, RW, HIGH(1), 0, N, false, -EINVAL, SAME },
	{ "many.flags", "CPU", C_LM | C_UM, RW, CPU, 0, N, false, -EINVAL, 0 },
	{ "many.flags", "CPU",
	  C_LADM | C_DM, RW, CPU, 0, N, false, -EINVAL, SAME },
	{ "many.flags", "a CPU that is not possible",
	  C_LM | C_UM, RW, CPU | HIGH(UINT32_MAX), 0, N, false, -EINVAL, -ERANGE },
	{ "many.flags", "ALL_CPUS", C_UM, RW, ALL, 0, N, false, -EINVAL, 0 },
	{ "many.flags", "ALL_CPUS",
	  C_LM | C_LADM | C_DM, RW, ALL, 0, N, false, -EINVAL, SAME },
	{ "many.zero", "count 0", EVERY, RW, 0, 0, 0, false, 0, SAME },
};

static int row_fd(struct tmap *t, enum fd fd)
{
	switch (fd) {
	case RDONLY:
		return tmap_reopen(t, BPFMAP_F_RDONLY);
	case WRONLY:
		return tmap_reopen(t, BPFMAP_F_WRONLY);
	case CLOSED:
		return closed_fd();
	case OTHER:
		return other_fd();
	case FROZEN:
		check_ret(map_freeze(t->fd), 0, "FREEZE");
		return t->fd;
	default:
		return t->fd;
	}
}

static int row_want(const struct kind *k, const struct order_row *r, int cmd)
{
	int want = is_percpu(k) && r->percpu != SAME ? r->percpu : r->want;
	bool first = r->in || r->flags || r->fd != RW;

	/* Checks of the attr and the descriptor come before the type's */
	return has(k, cmd) || (first && want < 0) ? want : -ENOTSUPP;
}

static void one_row(const struct kind *k, const struct order_row *r, int cmd)
{
	bool idle = !r->count, done;
	int want = row_want(k, r, cmd), fd;
	struct tmap t = full_map(k);
	struct many m = { .count = r->count, .elem_flags = r->elem_flags,
			  .flags = r->flags };
	struct bufs b;
	struct snap old;
	uint32_t i;

	/* Flags 3 are those of a replacement there */
	if (want == 2)
		want = 0;
	fd = row_fd(&t, r->fd);
	old = tmap_snap(&t, N + 1);
	bufs_new(&b, &t, N);
	for (i = 0; i < N; i++) {
		set_key(&t, &b, i, i);
		if (cmd == UM)
			tmap_value(&t, i, b.values.p + i * t.vs);
	}
	m.in = r->in ? bad_ptr() : NULL;
	m.results = idle ? bad_ptr() : b.results.p;
	m.keys = idle ? bad_ptr() : b.keys.p;
	m.values = idle ? bad_ptr() : b.values.p;
	check_ret(map_many(cmd, fd, &m), want, "result");
	check_num(m.count, r->count, "count");
	done = !want && !idle;
	if (!done)
		check_untouched(&b.results, "results");
	for (i = 0; done && i < N && (r->elem_flags & 3) != 3; i++)
		check_ret(result(&b, i), 0, "element %u", i);
	if (done && (cmd == LADM || cmd == DM))
		check_num(tmap_walk(&t, N), 0, "elements left");
	else if (!done || cmd == LM)
		check_unchanged(&t, N + 1, &old);
	bufs_free(&b);
	if (r->fd == RDONLY || r->fd == WRONLY)
		close(fd);
	tmap_close(&t);
}

TEST(order_of_checks, KINDS)
{
	size_t i, c;

	for (i = 0; i < ARRAY_SIZE(order_rows); i++) {
		const struct order_row *r = &order_rows[i];

		if (r->fd >= CLOSED && backend() == BACKEND_MAP)
			continue;
		for (c = 0; c < ARRAY_SIZE(cmds); c++) {
			if (!(r->cmds & 1U << c))
				continue;
			row(r->rule, "%s %s: %s", cmds[c].name, k->name,
			    r->name);
			one_row(k, r, cmds[c].cmd);
		}
	}
}

/* ------------------------------------------------------------------------- */
/* Each element has its own result */

/* Keys that are there, that are not, and the same twice */
static const uint8_t mixed[] = { 2, 77, 0, 5, 2, 99, 98, 4, 0, 77 };
#define MIXED ARRAY_SIZE(mixed)

static void fill_mixed(const struct tmap *t, struct bufs *b)
{
	uint32_t i;

	for (i = 0; i < MIXED; i++)
		set_key(t, b, i, mixed[i]);
}

/* Has the key come before, and was there? */
static bool again(uint32_t i)
{
	uint32_t j;

	for (j = 0; j < i; j++)
		if (mixed[j] == mixed[i])
			return true;
	return false;
}

TEST(lookups, KINDS)
{
	struct tmap t = full_map(k);
	struct many m = { .count = MIXED };
	struct bufs b;
	uint32_t i;

	row("many.lookup", "%s: keys there, absent and twice", k->name);
	bufs_new(&b, &t, MIXED);
	fill_mixed(&t, &b);
	m.results = b.results.p;
	m.keys = b.keys.p;
	m.values = b.values.p;
	check_ret(map_many(LM, t.fd, &m), 0, "result");
	check_num(m.count, MIXED, "count");
	for (i = 0; i < MIXED; i++) {
		bool there = mixed[i] < N;

		check_ret(result(&b, i), there ? 0 : -ENOENT, "element %u", i);
		check_value(&t, &b, i, there ? mixed[i] : -1);
	}
	tmap_close(&t);
}

TEST(removals, NUMBERED)
{
	struct tmap t = full_map(k);
	struct many m = { .count = MIXED };
	struct bufs b;
	uint32_t i;

	row("many.order", "%s: LOOKUP_AND_DELETE_MANY", k->name);
	if (!has(k, LADM))
		return;
	bufs_new(&b, &t, MIXED);
	fill_mixed(&t, &b);
	m.results = b.results.p;
	m.keys = b.keys.p;
	m.values = b.values.p;
	check_ret(map_many(LADM, t.fd, &m), 0, "result");
	check_num(m.count, MIXED, "count");
	for (i = 0; i < MIXED; i++) {
		bool there = mixed[i] < N && !again(i);

		check_ret(result(&b, i), there ? 0 : -ENOENT, "element %u", i);
		check_value(&t, &b, i, there ? mixed[i] : -1);
	}
	check_elem(&t, 1, 1, "not named");
	check_elem(&t, 3, 3, "not named");
	check_num(tmap_walk(&t, N), 2, "elements left");
	tmap_close(&t);
}

TEST(deletions, NUMBERED)
{
	struct tmap t = full_map(k);
	struct many m = { .count = MIXED, .values = bad_ptr() };
	struct bufs b;
	uint32_t i;

	row("many.order", "%s: DELETE_MANY", k->name);
	if (!has(k, DM))
		return;
	bufs_new(&b, &t, MIXED);
	fill_mixed(&t, &b);
	m.results = b.results.p;
	m.keys = b.keys.p;
	check_ret(map_many(DM, t.fd, &m), 0, "result");
	check_num(m.count, MIXED, "count");
	for (i = 0; i < MIXED; i++)
		check_ret(result(&b, i),
			  mixed[i] < N && !again(i) ? 0 : -ENOENT,
			  "element %u", i);
	check_num(tmap_walk(&t, N), 2, "elements left");
	tmap_close(&t);
}

/* What UPDATE_ELEM answers for the i-th of the mixed keys in a map of two */
static int want_update(const struct kind *k, uint32_t i, uint64_t flags)
{
	bool there = mixed[i] < 2 || (again(i) && flags != BPFMAP_F_EXIST);

	if (!is_hash(k)) {
		if (mixed[i] >= N)
			return -E2BIG;
		return flags == BPFMAP_F_NOEXIST ? -EEXIST : 0;
	}
	if (flags == BPFMAP_F_NOEXIST && there)
		return -EEXIST;
	return flags == BPFMAP_F_EXIST && !there ? -ENOENT : 0;
}

static void update_mixed(const struct kind *k, uint64_t flags, const char *name)
{
	struct tmap t = tmap_new(k, 4, 12, is_hash(k) ? 32 : N);
	struct many m = { .count = MIXED, .elem_flags = flags };
	struct bufs b;
	uint32_t i, j;

	row("many.update", "%s: %s", k->name, name);
	tmap_fill(&t, 2);
	bufs_new(&b, &t, MIXED);
	fill_mixed(&t, &b);
	for (i = 0; i < MIXED; i++)
		tmap_value(&t, 50 + i, b.values.p + i * t.vs);
	m.results = b.results.p;
	m.keys = b.keys.p;
	m.values = b.values.p;
	check_ret(map_many(UM, t.fd, &m), 0, "result");
	check_num(m.count, MIXED, "count");
	for (i = 0; i < MIXED; i++)
		check_ret(result(&b, i), want_update(k, i, flags), "element %u",
			  i);
	/* Of two with the same key the later one counts */
	for (i = 0; i < MIXED; i++) {
		int seed = -2;

		for (j = 0; j < MIXED; j++)
			if (mixed[j] == mixed[i] && !want_update(k, j, flags))
				seed = 50 + j;
		if (seed >= 0)
			check_elem(&t, mixed[i], seed, "stored");
	}
	check_elem(&t, 1, 1, "not named");
	tmap_close(&t);
}

TEST(updates, NUMBERED)
{
	update_mixed(k, BPFMAP_F_ANY, "ANY");
	update_mixed(k, BPFMAP_F_NOEXIST, "NOEXIST");
	update_mixed(k, BPFMAP_F_EXIST, "EXIST");
}

/* More than fits: each one that finds no room says so, the others are in */
TEST(overflow, K_FULL_HASHES | K_RHASH)
{
	struct tmap t = tmap_new(k, 4, 12, N);
	struct many m = { .count = 2 * N };
	uint32_t i, full = 0;
	struct bufs b;

	row("many.update", "%s: more than max_entries", k->name);
	bufs_new(&b, &t, 2 * N);
	for (i = 0; i < 2 * N; i++) {
		set_key(&t, &b, i, i);
		tmap_value(&t, i, b.values.p + i * t.vs);
	}
	m.results = b.results.p;
	m.keys = b.keys.p;
	m.values = b.values.p;
	check_ret(map_many(UM, t.fd, &m), 0, "result");
	check_num(m.count, 2 * N, "count");
	for (i = 0; i < 2 * N; i++) {
		full += result(&b, i) == -E2BIG;
		check_elem(&t, i, result(&b, i) ? -1 : (int)i, "stored or not");
	}
	check_num(full, N, "elements without room");
	tmap_close(&t);
}

/* ------------------------------------------------------------------------- */
/* Types without the commands */

TEST(other_types, K_QUEUES | K_BLOOM | K_RINGS)
{
	bool ring = k->type == BPFMAP_TYPE_RINGBUF ||
		    k->type == BPFMAP_TYPE_USER_RINGBUF;
	int fd = map_new(k, 0, ring ? 0 : 8, 4096, 0);
	struct buf results = buf_new(4), values = buf_new(8);
	size_t c;

	for (c = 0; c < ARRAY_SIZE(cmds); c++) {
		struct many m = { .results = results.p, .values = values.p,
				  .count = 1 };

		row("many.types", "%s: %s", cmds[c].name, k->name);
		check_ret(map_many(cmds[c].cmd, fd, &m), -ENOTSUPP, "result");
		check_num(m.count, 1, "count");
		check_untouched(&results, "results");
		check_untouched(&values, "values");
	}
}

/* Each key's longest prefix */
TEST(longest_prefixes, K_LPM)
{
	static const struct {
		uint32_t len;
		uint8_t data[4];
	} put[] = {
		{ 8, { 10 } }, { 16, { 10, 1 } }, { 24, { 10, 1, 2 } },
		{ 32, { 10, 1, 2, 3 } },
	}, ask[] = {
		{ 32, { 10, 9, 9, 9 } }, { 32, { 10, 1, 9, 9 } },
		{ 32, { 11, 1, 2, 3 } }, { 32, { 10, 1, 2, 9 } },
		{ 32, { 10, 1, 2, 3 } }, { 16, { 10, 1, 2, 3 } },
		{ 33, { 10, 1, 2, 3 } },
	};
	static const int want[] = { 0, 1, -1, 2, 3, 1, -1 };
	int fd = map_new(k, 8, 8, 16, 0);
	uint64_t i, values[ARRAY_SIZE(ask)];
	int32_t results[ARRAY_SIZE(ask)];
	struct many m = { .results = results, .keys = ask, .values = values,
			  .count = ARRAY_SIZE(ask) };

	row("many.lookup", "LPM_TRIE: the longest prefix of each key");
	for (i = 0; i < ARRAY_SIZE(put); i++)
		check_ret(map_update(fd, &put[i], &i, 0), 0, "UPDATE");
	check_ret(map_many(LM, fd, &m), 0, "result");
	for (i = 0; i < ARRAY_SIZE(ask); i++) {
		check_ret(results[i], want[i] < 0 ? -ENOENT : 0, "element %u",
			  (unsigned int)i);
		check_num(values[i], want[i] < 0 ? 0 : want[i], "value");
	}
}

/* A route of a trie: prefixes of all lengths, many of them in others */
struct route {
	uint32_t len;
	uint8_t data[252];
};

static void route(struct route *r, uint32_t bits, uint32_t n)
{
	uint64_t mixed_up = n * 0x9e3779b97f4a7c15ULL;

	memset(r, 0, sizeof(*r));
	r->len = n % 5 ? bits : 8 + (mixed_up >> 40 & 15);
	r->data[0] = mixed_up >> 56 & 3;
	r->data[1] = mixed_up >> 48;
	r->data[2] = mixed_up >> 20;
	r->data[bits / 8 - 1] = mixed_up >> 8;
}

/* As look-ups of one element, in a trie of so many prefixes */
static void compare_routes(const struct kind *k, uint32_t key_size, uint32_t n)
{
	int fd = map_new(k, key_size, 8, n, 0);
	uint32_t i, asked = 1000, found = 0, bits = (key_size - 4) * 8;
	struct buf keys = buf_new(asked * key_size);
	int32_t *results = calloc(asked, 4);
	uint64_t *values = calloc(asked, 8), one;
	struct many m = { .results = results, .keys = keys.p, .values = values,
			  .count = asked };
	struct route r;

	row("many.lookup", "LPM_TRIE: %u of %u bits: as LOOKUP_ELEM", n, bits);
	for (i = 0; i < n; i++) {
		uint64_t value = i + 1;

		route(&r, bits, i);
		map_update(fd, &r, &value, 0);
	}
	for (i = 0; i < asked; i++) {
		route(&r, bits, i % 3 ? i * 7 : i + n);
		r.len = i % 17 ? bits : i % bits;
		/* Not in any of them */
		if (i % 4 == 3)
			r.data[0] |= 0x80;
		memcpy(keys.p + i * key_size, &r, key_size);
	}
	check_ret(map_many(LM, fd, &m), 0, "result");
	for (i = 0; i < asked; i++) {
		one = 0;
		check_ret(results[i], map_lookup(fd, keys.p + i * key_size,
						 &one, 0), "element %u", i);
		check_num(values[i], one, "value");
		found += !results[i];
	}
	check(found > asked / 4 && found < asked, "found %u", found);
	free(results);
	free(values);
	buf_free(&keys);
	close(fd);
}

TEST(routes, K_LPM)
{
	/* Below and above what is looked up in groups: 2 MiB of nodes */
	compare_routes(k, 8, 1000);
	compare_routes(k, 8, 60000);
	compare_routes(k, 12, 60000);
	compare_routes(k, 20, 60000);
	compare_routes(k, 36, 60000);
	compare_routes(k, 256, 1000);
}

/* ------------------------------------------------------------------------- */
/* Sizes: against look-ups of one element */

/* Every third key is absent */
static void differential(const struct kind *k, uint32_t key_size,
			 uint32_t value_size, uint32_t n)
{
	struct tmap t = tmap_new(k, key_size, value_size, n);
	struct many m = { .count = n };
	struct buf one;
	struct bufs b;
	uint32_t i;

	row("many.lookup", "%s %u/%u, %u elements: as LOOKUP_ELEM", k->name,
	    key_size, value_size, n);
	if (t.fd < 0)
		return;
	one = buf_new(t.vs);
	bufs_new(&b, &t, n);
	for (i = 0; i < n; i++) {
		if (i % 3 != 2)
			tmap_put(&t, i, i);
		set_key(&t, &b, i, i * 7 % (n + 2));
	}
	m.results = b.results.p;
	m.keys = b.keys.p;
	m.values = b.values.p;
	check_ret(map_many(LM, t.fd, &m), 0, "result");
	check_num(m.count, n, "count");
	for (i = 0; i < n; i++) {
		memset(one.p, 0, t.vs);
		check_ret(result(&b, i),
			  map_lookup(t.fd, b.keys.p + (size_t)i * key_size,
				     one.p, 0), "element %u", i);
		check_mem(b.values.p + i * t.vs, one.p, t.vs, "value %u", i);
	}
	buf_free(&one);
	bufs_free(&b);
	tmap_close(&t);
}

TEST(sizes, NUMBERED)
{
	static const struct {
		uint32_t key, value, n;
	} shapes[] = {
		{ 8, 8, 1000 }, { 8, 8, 1 }, { 8, 8, 50 }, { 8, 8, 52 },
		{ 4, 8, 300 }, { 8, 4, 300 }, { 5, 1, 300 }, { 12, 12, 300 },
		{ 16, 64, 300 }, { 20, 300, 40 }, { 36, 700, 40 },
		{ 8, 3000, 20 }, { 8, 5000, 5 }, { 8, 32768, 3 },
		{ 8, 100000, 3 }, { 300, 8, 40 }, { 8, 8, 70000 },
	};
	size_t i;

	for (i = 0; i < ARRAY_SIZE(shapes); i++) {
		uint32_t key = shapes[i].key;

		if (!is_hash(k))
			key = 4;
		if (is_percpu(k) && shapes[i].value > 32768)
			continue;
		differential(k, key, shapes[i].value, shapes[i].n);
	}
}

/* One CPU's values of many elements */
TEST(one_cpu, K_PCPU)
{
	struct tmap t = full_map(k);
	uint32_t i, cpu = n_cpus() - 1;
	uint64_t flags = CPU | HIGH(cpu_nr(cpu));
	struct buf values = buf_new(N * 12);
	struct many m = { .count = N, .elem_flags = flags };
	struct bufs b;

	row("many.flags", "%s: the values of one CPU", k->name);
	bufs_new(&b, &t, N);
	for (i = 0; i < N; i++) {
		set_key(&t, &b, i, i);
		pattern(values.p + i * 12, 12, 90 + i);
	}
	m.results = b.results.p;
	m.keys = b.keys.p;
	m.values = values.p;
	check_ret(map_many(UM, t.fd, &m), 0, "UPDATE_MANY");
	buf_fill(&values);
	check_ret(map_many(LM, t.fd, &m), 0, "LOOKUP_MANY");
	for (i = 0; i < N; i++) {
		uint8_t want[12], all[t.vs];

		pattern(want, 12, 90 + i);
		check_mem(values.p + i * 12, want, 12, "value %u", i);
		/* ... and those of the other CPUs are as before */
		tmap_value(&t, i, b.values.p);
		memcpy(b.values.p + cpu * 16, want, 12);
		check_ret(map_lookup(t.fd, b.keys.p + i * 4, all, 0), 0,
			  "LOOKUP_ELEM");
		check_mem(all, b.values.p, t.vs, "all values of %u", i);
	}
	tmap_close(&t);
}

/* ------------------------------------------------------------------------- */
/* Faults */

#define LONG 400	/* several buffers full */

enum ends { KEYS_END, VALUES_END, RESULTS_END, N_ENDS };

static const char *const end_names[] = {
	"keys end", "values end", "results end",
};

/* Buffers of the command, each of so many elements, at the edge of memory */
struct edges {
	uint32_t nk, nv, nr;
	uint8_t *keys, *values;
	int32_t *results;
};

static void edges_new(struct edges *e, const struct tmap *t, int cmd)
{
	uint32_t i;

	e->keys = edge_new(e->nk * t->key_size);
	e->values = edge_new(e->nv * t->vs);
	e->results = edge_new(e->nr * 4);
	for (i = 0; i < e->nk; i++)
		tmap_key(t, i, e->keys + t->key_size * i);
	for (i = 0; i < e->nv; i++)
		tmap_value(t, cmd == UM ? 7 + i : 0, e->values + t->vs * i);
}

static void edges_free(struct edges *e, const struct tmap *t)
{
	edge_free(e->keys, e->nk * t->key_size);
	edge_free(e->values, e->nv * t->vs);
	edge_free(e->results, e->nr * 4);
}

/* The user was told of the first @done elements, and no other was touched */
static void check_done(const struct tmap *t, const struct edges *e, int cmd,
		       uint32_t done)
{
	bool gone = cmd == LADM || cmd == DM;
	uint8_t want[t->vs];
	uint32_t i;

	for (i = 0; i < done; i++) {
		check_ret(e->results[i], 0, "element %u", i);
		tmap_value(t, cmd == UM ? 7 + i : i, want);
		if (cmd != DM)
			check_mem(e->values + t->vs * i, want, t->vs,
				  "value %u", i);
	}
	for (i = 0; i < LONG; i++) {
		int seed = i < done && gone ? -1 : i < done && cmd == UM ?
			   (int)(7 + i) : (int)i;

		check_elem(t, i, seed, i < done ? "done" : "not done");
	}
}

/* Of LONG elements, memory of one kind is there for the first @at only */
static void faults(const struct kind *k, size_t c, enum ends end, uint32_t at)
{
	struct tmap t = tmap_new(k, 4, 8, LONG);
	struct edges e = { LONG, LONG, LONG, NULL, NULL, NULL };
	struct many m = { .count = LONG };
	uint32_t done = at;
	int cmd = cmds[c].cmd;

	row("many.fault", "%s %s: %s at %u", cmds[c].name, k->name,
	    end_names[end], at);
	*(end == KEYS_END ? &e.nk : end == VALUES_END ? &e.nv : &e.nr) = at;
	/* DELETE_MANY has no values */
	if (cmd == DM && end == VALUES_END)
		done = LONG;
	tmap_fill(&t, LONG);
	edges_new(&e, &t, cmd);
	m.keys = e.keys;
	m.values = e.values;
	m.results = e.results;
	check_ret(map_many(cmd, t.fd, &m), done < LONG ? -EFAULT : 0, "result");
	check_num(m.count, done, "count");
	check_done(&t, &e, cmd, done);
	edges_free(&e, &t);
	tmap_close(&t);
}

TEST(memory_that_ends, NUMBERED)
{
	static const uint32_t at[] = { 0, 1, 30, 100, LONG - 1 };
	enum ends end;
	size_t i, c;

	for (c = 0; c < ARRAY_SIZE(cmds); c++)
		for (end = 0; end < N_ENDS; end++)
			for (i = 0; i < ARRAY_SIZE(at); i++)
				if (has(k, cmds[c].cmd))
					faults(k, c, end, at[i]);
}

/* Results and values that cannot be written: no element is changed */
TEST(read_only_memory, NUMBERED)
{
	static const uint32_t n = LONG;
	size_t c;

	for (c = 0; c < ARRAY_SIZE(cmds); c++) {
		struct tmap t = tmap_new(k, 4, 8, n);
		struct edges e = { n, n, n, NULL, NULL, NULL };
		struct many m = { .count = n };
		size_t bytes = (n * 4 + 4095) / 4096 * 4096;

		row("many.fault", "%s %s: results are read-only", cmds[c].name,
		    k->name);
		if (!has(k, cmds[c].cmd)) {
			tmap_close(&t);
			continue;
		}
		tmap_fill(&t, n);
		edges_new(&e, &t, cmds[c].cmd);
		m.keys = e.keys;
		m.values = e.values;
		m.results = mmap(NULL, bytes, PROT_READ,
				 MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
		check(m.results != MAP_FAILED, "mmap");
		check_ret(map_many(cmds[c].cmd, t.fd, &m), -EFAULT, "result");
		check_num(m.count, 0, "count");
		check_done(&t, &e, cmds[c].cmd, 0);
		munmap(m.results, bytes);
		edges_free(&e, &t);
		tmap_close(&t);
	}
}

/* The attr cannot be written, where the count goes: nothing is done */
TEST(read_only_attr, K_HASH)
{
	size_t c;

	for (c = 0; c < ARRAY_SIZE(cmds); c++) {
		struct tmap t = full_map(k);
		struct bpfmap_batch_attr *a;
		struct bufs b;

		row("many.fault", "%s: attr is read-only", cmds[c].name);
		bufs_new(&b, &t, 1);
		set_key(&t, &b, 0, 0);
		a = mmap(NULL, 4096, PROT_READ | PROT_WRITE,
			 MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
		*a = (struct bpfmap_batch_attr){
			.results = (uintptr_t)b.results.p,
			.keys = (uintptr_t)b.keys.p,
			.values = (uintptr_t)b.values.p,
			.count = 1,
			.map_fd = backend() == BACKEND_MAP ? 0 : t.fd,
		};
		mprotect(a, 4096, PROT_READ);
		check_ret(ioctl_map(backend() == BACKEND_MAP ? t.fd :
				    device_fd(), cmds[c].cmd, a, sizeof(*a)),
			  -EFAULT, "result");
		check_untouched(&b.results, "results");
		check_elem(&t, 0, 0, "not done");
		munmap(a, 4096);
		tmap_close(&t);
	}
}

/* ------------------------------------------------------------------------- */
/* While another thread writes */

#define BUSY_KEYS 64
#define BUSY_VALUE 48
#define BUSY_ROUNDS 1000

/* A value is the number of its key and of a round, again and again */
struct word {
	uint32_t key, round;
};

static int busy_fd;
static volatile bool busy_end;

static void busy_make(struct word *value, uint32_t key, uint32_t round)
{
	for (size_t i = 0; i < BUSY_VALUE / sizeof(*value); i++)
		value[i] = (struct word){ key, round };
}

/* Replaces, deletes and inserts; keys of a trie are whole addresses */
static void *busy_writer(void *arg)
{
	const struct kind *k = arg;
	struct word value[BUSY_VALUE / sizeof(struct word)];
	uint32_t key[2] = { 32 }, round = 0;
	bool trie = k->type == BPFMAP_TYPE_LPM_TRIE;

	while (!busy_end) {
		key[1] = round++ * 7 % BUSY_KEYS;
		busy_make(value, key[1], round);
		if (round % 5 == 4 && is_hash(k))
			map_delete(busy_fd, trie ? key : key + 1);
		else
			map_update(busy_fd, trie ? key : key + 1, value, 0);
	}
	return NULL;
}

/* An array's element may not be written yet */
static bool busy_right(const struct kind *k, int32_t result,
		       const struct word *value, uint32_t key)
{
	uint32_t words = BUSY_VALUE / sizeof(*value), i;

	if (result && (!is_hash(k) || result != -ENOENT))
		return false;
	if (result || !value->round)
		key = 0;
	for (i = 0; i < words; i++)
		if (value[i].key != key || value[i].round != value->round ||
		    (result && value->round))
			return false;
	return true;
}

static void busy_check(const struct kind *k, const int32_t *results,
		       const struct word *values, uint32_t n)
{
	uint32_t words = BUSY_VALUE / sizeof(*values), i;

	for (i = 0; i < n; i++)
		if (!busy_right(k, results[i], values + i * words,
				i % BUSY_KEYS))
			check(false, "element %u: %d, value of %u in round %u",
			      i, results[i], values[i * words].key,
			      values[i * words].round);
}

TEST(whole_values, K_HASH | K_HASH_NP | K_ARRAY | K_LRU | K_LPM | K_RHASH)
{
	bool trie = k->type == BPFMAP_TYPE_LPM_TRIE;
	uint32_t n = 4 * BUSY_KEYS, i, key_size = trie ? 8 : 4;
	struct buf keys = buf_new(n * key_size), values = buf_new(n * BUSY_VALUE);
	int32_t results[4 * BUSY_KEYS];
	pthread_t writer;

	row("many.lookup", "%s: whole values while a thread writes", k->name);
	busy_fd = map_new(k, key_size, BUSY_VALUE, BUSY_KEYS, 0);
	for (i = 0; i < n; i++) {
		uint32_t key[2] = { 32, i % BUSY_KEYS };

		memcpy(keys.p + i * key_size, trie ? key : key + 1, key_size);
	}
	busy_end = false;
	check_ret(pthread_create(&writer, NULL, busy_writer, (void *)k), 0,
		  "a thread");
	for (i = 0; i < BUSY_ROUNDS; i++) {
		struct many m = { .results = results, .keys = keys.p,
				  .values = values.p, .count = n };

		check_ret(map_many(LM, busy_fd, &m), 0, "result");
		busy_check(k, results, (const struct word *)values.p, n);
	}
	busy_end = true;
	pthread_join(writer, NULL);
}

int main(void)
{
	if (backend() == BACKEND_BPF)
		return skip_all("bpf(2) does not have these commands");
	return run_tests();
}
