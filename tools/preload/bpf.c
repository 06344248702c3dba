// SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause
/*
 * libbpfmap-preload - programs that were built for bpf(2)'s maps, on /dev/bpfmap
 *
 *	LD_PRELOAD=/usr/lib/libbpfmap-preload.so program
 *
 * Calls of syscall(__NR_bpf, ...), which is what libbpf does, become ioctls
 * where they are about maps. What is about programs, BTF or links goes to
 * bpf(2), and so does every command on a descriptor of bpf(2)'s own maps.
 *
 * A program that is linked statically, or that has its own instruction for
 * system calls, as those in Go do, is out of reach.
 */
#include <fcntl.h>
#include <stdarg.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <unistd.h>
#include <linux/bpfmap.h>

#include "preload.h"

static long route_call(long number, long a1, long a2, long a3, long a4, long a5)
{
	int err = errno;
	long ret = REAL(syscall)(number, a1, a2, a3, a4, a5, 0L);

	ret = ret < 0 ? -errno : ret;
	errno = err;
	return ret;
}

static const char *obj_place(unsigned int cmd, const struct bpfmap_obj_attr *obj,
			     char buf[PATH_MAX]);
#define route_place obj_place
#include "route.h"

int high_fd(int fd)
{
	return raise_fd(fd);
}

const char *below_ours(const char *path, char buf[PATH_MAX])
{
	return translate(path, buf);
}

/* A pin on a detached mount is below its twin, which the first one makes */
static const char *obj_place(unsigned int cmd, const struct bpfmap_obj_attr *obj,
			     char buf[PATH_MAX])
{
	const char *path = (const char *)(uintptr_t)obj->pathname;
	int dir = obj->file_flags & BPFMAP_F_PATH_FD ? obj->path_fd : AT_FDCWD;

	if (cmd == BPFMAP_CMD_OBJ_PIN && path && path[0] != '/')
		twin_make(dir);
	return place(dir, path, buf);
}

__attribute__((constructor)) static void init(void)
{
	const char *setting = getenv("BPFMAP_PRELOAD_PINS");

	device_check();
	if (setting)
		pins_set(setting);
}

static long real_bpf(unsigned int cmd, void *attr, unsigned int size, long a4,
		     long a5)
{
	return route_call(__NR_bpf, cmd, (long)attr, size, a4, a5);
}

static long bpf(unsigned int cmd, void *attr, unsigned int size, long a4,
		long a5)
{
	long ret = ROUTE_PASS;

	if (atomic_load(&route.device) >= 0)
		ret = route_bpf(cmd, attr, size);
	if (ret == ROUTE_PASS)
		ret = real_bpf(cmd, attr, size, a4, a5);
	if (ret >= 0)
		return ret;
	errno = -ret;
	return -1;
}

EXPORT long syscall(long number, ...)
{
	long a[6];
	va_list ap;

	va_start(ap, number);
	for (int i = 0; i < 6; i++)
		a[i] = va_arg(ap, long);
	va_end(ap);
	if (number == __NR_bpf)
		return bpf(a[0], (void *)a[1], a[2], a[3], a[4]);
	return REAL(syscall)(number, a[0], a[1], a[2], a[3], a[4], a[5]);
}
