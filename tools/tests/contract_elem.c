// SPDX-License-Identifier: GPL-2.0-only
/*
 * contract_elem - what the commands on one element answer: every flag in every
 * state of the key, and which error comes first
 */
#include <sys/mman.h>

#include "contract.h"

#define NOEXIST	BPFMAP_F_NOEXIST
#define EXIST	BPFMAP_F_EXIST
#define LOCK	BPFMAP_F_LOCK
#define CPU	BPFMAP_F_CPU
#define ALL	BPFMAP_F_ALL_CPUS
#define HIGH(n)	((uint64_t)(n) << 32)

#define VALUE_SIZE	12	/* not a multiple of 8: padded per CPU */
#define ENTRIES		4
#define KEYS		(ENTRIES + 2)	/* those that snapshots look at */

/* State of the key: in the map, not in it (index out of range), the map full */
enum state { PRESENT, ABSENT, FULL };

/* Which CPU goes to the upper half of the flags */
enum cpu { CPU_0, CPU_LAST, CPU_BEYOND, CPU_HUGE };

struct flag_row {
	const char *rule;
	const char *name;
	uint64_t flags;
	enum state state;
	int want[N_CLASSES];	/* HASH, PERCPU_HASH, ARRAY, PERCPU_ARRAY */
	bool newer;	/* bpf(2) has it only since 7.3 */
	enum cpu cpu;
};

#define SAME(e) { e, e, e, e }
/* Only types with a value per CPU know it, in bpf(2) since 7.3 */
#define PERCPU(hash, array) { -EINVAL, hash, -EINVAL, array }, true

