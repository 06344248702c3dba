// SPDX-License-Identifier: GPL-2.0-only
/*
 * Calls in-kernel functions for tests: see ringtest.h
 */
#include <linux/bpfmap.h>
#include <linux/delay.h>
#include <linux/fs.h>
#include <linux/miscdevice.h>
#include <linux/module.h>
#include <linux/mutex.h>
#include <linux/nospec.h>
#include <linux/rcupdate.h>
#include <linux/slab.h>
#include <linux/timekeeping.h>
#include <linux/uaccess.h>

#include "ringtest.h"

/**
 * struct slot - a record that is being written
 * @record: the record, NULL: none
 * @map: its ring, with a reference
 * @size: of the record
 */
struct slot {
	void *record;
	struct bpfmap *map;
	u64 size;
};

/**
 * struct ringtest_file - an open file
 * @lock: for all of it
 * @slots: the records
 * @buf: data from or for user space
 * @used: bytes of @buf
 * @left: samples until draining stops, 0: does not
 */
struct ringtest_file {
	struct mutex lock;	/* see above */
	struct slot slots[RINGTEST_SLOTS];
	u8 buf[RINGTEST_BUF];
	u32 used;
	u64 left;
};

static long take_sample(struct bpfmap *map, const void *sample, u32 size,
			void *ctx)
{
	struct ringtest_file *f = ctx;

	if (size + sizeof(size) > sizeof(f->buf) - f->used)
		return 1;
	memcpy(f->buf + f->used, &size, sizeof(size));
	memcpy(f->buf + f->used + sizeof(size), sample, size);
	f->used += round_up(size + sizeof(size), sizeof(size));
	return f->left && !--f->left;
}

static long do_output(struct ringtest_file *f, struct bpfmap *map,
		      struct ringtest *t)
{
	if (t->size > sizeof(f->buf))
		return -E2BIG;
	if (copy_from_user(f->buf, u64_to_user_ptr(t->data), t->size))
		return -EFAULT;
	return bpfmap_ringbuf_output(map, f->buf, t->size, t->flags);
}

static long do_reserve(struct slot *slot, struct bpfmap *map,
		       struct ringtest *t)
{
	if (slot->record)
		return -EBUSY;
	slot->record = bpfmap_ringbuf_reserve(map, t->size, t->flags);
	if (!slot->record)
		return -ENOSPC;
	slot->size = t->size;
	slot->map = bpfmap_get(map);
	return 0;
}

static void slot_done(struct slot *slot)
{
	slot->record = NULL;
	bpfmap_put(slot->map);
}

static long do_submit(struct slot *slot, struct ringtest *t)
{
	if (!slot->record || t->size > slot->size)
		return -EINVAL;
	if (copy_from_user(slot->record, u64_to_user_ptr(t->data), t->size))
		return -EFAULT;
	bpfmap_ringbuf_submit(slot->record, t->flags);
	slot_done(slot);
	return 0;
}

static long do_discard(struct slot *slot, struct ringtest *t)
{
	if (!slot->record)
		return -EINVAL;
	bpfmap_ringbuf_discard(slot->record, t->flags);
	slot_done(slot);
	return 0;
}

static long do_drain(struct ringtest_file *f, struct bpfmap *map,
		     struct ringtest *t)
{
	long ret;

	f->used = 0;
	f->left = t->size;
	ret = bpfmap_user_ringbuf_drain(map, take_sample, f, t->flags);
	t->used = f->used;
	if (copy_to_user(u64_to_user_ptr(t->data), f->buf, f->used))
		return -EFAULT;
	return ret;
}

/* A reader that was there before a writer came */
static long do_read_inner(struct bpfmap *map, struct ringtest *t)
{
	long ret = 0;

	if (bpfmap_key_size(map) != sizeof(t->slot) || t->size > 1000)
		return -EINVAL;
	rcu_read_lock();
	t->data = ktime_get_ns();
	if (bpfmap_lookup_inner(map, &t->slot))
		mdelay(t->size);
	else
		ret = -ENOENT;
	t->flags = ktime_get_ns();
	rcu_read_unlock();
	return ret;
}

static long ringtest_do(struct ringtest_file *f, struct ringtest *t)
{
	struct bpfmap *map;
	struct slot *slot;
	long ret = -EINVAL;

	if (t->slot >= RINGTEST_SLOTS)
		return -EINVAL;
	slot = &f->slots[array_index_nospec(t->slot, RINGTEST_SLOTS)];
	map = bpfmap_get_from_fd(t->map_fd);
	if (IS_ERR(map))
		return PTR_ERR(map);

	switch (t->op) {
	case RINGTEST_OUTPUT:
		ret = do_output(f, map, t);
		break;
	case RINGTEST_RESERVE:
		ret = do_reserve(slot, map, t);
		break;
	case RINGTEST_SUBMIT:
		ret = do_submit(slot, t);
		break;
	case RINGTEST_DISCARD:
		ret = do_discard(slot, t);
		break;
	case RINGTEST_QUERY:
		ret = bpfmap_ringbuf_query(map, t->flags);
		break;
	case RINGTEST_DRAIN:
		ret = do_drain(f, map, t);
		break;
	case RINGTEST_READ_INNER:
		ret = do_read_inner(map, t);
		break;
	}
	bpfmap_put(map);
	return ret;
}

static long ringtest_ioctl(struct file *file, unsigned int cmd,
			   unsigned long arg)
{
	void __user *ut = (void __user *)arg;
	struct ringtest_file *f = file->private_data;
	struct ringtest t;

	if (cmd != RINGTEST)
		return -ENOTTY;
	if (copy_from_user(&t, ut, sizeof(t)))
		return -EFAULT;
	mutex_lock(&f->lock);
	t.ret = ringtest_do(f, &t);
	mutex_unlock(&f->lock);
	return copy_to_user(ut, &t, sizeof(t)) ? -EFAULT : 0;
}

static int ringtest_open(struct inode *inode, struct file *file)
{
	struct ringtest_file *f = kvzalloc(sizeof(*f), GFP_KERNEL);

	if (!f)
		return -ENOMEM;
	mutex_init(&f->lock);
	file->private_data = f;
	return 0;
}

static int ringtest_release(struct inode *inode, struct file *file)
{
	struct ringtest_file *f = file->private_data;
	int i;

	for (i = 0; i < RINGTEST_SLOTS; i++) {
		if (!f->slots[i].record)
			continue;
		bpfmap_ringbuf_discard(f->slots[i].record, 0);
		slot_done(&f->slots[i]);
	}
	mutex_destroy(&f->lock);
	kvfree(f);
	return 0;
}

static const struct file_operations ringtest_fops = {
	.owner = THIS_MODULE,
	.open = ringtest_open,
	.release = ringtest_release,
	.unlocked_ioctl = ringtest_ioctl,
	.compat_ioctl = compat_ptr_ioctl,
};

static struct miscdevice ringtest_device = {
	.minor = MISC_DYNAMIC_MINOR,
	.name = "bpfmap_ringtest",
	.mode = 0600,
	.fops = &ringtest_fops,
};

module_misc_device(ringtest_device);

MODULE_DESCRIPTION("Test: in-kernel functions on request");
MODULE_LICENSE("GPL");
