/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Copying small objects between user memory and the kernel
 *
 * Most keys and values are a few words. For those, opening user memory once and
 * moving words costs a quarter of copy_from_user().
 */
#ifndef _BPFMAP_USER_H
#define _BPFMAP_USER_H

#include <linux/uaccess.h>

/* Up to this many bytes are moved word by word inline */
#define BPFMAP_USER_FEW		64

/* ... and up to this many by a function in copy.c */
#define BPFMAP_USER_WORDS	512

static __always_inline bool bpfmap_user_few(size_t size)
{
	return IS_ENABLED(CONFIG_HAVE_EFFICIENT_UNALIGNED_ACCESS) &&
	       size <= BPFMAP_USER_FEW && !(size & 3);
}

static __always_inline bool bpfmap_user_words(size_t size)
{
	return IS_ENABLED(CONFIG_HAVE_EFFICIENT_UNALIGNED_ACCESS) &&
	       size <= BPFMAP_USER_WORDS;
}

int bpfmap_copy_in_words(void *dst, const void __user *src, size_t size);
int bpfmap_copy_out_words(void __user *dst, const void *src, size_t size);
int bpfmap_copy_in_large(void *dst, const void __user *src, size_t size);
int bpfmap_copy_out_large(void __user *dst, const void *src, size_t size);

/**
 * bpfmap_copy_in() - copy from user memory
 * @dst: kernel memory, aligned to 4
 * @src: user memory
 * @size: bytes; ideally a multiple of 4, up to BPFMAP_USER_FEW
 *
 * Context: Process context. May sleep in a page fault.
 * Return: 0 or -EFAULT; @dst may then be partly filled.
 */
static __always_inline int bpfmap_copy_in(void *dst, const void __user *src,
					  size_t size)
{
	if (!bpfmap_user_few(size)) {
		if (bpfmap_user_words(size))
			return bpfmap_copy_in_words(dst, src, size);
		return bpfmap_copy_in_large(dst, src, size);
	}

	might_fault();
	/* As in copy_from_user(): zero bytes can be copied from anywhere */
	if (!user_read_access_begin(src, size))
		return size ? -EFAULT : 0;
	for (; size >= 8; size -= 8, dst += 8, src += 8)
		unsafe_get_user(*(u64 *)dst, (const u64 __user *)src, fault);
	if (size)
		unsafe_get_user(*(u32 *)dst, (const u32 __user *)src, fault);
	user_read_access_end();
	return 0;
fault:
	user_read_access_end();
	return -EFAULT;
}

/**
 * bpfmap_copy_in_unrolled() - copy three or four words from user memory
 * @dst: kernel memory
 * @src: user memory
 * @words: 3 or 4, a compile-time constant
 *
 * For the attrs of the single-element commands.
 *
 * Context: Process context. May sleep in a page fault.
 * Return: 0 or -EFAULT; @dst may then be partly filled.
 */
static __always_inline int
bpfmap_copy_in_unrolled(u64 *dst, const u64 __user *src,
			const unsigned int words)
{
	might_fault();
	if (!user_read_access_begin(src, words * sizeof(*src)))
		return -EFAULT;
	unsafe_get_user(dst[0], src, fault);
	unsafe_get_user(dst[1], src + 1, fault);
	unsafe_get_user(dst[2], src + 2, fault);
	if (words > 3)
		unsafe_get_user(dst[3], src + 3, fault);
	user_read_access_end();
	return 0;
fault:
	user_read_access_end();
	return -EFAULT;
}

/**
 * bpfmap_copy_out() - copy to user memory
 * @dst: user memory
 * @src: kernel memory, aligned to 4
 * @size: bytes; ideally a multiple of 4, up to BPFMAP_USER_FEW
 *
 * Context: Process context. May sleep in a page fault.
 * Return: 0 or -EFAULT; a part may have been written.
 */
static __always_inline int bpfmap_copy_out(void __user *dst, const void *src,
					   size_t size)
{
	if (!bpfmap_user_few(size)) {
		if (bpfmap_user_words(size))
			return bpfmap_copy_out_words(dst, src, size);
		return bpfmap_copy_out_large(dst, src, size);
	}

	might_fault();
	if (!user_write_access_begin(dst, size))
		return size ? -EFAULT : 0;
	for (; size >= 8; size -= 8, dst += 8, src += 8)
		unsafe_put_user(*(const u64 *)src, (u64 __user *)dst, fault);
	if (size)
		unsafe_put_user(*(const u32 *)src, (u32 __user *)dst, fault);
	user_write_access_end();
	return 0;
fault:
	user_write_access_end();
	return -EFAULT;
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
static __always_inline bool
bpfmap_unsafe_copy_out(void __user *dst, const void *src, u32 size)
{
#define put_word(type, at)						\
	unsafe_put_user(READ_ONCE(*(const type *)(src + (at))),		\
			(type __user *)(dst + (at)), fault)

	for (; size >= 64; size -= 64, dst += 64, src += 64) {
		put_word(u64, 0);
		put_word(u64, 8);
		put_word(u64, 16);
		put_word(u64, 24);
		put_word(u64, 32);
		put_word(u64, 40);
		put_word(u64, 48);
		put_word(u64, 56);
	}
	for (; size >= 8; size -= 8, dst += 8, src += 8)
		put_word(u64, 0);
	if (likely(!size))
		return true;
	if (size & 4) {
		put_word(u32, 0);
		dst += 4;
		src += 4;
	}
	if (size & 2) {
		put_word(u16, 0);
		dst += 2;
		src += 2;
	}
	if (size & 1)
		put_word(u8, 0);
	return true;
fault:
	return false;
#undef put_word
}

#endif /* _BPFMAP_USER_H */
