// SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause
/*
 * libbpfmap - the map functions of libbpf on /dev/bpfmap
 *
 * Commands that concern one map go to that map's own descriptor, which saves
 * the kernel the look-up of a second one. Only what makes a descriptor, or
 * knows none yet, needs the device.
 */
#define _GNU_SOURCE /* O_PATH */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "internal.h"

#define DEVICE "/dev/bpfmap"

#define ARRAY_SIZE(a) (sizeof(a) / sizeof((a)[0]))

static __u64 ptr_to_u64(const void *ptr)
{
	return (uintptr_t)ptr;
}

/* Exchange a descriptor for one of a number above @low */
static int dup_above(int fd, int low)
{
	int copy = fcntl(fd, F_DUPFD_CLOEXEC, low + 1);
	int err = errno;

	close(fd);
	errno = err;
	return copy;
}

/* Keep clear of stdin, stdout and stderr, which a program may have closed */
static int above_stdio(int fd)
{
	if (fd < 0 || fd > STDERR_FILENO)
		return fd;
	return dup_above(fd, STDERR_FILENO);
}

/*
 * The device's descriptor, opened once. No lock guards it, so that a child
 * forked while another thread was here can go on. Programs do close
 * descriptors they know nothing of (closefrom(3)): then it is opened anew.
 */
static atomic_int device_fd = -1;

static int device_open(int stale)
{
	int fd = above_stdio(open(DEVICE, O_RDWR | O_CLOEXEC));

	/* Under the same number, another thread would take it for the stale one */
	if (fd >= 0 && fd == stale)
		fd = dup_above(fd, stale);
	if (fd < 0)
		return fd;
	if (atomic_compare_exchange_strong(&device_fd, &stale, fd))
		return fd;
	close(fd);
	return stale; /* what another thread has put there meanwhile */
}

/*
 * After a failed ioctl: is the descriptor closed, or that of another file by
 * now? A map of ours, which is no character device, says EINVAL then.
 */
static bool device_gone(int fd)
{
	int err = errno;
	struct stat st;
	bool gone;

	if (err != EBADF && err != EINVAL)
		return err == ENOTTY;
	gone = fstat(fd, &st) || !S_ISCHR(st.st_mode);
	errno = err;
	return gone;
}

static int device_ioctl(unsigned long cmd, void *attr)
{
	int fd = atomic_load(&device_fd);
	int ret = ioctl(fd, cmd, attr); /* EBADF the first time */

	/* Closed then, open now: another thread is about to replace it */
	if (ret < 0 && errno == EBADF && fcntl(fd, F_GETFD) >= 0)
		ret = ioctl(fd, cmd, attr);
	if (ret < 0 && device_gone(fd)) {
		fd = device_open(fd);
		if (fd < 0)
			return -errno;
		ret = ioctl(fd, cmd, attr);
	}
	return ret < 0 ? -errno : ret;
}

static int device_ioctl_fd(unsigned long cmd, void *attr)
{
	int fd = device_ioctl(cmd, attr);

	if (fd < 0)
		return fd;
	fd = above_stdio(fd);
	return fd < 0 ? -errno : fd;
}

static int map_ioctl(int fd, unsigned long cmd, void *attr)
{
	int ret = ioctl(fd, cmd, attr);

	if (ret >= 0)
		return ret;
	/* The file is no map of ours, which bpf(2) calls EINVAL */
	if (errno == ENOTTY)
		errno = EINVAL;
	return -errno;
}

int bpfmap_create(enum bpfmap_type map_type, const char *map_name,
		  __u32 key_size, __u32 value_size, __u32 max_entries,
		  const struct bpfmap_create_opts *opts)
{
	struct bpfmap_create_attr attr = {
		.map_type = map_type,
		.key_size = key_size,
		.value_size = value_size,
		.max_entries = max_entries,
	};
	struct bpfmap_log_opts *log;

	if (!OPTS_VALID(opts, bpfmap_create_opts))
		return fail(EINVAL);
	log = OPTS_GET(opts, log_opts, NULL);
	if (!OPTS_VALID(log, bpfmap_log_opts))
		return fail(EINVAL);

	if (map_name)
		memcpy(attr.map_name, map_name,
		       strnlen(map_name, sizeof(attr.map_name) - 1));
	attr.map_flags = OPTS_GET(opts, map_flags, 0);
	attr.inner_map_fd = OPTS_GET(opts, inner_map_fd, 0);
	attr.numa_node = OPTS_GET(opts, numa_node, 0);
	attr.map_ifindex = OPTS_GET(opts, map_ifindex, 0);
	attr.btf_fd = OPTS_GET(opts, btf_fd, 0);
	attr.btf_key_type_id = OPTS_GET(opts, btf_key_type_id, 0);
	attr.btf_value_type_id = OPTS_GET(opts, btf_value_type_id, 0);
	attr.btf_vmlinux_value_type_id =
		OPTS_GET(opts, btf_vmlinux_value_type_id, 0);
	attr.map_extra = OPTS_GET(opts, map_extra, 0);
	attr.value_type_btf_obj_fd = OPTS_GET(opts, value_type_btf_obj_fd, 0);
	attr.map_token_fd = OPTS_GET(opts, token_fd, 0);
	attr.excl_prog_hash = ptr_to_u64(OPTS_GET(opts, excl_prog_hash, NULL));
	attr.excl_prog_hash_size = OPTS_GET(opts, excl_prog_hash_size, 0);

	if (OPTS_HAS(log, true_size))
		log->true_size = 0;
	return device_ioctl_fd(BPFMAP_MAP_CREATE, &attr);
}

