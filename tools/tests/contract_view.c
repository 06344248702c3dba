// SPDX-License-Identifier: GPL-2.0-only
/*
 * contract_view - BPFMAP_F_VIEW: which maps have views, who may map them, that a
 * mapping is never writable, and what it contains
 */
#include <setjmp.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/uio.h>
#include <sys/wait.h>

#include "contract.h"
#include "load.h"
#include "rng.h"
#include "../lib/bpfmap_view.h"

#define RO	PROT_READ
#define RW	(PROT_READ | PROT_WRITE)
#define VIEW	BPFMAP_F_VIEW
#define NP	BPFMAP_F_NO_PREALLOC

/* Maps with views, which most tests try all of */
struct shape {
	const char *name;
	uint32_t type, key_size, value_size, max_entries, flags;
};

static const struct shape shapes[] = {
	{ "hash 8/8", BPFMAP_TYPE_HASH, 8, 8, 1000, 0 },
	{ "hash 4/12", BPFMAP_TYPE_HASH, 4, 12, 77, 0 },
	{ "hash 1/1", BPFMAP_TYPE_HASH, 1, 1, 200, 0 },
	{ "hash 3/65", BPFMAP_TYPE_HASH, 3, 65, 3000, 0 },
	{ "hash 70/5000", BPFMAP_TYPE_HASH, 70, 5000, 900, 0 },
	{ "hash 8/70000", BPFMAP_TYPE_HASH, 8, 70000, 60, 0 },
	{ "hash 8/8, one element", BPFMAP_TYPE_HASH, 8, 8, 1, 0 },
	{ "hash 8/8, no_prealloc", BPFMAP_TYPE_HASH, 8, 8, 5000, NP },
	{ "hash 20/100, no_prealloc", BPFMAP_TYPE_HASH, 20, 100, 1000, NP },
	{ "hash 8/70000, no_prealloc", BPFMAP_TYPE_HASH, 8, 70000, 20, NP },
	{ "lru_hash 8/8", BPFMAP_TYPE_LRU_HASH, 8, 8, 4000, 0 },
	{ "lru_hash 12/600", BPFMAP_TYPE_LRU_HASH, 12, 600, 500, 0 },
	{ "lru_hash 8/70000", BPFMAP_TYPE_LRU_HASH, 8, 70000, 20, 0 },
	{ "lru_hash 8/8, no_common_lru", BPFMAP_TYPE_LRU_HASH, 8, 8, 1000,
	  BPFMAP_F_NO_COMMON_LRU },
	{ "array 4/12", BPFMAP_TYPE_ARRAY, 4, 12, 1000, 0 },
	{ "array 4/3", BPFMAP_TYPE_ARRAY, 4, 3, 1, 0 },
	{ "array 4/520", BPFMAP_TYPE_ARRAY, 4, 520, 100, 0 },
	{ "array 4/70000", BPFMAP_TYPE_ARRAY, 4, 70000, 10, 0 },
};

static int shape_new(const struct shape *s)
{
	int fd = map_create(.map_type = s->type, .key_size = s->key_size,
			    .value_size = s->value_size,
			    .max_entries = s->max_entries,
			    .map_flags = s->flags | VIEW);

	check_ret(fd, GOT_FD, "MAP_CREATE");
	return fd;
}

/* The @n-th key: no word of it is what an address looks like */
static void shape_key(const struct shape *s, uint32_t n, void *key)
{
	memset(key, 0, s->key_size);
	memcpy(key, &n, s->key_size < 4 ? s->key_size : 4);
	if (s->key_size > 4)
		((uint8_t *)key)[s->key_size - 1] = n % 100;
}

/* Likewise */
static void shape_value(const struct shape *s, uint32_t seed, uint8_t *value)
{
	uint32_t i;

	for (i = 0; i < s->value_size; i++)
		value[i] = 1 + (seed + i * 7) % 100;
}

static uint32_t shape_keys(const struct shape *s)
{
	uint32_t n = s->max_entries;

	return s->key_size == 1 && n > 255 ? 255 : n;
}

