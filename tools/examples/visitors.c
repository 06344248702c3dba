// SPDX-License-Identifier: GPL-2.0-only
/* Reads the example module's map: how often each program opened its device */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <bpfmap.h>

#include "module/visitors.h"

int main(void)
{
	char name[VISITORS_NAME_LEN], *key = NULL;
	int cpus = bpfmap_num_possible_cpus();
	__u64 *counts, total;
	int device, map, i;

	device = open("/dev/bpfmap_visitors", O_RDONLY | O_CLOEXEC);
	map = device < 0 ? -1 : ioctl(device, VISITORS_GET_MAP);
	counts = cpus < 0 ? NULL : calloc(cpus, sizeof(*counts));
	if (map < 0 || !counts) {
		perror("/dev/bpfmap_visitors");
		return 1;
	}
	while (!bpfmap_get_next_key(map, key, name)) {
		key = name;
		if (bpfmap_lookup_elem(map, key, counts))
			continue;
		for (total = i = 0; i < cpus; i++)
			total += counts[i];
		printf("%llu %.*s\n", total, (int)sizeof(name), name);
	}
	free(counts);
	return 0;
}
