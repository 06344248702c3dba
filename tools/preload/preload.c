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
#include <limits.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/vfs.h>
#include <unistd.h>
#include <linux/bpfmap.h>

#include "commands.h"
#include "map_types.h"

#define EXPORT __attribute__((visibility("default")))
#define DEVICE "/dev/bpfmap"
#define BPF_FS_MAGIC 0xcafe4a11
#define COMMON_ATTRS (1U << 16)	/* in cmd: two more arguments, for a log */
#define ATTR_MAX 4096		/* bpf(2)'s limit is a page */

#define REAL(name)							\
({									\
	static __typeof__(name) *real;					\
									\
	if (!real)							\
		real = (__typeof__(name) *)dlsym(RTLD_NEXT, #name);	\
	real;								\
})

/* --- the device --- */

static atomic_int device_fd = -1;
static _Atomic dev_t device_number;

/* Is it still what we opened? Programs close descriptors of others */
static bool device_alive(int fd)
{
	struct stat st;

	return fd >= 0 && !fstat(fd, &st) && S_ISCHR(st.st_mode) &&
	       st.st_rdev == atomic_load(&device_number);
}

/* Out of the way of programs that count on low numbers, if that can be */
static int raise_fd(int fd)
{
	int high = fcntl(fd, F_DUPFD_CLOEXEC, 500);

	if (high < 0)
		high = fcntl(fd, F_DUPFD_CLOEXEC, 3);
	close(fd);
	return high;
}

static int device_open(int stale)
{
	struct stat st;
	int fd = open(DEVICE, O_RDWR | O_CLOEXEC);

	if (fd < 0 || fstat(fd, &st)) {
		if (fd >= 0)
			close(fd);
		return -1;
	}
	atomic_store(&device_number, st.st_rdev);
	fd = raise_fd(fd);
	if (fd < 0 || atomic_compare_exchange_strong(&device_fd, &stale, fd))
		return fd;
	close(fd);
	return stale;	/* another thread was faster */
}

/*
 * A descriptor of the device, or -1: then all goes to bpf(2). Only called at
 * first and after a failure, so that what works costs one system call.
 */
static int device_check(void)
{
	int fd = atomic_load(&device_fd);

	return device_alive(fd) ? fd : device_open(fd);
}

__attribute__((constructor)) static void device_init(void)
{
	int err = errno;

	device_check();
	errno = err;
}

static int device_ioctl(unsigned int cmd, void *attr, unsigned int size)
{
	int fd = atomic_load(&device_fd);
	int ret = ioctl(fd, BPFMAP_IOC(cmd, size), attr);
	int err = errno;

	if (ret >= 0 || (err != EBADF && err != EINVAL && err != ENOTTY) ||
	    device_alive(fd)) {
		errno = err;
		return ret;
	}
	fd = device_open(fd);
	return fd < 0 ? -1 : ioctl(fd, BPFMAP_IOC(cmd, size), attr);
}

/* --- paths --- */

static const char *pins_from = "/sys/fs/bpf", *pins_to = "/sys/fs/bpfmap";

__attribute__((constructor)) static void pins_init(void)
{
	const char *setting = getenv("BPFMAP_PRELOAD_PINS");
	char *copy, *to;

	if (!setting)
		return;
	pins_from = NULL;
	copy = strdup(setting);
	to = copy ? strchr(copy, '=') : NULL;
	if (!to || to == copy || !to[1]) {
		free(copy);
		return;
	}
	*to++ = '\0';
	pins_from = copy;
	pins_to = to;
}

/* @path below the directory of our pins, in @buf; else NULL */
static const char *translate(const char *path, char buf[PATH_MAX])
{
	size_t len;

	if (!pins_from || !path)
		return NULL;
	len = strlen(pins_from);
	if (strncmp(path, pins_from, len) || (path[len] && path[len] != '/'))
		return NULL;
	if (snprintf(buf, PATH_MAX, "%s%s", pins_to, path + len) >= PATH_MAX)
		return NULL;
	return buf;
}

/* --- bpf(2) --- */

static long real_bpf(unsigned int cmd, void *attr, unsigned int size, long a4,
		     long a5)
{
	return REAL(syscall)(__NR_bpf, (long)cmd, attr, (long)size, a4, a5, 0L);
}

/* A member of the caller's attr, 0 where that is too short */
static uint32_t member(const void *attr, unsigned int size, unsigned int at)
{
	uint32_t value = 0;

	if (size > at)
		memcpy(&value, (const char *)attr + at,
		       size - at < 4 ? size - at : 4);
	return value;
}

/* bpf(2)'s maps know no ioctl, ours answer this one whatever they are open for */
static bool is_ours(int fd)
{
	struct bpfmap_info_attr attr = { 0 };
	int err = errno;
	bool ours = !ioctl(fd, BPFMAP_OBJ_GET_INFO_BY_FD, &attr);

	errno = err;
	return ours;
}

enum verdict { DONE, PASS };	/* pass on to bpf(2) */

/*
 * What the device refuses with EINVAL may be about an attr, which bpf(2) would
 * refuse as well, or about a map of another kind. Success costs nothing extra.
 */
static enum verdict map_command(unsigned int cmd, void *attr,
				unsigned int size, unsigned int fd_at,
				long *ret)
{
	*ret = device_ioctl(cmd, attr, size);
	if (*ret < 0 && errno == EINVAL && !is_ours(member(attr, size, fd_at)))
		return PASS;
	return DONE;
}

static enum verdict create_command(unsigned int cmd, void *attr,
				   unsigned int size, long *ret)
{
	*ret = device_ioctl(cmd, attr, size);
	/* It has been read, so it can be */
	if (*ret < 0 && errno == EINVAL && !type_row(member(attr, size, 0)))
		return PASS;
	return DONE;
}

/*
 * With the path changed, if it is one that is. The path has been read by the
 * kernel then: to a bad pointer it says EFAULT, which is the answer.
 */
static long obj_ioctl(unsigned int cmd, void *attr, unsigned int size)
{
	const unsigned int known = offsetof(struct bpfmap_obj_attr, __pad);
	struct bpfmap_obj_attr copy = { 0 };
	char buf[PATH_MAX];
	const char *path;
	uint64_t pathname = 0;
	int ret;

	ret = device_ioctl(cmd, attr, size);
	if (ret >= 0 || errno == EFAULT || errno == E2BIG || errno == EINVAL)
		return ret;
	if (size < sizeof(pathname))
		return ret;
	memcpy(&pathname, attr, sizeof(pathname));
	path = translate((const char *)(uintptr_t)pathname, buf);
	if (!path)
		return ret;
	memcpy(&copy, attr, size < known ? size : known);
	copy.pathname = (uintptr_t)path;
	return device_ioctl(cmd, &copy, known);
}

static enum verdict pin_command(unsigned int cmd, void *attr,
				unsigned int size, long *ret)
{
	*ret = obj_ioctl(cmd, attr, size);
	if (*ret < 0 && errno == EINVAL && !is_ours(member(attr, size, 8)))
		return PASS;
	return DONE;
}

/* What is no pin of ours may be one of bpf(2)'s */
static enum verdict get_command(unsigned int cmd, void *attr,
				unsigned int size, long *ret)
{
	int err;

	*ret = obj_ioctl(cmd, attr, size);
	if (*ret >= 0 || (errno != ENOENT && errno != EACCES))
		return DONE;
	err = errno;
	*ret = real_bpf(cmd, attr, size, 0, 0);
	/* Of two failures ours counts, unless that is but a name not found */
	if (*ret < 0 && errno != EACCES)
		errno = err;
	return DONE;
}

static enum verdict dispatch(unsigned int cmd, void *attr, unsigned int size,
			     long *ret)
{
	const struct command_row *row = command_row(cmd);

	switch (cmd) {
	case BPFMAP_CMD_MAP_CREATE:
		return create_command(cmd, attr, size, ret);
	case BPFMAP_CMD_OBJ_PIN:
		return pin_command(cmd, attr, size, ret);
	case BPFMAP_CMD_OBJ_GET:
		return get_command(cmd, attr, size, ret);
	}
	if (!row)
		return PASS;
	if (row->fd_at >= 0)
		return map_command(cmd, attr, size, row->fd_at, ret);
	*ret = device_ioctl(cmd, attr, size);
	return DONE;
}

static long bpf(unsigned int cmd, void *attr, unsigned int size, long a4,
		long a5)
{
	int err = errno;
	long ret;

	/* An ioctl's number has no room for more, and bpf(2) says E2BIG */
	if (size <= ATTR_MAX && atomic_load(&device_fd) >= 0 &&
	    dispatch(cmd & ~COMMON_ATTRS, attr, size, &ret) == DONE) {
		if (ret >= 0)
			errno = err;
		return ret;
	}
	errno = err;
	return real_bpf(cmd, attr, size, a4, a5);
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
