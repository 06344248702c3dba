// SPDX-License-Identifier: GPL-2.0-only
/*
 * Lifetime of maps: processes killed in the middle, descriptors closed in use,
 * inherited, sent and mapped; and that nothing is left behind.
 *
 * LIFECYCLE_ROUNDS: how often each of the repeated tests is done (40)
 */
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include "load.h"

#define ENTRIES		512
#define VALUE_SIZE	64

static unsigned int rounds(void)
{
	return load_env("LIFECYCLE_ROUNDS", 40);
}

/* Buffers for batches over the whole of one map */
struct batch {
	const struct kind *kind;
	char *keys, *values;
	size_t bytes;
	unsigned int size;
};

static void batch_free(struct batch *b)
{
	free(b->keys);
	free(b->values);
}

static void batch_fill(struct batch *b, unsigned int first, unsigned int seq)
{
	struct load_tag tag = { .writer = 1, .seq = seq };
	unsigned int i;

	for (i = 0; i < b->size; i++) {
		tag.key = first + i;
		load_key(b->kind, tag.key, b->keys + i * load_key_size(b->kind));
		load_fill_all(b->kind, b->values + i * b->bytes, VALUE_SIZE, tag);
	}
}

static void batch_init(struct batch *b, const struct kind *kind, unsigned int size)
{
	b->kind = kind;
	b->size = size;
	b->bytes = user_value_size(kind, VALUE_SIZE);
	b->keys = calloc(size, LOAD_KEY_MAX);
	b->values = calloc(size, b->bytes);
	need(b->keys && b->values);
	batch_fill(b, 0, 0);
}

static int batch_run(struct batch *b, int cmd, int fd)
{
	uint32_t token, count = b->size;

	return load_batch(cmd, fd, NULL, &token, b->keys, b->values, &count, 0);
}

/* A map of @kind with ENTRIES elements in it */
static int filled_map(const struct kind *kind)
{
	struct batch b;
	int fd, ret;

	fd = load_create(kind, VALUE_SIZE, ENTRIES);
	need(fd >= 0);
	batch_init(&b, kind, ENTRIES);
	ret = batch_run(&b, UB, fd);
	need(ret == 0);
	batch_free(&b);
	return fd;
}

static int put(int fd, unsigned int id, uint32_t value)
{
	char key[LOAD_KEY_MAX], bytes[VALUE_SIZE] = { 0 };

	load_key(KIND(K_HASH), id, key);
	memcpy(bytes, &value, sizeof(value));
	return map_update(fd, key, bytes, 0);
}

/* The value that put() left there, or -errno */
static long get(int fd, unsigned int id)
{
	char key[LOAD_KEY_MAX];
	uint32_t words[VALUE_SIZE / 4];
	int ret;

	load_key(KIND(K_HASH), id, key);
	ret = map_lookup(fd, key, words, 0);
	return ret ? ret : (long)words[0];
}

static int small_map(void)
{
	int fd = load_create(KIND(K_HASH), VALUE_SIZE, 16);

	need(fd >= 0);
	return fd;
}

static void sleep_us(unsigned int us)
{
	struct timespec span = { 0, us * 1000L };

	nanosleep(&span, NULL);
}

static long first_ids, first_refs;

TEST(test_start, 0)
{
	close(small_map());	/* the device is open from now on */
	load_sleep_ms(100);
	first_ids = load_ids(NULL);
	first_refs = load_refcnt();
	expect(first_ids >= 0);
}

/* A child that does batches of every sort until it is killed */
struct batcher {
	const struct kind *kind;
	int fd;
};

static void batches_for_ever(void *arg, int ready)
{
	const struct kind *kind = ((struct batcher *)arg)->kind;
	int fd = ((struct batcher *)arg)->fd;
	struct batch b;
	unsigned int i;

	batch_init(&b, kind, ENTRIES);
	must(write(ready, "", 1) == 1);
	for (i = 0;; i++) {
		batch_fill(&b, is_hash(kind) ? i % 3 * ENTRIES / 2 : 0, i % LOAD_SEQ_END);
		batch_run(&b, UB, fd);
		batch_run(&b, LB, fd);
		if (is_hash(kind) && i % 2)
			batch_run(&b, DB, fd);
		else if (is_hash(kind))
			batch_run(&b, LADB, fd);
	}
}

