// SPDX-License-Identifier: GPL-2.0-only
/*
 * contract_create - MAP_CREATE: every argument, which error comes first, and
 * what the new descriptor and its map info are
 */
#include <sys/resource.h>

#include "contract.h"

#define CLOSED	250		/* closed_fd() */
#define BIT(n)	(1U << (n))

static struct bpfmap_create_attr good(const struct kind *k)
{
	return (struct bpfmap_create_attr){
		.map_type = k->type, .key_size = 4, .value_size = 8,
		.max_entries = 4, .map_flags = k->flags,
	};
}

/* ------------------------------------------------------------------------- */
/* Flags, bit by bit */

/* Accepted with numa_node 0 */
static const uint32_t accepted[N_CLASSES] = {
	[C_HASH] = RIGHTS | BPFMAP_F_NO_PREALLOC | BPFMAP_F_NUMA_NODE |
		   BPFMAP_F_ZERO_SEED | BPFMAP_F_VIEW,
	[C_PCPU_HASH] = RIGHTS | BPFMAP_F_NO_PREALLOC | BPFMAP_F_ZERO_SEED,
	[C_ARRAY] = RIGHTS | BPFMAP_F_NUMA_NODE | BPFMAP_F_MMAPABLE |
		    BPFMAP_F_INNER_MAP,
	[C_PCPU_ARRAY] = RIGHTS,
};

/* Results of LRU types that differ from the hashes of their class */
static int want_flags(const struct kind *k, uint32_t flags, int want)
{
	/* Not in bpf(2) */
	if (backend() == BACKEND_BPF && flags & BPFMAP_F_VIEW)
		return -EINVAL;
	if (!is_lru(k))
		return want;
	if (flags == BPFMAP_F_NO_COMMON_LRU)
		return GOT_FD;
	return flags & BPFMAP_F_NO_PREALLOC && want == GOT_FD ? -ENOTSUPP : want;
}

TEST(flag_bits, K_ALL)
{
	unsigned int bit;

	for (bit = 0; bit < 32; bit++) {
		uint32_t flag = BIT(bit);
		struct bpfmap_create_attr a = good(k);

		row("create.flags", "%s: map_flags bit %u", k->name, bit);
		a.map_flags |= flag;
		check_create(&a, want_flags(k, flag, flag & accepted[k->class] ?
					    GOT_FD : -EINVAL), "");
	}
}

struct combination {
	const char *name;
	uint32_t flags;
	int32_t numa_node;
	int want[N_CLASSES];
};

/* [create.node], [create.percpu_node] */
static const struct combination combinations[] = {
	{ "RDONLY_PROG|WRONLY_PROG", BPFMAP_F_RDONLY_PROG | BPFMAP_F_WRONLY_PROG,
	  0, { -EINVAL, -EINVAL, -EINVAL, -EINVAL } },
	{ "RDONLY|WRONLY", BPFMAP_F_RDONLY | BPFMAP_F_WRONLY, 0,
	  { -EINVAL, -EINVAL, -EINVAL, -EINVAL } },
	{ "NUMA_NODE 0", BPFMAP_F_NUMA_NODE, 0,
	  { GOT_FD, -EINVAL, GOT_FD, -EINVAL } },
	{ "NUMA_NODE -1", BPFMAP_F_NUMA_NODE, -1,
	  { GOT_FD, GOT_FD, GOT_FD, GOT_FD } },
	{ "NUMA_NODE -2", BPFMAP_F_NUMA_NODE, -2,
	  { -EINVAL, -EINVAL, -EINVAL, -EINVAL } },
	{ "NUMA_NODE 1 << 20", BPFMAP_F_NUMA_NODE, 1 << 20,
	  { -EINVAL, -EINVAL, -EINVAL, -EINVAL } },
	{ "numa_node without flag", 0, 77, { GOT_FD, GOT_FD, GOT_FD, GOT_FD } },
	{ "MMAPABLE|INNER_MAP", BPFMAP_F_MMAPABLE | BPFMAP_F_INNER_MAP, 0,
	  { -EINVAL, -EINVAL, GOT_FD, -EINVAL } },
	{ "MMAPABLE|RDONLY_PROG", BPFMAP_F_MMAPABLE | BPFMAP_F_RDONLY_PROG, 0,
	  { -EINVAL, -EINVAL, GOT_FD, -EINVAL } },
	{ "NO_PREALLOC|ZERO_SEED|RDONLY_PROG|RDONLY", BPFMAP_F_NO_PREALLOC |
	  BPFMAP_F_ZERO_SEED | BPFMAP_F_RDONLY_PROG | BPFMAP_F_RDONLY, 0,
	  { GOT_FD, GOT_FD, -EINVAL, -EINVAL } },
	{ "WRONLY_PROG|WRONLY", BPFMAP_F_WRONLY_PROG | BPFMAP_F_WRONLY, 0,
	  { GOT_FD, GOT_FD, GOT_FD, GOT_FD } },
	{ "RDONLY and an unknown bit", BPFMAP_F_RDONLY | BIT(30), 0,
	  { -EINVAL, -EINVAL, -EINVAL, -EINVAL } },
	{ "all bits", UINT32_MAX, 0, { -EINVAL, -EINVAL, -EINVAL, -EINVAL } },
};

