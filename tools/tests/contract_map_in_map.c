// SPDX-License-Identifier: GPL-2.0-only
/*
 * contract_map_in_map - maps of maps: what may be created and put in, and
 * what the element commands answer
 */
#include <poll.h>
#include <sys/mman.h>

#include "map_types.h"
#include "outer.h"

/* ------------------------------------------------------------------------- */
/* MAP_CREATE */

#define OUTER_ATTR(t, k, v, n, f, ...) {				\
	.map_type = BPFMAP_TYPE_##t, .key_size = k, .value_size = v,	\
	.max_entries = n, .map_flags = f, ##__VA_ARGS__ }
#define HOM(...) OUTER_ATTR(HASH_OF_MAPS, __VA_ARGS__)
#define BAD_NAME .map_name = "a-b"

/* @want: result with a good inner_map_fd; @closed: with a closed one */
static const struct create_row {
	const char *name;
	struct bpfmap_create_attr a;
	int want;
	int closed;
} array_rows[] = {
	{ "good", SHAPE(4, 4, 2, 0), GOT_FD, -EBADF },
	{ "value 0", SHAPE(4, 0, 2, 0), -EINVAL, -EINVAL },
	{ "value 3", SHAPE(4, 3, 2, 0), -EINVAL, -EINVAL },
	{ "value 8", SHAPE(4, 8, 2, 0), -EINVAL, -EINVAL },
	{ "value 2^32-1", SHAPE(4, -1, 2, 0), -EINVAL, -EINVAL },
	{ "key 0", SHAPE(0, 4, 2, 0), -EINVAL, -EINVAL },
	{ "key 8", SHAPE(8, 4, 2, 0), -EINVAL, -EINVAL },
	{ "max 0", SHAPE(4, 4, 0, 0), -EINVAL, -EINVAL },
	{ "max 1", SHAPE(4, 4, 1, 0), GOT_FD, -EBADF },
	{ "NUMA_NODE 12345", SHAPE(4, 4, 2, BPFMAP_F_NUMA_NODE, .numa_node =
	  12345), -EINVAL, -EINVAL },
	{ "map_extra", SHAPE(4, 4, 2, 0, .map_extra = 1), -EINVAL, -EINVAL },
	{ "map_ifindex", SHAPE(4, 4, 2, 0, .map_ifindex = 1), -EINVAL,
	  -EINVAL },
	{ "max 2^32-1", SHAPE(4, 4, -1, 0), NO_WANT, -EBADF },
	{ "bad name", SHAPE(4, 4, 2, 0, BAD_NAME), -EINVAL, -EBADF },
	{ "name", SHAPE(4, 4, 2, 0, .map_name = "outer"), GOT_FD, -EBADF },
}, hash_rows[] = {
	{ "good", SHAPE(4, 4, 2, 0), GOT_FD, -EBADF },
	{ "value 0", SHAPE(4, 0, 2, 0), -EINVAL, -EINVAL },
	{ "value 3", SHAPE(4, 3, 2, 0), -EINVAL, -EINVAL },
	{ "value 8", SHAPE(4, 8, 2, 0), -EINVAL, -EINVAL },
	{ "value 2^32-1", SHAPE(4, -1, 2, 0), -EINVAL, -EINVAL },
	{ "key 0", SHAPE(0, 4, 2, 0), -EINVAL, -EINVAL },
	{ "key 1", SHAPE(1, 4, 2, 0), GOT_FD, -EBADF },
	{ "key 13", SHAPE(13, 4, 2, 0), GOT_FD, -EBADF },
	{ "key over limit", SHAPE(HASH_OVER - 4, 4, 2, 0), -E2BIG,
	  -E2BIG },
	{ "key at limit", SHAPE(HASH_OVER - 5, 4, 2, 0), GOT_FD, -EBADF },
	{ "max 0", SHAPE(4, 4, 0, 0), -EINVAL, -EINVAL },
	{ "max over 2^31", SHAPE(4, 4, (1U << 31) + 1, 0), -E2BIG, -EBADF },
	{ "map_extra", SHAPE(4, 4, 2, 0, .map_extra = 1), -EINVAL, -EINVAL },
	{ "bad name", SHAPE(4, 4, 2, 0, BAD_NAME), -EINVAL, -EBADF },
};

