// SPDX-License-Identifier: GPL-2.0-only
/*
 * fuzz - coverage-guided fuzzer of /dev/bpfmap
 *
 *	fuzz --replay FILE...		run the programs of files, as a test
 *	fuzz [option...] FILE...	look for programs that reach more
 *
 * Runs as root in a machine that it can spoil: see scripts/fuzz.sh.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <getopt.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include "fuzz.h"

#define PINS		"/tmp/fuzz/pins"
#define GROUPS		"/tmp/fuzz/groups"
#define REPLAY		"/sys/module/kernel/parameters/panic_console_replay"
/* Seconds for one program: ten maps that fill the memory take over a minute */
#define STUCK		180
#define PROGRESS	10
#define REPLAYS		1

struct shared *shared;

static struct {
	unsigned int seconds, later, workers;
	uint64_t seed;
	const char *pcs;
	bool replay;
} opts = { .seconds = 600, .later = 0, .workers = 3, .seed = 1 };

static pid_t workers[MAX_WORKERS];
static uint64_t last_beat[MAX_WORKERS];
static time_t last_seen[MAX_WORKERS];
static unsigned int restarts, broken;

/* ------------------------------------------------------------------------- */
/* The machine */

static void set(const char *path, const char *value)
{
	int fd = open(path, O_WRONLY | O_CLOEXEC);

	/* Not every kernel has each of these */
	if (fd < 0)
		return;
	if (write(fd, value, strlen(value)) < 0)
		fprintf(stderr, "fuzz: %s: %s\n", path, strerror(errno));
	close(fd);
}

/* Let allocations and copies fail without messages; panic at a stall */
static void set_kernel(void)
{
	static const char *const faults[] = {
		"failslab", "fail_page_alloc", "fail_usercopy",
	};
	char path[128];

	for (size_t i = 0; i < ARRAY_SIZE(faults); i++) {
		snprintf(path, sizeof(path), "/sys/kernel/debug/%s/verbose",
			 faults[i]);
		set(path, "0");
	}
	set("/sys/kernel/debug/failslab/ignore-gfp-wait", "N");
	set("/sys/kernel/debug/fail_page_alloc/ignore-gfp-wait", "N");
	set("/sys/kernel/debug/fail_page_alloc/ignore-gfp-highmem", "N");
	set("/sys/kernel/debug/fail_page_alloc/min-order", "0");
	set("/proc/sys/kernel/hung_task_panic", "1");
	set("/proc/sys/kernel/softlockup_panic", "1");
	set("/proc/sys/kernel/panic_on_rcu_stall", "1");
	set("/proc/sys/kernel/printk_devkmsg", "on\n");
	/* When it panics, show all messages again, those of log_prog() too */
	if (!access(REPLAY, W_OK))
		set(REPLAY, "1");
	else
		set("/proc/sys/kernel/panic_print", "32");
}

static int remove_entry(const char *path, const struct stat *st, int type,
			struct FTW *ftw)
{
	(void)st;
	(void)type;
	if (ftw->level)
		remove(path);
	return 0;
}

static void clean_pins(void)
{
	nftw(PINS, remove_entry, 16, FTW_DEPTH | FTW_PHYS);
}

static void set_files(void)
{
	int fd;

	umask(0);
	mkdir("/tmp/fuzz", 0777);
	mkdir(PINS, 0777);
	mkdir("/tmp/fuzz/mount", 0777);
	fd = open("/tmp/fuzz/file", O_CREAT | O_RDWR | O_CLOEXEC, 0666);
	if (fd < 0 || mount("pins", PINS, "bpfmapfs", 0, NULL)) {
		perror("fuzz: " PINS);
		exit(1);
	}
	close(fd);
}

/* Maps for all: others of the same kind after a while, as these get frozen */
static void share_maps(void)
{
	int device = open("/dev/bpfmap", O_RDWR | O_CLOEXEC);

	for (int i = 0; i < N_SHARED; i++) {
		const struct type_row *row = &type_rows[i];
		struct bpfmap_create_attr a = {
			.map_type = row->type,
			.key_size = row_keys(row)[0],
			.value_size = row_values(row)[0],
			.max_entries = row_entries(row)[0],
			.map_flags = row->must | (row->may & BPFMAP_F_MMAPABLE),
			.inner_map_fd = shared_fds[0],
		};

		if (shared_fds[i] > 0)
			close(shared_fds[i]);
		shared_fds[i] = ioctl(device, BPFMAP_MAP_CREATE, &a);
		shared_shapes[i] = (struct shape){
			a.map_type, a.key_size, a.value_size, a.max_entries,
		};
		if (shared_fds[i] < 0) {
			perror("fuzz: shared maps");
			exit(1);
		}
	}
	close(device);
}

