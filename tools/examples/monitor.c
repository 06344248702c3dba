// SPDX-License-Identifier: GPL-2.0-only
/*
 * A monitor: read all of N counters ten times a second, in three ways, and print
 * which part of a CPU each of them takes
 *
 *	monitor [COUNTERS [SECONDS]]	1,000,000 and 5
 *
 * The counters are in a HASH of bpfmap with a view, and in one of bpf(2) if that
 * is allowed. Another thread adds to some of them all the time. A way that needs
 * more than a tenth of a second for a pass takes more than a CPU.
 */
#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>
#include <linux/bpf.h>
#include <bpfmap_view.h>

#define PERIOD_NS	100000000LL	/* ten times a second */
#define BATCH		4096

struct monitor {
	struct bpfmap_view *view;
	int map, bpf;
	__u32 counters;
	unsigned int seconds;
	__u64 *keys, *values;	/* of a batch */
	__u32 seen;		/* counters in this pass */
	__u64 sum;
};

static volatile int stop;

static long long clock_ns(clockid_t clock)
{
	struct timespec t;

	clock_gettime(clock, &t);
	return t.tv_sec * 1000000000LL + t.tv_nsec;
}

static int sys_bpf(int cmd, union bpf_attr *attr)
{
	return syscall(SYS_bpf, cmd, attr, sizeof(*attr));
}

/* --- ways to read all counters --- */

static int add(const void *key, const void *value, void *ctx)
{
	struct monitor *m = ctx;

	(void)key;
	m->seen++;
	m->sum += *(const __u64 *)value;
	return 0;
}

static void read_view(struct monitor *m)
{
	__u64 key, value;

	bpfmap_view_for_each(m->view, &key, &value, add, m);
}

static void read_batches(struct monitor *m)
{
	union bpf_attr attr;
	__u64 cursor;
	__u32 i;
	int err;

	memset(&attr, 0, sizeof(attr));
	attr.batch.out_batch = (unsigned long)&cursor;
	attr.batch.keys = (unsigned long)m->keys;
	attr.batch.values = (unsigned long)m->values;
	attr.batch.map_fd = m->bpf;
	do {
		attr.batch.count = BATCH;
		err = sys_bpf(BPF_MAP_LOOKUP_BATCH, &attr) ? errno : 0;
		if (err && err != ENOENT)
			return;
		attr.batch.in_batch = attr.batch.out_batch;
		for (i = 0; i < attr.batch.count; i++)
			m->sum += m->values[i];
		m->seen += attr.batch.count;
	} while (!err);
}

static void read_one_by_one(struct monitor *m)
{
	union bpf_attr attr;
	__u64 key, value;

	memset(&attr, 0, sizeof(attr));
	attr.map_fd = m->bpf;
	attr.key = (unsigned long)&key;
	attr.value = (unsigned long)&value;
	for (key = 0; key < m->counters; key++) {
		if (sys_bpf(BPF_MAP_LOOKUP_ELEM, &attr))
			continue;
		m->sum += value;
		m->seen++;
	}
}

/* --- what they take --- */

/* Ten passes a second, or as many as it can */
static int watch(struct monitor *m, const char *name,
		 void (*read_all)(struct monitor *m))
{
	long long start, next, cpu, wall;
	unsigned int passes = 0;

	read_all(m); /* page faults of the first pass are not of interest */
	start = clock_ns(CLOCK_MONOTONIC);
	next = start;
	cpu = clock_ns(CLOCK_THREAD_CPUTIME_ID);
	do {
		struct timespec at;

		m->seen = 0;
		read_all(m);
		passes++;
		next += PERIOD_NS;
		at = (struct timespec){ next / 1000000000, next % 1000000000 };
		clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &at, NULL);
		wall = clock_ns(CLOCK_MONOTONIC) - start;
	} while (wall < m->seconds * 1000000000LL);
	cpu = clock_ns(CLOCK_THREAD_CPUTIME_ID) - cpu;
	printf("%-22s %8u counters %9.1f ms a pass %8.1f %% of a CPU\n", name,
	       m->seen, cpu / 1e6 / passes,
	       100.0 * cpu / passes / PERIOD_NS);
	return m->seen != m->counters;
}

/* What the counters count */
static void *count(void *arg)
{
	struct monitor *m = arg;
	__u64 key, value;

	for (key = 0; !stop; key = (key + 7919) % m->counters) {
		if (!bpfmap_view_lookup_fixed(m->view, &key, 8, &value, 8)) {
			value++;
			bpfmap_update_elem(m->map, &key, &value, BPFMAP_F_EXIST);
		}
		usleep(1000);
	}
	return NULL;
}

static int fill(struct monitor *m)
{
	union bpf_attr attr;
	__u64 key, value = 1;
	int err = 0;

	memset(&attr, 0, sizeof(attr));
	attr.map_fd = m->bpf;
	attr.key = (unsigned long)&key;
	attr.value = (unsigned long)&value;
	for (key = 0; key < m->counters && !err; key++) {
		err = bpfmap_update_elem(m->map, &key, &value, 0);
		if (!err && m->bpf >= 0)
			err = sys_bpf(BPF_MAP_UPDATE_ELEM, &attr);
	}
	return err;
}

static int create_bpf(__u32 counters)
{
	union bpf_attr attr;

	memset(&attr, 0, sizeof(attr));
	attr.map_type = BPF_MAP_TYPE_HASH;
	attr.key_size = 8;
	attr.value_size = 8;
	attr.max_entries = counters;
	return sys_bpf(BPF_MAP_CREATE, &attr);
}

static int open_maps(struct monitor *m)
{
	BPFMAP_OPTS(bpfmap_create_opts, opts, .map_flags = BPFMAP_F_VIEW);
	BPFMAP_OPTS(bpfmap_view_opts, view, .key_size = 8, .value_size = 8,
		    .populate = true);

	m->map = bpfmap_create(BPFMAP_TYPE_HASH, "counters", 8, 8, m->counters,
			       &opts);
	m->view = m->map < 0 ? NULL : bpfmap_view_open(m->map, &view);
	if (!m->view) {
		perror("a map with a view");
		return 1;
	}
	m->bpf = create_bpf(m->counters);
	m->keys = calloc(BATCH, sizeof(*m->keys));
	m->values = calloc(BATCH, sizeof(*m->values));
	return !m->keys || !m->values || fill(m);
}

int main(int argc, char **argv)
{
	struct monitor m = {
		.counters = argc > 1 ? atoi(argv[1]) : 1000000,
		.seconds = argc > 2 ? atoi(argv[2]) : 5,
	};
	pthread_t counter;
	int err;

	if (!m.counters || open_maps(&m))
		return 1;
	if (pthread_create(&counter, NULL, count, &m))
		return 1;
	err = watch(&m, "view", read_view);
	if (m.bpf >= 0) {
		err |= watch(&m, "bpf(2), LOOKUP_BATCH", read_batches);
		err |= watch(&m, "bpf(2), one by one", read_one_by_one);
	}
	stop = 1;
	pthread_join(counter, NULL);
	bpfmap_view_close(m.view);
	return err;
}
