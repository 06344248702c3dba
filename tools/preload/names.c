// SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause
/*
 * Functions that make, move and remove names. A directory is on both file systems,
 * so that programs can still be pinned in bpf(2)'s.
 */
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "preload.h"

static bool exists(const char *path)
{
	struct stat st;

	return !REAL(fstatat)(AT_FDCWD, path, &st, AT_SYMLINK_NOFOLLOW);
}

static bool is_dir(int dir, const char *path)
{
	struct stat st;

	return !REAL(fstatat)(dir, path, &st, AT_SYMLINK_NOFOLLOW) &&
	       S_ISDIR(st.st_mode);
}

EXPORT int mkdirat(int dir, const char *path, mode_t mode)
{
	char buf[PATH_MAX];
	const char *ours = place(dir, path, buf);
	int err, ret;

	if (!ours)
		return REAL(mkdirat)(dir, path, mode);
	ret = REAL(mkdirat)(AT_FDCWD, ours, mode);
	err = errno;
	REAL(mkdirat)(dir, path, mode);
	errno = err;
	return ret;
}

EXPORT int mkdir(const char *path, mode_t mode)
{
	return mkdirat(AT_FDCWD, path, mode);
}

/* Both are empty, or both stay. One of them may never have been made */
static int rmdir_at(int dir, const char *path)
{
	char buf[PATH_MAX];
	const char *ours = place(dir, path, buf);
	int err = errno;
	struct stat st;

	if (!ours || REAL(fstatat)(AT_FDCWD, ours, &st, AT_SYMLINK_NOFOLLOW))
		return REAL(unlinkat)(dir, path, AT_REMOVEDIR);
	if (REAL(unlinkat)(AT_FDCWD, ours, AT_REMOVEDIR))
		return -1;
	if (REAL(unlinkat)(dir, path, AT_REMOVEDIR) && errno == ENOTEMPTY) {
		REAL(mkdirat)(AT_FDCWD, ours, st.st_mode & 07777);
		errno = ENOTEMPTY;
		return -1;
	}
	errno = err;
	return 0;
}

EXPORT int rmdir(const char *path)
{
	return rmdir_at(AT_FDCWD, path);
}

EXPORT int unlinkat(int dir, const char *path, int flags)
{
	char buf[PATH_MAX];

	if (flags & AT_REMOVEDIR)
		return rmdir_at(dir, path);
	path = pick(&dir, path, buf);
	return REAL(unlinkat)(dir, path, flags);
}

EXPORT int unlink(const char *path)
{
	return unlinkat(AT_FDCWD, path, 0);
}

EXPORT int remove(const char *path)
{
	char buf[PATH_MAX];
	int dir = AT_FDCWD;
	const char *name = pick(&dir, path, buf);

	return is_dir(dir, name) ? rmdir(path) : unlink(path);
}

static int real_rename(int from_dir, const char *from, int to_dir, const char *to,
		       unsigned int flags)
{
	if (!flags)
		return REAL(renameat)(from_dir, from, to_dir, to);
	return REAL(renameat2)(from_dir, from, to_dir, to, flags);
}

/* What is ours stays ours; bpf(2)'s directory of the same name goes along */
EXPORT int renameat2(int from_dir, const char *from, int to_dir, const char *to,
		     unsigned int flags)
{
	char buf_from[PATH_MAX], buf_to[PATH_MAX];
	const char *ours_from = place(from_dir, from, buf_from);
	const char *ours_to = place(to_dir, to, buf_to);
	int err = errno;

	if (!ours_from || !ours_to || !exists(ours_from)) {
		errno = err;
		return real_rename(from_dir, from, to_dir, to, flags);
	}
	errno = err;
	if (real_rename(AT_FDCWD, ours_from, AT_FDCWD, ours_to, flags))
		return -1;
	if (is_dir(AT_FDCWD, ours_to))
		real_rename(from_dir, from, to_dir, to, flags);
	errno = err;
	return 0;
}

EXPORT int renameat(int from_dir, const char *from, int to_dir, const char *to)
{
	return renameat2(from_dir, from, to_dir, to, 0);
}

EXPORT int rename(const char *from, const char *to)
{
	return renameat2(AT_FDCWD, from, AT_FDCWD, to, 0);
}

EXPORT int linkat(int from_dir, const char *from, int to_dir, const char *to,
		  int flags)
{
	char buf_from[PATH_MAX], buf_to[PATH_MAX];
	const char *ours_from = place(from_dir, from, buf_from);
	const char *ours_to = place(to_dir, to, buf_to);
	int err = errno;

	if (!ours_from || !ours_to || !exists(ours_from)) {
		errno = err;
		return REAL(linkat)(from_dir, from, to_dir, to, flags);
	}
	errno = err;
	return REAL(linkat)(AT_FDCWD, ours_from, AT_FDCWD, ours_to, flags);
}

EXPORT int link(const char *from, const char *to)
{
	return linkat(AT_FDCWD, from, AT_FDCWD, to, 0);
}
