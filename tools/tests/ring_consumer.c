// SPDX-License-Identifier: GPL-2.0-only
/*
 * ring_consumer - the library's ends of ring buffers: far positions, records that
 * are overwritten before or while they are read, and positions that another
 * process has written over. Built in 32 bits as well. The kernel's side is the
 * module ringtest.
 *
 * RING_SECONDS: how long a producer and a consumer race (2)
 */
#include <sys/mman.h>
#include <sys/utsname.h>
#include <sys/wait.h>
#include <time.h>
#include <bpfmap.h>

#include "common.h"
#include "ringtest.h"

#define SIZE	4096		/* of small rings */
#define LARGE	(8U << 20)	/* of those that get far */
#define LONG	(LARGE - 4096)	/* a record in them */
#define FAR	(1ULL << 32)
#define SAMPLE_MAX 60

/* Samples begin with their number; all bytes after it depend on it */
static size_t sample_make(uint32_t n, uint8_t *p)
{
	size_t size = 4 + n * 7 % (SAMPLE_MAX - 4);

	pattern(p, size, n);
	memcpy(p, &n, 4);
	return size;
}

static bool sample_is(uint32_t n, const void *p, size_t size)
{
	uint8_t want[SAMPLE_MAX];

	return size == sample_make(n, want) && !memcmp(p, want, size);
}

static long put(int map, uint32_t n)
{
	uint8_t p[SAMPLE_MAX];
	size_t size = sample_make(n, p);

	return ring_output(map, p, size, 0);
}

static uint64_t record_bytes(size_t size)
{
	return ROUND_UP((uint64_t)size + BPFMAP_RINGBUF_HDR_SZ, 8);
}

/**
 * struct seen - what came
 * @next: lowest number that may come
 * @nr: samples
 * @wrong: samples that were never produced
 * @bytes: of their records
 * @flood: map to overwrite once while a sample is read, 0: none
 */
struct seen {
	uint32_t next;
	unsigned int nr;
	unsigned int wrong;
	uint64_t bytes;
	int flood;
};

static int see(void *ctx, void *data, size_t size)
{
	struct seen *s = ctx;
	uint32_t n = 0, i;

	memcpy(&n, data, size < 4 ? size : 4);
	if (s->flood) {
		for (i = 0; i < SIZE / 16; i++)
			put(s->flood, 1000 + i);
		s->flood = 0;
	}
	if (n < s->next || !sample_is(n, data, size))
		s->wrong++;
	s->next = n + 1;
	s->nr++;
	s->bytes += record_bytes(size);
	return 0;
}

static struct bpfmap_ring_buffer *consumer_new(int map, struct seen *s)
{
	struct bpfmap_ring_buffer *rb = bpfmap_ring_buffer_new(map, see, s, NULL);

	check(rb, "ring_buffer_new");
	return rb;
}

static uint64_t lost(struct bpfmap_ring_buffer *rb)
{
	return bpfmap_ring_lost(bpfmap_ring_buffer_ring(rb, 0));
}

static size_t available(struct bpfmap_ring_buffer *rb)
{
	return bpfmap_ring_avail_data_size(bpfmap_ring_buffer_ring(rb, 0));
}

static int ring_new(size_t size, uint32_t flags)
{
	int map = map_new(KIND(K_RINGBUF), 0, 0, size, flags);

	check_ret(map, GOT_FD, "MAP_CREATE");
	return map;
}

/* ------------------------------------------------------------------------- */
/* Positions of more than 32 bits */

