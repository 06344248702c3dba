// SPDX-License-Identifier: GPL-2.0-only
/*
 * cover - what the module's code was reached, by KCOV and by probes
 *
 * KCOV traces what a thread's own calls reach. Code that runs later, outside
 * any call - work queues, RCU, interrupts - is found by kprobes on the places
 * that no call reached, late in a run.
 */
#define _GNU_SOURCE
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <linux/kcov.h>

#include "fuzz.h"

#define KCOV		"/sys/kernel/debug/kcov"
#define SECTIONS	"/sys/module/bpfmap/sections"
#define TRACING		"/sys/kernel/tracing"
#define TRACE_WORDS	(64u << 10)
#define CALL_BYTES	5	/* of the call that KCOV reports the end of */

struct section {
	char name[32];
	uint64_t start;
};

struct cover *cover;
static struct section sections[16];
static unsigned int n_sections;
static uint64_t base = UINT64_MAX;

/* When a place was reached: in which run of this process */
static uint32_t epoch;
static uint32_t reached[MAX_TEXT + N_EDGES];
static uint32_t fresh[MAX_NEW], n_fresh;
static uint32_t last_pc;		/* the highest of all runs */

/* ------------------------------------------------------------------------- */
/* Where the module is */

static void add_section(const char *name)
{
	struct section *s = &sections[n_sections];
	char path[512];
	FILE *f;

	if (n_sections == ARRAY_SIZE(sections) || strlen(name) >= sizeof(s->name))
		return;
	snprintf(path, sizeof(path), SECTIONS "/%s", name);
	f = fopen(path, "re");
	if (!f)
		return;
	if (fscanf(f, "%lx", &s->start) == 1 && s->start) {
		strcpy(s->name, name);
		if (s->start < base)
			base = s->start;
		n_sections++;
	}
	fclose(f);
}

static bool find_sections(void)
{
	DIR *dir = opendir(SECTIONS);
	struct dirent *e;

	if (!dir)
		return false;
	while ((e = readdir(dir)))
		if (!strncmp(e->d_name, ".text", 5) ||
		    !strcmp(e->d_name, ".exit.text"))
			add_section(e->d_name);
	closedir(dir);
	return n_sections;
}

/* The section that an offset from the base is in */
static const struct section *section_of(uint64_t at)
{
	const struct section *best = NULL;

	for (unsigned int i = 0; i < n_sections; i++)
		if (sections[i].start <= base + at &&
		    (!best || sections[i].start > best->start))
			best = &sections[i];
	return best;
}

static bool offset_of(const char *name, uint64_t offset, uint64_t *at)
{
	for (unsigned int i = 0; i < n_sections; i++) {
		if (!strcmp(sections[i].name, name)) {
			*at = sections[i].start + offset - base;
			return *at < MAX_TEXT;
		}
	}
	return false;
}

/* ------------------------------------------------------------------------- */
/* Traces */

