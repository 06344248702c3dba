// SPDX-License-Identifier: GPL-2.0-only
/*
 * view_stress - views while others write: no value may be a mixture of two or of
 * another key, and a key that stays is always found: [view.read]
 *
 * VIEW_SECONDS: for all maps together (12)
 * VIEW_FAULT: a reader that is wrong on purpose, to see that this is noticed:
 *	"count" does not look at the sequence count, "end" takes any end of a chain
 *	for that of its own, "late" loads the count after comparing the key
 */
#include <pthread.h>
#include <stdatomic.h>

#include "load.h"
#include "rng.h"
#include "../lib/bpfmap_view.h"

#define KEEP	16	/* keys that are replaced, but never deleted */
#define KEYS	64
#define WRITERS	2
#define READERS	2

struct shape {
	const char *name;
	uint32_t type, value_size, max_entries, flags;
};

/* Small tables, in which elements are reused at once and chains are long */
static const struct shape shapes[] = {
	{ "hash 8/8", BPFMAP_TYPE_HASH, 8, KEYS, 0 },
	{ "hash 8/24", BPFMAP_TYPE_HASH, 24, KEYS, 0 },
	{ "hash 8/64, no_prealloc", BPFMAP_TYPE_HASH, 64, KEYS,
	  BPFMAP_F_NO_PREALLOC },
	{ "hash 8/520", BPFMAP_TYPE_HASH, 520, KEYS, 0 },
	{ "hash 8/4096, no_prealloc", BPFMAP_TYPE_HASH, 4096, KEYS,
	  BPFMAP_F_NO_PREALLOC },
	{ "hash 8/70000", BPFMAP_TYPE_HASH, 70000, KEYS, 0 },
	/* With room for all: nothing that must stay is evicted */
	{ "lru_hash 8/8", BPFMAP_TYPE_LRU_HASH, 8, 256, 0 },
	{ "lru_hash 8/600", BPFMAP_TYPE_LRU_HASH, 600, 256, 0 },
	{ "array 4/12", BPFMAP_TYPE_ARRAY, 12, KEYS, 0 },
	{ "array 4/520", BPFMAP_TYPE_ARRAY, 520, KEYS, 0 },
	{ "array 4/70000", BPFMAP_TYPE_ARRAY, 70000, KEYS, 0 },
};

enum fault { NO_FAULT, NO_COUNT, ANY_END, LATE_COUNT };

struct stress {
	const struct shape *s;
	struct bpfmap_view *v;
	enum fault fault;
	int fd;
	atomic_bool stop;
	atomic_ulong reads, found, torn, lost, failed, written;
};

struct worker {
	struct stress *st;
	unsigned int nr;
	pthread_t thread;
};

/* 8 bytes at least: as many as load_fill() needs; else one byte repeated */
static void fill(const struct stress *st, void *value, uint32_t key,
		 unsigned int writer, unsigned int seq)
{
	load_fill(value, st->s->value_size, &(struct load_tag){
		.key = key, .writer = writer, .cpu = LOAD_ANY_CPU,
		.seq = seq % LOAD_SEQ_END });
}

static void check_value(struct stress *st, uint32_t key, const void *value)
{
	struct load_tag tag;

	atomic_fetch_add(&st->found, 1);
	if (!load_check(value, st->s->value_size, &tag) || tag.key != key)
		atomic_fetch_add(&st->torn, 1);
}

static bool is_array(const struct stress *st)
{
	return st->s->type == BPFMAP_TYPE_ARRAY;
}

static void *write_all(void *arg)
{
	struct worker *w = arg;
	struct stress *st = w->st;
	uint8_t *value = malloc(st->s->value_size);
	struct rng r = { w->nr };
	unsigned int seq;

	for (seq = 1; !atomic_load(&st->stop); seq++) {
		uint64_t key = rnd(&r, KEYS);
		bool stays = key < KEEP || is_array(st);

		if (!stays && one_in(&r, 2)) {
			map_delete(st->fd, &key);
			continue;
		}
		fill(st, value, key, w->nr + 1, seq);
		if (map_update(st->fd, &key, value, 0))
			atomic_fetch_add(&st->failed, 1);
		atomic_fetch_add(&st->written, 1);
	}
	free(value);
	return NULL;
}

