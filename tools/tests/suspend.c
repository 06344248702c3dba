// SPDX-License-Identifier: GPL-2.0-only
/*
 * Commands suspended in the middle of copying from or to user memory: no other
 * command has to wait for them, FREEZE is EBUSY while a writer is suspended,
 * and a copied value is whole whatever happens to the element meanwhile.
 *
 * Every buffer under test starts in a page that is there and ends in one that
 * userfaultfd holds back.
 *
 * SUSPEND_ROUNDS: of all other commands for each suspended one (20)
 */
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <linux/userfaultfd.h>

#include "load.h"

#define ENTRIES		16
#define VALUE_SIZE	64
#define PAGE		4096
#define AREA		(4 * PAGE)	/* each side of the border */
#define POISON		0xa5
#define KEY		1		/* what single-element commands work on */

enum where { KEYS, VALUES };

/**
 * struct op - a command to suspend
 * @name: for diagnostics
 * @cmd: its number
 * @where: which of its buffers is held back
 * @batch: of all elements
 * @writes: FREEZE has to wait
 * @hash_only: arrays do not have it
 * @reads: it fills @values with whole values
 */
struct op {
	const char *name;
	int cmd;
	enum where where;
	bool batch;
	bool writes;
	bool hash_only;
	bool reads;
};

static const struct op ops[] = {
	{ "lookup, key", LOOKUP, KEYS, .reads = true },
	{ "lookup, value", LOOKUP, VALUES, .reads = true },
	{ "update, key", UPDATE, KEYS, .writes = true },
	{ "update, value", UPDATE, VALUES, .writes = true },
	{ "delete, key", DELETE, KEYS, .writes = true, .hash_only = true },
	{ "next_key, key", NEXT, KEYS, .batch = false },
	{ "next_key, next_key", NEXT, VALUES, .batch = false },
	{ "lookup_and_delete, key", LAD, KEYS,
	  .writes = true, .hash_only = true, .reads = true },
	{ "lookup_and_delete, value", LAD, VALUES,
	  .writes = true, .hash_only = true, .reads = true },
	{ "lookup_batch, keys", LB, KEYS, .batch = true,
	  .reads = true },
	{ "lookup_batch, values", LB, VALUES, .batch = true,
	  .reads = true },
	{ "update_batch, keys", UB, KEYS, .batch = true,
	  .writes = true },
	{ "update_batch, values", UB, VALUES, .batch = true,
	  .writes = true },
	{ "delete_batch, keys", DB, KEYS, .batch = true,
	  .writes = true, .hash_only = true },
	{ "lookup_and_delete_batch, keys", LADB, KEYS,
	  .batch = true, .writes = true, .hash_only = true, .reads = true },
	{ "lookup_and_delete_batch, values", LADB,
	  VALUES, .batch = true, .writes = true, .hash_only = true, .reads = true },
};

struct trial {
	const struct kind *kind;
	const struct op *op;
	int fd, uffd;
	char *area;			/* AREA there, AREA held back */
	char *keys, *values;		/* of the suspended command */
	char *spare_keys, *spare_values;	/* of all others */
	char *held;			/* contents of the pages held back */
	unsigned int seq;
	pthread_t thread;
	uint32_t count, token;
	int ret;
};

static int uffd_open(void)
{
	struct uffdio_api api = { .api = UFFD_API };
	int fd = syscall(SYS_userfaultfd, O_CLOEXEC | O_NONBLOCK);

	if (fd < 0)
		return -1;
	if (ioctl(fd, UFFDIO_API, &api)) {
		close(fd);
		return -1;
	}
	return fd;
}

static size_t bytes_of(struct trial *t)
{
	return user_value_size(t->kind, VALUE_SIZE);
}

static void make_all(struct trial *t, char *keys, char *values)
{
	struct load_tag tag = { .writer = 1, .seq = ++t->seq };
	unsigned int i;

	for (i = 0; i < ENTRIES; i++) {
		tag.key = t->op->batch || keys == t->spare_keys ? i : KEY;
		load_key(t->kind, tag.key, keys + i * load_key_size(t->kind));
		load_fill_all(t->kind, values + i * bytes_of(t), VALUE_SIZE, tag);
		if (!t->op->batch && keys == t->keys)
			break;
	}
}

static bool whole(struct trial *t, int key, const char *value)
{
	size_t stride = load_stride(t->kind, VALUE_SIZE);
	unsigned int slot;
	struct load_tag tag;

	for (slot = 0; slot < load_slots(t->kind); slot++, value += stride)
		if (!load_check(value, VALUE_SIZE, &tag) || (int)tag.key != key ||
		    tag.cpu != LOAD_SLOT_CPU(slot))
			return false;
	return true;
}

