// SPDX-License-Identifier: GPL-2.0-only
/*
 * Calls of bpf(2), counted in memory that the program and its children share.
 * The process that is waited for stays, gives signals on to the program, and ends
 * as it does.
 */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "commands.h"
#include "run.h"

_Static_assert(sizeof(struct counters) <= PAGE_COUNTERS_SIZE, "fits");

static volatile pid_t program;

static void print_row(const char *name, const struct counter *device,
		      const struct counter *kernel)
{
	if (!device->calls && !kernel->calls)
		return;
	fprintf(stderr, "%-28s %12llu %12llu %12llu\n", name,
		(unsigned long long)device->calls, (unsigned long long)kernel->calls,
		(unsigned long long)(device->refused + kernel->refused));
}

static void print(const struct counters *c)
{
	char name[32];

	fprintf(stderr, "%-28s %12s %12s %12s\n", "command of bpf(2)", "device", "kernel",
		"with errno");
	for (unsigned int i = 0; i < COUNT_COMMANDS; i++) {
		const struct command_row *row = command_row(i);

		if (row)
			snprintf(name, sizeof(name), "%s", row->NAME);
		else
			snprintf(name, sizeof(name), "%u%s", i,
				 i == COUNT_COMMANDS - 1 ? " and above" : "");
		print_row(name, &c->device[i], &c->kernel[i]);
	}
}

/* Those of the terminal have reached the program already */
static void give_on(int sig, siginfo_t *info, void *context)
{
	(void)context;
	if (info->si_code <= 0 && program > 0)
		kill(program, sig);
}

static void handle_signals(void)
{
	static const int given[] = {
		SIGINT, SIGQUIT, SIGTERM, SIGHUP, SIGUSR1, SIGUSR2, SIGALRM, SIGWINCH,
	};
	struct sigaction action = {
		.sa_sigaction = give_on,
		.sa_flags = SA_SIGINFO | SA_RESTART,
	};

	for (size_t i = 0; i < sizeof(given) / sizeof(*given); i++)
		sigaction(given[i], &action, NULL);
}

static _Noreturn void end_as(int status)
{
	struct rlimit none = { 0, 0 };

	if (WIFSIGNALED(status)) {
		setrlimit(RLIMIT_CORE, &none);
		signal(WTERMSIG(status), SIG_DFL);
		raise(WTERMSIG(status));
		exit(128 + WTERMSIG(status));
	}
	exit(WEXITSTATUS(status));
}

const char *count_begin(void)
{
	static char path[64];
	struct counters *counters;
	int fd = memfd_create("bpfmap-run counters", MFD_CLOEXEC), status;

	if (fd < 0 || ftruncate(fd, PAGE_COUNTERS_SIZE))
		die(FAILED, "cannot count: %s", strerror(errno));
	counters = mmap(NULL, PAGE_COUNTERS_SIZE, PROT_READ | PROT_WRITE, MAP_SHARED, fd,
			0);
	if (counters == MAP_FAILED)
		die(FAILED, "cannot count: %s", strerror(errno));
	/* By name of the process, since a program has only descriptors of its own */
	snprintf(path, sizeof(path), "/proc/%d/fd/%d", getpid(), fd);
	program = fork();
	if (program < 0)
		die(FAILED, "fork: %s", strerror(errno));
	if (!program)
		return path;
	handle_signals();
	while (waitpid(program, &status, 0) < 0)
		if (errno != EINTR)
			die(FAILED, "wait: %s", strerror(errno));
	print(counters);
	end_as(status);
}
