// SPDX-License-Identifier: GPL-2.0-only
/*
 * Commands through bpf(2) or through the device, and small helpers
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "demo.h"

#define ENOTSUPP 524 /* the kernel's own, which reaches user space */

struct way ways[WAYS] = {
	[BPF] = { .name = "bpf(2)", .device = -1 },
	[DEVICE] = { .name = "bpfmap", .device = -1 },
};

void ways_open(void)
{
	ways[DEVICE].device = open("/dev/bpfmap", O_RDWR | O_CLOEXEC);
	if (ways[DEVICE].device < 0)
		die("/dev/bpfmap: %s", strerror(errno));
}

static bool is_bpf(const struct way *way)
{
	return way->device < 0;
}

static int result(long ret)
{
	return ret < 0 ? -errno : (int)ret;
}

int way_create(const struct way *way, const struct bpfmap_create_attr *attr)
{
	/* Older kernels know a shorter attr; the rest of ours is zero */
	const unsigned int size = 72;

	if (is_bpf(way))
		return result(syscall(SYS_bpf, BPFMAP_CMD_MAP_CREATE, attr,
				      size));
	return result(ioctl(way->device,
			    BPFMAP_IOC(BPFMAP_CMD_MAP_CREATE, size), attr));
}

int way_elem(const struct way *way, int cmd, int map, const void *key,
	     void *value, __u64 flags)
{
	struct bpfmap_elem_attr attr = {
		.map_fd = is_bpf(way) ? map : 0,
		.key = (unsigned long)key,
		.value = (unsigned long)value,
		.flags = flags,
	};

	if (is_bpf(way))
		return result(syscall(SYS_bpf, cmd, &attr, sizeof(attr)));
	return result(ioctl(map, BPFMAP_IOC(cmd, sizeof(attr)), &attr));
}

int way_batch(const struct way *way, int cmd, int map,
	      struct bpfmap_batch_attr *attr)
{
	if (is_bpf(way)) {
		attr->map_fd = map;
		return result(syscall(SYS_bpf, cmd, attr, sizeof(*attr)));
	}
	attr->map_fd = 0;
	return result(ioctl(map, BPFMAP_IOC(cmd, sizeof(*attr)), attr));
}

void die(const char *fmt, ...)
{
	va_list args;

	fflush(stdout);
	fputs("demo: ", stderr);
	va_start(args, fmt);
	vfprintf(stderr, fmt, args);
	va_end(args);
	fputc('\n', stderr);
	exit(1);
}

const char *errno_name(int err)
{
	static char text[32];
	const char *name = err == ENOTSUPP ? "ENOTSUPP" : strerrorname_np(err);

	if (name)
		snprintf(text, sizeof(text), "-%s", name);
	else
		snprintf(text, sizeof(text), "%d", -err);
	return text;
}

int must_create(const struct way *way, const struct bpfmap_create_attr *attr)
{
	int map = way_create(way, attr);

	if (map < 0)
		die("%s: MAP_CREATE of type %u: %s", way->name, attr->map_type,
		    errno_name(-map));
	return map;
}

void pin_to_cpu(int cpu)
{
	cpu_set_t set;

	CPU_ZERO(&set);
	CPU_SET(cpu, &set);
	if (sched_setaffinity(0, sizeof(set), &set))
		die("cannot run on CPU %d: %s", cpu, strerror(errno));
}

int usable_cpus(int *cpus, int max)
{
	int cpu, nr = 0;
	cpu_set_t set;

	if (sched_getaffinity(0, sizeof(set), &set))
		die("sched_getaffinity: %s", strerror(errno));
	for (cpu = 0; cpu < CPU_SETSIZE && nr < max; cpu++)
		if (CPU_ISSET(cpu, &set))
			cpus[nr++] = cpu;
	return nr;
}

__u64 now_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec * 1000000000ULL + ts.tv_nsec;
}
