// SPDX-License-Identifier: GPL-2.0-only
/*
 * Elements, for other kernel modules
 */
#include <linux/export.h>
#include <linux/rcupdate.h>

#include "internal.h"

/* Callers in the kernel mean the CPU they run on, unless they name one */
static u64 this_cpu_flags(const struct bpfmap *map, u64 flags)
{
	if (map->ops->percpu && !(flags & BPFMAP_F_ONE_VALUE))
		flags |= BPFMAP_F_THIS_CPU;
	return flags;
}

/**
 * bpfmap_type() - enum bpfmap_type of a map
 * @map: the map
 */
u32 bpfmap_type(const struct bpfmap *map)
{
	return map->type;
}
EXPORT_SYMBOL_GPL(bpfmap_type);

/**
 * bpfmap_id() - the id by which BPFMAP_MAP_GET_FD_BY_ID finds a map
 * @map: the map
 */
u32 bpfmap_id(const struct bpfmap *map)
{
	return map->id;
}
EXPORT_SYMBOL_GPL(bpfmap_id);

/**
 * bpfmap_key_size() - bytes of a map's keys
 * @map: the map
 */
u32 bpfmap_key_size(const struct bpfmap *map)
{
	return map->key_size;
}
EXPORT_SYMBOL_GPL(bpfmap_key_size);

/**
 * bpfmap_value_size() - bytes of a map's values, of one CPU
 * @map: the map
 */
u32 bpfmap_value_size(const struct bpfmap *map)
{
	return map->value_size;
}
EXPORT_SYMBOL_GPL(bpfmap_value_size);

/**
 * bpfmap_max_entries() - elements that a map can hold
 * @map: the map
 */
u32 bpfmap_max_entries(const struct bpfmap *map)
{
	return map->max_entries;
}
EXPORT_SYMBOL_GPL(bpfmap_max_entries);

/**
 * bpfmap_lookup_elem() - direct reference to a value
 * @map: the map
 * @key: key_size bytes; in an LPM_TRIE the longest prefix of it counts
 *
 * What is written through the pointer is in the map. Nothing protects it
 * against others who write to the same element, nor, after the element was
 * deleted, against its use for another key: a pointer is good for atomic
 * counters and for values that do not change. bpfmap_copy_elem() gives a whole
 * value. In LRU maps both are a use of the element, as an update is.
 *
 * Context: Any but NMI, inside an RCU read-side critical section; for per-CPU
 * types with migration disabled, for the CPU to stay.
 * Return: pointer to value_size bytes (of this CPU's value), aligned to 8, valid
 * memory of this map until rcu_read_unlock(); NULL if there is no such element,
 * and for maps of maps: bpfmap_lookup_inner().
 */
void *bpfmap_lookup_elem(struct bpfmap *map, const void *key)
{
	RCU_LOCKDEP_WARN(!rcu_read_lock_any_held(), "lookup outside of RCU");
	return map->ops->lookup_elem(map, key);
}
EXPORT_SYMBOL_GPL(bpfmap_lookup_elem);

/**
 * bpfmap_lookup_percpu_elem() - direct reference to the value of a CPU
 * @map: the map, of a per-CPU type
 * @key: key_size bytes
 * @cpu: number of the CPU
 *
 * Context: Any but NMI, inside an RCU read-side critical section.
 * Return: as bpfmap_lookup_elem(), and NULL if the type is not per-CPU or @cpu
 * is not possible.
 */
void *bpfmap_lookup_percpu_elem(struct bpfmap *map, const void *key, u32 cpu)
{
	RCU_LOCKDEP_WARN(!rcu_read_lock_any_held(), "lookup outside of RCU");
	if (!map->ops->lookup_percpu_elem)
		return NULL;
	if (!bpfmap_cpu_possible(cpu))
		return NULL;
	return map->ops->lookup_percpu_elem(map, key,
					    array_index_nospec(cpu, nr_cpu_ids));
}
EXPORT_SYMBOL_GPL(bpfmap_lookup_percpu_elem);

/**
 * bpfmap_copy_elem() - copy a value out, whole
 * @map: the map
 * @key: key_size bytes
 * @value: out: value_size bytes
 * @flags: 0, or for per-CPU types BPFMAP_F_CPU and the CPU in bits 63..32
 *
 * @value is what one update stored, also if others write at the same time. For
 * a map of maps it is the id of the map.
 *
 * Context: Any but NMI. Caller holds a reference.
 * Return:
 * * %0 - @value is filled
 * * %-ENOENT - no such element
 * * %-EINVAL - other flags
 * * %-ERANGE - the CPU is not possible
 * * %-EOPNOTSUPP - the value has more than 64 KiB
 */
