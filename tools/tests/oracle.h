/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * oracle - the same commands to bpf(2) and to /dev/bpfmap, answers compared
 *
 *	generate() --> struct step --> build() --> struct call --> run() --> agree?
 *
 * A step says what to do in terms of slots (descriptors) and of numbers of keys
 * and values, so that it means something whatever was done before: a sequence
 * stays a sequence when steps are taken out of it. A call is the step with its
 * attr and its buffers, in terms of a side's descriptors and addresses.
 */
#ifndef BPFMAP_TESTS_ORACLE_H
#define BPFMAP_TESTS_ORACLE_H

#include "common.h"
#include "map_types.h"
#include "rng.h"

enum side { SIDE_BPF, SIDE_DEVICE, N_SIDES };

#define N_SLOTS		20	/* descriptors at a time */
#define N_VIEWS		4	/* mappings at a time */
#define SLOT_CLOSED	254
#define SLOT_OTHER	255	/* open, and no map */

#define KEY_MAX		260
#define N_KEYS		24	/* numbers of keys there are for a map */
#define KEY_WILD	255	/* an index far out, a prefix that is too long */
#define BATCH_MAX	40

/* The version of the kernel: 601, 612, 703 */
unsigned int kernel(void);

/* ------------------------------------------------------------------------- */
/* Types of map */

/* In what order a walk goes: the same one, buckets in the same one, any */
enum order { ORDER_SAME, ORDER_BUCKETS, ORDER_ANY };

#define T_PERCPU	(1U << 0)	/* a value for each CPU */
#define T_OUTER		(1U << 1)	/* values are maps */
#define T_KEYLESS_IN	(1U << 2)	/* lookup takes the value as input */
#define T_EXTRA		(1U << 3)	/* map_extra means something */
#define T_NO_ELEMS	(1U << 4)	/* nothing for commands to do */
#define T_EVICTS	(1U << 5)	/* never to be filled up */
#define T_SMALL_EXTRA	(1U << 6)

/**
 * struct row - all that the test knows of a type, by the list of map types;
 *		zeros end the lists of sizes
 * @since: version of the kernel that has it
 * @must: flags without which there is no such map
 * @may: flags to try
 */
struct row {
	const char *name;
	uint32_t type;
	unsigned int since;
	enum keys keys;
	enum order order;
	unsigned int traits;
	uint32_t must;
	uint32_t may;
	uint32_t key_sizes[10];
	uint32_t value_sizes[13];
	const uint32_t *entries;
};

extern const struct row rows[];
extern const unsigned int n_rows;

const struct row *row_of(uint32_t type);

/* ------------------------------------------------------------------------- */
/* State */

/**
 * struct object - a map on both sides
 * @row: NULL: none
 * @shape: what it was created with
 * @like: for maps of maps: the template
 * @present: keys, by number, that are there
 * @cursor: what the last batch stored at out_batch
 */
struct object {
	const struct row *row;
	struct bpfmap_create_attr shape;
	uint32_t ids[N_SIDES];
	unsigned int serial;
	bool frozen;
	const struct object *like;
	uint64_t present;
	uint8_t cursor[KEY_MAX];
	uint8_t last_key[KEY_MAX];
};

struct slot {
	struct object *object;	/* NULL: closed */
	int fds[N_SIDES];
	uint32_t mode;
};

extern struct slot slots[N_SLOTS];

static inline struct slot *slot_at(unsigned int i)
{
	return i < N_SLOTS && slots[i].object ? &slots[i] : NULL;
}

/* Never NULL: a plain one if there is none */
const struct object *object_at(unsigned int i);

void state_begin(void);
void state_end(void);
void slot_close(unsigned int i);
struct object *object_new(const struct bpfmap_create_attr *shape);
void object_has_ids(struct object *o, uint32_t bpf, uint32_t device);
unsigned int serial_of(enum side side, uint32_t id);
struct object *object_of_id(enum side side, uint32_t id);

uint32_t value_stride(const struct object *o, uint64_t flags);
uint32_t value_bytes(const struct object *o, uint64_t flags);
uint32_t n_keys(const struct object *o);
void make_key(const struct object *o, unsigned int nr, uint8_t *key);
int key_number(const struct object *o, const uint8_t *key);
void make_value(const struct object *o, unsigned int nr, uint64_t flags,
		uint8_t *value);

/* ------------------------------------------------------------------------- */
/* Steps */

/* Steps that are no command of bpf(2) */
enum { DO_CLOSE = 100, DO_WALK, DO_UNLINK, DO_MAP, DO_UNMAP, DO_PROTECT, DO_POKE };

