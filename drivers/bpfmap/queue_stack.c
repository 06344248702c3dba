// SPDX-License-Identifier: GPL-2.0-only
/*
 * Queues and stacks
 *
 *	slots[]:  . . oldest x x newest . .
 *	              ^first
 *
 * A ring of max_entries slots. A push adds after the newest element. A pop
 * removes the oldest from a queue, the newest from a stack. Each operation is
 * atomic: it runs under one lock with interrupts off. Large values are copied
 * without that lock, under a mutex that serialises whole operations.
 *
 * poll() reports EPOLLIN while there are elements. A push checks for sleepers
 * under the lock and wakes them after unlocking: directly if it may sleep, else
 * from an irq_work, because a queue's lock may be taken where a waitqueue's may
 * not (hardirq context and raw locks on PREEMPT_RT).
 */
#include <linux/irq_work.h>
#include <linux/mutex.h>
#include <linux/poll.h>
#include <linux/slab.h>
#include <linux/wait.h>

#include "internal.h"
#include "value.h"

/**
 * struct bpfmap_queue - a queue or a stack
 * @map: the common part
 * @slots: max_entries values, constant pointer
 * @large: serializes operations on large values, and protects their slots;
 *	   taken before @lock
 * @lock: protects @first and @nr, and slots of values that are not large; irqs
 *	  off, for no longer than it takes to copy BPFMAP_ATOMIC_COPY bytes
 * @first: slot of the oldest element
 * @nr: elements
 * @wait: pollers; checked under @lock, woken without it
 * @wake_work: wakes @wait for callers that cannot
 */
struct bpfmap_queue {
	struct bpfmap map;
	void *slots;
	struct mutex large; /* see above */
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

/* The slot of the nth element from the oldest, or of the one to add */
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
	struct bpfmap_queue *q =
		container_of(work, struct bpfmap_queue, wake_work);

	/* May stand for several pushes: also wake exclusive waiters */
	wake_up_all(&q->wait);
}

static void queue_wake(struct bpfmap_queue *q, gfp_t gfp)
{
	if (gfpflags_allow_blocking(gfp))
		wake_up_poll(&q->wait, EPOLLIN | EPOLLRDNORM);
	else
		irq_work_queue(&q->wake_work);
}

/* Slot for the next element, NULL if the queue is full */
static void *queue_room(struct bpfmap_queue *q, u64 flags)
{
	lockdep_assert_held(&q->lock);

	if (q->nr == q->map.max_entries) {
		if (flags != BPFMAP_F_EXIST)
			return NULL;
		queue_drop_oldest(q);
	}
	return queue_slot(q, q->nr);
}

/* The slot from queue_room() is filled: add it. Are there waiters? */
static bool queue_add(struct bpfmap_queue *q)
{
	lockdep_assert_held(&q->lock);

	q->nr++;
	/* No barrier: queue_poll() adds itself before it takes the lock */
	return waitqueue_active(&q->wait);
}

/* Between the two sections with the lock, only queue_poll() can look */
static int queue_push_large(struct bpfmap_queue *q, const void *value,
			    u64 flags)
{
	bool sleepers = false;
	void *slot;

	mutex_lock(&q->large);
	raw_spin_lock_irq(&q->lock);
	slot = queue_room(q, flags);
	raw_spin_unlock_irq(&q->lock);
	if (slot) {
		bpfmap_copy_large(slot, value, q->map.value_size);
		raw_spin_lock_irq(&q->lock);
		sleepers = queue_add(q);
		raw_spin_unlock_irq(&q->lock);
	}
	mutex_unlock(&q->large);

	if (sleepers)
		queue_wake(q, GFP_KERNEL);
	return slot ? 0 : -E2BIG;
}

static int queue_push(struct bpfmap *map, const void *key, const void *value,
		      u64 flags, gfp_t gfp)
{
	struct bpfmap_queue *q = to_queue(map);
	bool sleepers = false;
	unsigned long irqflags;
	void *slot;

	if (flags != BPFMAP_F_ANY && flags != BPFMAP_F_EXIST)
		return -EINVAL;
	if (unlikely(bpfmap_value_is_large(map)))
		return queue_push_large(q, value, flags);

	raw_spin_lock_irqsave(&q->lock, irqflags);
	slot = queue_room(q, flags);
	if (likely(slot)) {
		bpfmap_value_store(slot, value, map->value_size);
		sleepers = queue_add(q);
	}
	raw_spin_unlock_irqrestore(&q->lock, irqflags);

	if (unlikely(sleepers))
		queue_wake(q, gfp);
	return slot ? 0 : -E2BIG;
}

