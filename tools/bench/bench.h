/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * bpfmap-bench: what a map operation costs, by bpf(2) and by bpfmap
 *
 * A job is a map (type, sizes, elements) with a batch size and a number of
 * threads. For each job, each side gets a map of its own, and the operations
 * are run on them in turns. A sample is a block of calls between two looks at
 * the clock; keys and values are made before it and results verified after it.
 */
#ifndef BPFMAP_BENCH_H
#define BPFMAP_BENCH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <linux/bpfmap.h>

#include "map_types.h"

#define ARRAY_SIZE(a)	(sizeof(a) / sizeof((a)[0]))
#define MIN(a, b)	((a) < (b) ? (a) : (b))

#define ENOTSUPP	524	/* the kernel's own, which reaches user space */

/* --- side.c: the two ways to a map --- */

/**
 * struct side - bpf(2) or bpfmap
 * @name: for people and files
 * @call: the system call; bpf(2) ignores @fd. Equally thin for both sides
 * @open: open it; @why says why that failed
 * @why: what is missing
 * @device: descriptor of /dev/bpfmap, or -1
 * @there: @open succeeded
 */
struct side {
	const char *name;
	long (*call)(int fd, unsigned int cmd, void *attr, unsigned int size);
	bool (*open)(struct side *side);
	const char *why;
	int device;
	bool there;
};

enum { BPF, BPFMAP, SIDES };
extern struct side sides[SIDES];

/**
 * struct target - a map on a side
 * @side: the side
 * @map: descriptor of the map
 * @fd: descriptor that commands go to
 * @map_fd: member map_fd of their attrs
 * @inner: the inner map of a map of maps, or -1
 * @inner_id: its id, which a look-up returns
 */
struct target {
	const struct side *side;
	int map;
	int fd;
	unsigned int map_fd;
	int inner;
	unsigned int inner_id;
};

/* Commands for bpfmap go to /dev/bpfmap, not to the map's own descriptor */
extern bool use_device;

void sides_open(void);
/* 0 or a negative errno */
int target_create(struct target *target, const struct side *side,
		  const struct bpfmap_create_attr *attr);
/* The same with an inner map, which @attr then stands for */
int target_create_outer(struct target *target, const struct side *side,
			struct bpfmap_create_attr *attr);
void target_close(struct target *target);

static inline long target_call(const struct target *target, unsigned int cmd,
			       void *attr, unsigned int size)
{
	return target->side->call(target->fd, cmd, attr, size);
}

/* --- types.c: the map types, and their keys and values --- */

enum op_bit {
	OP_INSERT = 1 << 0,
	OP_UPDATE = 1 << 1,
	OP_LOOKUP = 1 << 2,
	OP_MISS = 1 << 3,
	OP_NEXT = 1 << 4,
	OP_LOOK_DEL = 1 << 5,
	OP_DELETE = 1 << 6,
	OP_B_UPDATE = 1 << 7,
	OP_B_LOOKUP = 1 << 8,
	OP_B_LOOK_DEL = 1 << 9,
	OP_B_DELETE = 1 << 10,
	OP_M_LOOKUP = 1 << 11,
	OP_M_DELETE = 1 << 12,
};

/**
 * struct map_type - a kind of map to measure
 * @name: for people and files
 * @type: enum bpfmap_type
 * @flags: create flags
 * @ops: enum op_bit, what can be measured on it; 0: nothing
 * @keys: rule of the list of map types; of a PREFIX all bits are used
 * @percpu: a value for each CPU
 * @by_value: a look-up takes a value (Bloom filter)
 * @maps: the values are maps
 * @lifo: keyless, and the newest element leaves first
 * @core: part of the geometric means
 * @spare: max_entries is so many times the elements
 * @max: no more elements than this
 * @sizes: key/value sizes by default
 */
struct map_type {
	const char *name;
	unsigned int type;
	unsigned int flags;
	unsigned int ops;
	enum keys keys;
	bool percpu, by_value, maps, lifo, core;
	unsigned int spare;
	unsigned int max;
	const char *sizes;
};

extern const struct map_type map_types[];
extern const unsigned int nr_map_types;

/**
 * struct job - what is measured at a time
 * @type: the map's
 * @key_size: the map's
 * @value_size: the map's
 * @elements: in the map
 * @calls: of the elements that are worked on
 * @batch: elements in a batch
 * @threads: working at a time, each on its own elements
 * @value_bytes: that a value takes in user space
 */
struct job {
	const struct map_type *type;
	unsigned int key_size, value_size;
	unsigned int elements, calls, batch, threads;
	unsigned int value_bytes;
};

bool job_init(struct job *job, const struct map_type *type,
	      unsigned int key_size, unsigned int value_size);
/* Make the map; 0 or a negative errno */
int job_create(const struct job *job, const struct side *side,
	       struct target *target);
/* The @i-th element in an order without order; a bijection on the elements */
unsigned int job_order(const struct job *job, unsigned int i);
void make_key(const struct job *job, void *key, uint64_t index);
/* What make_key() made @key of, or -1 */
int64_t read_key(const struct job *job, const void *key);
void make_value(const struct job *job, void *value, uint64_t index,
		unsigned int generation);
bool is_value(const struct job *job, const void *value, uint64_t index,
	      unsigned int generation);
unsigned int possible_cpus(void);

/* --- stats.c --- */

/**
 * struct samples - cost of an operation on a side
 * @each: nanoseconds for a call, or for an element of a batch
 * @nr: of them
 * @room: for so many
 * @missing: the side has no such operation
 */
