/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * The way of a system call that was diverted from the program's own function
 * for them. Registers are as at its instruction "syscall", and so are they on
 * return: all but rax, rcx and r11 unchanged, other than execve() has it below. Nothing is written to the
 * program's stack, which may have no room (Go) or a red zone (C).
 *
 * The common case, a command that the device answers, has no memory at all: the
 * arguments of bpf(2) are found again in those of the ioctl. Other cases take
 * one of the page's stacks and call page_slow(). A signal may come at any
 * instruction. Handlers run on the stack that is current then, so one of the
 * page's stacks has room for them; one that is left by siglongjmp() is lost.
 */
#include <asm/unistd.h>
#include "page.h"

#define ENOENT 2
#define EBADF 9
#define EACCES 13
#define EFAULT 14
#define ENOTDIR 20
#define EINVAL 22
#define ENOTTY 25
#define X_OK 1
#define AT_FDCWD -100
#define OPEN_FLAGS 0x280000	/* O_PATH | O_CLOEXEC */

/* As a displacement, which has a sign */
#define IOC_NONE (PAGE_IOC_NONE - 0x100000000)

/* Calls with paths; the latter also where they succeed */
#define PATH_CALLS __NR_open, __NR_stat, __NR_lstat, __NR_access, __NR_rename, \
	__NR_unlink, __NR_openat, __NR_newfstatat, __NR_renameat, \
	__NR_faccessat, __NR_renameat2, __NR_statx, __NR_openat2, __NR_faccessat2
#define PATH_CALLS_ALWAYS __NR_mkdir, __NR_rmdir, __NR_statfs, __NR_mkdirat, \
	__NR_unlinkat

	.text

/* The kernel has read the path by then, so that it can be read */
.macro path_call i, nr, then
.Lcall_\i\()_\nr:
	syscall
	movl	$\nr, %ecx
	jmp	\then\i
.endm

.macro branch i, nr
	cmpl	$\nr, %eax
	je	.Lcall_\i\()_\nr
.endm

.macro stub i
	.balign 64
	.globl stub_begin_\i, stub_exit_\i
stub_begin_\i:
	.byte	0x0f, 0x1f, 0x84, 0, 0, 0, 0, 0		/* PAGE_BEGIN_ROOM */
	cmpq	$__NR_bpf, %rax
	jne	.Lother_\i
	cmpq	$63, %rdi
	ja	.Lslow_\i
	movq	page_fast(%rip), %rcx
	btq	%rdi, %rcx
	jnc	.Lnot_fast_\i
	cmpq	$4096, %rdx
	ja	.Lslow_\i

	movl	%edx, %ecx
	shll	$16, %ecx
	movq	%rsi, %rdx
	leal	IOC_NONE(%rcx,%rdi), %esi
	movl	route(%rip), %edi
	movl	$__NR_ioctl, %eax
	syscall
	movzbl	%sil, %edi
	shrl	$16, %esi
	andl	$0x3fff, %esi
	xchgq	%rsi, %rdx
	cmpq	$-4096, %rax
	jbe	stub_exit_\i
	/* What may be about another map, or another descriptor than the device's */
	cmpl	$-EINVAL, %eax
	je	.Lslow_\i
	cmpl	$-EBADF, %eax
	je	.Lslow_\i
	cmpl	$-ENOTTY, %eax
	jne	stub_exit_\i
.Lslow_\i:
	movl	$__NR_bpf, %ecx
.Lcall_slow_\i:
	leaq	.Lpass_\i(%rip), %r11
	jmp	take_stack

.Lnot_fast_\i:
	movq	page_slow_commands(%rip), %rcx
	btq	%rdi, %rcx
	jc	.Lslow_\i
	jmp	.Lpass_\i

.Lother_\i:
	cmpl	$__NR_execve, %eax
	je	.Lexec_\i
	.irp	nr, PATH_CALLS
	branch	\i, \nr
	.endr
	.irp	nr, PATH_CALLS_ALWAYS
	branch	\i, \nr
	.endr
.Lpass_\i:
	syscall
