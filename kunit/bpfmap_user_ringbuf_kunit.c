// SPDX-License-Identifier: GPL-2.0-only
/*
 * Ring buffers from user space. The test plays user space's part on the ring's
 * own pages: user space can write the producer's position and all of the data,
 * at any time: [user_ring.checked].
 */
#include <linux/delay.h>
#include <linux/irq_work.h>
#include <linux/sizes.h>

#include "../drivers/bpfmap/ringbuf.h"
#include "crew.h"
#include "fixture.h"

#define BUSY	BPFMAP_RINGBUF_BUSY_BIT
#define DISCARD	BPFMAP_RINGBUF_DISCARD_BIT
#define MAX_SAMPLES	(128 * 1024)

static struct bpfmap *user_ring(struct kunit *test, u32 size)
{
	const struct map_shape shape = {
		.type = BPFMAP_TYPE_USER_RINGBUF, .max_entries = size,
	};

	return kunit_map(test, &shape);
}

static struct bpfmap_ring *ring_of(struct bpfmap *map)
{
	return to_ringbuf(map)->ring;
}

/**
 * struct calls - what a callback got
 * @n: how often it was called
 * @stop_at: call that stops, 0: none
 * @size: of the last sample
 * @offset: of the last sample
 * @sum: over all sizes and offsets
 */
struct calls {
	u32 n;
	u32 stop_at;
	u32 size;
	u32 offset;
	u64 sum;
};

static long note_call(struct bpfmap *map, const void *sample, u32 size,
		      void *ctx)
{
	struct calls *c = ctx;

	c->size = size;
	c->offset = sample - (void *)ring_of(map)->data;
	c->sum = c->sum * 31 + c->offset * 7 + size;
	return ++c->n == c->stop_at;
}

/* --- one header --- */

/**
 * struct peek_row - what user space has written, and what comes of it
 * @producer: its position; the consumer is at 4096 + 64, the ring has 4096
 * @len: first word of the header there
 * @ret: result
 * @consumer: how far it went from there
 */
struct peek_row {
	u64 producer;
	u32 len;
	long ret;
	u32 consumer;
};

#define AT	(SZ_4K + 64)

static const struct peek_row peek_rows[] = {
	{ AT, 8, 0, 0 }, { AT + 8, 0, 1, 8 }, { AT + 16, 8, 1, 16 },
	{ AT + 16, 1, 1, 16 }, { AT + 4096, 4088, 1, 4096 },
	{ AT + 16, 8 | BUSY, 0, 0 }, { AT + 16, 8 | DISCARD, 0, 16 },
	{ AT + 16, 8 | DISCARD | BUSY, 0, 16 },
	/* not a multiple of 8, though there may be nothing to read */
	{ AT + 1, 8, -EINVAL, 0 }, { AT + 17, 8, -EINVAL, 0 },
	{ AT + 4, 8, -EINVAL, 0 }, { 1, 8, -EINVAL, 0 },
	{ U64_MAX, 8, -EINVAL, 0 },
	/* behind */
	{ 0, 8, 0, 0 }, { AT - 8, 8, 0, 0 }, { AT - 4096, 8, 0, 0 },
	/* beyond the producer */
	{ AT + 8, 1, -EINVAL, 0 }, { AT + 8, 8, -EINVAL, 0 },
	{ AT + 16, 9, -EINVAL, 0 }, { AT + 8, 8 | BUSY, -EINVAL, 0 },
	{ AT + 8, 8 | DISCARD, -EINVAL, 0 }, { AT + 4096, 4089, -EINVAL, 0 },
	{ AT + 4096, 0x3fffffff, -EINVAL, 0 },
	{ AT + 4096, 0xffffffff, -EINVAL, 0 },
	/* beyond the ring */
	{ AT + 4104, 4089, -E2BIG, 0 }, { AT + 8192, 8184, -E2BIG, 0 },
	{ AT + (1ULL << 40), 0x3fffffff, -E2BIG, 0 },
	{ AT + (1ULL << 40), 0xffffffff, -E2BIG, 0 },
	{ AT + (1ULL << 40), 0x3fffffff | BUSY, -E2BIG, 0 },
	{ AT + (1ULL << 40), 0x3ffffff8 | DISCARD, -E2BIG, 0 },
	{ U64_MAX - 7, 0x3fffffff, -E2BIG, 0 },
	{ (1ULL << 63) + 8, 4089, -E2BIG, 0 },
};

