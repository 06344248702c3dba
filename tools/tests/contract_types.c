// SPDX-License-Identifier: GPL-2.0-only
/*
 * contract_types - each row of the list of map types is what the device does: it
 * accepts the sizes and flags of the row and refuses all others
 */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common.h"
#include "map_types.h"

/* Of each size only whether it is accepted: for the errnos see contract_create */
struct size {
	uint32_t size;
	int want;
};

static const struct size key_sizes[][6] = {
	[KEYS_NONE] = { { 0, GOT_FD }, { 1, -EINVAL }, { 4, -EINVAL } },
	[KEYS_BYTES] = { { 0, -EINVAL }, { 1, GOT_FD }, { 13, GOT_FD },
			 { 65536, GOT_FD } },
	[KEYS_SHORT] = { { 0, -EINVAL }, { 1, GOT_FD }, { 13, GOT_FD },
			 { 65535, GOT_FD }, { 65536, -E2BIG } },
	[KEYS_INDEX] = { { 0, -EINVAL }, { 3, -EINVAL }, { 4, GOT_FD },
			 { 8, -EINVAL } },
	[KEYS_PREFIX] = { { 0, -EINVAL }, { 4, -EINVAL }, { 5, GOT_FD },
			  { 260, GOT_FD }, { 261, -EINVAL } },
};

static const struct size value_sizes[][6] = {
	[VALUES_NONE] = { { 0, GOT_FD }, { 1, -EINVAL }, { 4, -EINVAL } },
	[VALUES_BYTES] = { { 0, -EINVAL }, { 1, GOT_FD }, { 13, GOT_FD },
			   { 32769, GOT_FD } },
	[VALUES_PERCPU] = { { 0, -EINVAL }, { 1, GOT_FD }, { 13, GOT_FD },
			    { 32768, GOT_FD }, { 32769, -E2BIG } },
	[VALUES_MAPS] = { { 0, -EINVAL }, { 3, -EINVAL }, { 4, GOT_FD },
			  { 8, -EINVAL } },
};

static union attr ordinary(const struct type_row *t)
{
	union attr a = { .create = type_row_attr(t) };

	/* A node that all types accept */
	a.create.numa_node = -1;
	if (t->values == VALUES_MAPS)
		a.create.inner_map_fd = map_new(&kinds[0], 4, 8, 4, 0);
	return a;
}

static int created(const union attr *a, int want, const char *what)
{
	union attr copy = *a;
	int fd = sys_map(BPFMAP_CMD_MAP_CREATE, &copy, sizeof(copy));

	check_ret(fd, want, "%s", what);
	return fd;
}

static void try(const union attr *a, int want, const char *what)
{
	int fd = created(a, want, what);

	if (fd >= 0)
		close(fd);
}

TEST(numbers, 0)
{
	for (uint32_t type = 0; type < 256; type++) {
		union attr a = { .create = {
			.map_type = type, .key_size = 4, .value_size = 8,
			.max_entries = 4,
		} };

		if (type_row(type) || backend() == BACKEND_BPF)
			continue;
		row("create.type", "map_type %u", type);
		try(&a, -EINVAL, "MAP_CREATE");
		a.create.value_size = UINT32_MAX;
		try(&a, -EINVAL, "MAP_CREATE with a value that is too large");
	}
}

static void sizes_of(const struct type_row *t)
{
	union attr a = ordinary(t), with;
	const struct size *s;

	for (s = key_sizes[t->keys]; s->want; s++) {
		row("create.sizes", "%s: key_size %u", t->NAME, s->size);
		with = a;
		with.create.key_size = s->size;
		try(&with, s->want, "MAP_CREATE");
	}
	for (s = value_sizes[t->values]; s->want; s++) {
		row("create.sizes", "%s: value_size %u", t->NAME, s->size);
		with = a;
		with.create.value_size = s->size;
		try(&with, s->want, "MAP_CREATE");
	}
	row("create.sizes", "%s: no entries", t->NAME);
	with = a;
	with.create.max_entries = 0;
	try(&with, -EINVAL, "MAP_CREATE");
	row("create.sizes", "%s: 4097 entries", t->NAME);
	with.create.max_entries = 4097;
	try(&with, t->props & BPFMAP_T_RING ? -EINVAL : GOT_FD, "MAP_CREATE");
	row("create.extra", "%s: map_extra", t->NAME);
	with = a;
	with.create.map_extra = t->values == VALUES_NONE ? 1 << 20 : 1;
	try(&with, t->props & BPFMAP_T_EXTRA ? GOT_FD : -EINVAL, "MAP_CREATE");
}

