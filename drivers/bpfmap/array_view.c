// SPDX-License-Identifier: GPL-2.0-only
/*
 * Arrays that user space can map: see view.c
 *
 * An element is its sequence count, padding, and its value. The count of a
 * stripe, which other arrays use, would be next to locks. Writers of an element
 * exclude each other by the stripe's lock, or by its semaphore if the value is
 * large, as in other arrays.
 */
#include "array.h"
#include "user.h"
#include "value.h"

static u64 array_view_bytes(const struct bpfmap_array *a)
{
	return PAGE_ALIGN((u64)a->map.max_entries * a->stride);
}

static u32 *array_view_seq(const struct bpfmap_array *a, u32 index)
{
	return array_elem(a, index) - ARRAY_VIEW_HEADER;
}

/**
 * array_view_alloc() - allocate the elements and describe them
 * @a: the array
 *
 * Return: value of the first element, or NULL. Call array_view_free() in both
 * cases.
 */
void *array_view_alloc(struct bpfmap_array *a)
{
	struct bpfmap_view_header *view;
	void *data;

	if (bpfmap_view_create(&a->map))
		return NULL;
	view = a->map.view;
	view->nr_ready = view->nr_elems;
	view->elem_size = a->stride;
	view->elems_off = PAGE_SIZE;
	view->size = PAGE_SIZE + array_view_bytes(a);
	view->value_off = ARRAY_VIEW_HEADER;
	data = bpfmap_area_pages(array_view_bytes(a), GFP_KERNEL);
	return data ? data + ARRAY_VIEW_HEADER : NULL;
}

/**
 * array_view_free() - free what array_view_alloc() allocated
 * @a: the array; its data may be NULL
 */
void array_view_free(struct bpfmap_array *a)
{
	if (a->data)
		bpfmap_area_free_pages(a->data - ARRAY_VIEW_HEADER,
				       array_view_bytes(a));
	bpfmap_view_destroy(&a->map);
}

static void array_view_load(const struct bpfmap_array *a, u32 index,
			    void *value)
{
	if (bpfmap_value_is_large(&a->map))
		bpfmap_copy_large(value, array_elem(a, index),
				  a->map.value_size);
	else
		bpfmap_value_load(value, array_elem(a, index),
				  a->map.value_size);
}

static bool array_view_unchanged(const u32 *count, u32 seq)
{
	/* Pairs with smp_wmb() in array_view_store() */
	smp_rmb();
	return READ_ONCE(*count) == seq;
}

/**
 * array_view_read() - array_read() for arrays with BPFMAP_F_VIEW
 * @a: the array
 * @index: of the element
 * @value: out: never torn
 *
 * Context: Sleeps if the value is large.
 */
void array_view_read(const struct bpfmap_array *a, u32 index, void *value)
{
	struct bpfmap_array_stripe *stripe = array_stripe(a, index);
	const u32 *count = array_view_seq(a, index);
	unsigned long irqflags;
	int tries;
	u32 seq;

	if (bpfmap_value_is_large(&a->map)) {
		down_read(&stripe->sem);
		array_view_load(a, index, value);
		up_read(&stripe->sem);
		return;
	}
	for (tries = 0; tries < ARRAY_TRIES; tries++) {
		/* Pairs with smp_store_release() in array_view_store() */
		seq = smp_load_acquire(count);
		array_view_load(a, index, value);
		if (likely(!(seq & 1) && array_view_unchanged(count, seq)))
			return;
		cpu_relax();
	}
	raw_spin_lock_irqsave(&stripe->lock, irqflags);
	array_view_load(a, index, value);
	raw_spin_unlock_irqrestore(&stripe->lock, irqflags);
}

/* The stripe is locked, or its semaphore held for writing */
static void array_view_store(const struct bpfmap_array *a, u32 index,
			     const void *value)
{
	u32 *count = array_view_seq(a, index);

	WRITE_ONCE(*count, *count + 1);
	/* Pairs with smp_rmb() in array_view_unchanged(), and in user space */
	smp_wmb();
	if (bpfmap_value_is_large(&a->map))
		bpfmap_copy_large(array_elem(a, index), value,
				  a->map.value_size);
	else
		bpfmap_value_store(array_elem(a, index), value,
				   a->map.value_size);
	/* Pairs with smp_load_acquire() of readers, and in user space */
	smp_store_release(count, *count + 1);
}

/**
 * array_view_write() - replace a value
 * @a: the array
 * @index: of the element
 * @value: the new one
 *
 * Context: Sleeps if the value is large.
 */
void array_view_write(const struct bpfmap_array *a, u32 index,
		      const void *value)
{
	struct bpfmap_array_stripe *stripe = array_stripe(a, index);
	unsigned long irqflags;

	if (bpfmap_value_is_large(&a->map)) {
		down_write(&stripe->sem);
		array_view_store(a, index, value);
		up_write(&stripe->sem);
		return;
	}
	raw_spin_lock_irqsave(&stripe->lock, irqflags);
	array_view_store(a, index, value);
	raw_spin_unlock_irqrestore(&stripe->lock, irqflags);
}

/**
 * array_view_copy_out() - copy one untorn value to user memory
 * @a: the array, whose values are not large
 * @index: of the element
 * @key: out: the index
 * @value: out: the value
 *
 * Return: false after a fault or if writers keep winning.
 */
bool array_view_copy_out(const struct bpfmap_array *a, u32 index,
			 u32 __user *key, void __user *value)
{
	const u32 *count = array_view_seq(a, index);
	u32 seq, size = a->map.value_size;
	bool copied;
	int tries;

	for (tries = 0; tries < ARRAY_TRIES; tries++) {
		/* Pairs with smp_store_release() in array_view_store() */
		seq = smp_load_acquire(count);
		if (!user_write_access_begin(key, sizeof(*key)))
			return false;
		copied = bpfmap_unsafe_copy_out(key, &index, sizeof(index)) &&
			 bpfmap_unsafe_copy_out(value, array_elem(a, index),
						size);
		user_write_access_end();
		if (!copied)
			return false;
		if (!(seq & 1) && array_view_unchanged(count, seq))
			return true;
	}
	return false;
}

/**
 * array_view_page() - page of the elements
 * @map: the map
 * @pgoff: not 0
 */
struct page *array_view_page(struct bpfmap *map, pgoff_t pgoff)
{
	struct bpfmap_array *a = to_array(map);
	u64 offset = (u64)(pgoff - 1) << PAGE_SHIFT;

	if (offset >= array_view_bytes(a))
		return NULL;
	return bpfmap_area_page(a->data - ARRAY_VIEW_HEADER, offset);
}