static const struct flag_row update_rows[] = {
	{ "update.replace", "ANY present", 0, PRESENT, SAME(0) },
	{ "update.index", "ANY absent", 0, ABSENT, { 0, 0, -E2BIG, -E2BIG } },
	{ "update.full", "ANY absent, full", 0, FULL, SAME(-E2BIG) },
	{ "update.noexist", "NOEXIST present", NOEXIST, PRESENT,
	  SAME(-EEXIST) },
	{ "update.noexist", "NOEXIST absent", NOEXIST, ABSENT,
	  { 0, 0, -E2BIG, -E2BIG } },
	{ "update.full", "NOEXIST absent, full", NOEXIST, FULL, SAME(-E2BIG) },
	{ "update.exist", "EXIST present", EXIST, PRESENT, SAME(0) },
	{ "update.exist", "EXIST absent", EXIST, ABSENT,
	  { -ENOENT, -ENOENT, -E2BIG, -E2BIG } },
	{ "update.exist", "EXIST absent, full", EXIST, FULL,
	  { -ENOENT, -ENOENT, -E2BIG, -E2BIG } },
	{ "update.percpu", "3 present", 3, PRESENT, PERCPU(0, 0) },
	{ "update.percpu", "3 absent", 3, ABSENT, PERCPU(0, -E2BIG) },
	{ "update.percpu", "3 absent, full", 3, FULL, PERCPU(-E2BIG, -E2BIG) },
	{ "flags.lock", "LOCK", LOCK, PRESENT, SAME(-EINVAL) },
	{ "flags.lock", "LOCK absent", LOCK, ABSENT, SAME(-EINVAL) },
	{ "flags.lock", "LOCK|NOEXIST", LOCK | NOEXIST, ABSENT,
	  SAME(-EINVAL) },
	{ "flags.lock", "LOCK|EXIST", LOCK | EXIST, PRESENT, SAME(-EINVAL) },
	{ "flags.lock", "7", 7, PRESENT, SAME(-EINVAL) },
	{ "flags.lock", "LOCK|CPU", LOCK | CPU, PRESENT, SAME(-EINVAL) },
	{ "flags.lock", "LOCK|ALL_CPUS", LOCK | ALL, PRESENT, SAME(-EINVAL) },
	{ "flags.percpu", "CPU present", CPU, PRESENT, PERCPU(0, 0) },
	{ "flags.percpu", "CPU absent", CPU, ABSENT, PERCPU(0, -E2BIG) },
	{ "flags.percpu", "CPU absent, full", CPU, FULL,
	  PERCPU(-E2BIG, -E2BIG) },
	{ "flags.percpu", "CPU last", CPU, PRESENT, PERCPU(0, 0), CPU_LAST },
	{ "flags.percpu", "CPU last, absent", CPU, ABSENT, PERCPU(0, -E2BIG),
	  CPU_LAST },
	{ "update.percpu", "CPU|NOEXIST present: ignored", CPU | NOEXIST,
	  PRESENT, PERCPU(0, 0) },
	{ "update.percpu", "CPU|NOEXIST absent", CPU | NOEXIST, ABSENT,
	  PERCPU(0, -E2BIG) },
	{ "update.percpu", "CPU|EXIST present", CPU | EXIST, PRESENT,
	  PERCPU(0, 0) },
	{ "update.percpu", "CPU|EXIST absent: ignored", CPU | EXIST, ABSENT,
	  PERCPU(0, -E2BIG) },
	{ "update.percpu", "CPU|EXIST absent, full", CPU | EXIST, FULL,
	  PERCPU(-E2BIG, -E2BIG) },
	{ "update.percpu", "CPU|3 present", CPU | 3, PRESENT, PERCPU(0, 0),
	  CPU_LAST },
	{ "flags.percpu", "ALL_CPUS present", ALL, PRESENT, PERCPU(0, 0) },
	{ "flags.percpu", "ALL_CPUS absent", ALL, ABSENT, PERCPU(0, -E2BIG) },
	{ "flags.percpu", "ALL_CPUS absent, full", ALL, FULL,
	  PERCPU(-E2BIG, -E2BIG) },
	{ "update.percpu", "ALL_CPUS|NOEXIST", ALL | NOEXIST, ABSENT,
	  SAME(-EINVAL) },
	{ "update.percpu", "ALL_CPUS|NOEXIST present", ALL | NOEXIST, PRESENT,
	  SAME(-EINVAL) },
	{ "update.percpu", "ALL_CPUS|EXIST", ALL | EXIST, PRESENT,
	  SAME(-EINVAL) },
	{ "update.percpu", "ALL_CPUS|3", ALL | 3, PRESENT, SAME(-EINVAL) },
	{ "flags.both", "CPU|ALL_CPUS", CPU | ALL, PRESENT, SAME(-EINVAL) },
	{ "flags.both", "CPU|ALL_CPUS, no such CPU", CPU | ALL, PRESENT,
	  SAME(-EINVAL), false, CPU_BEYOND },
	{ "flags.cpu", "CPU beyond", CPU, PRESENT, PERCPU(-ERANGE, -ERANGE),
	  CPU_BEYOND },
	{ "flags.cpu", "CPU beyond, absent", CPU, ABSENT,
	  PERCPU(-ERANGE, -ERANGE), CPU_BEYOND },
	{ "flags.cpu", "CPU huge", CPU, PRESENT, PERCPU(-ERANGE, -ERANGE),
	  CPU_HUGE },
	{ "flags.cpu", "CPU beyond|NOEXIST", CPU | NOEXIST, PRESENT,
	  PERCPU(-ERANGE, -ERANGE), CPU_BEYOND },
	{ "flags.number", "CPU number without CPU", HIGH(1), PRESENT,
	  SAME(-EINVAL) },
	{ "flags.number", "CPU number without CPU, absent", HIGH(1), ABSENT,
	  SAME(-EINVAL) },
	{ "flags.number", "CPU number and NOEXIST", HIGH(1) | NOEXIST, PRESENT,
	  SAME(-EINVAL) },
	{ "flags.number", "CPU number and ALL_CPUS", HIGH(1) | ALL, PRESENT,
	  SAME(-EINVAL) },
	{ "flags.number", "bit 63", 1ULL << 63, PRESENT, SAME(-EINVAL) },
	{ "update.flags", "32", 32, PRESENT, SAME(-EINVAL) },
	{ "update.flags", "64", 64, PRESENT, SAME(-EINVAL) },
	{ "update.flags", "128, absent", 128, ABSENT, SAME(-EINVAL) },
	{ "update.flags", "bit 31", 1U << 31, PRESENT, SAME(-EINVAL) },
	{ "update.flags", "CPU|32", CPU | 32, PRESENT, SAME(-EINVAL) },
	{ "update.flags", "all bits", ~0ULL, PRESENT, SAME(-EINVAL) },
};