static void user_ringbuf_headers(struct kunit *test)
{
	struct bpfmap *map = user_ring(test, SZ_4K);
	struct bpfmap_ring *ring = ring_of(map);
	u32 i;

	for (i = 0; i < ARRAY_SIZE(peek_rows); i++) {
		const struct peek_row *r = &peek_rows[i];
		struct calls c = { };
		long ret;

		/* All that follows is busy */
		memset(ring->data, 0, SZ_4K);
		ring_hdr(ring, AT + r->consumer)->len = BUSY;
		ring_hdr(ring, AT)->len = r->len;
		ring->consumer_pos = AT;
		ring->producer_pos = r->producer;
		ret = bpfmap_user_ringbuf_drain(map, note_call, &c, 0);
		KUNIT_EXPECT_EQ_MSG(test, ret, r->ret, "row %u", i);
		KUNIT_EXPECT_EQ_MSG(test, ring->consumer_pos,
				    (unsigned long)AT + r->consumer, "row %u", i);
		KUNIT_EXPECT_EQ_MSG(test, ring->producer_pos,
				    (unsigned long)r->producer, "row %u", i);
		KUNIT_EXPECT_EQ_MSG(test, c.n, r->ret > 0 ? 1U : 0U, "row %u",
				    i);
		if (c.n) {
			KUNIT_EXPECT_EQ(test, c.size, r->len);
			KUNIT_EXPECT_EQ(test, c.offset, AT % SZ_4K + 8U);
		}
	}
}

/* --- anything at all, against a naive reader of a copy --- */

/**
 * struct reader - the same in other words
 * @data: of the ring, once
 * @size: bytes of it
 * @pos: of the consumer
 */
struct reader {
	const u8 *data;
	u32 size;
	u64 pos;
};

static long reader_drain(struct reader *r, u64 producer, struct calls *c)
{
	u32 len, payload, n;
	long got = 0;
	u64 whole;

	for (n = 0; n < MAX_SAMPLES; n++) {
		if (producer & 7)
			return -EINVAL;
		if (r->pos >= producer)
			return got;
		memcpy(&len, r->data + r->pos % r->size, 4);
		payload = len & 0x3fffffff;
		whole = ((u64)payload + 15) / 8 * 8;
		if (r->pos + whole > producer)
			return -EINVAL;
		if (whole > r->size || payload >= SZ_16M)
			return -E2BIG;
		if (len >> 30 == 2)
			return got;
		if (len >> 30 == 0) {
			c->size = payload;
			c->offset = (r->pos + 8) % r->size;
			c->sum = c->sum * 31 + c->offset * 7 + payload;
			c->n++;
			got++;
		}
		r->pos += whole;
		if (got && c->n == c->stop_at)
			return got;
	}
	return got;
}

/* Headers that make sense more often than not */
static u32 random_word(struct rnd_state *rnd)
{
	u32 word = prandom_u32_state(rnd);

	switch (word % 16) {
	case 0:
		return prandom_u32_state(rnd);
	case 1:
		return word % SZ_8K | (word & RING_LEN_FLAGS);
	case 2:
		return BUSY | word % 64;
	case 3:
	case 4:
		return DISCARD | word % 64;
	default:
		return word % 64;
	}
}

static void user_ringbuf_random(struct kunit *test)
{
	struct bpfmap *map = user_ring(test, SZ_4K);
	struct bpfmap_ring *ring = ring_of(map);
	struct reader r = { .data = ring->data, .size = SZ_4K };
	u32 i, j, samples = 0, steps = 20000 * bpfmap_kunit_effort;
	struct rnd_state rnd;

	prandom_seed_state(&rnd, bpfmap_kunit_seed());
	for (i = 0; i < steps; i++) {
		u32 x = prandom_u32_state(&rnd);
		struct calls want = { .stop_at = x % 4 ? 0 : 2 };
		struct calls got = want;
		long want_ret, ret;

		for (j = 0; j < 64; j++)
			*(u32 *)(ring->data +
				 (prandom_u32_state(&rnd) % SZ_4K & ~7)) =
				random_word(&rnd);
		ring->producer_pos = ring->consumer_pos +
			(x % 32 ? x % 1024 * 8 : prandom_u32_state(&rnd));
		r.pos = ring->consumer_pos;
		want_ret = reader_drain(&r, ring->producer_pos, &want);
		ret = bpfmap_user_ringbuf_drain(map, note_call, &got, x & 3);
		KUNIT_ASSERT_EQ(test, ret, want_ret);
		KUNIT_ASSERT_EQ(test, (u64)ring->consumer_pos, r.pos);
		KUNIT_ASSERT_EQ(test, got.n, want.n);
		KUNIT_ASSERT_EQ(test, got.sum, want.sum);
		samples += got.n;
		/* Out of where it is stuck */
		if (!got.n)
			ring->consumer_pos += 8;
	}
	KUNIT_EXPECT_GT(test, samples, steps / 8);
}

/* --- limits --- */

