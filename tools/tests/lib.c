// SPDX-License-Identifier: GPL-2.0-only
/*
 * libbpfmap: every function, what it returns and leaves in errno
 */
#include <pthread.h>
#include <sys/socket.h>

#include "bpfmap.h"
#include "common.h"
#include "map_types.h"
#include "pin.h"

#define ENTRIES 8

#define expect(cond) check(cond, "line %d: %s", __LINE__, #cond)
#define expect_eq(got, want) \
	check_ret(got, want, "line %d: %s", __LINE__, #got)

/* A failure is the negative errno, and errno is set too */
#define expect_err(err, call)						\
	do {								\
		errno = 0;						\
		expect_eq(call, -(err));				\
		expect_eq(errno, err);					\
	} while (0)

static int new_map(enum bpfmap_type type)
{
	return bpfmap_create(type, "lib", 4, 8, ENTRIES, NULL);
}

static int new_hash(void)
{
	int map = new_map(BPFMAP_TYPE_HASH);

	expect(map >= 3);
	return map;
}

static struct bpfmap_info info_of(int map)
{
	struct bpfmap_info info;
	__u32 len = sizeof(info);

	memset(&info, 0, sizeof(info));
	expect_eq(bpfmap_get_info_by_fd(map, &info, &len), 0);
	expect_eq(len, sizeof(info));
	return info;
}

TEST(test_create, 0)
{
	struct bpfmap_info info;
	int map;

	map = bpfmap_create(BPFMAP_TYPE_HASH, "name.of_15chars", 3, 5, 7, NULL);
	expect(map >= 3);
	expect_eq(fcntl(map, F_GETFD), FD_CLOEXEC);
	info = info_of(map);
	expect_eq(info.type, BPFMAP_TYPE_HASH);
	expect_eq(info.key_size, 3);
	expect_eq(info.value_size, 5);
	expect_eq(info.max_entries, 7);
	expect_eq(info.map_flags, 0);
	expect_eq(strcmp(info.name, "name.of_15chars"), 0);
	close(map);

	/* Longer names are cut */
	map = bpfmap_create(BPFMAP_TYPE_HASH, "name.of_15chars_and_more", 3, 5,
			    7, NULL);
	expect_eq(strcmp(info_of(map).name, "name.of_15chars"), 0);
	close(map);
	map = bpfmap_create(BPFMAP_TYPE_ARRAY, NULL, 4, 8, 1, NULL);
	expect(map >= 3);
	expect_eq(info_of(map).name[0], '\0');
	close(map);

	expect_err(EINVAL, bpfmap_create(BPFMAP_TYPE_UNSPEC, NULL, 4, 8, 1, NULL));
	expect_err(EINVAL, bpfmap_create(BPFMAP_TYPE_HASH, "a b", 4, 8, 1, NULL));
	expect_err(EINVAL, bpfmap_create(BPFMAP_TYPE_HASH, NULL, 0, 8, 1, NULL));
	expect_err(EINVAL, bpfmap_create(BPFMAP_TYPE_HASH, NULL, 4, 0, 1, NULL));
	expect_err(EINVAL, bpfmap_create(BPFMAP_TYPE_HASH, NULL, 4, 8, 0, NULL));
}

/* Each member of the options must arrive where it belongs */
TEST(test_create_opts, 0)
{
	BPFMAP_OPTS(bpfmap_create_opts, opts, .map_flags = BPFMAP_F_NO_PREALLOC);
	char hash[32] = { 0 };
	int map;

#define create_opts() bpfmap_create(BPFMAP_TYPE_HASH, NULL, 4, 8, 1, &opts)
	map = create_opts();
	expect(map >= 3);
	expect_eq(info_of(map).map_flags, BPFMAP_F_NO_PREALLOC);
	close(map);

	BPFMAP_OPTS_RESET(opts, .map_flags = BPFMAP_F_NUMA_NODE, .numa_node = 0);
	map = create_opts();
	expect(map >= 3);
	expect_eq(info_of(map).map_flags, BPFMAP_F_NUMA_NODE);
	close(map);
	BPFMAP_OPTS_RESET(opts, .map_flags = BPFMAP_F_NUMA_NODE,
			  .numa_node = 1 << 20);
	expect_err(EINVAL, create_opts());

	BPFMAP_OPTS_RESET(opts, .map_extra = 1);
	expect_err(EINVAL, create_opts());
	BPFMAP_OPTS_RESET(opts, .btf_vmlinux_value_type_id = 1);
	expect_err(EINVAL, create_opts());
	BPFMAP_OPTS_RESET(opts, .btf_key_type_id = 1);
	expect_err(EINVAL, create_opts());
	BPFMAP_OPTS_RESET(opts, .btf_value_type_id = 1);
	expect_err(524, create_opts());
	BPFMAP_OPTS_RESET(opts, .map_ifindex = 1 << 20);
	expect_err(EINVAL, create_opts());
	BPFMAP_OPTS_RESET(opts, .excl_prog_hash = hash, .excl_prog_hash_size = 31);
	expect_err(EINVAL, create_opts());
	BPFMAP_OPTS_RESET(opts, .excl_prog_hash_size = 32);
	expect_err(EINVAL, create_opts());
	BPFMAP_OPTS_RESET(opts, .excl_prog_hash = (void *)8UL,
			  .excl_prog_hash_size = 32);
	expect_err(EFAULT, create_opts());
	BPFMAP_OPTS_RESET(opts, .excl_prog_hash = hash, .excl_prog_hash_size = 32);
	map = create_opts();
	expect(map >= 3);
	close(map);

	/* EBADF that does not mean the device's descriptor */
	BPFMAP_OPTS_RESET(opts, .map_flags = BPFMAP_F_TOKEN_FD, .token_fd = 1000);
	expect_err(EBADF, create_opts());

	/* These mean nothing without others */
	BPFMAP_OPTS_RESET(opts, .btf_fd = 1000, .inner_map_fd = 1000,
			  .value_type_btf_obj_fd = 1000, .token_fd = 1000,
			  .numa_node = 1000);
	map = create_opts();
	expect(map >= 3);
}

/* sz, at its limits; what lies past it is not looked at */
TEST(test_opts_size, 0)
{
	struct {
		struct bpfmap_create_opts known;
		char later[16];
	} opts;
	int map;

	memset(&opts, 0, sizeof(opts));
#define create_sized(size) \
	(opts.known.sz = (size), bpfmap_create(BPFMAP_TYPE_HASH, NULL, 4, 8, 1, \
					       &opts.known))
	expect_err(EINVAL, create_sized(0));
	expect_err(EINVAL, create_sized(sizeof(size_t) - 1));
	map = create_sized(sizeof(opts));
	expect(map >= 3);
	close(map);
	opts.later[15] = 1;
	expect_err(EINVAL, create_sized(sizeof(opts)));
	map = create_sized(sizeof(opts) - 1);
	expect(map >= 3);
	close(map);

	memset(&opts, 0xff, sizeof(opts));
	map = create_sized(sizeof(size_t));
	expect(map >= 3);
	close(map);
	opts.known.map_flags = BPFMAP_F_NO_PREALLOC;
	opts.known.btf_fd = 0;
	opts.known.btf_key_type_id = 0;
	opts.known.btf_value_type_id = 0;
	opts.known.btf_vmlinux_value_type_id = 0;
	map = create_sized(offsetof(struct bpfmap_create_opts, map_extra));
	expect(map >= 3);
	expect_eq(info_of(map).map_flags, BPFMAP_F_NO_PREALLOC);
	close(map);
	/* A member that is there in part only is not there */
	map = create_sized(offsetof(struct bpfmap_create_opts, map_extra) + 7);
	expect(map >= 3);
	close(map);
	expect_err(EINVAL, create_sized(offsetof(struct bpfmap_create_opts,
						 map_extra) + 8));
}

TEST(test_log_opts, 0)
{
	BPFMAP_OPTS(bpfmap_log_opts, log, .true_size = 5, .level = 1);
	BPFMAP_OPTS(bpfmap_create_opts, opts, .log_opts = &log);
	int map;

	map = create_opts();
	expect(map >= 3);
	expect_eq(log.true_size, 0);
	close(map);
	log.sz = 1;
	expect_err(EINVAL, create_opts());
	log.sz = sizeof(size_t);
	log.true_size = 5;
	map = create_opts();
	expect(map >= 3);
	expect_eq(log.true_size, 5);
}

TEST(test_elements, 0)
{
	__u64 value = 70, got = 0;
	__u32 key = 7, next = 0;
	int map = new_hash();

	expect_err(ENOENT, bpfmap_lookup_elem(map, &key, &got));
	expect_err(ENOENT, bpfmap_delete_elem(map, &key));
	expect_err(ENOENT, bpfmap_lookup_and_delete_elem(map, &key, &got));
	expect_err(ENOENT, bpfmap_get_next_key(map, NULL, &next));
	expect_err(ENOENT, bpfmap_update_elem(map, &key, &value, BPFMAP_F_EXIST));
	expect_eq(bpfmap_update_elem(map, &key, &value, BPFMAP_F_NOEXIST), 0);
	expect_err(EEXIST, bpfmap_update_elem(map, &key, &value, BPFMAP_F_NOEXIST));
	expect_eq(bpfmap_lookup_elem(map, &key, &got), 0);
	expect_eq(got, 70);
	value = 71;
	expect_eq(bpfmap_update_elem(map, &key, &value, BPFMAP_F_EXIST), 0);
	expect_eq(bpfmap_lookup_elem_flags(map, &key, &got, 0), 0);
	expect_eq(got, 71);
	expect_err(EINVAL, bpfmap_lookup_elem_flags(map, &key, &got, BPFMAP_F_LOCK));
	expect_eq(bpfmap_get_next_key(map, NULL, &next), 0);
	expect_eq(next, 7);
	expect_err(ENOENT, bpfmap_get_next_key(map, &key, &next));

	expect_err(EINVAL, bpfmap_lookup_and_delete_elem_flags(map, &key, &got,
							       BPFMAP_F_EXIST));
	got = 0;
	expect_eq(bpfmap_lookup_and_delete_elem_flags(map, &key, &got, 0), 0);
	expect_eq(got, 71);
	expect_eq(bpfmap_update_elem(map, &key, &value, BPFMAP_F_ANY), 0);
	got = 0;
	expect_eq(bpfmap_lookup_and_delete_elem(map, &key, &got), 0);
	expect_eq(got, 71);
	expect_eq(bpfmap_update_elem(map, &key, &value, BPFMAP_F_ANY), 0);
	expect_err(EINVAL, bpfmap_delete_elem_flags(map, &key, 1));
	expect_eq(bpfmap_delete_elem_flags(map, &key, 0), 0);
	expect_eq(bpfmap_update_elem(map, &key, &value, BPFMAP_F_ANY), 0);
	expect_eq(bpfmap_delete_elem(map, &key), 0);
	expect_err(ENOENT, bpfmap_lookup_elem(map, &key, &got));

	expect_err(EFAULT, bpfmap_lookup_elem(map, NULL, &got));
	expect_err(EFAULT, bpfmap_update_elem(map, &key, NULL, BPFMAP_F_ANY));
}

TEST(test_freeze, 0)
{
	int map = new_hash();
	__u64 value = 1;
	__u32 key = 1;

	expect_eq(bpfmap_update_elem(map, &key, &value, BPFMAP_F_ANY), 0);
	expect_eq(bpfmap_freeze(map), 0);
	expect_err(EPERM, bpfmap_freeze(map));
	expect_err(EPERM, bpfmap_update_elem(map, &key, &value, BPFMAP_F_ANY));
	expect_err(EPERM, bpfmap_delete_elem(map, &key));
	expect_eq(bpfmap_lookup_elem(map, &key, &value), 0);
}

TEST(test_batches, 0)
{
	BPFMAP_OPTS(bpfmap_batch_opts, opts, .elem_flags = BPFMAP_F_NOEXIST);
	__u32 keys[ENTRIES], count, cursor, i;
	__u64 values[ENTRIES], sum = 0;
	int map = new_hash();

	for (i = 0; i < ENTRIES; i++) {
		keys[i] = i;
		values[i] = 10 * i;
	}
	count = ENTRIES;
	expect_eq(bpfmap_update_batch(map, keys, values, &count, NULL), 0);
	expect_eq(count, ENTRIES);
	memset(keys, 0xff, sizeof(keys));
	memset(values, 0xff, sizeof(values));
	expect_err(ENOENT, bpfmap_lookup_batch(map, NULL, &cursor, keys, values,
					       &count, NULL));
	expect_eq(count, ENTRIES);
	for (i = 0; i < ENTRIES; i++) {
		expect_eq(values[i], 10 * keys[i]);
		sum += values[i];
	}
	expect_eq(sum, 10 * ENTRIES * (ENTRIES - 1) / 2);
	expect_err(ENOENT, bpfmap_lookup_batch(map, &cursor, &cursor, keys,
					       values, &count, NULL));
	expect_eq(count, 0);

	/* Flags arrive, each in its place */
	count = ENTRIES;
	expect_err(EINVAL, bpfmap_update_batch(map, keys, values, &count, &opts));
	BPFMAP_OPTS_RESET(opts, .flags = 1);
	count = ENTRIES;
	expect_eq(bpfmap_update_batch(map, keys, values, &count, &opts), 0);
	expect_err(EINVAL, bpfmap_lookup_batch(map, NULL, &cursor, keys, values,
					       &count, &opts));
	BPFMAP_OPTS_RESET(opts, .elem_flags = BPFMAP_F_EXIST);
	expect_err(EINVAL, bpfmap_delete_batch(map, keys, &count, &opts));
	expect_err(EINVAL, bpfmap_lookup_and_delete_batch(map, NULL, &cursor,
							  keys, values, &count,
							  &opts));

	/* A failed one says how far it came */
	count = 2;
	expect_eq(bpfmap_batch_can_resume(), 1);
	expect_eq(bpfmap_delete_batch(map, keys, &count, NULL), 0);
	expect_eq(count, 2);
	keys[6] = keys[0];
	count = 3;
	expect_err(ENOENT, bpfmap_delete_batch(map, &keys[5], &count, NULL));
	expect_eq(count, 1);
	count = ENTRIES;
	expect_err(ENOENT, bpfmap_lookup_and_delete_batch(map, NULL, &cursor,
							  keys, values, &count,
							  NULL));
	expect_eq(count, ENTRIES - 3);
	count = 0;
	expect_eq(bpfmap_lookup_and_delete_batch(map, NULL, NULL, NULL, NULL,
						 &count, NULL), 0);
}

TEST(test_many, 0)
{
	BPFMAP_OPTS(bpfmap_batch_opts, opts, .elem_flags = BPFMAP_F_NOEXIST);
	__u32 keys[4] = { 1, 2, 3, 2 }, absent[2] = { 9, 3 }, count = 4, i;
	__u64 values[4] = { 10, 20, 30, 40 }, got[4];
	__s32 results[4];
	int map = bpfmap_create(BPFMAP_TYPE_HASH, "many", 4, 8, 16, NULL);

	row("many.result", "library");
	expect_eq(bpfmap_update_many(map, keys, values, results, &count, &opts),
		  0);
	expect_eq(count, 4);
	expect_eq(results[2], 0);
	expect_eq(results[3], -EEXIST);
	expect_eq(bpfmap_lookup_many(map, keys, got, results, &count, NULL), 0);
	for (i = 0; i < 4; i++) {
		expect_eq(results[i], 0);
		expect_eq(got[i], 10 * keys[i]);
	}
	count = 2;
	expect_eq(bpfmap_lookup_and_delete_many(map, absent, got, results,
						&count, NULL), 0);
	expect_eq(results[0], -ENOENT);
	expect_eq(got[0], 0);
	expect_eq(results[1], 0);
	expect_eq(got[1], 30);
	count = 3;
	expect_eq(bpfmap_delete_many(map, keys, results, &count, NULL), 0);
	expect_eq(count, 3);
	expect_eq(results[0], 0);
	expect_eq(results[2], -ENOENT);
	expect_err(EINVAL, bpfmap_lookup_many(map, keys, got, results, &count,
					      &opts));
	close(map);
}

TEST(test_batch_opts_size, 0)
{
	struct {
		struct bpfmap_batch_opts known;
		char later;
	} opts;
	__u32 keys[1] = { 0 }, count = 1;
	__u64 values[1] = { 0 };
	int map = new_hash();

	memset(&opts, 0, sizeof(opts));
	opts.known.sz = sizeof(size_t) - 1;
	/* Refused by the library: *count stays */
	expect_err(EINVAL, bpfmap_update_batch(map, keys, values, &count,
					       &opts.known));
	expect_err(EINVAL, bpfmap_delete_batch(map, keys, &count, &opts.known));
	expect_err(EINVAL, bpfmap_lookup_batch(map, NULL, keys, keys, values,
					       &count, &opts.known));
	expect_err(EINVAL, bpfmap_lookup_and_delete_batch(map, NULL, keys, keys,
							  values, &count,
							  &opts.known));
	expect_eq(count, 1);
	opts.known.sz = sizeof(opts);
	opts.later = 1;
	expect_err(EINVAL, bpfmap_update_batch(map, keys, values, &count,
					       &opts.known));
	expect_eq(count, 1);
	opts.known.sz = sizeof(size_t);
	opts.known.elem_flags = ~0ULL;
	opts.known.flags = ~0ULL;
	expect_eq(bpfmap_update_batch(map, keys, values, &count, &opts.known), 0);
	expect_eq(count, 1);
}

TEST(test_ids, 0)
{
	BPFMAP_OPTS(bpfmap_get_fd_by_id_opts, opts, .open_flags = BPFMAP_F_RDONLY);
	int map = new_hash(), other;
	__u32 id = info_of(map).id, next = 0;
	__u64 value = 1;
	__u32 key = 1;

	expect(id > 0);
	expect_eq(bpfmap_get_next_id(id - 1, &next), 0);
	expect_eq(next, id);
	next = 77;
	expect_err(ENOENT, bpfmap_get_next_id(0x7ffffffe, &next));
	expect_eq(next, 77);
	expect_err(EINVAL, bpfmap_get_next_id(0x7fffffff, &next));

	other = bpfmap_get_fd_by_id(id);
	expect(other >= 3 && other != map);
	expect_eq(fcntl(other, F_GETFD), FD_CLOEXEC);
	expect_eq(info_of(other).id, id);
	expect_eq(bpfmap_update_elem(other, &key, &value, BPFMAP_F_ANY), 0);
	close(other);
	expect_err(ENOENT, bpfmap_get_fd_by_id(0));
	other = bpfmap_get_fd_by_id_opts(id, NULL);
	expect(other >= 3);
	close(other);

	other = bpfmap_get_fd_by_id_opts(id, &opts);
	expect(other >= 3);
	expect_eq(bpfmap_lookup_elem(other, &key, &value), 0);
	expect_err(EPERM, bpfmap_update_elem(other, &key, &value, BPFMAP_F_ANY));
	close(other);
	opts.open_flags = BPFMAP_F_NO_PREALLOC;
	expect_err(EINVAL, bpfmap_get_fd_by_id_opts(id, &opts));
	opts.sz = 1;
	expect_err(EINVAL, bpfmap_get_fd_by_id_opts(id, &opts));
	/* Not sent; the member before it then is the last one */
	BPFMAP_OPTS_RESET(opts, .token_fd = 1000);
	other = bpfmap_get_fd_by_id_opts(id, &opts);
	expect(other >= 3);
}

TEST(test_info, 0)
{
	int map = new_map(BPFMAP_TYPE_PERCPU_ARRAY);
	struct bpfmap_info info;
	__u32 len = 8;

	memset(&info, 0, sizeof(info));
	expect_eq(bpfmap_obj_get_info_by_fd(map, &info, &len), 0);
	expect_eq(len, 8);
	expect_eq(info.type, BPFMAP_TYPE_PERCPU_ARRAY);
	expect(info.id > 0);
	expect_eq(info.key_size, 0);	/* past the length */
	len = 5000;
	expect_err(E2BIG, bpfmap_obj_get_info_by_fd(map, &info, &len));
	expect_eq(len, 5000);
	len = sizeof(info);
	expect_err(EFAULT, bpfmap_obj_get_info_by_fd(map, NULL, &len));
	expect_eq(len, sizeof(info));
}

/* All functions that take a map's descriptor say the same of this one */
static void all_fail(int fd, int err, int info_err)
{
	__u32 keys[2] = { 0 }, count = 2, cursor, len = sizeof(struct bpfmap_info);
	struct bpfmap_info info;
	__u64 values[2] = { 0 };

	memset(&info, 0, sizeof(info));
	expect_err(err, bpfmap_update_elem(fd, keys, values, 0));
	expect_err(err, bpfmap_lookup_elem(fd, keys, values));
	expect_err(err, bpfmap_lookup_elem_flags(fd, keys, values, 0));
	expect_err(err, bpfmap_lookup_and_delete_elem(fd, keys, values));
	expect_err(err, bpfmap_lookup_and_delete_elem_flags(fd, keys, values, 0));
	expect_err(err, bpfmap_delete_elem(fd, keys));
	expect_err(err, bpfmap_delete_elem_flags(fd, keys, 0));
	expect_err(err, bpfmap_get_next_key(fd, keys, keys));
	expect_err(err, bpfmap_freeze(fd));
	expect_err(err, bpfmap_delete_batch(fd, keys, &count, NULL));
	expect_err(err, bpfmap_lookup_batch(fd, NULL, &cursor, keys, values,
					    &count, NULL));
	expect_err(err, bpfmap_lookup_and_delete_batch(fd, NULL, &cursor, keys,
						       values, &count, NULL));
	expect_err(err, bpfmap_update_batch(fd, keys, values, &count, NULL));
	expect_eq(count, 2);
	expect_err(info_err, bpfmap_obj_get_info_by_fd(fd, &info, &len));
	expect_err(info_err, bpfmap_get_info_by_fd(fd, &info, &len));
	expect_eq(len, sizeof(info));
}

TEST(test_bad_fd, 0)
{
	int fd = new_hash(), fds[2];

	close(fd);
	all_fail(fd, EBADF, EBADFD);
	all_fail(-1, EBADF, EBADFD);

	fd = open("/dev/null", O_RDWR | O_CLOEXEC);
	expect(fd >= 0);
	all_fail(fd, EINVAL, EINVAL);
	close(fd);
	fd = open("/proc/self/exe", O_RDONLY | O_CLOEXEC);
	expect(fd >= 0);
	all_fail(fd, EINVAL, EINVAL);
	close(fd);
	fd = open("/proc/self/exe", O_PATH | O_CLOEXEC);
	expect(fd >= 0);
	all_fail(fd, EBADF, EBADFD);
	close(fd);
	expect_eq(pipe(fds), 0);
	all_fail(fds[0], EINVAL, EINVAL);
	close(fds[0]);
	close(fds[1]);
	expect_eq(socketpair(AF_UNIX, SOCK_STREAM, 0, fds), 0);
	all_fail(fds[0], EINVAL, EINVAL);
	close(fds[0]);
	close(fds[1]);
}

static void pin_options(const char *dir, int map)
{
	int dir_fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC), got;
	struct {
		struct bpfmap_obj_pin_opts known;
		int later;
	} pin = { .known = { .sz = sizeof(pin) } };
	BPFMAP_OPTS(bpfmap_obj_pin_opts, pin_opts,
		    .file_flags = BPFMAP_F_PATH_FD, .path_fd = dir_fd);
	BPFMAP_OPTS(bpfmap_obj_get_opts, get_opts,
		    .file_flags = BPFMAP_F_PATH_FD | BPFMAP_F_RDONLY,
		    .path_fd = dir_fd);

	expect_eq(bpfmap_obj_pin_opts(map, "by_fd", &pin_opts), 0);
	got = bpfmap_obj_get_opts("by_fd", &get_opts);
	expect(got >= 3);
	expect_eq(fcntl(got, F_GETFL) & O_ACCMODE, O_RDONLY);
	close(got);
	pin_opts.path_fd = 1000;
	get_opts.path_fd = 1000;
	expect_err(EBADF, bpfmap_obj_pin_opts(map, "other", &pin_opts));
	expect_err(EBADF, bpfmap_obj_get_opts("by_fd", &get_opts));
	pin_opts.file_flags = 0;
	get_opts.file_flags = 0;
	expect_err(EINVAL, bpfmap_obj_pin_opts(map, "other", &pin_opts));
	expect_err(EINVAL, bpfmap_obj_get_opts("by_fd", &get_opts));
	/* A member past sz is not there */
	pin_opts.sz = sizeof(size_t);
	get_opts.sz = sizeof(size_t);
	expect_err(EPERM, bpfmap_obj_pin_opts(map, "/tmp/other", &pin_opts));
	expect_err(ENOENT, bpfmap_obj_get_opts("/tmp/other", &get_opts));
	pin_opts.sz = sizeof(size_t) - 1;
	get_opts.sz = sizeof(size_t) - 1;
	expect_err(EINVAL, bpfmap_obj_pin_opts(map, "other", &pin_opts));
	expect_err(EINVAL, bpfmap_obj_get_opts("by_fd", &get_opts));
	expect_eq(bpfmap_obj_pin_opts(map, pin_path(dir, "later"), &pin.known), 0);
	pin.later = 1;
	expect_err(EINVAL, bpfmap_obj_pin_opts(map, pin_path(dir, "later2"),
					       &pin.known));
	close(dir_fd);
}

