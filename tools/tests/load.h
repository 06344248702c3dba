/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Self-checking values, and functions that the tests of load and lifecycle
 * share
 */
#ifndef BPFMAP_TESTS_LOAD_H
#define BPFMAP_TESTS_LOAD_H

#include "common.h"

#define expect(cond) check(cond, "%s:%d: %s", __FILE__, __LINE__, #cond)

#define expect_eq(got, want) ({							\
	long got_ = (long)(got), want_ = (long)(want);				\
										\
	check(got_ == want_, "%s:%d: %s is %ld, not %ld", __FILE__, __LINE__,	\
	      #got, got_, want_);						\
})

/* The test cannot go on without this. */
#define need(cond) do {								\
	if (!expect(cond)) {							\
		printf("Bail out! %s:%d: %s\n", __FILE__, __LINE__, #cond);	\
		exit(1);							\
	}									\
} while (0)

/* FREEZE of a frozen map; bpf(2) once differed. */
#define FROZEN_AGAIN (since(6, 12) ? -EPERM : -EBUSY)

/* In a child, where nothing but its end makes sense then */
#define must(cond) do {								\
	if (!expect(cond))							\
		_exit(1);							\
} while (0)

/* fork(), and what is expected of the child */
pid_t load_fork(void);
void load_child_succeeds(pid_t pid);

/* A child that runs @fn for ever; it has written a byte to @ready by now */
pid_t load_fork_ready(void (*fn)(void *arg, int ready), void *arg);

/* Memory of zeros that children share */
void *load_shared(size_t size);

/* Kills the child, which must not have ended before */
void load_kill(pid_t pid);

/* Says why a test cannot be done here. */
void skipped(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

/* Keys of hash types are long enough to be torn. */
#define LOAD_KEY_MAX	20

static inline uint32_t load_key_size(const struct kind *k)
{
	return is_hash(k) ? LOAD_KEY_MAX : 4;
}

/**
 * struct load_tag - what a value says about its origin
 * @key: number of the key it was written for, below 4096
 * @writer: number of the writer, 1 to 63
 * @cpu: LOAD_SLOT_CPU() of the slot it was written to, or LOAD_ANY_CPU
 * @seq: which of the writer's values, below LOAD_SEQ_END
 */
struct load_tag {
	unsigned int key;
	unsigned int writer;
	unsigned int cpu;
	unsigned int seq;
};

#define LOAD_ANY_CPU	15
#define LOAD_SLOT_CPU(slot)	((slot) % LOAD_ANY_CPU)
#define LOAD_SEQ_END	0x4000000

/* Fills in one value (one slot), at least 8 bytes, of which every byte depends on @tag. */
void load_fill(void *value, size_t size, const struct load_tag *tag);

/* Is this a whole value of load_fill()? Then tells its tag. */
bool load_check(const void *value, size_t size, struct load_tag *tag);

/* Key number @id of a kind, and back: -1 if the bytes are no such key */
void load_key(const struct kind *kind, unsigned int id, void *key);
int load_key_id(const struct kind *kind, const void *key);

/* Slots of a value, and bytes from one to the next */
unsigned int load_slots(const struct kind *kind);
size_t load_stride(const struct kind *kind, size_t value_size);

/* Fills every slot of a whole value as @tag says, @tag.cpu apart. */
void load_fill_all(const struct kind *kind, void *value, size_t value_size,
		   struct load_tag tag);

/* A map with keys of load_key_size() */
int load_create(const struct kind *kind, uint32_t value_size, uint32_t max_entries);

int load_batch(int cmd, int fd, void *in, void *out, void *keys, void *values,
	       uint32_t *count, uint64_t elem_flags);

/* Elements that GET_NEXT_KEY walks over, or -errno; gives up (-ELOOP) at @limit */
long load_count(int fd, const struct kind *kind, unsigned long limit);

/* Deletes whatever GET_NEXT_KEY finds in a hash map. Returns how many, or -errno. */
long load_empty(int fd);

/* Number in the environment, or @fallback */
unsigned long load_env(const char *name, unsigned long fallback);

/* A field of /proc/meminfo or /proc/vmstat; -1 if there is none such */
long load_proc(const char *path, const char *field);

/* The same of /proc/self/fdinfo/@fd */
long load_fdinfo(int fd, const char *field);

/* Pages that CPUs keep for their next allocations: as good as free */
long load_cached_pages(void);

/* KASAN keeps what was freed for a while; there it is kmemleak that looks for leaks */
bool load_kasan(void);

/* Users of the module in /sys/module/bpfmap/refcnt; -1 if it cannot be told */
long load_refcnt(void);

/* How many maps there are, and the highest id; -errno if not allowed */
long load_ids(uint32_t *last);

/* Waits until no map has this id (true), LOAD_PATIENCE at most. */
bool load_id_gone(uint32_t id);

/*
 * Milliseconds to wait for an event: a longer wait is a failure even on a slow
 * and busy machine with checks
 */
#define LOAD_PATIENCE	60000

/* Monotonic clock in milliseconds */
unsigned long load_ms(void);

void load_sleep_ms(unsigned int ms);

#endif /* BPFMAP_TESTS_LOAD_H */
