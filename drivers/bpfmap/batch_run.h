/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * State of a batch, for batch.c and batch_write.c
 */
#ifndef _BPFMAP_BATCH_RUN_H
#define _BPFMAP_BATCH_RUN_H

#include <linux/sizes.h>

#include "batch.h"

/* Buffer size, unless one element or one bucket needs more */
#define BATCH_BYTES	SZ_4K

/**
 * struct batch_run - state of a batch
 * @batch: the command
 * @ukeys: user's packed keys
 * @uvalues: user's packed values
 * @keys: kernel's packed keys; the start of the buffer
 * @values: kernel's packed values
 * @key_size: stride of the keys
 * @value_size: stride of the values
 * @room: elements that fit into the buffer
 * @done: elements done
 * @careful: check user memory before removing elements
 */
struct batch_run {
	struct bpfmap_batch *batch;
	void __user *ukeys;
	void __user *uvalues;
	void *keys;
	void *values;
	u32 key_size;
	u32 value_size;
	u32 room;
	u32 done;
	bool careful;
};

static inline u32 batch_left(const struct batch_run *run)
{
	return run->batch->attr->count - run->done;
}

static inline void __user *batch_ukey(const struct batch_run *run)
{
	return run->ukeys + (u64)run->done * run->key_size;
}

static inline void __user *batch_uvalue(const struct batch_run *run)
{
	return run->uvalues + (u64)run->done * run->value_size;
}

/* batch.c */
int batch_start(struct batch_run *run, struct bpfmap_batch *batch, bool values);
int batch_alloc(struct batch_run *run);
int batch_pause(void);
int batch_copy_out_count(const struct batch_run *run);

/* batch_write.c */
u32 batch_copy_in(void *to, const void __user *from, u32 nr, u32 size);
u32 batch_copy_in_elems(struct batch_run *run, u32 nr);
int batch_update_chunk(struct bpfmap *map, struct bpfmap_run *run);
int batch_delete_chunk(struct bpfmap *map, struct bpfmap_run *run);
int bpfmap_update_batch(struct bpfmap_batch *batch);
int bpfmap_delete_batch(struct bpfmap_batch *batch);

#endif /* _BPFMAP_BATCH_RUN_H */
