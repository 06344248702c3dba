/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * common - shared by the test programs: the way to the device, guarded buffers,
 * counted checks that name the row of a table, and the runner
 *
 * Environment: BPFMAP_BACKEND=device (default) sends commands to /dev/bpfmap,
 * =map sends those that have a map to the map's own descriptor, =bpf sends them
 * to bpf(2), to check the tests themselves.
 */
#ifndef BPFMAP_TESTS_COMMON_H
#define BPFMAP_TESTS_COMMON_H

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <linux/bpfmap.h>

#include "commands.h"

#ifndef ENOTSUPP
#define ENOTSUPP 524	/* the kernel's own, in no user-space header */
#endif

#define ARRAY_SIZE(a) (sizeof(a) / sizeof((a)[0]))
#define offsetofend(type, member) \
	(offsetof(type, member) + sizeof(((type *)0)->member))
#define PTR(p) ((uint64_t)(uintptr_t)(p))
#define ROUND_UP(x, to) (((x) + (to) - 1) / (to) * (to))

#define IS_BIG_ENDIAN (__BYTE_ORDER__ == __ORDER_BIG_ENDIAN__)

/* The lowest @size bytes of a number, in the machine's order */
static inline void put_number(void *to, uint64_t number, size_t size)
{
	memcpy(to, (uint8_t *)&number + (IS_BIG_ENDIAN ? 8 - size : 0), size);
}

/** KMALLOC_MAX - KMALLOC_MAX_SIZE of the kernels that are tested */
#define KMALLOC_MAX	(4U << 20)

/** HASH_OVER - key and value of a hash together: the smallest that is too much */
#define HASH_OVER	(KMALLOC_MAX - 6 * (uint32_t)sizeof(long))

/* As in bpf(2), a kernel with 32 bits has no arenas */
#if __SIZEOF_LONG__ == 8
#define HAS_ARENA 1
#else
#define HAS_ARENA 0
#endif

/** FAR_PAGE, FARTHER_PAGE - offsets of mmap() that no map has, but any file may */
#define FAR_PAGE	(sizeof(long) == 8 ? 1ULL << 32 : 1ULL << 16)
#define FARTHER_PAGE	(sizeof(long) == 8 ? 1ULL << 50 : 1ULL << 19)

/** NO_WANT - in a result column: this row does not concern that type */
#define NO_WANT INT32_MIN

/** GOT_FD - as expected result: any descriptor */
#define GOT_FD 1000000

/** TOO_BIG - as expected result: E2BIG or ENOMEM, nothing else */
#define TOO_BIG 1000001

/** NO_BTF - as expected result: 524, or EINVAL of bpf(2), which looks at the file */
#define NO_BTF 1000002

enum backend { BACKEND_DEVICE, BACKEND_MAP, BACKEND_BPF };

enum backend backend(void);

/* Does the backend behave as this version of bpf(2)? The device always does */
bool since(int major, int minor);

/* The one descriptor of /dev/bpfmap that the program uses; -1 with bpf(2) */
int device_fd(void);

/* bpf(2) in the way BPFMAP_BACKEND asks for: result or -errno */
int sys_map(int cmd, void *attr, unsigned int size);

/* Always BPFMAP_IOC(@cmd, @size) on @fd: result or -errno */
int ioctl_map(int fd, int cmd, void *attr, unsigned int size);

/* Commands, as tables of cases name them */
enum {
	LOOKUP = BPFMAP_CMD_MAP_LOOKUP_ELEM,
	UPDATE = BPFMAP_CMD_MAP_UPDATE_ELEM,
	DELETE = BPFMAP_CMD_MAP_DELETE_ELEM,
	NEXT = BPFMAP_CMD_MAP_GET_NEXT_KEY,
	LAD = BPFMAP_CMD_MAP_LOOKUP_AND_DELETE_ELEM,
	LB = BPFMAP_CMD_MAP_LOOKUP_BATCH,
	LADB = BPFMAP_CMD_MAP_LOOKUP_AND_DELETE_BATCH,
	UB = BPFMAP_CMD_MAP_UPDATE_BATCH,
	DB = BPFMAP_CMD_MAP_DELETE_BATCH,
	LM = BPFMAP_CMD_MAP_LOOKUP_MANY,
	LADM = BPFMAP_CMD_MAP_LOOKUP_AND_DELETE_MANY,
	UM = BPFMAP_CMD_MAP_UPDATE_MANY,
	DM = BPFMAP_CMD_MAP_DELETE_MANY,
};

