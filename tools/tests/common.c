// SPDX-License-Identifier: GPL-2.0-only
/*
 * common - see common.h
 */
#include <grp.h>
#include <sched.h>
#include <stdarg.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/utsname.h>
#include <sys/wait.h>

#ifndef NO_CMOCKA
#include <setjmp.h>
#include <cmocka.h>
#endif

#include "common.h"

#define GUARD 64
#define MAX_CPUS 8192

/* Shared with children, so that their checks count too */
static struct counts {
	unsigned long checks;
	unsigned long failed;
	unsigned long skipped;
} *counts;

static char row_name[512];

size_t page;

static void die(const char *what)
{
	fprintf(stderr, "Bail out! %s: %s\n", what, strerror(errno));
	exit(99);
}

static void __attribute__((constructor)) begin(void)
{
	page = sysconf(_SC_PAGESIZE);
	counts = mmap(NULL, sizeof(*counts), PROT_READ | PROT_WRITE,
		      MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (counts == MAP_FAILED)
		die("mmap");
}

/* ------------------------------------------------------------------------- */
/* Backend */

enum backend backend(void)
{
	static int known = -1;
	const char *name;

	if (known >= 0)
		return known;
	name = getenv("BPFMAP_BACKEND");
	if (!name || !*name || !strcmp(name, "device"))
		known = BACKEND_DEVICE;
	else if (!strcmp(name, "map"))
		known = BACKEND_MAP;
	else if (!strcmp(name, "bpf"))
		known = BACKEND_BPF;
	else
		errno = EINVAL, die("BPFMAP_BACKEND");
	return known;
}

bool since(int major, int minor)
{
	static int have_major, have_minor;
	struct utsname u;

	if (backend() != BACKEND_BPF)
		return true;
	if (!have_major) {
		if (uname(&u) || sscanf(u.release, "%d.%d", &have_major,
					&have_minor) != 2)
			die("uname");
	}
	if (have_major > major || (have_major == major && have_minor >= minor))
		return true;
	counts->skipped++;
	return false;
}

static bool since_number(int version)
{
	return since(version / 100, version % 100);
}

int device_fd(void)
{
	static int fd = -1;

	if (fd < 0 && backend() != BACKEND_BPF) {
		fd = open("/dev/bpfmap", O_RDWR | O_CLOEXEC);
		if (fd < 0)
			die("/dev/bpfmap");
	}
	return fd;
}

int fd_offset(int cmd)
{
	const struct command_row *row = command_row(cmd);

	return row ? row->fd_at : 0;
}

int ioctl_map(int fd, int cmd, void *attr, unsigned int size)
{
	int ret = ioctl(fd, BPFMAP_IOC(cmd, size), attr);

	return ret < 0 ? -errno : ret;
}

/* The fast way: the descriptor in attr takes the command, attr says 0 */
static int fast_map(int cmd, uint8_t *attr, unsigned int size)
{
	int at = fd_offset(cmd), fd = 0, zero = 0, ret;

	if (at < 0 || size < at + sizeof(fd))
		return ioctl_map(device_fd(), cmd, attr, size);
	memcpy(&fd, attr + at, sizeof(fd));
	memcpy(attr + at, &zero, sizeof(fd));
	ret = ioctl_map(fd, cmd, attr, size);
	memcpy(attr + at, &fd, sizeof(fd));
	return ret;
}

int sys_map(int cmd, void *attr, unsigned int size)
{
	int ret;

	switch (backend()) {
	case BACKEND_BPF:
		ret = syscall(SYS_bpf, cmd, attr, size);
		return ret < 0 ? -errno : ret;
	case BACKEND_MAP:
		return fast_map(cmd, attr, size);
	default:
		return ioctl_map(device_fd(), cmd, attr, size);
	}
}

/* ------------------------------------------------------------------------- */
/*
 * Kinds. Not from the list of map types, of which contract_types tests each row:
 * what is promised of a kind is said here once more, as an oracle must.
 */

#define K(type, flags, class) { #type, BPFMAP_TYPE_##type, flags, class, 0 }
#define NO_PREALLOC(type, class) { #type "/no_prealloc", BPFMAP_TYPE_##type, \
				   BPFMAP_F_NO_PREALLOC, class, 0 }

