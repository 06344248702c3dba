// SPDX-License-Identifier: GPL-2.0-only
/*
 * contract_value - the bytes that go in and come out: sizes, walks,
 * per-CPU values, capacity and reuse of storage
 */
#include "contract.h"

#define CPU	BPFMAP_F_CPU
#define ALL	BPFMAP_F_ALL_CPUS

static uint64_t on_cpu(unsigned int i)
{
	return CPU | (uint64_t)cpu_nr(i) << 32;
}

/* ------------------------------------------------------------------------- */
/* Every size of key and value, to the byte */

struct shape {
	uint32_t key_size;
	uint32_t value_size;
	uint32_t max_entries;
};

static const struct shape shapes[] = {
	{ 1, 1, 5 }, { 2, 2, 3 }, { 3, 5, 7 }, { 4, 4, 1 }, { 4, 8, 2 },
	{ 4, 12, 16 }, { 5, 7, 9 }, { 8, 8, 64 }, { 8, 16, 100 },
	{ 12, 24, 31 }, { 16, 3, 10 }, { 17, 33, 11 }, { 20, 64, 12 },
	{ 40, 512, 20 }, { 64, 100, 20 }, { 100, 4096, 5 }, { 512, 5000, 4 },
	{ 4096, 32768, 3 }, { 5000, 9, 6 },
};

/* Arrays have 4-byte keys; that makes some shapes equal, which is no harm */
static struct tmap shape_map(const struct kind *k, const struct shape *s)
{
	return tmap_new(k, is_hash(k) ? s->key_size : 4, s->value_size,
			s->max_entries);
}

/* Keys are looked up at an address that is not aligned, both ways */
static void unaligned(const struct tmap *t)
{
	struct buf key = buf_new(t->key_size + 1), value = buf_new(t->vs + 1);
	uint8_t *want = malloc(t->vs + 1);

	tmap_key(t, 0, key.p + 1);
	tmap_value(t, 0, want + 1);
	want[0] = FILL;
	check_ret(map_lookup(t->fd, key.p + 1, value.p + 1, 0), 0, "unaligned");
	check_buf(&value, want, t->vs + 1, "unaligned value");
	check_ret(map_update(t->fd, key.p + 1, value.p + 1, 0), 0, "unaligned");
	check_elem(t, 0, 0, "after an unaligned UPDATE");
	free(want);
	buf_free(&key);
	buf_free(&value);
}

/* Nothing past the last byte of a key or a value is read or written */
static void at_the_edge(const struct tmap *t)
{
	uint8_t *key = edge_new(t->key_size), *value = edge_new(t->vs);
	uint8_t *want = malloc(t->vs);

	tmap_key(t, 0, key);
	tmap_value(t, 0, want);
	check_ret(map_lookup(t->fd, key, value, 0), 0, "LOOKUP at the edge");
	check_mem(value, want, t->vs, "LOOKUP at the edge");
	check_ret(map_update(t->fd, key, value, 0), 0, "UPDATE at the edge");
	check_elem(t, 0, 0, "after UPDATE at the edge");
	check_ret(map_next_key(t->fd, NULL, key), 0, "GET_NEXT_KEY at the edge");
	free(want);
	edge_free(key, t->key_size);
	edge_free(value, t->vs);
}

static void lookup_and_delete_all(const struct tmap *t)
{
	struct buf key = buf_new(t->key_size), value = buf_new(t->vs);
	uint8_t *want = malloc(t->vs);
	uint32_t i;

	for (i = 0; i < t->max_entries; i++) {
		buf_fill(&value);
		tmap_key(t, i, key.p);
		tmap_value(t, i, want);
		check_ret(map_elem(LAD, t->fd, key.p, value.p, 0), 0,
			  "LOOKUP_AND_DELETE %u", i);
		check_buf(&value, want, t->vs, "value taken");
		check_elem(t, i, -1, "taken");
	}
	check_num(tmap_walk(t, t->max_entries + 1), 0, "elements left");
	free(want);
	buf_free(&key);
	buf_free(&value);
}