TEST(flag_combinations, K_ALL)
{
	size_t i;

	for (i = 0; i < ARRAY_SIZE(combinations); i++) {
		const struct combination *c = &combinations[i];
		struct bpfmap_create_attr a = good(k);

		row("create.flags", "%s: %s", k->name, c->name);
		a.map_flags |= c->flags;
		a.numa_node = c->numa_node;
		check_create(&a, want_flags(k, c->flags, c->want[k->class]), "");
	}
}

/* ------------------------------------------------------------------------- */
/* Sizes: [create.hash], [create.array] */

struct size_row {
	const char *name;
	uint32_t key_size, value_size, max_entries;
	int want[N_CLASSES];
};

#define HASHES(e) { e, e, NO_WANT, NO_WANT }
#define ARRAYS(e) { NO_WANT, NO_WANT, e, e }
#define SAME(e) { e, e, e, e }

static const struct size_row size_rows[] = {
	{ "max_entries 0", 4, 8, 0, SAME(-EINVAL) },
	{ "value_size 0", 4, 0, 4, SAME(-EINVAL) },
	{ "key_size 0", 0, 8, 4, SAME(-EINVAL) },
	{ "all 0", 0, 0, 0, SAME(-EINVAL) },
	{ "all 1", 1, 1, 1, { GOT_FD, GOT_FD, -EINVAL, -EINVAL } },
	{ "key_size 1", 1, 8, 4, ARRAYS(-EINVAL) },
	{ "key_size 3", 3, 8, 4, ARRAYS(-EINVAL) },
	{ "key_size 5", 5, 8, 4, ARRAYS(-EINVAL) },
	{ "key_size 8", 8, 8, 4, ARRAYS(-EINVAL) },
	{ "key_size 2^32 - 1", UINT32_MAX, 8, 4,
	  { -E2BIG, -E2BIG, -EINVAL, -EINVAL } },
	/* EINVAL of a size that is 0 before E2BIG of another */
	{ "max_entries 0, value too large", 4, UINT32_MAX, 0, SAME(-EINVAL) },
	{ "key_size 0, value too large", 0, UINT32_MAX, 4, SAME(-EINVAL) },
	{ "value_size 0, key too large", UINT32_MAX, 0, 4, SAME(-EINVAL) },
	{ "key_size 8, value too large", 8, UINT32_MAX, 4,
	  { -E2BIG, -E2BIG, -EINVAL, -EINVAL } },
	/* an element too large for kmalloc() in bpf(2) */
	{ "key + value over the limit", 4, HASH_OVER - 4, 1, HASHES(-E2BIG) },
	{ "key + value further over it", 4, HASH_OVER - 3, 1, HASHES(-E2BIG) },
	{ "key near the limit", HASH_OVER - 1, 1, 1, HASHES(-E2BIG) },
	{ "key + value at the limit", 4, HASH_OVER - 5, 1,
	  { GOT_FD, -E2BIG, NO_WANT, NO_WANT } },
	{ "large key + value at the limit", HASH_OVER - 9, 8, 1, HASHES(GOT_FD) },
	{ "half and half", HASH_OVER / 2, HASH_OVER / 2, 1, HASHES(-E2BIG) },
	{ "sum is 2^32", 1U << 31, 1U << 31, 1, HASHES(-E2BIG) },
	{ "sum is 2^32 + 8", UINT32_MAX, 9, 1, HASHES(-E2BIG) },
	{ "both 2^32 - 1", UINT32_MAX, UINT32_MAX, 1, HASHES(-E2BIG) },
	/* per-CPU value over 32 KiB */
	{ "value_size 32768", 4, 32768, 1, SAME(GOT_FD) },
	{ "value_size 32761", 4, 32761, 1, SAME(GOT_FD) },
	{ "value_size 32769", 4, 32769, 1,
	  { GOT_FD, -E2BIG, GOT_FD, -E2BIG } },
	{ "value_size 1 MiB", 4, 1U << 20, 1,
	  { GOT_FD, -E2BIG, GOT_FD, -E2BIG } },
	/* array value over 2^31 - 1 */
	{ "value_size 2^31", 4, 1U << 31, 1, ARRAYS(-E2BIG) },
	{ "value_size 2^32 - 1", 4, UINT32_MAX, 1, SAME(-E2BIG) },
	{ "value_size 2^31 x 2^32 - 1", 4, 1U << 31, UINT32_MAX,
	  SAME(-E2BIG) },
	/* more than there can be */
	{ "max_entries 2^31 + 1", 4, 4096, (1U << 31) + 1, HASHES(TOO_BIG) },
	{ "max_entries 2^32 - 1", 4, 8, UINT32_MAX, HASHES(TOO_BIG) },
	{ "max_entries 2^32 - 1, value 1", 4, 1, UINT32_MAX, HASHES(TOO_BIG) },
	{ "max_entries 2^31, value 1 MiB", 4, 1U << 20, 1U << 31,
	  { TOO_BIG, -E2BIG, TOO_BIG, -E2BIG } },
	{ "max_entries 2^30, value 32 KiB", 4, 32768, 1U << 30,
	  { TOO_BIG, TOO_BIG, TOO_BIG, NO_WANT } },
	{ "max_entries 2^32 - 1, value 2^31 - 1", 4, INT32_MAX, UINT32_MAX,
	  { -E2BIG, -E2BIG, TOO_BIG, -E2BIG } },
	{ "max_entries 2^32 - 1, value 32 KiB", 4, 32768, UINT32_MAX,
	  SAME(TOO_BIG) },
};

