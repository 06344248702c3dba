// SPDX-License-Identifier: GPL-2.0-only
/*
 * Self-checking values, and functions that the tests of load and lifecycle
 * share
 */
#include <signal.h>
#include <stdarg.h>
#include <time.h>
#include <sys/mman.h>
#include <sys/wait.h>

#include "load.h"

pid_t load_fork(void)
{
	pid_t pid;

	fflush(NULL);
	pid = fork();
	need(pid >= 0);
	return pid;
}

void load_child_succeeds(pid_t pid)
{
	int status = -1;

	expect_eq(waitpid(pid, &status, 0), pid);
	expect(WIFEXITED(status));
	expect_eq(WEXITSTATUS(status), 0);
}

pid_t load_fork_ready(void (*fn)(void *arg, int ready), void *arg)
{
	int ready[2];
	pid_t pid;
	char c;

	need(pipe2(ready, O_CLOEXEC) == 0);
	pid = load_fork();
	if (!pid) {
		fn(arg, ready[1]);
		_exit(1);
	}
	close(ready[1]);
	expect_eq(read(ready[0], &c, 1), 1);
	close(ready[0]);
	return pid;
}

void *load_shared(size_t size)
{
	void *p = mmap(NULL, size, PROT_READ | PROT_WRITE,
		       MAP_SHARED | MAP_ANONYMOUS, -1, 0);

	need(p != MAP_FAILED);
	return p;
}

void load_kill(pid_t pid)
{
	int status;

	expect_eq(kill(pid, SIGKILL), 0);
	expect_eq(waitpid(pid, &status, 0), pid);
	expect(WIFSIGNALED(status));
}

void skipped(const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	printf("# SKIP: ");
	vprintf(fmt, args);
	putchar('\n');
	va_end(args);
}

/*
 * The first word of a value is its tag, with 16 check bits; the word at offset
 * 8 * i is the first word times 2 * i + 1. As multiplying by an odd number loses
 * nothing, no word of one value fits into another one.
 */
static uint64_t tag_word(const struct load_tag *tag)
{
	uint64_t word = (uint64_t)tag->writer << 42 | (uint64_t)tag->cpu << 38 |
			(uint64_t)tag->key << 26 | tag->seq;

	return word << 16 | (word * 0x9e3779b97f4a7c15ULL) >> 48;
}

static uint64_t body_word(uint64_t first, size_t i)
{
	return first * (2 * i + 1);
}

void load_fill(void *value, size_t size, const struct load_tag *tag)
{
	uint64_t first = tag_word(tag), word;
	size_t pos, len;

	for (pos = 0; pos < size; pos += len) {
		word = body_word(first, pos / 8);
		len = size - pos < 8 ? size - pos : 8;
		memcpy((char *)value + pos, &word, len);
	}
}

bool load_check(const void *value, size_t size, struct load_tag *tag)
{
	uint64_t first, word;
	size_t pos, len;

	memcpy(&first, value, sizeof(first));
	word = first >> 16;
	tag->seq = word & (LOAD_SEQ_END - 1);
	tag->key = word >> 26 & 0xfff;
	tag->cpu = word >> 38 & 0xf;
	tag->writer = word >> 42;
	if (!tag->writer || tag_word(tag) != first)
		return false;
	for (pos = 8; pos < size; pos += len) {
		word = body_word(first, pos / 8);
		len = size - pos < 8 ? size - pos : 8;
		if (memcmp((const char *)value + pos, &word, len))
			return false;
	}
	return true;
}

void load_key(const struct kind *kind, unsigned int id, void *key)
{
	uint32_t *word = key;
	unsigned int i;

	for (i = 0; i < load_key_size(kind) / 4; i++)
		word[i] = i ? (id + 1) * (0x9e3779b1U + 2 * i) : id;
}

int load_key_id(const struct kind *kind, const void *key)
{
	char good[LOAD_KEY_MAX];
	uint32_t id;

	memcpy(&id, key, sizeof(id));
	load_key(kind, id, good);
	return id > 0xfff || memcmp(good, key, load_key_size(kind)) ? -1 : (int)id;
}

unsigned int load_slots(const struct kind *kind)
{
	return is_percpu(kind) ? n_cpus() : 1;
}

size_t load_stride(const struct kind *kind, size_t value_size)
{
	return is_percpu(kind) ? (value_size + 7) / 8 * 8 : value_size;
}

void load_fill_all(const struct kind *kind, void *value, size_t value_size,
		   struct load_tag tag)
{
	size_t stride = load_stride(kind, value_size);
	unsigned int slots = load_slots(kind), slot;

