// SPDX-License-Identifier: GPL-2.0-only
/*
 * Map operations inside the kernel: the module runs the loops, this file
 * chooses them and checks the results
 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>

#include "bench.h"
#include "module/bpfmap_bench.h"

#define KERNEL_ROUNDS 5
#define KERNEL_CALLS 1000000U

enum where {
	OWN,	/* elements that are no other thread's, in no order */
	SAME,	/* one element for all */
};

/**
 * struct row - what is measured
 * @name: for people and files
 * @op: enum bpfmap_bench_op
 * @flags: of an update
 * @threads: working at a time
 * @where: on which elements
 * @hash: hashes only
 */
static const struct row {
	const char *name;
	unsigned int op;
	unsigned int flags;
	unsigned int threads;
	enum where where;
	bool hash;
} rows[] = {
	{ "empty loop", BENCH_EMPTY, 0, 1, OWN, false },
	{ "lookup", BENCH_LOOKUP, 0, 1, OWN, false },
	{ "lookup of 64 keys", BENCH_LOOKUP_MANY, 0, 1, OWN, false },
	{ "update", BENCH_UPDATE, 0, 1, OWN, false },
	/* This pair stays together: one inserts again what the other deletes */
	{ "delete", BENCH_DELETE, 0, 1, OWN, true },
	{ "insert", BENCH_UPDATE, BPFMAP_F_NOEXIST, 1, OWN, true },
	{ "lookup, two threads", BENCH_LOOKUP, 0, 2, OWN, false },
	{ "update, two threads", BENCH_UPDATE, 0, 2, OWN, false },
	{ "delete, two threads", BENCH_DELETE, 0, 2, OWN, true },
	{ "insert, two threads", BENCH_UPDATE, BPFMAP_F_NOEXIST, 2, OWN, true },
	{ "lookup, two threads, one element", BENCH_LOOKUP, 0, 2, SAME, false },
	{ "update, two threads, one element", BENCH_UPDATE, 0, 2, SAME, false },
};

static int module = -1;

static bool looks_up(const struct row *row)
{
	return row->op == BENCH_LOOKUP || row->op == BENCH_LOOKUP_MANY;
}

/* Run it, note whole stretches, see that every call did what it should */
static void run(const struct target *target, const struct row *row,
		unsigned int calls, const uint32_t *indexes,
		struct samples *samples)
{
	unsigned int stretches = (calls + BENCH_STRETCH - 1) / BENCH_STRETCH;
	uint64_t *times = must_alloc((size_t)row->threads * stretches *
				     sizeof(*times));
	struct bpfmap_bench_run run = {
		.fd = target->map,
		.bpf = target->side == &sides[BPF],
		.op = row->op,
		.threads = row->threads,
		.calls = calls,
		.flags = row->flags,
		.indexes = (unsigned long)indexes,
		.times = (unsigned long)times,
	};
	uint64_t sum = 0;
	size_t i;

	if (ioctl(module, BPFMAP_BENCH_RUN, &run))
		die("%s: %s in the kernel: %s", target->side->name, row->name,
		    errno_name(errno));
	if (looks_up(row))
		for (i = 0; i < (size_t)calls * row->threads; i++)
			sum += indexes[i] + 1ULL;
	if (run.failed || (looks_up(row) && run.sum != sum))
		die("%s: wrong results of %s in the kernel, %llu calls failed",
		    target->side->name, row->name,
		    (unsigned long long)run.failed);
	for (i = 0; samples && i < (size_t)row->threads * stretches; i++)
		if (i % stretches < calls / BENCH_STRETCH)
			samples_add(samples, (double)times[i] / BENCH_STRETCH);
	free(times);
}

static void fill_kernel(const struct target *target, const struct job *job)
{
	const struct row row = { "fill", BENCH_UPDATE, 0, 1, OWN, false };
	uint32_t *indexes = must_alloc(job->elements * sizeof(*indexes));
	unsigned int i;

	for (i = 0; i < job->elements; i++)
		indexes[i] = i;
	run(target, &row, job->elements, indexes, NULL);
	free(indexes);
}

static void measure_row(const struct job *job, struct target *targets,
			const struct row *row, struct samples *samples)
{
	unsigned int calls = job->calls / row->threads, i, s;
	uint32_t *indexes = must_alloc(job->calls * sizeof(*indexes));

	for (i = 0; i < job->calls; i++)
		indexes[i] = row->where == SAME ? job->elements / 2 :
						  job_order(job, i);
	for (s = 0; s < SIDES; s++)
		if (targets[s].side)
			run(&targets[s], row, calls, indexes, &samples[s]);
	free(indexes);
}

static void measure_kernel_map(const struct job *job, struct target *targets)
{
	struct samples samples[ARRAY_SIZE(rows)][SIDES] = { 0 };
	unsigned int round, i, s;

	for (round = 0; round < KERNEL_ROUNDS; round++)
		for (i = 0; i < ARRAY_SIZE(rows); i++)
			if (rows[i].threads <= usable_cpus() &&
			    (!rows[i].hash || job->type->keys == KEYS_BYTES))
				measure_row(job, targets, &rows[i],
					    samples[i]);
	report_kernel_heading(job);
	for (i = 0; i < ARRAY_SIZE(rows); i++) {
		report_kernel(job, rows[i].name, rows[i].threads, samples[i]);
		for (s = 0; s < SIDES; s++)
			free(samples[i][s].each);
	}
}

static void kernel_map(const char *name, unsigned int key_size,
		       unsigned int elements)
{
	struct job job = { .elements = elements, .batch = 1, .threads = 1 };
	struct target targets[SIDES] = { 0 };
	unsigned int s;
	int err;

	for (s = 0; strcmp(map_types[s].name, name); s++)
		;
	if (!job_init(&job, &map_types[s], key_size, 8))
		die("no %s %u/8", name, key_size);
	job.calls = MIN(elements, KERNEL_CALLS);
	for (s = 0; s < SIDES; s++) {
		if (!sides[s].there)
			continue;
		err = job_create(&job, &sides[s], &targets[s]);
		if (err)
			die("%s: no %s of %u: %s", sides[s].name, name,
			    elements, errno_name(-err));
		fill_kernel(&targets[s], &job);
	}
	measure_kernel_map(&job, targets);
	for (s = 0; s < SIDES; s++)
		if (targets[s].side)
			target_close(&targets[s]);
}

void kernel_bench(unsigned int elements)
{
	module = open("/dev/bpfmap_bench", O_RDWR | O_CLOEXEC);
	if (module < 0)
		die("/dev/bpfmap_bench: %s: is bpfmap_bench.ko loaded?",
		    strerror(errno));
	if (elements < 2 * BENCH_STRETCH)
		die("inside the kernel, no fewer elements than %u",
		    2 * BENCH_STRETCH);
	kernel_map("hash", 8, elements);
	kernel_map("array", 4, elements);
}
