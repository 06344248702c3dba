// SPDX-License-Identifier: GPL-2.0-only
/*
 * Calls of bpf(2) from a program that checks all its registers, and what is
 * below its stack pointer. Built static, static-pie, with musl and dynamic, and
 * once with LIBC_ONLY, and run by bpfmap-run. It does not know of bpfmap but in
 * one place, on_device().
 *
 *	registers CALLS
 *
 * The calls are made by libc's syscall() and by the function that Go's runtime
 * has for them, in 16 threads, with profiler signals whose handlers use vector
 * registers. Prints TAP.
 */
#include <errno.h>
#include <linux/bpf.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <unistd.h>

#include "registers.h"

#ifdef LIBC_ONLY
#define BY_GO false
#else
#define BY_GO true
#endif
#define THREADS 16

/* In the order in which checked_call() stores them */
struct registers {
	uint64_t rax, rbx, rcx, rdx, rsi, rdi, r8, r9, r10;
	uint64_t rbp, r12, r13, r14, r15;
	uint8_t vectors[16][32];
};

struct call {
	struct registers in, out;	/* at 0 and 624 */
	uint64_t function;		/* at 1248 */
	uint64_t avx;			/* at 1256 */
	uint64_t below;			/* at 1264: words below the stack pointer that changed */
};

_Static_assert(sizeof(struct registers) == 624, "as the assembler has it");

/* Go's is without a frame: number in rax, arguments in rbx, rcx, rdi, rsi, r8, r9 */
#ifndef LIBC_ONLY
__asm__(
"	.text\n"
"	.globl go_syscall6\n"
"go_syscall6:\n"
"	.byte 0x49, 0x89, 0xf2, 0x48, 0x89, 0xfa, 0x48, 0x89, 0xce\n"
"	.byte 0x48, 0x89, 0xdf, 0x0f, 0x05, 0x48, 0x3d, 0x01, 0xf0, 0xff, 0xff\n"
"	.byte 0x76, 0x00\n"
"	ret\n");
#else
#define go_syscall6 syscall
#endif

__asm__(
"	.text\n"
"	.macro vector op, base\n"
"	.irp i, 0,1,2,3,4,5,6,7,8,9,10,11,12,13,14,15\n"
"	\\op \\base, \\i\n"
"	.endr\n"
"	.endm\n"
"	.macro load_xmm base, i\n"
"	movdqu \\base + 112 + 32 * \\i(%r11), %xmm\\i\n"
"	.endm\n"
"	.macro load_ymm base, i\n"
"	vmovdqu \\base + 112 + 32 * \\i(%r11), %ymm\\i\n"
"	.endm\n"
"	.macro store_xmm base, i\n"
"	movdqu %xmm\\i, \\base + 112 + 32 * \\i(%r11)\n"
"	.endm\n"
"	.macro store_ymm base, i\n"
"	vmovdqu %ymm\\i, \\base + 112 + 32 * \\i(%r11)\n"
"	.endm\n"
"	.globl checked_call\n"
"checked_call:\n"
"	push %rbx; push %rbp; push %r12; push %r13; push %r14; push %r15\n"
"	push %rdi\n"
"	mov %rdi, %r11\n"
"	cmpq $0, 1256(%r11)\n"
"	je 1f\n"
"	vector load_ymm, 0\n"
"	jmp 2f\n"
"1:	vector load_xmm, 0\n"
"2:	mov 0(%r11), %rax; mov 8(%r11), %rbx; mov 16(%r11), %rcx\n"
"	mov 24(%r11), %rdx; mov 32(%r11), %rsi; mov 40(%r11), %rdi\n"
"	mov 48(%r11), %r8; mov 56(%r11), %r9; mov 64(%r11), %r10\n"
"	mov 72(%r11), %rbp; mov 80(%r11), %r12; mov 88(%r11), %r13\n"
"	mov 96(%r11), %r14; mov 104(%r11), %r15\n"
"	.irp at, 16,24,32,40,48,56,64,72,80,88,96,104,112,120\n"
"	movq $0x5a5a5a5a, -\\at(%rsp)\n"
"	.endr\n"
"	call *1248(%r11)\n"
"	mov (%rsp), %r11\n"
"	movq $0, 1264(%r11)\n"
"	.irp at, 16,24,32,40,48,56,64,72,80,88,96,104,112,120\n"
"	cmpq $0x5a5a5a5a, -\\at(%rsp)\n"
"	je 5f\n"
"	incq 1264(%r11)\n"
"5:\n"
"	.endr\n"
"	pop %r11\n"
"	mov %rax, 624(%r11); mov %rbx, 632(%r11); mov %rcx, 640(%r11)\n"
"	mov %rdx, 648(%r11); mov %rsi, 656(%r11); mov %rdi, 664(%r11)\n"
"	mov %r8, 672(%r11); mov %r9, 680(%r11); mov %r10, 688(%r11)\n"
"	mov %rbp, 696(%r11); mov %r12, 704(%r11); mov %r13, 712(%r11)\n"
"	mov %r14, 720(%r11); mov %r15, 728(%r11)\n"
"	cmpq $0, 1256(%r11)\n"
"	je 3f\n"
"	vector store_ymm, 624\n"
"	jmp 4f\n"
"3:	vector store_xmm, 624\n"
"4:	pop %r15; pop %r14; pop %r13; pop %r12; pop %rbp; pop %rbx\n"
"	ret\n"
"	.section .note.GNU-stack, \"\", @progbits\n"
"	.text\n");

