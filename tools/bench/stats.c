// SPDX-License-Identifier: GPL-2.0-only
/*
 * Samples and their statistics
 */
#include <math.h>
#include <stdlib.h>

#include "bench.h"

void samples_add(struct samples *samples, double each)
{
	if (samples->nr == samples->room) {
		samples->room = samples->room * 2 + 64;
		samples->each = realloc(samples->each, samples->room *
						       sizeof(double));
		if (!samples->each)
			die("no memory for samples");
	}
	samples->each[samples->nr++] = each;
}

static int compare(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

/* Between the two values around it, as a quantile is commonly defined */
static double quantile(const double *sorted, unsigned int nr, double q)
{
	double at = q * (nr - 1);
	unsigned int i = at;

	if (i + 1 >= nr)
		return sorted[nr - 1];
	return sorted[i] + (at - i) * (sorted[i + 1] - sorted[i]);
}

void summarize(const struct samples *samples, struct summary *s)
{
	double sum = 0, squares = 0;
	unsigned int i;

	*s = (struct summary){ .nr = samples->nr };
	if (!s->nr)
		return;
	qsort(samples->each, s->nr, sizeof(double), compare);
	for (i = 0; i < s->nr; i++)
		sum += samples->each[i];
	s->mean = sum / s->nr;
	for (i = 0; i < s->nr; i++)
		squares += (samples->each[i] - s->mean) *
			   (samples->each[i] - s->mean);
	s->stddev = s->nr > 1 ? sqrt(squares / (s->nr - 1)) : 0;
	s->min = samples->each[0];
	s->p25 = quantile(samples->each, s->nr, 0.25);
	s->median = quantile(samples->each, s->nr, 0.5);
	s->p75 = quantile(samples->each, s->nr, 0.75);
	s->typical = options.mean ? s->mean : s->median;
}