/* Maps without a user that still exist: 0 after a while */
static int maps_left(void)
{
	int device = open("/dev/bpfmap", O_RDWR | O_CLOEXEC), n = 0;

	for (int tries = 0; tries < 600; tries++) {
		struct bpfmap_id_attr a = {};

		for (n = 0; !ioctl(device, BPFMAP_MAP_GET_NEXT_ID, &a); n++)
			a.start_id = a.next_id;
		if (!n)
			break;
		usleep(100 * 1000);
	}
	close(device);
	return n;
}

static int let_go(void)
{
	for (int i = 0; i < N_SHARED; i++)
		close(shared_fds[i]);
	clean_pins();
	umount2(PINS, MNT_DETACH);
	return maps_left();
}

/* ------------------------------------------------------------------------- */
/* Seeds */

static void read_seeds(const char *file, bool (*take)(const struct prog *p))
{
	unsigned int line = 0;
	struct prog p;
	int ret;
	FILE *f = fopen(file, "re");

	if (!f) {
		perror(file);
		exit(2);
	}
	while ((ret = prog_read(f, file, &line, &p)) > 0 && take(&p))
		;
	fclose(f);
	if (ret < 0)
		exit(2);
}

static bool add_seed(const struct prog *p)
{
	if (shared->n_seeds < MAX_CORPUS)
		shared->seeds[shared->n_seeds++] = *p;
	return true;
}

/* One program for each type and size: what chance would take long to find */
static void add_sweep(void)
{
	struct prog p;

	for (unsigned int i = 0; gen_sweep(i, &p); i++)
		add_seed(&p);
}

/* Without KCOV keep every given program */
static bool add_kept(const struct prog *p)
{
	shared->corpus[shared->n_corpus] = *p;
	shared->ready[shared->n_corpus] = 1;
	return ++shared->n_corpus < MAX_CORPUS;
}

/* ------------------------------------------------------------------------- */
/* Replay */

static bool replay(const struct prog *p)
{
	log_prog(0, p);
	for (int i = 0; i < REPLAYS; i++) {
		alarm(STUCK);
		exec_prog(p);
	}
	__atomic_add_fetch(&shared->execs, 1, __ATOMIC_RELAXED);
	return true;
}

static int replay_file(const char *file)
{
	int status;
	pid_t pid;

	fflush(stdout);
	pid = fork();
	if (pid < 0)
		return -1;
	if (!pid) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		if (chdir(PINS) || exec_init()) {
			perror("fuzz: replay");
			_exit(1);
		}
		read_seeds(file, replay);
		fflush(stdout);
		_exit(0);
	}
	return waitpid(pid, &status, 0) == pid ? status : -1;
}

static int replay_all(char **files, int n)
{
	int failed = 0, left;

	printf("TAP version 13\n1..%d\n", n + 1);
	for (int i = 0; i < n; i++) {
		char *path = realpath(files[i], NULL);
		uint64_t before = shared->execs;
		int status;

		clean_pins();
		status = path ? replay_file(path) : -1;
		if (status)
			printf("# %s: status %#x\n", files[i], status);
		printf("%sok %d - %s: %llu programs\n", status ? "not " : "",
		       i + 1, files[i],
		       (unsigned long long)(shared->execs - before));
		failed += !!status;
		free(path);
	}
	left = let_go();
	printf("%sok %d - no map is left\n", left ? "not " : "", n + 1);
	return failed || left;
}

/* ------------------------------------------------------------------------- */
/* Workers */

static time_t now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec;
}

static void set_groups(void)
{
	mkdir(GROUPS, 0755);
	if (!mount("cgroup2", GROUPS, "cgroup2", 0, NULL))
		set(GROUPS "/cgroup.subtree_control", "+memory");
}

/*
 * Each in a memory cgroup of its own, which is removed with it, except for
 * pinned maps that it leaves to others.
 */
static void enter_group(unsigned int i)
{
	char path[64];

	snprintf(path, sizeof(path), GROUPS "/worker%u", i);
	rmdir(path);
	mkdir(path, 0755);
	snprintf(path, sizeof(path), GROUPS "/worker%u/cgroup.procs", i);
	set(path, "0");
}

static void start_worker(unsigned int i)
{
	uint64_t seed = opts.seed * 1000003 + i * 7919 + restarts++ * 104729;
	pid_t pid;

	fflush(stdout);
	pid = fork();
	if (!pid) {
		enter_group(i);
		worker(i, seed);
	}
	workers[i] = pid;
	last_seen[i] = now();
}

static void worker_ended(unsigned int i, int status)
{
	workers[i] = 0;
	if (!status)
		return;
	broken++;
	printf("# worker %u ended with status %#x in\n", i, status);
	prog_print(stdout, &shared->now[i]);
}

/* A program that does not end: what holds it may be the kernel */
static void check_beat(unsigned int i)
{
	if (shared->beat[i] != last_beat[i]) {
		last_beat[i] = shared->beat[i];
		last_seen[i] = now();
	} else if (workers[i] && now() - last_seen[i] > STUCK) {
		printf("# worker %u is stuck\n", i);
		kill(workers[i], SIGKILL);
		last_seen[i] = now();
	}
}

