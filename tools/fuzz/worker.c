// SPDX-License-Identifier: GPL-2.0-only
/*
 * worker - a process that makes programs up, runs them and keeps some
 */
#define _GNU_SOURCE
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>
#include <sys/mount.h>
#include <sys/prctl.h>

#include "fuzz.h"

#define LIFE		3000	/* programs until a fresh process goes on */
#define TRIES		3	/* to reach again what was new */
#define DISTILL_SECONDS	90
#define MAX_FAIL	40	/* failures of a call to try one by one */

int kmsg_fd = -1;

static unsigned int me;

/*
 * As debugging messages, which the kernel shows when it dies: the last program
 * of a worker is what it died of.
 */
void log_prog(unsigned int worker, const struct prog *p)
{
	char line[900];
	int n;

	if (kmsg_fd < 0)
		return;
	for (unsigned int i = 0; i < p->n; i++) {
		n = snprintf(line, sizeof(line), "<7>fuzz %u%s ", worker,
			     i ? ":" : ">");
		call_print(line + n, sizeof(line) - n, &p->calls[i]);
		if (write(kmsg_fd, line, strlen(line)) < 0)
			return;
	}
}

static void run(const struct prog *p)
{
	shared->now[me] = *p;
	log_prog(me, p);
	exec_prog(p);
	__atomic_add_fetch(&shared->beat[me], 1, __ATOMIC_RELAXED);
	__atomic_add_fetch(&shared->execs, 1, __ATOMIC_RELAXED);
	__atomic_add_fetch(&shared->calls, exec_calls(), __ATOMIC_RELAXED);
	if (exec_injected())
		__atomic_add_fetch(&shared->injected, 1, __ATOMIC_RELAXED);
}

static void keep(const struct prog *p)
{
	uint32_t i = __atomic_fetch_add(&shared->n_corpus, 1, __ATOMIC_RELAXED);

	if (i >= MAX_CORPUS) {
		__atomic_sub_fetch(&shared->n_corpus, 1, __ATOMIC_RELAXED);
		return;
	}
	shared->corpus[i] = *p;
	__atomic_store_n(&shared->ready[i], 1, __ATOMIC_RELEASE);
}

/* One of those that were kept, the young ones more often */
static const struct prog *choose(struct rng *r)
{
	uint32_t i, n = shared->n_corpus;

	for (int tries = 0; n && tries < 8; tries++) {
		i = one_in(r, 2) ? rnd(r, n) : n - 1 - rnd(r, (n + 3) / 4);
		if (__atomic_load_n(&shared->ready[i], __ATOMIC_ACQUIRE))
			return &shared->corpus[i];
	}
	return NULL;
}

static bool simpler(struct prog *p, const struct prog *try,
		    const uint32_t *list, uint32_t n)
{
	run(try);
	if (!cover_again(list, n))
		return false;
	*p = *try;
	return true;
}

static void repeat_less(struct prog *p, unsigned int most)
{
	for (unsigned int i = 0; i < p->n; i++)
		if (p->calls[i].rep > most)
			p->calls[i].rep = most;
}

/* Leave out the calls that are not needed to reach all of the list */
static void minimise(struct prog *p, const uint32_t *list, uint32_t n)
{
	struct prog try = *p;

	/* The rest is then faster */
	repeat_less(&try, 4);
	if (!simpler(p, &try, list, n)) {
		try = *p;
		repeat_less(&try, 64);
		simpler(p, &try, list, n);
	}
	for (unsigned int i = p->n; i-- && p->n > 1; ) {
		try = *p;
		prog_remove(&try, i);
		simpler(p, &try, list, n);
	}
}

static void simplify_calls(struct prog *p, const uint32_t *list, uint32_t n)
{
	struct prog try;

	for (unsigned int i = 0; i < p->n; i++) {
		struct call *c = &try.calls[i];

		try = *p;
		c->rep = 1;
		c->thread = 0;
		c->child = 0;
		c->fail = 0;
		if (memcmp(c, &p->calls[i], sizeof(*c)))
			simpler(p, &try, list, n);
		for (unsigned int j = 0; j < op_args(&ops[c->op]); j++) {
			try = *p;
			if (!c->arg[j] || ops[c->op].args[j].kind == K_OUT)
				continue;
			c->arg[j] = 0;
			simpler(p, &try, list, n);
		}
	}
}

static bool has_place(const uint32_t *list, uint32_t n)
{
	while (n--)
		if (list[n] < MAX_TEXT)
			return true;
	return false;
}