static void user_ringbuf_bounded(struct kunit *test)
{
	struct bpfmap *map = user_ring(test, SZ_2M);
	struct bpfmap_ring *ring = ring_of(map);
	struct calls c = { };
	u32 i;

	/* Samples of no bytes, and as many that are to be skipped */
	ring->producer_pos = SZ_2M;
	KUNIT_EXPECT_EQ(test, bpfmap_user_ringbuf_drain(map, note_call, &c, 0),
			(long)MAX_SAMPLES);
	KUNIT_EXPECT_EQ(test, c.n, (u32)MAX_SAMPLES);
	KUNIT_EXPECT_EQ(test, ring->consumer_pos, (unsigned long)SZ_1M);
	for (i = 0; i < SZ_2M; i += 8)
		ring_hdr(ring, i)->len = DISCARD;
	ring->producer_pos = SZ_1M + SZ_2M;
	KUNIT_EXPECT_EQ(test, bpfmap_user_ringbuf_drain(map, note_call, &c, 0),
			0L);
	KUNIT_EXPECT_EQ(test, ring->consumer_pos, (unsigned long)SZ_2M);
}

static void user_ringbuf_large(struct kunit *test)
{
	struct bpfmap *map = user_ring(test, SZ_32M);
	struct bpfmap_ring *ring = ring_of(map);
	struct calls c = { };

	ring->producer_pos = SZ_32M;
	ring_hdr(ring, 0)->len = SZ_16M;
	KUNIT_EXPECT_EQ(test, bpfmap_user_ringbuf_drain(map, note_call, &c, 0),
			-(long)E2BIG);
	ring_hdr(ring, 0)->len = SZ_16M - 1;
	ring_hdr(ring, SZ_16M + 8)->len = BUSY;
	KUNIT_EXPECT_EQ(test, bpfmap_user_ringbuf_drain(map, note_call, &c, 0),
			1L);
	KUNIT_EXPECT_EQ(test, c.size, SZ_16M - 1U);
}

/* --- permission to drain, and wake-ups --- */

static long drain_again(struct bpfmap *map, const void *sample, u32 size,
			void *ctx)
{
	struct calls c = { };

	*(long *)ctx = bpfmap_user_ringbuf_drain(map, note_call, &c, 0);
	return c.n;
}

static int count_wake(struct wait_queue_entry *entry, unsigned int mode,
		      int sync, void *key)
{
	++*(int *)entry->private;
	return 0;
}

/**
 * struct wake_row - a drain, and whether it wakes
 * @flags: of it
 * @len: of the one record; -1 for none
 * @ret: result
 * @woken: so often
 */
struct wake_row {
	u64 flags;
	s64 len;
	long ret;
	int woken;
};

/* [user_ring.wake] */
static void user_ringbuf_wakes(struct kunit *test)
{
	static const struct wake_row rows[] = {
		{ 0, 8, 1, 1 }, { 0, -1, 0, 0 }, { 0, 8 | DISCARD, 0, 1 },
		{ 0, 8 | BUSY, 0, 0 }, { BPFMAP_RB_NO_WAKEUP, 8, 1, 0 },
		{ BPFMAP_RB_FORCE_WAKEUP, -1, 0, 1 }, { 3, -1, 0, 1 },
		{ 0, 100, -EINVAL, 0 }, { BPFMAP_RB_FORCE_WAKEUP, 100, -EINVAL, 1 },
		{ 4, 8, -EINVAL, 0 }, { 1ULL << 32, 8, -EINVAL, 0 },
	};
	struct bpfmap *map = user_ring(test, SZ_4K);
	struct bpfmap_ring *ring = ring_of(map);
	struct wait_queue_entry entry;
	int i, woken;

	init_waitqueue_func_entry(&entry, count_wake);
	entry.private = &woken;
	INIT_LIST_HEAD(&entry.entry);
	add_wait_queue(&ring->waitq, &entry);
	for (i = 0; i < ARRAY_SIZE(rows); i++) {
		struct calls c = { };

		woken = 0;
		ring->producer_pos = ring->consumer_pos;
		if (rows[i].len >= 0) {
			ring_hdr(ring, ring->consumer_pos)->len = rows[i].len;
			ring->producer_pos += 16;
		}
		KUNIT_EXPECT_EQ_MSG(test,
				    bpfmap_user_ringbuf_drain(map, note_call, &c,
							      rows[i].flags),
				    rows[i].ret, "row %d", i);
		irq_work_sync(&ring->work);
		KUNIT_EXPECT_EQ_MSG(test, woken, rows[i].woken, "row %d", i);
	}
	remove_wait_queue(&ring->waitq, &entry);
}

