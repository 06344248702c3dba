/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Threads that work on one map at once. They cannot use KUnit's expectations,
 * which belong to the test's own thread: they note what went wrong, and
 * crew_run() reports it. So do interrupts.
 */
#ifndef _BPFMAP_KUNIT_CREW_H
#define _BPFMAP_KUNIT_CREW_H

#include <kunit/test.h>
#include <linux/prandom.h>
#include <linux/sched.h>
#include <linux/smp.h>

struct worker;

/**
 * struct notes - what went wrong, where KUnit cannot be told
 * @failures: of notes_check()
 * @first: first condition that did not hold
 */
struct notes {
	unsigned long failures;
	const char *first;
};

void notes_add(struct notes *notes, const char *what);
void notes_expect_none(struct kunit *test, const struct notes *notes,
		       const char *who);

/* Note if @cond does not hold; gives @cond back */
#define notes_check(notes, cond) ({		\
	bool __ok = (cond);			\
						\
	if (!__ok)				\
		notes_add(notes, #cond);	\
	__ok;					\
})

/**
 * struct job - what a worker does
 * @name: for messages
 * @step: called over and over; may sleep
 */
struct job {
	const char *name;
	void (*step)(struct worker *w);
};

/**
 * struct worker - one thread
 * @job: what it does
 * @ctx: for the job
 * @cpu: where it runs
 * @rnd: its random numbers
 * @steps: done
 * @notes: by the thread, or by an interrupt that it waits for
 * @task: the thread
 */
struct worker {
	const struct job *job;
	void *ctx;
	int cpu;
	struct rnd_state rnd;
	unsigned long steps;
	struct notes notes;
	struct task_struct *task;
};

#define worker_check(w, cond) notes_check(&(w)->notes, cond)

static inline u32 worker_random(struct worker *w, u32 below)
{
	return prandom_u32_state(&w->rnd) % below;
}

void crew_run(struct kunit *test, const struct job *jobs, unsigned int nr_jobs,
	      void *ctx, unsigned int ms);
void worker_interrupt(struct worker *w, smp_call_func_t step);

#endif /* _BPFMAP_KUNIT_CREW_H */