TEST(sizes, K_ALL | K_RHASH)
{
	uint32_t n, s;

	/* bpf(2)'s may evict before it is full */
	if (is_lru(k) && backend() == BACKEND_BPF)
		return;
	for (s = 0; s < ARRAY_SIZE(shapes); s++) {
		struct tmap t = shape_map(k, &shapes[s]);

		row("copy.size", "%s %u/%u x %u", k->name, t.key_size,
		    t.value_size, t.max_entries);
		tmap_fill(&t, t.max_entries);
		for (n = 0; n < t.max_entries; n++)
			check_elem(&t, n, n, "each has its value");
		check_num(tmap_walk(&t, t.max_entries + 1), t.max_entries,
			  "keys in a walk");
		for (n = 0; n < t.max_entries; n++)
			check_ret(tmap_put(&t, n, n + 100), 0, "replacing");
		for (n = 0; n < t.max_entries; n++)
			check_elem(&t, n, n + 100, "each has its new value");
		for (n = 0; n < t.max_entries; n++)
			check_ret(tmap_put(&t, n, n), 0, "replacing again");
		unaligned(&t);
		at_the_edge(&t);
		if (is_hash(k))
			lookup_and_delete_all(&t);
		tmap_close(&t);
	}
}

/* ------------------------------------------------------------------------- */
/* Initial content, capacity */

TEST(initial_content, K_ALL)
{
	struct tmap t = tmap_new(k, 4, 13, 50);
	struct buf value = buf_new(t.vs);
	uint8_t *zero = calloc(1, t.vs);
	uint32_t i;

	row("create.content", "%s: initial content", k->name);
	for (i = 0; i < t.max_entries; i++) {
		buf_fill(&value);
		check_ret(map_lookup(t.fd, &i, value.p, 0),
			  is_hash(k) ? -ENOENT : 0, "LOOKUP of key %u", i);
		if (is_hash(k))
			check_untouched(&value, "absent");
		else
			check_buf(&value, zero, t.vs, "is zero");
	}
	check_num(tmap_walk(&t, 100), is_hash(k) ? 0 : 50, "keys in a walk");
	free(zero);
}

TEST(capacity, K_FULL_HASHES | K_ARRAYS | K_RHASH)
{
	static const uint32_t sizes[] = { 1, 2, 3, 7, 64, 1000 };
	size_t s;
	uint32_t i;

	for (s = 0; s < ARRAY_SIZE(sizes); s++) {
		uint32_t n = sizes[s];
		struct tmap t = tmap_new(k, 4, 8, n);

		row("hash.capacity", "%s: capacity %u", k->name, n);
		tmap_fill(&t, n);
		for (i = 0; i < 3; i++)
			check_ret(tmap_put(&t, n + i, 0), -E2BIG, "one too many");
		for (i = 0; i < n; i++)
			check_ret(tmap_put(&t, i, i + 1), 0, "replacing when full");
		check_ret(tmap_put(&t, n, 0), -E2BIG, "still full");
		check_num(tmap_walk(&t, n + 1), n, "elements");
		tmap_close(&t);
	}
}

/* A deleted element makes room for exactly one; again and again */
TEST(reuse, K_FULL_HASHES | K_RHASH)
{
	struct tmap t = tmap_new(k, 8, 24, 10);
	struct buf key = buf_new(t.key_size);
	uint32_t i;

	row("hash.reuse", "%s: reuse", k->name);
	tmap_fill(&t, 10);
	for (i = 0; i < 200; i++) {
		tmap_key(&t, i, key.p);
		check_ret(map_delete(t.fd, key.p), 0, "DELETE %u", i);
		check_ret(map_delete(t.fd, key.p), -ENOENT, "again %u", i);
		check_elem(&t, i, -1, "deleted");
		check_ret(tmap_put(&t, i + 10, i + 10), 0, "room for one");
		check_ret(tmap_put(&t, i + 11, 0), -E2BIG, "room for one only");
		check_elem(&t, i + 10, i + 10, "in its place");
	}
	for (i = 200; i < 210; i++)
		check_elem(&t, i, i, "the last ones");
	check_num(tmap_walk(&t, 11), 10, "elements");
}

/* ------------------------------------------------------------------------- */
/* GET_NEXT_KEY */

#define WALK 60

TEST(walk_empty, K_HASHES | K_RHASH)
{
	struct tmap t = tmap_new(k, 8, 8, WALK);
	struct buf key = buf_new(8), next = buf_new(8);

	row("next.last", "%s: empty", k->name);
	check_ret(map_next_key(t.fd, NULL, next.p), -ENOENT, "NULL key");
	check_untouched(&next, "next_key");
	check_ret(map_next_key(t.fd, key.p, next.p), -ENOENT, "some key");
	check_untouched(&next, "next_key");
	check_ret(map_next_key(t.fd, NULL, NULL), -ENOENT, "no next_key");
	check_ret(map_next_key(t.fd, NULL, bad_ptr()), -ENOENT, "bad next_key");
}