static const struct flag_row lookup_rows[] = {
	{ "lookup.value", "present", 0, PRESENT, SAME(0) },
	{ "lookup.miss", "absent", 0, ABSENT, SAME(-ENOENT) },
	{ "lookup.miss", "absent, full", 0, FULL, SAME(-ENOENT) },
	{ "flags.known", "NOEXIST", NOEXIST, PRESENT, SAME(-EINVAL) },
	{ "flags.known", "NOEXIST absent", NOEXIST, ABSENT, SAME(-EINVAL) },
	{ "flags.known", "EXIST", EXIST, PRESENT, SAME(-EINVAL) },
	{ "flags.known", "3", 3, PRESENT, SAME(-EINVAL) },
	{ "flags.lock", "LOCK", LOCK, PRESENT, SAME(-EINVAL) },
	{ "flags.lock", "LOCK|CPU", LOCK | CPU, PRESENT, SAME(-EINVAL) },
	{ "flags.percpu", "CPU", CPU, PRESENT, PERCPU(0, 0) },
	{ "flags.percpu", "CPU last", CPU, PRESENT, PERCPU(0, 0), CPU_LAST },
	{ "flags.percpu", "CPU absent", CPU, ABSENT, PERCPU(-ENOENT, -ENOENT),
	  CPU_LAST },
	{ "flags.known", "CPU|NOEXIST", CPU | NOEXIST, PRESENT,
	  SAME(-EINVAL) },
	{ "flags.known", "CPU|EXIST", CPU | EXIST, PRESENT, SAME(-EINVAL) },
	{ "percpu.all", "ALL_CPUS", ALL, PRESENT, SAME(-EINVAL) },
	{ "percpu.all", "CPU|ALL_CPUS", CPU | ALL, PRESENT, SAME(-EINVAL) },
	{ "flags.cpu", "CPU beyond", CPU, PRESENT, PERCPU(-ERANGE, -ERANGE),
	  CPU_BEYOND },
	{ "flags.cpu", "CPU beyond, absent", CPU, ABSENT,
	  PERCPU(-ERANGE, -ERANGE), CPU_BEYOND },
	{ "flags.cpu", "CPU huge", CPU, PRESENT, PERCPU(-ERANGE, -ERANGE),
	  CPU_HUGE },
	{ "flags.number", "CPU number without CPU", HIGH(1), PRESENT,
	  SAME(-EINVAL) },
	{ "flags.number", "bit 63", 1ULL << 63, PRESENT, SAME(-EINVAL) },
	{ "flags.known", "32", 32, PRESENT, SAME(-EINVAL) },
	{ "flags.known", "bit 31", 1U << 31, PRESENT, SAME(-EINVAL) },
	{ "flags.known", "all bits", ~0ULL, ABSENT, SAME(-EINVAL) },
};

static const struct flag_row lad_rows[] = {
	{ "lad.type", "present", 0, PRESENT, { 0, 0, -ENOTSUPP, -ENOTSUPP } },
	{ "lad.miss", "absent", 0, ABSENT,
	  { -ENOENT, -ENOENT, -ENOTSUPP, -ENOTSUPP } },
	{ "lad.miss", "absent, full", 0, FULL,
	  { -ENOENT, -ENOENT, -ENOTSUPP, -ENOTSUPP } },
	{ "lad.flags", "LOCK without lock", LOCK, PRESENT, SAME(-EINVAL) },
	{ "lad.flags", "LOCK, absent", LOCK, ABSENT, SAME(-EINVAL) },
	{ "lad.flags", "NOEXIST", NOEXIST, PRESENT, SAME(-EINVAL) },
	{ "lad.flags", "EXIST", EXIST, PRESENT, SAME(-EINVAL) },
	{ "lad.flags", "CPU", CPU, PRESENT, SAME(-EINVAL) },
	{ "lad.flags", "ALL_CPUS", ALL, PRESENT, SAME(-EINVAL) },
	{ "lad.flags", "CPU beyond", CPU, PRESENT, SAME(-EINVAL), false,
	  CPU_BEYOND },
	{ "lad.flags", "32", 32, PRESENT, SAME(-EINVAL) },
	{ "lad.flags", "CPU number", HIGH(1), PRESENT, SAME(-EINVAL) },
	{ "lad.flags", "LOCK and CPU number", LOCK | HIGH(1), PRESENT,
	  SAME(-EINVAL) },
	{ "lad.flags", "all bits", ~0ULL, ABSENT, SAME(-EINVAL) },
};

