// SPDX-License-Identifier: GPL-2.0-only
/*
 * Put the page into a process that has just executed a file, and jumps to it
 * where the file makes system calls. Nothing of the file has run yet, so no
 * thread can be between the bytes that change.
 */
#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <linux/seccomp.h>
#include <unistd.h>

#include "run.h"

static long route_call(long number, long a1, long a2, long a3, long a4, long a5)
{
	long ret = syscall(number, a1, a2, a3, a4, a5);

	return ret < 0 ? -errno : ret;
}

#include "../preload/route.h"

#ifndef MAP_FIXED_NOREPLACE
#define MAP_FIXED_NOREPLACE 0x100000
#endif

#define NEAR_STEP (16UL << 20)
#define NEAR_TRIES 64		/* a jump reaches 2 GiB */
#define JUMP_SIZE 5
#define SCRATCH (PAGE_COUNTERS - 4096)	/* of a stack: strings for calls */

/* page.bin, as page.lds has it */
__asm__(".section .rodata\n"
	".balign 16\n"
	".globl page_image\n"
	"page_image: .incbin \"run/page.bin\"\n"
	".previous\n");

/* What to do with a process */
struct patch {
	struct tracee t;
	const char *name;
	uint64_t page;
	uint8_t copy[PAGE_STACKS];
};

void patch_init(const char *pins)
{
	if (pins)
		pins_set(pins);
}

/* Also keeps its number, for later */
bool device_usable(void)
{
	int fd = device_check();

	errno = fd < 0 ? -fd : 0;
	return fd >= 0;
}

static const struct page_header *header(void)
{
	return (const struct page_header *)page_image;
}

static uint64_t commands(bool fast)
{
	uint64_t bits = 0;

	for (size_t i = 0; i < N_COMMAND_ROWS; i++) {
		unsigned int nr = command_rows[i].nr;
		bool path = nr == BPFMAP_CMD_OBJ_PIN || nr == BPFMAP_CMD_OBJ_GET;

		if (nr < 64 && path != fast)
			bits |= 1ULL << nr;
	}
	return bits;
}

/* --- in the process --- */

static long call(struct patch *p, long number, long a1, long a2, long a3, long a4)
{
	return tracee_call(&p->t, number, a1, a2, a3, a4, -1, 0);
}

static long map_at(struct patch *p, uint64_t at)
{
	return call(p, __NR_mmap, at, PAGE_SIZE_ALL, PROT_READ | PROT_WRITE,
		    MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE |
		    (at ? MAP_FIXED_NOREPLACE : 0));
}

/* Below @low, or above; so that a jump reaches it */
static int map_near(struct patch *p, uint64_t low)
{
	uint64_t at = (low - PAGE_SIZE_ALL - 4096) & ~4095UL;
	long ret;

	for (int i = 0; i < 2 * NEAR_TRIES; i++) {
		if (i == NEAR_TRIES)
			at = (low + NEAR_STEP) & ~4095UL;
		if (at >= 65536 && at < 1UL << 47) {
			ret = map_at(p, at);
			if (ret == (long)at) {
				p->page = at;
				return 0;
			}
			if (ret != -EEXIST && ret != -EPERM)
				return ret < 0 ? ret : -EEXIST;
		}
		at += i < NEAR_TRIES ? -NEAR_STEP : NEAR_STEP;
	}
	return -EEXIST;
}

/* With @text in its memory as the second argument */
static long open_there(struct patch *p, const char *text, int flags)
{
	uint64_t at = p->page + SCRATCH;
	int err = tracee_write(&p->t, at, text, strlen(text) + 1);

	return err ?: call(p, __NR_openat, AT_FDCWD, at, flags, 0);
}

/* As raise_fd() of route.h has it */
static int open_device(struct patch *p)
{
	int fd = open_there(p, ROUTE_DEVICE, O_RDWR | O_CLOEXEC), high;

	if (fd < 0)
		return fd;
	high = call(p, __NR_fcntl, fd, F_DUPFD_CLOEXEC, 500, 0);
	if (high < 0)
		return fd;
	call(p, __NR_close, fd, 0, 0, 0);
	return high;
}

/* Without them it runs as well */
static bool map_counters(struct patch *p)
{
	long fd, ret;

	fd = open_there(p, options.counters, O_RDWR | O_CLOEXEC);
	if (fd < 0)
		return false;
	ret = tracee_call(&p->t, __NR_mmap, p->page + PAGE_COUNTERS,
			  PAGE_COUNTERS_SIZE, PROT_READ | PROT_WRITE,
			  MAP_SHARED | MAP_FIXED, fd, 0);
	call(p, __NR_close, fd, 0, 0, 0);
	return ret > 0;
}

