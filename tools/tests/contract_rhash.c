// SPDX-License-Identifier: GPL-2.0-only
/*
 * contract_rhash - RHASH, a hash that grows and shrinks: creation, content, and
 * batches with the next key as cursor. contract_elem, contract_value and
 * contract_batch test what it has in common with other hashes.
 */
#include "contract.h"

#define NO_PREALLOC	BPFMAP_F_NO_PREALLOC

/* ------------------------------------------------------------------------- */
/* Creation */

/* NO_PREALLOC is always asked for, but where it is among the flags */
static const struct create_case creates[] = {
	{ "smallest", SHAPE(1, 1, 1, 0), GOT_FD },
	{ "without NO_PREALLOC", SHAPE(4, 8, 4, NO_PREALLOC), -EINVAL },
	{ "without NO_PREALLOC, key too large", SHAPE(65536, 8, 4,
	  NO_PREALLOC), -EINVAL },
	{ "ZERO_SEED", SHAPE(4, 8, 4, BPFMAP_F_ZERO_SEED), -EINVAL },
	{ "ZERO_SEED before key", SHAPE(65536, 8, 4, BPFMAP_F_ZERO_SEED),
	  -EINVAL },
	{ "key 65535", SHAPE(65535, 8, 4, 0), GOT_FD },
	{ "key 65536", SHAPE(65536, 8, 4, 0), -E2BIG },
	{ "key 2^32 - 1", SHAPE(UINT32_MAX, 8, 4, 0), -E2BIG },
	{ "key before map_extra", SHAPE(65536, 8, 4, 0, .map_extra = 1ULL <<
	  32), -E2BIG },
	{ "key before other flags", SHAPE(65536, 8, 4, BPFMAP_F_MMAPABLE),
	  -E2BIG },
	{ "key before max_entries 0", SHAPE(65536, 8, 0, 0), -E2BIG },
	{ "map_extra 1", SHAPE(4, 8, 4, 0, .map_extra = 1), GOT_FD },
	{ "map_extra = max_entries", SHAPE(4, 8, 4, 0, .map_extra = 4),
	  GOT_FD },
	{ "map_extra over max_entries", SHAPE(4, 8, 4, 0, .map_extra = 5),
	  -EINVAL },
	{ "map_extra 65535", SHAPE(4, 8, 65535, 0, .map_extra = 65535),
	  GOT_FD },
	{ "map_extra 65536", SHAPE(4, 8, 65536, 0, .map_extra = 65536),
	  -E2BIG },
	{ "map_extra 65536 over max_entries", SHAPE(4, 8, 4, 0, .map_extra =
	  65536), -E2BIG },
	{ "map_extra 2^32", SHAPE(4, 8, 4, 0, .map_extra = 1ULL << 32),
	  -EINVAL },
	{ "map_extra 2^63", SHAPE(4, 8, 4, 0, .map_extra = 1ULL << 63),
	  -EINVAL },
	{ "key_size 0", SHAPE(0, 8, 4, 0), -EINVAL },
	{ "value_size 0", SHAPE(4, 0, 4, 0), -EINVAL },
	{ "max_entries 0", SHAPE(4, 8, 0, 0), -EINVAL },
	{ "max_entries 0, value too large", SHAPE(4, KMALLOC_MAX, 0, 0), -EINVAL },
	{ "sum over the limit", SHAPE(8, HASH_OVER - 8, 1, 0), -E2BIG },
	{ "sum at the limit", SHAPE(8, HASH_OVER - 9, 1, 0), GOT_FD },
	{ "value 2^32 - 1", SHAPE(4, UINT32_MAX, 1, 0), -E2BIG },
	{ "flags before value", SHAPE(4, UINT32_MAX, 1, BPFMAP_F_MMAPABLE),
	  -EINVAL },
	{ "max_entries 2^31", SHAPE(4, 8, 1U << 31, 0), GOT_FD },
	{ "max_entries 2^31 + 1", SHAPE(4, 8, (1U << 31) + 1, 0), -E2BIG },
	{ "max_entries 2^32 - 1", SHAPE(4, 8, UINT32_MAX, 0), -E2BIG },
};

TEST(create, K_RHASH)
{
	struct bpfmap_create_attr good = SHAPE(4, 8, 4, 0);

	check_creates("create.rhash", k, creates, ARRAY_SIZE(creates));
	check_create_flags("create.flags", k, good, BPFMAP_F_NUMA_NODE | RIGHTS);
}

/* ------------------------------------------------------------------------- */
/* Content, through growing and shrinking, against an array of seeds */

