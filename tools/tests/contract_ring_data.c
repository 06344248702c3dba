// SPDX-License-Identifier: GPL-2.0-only
/*
 * contract_ring_data - contents of a RINGBUF, byte for byte, and wake-ups.
 * The producer is the module ringtest, or a BPF program.
 */
#include <limits.h>
#include <poll.h>
#include <sys/epoll.h>
#include <sys/mman.h>

#include "contract.h"
#include "producer.h"
#include "ringtest.h"

/* More bytes than any ring has; positions are longs */
#define FAR	(1L << (sizeof(long) * 4 + 8))

#define BUSY	BPFMAP_RINGBUF_BUSY_BIT
#define DISCARD	BPFMAP_RINGBUF_DISCARD_BIT

/* A ring and its mappings */
struct ring {
	int fd;
	size_t size;
	volatile unsigned long *consumer;
	volatile unsigned long *producer;	/* and pending, overwrite */
	const uint8_t *data;
};

static struct ring ring_new(size_t size, uint32_t flags)
{
	struct ring r = { .size = size };
	void *p;

	r.fd = map_new(KIND(K_RINGBUF), 0, 0, size, flags);
	check_ret(r.fd, GOT_FD, "MAP_CREATE");
	p = mmap(NULL, page, PROT_READ | PROT_WRITE, MAP_SHARED, r.fd, 0);
	check(p != MAP_FAILED, "consumer page");
	r.consumer = p;
	p = mmap(NULL, page + 2 * size, PROT_READ, MAP_SHARED, r.fd, page);
	check(p != MAP_FAILED, "producer page and data");
	r.producer = p;
	r.data = (uint8_t *)p + page;
	return r;
}

static void ring_close(struct ring *r)
{
	munmap((void *)r->consumer, page);
	munmap((void *)r->producer, page + 2 * r->size);
	close(r->fd);
}

static uint32_t word_at(const struct ring *r, unsigned long pos)
{
	uint32_t word;

	memcpy(&word, r->data + pos % r->size, 4);
	return word;
}

static size_t rec_size(uint32_t len)
{
	return ROUND_UP((size_t)len + 8, 8);
}

/* A record of @size bytes, in the data at @pos */
static void check_record(const struct ring *r, unsigned long pos, uint32_t size,
			 uint32_t flags, const void *payload)
{
	check_num(word_at(r, pos), size | flags, "len");
	/* One private page, the consumer's and the producer's come before */
	check_num(word_at(r, pos + 4), 3 + pos % r->size / page, "page offset");
	if (payload)
		check_mem(r->data + pos % r->size + 8, payload, size, "payload");
}

static void check_positions(const struct ring *r, unsigned long producer,
			    unsigned long pending)
{
	check_num(r->producer[0], producer, "producer_pos");
	if (since(6, 12))
		check_num(r->producer[1], pending, "pending_pos");
}

/* ------------------------------------------------------------------------- */
/* Layout */

TEST(layout, 0)
{
	static const uint32_t sizes[] = {
		0, 1, 7, 8, 9, 15, 16, 17, 100, 1000, 2000, 500, 88,
	};
	struct ring r = ring_new(page, 0);
	unsigned long pos = 0, before = 0;
	uint8_t payload[2048];
	size_t i;

	for (i = 0; i < ARRAY_SIZE(sizes); i++) {
		row("ring.record", "record of %u bytes at %lu", sizes[i], pos);
		pattern(payload, sizes[i], i);
		check_ret(produce(r.fd, payload, sizes[i], 0), 0, "output");
		check_record(&r, pos, sizes[i], 0, payload);
		before = pos;
		pos += rec_size(sizes[i]);
		/* What is pending is looked at before the record is there */
		check_positions(&r, pos, before);
		check_num(r.consumer[0], 0, "consumer_pos");
	}

	row("ring.record", "discarded record at %lu", pos);
	check_ret(produce_discarded(r.fd, 20, 0), 0, "discard");
	check_record(&r, pos, 20, DISCARD, NULL);
	pos += rec_size(20);
	check_num(r.producer[0], pos, "producer_pos");

	row("ring.record", "record across the end, from %lu", pos);
	check(pos % page > 2048, "this test is wrong");
	*r.consumer = pos;
	pattern(payload, 2000, 77);
	check_ret(produce(r.fd, payload, 2000, 0), 0, "output");
	check_record(&r, pos, 2000, 0, payload);
	check_mem(r.data, r.data + page, page, "first and second half");
	ring_close(&r);
}

