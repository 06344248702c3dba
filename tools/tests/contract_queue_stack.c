// SPDX-License-Identifier: GPL-2.0-only
/*
 * contract_queue_stack - queues and stacks: creation, order, flags and errors,
 * and what bpf(2) does not have: waiting
 */
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <time.h>
#include <sys/epoll.h>
#include <sys/time.h>
#include <sys/wait.h>

#include "bpfmap.h"
#include "keyless.h"

#define BIG	KMALLOC_MAX
#define EXIST	BPFMAP_F_EXIST

/* ------------------------------------------------------------------------- */
/* Creation */

static const struct create_case creates[] = {
	{ "key_size before value", SHAPE(4, BIG + 1, 1, 0), -EINVAL },
	{ "max_entries 0 before value", SHAPE(0, BIG + 1, 0, 0), -EINVAL },
	{ "flags before value", SHAPE(0, BIG + 1, 1, BPFMAP_F_NO_PREALLOC),
	  -EINVAL },
};

TEST(create, K_QUEUES)
{
	struct bpfmap_create_attr good = SHAPE(0, 4, 4, 0);

	check_creates("create.queue", k, keyless_creates, n_keyless_creates);
	check_creates("create.queue", k, creates, ARRAY_SIZE(creates));
	check_create_flags("create.flags", k, good, BPFMAP_F_NUMA_NODE | RIGHTS);
}

/* Products at the edge of 32 bits: refused by size, before any memory is asked */
TEST(product, K_QUEUES)
{
	static const struct create_case rows[] = {
		{ "1 byte", SHAPE(0, 1, UINT32_MAX, 0), -E2BIG },
		{ "2 bytes", SHAPE(0, 2, UINT32_MAX / 2, 0), -E2BIG },
		{ "4 bytes", SHAPE(0, 4, UINT32_MAX / 4, 0), -E2BIG },
		{ "16 bytes", SHAPE(0, 16, UINT32_MAX / 16, 0), -E2BIG },
		{ "4 MiB", SHAPE(0, BIG, 1023, 0), -E2BIG },
		{ "3 bytes", SHAPE(0, 3, UINT32_MAX / 3, 0), -E2BIG },
		{ "4 bytes, most", SHAPE(0, 4, UINT32_MAX, 0), -E2BIG },
		{ "4 MiB, most", SHAPE(0, BIG, UINT32_MAX, 0), -E2BIG },
	};

	/* Newer than some 6.12: those say ENOMEM, or get it */
	if (since(7, 0))
		check_creates("create.queue", k, rows, ARRAY_SIZE(rows));
}

/* ------------------------------------------------------------------------- */
/*
 * Order, [queue.capacity], flags and errors; random pushes and pops are the
 * oracle's
 */

/* The @i-th value that comes out of @n */
static uint32_t out_of(const struct kind *k, uint32_t i, uint32_t n)
{
	return k->type == BPFMAP_TYPE_QUEUE ? i : n - 1 - i;
}

TEST(order, K_QUEUES)
{
	static const uint32_t sizes[] = { 1, 2, 7, 64 };
	struct buf got = buf_new(77), want = buf_new(77);
	uint32_t i, n;
	size_t s;
	int fd;

	for (s = 0; s < ARRAY_SIZE(sizes); s++) {
		n = sizes[s];
		row("queue.order", "%s of %u", k->name, n);
		fd = keyless_new(k, 77, n, 0);
		for (i = 0; i < n; i++) {
			pattern(want.p, 77, i);
			check_ret(keyless_push(fd, want.p, 0), 0, "push %u", i);
		}
		check_ret(keyless_push(fd, want.p, 0), -E2BIG, "full");
		for (i = 0; i < n; i++) {
			pattern(want.p, 77, out_of(k, i, n));
			check_ret(keyless_peek(fd, got.p), 0, "peek");
			check_buf(&got, want.p, 77, "peek");
			check_ret(keyless_pop(fd, got.p), 0, "pop");
			check_buf(&got, want.p, 77, "pop");
		}
		check_ret(keyless_pop(fd, got.p), -ENOENT, "empty");
		close(fd);
	}
}

