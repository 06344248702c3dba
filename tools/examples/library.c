// SPDX-License-Identifier: GPL-2.0-only
/* The same with libbpfmap, which has libbpf's functions */
#include <stdio.h>
#include <string.h>
#include <bpfmap.h>

int main(void)
{
	BPFMAP_OPTS(bpfmap_create_opts, opts, .map_flags = BPFMAP_F_NO_PREALLOC);
	__u64 value = 42, found = 0;
	__u32 key = 1;
	int map, err;

	map = bpfmap_create(BPFMAP_TYPE_HASH, "example", sizeof(key),
			    sizeof(value), 100, &opts);
	if (map < 0) {
		fprintf(stderr, "bpfmap_create: %s\n", strerror(-map));
		return 1;
	}
	err = bpfmap_update_elem(map, &key, &value, BPFMAP_F_NOEXIST);
	if (!err)
		err = bpfmap_lookup_elem(map, &key, &found);
	if (err) {
		fprintf(stderr, "element: %s\n", strerror(-err));
		return 1;
	}
	printf("key %u has value %llu\n", key, found);
	return found != value;
}
