// SPDX-License-Identifier: GPL-2.0-only
/*
 * oracle_state - types, maps and descriptors that the two sides have in common
 */
#include <sys/utsname.h>

#include "oracle.h"

/*
 * Sizes by the rules of the list, short ones as the limits are to be met. Maps
 * that evict are never filled: each side chooses its own victims.
 */
#define KEYS_OF_NONE	{ 0 }
#define KEYS_OF_BYTES	{ 4, 8, 1, 3, 13, 16, 40, 256 }
#define KEYS_OF_SHORT	{ 4, 8, 1, 3, 13, 40 }
#define KEYS_OF_INDEX	{ 4 }
#define KEYS_OF_PREFIX	{ 8, 5, 6, 12, 20, 260 }
#define VALUES_OF_NONE	{ 0 }
#define VALUES_OF_BYTES	{ 8, 4, 1, 7, 12, 13, 16, 33, 77, 100, 250, 1000 }
#define VALUES_OF_PERCPU { 8, 4, 1, 3, 13, 24, 100 }
#define VALUES_OF_MAPS	{ 4 }

static const uint32_t elements[] = { 8, 1, 2, 5, 16, 3, 20, 0 };
/* A filter's bits depend on these and on the sizes */
static const uint32_t members[] = { 8, 1, 2, 9, 10, 40, 732, 46812, 0 };
static const uint32_t with_victims[] = { 256, 175, 0 };
static const uint32_t bytes[] = { 4096, 8192, 65536, 0 };
static const uint32_t pages[] = { 1, 10, 100, 0 };

/* Flags that bpf(2) of a tested kernel, or any, does not have, though it has the type */
#define NEWER_FLAGS (BPFMAP_F_RB_OVERWRITE | BPFMAP_F_VIEW)

