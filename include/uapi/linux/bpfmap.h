/* SPDX-License-Identifier: GPL-2.0-only WITH Linux-syscall-note */
/*
 * bpfmap - key/value maps in the kernel behind /dev/bpfmap
 */
#ifndef _UAPI_LINUX_BPFMAP_H
#define _UAPI_LINUX_BPFMAP_H

#include <linux/ioctl.h>
#include <linux/types.h>

/**
 * DOC: General ioctl format
 *
 * Commands below 128 mirror the map commands of bpf(2) as of Linux 7.3:
 *
 *	bpf(cmd, attr, size)  becomes  ioctl(fd, BPFMAP_IOC(cmd, size), attr)
 *
 * @cmd is bpf(2)'s number, attr has bpf(2)'s layout byte for byte (so union
 * bpf_attr of <linux/bpf.h> can be passed unchanged), and size is the number of
 * bytes of attr that the caller provides. A shorter attr is extended with
 * zeros, a longer one is accepted if the excess is zero. A new descriptor is
 * returned as the ioctl's result; all other output is written to attr.
 *
 * fd is either a descriptor of /dev/bpfmap, with the map's descriptor in
 * map_fd, or the map's own descriptor with map_fd 0. The latter saves the
 * look-up of a second descriptor. MAP_CREATE, OBJ_GET, MAP_GET_NEXT_ID and
 * MAP_GET_FD_BY_ID do not concern a particular map: use them on the device
 * only.
 *
 * Each errno has one meaning, unless the command says otherwise:
 *
 * - EPERM: the map descriptor is not open for this access (read or write), the
 *   map is frozen, or the command needs CAP_SYS_ADMIN; pins: the directory is
 *   not on a bpfmapfs, or the name has a dot.
 * - ENOENT: no such element, no next key, no such id, no such path.
 * - E2BIG: the attr is longer than a page or has a non-zero tail; a size
 *   exceeds its limit; the map is full; an array index is out of range.
 * - EBADF: the descriptor is closed (EBADFD in OBJ_GET_INFO_BY_FD; EINVAL in
 *   OBJ_PIN, where EBADF is about path_fd).
 * - EAGAIN: the cursor of an RHASH batch was deleted; start again from NULL.
 * - ENOMEM: no memory, or the memory cgroup's limit.
 * - EACCES: permissions on the way to a pin, or the pin's own; more access than
 *   the pinned descriptor had; not a pin; mmap() of more than the descriptor or
 *   the map permits.
 * - EFAULT: a user pointer cannot be read or written.
 * - EBUSY: freezing while writers are active, a writable mapping exists, or a
 *   page that was mapped writable is still in use, as by direct I/O; an RHASH
 *   could not grow.
 * - EEXIST: BPFMAP_F_NOEXIST and the key exists; the name of a new pin exists.
 * - EINVAL: unknown command, flag or type; a member that must be zero is not;
 *   the descriptor is not a map of this device.
 * - ENFILE: the system has no file left for a new descriptor.
 * - EMFILE: the process has no descriptor left.
 * - ENOTTY: not an ioctl of this device.
 * - ENOSPC: a batch is too small for the first bucket with elements; an
 *   LPM_TRIE is full; no id is left.
 * - ERANGE: BPFMAP_F_CPU names a CPU that is not possible; an arena's addresses
 *   are not in one window of 4 GiB.
 * - EBADFD: the descriptor is closed, in OBJ_GET_INFO_BY_FD.
 * - EOPNOTSUPP: a Bloom filter can neither delete nor iterate; an arena has no
 *   elements.
 * - 524: ENOTSUPP, which no user-space header names: the map type does not have
 *   this operation, or BTF.
 *
 * OBJ_PIN and OBJ_GET can also fail with any errno of a path look-up, such as
 * ENOTDIR, ELOOP, ENAMETOOLONG and EROFS.
 */

#define BPFMAP_IOC_MAGIC 0xBF

/** BPFMAP_IOC() - the ioctl number of command @cmd with @size bytes of attr */
#define BPFMAP_IOC(cmd, size) \
	_IOC(_IOC_READ | _IOC_WRITE, BPFMAP_IOC_MAGIC, (cmd), (size))