TEST(test_pins, 0)
{
	int map = new_hash(), null = open("/dev/null", O_RDWR | O_CLOEXEC);
	int path = open("/dev/null", O_PATH | O_CLOEXEC), got;
	char dir[32];

	expect_eq(pin_mount(dir, NULL), 0);
	expect_eq(bpfmap_obj_pin(map, pin_path(dir, "pin")), 0);
	expect_err(EEXIST, bpfmap_obj_pin(map, pin_path(dir, "pin")));
	expect_err(EPERM, bpfmap_obj_pin(map, pin_path(dir, "a.b")));
	got = bpfmap_obj_get(pin_path(dir, "pin"));
	expect(got >= 3);
	expect_eq(fcntl(got, F_GETFD), FD_CLOEXEC);
	expect_eq(info_of(got).id, info_of(map).id);
	close(got);
	expect_err(ENOENT, bpfmap_obj_get(pin_path(dir, "none")));
	expect_err(EACCES, bpfmap_obj_get(dir));
	expect_err(EFAULT, bpfmap_obj_get(NULL));
	/* What is no map is EINVAL, closed descriptors included */
	expect_err(EINVAL, bpfmap_obj_pin(1000, pin_path(dir, "new")));
	expect_err(EINVAL, bpfmap_obj_pin(-1, pin_path(dir, "new")));
	expect_err(EINVAL, bpfmap_obj_pin(null, pin_path(dir, "new")));
	expect_err(EINVAL, bpfmap_obj_pin(path, pin_path(dir, "new")));
	pin_options(dir, map);
	close(null);
	close(path);
	close(map);
	expect_eq(pin_umount(dir, 0), 0);
}

