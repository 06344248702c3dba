// SPDX-License-Identifier: GPL-2.0-only
/*
 * What map operations cost inside the kernel: bpfmap's functions, and the
 * operations of bpf(2)'s maps as its own callers reach them
 */
#include <linux/bpf.h>
#include <linux/bpfmap.h>
#include <linux/completion.h>
#include <linux/cpumask.h>
#include <linux/fs.h>
#include <linux/kthread.h>
#include <linux/ktime.h>
#include <linux/math.h>
#include <linux/miscdevice.h>
#include <linux/mm.h>
#include <linux/module.h>
#include <linux/rcupdate.h>
#include <linux/sched.h>
#include <linux/slab.h>
#include <linux/uaccess.h>

#include "bpfmap_bench.h"

/**
 * struct bench_call - what all loops get
 * @map: struct bpfmap or struct bpf_map
 * @key: an index; its first 4 bytes are the key of an array
 * @flags: for updates
 * @sum: of the values found
 */
struct bench_call {
	void *map;
	u64 key;
	u64 flags;
	u64 sum;
};

/* 0, or an errno that is not expected */
typedef long (*bench_fn)(struct bench_call *call);

static long empty(struct bench_call *call)
{
	call->sum += call->key;
	return 0;
}

static long bpfmap_lookup(struct bench_call *call)
{
	u64 *value;

	rcu_read_lock();
	value = bpfmap_lookup_elem(call->map, &call->key);
	if (value)
		call->sum += *value;
	rcu_read_unlock();
	return value ? 0 : -ENOENT;
}

static long bpfmap_update(struct bench_call *call)
{
	u64 value = call->key + 1;

	return bpfmap_update_elem(call->map, &call->key, &value, call->flags);
}

static long bpfmap_delete(struct bench_call *call)
{
	return bpfmap_delete_elem(call->map, &call->key);
}

static long bpf_lookup(struct bench_call *call)
{
	struct bpf_map *map = call->map;
	u64 *value;

	rcu_read_lock();
	value = map->ops->map_lookup_elem(map, &call->key);
	if (value)
		call->sum += *value;
	rcu_read_unlock();
	return value ? 0 : -ENOENT;
}

static long bpf_update(struct bench_call *call)
{
	struct bpf_map *map = call->map;
	u64 value = call->key + 1;
	long err;

	rcu_read_lock();
	err = map->ops->map_update_elem(map, &call->key, &value, call->flags);
	rcu_read_unlock();
	return err;
}

static long bpf_delete(struct bench_call *call)
{
	struct bpf_map *map = call->map;
	long err;

	rcu_read_lock();
	err = map->ops->map_delete_elem(map, &call->key);
	rcu_read_unlock();
	return err;
}

/**
 * struct bench_thread - a kthread, bound to a CPU
 * @task: the thread
 * @run: what to do
 * @call: on what
 * @indexes: its own run->calls keys
 * @waiting: threads that are not ready yet, of all of them
 * @done: completed when the work is done
 * @times: out: time that each stretch took
 * @failed: out: calls that did not succeed
 */
struct bench_thread {
	struct task_struct *task;
	const struct bpfmap_bench_run *run;
	struct bench_call call;
	const u32 *indexes;
	atomic_t *waiting;
	struct completion done;
	u64 *times;
	u64 failed;
};

/* Inlined for each @fn, so that the loop adds no indirect call of its own */
static __always_inline void work(struct bench_thread *t, bench_fn fn)
{
	u32 i, next, calls = t->run->calls;
	u64 start;

	for (i = 0; i < calls; i = next) {
		next = i + min(calls - i, BENCH_STRETCH);
		start = ktime_get_ns();
		for (; i < next; i++) {
			t->call.key = t->indexes[i];
			t->failed += fn(&t->call) != 0;
		}
		t->times[(i - 1) / BENCH_STRETCH] = ktime_get_ns() - start;
		cond_resched();
	}
}

/* Keys in one call of bpfmap_lookup_many(); a part of BENCH_STRETCH */
#define MANY	64U

