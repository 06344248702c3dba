// SPDX-License-Identifier: GPL-2.0-only
/*
 * Queues and stacks
 *
 *	slots[]:  . . oldest x x newest . .
 *	              ^first
 *
 * A ring of max_entries slots. Elements go in behind the newest one. A queue
 * gives out the oldest, a stack the newest. Everything happens under one lock
 * with interrupts off, so that each operation takes place at one moment.
 *
 * poll() says EPOLLIN while there are elements. Who adds one looks for sleepers
 * under the lock, and wakes them after it: at once if it may sleep itself, else
 * from an irq_work, because a waitqueue's lock may not be taken everywhere that
 * the lock of a queue may (hardirq context and raw locks on PREEMPT_RT).
 */
#include <linux/irq_work.h>
#include <linux/poll.h>
#include <linux/slab.h>
#include <linux/wait.h>

#include "internal.h"
#include "value.h"

#define QUEUE_FLAGS (BPFMAP_F_NUMA_NODE |				\
		     BPFMAP_F_RDONLY | BPFMAP_F_WRONLY |		\
		     BPFMAP_F_RDONLY_PROG | BPFMAP_F_WRONLY_PROG)

/* bpf(2)'s limit for a value, its KMALLOC_MAX_SIZE */
#define QUEUE_MAX_VALUE	(4U << 20)

/**
 * struct bpfmap_queue - a queue or a stack
 * @map: the common part
 * @slots: max_entries values, constant pointer
 * @lock: protects @first, @nr and the slots; irqs off
 * @first: slot of the oldest element
 * @nr: elements
 * @wait: those who poll; looked at under @lock, woken outside of it
 * @wake_work: wakes them for callers who cannot
 */
struct bpfmap_queue {
	struct bpfmap map;
	void *slots;
	raw_spinlock_t lock ____cacheline_aligned_in_smp;
	u32 first;
	u32 nr;
	wait_queue_head_t wait;
	struct irq_work wake_work;
};

static struct bpfmap_queue *to_queue(const struct bpfmap *map)
{
	return container_of(map, struct bpfmap_queue, map);
}

/* The nth element from the oldest, or where it would be */
static void *queue_slot(const struct bpfmap_queue *q, u32 n)
{
	u64 slot = (u64)q->first + n;

	lockdep_assert_held(&q->lock);

	if (slot >= q->map.max_entries)
		slot -= q->map.max_entries;
	return q->slots + slot * q->map.value_size;
}

static void queue_drop_oldest(struct bpfmap_queue *q)
{
	lockdep_assert_held(&q->lock);

	if (++q->first == q->map.max_entries)
		q->first = 0;
	q->nr--;
}

static void queue_wake_work(struct irq_work *work)
{
	struct bpfmap_queue *q = container_of(work, struct bpfmap_queue,
					      wake_work);

	/* For more than one element perhaps: exclusive waiters, too */
	wake_up_all(&q->wait);
}

static void queue_wake(struct bpfmap_queue *q, gfp_t gfp)
{
	if (gfpflags_allow_blocking(gfp))
		wake_up_poll(&q->wait, EPOLLIN | EPOLLRDNORM);
	else
		irq_work_queue(&q->wake_work);
}

static int queue_push_locked(struct bpfmap_queue *q, const void *value,
			     u64 flags)
{
	if (q->nr == q->map.max_entries) {
		if (flags != BPFMAP_F_EXIST)
			return -E2BIG;
		queue_drop_oldest(q);
	}
	bpfmap_value_store(queue_slot(q, q->nr), value, q->map.value_size);
	q->nr++;
	return 0;
}

static int queue_push(struct bpfmap *map, const void *key, const void *value,
		      u64 flags, gfp_t gfp)
{
	struct bpfmap_queue *q = to_queue(map);
	unsigned long irqflags;
	bool sleepers;
	int err;

	if (flags != BPFMAP_F_ANY && flags != BPFMAP_F_EXIST)
		return -EINVAL;

	raw_spin_lock_irqsave(&q->lock, irqflags);
	err = queue_push_locked(q, value, flags);
	/* No barrier: queue_poll() enters the queue before it takes the lock */
	sleepers = waitqueue_active(&q->wait);
	raw_spin_unlock_irqrestore(&q->lock, irqflags);

	if (unlikely(sleepers) && !err)
		queue_wake(q, gfp);
	return err;
}