bool cover_init(void)
{
	cover = mmap(NULL, sizeof(*cover), PROT_READ | PROT_WRITE,
		     MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (cover == MAP_FAILED)
		abort();
	return !access(KCOV, R_OK) && find_sections();
}

void cover_open(struct ctx *c)
{
	c->kcov = NULL;
	c->kcov_fd = n_sections ? open(KCOV, O_RDWR | O_CLOEXEC) : -1;
	if (c->kcov_fd < 0)
		return;
	if (!ioctl(c->kcov_fd, KCOV_INIT_TRACE, TRACE_WORDS))
		c->kcov = mmap(NULL, TRACE_WORDS * sizeof(uint64_t),
			       PROT_READ | PROT_WRITE, MAP_SHARED, c->kcov_fd,
			       0);
	if (c->kcov == MAP_FAILED)
		c->kcov = NULL;
}

void cover_enable(struct ctx *c)
{
	if (c->kcov && ioctl(c->kcov_fd, KCOV_ENABLE, KCOV_TRACE_PC))
		c->kcov = NULL;
}

void cover_start(struct ctx *c)
{
	if (c->kcov)
		__atomic_store_n(&c->kcov[0], 0, __ATOMIC_RELAXED);
}

static void reach(uint32_t i, const uint8_t *known)
{
	uint32_t n;

	if (reached[i] == epoch)
		return;
	reached[i] = epoch;
	if (*known)
		return;
	n = __atomic_fetch_add(&n_fresh, 1, __ATOMIC_RELAXED);
	if (n < MAX_NEW)
		fresh[n] = i;
}

void cover_stop(struct ctx *c)
{
	uint64_t n, at, prev = 0;
	uint32_t edge;

	if (!c->kcov)
		return;
	n = __atomic_load_n(&c->kcov[0], __ATOMIC_RELAXED);
	for (uint64_t i = 1; i <= n && i < TRACE_WORDS; i++) {
		at = c->kcov[i] - base;
		if (at >= MAX_TEXT)
			continue;
		if (at > last_pc)
			last_pc = at;
		reach(at, &cover->pcs[at]);
		edge = (at * 0x9e3779b1u ^ prev * 0x85ebca6bu) >> 8 & (N_EDGES - 1);
		reach(MAX_TEXT + edge, &cover->edges[edge]);
		prev = at;
	}
	__atomic_store_n(&c->kcov[0], 0, __ATOMIC_RELAXED);
}

/* ------------------------------------------------------------------------- */
/* What a run reached */

void cover_new_run(void)
{
	epoch++;
	n_fresh = 0;
}

uint32_t cover_new(uint32_t *list)
{
	uint32_t n = n_fresh < MAX_NEW ? n_fresh : MAX_NEW;

	memcpy(list, fresh, n * sizeof(*list));
	return n;
}

bool cover_again(const uint32_t *list, uint32_t n)
{
	for (uint32_t i = 0; i < n; i++)
		if (reached[list[i]] != epoch)
			return false;
	return true;
}

uint32_t cover_keep(uint32_t *list, uint32_t n)
{
	uint32_t kept = 0;

	for (uint32_t i = 0; i < n; i++)
		if (reached[list[i]] == epoch)
			list[kept++] = list[i];
	return kept;
}

void cover_add(const uint32_t *list, uint32_t n)
{
	for (uint32_t i = 0; i < n; i++) {
		bool is_pc = list[i] < MAX_TEXT;
		uint8_t *known = is_pc ? &cover->pcs[list[i]] :
					 &cover->edges[list[i] - MAX_TEXT];

		if (!__atomic_exchange_n(known, PC_DIRECT, __ATOMIC_RELAXED))
			__atomic_add_fetch(is_pc ? &cover->nr_pcs :
					   &cover->nr_edges, 1,
					   __ATOMIC_RELAXED);
	}
}

uint32_t cover_run_pcs(uint32_t *list, uint32_t max)
{
	uint32_t n = 0;

	for (uint32_t i = 0; i <= last_pc && n < max; i++)
		if (reached[i] == epoch)
			list[n++] = i;
	return n;
}

/* ------------------------------------------------------------------------- */
/* What runs later */

static bool write_file(const char *path, const char *text, int flags)
{
	int fd = open(path, O_WRONLY | O_CLOEXEC | flags);
	bool ok;

	if (fd < 0)
		return false;
	ok = write(fd, text, strlen(text)) == (ssize_t)strlen(text);
	close(fd);
	return ok;
}

int cover_probe(const char *list)
{
	unsigned long offset;
	char name[32], text[128];
	uint64_t at;
	int n = 0;
	FILE *f = fopen(list, "re");

	if (!f)
		return -1;
	mkdir(TRACING, 0700);
	mount("tracefs", TRACING, "tracefs", 0, NULL);
	while (fscanf(f, "%31s %lx%*[^\n]", name, &offset) == 2) {
		if (!offset_of(name, offset, &at) || cover->pcs[at])
			continue;
		snprintf(text, sizeof(text), "p:fuzz/p%lx 0x%lx\n", at,
			 base + at - CALL_BYTES);
		n += write_file(TRACING "/kprobe_events", text, O_APPEND);
	}
	fclose(f);
	if (n && !write_file(TRACING "/events/fuzz/enable", "1", 0))
		return -1;
	return n;
}

void cover_probed(void)
{
	unsigned long at, hits;
	char line[256];
	FILE *f = fopen(TRACING "/kprobe_profile", "re");

	if (!f)
		return;
	while (fgets(line, sizeof(line), f)) {
		if (sscanf(line, " p%lx %lu", &at, &hits) != 2 ||
		    at >= MAX_TEXT || !hits || cover->pcs[at])
			continue;
		cover->pcs[at] = PC_LATER;
		cover->nr_pcs++;
	}
	fclose(f);
	write_file(TRACING "/events/fuzz/enable", "0", 0);
	write_file(TRACING "/kprobe_events", "", O_TRUNC);
}

void cover_print(void)
{
	for (uint32_t at = 0; at < MAX_TEXT; at++) {
		const struct section *s = section_of(at);

		if (cover->pcs[at] && s)
			printf("=pc %s %lx %s\n", s->name,
			       base + at - s->start,
			       cover->pcs[at] == PC_DIRECT ? "call" : "later");
	}
}
