// SPDX-License-Identifier: GPL-2.0-only
/*
 * System calls that a stopped process makes for us, and its memory. The
 * instruction is written over the one where the process is to begin, and that is
 * put back at the end. Signals are blocked meanwhile.
 */
#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "run.h"

#define SYSCALL_BYTES 0x050fL
#define STOP_SYSCALL (SIGTRAP | 0x80)

static int request(int what, struct tracee *t, uint64_t addr, void *data)
{
	return ptrace(what, t->pid, addr, data) < 0 ? -errno : 0;
}

/* On to the next entry or exit of a system call */
static int next_stop(struct tracee *t)
{
	int status, err;

	for (;;) {
		err = request(PTRACE_SYSCALL, t, 0, NULL);
		if (err)
			return err;
		while (waitpid(t->pid, &status, __WALL) < 0)
			if (errno != EINTR)
				return -errno;
		if (!WIFSTOPPED(status))
			return -ESRCH;
		if (WSTOPSIG(status) == STOP_SYSCALL)
			return 0;
		/* All but this one are blocked */
		if (WSTOPSIG(status) == SIGSTOP)
			t->stop = true;
	}
}

static int open_memory(pid_t pid)
{
	char name[32];
	int fd;

	snprintf(name, sizeof(name), "/proc/%d/mem", pid);
	fd = open(name, O_RDWR | O_CLOEXEC);
	return fd < 0 ? -errno : fd;
}

int tracee_begin(struct tracee *t, pid_t pid)
{
	uint64_t all = ~0ULL;
	long word;
	int err;

	memset(t, 0, sizeof(*t));
	t->pid = pid;
	t->mem = open_memory(pid);
	if (t->mem < 0)
		return t->mem;
	err = request(PTRACE_GETSIGMASK, t, sizeof(t->mask), &t->mask);
	err = err ?: request(PTRACE_SETSIGMASK, t, sizeof(all), &all);
	/* execve(2) itself returns */
	err = err ?: next_stop(t);
	err = err ?: request(PTRACE_GETREGS, t, 0, &t->regs);
	if (err)
		goto close;
	errno = 0;
	t->word = ptrace(PTRACE_PEEKTEXT, pid, t->regs.rip, 0);
	err = -errno;
	word = (t->word & ~0xffffL) | SYSCALL_BYTES;
	err = err ?: request(PTRACE_POKETEXT, t, t->regs.rip, (void *)word);
	if (!err)
		return 0;
close:
	close(t->mem);
	return err;
}

long tracee_call(struct tracee *t, long number, long a1, long a2, long a3, long a4,
		 long a5, long a6)
{
	struct user_regs_struct regs = t->regs;
	int err;

	regs.rax = number;
	regs.orig_rax = -1;
	regs.rdi = a1;
	regs.rsi = a2;
	regs.rdx = a3;
	regs.r10 = a4;
	regs.r8 = a5;
	regs.r9 = a6;
	err = request(PTRACE_SETREGS, t, 0, &regs);
	err = err ?: next_stop(t);
	err = err ?: next_stop(t);
	err = err ?: request(PTRACE_GETREGS, t, 0, &regs);
	return err ?: (long)regs.rax;
}

int tracee_end(struct tracee *t)
{
	int err;

	t->regs.orig_rax = -1;
	err = request(PTRACE_POKETEXT, t, t->regs.rip, (void *)t->word);
	err = err ?: request(PTRACE_SETREGS, t, 0, &t->regs);
	err = err ?: request(PTRACE_SETSIGMASK, t, sizeof(t->mask), &t->mask);
	if (t->stop)
		kill(t->pid, SIGSTOP);
	close(t->mem);
	return err;
}

int tracee_write(struct tracee *t, uint64_t to, const void *from, size_t size)
{
	ssize_t done = pwrite(t->mem, from, size, to);

	return done == (ssize_t)size ? 0 : done < 0 ? -errno : -EFAULT;
}

uint64_t tracee_aux(pid_t pid, uint64_t type)
{
	Elf64_auxv_t aux;
	char name[32];
	uint64_t value = 0;
	int fd;

	snprintf(name, sizeof(name), "/proc/%d/auxv", pid);
	fd = open(name, O_RDONLY | O_CLOEXEC);
	while (!value && read(fd, &aux, sizeof(aux)) == sizeof(aux))
		if (aux.a_type == type)
			value = aux.a_un.a_val;
	if (fd >= 0)
		close(fd);
	return value;
}
