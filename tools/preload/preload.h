/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/* What the files of libbpfmap-preload share */
#ifndef BPFMAP_PRELOAD_H
#define BPFMAP_PRELOAD_H

#include <errno.h>
#include <limits.h>
#include <stdbool.h>
#include <stdint.h>

#define EXPORT __attribute__((visibility("default")))

/* The function that the program would have called, of any library behind this one */
#define REAL(name)							\
({									\
	static __typeof__(name) *real;					\
									\
	if (!real)							\
		real = (__typeof__(name) *)real_symbol(#name);		\
	real;								\
})

/* late.c */
void *real_symbol(const char *name);

/* bpf.c, for files that route.h is not for */

/**
 * create() - MAP_CREATE of bpf(2), by the device
 * @attr: its attr, any pointer
 * @size: of the attr, ATTR_MAX at most
 *
 * Opens the device again if the program has closed the descriptor. Keeps errno.
 *
 * Return: as bpf(2), or -errno
 */
long create(void *attr, unsigned int size);

/* Out of the way of programs that count on low numbers, if that can be; -errno */
int high_fd(int fd);

/* @path, without "." and "..", as a name below the directory of our pins; or NULL */
const char *below_ours(const char *path, char buf[PATH_MAX]);

/* place.c */

/**
 * place() - where our pins of a name are
 * @dir: descriptor of a directory, or AT_FDCWD, for relative names
 * @path: name, as the program says it; may be NULL
 * @buf: room for the result
 *
 * Keeps errno.
 *
 * Return: absolute path in @buf, or NULL: the name is not below the directory
 *	of bpf(2)'s pins
 */
const char *place(int dir, const char *path, char buf[PATH_MAX]);

/**
 * pick() - the name to use for something that exists
 * @dir: in: directory for relative names. out: that of the result
 * @path: name, as the program says it
 * @buf: room for the result
 *
 * Ours, if it is there and no directory. Directories are on both file systems,
 * and lead to the pins of both: bpf(2)'s, unless this user cannot search it.
 *
 * Return: @path, or ours in @buf
 */
const char *pick(int *dir, const char *path, char buf[PATH_MAX]);

/* Name of an open directory, as its process sees it; NULL if it has none */
const char *name_of(int dir, char buf[PATH_MAX]);

/* detached.c */

/* The root of our file system beside the detached one that @dir is on, or -1 */
int twin_find(int dir);

/* The same, made if need be. For pins: a name in @dir is then below the twin */
void twin_make(int dir);

/* log.c */
struct common_attr {
	uint64_t log_buf;
	uint32_t log_size;
	uint32_t log_level;
	uint32_t log_true_size;
};

#define ATTR_MAX 4096		/* bpf(2)'s limit is a page */

/* bpf(2)'s first checks: the attr, then the common attrs. 0 or -errno */
long common_check(const void *attr, unsigned int size, const void *user,
		  unsigned int common_size);

/**
 * create_logged() - MAP_CREATE that says what is wrong, as that of Linux 7.3
 * @attr: attr, which common_check() has accepted
 * @size: of the attr
 * @user: the caller's common attrs
 * @common_size: of these
 *
 * Return: as bpf(2), or -errno
 */
long create_logged(void *attr, unsigned int size, void *user,
		   unsigned int common_size);

/* Functions of glibc without a declaration there */
struct stat;
struct stat64;

int __xstat(int ver, const char *path, struct stat *st);
int __xstat64(int ver, const char *path, struct stat64 *st);
int __lxstat(int ver, const char *path, struct stat *st);
int __lxstat64(int ver, const char *path, struct stat64 *st);
int __fxstatat(int ver, int dir, const char *path, struct stat *st, int flags);
int __fxstatat64(int ver, int dir, const char *path, struct stat64 *st, int flags);
int __open_2(const char *path, int flags);
int __open64_2(const char *path, int flags);
int __openat_2(int dir, const char *path, int flags);
int __openat64_2(int dir, const char *path, int flags);

#endif /* BPFMAP_PRELOAD_H */
