// SPDX-License-Identifier: GPL-2.0-only
/*
 * Mappings of arrays: what they keep alive, and what they keep from being frozen
 *
 * MAPPING_ROUNDS: how often mmap and FREEZE race (400)
 */
#include <pthread.h>
#include <sched.h>
#include <sys/mman.h>

#include "load.h"

static char *map_pages(int fd, unsigned int pages, int prot)
{
	char *at = mmap(NULL, pages * 4096, prot, MAP_SHARED, fd, 0);

	return at == MAP_FAILED ? NULL : at;
}

/* Three pages of elements of 8 bytes */
static int mmapable_map(void)
{
	int fd = load_create(KIND(K_ARRAY_MM), 8, 3 * 512);

	need(fd >= 0);
	return fd;
}

TEST(test_mapping_keeps_map, 0)
{
	struct bpfmap_id_attr attr = { 0 };
	int fd = mmapable_map(), again;
	uint64_t *at = (void *)map_pages(fd, 3, PROT_READ | PROT_WRITE), value;
	long id = map_id(fd), refs = load_refcnt();
	uint32_t key = 1000;

	need(at);
	at[1000] = 77;
	close(fd);
	expect_eq(at[1000], 77);
	expect_eq(load_refcnt(), refs);
	attr.map_id = id;
	again = sys_map(BPFMAP_CMD_MAP_GET_FD_BY_ID, &attr, 12);
	expect(again >= 0);
	expect_eq(map_lookup(again, &key, &value, 0), 0);
	expect_eq(value, 77);
	value = 78;
	expect_eq(map_update(again, &key, &value, 0), 0);
	expect_eq(at[1000], 78);
	close(again);
	munmap(at, 3 * 4096);
	expect(load_id_gone(id));
}

TEST(test_mapping_bars_freeze, 0)
{
	int fd = mmapable_map(), release[2];
	char *at = map_pages(fd, 3, PROT_READ | PROT_WRITE);
	pid_t pid;

	need(at);
	expect_eq(map_freeze(fd), -EBUSY);
	expect_eq(mprotect(at, 3 * 4096, PROT_READ), 0);
	expect_eq(map_freeze(fd), -EBUSY);

	/* Each piece counts until the last one has gone. */
	expect_eq(munmap(at + 4096, 4096), 0);
	expect_eq(map_freeze(fd), -EBUSY);
	expect_eq(munmap(at, 4096), 0);
	expect_eq(map_freeze(fd), -EBUSY);

	/* So does a child's. */
	need(pipe2(release, O_CLOEXEC) == 0);
	pid = load_fork();
	if (!pid) {
		char c;

		close(release[1]);
		_exit(read(release[0], &c, 1) != 0);
	}
	close(release[0]);
	expect_eq(munmap(at + 2 * 4096, 4096), 0);
	expect_eq(map_freeze(fd), -EBUSY);
	close(release[1]);
	load_child_succeeds(pid);
	expect_eq(map_freeze(fd), 0);
	expect(!map_pages(fd, 1, PROT_READ | PROT_WRITE));
	expect_eq(errno, EPERM);
}

TEST(test_readers_mapping, 0)
{
	int fd = mmapable_map();
	volatile uint64_t *at = (void *)map_pages(fd, 3, PROT_READ);
	uint64_t value = 5;
	uint32_t key = 600;

	need(at);
	expect_eq(mprotect((void *)at, 4096, PROT_READ | PROT_WRITE), -1);
	expect_eq(errno, EACCES);
	expect_eq(map_update(fd, &key, &value, 0), 0);
	expect_eq(at[600], 5);
	expect_eq(map_freeze(fd), 0);
	expect_eq(map_update(fd, &key, &value, 0), -EPERM);
	expect_eq(at[600], 5);
	munmap((void *)at, 3 * 4096);
}

struct race {
	int fd;
	pthread_barrier_t start;
	char *at;
	int error;
};

static void *map_writable(void *arg)
{
	struct race *r = arg;

	pthread_barrier_wait(&r->start);
	r->at = map_pages(r->fd, 1, PROT_READ | PROT_WRITE);
	r->error = r->at ? 0 : errno;
	return NULL;
}

/* A writable mapping and FREEZE at the same moment: one of them comes first. */
TEST(test_freeze_races_mmap, 0)
{
	unsigned int i, frozen = 0, n = load_env("MAPPING_ROUNDS", 400);
	struct race r = { 0 };
	pthread_t thread;
	int ret;

	for (i = 0; i < n; i++) {
		r.fd = mmapable_map();
		pthread_barrier_init(&r.start, NULL, 2);
		need(pthread_create(&thread, NULL, map_writable, &r) == 0);
		pthread_barrier_wait(&r.start);
		if (i % 2)
			sched_yield();
		ret = map_freeze(r.fd);
		pthread_join(thread, NULL);
		pthread_barrier_destroy(&r.start);
		if (r.at) {
			expect_eq(ret, -EBUSY);
			munmap(r.at, 4096);
		} else {
			frozen++;
			expect_eq(ret, 0);
			expect_eq(r.error, EPERM);
		}
		close(r.fd);
	}
	printf("# frozen first %u, mapped first %u\n", frozen, n - frozen);
}

TEST_MAIN
