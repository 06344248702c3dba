// SPDX-License-Identifier: GPL-2.0-only
/*
 * The seccomp filter that stops bpf(2) in programs that cannot be patched.
 */
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stddef.h>
#include <string.h>
#include <sys/syscall.h>

#include "run.h"

#define LOAD(member) BPF_STMT(BPF_LD | BPF_W | BPF_ABS, \
			      offsetof(struct seccomp_data, member))
#define IF(value, yes, no) BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, value, yes, no)
#define ANSWER(value) BPF_STMT(BPF_RET | BPF_K, value)

/* A struct sock_fprog with its program, for address @at of a process */
size_t filter_bpf_program(void *buf, uint64_t at)
{
	static const struct sock_filter bpf[] = {
		LOAD(arch),
		IF(AUDIT_ARCH_X86_64, 0, 2),
		LOAD(nr),
		IF(__NR_bpf, 1, 0),
		ANSWER(SECCOMP_RET_ALLOW),
		ANSWER(SECCOMP_RET_TRACE),
	};
	struct sock_fprog prog = {
		sizeof(bpf) / sizeof(*bpf),
		(struct sock_filter *)(at + sizeof(prog)),
	};

	memcpy(buf, &prog, sizeof(prog));
	memcpy((char *)buf + sizeof(prog), bpf, sizeof(bpf));
	return sizeof(prog) + sizeof(bpf);
}