/* A reader that is wrong in one point */
static int wrong_lookup(const struct stress *st, const uint64_t *key,
			void *value)
{
	const struct bpfmap_view *v = st->v;
	const unsigned char *elem;
	uint32_t seq;
	int err;

	if (!v->heads) {
		if (__bpfmap_view_index(v, key, &elem, &seq) == -ENOENT)
			return -ENOENT;
	} else {
		err = __bpfmap_view_chain(v, key, 8,
					  __bpfmap_view_hash(v, key, 8), &elem,
					  &seq);
		if (err == -EAGAIN && st->fault == ANY_END)
			return -ENOENT;
		if (err)
			return err;
	}
	if (st->fault == LATE_COUNT)
		seq = __bpfmap_view_u32(elem, v->seq_off, __ATOMIC_ACQUIRE);
	memcpy(value, elem + v->value_off, v->value_size);
	if (st->fault == NO_COUNT)
		return 0;
	return bpfmap_view_unchanged(v, elem + v->value_off, seq) ? 0 : -EAGAIN;
}

static int look_up(const struct stress *st, const uint64_t *key, void *value,
		   bool fixed)
{
	int err;

	if (st->fault != NO_FAULT) {
		do {
			err = wrong_lookup(st, key, value);
		} while (err == -EAGAIN && st->fault != NO_COUNT);
		return err;
	}
	if (fixed && st->s->value_size == 8)
		return bpfmap_view_lookup_fixed(st->v, key, 8, value, 8);
	return bpfmap_view_lookup(st->v, key, value);
}

static void read_one(struct stress *st, uint64_t key, void *value, bool fixed)
{
	int err = look_up(st, &key, value, fixed);

	atomic_fetch_add(&st->reads, 1);
	if (!err)
		check_value(st, key, value);
	else if (err == -ENOENT && (key < KEEP || is_array(st)))
		atomic_fetch_add(&st->lost, 1);
	else if (err != -ENOENT && err != -EAGAIN)
		atomic_fetch_add(&st->failed, 1);
}

static void read_many(struct stress *st, uint8_t *values)
{
	uint32_t i, n = KEYS, size = st->s->value_size;
	uint64_t keys[KEYS];
	uint32_t indexes[KEYS];
	int32_t results[KEYS];

	for (i = 0; i < n; i++) {
		keys[i] = i;
		indexes[i] = i;
	}
	bpfmap_view_lookup_many(st->v, is_array(st) ? (void *)indexes : keys,
				values, results, n);
	for (i = 0; i < n; i++) {
		if (!results[i])
			check_value(st, i, values + (size_t)i * size);
		else if (i < KEEP || is_array(st))
			atomic_fetch_add(&st->lost, 1);
	}
}

struct seen {
	struct stress *st;
	uint32_t times[KEYS];
};

static int see(const void *key, const void *value, void *ctx)
{
	struct seen *seen = ctx;
	uint32_t nr;

	memcpy(&nr, key, sizeof(nr));
	if (nr < KEYS)
		seen->times[nr]++;
	check_value(seen->st, nr, value);
	return 0;
}

static void read_all(struct stress *st, void *value)
{
	struct seen seen = { .st = st };
	uint64_t key;
	uint32_t i;

	bpfmap_view_for_each(st->v, &key, value, see, &seen);
	for (i = 0; i < KEEP; i++)
		if (seen.times[i] != 1)
			atomic_fetch_add(&st->lost, 1);
}

static void read_pointer(struct stress *st, uint64_t key, uint8_t *value)
{
	const void *at;
	uint32_t seq;

	at = bpfmap_view_get(st->v, &key, &seq);
	if (!at)
		return;
	memcpy(value, at, st->s->value_size);
	if (bpfmap_view_unchanged(st->v, at, seq))
		check_value(st, key, value);
}

