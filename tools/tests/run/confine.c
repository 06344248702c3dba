// SPDX-License-Identifier: GPL-2.0-only
/*
 * Executes a program as a container may: a seccomp filter denies bpf(2), or
 * ptrace(2); or it is traced; or it has another user, without capabilities.
 *
 *	confine bpf|ptrace|traced|user PROGRAM [ARGUMENT...]
 */
#include <errno.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <signal.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#ifndef __NR_bpf
#define __NR_bpf 321
#endif

#define USER 1000

static int deny(int nr)
{
	struct sock_filter filter[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, nr, 0, 1),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | EPERM),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
	};
	struct sock_fprog prog = { sizeof(filter) / sizeof(*filter), filter };

	return prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) ||
	       prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &prog);
}

/* As strace has it, but that it looks at nothing */
static int trace(char *argv[])
{
	int status, sig;
	pid_t pid = fork();

	if (!pid) {
		ptrace(PTRACE_TRACEME, 0, 0, 0);
		raise(SIGSTOP);
		execv(argv[0], argv);
		_exit(127);
	}
	while (waitpid(pid, &status, 0) == pid && WIFSTOPPED(status)) {
		sig = WSTOPSIG(status);
		ptrace(PTRACE_CONT, pid, 0,
		       (long)(sig == SIGSTOP || sig == SIGTRAP ? 0 : sig));
	}
	return WIFEXITED(status) ? WEXITSTATUS(status) : 1;
}

int main(int argc, char *argv[])
{
	if (argc < 3)
		return 2;
	if (!strcmp(argv[1], "traced"))
		return trace(argv + 2);
	if (!strcmp(argv[1], "user")) {
		if (setgid(USER) || setuid(USER))
			return 2;
		execv(argv[2], argv + 2);
		return 127;
	}
	if (deny(strcmp(argv[1], "ptrace") ? __NR_bpf : __NR_ptrace)) {
		perror("confine");
		return 2;
	}
	execv(argv[2], argv + 2);
	perror(argv[2]);
	return 127;
}