/* How many descriptors of the device this process has; *last is one of them */
static int device_fds(int *last)
{
	char path[64], target[64];
	int fd, nr = 0;
	ssize_t len;

	*last = -1;
	for (fd = 0; fd < 256; fd++) {
		snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
		len = readlink(path, target, sizeof(target) - 1);
		if (len < 0)
			continue;
		target[len] = '\0';
		if (!strcmp(target, "/dev/bpfmap")) {
			*last = fd;
			nr++;
		}
	}
	return nr;
}

static void child_all_closed(void *arg)
{
	int map, fd;

	(void)arg;
	closefrom(0);
	map = new_map(BPFMAP_TYPE_HASH);
	expect(map >= 3);
	expect(fcntl(0, F_GETFD) < 0);
	expect(fcntl(1, F_GETFD) < 0);
	expect(fcntl(2, F_GETFD) < 0);
	expect(device_fds(&fd) == 1);
	expect(fd >= 3);
	expect(fcntl(fd, F_GETFD) == FD_CLOEXEC);
}

static void child_number_reused(void *arg)
{
	int dev, map, other, null;

	(void)arg;
	expect(device_fds(&dev) == 1);
	/* ... by any file */
	null = open("/dev/null", O_RDONLY);
	expect(dup2(null, dev) == dev);
	map = new_map(BPFMAP_TYPE_HASH);
	expect(map >= 3);
	expect(fcntl(dev, F_GETFD) == 0);		/* still that file */
	expect(device_fds(&dev) == 1);
	/* ... by a map */
	expect(dup2(map, dev) == dev);
	other = new_map(BPFMAP_TYPE_HASH);
	expect(other >= 3);
	expect(bpfmap_freeze(dev) == 0);
	expect(bpfmap_freeze(map) == -EPERM);
}

