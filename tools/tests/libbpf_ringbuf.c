// SPDX-License-Identifier: GPL-2.0-only
/*
 * libbpf's own ring buffer code, as it was packaged, at work on a bpfmap ring.
 *
 * libbpf calls bpf(2) through syscall(), which is the one below: commands for
 * maps become ioctls, all else goes on to libc's. A second program of this
 * source, with OURS, runs the same tests on libbpfmap under libbpf's names.
 * The producer in the kernel is the module ringtest.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <linux/bpfmap.h>

#include "check.h"
#include "ringtest.h"

#define SIZE 4096

#ifndef OURS
static unsigned long bpf_calls;

/* Commands that concern maps alone; there are no programs behind the device */
static int is_map_command(long cmd, const union bpf_attr *attr)
{
	static int device = -1;

	switch (cmd) {
	case BPF_MAP_CREATE:
		/* libbpf tries what the kernel can do with maps of other types */
		if (attr->map_type != BPF_MAP_TYPE_RINGBUF &&
		    attr->map_type != BPF_MAP_TYPE_USER_RINGBUF &&
		    attr->map_type != BPF_MAP_TYPE_ARRAY)
			return -1;
		break;
	case BPF_OBJ_GET_INFO_BY_FD:
		break;
	default:
		return -1;
	}
	if (device < 0)
		device = open("/dev/bpfmap", O_RDWR | O_CLOEXEC);
	return device;
}

/* Instead of libc's, for libbpf and all that this program is made of */
long syscall(long nr, ...)
{
	static long (*libc_syscall)(long nr, ...);
	long a[6];
	va_list ap;
	int i, device;

	va_start(ap, nr);
	for (i = 0; i < 6; i++)
		a[i] = va_arg(ap, long);
	va_end(ap);

	if (nr == SYS_bpf) {
		device = is_map_command(a[0], (const union bpf_attr *)a[1]);
		if (device >= 0) {
			bpf_calls++;
			return ioctl(device, BPFMAP_IOC(a[0], a[2]), a[1]);
		}
	}
	if (!libc_syscall)
		libc_syscall = dlsym(RTLD_NEXT, "syscall");
	return libc_syscall(nr, a[0], a[1], a[2], a[3], a[4], a[5]);
}
#endif

/* ------------------------------------------------------------------------- */

static int new_map(enum bpf_map_type type, unsigned int size)
{
	int map = bpf_map_create(type, NULL, 0, 0, size, NULL);

	CHECK(map >= 0);
	return map;
}

/* Samples begin with their number; all bytes after it depend on it */
static size_t sample_size(unsigned int n)
{
	return 4 + n * 7 % 61;
}

static void sample_make(unsigned int n, void *buf)
{
	size_t i, size = sample_size(n);
	unsigned char *p = buf;

	memcpy(p, &n, 4);
	for (i = 4; i < size; i++)
		p[i] = n * 31 + i;
}

struct seen {
	unsigned int next;	/* number that is expected */
	unsigned int wrong;
	unsigned int stop_at;	/* 0: never */
};

static int see(void *ctx, void *data, size_t size)
{
	unsigned char want[64];
	struct seen *s = ctx;

	if (s->stop_at && s->next == s->stop_at)
		return -ECANCELED;
	sample_make(s->next, want);
	s->wrong += size != sample_size(s->next) || memcmp(data, want, size);
	s->next++;
	return 0;
}

static long put(int map, unsigned int n, uint64_t flags)
{
	unsigned char buf[64];

	sample_make(n, buf);
	return ring_output(map, buf, sample_size(n), flags);
}

static void test_consume(void)
{
	int map = new_map(BPF_MAP_TYPE_RINGBUF, SIZE);
	struct seen seen = { 0 };
	struct ring_buffer *rb = ring_buffer__new(map, see, &seen, NULL);
	unsigned int n = 0, i, round;

	CHECK(rb);
	CHECK(ring_buffer__epoll_fd(rb) >= 0);
	CHECK(ring_buffer__consume(rb) == 0);
	CHECK(ring_buffer__poll(rb, 0) == 0);
	/* Many times around, every size at the seam */
	for (round = 0; round < 300; round++) {
		for (i = 0; i < round % 40 + 1; i++)
			CHECK(!put(map, n++, 0));
		CHECK(ring_query(map, BPFMAP_RB_AVAIL_DATA));
		CHECK(ring_buffer__consume(rb) == (int)i);
		CHECK(!ring_query(map, BPFMAP_RB_AVAIL_DATA));
	}
	CHECK(seen.next == n && !seen.wrong);
	CHECK(ring_query(map, BPFMAP_RB_PROD_POS) > 20 * SIZE);
	ring_buffer__free(rb);
	close(map);
}

