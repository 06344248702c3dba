// SPDX-License-Identifier: GPL-2.0-only
/*
 * A line on the terminal that tells how far long work has come
 */
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "cli.h"

#define QUIET	0.5	/* seconds: shorter work has no line */
#define REFRESH	0.1
#define WIDTH	30

static struct {
	const char *what;
	uint64_t total, done;
	double began, shown;
	bool on;
} bar;

double now(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec + ts.tv_nsec / 1e9;
}

/* @total may be an estimate, or 0 */
void progress_begin(const char *what, uint64_t total)
{
	bar.what = what;
	bar.total = total;
	bar.done = 0;
	bar.began = now();
	bar.shown = 0;
	bar.on = isatty(STDERR_FILENO);
}

static void draw(double time)
{
	unsigned long long done = bar.done;
	double rate = done / (time - bar.began);
	int fill;

	bar.shown = time;
	if (!bar.total) {
		fprintf(stderr, "\r%s %llu, %.0f/s\033[K", bar.what, done, rate);
		return;
	}
	if (done > bar.total)
		done = bar.total;
	fill = WIDTH * done / bar.total;
	fprintf(stderr, "\r%s [%.*s%*s] %3llu%%  %.0f/s\033[K", bar.what, fill,
		"##############################", WIDTH - fill, "",
		100 * done / bar.total, rate);
}

void progress_add(uint64_t n)
{
	double time;

	bar.done += n;
	if (!bar.on)
		return;
	time = now();
	if (time - bar.began >= QUIET && time - bar.shown >= REFRESH)
		draw(time);
}

/* Wipes the line, so that what is printed next begins at the margin */
void progress_end(void)
{
	if (bar.on && bar.shown)
		fputs("\r\033[K", stderr);
	bar.on = false;
}
