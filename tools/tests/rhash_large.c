// SPDX-License-Identifier: GPL-2.0-only
/*
 * rhash_large - values of an RHASH too large to be written in place with a lock
 * held: readers see them whole; they behave like others otherwise
 */
#include <sys/mman.h>
#include <sys/wait.h>

#include "contract.h"

#define KEYS	4

/* What the processes of a race share */
struct race {
	volatile int stop;
	volatile unsigned int reads, torn, wrong;
};

/* All bytes of a value are the same */
static bool whole(const uint8_t *value, uint32_t size)
{
	return !memcmp(value, value + 1, size - 1);
}

static void race_read(int fd, struct race *r, uint32_t size)
{
	uint8_t *value = malloc(size);
	uint32_t key;
	int ret;

	while (!r->stop) {
		for (key = 0; key < KEYS; key++) {
			ret = map_lookup(fd, &key, value, 0);
			/* Keys 2 and 3 come and go */
			if (ret ? ret != -ENOENT || key < 2 :
				  !whole(value, size))
				__sync_fetch_and_add(ret ? &r->wrong : &r->torn,
						     1);
			__sync_fetch_and_add(&r->reads, 1);
		}
	}
	_exit(0);
}

/* Removed elements are whole, and one process's */
static void race_take(int fd, struct race *r, uint32_t size)
{
	uint8_t *value = malloc(size);
	uint32_t key, n;
	int ret;

	for (n = 0; !r->stop; n++) {
		key = 2 + n % 2;
		memset(value, n, size);
		map_update(fd, &key, value, 0);
		ret = map_elem(LAD, fd, &key, value, 0);
		if (ret ? ret != -ENOENT : !whole(value, size))
			__sync_fetch_and_add(ret ? &r->wrong : &r->torn, 1);
	}
	_exit(0);
}

static void race(uint32_t size, unsigned int rounds)
{
	static void (* const jobs[])(int, struct race *, uint32_t) = {
		race_read, race_read, race_take, race_take,
	};
	struct race *r = mmap(NULL, sizeof(*r), PROT_READ | PROT_WRITE,
			      MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	struct tmap t = tmap_new(KIND(K_RHASH), 4, size, KEYS);
	uint8_t *value = malloc(size);
	pid_t pids[ARRAY_SIZE(jobs)];
	uint32_t n, key, bad = 0;
	size_t i;

	row("conc.large", "values of %u bytes, many at once", size);
	memset(value, 0, size);
	for (key = 0; key < KEYS; key++)
		check_ret(map_update(t.fd, &key, value, 0), 0, "put");
	for (i = 0; i < ARRAY_SIZE(jobs); i++) {
		pids[i] = fork();
		if (!pids[i])
			jobs[i](t.fd, r, size);
	}
	/* Until readers have seen some of it, however slow they are */
	for (n = 0; n < rounds || (r->reads < rounds && n < 1000 * rounds); n++) {
		key = n % 2;
		memset(value, n, size);
		bad += map_update(t.fd, &key, value, BPFMAP_F_EXIST) != 0;
	}
	r->stop = 1;
	for (i = 0; i < ARRAY_SIZE(jobs); i++)
		waitpid(pids[i], NULL, 0);
	check_num(bad, 0, "updates that failed");
	check_num(r->torn, 0, "mixtures of two values");
	check_num(r->wrong, 0, "wrong results");
	munmap(r, sizeof(*r));
	free(value);
	tmap_close(&t);
}

/* bpf(2) overwrites in place, and its readers see mixtures */
TEST(races, K_RHASH)
{
	if (backend() == BACKEND_BPF)
		return;
	race(60000, 200);
	race(70000, 200);
	race(1 << 20, 60);
}

/* The keys in the order of a walk */
static void get_order(const struct tmap *t, uint32_t *order)
{
	uint32_t n;

	for (n = 0; n < KEYS; n++)
		check_ret(map_next_key(t->fd, n ? &order[n - 1] : NULL,
				       &order[n]), 0, "next key");
}

/* All but the last one of the order are taken out */
static void take_some(struct tmap *t, uint32_t size, const uint32_t *order)
{
	struct buf keys = buf_new(KEYS * 4), values = buf_new(KEYS * size);
	struct buf out = buf_new(4);
	struct batch b = { .out = out.p, .keys = keys.p, .values = values.p,
			   .count = KEYS - 1 };
	uint8_t *want = malloc(size);
	uint32_t n;

	check_ret(map_batch(LADB, t->fd, &b), 0, "batch");
	check_num(b.count, KEYS - 1, "count");
	check_mem(keys.p, order, 4 * (KEYS - 1), "keys");
	check_mem(out.p, &order[KEYS - 1], 4, "cursor");
	for (n = 0; n < KEYS - 1; n++) {
		tmap_value(t, order[n] + 50, want);
		check_mem(values.p + n * size, want, size, "value %u", n);
		check_elem(t, order[n], -1, "taken");
	}
	check_num(tmap_walk(t, 10), 1, "elements left");
	free(want);
	buf_free(&keys);
	buf_free(&values);
	buf_free(&out);
}

/* Around 64 KiB, by every command */
TEST(commands, K_RHASH)
{
	static const uint32_t sizes[] = { 65535, 65536, 65537, 300000 };
	uint32_t n, order[KEYS], again[KEYS];
	struct tmap t;
	size_t i;

	for (i = 0; i < ARRAY_SIZE(sizes); i++) {
		row("conc.large", "values of %u bytes", sizes[i]);
		t = tmap_new(KIND(K_RHASH), 4, sizes[i], KEYS);
		tmap_fill(&t, KEYS);
		check_ret(tmap_put(&t, KEYS, 0), -E2BIG, "one more");
		get_order(&t, order);
		for (n = 0; n < KEYS; n++)
			check_ret(tmap_put(&t, n, n + 50), 0, "replace %u", n);
		for (n = 0; n < KEYS; n++)
			check_elem(&t, n, n + 50, "replaced");
		get_order(&t, again);
		check_mem(again, order, sizeof(order), "the same order");
		take_some(&t, sizes[i], order);
		tmap_close(&t);
	}
}

TEST_MAIN
