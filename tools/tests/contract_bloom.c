// SPDX-License-Identifier: GPL-2.0-only
/*
 * contract_bloom - Bloom filters: creation, flags and errors, and every answer,
 * from bits that are computed here as well
 */
#include "keyless.h"

#define BLOOM	BPFMAP_TYPE_BLOOM_FILTER
#define BIG	(4U << 20)
#define ZERO	BPFMAP_F_ZERO_SEED

/* ------------------------------------------------------------------------- */
/* Creation */

static const struct {
	const char *name;
	uint32_t key_size, value_size, max_entries, flags;
	uint64_t extra;
	int want;
} create_rows[] = {
	{ "smallest", 0, 1, 1, 0, 0, GOT_FD },
	{ "key_size 1", 1, 4, 4, 0, 0, -EINVAL },
	{ "key_size 4", 4, 4, 4, 0, 0, -EINVAL },
	{ "value_size 0", 0, 0, 4, 0, 0, -EINVAL },
	{ "max_entries 0", 0, 4, 0, 0, 0, -EINVAL },
	{ "value of 4 MiB", 0, BIG, 1, 0, 0, GOT_FD },
	{ "value of 4 MiB + 1", 0, BIG + 1, 1, 0, 0, -E2BIG },
	{ "value 2^32 - 1", 0, UINT32_MAX, 1, 0, 0, -E2BIG },
	{ "value before key_size", 4, BIG + 1, 1, 0, 0, -E2BIG },
	{ "value before max_entries 0", 0, BIG + 1, 0, 0, 0, -E2BIG },
	{ "value before flags", 0, BIG + 1, 1, BPFMAP_F_NO_PREALLOC, 0, -E2BIG },
	{ "value before map_extra", 0, BIG + 1, 1, 0, 16, -E2BIG },
	{ "map_extra 1", 0, 4, 4, 0, 1, GOT_FD },
	{ "map_extra 15", 0, 4, 4, 0, 15, GOT_FD },
	{ "map_extra 16", 0, 4, 4, 0, 16, -EINVAL },
	{ "map_extra 17", 0, 4, 4, 0, 17, -EINVAL },
	{ "map_extra 2^32", 0, 4, 4, 0, 1ULL << 32, -EINVAL },
	{ "map_extra 2^63 + 1", 0, 4, 4, 0, 1ULL << 63 | 1, -EINVAL },
	{ "both PROG", 0, 4, 4, BPFMAP_F_RDONLY_PROG | BPFMAP_F_WRONLY_PROG, 0,
	  -EINVAL },
	{ "RDONLY|WRONLY", 0, 4, 4, BPFMAP_F_RDONLY | BPFMAP_F_WRONLY, 0,
	  -EINVAL },
};

#define GOOD_FLAGS (BPFMAP_F_NUMA_NODE | BPFMAP_F_ZERO_SEED | \
		    BPFMAP_F_RDONLY | BPFMAP_F_WRONLY | \
		    BPFMAP_F_RDONLY_PROG | BPFMAP_F_WRONLY_PROG)

static void create_one(uint32_t key_size, uint32_t value_size,
		       uint32_t max_entries, uint32_t flags, uint64_t extra,
		       int want)
{
	union attr a = { .create = {
		.map_type = BLOOM, .key_size = key_size,
		.value_size = value_size, .max_entries = max_entries,
		.map_flags = flags, .map_extra = extra,
	} };
	int fd = sys_map(BPFMAP_CMD_MAP_CREATE, &a, sizeof(a));
	struct bpfmap_info info;

	check_ret(fd, want, "MAP_CREATE");
	if (fd < 0)
		return;
	check_ret(map_info(fd, &info), 0, "info");
	check_num(info.type, BLOOM, "type");
	check_num(info.key_size, 0, "key_size");
	check_num(info.value_size, value_size, "value_size");
	check_num(info.max_entries, max_entries, "max_entries");
	check_num(info.map_flags,
		  flags & ~(BPFMAP_F_RDONLY | BPFMAP_F_WRONLY), "map_flags");
	check_num(info.map_extra, extra, "map_extra");
	close(fd);
}

static void create_zero_seed(void *arg)
{
	int fd = keyless_new(BLOOM, 4, 4, ZERO, 0);

	check_ret(fd, GOT_FD, "ZERO_SEED needs no capability");
	close(fd);
	(void)arg;
}