/* Offset of the map's descriptor in the attr of @cmd, -1: it has none */
int fd_offset(int cmd);

/* ------------------------------------------------------------------------- */
/* Kinds of map, which the parameterised tests run over */

enum map_class {
	C_HASH, C_PCPU_HASH, C_ARRAY, C_PCPU_ARRAY, N_CLASSES,
	C_NONE	/* no keys */
};

struct kind {
	const char *name;
	uint32_t type;
	uint32_t flags;
	enum map_class class;
	int since;	/* bpf(2) has it from this version on: 703 is 7.3 */
};

#define K_HASH		(1U << 0)
#define K_HASH_NP	(1U << 1)
#define K_PHASH		(1U << 2)
#define K_PHASH_NP	(1U << 3)
#define K_ARRAY		(1U << 4)
#define K_ARRAY_MM	(1U << 5)
#define K_PARRAY	(1U << 6)
#define K_LRU		(1U << 7)
#define K_PLRU		(1U << 8)
#define K_LRUS		(K_LRU | K_PLRU)
/* Those that report when they are full, and all */
#define K_FULL_HASHES	(K_HASH | K_HASH_NP | K_PHASH | K_PHASH_NP)
#define K_HASHES	(K_FULL_HASHES | K_LRUS)
#define K_ARRAYS	(K_ARRAY | K_ARRAY_MM | K_PARRAY)
#define K_PCPU		(K_PHASH | K_PHASH_NP | K_PARRAY | K_PLRU)
#define K_ALL		(K_HASHES | K_ARRAYS)
/* Kinds with tests of their own only */
#define K_LPM		(1U << 9)
#define K_RHASH		(1U << 10)
#define K_QUEUE		(1U << 11)
#define K_STACK		(1U << 12)
#define K_BLOOM		(1U << 13)
#define K_RINGBUF	(1U << 14)
#define K_USER_RINGBUF	(1U << 15)
#define K_AOM		(1U << 16)
#define K_HOM		(1U << 17)
#define K_HOM_NP	(1U << 18)
#define K_QUEUES	(K_QUEUE | K_STACK)
#define K_RINGS		(K_RINGBUF | K_USER_RINGBUF)
#define K_OUTERS	(K_AOM | K_HOM | K_HOM_NP)
#define N_COMMON	9	/* those in K_ALL */
#define N_KINDS		19

#define KIND(mask)	(&kinds[__builtin_ctz(mask)])

extern const struct kind kinds[N_KINDS];

static inline bool is_hash(const struct kind *k)
{
	return k->class == C_HASH || k->class == C_PCPU_HASH;
}

static inline bool is_percpu(const struct kind *k)
{
	return k->class == C_PCPU_HASH || k->class == C_PCPU_ARRAY;
}

static inline bool is_outer(const struct kind *k)
{
	return k->type == BPFMAP_TYPE_ARRAY_OF_MAPS ||
	       k->type == BPFMAP_TYPE_HASH_OF_MAPS;
}

/* Of class C_HASH or C_PCPU_HASH too: all is the same until it is full */
static inline bool is_lru(const struct kind *k)
{
	return k->type == BPFMAP_TYPE_LRU_HASH ||
	       k->type == BPFMAP_TYPE_LRU_PERCPU_HASH;
}

/* Possible CPUs: their number and the number of the i-th */
unsigned int n_cpus(void);
unsigned int cpu_nr(unsigned int i);

/* Bytes that a command without F_CPU and F_ALL_CPUS transfers as value */
size_t user_value_size(const struct kind *k, uint32_t value_size);

/* ------------------------------------------------------------------------- */
/* Commands with the usual arguments: result or -errno */

/* MAP_CREATE with these members: map_create(.map_type = ..., ...) */
#define map_create(...) \
	map_create_attr(&(struct bpfmap_create_attr){ __VA_ARGS__ })

int map_create_attr(const struct bpfmap_create_attr *create);
int map_new(const struct kind *k, uint32_t key_size, uint32_t value_size,
	    uint32_t max_entries, uint32_t more_flags);
