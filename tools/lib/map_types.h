/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * The map types and create flags of <linux/bpfmap_types.h> as tables, for
 * everything under tools. Not installed.
 */
#ifndef __BPFMAP_LIB_MAP_TYPES_H
#define __BPFMAP_LIB_MAP_TYPES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <linux/bpfmap.h>

enum keys { KEYS_NONE, KEYS_BYTES, KEYS_SHORT, KEYS_INDEX, KEYS_PREFIX };
enum values { VALUES_NONE, VALUES_BYTES, VALUES_PERCPU, VALUES_MAPS };
enum batch_cursor { CURSOR_NONE, CURSOR_BUCKET, CURSOR_KEY };

/*
 * A row of the list, which explains the members. NAME is in capitals, as in the
 * name of the number, which is type.
 */
struct type_row {
	const char *NAME;
	const char *name;
	uint32_t type;
	enum keys keys;
	enum values values;
	enum batch_cursor cursor;
	uint32_t must;
	uint32_t may;
	unsigned int since;
	unsigned int props;
};

static const struct type_row type_rows[] = {
#define BPFMAP_MAP_TYPE(NAME, name, key, value, cursor, must, may, since, props) \
	{ #NAME, #name, BPFMAP_TYPE_##NAME, KEYS_##key, VALUES_##value,	\
	  CURSOR_##cursor, must, may, since, props },
#include "../../include/linux/bpfmap_types.h"
#undef BPFMAP_MAP_TYPE
};

enum {
#define BPFMAP_MAP_TYPE(NAME, ...) TYPE_ROW_##NAME,
#include "../../include/linux/bpfmap_types.h"
#undef BPFMAP_MAP_TYPE
	N_TYPE_ROWS
};

/* Names by bit; NULL: no flag */
static const char *const create_flag_names[32] = {
#define BPFMAP_CREATE_FLAG(NAME)					\
	[__builtin_ctz(BPFMAP_F_##NAME)] = #NAME,
#include "../../include/linux/bpfmap_types.h"
#undef BPFMAP_CREATE_FLAG
};

/* NULL: the device has no such type */
static inline const struct type_row *type_row(uint32_t type)
{
	for (size_t i = 0; i < N_TYPE_ROWS; i++)
		if (type_rows[i].type == type)
			return &type_rows[i];
	return NULL;
}

/* Does a kernel have it whose longs are as long as this program's? */
static inline bool is_here(const struct type_row *t)
{
	return t->type != BPFMAP_TYPE_ARENA || sizeof(long) == 8;
}

/* An ordinary map of the type; one of maps needs inner_map_fd as well */
static inline struct bpfmap_create_attr type_row_attr(const struct type_row *t)
{
	static const uint32_t keys[] = {
		[KEYS_BYTES] = 8, [KEYS_SHORT] = 8, [KEYS_INDEX] = 4,
		[KEYS_PREFIX] = 8,
	};
	static const uint32_t values[] = {
		[VALUES_BYTES] = 8, [VALUES_PERCPU] = 8, [VALUES_MAPS] = 4,
	};

	return (struct bpfmap_create_attr){
		.map_type = t->type,
		.key_size = keys[t->keys],
		.value_size = values[t->values],
		.max_entries = t->props & BPFMAP_T_RING ? 4096 : 16,
		.map_flags = t->must,
	};
}

#endif /* __BPFMAP_LIB_MAP_TYPES_H */
