// SPDX-License-Identifier: GPL-2.0-only
/*
 * Every command on one small, full map at once, from every CPU: no reader may
 * ever see a mixture of two values or another key's bytes: [copy.whole],
 * [conc.replace], [conc.atomic].
 *
 * STRESS_SECONDS: for each kind of map (5), shared by the value sizes
 * STRESS_KIND, STRESS_SIZE: only this kind (its name), only this value size,
 *	which then has all of the seconds
 * STRESS_ENTRIES: max_entries
 */
#include <pthread.h>
#include <sched.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <sys/mman.h>

#include "load.h"

#define POISON		0xa5
#define BURST		32	/* steps between two looks at the clock or yields */
#define WRITERS		64	/* tags have room for as many */

/* What one writer wrote: a bit for each seq, set when it was removed again */
struct written {
	atomic_uchar removed[LOAD_SEQ_END / 8];
};

struct stress {
	const struct kind *kind;
	size_t value_size;
	size_t bytes;			/* of a value in a full LOOKUP */
	unsigned int slots;
	unsigned int max_entries;
	unsigned int keys;		/* how many different ones there are */
	int fd;
	bool cpu_flags;			/* BPFMAP_F_CPU and F_ALL_CPUS work */
	bool pauses;			/* writers leave gaps for FREEZE */
	atomic_bool stop;
	atomic_bool frozen;		/* no write may succeed from now on */
	atomic_bool wrapped;		/* a writer has begun its numbers again */
	pthread_barrier_t start;
	struct written *written;	/* by each of the writers */
};

struct worker {
	pthread_t thread;
	struct stress *s;
	const struct role *role;
	int cpu;
	unsigned int writer;
	unsigned int seq;
	unsigned long long rng;
	char *keys, *values;
	atomic_ulong done;		/* steps that moved an element */
	unsigned long torn;		/* values that are not one whole value */
	unsigned long bad;		/* anything else that must not be */
	char why[256];			/* the first of these */
};

struct role {
	const char *name;
	void (*step)(struct worker *w);
	bool hash_only;
	bool writes;
	bool yield;			/* so that the map stays nearly full */
};

static unsigned int pick(struct worker *w, unsigned int below)
{
	w->rng ^= w->rng << 13;
	w->rng ^= w->rng >> 7;
	w->rng ^= w->rng << 17;
	return (w->rng >> 32) % below;
}

/* cmocka's asserts are for the main thread only: workers take notes. */
static void __attribute__((format(printf, 3, 4)))
complain(struct worker *w, unsigned long *count, const char *fmt, ...)
{
	va_list args;

	if (!(*count)++ && !w->why[0]) {
		va_start(args, fmt);
		vsnprintf(w->why, sizeof(w->why), fmt, args);
		va_end(args);
	}
}

static bool all_bytes(const void *data, size_t size, unsigned char byte)
{
	const unsigned char *at = data;

	return !size || (at[0] == byte && !memcmp(at, at + 1, size - 1));
}

static void check_slot(struct worker *w, unsigned int key, unsigned int slot,
		       const char *value, size_t padding)
{
	struct stress *s = w->s;
	struct load_tag tag;

	/* Creating a key with F_CPU leaves zeros in the other slots. */
	if (s->cpu_flags && is_hash(s->kind) &&
	    all_bytes(value, s->value_size + padding, 0))
		return;
	if (!load_check(value, s->value_size, &tag))
		complain(w, &w->torn, "%s: torn value of key %u, slot %u (first word: %u/%u/%u)",
			 w->role->name, key, slot, tag.key, tag.writer, tag.seq);
	else if (tag.key != key ||
		 (tag.cpu != LOAD_SLOT_CPU(slot) && tag.cpu != LOAD_ANY_CPU))
		complain(w, &w->torn, "%s: key %u, slot %u has the value of key %u, slot %u",
			 w->role->name, key, slot, tag.key, tag.cpu);
	else if (!all_bytes(value + s->value_size, padding, 0))
		complain(w, &w->torn, "%s: padding of key %u is not zero", w->role->name, key);
}

static void check_value(struct worker *w, int key, const char *value)
{
	size_t stride = load_stride(w->s->kind, w->s->value_size);
	unsigned int slot;

	if (key < 0 || key >= (int)w->s->keys) {
		complain(w, &w->torn, "%s: there is no such key", w->role->name);
		return;
	}
	for (slot = 0; slot < w->s->slots; slot++)
		check_slot(w, key, slot, value + slot * stride,
			   stride - w->s->value_size);
}