int map_elem(int cmd, int fd, const void *key, const void *value,
	     uint64_t flags);
int map_lookup(int fd, const void *key, void *value, uint64_t flags);
int map_update(int fd, const void *key, const void *value, uint64_t flags);
int map_delete(int fd, const void *key);
int map_next_key(int fd, const void *key, void *next_key);
int map_freeze(int fd);
int map_info(int fd, struct bpfmap_info *info);
int map_get_fd_by_id(uint32_t id, uint32_t open_flags);
uint32_t map_id(int fd);

/* Bytes of a page */
extern size_t page;

/* Bind this thread to a CPU; to all that are there */
bool run_on(unsigned int cpu);
void run_anywhere(void);

/* A closed descriptor, and an open one that is no map; both fit in a byte */
int closed_fd(void);
int other_fd(void);

/* ------------------------------------------------------------------------- */
/* Buffers */

#define FILL 0xa5

/* @n bytes filled with FILL, with guard bytes on both sides */
struct buf {
	uint8_t *p;
	size_t n;
};

/* Freed behind the test at the latest; not for threads */
struct buf buf_new(size_t n);
void buf_free(struct buf *b);
void buf_fill(struct buf *b);

/* @n bytes filled with FILL that end where an inaccessible page starts */
void *edge_new(size_t n);
void edge_free(void *p, size_t n);

/* An address that cannot be accessed */
void *bad_ptr(void);

/* @n bytes that depend on @seed only and hold no zero byte */
void pattern(void *p, size_t n, unsigned int seed);

/* ------------------------------------------------------------------------- */
/* Checks. A failed check is reported with the row and fails the running test
 * at its end; the rows after it still run. All return whether they held.
 */

/*
 * Name the row that the following checks are about: the rule of
 * Documentation/abi.rst that it tests, "-" if none, and a name
 */
void row(const char *rule, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));

bool check(bool ok, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));
bool check_ret(long got, long want, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));
/* A system call: its result as that of commands, and the same checked */
#define sys_result(call) ({			\
	long ret_ = (long)(call);		\
						\
	ret_ == -1 ? -errno : ret_;		\
})
#define check_sys(call, want, ...) \
	check_ret(sys_result(call), want, __VA_ARGS__)
bool check_num(uint64_t got, uint64_t want, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));
bool check_mem(const void *got, const void *want, size_t n, const char *fmt, ...)
	__attribute__((format(printf, 4, 5)));

/* The first @n bytes of @b are @want, the rest and the guards are as filled */
bool check_buf(const struct buf *b, const void *want, size_t n, const char *what);
bool check_untouched(const struct buf *b, const char *what);

/* Run @fn as uid 65534 without capabilities; its checks count */
void as_nobody(void (*fn)(void *arg), void *arg);

/* Run @fn in a child with all that it has; its checks count */
void in_child(void (*fn)(void *arg), void *arg);

/* ------------------------------------------------------------------------- */
/* Runner */

/*
 * TEST(name, kinds) { ... } defines a test. It runs with each of the kinds in the
 * mask @kinds as k, or once with NULL if the mask is 0. Tests run in the order of
 * their lines. The runner closes descriptors that a test leaves open, and frees
 * its buffers.
 */
struct test {
	const char *name;
	void (*fn)(const struct kind *k);
	unsigned int kinds;
	unsigned int line;
	struct test *next;
};

void test_add(struct test *t);

#define TEST(fn_, kinds_)						\
	static void fn_(const struct kind *k);				\
	static void __attribute__((constructor)) fn_##_add(void)	\
	{								\
		static struct test t = { #fn_, fn_, kinds_, __LINE__,	\
					 NULL };			\
									\
		test_add(&t);						\
	}								\
	static void fn_(const struct kind *k __attribute__((unused)))

/* A descriptor for the whole program, which the runner does not close */
int keep_fd(int fd);

/* Runs all tests; for main(), which does nothing else in most programs */
#undef run_tests	/* cmocka's own is a deprecated macro */
int run_tests(void);

/* Instead: one case, which says why nothing is tested. Returns 0 for main() */
int skip_all(const char *why);

#define TEST_MAIN int main(void) { return run_tests(); }

#endif /* BPFMAP_TESTS_COMMON_H */