const struct kind kinds[N_KINDS] = {
	K(HASH, 0, C_HASH),
	NO_PREALLOC(HASH, C_HASH),
	K(PERCPU_HASH, 0, C_PCPU_HASH),
	NO_PREALLOC(PERCPU_HASH, C_PCPU_HASH),
	K(ARRAY, 0, C_ARRAY),
	{ "ARRAY/mmapable", BPFMAP_TYPE_ARRAY, BPFMAP_F_MMAPABLE, C_ARRAY, 0 },
	K(PERCPU_ARRAY, 0, C_PCPU_ARRAY),
	K(LRU_HASH, 0, C_HASH),
	K(LRU_PERCPU_HASH, 0, C_PCPU_HASH),
	K(LPM_TRIE, BPFMAP_F_NO_PREALLOC, C_HASH),
	{ "RHASH", BPFMAP_TYPE_RHASH, BPFMAP_F_NO_PREALLOC, C_HASH, 703 },
	K(QUEUE, 0, C_NONE),
	K(STACK, 0, C_NONE),
	K(BLOOM_FILTER, 0, C_NONE),
	K(RINGBUF, 0, C_NONE),
	K(USER_RINGBUF, 0, C_NONE),
	K(ARRAY_OF_MAPS, 0, C_ARRAY),
	K(HASH_OF_MAPS, 0, C_HASH),
	NO_PREALLOC(HASH_OF_MAPS, C_HASH),
};

static unsigned int cpus[MAX_CPUS], cpus_known;

/* /sys/devices/system/cpu/possible is a list of ranges: 0-3,8,10-11 */
static void read_cpus(void)
{
	unsigned int from, to;
	FILE *f;

	f = fopen("/sys/devices/system/cpu/possible", "re");
	if (!f)
		die("possible CPUs");
	while (fscanf(f, "%u", &from) == 1) {
		if (fscanf(f, "-%u", &to) != 1)
			to = from;
		while (from <= to && cpus_known < MAX_CPUS)
			cpus[cpus_known++] = from++;
		if (fgetc(f) != ',')
			break;
	}
	fclose(f);
	if (!cpus_known)
		errno = EINVAL, die("possible CPUs");
}

unsigned int n_cpus(void)
{
	if (!cpus_known)
		read_cpus();
	return cpus_known;
}

unsigned int cpu_nr(unsigned int i)
{
	return i < n_cpus() ? cpus[i] : UINT32_MAX;
}

bool run_on(unsigned int cpu)
{
	cpu_set_t set;

	CPU_ZERO(&set);
	CPU_SET(cpu, &set);
	return !sched_setaffinity(0, sizeof(set), &set);
}

void run_anywhere(void)
{
	cpu_set_t set;
	unsigned int i;

	CPU_ZERO(&set);
	for (i = 0; i < n_cpus(); i++)
		CPU_SET(cpu_nr(i), &set);
	sched_setaffinity(0, sizeof(set), &set);
}

size_t user_value_size(const struct kind *k, uint32_t value_size)
{
	return is_percpu(k) ? ROUND_UP((size_t)value_size, 8) * n_cpus() :
			      value_size;
}

/* ------------------------------------------------------------------------- */
/* Commands */

int map_create_attr(const struct bpfmap_create_attr *create)
{
	union attr a = { .create = *create };

	return sys_map(BPFMAP_CMD_MAP_CREATE, &a, sizeof(a));
}

int map_new(const struct kind *k, uint32_t key_size, uint32_t value_size,
	    uint32_t max_entries, uint32_t more_flags)
{
	return map_create(.map_type = k->type, .key_size = key_size,
			  .value_size = value_size, .max_entries = max_entries,
			  .map_flags = k->flags | more_flags);
}

int map_elem(int cmd, int fd, const void *key, const void *value,
	     uint64_t flags)
{
	union attr a = { .elem = {
		.map_fd = fd,
		.key = PTR(key),
		.value = PTR(value),
		.flags = flags,
	} };

	return sys_map(cmd, &a, sizeof(a));
}

int map_lookup(int fd, const void *key, void *value, uint64_t flags)
{
	return map_elem(BPFMAP_CMD_MAP_LOOKUP_ELEM, fd, key, value, flags);
}

int map_update(int fd, const void *key, const void *value, uint64_t flags)
{
	return map_elem(BPFMAP_CMD_MAP_UPDATE_ELEM, fd, key, value, flags);
}

