// SPDX-License-Identifier: GPL-2.0-only
/*
 * Ratios that must hold, one on a line:
 *
 *	TYPE KEY/VALUE OPERATION BOUND		of one cell
 *	mean single|batch BOUND			of a geometric mean
 */
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "bench.h"

/*
 * Room between what was measured and the bound that is made of it. One run and
 * the next differ by a few hundredths in a cell, but by a factor where bpf(2)
 * allocates and frees each element, for what is left to work queues and RCU.
 */
#define MARGIN		1.15
#define ALLOC_MARGIN	2
#define MEAN_MARGIN	1.08

struct bound {
	char name[64];
	double ratio;
};

static struct bound *measured;
static unsigned int nr_measured;

static void add(const struct bound *bound)
{
	measured = realloc(measured, (nr_measured + 1) * sizeof(*measured));
	if (!measured)
		die("no memory for bounds");
	measured[nr_measured++] = *bound;
}

/* With several batch sizes or threads, a cell is the first one measured. */
void bounds_add(const struct job *job, const char *op, double ratio)
{
	struct bound bound = { .ratio = ratio };
	unsigned int i;

	snprintf(bound.name, sizeof(bound.name), "%s %u/%u %s",
		 job->type->name, job->key_size, job->value_size, op);
	for (i = 0; i < nr_measured; i++)
		if (!strcmp(measured[i].name, bound.name))
			return;
	add(&bound);
}

void bounds_mean(const char *name, double ratio)
{
	struct bound bound = { .ratio = ratio };

	snprintf(bound.name, sizeof(bound.name), "mean %s", name);
	add(&bound);
}

static double margin(const char *name)
{
	if (!strncmp(name, "mean ", 5))
		return MEAN_MARGIN;
	if (!strncmp(name, "hash_no_prealloc ", 17) ||
	    !strncmp(name, "lpm_trie ", 9))
		return ALLOC_MARGIN;
	return MARGIN;
}

static const struct bound *find(const char *name)
{
	unsigned int i;

	for (i = 0; i < nr_measured; i++)
		if (!strcmp(measured[i].name, name))
			return &measured[i];
	return NULL;
}

/* Split "NAME... BOUND"; false for an empty line or a comment */
static bool parse(char *line, double *bound)
{
	char *end, *last;

	line[strcspn(line, "#\n")] = '\0';
	if (!line[strspn(line, " \t")])
		return false;
	last = strrchr(line, ' ');
	if (!last)
		die("no bound: '%s'", line);
	*last = '\0';
	*bound = strtod(last + 1, &end);
	if (*end || end == last + 1 || !(*bound > 0))
		die("no bound: '%s'", last + 1);
	return true;
}

bool bounds_check(const char *path)
{
	FILE *f = fopen(path, "re");
	unsigned int good = 0, bad = 0;
	char line[256];
	double bound;

	if (!f)
		die("%s: %s", path, strerror(errno));
	while (fgets(line, sizeof(line), f)) {
		const struct bound *is;

		if (!parse(line, &bound))
			continue;
		is = find(line);
		if (is && is->ratio <= bound) {
			good++;
			continue;
		}
		bad++;
		if (is)
			printf("out of bounds: %s: %.3f, not %.3f\n", line,
			       is->ratio, bound);
		else
			printf("out of bounds: %s: not measured\n", line);
	}
	if (ferror(f) || !(good + bad))
		die("%s: no bounds in it", path);
	fclose(f);
	printf("%u of %u ratios within %s\n", good, good + bad, path);
	return !bad;
}

void bounds_write(const char *path)
{
	FILE *f = fopen(path, "we");
	unsigned int i;

	if (!f)
		die("%s: %s", path, strerror(errno));
	fputs("# Upper bounds of bpfmap / bpf(2); made by scripts/bench.sh -w\n",
	      f);
	for (i = 0; i < nr_measured; i++)
		fprintf(f, "%s %.2f\n", measured[i].name,
			ceil(measured[i].ratio * margin(measured[i].name) *
			     100) / 100);
	if (ferror(f) || fclose(f))
		die("%s: cannot write", path);
}