/* Every key once, twice the same order, an unknown key leads to the first */
TEST(walk_hash, K_HASHES)
{
	struct tmap t = tmap_new(k, 8, 8, WALK);
	struct buf next = buf_new(8), absent = buf_new(8);
	uint8_t order[WALK + 1][8];
	bool seen[WALK] = { 0 };
	uint32_t i, n;

	row("next.order", "%s: walk", k->name);
	tmap_fill(&t, WALK);
	for (i = 0; i < WALK; i++) {
		buf_fill(&next);
		check_ret(map_next_key(t.fd, i ? order[i - 1] : NULL, next.p), 0,
			  "key %u", i);
		memcpy(order[i], next.p, 8);
		check_buf(&next, order[i], 8, "next_key");
		memcpy(&n, next.p, sizeof(n));
		if (check(n < WALK && !seen[n], "key %u is %u", i, n))
			seen[n] = true;
	}
	buf_fill(&next);
	check_ret(map_next_key(t.fd, order[WALK - 1], next.p), -ENOENT, "last");
	check_untouched(&next, "next_key after the last");
	check_ret(map_next_key(t.fd, order[WALK - 1], bad_ptr()), -ENOENT,
		  "last, bad next_key");
	for (i = 0; i < WALK; i++) {
		map_next_key(t.fd, i ? order[i - 1] : NULL, next.p);
		check_mem(next.p, order[i], 8, "the same order, key %u", i);
	}
	check_ret(map_next_key(t.fd, absent.p, next.p), 0, "absent key");
	check_mem(next.p, order[0], 8, "absent key leads to the first");
	/* A deleted cursor restarts the walk */
	check_ret(map_delete(t.fd, order[30]), 0, "DELETE of the cursor");
	check_ret(map_next_key(t.fd, order[30], next.p), 0, "deleted cursor");
	check_mem(next.p, order[0], 8, "deleted cursor leads to the first");
	check_ret(map_next_key(t.fd, order[29], next.p), 0, "before it");
	check_mem(next.p, order[31], 8, "the one before leads past it");
	/* in place: one buffer for both */
	memcpy(next.p, order[0], 8);
	check_ret(map_next_key(t.fd, next.p, next.p), 0, "key and next_key equal");
	check_mem(next.p, order[1], 8, "key and next_key equal");
}

TEST(walk_and_delete, K_HASHES)
{
	struct tmap t = tmap_new(k, 8, 8, WALK);
	uint8_t key[8], next[8];
	uint32_t n = 0;
	int ret;

	row("next.order", "%s: delete while walking", k->name);
	tmap_fill(&t, WALK);
	ret = map_next_key(t.fd, NULL, next);
	while (!ret && n <= WALK) {
		memcpy(key, next, 8);
		ret = map_next_key(t.fd, key, next);
		check_ret(map_delete(t.fd, key), 0, "DELETE %u", n++);
	}
	check_ret(ret, -ENOENT, "end");
	check_num(n, WALK, "elements deleted");
	check_num(tmap_walk(&t, WALK), 0, "elements left");
}

TEST(walk_array, K_ARRAYS)
{
	static const struct {
		const char *name;
		bool null;
		uint32_t key;
		int ret;
		uint32_t next;
	} rows[] = {
		{ "NULL", true, 0, 0, 0 },
		{ "0", false, 0, 0, 1 },
		{ "1", false, 1, 0, 2 },
		{ "8", false, 8, 0, 9 },
		{ "last", false, 9, -ENOENT, 0 },
		{ "max_entries", false, 10, 0, 0 },
		{ "beyond", false, 11, 0, 0 },
		{ "2^31", false, 1U << 31, 0, 0 },
		{ "2^32 - 1", false, UINT32_MAX, 0, 0 },
	};
	struct tmap t = tmap_new(k, 4, 8, 10);
	struct buf next = buf_new(4);
	size_t i;

	for (i = 0; i < ARRAY_SIZE(rows); i++) {
		row("next.first", "%s: GET_NEXT_KEY of %s", k->name,
		    rows[i].name);
		buf_fill(&next);
		check_ret(map_next_key(t.fd, rows[i].null ? NULL : &rows[i].key,
				       next.p), rows[i].ret, "result");
		if (rows[i].ret)
			check_untouched(&next, "next_key");
		else
			check_buf(&next, &rows[i].next, 4, "next_key");
	}
	row("next.last", "%s: bad next_key after the last", k->name);
	check_ret(map_next_key(t.fd, &rows[4].key, bad_ptr()), -ENOENT, "result");
	buf_free(&next);
	tmap_close(&t);

	t = tmap_new(k, 4, 8, 1);
	row("next.array", "%s: an array of one", k->name);
	check_num(tmap_walk(&t, 5), 1, "keys");
}

