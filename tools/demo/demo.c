// SPDX-License-Identifier: GPL-2.0-only
/*
 * demo FILE... - show /dev/bpfmap at work, beside bpf(2) on the same kernel
 *
 * Ends successfully only if every result was as it should be.
 */
#include <stdio.h>
#include <sys/utsname.h>

#include "demo.h"

static void heading(int nr, const char *title)
{
	printf("\n--- %d. %s ---\n\n", nr, title);
	fflush(stdout);
}

int main(int argc, char **argv)
{
	struct utsname host;
	bool ok = true;

	if (argc < 2)
		die("usage: demo FILE...");
	setvbuf(stdout, NULL, _IOLBF, 0);
	uname(&host);
	ways_open();
	printf("Linux %s, %s\n", host.release, host.machine);

	heading(1, "the commands of /dev/bpfmap");
	ok &= tour();
	heading(2, "real work");
	ok &= words(argc - 1, argv + 1);
	heading(3, "what it costs");
	ok &= costs();

	printf("\n%s\n", ok ? "demo: all results are as they should be" :
			      "demo: WRONG RESULTS, see above");
	return ok ? 0 : 1;
}