static int elem_ioctl(int fd, unsigned long cmd, const void *key,
		      const void *value, __u64 flags)
{
	struct bpfmap_elem_attr attr = {
		.key = ptr_to_u64(key),
		.value = ptr_to_u64(value),
		.flags = flags,
	};

	return map_ioctl(fd, cmd, &attr);
}

int bpfmap_update_elem(int fd, const void *key, const void *value, __u64 flags)
{
	return elem_ioctl(fd, BPFMAP_MAP_UPDATE_ELEM, key, value, flags);
}

int bpfmap_lookup_elem(int fd, const void *key, void *value)
{
	return elem_ioctl(fd, BPFMAP_MAP_LOOKUP_ELEM, key, value, 0);
}

int bpfmap_lookup_elem_flags(int fd, const void *key, void *value, __u64 flags)
{
	return elem_ioctl(fd, BPFMAP_MAP_LOOKUP_ELEM, key, value, flags);
}

int bpfmap_lookup_and_delete_elem(int fd, const void *key, void *value)
{
	return elem_ioctl(fd, BPFMAP_MAP_LOOKUP_AND_DELETE_ELEM, key, value, 0);
}

int bpfmap_lookup_and_delete_elem_flags(int fd, const void *key, void *value,
					__u64 flags)
{
	return elem_ioctl(fd, BPFMAP_MAP_LOOKUP_AND_DELETE_ELEM, key, value,
			  flags);
}

static __s64 now_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec * 1000LL + now.tv_nsec / 1000000;
}

int bpfmap_pop_wait(int fd, void *value, int timeout_ms)
{
	__s64 end = timeout_ms > 0 ? now_ms() + timeout_ms : 0;
	struct pollfd pollfd = { .fd = fd, .events = POLLIN };
	int err, left = timeout_ms, ready;

	for (;;) {
		/* Of several waiters woken for one element, one gets it */
		err = bpfmap_lookup_and_delete_elem(fd, NULL, value);
		if (err != -ENOENT)
			return err;
		if (timeout_ms > 0) {
			__s64 rest = end - now_ms();

			left = rest > 0 ? (int)rest : 0;
		}
		ready = left ? poll(&pollfd, 1, left) : 0;
		if (ready < 0)
			return -errno;
		if (!ready && !left)
			return fail(ETIMEDOUT);
	}
}

int bpfmap_delete_elem(int fd, const void *key)
{
	return elem_ioctl(fd, BPFMAP_MAP_DELETE_ELEM, key, NULL, 0);
}

int bpfmap_delete_elem_flags(int fd, const void *key, __u64 flags)
{
	return elem_ioctl(fd, BPFMAP_MAP_DELETE_ELEM, key, NULL, flags);
}

int bpfmap_get_next_key(int fd, const void *key, void *next_key)
{
	return elem_ioctl(fd, BPFMAP_MAP_GET_NEXT_KEY, key, next_key, 0);
}

int bpfmap_freeze(int fd)
{
	struct bpfmap_freeze_attr attr = { 0 };

	return map_ioctl(fd, BPFMAP_MAP_FREEZE, &attr);
}

static int batch_ioctl(int fd, unsigned long cmd, struct bpfmap_batch_attr *attr,
		       __u32 *count, const struct bpfmap_batch_opts *opts)
{
	int ret;

	if (!OPTS_VALID(opts, bpfmap_batch_opts))
		return fail(EINVAL);
	attr->count = *count;
	attr->elem_flags = OPTS_GET(opts, elem_flags, 0);
	attr->flags = OPTS_GET(opts, flags, 0);
	ret = map_ioctl(fd, cmd, attr);
	*count = attr->count;
	return ret;
}

int bpfmap_delete_batch(int fd, const void *keys, __u32 *count,
			const struct bpfmap_batch_opts *opts)
{
	struct bpfmap_batch_attr attr = { .keys = ptr_to_u64(keys) };

	return batch_ioctl(fd, BPFMAP_MAP_DELETE_BATCH, &attr, count, opts);
}

