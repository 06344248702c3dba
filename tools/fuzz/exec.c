// SPDX-License-Identifier: GPL-2.0-only
/*
 * exec - run a program, by this thread, helpers and children
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <semaphore.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include "fuzz.h"

#define CHILD_USEC	200000
#define CLOSED_FD	1000

/* For the repetitions of a call, and of all calls of a program: milliseconds */
#define CALL_MSEC	100
#define PROG_MSEC	400

/* Which chance to fail was left when the call was over: none */
#define MET_FAILURE	'0'

/**
 * struct helper - a thread beside that of the program
 * @call: what it is doing
 * @start: there is a call
 * @idle: it is done with it
 */
struct helper {
	struct ctx ctx;
	struct call call;
	sem_t start;
	sem_t idle;
};

static struct {
	int fd;
	struct shape shape;
} slots[N_FDS];

static struct ctx main_ctx;
static struct ctx child_ctx;	/* the trace of children only */
static struct helper helpers[N_HELPERS];
static struct mapping mappings[N_MAPPINGS];
static int device = -1, null = -1;
static uint64_t calls;
static uint64_t prog_end;	/* no more repetitions after that */

bool exec_verbose;
int shared_fds[N_SHARED];
struct shape shared_shapes[N_SHARED];

/* ------------------------------------------------------------------------- */
/* Descriptors and mappings */

int device_fd(void)
{
	return device;
}

int slot_fd(uint64_t arg)
{
	unsigned int i = arg % N_FD_NAMES;

	if (i < FD_SHARED)
		return slots[i].fd >= 0 ? slots[i].fd : CLOSED_FD;
	if (i < FD_DEVICE)
		return shared_fds[i - FD_SHARED];
	if (i == FD_DEVICE)
		return device;
	if (i == FD_NULL)
		return null;
	return i == FD_CLOSED ? CLOSED_FD : -1;
}

const struct shape *slot_shape(uint64_t arg)
{
	static const struct shape none = { 0, 4, 8, 1 };
	unsigned int i = arg % N_FD_NAMES;

	if (i < FD_SHARED)
		return &slots[i].shape;
	return i < FD_DEVICE ? &shared_shapes[i - FD_SHARED] : &none;
}

void slot_close(uint64_t arg)
{
	unsigned int i = arg % N_FDS;
	int fd = __atomic_exchange_n(&slots[i].fd, -1, __ATOMIC_SEQ_CST);

	if (fd >= 0)
		close(fd);
}

void slot_set(uint64_t arg, int fd, const struct shape *shape)
{
	unsigned int i = arg % N_FDS;

	if (fd < 0)
		return;
	slots[i].shape = *shape;
	fd = __atomic_exchange_n(&slots[i].fd, fd, __ATOMIC_SEQ_CST);
	if (fd >= 0)
		close(fd);
}

struct mapping *mapping_at(uint64_t arg)
{
	return &mappings[arg % N_MAPPINGS];
}

/* ------------------------------------------------------------------------- */
/* Calls */

static void fail_nth(struct ctx *c, unsigned int n)
{
	char text[16];
	int len = snprintf(text, sizeof(text), "%u", n);

	if (c->fail_fd >= 0 && pwrite(c->fail_fd, text, len, 0) != len)
		c->injected = false;
}

/* Was there a failure? In any case there will be no more */
static void fail_end(struct ctx *c)
{
	char text[16] = "";

	c->injected = c->fail_fd >= 0 &&
		      pread(c->fail_fd, text, sizeof(text) - 1, 0) > 0 &&
		      text[0] == MET_FAILURE;
	fail_nth(c, 0);
}

/* A page fault that fails is a signal, and one that cannot be delivered kills */
static bool may_fail(const struct op *op)
{
	return strcmp(op->name, "peek") && strcmp(op->name, "poke");
}

static uint64_t now_msec(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec * 1000ULL + t.tv_nsec / 1000000;
}

static void run_call(struct ctx *c, const struct call *call)
{
	const struct op *op = &ops[call->op];
	unsigned int rep = call->rep ?: 1;
	bool fail = call->fail && may_fail(op);
	uint64_t end = now_msec() + CALL_MSEC;
	long ret;

	c->step = call->step;
	cover_start(c);
	for (c->rep = 0; c->rep < rep; c->rep++) {
		if (c->rep % 16 == 15 && (now_msec() > end || now_msec() > prog_end))
			break;
		if (fail)
			fail_nth(c, call->fail);
		errno = 0;
		ret = op->run(c, call->arg);
		if (exec_verbose)
			printf("# %s: %ld %s\n", op->name, ret,
			       ret < 0 ? strerror(errno) : "");
		if (fail)
			fail_end(c);
		cover_stop(c);
	}
	if (!fail)
		c->injected = false;
	__atomic_add_fetch(&calls, c->rep, __ATOMIC_RELAXED);
}