/* The last record that fits, and the first that does not */
TEST(capacity, 0)
{
	static uint8_t payload[2 * 4096];
	struct ring r = ring_new(2 * page, 0);
	uint32_t size = r.size;
	unsigned int i, round;
	int want;

	row("ring.room", "too large for %u bytes", size);
	check_ret(produce(r.fd, payload, size - 8, 0), -EAGAIN, "size - 8");
	check_ret(produce(r.fd, payload, size - 15, 0), -EAGAIN, "size - 15");
	check_ret(produce_discarded(r.fd, size - 8, 0), -ENOSPC, "reserve");
	check_ret(produce_discarded(r.fd, size, 0), -ENOSPC, "reserve");
	check_ret(produce_discarded(r.fd, UINT32_MAX / 8, 0), -ENOSPC, "huge");
	check_positions(&r, 0, 0);
	if (backend() != BACKEND_BPF) {
		check_ret(ring_reserve(r.fd, 0, UINT32_MAX / 4 + 1ULL), -ENOSPC,
			  "2^30");
		check_ret(ring_reserve(r.fd, 0, UINT32_MAX), -ENOSPC, "2^32");
		check_ret(ring_reserve(r.fd, 0, UINT64_MAX), -ENOSPC, "2^64");
		check_ret(ring_reserve(r.fd, 0, UINT64_MAX - 7), -ENOSPC,
			  "2^64 - 8");
	}

	row("ring.room", "as large as can be");
	check_ret(produce(r.fd, payload, size - 16, 0), 0, "size - 16");
	check_ret(produce(r.fd, payload, 0, 0), -EAGAIN, "8 bytes stay free");
	*r.consumer = r.producer[0];
	check_ret(produce(r.fd, payload, size - 16, 0), 0, "again");
	*r.consumer = r.producer[0];

	for (round = 0; round < 3; round++) {
		row("ring.room", "a ring full of small records, round %u",
		    round);
		for (i = 0; i < size / 16; i++) {
			want = i < size / 16 - 1 ? 0 : -EAGAIN;
			check_ret(produce(r.fd, payload, 8, 0), want, "output");
		}
		/* Just enough room for one, by the consumer's position */
		*r.consumer += 16;
		check_ret(produce(r.fd, payload, 8, 0), 0, "one more");
		check_ret(produce(r.fd, payload, 8, 0), -EAGAIN, "no more");
		*r.consumer = r.producer[0];
	}
	ring_close(&r);
}

TEST(flags, 0)
{
	struct ring r = ring_new(page, 0);
	unsigned int bit;

	for (bit = 0; bit < 31; bit++) {
		row("ring.wake", "output with flag 1 << %u", bit);
		check_ret(produce(r.fd, "12345678", 8, 1U << bit),
			  bit < 2 ? 0 : -EINVAL, "output");
	}
	row("ring.wake", "output with both flags");
	check_ret(produce(r.fd, "12345678", 8, 3), 0, "output");
	check_num(r.producer[0], 3 * 16, "producer_pos");
	ring_close(&r);
}

TEST(query, 0)
{
	struct ring r = ring_new(2 * page, 0);

	row("ring.query", "query");
	check_ret(produce(r.fd, "12345678", 8, 0), 0, "output");
	check_ret(produce(r.fd, "12345678", 3, 0), 0, "output");
	*r.consumer = 16;
	check_num(produce_query(r.fd, BPFMAP_RB_AVAIL_DATA), 16, "available");
	check_num(produce_query(r.fd, BPFMAP_RB_RING_SIZE), r.size, "size");
	check_num(produce_query(r.fd, BPFMAP_RB_CONS_POS), 16, "consumer");
	check_num(produce_query(r.fd, BPFMAP_RB_PROD_POS), 32, "producer");
	check_num(produce_query(r.fd, BPFMAP_RB_OVERWRITE_POS), 0, "overwrite");
	check_num(produce_query(r.fd, 5), 0, "unknown");
	check_num(produce_query(r.fd, 0x7fffffff), 0, "unknown");
	*r.consumer = 12345;
	check_num(produce_query(r.fd, BPFMAP_RB_CONS_POS), 12345, "consumer");
	check_num(produce_query(r.fd, BPFMAP_RB_AVAIL_DATA),
		  (uint32_t)(32 - 12345), "available, nonsense");
	ring_close(&r);
}

