// SPDX-License-Identifier: GPL-2.0-only
/*
 * How long does a command keep interrupts or preemption off, for every size?
 *
 * A worker on one CPU runs commands. Two others listen: one, on another CPU,
 * sends interrupts to the worker's by membarrier() and waits until they are
 * taken; one, on the worker's CPU, sleeps for a moment and tells how late it
 * got the CPU back. The first hears sections with interrupts off, the second
 * also those without preemption.
 *
 * What counts is the part of a command's own time: one that copies its value
 * with interrupts or preemption off is deaf for a good part of it, one that keeps
 * to 64 KiB for next to nothing. A busy machine stops a CPU whenever it likes, so
 * the best of many rounds counts, and twice what a worker in user space, where
 * nobody is ever deaf, reaches in as many is allowed.
 *
 * DEAF_ROUNDS: rounds at most (40)
 */
#include <linux/membarrier.h>
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <sys/syscall.h>
#include <time.h>

#include "bucket.h"
#include "common.h"

#define MIB		(1UL << 20)
#define NAP_NS		1000000

/* Part of its own time for which a command may be deaf, in thousandths ... */
#define PART		200
/* ... and how much more than in user space all may be, up to a limit */
#define SLACK		2
#define MOST		250

struct bench;

/**
 * struct deaf - a case
 * @name: of the row
 * @type: of the map, and what else it is created with
 * @count: elements that a batch transfers, all in bucket 0; 0: one
 * @fill: before the rounds, may be NULL
 * @op: what the worker does again and again: 0 or -errno
 */
struct deaf {
	const char *name;
	uint32_t type;
	uint32_t key_size;
	uint32_t value_size;
	uint32_t max_entries;
	uint32_t flags;
	uint32_t count;
	int (*fill)(struct bench *b);
	int (*op)(struct bench *b);
};

/**
 * struct bench - a case under way
 * @fd: the map
 * @bytes: that a command transfers as values
 * @key: 8 bytes or key_size, zeros; or the keys of a batch
 * @values: user memory for two values
 * @start: all of a round wait for each other
 * @done: the command is
 * @op_ns: time of the command
 * @deaf_ns: longest time until an interrupt was taken
 * @late_ns: longest delay of the sleeper
 * @err: what the command said
 */
struct bench {
	const struct deaf *c;
	int fd;
	size_t bytes;
	char *key;
	char *values;
	pthread_barrier_t start;
	atomic_bool done;
	uint64_t op_ns;
	uint64_t deaf_ns;
	uint64_t late_ns;
	int err;
};

static uint64_t now_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec * 1000000000ULL + t.tv_nsec;
}

static void *work(void *arg)
{
	struct bench *b = arg;
	uint64_t start;

	run_on(1);
	pthread_barrier_wait(&b->start);
	start = now_ns();
	b->err = b->c->op(b);
	b->op_ns = now_ns() - start;
	atomic_store(&b->done, true);
	return NULL;
}

static void *nap(void *arg)
{
	struct sched_param prio = { .sched_priority = 1 };
	const struct timespec t = { .tv_nsec = NAP_NS };
	struct bench *b = arg;
	uint64_t start, ns;

	run_on(1);
	if (sched_setscheduler(0, SCHED_FIFO, &prio))
		perror("sched_setscheduler");
	pthread_barrier_wait(&b->start);
	while (!atomic_load(&b->done)) {
		start = now_ns();
		clock_nanosleep(CLOCK_MONOTONIC, 0, &t, NULL);
		ns = now_ns() - start - NAP_NS;
		if (ns > b->late_ns)
			b->late_ns = ns;
	}
	return NULL;
}

static void knock(struct bench *b)
{
	uint64_t start, ns;

	pthread_barrier_wait(&b->start);
	while (!atomic_load(&b->done)) {
		start = now_ns();
		syscall(SYS_membarrier, MEMBARRIER_CMD_PRIVATE_EXPEDITED, 0, 0);
		ns = now_ns() - start;
		if (ns > b->deaf_ns)
			b->deaf_ns = ns;
	}
}

