// SPDX-License-Identifier: GPL-2.0-only
/*
 * oracle_run - take a step on both sides and compare
 */
#include "oracle.h"

bool verbose;
unsigned long n_comparisons;

/* Names that a pin of this episode may have */
static void unlink_pin(unsigned int path, const char **why)
{
	int a = unlink(pin_of(SIDE_BPF, path));
	int b = unlink(pin_of(SIDE_DEVICE, path));

	if (a != b && why)
		*why = "unlink of a pin";
}

/* The map behind a new descriptor, on which both sides agree; NULL: they do not */
static struct object *look_up(const int fds[N_SIDES])
{
	struct object *found[N_SIDES];
	struct bpfmap_info info;
	unsigned int i;

	for (i = 0; i < N_SIDES; i++) {
		union attr a = { .info = {
			.bpf_fd = fds[i], .info = PTR(&info),
			.info_len = kernel() < 703 ? 88 : sizeof(info) } };

		memset(&info, 0, sizeof(info));
		if (raw_call(i, BPFMAP_CMD_OBJ_GET_INFO_BY_FD, &a, 16))
			return NULL;
		found[i] = object_of_id(i, info.id);
	}
	return found[0] == found[1] ? found[0] : NULL;
}

static uint32_t id_of(enum side side, int fd, uint32_t *max_entries)
{
	struct bpfmap_info info = { 0 };
	union attr a = { .info = { .bpf_fd = fd, .info_len = 88,
				   .info = PTR(&info) } };

	if (raw_call(side, BPFMAP_CMD_OBJ_GET_INFO_BY_FD, &a, 16))
		return 0;
	*max_entries = info.max_entries;
	return info.id;
}

/* Put what a command opened in a slot */
static const char *install(const struct step *s, const long ret[N_SIDES])
{
	bool create = s->cmd == BPFMAP_CMD_MAP_CREATE;
	unsigned int at = create ? s->slot : s->other;
	int fds[N_SIDES] = { ret[0], ret[1] };
	struct object *o = NULL;
	uint32_t ids[N_SIDES], max[N_SIDES];

	if (create) {
		o = object_new(&s->create);
		if (o) {
			ids[0] = id_of(SIDE_BPF, fds[0], &max[0]);
			ids[1] = id_of(SIDE_DEVICE, fds[1], &max[1]);
			o->shape.max_entries = max[0];
			object_has_ids(o, ids[0], ids[1]);
			if (o->row->traits & T_OUTER && slot_at(s->other))
				o->like = slots[s->other].object;
		}
	} else {
		o = look_up(fds);
		if (!o) {
			close(fds[0]);
			close(fds[1]);
			return "not the same map";
		}
	}
	if (!o || at >= N_SLOTS) {
		close(fds[0]);
		close(fds[1]);
		return NULL;
	}
	slot_close(at);
	slots[at] = (struct slot){ o, { fds[0], fds[1] },
		(create ? s->create.map_flags : s->flags) &
		(BPFMAP_F_RDONLY | BPFMAP_F_WRONLY) };
	return NULL;
}

static bool opens(int cmd)
{
	return cmd == BPFMAP_CMD_MAP_CREATE || cmd == BPFMAP_CMD_OBJ_GET ||
	       cmd == BPFMAP_CMD_MAP_GET_FD_BY_ID;
}

static bool is_lookup_batch(int cmd)
{
	return cmd == LB ||
	       cmd == LADB;
}

static bool is_update_batch(int cmd)
{
	return cmd == UB ||
	       cmd == DB;
}

/* count as it came out, if attr is where it can be seen */
static uint32_t count_out(const struct call *c, enum side side)
{
	uint32_t count = 0;
	size_t n;
	uint8_t *p = call_bytes(c, side, A_ATTR, &n);

	if (n >= offsetofend(struct bpfmap_batch_attr, count))
		memcpy(&count, p + offsetof(struct bpfmap_batch_attr, count),
		       sizeof(count));
	return count;
}

/* ------------------------------------------------------------------------- */
/* What must differ is made the same */

static void translate(enum side side, uint8_t *at)
{
	uint32_t id;

	memcpy(&id, at, sizeof(id));
	id = serial_of(side, id);
	memcpy(at, &id, sizeof(id));
}

static void translate_ids(const struct call *c, enum side side, uint32_t n)
{
	size_t size;
	uint8_t *p = call_bytes(c, side, A_VALUE, &size);
	uint32_t i;

	for (i = 0; i < n && (i + 1) * sizeof(uint32_t) <= size; i++)
		translate(side, p + i * sizeof(uint32_t));
}

/*
 * How much was written before a fault is unspecified: a part of a value, some
 * elements of a batch. The bytes around are compared nevertheless.
 */