static int tests, failed;
static atomic_long wrong, signals;
static bool avx;
static int map;

static void check(bool ok, const char *name)
{
	tests++;
	if (!ok)
		failed = 1;
	printf("%s %d - %s\n", ok ? "ok" : "not ok", tests, name);
}

static long bpf(int cmd, union bpf_attr *attr, unsigned int size)
{
	return syscall(__NR_bpf, cmd, attr, size);
}

/* bpf(2)'s maps know no ioctl: BPFMAP_OBJ_GET_INFO_BY_FD */
static bool on_device(int fd)
{
	char attr[16] = { 0 };

	return !ioctl(fd, _IOC(_IOC_READ | _IOC_WRITE, 0xbf, 15, sizeof(attr)), attr);
}

static int create(uint32_t type, uint32_t key_size)
{
	union bpf_attr attr = {
		.map_type = type,
		.key_size = key_size,
		.value_size = 8,
		.max_entries = 100,
	};

	return bpf(BPF_MAP_CREATE, &attr, sizeof(attr));
}

static void fill(struct call *c, uint64_t seed)
{
	uint64_t *word = (uint64_t *)c;

	for (size_t i = 0; i < sizeof(c->in) / 8; i++)
		word[i] = seed * 0x9e3779b97f4a7c15 + i * 0xd1342543de82ef95;
}

/* By libc, rdi is the number; by Go, rax */
static long call_by(struct call *c, bool go, int cmd, union bpf_attr *attr,
		    unsigned int size)
{
	c->avx = avx;
	if (go && BY_GO) {
		c->function = (uintptr_t)go_syscall6;
		c->in.rax = __NR_bpf;
		c->in.rbx = cmd;
		c->in.rcx = (uintptr_t)attr;
		c->in.rdi = size;
	} else {
		c->function = (uintptr_t)syscall;
		c->in.rdi = __NR_bpf;
		c->in.rsi = cmd;
		c->in.rdx = (uintptr_t)attr;
		c->in.rcx = size;
	}
	checked_call(c);
	return c->out.rax;
}

/* What a function may not change; of Go's, also what the kernel may not */
static bool is_kept(const struct call *c, bool go, int cmd, const union bpf_attr *attr,
		    unsigned int size)
{
	const struct registers *in = &c->in, *out = &c->out;
	size_t vector = avx ? 32 : 16;

	/* A library's functions may use them, if it is preloaded */
	for (int i = 0; BY_GO && i < 16; i++)
		if (memcmp(in->vectors[i], out->vectors[i], vector))
			return false;
	if (in->rbp != out->rbp || in->r12 != out->r12 || in->r13 != out->r13 ||
	    in->r14 != out->r14 || in->r15 != out->r15 || in->rbx != out->rbx)
		return false;
	/* Go's stack may end right there; signals leave the red zone alone */
	if (!go || !BY_GO)
		return true;
	return !c->below && out->rdi == (uint64_t)cmd && out->rsi == (uintptr_t)attr &&
	       out->rdx == size && out->r10 == in->rsi && out->r8 == in->r8 &&
	       out->r9 == in->r9;
}

