/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Copying small objects between user memory and the kernel
 *
 * Most keys and values are a few words. get_user(), and moving words with user
 * memory opened once, save 200 of 1200 instructions of an update of a hash 8/8,
 * compared with copy_from_user(), and 530 of 2050 of a hash 40/512.
 */
#ifndef _BPFMAP_USER_H
#define _BPFMAP_USER_H

#include <linux/uaccess.h>

#include "words.h"

int bpfmap_copy_in_words(void *dst, const void __user *src, size_t size);
int bpfmap_copy_out_words(void __user *dst, const void *src, size_t size);
int bpfmap_copy_in_large(void *dst, const void __user *src, size_t size);
int bpfmap_copy_out_large(void __user *dst, const void *src, size_t size);

/**
 * bpfmap_copy_in() - copy from user memory
 * @dst: kernel memory
 * @src: user memory
 * @size: bytes
 *
 * Context: Process context. May sleep in a page fault.
 * Return: 0 or -EFAULT; @dst may then be partly filled.
 */
static inline int bpfmap_copy_in(void *dst, const void __user *src, size_t size)
{
	if (!bpfmap_is_few_words(size))
		return bpfmap_copy_in_large(dst, src, size);
	/* Saves 30 of 1037 instructions of an update of a hash 8/8 */
	if (size == 8)
		return get_user(*(u64 *)dst, (const u64 __user *)src);
	if (size == 4)
		return get_user(*(u32 *)dst, (const u32 __user *)src);
	return bpfmap_copy_in_words(dst, src, size);
}

/**
 * bpfmap_copy_out() - copy to user memory
 * @dst: user memory
 * @src: kernel memory, aligned to 8
 * @size: bytes, not 0
 *
 * Context: Process context. May sleep in a page fault.
 * Return: 0 or -EFAULT; a part may have been written.
 */
static inline int bpfmap_copy_out(void __user *dst, const void *src,
				  size_t size)
{
	if (!bpfmap_is_few_words(size))
		return bpfmap_copy_out_large(dst, src, size);
	if (size == 8)
		return put_user(*(const u64 *)src, (u64 __user *)dst);
	if (size == 4)
		return put_user(*(const u32 *)src, (u32 __user *)dst);
	return bpfmap_copy_out_words(dst, src, size);
}

/**
 * bpfmap_unsafe_copy_out() - copy to user memory between
 *			      user_write_access_begin() and _end()
 * @dst: user memory
 * @src: kernel memory that others may write to, aligned to 8
 * @size: bytes
 *
 * Makes no function calls, which are not allowed there.
 *
 * Return: false after a fault; a part may have been written.
 */
static __always_inline bool bpfmap_unsafe_copy_out(void __user *dst,
						   const void *src, u32 size)
{
#define put_word(type, to, from)					\
	unsafe_put_user(READ_ONCE(*(const type *)(from)),		\
			(type __user *)(to), fault)

	bpfmap_by_words(put_word, dst, src, size);
	return true;
fault:
	return false;
#undef put_word
}

#endif /* _BPFMAP_USER_H */
