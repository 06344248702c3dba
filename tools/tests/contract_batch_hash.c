// SPDX-License-Identifier: GPL-2.0-only
/*
 * contract_batch_hash - how LOOKUP_BATCH and LOOKUP_AND_DELETE_BATCH walk hash
 * tables: by whole buckets, with a bucket's number as token.
 * A key's bucket is found out first, by starting at each bucket.
 */
#include "contract.h"

#define N 48		/* elements */
#define BUCKETS 64	/* of a map with 48 to 64 entries */

/* How many of the elements each bucket has */
struct layout {
	struct ordered o;
	uint32_t size[BUCKETS];
	uint32_t from[BUCKETS + 1];	/* elements before that bucket */
};

static const char *cmd_name(int cmd)
{
	return cmd == LB ? "LOOKUP_BATCH" : "LOOKUP_AND_DELETE_BATCH";
}

static void layout_new(struct layout *l, const struct kind *k)
{
	uint32_t b, rest = N;
	struct batch call;

	memset(l, 0, sizeof(*l));
	ordered_new(&l->o, k, N);
	for (b = 1; b <= BUCKETS; b++) {
		call = ordered_batch(&l->o);
		call.in = &b;
		check_ret(map_batch(LB, l->o.t.fd, &call), -ENOENT,
			  "from bucket %u", b);
		check(call.count <= rest, "from bucket %u: %u of %u", b,
		      call.count, rest);
		l->size[b - 1] = rest - call.count;
		rest = call.count;
		l->from[b] = N - rest;
	}
	check_num(rest, 0, "elements after the last bucket");
}

/* ------------------------------------------------------------------------- */

/* What a batch of @count from bucket @in answers, by [batch.whole] */
struct answer {
	int ret;
	uint32_t got;
	uint32_t token;
};

static struct answer expected(const struct layout *l, uint32_t in, uint32_t count)
{
	struct answer a = { .token = in };

	while (a.token < BUCKETS && l->size[a.token] <= count - a.got)
		a.got += l->size[a.token++];
	a.ret = a.token == BUCKETS ? -ENOENT : a.got ? 0 : -ENOSPC;
	return a;
}

static void check_call(struct layout *l, int cmd, uint32_t in, bool null,
		       uint32_t count)
{
	struct answer want = expected(l, in, count);
	struct batch call = ordered_batch(&l->o);

	row("batch.whole", "%s %s: bucket %u%s, count %u", cmd_name(cmd),
	    l->o.t.kind->name, in, null ? " (NULL)" : "", count);
	call.in = null ? NULL : &in;
	call.count = count;
	check_ret(map_batch(cmd, l->o.t.fd, &call), want.ret, "result");
	check_num(call.count, want.got, "count");
	check_buf(&l->o.out, &want.token, 4, "out_batch");
	check_received(&l->o, l->from[in], want.got);
}

/* Every bucket to start with, many counts; includes ENOSPC and exact fits */
TEST(lookup_from_everywhere, K_HASHES)
{
	static const uint32_t counts[] = { 1, 2, 3, 4, 7, 20, N - 1, N, N + 1 };
	struct layout l;
	uint32_t in, i;

	row("batch.whole", "%s: layout", k->name);
	layout_new(&l, k);
	for (in = 0; in < BUCKETS; in++)
		for (i = 0; i < ARRAY_SIZE(counts); i++)
			check_call(&l, LB, in, false, counts[i]);
	for (i = 0; i < ARRAY_SIZE(counts); i++)
		check_call(&l, LB, 0, true, counts[i]);
	check_call(&l, LB, 0, true, UINT32_MAX);
	ordered_free(&l.o);
}