static int fill_map(struct trial *t)
{
	uint32_t count = ENTRIES;

	make_all(t, t->spare_keys, t->spare_values);
	return load_batch(UB, t->fd, NULL, NULL,
			  t->spare_keys, t->spare_values, &count, 0);
}

/* Puts the middle of @size bytes on the border. */
static char *across(struct trial *t, size_t size)
{
	return t->area + AREA - size / 2;
}

/* Takes the pages away again; what was in them is what they will get. */
static bool hold_back(struct trial *t)
{
	struct uffdio_register reg = {
		.range = { .start = (uintptr_t)t->area + AREA, .len = AREA },
		.mode = UFFDIO_REGISTER_MODE_MISSING,
	};

	memcpy(t->held, t->area + AREA, AREA);
	return !madvise(t->area + AREA, AREA, MADV_DONTNEED) &&
	       !ioctl(t->uffd, UFFDIO_REGISTER, &reg);
}

/* Does a command wait for the pages? */
static bool wait_suspended(int uffd)
{
	struct pollfd poll_fd = { .fd = uffd, .events = POLLIN };
	struct uffd_msg msg;

	return poll(&poll_fd, 1, LOAD_PATIENCE) == 1 &&
	       read(uffd, &msg, sizeof(msg)) == sizeof(msg) &&
	       msg.event == UFFD_EVENT_PAGEFAULT;
}

static void release(struct trial *t)
{
	struct uffdio_copy copy = {
		.dst = (uintptr_t)t->area + AREA,
		.src = (uintptr_t)t->held,
		.len = AREA,
	};

	need(ioctl(t->uffd, UFFDIO_COPY, &copy) == 0);
}