static void child_gives_up_rights(void *arg)
{
	__u32 id;
	int map;

	(void)arg;
	expect(open("/dev/bpfmap", O_RDWR) < 0 && errno == EACCES);
	map = new_map(BPFMAP_TYPE_HASH);
	expect(map >= 3);
	errno = 0;
	expect(bpfmap_get_next_id(0, &id) == -EPERM && errno == EPERM);
	expect(bpfmap_get_fd_by_id(1) == -EPERM);
	closefrom(3);
	errno = 0;
	expect(new_map(BPFMAP_TYPE_HASH) == -EACCES && errno == EACCES);
}

#define THREADS 16
static pthread_barrier_t barrier;

static void *create_thread(void *arg)
{
	(void)arg;
	pthread_barrier_wait(&barrier);
	return (void *)(long)new_map(BPFMAP_TYPE_HASH);
}

static void child_threads(void *arg)
{
	pthread_t threads[THREADS];
	void *map;
	int i, fd;

	(void)arg;
	closefrom(3);
	expect(!pthread_barrier_init(&barrier, NULL, THREADS));
	for (i = 0; i < THREADS; i++)
		expect(!pthread_create(&threads[i], NULL, create_thread, NULL));
	for (i = 0; i < THREADS; i++) {
		expect(!pthread_join(threads[i], &map));
		expect((long)map >= 3);
	}
	expect(device_fds(&fd) == 1);
}