int bpfmap_lookup_batch(int fd, void *in_batch, void *out_batch, void *keys,
			void *values, __u32 *count,
			const struct bpfmap_batch_opts *opts)
{
	struct bpfmap_batch_attr attr = {
		.in_batch = ptr_to_u64(in_batch),
		.out_batch = ptr_to_u64(out_batch),
		.keys = ptr_to_u64(keys),
		.values = ptr_to_u64(values),
	};

	return batch_ioctl(fd, BPFMAP_MAP_LOOKUP_BATCH, &attr, count, opts);
}

int bpfmap_lookup_and_delete_batch(int fd, void *in_batch, void *out_batch,
				   void *keys, void *values, __u32 *count,
				   const struct bpfmap_batch_opts *opts)
{
	struct bpfmap_batch_attr attr = {
		.in_batch = ptr_to_u64(in_batch),
		.out_batch = ptr_to_u64(out_batch),
		.keys = ptr_to_u64(keys),
		.values = ptr_to_u64(values),
	};

	return batch_ioctl(fd, BPFMAP_MAP_LOOKUP_AND_DELETE_BATCH, &attr, count,
			   opts);
}

int bpfmap_update_batch(int fd, const void *keys, const void *values,
			__u32 *count, const struct bpfmap_batch_opts *opts)
{
	struct bpfmap_batch_attr attr = {
		.keys = ptr_to_u64(keys),
		.values = ptr_to_u64(values),
	};

	return batch_ioctl(fd, BPFMAP_MAP_UPDATE_BATCH, &attr, count, opts);
}

static int many_ioctl(int fd, unsigned long cmd, const void *keys,
		      const void *values, __s32 *results, __u32 *count,
		      const struct bpfmap_batch_opts *opts)
{
	struct bpfmap_batch_attr attr = {
		.results = ptr_to_u64(results),
		.keys = ptr_to_u64(keys),
		.values = ptr_to_u64(values),
	};

	return batch_ioctl(fd, cmd, &attr, count, opts);
}

int bpfmap_lookup_many(int fd, const void *keys, void *values, __s32 *results,
		       __u32 *count, const struct bpfmap_batch_opts *opts)
{
	return many_ioctl(fd, BPFMAP_MAP_LOOKUP_MANY, keys, values, results,
			  count, opts);
}

int bpfmap_lookup_and_delete_many(int fd, const void *keys, void *values,
				  __s32 *results, __u32 *count,
				  const struct bpfmap_batch_opts *opts)
{
	return many_ioctl(fd, BPFMAP_MAP_LOOKUP_AND_DELETE_MANY, keys, values,
			  results, count, opts);
}

int bpfmap_update_many(int fd, const void *keys, const void *values,
		       __s32 *results, __u32 *count,
		       const struct bpfmap_batch_opts *opts)
{
	return many_ioctl(fd, BPFMAP_MAP_UPDATE_MANY, keys, values, results,
			  count, opts);
}

int bpfmap_delete_many(int fd, const void *keys, __s32 *results, __u32 *count,
		       const struct bpfmap_batch_opts *opts)
{
	return many_ioctl(fd, BPFMAP_MAP_DELETE_MANY, keys, NULL, results, count,
			  opts);
}

int bpfmap_batch_can_resume(void)
{
	int fd = bpfmap_create(BPFMAP_TYPE_HASH, NULL, 4, 4, 1, NULL);
	struct bpfmap_batch_attr attr = { .flags = BPFMAP_BATCH_F_RESUME };
	int ret;

	if (fd < 0)
		return fd;
	/* For no elements; a hash refuses flags that it does not know */
	ret = map_ioctl(fd, BPFMAP_MAP_LOOKUP_BATCH, &attr);
	close(fd);
	if (ret && ret != -EINVAL)
		return fail(-ret);
	return !ret;
}

int bpfmap_get_next_id(__u32 start_id, __u32 *next_id)
{
	struct bpfmap_id_attr attr = { .start_id = start_id };
	int ret = device_ioctl(BPFMAP_MAP_GET_NEXT_ID, &attr);

	if (!ret)
		*next_id = attr.next_id;
	return ret;
}

int bpfmap_get_fd_by_id_opts(__u32 id,
			     const struct bpfmap_get_fd_by_id_opts *opts)
{
	struct bpfmap_id_attr attr = { .map_id = id };

	if (!OPTS_VALID(opts, bpfmap_get_fd_by_id_opts))
		return fail(EINVAL);
	attr.open_flags = OPTS_GET(opts, open_flags, 0);
	return device_ioctl_fd(BPFMAP_MAP_GET_FD_BY_ID, &attr);
}

