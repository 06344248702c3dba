// SPDX-License-Identifier: GPL-2.0-only
/*
 * contract_lpm - what LPM_TRIE answers: sizes and flags, commands on
 * one element, the order of keys, batches
 */
#include <poll.h>
#include <arpa/inet.h>
#include <sys/mman.h>

#include "contract.h"

#define NOEXIST	BPFMAP_F_NOEXIST
#define EXIST	BPFMAP_F_EXIST

#define KEY_MAX	260
#define VALUE	12

static int new_trie(uint32_t key_size, uint32_t max_entries)
{
	int fd = map_new(KIND(K_LPM), key_size, VALUE, max_entries, 0);

	check_ret(fd, GOT_FD, "MAP_CREATE key_size %u", key_size);
	return fd;
}

/* An IPv4 prefix as people write it, also with bits behind it */
struct prefix {
	uint32_t len;
	uint8_t addr[4];
};

static struct prefix parse(const char *text)
{
	struct prefix p = { 0 };
	unsigned int a[4];

	if (sscanf(text, "%u.%u.%u.%u/%u", &a[0], &a[1], &a[2], &a[3],
		   &p.len) != 5)
		check(false, "cannot read %s", text);
	p.addr[0] = a[0];
	p.addr[1] = a[1];
	p.addr[2] = a[2];
	p.addr[3] = a[3];
	return p;
}

static int put(int fd, const char *text, unsigned int seed, uint64_t flags)
{
	struct prefix p = parse(text);
	uint8_t value[VALUE];

	pattern(value, VALUE, seed);
	return map_update(fd, &p, value, flags);
}

static int del(int fd, const char *text)
{
	struct prefix p = parse(text);

	return map_delete(fd, &p);
}

/* The value under @text is that of @seed, or absent if @seed < 0 */
static void check_value(int fd, const char *text, int seed)
{
	struct buf value = buf_new(VALUE);
	struct prefix p = parse(text);
	uint8_t want[VALUE];

	if (check_ret(map_lookup(fd, &p, value.p, 0), seed < 0 ? -ENOENT : 0,
		      "LOOKUP of %s", text)) {
		pattern(want, VALUE, seed);
		check_buf(&value, want, seed < 0 ? 0 : VALUE, text);
	}
	buf_free(&value);
}

static uint32_t count_keys(int fd)
{
	struct prefix keys[2];
	uint32_t n = 0;

	while (n < 1000 && !map_next_key(fd, n ? &keys[~n & 1] : NULL,
					 &keys[n & 1]))
		n++;
	return n;
}

/* Fill in prefixes with their position as value; the list ends with NULL */
static void put_all(int fd, const char *const *list)
{
	unsigned int i;

	for (i = 0; list[i]; i++)
		check_ret(put(fd, list[i], i, NOEXIST), 0, "UPDATE of %s",
			  list[i]);
}

/* ------------------------------------------------------------------------- */

#define NP	BPFMAP_F_NO_PREALLOC
/* bpf(2)'s nodes have two pointers and two u32, and room for the longest key */
#define V_MAX	(KMALLOC_MAX - 256 - 2 * (uint32_t)sizeof(void *) - 8)

static const struct create_case creates[] = {
	{ "IPv4", SHAPE(8, 8, 100, 0), GOT_FD },
	{ "IPv6", SHAPE(20, 8, 100, 0), GOT_FD },
	{ "smallest key", SHAPE(5, 1, 1, 0), GOT_FD },
	{ "largest key", SHAPE(260, 1, 1, 0), GOT_FD },
	{ "key without data", SHAPE(4, 8, 1, 0), -EINVAL },
	{ "no key", SHAPE(0, 8, 1, 0), -EINVAL },
	{ "key too large", SHAPE(261, 8, 1, 0), -EINVAL },
	{ "key far too large", SHAPE(UINT32_MAX, 8, 1, 0), -EINVAL },
	{ "no value", SHAPE(8, 0, 1, 0), -EINVAL },
	{ "value too large", SHAPE(8, V_MAX + 1, 1, 0), -EINVAL },
	{ "value far too large", SHAPE(8, UINT32_MAX, 1, 0), -EINVAL },
	{ "no entries", SHAPE(8, 8, 0, 0), -EINVAL },
	{ "2^32 - 1 entries", SHAPE(8, 8, UINT32_MAX, 0), GOT_FD },
	{ "no flags", SHAPE(8, 8, 1, NP), -EINVAL },
};

TEST(creation, K_LPM)
{
	struct bpfmap_create_attr good = SHAPE(8, 8, 1, 0);

	check_creates("create.lpm", k, creates, ARRAY_SIZE(creates));
	check_create_flags("create.flags", k, good, BPFMAP_F_NUMA_NODE | RIGHTS);
	row("create.extra", "map_extra");
	good.map_type = k->type;
	good.map_flags = NP;
	good.map_extra = 1;
	created(&good, -EINVAL);
}