#define KEYS 600

static void random_steps(uint32_t key_size, uint32_t value_size)
{
	struct tmap t = tmap_new(KIND(K_RHASH), key_size, value_size, KEYS);
	uint32_t n, i, present = 0, rnd = key_size * 31 + value_size;
	uint8_t *key = malloc(key_size);
	int *seeds = malloc(KEYS * sizeof(*seeds));

	row("conc.oracle", "random, key %u, value %u", key_size, value_size);
	memset(seeds, -1, KEYS * sizeof(*seeds));
	for (i = 0; i < 2400; i++) {
		/* Up in the first half, down in the second */
		bool put = (rnd >> 7) % 8 < (i < 1200 ? 6 : 2);

		rnd = rnd * 1664525 + 1013904223;
		n = (rnd >> 8) % (key_size == 1 ? 256 : KEYS);
		tmap_key(&t, n, key);
		if (put) {
			check_ret(tmap_put(&t, n, i), 0, "put %u", n);
			present += seeds[n] < 0;
			seeds[n] = i;
		} else {
			check_ret(map_delete(t.fd, key),
				  seeds[n] < 0 ? -ENOENT : 0, "delete %u", n);
			present -= seeds[n] >= 0;
			seeds[n] = -1;
		}
		if (i % 16 == 0)
			check_elem(&t, n, seeds[n], "value");
	}
	for (n = 0; n < (key_size == 1 ? 256 : KEYS); n++)
		check_elem(&t, n, seeds[n], "at the end");
	/* A walk of bpf(2) meets a resize that is still going on */
	if (backend() != BACKEND_BPF)
		check_num(tmap_walk(&t, KEYS + 1), present, "keys");
	tmap_close(&t);
	free(seeds);
	free(key);
}

TEST(content, K_RHASH)
{
	random_steps(1, 1);
	random_steps(4, 4);
	random_steps(8, 8);
	random_steps(5, 13);
	random_steps(40, 512);
}

TEST(largest_element, K_RHASH)
{
	struct tmap t = tmap_new(k, 65535, HASH_OVER - 65536, 1);

	row("create.rhash", "the largest element");
	check_ret(tmap_put(&t, 3, 3), 0, "put");
	check_elem(&t, 3, 3, "value");
}

/* ------------------------------------------------------------------------- */
/* Batches. So few elements that the smallest table holds them */

#define N 40
#define VS 12

/* A call from element @at on, or from NULL; returns what it gave */
static uint32_t call_from(struct ordered *l, int cmd, uint32_t at, bool null,
			  uint32_t count)
{
	uint32_t n = count < N - at ? count : N - at;
	bool end = at + n == N;
	struct batch b = ordered_batch(l);

	row("batch.cursor", "%s from %u%s, count %u", cmd == LB ? "lookup" :
	    "lookup and delete", at, null ? " (NULL)" : "", count);
	b.in = null ? NULL : &l->order[at];
	b.count = count;
	check_ret(map_batch(cmd, l->t.fd, &b), end ? -ENOENT : 0, "result");
	check_num(b.count, n, "count");
	check_received(l, at, n);
	check_buf(&l->out, &l->order[at + n], end ? 0 : 4, "out_batch");
	return n;
}

TEST(lookup_from_everywhere, K_RHASH)
{
	static const uint32_t counts[] = { 1, 2, 3, 7, N - 1, N, N + 1,
					   100000 };
	struct ordered l;
	uint32_t i, at;

	ordered_new(&l, KIND(K_RHASH), N);
	for (i = 0; i < ARRAY_SIZE(counts); i++) {
		call_from(&l, LB, 0, true, counts[i]);
		for (at = 0; at < N; at += i ? 7 : 1)
			call_from(&l, LB, at, false, counts[i]);
	}
	check_gone(&l, 0, 0);
	ordered_free(&l);
}

TEST(take_all, K_RHASH)
{
	static const uint32_t counts[] = { 1, 3, 7, N - 1, N, N + 1 };
	uint32_t i, at;
	struct ordered l;

	for (i = 0; i < ARRAY_SIZE(counts); i++) {
		ordered_new(&l, KIND(K_RHASH), N);
		for (at = 0; at < N;) {
			at += call_from(&l, LADB, at, !at, counts[i]);
			check_gone(&l, 0, at);
			/* Here bpf(2)'s table shrinks, and gets another order */
			if (backend() == BACKEND_BPF && at > N / 2)
				break;
		}
		ordered_free(&l);
		/* From the middle on */
		ordered_new(&l, KIND(K_RHASH), N);
		at = N / 2 + call_from(&l, LADB, N / 2, false, counts[i]);
		check_gone(&l, N / 2, at);
		ordered_free(&l);
	}
}

