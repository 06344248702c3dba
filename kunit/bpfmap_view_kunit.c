// SPDX-License-Identifier: GPL-2.0-only
/*
 * The layout of maps with BPFMAP_F_VIEW: which pages user space sees, and that
 * what is not to be seen is in none of them. [view.header] [view.content]
 */
#include <linux/mm.h>

#include "../drivers/bpfmap/array.h"
#include "../drivers/bpfmap/hash.h"
#include "fixture.h"

#define VIEW(map_type, label, map_flags, key, value, max) {		\
	.name = label " " #key "/" #value, .type = BPFMAP_TYPE_##map_type, \
	.flags = BPFMAP_F_VIEW | (map_flags), .key_size = key,		\
	.value_size = value, .max_entries = max,			\
}

#define NO_PREALLOC	BPFMAP_F_NO_PREALLOC

static const struct map_shape hashes[] = {
	VIEW(HASH, "hash", 0, 8, 8, 1),
	VIEW(HASH, "hash", 0, 8, 8, 200000),
	VIEW(HASH, "hash", 0, 13, 77, 40000),
	VIEW(HASH, "hash", 0, 8, 70000, 100),
	VIEW(HASH, "no_prealloc", NO_PREALLOC, 8, 8, 5000),
	VIEW(HASH, "no_prealloc", NO_PREALLOC, 13, 2100, 100),
	VIEW(HASH, "no_prealloc", NO_PREALLOC, 8, 70000, 10),
	VIEW(LRU_HASH, "lru", 0, 8, 8, 1),
	VIEW(LRU_HASH, "lru", 0, 8, 8, 5001),
	VIEW(LRU_HASH, "lru", 0, 13, 77, 3000),
	VIEW(LRU_HASH, "lru", 0, 8, 5000, 300),
	VIEW(LRU_HASH, "lru", 0, 8, 70000, 10),
	VIEW(LRU_HASH, "own lists", BPFMAP_F_NO_COMMON_LRU, 8, 8, 1000),
};

static const struct map_shape arrays[] = {
	VIEW(ARRAY, "array", 0, 4, 3, 1),
	VIEW(ARRAY, "array", 0, 4, 12, 100000),
	VIEW(ARRAY, "array", 0, 4, 70000, 50),
};

SHAPE_PARAM(hash, hashes);
SHAPE_PARAM(array, arrays);

static struct page *page_of(void *p)
{
	return is_vmalloc_addr(p) ? vmalloc_to_page(p) : virt_to_page(p);
}

/* Byte @offset of the file */
static struct page *shown(struct bpfmap *map, u64 offset)
{
	return map->ops->view_page(map, offset >> PAGE_SHIFT);
}

static void check_common(struct kunit *test, struct bpfmap *map)
{
	const struct bpfmap_view_header *view = map->view;
	u64 end = view->elems_off + (u64)view->nr_elems * view->elem_size;

	KUNIT_ASSERT_NOT_NULL(test, view);
	KUNIT_EXPECT_EQ(test, view->nr_elems, map->max_entries);
	KUNIT_EXPECT_EQ(test, view->heads_off % PAGE_SIZE, 0ULL);
	KUNIT_EXPECT_EQ(test, view->elems_off % PAGE_SIZE, 0ULL);
	KUNIT_EXPECT_EQ(test, view->elem_size % 8, 0U);
	KUNIT_EXPECT_EQ(test, view->size, PAGE_ALIGN(end));
	KUNIT_EXPECT_NULL(test, shown(map, view->size));
}

/* The node of an LRU list is in a page that is not shown */
static void check_node(struct kunit *test, struct bpfmap_htab *h, u32 index)
{
	u64 bytes = (u64)h->pool.elem_size << h->pool.chunk_shift;
	u64 chunk = (index >> h->pool.chunk_shift) * bytes, at;
	void *node = bpfmap_lru_node(h->lru, htab_elem(h, index));
	u64 end = min(chunk + bytes,
		      h->map.view->size - h->map.view->elems_off);

	for (at = chunk; at < end; at += PAGE_SIZE) {
		struct page *page = shown(&h->map,
					  h->map.view->elems_off + at);

		KUNIT_EXPECT_PTR_NE(test, page, page_of(node));
		KUNIT_EXPECT_PTR_NE(test, page,
				    page_of(node + sizeof(struct bpfmap_lru_node) -
					    1));
	}
}

