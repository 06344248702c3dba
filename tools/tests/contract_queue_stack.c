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

#define QUEUE	BPFMAP_TYPE_QUEUE
#define STACK	BPFMAP_TYPE_STACK
#define BIG	(4U << 20)
#define EXIST	BPFMAP_F_EXIST

static const uint32_t types[] = { QUEUE, STACK };

static const char *type_name(uint32_t type)
{
	return type == QUEUE ? "QUEUE" : "STACK";
}

/* ------------------------------------------------------------------------- */
/* Creation */

static const struct {
	const char *name;
	uint32_t key_size, value_size, max_entries, flags;
	int want;
} create_rows[] = {
	{ "smallest", 0, 1, 1, 0, GOT_FD },
	{ "key_size 1", 1, 4, 4, 0, -EINVAL },
	{ "key_size 4", 4, 4, 4, 0, -EINVAL },
	{ "value_size 0", 0, 0, 4, 0, -EINVAL },
	{ "max_entries 0", 0, 4, 0, 0, -EINVAL },
	{ "value of 4 MiB", 0, BIG, 1, 0, GOT_FD },
	{ "value of 4 MiB + 1", 0, BIG + 1, 1, 0, -E2BIG },
	{ "value 2^32 - 1", 0, UINT32_MAX, 1, 0, -E2BIG },
	{ "key_size before value", 4, BIG + 1, 1, 0, -EINVAL },
	{ "max_entries 0 before value", 0, BIG + 1, 0, 0, -EINVAL },
	{ "flags before value", 0, BIG + 1, 1, BPFMAP_F_NO_PREALLOC, -EINVAL },
	{ "NUMA_NODE", 0, 4, 4, BPFMAP_F_NUMA_NODE, GOT_FD },
	{ "RDONLY", 0, 4, 4, BPFMAP_F_RDONLY, GOT_FD },
	{ "WRONLY", 0, 4, 4, BPFMAP_F_WRONLY, GOT_FD },
	{ "RDONLY_PROG", 0, 4, 4, BPFMAP_F_RDONLY_PROG, GOT_FD },
	{ "WRONLY_PROG", 0, 4, 4, BPFMAP_F_WRONLY_PROG, GOT_FD },
	{ "both PROG", 0, 4, 4, BPFMAP_F_RDONLY_PROG | BPFMAP_F_WRONLY_PROG,
	  -EINVAL },
	{ "RDONLY|WRONLY", 0, 4, 4, BPFMAP_F_RDONLY | BPFMAP_F_WRONLY, -EINVAL },
};

/* Accepted one by one; TOKEN_FD is [create.token]'s, not the type's */
#define GOOD_FLAGS (BPFMAP_F_NUMA_NODE | BPFMAP_F_RDONLY | BPFMAP_F_WRONLY | \
		    BPFMAP_F_RDONLY_PROG | BPFMAP_F_WRONLY_PROG)

static void create_one(uint32_t type, uint32_t key_size, uint32_t value_size,
		       uint32_t max_entries, uint32_t flags, int want)
{
	struct kind k = { .type = type };
	struct bpfmap_info info;
	int fd;

	fd = map_new(&k, key_size, value_size, max_entries, flags);
	check_ret(fd, want, "MAP_CREATE");
	if (fd < 0)
		return;
	check_ret(map_info(fd, &info), 0, "info");
	check_num(info.type, type, "type");
	check_num(info.key_size, 0, "key_size");
	check_num(info.value_size, value_size, "value_size");
	check_num(info.max_entries, max_entries, "max_entries");
	check_num(info.map_flags,
		  flags & ~(BPFMAP_F_RDONLY | BPFMAP_F_WRONLY), "map_flags");
	check_num(info.map_extra, 0, "map_extra");
	close(fd);
}

TEST(create, 0)
{
	size_t i, t;
	int bit;

	for (t = 0; t < ARRAY_SIZE(types); t++) {
		for (i = 0; i < ARRAY_SIZE(create_rows); i++) {
			row("create.queue", "%s: %s", type_name(types[t]),
			    create_rows[i].name);
			create_one(types[t], create_rows[i].key_size,
				   create_rows[i].value_size,
				   create_rows[i].max_entries,
				   create_rows[i].flags, create_rows[i].want);
		}
		for (bit = 0; bit < 32; bit++) {
			if (1U << bit == BPFMAP_F_TOKEN_FD)
				continue;
			row("create.flags", "%s: flag bit %d",
			    type_name(types[t]), bit);
			create_one(types[t], 0, 4, 4, 1U << bit,
				   GOOD_FLAGS & 1U << bit ? GOT_FD : -EINVAL);
		}
		row("create.extra", "%s: map_extra", type_name(types[t]));
		check_ret(keyless_new(types[t], 4, 4, 0, 1), -EINVAL, "create");
	}
}

