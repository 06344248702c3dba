// SPDX-License-Identifier: GPL-2.0-only
/*
 * group - see group.h
 */
#include <sched.h>
#include <setjmp.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include "group.h"

#define BATCH		256

void groups_begin(void)
{
	if (access(GROUP_ROOT "/cgroup.controllers", R_OK))
		mount("cgroup2", GROUP_ROOT, "cgroup2", 0, NULL);
	group_write(GROUP_ROOT, "cgroup.subtree_control", "+memory");
	mkdir(GROUP_OWNER, 0755);
	mkdir(GROUP_OTHER, 0755);
}

void groups_end(void)
{
	rmdir(GROUP_OWNER);
	rmdir(GROUP_OTHER);
}

int groups_run_tests(void)
{
	int ret;

	groups_begin();
	ret = run_tests();
	groups_end();
	return ret;
}

bool groups_there(void)
{
	if (access(GROUP_OWNER "/memory.current", R_OK)) {
		skipped("no memory controller of cgroup v2");
		return false;
	}
	expect_eq(group_write(GROUP_OWNER, "memory.max", "max"), 0);
	expect_eq(group_write(GROUP_OTHER, "memory.max", "max"), 0);
	return true;
}

int group_write(const char *dir, const char *name, const char *text)
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

long group_read(const char *dir, const char *name, const char *field)
{
	char path[256];

	snprintf(path, sizeof(path), "%s/%s", dir, name);
	return load_proc(path, field);
}

long group_current(const char *dir)
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

long group_kills(const char *dir)
{
	return group_read(dir, "memory.events", "oom_kill");
}

/* Memory of ended processes and of freed maps is uncharged with some delay */
long group_wait(const char *dir, long at_most)
{
	unsigned long end = load_ms() + 15000;
	long now = group_current(dir), least = now;

	while (now > at_most && load_ms() < end) {
		load_sleep_ms(20);
		now = group_current(dir);
		if (now < least) {
			least = now;
			end = load_ms() + 15000;
		}
	}
	return now;
}

static void nothing(void *arg)
{
	(void)arg;
}

long group_settled(const char *dir)
{
	char c = 0;

	/* With what a task leaves behind, as the next one will, too */
	expect(group_run(dir, nothing, &c, 1));
	return group_quiet(dir);
}

long group_quiet(const char *dir)
{
	long before, now = group_current(dir);

	do {
		before = now;
		load_sleep_ms(300);
		now = group_current(dir);
	} while (now < before);
	return now;
}

/* A child that shares the descriptors */
static pid_t fork_with_files(void)
{
#ifdef __s390x__	/* its arguments have another order */
	return syscall(SYS_clone, 0, CLONE_FILES | SIGCHLD, 0, 0, 0);
#else
	return syscall(SYS_clone, CLONE_FILES | SIGCHLD, 0, 0, 0, 0);
#endif
}

bool group_run(const char *dir, void (*what)(void *arg), void *arg, size_t size)
{
	void *shared = mmap(NULL, size, PROT_READ | PROT_WRITE,
			    MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	int status;
	pid_t pid;

	need(shared != MAP_FAILED);
	memcpy(shared, arg, size);
	fflush(NULL);
	pid = fork_with_files();
	need(pid >= 0);
	if (!pid) {
		/*
		 * With all its pages in place the child takes none from the
		 * group: a new kernel gives back the pages of a vmalloc() that
		 * failed only later, and a page fault may not wait for them.
		 */
		if (mlockall(MCL_CURRENT) ||
		    group_write(dir, "cgroup.procs", "0"))
			_exit(1);
		what(shared);
		_exit(0);
	}
	need(waitpid(pid, &status, 0) == pid);
	memcpy(arg, shared, size);
	munmap(shared, size);
	if (!WIFEXITED(status) || WEXITSTATUS(status))
		printf("# child in %s: status %#x\n", dir, status);
	return WIFEXITED(status) && !WEXITSTATUS(status);
}

/* ------------------------------------------------------------------------- */
/* Tasks */

bool task_run(const char *dir, void (*what)(void *arg), struct task *t)
{
	return group_run(dir, what, t, sizeof(*t));
}

/* Not from the list of map types: it does not know what an element takes */
const struct type group_types[] = {
	{ "LPM_TRIE", BPFMAP_TYPE_LPM_TRIE, BPFMAP_F_NO_PREALLOC, 8, 200, 256, true },
	{ "RHASH", BPFMAP_TYPE_RHASH, BPFMAP_F_NO_PREALLOC, 8, 200, 256, true },
#if HAS_ARENA
	{ "ARENA", BPFMAP_TYPE_ARENA, BPFMAP_F_MMAPABLE, 0, 0, 4096, true },
#endif
	{ "QUEUE", BPFMAP_TYPE_QUEUE, 0, 0, 256, 256, false },
	{ "STACK", BPFMAP_TYPE_STACK, 0, 0, 256, 256, false },
	{ "BLOOM_FILTER", BPFMAP_TYPE_BLOOM_FILTER, 0, 0, 8, 1, false },
	{ "RINGBUF", BPFMAP_TYPE_RINGBUF, 0, 0, 0, 1, false },
	{ "USER_RINGBUF", BPFMAP_TYPE_USER_RINGBUF, 0, 0, 0, 1, false },
	{ "ARRAY_OF_MAPS", BPFMAP_TYPE_ARRAY_OF_MAPS, 0, 4, 4, sizeof(void *),
	  false },
	{ "HASH_OF_MAPS", BPFMAP_TYPE_HASH_OF_MAPS, 0, 4, 4, 40, false },
};

const unsigned int n_group_types = ARRAY_SIZE(group_types);

void task_create(void *arg)
{
	struct task *t = arg;

	if (t->kind)
		t->fd = load_create(t->kind, GROUP_VALUE, t->max_entries);
	else
		t->fd = map_create(.map_type = t->type->type,
				   .map_flags = t->type->flags,
				   .key_size = t->type->key_size,
				   .value_size = t->type->value_size,
				   .max_entries = t->max_entries,
				   .inner_map_fd = t->inner);
	t->result = t->fd < 0 ? t->fd : 0;
}

/* Keys are 20 bytes */
static void insert_kind(struct task *t)
{
	size_t bytes = user_value_size(t->kind, GROUP_VALUE);
	uint32_t *keys = calloc(BATCH, load_key_size(t->kind)), i, words, count;
	char *values = calloc(BATCH, bytes);

	if (!keys || !values)
		_exit(2);
	words = load_key_size(t->kind) / sizeof(*keys);
	for (t->done = 0; t->done < t->max_entries; t->done += count) {
		for (i = 0; i < BATCH; i++)
			keys[i * words] = t->done + i;
		count = BATCH;
		t->result = load_batch(UB, t->fd, NULL, NULL,
				       keys, values, &count, 0);
		if (t->result) {
			t->done += count;
			break;
		}
	}
	free(keys);
	free(values);
}

static sigjmp_buf no_page;

static void on_segv(int sig)
{
	(void)sig;
	siglongjmp(no_page, 1);
}

/* SIGSEGV is an arena's only way to report that it gets no page */
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
	char value[GROUP_VALUE] = { 0 };

	t->result = 0;
	for (t->done = 0; t->done < t->max_entries && !t->result; t->done++) {
		key[1] = t->done;
		t->result = map_update(t->fd, key, value, 0);
	}
}

void task_insert(void *arg)
{
	struct task *t = arg;

	if (t->kind)
		insert_kind(t);
	else if (t->type->type == BPFMAP_TYPE_ARENA)
		touch_pages(t);
	else
		insert_type(t);
}
