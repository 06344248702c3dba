/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * check - counted checks and TAP for programs that are written as those of others
 * are, with no other file of the tests
 */
#ifndef BPFMAP_TESTS_CHECK_H
#define BPFMAP_TESTS_CHECK_H

#include <errno.h>
#include <stdio.h>

static unsigned int assertions, failures, tests;

#define CHECK(cond)							\
	do {								\
		assertions++;						\
		if (!(cond)) {						\
			failures++;					\
			printf("# line %d: %s (errno %d)\n", __LINE__,	\
			       #cond, errno);				\
		}							\
	} while (0)

static void run(const char *name, void (*test)(void))
{
	unsigned int before = failures;

	test();
	printf("%sok %u - %s\n", failures == before ? "" : "not ", ++tests,
	       name);
	fflush(stdout);
}

#endif /* BPFMAP_TESTS_CHECK_H */