enum place { AT_OK, AT_NULL, AT_BAD, AT_EDGE, AT_CUT, AT_RDONLY, AT_KERNEL,
	     N_PLACES };

/* Areas of user memory. The names are what most commands use them for */
enum { A_ATTR, A_KEY, A_VALUE, A_IN, A_OUT, N_AREAS };

enum cursor { FROM_START, FROM_CURSOR, FROM_KEY, FROM_NONSENSE };

/**
 * struct step - one thing to do
 * @slot: the descriptor
 * @other: another one: inner map, value of a map of maps, where a new one goes;
 *	   the mapping
 * @direct: ask the map's own descriptor
 * @cut: bytes that lie behind the edge with AT_CUT
 * @key: number of the (first) key
 * @value: number of the (first) value; shared or private
 * @from: enum cursor
 * @junk_at: offset of a byte of attr that must be zero and is not, 0: none
 * @size: of attr
 * @count: of a batch; info_len; start_id; length of a mapping, place in it
 * @flags: element flags, open_flags, file_flags; protection
 * @more: flags of the batch; offset of a mapping
 */
struct step {
	uint8_t cmd;
	uint8_t slot;
	uint8_t other;
	uint8_t direct;
	uint8_t place[N_AREAS];
	uint8_t cut;
	uint8_t key;
	uint8_t value;
	uint8_t from;
	uint16_t junk_at;
	uint16_t size;
	uint32_t count;
	uint64_t flags;
	uint64_t more;
	struct bpfmap_create_attr create;
};

/* What has to be filled in for each side */
enum patch_kind { P_AREA, P_FD, P_ID, P_PATH };

struct patch {
	uint8_t kind;
	uint8_t in;	/* area */
	uint8_t what;	/* area, slot, path */
	uint32_t at;
};

#define AREA_MAX	(96 << 10)
#define N_PATCHES	(BATCH_MAX + 12)
#define N_PATHS		8

struct area {
	uint8_t place;
	uint8_t cut;
	uint32_t n;
	uint8_t *data;
	bool used;
};

struct call {
	const struct step *step;
	const struct object *object;
	uint32_t count;
	struct area areas[N_AREAS];
	struct patch patches[N_PATCHES];
	unsigned int n_patches;
};

/* The next step to take in the present state; @row: of this type, mostly */
void generate(struct rng *r, const struct row *row, struct step *s);

void build(const struct step *s, struct call *c);

/* ------------------------------------------------------------------------- */
/* Both sides */

extern bool verbose;
extern unsigned long n_comparisons;

void sides_init(void);
void sides_exit(void);
const char *pin_of(enum side side, unsigned int path);

/* The @n bytes that a side's area has in memory */
uint8_t *call_bytes(const struct call *c, enum side side, unsigned int area,
		    size_t *n);

/* Send it to one side: result or -errno */
long send_call(const struct call *c, enum side side);

/* The command without anything around it: result or -errno */
long raw_call(enum side side, int cmd, void *attr, unsigned int size);

/* Hide what is known to differ, then compare: what differs, or NULL */
const char *compare_areas(const struct call *c);

/* Take a step on both sides. What differs, or NULL: they agree */
const char *take_step(const struct step *s);

enum order order_of(const struct object *o);

/* Where the order may differ; what differs, or NULL */
void order_settle(const struct slot *slot);
const char *compare_walks(const struct slot *slot);
const char *order_next_key(const struct call *c, const struct slot *slot,
			   const long ret[N_SIDES]);
void order_batch(const struct call *c, enum side side, uint32_t n);

/* Mappings: what differs, or NULL */
const char *view_map(const struct step *s);
const char *view_protect(const struct step *s);
const char *view_poke(const struct step *s);
void view_unmap(unsigned int i);
void views_end(void);
const char *compare_views(void);

/* Is this difference one between versions of bpf(2)? */
bool excused(const struct call *c, const struct slot *slot, long bpf, long dev);
bool left_out(const struct row *row);
void print_excuses(void);

/* ------------------------------------------------------------------------- */
/* Failures */

/* Take all steps from a fresh state: the number of the one that failed, or -1 */
long take_steps(const struct step *steps, size_t n, const char **why);

/* Leave out of @steps what the failure does not need: what remains */
size_t shrink(struct step *steps, size_t n);

/* As a C program of its own */
void print_program(const struct step *steps, size_t n);

#endif /* BPFMAP_TESTS_ORACLE_H */