static void test_full(void)
{
	int map = new_map(BPF_MAP_TYPE_RINGBUF, SIZE);
	struct seen seen = { 0 };
	struct ring_buffer *rb = ring_buffer__new(map, see, &seen, NULL);
	unsigned int n = 0;

	while (!put(map, n, 0))
		n++;
	CHECK(put(map, n, 0) == -EAGAIN);
	CHECK(ring_buffer__poll(rb, 1000) == (int)n);
	CHECK(seen.next == n && !seen.wrong);
	CHECK(!put(map, n, 0));
	CHECK(ring_buffer__consume(rb) == 1);
	CHECK(!seen.wrong);
	ring_buffer__free(rb);
	close(map);
}

static void test_busy_and_discard(void)
{
	int map = new_map(BPF_MAP_TYPE_RINGBUF, SIZE);
	struct seen seen = { 0 };
	struct ring_buffer *rb = ring_buffer__new(map, see, &seen, NULL);
	unsigned char buf[64];

	CHECK(!put(map, 0, 0));
	CHECK(!ring_reserve(map, 0, sample_size(1)));
	CHECK(!ring_reserve(map, 1, 100));
	CHECK(!put(map, 2, 0));
	CHECK(ring_buffer__consume(rb) == 1);
	CHECK(ring_buffer__consume(rb) == 0);
	CHECK(!ring_discard(map, 1, 0));
	CHECK(ring_buffer__consume(rb) == 0);
	sample_make(1, buf);
	CHECK(!ring_submit(map, 0, buf, sample_size(1), 0));
	CHECK(ring_buffer__poll(rb, 1000) == 2);
	CHECK(seen.next == 3 && !seen.wrong);
	CHECK(!ring_query(map, BPFMAP_RB_AVAIL_DATA));
	ring_buffer__free(rb);
	close(map);
}

static void test_callback_stops(void)
{
	int map = new_map(BPF_MAP_TYPE_RINGBUF, SIZE);
	struct seen seen = { .stop_at = 2 };
	struct ring_buffer *rb = ring_buffer__new(map, see, &seen, NULL);
	unsigned int n;

	for (n = 0; n < 4; n++)
		CHECK(!put(map, n, 0));
	CHECK(ring_buffer__consume(rb) == -ECANCELED && errno == ECANCELED);
	CHECK(seen.next == 2);
	/* The sample that stopped it is consumed */
	seen.stop_at = 0;
	seen.next = 3;
	CHECK(ring_buffer__consume(rb) == 1);
	CHECK(seen.next == 4 && !seen.wrong);
	ring_buffer__free(rb);
	close(map);
}

static void test_several_rings(void)
{
	int a = new_map(BPF_MAP_TYPE_RINGBUF, SIZE);
	int b = new_map(BPF_MAP_TYPE_RINGBUF, 4 * SIZE);
	int array = bpf_map_create(BPF_MAP_TYPE_ARRAY, NULL, 4, 4, 1, NULL);
	int user = new_map(BPF_MAP_TYPE_USER_RINGBUF, SIZE);
	struct seen seen_a = { 0 }, seen_b = { 0 };
	struct ring_buffer *rb = ring_buffer__new(a, see, &seen_a, NULL);
	unsigned int n;

	CHECK(!ring_buffer__add(rb, b, see, &seen_b));
	CHECK(ring_buffer__add(rb, array, see, NULL) == -EINVAL);
	CHECK(ring_buffer__add(rb, user, see, NULL) == -EINVAL);
	CHECK(errno == EINVAL);
	CHECK(ring_buffer__add(rb, 250, see, NULL) < 0);
	errno = 0;
	CHECK(!ring_buffer__new(array, see, NULL, NULL) && errno == EINVAL);
	CHECK(!user_ring_buffer__new(a, NULL) && errno == EINVAL);
	for (n = 0; n < 20; n++)
		CHECK(!put(b, n, 0));
	CHECK(ring_buffer__poll(rb, 1000) == 20);
	CHECK(!put(a, 0, 0) && !put(b, 20, 0));
	CHECK(ring_buffer__poll(rb, 1000) == 2);
	CHECK(seen_a.next == 1 && seen_b.next == 21);
	CHECK(!seen_a.wrong && !seen_b.wrong);
	ring_buffer__free(rb);
	close(a);
	close(b);
	close(array);
	close(user);
}