/** enum bpfmap_cmd - commands; values below 128 are those of enum bpf_cmd */
enum bpfmap_cmd {
	BPFMAP_CMD_MAP_CREATE = 0,
	BPFMAP_CMD_MAP_LOOKUP_ELEM = 1,
	BPFMAP_CMD_MAP_UPDATE_ELEM = 2,
	BPFMAP_CMD_MAP_DELETE_ELEM = 3,
	BPFMAP_CMD_MAP_GET_NEXT_KEY = 4,
	BPFMAP_CMD_OBJ_PIN = 6,
	BPFMAP_CMD_OBJ_GET = 7,
	BPFMAP_CMD_MAP_GET_NEXT_ID = 12,
	BPFMAP_CMD_MAP_GET_FD_BY_ID = 14,
	BPFMAP_CMD_OBJ_GET_INFO_BY_FD = 15,
	BPFMAP_CMD_MAP_LOOKUP_AND_DELETE_ELEM = 21,
	BPFMAP_CMD_MAP_FREEZE = 22,
	BPFMAP_CMD_MAP_LOOKUP_BATCH = 24,
	BPFMAP_CMD_MAP_LOOKUP_AND_DELETE_BATCH = 25,
	BPFMAP_CMD_MAP_UPDATE_BATCH = 26,
	BPFMAP_CMD_MAP_DELETE_BATCH = 27,
	/* Not in bpf(2) */
	BPFMAP_CMD_MAP_LOOKUP_MANY = 128,
	BPFMAP_CMD_MAP_LOOKUP_AND_DELETE_MANY = 129,
	BPFMAP_CMD_MAP_UPDATE_MANY = 130,
	BPFMAP_CMD_MAP_DELETE_MANY = 131,
};

/** enum bpfmap_type - map types; the values are those of enum bpf_map_type */
enum bpfmap_type {
	BPFMAP_TYPE_UNSPEC = 0,
	BPFMAP_TYPE_HASH = 1,
	BPFMAP_TYPE_ARRAY = 2,
	BPFMAP_TYPE_PERCPU_HASH = 5,
	BPFMAP_TYPE_PERCPU_ARRAY = 6,
	BPFMAP_TYPE_LRU_HASH = 9,
	BPFMAP_TYPE_LRU_PERCPU_HASH = 10,
	BPFMAP_TYPE_LPM_TRIE = 11,
	BPFMAP_TYPE_ARRAY_OF_MAPS = 12,
	BPFMAP_TYPE_HASH_OF_MAPS = 13,
	BPFMAP_TYPE_QUEUE = 22,
	BPFMAP_TYPE_STACK = 23,
	BPFMAP_TYPE_RINGBUF = 27,
	BPFMAP_TYPE_BLOOM_FILTER = 30,
	BPFMAP_TYPE_USER_RINGBUF = 31,
	BPFMAP_TYPE_ARENA = 33,
	BPFMAP_TYPE_RHASH = 35,
};

/* Element flags: members flags and elem_flags */
#define BPFMAP_F_ANY		0ULL		/* create or replace */
#define BPFMAP_F_NOEXIST	(1ULL << 0)	/* create only */
#define BPFMAP_F_EXIST		(1ULL << 1)	/* replace only */
#define BPFMAP_F_LOCK		(1ULL << 2)	/* needs a lock in the value: EINVAL */
#define BPFMAP_F_CPU		(1ULL << 3)	/* only the CPU in bits 63..32 */
#define BPFMAP_F_ALL_CPUS	(1ULL << 4)	/* one value for every CPU */

/*
 * Batch flag, not in bpf(2), for member flags of LOOKUP_BATCH and
 * LOOKUP_AND_DELETE_BATCH: if the cursor is a key that was deleted, the walk
 * continues where that key was. Without the flag such a walk silently starts
 * again and returns elements twice. An RHASH refuses the flag: EINVAL. An older
 * module ignores it where the cursor is a key, and refuses it in hash types.
 */
#define BPFMAP_BATCH_F_RESUME	(1ULL << 63)

/* Create flags: member map_flags */
#define BPFMAP_F_NO_PREALLOC	(1U << 0)
#define BPFMAP_F_NO_COMMON_LRU	(1U << 1)
#define BPFMAP_F_NUMA_NODE	(1U << 2)
#define BPFMAP_F_RDONLY		(1U << 3)	/* descriptor: read only */
#define BPFMAP_F_WRONLY		(1U << 4)	/* descriptor: write only */
#define BPFMAP_F_STACK_BUILD_ID	(1U << 5)
#define BPFMAP_F_ZERO_SEED	(1U << 6)	/* needs CAP_SYS_ADMIN */
#define BPFMAP_F_RDONLY_PROG	(1U << 7)
#define BPFMAP_F_WRONLY_PROG	(1U << 8)
#define BPFMAP_F_CLONE		(1U << 9)
#define BPFMAP_F_MMAPABLE	(1U << 10)
#define BPFMAP_F_PRESERVE_ELEMS	(1U << 11)
#define BPFMAP_F_INNER_MAP	(1U << 12)
#define BPFMAP_F_LINK		(1U << 13)
#define BPFMAP_F_PATH_FD	(1U << 14)
#define BPFMAP_F_VTYPE_BTF_OBJ_FD (1U << 15)
#define BPFMAP_F_TOKEN_FD	(1U << 16)
#define BPFMAP_F_SEGV_ON_FAULT	(1U << 17)
#define BPFMAP_F_NO_USER_CONV	(1U << 18)
#define BPFMAP_F_RB_OVERWRITE	(1U << 19)