/* Did the last run reach something new? Then what is needed of it is kept */
static bool worth_keeping(struct prog *p, bool as_it_is)
{
	static uint32_t list[MAX_NEW], all[MAX_NEW];
	uint32_t n = cover_new(list), n_all = n;
	bool again = false;

	if (!n)
		return false;
	memcpy(all, list, n * sizeof(*list));
	for (int i = 0; i < TRIES && !again; i++) {
		run(p);
		again = cover_again(list, n);
		if (!again && i == TRIES - 1)
			n = cover_keep(list, n);
	}
	cover_add(all, n_all);
	if (as_it_is) {
		keep(p);
		return has_place(all, n_all);
	}
	/* A program that reaches new code only by a race is kept unchanged */
	if (n)
		minimise(p, list, n);
	if (has_place(list, n))
		simplify_calls(p, list, n);
	keep(p);
	return has_place(all, n_all);
}

/* Each allocation of each call fails once */
static void fail_all(struct prog *p)
{
	struct prog try;

	for (unsigned int i = 0; i < p->n; i++) {
		if (p->calls[i].fail || p->calls[i].thread || p->calls[i].child)
			continue;
		for (unsigned int n = 1; n <= MAX_FAIL && !shared->stop; n++) {
			try = *p;
			repeat_less(&try, 16);
			try.calls[i].fail = n;
			try.calls[i].rep = 1;
			run(&try);
			if (!exec_injected())
				break;
			worth_keeping(&try, false);
		}
	}
}

static void one_round(struct rng *r)
{
	uint32_t seed = shared->n_seeds;
	const struct prog *base = choose(r), *other = choose(r);
	bool is_seed, new;
	struct prog p;

	if (shared->next_seed < shared->n_seeds)
		seed = __atomic_fetch_add(&shared->next_seed, 1, __ATOMIC_RELAXED);
	is_seed = seed < shared->n_seeds;
	if (is_seed) {
		p = shared->seeds[seed];
	} else if (!base || !other || one_in(r, 6)) {
		gen_prog(r, &p);
	} else {
		p = *base;
		mutate(r, &p, other);
	}
	run(&p);
	/* Those made up for each size are too many for more than a run each */
	new = worth_keeping(&p, is_seed);
	if (new && (!is_seed || seed < shared->n_given || one_in(r, 8)))
		fail_all(&p);
}

static void settle(unsigned int nr)
{
	me = nr;
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (unshare(CLONE_NEWNS) ||
	    mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) ||
	    chdir("/tmp/fuzz/pins") || exec_init()) {
		perror("fuzz: worker");
		_exit(1);
	}
}

void worker(unsigned int nr, uint64_t seed)
{
	struct rng r = { seed };

	settle(nr);
	for (int i = 0; i < LIFE && !shared->stop; i++)
		one_round(&r);
	_exit(0);
}

/* ------------------------------------------------------------------------- */
/* Reduce the corpus, by a simple greedy choice */

struct reach {
	uint32_t n;
	uint32_t *pcs;
};

static uint32_t count_new(const struct reach *x, const uint8_t *done)
{
	uint32_t n = 0;

	for (uint32_t i = 0; i < x->n; i++)
		n += !done[x->pcs[i]];
	return n;
}

/*
 * Print, again and again, the program that reaches most of what is missing.
 * If there are too many to run them all, the last ones are left out.
 */
void distill(void)
{
	static uint8_t done[MAX_TEXT];
	static uint32_t pcs[MAX_TEXT];
	uint32_t n = shared->n_corpus, best, most, new;
	time_t end = time(NULL) + DISTILL_SECONDS;
	struct reach *all = calloc(n + 1, sizeof(*all));

	settle(0);
	for (uint32_t i = 0; i < n; i++) {
		if (time(NULL) > end)
			n = i + 1;
		run(&shared->corpus[i]);
		all[i].n = cover_run_pcs(pcs, MAX_TEXT);
		all[i].pcs = malloc((all[i].n + 1) * sizeof(*pcs));
		memcpy(all[i].pcs, pcs, all[i].n * sizeof(*pcs));
	}
	for (;;) {
		most = 0;
		best = 0;
		for (uint32_t i = 0; i < n; i++) {
			new = count_new(&all[i], done);
			if (new > most) {
				most = new;
				best = i;
			}
		}
		if (!most)
			break;
		for (uint32_t i = 0; i < all[best].n; i++)
			done[all[best].pcs[i]] = 1;
		printf("=prog # %u\n", most);
		for (uint32_t i = 0; i < shared->corpus[best].n; i++) {
			char line[1024];

			call_print(line, sizeof(line), &shared->corpus[best].calls[i]);
			printf("=prog %s\n", line);
		}
		printf("=prog\n");
	}
	fflush(stdout);
	_exit(0);
}
