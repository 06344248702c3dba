// SPDX-License-Identifier: GPL-2.0-only
/*
 * failnth_shape - see failnth.h
 */
#include <sys/mman.h>

#include "failnth.h"

#define F(name) BPFMAP_F_##name
#define NP	F(NO_PREALLOC)
#define PAGE	4096
#define TABLE	(512 * PAGE)	/* what a page table covers */

/*
 * Flags are those that the type does not need anyway, and a type without a row
 * here gets an ordinary one.
 *
 * Values of more than 512 bytes take a buffer, and functions that can be told to
 * fail copy them. Those without preallocation are so large, or so many, that
 * adding MORE elements takes memory.
 */
static const struct shape rows[] = {
	{ "HASH", BPFMAP_TYPE_HASH, 0, 8, 8, 16, .fill = 4 },
	{ "HASH, 1000", BPFMAP_TYPE_HASH, 0,
	  40, 1000, 16, .fill = 4, .extra = true },
	{ "HASH, no prealloc", BPFMAP_TYPE_HASH, NP, 13, 16000, 16, .fill = 4 },
	{ "PERCPU_HASH", BPFMAP_TYPE_PERCPU_HASH, 0, 8, 12, 10, .fill = 4 },
	{ "PERCPU_HASH, no prealloc", BPFMAP_TYPE_PERCPU_HASH, NP,
	  4, 2044, 32, .fill = 16 },
	{ "LRU_HASH", BPFMAP_TYPE_LRU_HASH, 0, 8, 600, 64, .fill = 4 },
	{ "LRU_HASH, own", BPFMAP_TYPE_LRU_HASH, F(NO_COMMON_LRU),
	  8, 8, 64, .fill = 4, .extra = true },
	{ "LRU_PERCPU_HASH", BPFMAP_TYPE_LRU_PERCPU_HASH, 0,
	  8, 16, 32, .fill = 4 },
	{ "ARRAY", BPFMAP_TYPE_ARRAY, 0, 4, 8, 16, .fill = 4, .extra = true },
	{ "ARRAY, 20000", BPFMAP_TYPE_ARRAY, 0, 4, 20000, 16, .fill = 4 },
	{ "ARRAY, mmapable", BPFMAP_TYPE_ARRAY, F(MMAPABLE),
	  4, 700, 16, .fill = 4, .pages = 2 },
	{ "HASH, view", BPFMAP_TYPE_HASH, F(VIEW), 8, 8, 64, .fill = 4 },
	{ "HASH, view, no prealloc", BPFMAP_TYPE_HASH, F(VIEW) | NP, 8, 20000,
	  16, .fill = 0 },
	{ "LRU_HASH, view", BPFMAP_TYPE_LRU_HASH, F(VIEW), 8, 8, 64, .fill = 4 },
	{ "ARRAY, view", BPFMAP_TYPE_ARRAY, F(VIEW), 4, 700, 16, .fill = 4 },
	{ "PERCPU_ARRAY", BPFMAP_TYPE_PERCPU_ARRAY, 0, 4, 700, 16, .fill = 4 },
	{ "LPM_TRIE", BPFMAP_TYPE_LPM_TRIE, 0,
	  8, 8, 16, .fill = 4, .extra = true },
	{ "LPM_TRIE, 3000", BPFMAP_TYPE_LPM_TRIE, 0, 20, 3000, 16, .fill = 4 },
	{ "ARRAY_OF_MAPS", BPFMAP_TYPE_ARRAY_OF_MAPS, 0, 4, 4, 16, .fill = 4 },
	{ "HASH_OF_MAPS", BPFMAP_TYPE_HASH_OF_MAPS, 0,
	  4, 4, 16, .fill = 4, .extra = true },
	{ "HASH_OF_MAPS, no prealloc", BPFMAP_TYPE_HASH_OF_MAPS, NP, 4, 4, 16,
	  .fill = 0 },
	{ "RHASH", BPFMAP_TYPE_RHASH, 0, 8, 8, 16, .fill = 4, .extra = true },
	{ "RHASH, 5000", BPFMAP_TYPE_RHASH, 0, 13, 5000, 32, .fill = 14 },
	{ "QUEUE", BPFMAP_TYPE_QUEUE, 0, 0, 8, 16, .fill = 4 },
	{ "STACK, 1000", BPFMAP_TYPE_STACK, 0, 0, 1000, 16, .fill = 4 },
	{ "BLOOM_FILTER", BPFMAP_TYPE_BLOOM_FILTER, 0, 0, 700, 64, .fill = 4 },
	{ "RINGBUF", BPFMAP_TYPE_RINGBUF, 0, 0, 0, 8192, .fill = 0, .pages = 1 },
	{ "RINGBUF, overwrite", BPFMAP_TYPE_RINGBUF, F(RB_OVERWRITE),
	  0, 0, 4096, .fill = 0, .pages = 1, .extra = true },
	{ "USER_RINGBUF", BPFMAP_TYPE_USER_RINGBUF, 0,
	  0, 0, 8192, .fill = 0, .pgoff = 1, .pages = 1 },
#if HAS_ARENA
	{ "ARENA", BPFMAP_TYPE_ARENA, 0, 0, 0, 10, .fill = 0, .pages = 10 },
#endif
};

