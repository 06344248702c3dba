// SPDX-License-Identifier: GPL-2.0-only
/*
 * contract_batch - the batch commands: which error comes first,
 * what stops a batch half way, and how arrays are walked. How hash tables are
 * walked is in contract_batch_hash.
 */
#include "contract.h"

#define CPU	BPFMAP_F_CPU
#define ALL	BPFMAP_F_ALL_CPUS
#define HIGH(n)	((uint64_t)(n) << 32)

#define N 4	/* elements of the map, and of the batches of the table */

enum fd { RW, RDONLY, WRONLY, FROZEN, CLOSED, OTHER };

/* Which pointers are NULL or bad */
#define NO_IN	0	/* in_batch is NULL anyway */
#define BAD_IN	(1U << 0)
#define BAD_OUT	(1U << 1)
#define NO_OUT	(1U << 2)
#define BAD_KEYS (1U << 3)
#define NO_KEYS	(1U << 4)
#define BAD_VAL	(1U << 5)
#define NO_VAL	(1U << 6)
#define BAD_ALL	(BAD_IN | BAD_OUT | BAD_KEYS | BAD_VAL)

#define SAME(e) { e, e, e, e }
#define KEPT UINT32_MAX	/* count afterwards is what it was */

/* Commands of a row, by their place here */
static const struct {
	int cmd;
	const char *name;
} row_cmds[] = {
	{ LB, "LOOKUP_BATCH" }, { LADB, "LOOKUP_AND_DELETE_BATCH" },
	{ UB, "UPDATE_BATCH" }, { DB, "DELETE_BATCH" },
};

#define C_LB	(1U << 0)
#define C_LADB	(1U << 1)
#define C_UB	(1U << 2)
#define C_DB	(1U << 3)
#define EVERY	((1U << 4) - 1)

struct batch_row {
	const char *name;
	unsigned int cmds;
	enum fd fd;
	uint64_t elem_flags;
	uint64_t flags;
	uint32_t count;
	unsigned int bad;
	int want[N_CLASSES];	/* HASH, PERCPU_HASH, ARRAY, PERCPU_ARRAY */
	uint32_t count_hash, count_array;
	bool newer;
};

#define HASH_END { -ENOENT, -ENOENT, 0, 0 }
#define HASH_OK { 0, 0, -ENOTSUPP, -ENOTSUPP }
#define HASH_E(e) { e, e, -ENOTSUPP, -ENOTSUPP }
#define REFUSED(e) SAME(e), KEPT, KEPT
#define INVAL REFUSED(-EINVAL)
#define PERM REFUSED(-EPERM)
/* ... and by an array as a command that it has not */
#define HASH_INVAL HASH_E(-EINVAL), KEPT, KEPT

/* [batch.elem_flags], [batch.flags], [batch.zero], [batch.fault] */
/*
 * LOOKUP_BATCH: FD; R; elem_flags; flags; count 0; 0 to count; ...
 * LOOKUP_AND_DELETE_BATCH: FD; R; W; 524; ...
 * UPDATE_BATCH: FD; W; elem_flags; count 0; 0 to count; elements
 * DELETE_BATCH: FD; W; 524; elem_flags; count 0; 0 to count; elements
 */
