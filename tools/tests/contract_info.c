// SPDX-License-Identifier: GPL-2.0-only
/*
 * contract_info - OBJ_GET_INFO_BY_FD, GET_NEXT_ID, GET_FD_BY_ID, ids
 * and what /proc tells about a map
 */
#include "contract.h"

#define INFO	BPFMAP_CMD_OBJ_GET_INFO_BY_FD
#define NEXT_ID	BPFMAP_CMD_MAP_GET_NEXT_ID
#define INFO_SIZE 104

/* ------------------------------------------------------------------------- */
/* Map info */

static int get_info(int fd, void *info, uint32_t *len)
{
	union attr a = { .info = { .bpf_fd = fd, .info_len = *len,
				   .info = PTR(info) } };
	int ret = sys_map(INFO, &a, sizeof(a));

	*len = a.info.info_len;
	return ret;
}

static struct bpfmap_info expected_info(const struct tmap *t)
{
	struct bpfmap_info info = {
		.type = t->kind->type,
		.id = map_id(t->fd),
		.key_size = t->key_size,
		.value_size = t->value_size,
		.max_entries = t->max_entries,
		.map_flags = t->kind->flags,
	};

	return info;
}

/* @dirty: offset of a byte that is not 0, or -1; [info.page], [info.filled] */
static const struct len_row {
	uint32_t len;
	int dirty;
	int ret;
	uint32_t len_after;
} len_rows[] = {
	{ 0, -1, 0, 0 }, { 1, -1, 0, 1 }, { 3, -1, 0, 3 }, { 4, -1, 0, 4 },
	{ 8, -1, 0, 8 }, { 40, -1, 0, 40 }, { 80, -1, 0, 80 },
	{ 87, -1, 0, 87 }, { 88, -1, 0, 88 }, { 95, -1, 0, 95 },
	{ 96, -1, 0, 96 }, { 100, -1, 0, 100 }, { 101, -1, 0, 101 },
	{ 103, -1, 0, 103 }, { 104, -1, 0, 104 }, { 105, -1, 0, 104 },
	{ 112, -1, 0, 104 }, { 200, -1, 0, 104 }, { 4095, -1, 0, 104 },
	{ 4096, -1, 0, 104 }, { 4097, -1, -E2BIG, 4097 },
	{ 8000, -1, -E2BIG, 8000 }, { UINT32_MAX, -1, -E2BIG, UINT32_MAX },
	/* bytes in [100, info_len) */
	{ 104, 100, -E2BIG, 104 }, { 104, 101, -E2BIG, 104 },
	{ 104, 103, -E2BIG, 104 }, { 101, 100, -E2BIG, 101 },
	{ 101, 101, 0, 101 }, { 100, 100, 0, 100 }, { 105, 104, -E2BIG, 105 },
	{ 104, 104, 0, 104 }, { 200, 150, -E2BIG, 200 },
	{ 200, 199, -E2BIG, 200 }, { 200, 200, 0, 104 },
	{ 4096, 4095, -E2BIG, 4096 }, { 4096, 4096, 0, 104 },
};

TEST(info_len, K_ALL)
{
	struct tmap t = tmap_new(k, 4, 12, 5);
	struct bpfmap_info want = expected_info(&t);
	uint8_t *got = malloc(8192), *copy = malloc(8192);
	size_t i, n;

	for (i = 0; i < ARRAY_SIZE(len_rows) && since(7, 3); i++) {
		const struct len_row *r = &len_rows[i];
		uint32_t len = r->len;

		row("info.tail", "info %s: info_len %u, dirty byte %d", k->name,
		    r->len, r->dirty);
		memset(got, 0, 8192);
		if (r->dirty >= 0)
			got[r->dirty] = 1;
		memcpy(copy, got, 8192);
		check_ret(get_info(t.fd, got, &len), r->ret, "result");
		check_num(len, r->len_after, "info_len");
		n = r->ret ? 0 : r->len < INFO_SIZE ? r->len : INFO_SIZE;
		check_mem(got, &want, n, "info");
		check_mem(got + n, copy + n, 8192 - n, "after info");
	}
	free(got);
	free(copy);
}