static void forget_outputs(const struct call *c, enum side side)
{
	unsigned int i;
	uint8_t *p;
	size_t n;

	for (i = A_ATTR + 1; i < N_AREAS; i++) {
		p = call_bytes(c, side, i, &n);
		memset(p, 0, n);
	}
}

static void normalise_batch(const struct call *c, enum side side, long ret)
{
	const struct object *o = c->object;
	uint32_t n = count_out(c, side);

	if (ret && ret != -ENOENT)
		n = 0;
	if (n > BATCH_MAX)
		n = BATCH_MAX;
	if (o->row->traits & T_OUTER)
		translate_ids(c, side, n ? n : BATCH_MAX);
	if (o->row->order != ORDER_SAME)
		order_batch(c, side, n);
}

static void normalise(const struct call *c, enum side side, long ret)
{
	uint8_t *p;
	size_t n;

	if (ret == -EFAULT)
		return forget_outputs(c, side);
	switch (c->step->cmd) {
	case LOOKUP:
		if (!ret && c->object->row->traits & T_OUTER)
			translate_ids(c, side, 1);
		break;
	case LB:
	case LADB:
		normalise_batch(c, side, ret);
		break;
	case BPFMAP_CMD_OBJ_GET_INFO_BY_FD:
		p = call_bytes(c, side, A_VALUE, &n);
		if (!ret && n >= 8)
			translate(side, p + 4);
		break;
	case BPFMAP_CMD_MAP_GET_NEXT_ID:
		p = call_bytes(c, side, A_ATTR, &n);
		if (!ret && n >= 8)
			translate(side, p + 4);
		break;
	}
}

/* ------------------------------------------------------------------------- */

static void note_batch(const struct call *c, struct object *o, long ret)
{
	uint32_t i, n = count_out(c, SIDE_BPF);
	size_t have, size = o->shape.key_size;
	uint8_t *keys = call_bytes(c, SIDE_BPF, A_KEY, &have);
	bool there = c->step->cmd == UB;

	if (!size || ret == -ENOTSUPP)
		return;
	if (c->step->cmd != LB) {
		for (i = 0; i < n && i < BATCH_MAX && (i + 1) * size <= have; i++) {
			int nr = key_number(o, keys + i * size);
			uint64_t bit = nr < 0 ? 0 : 1ULL << nr;

			o->present = (o->present & ~bit) | (there ? bit : 0);
		}
	}
	if (is_lookup_batch(c->step->cmd) && ret != -EFAULT) {
		keys = call_bytes(c, SIDE_BPF, c->step->direct & 2 ? A_IN : A_OUT,
				  &have);
		memcpy(o->cursor, keys, have < KEY_MAX ? have : KEY_MAX);
	}
}

/* State that the choice of the next steps depends on */
static void note(const struct call *c, struct slot *slot, long ret)
{
	const struct step *s = c->step;
	struct object *o = slot->object;
	uint64_t bit = 1ULL << (s->key % n_keys(o));

	if (is_lookup_batch(s->cmd) || is_update_batch(s->cmd))
		return note_batch(c, o, ret);
	if (s->cmd == LAD && ret == -EFAULT)
		ret = 0;
	if (ret)
		return;
	if (s->cmd == UPDATE)
		o->present |= bit;
	else if (s->cmd == DELETE ||
		 s->cmd == LAD)
		o->present &= ~bit;
	else if (s->cmd == BPFMAP_CMD_MAP_FREEZE)
		o->frozen = true;
}

/* What is about to be done; what comes of it is the next line */
static void show(const struct call *c)
{
	const struct step *s = c->step;

	printf("# cmd %u %s slot %u other %u key %u value %u count %#x flags %#llx\n",
	       s->cmd, s->cmd ? c->object->row->name : "", s->slot, s->other,
	       s->key, s->value, s->count, (unsigned long long)s->flags);
	printf("#\tattr %u bytes at %u, key %u, value %u, in %u, out %u, cut %u, junk %u, from %u, more %#llx\n",
	       s->size, s->place[A_ATTR], s->place[A_KEY], s->place[A_VALUE],
	       s->place[A_IN], s->place[A_OUT], s->cut, s->junk_at, s->from,
	       (unsigned long long)s->more);
	if (!s->cmd)
		printf("#\ttype %u key %u value %u max %#x flags %#x extra %#llx\n",
		       s->create.map_type, s->create.key_size,
		       s->create.value_size, s->create.max_entries,
		       s->create.map_flags,
		       (unsigned long long)s->create.map_extra);
}

/* An id without an open descriptor may be freed sooner on one side */
static bool open_id(const struct call *c, enum side side)
{
	uint32_t serial = 0;
	unsigned int i;
	size_t n;
	uint8_t *p = call_bytes(c, side, A_ATTR, &n);

	if (n < 8)
		return false;
	memcpy(&serial, p + 4, sizeof(serial));
	for (i = 0; i < N_SLOTS; i++)
		if (slot_at(i) && slots[i].object->serial == serial)
			return true;
	return false;
}

