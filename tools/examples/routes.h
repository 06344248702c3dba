/* SPDX-License-Identifier: GPL-2.0-only */
/* The route table's format, for its readers */
#ifndef ROUTES_H
#define ROUTES_H

#include <errno.h>
#include <bpfmap.h>

#define ROUTES_PIN "/sys/fs/bpfmap/routes"

/* The family is a part of what is matched: ::/0 is no route for IPv4 */
#define ROUTE_FAMILY_BITS 8

/**
 * struct route_key - a prefix, and an address in a look-up
 * @prefixlen: bits of what follows that count
 * @family: 4 or 6
 * @addr: in network order; of IPv4 the first 4 bytes
 */
struct route_key {
	__u32 prefixlen;
	__u8 family;
	__u8 addr[16];
} __attribute__((packed));

/**
 * struct route - what is said of a prefix
 * @version: of the table
 * @len: length of the prefix, without the family
 * @hop_family: 4 or 6
 * @hop: next hop
 */
struct route {
	__u32 version;
	__u8 len;
	__u8 hop_family;
	__u8 hop[16];
	__u8 pad[2];
};

/*
 * Descriptor of the table that is in force now, or a negative errno. It remains
 * what it is until it is closed, whatever comes after it.
 *
 * User space gets the id of an inner map, and ids are for CAP_SYS_ADMIN. A table
 * that was replaced between the two calls may be gone: then there is a newer one.
 */
static inline int route_table(int outer)
{
	BPFMAP_OPTS(bpfmap_get_fd_by_id_opts, opts,
		    .open_flags = BPFMAP_F_RDONLY);
	const __u32 slot = 0;
	__u32 id;
	int fd;

	do {
		fd = bpfmap_lookup_elem(outer, &slot, &id);
		if (fd)
			return fd;
		fd = bpfmap_get_fd_by_id_opts(id, &opts);
	} while (fd == -ENOENT);
	return fd;
}

#endif /* ROUTES_H */
