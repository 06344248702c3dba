// SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause
/*
 * Under bpfmap-run: programs are executed by way of bpfmap-exec, since those that
 * are not dynamic with glibc need more than this library. BPFMAP_PRELOAD_EXEC is
 * its path. It gets the program as a descriptor, so that a child of vfork(), which
 * has no memory of its own, need not write to any.
 */
#include <fcntl.h>
#include <spawn.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "preload.h"

#define PROGRAM_FD 700		/* PAGE_EXEC_FD of bpfmap-run */
#define PROGRAM "BPFMAP_RUN_PROGRAM="

static char by[256];

__attribute__((constructor)) static void init(void)
{
	const char *path = getenv("BPFMAP_PRELOAD_EXEC");

	if (path && strlen(path) < sizeof(by))
		strcpy(by, path);
}

EXPORT int execve(const char *path, char *const argv[], char *const envp[])
{
	int err = errno, fd, high = -1;

	if (by[0] && !access(path, X_OK)) {
		fd = open(path, O_PATH | O_CLOEXEC);
		if (fd >= 0) {
			high = fcntl(fd, F_DUPFD, PROGRAM_FD);
			close(fd);
		}
		if (high >= 0) {
			REAL(execve)(by, argv, envp);
			close(high);
		}
	}
	errno = err;
	return REAL(execve)(path, argv, envp);
}

EXPORT int execv(const char *path, char *const argv[])
{
	return execve(path, argv, environ);
}

/* @file in the directories of PATH; NULL: not there */
static const char *search(const char *file, char buf[PATH_MAX])
{
	const char *path = getenv("PATH");
	size_t len;

	if (strchr(file, '/'))
		return file;
	for (path = path ? path : "/bin:/usr/bin"; *file; path += len + 1) {
		len = strcspn(path, ":");
		if (snprintf(buf, PATH_MAX, "%.*s%s%s", (int)len, path,
			     len ? "/" : "", file) < PATH_MAX &&
		    !access(buf, X_OK))
			return buf;
		if (!path[len])
			break;
	}
	return NULL;
}

EXPORT int execvpe(const char *file, char *const argv[], char *const envp[])
{
	char buf[PATH_MAX];
	int err = errno;
	const char *path = by[0] ? search(file, buf) : NULL;

	errno = err;
	/* If this fails the other says why, or runs a shell for it */
	if (path)
		execve(path, argv, envp);
	return REAL(execvpe)(file, argv, envp);
}

EXPORT int execvp(const char *file, char *const argv[])
{
	return execvpe(file, argv, environ);
}

/* Arguments from @first to NULL, in an array on the stack of the caller */
#define COUNT_ARGUMENTS(n, first)					\
do {									\
	va_start(ap, first);						\
	for (n = 1; va_arg(ap, char *); n++)				\
		;							\
	va_end(ap);							\
} while (0)

#define TAKE_ARGUMENTS(argv, n, first)					\
do {									\
	va_start(ap, first);						\
	argv[0] = (char *)first;					\
	for (int i = 1; i <= n; i++)					\
		argv[i] = va_arg(ap, char *);				\
} while (0)

EXPORT int execl(const char *path, const char *arg, ...)
{
	va_list ap;
	int n;

	COUNT_ARGUMENTS(n, arg);
	char *argv[n + 1];

	TAKE_ARGUMENTS(argv, n, arg);
	va_end(ap);
	return execve(path, argv, environ);
}

EXPORT int execlp(const char *file, const char *arg, ...)
{
	va_list ap;
	int n;

	COUNT_ARGUMENTS(n, arg);
	char *argv[n + 1];

	TAKE_ARGUMENTS(argv, n, arg);
	va_end(ap);
	return execvpe(file, argv, environ);
}

EXPORT int execle(const char *path, const char *arg, ...)
{
	char *const *envp;
	va_list ap;
	int n;

	COUNT_ARGUMENTS(n, arg);
	char *argv[n + 1];

	TAKE_ARGUMENTS(argv, n, arg);
	envp = va_arg(ap, char *const *);
	va_end(ap);
	return execve(path, argv, envp);
}

/* There is no room for a descriptor among the file actions: by the environment */
static int spawn(pid_t *pid, const char *path, const posix_spawn_file_actions_t *actions,
		 const posix_spawnattr_t *attr, char *const argv[], char *const envp[])
{
	char program[sizeof(PROGRAM) + PATH_MAX];
	size_t n = 0;

	while (envp && envp[n])
		n++;
	const char *with[n + 2];

	snprintf(program, sizeof(program), PROGRAM "%s", path);
	with[0] = program;
	for (size_t i = 0; i < n; i++)
		with[i + 1] = envp[i];
	with[n + 1] = NULL;
	return REAL(posix_spawn)(pid, by, actions, attr, argv, (char *const *)with);
}

EXPORT int posix_spawn(pid_t *pid, const char *path,
		       const posix_spawn_file_actions_t *actions,
		       const posix_spawnattr_t *attr, char *const argv[],
		       char *const envp[])
{
	if (by[0] && strlen(path) < PATH_MAX && !access(path, X_OK))
		return spawn(pid, path, actions, attr, argv, envp);
	return REAL(posix_spawn)(pid, path, actions, attr, argv, envp);
}

EXPORT int posix_spawnp(pid_t *pid, const char *file,
			const posix_spawn_file_actions_t *actions,
			const posix_spawnattr_t *attr, char *const argv[],
			char *const envp[])
{
	char buf[PATH_MAX];
	const char *path = by[0] ? search(file, buf) : NULL;

	if (path && !access(path, X_OK))
		return spawn(pid, path, actions, attr, argv, envp);
	return REAL(posix_spawnp)(pid, file, actions, attr, argv, envp);
}
