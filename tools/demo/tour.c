// SPDX-License-Identifier: GPL-2.0-only
/*
 * A transcript of every command at work, through libbpfmap: the text of each
 * call, and what it returned. A result other than the one expected is marked,
 * and the tour then fails.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "bpfmap.h"
#include "demo.h"

static bool as_expected;

#define ANY_FD 1000000

static int show(const char *call, int ret, int expected)
{
	bool ok = expected == ANY_FD ? ret >= 0 : ret == expected;
	char number[16];

	snprintf(number, sizeof(number), "%d", ret);
	printf("  %-72s = %s%s\n", call, ret < 0 ? errno_name(-ret) : number,
	       ok ? "" : "   <- UNEXPECTED");
	as_expected &= ok;
	return ret;
}

#define SHOW(expected, call) show(#call, call, expected)

#define SAY(fmt, ...) printf("  %*s" fmt "\n", 8, "", ##__VA_ARGS__)

static void show_elements(void)
{
	__u32 key = 7, next;
	__u64 value = 700;
	int map;

	printf("A hash map, key by key\n");
	map = SHOW(ANY_FD, bpfmap_create(BPFMAP_TYPE_HASH, "tour", 4, 8, 2, NULL));
	SHOW(0, bpfmap_update_elem(map, &key, &value, BPFMAP_F_ANY));
	SHOW(-EEXIST, bpfmap_update_elem(map, &key, &value, BPFMAP_F_NOEXIST));
	value = 0;
	SHOW(0, bpfmap_lookup_elem(map, &key, &value));
	SAY("key %u has value %llu", key, value);
	key = 8;
	SHOW(-ENOENT, bpfmap_lookup_elem(map, &key, &value));
	SHOW(-ENOENT, bpfmap_update_elem(map, &key, &value, BPFMAP_F_EXIST));
	SHOW(0, bpfmap_update_elem(map, &key, &value, BPFMAP_F_ANY));
	key = 9;
	SHOW(-E2BIG, bpfmap_update_elem(map, &key, &value, BPFMAP_F_ANY));
	SAY("that was one more than max_entries");
	SHOW(0, bpfmap_get_next_key(map, NULL, &key));
	SHOW(0, bpfmap_get_next_key(map, &key, &next));
	SHOW(-ENOENT, bpfmap_get_next_key(map, &next, &key));
	SAY("the keys are %u and %u", key, next);
	SHOW(0, bpfmap_lookup_and_delete_elem(map, &key, &value));
	SHOW(0, bpfmap_delete_elem(map, &next));
	SHOW(-ENOENT, bpfmap_delete_elem(map, &next));
	close(map);
}

static void show_batches(void)
{
	__u32 keys[4] = { 1, 2, 3, 4 }, count = 4, cursor;
	__u64 values[4] = { 10, 20, 30, 40 };
	int map;

	printf("\nBatches\n");
	map = SHOW(ANY_FD, bpfmap_create(BPFMAP_TYPE_HASH, "batch", 4, 8, 16, NULL));
	SHOW(0, bpfmap_update_batch(map, keys, values, &count, NULL));
	SHOW(-ENOENT, bpfmap_lookup_batch(map, NULL, &cursor, keys, values, &count, NULL));
	SAY("%u elements; ENOENT says that these were the last ones", count);
	count = 1;
	SHOW(0, bpfmap_delete_batch(map, keys, &count, NULL));
	count = 4;
	SHOW(-ENOENT, bpfmap_lookup_and_delete_batch(map, NULL, &cursor, keys, values,
						     &count, NULL));
	SAY("%u elements taken out", count);
	close(map);
}

static void show_percpu(void)
{
	int cpus = bpfmap_num_possible_cpus();
	__u64 value = 5, slots[1024] = { 0 };
	__u32 key = 1;
	int map, cpu;

	if (cpus < 1 || cpus > 1024)
		die("cannot tell the number of CPUs");
	printf("\nA value for each CPU\n");
	map = SHOW(ANY_FD, bpfmap_create(BPFMAP_TYPE_PERCPU_HASH, "percpu", 4, 8, 16, NULL));
	SHOW(0, bpfmap_update_elem(map, &key, &value, BPFMAP_F_ALL_CPUS));
	value = 77;
	SHOW(0, bpfmap_update_elem(map, &key, &value, BPFMAP_F_CPU | 0ULL << 32));
	SHOW(0, bpfmap_lookup_elem(map, &key, slots));
	printf("  %*sthe %d values:", 8, "", cpus);
	for (cpu = 0; cpu < cpus; cpu++)
		printf(" %llu", slots[cpu]);
	printf("\n");
	SHOW(-ERANGE, bpfmap_lookup_elem_flags(map, &key, &value, BPFMAP_F_CPU | 9999ULL << 32));
	close(map);
}

static void show_info(int map)
{
	char line[128], path[64];
	struct bpfmap_info info;
	unsigned char sha[32] = { 0 };
	__u32 len = sizeof(info);
	FILE *file;
	int i;

	memset(&info, 0, sizeof(info));
	info.hash = (unsigned long)sha;
	info.hash_size = sizeof(sha);
	SHOW(0, bpfmap_get_info_by_fd(map, &info, &len));
	SAY("id %u, %s \"%s\", key %u, value %u, max_entries %u, flags %#x",
	    info.id, bpfmap_type_str((enum bpfmap_type)info.type), info.name,
	    info.key_size, info.value_size, info.max_entries, info.map_flags);
	printf("  %*sSHA-256 of its frozen content: ", 8, "");
	for (i = 0; i < 32; i++)
		printf("%02x", sha[i]);
	printf("\n");

	snprintf(path, sizeof(path), "/proc/self/fdinfo/%d", map);
	file = fopen(path, "r");
	if (!file)
		die("%s: %s", path, strerror(errno));
	printf("  %*s%s:", 8, "", path);
	while (fgets(line, sizeof(line), file)) {
		line[strcspn(line, "\n")] = '\0';
		if (!strncmp(line, "m", 1) || !strncmp(line, "frozen", 6))
			printf(" %s", strncmp(line, "mnt_id", 6) ? line : "");
	}
	printf("\n");
	fclose(file);
}

static void show_array(void)
{
	BPFMAP_OPTS(bpfmap_create_opts, opts, .map_flags = BPFMAP_F_MMAPABLE);
	__u64 *memory, value = 0;
	__u32 key = 3, id = 0;
	int map, other;

	printf("\nAn array, mapped into this process; ids; freezing\n");
	map = SHOW(ANY_FD, bpfmap_create(BPFMAP_TYPE_ARRAY, "array", 4, 8, 16, &opts));
	memory = mmap(NULL, sizeof(*memory) * 16, PROT_READ | PROT_WRITE,
		      MAP_SHARED, map, 0);
	if (memory == MAP_FAILED)
		die("mmap: %s", strerror(errno));
	memory[3] = 333;
	SHOW(0, bpfmap_lookup_elem(map, &key, &value));
	SAY("what was written to memory[3] is found by the lookup: %llu", value);
	if (value != 333)
		as_expected = false;
	SHOW(-EINVAL, bpfmap_delete_elem(map, &key));
	SHOW(-524, bpfmap_lookup_and_delete_elem(map, &key, &value));
	SHOW(0, bpfmap_get_next_id(0, &id));
	other = SHOW(ANY_FD, bpfmap_get_fd_by_id(id));
	close(other);
	SHOW(-EBUSY, bpfmap_freeze(map));
	munmap(memory, sizeof(*memory) * 16);
	SHOW(0, bpfmap_freeze(map));
	SHOW(-EPERM, bpfmap_update_elem(map, &key, &value, BPFMAP_F_ANY));
	SHOW(0, bpfmap_lookup_elem(map, &key, &value));
	show_info(map);
	close(map);
	SHOW(-EBADF, bpfmap_lookup_elem(map, &key, &value));
}

bool tour(void)
{
	as_expected = true;
	show_elements();
	show_batches();
	show_percpu();
	show_array();
	return as_expected;
}
