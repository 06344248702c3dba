// SPDX-License-Identifier: GPL-2.0-only
/*
 * Results as a table, CSV and JSON
 */
#define _GNU_SOURCE
#include <math.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "bench.h"

static FILE *csv, *json;
static bool json_first = true;

/* Logarithms of the ratios of the types that count, singles and batches */
static struct {
	const char *name;
	double logs;
	unsigned int nr;
} means[] = { { "single", 0, 0 }, { "batch", 0, 0 } };

void report_open(FILE *csv_file, FILE *json_file)
{
	struct utsname uts;

	csv = csv_file;
	json = json_file;
	if (uname(&uts))
		strcpy(uts.release, "?");
	printf("Linux %s, %u of %u CPUs; nanoseconds of CLOCK_MONOTONIC_RAW for a call,\n"
	       "or for an element of a batch (b.): %s of all samples. ratio: %s / %s,\n"
	       "below 1 is faster.\n",
	       uts.release, usable_cpus(), possible_cpus(),
	       options.mean ? "mean" : "median", sides[BPFMAP].name,
	       sides[BPF].name);
	if (csv)
		fputs("side,type,key_size,value_size,elements,batch,threads,what,samples,min,p25,median,p75,mean,stddev\n",
		      csv);
	if (json)
		fprintf(json, "{\"kernel\":\"%s\",\"machine\":\"%s\",\"cpus\":%u,\n\"results\":[",
			uts.release, uts.machine, usable_cpus());
}

/* One measured thing, to both files */
static void record(const char *side, const struct job *job, const char *what,
		   const struct summary *s)
{
	if (csv)
		fprintf(csv, "%s,%s,%u,%u,%u,%u,%u,%s,%u,%.2f,%.2f,%.2f,%.2f,%.2f,%.2f\n",
			side, job->type->name, job->key_size, job->value_size,
			job->elements, job->batch, job->threads, what, s->nr,
			s->min, s->p25, s->median, s->p75, s->mean, s->stddev);
	if (!json)
		return;
	fprintf(json, "%s\n{\"side\":\"%s\",\"type\":\"%s\",\"key_size\":%u,\"value_size\":%u,\"elements\":%u,\"batch\":%u,\"threads\":%u,\"what\":\"%s\",",
		json_first ? "" : ",", side, job->type->name, job->key_size,
		job->value_size, job->elements, job->batch, job->threads, what);
	fprintf(json, "\"samples\":%u,\"min\":%.2f,\"p25\":%.2f,\"median\":%.2f,\"p75\":%.2f,\"mean\":%.2f,\"stddev\":%.2f}",
		s->nr, s->min, s->p25, s->median, s->p75, s->mean, s->stddev);
	json_first = false;
}

static const struct job no_job = {
	.type = &(const struct map_type){ .name = "none" },
	.threads = 1,
};

#define FLOOR_CALLS	1000
#define FLOOR_SAMPLES	100

static long no_call(int fd, unsigned int cmd, void *attr, unsigned int size)
{
	(void)fd;
	(void)cmd;
	(void)attr;
	(void)size;
	return 0;
}

static long getppid_call(int fd, unsigned int cmd, void *attr,
			 unsigned int size)
{
	(void)fd;
	(void)cmd;
	(void)attr;
	(void)size;
	return syscall(SYS_getppid);
}

static void floor_of(const char *name, int fd,
		     long (*call)(int fd, unsigned int cmd, void *attr,
				  unsigned int size))
{
	/* A volatile pointer, so that the empty call is a call */
	long (*volatile indirect)(int fd, unsigned int cmd, void *attr,
				  unsigned int size) = call;
	struct bpfmap_elem_attr attr = { 0 };
	struct samples samples = { 0 };
	struct summary summary;
	unsigned int i, k;

	for (i = 0; i < FLOOR_SAMPLES; i++) {
		uint64_t start = now_ns();

		for (k = 0; k < FLOOR_CALLS; k++)
			indirect(fd, 127, &attr, sizeof(attr));
		samples_add(&samples, (double)(now_ns() - start) / FLOOR_CALLS);
	}
	summarize(&samples, &summary);
	printf("  %-34s %9.1f\n", name, summary.typical);
	record("none", &no_job, name, &summary);
}

