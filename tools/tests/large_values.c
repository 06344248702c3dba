// SPDX-License-Identifier: GPL-2.0-only
/*
 * large_values - values too large to be copied in one go with a lock held are
 * whole all the same: a value is one that one update stored, a bucket is a
 * snapshot, and a bucket has no more than BUCKET_MAX elements: [hash.bucket],
 * [update.bucket]
 *
 * LARGE_ROUNDS: updates by each writer (100)
 */
#include <pthread.h>
#include <stdatomic.h>

#include "bucket.h"
#include "common.h"

#define KIB		1024UL
#define MAX_THREADS	8

static unsigned int rounds(void)
{
	const char *env = getenv("LARGE_ROUNDS");

	return env ? atoi(env) : 100;
}

/* ------------------------------------------------------------------------- */
/* Threads on one map */

/**
 * struct shared - a map that several threads work on
 * @fd: the map
 * @keys: keys that are in it now and then
 * @n_keys: how many
 * @size: bytes of a value as the user sees it
 * @renewed: elements are removed before they get another value
 * @left: writers that are still running
 * @torn: values that were not one that one update stored
 * @mixed: buckets that were not of one time
 * @seen: values that were looked at
 * @failed: commands that failed for no good reason
 */
struct shared {
	int fd;
	uint32_t *keys;
	uint32_t n_keys;
	size_t size;
	bool renewed;
	atomic_uint left;
	atomic_uint torn;
	atomic_uint mixed;
	atomic_uint seen;
	atomic_uint failed;
};

static void *must_alloc(size_t n)
{
	void *p = malloc(n);

	if (!p) {
		perror("memory");
		exit(1);
	}
	return p;
}

static void run_threads(struct shared *s, void *(*const *fns)(void *), int n)
{
	pthread_t threads[MAX_THREADS];
	int i;

	for (i = 0; i < n; i++)
		if (pthread_create(&threads[i], NULL, fns[i], s)) {
			perror("pthread_create");
			exit(1);
		}
	for (i = 0; i < n; i++)
		pthread_join(threads[i], NULL);
}

static void fill_value(uint64_t *value, size_t size, uint64_t word)
{
	size_t i;

	for (i = 0; i < size / sizeof(*value); i++)
		value[i] = word;
}

/* Is it of one update, and of that key? The key is the upper half of each word */
static void look_at(struct shared *s, uint32_t key, const uint64_t *value)
{
	size_t i;

	atomic_fetch_add(&s->seen, 1);
	for (i = 1; i < s->size / sizeof(*value); i++)
		if (value[i] != value[0])
			break;
	if (i < s->size / sizeof(*value) || value[0] >> 32 != key)
		atomic_fetch_add(&s->torn, 1);
}

static void *write_values(void *arg)
{
	struct shared *s = arg;
	uint64_t *value = must_alloc(s->size);
	uint32_t i, key, n = rounds();

	for (i = 0; i < n; i++) {
		key = s->keys[i % s->n_keys];
		fill_value(value, s->size, (uint64_t)key << 32 | rand());
		if (map_update(s->fd, &key, value, 0))
			atomic_fetch_add(&s->failed, 1);
	}
	atomic_fetch_sub(&s->left, 1);
	free(value);
	return NULL;
}

static void *read_values(void *arg)
{
	struct shared *s = arg;
	uint64_t *value = must_alloc(s->size);
	uint32_t i, key;
	int ret;

	for (i = 0; !i || atomic_load(&s->left); i++) {
		key = s->keys[i % s->n_keys];
		ret = map_lookup(s->fd, &key, value, 0);
		if (!ret)
			look_at(s, key, value);
		else if (ret != -ENOENT)
			atomic_fetch_add(&s->failed, 1);
	}
	free(value);
	return NULL;
}

/* In turn with their values and without */
static void *remove_values(void *arg)
{
	struct shared *s = arg;
	uint64_t *value = must_alloc(s->size);
	uint32_t i, key;
	int ret;

	for (i = 0; atomic_load(&s->left); i++) {
		key = s->keys[i % s->n_keys];
		if (i % 2) {
			ret = map_delete(s->fd, &key);
		} else {
			ret = map_elem(LAD, s->fd, &key, value, 0);
			if (!ret)
				look_at(s, key, value);
		}
		if (ret && ret != -ENOENT)
			atomic_fetch_add(&s->failed, 1);
	}
	free(value);
	return NULL;
}