static const struct batch_row batch_rows[] = {
	{ "whole map", C_LB, RW, 0, 0, N, 0, HASH_END, N, N },
	{ "RDONLY fd", C_LB, RDONLY, 0, 0, N, 0, HASH_END, N, N },
	{ "frozen", C_LB, FROZEN, 0, 0, N, 0, HASH_END, N, N },
	{ "closed fd", EVERY, CLOSED, 0, 0, N, 0, REFUSED(-EBADF) },
	{ "other fd", EVERY, OTHER, 0, 0, N, 0, INVAL },
	{ "closed fd before elem_flags", C_LB, CLOSED, 32, 1, N, 0,
	  REFUSED(-EBADF) },
	{ "closed fd, count 0", C_LB, CLOSED, 0, 0, 0, 0, SAME(-EBADF), 0, 0 },
	{ "WRONLY fd", C_LB | C_LADB, WRONLY, 0, 0, N, 0, PERM },
	{ "WRONLY fd before elem_flags", C_LB, WRONLY, 32, 0, N, 0, PERM },
	{ "WRONLY fd, count 0", C_LB, WRONLY, 0, 0, 0, 0, PERM },
	{ "elem_flags NOEXIST", C_LB | C_UB, RW, 1, 0, N, 0, INVAL },
	{ "elem_flags EXIST", C_LB | C_UB, RW, 2, 0, N, 0, INVAL },
	{ "elem_flags 3", C_LB | C_UB, RW, 3, 0, N, 0, INVAL },
	{ "elem_flags LOCK", C_LB | C_UB, RW, 4, 0, N, 0, INVAL },
	{ "elem_flags CPU", C_LB, RW, CPU, 0, N, 0,
	  { -EINVAL, -ENOENT, -EINVAL, 0 }, N, N, true },
	{ "elem_flags ALL_CPUS", C_LB, RW, ALL, 0, N, 0, INVAL },
	{ "elem_flags CPU|ALL_CPUS", C_LB | C_UB, RW, CPU | ALL, 0, N, 0,
	  INVAL },
	{ "elem_flags CPU beyond", C_LB | C_UB, RW, CPU | HIGH(UINT32_MAX), 0,
	  N, 0, { -EINVAL, -ERANGE, -EINVAL, -ERANGE }, KEPT, KEPT, true },
	{ "elem_flags CPU number", C_LB | C_UB, RW, HIGH(1), 0, N, 0, INVAL,
	  true },
	{ "elem_flags 32", C_LB | C_UB, RW, 32, 0, N, 0, INVAL },
	{ "elem_flags bit 31", C_LB, RW, 1U << 31, 0, N, 0, INVAL },
	{ "elem_flags before count 0", C_LB, RW, 32, 0, 0, 0, INVAL },
	{ "flags", C_LB, RW, 0, 1, N, 0, { -EINVAL, -EINVAL, 0, 0 }, KEPT, N },
	{ "flags high", C_LB, RW, 0, 1ULL << 62, N, 0,
	  { -EINVAL, -EINVAL, 0, 0 }, KEPT, N },
	{ "flags before count 0", C_LB, RW, 0, 1, 0, 0,
	  { -EINVAL, -EINVAL, 0, 0 }, KEPT, KEPT },
	{ "count 0", C_LB | C_UB, RW, 0, 0, 0, BAD_ALL, SAME(0), 0, 0 },
	{ "bad in_batch", C_LB, RW, 0, 0, N, BAD_IN, SAME(-EFAULT), 0, 0 },
	{ "bad out_batch", C_LB, RW, 0, 0, N, BAD_OUT, SAME(-EFAULT), 0, N },
	{ "NULL out_batch", C_LB, RW, 0, 0, N, NO_OUT, SAME(-EFAULT), 0, N },
	{ "bad keys", C_LB | C_UB, RW, 0, 0, N, BAD_KEYS, SAME(-EFAULT), 0,
	  0 },
	{ "NULL keys", C_LB | C_UB, RW, 0, 0, N, NO_KEYS, SAME(-EFAULT), 0,
	  0 },
	{ "bad values", C_LB | C_UB, RW, 0, 0, N, BAD_VAL, SAME(-EFAULT), 0,
	  0 },
	{ "NULL values", C_LB | C_UB, RW, 0, 0, N, NO_VAL, SAME(-EFAULT), 0,
	  0 },
	{ "elem_flags before bad pointers", C_LB, RW, 32, 0, N, BAD_ALL,
	  INVAL },
	{ "whole map", C_LADB, RW, 0, 0, N, 0, HASH_E(-ENOENT), N, KEPT },
	{ "RDONLY fd", C_LADB | C_UB | C_DB, RDONLY, 0, 0, N, 0, PERM },
	{ "frozen", C_LADB | C_UB | C_DB, FROZEN, 0, 0, N, 0, PERM },
	{ "frozen, count 0", C_LADB | C_DB, FROZEN, 0, 0, 0, 0, PERM },
	{ "RDONLY fd before elem_flags", C_LADB, RDONLY, 32, 1, N, 0, PERM },
	{ "elem_flags NOEXIST", C_LADB | C_DB, RW, 1, 0, N, 0, HASH_INVAL },
	{ "elem_flags LOCK", C_LADB | C_DB, RW, 4, 0, N, 0, HASH_INVAL },
	{ "elem_flags CPU", C_LADB | C_DB, RW, CPU, 0, N, 0, HASH_INVAL },
	{ "elem_flags CPU beyond", C_LADB, RW, CPU | HIGH(UINT32_MAX), 0, N, 0,
	  HASH_INVAL },
	{ "elem_flags ALL_CPUS", C_LADB | C_DB, RW, ALL, 0, N, 0, HASH_INVAL },
	{ "elem_flags 32", C_LADB | C_DB, RW, 32, 0, N, 0, HASH_INVAL },
	{ "elem_flags CPU number", C_LADB, RW, HIGH(1), 0, N, 0, HASH_INVAL,
	  true },
	{ "elem_flags before count 0", C_LADB | C_DB, RW, 32, 0, 0, 0,
	  HASH_INVAL },
	{ "flags", C_LADB, RW, 0, 1, N, 0, HASH_INVAL },
	{ "flags before count 0", C_LADB, RW, 0, 1, 0, 0, HASH_INVAL },
	{ "count 0", C_LADB | C_DB, RW, 0, 0, 0, BAD_ALL, HASH_OK, 0, 0 },
	{ "bad in_batch", C_LADB, RW, 0, 0, N, BAD_IN, HASH_E(-EFAULT), 0,
	  KEPT },
	{ "whole map", C_UB, RW, 0, 0, N, 0, SAME(0), N, N },
	{ "WRONLY fd", C_UB, WRONLY, 0, 0, N, 0, SAME(0), N, N },
	{ "RDONLY fd, count 0", C_UB, RDONLY, 0, 0, 0, 0, PERM },
	{ "RDONLY fd before elem_flags", C_UB | C_DB, RDONLY, 32, 0, N, 0,
	  PERM },
	{ "frozen before pointers", C_UB, FROZEN, 0, 0, N, BAD_ALL, PERM },
	{ "elem_flags CPU", C_UB, RW, CPU, 0, N, 0, { -EINVAL, 0, -EINVAL, 0 },
	  N, N, true },
	{ "elem_flags ALL_CPUS", C_UB, RW, ALL, 0, N, 0,
	  { -EINVAL, 0, -EINVAL, 0 }, N, N, true },
	{ "elem_flags CPU|NOEXIST", C_UB, RW, CPU | 1, 0, N, 0, INVAL },
	{ "elem_flags ALL_CPUS and CPU number", C_UB, RW, ALL | HIGH(1), 0, N,
	  0, INVAL },
	{ "elem_flags before count 0", C_UB, RW, 1, 0, 0, 0, INVAL },
	{ "flags are not looked at", C_UB, RW, 0, 1, N, 0, SAME(0), N, N },
	{ "flags are not looked at", C_UB, RW, 0, ~0ULL, N, 0, SAME(0), N, N },
	{ "flags are not looked at, count 0", C_UB, RW, 0, 1, 0, 0, SAME(0), 0,
	  0 },
	{ "in_batch, out_batch ignored", C_UB, RW, 0, 0, N, BAD_IN | BAD_OUT,
	  SAME(0), N, N },
	{ "elem_flags before bad pointers", C_UB, RW, 1, 0, N, BAD_ALL,
	  INVAL },
	{ "whole map", C_DB, RW, 0, 0, N, 0, HASH_OK, N, KEPT },
	{ "WRONLY fd", C_DB, WRONLY, 0, 0, N, 0, HASH_OK, N, KEPT },
	{ "elem_flags EXIST", C_DB, RW, 2, 0, N, 0, HASH_INVAL },
	{ "elem_flags CPU number", C_DB, RW, HIGH(1), 0, N, 0, HASH_INVAL },
	{ "flags are not looked at", C_DB, RW, 0, ~0ULL, N, 0, HASH_OK, N,
	  KEPT },
	{ "all but keys ignored", C_DB, RW, 0, 0, N, BAD_IN | BAD_OUT | BAD_VAL,
	  HASH_OK, N, KEPT },
	{ "bad keys", C_DB, RW, 0, 0, N, BAD_KEYS, HASH_E(-EFAULT), 0, KEPT },
	{ "NULL keys", C_DB, RW, 0, 0, N, NO_KEYS, HASH_E(-EFAULT), 0, KEPT },
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

/* Buffers of N elements; in writing batches what the map holds anyway */
struct row_bufs {
	struct buf out, keys, values;
};

static void bufs_fill(struct row_bufs *b, const struct tmap *t, bool given)
{
	uint32_t i;

	b->out = buf_new(t->key_size);
	b->keys = buf_new(N * t->key_size);
	b->values = buf_new(N * t->vs);
	for (i = 0; given && i < N; i++) {
		tmap_key(t, i, b->keys.p + i * t->key_size);
		tmap_value(t, i, b->values.p + i * t->vs);
	}
}

static void bufs_free(struct row_bufs *b)
{
	buf_free(&b->out);
	buf_free(&b->keys);
	buf_free(&b->values);
}

static void one_row(const struct kind *k, const struct batch_row *r, int cmd)
{
	struct tmap t = tmap_new(k, 4, 12, N);
	bool writes = cmd == UB || cmd == DB;
	uint32_t count = is_hash(k) ? r->count_hash : r->count_array;
	int want = r->want[k->class], fd, ret;
	struct batch b = { .count = r->count, .elem_flags = r->elem_flags,
			   .flags = r->flags };
	struct row_bufs bufs;
	struct snap old;

	tmap_fill(&t, N);
	fd = row_fd(&t, r->fd);
	old = tmap_snap(&t, N + 1);
	bufs_fill(&bufs, &t, writes);
	b.in = r->bad & BAD_IN ? bad_ptr() : NULL;
	b.out = r->bad & BAD_OUT ? bad_ptr() : r->bad & NO_OUT ? NULL : bufs.out.p;
	b.keys = r->bad & BAD_KEYS ? bad_ptr() :
		 r->bad & NO_KEYS ? NULL : bufs.keys.p;
	b.values = r->bad & BAD_VAL ? bad_ptr() :
		   r->bad & NO_VAL ? NULL : bufs.values.p;
	ret = map_batch(cmd, fd, &b);
	check_ret(ret, want, "result");
	/* ... a row that gives the count of success, for a type that refuses */
	if (want == -EINVAL || want == -ERANGE || want == -ENOTSUPP)
		count = KEPT;
	check_num(b.count, count == KEPT ? r->count : count, "count");
	if (want != 0 && want != -ENOENT && want != -EFAULT && !writes) {
		check_untouched(&bufs.keys, "keys");
		check_untouched(&bufs.values, "values");
		check_untouched(&bufs.out, "out_batch");
	}
	if (want && want != -ENOENT)
		check_unchanged(&t, N + 1, &old);
	else if (!b.count || cmd == LB)
		check_unchanged(&t, N + 1, &old);
	else if (cmd != UB)
		check_num(tmap_walk(&t, N), 0, "elements left");
	free(old.p);
	bufs_free(&bufs);
	if (r->fd == RDONLY || r->fd == WRONLY)
		close(fd);
	tmap_close(&t);
}

TEST(order_of_checks, K_ALL)
{
	size_t i, c;

	for (i = 0; i < ARRAY_SIZE(batch_rows); i++) {
		const struct batch_row *r = &batch_rows[i];

		if (r->fd >= CLOSED && backend() == BACKEND_MAP)
			continue;
		if (r->newer && !since(7, 3))
			continue;
		for (c = 0; c < ARRAY_SIZE(row_cmds); c++) {
			if (!(r->cmds & 1U << c))
				continue;
			row("batch.order", "%s %s: %s", row_cmds[c].name,
			    k->name, r->name);
			one_row(k, r, row_cmds[c].cmd);
		}
	}
}

/* ------------------------------------------------------------------------- */
/* What stops an update or a delete half way: count = elements completed */

#define LONG 10

enum stop { STOP_KEYS, STOP_VALUES, STOP_ERROR, N_STOPS };

static const char *const stop_names[] = {
	"keys end", "values end", "an element fails",
};

/* Keys 0 to 9 of which only @at come before what stops it */
static void update_stops(const struct kind *k, enum stop stop, uint32_t at)
{
	struct tmap t = tmap_new(k, 4, 12, LONG);
	uint32_t nk = stop == STOP_KEYS ? at : LONG, i;
	uint32_t nv = stop == STOP_VALUES ? at : LONG;
	uint8_t *keys = edge_new(nk * 4), *values = edge_new(nv * t.vs);
	struct batch b = { .keys = keys, .values = values, .count = LONG };
	int want = stop == STOP_ERROR ? -E2BIG : -EFAULT;
	uint32_t bad = 12345;

	row("batch.stop", "UPDATE_BATCH %s: %s at %u", k->name,
	    stop_names[stop], at);
	tmap_fill(&t, LONG);
	for (i = 0; i < nk; i++)
		tmap_key(&t, i, keys + 4 * i);
	for (i = 0; i < nv; i++)
		tmap_value(&t, 70 + i, values + t.vs * i);
	if (stop == STOP_ERROR)
		memcpy(keys + 4 * at, &bad, 4);
	check_ret(map_batch(UB, t.fd, &b), want, "result");
	check_num(b.count, at, "count");
	for (i = 0; i < LONG; i++)
		check_elem(&t, i, i < at ? 70 + i : i, i < at ? "done" : "not done");
	check_num(tmap_walk(&t, LONG + 1), LONG, "elements");
	edge_free(keys, nk * 4);
	edge_free(values, nv * t.vs);
	tmap_close(&t);
}

TEST(updates_that_stop, K_ALL | K_RHASH)
{
	static const uint32_t at[] = { 0, 1, 4, LONG - 1 };
	enum stop stop;
	size_t i;

	for (stop = 0; stop < N_STOPS; stop++) {
		/* There is always room for one more */
		if (stop == STOP_ERROR && is_lru(k))
			continue;
		for (i = 0; i < ARRAY_SIZE(at); i++)
			update_stops(k, stop, at[i]);
	}
}

static void delete_stops(const struct kind *k, enum stop stop, uint32_t at)
{
	struct tmap t = tmap_new(k, 4, 12, LONG);
	uint32_t nk = stop == STOP_KEYS ? at : LONG, i, absent = 12345;
	uint8_t *keys = edge_new(nk * 4);
	struct batch b = { .keys = keys, .count = LONG };

	row("batch.stop", "DELETE_BATCH %s: %s at %u", k->name,
	    stop_names[stop], at);
	tmap_fill(&t, LONG);
	for (i = 0; i < nk; i++)
		tmap_key(&t, i, keys + 4 * i);
	if (stop == STOP_ERROR)
		memcpy(keys + 4 * at, &absent, 4);
	check_ret(map_batch(DB, t.fd, &b),
		  stop == STOP_ERROR ? -ENOENT : -EFAULT, "result");
	check_num(b.count, at, "count");
	for (i = 0; i < LONG; i++)
		check_elem(&t, i, i < at ? -1 : (int)i, "");
	edge_free(keys, nk * 4);
	tmap_close(&t);
}

TEST(deletes_that_stop, K_HASHES | K_RHASH)
{
	static const uint32_t at[] = { 0, 1, 4, LONG - 1 };
	size_t i;

	for (i = 0; i < ARRAY_SIZE(at); i++) {
		delete_stops(k, STOP_KEYS, at[i]);
		delete_stops(k, STOP_ERROR, at[i]);
	}
}

/* What a batch removed is room for another one, again and again */
TEST(deletes_make_room, K_FULL_HASHES | K_RHASH)
{
	struct tmap t = tmap_new(k, 4, 12, LONG);
	struct buf keys = buf_new(LONG * 4), values = buf_new(LONG * t.vs);
	uint32_t i, round;

	row("hash.capacity", "DELETE_BATCH %s: a full map, and full again",
	    k->name);
	for (i = 0; i < LONG; i++) {
		tmap_key(&t, i, keys.p + 4 * i);
		tmap_value(&t, i, values.p + t.vs * i);
	}
	for (round = 0; round < 4; round++) {
		struct batch put = { .keys = keys.p, .values = values.p,
				     .count = LONG };
		struct batch del = { .keys = keys.p, .count = LONG };

		check_ret(map_batch(UB, t.fd, &put), 0, "fill %u", round);
		check_num(put.count, LONG, "count");
		for (i = 0; i < LONG; i++)
			check_elem(&t, i, i, "there");
		check_ret(map_batch(DB, t.fd, &del), 0, "empty %u", round);
		check_num(del.count, LONG, "count");
		check_num(tmap_walk(&t, LONG), 0, "elements left");
	}
}

/* More than fits: the first ones are in, count tells how many */
TEST(update_overflows, K_FULL_HASHES | K_ARRAYS | K_RHASH)
{
	struct tmap t = tmap_new(k, 4, 12, LONG / 2);
	struct buf keys = buf_new(LONG * 4), values = buf_new(LONG * t.vs);
	struct batch b = { .keys = keys.p, .values = values.p, .count = LONG };
	uint32_t i;

	row("batch.stop", "UPDATE_BATCH %s: more than max_entries", k->name);
	for (i = 0; i < LONG; i++) {
		tmap_key(&t, i, keys.p + 4 * i);
		tmap_value(&t, i, values.p + t.vs * i);
	}
	check_ret(map_batch(UB, t.fd, &b), -E2BIG, "result");
	check_num(b.count, LONG / 2, "count");
	for (i = 0; i < LONG / 2; i++)
		check_elem(&t, i, i, "done");
	check_num(tmap_walk(&t, LONG), LONG / 2, "elements");
}

/* The same key N times: one element, the last value; for a delete ENOENT at 1 */
TEST(same_key_often, K_ALL | K_RHASH)
{
	struct tmap t = tmap_new(k, 4, 12, LONG);
	struct buf keys = buf_new(LONG * 4), values = buf_new(LONG * t.vs);
	struct batch b = { .keys = keys.p, .values = values.p, .count = LONG };
	uint32_t i;

	row("batch.repeat", "UPDATE_BATCH %s: one key often", k->name);
	for (i = 0; i < LONG; i++) {
		tmap_key(&t, 3, keys.p + 4 * i);
		tmap_value(&t, i, values.p + t.vs * i);
	}
	check_ret(map_batch(UB, t.fd, &b), 0, "result");
	check_num(b.count, LONG, "count");
	check_elem(&t, 3, LONG - 1, "the last value");
	if (is_hash(k)) {
		check_num(tmap_walk(&t, LONG), 1, "elements");
		check_ret(map_batch(DB, t.fd, &b), -ENOENT, "DELETE_BATCH");
		check_num(b.count, 1, "count after DELETE_BATCH");
		check_num(tmap_walk(&t, LONG), 0, "elements");
	}
}

/* ------------------------------------------------------------------------- */
/* Batches with CPU and ALL_CPUS: values are not padded */

TEST(percpu_batches, K_PCPU)
{
	struct tmap t = tmap_new(k, 4, 13, N);
	struct buf keys = buf_new(N * 4), values = buf_new(N * 13), out = buf_new(4);
	struct buf whole = buf_new(t.vs);
	uint8_t *want = calloc(1, t.vs);
	uint32_t c, i, n;

	for (c = 0; c <= n_cpus() && since(7, 3); c++) {
		bool all = c == n_cpus();
		struct batch b = {
			.keys = keys.p, .values = values.p, .count = N,
			.elem_flags = all ? ALL : CPU | HIGH(cpu_nr(c)),
		};

		row("percpu.all", "UPDATE_BATCH %s: %s %u", k->name,
		    all ? "ALL_CPUS" : "CPU", c);
		tmap_fill(&t, N);
		for (i = 0; i < N; i++) {
			tmap_key(&t, i, keys.p + 4 * i);
			pattern(values.p + 13 * i, 13, 80 + c + i);
		}
		check_ret(map_batch(UB, t.fd, &b), 0, "result");
		check_num(b.count, N, "count");
		for (i = 0; i < N; i++) {
			tmap_value(&t, i, want);
			for (n = 0; n < n_cpus(); n++)
				if (all || n == c)
					memcpy(want + 16 * n, values.p + 13 * i,
					       13);
			check_ret(map_lookup(t.fd, keys.p + 4 * i, whole.p, 0), 0,
				  "LOOKUP");
			check_mem(whole.p, want, t.vs, "element %u", i);
		}
		if (all)
			continue;
		row("percpu.cpu", "LOOKUP_BATCH %s: CPU %u", k->name, c);
		buf_fill(&keys);
		buf_fill(&values);
		b.out = out.p;
		check_ret(map_batch(LB, t.fd, &b), is_hash(k) ? -ENOENT : 0,
			  "result");
		check_num(b.count, N, "count");
		for (i = 0; i < N; i++) {
			memcpy(&n, keys.p + 4 * i, 4);
			pattern(want, 13, 80 + c + n);
			check_mem(values.p + 13 * i, want, 13, "value of key %u",
				  n);
		}
		check_buf(&values, values.p, N * 13, "values");
	}
	free(want);
}

/* ------------------------------------------------------------------------- */
/* Walking an array: the token is the last index visited */

struct step {
	const char *name;
	int64_t in;	/* token, -1: NULL */
	uint32_t count;
	int ret;
	uint32_t first;	/* index of the first element returned */
	uint32_t got;
};

static const struct step steps[] = {
	{ "start", -1, 3, 0, 0, 3 },
	{ "second", 2, 3, 0, 3, 3 },
	{ "third", 5, 3, 0, 6, 3 },
	{ "the rest and the end", 8, 3, -ENOENT, 9, 1 },
	{ "after the end", 9, 3, -ENOENT, 0, 0 },
	{ "exactly all", -1, LONG, 0, 0, LONG },
	{ "more than all", -1, LONG + 1, -ENOENT, 0, LONG },
	{ "far more than all", -1, UINT32_MAX, -ENOENT, 0, LONG },
	{ "exactly the rest", 6, 3, 0, 7, 3 },
	{ "one", -1, 1, 0, 0, 1 },
	{ "the last one", 8, 1, 0, 9, 1 },
	{ "token beyond: from the start", 10, 2, 0, 0, 2 },
	{ "token far beyond: from the start", UINT32_MAX, 2, 0, 0, 2 },
};

static void check_step(const struct tmap *t, const struct step *s, bool same)
{
	struct buf out = buf_new(4), keys = buf_new(LONG * 4);
	struct buf values = buf_new(LONG * t->vs);
	uint8_t *want_keys = malloc(LONG * 4), *want = malloc(LONG * t->vs);
	uint32_t in = s->in, i, last = s->first + s->got - 1;
	struct batch b = { .out = out.p, .keys = keys.p, .values = values.p,
			   .count = s->count };

	if (s->in >= 0)
		b.in = same ? memcpy(out.p, &in, 4) : &in;
	for (i = 0; i < s->got; i++) {
		tmap_key(t, s->first + i, want_keys + 4 * i);
		tmap_value(t, s->first + i, want + t->vs * i);
	}
	check_ret(map_batch(LB, t->fd, &b), s->ret, "result");
	check_num(b.count, s->got, "count");
	check_buf(&keys, want_keys, 4 * s->got, "keys");
	check_buf(&values, want, t->vs * s->got, "values");
	if (s->got)
		check_buf(&out, &last, 4, "out_batch");
	else if (!same)
		check_untouched(&out, "out_batch");
	free(want_keys);
	free(want);
	buf_free(&out);
	buf_free(&keys);
	buf_free(&values);
}

TEST(array_walk, K_ARRAYS)
{
	struct tmap t = tmap_new(k, 4, 12, LONG);
	struct batch end = { .count = 3 };
	uint32_t last = LONG - 1;
	size_t i;

	tmap_fill(&t, LONG);
	for (i = 0; i < ARRAY_SIZE(steps); i++) {
		row("batch.exact", "LOOKUP_BATCH %s: %s", k->name,
		    steps[i].name);
		check_step(&t, &steps[i], false);
		row("batch.exact", "LOOKUP_BATCH %s: %s, in_batch == out_batch",
		    k->name, steps[i].name);
		check_step(&t, &steps[i], true);
	}
	row("batch.out", "LOOKUP_BATCH %s: no out_batch after the end",
	    k->name);
	end.in = &last;
	check_ret(map_batch(LB, t.fd, &end), -ENOENT, "result");
	check_num(end.count, 0, "count");
}

/* Faults of a lookup in an array: count stays 0 if data, not if token */
TEST(array_faults, K_ARRAYS)
{
	struct tmap t = tmap_new(k, 4, 12, LONG);
	struct buf out = buf_new(4), keys = buf_new(LONG * 4);
	struct buf values = buf_new(LONG * t.vs);
	uint8_t *cut_keys = edge_new(4 * 4 + 3), *cut_token = edge_new(3);
	uint8_t *cut_values = edge_new(4 * t.vs + 5);
	struct batch b;

	tmap_fill(&t, LONG);
	row("batch.lookup_fault", "LOOKUP_BATCH %s: keys end at 4", k->name);
	b = (struct batch){ .out = out.p, .keys = cut_keys, .values = values.p,
			    .count = LONG };
	check_ret(map_batch(LB, t.fd, &b), -EFAULT, "result");
	check_num(b.count, 0, "count");
	row("batch.lookup_fault", "LOOKUP_BATCH %s: values end at 4", k->name);
	b = (struct batch){ .out = out.p, .keys = keys.p, .values = cut_values,
			    .count = LONG };
	check_ret(map_batch(LB, t.fd, &b), -EFAULT, "result");
	check_num(b.count, 0, "count");
	check_untouched(&out, "out_batch");
	row("batch.lookup_fault", "LOOKUP_BATCH %s: out_batch cut", k->name);
	b = (struct batch){ .out = cut_token, .keys = keys.p,
			    .values = values.p, .count = 7 };
	check_ret(map_batch(LB, t.fd, &b), -EFAULT, "result");
	check_num(b.count, 7, "count");
	row("batch.in", "LOOKUP_BATCH %s: in_batch cut", k->name);
	b = (struct batch){ .in = cut_token, .out = out.p, .keys = keys.p,
			    .values = values.p, .count = 7 };
	check_ret(map_batch(LB, t.fd, &b), -EFAULT, "result");
	check_num(b.count, 0, "count");
	edge_free(cut_keys, 4 * 4 + 3);
	edge_free(cut_values, 4 * t.vs + 5);
	edge_free(cut_token, 3);
}

TEST_MAIN