int bpfmap_get_fd_by_id(__u32 id)
{
	return bpfmap_get_fd_by_id_opts(id, NULL);
}

int bpfmap_obj_get_info_by_fd(int bpf_fd, void *info, __u32 *info_len)
{
	struct bpfmap_info_attr attr = {
		.info_len = *info_len,
		.info = ptr_to_u64(info),
	};
	int ret = map_ioctl(bpf_fd, BPFMAP_OBJ_GET_INFO_BY_FD, &attr);

	if (!ret)
		*info_len = attr.info_len;
	else if (ret == -EBADF)
		return fail(EBADFD); /* this one command says it so */
	return ret;
}

int bpfmap_get_info_by_fd(int map_fd, struct bpfmap_info *info, __u32 *info_len)
{
	return bpfmap_obj_get_info_by_fd(map_fd, info, info_len);
}

int bpfmap_obj_pin_opts(int fd, const char *pathname,
			const struct bpfmap_obj_pin_opts *opts)
{
	struct bpfmap_obj_attr attr = { .pathname = ptr_to_u64(pathname) };
	int ret, flags;

	if (!OPTS_VALID(opts, bpfmap_obj_pin_opts))
		return fail(EINVAL);
	attr.file_flags = OPTS_GET(opts, file_flags, 0);
	attr.path_fd = OPTS_GET(opts, path_fd, 0);
	ret = map_ioctl(fd, BPFMAP_OBJ_PIN, &attr);
	if (ret != -EBADF)
		return ret;
	/* EBADF is about path_fd: the command has EINVAL for a closed fd */
	flags = fcntl(fd, F_GETFL);
	return fail(flags < 0 || flags & O_PATH ? EINVAL : EBADF);
}

int bpfmap_obj_pin(int fd, const char *pathname)
{
	return bpfmap_obj_pin_opts(fd, pathname, NULL);
}

int bpfmap_obj_get_opts(const char *pathname,
			const struct bpfmap_obj_get_opts *opts)
{
	struct bpfmap_obj_attr attr = { .pathname = ptr_to_u64(pathname) };

	if (!OPTS_VALID(opts, bpfmap_obj_get_opts))
		return fail(EINVAL);
	attr.file_flags = OPTS_GET(opts, file_flags, 0);
	attr.path_fd = OPTS_GET(opts, path_fd, 0);
	return device_ioctl_fd(BPFMAP_OBJ_GET, &attr);
}

int bpfmap_obj_get(const char *pathname)
{
	return bpfmap_obj_get_opts(pathname, NULL);
}

/* Counts a list as the kernel prints it: "0-3,8,10-11" */
static int count_cpu_list(const char *list)
{
	int count = 0;

	while (*list && *list != '\n') {
		unsigned long first, last;
		char *end;

		first = strtoul(list, &end, 10);
		last = first;
		if (end == list)
			return -EINVAL;
		if (*end == '-') {
			list = end + 1;
			last = strtoul(list, &end, 10);
			if (end == list || last < first)
				return -EINVAL;
		}
		count += last - first + 1;
		list = *end == ',' ? end + 1 : end;
	}
	return count ? count : -EINVAL;
}

int bpfmap_num_possible_cpus(void)
{
	static atomic_int cached;
	int count = atomic_load(&cached);
	char list[512];
	ssize_t len;
	int fd;

	if (count > 0)
		return count;
	fd = open("/sys/devices/system/cpu/possible", O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	len = read(fd, list, sizeof(list) - 1);
	count = len < 0 ? -errno : 0;
	close(fd);
	if (count < 0)
		return fail(-count);
	list[len] = '\0';
	count = count_cpu_list(list);
	if (count < 0)
		return fail(-count);
	atomic_store(&cached, count);
	return count;
}

const char *bpfmap_type_str(enum bpfmap_type t)
{
	/* The device's types, and those that only bpf(2) of Linux 7.3 has */
	static const char *const names[] = {
#define BPFMAP_MAP_TYPE(NAME, name, ...)				\
	[BPFMAP_TYPE_##NAME] = #name,
#include "../../include/linux/bpfmap_types.h"
#undef BPFMAP_MAP_TYPE
		[0] = "unspec", [3] = "prog_array", "perf_event_array",
		[7] = "stack_trace", "cgroup_array",
		[14] = "devmap", "sockmap", "cpumap", "xskmap", "sockhash",
		"cgroup_storage", "reuseport_sockarray",
		"percpu_cgroup_storage",
		[24] = "sk_storage", "devmap_hash", "struct_ops",
		[28] = "inode_storage", "task_storage",
		[32] = "cgrp_storage", [34] = "insn_array",
	};
	unsigned int i = t;

	if (i >= ARRAY_SIZE(names) || !names[i]) {
		errno = EINVAL;
		return NULL;
	}
	return names[i];
}
