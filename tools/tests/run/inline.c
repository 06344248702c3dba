// SPDX-License-Identifier: GPL-2.0-only
/*
 * bpf(2) by an instruction of its own, as libraries have it that need no libc. Built
 * twice: with the number right before it, which can be patched, and elsewhere, which
 * must be traced. Prints TAP, or with an argument only tells by its status whether its
 * map is the device's.
 */
#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/wait.h>
#include <unistd.h>

struct elem {
	uint32_t fd, pad;
	uint64_t key, value, flags;
};

static int tests, failed;
static int map;

static long bpf(long cmd, void *attr, long size)
{
	long ret;

#ifdef APART
	__asm__ volatile("mov $321, %%eax; nop; nop; syscall"
			 : "=&a"(ret) : "D"(cmd), "S"(attr), "d"(size)
			 : "rcx", "r11", "memory");
#else
	__asm__ volatile("mov $321, %%eax; syscall"
			 : "=&a"(ret) : "D"(cmd), "S"(attr), "d"(size)
			 : "rcx", "r11", "memory");
#endif
	return ret;
}

static void check(int ok, const char *name)
{
	tests++;
	if (!ok)
		failed = 1;
	printf("%s %d - %s\n", ok ? "ok" : "not ok", tests, name);
	fflush(stdout);
}

static int create(void)
{
	uint32_t attr[18] = { 1, 8, 8, 100 };

	return bpf(0, attr, sizeof(attr));
}

static int on_device(int fd)
{
	char attr[16] = { 0 };

	return !ioctl(fd, _IOC(_IOC_READ | _IOC_WRITE, 0xbf, 15, sizeof(attr)), attr);
}

/* Increments its own element */
static void *work(void *arg)
{
	uint64_t key = (uintptr_t)arg, value = 0, found = 0;
	struct elem attr = { map, 0, (uintptr_t)&key, (uintptr_t)&value, 0 };
	struct elem get = { map, 0, (uintptr_t)&key, (uintptr_t)&found, 0 };
	long wrong = 0;

	for (int i = 0; i < 50; i++) {
		value++;
		if (bpf(2, &attr, sizeof(attr)) || bpf(1, &get, sizeof(get)) ||
		    found != value)
			wrong++;
	}
	return (void *)wrong;
}

int main(int argc, char *argv[] __attribute__((unused)))
{
	pthread_t threads[4];
	void *wrong = NULL, *one;
	int status;
	pid_t pid;

	map = create();
	if (argc > 1)	/* only what the test of execs asks */
		return !on_device(map);
	check(map >= 0 && on_device(map), "the map is the device's");
	for (uintptr_t i = 0; i < 4; i++)
		pthread_create(&threads[i], NULL, work, (void *)i);
	for (int i = 0; i < 4; i++) {
		pthread_join(threads[i], &one);
		wrong = one ? one : wrong;
	}
	check(!wrong, "four threads");
	pid = fork();
	if (!pid)
		_exit(!on_device(create()));
	check(waitpid(pid, &status, 0) == pid && !status, "a child");
	check(bpf(5, NULL, 4) < 0, "a command for bpf(2)");
	printf("1..%d\n", tests);
	return failed;
}