static void kill_one(const struct kind *kind, int fd, unsigned int round)
{
	pid_t pid = load_fork_ready(batches_for_ever,
				    &(struct batcher){ kind, fd });

	sleep_us(round * 7919 % 20000);
	load_kill(pid);
}

/* The map's values are whole, and no more than max_entries. */
static void check_content(const struct kind *kind, int fd)
{
	struct batch b;
	uint32_t token, count = ENTRIES;
	unsigned int i, slot;
	struct load_tag tag;
	int ret;

	batch_init(&b, kind, ENTRIES);
	ret = load_batch(LB, fd, NULL, &token, b.keys, b.values, &count, 0);
	expect(ret == -ENOENT || (ret == 0 && !is_hash(kind)));
	expect(is_hash(kind) ? count <= ENTRIES : count == ENTRIES);
	for (i = 0; i < count; i++) {
		for (slot = 0; slot < load_slots(kind); slot++) {
			expect(load_check(b.values + i * b.bytes +
					  slot * load_stride(kind, VALUE_SIZE),
					  VALUE_SIZE, &tag));
			expect_eq(tag.key, load_key_id(kind, b.keys + i * load_key_size(kind)));
		}
	}
	batch_free(&b);
}

TEST(test_kill_mid_batch, K_ALL)
{
	struct batch b;
	unsigned int i;
	int fd;

	fd = filled_map(k);
	for (i = 0; i < rounds(); i++) {
		kill_one(k, fd, i);
		check_content(k, fd);
	}
	/* No bucket is locked, no element is lost, no writer is counted. */
	batch_init(&b, k, ENTRIES);
	if (is_hash(k))
		expect(load_empty(fd) >= 0);
	expect_eq(batch_run(&b, UB, fd), 0);
	expect_eq(load_count(fd, k, 2 * ENTRIES), ENTRIES);
	if (is_hash(k)) {
		batch_fill(&b, ENTRIES, 0);
		expect_eq(batch_run(&b, UB, fd), is_lru(k) ? 0 : -E2BIG);
	}
	expect_eq(map_freeze(fd), 0);
	batch_free(&b);
}

/* Killed while it creates maps: their ids go, too. */
TEST(test_kill_mid_create, 0)
{
	long ids = load_ids(NULL), refs = load_refcnt();
	unsigned long end;
	unsigned int i;
	pid_t pid;

	expect(ids >= 0);
	for (i = 0; i < rounds(); i++) {
		pid = load_fork();
		while (!pid) {
			int fd = load_create(KIND(K_PHASH), 8, 100);

			must(fd >= 0);
			close(fd);
		}
		sleep_us(1000 + i * 7919 % 20000);
		load_kill(pid);
	}
	end = load_ms() + LOAD_PATIENCE;
	while ((load_ids(NULL) > ids || load_refcnt() > refs) && load_ms() < end)
		load_sleep_ms(5);
	expect_eq(load_ids(NULL), ids);
	expect_eq(load_refcnt(), refs);
}

struct closer {
	int fd;
	atomic_bool stop;
	atomic_long odd;		/* a result that must not be, or 0 */
	atomic_ulong done, gone;
};

static void *use_descriptor(void *arg)
{
	const struct kind *kind = KIND(K_HASH);
	char key[LOAD_KEY_MAX], value[VALUE_SIZE] = { 0 };
	struct closer *c = arg;
	struct batch b;
	unsigned int i;
	int ret;

	b.kind = kind;
	b.size = 32;
	b.bytes = VALUE_SIZE;
	b.keys = calloc(b.size, LOAD_KEY_MAX);
	b.values = calloc(b.size, b.bytes);
	if (!b.keys || !b.values)
		abort();
	for (i = 0; !atomic_load(&c->stop); i++) {
		load_key(kind, i % 32, key);
		if (i % 4 == 0)
			ret = map_update(c->fd, key, value, 0);
		else if (i % 4 == 1)
			ret = map_lookup(c->fd, key, value, 0);
		else if (i % 4 == 2)
			ret = map_next_key(c->fd, key, value);
		else
			ret = batch_run(&b, LB, c->fd);
		if (ret == -EBADF)
			atomic_fetch_add(&c->gone, 1);
		else if (!ret)
			atomic_fetch_add(&c->done, 1);
		else if (ret != -ENOENT && ret != -ENOSPC)
			atomic_store(&c->odd, ret);
	}
	batch_free(&b);
	return NULL;
}