static void view_hash(struct kunit *test)
{
	struct bpfmap *map = kunit_map(test, test->param_value);
	const struct bpfmap_view_header *view = map->view;
	struct bpfmap_htab *h = to_htab(map);
	u32 i, step;
	u64 at;

	check_common(test, map);
	for (at = 0; at < htab_heads_bytes(h); at += PAGE_SIZE)
		KUNIT_EXPECT_PTR_EQ(test, shown(map, view->heads_off + at),
				    page_of((void *)h->heads + at));
	KUNIT_EXPECT_EQ(test, view->nr_ready,
			map->flags & NO_PREALLOC ? 0 : view->nr_elems);
	step = max(view->nr_ready / 300, 1U);
	for (i = 0; i < view->nr_ready; i += step) {
		at = view->elems_off + (u64)i * view->elem_size;
		KUNIT_EXPECT_PTR_EQ(test, shown(map, at),
				    page_of(htab_elem(h, i)));
		KUNIT_EXPECT_EQ(test, offset_in_page(htab_elem(h, i)),
				offset_in_page(at));
		if (h->lru)
			check_node(test, h, i);
	}
}

/* Chunks appear in the file when elements need them */
static void view_grow(struct kunit *test)
{
	static const struct map_shape shape =
		VIEW(HASH, "", NO_PREALLOC, 8, 64, 3000);
	struct bpfmap *map = kunit_map(test, &shape);
	const struct bpfmap_view_header *view = map->view;
	struct bpfmap_htab *h = to_htab(map);
	u32 i, ready;

	KUNIT_EXPECT_NULL(test, shown(map, view->elems_off));
	for (i = 0; i < shape.max_entries; i++) {
		KUNIT_ASSERT_EQ(test, put_nth(map, i, 0, 0), 0);
		ready = view->nr_ready;
		KUNIT_EXPECT_EQ(test, ready, h->pool.nr_ready);
		KUNIT_EXPECT_GT(test, ready, i);
		KUNIT_EXPECT_PTR_EQ(test,
				    shown(map, view->elems_off +
						       (ready - 1ULL) *
							       view->elem_size),
				    page_of(htab_elem(h, ready - 1)));
	}
	KUNIT_EXPECT_EQ(test, view->nr_ready, view->nr_elems);
}

static void view_array(struct kunit *test)
{
	struct bpfmap *map = kunit_map(test, test->param_value);
	const struct bpfmap_view_header *view = map->view;
	struct bpfmap_array *a = to_array(map);
	u32 i, step = max(map->max_entries / 300, 1U);

	check_common(test, map);
	KUNIT_EXPECT_EQ(test, view->heads_off, 0ULL);
	for (i = 0; i < map->max_entries; i += step)
		KUNIT_EXPECT_PTR_EQ(
			test,
			shown(map, view->elems_off + view->value_off +
					   (u64)i * view->elem_size),
			page_of(array_elem(a, i)));
}

/* A map without the flag shows nothing */
static void view_without(struct kunit *test)
{
	static const struct map_shape shape = {
		.type = BPFMAP_TYPE_HASH, .key_size = 8, .value_size = 8,
		.max_entries = 4,
	};

	KUNIT_EXPECT_NULL(test, kunit_map(test, &shape)->view);
}

static struct kunit_case view_cases[] = {
	KUNIT_CASE_PARAM(view_hash, hash_gen_params),
	KUNIT_CASE_PARAM(view_array, array_gen_params),
	KUNIT_CASE(view_grow),
	KUNIT_CASE(view_without),
	{}
};

static struct kunit_suite view_suite = {
	.name = "bpfmap_view",
	.test_cases = view_cases,
};

kunit_test_suite(view_suite);