/* Slot of the element to take, NULL if there is none */
static __always_inline void *queue_next(struct bpfmap_queue *q, bool newest)
{
	lockdep_assert_held(&q->lock);

	return q->nr ? queue_slot(q, newest ? q->nr - 1 : 0) : NULL;
}

static __always_inline void queue_drop(struct bpfmap_queue *q, bool newest)
{
	lockdep_assert_held(&q->lock);

	if (newest)
		q->nr--;
	else
		queue_drop_oldest(q);
}

/* As queue_push_large() */
static int queue_take_large(struct bpfmap_queue *q, void *value, bool newest,
			    bool remove)
{
	void *slot;

	guard(mutex)(&q->large);
	raw_spin_lock_irq(&q->lock);
	slot = queue_next(q, newest);
	raw_spin_unlock_irq(&q->lock);
	if (!slot)
		return -ENOENT;
	bpfmap_copy_large(value, slot, q->map.value_size);
	if (remove) {
		raw_spin_lock_irq(&q->lock);
		queue_drop(q, newest);
		raw_spin_unlock_irq(&q->lock);
	}
	return 0;
}

static __always_inline int queue_take(struct bpfmap *map, void *value,
				      bool newest, bool remove)
{
	struct bpfmap_queue *q = to_queue(map);
	unsigned long irqflags;
	void *slot;

	if (unlikely(bpfmap_value_is_large(map)))
		return queue_take_large(q, value, newest, remove);

	raw_spin_lock_irqsave(&q->lock, irqflags);
	slot = queue_next(q, newest);
	if (slot) {
		bpfmap_value_load(value, slot, map->value_size);
		if (remove)
			queue_drop(q, newest);
	}
	raw_spin_unlock_irqrestore(&q->lock, irqflags);
	return slot ? 0 : -ENOENT;
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

static __poll_t queue_poll(struct bpfmap *map, struct file *file,
			   struct poll_table_struct *wait)
{
	struct bpfmap_queue *q = to_queue(map);
	unsigned long irqflags;
	bool empty;

	poll_wait(file, &q->wait, wait);
	/*
	 * Taking the lock ensures that an earlier queue_push() is seen here,
	 * and that a later one sees the waiter.
	 */
	raw_spin_lock_irqsave(&q->lock, irqflags);
	empty = !q->nr;
	raw_spin_unlock_irqrestore(&q->lock, irqflags);
	return empty ? 0 : EPOLLIN | EPOLLRDNORM;
}

static_assert((u32)BPFMAP_QUEUE_FLAGS == BPFMAP_STACK_FLAGS);

static int queue_check(const struct bpfmap_create_attr *attr)
{
	if (!attr->max_entries || attr->key_size || !attr->value_size ||
	    bpfmap_check_create_flags(attr, BPFMAP_QUEUE_FLAGS))
		return -EINVAL;
	if (attr->value_size > KMALLOC_MAX_SIZE ||
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
	mutex_init(&q->large);
	raw_spin_lock_init(&q->lock);
	init_waitqueue_head(&q->wait);
	init_irq_work(&q->wake_work, queue_wake_work);

	q->slots = bpfmap_area_alloc(queue_bytes(&q->map), q->map.numa_node,
				     GFP_KERNEL);
	if (!q->slots) {
		mutex_destroy(&q->large);
		kfree(q);
		return ERR_PTR(-ENOMEM);
	}
	return &q->map;
}

static void queue_free(struct bpfmap *map)
{
	struct bpfmap_queue *q = to_queue(map);

	/* No pollers are left, but the last push may have queued this */
	irq_work_sync(&q->wake_work);
	kvfree(q->slots);
	mutex_destroy(&q->large);
	kfree(q);
}

static u64 queue_mem_usage(const struct bpfmap *map)
{
	return sizeof(struct bpfmap_queue) + queue_bytes(map);
}

/* Elements move, so there is no lookup_elem */
struct bpfmap_ops bpfmap_queue_ops __ro_after_init = {
	.check = queue_check,
	.alloc = queue_alloc,
	.free = queue_free,
	.lookup = queue_peek,
	.update = queue_push,
	.no_delete = -EINVAL,
	.lookup_and_delete = queue_pop,
	.no_next_key = -EINVAL,
	.poll = queue_poll,
	.mem_usage = queue_mem_usage,
};

struct bpfmap_ops bpfmap_stack_ops __ro_after_init = {
	.check = queue_check,
	.alloc = queue_alloc,
	.free = queue_free,
	.lookup = stack_peek,
	.update = queue_push,
	.no_delete = -EINVAL,
	.lookup_and_delete = stack_pop,
	.no_next_key = -EINVAL,
	.poll = queue_poll,
	.mem_usage = queue_mem_usage,
};
