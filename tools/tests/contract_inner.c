// SPDX-License-Identifier: GPL-2.0-only
/*
 * contract_inner - maps in maps of maps: how long they live, what batches do
 * with them, what freezing and the modes of descriptors mean for them, and all
 * of that at once
 */
#include <pthread.h>
#include <stdatomic.h>
#include <sys/wait.h>

#include "load.h"
#include "outer.h"

#define N 10	/* entries of the maps for batches */
#define UNTOUCHED 0xa5a5a5a5	/* by FILL */

/* A new map in the outer one, which alone keeps it: its id */
static uint32_t put_new(int outer, uint32_t key)
{
	int fd = inner_new();
	uint32_t id = map_id(fd);

	check_ret(outer_put(outer, key, fd, 0), 0, "UPDATE of key %u", key);
	close(fd);
	check(id_exists(id), "key %u: its map lives on", key);
	return id;
}

/* ------------------------------------------------------------------------- */
/* Lifetime */

/* Every kind of reference to a map, put in all orders that begin differently */
struct holders {
	int outer[2];
	int fd[2];
};

#define N_HOLDERS 5

static void holders_new(struct holders *h, const struct kind *k, int inner)
{
	h->outer[0] = outer_new(k, 4);
	h->outer[1] = outer_new(k, 4);
	check_ret(outer_put(h->outer[0], 0, inner, 0), 0, "first element");
	check_ret(outer_put(h->outer[0], 3, inner, 0), 0, "second element");
	check_ret(outer_put(h->outer[1], 2, inner, 0), 0, "another map's");
	h->fd[0] = inner;
	h->fd[1] = dup(inner);
}

static void let_go(struct holders *h, unsigned int which)
{
	static const uint32_t keys[] = { 0, 3 };
	int other;

	switch (which) {
	case 0:		/* deleted */
		check_ret(map_delete(h->outer[0], &keys[0]), 0, "DELETE");
		break;
	case 1:		/* replaced */
		other = inner_new();
		check_ret(outer_put(h->outer[0], keys[1], other, 0), 0,
			  "replacing");
		close(other);
		break;
	case 2:
		close(h->outer[1]);
		h->outer[1] = -1;
		break;
	default:
		close(h->fd[which - 3]);
		h->fd[which - 3] = -1;
	}
}

TEST(last_holder, K_OUTERS)
{
	unsigned int first, step, i;

	for (first = 0; first < N_HOLDERS; first++) {
		for (step = 1; step < N_HOLDERS; step++) {
			int inner = inner_new();
			uint32_t id = map_id(inner);
			struct holders h;

			row("inner.holds", "%s: holders from %u by %u", k->name,
			    first, step);
			holders_new(&h, k, inner);
			for (i = 0; i < N_HOLDERS; i++) {
				check(id_exists(id), "with %u holders",
				      N_HOLDERS - i);
				/* 5 is a prime: all of them, once each */
				let_go(&h, (first + i * step) % N_HOLDERS);
			}
			/* An outer map puts its maps when it is freed */
			check(id_vanishes(id), "without holders");
			close(h.outer[0]);
		}
	}
}

/* All that fails, and what changes nothing, takes no reference */
TEST(no_extra_holder, K_OUTERS)
{
	int outer = outer_new(k, 1), inner = inner_new(), other;
	uint32_t key = 0, id = map_id(inner), bad_id;

	row("inner.holds", "%s: a map over itself", k->name);
	check_ret(outer_put(outer, 0, inner, 0), 0, "UPDATE");
	check_ret(outer_put(outer, 0, inner, 0), 0, "again");
	close(inner);
	check(id_exists(id), "the element holds it");
	check_ret(map_delete(outer, &key), 0, "DELETE");
	check(!id_exists(id), "nobody holds it");

	row("inner.holds", "%s: what could not be put in", k->name);
	put_new(outer, 0);
	inner = inner_new();
	id = map_id(inner);
	other = map_new(&kinds[0], 4, 16, 4, 0);
	bad_id = map_id(other);
	check_ret(outer_put(outer, 0, other, 0), -EINVAL, "unlike");
	check_ret(outer_put(outer, 0, inner, BPFMAP_F_NOEXIST),
		  is_hash(k) ? -EEXIST : -EINVAL, "NOEXIST");
	check_ret(outer_put(outer, 1, inner, 0), -E2BIG, "full");
	check_ret(outer_put(outer, 0, inner, 3), -EINVAL, "flags");
	close(inner);
	close(other);
	check(!id_exists(id), "nobody holds it");
	check(!id_exists(bad_id), "nobody holds the other one");
}

