// SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause
/*
 * Views: look-ups in a mapped map. Sequence counts and chains are those of
 * drivers/bpfmap/hash.c and array_view.c; "Views" in Documentation/uapi.rst
 * says what a reader may rely on.
 */
#define _GNU_SOURCE /* MAP_POPULATE */
#include <fcntl.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "bpfmap_view.h"
#include "internal.h"

/* Keys whose memory accesses overlap */
#define GROUP 32

static bool header_fits(const struct bpfmap_view_header *h,
			const struct bpfmap_view_opts *opts)
{
	__u32 key_size = OPTS_GET(opts, key_size, 0);
	__u32 value_size = OPTS_GET(opts, value_size, 0);

	return (!key_size || key_size == h->key_size) &&
	       (!value_size || value_size == h->value_size) &&
	       h->size <= SIZE_MAX;
}

/* The first page, or NULL with errno */
static const struct bpfmap_view_header *
map_header(int fd, const struct bpfmap_view_opts *opts)
{
	size_t page = sysconf(_SC_PAGESIZE);
	const struct bpfmap_view_header *h;
	int err = 0;

	h = mmap(NULL, page, PROT_READ, MAP_SHARED, fd, 0);
	if (h == MAP_FAILED)
		return NULL;
	if (h->magic != BPFMAP_VIEW_MAGIC)
		err = EINVAL; /* an ARRAY with BPFMAP_F_MMAPABLE, say */
	else if (h->version != BPFMAP_VIEW_VERSION ||
		 h->header_size < sizeof(*h))
		err = EPROTO;
	else if (!header_fits(h, opts))
		err = EINVAL;
	if (!err)
		return h;
	munmap((void *)h, page);
	errno = err;
	return NULL;
}

/* Exchange the mapping of the first page for one of all */
static const struct bpfmap_view_header *
map_all(int fd, const struct bpfmap_view_opts *opts)
{
	int populate = OPTS_GET(opts, populate, false) ? MAP_POPULATE : 0;
	const struct bpfmap_view_header *h = map_header(fd, opts);
	size_t size;

	if (!h)
		return NULL;
	size = h->size;
	munmap((void *)h, sysconf(_SC_PAGESIZE));
	h = mmap(NULL, size, PROT_READ, MAP_SHARED | populate, fd, 0);
	return h == MAP_FAILED ? NULL : h;
}

static bool is_usual(const struct bpfmap_view *v)
{
	struct bpfmap_view usual = __bpfmap_view_usual(v, v->key_size,
						       v->value_size);

	return v->heads && v->next_off == usual.next_off &&
	       v->seq_off == usual.seq_off && v->hash_off == usual.hash_off &&
	       v->key_off == usual.key_off && v->value_off == usual.value_off &&
	       v->elem_size == usual.elem_size;
}

static void describe(struct bpfmap_view *v, const struct bpfmap_view_header *h)
{
	const unsigned char *base = (const unsigned char *)h;

	v->header = h;
	v->elems = base + h->elems_off;
	v->heads = h->heads_off ? (const void *)(base + h->heads_off) : NULL;
	memcpy(v->hash_state, h->hash_state, sizeof(v->hash_state));
	v->mask = h->mask;
	v->elem_size = h->elem_size;
	v->next_off = h->next_off;
	v->seq_off = h->seq_off;
	v->hash_off = h->hash_off;
	v->key_off = h->key_off;
	v->value_off = h->value_off;
	v->key_size = h->key_size;
	v->value_size = h->value_size;
	v->nr_elems = h->nr_elems;
	v->usual = is_usual(v);
}

struct bpfmap_view *bpfmap_view_open(int fd,
				     const struct bpfmap_view_opts *opts)
{
	const struct bpfmap_view_header *h;
	struct bpfmap_view *v;
	int own;

	if (!OPTS_VALID(opts, bpfmap_view_opts)) {
		errno = EINVAL;
		return NULL;
	}
	own = fcntl(fd, F_DUPFD_CLOEXEC, STDERR_FILENO + 1);
	if (own < 0)
		return NULL;
	v = calloc(1, sizeof(*v));
	h = v ? map_all(own, opts) : NULL;
	if (!h) {
		int err = errno;

		free(v);
		close(own);
		errno = err;
		return NULL;
	}
	describe(v, h);
	v->fd = own;
	return v;
}