static const struct flag_row delete_rows[] = {
	{ "delete.never", "present", 0, PRESENT, { 0, 0, -EINVAL, -EINVAL } },
	{ "delete.miss", "absent", 0, ABSENT,
	  { -ENOENT, -ENOENT, -EINVAL, -EINVAL } },
	{ "delete.miss", "absent, full", 0, FULL,
	  { -ENOENT, -ENOENT, -EINVAL, -EINVAL } },
	{ "delete.args", "flags NOEXIST", NOEXIST, PRESENT, SAME(-EINVAL) },
	{ "delete.args", "flags LOCK", LOCK, PRESENT, SAME(-EINVAL) },
	{ "delete.args", "flags CPU", CPU, PRESENT, SAME(-EINVAL) },
	{ "delete.args", "flags bit 63", 1ULL << 63, ABSENT, SAME(-EINVAL) },
};

static uint64_t cpu_bits(enum cpu cpu)
{
	switch (cpu) {
	case CPU_LAST:
		return HIGH(cpu_nr(n_cpus() - 1));
	case CPU_BEYOND:
		return HIGH(cpu_nr(n_cpus() - 1) + 1);
	case CPU_HUGE:
		return HIGH(UINT32_MAX);
	default:
		return 0;
	}
}

/* The map of a flag row: one element, or all that it can have */
static struct tmap state_map(const struct kind *k, enum state state)
{
	struct tmap t = tmap_new(k, 4, VALUE_SIZE, ENTRIES);

	if (state == FULL || !is_hash(k))
		tmap_fill(&t, ENTRIES);
	else
		check_ret(tmap_put(&t, 1, 1), 0, "the present key");
	return t;
}

static uint32_t state_key(enum state state)
{
	return state == PRESENT ? 1 : ENTRIES;
}

/* What key 1 (or a new one) holds after an update with @flags that worked */
static void apply(const struct tmap *t, uint64_t flags, const uint8_t *given,
		  uint8_t *value)
{
	size_t stride = ROUND_UP((size_t)t->value_size, 8);
	unsigned int i;

	if (!(flags & (CPU | ALL))) {
		tmap_value(t, 99, value);
		return;
	}
	for (i = 0; i < n_cpus(); i++)
		if (flags & ALL || cpu_nr(i) == flags >> 32)
			memcpy(value + i * stride, given, t->value_size);
}

static void check_updated(const struct tmap *t, const struct flag_row *r,
			  uint64_t flags, const uint8_t *given)
{
	uint32_t key = state_key(r->state), i;
	struct buf got = buf_new(t->vs);
	uint8_t *want = calloc(1, t->vs);

	if (r->state == PRESENT)
		tmap_value(t, 1, want);
	apply(t, flags, given, want);
	check_ret(map_lookup(t->fd, &key, got.p, 0), 0, "LOOKUP of it");
	check_buf(&got, want, t->vs, "value after UPDATE");
	for (i = 0; i < KEYS; i++) {
		bool there = is_hash(t->kind) && r->state != FULL ?
			     i == 1 : i < ENTRIES;

		if (i != key)
			check_elem(t, i, there ? (int)i : -1, "others as before");
	}
	free(want);
	buf_free(&got);
}

static void one_update(const struct kind *k, const struct flag_row *r)
{
	uint64_t flags = r->flags | cpu_bits(r->cpu);
	struct tmap t = state_map(k, r->state);
	struct snap old = tmap_snap(&t, KEYS);
	uint32_t key = state_key(r->state);
	int want = r->want[k->class], ret;
	struct buf value = buf_new(t.vs);
	uint8_t *copy = malloc(t.vs);

	tmap_value(&t, 99, value.p);
	memcpy(copy, value.p, t.vs);
	ret = map_update(t.fd, &key, value.p, flags);
	check_ret(ret, want, "UPDATE");
	check_buf(&value, copy, t.vs, "the caller's value");
	if (ret)
		check_unchanged(&t, KEYS, &old);
	else
		check_updated(&t, r, flags, copy);
	free(old.p);
	free(copy);
	buf_free(&value);
	tmap_close(&t);
}