TEST(sizes, K_ALL)
{
	size_t i;

	for (i = 0; i < ARRAY_SIZE(size_rows); i++) {
		const struct size_row *r = &size_rows[i];
		struct bpfmap_create_attr a = good(k);

		if (r->want[k->class] == NO_WANT)
			continue;
		if (r->want[k->class] == TOO_BIG && !huge_is_safe())
			continue;
		row("create.hash", "%s: %s", k->name, r->name);
		a.key_size = r->key_size;
		a.value_size = r->value_size;
		a.max_entries = r->max_entries;
		check_create(&a, r->want[k->class], "");
	}
}

/* Hash tables have a limit of their own, independent of memory */
TEST(hash_limit, K_HASHES)
{
	struct bpfmap_create_attr a = good(k);

	if (!huge_is_safe())
		return;
	row("create.large", "%s: max_entries 2^31 + 1", k->name);
	a.max_entries = (1U << 31) + 1;
	created(&a, -E2BIG);
	row("create.large", "%s: max_entries 2^27 + 1", k->name);
	a.max_entries = (1U << 27) + 1;
	created(&a, TOO_BIG);
}

/* ------------------------------------------------------------------------- */
/* The other members, and which error comes first */

static const uint8_t hash32[32];

enum excl { NO_EXCL, EXCL, EXCL_BAD };

struct member_row {
	const char *name;
	struct bpfmap_create_attr a;	/* added to that of the kind */
	enum excl excl;
	bool newer;
	int want;
};

#define A(...) { __VA_ARGS__ }
#define TOKEN .map_flags = BPFMAP_F_TOKEN_FD
#define E2BIG_A .value_size = UINT32_MAX	/* [create.sizes] */
#define E2BIG_B .max_entries = UINT32_MAX	/* [create.memory] */
#define BAD_NAME .map_name = "a-b"

