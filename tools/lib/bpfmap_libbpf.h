/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * libbpf's names for libbpfmap
 *
 * Lets source that was written for libbpf's map functions compile unchanged
 * and run on /dev/bpfmap. Such source includes <bpf/bpf.h>; the directory
 * compat/ has headers of that name which lead here, so nothing more is needed
 * than -I.../compat in front of the other paths, and -lbpfmap for -lbpf.
 *
 * The functions are inline and of libbpf's exact types. The option structs are
 * libbpfmap's under libbpf's tags. A source file sees either this header or
 * the real ones of libbpf, but a program may have files of both kinds.
 */
#ifndef LIBBPFMAP_BPFMAP_LIBBPF_H
#define LIBBPFMAP_BPFMAP_LIBBPF_H

#if defined(__LIBBPF_BPF_H) || defined(__LIBBPF_LIBBPF_H)
#error "libbpf's own headers are included already"
#endif

#include <stdbool.h>
#include <stdint.h>
#include <linux/bpf.h>

#include "bpfmap.h"

#define LIBBPF_API
#define LIBBPF_OPTS		BPFMAP_OPTS
#define DECLARE_LIBBPF_OPTS	BPFMAP_OPTS
#define LIBBPF_OPTS_RESET	BPFMAP_OPTS_RESET

#define bpf_log_opts		bpfmap_log_opts
#define bpf_map_create_opts	bpfmap_create_opts
#define bpf_map_batch_opts	bpfmap_batch_opts
#define bpf_get_fd_by_id_opts	bpfmap_get_fd_by_id_opts
/* These two names are functions as well, and are renamed alike */
#define bpf_obj_pin_opts	bpfmap_obj_pin_opts
#define bpf_obj_get_opts	bpfmap_obj_get_opts

#define bpf_log_opts__last_field	bpfmap_log_opts__last_field
#define bpf_map_create_opts__last_field	bpfmap_create_opts__last_field
#define bpf_map_batch_opts__last_field	bpfmap_batch_opts__last_field
#define bpf_get_fd_by_id_opts__last_field bpfmap_get_fd_by_id_opts__last_field
#define bpf_obj_pin_opts__last_field	bpfmap_obj_pin_opts__last_field
#define bpf_obj_get_opts__last_field	bpfmap_obj_get_opts__last_field

#define ring_buffer_opts	bpfmap_ring_buffer_opts
#define user_ring_buffer_opts	bpfmap_user_ring_buffer_opts

#define ring_buffer_opts__last_field	bpfmap_ring_buffer_opts__last_field
#define user_ring_buffer_opts__last_field \
	bpfmap_user_ring_buffer_opts__last_field

