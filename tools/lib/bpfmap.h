/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * libbpfmap - the map functions of libbpf on /dev/bpfmap
 *
 * Every function that does not say otherwise is libbpf's of the same purpose, with
 * the same arguments and the same result; only the name differs, by one rule: a
 * leading "libbpf_" or "bpf_", and a "bpf_map_" or "map_" that follows it, become
 * "bpfmap_".
 *
 *	bpf_map_update_elem()		bpfmap_update_elem()
 *	bpf_obj_get_info_by_fd()	bpfmap_obj_get_info_by_fd()
 *	struct bpf_map_batch_opts	struct bpfmap_batch_opts
 *	libbpf_num_possible_cpus()	bpfmap_num_possible_cpus()
 *	libbpf_bpf_map_type_str()	bpfmap_type_str()
 *
 * Source that is to keep libbpf's names includes bpfmap_libbpf.h instead.
 *
 * Functions return 0, or a descriptor which is never below 3, or a negative
 * errno; errno is then set as well. Options may be NULL. Their member sz is
 * sizeof() of what the caller was compiled with, which BPFMAP_OPTS() sets; a
 * size below sizeof(size_t) and non-zero members that this library does not
 * know are -EINVAL.
 *
 * All functions may be called from any thread at any time, but see ring buffers.
 */
#ifndef LIBBPFMAP_BPFMAP_H
#define LIBBPFMAP_BPFMAP_H

#include <stddef.h>
#include <string.h>
#include <linux/bpfmap.h>

