// SPDX-License-Identifier: GPL-2.0-only
/*
 * Options, and what is to be measured
 */
#define _GNU_SOURCE
#include <errno.h>
#include <getopt.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "bench.h"

#define LIST_MAX 16

struct list {
	unsigned int nr, at[LIST_MAX];
};

static const char usage_text[] =
"usage: bpfmap-bench [OPTION...]\n"
"\n"
"Measures map operations by bpf(2) and by bpfmap, on maps of the same kind, and\n"
"verifies their results. What is not there, or not allowed, is left out.\n"
"\n"
"  -t, --types=LIST     of map types (default: all; --list shows them)\n"
"  -o, --ops=LIST       of operations (default: all)\n"
"  -s, --sizes=LIST     of KEY/VALUE (default: each type's own)\n"
"  -n, --elements=LIST  in a map (20000)\n"
"  -c, --calls=N        elements worked on, where a map has more (20000)\n"
"  -b, --batch=LIST     elements in a batch (1024)\n"
"  -j, --threads=LIST   working at a time (1)\n"
"  -r, --rounds=N       that count (5)\n"
"  -w, --warmup=N       rounds before these (1)\n"
"      --no-warmup\n"
"      --mean           tables and ratios of means, not of medians\n"
"  -d, --device         commands for bpfmap go to /dev/bpfmap, with map_fd\n"
"  -m, --memory=N       instead: what a hash of N elements takes\n"
"  -k, --kernel=N       instead: inside the kernel, maps of N elements; needs\n"
"                       bpfmap_bench.ko\n"
"  -q, --quick          see that all of it works: little of everything\n"
"      --csv=FILE       results as comma-separated values\n"
"      --json=FILE      results as JSON\n"
"      --check=FILE     status 1 if a ratio is above its bound\n"
"      --bounds=FILE    make such a file\n"
"      --list           types and operations\n"
"  -h, --help\n"
"\n"
"Numbers may end in k or m. All types share the sizes of -s: arrays take\n"
"the value's, tries need a key of 8 or more.\n";

enum {
	OPT_CSV = 256, OPT_JSON, OPT_CHECK, OPT_BOUNDS, OPT_LIST, OPT_MEAN,
	OPT_NO_WARMUP
};

static const struct option long_options[] = {
	{ "types", required_argument, NULL, 't' },
	{ "ops", required_argument, NULL, 'o' },
	{ "sizes", required_argument, NULL, 's' },
	{ "elements", required_argument, NULL, 'n' },
	{ "calls", required_argument, NULL, 'c' },
	{ "batch", required_argument, NULL, 'b' },
	{ "threads", required_argument, NULL, 'j' },
	{ "rounds", required_argument, NULL, 'r' },
	{ "warmup", required_argument, NULL, 'w' },
	{ "mean", no_argument, NULL, OPT_MEAN },
	{ "no-warmup", no_argument, NULL, OPT_NO_WARMUP },
	{ "device", no_argument, NULL, 'd' },
	{ "memory", required_argument, NULL, 'm' },
	{ "kernel", required_argument, NULL, 'k' },
	{ "quick", no_argument, NULL, 'q' },
	{ "csv", required_argument, NULL, OPT_CSV },
	{ "json", required_argument, NULL, OPT_JSON },
	{ "check", required_argument, NULL, OPT_CHECK },
	{ "bounds", required_argument, NULL, OPT_BOUNDS },
	{ "list", no_argument, NULL, OPT_LIST },
	{ "help", no_argument, NULL, 'h' },
	{ }
};

/* What was asked for */
static const char *type_list, *size_list;
static struct list elements = { 1, { 20000 } }, batches = { 1, { 1024 } },
		   threads = { 1, { 1 } };
static unsigned int calls = 20000, memory, in_kernel;
static bool first_size;
static const char *check_file, *bounds_file;

