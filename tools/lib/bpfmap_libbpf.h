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
/* These two are functions as well, of which the same is to become */
#define bpf_obj_pin_opts	bpfmap_obj_pin_opts
#define bpf_obj_get_opts	bpfmap_obj_get_opts

#define bpf_log_opts__last_field	bpfmap_log_opts__last_field
#define bpf_map_create_opts__last_field	bpfmap_create_opts__last_field
#define bpf_map_batch_opts__last_field	bpfmap_batch_opts__last_field
#define bpf_get_fd_by_id_opts__last_field bpfmap_get_fd_by_id_opts__last_field
#define bpf_obj_pin_opts__last_field	bpfmap_obj_pin_opts__last_field
#define bpf_obj_get_opts__last_field	bpfmap_obj_get_opts__last_field

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

#ifdef __cplusplus
}
#endif

#endif /* LIBBPFMAP_BPFMAP_LIBBPF_H */
