/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Copying values between an element and a caller's buffer
 *
 * Element memory is aligned to 8 bytes, callers' buffers are not. Everything
 * here may race with a writer of the same element; callers that need more than
 * a word then check a sequence count and discard the copy if it has changed.
 */
#ifndef _BPFMAP_VALUE_H
#define _BPFMAP_VALUE_H

#include <linux/compiler.h>
#include <linux/cpumask.h>
#include <linux/nospec.h>
#include <linux/preempt.h>
#include <linux/rcupdate.h>
#include <linux/smp.h>
#include <linux/string.h>

#include "internal.h"
#include "words.h"

/*
 * Brackets one RCU section of for_each. The CPU must stay the same throughout
 * the callback, for its value; but the callback may allocate, put maps and, on
 * PREEMPT_RT, take spin locks, so preemption stays enabled.
 */
static inline void bpfmap_each_begin(const struct bpfmap *map) __acquires(RCU)
{
	if (map->ops->percpu)
		migrate_disable();
	rcu_read_lock();
}

static inline void bpfmap_each_end(const struct bpfmap *map) __releases(RCU)
{
	rcu_read_unlock();
	if (map->ops->percpu)
		migrate_enable();
}

/* Is a u64 moved by a single load or store? */
#define BPFMAP_U64_IS_WORD	IS_ENABLED(CONFIG_64BIT)

/* Sizes moved by a single load or store, which need no sequence count */
static inline bool bpfmap_value_is_word(u32 size)
{
	return size == 1 || size == 2 || size == 4 ||
	       (BPFMAP_U64_IS_WORD && size == 8);
}

void bpfmap_copy_words(void *dst, const void *src, u32 size);
void bpfmap_copy_large(void *dst, const void *src, u32 size);

#define bpfmap_load_word(type, dst, src)			\
	do {							\
		type __v = READ_ONCE(*(const type *)(src));	\
		memcpy(dst, &__v, sizeof(__v));			\
	} while (0)

#define bpfmap_store_word(type, dst, src)			\
	do {							\
		type __v;					\
		memcpy(&__v, src, sizeof(__v));			\
		WRITE_ONCE(*(type *)(dst), __v);		\
	} while (0)

static __always_inline void bpfmap_value_load(void *dst, const void *elem,
					      u32 size)
{
	switch (size) {
	case 8:
		bpfmap_load_word(u64, dst, elem);
		break;
	case 4:
		bpfmap_load_word(u32, dst, elem);
		break;
	case 2:
		bpfmap_load_word(u16, dst, elem);
		break;
	case 1:
		bpfmap_load_word(u8, dst, elem);
		break;
	default:
		if (bpfmap_is_few_words(size))
			bpfmap_copy_words(dst, elem, size);
		else
			/* data_race: the caller checks a sequence count */
			data_race(memcpy(dst, elem, size));
	}
}

static __always_inline void bpfmap_value_store(void *elem, const void *src,
					       u32 size)
{
	switch (size) {
	case 8:
		bpfmap_store_word(u64, elem, src);
		break;
	case 4:
		bpfmap_store_word(u32, elem, src);
		break;
	case 2:
		bpfmap_store_word(u16, elem, src);
		break;
	case 1:
		bpfmap_store_word(u8, elem, src);
		break;
	default:
		if (bpfmap_is_few_words(size))
			bpfmap_copy_words(elem, src, size);
		else
			/* data_race: the reader checks a sequence count */
			data_race(memcpy(elem, src, size));
	}
}

static __always_inline unsigned int bpfmap_possible_cpu(unsigned int cpu)
{
	while (cpu < nr_cpu_ids && unlikely(!cpu_possible(cpu)))
		cpu++;
	return cpu;
}

/* for_each_possible_cpu() without a call per CPU */
#define bpfmap_each_cpu(cpu)						\
	for ((cpu) = bpfmap_possible_cpu(0); (cpu) < nr_cpu_ids;	\
	     (cpu) = bpfmap_possible_cpu((cpu) + 1))

/* Address of one CPU's value; constant while the element exists */
typedef void *(*bpfmap_slot_fn)(const struct bpfmap *map, const void *elem,
				int cpu);

/* Bytes between a value and its stride are zero, in the map and outside */
static __always_inline void *bpfmap_slot_load(const struct bpfmap *map,
					      void *dst, const void *slot)
{
	u32 pad = bpfmap_value_stride(map) - map->value_size;

	bpfmap_value_load(dst, slot, map->value_size);
	if (pad)
		memset(dst + map->value_size, 0, pad);
	return dst + map->value_size + pad;
}

static __always_inline int bpfmap_one_cpu(u64 flags)
{
	if (flags & BPFMAP_F_THIS_CPU)
		return raw_smp_processor_id();
	/* Checked by bpfmap_check_flags(), but not against speculation */
	return array_index_nospec(bpfmap_flags_cpu(flags), nr_cpu_ids);
}

/* Copy out what @flags select, bpfmap_user_value_size() bytes */
static __always_inline void bpfmap_percpu_load(const struct bpfmap *map,
					       void *dst, const void *elem,
					       u64 flags, bpfmap_slot_fn slot)
{
	unsigned int cpu;

	if (flags & BPFMAP_F_ONE_VALUE) {
		bpfmap_value_load(dst, slot(map, elem, bpfmap_one_cpu(flags)),
				  map->value_size);
		return;
	}
	bpfmap_each_cpu(cpu)
		dst = bpfmap_slot_load(map, dst, slot(map, elem, cpu));
}

/*
 * Copy in what @flags select. A @fresh element may contain values of an earlier
 * use: zero those of CPUs that are not written.
 */
static __always_inline void bpfmap_percpu_store(const struct bpfmap *map,
						void *elem, const void *src,
						u64 flags, bool fresh,
						bpfmap_slot_fn slot)
{
	bool all = !(flags & BPFMAP_F_ONE_VALUE);
	unsigned int cpu;
	int only = -1;

	if (flags & (BPFMAP_F_CPU | BPFMAP_F_THIS_CPU)) {
		only = bpfmap_one_cpu(flags);
		bpfmap_value_store(slot(map, elem, only), src, map->value_size);
		if (!fresh)
			return;
	}
	bpfmap_each_cpu(cpu) {
		if (cpu == only)
			continue;
		if (only >= 0)
			/* data_race: readers of its last use discard this */
			data_race(memset(slot(map, elem, cpu), 0,
					 map->value_size));
		else
			bpfmap_value_store(slot(map, elem, cpu), src,
					   map->value_size);
		if (all)
			src += bpfmap_value_stride(map);
	}
}

#endif /* _BPFMAP_VALUE_H */