TEST(create, 0)
{
	size_t i;
	int bit;

	for (i = 0; i < ARRAY_SIZE(create_rows); i++) {
		row("create.bloom", "%s", create_rows[i].name);
		create_one(create_rows[i].key_size, create_rows[i].value_size,
			   create_rows[i].max_entries, create_rows[i].flags,
			   create_rows[i].extra, create_rows[i].want);
	}
	for (bit = 0; bit < 32; bit++) {
		if (1U << bit == BPFMAP_F_TOKEN_FD)
			continue;
		row("create.flags", "flag bit %d", bit);
		create_one(0, 4, 4, 1U << bit, 0,
			   GOOD_FLAGS & 1U << bit ? GOT_FD : -EINVAL);
	}
	/* bpf(2) wants CAP_BPF for any filter */
	row("create.zero_seed", "without capabilities");
	if (backend() != BACKEND_BPF)
		as_nobody(create_zero_seed, NULL);
}

/* ------------------------------------------------------------------------- */
/* The bits. Bob Jenkins' lookup3, as the kernel's <linux/jhash.h> has it */

static uint32_t rol(uint32_t x, int n)
{
	return x << n | x >> (32 - n);
}

static void mix(uint32_t s[3])
{
	static const int turns[6] = { 4, 6, 8, 16, 19, 4 };
	int i;

	for (i = 0; i < 6; i++) {
		uint32_t *a = &s[i % 3], *b = &s[(i + 1) % 3],
			 *c = &s[(i + 2) % 3];

		*a -= *c;
		*a ^= rol(*c, turns[i]);
		*c += *b;
	}
}

static uint32_t final(uint32_t s[3])
{
	static const int turns[7] = { 14, 11, 25, 16, 4, 14, 24 };
	int i;

	for (i = 0; i < 7; i++) {
		uint32_t *x = &s[(i + 2) % 3], *y = &s[(i + 1) % 3];

		*x ^= *y;
		*x -= rol(*y, turns[i]);
	}
	return s[2];
}

/* The same for bytes and for words; a short last piece is padded with zeros */
static uint32_t hash(const uint8_t *value, uint32_t size, uint32_t seed)
{
	uint32_t s[3], w[3], i, n;

	s[0] = 0xdeadbeef + size + seed;
	s[1] = s[0];
	s[2] = s[0];
	for (i = 0; size - i > 12; i += 12) {
		memcpy(w, value + i, 12);
		for (n = 0; n < 3; n++)
			s[n] += w[n];
		mix(s);
	}
	memset(w, 0, sizeof(w));
	memcpy(w, value + i, size - i);
	for (n = 0; n < 3; n++)
		s[n] += w[n];
	return final(s);
}

struct filter {
	int fd;
	uint32_t size, hashes;
	uint64_t bits;
	uint8_t *set;
};

/* [bloom.bits], [bloom.hashes]; 64-bit numbers instead of overflow checks */
static uint64_t filter_bits(uint32_t max_entries, uint32_t hashes)
{
	uint64_t n = (uint64_t)max_entries * hashes, bits = 64;

	if (n >= 1ULL << 32 || n / 5 * 7 > 1ULL << 31)
		return 1ULL << 32;
	n = n / 5 * 7;
	while (bits < n)
		bits *= 2;
	return bits;
}

static struct filter filter_new(uint32_t size, uint32_t max_entries,
				uint32_t extra)
{
	struct filter f = { .size = size, .hashes = extra ? extra : 5 };

	f.fd = keyless_new(BLOOM, size, max_entries, ZERO, extra);
	check_ret(f.fd, GOT_FD, "MAP_CREATE");
	f.bits = filter_bits(max_entries, f.hashes);
	f.set = calloc(f.bits, 1);
	return f;
}

static void filter_free(struct filter *f)
{
	close(f->fd);
	free(f->set);
}

static void filter_add(struct filter *f, const void *value)
{
	uint32_t i;

	for (i = 0; i < f->hashes; i++)
		f->set[hash(value, f->size, i) & (f->bits - 1)] = 1;
}

static bool filter_has(const struct filter *f, const void *value)
{
	uint32_t i;

	for (i = 0; i < f->hashes; i++)
		if (!f->set[hash(value, f->size, i) & (f->bits - 1)])
			return false;
	return true;
}

