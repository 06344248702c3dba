// SPDX-License-Identifier: GPL-2.0-only
/*
 * contract_resume - BPFMAP_BATCH_F_RESUME, which bpf(2) does not have: what a walk
 * sees while the keys that are its cursors are deleted
 */
#include <arpa/inet.h>

#include "contract.h"
#include "outer.h"

#define RESUME	BPFMAP_BATCH_F_RESUME

#define N	400	/* elements */
#define ROOM	64	/* elements of the largest batch here */
#define VALUE	8
#define ROUNDS	12

/* A map that is walked: keys are of 4 bytes, of a trie 8 */
struct walked {
	int fd, inner;
	uint32_t type, key_size;
	bool array;
	uint8_t keys[N][8];
	unsigned int seen[N];
	bool gone[N];
};

static void make_key(struct walked *w, uint32_t n)
{
	uint32_t len = n % 2 ? 32 : 24, addr = htonl(n / 2 << 8);

	memset(w->keys[n], 0, sizeof(w->keys[n]));
	if (w->type != BPFMAP_TYPE_LPM_TRIE) {
		memcpy(w->keys[n], &n, 4);
		return;
	}
	/* Each prefix of odd number is inside of the one before */
	memcpy(w->keys[n], &len, 4);
	memcpy(w->keys[n] + 4, &addr, 4);
}

static int put(const struct walked *w, uint32_t n)
{
	uint8_t value[VALUE * 256] = { 0 };

	if (w->inner >= 0)
		memcpy(value, &w->inner, sizeof(w->inner));
	return map_update(w->fd, w->keys[n], value, 0);
}

static void fill(struct walked *w)
{
	uint32_t i;

	for (i = 0; i < N; i++) {
		make_key(w, i);
		check_ret(put(w, i), 0, "UPDATE of key %u", i);
	}
}

static struct walked walked_new(const struct kind *k)
{
	struct walked w = { .inner = -1, .type = k->type, .key_size = 4 };

	w.array = k->class == C_ARRAY || k->class == C_PCPU_ARRAY;
	if (k->type == BPFMAP_TYPE_LPM_TRIE)
		w.key_size = 8;
	if (is_outer(k)) {
		w.inner = inner_new();
		w.fd = outer_new(k, N);
	} else {
		/* If an LRU map has room for just these, one may evict another */
		w.fd = map_new(k, w.key_size, VALUE, is_lru(k) ? 8 * N : N, 0);
		check_ret(w.fd, GOT_FD, "MAP_CREATE");
	}
	fill(&w);
	return w;
}

static int find_key(const struct walked *w, const uint8_t *key)
{
	int i;

	for (i = 0; i < N; i++)
		if (!memcmp(w->keys[i], key, w->key_size))
			return i;
	return -1;
}

/*
 * Some keys go, and the last one of those that came in any case: [walk.hash],
 * [walk.array], [walk.lpm]
 */
static void delete_some(struct walked *w, int last)
{
	unsigned int i, n;

	for (i = 0; i < 6; i++) {
		n = i || last < 0 ? (unsigned int)random() % N : (unsigned int)last;
		if (w->gone[n] || w->array)
			continue;
		check_ret(map_delete(w->fd, w->keys[n]), 0, "DELETE of %u", n);
		w->gone[n] = true;
	}
}

/* From the beginning to the end; how many elements came more than once */
static unsigned int walk(struct walked *w, uint64_t flags)
{
	static uint8_t keys[ROOM * 8], values[ROOM * VALUE * 256];
	struct batch b = { .keys = keys, .values = values, .flags = flags };
	unsigned int twice = 0, calls = 0;
	uint8_t cursor[8];
	int ret, last;
	uint32_t i;

	memset(w->seen, 0, sizeof(w->seen));
	b.out = cursor;
	do {
		/* Enough for any bucket */
		b.count = 16 + random() % (ROOM - 15);
		ret = map_batch(LB, w->fd, &b);
		if (ret && ret != -ENOENT) {
			check_ret(ret, 0, "LOOKUP_BATCH");
			break;
		}
		for (i = 0, last = -1; i < b.count; i++) {
			last = find_key(w, keys + i * w->key_size);
			if (check(last >= 0, "an unknown key"))
				twice += w->seen[last]++ > 0;
		}
		delete_some(w, last);
		b.in = cursor;
	} while (!ret && check(++calls < 10 * N, "no end"));
	return twice;
}