TEST(info_fds, K_ALL)
{
	struct tmap t = tmap_new(k, 4, 12, 5);
	struct bpfmap_info want = expected_info(&t), got;
	int rdonly = tmap_reopen(&t, BPFMAP_F_RDONLY);
	int wronly = tmap_reopen(&t, BPFMAP_F_WRONLY);
	uint32_t len = sizeof(got);

	row("info.any", "info %s: RDONLY fd", k->name);
	check_ret(map_info(rdonly, &got), 0, "result");
	check_mem(&got, &want, sizeof(got), "info");
	row("info.any", "info %s: WRONLY fd", k->name);
	check_ret(map_info(wronly, &got), 0, "result");
	check_mem(&got, &want, sizeof(got), "info");
	row("info.any", "info %s: frozen", k->name);
	check_ret(map_freeze(t.fd), 0, "FREEZE");
	check_ret(map_info(t.fd, &got), 0, "result");
	check_mem(&got, &want, sizeof(got), "info");
	if (backend() != BACKEND_MAP) {
		row("info.closed", "info: closed fd");
		check_ret(map_info(closed_fd(), &got), -EBADFD, "result");
		row("fd.foreign", "info: fd of something else");
		check_ret(map_info(other_fd(), &got), -EINVAL, "result");
		row("info.closed", "info: the fd before info_len");
		len = UINT32_MAX;
		check_ret(get_info(closed_fd(), NULL, &len), -EBADFD, "result");
	}
	row("info.read", "info %s: bad info", k->name);
	len = sizeof(got);
	check_ret(get_info(t.fd, NULL, &len), -EFAULT, "NULL");
	check_ret(get_info(t.fd, bad_ptr(), &len), -EFAULT, "not mapped");
	check_num(len, sizeof(got), "info_len");
	len = 0;
	check_ret(get_info(t.fd, NULL, &len), 0, "NULL, info_len 0");
}

/* The buffer is not all there, or may only be read */
TEST(info_faults, K_ALL)
{
	struct tmap t = tmap_new(k, 4, 12, 5);
	uint8_t *cut = edge_new(103);
	uint32_t len;

	memset(cut, 0, 103);
	row("info.read", "info %s: 103 of 104 bytes mapped", k->name);
	len = 104;
	check_ret(get_info(t.fd, cut, &len), -EFAULT, "result");
	check_num(len, 104, "info_len");
	row("info.read", "info %s: 103 of 200 bytes mapped", k->name);
	len = 200;
	check_ret(get_info(t.fd, cut, &len), -EFAULT, "result");
	row("info.read", "info %s: 103 of 103 bytes mapped", k->name);
	len = 103;
	check_ret(get_info(t.fd, cut, &len), 0, "result");
	row("info.write", "info %s: read-only buffer", k->name);
	len = 88;
	check_ret(get_info(t.fd, (void *)len_rows, &len), -EFAULT, "result");
	edge_free(cut, 103);
}

/* ------------------------------------------------------------------------- */
/* SHA-256 of a frozen array: every element, padded to 8 bytes */

static const struct hash_row {
	const char *name;
	uint32_t value_size, max_entries;
	enum { ZERO, TEXT, FILLED } content;
	const char *sha256;
} hash_rows[] = {
	{ "4 x 8 zeros", 8, 4, ZERO,
	  "66687aadf862bd776c8fc18b8e9f8e20089714856ee233b3902a591d0d5f2925" },
	{ "abc, xyz", 3, 2, TEXT,
	  "45fcd3579e7c98ea72ee98df1af66d48bf857e6495a7f40f90ce57368ed721cb" },
	{ "1 x 1", 1, 1, FILLED,
	  "7c9fa136d4413fa6173637e883b6998d32e1d675f88cddff9dcbcf331820f4b8" },
	{ "7 x 8", 8, 7, FILLED,
	  "138bfe6d67666a6fc3912bb599a9a23123d6cc14b3792e2af31a28eaeb8b4a4b" },
	{ "100 x 12", 12, 100, FILLED,
	  "78202093a1c0116d3832e50ecd4a1a9188244a800842f343a0d822bd05def85c" },
	{ "1000 x 100", 100, 1000, FILLED,
	  "8bed206120c60e288e1806bab9bd8b82d3ff07415a9110c3e71d8fb8838c4425" },
};

static int get_hash(int fd, void *hash, uint32_t size, struct bpfmap_info *info)
{
	uint32_t len = sizeof(*info);

	memset(info, 0, sizeof(*info));
	info->hash = PTR(hash);
	info->hash_size = size;
	return get_info(fd, info, &len);
}

static void check_hex(const uint8_t *got, const char *want)
{
	char hex[65];
	int i;

	for (i = 0; i < 32; i++)
		sprintf(hex + 2 * i, "%02x", got[i]);
	check(!strcmp(hex, want), "expected %s, got %s", want, hex);
}