TEST(far_consumer, 0)
{
	int map = ring_new(LARGE, 0);
	struct seen s = { 0 };
	struct bpfmap_ring_buffer *rb = consumer_new(map, &s);
	uint64_t producer = 0;
	uint32_t n = 0;

	row("ring.record", "consumer of a RINGBUF");
	while (producer < FAR - 2 * LARGE) {
		if (!check_ret(ring_reserve(map, 0, LONG), 0, "reserve") ||
		    !check_ret(ring_discard(map, 0, 0), 0, "discard"))
			break;
		bpfmap_ring_buffer_consume(rb);
		producer = ring_query(map, BPFMAP_RB_PROD_POS);
	}
	/* From there on by small steps */
	while (producer < FAR - 3 * SAMPLE_MAX) {
		uint64_t size = FAR - 2 * SAMPLE_MAX - producer;

		size = size > LONG ? LONG : size;
		check_ret(ring_reserve(map, 0, size), 0, "reserve");
		check_ret(ring_discard(map, 0, 0), 0, "discard");
		check_ret(bpfmap_ring_buffer_consume(rb), 0, "consume");
		producer = ring_query(map, BPFMAP_RB_PROD_POS);
	}
	while (n < 200) {
		check_ret(put(map, n++), 0, "output at %#llx",
			  (unsigned long long)producer);
		producer = ring_query(map, BPFMAP_RB_PROD_POS);
		check_num(available(rb), ring_query(map, BPFMAP_RB_AVAIL_DATA),
			  "available");
		check_ret(bpfmap_ring_buffer_poll(rb, 1000), 1, "poll");
		check_num(ring_query(map, BPFMAP_RB_CONS_POS), producer,
			  "consumer_pos");
	}
	check(producer > FAR, "it is not far enough");
	check_num(s.next, n, "samples");
	check_num(s.wrong, 0, "wrong samples");
	bpfmap_ring_buffer_free(rb);
}

TEST(far_producer, 0)
{
	static uint8_t drained[RINGTEST_BUF];
	int map = map_new(KIND(K_USER_RINGBUF), 0, 0, LARGE, 0);
	struct bpfmap_user_ring_buffer *rb;
	uint64_t producer = 0;
	uint32_t n, used;
	void *sample;

	row("ring.record", "producer of a USER_RINGBUF");
	rb = bpfmap_user_ring_buffer_new(map, NULL);
	check(rb, "user_ring_buffer_new");
	while (producer < FAR + LARGE) {
		uint64_t size = LONG;

		if (producer < FAR - 40 && producer + size > FAR - 40)
			size = FAR - 40 - producer;
		if (producer + 40 >= FAR && producer < FAR + 4000)
			size = 16;
		sample = bpfmap_user_ring_buffer_reserve(rb, size);
		if (!check(sample, "reserve at %#llx",
			   (unsigned long long)producer))
			break;
		bpfmap_user_ring_buffer_discard(rb, sample);
		ring_drain(map, drained, &used, 0, 0);
		producer += record_bytes(size);
	}
	for (n = 0; n < 10; n++) {
		sample = bpfmap_user_ring_buffer_reserve(rb, 8);
		if (!check(sample, "reserve"))
			break;
		memset(sample, n, 8);
		bpfmap_user_ring_buffer_submit(rb, sample);
		check_ret(ring_drain(map, drained, &used, 0, 0), 1, "drain");
		check_num(drained[4], n, "sample");
	}
	bpfmap_user_ring_buffer_free(rb);
}

/* ------------------------------------------------------------------------- */
/* BPFMAP_F_RB_OVERWRITE */

TEST(overrun_before, 0)
{
	int map = ring_new(SIZE, BPFMAP_F_RB_OVERWRITE);
	struct seen s = { 0 };
	struct bpfmap_ring_buffer *rb = consumer_new(map, &s);
	uint32_t n = 0, round, i;

	for (round = 1; round < 60; round++) {
		row("ring.overwrite", "overrun %u", round);
		for (i = 0; i < round * 20; i++)
			check_ret(put(map, n++), 0, "output");
		/* One that is still being written ends it */
		check_ret(ring_reserve(map, 0, 8), 0, "reserve");
		check(bpfmap_ring_buffer_consume(rb) > 0, "consume");
		check_num(s.next, n, "the last number");
		check_num(s.wrong, 0, "wrong samples");
		check_num(ring_query(map, BPFMAP_RB_CONS_POS) + record_bytes(8),
			  ring_query(map, BPFMAP_RB_PROD_POS), "positions");
		check_num(available(rb), record_bytes(8), "available");
		check_ret(ring_discard(map, 0, 0), 0, "discard");
		check_ret(bpfmap_ring_buffer_poll(rb, 0), 0, "discarded");
		check_num(s.bytes + lost(rb) + round * record_bytes(8),
			  ring_query(map, BPFMAP_RB_PROD_POS),
			  "seen, lost and discarded");
	}
	check(lost(rb) > 0, "nothing was lost");
	bpfmap_ring_buffer_free(rb);
}

