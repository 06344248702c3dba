// SPDX-License-Identifier: GPL-2.0-only
/*
 * For the route table of the examples
 *
 *	route_file make N SEED		a table of N routes, to standard output
 *	route_file check FILE LOOKUPS	is FILE, and nothing else, the table?
 *	route_file watch SECONDS TABLES	is it whole at any time?
 *
 * Tables of "make" have the SEED in their next hops, two default routes, and at
 * the very end a route of one address: a table without it is not whole.
 */
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>
#include <arpa/inet.h>

#include "../examples/routes.h"
#include "rng.h"

#define LAST "255.255.255.255"

static struct rng rng = { 1 };

static void cut(uint8_t addr[16], unsigned int len)
{
	for (unsigned int bit = len; bit < 128; bit++)
		addr[bit / 8] &= ~(0x80 >> bit % 8);
}

/* Addresses are in blocks, so that prefixes cover others */
static void random_address(unsigned int family, uint8_t addr[16])
{
	uint32_t words[4] = { rnd32(&rng) % 64 * 0x1f3d5b79, rnd32(&rng),
			      rnd32(&rng), rnd32(&rng) };

	if (family == 6)
		words[0] = htonl(0x20010000 | rnd32(&rng) % 64);
	else if (rnd32(&rng) % 2)
		words[0] ^= rnd32(&rng) & htonl(0xffff);
	else
		words[0] = rnd32(&rng);
	memcpy(addr, words, 16);
	cut(addr, family == 4 ? 32 : 128);
}

static unsigned int random_len(unsigned int family)
{
	static const unsigned int usual[2][8] = {
		{ 24, 24, 24, 23, 22, 20, 16, 12 },
		{ 48, 48, 48, 32, 40, 44, 56, 64 },
	};

	if (rnd32(&rng) % 8)
		return usual[family == 6][rnd32(&rng) % 8];
	return family == 4 ? 8 + rnd32(&rng) % 25 : 16 + rnd32(&rng) % 113;
}

static int make(unsigned long n, unsigned int seed)
{
	char text[INET6_ADDRSTRLEN];
	unsigned int family, len;
	uint8_t addr[16];

	rng.s += seed;
	printf("# %lu routes\n0.0.0.0/0 10.%u.0.1\n::/0 fe80::%x:1\n", n, seed,
	       seed);
	for (unsigned long i = 3; i < n; i++) {
		family = rnd32(&rng) % 10 < 7 ? 4 : 6;
		len = random_len(family);
		random_address(family, addr);
		cut(addr, len);
		inet_ntop(family == 4 ? AF_INET : AF_INET6, addr, text,
			  sizeof(text));
		printf("%s/%u 10.%u.%u.%u\n", text, len, seed, rnd32(&rng) % 256,
		       rnd32(&rng) % 256);
	}
	printf(LAST "/32 10.%u.0.2\n", seed);
	return fflush(stdout) ? 1 : 0;
}

/* --- what the answers must be, by another way: a search for each length --- */

struct line {
	uint8_t family, len, addr[16];
	uint8_t hop_family, hop[16];
	uint32_t number;
};

static struct line *lines;
static size_t count, start[2][130];

static int compare(const void *a, const void *b)
{
	/* Family, length, address: as they lie in memory */
	return memcmp(a, b, 18);
}

static int in_order(const void *a, const void *b)
{
	const struct line *one = a, *other = b;
	int order = compare(a, b);

	return order ? order : one->number < other->number ? -1 : 1;
}

static uint8_t parse(const char *text, uint8_t addr[16])
{
	memset(addr, 0, 16);
	if (inet_pton(AF_INET, text, addr) == 1)
		return 4;
	return inet_pton(AF_INET6, text, addr) == 1 ? 6 : 0;
}

/* Of a prefix that is there twice the last line counts. Returns how many differ */
static size_t sort_lines(void)
{
	size_t kept = 0;

	qsort(lines, count, sizeof(*lines), in_order);
	for (size_t i = 0; i < count; i++)
		if (i + 1 == count || compare(&lines[i], &lines[i + 1]))
			lines[kept++] = lines[i];
	count = kept;
	for (int family = 0, len; family < 2; family++)
		for (len = 0; len < 130; len++)
			start[family][len] = -1;
	for (size_t i = count; i-- > 0;)
		start[lines[i].family == 6][lines[i].len] = i;
	return count;
}

static void read_lines(const char *path)
{
	char prefix[64], hop[64], text[200];
	FILE *file = fopen(path, "r");
	size_t room = 0;
	struct line *l;
	unsigned int len;

	while (file && fgets(text, sizeof(text), file)) {
		if (sscanf(text, "%63[^/]/%u %63s", prefix, &len, hop) != 3)
			continue;
		if (count == room)
			lines = realloc(lines, (room = 2 * room + 1024) *
					       sizeof(*lines));
		l = &lines[count];
		l->family = parse(prefix, l->addr);
		l->len = len;
		l->hop_family = parse(hop, l->hop);
		l->number = count++;
	}
	if (!file || !count || fclose(file)) {
		perror(path);
		exit(1);
	}
}