static void user_ringbuf_refuses(struct kunit *test)
{
	static const struct map_shape other = {
		.type = BPFMAP_TYPE_RINGBUF, .max_entries = SZ_4K,
	};
	struct bpfmap *map = user_ring(test, SZ_4K);
	struct calls c = { };
	long again = 0;

	ring_of(map)->producer_pos = 8;
	KUNIT_EXPECT_EQ(test, bpfmap_user_ringbuf_drain(map, drain_again, &again,
							0), 1L);
	KUNIT_EXPECT_EQ(test, again, -(long)EBUSY);
	KUNIT_EXPECT_EQ(test, bpfmap_user_ringbuf_drain(kunit_map(test, &other),
							note_call, &c, 0),
			-(long)EINVAL);
}

/* --- user space that changes everything while it is read --- */

/**
 * struct chaos - two CPUs of user space against drains
 * @map: the ring
 * @inside: callbacks that run
 */
struct chaos {
	struct bpfmap *map;
	atomic_t inside;
};

static void scribble_step(struct worker *w)
{
	struct chaos *ch = w->ctx;
	struct bpfmap_ring *ring = ring_of(ch->map);
	unsigned long pos = READ_ONCE(ring->consumer_pos);
	u32 i;

	for (i = 0; i < 64; i++)
		WRITE_ONCE(ring_hdr(ring, pos + worker_random(w, 512) * 8)->len,
			   random_word(&w->rnd));
	/* Repair the header at which it is stuck */
	if (worker_random(w, 2))
		WRITE_ONCE(ring_hdr(ring, pos)->len, worker_random(w, 64));
	switch (worker_random(w, 8)) {
	case 0:
		pos = (u64)prandom_u32_state(&w->rnd) << 32 |
		      prandom_u32_state(&w->rnd);
		break;
	case 1:
		pos -= worker_random(w, 4096);
		break;
	default:
		pos += worker_random(w, 1024) * 8;
	}
	WRITE_ONCE(ring->producer_pos, pos);
}

static long read_all(struct bpfmap *map, const void *sample, u32 size,
		     void *ctx)
{
	struct bpfmap_ring *ring = ring_of(map);
	struct worker *w = ctx;
	struct chaos *ch = w->ctx;
	const u8 *p = sample;
	u32 i, sum = 0;

	worker_check(w, atomic_inc_return(&ch->inside) == 1);
	worker_check(w, p >= ring->data && !((unsigned long)p & 7));
	worker_check(w, size <= ring_size(ring) - 8);
	worker_check(w, p + size <= ring->data + 2 * ring_size(ring));
	/* All of the buffer is mapped: a fault would show otherwise */
	for (i = 0; i < size; i++)
		sum += READ_ONCE(p[i]);
	atomic_dec(&ch->inside);
	return sum % 64 == 0;
}

static void drain_step(struct worker *w)
{
	struct chaos *ch = w->ctx;
	struct bpfmap_ring *ring = ring_of(ch->map);
	unsigned long before = READ_ONCE(ring->consumer_pos);
	long ret = bpfmap_user_ringbuf_drain(ch->map, read_all, w, 0);

	worker_check(w, ret <= MAX_SAMPLES);
	worker_check(w, ret >= 0 || ret == -EBUSY || ret == -EINVAL ||
		     ret == -E2BIG);
	worker_check(w, READ_ONCE(ring->consumer_pos) >= before);
	worker_check(w, !(READ_ONCE(ring->consumer_pos) % 8));
	if (ret <= 0)
		usleep_range(10, 20);
}

static void user_ringbuf_chaos(struct kunit *test)
{
	static const struct job jobs[] = {
		{ "drain", drain_step }, { "drain", drain_step },
		{ "scribble", scribble_step },
	};
	struct chaos ch = { .map = user_ring(test, SZ_4K) };

	crew_run(test, jobs, ARRAY_SIZE(jobs), &ch, 500);
	/* Around the ring, for once */
	KUNIT_EXPECT_GT(test, ring_of(ch.map)->consumer_pos,
			(unsigned long)SZ_4K);
}

static struct kunit_case user_ringbuf_cases[] = {
	KUNIT_CASE(user_ringbuf_headers),
	KUNIT_CASE(user_ringbuf_random),
	KUNIT_CASE(user_ringbuf_bounded),
	KUNIT_CASE(user_ringbuf_large),
	KUNIT_CASE(user_ringbuf_wakes),
	KUNIT_CASE(user_ringbuf_refuses),
	KUNIT_CASE(user_ringbuf_chaos),
	{}
};

static struct kunit_suite user_ringbuf_suite = {
	.name = "bpfmap_user_ringbuf",
	.test_cases = user_ringbuf_cases,
};

kunit_test_suite(user_ringbuf_suite);