static void one_round(struct bench *b)
{
	pthread_t worker, napper;

	atomic_store(&b->done, false);
	b->deaf_ns = 0;
	b->late_ns = 0;
	if (pthread_barrier_init(&b->start, NULL, 3) ||
	    pthread_create(&napper, NULL, nap, b) ||
	    pthread_create(&worker, NULL, work, b)) {
		perror("pthread_create");
		exit(1);
	}
	knock(b);
	pthread_join(worker, NULL);
	pthread_join(napper, NULL);
	pthread_barrier_destroy(&b->start);
}

/* As long as the command took */
static int op_in_user_space(struct bench *b)
{
	size_t n = b->bytes < MIB / 16 ? b->bytes : MIB / 16;
	uint64_t start = now_ns();

	do {
		memcpy(b->values, b->values + b->bytes, n);
		memcpy(b->values + b->bytes, b->values, n);
	} while (now_ns() - start < b->op_ns);
	return 0;
}

static unsigned long least(unsigned long part, uint64_t ns, const struct bench *b)
{
	unsigned long now = ns * 1000 / (b->op_ns ?: 1);

	return now < part ? now : part;
}

/*
 * Rounds with the command and without take turns, so that both have the same
 * machine, until the best of the former is good enough, or there are no more.
 */
static void listen(struct bench *b)
{
	static const struct deaf nothing = { .op = op_in_user_space };
	unsigned long deaf = -1, late = -1, quiet = -1, limit = 0;
	const char *env = getenv("DEAF_ROUNDS");
	int rounds = env ? atoi(env) : 40;
	const struct deaf *c = b->c;
	uint64_t op_ns = 0;

	do {
		b->c = c;
		one_round(b);
		op_ns = b->op_ns;
		deaf = least(deaf, b->deaf_ns, b);
		late = least(late, b->late_ns, b);
		if (b->err)
			break;
		b->c = &nothing;
		one_round(b);
		quiet = least(quiet, b->deaf_ns > b->late_ns ? b->deaf_ns :
							     b->late_ns, b);
		limit = SLACK * quiet > PART ? SLACK * quiet : PART;
		limit = limit < MOST ? limit : MOST;
	} while (--rounds > 0 && (deaf > limit || late > limit));

	printf("# %s: %llu us; of 1000 parts %lu without an interrupt, %lu without the CPU; in user space %lu\n",
	       c->name, (unsigned long long)op_ns / 1000, deaf, late, quiet);
	check_ret(b->err, 0, "the command");
	check(deaf <= limit, "no interrupt for %lu of 1000 parts", deaf);
	check(late <= limit, "not the CPU for %lu of 1000 parts", late);
}

static uint32_t batch_count(const struct bench *b)
{
	return b->c->count ?: 1;
}

static size_t value_bytes(const struct deaf *c)
{
	bool percpu = c->type == BPFMAP_TYPE_PERCPU_ARRAY ||
		      c->type == BPFMAP_TYPE_PERCPU_HASH ||
		      c->type == BPFMAP_TYPE_LRU_PERCPU_HASH;

	return percpu ? ROUND_UP((size_t)c->value_size, 8) * n_cpus() :
			c->value_size;
}

static void run_case(const struct deaf *c)
{
	const struct kind k = { c->name, c->type, c->flags, C_ARRAY };
	struct bench b = { .c = c };

	row("-", "%s", c->name);
	b.bytes = batch_count(&b) * value_bytes(c);
	b.key = c->count ? (char *)bucket_keys(c->count, c->max_entries) :
			   calloc(1, c->key_size + 8);
	b.values = malloc(2 * b.bytes);
	if (!b.key || !b.values) {
		perror("memory");
		exit(1);
	}
	/* Touch its pages now, not while others listen */
	memset(b.values, 0x5a, 2 * b.bytes);
	b.fd = map_new(&k, c->key_size, c->value_size, c->max_entries, 0);
	if (check(b.fd >= 0, "create: %d", b.fd)) {
		if (c->fill)
			check_ret(c->fill(&b), 0, "filling it");
		listen(&b);
		close(b.fd);
	}
	free(b.values);
	free(b.key);
}