TEST(test_close_in_use, 0)
{
	struct closer c = { 0 };
	pthread_t threads[4];
	unsigned int i;
	uint32_t last;
	int fd;

	c.fd = 200;
	for (i = 0; i < 4; i++)
		need(pthread_create(&threads[i], NULL, use_descriptor, &c) == 0);
	for (i = 0; i < 10 * rounds(); i++) {
		fd = load_create(KIND(K_HASH), VALUE_SIZE, 64);
		expect(fd >= 0);
		/* Every other one is closed, the rest is replaced. */
		expect_eq(dup2(fd, c.fd), c.fd);
		close(fd);
		sleep_us(300);
		if (i % 2)
			expect_eq(close(c.fd), 0);
	}
	last = map_id(c.fd);
	close(c.fd);
	load_sleep_ms(5);
	atomic_store(&c.stop, true);
	for (i = 0; i < 4; i++)
		pthread_join(threads[i], NULL);
	expect_eq(atomic_load(&c.odd), 0);
	expect(atomic_load(&c.done) > 0);
	expect(atomic_load(&c.gone) > 0);
	expect(load_id_gone(last));
}

/* Runs this program again, with the descriptor's number as argument. */
static void run_self(const char *what, int fd)
{
	char number[16];
	pid_t pid;

	snprintf(number, sizeof(number), "%d", fd);
	pid = load_fork();
	if (!pid) {
		execl("/proc/self/exe", "lifecycle", what, number, NULL);
		_exit(126);
	}
	load_child_succeeds(pid);
}

TEST(test_exec, 0)
{
	int fd = small_map();

	expect_eq(put(fd, 1, 4711), 0);
	expect_eq(fcntl(fd, F_GETFD), FD_CLOEXEC);
	run_self("--closed", fd);
	expect_eq(fcntl(fd, F_SETFD, 0), 0);
	run_self("--open", fd);
	expect_eq(get(fd, 1), 4712);
}

/* What run_self() runs */
static int after_exec(const char *what, int fd)
{
	if (!strcmp(what, "--closed"))
		return fcntl(fd, F_GETFD) != -1 || errno != EBADF;
	return get(fd, 1) != 4711 || put(fd, 1, 4712) != 0;
}

TEST(test_fork, 0)
{
	int fd = small_map();
	uint32_t id = map_id(fd);
	pid_t pid;

	expect_eq(put(fd, 1, 10), 0);
	pid = load_fork();
	if (!pid) {
		must(get(fd, 1) == 10);
		must(put(fd, 2, 20) == 0);
		must(map_id(fd) == id);
		_exit(0);
	}
	load_child_succeeds(pid);
	expect_eq(get(fd, 2), 20);

	/* The child keeps the map after the parent's close. */
	pid = load_fork();
	if (!pid) {
		load_sleep_ms(50);
		must(get(fd, 2) == 20);
		_exit(0);
	}
	close(fd);
	load_child_succeeds(pid);
	expect(load_id_gone(id));
}

static void send_fd(int sock, int fd)
{
	union { struct cmsghdr head; char space[CMSG_SPACE(sizeof(int))]; } control = { 0 };
	struct iovec iov = { "x", 1 };
	struct msghdr msg = {
		.msg_iov = &iov,
		.msg_iovlen = 1,
		.msg_control = &control,
		.msg_controllen = sizeof(control),
	};

	control.head.cmsg_level = SOL_SOCKET;
	control.head.cmsg_type = SCM_RIGHTS;
	control.head.cmsg_len = CMSG_LEN(sizeof(int));
	memcpy(CMSG_DATA(&control.head), &fd, sizeof(fd));
	must(sendmsg(sock, &msg, 0) == 1);
}

