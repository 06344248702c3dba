// SPDX-License-Identifier: GPL-2.0-only
/*
 * The tracer of a process that is about to execute a program. There it stops
 * before the first instruction, is patched and let go: no stop and no tracer
 * remain. One that cannot be patched stays attached, with its threads and
 * children.
 */
#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/ptrace.h>
#include <sys/wait.h>

#include "run.h"

#define ATTACH (PTRACE_O_TRACEEXEC | PTRACE_O_TRACESYSGOOD)
#define STAY (ATTACH | PTRACE_O_TRACESECCOMP | PTRACE_O_TRACEFORK |	\
	      PTRACE_O_TRACEVFORK | PTRACE_O_TRACECLONE)

/*
 * @stays: a filter stops its bpf(2), so it must not be let go
 * @waits: new, its parent has not told yet of it
 */
struct task {
	pid_t pid;
	bool stays, waits;
	struct diverted *diverted;
};

static struct task *tasks;
static size_t n_tasks;

static struct task *find(pid_t pid)
{
	for (size_t i = 0; i < n_tasks; i++)
		if (tasks[i].pid == pid)
			return &tasks[i];
	return NULL;
}

static struct task *add(pid_t pid)
{
	struct task *t = find(pid);

	if (t)
		return t;
	tasks = reallocarray(tasks, n_tasks + 1, sizeof(*tasks));
	if (!tasks)
		die(FAILED, "no memory");
	t = &tasks[n_tasks++];
	*t = (struct task){ .pid = pid };
	return t;
}

static void set_diverted(struct task *t, struct diverted *d)
{
	if (d)
		d->refs++;
	if (t->diverted && !--t->diverted->refs)
		free(t->diverted);
	t->diverted = d;
}

static void forget(pid_t pid)
{
	struct task *t = find(pid);

	if (!t)
		return;
	set_diverted(t, NULL);
	*t = tasks[--n_tasks];
}

/* --- stops --- */

static void on_exec(pid_t pid)
{
	struct diverted *d = NULL;
	unsigned long before = pid;
	struct task *t;
	bool stays;

	/* A thread becomes the process */
	ptrace(PTRACE_GETEVENTMSG, pid, 0, &before);
	t = find(before);
	stays = t && t->stays;
	if ((pid_t)before != pid)
		forget(before);
	t = add(pid);
	patch_exec(pid, &d);
	set_diverted(t, d);
	t->stays = stays || d;
	if (!t->stays) {
		ptrace(PTRACE_DETACH, pid, 0, 0);
		forget(pid);
		return;
	}
	ptrace(PTRACE_SETOPTIONS, pid, 0, STAY);
	ptrace(PTRACE_CONT, pid, 0, 0);
}

static void on_child(pid_t parent)
{
	unsigned long pid = 0;
	struct task *t;

	if (!ptrace(PTRACE_GETEVENTMSG, parent, 0, &pid) && pid) {
		t = add(pid);
		t->stays = true;
		set_diverted(t, add(parent)->diverted);
		t = find(pid);
		if (t->waits)
			ptrace(PTRACE_CONT, pid, 0, 0);
		t->waits = false;
	}
	ptrace(PTRACE_CONT, parent, 0, 0);
}

/* The first stop of a child that is attached, or one by SIGSTOP */
static void on_stop(pid_t pid, int sig)
{
	struct task *t = find(pid);

	if (!t) {
		t = add(pid);
		t->stays = true;
		t->waits = true;
	} else {
		ptrace(sig == SIGTRAP ? PTRACE_CONT : PTRACE_LISTEN, pid, 0, 0);
	}
}

static void on_wait(pid_t pid, int status)
{
	struct task *t;

	if (!WIFSTOPPED(status)) {
		forget(pid);
		return;
	}
	switch (status >> 16) {
	case PTRACE_EVENT_EXEC:
		on_exec(pid);
		break;
	case PTRACE_EVENT_SECCOMP:
		t = find(pid);
		if (t && t->diverted)
			patch_divert(pid, t->diverted);
		ptrace(PTRACE_CONT, pid, 0, 0);
		break;
	case PTRACE_EVENT_FORK:
	case PTRACE_EVENT_VFORK:
	case PTRACE_EVENT_CLONE:
		on_child(pid);
		break;
	case PTRACE_EVENT_STOP:
		on_stop(pid, WSTOPSIG(status));
		break;
	default:
		ptrace(PTRACE_CONT, pid, 0, (long)WSTOPSIG(status));
	}
}

int attach(pid_t pid)
{
	if (ptrace(PTRACE_SEIZE, pid, 0, ATTACH))
		return -errno;
	add(pid);
	return 0;
}

void follow(void)
{
	int status;
	pid_t pid;

	while ((pid = waitpid(-1, &status, __WALL)) > 0 || errno == EINTR)
		if (pid > 0)
			on_wait(pid, status);
}