/*
 * Create flag, not in bpf(2): the descriptor can be mapped read-only, and
 * look-ups need no system call: see "Views". An older module refuses it:
 * EINVAL.
 */
#define BPFMAP_F_VIEW		(1U << 31)

/**
 * DOC: Views
 *
 * A map with BPFMAP_F_VIEW is a HASH, an LRU_HASH, or an ARRAY of values that
 * are no single word. Its descriptor can be mapped with MAP_SHARED and
 * PROT_READ, as one file: a page with &struct bpfmap_view_header, heads of
 * chains (not of an ARRAY), and elements. Documentation/uapi.rst says how to
 * read from it.
 */
#define BPFMAP_VIEW_MAGIC	0x77656976	/* "view" in little-endian order */
#define BPFMAP_VIEW_VERSION	1

/* Link of a chain: the next element's index, or this and the chain's number */
#define BPFMAP_VIEW_END		(1U << 31)

/**
 * struct bpfmap_view_header - start of a mapped map; constant except @nr_ready
 * @magic: BPFMAP_VIEW_MAGIC
 * @version: BPFMAP_VIEW_VERSION. Another number: do not read on
 * @header_size: bytes of this struct; a newer module may append members
 * @map_type: enum bpfmap_type
 * @key_size: bytes of a key
 * @value_size: bytes of a value
 * @nr_elems: elements at most; indexes are below it
 * @nr_ready: elements that have memory, the first ones; grows up to @nr_elems.
 *	      Load it with acquire semantics
 * @size: bytes of the whole file, a multiple of the page size
 * @heads_off: offset of the heads, a __u32 for each chain; 0: an ARRAY
 * @elems_off: offset of the element with index 0
 * @elem_size: bytes from one element to the next, a multiple of 8
 * @mask: chains - 1; chains are a power of two
 * @next_off: from an element to its __u32 link; this and all below are 0 in an
 *	      ARRAY, but @seq_off and @value_off
 * @seq_off: from an element to its __u32 sequence count
 * @hash_off: from an element to the __u32 hash of its key
 * @key_off: from an element to its key
 * @value_off: from an element to its value
 * @__pad: 0
 * @hash_state: seed of the hash function: see Documentation/uapi.rst
 */
struct bpfmap_view_header {
	__u32 magic;
	__u32 version;
	__u32 header_size;
	__u32 map_type;
	__u32 key_size;
	__u32 value_size;
	__u32 nr_elems;
	__u32 nr_ready;
	__aligned_u64 size;
	__aligned_u64 heads_off;
	__aligned_u64 elems_off;
	__u32 elem_size;
	__u32 mask;
	__u32 next_off;
	__u32 seq_off;
	__u32 hash_off;
	__u32 key_off;
	__u32 value_off;
	__u32 __pad;
	__aligned_u64 hash_state[4];
};

/**
 * DOC: Ring buffers
 *
 * BPFMAP_TYPE_RINGBUF carries records from the kernel to user space,
 * BPFMAP_TYPE_USER_RINGBUF in the other direction; max_entries is the bytes of
 * data, a power of two. User space maps the descriptor: a page with the
 * consumer's position (__u64; __u32 if the kernel has 32 bits), a page with the
 * producer's, and the data twice in a row. In a RINGBUF only the consumer's
 * page may be mapped writable, in a mapping of its own; in a USER_RINGBUF all
 * pages except that one.
 *
 * Positions grow by whole records, and with 64 bits never wrap; a record is
 * located at its position modulo max_entries. A record is a __u32 length, a
 * __u32 that is private to the kernel, and the payload, rounded up to 8 bytes
 * in total.
 *
 * With BPFMAP_F_RB_OVERWRITE a record may be overwritten while it is read. A
 * consumer copies it and then checks, by loads in this order, whether it is
 * still at or above the overwrite position, below which records are lost. If
 * not, the next record is at that position.
 */
