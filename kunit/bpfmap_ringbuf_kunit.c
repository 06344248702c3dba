// SPDX-License-Identifier: GPL-2.0-only
/*
 * Ring buffers to user space. The test plays user space's part on the ring's
 * own pages: user space can write the consumer's position.
 */
#include <linux/delay.h>
#include <linux/irq_work.h>
#include <linux/mutex.h>
#include <linux/rcupdate.h>
#include <linux/sizes.h>
#include <linux/slab.h>
#include <linux/timer.h>

#include "../drivers/bpfmap/ringbuf.h"
#include "crew.h"
#include "fixture.h"

#define RING(label, map_flags, size) {					\
	.name = label, .type = BPFMAP_TYPE_RINGBUF, .flags = map_flags,	\
	.max_entries = size,						\
}

static const struct map_shape shapes[] = {
	RING("4096", 0, SZ_4K),
	RING("64k", 0, SZ_64K),
	RING("overwrite 4096", BPFMAP_F_RB_OVERWRITE, SZ_4K),
};

SHAPE_PARAM(shape, shapes);

static struct bpfmap_ring *ring_of(struct bpfmap *map)
{
	return to_ringbuf(map)->ring;
}

/* Bytes that identify their record */
static void mark(void *p, u32 size, u32 seed)
{
	u32 i;

	for (i = 0; i < size; i++)
		((u8 *)p)[i] = seed * 37 + i * (seed | 1);
}

static bool is_marked(const void *p, u32 size, u32 seed)
{
	u32 i;

	for (i = 0; i < size; i++)
		if (((const u8 *)p)[i] != (u8)(seed * 37 + i * (seed | 1)))
			return false;
	return true;
}

/* --- positions against a naive list of records --- */

#define LIST_MAX	(SZ_64K / 8)

enum state { WRITING, SUBMITTED, DISCARDED };

/**
 * struct listed - a record that was reserved
 * @pos: where
 * @size: payload
 * @state: of it
 * @seed: of the payload
 * @p: the payload
 */
struct listed {
	u64 pos;
	u32 size;
	enum state state;
	u32 seed;
	void *p;
};

/**
 * struct list - the records from the oldest that still matters
 * @r: a ring of them
 * @first: number of the oldest
 * @end: number of the next
 * @producer: position of the next
 * @consumer: position of the consumer
 * @over: position of the first that was not overwritten
 * @writing: how many are
 */
struct list {
	struct listed *r;
	u32 first;
	u32 end;
	u64 producer;
	u64 consumer;
	u64 over;
	u32 writing;
};

static struct listed *list_at(struct list *l, u32 n)
{
	return &l->r[n % LIST_MAX];
}

static u64 footprint(u32 size)
{
	return (8 + (u64)size + 7) & ~7ULL;
}

/* Position of the oldest record that is being written */
static u64 list_pending(struct list *l)
{
	u32 n;

	for (n = l->first; n != l->end; n++)
		if (list_at(l, n)->state == WRITING)
			return list_at(l, n)->pos;
	return l->producer;
}

static bool list_has_room(struct list *l, const struct map_shape *s, u32 size)
{
	u64 end = l->producer + footprint(size);

	if (footprint(size) > s->max_entries ||
	    end - list_pending(l) >= s->max_entries)
		return false;
	return s->flags & BPFMAP_F_RB_OVERWRITE ||
	       end - l->consumer < s->max_entries;
}

/* Whole records go until the new one fits */
static void list_overwrite(struct list *l, const struct map_shape *s)
{
	while (l->producer - l->over >= s->max_entries)
		l->over += footprint(list_at(l, l->first++)->size);
}

static void model_reserve(struct kunit *test, struct list *l,
			  struct bpfmap *map, const struct map_shape *s,
			  u32 size, u32 seed)
{
	bool room = list_has_room(l, s, size);
	struct listed *r;
	void *p;

	p = bpfmap_ringbuf_reserve(map, size, 0);
	KUNIT_ASSERT_EQ(test, !!p, room);
	if (!p)
		return;
	KUNIT_ASSERT_PTR_EQ(test, p, (void *)ring_of(map)->data +
			    (l->producer + 8) % s->max_entries +
			    ((l->producer + 8) % s->max_entries ? 0 :
			     s->max_entries));
	r = list_at(l, l->end++);
	*r = (struct listed){ l->producer, size, WRITING, seed, p };
	l->producer += footprint(size);
	l->writing++;
	if (s->flags & BPFMAP_F_RB_OVERWRITE)
		list_overwrite(l, s);
	mark(p, size, seed);
}