/* ------------------------------------------------------------------------- */
/* Any position that user space may write */

TEST(hostile_consumer, 0)
{
	/* Offsets of the consumer from the producer, bytes, result */
	static const struct {
		long ahead;
		uint32_t size;
		int want;
	} rows[] = {
		{ 0, 4000, 0 }, { 8, 8, 0 }, { 8, 0, 0 }, { 16, 8, 0 },
		{ 1, 8, 0 }, { 7, 8, 0 }, { -1, 8, 0 }, { -4000, 8, 0 },
		{ 16, 0, -EAGAIN }, { 24, 8, -EAGAIN }, { 1000, 8, -EAGAIN },
		{ 4096, 8, -EAGAIN }, { FAR, 8, -EAGAIN },
		{ -4095 + 16, 8, 0 }, { -4096 + 16, 8, -EAGAIN },
		{ -4096, 0, -EAGAIN }, { -8192, 8, -EAGAIN },
		{ -FAR, 8, -EAGAIN }, { LONG_MIN, 8, -EAGAIN },
		{ LONG_MAX, 8, -EAGAIN },
	};
	struct ring r = ring_new(page, 0);
	static uint8_t payload[4096];
	unsigned long pos;
	size_t i;

	for (i = 0; i < ARRAY_SIZE(rows); i++) {
		row("ring.consumer", "consumer ahead by %ld, %u bytes",
		    rows[i].ahead, rows[i].size);
		pos = r.producer[0];
		*r.consumer = pos + rows[i].ahead;
		check_ret(produce(r.fd, payload, rows[i].size, 0), rows[i].want,
			  "output");
		check_num(*r.consumer, pos + rows[i].ahead, "consumer_pos");
		if (rows[i].want)
			check_num(r.producer[0], pos, "producer_pos");
		else
			check_record(&r, pos, rows[i].size, 0, payload);
	}
	/* Nothing of it lasts */
	row("ring.consumer", "consumer behaves again");
	*r.consumer = r.producer[0];
	check_ret(produce(r.fd, payload, 4096 - 16, 0), 0, "output");
	ring_close(&r);
}

/* ------------------------------------------------------------------------- */
/* poll and wake-ups */

static int poll_ring(const struct ring *r)
{
	struct pollfd p = {
		.fd = r->fd,
		.events = POLLIN | POLLRDNORM | POLLOUT | POLLWRNORM | POLLPRI,
	};

	return poll(&p, 1, 0) < 0 ? -errno : p.revents;
}

TEST(poll_level, 0)
{
	const int in = POLLIN | POLLRDNORM;
	struct ring r = ring_new(page, 0);

	row("ring.poll", "poll");
	check_num(poll_ring(&r), 0, "an empty ring");
	check_ret(produce(r.fd, "12345678", 8, 0), 0, "output");
	check_num(poll_ring(&r), in, "a record");
	check_num(poll_ring(&r), in, "still there");
	*r.consumer = 16;
	check_num(poll_ring(&r), 0, "consumed");
	*r.consumer = 8;
	check_num(poll_ring(&r), in, "half consumed");
	*r.consumer = 24;
	check_num(poll_ring(&r), in, "consumed what is not there");
	*r.consumer = 16;
	check_ret(produce_discarded(r.fd, 8, 0), 0, "discard");
	check_num(poll_ring(&r), in, "a discarded record");
	ring_close(&r);
}