/* The oldest goes for the new one */
TEST(exist, K_QUEUES)
{
	int fd = keyless_new(k, 4, 2, 0);
	uint32_t i, got;

	row("queue.exist", "%s: EXIST", k->name);
	for (i = 0; i < 5; i++)
		check_ret(keyless_push(fd, &i, EXIST), 0, "push %u", i);
	for (i = 0; i < 2; i++) {
		check_ret(keyless_pop(fd, &got), 0, "pop");
		check_num(got, 3 + out_of(k, i, 2), "value");
	}
	check_ret(keyless_pop(fd, &got), -ENOENT, "empty");
}

TEST(flags, K_QUEUES)
{
	int fd = keyless_new(k, 4, 2, 0);
	struct buf got = buf_new(4);
	uint32_t value = 5;
	unsigned int i;

	row("flags.known", "%s: flags EXIST", k->name);
	keyless_push(fd, &value, 0);
	check_ret(map_lookup(fd, NULL, got.p, EXIST), -EINVAL, "peek");
	check_ret(map_elem(LAD, fd, NULL, got.p, EXIST), -EINVAL, "pop");
	for (i = 0; i < 2 * n_keyless_bad_flags; i++) {
		const struct keyless_flags *f = &keyless_bad_flags[i / 2];

		row("update.flags", "%s: flags %s%s", k->name, f->name,
		    i & 1 ? ", full" : "");
		if (i & 1)
			keyless_push(fd, &value, 0);
		check_ret(keyless_push(fd, &value, f->flags), -EINVAL, "push");
		check_ret(map_lookup(fd, NULL, got.p, f->flags), -EINVAL, "peek");
		check_ret(map_elem(LAD, fd, NULL, got.p, f->flags), -EINVAL,
			  "pop");
		check_untouched(&got, "value");
		if (i & 1)
			check_ret(keyless_pop(fd, &value), 0, "both there");
	}
	check_ret(keyless_pop(fd, &value), 0, "the one that was pushed");
	check_ret(keyless_pop(fd, &value), -ENOENT, "none else");
}

TEST(errors, K_QUEUES)
{
	uint32_t value = 3, got = 0;
	int fd = keyless_new(k, 4, 2, 0);

	keyless_push(fd, &value, 0);
	keyless_check_keys(fd, k);
	row("delete.never", "%s: what it cannot do", k->name);
	check_ret(map_delete(fd, NULL), -EINVAL, "DELETE");
	check_ret(map_next_key(fd, NULL, &got), -EINVAL, "GET_NEXT_KEY");
	check_ret(map_next_key(fd, NULL, NULL), -EINVAL, "GET_NEXT_KEY NULL");
	keyless_check_batches(fd, k);
	keyless_check_pointers(fd, k);
	row("lad.lost", "%s: LOOKUP_AND_DELETE", k->name);
	check_ret(keyless_peek(fd, &got), 0, "still there");
	check_num(got, value, "value");
	check_ret(keyless_pop(fd, bad_ptr()), -EFAULT, "LOOKUP_AND_DELETE");
	check_ret(keyless_peek(fd, &got), -ENOENT, "and gone");
	check_ret(keyless_pop(fd, bad_ptr()), -ENOENT, "ENOENT before EFAULT");
	keyless_check_modes(k);
}

/* The largest possible value, whole */
TEST(large, K_QUEUES)
{
	struct buf in = buf_new(BIG), out = buf_new(BIG);
	int fd = keyless_new(k, BIG, 2, 0);

	row("create.queue", "%s: value of 4 MiB", k->name);
	pattern(in.p, BIG, 3);
	check_ret(keyless_push(fd, in.p, 0), 0, "push");
	check_ret(keyless_pop(fd, out.p), 0, "pop");
	check_buf(&out, in.p, BIG, "value");
}