/* Values as large as may be, one hidden node between two of them */
TEST(largest_value, K_LPM)
{
	struct prefix a = parse("1.0.0.0/8"), b = parse("2.0.0.0/8");
	uint8_t *value = malloc(V_MAX);
	struct buf out = buf_new(V_MAX);
	int fd;

	/* bpf(2) takes no memory for an element that is this large */
	if (backend() == BACKEND_BPF)
		goto out;
	row("create.lpm", "values of %u bytes", V_MAX);
	fd = map_new(KIND(K_LPM), 8, V_MAX, 2, 0);
	check_ret(fd, GOT_FD, "MAP_CREATE");
	pattern(value, V_MAX, 1);
	check_ret(map_update(fd, &a, value, 0), 0, "UPDATE");
	pattern(value, V_MAX, 2);
	check_ret(map_update(fd, &b, value, 0), 0, "UPDATE");
	check_ret(map_lookup(fd, &b, out.p, 0), 0, "LOOKUP");
	check_buf(&out, value, V_MAX, "second value");
	pattern(value, V_MAX, 1);
	buf_fill(&out);
	check_ret(map_lookup(fd, &a, out.p, 0), 0, "LOOKUP");
	check_buf(&out, value, V_MAX, "first value");
	close(fd);
out:
	buf_free(&out);
	free(value);
}

/* ------------------------------------------------------------------------- */
/* UPDATE: flags by state of the prefix; [update.full], [update.prefix] */

/* HIDDEN: 10.0.0.0/8 is where 10.0.0.0/9 and 10.128.0.0/9 part */
enum state { PRESENT, ABSENT, HIDDEN, N_STATES };

static const char *const state_names[] = { "present", "absent", "hidden" };

struct update_row {
	const char *name;
	uint64_t flags;
	int want[N_STATES];
	int want_full[N_STATES];
};

#define ALL_EINVAL { -EINVAL, -EINVAL, -EINVAL }
#define INVALID(label, f) { label, f, ALL_EINVAL, ALL_EINVAL }

static const struct update_row update_rows[] = {
	{ "ANY", 0, { 0, 0, 0 }, { 0, -ENOSPC, -ENOSPC } },
	{ "NOEXIST", NOEXIST, { -EEXIST, 0, 0 },
	  { -EEXIST, -ENOSPC, -ENOSPC } },
	{ "EXIST", EXIST, { 0, -ENOENT, -ENOENT },
	  { 0, -ENOENT, -ENOENT } },
	INVALID("3", 3), INVALID("LOCK", BPFMAP_F_LOCK),
	INVALID("LOCK|EXIST", BPFMAP_F_LOCK | EXIST),
	INVALID("CPU", BPFMAP_F_CPU), INVALID("ALL_CPUS", BPFMAP_F_ALL_CPUS),
	INVALID("32", 32), INVALID("CPU number alone", 1ULL << 32),
	INVALID("bit 63", 1ULL << 63),
};

static void one_update(const struct update_row *r, enum state state, bool full)
{
	int fd = new_trie(8, full ? 2 : 3), want, had;

	want = full ? r->want_full[state] : r->want[state];
	had = state == PRESENT ? 1 : -1;
	if (state == PRESENT) {
		check_ret(put(fd, "10.0.0.0/8", 1, 0), 0, "filling");
		check_ret(put(fd, "10.128.0.0/9", 2, 0), 0, "filling");
	} else if (state == ABSENT) {
		check_ret(put(fd, "11.0.0.0/8", 1, 0), 0, "filling");
		check_ret(put(fd, "12.0.0.0/8", 2, 0), 0, "filling");
	} else {
		check_ret(put(fd, "10.0.0.0/9", 1, 0), 0, "filling");
		check_ret(put(fd, "10.128.0.0/9", 2, 0), 0, "filling");
	}
	check_value(fd, "10.0.0.0/8", had);
	check_ret(put(fd, "10.0.0.0/8", 7, r->flags), want, "UPDATE");
	check_value(fd, "10.0.0.0/8", want ? had : 7);
	check_num(count_keys(fd), 2 + (!want && state != PRESENT), "keys");
	close(fd);
}

TEST(update_flags, K_LPM)
{
	enum state state;
	size_t i;
	int full;

	for (i = 0; i < ARRAY_SIZE(update_rows); i++) {
		for (state = 0; state < N_STATES; state++) {
			for (full = 0; full < 2; full++) {
				row("update.flags", "UPDATE %s, %s%s",
				    update_rows[i].name, state_names[state],
				    full ? ", full" : "");
				one_update(&update_rows[i], state, full);
			}
		}
	}
}