/* Edge-triggered, epoll reports wake-ups, not contents */
static int watch(const struct ring *r)
{
	struct epoll_event e = { .events = EPOLLIN | EPOLLET };
	int fd = epoll_create1(EPOLL_CLOEXEC);

	check_ret(epoll_ctl(fd, EPOLL_CTL_ADD, r->fd, &e), 0, "EPOLL_CTL_ADD");
	/* What adding has to tell */
	epoll_wait(fd, &e, 1, 0);
	return fd;
}

static int woken(int watch, bool expected)
{
	struct epoll_event e;

	return epoll_wait(watch, &e, 1, expected ? 5000 : 100);
}

TEST(wake_ups, 0)
{
	static const struct {
		const char *name;
		uint32_t flags;
		long behind;	/* consumer, from the record */
		int want;
	} rows[] = {
		{ "caught up", 0, 0, 1 }, { "behind", 0, 16, 0 },
		{ "behind, forced", 2, 16, 1 }, { "caught up, not to", 1, 0, 0 },
		{ "caught up, both", 3, 0, 1 }, { "behind, both", 3, 16, 1 },
		{ "behind, not to", 1, 16, 0 },
		{ "caught up, forced", 2, 0, 1 },
	};
	struct ring r = ring_new(page, 0);
	int i, fd, discard;

	check_ret(produce(r.fd, "12345678", 8, 0), 0, "output");
	fd = watch(&r);
	for (i = 0; i < 2 * (int)ARRAY_SIZE(rows); i++) {
		discard = i & 1;
		row("ring.wake", "%s %s", discard ? "discard" : "output",
		    rows[i / 2].name);
		*r.consumer = r.producer[0] - rows[i / 2].behind;
		if (discard)
			check_ret(produce_discarded(r.fd, 8, rows[i / 2].flags),
				  0, "discard");
		else
			check_ret(produce(r.fd, "12345678", 8,
					  rows[i / 2].flags), 0, "output");
		check_ret(woken(fd, rows[i / 2].want), rows[i / 2].want,
			  "woken");
	}
	/* A record that was refused wakes no process */
	row("ring.wake", "no room");
	*r.consumer = r.producer[0] + 4000;
	check_ret(produce(r.fd, "12345678", 8, 2), -EAGAIN, "output");
	check_ret(woken(fd, false), 0, "woken");
	close(fd);
	ring_close(&r);
}

/* ------------------------------------------------------------------------- */
/* BPFMAP_F_RB_OVERWRITE */

TEST(overwrite, 0)
{
	static uint8_t payload[4096];
	unsigned long over = 0, pos = 0;
	struct ring r;
	int i;

	if (!since(7, 3))
		return;
	r = ring_new(page, BPFMAP_F_RB_OVERWRITE);
	for (i = 0; i < 600; i++) {
		/* Records of 24, and one of 104 now and then */
		uint32_t size = i % 7 == 6 ? 90 : 16;

		row("ring.overwrite", "overwriting, record %d", i);
		pattern(payload, size, i);
		/* The oldest are overwritten, whole, until 1 byte stays free */
		while (pos + rec_size(size) - over > page - 1)
			over += rec_size(word_at(&r, over) & ~DISCARD);
		if (i % 5 == 4)
			check_ret(produce_discarded(r.fd, size, 0), 0,
				  "discard");
		else
			check_ret(produce(r.fd, payload, size, 0), 0, "output");
		check_record(&r, pos, size, i % 5 == 4 ? DISCARD : 0,
			     i % 5 == 4 ? NULL : payload);
		pos += rec_size(size);
		check_num(r.producer[0], pos, "producer_pos");
		check_num(r.producer[2], over, "overwrite_pos");
		check_num(produce_query(r.fd, BPFMAP_RB_OVERWRITE_POS), over,
			  "query");
		check_num(produce_query(r.fd, BPFMAP_RB_AVAIL_DATA), pos - over,
			  "available");
	}
	row("ring.overwrite", "overwriting, positions of the consumer");
	*r.consumer = pos - 24;
	check_num(produce_query(r.fd, BPFMAP_RB_AVAIL_DATA), 24, "the last");
	*r.consumer = pos;
	check_num(produce_query(r.fd, BPFMAP_RB_AVAIL_DATA), 0, "all");
	check_num(poll_ring(&r), 0, "poll");
	*r.consumer = pos + 4000;
	check_num(produce_query(r.fd, BPFMAP_RB_AVAIL_DATA), pos - over,
		  "more than all");
	check_ret(produce(r.fd, payload, page - 16, 0), 0, "all of the ring");
	check_num(r.producer[2], pos, "overwrite_pos");
	check_ret(produce(r.fd, payload, page - 8, 0), -EAGAIN, "too large");
	check_ret(produce(r.fd, payload, page - 15, 0), -EAGAIN, "too large");
	check_num(r.producer[2], pos, "overwrite_pos");
	ring_close(&r);
}