/* LOOKUP and LOOKUP_AND_DELETE */
static void one_lookup(const struct kind *k, const struct flag_row *r, int cmd)
{
	uint64_t flags = r->flags | cpu_bits(r->cpu);
	size_t stride = ROUND_UP(VALUE_SIZE, 8);
	struct tmap t = state_map(k, r->state);
	struct snap old = tmap_snap(&t, KEYS);
	uint32_t key = state_key(r->state);
	struct buf value = buf_new(t.vs);
	uint8_t *want = malloc(t.vs);
	int ret;

	tmap_value(&t, 1, want);
	ret = map_elem(cmd, t.fd, &key, value.p, flags);
	check_ret(ret, r->want[k->class], "%s", cmd == LAD ?
		  "LOOKUP_AND_DELETE" : "LOOKUP");
	if (ret)
		check_untouched(&value, "value after an error");
	else if (flags & CPU)
		check_buf(&value, r->cpu == CPU_LAST ?
			  want + (n_cpus() - 1) * stride : want, VALUE_SIZE,
			  "one CPU's value");
	else
		check_buf(&value, want, t.vs, "value");
	if (!ret && cmd == LAD)
		check_elem(&t, key, -1, "it is gone");
	else
		check_unchanged(&t, KEYS, &old);
	free(old.p);
	free(want);
	buf_free(&value);
	tmap_close(&t);
}

static void one_delete(const struct kind *k, const struct flag_row *r)
{
	struct tmap t = state_map(k, r->state);
	struct snap old = tmap_snap(&t, KEYS);
	uint32_t key = state_key(r->state);
	int ret;

	ret = map_elem(DELETE, t.fd, &key, NULL, r->flags);
	check_ret(ret, r->want[k->class], "DELETE");
	if (ret)
		check_unchanged(&t, KEYS, &old);
	else
		check_elem(&t, key, -1, "it is gone");
	free(old.p);
	tmap_close(&t);
}

/* Is the row to be run with this backend? Names it if so */
static bool start(const char *cmd, const struct kind *k, const struct flag_row *r)
{
	if (r->newer && !since(7, 3))
		return false;
	/* It never is: contract_lru */
	if (r->state == FULL && is_lru(k))
		return false;
	row(r->rule, "%s %s: %s", cmd, k->name, r->name);
	return true;
}

TEST(update_flags, K_ALL | K_RHASH)
{
	size_t i;

	for (i = 0; i < ARRAY_SIZE(update_rows); i++)
		if (start("UPDATE", k, &update_rows[i]))
			one_update(k, &update_rows[i]);
}

TEST(lookup_flags, K_ALL | K_RHASH)
{
	size_t i;

	for (i = 0; i < ARRAY_SIZE(lookup_rows); i++)
		if (start("LOOKUP", k, &lookup_rows[i]))
			one_lookup(k, &lookup_rows[i], LOOKUP);
}

TEST(lookup_and_delete_flags, K_ALL | K_RHASH)
{
	size_t i;

	for (i = 0; i < ARRAY_SIZE(lad_rows); i++)
		if (start("LOOKUP_AND_DELETE", k, &lad_rows[i]))
			one_lookup(k, &lad_rows[i], LAD);
}

TEST(delete_flags, K_ALL | K_RHASH)
{
	size_t i;

	for (i = 0; i < ARRAY_SIZE(delete_rows); i++)
		if (start("DELETE", k, &delete_rows[i]))
			one_delete(k, &delete_rows[i]);
}

/* ------------------------------------------------------------------------- */
/* Which error comes first */

enum fd { RW, RDONLY, WRONLY, FROZEN, CLOSED, OTHER, DEVICE, N_FDS };

/*
 * OK: present, and what the command takes as a value; NONE: absent; CUT: its last
 * byte is not mapped; SET: a value, even for DELETE
 */
enum arg { OK, NONE, NUL, BAD, CUT, SET };

/* Commands of a row, by their place here */
static const struct {
	int cmd;
	const char *name;
} order_cmds[] = {
	{ LOOKUP, "LOOKUP" }, { UPDATE, "UPDATE" }, { DELETE, "DELETE" },
	{ NEXT, "GET_NEXT_KEY" }, { LAD, "LOOKUP_AND_DELETE" },
};

#define C_LOOKUP	(1U << 0)
#define C_UPDATE	(1U << 1)
#define C_DELETE	(1U << 2)
#define C_NEXT		(1U << 3)
#define C_LAD		(1U << 4)
#define EVERY		((1U << 5) - 1)

struct order_row {
	const char *name;
	unsigned int cmds;
	enum fd fd;
	uint64_t flags;
	enum arg key;
	enum arg value;
	int want[N_CLASSES];
	bool newer;
};

/*
 * LOOKUP: [fd.closed], [fd.access], flags, [copy.key], op, [copy.out]
 * UPDATE: descriptor; [fd.frozen]; flags; key; [copy.in]; op
 * DELETE: [delete.args]; descriptor; key; op
 * GET_NEXT_KEY: [next.flags]; descriptor; key; op; next_key
 * LOOKUP_AND_DELETE: flags; descriptor; LOCK; key; op; value
 */