/* ------------------------------------------------------------------------- */

struct feed {
	int map;
	unsigned int n;
	useconds_t pause;
	unsigned int failed;
};

static void *feed(void *arg)
{
	struct feed *f = arg;
	unsigned int n, tries;

	for (n = 0; n < f->n; n++) {
		if (f->pause)
			usleep(f->pause);
		for (tries = 0; put(f->map, n, 0); tries++) {
			if (tries > 600000) {
				f->failed = 1;
				return NULL;
			}
			usleep(100);
		}
	}
	return NULL;
}

static void feed_and_poll(unsigned int n, useconds_t pause)
{
	int map = new_map(BPF_MAP_TYPE_RINGBUF, SIZE);
	struct feed f = { .map = map, .n = n, .pause = pause };
	struct seen seen = { 0 };
	struct ring_buffer *rb = ring_buffer__new(map, see, &seen, NULL);
	unsigned int asleep = 0;
	pthread_t thread;
	time_t began;

	ringtest_fd();
	CHECK(!pthread_create(&thread, NULL, feed, &f));
	while (seen.next < n) {
		/*
		 * A wake-up that was forgotten is a time-out. Without one there
		 * may be nothing, too: a record that is being written wakes.
		 */
		began = time(NULL);
		if (ring_buffer__poll(rb, 60000) < 0)
			break;
		asleep += time(NULL) - began > 50;
		if (asleep > 3)
			break;
	}
	pthread_join(thread, NULL);
	CHECK(!f.failed);
	CHECK(seen.next == n && !seen.wrong);
	CHECK(!asleep);
	ring_buffer__free(rb);
	close(map);
}

static void test_each_wakes(void)
{
	feed_and_poll(50, 5000);
}

static void test_stream(void)
{
	feed_and_poll(20000, 0);
}

/* ------------------------------------------------------------------------- */

static void test_user_ring(void)
{
	int map = new_map(BPF_MAP_TYPE_USER_RINGBUF, SIZE);
	struct user_ring_buffer *rb = user_ring_buffer__new(map, NULL);
	unsigned int n, round, next = 0, sent = 0;
	static unsigned char buf[RINGTEST_BUF];
	struct seen seen = { 0 };
	uint32_t used, at, size;
	void *p;

	CHECK(rb);
	CHECK(ring_drain(map, buf, &used, 0, 0) == 0 && !used);
	for (round = 0; round < 300; round++) {
		for (n = 0; n < round % 30 + 1; n++) {
			p = user_ring_buffer__reserve(rb, sample_size(sent));
			CHECK(p);
			if (!p)
				return;
			sample_make(sent++, p);
			user_ring_buffer__submit(rb, p);
			p = user_ring_buffer__reserve(rb, 10);
			CHECK(p);
			user_ring_buffer__discard(rb, p);
		}
		CHECK(ring_drain(map, buf, &used, 0, 0) == (long)n);
		for (at = 0; at < used; at += (size + 7) / 4 * 4) {
			memcpy(&size, buf + at, 4);
			see(&seen, buf + at + 4, size);
			next++;
		}
		CHECK(next == sent && seen.next == sent && !seen.wrong);
	}
	user_ring_buffer__free(rb);
	close(map);
}

static void test_user_ring_full(void)
{
	int map = new_map(BPF_MAP_TYPE_USER_RINGBUF, SIZE);
	struct user_ring_buffer *rb = user_ring_buffer__new(map, NULL);
	static unsigned char buf[RINGTEST_BUF];
	void *p, *q;
	uint32_t used;

	errno = 0;
	CHECK(!user_ring_buffer__reserve(rb, SIZE) && errno == E2BIG);
	errno = 0;
	CHECK(!user_ring_buffer__reserve(rb, 1U << 31) && errno == E2BIG);
	p = user_ring_buffer__reserve(rb, SIZE - 8);
	CHECK(p);
	errno = 0;
	CHECK(!user_ring_buffer__reserve(rb, 1) && errno == ENOSPC);
	/* Not complete yet */
	CHECK(ring_drain(map, buf, &used, 0, 0) == 0);
	errno = 0;
	q = user_ring_buffer__reserve_blocking(rb, 1, 20);
	CHECK(!q && errno == ENOSPC);
	user_ring_buffer__submit(rb, p);
	CHECK(ring_drain(map, buf, &used, 0, 0) == 1 && used == SIZE - 4);
	CHECK(user_ring_buffer__reserve_blocking(rb, 1, 20));
	user_ring_buffer__free(rb);
	close(map);
}

