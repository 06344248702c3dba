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

int bpfmap_lookup_bucket_batch(struct bpfmap_batch *batch);
int bpfmap_lookup_and_delete_bucket_batch(struct bpfmap_batch *batch);
int bpfmap_lookup_key_batch(struct bpfmap_batch *batch);
int bpfmap_lookup_from_batch(struct bpfmap_batch *batch);
int bpfmap_lookup_and_delete_from_batch(struct bpfmap_batch *batch);
int bpfmap_update_batch(struct bpfmap_batch *batch);
int bpfmap_delete_batch(struct bpfmap_batch *batch);

#endif /* _BPFMAP_BATCH_H */
