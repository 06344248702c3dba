// SPDX-License-Identifier: GPL-2.0-only
/*
 * Example: a module that shares a map with user space
 *
 * Counts, for each program name, how often /dev/bpfmap_visitors was opened. An
 * ioctl hands the map out; from then on user space needs this module no more
 * than any other map's maker: lookup, batches and iteration are bpfmap's.
 */
#include <linux/bpfmap.h>
#include <linux/fs.h>
#include <linux/miscdevice.h>
#include <linux/module.h>
#include <linux/rcupdate.h>
#include <linux/sched.h>

#include "visitors.h"

static struct bpfmap *visitors;		/* program name -> u64 per CPU */

/* A direct reference to this CPU's value: add to it where it is */
static bool visitors_count(const char *name)
{
	u64 *count;

	/* RCU for the pointer, no preemption for this CPU's value */
	preempt_disable();
	rcu_read_lock();
	count = bpfmap_lookup_elem(visitors, name);
	if (count)
		++*count;
	rcu_read_unlock();
	preempt_enable();
	return count;
}

static int visitors_open(struct inode *inode, struct file *file)
{
	char name[TASK_COMM_LEN];
	u64 zero = 0;
	int err = 0;

	get_task_comm(name, current);
	while (!err && !visitors_count(name)) {
		err = bpfmap_update_elem(visitors, name, &zero,
					 BPFMAP_F_NOEXIST);
		/* Another CPU was faster */
		if (err == -EEXIST)
			err = 0;
	}
	return err;
}

static long visitors_ioctl(struct file *file, unsigned int cmd,
			   unsigned long arg)
{
	if (cmd != VISITORS_GET_MAP)
		return -ENOTTY;
	return bpfmap_install_fd(visitors, BPFMAP_F_RDONLY);
}

static const struct file_operations visitors_fops = {
	.owner = THIS_MODULE,
	.open = visitors_open,
	.unlocked_ioctl = visitors_ioctl,
	.compat_ioctl = compat_ptr_ioctl,
};

static struct miscdevice visitors_device = {
	.minor = MISC_DYNAMIC_MINOR,
	.name = "bpfmap_visitors",
	.mode = 0600,
	.fops = &visitors_fops,
};

static int __init visitors_init(void)
{
	const struct bpfmap_create_attr attr = {
		.map_type = BPFMAP_TYPE_PERCPU_HASH,
		.key_size = TASK_COMM_LEN,
		.value_size = sizeof(u64),
		.max_entries = 1000,
		.map_name = "visitors",
	};
	int err;

	visitors = bpfmap_create(&attr);
	if (IS_ERR(visitors))
		return PTR_ERR(visitors);
	err = misc_register(&visitors_device);
	if (err)
		bpfmap_put(visitors);
	return err;
}

static void __exit visitors_exit(void)
{
	misc_deregister(&visitors_device);
	bpfmap_put(visitors);
}

module_init(visitors_init);
module_exit(visitors_exit);

MODULE_DESCRIPTION("Example: a module that shares a map with user space");
MODULE_LICENSE("GPL");