int bpfmap_copy_elem(struct bpfmap *map, const void *key, void *value,
		     u64 flags)
{
	int err = bpfmap_check_flags(map, flags, BPFMAP_F_CPU);
	int (*copy)(struct bpfmap *map, const void *key, void *value,
		    u64 flags) = map->ops->copy ?: map->ops->lookup;

	if (err)
		return err;
	flags = this_cpu_flags(map, flags);
	if (bpfmap_copies_large(map, flags))
		return -EOPNOTSUPP;
	return copy(map, key, value, flags);
}
EXPORT_SYMBOL_GPL(bpfmap_copy_elem);

/* With flags that need a look, out of line: without, nothing goes to the stack */
static noinline int update_flagged(struct bpfmap *map, const void *key,
				   const void *value, u64 flags)
{
	int err = bpfmap_check_flags(map, flags, U32_MAX);

	if (err)
		return err;
	/* User space stores maps as descriptors, which are nothing here */
	if (map->ops->set_inner)
		return -EINVAL;
	flags = this_cpu_flags(map, flags);
	if (bpfmap_copies_large(map, flags))
		return -EOPNOTSUPP;
	return map->ops->update(map, key, value, flags, GFP_ATOMIC);
}

/**
 * bpfmap_update_elem() - insert an element or replace its value
 * @map: the map
 * @key: key_size bytes
 * @value: value_size bytes, copied
 * @flags: BPFMAP_F_ANY, BPFMAP_F_NOEXIST or BPFMAP_F_EXIST; for per-CPU types
 *	   also BPFMAP_F_CPU with the CPU in bits 63..32, or BPFMAP_F_ALL_CPUS,
 *	   instead of the value of this CPU
 *
 * A new per-CPU element has zeros on all CPUs that were not meant.
 *
 * Context: Any but NMI. Caller holds a reference. Takes a lock of the map, irqs
 * off. Where BPFMAP_F_NO_PREALLOC needs memory, it is GFP_ATOMIC: not for
 * hardirq context on PREEMPT_RT (lockdep says so without, too), and for per-CPU
 * types only as much as the per-CPU allocator has in reserve. Preallocated maps
 * and present keys have neither limit, but those of an LPM_TRIE, where a new
 * value takes new memory as well.
 * Return:
 * * %0 - stored
 * * %-EEXIST - BPFMAP_F_NOEXIST, and the key is there (an array's always is)
 * * %-ENOENT - BPFMAP_F_EXIST, and the key is not there
 * * %-E2BIG - the map is full (LRU maps never are), a bucket has as many elements
 *   as it may (those neither), or the index is out of range
 * * %-ENOSPC - the LPM_TRIE is full
 * * %-ENOMEM - no memory for a new element
 * * %-EINVAL - other flags, a prefix longer than the data, or a map of maps:
 *   bpfmap_set_inner()
 * * %-EBUSY - BPFMAP_TYPE_RHASH: the table could not grow yet, and 256 elements
 *   are in the way of this one
 * * %-EOPNOTSUPP - the key, the value, or with BPFMAP_F_ALL_CPUS those of all CPUs
 *   together, has more than 64 KiB
 * * %-ERANGE - the CPU is not possible
 */
int bpfmap_update_elem(struct bpfmap *map, const void *key, const void *value,
		       u64 flags)
{
	if (unlikely(flags > BPFMAP_F_EXIST || map->ops->set_inner ||
		     bpfmap_value_is_large(map)))
		return update_flagged(map, key, value, flags);
	return map->ops->update(map, key, value, this_cpu_flags(map, flags),
				GFP_ATOMIC);
}
EXPORT_SYMBOL_GPL(bpfmap_update_elem);

/**
 * bpfmap_delete_elem() - remove an element
 * @map: the map
 * @key: key_size bytes
 *
 * Context: Any but NMI; maps of maps: process and softirq context, as
 * bpfmap_put(). Caller holds a reference. Takes a lock of the map, irqs off.
 * Return:
 * * %0 - removed
 * * %-ENOENT - no such element
 * * %-EINVAL - elements of an array, a queue or a stack cannot be removed, or a
 *   prefix longer than the data
 * * %-E2BIG - the index is out of range, in an array of maps
 * * %-EOPNOTSUPP - elements of a Bloom filter cannot be removed
 */
int bpfmap_delete_elem(struct bpfmap *map, const void *key)
{
	return map->ops->delete(map, key);
}
EXPORT_SYMBOL_GPL(bpfmap_delete_elem);

