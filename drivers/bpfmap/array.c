// SPDX-License-Identifier: GPL-2.0-only
/*
 * Arrays, with one value per element or one per CPU
 *
 * All elements always exist, at first zeroed. enum array_way lists how a
 * copying reader is kept from seeing a torn value. A mapping, and a module with
 * a pointer to the value, write to the memory directly and get no such
 * protection.
 */
#include <crypto/sha2.h>
#include <linux/mm.h>
#include <linux/rwsem.h>
#include <linux/sched.h>
#include <linux/seqlock.h>
#include <linux/sizes.h>
#include <linux/slab.h>
#include <linux/vmalloc.h>

#include "array.h"
#include "user.h"
#include "value.h"

/* Lockless attempts before a reader that keeps losing takes the lock */
#define ARRAY_TRIES	16

/**
 * enum array_way - how values are loaded and stored
 * @ARRAY_WORDS: one word each; needs no lock
 * @ARRAY_STRIPED: under the lock and sequence count of a stripe
 * @ARRAY_CPU_WORDS: each CPU's value is a word, those of all CPUs together are
 *		     @ARRAY_STRIPED
 * @ARRAY_LARGE: too large for these: under the semaphore of a stripe, may
 *		 sleep. Each CPU's value is @ARRAY_STRIPED
 */
enum array_way {
	ARRAY_WORDS,
	ARRAY_STRIPED,
	ARRAY_CPU_WORDS,
	ARRAY_LARGE,
};

/**
 * struct bpfmap_array_stripe - keeps the values of some elements from tearing
 * @lock: held to write an element of the stripe; irqs off, for no longer than
 *	  it takes to copy BPFMAP_ATOMIC_COPY bytes
 * @seq: odd during a write, under @lock
 * @sem: for large values; @lock and @seq then cover one CPU's value at most
 */
struct bpfmap_array_stripe {
	raw_spinlock_t lock;
	seqcount_raw_spinlock_t seq;
	struct rw_semaphore sem;
} ____cacheline_aligned_in_smp;

/**
 * struct bpfmap_array - an array; all members are constant
 * @map: the common part
 * @stride: bytes from one element to the next
 * @stripe_mask: stripes - 1
 * @way: how values are loaded and stored
 * @stripes: NULL with @ARRAY_WORDS
 * @data: the elements; page aligned with BPFMAP_F_MMAPABLE
 * @areas: the elements of each possible CPU, instead of @data
 */
struct bpfmap_array {
	struct bpfmap map;
	u32 stride;
	u32 stripe_mask;
	enum array_way way;
	struct bpfmap_array_stripe *stripes;
	union {
		void *data;
		void **areas;
	};
};

static __always_inline struct bpfmap_array *to_array(const struct bpfmap *map)
{
	return container_of(map, struct bpfmap_array, map);
}

static u64 array_bytes(const struct bpfmap_array *a)
{
	return (u64)a->map.max_entries * a->stride;
}

static __always_inline void *array_elem(const struct bpfmap_array *a, u32 index)
{
	return a->data + (u64)index * a->stride;
}

/* For value.h: an "element" is an index here */
static __always_inline void *array_slot(const struct bpfmap *map,
					const void *elem, int cpu)
{
	struct bpfmap_array *a = to_array(map);

	return a->areas[cpu] + (u64)(uintptr_t)elem * a->stride;
}

static void *array_lookup_elem(struct bpfmap *map, const void *key)
{
	s64 index = array_index(map, key);

	return index < 0 ? NULL : array_elem(to_array(map), index);
}

static void *percpu_array_lookup_elem_cpu(struct bpfmap *map, const void *key,
					  u32 cpu)
{
	s64 index = array_index(map, key);

	if (index < 0)
		return NULL;
	return array_slot(map, (void *)(uintptr_t)index, cpu);
}

static void *percpu_array_lookup_elem(struct bpfmap *map, const void *key)
{
	return percpu_array_lookup_elem_cpu(map, key, raw_smp_processor_id());
}

static void array_load(const struct bpfmap_array *a, u32 index, void *value,
		       u64 flags)
{
	if (a->map.ops->percpu)
		bpfmap_percpu_load(&a->map, value, (void *)(uintptr_t)index,
				   flags, array_slot);
	else
		bpfmap_value_load(value, array_elem(a, index),
				  a->map.value_size);
}

