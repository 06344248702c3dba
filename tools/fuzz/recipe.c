// SPDX-License-Identifier: GPL-2.0-only
/*
 * recipe - sequences that random calls seldom produce
 *
 * What needs one call after the other, or one against the other, is put together
 * here: maps that are full, readers that writers outrun, mappings that are cut in
 * pieces. Mutations do the rest.
 */
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>

#include "fuzz.h"

#define RECIPE_TIMES	4

/* Slots that recipes use */
enum { MAP, OTHER, THIRD, FOUND };

static struct call *add(struct prog *p, const char *op)
{
	static struct call spill;
	struct call *c = p->n < MAX_CALLS ? &p->calls[p->n++] : &spill;

	*c = (struct call){ .op = op_find(op), .rep = 1 };
	return c;
}

static struct call *elem(struct prog *p, const char *op, uint64_t key,
			 uint64_t flags)
{
	struct call *c = add(p, op);

	c->arg[ELEM_FD] = MAP;
	c->arg[ELEM_KEY] = key;
	c->arg[ELEM_VALUE] = key + OTHER;
	c->arg[ELEM_FLAGS] = flags;
	return c;
}

static struct call *batch(struct prog *p, const char *op, uint64_t key,
			  uint64_t count)
{
	struct call *c = add(p, op);

	c->arg[BATCH_FD] = MAP;
	c->arg[BATCH_IN_AT] = AT_NULL;
	c->arg[BATCH_KEY] = key;
	c->arg[BATCH_VALUE] = OTHER;
	c->arg[BATCH_COUNT] = count;
	return c;
}

/* A call with the arguments of the list */
static struct call *call(struct prog *p, const char *op, const uint64_t *args,
			 unsigned int n)
{
	struct call *c = add(p, op);

	memcpy(c->arg, args, n * sizeof(*args));
	return c;
}

#define CALL(p, op, ...)						\
	call(p, op, (const uint64_t[]){ __VA_ARGS__ },			\
	     sizeof((const uint64_t[]){ __VA_ARGS__ }) / sizeof(uint64_t))

static const struct type_row *keyed_row(struct rng *r)
{
	const struct type_row *row;

	do {
		row = &PICK(r, type_rows);
	} while (row->keys == KEYS_NONE || row->values == VALUES_MAPS);
	return row;
}

/* @types: one of these; NULL: any with keys and values of bytes */
static struct call *make(struct rng *r, struct prog *p, const uint32_t *types)
{
	struct call *c = add(p, "create");
	unsigned int rep = c->rep;

	gen_create(r, c, types ? type_row(row_pick(r, types)) : keyed_row(r));
	c->rep = rep;
	c->arg[CREATE_OUT] = MAP;
	return c;
}

/* ------------------------------------------------------------------------- */
/* Every command on one map */

static void sweep_elems(struct prog *p, bool percpu, unsigned int rep)
{
	static const uint64_t cpu1 = BPFMAP_F_CPU | 1ULL << 32;

	elem(p, "update", 0, 0)->rep = rep;
	elem(p, "update", 1, BPFMAP_F_EXIST);
	elem(p, "update", 1, BPFMAP_F_NOEXIST);
	elem(p, "update", 900, BPFMAP_F_EXIST);
	if (percpu) {
		elem(p, "update", 2, cpu1);
		elem(p, "update", 700, cpu1);
		elem(p, "update", 1, BPFMAP_F_ALL_CPUS);
		elem(p, "update", 701, BPFMAP_F_ALL_CPUS);
		elem(p, "lookup", 1, cpu1);
	}
	elem(p, "lookup", 0, 0)->rep = 3;
	elem(p, "lookup", 900, 0);
	elem(p, "next_key", 0, 0)->arg[ELEM_KEY_AT] = AT_NULL;
	elem(p, "next_key", 0, 0)->rep = 8;
}

static uint64_t cut(struct rng *r)
{
	return AT_CUT | (uint64_t)rnd(r, 1 << rnd(r, 10)) << PLACE_BITS;
}