/* Products at the edge of 32 bits: refused by size, before any memory is asked */
TEST(product, 0)
{
	static const struct {
		uint32_t value_size, max_entries;
	} rows[] = {
		{ 1, UINT32_MAX }, { 2, UINT32_MAX / 2 }, { 4, UINT32_MAX / 4 },
		{ 16, UINT32_MAX / 16 }, { BIG, 1023 }, { 3, UINT32_MAX / 3 },
		{ 4, UINT32_MAX }, { BIG, UINT32_MAX },
	};
	size_t i, t;

	/* Newer than some 6.12: those say ENOMEM, or get it */
	if (!since(7, 0))
		return;
	for (t = 0; t < ARRAY_SIZE(types); t++)
		for (i = 0; i < ARRAY_SIZE(rows); i++) {
			row("create.queue", "%s: %u values of %u",
			    type_name(types[t]), rows[i].max_entries,
			    rows[i].value_size);
			check_ret(keyless_new(types[t], rows[i].value_size,
					      rows[i].max_entries, 0, 0),
				  -E2BIG, "MAP_CREATE");
		}
}

/* ------------------------------------------------------------------------- */
/* Order, limits ([queue.capacity]), against an array that is shifted by hand */

struct model {
	uint32_t type, max, nr;
	unsigned int seeds[64];
};

static int model_push(struct model *m, unsigned int seed, uint64_t flags)
{
	if (m->nr == m->max) {
		if (flags != EXIST)
			return -E2BIG;
		memmove(m->seeds, m->seeds + 1, --m->nr * sizeof(*m->seeds));
	}
	m->seeds[m->nr++] = seed;
	return 0;
}

static int model_take(struct model *m, bool remove)
{
	uint32_t at = m->type == QUEUE ? 0 : m->nr - 1;
	int seed;

	if (!m->nr)
		return -1;
	seed = m->seeds[at];
	if (remove)
		memmove(m->seeds + at, m->seeds + at + 1,
			(--m->nr - at) * sizeof(*m->seeds));
	return seed;
}

static void step(int fd, struct model *m, uint32_t size, unsigned int seed)
{
	uint32_t what = (seed * 2654435761U) >> 27;
	struct buf got = buf_new(size);
	uint8_t *value = malloc(size);
	int want;

	if (what < 17) {
		pattern(value, size, seed);
		want = model_push(m, seed, what < 4 ? EXIST : 0);
		check_ret(keyless_push(fd, value, what < 4 ? EXIST : 0), want,
			  "push %u, flags %d", seed, what < 4 ? 2 : 0);
	} else {
		want = model_take(m, what < 26);
		check_ret(what < 26 ? keyless_pop(fd, got.p) :
				      keyless_peek(fd, got.p),
			  want < 0 ? -ENOENT : 0, "take %u", seed);
		if (want >= 0)
			pattern(value, size, want);
		check_buf(&got, value, want < 0 ? 0 : size, "value");
	}
	free(value);
	buf_free(&got);
}

TEST(random_steps, 0)
{
	static const uint32_t sizes[] = { 1, 3, 4, 8, 12, 77, 4096 };
	static const uint32_t max[] = { 1, 2, 7, 64 };
	unsigned int seed = 1, i;
	size_t t, s, e;

	for (t = 0; t < ARRAY_SIZE(types); t++)
		for (s = 0; s < ARRAY_SIZE(sizes); s++)
			for (e = 0; e < ARRAY_SIZE(max); e++) {
				struct model m = { .type = types[t],
						   .max = max[e] };
				int fd = keyless_new(types[t], sizes[s], max[e],
						     0, 0);

				row("queue.order",
				    "%s of %u values of %u bytes",
				    type_name(types[t]), max[e], sizes[s]);
				check_ret(fd, GOT_FD, "MAP_CREATE");
				for (i = 0; i < 3 * max[e] + 50; i++)
					step(fd, &m, sizes[s], seed++);
				close(fd);
			}
}

/* ------------------------------------------------------------------------- */
/* Flags and errors: [update.flags], [queue.exist], [flags.known] */