/* The nth of those that are being written */
static void model_commit(struct list *l, u32 nth, bool discard)
{
	struct listed *r;
	u32 n;

	for (n = l->first; n != l->end; n++) {
		r = list_at(l, n);
		if (r->state != WRITING || nth--)
			continue;
		if (discard)
			bpfmap_ringbuf_discard(r->p, 0);
		else
			bpfmap_ringbuf_submit(r->p, 0);
		r->state = discard ? DISCARDED : SUBMITTED;
		l->writing--;
		return;
	}
}

/* Every record as the consumer would see it; the oldest @take are consumed */
static void model_consume(struct kunit *test, struct list *l,
			  struct bpfmap *map, u32 take)
{
	struct bpfmap_ring *ring = ring_of(map);
	u32 n, len, bad = 0;
	bool stopped = false;

	for (n = l->first; n != l->end; n++) {
		struct listed *r = list_at(l, n);
		struct bpfmap_ring_hdr *hdr = ring_hdr(ring, r->pos);

		len = r->size;
		if (r->state == WRITING)
			len |= BPFMAP_RINGBUF_BUSY_BIT;
		else if (r->state == DISCARDED)
			len |= BPFMAP_RINGBUF_DISCARD_BIT;
		bad += hdr->len != len;
		bad += !is_marked(hdr + 1, r->size, r->seed);
		stopped |= r->state == WRITING || !take;
		if (stopped)
			continue;
		take--;
		if (r->pos >= l->consumer)
			l->consumer = r->pos + footprint(r->size);
		if (n == l->first && !ring->overwrite)
			l->first++;
	}
	WRITE_ONCE(ring->consumer_pos, l->consumer);
	KUNIT_ASSERT_EQ(test, bad, 0U);
}

static void model_check(struct kunit *test, struct list *l, struct bpfmap *map)
{
	u64 there = l->producer - l->consumer;

	if (ring_of(map)->overwrite)
		there = min(there, l->producer - l->over);
	KUNIT_ASSERT_EQ(test, bpfmap_ringbuf_query(map, BPFMAP_RB_PROD_POS),
			l->producer);
	KUNIT_ASSERT_EQ(test, bpfmap_ringbuf_query(map, BPFMAP_RB_CONS_POS),
			l->consumer);
	KUNIT_ASSERT_EQ(test, bpfmap_ringbuf_query(map, BPFMAP_RB_OVERWRITE_POS),
			l->over);
	KUNIT_ASSERT_EQ(test, bpfmap_ringbuf_query(map, BPFMAP_RB_AVAIL_DATA),
			there);
}

static u32 random_size(struct rnd_state *rnd, u32 max)
{
	switch (prandom_u32_state(rnd) % 16) {
	case 0:
		return prandom_u32_state(rnd) % (max + 32);
	case 1:
		return max - 24 + prandom_u32_state(rnd) % 32;
	default:
		return prandom_u32_state(rnd) % 200;
	}
}

static void ringbuf_model(struct kunit *test)
{
	const struct map_shape *s = test->param_value;
	struct bpfmap *map = kunit_map(test, s);
	struct list l = { .r = kunit_buf(test, LIST_MAX * sizeof(*l.r)) };
	u32 i, steps = 4000 * bpfmap_kunit_effort;
	struct rnd_state rnd;

	prandom_seed_state(&rnd, bpfmap_kunit_seed());
	for (i = 0; i < steps; i++) {
		u32 what = prandom_u32_state(&rnd) % 16;

		if (what < 8 && l.writing < 8)
			model_reserve(test, &l, map, s,
				      random_size(&rnd, s->max_entries), i);
		else if (what < 14 && l.writing)
			model_commit(&l, prandom_u32_state(&rnd) % l.writing,
				     what == 13);
		else if (what >= 14)
			model_consume(test, &l, map,
				      prandom_u32_state(&rnd) % 32);
		model_check(test, &l, map);
	}
	while (l.writing)
		model_commit(&l, 0, true);
	model_consume(test, &l, map, U32_MAX);
	KUNIT_EXPECT_EQ(test, bpfmap_ringbuf_query(map, BPFMAP_RB_AVAIL_DATA),
			0ULL);
	KUNIT_EXPECT_GT(test, l.producer, (u64)s->max_entries);
}