/* Values that are added and values that are not, until wrong answers come */
static void filter_compare(struct filter *f, uint32_t n)
{
	struct buf value = buf_new(f->size);
	uint32_t i, yes = 0;

	for (i = 0; i < 2 * n; i++) {
		pattern(value.p, f->size, i);
		memcpy(value.p, &i, f->size < 4 ? f->size : 4);
		if (i & 1) {
			check_ret(keyless_push(f->fd, value.p, 0), 0, "push");
			filter_add(f, value.p);
		}
	}
	for (i = 0; i < 4 * n; i++) {
		pattern(value.p, f->size, i);
		memcpy(value.p, &i, f->size < 4 ? f->size : 4);
		yes += filter_has(f, value.p);
		check_ret(keyless_peek(f->fd, value.p),
			  filter_has(f, value.p) ? 0 : -ENOENT, "value %u", i);
	}
	check(yes >= (f->size > 1 ? n : 1), "%u of %u are there", yes, n);
	buf_free(&value);
}

TEST(answers, 0)
{
	static const uint32_t sizes[] = { 1, 3, 4, 8, 11, 12, 13, 24, 25, 64,
					  77, 512 };
	static const uint32_t extras[] = { 0, 1, 2, 15 };
	static const uint32_t entries[] = { 1, 37, 200 };
	size_t s, e, n;

	for (s = 0; s < ARRAY_SIZE(sizes); s++)
		for (e = 0; e < ARRAY_SIZE(extras); e++)
			for (n = 0; n < ARRAY_SIZE(entries); n++) {
				struct filter f;

				row("bloom.bits",
				    "%u values of %u bytes, map_extra %u",
				    entries[n], sizes[s], extras[e]);
				f = filter_new(sizes[s], entries[n], extras[e]);
				filter_compare(&f, entries[n] < 40 ?
						   entries[n] : 40);
				filter_free(&f);
			}
}

/* Sizes around powers of two, and up to the largest bit number */
TEST(bit_counts, 0)
{
	static const uint32_t entries[] = { 1, 9, 10, 45, 46, 91, 92, 731, 732,
					    46811, 46812, 1000000 };
	static const uint32_t extras[] = { 1, 5, 15 };
	size_t e, n;

	for (e = 0; e < ARRAY_SIZE(extras); e++)
		for (n = 0; n < ARRAY_SIZE(entries); n++) {
			struct filter f;

			row("bloom.bits", "%u entries, map_extra %u",
			    entries[n], extras[e]);
			f = filter_new(8, entries[n], extras[e]);
			filter_compare(&f, 20);
			filter_free(&f);
		}
}

/* With a random seed two filters differ somewhere, and none forgets */
TEST(seeds, 0)
{
	int a = keyless_new(BLOOM, 4, 100, 0, 0);
	int b = keyless_new(BLOOM, 4, 100, 0, 0);
	uint32_t i, differ = 0;

	row("bloom.answers", "random seeds");
	for (i = 0; i < 100; i++) {
		keyless_push(a, &i, 0);
		keyless_push(b, &i, 0);
	}
	for (i = 0; i < 100; i++) {
		check_ret(keyless_peek(a, &i), 0, "first %u", i);
		check_ret(keyless_peek(b, &i), 0, "second %u", i);
	}
	for (i = 100; i < 3000; i++)
		differ += keyless_peek(a, &i) != keyless_peek(b, &i);
	check(differ > 0, "they differ in what they never saw");
	/* No limit at max_entries */
	for (i = 0; i < 300; i++)
		check_ret(keyless_push(a, &i, 0), 0, "push %u", i);
}

/* ------------------------------------------------------------------------- */

static const struct {
	const char *name;
	uint64_t flags;
	int push, peek;
} flag_rows[] = {
	{ "ANY", 0, 0, 0 },
	{ "NOEXIST", 1, -EINVAL, -EINVAL },
	{ "EXIST", 2, -EINVAL, -EINVAL },
	{ "3", 3, -EINVAL, -EINVAL },
	{ "LOCK", 4, -EINVAL, -EINVAL },
	{ "CPU", 8, -EINVAL, -EINVAL },
	{ "ALL_CPUS", 16, -EINVAL, -EINVAL },
	{ "32", 32, -EINVAL, -EINVAL },
	{ "bit 32", 1ULL << 32, -EINVAL, -EINVAL },
	{ "all", ~0ULL, -EINVAL, -EINVAL },
};

