/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef ARENA_LIST_H
#define ARENA_LIST_H

#include <linux/ioctl.h>
#include <linux/types.h>

/**
 * struct arena_node - an element of the list, in the arena
 * @next: user address of the next one, 0 at the end
 * @value: what it is about
 */
struct arena_node {
	__u64 next;
	__u64 value;
};

/**
 * struct arena_list - argument of the ioctls of /dev/bpfmap_arena_list
 * @map_fd: descriptor of a mapped arena
 * @nr: nodes to add, at the front, or pages to free
 * @at: in: user address of the list's first node, 0 for none, or of the pages
 *	to free; out: of the new first node
 * @value: in: the first new node's value, one more for each further one;
 *	   out: sum of the values of all nodes
 */
struct arena_list {
	__u32 map_fd;
	__u32 nr;
	__u64 at;
	__u64 value;
};

#define ARENA_LIST_ADD	_IOWR('a', 0x01, struct arena_list)
#define ARENA_LIST_SUM	_IOWR('a', 0x02, struct arena_list)
#define ARENA_LIST_FREE	_IOWR('a', 0x03, struct arena_list)

#endif /* ARENA_LIST_H */