struct shape shapes[ARRAY_SIZE(rows) + N_TYPE_ROWS];
unsigned int n_shapes;

static enum content content_of(const struct type_row *t)
{
	if (t->values == VALUES_NONE)
		return NO_CONTENT;
	if (t->keys == KEYS_NONE)
		return t->props & BPFMAP_T_BY_VALUE ? MEMBERS : ORDERED;
	if (t->values == VALUES_MAPS)
		return KEYED_MAPS;
	return t->keys == KEYS_INDEX ? KEYED_INDEX :
	       t->keys == KEYS_PREFIX ? KEYED_PREFIX : KEYED_BYTES;
}

/* Add what the list of types says */
static void add_shape(struct shape s)
{
	const struct type_row *t = type_row(s.type);

	s.flags |= t->must;
	/* A view has a seed of its own */
	if (!(s.flags & F(VIEW)))
		s.flags |= t->may & F(ZERO_SEED);
	s.content = content_of(t);
	s.percpu = t->values == VALUES_PERCPU;
	s.any_order = t->keys == KEYS_SHORT;
	shapes[n_shapes++] = s;
}

static bool has_shape(uint32_t type)
{
	for (unsigned int i = 0; i < n_shapes; i++)
		if (shapes[i].type == type)
			return true;
	return false;
}

/* Before any main(): many and reload use them as well */
static void __attribute__((constructor)) shapes_init(void)
{
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
		add_shape(rows[i]);
	for (size_t i = 0; i < N_TYPE_ROWS; i++) {
		const struct type_row *t = &type_rows[i];
		struct bpfmap_create_attr a = type_row_attr(t);

		if (!has_shape(t->type) && is_here(t))
			add_shape((struct shape){
				t->NAME, t->type, 0, a.key_size, a.value_size,
				a.max_entries, .fill = a.value_size ? 4 : 0,
			});
	}
}

/* What is old and what is new in maps of maps */
static struct {
	int fd;
	uint32_t id;
} inner[2];

void inner_begin(void)
{
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(inner); i++) {
		inner[i].fd = map_new(&kinds[0], 4, 8, 4, 0);
		need(inner[i].fd >= 0);
		inner[i].id = map_id(inner[i].fd);
	}
}

void inner_end(void)
{
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(inner); i++) {
		close(inner[i].fd);
		check(load_id_gone(inner[i].id), "inner map %u is still there", i);
	}
}

size_t shape_value_bytes(const struct shape *s)
{
	return s->percpu ? ROUND_UP((size_t)s->value_size, 8) * n_cpus() :
			   s->value_size;
}

void shape_attr(const struct shape *s, struct bpfmap_create_attr *attr)
{
	memset(attr, 0, sizeof(*attr));
	attr->map_type = s->type;
	attr->map_flags = s->flags;
	attr->key_size = s->key_size;
	attr->value_size = s->value_size;
	attr->max_entries = s->max_entries;
	attr->inner_map_fd = s->content == KEYED_MAPS ? inner[0].fd : 0;
	memcpy(attr->map_name, "failnth", 8);
}

void shape_key(const struct shape *s, unsigned int nr, void *key)
{
	uint32_t bits = 8 * (s->key_size - 4);

	switch (s->content) {
	case KEYED_INDEX:
	case KEYED_MAPS:
		memcpy(key, &nr, sizeof(nr));
		break;
	case KEYED_BYTES:
		pattern(key, s->key_size, nr);
		break;
	case KEYED_PREFIX:
		/* None contains another one, so that each is there or not */
		memcpy(key, &bits, sizeof(bits));
		pattern((char *)key + 4, s->key_size - 4, nr);
		break;
	default:
		break;
	}
}

int shape_key_number(const struct shape *s, const void *key)
{
	char made[KEY_BYTES];
	unsigned int nr;

	for (nr = 0; nr < s->max_entries && nr < 250; nr++) {
		shape_key(s, nr, made);
		if (!memcmp(made, key, s->key_size))
			return nr;
	}
	return -1;
}

void shape_value(const struct shape *s, unsigned int nr, bool new, void *value)
{
	size_t stride = ROUND_UP((size_t)s->value_size, 8);
	unsigned int i;

	if (s->content == KEYED_MAPS) {
		memcpy(value, &inner[new].fd, sizeof(inner[new].fd));
		return;
	}
	if (!s->percpu) {
		pattern(value, s->value_size, nr + 100 * new);
		return;
	}
	memset(value, 0, shape_value_bytes(s));
	for (i = 0; i < n_cpus(); i++)
		pattern((char *)value + i * stride, s->value_size,
			nr + 100 * new + 40 * i);
}

