// SPDX-License-Identifier: GPL-2.0-only
/*
 * A routing table of the size and shape of the Internet's in an LPM_TRIE
 *
 * LPM_ROUTES: prefixes (400000)
 * LPM_LOOKUPS: look-ups of random addresses (1000000)
 *
 * What look-ups answer is compared with a table of all /24 that is painted from
 * the shortest prefix to the longest, and a list of what is longer.
 */
#include <arpa/inet.h>

#include "load.h"
#include "rng.h"

#define BATCH	8192

/* Prefixes of each length out of 1000, about as they are announced */
static const unsigned int shares[33] = {
	[8] = 1, [10] = 1, [11] = 1, [12] = 1, [13] = 1, [14] = 2, [15] = 3,
	[16] = 15, [17] = 9, [18] = 15, [19] = 26, [20] = 46, [21] = 54,
	[22] = 115, [23] = 104, [24] = 590, [25] = 2, [26] = 2, [27] = 2,
	[28] = 2, [29] = 3, [30] = 2, [31] = 1, [32] = 2,
};

/* A key as the map has it: the address in network order */
struct route {
	uint32_t len;
	uint32_t addr;
};

/* A routing table, sorted in the order of a walk */
struct table {
	int fd;
	uint32_t n;
	struct route *routes;
	uint32_t *shuffled;	/* numbers of the routes in another order */
	unsigned long start;	/* of the present step, in ms */
};

/* The same table everywhere */
static struct rng rng = { 1 };

static uint32_t mask(uint32_t len)
{
	return len ? ~0U << (32 - len) : 0;
}

static void step_done(struct table *t, const char *what, unsigned long n)
{
	unsigned long ms = load_ms() - t->start;

	printf("# %s: %lu in %lu ms, %lu ns each\n", what, n, ms,
	       n ? ms * 1000000 / n : 0);
	t->start = load_ms();
}

/* Post-order: an address before what covers it, else by address */
static int in_order(const void *a, const void *b)
{
	const struct route *ra = a, *rb = b;
	uint32_t len = ra->len < rb->len ? ra->len : rb->len;
	uint32_t x = ntohl(ra->addr) & mask(len), y = ntohl(rb->addr) & mask(len);

	if (x != y)
		return x < y ? -1 : 1;
	return (int)rb->len - (int)ra->len;
}

static uint32_t random_len(void)
{
	uint32_t at = rnd32(&rng) % 1000, len;

	for (len = 8; len < 32 && at >= shares[len]; len++)
		at -= shares[len];
	return len;
}

/* Two thirds are in blocks that hold many, so that prefixes cover others */
static void make_routes(struct table *t)
{
	uint32_t i, different = 0, len, addr;

	for (i = 0; i < t->n; i++) {
		len = random_len();
		addr = rnd32(&rng) % 3 ? (rnd32(&rng) % 3000 * 2654435761U & mask(14)) |
				   (rnd32(&rng) & ~mask(14)) : rnd32(&rng);
		t->routes[i].len = len;
		t->routes[i].addr = htonl(addr & mask(len));
	}
	qsort(t->routes, t->n, sizeof(*t->routes), in_order);
	for (i = 0; i < t->n; i++)
		if (!i || in_order(&t->routes[i], &t->routes[different - 1]))
			t->routes[different++] = t->routes[i];
	t->n = different;
	for (i = 0; i < t->n; i++)
		t->shuffled[i] = i;
	for (i = t->n - 1; i > 0; i--) {
		uint32_t j = rnd32(&rng) % (i + 1), swap = t->shuffled[i];

		t->shuffled[i] = t->shuffled[j];
		t->shuffled[j] = swap;
	}
}

static uint64_t value_of(uint32_t i, uint32_t round)
{
	return (uint64_t)round << 32 | i;
}