int map_delete(int fd, const void *key)
{
	return map_elem(BPFMAP_CMD_MAP_DELETE_ELEM, fd, key, NULL, 0);
}

int map_next_key(int fd, const void *key, void *next_key)
{
	return map_elem(BPFMAP_CMD_MAP_GET_NEXT_KEY, fd, key, next_key, 0);
}

int map_freeze(int fd)
{
	union attr a = { .freeze.map_fd = fd };

	return sys_map(BPFMAP_CMD_MAP_FREEZE, &a, sizeof(a));
}

int map_info(int fd, struct bpfmap_info *info)
{
	union attr a = { .info = {
		.bpf_fd = fd,
		.info_len = sizeof(*info),
		.info = PTR(info),
	} };

	memset(info, 0, sizeof(*info));
	return sys_map(BPFMAP_CMD_OBJ_GET_INFO_BY_FD, &a, sizeof(a));
}

int map_get_fd_by_id(uint32_t id, uint32_t open_flags)
{
	union attr a = { .id = { .map_id = id, .open_flags = open_flags } };

	return sys_map(BPFMAP_CMD_MAP_GET_FD_BY_ID, &a, sizeof(a));
}

uint32_t map_id(int fd)
{
	struct bpfmap_info info;

	return map_info(fd, &info) ? 0 : info.id;
}

int closed_fd(void)
{
	return 250;
}

int other_fd(void)
{
	static int fd = -1;

	if (fd < 0) {
		fd = open("/dev/null", O_RDWR | O_CLOEXEC);
		if (fd < 0)
			die("/dev/null");
	}
	return fd;
}

/* ------------------------------------------------------------------------- */
/* Buffers */

/* In front of a buffer's first guard */
struct buf_head {
	struct buf_head *next, **link;
};

static struct buf_head *bufs;

struct buf buf_new(size_t n)
{
	struct buf_head *head = malloc(sizeof(*head) + n + 2 * GUARD);
	struct buf b = { .n = n };

	if (!head)
		die("malloc");
	head->next = bufs;
	head->link = &bufs;
	if (bufs)
		bufs->link = &head->next;
	bufs = head;
	b.p = (uint8_t *)(head + 1) + GUARD;
	buf_fill(&b);
	return b;
}

void buf_fill(struct buf *b)
{
	memset(b->p - GUARD, FILL, b->n + 2 * GUARD);
}

static void buf_drop(struct buf_head *head)
{
	*head->link = head->next;
	if (head->next)
		head->next->link = head->link;
	free(head);
}

void buf_free(struct buf *b)
{
	if (b->p)
		buf_drop((struct buf_head *)(b->p - GUARD) - 1);
	b->p = NULL;
}

/* The page after it is reserved, so that nothing else gets mapped there */
void *edge_new(size_t n)
{
	size_t len = ROUND_UP(n, page);
	uint8_t *p;

	p = mmap(NULL, len + page, PROT_READ | PROT_WRITE,
		 MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (p == MAP_FAILED)
		die("mmap");
	memset(p, FILL, len);
	if (mprotect(p + len, page, PROT_NONE))
		die("mprotect");
	return p + len - n;
}

void edge_free(void *p, size_t n)
{
	size_t len = ROUND_UP(n, page);

	munmap((uint8_t *)p + n - len, len + page);
}

void *bad_ptr(void)
{
	static void *p;

	if (!p)
		p = edge_new(0);
	return p;
}

void pattern(void *p, size_t n, unsigned int seed)
{
	uint8_t *b = p;
	size_t i;

	for (i = 0; i < n; i++)
		b[i] = 1 + (seed * 31 + i * 7 + (i >> 8)) % 251;
}

/* ------------------------------------------------------------------------- */
/* Checks */

void row(const char *rule, const char *fmt, ...)
{
	int n = snprintf(row_name, sizeof(row_name), "[%s] ", rule);
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(row_name + n, sizeof(row_name) - n, fmt, ap);
	va_end(ap);
}

static const char *outcome(long v)
{
	static char texts[4][48];
	static unsigned int turn;
	char *s = texts[turn++ % 4];
	const char *name = strerrorname_np(-v);

	if (v == GOT_FD)
		return "a descriptor";
	if (v == TOO_BIG)
		return "E2BIG or ENOMEM";
	if (v == NO_BTF)
		return "ENOTSUPP (524), or EINVAL of bpf(2)";
	if (v >= 0)
		snprintf(s, sizeof(texts[0]), "%ld", v);
	else if (v == -ENOTSUPP)
		return "ENOTSUPP (524)";
	else if (name)
		snprintf(s, sizeof(texts[0]), "%s (%ld)", name, -v);
	else
		snprintf(s, sizeof(texts[0]), "errno %ld", -v);
	return s;
}

static void report(const char *fmt, va_list ap, const char *more)
{
	counts->failed++;
	printf("# FAIL %s: ", row_name);
	vprintf(fmt, ap);
	printf("%s\n", more);
	fflush(stdout);
}

#define CHECK(ok, ...) do {					\
	char more_[256] = "";					\
	va_list ap_;						\
								\
	counts->checks++;					\
	if (!(ok)) {						\
		snprintf(more_, sizeof(more_), __VA_ARGS__);	\
		va_start(ap_, fmt);				\
		report(fmt, ap_, more_);			\
		va_end(ap_);					\
	}							\
} while (0)

