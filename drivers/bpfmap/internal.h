/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * bpfmap - shared by the files of this module
 *
 * Lock order, outermost first. User memory is accessed under none of these
 * locks, except, with page faults disabled, under the stripe locks of a hash.
 *
 *	mmap_lock (taken by the kernel around mmap and page faults)
 *	  map->freeze_mutex
 *	    lock of an arena
 *	      lock of a page, or what the kernel takes to unmap pages
 *
 *	semaphore of an array's stripe or of a trie; mutex of a queue, stack or
 *	hash
 *	  raw locks of the same map, see below
 *
 *	stripe lock of a hash or array (irqs off); in an LRU hash it also
 *	protects the LRU lists. One at a time: drop this stripe's lock before
 *	taking another's.
 *
 *	grow_lock of a pool (irqs off): nothing inside
 *
 *	lock of a trie (irqs off): no lock of this module inside
 *
 *	lock of the table of ids (bottom halves off): nothing inside
 *	lock of a queue, stack or ring buffer (irqs off): nothing inside
 *	stripe lock of an rhash (irqs off): nothing inside
 */
#ifndef _BPFMAP_INTERNAL_H
#define _BPFMAP_INTERNAL_H

#include <linux/bits.h>
#include <linux/bpfmap.h>
#include <linux/cache.h>
#include <linux/cpumask.h>
#include <linux/fs.h>
#include <linux/gfp.h>
#include <linux/mutex.h>
#include <linux/nodemask.h>
#include <linux/nospec.h>
#include <linux/percpu.h>
#include <linux/refcount.h>
#include <linux/sizes.h>
#include <linux/workqueue.h>

struct address_space;
struct mem_cgroup;
struct obj_cgroup;
struct poll_table_struct;
struct seq_file;

/*
 * Element flag of in-kernel callers: use the value of the running CPU. From
 * user space, this bit belongs to a CPU number that is never possible, so
 * bpfmap_check_flags() refuses it.
 */
#define BPFMAP_F_THIS_CPU	BIT_ULL(63)

/* With one of these, a per-CPU operation transfers one unpadded value */
#define BPFMAP_F_ONE_VALUE \
	(BPFMAP_F_CPU | BPFMAP_F_ALL_CPUS | BPFMAP_F_THIS_CPU)

/* Upper half of the element flags: number of the CPU, with BPFMAP_F_CPU */
#define BPFMAP_CPU_SHIFT	32

/* Largest value of a per-CPU type, PCPU_MIN_UNIT_SIZE in bpf(2) */
#define BPFMAP_PERCPU_VALUE_MAX	32768U

/*
 * bpf(2)'s limit for key and value of a hash together: it gets an element, with
 * a header of six longs, by kmalloc()
 */
#define BPFMAP_HASH_MAX_ELEM	(KMALLOC_MAX_SIZE - 6 * sizeof(long))

/*
 * Maximum number of bytes to copy at once with interrupts or preemption off, or
 * under a raw lock. It bounds the latency that a user's choice of sizes causes.
 */
#define BPFMAP_ATOMIC_COPY	SZ_64K

/*
 * For stack memory that is written before it is read or copied to user space,
 * and that takes 2 % of a call or more to zero (CONFIG_INIT_STACK_ALL_ZERO). In
 * an update of a hash, a key's and a value's takes 84 of 1087 instructions, an
 * attr's 32 of 1035.
 */
#define __bpfmap_uninit __attribute__((__uninitialized__))

/**
 * struct bpfmap_inner_map_meta - common properties of the maps in a map of maps
 * @type: enum bpfmap_type
 * @key_size: bytes of a key
 * @value_size: bytes of a value
 * @flags: create flags that apply to the map
 * @max_entries: elements; 0: any number
 */
struct bpfmap_inner_map_meta {
	u32 type;
	u32 key_size;
	u32 value_size;
	u32 flags;
	u32 max_entries;
};

struct bpfmap_batch_ops;
struct bpfmap_many;
struct bpfmap_run;
struct bpfmap_walk;

