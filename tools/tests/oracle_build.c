// SPDX-License-Identifier: GPL-2.0-only
/*
 * oracle_build - from a step to the attr and the buffers of a command
 */
#include "oracle.h"

static uint8_t data[N_AREAS][AREA_MAX];

/* The area's @n bytes, zeroed, with @what of the step's as its place */
static uint8_t *area(struct call *c, unsigned int which, size_t n)
{
	struct area *a = &c->areas[which];

	a->used = true;
	a->place = c->step->place[which];
	a->n = n < AREA_MAX ? n : AREA_MAX;
	a->cut = c->step->cut < a->n ? c->step->cut : a->n;
	a->data = data[which];
	return a->data;
}

/* The fill pattern of output buffers */
static void area_out(struct call *c, unsigned int which, size_t n)
{
	uint8_t *p = area(c, which, n);

	memset(p, FILL, c->areas[which].n);
}

static void patch(struct call *c, unsigned int in, uint32_t at,
		  enum patch_kind kind, unsigned int what)
{
	if (c->n_patches < N_PATCHES)
		c->patches[c->n_patches++] = (struct patch){
			.kind = kind, .in = in, .what = what, .at = at };
}

static void pointer(struct call *c, uint32_t at, unsigned int to)
{
	if (c->step->place[to] != AT_NULL)
		patch(c, A_ATTR, at, P_AREA, to);
}

#define POINTER(c, member, to) pointer(c, offsetof(union attr, member), to)

/* ------------------------------------------------------------------------- */

static void build_create(struct call *c, union attr *a)
{
	const struct step *s = c->step;

	a->create = s->create;
	patch(c, A_ATTR, offsetof(struct bpfmap_create_attr, inner_map_fd),
	      P_FD, s->other);
	if (s->create.excl_prog_hash) {
		memset(area(c, A_KEY, 32), 7, 32);
		POINTER(c, create.excl_prog_hash, A_KEY);
	}
}

/* The number of the i-th key of a batch */
static unsigned int batch_key(const struct step *s, unsigned int i)
{
	return s->key == KEY_WILD ? s->key : s->key + i * (s->value % 3 + 1);
}

static void put_keys(struct call *c, unsigned int n)
{
	uint32_t i, size = c->object->shape.key_size;
	uint8_t *p;

	if (size > KEY_MAX)
		return;
	p = area(c, A_KEY, (size_t)n * size);
	for (i = 0; i < n; i++)
		make_key(c->object, batch_key(c->step, i), p + i * size);
}

static void put_values(struct call *c, unsigned int n)
{
	const struct object *o = c->object;
	uint32_t i, size = value_bytes(o, c->step->flags);
	uint8_t *p = area(c, A_VALUE, (size_t)n * size);

	if ((size_t)n * size > AREA_MAX) {
		memset(p, FILL, AREA_MAX);
		return;
	}
	memset(p, 0, (size_t)n * size);
	for (i = 0; i < n; i++) {
		if (o->row->traits & T_OUTER)
			patch(c, A_VALUE, i * size, P_FD, i % 4 == 3 ?
			      (c->step->other + 1) % N_SLOTS : c->step->other);
		else
			make_value(o, c->step->value + i, c->step->flags,
				   p + i * size);
	}
}

static void build_elem(struct call *c, union attr *a)
{
	const struct step *s = c->step;
	uint32_t size = value_bytes(c->object, s->flags);

	put_keys(c, 1);
	POINTER(c, elem.key, A_KEY);
	a->elem.flags = s->flags;
	if (s->cmd == DELETE ||
	    s->cmd == NEXT)
		a->elem.flags = 0;
	if (s->cmd == DELETE)
		return;
	if (s->cmd == UPDATE ||
	    c->object->row->traits & T_KEYLESS_IN)
		put_values(c, 1);
	else if (s->cmd == NEXT)
		area_out(c, A_VALUE, c->object->shape.key_size);
	else
		area_out(c, A_VALUE, size);
	POINTER(c, elem.value, A_VALUE);
}

static uint32_t token_size(const struct object *o)
{
	if (o->row->keys == KEYS_BYTES && o->row->order != ORDER_ANY)
		return sizeof(uint32_t);
	return o->shape.key_size;
}

static void build_cursor(struct call *c)
{
	const struct step *s = c->step;
	uint32_t n = token_size(c->object);
	uint8_t key[KEY_MAX + 8] = { 0 };

	if (n <= KEY_MAX && s->from != FROM_START) {
		if (s->from == FROM_CURSOR)
			memcpy(key, c->object->cursor, n);
		else if (s->from == FROM_KEY && c->object->shape.key_size <= KEY_MAX)
			make_key(c->object, s->key, key);
		else
			memset(key, s->value, n);
		memcpy(area(c, A_IN, n), key, n);
		POINTER(c, batch.in_batch, A_IN);
		/* One place for both is what most programs use */
		if (s->direct & 2) {
			pointer(c, offsetof(union attr, batch.out_batch), A_IN);
			return;
		}
	}
	area_out(c, A_OUT, n);
	POINTER(c, batch.out_batch, A_OUT);
}

