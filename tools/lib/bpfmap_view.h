/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * Views: look-ups in a mapped map, without a system call
 *
 * For maps that were created with BPFMAP_F_VIEW. None of it is in libbpf.
 *
 *	struct bpfmap_view *v = bpfmap_view_open(fd, NULL);
 *	...
 *	err = bpfmap_view_lookup(v, &key, &value);
 *
 * Look-ups need no lock and allocate nothing: any number of threads, and signal
 * handlers, may use a view at the same time. Opening and closing are for one
 * thread, not for signal handlers, and no one may use a view while it is closed.
 * After fork() both processes have the view.
 *
 * A copied value is whole: the old one or the new one, of the right key. A key
 * that stays in the map is always found. A reader that keeps losing to writers
 * asks the kernel.
 */
#ifndef LIBBPFMAP_BPFMAP_VIEW_H
#define LIBBPFMAP_BPFMAP_VIEW_H

#include <errno.h>
#include <stdbool.h>

#include "bpfmap.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Attempts that writers interfered with before the kernel is asked */
#define BPFMAP_VIEW_TRIES	16

/* Elements to look at in one attempt; a chain has 256 at most */
#define BPFMAP_VIEW_STEPS	1024

/**
 * struct bpfmap_view - a mapped map; constant, and for this header only
 * @elems: element 0
 * @heads: heads of chains; NULL: an array
 * @hash_state: seed
 * @mask: chains - 1
 * @elem_size: from one element to the next
 * @next_off: from an element to its link, and so on
 * @seq_off: see &struct bpfmap_view_header
 * @hash_off: see &struct bpfmap_view_header
 * @key_off: see &struct bpfmap_view_header
 * @value_off: see &struct bpfmap_view_header
 * @key_size: bytes of a key
 * @value_size: bytes of a value
 * @nr_elems: indexes are below it
 * @usual: the layout is that of __bpfmap_view_usual()
 * @header: start of the mapping
 * @fd: the map
 *
 * A program contains this layout where it uses the functions with constant
 * sizes. It stays as it is in all versions of the library with the same soname.
 */
struct bpfmap_view {
	const unsigned char *elems;
	const __u32 *heads;
	__u64 hash_state[4];
	__u32 mask;
	__u32 elem_size;
	__u32 next_off;
	__u32 seq_off;
	__u32 hash_off;
	__u32 key_off;
	__u32 value_off;
	__u32 key_size;
	__u32 value_size;
	__u32 nr_elems;
	__u32 usual;
	const struct bpfmap_view_header *header;
	int fd;
};

/**
 * struct bpfmap_view_opts - how to open a view
 * @sz: sizeof() of this
 * @key_size: bytes that a key must have; 0: any
 * @value_size: bytes that a value must have; 0: any
 * @populate: set up the page tables now, not at the first access
 */
struct bpfmap_view_opts {
	size_t sz;
	__u32 key_size;
	__u32 value_size;
	bool populate;
	size_t:0;
};

#define bpfmap_view_opts__last_field populate

/**
 * bpfmap_view_open() - map a map
 * @fd: the map, open for reading; remains the caller's
 * @opts: or NULL
 *
 * The view has a descriptor of its own, close-on-exec. It keeps the map alive.
 *
 * Return: the view; NULL with errno ENOTSUPP (524) or EINVAL: the map has no
 * view; EINVAL: sizes differ from those in @opts; EPROTO: a module with another
 * version of the layout; EACCES: @fd is not open for reading; errnos of mmap(2)
 * and of fcntl(2).
 */
BPFMAP_API struct bpfmap_view *
bpfmap_view_open(int fd, const struct bpfmap_view_opts *opts);

/**
 * bpfmap_view_close() - end of a view
 * @v: the view, which no one uses; or NULL
 */
BPFMAP_API void bpfmap_view_close(struct bpfmap_view *v);

/**
 * bpfmap_view_lookup() - copy a value out
 * @v: the view
 * @key: key_size bytes, any alignment; of an array a __u32
 * @value: out: value_size bytes, any alignment; undefined after an error
 *
 * Return: 0, -ENOENT; if the kernel had to be asked, what LOOKUP_ELEM fails
 * with. Sets errno only then.
 */
BPFMAP_API int bpfmap_view_lookup(const struct bpfmap_view *v, const void *key,
				  void *value);

/**
 * bpfmap_view_lookup_many() - copy the values of many keys out
 * @v: the view
 * @keys: @n keys, packed
 * @values: out: values in the same order, packed; undefined where there is none
 * @results: out: 0 or -ENOENT for each, or as bpfmap_view_lookup()
 * @n: how many
 *
 * Faster than one by one if the map is larger than the caches: the waits for
 * memory overlap. There is no moment at which all values were in the map.
 *
 * Return: how many keys were found.
 */
BPFMAP_API __u32 bpfmap_view_lookup_many(const struct bpfmap_view *v,
					 const void *keys, void *values,
					 __s32 *results, __u32 n);

