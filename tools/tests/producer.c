// SPDX-License-Identifier: GPL-2.0-only
/*
 * producer - see producer.h
 */
#include <sys/syscall.h>
#include <linux/bpf.h>

#include "common.h"
#include "producer.h"
#include "ringtest.h"

#define DATA_MAX	16384

/* bpf(2)'s numbers of helpers */
#define FN_OUTPUT	130
#define FN_RESERVE	131
#define FN_DISCARD	133
#define FN_QUERY	134

#define MOV_REG(dst, src) \
	{ .code = BPF_ALU64 | BPF_MOV | BPF_X, .dst_reg = dst, .src_reg = src }
#define MOV_IMM(dst, value) \
	{ .code = BPF_ALU64 | BPF_MOV | BPF_K, .dst_reg = dst, .imm = value }
#define CALL(fn)	{ .code = BPF_JMP | BPF_CALL, .imm = fn }
#define EXIT		{ .code = BPF_JMP | BPF_EXIT }
#define LOAD_MAP(dst, fd)						\
	{ .code = BPF_LD | BPF_DW | BPF_IMM, .dst_reg = dst,		\
	  .src_reg = BPF_PSEUDO_MAP_FD, .imm = fd }, { .code = 0 }
/* The value of an array of one */
#define LOAD_VALUE(dst, fd)						\
	{ .code = BPF_LD | BPF_DW | BPF_IMM, .dst_reg = dst,		\
	  .src_reg = BPF_PSEUDO_MAP_VALUE, .imm = fd }, { .code = 0 }
/* Over the next instruction if @reg is not 0 */
#define SKIP_NONZERO(reg) \
	{ .code = BPF_JMP | BPF_JNE | BPF_K, .dst_reg = reg, .off = 1 }

static long sys_bpf(int cmd, union bpf_attr *attr)
{
	long ret = syscall(SYS_bpf, cmd, attr, sizeof(*attr));

	if (ret < 0) {
		perror("Bail out! BPF program");
		exit(99);
	}
	return ret;
}

/* The program of these instructions, the same as the last time if it can be */
static int load_prog(int map, const struct bpf_insn *insns, size_t n)
{
	static struct known {
		struct bpf_insn insns[16];
		uint32_t map_id;
		int prog;
	} known[8];
	static unsigned int turn;
	union bpf_attr load = {
		.prog_type = BPF_PROG_TYPE_SYSCALL,
		.insns = PTR(insns),
		.insn_cnt = n,
		.license = PTR("GPL"),
		.prog_flags = BPF_F_SLEEPABLE,
	};
	struct known new = { .map_id = map_id(map) };
	size_t i;

	memcpy(new.insns, insns, n * sizeof(*insns));
	for (i = 0; i < ARRAY_SIZE(known); i++)
		if (known[i].map_id == new.map_id &&
		    !memcmp(known[i].insns, new.insns, sizeof(new.insns)))
			return known[i].prog;

	new.prog = keep_fd(sys_bpf(BPF_PROG_LOAD, &load));
	i = turn++ % ARRAY_SIZE(known);
	if (known[i].map_id)
		close(known[i].prog);
	known[i] = new;
	return new.prog;
}

/* Runs a program; its result */
static long run_prog(int map, const struct bpf_insn *insns, size_t n)
{
	union bpf_attr run;

	memset(&run, 0, sizeof(run));
	run.test.prog_fd = load_prog(map, insns, n);
	sys_bpf(BPF_PROG_TEST_RUN, &run);
	return (int32_t)run.test.retval;
}

/* An array with the data as its one value, which programs can point to */
static int data_map(const void *data, uint32_t size)
{
	static uint8_t value[DATA_MAX];
	static int map = -1;
	uint32_t key = 0;
	union bpf_attr a;

	if (map < 0) {
		memset(&a, 0, sizeof(a));
		a.map_type = BPF_MAP_TYPE_ARRAY;
		a.key_size = sizeof(key);
		a.value_size = DATA_MAX;
		a.max_entries = 1;
		map = sys_bpf(BPF_MAP_CREATE, &a);
	}
	memcpy(value, data, size);
	memset(&a, 0, sizeof(a));
	a.map_fd = map;
	a.key = PTR(&key);
	a.value = PTR(value);
	sys_bpf(BPF_MAP_UPDATE_ELEM, &a);
	return map;
}

/* Reserve a record, and give it to @fn as it is */
static long run_reserve(int map, uint32_t size, uint32_t flags, int fn)
{
	const struct bpf_insn insns[] = {
		LOAD_MAP(BPF_REG_1, map),
		MOV_IMM(BPF_REG_2, size),
		MOV_IMM(BPF_REG_3, 0),
		CALL(FN_RESERVE),
		MOV_REG(BPF_REG_1, BPF_REG_0),
		MOV_IMM(BPF_REG_0, -ENOSPC),
		SKIP_NONZERO(BPF_REG_1),
		EXIT,
		MOV_IMM(BPF_REG_2, flags),
		CALL(fn),
		MOV_IMM(BPF_REG_0, 0),
		EXIT,
	};

	return run_prog(map, insns, ARRAY_SIZE(insns));
}

/* Copy a record */
static long run_output(int map, const void *data, uint32_t size, uint32_t flags)
{
	const struct bpf_insn insns[] = {
		LOAD_MAP(BPF_REG_1, map),
		LOAD_VALUE(BPF_REG_2, data_map(data, size)),
		MOV_IMM(BPF_REG_3, size),
		MOV_IMM(BPF_REG_4, flags),
		CALL(FN_OUTPUT),
		EXIT,
	};

	return run_prog(map, insns, ARRAY_SIZE(insns));
}

long produce(int map, const void *data, uint32_t size, uint32_t flags)
{
	if (backend() == BACKEND_BPF)
		return run_output(map, data, size, flags);
	return ring_output(map, data, size, flags);
}

long produce_discarded(int map, uint32_t size, uint32_t flags)
{
	long ret;

	if (backend() == BACKEND_BPF)
		return run_reserve(map, size, flags, FN_DISCARD);
	ret = ring_reserve(map, RINGTEST_SLOTS - 1, size);
	return ret ? ret : ring_discard(map, RINGTEST_SLOTS - 1, flags);
}

uint32_t produce_query(int map, uint32_t what)
{
	const struct bpf_insn insns[] = {
		LOAD_MAP(BPF_REG_1, map),
		MOV_IMM(BPF_REG_2, what),
		CALL(FN_QUERY),
		EXIT,
	};

	if (backend() != BACKEND_BPF)
		return ring_query(map, what);
	return run_prog(map, insns, ARRAY_SIZE(insns));
}