	memset(value, 0, stride * slots);
	for (slot = 0; slot < slots; slot++) {
		tag.cpu = LOAD_SLOT_CPU(slot);
		load_fill((char *)value + slot * stride, value_size, &tag);
	}
}

int load_create(const struct kind *kind, uint32_t value_size, uint32_t max_entries)
{
	return map_new(kind, load_key_size(kind), value_size, max_entries, 0);
}

int load_batch(int cmd, int fd, void *in, void *out, void *keys, void *values,
	       uint32_t *count, uint64_t elem_flags)
{
	union attr a = { .batch = {
		.in_batch = PTR(in),
		.out_batch = PTR(out),
		.keys = PTR(keys),
		.values = PTR(values),
		.count = *count,
		.map_fd = fd,
		.elem_flags = elem_flags,
	} };
	int ret = sys_map(cmd, &a, sizeof(a.batch));

	*count = a.batch.count;
	return ret;
}

long load_count(int fd, const struct kind *kind, unsigned long limit)
{
	char key[LOAD_KEY_MAX], next[LOAD_KEY_MAX];
	void *from = NULL;
	long count = 0;
	int ret;

	while (!(ret = map_next_key(fd, from, next))) {
		count++;
		if ((unsigned long)count > limit)
			return -ELOOP;
		memcpy(key, next, load_key_size(kind));
		from = key;
	}
	return ret == -ENOENT ? count : ret;
}

/* The next key is asked for first: after the deletion the walk would start anew. */
long load_empty(int fd)
{
	char key[LOAD_KEY_MAX], next[LOAD_KEY_MAX];
	int ret = map_next_key(fd, NULL, key), deleted;
	long count = 0;

	while (!ret) {
		ret = map_next_key(fd, key, next);
		deleted = map_delete(fd, key);
		if (deleted)
			return deleted;
		memcpy(key, next, sizeof(key));
		count++;
	}
	return ret == -ENOENT ? count : ret;
}

unsigned long load_env(const char *name, unsigned long fallback)
{
	const char *text = getenv(name);

	return text && *text ? strtoul(text, NULL, 0) : fallback;
}

long load_proc(const char *path, const char *field)
{
	size_t len = strlen(field);
	char line[256];
	long value = -1;
	FILE *f = fopen(path, "r");

	if (!f)
		return -1;
	while (value < 0 && fgets(line, sizeof(line), f))
		if (!strncmp(line, field, len) && strchr(": ", line[len]))
			value = strtol(line + len + 1, NULL, 10);
	fclose(f);
	return value;
}

long load_fdinfo(int fd, const char *field)
{
	char path[64];

	snprintf(path, sizeof(path), "/proc/self/fdinfo/%d", fd);
	return load_proc(path, field);
}

long load_cached_pages(void)
{
	FILE *f = fopen("/proc/zoneinfo", "r");
	long count, sum = 0;
	char line[256];

	while (f && fgets(line, sizeof(line), f))
		if (sscanf(line, " count: %ld", &count) == 1)
			sum += count;
	if (f)
		fclose(f);
	return sum;
}

bool load_kasan(void)
{
	FILE *f = fopen("/proc/kallsyms", "r");
	bool found = false;
	char line[512];

	while (f && !found && fgets(line, sizeof(line), f))
		found = !!strstr(line, " kasan_quarantine_put");
	if (f)
		fclose(f);
	return found;
}

long load_refcnt(void)
{
	FILE *f = fopen("/sys/module/bpfmap/refcnt", "r");
	long count = -1;

	if (!f)
		return -1;
	if (fscanf(f, "%ld", &count) != 1)
		count = -1;
	fclose(f);
	return count;
}

long load_ids(uint32_t *last)
{
	struct bpfmap_id_attr attr = { 0 };
	long count = 0;
	int ret;

	while (!(ret = sys_map(BPFMAP_CMD_MAP_GET_NEXT_ID, &attr, 12))) {
		attr.start_id = attr.next_id;
		count++;
	}
	if (last)
		*last = attr.start_id;
	return ret == -ENOENT ? count : ret;
}

bool load_id_gone(uint32_t id)
{
	unsigned long end = load_ms() + LOAD_PATIENCE;
	int fd;

	while (load_ms() < end) {
		fd = map_get_fd_by_id(id, 0);
		if (fd == -ENOENT)
			return true;
		if (fd >= 0)
			close(fd);
		load_sleep_ms(5);
	}
	return false;
}

unsigned long load_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec * 1000UL + now.tv_nsec / 1000000;
}

void load_sleep_ms(unsigned int ms)
{
	struct timespec span = { ms / 1000, ms % 1000 * 1000000L };

	nanosleep(&span, NULL);
}
