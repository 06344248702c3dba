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

#endif /* _BPFMAP_BATCH_H */