static const struct member_row member_rows[] = {
	/* [create.ignored] */
	{ "inner_map_fd is ignored", A(.inner_map_fd = CLOSED), 0, 0, GOT_FD },
	{ "btf_fd is ignored", A(.btf_fd = CLOSED), 0, 0, GOT_FD },
	{ "map_token_fd is ignored", A(.map_token_fd = CLOSED), 0, 1, GOT_FD },
	{ "map_token_fd -1 is ignored", A(.map_token_fd = -1), 0, 1, GOT_FD },
	{ "value_type_btf_obj_fd is ignored",
	  A(.value_type_btf_obj_fd = CLOSED), 0, 1, GOT_FD },
	/* [create.extra], [create.vmlinux], [create.key_type], [create.btf] */
	{ "map_extra", A(.map_extra = 1), 0, 0, -EINVAL },
	{ "map_extra high", A(.map_extra = 1ULL << 63), 0, 0, -EINVAL },
	{ "btf_vmlinux_value_type_id", A(.btf_vmlinux_value_type_id = 1), 0, 0,
	  -EINVAL },
	{ "btf_key_type_id alone", A(.btf_key_type_id = 1), 0, 0, -EINVAL },
	{ "btf_key_type_id alone, closed btf_fd",
	  A(.btf_key_type_id = 1, .btf_fd = CLOSED), 0, 0, -EINVAL },
	{ "btf_value_type_id, closed btf_fd",
	  A(.btf_value_type_id = 1, .btf_fd = CLOSED), 0, 0, -EBADF },
	{ "both type ids, closed btf_fd",
	  A(.btf_key_type_id = 1, .btf_value_type_id = 2, .btf_fd = CLOSED), 0, 0,
	  -EBADF },
	{ "both type ids, btf_fd is not BTF",
	  A(.btf_key_type_id = 1, .btf_value_type_id = 2, .btf_fd = 0), 0, 0,
	  NO_BTF },
	{ "btf_value_type_id, btf_fd is not BTF", A(.btf_value_type_id = 1), 0, 0,
	  NO_BTF },
	/* [create.ifindex], [create.token] */
	{ "map_ifindex", A(.map_ifindex = INT32_MAX), 0, 0, -EINVAL },
	{ "TOKEN_FD, closed", A(TOKEN, .map_token_fd = CLOSED), 0, 1, -EBADF },
	{ "TOKEN_FD, -1", A(TOKEN, .map_token_fd = -1), 0, 1, -EBADF },
	{ "TOKEN_FD, not a token", A(TOKEN), 0, 1, -EINVAL },
	/* [create.excl], [create.excl_read] */
	{ "excl_prog_hash", A(.excl_prog_hash_size = 32), EXCL, 1, GOT_FD },
	{ "excl_prog_hash, size 31", A(.excl_prog_hash_size = 31), EXCL, 1,
	  -EINVAL },
	{ "excl_prog_hash, size 33", A(.excl_prog_hash_size = 33), EXCL, 1,
	  -EINVAL },
	{ "excl_prog_hash, size 0", A(.map_type = 0), EXCL, 1, -EINVAL },
	{ "bad excl_prog_hash", A(.excl_prog_hash_size = 32), EXCL_BAD, 1,
	  -EFAULT },
	{ "bad excl_prog_hash, size 31", A(.excl_prog_hash_size = 31), EXCL_BAD, 1,
	  -EINVAL },
	{ "excl_prog_hash_size alone", A(.excl_prog_hash_size = 32), 0, 1,
	  -EINVAL },
	{ "name", A(BAD_NAME), 0, 0, -EINVAL },
	/* [create.vmlinux] to [create.type] before [create.sizes] */
	{ "btf_vmlinux_value_type_id before sizes",
	  A(.btf_vmlinux_value_type_id = 1, E2BIG_A), 0, 0, -EINVAL },
	{ "btf_key_type_id alone before sizes", A(.btf_key_type_id = 1, E2BIG_A),
	  0, 0, -EINVAL },
	{ "map_extra before sizes", A(.map_extra = 1, E2BIG_A), 0, 0, -EINVAL },
	{ "NUMA node before sizes", A(.map_flags = BPFMAP_F_NUMA_NODE,
	  .numa_node = 1 << 20, E2BIG_A), 0, 0, -EINVAL },
	{ "flags before sizes", A(.map_flags = BIT(30), E2BIG_A), 0, 0, -EINVAL },
	/* [create.sizes] before all that follow */
	{ "sizes before map_ifindex", A(E2BIG_A, .map_ifindex = INT32_MAX), 0, 0,
	  -E2BIG },
	{ "sizes before token", A(E2BIG_A, TOKEN, .map_token_fd = CLOSED), 0, 1,
	  -E2BIG },
	{ "sizes before name", A(E2BIG_A, BAD_NAME), 0, 0, -E2BIG },
	{ "sizes before btf_fd", A(E2BIG_A, .btf_value_type_id = 1,
	  .btf_fd = CLOSED), 0, 0, -E2BIG },
	{ "sizes before RDONLY|WRONLY", A(E2BIG_A, .map_flags = BPFMAP_F_RDONLY |
	  BPFMAP_F_WRONLY), 0, 1, -E2BIG },
	/* [create.token] before [create.memory] */
	{ "token before allocation", A(E2BIG_B, TOKEN, .map_token_fd = CLOSED), 0,
	  1, -EBADF },
	/* [create.memory] before [create.name] to [create.modes] */
	{ "allocation before name", A(E2BIG_B, BAD_NAME), 0, 0, TOO_BIG },
	{ "allocation before btf_fd", A(E2BIG_B, .btf_value_type_id = 1,
	  .btf_fd = CLOSED), 0, 0, TOO_BIG },
	{ "allocation before excl_prog_hash", A(E2BIG_B,
	  .excl_prog_hash_size = 32), EXCL_BAD, 1, TOO_BIG },
	{ "allocation before RDONLY|WRONLY", A(E2BIG_B, .map_flags =
	  BPFMAP_F_RDONLY | BPFMAP_F_WRONLY), 0, 1, TOO_BIG },
	/* each of [create.name] to [create.modes] before the next */
	{ "name before btf_fd", A(BAD_NAME, .btf_value_type_id = 1,
	  .btf_fd = CLOSED), 0, 0, -EINVAL },
	{ "name before excl_prog_hash", A(BAD_NAME, .excl_prog_hash_size = 32),
	  EXCL_BAD, 1, -EINVAL },
	{ "btf_fd before excl_prog_hash", A(.btf_value_type_id = 1,
	  .btf_fd = CLOSED, .excl_prog_hash_size = 32), EXCL_BAD, 1, -EBADF },
	{ "btf_fd before RDONLY|WRONLY", A(.btf_value_type_id = 1,
	  .btf_fd = CLOSED, .map_flags = BPFMAP_F_RDONLY | BPFMAP_F_WRONLY), 0, 1,
	  -EBADF },
	{ "excl_prog_hash before RDONLY|WRONLY", A(.excl_prog_hash_size = 32,
	  .map_flags = BPFMAP_F_RDONLY | BPFMAP_F_WRONLY), EXCL_BAD, 1, -EFAULT },
};