void bpfmap_view_close(struct bpfmap_view *v)
{
	if (!v)
		return;
	munmap((void *)v->header, v->header->size);
	close(v->fd);
	free(v);
}

/* As __bpfmap_view_chain() and __bpfmap_view_index() */
static int find(const struct bpfmap_view *v, const void *key, __u32 hash,
		const unsigned char **elem, __u32 *seq)
{
	if (!v->heads)
		return __bpfmap_view_index(v, key, elem, seq);
	return __bpfmap_view_chain(v, key, v->key_size, hash, elem, seq);
}

static inline __u32 hash_of(const struct bpfmap_view *v, const void *key)
{
	if (!v->heads)
		return 0;
	if (v->key_size == 8)
		return __bpfmap_view_hash(v, key, 8);
	return __bpfmap_view_hash(v, key, v->key_size);
}

static __attribute__((noinline)) int
lookup_slowly(const struct bpfmap_view *v, const void *key, __u32 hash,
	      void *value)
{
	const unsigned char *elem;
	int tries, err;
	__u32 seq;

	for (tries = 0; tries < BPFMAP_VIEW_TRIES; tries++) {
		err = find(v, key, hash, &elem, &seq);
		if (err == -ENOENT)
			return err;
		if (!err) {
			memcpy(value, elem + v->value_off, v->value_size);
			if (bpfmap_view_unchanged(v, elem + v->value_off, seq))
				return 0;
		}
	}
	return bpfmap_lookup_elem(v->fd, key, value);
}

/* One attempt inlined, for the most common sizes */
static inline int lookup_hashed(const struct bpfmap_view *v, const void *key,
				__u32 hash, void *value)
{
	struct bpfmap_view usual = __bpfmap_view_usual(v, 8, 8);
	int err;

	if (v->usual && v->key_size == 8 && v->value_size == 8) {
		err = __bpfmap_view_try(&usual, key, 8, hash, value, 8);
		if (err != -EAGAIN)
			return err;
	}
	return lookup_slowly(v, key, hash, value);
}

int bpfmap_view_lookup(const struct bpfmap_view *v, const void *key,
		       void *value)
{
	return lookup_hashed(v, key, hash_of(v, key), value);
}

const void *bpfmap_view_get(const struct bpfmap_view *v, const void *key,
			    __u32 *seq)
{
	__u32 hash = hash_of(v, key);
	const unsigned char *elem;
	int tries, err = -EAGAIN;

	for (tries = 0; tries < BPFMAP_VIEW_TRIES; tries++) {
		err = find(v, key, hash, &elem, seq);
		if (!err && bpfmap_view_unchanged(v, elem + v->value_off, *seq))
			return elem + v->value_off;
		if (err == -ENOENT)
			break;
		err = -EAGAIN;
	}
	errno = -err;
	return NULL;
}

/* Where a reader will look first */
static void prefetch_elem(const struct bpfmap_view *v, __u32 hash)
{
	__u32 link = __atomic_load_n(&v->heads[hash & v->mask],
				     __ATOMIC_RELAXED);
	const unsigned char *elem;

	if (link & BPFMAP_VIEW_END)
		return;
	elem = v->elems + (size_t)link * v->elem_size;
	__builtin_prefetch(elem);
	/* An element of 32 bytes or less is in one cache line */
	if (v->elem_size > 32)
		__builtin_prefetch(elem + v->value_off);
}

