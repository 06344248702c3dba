// SPDX-License-Identifier: GPL-2.0-only
/*
 * What bpfmap_create() refuses although MAP_CREATE does not, and that it says
 * the same otherwise. tools/tests/contract_create.c has every kind of request.
 */
#include <linux/numa.h>

#include "contract.h"

#define MAP(t, key, value, max)						\
	.map_type = BPFMAP_TYPE_##t, .key_size = key,			\
	.value_size = value, .max_entries = max
#define GOOD		MAP(HASH, 4, 8, 1)
#define BAD_SIZE	MAP(HASH, 4, U32_MAX, 1)

static const struct {
	const char *name;
	struct bpfmap_create_attr attr;
	int err;
} rows[] = {
	/* What belongs to a descriptor, a token or a program */
	{ "rdonly", { GOOD, .map_flags = BPFMAP_F_RDONLY }, -EINVAL },
	{ "wronly", { GOOD, .map_flags = BPFMAP_F_WRONLY }, -EINVAL },
	{ "token", { GOOD, .map_flags = BPFMAP_F_TOKEN_FD }, -EINVAL },
	{ "exclusive", { GOOD, .excl_prog_hash = 8, .excl_prog_hash_size = 32 },
	  -EINVAL },
	{ "size of a hash", { GOOD, .excl_prog_hash_size = 32 }, -EINVAL },
	{ "BTF of the key", { GOOD, .btf_key_type_id = 1 }, -EINVAL },
	{ "BTF of the value", { GOOD, .btf_value_type_id = 1 }, -EINVAL },
	{ "BTF of the kernel", { GOOD, .btf_vmlinux_value_type_id = 1 }, -EINVAL },
	{ "these first", { BAD_SIZE, .map_flags = BPFMAP_F_RDONLY }, -EINVAL },
	/* Descriptors that nothing uses */
	{ "inner_map_fd", { GOOD, .inner_map_fd = 12345 } },
	{ "btf_fd", { GOOD, .btf_fd = 12345 } },
	{ "map_token_fd", { GOOD, .map_token_fd = 12345 } },
	/* As MAP_CREATE */
	{ "good", { GOOD } },
	{ "no type", { MAP(UNSPEC, 4, 8, 1) }, -EINVAL },
	{ "no element", { MAP(HASH, 4, 8, 0) }, -EINVAL },
	{ "too large", { BAD_SIZE }, -E2BIG },
	{ "more than there is", { MAP(ARRAY, 4, 32768, U32_MAX) }, -ENOMEM },
	{ "both ways", { GOOD, .map_flags = BPFMAP_F_RDONLY_PROG |
					    BPFMAP_F_WRONLY_PROG }, -EINVAL },
	{ "flag of another type", { MAP(LRU_HASH, 4, 8, 1),
				    .map_flags = BPFMAP_F_NO_PREALLOC }, -ENOTSUPP },
	{ "node", { GOOD, .map_flags = BPFMAP_F_NUMA_NODE,
		    .numa_node = MAX_NUMNODES }, -EINVAL },
	{ "any node", { GOOD, .map_flags = BPFMAP_F_NUMA_NODE,
			.numa_node = NUMA_NO_NODE } },
	{ "device", { GOOD, .map_ifindex = 1 }, -EINVAL },
	{ "hint", { GOOD, .map_extra = 1 }, -EINVAL },
	{ "name", { GOOD, .map_name = "aA_.0zZ9bB_.1yY" } },
	{ "wrong name", { GOOD, .map_name = "a-b" }, -EINVAL },
};

/**
 * contract_create() - go through all requests
 * @test: the test
 */
void contract_create(struct kunit *test)
{
	struct bpfmap *map;
	int i;

	for (i = 0; i < ARRAY_SIZE(rows); i++) {
		map = bpfmap_create(&rows[i].attr);
		KUNIT_EXPECT_EQ_MSG(test, PTR_ERR_OR_ZERO(map), rows[i].err,
				    "%s", rows[i].name);
		if (!IS_ERR(map))
			bpfmap_put(map);
	}
}
