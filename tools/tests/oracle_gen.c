// SPDX-License-Identifier: GPL-2.0-only
/*
 * oracle_gen - choose the next step
 *
 * Most steps make sense in the present state, some are wrong in one way, few in
 * several. Features that a kernel older than 7.3 lacks are left out there.
 *
 * Not shared with tools/fuzz: a step here is chosen for the state that it meets,
 * and leaves out what the contract leaves open. The fuzzer's calls are chosen
 * without state, so that they can be recombined; for it, any result is right.
 */
#include <sys/mman.h>

#include "oracle.h"

#define PAGE		4096U

/* One of a list that ends with zeros; the first ones more often */
static uint32_t pick(struct rng *r, const uint32_t *list, uint32_t n)
{
	uint32_t have;

	for (have = 0; have < n && list[have]; have++)
		;
	if (!have)
		return 0;
	return list[one_in(r, 2) ? rnd(r, have) : rnd(r, have < 3 ? have : 3)];
}

/* Does bpf(2) have the flags and members that the device has? */
static bool is_new(void)
{
	return kernel() >= 703;
}

/* ------------------------------------------------------------------------- */
/* Maps */

static unsigned int any_slot(struct rng *r)
{
	unsigned int i, n;

	for (n = 0; n < 8; n++) {
		i = rnd(r, N_SLOTS);
		if (slot_at(i))
			return i;
	}
	return rnd(r, N_SLOTS);
}

static unsigned int slot_like(struct rng *r, const struct object *like)
{
	unsigned int i, n, from = rnd(r, N_SLOTS);

	for (n = 0; n < N_SLOTS && like; n++) {
		i = (from + n) % N_SLOTS;
		if (slot_at(i) && slots[i].object->shape.map_type ==
		    like->shape.map_type &&
		    slots[i].object->shape.key_size == like->shape.key_size &&
		    slots[i].object->shape.value_size == like->shape.value_size)
			return i;
	}
	return any_slot(r);
}

static uint32_t pick_bit(struct rng *r, uint32_t mask)
{
	unsigned int nr = rnd(r, __builtin_popcount(mask));

	while (nr--)
		mask &= mask - 1;
	return mask & -mask;
}

static void valid_shape(struct rng *r, const struct row *row,
			struct bpfmap_create_attr *a)
{
	a->map_type = row->type;
	a->key_size = pick(r, row->key_sizes, ARRAY_SIZE(row->key_sizes));
	a->value_size = pick(r, row->value_sizes, ARRAY_SIZE(row->value_sizes));
	a->max_entries = pick(r, row->entries, UINT32_MAX);
	a->map_flags = row->must;
	if (one_in(r, 3))
		a->map_flags |= pick_bit(r, row->may);
	if (row->traits & T_SMALL_EXTRA && one_in(r, 2))
		a->map_extra = rnd(r, 8);
	if (one_in(r, 4))
		memcpy(a->map_name, "some.name_1", 12);
}

/* One member that may well be wrong */
static void spoil_shape(struct rng *r, const struct row *row,
			struct bpfmap_create_attr *a)
{
	static const uint32_t keys[] = { 0, 1, 3, 4, 5, 8, 0x400000, 0x7fffffff,
					 0xffffffff };
	static const uint32_t values[] = { 0, 1, 3, 4, 5, 0x80000000,
					   0x7fffffff, 0xffffffff };
	static const uint32_t entries[] = { 0, 3, 0x80000001, 0xffffffff };
	static const uint32_t types[] = { 0, 36, 77, 0xffffffff };
	static const uint64_t extras[] = { 1, 15, 16, 0x1000, 1ULL << 32,
					   1ULL << 63 };