#define BPFMAP_RINGBUF_CONSUMER_PAGE	0	/* offsets in pages */
#define BPFMAP_RINGBUF_PRODUCER_PAGE	1
#define BPFMAP_RINGBUF_DATA_PAGE	2

/* In the producer's page: index of each position */
#define BPFMAP_RINGBUF_PRODUCER_POS	0	/* space is taken up to here */
#define BPFMAP_RINGBUF_PENDING_POS	1	/* being written, from here on */
#define BPFMAP_RINGBUF_OVERWRITE_POS	2	/* lost, up to here */

/* Length word of a record, the first word of its header */
#define BPFMAP_RINGBUF_BUSY_BIT		(1U << 31)	/* being written */
#define BPFMAP_RINGBUF_DISCARD_BIT	(1U << 30)	/* to be skipped */
#define BPFMAP_RINGBUF_HDR_SZ		8

/* Whether to wake the other side */
#define BPFMAP_RB_NO_WAKEUP		(1ULL << 0)
#define BPFMAP_RB_FORCE_WAKEUP		(1ULL << 1)

/* Argument of bpfmap_ringbuf_query() */
#define BPFMAP_RB_AVAIL_DATA		0
#define BPFMAP_RB_RING_SIZE		1
#define BPFMAP_RB_CONS_POS		2
#define BPFMAP_RB_PROD_POS		3
#define BPFMAP_RB_OVERWRITE_POS		4

/** BPFMAP_NAME_LEN - bytes of a map's name, including its NUL */
#define BPFMAP_NAME_LEN		16

/** BPFMAP_ATTR_SIZE - sizeof(union bpf_attr) of Linux 7.3 */
#define BPFMAP_ATTR_SIZE	168

/** BPFMAPFS_MAGIC - f_type of bpfmapfs, the file system of pins */
#define BPFMAPFS_MAGIC		0x62706d66

/**
 * struct bpfmap_create_attr - ioctl(BPFMAP_MAP_CREATE), device only
 * @map_type: enum bpfmap_type
 * @key_size: bytes of a key; 0 for queues, stacks and Bloom filters
 * @value_size: bytes of a value (of one CPU's value for per-CPU types)
 * @max_entries: maximum number of elements; pages of an arena
 * @map_flags: BPFMAP_F_NO_PREALLOC ... BPFMAP_F_RB_OVERWRITE, BPFMAP_F_VIEW
 * @inner_map_fd: maps of maps: example of the maps that can be stored; it may
 *		  be closed afterwards
 * @numa_node: node of the memory, with BPFMAP_F_NUMA_NODE
 * @map_name: at most 15 characters of A-Z a-z 0-9 _ . and a NUL; letters of
 *	      Latin-1 are letters, too
 * @map_ifindex: must be 0
 * @btf_fd: ignored while both type ids are 0
 * @btf_key_type_id: must be 0
 * @btf_value_type_id: must be 0
 * @btf_vmlinux_value_type_id: must be 0
 * @map_extra: BPFMAP_TYPE_BLOOM_FILTER: number of hash functions, 1 to 15, or 0
 *	       for 5; BPFMAP_TYPE_RHASH: elements to have room for at first, at
 *	       most 65535, or 0; BPFMAP_TYPE_ARENA: the address of its mappings,
 *	       or 0; must be 0 for other types
 * @value_type_btf_obj_fd: ignored
 * @map_token_fd: ignored without BPFMAP_F_TOKEN_FD
 * @excl_prog_hash: NULL, or 32 bytes, which must be readable; such a map cannot
 *		    be put into a map of maps
 * @excl_prog_hash_size: 32 with @excl_prog_hash, else 0
 * @__pad: must be 0
 *
 * Return: a new descriptor, close-on-exec, O_RDWR unless BPFMAP_F_RDONLY or
 * BPFMAP_F_WRONLY was set.
 */
struct bpfmap_create_attr {
	__u32 map_type;
	__u32 key_size;
	__u32 value_size;
	__u32 max_entries;
	__u32 map_flags;
	__u32 inner_map_fd;
	__u32 numa_node;
	char map_name[BPFMAP_NAME_LEN];
	__u32 map_ifindex;
	__u32 btf_fd;
	__u32 btf_key_type_id;
	__u32 btf_value_type_id;
	__u32 btf_vmlinux_value_type_id;
	__aligned_u64 map_extra;
	__s32 value_type_btf_obj_fd;
	__s32 map_token_fd;
	__aligned_u64 excl_prog_hash;
	__u32 excl_prog_hash_size;
	__u32 __pad;
};