/* ------------------------------------------------------------------------- */
/* Invalid prefix lengths */

TEST(too_long, K_LPM)
{
	static const uint32_t sizes[] = { 5, 8, 12, 13, 20, 260 };
	uint8_t key[KEY_MAX] = { 0 }, next[KEY_MAX], value[VALUE] = { 0 };
	uint32_t i, j;

	for (i = 0; i < ARRAY_SIZE(sizes); i++) {
		uint32_t max = 8 * (sizes[i] - 4);
		uint32_t lens[] = { max + 1, max + 8, 1 << 16, 1U << 31,
				    UINT32_MAX };
		int fd = new_trie(sizes[i], 4);

		memcpy(key, &max, 4);
		row("lpm.match", "longest prefix, %u bytes of key", sizes[i]);
		check_ret(map_update(fd, key, value, 0), 0, "UPDATE");
		check_ret(map_lookup(fd, key, value, 0), 0, "LOOKUP");
		for (j = 0; j < ARRAY_SIZE(lens); j++) {
			row("lookup.lpm_miss", "prefixlen %u of %u", lens[j],
			    max);
			memcpy(key, &lens[j], 4);
			check_ret(map_lookup(fd, key, value, 0), -ENOENT,
				  "LOOKUP");
			check_ret(map_update(fd, key, value, 0), -EINVAL,
				  "UPDATE");
			check_ret(map_update(fd, key, value, EXIST), -EINVAL,
				  "UPDATE EXIST");
			check_ret(map_delete(fd, key), -EINVAL, "DELETE");
			check_ret(map_next_key(fd, key, next), 0,
				  "GET_NEXT_KEY: the first one");
			check_mem(next, &max, 4, "its length");
		}
		close(fd);
	}
}

/* ------------------------------------------------------------------------- */
/* LOOKUP */

static const char *const routes[] = {
	"10.0.0.0/8",		/* 0 */
	"10.1.0.0/16",
	"10.1.1.0/24",
	"10.1.1.1/32",
	"10.128.0.0/9",
	"192.168.0.0/24",	/* 5 */
	"192.168.1.0/24",
	"192.168.128.0/24",
	"192.168.0.0/16",
	"128.0.0.0/1",
	"255.255.255.255/32",	/* 10 */
	NULL
};

struct lookup_row {
	const char *key;
	int want;		/* position in routes, -1: ENOENT */
	int with_default;	/* with 0.0.0.0/0 in addition: its value is 99 */
};

static const struct lookup_row lookup_rows[] = {
	{ "10.1.1.1/32", 3, 3 }, { "10.1.1.2/32", 2, 2 },
	{ "10.1.1.0/32", 2, 2 }, { "10.1.2.1/32", 1, 1 },
	{ "10.2.1.1/32", 0, 0 }, { "10.127.255.255/32", 0, 0 },
	{ "10.128.0.0/32", 4, 4 }, { "10.255.255.255/32", 4, 4 },
	{ "9.255.255.255/32", -1, 99 }, { "11.0.0.0/32", -1, 99 },
	{ "0.0.0.0/32", -1, 99 }, { "127.0.0.1/32", -1, 99 },
	/* Never longer than what is asked for */
	{ "10.1.1.1/31", 2, 2 }, { "10.1.1.1/24", 2, 2 },
	{ "10.1.1.1/23", 1, 1 }, { "10.1.1.1/16", 1, 1 },
	{ "10.1.1.1/15", 0, 0 }, { "10.1.1.1/8", 0, 0 },
	{ "10.1.1.1/7", -1, 99 }, { "10.1.1.1/0", -1, 99 },
	{ "10.128.1.1/9", 4, 4 }, { "10.128.1.1/8", 0, 0 },
	{ "192.168.0.77/32", 5, 5 }, { "192.168.1.77/32", 6, 6 },
	{ "192.168.2.77/32", 8, 8 }, { "192.168.128.77/32", 7, 7 },
	{ "192.168.129.77/32", 8, 8 }, { "192.169.0.0/32", 9, 9 },
	{ "128.0.0.0/32", 9, 9 }, { "255.255.255.254/32", 9, 9 },
	{ "255.255.255.255/32", 10, 10 }, { "255.255.255.255/31", 9, 9 },
	{ "128.0.0.0/1", 9, 9 }, { "192.0.0.0/2", 9, 9 },
	{ "128.0.0.0/0", -1, 99 },
};