static __u32 lookup_group(const struct bpfmap_view *v,
			  const unsigned char *keys, unsigned char *values,
			  __s32 *results, __u32 n)
{
	__u32 i, found = 0, hashes[GROUP];

	for (i = 0; i < n; i++) {
		hashes[i] = hash_of(v, keys + (size_t)i * v->key_size);
		if (v->heads)
			__builtin_prefetch(&v->heads[hashes[i] & v->mask]);
	}
	for (i = 0; v->heads && i < n; i++)
		prefetch_elem(v, hashes[i]);
	for (i = 0; i < n; i++) {
		results[i] = lookup_hashed(v, keys + (size_t)i * v->key_size,
					   hashes[i],
					   values + (size_t)i * v->value_size);
		found += !results[i];
	}
	return found;
}

__u32 bpfmap_view_lookup_many(const struct bpfmap_view *v, const void *keys,
			      void *values, __s32 *results, __u32 n)
{
	const unsigned char *key = keys;
	unsigned char *value = values;
	__u32 at, nr, found = 0;

	for (at = 0; at < n; at += nr) {
		nr = n - at < GROUP ? n - at : GROUP;
		found += lookup_group(v, key + (size_t)at * v->key_size,
				      value + (size_t)at * v->value_size,
				      results + at, nr);
	}
	return found;
}

/* May an element, whose count is odd, be in its chain? Else it is free */
static bool in_chain(const struct bpfmap_view *v, __u32 index)
{
	const unsigned char *elem = v->elems + (size_t)index * v->elem_size;
	__u32 bucket = v->mask & __bpfmap_view_u32(elem, v->hash_off,
						   __ATOMIC_RELAXED);
	__u32 link = __atomic_load_n(&v->heads[bucket], __ATOMIC_ACQUIRE);
	__u32 steps = BPFMAP_VIEW_STEPS;

	while (!(link & BPFMAP_VIEW_END)) {
		if (link == index || !--steps)
			return true;
		elem = v->elems + (size_t)link * v->elem_size;
		link = __bpfmap_view_u32(elem, v->next_off, __ATOMIC_ACQUIRE);
	}
	/* The end of another chain says nothing about this one */
	return link != (BPFMAP_VIEW_END | bucket);
}

/* Copy element @index if there is one: 0, -ENOENT, -EAGAIN: it is being written */
static int copy_elem(const struct bpfmap_view *v, __u32 index, void *key,
		     void *value)
{
	const unsigned char *elem = v->elems + (size_t)index * v->elem_size;
	__u32 seq = __bpfmap_view_u32(elem, v->seq_off, __ATOMIC_ACQUIRE);

	if (v->heads && seq == 1)
		return -ENOENT; /* never used */
	if (v->heads)
		memcpy(key, elem + v->key_off, v->key_size);
	else
		memcpy(key, &index, sizeof(index));
	if (seq & 1)
		return v->heads && !in_chain(v, index) ? -ENOENT : -EAGAIN;
	memcpy(value, elem + v->value_off, v->value_size);
	return bpfmap_view_unchanged(v, elem + v->value_off, seq) ? 0 : -EAGAIN;
}

static int copy_elem_again(const struct bpfmap_view *v, __u32 index, void *key,
			   void *value)
{
	int tries, err = -EAGAIN;

	for (tries = 0; tries < BPFMAP_VIEW_TRIES && err == -EAGAIN; tries++)
		err = copy_elem(v, index, key, value);
	/* If the key that was read is a mixture of two, it is not there */
	return err == -EAGAIN ? bpfmap_lookup_elem(v->fd, key, value) : err;
}

int bpfmap_view_for_each(const struct bpfmap_view *v, void *key, void *value,
			 bpfmap_view_fn fn, void *ctx)
{
	__u32 index, nr = __atomic_load_n(&v->header->nr_ready,
					  __ATOMIC_ACQUIRE);
	int err;

	for (index = 0; index < nr; index++) {
		err = copy_elem(v, index, key, value);
		if (err == -EAGAIN)
			err = copy_elem_again(v, index, key, value);
		if (err)
			continue;
		err = fn(key, value, ctx);
		if (err)
			return err;
	}
	return 0;
}
