// SPDX-License-Identifier: GPL-2.0-only
/*
 * What a map takes: time to make it, and memory for an element
 *
 * Memory is measured in two ways: the charge to the memory cgroup, if there is
 * one, and the decrease of the system's free memory. The latter counts every
 * process: only a quiet machine gives a good number.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "bench.h"

#define CGROUPS "/sys/fs/cgroup"
#define OURS CGROUPS "/bpfmap-bench"

static bool write_file(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY | O_CLOEXEC);
	bool ok;

	if (fd < 0)
		return false;
	ok = write(fd, text, strlen(text)) == (ssize_t)strlen(text);
	close(fd);
	return ok;
}

/* Enter a cgroup of our own; false if that is not possible */
static bool cgroup_enter(void)
{
	write_file(CGROUPS "/cgroup.subtree_control", "+memory");
	if (mkdir(OURS, 0755) && errno != EEXIST)
		return false;
	if (!access(OURS "/memory.current", R_OK) &&
	    write_file(OURS "/cgroup.procs", "0"))
		return true;
	rmdir(OURS);
	return false;
}

static void cgroup_leave(const char *home)
{
	char path[600];

	snprintf(path, sizeof(path), CGROUPS "%s/cgroup.procs", home);
	if (write_file(path, "0"))
		rmdir(OURS);
}

/* Our cgroup's path, as "0::/path" in /proc/self/cgroup */
static bool cgroup_home(char *home, size_t size)
{
	FILE *f = fopen("/proc/self/cgroup", "re");
	char line[512];
	bool found = false;

	while (f && !found && fgets(line, sizeof(line), f)) {
		found = !strncmp(line, "0::", 3);
		line[strcspn(line, "\n")] = '\0';
		if (found)
			snprintf(home, size, "%s", line + 3);
	}
	if (f)
		fclose(f);
	return found;
}

static double read_number(const char *path, const char *name)
{
	FILE *f = fopen(path, "re");
	unsigned long long value;
	double number = -1;
	char line[128];

	while (f && number < 0 && fgets(line, sizeof(line), f))
		if (!strncmp(line, name, strlen(name)) &&
		    sscanf(line + strlen(name), "%llu", &value) == 1)
			number = value;
	if (f)
		fclose(f);
	return number;
}

/* Bytes; the kernel frees a map's memory a little after its last close */
static double taken(void)
{
	double last = -1, now;
	int i;

	for (i = 0; i < 40; i++) {
		now = read_number("/proc/meminfo", "MemFree:") * 1024;
		if (last >= 0 && now - last < 65536 && last - now < 65536)
			break;
		last = now;
		usleep(250 * 1000);
	}
	return -now;
}

/*
 * A map's memory comes back after grace periods, some of it after those of
 * bpf(2)'s own, which are long. It must not come back into the next result.
 */
static void wait_for_memory(double before, double used)
{
	int i;

	for (i = 0; i < 120 && taken() - before > used / 50; i++)
		usleep(250 * 1000);
}

static double charged(void)
{
	return read_number(OURS "/memory.current", "");
}

static bool measure_side(const struct job *job, const struct side *side,
			 bool cgroup, struct footprint *f)
{
	double before = taken(), charged_before = charged();
	uint64_t start = now_ns(), filling;
	struct target target;
	int err = job_create(job, side, &target);

	f->create_ns = now_ns() - start;
	if (err) {
		fprintf(stderr, "bpfmap-bench: %s: no %s of %u: %s\n",
			side->name, job->type->name, job->elements,
			errno_name(-err));
		return false;
	}
	filling = now_ns();
	err = fill(&target, job);
	if (err)
		die("%s: cannot fill a %s: %s", side->name, job->type->name,
		    errno_name(-err));
	f->fill_ns = (double)(now_ns() - filling) / job->elements;
	f->cgroup = cgroup;
	f->charged = (charged() - charged_before) / job->elements;
	f->taken = (taken() - before) / job->elements;
	target_close(&target);
	wait_for_memory(before, f->taken * job->elements);
	return true;
}

void measure_memory(const struct job *job, struct footprint footprint[SIDES])
{
	char home[512] = "/";
	bool cgroup = cgroup_home(home, sizeof(home)) && cgroup_enter();
	unsigned int s;

	for (s = 0; s < SIDES; s++) {
		footprint[s] = (struct footprint){ .done = false };
		if (sides[s].there)
			footprint[s].done = measure_side(job, &sides[s], cgroup,
							 &footprint[s]);
	}
	if (cgroup)
		cgroup_leave(home);
}