/* The cost of a call that does nothing; it is part of all other results */
void report_floor(void)
{
	struct bpfmap_create_attr attr = {
		.map_type = BPFMAP_TYPE_ARRAY,
		.key_size = 4,
		.value_size = 8,
		.max_entries = 1,
	};
	struct target target;

	printf("\nIncluded in every call:\n");
	floor_of("empty loop", -1, no_call);
	floor_of("getppid", -1, getppid_call);
	if (sides[BPF].there)
		floor_of("unknown command of bpf(2)", -1, sides[BPF].call);
	if (!sides[BPFMAP].there)
		return;
	floor_of("unknown ioctl of /dev/bpfmap", sides[BPFMAP].device,
		 sides[BPFMAP].call);
	if (target_create(&target, &sides[BPFMAP], &attr))
		return;
	floor_of("unknown ioctl of a map", target.map, sides[BPFMAP].call);
	target_close(&target);
}

double result_ratio(const struct result *result, unsigned int op)
{
	struct summary bpf, bpfmap;

	summarize(&result->samples[BPF][op], &bpf);
	summarize(&result->samples[BPFMAP][op], &bpfmap);
	return bpf.nr && bpfmap.nr ? bpfmap.typical / bpf.typical : 0;
}

static void note_ratio(const struct job *job, const struct op *op,
		       double ratio)
{
	if (!ratio)
		return;
	bounds_add(job, op->name, ratio);
	/* The means are of what bpf(2) has as well */
	if (job->type->core && job->threads == 1 && !op->each) {
		means[op->batch].logs += log(ratio);
		means[op->batch].nr++;
	}
}

static void print_heading(const struct job *job)
{
	unsigned int op;

	printf("\n%s %u/%u, %u elements", job->type->name, job->key_size,
	       job->value_size, job->elements);
	if (job->calls < job->elements)
		printf(" (%u of them used)", job->calls);
	if (job->type->ops & (OP_B_UPDATE | OP_B_LOOKUP))
		printf(", batches of %u", job->batch);
	if (job->threads > 1)
		printf(", %u threads", job->threads);
	printf("\n  %-7s", "");
	for (op = 0; op < NR_OPS; op++)
		printf("%11s", ops[op].name);
	printf("\n");
}

/* Where the middle half of the samples is wider than this, it is shown. */
#define WIDE 0.1

void report_job(const struct result *result)
{
	struct summary summary[SIDES][NR_OPS];
	const struct job *job = &result->job;
	bool both = sides[BPF].there && sides[BPFMAP].there;
	unsigned int op, s;
	bool wide;

	print_heading(job);
	for (s = 0; s < SIDES; s++) {
		if (!sides[s].there)
			continue;
		wide = false;
		printf("  %-7s", sides[s].name);
		for (op = 0; op < NR_OPS; op++) {
			struct summary *sum = &summary[s][op];

			summarize(&result->samples[s][op], sum);
			if (!sum->nr) {
				printf("%11s", "-");
				continue;
			}
			printf("%11.0f", sum->typical);
			wide |= sum->p75 - sum->p25 > WIDE * sum->median;
			record(sides[s].name, job, ops[op].name, sum);
		}
		printf("\n");
		if (!wide)
			continue;
		printf("  %-7s", "  +-");
		for (op = 0; op < NR_OPS; op++)
			if (summary[s][op].nr)
				printf("%10.0f%%", 50 * (summary[s][op].p75 -
							summary[s][op].p25) /
						  summary[s][op].median);
			else
				printf("%11s", "");
		printf("\n");
	}
	if (!both)
		return;
	printf("  %-7s", "ratio");
	for (op = 0; op < NR_OPS; op++) {
		double ratio = result_ratio(result, op);

		if (ratio)
			printf("%11.2f", ratio);
		else
			printf("%11s", "");
		note_ratio(job, &ops[op], ratio);
	}
	printf("\n");
	fflush(stdout);
}

