// SPDX-License-Identifier: GPL-2.0-only
/*
 * ring_write PIN RECORD... - records for a ring buffer, written in the kernel
 */
#include <stdio.h>
#include <string.h>

#include "bpfmap.h"
#include "ringtest.h"

int main(int argc, char **argv)
{
	int map;

	if (argc < 2) {
		fprintf(stderr, "usage: ring_write PIN RECORD...\n");
		return 2;
	}
	map = bpfmap_obj_get(argv[1]);
	if (map < 0) {
		perror(argv[1]);
		return 1;
	}
	for (int i = 2; i < argc; i++) {
		if (ring_output(map, argv[i], strlen(argv[i]), 0)) {
			fprintf(stderr, "no room for %s\n", argv[i]);
			return 1;
		}
	}
	return 0;
}