static void array_store(const struct bpfmap_array *a, u32 index,
			const void *value, u64 flags)
{
	if (a->map.ops->percpu)
		bpfmap_percpu_store(&a->map, (void *)(uintptr_t)index, value,
				    flags, false, array_slot);
	else
		bpfmap_value_store(array_elem(a, index), value,
				   a->map.value_size);
}

/* How to transfer what @flags select: ARRAY_WORDS, _STRIPED or _LARGE */
static __always_inline enum array_way array_way(const struct bpfmap_array *a,
						u64 flags)
{
	enum array_way way = a->way;

	if (likely(way <= ARRAY_STRIPED))
		return way;
	if (flags & (BPFMAP_F_CPU | BPFMAP_F_THIS_CPU))
		return way == ARRAY_CPU_WORDS ? ARRAY_WORDS : ARRAY_STRIPED;
	return way == ARRAY_CPU_WORDS ? ARRAY_STRIPED : ARRAY_LARGE;
}

static __always_inline struct bpfmap_array_stripe *
array_stripe(const struct bpfmap_array *a, u32 index)
{
	return &a->stripes[index & a->stripe_mask];
}

static void array_read_striped(const struct bpfmap_array *a, u32 index,
			       void *value, u64 flags)
{
	struct bpfmap_array_stripe *stripe = array_stripe(a, index);
	unsigned long irqflags;
	unsigned int seq;
	int tries;

	for (tries = 0; tries < ARRAY_TRIES; tries++) {
		seq = read_seqcount_begin(&stripe->seq);
		array_load(a, index, value, flags);
		if (!read_seqcount_retry(&stripe->seq, seq))
			return;
	}
	raw_spin_lock_irqsave(&stripe->lock, irqflags);
	array_load(a, index, value, flags);
	raw_spin_unlock_irqrestore(&stripe->lock, irqflags);
}

/* Other tasks may transfer one CPU's value between those of two CPUs */
static void array_read_large(const struct bpfmap_array *a, u32 index,
			     void *value)
{
	struct rw_semaphore *sem = &array_stripe(a, index)->sem;
	u32 size = a->map.value_size;
	unsigned int cpu;

	down_read(sem);
	if (!a->map.ops->percpu) {
		bpfmap_copy_large(value, array_elem(a, index), size);
	} else {
		bpfmap_each_cpu(cpu) {
			array_read_striped(a, index, value, bpfmap_cpu_flags(cpu));
			memset(value + size, 0, a->stride - size);
			value += a->stride;
			cond_resched();
		}
	}
	up_read(sem);
}

static void array_read(const struct bpfmap_array *a, u32 index, void *value,
		       u64 flags)
{
	enum array_way way = array_way(a, flags);

	if (way == ARRAY_WORDS)
		array_load(a, index, value, flags);
	else if (likely(way == ARRAY_STRIPED))
		array_read_striped(a, index, value, flags);
	else
		array_read_large(a, index, value);
}

/* Write a value that readers must not see torn; irqs are off */
static __always_inline void array_replace(const struct bpfmap_array *a,
					  u32 index, const void *value,
					  u64 flags)
{
	struct bpfmap_array_stripe *stripe = array_stripe(a, index);

	raw_spin_lock(&stripe->lock);
	write_seqcount_begin(&stripe->seq);
	array_store(a, index, value, flags);
	write_seqcount_end(&stripe->seq);
	raw_spin_unlock(&stripe->lock);
}

static void array_write_striped(const struct bpfmap_array *a, u32 index,
				const void *value, u64 flags)
{
	unsigned long irqflags;

	local_irq_save(irqflags);
	array_replace(a, index, value, flags);
	local_irq_restore(irqflags);
}

static void array_write_large(const struct bpfmap_array *a, u32 index,
			      const void *value, u64 flags)
{
	struct rw_semaphore *sem = &array_stripe(a, index)->sem;
	unsigned int cpu;

	down_write(sem);
	if (!a->map.ops->percpu) {
		bpfmap_copy_large(array_elem(a, index), value,
				  a->map.value_size);
	} else {
		bpfmap_each_cpu(cpu) {
			array_write_striped(a, index, value,
					    bpfmap_cpu_flags(cpu));
			if (!(flags & BPFMAP_F_ALL_CPUS))
				value += a->stride;
			cond_resched();
		}
	}
	up_write(sem);
}