static int shape_put(const struct shape *s, int fd, uint32_t n, uint32_t seed)
{
	struct buf key = buf_new(s->key_size), value = buf_new(s->value_size);
	int err;

	shape_key(s, n, key.p);
	shape_value(s, seed, value.p);
	err = map_update(fd, key.p, value.p, 0);
	buf_free(&key);
	buf_free(&value);
	return err;
}

static int shape_delete(const struct shape *s, int fd, uint32_t n)
{
	struct buf key = buf_new(s->key_size);
	int err;

	shape_key(s, n, key.p);
	err = map_delete(fd, key.p);
	buf_free(&key);
	return err;
}

static struct bpfmap_view *view_of(int fd)
{
	struct bpfmap_view *v = bpfmap_view_open(fd, NULL);

	check(v, "bpfmap_view_open: errno %d", errno);
	return v;
}

/* ------------------------------------------------------------------------- */
/* Which maps have views: [view.flag] */

static const struct create_case flag_cases[] = {
	{ "hash, ZERO_SEED", SHAPE(8, 8, 4, VIEW | BPFMAP_F_ZERO_SEED,
	  .map_type = BPFMAP_TYPE_HASH), -EINVAL, false },
	{ "lru_hash, NO_PREALLOC", SHAPE(8, 8, 4, VIEW | NP,
	  .map_type = BPFMAP_TYPE_LRU_HASH), -ENOTSUPP, false },
	{ "array of words", SHAPE(4, 8, 4, VIEW,
	  .map_type = BPFMAP_TYPE_ARRAY), -EINVAL, false },
	{ "array of bytes", SHAPE(4, 1, 4, VIEW,
	  .map_type = BPFMAP_TYPE_ARRAY), -EINVAL, false },
	{ "array, MMAPABLE", SHAPE(4, 16, 4, VIEW | BPFMAP_F_MMAPABLE,
	  .map_type = BPFMAP_TYPE_ARRAY), -EINVAL, false },
	{ "array 4/16", SHAPE(4, 16, 4, VIEW,
	  .map_type = BPFMAP_TYPE_ARRAY), GOT_FD, false },
	{ "hash, RDONLY_PROG", SHAPE(4, 16, 4, VIEW | BPFMAP_F_RDONLY_PROG,
	  .map_type = BPFMAP_TYPE_HASH), GOT_FD, false },
	{ "percpu_hash", SHAPE(8, 8, 4, VIEW,
	  .map_type = BPFMAP_TYPE_PERCPU_HASH), -EINVAL, false },
	{ "lru_percpu_hash", SHAPE(8, 8, 4, VIEW,
	  .map_type = BPFMAP_TYPE_LRU_PERCPU_HASH), -EINVAL, false },
	{ "percpu_array", SHAPE(4, 16, 4, VIEW,
	  .map_type = BPFMAP_TYPE_PERCPU_ARRAY), -EINVAL, false },
	{ "queue", SHAPE(0, 16, 4, VIEW,
	  .map_type = BPFMAP_TYPE_QUEUE), -EINVAL, false },
	{ "rhash", SHAPE(8, 16, 4, VIEW | NP,
	  .map_type = BPFMAP_TYPE_RHASH), -EINVAL, false },
};

TEST(flag, 0)
{
	size_t i;

	for (i = 0; i < ARRAY_SIZE(flag_cases); i++) {
		row("view.flag", "%s", flag_cases[i].name);
		check_create(&flag_cases[i].a, flag_cases[i].want, "");
	}
}

/* ------------------------------------------------------------------------- */
/* Modes and ranges: [view.mmap], [view.range] */

enum mode { RDWR, RDONLY, WRONLY, FROZEN };

struct mmap_row {
	const char *rule, *name;
	enum mode mode;
	int prot, map, want;
};

