// SPDX-License-Identifier: GPL-2.0-only
/*
 * bpf_attr - a program written for bpf(2), with union bpf_attr as the system's
 * <linux/bpf.h> has it, through the device: only the function bpf() differs
 *
 * It is linked statically and uses nothing of the other tests. With
 * BPFMAP_BACKEND=bpf it calls bpf(2).
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>

#include <linux/bpf.h>
#include <linux/bpfmap.h>

static int device = -1;
static unsigned int checks, failed;

/* bpf(2): -1 and errno, or the result */
static int bpf(enum bpf_cmd cmd, union bpf_attr *attr)
{
	if (device < 0)
		return syscall(SYS_bpf, cmd, attr, sizeof(*attr));
	return ioctl(device, BPFMAP_IOC(cmd, sizeof(*attr)), attr);
}

static void check(int ok, const char *type, const char *what)
{
	checks++;
	if (ok)
		return;
	failed++;
	printf("# FAIL %s: %s (errno %d)\n", type, what, errno);
}

#define CHECK(cond) check(!!(cond), type, #cond)

static __u64 ptr(const void *p)
{
	return (unsigned long)p;
}

static int create(enum bpf_map_type map_type, __u32 value_size, __u32 flags)
{
	union bpf_attr attr = {
		.map_type = map_type,
		.key_size = 4,
		.value_size = value_size,
		.max_entries = 8,
		.map_flags = flags,
		.map_name = "bpf_attr",
	};

	return bpf(BPF_MAP_CREATE, &attr);
}

static int elem(enum bpf_cmd cmd, int fd, const void *key, void *value,
		__u64 flags)
{
	union bpf_attr attr = { .map_fd = fd, .key = ptr(key),
				.value = ptr(value), .flags = flags };

	return bpf(cmd, &attr);
}

static int batch(enum bpf_cmd cmd, int fd, void *keys, void *values,
		 __u32 *count)
{
	union bpf_attr attr = { .batch = { .keys = ptr(keys),
					   .values = ptr(values),
					   .count = *count, .map_fd = fd } };
	__u32 out;
	int ret;

	attr.batch.out_batch = ptr(&out);
	ret = bpf(cmd, &attr);
	*count = attr.batch.count;
	return ret;
}

/* Per CPU a value has a slot for each possible one */
#define SLOTS 512
static __u64 values[8][SLOTS], got[8][SLOTS];

static void elements(const char *type, int fd, int is_hash)
{
	__u32 key = 3, next, absent = 100;

	values[0][0] = 42;
	CHECK(elem(BPF_MAP_UPDATE_ELEM, fd, &key, values[0], BPF_ANY) == 0);
	CHECK(elem(BPF_MAP_LOOKUP_ELEM, fd, &key, got[0], 0) == 0);
	CHECK(got[0][0] == 42);
	CHECK(elem(BPF_MAP_LOOKUP_ELEM, fd, &absent, got[0], 0) == -1 &&
	      errno == ENOENT);
	CHECK(elem(BPF_MAP_UPDATE_ELEM, fd, &key, values[0], BPF_NOEXIST) == -1 &&
	      errno == EEXIST);
	CHECK(elem(BPF_MAP_GET_NEXT_KEY, fd, NULL, &next, 0) == 0);
	CHECK(next == (is_hash ? 3 : 0));
	if (is_hash) {
		CHECK(elem(BPF_MAP_LOOKUP_AND_DELETE_ELEM, fd, &key, got[0], 0) ==
		      0);
		CHECK(elem(BPF_MAP_DELETE_ELEM, fd, &key, NULL, 0) == -1 &&
		      errno == ENOENT);
		CHECK(elem(BPF_MAP_UPDATE_ELEM, fd, &key, values[0], BPF_ANY) ==
		      0);
		CHECK(elem(BPF_MAP_DELETE_ELEM, fd, &key, NULL, 0) == 0);
	} else {
		CHECK(elem(BPF_MAP_DELETE_ELEM, fd, &key, NULL, 0) == -1 &&
		      errno == EINVAL);
		CHECK(elem(BPF_MAP_LOOKUP_AND_DELETE_ELEM, fd, &key, got[0], 0) ==
		      -1 && errno == 524);
	}
}

static void batches(const char *type, int fd, int is_hash)
{
	__u32 keys[8] = { 0, 1, 2, 3, 4, 5, 6, 7 }, count = 8;

	memset(values, 0, sizeof(values));
	CHECK(batch(BPF_MAP_UPDATE_BATCH, fd, keys, values, &count) == 0);
	CHECK(count == 8);
	CHECK(batch(BPF_MAP_LOOKUP_BATCH, fd, keys, got, &count) ==
	      (is_hash ? -1 : 0));
	CHECK(count == 8);
	CHECK(batch(BPF_MAP_LOOKUP_AND_DELETE_BATCH, fd, keys, got, &count) == -1 &&
	      errno == (is_hash ? ENOENT : 524));
	CHECK(count == 8);
	if (is_hash) {
		CHECK(batch(BPF_MAP_DELETE_BATCH, fd, keys, NULL, &count) == -1 &&
		      errno == ENOENT);
		CHECK(count == 0);
		count = 8;
		CHECK(batch(BPF_MAP_UPDATE_BATCH, fd, keys, values, &count) == 0);
		CHECK(batch(BPF_MAP_DELETE_BATCH, fd, keys, NULL, &count) == 0);
		CHECK(count == 8);
	}
}