TEST(creating, K_AOM | K_HOM)
{
	const struct create_row *rows = is_hash(k) ? hash_rows : array_rows;
	size_t n = is_hash(k) ? ARRAY_SIZE(hash_rows) : ARRAY_SIZE(array_rows);
	uint32_t accepted = is_hash(k) ? RIGHTS | BPFMAP_F_NO_PREALLOC |
			    BPFMAP_F_ZERO_SEED : RIGHTS & ~PROG_RIGHTS;
	struct bpfmap_create_attr good = SHAPE(4, 4, 2, 0);
	size_t i;

	good.inner_map_fd = inner_new();
	check_create_flags("create.flags", k, good, BPFMAP_F_NUMA_NODE | accepted);
	for (i = 0; i < n; i++) {
		struct bpfmap_create_attr a = rows[i].a;

		a.map_type = k->type;
		a.inner_map_fd = good.inner_map_fd;
		row("create.outer", "%s: %s", k->name, rows[i].name);
		if (rows[i].want != NO_WANT)
			check_create(&a, rows[i].want, a.map_name);
		row("create.inner_fd", "%s: %s, closed inner_map_fd", k->name, rows[i].name);
		a.inner_map_fd = closed_fd();
		created(&a, rows[i].closed);
	}
}

/* Without CAP_SYS_ADMIN; using the device takes only permission to open it */
static void unprivileged(void *arg)
{
	struct bpfmap_create_attr a = HOM(4, 4, 2, BPFMAP_F_ZERO_SEED,
					  .inner_map_fd = *(int *)arg);

	check_ret(map_create_attr(&a), -EPERM, "ZERO_SEED");
	a.key_size = 0;
	check_ret(map_create_attr(&a), -EPERM, "ZERO_SEED before sizes");
	a.value_size = 8;
	check_ret(map_create_attr(&a), -EINVAL, "value_size before ZERO_SEED");
}

static int exclusive_new(void)
{
	uint8_t hash[32] = { 1 };
	struct bpfmap_create_attr a = {
		.map_type = BPFMAP_TYPE_HASH, .key_size = 4, .value_size = 8,
		.max_entries = 4, .excl_prog_hash = PTR(hash),
		.excl_prog_hash_size = sizeof(hash),
	};

	return map_create_attr(&a);
}

static void as_fd_0(void *arg)
{
	struct bpfmap_create_attr a = HOM(4, 4, 2, 0);
	int fd;

	dup2(*(int *)arg, 0);
	fd = map_create_attr(&a);
	check_ret(fd, GOT_FD, "inner_map_fd 0 is a map");
	close(0);
	check_ret(map_create_attr(&a), -EBADF, "inner_map_fd 0 is closed");
	dup2(fd, 0);
	check_ret(map_create_attr(&a), -EINVAL, "inner_map_fd 0 is a map of maps");
}

TEST(template_fds, K_OUTERS)
{
	static const unsigned int others[] = { K_AOM, K_HOM, K_HOM_NP };
	int template = inner_new(), outer;
	size_t i;

	row("create.inner", "%s: inner_map_fd", k->name);
	check_ret(outer_create(k, 1, other_fd()), -EINVAL, "no map");
	check_ret(outer_create(k, 1, -1), -EBADF, "-1");
	for (i = 0; i < ARRAY_SIZE(others); i++) {
		outer = outer_create(KIND(others[i]), 1, template);
		check_ret(outer_create(k, 1, outer), -EINVAL, "map of maps");
	}
	if (since(7, 0))
		check_ret(outer_create(k, 1, exclusive_new()), -ENOTSUPP,
			  "map for one program");
}

TEST(template_rights, 0)
{
	int template = inner_new();

	row("create.inner_fd", "descriptor 0");
	in_child(as_fd_0, &template);
	row("create.zero_seed", "without CAP_SYS_ADMIN");
	if (since(6, 12))
		as_nobody(unprivileged, &template);
}

/* ------------------------------------------------------------------------- */
/* Maps that may be put in */

/* Other maps than the first one of a group differ from it in one respect */
#define INNER(t, k, v, n, f) { .map_type = BPFMAP_TYPE_##t, .key_size = k, \
			       .value_size = v, .max_entries = n, .map_flags = f }
#define NP BPFMAP_F_NO_PREALLOC
#define IM BPFMAP_F_INNER_MAP