static void array_write(const struct bpfmap_array *a, u32 index,
			const void *value, u64 flags)
{
	enum array_way way = array_way(a, flags);

	if (way == ARRAY_WORDS)
		array_store(a, index, value, flags);
	else if (likely(way == ARRAY_STRIPED))
		array_write_striped(a, index, value, flags);
	else
		array_write_large(a, index, value, flags);
}

static int array_lookup(struct bpfmap *map, const void *key, void *value,
			u64 flags)
{
	s64 index = array_index(map, key);

	if (index < 0)
		return -ENOENT;
	array_read(to_array(map), index, value, flags);
	return 0;
}

/* The index to write to, or an errno */
static __always_inline s64 array_writable(const struct bpfmap *map,
					  const void *key, u64 flags)
{
	s64 index = array_index(map, key);

	if (index < 0)
		return -E2BIG;
	if (unlikely(bpfmap_update_mode(flags) == BPFMAP_F_NOEXIST))
		return -EEXIST;
	return index;
}

static int array_update(struct bpfmap *map, const void *key, const void *value,
			u64 flags, gfp_t gfp)
{
	struct bpfmap_array *a = to_array(map);
	s64 index;

	if (unlikely(!bpfmap_update_flags_ok(flags, false)))
		return -EINVAL;
	index = array_writable(map, key, flags);
	if (unlikely(index < 0))
		return index;
	/* The most common size, inlined */
	if (map->value_size == sizeof(u64))
		bpfmap_store_word(u64, array_elem(a, index), value);
	else
		array_write(a, index, value, flags);
	return 0;
}

static int percpu_array_update(struct bpfmap *map, const void *key,
			       const void *value, u64 flags, gfp_t gfp)
{
	s64 index;

	if (!bpfmap_update_flags_ok(flags, true))
		return -EINVAL;
	index = array_writable(map, key, flags);
	if (index < 0)
		return index;
	array_write(to_array(map), index, value, flags);
	return 0;
}

/* Write some elements of a run; irqs are off if they are ARRAY_STRIPED */
static int array_update_some(const struct bpfmap_array *a,
			     struct bpfmap_run *run, u32 end)
{
	u32 stride = bpfmap_user_value_size(&a->map, run->flags);
	enum array_way way = array_way(a, run->flags);
	s64 index;

	for (; run->done < end; run->done++) {
		index = array_index(&a->map, run->keys);
		if (unlikely(index < 0))
			return -E2BIG;
		if (way == ARRAY_STRIPED)
			array_replace(a, index, run->values, run->flags);
		else if (way == ARRAY_WORDS)
			array_store(a, index, run->values, run->flags);
		else
			array_write_large(a, index, run->values, run->flags);
		run->keys += sizeof(u32);
		run->values += stride;
	}
	return 0;
}

static int array_update_run(struct bpfmap *map, struct bpfmap_run *run,
			    gfp_t gfp)
{
	struct bpfmap_array *a = to_array(map);
	unsigned long irqflags;
	int err = 0;

	if (array_way(a, run->flags) != ARRAY_STRIPED)
		return array_update_some(a, run, run->nr);
	while (!err && run->done < run->nr) {
		/* A batch buffer: one value, or several of 4 KiB in total */
		local_irq_save(irqflags);
		err = array_update_some(a, run, bpfmap_run_end(run));
		local_irq_restore(irqflags);
	}
	return err;
}

/**
 * array_get_next_key() - the next index
 * @map: the map
 * @key: NULL or an index; one that is out of range is treated as NULL
 * @next_key: out
 */
int array_get_next_key(struct bpfmap *map, const void *key, void *next_key)
{
	u32 index = key ? *(const u32 *)key : U32_MAX;

	if (index >= map->max_entries)
		index = 0;
	else if (++index == map->max_entries)
		return -ENOENT;
	*(u32 *)next_key = index;
	return 0;
}

static long array_for_each(struct bpfmap *map, bpfmap_each_fn fn, void *ctx)
{
	long stop = 0;
	u32 index;

	for (index = 0; index < map->max_entries && !stop; index++) {
		bpfmap_each_begin(map);
		stop = fn(map, &index, map->ops->lookup_elem(map, &index), ctx);
		bpfmap_each_end(map);
	}
	return index;
}