static void check_walks(struct walked *w)
{
	unsigned int round, i;

	for (round = 0; round < ROUNDS; round++) {
		check_num(walk(w, RESUME), 0, "elements that came twice");
		for (i = 0; i < N; i++) {
			if (!w->gone[i])
				check_num(w->seen[i], 1, "key %u, which stays", i);
			else
				check_ret(put(w, i), 0, "UPDATE of key %u", i);
			w->gone[i] = false;
		}
	}
}

TEST(walks, K_ALL | K_LPM | K_OUTERS)
{
	struct walked w = walked_new(k);

	row("batch.resume", "%s", k->name);
	check_walks(&w);
	/* Without the flag it is as in bpf(2) */
	if (k->type == BPFMAP_TYPE_LPM_TRIE)
		check(walk(&w, 0), "without the flag: nothing came twice");
}

/* The next element, and no other one, whatever the cursor is */
TEST(cursors, K_LPM)
{
	static const struct {
		uint32_t len;
		const char *addr;
		int want;	/* number of the key, -1: none is left */
		int bpf;	/* without the flag */
	} rows[] = {
		{ 32, "0.0.5.0", 10, 10 },	/* is there: key 11 */
		{ 24, "0.0.5.0", 13, 13 },
		{ 32, "0.0.5.1", 10, 1 },	/* is not there, and was not */
		{ 25, "0.0.5.128", 10, 1 },
		{ 16, "0.0.0.0", -1, 1 },
		{ 0, "0.0.0.0", -1, 1 },
		{ 32, "255.0.0.0", -1, 1 },
		{ 33, "0.0.5.0", 1, 1 },	/* is no key */
	};
	struct walked w = walked_new(k);
	uint8_t in[8], out[8], key[8], value[VALUE];
	size_t i, flag;

	for (i = 0; i < ARRAY_SIZE(rows); i++) {
		for (flag = 0; flag < 2; flag++) {
			int want = flag ? rows[i].want : rows[i].bpf;
			struct batch b = { .in = in, .out = out, .keys = key,
					   .values = value, .count = 1,
					   .flags = flag ? RESUME : 0 };

			row("batch.resume", "%s/%u, flag %zu", rows[i].addr,
			    rows[i].len, flag);
			memcpy(in, &rows[i].len, 4);
			inet_pton(AF_INET, rows[i].addr, in + 4);
			check_ret(map_batch(LB, w.fd, &b), want < 0 ? -ENOENT : 0,
				  "result");
			check_num(b.count, want >= 0, "count");
			if (want >= 0)
				check_mem(key, w.keys[want], 8, "key");
		}
	}
}

/* Bits beside it are what they are in bpf(2): refused by bucket batches only */
TEST(arguments, K_ALL | K_RHASH)
{
	static const int cmds[] = { LB, LADB, UB, DB };
	struct walked w = walked_new(k);
	bool refuses = k->type == BPFMAP_TYPE_RHASH;
	uint8_t keys[4 * N], values[N * VALUE * 256], out[4];
	size_t i;

	for (i = 0; i < ARRAY_SIZE(cmds); i++) {
		bool lookup = cmds[i] == LB || cmds[i] == LADB;
		bool none = w.array && (cmds[i] == LADB || cmds[i] == DB);
		struct batch b = { .out = out, .keys = keys, .values = values };
		int want;

		row("batch.resume", "%s, command %d", k->name, cmds[i]);
		b.flags = RESUME;
		want = none ? -ENOTSUPP : lookup && refuses ? -EINVAL : 0;
		check_ret(map_batch(cmds[i], w.fd, &b), want, "count 0");
		b.flags = RESUME | 1;
		want = none ? -ENOTSUPP : lookup && !w.array ? -EINVAL : 0;
		check_ret(map_batch(cmds[i], w.fd, &b), want, "another bit");
	}
}

int main(void)
{
	if (backend() == BACKEND_BPF)
		return skip_all("bpf(2) does not have it");
	srandom(1);
	return run_tests();
}
