// SPDX-License-Identifier: GPL-2.0-only
/*
 * oracle - random sequences of commands, to bpf(2) and to /dev/bpfmap
 *
 * See oracle.h. All maps of an episode are new ones, and an episode depends on
 * its seed only, so that it can be taken again on its own.
 */
#include <getopt.h>
#include <sched.h>
#include <time.h>

#include "oracle.h"

#define EPISODE 2500	/* steps */
#define RETRIES 4	/* of episodes, for one type: on a fast machine one in 300 */
#define SLOW 16		/* times that maps of maps take: writes wait for RCU */

static struct {
	uint64_t seed;
	unsigned long commands;
	unsigned long seconds;
	const char *type;
	bool once;	/* the seed is that of an episode */
} options = { .seed = 1 };

/* What bpf(2) has here */
static bool has[32];

static struct step steps[EPISODE + N_SLOTS];

static double now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec + t.tv_nsec / 1e9;
}

/* NULL: one of any type, now and then of those that maps of maps need */
static const struct row *choose_row(struct rng *r, const struct row *only)
{
	const struct row *row;

	if (only && (!(only->traits & T_OUTER) || rnd(r, 2)))
		return only;
	do {
		row = &rows[rnd(r, n_rows)];
	} while (!has[row - rows] || (row->traits & T_OUTER && rnd(r, SLOW)));
	return row;
}

/*
 * The number of steps that agreed, of @n; @end: time to stop, 0: when all are
 * done. All that can be walked is, at last.
 */
static long episode(uint64_t seed, const struct row *only, long n, double end,
		    const char **why)
{
	struct rng r = { seed };
	long i;

	*why = NULL;
	state_begin();
	for (i = 0; i < n + N_SLOTS; i++) {
		if (i < n)
			generate(&r, choose_row(&r, only), &steps[i]);
		else
			steps[i] = (struct step){ .cmd = DO_WALK, .slot = i - n };
		*why = take_step(&steps[i]);
		if (*why)
			break;
		if (end && i < n && i % 64 == 63 && now() > end)
			n = i + 1;
	}
	return i;
}

static void end_episode(void)
{
	unsigned int path;

	for (path = 0; path < 4; path++) {
		unlink(pin_of(SIDE_BPF, path));
		unlink(pin_of(SIDE_DEVICE, path));
	}
	state_end();
}

static void report(uint64_t seed, const struct row *only, long at,
		   const char *why)
{
	const char *again;
	bool was;
	long end;
	size_t n;

	printf("# FAIL step %ld, --episode %llu%s%s: %s\n", at,
	       (unsigned long long)seed, only ? " --type " : "",
	       only ? only->name : "", why);
	fflush(stdout);
	end = take_steps(steps, at + 1, &again);
	if (end < 0) {
		printf("# it does not happen again\n");
		return;
	}
	n = shrink(steps, end + 1);
	was = verbose;
	verbose = true;
	take_steps(steps, n, &again);
	verbose = was;
	printf("# %zu steps do it: %s\n", n, again ? again : "not again");
	print_program(steps, n);
	fflush(stdout);
}

/*
 * What bpf(2)'s RHASH answers while it is being resized is left open,
 * and when that happens is not for us to say: order_settle() waits for the end
 * of a resize, but one can begin just then. What is wrong is so a second time.
 */
static bool may_have_been_resized(const struct step *s)
{
	const struct slot *slot = slot_at(s->slot);

	return slot && slot->object->row->type == BPFMAP_TYPE_RHASH;
}

/* As many commands as are asked for, or as fit into the time */
static unsigned long run(const struct row *only, unsigned long commands,
			 double seconds, bool *ok)
{
	uint64_t seed = options.seed * 1000003 + (only ? only->type : 0);
	struct rng seeds = { seed };
	double end = now() + seconds;
	unsigned long done = 0;
	unsigned int retries = 0;
	const char *why;

	*ok = true;
	if (only && only->traits & T_OUTER)
		commands = commands ? commands / SLOW + 1 : 0;
	do {
		uint64_t this = options.once ? options.seed : rnd64(&seeds);
		long n = EPISODE, at;
		bool again;

		if (commands && !options.once && commands - done < EPISODE)
			n = commands - done;
		at = episode(this, only, n, commands || options.once ? 0 : end,
			     &why);

		done += at;
		again = why && retries < RETRIES && may_have_been_resized(&steps[at]);
		end_episode();
		if (again) {
			printf("# step %ld, --episode %llu: %s: once more, as the table may have been resized\n",
			       at, (unsigned long long)this, why);
			retries++;
			at = episode(this, only, n, 0, &why);
			end_episode();
		}
		if (why) {
			*ok = false;
			report(this, only, at, why);
			break;
		}
	} while (!options.once && (commands ? done < commands : now() < end));
	return done;
}

