/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * bpfmap - maps for other kernel modules
 *
 * Maps created here and through /dev/bpfmap are the same: get a user's map with
 * bpfmap_get_from_fd(), or create one and pass it to user space with
 * bpfmap_install_fd().
 *
 * Keys are key_size bytes, values value_size bytes of kernel memory. A key, or
 * a Bloom filter's value, whose size is a multiple of 4 must be aligned to 4
 * bytes; nothing else needs to be aligned. The result of a look-up is aligned
 * to 8 bytes. In maps with one value per CPU, lookup, update and copy use the
 * value of the running CPU unless a CPU is named.
 *
 * Values larger than 64 KiB are neither copied nor stored here: -EOPNOTSUPP.
 * That would keep a CPU in atomic context for too long. bpfmap_lookup_elem()
 * and bpfmap_delete_elem() have no such limit, nor has user space.
 *
 * A map of maps contains maps instead of values and has its own functions for
 * them; the other functions read ids.
 *
 * Freezing a map and the access mode of a descriptor restrict user space only.
 */
#ifndef _LINUX_BPFMAP_H
#define _LINUX_BPFMAP_H

#include <linux/err.h>
#include <linux/types.h>
#include <uapi/linux/bpfmap.h>

/* Version of everything here; promises: Documentation/changes.rst */
#define BPFMAP_VERSION "1.0.0"

struct bpfmap;

/**
 * typedef bpfmap_each_fn - callback of bpfmap_for_each_elem()
 * @map: the map
 * @key: key of the element
 * @value: value of the element, of this CPU for per-CPU types; a direct
 *	   reference, as from bpfmap_lookup_elem()
 * @ctx: passed to bpfmap_for_each_elem()
 *
 * Runs inside an RCU read-side critical section and must not sleep. For per-CPU
 * types the CPU stays the same, but another task or an interrupt on it can
 * write to @value meanwhile. The callback may look up, update and delete
 * elements of @map and of others, and call bpfmap_put() if the caller of
 * bpfmap_for_each_elem() may do so.
 *
 * Return: 0 to continue, 1 to stop.
 */
typedef long (*bpfmap_each_fn)(struct bpfmap *map, const void *key, void *value,
			       void *ctx);

/**
 * typedef bpfmap_sample_fn - callback of bpfmap_user_ringbuf_drain()
 * @map: the ring buffer
 * @sample: @size bytes, aligned to 8, which user space can change meanwhile
 * @size: of the sample
 * @ctx: passed to bpfmap_user_ringbuf_drain()
 *
 * Return: 0 to continue, 1 to stop after this sample.
 */
typedef long (*bpfmap_sample_fn)(struct bpfmap *map, const void *sample,
				 u32 size, void *ctx);

/* Lifetime */
struct bpfmap *bpfmap_create(const struct bpfmap_create_attr *attr);
struct bpfmap *bpfmap_create_outer(const struct bpfmap_create_attr *attr,
				   const struct bpfmap *like);
struct bpfmap *bpfmap_get_from_fd(int fd);
struct bpfmap *bpfmap_get(struct bpfmap *map);
bool bpfmap_tryget(struct bpfmap *map);
void bpfmap_put(struct bpfmap *map);
int bpfmap_install_fd(struct bpfmap *map, unsigned int open_flags);

/* Properties of a map */
u32 bpfmap_type(const struct bpfmap *map);
u32 bpfmap_id(const struct bpfmap *map);
u32 bpfmap_key_size(const struct bpfmap *map);
u32 bpfmap_value_size(const struct bpfmap *map);
u32 bpfmap_max_entries(const struct bpfmap *map);

/* Elements */
void *bpfmap_lookup_elem(struct bpfmap *map, const void *key);
u32 bpfmap_lookup_many(struct bpfmap *map, const void *keys, void **values,
		       u32 nr);
void *bpfmap_lookup_percpu_elem(struct bpfmap *map, const void *key, u32 cpu);
int bpfmap_copy_elem(struct bpfmap *map, const void *key, void *value,
		     u64 flags);
int bpfmap_update_elem(struct bpfmap *map, const void *key, const void *value,
		       u64 flags);
int bpfmap_delete_elem(struct bpfmap *map, const void *key);
int bpfmap_get_next_key(struct bpfmap *map, const void *key, void *next_key);
long bpfmap_for_each_elem(struct bpfmap *map, bpfmap_each_fn fn, void *ctx,
			  u64 flags);

/* Elements of maps of maps */
int bpfmap_set_inner(struct bpfmap *outer, const void *key,
		     struct bpfmap *inner, u64 flags);
struct bpfmap *bpfmap_lookup_inner(struct bpfmap *outer, const void *key);
/* Elements of maps without keys: queues, stacks, Bloom filters */
int bpfmap_push_elem(struct bpfmap *map, const void *value, u64 flags);
int bpfmap_pop_elem(struct bpfmap *map, void *value);
int bpfmap_peek_elem(struct bpfmap *map, void *value);

/* Arenas: pages at user addresses */
long bpfmap_arena_alloc_pages(struct bpfmap *map, unsigned long addr, u32 nr,
			      int node, u64 flags);
int bpfmap_arena_free_pages(struct bpfmap *map, unsigned long addr, u32 nr);
void *bpfmap_arena_kaddr(struct bpfmap *map, unsigned long addr);

/* Records to user space: BPFMAP_TYPE_RINGBUF */
void *bpfmap_ringbuf_reserve(struct bpfmap *map, u64 size, u64 flags);
void bpfmap_ringbuf_submit(void *record, u64 flags);
void bpfmap_ringbuf_discard(void *record, u64 flags);
int bpfmap_ringbuf_output(struct bpfmap *map, const void *data, u64 size,
			  u64 flags);
u64 bpfmap_ringbuf_query(struct bpfmap *map, u64 what);

/* Samples from user space: BPFMAP_TYPE_USER_RINGBUF */
long bpfmap_user_ringbuf_drain(struct bpfmap *map, bpfmap_sample_fn fn,
			       void *ctx, u64 flags);

#endif /* _LINUX_BPFMAP_H */