/* Of several kinds: answered at once, with an error, by the slow way, by bpf(2) */
static void one_call(uint64_t seed, bool go, unsigned int kind, uint64_t *key,
		     uint64_t *value)
{
	static const int commands[] = {
		BPF_MAP_LOOKUP_ELEM, BPF_MAP_UPDATE_ELEM, BPF_MAP_LOOKUP_ELEM,
		BPF_MAP_GET_NEXT_KEY, BPF_PROG_LOAD,
	};
	union bpf_attr attr = {
		.map_fd = kind == 2 ? 1 : map,
		.key = (uintptr_t)key,
		.value = kind == 3 ? 0 : (uintptr_t)value,
	};
	unsigned int size = kind == 4 ? 4 : 32;
	struct call c;
	long ret;

	fill(&c, seed);
	ret = call_by(&c, go, commands[kind], &attr, size);
	if (!is_kept(&c, go, commands[kind], &attr, size) ||
	    (kind < 2 ? ret : !ret))
		wrong++;
}

static void on_profile(int sig)
{
	(void)sig;
	signals++;
	__asm__ volatile("pcmpeqd %%xmm0, %%xmm0\n\tpcmpeqd %%xmm15, %%xmm15"
			 ::: "xmm0", "xmm15");
}

struct work {
	uint64_t key, calls;
};

static void *work(void *arg)
{
	struct work *w = arg;
	uint64_t key = w->key, value = 0;

	for (uint64_t i = 0; i < w->calls / 2; i++) {
		unsigned int kind = i % 8 == 7 ? 2 + i / 8 % 3 : 0;
		uint64_t found = value, no = 77;

		value = i + 1;
		one_call(i, i & 1, 1, &key, &value);
		one_call(~i, i & 1, kind, kind == 3 ? &no : &key, &found);
		if (kind == 0 && found != value)
			wrong++;
	}
	return NULL;
}

static void in_threads(unsigned long calls)
{
	struct itimerval often = { { 0, 1000 }, { 0, 1000 } }, never = { 0 };
	struct work works[THREADS];
	pthread_t threads[THREADS];
	union bpf_attr attr;
	bool lost = false;
	uint64_t found;

	signal(SIGPROF, on_profile);
	setitimer(ITIMER_PROF, &often, NULL);
	for (int i = 0; i < THREADS; i++) {
		works[i] = (struct work){ i, calls / THREADS };
		pthread_create(&threads[i], NULL, work, &works[i]);
	}
	for (int i = 0; i < THREADS; i++)
		pthread_join(threads[i], NULL);
	while (!signals)
		;	/* so few calls that none has come: it will */
	setitimer(ITIMER_PROF, &never, NULL);
	for (int i = 0; i < THREADS; i++) {
		memset(&attr, 0, sizeof(attr));
		attr.map_fd = map;
		attr.key = (uintptr_t)&works[i].key;
		attr.value = (uintptr_t)&found;
		if (bpf(BPF_MAP_LOOKUP_ELEM, &attr, 32) || found != calls / THREADS / 2)
			lost = true;
	}
	check(!wrong, "registers, what is below the stack pointer, results");
	check(!lost, "no call is lost");
	check(signals > 0, "there were signals");
	printf("# %lu calls, %ld signals, %s\n", calls, (long)signals, avx ? "AVX" : "SSE");
}

static bool in_child(pid_t (*make)(void))
{
	int status;
	pid_t pid = make();

	if (!pid)
		_exit(on_device(create(BPF_MAP_TYPE_HASH, 8)) ? 0 : 1);
	return waitpid(pid, &status, 0) == pid && !status;
}

int main(int argc, char *argv[])
{
	unsigned long calls = argc == 2 ? strtoul(argv[1], NULL, 0) : 1000;
	int fd;

	__builtin_cpu_init();
	avx = __builtin_cpu_supports("avx");
	map = create(BPF_MAP_TYPE_HASH, 8);
	check(map >= 0 && on_device(map), "the map is the device's");
	check(create(9999, 8) < 0 && (errno == EINVAL || errno == EPERM), "no type");
	in_threads(calls);
	check(in_child(fork), "after fork");
	check(in_child(vfork), "after vfork");
	for (fd = 3; fd < 1024; fd++)
		close(fd);
	map = create(BPF_MAP_TYPE_HASH, 8);
	check(map >= 0 && on_device(map), "after closing all descriptors");
	printf("1..%d\n", tests);
	return failed;
}
