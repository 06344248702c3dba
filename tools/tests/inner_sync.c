// SPDX-License-Identifier: GPL-2.0-only
/*
 * inner_sync - a command that replaces or removes an inner map returns only when
 * no reader uses that map any more. The reader is the module ringtest.
 */
#include <pthread.h>
#include <time.h>
#include <unistd.h>

#include "outer.h"
#include "ringtest.h"

#define READ_MS	40
#define TRIES	20	/* the writer may come before the reader */

struct reader {
	int outer;
	uint64_t start, end;
};

static void *read_inner(void *arg)
{
	struct reader *r = arg;

	ring_read_inner(r->outer, 0, READ_MS, &r->start, &r->end);
	return NULL;
}

static int update(int outer, int inner)
{
	return outer_put(outer, 0, inner, 0);
}

static int delete(int outer, int inner)
{
	const uint32_t key = 0;

	(void)inner;
	return map_delete(outer, &key);
}

static int batch(int cmd, int outer, int value)
{
	uint32_t key = 0, out;
	struct batch b = { .keys = &key, .values = &value, .out = &out, .count = 1 };
	int ret = map_batch(cmd, outer, &b);

	return ret == -ENOENT && b.count == 1 ? 0 : ret;
}

static int update_batch(int outer, int inner)
{
	return batch(BPFMAP_CMD_MAP_UPDATE_BATCH, outer, inner);
}

static int delete_batch(int outer, int inner)
{
	return batch(BPFMAP_CMD_MAP_DELETE_BATCH, outer, inner);
}

static int lookup_and_delete_batch(int outer, int inner)
{
	return batch(BPFMAP_CMD_MAP_LOOKUP_AND_DELETE_BATCH, outer, inner);
}

static const struct {
	const char *name;
	int (*write)(int outer, int inner);
	bool hash;	/* only */
} writes[] = {
	{ "UPDATE", update, false },
	{ "DELETE", delete, false },
	{ "UPDATE_BATCH", update_batch, false },
	{ "DELETE_BATCH", delete_batch, true },
	{ "LOOKUP_AND_DELETE_BATCH", lookup_and_delete_batch, true },
};

static uint64_t now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec * 1000000000ULL + t.tv_nsec;
}

/* Write while element 0 is read: false if the reader was too late */
static bool try_write(int outer, int inner, int (*write)(int outer, int inner))
{
	struct reader r = { .outer = outer };
	uint64_t begin, end;
	pthread_t thread;

	check_ret(outer_put(outer, 0, inner, 0), 0, "what is read");
	check_ret(pthread_create(&thread, NULL, read_inner, &r), 0, "thread");
	usleep(READ_MS * 1000 / 4);
	begin = now();
	check_ret(write(outer, inner), 0, "result");
	end = now();
	pthread_join(thread, NULL);
	if (r.start >= begin || r.end <= begin)
		return false;
	check(end >= r.end, "%llu us before the end of a reader",
	      (unsigned long long)(r.end - end) / 1000);
	return true;
}

TEST(waits_for_readers, K_OUTERS)
{
	int outer = outer_new(k, 4), inner = inner_new(), tries;
	size_t w;

	for (w = 0; w < ARRAY_SIZE(writes); w++) {
		if (writes[w].hash && !is_hash(k))
			continue;
		row("inner.sync", "%s: %s", k->name, writes[w].name);
		for (tries = 0; tries < TRIES; tries++)
			if (try_write(outer, inner, writes[w].write))
				break;
		check(tries < TRIES, "a reader came first");
	}
}

int main(void)
{
	if (backend() == BACKEND_BPF)
		return skip_all("the reader knows maps of the module only");
	return run_tests();
}