static const struct mmap_row mmap_rows[] = {
	{ "view.mmap", "shared R", RDWR, RO, MAP_SHARED, 0 },
	{ "view.mmap", "shared NONE", RDWR, PROT_NONE, MAP_SHARED, 0 },
	{ "view.mmap", "RDONLY fd", RDONLY, RO, MAP_SHARED, 0 },
	{ "view.mmap", "frozen", FROZEN, RO, MAP_SHARED, 0 },
	{ "view.mmap", "WRONLY fd", WRONLY, RO, MAP_SHARED, -EACCES },
	{ "view.mmap", "RDONLY fd, RW", RDONLY, RW, MAP_SHARED, -EACCES },
	{ "view.mmap", "shared RW", RDWR, RW, MAP_SHARED, -EACCES },
	{ "view.mmap", "shared W", RDWR, PROT_WRITE, MAP_SHARED, -EACCES },
	{ "view.mmap", "frozen, RW", FROZEN, RW, MAP_SHARED, -EACCES },
	{ "view.mmap", "private R", RDWR, RO, MAP_PRIVATE, -EINVAL },
	{ "view.mmap", "private RW", RDWR, RW, MAP_PRIVATE, -EINVAL },
	{ "view.mmap", "shared RX", RDWR, RO | PROT_EXEC, MAP_SHARED, -EPERM },
};

static int reopened(int fd, uint32_t flags)
{
	int other = map_get_fd_by_id(map_id(fd), flags);

	check_ret(other, GOT_FD, "GET_FD_BY_ID");
	return other;
}

static void one_mmap(const struct shape *s, const struct mmap_row *r)
{
	int fd = shape_new(s), other = fd;
	void *p;

	if (r->mode == FROZEN)
		check_ret(map_freeze(fd), 0, "FREEZE");
	if (r->mode == RDONLY)
		other = reopened(fd, BPFMAP_F_RDONLY);
	if (r->mode == WRONLY)
		other = reopened(fd, BPFMAP_F_WRONLY);
	p = mmap(NULL, page, r->prot, r->map, other, 0);
	check_ret(p == MAP_FAILED ? -errno : 0, r->want, "mmap");
	if (p != MAP_FAILED)
		munmap(p, page);
	if (other != fd)
		close(other);
	close(fd);
}

TEST(who_may_map, 0)
{
	size_t i, j;

	for (i = 0; i < ARRAY_SIZE(shapes); i++)
		for (j = 0; j < ARRAY_SIZE(mmap_rows); j++) {
			row(mmap_rows[j].rule, "%s: %s", shapes[i].name,
			    mmap_rows[j].name);
			one_mmap(&shapes[i], &mmap_rows[j]);
		}
}

/* Without the flag nothing is as with it */
TEST(without_flag, 0)
{
	int fd = map_create(.map_type = BPFMAP_TYPE_HASH, .key_size = 8,
			    .value_size = 8, .max_entries = 4);

	row("view.mmap", "hash without the flag");
	check_sys(mmap(NULL, page, RO, MAP_SHARED, fd, 0), -ENOTSUPP, "shared");
	check_sys(mmap(NULL, page, RO, MAP_PRIVATE, fd, 0), -ENOTSUPP,
		  "private");
	check(!bpfmap_view_open(fd, NULL) && errno == ENOTSUPP,
	      "bpfmap_view_open: errno %d", errno);
	close(fd);
	fd = map_create(.map_type = BPFMAP_TYPE_ARRAY, .key_size = 4,
			.value_size = 8, .max_entries = 512,
			.map_flags = BPFMAP_F_MMAPABLE);
	check(!bpfmap_view_open(fd, NULL) && errno == EINVAL,
	      "bpfmap_view_open of a mmapable array: errno %d", errno);
	close(fd);
}

/* Every range in and around the file, in pages */
TEST(ranges, 0)
{
	const struct shape *s = &shapes[1];
	int fd = shape_new(s);
	struct bpfmap_view *v = view_of(fd);
	long pages = v->header->size / page, at, len;

	row("view.range", "%s: %ld pages", s->name, pages);
	for (at = 0; at <= pages + 1; at++)
		for (len = 1; len <= pages + 1; len++) {
			void *p = mmap(NULL, len * page - page / 3, RO,
				       MAP_SHARED, fd, at * page);
			int want = at + len <= pages ? 0 : -EINVAL;

			check_ret(p == MAP_FAILED ? -errno : 0, want,
				  "page %ld, %ld pages", at, len);
			if (p != MAP_FAILED)
				munmap(p, len * page);
		}
	check_sys(mmap(NULL, page, RO, MAP_SHARED, fd, 1), -EINVAL, "offset 1");
	check_sys(mmap(NULL, page, RO, MAP_SHARED, fd, FARTHER_PAGE * page),
		  -EINVAL, "far offset");
	check_sys(mmap(NULL, 0, RO, MAP_SHARED, fd, 0), -EINVAL, "length 0");
	bpfmap_view_close(v);
	close(fd);
}

