// SPDX-License-Identifier: GPL-2.0-only
/*
 * The fourth and fifth argument of bpf(2), by which MAP_CREATE of Linux 7.3 says
 * what is wrong. This is a program of bpf(2)'s users: on such a kernel it tests
 * that one, with the library to preload it tests that.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>
#include <linux/bpfmap.h>

#include "check.h"

#define ARRAY_SIZE(array) (sizeof(array) / sizeof((array)[0]))
#define ENOTSUPP 524
#define COMMON_ATTRS (1L << 16)
#define GOT_FD 0
#define CLOSED 1000
#define KEPT 77			/* log_true_size, if it is not written */
#define WORDS "Invalid map_extra.\n"

struct common_attr {
	uint64_t log_buf;
	uint32_t log_size, log_level, log_true_size, pad;
};

static char log_buf[256], *protected;

static long bpf(long cmd, void *attr, long size, void *common, long common_size)
{
	return syscall(__NR_bpf, cmd, attr, size, common, common_size, 0L);
}

/* MAP_CREATE with words: the errno, or 0 */
static int create(void *attr, long size, void *common, long common_size)
{
	long fd;

	memset(log_buf, '#', sizeof(log_buf));
	fd = bpf(COMMON_ATTRS | BPFMAP_CMD_MAP_CREATE, attr, size, common,
		 common_size);
	if (fd >= 0)
		close(fd);
	return fd < 0 ? errno : 0;
}

/* After create(): the errno, what is written to @c, if that is given, and the log */
static void check(const char *name, int got, int want, const struct common_attr *c,
		  uint32_t want_true_size, const char *words, size_t len)
{
	uint32_t true_size = c ? c->log_true_size : want_true_size;
	size_t i = sizeof(log_buf);

	while (i && log_buf[i - 1] == '#')
		i--;
	if (got == want && true_size == want_true_size && i == len &&
	    !memcmp(log_buf, words, len)) {
		assertions++;
		return;
	}
	failures++;
	printf("# %s: errno %d for %d, size %u for %u, %zu bytes for %zu: %.*s\n",
	       name, got, want, true_size, want_true_size, i, len, (int)i, log_buf);
}

#define A(...) SIZED(BPFMAP_TYPE_ARRAY, 4, __VA_ARGS__)
#define SIZED(type, size, ...) { .map_type = type, .key_size = 4,		\
				 .value_size = size, .max_entries = 1, __VA_ARGS__ }

static const struct reason {
	const char *name;
	struct bpfmap_create_attr attr;
	int want;
	const char *words;
} reasons[] = {
	{ "nothing", A(.map_flags = 0), GOT_FD, NULL },
	{ "vmlinux", A(.btf_vmlinux_value_type_id = 1), EINVAL,
	  "btf_vmlinux_value_type_id can only be used with struct_ops maps.\n" },
	{ "vmlinux first", A(.btf_vmlinux_value_type_id = 1, .btf_key_type_id = 1),
	  EINVAL,
	  "btf_vmlinux_value_type_id can only be used with struct_ops maps.\n" },
	{ "key type alone", A(.btf_key_type_id = 1, .map_extra = 1), EINVAL,
	  "Invalid btf_value_type_id.\n" },
	{ "extra", A(.map_extra = 1, .map_flags = BPFMAP_F_NUMA_NODE,
		     .numa_node = 255), EINVAL, WORDS },
	{ "node", A(.map_flags = BPFMAP_F_NUMA_NODE, .numa_node = 255), EINVAL,
	  "Invalid numa_node.\n" },
	{ "type 0", SIZED(0, 4, .map_flags = 0), EINVAL, NULL },
	{ "type 99", SIZED(99, 4, .map_flags = 0), EINVAL, "Invalid map_type.\n" },
	{ "value_size", SIZED(BPFMAP_TYPE_ARRAY, 0, .map_name = "a-b"), EINVAL, NULL },
	{ "flags", A(.map_flags = 1U << 30), EINVAL, NULL },
	{ "closed token", A(.map_flags = BPFMAP_F_TOKEN_FD, .map_token_fd = CLOSED,
			    .map_name = "a-b"), EBADF, "Invalid map_token_fd.\n" },
	{ "no token", A(.map_flags = BPFMAP_F_TOKEN_FD), EINVAL,
	  "Invalid map_token_fd.\n" },
	{ "name", A(.map_name = "a-b", .btf_value_type_id = 1, .btf_fd = CLOSED),
	  EINVAL, "Invalid map_name.\n" },
	{ "long name", A(.map_name = "sixteen_chars_xx"), EINVAL,
	  "Invalid map_name.\n" },
	{ "closed BTF", A(.btf_key_type_id = 1, .btf_value_type_id = 2,
			  .btf_fd = CLOSED, .excl_prog_hash_size = 32), EBADF,
	  "Invalid btf_fd.\n" },
	{ "hash size", A(.excl_prog_hash = 4096, .excl_prog_hash_size = 31), EINVAL,
	  "Invalid excl_prog_hash_size.\n" },
	{ "hash size alone", A(.excl_prog_hash_size = 32), EINVAL,
	  "Invalid excl_prog_hash_size.\n" },
	{ "bad hash", A(.excl_prog_hash = 4096, .excl_prog_hash_size = 32), EFAULT,
	  NULL },
	{ "access", A(.map_flags = BPFMAP_F_RDONLY | BPFMAP_F_WRONLY), EINVAL,
	  NULL },
	{ "LRU", SIZED(BPFMAP_TYPE_LRU_HASH, 4, .map_flags = BPFMAP_F_NO_PREALLOC),
	  ENOTSUPP, NULL },
	{ "too large", SIZED(BPFMAP_TYPE_ARRAY, UINT32_MAX, .map_flags = 0), E2BIG, NULL },
	{ "closed inner map", SIZED(BPFMAP_TYPE_ARRAY_OF_MAPS, 4,
				    .inner_map_fd = CLOSED), EBADF, NULL },
	{ "no inner map", SIZED(BPFMAP_TYPE_ARRAY_OF_MAPS, 4, .inner_map_fd = 0),
	  EINVAL, NULL },
	{ "no inner map before name", SIZED(BPFMAP_TYPE_ARRAY_OF_MAPS, 4,
					    .map_name = "a-b"), EINVAL, NULL },
};