TEST(overrun_meanwhile, 0)
{
	int map = ring_new(SIZE, BPFMAP_F_RB_OVERWRITE);
	struct seen s = { 0 };
	struct bpfmap_ring_buffer *rb = consumer_new(map, &s);
	uint32_t i;

	row("ring.overwrite", "while a sample is read");
	for (i = 0; i < 10; i++)
		check_ret(put(map, i), 0, "output");
	s.flood = map;
	check_ret(bpfmap_ring_buffer_consume(rb), 1, "consume");
	check_num(s.next, 1, "next number");
	check(bpfmap_ring_buffer_consume(rb) > 0, "consume");
	check_num(s.next, 1000 + SIZE / 16, "the last number");
	check_num(s.wrong, 0, "wrong samples");
	check_num(s.bytes + lost(rb), ring_query(map, BPFMAP_RB_PROD_POS),
		  "seen and lost");
	bpfmap_ring_buffer_free(rb);
}

/* A consumer that is fast enough loses no record, and reports no loss */
TEST(not_overrun, 0)
{
	int map = ring_new(SIZE, BPFMAP_F_RB_OVERWRITE);
	struct seen s = { 0 };
	struct bpfmap_ring_buffer *rb = consumer_new(map, &s);
	uint32_t n;

	row("ring.overwrite", "no overrun");
	for (n = 0; n < 1000; n++) {
		check_ret(put(map, n), 0, "output");
		if (n % 20 == 19)
			check_ret(bpfmap_ring_buffer_consume(rb), 20, "consume");
	}
	check_num(s.nr, n, "samples");
	check_num(s.wrong, 0, "wrong samples");
	check_num(lost(rb), 0, "lost");
	bpfmap_ring_buffer_free(rb);
}

/* Shared with the producer, a process: some kernels have no 32-bit threads */
struct race {
	int stop;
	uint32_t n;
};