/* ------------------------------------------------------------------------- */
/* Per-CPU values */

static const uint32_t percpu_sizes[] = { 1, 3, 4, 7, 8, 9, 16, 13, 100, 1021 };

/* What is in the padding on UPDATE is not stored */
TEST(padding, K_PCPU)
{
	uint32_t s, i;

	for (s = 0; s < ARRAY_SIZE(percpu_sizes); s++) {
		struct tmap t = tmap_new(k, 4, percpu_sizes[s], 3);
		size_t stride = ROUND_UP((size_t)t.value_size, 8);
		struct buf in = buf_new(t.vs);
		uint32_t key;

		row("percpu.padding", "%s: padding, value_size %u", k->name,
		    t.value_size);
		for (key = 0; key < 3 && since(7, 3); key++) {
			buf_fill(&in);
			for (i = 0; i < n_cpus(); i++)
				pattern(in.p + i * stride, t.value_size,
					key + 17 * i);
			check_ret(map_update(t.fd, &key, in.p, 0), 0, "UPDATE");
			/* value_size bytes of each slot, the rest is zero */
			check_ret(map_lookup(t.fd, &key, in.p, 0), 0, "LOOKUP");
			for (i = 0; i < n_cpus(); i++) {
				static const uint8_t zero[8];
				uint8_t want[2048];

				pattern(want, t.value_size, key + 17 * i);
				check_mem(in.p + i * stride, want, t.value_size,
					  "slot %u", i);
				check_mem(in.p + i * stride + t.value_size, zero,
					  stride - t.value_size, "padding %u", i);
			}
		}
		buf_free(&in);
		tmap_close(&t);
	}
}

/* One CPU's value, for each CPU: read alone and changed alone */
TEST(one_cpu, K_PCPU)
{
	struct tmap t;
	struct buf one, whole;
	uint8_t *want;
	uint32_t i, key = 2, s;
	size_t stride;

	for (s = 0; s < ARRAY_SIZE(percpu_sizes) && since(7, 3); s++) {
		t = tmap_new(k, 4, percpu_sizes[s], 3);
		row("percpu.cpu", "%s: CPU flag, value_size %u", k->name,
		    t.value_size);
		stride = ROUND_UP((size_t)t.value_size, 8);
		one = buf_new(t.value_size);
		whole = buf_new(t.vs);
		want = malloc(t.vs);
		tmap_fill(&t, 3);
		tmap_value(&t, key, want);
		for (i = 0; i < n_cpus(); i++) {
			buf_fill(&one);
			check_ret(map_lookup(t.fd, &key, one.p, on_cpu(i)), 0,
				  "LOOKUP on CPU %u", cpu_nr(i));
			check_buf(&one, want + i * stride, t.value_size,
				  "one slot, not padded");
			pattern(want + i * stride, t.value_size, 50 + i);
			memcpy(one.p, want + i * stride, t.value_size);
			check_ret(map_update(t.fd, &key, one.p, on_cpu(i)), 0,
				  "UPDATE on CPU %u", cpu_nr(i));
			check_ret(map_lookup(t.fd, &key, whole.p, 0), 0, "LOOKUP");
			check_buf(&whole, want, t.vs, "the others untouched");
		}
		check_elem(&t, 0, 0, "other keys");
		check_elem(&t, 1, 1, "other keys");
		free(want);
		buf_free(&one);
		buf_free(&whole);
		tmap_close(&t);
	}
}