static void flag_of(const struct type_row *t, uint32_t flag)
{
	union attr a = ordinary(t);
	int want = -EINVAL;

	row("create.flags", "%s: flag %#x", t->NAME, flag);
	if (t->may & flag)
		want = GOT_FD;
	/* An array of words has no view, and bpf(2) has none: contract_view */
	if (flag == BPFMAP_F_VIEW &&
	    (t->keys == KEYS_INDEX || backend() == BACKEND_BPF))
		want = -EINVAL;
	/* Its memory is preallocated, as bpf(2) says it */
	else if (t->props & BPFMAP_T_EVICTS && flag == BPFMAP_F_NO_PREALLOC)
		want = -ENOTSUPP;
	if (t->must & flag) {
		a.create.map_flags &= ~flag;
		try(&a, -EINVAL, "without it");
		return;
	}
	a.create.map_flags |= flag;
	try(&a, want, "with it");
}

static void check_reported(const struct type_row *t)
{
	union attr a = ordinary(t);
	int fd = created(&a, GOT_FD, "MAP_CREATE");
	struct bpfmap_info info;

	check_ret(map_info(fd, &info), 0, "OBJ_GET_INFO_BY_FD");
	check_num(info.type, t->type, "type");
	check_num(info.map_flags, t->must, "map_flags");
	check_num(info.key_size, a.create.key_size, "key_size");
	check_num(info.value_size, a.create.value_size, "value_size");
	close(fd);
}

static void check_cursor(const struct type_row *t)
{
	union attr a = ordinary(t);
	int fd = created(&a, GOT_FD, "MAP_CREATE"), ret;
	struct buf cursor = buf_new(8), keys = buf_new(16 * 8);
	struct buf values = buf_new(16 * 8 * n_cpus());
	union attr b = { .batch = {
		.out_batch = PTR(cursor.p), .keys = PTR(keys.p),
		.values = PTR(values.p), .count = 8, .map_fd = fd,
	} };

	ret = sys_map(BPFMAP_CMD_MAP_LOOKUP_BATCH, &b, sizeof(b));
	if (t->cursor == CURSOR_NONE)
		check_ret(ret, -ENOTSUPP, "LOOKUP_BATCH");
	else if (t->keys == KEYS_INDEX && t->values != VALUES_MAPS)
		check_ret(ret, 0, "LOOKUP_BATCH");
	else
		check_ret(ret, -ENOENT, "LOOKUP_BATCH of an empty map");
	buf_free(&cursor);
	buf_free(&keys);
	buf_free(&values);
	close(fd);
}

TEST(rows, 0)
{
	for (size_t i = 0; i < N_TYPE_ROWS; i++) {
		const struct type_row *t = &type_rows[i];

		if (!since(t->since / 100, t->since % 100))
			continue;
		if (!is_here(t)) {
			row("create.arena", "%s, with 32 bits", t->NAME);
			try(&(union attr){ .create = type_row_attr(t) }, -EINVAL,
			    "MAP_CREATE");
			continue;
		}
		row("create.result", "%s", t->NAME);
		check_reported(t);
		row("batch.type", "%s", t->NAME);
		check_cursor(t);
		sizes_of(t);
		for (int bit = 0; bit < 32; bit++)
			/* Of descriptors, not of maps: contract_create */
			if (1U << bit != BPFMAP_F_TOKEN_FD)
				flag_of(t, 1U << bit);
	}
}

TEST_MAIN
