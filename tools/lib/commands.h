/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * The commands of <linux/bpfmap_cmds.h> as a table, and any attr, for everything
 * under tools. Not installed.
 */
#ifndef __BPFMAP_LIB_COMMANDS_H
#define __BPFMAP_LIB_COMMANDS_H

#include <stddef.h>
#include <stdint.h>
#include <linux/bpfmap.h>

/* Define it first for attrs that are too large */
#ifndef ATTR_ROOM
#define ATTR_ROOM BPFMAP_ATTR_SIZE
#endif

union attr {
#define BPFMAP_ATTR(name) struct bpfmap_##name##_attr name;
#include "../../include/linux/bpfmap_cmds.h"
#undef BPFMAP_ATTR
	uint8_t raw[ATTR_ROOM];
};

/* A row of the list */
struct command_row {
	const char *NAME;
	unsigned int nr;
	unsigned int sends;	/* bytes of attr that libbpf sends */
	unsigned int size;	/* end of the last member */
	int fd_at;		/* map's descriptor in the attr; -1: none */
};

#define __COMMAND_ROW(NAME, type, last, fd)				\
	{ #NAME, BPFMAP_CMD_##NAME, _IOC_SIZE(BPFMAP_##NAME),		\
	  offsetof(struct bpfmap_##type##_attr, last) +			\
	  sizeof(((struct bpfmap_##type##_attr *)0)->last), fd },

static const struct command_row command_rows[] = {
#define BPFMAP_COMMAND(NAME, type, last) __COMMAND_ROW(NAME, type, last, -1)
#define BPFMAP_MAP_COMMAND(NAME, type, last, fd)			\
	__COMMAND_ROW(NAME, type, last, offsetof(struct bpfmap_##type##_attr, fd))
#include "../../include/linux/bpfmap_cmds.h"
#undef BPFMAP_COMMAND
#undef BPFMAP_MAP_COMMAND
};

/* COMMAND_ROW_NAME: its index */
enum {
#define BPFMAP_COMMAND(NAME, ...) COMMAND_ROW_##NAME,
#define BPFMAP_MAP_COMMAND(NAME, ...) COMMAND_ROW_##NAME,
#include "../../include/linux/bpfmap_cmds.h"
#undef BPFMAP_COMMAND
#undef BPFMAP_MAP_COMMAND
	N_COMMAND_ROWS
};

/* NULL: the device has no such command */
static inline const struct command_row *command_row(unsigned int nr)
{
	for (size_t i = 0; i < N_COMMAND_ROWS; i++)
		if (command_rows[i].nr == nr)
			return &command_rows[i];
	return NULL;
}

#endif /* __BPFMAP_LIB_COMMANDS_H */