/* ------------------------------------------------------------------------- */
/* Records that are being written, which a BPF program cannot show */

TEST(busy, 0)
{
	struct ring r;
	int fd;

	if (backend() == BACKEND_BPF)
		return;
	r = ring_new(page, 0);
	fd = watch(&r);
	row("ring.record", "a record that is being written");
	check_ret(ring_reserve(r.fd, 0, 9), 0, "reserve");
	check_record(&r, 0, 9, BUSY, NULL);
	check_positions(&r, 24, 0);
	check_num(poll_ring(&r), POLLIN | POLLRDNORM, "poll");
	check_ret(woken(fd, false), 0, "woken");
	check_ret(ring_reserve(r.fd, 1, 8), 0, "reserve");
	check_ret(produce(r.fd, "12345678", 8, 0), 0, "output");
	check_record(&r, 24, 8, BUSY, NULL);
	check_record(&r, 40, 8, 0, "12345678");
	check_positions(&r, 56, 0);
	check_ret(woken(fd, false), 0, "woken");

	row("ring.wake", "completed, not in order");
	check_ret(ring_submit(r.fd, 1, "abcdefgh", 8, 0), 0, "submit");
	check_record(&r, 24, 8, 0, "abcdefgh");
	check_ret(woken(fd, false), 0, "woken");
	check_ret(ring_submit(r.fd, 0, "123456789", 9, 0), 0, "submit");
	check_record(&r, 0, 9, 0, "123456789");
	check_ret(woken(fd, true), 1, "woken");
	check_positions(&r, 56, 0);
	check_ret(produce(r.fd, "12345678", 8, 0), 0, "output");
	check_positions(&r, 72, 56);
	close(fd);
	ring_close(&r);
}

/* It is not overwritten, whatever position the consumer writes */
TEST(busy_blocks, 0)
{
	static uint8_t payload[4096];
	struct ring r;
	int over;

	if (backend() == BACKEND_BPF)
		return;
	for (over = 0; over < 2; over++) {
		r = ring_new(page, over ? BPFMAP_F_RB_OVERWRITE : 0);
		row("ring.room",
		    "no room behind a record that is being written%s",
		    over ? ", overwriting" : "");
		check_ret(produce(r.fd, payload, 8, 0), 0, "output");
		check_ret(ring_reserve(r.fd, 0, 8), 0, "reserve");
		check_ret(produce(r.fd, payload, 4096 - 16 - 8, 0), -EAGAIN,
			  "too large");
		*r.consumer = 32;
		check_ret(produce(r.fd, payload, 4096 - 16 - 8, 0), -EAGAIN,
			  "too large");
		check_ret(produce(r.fd, payload, 4096 - 16 - 16, 0), 0,
			  "just right");
		check_num(r.producer[0], 16 + 4096 - 8, "producer_pos");
		check_num(r.producer[1], 16, "pending_pos");
		check_num(r.producer[2], over ? 16 : 0, "overwrite_pos");
		*r.consumer = r.producer[0];
		check_ret(produce(r.fd, payload, 0, 0), -EAGAIN, "full");
		check_record(&r, 16, 8, BUSY, NULL);
		check_ret(ring_discard(r.fd, 0, 0), 0, "discard");
		check_record(&r, 16, 8, DISCARD, NULL);
		check_ret(produce(r.fd, payload, 0, 0), 0, "room again");
		ring_close(&r);
	}
}

TEST_MAIN
