// SPDX-License-Identifier: GPL-2.0-only
/*
 * Prints what the module bpfmap_sources has counted: packets, bytes, network
 * namespace and address of each source. The argument is where the map is pinned:
 *
 *	bpfmapctl map pin name sources /sys/fs/bpfmap/sources
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <arpa/inet.h>
#include <bpfmap.h>

#include "module/sources.h"

#define BATCH 1024

static void print_source(const struct sources_key *key,
			 const struct sources_count *counts, int cpus)
{
	const struct in6_addr *addr = (const void *)&key->addr;
	struct sources_count sum = { 0 };
	char text[INET6_ADDRSTRLEN];

	for (int cpu = 0; cpu < cpus; cpu++) {
		sum.packets += counts[cpu].packets;
		sum.bytes += counts[cpu].bytes;
	}
	if (!key->netns)
		snprintf(text, sizeof(text), "others");
	else if (IN6_IS_ADDR_V4MAPPED(addr))
		inet_ntop(AF_INET, &addr->s6_addr[12], text, sizeof(text));
	else
		inet_ntop(AF_INET6, addr, text, sizeof(text));
	printf("%llu %llu %u %s\n", sum.packets, sum.bytes, key->netns, text);
}

int main(int argc, char **argv)
{
	BPFMAP_OPTS(bpfmap_obj_get_opts, opts, .file_flags = BPFMAP_F_RDONLY);
	const char *path = argc > 1 ? argv[1] : "/sys/fs/bpfmap/sources";
	int cpus = bpfmap_num_possible_cpus();
	int map = bpfmap_obj_get_opts(path, &opts);
	struct sources_key *keys = calloc(BATCH, sizeof(*keys));
	/* A value of 16 bytes for each CPU, one after the other */
	struct sources_count *counts =
		cpus < 0 ? NULL : calloc(BATCH * cpus, sizeof(*counts));
	__u32 cursor, count;
	void *from = NULL;
	int err;

	if (map < 0 || !keys || !counts) {
		perror(path);
		return 1;
	}
	do {
		count = BATCH;
		err = bpfmap_lookup_batch(map, from, &cursor, keys, counts,
					  &count, NULL);
		for (__u32 i = 0; (!err || err == -ENOENT) && i < count; i++)
			print_source(&keys[i], &counts[i * cpus], cpus);
		from = &cursor;
	} while (!err);
	if (err != -ENOENT)	/* the end */
		perror("bpfmap_lookup_batch");
	free(keys);
	free(counts);
	return err != -ENOENT;
}