static const struct fit_row {
	const char *name;
	struct bpfmap_create_attr template;
	struct bpfmap_create_attr inner;
	int want;
} fit_rows[] = {
	{ "same hash", INNER(HASH, 4, 8, 4, 0), INNER(HASH, 4, 8, 4, 0), 0 },
	{ "larger hash", INNER(HASH, 4, 8, 4, 0), INNER(HASH, 4, 8, 99, 0), 0 },
	{ "smaller hash", INNER(HASH, 4, 8, 4, 0), INNER(HASH, 4, 8, 1, 0), 0 },
	{ "hash, key_size", INNER(HASH, 4, 8, 4, 0), INNER(HASH, 8, 8, 4, 0),
	  -EINVAL },
	{ "hash, value_size", INNER(HASH, 4, 8, 4, 0), INNER(HASH, 4, 4, 4, 0),
	  -EINVAL },
	{ "hash, value_size of same room", INNER(HASH, 4, 8, 4, 0),
	  INNER(HASH, 4, 7, 4, 0), -EINVAL },
	{ "hash, flags", INNER(HASH, 4, 8, 4, 0), INNER(HASH, 4, 8, 4, NP),
	  -EINVAL },
	{ "hash, flags the other way", INNER(HASH, 4, 8, 4, NP),
	  INNER(HASH, 4, 8, 4, 0), -EINVAL },
	{ "hash, same flags", INNER(HASH, 4, 8, 4, NP),
	  INNER(HASH, 4, 8, 9, NP), 0 },
	{ "hash, RDONLY is the descriptor's", INNER(HASH, 4, 8, 4, 0),
	  INNER(HASH, 4, 8, 4, BPFMAP_F_RDONLY), 0 },
	{ "hash, WRONLY is the descriptor's",
	  INNER(HASH, 4, 8, 4, BPFMAP_F_WRONLY), INNER(HASH, 4, 8, 4, 0), 0 },
	{ "hash, RDONLY_PROG is the map's", INNER(HASH, 4, 8, 4, 0),
	  INNER(HASH, 4, 8, 4, BPFMAP_F_RDONLY_PROG), -EINVAL },
	{ "hash and array", INNER(HASH, 4, 8, 4, 0), INNER(ARRAY, 4, 8, 4, 0),
	  -EINVAL },
	{ "hash and percpu_hash", INNER(HASH, 4, 8, 4, 0),
	  INNER(PERCPU_HASH, 4, 8, 4, 0), -EINVAL },
	{ "percpu_hash", INNER(PERCPU_HASH, 4, 8, 4, 0),
	  INNER(PERCPU_HASH, 4, 8, 9, 0), 0 },
	{ "same array", INNER(ARRAY, 4, 8, 4, 0), INNER(ARRAY, 4, 8, 4, 0), 0 },
	{ "larger array", INNER(ARRAY, 4, 8, 4, 0), INNER(ARRAY, 4, 8, 5, 0),
	  -EINVAL },
	{ "smaller array", INNER(ARRAY, 4, 8, 4, 0), INNER(ARRAY, 4, 8, 3, 0),
	  -EINVAL },
	{ "array, value_size", INNER(ARRAY, 4, 8, 4, 0),
	  INNER(ARRAY, 4, 9, 4, 0), -EINVAL },
	{ "array and percpu_array", INNER(ARRAY, 4, 8, 4, 0),
	  INNER(PERCPU_ARRAY, 4, 8, 4, 0), -EINVAL },
	{ "inner_map and array", INNER(ARRAY, 4, 8, 4, IM),
	  INNER(ARRAY, 4, 8, 4, 0), -EINVAL },
	{ "array and inner_map", INNER(ARRAY, 4, 8, 4, 0),
	  INNER(ARRAY, 4, 8, 4, IM), -EINVAL },
	{ "larger inner_map", INNER(ARRAY, 4, 8, 4, IM),
	  INNER(ARRAY, 4, 8, 99, IM), 0 },
	{ "smaller inner_map", INNER(ARRAY, 4, 8, 4, IM),
	  INNER(ARRAY, 4, 8, 1, IM), 0 },
	{ "inner_map, value_size", INNER(ARRAY, 4, 8, 4, IM),
	  INNER(ARRAY, 4, 4, 4, IM), -EINVAL },
	{ "same percpu_array", INNER(PERCPU_ARRAY, 4, 8, 4, 0),
	  INNER(PERCPU_ARRAY, 4, 8, 4, 0), 0 },
};

static void fits(const struct kind *k, const struct fit_row *r)
{
	int template = map_create_attr(&r->template), inner = map_create_attr(&r->inner), outer;

	row("inner.match", "%s: %s", k->name, r->name);
	outer = outer_create(k, 1, template);
	check_ret(outer, GOT_FD, "MAP_CREATE");
	close(template);	/* [inner.template] */
	check_ret(outer_put(outer, 0, inner, 0), r->want, "UPDATE");
	/* A WRONLY descriptor can be put in, but gives no id */
	if (r->want)
		check_ret(outer_id(outer, 0), -ENOENT, "nothing changed");
	else
		check_num(outer_id(outer, 0), map_id(inner), "id");
	close(inner);
	close(outer);
}

