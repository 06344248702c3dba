// SPDX-License-Identifier: GPL-2.0-only
/*
 * Count the words of text files: by sorting them in user space, in a HASH map
 * by each way, and in PERCPU_HASH maps by two processes at once. All must come
 * to the same words and the same counts.
 */
#define _GNU_SOURCE
#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "bpfmap.h"
#include "demo.h"

#define WORD_BYTES	32	/* longer words are cut, in all ways alike */
#define BATCH		1024
#define TOP		10
#define PROCESSES	2
#define ROUNDS		3	/* to show the least time of */

struct word {
	char text[WORD_BYTES];
};

struct text {
	struct word *words;
	size_t nr, room, bytes;
};

struct count {
	struct word word;
	__u64 nr;
};

struct tally {
	struct count *counts;	/* in the end sorted by word */
	size_t nr, room;
};

static void *must_alloc(size_t nr, size_t size)
{
	void *mem = calloc(nr ? nr : 1, size);

	if (!mem)
		die("no memory");
	return mem;
}

static void text_add(struct text *text, const struct word *word)
{
	if (text->nr == text->room) {
		text->room = text->room ? 2 * text->room : 4096;
		text->words = reallocarray(text->words, text->room,
					   sizeof(*word));
		if (!text->words)
			die("no memory");
	}
	text->words[text->nr++] = *word;
}

/* A word is a run of letters, in lower case */
static void text_read(struct text *text, const char *path)
{
	struct word word = { 0 };
	size_t len = 0;
	FILE *file;
	int c;

	file = fopen(path, "r");
	if (!file)
		die("%s: %s", path, strerror(errno));
	do {
		c = getc(file);
		text->bytes += c != EOF;
		if (c < 128 && isalpha(c)) {
			if (len < WORD_BYTES - 1)
				word.text[len++] = tolower(c);
		} else if (len) {
			text_add(text, &word);
			memset(&word, 0, sizeof(word));
			len = 0;
		}
	} while (c != EOF);
	if (ferror(file))
		die("%s: %s", path, strerror(errno));
	fclose(file);
}

/* The text of a word comes first in struct count, too */
static int by_word(const void *a, const void *b)
{
	return memcmp(a, b, WORD_BYTES);
}

static int by_count(const void *a, const void *b)
{
	const struct count *x = a, *y = b;

	if (x->nr != y->nr)
		return x->nr < y->nr ? 1 : -1;
	return by_word(a, b);
}

static struct tally tally_new(size_t room)
{
	return (struct tally) {
		.counts = must_alloc(room, sizeof(struct count)),
		.room = room,
	};
}

/* In user space alone: sort, then count equal neighbours */
static struct tally tally_plain(const struct text *text)
{
	struct tally tally = tally_new(text->nr);
	struct word *sorted = must_alloc(text->nr, sizeof(*sorted));
	struct count *last = NULL;
	size_t i;

	memcpy(sorted, text->words, text->nr * sizeof(*sorted));
	qsort(sorted, text->nr, sizeof(*sorted), by_word);
	for (i = 0; i < text->nr; i++) {
		if (!last || by_word(&last->word, &sorted[i])) {
			last = &tally.counts[tally.nr++];
			last->word = sorted[i];
		}
		last->nr++;
	}
	free(sorted);
	return tally;
}

/*
 * Counting in maps: each process takes its share of the words. They may do so
 * in one PERCPU_HASH map, each in the slot of its own CPU, if there is
 * BPFMAP_F_CPU to update one slot alone; else each has a map of its own.
 */
struct job {
	const struct way *way;
	const struct text *text;
	int processes;
	int maps[PROCESSES];
	bool cpu_flag;
	unsigned int slots;	/* in a value that a command transfers */
};

static void count_share(const struct job *job, int nr, int cpu)
{
	const __u64 flags = job->cpu_flag ? BPFMAP_F_CPU | (__u64)cpu << 32 : 0;
	__u64 *value = must_alloc(job->slots, sizeof(*value));
	const struct text *text = job->text;
	size_t i;
	int ret;

	for (i = nr; i < text->nr; i += job->processes) {
		struct word *word = &text->words[i];

		ret = way_elem(job->way, BPFMAP_CMD_MAP_LOOKUP_ELEM,
			       job->maps[nr], word, value, flags);
		if (ret == -ENOENT)
			memset(value, 0, job->slots * sizeof(*value));
		else if (ret)
			die("%s: lookup of \"%s\": %s", job->way->name,
			    word->text, errno_name(-ret));
		value[job->slots > 1 ? nr : 0]++;
		ret = way_elem(job->way, BPFMAP_CMD_MAP_UPDATE_ELEM,
			       job->maps[nr], word, value, flags);
		if (ret)
			die("%s: update of \"%s\": %s", job->way->name,
			    word->text, errno_name(-ret));
	}
	free(value);
}

