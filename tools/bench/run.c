// SPDX-License-Identifier: GPL-2.0-only
/*
 * Rounds: the sides take turns, so that both meet the same disturbances
 */
#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "bench.h"

struct options options = {
	.rounds = 5,
	.warmup = 1,
	.block = 256,
	.op_mask = ~0U,
};

/**
 * struct thread - a worker on its own CPU
 * @worker: what it works with
 * @samples: its own, to be joined with those of the others
 * @id: which CPU
 * @op: what to run
 * @barrier: all begin at the same time
 * @err: how it went
 */
struct thread {
	struct worker worker;
	struct samples samples;
	pthread_t pthread;
	unsigned int id;
	const struct op *op;
	pthread_barrier_t *barrier;
	int err;
};

/**
 * struct run - a job on a side
 * @target: the map
 * @there: the side has such a map
 * @threads: at work on it
 */
struct run {
	struct target target;
	bool there;
	struct thread *threads;
};

static void *thread_main(void *arg)
{
	struct thread *t = arg;

	pin_to(t->id);
	t->err = worker_fill(&t->worker, t->op->before);
	pthread_barrier_wait(t->barrier);
	if (!t->err)
		t->err = worker_run(&t->worker, t->op);
	return NULL;
}

static int run_threads(struct run *run, unsigned int nr, const struct op *op)
{
	pthread_barrier_t barrier;
	unsigned int i;
	int err = 0;

	pthread_barrier_init(&barrier, NULL, nr);
	for (i = 0; i < nr; i++) {
		struct thread *t = &run->threads[i];

		t->id = i;
		t->op = op;
		t->barrier = &barrier;
		t->err = 0;
		if (i && pthread_create(&t->pthread, NULL, thread_main, t))
			die("cannot start a thread");
	}
	thread_main(&run->threads[0]);
	for (i = 0; i < nr; i++) {
		if (i)
			pthread_join(run->threads[i].pthread, NULL);
		err = err ?: run->threads[i].err;
	}
	pthread_barrier_destroy(&barrier);
	return err;
}

/* Can this be measured, on such a job, in a way that tells something? */
static bool measurable(const struct job *job, const struct op *op)
{
	if (!(job->type->ops & options.op_mask & op->bit))
		return false;
	/* Such a walk removes other threads' elements, or too many */
	if (op->walk && !op->after)
		return job->threads == 1 && job->calls == job->elements;
	return true;
}

/* Errors of a command that does not exist, or not for such a batch */
static bool is_missing(int err)
{
	return err == -EINVAL || err == -ENOTSUPP || err == -EOPNOTSUPP ||
	       err == -ENOSPC;
}

/* An operation on a side; samples of all threads go to @samples */
static void run_op(struct run *run, const struct job *job, const struct op *op,
		   struct samples *samples, bool counts)
{
	unsigned int i, k;
	int err;

	for (i = 0; i < job->threads; i++) {
		run->threads[i].samples.nr = 0;
		run->threads[i].worker.samples =
			counts ? &run->threads[i].samples : NULL;
	}
	err = run_threads(run, job->threads, op);
	if (is_missing(err)) {
		samples->missing = true;
		return;
	}
	if (err)
		die("%s: %s on %s %u/%u: %s", run->target.side->name, op->name,
		    job->type->name, job->key_size, job->value_size,
		    errno_name(-err));
	for (i = 0; i < job->threads; i++)
		for (k = 0; k < run->threads[i].samples.nr; k++)
			samples_add(samples, run->threads[i].samples.each[k]);
	/*
	 * What was removed is freed after grace periods, which is no other
	 * operation's cost: it shows where a mean is made of one round
	 */
	if (options.mean && !op->after)
		usleep(200 * 1000);
}

/* Once for each side and type */
static void say_lacking(const struct side *side, const struct job *job, int err)
{
	static const struct map_type *last[SIDES];

	if (last[side - sides] == job->type)
		return;
	last[side - sides] = job->type;
	fprintf(stderr, "bpfmap-bench: %s: no %s %u/%u of %u: %s\n",
		side->name, job->type->name, job->key_size, job->value_size,
		job->elements, errno_name(-err));
}

static bool run_begin(struct run *run, const struct side *side,
		      const struct job *job)
{
	unsigned int i;
	int err;

	run->there = false;
	if (!side->there)
		return false;
	err = job_create(job, side, &run->target);
	if (err) {
		say_lacking(side, job, err);
		return false;
	}
	err = fill(&run->target, job);
	if (err)
		die("%s: cannot fill a %s %u/%u: %s", side->name,
		    job->type->name, job->key_size, job->value_size,
		    errno_name(-err));
	run->threads = must_alloc(job->threads * sizeof(*run->threads));
	memset(run->threads, 0, job->threads * sizeof(*run->threads));
	for (i = 0; i < job->threads; i++)
		worker_init(&run->threads[i].worker, &run->target, job, i);
	run->there = true;
	return true;
}

static void run_end(struct run *run, const struct job *job)
{
	unsigned int i;

	for (i = 0; i < job->threads; i++) {
		worker_end(&run->threads[i].worker);
		free(run->threads[i].samples.each);
	}
	free(run->threads);
	target_close(&run->target);
}

static void progress(const struct job *job, unsigned int round)
{
	if (isatty(STDERR_FILENO))
		fprintf(stderr, "\r%s %u/%u, %u elements: round %u of %u\033[K",
			job->type->name, job->key_size, job->value_size,
			job->elements, round + 1,
			options.warmup + options.rounds);
}

bool run_job(struct result *result)
{
	const struct job *job = &result->job;
	unsigned int round, op, s, there = 0;
	struct run runs[SIDES];

	memset(result->samples, 0, sizeof(result->samples));
	for (s = 0; s < SIDES; s++)
		there += run_begin(&runs[s], &sides[s], job);
	for (round = 0; there && round < options.warmup + options.rounds;
	     round++) {
		progress(job, round);
		for (op = 0; op < NR_OPS; op++) {
			if (!measurable(job, &ops[op]))
				continue;
			for (s = 0; s < SIDES; s++) {
				struct samples *samples =
					&result->samples[s][op];

				if (runs[s].there && !samples->missing)
					run_op(&runs[s], job, &ops[op], samples,
					       round >= options.warmup);
			}
		}
	}
	if (isatty(STDERR_FILENO))
		fputs("\r\033[K", stderr);
	for (s = 0; s < SIDES; s++)
		if (runs[s].there)
			run_end(&runs[s], job);
	/* The maps are freed after grace periods, which is no other job's cost */
	if (there)
		usleep(500 * 1000);
	return there;
}

void result_free(struct result *result)
{
	unsigned int op, s;

	for (s = 0; s < SIDES; s++)
		for (op = 0; op < NR_OPS; op++)
			free(result->samples[s][op].each);
}