TEST(matching, K_OUTERS)
{
	static const struct fit_row other_size = {
		"larger percpu_array", INNER(PERCPU_ARRAY, 4, 8, 4, 0),
		INNER(PERCPU_ARRAY, 4, 8, 5, 0), -EINVAL
	};
	size_t i;

	for (i = 0; i < ARRAY_SIZE(fit_rows); i++)
		fits(k, &fit_rows[i]);
	if (since(7, 0))
		fits(k, &other_size);
}

/* One that cannot be created here does not exist here yet */
TEST(all_types, K_OUTERS)
{
	for (size_t i = 0; i < N_TYPE_ROWS; i++) {
		const struct type_row *t = &type_rows[i];
		struct bpfmap_create_attr a = type_row_attr(t);
		int one, two, outer;

		if (t->values == VALUES_MAPS || !is_here(t))
			continue;
		one = map_create_attr(&a);
		two = map_create_attr(&a);
		if (one < 0)
			continue;
		row("create.inner", "%s of %s", k->name, t->NAME);
		outer = outer_create(k, 2, one);
		check_ret(outer, GOT_FD, "MAP_CREATE");
		check_ret(outer_put(outer, 0, one, 0), 0, "the template");
		check_ret(outer_put(outer, 1, two, 0), 0, "another one");
		check_ret(outer_put(outer, 0, two, 0), 0, "replacing");
		check_num(outer_id(outer, 0), map_id(two), "id");
	}
}

/* ------------------------------------------------------------------------- */
/* UPDATE: which error comes first; [update.inner], [inner.excl] */

enum what { GOOD, UNLIKE, CLOSED, NO_MAP, NEGATIVE, OUTER, EXCLUSIVE };

/* Into a map of 2 entries with key 0 in it */
static const struct update_row {
	const char *name;
	uint32_t key;
	enum what what;
	uint64_t flags;
	int array, hash;
	int since;
} update_rows[] = {
	{ "closed fd", 0, CLOSED, 0, -EBADF, -EBADF },
	{ "negative fd", 0, NEGATIVE, 0, -EBADF, -EBADF },
	{ "fd of no map", 0, NO_MAP, 0, -EINVAL, -EINVAL },
	{ "map unlike the template", 0, UNLIKE, 0, -EINVAL, -EINVAL },
	{ "a map of maps", 0, OUTER, 0, -EINVAL, -EINVAL },
	{ "a map for one program", 0, EXCLUSIVE, 0, -ENOTSUPP, -ENOTSUPP, 7 },
	{ "key out of range", 2, GOOD, 0, -E2BIG, NO_WANT },
	{ "key 2^32-1", UINT32_MAX, GOOD, 0, -E2BIG, NO_WANT },
	{ "key out of range, closed fd", 2, CLOSED, 0, -E2BIG, -EBADF },
	{ "key out of range, unlike", 2, UNLIKE, 0, -E2BIG, -EINVAL },
	{ "NOEXIST, present", 0, GOOD, 1, -EINVAL, -EEXIST },
	{ "NOEXIST, present, closed fd", 0, CLOSED, 1, -EINVAL, -EBADF },
	{ "NOEXIST, present, unlike", 0, UNLIKE, 1, -EINVAL, -EINVAL },
	{ "NOEXIST, present, one program", 0, EXCLUSIVE, 1, -EINVAL, -ENOTSUPP,
	  7 },
	{ "EXIST, absent", 1, GOOD, 2, -EINVAL, -ENOENT },
	{ "EXIST, absent, closed fd", 1, CLOSED, 2, -EINVAL, -EBADF },
	{ "EXIST, out of range", 2, GOOD, 2, -EINVAL, NO_WANT },
	{ "flags 3", 0, GOOD, 3, -EINVAL, -EINVAL },
	{ "flags 3, closed fd", 0, CLOSED, 3, -EINVAL, -EBADF },
	{ "flags 1<<5, closed fd", 0, CLOSED, 1 << 5, -EINVAL, -EBADF },
	{ "flags 1<<31", 0, GOOD, 1U << 31, -EINVAL, -EINVAL },
	{ "LOCK, closed fd", 0, CLOSED, BPFMAP_F_LOCK, -EINVAL, -EINVAL },
	{ "CPU, closed fd", 0, CLOSED, BPFMAP_F_CPU, -EINVAL, -EINVAL, 7 },
	{ "ALL_CPUS, closed fd", 0, CLOSED, BPFMAP_F_ALL_CPUS, -EINVAL, -EINVAL,
	  7 },
	{ "flags 1<<32, closed fd", 0, CLOSED, 1ULL << 32, -EINVAL, -EINVAL,
	  7 },
};

