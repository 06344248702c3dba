// SPDX-License-Identifier: GPL-2.0-only
/* Walks a list that the example module builds in an arena, and adds to it */
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <unistd.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <bpfmap.h>

#include "module/arena_list.h"

#define PAGES 64

int main(void)
{
	BPFMAP_OPTS(bpfmap_create_opts, opts, .map_flags = BPFMAP_F_MMAPABLE);
	size_t len = PAGES * sysconf(_SC_PAGESIZE);
	struct arena_node *node, *mine;
	struct arena_list list = { .nr = 4, .value = 10 };
	int device, map;
	void *arena;

	map = bpfmap_create(BPFMAP_TYPE_ARENA, "list", 0, 0, PAGES, &opts);
	arena = mmap(NULL, len, PROT_READ | PROT_WRITE, MAP_SHARED, map, 0);
	device = open("/dev/bpfmap_arena_list", O_RDWR | O_CLOEXEC);
	list.map_fd = map;
	if (map < 0 || arena == MAP_FAILED || device < 0 ||
	    ioctl(device, ARENA_LIST_ADD, &list)) {
		perror("/dev/bpfmap_arena_list");
		return 1;
	}

	/* The last page: the first access allocates it */
	mine = (void *)((char *)arena + len - sizeof(*mine));
	mine->next = list.at;
	mine->value = 1;
	for (node = mine; node; node = (void *)(uintptr_t)node->next)
		printf("%llu\n", node->value);

	list.at = (uintptr_t)mine;
	if (ioctl(device, ARENA_LIST_SUM, &list)) {
		perror("ARENA_LIST_SUM");
		return 1;
	}
	printf("sum %llu\n", list.value);
	return 0;
}
