/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * keyless - shared by the tests of maps without keys
 */
#ifndef BPFMAP_TESTS_KEYLESS_H
#define BPFMAP_TESTS_KEYLESS_H

#include "common.h"

static inline int keyless_new(uint32_t type, uint32_t value_size,
			      uint32_t max_entries, uint32_t flags,
			      uint64_t extra)
{
	union attr a = { .create = {
		.map_type = type,
		.value_size = value_size,
		.max_entries = max_entries,
		.map_flags = flags,
		.map_extra = extra,
	} };

	return sys_map(BPFMAP_CMD_MAP_CREATE, &a, sizeof(a));
}

static inline int keyless_push(int fd, const void *value, uint64_t flags)
{
	return map_update(fd, NULL, value, flags);
}

static inline int keyless_peek(int fd, void *value)
{
	return map_lookup(fd, NULL, value, 0);
}

static inline int keyless_pop(int fd, void *value)
{
	return map_elem(BPFMAP_CMD_MAP_LOOKUP_AND_DELETE_ELEM, fd, NULL, value,
			0);
}

/* A command on a map that has no batches: 524, whatever the arguments */
static inline void keyless_check_batches(int fd)
{
	static const int cmds[] = {
		BPFMAP_CMD_MAP_LOOKUP_BATCH,
		BPFMAP_CMD_MAP_LOOKUP_AND_DELETE_BATCH,
		BPFMAP_CMD_MAP_UPDATE_BATCH, BPFMAP_CMD_MAP_DELETE_BATCH,
	};
	uint32_t count;
	size_t i;

	for (i = 0; i < ARRAY_SIZE(cmds); i++) {
		for (count = 0; count < 2; count++) {
			union attr a = { .batch = { .map_fd = fd,
						    .count = count } };

			check_ret(sys_map(cmds[i], &a, sizeof(a)), -ENOTSUPP,
				  "command %d, count %u", cmds[i], count);
			check_num(a.batch.count, count, "count");
		}
	}
}

/* A map of @type made read-only or write-only, and frozen: permissions */
static inline void keyless_check_modes(uint32_t type)
{
	uint8_t value[4] = { 1 };
	int fd;

	row("fd.access", "RDONLY");
	fd = keyless_new(type, sizeof(value), 2, BPFMAP_F_RDONLY, 0);
	check_ret(keyless_push(fd, value, 0), -EPERM, "UPDATE");
	check_ret(map_delete(fd, NULL), -EPERM, "DELETE");
	check_ret(keyless_pop(fd, value), -EPERM, "LOOKUP_AND_DELETE");
	check_ret(keyless_peek(fd, value), -ENOENT, "LOOKUP");
	close(fd);

	row("fd.access", "WRONLY");
	fd = keyless_new(type, sizeof(value), 2, BPFMAP_F_WRONLY, 0);
	check_ret(keyless_push(fd, value, 0), 0, "UPDATE");
	check_ret(keyless_pop(fd, value), -EPERM, "LOOKUP_AND_DELETE");
	check_ret(keyless_peek(fd, value), -EPERM, "LOOKUP");
	close(fd);

	row("fd.frozen", "frozen");
	fd = keyless_new(type, sizeof(value), 2, 0, 0);
	check_ret(keyless_push(fd, value, 0), 0, "UPDATE");
	check_ret(map_freeze(fd), 0, "FREEZE");
	check_ret(map_freeze(fd), since(6, 12) ? -EPERM : -EBUSY,
		  "FREEZE again");
	check_ret(keyless_push(fd, value, 0), -EPERM, "UPDATE");
	check_ret(keyless_pop(fd, value), -EPERM, "LOOKUP_AND_DELETE");
	check_ret(keyless_peek(fd, value), 0, "LOOKUP");
	close(fd);
}

#endif /* BPFMAP_TESTS_KEYLESS_H */
