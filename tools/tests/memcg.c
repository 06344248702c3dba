// SPDX-License-Identifier: GPL-2.0-only
/*
 * The memory of a map is charged to its creator's memory cgroup, whoever
 * inserts; the limits hold without the OOM killer, and all is given back.
 *
 * bpf(2) itself does not do all of this: it does not charge the per-CPU memory
 * of preallocated maps.
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <sched.h>
#include <setjmp.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include "load.h"

#define ROOT		"/sys/fs/cgroup"
#define OWNER		ROOT "/bpfmap_owner"
#define OTHER		ROOT "/bpfmap_other"
#define MIB		(1024L * 1024)
#define SLACK		(2 * MIB)	/* what CPUs have charged in advance, and stacks */
#define VALUE_SIZE	256
#define BATCH		256

static int write_file(const char *dir, const char *name, const char *text)
{
	char path[256];
	ssize_t len;
	int fd;

	snprintf(path, sizeof(path), "%s/%s", dir, name);
	fd = open(path, O_WRONLY | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	len = write(fd, text, strlen(text));
	close(fd);
	return len < 0 ? -errno : 0;
}

static long charged_to(const char *dir)
{
	char path[256];
	long value = -1;
	FILE *f;

	snprintf(path, sizeof(path), "%s/memory.current", dir);
	f = fopen(path, "r");
	need(f);
	need(fscanf(f, "%ld", &value) == 1);
	fclose(f);
	return value;
}

static long kills(const char *dir)
{
	char path[256];
	FILE *f;
	long value = -1;
	char line[128];

	snprintf(path, sizeof(path), "%s/memory.events", dir);
	f = fopen(path, "r");
	need(f);
	while (fgets(line, sizeof(line), f))
		if (!strncmp(line, "oom_kill ", 9))
			value = atol(line + 9);
	fclose(f);
	return value;
}

/*
 * Memory of processes that have ended and of freed maps goes with some delay;
 * as long as it becomes less there is hope.
 */
static long wait_current(const char *dir, long at_most)
{
	unsigned long end = load_ms() + 15000;
	long now = charged_to(dir), least = now;

	while (now > at_most && load_ms() < end) {
		load_sleep_ms(20);
		now = charged_to(dir);
		if (now < least) {
			least = now;
			end = load_ms() + 15000;
		}
	}
	return now;
}

/**
 * struct type - one that is none of the kinds
 * @unit: bytes that one more of max_entries takes, about
 * @later: and it does so when it is inserted
 */
struct type {
	const char *name;
	uint32_t type;
	uint32_t flags;
	uint32_t key_size;
	uint32_t value_size;
	uint32_t unit;
	bool later;
};

/* What runs in a group; the map's descriptor is there when it is forked. */
struct task {
	const struct kind *kind;
	const struct type *type;
	int inner;
	uint32_t max_entries;
	int fd;
	int result;
	unsigned int done;
};

static void create(struct task *t)
{
	t->fd = load_create(t->kind, VALUE_SIZE, t->max_entries);
	t->result = t->fd < 0 ? t->fd : 0;
}

/* Inserts keys until the map is full or something fails; keys are 20 bytes. */
static void insert(struct task *t)
{
	size_t bytes = user_value_size(t->kind, VALUE_SIZE);
	uint32_t *keys = calloc(BATCH, load_key_size(t->kind)), i, words, count;
	char *values = calloc(BATCH, bytes);

	if (!keys || !values)
		_exit(2);
	words = load_key_size(t->kind) / sizeof(*keys);
	for (t->done = 0; t->done < t->max_entries; t->done += count) {
		for (i = 0; i < BATCH; i++)
			keys[i * words] = t->done + i;
		count = BATCH;
		t->result = load_batch(BPFMAP_CMD_MAP_UPDATE_BATCH, t->fd, NULL, NULL,
				       keys, values, &count, 0);
		if (t->result) {
			t->done += count;
			break;
		}
	}
	free(keys);
	free(values);
}

/*
 * Runs @what as a process of group @dir. As the child shares this process's
 * table of descriptors, the map that it creates stays after it has ended, and
 * of the group's memory the map's alone.
 */
static bool run_in(const char *dir, void (*what)(struct task *t), struct task *t)
{
	struct task *shared = mmap(NULL, sizeof(*t), PROT_READ | PROT_WRITE,
				   MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	int status;
	pid_t pid;

	need(shared != MAP_FAILED);
	*shared = *t;
	fflush(NULL);
	pid = syscall(SYS_clone, CLONE_FILES | SIGCHLD, 0, 0, 0, 0);
	need(pid >= 0);
	if (!pid) {
		/*
		 * With all its pages in place the child takes none from the
		 * group: a new kernel gives back the pages of a vmalloc() that
		 * failed only later, and a page fault may not wait for them.
		 */
		if (mlockall(MCL_CURRENT) || write_file(dir, "cgroup.procs", "0"))
			_exit(1);
		what(shared);
		_exit(0);
	}
	need(waitpid(pid, &status, 0) == pid);
	*t = *shared;
	munmap(shared, sizeof(*t));
	if (!WIFEXITED(status) || WEXITSTATUS(status))
		printf("# child in %s: status %#x\n", dir, status);
	return WIFEXITED(status) && !WEXITSTATUS(status);
}

static void groups_begin(void)
{
	if (access(ROOT "/cgroup.controllers", R_OK))
		mount("cgroup2", ROOT, "cgroup2", 0, NULL);
	write_file(ROOT, "cgroup.subtree_control", "+memory");
	mkdir(OWNER, 0755);
	mkdir(OTHER, 0755);
}

static bool have_groups(void)
{
	if (access(OWNER "/memory.current", R_OK)) {
		skipped("no memory controller of cgroup v2");
		return false;
	}
	expect_eq(write_file(OWNER, "memory.max", "max"), 0);
	expect_eq(write_file(OTHER, "memory.max", "max"), 0);
	return true;
}

static void nothing(struct task *t)
{
	t->result = 0;
}

/* What a group has when it is empty, and nothing of former maps is on its way */
static long base_line(const char *dir)
{
	struct task t = { 0 };
	long before, now;

	expect(run_in(dir, nothing, &t));
	now = charged_to(dir);
	do {
		before = now;
		load_sleep_ms(300);
		now = charged_to(dir);
	} while (now < before);
	return now;
}

static struct task task_of(const struct kind *kind, long bytes)
{
	return (struct task) {
		.kind = kind,
		.max_entries = bytes / user_value_size(kind, VALUE_SIZE),
		.fd = -1,
	};
}

static void close_and_check(struct task *t, long before)
{
	long now;

	close(t->fd);
	now = wait_current(OWNER, before + SLACK);
	printf("# %s: %ld KiB left after close\n", t->kind->name,
	       (now - before) / 1024);
	expect(now <= before + SLACK);
}

/* The whole of a preallocated map is charged when it is created. */
static void test_charged(const struct kind *kind)
{
	struct task t = task_of(kind, 8 * MIB);
	long before, with;

	if (!have_groups())
		return;
	before = base_line(OWNER);
	expect(run_in(OWNER, create, &t));
	expect_eq(t.result, 0);
	if (kind->flags & BPFMAP_F_NO_PREALLOC) {
		load_sleep_ms(100);
		with = charged_to(OWNER) - before;
		expect(with < 4 * MIB);
		/* Now the elements, by somebody else */
		expect(run_in(OTHER, insert, &t));
		expect_eq(t.result, 0);
	}
	load_sleep_ms(200);
	with = charged_to(OWNER) - before;
	printf("# %s: %ld KiB charged for %lu KiB of values\n", kind->name,
	       with / 1024, t.max_entries * user_value_size(kind, VALUE_SIZE) / 1024);
	expect(with >= 7 * MIB);
	/* KASAN surrounds each element with a lot of its own. */
	expect(with <= 40 * MIB);
	close_and_check(&t, before);
}

/* Elements are charged to the map's owner, not to who inserts them. */
static void test_inserter(const struct kind *kind)
{
	struct task t = task_of(kind, 8 * MIB);
	long before, other;

	if (!have_groups())
		return;
	before = base_line(OWNER);
	other = base_line(OTHER);
	expect(run_in(OWNER, create, &t));
	expect_eq(t.result, 0);
	expect(run_in(OTHER, insert, &t));
	expect_eq(t.result, 0);
	expect_eq(t.done, t.max_entries);
	expect(wait_current(OTHER, other + SLACK) <= other + SLACK);
	expect(charged_to(OWNER) - before >= 7 * MIB);
	close_and_check(&t, before);
}

/* Deleted elements give their memory back after a grace period. */
static bool inserts_again(struct task *t)
{
	unsigned long end = load_ms() + 10000;

	do {
		load_sleep_ms(50);
		if (!run_in(OTHER, insert, t))
			return false;
	} while (!t->done && load_ms() < end);
	return t->done > 0;
}

/* What does not fit into the group is ENOMEM, and nobody is killed. */
static void test_limit(const struct kind *kind)
{
	bool later = kind->flags & BPFMAP_F_NO_PREALLOC;
	struct task t = task_of(kind, 32 * MIB);
	long before, killed;

	if (!have_groups())
		return;
	before = base_line(OWNER);
	killed = kills(OWNER);
	expect(killed >= 0);
	expect_eq(write_file(OWNER, "memory.max", "8M"), 0);
	expect(run_in(OWNER, create, &t));
	if (later) {
		expect_eq(t.result, 0);
		expect(run_in(OTHER, insert, &t));
		expect(t.done > 0 && t.done < t.max_entries);
	}
	expect_eq(t.result, -ENOMEM);
	expect_eq(kills(OWNER), killed);
	if (later) {
		/* What went in is in; what is deleted makes room again. */
		expect_eq(load_count(t.fd, kind, t.max_entries), t.done);
		expect_eq(load_empty(t.fd), t.done);
		expect(inserts_again(&t));
		expect_eq(kills(OWNER), killed);
	}
	close_and_check(&t, before);
	expect_eq(write_file(OWNER, "memory.max", "max"), 0);
}

static const struct type types[] = {
	{ "LPM_TRIE", BPFMAP_TYPE_LPM_TRIE, BPFMAP_F_NO_PREALLOC, 8, 200, 256, true },
	{ "RHASH", BPFMAP_TYPE_RHASH, BPFMAP_F_NO_PREALLOC, 8, 200, 256, true },
	{ "ARENA", BPFMAP_TYPE_ARENA, BPFMAP_F_MMAPABLE, 0, 0, 4096, true },
	{ "QUEUE", BPFMAP_TYPE_QUEUE, 0, 0, 256, 256, false },
	{ "STACK", BPFMAP_TYPE_STACK, 0, 0, 256, 256, false },
	{ "BLOOM_FILTER", BPFMAP_TYPE_BLOOM_FILTER, 0, 0, 8, 1, false },
	{ "RINGBUF", BPFMAP_TYPE_RINGBUF, 0, 0, 0, 1, false },
	{ "USER_RINGBUF", BPFMAP_TYPE_USER_RINGBUF, 0, 0, 0, 1, false },
	{ "ARRAY_OF_MAPS", BPFMAP_TYPE_ARRAY_OF_MAPS, 0, 4, 4, 8, false },
	{ "HASH_OF_MAPS", BPFMAP_TYPE_HASH_OF_MAPS, 0, 4, 4, 40, false },
};

static void create_type(struct task *t)
{
	union attr a = { .create = {
		.map_type = t->type->type,
		.map_flags = t->type->flags,
		.key_size = t->type->key_size,
		.value_size = t->type->value_size,
		.max_entries = t->max_entries,
		.inner_map_fd = t->inner,
	} };

	t->fd = sys_map(BPFMAP_CMD_MAP_CREATE, &a, sizeof(a));
	t->result = t->fd < 0 ? t->fd : 0;
}

static sigjmp_buf no_page;

static void on_segv(int sig)
{
	(void)sig;
	siglongjmp(no_page, 1);
}

/* An arena says that there is no page in the only way it has */
static void touch_pages(struct task *t)
{
	volatile char *at = mmap(NULL, t->max_entries * 4096UL,
				 PROT_READ | PROT_WRITE, MAP_SHARED, t->fd, 0);

	if (at == MAP_FAILED)
		_exit(2);
	signal(SIGSEGV, on_segv);
	t->result = 0;
	if (sigsetjmp(no_page, 1)) {
		t->result = -ENOMEM;
		return;
	}
	for (t->done = 0; t->done < t->max_entries; t->done++)
		at[t->done * 4096UL] = 1;
}

static void insert_type(struct task *t)
{
	uint32_t key[2] = { 32 };
	char value[256] = { 0 };

	if (t->type->type == BPFMAP_TYPE_ARENA) {
		touch_pages(t);
		return;
	}
	t->result = 0;
	for (t->done = 0; t->done < t->max_entries && !t->result; t->done++) {
		key[1] = t->done;
		t->result = map_update(t->fd, key, value, 0);
	}
}

/* All that @t's map takes is charged, by somebody else's doing if it is later */
static void type_charged(struct task *t, long before)
{
	long with;

	expect(run_in(OWNER, create_type, t));
	expect_eq(t->result, 0);
	if (t->type->later) {
		expect(charged_to(OWNER) - before < 4 * MIB);
		expect(run_in(OTHER, insert_type, t));
		expect_eq(t->result, 0);
	}
	load_sleep_ms(100);
	with = charged_to(OWNER) - before;
	printf("# %s: %ld KiB charged for %u KiB\n", t->type->name, with / 1024,
	       t->max_entries * t->type->unit / 1024);
	expect(with >= 7 * MIB);
	expect(with <= 40 * MIB);
	close(t->fd);
	with = wait_current(OWNER, before + SLACK);
	check(with <= before + SLACK, "%ld KiB left", (with - before) / 1024);
}

/* No more than the group may have, and nobody dies of it */
static void type_limited(struct task *t, long before)
{
	long killed = kills(OWNER), left;

	t->max_entries *= 4;
	expect_eq(write_file(OWNER, "memory.max", "8M"), 0);
	expect(run_in(OWNER, create_type, t));
	if (t->type->later) {
		expect_eq(t->result, 0);
		expect(run_in(OTHER, insert_type, t));
		expect(t->done > 0 && t->done < t->max_entries);
	}
	expect_eq(t->result, -ENOMEM);
	expect_eq(kills(OWNER), killed);
	if (t->fd >= 0)
		close(t->fd);
	left = wait_current(OWNER, before + SLACK);
	check(left <= before + SLACK, "%ld KiB left", (left - before) / 1024);
	expect_eq(write_file(OWNER, "memory.max", "max"), 0);
}

static void test_types(const struct kind *kind)
{
	unsigned int i;
	long before;

	(void)kind;
	if (!have_groups())
		return;
	for (i = 0; i < ARRAY_SIZE(types); i++) {
		struct task t = {
			.type = &types[i],
			.inner = map_new(&kinds[0], 4, 8, 4, 0),
			.max_entries = 8 * MIB / types[i].unit,
			.fd = -1,
		};

		row("-", "%s", types[i].name);
		need(t.inner >= 0);
		before = base_line(OWNER);
		type_charged(&t, before);
		t.fd = -1;
		type_limited(&t, before);
		close(t.inner);
	}
}

int main(void)
{
	static const struct test tests[] = {
		TEST(test_charged, K_ALL),
		TEST(test_limit, K_ALL),
		TEST(test_inserter, K_HASH_NP | K_PHASH_NP),
		TEST(test_types, 0),
	};
	int ret;

	groups_begin();
	ret = run_tests("memcg", tests, ARRAY_SIZE(tests));
	rmdir(OWNER);
	rmdir(OTHER);
	return ret;
}