/**
 * struct bpfmap_elem_attr - LOOKUP, UPDATE, DELETE and LOOKUP_AND_DELETE_ELEM,
 *			     GET_NEXT_KEY
 * @map_fd: the map; 0 on the map's own descriptor
 * @__hole: ignored
 * @key: pointer to key_size bytes; NULL if that is 0; for an LPM_TRIE a __u32
 *	 with the prefix's length in bits, and the data, most significant byte
 *	 first
 * @value: pointer to the value; its size is value_size for plain types, for
 *	   per-CPU types value_size rounded up to 8 for each possible CPU, or
 *	   only value_size with BPFMAP_F_CPU and BPFMAP_F_ALL_CPUS. In maps of
 *	   maps UPDATE_ELEM reads a descriptor and LOOKUP_ELEM returns an id; in
 *	   a Bloom filter LOOKUP_ELEM reads the value and writes nothing
 * @next_key: GET_NEXT_KEY: buffer for the next key
 * @flags: BPFMAP_F_ANY ... BPFMAP_F_ALL_CPUS; must be 0 in DELETE_ELEM and
 *	   GET_NEXT_KEY, as must be @value in DELETE_ELEM
 */
struct bpfmap_elem_attr {
	__u32 map_fd;
	__u32 __hole;
	__aligned_u64 key;
	union {
		__aligned_u64 value;
		__aligned_u64 next_key;
	};
	__aligned_u64 flags;
};

/**
 * struct bpfmap_batch_attr - commands on many elements: _BATCH and _MANY
 * @in_batch: cursor of the previous call, NULL to start; _MANY: must be NULL
 * @out_batch: buffer for the cursor; 4 bytes for hash types, key_size for
 *	       others and for BPFMAP_TYPE_RHASH
 * @results: _MANY: buffer for a __s32 for each element, which is 0 or -errno
 * @keys: packed keys
 * @values: packed values; zeros for an element that _MANY does not find
 * @count: in: maximum number of elements; out: elements done
 * @map_fd: the map; 0 on the map's own descriptor
 * @elem_flags: as @flags of &struct bpfmap_elem_attr
 * @flags: 0 or BPFMAP_BATCH_F_RESUME; ignored by UPDATE_BATCH and DELETE_BATCH;
 *	   _MANY: must be 0
 *
 * A _BATCH walks the map and gives the keys, or ends at the first element that
 * fails. The commands with _MANY, which bpf(2) does not have, take keys in any
 * order, and execute the command on one element for each of them.
 */
struct bpfmap_batch_attr {
	__aligned_u64 in_batch;
	union {
		__aligned_u64 out_batch;
		__aligned_u64 results;
	};
	__aligned_u64 keys;
	__aligned_u64 values;
	__u32 count;
	__u32 map_fd;
	__aligned_u64 elem_flags;
	__aligned_u64 flags;
};

/**
 * struct bpfmap_freeze_attr - ioctl(BPFMAP_MAP_FREEZE)
 * @map_fd: the map, which becomes read-only for user space
 */
struct bpfmap_freeze_attr {
	__u32 map_fd;
};

/**
 * struct bpfmap_id_attr - MAP_GET_NEXT_ID and MAP_GET_FD_BY_ID, device only,
 *			   both need CAP_SYS_ADMIN
 * @start_id: GET_NEXT_ID: find the next id above this
 * @map_id: GET_FD_BY_ID: id of the map to open
 * @next_id: GET_NEXT_ID: out
 * @open_flags: GET_FD_BY_ID: 0, BPFMAP_F_RDONLY or BPFMAP_F_WRONLY
 * @fd_by_id_token_fd: must be 0
 */
struct bpfmap_id_attr {
	union {
		__u32 start_id;
		__u32 map_id;
	};
	__u32 next_id;
	__u32 open_flags;
	__s32 fd_by_id_token_fd;
};

/**
 * struct bpfmap_info_attr - ioctl(BPFMAP_OBJ_GET_INFO_BY_FD)
 * @bpf_fd: the map; 0 on the map's own descriptor
 * @info_len: in: size of the buffer; out: bytes filled
 * @info: pointer to a &struct bpfmap_info, zeroed by the caller
 */
struct bpfmap_info_attr {
	__u32 bpf_fd;
	__u32 info_len;
	__aligned_u64 info;
};