static void sweep_batches(struct rng *r, struct prog *p, bool percpu)
{
	struct call *c;

	batch(p, "lookup_batch", 0, 100);
	if (percpu)
		batch(p, "lookup_batch", 0, 100)->arg[BATCH_ELEM_FLAGS] =
			BPFMAP_F_CPU | 1ULL << 32;
	c = batch(p, "lookup_batch", 0, 7);
	c->arg[BATCH_KEYS_AT] = AT_FRESH;
	c->arg[BATCH_VALUES_AT] = AT_FRESH;
	batch(p, "lookup_batch", 0, 7)->arg[BATCH_VALUES_AT] =
		cut(r);
	c = batch(p, "update_batch", 5, 9);
	c->arg[BATCH_KEYS_AT] = AT_FRESH;
	c->arg[BATCH_VALUES_AT] = AT_FRESH;
	batch(p, "update_batch", 3, 9)->arg[BATCH_VALUES_AT] =
		cut(r);
	elem(p, "lookup_delete", 1, 0);
	elem(p, "delete", 2, 0);
	elem(p, "delete", 902, 0);
	c = batch(p, "lookup_delete_batch", 0, 7);
	c->arg[BATCH_KEYS_AT] = AT_FRESH;
	c->arg[BATCH_VALUES_AT] = AT_FRESH;
	batch(p, "lookup_delete_batch", 0, 7)->arg[BATCH_VALUES_AT] =
		cut(r);
	batch(p, "lookup_delete_batch", 0, 100);
	elem(p, "update", 0, 0)->rep = 5;
	batch(p, "delete_batch", 1, 9);
}

/* Numbers as whole keys of a trie */
static void use_prefixes(struct prog *p, uint32_t key_size)
{
	for (unsigned int i = 0; i < p->n; i++) {
		struct call *c = &p->calls[i];
		const struct arg *args = ops[c->op].args;

		for (unsigned int j = 0; args[j].name; j++)
			if (!strcmp(args[j].name, "key") &&
			    args[0].kind == K_FD)
				c->arg[j] = c->arg[j] << trie_key_shift(key_size) |
					    8 * (key_size - 4);
	}
}

static void sweep(struct rng *r, struct prog *p, const struct type_row *row,
		  uint32_t key, uint32_t value)
{
	bool percpu = row->values == VALUES_PERCPU;
	struct call *c;

	if (row->values == VALUES_MAPS)
		CALL(p, "create", OTHER, BPFMAP_TYPE_HASH, 4, 8, 16);
	c = add(p, "create");
	gen_create(r, c, row);
	c->rep = 1;
	c->arg[CREATE_OUT] = MAP;
	c->arg[CREATE_KEY] = key;
	c->arg[CREATE_VALUE] = value;
	c->arg[CREATE_INNER] = OTHER;
	sweep_elems(p, percpu, c->arg[CREATE_ENTRIES] % 400 + 2);
	CALL(p, "fdinfo", MAP);
	sweep_batches(r, p, percpu);
	if (row->type == BPFMAP_TYPE_LPM_TRIE)
		use_prefixes(p, key);
}

/*
 * Every key with the first value, and the first key with every value: first as
 * the flags come, then again.
 */
static bool gen_sizes(unsigned int nr, struct prog *p)
{
	struct rng r = { nr };

	for (unsigned int i = 0; i < 2 * N_TYPE_ROWS; i++) {
		const struct type_row *row = &type_rows[i % N_TYPE_ROWS];
		unsigned int keys = 0, values = 0;

		while (row_keys(row)[keys])
			keys++;
		while (row_values(row)[values])
			values++;
		if (nr >= keys + values) {
			nr -= keys + values;
			continue;
		}
		p->n = 0;
		sweep(&r, p, row, row_keys(row)[nr < keys ? nr : 0],
		      row_values(row)[nr < keys ? 0 : nr - keys]);
		return true;
	}
	return false;
}

static void gen_one(struct rng *r, struct prog *p)
{
	const struct type_row *row = &PICK(r, type_rows);

	sweep(r, p, row, row_pick(r, row_keys(row)),
	      row_pick(r, row_values(row)));
}

/* ------------------------------------------------------------------------- */
/* Readers that writers outrun: large values, few keys */