static void child_no_descriptor_left(void *arg)
{
	int low, fd;

	(void)arg;
	expect(device_fds(&fd) == 1);
	for (low = 0; low >= 0; )
		low = open("/dev/null", O_RDONLY | O_CLOEXEC);
	errno = 0;
	expect(new_map(BPFMAP_TYPE_HASH) == -EMFILE && errno == EMFILE);
	/* Only 0 is free, and that is not given out */
	close(0);
	errno = 0;
	expect(new_map(BPFMAP_TYPE_HASH) == -EMFILE && errno == EMFILE);
	expect(fcntl(0, F_GETFD) < 0);
}

TEST(test_device, 0)
{
	int fd;

	close(device_fd());	/* the test program's own */
	close(new_hash());
	expect_eq(device_fds(&fd), 1);
	expect_eq(fcntl(fd, F_GETFD), FD_CLOEXEC);
	in_child(child_all_closed, NULL);
	in_child(child_number_reused, NULL);
	as_nobody(child_gives_up_rights, NULL);
	in_child(child_threads, NULL);
	in_child(child_no_descriptor_left, NULL);
	close(new_hash());
	expect_eq(device_fds(&fd), 1);
}

/* The kernel writes as many values as there are possible CPUs */
TEST(test_possible_cpus, 0)
{
	int map = new_map(BPFMAP_TYPE_PERCPU_ARRAY);
	unsigned char *values = malloc(1 << 20);
	int cpus = bpfmap_num_possible_cpus();
	__u32 key = 0;

	expect(cpus > 0 && cpus < 8192);
	memset(values, 0xa5, 1 << 20);
	expect_eq(bpfmap_lookup_elem(map, &key, values), 0);
	expect_eq(values[8 * cpus - 1], 0);
	expect_eq(values[8 * cpus], 0xa5);
	expect_eq(bpfmap_num_possible_cpus(), cpus);
	free(values);
}