/* ------------------------------------------------------------------------- */
/* Never writable: [view.readonly] */

static void store(void *arg)
{
	*(volatile char *)arg = 1;
}

/* A child that does this dies of @want */
static void dies(void (*fn)(void *arg), void *arg, int want, const char *what)
{
	int status;
	pid_t pid = load_fork();

	if (!pid) {
		signal(want, SIG_DFL);
		fn(arg);
		_exit(0);
	}
	check(waitpid(pid, &status, 0) == pid && WIFSIGNALED(status) &&
	      WTERMSIG(status) == want, "%s: status %x", what, status);
}

static void write_through(const struct bpfmap_view *v, uint8_t *at)
{
	uint8_t old = *at, byte = old + 1;
	struct iovec from = { &byte, 1 }, to = { at, 1 };
	int fd, ends[2];

	dies(store, at, SIGSEGV, "store");
	check_sys(mprotect((void *)v->header, page, RW), -EACCES, "mprotect");
	check_sys(mprotect((void *)v->header, page, PROT_WRITE), -EACCES,
		  "mprotect");
	check_sys(mprotect((void *)v->header, page, RO | PROT_EXEC), -EACCES,
		  "mprotect to execute");
	check_sys(process_vm_writev(getpid(), &from, 1, &to, 1, 0), -EFAULT,
		  "process_vm_writev");
	fd = open("/proc/self/mem", O_RDWR | O_CLOEXEC);
	check_sys(pwrite(fd, &byte, 1, (uintptr_t)at), -EIO, "/proc/self/mem");
	check_sys(pread(fd, &byte, 1, (uintptr_t)at), 1, "reading there");
	check_num(byte, old, "byte");
	close(fd);
	check_ret(pipe(ends), 0, "pipe");
	check_sys(write(ends[1], "x", 1), 1, "write");
	check_sys(read(ends[0], at, 1), -EFAULT, "read into it");
	close(ends[0]);
	close(ends[1]);
	check_num(*at, old, "byte at the end");
}

TEST(never_writable, 0)
{
	size_t i;

	for (i = 0; i < ARRAY_SIZE(shapes); i++) {
		int fd = shape_new(&shapes[i]);
		struct bpfmap_view *v = view_of(fd);

		row("view.readonly", "%s", shapes[i].name);
		write_through(v, (uint8_t *)v->header);
		if (v->heads)
			write_through(v, (uint8_t *)v->heads);
		if (v->header->nr_ready)
			write_through(v, (uint8_t *)v->elems);
		bpfmap_view_close(v);
		close(fd);
	}
}

TEST(remap, 0)
{
	int fd = shape_new(&shapes[0]);
	void *q, *p = mmap(NULL, 2 * page, RO, MAP_SHARED, fd, 0);

	row("view.readonly", "mremap");
	q = mremap(p, 2 * page, 3 * page, MREMAP_MAYMOVE);
	check_ret(q == MAP_FAILED ? -errno : 0, -EFAULT, "growing");
	q = mremap(p, 2 * page, page, 0);
	check_ret(q == MAP_FAILED ? -errno : 0, 0, "shrinking");
	check_sys(mprotect(p, page, RW), -EACCES, "mprotect");
	munmap(p, page);
	close(fd);
}

/* ------------------------------------------------------------------------- */
/* What is in it: [view.header], [view.version], [view.content] */