	switch (rnd(r, 11)) {
	case 0:
		a->key_size = PICK(r, keys);
		break;
	case 1:
		a->value_size = PICK(r, values);
		break;
	case 2:
		/* A filter of that many bits would fit; 3 would be filled up */
		if (row->type == BPFMAP_TYPE_BLOOM_FILTER ||
		    row->traits & T_EVICTS)
			a->max_entries = 0;
		else
			a->max_entries = PICK(r, entries);
		break;
	case 3:
		a->map_flags ^= 1U << rnd(r, 12);
		break;
	case 4:
		/* Flags up to the last one that all kernels know, and unknown ones */
		a->map_flags |= PICK(r, ((const uint32_t[]) {
			BPFMAP_F_RDONLY | BPFMAP_F_WRONLY,
			BPFMAP_F_RDONLY_PROG | BPFMAP_F_WRONLY_PROG,
			BPFMAP_F_STACK_BUILD_ID, BPFMAP_F_CLONE,
			BPFMAP_F_PRESERVE_ELEMS, BPFMAP_F_LINK, 1U << 25,
			1U << 30 }));
		break;
	case 5:
		a->map_flags |= BPFMAP_F_NUMA_NODE;
		a->numa_node = PICK(r, ((const uint32_t[]) {
			0, 0xffffffff, 1, 77, 1024, 0x7fffffff }));
		break;
	case 6:
		memset(a->map_name, 'a', rnd(r, 2) + 15);
		break;
	case 7:
		memcpy(a->map_name, "x", 2);
		a->map_name[rnd(r, 3)] = PICK(r, ((const uint8_t[]) {
			'-', ' ', '/', 0x7f, 0xc0, 0xd7, 0xf7, 0xff, '.', 1 }));
		break;
	case 8:
		a->map_type = PICK(r, types);
		break;
	case 9:
		a->map_extra = PICK(r, extras);
		break;
	case 10:
		if (is_new()) {
			a->excl_prog_hash = rnd(r, 2);
			a->excl_prog_hash_size = PICK(r, ((const uint32_t[]) {
				32, 32, 0, 31, 33 }));
		}
		break;
	}
}

/* Whether it fits depends on how much memory others have just now */
static bool may_fit(const struct bpfmap_create_attr *a)
{
	uint64_t bytes = (uint64_t)a->max_entries * a->value_size;

	return bytes > 64ULL << 20 && bytes < 64ULL << 30;
}

static void gen_create(struct rng *r, const struct row *row, struct step *s)
{
	const struct object *o;

	s->slot = rnd(r, N_SLOTS);
	s->other = any_slot(r);
	o = object_at(s->other);
	if (one_in(r, 30))
		s->other = PICK(r, ((const uint8_t[]) { SLOT_CLOSED, SLOT_OTHER }));
	valid_shape(r, row, &s->create);
	/* Alike ones, for maps of maps */
	if (one_in(r, 4) && o->row == row && !(row->traits & T_OUTER))
		s->create = o->shape;
	while (one_in(r, 4))
		spoil_shape(r, row, &s->create);
	/* What comes first, or what a filter takes for its own, is the seed's */
	if (row_of(s->create.map_type))
		s->create.map_flags |= row_of(s->create.map_type)->must &
				       BPFMAP_F_ZERO_SEED;
	/* What is accepted before 7.3 and would let the two drift apart */
	if (!is_new() && s->create.map_type == BPFMAP_TYPE_PERCPU_ARRAY)
		s->create.max_entries = s->create.max_entries ? 8 : 0;
	if (may_fit(&s->create)) {
		s->create.value_size = 8;
		s->create.max_entries = 0;
	}
	s->size = BPFMAP_ATTR_SIZE;
}

/* ------------------------------------------------------------------------- */
/* Commands on elements */

static uint8_t any_key(struct rng *r, const struct object *o, bool there)
{
	unsigned int n = n_keys(o), i, nr = rnd(r, n);

	if (one_in(r, 40))
		return KEY_WILD;
	if (!one_in(r, 4))
		for (i = 0; i < n; i++, nr = (nr + 1) % n)
			if ((o->present >> nr & 1) == there)
				break;
	return nr;
}

static uint64_t cpu_flags(struct rng *r)
{
	uint64_t cpu = PICK(r, ((const uint32_t[]) { 0, 0, 1, 1, 2, 63, 8192,
						     0xffffffff }));

	if (!is_new())
		return 0;
	return BPFMAP_F_CPU | cpu << 32;
}