/* As work(), of keys of 8 or 4 bytes; the keys are made in the timed part */
static void work_many(struct bench_thread *t)
{
	u32 size = bpfmap_key_size(t->call.map), i, j, n, calls = t->run->calls;
	u64 start = ktime_get_ns(), keys[MANY], *values[MANY];

	for (i = 0; i < calls; i += n) {
		n = min(calls - i, MANY);
		for (j = 0; j < n; j++) {
			if (size == sizeof(u64))
				keys[j] = t->indexes[i + j];
			else
				((u32 *)keys)[j] = t->indexes[i + j];
		}
		rcu_read_lock();
		t->failed += n - bpfmap_lookup_many(t->call.map, keys,
						    (void **)values, n);
		for (j = 0; j < n; j++)
			if (values[j])
				t->call.sum += *values[j];
		rcu_read_unlock();
		if ((i + n) % BENCH_STRETCH && i + n < calls)
			continue;
		t->times[i / BENCH_STRETCH] = ktime_get_ns() - start;
		cond_resched();
		start = ktime_get_ns();
	}
}

static void work_bpfmap(struct bench_thread *t)
{
	switch (t->run->op) {
	case BENCH_EMPTY:
		return work(t, empty);
	case BENCH_LOOKUP:
		return work(t, bpfmap_lookup);
	case BENCH_UPDATE:
		return work(t, bpfmap_update);
	case BENCH_DELETE:
		return work(t, bpfmap_delete);
	case BENCH_LOOKUP_MANY:
		return work_many(t);
	}
}

/* bpf(2)'s allocator wants to stay on its CPU; so it does, the thread is bound */
static void work_bpf(struct bench_thread *t)
{
	migrate_disable();
	switch (t->run->op) {
	case BENCH_EMPTY:
		work(t, empty);
		break;
	case BENCH_LOOKUP:
		work(t, bpf_lookup);
		break;
	case BENCH_UPDATE:
		work(t, bpf_update);
		break;
	case BENCH_DELETE:
		work(t, bpf_delete);
		break;
	case BENCH_LOOKUP_MANY:
		/* What its users do instead */
		work(t, bpf_lookup);
		break;
	}
	migrate_enable();
}

static int bench_thread(void *arg)
{
	struct bench_thread *t = arg;

	/* All of them begin together */
	atomic_dec(t->waiting);
	while (atomic_read(t->waiting) > 0 && !kthread_should_stop())
		cpu_relax();
	if (!kthread_should_stop()) {
		if (t->run->bpf)
			work_bpf(t);
		else
			work_bpfmap(t);
	}
	complete(&t->done);
	/* The module's text must outlive us: leave only when told to */
	set_current_state(TASK_IDLE);
	while (!kthread_should_stop()) {
		schedule();
		set_current_state(TASK_IDLE);
	}
	__set_current_state(TASK_RUNNING);
	return 0;
}

/* Create @nr bound threads; stop those already created on failure */
static int bench_start(struct bench_thread *threads,
		       struct bpfmap_bench_run *run, void *map,
		       const u32 *indexes, u64 *times, atomic_t *waiting)
{
	u32 i, cpu = cpumask_first(cpu_online_mask);

	for (i = 0; i < run->threads; i++) {
		struct bench_thread *t = &threads[i];

		t->run = run;
		t->call.map = map;
		t->call.flags = run->flags;
		t->indexes = indexes + (size_t)i * run->calls;
		t->times = times + (size_t)i * DIV_ROUND_UP_ULL(run->calls,
								BENCH_STRETCH);
		t->waiting = waiting;
		init_completion(&t->done);
		t->task = kthread_create_on_node(bench_thread, t, NUMA_NO_NODE,
						 "bpfmap_bench/%u", i);
		if (IS_ERR(t->task))
			return PTR_ERR(t->task);
		kthread_bind(t->task, cpu);
		cpu = cpumask_next(cpu, cpu_online_mask);
	}
	for (i = 0; i < run->threads; i++)
		wake_up_process(threads[i].task);
	return 0;
}

