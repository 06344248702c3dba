// SPDX-License-Identifier: GPL-2.0-only
/*
 * Example: a module that streams events to user space
 *
 * Each exec and exit on this machine becomes a record of a ring buffer. A
 * program gets the ring by an ioctl of /dev/bpfmap_execs, maps it, and sleeps
 * in epoll until there are records: no system call for a record, no copy.
 */
#include <linux/binfmts.h>
#include <linux/bpfmap.h>
#include <linux/fs.h>
#include <linux/limits.h>
#include <linux/miscdevice.h>
#include <linux/module.h>
#include <linux/sched.h>
#include <linux/timekeeping.h>
#include <linux/tracepoint.h>
#include <trace/events/sched.h>

#include "execs.h"

static struct bpfmap *events;
static atomic_t lost = ATOMIC_INIT(0);

/* A record in the ring itself, of the size that it needs; NULL if it is full */
static struct execs_event *event_begin(enum execs_what what,
				       struct task_struct *p, size_t name_size)
{
	struct execs_event *e;

	e = bpfmap_ringbuf_reserve(events, sizeof(*e) + name_size, 0);
	if (!e) {
		atomic_inc(&lost);
		return NULL;
	}
	e->time = ktime_get_boottime_ns();
	e->what = what;
	e->pid = p->pid;
	e->lost = atomic_read(&lost);
	e->exit_code = p->exit_code;
	memcpy(e->comm, p->comm, sizeof(e->comm));
	return e;
}

static void probe_exec(void *data, struct task_struct *p, pid_t old_pid,
		       struct linux_binprm *bprm)
{
	size_t size = strnlen(bprm->filename, PATH_MAX - 1) + 1;
	struct execs_event *e = event_begin(EXECS_EXEC, p, size);

	if (!e)
		return;
	memcpy(e->filename, bprm->filename, size - 1);
	e->filename[size - 1] = '\0';
	bpfmap_ringbuf_submit(e, 0);
}

#ifdef EXECS_HAVE_GROUP_DEAD
static void probe_exit(void *data, struct task_struct *p, bool group_dead)
#else
static void probe_exit(void *data, struct task_struct *p)
#endif
{
	struct execs_event *e = event_begin(EXECS_EXIT, p, 0);

	if (e)
		bpfmap_ringbuf_submit(e, 0);
}

/* Tracepoints are not exported by name, but each can be found */
static struct tracepoint *exec_point, *exit_point;

static void find_point(struct tracepoint *point, void *data)
{
	if (!strcmp(point->name, "sched_process_exec"))
		exec_point = point;
	else if (!strcmp(point->name, "sched_process_exit"))
		exit_point = point;
}

static int probes_register(void)
{
	int err;

	/* Are the probes what the tracepoints call? For the compiler to see */
	check_trace_callback_type_sched_process_exec(probe_exec);
	check_trace_callback_type_sched_process_exit(probe_exit);

	for_each_kernel_tracepoint(find_point, NULL);
	if (!exec_point || !exit_point)
		return -ENODEV;
	err = tracepoint_probe_register(exec_point, probe_exec, NULL);
	if (err)
		return err;
	err = tracepoint_probe_register(exit_point, probe_exit, NULL);
	if (err)
		tracepoint_probe_unregister(exec_point, probe_exec, NULL);
	return err;
}

static void probes_unregister(void)
{
	tracepoint_probe_unregister(exit_point, probe_exit, NULL);
	tracepoint_probe_unregister(exec_point, probe_exec, NULL);
}

static long execs_ioctl(struct file *file, unsigned int cmd, unsigned long arg)
{
	if (cmd != EXECS_GET_MAP)
		return -ENOTTY;
	/* Consumers write: how far they have come */
	return bpfmap_install_fd(events, 0);
}

static const struct file_operations execs_fops = {
	.owner = THIS_MODULE,
	.unlocked_ioctl = execs_ioctl,
	.compat_ioctl = compat_ptr_ioctl,
};

static struct miscdevice execs_device = {
	.minor = MISC_DYNAMIC_MINOR,
	.name = "bpfmap_execs",
	.mode = 0600,
	.fops = &execs_fops,
};

static int __init execs_init(void)
{
	const struct bpfmap_create_attr attr = {
		.map_type = BPFMAP_TYPE_RINGBUF,
		.max_entries = 256 * 1024,
		.map_name = "execs",
	};
	int err;

	events = bpfmap_create(&attr);
	if (IS_ERR(events))
		return PTR_ERR(events);
	err = probes_register();
	if (err)
		goto put;
	err = misc_register(&execs_device);
	if (!err)
		return 0;
	probes_unregister();
put:
	/* A probe may be running still */
	tracepoint_synchronize_unregister();
	bpfmap_put(events);
	return err;
}

static void __exit execs_exit(void)
{
	misc_deregister(&execs_device);
	probes_unregister();
	tracepoint_synchronize_unregister();
	bpfmap_put(events);
}

module_init(execs_init);
module_exit(execs_exit);

MODULE_DESCRIPTION("Example: a module that streams events to user space");
MODULE_LICENSE("GPL");
