// SPDX-License-Identifier: GPL-2.0-only
/*
 * A map outlives the memory cgroup that it was created in: it does not pin the
 * removed group, and its later allocations are charged to the group's parent.
 */
#include <limits.h>
#include <sched.h>
#include <sys/mman.h>
#include <sys/stat.h>

#include "group.h"

#define PARENT		GROUP_ROOT "/bpfmap_parent"
#define GROUPS_MAX	100

static unsigned int groups(void)
{
	unsigned int n = load_env("REMOVED_GROUPS", 20);

	return n < 2 ? 2 : n > GROUPS_MAX ? GROUPS_MAX : n;
}

/* Groups below @dir that are removed, but still referenced */
static long dying(const char *dir)
{
	return group_read(dir, "cgroup.stat", "nr_dying_descendants");
}

/* User memory, which is charged in advance, on each CPU */
static void charge_everywhere(void *arg)
{
	int cpu, nr = sysconf(_SC_NPROCESSORS_CONF);
	void *p;

	(void)arg;
	for (cpu = 0; cpu < nr; cpu++) {
		run_on(cpu);
		p = mmap(NULL, MIB, PROT_READ | PROT_WRITE,
			 MAP_PRIVATE | MAP_ANONYMOUS | MAP_POPULATE, -1, 0);
		if (p != MAP_FAILED)
			munmap(p, MIB);
	}
}

/*
 * They are freed one by one, after grace periods and works. A CPU keeps a
 * reference to the group that it charged last, until it charges another one.
 */
static long wait_dying(const char *dir, long at_most)
{
	unsigned long end = load_ms() + LOAD_PATIENCE;
	long now, least = LONG_MAX;
	char none = 0;

	while ((now = dying(dir)) > at_most && load_ms() < end) {
		if (now < least) {
			least = now;
			end = load_ms() + LOAD_PATIENCE;
		}
		load_sleep_ms(50);
		expect(group_run(GROUP_OTHER, charge_everywhere, &none,
				 sizeof(none)));
	}
	return now;
}

/* The task in it has ended, but not everything of it may have gone */
static void remove_group(const char *dir)
{
	unsigned long end = load_ms() + 15000;

	while (rmdir(dir) && errno == EBUSY && load_ms() < end)
		load_sleep_ms(20);
	expect(access(dir, F_OK));
}

/* A group of its own for each map, which is removed then */
static void create_and_remove(struct task *t, int *fds)
{
	char dir[64];
	unsigned int i;

	for (i = 0; i < groups(); i++) {
		snprintf(dir, sizeof(dir), PARENT "/%u", i);
		expect_eq(mkdir(dir, 0755), 0);
		expect(task_run(dir, task_create, t));
		expect_eq(t->result, 0);
		fds[i] = t->fd;
		remove_group(dir);
	}
}

/* It is the parent's now, and the next one's when that is removed, too */
static void grow(struct task *t, const int *fds)
{
	long before = group_quiet(PARENT), with, other, all;

	other = group_settled(GROUP_OTHER);
	t->fd = fds[0];
	expect(task_run(GROUP_OTHER, task_insert, t));
	expect_eq(t->result, 0);
	with = group_current(PARENT) - before;
	printf("# %ld KiB charged to the parent\n", with / 1024);
	expect(with >= 3 * MIB);
	expect(group_wait(GROUP_OTHER, other + 2 * MIB) <= other + 2 * MIB);

	all = dying(GROUP_ROOT);
	remove_group(PARENT);
	expect(wait_dying(GROUP_ROOT, all) <= all);
	t->fd = fds[1];
	expect(task_run(GROUP_OTHER, task_insert, t));
	expect_eq(t->result, 0);
}

static void outlive(struct task *t, bool later)
{
	int fds[GROUPS_MAX];
	unsigned int i;

	mkdir(PARENT, 0755);
	need(!group_write(PARENT, "cgroup.subtree_control", "+memory"));
	create_and_remove(t, fds);
	expect_eq(wait_dying(PARENT, 0), 0);
	if (later)
		grow(t, fds);
	for (i = 0; i < groups(); i++)
		close(fds[i]);
	rmdir(PARENT);
}

TEST(test_kinds, K_ALL)
{
	bool later = k->flags & BPFMAP_F_NO_PREALLOC;
	long bytes = later ? 4 * MIB : MIB / 16;
	struct task t = {
		.kind = k,
		.max_entries = bytes / user_value_size(k, GROUP_VALUE),
	};

	if (groups_there())
		outlive(&t, later);
}

TEST(test_types, 0)
{
	unsigned int i;

	if (!groups_there())
		return;
	for (i = 0; i < n_group_types; i++) {
		const struct type *type = &group_types[i];
		struct task t = {
			.type = type,
			.inner = map_new(&kinds[0], 4, 8, 4, 0),
			.max_entries = (type->later ? 4 * MIB : MIB / 16) /
				       type->unit,
		};

		row("-", "%s", type->name);
		need(t.inner >= 0);
		outlive(&t, type->later);
		close(t.inner);
	}
}

int main(void)
{
	return groups_run_tests();
}