/* A process waits until @go is closed, so that all of them run at once */
static pid_t start_process(const struct job *job, int nr, int cpu,
			   const int go[2])
{
	pid_t pid;
	char c;

	fflush(stdout);
	pid = fork();
	if (pid < 0)
		die("fork: %s", strerror(errno));
	if (pid)
		return pid;

	close(go[1]);
	pin_to_cpu(cpu);
	if (read(go[0], &c, 1) < 0)
		die("read: %s", strerror(errno));
	count_share(job, nr, cpu);
	_exit(0);
}

static void count_at_once(const struct job *job, const int *cpus, __u64 *start)
{
	pid_t pids[PROCESSES];
	int i, go[2], status;

	if (pipe(go))
		die("pipe: %s", strerror(errno));
	for (i = 0; i < job->processes; i++)
		pids[i] = start_process(job, i, cpus[i], go);
	close(go[0]);
	*start = now_ns();
	close(go[1]);
	for (i = 0; i < job->processes; i++) {
		if (waitpid(pids[i], &status, 0) < 0)
			die("waitpid: %s", strerror(errno));
		if (!WIFEXITED(status) || WEXITSTATUS(status))
			die("%s: the process on CPU %d failed", job->way->name,
			    cpus[i]);
	}
}

/* Add all elements of a map, by LOOKUP_BATCH; a value is the sum of its slots */
static void tally_add(struct tally *tally, const struct way *way, int map,
		      unsigned int slots)
{
	__u64 *values = must_alloc(BATCH * slots, sizeof(*values));
	struct word *keys = must_alloc(BATCH, sizeof(*keys));
	struct bpfmap_batch_attr attr = {
		.keys = (unsigned long)keys,
		.values = (unsigned long)values,
	};
	unsigned int i, slot;
	__u32 cursor;
	int ret;

	attr.out_batch = (unsigned long)&cursor;
	do {
		attr.count = BATCH;
		ret = way_batch(way, BPFMAP_CMD_MAP_LOOKUP_BATCH, map, &attr);
		if (ret && ret != -ENOENT)
			die("%s: LOOKUP_BATCH: %s", way->name,
			    errno_name(-ret));
		for (i = 0; i < attr.count; i++) {
			struct count *count = &tally->counts[tally->nr++];

			if (tally->nr > tally->room)
				die("%s: more elements than max_entries",
				    way->name);
			count->word = keys[i];
			count->nr = 0;
			for (slot = 0; slot < slots; slot++)
				count->nr += values[i * slots + slot];
		}
		attr.in_batch = (unsigned long)&cursor;
	} while (!ret);
	free(keys);
	free(values);
}

/* Sort, and make one of what different maps say of the same word */
static void tally_finish(struct tally *tally)
{
	size_t i, last = 0;

	qsort(tally->counts, tally->nr, sizeof(*tally->counts), by_word);
	for (i = 1; i < tally->nr; i++) {
		if (by_word(&tally->counts[last], &tally->counts[i]))
			tally->counts[++last] = tally->counts[i];
		else
			tally->counts[last].nr += tally->counts[i].nr;
	}
	if (tally->nr)
		tally->nr = last + 1;
}

static bool same(const char *what, const struct tally *expected,
		 const struct tally *got)
{
	size_t i, wrong = 0;

	for (i = 0; i < expected->nr && i < got->nr; i++) {
		const struct count *e = &expected->counts[i];
		const struct count *g = &got->counts[i];

		if (by_word(&e->word, &g->word) || e->nr != g->nr) {
			if (!wrong++)
				printf("    %s: expected %s %llu, got %s %llu\n",
				       what, e->word.text, e->nr, g->word.text,
				       g->nr);
		}
	}
	if (expected->nr != got->nr)
		printf("    %s: %zu different words instead of %zu\n", what,
		       got->nr, expected->nr);
	return !wrong && expected->nr == got->nr;
}

static void report(const char *what, const struct tally *tally)
{
	__u64 total = 0;
	size_t i;

	for (i = 0; i < tally->nr; i++)
		total += tally->counts[i].nr;
	printf("  %-40s %7llu words, %5zu different", what, total, tally->nr);
}