/* How many came; the whole map, or as much as is before an error */
static uint32_t get_batch(struct shared *s, int cmd, uint32_t *keys,
			  void *values)
{
	uint32_t out;
	struct bpfmap_batch_attr attr = {
		.out_batch = PTR(&out),
		.keys = PTR(keys),
		.values = PTR(values),
		.count = s->n_keys,
		.map_fd = s->fd,
	};
	int ret = sys_map(cmd, &attr, sizeof(attr));

	if (ret && ret != -ENOENT)
		atomic_fetch_add(&s->failed, 1);
	return attr.count;
}

static void batches(struct shared *s, int cmd)
{
	uint32_t *keys = must_alloc(s->n_keys * sizeof(*keys));
	char *values = must_alloc(s->n_keys * s->size);
	uint32_t i, n;

	while (atomic_load(&s->left)) {
		n = get_batch(s, cmd, keys, values);
		for (i = 0; i < n; i++)
			look_at(s, keys[i], (void *)(values + i * s->size));
	}
	free(values);
	free(keys);
}

static void *read_batches(void *arg)
{
	batches(arg, LB);
	return NULL;
}

static void *remove_batches(void *arg)
{
	batches(arg, LADB);
	return NULL;
}

static void check_shared(const struct shared *s)
{
	check(!s->failed, "%u commands failed", s->failed);
	check(!s->torn, "%u of %u values are mixtures", s->torn, s->seen);
	check(!s->mixed, "%u buckets are of no one time", s->mixed);
}

/* Twice 64 KiB and more of a value, whatever the number of CPUs */
TEST(test_whole, K_HASHES | K_RHASH)
{
	static void *(*const fns[])(void *) = {
		write_values, write_values, write_values, read_values,
		remove_values, read_batches, remove_batches,
	};
	uint32_t value_size = is_percpu(k) ? 32 * KIB : 256 * KIB + 8;
	uint32_t keys[] = { 1, 2, 3, 4, 5 };
	struct shared s = {
		/* What a batch removes is there for others when it is copied */
		.fd = map_new(k, 4, value_size, 4 * ARRAY_SIZE(keys), 0),
		.keys = keys,
		.n_keys = ARRAY_SIZE(keys),
		.size = user_value_size(k, value_size),
		.left = 3,
	};

	row("conc.large", "%s", k->name);
	if (!check_ret(s.fd, GOT_FD, "create"))
		return;
	run_threads(&s, fns, ARRAY_SIZE(fns));
	check_shared(&s);
}

/* ------------------------------------------------------------------------- */
/* A bucket is a snapshot */

/* Give all elements the number @n, always in the same order */
static void number_all(struct shared *s, uint64_t *value, uint32_t n)
{
	uint32_t i;

	for (i = 0; i < s->n_keys; i++) {
		fill_value(value, s->size, (uint64_t)s->keys[i] << 32 | n);
		if (s->renewed && n > 1 && map_delete(s->fd, &s->keys[i]))
			atomic_fetch_add(&s->failed, 1);
		if (map_update(s->fd, &s->keys[i], value, 0))
			atomic_fetch_add(&s->failed, 1);
	}
}

static void *count_up(void *arg)
{
	struct shared *s = arg;
	uint64_t *value = must_alloc(s->size);
	uint32_t n, max = rounds();

	for (n = 2; n <= max; n++)
		number_all(s, value, n);
	atomic_fetch_sub(&s->left, 1);
	free(value);
	return NULL;
}

/* The number of each key, in the order of the keys; 0: it is not there */
static void numbers(const struct shared *s, const uint32_t *keys,
		    const char *values, uint32_t n, uint32_t *nr)
{
	uint32_t i, j;

	memset(nr, 0, s->n_keys * sizeof(*nr));
	for (i = 0; i < n; i++)
		for (j = 0; j < s->n_keys; j++)
			if (s->keys[j] == keys[i])
				nr[j] = *(const uint64_t *)(values + i * s->size);
}

