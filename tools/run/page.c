// SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause
/*
 * The part of the page that is not assembly: calls that are neither answered by
 * the device at once nor left alone. No libc, no thread-local storage, no
 * registers but the general ones, all memory on the page's stack.
 */
#include <stdint.h>
#include <sys/vfs.h>

static long route_call(long number, long a1, long a2, long a3, long a4, long a5)
{
	register long r10 __asm__("r10") = a4;
	register long r8 __asm__("r8") = a5;
	long ret;

	__asm__ volatile("syscall"
			 : "=a"(ret)
			 : "a"(number), "D"(a1), "S"(a2), "d"(a3), "r"(r10), "r"(r8)
			 : "rcx", "r11", "memory");
	return ret;
}

#include "../preload/route.h"
#include "../preload/count.h"
#include "page.h"
#include "page_parts.h"

#define BPF_FS_MAGIC 0xcafe4a11
#define SYSCALL_SIZE 2	/* of the instruction */

_Static_assert(PAGE_IOC_NONE == BPFMAP_IOC(0, 0), "as page.S has it");

#define ROW(i) { (uintptr_t)stub_begin_##i, (uintptr_t)stub_exit_##i },

/* What libgcc and libc would have */
void *memcpy(void *to, const void *from, size_t size)
{
	char *t = to;
	const char *f = from;

	while (size--)
		*t++ = *f++;
	return to;
}

void *memset(void *to, int byte, size_t size)
{
	char *t = to;

	while (size--)
		*t++ = byte;
	return to;
}

size_t strlen(const char *s)
{
	size_t len = 0;

	while (s[len])
		len++;
	return len;
}

/* The launcher fills them in; page.S looks at them */
uint64_t page_fast, page_slow_commands;
uint32_t page_stacks_taken, page_counting;
char page_exec[PAGE_EXEC_MAX];

/* As page.S pushes them. @to: the instruction "syscall" of the stub */
struct slow_call {
	long ret;
	long nr;
	long to;
	long args[6];
};

/* --- names of pins --- */

/* Where in the arguments the path is; of rename, both */
struct path_call {
	unsigned short nr;
	signed char path, second;
	bool both;	/* it is also for bpf(2)'s directory: the device's result counts */
};

static const struct path_call path_calls[] = {
	{ __NR_open, 0, -1, false },
	{ __NR_stat, 0, -1, false },
	{ __NR_lstat, 0, -1, false },
	{ __NR_access, 0, -1, false },
	{ __NR_rename, 0, 1, false },
	{ __NR_unlink, 0, -1, false },
	{ __NR_openat, 1, -1, false },
	{ __NR_newfstatat, 1, -1, false },
	{ __NR_renameat, 1, 3, false },
	{ __NR_faccessat, 1, -1, false },
	{ __NR_renameat2, 1, 3, false },
	{ __NR_statx, 1, -1, false },
	{ __NR_openat2, 1, -1, false },
	{ __NR_faccessat2, 1, -1, false },
	{ __NR_unlinkat, 1, -1, false },
	{ __NR_mkdir, 0, -1, true },
	{ __NR_rmdir, 0, -1, true },
	{ __NR_mkdirat, 1, -1, true },
};

static long call_with(long nr, const long a[6])
{
	return route_call(nr, a[0], a[1], a[2], a[3], a[4]);
}

static const struct path_call *path_call(long nr)
{
	for (size_t i = 0; i < sizeof(path_calls) / sizeof(*path_calls); i++)
		if (path_calls[i].nr == nr)
			return &path_calls[i];
	return NULL;
}

/* @ret: what the kernel has said of the name as it is */
static long path_slow(long nr, const long args[6], long ret)
{
	const struct path_call *call = path_call(nr);
	char first[PATH_MAX], second[PATH_MAX];
	long a[6], ours;

	memcpy(a, args, sizeof(a));
	if (!call)
		return ret;
	a[call->path] = (long)translate((const char *)args[call->path], first);
	if (!a[call->path])
		return ret;
	if (call->second >= 0) {
		a[call->second] = (long)translate((const char *)args[call->second],
						  second);
		if (!a[call->second])
			return ret;
	}
	/* A directory that was removed from bpf(2)'s file system */
	if (ret >= 0 && !call->both && nr != __NR_unlinkat)
		return ret;
	ours = call_with(nr, a);
	if (call->both)
		return ours;
	return ret >= 0 || ours == -ENOENT || ours == -ENOTDIR ? ret : ours;
}

/* The device's pins are on what a program takes for bpf(2)'s file system */
static long statfs_slow(const long args[6], long ret)
{
	struct statfs *to = (struct statfs *)args[1], st;
	char buf[PATH_MAX];
	const char *ours = translate((const char *)args[0], buf);

	if (ours && !route_call(__NR_statfs, (long)ours, (long)&st, 0, 0, 0) &&
	    st.f_type == BPFMAPFS_MAGIC) {
		/* A program that gives no memory has had EFAULT before */
		if (!ret)
			memcpy(to, &st, sizeof(st));
		else
			ret = route_call(__NR_statfs, (long)ours, (long)to, 0, 0, 0);
	}
	if (!ret && to->f_type == BPFMAPFS_MAGIC)
		to->f_type = BPF_FS_MAGIC;
	return ret;
}

/* --- bpf(2) --- */

static long bpf_slow(const long args[6])
{
	unsigned int cmd = args[0];
	long ret = route_bpf(cmd, (void *)args[1], args[2]);
	bool device = ret != ROUTE_PASS;

	if (!page_counting)
		return ret;
	if (!device)
		ret = call_with(__NR_bpf, args);
	count_call(&page_counters, cmd & ~ROUTE_COMMON_ATTRS, device, ret);
	return ret;
}

void page_slow(struct slow_call *c)
{
	long ret;

	if (c->nr == __NR_bpf)
		ret = bpf_slow(c->args);
	else if (c->nr == __NR_statfs)
		ret = statfs_slow(c->args, c->ret);
	else
		ret = path_slow(c->nr, c->args, c->ret);
	if (ret == ROUTE_PASS) {
		c->ret = c->nr;
		return;
	}
	c->ret = ret;
	c->to += SYSCALL_SIZE;
}

__attribute__((section(".header"))) const struct page_header page_header = {
	.stubs = { STUBS(ROW) },
	.route = (uintptr_t)&route,
	.fast = (uintptr_t)&page_fast,
	.slow = (uintptr_t)&page_slow_commands,
	.counting = (uintptr_t)&page_counting,
	.exec = (uintptr_t)page_exec,
};