/* An unpadded value ends at the edge: no byte more is read or written */
TEST(one_cpu_at_the_edge, K_PCPU)
{
	struct tmap t = tmap_new(k, 4, 13, 3);
	uint8_t *one = edge_new(13), *cut = edge_new(12), want[13];
	struct snap old;
	uint32_t key = 1;

	row("copy.percpu", "%s: unpadded value at the edge", k->name);
	tmap_fill(&t, 3);
	pattern(one, 13, 77);
	pattern(want, 13, 77);
	if (since(7, 3)) {
		check_ret(map_update(t.fd, &key, one, ALL), 0, "UPDATE ALL_CPUS");
		check_ret(map_update(t.fd, &key, one, on_cpu(0)), 0, "UPDATE CPU");
		memset(one, 0, 13);
		check_ret(map_lookup(t.fd, &key, one, on_cpu(0)), 0, "LOOKUP CPU");
		check_mem(one, want, 13, "LOOKUP CPU");
		old = tmap_snap(&t, 4);
		check_ret(map_update(t.fd, &key, cut, on_cpu(0)), -EFAULT, "cut");
		check_ret(map_update(t.fd, &key, cut, ALL), -EFAULT, "cut, ALL");
		check_ret(map_lookup(t.fd, &key, cut, on_cpu(0)), -EFAULT, "cut");
		check_unchanged(&t, 4, &old);
	}
	edge_free(one, 13);
	edge_free(cut, 12);
}

TEST(all_cpus, K_PCPU)
{
	uint32_t s, i, key;

	for (s = 0; s < ARRAY_SIZE(percpu_sizes) && since(7, 3); s++) {
		struct tmap t = tmap_new(k, 4, percpu_sizes[s], 3);
		size_t stride = ROUND_UP((size_t)t.value_size, 8);
		struct buf one = buf_new(t.value_size), whole = buf_new(t.vs);
		uint8_t *want = calloc(1, t.vs);

		row("percpu.all", "%s: ALL_CPUS, value_size %u", k->name,
		    t.value_size);
		tmap_fill(&t, 2);	/* key 2 is new to a hash */
		for (key = 0; key < 3; key++) {
			pattern(one.p, t.value_size, 60 + key);
			check_ret(map_update(t.fd, &key, one.p, ALL), 0, "UPDATE");
			for (i = 0; i < n_cpus(); i++)
				memcpy(want + i * stride, one.p, t.value_size);
			buf_fill(&whole);
			check_ret(map_lookup(t.fd, &key, whole.p, 0), 0, "LOOKUP");
			check_buf(&whole, want, t.vs, "in every slot");
		}
		free(want);
		buf_free(&one);
		buf_free(&whole);
		tmap_close(&t);
	}
}

/* A new key made with CPU has zeros elsewhere, whatever its memory held */
TEST(new_key_is_zero, K_PHASH | K_PHASH_NP | K_PLRU)
{
	struct tmap t = tmap_new(k, 4, 13, 4);
	struct buf one = buf_new(13), whole = buf_new(t.vs);
	uint8_t *want = malloc(t.vs);
	uint32_t round, i, key;

	row("percpu.new", "%s: new key with CPU", k->name);
	for (round = 0; round < 20 && since(7, 3); round++) {
		for (key = 0; key < 4; key++)
			check_ret(tmap_put(&t, key, 200 - key), 0, "old content");
		for (key = 0; key < 4; key++)
			check_ret(map_delete(t.fd, &key), 0, "DELETE");
		for (key = 0; key < 4; key++) {
			i = (round + key) % n_cpus();
			memset(want, 0, t.vs);
			pattern(want + i * 16, 13, round);
			memcpy(one.p, want + i * 16, 13);
			check_ret(map_update(t.fd, &key, one.p, on_cpu(i)), 0,
				  "UPDATE on CPU %u", cpu_nr(i));
			buf_fill(&whole);
			check_ret(map_lookup(t.fd, &key, whole.p, 0), 0, "LOOKUP");
			check_buf(&whole, want, t.vs, "zeros elsewhere");
		}
	}
	free(want);
}

/* A whole per-CPU value that ends one byte early is a fault */
TEST(whole_value_cut, K_ALL | K_RHASH)
{
	struct tmap t = tmap_new(k, 4, 13, 3);
	uint8_t *cut = edge_new(t.vs - 1);
	uint32_t key = 1, absent = 3;
	struct snap old;

	row("copy.percpu", "%s: whole value cut", k->name);
	tmap_fill(&t, 3);
	old = tmap_snap(&t, 4);
	check_ret(map_lookup(t.fd, &key, cut, 0), -EFAULT, "LOOKUP");
	check_ret(map_update(t.fd, &key, cut, 0), -EFAULT, "UPDATE");
	check_ret(map_update(t.fd, &absent, cut, 0), -EFAULT, "UPDATE of another");
	check_unchanged(&t, 4, &old);
	edge_free(cut, t.vs - 1);
}

TEST_MAIN