static uint64_t race_key(struct rng *r, const struct call *map)
{
	uint64_t key = rnd(r, 2);

	if (map->arg[CREATE_TYPE] != BPFMAP_TYPE_LPM_TRIE)
		return key;
	return rnd(r, 8 * (map->arg[CREATE_KEY] - 4) + 1) | key << 63;
}

static void gen_race(struct rng *r, struct prog *p)
{
	static const char *const writers[] = {
		"update", "update", "delete", "lookup_delete",
	};
	static const char *const readers[] = { "lookup", "next_key", "lookup" };
	static const uint32_t sizes[] = { 16, 700, 5000, 30000, 100000 };
	struct call *map = make(r, p, NULL), *c;
	unsigned int n = 3 + rnd(r, 6);

	map->arg[CREATE_VALUE] = PICK(r, sizes);
	map->arg[CREATE_ENTRIES] = 1 + rnd(r, 4);
	if (one_in(r, 2))
		map->arg[CREATE_KEY] = 60 + 4 * rnd(r, 40);
	elem(p, "update", race_key(r, map), 0);
	elem(p, "update", race_key(r, map), 0);
	while (n--) {
		c = elem(p, PICK(r, writers), race_key(r, map), 0);
		c->thread = 1;
		c->rep = 50 + rnd(r, 250);
		c->step = STEP_NONE;
		if (one_in(r, 3)) {
			c = batch(p, one_in(r, 2) ? "lookup_batch" :
				  "lookup_delete_batch", 0, 4);
		} else {
			c = elem(p, PICK(r, readers), race_key(r, map), 0);
			c->step = STEP_NONE;
		}
		c->thread = rnd(r, 2) * 2;
		c->rep = 50 + rnd(r, 250);
		if (one_in(r, 4))
			CALL(p, "cpu", rnd(r, 2))->thread = rnd(r, 3);
	}
	if (one_in(r, 3))
		CALL(p, "freeze", MAP)->rep = 20;
}

/* ------------------------------------------------------------------------- */
/* Full maps that evict, filled from more than one CPU */

static void gen_lru(struct rng *r, struct prog *p)
{
	static const uint32_t types[ROW_LIST] = {
		BPFMAP_TYPE_LRU_HASH, BPFMAP_TYPE_LRU_PERCPU_HASH,
	};
	struct call *map = make(r, p, types), *c;
	unsigned int n = 3 + rnd(r, 8);

	map->arg[CREATE_VALUE] = 8;
	map->arg[CREATE_ENTRIES] = 16 << rnd(r, 9);
	if (one_in(r, 2))
		map->arg[CREATE_FLAGS] |= BPFMAP_F_NO_COMMON_LRU;
	c = elem(p, "update", 0, 0);
	c->rep = map->arg[CREATE_ENTRIES] + rnd(r, 64);
	while (n--) {
		unsigned int thread = rnd(r, N_HELPERS + 1);

		if (one_in(r, 2))
			CALL(p, "cpu", rnd(r, 2))->thread = thread;
		switch (rnd(r, 4)) {
		case 0:
			c = elem(p, "delete", rnd(r, 2000), 0);
			break;
		case 1:
			/* Of the first stripes; others get what is free then */
			batch(p, "lookup_delete_batch", 0,
			      map->arg[CREATE_ENTRIES] / 2)->thread = thread;
			c = elem(p, "update", rnd(r, 5000), 0);
			break;
		default:
			c = elem(p, "update", rnd(r, 1000), 0);
		}
		c->thread = thread;
		c->rep = 1 + rnd(r, 2 * map->arg[CREATE_ENTRIES]);
	}
}

/* ------------------------------------------------------------------------- */
/* A trie that is deeper than what a walk remembers */