/* A descriptor to put in, which the caller closes */
static int what_fd(const struct kind *k, enum what what)
{
	switch (what) {
	case GOOD:
		return inner_new();
	case UNLIKE:
		return map_new(&kinds[0], 8, 8, 4, 0);
	case OUTER:
		return outer_new(k, 2);
	case EXCLUSIVE:
		return exclusive_new();
	case NO_MAP:
		return dup(other_fd());
	case NEGATIVE:
		return -1;
	default:
		return closed_fd();
	}
}

TEST(updating, K_OUTERS)
{
	int outer = outer_new(k, 2), inner = inner_new();
	uint32_t id = map_id(inner);
	size_t i;

	check_ret(outer_put(outer, 0, inner, 0), 0, "filling");
	for (i = 0; i < ARRAY_SIZE(update_rows); i++) {
		const struct update_row *r = &update_rows[i];
		int want = is_hash(k) ? r->hash : r->array, fd;

		if (want == NO_WANT || (r->since && !since(r->since, 0)))
			continue;
		row("inner.fd", "UPDATE %s: %s", k->name, r->name);
		fd = what_fd(k, r->what);
		check_ret(outer_put(outer, r->key, fd, r->flags), want,
			  "result");
		check_num(outer_id(outer, 0), id, "key 0 is unchanged");
		check_ret(outer_id(outer, 1), -ENOENT, "key 1 is unchanged");
		close(fd);
	}
}

/* A full hash takes no other key, but another map */
TEST(full_hash, K_HOM | K_HOM_NP)
{
	int outer = outer_new(k, 2), one = inner_new(), two = inner_new();
	uint32_t i;

	row("update.noexist", "UPDATE %s: NOEXIST, absent", k->name);
	check_ret(outer_put(outer, 7, one, BPFMAP_F_NOEXIST), 0, "result");
	row("update.exist", "UPDATE %s: EXIST, present", k->name);
	check_ret(outer_put(outer, 7, two, BPFMAP_F_EXIST), 0, "result");
	check_num(outer_id(outer, 7), map_id(two), "replaced");
	check_ret(outer_put(outer, 8, two, 0), 0, "filling");
	row("update.full", "UPDATE %s: full", k->name);
	check_ret(outer_put(outer, 9, one, 0), -E2BIG, "another key");
	check_ret(outer_put(outer, 9, closed_fd(), 0), -EBADF, "closed fd first");
	check_ret(outer_put(outer, 9, one, BPFMAP_F_EXIST), -ENOENT, "EXIST");
	for (i = 0; i < 20; i++) {
		check_ret(outer_put(outer, 7, i & 1 ? one : two, 0), 0,
			  "replacing");
		check_num(outer_id(outer, 7), map_id(i & 1 ? one : two), "id");
	}
}

/* ------------------------------------------------------------------------- */
/* The other element commands */

/* 4 bytes of value, no more, are read and written */
static void four_bytes(const struct kind *k, int outer, int inner)
{
	int *fd = edge_new(sizeof(*fd));
	struct buf value = buf_new(12);
	uint32_t key = 1, id = map_id(inner);

	row("copy.size", "%s: size of a value", k->name);
	*fd = inner;
	check_ret(map_update(outer, &key, fd, 0), 0, "UPDATE at the edge");
	check_ret(map_lookup(outer, &key, fd, 0), 0, "LOOKUP at the edge");
	check_num(*(uint32_t *)fd, id, "id at the edge");
	check_ret(map_lookup(outer, &key, value.p + 1, 0), 0, "LOOKUP");
	memcpy(&key, value.p + 1, sizeof(key));
	check_num(key, id, "id, not aligned");
	memset(value.p + 1, FILL, sizeof(key));
	check_untouched(&value, "around it");
	edge_free(fd, sizeof(*fd));
	buf_free(&value);
}