static void run_cases(const struct deaf *c, size_t n)
{
	size_t i;

	if (syscall(SYS_membarrier, MEMBARRIER_CMD_REGISTER_PRIVATE_EXPEDITED, 0, 0) ||
	    sysconf(_SC_NPROCESSORS_ONLN) < 2) {
		printf("# SKIP: no membarrier(), or one CPU alone\n");
		return;
	}
	run_on(0);
	for (i = 0; i < n; i++)
		run_case(&c[i]);
}

/* ------------------------------------------------------------------------- */
/* Commands */

static const void *key_of(const struct bench *b)
{
	return b->c->key_size ? b->key : NULL;
}

static int op_update(struct bench *b)
{
	return map_update(b->fd, key_of(b), b->values, 0);
}

static int op_lookup(struct bench *b)
{
	return map_lookup(b->fd, key_of(b), b->values, 0);
}

static int one_batch(struct bench *b, int cmd)
{
	char out[8];
	struct bpfmap_batch_attr attr = {
		.out_batch = PTR(out),
		.keys = PTR(b->key),
		.values = PTR(b->values),
		.count = batch_count(b),
		.map_fd = b->fd,
	};

	return sys_map(cmd, &attr, sizeof(attr));
}

static int op_update_batch(struct bench *b)
{
	return one_batch(b, UB);
}

static int op_lookup_batch(struct bench *b)
{
	return one_batch(b, LB);
}

/* A few times: other occasional stops of a CPU weigh less then */
#define TIMES	2

static int op_updates(struct bench *b)
{
	int i, err = 0;

	for (i = 0; i < TIMES && !err; i++)
		err = op_update(b);
	return err;
}

static int op_lookups(struct bench *b)
{
	int i, err = 0;

	for (i = 0; i < TIMES && !err; i++)
		err = op_lookup(b);
	return err;
}

/* What is removed has to be there first */
static int op_take(struct bench *b)
{
	return op_update(b) ?: map_elem(LAD, b->fd, key_of(b), b->values, 0);
}

/* All that is in the map, so the end of it is met */
static int op_lookup_all(struct bench *b)
{
	int err = op_lookup_batch(b);

	return err == -ENOENT ? 0 : err;
}

static int op_take_batch(struct bench *b)
{
	int err = op_update_batch(b) ?:
		  one_batch(b, LADB);

	return err == -ENOENT ? 0 : err;
}

/* Into a full queue or stack: the oldest element is dropped */
static int op_push(struct bench *b)
{
	return map_update(b->fd, NULL, b->values, BPFMAP_F_EXIST);
}

static int fill_up(struct bench *b)
{
	uint32_t i;
	int err = 0;

	for (i = 0; i < b->c->max_entries && !err; i++)
		err = op_update(b);
	return err;
}

/* ------------------------------------------------------------------------- */
/* Arrays, queues and stacks */

#define ARRAY(what, bytes, run) {					\
	.name = "array " what, .type = BPFMAP_TYPE_ARRAY,		\
	.key_size = 4, .value_size = bytes, .max_entries = 2, .op = run,	\
}

static const struct deaf arrays[] = {
	ARRAY("update", 16 * MIB, op_update),
	ARRAY("lookup", 16 * MIB, op_lookup),
	ARRAY("update_batch", 16 * MIB, op_update_batch),
	ARRAY("lookup_batch", 16 * MIB, op_lookup_batch),
};

TEST(test_arrays, 0)
{
	run_cases(arrays, ARRAY_SIZE(arrays));
}

/* 4 MiB is the largest value */
#define QUEUE(kind, what, run) {					\
	.name = #kind " " what, .type = BPFMAP_TYPE_##kind,		\
	.value_size = 4 * MIB, .max_entries = 2, .fill = fill_up, .op = run, \
}

static const struct deaf queues[] = {
	QUEUE(QUEUE, "push", op_push),
	QUEUE(QUEUE, "peek", op_lookup),
	QUEUE(STACK, "push", op_push),
	QUEUE(STACK, "peek", op_lookup),
};

