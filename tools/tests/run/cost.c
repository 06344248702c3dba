// SPDX-License-Identifier: GPL-2.0-only
/*
 * What a look-up costs, in nanoseconds, which the counting machine makes to be
 * instructions: by bpf(2), which bpfmap-run may divert, and by the ioctl on the
 * device.
 *
 *	cost bpf|ioctl CALLS
 *	cost start CALLS [COMMAND]	itself, once for each call, by the command
 */
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>
#include <linux/bpfmap.h>

static int device = -1;

#ifdef APART
static long bpf(long cmd, void *attr, long size)
{
	long ret;

	__asm__ volatile("mov $321, %%eax; nop; nop; syscall"
			 : "=&a"(ret)
			 : "D"(cmd), "S"(attr), "d"(size)
			 : "rcx", "r11", "memory");
	return ret;
}
#else
static long bpf(long cmd, void *attr, long size)
{
	return syscall(__NR_bpf, cmd, attr, size);
}
#endif

static long command(int cmd, void *attr, unsigned int size)
{
	if (device >= 0)
		return syscall(__NR_ioctl, device, BPFMAP_IOC(cmd, size), attr);
	return bpf(cmd, attr, size);
}

static uint64_t now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec * 1000000000ULL + t.tv_nsec;
}

static uint64_t start(const char *self, long calls, const char *by)
{
	uint64_t begin = now();
	int status;
	pid_t pid;

	for (long i = 0; i < calls; i++) {
		pid = fork();
		if (!pid) {
			if (by)
				execl(by, by, self, "bpf", "0", NULL);
			else
				execl(self, self, "ioctl", "0", NULL);
			_exit(1);
		}
		waitpid(pid, &status, 0);
		if (status)
			exit(1);
	}
	return (now() - begin) / calls;
}

int main(int argc, char *argv[])
{
	struct bpfmap_create_attr create = {
		.map_type = BPFMAP_TYPE_HASH,
		.key_size = 8,
		.value_size = 8,
		.max_entries = 100,
	};
	uint64_t key = 1, value = 1, begin, best = UINT64_MAX;
	struct bpfmap_elem_attr elem = {
		.key = (uintptr_t)&key,
		.value = (uintptr_t)&value,
	};
	long calls, i;

	if (argc < 3)
		return 2;
	calls = atol(argv[2]);
	if (!strcmp(argv[1], "start")) {
		printf("%llu\n", (unsigned long long)start(argv[0], calls, argv[3]));
		return 0;
	}
	if (!strcmp(argv[1], "ioctl"))
		device = open("/dev/bpfmap", O_RDWR);
	elem.map_fd = command(BPFMAP_CMD_MAP_CREATE, &create, sizeof(create));
	if ((int)elem.map_fd < 0 ||
	    command(BPFMAP_CMD_MAP_UPDATE_ELEM, &elem, sizeof(elem)))
		return 1;
	/* Without what the rest of the machine does meanwhile */
	for (int round = 0; calls && round < 20; round++) {
		begin = now();
		for (i = 0; i < calls; i++)
			if (command(BPFMAP_CMD_MAP_LOOKUP_ELEM, &elem, sizeof(elem)))
				return 1;
		begin = (now() - begin) / calls;
		best = begin < best ? begin : best;
	}
	if (calls)
		printf("%llu\n", (unsigned long long)best);
	return 0;
}
