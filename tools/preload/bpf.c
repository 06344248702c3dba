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
 * system calls, as those in Go do, needs bpfmap-run.
 */
#include <fcntl.h>
#include <stdarg.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>
#include <linux/bpfmap.h>

#include "preload.h"

#define BPF_TYPES 36		/* number of bpf(2)'s map types in Linux 7.3 */

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
#include "count.h"
#include "route.h"

/* Of bpfmap-run --stats */
static struct counters *counters;

long create(void *attr, unsigned int size)
{
	return device_create(attr, size);
}

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

static struct counters *map_counters(const char *path)
{
	void *map = MAP_FAILED;
	int fd = open(path, O_RDWR | O_CLOEXEC);

	if (fd >= 0) {
		map = mmap(NULL, sizeof(*counters), PROT_READ | PROT_WRITE, MAP_SHARED, fd,
			   0);
		close(fd);
	}
	return map == MAP_FAILED ? NULL : map;
}

__attribute__((constructor)) static void init(void)
{
	const char *setting = getenv("BPFMAP_PRELOAD_PINS");
	const char *count = getenv("BPFMAP_PRELOAD_COUNTERS");

	device_check();
	if (setting)
		pins_set(setting);
	if (count)
		counters = map_counters(count);
}

static long real_bpf(unsigned int cmd, void *attr, unsigned int size, long a4,
		     long a5)
{
	return route_call(__NR_bpf, cmd, (long)attr, size, a4, a5);
}

/*
 * With the arguments for a log, which kernels before 7.3 do not know: those see
 * commands that go to bpf(2) without them.
 */
static long bpf_common(unsigned int cmd, void *attr, unsigned int size,
		       void *common, unsigned int common_size)
{
	long ret = common_check(attr, size, common, common_size);

	if (ret)
		return ret;
	cmd &= ~ROUTE_COMMON_ATTRS;
	if (cmd == BPFMAP_CMD_MAP_CREATE) {
		uint32_t type = member(attr, size, 0);

		if (!type || type >= BPF_TYPES || type_row(type))
			return create_logged(attr, size, common, common_size);
	} else {
		ret = route_bpf(cmd, attr, size);
		if (ret != ROUTE_PASS)
			return ret;
	}
	/* A kernel that knows them reads them first */
	if (real_bpf(ROUTE_COMMON_ATTRS, NULL, 0, 0, 1) == -EFAULT)
		cmd |= ROUTE_COMMON_ATTRS;
	return real_bpf(cmd, attr, size, (long)common, common_size);
}

static long bpf(unsigned int cmd, void *attr, unsigned int size, long a4,
		long a5)
{
	long ret = ROUTE_PASS;
	bool device;

	/* An ioctl's number has no room for more, and bpf(2) says E2BIG */
	if (atomic_load(&route.device) >= 0 && size <= ROUTE_ATTR_MAX)
		ret = cmd & ROUTE_COMMON_ATTRS ?
		      bpf_common(cmd, attr, size, (void *)a4, a5) :
		      route_bpf(cmd, attr, size);
	device = ret != ROUTE_PASS;
	if (!device)
		ret = real_bpf(cmd, attr, size, a4, a5);
	if (counters)
		count_call(counters, cmd & ~ROUTE_COMMON_ATTRS, device, ret);
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