/**
 * struct bpfmap_info - information about a map, laid out as struct bpf_map_info
 * @type: enum bpfmap_type
 * @id: of this module's maps; unrelated to bpf(2)'s ids
 * @key_size: as created
 * @value_size: as created, without padding and for one CPU
 * @max_entries: as created
 * @map_flags: as created, without flags of the descriptor
 * @name: NUL-terminated
 * @ifindex: unchanged; 0 if zeroed by the caller
 * @btf_vmlinux_value_type_id: 0
 * @netns_dev: unchanged, 0
 * @netns_ino: unchanged, 0
 * @btf_id: unchanged, 0
 * @btf_key_type_id: unchanged, 0
 * @btf_value_type_id: unchanged, 0
 * @btf_vmlinux_id: unchanged, 0
 * @map_extra: as created
 * @hash: in: NULL, or buffer for the SHA-256 of a frozen array
 * @hash_size: in: 32 with @hash, else 0
 * @__pad: 0
 */
struct bpfmap_info {
	__u32 type;
	__u32 id;
	__u32 key_size;
	__u32 value_size;
	__u32 max_entries;
	__u32 map_flags;
	char name[BPFMAP_NAME_LEN];
	__u32 ifindex;
	__u32 btf_vmlinux_value_type_id;
	__u64 netns_dev;
	__u64 netns_ino;
	__u32 btf_id;
	__u32 btf_key_type_id;
	__u32 btf_value_type_id;
	__u32 btf_vmlinux_id;
	__u64 map_extra;
	__aligned_u64 hash;
	__u32 hash_size;
	__u32 __pad;
};

/**
 * struct bpfmap_obj_attr - OBJ_PIN, and OBJ_GET on the device only
 * @pathname: OBJ_PIN: pointer to the name to create, in a directory of a
 *	      bpfmapfs; OBJ_GET: to the name of a pin. No component in a
 *	      bpfmapfs may have a dot
 * @bpf_fd: OBJ_PIN: the map; 0 on the map's own descriptor. OBJ_GET: must be 0
 * @file_flags: BPFMAP_F_PATH_FD; OBJ_GET: also BPFMAP_F_RDONLY or
 *		BPFMAP_F_WRONLY
 * @path_fd: with BPFMAP_F_PATH_FD, the directory where a relative path starts;
 *	     else 0
 * @__pad: must be 0
 *
 * A pin holds its map until its last name is unlinked or the file system is
 * unmounted. It is a regular file. Its mode is 0600, or 0400 or 0200 for a
 * descriptor that can only read or only write, without the umask's bits. A pin
 * never gives more access than the pinned descriptor had.
 *
 * Return: OBJ_PIN: 0. OBJ_GET: a new descriptor, close-on-exec, O_RDWR unless
 * BPFMAP_F_RDONLY or BPFMAP_F_WRONLY was set; the pin must permit this to the
 * caller.
 */
struct bpfmap_obj_attr {
	__aligned_u64 pathname;
	__u32 bpf_fd;
	__u32 file_flags;
	__s32 path_fd;
	__u32 __pad;
};

/* Ioctl numbers, with the sizes that libbpf sends */
#define BPFMAP_MAP_CREATE	BPFMAP_IOC(BPFMAP_CMD_MAP_CREATE, 92)
#define BPFMAP_MAP_LOOKUP_ELEM	BPFMAP_IOC(BPFMAP_CMD_MAP_LOOKUP_ELEM, 32)
#define BPFMAP_MAP_UPDATE_ELEM	BPFMAP_IOC(BPFMAP_CMD_MAP_UPDATE_ELEM, 32)
#define BPFMAP_MAP_DELETE_ELEM	BPFMAP_IOC(BPFMAP_CMD_MAP_DELETE_ELEM, 32)
#define BPFMAP_MAP_GET_NEXT_KEY	BPFMAP_IOC(BPFMAP_CMD_MAP_GET_NEXT_KEY, 24)
#define BPFMAP_MAP_LOOKUP_AND_DELETE_ELEM \
	BPFMAP_IOC(BPFMAP_CMD_MAP_LOOKUP_AND_DELETE_ELEM, 32)
#define BPFMAP_MAP_FREEZE	BPFMAP_IOC(BPFMAP_CMD_MAP_FREEZE, 4)
#define BPFMAP_MAP_LOOKUP_BATCH	BPFMAP_IOC(BPFMAP_CMD_MAP_LOOKUP_BATCH, 56)
#define BPFMAP_MAP_LOOKUP_AND_DELETE_BATCH \
	BPFMAP_IOC(BPFMAP_CMD_MAP_LOOKUP_AND_DELETE_BATCH, 56)
