// SPDX-License-Identifier: GPL-2.0-only
/*
 * Prints the events of the example module: execs and exits. With a
 * number as argument, so many events.
 */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <bpfmap.h>

#include "module/execs.h"

static long left = -1;

/* The event is where the kernel wrote it: nothing was copied */
static int print_event(void *ctx, void *data, size_t size)
{
	const struct execs_event *e = data;

	(void)ctx;
	(void)size;
	printf("%llu.%06llu %u %.*s ", e->time / 1000000000,
	       e->time / 1000 % 1000000, e->pid, (int)sizeof(e->comm), e->comm);
	if (e->what == EXECS_EXEC)
		printf("executes %s\n", e->filename);
	else
		printf("exits with %u\n", e->exit_code >> 8);
	return left > 0 && !--left ? -1 : 0;
}

int main(int argc, char **argv)
{
	struct bpfmap_ring_buffer *events;
	int device, map;

	if (argc > 1)
		left = atol(argv[1]);
	device = open("/dev/bpfmap_execs", O_RDONLY | O_CLOEXEC);
	map = device < 0 ? -1 : ioctl(device, EXECS_GET_MAP);
	events = map < 0 ? NULL :
		 bpfmap_ring_buffer_new(map, print_event, NULL, NULL);
	if (!events) {
		perror("/dev/bpfmap_execs");
		return 1;
	}
	while (left && bpfmap_ring_buffer_poll(events, -1) >= 0)
		fflush(stdout);
	bpfmap_ring_buffer_free(events);
	return left != 0;
}