/* --- wake-ups --- */

/**
 * struct sleeper - counts how often it is woken
 * @entry: in the ring's queue
 * @woken: so often
 */
struct sleeper {
	struct wait_queue_entry entry;
	int woken;
};

static int sleeper_wake(struct wait_queue_entry *entry, unsigned int mode,
			int sync, void *key)
{
	container_of(entry, struct sleeper, entry)->woken++;
	return 0;
}

static int sleeper_count(struct sleeper *s, struct bpfmap_ring *ring)
{
	int woken;

	irq_work_sync(&ring->work);
	woken = s->woken;
	s->woken = 0;
	return woken;
}

/**
 * struct wake_row - a record, and whether it wakes
 * @flags: of the commit
 * @behind: bytes that the consumer has not read yet
 * @woken: how often it wakes
 */
struct wake_row {
	u64 flags;
	u32 behind;
	int woken;
};

static void ringbuf_wakes(struct kunit *test)
{
	static const struct wake_row rows[] = {
		{ 0, 0, 1 }, { 0, 16, 0 }, { BPFMAP_RB_NO_WAKEUP, 0, 0 },
		{ BPFMAP_RB_NO_WAKEUP, 16, 0 }, { BPFMAP_RB_FORCE_WAKEUP, 0, 1 },
		{ BPFMAP_RB_FORCE_WAKEUP, 16, 1 },
		{ BPFMAP_RB_FORCE_WAKEUP | BPFMAP_RB_NO_WAKEUP, 16, 1 },
		{ 0, SZ_4K, 1 }, { 0, 8, 0 },
	};
	static const struct map_shape shape = RING("", 0, SZ_4K);
	struct bpfmap *map = kunit_map(test, &shape);
	struct bpfmap_ring *ring = ring_of(map);
	struct sleeper s = { };
	void *p, *q;
	u32 i;

	init_waitqueue_func_entry(&s.entry, sleeper_wake);
	add_wait_queue(&ring->waitq, &s.entry);
	for (i = 0; i < 2 * ARRAY_SIZE(rows); i++) {
		const struct wake_row *row = &rows[i / 2];

		ring->consumer_pos = ring->producer_pos;
		p = bpfmap_ringbuf_reserve(map, 8, 0);
		KUNIT_EXPECT_EQ(test, sleeper_count(&s, ring), 0);
		ring->consumer_pos -= row->behind;
		if (i & 1)
			bpfmap_ringbuf_submit(p, row->flags);
		else
			bpfmap_ringbuf_discard(p, row->flags);
		KUNIT_EXPECT_EQ_MSG(test, sleeper_count(&s, ring), row->woken,
				    "row %u", i / 2);
	}
	/* The later one wakes no waiter for the earlier one */
	ring->consumer_pos = ring->producer_pos;
	p = bpfmap_ringbuf_reserve(map, 8, 0);
	q = bpfmap_ringbuf_reserve(map, 8, 0);
	bpfmap_ringbuf_submit(q, 0);
	KUNIT_EXPECT_EQ(test, sleeper_count(&s, ring), 0);
	bpfmap_ringbuf_submit(p, 0);
	KUNIT_EXPECT_EQ(test, sleeper_count(&s, ring), 1);
	remove_wait_queue(&ring->waitq, &s.entry);
}

/* --- calls that must fail --- */