/* [batch.take]: an element is removed only once; so is each value written */
static void take(struct worker *w, const char *value)
{
	atomic_uchar *bits;
	struct load_tag tag;

	if (!load_check(value, w->s->value_size, &tag) || atomic_load(&w->s->wrapped))
		return;
	bits = w->s->written[tag.writer].removed;
	if (atomic_fetch_or(&bits[tag.seq / 8], 1 << tag.seq % 8) & 1 << tag.seq % 8)
		complain(w, &w->bad, "%s: value %u of writer %u was removed twice",
			 w->role->name, tag.seq, tag.writer);
}

static void odd_result(struct worker *w, int ret)
{
	complain(w, &w->bad, "%s: result %d", w->role->name, ret);
}

/* Was the map frozen, before the write or under it? Then it is EPERM, and that is all. */
static bool write_refused(struct worker *w, int ret, bool was_frozen)
{
	if (!was_frozen && ret != -EPERM)
		return false;
	if (ret != -EPERM || !w->s->pauses)
		odd_result(w, ret);
	return true;
}

static void step_lookup(struct worker *w)
{
	struct stress *s = w->s;
	unsigned int key = pick(w, s->keys), slot = pick(w, s->slots);
	bool one = s->cpu_flags && pick(w, 4) == 0;
	size_t size = one ? s->value_size : s->bytes;
	int ret;

	load_key(s->kind, key, w->keys);
	memset(w->values, POISON, s->bytes);
	ret = map_lookup(s->fd, w->keys, w->values,
			 one ? BPFMAP_F_CPU | (uint64_t)cpu_nr(slot) << 32 : 0);
	if (ret)
		size = 0;
	if (!all_bytes(w->values + size, s->bytes - size, POISON))
		complain(w, &w->bad, "lookup: result %d, yet wrote to the buffer", ret);
	if (ret) {
		if (ret != -ENOENT || !is_hash(s->kind))
			odd_result(w, ret);
		return;
	}
	w->done++;
	if (one)
		check_slot(w, key, slot, w->values, 0);
	else
		check_value(w, key, w->values);
}

/* One whole element read or removed by a batch */
static void check_batch(struct worker *w, unsigned int count, unsigned char *seen)
{
	struct stress *s = w->s;
	unsigned int i;
	int key;

	for (i = 0; i < count; i++) {
		key = load_key_id(s->kind, w->keys + i * load_key_size(s->kind));
		check_value(w, key, w->values + i * s->bytes);
		if (key >= 0 && key < (int)s->keys && seen[key]++)
			complain(w, &w->bad, "%s: key %d twice in one walk",
				 w->role->name, key);
	}
	w->done += !!count;
}

/* Walks over the whole map in batches of random sizes. */
static void walk_batches(struct worker *w, int cmd)
{
	struct stress *s = w->s;
	unsigned int count, asked, total = 0, i;
	bool all = false, remove = cmd != LB, was_frozen;
	unsigned char seen[4096] = { 0 };
	uint32_t token = 0;
	void *in = NULL;
	int ret;

	do {
		was_frozen = atomic_load(&s->frozen);
		asked = all ? s->keys : 1 + pick(w, s->keys);
		count = asked;
		ret = load_batch(cmd, s->fd, in, &token, w->keys, w->values, &count, 0);
		if (remove && write_refused(w, ret, was_frozen))
			return;
		if ((ret && ret != -ENOENT && ret != -ENOSPC) || count > asked) {
			complain(w, &w->bad, "%s: result %d, %u of %u",
				 w->role->name, ret, count, asked);
			return;
		}
		all = ret == -ENOSPC;	/* then no bucket can be too large */
		check_batch(w, count, seen);
		for (i = 0; remove && i < count; i++)
			take(w, w->values + i * s->bytes);
		total += count;
		in = &token;
	} while (ret != -ENOENT && !atomic_load(&s->stop));
	if (!is_hash(s->kind) && ret == -ENOENT && total != s->max_entries)
		complain(w, &w->bad, "%s: %u elements of an array", w->role->name, total);
}

static void step_lookup_batch(struct worker *w)
{
	walk_batches(w, LB);
}

static void step_take_batch(struct worker *w)
{
	walk_batches(w, LADB);
}

