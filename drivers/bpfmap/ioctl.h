/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef _BPFMAP_IOCTL_H
#define _BPFMAP_IOCTL_H

#include "internal.h"

/**
 * struct bpfmap_call - a command being executed
 * @map: the map that the attr names, if the command needs one; a descriptor
 *	 holds it while the command runs
 * @mode: of that descriptor; set only for commands with NEEDS_MODE
 * @uattr: the caller's attr, for outputs inside it
 * @attr: kernel copy; members that the caller left out are zero
 */
struct bpfmap_call {
	struct bpfmap *map;
	fmode_t mode;
	void __user *uattr;
	union {
#define BPFMAP_ATTR(name) struct bpfmap_##name##_attr name;
#include <linux/bpfmap_cmds.h>
#undef BPFMAP_ATTR
		u8 raw[BPFMAP_ATTR_SIZE];
	} attr;
};

/* ioctl_elem.c */
long cmd_lookup(struct bpfmap_call *call);
long cmd_update(struct bpfmap_call *call);
long cmd_delete(struct bpfmap_call *call);
long cmd_get_next_key(struct bpfmap_call *call);
int check_lookup_and_delete(const struct bpfmap_call *call);
long cmd_lookup_and_delete(struct bpfmap_call *call);

#endif /* _BPFMAP_IOCTL_H */
