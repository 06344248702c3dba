// SPDX-License-Identifier: GPL-2.0-only
/*
 * Batches that read, and what all batches share
 *
 * Some types can copy looked-up elements straight to user memory. All else goes
 * through a kernel buffer small enough for the cache, as does an element for
 * which the direct copy faulted.
 */
#include <linux/mm.h>
#include <linux/pagemap.h>
#include <linux/sched/signal.h>
#include <linux/slab.h>
#include <linux/uaccess.h>

#include "batch_run.h"
#include "user.h"

/* Larger values are faster through the buffer than word by word */
#define BATCH_DIRECT_BYTES	512

/* Elements between two checks for signals */
#define BATCH_DIRECT_ELEMS	SZ_1K

/* Make room for @room elements; the buffer's content is lost */
static int batch_resize(struct batch_run *run, u32 room)
{
	u64 key_bytes = round_up((u64)room * run->key_size, 8);
	u64 bytes = key_bytes + (u64)room * run->value_size;

	kvfree(run->keys);
	run->room = 0;
	run->keys = NULL;
	if (bytes <= INT_MAX)
		run->keys = kvmalloc(bytes, GFP_KERNEL_ACCOUNT | __GFP_NOWARN);
	if (!run->keys)
		return -ENOMEM;
	run->values = run->keys + key_bytes;
	run->room = room;
	return 0;
}

/**
 * batch_start() - set up a batch, and write its count
 * @run: out
 * @batch: the command
 * @values: the command has values
 *
 * Return: 0 or -EFAULT; free @run->keys in both cases.
 */
int batch_start(struct batch_run *run, struct bpfmap_batch *batch, bool values)
{
	const struct bpfmap_batch_attr *attr = batch->attr;

	*run = (struct batch_run) {
		.batch = batch,
		.ukeys = u64_to_user_ptr(attr->keys),
		.uvalues = u64_to_user_ptr(attr->values),
		.key_size = batch->map->key_size,
	};
	if (put_user(run->done, &batch->uattr->count))
		return -EFAULT;
	if (values)
		run->value_size =
			bpfmap_user_value_size(batch->map, attr->elem_flags);
	return 0;
}

/* Allocate the buffer: BATCH_BYTES, or a larger element */
int batch_alloc(struct batch_run *run)
{
	u32 elem = run->key_size + run->value_size;

	return batch_resize(run, clamp_t(u32, BATCH_BYTES / elem, 1,
					 run->batch->attr->count));
}

/* Between two chunks; -EINTR: the process is being killed */
int batch_pause(void)
{
	cond_resched();
	return fatal_signal_pending(current) ? -EINTR : 0;
}

int batch_copy_out_count(const struct batch_run *run)
{
	return put_user(run->done, &run->batch->uattr->count) ? -EFAULT : 0;
}

/* Copy @nr elements from the buffer to the user */
static int batch_copy_out(struct batch_run *run, u32 nr)
{
	if (bpfmap_copy_out_large(batch_ukey(run), run->keys,
				  (u64)nr * run->key_size) ||
	    bpfmap_copy_out_large(batch_uvalue(run), run->values,
				  (u64)nr * run->value_size))
		return -EFAULT;
	run->done += nr;
	return 0;
}

/*
 * How many of the next @nr elements can be delivered? A hint, not a promise.
 * Not fault_in_writeable(): it would write to memory that may have to stay
 * unchanged.
 */
static u32 batch_can_deliver(struct batch_run *run, u32 nr)
{
	u64 bytes = (u64)nr * run->key_size;

	bytes -= fault_in_safe_writeable(batch_ukey(run), bytes);
	nr = div_u64(bytes, run->key_size);
	bytes = (u64)nr * run->value_size;
	bytes -= fault_in_safe_writeable(batch_uvalue(run), bytes);
	return div_u64(bytes, run->value_size);
}

