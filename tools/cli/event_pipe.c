// SPDX-License-Identifier: GPL-2.0-only
/*
 * The records of a ring buffer, as they come
 */
#include <errno.h>
#include <signal.h>
#include <string.h>
#include <time.h>

#include "cli.h"

#define WAIT_MS	200	/* how late a signal may be noticed */

struct pipe {
	struct bpfmap_ring *ring;
	uint64_t lost;	/* overwritten bytes that were reported */
	uint32_t left;	/* records until it ends, 0: never */
	bool counted;
};

static volatile sig_atomic_t stopped;

static void on_signal(int number)
{
	(void)number;
	stopped = 1;
}

static void catch_signals(void)
{
	struct sigaction action = { .sa_handler = on_signal };

	sigaction(SIGINT, &action, NULL);
	sigaction(SIGHUP, &action, NULL);
	sigaction(SIGTERM, &action, NULL);
}

static void print_record(const void *data, size_t size)
{
	struct json_object *obj;
	struct timespec read;

	/* When it was written, the ring does not know */
	clock_gettime(CLOCK_MONOTONIC, &read);
	if (!options.json) {
		printf("== @%lld.%09ld size: %zu =====\n",
		       (long long)read.tv_sec, read.tv_nsec, size);
		print_hex(data, size);
		putchar('\n');
		return;
	}
	obj = json_object_new_object();
	json_object_object_add(obj, "timestamp",
			       json_object_new_int64(read.tv_sec * 1000000000LL +
						     read.tv_nsec));
	json_object_object_add(obj, "size", json_object_new_int64(size));
	json_object_object_add(obj, "data", json_bytes(data, size));
	json_emit(obj);
}

/* Between the records where they were */
static void tell_lost(struct pipe *pipe)
{
	uint64_t lost = bpfmap_ring_lost(pipe->ring) - pipe->lost;
	struct json_object *obj;

	if (!lost)
		return;
	pipe->lost += lost;
	if (!options.json) {
		printf("== lost: %llu bytes of records, overwritten =====\n",
		       (unsigned long long)lost);
		return;
	}
	obj = json_object_new_object();
	json_object_object_add(obj, "lost", json_object_new_uint64(lost));
	json_emit(obj);
}

static int see_record(void *ctx, void *data, size_t size)
{
	struct pipe *pipe = ctx;

	tell_lost(pipe);
	print_record(data, size);
	if (ferror(stdout) || (pipe->counted && !--pipe->left))
		stopped = 1;
	return stopped ? -ECANCELED : 0;
}

static int read_records(int fd, struct pipe *pipe)
{
	struct bpfmap_ring_buffer *ring;
	int err = 0;

	ring = bpfmap_ring_buffer_new(fd, see_record, pipe, NULL);
	if (!ring)
		return trouble("cannot read the ring buffer: %s",
			       error_text(errno));
	pipe->ring = bpfmap_ring_buffer_ring(ring, 0);
	catch_signals();
	if (options.json)
		json_begin();
	while (!stopped && (err >= 0 || err == -EINTR)) {
		err = bpfmap_ring_buffer_poll(ring, WAIT_MS);
		tell_lost(pipe);
		if (fflush(stdout))
			break;	/* the reader is gone */
	}
	if (options.json)
		json_end();
	bpfmap_ring_buffer_free(ring);
	if (!stopped && err == -EBADMSG)
		return trouble("the ring is damaged: another program that reads it has written a position that cannot be");
	if (!stopped && err < 0 && err != -EINTR)
		return trouble("cannot wait for records: %s", error_text(err));
	return YES;
}

int verb_event_pipe(struct args *args)
{
	struct pipe pipe = { 0 };
	struct map map;
	int status = 0;

	if (take_map(args, 0, &map))
		return TROUBLE;
	if (args->n && take_word(args, "times")) {
		status = take_u32(args, "how many records", &pipe.left);
		pipe.counted = pipe.left;
	} else if (args->n && (is_word(args->v[0], "cpu") ||
			       is_word(args->v[0], "index"))) {
		status = trouble("a ring buffer is one for all CPUs: no 'cpu' and 'index'");
	}
	if (!status)
		status = no_more(args);
	if (!status && map.info.type != BPFMAP_TYPE_RINGBUF)
		status = trouble("%s has no records: that is for ring buffers",
				 a_type(map.info.type));
	if (!status)
		status = read_records(map.fd, &pipe);
	map_close(&map);
	return status;
}
