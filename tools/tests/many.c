// SPDX-License-Identifier: GPL-2.0-only
/*
 * Thousands of maps at once, of every type, and no descriptor left for one more
 *
 * MANY_MAPS: how many (10000)
 */
#include <sys/resource.h>

#include "failnth.h"

static uint32_t *ids;
static int *fds;

static int create(unsigned int nr)
{
	struct bpfmap_create_attr a;

	shape_attr(&shapes[nr % n_shapes], &a);
	/* Small ones: only the number matters */
	if (a.value_size > 16)
		a.value_size = 16;
	if (shapes[nr % n_shapes].content != NO_CONTENT)
		a.max_entries = 2;
	return map_create_attr(&a);
}

static bool limit(unsigned int n)
{
	struct rlimit r = { n, n };

	return !setrlimit(RLIMIT_NOFILE, &r);
}

/* Each has an id of its own, by which it is found */
static void check_ids(unsigned int n)
{
	unsigned int i, wrong = 0;
	int fd;

	for (i = 0; i < n; i++) {
		ids[i] = map_id(fds[i]);
		wrong += !ids[i] || (i && ids[i] <= ids[i - 1]);
	}
	expect_eq(wrong, 0);
	for (i = 0; i < n; i += 97) {
		fd = map_get_fd_by_id(ids[i], 0);
		if (!expect(fd >= 0))
			return;
		expect_eq(map_id(fd), ids[i]);
		close(fd);
	}
}

TEST(test_many, 0)
{
	unsigned int i, n = load_env("MANY_MAPS", 10000);
	unsigned long start = load_ms();
	long before = load_ids(NULL);
	int last = 0;

	if (!limit(n + 200)) {
		skipped("no %u descriptors", n);
		return;
	}
	for (i = 0; i < n && last >= 0; i++) {
		last = create(i);
		fds[i] = last;
	}
	expect(last >= 0);
	printf("# %u maps after %lu ms\n", i, load_ms() - start);
	expect_eq(load_ids(NULL), before + n);
	check_ids(n);
	/* Close every other one; the others stay intact */
	for (i = 0; i < n; i += 2)
		close(fds[i]);
	expect_eq(load_ids(NULL), before + n / 2);
	for (i = 1; i < n; i += 2) {
		if (map_id(fds[i]) != ids[i])
			last = -1;
		close(fds[i]);
	}
	expect(last >= 0);
	expect_eq(load_ids(NULL), before);
	printf("# and none after %lu ms\n", load_ms() - start);
}

/* Creating one of any type without a descriptor leaves nothing: [id.fds] */
TEST(test_no_descriptor, 0)
{
	long before = load_ids(NULL), refs = load_refcnt();
	int last = -1, next, fd = create(0);
	uint32_t id = map_id(fd);
	unsigned int i;

	expect(limit(64));
	while ((next = dup(0)) >= 0)
		last = next;
	need(errno == EMFILE && last > 0);
	for (i = 0; i < n_shapes; i++) {
		row("-", "%s", shapes[i].name);
		check_ret(create(i), -EMFILE, "MAP_CREATE");
		check_num(load_ids(NULL), before + 1, "maps");
	}
	check_ret(map_get_fd_by_id(id, 0), -EMFILE, "MAP_GET_FD_BY_ID");
	close(last);
	expect_eq(load_refcnt(), refs + 1);
	check_ret(create(1), last, "the last descriptor");
	close(last);
	while (--last > fd)
		close(last);
	close(fd);
	expect(limit(4096));
	expect_eq(load_ids(NULL), before);
}

int main(void)
{
	unsigned int n = load_env("MANY_MAPS", 10000);
	int ret;

	if (backend() == BACKEND_BPF)
		return skip_all("bpf(2) has maps of others");
	ids = calloc(n, sizeof(*ids));
	fds = calloc(n, sizeof(*fds));
	if (!ids || !fds)
		return 1;
	device_fd();
	inner_begin();
	ret = run_tests();
	inner_end();
	return ret;
}
