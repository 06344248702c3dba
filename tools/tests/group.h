/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * group - memory cgroups, the charges of maps to them, and tasks that run in
 * one
 */
#ifndef BPFMAP_TESTS_GROUP_H
#define BPFMAP_TESTS_GROUP_H

#include "load.h"

#define GROUP_ROOT	"/sys/fs/cgroup"
#define MIB		(1024L * 1024)
#define GROUP_VALUE	256	/* bytes of a value of one of the kinds */

/*
 * Two groups that maps are created in and used from, or without the memory
 * controller of cgroup v2 none; and their end
 */
#define GROUP_OWNER	GROUP_ROOT "/bpfmap_owner"
#define GROUP_OTHER	GROUP_ROOT "/bpfmap_other"

void groups_begin(void);
void groups_end(void);

/* run_tests() between the two */
int groups_run_tests(void);

/* Are they there? Without limits then; if not, the test is skipped */
bool groups_there(void);

/* Files of a group: 0 or -errno, and a number or -1 */
int group_write(const char *dir, const char *name, const char *text);
long group_read(const char *dir, const char *name, const char *field);
long group_current(const char *dir);
long group_kills(const char *dir);

/*
 * memory.current, once it is @at_most so much; what it is if it does not become
 * less any more
 */
long group_wait(const char *dir, long at_most);

/*
 * memory.current once former maps are freed completely: of a group
 * with tasks of its own, and of one with groups in it
 */
long group_settled(const char *dir);
long group_quiet(const char *dir);

/*
 * Runs @what as a process of group @dir, with @size bytes at @arg that it may
 * change. As the child shares this process's table of descriptors, the map that
 * it creates stays after it has ended, and of the group's memory the map's alone.
 */
bool group_run(const char *dir, void (*what)(void *arg), void *arg, size_t size);

/**
 * struct type - one that is none of the kinds
 * @unit: bytes that one more of max_entries takes, about
 * @later: and it does so when it is inserted
 */
struct type {
	const char *name;
	uint32_t type;
	uint32_t flags;
	uint32_t key_size;
	uint32_t value_size;
	uint32_t unit;
	bool later;
};

extern const struct type group_types[];
extern const unsigned int n_group_types;

/**
 * struct task - what runs in a group; the descriptor is there when it is forked
 * @kind: of the map, or
 * @type: of the map, if it is none of the kinds
 * @inner: template of a map of maps
 */
struct task {
	const struct kind *kind;
	const struct type *type;
	int inner;
	uint32_t max_entries;
	int fd;
	int result;
	unsigned int done;
};

/* For group_run(), with a struct task: @result and @fd, or @done */
void task_create(void *arg);
void task_insert(void *arg);	/* until the map is full or something fails */

bool task_run(const char *dir, void (*what)(void *arg), struct task *t);

#endif /* BPFMAP_TESTS_GROUP_H */