/* A bucket that does not fit is refused, then fits with its own size */
TEST(too_small, K_HASHES)
{
	struct layout l;
	uint32_t b, tested = 0;
	struct batch call;

	row("batch.whole", "%s: layout", k->name);
	layout_new(&l, k);
	for (b = 0; b < BUCKETS; b++) {
		if (l.size[b] < 2)
			continue;
		tested++;
		check_call(&l, LADB, b, false, l.size[b] - 1);
		check_gone(&l.o, 0, 0);
		check_call(&l, LB, b, false, l.size[b]);
	}
	/* 48 keys in 64 buckets without two in one: 1 in 10^11 */
	check(tested > 0, "there is a bucket with two elements");
	row("batch.bucket", "%s: empty bucket before one that does not fit",
	    k->name);
	for (b = 1; b < BUCKETS && (l.size[b - 1] || l.size[b] < 2); b++)
		;
	if (b < BUCKETS) {
		uint32_t in = b - 1;

		call = ordered_batch(&l.o);
		call.in = &in;
		call.count = 1;
		check_ret(map_batch(LB, l.o.t.fd, &call), -ENOSPC, "result");
		check_num(call.count, 0, "count");
		check_buf(&l.o.out, &b, 4, "out_batch is the bucket");
		check_untouched(&l.o.keys, "keys");
	}
	ordered_free(&l.o);
}

/* Inside a bucket newest first; the same order as GET_NEXT_KEY */
TEST(order, K_HASHES)
{
	uint32_t b, i, key, *from = NULL;
	struct layout l;

	row("batch.whole", "%s: order of a walk", k->name);
	layout_new(&l, k);
	for (b = 0; b < BUCKETS; b++)
		for (i = l.from[b] + 1; i < l.from[b + 1]; i++)
			check(l.o.order[i] < l.o.order[i - 1],
			      "bucket %u: newest first: %u before %u", b,
			      l.o.order[i - 1], l.o.order[i]);
	row("next.order", "%s: GET_NEXT_KEY has the order of the buckets",
	    k->name);
	for (i = 0; i < N; i++) {
		check_ret(map_next_key(l.o.t.fd, from, &key), 0, "key %u", i);
		check_num(key, l.o.order[i], "key %u", i);
		from = &key;
	}
	ordered_free(&l.o);
}

/*
 * With bpf(2) a replaced element is a new one at the head of its bucket.
 * A knowing difference: the device writes the value in place, and the order of
 * the bucket stays.
 */
TEST(replaced_in_bucket, K_HASH | K_HASH_NP | K_LRU)
{
	bool moves = backend() == BACKEND_BPF;
	struct layout l;
	struct batch call;
	uint32_t b, last;

	row("hash.place", "%s: place of a replaced element", k->name);
	layout_new(&l, k);
	for (b = 0; b < BUCKETS && l.size[b] < 2; b++)
		;
	if (check(b < BUCKETS, "there is a bucket with two elements")) {
		last = l.o.order[l.from[b + 1] - 1];
		check_ret(tmap_put(&l.o.t, last, 5), 0, "UPDATE");
		call = ordered_batch(&l.o);
		call.in = &b;
		map_batch(LB, l.o.t.fd, &call);
		check_mem(call.keys, moves ? &last : &l.o.order[l.from[b]], 4,
			  "first of bucket %u", b);
	}
	ordered_free(&l.o);
}

/* ------------------------------------------------------------------------- */