static uint64_t update_flags(struct rng *r, const struct object *o)
{
	bool percpu = o->row->traits & T_PERCPU;

	if (one_in(r, 2))
		return BPFMAP_F_ANY;
	if (percpu && one_in(r, 3))
		return cpu_flags(r) | (one_in(r, 6) ? rnd(r, 4) : 0);
	if (percpu && is_new() && one_in(r, 4))
		return BPFMAP_F_ALL_CPUS | (one_in(r, 6) ? rnd(r, 4) : 0);
	if (!one_in(r, 12))
		return 1 + rnd(r, 2);
	if (is_new())
		return PICK(r, ((const uint64_t[]) {
			3, 4, 5, 6, 7, 8, 16, 24, 32, 1ULL << 31, 1ULL << 32,
			8 | 1ULL << 32, 16 | 1ULL << 32, 1ULL << 63 }));
	/* 3 has another meaning for types with a value for each CPU */
	return PICK(r, ((const uint64_t[]) {
		4, 5, 6, 7, 32, 1ULL << 31, 1ULL << 32, 1ULL << 63 }));
}

static uint64_t lookup_flags(struct rng *r, const struct object *o)
{
	if (!one_in(r, o->row->traits & T_PERCPU ? 4 : 30))
		return 0;
	if (o->row->traits & T_PERCPU && !one_in(r, 6))
		return cpu_flags(r);
	return PICK(r, ((const uint64_t[]) {
		1, 2, 4, 8, 16, 12, 32, 1ULL << 32, 1ULL << 63 }));
}

/* Before 7.3 there were no flags for CPUs, and 3 was not 0 */
static uint64_t known_flags(const struct object *o, uint64_t flags)
{
	if (is_new() || !(o->row->traits & T_PERCPU))
		return flags;
	if (flags & (BPFMAP_F_CPU | BPFMAP_F_ALL_CPUS))
		return 0;
	return (flags & 3) == 3 ? flags & ~2ULL : flags;
}

static void gen_elem(struct rng *r, const struct object *o, struct step *s)
{
	bool there = s->cmd != UPDATE || one_in(r, 3);

	s->key = any_key(r, o, there);
	s->value = rnd(r, 32);
	s->size = PICK(r, ((const uint8_t[]) { 32, 168, 32, 40 }));
	if (o->row->keys == KEYS_NONE && !one_in(r, 30))
		s->place[A_KEY] = AT_NULL;
	switch (s->cmd) {
	case UPDATE:
		s->flags = update_flags(r, o);
		s->other = o->row->traits & T_OUTER ? slot_like(r, o->like) : 0;
		if (o->row->traits & T_OUTER && one_in(r, 30))
			s->other = SLOT_CLOSED + rnd(r, 2);
		break;
	case LOOKUP:
		s->flags = lookup_flags(r, o);
		if (o->row->traits & T_KEYLESS_IN)
			s->value %= 8;
		break;
	case LAD:
		if (one_in(r, 20))
			s->flags = lookup_flags(r, o) + rnd(r, 9);
		break;
	case NEXT:
		if (one_in(r, 5))
			s->place[A_KEY] = AT_NULL;
		break;
	}
}

static void gen_batch(struct rng *r, const struct object *o, struct step *s)
{
	bool update = s->cmd == UB;
	bool lookup = s->cmd == LB ||
		      s->cmd == LADB;

	s->key = any_key(r, o, !update);
	s->value = rnd(r, 32);
	s->size = PICK(r, ((const uint8_t[]) { 56, 168, 56, 64 }));
	s->other = o->row->traits & T_OUTER ? slot_like(r, o->like) : 0;
	s->count = one_in(r, 3) ? rnd(r, BATCH_MAX + 1) : rnd(r, 9);
	if (one_in(r, 60))
		s->count = PICK(r, ((const uint32_t[]) {
			41, 1000, 0x7fffffff, 0xffffffff }));
	s->from = rnd(r, 8);
	s->from = s->from < 3 ? FROM_START : s->from < 6 ? FROM_CURSOR :
		  s->from < 7 ? FROM_KEY : FROM_NONSENSE;
	if (one_in(r, 4))
		s->direct |= 2;
	if (o->row->traits & T_PERCPU && (update || lookup) && one_in(r, 4))
		s->flags = update ? update_flags(r, o) & ~7ULL : cpu_flags(r);
	if (one_in(r, 30))
		s->flags = update_flags(r, o);
	if (one_in(r, 30))
		s->more = PICK(r, ((const uint64_t[]) { 1, 4, 1ULL << 62 }));
	/* What comes first is open: take all or nothing */
	if (lookup && order_of(o) == ORDER_ANY) {
		s->from = FROM_START;
		s->count = one_in(r, 8) ? 0 : BATCH_MAX;
	}
	if (o->row->type == BPFMAP_TYPE_RHASH && s->count > BATCH_MAX)
		s->count = BATCH_MAX;
}