TEST(race, 0)
{
	int map = ring_new(SIZE, BPFMAP_F_RB_OVERWRITE);
	struct race *r = mmap(NULL, sizeof(*r), PROT_READ | PROT_WRITE,
			      MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	const char *seconds = getenv("RING_SECONDS");
	time_t end = time(NULL) + (seconds ? atoi(seconds) : 2) + 1;
	struct seen s = { 0 };
	struct bpfmap_ring_buffer *rb = consumer_new(map, &s);
	pid_t child;

	row("ring.overwrite", "a producer that does not wait");
	child = fork();
	if (!child) {
		while (!__atomic_load_n(&r->stop, __ATOMIC_RELAXED))
			put(map, r->n++);
		_exit(0);
	}
	check(child > 0, "fork");
	while (time(NULL) < end) {
		/* Each call ends, however fast that is */
		if (!check(bpfmap_ring_buffer_poll(rb, 1000) >= 0, "poll"))
			break;
		usleep(s.nr % 100);
	}
	__atomic_store_n(&r->stop, 1, __ATOMIC_RELAXED);
	waitpid(child, NULL, 0);
	check(bpfmap_ring_buffer_consume(rb) >= 0, "consume");
	check_num(s.wrong, 0, "wrong samples");
	check_num(s.next, r->n, "the last number");
	check_num(s.bytes + lost(rb), ring_query(map, BPFMAP_RB_PROD_POS),
		  "seen and lost");
	printf("# %u samples, %u seen, %llu bytes lost\n", r->n, s.nr,
	       (unsigned long long)lost(rb));
	munmap(r, sizeof(*r));
	bpfmap_ring_buffer_free(rb);
}

/* ------------------------------------------------------------------------- */
/* What another process with the map open can do to a consumer */

/* One as far as this with the kernel's longs, which may have 32 bits */
static int64_t position(int64_t at)
{
	struct utsname u;

	if (at == (int32_t)at || uname(&u) || strstr(u.machine, "64") ||
	    !strcmp(u.machine, "s390x"))
		return at;
	return at < 0 ? INT32_MIN + (at - INT64_MIN) :
			INT32_MAX - (INT64_MAX - at);
}

TEST(bad_positions, 0)
{
	static const int64_t wrong[] = {
		8, 4096, INT64_MAX, INT64_MIN + 8, -8192, -4, -SIZE - 8,
	};
	unsigned int over;
	size_t i;

	for (over = 0; over < 2; over++) {
		int map = ring_new(SIZE, over ? BPFMAP_F_RB_OVERWRITE : 0);
		struct seen s = { 0 };
		struct bpfmap_ring_buffer *rb = consumer_new(map, &s);
		uint64_t *consumer = mmap(NULL, 4096, PROT_READ | PROT_WRITE,
					  MAP_SHARED, map, 0);
		/* A payload that looks like a header */
		uint32_t fake[4] = { 0x3ffffff0, 0, 0x3ffffff0, 0 };
		uint64_t producer;

		check(consumer != MAP_FAILED, "mmap");
		check_ret(ring_output(map, fake, sizeof(fake), 0), 0, "output");
		producer = ring_query(map, BPFMAP_RB_PROD_POS);
		for (i = 0; i < ARRAY_SIZE(wrong); i++) {
			int64_t by = position(wrong[i]);

			row("-", "consumer_pos %lld from the producer's%s",
			    (long long)by, over ? ", overwriting" : "");
			__atomic_store_n(consumer, producer + by,
					 __ATOMIC_RELAXED);
			s = (struct seen){ 0 };
			if (over && by < -(int64_t)producer)
				check_ret(bpfmap_ring_buffer_consume(rb), 1,
					  "consume what is there");
			else
				check_ret(bpfmap_ring_buffer_consume(rb),
					  -EBADMSG, "consume");
		}
		row("-", "a length beyond the producer's position");
		__atomic_store_n(consumer, producer - 16, __ATOMIC_RELAXED);
		s = (struct seen){ 0 };
		check_ret(bpfmap_ring_buffer_consume(rb), -EBADMSG, "consume");
		check_num(s.nr, 0, "samples");
		munmap(consumer, 4096);
		bpfmap_ring_buffer_free(rb);
		close(map);
	}
}

TEST(bad_producer_positions, 0)
{
	static const int64_t wrong[] = { 4, SIZE + 8, -1, INT64_MIN };
	int map = map_new(KIND(K_USER_RINGBUF), 0, 0, SIZE, 0);
	struct bpfmap_user_ring_buffer *rb;
	uint64_t *producer;
	size_t i;

	rb = bpfmap_user_ring_buffer_new(map, NULL);
	producer = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, map,
			4096);
	check(rb && producer != MAP_FAILED, "mapping");
	for (i = 0; i < ARRAY_SIZE(wrong); i++) {
		row("-", "producer_pos %lld", (long long)wrong[i]);
		__atomic_store_n(producer, position(wrong[i]), __ATOMIC_RELAXED);
		errno = 0;
		check(!bpfmap_user_ring_buffer_reserve(rb, 8), "reserve");
		check_num(errno, EBADMSG, "errno");
	}
	munmap(producer, 4096);
	bpfmap_user_ring_buffer_free(rb);
}

TEST_MAIN