static void test_reasons(void)
{
	size_t i;

	for (i = 0; i < ARRAY_SIZE(reasons); i++) {
		const struct reason *r = &reasons[i];
		struct common_attr c = { (uintptr_t)log_buf, 200, 1, KEPT, 0 };
		struct bpfmap_create_attr attr = r->attr;
		uint32_t len = r->words ? strlen(r->words) + 1 : 0;
		int err = create(&attr, 92, &c, 20);

		check(r->name, err, r->want, &c, len,
		      r->words ? r->words : "", len);
	}
}

static struct bpfmap_create_attr good = A(.map_flags = 0);
static struct bpfmap_create_attr extra = A(.map_extra = 1);

enum where { NOWHERE, THERE, BAD, READ_ONLY };

/* What becomes of WORDS, which have 20 bytes */
static const struct room {
	enum where where;
	uint32_t size, level;
	int want;
	uint32_t true_size;
	const char *words;
	size_t len;
} rooms[] = {
	{ NOWHERE, 0, 1, EINVAL, 20, "", 0 },
	{ NOWHERE, 10, 1, EINVAL, KEPT, "", 0 },
	{ THERE, 0, 1, EINVAL, KEPT, "", 0 },
	{ THERE, 200, 0, EINVAL, KEPT, "", 0 },
	{ NOWHERE, 0, 0, EINVAL, 0, "", 0 },
	{ THERE, 200, 2, EINVAL, 20, WORDS, 20 },
	{ THERE, 200, 4, EINVAL, 20, WORDS, 20 },
	{ THERE, 200, 15, EINVAL, 20, WORDS, 20 },
	{ THERE, 200, 16, EINVAL, KEPT, "", 0 },
	{ THERE, 20, 1, EINVAL, 20, WORDS, 20 },
	{ THERE, 19, 1, ENOSPC, 20, "nvalid map_extra.\n", 19 },
	{ THERE, 5, 1, ENOSPC, 20, "ra.\n", 5 },
	{ THERE, 1, 1, ENOSPC, 20, "", 1 },
	{ THERE, 19, 9, ENOSPC, 20, "Invalid map_extra.", 19 },
	{ THERE, 5, 9, ENOSPC, 20, "Inva", 5 },
	{ THERE, UINT32_MAX >> 2, 1, EINVAL, 20, WORDS, 20 },
	{ THERE, (UINT32_MAX >> 2) + 1, 1, EINVAL, KEPT, "", 0 },
	{ BAD, 200, 1, EFAULT, 20, "", 0 },
	{ READ_ONLY, 200, 1, EFAULT, 20, "", 0 },
};

static void test_room(void)
{
	const uint64_t bufs[] = { 0, (uintptr_t)log_buf, 8, (uintptr_t)protected };
	size_t i;

	for (i = 0; i < ARRAY_SIZE(rooms); i++) {
		const struct room *r = &rooms[i];
		struct common_attr c = { bufs[r->where], r->size, r->level, KEPT, 0 };
		char name[16];

		snprintf(name, sizeof(name), "room %zu", i);
		check(name, create(&extra, 92, &c, 20), r->want, &c,
		      r->true_size, r->words, r->len);
	}
}

