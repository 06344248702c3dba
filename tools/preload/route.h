/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * Which calls of bpf(2) the device answers, and which names are those of its
 * pins: one source for the library to preload and for what bpfmap-run puts into
 * programs. The latter has no libc, so all is done by system calls, with a
 * function that the including file defines before:
 *
 *	static long route_call(long number, long a1, ..., long a5);
 *
 * It returns -errno and does not change errno, as all functions here.
 */
#ifndef __BPFMAP_ROUTE_H
#define __BPFMAP_ROUTE_H

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <linux/bpfmap.h>

#include "commands.h"
#include "map_types.h"

#define ROUTE_DEVICE "/dev/bpfmap"
#define ROUTE_PASS (-4096L)		/* no errno: for bpf(2), as it is */
#define ROUTE_COMMON_ATTRS (1U << 16)	/* in cmd: two more arguments, for a log */
#define ROUTE_ATTR_MAX 4096		/* bpf(2)'s limit is a page */
#define ROUTE_DIR_MAX 256

/*
 * @device: a descriptor, or -1
 * @number: of the device node, to know the descriptor again
 * @from, @to: directories: names below the one are pins below the other; empty
 * for none
 *
 * page.S of bpfmap-run has @device for the first member.
 */
struct route {
	_Atomic int device;
	_Atomic uint64_t number;
	char from[ROUTE_DIR_MAX], to[ROUTE_DIR_MAX];
};

/* Hidden, by how it is compiled */
struct route route = {
	.device = -1,
	.from = "/sys/fs/bpf",
	.to = "/sys/fs/bpfmap",
};

/* --- the device --- */

/* 0: no character device */
static inline uint64_t device_number(int fd)
{
	struct statx st;

	if (fd < 0 || route_call(__NR_statx, fd, (long)"", AT_EMPTY_PATH,
				 STATX_TYPE, (long)&st) || !S_ISCHR(st.stx_mode))
		return 0;
	return (uint64_t)st.stx_rdev_major << 32 | st.stx_rdev_minor;
}

/* Is it still what we opened? Programs close descriptors of others */
static inline bool device_alive(int fd)
{
	uint64_t number = device_number(fd);

	return number && number == atomic_load(&route.number);
}

/* Out of the way of programs that count on low numbers, if that can be */
static inline int raise_fd(int fd)
{
	int high = route_call(__NR_fcntl, fd, F_DUPFD_CLOEXEC, 500, 0, 0);

	if (high < 0)
		high = route_call(__NR_fcntl, fd, F_DUPFD_CLOEXEC, 3, 0, 0);
	route_call(__NR_close, fd, 0, 0, 0, 0);
	return high;
}

static inline int device_open(int stale)
{
	int fd = route_call(__NR_openat, AT_FDCWD, (long)ROUTE_DEVICE,
			    O_RDWR | O_CLOEXEC, 0, 0);

	if (fd < 0)
		return fd;
	atomic_store(&route.number, device_number(fd));
	fd = raise_fd(fd);
	if (fd < 0 || atomic_compare_exchange_strong(&route.device, &stale, fd))
		return fd;
	route_call(__NR_close, fd, 0, 0, 0, 0);
	return stale;	/* another thread was faster */
}

/*
 * A descriptor of the device, or -errno: then all goes to bpf(2). Only called at
 * first and after a failure, so that what works costs one system call.
 */
static inline int device_check(void)
{
	int fd = atomic_load(&route.device);

	return device_alive(fd) ? fd : device_open(fd);
}

/* If the program has closed the descriptor, with another */
static inline long device_ioctl(unsigned int cmd, void *attr, unsigned int size)
{
	int fd = atomic_load(&route.device);
	long request = BPFMAP_IOC(cmd, size), ret;

	ret = route_call(__NR_ioctl, fd, request, (long)attr, 0, 0);
	if ((ret != -EBADF && ret != -EINVAL && ret != -ENOTTY) ||
	    device_alive(fd))
		return ret;
	fd = device_open(fd);
	return fd < 0 ? -EBADF :
	       route_call(__NR_ioctl, fd, request, (long)attr, 0, 0);
}

/* --- paths --- */

/* "FROM=TO"; anything else: no names are changed */
static inline void pins_set(const char *setting)
{
	const char *to = strchr(setting, '=');
	size_t from_len = to ? to - setting : 0;
	size_t to_len = to ? strlen(++to) : 0;

	route.from[0] = '\0';
	if (!from_len || !to_len || from_len >= ROUTE_DIR_MAX ||
	    to_len >= ROUTE_DIR_MAX)
		return;
	memcpy(route.to, to, to_len + 1);
	memcpy(route.from, setting, from_len);
	route.from[from_len] = '\0';
}

/* @path below the directory of our pins, in @buf; else NULL */
static inline const char *translate(const char *path, char buf[PATH_MAX])
{
	size_t from = strlen(route.from), to = strlen(route.to), rest;

	if (!from || !path)
		return NULL;
	for (size_t i = 0; i < from; i++)
		if (path[i] != route.from[i])
			return NULL;
	if (path[from] && path[from] != '/')
		return NULL;
	rest = strlen(path + from);
	if (rest >= PATH_MAX - to)
		return NULL;
	memcpy(buf, route.to, to);
	memcpy(buf + to, path + from, rest + 1);
	return buf;
}