static void trial_begin(struct trial *t, const struct kind *kind,
			const struct op *op, int uffd)
{
	/* Kill a trial that hangs rather than wait for it. */
	alarm(3 * LOAD_PATIENCE / 1000);
	memset(t, 0, sizeof(*t));
	t->kind = kind;
	t->op = op;
	t->uffd = uffd;
	t->fd = load_create(kind, VALUE_SIZE, ENTRIES);
	need(t->fd >= 0);
	t->area = mmap(NULL, 2 * AREA, PROT_READ | PROT_WRITE,
		       MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	need(t->area != MAP_FAILED);
	t->held = malloc(AREA);
	t->spare_keys = calloc(ENTRIES, LOAD_KEY_MAX);
	t->spare_values = calloc(ENTRIES, bytes_of(t));
	t->keys = calloc(ENTRIES, LOAD_KEY_MAX);
	t->values = calloc(ENTRIES, bytes_of(t));
	need(t->held && t->spare_keys && t->spare_values && t->keys && t->values);
	need(ENTRIES * bytes_of(t) <= 2 * AREA);
	expect_eq(fill_map(t), 0);
}

static void *run_op(void *arg)
{
	struct trial *t = arg;
	const struct op *op = t->op;
	char *key = t->keys;

	/* A next key that exists in every order: the first one */
	if (op->cmd == NEXT && op->where == VALUES)
		key = NULL;
	t->count = ENTRIES;
	if (op->batch)
		t->ret = load_batch(op->cmd, t->fd, NULL, &t->token, t->keys, t->values,
				    &t->count, 0);
	else
		t->ret = map_elem(op->cmd, t->fd, key,
				  op->cmd == DELETE ? NULL : t->values, 0);
	return NULL;
}

/* Lets the command run into the pages held back; asserts nothing, see test_killed(). */
static bool suspend(struct trial *t)
{
	unsigned int n = t->op->batch ? ENTRIES : 1;
	char **held = t->op->where == KEYS ? &t->keys : &t->values;
	size_t size = n * (t->op->where == KEYS ? load_key_size(t->kind) : bytes_of(t));

	if (t->op->cmd == NEXT)
		size = load_key_size(t->kind);
	free(*held);
	*held = across(t, size);
	make_all(t, t->keys, t->values);
	if (t->op->reads)
		memset(t->values, POISON, n * bytes_of(t));
	if (t->op->reads && t->op->batch)
		memset(t->keys, POISON, n * load_key_size(t->kind));
	return hold_back(t) && !pthread_create(&t->thread, NULL, run_op, t) &&
	       wait_suspended(t->uffd);
}

/* All others go on, also with the very elements of the suspended command. */
static void disturb(struct trial *t)
{
	char key[LOAD_KEY_MAX], *value = calloc(1, bytes_of(t));
	unsigned int round, i, rounds = load_env("SUSPEND_ROUNDS", 20);
	int ret;

	need(value);
	for (round = 0; round < rounds; round++) {
		for (i = 0; is_hash(t->kind) && i < ENTRIES; i++) {
			load_key(t->kind, i, key);
			ret = map_delete(t->fd, key);
			expect(ret == 0 || ret == -ENOENT);
		}
		expect_eq(fill_map(t), 0);
		for (i = 0; i < ENTRIES; i++) {
			load_key(t->kind, i, key);
			expect_eq(map_lookup(t->fd, key, value, 0), 0);
			expect(whole(t, i, value));
		}
		expect_eq(load_count(t->fd, t->kind, 2 * ENTRIES), ENTRIES);
	}
	free(value);
}

static void check_result(struct trial *t)
{
	bool next_key = t->op->cmd == NEXT;
	unsigned int i, n = t->op->batch ? t->count : 1;
	int key;

	if (t->ret && !(t->ret == -ENOENT && (next_key || (t->op->batch && t->op->reads))))
		printf("# %s, %s: result %d\n", t->kind->name, t->op->name, t->ret);
	/* Ends with ENOENT are walks that came to the end. */
	expect(t->ret == 0 ||
	       (t->ret == -ENOENT && (next_key || (t->op->batch && t->op->reads))));
	expect(n <= ENTRIES);
	if (t->op->batch)
		expect_eq(n, ENTRIES);
	for (i = 0; t->op->reads && i < n; i++) {
		key = load_key_id(t->kind, t->keys + i * load_key_size(t->kind));
		expect(key >= 0 && key < ENTRIES);
		expect(whole(t, key, t->values + i * bytes_of(t)));
	}
}

static void trial_end(struct trial *t)
{
	if (t->op->where == KEYS)
		free(t->values);
	else
		free(t->keys);
	munmap(t->area, 2 * AREA);
	free(t->held);
	free(t->spare_keys);
	free(t->spare_values);
	if (t->fd >= 0)
		close(t->fd);
}

/* @what with each operation that the kind has */
static void each_op(const struct kind *k, void (*what)(struct trial *t))
{
	int uffd = uffd_open();
	struct trial t;
	unsigned int i;

	if (uffd < 0) {
		skipped("no userfaultfd: %s", strerror(errno));
		return;
	}
	for (i = 0; i < ARRAY_SIZE(ops); i++) {
		if (ops[i].hash_only && !is_hash(k))
			continue;
		trial_begin(&t, k, &ops[i], uffd);
		what(&t);
		trial_end(&t);
	}
}

static void finish(struct trial *t)
{
	release(t);
	pthread_join(t->thread, NULL);
	check_result(t);
}

static void suspend_one(struct trial *t)
{
	expect(suspend(t));
	disturb(t);
	expect_eq(map_freeze(t->fd), t->op->writes ? -EBUSY : 0);
	finish(t);
	expect_eq(map_freeze(t->fd), t->op->writes ? 0 : FROZEN_AGAIN);
}

TEST(test_suspended, K_ALL)
{
	each_op(k, suspend_one);
}

/* The descriptor is closed during the command; the map is freed after it. */
static void close_one(struct trial *t)
{
	long id = map_id(t->fd);

	expect(suspend(t));
	close(t->fd);
	t->fd = -1;
	finish(t);
	expect(load_id_gone(id));
}

TEST(test_closed, K_ALL)
{
	each_op(k, close_one);
}

/* A child that is suspended for good. Returns only if it cannot be. */
static void suspend_for_good(void *arg, int ready)
{
	struct trial *t = arg;

	t->uffd = uffd_open();
	if (!suspend(t) || write(ready, "", 1) != 1)
		return;
	pthread_join(t->thread, NULL);
}

static void kill_one(struct trial *t)
{
	pid_t pid = load_fork_ready(suspend_for_good, t);

	if (t->op->writes)
		expect_eq(map_freeze(t->fd), -EBUSY);
	load_kill(pid);
	disturb(t);
	expect_eq(map_freeze(t->fd), 0);
	free(t->op->where == KEYS ? t->keys : t->values);
}

/* A process killed in there dies, and leaves no writer behind. */
TEST(test_killed, K_ALL)
{
	each_op(k, kill_one);
}

TEST_MAIN