#ifdef __cplusplus
extern "C" {
#endif

static inline int bpf_map_create(enum bpf_map_type map_type,
				 const char *map_name, __u32 key_size,
				 __u32 value_size, __u32 max_entries,
				 const struct bpf_map_create_opts *opts)
{
	return bpfmap_create((enum bpfmap_type)map_type, map_name, key_size,
			     value_size, max_entries, opts);
}

static inline int bpf_map_update_elem(int fd, const void *key,
				      const void *value, __u64 flags)
{
	return bpfmap_update_elem(fd, key, value, flags);
}

static inline int bpf_map_lookup_elem(int fd, const void *key, void *value)
{
	return bpfmap_lookup_elem(fd, key, value);
}

static inline int bpf_map_lookup_elem_flags(int fd, const void *key,
					    void *value, __u64 flags)
{
	return bpfmap_lookup_elem_flags(fd, key, value, flags);
}

static inline int bpf_map_lookup_and_delete_elem(int fd, const void *key,
						 void *value)
{
	return bpfmap_lookup_and_delete_elem(fd, key, value);
}

static inline int bpf_map_lookup_and_delete_elem_flags(int fd, const void *key,
						       void *value, __u64 flags)
{
	return bpfmap_lookup_and_delete_elem_flags(fd, key, value, flags);
}

static inline int bpf_map_delete_elem(int fd, const void *key)
{
	return bpfmap_delete_elem(fd, key);
}

static inline int bpf_map_delete_elem_flags(int fd, const void *key,
					    __u64 flags)
{
	return bpfmap_delete_elem_flags(fd, key, flags);
}

static inline int bpf_map_get_next_key(int fd, const void *key, void *next_key)
{
	return bpfmap_get_next_key(fd, key, next_key);
}

static inline int bpf_map_freeze(int fd)
{
	return bpfmap_freeze(fd);
}

static inline int bpf_map_delete_batch(int fd, const void *keys, __u32 *count,
				       const struct bpf_map_batch_opts *opts)
{
	return bpfmap_delete_batch(fd, keys, count, opts);
}

static inline int bpf_map_lookup_batch(int fd, void *in_batch, void *out_batch,
				       void *keys, void *values, __u32 *count,
				       const struct bpf_map_batch_opts *opts)
{
	return bpfmap_lookup_batch(fd, in_batch, out_batch, keys, values, count,
				   opts);
}

static inline int
bpf_map_lookup_and_delete_batch(int fd, void *in_batch, void *out_batch,
				void *keys, void *values, __u32 *count,
				const struct bpf_map_batch_opts *opts)
{
	return bpfmap_lookup_and_delete_batch(fd, in_batch, out_batch, keys,
					      values, count, opts);
}

static inline int bpf_map_update_batch(int fd, const void *keys,
				       const void *values, __u32 *count,
				       const struct bpf_map_batch_opts *opts)
{
	return bpfmap_update_batch(fd, keys, values, count, opts);
}

static inline int bpf_map_get_next_id(__u32 start_id, __u32 *next_id)
{
	return bpfmap_get_next_id(start_id, next_id);
}

static inline int bpf_map_get_fd_by_id(__u32 id)
{
	return bpfmap_get_fd_by_id(id);
}

static inline int
bpf_map_get_fd_by_id_opts(__u32 id, const struct bpf_get_fd_by_id_opts *opts)
{
	return bpfmap_get_fd_by_id_opts(id, opts);
}

static inline int bpf_obj_get_info_by_fd(int bpf_fd, void *info,
					 __u32 *info_len)
{
	return bpfmap_obj_get_info_by_fd(bpf_fd, info, info_len);
}

/* struct bpf_map_info may be older and shorter than ours: *info_len tells */
static inline int bpf_map_get_info_by_fd(int map_fd, struct bpf_map_info *info,
					 __u32 *info_len)
{
	return bpfmap_obj_get_info_by_fd(map_fd, info, info_len);
}

static inline int bpf_obj_pin(int fd, const char *pathname)
{
	return bpfmap_obj_pin(fd, pathname);
}

static inline int bpf_obj_get(const char *pathname)
{
	return bpfmap_obj_get(pathname);
}

static inline int libbpf_num_possible_cpus(void)
{
	return bpfmap_num_possible_cpus();
}

static inline const char *libbpf_bpf_map_type_str(enum bpf_map_type t)
{
	return bpfmap_type_str((enum bpfmap_type)t);
}

/*
 * Ring buffers: their structs are never seen from inside, so that libbpf's tags
 * can be those of other types
 */
struct ring_buffer;
struct ring;
struct user_ring_buffer;

typedef int (*ring_buffer_sample_fn)(void *ctx, void *data, size_t size);

static inline struct ring_buffer *
ring_buffer__new(int map_fd, ring_buffer_sample_fn sample_cb, void *ctx,
		 const struct ring_buffer_opts *opts)
{
	return (struct ring_buffer *)bpfmap_ring_buffer_new(map_fd, sample_cb,
							    ctx, opts);
}

static inline void ring_buffer__free(struct ring_buffer *rb)
{
	bpfmap_ring_buffer_free((struct bpfmap_ring_buffer *)rb);
}

static inline int ring_buffer__add(struct ring_buffer *rb, int map_fd,
				   ring_buffer_sample_fn sample_cb, void *ctx)
{
	return bpfmap_ring_buffer_add((struct bpfmap_ring_buffer *)rb, map_fd,
				      sample_cb, ctx);
}

static inline int ring_buffer__poll(struct ring_buffer *rb, int timeout_ms)
{
	return bpfmap_ring_buffer_poll((struct bpfmap_ring_buffer *)rb,
				       timeout_ms);
}

static inline int ring_buffer__consume(struct ring_buffer *rb)
{
	return bpfmap_ring_buffer_consume((struct bpfmap_ring_buffer *)rb);
}

static inline int ring_buffer__consume_n(struct ring_buffer *rb, size_t n)
{
	return bpfmap_ring_buffer_consume_n((struct bpfmap_ring_buffer *)rb, n);
}

static inline int ring_buffer__epoll_fd(const struct ring_buffer *rb)
{
	return bpfmap_ring_buffer_epoll_fd((const struct bpfmap_ring_buffer *)rb);
}

static inline struct ring *ring_buffer__ring(struct ring_buffer *rb,
					     unsigned int idx)
{
	return (struct ring *)bpfmap_ring_buffer_ring((struct bpfmap_ring_buffer *)rb,
						      idx);
}

static inline unsigned long ring__consumer_pos(const struct ring *r)
{
	return bpfmap_ring_consumer_pos((const struct bpfmap_ring *)r);
}

static inline unsigned long ring__producer_pos(const struct ring *r)
{
	return bpfmap_ring_producer_pos((const struct bpfmap_ring *)r);
}

static inline size_t ring__avail_data_size(const struct ring *r)
{
	return bpfmap_ring_avail_data_size((const struct bpfmap_ring *)r);
}

static inline size_t ring__size(const struct ring *r)
{
	return bpfmap_ring_size((const struct bpfmap_ring *)r);
}

static inline int ring__map_fd(const struct ring *r)
{
	return bpfmap_ring_map_fd((const struct bpfmap_ring *)r);
}

static inline int ring__consume(struct ring *r)
{
	return bpfmap_ring_consume((struct bpfmap_ring *)r);
}

static inline int ring__consume_n(struct ring *r, size_t n)
{
	return bpfmap_ring_consume_n((struct bpfmap_ring *)r, n);
}

static inline struct user_ring_buffer *
user_ring_buffer__new(int map_fd, const struct user_ring_buffer_opts *opts)
{
	return (struct user_ring_buffer *)bpfmap_user_ring_buffer_new(map_fd,
								      opts);
}

static inline void *user_ring_buffer__reserve(struct user_ring_buffer *rb,
					      __u32 size)
{
	return bpfmap_user_ring_buffer_reserve((struct bpfmap_user_ring_buffer *)rb,
					       size);
}

static inline void *
user_ring_buffer__reserve_blocking(struct user_ring_buffer *rb, __u32 size,
				   int timeout_ms)
{
	struct bpfmap_user_ring_buffer *u = (struct bpfmap_user_ring_buffer *)rb;

	return bpfmap_user_ring_buffer_reserve_blocking(u, size, timeout_ms);
}

static inline void user_ring_buffer__submit(struct user_ring_buffer *rb,
					    void *sample)
{
	bpfmap_user_ring_buffer_submit((struct bpfmap_user_ring_buffer *)rb,
				       sample);
}

static inline void user_ring_buffer__discard(struct user_ring_buffer *rb,
					     void *sample)
{
	bpfmap_user_ring_buffer_discard((struct bpfmap_user_ring_buffer *)rb,
					sample);
}

static inline void user_ring_buffer__free(struct user_ring_buffer *rb)
{
	bpfmap_user_ring_buffer_free((struct bpfmap_user_ring_buffer *)rb);
}

#ifdef __cplusplus
}
#endif

#endif /* LIBBPFMAP_BPFMAP_LIBBPF_H */