static const struct line *longest(uint8_t family, const uint8_t addr[16])
{
	struct line want = { .family = family };
	size_t low, high, middle;
	int order;

	for (int len = family == 4 ? 32 : 128; len >= 0; len--) {
		low = start[family == 6][len];
		if (low == (size_t)-1)
			continue;
		want.len = len;
		memcpy(want.addr, addr, 16);
		cut(want.addr, len);
		for (high = count; low < high;) {
			middle = (low + high) / 2;
			order = compare(&want, &lines[middle]);
			if (!order)
				return &lines[middle];
			if (order < 0)
				high = middle;
			else
				low = middle + 1;
		}
	}
	return NULL;
}

static int fail(const char *what, int err)
{
	fprintf(stderr, "%s: %s\n", what, strerror(-err));
	return 1;
}

static int open_outer(void)
{
	int outer = bpfmap_obj_get(ROUTES_PIN);

	if (outer < 0)
		exit(fail(ROUTES_PIN, outer));
	return outer;
}

static int look_up(int trie, uint8_t family, const uint8_t addr[16],
		   struct route *route)
{
	struct route_key key = {
		.prefixlen = ROUTE_FAMILY_BITS + (family == 4 ? 32 : 128),
		.family = family,
	};

	memcpy(key.addr, addr, 16);
	return bpfmap_lookup_elem(trie, &key, route);
}

/* A random address, every other time one that some prefix covers */
static uint8_t any_address(uint8_t addr[16])
{
	const struct line *l = &lines[rnd32(&rng) % count];
	uint8_t family = rnd32(&rng) % 2 ? 4 : 6, host[16];

	random_address(family, addr);
	if (rnd32(&rng) % 2)
		return family;
	random_address(l->family, host);
	memcpy(addr, host, 16);
	for (unsigned int bit = 0; bit < l->len; bit++) {
		addr[bit / 8] &= ~(0x80 >> bit % 8);
		addr[bit / 8] |= l->addr[bit / 8] & 0x80 >> bit % 8;
	}
	return l->family;
}

static size_t elements(int trie)
{
	struct route_key key, *from = NULL;
	size_t n = 0;

	while (!bpfmap_get_next_key(trie, from, &key)) {
		from = &key;
		n++;
	}
	return n;
}

static bool is_answer(const struct route *got, const struct line *want, int err)
{
	return !err && got->len == want->len &&
	       got->hop_family == want->hop_family &&
	       !memcmp(got->hop, want->hop, sizeof(got->hop));
}

static int check(const char *path, unsigned long lookups)
{
	int trie = route_table(open_outer()), err;
	size_t different, found = 0, deepest = 0;
	const struct line *want;
	struct route got;
	uint8_t addr[16], family;

	if (trie < 0)
		return fail("table", trie);
	read_lines(path);
	different = sort_lines();
	if (elements(trie) != different)
		return fail("number of routes", -EINVAL);
	for (unsigned long i = 0; i < lookups; i++) {
		family = any_address(addr);
		want = longest(family, addr);
		err = look_up(trie, family, addr, &got);
		if (want ? !is_answer(&got, want, err) : err != -ENOENT)
			return fail("an answer is wrong", err);
		found += !!want;
		deepest += want && want->len > 8;
	}
	printf("%zu different routes, %lu look-ups, %zu found, %zu of them longer than 8\n",
	       different, lookups, found, deepest);
	return deepest < lookups / 4;
}

/* In one table everything must be of one version, and the last line be there */
static int watch_one(int trie, uint32_t *version)
{
	struct route last, got;
	uint8_t addr[16], family;
	int err;

	parse(LAST, addr);
	err = look_up(trie, 4, addr, &last);
	if (err || last.len != 32)
		return fail("the table is not whole", err);
	*version = last.version;
	for (int i = 0; i < 500; i++) {
		family = rnd32(&rng) % 2 ? 4 : 6;
		random_address(family, addr);
		err = look_up(trie, family, addr, &got);
		if (err || got.version != last.version ||
		    (got.hop_family == 4 && got.hop[1] != last.hop[1]))
			return fail("the table is mixed", err);
	}
	return 0;
}

/* For so long; on a slow machine until enough tables were seen, or 20 times that */
static int watch(unsigned int seconds, unsigned int at_least)
{
	uint32_t version = 0, before = 0;
	unsigned int seen = 0, looks = 0;
	time_t begin = time(NULL), end = begin + seconds, late = begin + 20 * seconds;
	int outer = open_outer(), trie, err = 0;

	for (; !err && time(NULL) < (seen < at_least ? late : end); looks++) {
		trie = route_table(outer);
		if (trie < 0)
			return fail("table", trie);
		err = watch_one(trie, &version);
		seen += version != before;
		before = version;
		close(trie);
	}
	printf("%u looks at %u tables, each whole\n", looks, seen);
	return err || seen < at_least;
}

int main(int argc, char **argv)
{
	if (argc == 4 && !strcmp(argv[1], "make"))
		return make(atol(argv[2]), atoi(argv[3]));
	if (argc == 4 && !strcmp(argv[1], "check"))
		return check(argv[2], atol(argv[3]));
	if (argc == 4 && !strcmp(argv[1], "watch"))
		return watch(atoi(argv[2]), atoi(argv[3]));
	return 2;
}
