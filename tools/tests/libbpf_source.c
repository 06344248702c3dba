// SPDX-License-Identifier: GPL-2.0-only
/*
 * A program written for libbpf, and for nothing else: it builds with -lbpf and
 * runs on bpf(2). Built with the directory lib/compat in front and -lbpfmap it
 * must run, unchanged, on /dev/bpfmap.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <bpf/bpf.h>
#include <bpf/libbpf.h>

#include "check.h"

#define ENTRIES 64

#ifndef PINS
#define PINS "/sys/fs/bpfmap"
#endif

static void test_elements(void)
{
	/* The functions have libbpf's types, to the letter */
	int (*create)(enum bpf_map_type, const char *, __u32, __u32, __u32,
		      const struct bpf_map_create_opts *) = bpf_map_create;
	int map = create(BPF_MAP_TYPE_HASH, "elements", 4, 8, 2, NULL);
	__u64 value = 1, got = 0;
	__u32 key = 1, next;

	CHECK(map >= 3);
	CHECK(!bpf_map_update_elem(map, &key, &value, BPF_NOEXIST));
	CHECK(bpf_map_update_elem(map, &key, &value, BPF_NOEXIST) == -EEXIST);
	CHECK(errno == EEXIST);
	CHECK(!bpf_map_lookup_elem(map, &key, &got) && got == 1);
	got = 0;
	CHECK(!bpf_map_lookup_elem_flags(map, &key, &got, 0) && got == 1);
	CHECK(!bpf_map_get_next_key(map, NULL, &next) && next == 1);
	CHECK(bpf_map_get_next_key(map, &key, &next) == -ENOENT);
	got = 0;
	CHECK(!bpf_map_lookup_and_delete_elem(map, &key, &got) && got == 1);
	CHECK(bpf_map_delete_elem(map, &key) == -ENOENT && errno == ENOENT);
	CHECK(!bpf_map_update_elem(map, &key, &value, BPF_ANY));
	CHECK(!bpf_map_lookup_and_delete_elem_flags(map, &key, &got, 0));
	CHECK(!bpf_map_update_elem(map, &key, &value, BPF_ANY));
	CHECK(!bpf_map_freeze(map));
	CHECK(bpf_map_delete_elem(map, &key) == -EPERM);
	close(map);
	CHECK(bpf_map_lookup_elem(map, &key, &got) == -EBADF);
	CHECK(bpf_map_lookup_elem(STDOUT_FILENO, &key, &got) == -EINVAL);
}

static void test_batches(void)
{
	LIBBPF_OPTS(bpf_map_create_opts, create, .map_flags = BPF_F_NO_PREALLOC);
	DECLARE_LIBBPF_OPTS(bpf_map_batch_opts, opts, .elem_flags = 0, .flags = 0);
	__u32 keys[ENTRIES], count = ENTRIES, cursor, total = 0, i;
	__u64 values[ENTRIES];
	void *in = NULL;
	int map, err;

	map = bpf_map_create(BPF_MAP_TYPE_HASH, "batches", 4, 8, ENTRIES,
			     &create);
	CHECK(map >= 3);
	for (i = 0; i < ENTRIES; i++) {
		keys[i] = i;
		values[i] = i * i;
	}
	CHECK(!bpf_map_update_batch(map, keys, values, &count, &opts));
	CHECK(count == ENTRIES);
	do {
		count = ENTRIES / 2;
		err = bpf_map_lookup_batch(map, in, &cursor, keys, values,
					   &count, &opts);
		CHECK(!err || err == -ENOENT);
		for (i = 0; i < count; i++)
			CHECK(values[i] == (__u64)keys[i] * keys[i]);
		total += count;
		in = &cursor;
	} while (!err && total <= ENTRIES);
	CHECK(total == ENTRIES);
	count = 1;
	keys[0] = 5;
	CHECK(!bpf_map_delete_batch(map, keys, &count, NULL));
	count = ENTRIES;
	CHECK(bpf_map_lookup_and_delete_batch(map, NULL, &cursor, keys, values,
					      &count, NULL) == -ENOENT);
	CHECK(count == ENTRIES - 1);
	opts.sz = 1;
	CHECK(bpf_map_update_batch(map, keys, values, &count, &opts) == -EINVAL);
	close(map);
}