static void check_header(const struct shape *s, const struct bpfmap_view *v)
{
	const struct bpfmap_view_header *h = v->header;
	const uint8_t *byte = (const uint8_t *)h;
	bool array = s->type == BPFMAP_TYPE_ARRAY;
	size_t i;

	check_num(h->magic, BPFMAP_VIEW_MAGIC, "magic");
	check_num(h->version, 1, "version");
	check_num(h->header_size, sizeof(*h), "header_size");
	check_num(h->map_type, s->type, "map_type");
	check_num(h->key_size, s->key_size, "key_size");
	check_num(h->value_size, s->value_size, "value_size");
	if (!(s->flags & BPFMAP_F_NO_COMMON_LRU))
		check_num(h->nr_elems, s->max_entries, "nr_elems");
	check_num(h->nr_ready, s->flags & NP ? 0 : h->nr_elems, "nr_ready");
	check_num(!h->heads_off, array, "no heads");
	check_num(h->elem_size % 8, 0, "elem_size");
	check_num(h->value_off % 8, 0, "value_off");
	check(h->elem_size >= h->value_off + h->value_size, "elem_size");
	check_num(h->size, ROUND_UP(h->elems_off + (uint64_t)h->nr_elems *
				    h->elem_size, page), "size");
	for (i = sizeof(*h); i < page; i++)
		if (byte[i])
			break;
	check_num(i, page, "first byte behind the header that is not 0");
}

/* Bytes of an element that no member owns are 0 */
static bool padding_is_zero(const struct bpfmap_view *v, const uint8_t *e)
{
	uint32_t i, end = v->value_off + v->value_size;

	for (i = v->key_off + v->key_size; v->heads && i < v->value_off; i++)
		if (e[i])
			return false;
	for (i = 4; !v->heads && i < v->value_off; i++)
		if (e[i])
			return false;
	for (i = end; i < v->elem_size; i++)
		if (e[i])
			return false;
	return true;
}

/* Does a word of an element look like an address of the kernel? */
static bool has_address(const struct bpfmap_view *v, const uint8_t *e)
{
	const uint64_t *word = (const void *)e;
	uint32_t i;

	for (i = 0; i < v->elem_size / 8; i++)
		/* A hash may look like anything */
		if (word[i] >> 40 >= 0xffff00 &&
		    (!v->heads || i != v->hash_off / 8))
			return true;
	return false;
}

static void check_content(const struct bpfmap_view *v)
{
	uint32_t nr = v->header->nr_ready, bad = 0;
	size_t i, n;

	for (i = 0; i < nr; i++)
		bad += has_address(v, v->elems + i * v->elem_size);
	check_num(bad, 0, "elements with what looks like an address");
	for (bad = i = 0; i < nr; i++)
		bad += !padding_is_zero(v, v->elems + i * v->elem_size);
	check_num(bad, 0, "elements with padding that is not 0");
	/* Behind the last one, up to the end of its page */
	n = (size_t)nr * v->elem_size;
	for (bad = 0; nr == v->nr_elems && n % page; n++)
		bad += v->elems[n];
	check_num(bad, 0, "sum of the bytes behind the last element");
}

/* Insert, replace, evict and delete all over the map */
static void shape_use(const struct shape *s, int fd)
{
	uint32_t i, n = shape_keys(s);

	for (i = 0; i < 2 * n; i++)
		shape_put(s, fd, i, i);
	for (i = 0; i < n; i += 2)
		shape_delete(s, fd, i);
	for (i = 0; i < n; i += 3)
		shape_put(s, fd, i, i + 5);
}

TEST(content, 0)
{
	size_t i;

	for (i = 0; i < ARRAY_SIZE(shapes); i++) {
		int fd = shape_new(&shapes[i]);
		struct bpfmap_view *v = view_of(fd);

		row("view.header", "%s", shapes[i].name);
		check_header(&shapes[i], v);
		shape_use(&shapes[i], fd);
		row("view.content", "%s", shapes[i].name);
		check_content(v);
		bpfmap_view_close(v);
		close(fd);
	}
}

static sigjmp_buf back;

static void on_bus(int sig)
{
	siglongjmp(back, sig);
}

static int touch(const volatile unsigned char *at)
{
	int sig = sigsetjmp(back, 1);

	if (!sig)
		(void)*at;
	return sig;
}