static void usage(void)
{
	printf("usage: oracle [--seed N] [--commands N | --seconds N] [--type NAME] [--episode SEED] [--verbose]\n");
	exit(2);
}

static void parse(int argc, char **argv)
{
	static const struct option longs[] = {
		{ "seed", required_argument, NULL, 's' },
		{ "commands", required_argument, NULL, 'c' },
		{ "seconds", required_argument, NULL, 't' },
		{ "type", required_argument, NULL, 'T' },
		{ "verbose", no_argument, NULL, 'v' },
		{ "episode", required_argument, NULL, 'e' },
		{ }
	};
	const char *env = getenv("ORACLE_COMMANDS");
	int c;

	if (env)
		options.commands = strtoul(env, NULL, 0);
	if (getenv("ORACLE_SEED"))
		options.seed = strtoull(getenv("ORACLE_SEED"), NULL, 0);
	while ((c = getopt_long(argc, argv, "", longs, NULL)) != -1) {
		switch (c) {
		case 's':
			options.seed = strtoull(optarg, NULL, 0);
			break;
		case 'c':
			options.commands = strtoul(optarg, NULL, 0);
			break;
		case 't':
			options.seconds = strtoul(optarg, NULL, 0);
			break;
		case 'T':
			options.type = optarg;
			break;
		case 'v':
			verbose = true;
			break;
		case 'e':
			options.seed = strtoull(optarg, NULL, 0);
			options.once = true;
			break;
		default:
			usage();
		}
	}
	if (optind != argc)
		usage();
	if (!options.commands && !options.seconds)
		options.seconds = 60;
}

/* Types that evict do so for each CPU: there is one for all that is done */
static void stay_here(void)
{
	run_on(sched_getcpu());
}

/* Is this name one of the kernel's? */
static bool has_symbol(const char *name)
{
	FILE *f = fopen("/proc/kallsyms", "re");
	char symbol[256];
	bool found = false;

	while (f && !found && fscanf(f, "%*s %*s %255s%*[^\n]", symbol) == 1)
		found = !strcmp(symbol, name);
	if (f)
		fclose(f);
	return found;
}

/*
 * Does bpf(2) have it? Arenas need a JIT. With KASAN each of bpf(2)'s takes half
 * a gigabyte for its shadow, which no machine of ours has; with KCSAN, where each
 * of a million page table entries is a call, it takes too long to make one.
 */
static bool probe(const struct row *row)
{
	union attr a = { .create = { .map_type = row->type,
				     .map_flags = row->must,
				     .max_entries = row->entries[0] } };
	long fd;

	if (kernel() < row->since)
		return false;
	if (left_out(row))
		return false;
	if (row->type != BPFMAP_TYPE_ARENA)
		return true;
	if (has_symbol("kasan_report") || has_symbol("__tsan_func_entry"))
		return false;
	fd = raw_call(SIDE_BPF, BPFMAP_CMD_MAP_CREATE, &a, 72);
	if (fd >= 0)
		close(fd);
	return fd >= 0;
}

int main(int argc, char **argv)
{
	unsigned int i, number = 0, n = 1, failed = 0;
	unsigned long total = 0;
	double began = now();

	setvbuf(stdout, NULL, _IOLBF, 0);
	parse(argc, argv);
	dup2(other_fd(), 0);
	close(closed_fd());
	device_fd();
	sides_init();
	stay_here();
	for (i = 0; i < n_rows; i++)
		n += has[i] = probe(&rows[i]);
	printf("1..%u\n", options.type || options.once ? 1 : n);
	/* About half is for one type after the other, the rest for all at once */
	for (i = 0; i <= n_rows; i++) {
		const struct row *only = i < n_rows ? &rows[i] : NULL;
		unsigned int share = i < n_rows ? 2 * (n - 1) : 2;
		unsigned long commands, done;
		bool ok;

		if (only && !has[i])
			continue;
		if (options.type && (!only || strcmp(options.type, only->name)))
			continue;
		if (options.once && !options.type && only)
			continue;
		if (options.type)
			share = 1;
		commands = options.commands / share;
		if (!only && total < options.commands)
			commands = options.commands - total;
		done = run(only, commands,
			   (double)options.seconds / share, &ok);
		failed += !ok;
		total += done;
		printf("%sok %u - %s: %lu commands\n", ok ? "" : "not ",
		       ++number, only ? only->name : "all types", done);
	}
	sides_exit();
	print_excuses();
	printf("# seed %llu: %lu commands, in %.0f s\n# %lu assertions\n",
	       (unsigned long long)options.seed, total, now() - began,
	       n_comparisons);
	return failed ? 1 : 0;
}