bool check(bool ok, const char *fmt, ...)
{
	CHECK(ok, "%s", "");
	return ok;
}

bool check_ret(long got, long want, const char *fmt, ...)
{
	bool ok = want == GOT_FD ? got >= 0 :
		  want == TOO_BIG ? got == -E2BIG || got == -ENOMEM :
		  want == NO_BTF ? got == -ENOTSUPP ||
			(got == -EINVAL && backend() == BACKEND_BPF) :
		  got == want;

	CHECK(ok, ": expected %s, got %s", outcome(want), outcome(got));
	return ok;
}

bool check_num(uint64_t got, uint64_t want, const char *fmt, ...)
{
	CHECK(got == want, ": expected %llu, got %llu",
	      (unsigned long long)want, (unsigned long long)got);
	return got == want;
}

static size_t first_difference(const uint8_t *a, const uint8_t *b, size_t n)
{
	size_t i;

	for (i = 0; i < n && a[i] == b[i]; i++)
		;
	return i;
}

bool check_mem(const void *got, const void *want, size_t n, const char *fmt, ...)
{
	const uint8_t *g = got, *w = want;
	size_t i = first_difference(g, w, n);

	CHECK(i == n, ": byte %zu of %zu: expected %#x, got %#x", i, n,
	      i < n ? w[i] : 0, i < n ? g[i] : 0);
	return i == n;
}

bool check_buf(const struct buf *b, const void *want, size_t n, const char *what)
{
	size_t i, len = b->n + GUARD;
	bool ok = true;

	if (n)
		ok = check_mem(b->p, want, n, "%s", what);
	for (i = n; i < len && b->p[i] == FILL; i++)
		;
	ok &= check(i == len, "%s: wrote byte %zu of %zu", what, i, n);
	for (i = 1; i <= GUARD && b->p[-(ssize_t)i] == FILL; i++)
		;
	ok &= check(i > GUARD, "%s: wrote byte -%zu", what, i);
	return ok;
}

bool check_untouched(const struct buf *b, const char *what)
{
	return check_buf(b, NULL, 0, what);
}

void in_child(void (*fn)(void *arg), void *arg)
{
	int status = -1;
	pid_t pid;

	fflush(stdout);
	pid = fork();
	if (pid < 0)
		die("fork");
	if (!pid) {
		fn(arg);
		fflush(stdout);
		_exit(0);
	}
	if (waitpid(pid, &status, 0) != pid)
		die("waitpid");
	check(!status, "child's wait status is %#x", status);
}

struct job {
	void (*fn)(void *arg);
	void *arg;
};

static void drop_then_run(void *arg)
{
	struct job *job = arg;

	if (setgroups(0, NULL) || setresgid(65534, 65534, 65534) ||
	    setresuid(65534, 65534, 65534))
		die("becoming uid 65534");
	job->fn(job->arg);
}

void as_nobody(void (*fn)(void *arg), void *arg)
{
	struct job job = { fn, arg };

	in_child(drop_then_run, &job);
}

/* ------------------------------------------------------------------------- */
/* Runner */

#define KEPT_FDS 600