TEST(absent_parts, 0)
{
	const struct shape *s = &shapes[7];
	int fd = shape_new(s);
	struct bpfmap_view *v = view_of(fd);
	const unsigned char *last = v->elems + (v->nr_elems - 1) * v->elem_size;
	uint32_t i;

	row("view.absent", "%s", s->name);
	signal(SIGBUS, on_bus);
	check_num(touch(v->elems), SIGBUS, "element 0 of an empty map");
	check_num(touch((const void *)v->heads), 0, "heads");
	check_ret(shape_put(s, fd, 1, 1), 0, "UPDATE");
	check_num(touch(v->elems), 0, "element 0");
	check(v->header->nr_ready && v->header->nr_ready < v->nr_elems,
	      "nr_ready %u", v->header->nr_ready);
	check_num(touch(last), SIGBUS, "last element");
	for (i = 0; i < s->max_entries; i++)
		check_ret(shape_put(s, fd, i, 2), 0, "UPDATE");
	check_num(touch(last), 0, "last element of a full map");
	check_num(v->header->nr_ready, v->nr_elems, "nr_ready");
	signal(SIGBUS, SIG_DFL);
	bpfmap_view_close(v);
	close(fd);
}

/* ------------------------------------------------------------------------- */
/* Lifetime: [view.holds], [view.freeze] */

TEST(keeps_the_map, 0)
{
	const struct shape *s = &shapes[0];
	int fd = shape_new(s);
	uint32_t id = map_id(fd);
	void *p = mmap(NULL, page, RO, MAP_SHARED, fd, 0);

	row("view.holds", "a mapping keeps the map");
	close(fd);
	fd = map_get_fd_by_id(id, 0);
	check_ret(fd, GOT_FD, "GET_FD_BY_ID without a descriptor");
	close(fd);
	munmap(p, page);
	check(load_id_gone(id), "the id is gone after munmap");
}

TEST(freeze, 0)
{
	const struct shape *s = &shapes[0];
	int fd = shape_new(s);
	struct bpfmap_view *v = view_of(fd);
	uint64_t key, value;

	row("view.freeze", "a view is no writer");
	check_ret(shape_put(s, fd, 1, 1), 0, "UPDATE");
	check_ret(map_freeze(fd), 0, "FREEZE");
	shape_key(s, 1, &key);
	check_ret(bpfmap_view_lookup(v, &key, &value), 0, "lookup");
	bpfmap_view_close(v);
	close(fd);
}

/* ------------------------------------------------------------------------- */
/* The library's reader against the command: [view.read] */

struct both {
	const struct shape *s;
	struct bpfmap_view *v;
	int fd;
	struct buf key, value, other;
};

static void compare(struct both *b, uint32_t n)
{
	const struct shape *s = b->s;
	const void *at;
	uint32_t seq;
	int want;

	shape_key(s, n, b->key.p);
	want = map_lookup(b->fd, b->key.p, b->other.p, 0);
	check_ret(bpfmap_view_lookup(b->v, b->key.p, b->value.p), want,
		  "lookup of key %u", n);
	at = bpfmap_view_get(b->v, b->key.p, &seq);
	check(want ? !at && errno == ENOENT : !!at, "get of key %u", n);
	if (want)
		return;
	check_mem(b->value.p, b->other.p, s->value_size, "value of %u", n);
	check_mem(at, b->other.p, s->value_size, "value of %u in place", n);
	check(bpfmap_view_unchanged(b->v, at, seq), "unchanged");
}

static void compare_many(struct both *b, uint32_t n)
{
	const struct shape *s = b->s;
	uint32_t i, found = 0;
	uint8_t *keys = calloc(n, s->key_size);
	uint8_t *values = malloc((size_t)n * s->value_size);
	int32_t *results = malloc(n * sizeof(*results));

	for (i = 0; i < n; i++)
		shape_key(s, i, keys + (size_t)i * s->key_size);
	found = bpfmap_view_lookup_many(b->v, keys, values, results, n);
	for (i = 0; i < n; i++) {
		int want = map_lookup(b->fd, keys + (size_t)i * s->key_size,
				      b->other.p, 0);

		check_ret(results[i], want, "many: key %u", i);
		found -= !want;
		if (!want)
			check_mem(values + (size_t)i * s->value_size,
				  b->other.p, s->value_size, "many: %u", i);
	}
	check_num(found, 0, "many: keys found too many");
	free(keys);
	free(values);
	free(results);
}

static int count_elem(const void *key, const void *value, void *ctx)
{
	struct both *b = ctx;

	check_ret(map_lookup(b->fd, key, b->other.p, 0), 0, "key of for_each");
	check_mem(value, b->other.p, b->s->value_size, "value of for_each");
	return 0;
}