/* The content is the map's, not the descriptor's */
TEST(content, K_OUTERS)
{
	int outer = outer_new(k, 2), inner = inner_new(), again;
	uint32_t key = 1, id = map_id(inner);
	uint64_t value = 0x1122334455667788, got = 0;

	row("inner.id", "%s: content of an inner map", k->name);
	check_ret(map_update(inner, &key, &value, 0), 0, "UPDATE inside");
	check_ret(outer_put(outer, 0, inner, 0), 0, "UPDATE");
	close(inner);
	again = map_get_fd_by_id(outer_id(outer, 0), 0);
	check_ret(again, GOT_FD, "GET_FD_BY_ID");
	check_num(map_id(again), id, "id");
	check_ret(map_lookup(again, &key, &got, 0), 0, "LOOKUP inside");
	check_num(got, value, "value");
	close(outer);
	value = 9;
	check_ret(map_update(again, &key, &value, 0), 0, "without the outer map");
	check_ret(map_lookup(again, &key, &got, 0), 0, "without the outer map");
	check_num(got, value, "value");
	check(id_exists(id), "the descriptor holds it");
	close(again);
	check(id_vanishes(id), "nobody holds it");
}

struct ids {
	uint32_t inner[3];
	uint32_t outer;
	const struct kind *k;
};

static void leave_all_open(void *arg)
{
	struct ids *ids = arg;
	int fd = outer_new(ids->k, 3);
	uint32_t i;

	ids->outer = map_id(fd);
	for (i = 0; i < 3; i++)
		ids->inner[i] = put_new(fd, i);
	map_freeze(fd);
}

TEST(death, K_OUTERS)
{
	struct ids *ids = load_shared(sizeof(*ids));
	int i;

	row("life.exit", "%s: its process dies", k->name);
	ids->k = k;
	in_child(leave_all_open, ids);
	check(ids->outer && id_vanishes(ids->outer), "outer map");
	for (i = 0; i < 3; i++)
		check(ids->inner[i] && id_vanishes(ids->inner[i]),
		      "inner map %d", i);
}

/* ------------------------------------------------------------------------- */
/* Batches */

/* A map of maps, what is in it, and buffers for all of it */
struct full {
	const struct kind *k;
	int fd;
	uint32_t ids[N];	/* 0: nothing there */
	uint32_t keys[N], values[N], out;
};

/* @mask: the keys to put in; nothing else holds the maps */
static void full_new(struct full *f, const struct kind *k, unsigned int mask)
{
	uint32_t i;

	memset(f, 0, sizeof(*f));
	f->k = k;
	f->fd = outer_new(k, N);
	for (i = 0; i < N; i++)
		if (mask & 1U << i)
			f->ids[i] = put_new(f->fd, i);
}

static int full_batch(struct full *f, int cmd, const uint32_t *in,
		      uint32_t *count)
{
	struct batch b = { .in = in, .out = &f->out, .keys = f->keys,
			   .values = f->values, .count = *count };
	int ret;

	f->out = UNTOUCHED;
	memset(f->keys, FILL, sizeof(f->keys));
	memset(f->values, FILL, sizeof(f->values));
	ret = map_batch(cmd, f->fd, &b);
	*count = b.count;
	return ret;
}