static const struct {
	const char *name;
	uint64_t flags;
	int push, full, peek, pop;
} flag_rows[] = {
	{ "ANY", 0, 0, -E2BIG, 0, 0 },
	{ "NOEXIST", 1, -EINVAL, -EINVAL, -EINVAL, -EINVAL },
	{ "EXIST", 2, 0, 0, -EINVAL, -EINVAL },
	{ "NOEXIST|EXIST", 3, -EINVAL, -EINVAL, -EINVAL, -EINVAL },
	{ "LOCK", 4, -EINVAL, -EINVAL, -EINVAL, -EINVAL },
	{ "LOCK|EXIST", 6, -EINVAL, -EINVAL, -EINVAL, -EINVAL },
	{ "CPU", 8, -EINVAL, -EINVAL, -EINVAL, -EINVAL },
	{ "ALL_CPUS", 16, -EINVAL, -EINVAL, -EINVAL, -EINVAL },
	{ "32", 32, -EINVAL, -EINVAL, -EINVAL, -EINVAL },
	{ "bit 31", 1U << 31, -EINVAL, -EINVAL, -EINVAL, -EINVAL },
	{ "bit 32", 1ULL << 32, -EINVAL, -EINVAL, -EINVAL, -EINVAL },
	{ "bit 32 and EXIST", 1ULL << 32 | 2, -EINVAL, -EINVAL, -EINVAL,
	  -EINVAL },
	{ "all", ~0ULL, -EINVAL, -EINVAL, -EINVAL, -EINVAL },
};

static void flags_on(uint32_t type, size_t i)
{
	uint64_t flags = flag_rows[i].flags;
	struct buf got = buf_new(4);
	uint32_t value = 7, old = 5;
	int fd;

	row("update.flags", "%s: flags %s", type_name(type), flag_rows[i].name);
	fd = keyless_new(type, 4, 2, 0, 0);
	check_ret(keyless_push(fd, &value, flags), flag_rows[i].push, "push");
	check_ret(keyless_pop(fd, got.p), flag_rows[i].push ? -ENOENT : 0,
		  "it is there, or not");
	keyless_push(fd, &old, 0);
	buf_fill(&got);
	check_ret(map_lookup(fd, NULL, got.p, flags), flag_rows[i].peek, "peek");
	check_buf(&got, &old, flag_rows[i].peek ? 0 : 4, "peek");
	buf_fill(&got);
	check_ret(map_elem(BPFMAP_CMD_MAP_LOOKUP_AND_DELETE_ELEM, fd, NULL,
			   got.p, flags), flag_rows[i].pop, "pop");
	check_buf(&got, &old, flag_rows[i].pop ? 0 : 4, "pop");

	if (flag_rows[i].pop)
		keyless_pop(fd, got.p);
	keyless_push(fd, &old, 0);
	keyless_push(fd, &old, 0);
	check_ret(keyless_push(fd, &value, flags), flag_rows[i].full,
		  "push when full");
	buf_fill(&got);
	keyless_pop(fd, got.p);
	check_mem(got.p, !flag_rows[i].full && type == STACK ? &value : &old, 4,
		  "first out");
	keyless_pop(fd, got.p);
	check_mem(got.p, !flag_rows[i].full && type == QUEUE ? &value : &old, 4,
		  "second out");
	check_ret(keyless_pop(fd, got.p), -ENOENT, "third out");
	close(fd);
	buf_free(&got);
}

TEST(flags, 0)
{
	size_t i, t;

	for (t = 0; t < ARRAY_SIZE(types); t++)
		for (i = 0; i < ARRAY_SIZE(flag_rows); i++)
			flags_on(types[t], i);
}

static void errors_on(uint32_t type)
{
	uint32_t value = 3, key = 1, got = 0;
	int fd = keyless_new(type, 4, 2, 0, 0);

	keyless_push(fd, &value, 0);
	row("copy.keyless", "%s: a key where there is none", type_name(type));
	check_ret(map_lookup(fd, &key, &got, 0), -EINVAL, "LOOKUP");
	check_ret(map_update(fd, &key, &value, 0), -EINVAL, "UPDATE");
	check_ret(map_delete(fd, &key), -EINVAL, "DELETE");
	check_ret(map_next_key(fd, &key, &got), -EINVAL, "GET_NEXT_KEY");
	check_ret(map_elem(BPFMAP_CMD_MAP_LOOKUP_AND_DELETE_ELEM, fd, &key, &got,
			   0), -EINVAL, "LOOKUP_AND_DELETE");
	check_ret(map_lookup(fd, bad_ptr(), &got, 0), -EINVAL, "bad key");

	row("delete.never", "%s: what it cannot do", type_name(type));
	check_ret(map_delete(fd, NULL), -EINVAL, "DELETE");
	check_ret(map_next_key(fd, NULL, &got), -EINVAL, "GET_NEXT_KEY");
	check_ret(map_next_key(fd, NULL, NULL), -EINVAL, "GET_NEXT_KEY NULL");
	row("batch.type", "%s: batches", type_name(type));
	keyless_check_batches(fd);

	row("lad.lost", "%s: bad pointers", type_name(type));
	check_ret(map_lookup(fd, NULL, bad_ptr(), 0), -EFAULT, "LOOKUP");
	check_ret(map_lookup(fd, NULL, NULL, 0), -EFAULT, "LOOKUP NULL");
	check_ret(map_update(fd, NULL, bad_ptr(), 0), -EFAULT, "UPDATE");
	check_ret(map_update(fd, NULL, NULL, 0), -EFAULT, "UPDATE NULL");
	check_ret(map_update(fd, NULL, bad_ptr(), 1), -EFAULT, "before flags");
	check_ret(keyless_peek(fd, &got), 0, "still there");
	check_num(got, value, "value");
	check_ret(keyless_pop(fd, bad_ptr()), -EFAULT, "LOOKUP_AND_DELETE");
	check_ret(keyless_peek(fd, &got), -ENOENT, "and gone");
	check_ret(keyless_pop(fd, bad_ptr()), -ENOENT, "ENOENT before EFAULT");
	close(fd);
	keyless_check_modes(type);
}