static const struct order_row order_rows[] = {
	{ "closed fd", EVERY, CLOSED, 0, OK, OK, SAME(-EBADF) },
	{ "fd of something else", EVERY, OTHER, 0, OK, OK, SAME(-EINVAL) },
	{ "fd of the device", EVERY, DEVICE, 0, OK, OK, SAME(-EINVAL) },
	{ "closed fd before flags", C_LOOKUP, CLOSED, 32, OK, OK, SAME(-EBADF),
	  true },
	{ "closed fd before key", C_LOOKUP, CLOSED, 0, NUL, OK, SAME(-EBADF) },
	{ "WRONLY fd", C_LOOKUP | C_NEXT | C_LAD, WRONLY, 0, OK, OK,
	  SAME(-EPERM) },
	{ "WRONLY fd before flags", C_LOOKUP, WRONLY, 32, OK, OK, SAME(-EPERM),
	  true },
	{ "WRONLY fd before LOCK", C_LOOKUP, WRONLY, LOCK, OK, OK, SAME(-EPERM),
	  true },
	{ "WRONLY fd before key", C_LOOKUP, WRONLY, 0, NUL, NUL,
	  SAME(-EPERM) },
	{ "RDONLY fd", C_LOOKUP, RDONLY, 0, OK, OK, SAME(0) },
	{ "frozen", C_LOOKUP, FROZEN, 0, OK, OK, SAME(0) },
	{ "flags before key", C_LOOKUP, RW, NOEXIST, NUL, OK, SAME(-EINVAL) },
	{ "LOCK before key", C_LOOKUP | C_UPDATE | C_LAD, RW, LOCK, NUL, OK,
	  SAME(-EINVAL) },
	{ "NULL key", C_LOOKUP | C_UPDATE | C_DELETE | C_LAD, RW, 0, NUL, OK,
	  SAME(-EFAULT) },
	{ "bad key", EVERY, RW, 0, BAD, OK, SAME(-EFAULT) },
	{ "cut key", EVERY, RW, 0, CUT, OK, SAME(-EFAULT) },
	{ "absent before bad value", C_LOOKUP, RW, 0, NONE, BAD,
	  SAME(-ENOENT) },
	{ "absent before NULL value", C_LOOKUP, RW, 0, NONE, NUL,
	  SAME(-ENOENT) },
	{ "bad value", C_LOOKUP | C_UPDATE, RW, 0, OK, BAD, SAME(-EFAULT) },
	{ "NULL value", C_LOOKUP | C_UPDATE, RW, 0, OK, NUL, SAME(-EFAULT) },
	{ "cut value", C_LOOKUP | C_UPDATE, RW, 0, OK, CUT, SAME(-EFAULT) },
	{ "closed fd before flags", C_UPDATE, CLOSED, LOCK, OK, OK,
	  SAME(-EBADF), true },
	{ "closed fd before key, value", C_UPDATE, CLOSED, 0, BAD, BAD,
	  SAME(-EBADF) },
	{ "RDONLY fd", C_UPDATE | C_DELETE | C_LAD, RDONLY, 0, OK, OK,
	  SAME(-EPERM) },
	{ "RDONLY fd before flags", C_UPDATE, RDONLY, LOCK, OK, OK,
	  SAME(-EPERM), true },
	{ "RDONLY fd before key", C_UPDATE | C_DELETE | C_LAD, RDONLY, 0, NUL,
	  OK, SAME(-EPERM) },
	{ "frozen", C_UPDATE | C_DELETE | C_LAD, FROZEN, 0, OK, OK,
	  SAME(-EPERM) },
	{ "frozen, NOEXIST", C_UPDATE, FROZEN, NOEXIST, OK, OK, SAME(-EPERM) },
	{ "frozen before flags", C_UPDATE, FROZEN, LOCK, BAD, OK, SAME(-EPERM),
	  true },
	{ "frozen before key", C_UPDATE | C_DELETE | C_LAD, FROZEN, 0, BAD, OK,
	  SAME(-EPERM) },
	{ "WRONLY fd", C_UPDATE, WRONLY, 0, OK, OK, SAME(0) },
	{ "CPU number before key", C_UPDATE, RW, HIGH(1), NUL, OK,
	  SAME(-EINVAL), true },
	{ "CPU|ALL_CPUS before key", C_UPDATE, RW, CPU | ALL, NUL, OK,
	  SAME(-EINVAL), true },
	{ "no such CPU before key", C_UPDATE, RW, CPU | HIGH(UINT32_MAX), NUL,
	  OK, { -EINVAL, -ERANGE, -EINVAL, -ERANGE }, true },
	{ "key before the op's flags", C_UPDATE, RW, 32, NUL, OK,
	  SAME(-EFAULT) },
	{ "key before flags 3", C_UPDATE, RW, 3, BAD, OK, SAME(-EFAULT) },
	{ "cut value of an absent key", C_UPDATE, RW, 0, NONE, CUT,
	  SAME(-EFAULT) },
	{ "value before the op's flags", C_UPDATE, RW, 32, OK, BAD,
	  SAME(-EFAULT) },
	{ "value before EEXIST", C_UPDATE, RW, NOEXIST, OK, NUL,
	  SAME(-EFAULT) },
	{ "value before ENOENT, E2BIG", C_UPDATE, RW, EXIST, NONE, BAD,
	  SAME(-EFAULT) },
	{ "the op's flags before EEXIST", C_UPDATE, RW, 32 | NOEXIST, OK, OK,
	  SAME(-EINVAL) },
	{ "the op's flags before E2BIG", C_UPDATE, RW, 32, NONE, OK,
	  SAME(-EINVAL) },
	{ "a value before fd", C_DELETE, CLOSED, 0, OK, SET, SAME(-EINVAL) },
	{ "flags before fd", C_DELETE | C_NEXT, CLOSED, 1, OK, OK,
	  SAME(-EINVAL) },
	{ "a value", C_DELETE, RW, 0, OK, SET, SAME(-EINVAL) },
	{ "closed fd before key", C_DELETE | C_NEXT, CLOSED, 0, BAD, OK,
	  SAME(-EBADF) },
	{ "frozen, absent", C_DELETE, FROZEN, 0, NONE, OK, SAME(-EPERM) },
	{ "WRONLY fd", C_DELETE, WRONLY, 0, NONE, OK,
	  { -ENOENT, -ENOENT, -EINVAL, -EINVAL } },
	{ "flags", C_NEXT, RW, LOCK, OK, OK, SAME(-EINVAL) },
	{ "flags high", C_NEXT, RW, 1ULL << 63, OK, OK, SAME(-EINVAL) },
	{ "WRONLY fd before key", C_NEXT, WRONLY, 0, BAD, BAD, SAME(-EPERM) },
	{ "RDONLY fd", C_NEXT, RDONLY, 0, NUL, OK, SAME(0) },
	{ "frozen", C_NEXT, FROZEN, 0, NUL, OK, SAME(0) },
	{ "NULL key: the first", C_NEXT, RW, 0, NUL, OK, SAME(0) },
	{ "absent key: the first", C_NEXT, RW, 0, NONE, OK, SAME(0) },
	{ "NULL next_key", C_NEXT, RW, 0, NUL, NUL, SAME(-EFAULT) },
	{ "bad next_key", C_NEXT, RW, 0, NUL, BAD, SAME(-EFAULT) },
	{ "cut next_key", C_NEXT, RW, 0, NUL, CUT, SAME(-EFAULT) },
	{ "flags before fd", C_LAD, CLOSED, NOEXIST, OK, OK, SAME(-EINVAL) },
	{ "CPU flag before fd", C_LAD, CLOSED, CPU, OK, OK, SAME(-EINVAL) },
	{ "closed fd before LOCK", C_LAD, CLOSED, LOCK, OK, OK, SAME(-EBADF) },
	{ "flags before mode", C_LAD, RDONLY, 32, OK, OK, SAME(-EINVAL) },
	{ "RDONLY fd before LOCK", C_LAD, RDONLY, LOCK, OK, OK, SAME(-EPERM) },
	{ "op before bad value", C_LAD, RW, 0, NONE, BAD,
	  { -ENOENT, -ENOENT, -ENOTSUPP, -ENOTSUPP } },
};