TEST(hash_of_content, K_ARRAY | K_ARRAY_MM)
{
	size_t i;

	for (i = 0; i < ARRAY_SIZE(hash_rows) && since(7, 3); i++) {
		const struct hash_row *r = &hash_rows[i];
		struct tmap t = tmap_new(k, 4, r->value_size, r->max_entries);
		struct bpfmap_info info, want = expected_info(&t);
		struct buf hash = buf_new(32);
		uint32_t key;

		row("info.sha256", "SHA-256 %s: %s", k->name, r->name);
		if (r->content == FILLED)
			tmap_fill(&t, r->max_entries);
		for (key = 0; r->content == TEXT && key < 2; key++)
			check_ret(map_update(t.fd, &key, key ? "xyz" : "abc", 0),
				  0, "UPDATE");
		check_ret(map_freeze(t.fd), 0, "FREEZE");
		check_ret(get_hash(t.fd, hash.p, 32, &info), 0, "result");
		check_buf(&hash, hash.p, 32, "hash");
		check_hex(hash.p, r->sha256);
		want.hash = PTR(hash.p);
		want.hash_size = 32;
		check_mem(&info, &want, sizeof(info), "info");
		buf_free(&hash);
		tmap_close(&t);
	}
}

TEST(hash_errors, K_ALL)
{
	bool array = k->class == C_ARRAY;
	struct tmap t = tmap_new(k, 4, 12, 5);
	struct buf hash = buf_new(33);
	const struct {
		const char *name;
		bool frozen;
		void *hash;
		uint32_t size;
		int want;
	} rows[] = {
		/* [info.hash], [info.thawed] */
		{ "not frozen", false, hash.p, 32, array ? -EPERM : -EINVAL },
		{ "size before not frozen", false, hash.p, 31, -EINVAL },
		{ "not frozen before fault", false, bad_ptr(), 32,
		  array ? -EPERM : -EINVAL },
		{ "size alone", false, NULL, 32, -EINVAL },
		{ "size 1 alone", true, NULL, 1, -EINVAL },
		{ "size 0", true, hash.p, 0, -EINVAL },
		{ "size 31", true, hash.p, 31, -EINVAL },
		{ "size 33", true, hash.p, 33, -EINVAL },
		{ "size 2^32 - 1", true, hash.p, UINT32_MAX, -EINVAL },
		{ "bad pointer", true, bad_ptr(), 32, array ? -EFAULT : -EINVAL },
	};
	struct bpfmap_info info, copy;
	bool frozen = false;
	size_t i;

	for (i = 0; i < ARRAY_SIZE(rows) && since(7, 3); i++) {
		row("info.sha256", "SHA-256 %s: %s", k->name, rows[i].name);
		if (rows[i].frozen && !frozen)
			check_ret(map_freeze(t.fd), 0, "FREEZE");
		frozen = rows[i].frozen;
		memset(&copy, 0, sizeof(copy));
		copy.hash = PTR(rows[i].hash);
		copy.hash_size = rows[i].size;
		check_ret(get_hash(t.fd, rows[i].hash, rows[i].size, &info),
			  rows[i].want, "result");
		check_mem(&info, &copy, sizeof(info), "info unchanged");
		check_untouched(&hash, "hash");
	}
}

/* Members that info_len does not reach are not looked at */
TEST(hash_not_reached, K_ALL)
{
	struct tmap t = tmap_new(k, 4, 12, 5);
	struct bpfmap_info info = { .hash = 1, .hash_size = 1 };
	uint32_t len = 88;

	row("info.input", "SHA-256 %s: info_len 88", k->name);
	if (since(7, 3)) {
		check_ret(get_info(t.fd, &info, &len), 0, "result");
		check_num(len, 88, "info_len");
		check_num(info.type, k->type, "type");
		check_num(info.hash, 1, "hash");
	}
}

/* Members about BTF and devices are returned unchanged */
TEST(not_cleared, K_ALL)
{
	struct tmap t = tmap_new(k, 4, 12, 5);
	struct bpfmap_info info, want;
	uint32_t len = sizeof(info);

	row("info.input", "members that are not written: %s", k->name);
	pattern(&info, sizeof(info), 1);
	info.hash = 0;
	info.hash_size = 0;
	info.__pad = 0;
	want = info;
	if (since(7, 3)) {
		check_ret(get_info(t.fd, &info, &len), 0, "result");
		want.type = k->type;
		want.id = map_id(t.fd);
		want.key_size = 4;
		want.value_size = 12;
		want.max_entries = 5;
		want.map_flags = k->flags;
		memset(want.name, 0, sizeof(want.name));
		want.btf_vmlinux_value_type_id = 0;
		want.map_extra = 0;
		check_mem(&info, &want, sizeof(info), "info");
	}
}

