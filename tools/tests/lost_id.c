// SPDX-License-Identifier: GPL-2.0-only
/*
 * A map that gets no id for want of memory takes no other map's id away:
 * [create.ids]
 *
 * One process creates maps while most of its allocations fail, another does so
 * undisturbed and finds each of its own by id. The number that the first one
 * would have had is free as long as it waits for memory, and soon the other's.
 */
#include <signal.h>
#include <time.h>
#include <sys/prctl.h>
#include <sys/wait.h>

#include "load.h"

#define FAILSLAB	"/sys/kernel/debug/failslab/"

static bool set(const char *path, const char *value)
{
	int fd = open(path, O_WRONLY | O_CLOEXEC);
	bool ok = fd >= 0 && write(fd, value, strlen(value)) > 0;

	if (fd >= 0)
		close(fd);
	return ok;
}

static bool set_failures(const char *percent)
{
	return set(FAILSLAB "task-filter", "Y") && set(FAILSLAB "times", "-1") &&
	       set(FAILSLAB "verbose", "0") &&
	       set(FAILSLAB "ignore-gfp-wait", "N") &&
	       set(FAILSLAB "probability", percent);
}

static int new_map(void)
{
	return map_new(&kinds[0], 4, 8, 1, BPFMAP_F_NO_PREALLOC);
}

static void fail_forever(void)
{
	int fd;

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (!set("/proc/self/make-it-fail", "1"))
		_exit(1);
	for (;;) {
		fd = new_map();
		if (fd >= 0)
			close(fd);
	}
}

TEST(test_lost_id, 0)
{
	time_t end = time(NULL) + load_env("LOST_ID_SECONDS", 5);
	unsigned int maps, lost = 0;
	int fd, again, status;
	pid_t pid;

	if (!set_failures("40")) {
		skipped("no failslab");
		return;
	}
	device_fd();
	fflush(NULL);
	pid = fork();
	need(pid >= 0);
	if (!pid)
		fail_forever();
	for (maps = 0; time(NULL) < end && !lost; maps++) {
		fd = new_map();
		need(fd >= 0);
		/* Time for the other process to give up */
		for (int i = 0; i < 4 && !lost; i++) {
			again = map_get_fd_by_id(map_id(fd), 0);
			lost += again < 0;
			if (again >= 0)
				close(again);
		}
		close(fd);
	}
	kill(pid, SIGKILL);
	expect_eq(waitpid(pid, &status, 0), pid);
	expect(WIFSIGNALED(status));
	set_failures("0");
	expect_eq(lost, 0);
	expect(maps > 0);
}

TEST_MAIN