#define BPFMAP_MAP_UPDATE_BATCH	BPFMAP_IOC(BPFMAP_CMD_MAP_UPDATE_BATCH, 56)
#define BPFMAP_MAP_DELETE_BATCH	BPFMAP_IOC(BPFMAP_CMD_MAP_DELETE_BATCH, 56)
#define BPFMAP_MAP_LOOKUP_MANY	BPFMAP_IOC(BPFMAP_CMD_MAP_LOOKUP_MANY, 56)
#define BPFMAP_MAP_LOOKUP_AND_DELETE_MANY \
	BPFMAP_IOC(BPFMAP_CMD_MAP_LOOKUP_AND_DELETE_MANY, 56)
#define BPFMAP_MAP_UPDATE_MANY	BPFMAP_IOC(BPFMAP_CMD_MAP_UPDATE_MANY, 56)
#define BPFMAP_MAP_DELETE_MANY	BPFMAP_IOC(BPFMAP_CMD_MAP_DELETE_MANY, 56)
#define BPFMAP_MAP_GET_NEXT_ID	BPFMAP_IOC(BPFMAP_CMD_MAP_GET_NEXT_ID, 12)
#define BPFMAP_MAP_GET_FD_BY_ID	BPFMAP_IOC(BPFMAP_CMD_MAP_GET_FD_BY_ID, 12)
#define BPFMAP_OBJ_GET_INFO_BY_FD \
	BPFMAP_IOC(BPFMAP_CMD_OBJ_GET_INFO_BY_FD, 16)
#define BPFMAP_OBJ_PIN		BPFMAP_IOC(BPFMAP_CMD_OBJ_PIN, 20)
#define BPFMAP_OBJ_GET		BPFMAP_IOC(BPFMAP_CMD_OBJ_GET, 20)

#if defined(__cplusplus) && __cplusplus >= 201103L
#define __BPFMAP_ASSERT(cond) static_assert(cond, #cond)
#elif defined(__STDC_VERSION__) && __STDC_VERSION__ >= 201112L
#define __BPFMAP_ASSERT(cond) _Static_assert(cond, #cond)
#else
#define __BPFMAP_ASSERT(cond) struct __bpfmap_no_assert
#endif
#define __BPFMAP_AT(type, member, offset) \
	__BPFMAP_ASSERT(__builtin_offsetof(struct type, member) == (offset))
#define __BPFMAP_SIZE(type, size) \
	__BPFMAP_ASSERT(sizeof(struct type) == (size))

__BPFMAP_AT(bpfmap_create_attr, map_type, 0);
__BPFMAP_AT(bpfmap_create_attr, key_size, 4);
__BPFMAP_AT(bpfmap_create_attr, value_size, 8);
__BPFMAP_AT(bpfmap_create_attr, max_entries, 12);
__BPFMAP_AT(bpfmap_create_attr, map_flags, 16);
__BPFMAP_AT(bpfmap_create_attr, inner_map_fd, 20);
__BPFMAP_AT(bpfmap_create_attr, numa_node, 24);
__BPFMAP_AT(bpfmap_create_attr, map_name, 28);
__BPFMAP_AT(bpfmap_create_attr, map_ifindex, 44);
__BPFMAP_AT(bpfmap_create_attr, btf_fd, 48);
__BPFMAP_AT(bpfmap_create_attr, btf_key_type_id, 52);
__BPFMAP_AT(bpfmap_create_attr, btf_value_type_id, 56);
__BPFMAP_AT(bpfmap_create_attr, btf_vmlinux_value_type_id, 60);
__BPFMAP_AT(bpfmap_create_attr, map_extra, 64);
__BPFMAP_AT(bpfmap_create_attr, value_type_btf_obj_fd, 72);
__BPFMAP_AT(bpfmap_create_attr, map_token_fd, 76);
__BPFMAP_AT(bpfmap_create_attr, excl_prog_hash, 80);
__BPFMAP_AT(bpfmap_create_attr, excl_prog_hash_size, 88);
__BPFMAP_SIZE(bpfmap_create_attr, 96);

__BPFMAP_AT(bpfmap_elem_attr, map_fd, 0);
__BPFMAP_AT(bpfmap_elem_attr, key, 8);
__BPFMAP_AT(bpfmap_elem_attr, value, 16);
__BPFMAP_AT(bpfmap_elem_attr, next_key, 16);
__BPFMAP_AT(bpfmap_elem_attr, flags, 24);
__BPFMAP_SIZE(bpfmap_elem_attr, 32);

__BPFMAP_AT(bpfmap_batch_attr, in_batch, 0);
__BPFMAP_AT(bpfmap_batch_attr, out_batch, 8);
__BPFMAP_AT(bpfmap_batch_attr, results, 8);
__BPFMAP_AT(bpfmap_batch_attr, keys, 16);
__BPFMAP_AT(bpfmap_batch_attr, values, 24);
__BPFMAP_AT(bpfmap_batch_attr, count, 32);
__BPFMAP_AT(bpfmap_batch_attr, map_fd, 36);
__BPFMAP_AT(bpfmap_batch_attr, elem_flags, 40);
__BPFMAP_AT(bpfmap_batch_attr, flags, 48);
__BPFMAP_SIZE(bpfmap_batch_attr, 56);