static void set64(struct patch *p, uint64_t at, uint64_t value)
{
	memcpy(p->copy + at, &value, sizeof(value));
}

/* What it needs beside the jumps; the mapping is there */
static int fill(struct patch *p)
{
	struct route r = route;
	uint32_t yes = 1;
	int fd;

	fd = open_device(p);
	if (fd < 0) {
		notice("%s: it cannot open " ROUTE_DEVICE ": %s", p->name, strerror(-fd));
		return fd;
	}
	atomic_store(&r.device, fd);
	memcpy(p->copy, page_image, sizeof(p->copy));
	memcpy(p->copy + header()->route, &r, sizeof(r));
	set64(p, header()->fast, commands(true));
	set64(p, header()->slow, commands(false));
	if (strlen(options.exec) < PAGE_EXEC_MAX)
		strcpy((char *)p->copy + header()->exec, options.exec);
	if (options.counters && map_counters(p)) {
		memcpy(p->copy + header()->counting, &yes, sizeof(yes));
		set64(p, header()->fast, 0);
		set64(p, header()->slow, ~0ULL);
	}
	return 0;
}

/* What runs there does not change any more, and is not to be written */
static int finish(struct patch *p)
{
	int err = tracee_write(&p->t, p->page, p->copy, sizeof(p->copy));

	return err ?: call(p, __NR_mprotect, p->page, PAGE_DATA,
			   PROT_READ | PROT_EXEC, 0);
}

/* --- jumps --- */

static void put_jump(uint8_t *code, uint64_t at, uint64_t to)
{
	int32_t distance = to - (at + JUMP_SIZE);

	code[0] = 0xe9;
	memcpy(code + 1, &distance, sizeof(distance));
}

/* What a call from the site does before and after */
static void fill_site(struct patch *p, const struct site *s, uint64_t at,
		      const struct page_stub *stub)
{
	static const uint8_t number[PAGE_BEGIN_ROOM] = {
		0xb8, 0x41, 0x01, 0x00, 0x00,	/* mov $321, %eax */
		0x0f, 0x1f, 0x00,
	};
	uint64_t back = stub->exit + s->tail_size;

	if (s->number)
		memcpy(p->copy + stub->begin, number, sizeof(number));
	memcpy(p->copy + stub->exit, s->tail, s->tail_size);
	put_jump(p->copy + back, p->page + back, at + s->size);
}

static int divert_site(struct patch *p, const struct site *s, uint64_t at,
		       const struct page_stub *stub)
{
	uint8_t code[16];

	memset(code, 0x90, sizeof(code));
	put_jump(code, at, p->page + stub->begin);
	return tracee_write(&p->t, at, code, s->size);
}

/* @bias: where the file is, less where it says. Jumps come last */
static int patch_image(struct patch *p, const struct image *image, uint64_t bias)
{
	const struct page_stub *stubs = header()->stubs;
	int err = map_near(p, image->low + bias);

	err = err ?: fill(p);
	if (err)
		return err;
	for (unsigned int i = 0; i < image->n_sites; i++)
		fill_site(p, &image->sites[i], image->sites[i].addr + bias, &stubs[i]);
	err = finish(p);
	for (unsigned int i = 0; !err && i < image->n_sites; i++)
		err = divert_site(p, &image->sites[i], image->sites[i].addr + bias,
				  &stubs[i]);
	return err;
}

/* --- tracing --- */

static int install_filter(struct patch *p)
{
	uint64_t at = p->page + SCRATCH;
	uint8_t program[256];
	size_t size = filter_bpf_program(program, at);
	int err = tracee_write(&p->t, at, program, size);
	long ret;

	if (err)
		return err;
	call(p, __NR_prctl, PR_SET_NO_NEW_PRIVS, 1, 0, 0);
	ret = call(p, __NR_seccomp, SECCOMP_SET_MODE_FILTER,
		   SECCOMP_FILTER_FLAG_SPEC_ALLOW, at, 0);
	return ret < 0 ? ret : 0;
}

static int trace_image(struct patch *p, struct diverted **diverted)
{
	struct diverted *d;
	long ret = map_at(p, 0);
	int err;

	if (ret < 0)
		return ret;
	p->page = ret;
	err = fill(p);
	err = err ?: finish(p);
	err = err ?: install_filter(p);
	if (err)
		return err;
	d = calloc(1, sizeof(*d));
	if (!d)
		return -ENOMEM;
	d->page = p->page;
	*diverted = d;
	notice("%s: no known place of its system calls: each call of bpf(2) is traced, which takes tens of thousands of instructions",
	       p->name);
	return 0;
}