/* In a child, which dies when it is done or some time before */
static void run_in_child(struct ctx *c, const struct call *call)
{
	struct call alone = *call;
	int status;
	pid_t pid;

	cover_start(&child_ctx);
	cover_start(c);
	pid = fork();
	if (pid < 0)
		return;
	if (pid)
		cover_stop(c);
	if (!pid) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		cover_enable(&child_ctx);
		c->kcov = NULL;
		alone.fail = 0;
		/* Until it is killed; else once more for each repetition */
		do {
			run_call(c, &alone);
		} while (call->child > 1);
		_exit(0);
	}
	if (call->child > 1) {
		usleep(call->child - 1);
		kill(pid, SIGKILL);
	}
	for (int i = 0; i < CHILD_USEC / 1000; i++) {
		if (waitpid(pid, &status, WNOHANG) == pid)
			goto out;
		usleep(i < 20 ? 100 : 1000);
	}
	kill(pid, SIGKILL);
	waitpid(pid, &status, 0);
out:
	cover_stop(&child_ctx);
}

static void thread_init(struct ctx *c)
{
	c->fail_fd = open("/proc/thread-self/fail-nth", O_RDWR | O_CLOEXEC);
	cover_open(c);
	cover_enable(c);
}

static void *help(void *arg)
{
	struct helper *h = arg;

	thread_init(&h->ctx);
	sem_post(&h->idle);
	for (;;) {
		while (sem_wait(&h->start))
			;
		run_call(&h->ctx, &h->call);
		sem_post(&h->idle);
	}
	return NULL;
}

static void wait_idle(struct helper *h)
{
	while (sem_wait(&h->idle))
		;
}

int exec_init(void)
{
	pthread_t thread;

	for (int i = 0; i < N_FDS; i++)
		slots[i].fd = -1;
	device = open("/dev/bpfmap", O_RDWR | O_CLOEXEC);
	null = open("/dev/null", O_RDWR | O_CLOEXEC);
	if (device < 0 || null < 0)
		return -1;
	mem_uffd_start();
	cover_open(&child_ctx);
	thread_init(&main_ctx);
	if (mem_init(&main_ctx))
		return -1;
	for (int i = 0; i < N_HELPERS; i++) {
		struct helper *h = &helpers[i];

		h->ctx.nr = i + 1;
		if (mem_init(&h->ctx) || sem_init(&h->start, 0, 0) ||
		    sem_init(&h->idle, 0, 0) ||
		    pthread_create(&thread, NULL, help, h))
			return -1;
	}
	return 0;
}

/* ------------------------------------------------------------------------- */
/* Programs */

static void unmap_all(void)
{
	for (int i = 0; i < N_MAPPINGS; i++) {
		if (mappings[i].addr)
			munmap(mappings[i].addr, mappings[i].len);
		mappings[i] = (struct mapping){};
	}
}

/* What ops set for a thread or for the process */
static void reset_process(void)
{
	const struct rlimit files = { 4096, 4096 };
	cpu_set_t all;

	CPU_ZERO(&all);
	for (int i = 0; i < CPU_SETSIZE; i++)
		CPU_SET(i, &all);
	setrlimit(RLIMIT_NOFILE, &files);
	sched_setaffinity(0, sizeof(all), &all);
	syscall(SYS_setresuid, 0, 0, 0);
	umask(0);
}

void exec_prog(const struct prog *p)
{
	cover_new_run();
	main_ctx.injected = false;
	prog_end = now_msec() + PROG_MSEC;
	for (unsigned int i = 0; i < p->n; i++) {
		const struct call *call = &p->calls[i];
		struct helper *h = &helpers[(call->thread + 1) % N_HELPERS];

		if (call->child) {
			run_in_child(&main_ctx, call);
		} else if (call->thread) {
			wait_idle(h);
			h->call = *call;
			sem_post(&h->start);
		} else {
			run_call(&main_ctx, call);
		}
	}
	for (int i = 0; i < N_HELPERS; i++) {
		wait_idle(&helpers[i]);
		sem_post(&helpers[i].idle);
	}
	unmap_all();
	for (int i = 0; i < N_FDS; i++)
		slot_close(i);
	fs_clean();
	reset_process();
}

bool exec_injected(void)
{
	return main_ctx.injected;
}

uint64_t exec_calls(void)
{
	return __atomic_exchange_n(&calls, 0, __ATOMIC_RELAXED);
}
