// SPDX-License-Identifier: GPL-2.0-only
/*
 * Queues and stacks, against a list; and waiting for them
 */
#include <linux/completion.h>
#include <linux/cpumask.h>
#include <linux/fdtable.h>
#include <linux/file.h>
#include <linux/fs.h>
#include <linux/irq_work.h>
#include <linux/poll.h>
#include <linux/prandom.h>
#include <linux/sizes.h>
#include <linux/smp.h>
#include <linux/string.h>
#include <linux/timer.h>
#include <linux/wait.h>

#include "crew.h"
#include "fixture.h"

#define QUEUE(value, max) {						\
	.name = "queue " #value " x " #max, .type = BPFMAP_TYPE_QUEUE,	\
	.value_size = value, .max_entries = max,			\
}

#define STACK(value, max) {						\
	.name = "stack " #value " x " #max, .type = BPFMAP_TYPE_STACK,	\
	.value_size = value, .max_entries = max,			\
}

static const struct map_shape shapes[] = {
	QUEUE(8, 1), QUEUE(1, 5), QUEUE(4, 32), QUEUE(77, 7), QUEUE(512, 40),
	STACK(8, 1), STACK(1, 5), STACK(4, 32), STACK(77, 7), STACK(512, 40),
};

SHAPE_PARAM(shape, shapes);

/**
 * struct oracle - what a map should have
 * @shape: what the map is
 * @items: numbers of its values, in a ring of max_entries
 * @first: place of the oldest
 * @nr: elements
 */
struct oracle {
	const struct map_shape *shape;
	u32 *items;
	u32 first;
	u32 nr;
};

static u32 *oracle_item(const struct oracle *o, u32 age)
{
	return &o->items[(o->first + age) % o->shape->max_entries];
}

static int oracle_push(struct oracle *o, u32 n, u64 flags)
{
	if (flags != 0 && flags != BPFMAP_F_EXIST)
		return -EINVAL;
	if (o->nr == o->shape->max_entries) {
		if (!flags)
			return -E2BIG;
		o->first++;
		o->nr--;
	}
	*oracle_item(o, o->nr++) = n;
	return 0;
}

static int oracle_take(struct oracle *o, u32 *n, bool remove)
{
	bool queue = o->shape->type == BPFMAP_TYPE_QUEUE;

	if (!o->nr)
		return -ENOENT;
	*n = *oracle_item(o, queue ? 0 : o->nr - 1);
	o->first += remove && queue;
	o->nr -= remove;
	return 0;
}

static int push_nth(struct bpfmap *map, u32 n, u64 flags)
{
	u8 value[SHAPE_MAX_VALUE];

	value_make(value, bpfmap_value_size(map), n, 0);
	return bpfmap_push_elem(map, value, flags);
}

/* Both take; the results, and what comes out, must be the same */
static void expect_same_take(struct kunit *test, struct oracle *o,
			     struct bpfmap *map, bool remove)
{
	u32 n = 0, size = o->shape->value_size;
	u8 want[SHAPE_MAX_VALUE], got[SHAPE_MAX_VALUE];
	int err;

	memset(want, 0xa5, sizeof(want));
	memset(got, 0xa5, sizeof(got));
	err = oracle_take(o, &n, remove);
	if (!err)
		value_make(want, size, n, 0);
	KUNIT_EXPECT_EQ(test, err, remove ? bpfmap_pop_elem(map, got) :
					    bpfmap_peek_elem(map, got));
	/* Also what is behind it, and all of it if there is nothing */
	KUNIT_EXPECT_MEMEQ(test, got, want, sizeof(want));
}

