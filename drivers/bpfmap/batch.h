/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef _BPFMAP_BATCH_H
#define _BPFMAP_BATCH_H

#include "internal.h"

/**
 * struct bpfmap_batch - a batch command
 * @map: the map
 * @attr: what user space asked for
 * @uattr: where count goes
 */
struct bpfmap_batch {
	struct bpfmap *map;
	const struct bpfmap_batch_attr *attr;
	struct bpfmap_batch_attr __user *uattr;
};

/**
 * struct bpfmap_batch_ops - the batch commands of a map type; NULL: ENOTSUPP
 * @lookup: LOOKUP_BATCH
 * @lookup_and_delete: LOOKUP_AND_DELETE_BATCH
 * @update: UPDATE_BATCH
 * @delete: DELETE_BATCH
 *
 * There is one for each kind of cursor. The errnos are those of the commands in
 * <uapi/linux/bpfmap.h>.
 */
struct bpfmap_batch_ops {
	int (*lookup)(struct bpfmap_batch *batch);
	int (*lookup_and_delete)(struct bpfmap_batch *batch);
	int (*update)(struct bpfmap_batch *batch);
	int (*delete)(struct bpfmap_batch *batch);
};

extern const struct bpfmap_batch_ops bpfmap_batch_by_bucket;
extern const struct bpfmap_batch_ops bpfmap_batch_by_key;
extern const struct bpfmap_batch_ops bpfmap_batch_by_index;
extern const struct bpfmap_batch_ops bpfmap_batch_by_next_key;

/* batch_many.c */
int bpfmap_many_lookup(struct bpfmap_batch *batch);
int bpfmap_many_lookup_and_delete(struct bpfmap_batch *batch);
int bpfmap_many_update(struct bpfmap_batch *batch);
int bpfmap_many_delete(struct bpfmap_batch *batch);

/**
 * enum bpfmap_walk_from - where a walk by keys starts
 * @BPFMAP_WALK_START: at the first key
 * @BPFMAP_WALK_AFTER: after a key; at the first one if the key is absent
 * @BPFMAP_WALK_ON: after a key; if it is absent, at the place where it was or
 *		    would be, if the type can find it
 */
enum bpfmap_walk_from {
	BPFMAP_WALK_START,
	BPFMAP_WALK_AFTER,
	BPFMAP_WALK_ON,
};

/**
 * struct bpfmap_walk - one step of a batch over a map
 * @pos: walks by buckets; in: first bucket to visit; out: first one not visited
 * @from: walks by keys: where to start
 * @key: walks by keys: key_size bytes, aligned to 8; in: for @from; out: last
 *	 key visited
 * @room: elements that fit into @keys and @values
 * @nr: out: elements copied
 * @need: out, with -ENOSPC: elements at position @pos
 * @flags: element flags; select what is copied of a per-CPU value
 * @remove: also remove the elements from the map
 * @keys: packed keys
 * @values: packed values, in the user's layout
 * @ukeys: user's packed keys, for types with walk_direct: copy there instead of
 *	   to @keys and @values, or return -EFAULT with nothing copied; NULL:
 *	   not used
 * @uvalues: user's packed values, likewise
 * @take: for a hash whose stored values differ from what users see: called
 *	  instead of copying @value to @place, with the bucket locked or the
 *	  element removed
 */
struct bpfmap_walk {
	u32 pos;
	enum bpfmap_walk_from from;
	void *key;
	u32 room;
	u32 nr;
	u32 need;
	u64 flags;
	bool remove;
	void *keys;
	void *values;
	void __user *ukeys;
	void __user *uvalues;
	void (*take)(struct bpfmap_walk *walk, u32 place, const void *value);
};

/**
 * struct bpfmap_run - elements of a batch that are written in sequence
 * @keys: packed keys
 * @values: packed values, in the user's layout; not for removals
 * @flags: element flags
 * @nr: number of elements
 * @done: number already written
 */
struct bpfmap_run {
	const void *keys;
	const void *values;
	u64 flags;
	u32 nr;
	u32 done;
};

/**
 * struct bpfmap_many - elements that are looked up at a time
 * @keys: packed keys, aligned to 8
 * @values: out: packed values, in the user's layout; zeros where there is none
 * @results: out: 0 or -errno for each
 * @flags: element flags
 * @nr: number of elements; with their values BPFMAP_ATOMIC_COPY bytes at most
 */
struct bpfmap_many {
	const void *keys;
	void *values;
	s32 *results;
	u64 flags;
	u32 nr;
};

/*
 * Maximum number of elements written at once with interrupts off. A batch's
 * buffer never has more of them than fit into 4 KiB, or a single larger one.
 */
#define BPFMAP_RUN	16

/* Where to enable interrupts when writing elements from @run->done on */
static inline u32 bpfmap_run_end(const struct bpfmap_run *run)
{
	return run->done + min_t(u32, run->nr - run->done, BPFMAP_RUN);
}

#endif /* _BPFMAP_BATCH_H */
