// SPDX-License-Identifier: GPL-2.0-only
/*
 * Copying a few words, and large values in pieces
 */
#include <linux/sched.h>

#include "user.h"
#include "value.h"

/**
 * bpfmap_copy_words() - copy from or to an element that others may access
 * @dst: destination, any alignment
 * @src: source, any alignment
 * @size: bytes
 *
 * Saves 335 of 1858 instructions of an update of a hash 40/512, compared with
 * memcpy().
 */
void bpfmap_copy_words(void *dst, const void *src, u32 size)
{
/* Each word once: the caller checks a sequence count */
#define move_word(type, to, from) \
	WRITE_ONCE(*(type *)(to), READ_ONCE(*(const type *)(from)))

	bpfmap_by_words(move_word, dst, src, size);
#undef move_word
}

/**
 * bpfmap_copy_in_words() - bpfmap_copy_in() of what is not large
 * @dst: kernel memory
 * @src: user memory
 * @size: bytes
 */
int bpfmap_copy_in_words(void *dst, const void __user *src, size_t size)
{
#define get_word(type, to, from)					\
	unsafe_get_user(*(type *)(to), (const type __user *)(from), fault)

	might_fault();
	/* As in copy_from_user(): zero bytes can be copied from anywhere */
	if (!user_read_access_begin(src, size))
		return size ? -EFAULT : 0;
	bpfmap_by_words(get_word, dst, src, size);
	user_read_access_end();
	return 0;
fault:
	user_read_access_end();
	return -EFAULT;
#undef get_word
}

/**
 * bpfmap_copy_out_words() - bpfmap_copy_out() of what is not large
 * @dst: user memory
 * @src: kernel memory, aligned to 8
 * @size: bytes, not 0
 */
int bpfmap_copy_out_words(void __user *dst, const void *src, size_t size)
{
	bool whole;

	might_fault();
	if (!user_write_access_begin(dst, size))
		return -EFAULT;
	whole = bpfmap_unsafe_copy_out(dst, src, size);
	user_write_access_end();
	return whole ? 0 : -EFAULT;
}

/**
 * bpfmap_copy_large() - copy a value that is too large for atomic context
 * @dst: destination
 * @src: source
 * @size: bytes
 *
 * The caller holds a sleeping lock, or @src is constant and @dst is known to no
 * one else. Only mappings, and modules with a pointer, can interfere.
 *
 * Context: Process context. Sleeps.
 */
void bpfmap_copy_large(void *dst, const void *src, u32 size)
{
	u32 n;

	for (; size; size -= n, dst += n, src += n) {
		n = min_t(u32, size, BPFMAP_ATOMIC_COPY);
		/* data_race: these are not promised an untorn value */
		data_race(memcpy(dst, src, n));
		cond_resched();
	}
}

/**
 * bpfmap_copy_in_large() - copy_from_user() in pieces
 * @dst: kernel memory
 * @src: user memory
 * @size: bytes
 *
 * Context: Process context. Sleeps.
 * Return: 0 or -EFAULT.
 */
int bpfmap_copy_in_large(void *dst, const void __user *src, size_t size)
{
	size_t n;

	for (; size; size -= n, dst += n, src += n) {
		n = min_t(size_t, size, BPFMAP_ATOMIC_COPY);
		if (copy_from_user(dst, src, n))
			return -EFAULT;
		cond_resched();
	}
	return 0;
}

/**
 * bpfmap_copy_out_large() - copy_to_user() in pieces
 * @dst: user memory
 * @src: kernel memory
 * @size: bytes
 *
 * Context: Process context. Sleeps.
 * Return: 0 or -EFAULT.
 */
int bpfmap_copy_out_large(void __user *dst, const void *src, size_t size)
{
	size_t n;

	for (; size; size -= n, dst += n, src += n) {
		n = min_t(size_t, size, BPFMAP_ATOMIC_COPY);
		if (copy_to_user(dst, src, n))
			return -EFAULT;
		cond_resched();
	}
	return 0;
}