/* Writes to all slots, to one, or the same to all: the flags and value for it */
static uint64_t pick_write(struct worker *w)
{
	if (!w->s->cpu_flags)
		return 0;
	switch (pick(w, 4)) {
	case 0:
		return BPFMAP_F_CPU | (uint64_t)cpu_nr(pick(w, w->s->slots)) << 32;
	case 1:
		return BPFMAP_F_ALL_CPUS;
	default:
		return 0;
	}
}

/* The place of a CPU among the possible ones */
static unsigned int slot_of(unsigned int cpu)
{
	unsigned int slot = 0;

	while (cpu_nr(slot) != cpu)
		slot++;
	return slot;
}

static size_t make_value(struct worker *w, unsigned int key, uint64_t flags, char *value)
{
	struct load_tag tag = {
		.key = key,
		.writer = w->writer,
		.seq = w->seq,
		.cpu = LOAD_ANY_CPU,
	};

	w->seq = (w->seq + 1) % LOAD_SEQ_END;
	if (!w->seq)
		atomic_store(&w->s->wrapped, true);
	if (flags & (BPFMAP_F_CPU | BPFMAP_F_ALL_CPUS)) {
		if (flags & BPFMAP_F_CPU)
			tag.cpu = LOAD_SLOT_CPU(slot_of(flags >> 32));
		load_fill(value, w->s->value_size, &tag);
		return w->s->value_size;
	}
	load_fill_all(w->s->kind, value, w->s->value_size, tag);
	return w->s->bytes;
}

static void step_update(struct worker *w)
{
	struct stress *s = w->s;
	bool was_frozen = atomic_load(&s->frozen), hash = is_hash(s->kind);
	unsigned int key = pick(w, s->keys);
	uint64_t flags = pick_write(w);
	int ret;

	if (!flags)
		flags = pick(w, 3);	/* BPFMAP_F_ANY, _NOEXIST, _EXIST */
	load_key(s->kind, key, w->keys);
	make_value(w, key, flags, w->values);
	ret = map_update(s->fd, w->keys, w->values, flags);
	if (write_refused(w, ret, was_frozen))
		return;
	w->done += !ret;
	if (ret && !(ret == -EEXIST && flags == BPFMAP_F_NOEXIST) &&
	    !(ret == -ENOENT && flags == BPFMAP_F_EXIST && hash) &&
	    !(ret == -E2BIG && flags != BPFMAP_F_EXIST && hash))
		odd_result(w, ret);
}

static void step_update_batch(struct worker *w)
{
	struct stress *s = w->s;
	bool was_frozen = atomic_load(&s->frozen);
	unsigned int asked = 1 + pick(w, 8), key, i;
	uint64_t flags = pick_write(w);
	char *value = w->values;
	uint32_t count = asked;
	int ret;

	for (i = 0; i < asked; i++) {
		key = pick(w, s->keys);
		load_key(s->kind, key, w->keys + i * load_key_size(s->kind));
		value += make_value(w, key, flags, value);
	}
	ret = load_batch(UB, s->fd, NULL, NULL, w->keys,
			 w->values, &count, flags);
	if (write_refused(w, ret, was_frozen))
		return;
	w->done += !!count;
	if (ret ? ret != -E2BIG || !is_hash(s->kind) || count >= asked : count != asked)
		complain(w, &w->bad, "%s: result %d, %u of %u", w->role->name, ret,
			 count, asked);
}

static void step_delete(struct worker *w)
{
	bool was_frozen = atomic_load(&w->s->frozen);
	int ret;

	load_key(w->s->kind, pick(w, w->s->keys), w->keys);
	ret = map_delete(w->s->fd, w->keys);
	if (write_refused(w, ret, was_frozen))
		return;
	w->done += !ret;
	if (ret && ret != -ENOENT)
		odd_result(w, ret);
}

static void step_delete_batch(struct worker *w)
{
	bool was_frozen = atomic_load(&w->s->frozen);
	unsigned int asked = 1 + pick(w, 4), i;
	uint32_t count = asked;
	int ret;

	for (i = 0; i < asked; i++)
		load_key(w->s->kind, pick(w, w->s->keys),
			 w->keys + i * load_key_size(w->s->kind));
	ret = load_batch(DB, w->s->fd, NULL, NULL, w->keys, NULL, &count, 0);
	if (write_refused(w, ret, was_frozen))
		return;
	w->done += !!count;
	if (ret ? ret != -ENOENT || count >= asked : count != asked)
		complain(w, &w->bad, "%s: result %d, %u of %u", w->role->name, ret,
			 count, asked);
}