/**
 * struct bpfmap_ops - operations of a map type
 * @percpu: one value per CPU
 * @map_extra: member map_extra of the create attr is used
 * @lookup_by_value: a look-up reads a value from user space and returns none
 * @sync_writes: when a write from user space returns, no RCU reader uses what
 *		 it replaced or removed
 * @same_entries: in a map of maps, max_entries is part of inner_map_meta
 * @walk_direct: @walk can copy straight to user memory
 * @grows: allocates after creation, even without BPFMAP_F_NO_PREALLOC
 * @lookup_elem: direct reference to a value (of this CPU), NULL if absent.
 *		 Caller is in an RCU read-side critical section; by default
 *		 there never is one
 * @lookup_percpu_elem: per-CPU types: the same for a given possible CPU
 * @lookup: copy a value out, never torn: the old or the new one; by default
 *	    @no_lookup
 * @copy: the same for a module, whose look-ups mark elements as used; by
 *	  default @lookup
 * @update: insert or replace; @gfp for what must be allocated. The value of a
 *	    map of maps is a descriptor of the running process; by default
 *	    @no_update
 * @delete: remove an element; by default @no_delete
 * @lookup_many: @lookup of many keys, so that their loads from memory overlap;
 *		 key and value are not large. By default one after the other
 * @lookup_elems: @lookup_elem likewise, of @nr packed keys to @values; returns
 *		  how many were found
 * @set_inner: maps of maps: as @update, with a map that fits inner_map_meta;
 *	       its reference passes to the element if this returns 0
 * @get_next_key: copy the key after @key out; NULL @key for the first one; by
 *		  default @no_next_key
 * @lookup_and_delete: copy a value out and remove it, atomically; NULL:
 *		       ENOTSUPP
 * @lookup_inner: maps of maps: the map in an element, NULL if there is none.
 *		  Caller is in an RCU read-side critical section
 * @for_each: call @fn for each element; RCU is held around a call; NULL:
 *	      EOPNOTSUPP
 * @check: all argument checks that precede any allocation; required
 * @alloc: allocate and set up the type's part; may sleep; ERR_PTR; required
 * @free: release everything that @alloc and the elements took; called after a
 *	  grace period with no reference left; may sleep; required
 * @mem_usage: bytes of memory that the map uses; required
 * @batch: batch commands, by the kind of cursor; by default none
 * @walk: for @batch: copy (and remove) the next elements. By buckets: only
 *	  whole ones, -ENOSPC if the first one that is not empty has more than
 *	  @room, -ENOENT if there is no bucket @pos. By keys: -ENOENT if there
 *	  are no more
 * @walk_from: for bpfmap_batch_by_next_key: the same for up to @room elements,
 *	       starting with the one at key @from, or with the first one if that
 *	       is NULL; 0: @next is the key to continue from, -ENOENT: there is
 *	       none, -EAGAIN: @from is absent
 * @update_run: as @update for the rest of a run, up to the first error; NULL:
 *		use @update. Flags are those that UPDATE_BATCH accepts
 * @delete_run: as @delete, likewise
 * @mmap: check a mapping; freeze_mutex is held; may replace vm_ops by others,
 *	  which must count mappings as well; NULL: ENOTSUPP
 * @mmap_page: page @pgoff of a mapping, NULL if there is none; not for a type
 *	       that replaces vm_ops
 * @view_page: with BPFMAP_F_VIEW: page @pgoff of the file, behind the header's,
 *	       NULL if its memory is not there yet. Only user space's read-only
 *	       mappings refer to it
 * @find_held: for such a type: store the number of the first page at or after
 *	       @at for which bpfmap_page_is_held() in @at and return true, or
 *	       return false. freeze_mutex is held
 * @mapping: address_space for mmap(); NULL: the default
 * @get_unmapped_area: as in file operations; NULL: anywhere
 * @hash: SHA-256 of the content; NULL: EINVAL
 * @poll: as in file operations; NULL: EPOLLERR
 * @no_lookup: errno of the command without @lookup; 0: -ENOTSUPP
 * @no_update: errno of the command without @update, likewise
 * @no_delete: errno of the command without @delete, likewise
 * @no_next_key: errno of the command without @get_next_key, likewise
 *
 * A type leaves out what it does not have. When the module is loaded,
 * bpfmap_ops_complete() checks what is there and fills in the defaults, so that
 * commands on one element need not test for NULL. The members that most of
 * these need come first, in one cache line.
 *
 * Keys and values are kernel memory of the right size: value_size bytes per
 * value, for per-CPU types bpfmap_user_value_size(). Flags have passed
 * bpfmap_check_flags(). An operation that copies a value may sleep where
 * bpfmap_copies_large().
 */
struct bpfmap_ops {
	bool percpu;
	bool map_extra;
	bool lookup_by_value;
	bool sync_writes;
	bool same_entries;
	bool walk_direct;
	bool grows;