TEST(lookups, K_LPM)
{
	int fd = new_trie(8, 100);
	size_t i;

	row("lpm.match", "the routes");
	put_all(fd, routes);
	for (i = 0; i < ARRAY_SIZE(lookup_rows); i++) {
		row("lpm.match", "LOOKUP %s", lookup_rows[i].key);
		check_value(fd, lookup_rows[i].key, lookup_rows[i].want);
	}
	check_ret(put(fd, "0.0.0.0/0", 99, NOEXIST), 0, "default route");
	for (i = 0; i < ARRAY_SIZE(lookup_rows); i++) {
		row("lpm.match", "LOOKUP %s, default route",
		    lookup_rows[i].key);
		check_value(fd, lookup_rows[i].key, lookup_rows[i].with_default);
	}
	row("lpm.match", "default route removed");
	check_ret(del(fd, "77.7.7.7/0"), 0, "DELETE");
	check_value(fd, "127.0.0.1/32", -1);
	check_value(fd, "10.1.1.1/32", 3);
}

TEST(lookup_errors, K_LPM)
{
	int fd = new_trie(8, 4);
	struct prefix p = parse("10.0.0.0/8");
	uint8_t value[VALUE];
	struct pollfd poll_fd = { .fd = fd, .events = POLLIN };

	row("next.last", "empty");
	check_value(fd, "10.0.0.0/8", -1);
	check_ret(map_next_key(fd, NULL, &p), -ENOENT, "GET_NEXT_KEY");
	check_ret(map_next_key(fd, &p, &p), -ENOENT, "GET_NEXT_KEY");
	check_ret(del(fd, "10.0.0.0/8"), -ENOENT, "DELETE");
	check_ret(put(fd, "10.0.0.0/8", 1, 0), 0, "filling");
	row("copy.key", "pointers");
	check_ret(map_lookup(fd, NULL, value, 0), -EFAULT, "LOOKUP, no key");
	check_ret(map_lookup(fd, bad_ptr(), value, 0), -EFAULT, "LOOKUP, key");
	check_ret(map_lookup(fd, &p, bad_ptr(), 0), -EFAULT, "LOOKUP, value");
	check_ret(map_update(fd, bad_ptr(), value, 0), -EFAULT, "UPDATE, key");
	check_ret(map_update(fd, &p, bad_ptr(), 0), -EFAULT, "UPDATE, value");
	check_ret(map_delete(fd, bad_ptr()), -EFAULT, "DELETE, key");
	check_ret(map_next_key(fd, bad_ptr(), &p), -EFAULT, "NEXT, key");
	check_ret(map_next_key(fd, NULL, bad_ptr()), -EFAULT, "NEXT, next_key");
	check_value(fd, "10.0.0.0/8", 1);
	row("flags.known", "LOOKUP flags");
	check_ret(map_lookup(fd, &p, value, BPFMAP_F_LOCK), -EINVAL, "LOCK");
	check_ret(map_lookup(fd, &p, value, BPFMAP_F_CPU), -EINVAL, "CPU");
	check_ret(map_lookup(fd, &p, value, NOEXIST), -EINVAL, "NOEXIST");
	row("lad.type", "what the type does not have");
	check_ret(map_elem(LAD, fd, &p, value, 0), -ENOTSUPP, "LOOKUP_AND_DELETE");
	p = parse("99.0.0.0/8");
	check_ret(map_elem(LAD, fd, &p, value, 0), -ENOTSUPP,
		  "LOOKUP_AND_DELETE of an absent one");
	check_num(mmap(NULL, 4096, PROT_READ, MAP_SHARED, fd, 0) == MAP_FAILED ?
		  errno : 0, ENOTSUPP, "mmap");
	check_num(poll(&poll_fd, 1, 0), 1, "poll");
	check_num(poll_fd.revents, POLLERR, "revents");
	row("fd.frozen", "frozen");
	check_ret(map_freeze(fd), 0, "FREEZE");
	check_ret(put(fd, "10.0.0.0/8", 2, 0), -EPERM, "UPDATE");
	check_ret(del(fd, "10.0.0.0/8"), -EPERM, "DELETE");
	check_value(fd, "10.0.0.0/8", 1);
}

/* ------------------------------------------------------------------------- */
/* DELETE: just that prefix, hidden ones cannot be seen */