/* An absent cursor: EAGAIN, and nothing else happens */
TEST(vanished, K_RHASH)
{
	uint32_t absent = 12345, cmd;
	struct ordered l;
	struct batch b;

	ordered_new(&l, KIND(K_RHASH), N);
	for (cmd = LB; cmd <= LADB; cmd++) {
		row("batch.again", "command %u, cursor is not there", cmd);
		b = ordered_batch(&l);
		b.in = &absent;
		check_ret(map_batch(cmd, l.t.fd, &b), -EAGAIN, "result");
		check_num(b.count, 0, "count");
		check_untouched(&l.out, "out_batch");
		check_received(&l, 0, 0);
		/* The same memory for both cursors */
		b = ordered_batch(&l);
		memcpy(l.out.p, &absent, 4);
		b.in = b.out;
		check_ret(map_batch(cmd, l.t.fd, &b), -EAGAIN, "result");
		check_buf(&l.out, &absent, 4, "out_batch");
	}
	check_gone(&l, 0, 0);
	row("batch.again", "the next key is deleted between two calls");
	b = ordered_batch(&l);
	b.count = 5;
	check_ret(map_batch(LB, l.t.fd, &b), 0, "first call");
	check_ret(map_delete(l.t.fd, l.out.p), 0, "DELETE");
	b.in = b.out;
	b.count = 5;
	check_ret(map_batch(LB, l.t.fd, &b), -EAGAIN, "second call");
	check_num(b.count, 0, "count");
	ordered_free(&l);

	row("batch.end", "empty map");
	l.t = tmap_new(KIND(K_RHASH), 4, VS, N);
	for (cmd = LB; cmd <= LADB; cmd++) {
		b = (struct batch){ .out = bad_ptr(), .keys = bad_ptr(),
				    .values = bad_ptr(), .count = 3 };
		check_ret(map_batch(cmd, l.t.fd, &b), -ENOENT, "result");
		check_num(b.count, 0, "count");
		b.in = &absent;
		b.count = 3;
		check_ret(map_batch(cmd, l.t.fd, &b), -EAGAIN, "with a cursor");
	}
	tmap_close(&l.t);
}

static const struct {
	const char *name;
	uint64_t elem_flags, flags;
	int want[4];	/* LB, LADB, UB, DB */
} batch_flags[] = {
	{ "none", 0, 0, { 0, 0, 0, 0 } },
	{ "elem_flags NOEXIST", 1, 0, { -EINVAL, -EINVAL, -EINVAL, -EINVAL } },
	{ "elem_flags EXIST", 2, 0, { -EINVAL, -EINVAL, -EINVAL, -EINVAL } },
	{ "elem_flags LOCK", 4, 0, { -EINVAL, -EINVAL, -EINVAL, -EINVAL } },
	{ "elem_flags CPU", 8, 0, { -EINVAL, -EINVAL, -EINVAL, -EINVAL } },
	{ "elem_flags ALL_CPUS", 16, 0, { -EINVAL, -EINVAL, -EINVAL, -EINVAL } },
	{ "elem_flags bit 32", 1ULL << 32, 0,
	  { -EINVAL, -EINVAL, -EINVAL, -EINVAL } },
	{ "flags 1", 0, 1, { -EINVAL, -EINVAL, 0, 0 } },
	{ "flags bit 63", 0, 1ULL << 63, { -EINVAL, -EINVAL, 0, 0 } },
};

TEST(batch_arguments, K_RHASH)
{
	static const int cmds[] = { LB, LADB, UB, DB };
	struct ordered l;
	struct batch b;
	size_t i, c;

	for (i = 0; i < ARRAY_SIZE(batch_flags); i++) {
		for (c = 0; c < ARRAY_SIZE(cmds); c++) {
			row("batch.flags", "command %d, %s", cmds[c],
			    batch_flags[i].name);
			ordered_new(&l, KIND(K_RHASH), N);
			b = ordered_batch(&l);
			memcpy(l.keys.p, l.order, sizeof(l.order));
			b.elem_flags = batch_flags[i].elem_flags;
			b.flags = batch_flags[i].flags;
			b.count = 3;
			check_ret(map_batch(cmds[c], l.t.fd, &b),
				  batch_flags[i].want[c], "result");
			check_num(b.count, 3, "count");
			/* Nothing is asked of a count of 0 but its flags */
			b.count = 0;
			b.in = bad_ptr();
			b.keys = bad_ptr();
			b.values = bad_ptr();
			b.out = bad_ptr();
			check_ret(map_batch(cmds[c], l.t.fd, &b),
				  batch_flags[i].want[c], "count 0");
			ordered_free(&l);
		}
	}
}