/* ------------------------------------------------------------------------- */
/* All others */

static void gen_id(struct rng *r, struct step *s)
{
	s->size = PICK(r, ((const uint8_t[]) { 12, 168, 16, 8 }));
	if (one_in(r, 12)) {
		s->slot = SLOT_OTHER;
		s->count = PICK(r, ((const uint32_t[]) {
			0, 0x7ffffffe, 0x7fffffff, 0x80000000, 0xffffffff }));
	}
	s->other = rnd(r, N_SLOTS);
	if (one_in(r, 3))
		s->flags = PICK(r, ((const uint32_t[]) {
			8, 16, 8, 16, 24, 1, 1U << 31 }));
}

static void gen_info(struct rng *r, struct step *s)
{
	static const uint32_t lens[] = { 88, 80, 0, 1, 4, 24, 40, 87, 16, 8 };
	static const uint32_t new_lens[] = { 104, 104, 96, 100, 101, 105, 200,
					     4096, 4097, 0xffffffff };

	s->size = PICK(r, ((const uint8_t[]) { 16, 168, 16, 24 }));
	s->count = PICK(r, lens);
	if (!is_new())
		return;
	if (one_in(r, 2))
		s->count = PICK(r, new_lens);
	if (one_in(r, 12))
		s->value = 1;
	if (one_in(r, 3)) {
		s->flags = !one_in(r, 4);
		s->more = PICK(r, ((const uint32_t[]) { 32, 32, 0, 31, 33 }));
	}
}

static void gen_obj(struct rng *r, struct step *s)
{
	s->size = PICK(r, ((const uint8_t[]) { 16, 16, 168, 20 }));
	s->key = one_in(r, 6) ? rnd(r, N_PATHS) : rnd(r, 4);
	s->other = rnd(r, N_SLOTS);
	if (s->cmd == BPFMAP_CMD_OBJ_GET && one_in(r, 3))
		s->flags = PICK(r, ((const uint32_t[]) { 8, 16, 8, 16, 24 }));
	/* A pin is good for what its descriptor was: bpf(2) forgets about that */
	if (s->cmd == BPFMAP_CMD_OBJ_PIN && slot_at(s->slot) &&
	    slots[s->slot].mode) {
		s->cmd = BPFMAP_CMD_OBJ_GET_INFO_BY_FD;
		return gen_info(r, s);
	}
	if (kernel() >= 612 && one_in(r, 6))
		s->flags |= BPFMAP_F_PATH_FD;
	if (one_in(r, 20))
		s->flags |= 1U << rnd(r, kernel() >= 612 ? 32 : 14);
	if (one_in(r, 40) && s->cmd == BPFMAP_CMD_OBJ_GET)
		s->value = 1;
	if (kernel() >= 612 && one_in(r, 40))
		s->more = 1;
	if (s->flags & BPFMAP_F_PATH_FD || s->more)
		s->size = 20;
}

/*
 * In 6.1 any descriptor may freeze. bpf(2) does not notice the end of an
 * arena's mapping: once it was writable, the arena cannot be frozen any more.
 */
static void gen_freeze(struct rng *r, struct step *s)
{
	s->size = PICK(r, ((const uint8_t[]) { 4, 168, 4, 8 }));
	if (slot_at(s->slot) &&
	    slots[s->slot].object->row->type == BPFMAP_TYPE_ARENA)
		s->cmd = BPFMAP_CMD_OBJ_GET_INFO_BY_FD;
	if (kernel() < 612 && slot_at(s->slot) &&
	    slots[s->slot].mode & BPFMAP_F_RDONLY)
		s->cmd = BPFMAP_CMD_OBJ_GET_INFO_BY_FD;
}

static bool has_memory(const struct object *o)
{
	return o->row->traits & T_NO_ELEMS ||
	       o->shape.map_flags & BPFMAP_F_MMAPABLE;
}