/* A map for every descriptor, the same content in all of them */
struct order {
	struct tmap rw, frozen;
	int fds[N_FDS];
	uint32_t keys[2];	/* OK, NONE */
	uint8_t *cut_key, *cut_value;
	struct buf value;
};

static void order_open(struct order *o, const struct kind *k)
{
	o->rw = state_map(k, PRESENT);
	o->frozen = state_map(k, PRESENT);
	check_ret(map_freeze(o->frozen.fd), 0, "FREEZE");
	o->fds[RW] = o->rw.fd;
	o->fds[RDONLY] = tmap_reopen(&o->rw, BPFMAP_F_RDONLY);
	o->fds[WRONLY] = tmap_reopen(&o->rw, BPFMAP_F_WRONLY);
	o->fds[FROZEN] = o->frozen.fd;
	o->fds[CLOSED] = closed_fd();
	o->fds[OTHER] = other_fd();
	o->fds[DEVICE] = device_fd();
	o->keys[0] = 1;
	o->keys[1] = ENTRIES;
	o->cut_key = edge_new(3);
	memcpy(o->cut_key, &o->keys[0], 3);
	o->cut_value = edge_new(o->rw.vs - 1);
	o->value = buf_new(o->rw.vs);
}

static void order_close(struct order *o)
{
	tmap_close(&o->rw);
	tmap_close(&o->frozen);
	close(o->fds[RDONLY]);
	close(o->fds[WRONLY]);
	edge_free(o->cut_key, 3);
	edge_free(o->cut_value, o->rw.vs - 1);
	buf_free(&o->value);
}

