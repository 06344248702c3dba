/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * fuzz - programs of calls on the device, kept if they reach new code
 */
#ifndef BPFMAP_FUZZ_H
#define BPFMAP_FUZZ_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/types.h>
#include <linux/bpfmap.h>

#include "map_types.h"
#include "../tests/rng.h"

#define ARRAY_SIZE(a) (sizeof(a) / sizeof((a)[0]))

/* ------------------------------------------------------------------------- */
/* Programs: prog.c */

#define MAX_CALLS	32
#define MAX_ARGS	15

/* Descriptors of a program, then those that all programs share, then others */
#define N_FDS		16
enum {
	N_SHARED = N_TYPE_ROWS,		/* one of each type */
	FD_SHARED = N_FDS,
	FD_DEVICE = FD_SHARED + N_SHARED,
	FD_CLOSED,
	FD_NULL,	/* /dev/null */
	FD_NONE,	/* -1 */
	N_FD_NAMES,
};

#define N_MAPPINGS	8

/* Where a pointer points; what it takes is in the bits above */
enum place {
	AT_OK,
	AT_NULL,
	AT_ODD,		/* not aligned */
	AT_CUT,		/* so many bytes are there */
	AT_UNMAPPED,
	AT_KERNEL,
	AT_TOP,		/* the last bytes of user space */
	AT_RDONLY,
	AT_HELD,	/* so many bytes are there, userfaultfd has the others */
	AT_MAP,		/* a mapping */
	AT_FRESH,	/* there, but in no page table yet */
	N_PLACES,
};

#define PLACE_BITS	4

enum kind {
	K_NONE,
	K_NUM,
	K_TYPE,		/* of a map */
	K_CREATE_FLAGS,
	K_ELEM_FLAGS,
	K_FD,
	K_OUT,		/* where a new descriptor goes */
	K_PLACE,
	K_SIZE,		/* of an attr: 0 is the right one */
	K_MAPPING,
	K_PATH,
	K_PROT,
};

struct arg {
	const char *name;
	enum kind kind;
};

/* How the keys of repetitions go on */
enum {
	STEP_UP,	/* 1 more each time */
	STEP_NONE,	/* always the same */
	STEP_LONGER,	/* in a trie: a bit longer each time */
	N_STEPS,
};

/**
 * struct call - one line of a program
 * @op: index of ops[]
 * @thread: 0, or the helper that it is left to
 * @fail: 0, or which chance to fail in the kernel shall be taken
 * @rep: times it is done, with keys that go up
 * @step: STEP_UP and so on
 * @child: done by a forked child; that is killed after so many microseconds - 1
 * @arg: see the op
 */
struct call {
	uint8_t op;
	uint8_t thread;
	uint8_t step;
	uint16_t fail;
	uint16_t rep;
	uint16_t child;
	uint64_t arg[MAX_ARGS];
};

struct prog {
	uint32_t n;
	struct call calls[MAX_CALLS];
};

struct ctx;

/**
 * struct op - what a call does
 * @name: first word of its line
 * @run: result is the system call's, -1 with errno
 * @weight: how often it is made up
 * @args: named and numbered
 */
struct op {
	const char *name;
	long (*run)(struct ctx *c, const uint64_t *a);
	unsigned int weight;
	struct arg args[MAX_ARGS + 1];
};

extern const struct op ops[];
extern const unsigned int n_ops;
extern const char *const paths[];
extern const unsigned int n_paths;

int op_find(const char *name);
unsigned int op_args(const struct op *op);
void prog_print(FILE *f, const struct prog *p);
void call_print(char *buf, size_t size, const struct call *c);

/*
 * The next program of a file: lines up to an empty one. 1: there it is, 0: the
 * end, -1: a line is wrong, which was reported.
 */
int prog_read(FILE *f, const char *file, unsigned int *line, struct prog *p);

/* ------------------------------------------------------------------------- */
/* Arguments of ops by number: ops.c */

enum {
	CREATE_OUT, CREATE_TYPE, CREATE_KEY, CREATE_VALUE, CREATE_ENTRIES,
	CREATE_FLAGS, CREATE_INNER, CREATE_EXTRA, CREATE_NUMA, CREATE_NAME,
	CREATE_EXCL, CREATE_BTF, CREATE_TOKEN, CREATE_SIZE, CREATE_JUNK,
};

