// SPDX-License-Identifier: GPL-2.0-only
/*
 * gen - random programs that make sense, most of the time
 *
 * tools/tests/oracle_gen.c says why it has a generator of its own.
 */
#include <poll.h>
#include <string.h>
#include <sys/mman.h>

#include "fuzz.h"

/* ------------------------------------------------------------------------- */
/* Numbers */

static const uint64_t numbers[] = {
	0, 1, 2, 3, 4, 5, 7, 8, 9, 12, 15, 16, 17, 31, 32, 33, 40, 56, 63, 64,
	65, 92, 96, 100, 127, 128, 129, 168, 169, 255, 256, 257, 260, 511, 512,
	513, 640, 641, 1000, 1023, 1024, 1025, 4095, 4096, 4097, 8192, 16384,
	32767, 32768, 32769, 65535, 65536, 0x3fffff, 0x400000, 0x400001,
	0x1000000, 0x3fffffff, 0x40000000, 0x7ffffffe, 0x7fffffff, 0x80000000,
	0xfffffff0, 0xffffffff, 0x100000000, 0x100000001, 0x7fffffffffffffff,
	0x8000000000000000, 0xfffffffffffffff8, 0xffffffffffffffff,
};

uint64_t gen_num(struct rng *r)
{
	switch (rnd(r, 6)) {
	case 0:
		return PICK(r, numbers);
	case 1:
		return rnd(r, 1 << rnd(r, 17));
	case 2:
		return 1ULL << rnd(r, 64);
	case 3:
		return rnd(r, 64) ? rnd(r, 64) : rnd64(r);
	default:
		return rnd(r, 8);
	}
}

static uint64_t gen_place(struct rng *r)
{
	static const uint8_t params[] = { 0, 1, 4, 7, 8, 12, 16, 20, 24, 32 };
	unsigned int place;

	if (rnd(r, 5))
		return AT_OK;
	place = rnd(r, N_PLACES);
	if (place == AT_MAP)
		return place | rnd(r, N_MAPPINGS) << PLACE_BITS;
	if (place == AT_CUT || place == AT_HELD)
		return place | (rnd(r, 3) ? PICK(r, params) : rnd(r, 2000)) << PLACE_BITS;
	return place;
}

static uint64_t gen_create_flags(struct rng *r)
{
	uint64_t flags = 0;

	while (one_in(r, 2))
		flags |= 1ULL << rnd(r, one_in(r, 20) ? 32 : 20);
	return flags;
}

static uint64_t gen_elem_flags(struct rng *r)
{
	static const uint64_t lists[] = {
		BPFMAP_F_NOEXIST, BPFMAP_F_EXIST, BPFMAP_F_LOCK,
		BPFMAP_F_ALL_CPUS, BPFMAP_F_CPU, BPFMAP_F_CPU | 1ULL << 32,
		BPFMAP_F_CPU | 2ULL << 32, BPFMAP_F_CPU | 1000ULL << 32,
		BPFMAP_F_CPU | BPFMAP_F_ALL_CPUS, 3, 32, 1ULL << 32,
		BPFMAP_F_CPU | BPFMAP_F_NOEXIST, BPFMAP_F_CPU | BPFMAP_F_EXIST,
		BPFMAP_F_ALL_CPUS | BPFMAP_F_EXIST,
	};

	return one_in(r, 2) ? 0 : PICK(r, lists);
}

static uint64_t gen_size(struct rng *r)
{
	static const uint64_t sizes[] = {
		4, 8, 12, 16, 20, 24, 28, 32, 36, 56, 60, 72, 88, 92, 96, 100,
		168, 176, 4096, 4097, 16383,
	};

	return one_in(r, 8) ? PICK(r, sizes) : 0;
}

static uint64_t gen_fd(struct rng *r)
{
	switch (rnd(r, 12)) {
	case 0:
		return FD_SHARED + rnd(r, N_SHARED);
	case 1:
		return one_in(r, 4) ? FD_DEVICE + rnd(r, N_FD_NAMES - FD_DEVICE) :
		       FD_SHARED + rnd(r, N_SHARED);
	case 2:
		return rnd(r, N_FDS);
	default:
		return rnd(r, 3);
	}
}