/* Members of a row are 0 unless it is about them */
static struct bpfmap_create_attr merged(const struct kind *k, const struct member_row *r)
{
	uint32_t type = k->type, flags = k->flags | r->a.map_flags;
	struct bpfmap_create_attr a = r->a;

	a.map_type = type;
	a.map_flags = flags;
	a.key_size = 4;
	if (!a.value_size)
		a.value_size = 8;
	if (!a.max_entries)
		a.max_entries = 4;
	if (r->excl == EXCL)
		a.excl_prog_hash = PTR(hash32);
	else if (r->excl == EXCL_BAD)
		a.excl_prog_hash = PTR(bad_ptr());
	return a;
}

TEST(members, K_ALL)
{
	size_t i;

	for (i = 0; i < ARRAY_SIZE(member_rows); i++) {
		const struct member_row *r = &member_rows[i];
		struct bpfmap_create_attr a = merged(k, r);

		if (r->newer && !since(7, 3))
			continue;
		if (r->want == TOO_BIG && !huge_is_safe())
			continue;
		/* In an array, 2^32 - 1 elements of 8 bytes might fit */
		if (a.max_entries == UINT32_MAX && k->class == C_ARRAY)
			a.value_size = 1U << 30;
		row("create.order", "%s: %s", k->name, r->name);
		check_create(&a, r->want, "");
	}
}

/* ------------------------------------------------------------------------- */
/* map_name */

static const struct name_row {
	char given[BPFMAP_NAME_LEN + 1];
	char reported[BPFMAP_NAME_LEN];
	int want;
} name_rows[] = {
	{ "", "", GOT_FD },
	{ "a", "a", GOT_FD },
	{ "Z_9.x", "Z_9.x", GOT_FD },
	{ "fifteen_chars_x", "fifteen_chars_x", GOT_FD },
	{ "sixteen_chars_xx", "", -EINVAL },
	{ "...............", "...............", GOT_FD },
	{ "ab\0-!/", "ab", GOT_FD },
	{ "\0\xff", "", GOT_FD },
	{ "a b", "", -EINVAL },
	{ "a-b", "", -EINVAL },
	{ "a/b", "", -EINVAL },
	{ "fourteen_chars-", "", -EINVAL },
	{ "-", "", -EINVAL },
	{ "\n", "", -EINVAL },
};

TEST(names, K_ALL)
{
	size_t i;

	for (i = 0; i < ARRAY_SIZE(name_rows); i++) {
		const struct name_row *r = &name_rows[i];
		struct bpfmap_create_attr a = good(k);

		row("create.name", "%s: name row %zu \"%s\"", k->name, i, r->given);
		memcpy(a.map_name, r->given, BPFMAP_NAME_LEN);
		check_create(&a, r->want, r->reported);
	}
}