static unsigned int number(const char *s, char **end, unsigned int max)
{
	unsigned long n;

	errno = 0;
	n = strtoul(s, end, 10);
	if (*end == s || errno || *s == '-')
		die("'%s' is no number", s);
	if (**end == 'k' || **end == 'm') {
		unsigned int unit = **end == 'k' ? 1000 : 1000000;

		n = n > max / unit ? max + 1UL : n * unit;
		++*end;
	}
	if (!n || n > max)
		die("'%s' is not in 1 to %u", s, max);
	return n;
}

static unsigned int one_number(const char *s, unsigned int max)
{
	char *end;
	unsigned int n = number(s, &end, max);

	if (*end)
		die("'%s' is no number", s);
	return n;
}

static void numbers(struct list *list, char *s, unsigned int max)
{
	char *end;

	for (list->nr = 0; ; s = end + 1) {
		if (list->nr == LIST_MAX)
			die("no more than %d numbers, please", LIST_MAX);
		list->at[list->nr++] = number(s, &end, max);
		if (*end != ',')
			break;
	}
	if (*end)
		die("'%s' is no list of numbers", s);
}

/* Is @name one of the comma-separated @list? NULL stands for all */
static bool listed(const char *list, const char *name)
{
	size_t len = strlen(name);

	if (!list)
		return true;
	for (; *list; list += strcspn(list, ","), list += *list == ',')
		if (!strncmp(list, name, len) &&
		    (list[len] == ',' || !list[len]))
			return true;
	return false;
}

/* Every name of a list must be one of @names */
static void check_list(const char *list, const char *(*name)(unsigned int i),
		       unsigned int nr)
{
	char copy[512], *s, *save;
	unsigned int i;

	if (!list)
		return;
	snprintf(copy, sizeof(copy), "%s", list);
	for (s = strtok_r(copy, ",", &save); s; s = strtok_r(NULL, ",", &save)) {
		for (i = 0; i < nr && strcmp(name(i), s); i++)
			;
		if (i == nr)
			die("there is no '%s': see --list", s);
	}
}

static const char *type_name(unsigned int i)
{
	return map_types[i].name;
}

static const char *op_name(unsigned int i)
{
	return ops[i].name;
}

static void set_ops(const char *list)
{
	unsigned int i;

	check_list(list, op_name, NR_OPS);
	options.op_mask = 0;
	for (i = 0; i < NR_OPS; i++)
		if (listed(list, ops[i].name))
			options.op_mask |= ops[i].bit;
}

static FILE *open_output(const char *path)
{
	FILE *f = fopen(path, "we");

	if (!f)
		die("%s: %s", path, strerror(errno));
	return f;
}

static void quick(void)
{
	options.rounds = 1;
	options.warmup = 0;
	first_size = true;
	elements = (struct list){ 1, { 500 } };
	batches = (struct list){ 1, { 128 } };
	threads = (struct list){ 2, { 1, 2 } };
}

static void show_list(void)
{
	unsigned int i;

	for (i = 0; i < nr_map_types; i++)
		if (map_types[i].ops)
			printf("%-18s%s\n", map_types[i].name, map_types[i].sizes);
	for (i = 0; i < NR_OPS; i++)
		printf("%s%s", i ? " " : "\n", ops[i].name);
	printf("\n");
}

/* One map, in all numbers of batches and threads */
static unsigned int measure_map(struct job *job)
{
	unsigned int b, t, done = 0;

	for (b = 0; b < batches.nr; b++) {
		for (t = 0; t < threads.nr; t++) {
			struct result result = { .job = *job };

			result.job.batch = batches.at[b];
			result.job.threads = threads.at[t];
			/* Which thread pops which element is not determined */
			if (job->type->keys == KEYS_NONE &&
			    !job->type->by_value && threads.at[t] > 1)
				continue;
			if (threads.at[t] > result.job.calls)
				continue;
			if (run_job(&result)) {
				report_job(&result);
				done++;
			}
			result_free(&result);
		}
	}
	return done;
}