/* Can elements be copied straight? If so, set the walk's destination */
static bool batch_direct(const struct batch_run *run, struct bpfmap_walk *w,
			 u32 room)
{
	if (!run->batch->map->ops->walk_direct ||
	    run->key_size > BATCH_DIRECT_BYTES ||
	    run->value_size > BATCH_DIRECT_BYTES ||
	    !IS_ENABLED(CONFIG_HAVE_EFFICIENT_UNALIGNED_ACCESS))
		return false;
	w->room = min(batch_left(run), room);
	w->ukeys = batch_ukey(run);
	w->uvalues = batch_uvalue(run);
	return w->ukeys &&
	       access_ok(w->ukeys, (size_t)w->room * run->key_size) &&
	       access_ok(w->uvalues, (size_t)w->room * run->value_size);
}

/*
 * Fill the buffer with whole buckets. With run->careful, take no more than user
 * memory can hold, or one bucket that it cannot hold.
 */
static int batch_fill(struct batch_run *run, struct bpfmap_walk *w)
{
	struct bpfmap *map = run->batch->map;
	u32 left = batch_left(run);
	int err;

	if (!run->room) {
		err = batch_alloc(run);
		if (err)
			return err;
	}
	w->ukeys = NULL;
	w->room = min(left, run->room);
	if (run->careful)
		w->room = batch_can_deliver(run, w->room);

	for (;;) {
		w->keys = run->keys;
		w->values = run->values;
		err = map->ops->walk(map, w);
		if (err != -ENOSPC || w->need > left)
			return err;
		/* The bucket may grow again before the retry */
		if (w->need > run->room) {
			err = batch_resize(run, w->need);
			if (err)
				return err;
		}
		w->room = w->need;
	}
}

/* As in bpf(2), the count is written only if the cursor was */
static int bucket_batch_end(struct batch_run *run, const struct bpfmap_walk *w,
			    int err)
{
	void __user *out = u64_to_user_ptr(run->batch->attr->out_batch);

	if (copy_to_user(out, &w->pos, sizeof(w->pos)) ||
	    batch_copy_out_count(run))
		return -EFAULT;
	return err;
}

/*
 * In bpf(2), buckets before one that faults are delivered, and a removing batch
 * loses only the elements of that one. Without removal it is early enough to be
 * careful after the first fault.
 */
static int bucket_batch_by_buffer(struct batch_run *run, struct bpfmap_walk *w)
{
	u32 pos = w->pos;
	int err;

	for (;;) {
		err = batch_fill(run, w);
		if (!err)
			err = batch_copy_out(run, w->nr);
		if (err != -EFAULT || run->careful)
			return err;
		run->careful = true;
		w->pos = pos;
	}
}

static int bucket_batch_step(struct batch_run *run, struct bpfmap_walk *w)
{
	/* Copied with a lock held; a larger bucket goes through the buffer */
	u32 room = BPFMAP_ATOMIC_COPY / (run->key_size + run->value_size);
	struct bpfmap *map = run->batch->map;
	int err;

	if (batch_direct(run, w, room)) {
		err = map->ops->walk(map, w);
		if (!err)
			run->done += w->nr;
		if (err != -EFAULT &&
		    (err != -ENOSPC || w->need > batch_left(run)))
			return err;
	}
	return bucket_batch_by_buffer(run, w);
}

static int bucket_batch_run(struct batch_run *run, struct bpfmap_walk *w)
{
	bool started = false;
	int err;

	run->careful = w->remove;
	while (!(err = bucket_batch_step(run, w))) {
		started = true;
		err = batch_pause();
		if (err)
			break;
	}
	if (err == -EFAULT)
		return err;
	/* The cursor is no bucket: do not even write the cursor */
	if (err == -ENOENT && !started)
		return err;
	if (err == -ENOSPC && run->done)
		err = 0;
	return bucket_batch_end(run, w, err);
}