static const char *differing_results(const struct call *c, struct slot *slot,
				     const long ret[N_SIDES])
{
	static char text[96];

	if (excused(c, slot, ret[SIDE_BPF], ret[SIDE_DEVICE]))
		return NULL;
	snprintf(text, sizeof(text), "bpf(2) %ld, device %ld", ret[SIDE_BPF],
		 ret[SIDE_DEVICE]);
	return text;
}

/* One that depends on which key follows */
static bool next_key_result(long ret)
{
	return !ret || ret == -ENOENT || ret == -EFAULT;
}

static const char *compare(const struct call *c, struct slot *slot,
			   const long ret[N_SIDES])
{
	const struct step *s = c->step;
	const char *why = NULL;

	normalise(c, SIDE_BPF, ret[SIDE_BPF]);
	normalise(c, SIDE_DEVICE, ret[SIDE_DEVICE]);
	if (s->cmd == BPFMAP_CMD_MAP_GET_NEXT_ID && (!ret[0] || !ret[1]) &&
	    (s->slot >= N_SLOTS || !open_id(c, 0) || !open_id(c, 1)))
		return NULL;
	/* The same where it cannot be stored */
	if (s->cmd == BPFMAP_CMD_MAP_GET_NEXT_ID &&
	    ret[0] + ret[1] == -EFAULT - ENOENT)
		return NULL;
	if (ret[0] != ret[1]) {
		if (s->cmd != NEXT || !slot ||
		    slot->object->row->order == ORDER_SAME ||
		    !next_key_result(ret[0]) || !next_key_result(ret[1]))
			return differing_results(c, slot, ret);
		return order_next_key(c, slot, ret);
	}
	why = compare_areas(c);
	if (why && s->cmd == NEXT && slot &&
	    slot->object->row->order != ORDER_SAME && !ret[0])
		why = order_next_key(c, slot, ret);
	return why;
}

static bool walks(uint32_t cmd)
{
	return cmd == NEXT ||
	       cmd == LB ||
	       cmd == LADB;
}

static const char *take_call(const struct step *s)
{
	static struct call c;
	struct slot *slot = slot_at(s->slot);
	const char *why;
	long ret[N_SIDES];

	build(s, &c);
	if (verbose)
		show(&c);
	if (slot && walks(s->cmd))
		order_settle(slot);
	ret[SIDE_BPF] = send_call(&c, SIDE_BPF);
	ret[SIDE_DEVICE] = send_call(&c, SIDE_DEVICE);
	n_comparisons++;
	if (verbose)
		printf("#\t%ld %ld\n", ret[SIDE_BPF], ret[SIDE_DEVICE]);
	if (opens(s->cmd) && ret[0] >= 0 && ret[1] >= 0) {
		why = install(s, ret);
		return why;
	}
	why = compare(&c, slot, ret);
	if (opens(s->cmd) && ret[0] >= 0)
		close(ret[0]);
	if (opens(s->cmd) && ret[1] >= 0)
		close(ret[1]);
	if (!why && slot && ret[0] == ret[1])
		note(&c, slot, ret[0]);
	return why;
}

const char *take_step(const struct step *s)
{
	static const char * const names[] = { "close", "walk", "unlink", "map",
					      "unmap", "protect", "poke" };
	struct slot *slot = slot_at(s->slot);
	const char *why = NULL;

	if (verbose && s->cmd >= DO_CLOSE)
		printf("# %s slot %u other %u count %u flags %#llx more %#llx\n",
		       names[s->cmd - DO_CLOSE], s->slot, s->other, s->count,
		       (unsigned long long)s->flags,
		       (unsigned long long)s->more);
	switch (s->cmd) {
	case DO_CLOSE:
		slot_close(s->slot);
		return NULL;
	case DO_WALK:
		return (slot ? compare_walks(slot) : NULL) ?: compare_views();
	case DO_UNLINK:
		unlink_pin(s->key, &why);
		return why;
	case DO_MAP:
		return view_map(s);
	case DO_UNMAP:
		view_unmap(s->other);
		return NULL;
	case DO_PROTECT:
		return view_protect(s);
	case DO_POKE:
		return view_poke(s);
	default:
		return take_call(s);
	}
}

/**
 * take_steps() - a sequence of its own
 * @steps: to take
 * @n: number of them
 * @why: out: what differed
 *
 * Return: number of the step where it did, -1: none
 */
long take_steps(const struct step *steps, size_t n, const char **why)
{
	unsigned int path;
	size_t i;

	state_begin();
	for (i = 0, *why = NULL; i < n; i++) {
		*why = take_step(&steps[i]);
		if (*why)
			break;
	}
	for (path = 0; path < 4; path++)
		unlink_pin(path, NULL);
	state_end();
	return i < n ? (long)i : -1;
}