/* ------------------------------------------------------------------------- */
/* Ids */

static int next_id(uint32_t start, uint32_t *next)
{
	union attr a = { .id = { .start_id = start, .next_id = *next } };
	union attr copy = a;
	int ret;

	ret = sys_map(NEXT_ID, &a, sizeof(a));
	*next = a.id.next_id;
	copy.id.next_id = a.id.next_id;
	check_mem(&a, &copy, sizeof(a), "rest of attr");
	return ret;
}

static bool found_by_walk(uint32_t id)
{
	uint32_t at = 0, next = 0;

	while (at < id && !next_id(at, &next))
		at = next;
	return at == id;
}

TEST(ids, K_ALL)
{
	struct tmap t[3];
	uint32_t id[3], next, i;

	row("id.numbers", "ids: %s", k->name);
	for (i = 0; i < 3; i++) {
		t[i] = tmap_new(k, 4, 8, 4);
		id[i] = map_id(t[i].fd);
		check(id[i] >= 1 && id[i] <= 0x7ffffffe, "id %u", id[i]);
		if (i)
			check(id[i] > id[i - 1], "%u after %u", id[i], id[i - 1]);
	}
	row("id.next", "GET_NEXT_ID: walk over %s", k->name);
	for (i = 0; i < 3; i++)
		check(found_by_walk(id[i]), "map %u is found", i);
	row("id.next", "GET_NEXT_ID: id just before %s", k->name);
	for (i = 0; i < 3; i++) {
		next = 0;
		check_ret(next_id(id[i] - 1, &next), 0, "result");
		check_num(next, id[i], "next_id");
	}
	row("id.numbers", "ids: %s closed", k->name);
	tmap_close(&t[1]);
	check(!found_by_walk(id[1]), "not found");
	check_ret(map_get_fd_by_id(id[1], 0), -ENOENT, "GET_FD_BY_ID");
	next = 0;
	check_ret(next_id(id[1], &next), 0, "a start_id that is none");
	check(next > id[1] && next <= id[2], "next is %u, not %u", next, id[2]);
	tmap_close(&t[2]);
	t[1] = tmap_new(k, 4, 8, 4);
	check(map_id(t[1].fd) > id[2], "ids are not reused at once");
	tmap_close(&t[0]);
	tmap_close(&t[1]);
}

TEST(next_id_ends, 0)
{
	static const struct {
		uint32_t start;
		int want;
	} rows[] = {
		/* [id.last] */
		{ 0x7ffffffe, -ENOENT }, { 0x7ffffffd, -ENOENT },
		{ 0x7fffffff, -EINVAL }, { 0x80000000, -EINVAL },
		{ UINT32_MAX, -EINVAL },
	};
	uint32_t next;
	size_t i;

	for (i = 0; i < ARRAY_SIZE(rows); i++) {
		row("id.start", "GET_NEXT_ID: start_id %#x", rows[i].start);
		next = 0x5a5a5a5a;
		check_ret(next_id(rows[i].start, &next), rows[i].want, "result");
		check_num(next, 0x5a5a5a5a, "next_id untouched");
	}
}