/* The kernel's isalnum() knows Latin-1 */
static bool name_char(unsigned int c)
{
	return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') ||
	       (c >= 'A' && c <= 'Z') || c == '_' || c == '.' ||
	       (c >= 0xc0 && c <= 0xff && c != 0xd7 && c != 0xf7);
}

TEST(name_chars, K_HASH | K_ARRAY)
{
	unsigned int c;

	for (c = 1; c < 256; c++) {
		struct bpfmap_create_attr a = good(k);
		char name[3] = { 'x', c, 0 };

		row("create.name", "%s: name with character %#x", k->name, c);
		memcpy(a.map_name, name, 3);
		check_create(&a, name_char(c) ? GOT_FD : -EINVAL, name);
	}
}

TEST(names_are_not_unique, K_ALL)
{
	struct bpfmap_create_attr a = good(k);
	int one, two;

	row("create.names", "%s: one name twice", k->name);
	strcpy(a.map_name, "same");
	one = created(&a, GOT_FD);
	two = created(&a, GOT_FD);
	check_info(one, &a, "same");
	check_info(two, &a, "same");
	check(map_id(one) != map_id(two), "two ids");
}

/* ------------------------------------------------------------------------- */
/* Types, descriptors */

/* Numbers between those of the list: contract_types */
TEST(types, 0)
{
	static const uint32_t unknown[] = { 0, 64, 255, 1U << 31, UINT32_MAX };
	size_t i;

	for (i = 0; i < ARRAY_SIZE(unknown); i++) {
		struct bpfmap_create_attr a = good(&kinds[0]);

		row("create.type", "map_type %u", unknown[i]);
		a.map_type = unknown[i];
		created(&a, -EINVAL);
	}
}

TEST(too_many_files, K_ALL)
{
	struct rlimit old, few;
	struct bpfmap_create_attr a = good(k);
	uint32_t before, after;
	int fd;

	row("create.fds", "%s: no descriptor left", k->name);
	fd = created(&a, GOT_FD);
	before = map_id(fd);
	close(fd);
	getrlimit(RLIMIT_NOFILE, &old);
	few = old;
	few.rlim_cur = lowest_fd();
	setrlimit(RLIMIT_NOFILE, &few);
	created(&a, -EMFILE);
	strcpy(a.map_name, "a-b");
	/* The name before EMFILE, sizes before the name */
	created(&a, -EINVAL);
	a.max_entries = 0;
	created(&a, -EINVAL);
	setrlimit(RLIMIT_NOFILE, &old);
	a = good(k);
	fd = created(&a, GOT_FD);
	after = map_id(fd);
	check(after > before, "id %u after %u", after, before);
}

/* Contents are as in any other map: descriptors limit access, flags do not */
TEST(modes, K_ALL)
{
	static const struct {
		const char *name;
		uint32_t flags;
		int lookup, update;
	} rows[] = {
		{ "RDONLY", BPFMAP_F_RDONLY, 0, -EPERM },
		{ "WRONLY", BPFMAP_F_WRONLY, -EPERM, 0 },
		{ "RDONLY_PROG", BPFMAP_F_RDONLY_PROG, 0, 0 },
		{ "WRONLY_PROG", BPFMAP_F_WRONLY_PROG, 0, 0 },
	};
	size_t i;

	for (i = 0; i < ARRAY_SIZE(rows); i++) {
		int fd = map_new(k, 4, 8, 4, rows[i].flags), other;
		struct buf value = buf_new(user_value_size(k, 8));
		uint32_t key = 1;

		row("create.result", "%s created with %s", k->name,
		    rows[i].name);
		check_ret(fd, GOT_FD, "MAP_CREATE");
		check_ret(map_update(fd, &key, value.p, 0), rows[i].update,
			  "UPDATE");
		/* Another descriptor of it may be open for more: [id.mode] */
		other = map_get_fd_by_id(map_id(fd), 0);
		check_ret(other, GOT_FD, "GET_FD_BY_ID");
		check_ret(map_update(other, &key, value.p, 0), 0, "UPDATE there");
		check_ret(map_lookup(fd, &key, value.p, 0), rows[i].lookup,
			  "LOOKUP");
		check_ret(map_lookup(other, &key, value.p, 0), 0, "LOOKUP there");
		buf_free(&value);
		close(other);
		close(fd);
	}
}

TEST_MAIN