static void *order_key(struct order *o, enum arg arg)
{
	return arg == NUL ? NULL : arg == BAD ? bad_ptr() :
	       arg == CUT ? o->cut_key : (void *)&o->keys[arg];
}

static void *order_value(struct order *o, enum arg arg, int cmd)
{
	size_t size = cmd == NEXT ? 4 : o->rw.vs;

	return arg == NUL || (arg == OK && cmd == DELETE) ? NULL : arg == BAD ? bad_ptr() :
	       arg == CUT ? o->cut_value + o->rw.vs - size :
			    (void *)o->value.p;
}

static void one_order(struct order *o, const struct order_row *r, int cmd)
{
	const struct kind *k = o->rw.kind;
	struct snap old = tmap_snap(&o->rw, KEYS), old_frozen;
	int ret;

	old_frozen = tmap_snap(&o->frozen, KEYS);
	buf_fill(&o->value);
	if (cmd == UPDATE)
		tmap_value(&o->rw, 1, o->value.p);
	ret = map_elem(cmd, o->fds[r->fd], order_key(o, r->key),
		       order_value(o, r->value, cmd), r->flags);
	check_ret(ret, r->want[k->class], "result");
	if (ret && cmd != UPDATE)
		check_untouched(&o->value, "output after an error");
	check_unchanged(&o->rw, KEYS, &old);
	check_unchanged(&o->frozen, KEYS, &old_frozen);
}

TEST(order_of_checks, K_ALL | K_RHASH)
{
	struct order o;
	size_t i, c;

	row("elem.order", "%s: order of checks", k->name);
	order_open(&o, k);
	for (i = 0; i < ARRAY_SIZE(order_rows); i++) {
		const struct order_row *r = &order_rows[i];

		/* On its own descriptor a map cannot be another's */
		if (r->fd >= CLOSED && backend() == BACKEND_MAP)
			continue;
		if (r->fd == DEVICE && backend() == BACKEND_BPF)
			continue;
		if (r->newer && !since(7, 3))
			continue;
		for (c = 0; c < ARRAY_SIZE(order_cmds); c++) {
			if (!(r->cmds & 1U << c))
				continue;
			row("elem.order", "%s %s: %s", order_cmds[c].name,
			    k->name, r->name);
			one_order(&o, r, order_cmds[c].cmd);
		}
	}
	order_close(&o);
}

/* An EFAULT of LOOKUP_AND_DELETE comes after the removal */
TEST(lost_on_fault, K_ALL | K_RHASH)
{
	static const enum arg args[] = { NUL, BAD, CUT };
	struct order o;
	size_t i;

	for (i = 0; i < ARRAY_SIZE(args); i++) {
		row("lad.lost", "LOOKUP_AND_DELETE %s: EFAULT %zu", k->name, i);
		order_open(&o, k);
		check_ret(map_elem(LAD, o.rw.fd, &o.keys[0],
				   order_value(&o, args[i], LAD), 0),
			  is_hash(k) ? -EFAULT : -ENOTSUPP, "result");
		check_elem(&o.rw, 1, is_hash(k) ? -1 : 1, "element afterwards");
		order_close(&o);
	}
}

TEST_MAIN