static struct test *tests;
static unsigned int first_fd;	/* that a test may have opened */

void test_add(struct test *t)
{
	struct test **at = &tests;

	while (*at && (*at)->line <= t->line)
		at = &(*at)->next;
	t->next = *at;
	*at = t;
}

int keep_fd(int fd)
{
	int kept = fcntl(fd, F_DUPFD_CLOEXEC, KEPT_FDS);

	if (kept < 0)
		die("a descriptor to keep");
	close(fd);
	return kept;
}

/* One test with one kind, as the runners want it: a name and one pointer */
struct run {
	char name[96];
	const struct test *test;
	const struct kind *kind;
};

static void run_one(struct run *run)
{
	row("-", "%s", run->name);
	run->test->fn(run->kind);
	while (bufs)
		buf_drop(bufs);
	close_range(first_fd, KEPT_FDS - 1, 0);
}

/* The runs of all tests, to be freed by the caller; their number is in @n */
static struct run *all_runs(size_t *n)
{
	struct run *runs = NULL, *r;
	const struct test *t;
	unsigned int i;

	*n = 0;
	for (t = tests; t; t = t->next) {
		for (i = 0; i < (t->kinds ? N_KINDS : 1); i++) {
			if (t->kinds && (!(t->kinds & 1U << i) ||
					 !since_number(kinds[i].since)))
				continue;
			runs = realloc(runs, (*n + 1) * sizeof(*runs));
			if (!runs)
				die("memory");
			r = &runs[(*n)++];
			r->test = t;
			r->kind = t->kinds ? &kinds[i] : NULL;
			snprintf(r->name, sizeof(r->name),
				 t->kinds ? "%s(%s)" : "%s", t->name,
				 kinds[i].name);
		}
	}
	return runs;
}

#ifndef NO_CMOCKA
static void cmocka_one(void **state)
{
	unsigned long failed = counts->failed;

	run_one(*state);
	if (counts->failed != failed)
		fail_msg("%lu checks failed", counts->failed - failed);
}

static int run_all(const char *name, struct run *runs, size_t n)
{
	struct CMUnitTest *units = calloc(n, sizeof(*units));
	size_t i;
	int ret;

	if (!units)
		die("calloc");
	for (i = 0; i < n; i++) {
		units[i].name = runs[i].name;
		units[i].test_func = cmocka_one;
		units[i].initial_state = &runs[i];
	}
	cmocka_set_message_output(CM_OUTPUT_TAP);
	ret = _cmocka_run_group_tests(name, units, n, NULL, NULL);
	free(units);
	return ret;
}
#else
static int run_all(const char *name, struct run *runs, size_t n)
{
	int bad = 0;
	size_t i;

	printf("# %s\n1..%zu\n", name, n);
	for (i = 0; i < n; i++) {
		unsigned long failed = counts->failed;

		run_one(&runs[i]);
		bad += counts->failed != failed;
		printf("%sok %zu - %s\n", counts->failed != failed ? "not " : "",
		       i + 1, runs[i].name);
		fflush(stdout);
	}
	return bad;
}
#endif

/* Where map_fd 0 means descriptor 0, it must be open and no map */
static void take_stdin(void)
{
	int fd = open("/dev/null", O_RDWR);

	if (fd < 0 || dup2(fd, 0) != 0)
		die("/dev/null");
	if (fd)
		close(fd);
}

int skip_all(const char *why)
{
	printf("1..1\nok 1 - %s # SKIP %s\n", program_invocation_short_name,
	       why);
	return 0;
}

int run_tests(void)
{
	struct run *runs;
	size_t n;
	int failed, fd;

	take_stdin();
	close(closed_fd());
	device_fd();
	other_fd();
	for (fd = 0; fd < KEPT_FDS; fd++)
		if (fcntl(fd, F_GETFD) >= 0)
			first_fd = fd + 1;
	runs = all_runs(&n);
	failed = run_all(program_invocation_short_name, runs, n);
	printf("# %lu assertions\n", counts->checks);
	if (counts->failed)
		printf("# %lu of them failed\n", counts->failed);
	if (counts->skipped)
		printf("# %lu rows skipped: newer than this bpf(2)\n",
		       counts->skipped);
	free(runs);
	return failed || counts->failed ? 1 : 0;
}