/* Could these be the numbers at one moment? */
static bool at_once(const struct shared *s, const uint32_t *nr)
{
	uint32_t i, first = 0, last = 0, missing = 0;

	for (i = 0; i < s->n_keys; i++) {
		if (!nr[i]) {
			missing++;
			continue;
		}
		if (first && (nr[i] > last || nr[i] + 1 < first))
			return false;
		last = nr[i];
		first = first ?: last;
	}
	return missing <= s->renewed;
}

static void *read_bucket(void *arg)
{
	struct shared *s = arg;
	uint32_t *keys = must_alloc(s->n_keys * sizeof(*keys));
	uint32_t *nr = must_alloc(s->n_keys * sizeof(*nr));
	char *values = must_alloc(s->n_keys * s->size);
	uint32_t i, n;

	/* Once more when all is written, at least this time */
	do {
		n = get_batch(s, LB, keys, values);
		for (i = 0; i < n; i++)
			look_at(s, keys[i], (void *)(values + i * s->size));
		numbers(s, keys, values, n, nr);
		if (!at_once(s, nr))
			atomic_fetch_add(&s->mixed, 1);
	} while (atomic_load(&s->left));
	free(values);
	free(nr);
	free(keys);
	return NULL;
}

/* @renewed: an element is removed, and inserted again, for each number */
static void one_bucket(const struct kind *k, uint32_t n_keys,
		       uint32_t value_size, bool renewed)
{
	static void *(*const fns[])(void *) = {
		count_up, read_bucket, read_bucket,
	};
	uint32_t entries = 64;
	struct shared s = {
		.fd = map_new(k, 4, value_size, entries, BPFMAP_F_ZERO_SEED),
		.keys = bucket_keys(n_keys, entries),
		.n_keys = n_keys,
		.size = user_value_size(k, value_size),
		.left = 1,
		.renewed = renewed,
	};
	uint64_t *value = must_alloc(s.size);

	row("batch.whole", "%s: %u of %u bytes%s", k->name, n_keys, value_size,
	    renewed ? ", renewed" : "");
	if (check_ret(s.fd, GOT_FD, "create")) {
		number_all(&s, value, 1);
		run_threads(&s, fns, ARRAY_SIZE(fns));
	}
	free(value);
	check_shared(&s);
	check(s.seen > 0, "no value was looked at");
	free(s.keys);
}

TEST(test_bucket, K_HASHES)
{
	one_bucket(k, 32, 1 * KIB, false);
	one_bucket(k, 32, 1 * KIB, true);
	one_bucket(k, 32, 12 * KIB, false);
	if (!is_percpu(k)) {
		one_bucket(k, 5, 200 * KIB, false);
		one_bucket(k, 5, 200 * KIB, true);
	}
}

/* ------------------------------------------------------------------------- */
/* A bucket has no more than BUCKET_MAX elements */

TEST(test_chain, K_HASHES)
{
	uint32_t i, n = BUCKET_MAX + 50, entries = 512, there = 0;
	uint32_t *keys = bucket_keys(n, entries), other;
	char *value = calloc(1, user_value_size(k, 8));
	int fd = map_new(k, 4, 8, entries, BPFMAP_F_ZERO_SEED);

	row("conc.large", "%s", k->name);
	check_ret(fd, GOT_FD, "create");
	for (i = 0; i < n; i++)
		check_ret(map_update(fd, &keys[i], value, 0),
			  i < BUCKET_MAX || is_lru(k) ? 0 : -E2BIG,
			  "key %u of a bucket", i);
	for (i = 0; i < n; i++)
		there += !map_lookup(fd, &keys[i], value, 0);
	check_num(there, BUCKET_MAX, "elements of the bucket");
	check_ret(map_lookup(fd, &keys[is_lru(k) ? n - 1 : 0], value, 0), 0,
		  "look-up");
	check_ret(map_update(fd, &keys[BUCKET_MAX - 1], value, 0), 0,
		  "replacing");
	for (other = 0; !bucket_of(other, entries); other++)
		;
	check_ret(map_update(fd, &other, value, 0), 0, "another bucket");
	check_ret(map_delete(fd, &keys[BUCKET_MAX - 1]), 0, "deleting one");
	check_ret(map_update(fd, &keys[BUCKET_MAX], value, 0), 0,
		  "one for the one deleted");
	free(value);
	free(keys);
}

TEST_MAIN