enum {
	ELEM_FD, ELEM_VIA, ELEM_KEY, ELEM_KEY_AT, ELEM_VALUE, ELEM_VALUE_AT,
	ELEM_FLAGS, ELEM_SIZE, ELEM_JUNK,
};

enum {
	BATCH_FD, BATCH_VIA, BATCH_CURSOR, BATCH_IN_AT, BATCH_OUT_AT, BATCH_KEY,
	BATCH_KEYS_AT, BATCH_VALUE, BATCH_VALUES_AT, BATCH_COUNT,
	BATCH_ELEM_FLAGS, BATCH_FLAGS, BATCH_SIZE, BATCH_JUNK,
};

enum {
	MMAP_MAP, MMAP_FD, MMAP_LEN, MMAP_PROT, MMAP_FLAGS, MMAP_OFF, MMAP_ADDR,
};

/* Arenas are mapped at these addresses, which nothing else uses */
#define WINDOW_START	0x200000000000ULL
#define WINDOW_END	0x210000000000ULL

/* ------------------------------------------------------------------------- */
/* Running programs: exec.c, mem.c, ops.c, ops_fs.c */

#define N_HELPERS	2

/**
 * struct shape - what a map was made as
 */
struct shape {
	uint32_t type;
	uint32_t key_size;
	uint32_t value_size;
	uint32_t max_entries;
};

/* User memory that calls point to; each ends where nothing is mapped */
enum area { A_KEY, A_VALUE, A_CURSOR, A_OUT, A_ATTR, N_AREAS };

#define AREA_SIZE	(256u << 10)

/**
 * struct ctx - a thread that runs calls
 * @nr: 0, or number of the helper
 * @rep: which repetition this is
 * @step: of the call that it runs
 * @areas: memory of each kind
 * @fresh: memory of each kind, of which the pages outlive the page table
 * @held: for each kind, a page before the border to a page held back
 * @rdonly: a page that can only be read
 * @fail_fd: /proc/thread-self/fail-nth, or -1
 * @kcov: its trace, NULL without KCOV
 * @kcov_fd: its descriptor
 * @injected: the last call with fail met its failure
 */
struct ctx {
	unsigned int nr;
	unsigned int rep;
	unsigned int step;
	uint8_t *areas[N_AREAS];
	uint8_t *fresh[N_AREAS];
	uint8_t *held[N_AREAS];
	uint8_t *rdonly;
	int fail_fd;
	uint64_t *kcov;
	int kcov_fd;
	bool injected;
};

extern bool exec_verbose;	/* print what calls return */
int exec_init(void);
void exec_prog(const struct prog *p);
bool exec_injected(void);	/* in the last program */
uint64_t exec_calls(void);

unsigned int trie_key_shift(uint32_t key_size);
int slot_fd(uint64_t arg);
const struct shape *slot_shape(uint64_t arg);
void slot_set(uint64_t arg, int fd, const struct shape *shape);
void slot_close(uint64_t arg);
int device_fd(void);

/* Descriptors of maps that every process of the fuzzer has */
extern int shared_fds[N_SHARED];
extern struct shape shared_shapes[N_SHARED];

struct mapping {
	uint8_t *addr;
	size_t len;
};

struct mapping *mapping_at(uint64_t arg);

int mem_init(struct ctx *c);
bool mem_uffd_start(void);
/* Where a pointer to @size bytes of that kind goes; @fill them with @data */
uint64_t mem_place(struct ctx *c, enum area area, uint64_t place,
		   const void *data, size_t size);
/* Touches memory that may not be there: 0 or -1 */
int mem_store(uint64_t *p, uint64_t value);
int mem_load(const uint64_t *p, uint64_t *value);

long op_mount(struct ctx *c, const uint64_t *a);
long op_umount(struct ctx *c, const uint64_t *a);
long op_mkdir(struct ctx *c, const uint64_t *a);
long op_rmdir(struct ctx *c, const uint64_t *a);
long op_unlink(struct ctx *c, const uint64_t *a);
long op_rename(struct ctx *c, const uint64_t *a);
long op_link(struct ctx *c, const uint64_t *a);
long op_symlink(struct ctx *c, const uint64_t *a);
long op_chmod(struct ctx *c, const uint64_t *a);
long op_open(struct ctx *c, const uint64_t *a);
long op_list(struct ctx *c, const uint64_t *a);
long op_statfs(struct ctx *c, const uint64_t *a);
long op_mounts(struct ctx *c, const uint64_t *a);
void fs_clean(void);

