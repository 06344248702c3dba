// SPDX-License-Identifier: GPL-2.0-only
/*
 * Not only process context
 */
#include <linux/completion.h>
#include <linux/cpumask.h>
#include <linux/delay.h>
#include <linux/irq_work.h>
#include <linux/preempt.h>
#include <linux/rcupdate.h>
#include <linux/smp.h>
#include <linux/string.h>
#include <linux/timer.h>

#include "crew.h"
#include "stress.h"

#define ROUNDS 32

/**
 * struct probe - one interrupt at a time
 * @map: what it works on
 * @array: elements cannot be deleted
 * @n: key it works on
 * @timer: softirq context
 * @irq_work: hardirq context
 * @done: it was there
 * @notes: what went wrong
 */
struct probe {
	struct bpfmap *map;
	bool array;
	u32 n;
	struct timer_list timer;
	struct irq_work irq_work;
	struct completion done;
	struct notes notes;
};

static long each_counts(struct bpfmap *map, const void *key, void *value,
			void *ctx)
{
	++*(u32 *)ctx;
	return 0;
}

/* Every operation once; nothing else uses the map */
static void probe_all(struct probe *p)
{
	u8 key[SHAPE_MAX_KEY], next[SHAPE_MAX_KEY];
	u32 calls = 0;
	void *value;

	notes_check(&p->notes, !put_nth(p->map, p->n, p->n, 0));
	notes_check(&p->notes, has_nth(p->map, p->n));

	key_make(p->map, key, p->n);
	rcu_read_lock();
	value = bpfmap_lookup_elem(p->map, key);
	if (notes_check(&p->notes, value))
		notes_check(&p->notes,
			    value_is_whole(value, bpfmap_value_size(p->map),
					   p->n));
	rcu_read_unlock();

	notes_check(&p->notes, !bpfmap_get_next_key(p->map, NULL, next));
	bpfmap_for_each_elem(p->map, each_counts, &calls, 0);
	notes_check(&p->notes, calls);
	notes_check(&p->notes,
		    del_nth(p->map, p->n) == (p->array ? -EINVAL : 0));
}

static void probe_init(struct kunit *test, struct probe *p,
		       const struct map_shape *shape)
{
	p->map = kunit_map(test, shape);
	p->array = shape_is_array(shape);
	init_completion(&p->done);
}

static void probe_timer(struct timer_list *timer)
{
	struct probe *p = container_of(timer, struct probe, timer);

	notes_check(&p->notes, in_serving_softirq());
	probe_all(p);
	complete(&p->done);
}

/**
 * contexts_softirq() - every operation from a timer
 * @test: the test, its parameter a shape with values of at least 12 bytes
 */
void contexts_softirq(struct kunit *test)
{
	const struct map_shape *shape = test->param_value;
	struct probe *p = kunit_buf(test, sizeof(*p));

	probe_init(test, p, shape);
	timer_setup(&p->timer, probe_timer, 0);
	for (p->n = 0; p->n < ROUNDS; p->n++) {
		mod_timer(&p->timer, jiffies);
		wait_for_completion(&p->done);
	}
	timer_delete_sync(&p->timer);
	notes_expect_none(test, &p->notes, "timer");
}

static void probe_irq_work(struct irq_work *work)
{
	struct probe *p = container_of(work, struct probe, irq_work);

	notes_check(&p->notes, in_hardirq() || IS_ENABLED(CONFIG_PREEMPT_RT));
	probe_all(p);
	complete(&p->done);
}

/**
 * contexts_hardirq() - every operation from an interrupt
 * @test: the test, its parameter a shape with values of at least 12 bytes
 */
void contexts_hardirq(struct kunit *test)
{
	const struct map_shape *shape = test->param_value;
	struct probe *p = kunit_buf(test, sizeof(*p));

	probe_init(test, p, shape);
	/* On PREEMPT_RT memory cannot be allocated in a true interrupt */
	if (shape->flags & BPFMAP_F_NO_PREALLOC)
		init_irq_work(&p->irq_work, probe_irq_work);
	else
		p->irq_work = IRQ_WORK_INIT_HARD(probe_irq_work);
	for (p->n = 0; p->n < ROUNDS; p->n++) {
		irq_work_queue(&p->irq_work);
		wait_for_completion(&p->done);
		irq_work_sync(&p->irq_work);
	}
	notes_expect_none(test, &p->notes, "irq_work");
}