uint64_t gen_arg(struct rng *r, const struct arg *arg)
{
	switch (arg->kind) {
	case K_TYPE:
		return rnd(r, one_in(r, 10) ? 64 : 36);
	case K_CREATE_FLAGS:
		return gen_create_flags(r);
	case K_ELEM_FLAGS:
		return gen_elem_flags(r);
	case K_FD:
		return gen_fd(r);
	case K_OUT:
		return rnd(r, one_in(r, 4) ? N_FDS : 3);
	case K_PLACE:
		return gen_place(r);
	case K_SIZE:
		return gen_size(r);
	case K_MAPPING:
		return rnd(r, one_in(r, 4) ? N_MAPPINGS : 2);
	case K_PATH:
		return rnd(r, n_paths);
	case K_PROT:
		return one_in(r, 10) ? rnd(r, 8) :
		       one_in(r, 3) ? PROT_READ : PROT_READ | PROT_WRITE;
	default:
		return gen_num(r);
	}
}

/* ------------------------------------------------------------------------- */
/* Maps */

const uint32_t *row_keys(const struct type_row *row)
{
	static const uint32_t sizes[][ROW_LIST] = {
		[KEYS_NONE] = { 0 },
		[KEYS_BYTES] = { 4, 8, 1, 2, 12, 40, 64, 3, 5, 6, 7, 9, 10, 11,
				 100, 520, 601 },
		[KEYS_INDEX] = { 4 },
		[KEYS_PREFIX] = { 8, 12, 20, 5, 16, 36, 260, 7, 13 },
	};

	return sizes[row->keys == KEYS_SHORT ? KEYS_BYTES : row->keys];
}

const uint32_t *row_values(const struct type_row *row)
{
	static const uint32_t sizes[][ROW_LIST] = {
		[VALUES_NONE] = { 0 },
		[VALUES_BYTES] = { 8, 4, 1, 2, 16, 64, 12, 3, 7, 31, 191, 500,
				   513, 700, 5000, 20000 },
		[VALUES_MAPS] = { 4 },
	};

	return sizes[row->values == VALUES_PERCPU ? VALUES_BYTES : row->values];
}

const uint32_t *row_entries(const struct type_row *row)
{
	static const uint32_t bytes[ROW_LIST] = { 4096, 8192, 65536 };
	static const uint32_t pages[ROW_LIST] = { 4, 1, 100, 70000 };
	static const uint32_t maps[ROW_LIST] = { 4, 1, 16, 5000 };
	static const uint32_t elements[ROW_LIST] = {
		16, 1, 3, 100, 1000, 5000, 64, 2,
	};

	if (row->props & BPFMAP_T_RING)
		return bytes;
	if (row->values == VALUES_NONE)
		return pages;
	return row->values == VALUES_MAPS ? maps : elements;
}

/* One of a list, the first ones more often */
uint32_t row_pick(struct rng *r, const uint32_t *list)
{
	unsigned int n = 0;

	while (n < ROW_LIST && list[n])
		n++;
	if (!n)
		return 0;
	return list[rnd(r, one_in(r, 2) && n > 3 ? 3 : n)];
}

/* One of the flags that a type accepts, those that few types have more often */
static uint32_t pick_flag(struct rng *r, uint32_t may)
{
	uint32_t own = may & ~BPFMAP_T_COMMON, from = own && one_in(r, 2) ? own : may;
	unsigned int nr = rnd(r, __builtin_popcount(from));

	while (nr--)
		from &= from - 1;
	return from & -from;
}

void gen_create(struct rng *r, struct call *c, const struct type_row *row)
{
	uint64_t *a = c->arg;

	*c = (struct call){ .op = op_find("create"), .rep = 1 };
	a[CREATE_TYPE] = row->type;
	a[CREATE_KEY] = row_pick(r, row_keys(row));
	a[CREATE_VALUE] = row_pick(r, row_values(row));
	a[CREATE_ENTRIES] = row_pick(r, row_entries(row));
	a[CREATE_FLAGS] = row->must;
	if (one_in(r, 2))
		a[CREATE_FLAGS] |= pick_flag(r, row->may);
	if (row->type == BPFMAP_TYPE_ARENA && one_in(r, 2))
		a[CREATE_EXTRA] = WINDOW_START + rnd(r, 4) * 0x40000000ULL;
	else if (row->props & BPFMAP_T_EXTRA && one_in(r, 2))
		a[CREATE_EXTRA] = rnd(r, 17);
	if (a[CREATE_FLAGS] & BPFMAP_F_NUMA_NODE && one_in(r, 2))
		a[CREATE_NUMA] = one_in(r, 2) ? UINT32_MAX : rnd(r, 3);
	if (one_in(r, 12))
		a[rnd(r, CREATE_JUNK + 1)] = gen_num(r);
}

