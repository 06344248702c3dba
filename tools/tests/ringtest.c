// SPDX-License-Identifier: GPL-2.0-only
/*
 * ringtest - see ringtest.h
 */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>
#include <sys/ioctl.h>

#include "ringtest.h"

#define RINGTEST_FD	700

int ringtest_fd(void)
{
	static int fd = -1;

	if (fd < 0) {
		fd = open("/dev/bpfmap_ringtest", O_RDWR | O_CLOEXEC);
		if (fd < 0) {
			perror("Bail out! /dev/bpfmap_ringtest");
			exit(99);
		}
		/* The runner of tests closes those below */
		dup2(fd, RINGTEST_FD);
		close(fd);
		fd = RINGTEST_FD;
	}
	return fd;
}

static int64_t call(struct ringtest *t)
{
	if (ioctl(ringtest_fd(), RINGTEST, t)) {
		perror("Bail out! RINGTEST");
		exit(99);
	}
	return t->ret;
}

#define CALL(op_, map, ...) call(&(struct ringtest){			\
		.op = RINGTEST_##op_, .map_fd = map, __VA_ARGS__ })

long ring_output(int map, const void *data, size_t size, uint64_t flags)
{
	return CALL(OUTPUT, map, .size = size, .data = (uintptr_t)data,
		    .flags = flags);
}

long ring_reserve(int map, unsigned int slot, uint64_t size)
{
	return CALL(RESERVE, map, .slot = slot, .size = size);
}

long ring_submit(int map, unsigned int slot, const void *data, size_t size,
		 uint64_t flags)
{
	return CALL(SUBMIT, map, .slot = slot, .size = size,
		    .data = (uintptr_t)data, .flags = flags);
}

long ring_discard(int map, unsigned int slot, uint64_t flags)
{
	return CALL(DISCARD, map, .slot = slot, .flags = flags);
}

uint64_t ring_query(int map, uint64_t what)
{
	return CALL(QUERY, map, .flags = what);
}

long ring_drain(int map, void *buf, uint32_t *used, uint64_t stop_after,
		uint64_t flags)
{
	struct ringtest t = {
		.op = RINGTEST_DRAIN, .map_fd = map, .size = stop_after,
		.data = (uintptr_t)buf, .flags = flags,
	};
	long ret = call(&t);

	*used = t.used;
	return ret;
}

long ring_read_inner(int outer, uint32_t key, unsigned int ms, uint64_t *start,
		     uint64_t *end)
{
	struct ringtest t = {
		.map_fd = outer, .op = RINGTEST_READ_INNER, .slot = key,
		.size = ms,
	};
	long ret = call(&t);

	*start = t.data;
	*end = t.flags;
	return ret;
}