/**
 * struct grow - a CPU that makes a map grow
 * @map: the map
 * @first: its keys
 * @end: the first one that is another CPU's
 * @irq_work: where it does so
 * @nomem: updates that found no memory
 * @wrong: updates that went wrong otherwise
 */
struct grow {
	struct bpfmap *map;
	u32 first;
	u32 end;
	struct irq_work irq_work;
	u32 nomem;
	u32 wrong;
};

static void grow_here(struct irq_work *work)
{
	struct grow *g = container_of(work, struct grow, irq_work);
	int err;
	u32 n;

	for (n = g->first; n < g->end; n++) {
		err = put_nth(g->map, n, n, 0);
		if (err == -ENOMEM)
			g->nomem++;
		else if (err)
			g->wrong++;
	}
}

static void queue_grow(void *all)
{
	struct grow *g = all;

	irq_work_queue(&g[smp_processor_id()].irq_work);
}

/* A share of the keys for each CPU, all at once */
static void grow_everywhere(struct kunit *test, struct bpfmap *map)
{
	struct grow *g, *all = kunit_buf(test, nr_cpu_ids * sizeof(*all));
	u32 share = bpfmap_max_entries(map) / nr_cpu_ids;
	int cpu;

	for_each_online_cpu(cpu) {
		g = &all[cpu];
		g->map = map;
		g->first = cpu * share;
		g->end = g->first + share;
		init_irq_work(&g->irq_work, grow_here);
	}
	on_each_cpu(queue_grow, all, true);

	for_each_online_cpu(cpu) {
		g = &all[cpu];
		irq_work_sync(&g->irq_work);
		KUNIT_EXPECT_EQ(test, g->wrong, 0U);
		/* Per-CPU memory has a small reserve only for interrupts */
		if (bpfmap_type(map) == BPFMAP_TYPE_HASH)
			KUNIT_EXPECT_EQ(test, g->nomem, 0U);
	}
}

/**
 * contexts_grow() - get memory for new elements in interrupts of all CPUs
 * @test: the test
 * @shape: a hash with BPFMAP_F_NO_PREALLOC
 */
void contexts_grow(struct kunit *test, const struct map_shape *shape)
{
	u32 round, n, max = shape->max_entries;
	struct bpfmap *map;

	for (round = 0; round < 8; round++) {
		map = kunit_map(test, shape);
		grow_everywhere(test, map);
		for (n = 0; n < max; n++)
			KUNIT_ASSERT_EQ(test, put_patiently(map, n, n, 0), 0);
		KUNIT_EXPECT_EQ(test, put_nth(map, max, 0, 0), -E2BIG);
	}
}

static void put_in_softirq(struct timer_list *timer)
{
	struct probe *p = container_of(timer, struct probe, timer);

	bpfmap_put(p->map);
	complete(&p->done);
}

/**
 * contexts_last_put() - what a look-up found outlives the map until the end of
 *			 the RCU read-side critical section
 * @test: the test, its parameter a shape with values of at least 12 bytes; KASAN
 *	  finds a use after free
 *
 * The last put comes from here and from a timer, in turn.
 */
void contexts_last_put(struct kunit *test)
{
	const struct map_shape *shape = test->param_value;
	struct probe *p = kunit_buf(test, sizeof(*p));
	u8 key[SHAPE_MAX_KEY];
	bool whole = true;
	void *value;

	timer_setup(&p->timer, put_in_softirq, 0);
	init_completion(&p->done);
	/* Per-CPU types: the value that is put is the one that is looked up */
	kunit_move_to(test, raw_smp_processor_id());
	for (p->n = 0; p->n < 6; p->n++) {
		p->map = shape_create(shape);
		KUNIT_ASSERT_NOT_ERR_OR_NULL(test, p->map);
		key_make(p->map, key, 1);
		KUNIT_EXPECT_EQ(test, put_patiently(p->map, 1, p->n, 0), 0);

		rcu_read_lock();
		value = bpfmap_lookup_elem(p->map, key);
		if (p->n & 1)
			mod_timer(&p->timer, jiffies);
		else
			bpfmap_put(p->map);
		/* Time for another CPU to free it, if it misses this reader */
		mdelay(20);
		whole &= value && value_is_whole(value, shape->value_size, 1);
		rcu_read_unlock();
		if (p->n & 1)
			wait_for_completion(&p->done);
	}
	timer_delete_sync(&p->timer);
	KUNIT_EXPECT_TRUE(test, whole);
}
