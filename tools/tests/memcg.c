// SPDX-License-Identifier: GPL-2.0-only
/*
 * The memory of a map is charged to its creator's memory cgroup, whichever
 * process inserts; the limits hold without the OOM killer, and freeing
 * uncharges all of it: [create.charge].
 *
 * bpf(2) itself does not do all of this: it does not charge the per-CPU memory
 * of preallocated maps.
 */
#include "group.h"

#define SLACK		(2 * MIB)	/* what CPUs have charged in advance, and stacks */

static struct task task_of(const struct kind *kind, long bytes)
{
	return (struct task) {
		.kind = kind,
		.max_entries = bytes / user_value_size(kind, GROUP_VALUE),
		.fd = -1,
	};
}

static void close_and_check(struct task *t, long before)
{
	long now;

	close(t->fd);
	now = group_wait(GROUP_OWNER, before + SLACK);
	printf("# %s: %ld KiB left after close\n", t->kind->name,
	       (now - before) / 1024);
	expect(now <= before + SLACK);
}

/* The whole of a preallocated map is charged when it is created. */
TEST(test_charged, K_ALL)
{
	struct task t = task_of(k, 8 * MIB);
	long before, with;

	if (!groups_there())
		return;
	before = group_settled(GROUP_OWNER);
	expect(task_run(GROUP_OWNER, task_create, &t));
	expect_eq(t.result, 0);
	if (k->flags & BPFMAP_F_NO_PREALLOC) {
		load_sleep_ms(100);
		with = group_current(GROUP_OWNER) - before;
		expect(with < 4 * MIB);
		/* Now the elements, by another process */
		expect(task_run(GROUP_OTHER, task_insert, &t));
		expect_eq(t.result, 0);
	}
	load_sleep_ms(200);
	with = group_current(GROUP_OWNER) - before;
	printf("# %s: %ld KiB charged for %lu KiB of values\n", k->name,
	       with / 1024, t.max_entries * (unsigned long)user_value_size(k, GROUP_VALUE) / 1024);
	expect(with >= 7 * MIB);
	/* KASAN surrounds each element with a lot of its own. */
	expect(with <= 40 * MIB);
	close_and_check(&t, before);
}

/* Elements are charged to the map's owner, not to the inserting process. */
TEST(test_inserter, K_HASH_NP | K_PHASH_NP)
{
	struct task t = task_of(k, 8 * MIB);
	long before, other;

	if (!groups_there())
		return;
	before = group_settled(GROUP_OWNER);
	other = group_settled(GROUP_OTHER);
	expect(task_run(GROUP_OWNER, task_create, &t));
	expect_eq(t.result, 0);
	expect(task_run(GROUP_OTHER, task_insert, &t));
	expect_eq(t.result, 0);
	expect_eq(t.done, t.max_entries);
	expect(group_wait(GROUP_OTHER, other + SLACK) <= other + SLACK);
	expect(group_current(GROUP_OWNER) - before >= 7 * MIB);
	close_and_check(&t, before);
}

/* Deleted elements give their memory back after a grace period. */
static bool inserts_again(struct task *t)
{
	unsigned long end = load_ms() + LOAD_PATIENCE;

	do {
		load_sleep_ms(50);
		if (!task_run(GROUP_OTHER, task_insert, t))
			return false;
	} while (!t->done && load_ms() < end);
	return t->done > 0;
}

/* Exceeding the group's limit is ENOMEM, and no process is killed. */
TEST(test_limit, K_ALL)
{
	bool later = k->flags & BPFMAP_F_NO_PREALLOC;
	struct task t = task_of(k, 32 * MIB);
	long before, killed;

	if (!groups_there())
		return;
	before = group_settled(GROUP_OWNER);
	killed = group_kills(GROUP_OWNER);
	expect(killed >= 0);
	expect_eq(group_write(GROUP_OWNER, "memory.max", "8M"), 0);
	expect(task_run(GROUP_OWNER, task_create, &t));
	if (later) {
		expect_eq(t.result, 0);
		expect(task_run(GROUP_OTHER, task_insert, &t));
		expect(t.done > 0 && t.done < t.max_entries);
	}
	expect_eq(t.result, -ENOMEM);
	expect_eq(group_kills(GROUP_OWNER), killed);
	if (later) {
		/* Inserted elements stay; deleted ones make room again. */
		expect_eq(load_count(t.fd, k, t.max_entries), t.done);
		expect_eq(load_empty(t.fd), t.done);
		expect(inserts_again(&t));
		expect_eq(group_kills(GROUP_OWNER), killed);
	}
	close_and_check(&t, before);
	expect_eq(group_write(GROUP_OWNER, "memory.max", "max"), 0);
}

/* All that @t's map takes is charged, also what another process causes later */
static void type_charged(struct task *t, long before)
{
	long with;

	expect(task_run(GROUP_OWNER, task_create, t));
	expect_eq(t->result, 0);
	if (t->type->later) {
		expect(group_current(GROUP_OWNER) - before < 4 * MIB);
		expect(task_run(GROUP_OTHER, task_insert, t));
		expect_eq(t->result, 0);
	}
	load_sleep_ms(100);
	with = group_current(GROUP_OWNER) - before;
	printf("# %s: %ld KiB charged for %u KiB\n", t->type->name, with / 1024,
	       t->max_entries * t->type->unit / 1024);
	expect(with >= 7 * MIB);
	expect(with <= 40 * MIB);
	close(t->fd);
	with = group_wait(GROUP_OWNER, before + SLACK);
	check(with <= before + SLACK, "%ld KiB left", (with - before) / 1024);
}

/* No more than the group's limit, and no process is killed for it */
static void type_limited(struct task *t, long before)
{
	long killed = group_kills(GROUP_OWNER), left;

	t->max_entries *= 4;
	expect_eq(group_write(GROUP_OWNER, "memory.max", "8M"), 0);
	expect(task_run(GROUP_OWNER, task_create, t));
	if (t->type->later) {
		expect_eq(t->result, 0);
		expect(task_run(GROUP_OTHER, task_insert, t));
		expect(t->done > 0 && t->done < t->max_entries);
	}
	expect_eq(t->result, -ENOMEM);
	expect_eq(group_kills(GROUP_OWNER), killed);
	if (t->fd >= 0)
		close(t->fd);
	left = group_wait(GROUP_OWNER, before + SLACK);
	check(left <= before + SLACK, "%ld KiB left", (left - before) / 1024);
	expect_eq(group_write(GROUP_OWNER, "memory.max", "max"), 0);
}

TEST(test_types, 0)
{
	unsigned int i;
	long before;

	if (!groups_there())
		return;
	for (i = 0; i < n_group_types; i++) {
		struct task t = {
			.type = &group_types[i],
			.inner = map_new(&kinds[0], 4, 8, 4, 0),
			.max_entries = 8 * MIB / group_types[i].unit,
			.fd = -1,
		};

		row("-", "%s", group_types[i].name);
		need(t.inner >= 0);
		before = group_settled(GROUP_OWNER);
		type_charged(&t, before);
		t.fd = -1;
		type_limited(&t, before);
		close(t.inner);
	}
}

int main(void)
{
	return groups_run_tests();
}
