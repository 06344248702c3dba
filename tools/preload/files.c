// SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause
/* Functions that take the name of a pin and leave it where it is */
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>
#include <linux/bpfmap.h>

#include "preload.h"

#define BPF_FS_MAGIC 0xcafe4a11

/* A function with a directory; one without it has AT_FDCWD */
#define AT_NAME(type, name, args, call)					\
EXPORT type name args							\
{									\
	char buf[PATH_MAX];						\
									\
	path = pick(&dir, path, buf);					\
	return call;							\
}

#define BY_NAME(type, name, args, call)					\
EXPORT type name args							\
{									\
	int dir = AT_FDCWD;						\
	char buf[PATH_MAX];						\
									\
	path = pick(&dir, path, buf);					\
	return call;							\
}

BY_NAME(int, access, (const char *path, int mode), REAL(access)(path, mode))
BY_NAME(int, eaccess, (const char *path, int mode), REAL(eaccess)(path, mode))
BY_NAME(int, euidaccess, (const char *path, int mode), REAL(euidaccess)(path, mode))
AT_NAME(int, faccessat, (int dir, const char *path, int mode, int flags),
	REAL(faccessat)(dir, path, mode, flags))

BY_NAME(int, stat, (const char *path, struct stat *st), REAL(stat)(path, st))
BY_NAME(int, stat64, (const char *path, struct stat64 *st), REAL(stat64)(path, st))
BY_NAME(int, lstat, (const char *path, struct stat *st), REAL(lstat)(path, st))
BY_NAME(int, lstat64, (const char *path, struct stat64 *st), REAL(lstat64)(path, st))
AT_NAME(int, fstatat, (int dir, const char *path, struct stat *st, int flags),
	REAL(fstatat)(dir, path, st, flags))
AT_NAME(int, fstatat64, (int dir, const char *path, struct stat64 *st, int flags),
	REAL(fstatat64)(dir, path, st, flags))
AT_NAME(int, statx,
	(int dir, const char *path, int flags, unsigned int mask, struct statx *st),
	REAL(statx)(dir, path, flags, mask, st))

/* What programs call that were built with glibc before 2.33 */
BY_NAME(int, __xstat, (int ver, const char *path, struct stat *st),
	REAL(__xstat)(ver, path, st))
BY_NAME(int, __xstat64, (int ver, const char *path, struct stat64 *st),
	REAL(__xstat64)(ver, path, st))
BY_NAME(int, __lxstat, (int ver, const char *path, struct stat *st),
	REAL(__lxstat)(ver, path, st))
BY_NAME(int, __lxstat64, (int ver, const char *path, struct stat64 *st),
	REAL(__lxstat64)(ver, path, st))
AT_NAME(int, __fxstatat,
	(int ver, int dir, const char *path, struct stat *st, int flags),
	REAL(__fxstatat)(ver, dir, path, st, flags))
AT_NAME(int, __fxstatat64,
	(int ver, int dir, const char *path, struct stat64 *st, int flags),
	REAL(__fxstatat64)(ver, dir, path, st, flags))

BY_NAME(int, chmod, (const char *path, mode_t mode), REAL(chmod)(path, mode))
AT_NAME(int, fchmodat, (int dir, const char *path, mode_t mode, int flags),
	REAL(fchmodat)(dir, path, mode, flags))
BY_NAME(int, chown, (const char *path, uid_t uid, gid_t gid),
	REAL(chown)(path, uid, gid))
BY_NAME(int, lchown, (const char *path, uid_t uid, gid_t gid),
	REAL(lchown)(path, uid, gid))
AT_NAME(int, fchownat,
	(int dir, const char *path, uid_t uid, gid_t gid, int flags),
	REAL(fchownat)(dir, path, uid, gid, flags))
BY_NAME(ssize_t, readlink, (const char *path, char *to, size_t size),
	REAL(readlink)(path, to, size))
AT_NAME(ssize_t, readlinkat, (int dir, const char *path, char *to, size_t size),
	REAL(readlinkat)(dir, path, to, size))

BY_NAME(int, chdir, (const char *path), REAL(chdir)(path))

/* --- open --- */

/* A mode follows flags that can create a file */
#define MODE(flags)							\
({									\
	mode_t mode_ = 0;						\
	va_list ap_;							\
									\
	if ((flags) & O_CREAT || ((flags) & O_TMPFILE) == O_TMPFILE) {	\
		va_start(ap_, flags);					\
		mode_ = va_arg(ap_, mode_t);				\
		va_end(ap_);						\
	}								\
	mode_;								\
})

BY_NAME(int, open, (const char *path, int flags, ...),
	REAL(openat)(dir, path, flags, MODE(flags)))
BY_NAME(int, open64, (const char *path, int flags, ...),
	REAL(openat64)(dir, path, flags, MODE(flags)))
AT_NAME(int, openat, (int dir, const char *path, int flags, ...),
	REAL(openat)(dir, path, flags, MODE(flags)))
AT_NAME(int, openat64, (int dir, const char *path, int flags, ...),
	REAL(openat64)(dir, path, flags, MODE(flags)))

/* The same, of programs that are built with _FORTIFY_SOURCE */
BY_NAME(int, __open_2, (const char *path, int flags),
	REAL(__openat_2)(dir, path, flags))
BY_NAME(int, __open64_2, (const char *path, int flags),
	REAL(__openat64_2)(dir, path, flags))
AT_NAME(int, __openat_2, (int dir, const char *path, int flags),
	REAL(__openat_2)(dir, path, flags))
AT_NAME(int, __openat64_2, (int dir, const char *path, int flags),
	REAL(__openat64_2)(dir, path, flags))

/* --- statfs --- */

/* Programs look for bpf(2)'s file system before they pin */
#define STATFS(name, type)						\
EXPORT int name(const char *path, struct type *st)			\
{									\
	char buf[PATH_MAX];						\
	const char *ours = place(AT_FDCWD, path, buf);			\
	int err = errno, ret;						\
									\
	if (ours && !REAL(name)(ours, st) &&				\
	    st->f_type == BPFMAPFS_MAGIC) {				\
		st->f_type = BPF_FS_MAGIC;				\
		return 0;						\
	}								\
	errno = err;							\
	ret = REAL(name)(path, st);					\
	if (!ret && st->f_type == BPFMAPFS_MAGIC)			\
		st->f_type = BPF_FS_MAGIC;				\
	return ret;							\
}									\
									\
EXPORT int f##name(int fd, struct type *st)				\
{									\
	int ret = REAL(f##name)(fd, st);				\
									\
	if (!ret && st->f_type == BPFMAPFS_MAGIC)			\
		st->f_type = BPF_FS_MAGIC;				\
	return ret;							\
}

STATFS(statfs, statfs)
STATFS(statfs64, statfs64)