/* ------------------------------------------------------------------------- */
/* Coverage: cover.c */

#define MAX_TEXT	(1u << 20)
#define N_EDGES		(1u << 16)
#define MAX_NEW		8192

/* In pcs[] */
enum { PC_NEVER, PC_DIRECT, PC_LATER };

/**
 * struct cover - what was reached, shared by all processes
 * @pcs: by distance from the start of the module's code
 * @edges: hashes of one such place and the next
 * @nr_pcs: in @pcs
 */
struct cover {
	uint8_t pcs[MAX_TEXT];
	uint8_t edges[N_EDGES];
	uint32_t nr_pcs;
	uint32_t nr_edges;
};

extern struct cover *cover;

bool cover_init(void);			/* false: no KCOV here */
void cover_open(struct ctx *c);		/* a trace for a thread */
void cover_enable(struct ctx *c);	/* for the thread that calls this */
void cover_start(struct ctx *c);
void cover_stop(struct ctx *c);
void cover_new_run(void);		/* forget what this process reached */
uint32_t cover_new(uint32_t *list);	/* places reached for the first time */
bool cover_again(const uint32_t *list, uint32_t n);	/* all of it */
uint32_t cover_keep(uint32_t *list, uint32_t n);	/* what of it */
void cover_add(const uint32_t *list, uint32_t n);	/* is reached now */
uint32_t cover_run_pcs(uint32_t *list, uint32_t max);	/* all of this run */
uint64_t cover_base(void);
int cover_probe(const char *list);	/* put probes on what was not reached */
void cover_probed(void);		/* see which were hit */
void cover_print(void);

/* ------------------------------------------------------------------------- */
/* Making programs up: gen.c, mutate.c */

#define ROW_LIST	20

/* Sizes and numbers of elements to try with a type; lists end with 0 */
const uint32_t *row_keys(const struct type_row *row);
const uint32_t *row_values(const struct type_row *row);
const uint32_t *row_entries(const struct type_row *row);
uint32_t row_pick(struct rng *r, const uint32_t *list);
void gen_create(struct rng *r, struct call *c, const struct type_row *row);
void gen_recipe(struct rng *r, struct prog *p);		/* recipe.c */
bool gen_sweep(unsigned int nr, struct prog *p);	/* false: no more */
void gen_prog(struct rng *r, struct prog *p);
void gen_call(struct rng *r, const struct prog *before, struct call *c);
uint64_t gen_arg(struct rng *r, const struct arg *arg);
uint64_t gen_num(struct rng *r);
void mutate(struct rng *r, struct prog *p, const struct prog *other);
bool prog_insert(struct prog *p, unsigned int at, const struct call *c);
void prog_remove(struct prog *p, unsigned int at);

/* ------------------------------------------------------------------------- */
/* All processes: worker.c, main.c */

#define MAX_CORPUS	8192
#define MAX_WORKERS	16

/**
 * struct shared - memory of all processes
 * @n_corpus: programs kept; those up to @ready can be read
 * @n_todo: seeds, from @corpus_max on down, that were not run yet
 * @execs: programs run
 * @calls: calls made
 * @beat: counts up as a worker lives
 * @now: what each worker is running
 * @n_given: seeds that come from files; those behind are gen_sweep()'s
 * @stop: end
 */
struct shared {
	uint32_t n_corpus;
	uint32_t n_seeds;
	uint32_t n_given;
	uint32_t next_seed;
	uint64_t execs;
	uint64_t calls;
	uint64_t injected;
	uint64_t beat[MAX_WORKERS];
	struct prog now[MAX_WORKERS];
	bool stop;
	uint8_t ready[MAX_CORPUS];
	struct prog corpus[MAX_CORPUS];
	struct prog seeds[MAX_CORPUS];
};

extern struct shared *shared;
extern int kmsg_fd;

void worker(unsigned int nr, uint64_t seed) __attribute__((noreturn));
void log_prog(unsigned int worker, const struct prog *p);
void distill(void);

#endif /* BPFMAP_FUZZ_H */
