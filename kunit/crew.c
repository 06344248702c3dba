// SPDX-License-Identifier: GPL-2.0-only
/*
 * Threads that work on one map at once: see crew.h
 */
#include <linux/cpumask.h>
#include <linux/delay.h>
#include <linux/kthread.h>
#include <linux/smp.h>

#include "crew.h"
#include "fixture.h"

/**
 * notes_add() - note that something went wrong
 * @notes: of the worker that noticed it
 * @what: constant text
 */
void notes_add(struct notes *notes, const char *what)
{
	if (!notes->failures++)
		notes->first = what;
}

/**
 * notes_expect_none() - fail if something went wrong
 * @test: the test
 * @notes: of workers that have finished
 * @who: for the message
 */
void notes_expect_none(struct kunit *test, const struct notes *notes,
		       const char *who)
{
	KUNIT_EXPECT_EQ_MSG(test, notes->failures, 0UL, "%s, first: %s", who,
			    notes->first);
}

static int worker_thread(void *data)
{
	struct worker *w = data;

	while (!kthread_should_stop()) {
		w->job->step(w);
		WRITE_ONCE(w->steps, w->steps + 1);
		cond_resched();
	}
	return 0;
}

static int worker_start(struct worker *w)
{
	struct task_struct *task;

	task = kthread_create(worker_thread, w, "bpfmap/%s", w->job->name);
	if (IS_ERR(task))
		return PTR_ERR(task);
	kthread_bind(task, w->cpu);
	w->task = task;
	wake_up_process(task);
	return 0;
}

/* On a busy machine it takes longer until each worker has had its turn */
static void crew_wait(struct worker *crew, unsigned int nr)
{
	unsigned int i, tries = 0;

	for (i = 0; i < nr; i++)
		while (!READ_ONCE(crew[i].steps) && tries++ < 3000)
			msleep(20);
}

/**
 * crew_run() - let workers work, each job on each CPU
 * @test: fails if one of them finds something wrong, or cannot work at all
 * @jobs: the jobs
 * @nr_jobs: of them
 * @ctx: for all of them
 * @ms: for so long, times the effort
 */
void crew_run(struct kunit *test, const struct job *jobs, unsigned int nr_jobs,
	      void *ctx, unsigned int ms)
{
	unsigned int i, nr = 0, max = nr_jobs * num_online_cpus();
	struct worker *crew = kunit_buf(test, max * sizeof(*crew));
	int cpu, err = 0;

	for (i = 0; i < nr_jobs; i++) {
		for_each_online_cpu(cpu) {
			struct worker *w = &crew[nr];

			if (err || nr == max)
				break;
			w->job = &jobs[i];
			w->ctx = ctx;
			w->cpu = cpu;
			prandom_seed_state(&w->rnd, bpfmap_kunit_seed() + nr);
			err = worker_start(w);
			nr += !err;
		}
	}
	if (!err) {
		msleep(ms * bpfmap_kunit_effort);
		crew_wait(crew, nr);
	}
	for (i = 0; i < nr; i++)
		kthread_stop(crew[i].task);

	KUNIT_ASSERT_EQ(test, err, 0);
	for (i = 0; i < nr; i++) {
		struct worker *w = &crew[i];

		notes_expect_none(test, &w->notes, w->job->name);
		KUNIT_EXPECT_GT_MSG(test, w->steps, 0UL, "%s on CPU %d",
				    w->job->name, w->cpu);
	}
}

/**
 * worker_interrupt() - run a step in an interrupt, whatever that CPU is doing
 * @w: the worker, which waits
 * @step: called with @w on a random CPU; in hardirq context unless that is the
 *	  worker's own
 */
void worker_interrupt(struct worker *w, smp_call_func_t step)
{
	int cpu = cpumask_next(worker_random(w, nr_cpu_ids), cpu_online_mask);

	if (cpu >= nr_cpu_ids)
		cpu = cpumask_first(cpu_online_mask);
	worker_check(w, !smp_call_function_single(cpu, step, w, true));
}