static void queue_random(struct kunit *test)
{
	static const u64 flags[] = {
		0, 0, 0, 0, BPFMAP_F_EXIST, BPFMAP_F_EXIST, BPFMAP_F_NOEXIST,
		BPFMAP_F_NOEXIST | BPFMAP_F_EXIST, BPFMAP_F_LOCK, BPFMAP_F_CPU,
		BIT_ULL(32), BIT_ULL(63), U64_MAX,
	};
	const struct map_shape *shape = test->param_value;
	struct bpfmap *map = kunit_map(test, shape);
	struct oracle o = { .shape = shape };
	struct rnd_state rnd;
	u32 i, f, bias = 0;

	o.items = kunit_buf(test, shape->max_entries * sizeof(*o.items));
	prandom_seed_state(&rnd, bpfmap_kunit_seed());
	for (i = 0; i < 1500 * bpfmap_kunit_effort; i++) {
		/* In phases that fill the map, and that empty it */
		if (i % 100 == 0)
			bias = prandom_u32_state(&rnd) % 100;
		if (prandom_u32_state(&rnd) % 100 < bias) {
			f = prandom_u32_state(&rnd) % ARRAY_SIZE(flags);
			KUNIT_EXPECT_EQ(test, push_nth(map, i, flags[f]),
					oracle_push(&o, i, flags[f]));
		} else {
			expect_same_take(test, &o, map,
					 prandom_u32_state(&rnd) & 3);
		}
	}
	while (o.nr)
		expect_same_take(test, &o, map, true);
	expect_same_take(test, &o, map, true);
}

static void queue_cannot(struct kunit *test)
{
	const struct map_shape *shape = test->param_value;
	struct bpfmap *map = kunit_map(test, shape);
	u8 value[SHAPE_MAX_VALUE];

	KUNIT_EXPECT_EQ(test, push_nth(map, 1, 0), 0);
	KUNIT_EXPECT_EQ(test, bpfmap_delete_elem(map, NULL), -EINVAL);
	KUNIT_EXPECT_EQ(test, bpfmap_get_next_key(map, NULL, value), -EINVAL);
	KUNIT_EXPECT_EQ(test, bpfmap_for_each_elem(map, NULL, NULL, 0),
			-EOPNOTSUPP);
	rcu_read_lock();
	KUNIT_EXPECT_NULL(test, bpfmap_lookup_elem(map, NULL));
	rcu_read_unlock();
	/* The general functions do the same */
	KUNIT_EXPECT_EQ(test, bpfmap_copy_elem(map, NULL, value, 0), 0);
	KUNIT_EXPECT_EQ(test, bpfmap_update_elem(map, NULL, value,
						 BPFMAP_F_EXIST), 0);
}

/* Maps with keys are no queues */
static void queue_other_types(struct kunit *test)
{
	static const struct map_shape shape = {
		.type = BPFMAP_TYPE_HASH, .key_size = 4, .value_size = 8,
		.max_entries = 2,
	};
	struct bpfmap *map = kunit_map(test, &shape);
	u64 value = 3;

	KUNIT_EXPECT_EQ(test, bpfmap_push_elem(map, &value, 0), -EOPNOTSUPP);
	KUNIT_EXPECT_EQ(test, bpfmap_pop_elem(map, &value), -EOPNOTSUPP);
	KUNIT_EXPECT_EQ(test, bpfmap_peek_elem(map, &value), -EOPNOTSUPP);
	KUNIT_EXPECT_EQ(test, value, 3ULL);
}

static void queue_large_values(struct kunit *test)
{
	static const struct map_shape sizes[] = {
		QUEUE(SZ_64K, 2), QUEUE(SZ_64K + 1, 2), STACK(SZ_64K + 1, 2),
	};
	void *value = kunit_buf(test, SZ_64K + 1);
	int i;

	for (i = 0; i < ARRAY_SIZE(sizes); i++) {
		struct bpfmap *map = kunit_map(test, &sizes[i]);
		int want = sizes[i].value_size > SZ_64K ? -EOPNOTSUPP : 0;

		KUNIT_EXPECT_EQ(test, bpfmap_push_elem(map, value, 0), want);
		KUNIT_EXPECT_EQ(test, bpfmap_peek_elem(map, value), want);
		KUNIT_EXPECT_EQ(test, bpfmap_pop_elem(map, value), want);
	}
}

/* Numbers that go through the map of the test below */
#define NUMBERS	((u32)SZ_64K)

/**
 * struct traffic - what the workers share
 * @map: a queue or stack of u32 with values of 16 bytes
 * @queue: it is a queue
 * @next: the next number
 * @in: numbers pushed
 * @out: numbers popped
 * @states: of each number: 1 pushed, 2 popped
 */
struct traffic {
	struct bpfmap *map;
	bool queue;
	atomic_t next;
	atomic_t in;
	atomic_t out;
	atomic_t *states;
};