static int receive_fd(int sock)
{
	union { struct cmsghdr head; char space[CMSG_SPACE(sizeof(int))]; } control = { 0 };
	char c;
	struct iovec iov = { &c, 1 };
	struct msghdr msg = {
		.msg_iov = &iov,
		.msg_iovlen = 1,
		.msg_control = &control,
		.msg_controllen = sizeof(control),
	};
	int fd = -1;

	if (recvmsg(sock, &msg, MSG_CMSG_CLOEXEC) == 1 && msg.msg_controllen)
		memcpy(&fd, CMSG_DATA(&control.head), sizeof(fd));
	return fd;
}

TEST(test_send, 0)
{
	int pair[2], fd;
	pid_t pid;
	long id;

	need(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) == 0);
	pid = load_fork();
	if (!pid) {
		fd = load_create(KIND(K_HASH), VALUE_SIZE, 16);
		must(fd >= 0);
		must(put(fd, 3, 33) == 0);
		send_fd(pair[1], fd);
		_exit(0);
	}
	load_child_succeeds(pid);
	fd = receive_fd(pair[0]);
	expect(fd >= 0);
	expect_eq(get(fd, 3), 33);
	expect_eq(put(fd, 3, 34), 0);
	expect_eq(get(fd, 3), 34);
	id = map_id(fd);

	/* In flight, only the socket holds the map; both are freed together. */
	send_fd(pair[1], fd);
	close(fd);
	load_sleep_ms(20);
	fd = receive_fd(pair[0]);
	expect(fd >= 0);
	expect_eq(get(fd, 3), 34);
	send_fd(pair[1], fd);
	close(fd);
	close(pair[0]);
	close(pair[1]);
	expect(load_id_gone(id));
}

TEST(test_ids, 0)
{
	uint32_t last = 0, id;
	int fds[8];
	unsigned int i;
	uint32_t highest;
	long count = load_ids(&highest);

	expect(count >= 0);
	for (i = 0; i < 8; i++) {
		fds[i] = small_map();
		id = map_id(fds[i]);
		expect(id > last && id > highest);
		last = id;
	}
	expect_eq(load_ids(&highest), count + 8);
	expect_eq(highest, last);
	for (i = 0; i < 8; i++) {
		id = map_id(fds[i]);
		close(fds[i]);
		expect(load_id_gone(id));
	}
	expect_eq(load_ids(NULL), count);
	/* The numbers are not used again at once. */
	fds[0] = small_map();
	expect(map_id(fds[0]) > last);
	close(fds[0]);
}

/* An exit without close() closes as well. */
TEST(test_exit, 0)
{
	long *id = load_shared(sizeof(*id));
	pid_t pid = load_fork();

	if (!pid) {
		int fd = load_create(KIND(K_ARRAY_MM), 8, 1024);

		must(fd >= 0);
		must(mmap(NULL, 8192, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0) !=
		     MAP_FAILED);
		*id = map_id(fd);
		_exit(0);
	}
	load_child_succeeds(pid);
	expect(*id > 0);
	expect(load_id_gone(*id));
}

TEST(test_no_descriptor, 0)
{
	long ids = load_ids(NULL), refs = load_refcnt();
	struct bpfmap_id_attr attr = { 0 };
	int fd = small_map();
	pid_t pid;

	pid = load_fork();
	if (!pid) {
		struct rlimit limit = { 64, 64 };
		int last = -1, next;

		must(setrlimit(RLIMIT_NOFILE, &limit) == 0);
		while ((next = dup(0)) >= 0)
			last = next;
		must(errno == EMFILE && last > 0);
		for (int i = 0; i < N_COMMON; i++)
			must(load_create(&kinds[i], 8, 100) == -EMFILE);
		attr.map_id = map_id(fd);
		must(sys_map(BPFMAP_CMD_MAP_GET_FD_BY_ID, &attr, 12) == -EMFILE);
		must(load_ids(NULL) == ids + 1);
		must(close(last) == 0);
		must(load_create(KIND(K_HASH), 8, 100) == last);
		_exit(0);
	}
	load_child_succeeds(pid);
	close(fd);
	expect_eq(load_ids(NULL), ids);
	expect_eq(load_refcnt(), refs);
}

static void expect_pinned(void)
{
	expect_eq(syscall(SYS_delete_module, "bpfmap", O_NONBLOCK), -1);
	expect_eq(errno, EWOULDBLOCK);
}

