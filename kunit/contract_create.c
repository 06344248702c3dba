// SPDX-License-Identifier: GPL-2.0-only
/*
 * What bpfmap_create() says to every kind of request
 */
#include <linux/numa.h>
#include <linux/sizes.h>

#include "contract.h"

/* bpf(2)'s limit: KMALLOC_MAX_SIZE of 4 MiB without an element's header */
#define HASH_ELEM_LIMIT	((4U << 20) - 48)

#define PERCPU_LIMIT	32768U

/* With values of 32 KiB more than any machine that runs this has */
#define MANY		SZ_1M

#define TYPE(t, key, value, max)					\
	.attr.map_type = BPFMAP_TYPE_##t, .attr.key_size = key,		\
	.attr.value_size = value, .attr.max_entries = max
#define FLAGS(f)	.attr.map_flags = f

/**
 * struct create_row - a request
 * @name: what is special about it
 * @attr: the request
 * @err: result; 0 for a map
 */
struct create_row {
	const char *name;
	struct bpfmap_create_attr attr;
	int err;
};

#define PROG_BOTH	(BPFMAP_F_RDONLY_PROG | BPFMAP_F_WRONLY_PROG)

/* Rows for HASH and PERCPU_HASH alike */
#define HASH_ROWS(t)							\
	{ #t, TYPE(t, 8, 8, 1) },					\
	{ #t " key 0", TYPE(t, 0, 8, 1), .err = -EINVAL },		\
	{ #t " value 0", TYPE(t, 8, 0, 1), .err = -EINVAL },		\
	{ #t " max 0", TYPE(t, 8, 8, 0), .err = -EINVAL },		\
	{ #t " key over limit", TYPE(t, HASH_ELEM_LIMIT - 8, 8, 1),	\
	  .err = -E2BIG },						\
	{ #t " key 2^32-1", TYPE(t, U32_MAX, 8, 1), .err = -E2BIG },	\
	{ #t " sum of sizes wraps", TYPE(t, U32_MAX, U32_MAX, 1),	\
	  .err = -E2BIG },						\
	{ #t " max 0 before sizes", TYPE(t, U32_MAX, 8, 0),		\
	  .err = -EINVAL },						\
	{ #t " max over 2^27", TYPE(t, 8, 8, (1U << 27) + 1),		\
	  .err = -E2BIG },						\
	{ #t " max over 2^31", TYPE(t, 8, 8, (1U << 31) + 1),		\
	  .err = -E2BIG },						\
	{ #t " max 2^32-1", TYPE(t, 8, 8, U32_MAX), .err = -E2BIG },	\
	{ #t " no_prealloc, max 2^32-1", TYPE(t, 8, 8, U32_MAX),	\
	  FLAGS(BPFMAP_F_NO_PREALLOC), .err = -E2BIG },			\
	{ #t " more than there is", TYPE(t, 8, 32768, MANY),		\
	  .err = -ENOMEM },						\
	{ #t " no_prealloc", TYPE(t, 8, 8, 1),				\
	  FLAGS(BPFMAP_F_NO_PREALLOC) },				\
	{ #t " zero_seed", TYPE(t, 8, 8, 1),				\
	  FLAGS(BPFMAP_F_ZERO_SEED) },					\
	{ #t " mmapable", TYPE(t, 8, 8, 1), FLAGS(BPFMAP_F_MMAPABLE),	\
	  .err = -EINVAL },						\
	{ #t " inner_map", TYPE(t, 8, 8, 1), FLAGS(BPFMAP_F_INNER_MAP),	\
	  .err = -EINVAL },						\
	{ #t " flags before sizes", TYPE(t, U32_MAX, 8, 1),		\
	  FLAGS(BPFMAP_F_MMAPABLE), .err = -EINVAL }

/* Rows for ARRAY and PERCPU_ARRAY alike */
#define ARRAY_ROWS(t)							\
	{ #t, TYPE(t, 4, 8, 1) },					\
	{ #t " key 0", TYPE(t, 0, 8, 1), .err = -EINVAL },		\
	{ #t " key 3", TYPE(t, 3, 8, 1), .err = -EINVAL },		\
	{ #t " key 8", TYPE(t, 8, 8, 1), .err = -EINVAL },		\
	{ #t " value 0", TYPE(t, 4, 0, 1), .err = -EINVAL },		\
	{ #t " max 0", TYPE(t, 4, 8, 0), .err = -EINVAL },		\
	{ #t " value 2^31", TYPE(t, 4, 1U << 31, 1), .err = -E2BIG },	\
	{ #t " value 2^32-1", TYPE(t, 4, U32_MAX, 1), .err = -E2BIG },	\
	{ #t " max 0 before value", TYPE(t, 4, U32_MAX, 0),		\
	  .err = -EINVAL },						\
	{ #t " more than there is", TYPE(t, 4, 32768, U32_MAX),		\
	  .err = -ENOMEM },						\
	{ #t " no_prealloc", TYPE(t, 4, 8, 1),				\
	  FLAGS(BPFMAP_F_NO_PREALLOC), .err = -EINVAL },		\
	{ #t " zero_seed", TYPE(t, 4, 8, 1),				\
	  FLAGS(BPFMAP_F_ZERO_SEED), .err = -EINVAL },			\
	{ #t " flags before value", TYPE(t, 4, U32_MAX, 1),		\
	  FLAGS(BPFMAP_F_NO_PREALLOC), .err = -EINVAL }

/* Rows for the per-CPU types alike; a multiple of 8 is what counts */
#define PERCPU_ROWS(t)							\
	{ #t " value at limit", TYPE(t, 4, PERCPU_LIMIT, 1) },		\
	{ #t " value below limit", TYPE(t, 4, PERCPU_LIMIT - 1, 1) },	\
	{ #t " value over limit", TYPE(t, 4, PERCPU_LIMIT + 1, 1),	\
	  .err = -E2BIG },						\
	{ #t " numa_node 0", TYPE(t, 4, 8, 1),				\
	  FLAGS(BPFMAP_F_NUMA_NODE), .err = -EINVAL },			\
	{ #t " numa_node -1", TYPE(t, 4, 8, 1),				\
	  FLAGS(BPFMAP_F_NUMA_NODE), .attr.numa_node = NUMA_NO_NODE },	\
	{ #t " numa_node 0 before limit",				\
	  TYPE(t, 4, PERCPU_LIMIT + 1, 1),				\
	  FLAGS(BPFMAP_F_NUMA_NODE), .err = -EINVAL }

/* Rows for types with one value alike */
#define PLAIN_ROWS(t)							\
	{ #t " numa_node 0", TYPE(t, 4, 8, 1),				\
	  FLAGS(BPFMAP_F_NUMA_NODE) },					\
	{ #t " numa_node -1", TYPE(t, 4, 8, 1),				\
	  FLAGS(BPFMAP_F_NUMA_NODE), .attr.numa_node = NUMA_NO_NODE }

/* Flags that all types refuse */
#define REFUSED(t, flag)						\
	{ #t " " #flag, TYPE(t, 4, 8, 1), FLAGS(BPFMAP_F_##flag),	\
	  .err = -EINVAL }

/* Rows that concern no type, tried with each */
#define COMMON_ROWS(t)							\
	{ #t " numa_node without flag", TYPE(t, 4, 8, 1),		\
	  .attr.numa_node = 12345 },					\
	{ #t " numa_node too large", TYPE(t, 4, 8, 1),			\
	  FLAGS(BPFMAP_F_NUMA_NODE), .attr.numa_node = MAX_NUMNODES,	\
	  .err = -EINVAL },						\
	{ #t " numa_node -2", TYPE(t, 4, 8, 1),				\
	  FLAGS(BPFMAP_F_NUMA_NODE), .attr.numa_node = -2,		\
	  .err = -EINVAL },						\
	{ #t " rdonly_prog", TYPE(t, 4, 8, 1),				\
	  FLAGS(BPFMAP_F_RDONLY_PROG) },				\
	{ #t " wronly_prog", TYPE(t, 4, 8, 1),				\
	  FLAGS(BPFMAP_F_WRONLY_PROG) },				\
	{ #t " both of them", TYPE(t, 4, 8, 1), FLAGS(PROG_BOTH),	\
	  .err = -EINVAL },						\
	REFUSED(t, RDONLY), REFUSED(t, WRONLY), REFUSED(t, TOKEN_FD),	\
	REFUSED(t, NO_COMMON_LRU), REFUSED(t, STACK_BUILD_ID),		\
	REFUSED(t, CLONE), REFUSED(t, PRESERVE_ELEMS),			\
	REFUSED(t, LINK), REFUSED(t, PATH_FD),				\
	REFUSED(t, VTYPE_BTF_OBJ_FD), REFUSED(t, SEGV_ON_FAULT),	\
	REFUSED(t, NO_USER_CONV), REFUSED(t, RB_OVERWRITE),		\
	{ #t " flag 31", TYPE(t, 4, 8, 1), FLAGS(1U << 31),		\
	  .err = -EINVAL },						\
	{ #t " map_extra", TYPE(t, 4, 8, 1), .attr.map_extra = 1,	\
	  .err = -EINVAL },						\
	{ #t " map_ifindex", TYPE(t, 4, 8, 1), .attr.map_ifindex = 1,	\
	  .err = -EINVAL },						\
	{ #t " inner_map_fd", TYPE(t, 4, 8, 1),				\
	  .attr.inner_map_fd = 12345 },					\
	{ #t " btf_fd", TYPE(t, 4, 8, 1), .attr.btf_fd = 12345 },	\
	{ #t " btf_key_type_id", TYPE(t, 4, 8, 1),			\
	  .attr.btf_key_type_id = 1, .err = -EINVAL },			\
	{ #t " btf_vmlinux_value_type_id", TYPE(t, 4, 8, 1),		\
	  .attr.btf_vmlinux_value_type_id = 1, .err = -EINVAL },	\
	{ #t " map_token_fd", TYPE(t, 4, 8, 1),				\
	  .attr.map_token_fd = 12345 },					\
	{ #t " name of 15", TYPE(t, 4, 8, 1),				\
	  .attr.map_name = "aA_.0zZ9bB_.1yY" },				\
	{ #t " name of 16", TYPE(t, 4, 8, 1),				\
	  .attr.map_name = { [0 ... BPFMAP_NAME_LEN - 1] = 'a' },	\
	  .err = -EINVAL },						\
	{ #t " name with a dash", TYPE(t, 4, 8, 1),			\
	  .attr.map_name = "a-b", .err = -EINVAL },			\
	{ #t " name with a blank", TYPE(t, 4, 8, 1),			\
	  .attr.map_name = "a b", .err = -EINVAL },			\
	{ #t " name with more after the NUL", TYPE(t, 4, 8, 1),		\
	  .attr.map_name = { 'a', 0, '-', '/', ' ' } }

static const struct create_row create_rows[] = {
	{ "no type", TYPE(UNSPEC, 4, 8, 1), .err = -EINVAL },
	{ "type 3", .attr.map_type = 3, .attr.key_size = 4,
	  .attr.value_size = 4, .attr.max_entries = 1, .err = -EINVAL },
	{ "type 1000", .attr.map_type = 1000, .attr.key_size = 4,
	  .attr.value_size = 8, .attr.max_entries = 1, .err = -EINVAL },
	{ "type 2^32-1", .attr.map_type = U32_MAX, .attr.key_size = 4,
	  .attr.value_size = 8, .attr.max_entries = 1, .err = -EINVAL },
	HASH_ROWS(HASH),
	HASH_ROWS(PERCPU_HASH),
	ARRAY_ROWS(ARRAY),
	ARRAY_ROWS(PERCPU_ARRAY),
	PERCPU_ROWS(PERCPU_HASH),
	PERCPU_ROWS(PERCPU_ARRAY),
	PLAIN_ROWS(HASH),
	PLAIN_ROWS(ARRAY),
	COMMON_ROWS(HASH),
	COMMON_ROWS(PERCPU_HASH),
	COMMON_ROWS(ARRAY),
	COMMON_ROWS(PERCPU_ARRAY),

	PERCPU_ROWS(LRU_PERCPU_HASH),
	PLAIN_ROWS(LRU_HASH),
	{ "LRU_HASH no_common_lru", TYPE(LRU_HASH, 4, 8, 1),
	  FLAGS(BPFMAP_F_NO_COMMON_LRU) },
	{ "LRU_HASH no_common_lru, numa_node 0", TYPE(LRU_HASH, 4, 8, 1),
	  FLAGS(BPFMAP_F_NO_COMMON_LRU | BPFMAP_F_NUMA_NODE), .err = -EINVAL },
	{ "LRU_HASH no_prealloc", TYPE(LRU_HASH, 4, 8, 1),
	  FLAGS(BPFMAP_F_NO_PREALLOC), .err = -ENOTSUPP },
	{ "LRU_HASH no_prealloc before max 0", TYPE(LRU_HASH, 4, 8, 0),
	  FLAGS(BPFMAP_F_NO_PREALLOC), .err = -ENOTSUPP },
	{ "LRU_HASH flags before no_prealloc", TYPE(LRU_HASH, 4, 8, 1),
	  FLAGS(BPFMAP_F_NO_PREALLOC | BPFMAP_F_MMAPABLE), .err = -EINVAL },
	{ "LRU_HASH no_common_lru, max 2^32-1", TYPE(LRU_HASH, 4, 8, U32_MAX),
	  FLAGS(BPFMAP_F_NO_COMMON_LRU), .err = -E2BIG },
	{ "LRU_HASH more than there is", TYPE(LRU_HASH, 8, 32768, MANY),
	  .err = -ENOMEM },

	{ "HASH value at limit", TYPE(HASH, 8, HASH_ELEM_LIMIT - 9, 1) },
	{ "HASH value over limit", TYPE(HASH, 8, HASH_ELEM_LIMIT - 8, 1),
	  .err = -E2BIG },
	{ "HASH key at limit", TYPE(HASH, HASH_ELEM_LIMIT - 9, 8, 1) },
	{ "ARRAY mmapable", TYPE(ARRAY, 4, 8, 1), FLAGS(BPFMAP_F_MMAPABLE) },
	{ "ARRAY inner_map", TYPE(ARRAY, 4, 8, 1), FLAGS(BPFMAP_F_INNER_MAP) },
	{ "ARRAY value 2^31-1", TYPE(ARRAY, 4, S32_MAX, U32_MAX),
	  .err = -ENOMEM },
	{ "ARRAY mmapable, more than there is", TYPE(ARRAY, 4, 8, U32_MAX),
	  FLAGS(BPFMAP_F_MMAPABLE), .err = -ENOMEM },
	{ "PERCPU_ARRAY mmapable", TYPE(PERCPU_ARRAY, 4, 8, 1),
	  FLAGS(BPFMAP_F_MMAPABLE), .err = -EINVAL },
	{ "PERCPU_ARRAY inner_map", TYPE(PERCPU_ARRAY, 4, 8, 1),
	  FLAGS(BPFMAP_F_INNER_MAP), .err = -EINVAL },
};

/**
 * contract_create() - go through all requests
 * @test: the test
 */
void contract_create(struct kunit *test)
{
	struct bpfmap *map;
	int i;

	for (i = 0; i < ARRAY_SIZE(create_rows); i++) {
		const struct create_row *row = &create_rows[i];

		map = bpfmap_create(&row->attr);
		KUNIT_EXPECT_EQ_MSG(test, PTR_ERR_OR_ZERO(map), row->err, "%s",
				    row->name);
		if (!IS_ERR(map))
			bpfmap_put(map);
	}
}