__BPFMAP_AT(bpfmap_freeze_attr, map_fd, 0);
__BPFMAP_SIZE(bpfmap_freeze_attr, 4);

__BPFMAP_AT(bpfmap_id_attr, start_id, 0);
__BPFMAP_AT(bpfmap_id_attr, map_id, 0);
__BPFMAP_AT(bpfmap_id_attr, next_id, 4);
__BPFMAP_AT(bpfmap_id_attr, open_flags, 8);
__BPFMAP_AT(bpfmap_id_attr, fd_by_id_token_fd, 12);
__BPFMAP_SIZE(bpfmap_id_attr, 16);

__BPFMAP_AT(bpfmap_info_attr, bpf_fd, 0);
__BPFMAP_AT(bpfmap_info_attr, info_len, 4);
__BPFMAP_AT(bpfmap_info_attr, info, 8);
__BPFMAP_SIZE(bpfmap_info_attr, 16);

__BPFMAP_AT(bpfmap_obj_attr, pathname, 0);
__BPFMAP_AT(bpfmap_obj_attr, bpf_fd, 8);
__BPFMAP_AT(bpfmap_obj_attr, file_flags, 12);
__BPFMAP_AT(bpfmap_obj_attr, path_fd, 16);
__BPFMAP_SIZE(bpfmap_obj_attr, 24);

__BPFMAP_AT(bpfmap_info, type, 0);
__BPFMAP_AT(bpfmap_info, id, 4);
__BPFMAP_AT(bpfmap_info, key_size, 8);
__BPFMAP_AT(bpfmap_info, value_size, 12);
__BPFMAP_AT(bpfmap_info, max_entries, 16);
__BPFMAP_AT(bpfmap_info, map_flags, 20);
__BPFMAP_AT(bpfmap_info, name, 24);
__BPFMAP_AT(bpfmap_info, ifindex, 40);
__BPFMAP_AT(bpfmap_info, btf_vmlinux_value_type_id, 44);
__BPFMAP_AT(bpfmap_info, netns_dev, 48);
__BPFMAP_AT(bpfmap_info, netns_ino, 56);
__BPFMAP_AT(bpfmap_info, btf_id, 64);
__BPFMAP_AT(bpfmap_info, btf_key_type_id, 68);
__BPFMAP_AT(bpfmap_info, btf_value_type_id, 72);
__BPFMAP_AT(bpfmap_info, btf_vmlinux_id, 76);
__BPFMAP_AT(bpfmap_info, map_extra, 80);
__BPFMAP_AT(bpfmap_info, hash, 88);
__BPFMAP_AT(bpfmap_info, hash_size, 96);
__BPFMAP_SIZE(bpfmap_info, 104);

__BPFMAP_AT(bpfmap_view_header, magic, 0);
__BPFMAP_AT(bpfmap_view_header, version, 4);
__BPFMAP_AT(bpfmap_view_header, header_size, 8);
__BPFMAP_AT(bpfmap_view_header, map_type, 12);
__BPFMAP_AT(bpfmap_view_header, key_size, 16);
__BPFMAP_AT(bpfmap_view_header, value_size, 20);
__BPFMAP_AT(bpfmap_view_header, nr_elems, 24);
__BPFMAP_AT(bpfmap_view_header, nr_ready, 28);
__BPFMAP_AT(bpfmap_view_header, size, 32);
__BPFMAP_AT(bpfmap_view_header, heads_off, 40);
__BPFMAP_AT(bpfmap_view_header, elems_off, 48);
__BPFMAP_AT(bpfmap_view_header, elem_size, 56);
__BPFMAP_AT(bpfmap_view_header, mask, 60);
__BPFMAP_AT(bpfmap_view_header, next_off, 64);
__BPFMAP_AT(bpfmap_view_header, seq_off, 68);
__BPFMAP_AT(bpfmap_view_header, hash_off, 72);
__BPFMAP_AT(bpfmap_view_header, key_off, 76);
__BPFMAP_AT(bpfmap_view_header, value_off, 80);
__BPFMAP_AT(bpfmap_view_header, hash_state, 88);
__BPFMAP_SIZE(bpfmap_view_header, 120);

#endif /* _UAPI_LINUX_BPFMAP_H */
