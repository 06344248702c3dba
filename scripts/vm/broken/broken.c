// SPDX-License-Identifier: GPL-2.0-only
/*
 * Does what no module may do, one thing per parameter, so that selftest.sh can
 * see whether the debug kernels and run.sh notice.
 */
#include <linux/delay.h>
#include <linux/err.h>
#include <linux/kthread.h>
#include <linux/module.h>
#include <linux/mutex.h>
#include <linux/rcupdate.h>
#include <linux/slab.h>
#include <linux/spinlock.h>

static char *how = "";
module_param(how, charp, 0);
MODULE_PARM_DESC(how, "bounds, leak, sleep, deadlock, rcu or race");

static DEFINE_SPINLOCK(lock_a);
static DEFINE_SPINLOCK(lock_b);
static DEFINE_MUTEX(mutex);
static int __rcu *pointer;
static void *kept;
static unsigned long counter;

static void read_out_of_bounds(void)
{
	size_t size = 24;
	char *p;

	OPTIMIZER_HIDE_VAR(size);
	p = kzalloc(size, GFP_KERNEL);
	if (p)
		pr_info("read %d\n", READ_ONCE(p[size]));
	kfree(p);
}

/* Many: the allocator's per-CPU arrays still hold the addresses of the last. */
static void leak(void)
{
	for (int i = 0; i < 1000; i++)
		WRITE_ONCE(kept, kmalloc(24, GFP_KERNEL));
	WRITE_ONCE(kept, NULL);
}

static void sleep_in_atomic(void)
{
	spin_lock(&lock_a);
	mutex_lock(&mutex);
	mutex_unlock(&mutex);
	spin_unlock(&lock_a);
}

static void lock_both_ways(void)
{
	spin_lock(&lock_a);
	spin_lock(&lock_b);
	spin_unlock(&lock_b);
	spin_unlock(&lock_a);
	spin_lock(&lock_b);
	spin_lock(&lock_a);
	spin_unlock(&lock_a);
	spin_unlock(&lock_b);
}

static int count(void *unused)
{
	while (!kthread_should_stop()) {
		counter++;
		cond_resched();
	}
	return 0;
}

/* One of them here and one there, so that they do it at the same time */
static void race(void)
{
	struct task_struct *task[2];
	int i;

	for (i = 0; i < 2; i++) {
		task[i] = kthread_create(count, NULL, "broken/%d", i);
		if (IS_ERR(task[i]))
			continue;
		kthread_bind(task[i], i);
		wake_up_process(task[i]);
	}
	msleep(3000);
	for (i = 0; i < 2; i++)
		if (!IS_ERR(task[i]))
			kthread_stop(task[i]);
}

static int __init broken_init(void)
{
	if (!strcmp(how, "bounds"))
		read_out_of_bounds();
	else if (!strcmp(how, "leak"))
		leak();
	else if (!strcmp(how, "sleep"))
		sleep_in_atomic();
	else if (!strcmp(how, "deadlock"))
		lock_both_ways();
	else if (!strcmp(how, "rcu"))
		return rcu_dereference(pointer) ? -EBUSY : 0;
	else if (!strcmp(how, "race"))
		race();
	else
		return -EINVAL;
	return 0;
}
module_init(broken_init);

static void __exit broken_exit(void)
{
}
module_exit(broken_exit);

MODULE_DESCRIPTION("Misdeeds, to test the test machine");
MODULE_LICENSE("GPL");