static void *drain_later(void *arg)
{
	static unsigned char buf[RINGTEST_BUF];
	uint32_t used;

	usleep(100000);
	return (void *)ring_drain(*(int *)arg, buf, &used, 0, 0);
}

static void test_user_ring_waits(void)
{
	int map = new_map(BPF_MAP_TYPE_USER_RINGBUF, SIZE);
	struct user_ring_buffer *rb = user_ring_buffer__new(map, NULL);
	void *p = user_ring_buffer__reserve(rb, SIZE - 8), *drained;
	pthread_t thread;

	CHECK(p);
	user_ring_buffer__submit(rb, p);
	ringtest_fd();
	CHECK(!pthread_create(&thread, NULL, drain_later, &map));
	p = user_ring_buffer__reserve_blocking(rb, 100, 60000);
	CHECK(p);
	pthread_join(thread, &drained);
	CHECK((long)drained == 1);
	user_ring_buffer__free(rb);
	close(map);
}

#ifdef OURS
/* Functions newer than the packaged libbpf */
static void test_newer(void)
{
	int map = new_map(BPF_MAP_TYPE_RINGBUF, SIZE);
	struct seen seen = { 0 };
	struct ring_buffer *rb = ring_buffer__new(map, see, &seen, NULL);
	struct ring *r = ring_buffer__ring(rb, 0);
	unsigned int n;

	CHECK(r);
	errno = 0;
	CHECK(!ring_buffer__ring(rb, 1) && errno == ERANGE);
	CHECK(ring__size(r) == SIZE && ring__map_fd(r) == map);
	CHECK(!ring__consumer_pos(r) && !ring__producer_pos(r));
	for (n = 0; n < 10; n++)
		CHECK(!put(map, n, 0));
	CHECK(ring__producer_pos(r) == ring__avail_data_size(r));
	CHECK(ring__producer_pos(r) == ring_query(map, BPFMAP_RB_PROD_POS));
	CHECK(ring_buffer__consume_n(rb, 0) == 0);
	CHECK(ring_buffer__consume_n(rb, 3) == 3 && seen.next == 3);
	CHECK(ring__consume_n(r, 4) == 4 && seen.next == 7);
	CHECK(ring__consumer_pos(r) == ring_query(map, BPFMAP_RB_CONS_POS));
	CHECK(ring__consume(r) == 3 && seen.next == 10 && !seen.wrong);
	CHECK(!ring__avail_data_size(r));
	ring_buffer__free(rb);
	close(map);
}

static void test_options(void)
{
	struct { size_t sz, more; } longer = { sizeof(longer), 0 };
	int map = new_map(BPF_MAP_TYPE_RINGBUF, SIZE);
	struct ring_buffer *rb;

	LIBBPF_OPTS(ring_buffer_opts, opts);

	rb = ring_buffer__new(map, see, NULL, &opts);
	CHECK(rb);
	ring_buffer__free(rb);
	rb = ring_buffer__new(map, see, NULL, (void *)&longer);
	CHECK(rb);
	ring_buffer__free(rb);
	longer.more = 1;
	errno = 0;
	CHECK(!ring_buffer__new(map, see, NULL, (void *)&longer));
	CHECK(errno == EINVAL);
	errno = 0;
	CHECK(!user_ring_buffer__new(map, (void *)&longer) && errno == EINVAL);
	ring_buffer__free(NULL);
	user_ring_buffer__free(NULL);
	close(map);
}
#endif

int main(void)
{
#ifdef OURS
	printf("TAP version 13\n1..12\n");
	run("what is newer", test_newer);
	run("options", test_options);
#else
	printf("TAP version 13\n1..10\n");
#endif
	run("samples as they were sent", test_consume);
	run("a full ring", test_full);
	run("busy and discarded records", test_busy_and_discard);
	run("a callback that stops", test_callback_stops);
	run("several rings, and what is none", test_several_rings);
	run("each sample wakes a sleeper", test_each_wakes);
	run("a stream", test_stream);
	run("samples for the kernel", test_user_ring);
	run("a full ring for the kernel", test_user_ring_full);
	run("waiting for room", test_user_ring_waits);
#ifndef OURS
	CHECK(bpf_calls > 20);
#endif
	printf("# %u assertions\n", assertions);
	return failures != 0;
}