/**
 * bpfmap_view_get() - find a value without copying it
 * @v: the view
 * @key: as bpfmap_view_lookup()
 * @seq: out: for bpfmap_view_unchanged()
 *
 * The pointer remains readable until bpfmap_view_close(). What it points to can
 * change at any time, and after the key was deleted become the value of another
 * key. Whatever was read through it counts only if bpfmap_view_unchanged()
 * returns true afterwards; before that, do not follow indexes in it unchecked.
 *
 * Return: the value, aligned to 8; NULL with errno ENOENT, or EAGAIN: writers
 * interfered BPFMAP_VIEW_TRIES times.
 */
BPFMAP_API const void *bpfmap_view_get(const struct bpfmap_view *v,
				       const void *key, __u32 *seq);

/**
 * bpfmap_view_unchanged() - was all that was read a whole value of the key?
 * @v: the view
 * @value: from bpfmap_view_get()
 * @seq: likewise
 *
 * Return: true if it was.
 */
static inline bool bpfmap_view_unchanged(const struct bpfmap_view *v,
					 const void *value, __u32 seq)
{
	const unsigned char *elem = (const unsigned char *)value - v->value_off;

	/* Pairs with smp_wmb() of the kernel's writers: loads before stay before */
	__atomic_thread_fence(__ATOMIC_ACQUIRE);
	return __atomic_load_n((const __u32 *)(elem + v->seq_off),
			       __ATOMIC_RELAXED) == seq;
}

/**
 * typedef bpfmap_view_fn - called for an element
 * @key: a copy of the key
 * @value: a copy of the value, whole
 * @ctx: of the caller
 *
 * Return: 0 to go on, anything else to stop.
 */
typedef int (*bpfmap_view_fn)(const void *key, const void *value, void *ctx);

/**
 * bpfmap_view_for_each() - go through all elements, in the order of memory
 * @v: the view
 * @key: key_size bytes for the copies of keys
 * @value: value_size bytes for the copies of values
 * @fn: called for each element
 * @ctx: passed to @fn
 *
 * An element that is in the map all the time is visited exactly once. One that
 * is inserted or deleted meanwhile may be visited or not; one that is deleted
 * and inserted again even twice.
 *
 * Return: 0, or the result of @fn that was not 0.
 */
BPFMAP_API int bpfmap_view_for_each(const struct bpfmap_view *v, void *key,
				    void *value, bpfmap_view_fn fn, void *ctx);

/* --- look-ups with constant sizes, to be inlined --- */

#define __bpfmap_view_inline static inline __attribute__((always_inline))

__bpfmap_view_inline __u64 __bpfmap_view_rol(__u64 x, int n)
{
	return x << n | x >> (64 - n);
}

/* SipRound in two parts, as in the uapi guide */
__bpfmap_view_inline void __bpfmap_view_half_1(__u64 s[4])
{
	s[0] += s[1];
	s[1] = __bpfmap_view_rol(s[1], 13) ^ s[0];
	s[0] = __bpfmap_view_rol(s[0], 32);
}

__bpfmap_view_inline void __bpfmap_view_half_2(__u64 s[4])
{
	s[2] += s[3];
	s[3] = __bpfmap_view_rol(s[3], 16) ^ s[2];
	s[0] += s[3];
	s[3] = __bpfmap_view_rol(s[3], 21) ^ s[0];
	s[2] += s[1];
	s[1] = __bpfmap_view_rol(s[1], 17) ^ s[2];
	s[2] = __bpfmap_view_rol(s[2], 32);
}

__bpfmap_view_inline __u64 __bpfmap_view_block(const unsigned char *key,
					       __u32 at, __u32 size)
{
	__u32 first, last;
	__u64 block;

	if (size >= 8) {
		memcpy(&block, key + (at < size - 8 ? at : size - 8), 8);
		return block;
	}
	if (size < 4)
		return key[0] | key[size / 2] << 8 | key[size - 1] << 16;
	memcpy(&first, key, 4);
	memcpy(&last, key + size - 4, 4);
	return first | (__u64)last << 32;
}

__bpfmap_view_inline __u32 __bpfmap_view_hash(const struct bpfmap_view *v,
					      const void *key, __u32 size)
{
	__u64 block, s[4] = { v->hash_state[0], v->hash_state[1],
			      v->hash_state[2], v->hash_state[3] };
	__u32 at = 0;

	for (;;) {
		block = __bpfmap_view_block((const unsigned char *)key, at,
					    size);
		s[3] ^= block;
		__bpfmap_view_half_2(s);
		s[0] ^= block;
		at += 8;
		if (at >= size)
			break;
		__bpfmap_view_half_1(s);
	}
	s[2] ^= 0xff;
	__bpfmap_view_half_1(s);
	__bpfmap_view_half_2(s);
	__bpfmap_view_half_1(s);
	__bpfmap_view_half_2(s);
	__bpfmap_view_half_1(s);
	__bpfmap_view_half_2(s);
	return (__u32)(s[0] ^ s[1] ^ s[2] ^ s[3]);
}

__bpfmap_view_inline __u32 __bpfmap_view_u32(const unsigned char *elem,
					     __u32 off, int order)
{
	return __atomic_load_n((const __u32 *)(elem + off), order);
}