static void watch_workers(bool restart)
{
	int status;
	pid_t pid;

	while ((pid = waitpid(-1, &status, WNOHANG)) > 0)
		for (unsigned int i = 0; i < opts.workers; i++)
			if (workers[i] == pid)
				worker_ended(i, status);
	for (unsigned int i = 0; i < opts.workers; i++) {
		check_beat(i);
		if (!workers[i] && restart)
			start_worker(i);
	}
}

static bool any_worker(void)
{
	for (unsigned int i = 0; i < opts.workers; i++)
		if (workers[i])
			return true;
	return false;
}

static void progress(time_t begin)
{
	unsigned int t = now() - begin;

	printf("[%2u:%02u] %llu programs (%llu/s), %llu calls, %llu failed on purpose, %u kept, %u places, %u edges, %u fresh processes\n",
	       t / 60, t % 60, (unsigned long long)shared->execs,
	       (unsigned long long)shared->execs / (t ?: 1),
	       (unsigned long long)shared->calls,
	       (unsigned long long)shared->injected, shared->n_corpus,
	       cover->nr_pcs, cover->nr_edges, restarts);
	fflush(stdout);
}

static void fuzz_for(unsigned int seconds, time_t begin)
{
	time_t end = now() + seconds, told = now();

	shared->stop = false;
	while (now() < end) {
		watch_workers(true);
		usleep(50 * 1000);
		if (now() - told < PROGRESS)
			continue;
		told = now();
		progress(begin);
		if (told % 60 < PROGRESS)
			share_maps();
	}
	shared->stop = true;
	while (any_worker()) {
		watch_workers(false);
		usleep(50 * 1000);
	}
}

static void distill_all(void)
{
	pid_t pid;

	fflush(stdout);
	pid = fork();
	if (!pid)
		distill();
	waitpid(pid, NULL, 0);
}

static int fuzz(void)
{
	time_t begin = now();
	int left, probes;

	set_groups();
	fuzz_for(opts.seconds, begin);
	if (opts.pcs) {
		probes = cover_probe(opts.pcs);
		printf("# %d probes on what no call reached\n", probes);
		fuzz_for(opts.later, begin);
		cover_probed();
	}
	progress(begin);
	cover_print();
	if (cover->nr_pcs)
		distill_all();
	left = let_go();
	printf("# %u workers broke, %d maps are left\n", broken, left);
	return broken || left;
}

/* ------------------------------------------------------------------------- */

static void usage(void)
{
	fprintf(stderr, "usage: fuzz [--verbose] --replay FILE...\n"
		"       fuzz [--seconds N] [--workers N] [--seed N] [--pcs FILE] [--later N] [FILE...]\n");
	exit(2);
}

static void parse(int argc, char **argv)
{
	static const struct option options[] = {
		{ "replay", no_argument, NULL, 'r' },
		{ "verbose", no_argument, NULL, 'v' },
		{ "seconds", required_argument, NULL, 's' },
		{ "workers", required_argument, NULL, 'w' },
		{ "seed", required_argument, NULL, 'S' },
		{ "pcs", required_argument, NULL, 'p' },
		{ "later", required_argument, NULL, 'l' },
		{ }
	};
	int opt;

	while ((opt = getopt_long(argc, argv, "", options, NULL)) >= 0) {
		switch (opt) {
		case 'r':
			opts.replay = true;
			break;
		case 'v':
			exec_verbose = true;
			break;
		case 's':
			opts.seconds = strtoul(optarg, NULL, 0);
			break;
		case 'w':
			opts.workers = strtoul(optarg, NULL, 0);
			break;
		case 'S':
			opts.seed = strtoull(optarg, NULL, 0);
			break;
		case 'p':
			opts.pcs = optarg;
			break;
		case 'l':
			opts.later = strtoul(optarg, NULL, 0);
			break;
		default:
			usage();
		}
	}
	if (!opts.workers || opts.workers > MAX_WORKERS ||
	    (opts.replay && optind == argc))
		usage();
}

int main(int argc, char **argv)
{
	bool traced;

	parse(argc, argv);
	shared = mmap(NULL, sizeof(*shared), PROT_READ | PROT_WRITE,
		      MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (shared == MAP_FAILED)
		abort();
	kmsg_fd = open("/dev/kmsg", O_WRONLY | O_CLOEXEC);
	set_kernel();
	set_files();
	share_maps();
	traced = cover_init();
	if (opts.replay)
		return replay_all(argv + optind, argc - optind);
	for (; optind < argc; optind++)
		read_seeds(argv[optind], traced ? add_seed : add_kept);
	shared->n_given = shared->n_seeds;
	if (traced)
		add_sweep();
	else
		printf("# no KCOV here: programs are made up and forgotten\n");
	return fuzz();
}