/* The call that makes the map of a slot, NULL if there is none */
static const struct call *maker(const struct prog *p, uint64_t slot)
{
	for (unsigned int i = p->n; i--; )
		if (!strcmp(ops[p->calls[i].op].name, "create") &&
		    p->calls[i].arg[CREATE_OUT] % N_FDS == slot % N_FDS)
			return &p->calls[i];
	return NULL;
}

/* ------------------------------------------------------------------------- */
/* Calls */

static uint64_t gen_key(struct rng *r, const struct call *map)
{
	uint64_t key = rnd(r, one_in(r, 4) ? 1000 : 8);

	if (!map || map->arg[CREATE_TYPE] != BPFMAP_TYPE_LPM_TRIE)
		return one_in(r, 30) ? gen_num(r) : key;
	key = rnd(r, 8 * (map->arg[CREATE_KEY] - 4) + 1) & 0xffff;
	return key | (one_in(r, 2) ? (uint64_t)rnd(r, 4) << 62 | rnd(r, 16) << 16 :
		      rnd64(r) & ~0xffffULL);
}

/* The use of a map's pages depends on its type */
static void adapt_mmap(struct rng *r, const struct call *map, uint64_t *a)
{
	uint64_t type = map ? map->arg[CREATE_TYPE] : 0;

	a[MMAP_FLAGS] = one_in(r, 10) ? gen_num(r) :
			MAP_SHARED | (one_in(r, 3) ? MAP_POPULATE : 0);
	a[MMAP_OFF] = one_in(r, 10) ? gen_num(r) : 0;
	a[MMAP_LEN] = rnd(r, 8) ? 1 + rnd(r, 8) : gen_num(r);
	a[MMAP_ADDR] = 0;
	if (type == BPFMAP_TYPE_RINGBUF || type == BPFMAP_TYPE_USER_RINGBUF) {
		a[MMAP_LEN] = rnd(r, 3) ? 2 + 2 * (map->arg[CREATE_ENTRIES] >> 12) : 1;
		if (type == BPFMAP_TYPE_RINGBUF && a[MMAP_LEN] > 1 && rnd(r, 4))
			a[MMAP_PROT] = PROT_READ;
		if (type == BPFMAP_TYPE_USER_RINGBUF && rnd(r, 4)) {
			a[MMAP_OFF] = 1;
			a[MMAP_LEN]--;
		}
	}
	if (type == BPFMAP_TYPE_ARENA && rnd(r, 8)) {
		a[MMAP_LEN] = map->arg[CREATE_ENTRIES] + (one_in(r, 10) ? 1 : 0);
		a[MMAP_ADDR] = map->arg[CREATE_EXTRA];
		a[MMAP_FLAGS] = MAP_SHARED | (one_in(r, 2) ? MAP_FIXED : 0);
		if (one_in(r, 6))
			a[MMAP_ADDR] = WINDOW_START + rnd(r, 8) * 0x20000000ULL;
	}
}

/* Positions and records of a ring, as user space may have written them */
static void adapt_poke(struct rng *r, uint64_t *a)
{
	static const uint64_t lens[] = {
		0, 8, 16, 100, 4080, 4088, 4096, 0x40000000, 0x80000000,
		0x40000008, 0x80000008, 0xffffffff, 0x1000000, 0xfffff8, 7,
	};

	if (one_in(r, 3))
		return;
	a[1] = one_in(r, 3) ? rnd(r, 4) * 4096 : rnd(r, 600) * 8;
	a[2] = one_in(r, 2) ? rnd(r, 64) * 8 : PICK(r, lens);
}