struct samples {
	double *each;
	unsigned int nr, room;
	bool missing;
};

/* @typical: the mean or the median, as options.mean has it */
struct summary {
	unsigned int nr;
	double min, p25, median, p75, mean, stddev, typical;
};

void samples_add(struct samples *samples, double each);
void summarize(const struct samples *samples, struct summary *summary);

/* --- ops.c: the table of benchmarks --- */

#define NR_OPS	13

struct worker;

/**
 * struct op - a benchmark
 * @name: for people and files
 * @bit: which enum op_bit
 * @cmd: enum bpfmap_cmd
 * @each: of bpf(2), which has no such command: called for each element
 * @batch: a block is one command
 * @walk: the map says which elements come
 * @absent: with keys that are not in the map
 * @before: are the elements in the map before?
 * @after: and afterwards?
 * @store: values are written
 * @run: the timed part, for @n elements. Returns how many were done, 0 at the
 *	 end of the map, or a negative errno
 * @verify: are the results of the last @n right?
 */
struct op {
	const char *name;
	unsigned int bit;
	unsigned int cmd;
	unsigned int each;
	bool batch, walk, absent, before, after, store;
	int (*run)(struct worker *w, const struct op *op, unsigned int n);
	bool (*verify)(struct worker *w, const struct op *op, unsigned int n);
};

extern const struct op ops[NR_OPS];

/**
 * struct worker - a thread, its buffers, and its part of the elements
 * @target: the map
 * @job: what the map is
 * @first: first of its elements, as job_order() numbers them
 * @nr: how many are its own
 * @room: elements in a buffer
 * @index: the elements of this block
 * @keys: of this block
 * @values: of this block
 * @out_keys: that the map gave
 * @out_values: that the map gave
 * @results: of commands on many keys
 * @seen: bit set of the elements that a walk met; NULL with several threads
 * @key: cursor of get_next_key
 * @cursor: of batches
 * @started: there is a cursor
 * @present: its elements are in the map
 * @generation: of the values of these elements
 * @samples: where to note the costs, or NULL
 */
struct worker {
	const struct target *target;
	const struct job *job;
	unsigned int first, nr, room;
	uint64_t *index;
	unsigned char *keys, *values, *out_keys, *out_values;
	int32_t *results;
	unsigned char *seen;
	unsigned char key[512], cursor[512];
	bool started, present;
	unsigned int generation;
	struct samples *samples;
};

void worker_init(struct worker *w, const struct target *target,
		 const struct job *job, unsigned int id);
void worker_end(struct worker *w);
/* Put its elements into the map, or take them out; 0 or a negative errno */
int worker_fill(struct worker *w, bool present);
/* All of @op over its elements; 0 or a negative errno */
int worker_run(struct worker *w, const struct op *op);
/* All of a job's elements into a new map; 0 or a negative errno */
int fill(const struct target *target, const struct job *job);

/* --- run.c: rounds, threads --- */

/**
 * struct options - of the whole run
 * @rounds: that count
 * @warmup: rounds before these
 * @block: calls between two looks at the clock
 * @op_mask: enum op_bit, what to measure
 * @mean: tables and ratios are about means, not medians
 */
struct options {
	unsigned int rounds, warmup, block, op_mask;
	bool mean;
};

extern struct options options;

/**
 * struct result - of a job
 * @job: what was measured
 * @samples: what it cost
 */
struct result {
	struct job job;
	struct samples samples[SIDES][NR_OPS];
};

/* Measure a job on all sides; false if no side has such a map */
bool run_job(struct result *result);
void result_free(struct result *result);

/* --- memory.c --- */

/**
 * struct footprint - what making and filling a map takes
 * @done: it was measured
 * @create_ns: time of MAP_CREATE
 * @fill_ns: for an element, by batches
 * @cgroup: a memory cgroup was available
 * @charged: bytes of it for an element
 * @taken: bytes of the system's free memory for an element
 */
struct footprint {
	bool done, cgroup;
	double create_ns, fill_ns, charged, taken;
};

void measure_memory(const struct job *job, struct footprint footprint[SIDES]);

/* --- report.c, bounds.c --- */

/* Files may be NULL */
void report_open(FILE *csv, FILE *json);
void report_floor(void);
void report_job(const struct result *result);
void report_memory(const struct job *job,
		   const struct footprint footprint[SIDES]);
void report_kernel_heading(const struct job *job);
void report_kernel(const struct job *job, const char *what,
		   unsigned int threads, const struct samples samples[SIDES]);
void report_end(void);

/* bpfmap / bpf(2), or 0 */
double result_ratio(const struct result *result, unsigned int op);

/* Ratios measured, for checking and writing; false: some are out of bounds */
void bounds_add(const struct job *job, const char *op, double ratio);
void bounds_mean(const char *name, double ratio);
bool bounds_check(const char *path);
void bounds_write(const char *path);

/* --- kernel.c: the same from inside the kernel, by bpfmap_bench.ko --- */

void kernel_bench(unsigned int elements);

/* --- util.c --- */

void __attribute__((noreturn, format(printf, 1, 2))) die(const char *fmt, ...);
const char *errno_name(int err);
void *must_alloc(size_t bytes);
uint64_t now_ns(void);
/* The @n-th of the CPUs that this process may use */
void pin_to(unsigned int n);
unsigned int usable_cpus(void);

#endif /* BPFMAP_BENCH_H */
