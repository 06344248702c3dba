// SPDX-License-Identifier: GPL-2.0-only
/*
 * What will be done with a program, and why it would be refused.
 */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "run.h"

bool is_privileged(int fd)
{
	char capabilities[64];
	struct stat st;

	if (fstat(fd, &st))
		return false;
	if ((st.st_mode & S_ISUID) && st.st_uid != geteuid())
		return true;
	if ((st.st_mode & S_ISGID) && (st.st_mode & 0010) && st.st_gid != getegid())
		return true;
	return geteuid() &&
	       fgetxattr(fd, "security.capability", capabilities, sizeof(capabilities)) > 0;
}

/* 0, or the errno */
static int try_ptrace(void)
{
	pid_t pid = fork();
	int err;

	if (pid < 0)
		return errno;
	if (!pid) {
		pause();
		_exit(0);
	}
	err = ptrace(PTRACE_SEIZE, pid, 0, 0) ? errno : 0;
	kill(pid, SIGKILL);
	waitpid(pid, NULL, __WALL);
	return err;
}

static void print_kind(const struct image *image)
{
	printf("kind     ");
	if (image->privileged)
		printf("with other privileges than the caller's\n");
	else if (image->kind == KIND_SCRIPT)
		printf("script of %s\n", image->interpreter);
	else if (image->kind == KIND_ELF32)
		printf("32-bit program\n");
	else if (image->kind != KIND_ELF64)
		printf("no program for x86-64\n");
	else if (!image->interpreter[0])
		printf("64-bit program, static\n");
	else
		printf("64-bit program, dynamic with %s\n", image->interpreter);
}

static void print_way(const struct image *image, const struct image *libc,
		      const char *preload)
{
	bool dynamic = image_has_glibc(image);

	preload = preload ?: "the library to preload, which is not installed";
	for (unsigned int i = 0; i < image->n_sites; i++)
		printf("calls    %s, at 0x%llx\n", image->sites[i].of,
		       (unsigned long long)image->sites[i].addr);
	for (unsigned int i = 0; i < libc->n_sites; i++)
		printf("calls    %s, in its loader, at 0x%llx\n", libc->sites[i].of,
		       (unsigned long long)libc->sites[i].addr);
	printf("way      ");
	if (image->kind != KIND_ELF64)
		printf("none\n");
	else if (image_needs_tracing(image, libc, true))
		printf("each call of bpf(2) traced, which is slow\n");
	else if (image->n_sites || libc->n_sites)
		printf("patched when it starts%s%s\n", dynamic ? ", with " : "",
		       dynamic ? preload : "");
	else
		printf("with %s\n", preload);
}

bool check_print(const char *name, const struct image *image, const struct image *libc,
		 const char *preload)
{
	bool usable = device_usable();
	int err = errno, trace = try_ptrace();

	printf("program  %s\n", name);
	print_kind(image);
	print_way(image, libc, preload);
	printf("device   %s\n", usable ? "can be opened" : strerror(err));
	printf("ptrace   %s\n", trace ? strerror(trace) : "permitted");
	return usable && image->kind == KIND_ELF64 &&
	       (!trace || (image_has_glibc(image) && !image->n_sites));
}