static void step_take(struct worker *w)
{
	struct stress *s = w->s;
	bool was_frozen = atomic_load(&s->frozen);
	unsigned int key = pick(w, s->keys);
	int ret;

	load_key(s->kind, key, w->keys);
	memset(w->values, POISON, s->bytes);
	ret = map_elem(LAD, s->fd, w->keys, w->values, 0);
	if (write_refused(w, ret, was_frozen))
		return;
	if (!ret) {
		w->done++;
		check_value(w, key, w->values);
		take(w, w->values);
	} else if (ret != -ENOENT) {
		odd_result(w, ret);
	} else if (!all_bytes(w->values, s->bytes, POISON)) {
		complain(w, &w->bad, "%s: a miss wrote to the buffer", w->role->name);
	}
}

static void step_next_key(struct worker *w)
{
	struct stress *s = w->s;
	char *next = w->keys + LOAD_KEY_MAX;
	void *from = NULL;
	unsigned int i;
	int ret = 0;

	/* A walk restarts when its key is deleted: it may never end. */
	for (i = 0; !ret && i < 2 * s->keys; i++) {
		ret = map_next_key(s->fd, from, next);
		if (ret)
			break;
		w->done++;
		if ((unsigned int)load_key_id(s->kind, next) >= s->keys)
			complain(w, &w->torn, "%s: there is no such key", w->role->name);
		memcpy(w->keys, next, load_key_size(s->kind));
		from = w->keys;
	}
	if (ret && ret != -ENOENT)
		odd_result(w, ret);
}

static const struct role roles[] = {
	{ "lookup", step_lookup, false, false, false },
	{ "lookup_batch", step_lookup_batch, false, false, false },
	{ "next_key", step_next_key, false, false, false },
	{ "update", step_update, false, true, false },
	{ "update_batch", step_update_batch, false, true, false },
	{ "delete", step_delete, true, true, true },
	{ "delete_batch", step_delete_batch, true, true, true },
	{ "lookup_and_delete", step_take, true, true, true },
	{ "lookup_and_delete_batch", step_take_batch, true, true, true },
};

static void *work(void *arg)
{
	struct worker *w = arg;
	unsigned int i;

	run_on(w->cpu);
	pthread_barrier_wait(&w->s->start);
	while (!atomic_load(&w->s->stop)) {
		for (i = 0; i < (w->s->pauses ? 1 : BURST); i++)
			w->role->step(w);
		if (w->s->pauses)
			load_sleep_ms(1);
		else if (w->role->yield)
			sched_yield();
	}
	return NULL;
}

/* Do F_CPU and F_ALL_CPUS exist? bpf(2) has them in the newest kernels only. */
static bool has_cpu_flags(struct stress *s, void *key, void *value)
{
	return is_percpu(s->kind) &&
	       map_update(s->fd, key, value, BPFMAP_F_ALL_CPUS) != -EINVAL;
}

