/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The oracle: what a map should say, from a list that is searched from its
 * start. It shares no code and no design with the module, only
 * the rules of Documentation/abi.rst.
 */
#ifndef _BPFMAP_KUNIT_MODEL_H
#define _BPFMAP_KUNIT_MODEL_H

#include <linux/list.h>
#include <linux/types.h>

struct bpfmap;
struct map_shape;

/**
 * struct model_elem - an element
 * @list: in model.elems, or model.unused and then all zero behind it
 * @seen: for the walk of model_differs()
 * @data: key, and a value, or one for each CPU up to nr_cpu_ids
 */
struct model_elem {
	struct list_head list;
	bool seen;
	u8 data[];
};

/**
 * struct model - a map
 * @shape: type and sizes
 * @nr: elements
 * @elem_size: bytes from one element to the next
 * @elems: the elements, the oldest first
 * @unused: room for more
 */
struct model {
	const struct map_shape *shape;
	u32 nr;
	size_t elem_size;
	struct list_head elems;
	struct list_head unused;
};

/*
 * @cpu is that of the caller: what the calls without BPFMAP_F_CPU mean for
 * per-CPU types. Results are 0 or a negative errno.
 */
struct model *model_create(const struct map_shape *shape);
void model_free(struct model *m);
void *model_lookup(struct model *m, const void *key, int cpu);
int model_copy(struct model *m, const void *key, void *value, u64 flags,
	       int cpu);
int model_update(struct model *m, const void *key, const void *value,
		 u64 flags, int cpu);
int model_delete(struct model *m, const void *key);
bool model_next_key_fits(struct model *m, const void *key, int result,
			 const void *next_key);
const char *model_differs(struct model *m, struct bpfmap *map);

#endif /* _BPFMAP_KUNIT_MODEL_H */