static void ringbuf_refuses(struct kunit *test)
{
	static const struct map_shape ring_shape = RING("", 0, SZ_4K);
	static const struct map_shape others[] = {
		{ .type = BPFMAP_TYPE_USER_RINGBUF, .max_entries = SZ_4K },
		{ .type = BPFMAP_TYPE_ARRAY, .key_size = 4, .value_size = 8,
		  .max_entries = 1 },
	};
	struct bpfmap *map = kunit_map(test, &ring_shape);
	u64 big[] = { SZ_4K - 15, SZ_4K, U32_MAX / 4, U32_MAX / 4 + 1ULL,
		      U32_MAX, 1ULL << 32, U64_MAX - 7, U64_MAX };
	u32 i, zero = 0;

	for (i = 0; i < ARRAY_SIZE(big); i++)
		KUNIT_EXPECT_NULL(test, bpfmap_ringbuf_reserve(map, big[i], 0));
	KUNIT_EXPECT_NULL(test, bpfmap_ringbuf_reserve(map, 8, 1));
	KUNIT_EXPECT_EQ(test, bpfmap_ringbuf_output(map, &zero, 4, 4), -EINVAL);
	KUNIT_EXPECT_EQ(test, bpfmap_ringbuf_output(map, &zero, SZ_4K, 0),
			-EAGAIN);
	KUNIT_EXPECT_EQ(test, bpfmap_ringbuf_query(map, 5), 0ULL);
	KUNIT_EXPECT_EQ(test, bpfmap_ringbuf_query(map, BPFMAP_RB_PROD_POS),
			0ULL);
	rcu_read_lock();
	KUNIT_EXPECT_NULL(test, bpfmap_lookup_elem(map, &zero));
	rcu_read_unlock();
	KUNIT_EXPECT_EQ(test, bpfmap_update_elem(map, &zero, &zero, 0),
			-ENOTSUPP);
	KUNIT_EXPECT_EQ(test, bpfmap_delete_elem(map, &zero), -ENOTSUPP);

	for (i = 0; i < ARRAY_SIZE(others); i++) {
		map = kunit_map(test, &others[i]);
		KUNIT_EXPECT_NULL(test, bpfmap_ringbuf_reserve(map, 0, 0));
		KUNIT_EXPECT_EQ(test, bpfmap_ringbuf_output(map, &zero, 4, 0),
				-EINVAL);
		KUNIT_EXPECT_EQ(test,
				bpfmap_ringbuf_query(map, BPFMAP_RB_RING_SIZE),
				0ULL);
	}
}

/* --- producers everywhere, one consumer --- */

enum source { TASK, SOFTIRQ, HARDIRQ, NR_SOURCES };

/**
 * struct event - a record of the stream
 * @source: of enum source
 * @cpu: where it was
 * @seq: so many of that source and CPU came before
 * @bytes: marked
 */
struct event {
	u32 source;
	u32 cpu;
	u32 seq;
	u8 bytes[];
};

/**
 * struct stream - a ring that all contexts of all CPUs write to
 * @map: the ring
 * @lock: there is one consumer at a time
 * @sent: events by CPU and source, which alone counts them
 * @seen: the same of the consumer
 * @full: events that found no room
 * @irqs: the interrupts of each CPU
 * @bad: records that were not what comes next
 */
struct stream {
	struct bpfmap *map;
	struct mutex lock;	/* see above */
	u32 (*sent)[NR_SOURCES];
	u32 (*seen)[NR_SOURCES];
	atomic_t full;
	struct irq_ctx *irqs;
	u32 bad;
};

/**
 * struct irq_ctx - the interrupts of a CPU
 * @s: the stream
 * @irq_work: hardirq
 * @timer: softirq
 * @n: for the sizes
 */
struct irq_ctx {
	struct stream *s;
	struct irq_work irq_work;
	struct timer_list timer;
	u32 n;
};

/* No other producer of this source is on this CPU */
static void send(struct stream *s, enum source from, u32 n)
{
	u32 cpu = smp_processor_id(), size = n * 13 % 90;
	struct event *e;

	e = bpfmap_ringbuf_reserve(s->map, sizeof(*e) + size, 0);
	if (!e) {
		atomic_inc(&s->full);
		return;
	}
	e->source = from;
	e->cpu = cpu;
	e->seq = s->sent[cpu][from];
	mark(e->bytes, size, e->seq);
	if (n % 11 == 10) {
		bpfmap_ringbuf_discard(e, 0);
	} else {
		WRITE_ONCE(s->sent[cpu][from], e->seq + 1);
		bpfmap_ringbuf_submit(e, 0);
	}
}