TEST(fd_by_id, K_ALL)
{
	static const struct {
		const char *name;
		uint32_t flags;
		int want, mode;
	} rows[] = {
		{ "0", 0, GOT_FD, O_RDWR },
		{ "RDONLY", BPFMAP_F_RDONLY, GOT_FD, O_RDONLY },
		{ "WRONLY", BPFMAP_F_WRONLY, GOT_FD, O_WRONLY },
		/* [id.modes] */
		{ "both", BPFMAP_F_RDONLY | BPFMAP_F_WRONLY, -EINVAL, 0 },
	};
	int fd = map_new(k, 4, 8, 4, BPFMAP_F_RDONLY), other, bit;
	uint32_t id = map_id(fd);
	size_t i;

	for (i = 0; i < ARRAY_SIZE(rows); i++) {
		row("id.mode", "GET_FD_BY_ID %s: open_flags %s", k->name,
		    rows[i].name);
		other = map_get_fd_by_id(id, rows[i].flags);
		check_ret(other, rows[i].want, "result");
		if (other < 0)
			continue;
		check_num(fcntl(other, F_GETFL) & O_ACCMODE, rows[i].mode, "mode");
		check_num(fcntl(other, F_GETFD), FD_CLOEXEC, "close on exec");
		check_num(map_id(other), id, "its id");
		close(other);
	}
	for (bit = 0; bit < 32; bit++) {
		row("id.flags", "GET_FD_BY_ID %s: open_flags bit %d", k->name,
		    bit);
		if (bit != 3 && bit != 4) {
			check_ret(map_get_fd_by_id(id, 1U << bit), -EINVAL, "id");
			check_ret(map_get_fd_by_id(0, 1U << bit), -EINVAL,
				  "before the id");
		}
	}
	row("id.unknown", "GET_FD_BY_ID: unknown ids");
	check_ret(map_get_fd_by_id(0, 0), -ENOENT, "id 0");
	check_ret(map_get_fd_by_id(0, BPFMAP_F_RDONLY), -ENOENT, "id 0");
	check_ret(map_get_fd_by_id(0x7ffffffe, 0), -ENOENT, "id 2^31 - 2");
	check_ret(map_get_fd_by_id(UINT32_MAX, 0), -ENOENT, "id 2^32 - 1");
	check_ret(map_get_fd_by_id(0, 24), -EINVAL, "both modes before the id");
	row("life.refs", "GET_FD_BY_ID %s: keeps the map", k->name);
	other = map_get_fd_by_id(id, 0);
	close(fd);
	check_num(map_id(other), id, "id after the first descriptor is closed");
	close(other);
	check_ret(map_get_fd_by_id(id, 0), -ENOENT, "after the last one");
}

/* ------------------------------------------------------------------------- */
/* /proc */

/* The lines after those that each file has: "name:\tvalue\n" */
static void fdinfo(int fd, char *text, size_t size)
{
	char path[64], *at;
	FILE *f;
	size_t n = 0;

	snprintf(path, sizeof(path), "/proc/self/fdinfo/%d", fd);
	f = fopen(path, "re");
	if (f) {
		n = fread(text, 1, size - 1, f);
		fclose(f);
	}
	text[n] = 0;
	at = strstr(text, "map_type:");
	if (at)
		memmove(text, at, strlen(at) + 1);
}

static void check_fdinfo(const struct tmap *t, uint32_t flags, int frozen)
{
	unsigned long long memlock = 0;
	char text[1024], want[1024], *at;

	fdinfo(t->fd, text, sizeof(text));
	at = strstr(text, "memlock:\t");
	if (check(at, "memlock line"))
		memlock = strtoull(at + 9, NULL, 10);
	check(memlock > 0, "memlock %llu", memlock);
	if (!is_hash(t->kind))
		check(memlock >= (unsigned long long)t->max_entries *
		      ROUND_UP(t->value_size, 8), "memlock %llu", memlock);
	snprintf(want, sizeof(want),
		 "map_type:\t%u\nkey_size:\t%u\nvalue_size:\t%u\n"
		 "max_entries:\t%u\nmap_flags:\t0x%x\nmap_extra:\t0x0\n"
		 "memlock:\t%llu\nmap_id:\t%u\nfrozen:\t%d\n",
		 t->kind->type, t->key_size, t->value_size, t->max_entries, flags,
		 memlock, map_id(t->fd), frozen);
	check(!strcmp(text, want), "expected:\n%sgot:\n%s", want, text);
}

TEST(proc_fdinfo, K_ALL)
{
	struct tmap t = tmap_new(k, 4, 12, 500);

	row("file.fdinfo", "fdinfo of %s", k->name);
	check_fdinfo(&t, k->flags, 0);
	row("file.fdinfo", "fdinfo of frozen %s", k->name);
	check_ret(map_freeze(t.fd), 0, "FREEZE");
	check_fdinfo(&t, k->flags, 1);
	tmap_close(&t);
	row("file.fdinfo", "fdinfo of %s with RDONLY", k->name);
	t.fd = map_new(k, 4, 12, 500, BPFMAP_F_RDONLY | BPFMAP_F_RDONLY_PROG);
	check_fdinfo(&t, k->flags | BPFMAP_F_RDONLY_PROG, 0);
}

TEST(proc_fd, K_ALL)
{
	struct tmap t = tmap_new(k, 4, 12, 5);
	char path[64], name[64] = "";

	row("file.name", "name of %s", k->name);
	snprintf(path, sizeof(path), "/proc/self/fd/%d", t.fd);
	check(readlink(path, name, sizeof(name) - 1) > 0, "readlink");
	check(!strcmp(name, "anon_inode:bpf-map"), "got %s", name);
}

TEST_MAIN