static int bucket_batch(struct bpfmap_batch *batch, bool remove)
{
	const struct bpfmap_batch_attr *attr = batch->attr;
	void __user *in = u64_to_user_ptr(attr->in_batch);
	struct bpfmap_walk w = {
		.flags = attr->elem_flags,
		.remove = remove,
	};
	struct batch_run run;
	int err;

	err = bpfmap_check_flags(batch->map, attr->elem_flags,
				 BPFMAP_F_LOCK | (remove ? 0 : BPFMAP_F_CPU));
	if (err)
		return err;
	/* Buckets never disappear, so this flag changes nothing */
	if (attr->flags & ~BPFMAP_BATCH_F_RESUME)
		return -EINVAL;
	if (!attr->count)
		return 0;

	err = batch_start(&run, batch, true);
	if (!err && in && copy_from_user(&w.pos, in, sizeof(w.pos)))
		err = -EFAULT;
	if (!err)
		err = bucket_batch_run(&run, &w);
	kvfree(run.keys);
	return err;
}

static int lookup_bucket_batch(struct bpfmap_batch *batch)
{
	return bucket_batch(batch, false);
}

static int lookup_and_delete_bucket_batch(struct bpfmap_batch *batch)
{
	return bucket_batch(batch, true);
}

/* Write the last key as the cursor, if anything was copied */
static int key_batch_end(struct batch_run *run, const struct bpfmap_walk *w,
			 int err)
{
	void __user *out = u64_to_user_ptr(run->batch->attr->out_batch);

	if (batch_copy_out_count(run) ||
	    (run->done && copy_to_user(out, w->key, run->key_size)))
		return -EFAULT;
	return err;
}

static int key_batch_step(struct batch_run *run, struct bpfmap_walk *w)
{
	struct bpfmap *map = run->batch->map;
	int err;

	if (batch_direct(run, w, BATCH_DIRECT_ELEMS)) {
		err = map->ops->walk(map, w);
		if (!err)
			run->done += w->nr;
		if (err != -EFAULT)
			return err;
	}
	err = run->room ? 0 : batch_alloc(run);
	if (err)
		return err;
	w->ukeys = NULL;
	w->room = min(batch_left(run), run->room);
	w->keys = run->keys;
	w->values = run->values;
	err = map->ops->walk(map, w);
	return err ?: batch_copy_out(run, w->nr);
}

static int key_batch_run(struct batch_run *run, struct bpfmap_walk *w)
{
	int err = 0;

	while (!err && batch_left(run)) {
		err = key_batch_step(run, w);
		if (err == -EFAULT)
			return err;
		w->from = BPFMAP_WALK_ON;
		err = err ?: batch_pause();
	}
	return key_batch_end(run, w, err);
}

static int key_batch_init(struct bpfmap_walk *w, const struct batch_run *run)
{
	const struct bpfmap_batch_attr *attr = run->batch->attr;
	void __user *in = u64_to_user_ptr(attr->in_batch);

	w->flags = attr->elem_flags;
	w->key = kvmalloc(run->key_size, GFP_KERNEL_ACCOUNT | __GFP_NOWARN);
	if (!w->key)
		return -ENOMEM;
	if (!in)
		return 0;
	w->from = attr->flags & BPFMAP_BATCH_F_RESUME ? BPFMAP_WALK_ON :
							BPFMAP_WALK_AFTER;
	return copy_from_user(w->key, in, run->key_size) ? -EFAULT : 0;
}

/*
 * As in bpf(2), member flags is ignored, except for BPFMAP_BATCH_F_RESUME,
 * which bpf(2) does not have.
 */