static int bench_threads(struct bpfmap_bench_run *run, void *map,
			 const u32 *indexes, u64 *times)
{
	struct bench_thread *threads;
	atomic_t waiting = ATOMIC_INIT(run->threads);
	int err;
	u32 i;

	threads = kcalloc(run->threads, sizeof(*threads), GFP_KERNEL);
	if (!threads)
		return -ENOMEM;
	err = bench_start(threads, run, map, indexes, times, &waiting);
	run->sum = 0;
	run->failed = 0;
	for (i = 0; i < run->threads; i++) {
		struct bench_thread *t = &threads[i];

		if (IS_ERR_OR_NULL(t->task))
			break;
		if (!err)
			wait_for_completion(&t->done);
		kthread_stop(t->task);
		run->sum += t->call.sum;
		run->failed += t->failed;
	}
	kfree(threads);
	return err;
}

/* Keys are 8 or 4 bytes, values 8: that is what the loops hand over. */
static bool fitting(u32 type, u32 key_size, u32 value_size)
{
	if (value_size != sizeof(u64))
		return false;
	return (type == BPF_MAP_TYPE_HASH && key_size == sizeof(u64)) ||
	       (type == BPF_MAP_TYPE_ARRAY && key_size == sizeof(u32));
}

static int bench_bpf(struct bpfmap_bench_run *run, const u32 *indexes,
		     u64 *times)
{
	struct bpf_map *map = bpf_map_get(run->fd);
	int err = -EINVAL;

	if (IS_ERR(map))
		return PTR_ERR(map);
	if (fitting(map->map_type, map->key_size, map->value_size))
		err = bench_threads(run, map, indexes, times);
	bpf_map_put(map);
	return err;
}

static int bench_bpfmap(struct bpfmap_bench_run *run, const u32 *indexes,
			u64 *times)
{
	struct bpfmap *map = bpfmap_get_from_fd(run->fd);
	int err = -EINVAL;

	if (IS_ERR(map))
		return PTR_ERR(map);
	if (fitting(bpfmap_type(map), bpfmap_key_size(map),
		    bpfmap_value_size(map)))
		err = bench_threads(run, map, indexes, times);
	bpfmap_put(map);
	return err;
}

/* With what it needs of memory; @nr_times stretches in all */
static int bench_run(struct bpfmap_bench_run *run, size_t nr_times)
{
	size_t bytes = (size_t)run->threads * run->calls * sizeof(u32);
	u32 *indexes;
	u64 *times;
	int err;

	indexes = vmemdup_user(u64_to_user_ptr(run->indexes), bytes);
	if (IS_ERR(indexes))
		return PTR_ERR(indexes);
	times = kvcalloc(nr_times, sizeof(*times), GFP_KERNEL);
	if (!times)
		err = -ENOMEM;
	else if (run->bpf)
		err = bench_bpf(run, indexes, times);
	else
		err = bench_bpfmap(run, indexes, times);
	if (!err && copy_to_user(u64_to_user_ptr(run->times), times,
				 nr_times * sizeof(*times)))
		err = -EFAULT;
	kvfree(times);
	kvfree(indexes);
	return err;
}

static long bench_ioctl(struct file *file, unsigned int cmd, unsigned long arg)
{
	void __user *user = (void __user *)arg;
	struct bpfmap_bench_run run;
	int err;

	if (cmd != BPFMAP_BENCH_RUN)
		return -ENOTTY;
	if (copy_from_user(&run, user, sizeof(run)))
		return -EFAULT;
	/* So few threads, and u32 calls: no product of these overflows. */
	if (run.op >= BENCH_OPS || !run.threads || !run.calls ||
	    run.threads > num_online_cpus())
		return -EINVAL;
	err = bench_run(&run, (size_t)run.threads *
			      DIV_ROUND_UP_ULL(run.calls, BENCH_STRETCH));
	if (!err && copy_to_user(user, &run, sizeof(run)))
		err = -EFAULT;
	return err;
}

static const struct file_operations bench_fops = {
	.owner = THIS_MODULE,
	.unlocked_ioctl = bench_ioctl,
};

static struct miscdevice bench_device = {
	.minor = MISC_DYNAMIC_MINOR,
	.name = "bpfmap_bench",
	.mode = 0600,
	.fops = &bench_fops,
};

module_misc_device(bench_device);

MODULE_DESCRIPTION("Benchmark of bpfmap inside the kernel");
MODULE_LICENSE("GPL");
#ifdef BENCH_NS_IS_STRING
MODULE_IMPORT_NS("BPF_INTERNAL");
#else
MODULE_IMPORT_NS(BPF_INTERNAL);
#endif
