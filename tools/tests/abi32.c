// SPDX-License-Identifier: GPL-2.0-only
/*
 * abi32 - the commands from a 32-bit process on a 64-bit kernel: attrs have the
 * same layout, pointers in them have 64 bits, all of which count
 *
 * Built with -m32, statically and without cmocka. The tables of contract_elem
 * are run too, hence the inclusions.
 */
#include <sys/ioctl.h>

#define main contract_elem_main
#include "contract_map.c"
#include "contract_elem.c"
#undef main

_Static_assert(sizeof(void *) == 4, "to be built with -m32");
_Static_assert(sizeof(union attr) == BPFMAP_ATTR_SIZE, "no padding of its own");

#define ABOVE	(1ULL << 32)	/* added to a pointer: no such address */

static const struct kind *const hash = &kinds[0];

/* ------------------------------------------------------------------------- */
/* Upper halves of pointers are not cut off */

TEST(pointers, K_ALL)
{
	static const struct {
		const char *name;
		int cmd;
		uint64_t key, value;	/* added to the pointers */
		int want;
	} rows[] = {
		{ "LOOKUP", LOOKUP, 0, 0, 0 },
		{ "LOOKUP, key above", LOOKUP, ABOVE, 0, -EFAULT },
		{ "LOOKUP, value above", LOOKUP, 0, ABOVE, -EFAULT },
		{ "UPDATE, key above", UPDATE, ABOVE, 0, -EFAULT },
		{ "UPDATE, value above", UPDATE, 0, ABOVE, -EFAULT },
		{ "UPDATE, value far above", UPDATE, 0, ABOVE << 30, -EFAULT },
		{ "GET_NEXT_KEY, key above", NEXT, ABOVE, 0, -EFAULT },
		{ "GET_NEXT_KEY, next_key above", NEXT, 0, ABOVE, -EFAULT },
	};
	struct tmap t = tmap_new(k, 4, 12, ENTRIES);
	uint32_t key = ENTRIES;	/* unknown: the first follows it */
	struct buf value = buf_new(t.vs);
	struct snap old;
	size_t i;

	tmap_fill(&t, ENTRIES);
	for (i = 0; i < ARRAY_SIZE(rows); i++) {
		union attr a = { .elem = { .map_fd = t.fd } };
		uint32_t present = 1;

		row("attr.compat", "%s: %s", k->name, rows[i].name);
		a.elem.key = PTR(rows[i].cmd == NEXT ? &key : &present) +
			     rows[i].key;
		a.elem.value = PTR(value.p) + rows[i].value;
		old = tmap_snap(&t, KEYS);
		check_ret(sys_map(rows[i].cmd, &a, sizeof(a)), rows[i].want,
			  "result");
		check_unchanged(&t, KEYS, &old);
	}
}

TEST(batch_pointers, K_ALL)
{
	struct tmap t = tmap_new(k, 4, 12, ENTRIES);
	struct buf keys = buf_new(4 * ENTRIES), values = buf_new(t.vs * ENTRIES);
	uint32_t out;
	size_t i;

	tmap_fill(&t, ENTRIES);
	for (i = 0; i < 4; i++) {
		union attr a = { .batch = {
			.out_batch = PTR(&out), .keys = PTR(keys.p),
			.values = PTR(values.p), .count = ENTRIES,
			.map_fd = t.fd,
		} };
		uint64_t *pointers[] = { &a.batch.in_batch, &a.batch.out_batch,
					 &a.batch.keys, &a.batch.values };

		row("attr.compat", "LOOKUP_BATCH %s: pointer %zu above",
		    k->name, i);
		*pointers[i] += ABOVE;
		check_ret(sys_map(BPFMAP_CMD_MAP_LOOKUP_BATCH, &a, sizeof(a)),
			  -EFAULT, "result");
	}
}

/* ------------------------------------------------------------------------- */
/* Cases that the tables of contract_elem lack */