/* The hash saves comparing keys, but comparing a word is as fast */
__bpfmap_view_inline bool __bpfmap_view_matches(const struct bpfmap_view *v,
						const unsigned char *elem,
						const void *key, __u32 key_size,
						__u32 hash)
{
	if (key_size != 8 && key_size != 4 &&
	    __bpfmap_view_u32(elem, v->hash_off, __ATOMIC_RELAXED) != hash)
		return false;
	return !memcmp(elem + v->key_off, key, key_size);
}

/*
 * One attempt to find a key in a chain. Returns 0 with the element and its even
 * count, -ENOENT, or -EAGAIN: a writer interfered.
 */
__bpfmap_view_inline int __bpfmap_view_chain(const struct bpfmap_view *v,
					     const void *key, __u32 key_size,
					     __u32 hash,
					     const unsigned char **elem,
					     __u32 *seq)
{
	__u32 bucket = hash & v->mask, steps = BPFMAP_VIEW_STEPS;
	/* Pairs with smp_store_release() of the kernel: the element is filled */
	__u32 link = __atomic_load_n(&v->heads[bucket], __ATOMIC_ACQUIRE);

	while (!(link & BPFMAP_VIEW_END)) {
		*elem = v->elems + (size_t)link * v->elem_size;
		/* Pairs with smp_store_release() of the kernel's writers */
		*seq = __bpfmap_view_u32(*elem, v->seq_off, __ATOMIC_ACQUIRE);
		if (__bpfmap_view_matches(v, *elem, key, key_size, hash))
			return *seq & 1 ? -EAGAIN : 0;
		link = __bpfmap_view_u32(*elem, v->next_off, __ATOMIC_ACQUIRE);
		/* Carried from chain to chain by writers */
		if (__builtin_expect(!--steps, 0))
			return -EAGAIN;
	}
	/* The end of another chain: the element moved while it was read */
	return link == (BPFMAP_VIEW_END | bucket) ? -ENOENT : -EAGAIN;
}

__bpfmap_view_inline int __bpfmap_view_index(const struct bpfmap_view *v,
					     const void *key,
					     const unsigned char **elem,
					     __u32 *seq)
{
	__u32 index;

	memcpy(&index, key, sizeof(index));
	if (index >= v->nr_elems)
		return -ENOENT;
	*elem = v->elems + (size_t)index * v->elem_size;
	*seq = __bpfmap_view_u32(*elem, v->seq_off, __ATOMIC_ACQUIRE);
	return *seq & 1 ? -EAGAIN : 0;
}

/* One attempt to copy the value of a key of a hash */
__bpfmap_view_inline int __bpfmap_view_try(const struct bpfmap_view *v,
					   const void *key, __u32 key_size,
					   __u32 hash, void *value,
					   __u32 value_size)
{
	const unsigned char *elem;
	__u32 seq;
	int err;

	err = __bpfmap_view_chain(v, key, key_size, hash, &elem, &seq);
	if (err)
		return err;
	memcpy(value, elem + v->value_off, value_size);
	return __builtin_expect(bpfmap_view_unchanged(v, elem + v->value_off,
						      seq), 1) ? 0 : -EAGAIN;
}

/*
 * A hash as modules lay it out today, with what the compiler then knows. The
 * header of a map says whether it is so: other layouts go the way of all sizes.
 */
__bpfmap_view_inline struct bpfmap_view
__bpfmap_view_usual(const struct bpfmap_view *v, __u32 key_size,
		    __u32 value_size)
{
	struct bpfmap_view usual = *v;

	usual.next_off = 4;
	usual.seq_off = 8;
	usual.hash_off = 12;
	usual.key_off = 16;
	usual.value_off = 16 + (key_size + 7) / 8 * 8;
	usual.elem_size = usual.value_off + (value_size + 7) / 8 * 8;
	return usual;
}

/**
 * bpfmap_view_lookup_fixed() - bpfmap_view_lookup() in a hash, inlined
 * @v: the view of a HASH or LRU_HASH
 * @key: the key
 * @key_size: of the map, a constant; bpfmap_view_open() can check it
 * @value: out: the value
 * @value_size: likewise
 *
 * Return: as bpfmap_view_lookup().
 */
__bpfmap_view_inline int bpfmap_view_lookup_fixed(const struct bpfmap_view *v,
						  const void *key,
						  __u32 key_size, void *value,
						  __u32 value_size)
{
	struct bpfmap_view usual = __bpfmap_view_usual(v, key_size, value_size);
	int err = -EAGAIN;

	if (__builtin_expect(v->usual, 1))
		err = __bpfmap_view_try(&usual, key, key_size,
					__bpfmap_view_hash(v, key, key_size),
					value, value_size);
	if (__builtin_expect(err == -EAGAIN, 0))
		return bpfmap_view_lookup(v, key, value);
	return err;
}

#ifdef __cplusplus
}
#endif

#endif /* LIBBPFMAP_BPFMAP_VIEW_H */
