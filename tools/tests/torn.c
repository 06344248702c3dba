// SPDX-License-Identifier: GPL-2.0-only
/*
 * Values of eight bytes, which are one word on some architectures and two on
 * others: a reader beside a writer gets no half of another value [copy.whole].
 * Both halves of each value that is written are the same.
 *
 * TORN_MS: for each pair of writer and reader, on each kind of map (100)
 */
#include <pthread.h>
#include <stdatomic.h>

#include "load.h"

#define ENTRIES		64	/* written and read at once by a batch */
#define BATCHES		(K_ALL | K_LPM | K_RHASH)
#define KINDS		(BATCHES | K_QUEUES)

struct fighter;

struct fight {
	const struct kind *kind;
	int fd;
	uint8_t keys[ENTRIES * LOAD_KEY_MAX];
	atomic_bool stop;
};

struct fighter {
	pthread_t thread;
	struct fight *f;
	void (*step)(struct fighter *me);
	unsigned int cpu;
	uint32_t next;
	uint64_t *values;		/* room for all entries */
	atomic_ulong done;		/* values */
	unsigned long torn;		/* of these */
	uint64_t example;		/* the last one torn */
};

static unsigned int slots(const struct fighter *me)
{
	return load_slots(me->f->kind);
}

/* The first key; queues have none */
static const void *key_of(const struct fighter *me)
{
	return me->f->kind->class == C_NONE ? NULL : me->f->keys;
}

static uint64_t first_cpu(void)
{
	return BPFMAP_F_CPU | (uint64_t)cpu_nr(0) << 32;
}

static void next_values(struct fighter *me, unsigned int n)
{
	me->next += 0x01010101;
	while (n--)
		me->values[n] = (uint64_t)me->next << 32 | me->next;
}

static void check_values(struct fighter *me, unsigned int n)
{
	me->done += n;
	while (n--) {
		uint64_t v = me->values[n];

		if (v >> 32 == (uint32_t)v)
			continue;
		me->torn++;
		me->example = v;
	}
}

static void write_all(struct fighter *me)
{
	next_values(me, slots(me));
	/* A queue drops its oldest, all others replace */
	if (!map_update(me->f->fd, key_of(me), me->values,
			me->f->kind->class == C_NONE ? BPFMAP_F_EXIST : 0))
		me->done += slots(me);
}

static void write_cpu(struct fighter *me)
{
	next_values(me, 1);
	me->done += !map_update(me->f->fd, key_of(me), me->values, first_cpu());
}

static void write_batch(struct fighter *me)
{
	uint32_t n = ENTRIES;

	next_values(me, n * slots(me));
	if (!load_batch(UB, me->f->fd, NULL, NULL, me->f->keys, me->values, &n, 0))
		me->done += n * slots(me);
}

static void read_all(struct fighter *me)
{
	if (!map_lookup(me->f->fd, key_of(me), me->values, 0))
		check_values(me, slots(me));
}

static void read_cpu(struct fighter *me)
{
	if (!map_lookup(me->f->fd, key_of(me), me->values, first_cpu()))
		check_values(me, 1);
}

static void read_batch(struct fighter *me)
{
	uint8_t cursor[LOAD_KEY_MAX], keys[ENTRIES * LOAD_KEY_MAX];
	uint32_t n = ENTRIES;
	int ret = load_batch(LB, me->f->fd, NULL, cursor, keys, me->values, &n, 0);

	if (!ret || ret == -ENOENT)
		check_values(me, n * slots(me));
}

static void take(struct fighter *me)
{
	if (!map_elem(LAD, me->f->fd, key_of(me), me->values, 0))
		check_values(me, slots(me));
}

static const struct {
	const char *name;
	void (*write)(struct fighter *me);
	void (*read)(struct fighter *me);
	unsigned int kinds;
} pairs[] = {
	{ "batches", write_batch, read_batch, BATCHES },
	{ "UPDATE, LOOKUP", write_all, read_all, KINDS },
	{ "one CPU's value", write_cpu, read_cpu, K_PCPU },
	{ "UPDATE, LOOKUP_AND_DELETE", write_all, take, K_HASHES | K_RHASH | K_QUEUES },
};

static void *fight(void *arg)
{
	struct fighter *me = arg;

	run_on(me->cpu);
	while (!atomic_load(&me->f->stop))
		me->step(me);
	return NULL;
}

static void fighter_start(struct fighter *me, struct fight *f,
			  void (*step)(struct fighter *me), unsigned int cpu)
{
	*me = (struct fighter) {
		.f = f, .step = step, .cpu = cpu_nr(cpu % n_cpus()),
		.values = calloc(ENTRIES * n_cpus(), sizeof(uint64_t)),
	};
	need(me->values);
	need(!pthread_create(&me->thread, NULL, fight, me));
}

static void fighter_end(struct fighter *me)
{
	pthread_join(me->thread, NULL);
	free(me->values);
}

TEST(halves, KINDS)
{
	unsigned int i, self = 1U << (k - kinds);
	uint32_t key_size = k->class == C_NONE ? 0 : load_key_size(k);
	struct fight f = { .kind = k };
	struct fighter writer, reader;
	unsigned long end;

	/* For an LPM_TRIE, the numbers are lengths of prefixes */
	for (i = 0; i < ENTRIES; i++)
		memcpy(&f.keys[i * key_size], &i, key_size ? sizeof(i) : 0);
	for (i = 0; i < ARRAY_SIZE(pairs); i++) {
		if (!(pairs[i].kinds & self))
			continue;
		row("copy.whole", "%s: %s", k->name, pairs[i].name);
		f.fd = map_new(k, key_size, 8, ENTRIES, 0);
		need(f.fd >= 0);
		atomic_store(&f.stop, false);
		fighter_start(&writer, &f, pairs[i].write, 0);
		fighter_start(&reader, &f, pairs[i].read, 1);
		end = load_ms() + load_env("TORN_MS", 100);
		/* On a busy machine they may begin late */
		while (load_ms() < end ||
		       (!(writer.done && reader.done) &&
			load_ms() < end + LOAD_PATIENCE))
			load_sleep_ms(10);
		atomic_store(&f.stop, true);
		fighter_end(&writer);
		fighter_end(&reader);
		close(f.fd);
		printf("# %s: %s: %lu written, %lu read\n", k->name,
		       pairs[i].name, writer.done, reader.done);
		check(!reader.torn, "%lu torn values, such as %016llx",
		      reader.torn, (unsigned long long)reader.example);
		check(writer.done && reader.done, "%lu written, %lu read",
		      writer.done, reader.done);
	}
}

TEST_MAIN
