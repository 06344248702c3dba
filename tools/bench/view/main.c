// SPDX-License-Identifier: GPL-2.0-only
/*
 * bpfmap-view-bench - look-ups in mapped hashes of 8/8
 *
 *	--count N	in a machine that counts instructions (scripts/vm/run.sh -i):
 *			look-ups, and writers of a map with a view and without
 *	--verify N	that an image is what the module maps; needs one CPU
 *	--time N	on an image, without the module: ns of look-ups beside those
 *			of a plain program
 *
 * A second number is that of the rounds.
 */
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "view.h"

uint64_t now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec * 1000000000ULL + t.tv_nsec;
}

static int compare(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return x < y ? -1 : x > y;
}

uint64_t median(uint64_t *samples, uint32_t n)
{
	qsort(samples, n, sizeof(*samples), compare);
	return samples[n / 2];
}

int main(int argc, char **argv)
{
	uint32_t n = argc > 2 ? atoi(argv[2]) : 0;
	uint32_t rounds = argc > 3 ? atoi(argv[3]) : 5;

	if (n && rounds && !strcmp(argv[1], "--count"))
		return count_all(n, rounds);
	if (n && !strcmp(argv[1], "--verify"))
		return verify_image(n);
	if (n && rounds && !strcmp(argv[1], "--time"))
		return time_all(n, rounds);
	fprintf(stderr, "usage: %s --count|--verify|--time ELEMENTS [ROUNDS]\n",
		argv[0]);
	return 2;
}