/* UPDATE_BATCH or DELETE_BATCH of the shuffled routes first..end */
static void write_all(struct table *t, int cmd, uint32_t first, uint32_t end,
		      uint32_t round)
{
	struct route *keys = calloc(BATCH, sizeof(*keys));
	uint64_t *values = calloc(BATCH, sizeof(*values));
	uint32_t i, n, count;

	need(keys && values);
	for (n = first; n < end; n += count) {
		count = end - n < BATCH ? end - n : BATCH;
		for (i = 0; i < count; i++) {
			keys[i] = t->routes[t->shuffled[n + i]];
			values[i] = value_of(t->shuffled[n + i], round);
		}
		expect_eq(load_batch(cmd, t->fd, NULL, NULL, keys, values, &count,
				     0), 0);
		need(count > 0);
	}
	free(keys);
	free(values);
}

/* Each of the routes that @there holds exactly once, in order, with its value */
static void walk_all(struct table *t, const uint8_t *there, uint32_t round)
{
	struct route *keys = calloc(BATCH, sizeof(*keys)), cursor;
	uint64_t *values = calloc(BATCH, sizeof(*values));
	uint32_t i, at = 0, count, wrong = 0, total = 0;
	void *in = NULL;
	int ret;

	need(keys && values);
	do {
		count = BATCH;
		ret = load_batch(LB, t->fd, in, &cursor,
				 keys, values, &count, 0);
		need(ret == 0 || ret == -ENOENT);
		for (i = 0; i < count; i++, at++) {
			while (at < t->n && !there[at])
				at++;
			wrong += at >= t->n ||
				 memcmp(&keys[i], &t->routes[at],
					sizeof(*keys)) ||
				 values[i] != value_of(at, round);
		}
		total += count;
		in = &cursor;
	} while (!ret && total <= t->n);
	while (at < t->n && !there[at])
		at++;
	expect_eq(wrong, 0);
	expect_eq(at, t->n);
	step_done(t, "lookup_batch", total);
	free(keys);
	free(values);
}

/*
 * The independent way to an answer: each /24 knows its longest prefix of up to
 * 24 bits, and the few that are longer are asked one by one.
 */
#define HAS_LONGER	(1U << 31)

struct painted {
	uint32_t *best;		/* route + 1 for each /24, and HAS_LONGER */
	uint32_t *longer;	/* routes longer than /24, longest first */
	uint32_t nr_longer;
};

static void paint(struct painted *p, const struct table *t, const uint8_t *there)
{
	uint32_t len, i, j, from;

	p->nr_longer = 0;
	memset(p->best, 0, sizeof(*p->best) << 24);
	for (len = 0; len <= 24; len++) {
		for (i = 0; i < t->n; i++) {
			if (!there[i] || t->routes[i].len != len)
				continue;
			from = ntohl(t->routes[i].addr) >> 8;
			for (j = 0; j < 1U << (24 - len); j++)
				p->best[from + j] = i + 1;
		}
	}
	for (len = 32; len > 24; len--)
		for (i = 0; i < t->n; i++)
			if (there[i] && t->routes[i].len == len) {
				p->longer[p->nr_longer++] = i;
				p->best[ntohl(t->routes[i].addr) >> 8] |=
					HAS_LONGER;
			}
}

/* Route + 1, or 0 */
static uint32_t painted_find(const struct painted *p, const struct table *t,
			     uint32_t addr)
{
	uint32_t i, best = p->best[addr >> 8];

	if (!(best & HAS_LONGER))
		return best;
	for (i = 0; i < p->nr_longer; i++) {
		const struct route *r = &t->routes[p->longer[i]];

		if (!((ntohl(r->addr) ^ addr) & mask(r->len)))
			return p->longer[i] + 1;
	}
	return best & ~HAS_LONGER;
}