static __always_inline int queue_take(struct bpfmap *map, void *value,
				      bool newest, bool remove)
{
	struct bpfmap_queue *q = to_queue(map);
	unsigned long irqflags;
	int err = -ENOENT;

	raw_spin_lock_irqsave(&q->lock, irqflags);
	if (q->nr) {
		bpfmap_value_load(value, queue_slot(q, newest ? q->nr - 1 : 0),
				  map->value_size);
		if (remove && newest)
			q->nr--;
		else if (remove)
			queue_drop_oldest(q);
		err = 0;
	}
	raw_spin_unlock_irqrestore(&q->lock, irqflags);
	return err;
}

static int queue_peek(struct bpfmap *map, const void *key, void *value,
		      u64 flags)
{
	return queue_take(map, value, false, false);
}

static int queue_pop(struct bpfmap *map, const void *key, void *value)
{
	return queue_take(map, value, false, true);
}

static int stack_peek(struct bpfmap *map, const void *key, void *value,
		      u64 flags)
{
	return queue_take(map, value, true, false);
}

static int stack_pop(struct bpfmap *map, const void *key, void *value)
{
	return queue_take(map, value, true, true);
}

/* Elements move on: there is nothing that a pointer could be good for */
static void *queue_lookup_elem(struct bpfmap *map, const void *key)
{
	return NULL;
}

static int queue_delete(struct bpfmap *map, const void *key)
{
	return -EINVAL;
}

static int queue_get_next_key(struct bpfmap *map, const void *key,
			      void *next_key)
{
	return -EINVAL;
}

static __poll_t queue_poll(struct bpfmap *map, struct file *file,
			   struct poll_table_struct *wait)
{
	struct bpfmap_queue *q = to_queue(map);
	unsigned long irqflags;
	bool empty;

	poll_wait(file, &q->wait, wait);
	/*
	 * Under the lock: what queue_push() added before is seen here, and one
	 * that comes after sees that somebody waits.
	 */
	raw_spin_lock_irqsave(&q->lock, irqflags);
	empty = !q->nr;
	raw_spin_unlock_irqrestore(&q->lock, irqflags);
	return empty ? 0 : EPOLLIN | EPOLLRDNORM;
}

static int queue_check(const struct bpfmap_create_attr *attr)
{
	if (!attr->max_entries || attr->key_size || !attr->value_size ||
	    bpfmap_check_create_flags(attr, QUEUE_FLAGS))
		return -EINVAL;
	if (attr->value_size > QUEUE_MAX_VALUE ||
	    attr->max_entries >= U32_MAX / attr->value_size)
		return -E2BIG;
	return 0;
}

static u64 queue_bytes(const struct bpfmap *map)
{
	return (u64)map->max_entries * map->value_size;
}

static struct bpfmap *queue_alloc(const struct bpfmap_create_attr *attr)
{
	struct bpfmap_queue *q = kzalloc(sizeof(*q), GFP_KERNEL_ACCOUNT);

	if (!q)
		return ERR_PTR(-ENOMEM);
	bpfmap_init_map(&q->map, attr);
	raw_spin_lock_init(&q->lock);
	init_waitqueue_head(&q->wait);
	init_irq_work(&q->wake_work, queue_wake_work);

	q->slots = bpfmap_area_alloc(queue_bytes(&q->map), q->map.numa_node,
				     GFP_KERNEL);
	if (!q->slots) {
		kfree(q);
		return ERR_PTR(-ENOMEM);
	}
	return &q->map;
}

static void queue_free(struct bpfmap *map)
{
	struct bpfmap_queue *q = to_queue(map);

	/* Nobody polls any more, but the last push may have been just now */
	irq_work_sync(&q->wake_work);
	kvfree(q->slots);
	kfree(q);
}

static u64 queue_mem_usage(const struct bpfmap *map)
{
	return sizeof(struct bpfmap_queue) + queue_bytes(map);
}

const struct bpfmap_ops bpfmap_queue_ops = {
	.check = queue_check,
	.alloc = queue_alloc,
	.free = queue_free,
	.lookup_elem = queue_lookup_elem,
	.lookup = queue_peek,
	.update = queue_push,
	.delete = queue_delete,
	.lookup_and_delete = queue_pop,
	.get_next_key = queue_get_next_key,
	.poll = queue_poll,
	.mem_usage = queue_mem_usage,
};

const struct bpfmap_ops bpfmap_stack_ops = {
	.check = queue_check,
	.alloc = queue_alloc,
	.free = queue_free,
	.lookup_elem = queue_lookup_elem,
	.lookup = stack_peek,
	.update = queue_push,
	.delete = queue_delete,
	.lookup_and_delete = stack_pop,
	.get_next_key = queue_get_next_key,
	.poll = queue_poll,
	.mem_usage = queue_mem_usage,
};