/* A map exists exactly if its key does; keys in @gone must be absent */
static void check_full(struct full *f, unsigned int gone)
{
	uint32_t i;

	for (i = 0; i < N; i++) {
		if (!f->ids[i] || gone & 1U << i)
			check_ret(outer_id(f->fd, i), -ENOENT, "key %u", i);
		else
			check_num(outer_id(f->fd, i), f->ids[i], "key %u", i);
		if (f->ids[i])
			check_num(id_exists(f->ids[i]), !(gone & 1U << i),
				  "map of key %u", i);
	}
}

/* @mask: the keys that came, of an array in this order */
static void check_batch(struct full *f, uint32_t count, unsigned int mask)
{
	unsigned int seen = 0;
	uint32_t i;

	check_num(count, __builtin_popcount(mask), "count");
	for (i = 0; i < count && i < N; i++) {
		uint32_t key = f->keys[i];

		if (!check(key < N && !(seen & 1U << key), "key %u", key))
			continue;
		check(is_hash(f->k) || !(seen >> key), "order of key %u", key);
		seen |= 1U << key;
		check_num(f->values[i], f->ids[key], "id under key %u", key);
	}
	check_num(seen, mask, "keys");
	for (; i < N; i++)
		check(f->keys[i] == UNTOUCHED && f->values[i] == UNTOUCHED,
		      "element %u is untouched", i);
}

#define B(n) (1U << (n))

static const struct lookup_row {
	const char *name;
	int in;		/* -1: NULL */
	uint32_t count;
	int want;
	unsigned int mask;
	int out;	/* -1: untouched */
} lookup_rows[] = {
	/* with keys 1, 3, 4 and 8 */
	{ "all", -1, N, -ENOENT, B(1) | B(3) | B(4) | B(8), 9 },
	{ "more than all", -1, 4, 0, B(1) | B(3) | B(4) | B(8), 8 },
	{ "first two", -1, 2, 0, B(1) | B(3), 3 },
	{ "next two", 3, 2, 0, B(4) | B(8), 8 },
	{ "the rest", 8, 2, -ENOENT, 0, -1 },
	{ "at the end", 9, 2, -ENOENT, 0, -1 },
	{ "from an empty one", 2, 1, 0, B(3), 3 },
	{ "from an empty one to the end", 5, 3, -ENOENT, B(8), 9 },
	{ "from an unknown one", 77, 3, 0, B(1) | B(3) | B(4), 4 },
	{ "none", -1, 0, 0, 0, -1 },
};

TEST(lookup_array, K_AOM)
{
	uint32_t count;
	struct full f;
	size_t i;

	full_new(&f, k, B(1) | B(3) | B(4) | B(8));
	for (i = 0; i < ARRAY_SIZE(lookup_rows); i++) {
		const struct lookup_row *r = &lookup_rows[i];
		uint32_t in = r->in;

		count = r->count;
		row("batch.empty", "LOOKUP_BATCH %s: %s", k->name, r->name);
		check_ret(full_batch(&f, LB, r->in < 0 ? NULL : &in, &count),
			  r->want, "result");
		check_batch(&f, count, r->mask);
		check_num(f.out, r->out < 0 ? UNTOUCHED : (uint32_t)r->out,
			  "out_batch");
	}
	check_full(&f, 0);
	close(f.fd);

	full_new(&f, k, 0);
	row("batch.end", "LOOKUP_BATCH %s: empty", k->name);
	count = N;
	check_ret(full_batch(&f, LB, NULL, &count), -ENOENT, "result");
	check_batch(&f, count, 0);
	check_num(f.out, UNTOUCHED, "out_batch");
}

TEST(lookup_hash, K_HOM | K_HOM_NP)
{
	const unsigned int mask = B(0) | B(2) | B(3) | B(7) | B(9);
	uint32_t count = N;
	struct full f;

	full_new(&f, k, mask);
	row("batch.out", "LOOKUP_BATCH %s", k->name);
	check_ret(full_batch(&f, LB, NULL, &count), -ENOENT, "result");
	check_batch(&f, count, mask);
	check_num(f.out, 16, "out_batch");
	check_full(&f, 0);
	row("batch.end", "LOOKUP_AND_DELETE_BATCH %s", k->name);
	count = N;
	check_ret(full_batch(&f, LADB, NULL, &count), -ENOENT, "result");
	check_batch(&f, count, mask);
	check_full(&f, mask);
	row("batch.end", "LOOKUP_AND_DELETE_BATCH %s: empty", k->name);
	count = N;
	check_ret(full_batch(&f, LADB, NULL, &count), -ENOENT, "result");
	check_batch(&f, count, 0);
}