/* Half of the addresses are anywhere, half in or close to some route */
static void look_up(struct table *t, const struct painted *p, unsigned long n,
		    uint32_t round, const char *what)
{
	uint32_t addr, want, wrong = 0, misses = 0;
	uint32_t *addrs = calloc(n, sizeof(*addrs));
	uint64_t *found = calloc(n, sizeof(*found));
	struct route key = { .len = 32 };
	unsigned long i;

	need(addrs && found);
	for (i = 0; i < n; i++) {
		addr = rnd32(&rng);
		if (i % 2)
			addr = ntohl(t->routes[addr % t->n].addr) ^ rnd32(&rng) % 512;
		addrs[i] = addr;
	}
	t->start = load_ms();
	for (i = 0; i < n; i++) {
		key.addr = htonl(addrs[i]);
		if (map_lookup(t->fd, &key, &found[i], 0)) {
			found[i] = UINT64_MAX;
			misses++;
		}
	}
	step_done(t, what, n);
	/* The list of long ones takes its time: not all of many */
	for (i = 0; i < n; i += n > 50000 ? 5 : 1) {
		want = painted_find(p, t, addrs[i]);
		wrong += found[i] != (want ? value_of(want - 1, round) :
					     UINT64_MAX);
	}
	printf("# %u of %lu have no route\n", misses, n);
	expect_eq(wrong, 0);
	expect(misses > 0 && misses < n);
	free(addrs);
	free(found);
	t->start = load_ms();
}

TEST(routing_table, 0)
{
	struct table t = { .n = load_env("LPM_ROUTES", 400000) };
	unsigned long lookups = load_env("LPM_LOOKUPS", 1000000);
	struct painted p;
	uint8_t *there;
	uint32_t i, half;
	uint64_t value = 0;
	long full;

	t.routes = calloc(t.n, sizeof(*t.routes));
	t.shuffled = calloc(t.n, sizeof(*t.shuffled));
	p.best = calloc(1U << 24, sizeof(*p.best));
	p.longer = calloc(t.n, sizeof(*p.longer));
	there = malloc(t.n);
	need(t.routes && t.shuffled && p.best && p.longer && there);

	t.start = load_ms();
	make_routes(&t);
	memset(there, 1, t.n);
	step_done(&t, "made here", t.n);
	t.fd = map_new(KIND(K_LPM), sizeof(struct route), sizeof(value), t.n, 0);
	need(t.fd >= 0);
	write_all(&t, UB, 0, t.n, 1);
	step_done(&t, "update_batch, new", t.n);
	full = load_fdinfo(t.fd, "memlock");
	printf("# %ld bytes, %ld a prefix\n", full, full / t.n);
	expect_eq(map_update(t.fd, &(struct route) { .len = 7 }, &value, 0),
		  -ENOSPC);
	walk_all(&t, there, 1);
	paint(&p, &t, there);
	step_done(&t, "painted here", p.nr_longer);
	look_up(&t, &p, lookups, 1, "lookup");

	write_all(&t, UB, 0, t.n, 2);
	step_done(&t, "update_batch, all again", t.n);
	walk_all(&t, there, 2);

	half = t.n / 2;
	write_all(&t, DB, 0, half, 0);
	step_done(&t, "delete_batch of one half", half);
	for (i = 0; i < half; i++)
		there[t.shuffled[i]] = 0;
	walk_all(&t, there, 2);
	paint(&p, &t, there);
	look_up(&t, &p, lookups / 20, 2, "lookup in the other half");

	write_all(&t, DB, half, t.n, 0);
	step_done(&t, "delete_batch of the rest", t.n - half);
	memset(there, 0, t.n);
	walk_all(&t, there, 0);
	close(t.fd);
	free(t.routes);
	free(t.shuffled);
	free(p.best);
	free(p.longer);
	free(there);
}

/* Replacing one value does not take more and more memory */
TEST(memory_comes_back, 0)
{
	struct route key = { .len = 8, .addr = htonl(0x0a000000) };
	int fd = map_new(KIND(K_LPM), sizeof(key), sizeof(uint64_t), 10, 0);
	long after_some, after_many;
	uint64_t i;

	need(fd >= 0);
	for (i = 0; i < 20000; i++)
		expect(!map_update(fd, &key, &i, 0));
	after_some = load_fdinfo(fd, "memlock");
	for (i = 0; i < 180000; i++) {
		expect(!map_update(fd, &key, &i, 0));
		/* Time for a grace period, however busy the machine is */
		if (i % 10000 == 0)
			load_sleep_ms(20);
	}
	after_many = load_fdinfo(fd, "memlock");
	printf("# %ld bytes after 20000 updates, %ld after 200000\n", after_some,
	       after_many);
	/* If nothing came back that would be 10 MiB more */
	expect(after_many < after_some + (6 << 20));
}

TEST_MAIN