struct crowd {
	int fd;
	unsigned int rounds;
	unsigned long torn, failed;	/* atomically */
};

#define CROWD_VALUE	100000	/* more than what is copied under a spinlock */

/* A queue of two: pushers drop elements that others peek at, or refill it */
static void *crowd_push(void *arg)
{
	uint8_t *value = malloc(CROWD_VALUE);
	struct crowd *c = arg;
	unsigned int i;

	for (i = 0; i < c->rounds; i++) {
		memset(value, i, CROWD_VALUE);
		if (keyless_push(c->fd, value, EXIST))
			__atomic_fetch_add(&c->failed, 1, __ATOMIC_RELAXED);
	}
	free(value);
	return NULL;
}

static void *crowd_take(void *arg)
{
	uint8_t *value = malloc(CROWD_VALUE);
	struct crowd *c = arg;
	unsigned int i;
	int ret;

	for (i = 0; i < c->rounds; i++) {
		ret = i & 1 ? keyless_pop(c->fd, value) :
			      keyless_peek(c->fd, value);
		if (ret && ret != -ENOENT)
			__atomic_fetch_add(&c->failed, 1, __ATOMIC_RELAXED);
		else if (!ret && memcmp(value, value + 1, CROWD_VALUE - 1))
			__atomic_fetch_add(&c->torn, 1, __ATOMIC_RELAXED);
	}
	free(value);
	return NULL;
}

TEST(large_at_once, K_QUEUES)
{
	pthread_t threads[4];
	struct crowd c = { .rounds = 300 };
	size_t i;

	row("conc.large", "%s: large values", k->name);
	c.fd = keyless_new(k, CROWD_VALUE, 2, 0);
	for (i = 0; i < ARRAY_SIZE(threads); i++)
		check_ret(pthread_create(&threads[i], NULL, i & 1 ?
					 crowd_push : crowd_take, &c),
			  0, "pthread_create");
	for (i = 0; i < ARRAY_SIZE(threads); i++)
		pthread_join(threads[i], NULL);
	check_num(c.torn, 0, "values that are not whole");
	check_num(c.failed, 0, "failed commands");
	close(c.fd);
}

/* ------------------------------------------------------------------------- */
/* Waiting */

static short poll_now(int fd)
{
	struct pollfd p = { .fd = fd, .events = POLLIN | POLLRDNORM | POLLOUT };

	check(poll(&p, 1, 0) >= 0, "poll");
	return p.revents;
}

TEST(poll_state, K_QUEUES)
{
	bool bpf = backend() == BACKEND_BPF;
	uint32_t value = 1;
	int fd;

	row("queue.poll", "%s: poll", k->name);
	fd = keyless_new(k, 4, 2, 0);
	check_num(poll_now(fd), bpf ? POLLERR : 0, "empty");
	keyless_push(fd, &value, 0);
	check_num(poll_now(fd), bpf ? POLLERR : POLLIN | POLLRDNORM,
		  "one element");
	keyless_push(fd, &value, 0);
	keyless_pop(fd, &value);
	check_num(poll_now(fd), bpf ? POLLERR : POLLIN | POLLRDNORM,
		  "one of two left");
	keyless_peek(fd, &value);
	check_num(poll_now(fd), bpf ? POLLERR : POLLIN | POLLRDNORM,
		  "after a look");
	keyless_pop(fd, &value);
	check_num(poll_now(fd), bpf ? POLLERR : 0, "empty again");
}

static int64_t now_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec * 1000LL + t.tv_nsec / 1000000;
}

static void on_alarm(int sig)
{
	(void)sig;
}

