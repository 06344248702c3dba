// SPDX-License-Identifier: GPL-2.0-only
/*
 * Executes a program in each way that libc has:
 *
 *	execs PROGRAM ARGUMENT
 *
 * It must end with status 0. Prints TAP.
 */
#include <errno.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

extern char **environ;
static char *program, *argument, *args[3];
static int tests, failed;

static void ended(const char *name, pid_t pid)
{
	int status = -1;

	tests++;
	if (pid > 0)
		waitpid(pid, &status, 0);
	if (status)
		failed = 1;
	printf("%s %d - %s\n", status ? "not ok" : "ok", tests, name);
	fflush(stdout);
}

static void do_execve(void) { execve(program, args, environ); }
static void do_execv(void) { execv(program, args); }
static void do_execvp(void) { execvp(program, args); }
static void do_execl(void) { execl(program, program, argument, NULL); }
static void do_execlp(void) { execlp(program, program, argument, NULL); }
static void do_execle(void) { execle(program, program, argument, NULL, environ); }

static void do_clean(void)
{
	char *none[1] = { NULL };

	execve(program, args, none);
}

static const struct {
	const char *name;
	void (*exec)(void);
} ways[] = {
	{ "execve", do_execve }, { "execv", do_execv }, { "execvp", do_execvp },
	{ "execl", do_execl }, { "execlp", do_execlp }, { "execle", do_execle },
	{ "execve without an environment", do_clean },
};

int main(int argc, char *argv[])
{
	pid_t pid;

	if (argc != 3)
		return 2;
	program = argv[1];
	argument = argv[2];
	args[0] = program;
	args[1] = argument;
	for (size_t i = 0; i < sizeof(ways) / sizeof(*ways); i++) {
		pid = fork();
		if (!pid) {
			ways[i].exec();
			_exit(1);
		}
		ended(ways[i].name, pid);
	}
	for (int i = 0; i < 40; i++) {
		pid = vfork();
		if (!pid) {
			execve(program, args, environ);
			_exit(1);
		}
		if (i == 39)
			ended("vfork, forty times", pid);
		else
			waitpid(pid, NULL, 0);
	}
	errno = posix_spawn(&pid, program, NULL, NULL, args, environ);
	ended("posix_spawn", errno ? -1 : pid);
	errno = posix_spawnp(&pid, program, NULL, NULL, args, environ);
	ended("posix_spawnp", errno ? -1 : pid);
	tests++;
	errno = 0;
	if (execv("/nonexistent", args) != -1 || errno != ENOENT)
		failed = 1;
	printf("%s %d - no such program\n1..%d\n", errno == ENOENT ? "ok" : "not ok", tests,
	       tests);
	return failed;
}