/* [hash.buckets] */
TEST(tokens, K_HASHES)
{
	static const struct {
		uint32_t max_entries, buckets;
	} rows[] = {
		{ 1, 1 }, { 2, 2 }, { 3, 4 }, { 4, 4 }, { 5, 8 }, { 64, 64 },
		{ 65, 128 }, { 1000, 1024 },
	};
	struct buf out = buf_new(4), data = buf_new(64);
	size_t i;

	for (i = 0; i < ARRAY_SIZE(rows); i++) {
		struct tmap t = tmap_new(k, 4, 8, rows[i].max_entries);
		uint32_t n = rows[i].buckets, in, past[] = { n, n + 1, n * 2,
							     1U << 31,
							     UINT32_MAX };
		struct batch b = { .out = out.p, .keys = data.p,
				   .values = data.p, .count = 1 };
		size_t j;

		row("batch.end", "%s: empty map of %u entries", k->name,
		    rows[i].max_entries);
		buf_fill(&out);
		check_ret(map_batch(LB, t.fd, &b), -ENOENT, "result");
		check_num(b.count, 0, "count");
		check_buf(&out, &n, 4, "out_batch is the number of buckets");
		b.count = 1;
		b.out = NULL;
		check_ret(map_batch(LB, t.fd, &b), -EFAULT, "NULL out_batch");
		check_num(b.count, 0, "count");
		b.out = out.p;
		for (j = 0; j < ARRAY_SIZE(past); j++) {
			row("batch.beyond", "%s: token %u of %u", k->name,
			    past[j], n);
			buf_fill(&out);
			b.in = &past[j];
			b.count = 1;
			check_ret(map_batch(LB, t.fd, &b), -ENOENT, "result");
			check_num(b.count, 0, "count");
			check_untouched(&out, "out_batch");
		}
		in = n - 1;
		row("batch.beyond", "%s: token %u of %u", k->name, in, n);
		b.in = &in;
		b.count = 1;
		check_ret(map_batch(LB, t.fd, &b), -ENOENT, "result");
		check_buf(&out, &n, 4, "out_batch");
		check_untouched(&data, "data");
		tmap_close(&t);
	}
}

/* The token has 4 bytes whatever the key size; both pointers may be the same */
TEST(token_width, K_HASHES)
{
	static const uint32_t key_sizes[] = { 1, 2, 3, 5, 8, 40 };
	uint8_t *out = edge_new(4), *cut = edge_new(3);
	size_t i;

	for (i = 0; i < ARRAY_SIZE(key_sizes); i++) {
		struct tmap t = tmap_new(k, key_sizes[i], 8, 16);
		struct buf keys = buf_new(16 * t.key_size);
		struct buf values = buf_new(16 * t.vs);
		uint32_t end = 16, zero = 0;
		struct batch b = { .in = out, .out = out, .keys = keys.p,
				   .values = values.p, .count = 16 };

		row("batch.cursor", "%s: token with keys of %u bytes", k->name,
		    t.key_size);
		tmap_fill(&t, 16);
		memcpy(out, &zero, 4);
		check_ret(map_batch(LB, t.fd, &b), -ENOENT, "result");
		check_num(b.count, 16, "count");
		check_mem(out, &end, 4, "out_batch");
		b.in = NULL;
		b.out = cut;
		b.count = 16;
		check_ret(map_batch(LB, t.fd, &b), -EFAULT, "3 bytes of out_batch");
		b.in = cut;
		b.out = out;
		b.count = 16;
		check_ret(map_batch(LB, t.fd, &b), -EFAULT, "3 bytes of in_batch");
		check_num(b.count, 0, "count");
		check_buf(&keys, keys.p, 16 * t.key_size, "keys");
		check_buf(&values, values.p, 16 * t.vs, "values");
		buf_free(&keys);
		buf_free(&values);
		tmap_close(&t);
	}
	edge_free(out, 4);
	edge_free(cut, 3);
}

/* ------------------------------------------------------------------------- */
/* LOOKUP_AND_DELETE_BATCH */

/* A walk in pieces takes each element once, and takes it away */
TEST(take_all, K_HASHES)
{
	static const uint32_t counts[] = { 1, 3, 8, N, N + 1 };
	struct layout l;
	size_t i;

	for (i = 0; i < ARRAY_SIZE(counts); i++) {
		uint32_t token, taken = 0, count = counts[i];
		struct answer want = { 0 };

		row("batch.whole", "%s: layout", k->name);
		layout_new(&l, k);
		for (token = 0; want.ret != -ENOENT; token = want.token) {
			want = expected(&l, token, count);
			check_call(&l, LADB, token, !taken && !token, count);
			taken += want.got;
			count = want.ret == -ENOSPC ? count + 1 : counts[i];
			if (!want.got)
				continue;
			check_gone(&l.o, 0, taken);
		}
		check_num(taken, N, "elements taken");
		/* ... and room for as many new ones */
		tmap_fill(&l.o.t, N);
		ordered_free(&l.o);
	}
}

