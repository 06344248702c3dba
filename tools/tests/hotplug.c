// SPDX-License-Identifier: GPL-2.0-only
/*
 * CPUs go offline and online while maps are in use: values of an offline CPU
 * stay, can be read and written, and elements on its free lists are not lost.
 *
 * HOTPLUG_CYCLES: how often, for each kind of map (3)
 */
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>

#include "load.h"

#define ENTRIES		64
#define KEPT		16	/* keys 0..15: written at the start only */
#define VALUE_SIZE	72
#define WORKERS		3

struct crew {
	const struct kind *kind;
	int fd;
	atomic_bool stop;
	atomic_ulong steps, wrong;
};

/* The last of the CPUs; the first one cannot be switched off everywhere */
static unsigned int victim(void)
{
	return cpu_nr(n_cpus() - 1);
}

static int switch_cpu(bool on)
{
	char path[64];
	int fd, ret = 0;

	snprintf(path, sizeof(path), "/sys/devices/system/cpu/cpu%u/online",
		 victim());
	fd = open(path, O_WRONLY | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	if (write(fd, on ? "1" : "0", 1) != 1)
		ret = -errno;
	close(fd);
	return ret;
}

static bool can_switch(void)
{
	if (n_cpus() < 2) {
		skipped("one CPU only");
		return false;
	}
	if (switch_cpu(true)) {
		skipped("CPU %u cannot be switched", victim());
		return false;
	}
	return true;
}

static bool whole(const struct kind *kind, unsigned int id, const char *value)
{
	size_t stride = load_stride(kind, VALUE_SIZE);
	struct load_tag tag;
	unsigned int slot;

	for (slot = 0; slot < load_slots(kind); slot++)
		if (!load_check(value + slot * stride, VALUE_SIZE, &tag) ||
		    tag.key != id || tag.cpu != LOAD_SLOT_CPU(slot))
			return false;
	return true;
}

static int store(const struct kind *kind, int fd, unsigned int id,
		 unsigned int seq, char *value)
{
	struct load_tag tag = { .key = id, .writer = 1, .seq = seq };
	char key[LOAD_KEY_MAX];

	load_key(kind, id, key);
	load_fill_all(kind, value, VALUE_SIZE, tag);
	return map_update(fd, key, value, 0);
}

/* One of each command on one of the keys above KEPT */
static bool step(struct crew *c, unsigned int turn, char *value)
{
	unsigned int id = KEPT + turn * 7 % (ENTRIES - KEPT);
	char key[LOAD_KEY_MAX], next[LOAD_KEY_MAX];
	int ret;

	load_key(c->kind, id, key);
	ret = map_lookup(c->fd, key, value, 0);
	if (ret ? ret != -ENOENT : !whole(c->kind, id, value))
		return false;
	ret = map_next_key(c->fd, key, next);
	if (ret && ret != -ENOENT)
		return false;
	if (is_hash(c->kind) && turn % 3 == 0) {
		ret = map_delete(c->fd, key);
		return !ret || ret == -ENOENT;
	}
	return !store(c->kind, c->fd, id, turn, value);
}

static void *work(void *arg)
{
	char *value = malloc(user_value_size(((struct crew *)arg)->kind, VALUE_SIZE));
	struct crew *c = arg;
	unsigned int turn;

	for (turn = 0; value && !atomic_load(&c->stop); turn++) {
		if (!step(c, turn, value))
			atomic_fetch_add(&c->wrong, 1);
		atomic_fetch_add(&c->steps, 1);
	}
	free(value);
	return NULL;
}

/* The KEPT keys are whole, for every CPU, one by one and in a batch */
static void check_kept(const struct kind *kind, int fd, const char *when)
{
	size_t bytes = user_value_size(kind, VALUE_SIZE), key_size = load_key_size(kind);
	char *keys = malloc(ENTRIES * key_size), *values = malloc(ENTRIES * bytes);
	char key[LOAD_KEY_MAX], cursor[LOAD_KEY_MAX];
	uint32_t count = ENTRIES, i, seen = 0;
	int id, ret;

	need(keys && values);
	for (i = 0; i < KEPT; i++) {
		load_key(kind, i, key);
		check_ret(map_lookup(fd, key, values, 0), 0, "%s: key %u", when, i);
		check(whole(kind, i, values), "%s: value of key %u", when, i);
	}
	ret = load_batch(LB, fd, NULL, cursor, keys, values, &count, 0);
	check(!ret || ret == -ENOENT, "%s: batch: %d", when, ret);
	for (i = 0; i < count; i++) {
		id = load_key_id(kind, keys + i * key_size);
		check(id >= 0 && whole(kind, id, values + i * bytes),
		      "%s: value of key %d in a batch", when, id);
		seen += id >= 0 && id < KEPT;
	}
	check_num(seen, KEPT, "%s: keys in a batch", when);
	free(keys);
	free(values);
}

/* The value of a CPU that is not there can be read, and written */
static void check_one_cpu(const struct kind *kind, int fd)
{
	uint64_t flags = BPFMAP_F_CPU | (uint64_t)victim() << 32;
	struct load_tag tag = { .key = 1, .writer = 1, .seq = 5,
				.cpu = LOAD_SLOT_CPU(n_cpus() - 1) };
	char key[LOAD_KEY_MAX], value[VALUE_SIZE], got[VALUE_SIZE];

	if (!is_percpu(kind) || !since(7, 0))
		return;
	load_key(kind, 1, key);
	load_fill(value, sizeof(value), &tag);
	expect_eq(map_update(fd, key, value, flags), 0);
	expect_eq(map_lookup(fd, key, got, flags), 0);
	check_mem(got, value, sizeof(value), "value of CPU %u", victim());
}

TEST(test_in_use, K_ALL)
{
	unsigned int i, cycles = load_env("HOTPLUG_CYCLES", 3);
	struct crew c = { .kind = k };
	pthread_t threads[WORKERS];
	char *value;

	if (!can_switch())
		return;
	value = malloc(user_value_size(k, VALUE_SIZE));
	need(value);
	c.fd = load_create(k, VALUE_SIZE, is_lru(k) ? 16 * ENTRIES : ENTRIES);
	need(c.fd >= 0);
	for (i = 0; i < (is_hash(k) ? KEPT : ENTRIES); i++)
		expect_eq(store(k, c.fd, i, 1, value), 0);
	for (i = 0; i < WORKERS; i++)
		need(pthread_create(&threads[i], NULL, work, &c) == 0);
	for (i = 0; i < cycles; i++) {
		load_sleep_ms(10);
		expect_eq(switch_cpu(false), 0);
		check_kept(k, c.fd, "offline");
		check_one_cpu(k, c.fd);
		load_sleep_ms(10);
		expect_eq(switch_cpu(true), 0);
		check_kept(k, c.fd, "online again");
	}
	atomic_store(&c.stop, true);
	for (i = 0; i < WORKERS; i++)
		pthread_join(threads[i], NULL);
	expect_eq(atomic_load(&c.wrong), 0);
	expect(atomic_load(&c.steps) > 0);
	/* Writers that began on one CPU and ended on another one are counted */
	expect_eq(map_freeze(c.fd), 0);
	close(c.fd);
	free(value);
}

/* Elements freed on a CPU that went offline are usable again */
TEST(test_free_lists, K_HASHES)
{
	char key[LOAD_KEY_MAX], *value;
	unsigned int i;
	int fd, ret = 0;

	if (!can_switch())
		return;
	value = malloc(user_value_size(k, VALUE_SIZE));
	need(value);
	fd = load_create(k, VALUE_SIZE, ENTRIES);
	need(fd >= 0);
	run_on(victim());
	for (i = 0; i < ENTRIES; i++)
		expect_eq(store(k, fd, i, 1, value), 0);
	for (i = 0; i < ENTRIES; i++) {
		load_key(k, i, key);
		ret = map_delete(fd, key);
		check(!ret || (is_lru(k) && ret == -ENOENT), "delete %u: %d", i, ret);
	}
	ret = 0;
	run_anywhere();
	expect_eq(switch_cpu(false), 0);
	for (i = 0; i < 2 * ENTRIES && !ret; i++)
		ret = store(k, fd, i, 2, value);
	/* One that evicts takes in any number, and holds ENTRIES of them */
	if (is_lru(k))
		expect_eq(ret, 0);
	else
		check(ret == -E2BIG && i == ENTRIES + 1,
		      "element %u of %u: %d", i, ENTRIES, ret);
	check(load_count(fd, k, 4 * ENTRIES) > ENTRIES / 2, "elements");
	expect_eq(switch_cpu(true), 0);
	expect_eq(map_freeze(fd), 0);
	close(fd);
	free(value);
}

TEST_MAIN