static unsigned int measure_type(const struct map_type *type)
{
	char copy[256], *s, *save;
	struct job job = { 0 };
	unsigned int e, done = 0;

	snprintf(copy, sizeof(copy), "%s", size_list ?: type->sizes);
	for (s = strtok_r(copy, ",", &save); s; s = strtok_r(NULL, ",", &save)) {
		unsigned int key, value;
		char rest;

		if (sscanf(s, "%u/%u%c", &key, &value, &rest) != 2)
			die("'%s' is not KEY/VALUE", s);
		if (!job_init(&job, type, key, value)) {
			fprintf(stderr, "bpfmap-bench: no %s of %s\n",
				type->name, s);
			continue;
		}
		for (e = 0; e < elements.nr; e++) {
			job.elements = elements.at[e];
			if (type->max && job.elements > type->max)
				job.elements = type->max;
			job.calls = MIN(calls, job.elements);
			if (type->keys == KEYS_NONE)
				job.calls = job.elements;
			done += measure_map(&job);
		}
		if (first_size)
			break;
	}
	return done;
}

static void measure_all(void)
{
	unsigned int i, done = 0;

	report_floor();
	for (i = 0; i < nr_map_types; i++)
		if (listed(type_list, map_types[i].name))
			done += measure_type(&map_types[i]);
	if (!done)
		die("nothing could be measured");
}

static void measure_footprints(void)
{
	struct footprint footprint[SIDES];
	unsigned int i;

	for (i = 0; i < nr_map_types; i++) {
		const struct map_type *type = &map_types[i];
		struct job job = { .elements = memory, .batch = 1024 };

		if (!listed(type_list ?: "hash,hash_no_prealloc", type->name))
			continue;
		if (!job_init(&job, type, 8, 8) || (type->max &&
						    type->max < memory))
			continue;
		job.calls = job.elements;
		job.threads = 1;
		measure_memory(&job, footprint);
		report_memory(&job, footprint);
	}
}

static void parse_options(int argc, char **argv)
{
	FILE *csv = NULL, *json = NULL;
	int c;

	while ((c = getopt_long(argc, argv, "t:o:s:n:c:b:j:r:w:dm:k:qh",
				long_options, NULL)) >= 0) {
		switch (c) {
		case 't':
			type_list = optarg;
			break;
		case 'o':
			set_ops(optarg);
			break;
		case 's':
			size_list = optarg;
			break;
		case 'n':
			numbers(&elements, optarg, 100000000);
			break;
		case 'c':
			calls = one_number(optarg, 100000000);
			break;
		case 'b':
			numbers(&batches, optarg, 1000000);
			break;
		case 'j':
			numbers(&threads, optarg, 1024);
			break;
		case 'r':
			options.rounds = one_number(optarg, 100000);
			break;
		case 'w':
			options.warmup = one_number(optarg, 1000);
			break;
		case OPT_NO_WARMUP:
			options.warmup = 0;
			break;
		case 'd':
			use_device = true;
			break;
		case 'm':
			memory = one_number(optarg, 500000000);
			break;
		case 'k':
			in_kernel = one_number(optarg, 100000000);
			break;
		case 'q':
			quick();
			break;
		case OPT_CSV:
			csv = open_output(optarg);
			break;
		case OPT_JSON:
			json = open_output(optarg);
			break;
		case OPT_CHECK:
			check_file = optarg;
			break;
		case OPT_BOUNDS:
			bounds_file = optarg;
			break;
		case OPT_MEAN:
			options.mean = true;
			break;
		case OPT_LIST:
			show_list();
			exit(0);
		case 'h':
			fputs(usage_text, stdout);
			exit(0);
		default:
			fputs(usage_text, stderr);
			exit(2);
		}
	}
	if (optind < argc) {
		fputs(usage_text, stderr);
		exit(2);
	}
	check_list(type_list, type_name, nr_map_types);
	sides_open();
	report_open(csv, json);
}

int main(int argc, char **argv)
{
	bool ok = true;

	parse_options(argc, argv);
	pin_to(0);
	if (memory)
		measure_footprints();
	else if (in_kernel)
		kernel_bench(in_kernel);
	else
		measure_all();
	report_end();
	if (bounds_file)
		bounds_write(bounds_file);
	if (check_file && !bounds_check(check_file))
		ok = false;
	return ok ? 0 : 1;
}
