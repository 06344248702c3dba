// SPDX-License-Identifier: GPL-2.0-only
/*
 * Copying up to 512 bytes by words, eight at a time, and large values in pieces
 *
 * On x86, memcpy() and copy_to_user() are string instructions, which are slow
 * to start: these loops are faster. They also load and store each word of an
 * element exactly once, as needed when racing with a writer.
 */
#include <linux/sched.h>

#include "user.h"
#include "value.h"

#define load_word(to, from)	bpfmap_load_word(u64, to, from)
#define store_word(to, from)	bpfmap_store_word(u64, to, from)

/**
 * bpfmap_words_load() - copy from an element that others may write to
 * @dst: destination, any alignment
 * @elem: preferably aligned to 8 bytes, as all elements but those of queues are
 * @size: bytes
 */
void bpfmap_words_load(void *dst, const void *elem, u32 size)
{
	const void *from = elem;
	void *to = dst;

	for (; size >= 64; size -= 64, from += 64, to += 64) {
		load_word(to, from);
		load_word(to + 8, from + 8);
		load_word(to + 16, from + 16);
		load_word(to + 24, from + 24);
		load_word(to + 32, from + 32);
		load_word(to + 40, from + 40);
		load_word(to + 48, from + 48);
		load_word(to + 56, from + 56);
	}
	for (; size >= 8; size -= 8, from += 8, to += 8)
		load_word(to, from);
	if (!size)
		return;
	/* data_race: the caller checks a sequence count */
	data_race(memcpy(to, from, size));
}

/**
 * bpfmap_words_store() - copy to an element that others may read
 * @elem: preferably aligned to 8 bytes, as all elements but those of queues are
 * @src: source, any alignment
 * @size: bytes
 */
void bpfmap_words_store(void *elem, const void *src, u32 size)
{
	const void *from = src;
	void *to = elem;

	for (; size >= 64; size -= 64, from += 64, to += 64) {
		store_word(to, from);
		store_word(to + 8, from + 8);
		store_word(to + 16, from + 16);
		store_word(to + 24, from + 24);
		store_word(to + 32, from + 32);
		store_word(to + 40, from + 40);
		store_word(to + 48, from + 48);
		store_word(to + 56, from + 56);
	}
	for (; size >= 8; size -= 8, from += 8, to += 8)
		store_word(to, from);
	if (!size)
		return;
	/* data_race: the reader checks a sequence count */
	data_race(memcpy(to, from, size));
}

#define get_word(i) \
	unsafe_get_user(((u64 *)dst)[i], (const u64 __user *)src + (i), fault)
#define put_word(i) \
	unsafe_put_user(((const u64 *)src)[i], (u64 __user *)dst + (i), fault)

/**
 * bpfmap_copy_in_words() - bpfmap_copy_in() for more than a few words
 * @dst: kernel memory
 * @src: user memory
 * @size: bytes
 */
int bpfmap_copy_in_words(void *dst, const void __user *src, size_t size)
{
	might_fault();
	if (!user_read_access_begin(src, size))
		return -EFAULT;
	for (; size >= 64; size -= 64, dst += 64, src += 64) {
		get_word(0);
		get_word(1);
		get_word(2);
		get_word(3);
		get_word(4);
		get_word(5);
		get_word(6);
		get_word(7);
	}
	for (; size >= 8; size -= 8, dst += 8, src += 8)
		get_word(0);
	for (; size; size--, dst++, src++)
		unsafe_get_user(*(u8 *)dst, (const u8 __user *)src, fault);
	user_read_access_end();
	return 0;
fault:
	user_read_access_end();
	return -EFAULT;
}

/**
 * bpfmap_copy_out_words() - bpfmap_copy_out() for more than a few words
 * @dst: user memory
 * @src: kernel memory
 * @size: bytes
 */
int bpfmap_copy_out_words(void __user *dst, const void *src, size_t size)
{
	might_fault();
	if (!user_write_access_begin(dst, size))
		return -EFAULT;
	for (; size >= 64; size -= 64, dst += 64, src += 64) {
		put_word(0);
		put_word(1);
		put_word(2);
		put_word(3);
		put_word(4);
		put_word(5);
		put_word(6);
		put_word(7);
	}
	for (; size >= 8; size -= 8, dst += 8, src += 8)
		put_word(0);
	for (; size; size--, dst++, src++)
		unsafe_put_user(*(const u8 *)src, (u8 __user *)dst, fault);
	user_write_access_end();
	return 0;
fault:
	user_write_access_end();
	return -EFAULT;
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