/* Copy to user memory, between user_write_access_begin() and _end() */
static __always_inline bool
array_copy_out(const struct bpfmap_array *a, u32 index, u32 __user *key,
	       void __user *value, u64 flags)
{
	void *elem = (void *)(uintptr_t)index;
	u32 cpu;

	if (!bpfmap_unsafe_copy_out(key, &index, sizeof(index)))
		return false;
	if (!a->map.ops->percpu)
		return bpfmap_unsafe_copy_out(value, array_elem(a, index),
					      a->map.value_size);
	if (flags & BPFMAP_F_ONE_VALUE)
		return bpfmap_unsafe_copy_out(value, array_slot(&a->map, elem,
								bpfmap_one_cpu(flags)),
					      a->map.value_size);
	for (cpu = 0; cpu < nr_cpu_ids; cpu++) {
		/* Only possible CPUs have an area */
		if (!a->areas[cpu])
			continue;
		if (!bpfmap_unsafe_copy_out(value,
					    array_slot(&a->map, elem, cpu),
					    a->stride))
			return false;
		value += a->stride;
	}
	return true;
}

/* Copy @nr elements whose values are words. Returns how many were copied */
static u32 array_copy_out_words(const struct bpfmap_array *a, u32 index, u32 nr,
				const struct bpfmap_walk *w)
{
	u32 i, stride = bpfmap_user_value_size(&a->map, w->flags);
	u32 __user *keys = w->ukeys;
	void __user *value = w->uvalues;

	if (!user_write_access_begin(keys, nr * sizeof(*keys)))
		return 0;
	for (i = 0; i < nr; i++, value += stride)
		if (!array_copy_out(a, index + i, &keys[i], value, w->flags))
			break;
	user_write_access_end();
	return i;
}

/* Copy one untorn value. False after a fault or if writers keep winning */
static bool array_copy_out_whole(const struct bpfmap_array *a, u32 index,
				 u32 __user *key, void __user *value, u64 flags)
{
	struct bpfmap_array_stripe *stripe = array_stripe(a, index);
	unsigned int seq;
	int tries;
	bool copied;

	for (tries = 0; tries < ARRAY_TRIES; tries++) {
		seq = read_seqcount_begin(&stripe->seq);
		if (!user_write_access_begin(key, sizeof(*key)))
			return false;
		copied = array_copy_out(a, index, key, value, flags);
		user_write_access_end();
		if (!copied)
			return false;
		if (!read_seqcount_retry(&stripe->seq, seq))
			return true;
	}
	return false;
}

/* Copy up to @nr elements straight to user memory; -EFAULT if none could be */
static int array_walk_direct(const struct bpfmap_array *a, u32 index, u32 nr,
			     struct bpfmap_walk *w)
{
	u32 i, stride = bpfmap_user_value_size(&a->map, w->flags);
	u32 __user *keys = w->ukeys;

	if (array_way(a, w->flags) == ARRAY_WORDS) {
		i = array_copy_out_words(a, index, nr, w);
	} else {
		for (i = 0; i < nr; i++)
			if (!array_copy_out_whole(a, index + i, &keys[i],
						  w->uvalues +
						  (size_t)i * stride, w->flags))
				break;
	}
	w->nr = i;
	*(u32 *)w->key = index + i - 1;
	return i ? 0 : -EFAULT;
}

static int array_walk_buffer(const struct bpfmap_array *a, u32 index, u32 nr,
			     struct bpfmap_walk *w)
{
	u32 stride = bpfmap_user_value_size(&a->map, w->flags);
	u32 i, *keys = w->keys;

	for (i = 0; i < nr; i++) {
		keys[i] = index + i;
		array_read(a, index + i, w->values + (size_t)i * stride,
			   w->flags);
	}
	w->nr = nr;
	*(u32 *)w->key = index + nr - 1;
	return 0;
}

static int array_walk(struct bpfmap *map, struct bpfmap_walk *w)
{
	u32 nr, index = array_walk_index(map, w);

	w->nr = 0;
	if (index == map->max_entries)
		return -ENOENT;
	nr = min(w->room, map->max_entries - index);
	return w->ukeys ? array_walk_direct(to_array(map), index, nr, w) :
			  array_walk_buffer(to_array(map), index, nr, w);
}

