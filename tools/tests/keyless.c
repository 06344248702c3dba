// SPDX-License-Identifier: GPL-2.0-only
/*
 * keyless - see keyless.h
 */
#include "keyless.h"

#define BIG	KMALLOC_MAX

const struct create_case keyless_creates[] = {
	{ "smallest", SHAPE(0, 1, 1, 0), GOT_FD },
	{ "key_size 1", SHAPE(1, 4, 4, 0), -EINVAL },
	{ "key_size 4", SHAPE(4, 4, 4, 0), -EINVAL },
	{ "value_size 0", SHAPE(0, 0, 4, 0), -EINVAL },
	{ "max_entries 0", SHAPE(0, 4, 0, 0), -EINVAL },
	{ "largest value", SHAPE(0, BIG, 1, 0), GOT_FD },
	{ "a larger value", SHAPE(0, BIG + 1, 1, 0), -E2BIG },
	{ "value 2^32 - 1", SHAPE(0, UINT32_MAX, 1, 0), -E2BIG },
};

const unsigned int n_keyless_creates = ARRAY_SIZE(keyless_creates);

const struct keyless_flags keyless_bad_flags[] = {
	{ "NOEXIST", BPFMAP_F_NOEXIST },
	{ "NOEXIST|EXIST", BPFMAP_F_NOEXIST | BPFMAP_F_EXIST },
	{ "LOCK", BPFMAP_F_LOCK },
	{ "LOCK|EXIST", BPFMAP_F_LOCK | BPFMAP_F_EXIST },
	{ "CPU", BPFMAP_F_CPU },
	{ "ALL_CPUS", BPFMAP_F_ALL_CPUS },
	{ "32", 32 },
	{ "bit 31", 1U << 31 },
	{ "bit 32", 1ULL << 32 },
	{ "bit 32 and EXIST", 1ULL << 32 | BPFMAP_F_EXIST },
	{ "all", ~0ULL },
};

const unsigned int n_keyless_bad_flags = ARRAY_SIZE(keyless_bad_flags);

int keyless_new(const struct kind *k, uint32_t value_size, uint32_t max_entries,
		uint32_t flags)
{
	return map_new(k, 0, value_size, max_entries, flags);
}

int keyless_push(int fd, const void *value, uint64_t flags)
{
	return map_update(fd, NULL, value, flags);
}

int keyless_peek(int fd, void *value)
{
	return map_lookup(fd, NULL, value, 0);
}

int keyless_pop(int fd, void *value)
{
	return map_elem(LAD, fd, NULL, value, 0);
}

void keyless_check_keys(int fd, const struct kind *k)
{
	static const int cmds[] = { LOOKUP, UPDATE, DELETE, NEXT, LAD };
	struct buf key = buf_new(8), value = buf_new(8);
	size_t i;

	for (i = 0; i < ARRAY_SIZE(cmds); i++) {
		void *v = cmds[i] == DELETE ? NULL : value.p;

		row("copy.keyless", "%s: command %d with a key", k->name, cmds[i]);
		check_ret(map_elem(cmds[i], fd, key.p, v, 0), -EINVAL, "key");
		check_ret(map_elem(cmds[i], fd, key.p, NULL, 0), -EINVAL,
			  "no value");
		check_ret(map_elem(cmds[i], fd, bad_ptr(), v, 0), -EINVAL,
			  "bad key");
	}
	check_untouched(&key, "key");
	check_untouched(&value, "value");
}

void keyless_check_batches(int fd, const struct kind *k)
{
	static const int cmds[] = { LB, LADB, UB, DB };
	uint64_t cursor = 0, data = 5;
	size_t i;

	for (i = 0; i < 2 * ARRAY_SIZE(cmds); i++) {
		struct batch b = { .out = &cursor, .values = &data,
				   .count = i & 1 };

		row("batch.type", "%s: batch command %d, count %zu", k->name,
		    cmds[i / 2], i & 1);
		check_ret(map_batch(cmds[i / 2], fd, &b), -ENOTSUPP, "result");
		check_num(b.count, i & 1, "count");
	}
	check_num(data, 5, "values");
}

void keyless_check_pointers(int fd, const struct kind *k)
{
	row("copy.in", "%s: bad pointers", k->name);
	check_ret(keyless_peek(fd, bad_ptr()), -EFAULT, "LOOKUP");
	check_ret(keyless_peek(fd, NULL), -EFAULT, "LOOKUP NULL");
	check_ret(keyless_push(fd, bad_ptr(), 0), -EFAULT, "UPDATE");
	check_ret(keyless_push(fd, NULL, 0), -EFAULT, "UPDATE NULL");
	check_ret(keyless_push(fd, bad_ptr(), 1), -EFAULT, "before flags");
}

void keyless_check_modes(const struct kind *k)
{
	bool takes = k->type != BPFMAP_TYPE_BLOOM_FILTER;
	uint8_t value[4] = { 1 };
	int fd;

	row("fd.access", "%s: RDONLY", k->name);
	fd = keyless_new(k, sizeof(value), 2, BPFMAP_F_RDONLY);
	check_ret(keyless_push(fd, value, 0), -EPERM, "UPDATE");
	check_ret(map_delete(fd, NULL), -EPERM, "DELETE");
	if (takes)
		check_ret(keyless_pop(fd, value), -EPERM, "LOOKUP_AND_DELETE");
	check_ret(keyless_peek(fd, value), -ENOENT, "LOOKUP");
	close(fd);

	row("fd.access", "%s: WRONLY", k->name);
	fd = keyless_new(k, sizeof(value), 2, BPFMAP_F_WRONLY);
	check_ret(keyless_push(fd, value, 0), 0, "UPDATE");
	if (takes)
		check_ret(keyless_pop(fd, value), -EPERM, "LOOKUP_AND_DELETE");
	check_ret(keyless_peek(fd, value), -EPERM, "LOOKUP");
	check_ret(map_next_key(fd, NULL, value), -EPERM, "GET_NEXT_KEY");
	close(fd);

	row("fd.frozen", "%s: frozen", k->name);
	fd = keyless_new(k, sizeof(value), 2, 0);
	check_ret(keyless_push(fd, value, 0), 0, "UPDATE");
	check_ret(map_freeze(fd), 0, "FREEZE");
	check_ret(map_freeze(fd), since(6, 12) ? -EPERM : -EBUSY,
		  "FREEZE again");
	check_ret(keyless_push(fd, value, 0), -EPERM, "UPDATE");
	if (takes)
		check_ret(keyless_pop(fd, value), -EPERM, "LOOKUP_AND_DELETE");
	check_ret(keyless_peek(fd, value), 0, "LOOKUP");
	close(fd);
}