static void gen_trie(struct rng *r, struct prog *p)
{
	static const uint32_t types[ROW_LIST] = { BPFMAP_TYPE_LPM_TRIE };
	static const uint32_t keys[] = { 12, 20, 36, 68, 132, 260, 13, 260 };
	struct call *map = make(r, p, types), *c;
	uint64_t data = rnd64(r) & ~0xffffULL;
	unsigned int bits, n = 1 + rnd(r, 3);

	map->arg[CREATE_KEY] = PICK(r, keys);
	map->arg[CREATE_ENTRIES] = 3000;
	bits = 8 * (map->arg[CREATE_KEY] - 4);
	while (n--) {
		c = elem(p, "update", data | rnd(r, 8), 0);
		c->rep = rnd(r, bits + 2);
		c->step = STEP_LONGER;
		data ^= 1ULL << (16 + rnd(r, 48));
	}
	c = elem(p, "delete", data | rnd(r, bits), 0);
	c->rep = 1 + rnd(r, 100);
	c->step = rnd(r, N_STEPS);
	c = elem(p, "next_key", data, 0);
	c->rep = bits + 2;
	c->step = STEP_LONGER;
	elem(p, "lookup", data | bits, 0);
	c = elem(p, "lookup", (data ^ 1 << 16) | rnd(r, bits), 0);
	c->rep = 1 + rnd(r, bits);
	c->step = STEP_LONGER;
	batch(p, "lookup_batch", 0, 3000);
	c = elem(p, "delete", data, 0);
	c->rep = bits;
	c->step = STEP_LONGER;
	c->thread = 1;
	c = batch(p, "lookup_delete_batch", 0, 1 + rnd(r, 100));
	c->rep = 4;
	c = batch(p, "lookup_batch", 0, 100);
	c->arg[BATCH_IN_AT] = AT_OK;
	c->arg[BATCH_CURSOR] = data | rnd(r, bits);
}

/* Look-ups deep down, while other prefixes come and go */
static void gen_trie_race(struct rng *r, struct prog *p)
{
	struct call *c;

	CALL(p, "create", MAP, BPFMAP_TYPE_LPM_TRIE, 260, 8, 5000,
	     BPFMAP_F_NO_PREALLOC);
	c = elem(p, "update", 0, 0);
	c->rep = 2049;
	c->step = STEP_LONGER;
	for (int i = 0; i < 4; i++) {
		c = batch(p, "update_batch", 1ULL << 63 | 2048, 100);
		c->thread = 1;
		c = batch(p, "delete_batch", 1ULL << 63 | 2048, 100);
		c->thread = 1;
	}
	for (int i = 0; i < 2; i++) {
		c = elem(p, one_in(r, 3) ? "next_key" : "lookup", 2048, 0);
		c->rep = 200;
		c->step = STEP_NONE;
		c->thread = 2 * i;
	}
}

/* Tables that grow and shrink under their users */
static void gen_growing(struct rng *r, struct prog *p)
{
	static const uint32_t types[ROW_LIST] = {
		BPFMAP_TYPE_RHASH, BPFMAP_TYPE_RHASH, BPFMAP_TYPE_HASH,
		BPFMAP_TYPE_PERCPU_HASH,
	};
	struct call *map = make(r, p, types), *c;
	unsigned int n = 2 + rnd(r, 3);

	map->arg[CREATE_VALUE] = 8;
	map->arg[CREATE_ENTRIES] = 8000;
	if (map->arg[CREATE_TYPE] != BPFMAP_TYPE_RHASH)
		map->arg[CREATE_FLAGS] = BPFMAP_F_NO_PREALLOC;
	while (n--) {
		c = batch(p, "update_batch", rnd(r, 4000), 4000);
		c->thread = 1;
		c = elem(p, "update", rnd(r, 4000), 0);
		c->thread = 2;
		c->rep = 2000;
		c = elem(p, one_in(r, 2) ? "lookup" : "delete", rnd(r, 4000), 0);
		c->rep = 1000;
		c = batch(p, "lookup_delete_batch", 0, 8000);
		c->thread = rnd(r, 2);
	}
}

/* ------------------------------------------------------------------------- */
/* Mappings in pieces */

static struct call *arena_call(struct rng *r, struct prog *p, uint64_t pages)
{
	struct call *c;