static void adapt(struct rng *r, const struct prog *p, struct call *c)
{
	const struct op *op = &ops[c->op];
	uint64_t *a = c->arg;
	const struct call *map = maker(p, a[0]);

	if (op->args[0].kind == K_FD && op->args[ELEM_KEY].name &&
	    !strcmp(op->args[ELEM_KEY].name, "key")) {
		a[ELEM_KEY] = gen_key(r, map);
		a[ELEM_VIA] = rnd(r, 10) ? rnd(r, 2) : rnd(r, 8);
		if (rnd(r, 10))
			a[ELEM_JUNK] = 0;
		if (map && !map->arg[CREATE_KEY] && rnd(r, 10))
			a[ELEM_KEY_AT] = AT_OK;
	} else if (op->args[0].kind == K_FD && op->args[BATCH_COUNT].name) {
		a[BATCH_KEY] = gen_key(r, map);
		a[BATCH_VIA] = rnd(r, 2);
		a[BATCH_IN_AT] = one_in(r, 2) ? (uint64_t)AT_NULL : gen_place(r);
		a[BATCH_CURSOR] = one_in(r, 4) ? gen_key(r, map) : 0;
		a[BATCH_COUNT] = rnd(r, 10) ? rnd(r, one_in(r, 4) ? 6000 : 40) :
				 gen_num(r);
		if (rnd(r, 10)) {
			a[BATCH_FLAGS] = one_in(r, 2) ? 0 :
					 BPFMAP_BATCH_F_RESUME;
			a[BATCH_JUNK] = 0;
		}
	} else if (!strcmp(op->name, "mmap")) {
		adapt_mmap(r, maker(p, a[MMAP_FD]), a);
	} else if (!strcmp(op->name, "poke")) {
		adapt_poke(r, a);
	} else if (!strcmp(op->name, "pin") || !strcmp(op->name, "get")) {
		a[5] = one_in(r, 6) ? a[5] : 0;
		a[6] = one_in(r, 6) ? a[6] : 0;
		if (rnd(r, 4))
			a[4] = 0;
	}
}

static unsigned int gen_op(struct rng *r)
{
	unsigned int all = 0, at;

	for (unsigned int i = 0; i < n_ops; i++)
		all += ops[i].weight;
	at = rnd(r, all);
	for (unsigned int i = 0; ; i++) {
		if (at < ops[i].weight)
			return i;
		at -= ops[i].weight;
	}
}

static void gen_modifiers(struct rng *r, struct call *c)
{
	c->rep = 1;
	if (one_in(r, 8))
		c->rep = 1 + rnd(r, one_in(r, 8) ? 500 : 32);
	if (one_in(r, 6))
		c->thread = 1 + rnd(r, N_HELPERS);
	if (one_in(r, 12))
		c->fail = 1 + rnd(r, 16);
	if (c->rep > 1 && one_in(r, 4))
		c->step = 1 + rnd(r, N_STEPS - 1);
	if (one_in(r, 60))
		c->child = one_in(r, 2) ? 1 : 1 + rnd(r, 3000);
}

void gen_call(struct rng *r, const struct prog *before, struct call *c)
{
	const struct op *op;
	unsigned int n;

	memset(c, 0, sizeof(*c));
	c->op = gen_op(r);
	op = &ops[c->op];
	if (!strcmp(op->name, "create") && rnd(r, 6)) {
		gen_create(r, c, &PICK(r, type_rows));
	} else {
		n = op_args(op);
		for (unsigned int i = 0; i < n; i++)
			c->arg[i] = gen_arg(r, &op->args[i]);
		adapt(r, before, c);
	}
	if (!strcmp(op->name, "create"))
		c->arg[CREATE_OUT] = gen_arg(r, &op->args[CREATE_OUT]);
	gen_modifiers(r, c);
}

void gen_prog(struct rng *r, struct prog *p)
{
	unsigned int maps = 1 + rnd(r, 3), n = 4 + rnd(r, MAX_CALLS - 8);
	const struct type_row *row = &PICK(r, type_rows);

	if (one_in(r, 2)) {
		gen_recipe(r, p);
		return;
	}
	p->n = 0;
	for (unsigned int i = 0; i < maps; i++) {
		struct call *c = &p->calls[p->n++];

		gen_create(r, c, row);
		c->arg[CREATE_OUT] = i;
		c->arg[CREATE_INNER] = i ? i - 1 : rnd(r, N_FD_NAMES);
		if (one_in(r, 2))
			row = &PICK(r, type_rows);
	}
	while (p->n < n) {
		gen_call(r, p, &p->calls[p->n]);
		p->n++;
	}
}
