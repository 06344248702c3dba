/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * All map types and create flags: the one list. The tables of the module, the
 * tools, the tests and Python are made from it.
 *
 * Include it after <linux/bpfmap.h>, as often as needed, with one or both of
 * these macros defined:
 *
 * BPFMAP_CREATE_FLAG(NAME) - a flag of MAP_CREATE, BPFMAP_F_NAME, by its bit
 *
 * BPFMAP_MAP_TYPE(NAME, name, key, value, cursor, must, may, since, props) - a
 * map type, by its number
 * @NAME: its number is BPFMAP_TYPE_NAME
 * @name: its name for users; its operations are bpfmap_name_ops
 * @key: BYTES; SHORT: at most 65535 bytes; INDEX: a number below max_entries,
 *	 all elements exist always; PREFIX: a length and 1 to 256 bytes; NONE
 * @value: BYTES; PERCPU: bytes for each CPU; MAPS: a map; NONE
 * @cursor: of batches: BUCKET: a number of 4 bytes; KEY; NONE: no batches
 * @must: create flags without which it is refused
 * @may: the other create flags that it accepts
 * @since: the Linux whose bpf(2) has it first, major * 100 + minor; 0: before
 *	   6.1
 * @props: BPFMAP_T_..., below, or 0
 *
 * There is no include guard.
 */

/* A full map evicts an element for a new one, all memory is preallocated */
#define BPFMAP_T_EVICTS		1
/* Member map_extra of the create attr is used */
#define BPFMAP_T_EXTRA		2
/* A look-up reads a value and says whether the map has it */
#define BPFMAP_T_BY_VALUE	4
/* max_entries are the bytes of a ring: a power of two, at least a page */
#define BPFMAP_T_RING		8

#define BPFMAP_T_MODES	(BPFMAP_F_RDONLY | BPFMAP_F_WRONLY)
#define BPFMAP_T_PROGS	(BPFMAP_F_RDONLY_PROG | BPFMAP_F_WRONLY_PROG)
#define BPFMAP_T_COMMON	(BPFMAP_F_NUMA_NODE | BPFMAP_T_MODES | BPFMAP_T_PROGS)
#define BPFMAP_T_LRU	(BPFMAP_T_COMMON | BPFMAP_F_ZERO_SEED | \
			 BPFMAP_F_NO_COMMON_LRU)
#define BPFMAP_T_HASH	(BPFMAP_T_COMMON | BPFMAP_F_ZERO_SEED | \
			 BPFMAP_F_NO_PREALLOC)

#ifdef BPFMAP_CREATE_FLAG
BPFMAP_CREATE_FLAG(NO_PREALLOC)
BPFMAP_CREATE_FLAG(NO_COMMON_LRU)
BPFMAP_CREATE_FLAG(NUMA_NODE)
BPFMAP_CREATE_FLAG(RDONLY)
BPFMAP_CREATE_FLAG(WRONLY)
BPFMAP_CREATE_FLAG(STACK_BUILD_ID)
BPFMAP_CREATE_FLAG(ZERO_SEED)
BPFMAP_CREATE_FLAG(RDONLY_PROG)
BPFMAP_CREATE_FLAG(WRONLY_PROG)
BPFMAP_CREATE_FLAG(CLONE)
BPFMAP_CREATE_FLAG(MMAPABLE)
BPFMAP_CREATE_FLAG(PRESERVE_ELEMS)
BPFMAP_CREATE_FLAG(INNER_MAP)
BPFMAP_CREATE_FLAG(LINK)
BPFMAP_CREATE_FLAG(PATH_FD)
BPFMAP_CREATE_FLAG(VTYPE_BTF_OBJ_FD)
BPFMAP_CREATE_FLAG(TOKEN_FD)
BPFMAP_CREATE_FLAG(SEGV_ON_FAULT)
BPFMAP_CREATE_FLAG(NO_USER_CONV)
BPFMAP_CREATE_FLAG(RB_OVERWRITE)
BPFMAP_CREATE_FLAG(VIEW)
#endif

#ifdef BPFMAP_MAP_TYPE
BPFMAP_MAP_TYPE(HASH, hash, BYTES, BYTES, BUCKET, 0,
		BPFMAP_T_HASH | BPFMAP_F_VIEW, 0, 0)
BPFMAP_MAP_TYPE(ARRAY, array, INDEX, BYTES, KEY, 0,
		BPFMAP_T_COMMON | BPFMAP_F_MMAPABLE | BPFMAP_F_INNER_MAP |
			BPFMAP_F_VIEW,
		0, 0)
BPFMAP_MAP_TYPE(PERCPU_HASH, percpu_hash, BYTES, PERCPU, BUCKET, 0,
		BPFMAP_T_HASH, 0, 0)
BPFMAP_MAP_TYPE(PERCPU_ARRAY, percpu_array, INDEX, PERCPU, KEY, 0,
		BPFMAP_T_COMMON, 0, 0)
BPFMAP_MAP_TYPE(LRU_HASH, lru_hash, BYTES, BYTES, BUCKET, 0,
		BPFMAP_T_LRU | BPFMAP_F_VIEW, 0, BPFMAP_T_EVICTS)
BPFMAP_MAP_TYPE(LRU_PERCPU_HASH, lru_percpu_hash, BYTES, PERCPU, BUCKET, 0,
		BPFMAP_T_LRU, 0, BPFMAP_T_EVICTS)
BPFMAP_MAP_TYPE(LPM_TRIE, lpm_trie, PREFIX, BYTES, KEY, BPFMAP_F_NO_PREALLOC,
		BPFMAP_T_COMMON, 0, 0)
BPFMAP_MAP_TYPE(ARRAY_OF_MAPS, array_of_maps, INDEX, MAPS, KEY, 0,
		BPFMAP_T_MODES | BPFMAP_F_NUMA_NODE, 0, 0)
BPFMAP_MAP_TYPE(HASH_OF_MAPS, hash_of_maps, BYTES, MAPS, BUCKET, 0,
		BPFMAP_T_HASH, 0, 0)
BPFMAP_MAP_TYPE(QUEUE, queue, NONE, BYTES, NONE, 0, BPFMAP_T_COMMON, 0, 0)
BPFMAP_MAP_TYPE(STACK, stack, NONE, BYTES, NONE, 0, BPFMAP_T_COMMON, 0, 0)
BPFMAP_MAP_TYPE(RINGBUF, ringbuf, NONE, NONE, NONE, 0,
		BPFMAP_F_NUMA_NODE | BPFMAP_F_RB_OVERWRITE, 0, BPFMAP_T_RING)
BPFMAP_MAP_TYPE(BLOOM_FILTER, bloom_filter, NONE, BYTES, NONE, 0,
		BPFMAP_T_COMMON | BPFMAP_F_ZERO_SEED, 0,
		BPFMAP_T_EXTRA | BPFMAP_T_BY_VALUE)
BPFMAP_MAP_TYPE(USER_RINGBUF, user_ringbuf, NONE, NONE, NONE, 0,
		BPFMAP_F_NUMA_NODE, 0, BPFMAP_T_RING)
BPFMAP_MAP_TYPE(ARENA, arena, NONE, NONE, NONE, BPFMAP_F_MMAPABLE,
		BPFMAP_F_SEGV_ON_FAULT | BPFMAP_F_NO_USER_CONV, 609,
		BPFMAP_T_EXTRA)
BPFMAP_MAP_TYPE(RHASH, rhash, SHORT, BYTES, KEY, BPFMAP_F_NO_PREALLOC,
		BPFMAP_T_COMMON, 703, BPFMAP_T_EXTRA)
#endif