	switch (rnd(r, 9)) {
	case 0:
		return CALL(p, "munmap", 0, rnd(r, pages), rnd(r, pages));
	case 1:
		return CALL(p, "mprotect", 0, rnd(r, pages), rnd(r, pages),
			    rnd(r, 4));
	case 2:
		return CALL(p, "mremap", 0, one_in(r, 2) ? pages :
			    rnd(r, 2 * pages), rnd(r, 4));
	case 3:
		return CALL(p, "madvise", 0, rnd(r, pages), rnd(r, pages),
			    rnd(r, 26));
	case 4:
		c = CALL(p, one_in(r, 2) ? "peek" : "poke", 0,
			 rnd(r, pages) * 4096, rnd(r, 1000));
		c->rep = 1 + rnd(r, pages);
		return c;
	default:
		c = CALL(p, "arena", rnd(r, 3), MAP, rnd(r, 64), 0, rnd(r, 4) ?
			 1 + rnd(r, pages + 1) * 4096 : gen_num(r));
		if (one_in(r, 3))
			c->rep = 1 + rnd(r, 40);
		return c;
	}
}

static void gen_arena(struct rng *r, struct prog *p)
{
	uint64_t start = WINDOW_START + rnd(r, 64) * 0x100000ULL;
	uint64_t pages = 1 + rnd(r, 100), n = 3 + rnd(r, 10);
	uint64_t flags = BPFMAP_F_MMAPABLE |
			 (one_in(r, 4) ? BPFMAP_F_SEGV_ON_FAULT : 0);
	struct call *c;

	CALL(p, "create", MAP, BPFMAP_TYPE_ARENA, 0, 0, pages, flags, 0,
	     one_in(r, 2) ? start : 0);
	CALL(p, "mmap", 0, MAP, pages, PROT_READ | PROT_WRITE,
	     MAP_SHARED | MAP_FIXED, 0, start);
	if (one_in(r, 3))
		CALL(p, "mmap", 1, MAP, pages, PROT_READ | PROT_WRITE,
		     MAP_SHARED | MAP_FIXED, 0, start + 0x10000000 * rnd(r, 2));
	while (n--) {
		c = arena_call(r, p, pages);
		c->thread = one_in(r, 2) ? rnd(r, N_HELPERS + 1) : 0;
		c->child = one_in(r, 12) ? 1 : 0;
	}
	CALL(p, "fdinfo", MAP);
}

static void gen_mapped(struct rng *r, struct prog *p)
{
	uint64_t pages = 2 + rnd(r, 8), n = 3 + rnd(r, 8);
	struct call *c;

	CALL(p, "create", MAP, BPFMAP_TYPE_ARRAY, 4, 4096, pages,
	     BPFMAP_F_MMAPABLE);
	CALL(p, "mmap", 0, MAP, pages, PROT_READ | (rnd(r, 4) ? PROT_WRITE : 0),
	     MAP_SHARED);
	while (n--) {
		switch (rnd(r, 7)) {
		case 0:
			c = CALL(p, "munmap", 0, rnd(r, pages), rnd(r, pages));
			break;
		case 1:
			c = CALL(p, "mprotect", 0, rnd(r, pages), rnd(r, pages),
				 rnd(r, 8));
			break;
		case 2:
			c = CALL(p, "mremap", 0, one_in(r, 2) ? pages :
				 rnd(r, 2 * pages), rnd(r, 4));
			break;
		case 3:
			c = CALL(p, "freeze", MAP);
			break;
		case 4:
			c = elem(p, "update", rnd(r, pages), 0);
			c->arg[ELEM_VALUE_AT] = AT_MAP;
			break;
		case 5:
			c = batch(p, "lookup_batch", 0, pages);
			c->arg[BATCH_VALUES_AT] = AT_MAP;
			break;
		default:
			c = CALL(p, "peek", 0, 0);
			c->rep = pages;
		}
		c->thread = one_in(r, 3) ? rnd(r, N_HELPERS + 1) : 0;
		c->child = one_in(r, 6) ? 1 : 0;
	}
}

/* ------------------------------------------------------------------------- */
/* Maps of maps, ids and pins */

