// SPDX-License-Identifier: GPL-2.0-only
/* The device without any library: bpf(2)'s attr, in an ioctl */
#include <fcntl.h>
#include <stdio.h>
#include <sys/ioctl.h>
#include <linux/bpf.h>
#include <linux/bpfmap.h>

int main(void)
{
	union bpf_attr create = {
		.map_type = BPF_MAP_TYPE_HASH,
		.key_size = sizeof(__u32),
		.value_size = sizeof(__u64),
		.max_entries = 100,
		.map_name = "example",
	};
	__u32 key = 1;
	__u64 value = 42, found = 0;
	union bpf_attr update = {
		.key = (unsigned long)&key,
		.value = (unsigned long)&value,
	};
	union bpf_attr lookup = {
		.key = (unsigned long)&key,
		.value = (unsigned long)&found,
	};
	int device, map;

	device = open("/dev/bpfmap", O_RDWR | O_CLOEXEC);
	if (device < 0) {
		perror("/dev/bpfmap");
		return 1;
	}
	/* bpf(BPF_MAP_CREATE, &create, sizeof(create)) becomes */
	map = ioctl(device, BPFMAP_IOC(BPF_MAP_CREATE, sizeof(create)), &create);
	if (map < 0) {
		perror("BPF_MAP_CREATE");
		return 1;
	}

	/* A map is named by map_fd on the device, as in bpf(2) ... */
	update.map_fd = map;
	if (ioctl(device, BPFMAP_IOC(BPF_MAP_UPDATE_ELEM, sizeof(update)),
		  &update)) {
		perror("BPF_MAP_UPDATE_ELEM");
		return 1;
	}
	/* ... or, which is faster, by the descriptor itself; map_fd is then 0 */
	if (ioctl(map, BPFMAP_IOC(BPF_MAP_LOOKUP_ELEM, sizeof(lookup)),
		  &lookup)) {
		perror("BPF_MAP_LOOKUP_ELEM");
		return 1;
	}
	printf("key %u has value %llu\n", key, found);
	return found != value;
}
