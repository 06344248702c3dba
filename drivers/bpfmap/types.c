// SPDX-License-Identifier: GPL-2.0-only
/*
 * The only table from a map type's number to its operations
 *
 * What a type left out is filled in when the module is loaded, and what does
 * not fit together makes loading fail: no command calls NULL.
 */
#include <linux/err.h>
#include <linux/export.h>
#include <linux/nospec.h>
#include <linux/prefetch.h>
#include <linux/printk.h>
#include <linux/string.h>

#include "batch.h"
#include "internal.h"

static struct bpfmap_ops *const bpfmap_types[] = {
#define BPFMAP_MAP_TYPE(NAME, name, ...)				\
	[BPFMAP_TYPE_##NAME] = &bpfmap_##name##_ops,
#include <linux/bpfmap_types.h>
#undef BPFMAP_MAP_TYPE
};

static void *no_lookup_elem(struct bpfmap *map, const void *key)
{
	return NULL;
}

static int no_lookup(struct bpfmap *map, const void *key, void *value,
		     u64 flags)
{
	return map->ops->no_lookup;
}

static int no_update(struct bpfmap *map, const void *key, const void *value,
		     u64 flags, gfp_t gfp)
{
	return map->ops->no_update;
}

static int no_delete(struct bpfmap *map, const void *key)
{
	return map->ops->no_delete;
}

static int no_next_key(struct bpfmap *map, const void *key, void *next_key)
{
	return map->ops->no_next_key;
}

static void lookup_each(struct bpfmap *map, struct bpfmap_many *many)
{
	u32 stride = bpfmap_user_value_size(map, many->flags);
	const void *key = many->keys;
	void *value = many->values;
	u32 i;

	for (i = 0; i < many->nr; i++) {
		many->results[i] =
			map->ops->lookup(map, key, value, many->flags);
		if (many->results[i])
			memset(value, 0, stride);
		key += map->key_size;
		value += stride;
	}
}

static u32 lookup_each_elem(struct bpfmap *map, const void *keys, void **values,
			    u32 nr)
{
	u32 i, found = 0;

	for (i = 0; i < nr; i++, keys += map->key_size) {
		values[i] = map->ops->lookup_elem(map, keys);
		if (!values[i])
			continue;
		prefetch(values[i]);
		found++;
	}
	return found;
}

/* No batch commands */
static const struct bpfmap_batch_ops no_batch = {};

static bool errno_fits(int err, bool has_op)
{
	return has_op ? !err : err <= 0 && err >= -MAX_ERRNO;
}

static const char *check_common(const struct bpfmap_ops *ops)
{
	if (!ops->check || !ops->alloc || !ops->free || !ops->mem_usage)
		return "a required operation is missing";
	if (!errno_fits(ops->no_lookup, ops->lookup) ||
	    !errno_fits(ops->no_update, ops->update) ||
	    !errno_fits(ops->no_delete, ops->delete) ||
	    !errno_fits(ops->no_next_key, ops->get_next_key))
		return "an errno is wrong, or its operation is there";
	return NULL;
}

static const char *check_elem_ops(const struct bpfmap_ops *ops)
{
	if (!ops->lookup && (ops->lookup_elem || ops->copy ||
			     ops->lookup_by_value || ops->lookup_many))
		return "lookup is missing";
	if (ops->lookup_elems && !ops->lookup_elem)
		return "lookup_elem is missing";
	if (ops->percpu != !!ops->lookup_percpu_elem)
		return "percpu and lookup_percpu_elem need each other";
	if (!ops->set_inner != !ops->lookup_inner)
		return "set_inner and lookup_inner need each other";
	if (ops->set_inner && (ops->lookup_elem || ops->for_each))
		return "inner maps can be found as values";
	return NULL;
}

static const char *check_batch_ops(const struct bpfmap_ops *ops)
{
	const struct bpfmap_batch_ops *batch = ops->batch ?: &no_batch;
	bool from = batch == &bpfmap_batch_by_next_key;

	if (!ops->walk_from != !from)
		return "walk_from and a next key as cursor need each other";
	if (!ops->walk != !(batch->lookup && !from))
		return "walk and another cursor need each other";
	if (ops->walk_direct && !ops->walk)
		return "walk_direct needs walk";
	if ((!ops->update && batch->update) || (!ops->delete && batch->delete))
		return "a batch lacks its operation on one element";
	if ((ops->update_run && !batch->update) ||
	    (ops->delete_run && !batch->delete))
		return "a run lacks its batch";
	return NULL;
}

static const char *check_mmap_ops(const struct bpfmap_ops *ops)
{
	if (!ops->mmap && (ops->mmap_page || ops->find_held || ops->mapping ||
			   ops->get_unmapped_area))
		return "mmap is missing";
	if (ops->mmap && !ops->mmap_page == !ops->find_held)
		return "mmap needs either mmap_page or find_held";
	return NULL;
}

/**
 * bpfmap_ops_complete() - check a type's operations and fill in the defaults
 * @ops: the operations; changed only if nothing is wrong
 *
 * Return: NULL, or what is wrong.
 */
const char *bpfmap_ops_complete(struct bpfmap_ops *ops)
{
	const char *wrong = check_common(ops);

	if (!wrong)
		wrong = check_elem_ops(ops);
	if (!wrong)
		wrong = check_batch_ops(ops);
	if (!wrong)
		wrong = check_mmap_ops(ops);
	if (wrong)
		return wrong;

	ops->no_lookup = ops->no_lookup ?: -ENOTSUPP;
	ops->no_update = ops->no_update ?: -ENOTSUPP;
	ops->no_delete = ops->no_delete ?: -ENOTSUPP;
	ops->no_next_key = ops->no_next_key ?: -ENOTSUPP;
	ops->lookup_elem = ops->lookup_elem ?: no_lookup_elem;
	ops->lookup = ops->lookup ?: no_lookup;
	ops->copy = ops->copy ?: ops->lookup;
	ops->lookup_many = ops->lookup_many ?: lookup_each;
	ops->lookup_elems = ops->lookup_elems ?: lookup_each_elem;
	ops->update = ops->update ?: no_update;
	ops->delete = ops->delete ?: no_delete;
	ops->get_next_key = ops->get_next_key ?: no_next_key;
	ops->batch = ops->batch ?: &no_batch;
	return NULL;
}

#if IS_ENABLED(CONFIG_KUNIT)
EXPORT_SYMBOL_GPL(bpfmap_ops_complete);
#endif

enum { VALUE_NONE, VALUE_BYTES, VALUE_PERCPU, VALUE_MAPS };
enum { CURSOR_NONE, CURSOR_BUCKET, CURSOR_KEY };

/**
 * struct bpfmap_listed - what user space is told about a type
 * @value: kind of its values
 * @cursor: kind of its batches' cursors
 * @props: BPFMAP_T_...
 * @view: it accepts BPFMAP_F_VIEW
 */
struct bpfmap_listed {
	u8 value;
	u8 cursor;
	u8 props;
	bool view;
};

static const struct bpfmap_listed bpfmap_listed[] __initconst = {
#define BPFMAP_MAP_TYPE(NAME, name, key, value, cursor, must, may, since, props) \
	[BPFMAP_TYPE_##NAME] = { VALUE_##value, CURSOR_##cursor, props,	\
				 !!((may) & BPFMAP_F_VIEW) },
#include <linux/bpfmap_types.h>
#undef BPFMAP_MAP_TYPE
};

static bool __init is_as_listed(const struct bpfmap_ops *ops,
				const struct bpfmap_listed *listed)
{
	bool bucket = ops->batch == &bpfmap_batch_by_bucket;

	return ops->percpu == (listed->value == VALUE_PERCPU) &&
	       !!ops->set_inner == (listed->value == VALUE_MAPS) &&
	       ops->map_extra == !!(listed->props & BPFMAP_T_EXTRA) &&
	       ops->lookup_by_value == !!(listed->props & BPFMAP_T_BY_VALUE) &&
	       !!ops->view_page == listed->view &&
	       !ops->batch == (listed->cursor == CURSOR_NONE) &&
	       bucket == (listed->cursor == CURSOR_BUCKET);
}

static const char *__init check_type(u32 type)
{
	if (!is_as_listed(bpfmap_types[type], &bpfmap_listed[type]))
		return "not as in bpfmap_types.h";
	return bpfmap_ops_complete(bpfmap_types[type]);
}

/**
 * bpfmap_types_init() - check and complete all types, before the first map
 *
 * Return: 0, or -EINVAL if something is wrong with a type.
 */
int __init bpfmap_types_init(void)
{
	const char *wrong;
	u32 type;

	for (type = 0; type < ARRAY_SIZE(bpfmap_types); type++) {
		if (!bpfmap_types[type])
			continue;
		wrong = check_type(type);
		if (wrong) {
			pr_err("bpfmap: operations of type %u: %s\n", type,
			       wrong);
			return -EINVAL;
		}
	}
	return 0;
}

/**
 * bpfmap_type_ops() - operations of a map type
 * @type: any number, may come from user space
 *
 * Return: the operations, NULL if there is no such type.
 */
const struct bpfmap_ops *bpfmap_type_ops(u32 type)
{
	if (type >= ARRAY_SIZE(bpfmap_types))
		return NULL;
	return bpfmap_types[array_index_nospec(type, ARRAY_SIZE(bpfmap_types))];
}
