// SPDX-License-Identifier: GPL-2.0-only
/*
 * Example: a module that builds a linked list in a user's arena
 *
 * Each node takes a page, which wastes most of it and keeps this short. The
 * pointers in the nodes are user space's: it walks the list as it is, and so
 * does this module, which looks at each pointer as at anything that a user
 * wrote.
 */
#include <linux/bpfmap.h>
#include <linux/fs.h>
#include <linux/miscdevice.h>
#include <linux/module.h>
#include <linux/numa.h>
#include <linux/rcupdate.h>
#include <linux/sched/signal.h>
#include <linux/uaccess.h>

#include "arena_list.h"

/* A list that is longer goes in circles */
#define ARENA_LIST_MAX	(1 << 16)

/* Nodes between two checks for signals and cond_resched() */
#define ARENA_LIST_STRETCH	1024

/* The node at a user address; a node may be anywhere, but in one page */
static struct arena_node *list_node(struct bpfmap *map, u64 at)
{
	if (!IS_ALIGNED(at, sizeof(struct arena_node)))
		return NULL;
	return bpfmap_arena_kaddr(map, at);
}

static int arena_list_add(struct bpfmap *map, struct arena_list *list)
{
	struct arena_node *node;
	long at;
	u32 i;

	for (i = 0; i < list->nr; i++) {
		at = bpfmap_arena_alloc_pages(map, 0, 1, NUMA_NO_NODE, 0);
		if (at < 0)
			return at;
		rcu_read_lock();
		node = list_node(map, at);
		if (node) {
			WRITE_ONCE(node->next, list->at);
			WRITE_ONCE(node->value, list->value + i);
		}
		rcu_read_unlock();
		/* Somebody has freed our page */
		if (!node)
			return -ESTALE;
		list->at = at;
	}
	return 0;
}

static int arena_list_sum(struct bpfmap *map, struct arena_list *list)
{
	struct arena_node *node;
	u64 at = list->at;
	int nodes = 0;

	list->value = 0;
	while (at) {
		if (++nodes > ARENA_LIST_MAX)
			return -ELOOP;
		if (nodes % ARENA_LIST_STRETCH == 0) {
			if (fatal_signal_pending(current))
				return -EINTR;
			cond_resched();
		}
		rcu_read_lock();
		node = list_node(map, at);
		if (node) {
			list->value += READ_ONCE(node->value);
			at = READ_ONCE(node->next);
		}
		rcu_read_unlock();
		if (!node)
			return -EFAULT;
	}
	return 0;
}

static long list_ioctl(struct file *file, unsigned int cmd, unsigned long arg)
{
	struct arena_list __user *user = (void __user *)arg;
	struct arena_list list;
	struct bpfmap *map;
	int err = -ENOTTY;

	if (copy_from_user(&list, user, sizeof(list)))
		return -EFAULT;
	map = bpfmap_get_from_fd(list.map_fd);
	if (IS_ERR(map))
		return PTR_ERR(map);
	if (cmd == ARENA_LIST_ADD)
		err = arena_list_add(map, &list);
	else if (cmd == ARENA_LIST_SUM)
		err = arena_list_sum(map, &list);
	else if (cmd == ARENA_LIST_FREE)
		err = bpfmap_arena_free_pages(map, list.at, list.nr);
	bpfmap_put(map);
	if (!err && copy_to_user(user, &list, sizeof(list)))
		err = -EFAULT;
	return err;
}

static const struct file_operations list_fops = {
	.owner = THIS_MODULE,
	.unlocked_ioctl = list_ioctl,
	.compat_ioctl = compat_ptr_ioctl,
};

static struct miscdevice list_device = {
	.minor = MISC_DYNAMIC_MINOR,
	.name = "bpfmap_arena_list",
	.mode = 0600,
	.fops = &list_fops,
};

module_misc_device(list_device);

MODULE_DESCRIPTION("Example: a module that builds a list in a user's arena");
MODULE_LICENSE("GPL");