static void push_one(struct worker *w)
{
	struct traffic *t = w->ctx;
	u32 n = (atomic_inc_return(&t->next) - 1) % NUMBERS;

	/* The same number is still in flight: try again later */
	if (atomic_cmpxchg(&t->states[n], 0, 1) != 0)
		return;
	if (push_nth(t->map, n, 0)) {
		atomic_set(&t->states[n], 0);
		return;
	}
	atomic_inc(&t->in);
}

static void pop_one(struct worker *w)
{
	struct traffic *t = w->ctx;
	u8 value[SHAPE_MAX_VALUE];
	u32 n;

	if (bpfmap_pop_elem(t->map, value))
		return;
	memcpy(&n, value, sizeof(n));
	if (worker_check(w, n < NUMBERS) &&
	    worker_check(w, value_is_whole(value, 16, n)))
		/* Pushed once, popped once */
		worker_check(w, atomic_cmpxchg(&t->states[n], 1, 0) == 1);
	atomic_inc(&t->out);
}

static void peek_one(struct worker *w)
{
	struct traffic *t = w->ctx;
	u8 value[SHAPE_MAX_VALUE];
	u32 n;

	if (bpfmap_peek_elem(t->map, value))
		return;
	memcpy(&n, value, sizeof(n));
	worker_check(w, value_is_whole(value, 16, n));
}

static void traffic_step(struct worker *w)
{
	static void (* const ops[])(struct worker *w) = {
		push_one, push_one, pop_one, pop_one, peek_one,
	};

	ops[worker_random(w, ARRAY_SIZE(ops))](w);
}

static void traffic_interrupt(void *worker)
{
	int i;

	for (i = 0; i < 4; i++)
		traffic_step(worker);
}

static void interrupt_step(struct worker *w)
{
	worker_interrupt(w, traffic_interrupt);
}

/* Nothing is lost, doubled or torn when all CPUs push and pop */
static void run_traffic(struct kunit *test, const struct map_shape *shape)
{
	static const struct job jobs[] = {
		{ "push", push_one }, { "pop", pop_one }, { "peek", peek_one },
		{ "mixed", traffic_step }, { "interrupt", interrupt_step },
	};
	struct traffic *t = kunit_buf(test, sizeof(*t));
	struct worker w = { .ctx = t };
	u32 n, left = 0;

	t->map = kunit_map(test, shape);
	t->states = kunit_buf(test, NUMBERS * sizeof(*t->states));
	crew_run(test, jobs, ARRAY_SIZE(jobs), t, 500);
	while (atomic_read(&t->out) < atomic_read(&t->in) && left++ < NUMBERS)
		pop_one(&w);
	KUNIT_EXPECT_EQ(test, atomic_read(&t->out), atomic_read(&t->in));
	KUNIT_EXPECT_GT(test, atomic_read(&t->in), 100);
	notes_expect_none(test, &w.notes, "the rest");
	for (n = 0, left = 0; n < NUMBERS; n++)
		left += atomic_read(&t->states[n]) != 0;
	KUNIT_EXPECT_EQ(test, left, 0U);
}

static void queue_traffic(struct kunit *test)
{
	static const struct map_shape queue = QUEUE(16, 50);

	run_traffic(test, &queue);
}

static void stack_traffic(struct kunit *test)
{
	static const struct map_shape stack = STACK(16, 50);

	run_traffic(test, &stack);
}

/**
 * struct sleeper - a poller of a map
 * @table: for the map's poll
 * @file: the map
 * @head: where @entry is
 * @entry: what the map wakes
 * @woken: something came
 */
struct sleeper {
	poll_table table;
	struct file *file;
	wait_queue_head_t *head;
	wait_queue_entry_t entry;
	struct completion woken;
};

static int sleeper_wake(wait_queue_entry_t *entry, unsigned int mode, int sync,
			void *key)
{
	struct sleeper *s = container_of(entry, struct sleeper, entry);

	complete(&s->woken);
	return 1;
}

static void sleeper_enter(struct file *file, wait_queue_head_t *head,
			  poll_table *table)
{
	struct sleeper *s = container_of(table, struct sleeper, table);

	s->head = head;
	init_waitqueue_func_entry(&s->entry, sleeper_wake);
	add_wait_queue(head, &s->entry);
}