/* Creates the map; the first max_entries keys are there at the start. */
static void stress_begin(struct stress *s, const struct kind *kind,
			 size_t value_size, unsigned int max_entries)
{
	struct load_tag tag = { .writer = WRITERS - 1 };
	char key[LOAD_KEY_MAX], *value;
	unsigned int i;

	memset(s, 0, sizeof(*s));
	s->kind = kind;
	s->value_size = value_size;
	s->bytes = user_value_size(kind, value_size);
	s->slots = load_slots(kind);
	s->max_entries = load_env("STRESS_ENTRIES", max_entries);
	s->keys = is_hash(kind) ? s->max_entries + s->max_entries / 2 : s->max_entries;
	need(s->keys >= 1 && s->keys <= 4096);
	s->fd = load_create(kind, value_size, s->max_entries);
	need(s->fd >= 0);

	value = calloc(1, s->bytes);
	need(value);
	for (i = 0; i < s->max_entries; i++, tag.seq++) {
		load_key(kind, i, key);
		tag.key = i;
		load_fill_all(kind, value, value_size, tag);
		expect_eq(map_update(s->fd, key, value, 0), 0);
	}
	tag.cpu = LOAD_ANY_CPU;
	load_fill(value, value_size, &tag);
	s->cpu_flags = has_cpu_flags(s, key, value);
	free(value);

	s->written = mmap(NULL, WRITERS * sizeof(*s->written), PROT_READ | PROT_WRITE,
			  MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	need(s->written != MAP_FAILED);
}

static void stress_end(struct stress *s)
{
	munmap(s->written, WRITERS * sizeof(*s->written));
	close(s->fd);
}

/* Starts one thread for each role and CPU. */
static struct worker *workers_start(struct stress *s, unsigned int *count,
				    bool writers_only)
{
	unsigned int cpus = 0, r;
	struct worker *w;
	cpu_set_t set;
	int cpu;

	sched_getaffinity(0, sizeof(set), &set);
	w = calloc(CPU_COUNT(&set) * ARRAY_SIZE(roles), sizeof(*w));
	need(w);
	*count = 0;
	for (cpu = 0; cpu < CPU_SETSIZE && cpus < WRITERS / ARRAY_SIZE(roles); cpu++) {
		if (!CPU_ISSET(cpu, &set))
			continue;
		cpus++;
		for (r = 0; r < ARRAY_SIZE(roles); r++) {
			if ((roles[r].hash_only && !is_hash(s->kind)) ||
			    (writers_only && !roles[r].writes))
				continue;
			w[*count] = (struct worker) {
				.s = s,
				.role = &roles[r],
				.cpu = cpu,
				.writer = *count + 1,
				.rng = 0x9e3779b97f4a7c15ULL * (*count + 1),
				.keys = calloc(s->keys + 8, LOAD_KEY_MAX),
				.values = calloc(s->keys + 8, s->bytes),
			};
			need(w[*count].keys && w[*count].values);
			++*count;
		}
	}
	pthread_barrier_init(&s->start, NULL, *count + 1);
	for (r = 0; r < *count; r++)
		need(pthread_create(&w[r].thread, NULL, work, &w[r]) == 0);
	pthread_barrier_wait(&s->start);
	return w;
}

static void workers_join(struct stress *s, struct worker *w, unsigned int count)
{
	unsigned int i;

	atomic_store(&s->stop, true);
	for (i = 0; i < count; i++)
		pthread_join(w[i].thread, NULL);
	pthread_barrier_destroy(&s->start);
}

static void workers_free(struct worker *w, unsigned int count)
{
	unsigned int i;

	for (i = 0; i < count; i++) {
		free(w[i].keys);
		free(w[i].values);
	}
	free(w);
}

static unsigned long done_by(struct worker *w, unsigned int count, const struct role *role)
{
	unsigned long done = 0;
	unsigned int i;

	for (i = 0; i < count; i++)
		if (w[i].role == role)
			done += atomic_load(&w[i].done);
	return done;
}

/* On a busy machine it takes longer until each role has had its turn. */
static void wait_all_done(struct stress *s, struct worker *w, unsigned int count)
{
	unsigned long end = load_ms() + LOAD_PATIENCE;
	unsigned int r;

	for (r = 0; r < ARRAY_SIZE(roles); r++)
		while ((!roles[r].hash_only || is_hash(s->kind)) &&
		       !done_by(w, count, &roles[r]) && load_ms() < end)
			load_sleep_ms(1);
}

/* Prints what was done, and asserts that nothing went wrong. */
static void workers_judge(struct stress *s, struct worker *w, unsigned int count)
{
	unsigned long torn = 0, bad = 0, done;
	unsigned int r, i;
	char line[512];
	int len;

	len = snprintf(line, sizeof(line), "# %s, %u entries of %zu bytes:",
		       s->kind->name, s->max_entries, s->value_size);
	for (r = 0; r < ARRAY_SIZE(roles); r++) {
		if (roles[r].hash_only && !is_hash(s->kind))
			continue;
		done = done_by(w, count, &roles[r]);
		len += snprintf(line + len, sizeof(line) - len, " %s %lu,",
				roles[r].name, done);
		expect(done > 0);
	}
	for (i = 0; i < count; i++) {
		torn += w[i].torn;
		bad += w[i].bad;
		if (w[i].why[0])
			printf("# %s\n", w[i].why);
	}
	printf("%s torn %lu\n", line, torn);
	expect_eq(bad, 0);
	/* bpf(2) promises less: there the stress only shows that it can find some. */
	if (backend() != BACKEND_BPF)
		expect_eq(torn, 0);
}

/* The free list has lost nothing: exactly max_entries go in, from each CPU. */
static void check_refill(struct stress *s)
{
	char key[LOAD_KEY_MAX], *value = calloc(1, s->bytes);
	cpu_set_t set;
	unsigned int i;
	long count;
	int cpu;

	need(value);
	sched_getaffinity(0, sizeof(set), &set);
	for (cpu = 0; cpu < CPU_SETSIZE; cpu++) {
		if (!CPU_ISSET(cpu, &set))
			continue;
		run_on(cpu);
		count = load_count(s->fd, s->kind, s->keys);
		expect(count >= 0 && count <= (long)s->max_entries);
		expect_eq(load_empty(s->fd), count);
		for (i = 0; i < s->max_entries; i++) {
			load_key(s->kind, i, key);
			expect_eq(map_update(s->fd, key, value, BPFMAP_F_NOEXIST), 0);
		}
		load_key(s->kind, i, key);
		expect_eq(map_update(s->fd, key, value, 0),
			  is_lru(s->kind) ? 0 : -E2BIG);
		expect_eq(load_count(s->fd, s->kind, s->keys), s->max_entries);
	}
	sched_setaffinity(0, sizeof(set), &set);
	free(value);
}

/* The fewer elements, the sooner is one used again for another key. */
static const struct { unsigned int value_size, max_entries; } phases[] = {
	{ 8, 32 }, { 13, 4 }, { 24, 32 }, { 64, 4 }, { 512, 32 }, { 4000, 4 },
	{ 100000, 4 },
};

/* Of a per-CPU type */
#define PERCPU_MAX	32768

static void stress_one(const struct kind *kind, unsigned int value_size,
		       unsigned int max_entries, unsigned int ms)
{
	struct worker *w;
	unsigned int count;
	struct stress s;

	stress_begin(&s, kind, value_size, max_entries);
	w = workers_start(&s, &count, false);
	load_sleep_ms(ms);
	wait_all_done(&s, w, count);
	workers_join(&s, w, count);
	workers_judge(&s, w, count);
	workers_free(w, count);
	if (is_hash(kind))
		check_refill(&s);
	else
		expect_eq(load_count(s.fd, kind, s.keys), s.max_entries);
	stress_end(&s);
}

TEST(test_stress, K_ALL)
{
	const char *only = getenv("STRESS_KIND");
	unsigned int size = load_env("STRESS_SIZE", 0), i;
	unsigned int ms = load_env("STRESS_SECONDS", 5) * 1000;

	if (only && *only && strcmp(only, k->name)) {
		skipped("not asked for");
		return;
	}
	if (size)
		stress_one(k, size, 32, ms);
	for (i = 0; !size && i < ARRAY_SIZE(phases); i++)
		if (!is_percpu(k) || phases[i].value_size <= PERCPU_MAX)
			stress_one(k, phases[i].value_size,
				   phases[i].max_entries,
				   ms / ARRAY_SIZE(phases));
}

/* A map's whole content, for comparing */
static char *snapshot(struct stress *s)
{
	char *copy = calloc(s->keys, s->bytes + 1), key[LOAD_KEY_MAX];
	unsigned int i;
	int ret;

	need(copy);
	for (i = 0; i < s->keys; i++) {
		char *at = copy + i * (s->bytes + 1);

		load_key(s->kind, i, key);
		ret = map_lookup(s->fd, key, at + 1, 0);
		expect(ret == 0 || (ret == -ENOENT && is_hash(s->kind)));
		*at = !ret;
	}
	return copy;
}

/* [freeze.writer], [freeze.done]: nothing changes once FREEZE has returned 0 */
static void freeze_once(const struct kind *kind)
{
	unsigned long end = load_ms() + LOAD_PATIENCE;
	unsigned int count, i;
	char *before, *after;
	struct worker *w;
	struct stress s;
	int ret;

	stress_begin(&s, kind, 64, 32);
	s.pauses = true;
	w = workers_start(&s, &count, true);
	load_sleep_ms(2);
	do {
		ret = map_freeze(s.fd);
	} while (ret == -EBUSY && load_ms() < end);
	atomic_store(&s.frozen, true);
	before = snapshot(&s);
	load_sleep_ms(10);
	workers_join(&s, w, count);
	expect_eq(ret, 0);
	expect_eq(map_freeze(s.fd), FROZEN_AGAIN);
	after = snapshot(&s);
	expect(!memcmp(before, after, s.keys * (s.bytes + 1)));
	for (i = 0; i < count; i++) {
		if (w[i].bad)
			printf("# %s\n", w[i].why);
		expect_eq(w[i].bad, 0);
	}
	free(before);
	free(after);
	workers_free(w, count);
	stress_end(&s);
}

TEST(test_freeze, K_ALL)
{
	const char *only = getenv("STRESS_KIND");
	unsigned int i;

	if (only && strcmp(only, k->name))
		return;
	for (i = 0; i < load_env("STRESS_FREEZES", 20); i++)
		freeze_once(k);
}

TEST_MAIN