	void *(*lookup_elem)(struct bpfmap *map, const void *key);
	void *(*lookup_percpu_elem)(struct bpfmap *map, const void *key,
				    u32 cpu);
	int (*lookup)(struct bpfmap *map, const void *key, void *value,
		      u64 flags);
	int (*copy)(struct bpfmap *map, const void *key, void *value,
		    u64 flags);
	int (*update)(struct bpfmap *map, const void *key, const void *value,
		      u64 flags, gfp_t gfp);
	int (*delete)(struct bpfmap *map, const void *key);
	void (*lookup_many)(struct bpfmap *map, struct bpfmap_many *many);
	u32 (*lookup_elems)(struct bpfmap *map, const void *keys, void **values,
			    u32 nr);
	int (*set_inner)(struct bpfmap *map, const void *key,
			 struct bpfmap *inner, u64 flags, gfp_t gfp);
	int (*get_next_key)(struct bpfmap *map, const void *key,
			    void *next_key);
	int (*lookup_and_delete)(struct bpfmap *map, const void *key,
				 void *value);
	struct bpfmap *(*lookup_inner)(struct bpfmap *map, const void *key);
	long (*for_each)(struct bpfmap *map, bpfmap_each_fn fn, void *ctx);

	int (*check)(const struct bpfmap_create_attr *attr);
	struct bpfmap *(*alloc)(const struct bpfmap_create_attr *attr);
	void (*free)(struct bpfmap *map);
	u64 (*mem_usage)(const struct bpfmap *map);

	const struct bpfmap_batch_ops *batch;
	int (*walk)(struct bpfmap *map, struct bpfmap_walk *walk);
	int (*walk_from)(struct bpfmap *map, struct bpfmap_walk *walk,
			 const void *from, void *next);
	int (*update_run)(struct bpfmap *map, struct bpfmap_run *run,
			  gfp_t gfp);
	int (*delete_run)(struct bpfmap *map, struct bpfmap_run *run);

	int (*mmap)(struct bpfmap *map, struct vm_area_struct *vma);
	struct page *(*mmap_page)(struct bpfmap *map, pgoff_t pgoff);
	struct page *(*view_page)(struct bpfmap *map, pgoff_t pgoff);
	bool (*find_held)(struct bpfmap *map, pgoff_t *at);
	struct address_space *(*mapping)(struct bpfmap *map);
	unsigned long (*get_unmapped_area)(
		struct bpfmap *map, struct file *file, unsigned long addr,
		unsigned long len, unsigned long pgoff, unsigned long flags);
	int (*hash)(struct bpfmap *map, u8 *digest);
	__poll_t (*poll)(struct bpfmap *map, struct file *file,
			 struct poll_table_struct *wait);

	s16 no_lookup;
	s16 no_update;
	s16 no_delete;
	s16 no_next_key;
} ____cacheline_aligned;

/**
 * enum bpfmap_freeze_state - may user space write?
 * @BPFMAP_THAWED: yes
 * @BPFMAP_FREEZING: unknown; wait for freeze_mutex and check again
 * @BPFMAP_FROZEN: no, permanently
 */
enum bpfmap_freeze_state {
	BPFMAP_THAWED,
	BPFMAP_FREEZING,
	BPFMAP_FROZEN,
};

/**
 * struct bpfmap_writers - counts of user-space commands that may write
 * @begun: commands that began on this CPU
 * @ended: commands that ended on this CPU, wherever they began
 */
struct bpfmap_writers {
	unsigned long begun;
	unsigned long ended;
};

/**
 * struct bpfmap - common part of all map types; first member of a type's struct
 * @ops: of the type, constant
 * @writers: user space's active writers
 * @key_size: bytes of a key; constant, as all up to @name
 * @value_size: bytes of a value
 * @user_size: bytes of a value in the user's layout: for per-CPU types the
 *	       values of all CPUs
 * @type: enum bpfmap_type
 * @max_entries: maximum number of elements
 * @flags: create flags that apply to the map, not to a descriptor
 * @numa_node: preferred node of its memory
 * @map_extra: as created
 * @inner_map_meta: of a map of maps
 * @view: with BPFMAP_F_VIEW: header of the file that user space maps, in a page
 *	  of its own; else NULL
 * @objcg: the creator's memory cgroup, charged for later allocations; a
 *	   reference; NULL: the root, or nothing is allocated later
 * @name: NUL-padded
 * @id: constant once published; 0 when not in the table of ids
 * @exclusive: created for one program only, so cannot be an inner map; constant
 *	       once published
 * @frozen: enum bpfmap_freeze_state; written under @freeze_mutex. An acquire
 *	    load of BPFMAP_FROZEN sees all writes of user space
 * @mapped_writable: it is or was mapped writable; under @freeze_mutex
 * @freeze_mutex: serialises freezing, mmap, and writers that find
 *		  BPFMAP_FREEZING
 * @mmap_writers: writable mappings; incremented from 0 only under @freeze_mutex
 * @ref: references of descriptors, mappings (through their file), pins,
 *	 modules, and elements of maps of maps
 * @free_work: frees the map after a grace period
 */
