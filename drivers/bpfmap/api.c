// SPDX-License-Identifier: GPL-2.0-only
/*
 * Element operations for other kernel modules
 */
#include <linux/export.h>
#include <linux/rcupdate.h>

#include "internal.h"

/* Without a CPU in @flags, callers in the kernel mean the running CPU */
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
 * @key: key_size bytes; an LPM_TRIE returns the longest prefix that matches it
 *
 * Writes through the pointer change the map. They are not serialised with other
 * writers of the element, and a deleted element can be reused for another key:
 * use the pointer for atomic counters and for values that do not change.
 * bpfmap_copy_elem() never returns a torn value. In LRU maps both mark the
 * element as used, as an update does.
 *
 * Context: Any but NMI, inside an RCU read-side critical section; for per-CPU
 * types with migration disabled, so that the CPU stays the same.
 * Return: pointer to value_size bytes (this CPU's value), aligned to 8, valid
 * memory of this map until rcu_read_unlock(). NULL if there is no such element,
 * and for maps of maps, which have bpfmap_lookup_inner().
 */
void *bpfmap_lookup_elem(struct bpfmap *map, const void *key)
{
	RCU_LOCKDEP_WARN(!rcu_read_lock_any_held(), "lookup outside of RCU");
	return map->ops->lookup_elem(map, key);
}
EXPORT_SYMBOL_GPL(bpfmap_lookup_elem);

/**
 * bpfmap_lookup_many() - direct references to the values of many keys
 * @map: the map
 * @keys: packed keys, key_size bytes each
 * @values: out: for each key what bpfmap_lookup_elem() would return
 * @nr: number of keys
 *
 * Faster than as many calls of bpfmap_lookup_elem(), in a large map because the
 * loads of several keys from memory overlap. There is no order among the
 * look-ups. It takes time in proportion to @nr, inside one RCU read-side
 * critical section: give a few hundred keys at a time.
 *
 * Context: as bpfmap_lookup_elem(), whose rules for the pointers also hold.
 * Return: how many of @values are not NULL.
 */
u32 bpfmap_lookup_many(struct bpfmap *map, const void *keys, void **values,
		       u32 nr)
{
	RCU_LOCKDEP_WARN(!rcu_read_lock_any_held(), "lookup outside of RCU");
	return map->ops->lookup_elems(map, keys, values, nr);
}
EXPORT_SYMBOL_GPL(bpfmap_lookup_many);

/**
 * bpfmap_lookup_percpu_elem() - direct reference to one CPU's value
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
	return map->ops->lookup_percpu_elem(
		map, key, array_index_nospec(cpu, nr_cpu_ids));
}
EXPORT_SYMBOL_GPL(bpfmap_lookup_percpu_elem);

/**
 * bpfmap_copy_elem() - copy a value out
 * @map: the map
 * @key: key_size bytes
 * @value: out: value_size bytes
 * @flags: 0, or for per-CPU types BPFMAP_F_CPU and the CPU in bits 63..32
 *
 * @value is never torn: it is what one update stored, even with concurrent
 * writers. For a map of maps it is the id of the inner map.
 *
 * Context: Any but NMI. Caller holds a reference.
 * Return:
 * * %0 - @value is filled
 * * %-ENOENT - no such element
 * * %-EINVAL - other flags
 * * %-ERANGE - the CPU is not possible
 * * %-EOPNOTSUPP - the value is larger than 64 KiB
 */
int bpfmap_copy_elem(struct bpfmap *map, const void *key, void *value,
		     u64 flags)
{
	int err = bpfmap_check_flags(map, flags, BPFMAP_F_CPU);

	if (err)
		return err;
	flags = this_cpu_flags(map, flags);
	if (bpfmap_copies_large(map, flags))
		return -EOPNOTSUPP;
	return map->ops->copy(map, key, value, flags);
}
EXPORT_SYMBOL_GPL(bpfmap_copy_elem);

/* Flags that need a check; out of line, so that the fast path needs no stack */
static noinline int update_flagged(struct bpfmap *map, const void *key,
				   const void *value, u64 flags)
{
	int err = bpfmap_check_flags(map, flags, U32_MAX);

	if (err)
		return err;
	/* Descriptors of inner maps mean nothing in the kernel */
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
 *	   also BPFMAP_F_CPU with the CPU in bits 63..32, or BPFMAP_F_ALL_CPUS;
 *	   without either, the value of this CPU is written
 *
 * A new per-CPU element has zeros on all CPUs that @flags do not name.
 *
 * Context: Any but NMI. Caller holds a reference. Takes a lock of the map, irqs
 * off. With BPFMAP_F_NO_PREALLOC, a new element is allocated with GFP_ATOMIC:
 * not from hardirq context on PREEMPT_RT (lockdep also complains without it),
 * and per-CPU types are limited to the reserve of the per-CPU allocator.
 * Preallocated maps and present keys do not allocate, except in an LPM_TRIE,
 * where each update needs a new node.
 * Return:
 * * %0 - stored
 * * %-EEXIST - BPFMAP_F_NOEXIST, and the key is there (always so in an array)
 * * %-ENOENT - BPFMAP_F_EXIST, and the key is not there
 * * %-E2BIG - the map is full or a bucket has reached its limit (never in LRU
 *   maps), or the index is out of range
 * * %-ENOSPC - the LPM_TRIE is full
 * * %-ENOMEM - no memory for a new element
 * * %-EINVAL - other flags, a prefix longer than the data, or a map of maps,
 *   which needs bpfmap_set_inner()
 * * %-EBUSY - BPFMAP_TYPE_RHASH: the table could not grow yet, and 256 elements
 *   precede this one in its chain
 * * %-EOPNOTSUPP - the key, the value, or with BPFMAP_F_ALL_CPUS the values of
 *   all CPUs together, is larger than 64 KiB
 * * %-ERANGE - the CPU is not possible
 */
int bpfmap_update_elem(struct bpfmap *map, const void *key, const void *value,
		       u64 flags)
{
	if (unlikely(!bpfmap_update_flags_ok(flags, false) ||
		     map->ops->set_inner || bpfmap_value_is_large(map)))
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
 * bpfmap_get_next_key() - copy the key after a key
 * @map: the map
 * @key: key_size bytes, or NULL for the first key; a key that is not in the map
 *	 is treated as NULL
 * @next_key: out: key_size bytes, must not overlap @key
 *
 * The order is that of the table and is stable while the map does not change.
 *
 * Context: Any but NMI. Caller holds a reference.
 * Return: 0, or -ENOENT after the last key; -EINVAL for queues and stacks,
 * -EOPNOTSUPP for Bloom filters and for keys larger than 64 KiB.
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
 * @ctx: passed to @fn
 * @flags: 0
 *
 * Elements inserted or deleted meanwhile may or may not be visited.
 *
 * Context: Any but NMI; takes time in proportion to the size of the map. Caller
 * holds a reference. @fn runs inside an RCU read-side critical section, for
 * per-CPU types with migration disabled, and otherwise in the caller's context:
 * no lock is taken, preemption and interrupts are left as they are.
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
 * @flags: BPFMAP_F_ANY; for queues and stacks also BPFMAP_F_EXIST: if the map
 *	   is full, remove the oldest element first
 *
 * Wakes the pollers of a queue or stack, from an irq_work.
 *
 * Context: Any but NMI. Caller holds a reference. Takes the lock of a queue or
 * stack, irqs off.
 * Return:
 * * %0 - added
 * * %-E2BIG - the queue or stack is full
 * * %-EINVAL - other flags
 * * %-EOPNOTSUPP - the map has keys, or values larger than 64 KiB
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
 * bpfmap_pop_elem() - remove an element from a queue or stack
 * @map: the map
 * @value: out: value_size bytes of a queue's oldest or a stack's newest element
 *
 * Context: Any but NMI. Caller holds a reference. Takes the lock of the map,
 * irqs off.
 * Return:
 * * %0 - @value is filled
 * * %-ENOENT - the map is empty; @value is unchanged
 * * %-EOPNOTSUPP - the map is of another type, or has values larger than 64 KiB
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
 * bpfmap_peek_elem() - copy what bpfmap_pop_elem() would remove, or ask a Bloom
 *			filter for a value
 * @map: a queue, a stack or a Bloom filter
 * @value: queue and stack: out, value_size bytes; Bloom filter: in
 *
 * Context: Any but NMI. Caller holds a reference. Takes the lock of a queue or
 * stack, irqs off.
 * Return:
 * * %0 - @value is filled; Bloom filter: @value may have been added
 * * %-ENOENT - the map is empty; Bloom filter: @value was never added
 * * %-EOPNOTSUPP - the map has keys, or values larger than 64 KiB
 */
int bpfmap_peek_elem(struct bpfmap *map, void *value)
{
	if (map->key_size || bpfmap_value_is_large(map))
		return -EOPNOTSUPP;
	return map->ops->lookup(map, NULL, value, 0);
}
EXPORT_SYMBOL_GPL(bpfmap_peek_elem);