/* Each key's map is put once, whether or not user space learns of it */
TEST(faults, K_OUTERS)
{
	struct full f;
	struct batch b = { .out = &f.out, .keys = f.keys, .count = N };
	unsigned int i, gone = 0;

	full_new(&f, k, B(N) - 1);
	b.values = bad_ptr();
	row("batch.lookup_fault", "LOOKUP_BATCH %s: bad values", k->name);
	check_ret(map_batch(LB, f.fd, &b), -EFAULT, "result");
	check_num(b.count, 0, "count");
	check_full(&f, 0);
	if (is_hash(k)) {
		row("batch.lost", "LOOKUP_AND_DELETE_BATCH %s: bad values", k->name);
		b.count = N;
		check_ret(map_batch(LADB, f.fd, &b), -EFAULT, "result");
		check_num(b.count, 0, "count");
		for (i = 0; i < N; i++)
			if (outer_id(f.fd, i) == -ENOENT)
				gone |= B(i);
		check(gone && gone != B(N) - 1, "one bucket is lost: %#x", gone);
		check_full(&f, gone);
	}
}

TEST(update_batches, K_OUTERS)
{
	uint32_t keys[4] = { 0, 5, 6, 7 };
	int fds[4] = { inner_new(), inner_new(), closed_fd(), inner_new() };
	struct batch b = { .keys = keys, .values = fds, .count = 4 };
	struct full f;

	full_new(&f, k, B(5) | B(7));
	row("batch.stop", "UPDATE_BATCH %s: closed fd", k->name);
	check_ret(map_batch(UB, f.fd, &b), -EBADF, "result");
	check_num(b.count, 2, "count");
	check(!id_exists(f.ids[5]), "what was replaced");
	f.ids[0] = map_id(fds[0]);
	f.ids[5] = map_id(fds[1]);
	check_full(&f, 0);

	row("batch.stop", "UPDATE_BATCH %s: map unlike the others", k->name);
	fds[2] = map_new(&kinds[0], 4, 4, 4, 0);
	b.count = 4;
	check_ret(map_batch(UB, f.fd, &b), -EINVAL, "result");
	check_num(b.count, 2, "count");
	check_full(&f, 0);
	close(fds[2]);

	row("batch.stop", "UPDATE_BATCH %s", k->name);
	fds[2] = inner_new();
	b.count = 4;
	check_ret(map_batch(UB, f.fd, &b), 0, "result");
	check_num(b.count, 4, "count");
	check(!id_exists(f.ids[7]), "what was replaced");
	f.ids[6] = map_id(fds[2]);
	f.ids[7] = map_id(fds[3]);
	check_full(&f, 0);
	b.count = 1;
	b.elem_flags = BPFMAP_F_EXIST;
	check_ret(map_batch(UB, f.fd, &b), -EINVAL, "EXIST");
	check_full(&f, 0);
	for (b.count = 0; b.count < 4; b.count++)
		close(fds[b.count]);
	check_full(&f, 0);
}

TEST(delete_batches, K_OUTERS)
{
	uint32_t keys[3] = { 2, 7, 3 };
	struct batch b = { .keys = keys, .values = keys, .count = 3 };
	struct full f;

	full_new(&f, k, B(2) | B(3) | B(5));
	row("batch.stop", "DELETE_BATCH %s", k->name);
	check_ret(map_batch(DB, f.fd, &b), is_hash(k) ? -ENOENT : -ENOTSUPP,
		  "result");
	check_num(b.count, is_hash(k) ? 1 : 3, "count");
	check_full(&f, is_hash(k) ? B(2) : 0);
	if (!is_hash(k)) {
		check_ret(map_batch(LADB, f.fd, &b), -ENOTSUPP,
			  "LOOKUP_AND_DELETE_BATCH");
		b.count = 0;
		check_ret(map_batch(DB, f.fd, &b), -ENOTSUPP, "count 0");
		check_ret(map_batch(LADB, f.fd, &b), -ENOTSUPP,
			  "LOOKUP_AND_DELETE_BATCH, count 0");
		check_full(&f, 0);
	}
}