static void *read_values(void *arg)
{
	struct worker *w = arg;
	struct stress *st = w->st;
	uint8_t *values = malloc((size_t)KEYS * st->s->value_size);
	struct rng r = { w->nr + 100 };

	while (!atomic_load(&st->stop)) {
		int i;

		for (i = 0; i < KEYS; i++)
			read_one(st, rnd(&r, KEYS), values, i & 1);
		if (st->fault != NO_FAULT)
			continue;
		read_pointer(st, rnd(&r, KEYS), values);
		if (one_in(&r, 4))
			read_many(st, values);
		if (one_in(&r, 4))
			read_all(st, values);
	}
	free(values);
	return NULL;
}

static void run_for(struct stress *st, unsigned int ms)
{
	struct worker workers[WRITERS + READERS];
	unsigned int i;

	for (i = 0; i < WRITERS + READERS; i++) {
		workers[i] = (struct worker){ .st = st, .nr = i };
		need(!pthread_create(&workers[i].thread, NULL,
				     i < WRITERS ? write_all : read_values,
				     &workers[i]));
	}
	load_sleep_ms(ms);
	atomic_store(&st->stop, true);
	for (i = 0; i < WRITERS + READERS; i++)
		pthread_join(workers[i].thread, NULL);
}

static void open_stress(struct stress *st)
{
	const struct shape *s = st->s;
	uint8_t *value = malloc(s->value_size);
	bool array = is_array(st);
	uint64_t key;

	st->fd = map_create(.map_type = s->type, .key_size = array ? 4 : 8,
			    .value_size = s->value_size,
			    .max_entries = s->max_entries,
			    .map_flags = s->flags | BPFMAP_F_VIEW);
	check_ret(st->fd, GOT_FD, "MAP_CREATE");
	for (key = 0; key < (array ? KEYS : KEEP); key++) {
		fill(st, value, key, 1, 0);
		check_ret(map_update(st->fd, &key, value, 0), 0, "UPDATE");
	}
	st->v = bpfmap_view_open(st->fd, NULL);
	need(st->v);
	free(value);
}

static void close_stress(struct stress *st)
{
	bpfmap_view_close(st->v);
	close(st->fd);
}

static void one(const struct shape *s, enum fault fault, unsigned int ms)
{
	struct stress st = { .s = s, .fault = fault };

	open_stress(&st);
	run_for(&st, ms);
	printf("# %s: %lu reads, %lu values, %lu updates, torn or foreign %lu, lost %lu\n",
	       s->name, st.reads, st.found, st.written, st.torn, st.lost);
	check_num(st.torn, 0, "values that are torn or another key's");
	check_num(st.lost, 0, "keys that were not found");
	check_num(st.failed, 0, "commands that failed");
	check(st.found && st.written, "something was read and written");
	close_stress(&st);
}

/* The test can fail: a reader that does not look at the count sees torn values */
TEST(planted_fault, 0)
{
	struct stress st = { .s = &shapes[ARRAY_SIZE(shapes) - 2],
			     .fault = NO_COUNT };
	unsigned long end = load_ms() + LOAD_PATIENCE;

	row("-", "no sequence count, %s", st.s->name);
	open_stress(&st);
	do {
		atomic_store(&st.stop, false);
		run_for(&st, 500);
	} while (!st.torn && load_ms() < end);
	check(st.torn, "torn values are noticed");
	close_stress(&st);
}

TEST(readers, 0)
{
	static const char *const faults[] = { "", "count", "end", "late" };
	const char *name = getenv("VIEW_FAULT") ?: "";
	unsigned int ms = load_env("VIEW_SECONDS", 12) * 1000;
	enum fault fault = NO_FAULT;
	size_t i;

	for (i = 0; i < ARRAY_SIZE(faults); i++)
		if (!strcmp(name, faults[i]))
			fault = i;
	for (i = 0; i < ARRAY_SIZE(shapes); i++) {
		row("view.read", "%s", shapes[i].name);
		one(&shapes[i], fault, ms / ARRAY_SIZE(shapes));
	}
}

TEST_MAIN
