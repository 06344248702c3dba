// SPDX-License-Identifier: GPL-2.0-only
/*
 * A program of bpf(2)'s users that goes through its maps and says what it finds. It
 * is built in several ways, one of them static, and prints the same on bpf(2) and on
 * the device.
 */
#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>
#include <linux/bpfmap.h>

#define PTR(p) ((uint64_t)(uintptr_t)(p))

static int bpf(int cmd, void *attr, unsigned int size)
{
	return syscall(__NR_bpf, cmd, attr, size);
}

/* How a call ended */
static void say(const char *what, int ret)
{
	printf("%s %s\n", what, ret < 0 ? strerror(errno) : "ok");
}

static int create(uint32_t type, uint32_t key_size, uint32_t flags)
{
	struct bpfmap_create_attr attr = {
		.map_type = type, .key_size = key_size, .value_size = 8,
		.max_entries = 8, .map_flags = flags, .map_name = "client",
	};
	int map = bpf(BPFMAP_CMD_MAP_CREATE, &attr, 72);

	printf("type %u\n", type);
	say("create", map);
	return map;
}

static int elem(int cmd, int map, void *key, void *value, uint64_t flags)
{
	struct bpfmap_elem_attr attr = { .map_fd = map, .key = PTR(key),
					 .value = PTR(value), .flags = flags };

	return bpf(cmd, &attr, cmd == BPFMAP_CMD_MAP_DELETE_ELEM ? 16 : 32);
}

static void elements(int map)
{
	uint32_t key, next;
	uint64_t value;
	unsigned int sum = 0;
	struct bpfmap_elem_attr attr = { .map_fd = map, .next_key = PTR(&next) };

	for (key = 0; key < 4; key++) {
		value = key * 11;
		say("update", elem(BPFMAP_CMD_MAP_UPDATE_ELEM, map, &key, &value, 0));
	}
	key = 2;
	say("no exist", elem(BPFMAP_CMD_MAP_UPDATE_ELEM, map, &key, &value,
			     BPFMAP_F_NOEXIST));
	say("look up", elem(BPFMAP_CMD_MAP_LOOKUP_ELEM, map, &key, &value, 0));
	printf("%llu\n", (unsigned long long)value);
	key = 77;
	say("absent", elem(BPFMAP_CMD_MAP_LOOKUP_ELEM, map, &key, &value, 0));
	while (!bpf(BPFMAP_CMD_MAP_GET_NEXT_KEY, &attr, 24)) {
		sum += next;
		key = next;
		attr.key = PTR(&key);
	}
	say("end", -1);
	printf("sum %u\n", sum);
	key = 2;
	say("delete", elem(BPFMAP_CMD_MAP_DELETE_ELEM, map, &key, NULL, 0));
}

static void batch(int map)
{
	uint32_t keys[8] = { 1, 3, 5 }, cursor[2];
	uint64_t values[8] = { 10, 30, 50 };
	struct bpfmap_batch_attr attr = { .keys = PTR(keys), .values = PTR(values),
					  .count = 3, .map_fd = map };
	unsigned int sum = 0, i;

	say("batch", bpf(BPFMAP_CMD_MAP_UPDATE_BATCH, &attr, 56));
	attr.count = 8;
	attr.out_batch = PTR(cursor);
	say("batch", bpf(BPFMAP_CMD_MAP_LOOKUP_BATCH, &attr, 56));
	for (i = 0; i < attr.count; i++)
		sum += values[i];
	printf("%u elements, sum %u\n", attr.count, sum);
}

static void info(int map)
{
	struct bpfmap_info data = { 0 };
	struct bpfmap_info_attr attr = { .bpf_fd = map, .info_len = 80,
					 .info = PTR(&data) };

	say("info", bpf(BPFMAP_CMD_OBJ_GET_INFO_BY_FD, &attr, 16));
	printf("%u %u %u %u %s\n", data.type, data.key_size, data.value_size,
	       data.max_entries, data.name);
	say("freeze", bpf(BPFMAP_CMD_MAP_FREEZE, &map, 4));
	say("frozen", elem(BPFMAP_CMD_MAP_UPDATE_ELEM, map, &map, &data, 0));
}

static void queue(int map)
{
	uint64_t value;
	int i;

	for (i = 0; i < 3; i++) {
		value = i;
		say("push", elem(BPFMAP_CMD_MAP_UPDATE_ELEM, map, NULL, &value, 0));
	}
	for (i = 0; i < 4; i++) {
		say("pop", elem(BPFMAP_CMD_MAP_LOOKUP_AND_DELETE_ELEM, map, NULL, &value,
				0));
		printf("%llu\n", (unsigned long long)value);
	}
}

int main(void)
{
	static const uint32_t types[] = { BPFMAP_TYPE_HASH, BPFMAP_TYPE_ARRAY };
	unsigned int i;
	int map;

	for (i = 0; i < 2; i++) {
		map = create(types[i], 4, 0);
		elements(map);
		batch(map);
		info(map);
		close(map);
	}
	map = create(BPFMAP_TYPE_QUEUE, 0, 0);
	queue(map);
	map = create(BPFMAP_TYPE_STACK, 0, 0);
	queue(map);
	create(99, 4, 0);
	create(BPFMAP_TYPE_HASH, 0, 0);
	say("closed", elem(BPFMAP_CMD_MAP_LOOKUP_ELEM, 99, &map, &map, 0));
	return 0;
}