/* ------------------------------------------------------------------------- */
/* Freezing, and the modes of descriptors */

TEST(frozen_outer, K_OUTERS)
{
	int outer = outer_new(k, 2), inner;
	uint32_t key = 0, id = put_new(outer, 0);
	uint64_t value = 5;

	if (!since(6, 12))
		return;
	row("freeze.inner", "FREEZE %s", k->name);
	check_ret(map_freeze(outer), 0, "result");
	check_num(outer_id(outer, 0), id, "LOOKUP");
	check_ret(outer_put(outer, 0, closed_fd(), 0), -EPERM, "UPDATE");
	check_ret(map_delete(outer, &key), -EPERM, "DELETE");
	inner = map_get_fd_by_id(id, 0);
	check_ret(map_update(inner, &key, &value, 0), 0, "the inner map is not");
	check_ret(map_freeze(inner), 0, "but can be");
	close(outer);
	close(inner);
	check(id_vanishes(id), "frozen maps are freed");
}

TEST(frozen_inner, K_OUTERS)
{
	int outer = outer_new(k, 2), inner = inner_new();
	uint32_t key = 0, id = map_id(inner);
	uint64_t value = 5;

	if (!since(6, 12))
		return;
	row("freeze.inner", "%s: FREEZE of an inner map", k->name);
	check_ret(map_freeze(inner), 0, "result");
	check_ret(outer_put(outer, 0, inner, 0), 0, "it can be put in");
	check_ret(map_update(inner, &key, &value, 0), -EPERM, "UPDATE inside");
	close(inner);
	put_new(outer, 0);
	check(!id_exists(id), "and be replaced");
	check_ret(map_delete(outer, &key), 0, "the outer map is not frozen");
}

TEST(modes, K_OUTERS)
{
	int outer = outer_new(k, 2), inner = inner_new();
	uint32_t key = 0, id = map_id(inner);
	int rdonly = map_get_fd_by_id(map_id(outer), BPFMAP_F_RDONLY);
	int wronly = map_get_fd_by_id(map_id(outer), BPFMAP_F_WRONLY);
	int inner_rdonly = map_get_fd_by_id(id, BPFMAP_F_RDONLY);
	int inner_wronly = map_get_fd_by_id(id, BPFMAP_F_WRONLY);

	row("fd.access", "%s: RDONLY fd", k->name);
	check_ret(outer_put(rdonly, 0, inner, 0), -EPERM, "UPDATE");
	check_ret(outer_put(rdonly, 0, closed_fd(), 0), -EPERM,
		  "UPDATE, closed fd");
	check_ret(map_delete(rdonly, &key), -EPERM, "DELETE");
	check_ret(outer_id(rdonly, 0), -ENOENT, "LOOKUP");
	row("fd.access", "%s: WRONLY fd", k->name);
	check_ret(outer_put(wronly, 0, inner, 0), 0, "UPDATE");
	check_ret(outer_id(wronly, 0), -EPERM, "LOOKUP");
	check_num(outer_id(rdonly, 0), id, "it is there");
	check_ret(map_delete(wronly, &key), 0, "DELETE");
	row("inner.id", "%s: mode of the inner fd", k->name);
	check_ret(outer_put(outer, 0, inner_rdonly, 0), 0, "RDONLY");
	check_ret(outer_put(outer, 1, inner_wronly, 0), 0, "WRONLY");
	check_num(outer_id(outer, 0), id, "RDONLY");
	check_num(outer_id(outer, 1), id, "WRONLY");
}