#define ROW(NAME_, key, value, cursor, must_, may_, since_, props) {		\
	.name = #NAME_,								\
	.type = BPFMAP_TYPE_##NAME_,						\
	.since = (since_),							\
	.keys = KEYS_##key == KEYS_SHORT ? KEYS_BYTES : KEYS_##key,		\
	.order = KEYS_##key == KEYS_SHORT ? ORDER_ANY :				\
		 CURSOR_##cursor == CURSOR_BUCKET ? ORDER_BUCKETS : ORDER_SAME,	\
	.traits = (VALUES_##value == VALUES_PERCPU ? T_PERCPU : 0) |		\
		  (VALUES_##value == VALUES_MAPS ? T_OUTER : 0) |		\
		  (VALUES_##value == VALUES_NONE ? T_NO_ELEMS : 0) |		\
		  ((props) & BPFMAP_T_BY_VALUE ? T_KEYLESS_IN : 0) |		\
		  ((props) & BPFMAP_T_EVICTS ? T_EVICTS : 0) |			\
		  ((props) & BPFMAP_T_EXTRA ? T_EXTRA : 0) |			\
		  ((props) & BPFMAP_T_EXTRA && VALUES_##value != VALUES_NONE ?	\
		   T_SMALL_EXTRA : 0),						\
	/* What comes first, or what a filter takes for its own, is the seed's */ \
	.must = (must_) | ((may_) & BPFMAP_F_ZERO_SEED),			\
	.may = (may_) & ~(BPFMAP_F_ZERO_SEED | NEWER_FLAGS),			\
	.key_sizes = KEYS_OF_##key,						\
	.value_sizes = VALUES_OF_##value,					\
	.entries = (props) & BPFMAP_T_RING ? bytes :				\
		   (props) & BPFMAP_T_EVICTS ? with_victims :			\
		   (props) & BPFMAP_T_BY_VALUE ? members :			\
		   VALUES_##value == VALUES_NONE ? pages : elements,		\
},

const struct row rows[] = {
#define BPFMAP_MAP_TYPE(NAME, name, ...) ROW(NAME, __VA_ARGS__)
#include "../../include/linux/bpfmap_types.h"
#undef BPFMAP_MAP_TYPE
};

const unsigned int n_rows = ARRAY_SIZE(rows);

#define N_OBJECTS 4096
#define N_IDS (1U << 16)

static struct object objects[N_OBJECTS];
static unsigned int n_objects;
/* By the lower bits of a side's id: ids are given out in order */
static uint16_t by_id[N_SIDES][N_IDS];

struct slot slots[N_SLOTS];

unsigned int kernel(void)
{
	static unsigned int version;
	unsigned int major, minor;
	struct utsname u;

	if (!version && !uname(&u) &&
	    sscanf(u.release, "%u.%u", &major, &minor) == 2)
		version = major * 100 + minor;
	return version;
}

const struct row *row_of(uint32_t type)
{
	unsigned int i;

	for (i = 0; i < n_rows; i++)
		if (rows[i].type == type)
			return &rows[i];
	return NULL;
}

const struct object *object_at(unsigned int i)
{
	static const struct object plain = {
		.row = &rows[0],
		.shape = { .map_type = BPFMAP_TYPE_HASH, .key_size = 8,
			   .value_size = 8, .max_entries = 8 },
	};
	struct slot *s = slot_at(i);

	return s ? s->object : &plain;
}

void slot_close(unsigned int i)
{
	struct slot *s = slot_at(i);

	if (!s)
		return;
	close(s->fds[SIDE_BPF]);
	close(s->fds[SIDE_DEVICE]);
	s->object = NULL;
}

void state_begin(void)
{
	n_objects = 0;
	memset(by_id, 0, sizeof(by_id));
}

void state_end(void)
{
	unsigned int i;

	views_end();
	for (i = 0; i < N_SLOTS; i++)
		slot_close(i);
}

/* The ids are to follow. NULL: there were too many */
struct object *object_new(const struct bpfmap_create_attr *shape)
{
	struct object *o;

	if (n_objects + 1 >= N_OBJECTS)
		return NULL;
	o = &objects[++n_objects];
	memset(o, 0, sizeof(*o));
	o->row = row_of(shape->map_type);
	o->shape = *shape;
	o->serial = n_objects;
	return o->row ? o : NULL;
}

struct object *object_of_id(enum side side, uint32_t id)
{
	struct object *o = &objects[by_id[side][id % N_IDS]];

	if (!o->serial || !id)
		return NULL;
	return o->ids[side] == id ? o : NULL;
}

/* What both sides have in common of an id; 0: nothing */
unsigned int serial_of(enum side side, uint32_t id)
{
	struct object *o = object_of_id(side, id);

	return o ? o->serial : 0;
}

void object_has_ids(struct object *o, uint32_t bpf, uint32_t device)
{
	o->ids[SIDE_BPF] = bpf;
	o->ids[SIDE_DEVICE] = device;
	by_id[SIDE_BPF][bpf % N_IDS] = o->serial;
	by_id[SIDE_DEVICE][device % N_IDS] = o->serial;
}

/* ------------------------------------------------------------------------- */
/* Keys and values */

/* Bytes from one value to the next, for one CPU */
uint32_t value_stride(const struct object *o, uint64_t flags)
{
	if (!(o->row->traits & T_PERCPU) ||
	    flags & (BPFMAP_F_CPU | BPFMAP_F_ALL_CPUS))
		return o->shape.value_size;
	return ROUND_UP(o->shape.value_size, 8);
}

/* Bytes that a command with these flags transfers */
uint32_t value_bytes(const struct object *o, uint64_t flags)
{
	if (!(o->row->traits & T_PERCPU) ||
	    flags & (BPFMAP_F_CPU | BPFMAP_F_ALL_CPUS))
		return o->shape.value_size;
	return value_stride(o, flags) * n_cpus();
}

/* Numbers of keys to use: some more than there is room for */
uint32_t n_keys(const struct object *o)
{
	uint32_t n = o->shape.max_entries;

	if (o->row->keys == KEYS_INDEX)
		n += 2;
	else
		n += n / 2 + 1;
	return n < N_KEYS ? n : N_KEYS;
}

/* Prefixes that contain each other, and others that do not */
static void make_prefix(const struct object *o, unsigned int nr, uint8_t *key)
{
	static const uint8_t data[] = { 0x00, 0x80, 0xc0, 0xa8, 0xff, 0xa5 };
	uint32_t bits = 8 * (o->shape.key_size - 4), len;
	static const uint8_t lens[] = { 0, 1, 8, 3, 7, 12, 2, 9, 16, 24, 31, 32 };

	len = lens[nr % ARRAY_SIZE(lens)];
	if (nr % 5 == 4)
		len = bits;
	if (len > bits)
		len %= bits + 1;
	if (nr == KEY_WILD)
		len = bits + 1;
	memset(key + 4, data[nr / 5 % ARRAY_SIZE(data)], o->shape.key_size - 4);
	key[4] = data[nr % ARRAY_SIZE(data)];
	key[o->shape.key_size - 1] ^= nr;
	memcpy(key, &len, sizeof(len));
}

void make_key(const struct object *o, unsigned int nr, uint8_t *key)
{
	uint32_t index = nr;

	if (nr != KEY_WILD)
		index = nr %= n_keys(o);
	switch (o->row->keys) {
	case KEYS_NONE:
		break;
	case KEYS_INDEX:
		if (nr == KEY_WILD)
			index = UINT32_MAX;
		memcpy(key, &index, sizeof(index));
		break;
	case KEYS_PREFIX:
		make_prefix(o, nr, key);
		break;
	case KEYS_BYTES:
	case KEYS_SHORT:
		memset(key, 0x40, o->shape.key_size);
		key[o->shape.key_size / 2] = 3 * nr;
		key[0] = nr;
		break;
	}
}

/* -1: none of make_key()'s */
int key_number(const struct object *o, const uint8_t *key)
{
	uint8_t made[KEY_MAX];
	unsigned int i;

	for (i = 0; i < n_keys(o); i++) {
		make_key(o, i, made);
		if (!memcmp(made, key, o->shape.key_size))
			return i;
	}
	return -1;
}

/* What bpf(2) did with padding before 7.3 is not what it does now */
void make_value(const struct object *o, unsigned int nr, uint64_t flags,
		uint8_t *value)
{
	uint32_t size = o->shape.value_size, all = value_bytes(o, flags);
	uint32_t stride = value_stride(o, flags), at, i;

	for (at = 0; at < all; at += stride) {
		uint8_t *v = value + at;
		uint8_t byte = nr * 37 + at * 11;

		for (i = 0; i < size; i++)
			v[i] = byte + i * 7;
		if (stride > size)
			memset(v + size, kernel() < 703 ? 0 : 0x5a,
			       stride - size);
	}
}
