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
 * Pins: names under /sys/fs/bpf are looked for under /sys/fs/bpfmap, which
 * BPFMAP_PRELOAD_PINS=FROM=TO changes (an empty one turns it off). statfs(2)
 * there reports bpf(2)'s file system.
 *
 * A program that is linked statically, or that has its own instruction for
 * system calls, as those in Go do, is out of reach.
 */
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/vfs.h>
#include <unistd.h>
#include <linux/bpfmap.h>

#define EXPORT __attribute__((visibility("default")))
#define BPF_FS_MAGIC 0xcafe4a11

#define REAL(name)							\
({									\
	static __typeof__(name) *real;					\
									\
	if (!real)							\
		real = (__typeof__(name) *)dlsym(RTLD_NEXT, #name);	\
	real;								\
})

static long route_call(long number, long a1, long a2, long a3, long a4, long a5)
{
	int err = errno;
	long ret = REAL(syscall)(number, a1, a2, a3, a4, a5, 0L);

	ret = ret < 0 ? -errno : ret;
	errno = err;
	return ret;
}

#include "route.h"

__attribute__((constructor)) static void init(void)
{
	const char *setting = getenv("BPFMAP_PRELOAD_PINS");

	device_check();
	if (setting)
		pins_set(setting);
}

static long bpf(unsigned int cmd, void *attr, unsigned int size, long a4,
		long a5)
{
	long ret = ROUTE_PASS;

	if (atomic_load(&route.device) >= 0)
		ret = route_bpf(cmd, attr, size);
	if (ret == ROUTE_PASS)
		return REAL(syscall)(__NR_bpf, (long)cmd, attr, (long)size, a4,
				     a5, 0L);
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

/* --- the file system --- */

EXPORT int statfs(const char *path, struct statfs *st)
{
	char buf[PATH_MAX];
	const char *ours = translate(path, buf);
	int err = errno, ret;

	if (ours && !REAL(statfs)(ours, st) && st->f_type == BPFMAPFS_MAGIC) {
		st->f_type = BPF_FS_MAGIC;
		return 0;
	}
	errno = err;
	ret = REAL(statfs)(path, st);
	if (!ret && st->f_type == BPFMAPFS_MAGIC)
		st->f_type = BPF_FS_MAGIC;
	return ret;
}

EXPORT int statfs64(const char *path, struct statfs64 *st)
{
	char buf[PATH_MAX];
	const char *ours = translate(path, buf);
	int err = errno, ret;

	if (ours && !REAL(statfs64)(ours, st) && st->f_type == BPFMAPFS_MAGIC) {
		st->f_type = BPF_FS_MAGIC;
		return 0;
	}
	errno = err;
	ret = REAL(statfs64)(path, st);
	if (!ret && st->f_type == BPFMAPFS_MAGIC)
		st->f_type = BPF_FS_MAGIC;
	return ret;
}

/*
 * Names of pins: ours if there is one, else what the path says. @call is made
 * with "name" for the path.
 */
#define FIRST_OURS(path, call)						\
({									\
	char buf[PATH_MAX];						\
	const char *name = translate(path, buf);			\
	int err = errno, ret = -1;					\
									\
	if (name)							\
		ret = call;						\
	if (!name || (ret && (errno == ENOENT || errno == ENOTDIR))) {	\
		errno = err;						\
		name = path;						\
		ret = call;						\
	}								\
	ret;								\
})

EXPORT int access(const char *path, int mode)
{
	return FIRST_OURS(path, REAL(access)(name, mode));
}

EXPORT int faccessat(int dir, const char *path, int mode, int flags)
{
	return FIRST_OURS(path, REAL(faccessat)(dir, name, mode, flags));
}

EXPORT int stat(const char *path, struct stat *st)
{
	return FIRST_OURS(path, REAL(stat)(name, st));
}

EXPORT int lstat(const char *path, struct stat *st)
{
	return FIRST_OURS(path, REAL(lstat)(name, st));
}

EXPORT int unlink(const char *path)
{
	return FIRST_OURS(path, REAL(unlink)(name));
}

EXPORT int rename(const char *from, const char *to)
{
	char buf_from[PATH_MAX], buf_to[PATH_MAX];
	const char *ours_from = translate(from, buf_from);
	const char *ours_to = translate(to, buf_to);
	int err = errno, ret;

	if (ours_from && ours_to) {
		ret = REAL(rename)(ours_from, ours_to);
		if (!ret || errno != ENOENT)
			return ret;
		errno = err;
	}
	return REAL(rename)(from, to);
}

/* Directories are made in both: programs are still pinned in bpf(2)'s */
EXPORT int mkdir(const char *path, mode_t mode)
{
	char buf[PATH_MAX];
	const char *ours = translate(path, buf);
	int err = errno, ret;

	if (!ours)
		return REAL(mkdir)(path, mode);
	ret = REAL(mkdir)(ours, mode);
	if (ret)
		err = errno;
	REAL(mkdir)(path, mode);
	errno = err;
	return ret;
}

EXPORT int rmdir(const char *path)
{
	char buf[PATH_MAX];
	const char *ours = translate(path, buf);
	int err = errno, ret;

	if (!ours)
		return REAL(rmdir)(path);
	ret = REAL(rmdir)(ours);
	if (ret)
		err = errno;
	REAL(rmdir)(path);
	errno = err;
	return ret;
}