/* /proc/self/fdinfo has the map's id, and counts its memory */
TEST(fdinfo, K_OUTERS)
{
	int outer = outer_new(k, 1000);
	long memlock = load_fdinfo(outer, "memlock");

	row("file.fdinfo", "%s: fdinfo", k->name);
	check_num(load_fdinfo(outer, "map_type"), k->type, "map_type");
	check_num(load_fdinfo(outer, "map_id"), map_id(outer), "map_id");
	check(memlock >= (k->flags ? 1 : 1000 * (long)sizeof(void *)), "memlock %ld", memlock);
}

/* ------------------------------------------------------------------------- */
/* All at once */

struct crowd {
	const struct kind *k;
	int outer;
	atomic_bool stop;
	atomic_uint wrong;
	atomic_uint done;
};

static void count(struct crowd *c, bool ok)
{
	if (!ok)
		atomic_fetch_add(&c->wrong, 1);
	atomic_fetch_add(&c->done, 1);
}

/* New maps, which nothing else holds, one by one and by the batch */
static void *putting(void *arg)
{
	struct crowd *c = arg;
	uint32_t key = 0, keys[2] = { 0, N - 1 };
	int fds[2];

	while (!c->stop) {
		struct batch b = { .keys = keys, .values = fds, .count = 2 };
		int ret;

		fds[0] = map_new(&kinds[0], 4, 8, 4, 0);
		fds[1] = map_new(&kinds[0], 4, 8, 4, 0);
		ret = outer_put(c->outer, key++ % N, fds[0], 0);
		count(c, !ret);
		count(c, !map_batch(UB, c->outer, &b));
		close(fds[0]);
		close(fds[1]);
	}
	return NULL;
}

static void *taking(void *arg)
{
	struct crowd *c = arg;
	uint32_t keys[N], ids[N], out, key = 0;

	while (!c->stop) {
		struct batch b = { .out = &out, .keys = keys, .values = ids,
				   .count = N };
		int ret = map_batch(is_hash(c->k) ? LADB : LB, c->outer, &b);

		count(c, ret == -ENOENT || !ret);
		while (b.count--)
			count(c, keys[b.count] < N && ids[b.count]);
		key = (key + 3) % N;
		ret = map_delete(c->outer, &key);
		count(c, !ret || ret == -ENOENT);
	}
	return NULL;
}

static void *looking(void *arg)
{
	struct crowd *c = arg;
	uint32_t key = 0, id;

	while (!c->stop) {
		int ret = map_lookup(c->outer, &key, &id, 0), fd;

		count(c, ret == -ENOENT || (!ret && id));
		key = (key + 1) % N;
		if (ret)
			continue;
		/* It may be gone by now, and then can be put nowhere */
		fd = map_get_fd_by_id(id, 0);
		count(c, fd >= 0 || fd == -ENOENT);
		if (fd >= 0)
			count(c, !outer_put(c->outer, key, fd, 0));
		close(fd);
	}
	return NULL;
}

/* Twice the room: a deleted element may not be in the pool yet */
TEST(all_at_once, K_OUTERS)
{
	static void *(*const jobs[])(void *) = { putting, taking, looking };
	unsigned int tries, i;
	long before = load_ids(NULL);
	struct crowd c = { .k = k, .outer = outer_new(k, 2 * N) };
	pthread_t threads[ARRAY_SIZE(jobs)];

	row("inner.holds", "%s: all at once", k->name);
	for (i = 0; i < ARRAY_SIZE(jobs); i++)
		pthread_create(&threads[i], NULL, jobs[i], &c);
	usleep(400000);
	for (tries = 0; tries < 6000 && c.done <= 10; tries++)
		usleep(10000);
	c.stop = true;
	for (i = 0; i < ARRAY_SIZE(jobs); i++)
		pthread_join(threads[i], NULL);
	check_num(c.wrong, 0, "what went wrong");
	check(c.done > 10, "only %u steps", c.done);
	close(c.outer);
	/* Fewer, if a map of another test was still being freed */
	for (tries = 0; tries < 6000 && load_ids(NULL) > before; tries++)
		usleep(10000);
	check(load_ids(NULL) <= before, "maps are left over");
}

TEST_MAIN