#ifdef __cplusplus
extern "C" {
#endif

#define BPFMAP_API __attribute__((visibility("default")))

/*
 * BPFMAP_OPTS() - declare options @NAME of struct @TYPE and set some members:
 *
 *	BPFMAP_OPTS(bpfmap_create_opts, opts, .map_flags = BPFMAP_F_RDONLY);
 *
 * All other members and the padding are zero.
 */
#define BPFMAP_OPTS(TYPE, NAME, ...)					\
	struct TYPE NAME = ({						\
		memset(&NAME, 0, sizeof(struct TYPE));			\
		(struct TYPE) {						\
			.sz = sizeof(struct TYPE),			\
			__VA_ARGS__					\
		};							\
	})

/* BPFMAP_OPTS_RESET() - the same for options that are declared already */
#define BPFMAP_OPTS_RESET(NAME, ...)					\
	do {								\
		__typeof__(NAME) ___##NAME;				\
									\
		memset(&___##NAME, 0, sizeof(NAME));			\
		___##NAME = (__typeof__(NAME)) {			\
			.sz = sizeof(NAME),				\
			__VA_ARGS__					\
		};							\
		memcpy(&NAME, &___##NAME, sizeof(NAME));		\
	} while (0)

/* Where bpf(2) tells why it refuses a map; the device has nothing to tell */
struct bpfmap_log_opts {
	size_t sz;
	char *buf;
	__u32 size;
	__u32 level;
	__u32 true_size; /* out: always 0 */
	size_t:0;
};

#define bpfmap_log_opts__last_field true_size

struct bpfmap_create_opts {
	size_t sz;
	__u32 btf_fd;
	__u32 btf_key_type_id;
	__u32 btf_value_type_id;
	__u32 btf_vmlinux_value_type_id;
	__u32 inner_map_fd;
	__u32 map_flags;
	__u64 map_extra;
	__u32 numa_node;
	__u32 map_ifindex;
	__s32 value_type_btf_obj_fd;
	__u32 token_fd;
	const void *excl_prog_hash;
	__u32 excl_prog_hash_size;
	struct bpfmap_log_opts *log_opts;
	size_t:0;
};

#define bpfmap_create_opts__last_field log_opts

/*
 * bpfmap_create() - make a map
 *
 * Opens /dev/bpfmap at the first call and keeps it open (close-on-exec), so
 * that a process can give up its right to open the device afterwards. Fails
 * as open(2) does, say with -ENOENT without the module and with -EACCES
 * without permission. @map_name may be NULL and is cut to 15 bytes.
 */
BPFMAP_API int bpfmap_create(enum bpfmap_type map_type, const char *map_name,
			     __u32 key_size, __u32 value_size,
			     __u32 max_entries,
			     const struct bpfmap_create_opts *opts);

BPFMAP_API int bpfmap_update_elem(int fd, const void *key, const void *value,
				  __u64 flags);
BPFMAP_API int bpfmap_lookup_elem(int fd, const void *key, void *value);
BPFMAP_API int bpfmap_lookup_elem_flags(int fd, const void *key, void *value,
					__u64 flags);
BPFMAP_API int bpfmap_lookup_and_delete_elem(int fd, const void *key,
					     void *value);
BPFMAP_API int bpfmap_lookup_and_delete_elem_flags(int fd, const void *key,
						   void *value, __u64 flags);

/*
 * bpfmap_pop_wait() - take an element out of a queue or stack, or wait for one
 *
 * Not in libbpf: bpf(2)'s maps cannot be waited for. Waits @timeout_ms
 * milliseconds at most, a negative number for ever; 0 looks just once. Any
 * number of threads and processes may wait for the same map, which each element
 * reaches one of.
 *
 * Returns 0 with @value filled; -ETIMEDOUT if there was nothing all the time;
 * -EINTR if a signal handler ran; else what bpfmap_lookup_and_delete_elem()
 * fails with, say -EFAULT for a map with keys and -EPERM for a frozen one.
 */
BPFMAP_API int bpfmap_pop_wait(int fd, void *value, int timeout_ms);

BPFMAP_API int bpfmap_delete_elem(int fd, const void *key);
/* Flags other than 0 are -EINVAL, as in bpf(2) */
BPFMAP_API int bpfmap_delete_elem_flags(int fd, const void *key, __u64 flags);
BPFMAP_API int bpfmap_get_next_key(int fd, const void *key, void *next_key);
BPFMAP_API int bpfmap_freeze(int fd);

struct bpfmap_batch_opts {
	size_t sz;
	__u64 elem_flags;
	__u64 flags;
};

#define bpfmap_batch_opts__last_field flags

/*
 * Batches: *count says how many elements there is room for, or are given. After
 * any call that reached the kernel it says how many were done.
 */
BPFMAP_API int bpfmap_delete_batch(int fd, const void *keys, __u32 *count,
				   const struct bpfmap_batch_opts *opts);
BPFMAP_API int bpfmap_lookup_batch(int fd, void *in_batch, void *out_batch,
				   void *keys, void *values, __u32 *count,
				   const struct bpfmap_batch_opts *opts);
BPFMAP_API int
bpfmap_lookup_and_delete_batch(int fd, void *in_batch, void *out_batch,
			       void *keys, void *values, __u32 *count,
			       const struct bpfmap_batch_opts *opts);
BPFMAP_API int bpfmap_update_batch(int fd, const void *keys,
				   const void *values, __u32 *count,
				   const struct bpfmap_batch_opts *opts);

/*
 * bpfmap_batch_can_resume() - does the module know BPFMAP_BATCH_F_RESUME?
 *
 * Not in libbpf. An older module does not look at the flag where the cursor is a
 * key, so that a walk cannot tell. Makes a map of one element for a moment.
 *
 * Returns 1 or 0, or what bpfmap_create() fails with.
 */
BPFMAP_API int bpfmap_batch_can_resume(void);

/*
 * Many keys in one call, in any order; not in libbpf. *count as for batches.
 * results[i] is what the function on one element would return for key i: 0 or
 * -errno. A key that is absent does not end the call; its value is zeros.
 *
 * Returns 0 if all elements have a result.
 */
BPFMAP_API int bpfmap_lookup_many(int fd, const void *keys, void *values,
				  __s32 *results, __u32 *count,
				  const struct bpfmap_batch_opts *opts);
BPFMAP_API int
bpfmap_lookup_and_delete_many(int fd, const void *keys, void *values,
			      __s32 *results, __u32 *count,
			      const struct bpfmap_batch_opts *opts);
BPFMAP_API int bpfmap_update_many(int fd, const void *keys, const void *values,
				  __s32 *results, __u32 *count,
				  const struct bpfmap_batch_opts *opts);
BPFMAP_API int bpfmap_delete_many(int fd, const void *keys, __s32 *results,
				  __u32 *count,
				  const struct bpfmap_batch_opts *opts);

struct bpfmap_get_fd_by_id_opts {
	size_t sz;
	__u32 open_flags;
	__u32 token_fd; /* not sent */
	size_t:0;
};

#define bpfmap_get_fd_by_id_opts__last_field token_fd

/* Ids need CAP_SYS_ADMIN */
BPFMAP_API int bpfmap_get_next_id(__u32 start_id, __u32 *next_id);
BPFMAP_API int bpfmap_get_fd_by_id(__u32 id);
BPFMAP_API int
bpfmap_get_fd_by_id_opts(__u32 id, const struct bpfmap_get_fd_by_id_opts *opts);

/* @info must be zeroed by the caller, as some of its members are inputs */
BPFMAP_API int bpfmap_obj_get_info_by_fd(int bpf_fd, void *info,
					 __u32 *info_len);
BPFMAP_API int bpfmap_get_info_by_fd(int map_fd, struct bpfmap_info *info,
				     __u32 *info_len);

struct bpfmap_obj_pin_opts {
	size_t sz;
	__u32 file_flags;
	int path_fd; /* with BPFMAP_F_PATH_FD in file_flags */
	size_t:0;
};

#define bpfmap_obj_pin_opts__last_field path_fd

struct bpfmap_obj_get_opts {
	size_t sz;
	__u32 file_flags;
	int path_fd;
	size_t:0;
};

#define bpfmap_obj_get_opts__last_field path_fd

/* Names for maps, in a file system of type bpfmapfs that is mounted somewhere */
BPFMAP_API int bpfmap_obj_pin(int fd, const char *pathname);
BPFMAP_API int bpfmap_obj_pin_opts(int fd, const char *pathname,
				   const struct bpfmap_obj_pin_opts *opts);
BPFMAP_API int bpfmap_obj_get(const char *pathname);
BPFMAP_API int bpfmap_obj_get_opts(const char *pathname,
				   const struct bpfmap_obj_get_opts *opts);

/* Number of possible CPUs: how many values a per-CPU element has */
BPFMAP_API int bpfmap_num_possible_cpus(void);

/* Name of a map type as libbpf and bpftool write it; NULL for an unknown one */
BPFMAP_API const char *bpfmap_type_str(enum bpfmap_type t);

/*
 * Ring buffers. Here "ring_buffer__new" is bpfmap_ring_buffer_new(), "ring__size"
 * is bpfmap_ring_size(), and so on. A ring buffer's consumer and its functions
 * are for one thread at a time.
 *
 * The callback gets a sample where it is in the ring, or in a ring that is
 * overwritten a copy, which is valid until it returns. A negative result stops
 * consuming and is handed on. Results are the number of samples, or a negative
 * errno; pointers are NULL with errno set. EBADMSG: positions or lengths that no
 * ring has, which another process has written.
 */
struct bpfmap_ring_buffer;
struct bpfmap_ring;
struct bpfmap_user_ring_buffer;

typedef int (*bpfmap_ring_buffer_sample_fn)(void *ctx, void *data, size_t size);

struct bpfmap_ring_buffer_opts {
	size_t sz;
};

#define bpfmap_ring_buffer_opts__last_field sz

/* A consumer, for one map at first; @map_fd remains the caller's */
BPFMAP_API struct bpfmap_ring_buffer *
bpfmap_ring_buffer_new(int map_fd, bpfmap_ring_buffer_sample_fn sample_cb,
		       void *ctx, const struct bpfmap_ring_buffer_opts *opts);
BPFMAP_API void bpfmap_ring_buffer_free(struct bpfmap_ring_buffer *rb);
BPFMAP_API int bpfmap_ring_buffer_add(struct bpfmap_ring_buffer *rb, int map_fd,
				      bpfmap_ring_buffer_sample_fn sample_cb,
				      void *ctx);
/* Waits for samples and consumes them; -1 is no timeout */
BPFMAP_API int bpfmap_ring_buffer_poll(struct bpfmap_ring_buffer *rb,
				       int timeout_ms);
BPFMAP_API int bpfmap_ring_buffer_consume(struct bpfmap_ring_buffer *rb);
BPFMAP_API int bpfmap_ring_buffer_consume_n(struct bpfmap_ring_buffer *rb,
					    size_t n);
BPFMAP_API int bpfmap_ring_buffer_epoll_fd(const struct bpfmap_ring_buffer *rb);
/* The ring of the @idx-th map; ERANGE if there is none */
BPFMAP_API struct bpfmap_ring *
bpfmap_ring_buffer_ring(struct bpfmap_ring_buffer *rb, unsigned int idx);

/* Positions are the kernel's longs: a 32-bit program gets their lower halves */
BPFMAP_API unsigned long bpfmap_ring_consumer_pos(const struct bpfmap_ring *r);
BPFMAP_API unsigned long bpfmap_ring_producer_pos(const struct bpfmap_ring *r);
BPFMAP_API size_t bpfmap_ring_avail_data_size(const struct bpfmap_ring *r);
BPFMAP_API size_t bpfmap_ring_size(const struct bpfmap_ring *r);
BPFMAP_API int bpfmap_ring_map_fd(const struct bpfmap_ring *r);
BPFMAP_API int bpfmap_ring_consume(struct bpfmap_ring *r);
BPFMAP_API int bpfmap_ring_consume_n(struct bpfmap_ring *r, size_t n);

/*
 * bpfmap_ring_lost() - what a ring with BPFMAP_F_RB_OVERWRITE has overwritten
 *
 * Not in libbpf. Bytes of records, with their headers and discarded ones, that
 * this consumer skipped, as they were gone before it came to them.
 */
BPFMAP_API __u64 bpfmap_ring_lost(const struct bpfmap_ring *r);

struct bpfmap_user_ring_buffer_opts {
	size_t sz;
};

#define bpfmap_user_ring_buffer_opts__last_field sz

/*
 * A producer of samples for the kernel. A sample is reserved, filled, and
 * submitted or discarded; reserving is for one thread at a time. ENOSPC says
 * that there is no room, E2BIG that there never is.
 */
BPFMAP_API struct bpfmap_user_ring_buffer *
bpfmap_user_ring_buffer_new(int map_fd,
			    const struct bpfmap_user_ring_buffer_opts *opts);
BPFMAP_API void *
bpfmap_user_ring_buffer_reserve(struct bpfmap_user_ring_buffer *rb, __u32 size);
/* Waits for room; -1 is no timeout */
BPFMAP_API void *
bpfmap_user_ring_buffer_reserve_blocking(struct bpfmap_user_ring_buffer *rb,
					 __u32 size, int timeout_ms);
BPFMAP_API void
bpfmap_user_ring_buffer_submit(struct bpfmap_user_ring_buffer *rb,
			       void *sample);
BPFMAP_API void
bpfmap_user_ring_buffer_discard(struct bpfmap_user_ring_buffer *rb,
				void *sample);
BPFMAP_API void
bpfmap_user_ring_buffer_free(struct bpfmap_user_ring_buffer *rb);

#ifdef __cplusplus
}
#endif

#endif /* LIBBPFMAP_BPFMAP_H */