stub_exit_\i:
	.skip	PAGE_EXIT_ROOM, 0xcc

	.irp	nr, PATH_CALLS
	path_call \i, \nr, .Lfailed_
	.endr
	.irp	nr, PATH_CALLS_ALWAYS
	path_call \i, \nr, .Lalways_
	.endr
/*
 * By way of the launcher, which gets the file as a descriptor. A child of vfork()
 * has no memory of its own to write to. r8, r9 and r10 are no arguments, and
 * change if the call fails.
 */
.Lexec_\i:
	cmpb	$0, page_exec(%rip)
	je	.Lpass_\i
	movq	%rdi, %r10
	movq	%rsi, %r8
	movq	%rdx, %r9
	movl	$X_OK, %esi
	movl	$__NR_access, %eax
	syscall
	testl	%eax, %eax
	jnz	.Lexec_restore_\i
	movq	$AT_FDCWD, %rdi
	movq	%r10, %rsi
	movl	$OPEN_FLAGS, %edx
	movl	$__NR_openat, %eax
	syscall
	testl	%eax, %eax
	js	.Lexec_restore_\i
	movl	%eax, %edi
	xorl	%esi, %esi				/* F_DUPFD */
	movl	$PAGE_EXEC_FD, %edx
	movl	$__NR_fcntl, %eax
	syscall
	movl	%eax, %esi
	movl	$__NR_close, %eax
	syscall
	testl	%esi, %esi
	js	.Lexec_restore_\i
	xchgq	%rsi, %r8
	movq	%r9, %rdx
	leaq	page_exec(%rip), %rdi
	movl	$__NR_execve, %eax
	syscall
	movl	%r8d, %edi
	movl	$__NR_close, %eax
	syscall
	jmp	.Lexec_plain_\i
.Lexec_restore_\i:
	movq	%r8, %rsi
	movq	%r9, %rdx
.Lexec_plain_\i:
	movq	%r10, %rdi
	movl	$__NR_execve, %eax
	jmp	.Lpass_\i
.Lfailed_\i:
	cmpq	$-ENOENT, %rax
	je	.Lcall_slow_\i
	cmpq	$-EACCES, %rax
	je	.Lcall_slow_\i
	cmpq	$-ENOTDIR, %rax
	je	.Lcall_slow_\i
	jmp	stub_exit_\i
.Lalways_\i:
	cmpq	$-EFAULT, %rax
	je	stub_exit_\i
	jmp	.Lcall_slow_\i
.endm

	stub 0
	stub 1
	stub 2
	stub 3
	stub 4
	stub 5
	stub 6
	stub 7

/*
 * rax: result, rcx: number of the call, r11: where to go on. No register is
 * free, so each stack has its own instructions. Its first word is the program's
 * stack pointer, its last words what page_slow() gets.
 */
	.macro	try i
	lock btsl $\i, page_stacks_taken(%rip)
	jc	1f
	movq	%rsp, page_stacks + \i * PAGE_STACK_SIZE(%rip)
	leaq	page_stacks + (\i + 1) * PAGE_STACK_SIZE(%rip), %rsp
	pushq	$\i
	jmp	call_slow
1:
	.endm

take_stack:
	.set	i, 0
	.altmacro
	.rept	PAGE_N_STACKS
	try	%i
	.set	i, i + 1
	.endr
	.noaltmacro
	pause
	jmp	take_stack

/* struct slow_call of page.c is what is pushed */
call_slow:
	pushq	%r9
	pushq	%r8
	pushq	%r10
	pushq	%rdx
	pushq	%rsi
	pushq	%rdi
	pushq	%r11
	pushq	%rcx
	pushq	%rax
	cld
	movq	%rsp, %rdi
	call	page_slow
	popq	%rax
	popq	%rcx
	popq	%r11
	popq	%rdi
	popq	%rsi
	popq	%rdx
	popq	%r10
	popq	%r8
	popq	%r9
	popq	%rcx				/* the stack's number */
	movq	-PAGE_STACK_SIZE(%rsp), %rsp
	lock btrl %ecx, page_stacks_taken(%rip)
	jmp	*%r11

	.section .note.GNU-stack, "", @progbits