struct bpfmap {
	const struct bpfmap_ops *ops;
	struct bpfmap_writers __percpu *writers;
	u32 key_size;
	u32 value_size;
	u32 user_size;
	u32 type;
	u32 max_entries;
	u32 flags;
	int numa_node;
	u64 map_extra;
	struct bpfmap_inner_map_meta inner_map_meta;
	struct bpfmap_view_header *view;
	struct obj_cgroup *objcg;
	char name[BPFMAP_NAME_LEN];
	u32 id;
	bool exclusive;
	u8 frozen;
	bool mapped_writable;
	struct mutex freeze_mutex; /* see above */
	atomic_t mmap_writers;
	refcount_t ref;
	struct rcu_work free_work;
};

/*
 * The files of the core, lowest first. Each calls those above it; what they
 * call of the files below it goes through ops.
 */

/* types.c */
const char *bpfmap_ops_complete(struct bpfmap_ops *ops);
int bpfmap_types_init(void);
const struct bpfmap_ops *bpfmap_type_ops(u32 type);

/* flags.c */
int __bpfmap_check_flags(const struct bpfmap *map, u64 flags, u64 allowed);
int bpfmap_check_create_flags(const struct bpfmap_create_attr *attr,
			      u32 allowed);

/* mem.c */
bool bpfmap_mem_available(u64 bytes);
void *bpfmap_area_alloc(u64 size, int node, gfp_t gfp);
void *bpfmap_area_vmalloc(u64 size, gfp_t gfp);
void *bpfmap_area_pages(u64 size, gfp_t gfp);
void bpfmap_area_free_pages(void *p, u64 size);
struct page *bpfmap_area_page(void *p, u64 offset);
int bpfmap_charge_init(struct bpfmap *map);
struct mem_cgroup *bpfmap_charge_begin(const struct bpfmap *map);
void bpfmap_charge_end(struct mem_cgroup *old);
void bpfmap_charge_setup(void);

/* map.c */
void bpfmap_free(struct bpfmap *map);
int bpfmap_publish(struct bpfmap *map);
u32 bpfmap_set_next_id(u32 id);
void bpfmap_init_map(struct bpfmap *map, const struct bpfmap_create_attr *attr);
struct bpfmap *bpfmap_get_by_id(u32 id);
int bpfmap_next_id(u32 start);
int bpfmap_lifetime_init(void);
void bpfmap_lifetime_exit(void);

/* file.c */
extern const struct file_operations bpfmap_map_fops;

/* view.c */
int bpfmap_view_create(struct bpfmap *map);
void bpfmap_view_destroy(struct bpfmap *map);
int bpfmap_view_mmap(struct bpfmap *map, struct vm_area_struct *vma);

/* freeze.c: freezing, and mappings, which are writers */
int bpfmap_freeze(struct bpfmap *map);
bool bpfmap_page_is_held(struct page *page);
int bpfmap_mmap(struct file *file, struct vm_area_struct *vma);
unsigned long bpfmap_get_unmapped_area(struct file *file, unsigned long addr,
				       unsigned long len, unsigned long pgoff,
				       unsigned long flags);
void bpfmap_vma_open(struct vm_area_struct *vma);
void bpfmap_vma_close(struct vm_area_struct *vma);

/* map_in_map.c */
int bpfmap_inner_map_meta_init(struct bpfmap_inner_map_meta *meta,
			       const struct bpfmap *like, int fd);

/* create.c */
struct bpfmap *bpfmap_create_from(const struct bpfmap_create_attr *attr,
				  const struct bpfmap *like, bool token);

/* info.c */
int bpfmap_get_info(struct bpfmap *map, struct bpfmap_info __user *uinfo,
		    u32 *len);
void bpfmap_show_fdinfo(struct seq_file *m, struct file *file);

/* pinfs.c */
int bpfmap_pin(struct bpfmap *map, fmode_t mode, int dfd,
	       const char __user *pathname);
struct bpfmap *bpfmap_get_pinned(int dfd, const char __user *pathname,
				 unsigned int open_flags);
int bpfmap_pinfs_init(void);
void bpfmap_pinfs_exit(void);