TEST(deletions, K_LPM)
{
	int fd = new_trie(8, 100);
	unsigned int i, j;

	row("delete.prefix", "DELETE of what is not there");
	put_all(fd, routes);
	check_ret(del(fd, "10.1.0.0/17"), -ENOENT, "longer");
	check_ret(del(fd, "10.0.0.0/7"), -ENOENT, "shorter");
	check_ret(del(fd, "0.0.0.0/0"), -ENOENT, "default route");
	check_ret(del(fd, "192.168.0.0/23"), -ENOENT, "where two part");
	check_ret(del(fd, "200.0.0.0/8"), -ENOENT, "elsewhere");
	check_num(count_keys(fd), 11, "keys");
	for (i = 0; routes[i]; i++) {
		row("delete.miss", "DELETE of %s", routes[i]);
		check_ret(del(fd, routes[i]), 0, "DELETE");
		check_ret(del(fd, routes[i]), -ENOENT, "again");
		check_num(count_keys(fd), 10 - i, "keys");
		for (j = i + 1; routes[j]; j++)
			check_value(fd, routes[j], j);
	}
}

/* Only elements count: a place where two part takes none */
TEST(capacity, K_LPM)
{
	static const char *const apart[] = {
		"1.0.0.0/8", "2.0.0.0/8", "4.0.0.0/8", "8.0.0.0/8", NULL
	};
	int fd = new_trie(8, 4), i;

	row("lpm.count", "max_entries");
	put_all(fd, apart);
	check_ret(put(fd, "16.0.0.0/8", 5, 0), -ENOSPC, "one more");
	check_ret(put(fd, "0.0.0.0/4", 5, 0), -ENOSPC, "a hidden one");
	check_ret(put(fd, "1.0.0.0/8", 6, 0), 0, "a present one");
	check_value(fd, "1.0.0.0/8", 6);
	for (i = 0; i < 10; i++) {
		check_ret(del(fd, "2.0.0.0/8"), 0, "DELETE");
		check_ret(put(fd, "16.0.0.0/8", 5, 0), 0, "in its place");
		check_ret(put(fd, "2.0.0.0/8", 5, 0), -ENOSPC, "one more");
		check_ret(del(fd, "16.0.0.0/8"), 0, "DELETE");
		check_ret(put(fd, "2.0.0.0/8", 1, 0), 0, "back");
	}
}

/* ------------------------------------------------------------------------- */
/* Bits behind the prefix are kept, and do not matter */

TEST(host_bits, K_LPM)
{
	struct prefix p = parse("10.1.2.3/8"), got;
	int fd = new_trie(8, 4);

	row("lpm.bits", "bits behind the prefix");
	check_ret(put(fd, "10.1.2.3/8", 1, 0), 0, "UPDATE");
	check_ret(map_next_key(fd, NULL, &got), 0, "GET_NEXT_KEY");
	check_mem(&got, &p, sizeof(p), "as they were given");
	check_value(fd, "10.200.0.0/16", 1);
	check_ret(put(fd, "10.9.9.9/8", 2, NOEXIST), -EEXIST, "NOEXIST");
	check_ret(map_next_key(fd, NULL, &got), 0, "GET_NEXT_KEY");
	check_mem(&got, &p, sizeof(p), "not changed by a failure");
	check_ret(put(fd, "10.9.9.9/8", 2, EXIST), 0, "EXIST");
	p = parse("10.9.9.9/8");
	check_ret(map_next_key(fd, NULL, &got), 0, "GET_NEXT_KEY");
	check_mem(&got, &p, sizeof(p), "replaced with the value");
	check_value(fd, "10.1.2.3/8", 2);
	check_ret(map_next_key(fd, &p, &got), -ENOENT, "the last one");
	p = parse("10.77.0.0/8");
	check_ret(map_next_key(fd, &p, &got), -ENOENT, "by other bits");
	check_ret(del(fd, "10.55.0.1/8"), 0, "DELETE by other bits");
	check_num(count_keys(fd), 0, "keys");
}

/* ------------------------------------------------------------------------- */
/* The order of keys: random prefixes of all key sizes, sorted here */

static int bit_of(const uint8_t *key, uint32_t pos)
{
	return key[4 + pos / 8] >> (7 - pos % 8) & 1;
}

/* More specific before less specific, else the 0 before the 1 */
static int post_order(const void *a, const void *b)
{
	uint32_t la, lb, i;

	memcpy(&la, a, 4);
	memcpy(&lb, b, 4);
	for (i = 0; i < la && i < lb; i++)
		if (bit_of(a, i) != bit_of(b, i))
			return bit_of(a, i) - bit_of(b, i);
	return la > lb ? -1 : la < lb;
}

/* Close to one another, so that many are prefixes of others */
static void random_key(uint8_t *key, uint32_t size)
{
	uint32_t len = random() % (8 * (size - 4) + 1), i;

	if (random() % 2)
		len = len % 12;
	memcpy(key, &len, 4);
	for (i = 4; i < size; i++)
		key[i] = random() % 3 ? 0 : random();
}

