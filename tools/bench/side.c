// SPDX-License-Identifier: GPL-2.0-only
/*
 * bpf(2) and bpfmap, each by a bare system call
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "bench.h"

bool use_device;

static long bpf_call(int fd, unsigned int cmd, void *attr, unsigned int size)
{
	(void)fd;
	return syscall(SYS_bpf, cmd, attr, size);
}

static long bpfmap_call(int fd, unsigned int cmd, void *attr,
			unsigned int size)
{
	return syscall(SYS_ioctl, fd, BPFMAP_IOC(cmd, size), attr);
}

/* Anybody with access to bpf(2) can create a small array. */
static bool bpf_open(struct side *side)
{
	const struct bpfmap_create_attr attr = {
		.map_type = BPFMAP_TYPE_ARRAY,
		.key_size = 4,
		.value_size = 8,
		.max_entries = 1,
	};
	struct target target;
	int err = target_create(&target, side, &attr);

	if (!err) {
		target_close(&target);
		return true;
	}
	side->why = err == -EPERM ? "no permission (CAP_BPF)" :
		    errno_name(-err);
	return false;
}

static bool bpfmap_open(struct side *side)
{
	side->device = open("/dev/bpfmap", O_RDWR | O_CLOEXEC);
	if (side->device >= 0)
		return true;
	side->why = errno == ENOENT ? "no /dev/bpfmap: is the module loaded?" :
				      strerror(errno);
	return false;
}

struct side sides[SIDES] = {
	[BPF] = { "bpf(2)", bpf_call, bpf_open, NULL, -1, false },
	[BPFMAP] = { "bpfmap", bpfmap_call, bpfmap_open, NULL, -1, false },
};

void sides_open(void)
{
	unsigned int nr = 0;
	int i;

	for (i = 0; i < SIDES; i++) {
		sides[i].there = sides[i].open(&sides[i]);
		nr += sides[i].there;
		if (!sides[i].there)
			fprintf(stderr, "bpfmap-bench: %s: %s; not measured\n",
				sides[i].name, sides[i].why);
	}
	if (!nr)
		die("nothing to measure");
}

int target_create(struct target *target, const struct side *side,
		  const struct bpfmap_create_attr *attr)
{
	/* Older kernels know a shorter attr; the rest is zero for these types */
	const unsigned int size = offsetof(struct bpfmap_create_attr,
					   value_type_btf_obj_fd);
	struct bpfmap_create_attr copy = *attr;
	long map = side->call(side->device, BPFMAP_CMD_MAP_CREATE, &copy, size);

	if (map < 0)
		return -errno;
	target->side = side;
	target->map = map;
	target->inner = -1;
	if (side->device < 0 || use_device) {
		target->fd = side->device;
		target->map_fd = map;
	} else {
		target->fd = map;
		target->map_fd = 0;
	}
	return 0;
}

static unsigned int map_id(const struct target *target)
{
	struct bpfmap_info info = { 0 };
	struct bpfmap_info_attr attr = {
		.bpf_fd = target->map_fd,
		/* As much as every kernel has */
		.info_len = 80,
		.info = (unsigned long)&info,
	};

	if (target_call(target, BPFMAP_CMD_OBJ_GET_INFO_BY_FD, &attr,
			sizeof(attr)))
		die("%s: no information about a map: %s", target->side->name,
		    errno_name(errno));
	return info.id;
}

int target_create_outer(struct target *target, const struct side *side,
			struct bpfmap_create_attr *attr)
{
	const struct bpfmap_create_attr inner_attr = {
		.map_type = BPFMAP_TYPE_ARRAY,
		.key_size = 4,
		.value_size = 8,
		.max_entries = 1,
	};
	struct target inner;
	int err = target_create(&inner, side, &inner_attr);

	if (err)
		return err;
	attr->inner_map_fd = inner.map;
	err = target_create(target, side, attr);
	if (err) {
		target_close(&inner);
		return err;
	}
	target->inner = inner.map;
	target->inner_id = map_id(&inner);
	return 0;
}

void target_close(struct target *target)
{
	close(target->map);
	if (target->inner >= 0)
		close(target->inner);
}