/* From the middle: what comes before the token stays */
TEST(take_the_rest, K_HASHES)
{
	uint32_t from[] = { 1, BUCKETS / 2, BUCKETS - 1 };
	struct layout l;
	size_t i;

	for (i = 0; i < ARRAY_SIZE(from); i++) {
		row("batch.whole", "%s: layout", k->name);
		layout_new(&l, k);
		check_call(&l, LADB, from[i], false, N);
		check_gone(&l.o, l.from[from[i]], N);
		ordered_free(&l.o);
	}
}

/* Buckets that come whole before element @at; @lost: elements up to the end of
 * the one that does not
 */
static uint32_t whole_before(const struct layout *l, uint32_t at, uint32_t *lost)
{
	uint32_t b;

	for (b = 0; b < BUCKETS && l->from[b + 1] <= at; b++)
		;
	*lost = b < BUCKETS ? l->from[b + 1] : N;
	return b < BUCKETS ? l->from[b] : N;
}

/* Room for @at elements only, then an unmapped page */
static void one_fault(const struct kind *k, int cmd, bool in_keys, uint32_t at)
{
	uint32_t whole, lost;
	uint8_t *keys, *values;
	struct batch call;
	struct layout l;
	size_t nk, nv;

	row("batch.lost", "%s %s: %s end at %u", cmd_name(cmd), k->name,
	    in_keys ? "keys" : "values", at);
	layout_new(&l, k);
	nk = in_keys ? 4 * at + 3 : 4 * N;
	nv = in_keys ? l.o.t.vs * N : l.o.t.vs * at + l.o.t.vs - 1;
	keys = edge_new(nk);
	values = edge_new(nv);
	whole = whole_before(&l, at, &lost);
	call = ordered_batch(&l.o);
	call.keys = keys;
	call.values = values;
	check_ret(map_batch(cmd, l.o.t.fd, &call), -EFAULT, "result");
	check_num(call.count, 0, "count");
	check_untouched(&l.o.out, "out_batch");
	check_ordered(&l.o, 0, whole, keys, values);
	check_gone(&l.o, 0, cmd == LADB ? lost : 0);
	edge_free(keys, nk);
	edge_free(values, nv);
	ordered_free(&l.o);
}

TEST(faults, K_HASHES)
{
	static const uint32_t at[] = { 0, 1, 5, 20, N - 1 };
	size_t i;

	for (i = 0; i < ARRAY_SIZE(at); i++) {
		one_fault(k, LB, true, at[i]);
		one_fault(k, LB, false, at[i]);
		one_fault(k, LADB, true, at[i]);
		one_fault(k, LADB, false, at[i]);
	}
}

/* All was delivered, but the count was not stored */
TEST(token_fault, K_HASHES)
{
	void *outs[] = { NULL, bad_ptr() };
	struct batch call;
	struct layout l;
	size_t i;

	for (i = 0; i < ARRAY_SIZE(outs); i++) {
		row("batch.whole", "%s: layout", k->name);
		layout_new(&l, k);
		row("batch.lookup_fault",
		    "%s: LOOKUP_AND_DELETE_BATCH with %s out_batch", k->name,
		    outs[i] ? "bad" : "NULL");
		call = ordered_batch(&l.o);
		call.out = outs[i];
		check_ret(map_batch(LADB, l.o.t.fd, &call), -EFAULT, "result");
		check_num(call.count, 0, "count");
		check_ordered(&l.o, 0, N, l.o.keys.p, l.o.values.p);
		check_gone(&l.o, 0, N);
		ordered_free(&l.o);
	}
}

TEST_MAIN