TEST(batches, K_ALL)
{
	struct tmap t = tmap_new(k, 4, 12, 50);
	struct buf keys = buf_new(4 * 50), values = buf_new(t.vs * 50);
	uint32_t out, i, n;
	struct batch b = { .out = &out, .keys = keys.p, .values = values.p,
			   .count = 50 };

	row("attr.compat", "%s: UPDATE_BATCH", k->name);
	for (i = 0; i < 50; i++) {
		tmap_key(&t, i, keys.p + 4 * i);
		tmap_value(&t, i, values.p + t.vs * i);
	}
	check_ret(map_batch(BPFMAP_CMD_MAP_UPDATE_BATCH, t.fd, &b), 0, "result");
	check_num(b.count, 50, "count");
	for (i = 0; i < 50; i++)
		check_elem(&t, i, i, "stored");
	row("attr.compat", "%s: LOOKUP_BATCH", k->name);
	buf_fill(&keys);
	buf_fill(&values);
	check_ret(map_batch(BPFMAP_CMD_MAP_LOOKUP_BATCH, t.fd, &b),
		  is_hash(k) ? -ENOENT : 0, "result");
	check_num(b.count, 50, "count");
	check_buf(&keys, keys.p, keys.n, "keys");
	check_buf(&values, values.p, values.n, "values");
	for (i = 0; i < 50; i++) {
		uint8_t *want = malloc(t.vs);

		memcpy(&n, keys.p + 4 * i, 4);
		tmap_value(&t, n, want);
		check_mem(values.p + t.vs * i, want, t.vs, "value of %u", n);
		free(want);
	}
	row("attr.compat", "%s: DELETE_BATCH", k->name);
	b.count = 50;
	check_ret(map_batch(BPFMAP_CMD_MAP_DELETE_BATCH, t.fd, &b),
		  is_hash(k) ? 0 : -ENOTSUPP, "result");
	check_num(tmap_walk(&t, 51), is_hash(k) ? 0 : 50, "elements left");
}

TEST(info_and_ids, K_ALL)
{
	struct tmap t = tmap_new(k, 4, 12, 5);
	struct bpfmap_info info, want = {
		.type = k->type, .key_size = 4, .value_size = 12,
		.max_entries = 5, .map_flags = k->flags,
	};
	union attr a = { 0 };
	int fd;

	row("attr.compat", "%s: info", k->name);
	check_ret(map_info(t.fd, &info), 0, "result");
	want.id = info.id;
	check_mem(&info, &want, sizeof(info), "info");
	row("attr.compat", "%s: ids", k->name);
	a.id.start_id = info.id - 1;
	check_ret(sys_map(BPFMAP_CMD_MAP_GET_NEXT_ID, &a, 4), 0, "GET_NEXT_ID");
	check_num(a.id.next_id, info.id, "next_id");
	fd = map_get_fd_by_id(info.id, 0);
	check_ret(fd, GOT_FD, "GET_FD_BY_ID");
	check_num(map_id(fd), info.id, "its id");
	close(fd);
	row("attr.compat", "%s: FREEZE", k->name);
	check_ret(map_freeze(t.fd), 0, "result");
	check_ret(tmap_put(&t, 1, 1), -EPERM, "UPDATE");
}

TEST(mapping, K_ARRAY_MM)
{
	struct tmap t = tmap_new(k, 4, 8, 1000);
	uint64_t *p;
	uint32_t i;

	row("attr.compat", "%s: mmap", k->name);
	tmap_fill(&t, 1000);
	p = mmap(NULL, 8192, PROT_READ | PROT_WRITE, MAP_SHARED, t.fd, 0);
	if (!check(p != MAP_FAILED, "mmap"))
		return;
	for (i = 0; i < 1000; i++) {
		uint64_t want;

		tmap_value(&t, i, &want);
		check_num(p[i], want, "element %u", i);
	}
	check_ret(map_freeze(t.fd), -EBUSY, "FREEZE");
	munmap(p, 8192);
	check_ret(map_freeze(t.fd), 0, "FREEZE after munmap");
}

/* Straight to the map; and with ioctl numbers of another kind */
TEST(own_descriptor, 0)
{
	union attr a = { 0 };
	uint64_t value = 0;
	uint32_t key = 1;
	struct tmap t;

	if (backend() == BACKEND_BPF)
		return;
	row("fd.own", "a map's own descriptor");
	t = tmap_new(hash, 4, 8, 4);
	tmap_fill(&t, 4);
	a.elem.key = PTR(&key);
	a.elem.value = PTR(&value);
	check_ret(ioctl_map(t.fd, LOOKUP, &a, 32), 0, "LOOKUP");
	check(value, "value");
	a.elem.map_fd = t.fd;
	check_ret(ioctl_map(t.fd, LOOKUP, &a, 32), -EINVAL, "with map_fd");
	check_ret(ioctl_map(device_fd(), LOOKUP, &a, 32), 0, "on the device");
	check_ret(ioctl_map(device_fd(), LOOKUP, &a, 4097), -E2BIG, "size");
	check_ret(ioctl_map(device_fd(), 99, &a, 32), -EINVAL, "unknown");
	check_ret(ioctl(device_fd(), _IOWR('x', LOOKUP, a.elem), &a) < 0 ?
		  -errno : 0, -ENOTTY, "another magic");
}

TEST_MAIN