static void gen_outer(struct rng *r, struct prog *p)
{
	const struct type_row *row = &PICK(r, type_rows);
	uint32_t type = one_in(r, 2) ? BPFMAP_TYPE_ARRAY_OF_MAPS :
				       BPFMAP_TYPE_HASH_OF_MAPS;
	struct call inner, *c;
	unsigned int n = 6 + rnd(r, 10);

	gen_create(r, &inner, row);
	inner.arg[CREATE_OUT] = OTHER;
	*add(p, "create") = inner;
	inner.arg[CREATE_OUT] = THIRD;
	if (one_in(r, 3))
		inner.arg[2 + rnd(r, 4)] ^= 1 << rnd(r, 13);
	if (one_in(r, 4))
		inner.arg[CREATE_EXCL] = 1;
	*add(p, "create") = inner;
	CALL(p, "create", MAP, type, 4, 4, 1 + rnd(r, 8),
	     one_in(r, 2) && type == BPFMAP_TYPE_HASH_OF_MAPS ?
	     BPFMAP_F_NO_PREALLOC : 0, OTHER);
	while (n--) {
		static const char *const list[] = {
			"update", "update", "update", "lookup", "delete",
			"next_key", "lookup_delete",
		};

		c = elem(p, PICK(r, list), rnd(r, 6), 0);
		c->arg[ELEM_VALUE] = one_in(r, 8) ? gen_num(r) :
						    OTHER + rnd(r, 2);
		c->arg[ELEM_FLAGS] = rnd(r, 4) ? 0 : rnd(r, 5);
		c->thread = rnd(r, N_HELPERS + 1);
		c->rep = one_in(r, 2) ? 1 : 1 + rnd(r, 40);
		if (one_in(r, 3)) {
			c = batch(p, one_in(r, 2) ? "lookup_batch" :
				  "update_batch", rnd(r, 4), 1 + rnd(r, 8));
			c->arg[BATCH_VALUE] = OTHER;
		}
		if (one_in(r, 6))
			CALL(p, "close", OTHER + rnd(r, 2));
		if (one_in(r, 6))
			CALL(p, "fdinfo", MAP);
	}
}

static void gen_found(struct rng *r, struct prog *p)
{
	unsigned int n = 6 + rnd(r, 12);

	*add(p, "create") = (struct call){ .rep = 1 };
	gen_create(r, &p->calls[p->n - 1], &PICK(r, type_rows));
	p->calls[p->n - 1].arg[CREATE_OUT] = MAP;
	while (n--) {
		switch (rnd(r, 6)) {
		case 0:
			CALL(p, "info", MAP, 0, rnd(r, 150));
			break;
		case 1:
			CALL(p, "info", MAP, 0, 80 + rnd(r, 200), 0,
			     rnd(r, 2), rnd(r, 64), 0, 0, rnd(r, 3));
			break;
		case 2:
			CALL(p, "next_id", rnd(r, 2));
			CALL(p, "fd_by_id", FOUND, 0, rnd(r, 8) ? 0 :
			     1 << rnd(r, 20));
			break;
		case 3:
			CALL(p, "pin", rnd(r, 8) ? MAP : rnd(r, N_FD_NAMES), 0,
			     rnd(r, n_paths));
			break;
		case 4:
			CALL(p, "get", FOUND, rnd(r, n_paths), 0, rnd(r, 4) ? 0 :
			     1 << rnd(r, 6));
			break;
		default:
			gen_call(r, p, add(p, "wait"));
		}
	}
	CALL(p, "unlink", rnd(r, n_paths));
	CALL(p, "list", rnd(r, n_paths));
}

static void (*const recipes[])(struct rng *r, struct prog *p) = {
	gen_one, gen_race, gen_race, gen_race, gen_lru, gen_lru, gen_trie,
	gen_trie_race, gen_growing, gen_arena, gen_arena, gen_mapped, gen_outer,
	gen_found,
};

void gen_recipe(struct rng *r, struct prog *p)
{
	p->n = 0;
	PICK(r, recipes)(r, p);
}

/* Each recipe some times, then each type and size */
bool gen_sweep(unsigned int nr, struct prog *p)
{
	const unsigned int first = RECIPE_TIMES * ARRAY_SIZE(recipes);
	struct rng r = { nr };

	p->n = 0;
	if (nr >= first)
		return gen_sizes(nr - first, p);
	recipes[nr % ARRAY_SIZE(recipes)](&r, p);
	return true;
}