static int count_only(const void *key, const void *value, void *ctx)
{
	(void)key;
	(void)value;
	return ++*(int *)ctx == 3 ? 77 : 0;
}

static void compare_all(struct both *b, uint32_t n)
{
	const struct shape *s = b->s;
	long want = 0;
	int seen = 0;
	uint32_t i;

	for (i = 0; i < n; i++)
		compare(b, i);
	compare_many(b, n);
	check_ret(bpfmap_view_for_each(b->v, b->key.p, b->value.p, count_elem,
				       b), 0, "for_each");
	shape_key(s, 0, b->key.p);
	for (i = 0; i < n; i++) {
		shape_key(s, i, b->key.p);
		want += !map_lookup(b->fd, b->key.p, b->other.p, 0);
	}
	seen = -1000000;
	bpfmap_view_for_each(b->v, b->key.p, b->value.p, count_only, &seen);
	check_num(seen + 1000000, want, "elements of for_each");
	seen = 0;
	if (want >= 3)
		check_ret(bpfmap_view_for_each(b->v, b->key.p, b->value.p,
					       count_only, &seen), 77, "stop");
}

static void one_reader(const struct shape *s)
{
	struct both b = { .s = s, .fd = shape_new(s) };
	uint32_t i, n = shape_keys(s), keys = n + n / 2 + 2;
	struct rng r = { 1 };

	b.v = view_of(b.fd);
	b.key = buf_new(s->key_size);
	b.value = buf_new(s->value_size);
	b.other = buf_new(s->value_size);
	if (s->key_size == 1)
		keys = 256;
	compare_all(&b, keys);
	for (i = 0; i < 2 * n + 10; i++) {
		uint32_t key = rnd(&r, keys);

		if (rnd(&r, 3))
			shape_put(s, b.fd, key, i);
		else
			shape_delete(s, b.fd, key);
		compare(&b, rnd(&r, 2) ? key : rnd(&r, keys));
	}
	compare_all(&b, keys);
	bpfmap_view_close(b.v);
	close(b.fd);
}

TEST(reader, 0)
{
	size_t i;

	for (i = 0; i < ARRAY_SIZE(shapes); i++) {
		row("view.read", "%s", shapes[i].name);
		one_reader(&shapes[i]);
	}
}

TEST(opening, 0)
{
	BPFMAP_OPTS(bpfmap_view_opts, opts, .key_size = 8, .value_size = 8);
	int fd = shape_new(&shapes[0]), wronly = reopened(fd, BPFMAP_F_WRONLY);
	struct bpfmap_view *v = bpfmap_view_open(fd, &opts);
	uint64_t key = 5, value = 6;

	row("-", "options of bpfmap_view_open()");
	check(v, "right sizes");
	check_ret(map_update(fd, &key, &value, 0), 0, "UPDATE");
	close(fd);
	check_ret(bpfmap_view_lookup_fixed(v, &key, 8, &value, 8), 0, "fixed");
	check_num(value, 6, "value");
	key = 7;
	check_ret(bpfmap_view_lookup_fixed(v, &key, 8, &value, 8), -ENOENT,
		  "fixed, missing");
	opts.value_size = 16;
	check(!bpfmap_view_open(v->fd, &opts) && errno == EINVAL, "value_size");
	opts.value_size = 0;
	opts.key_size = 4;
	check(!bpfmap_view_open(v->fd, &opts) && errno == EINVAL, "key_size");
	opts.sz = 1;
	check(!bpfmap_view_open(v->fd, &opts) && errno == EINVAL, "sz");
	check(!bpfmap_view_open(wronly, NULL) && errno == EACCES, "WRONLY");
	check(!bpfmap_view_open(closed_fd(), NULL) && errno == EBADF, "closed");
	bpfmap_view_close(v);
	bpfmap_view_close(NULL);
	BPFMAP_OPTS_RESET(opts, .populate = true);
	fd = shape_new(&shapes[8]);
	v = bpfmap_view_open(fd, &opts);
	check(v, "populate, with parts that do not exist");
	bpfmap_view_close(v);
}

TEST_MAIN
