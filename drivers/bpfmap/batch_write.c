// SPDX-License-Identifier: GPL-2.0-only
/*
 * Batches that write: UPDATE_BATCH and DELETE_BATCH
 */
#include <linux/slab.h>
#include <linux/uaccess.h>

#include "batch_run.h"
#include "user.h"

/*
 * Copy up to @nr keys or values from the user. Returns how many are complete.
 * Word by word unless there is a fault: fast enough for the buffer's size.
 */
u32 batch_copy_in(void *to, const void __user *from, u32 nr, u32 size)
{
	u64 bytes = (u64)nr * size;
	u32 done;

	if (bytes <= BATCH_BYTES &&
	    IS_ENABLED(CONFIG_HAVE_EFFICIENT_UNALIGNED_ACCESS) &&
	    !bpfmap_copy_in_words(to, from, bytes))
		return nr;
	if (nr == 1)
		return !bpfmap_copy_in_large(to, from, bytes);

	/*
	 * What copy_from_user() leaves out may be more than what cannot be
	 * read, as it is on arm64: continue one at a time.
	 */
	bytes -= copy_from_user(to, from, bytes);
	done = div_u64(bytes, size);
	while (done < nr &&
	       !bpfmap_copy_in_large(to + (u64)done * size,
				     from + (u64)done * size, size))
		done++;
	return done;
}

/* Copy up to @nr elements from the user. Returns how many are complete */
u32 batch_copy_in_elems(struct batch_run *run, u32 nr)
{
	nr = batch_copy_in(run->keys, batch_ukey(run), nr, run->key_size);
	if (!run->value_size)
		return nr;
	return batch_copy_in(run->values, batch_uvalue(run), nr,
			     run->value_size);
}

/*
 * -errno: of element @run->done, at which @run stops. A run's op does not look
 * at NOEXIST and EXIST, which UPDATE_BATCH refuses.
 */
int batch_update_chunk(struct bpfmap *map, struct bpfmap_run *run)
{
	u32 key_size = map->key_size;
	u32 value_size = bpfmap_user_value_size(map, run->flags);
	int err = 0;

	if (map->ops->update_run && !bpfmap_key_is_large(map) &&
	    !bpfmap_value_is_large(map) &&
	    !(run->flags & (BPFMAP_F_NOEXIST | BPFMAP_F_EXIST)))
		return map->ops->update_run(map, run, GFP_KERNEL);

	for (; run->done < run->nr; run->done++) {
		err = map->ops->update(map, run->keys, run->values, run->flags,
				       GFP_KERNEL);
		if (err)
			break;
		run->keys += key_size;
		run->values += value_size;
	}
	return err;
}

/* The same */
int batch_delete_chunk(struct bpfmap *map, struct bpfmap_run *run)
{
	int err = 0;

	if (map->ops->delete_run && !bpfmap_key_is_large(map))
		return map->ops->delete_run(map, run);

	for (; run->done < run->nr; run->done++) {
		err = map->ops->delete(map, run->keys);
		if (err)
			break;
		run->keys += map->key_size;
	}
	return err;
}

/* One by one; elements done before an error are counted */
static int write_batch(struct bpfmap_batch *batch, bool values,
		       int (*write)(struct bpfmap *map, struct bpfmap_run *run))
{
	struct batch_run run;
	u32 nr;
	int err;

	if (!batch->attr->count)
		return 0;
	err = batch_start(&run, batch, values) ?: batch_alloc(&run);
	if (err)
		return err;

	while (!err && batch_left(&run)) {
		struct bpfmap_run chunk = {
			.keys = run.keys,
			.values = run.values,
			.flags = batch->attr->elem_flags,
		};

		nr = min(batch_left(&run), run.room);
		chunk.nr = batch_copy_in_elems(&run, nr);
		err = write(batch->map, &chunk);
		run.done += chunk.done;
		if (!err && chunk.nr < nr)
			err = -EFAULT;
		if (!err)
			err = batch_pause();
	}
	kvfree(run.keys);
	return batch_copy_out_count(&run) ?: err;
}

/*
 * As in bpf(2), member flags is ignored, and BPFMAP_F_NOEXIST and
 * BPFMAP_F_EXIST are refused.
 */
int bpfmap_update_batch(struct bpfmap_batch *batch)
{
	int err = bpfmap_check_flags(batch->map, batch->attr->elem_flags,
				     BPFMAP_F_LOCK | BPFMAP_F_CPU |
					     BPFMAP_F_ALL_CPUS);

	return err ?: write_batch(batch, true, batch_update_chunk);
}

/* As in bpf(2), member flags is ignored */
int bpfmap_delete_batch(struct bpfmap_batch *batch)
{
	/* bpf(2) allows BPFMAP_F_LOCK alone, which needs a lock in the value */
	if (batch->attr->elem_flags)
		return -EINVAL;
	return write_batch(batch, false, batch_delete_chunk);
}