TEST(flags, 0)
{
	uint32_t value = 3, other = 4;
	size_t i;
	int fd;

	for (i = 0; i < ARRAY_SIZE(flag_rows); i++) {
		row("update.flags", "flags %s", flag_rows[i].name);
		fd = keyless_new(BLOOM, 4, 1000, ZERO, 0);
		keyless_push(fd, &value, 0);
		check_ret(map_lookup(fd, NULL, &value, flag_rows[i].flags),
			  flag_rows[i].peek, "LOOKUP");
		check_ret(keyless_push(fd, &other, flag_rows[i].flags),
			  flag_rows[i].push, "UPDATE");
		check_ret(keyless_peek(fd, &other),
			  flag_rows[i].push ? -ENOENT : 0, "added, or not");
		close(fd);
	}
}

TEST(errors, 0)
{
	int fd = keyless_new(BLOOM, 4, 1000, ZERO, 0);
	struct buf value = buf_new(4);
	uint32_t key = 1, got = 7;

	row("copy.keyless", "a key where there is none");
	check_ret(map_lookup(fd, &key, value.p, 0), -EINVAL, "LOOKUP");
	check_ret(map_update(fd, &key, value.p, 0), -EINVAL, "UPDATE");
	check_ret(map_delete(fd, &key), -EINVAL, "DELETE");
	check_ret(map_next_key(fd, &key, &got), -EINVAL, "GET_NEXT_KEY");
	check_ret(map_elem(BPFMAP_CMD_MAP_LOOKUP_AND_DELETE_ELEM, fd, &key, &got,
			   0), -EINVAL, "LOOKUP_AND_DELETE");
	row("delete.keyless", "what it cannot do");
	check_ret(map_delete(fd, NULL), -EOPNOTSUPP, "DELETE");
	check_ret(map_next_key(fd, NULL, &got), -EOPNOTSUPP, "GET_NEXT_KEY");
	check_ret(keyless_pop(fd, &got), -ENOTSUPP, "LOOKUP_AND_DELETE");
	check_num(got, 7, "nothing came out");
	row("batch.type", "batches");
	keyless_check_batches(fd);

	row("lookup.bloom", "a look-up reads the value and writes nothing");
	check_ret(keyless_peek(fd, value.p), -ENOENT, "absent");
	check_untouched(&value, "value");
	check_ret(keyless_push(fd, value.p, 0), 0, "UPDATE");
	check_ret(keyless_peek(fd, value.p), 0, "present");
	check_untouched(&value, "value");
	row("copy.in", "bad pointers");
	check_ret(keyless_peek(fd, bad_ptr()), -EFAULT, "LOOKUP");
	check_ret(keyless_peek(fd, NULL), -EFAULT, "LOOKUP NULL");
	check_ret(keyless_push(fd, bad_ptr(), 0), -EFAULT, "UPDATE");
	check_ret(keyless_push(fd, bad_ptr(), 1), -EFAULT, "before flags");
}

/* Modes as for a queue, but that nothing can be taken out */
TEST(modes, 0)
{
	uint32_t value = 1;
	int fd;

	row("fd.access", "RDONLY");
	fd = keyless_new(BLOOM, 4, 2, BPFMAP_F_RDONLY, 0);
	check_ret(keyless_push(fd, &value, 0), -EPERM, "UPDATE");
	check_ret(keyless_peek(fd, &value), -ENOENT, "LOOKUP");
	check_ret(map_delete(fd, NULL), -EPERM, "DELETE");
	close(fd);
	row("fd.access", "WRONLY");
	fd = keyless_new(BLOOM, 4, 2, BPFMAP_F_WRONLY, 0);
	check_ret(keyless_push(fd, &value, 0), 0, "UPDATE");
	check_ret(keyless_peek(fd, &value), -EPERM, "LOOKUP");
	check_ret(map_next_key(fd, NULL, &value), -EPERM, "GET_NEXT_KEY");
	close(fd);
	row("fd.frozen", "frozen");
	fd = keyless_new(BLOOM, 4, 2, 0, 0);
	check_ret(keyless_push(fd, &value, 0), 0, "UPDATE");
	check_ret(map_freeze(fd), 0, "FREEZE");
	check_ret(keyless_push(fd, &value, 0), -EPERM, "UPDATE");
	check_ret(keyless_peek(fd, &value), 0, "LOOKUP");
}

TEST_MAIN