static void send_hardirq(struct irq_work *work)
{
	struct irq_ctx *c = container_of(work, struct irq_ctx, irq_work);

	send(c->s, HARDIRQ, c->n++);
}

static void send_softirq(struct timer_list *timer)
{
	struct irq_ctx *c = container_of(timer, struct irq_ctx, timer);

	send(c->s, SOFTIRQ, c->n++);
}

static void send_step(struct worker *w)
{
	struct stream *s = w->ctx;
	struct irq_ctx *c = &s->irqs[w->cpu];

	irq_work_queue(&c->irq_work);
	if (!timer_pending(&c->timer))
		mod_timer(&c->timer, jiffies + 1);
	preempt_disable();
	send(s, TASK, worker_random(w, 1000));
	preempt_enable();
	if (worker_random(w, 64) == 0)
		usleep_range(50, 100);
}

static void see_event(struct stream *s, const struct event *e, u32 size)
{
	u32 *next;

	if (size < sizeof(*e) || e->source >= NR_SOURCES ||
	    e->cpu >= nr_cpu_ids) {
		s->bad++;
		return;
	}
	next = &s->seen[e->cpu][e->source];
	s->bad += e->seq != (*next)++;
	s->bad += !is_marked(e->bytes, size - sizeof(*e), e->seq);
}

/* As libbpf does it, with its barriers */
static void consume(struct stream *s)
{
	struct bpfmap_ring *ring = ring_of(s->map);
	unsigned long pos = ring->consumer_pos;
	struct bpfmap_ring_hdr *hdr;
	u32 len;

	/* Pairs with ring_reserve_locked() */
	while (pos != smp_load_acquire(&ring->producer_pos)) {
		hdr = ring_hdr(ring, pos);
		/* Pairs with ring_commit() */
		len = smp_load_acquire(&hdr->len);
		if (len & BPFMAP_RINGBUF_BUSY_BIT)
			break;
		if (!(len & BPFMAP_RINGBUF_DISCARD_BIT))
			see_event(s, (void *)(hdr + 1), len);
		pos += footprint(len & ~RING_LEN_FLAGS);
		/* Pairs with ring_reserve() */
		smp_store_release(&ring->consumer_pos, pos);
	}
}

static void consume_step(struct worker *w)
{
	struct stream *s = w->ctx;

	if (mutex_trylock(&s->lock)) {
		consume(s);
		mutex_unlock(&s->lock);
	}
	usleep_range(20, 50);
}

static void ringbuf_stream(struct kunit *test)
{
	static const struct job jobs[] = {
		{ "send", send_step }, { "consume", consume_step },
	};
	static const struct map_shape shape = RING("", 0, SZ_4K);
	struct stream *s = kunit_buf(test, sizeof(*s));
	u32 source, events = 0;
	int cpu;

	s->map = kunit_map(test, &shape);
	mutex_init(&s->lock);
	s->sent = kunit_buf(test, nr_cpu_ids * sizeof(*s->sent));
	s->seen = kunit_buf(test, nr_cpu_ids * sizeof(*s->seen));
	s->irqs = kunit_buf(test, nr_cpu_ids * sizeof(*s->irqs));
	for_each_possible_cpu(cpu) {
		s->irqs[cpu].s = s;
		s->irqs[cpu].irq_work = IRQ_WORK_INIT_HARD(send_hardirq);
		timer_setup(&s->irqs[cpu].timer, send_softirq, TIMER_PINNED);
	}

	crew_run(test, jobs, ARRAY_SIZE(jobs), s, 1000);
	for_each_possible_cpu(cpu) {
		irq_work_sync(&s->irqs[cpu].irq_work);
		timer_delete_sync(&s->irqs[cpu].timer);
	}
	consume(s);

	KUNIT_EXPECT_EQ(test, s->bad, 0U);
	KUNIT_EXPECT_EQ(test, bpfmap_ringbuf_query(s->map, BPFMAP_RB_AVAIL_DATA),
			0ULL);
	for_each_online_cpu(cpu) {
		for (source = 0; source < NR_SOURCES; source++) {
			KUNIT_EXPECT_EQ(test, s->seen[cpu][source],
					s->sent[cpu][source]);
			KUNIT_EXPECT_GT(test, s->sent[cpu][source], 0U);
			events += s->sent[cpu][source];
		}
	}
	kunit_info(test, "%u events, %d found no room", events,
		   atomic_read(&s->full));
}

