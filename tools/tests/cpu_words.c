// SPDX-License-Identifier: GPL-2.0-only
/*
 * Values of one word for each CPU: those of all CPUs together are one value, too
 *
 * Writers store values with all words alike, by every command that writes those
 * of all CPUs; readers never see two that differ.
 *
 * CPU_WORDS_MS: for each type and size (500)
 */
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <time.h>

#include "common.h"

#define ENTRIES		4	/* few, so that all meet */
#define WRITERS		2
#define READERS		2

struct words {
	int fd;
	uint32_t size;
	size_t bytes;			/* of a value, all CPUs' */
	atomic_bool stop;
	atomic_ulong reads[2];		/* by LOOKUP_ELEM, by LOOKUP_BATCH */
	atomic_ulong mixed[2];		/* ... with words that differ */
	atomic_ulong failed;
};

struct worker {
	struct words *w;
	unsigned int nr;
};

static int batch(struct words *w, int cmd, uint32_t *keys, void *values,
		 uint64_t elem_flags)
{
	uint64_t out = 0;
	struct bpfmap_batch_attr attr = {
		.out_batch = PTR(&out),
		.keys = PTR(keys),
		.values = PTR(values),
		.count = ENTRIES,
		.map_fd = w->fd,
		.elem_flags = elem_flags,
	};
	int ret = sys_map(cmd, &attr, sizeof(attr));

	/* A hash ends with ENOENT */
	return attr.count == ENTRIES && ret == -ENOENT ? 0 : ret;
}

/* One value for every CPU, in three ways */
static void *write_words(void *arg)
{
	struct worker *me = arg;
	struct words *w = me->w;
	uint8_t *values = malloc(ENTRIES * w->bytes);
	uint32_t keys[ENTRIES] = { 0, 1, 2, 3 };
	uint32_t n;
	int err;

	for (n = me->nr; values && !atomic_load(&w->stop); n++) {
		memset(values, 0, ENTRIES * w->bytes);
		for (size_t at = 0; at < ENTRIES * w->bytes; at += 8)
			memset(values + at, n * WRITERS + me->nr, w->size);
		switch (n % 3) {
		case 0:
			err = map_update(w->fd, &keys[n / 3 % ENTRIES], values, 0);
			break;
		case 1:
			err = map_update(w->fd, &keys[n / 3 % ENTRIES], values,
					 BPFMAP_F_ALL_CPUS);
			break;
		default:
			err = batch(w, UB, keys, values, 0);
		}
		if (err)
			atomic_fetch_add(&w->failed, 1);
	}
	free(values);
	return NULL;
}

static void look(struct words *w, int how, const uint8_t *value)
{
	size_t at;

	for (at = 8; at < w->bytes && !memcmp(value, value + at, w->size); at += 8)
		;
	atomic_fetch_add(&w->reads[how], 1);
	if (at < w->bytes)
		atomic_fetch_add(&w->mixed[how], 1);
}

static void *read_words(void *arg)
{
	struct worker *me = arg;
	struct words *w = me->w;
	uint8_t *values = malloc(ENTRIES * w->bytes);
	uint32_t n, keys[ENTRIES];

	for (n = 0; values && !atomic_load(&w->stop); n++) {
		uint32_t i, key = n / 2 % ENTRIES;
		bool by_batch = n & 1;

		if (by_batch ? batch(w, LB, keys, values, 0) :
			       map_lookup(w->fd, &key, values, 0)) {
			atomic_fetch_add(&w->failed, 1);
			continue;
		}
		for (i = 0; i < (by_batch ? ENTRIES : 1); i++)
			look(w, by_batch, values + i * w->bytes);
	}
	free(values);
	return NULL;
}

static void run(struct words *w)
{
	const char *env = getenv("CPU_WORDS_MS");
	unsigned long ms = env ? strtoul(env, NULL, 0) : 500;
	const struct timespec t = { ms / 1000, ms % 1000 * 1000000 };
	struct worker workers[WRITERS + READERS];
	pthread_t threads[WRITERS + READERS];
	unsigned int i;

	for (i = 0; i < WRITERS + READERS; i++) {
		workers[i] = (struct worker) { w, i };
		if (pthread_create(&threads[i], NULL, i < WRITERS ? write_words :
				   read_words, &workers[i])) {
			perror("pthread_create");
			exit(1);
		}
	}
	nanosleep(&t, NULL);
	atomic_store(&w->stop, true);
	for (i = 0; i < WRITERS + READERS; i++)
		pthread_join(threads[i], NULL);
}

TEST(test_words, K_PCPU)
{
	static const uint32_t sizes[] = { 1, 2, 4, 8 };
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(sizes); i++) {
		struct words w = {
			.fd = map_new(k, 4, sizes[i], ENTRIES * 2, 0),
			.size = sizes[i],
			.bytes = user_value_size(k, sizes[i]),
		};
		uint32_t key;
		uint8_t *value = calloc(1, w.bytes);

		row("copy.whole", "%s of %u", k->name, sizes[i]);
		if (!check(w.fd >= 0 && value, "create: %d", w.fd))
			return;
		for (key = 0; key < ENTRIES; key++)
			check_ret(map_update(w.fd, &key, value, 0), 0, "insert");
		run(&w);
		printf("# %s of %u: of %lu look-ups %lu are mixed, of %lu in batches %lu\n",
		       k->name, sizes[i], w.reads[0], w.mixed[0], w.reads[1],
		       w.mixed[1]);
		check_num(w.failed, 0, "failed commands");
		check_num(w.mixed[0] + w.mixed[1], 0, "mixtures of two updates");
		free(value);
		close(w.fd);
	}
}

TEST_MAIN