/* Bytes of a map that can be mapped */
static uint32_t map_bytes(const struct object *o)
{
	uint32_t n = o->shape.max_entries;

	switch (o->row->type) {
	case BPFMAP_TYPE_RINGBUF:
	case BPFMAP_TYPE_USER_RINGBUF:
		return 2 * PAGE + 2 * n;
	case BPFMAP_TYPE_ARENA:
		return n * PAGE;
	default:
		return ROUND_UP(n * ROUND_UP(o->shape.value_size, 8), PAGE);
	}
}

/* Those of a ring's pages that may be written come one by one */
static void gen_map(struct rng *r, const struct object *o, struct step *s)
{
	uint32_t all = map_bytes(o);

	s->other = rnd(r, N_VIEWS);
	s->value = one_in(r, 12) ? MAP_PRIVATE : MAP_SHARED;
	s->flags = PICK(r, ((const uint8_t[]) {
		PROT_READ | PROT_WRITE, PROT_READ | PROT_WRITE, PROT_READ,
		PROT_READ, PROT_WRITE, PROT_NONE }));
	/* Before 7.3 nothing was wrong with it */
	if (is_new() && one_in(r, 12))
		s->flags |= PROT_EXEC;
	s->count = PICK(r, ((const uint32_t[]) {
		all, all, PAGE, PAGE, 2 * PAGE, all - PAGE, all + PAGE, 100 }));
	if (one_in(r, 3))
		s->more = PICK(r, ((const uint64_t[]) {
			PAGE, PAGE, 2 * PAGE, all - PAGE, all, 1ULL << 32 }));
	if (s->more == PAGE && one_in(r, 2))
		s->count = all - PAGE;
}

/* Everywhere, but mostly where something is already */
static void gen_poke(struct rng *r, const struct object *o, struct step *s)
{
	s->other = rnd(r, N_VIEWS);
	s->count = rnd(r, one_in(r, 3) ? map_bytes(o) + 1 : 128);
	s->value = rnd(r, 32);
	s->key = rnd(r, 256);
}

/* ------------------------------------------------------------------------- */
/* What can be wrong with any of them */

static void spoil_places(struct rng *r, struct step *s)
{
	unsigned int i = rnd(r, N_AREAS);

	s->place[i] = rnd(r, N_PLACES);
	s->cut = 1 + rnd(r, one_in(r, 2) ? 8 : 120);
	if (i == A_ATTR && one_in(r, 2))
		s->place[i] = AT_OK;
}

/*
 * Where a kernel before 7.3 lacks members, its answers to a byte there differ
 */
static bool known_attr(const struct step *s)
{
	unsigned int end = kernel() >= 703 ? 168 : kernel() >= 612 ? 152 : 144;

	return s->junk_at < end || s->junk_at >= BPFMAP_ATTR_SIZE;
}

static bool takes_id(const struct step *s)
{
	return s->cmd == BPFMAP_CMD_MAP_GET_NEXT_ID ||
	       s->cmd == BPFMAP_CMD_MAP_GET_FD_BY_ID;
}

static void spoil_attr(struct rng *r, struct step *s)
{
	unsigned int end = command_row(s->cmd)->size;

	if (one_in(r, 2)) {
		s->size = rnd(r, one_in(r, 2) ? 64 : 180);
		if (s->cmd == BPFMAP_CMD_MAP_CREATE)
			s->size = 92 + rnd(r, 80);
	} else if (one_in(r, 4)) {
		s->size = PICK(r, ((const uint16_t[]) { 4095, 4096, 4097, 9000 }));
	}
	/* An id of which bytes are missing is another one, that of a map or not */
	if (takes_id(s) && s->size < sizeof(uint32_t))
		s->size = 0;
	if (one_in(r, 2))
		return;
	s->junk_at = end + rnd(r, one_in(r, 3) ? 300 - end : 16);
	if (s->size <= s->junk_at)
		s->size = s->junk_at + 1;
	if (!known_attr(s))
		s->junk_at = 0;
}