TEST(test_queues, 0)
{
	run_cases(queues, ARRAY_SIZE(queues));
}

/* ------------------------------------------------------------------------- */
/* Hashes and tries */

/* The largest value, nearly */
#define LARGE(kind, more, what, run) {					\
	.name = #kind " " what, .type = BPFMAP_TYPE_##kind, .flags = more, \
	.key_size = 8, .value_size = 4 * MIB - 512, .max_entries = 2,	\
	.fill = op_update, .op = run,					\
}

/* A bucket of @n */
#define BUCKET(kind, n, size, what, run) {				\
	.name = #kind " " #n "*" #size " " what,			\
	.type = BPFMAP_TYPE_##kind, .flags = BPFMAP_F_ZERO_SEED,	\
	.key_size = 4, .value_size = size, .max_entries = n, .count = n, \
	.fill = op_update_batch, .op = run,				\
}

static const struct deaf hashes[] = {
	LARGE(HASH, 0, "update", op_updates),
	LARGE(HASH, 0, "lookup", op_lookups),
	LARGE(HASH, 0, "lookup_and_delete", op_take),
	LARGE(HASH, BPFMAP_F_NO_PREALLOC, "update_batch", op_update_batch),
	LARGE(LRU_HASH, 0, "update", op_updates),
	LARGE(LRU_HASH, 0, "lookup_and_delete", op_take),
	LARGE(RHASH, BPFMAP_F_NO_PREALLOC, "update", op_updates),
	LARGE(RHASH, BPFMAP_F_NO_PREALLOC, "lookup", op_lookups),
	LARGE(RHASH, BPFMAP_F_NO_PREALLOC, "lookup_and_delete", op_take),
	BUCKET(HASH, 64, 262144, "lookup_batch", op_lookup_all),
	BUCKET(HASH, 64, 262144, "lookup_and_delete_batch", op_take_batch),
	BUCKET(HASH, 128, 32768, "lookup_batch", op_lookup_all),
	BUCKET(HASH, 128, 32768, "lookup_and_delete_batch", op_take_batch),
	BUCKET(LRU_HASH, 128, 32768, "lookup_batch", op_lookup_all),
	BUCKET(LRU_HASH, 128, 32768, "lookup_and_delete_batch", op_take_batch),
	LARGE(LPM_TRIE, BPFMAP_F_NO_PREALLOC, "update", op_updates),
	LARGE(LPM_TRIE, BPFMAP_F_NO_PREALLOC, "lookup", op_lookups),
	LARGE(LPM_TRIE, BPFMAP_F_NO_PREALLOC, "lookup_batch", op_lookup_all),
};

TEST(test_hashes, 0)
{
	run_cases(hashes, ARRAY_SIZE(hashes));
}

/* A CPU's value is 32 KiB: it takes many for all to be large */
#define ALL_CPUS(kind, n, what, run) {					\
	.name = #kind " " what, .type = BPFMAP_TYPE_##kind,		\
	.flags = BPFMAP_F_ZERO_SEED, .key_size = 4,			\
	.value_size = 32768, .max_entries = 8, .count = n,		\
	.fill = op_update_batch, .op = run,				\
}

static const struct deaf percpu_hashes[] = {
	ALL_CPUS(PERCPU_HASH, 1, "update", op_updates),
	ALL_CPUS(PERCPU_HASH, 1, "lookup", op_lookups),
	ALL_CPUS(PERCPU_HASH, 1, "lookup_and_delete", op_take),
	ALL_CPUS(PERCPU_HASH, 8, "lookup_batch", op_lookup_all),
	ALL_CPUS(PERCPU_HASH, 8, "lookup_and_delete_batch", op_take_batch),
	ALL_CPUS(LRU_PERCPU_HASH, 1, "update", op_updates),
};

TEST(test_percpu_hashes, 0)
{
	if (n_cpus() < 32)
		printf("# SKIP: the values of %u CPUs are not large enough\n",
		       n_cpus());
	else
		run_cases(percpu_hashes, ARRAY_SIZE(percpu_hashes));
}

TEST_MAIN