/* ioctl.c */
long bpfmap_map_ioctl(struct file *file, unsigned int ioc, unsigned long arg);
extern const struct file_operations bpfmap_device_fops;

/* arena.c */
int bpfmap_arena_init(void);
void bpfmap_arena_exit(void);

/* rhash_table.c */
int bpfmap_rhash_init(void);
void bpfmap_rhash_exit(void);
void bpfmap_rhash_fail_tables(int nr);
u32 bpfmap_rhash_buckets(struct bpfmap *map);

/* The map types: for each, its operations and the create flags it accepts */
#define BPFMAP_MAP_TYPE(NAME, name, key, value, cursor, must, may, ...)	\
	enum { BPFMAP_##NAME##_FLAGS = (must) | (may) };		\
	extern struct bpfmap_ops bpfmap_##name##_ops;
#include <linux/bpfmap_types.h>
#undef BPFMAP_MAP_TYPE

/* For callers that rely on the map not changing any more */
static inline bool bpfmap_is_frozen(const struct bpfmap *map)
{
	/* Pairs with smp_store_release() in bpfmap_freeze() */
	return smp_load_acquire(&map->frozen) == BPFMAP_FROZEN;
}

/* Bytes of a view's header */
static inline u64 bpfmap_view_mem_usage(const struct bpfmap *map)
{
	return map->view ? PAGE_SIZE : 0;
}

static __always_inline int bpfmap_check_flags(const struct bpfmap *map,
					      u64 flags, u64 allowed)
{
	return likely(!flags) ? 0 : __bpfmap_check_flags(map, flags, allowed);
}

/* Is this CPU possible? Any number is allowed; safe under speculation */
static inline bool bpfmap_cpu_possible(u32 cpu)
{
	return cpu < nr_cpu_ids &&
	       cpu_possible(array_index_nospec(cpu, nr_cpu_ids));
}

/* The same for an online node */
static inline bool bpfmap_node_online(int node)
{
	return node >= 0 && node < nr_node_ids &&
	       node_online(array_index_nospec(node, nr_node_ids));
}

/*
 * Does a type with keys accept these flags of an update: BPFMAP_F_ANY, NOEXIST
 * or EXIST, and for per-CPU types BPFMAP_F_CPU, ALL_CPUS or THIS_CPU? Flags of
 * commands have passed bpfmap_check_flags().
 */
static __always_inline bool bpfmap_update_flags_ok(u64 flags, const bool percpu)
{
	return percpu ? (u32)flags <= BPFMAP_F_ALL_CPUS :
			flags <= BPFMAP_F_EXIST;
}

/* Flags of an update, to be compared with BPFMAP_F_NOEXIST and _EXIST */
static __always_inline u64 bpfmap_update_mode(u64 flags)
{
	return flags & ~BPFMAP_F_THIS_CPU;
}

static inline u32 bpfmap_flags_cpu(u64 flags)
{
	return flags >> BPFMAP_CPU_SHIFT;
}

/* The flags that select the value of a CPU */
static inline u64 bpfmap_cpu_flags(u32 cpu)
{
	return BPFMAP_F_CPU | (u64)cpu << BPFMAP_CPU_SHIFT;
}

/* Stride of CPUs' values in a user's buffer, and their size in the map */
static __always_inline u32 bpfmap_value_stride(const struct bpfmap *map)
{
	return round_up(map->value_size, 8);
}

/* Bytes of a value in the user's layout, for an operation with these flags */
static inline u32 bpfmap_user_value_size(const struct bpfmap *map, u64 flags)
{
	return flags & BPFMAP_F_ONE_VALUE ? map->value_size : map->user_size;
}

/* Is a value, in the user's layout, too large to be copied at once? */
static __always_inline bool bpfmap_value_is_large(const struct bpfmap *map)
{
	return map->user_size > BPFMAP_ATOMIC_COPY;
}

static __always_inline bool bpfmap_key_is_large(const struct bpfmap *map)
{
	return map->key_size > BPFMAP_ATOMIC_COPY;
}

/*
 * Does an operation with these flags copy a large value? One CPU's value never
 * is large, but BPFMAP_F_ALL_CPUS writes those of all CPUs.
 */
static __always_inline bool bpfmap_copies_large(const struct bpfmap *map,
						u64 flags)
{
	return unlikely(bpfmap_value_is_large(map)) &&
	       !(flags & (BPFMAP_F_CPU | BPFMAP_F_THIS_CPU));
}

#endif /* _BPFMAP_INTERNAL_H */