static const uint8_t commands[] = {
	LOOKUP, LOOKUP,
	LOOKUP, LOOKUP,
	UPDATE, UPDATE,
	UPDATE, UPDATE,
	UPDATE, UPDATE,
	DELETE, DELETE,
	NEXT, NEXT,
	NEXT,
	LAD,
	LB, LB,
	LADB,
	UB, DB,
	BPFMAP_CMD_OBJ_GET_INFO_BY_FD,
};

/* Those that change descriptors, one in RARE */
#define RARE 40
static const uint8_t rare_commands[] = {
	BPFMAP_CMD_MAP_CREATE, BPFMAP_CMD_MAP_CREATE, BPFMAP_CMD_MAP_CREATE,
	BPFMAP_CMD_MAP_CREATE, BPFMAP_CMD_MAP_GET_FD_BY_ID,
	BPFMAP_CMD_MAP_GET_FD_BY_ID, BPFMAP_CMD_MAP_GET_NEXT_ID,
	BPFMAP_CMD_OBJ_PIN, BPFMAP_CMD_OBJ_PIN, BPFMAP_CMD_OBJ_GET,
	BPFMAP_CMD_OBJ_GET, BPFMAP_CMD_MAP_FREEZE, DO_WALK, DO_WALK, DO_WALK,
	DO_CLOSE, DO_UNLINK, DO_MAP,
};

/* For what can be mapped */
static const uint8_t view_commands[] = {
	DO_MAP, DO_MAP, DO_POKE, DO_POKE, DO_POKE, DO_POKE, DO_UNMAP,
	DO_PROTECT,
};

static void gen_command(struct rng *r, const struct row *row, struct step *s)
{
	const struct object *o = object_at(s->slot);

	switch (s->cmd) {
	case BPFMAP_CMD_MAP_CREATE:
		return gen_create(r, row, s);
	case BPFMAP_CMD_MAP_GET_NEXT_ID:
	case BPFMAP_CMD_MAP_GET_FD_BY_ID:
		return gen_id(r, s);
	case BPFMAP_CMD_OBJ_PIN:
	case BPFMAP_CMD_OBJ_GET:
		return gen_obj(r, s);
	case BPFMAP_CMD_OBJ_GET_INFO_BY_FD:
		return gen_info(r, s);
	case BPFMAP_CMD_MAP_FREEZE:
		return gen_freeze(r, s);
	case LB:
	case LADB:
	case UB:
	case DB:
		gen_batch(r, o, s);
		break;
	case DO_UNLINK:
		s->key = rnd(r, 4);
		return;
	case DO_MAP:
		return gen_map(r, o, s);
	case DO_POKE:
		return gen_poke(r, o, s);
	case DO_PROTECT:
		s->flags = PICK(r, ((const uint8_t[]) {
			PROT_READ, PROT_READ | PROT_WRITE, PROT_NONE }));
		s->other = rnd(r, N_VIEWS);
		return;
	case DO_UNMAP:
		s->other = rnd(r, N_VIEWS);
		return;
	case DO_WALK:
	case DO_CLOSE:
		return;
	default:
		gen_elem(r, o, s);
	}
	s->flags = known_flags(o, s->flags);
}

void generate(struct rng *r, const struct row *row, struct step *s)
{
	memset(s, 0, sizeof(*s));
	s->slot = any_slot(r);
	s->cmd = one_in(r, RARE) ? PICK(r, rare_commands) : PICK(r, commands);
	/* Nothing to do there yet, or not much */
	if (!slot_at(s->slot) && !one_in(r, 3))
		s->cmd = BPFMAP_CMD_MAP_CREATE;
	else if (object_at(s->slot)->row->traits & T_NO_ELEMS && one_in(r, 2))
		s->cmd = PICK(r, rare_commands);
	else if (has_memory(object_at(s->slot)) && one_in(r, 8))
		s->cmd = PICK(r, view_commands);
	if (one_in(r, 60) && s->cmd < DO_CLOSE && s->cmd)
		s->slot = SLOT_CLOSED + rnd(r, 2);
	s->direct = rnd(r, 2);
	gen_command(r, row, s);
	if (s->cmd >= DO_CLOSE)
		return;
	while (one_in(r, 12))
		spoil_places(r, s);
	if (one_in(r, 30))
		spoil_attr(r, s);
	if (one_in(r, 1000)) {
		s->cmd = DO_CLOSE - 1;
		s->direct = 0;
	}
}