/* As many different prefixes as there are, up to @n; sorted. Returns how many */
static uint32_t random_keys(uint8_t *keys, uint32_t size, uint32_t n)
{
	uint32_t i, different = 0;

	for (i = 0; i < n; i++)
		random_key(keys + (size_t)i * size, size);
	qsort(keys, n, size, post_order);
	for (i = 0; i < n; i++)
		if (!i || post_order(keys + (size_t)i * size,
				     keys + (size_t)(different - 1) * size))
			memmove(keys + (size_t)different++ * size,
				keys + (size_t)i * size, size);
	return different;
}

/* Insert in any order */
static void put_shuffled(int fd, const uint8_t *keys, uint32_t size, uint32_t n)
{
	uint32_t *order = calloc(n, sizeof(*order)), i, j, t;
	uint8_t value[VALUE];

	for (i = 0; i < n; i++)
		order[i] = i;
	for (i = n - 1; i > 0; i--) {
		j = random() % (i + 1);
		t = order[i];
		order[i] = order[j];
		order[j] = t;
	}
	for (i = 0; i < n; i++) {
		pattern(value, VALUE, order[i]);
		check_ret(map_update(fd, keys + (size_t)order[i] * size, value,
				     NOEXIST), 0, "UPDATE");
	}
	free(order);
}

#define MANY 300

static void one_walk(int fd, const uint8_t *keys, uint32_t size, uint32_t n)
{
	struct buf next = buf_new(size);
	uint32_t i;

	for (i = 0; i <= n; i++) {
		const uint8_t *key = i ? keys + (size_t)(i - 1) * size : NULL;

		buf_fill(&next);
		check_ret(map_next_key(fd, key, next.p), i < n ? 0 : -ENOENT,
			  "key after %u", i);
		check_buf(&next, keys + (size_t)i * size, i < n ? size : 0,
			  "next_key");
	}
	buf_free(&next);
}

/* Whatever size the batch has: all of them, once, in order, with their values */
static void batch_walk(int fd, const uint8_t *keys, uint32_t size, uint32_t n,
		       uint32_t room)
{
	struct buf out = buf_new(size), values = buf_new(room * VALUE);
	struct buf got = buf_new((size_t)room * size);
	uint8_t *want = malloc(room * VALUE);
	struct batch b = { .out = out.p, .keys = got.p, .values = values.p };
	uint32_t done = 0, i, expect;
	int ret;

	do {
		expect = n - done < room ? n - done : room;
		buf_fill(&got);
		buf_fill(&values);
		b.count = room;
		ret = map_batch(LB, fd, &b);
		check_ret(ret, expect < room ? -ENOENT : 0, "result after %u",
			  done);
		if (!check_num(b.count, expect, "count"))
			break;
		for (i = 0; i < expect; i++)
			pattern(want + i * VALUE, VALUE, done + i);
		check_buf(&got, keys + (size_t)done * size,
			  (size_t)expect * size, "keys");
		check_buf(&values, want, expect * VALUE, "values");
		done += expect;
		/* Not even the end moves the cursor if nothing came */
		if (done)
			check_buf(&out, keys + (size_t)(done - 1) * size, size,
				  "out_batch");
		else
			check_untouched(&out, "out_batch");
		/* The same memory for both is fine */
		b.in = out.p;
	} while (!ret);
	check_num(done, n, "elements");
	free(want);
	buf_free(&out);
	buf_free(&got);
	buf_free(&values);
}

TEST(order, K_LPM)
{
	static const uint32_t sizes[] = {
		5, 6, 7, 8, 9, 11, 12, 13, 16, 20, 21, 68, 259, 260
	};
	static const uint32_t rooms[] = { 1, 2, 7, 64, MANY };
	uint8_t *keys = malloc(MANY * KEY_MAX);
	uint32_t i, j, n;

	srandom(1);
	for (i = 0; i < ARRAY_SIZE(sizes); i++) {
		int fd = new_trie(sizes[i], MANY);

		n = random_keys(keys, sizes[i], MANY);
		row("lpm.order", "order of %u keys of %u bytes", n, sizes[i]);
		put_shuffled(fd, keys, sizes[i], n);
		one_walk(fd, keys, sizes[i], n);
		for (j = 0; j < ARRAY_SIZE(rooms); j++) {
			row("batch.cursor",
			    "LOOKUP_BATCH, %u of %u keys of %u bytes", rooms[j],
			    n, sizes[i]);
			batch_walk(fd, keys, sizes[i], n, rooms[j]);
		}
		row("batch.exact", "LOOKUP_BATCH, exactly %u keys", n);
		batch_walk(fd, keys, sizes[i], n, n);
		close(fd);
	}
	free(keys);
}