/* The way back is an absolute jump, since the page may be anywhere */
static int fill_stub(struct tracee *t, uint64_t page, unsigned int i, uint64_t back)
{
	uint8_t jump[14] = { 0xff, 0x25 };

	memcpy(jump + 6, &back, sizeof(back));
	return tracee_write(t, page + header()->stubs[i].exit, jump, sizeof(jump));
}

void patch_divert(pid_t pid, struct diverted *d)
{
	struct tracee t = { .pid = pid };
	struct user_regs_struct regs;
	char name[32];
	unsigned int i;

	/* What the page leaves to bpf(2) */
	if (ptrace(PTRACE_GETREGS, pid, 0, &regs) ||
	    (regs.rip >= d->page && regs.rip < d->page + PAGE_DATA))
		return;
	for (i = 0; i < d->n && d->from[i] != regs.rip; i++)
		;
	if (i == PAGE_N_STUBS)
		return;
	if (i == d->n)
		d->from[d->n++] = regs.rip;
	snprintf(name, sizeof(name), "/proc/%d/mem", pid);
	t.mem = open(name, O_RDWR | O_CLOEXEC);
	/* Each process after fork() has a page of its own */
	if (t.mem >= 0 && !fill_stub(&t, d->page, i, regs.rip)) {
		regs.rax = __NR_bpf;
		regs.orig_rax = -1;
		regs.rip = d->page + header()->stubs[i].begin;
		ptrace(PTRACE_SETREGS, pid, 0, &regs);
	}
	if (t.mem >= 0)
		close(t.mem);
}

/* --- a file that was executed --- */

static int open_proc(pid_t pid, const char *what, const char *more)
{
	char path[512];

	snprintf(path, sizeof(path), "/proc/%d/%s%s", pid, what, more);
	return open(path, O_RDONLY | O_CLOEXEC);
}

static int read_image(pid_t pid, const char *what, const char *more, struct image *image)
{
	int fd = open_proc(pid, what, more), err;

	if (fd < 0)
		return -errno;
	err = image_read(fd, image);
	close(fd);
	return err;
}

static int patch_images(struct patch *p, const struct image *exe,
			const struct image *loader, struct diverted **diverted)
{
	pid_t pid = p->t.pid;
	int err = 0;

	if (image_needs_tracing(exe, loader, options.named))
		return trace_image(p, diverted);
	if (exe->n_sites)
		err = patch_image(p, exe, tracee_aux(pid, AT_ENTRY) - exe->entry);
	/* musl's libc is the loader, and there already */
	if (!err && loader->n_sites)
		err = patch_image(p, loader, tracee_aux(pid, AT_BASE) - loader->low);
	return err;
}

static int patch_process(pid_t pid, const char *name, const struct image *exe,
			 const struct image *loader, struct diverted **diverted)
{
	struct patch *p = calloc(1, sizeof(*p));
	int err, end;

	if (!p)
		return -ENOMEM;
	p->name = name;
	err = tracee_begin(&p->t, pid);
	if (!err) {
		err = patch_images(p, exe, loader, diverted);
		end = tracee_end(&p->t);
		err = err ?: end;
	}
	free(p);
	return err;
}

int patch_exec(pid_t pid, struct diverted **diverted)
{
	struct image exe, loader = { 0 };
	char link[32], name[512] = "";
	int err;

	snprintf(link, sizeof(link), "/proc/%d/exe", pid);
	if (readlink(link, name, sizeof(name) - 1) < 0)
		strcpy(name, "a program");
	err = read_image(pid, "exe", "", &exe);
	if (!err && exe.kind != KIND_ELF64) {
		notice("%s: not a 64-bit program for x86: its calls of bpf(2) go to the kernel",
		       name);
		return 0;
	}
	if (!err && exe.interpreter[0] && !image_has_glibc(&exe))
		err = read_image(pid, "root", exe.interpreter, &loader);
	if (!err && (exe.n_sites || loader.n_sites ||
		     image_needs_tracing(&exe, &loader, options.named)))
		err = patch_process(pid, name, &exe, &loader, diverted);
	options.named = false;
	if (err)
		notice("%s: its calls of bpf(2) go to the kernel: %s", name,
		       strerror(-err));
	return err;
}
