/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * bpfmap-run - programs as they are, with their maps on /dev/bpfmap
 *
 *	main.c		options, and the two ways to be called
 *	check.c		--check, and reasons to refuse
 *	image.c		what kind of program a file is, and where it makes system calls
 *	tracee.c	system calls and memory of a process that is stopped
 *	patch.c		the page, put into a process
 *	start.c		becoming the program
 *	follow.c	the tracer, of the exec and of what stays traced
 *	filter.c	seccomp: stops bpf(2) in what is traced
 *	count.c		--stats
 *	page.S, page.c	what runs in the program
 */
#ifndef __BPFMAP_RUN_H
#define __BPFMAP_RUN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>
#include <sys/user.h>

#include "../preload/count.h"
#include "page.h"

/* Exit statuses, as those of env(1) */
enum { FAILED = 125, REFUSED = 126, NOT_FOUND = 127 };

/*
 * @named: the user has named the program; else another program executes it
 * @exec: path of bpfmap-exec; empty: do not follow
 * @counters: file with the counters; NULL: do not count
 */
struct options {
	bool named;
	bool quiet;
	const char *exec;
	const char *counters;
};

/* main.c */
extern struct options options;
void notice(const char *format, ...) __attribute__((format(printf, 1, 2)));
_Noreturn void die(int status, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

/* --- image.c --- */

enum kind { KIND_OTHER, KIND_SCRIPT, KIND_ELF32, KIND_FOREIGN, KIND_ELF64 };

/*
 * A place to divert, @addr as the file has it. @size bytes go; of these @tail are
 * executed behind the system call. @number: the instruction that loads the
 * number of bpf(2) into eax goes, too.
 */
struct site {
	uint64_t addr;
	uint8_t size;
	uint8_t tail_size;
	uint8_t tail[6];
	bool number;
	const char *of;
};

struct image {
	enum kind kind;
	bool privileged;	/* to execute it changes privileges: nothing else is known */
	bool says_bpf;		/* its code has the number of bpf(2) */
	bool apart;		/* and right before an instruction that is no site */
	char interpreter[256];	/* of a script, too; empty: none */
	uint64_t entry, low;	/* low: its lowest address */
	unsigned int n_calls;	/* of the sites, those that may call bpf(2) */
	unsigned int n_sites;
	struct site sites[PAGE_N_STUBS];
};

/**
 * image_read() - what the file is
 * @fd: open for reading
 *
 * Return: 0 or -errno
 */
int image_read(int fd, struct image *image);
bool image_has_glibc(const struct image *image);
/*
 * @exe has its bpf(2) where we do not find it, even in what is its loader and libc.
 * @named: the user knows that it has
 */
bool image_needs_tracing(const struct image *exe, const struct image *libc, bool named);

/* --- check.c --- */

/* Would executing the file change privileges? */
bool is_privileged(int fd);
/* true if it can be run */
bool check_print(const char *name, const struct image *image, const struct image *libc,
		 const char *preload);

/* --- tracee.c --- */

struct tracee {
	pid_t pid;
	int mem;
	struct user_regs_struct regs;
	uint64_t mask;
	long word;
	bool stop;	/* a SIGSTOP came meanwhile */
};

/* At the stop after execve(2): begin, calls, end. 0 or -errno */
int tracee_begin(struct tracee *t, pid_t pid);
long tracee_call(struct tracee *t, long number, long a1, long a2, long a3, long a4,
		 long a5, long a6);
int tracee_end(struct tracee *t);
int tracee_write(struct tracee *t, uint64_t to, const void *from, size_t size);
/* From the auxiliary vector; 0: not there */
uint64_t tracee_aux(pid_t pid, uint64_t type);

/* --- patch.c --- */

/* page.bin */
extern const uint8_t page_image[PAGE_STACKS];

/* Those that exec'd one file: what calls are diverted while it is traced */
struct diverted {
	unsigned int refs;
	uint64_t page;
	unsigned int n;
	uint64_t from[PAGE_N_STUBS];
};

/**
 * patch_exec() - a process has executed a file, put the page into it
 * @pid: stopped by PTRACE_EVENT_EXEC
 * @diverted: set if the process must stay traced
 *
 * Return: 0; -errno: a notice has told why
 */
int patch_exec(pid_t pid, struct diverted **diverted);
/* A call of bpf(2) that a filter has stopped */
void patch_divert(pid_t pid, struct diverted *d);
void patch_init(const char *pins);
/* If not, errno tells why */
bool device_usable(void);

/* --- filter.c --- */

size_t filter_bpf_program(void *buf, uint64_t at);

/* --- follow.c --- */

/* 0 or -errno */
int attach(pid_t pid);
/* To the end of all processes that are attached */
void follow(void);

/* --- start.c --- */

/**
 * execute() - become the program
 * @path: its file
 * @argv: its arguments, with its name
 * @patch: it is to be patched. One that the user named does not run without
 *
 * Return: only if it cannot be executed: the errno
 */
int execute(const char *path, char *const argv[], bool patch);

/* --- count.c --- */

/*
 * From here on in a child of the process that is waited for: that one prints the
 * counters at the end. Returns the name of their file for others.
 */
const char *count_begin(void);

#endif /* __BPFMAP_RUN_H */
