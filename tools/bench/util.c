// SPDX-License-Identifier: GPL-2.0-only
/*
 * Small helpers
 */
#define _GNU_SOURCE
#include <errno.h>
#include <sched.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "bench.h"

void die(const char *fmt, ...)
{
	va_list args;

	fflush(stdout);
	fputs("bpfmap-bench: ", stderr);
	va_start(args, fmt);
	vfprintf(stderr, fmt, args);
	va_end(args);
	fputc('\n', stderr);
	exit(2);
}

const char *errno_name(int err)
{
	static char text[32];
	const char *name = err == ENOTSUPP ? "ENOTSUPP" : strerrorname_np(err);

	if (name)
		return name;
	snprintf(text, sizeof(text), "errno %d", err);
	return text;
}

/* Touched, so that no sample pays for the first use of a page */
void *must_alloc(size_t bytes)
{
	void *p = malloc(bytes ?: 1);

	if (!p)
		die("no memory for %zu bytes", bytes);
	memset(p, 0x55, bytes);
	return p;
}

uint64_t now_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC_RAW, &now);
	return now.tv_sec * 1000000000ULL + now.tv_nsec;
}

static cpu_set_t allowed;

unsigned int usable_cpus(void)
{
	if (!CPU_COUNT(&allowed) &&
	    sched_getaffinity(0, sizeof(allowed), &allowed))
		return 1;
	return CPU_COUNT(&allowed);
}

void pin_to(unsigned int n)
{
	unsigned int nr = usable_cpus();
	cpu_set_t one;
	int cpu;

	n %= nr;
	for (cpu = 0; cpu < CPU_SETSIZE; cpu++) {
		if (!CPU_ISSET(cpu, &allowed) || n--)
			continue;
		CPU_ZERO(&one);
		CPU_SET(cpu, &one);
		sched_setaffinity(0, sizeof(one), &one);
		return;
	}
}