static void record_one(const struct side *side, const struct job *job,
		       const char *what, double value)
{
	const struct summary summary = {
		.nr = 1, .min = value, .p25 = value, .median = value,
		.p75 = value, .mean = value,
	};

	record(side->name, job, what, &summary);
}

void report_memory(const struct job *job,
		   const struct footprint footprint[SIDES])
{
	unsigned int s;

	printf("\n%s %u/%u, %u elements\n  %-7s%16s%16s%16s%16s\n",
	       job->type->name, job->key_size, job->value_size, job->elements,
	       "", "create, ms", "fill, ns/elem", "charged, bytes",
	       "taken, bytes");
	for (s = 0; s < SIDES; s++) {
		const struct footprint *f = &footprint[s];

		if (!f->done)
			continue;
		printf("  %-7s%16.3f%16.0f", sides[s].name, f->create_ns / 1e6,
		       f->fill_ns);
		if (!f->cgroup)
			printf("%16s", "-");
		else
			printf("%16.1f", f->charged);
		printf("%16.1f\n", f->taken);
		record_one(&sides[s], job, "create", f->create_ns);
		record_one(&sides[s], job, "fill", f->fill_ns);
		if (f->cgroup)
			record_one(&sides[s], job, "charged", f->charged);
		record_one(&sides[s], job, "taken", f->taken);
	}
	if (footprint[BPF].done && footprint[BPFMAP].done) {
		printf("  %-7s%16.3f%16.3f", "ratio",
		       footprint[BPFMAP].create_ns / footprint[BPF].create_ns,
		       footprint[BPFMAP].fill_ns / footprint[BPF].fill_ns);
		if (footprint[BPF].cgroup)
			printf("%16.2f", footprint[BPFMAP].charged /
					 footprint[BPF].charged);
		else
			printf("%16s", "");
		printf("%16.2f\n",
		       footprint[BPFMAP].taken / footprint[BPF].taken);
	}
	fflush(stdout);
}

void report_kernel_heading(const struct job *job)
{
	printf("\nIn the kernel, %s %u/%u, %u elements (%u of them used), ns a call\n  %-34s%10s%10s%10s\n",
	       job->type->name, job->key_size, job->value_size, job->elements,
	       job->calls, "", sides[BPF].name, sides[BPFMAP].name, "ratio");
}

void report_kernel(const struct job *job, const char *what,
		   unsigned int threads, const struct samples samples[SIDES])
{
	struct job of_threads = *job;
	struct summary sum[SIDES];
	char name[64];
	unsigned int s;

	of_threads.threads = threads;
	snprintf(name, sizeof(name), "kernel %s", what);
	/* In CSV commas separate the columns */
	for (s = 0; name[s]; s++)
		if (name[s] == ',')
			name[s] = ';';
	for (s = 0; s < SIDES; s++) {
		summarize(&samples[s], &sum[s]);
		if (sum[s].nr)
			record(sides[s].name, &of_threads, name, &sum[s]);
	}
	if (!sum[BPF].nr && !sum[BPFMAP].nr)
		return;
	printf("  %-34s", what);
	for (s = 0; s < SIDES; s++)
		if (sum[s].nr)
			printf("%10.1f", sum[s].typical);
		else
			printf("%10s", "-");
	if (sum[BPF].nr && sum[BPFMAP].nr)
		printf("%10.2f", sum[BPFMAP].typical / sum[BPF].typical);
	printf("\n");
	fflush(stdout);
}

void report_end(void)
{
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(means); i++) {
		double mean;

		if (!means[i].nr)
			continue;
		mean = exp(means[i].logs / means[i].nr);
		printf("%s%s: geometric mean of %u ratios: %.3f\n",
		       i ? "" : "\n", means[i].name, means[i].nr, mean);
		bounds_mean(means[i].name, mean);
	}
	if (json)
		fputs("\n]}\n", json);
	if ((csv && (ferror(csv) || fclose(csv))) ||
	    (json && (ferror(json) || fclose(json))))
		die("cannot write the results");
}
