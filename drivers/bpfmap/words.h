/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Copying by words
 *
 * On x86, memcpy(), copy_from_user() and copy_to_user() are string
 * instructions, which are slow to start.
 */
#ifndef _BPFMAP_WORDS_H
#define _BPFMAP_WORDS_H

#include <linux/types.h>

/* Up to this many bytes, copying by words is faster */
#define BPFMAP_WORDS_MAX	512

static inline bool bpfmap_is_few_words(size_t size)
{
	return IS_ENABLED(CONFIG_HAVE_EFFICIENT_UNALIGNED_ACCESS) &&
	       size <= BPFMAP_WORDS_MAX;
}

/**
 * bpfmap_by_words() - copy, by moving words
 * @move: macro to move one: of a type, to a place, from a place
 * @to: pointer variable, left anywhere
 * @from: pointer variable, left anywhere
 * @size: variable, bytes; left anywhere
 *
 * The only loop of this kind. Eight words at a time instead of one save 497 of
 * 2020 instructions of an update of a hash 40/512, and 276 of 552 of an element
 * of its batched look-up.
 */
#define bpfmap_by_words(move, to, from, size)				\
	do {								\
		for (; size >= 64; size -= 64, to += 64, from += 64) {	\
			move(u64, to, from);				\
			move(u64, to + 8, from + 8);			\
			move(u64, to + 16, from + 16);			\
			move(u64, to + 24, from + 24);			\
			move(u64, to + 32, from + 32);			\
			move(u64, to + 40, from + 40);			\
			move(u64, to + 48, from + 48);			\
			move(u64, to + 56, from + 56);			\
		}							\
		for (; size >= 8; size -= 8, to += 8, from += 8)	\
			move(u64, to, from);				\
		if (!size)						\
			break;						\
		if (size & 4) {						\
			move(u32, to, from);				\
			to += 4;					\
			from += 4;					\
		}							\
		if (size & 2) {						\
			move(u16, to, from);				\
			to += 2;					\
			from += 2;					\
		}							\
		if (size & 1)						\
			move(u8, to, from);				\
	} while (0)

#endif /* _BPFMAP_WORDS_H */
