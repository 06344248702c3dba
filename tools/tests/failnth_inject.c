// SPDX-License-Identifier: GPL-2.0-only
/*
 * failnth_inject - see failnth.h
 */
#include <signal.h>
#include <sys/mman.h>

#include "failnth.h"

#define DEBUGFS		"/sys/kernel/debug/"

/*
 * What is to fail: all that sleeps, small pages, every cache; no backtraces.
 * Allocations after the fail-nth one fail for tasks with make-it-fail set.
 */
static struct knob {
	const char *path;
	const char *value;
	char was[16];
	bool optional;
} knobs[] = {
	{ DEBUGFS "failslab/ignore-gfp-wait", "N", "", false },
	{ DEBUGFS "failslab/cache-filter", "N", "", true },
	{ DEBUGFS "failslab/verbose", "0", "", false },
	{ DEBUGFS "failslab/task-filter", "Y", "", false },
	{ DEBUGFS "failslab/times", "-1", "", false },
	{ DEBUGFS "failslab/probability", "100", "", false },
	{ DEBUGFS "fail_page_alloc/ignore-gfp-wait", "N", "", false },
	{ DEBUGFS "fail_page_alloc/ignore-gfp-highmem", "N", "", false },
	{ DEBUGFS "fail_page_alloc/min-order", "0", "", false },
	{ DEBUGFS "fail_page_alloc/verbose", "0", "", false },
	{ DEBUGFS "fail_page_alloc/task-filter", "Y", "", false },
	{ DEBUGFS "fail_page_alloc/times", "-1", "", false },
	{ DEBUGFS "fail_page_alloc/probability", "100", "", false },
	{ DEBUGFS "fail_usercopy/verbose", "0", "", true },
};

static int nth_fd = -1, always_fd = -1;
static bool always;

/* Seconds that no command takes */
#define STUCK		60

static volatile sig_atomic_t stuck;

static bool knob_set(const char *path, const char *value)
{
	int fd = open(path, O_WRONLY | O_CLOEXEC);
	ssize_t n = -1;

	if (fd >= 0) {
		n = write(fd, value, strlen(value));
		close(fd);
	}
	return n > 0;
}

static void knob_save(struct knob *k)
{
	int fd = open(k->path, O_RDONLY | O_CLOEXEC);
	ssize_t n = 0;

	if (fd >= 0) {
		n = read(fd, k->was, sizeof(k->was) - 1);
		close(fd);
	}
	k->was[n > 0 ? n : 0] = '\0';
}

static void set_always(const char *text)
{
	if (pwrite(always_fd, text, 1, 0) != 1)
		need(!"make-it-fail can be written");
}

static void disarm(void)
{
	while (pwrite(nth_fd, "0", 1, 0) != 1 && errno == EFAULT)
		;
	if (always)
		set_always("0");
	always = false;
}

/* One of our page faults does not end: stop injecting */
static void on_alarm(int sig)
{
	int err = errno;

	(void)sig;
	stuck = 1;
	disarm();
	errno = err;
}

const char *inject_begin(void)
{
	struct sigaction action = { .sa_handler = on_alarm, .sa_flags = SA_RESTART };
	unsigned int i;

	nth_fd = open("/proc/thread-self/fail-nth", O_RDWR | O_CLOEXEC);
	always_fd = open("/proc/thread-self/make-it-fail", O_RDWR | O_CLOEXEC);
	if (nth_fd < 0 || always_fd < 0)
		return "no /proc/self/fail-nth";
	for (i = 0; i < ARRAY_SIZE(knobs); i++) {
		knob_save(&knobs[i]);
		if (!knob_set(knobs[i].path, knobs[i].value) && !knobs[i].optional)
			return knobs[i].path;
	}
	sigaction(SIGALRM, &action, NULL);
	/* So that no page fault of ours consumes the failure, or never ends */
	mlockall(MCL_CURRENT);
	return NULL;
}

void inject_end(void)
{
	unsigned int i;

	for (i = ARRAY_SIZE(knobs); i--;)
		if (*knobs[i].was)
			knob_set(knobs[i].path, knobs[i].was);
	close(nth_fd);
	close(always_fd);
	munlockall();
}

void inject_arm(unsigned int nth, bool and_all)
{
	char text[16];
	int n = snprintf(text, sizeof(text), "%u", nth);

	stuck = 0;
	alarm(STUCK);
	always = nth && and_all;
	if (always)
		set_always("1");
	if (pwrite(nth_fd, text, n, 0) != n)
		need(!"fail-nth can be written");
}

/* This asks for copies as well, so the last one that was to fail may be here */
static unsigned int take_rest(void)
{
	char text[16] = "";
	ssize_t n = pread(nth_fd, text, sizeof(text) - 1, 0);
	unsigned int rest = n > 0 ? atoi(text) : 1;

	disarm();
	alarm(0);
	check(!stuck, "a page fault did not end");
	return rest;
}

bool inject_disarm(void)
{
	return !take_rest();
}

unsigned int inject_count(unsigned int armed)
{
	return armed - take_rest();
}