static bool has_cpu_flag(const struct way *way)
{
	const struct bpfmap_create_attr create = {
		.map_type = BPFMAP_TYPE_PERCPU_ARRAY,
		.key_size = sizeof(__u32),
		.value_size = sizeof(__u64),
		.max_entries = 1,
	};
	int map = must_create(way, &create);
	__u32 key = 0;
	__u64 value;
	int ret;

	ret = way_elem(way, BPFMAP_CMD_MAP_LOOKUP_ELEM, map, &key, &value,
		       BPFMAP_F_CPU);
	close(map);
	return ret == 0;
}

/* What one way came to */
struct outcome {
	struct tally tally;
	__u64 least;		/* ns */
	bool one_map;
};

/* One process and a HASH map, or some processes and PERCPU_HASH maps */
static void count_once(const struct way *way, bool percpu,
		       const struct text *text, size_t words,
		       struct outcome *outcome)
{
	unsigned int slots = percpu ? bpfmap_num_possible_cpus() : 1;
	int i, nr_maps, cpus[PROCESSES];
	struct bpfmap_create_attr create = {
		.map_type = percpu ? BPFMAP_TYPE_PERCPU_HASH : BPFMAP_TYPE_HASH,
		.key_size = WORD_BYTES,
		.value_size = sizeof(__u64),
		.max_entries = words,
		.map_name = "words",
	};
	struct job job = {
		.way = way,
		.text = text,
		.processes = percpu ? usable_cpus(cpus, PROCESSES) : 1,
		.cpu_flag = percpu && has_cpu_flag(way),
	};
	__u64 start;

	outcome->one_map = !percpu || job.cpu_flag;
	job.slots = job.cpu_flag ? 1 : slots;
	nr_maps = outcome->one_map ? 1 : job.processes;
	for (i = 0; i < job.processes; i++)
		job.maps[i] = i < nr_maps ? must_create(way, &create) :
					    job.maps[0];

	start = now_ns();
	if (percpu)
		count_at_once(&job, cpus, &start);
	else
		count_share(&job, 0, 0);
	start = now_ns() - start;
	if (!outcome->least || start < outcome->least)
		outcome->least = start;

	free(outcome->tally.counts);
	outcome->tally = tally_new(words * nr_maps);
	for (i = 0; i < nr_maps; i++) {
		tally_add(&outcome->tally, way, job.maps[i], slots);
		close(job.maps[i]);
	}
	tally_finish(&outcome->tally);
}

/* Both ways take turns, so that both meet the same disturbances */
static bool compare(bool percpu, const struct text *text,
		    const struct tally *plain)
{
	struct outcome outcomes[WAYS] = { 0 };
	bool ok = true;
	int i, round;

	for (round = 0; round < ROUNDS; round++) {
		for (i = 0; i < WAYS; i++) {
			count_once(&ways[i], percpu, text, plain->nr,
				   &outcomes[i]);
			ok &= same(ways[i].name, plain, &outcomes[i].tally);
		}
	}
	for (i = 0; i < WAYS; i++) {
		const struct outcome *outcome = &outcomes[i];
		char what[64];

		snprintf(what, sizeof(what), "%s: %s%s", ways[i].name,
			 percpu ? "PERCPU_HASH, two processes" : "HASH",
			 outcome->one_map ? "" : " (1)");
		report(what, &outcome->tally);
		printf(", %.3f s\n", outcome->least / 1e9);
		if (!outcome->one_map)
			printf("  (1) a map each, added up in the end: %s has no BPF_F_CPU\n",
			       ways[i].name);
		free(outcome->tally.counts);
	}
	return ok;
}

static void print_top(struct tally *tally)
{
	size_t i;

	qsort(tally->counts, tally->nr, sizeof(*tally->counts), by_count);
	printf("\n  the %d most frequent:", TOP);
	for (i = 0; i < TOP && i < tally->nr; i++)
		printf("%s %s %llu", i ? "," : "", tally->counts[i].word.text,
		       tally->counts[i].nr);
	printf("\n");
}

bool words(int nr_files, char **files)
{
	struct text text = { 0 };
	struct tally plain;
	bool ok = true;
	int i;

	for (i = 0; i < nr_files; i++)
		text_read(&text, files[i]);
	if (!text.nr)
		die("there is no word in these files");
	printf("Words of %d files, %zu bytes. For each: look its count up, add 1, update.\n"
	       "Least time of %d.\n\n", nr_files, text.bytes, ROUNDS);
	plain = tally_plain(&text);
	report("user space alone, by sorting", &plain);
	printf("\n");
	ok &= compare(false, &text, &plain);
	ok &= compare(true, &text, &plain);
	if (ok)
		printf("\n  equal: every word and every count, each time\n");
	else
		printf("\n  NOT EQUAL\n");
	print_top(&plain);
	free(plain.counts);
	free(text.words);
	return ok;
}