static void objects(const char *type, int fd, enum bpf_map_type map_type)
{
	struct bpf_map_info info = { 0 };
	union bpf_attr attr = { .info = { .bpf_fd = fd, .info_len = sizeof(info),
					  .info = ptr(&info) } };
	__u32 key = 0, id;
	int other;

	CHECK(bpf(BPF_OBJ_GET_INFO_BY_FD, &attr) == 0);
	CHECK(attr.info.info_len == sizeof(info));
	CHECK(info.type == map_type && info.key_size == 4);
	CHECK(info.max_entries == 8 && !strcmp(info.name, "bpf_attr"));
	id = info.id;
	memset(&attr, 0, sizeof(attr));
	attr.start_id = id - 1;
	CHECK(bpf(BPF_MAP_GET_NEXT_ID, &attr) == 0 && attr.next_id == id);
	memset(&attr, 0, sizeof(attr));
	attr.map_id = id;
	attr.open_flags = BPF_F_RDONLY;
	other = bpf(BPF_MAP_GET_FD_BY_ID, &attr);
	CHECK(other >= 0);
	CHECK(elem(BPF_MAP_UPDATE_ELEM, other, &key, values[0], 0) == -1 &&
	      errno == EPERM);
	close(other);
	memset(&attr, 0, sizeof(attr));
	attr.pathname = ptr("/nowhere/pin");
	CHECK(bpf(BPF_OBJ_GET, &attr) == -1 && errno == ENOENT);
	attr.file_flags = BPF_F_RDONLY | BPF_F_WRONLY;
	CHECK(bpf(BPF_OBJ_GET, &attr) == -1 && errno == EINVAL);
	attr.file_flags = 0;
	attr.bpf_fd = fd;
	CHECK(bpf(BPF_OBJ_PIN, &attr) == -1 && errno == ENOENT);
	memset(&attr, 0, sizeof(attr));
	attr.map_fd = fd;
	CHECK(bpf(BPF_MAP_FREEZE, &attr) == 0);
	CHECK(elem(BPF_MAP_UPDATE_ELEM, fd, &key, values[0], 0) == -1 &&
	      errno == EPERM);
}

static const struct {
	const char *name;
	enum bpf_map_type type;
	__u32 flags;
	int is_hash;
} types[] = {
	{ "HASH", BPF_MAP_TYPE_HASH, 0, 1 },
	{ "HASH/no_prealloc", BPF_MAP_TYPE_HASH, BPF_F_NO_PREALLOC, 1 },
	{ "PERCPU_HASH", BPF_MAP_TYPE_PERCPU_HASH, 0, 1 },
	{ "ARRAY", BPF_MAP_TYPE_ARRAY, 0, 0 },
	{ "ARRAY/mmapable", BPF_MAP_TYPE_ARRAY, BPF_F_MMAPABLE, 0 },
	{ "PERCPU_ARRAY", BPF_MAP_TYPE_PERCPU_ARRAY, 0, 0 },
};

#define ARRAY_SIZE(a) (sizeof(a) / sizeof((a)[0]))

static void run(const char *type, enum bpf_map_type map_type, __u32 flags,
		int is_hash)
{
	/* plain types fill a slot's 4 KiB, so that packed batches fit too */
	__u32 value_size = map_type == BPF_MAP_TYPE_PERCPU_HASH ||
			   map_type == BPF_MAP_TYPE_PERCPU_ARRAY ?
			   sizeof(__u64) : sizeof(values[0]);
	int fd = create(map_type, value_size, flags);

	CHECK(fd >= 0);
	CHECK(fcntl(fd, F_GETFD) == FD_CLOEXEC);
	elements(type, fd, is_hash);
	batches(type, fd, is_hash);
	objects(type, fd, map_type);
	close(fd);
	CHECK(create(map_type, 0, flags) == -1 && errno == EINVAL);
}

int main(void)
{
	const char *backend = getenv("BPFMAP_BACKEND");
	size_t i;

	if (!backend || strcmp(backend, "bpf")) {
		device = open("/dev/bpfmap", O_RDWR | O_CLOEXEC);
		if (device < 0) {
			printf("Bail out! /dev/bpfmap: %s\n", strerror(errno));
			return 99;
		}
	}
	if (sysconf(_SC_NPROCESSORS_CONF) > SLOTS) {
		printf("1..0 # SKIP more than %d CPUs\n", SLOTS);
		return 0;
	}
	printf("1..%zu\n", ARRAY_SIZE(types));
	for (i = 0; i < ARRAY_SIZE(types); i++) {
		unsigned int before = failed;

		run(types[i].name, types[i].type, types[i].flags,
		    types[i].is_hash);
		printf("%sok %zu - %s\n", failed == before ? "" : "not ", i + 1,
		       types[i].name);
	}
	printf("# %u assertions\n", checks);
	return failed ? 1 : 0;
}