TEST(pop_wait_results, 0)
{
	/* Again and again: the first may come before there is a wait to interrupt */
	const struct itimerval often = { { 0, 200000 }, { 0, 200000 } }, never = { 0 };
	struct sigaction sa = { .sa_handler = on_alarm };
	struct buf got = buf_new(4);
	int64_t start;
	uint32_t value = 9;
	int fd;

	if (backend() == BACKEND_BPF)
		return;
	row("-", "bpfmap_pop_wait()");
	fd = keyless_new(KIND(K_QUEUE), 4, 4, 0);
	check_ret(bpfmap_pop_wait(fd, got.p, 0), -ETIMEDOUT, "0 ms");
	check_num(errno, ETIMEDOUT, "errno");
	start = now_ms();
	check_ret(bpfmap_pop_wait(fd, got.p, 60), -ETIMEDOUT, "60 ms");
	check(now_ms() - start >= 59, "waited %d ms", (int)(now_ms() - start));
	check_untouched(&got, "value");

	keyless_push(fd, &value, 0);
	check_ret(bpfmap_pop_wait(fd, got.p, 0), 0, "0 ms, there is one");
	check_buf(&got, &value, 4, "value");
	keyless_push(fd, &value, 0);
	check_ret(bpfmap_pop_wait(fd, got.p, -1), 0, "for ever, there is one");

	sigaction(SIGALRM, &sa, NULL);
	setitimer(ITIMER_REAL, &often, NULL);
	check_ret(bpfmap_pop_wait(fd, got.p, -1), -EINTR, "interrupted");
	check_num(errno, EINTR, "errno");
	setitimer(ITIMER_REAL, &never, NULL);
	keyless_push(fd, &value, 0);
	map_freeze(fd);
	check_ret(bpfmap_pop_wait(fd, got.p, -1), -EPERM, "frozen");
	close(fd);

	check_ret(bpfmap_pop_wait(closed_fd(), got.p, -1), -EBADF, "closed");
	check_ret(bpfmap_pop_wait(other_fd(), got.p, -1), -EINVAL, "no map");
	fd = map_new(KIND(K_HASH), 4, 4, 4, 0);
	check_ret(bpfmap_pop_wait(fd, got.p, -1), -EFAULT, "map with keys");
}

/* So many go one by one through a map that is empty in between */
#define ROUNDS	200

struct pair {
	int to, back;
};

/* Send back all that comes, one more each time */
static void *echo(void *arg)
{
	const struct pair *p = arg;
	uint32_t i, value = 0;

	for (i = 0; i < ROUNDS; i++) {
		if (bpfmap_pop_wait(p->to, &value, 20000))
			return (void *)1;
		value++;
		if (keyless_push(p->back, &value, 0))
			return (void *)2;
	}
	return NULL;
}

static void ping_pong(const struct pair *p)
{
	uint32_t i, value, got = 0;

	for (i = 0; i < ROUNDS; i++) {
		value = 3 * i;
		if (!check_ret(keyless_push(p->to, &value, 0), 0, "round %u", i) ||
		    !check_ret(bpfmap_pop_wait(p->back, &got, 20000), 0,
			       "round %u", i))
			return;
		check_num(got, value + 1, "answer %u", i);
	}
}

static struct pair pair_new(const struct kind *k)
{
	return (struct pair){ keyless_new(k, 4, 4, 0),
			      keyless_new(k, 4, 4, 0) };
}

TEST(wait_for_thread, K_QUEUES)
{
	struct pair p;
	pthread_t thread;
	void *failed;

	if (backend() == BACKEND_BPF)
		return;
	row("queue.wait", "%s: two threads", k->name);
	p = pair_new(k);
	pthread_create(&thread, NULL, echo, &p);
	ping_pong(&p);
	pthread_join(thread, &failed);
	check(!failed, "the other thread");
}