/* Room for so many elements only, then an unmapped page */
static void one_fault(int cmd, bool in_keys, uint32_t room)
{
	size_t nk = in_keys ? 4 * room + 3 : 4 * N;
	size_t nv = in_keys ? VS * N : VS * room + VS - 1;
	uint8_t *keys = edge_new(nk), *values = edge_new(nv);
	struct ordered l;
	struct batch b;

	row("batch.lost", "command %d, %s end at %u", cmd,
	    in_keys ? "keys" : "values", room);
	ordered_new(&l, KIND(K_RHASH), N);
	b = ordered_batch(&l);
	b.keys = keys;
	b.values = values;
	b.count = N - 2;
	check_ret(map_batch(cmd, l.t.fd, &b), -EFAULT, "result");
	check_num(b.count, 0, "count");
	check_untouched(&l.out, "out_batch");
	/* As in bpf(2) all of the call is lost */
	check_gone(&l, 0, cmd == LADB ? N - 2 : 0);
	edge_free(keys, nk);
	edge_free(values, nv);
	ordered_free(&l);
}

TEST(faults, K_RHASH)
{
	static const uint32_t room[] = { 0, 1, 20, N - 3 };
	struct ordered l;
	struct batch b;
	size_t i;
	int cmd;

	for (i = 0; i < ARRAY_SIZE(room); i++)
		for (cmd = LB; cmd <= LADB; cmd++) {
			one_fault(cmd, true, room[i]);
			one_fault(cmd, false, room[i]);
		}
	for (cmd = LB; cmd <= LADB; cmd++) {
		ordered_new(&l, KIND(K_RHASH), N);
		row("batch.in", "command %d, bad in_batch", cmd);
		b = ordered_batch(&l);
		b.in = bad_ptr();
		check_ret(map_batch(cmd, l.t.fd, &b), -EFAULT, "result");
		check_num(b.count, 0, "count");
		check_gone(&l, 0, 0);
		/* The count is stored before the cursor */
		row("batch.out", "command %d, bad out_batch", cmd);
		b = ordered_batch(&l);
		b.out = bad_ptr();
		b.count = 5;
		check_ret(map_batch(cmd, l.t.fd, &b), -EFAULT, "result");
		check_num(b.count, 5, "count");
		check_received(&l, 0, 5);
		check_gone(&l, 0, cmd == LADB ? 5 : 0);
		row("batch.out", "command %d, bad out_batch that is not needed",
		    cmd);
		b = ordered_batch(&l);
		b.out = bad_ptr();
		check_ret(map_batch(cmd, l.t.fd, &b), -ENOENT, "result");
		check_num(b.count, cmd == LADB ? N - 5 : N, "count");
		ordered_free(&l);
	}
}

/* Cursors are as wide as keys */
TEST(cursor_width, K_RHASH)
{
	static const uint32_t sizes[] = { 1, 2, 3, 8, 40, 1000, 65535 };
	size_t i;

	for (i = 0; i < ARRAY_SIZE(sizes); i++) {
		struct tmap t = tmap_new(KIND(K_RHASH), sizes[i], 8, 16);
		uint8_t *edge = edge_new(sizes[i]);
		struct buf keys = buf_new(17 * (size_t)sizes[i]);
		struct buf values = buf_new(17 * 8), out = buf_new(sizes[i]);
		struct batch b = { .out = out.p, .keys = keys.p,
				   .values = values.p, .count = 6 };

		row("batch.cursor", "keys of %u bytes", sizes[i]);
		tmap_fill(&t, 16);
		check_ret(map_batch(LB, t.fd, &b), 0, "6 of 16");
		check_num(b.count, 6, "count");
		check_buf(&out, out.p, sizes[i], "out_batch");
		memcpy(edge, out.p, sizes[i]);
		b.in = edge;
		b.out = edge;
		b.keys = keys.p + 6 * (size_t)sizes[i];
		b.values = values.p + 6 * 8;
		b.count = 11;
		check_ret(map_batch(LB, t.fd, &b), -ENOENT, "the rest");
		check_num(b.count, 10, "count");
		check_mem(edge, keys.p + 6 * (size_t)sizes[i], sizes[i],
			  "the cursor was the next key");
		b.in = edge + 1;
		b.count = 1;
		check_ret(map_batch(LB, t.fd, &b), -EFAULT, "in_batch at an edge");
		buf_free(&keys);
		buf_free(&values);
		buf_free(&out);
		edge_free(edge, sizes[i]);
		tmap_close(&t);
	}
}