/* Each bit is a branch: the deepest trie there is, as one chain of elements */
static void chain(uint32_t size)
{
	const uint32_t max = 8 * (size - 4);
	uint8_t *keys = calloc(max + 1, size), value[VALUE];
	uint32_t i, len;
	int fd = new_trie(size, max + 1);

	row("lpm.order", "a chain of %u prefixes", max + 1);
	for (i = 0; i <= max; i++) {
		len = max - i;
		memset(keys + (size_t)i * size + 4, 0xff, size - 4);
		memcpy(keys + (size_t)i * size, &len, 4);
		pattern(value, VALUE, i);
		check_ret(map_update(fd, keys + (size_t)i * size, value, 0), 0,
			  "UPDATE of length %u", len);
	}
	one_walk(fd, keys, size, max + 1);
	batch_walk(fd, keys, size, max + 1, 500);
	batch_walk(fd, keys, size, max + 1, max + 1);
	for (i = 0; i <= max; i++)
		check_ret(map_delete(fd, keys + (size_t)i * size), 0, "DELETE");
	check_ret(map_next_key(fd, NULL, keys), -ENOENT, "empty");
	free(keys);
}

TEST(deep, K_LPM)
{
	/* Many to a buffer, and few */
	chain(20);
	chain(260);
}

TEST(next_key_of_others, K_LPM)
{
	struct prefix first = parse("10.1.1.1/32"), p, got;
	static const char *const absent[] = {
		"10.1.1.1/31", "10.1.1.2/32", "10.2.0.0/16", "0.0.0.0/0",
		"255.255.255.255/31", "192.168.0.0/23", "192.0.0.0/2",
	};
	int fd = new_trie(8, 100);
	size_t i;

	put_all(fd, routes);
	for (i = 0; i < ARRAY_SIZE(absent); i++) {
		row("next.first", "GET_NEXT_KEY of %s: the first", absent[i]);
		p = parse(absent[i]);
		check_ret(map_next_key(fd, &p, &got), 0, "result");
		check_mem(&got, &first, sizeof(got), "next_key");
	}
}

/* ------------------------------------------------------------------------- */
/* Batches: what is not a walk */

enum ptr { FINE, BAD, NONE };

struct batch_row {
	const char *name;
	int cmd;
	uint32_t count;
	uint64_t elem_flags;
	uint64_t flags;
	enum ptr in, out, keys, values;
	int want;
	uint32_t count_after;
};

#define N	4
#define LEFT_ALONE 3

static const struct batch_row batch_rows[] = {
	{ "all", LB, N, 0, 0, NONE, FINE, FINE, FINE, 0, N },
	{ "more than all", LB, N + 1, 0, 0, NONE, FINE, FINE, FINE, -ENOENT, N },
	{ "unknown cursor: from the start", LB, N, 0, 0, FINE, FINE, FINE, FINE,
	  0, N },
	{ "count 0", LB, 0, 0, 0, BAD, BAD, BAD, BAD, 0, 0 },
	{ "flags are not looked at", LB, N, 0, 77, NONE, FINE, FINE, FINE, 0, N },
	{ "LOCK", LB, LEFT_ALONE, BPFMAP_F_LOCK, 0, NONE, FINE, FINE, FINE,
	  -EINVAL, LEFT_ALONE },
	{ "NOEXIST", LB, LEFT_ALONE, NOEXIST, 0, NONE, FINE, FINE, FINE, -EINVAL,
	  LEFT_ALONE },
	{ "CPU", LB, LEFT_ALONE, BPFMAP_F_CPU, 0, NONE, FINE, FINE, FINE,
	  -EINVAL, LEFT_ALONE },
	{ "bad in_batch", LB, N, 0, 0, BAD, FINE, FINE, FINE, -EFAULT, 0 },
	{ "bad keys", LB, N, 0, 0, NONE, FINE, BAD, FINE, -EFAULT, 0 },
	{ "bad values", LB, N, 0, 0, NONE, FINE, FINE, BAD, -EFAULT, 0 },
	{ "bad out_batch", LB, 2, 0, 0, NONE, BAD, FINE, FINE, -EFAULT, 2 },
	{ "no out_batch", LB, 2, 0, 0, NONE, NONE, FINE, FINE, -EFAULT, 2 },
	{ "not there", LADB, LEFT_ALONE, 0, 0, NONE, FINE, FINE, FINE, -ENOTSUPP,
	  LEFT_ALONE },
	{ "not there, count 0", LADB, 0, 0, 0, NONE, FINE, FINE, FINE, -ENOTSUPP,
	  0 },
	{ "present ones", UB, N, 0, 0, BAD, BAD, FINE, FINE, 0, N },
	{ "flags are not looked at", UB, N, 0, 77, NONE, NONE, FINE, FINE, 0, N },
	{ "count 0", UB, 0, 0, 0, BAD, BAD, BAD, BAD, 0, 0 },
	{ "NOEXIST", UB, LEFT_ALONE, NOEXIST, 0, NONE, NONE, FINE, FINE, -EINVAL,
	  LEFT_ALONE },
	{ "EXIST", UB, LEFT_ALONE, EXIST, 0, NONE, NONE, FINE, FINE, -EINVAL,
	  LEFT_ALONE },
	{ "bad keys", UB, N, 0, 0, NONE, NONE, BAD, FINE, -EFAULT, 0 },
	{ "bad values", UB, N, 0, 0, NONE, NONE, FINE, BAD, -EFAULT, 0 },
	{ "one absent at the end", DB, N + 1, 0, 0, NONE, NONE, FINE, NONE,
	  -ENOENT, N },
	{ "flags are not looked at", DB, N, 0, 77, BAD, BAD, FINE, BAD, 0, N },
	{ "EXIST", DB, LEFT_ALONE, EXIST, 0, NONE, NONE, FINE, NONE, -EINVAL,
	  LEFT_ALONE },
	{ "LOCK", DB, LEFT_ALONE, BPFMAP_F_LOCK, 0, NONE, NONE, FINE, NONE,
	  -EINVAL, LEFT_ALONE },
	{ "bad keys", DB, N, 0, 0, NONE, NONE, BAD, NONE, -EFAULT, 0 },
};