TEST(test_rmmod, 0)
{
	long refs = load_refcnt();
	int fd, device = device_fd(), again;
	char *at;

	if (device < 0 || refs < 0) {
		skipped("no module that could be unloaded");
		return;
	}
	fd = load_create(KIND(K_ARRAY_MM), 8, 512);
	expect_eq(load_refcnt(), refs + 1);
	need(fd >= 0);
	at = mmap(NULL, 4096, PROT_READ, MAP_SHARED, fd, 0);
	need(at != MAP_FAILED);
	close(device);
	expect_pinned();
	/* Nothing but the mapping is left: [life.module] */
	close(fd);
	expect_pinned();
	again = open("/dev/bpfmap", O_RDWR | O_CLOEXEC);
	need(again >= 0);
	if (again != device) {
		need(dup3(again, device, O_CLOEXEC) == device);
		close(again);
	}
	munmap(at, 4096);
	expect_eq(load_refcnt(), refs);
}

static const char * const fields[] = { "Percpu", "VmallocUsed", "Slab" };

#define TOLERANCE	128	/* KiB */
#define QUIET		3	/* stages in a row */
#define STAGES		30	/* at most */

struct usage {
	long kib[ARRAY_SIZE(fields)];
};

static struct usage usage_now(void)
{
	struct usage u;
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(fields); i++)
		u.kib[i] = load_proc("/proc/meminfo", fields[i]);
	return u;
}

/* Waits a moment for what is freed later */
static bool usage_within(const struct usage *highest, struct usage *now, unsigned int n)
{
	unsigned long end = load_ms() + 2000;
	unsigned int i;

	do {
		*now = usage_now();
		for (i = 0; i < n && now->kib[i] <= highest->kib[i] + TOLERANCE; i++)
			;
		if (i == n)
			return true;
		load_sleep_ms(20);
	} while (load_ms() < end);
	return false;
}

static void one_life(const struct kind *kind)
{
	int fd = filled_map(kind);
	struct batch b;

	/* Half of them are deleted before the map is freed. */
	if (is_hash(kind)) {
		batch_init(&b, kind, ENTRIES / 2);
		expect_eq(batch_run(&b, DB, fd), 0);
		batch_free(&b);
	}
	close(fd);
}

/*
 * Allocators keep some of what they got: slabs, or a chunk of per-CPU memory, for
 * which the memory controller alone has 2 MiB of its own. That comes to an end; a
 * leak goes on with every life. So memory may grow in some stages, but not in all:
 * were one life in five to leave its memory, there would be no QUIET in a row.
 */
TEST(test_no_leak, K_ALL)
{
	unsigned int n = ARRAY_SIZE(fields) - load_kasan(), i, stage, quiet = 0;
	long ids = load_ids(NULL), refs = load_refcnt();
	struct usage before = usage_now(), highest = before, now;

	for (stage = 0; stage < STAGES && quiet < QUIET; stage++) {
		for (i = 0; i < 2 * rounds(); i++)
			one_life(k);
		if (usage_within(&highest, &now, n)) {
			quiet++;
			continue;
		}
		quiet = 0;
		for (i = 0; i < n; i++)
			if (now.kib[i] > highest.kib[i])
				highest.kib[i] = now.kib[i];
	}
	printf("# %s, %u times %u lives:", k->name, stage, 2 * rounds());
	for (i = 0; i < ARRAY_SIZE(fields); i++)
		printf(" %s %+ld KiB%s", fields[i], now.kib[i] - before.kib[i],
		       i + 1 < ARRAY_SIZE(fields) ? "," : "\n");
	expect_eq(quiet, QUIET);
	expect_eq(load_ids(NULL), ids);
	expect_eq(load_refcnt(), refs);
}

/* After all of it no map and no reference to the module is left. */
TEST(test_end, 0)
{
	unsigned long end = load_ms() + LOAD_PATIENCE;

	while ((load_ids(NULL) > first_ids || load_refcnt() > first_refs) &&
	       load_ms() < end)
		load_sleep_ms(10);
	expect_eq(load_ids(NULL), first_ids);
	expect_eq(load_refcnt(), first_refs);
}

int main(int argc, char **argv)
{
	if (argc == 3)
		return after_exec(argv[1], atoi(argv[2]));
	return run_tests();
}