/* More than goes through the kernel's buffer at once, in calls of @count */
static void many(int cmd, uint32_t n, uint32_t count)
{
	struct tmap t = tmap_new(KIND(K_RHASH), 4, 16, n);
	uint32_t *keys = malloc(count * 4ULL), *again = NULL, total = 0, i;
	uint8_t *values = malloc(count * 16ULL), want[16];
	uint8_t *seen = calloc(n, 1);
	uint32_t cursor = 0, bad = 0, twice = 0;
	int ret = 0;

	row("walk.rhash", "command %d, %u elements in calls of %u", cmd, n,
	    count);
	tmap_fill(&t, n);
	/* bpf(2): until the table has grown */
	if (backend() == BACKEND_BPF)
		sleep(2);
	while (!ret && total <= n) {
		struct batch b = { .in = again, .out = &cursor, .keys = keys,
				   .values = values, .count = count };

		ret = map_batch(cmd, t.fd, &b);
		if (ret && ret != -ENOENT)
			break;
		for (i = 0; i < b.count; i++) {
			tmap_value(&t, keys[i], want);
			bad += keys[i] >= n || memcmp(values + 16 * i, want, 16);
			twice += keys[i] < n && seen[keys[i]]++;
		}
		total += b.count;
		again = &cursor;
	}
	check_ret(ret, -ENOENT, "last call");
	check_num(total, n, "elements");
	check_num(bad, 0, "wrong ones");
	check_num(twice, 0, "those that came twice");
	check_num(tmap_walk(&t, n + 1), cmd == LADB ? 0 : n, "elements left");
	free(keys);
	free(values);
	free(seen);
	tmap_close(&t);
}

TEST(large, K_RHASH)
{
	many(LB, 3000, 3000);
	many(LB, 3000, 1111);
	/* bpf(2) loses its cursor when the table shrinks meanwhile */
	if (backend() != BACKEND_BPF) {
		many(LADB, 4000, 4001);
		many(LADB, 4000, 777);
		many(LB, 2000, 1U << 20);
	}
}

/* The map's keys, by LOOKUP_BATCH or LOOKUP_AND_DELETE_BATCH of @n; values in @v */
static void few(struct tmap *t, int cmd, uint32_t n, uint32_t *keys, void *v)
{
	uint32_t cursor;
	struct batch b = { .out = &cursor, .keys = keys, .values = v,
			   .count = n };

	check_ret(map_batch(cmd, t->fd, &b), n < t->max_entries ? 0 : -ENOENT,
		  "batch");
	check_num(b.count, n, "count");
}

/* Values around 64 KiB, by every command; large_values has them in races */
TEST(large_values, K_RHASH)
{
	enum { FEW = 4 };
	static const uint32_t sizes[] = { 65535, 65536, 65537, 300000 };
	uint32_t n, order[FEW], again[FEW];
	size_t i;

	for (i = 0; i < ARRAY_SIZE(sizes); i++) {
		struct tmap t = tmap_new(k, 4, sizes[i], FEW);
		struct buf v = buf_new(FEW * t.vs), want = buf_new(t.vs);

		row("conc.large", "values of %u bytes", sizes[i]);
		tmap_fill(&t, FEW);
		check_ret(tmap_put(&t, FEW, 0), -E2BIG, "one more");
		few(&t, LB, FEW, order, v.p);
		for (n = 0; n < FEW; n++)
			check_ret(tmap_put(&t, n, n + 50), 0, "replace %u", n);
		few(&t, LB, FEW, again, v.p);
		check_mem(again, order, sizeof(order), "the same order");
		few(&t, LADB, FEW - 1, again, v.p);
		check_mem(again, order, 4 * (FEW - 1), "keys");
		for (n = 0; n < FEW - 1; n++) {
			tmap_value(&t, order[n] + 50, want.p);
			check_mem(v.p + n * t.vs, want.p, t.vs, "value %u", n);
			check_elem(&t, order[n], -1, "taken");
		}
		check_elem(&t, order[n], order[n] + 50, "the last one");
		check_num(tmap_walk(&t, 10), 1, "elements left");
		tmap_close(&t);
	}
}

TEST_MAIN