static int lookup_key_batch(struct bpfmap_batch *batch)
{
	const struct bpfmap_batch_attr *attr = batch->attr;
	struct bpfmap_walk w = {};
	struct batch_run run;
	int err;

	err = bpfmap_check_flags(batch->map, attr->elem_flags,
				 BPFMAP_F_LOCK | BPFMAP_F_CPU);
	if (err)
		return err;
	if (!attr->count)
		return 0;

	err = batch_start(&run, batch, true);
	if (!err)
		err = key_batch_init(&w, &run);
	if (!err)
		err = key_batch_run(&run, &w);
	kvfree(w.key);
	kvfree(run.keys);
	return err;
}

/*
 * The cursor is the next key to copy. As in bpf(2), the count is written before
 * it. If that key is gone before the next chunk, the batch ends; the next call
 * returns the error.
 */
static int from_batch_run(struct batch_run *run, struct bpfmap_walk *w,
			  const void *from, void *next)
{
	struct bpfmap *map = run->batch->map;
	void __user *out = u64_to_user_ptr(run->batch->attr->out_batch);
	int err = 0;

	while (!err && batch_left(run)) {
		w->room = min(batch_left(run), run->room);
		w->keys = run->keys;
		w->values = run->values;
		err = map->ops->walk_from(map, w, from, next);
		if (err == -EAGAIN) {
			if (!run->done)
				return err;
			err = 0;
			break;
		}
		if (batch_copy_out(run, w->nr))
			return -EFAULT;
		from = next;
		err = err ?: batch_pause();
	}
	if (batch_copy_out_count(run) ||
	    (err != -ENOENT && copy_to_user(out, next, run->key_size)))
		return -EFAULT;
	return err;
}

static int from_batch(struct bpfmap_batch *batch, bool remove)
{
	const struct bpfmap_batch_attr *attr = batch->attr;
	void __user *in = u64_to_user_ptr(attr->in_batch);
	struct bpfmap_walk w = { .remove = remove };
	struct batch_run run;
	void *cursor = NULL;
	int err;

	err = bpfmap_check_flags(batch->map, attr->elem_flags, BPFMAP_F_LOCK);
	if (err)
		return err;
	if (attr->flags)
		return -EINVAL;
	if (!attr->count)
		return 0;

	err = batch_start(&run, batch, true) ?: batch_alloc(&run);
	if (!err) {
		cursor = kmalloc(run.key_size,
				 GFP_KERNEL_ACCOUNT | __GFP_NOWARN);
		err = cursor ? 0 : -ENOMEM;
	}
	if (!err && in && copy_from_user(cursor, in, run.key_size))
		err = -EFAULT;
	if (!err)
		err = from_batch_run(&run, &w, in ? cursor : NULL, cursor);
	kfree(cursor);
	kvfree(run.keys);
	return err;
}

static int lookup_from_batch(struct bpfmap_batch *batch)
{
	return from_batch(batch, false);
}

static int lookup_and_delete_from_batch(struct bpfmap_batch *batch)
{
	return from_batch(batch, true);
}

/* The cursor is the first bucket not copied yet */
const struct bpfmap_batch_ops bpfmap_batch_by_bucket = {
	.lookup = lookup_bucket_batch,
	.lookup_and_delete = lookup_and_delete_bucket_batch,
	.update = bpfmap_update_batch,
	.delete = bpfmap_delete_batch,
};

/* The cursor is the last key copied */
const struct bpfmap_batch_ops bpfmap_batch_by_key = {
	.lookup = lookup_key_batch,
	.update = bpfmap_update_batch,
	.delete = bpfmap_delete_batch,
};

/* The same for arrays, whose elements bpf(2) does not delete in batches */
const struct bpfmap_batch_ops bpfmap_batch_by_index = {
	.lookup = lookup_key_batch,
	.update = bpfmap_update_batch,
};

/* The cursor is the first key not copied yet */
const struct bpfmap_batch_ops bpfmap_batch_by_next_key = {
	.lookup = lookup_from_batch,
	.lookup_and_delete = lookup_and_delete_from_batch,
	.update = bpfmap_update_batch,
	.delete = bpfmap_delete_batch,
};
