// SPDX-License-Identifier: GPL-2.0-only
/*
 * contract_bloom - Bloom filters: creation, flags, answers and errors. The oracle
 * compares every answer of filters with BPFMAP_F_ZERO_SEED, and so their bits, to
 * bpf(2)'s.
 */
#include "keyless.h"

#define BIG	KMALLOC_MAX
#define ZERO	BPFMAP_F_ZERO_SEED

/* ------------------------------------------------------------------------- */
/* Creation */

static const struct create_case creates[] = {
	{ "value before key_size", SHAPE(4, BIG + 1, 1, 0), -E2BIG },
	{ "value before max_entries 0", SHAPE(0, BIG + 1, 0, 0), -E2BIG },
	{ "value before flags", SHAPE(0, BIG + 1, 1, BPFMAP_F_NO_PREALLOC),
	  -E2BIG },
	{ "value before map_extra", SHAPE(0, BIG + 1, 1, 0, .map_extra = 16),
	  -E2BIG },
	{ "map_extra 1", SHAPE(0, 4, 4, 0, .map_extra = 1), GOT_FD },
	{ "map_extra 15", SHAPE(0, 4, 4, 0, .map_extra = 15), GOT_FD },
	{ "map_extra 16", SHAPE(0, 4, 4, 0, .map_extra = 16), -EINVAL },
	{ "map_extra 17", SHAPE(0, 4, 4, 0, .map_extra = 17), -EINVAL },
	{ "map_extra 2^32", SHAPE(0, 4, 4, 0, .map_extra = 1ULL << 32),
	  -EINVAL },
	{ "map_extra 2^63 + 1", SHAPE(0, 4, 4, 0, .map_extra = 1ULL << 63 | 1),
	  -EINVAL },
};

static void create_zero_seed(void *arg)
{
	check_ret(keyless_new(arg, 4, 4, ZERO), GOT_FD,
		  "ZERO_SEED needs no capability");
}

TEST(create, K_BLOOM)
{
	struct bpfmap_create_attr good = SHAPE(0, 4, 4, 0);

	check_creates("create.bloom", k, keyless_creates, n_keyless_creates);
	check_creates("create.bloom", k, creates, ARRAY_SIZE(creates));
	check_create_flags("create.flags", k, good, BPFMAP_F_NUMA_NODE |
			   BPFMAP_F_ZERO_SEED | RIGHTS);
	/* bpf(2) wants CAP_BPF for any filter */
	row("create.zero_seed", "without capabilities");
	if (backend() != BACKEND_BPF)
		as_nobody(create_zero_seed, (void *)k);
}

/* ------------------------------------------------------------------------- */
/* [bloom.bits], [bloom.hashes]: added values are found, most others are not */

static void answers_of(const struct kind *k, uint32_t size, uint32_t extra)
{
	enum { N = 40 };
	struct bpfmap_create_attr a = SHAPE(0, size, N, ZERO,
					    .map_extra = extra);
	uint32_t i, wrong = 0;
	uint8_t value[512];
	int fd;

	row("bloom.answers", "values of %u bytes, map_extra %u", size, extra);
	a.map_type = k->type;
	fd = created(&a, GOT_FD);
	for (i = 0; i < N; i++) {
		pattern(value, size, i);
		check_ret(keyless_push(fd, value, 0), 0, "push");
	}
	for (i = 0; i < 5 * N; i++) {
		pattern(value, size, i);
		if (i < N)
			check_ret(keyless_peek(fd, value), 0, "value %u", i);
		else
			wrong += !keyless_peek(fd, value);
	}
	/* Without map_extra 5 bits a value, of 7 for each that is set: 4 % */
	check(wrong < N * (extra ? 3 : 1), "%u of %u wrong", wrong, 4 * N);
	close(fd);
}

TEST(answers, K_BLOOM)
{
	static const uint32_t sizes[] = { 3, 4, 8, 11, 12, 13, 24, 77, 512 };
	static const uint32_t extras[] = { 0, 1, 2, 15 };
	size_t s, e;

	for (s = 0; s < ARRAY_SIZE(sizes); s++)
		for (e = 0; e < ARRAY_SIZE(extras); e++)
			answers_of(k, sizes[s], extras[e]);
}

/* With a random seed two filters differ somewhere, and none forgets */
TEST(seeds, K_BLOOM)
{
	int a = keyless_new(k, 4, 100, 0), b = keyless_new(k, 4, 100, 0);
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

TEST(flags, K_BLOOM)
{
	int fd = keyless_new(k, 4, 1000, ZERO);
	uint32_t value = 3, other = 4;
	unsigned int i;

	keyless_push(fd, &value, 0);
	row("update.flags", "flags EXIST");
	check_ret(map_lookup(fd, NULL, &value, BPFMAP_F_EXIST), -EINVAL,
		  "LOOKUP");
	check_ret(keyless_push(fd, &other, BPFMAP_F_EXIST), -EINVAL, "UPDATE");
	for (i = 0; i < n_keyless_bad_flags; i++) {
		const struct keyless_flags *f = &keyless_bad_flags[i];

		row("update.flags", "flags %s", f->name);
		check_ret(map_lookup(fd, NULL, &value, f->flags), -EINVAL,
			  "LOOKUP");
		check_ret(keyless_push(fd, &other, f->flags), -EINVAL, "UPDATE");
		check_ret(keyless_peek(fd, &other), -ENOENT, "not added");
	}
}

TEST(errors, K_BLOOM)
{
	int fd = keyless_new(k, 4, 1000, ZERO);
	struct buf value = buf_new(4);
	uint32_t got = 7;

	keyless_check_keys(fd, k);
	row("delete.keyless", "what it cannot do");
	check_ret(map_delete(fd, NULL), -EOPNOTSUPP, "DELETE");
	check_ret(map_next_key(fd, NULL, &got), -EOPNOTSUPP, "GET_NEXT_KEY");
	check_ret(keyless_pop(fd, &got), -ENOTSUPP, "LOOKUP_AND_DELETE");
	check_num(got, 7, "nothing came out");
	keyless_check_batches(fd, k);

	row("lookup.bloom", "a look-up reads the value and writes nothing");
	check_ret(keyless_peek(fd, value.p), -ENOENT, "absent");
	check_untouched(&value, "value");
	check_ret(keyless_push(fd, value.p, 0), 0, "UPDATE");
	check_ret(keyless_peek(fd, value.p), 0, "present");
	check_untouched(&value, "value");
	keyless_check_pointers(fd, k);
	keyless_check_modes(k);
}

TEST_MAIN