static void test_percpu(void)
{
	int cpus = libbpf_num_possible_cpus(), map, i;
	static __u64 values[8192];
	__u64 sum = 0;
	__u32 key = 0;

	CHECK(cpus > 0 && cpus <= 8192);
	if (cpus > 8192)
		return;
	map = bpf_map_create(BPF_MAP_TYPE_PERCPU_ARRAY, "percpu", 4, 8, 1, NULL);
	CHECK(map >= 3);
	for (i = 0; i < cpus; i++)
		values[i] = i + 1;
	CHECK(!bpf_map_update_elem(map, &key, values, BPF_EXIST));
	memset(values, 0, sizeof(values));
	CHECK(!bpf_map_lookup_elem(map, &key, values));
	for (i = 0; i < cpus; i++)
		sum += values[i];
	CHECK(sum == (__u64)cpus * (cpus + 1) / 2);
	close(map);
}

/* There may be no module, and so no place for pins */
static void test_pins(void)
{
	int (*pin)(int, const char *, const struct bpf_obj_pin_opts *) =
		bpf_obj_pin_opts;
	LIBBPF_OPTS(bpf_obj_get_opts, opts, .file_flags = BPF_F_RDONLY);
	int map = bpf_map_create(BPF_MAP_TYPE_ARRAY, "pins", 4, 8, 1, NULL), got;

	CHECK(map >= 3);
	CHECK(bpf_obj_pin(map, "/nowhere/pin") == -ENOENT && errno == ENOENT);
	CHECK(pin(map, "/tmp/pin", NULL) == -EPERM);
	CHECK(bpf_obj_get("/nowhere/pin") == -ENOENT);
	CHECK(bpf_obj_get_opts("/tmp", &opts) == -EACCES);
	if (!access(PINS, F_OK)) {
		CHECK(!bpf_obj_pin(map, PINS "/libbpf_source"));
		got = bpf_obj_get_opts(PINS "/libbpf_source", &opts);
		CHECK(got >= 3 && got != map);
		close(got);
		CHECK(!unlink(PINS "/libbpf_source"));
	}
	close(map);
}

static void test_info(void)
{
	LIBBPF_OPTS(bpf_map_create_opts, opts);
	struct bpf_map_info info = { 0 };
	__u32 len = sizeof(info), id = 0;
	int map, other;

	opts.map_flags = BPF_F_MMAPABLE;
	map = bpf_map_create(BPF_MAP_TYPE_ARRAY, "a_name_that_is_too_long", 4,
			     8, 9, &opts);
	CHECK(map >= 3);
	CHECK(!bpf_obj_get_info_by_fd(map, &info, &len));
	CHECK(len == sizeof(info));
	CHECK(info.type == BPF_MAP_TYPE_ARRAY && info.max_entries == 9);
	CHECK(info.key_size == 4 && info.value_size == 8);
	CHECK(info.map_flags == BPF_F_MMAPABLE);
	CHECK(!strcmp(info.name, "a_name_that_is_"));
	CHECK(!strcmp(libbpf_bpf_map_type_str(info.type), "array"));

	CHECK(!bpf_map_get_next_id(info.id - 1, &id) && id == info.id);
	other = bpf_map_get_fd_by_id(id);
	CHECK(other >= 3 && other != map);
	memset(&info, 0, sizeof(info));
	CHECK(!bpf_obj_get_info_by_fd(other, &info, &len) && info.id == id);
	close(other);
	close(map);
	CHECK(bpf_map_get_fd_by_id(0) == -ENOENT);
}

int main(void)
{
	printf("1..5\n");
	run("elements", test_elements);
	run("batches", test_batches);
	run("percpu", test_percpu);
	run("info", test_info);
	run("pins", test_pins);
	printf("# %u assertions\n", assertions);
	return failures ? 1 : 0;
}