TEST(wait_for_process, 0)
{
	int status = -1;
	struct pair p;
	pid_t pid;

	if (backend() == BACKEND_BPF)
		return;
	row("queue.wait", "two processes");
	p = pair_new(KIND(K_QUEUE));
	pid = fork();
	if (!pid)
		_exit(echo(&p) ? 1 : 0);
	ping_pong(&p);
	waitpid(pid, &status, 0);
	check_num(status, 0, "the other process");
}

#define POPPERS	4
#define EACH	500

struct poppers {
	int fd;
	uint32_t taken[POPPERS];
	uint8_t seen[POPPERS * EACH];
	uint32_t next;
};

/* Values below the count are work; above it: stop */
static void *popper(void *arg)
{
	struct poppers *p = arg;
	uint32_t me = __atomic_fetch_add(&p->next, 1, __ATOMIC_RELAXED), value;

	for (;;) {
		if (bpfmap_pop_wait(p->fd, &value, 20000))
			return (void *)1;
		if (value >= POPPERS * EACH)
			return NULL;
		__atomic_fetch_add(&p->seen[value], 1, __ATOMIC_RELAXED);
		p->taken[me]++;
	}
}

/* Several wait for the same map: each element reaches one of them */
TEST(many_wait, 0)
{
	struct poppers p = { .fd = -1 };
	pthread_t threads[POPPERS];
	uint32_t i, total = 0;
	void *failed;

	if (backend() == BACKEND_BPF)
		return;
	row("queue.wait", "several threads wait");
	p.fd = keyless_new(KIND(K_QUEUE), 4, POPPERS * (EACH + 1), 0);
	for (i = 0; i < POPPERS; i++)
		pthread_create(&threads[i], NULL, popper, &p);
	for (i = 0; i < POPPERS * (EACH + 1); i++)
		keyless_push(p.fd, &i, 0);
	for (i = 0; i < POPPERS; i++) {
		pthread_join(threads[i], &failed);
		check(!failed, "thread %u", i);
	}
	/* taken[i] need not be thread i's: sum up after all have stopped */
	for (i = 0; i < POPPERS; i++)
		total += p.taken[i];
	check_num(total, POPPERS * EACH, "elements taken");
	for (i = 0; i < POPPERS * EACH && p.seen[i] == 1; i++)
		;
	check_num(i, POPPERS * EACH, "each of them once, up to");
	close(p.fd);
}

/* Edge triggered: one event for each push, none without one */
TEST(epoll_edges, 0)
{
	struct epoll_event e = { .events = EPOLLIN | EPOLLET };
	int fd, ep = epoll_create1(EPOLL_CLOEXEC), i;
	uint32_t value = 1;

	if (backend() == BACKEND_BPF)
		return;
	row("queue.poll", "edge triggered");
	fd = keyless_new(KIND(K_QUEUE), 4, 16, 0);
	check_ret(epoll_ctl(ep, EPOLL_CTL_ADD, fd, &e), 0, "EPOLL_CTL_ADD");
	check_num(epoll_wait(ep, &e, 1, 0), 0, "empty");
	for (i = 0; i < 8; i++) {
		keyless_push(fd, &value, 0);
		check_num(epoll_wait(ep, &e, 1, 5000), 1, "push %d", i);
		check_num(e.events, EPOLLIN, "events");
		check_num(epoll_wait(ep, &e, 1, 0), 0, "no second event");
	}
	/* Refused: nothing came */
	for (; i < 16; i++)
		keyless_push(fd, &value, 0);
	epoll_wait(ep, &e, 1, 0);
	check_ret(keyless_push(fd, &value, 0), -E2BIG, "full");
	check_num(epoll_wait(ep, &e, 1, 0), 0, "no event");
	check_ret(keyless_push(fd, &value, EXIST), 0, "EXIST");
	check_num(epoll_wait(ep, &e, 1, 5000), 1, "the oldest made room");
	/* Closed while registered */
	close(fd);
	check_num(epoll_wait(ep, &e, 1, 0), 0, "closed");
}

TEST_MAIN
