/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef SOURCES_H
#define SOURCES_H

#include <linux/in6.h>
#include <linux/types.h>

/* Names of the maps */
#define SOURCES_MAP	"sources"	/* PERCPU_HASH: key -> sources_count */
#define SOURCES_RECENT	"recent"	/* LRU_HASH: key -> __u64 */

/**
 * struct sources_key - a source of packets
 * @addr: an IPv6 address, or ::ffff:A.B.C.D for an IPv4 one
 * @netns: inode number of the network namespace that receives, as in
 *	   /proc/PID/ns/net; 0 with the address :: for all that found no room
 */
struct sources_key {
	struct in6_addr addr;
	__u32 netns;
};

/**
 * struct sources_count - what has come, on one CPU
 * @packets: how many
 * @bytes: with their IP headers
 */
struct sources_count {
	__u64 packets;
	__u64 bytes;
};

/* The value in SOURCES_RECENT: nanoseconds since boot, when the last one came */

#endif /* SOURCES_H */