static void lookups(const struct kind *k, int outer, uint32_t id)
{
	struct buf value = buf_new(4);
	uint32_t zero = 0;

	row("lookup.miss", "LOOKUP %s", k->name);
	check_num(outer_id(outer, 0), id, "id");
	check_ret(outer_id(outer, 1), -ENOENT, "empty");
	check_ret(outer_id(outer, 2), -ENOENT, "out of range");
	check_ret(outer_id(outer, UINT32_MAX), -ENOENT, "key 2^32-1");
	check_ret(map_lookup(outer, NULL, value.p, 0), -EFAULT, "NULL key");
	check_ret(map_lookup(outer, &zero, bad_ptr(), 0), -EFAULT, "bad value");
	check_ret(map_lookup(outer, &zero, value.p, BPFMAP_F_EXIST), -EINVAL,
		  "EXIST");
	check_ret(map_lookup(outer, &zero, value.p, BPFMAP_F_LOCK), -EINVAL,
		  "LOCK");
	check_ret(map_lookup(outer, &zero, value.p, BPFMAP_F_CPU), -EINVAL,
		  "CPU");
	check_untouched(&value, "value");
	row("lad.type", "LOOKUP_AND_DELETE %s", k->name);
	check_ret(map_elem(LAD, outer, &zero, value.p, 0), -ENOTSUPP, "present");
	zero = 1;
	check_ret(map_elem(LAD, outer, &zero, value.p, 0), -ENOTSUPP, "absent");
	check_ret(map_elem(LAD, outer, NULL, value.p, 0), -EFAULT, "NULL key");
	check_ret(map_elem(LAD, outer, &zero, value.p, 1), -EINVAL, "flags");
	check_untouched(&value, "value");
	check_num(outer_id(outer, 0), id, "still there");
	buf_free(&value);
}

static void deletes(const struct kind *k, int outer)
{
	static const uint32_t keys[] = { 0, 1, 2, UINT32_MAX };
	int i;

	row("delete.index", "DELETE %s", k->name);
	check_ret(map_delete(outer, NULL), -EFAULT, "NULL key");
	check_ret(map_delete(outer, &keys[1]), -ENOENT, "empty");
	for (i = 2; i < 4; i++)
		check_ret(map_delete(outer, &keys[i]),
			  is_hash(k) ? -ENOENT : -E2BIG, "key %u", keys[i]);
	check_ret(map_delete(outer, &keys[0]), 0, "present");
	check_ret(outer_id(outer, 0), -ENOENT, "deleted");
	check_ret(map_delete(outer, &keys[0]), -ENOENT, "again");
}

/* All indexes of an array, empty or not; keys of a hash */
static void walks(const struct kind *k, int inner)
{
	int outer = outer_new(k, 3);
	uint32_t next, key, n = 0;
	bool more;

	row("next.array", "GET_NEXT_KEY %s", k->name);
	check_ret(map_next_key(outer, NULL, &next), is_hash(k) ? -ENOENT : 0,
		  "empty");
	check_ret(outer_put(outer, 2, inner, 0), 0, "filling");
	check_ret(outer_put(outer, 0, inner, 0), 0, "filling");
	more = !map_next_key(outer, NULL, &next);
	while (more && n < 9) {
		key = next;
		if (!is_hash(k))
			check_num(key, n, "key");
		n++;
		more = !map_next_key(outer, &key, &next);
	}
	check_num(n, is_hash(k) ? 2 : 3, "keys");
	check_ret(map_next_key(outer, &key, &next), -ENOENT, "last");
	key = 77;
	check_ret(map_next_key(outer, &key, &next), 0, "unknown key");
	close(outer);
}

/* What a descriptor can do besides */
static void no_files(const struct kind *k, int outer)
{
	struct pollfd p = { .fd = outer, .events = POLLIN };
	void *m = mmap(NULL, 4096, PROT_READ, MAP_SHARED, outer, 0);

	row("mmap.type", "%s", k->name);
	check_ret(m == MAP_FAILED ? -errno : 0, -ENOTSUPP, "mmap");
	check_ret(poll(&p, 1, 0), 1, "poll");
	check_num(p.revents, POLLERR, "revents");
}

TEST(elements, K_OUTERS)
{
	int outer = outer_new(k, 2), inner = inner_new();
	uint32_t key = 1;

	check_ret(outer_put(outer, 0, inner, 0), 0, "filling");
	lookups(k, outer, map_id(inner));
	four_bytes(k, outer, inner);
	check_ret(map_delete(outer, &key), 0, "DELETE");
	deletes(k, outer);
	walks(k, inner);
	no_files(k, outer);
}

TEST_MAIN
