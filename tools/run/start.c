// SPDX-License-Identifier: GPL-2.0-only
/*
 * Becoming the program: in this process, so that its id, its parent, signals to
 * it and its end are as without us. A helper, which is no child of it, attaches to
 * it before that, and goes when the program is patched.
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "run.h"

#ifndef __NR_close_range
#define __NR_close_range 436
#endif

/* Descriptors of the program, whose other ends may wait for the last to close */
static void leave_files(int keep)
{
	int null = open("/dev/null", O_RDWR | O_CLOEXEC);

	dup2(null, STDIN_FILENO);
	dup2(null, STDOUT_FILENO);
	dup2(keep, 3);
	syscall(__NR_close_range, 4U, ~0U, 0);
}

/* What the program's terminal sends is not for us */
static void leave_terminal(void)
{
	setsid();
	for (int sig = 1; sig < NSIG; sig++)
		if (sig != SIGCHLD)
			signal(sig, SIG_IGN);
}

static _Noreturn void help(pid_t program, int told)
{
	int err;

	leave_files(told);
	leave_terminal();
	err = attach(program);
	if (write(3, &err, sizeof(err)) == sizeof(err) && !err) {
		close(3);
		follow();
	}
	_exit(0);
}

/* By a child that ends at once, so that the program has no child it knows not of */
static int start_helper(int told)
{
	pid_t program = getpid(), pid = fork();
	int status;

	if (pid < 0)
		return -errno;
	if (!pid) {
		pid = fork();
		if (!pid)
			help(program, told);
		_exit(pid < 0);
	}
	while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
		;
	return status ? -EAGAIN : 0;
}

static int be_traced(void)
{
	int told[2], err, ret;

	if (pipe2(told, O_CLOEXEC))
		return -errno;
	/* Yama would permit it to ancestors only */
	prctl(PR_SET_PTRACER, PR_SET_PTRACER_ANY, 0, 0, 0);
	err = start_helper(told[1]);
	close(told[1]);
	if (!err) {
		ret = read(told[0], &err, sizeof(err));
		if (ret != sizeof(err))
			err = ret < 0 ? -errno : -EIO;
	}
	close(told[0]);
	prctl(PR_SET_PTRACER, 0, 0, 0, 0);
	return err;
}

/* Of another tracer, or 0 */
static pid_t tracer(void)
{
	char line[128];
	pid_t pid = 0;
	FILE *f = fopen("/proc/self/status", "re");

	while (f && fgets(line, sizeof(line), f))
		if (sscanf(line, "TracerPid: %d", &pid) == 1)
			break;
	if (f)
		fclose(f);
	return pid;
}

static void explain(const char *path, int err)
{
	const char *then = options.named ? "" : ": its calls of bpf(2) go to the kernel";
	pid_t pid = tracer();
	char why[256];

	if (pid)
		snprintf(why, sizeof(why), "it is traced already, by process %d%s", pid, then);
	else
		snprintf(why, sizeof(why), "ptrace(2) is not permitted (%s), see kernel.yama.ptrace_scope and seccomp filters%s",
			 strerror(-err), then);
	if (options.named)
		die(REFUSED, "%s: %s", path, why);
	notice("%s: %s", path, why);
}

int execute(const char *path, char *const argv[], bool patch)
{
	int err = patch ? be_traced() : 0;

	if (err)
		explain(path, err);
	/* This process may have the library preloaded, whose execve() leads back here */
	syscall(__NR_execve, path, argv, environ);
	return errno;
}