/* Wait until poll says that there is an element; false: for too long */
static bool sleeper_wait(struct sleeper *s)
{
	bool ready;

	reinit_completion(&s->woken);
	init_poll_funcptr(&s->table, sleeper_enter);
	s->head = NULL;
	ready = vfs_poll(s->file, &s->table) & EPOLLIN;
	if (!ready)
		ready = wait_for_completion_timeout(&s->woken, 120 * HZ) &&
			vfs_poll(s->file, NULL) & EPOLLIN;
	if (s->head)
		remove_wait_queue(s->head, &s->entry);
	return ready;
}

static void sleeper_init(struct kunit *test, struct sleeper *s,
			 struct bpfmap *map)
{
	int fd = bpfmap_install_fd(map, 0);

	KUNIT_ASSERT_GE(test, fd, 0);
	s->file = fget(fd);
	close_fd(fd);
	init_completion(&s->woken);
}

static void queue_poll(struct kunit *test)
{
	const struct map_shape *shape = test->param_value;
	struct sleeper *s = kunit_buf(test, sizeof(*s));
	struct bpfmap *map = kunit_map(test, shape);
	u8 value[SHAPE_MAX_VALUE];

	sleeper_init(test, s, map);
	KUNIT_EXPECT_EQ(test, vfs_poll(s->file, NULL), 0);
	push_nth(map, 1, 0);
	KUNIT_EXPECT_EQ(test, vfs_poll(s->file, NULL), EPOLLIN | EPOLLRDNORM);
	bpfmap_peek_elem(map, value);
	KUNIT_EXPECT_EQ(test, vfs_poll(s->file, NULL), EPOLLIN | EPOLLRDNORM);
	bpfmap_pop_elem(map, value);
	KUNIT_EXPECT_EQ(test, vfs_poll(s->file, NULL), 0);
	fput(s->file);
}

#define MESSAGES	200

/**
 * struct producer - pushes one element when told
 * @map: the map
 * @n: its value
 * @err: of the last push
 * @hardirq: it was in an interrupt, each time
 * @irq_work: hardirq context, also on PREEMPT_RT
 * @timer: softirq context
 */
struct producer {
	struct bpfmap *map;
	u32 n;
	int err;
	bool hardirq;
	struct irq_work irq_work;
	struct timer_list timer;
};

static void produce_in_hardirq(struct irq_work *work)
{
	struct producer *p = container_of(work, struct producer, irq_work);

	p->hardirq &= !!in_hardirq();
	p->err |= push_nth(p->map, p->n, 0);
}

static void produce_in_softirq(struct timer_list *timer)
{
	struct producer *p = container_of(timer, struct producer, timer);

	p->err |= push_nth(p->map, p->n, 0);
}

/* A raw lock around the push: what the wake-up may then not take is seen */
static void produce_under_raw_lock(struct producer *p)
{
	static DEFINE_RAW_SPINLOCK(lock);
	unsigned long flags;

	raw_spin_lock_irqsave(&lock, flags);
	p->err |= push_nth(p->map, p->n, 0);
	raw_spin_unlock_irqrestore(&lock, flags);
}

static void produce(void *producer)
{
	struct producer *p = producer;

	switch (p->n % 3) {
	case 0:
		irq_work_queue(&p->irq_work);
		break;
	case 1:
		mod_timer(&p->timer, jiffies + 1);
		break;
	default:
		produce_under_raw_lock(p);
	}
}

/* A push from any context wakes a sleeper: no wake-up is lost */
static void queue_wakes(struct kunit *test)
{
	struct sleeper *s = kunit_buf(test, sizeof(*s));
	struct producer *p = kunit_buf(test, sizeof(*p));
	static const struct map_shape shape = QUEUE(16, 2);
	u32 got, other = cpumask_last(cpu_online_mask);
	u8 value[SHAPE_MAX_VALUE];

	p->map = kunit_map(test, &shape);
	p->hardirq = true;
	p->irq_work = IRQ_WORK_INIT_HARD(produce_in_hardirq);
	timer_setup(&p->timer, produce_in_softirq, 0);
	sleeper_init(test, s, p->map);

	for (p->n = 0; p->n < MESSAGES; p->n++) {
		/* From here and from another CPU, while this one goes to sleep */
		smp_call_function_single(p->n & 1 ? other : get_cpu(), produce,
					 p, false);
		if (!(p->n & 1))
			put_cpu();
		KUNIT_ASSERT_TRUE(test, sleeper_wait(s));
		KUNIT_ASSERT_EQ(test, bpfmap_pop_elem(p->map, value), 0);
		memcpy(&got, value, sizeof(got));
		KUNIT_EXPECT_EQ(test, got, p->n);
	}
	irq_work_sync(&p->irq_work);
	timer_delete_sync(&p->timer);
	KUNIT_EXPECT_EQ(test, p->err, 0);
	KUNIT_EXPECT_TRUE(test, p->hardirq);
	fput(s->file);
}