static void *pointer(enum ptr which, void *fine)
{
	return which == BAD ? bad_ptr() : which == NONE ? NULL : fine;
}

TEST(batch_rules, K_LPM)
{
	static const char *const text[] = {
		"10.1.1.1/32", "10.1.0.0/16", "10.128.0.0/9", "10.0.0.0/8",
		"99.0.0.0/8",
	};
	struct prefix keys[N + 1], in = parse("1.1.1.1/32"), out;
	uint8_t values[(N + 1) * VALUE];
	size_t i;
	int fd, j;

	for (i = 0; i < ARRAY_SIZE(batch_rows); i++) {
		const struct batch_row *r = &batch_rows[i];
		struct batch b = {
			.in = pointer(r->in, &in), .out = pointer(r->out, &out),
			.keys = pointer(r->keys, keys),
			.values = pointer(r->values, values),
			.count = r->count, .elem_flags = r->elem_flags,
			.flags = r->flags,
		};

		row("batch.order", "batch command %d: %s", r->cmd, r->name);
		fd = new_trie(8, N);
		for (j = 0; j < N; j++)
			check_ret(put(fd, text[j], j, 0), 0, "filling");
		for (j = 0; j <= N; j++) {
			keys[j] = parse(text[j]);
			pattern(values + j * VALUE, VALUE, 50 + j);
		}
		check_ret(map_batch(r->cmd, fd, &b), r->want, "result");
		check_num(b.count, r->count_after, "count");
		for (j = 0; j < N; j++) {
			if (r->cmd == DB && r->count_after == N)
				check_value(fd, text[j], -1);
			else
				check_value(fd, text[j], r->cmd == UB &&
					    r->count_after == N ? 50 + j : j);
		}
		close(fd);
	}
}

/* What stops an update half way: the count is what was done */
TEST(batch_stops, K_LPM)
{
	struct prefix keys[N + 2];
	uint8_t values[(N + 2) * VALUE];
	struct batch b = { .keys = keys, .values = values };
	int fd, i, at;

	for (at = 0; at <= N; at++) {
		row("batch.stop", "UPDATE_BATCH, prefix too long at %d", at);
		fd = new_trie(8, 100);
		for (i = 0; i < N + 2; i++) {
			keys[i] = parse("10.0.0.0/16");
			keys[i].addr[1] = i;
			pattern(values + i * VALUE, VALUE, i);
		}
		keys[at].len = 33;
		b.count = N + 2;
		check_ret(map_batch(UB, fd, &b), -EINVAL, "result");
		check_num(b.count, at, "count");
		check_num(count_keys(fd), at, "keys");
		close(fd);
		row("batch.stop", "UPDATE_BATCH, room for %d", at);
		fd = new_trie(8, at + 1);
		keys[at].len = 16;
		b.count = N + 2;
		check_ret(map_batch(UB, fd, &b), -ENOSPC, "result");
		check_num(b.count, at + 1, "count");
		check_num(count_keys(fd), at + 1, "keys");
		row("batch.stop", "DELETE_BATCH, absent at %d", at + 1);
		b.count = N + 2;
		check_ret(map_batch(DB, fd, &b), -ENOENT, "result");
		check_num(b.count, at + 1, "count");
		check_num(count_keys(fd), 0, "keys");
		close(fd);
	}
}

TEST_MAIN