static int array_mmap(struct bpfmap *map, struct vm_area_struct *vma)
{
	u64 pages = PAGE_ALIGN(array_bytes(to_array(map))) >> PAGE_SHIFT;
	u64 len = vma_pages(vma);

	if (!(map->flags & BPFMAP_F_MMAPABLE))
		return -EINVAL;
	if (len > pages || vma->vm_pgoff > pages - len)
		return -EINVAL;
	return 0;
}

static struct page *array_mmap_page(struct bpfmap *map, pgoff_t pgoff)
{
	struct bpfmap_array *a = to_array(map);

	if (pgoff >= PAGE_ALIGN(array_bytes(a)) >> PAGE_SHIFT)
		return NULL;
	return vmalloc_to_page(a->data + (pgoff << PAGE_SHIFT));
}

static int array_hash(struct bpfmap *map, u8 *digest)
{
	struct bpfmap_array *a = to_array(map);
	u64 len, pos = 0, bytes = array_bytes(a);
	struct sha256_ctx ctx;

	/* Otherwise the content could change while it is hashed */
	if (!bpfmap_is_frozen(map))
		return -EPERM;

	sha256_init(&ctx);
	for (; pos < bytes; pos += len) {
		/* May use vector registers, with preemption off */
		len = min_t(u64, bytes - pos, SZ_4K);
		sha256_update(&ctx, a->data + pos, len);
		cond_resched();
	}
	sha256_final(&ctx, digest);
	return 0;
}

static int array_check_sizes(const struct bpfmap_create_attr *attr)
{
	if (!attr->max_entries || attr->key_size != 4 || !attr->value_size)
		return -EINVAL;
	return 0;
}

static int array_check(const struct bpfmap_create_attr *attr)
{
	if (array_check_sizes(attr) ||
	    bpfmap_check_create_flags(attr, BPFMAP_ARRAY_FLAGS))
		return -EINVAL;
	return attr->value_size > INT_MAX ? -E2BIG : 0;
}

static int percpu_array_check(const struct bpfmap_create_attr *attr)
{
	if (array_check_sizes(attr) ||
	    bpfmap_check_create_flags(attr, BPFMAP_PERCPU_ARRAY_FLAGS))
		return -EINVAL;
	if (attr->map_flags & BPFMAP_F_NUMA_NODE &&
	    attr->numa_node != NUMA_NO_NODE)
		return -EINVAL;
	if (round_up((u64)attr->value_size, 8) > BPFMAP_PERCPU_VALUE_MAX)
		return -E2BIG;
	return 0;
}

static enum array_way array_choose_way(const struct bpfmap *map)
{
	if (bpfmap_value_is_large(map))
		return ARRAY_LARGE;
	if (!bpfmap_value_is_word(map->value_size))
		return ARRAY_STRIPED;
	return map->ops->percpu ? ARRAY_CPU_WORDS : ARRAY_WORDS;
}

static int array_alloc_stripes(struct bpfmap_array *a)
{
	u32 i, nr;

	if (a->way == ARRAY_WORDS)
		return 0;

	nr = min_t(u64, roundup_pow_of_two((u64)a->map.max_entries),
		   16 * roundup_pow_of_two(num_possible_cpus()));
	a->stripes = bpfmap_area_alloc((u64)nr * sizeof(*a->stripes),
				       a->map.numa_node, GFP_KERNEL);
	if (!a->stripes)
		return -ENOMEM;
	a->stripe_mask = nr - 1;
	for (i = 0; i < nr; i++) {
		struct bpfmap_array_stripe *stripe = &a->stripes[i];

		raw_spin_lock_init(&stripe->lock);
		seqcount_raw_spinlock_init(&stripe->seq, &stripe->lock);
		init_rwsem(&stripe->sem);
	}
	return 0;
}

static struct bpfmap_array *array_new(const struct bpfmap_create_attr *attr)
{
	struct bpfmap_array *a = kzalloc(sizeof(*a), GFP_KERNEL_ACCOUNT);

	if (!a)
		return NULL;
	bpfmap_init_map(&a->map, attr);
	a->stride = bpfmap_value_stride(&a->map);
	a->way = array_choose_way(&a->map);
	return a;
}

static void array_free(struct bpfmap *map)
{
	struct bpfmap_array *a = to_array(map);

	kvfree(a->data);
	kvfree(a->stripes);
	kfree(a);
}

static struct bpfmap *array_alloc(const struct bpfmap_create_attr *attr)
{
	struct bpfmap_array *a = array_new(attr);
	u64 bytes;

