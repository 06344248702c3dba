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
#include <linux/sched.h>
#include <linux/sizes.h>
#include <linux/slab.h>
#include <linux/vmalloc.h>

#include "array.h"
#include "value.h"

static u64 array_bytes(const struct bpfmap_array *a)
{
	return (u64)a->map.max_entries * a->stride;
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
			array_read_striped(a, index, value,
					   bpfmap_cpu_flags(cpu));
			memset(value + size, 0, a->stride - size);
			value += a->stride;
			cond_resched();
		}
	}
	up_read(sem);
}

/**
 * array_read() - copy what @flags select of an element
 * @a: the array
 * @index: of the element
 * @value: out: bpfmap_user_value_size() bytes, never torn
 * @flags: element flags
 *
 * Context: Sleeps if the value is large.
 */
void array_read(const struct bpfmap_array *a, u32 index, void *value, u64 flags)
{
	enum array_way way = array_way(a, flags);

	if (way == ARRAY_WORDS)
		array_load(a, index, value, flags);
	else if (likely(way == ARRAY_STRIPED))
		array_read_striped(a, index, value, flags);
	else if (way == ARRAY_VIEW)
		array_view_read(a, index, value);
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
	else if (way == ARRAY_VIEW)
		array_view_write(a, index, value);
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
	if (BPFMAP_U64_IS_WORD && map->value_size == sizeof(u64))
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
		else if (way == ARRAY_VIEW)
			array_view_write(a, index, run->values);
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

static void array_hash_bytes(struct sha256_ctx *ctx, const void *data,
			     u64 bytes)
{
	u64 len, pos;

	for (pos = 0; pos < bytes; pos += len) {
		/* May use vector registers, with preemption off */
		len = min_t(u64, bytes - pos, SZ_4K);
		sha256_update(ctx, data + pos, len);
		cond_resched();
	}
}

static int array_hash(struct bpfmap *map, u8 *digest)
{
	struct bpfmap_array *a = to_array(map);
	struct sha256_ctx ctx;
	u32 index;

	/* Otherwise the content could change while it is hashed */
	if (!bpfmap_is_frozen(map))
		return -EPERM;

	sha256_init(&ctx);
	if (a->way != ARRAY_VIEW)
		array_hash_bytes(&ctx, a->data, array_bytes(a));
	else
		for (index = 0; index < map->max_entries; index++)
			array_hash_bytes(&ctx, array_elem(a, index),
					 bpfmap_value_stride(map));
	sha256_final(&ctx, digest);
	return 0;
}

static int array_check_sizes(const struct bpfmap_create_attr *attr)
{
	if (!attr->max_entries || attr->key_size != 4 || !attr->value_size)
		return -EINVAL;
	return 0;
}

/*
 * Words need no sequence count, and BPFMAP_F_MMAPABLE shows them already. Where
 * a long has 32 bits, 8 bytes are refused as they are elsewhere.
 */
static bool array_view_fits(const struct bpfmap_create_attr *attr)
{
	return !(attr->map_flags & BPFMAP_F_MMAPABLE) &&
	       !bpfmap_value_is_word(attr->value_size) &&
	       attr->value_size != sizeof(u64);
}

static int array_check(const struct bpfmap_create_attr *attr)
{
	if (array_check_sizes(attr) ||
	    bpfmap_check_create_flags(attr, BPFMAP_ARRAY_FLAGS))
		return -EINVAL;
	if (attr->map_flags & BPFMAP_F_VIEW && !array_view_fits(attr))
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
	if (map->flags & BPFMAP_F_VIEW)
		return ARRAY_VIEW;
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
	if (a->way == ARRAY_VIEW)
		a->stride += ARRAY_VIEW_HEADER;
	return a;
}

static void array_free(struct bpfmap *map)
{
	struct bpfmap_array *a = to_array(map);

	if (a->way == ARRAY_VIEW)
		array_view_free(a);
	else
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
	if (a->way == ARRAY_VIEW)
		a->data = array_view_alloc(a);
	else if (attr->map_flags & BPFMAP_F_MMAPABLE)
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
	return sizeof(*a) +
	       (a->stripes ? (a->stripe_mask + 1ULL) * sizeof(*a->stripes) : 0);
}

static u64 array_mem_usage(const struct bpfmap *map)
{
	struct bpfmap_array *a = to_array(map);
	u64 bytes = array_bytes(a);

	if (map->flags & (BPFMAP_F_MMAPABLE | BPFMAP_F_VIEW))
		bytes = PAGE_ALIGN(bytes);
	return array_overhead(a) + bytes + bpfmap_view_mem_usage(map);
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
	.lookup_many = array_lookup_many,
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
	.view_page = array_view_page,
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
	.lookup_many = array_lookup_many,
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
