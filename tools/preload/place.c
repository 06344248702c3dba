// SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause
/*
 * Names of pins: those under /sys/fs/bpf are looked for under /sys/fs/bpfmap,
 * which BPFMAP_PRELOAD_PINS=FROM=TO changes (an empty one turns it off), however
 * the program says them. Symbolic links that lead there are not followed.
 */
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "preload.h"

/* Append the components of @path to the absolute @out; NULL if it is too long */
static char *join(char out[PATH_MAX], const char *path)
{
	size_t len = strlen(out);

	while (len && out[len - 1] == '/')
		len--;
	while (*path) {
		size_t n = strcspn(path, "/");

		if (n == 2 && !memcmp(path, "..", 2)) {
			while (len && out[--len] != '/')
				;
		} else if (n && !(n == 1 && *path == '.')) {
			if (len + 1 + n >= PATH_MAX)
				return NULL;
			out[len++] = '/';
			memcpy(out + len, path, n);
			len += n;
		}
		path += n + (path[n] == '/');
	}
	out[len] = '\0';
	return out;
}

const char *name_of(int dir, char buf[PATH_MAX])
{
	char link[32];
	ssize_t n;

	if (dir == AT_FDCWD)
		return getcwd(buf, PATH_MAX) && buf[0] == '/' ? buf : NULL;
	snprintf(link, sizeof(link), "/proc/self/fd/%d", dir);
	n = REAL(readlink)(link, buf, PATH_MAX - 1);
	if (n <= 0 || buf[0] != '/')
		return NULL;
	buf[n] = '\0';
	return buf;
}

static const char *find(int dir, const char *path, char buf[PATH_MAX])
{
	char name[PATH_MAX] = "";
	int twin = -1;

	if (path[0] != '/' && !name_of(dir, name))
		return NULL;
	if (path[0] != '/' && dir != AT_FDCWD)
		twin = twin_find(dir);
	if (!join(name, path))
		return NULL;
	if (twin < 0)
		return below_ours(name, buf);
	if (snprintf(buf, PATH_MAX, "/proc/self/fd/%d%s", twin, name) >= PATH_MAX)
		return NULL;
	return buf;
}

const char *place(int dir, const char *path, char buf[PATH_MAX])
{
	int err = errno;

	if (!path || !path[0])
		return NULL;
	path = find(dir, path, buf);
	errno = err;
	return path;
}

const char *pick(int *dir, const char *path, char buf[PATH_MAX])
{
	const char *ours = place(*dir, path, buf);
	int err = errno;
	struct stat st;

	if (ours && (REAL(fstatat)(AT_FDCWD, ours, &st, AT_SYMLINK_NOFOLLOW) ||
		     (S_ISDIR(st.st_mode) &&
		      !REAL(faccessat)(*dir, path, R_OK | X_OK, 0))))
		ours = NULL;
	errno = err;
	if (!ours)
		return path;
	*dir = AT_FDCWD;
	return ours;
}