/* --- a consumer that writes arbitrary positions --- */

static void lie_step(struct worker *w)
{
	struct bpfmap_ring *ring = ring_of(w->ctx);
	unsigned long pos = READ_ONCE(ring->producer_pos);

	switch (worker_random(w, 4)) {
	case 0:
		pos = (u64)prandom_u32_state(&w->rnd) << 32 |
		      prandom_u32_state(&w->rnd);
		break;
	case 1:
		pos += worker_random(w, 128);
		break;
	case 2:
		pos -= worker_random(w, 8192);
		break;
	}
	WRITE_ONCE(ring->consumer_pos, pos);
}

/* No producer gets space that another one is writing to */
static void trust_step(struct worker *w)
{
	struct bpfmap *map = w->ctx;
	struct bpfmap_ring *ring = ring_of(map);
	u32 i, size = worker_random(w, 300), seed = prandom_u32_state(&w->rnd);
	u8 *p = bpfmap_ringbuf_reserve(map, size, 0);

	if (!p) {
		/* Return to an earlier position from time to time */
		usleep_range(10, 20);
		return;
	}
	worker_check(w, p >= ring->data &&
		     p + size <= ring->data + 2 * ring_size(ring));
	mark(p, size, seed);
	for (i = worker_random(w, 4); i; i--)
		usleep_range(10, 50);
	worker_check(w, is_marked(p, size, seed));
	if (seed & 1)
		bpfmap_ringbuf_submit(p, 0);
	else
		bpfmap_ringbuf_discard(p, BPFMAP_RB_FORCE_WAKEUP);
}

static void ringbuf_lies(struct kunit *test)
{
	static const struct job jobs[] = {
		{ "trust", trust_step }, { "trust", trust_step },
		{ "trust", trust_step }, { "lie", lie_step },
	};
	struct bpfmap *map = kunit_map(test, test->param_value);
	u32 max = bpfmap_max_entries(map);
	int round = 0;

	/* On a slow machine it takes longer to come around the ring */
	do {
		crew_run(test, jobs, ARRAY_SIZE(jobs), map, 500);
	} while (bpfmap_ringbuf_query(map, BPFMAP_RB_PROD_POS) <= max &&
		 ++round < 20);
	KUNIT_EXPECT_GT(test, bpfmap_ringbuf_query(map, BPFMAP_RB_PROD_POS),
			(u64)max);
}

/* The last put right after a wake-up was queued; KASAN finds misuse */
static void ringbuf_last_put(struct kunit *test)
{
	const struct map_shape *s = test->param_value;
	struct bpfmap *map;
	int i, err;

	for (i = 0; i < 20; i++) {
		map = shape_create(s);
		KUNIT_ASSERT_NOT_ERR_OR_NULL(test, map);
		err = bpfmap_ringbuf_output(map, &i, sizeof(i),
					    BPFMAP_RB_FORCE_WAKEUP);
		KUNIT_EXPECT_EQ(test, err, 0);
		bpfmap_put(map);
	}
}

static struct kunit_case ringbuf_cases[] = {
	KUNIT_CASE_PARAM(ringbuf_model, shape_gen_params),
	KUNIT_CASE(ringbuf_wakes),
	KUNIT_CASE(ringbuf_refuses),
	KUNIT_CASE(ringbuf_stream),
	KUNIT_CASE_PARAM(ringbuf_lies, shape_gen_params),
	KUNIT_CASE_PARAM(ringbuf_last_put, shape_gen_params),
	{}
};

static struct kunit_suite ringbuf_suite = {
	.name = "bpfmap_ringbuf",
	.test_cases = ringbuf_cases,
};

kunit_test_suite(ringbuf_suite);