static bool is_zero(const char *p, size_t n)
{
	while (n && !*p) {
		p++;
		n--;
	}
	return !n;
}

int shape_value_class(const struct shape *s, unsigned int nr, const void *value)
{
	size_t n = shape_value_bytes(s);
	char *made = malloc(n);
	int class = IS_WRONG;
	uint32_t id;

	need(made);
	if (s->content == KEYED_MAPS) {
		memcpy(&id, value, sizeof(id));
		class = id == inner[0].id ? IS_OLD :
			id == inner[1].id ? IS_NEW : IS_WRONG;
	} else if (is_zero(value, n)) {
		class = IS_ZERO;
	} else {
		shape_value(s, nr, false, made);
		if (!memcmp(made, value, n))
			class = IS_OLD;
		shape_value(s, nr, true, made);
		if (!memcmp(made, value, n))
			class = IS_NEW;
	}
	free(made);
	return class;
}

int shape_fill(const struct shape *s, int fd)
{
	char key[KEY_BYTES], *value;
	unsigned int nr;
	int err = 0;

	if (s->content == NO_CONTENT)
		return 0;
	value = malloc(shape_value_bytes(s));
	need(value);
	for (nr = 0; nr < s->fill && !err; nr++) {
		shape_key(s, nr, key);
		shape_value(s, nr, false, value);
		err = map_update(fd, s->key_size ? key : NULL, value, 0);
	}
	free(value);
	return err;
}

int shape_new(const struct shape *s)
{
	union attr a = { 0 };
	int fd, err;

	shape_attr(s, &a.create);
	fd = sys_map(BPFMAP_CMD_MAP_CREATE, &a, sizeof(a));
	if (fd < 0)
		return fd;
	err = shape_fill(s, fd);
	if (!err)
		return fd;
	close(fd);
	return err;
}

void *shape_place(void)
{
	char *room = mmap(NULL, 2 * TABLE, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS,
			  -1, 0);

	need(room != MAP_FAILED);
	munmap(room, 2 * TABLE);
	return (void *)ROUND_UP((uintptr_t)room, TABLE);
}

size_t shape_mapped_bytes(const struct shape *s)
{
	return (s->pages ? s->pages : 1) * PAGE;
}

void *shape_map(const struct shape *s, int fd, void *place)
{
	return mmap(place, shape_mapped_bytes(s), PROT_READ | PROT_WRITE, MAP_SHARED,
		    fd, s->pgoff * PAGE);
}

/* Which of the values that were pushed is this? */
static int ordered_number(const struct shape *s, const void *value)
{
	unsigned int nr;
	int class;

	for (nr = 0; nr < shape_keys(s); nr++) {
		class = shape_value_class(s, nr, value);
		if (class == IS_OLD || class == IS_NEW)
			return 2 * nr + (class == IS_NEW);
	}
	return 1000;
}

static int snap_element(const struct shape *s, int fd, unsigned int nr, void *value)
{
	char key[KEY_BYTES];
	int err;

	shape_key(s, nr, key);
	err = map_lookup(fd, key, value, 0);
	return err ?: shape_value_class(s, nr, value);
}

unsigned int shape_snap(const struct shape *s, int fd, int *snap)
{
	unsigned int n = 0, nr;
	char *value;
	int err;

	if (s->content == NO_CONTENT)
		return 0;
	value = malloc(shape_value_bytes(s));
	need(value);
	if (s->content == ORDERED) {
		err = map_lookup(fd, NULL, value, 0);
		snap[n++] = err ?: ordered_number(s, value);
	}
	for (nr = 0; s->content == MEMBERS && nr < shape_keys(s); nr++) {
		shape_value(s, nr, false, value);
		snap[n++] = map_lookup(fd, NULL, value, 0);
		shape_value(s, nr, true, value);
		snap[n++] = map_lookup(fd, NULL, value, 0);
	}
	for (nr = 0; shape_keyed(s) && nr < shape_keys(s); nr++)
		snap[n++] = snap_element(s, fd, nr, value);
	free(value);
	return n;
}

unsigned int shape_drain(const struct shape *s, int fd, int *snap)
{
	unsigned int n = 0;
	char *value;
	int err;

	if (s->content != ORDERED)
		return shape_snap(s, fd, snap);
	value = malloc(shape_value_bytes(s));
	need(value);
	do {
		err = map_elem(LAD, fd, NULL, value, 0);
		snap[n++] = err ?: ordered_number(s, value);
	} while (!err && n < SNAP_MAX);
	free(value);
	return n;
}

void shape_tests(void (*fn)(const struct kind *kind))
{
	struct test *tests = calloc(n_shapes, sizeof(*tests));

	need(tests);
	for (unsigned int i = 0; i < n_shapes; i++) {
		tests[i].name = shapes[i].name;
		tests[i].fn = fn;
		test_add(&tests[i]);
	}
}