/* Both structs may be shorter and longer; what is added to them is 0 */
static void test_sizes(void)
{
	static const struct {
		long size;
		int want;
		uint32_t true_size;
		const char *words;
		size_t len;
	} rows[] = {
		{ 0, EINVAL, KEPT, "", 0 }, { 8, EINVAL, KEPT, "", 0 },
		{ 12, EINVAL, KEPT, "", 0 }, { 16, EINVAL, KEPT, WORDS, 20 },
		{ 19, EINVAL, KEPT, WORDS, 20 }, { 20, EINVAL, 20, WORDS, 20 },
		{ 24, EINVAL, 20, WORDS, 20 }, { 4097, E2BIG, KEPT, "", 0 },
	};
	struct common_attr c;
	struct {
		struct bpfmap_create_attr attr;
		uint32_t more[20];
	} longer = { extra, { 0 } };
	size_t i;

	for (i = 0; i < ARRAY_SIZE(rows); i++) {
		char name[24];

		c = (struct common_attr){ (uintptr_t)log_buf, 200, 1, KEPT, 0 };
		snprintf(name, sizeof(name), "size %ld", rows[i].size);
		check(name, create(&extra, 92, &c, rows[i].size), rows[i].want,
		      &c, rows[i].true_size, rows[i].words, rows[i].len);
	}
	c = (struct common_attr){ (uintptr_t)log_buf, 200, 1, KEPT, 1 };
	check("padding", create(&good, 92, &c, 24), E2BIG, &c, KEPT, "", 0);
	c.pad = 0;
	check("long attr", create(&longer, 168, &c, 20), EINVAL, &c, 20,
	      WORDS, 20);
	((char *)&longer)[100] = 1;
	check("tail", create(&longer, 168, &c, 20), EINVAL, &c, 15,
	      "Invalid attr.\n", 15);
	((char *)&longer)[170] = 1;
	check("long tail", create(&longer, 172, &c, 20), E2BIG, &c, 15, "",
	      0);
}

static void test_pointers(void)
{
	struct common_attr c = { 8, 200, 1, KEPT, 0 };
	struct common_attr *last = (void *)(protected + 4096 - 20);

	check("bad log, nothing to say", create(&good, 92, &c, 20), GOT_FD,
	      &c, 0, "", 0);
	check("bad common attrs", create(&extra, 92, (void *)8, 20), EFAULT, NULL, 0, "", 0);
	check("none of them", create(&good, 92, (void *)8, 0), GOT_FD, NULL, 0, "", 0);
	c.log_true_size = KEPT;
	check("bad attr", create((void *)8, 92, &c, 20), EFAULT, &c, KEPT, "", 0);
	check("bad attr before size", create((void *)8, 92, &c, 5000), EFAULT, NULL, 0, "",
	      0);
	check("true_size is read-only", create(&good, 92, last, 20), EFAULT, NULL, 0, "",
	      0);
}

/* Other commands check them, and do not use them */
static void test_others(void)
{
	struct common_attr c = { (uintptr_t)log_buf, 200, 16, KEPT, 0 };
	struct bpfmap_id_attr id = { .start_id = INT32_MAX - 1 };

	errno = 0;
	CHECK(bpf(COMMON_ATTRS | BPFMAP_CMD_MAP_GET_NEXT_ID, &id, 12, &c, 20) == -1);
	CHECK(errno == ENOENT && c.log_true_size == KEPT);
	c.pad = 1;
	CHECK(bpf(COMMON_ATTRS | BPFMAP_CMD_MAP_GET_NEXT_ID, &id, 12, &c, 24) == -1);
	CHECK(errno == E2BIG);
	CHECK(bpf(COMMON_ATTRS | 99, &id, 12, &c, 20) == -1 && errno == EINVAL);
	CHECK(bpf(2 * COMMON_ATTRS, &id, 12, &c, 20) == -1 && errno == EINVAL);
}

/* No descriptor is lost where the command fails after the map was there */
static void test_descriptors(void)
{
	int before = dup(0), after;

	close(before);
	test_pointers();
	after = dup(0);
	close(after);
	CHECK(before == after || !getenv("LD_PRELOAD"));
}

int main(void)
{
	const struct common_attr c = { 0, 0, 0, 0, 0 };

	if (bpf(COMMON_ATTRS | BPFMAP_CMD_MAP_CREATE, NULL, 0, NULL, 1) != -1 ||
	    errno != EFAULT) {
		printf("1..1\nok 1 - bpf_log # SKIP bpf(2) is older than 7.3\n");
		return 0;
	}
	protected = mmap(NULL, 4096, PROT_READ | PROT_WRITE,
			 MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	memcpy(protected + 4096 - 20, &c, 20);
	mprotect(protected, 4096, PROT_READ);
	printf("1..6\n");
	run("reasons", test_reasons);
	run("room", test_room);
	run("sizes", test_sizes);
	run("pointers", test_pointers);
	run("other commands", test_others);
	run("descriptors", test_descriptors);
	printf("# %u assertions\n", assertions);
	return failures != 0;
}