TEST(errors, 0)
{
	errors_on(QUEUE);
	errors_on(STACK);
}

/* The largest possible value, whole */
TEST(large, 0)
{
	uint8_t *in = malloc(BIG), *out = calloc(1, BIG);
	size_t t;
	int fd;

	pattern(in, BIG, 3);
	for (t = 0; t < ARRAY_SIZE(types); t++) {
		row("create.queue", "%s: value of 4 MiB", type_name(types[t]));
		fd = keyless_new(types[t], BIG, 2, 0, 0);
		check_ret(keyless_push(fd, in, 0), 0, "push");
		check_ret(keyless_pop(fd, out), 0, "pop");
		check_mem(out, in, BIG, "value");
		close(fd);
	}
	free(in);
	free(out);
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

TEST(large_at_once, 0)
{
	pthread_t threads[4];
	size_t t, i;

	for (t = 0; t < ARRAY_SIZE(types); t++) {
		struct crowd c = { .rounds = 300 };

		row("conc.large", "%s: large values", type_name(types[t]));
		c.fd = keyless_new(types[t], CROWD_VALUE, 2, 0, 0);
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
}

/* ------------------------------------------------------------------------- */
/* Waiting */

static short poll_now(int fd)
{
	struct pollfd p = { .fd = fd, .events = POLLIN | POLLRDNORM | POLLOUT };

	check(poll(&p, 1, 0) >= 0, "poll");
	return p.revents;
}

TEST(poll_state, 0)
{
	bool bpf = backend() == BACKEND_BPF;
	uint32_t value = 1;
	size_t t;
	int fd;

	for (t = 0; t < ARRAY_SIZE(types); t++) {
		row("queue.poll", "%s: poll", type_name(types[t]));
		fd = keyless_new(types[t], 4, 2, 0, 0);
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
		close(fd);
	}
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
	struct kind hash = { .type = BPFMAP_TYPE_HASH };
	int64_t start;
	uint32_t value = 9;
	int fd;

	if (backend() == BACKEND_BPF)
		return;
	row("-", "bpfmap_pop_wait()");
	fd = keyless_new(QUEUE, 4, 4, 0, 0);
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
	fd = map_new(&hash, 4, 4, 4, 0);
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

static struct pair pair_new(uint32_t type)
{
	return (struct pair){ keyless_new(type, 4, 4, 0, 0),
			      keyless_new(type, 4, 4, 0, 0) };
}

TEST(wait_for_thread, 0)
{
	struct pair p;
	pthread_t thread;
	void *failed;
	size_t t;

	if (backend() == BACKEND_BPF)
		return;
	for (t = 0; t < ARRAY_SIZE(types); t++) {
		row("queue.wait", "%s: two threads", type_name(types[t]));
		p = pair_new(types[t]);
		pthread_create(&thread, NULL, echo, &p);
		ping_pong(&p);
		pthread_join(thread, &failed);
		check(!failed, "the other thread");
		close(p.to);
		close(p.back);
	}
}

TEST(wait_for_process, 0)
{
	int status = -1;
	struct pair p;
	pid_t pid;

	if (backend() == BACKEND_BPF)
		return;
	row("queue.wait", "two processes");
	p = pair_new(QUEUE);
	pid = fork();
	if (!pid)
		_exit(echo(&p) ? 1 : 0);
	ping_pong(&p);
	waitpid(pid, &status, 0);
	check_num(status, 0, "the other process");
	close(p.to);
	close(p.back);
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
	p.fd = keyless_new(QUEUE, 4, POPPERS * (EACH + 1), 0, 0);
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
	fd = keyless_new(QUEUE, 4, 16, 0, 0);
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