/**
 * struct relay - sleepers and pushers
 * @map: the map
 * @file: the same
 * @sent: elements pushed
 * @received: elements popped by sleepers
 */
struct relay {
	struct bpfmap *map;
	struct file *file;
	atomic_t sent;
	atomic_t received;
};

/* One more than was received: waiters always have to be woken */
static void send_step(struct worker *w)
{
	struct relay *r = w->ctx;

	if (atomic_read(&r->sent) - atomic_read(&r->received) > 1) {
		cpu_relax();
		return;
	}
	if (!push_nth(r->map, 1, 0))
		atomic_inc(&r->sent);
}

static void receive_step(struct worker *w)
{
	struct relay *r = w->ctx;
	struct sleeper s = { .file = r->file };
	u8 value[SHAPE_MAX_VALUE];

	init_completion(&s.woken);
	/* Another worker may have popped it: then poll reports nothing */
	if (!bpfmap_pop_elem(r->map, value))
		atomic_inc(&r->received);
	else
		sleeper_wait(&s);
}

/* Sleeping at each moment of a push, on all CPUs */
static void queue_sleep_race(struct kunit *test)
{
	/* Stopped in this order: nobody is left asleep */
	static const struct job jobs[] = {
		{ "receive", receive_step }, { "send", send_step },
	};
	static const struct map_shape shape = QUEUE(16, 50);
	struct sleeper *s = kunit_buf(test, sizeof(*s));
	struct relay r = { .map = kunit_map(test, &shape) };
	unsigned long start = jiffies;

	sleeper_init(test, s, r.map);
	r.file = s->file;
	crew_run(test, jobs, ARRAY_SIZE(jobs), &r, 800);
	/* A sleeper that misses a push would sleep for 120 s */
	KUNIT_EXPECT_LT(test, jiffies - start,
			100UL * HZ * bpfmap_kunit_effort);
	KUNIT_EXPECT_GT(test, atomic_read(&r.received), 100);
	fput(s->file);
}

/* The last reference is put while the wake-up is pending */
static void queue_last_put(struct kunit *test)
{
	static const struct map_shape shape = QUEUE(16, 4);
	/* There a thread does the wake-up, and a wait queue's lock sleeps */
	const bool rt = IS_ENABLED(CONFIG_PREEMPT_RT);
	struct sleeper *s = kunit_buf(test, sizeof(*s));
	struct bpfmap *map;
	u32 i;

	for (i = 0; i < 50; i++) {
		map = shape_create(&shape);
		KUNIT_ASSERT_NOT_ERR_OR_NULL(test, map);
		sleeper_init(test, s, map);
		init_poll_funcptr(&s->table, sleeper_enter);
		vfs_poll(s->file, &s->table);
		if (!rt)
			local_irq_disable();
		push_nth(map, i, 0);
		remove_wait_queue(s->head, &s->entry);
		if (!rt)
			local_irq_enable();
		bpfmap_put(map);
		fput(s->file);
	}
}

static struct kunit_case queue_cases[] = {
	KUNIT_CASE_PARAM(queue_random, shape_gen_params),
	KUNIT_CASE_PARAM(queue_cannot, shape_gen_params),
	KUNIT_CASE(queue_other_types),
	KUNIT_CASE(queue_large_values),
	KUNIT_CASE_PARAM(queue_poll, shape_gen_params),
	KUNIT_CASE(queue_traffic),
	KUNIT_CASE(stack_traffic),
	KUNIT_CASE(queue_wakes),
	KUNIT_CASE(queue_sleep_race),
	KUNIT_CASE(queue_last_put),
	{}
};

static struct kunit_suite queue_suite = {
	.name = "bpfmap_queue_stack",
	.test_cases = queue_cases,
};

kunit_test_suite(queue_suite);