TEST(test_type_str, 0)
{
	/* bpf(2)'s own: of those between the device's types */
	static const struct {
		unsigned int type;
		const char *name;
	} others[] = {
		{ 0, "unspec" }, { 3, "prog_array" }, { 4, "perf_event_array" },
		{ 8, "cgroup_array" }, { 14, "devmap" },
		{ 21, "percpu_cgroup_storage" }, { 24, "sk_storage" },
		{ 26, "struct_ops" }, { 28, "inode_storage" },
		{ 29, "task_storage" }, { 32, "cgrp_storage" },
		{ 34, "insn_array" },
	};
	uint32_t last = type_rows[N_TYPE_ROWS - 1].type;
	const char *name;
	unsigned int i;

	for (i = 0; i < N_TYPE_ROWS; i++) {
		name = bpfmap_type_str((enum bpfmap_type)type_rows[i].type);
		expect(name && !strcmp(name, type_rows[i].name));
	}
	for (i = 0; i < ARRAY_SIZE(others); i++) {
		name = bpfmap_type_str((enum bpfmap_type)others[i].type);
		expect(name && !strcmp(name, others[i].name));
	}
	/* Programs go through them from 1 on to the first that has no name */
	for (i = 0; i <= last; i++)
		expect(bpfmap_type_str((enum bpfmap_type)i));
	expect(!bpfmap_type_str((enum bpfmap_type)(last + 1)));
	expect(!bpfmap_type_str((enum bpfmap_type)~0U));
}

TEST_MAIN