static void build_batch(struct call *c, union attr *a)
{
	const struct step *s = c->step;
	uint32_t n = s->count < BATCH_MAX ? s->count : BATCH_MAX;
	bool in = s->cmd == UB ||
		  s->cmd == DB;

	a->batch.count = s->count;
	a->batch.elem_flags = s->flags;
	a->batch.flags = s->more;
	build_cursor(c);
	put_keys(c, n);
	if (in) {
		put_values(c, n);
	} else {
		area_out(c, A_KEY, (size_t)n * c->object->shape.key_size);
		area_out(c, A_VALUE,
			 (size_t)n * value_bytes(c->object, s->flags));
	}
	/* Nothing is known of what lies behind them */
	if (s->count > n) {
		c->areas[A_KEY].place = AT_EDGE;
		c->areas[A_VALUE].place = AT_EDGE;
	}
	POINTER(c, batch.keys, A_KEY);
	POINTER(c, batch.values, A_VALUE);
}

static void build_id(struct call *c, union attr *a)
{
	const struct step *s = c->step;

	a->id.map_id = s->count;
	if (s->slot < N_SLOTS)
		patch(c, A_ATTR, 0, P_ID, s->slot);
	a->id.next_id = 0x5a5a5a5a;
	if (s->cmd == BPFMAP_CMD_MAP_GET_FD_BY_ID)
		a->id.open_flags = s->flags;
}

/* The hash of a frozen array goes to A_KEY */
static void build_info(struct call *c, union attr *a)
{
	const struct step *s = c->step;
	uint32_t n = s->count < 8192 ? s->count : 8192;
	struct bpfmap_info info = { .hash_size = s->more };
	uint8_t *p = area(c, A_VALUE, n);

	memset(p, 0, n);
	memcpy(p, &info, n < sizeof(info) ? n : sizeof(info));
	if (n && s->value)
		p[n - 1] = s->value;
	a->info.info_len = s->count;
	POINTER(c, info.info, A_VALUE);
	if (s->flags && n >= offsetofend(struct bpfmap_info, hash)) {
		area_out(c, A_KEY, 32);
		patch(c, A_VALUE, offsetof(struct bpfmap_info, hash), P_AREA,
		      A_KEY);
	}
}

static void build_obj(struct call *c, union attr *a)
{
	const struct step *s = c->step;

	patch(c, A_ATTR, 0, P_PATH, s->key % N_PATHS);
	a->obj.file_flags = s->flags;
	a->obj.path_fd = s->flags & BPFMAP_F_PATH_FD ? -100 : (int)s->more;
	if (s->cmd == BPFMAP_CMD_OBJ_GET)
		a->obj.bpf_fd = s->value;
}

static void build_command(struct call *c, union attr *a)
{
	switch (c->step->cmd) {
	case BPFMAP_CMD_MAP_CREATE:
		return build_create(c, a);
	case LOOKUP:
	case UPDATE:
	case DELETE:
	case NEXT:
	case LAD:
		return build_elem(c, a);
	case LB:
	case LADB:
	case UB:
	case DB:
		return build_batch(c, a);
	case BPFMAP_CMD_MAP_GET_NEXT_ID:
	case BPFMAP_CMD_MAP_GET_FD_BY_ID:
		return build_id(c, a);
	case BPFMAP_CMD_OBJ_GET_INFO_BY_FD:
		return build_info(c, a);
	case BPFMAP_CMD_OBJ_PIN:
	case BPFMAP_CMD_OBJ_GET:
		return build_obj(c, a);
	}
}

/**
 * build() - the call for a step, in the present state
 * @s: a command of bpf(2)
 * @c: out: valid until the next one is built
 */
void build(const struct step *s, struct call *c)
{
	size_t n = s->size > BPFMAP_ATTR_SIZE ? s->size : BPFMAP_ATTR_SIZE;
	union attr *a;
	int at;

	c->step = s;
	c->object = object_at(s->slot);
	c->n_patches = 0;
	memset(c->areas, 0, sizeof(c->areas));
	a = (void *)area(c, A_ATTR, n);
	memset(a, 0, n);
	build_command(c, a);
	at = s->cmd < DO_CLOSE - 1 ? fd_offset(s->cmd) : -1;
	if (at >= 0)
		patch(c, A_ATTR, at, P_FD, s->slot);
	if (s->junk_at && s->junk_at < n)
		((uint8_t *)a)[s->junk_at] = 1;
}