/* For OBJ_PIN and OBJ_GET. An including file may know more kinds of names */
#ifndef route_place
static inline const char *route_place(unsigned int cmd __attribute__((unused)),
				      const struct bpfmap_obj_attr *obj,
				      char buf[PATH_MAX])
{
	return translate((const char *)(uintptr_t)obj->pathname, buf);
}
#endif

/* --- commands --- */

/* A member of the caller's attr, 0 where that is too short */
static inline uint32_t member(const void *attr, unsigned int size, unsigned int at)
{
	uint32_t value = 0;

	if (size > at)
		memcpy(&value, (const char *)attr + at,
		       size - at < 4 ? size - at : 4);
	return value;
}

/* bpf(2)'s maps know no ioctl, ours answer this one whatever they are open for */
static inline bool is_ours(int fd)
{
	struct bpfmap_info_attr attr = { 0 };

	return !route_call(__NR_ioctl, fd, BPFMAP_OBJ_GET_INFO_BY_FD,
			   (long)&attr, 0, 0);
}

/*
 * What the device refuses with EINVAL may be about an attr, which bpf(2) would
 * refuse as well, or about a map of another kind. Success costs nothing extra.
 */
static inline long map_command(unsigned int cmd, void *attr, unsigned int size,
			       unsigned int fd_at)
{
	long ret = device_ioctl(cmd, attr, size);

	return ret == -EINVAL && !is_ours(member(attr, size, fd_at)) ?
	       ROUTE_PASS : ret;
}

/* A flag of the device's own is none of bpf(2)'s; all else has been checked */
static inline long device_create(void *attr, unsigned int size)
{
	const unsigned int at = offsetof(struct bpfmap_create_attr, map_flags);
	long ret = device_ioctl(BPFMAP_CMD_MAP_CREATE, attr, size);

	if (ret < 0 || !(member(attr, size, at) & BPFMAP_F_VIEW))
		return ret;
	route_call(__NR_close, ret, 0, 0, 0, 0);
	return -EINVAL;
}

static inline long create_command(void *attr, unsigned int size)
{
	long ret = device_create(attr, size);

	/* It has been read, so it can be */
	return ret == -EINVAL && !type_row(member(attr, size, 0)) ?
	       ROUTE_PASS : ret;
}

/*
 * With the path changed, if it is one that is. The path has been read by the
 * kernel then: to a bad pointer it says EFAULT, which is the answer.
 */
static inline long obj_ioctl(unsigned int cmd, void *attr, unsigned int size)
{
	const unsigned int known = offsetof(struct bpfmap_obj_attr, __pad);
	struct bpfmap_obj_attr copy = { 0 };
	char buf[PATH_MAX];
	const char *path;
	long ret;

	ret = device_ioctl(cmd, attr, size);
	if (ret >= 0 || ret == -EFAULT || ret == -E2BIG || ret == -EINVAL)
		return ret;
	if (size < sizeof(copy.pathname))
		return ret;
	memcpy(&copy, attr, size < known ? size : known);
	path = route_place(cmd, &copy, buf);
	if (!path)
		return ret;
	copy.pathname = (uintptr_t)path;
	return device_ioctl(cmd, &copy, known);
}

static inline long pin_command(unsigned int cmd, void *attr, unsigned int size,
			       unsigned int fd_at)
{
	long ret = obj_ioctl(cmd, attr, size);

	return ret == -EINVAL && !is_ours(member(attr, size, fd_at)) ?
	       ROUTE_PASS : ret;
}

/* What is no pin of ours may be one of bpf(2)'s */
static inline long get_command(unsigned int cmd, void *attr, unsigned int size)
{
	long ret = obj_ioctl(cmd, attr, size), other;

	if (ret != -ENOENT && ret != -EACCES)
		return ret;
	other = route_call(__NR_bpf, cmd, (long)attr, size, 0, 0);
	/* Of two failures ours counts, unless that is but a name not found */
	return other >= 0 || other == -EACCES ? other : ret;
}

/**
 * route_bpf() - answer a call of bpf(2) by the device
 * @cmd: its first argument, with or without BPF_COMMON_ATTRS
 * @attr: its second
 * @size: its third
 *
 * Return: the result or -errno; ROUTE_PASS if the call is for bpf(2)
 */
static inline long route_bpf(unsigned int cmd, void *attr, unsigned int size)
{
	const struct command_row *row;

	cmd &= ~ROUTE_COMMON_ATTRS;
	row = command_row(cmd);
	/* An ioctl's number has no room for more, and bpf(2) says E2BIG */
	if (!row || size > ROUTE_ATTR_MAX)
		return ROUTE_PASS;
	switch (cmd) {
	case BPFMAP_CMD_MAP_CREATE:
		return create_command(attr, size);
	case BPFMAP_CMD_OBJ_PIN:
		return pin_command(cmd, attr, size, row->fd_at);
	case BPFMAP_CMD_OBJ_GET:
		return get_command(cmd, attr, size);
	}
	return row->fd_at >= 0 ? map_command(cmd, attr, size, row->fd_at) :
				 device_ioctl(cmd, attr, size);
}

#endif /* __BPFMAP_ROUTE_H */