	if (!a)
		return ERR_PTR(-ENOMEM);

	bytes = array_bytes(a);
	if (attr->map_flags & BPFMAP_F_MMAPABLE)
		a->data = bpfmap_area_vmalloc(PAGE_ALIGN(bytes),
					      GFP_KERNEL | __GFP_ZERO);
	else
		a->data = bpfmap_area_alloc(bytes, a->map.numa_node,
					    GFP_KERNEL | __GFP_ZERO);
	if (!a->data || array_alloc_stripes(a)) {
		array_free(&a->map);
		return ERR_PTR(-ENOMEM);
	}
	return &a->map;
}

static void percpu_array_free(struct bpfmap *map)
{
	struct bpfmap_array *a = to_array(map);
	int cpu;

	for_each_possible_cpu(cpu)
		if (a->areas)
			kvfree(a->areas[cpu]);
	kfree(a->areas);
	kvfree(a->stripes);
	kfree(a);
}

static int percpu_array_alloc_areas(struct bpfmap_array *a)
{
	u64 bytes = array_bytes(a);
	int cpu;

	a->areas = kcalloc(nr_cpu_ids, sizeof(*a->areas), GFP_KERNEL_ACCOUNT);
	if (!a->areas)
		return -ENOMEM;
	if (!bpfmap_mem_available(bytes * num_possible_cpus()))
		return -ENOMEM;

	for_each_possible_cpu(cpu) {
		a->areas[cpu] = bpfmap_area_alloc(bytes, cpu_to_node(cpu),
						  GFP_KERNEL | __GFP_ZERO);
		if (!a->areas[cpu])
			return -ENOMEM;
	}
	return array_alloc_stripes(a);
}

static struct bpfmap *percpu_array_alloc(const struct bpfmap_create_attr *attr)
{
	struct bpfmap_array *a = array_new(attr);

	if (!a)
		return ERR_PTR(-ENOMEM);
	if (percpu_array_alloc_areas(a)) {
		percpu_array_free(&a->map);
		return ERR_PTR(-ENOMEM);
	}
	return &a->map;
}

static u64 array_overhead(const struct bpfmap_array *a)
{
	return sizeof(*a) + (a->stripes ?
			     (a->stripe_mask + 1ULL) * sizeof(*a->stripes) : 0);
}

static u64 array_mem_usage(const struct bpfmap *map)
{
	struct bpfmap_array *a = to_array(map);
	u64 bytes = array_bytes(a);

	if (map->flags & BPFMAP_F_MMAPABLE)
		bytes = PAGE_ALIGN(bytes);
	return array_overhead(a) + bytes;
}

static u64 percpu_array_mem_usage(const struct bpfmap *map)
{
	struct bpfmap_array *a = to_array(map);

	return array_overhead(a) + nr_cpu_ids * sizeof(*a->areas) +
	       array_bytes(a) * num_possible_cpus();
}

struct bpfmap_ops bpfmap_array_ops __ro_after_init = {
	.same_entries = true,
	.check = array_check,
	.alloc = array_alloc,
	.free = array_free,
	.lookup_elem = array_lookup_elem,
	.lookup = array_lookup,
	.update = array_update,
	.no_delete = -EINVAL,
	.get_next_key = array_get_next_key,
	.for_each = array_for_each,
	.walk = array_walk,
	.walk_direct = true,
	.update_run = array_update_run,
	.batch = &bpfmap_batch_by_index,
	.mmap = array_mmap,
	.mmap_page = array_mmap_page,
	.hash = array_hash,
	.mem_usage = array_mem_usage,
};

struct bpfmap_ops bpfmap_percpu_array_ops __ro_after_init = {
	.percpu = true,
	.same_entries = true,
	.check = percpu_array_check,
	.alloc = percpu_array_alloc,
	.free = percpu_array_free,
	.lookup_elem = percpu_array_lookup_elem,
	.lookup_percpu_elem = percpu_array_lookup_elem_cpu,
	.lookup = array_lookup,
	.update = percpu_array_update,
	.no_delete = -EINVAL,
	.get_next_key = array_get_next_key,
	.for_each = array_for_each,
	.walk = array_walk,
	.walk_direct = true,
	.update_run = array_update_run,
	.batch = &bpfmap_batch_by_index,
	.mem_usage = percpu_array_mem_usage,
};