/**
 * bpfmap_get_next_key() - the key after a key
 * @map: the map
 * @key: key_size bytes, or NULL for the first one; a key that is not there is
 *	 as NULL
 * @next_key: out: key_size bytes, other memory than @key
 *
 * The order is that of the table and stays while nothing changes.
 *
 * Context: Any but NMI. Caller holds a reference.
 * Return: 0, or -ENOENT after the last key; -EINVAL for queues and stacks,
 * -EOPNOTSUPP for Bloom filters and for keys of more than 64 KiB.
 */
int bpfmap_get_next_key(struct bpfmap *map, const void *key, void *next_key)
{
	if (unlikely(bpfmap_key_is_large(map)))
		return -EOPNOTSUPP;
	return map->ops->get_next_key(map, key, next_key);
}
EXPORT_SYMBOL_GPL(bpfmap_get_next_key);

/**
 * bpfmap_for_each_elem() - call a function for each element
 * @map: the map
 * @fn: the function
 * @ctx: for the function
 * @flags: 0
 *
 * Elements that others insert or delete meanwhile may be seen or not.
 *
 * Context: Any but NMI; takes as long as the map is large. Caller holds a
 * reference. @fn runs inside an RCU read-side critical section, for per-CPU types
 * with migration disabled, and else in the context of the caller: without a lock,
 * with preemption and interrupts as they are there.
 * Return: number of calls, -EINVAL for other flags, or -EOPNOTSUPP if the type
 * cannot be walked.
 */
long bpfmap_for_each_elem(struct bpfmap *map, bpfmap_each_fn fn, void *ctx,
			  u64 flags)
{
	if (flags)
		return -EINVAL;
	if (!map->ops->for_each)
		return -EOPNOTSUPP;
	return map->ops->for_each(map, fn, ctx);
}
EXPORT_SYMBOL_GPL(bpfmap_for_each_elem);

/**
 * bpfmap_push_elem() - add an element to a map without keys
 * @map: a queue, a stack or a Bloom filter
 * @value: value_size bytes, copied
 * @flags: BPFMAP_F_ANY; for queues and stacks also BPFMAP_F_EXIST: if the map is
 *	   full, the oldest element makes room
 *
 * Who polls a queue or stack is woken, from an irq_work.
 *
 * Context: Any but NMI. Caller holds a reference. Takes the lock of a queue or
 * stack, irqs off.
 * Return:
 * * %0 - added
 * * %-E2BIG - the queue or stack is full
 * * %-EINVAL - other flags
 * * %-EOPNOTSUPP - the map has keys, or values of more than 64 KiB
 */
int bpfmap_push_elem(struct bpfmap *map, const void *value, u64 flags)
{
	int err = bpfmap_check_flags(map, flags, U32_MAX);

	if (err)
		return err;
	if (map->key_size || bpfmap_value_is_large(map))
		return -EOPNOTSUPP;
	return map->ops->update(map, NULL, value, flags, GFP_ATOMIC);
}
EXPORT_SYMBOL_GPL(bpfmap_push_elem);

/**
 * bpfmap_pop_elem() - take an element out of a queue or stack
 * @map: the map
 * @value: out: value_size bytes of a queue's oldest, a stack's newest element
 *
 * Context: Any but NMI. Caller holds a reference. Takes the lock of the map,
 * irqs off.
 * Return:
 * * %0 - @value is filled
 * * %-ENOENT - the map is empty; @value is as it was
 * * %-EOPNOTSUPP - the map is of another type, or has values of more than 64 KiB
 */
int bpfmap_pop_elem(struct bpfmap *map, void *value)
{
	if (map->key_size || !map->ops->lookup_and_delete ||
	    bpfmap_value_is_large(map))
		return -EOPNOTSUPP;
	return map->ops->lookup_and_delete(map, NULL, value);
}
EXPORT_SYMBOL_GPL(bpfmap_pop_elem);

/**
 * bpfmap_peek_elem() - look at what bpfmap_pop_elem() would take, or ask a Bloom
 *			filter for a value
 * @map: a queue, a stack or a Bloom filter
 * @value: queue and stack: out, value_size bytes; Bloom filter: in
 *
 * Context: Any but NMI. Caller holds a reference. Takes the lock of a queue or
 * stack, irqs off.
 * Return:
 * * %0 - @value is filled; Bloom filter: @value was perhaps added
 * * %-ENOENT - the map is empty; Bloom filter: @value was never added
 * * %-EOPNOTSUPP - the map has keys, or values of more than 64 KiB
 */
int bpfmap_peek_elem(struct bpfmap *map, void *value)
{
	if (map->key_size || bpfmap_value_is_large(map))
		return -EOPNOTSUPP;
	return map->ops->lookup(map, NULL, value, 0);
}
EXPORT_SYMBOL_GPL(bpfmap_peek_elem);
