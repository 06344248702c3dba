// SPDX-License-Identifier: GPL-2.0-only
/*
 * Memory for a map's content, and to which memory cgroup it is charged
 */
#include <linux/memcontrol.h>
#include <linux/mm.h>
#include <linux/sched/mm.h>
#include <linux/slab.h>
#include <linux/vmalloc.h>

#include "internal.h"

/* Larger requests are checked against the available memory */
#define BPFMAP_AREA_BIG (64ULL << 20)

/* Charged for maps created in no other memory cgroup; never freed */
static struct mem_cgroup *bpfmap_root_memcg __ro_after_init;

/**
 * bpfmap_mem_available() - can memory be had without invoking the OOM killer?
 * @bytes: any number
 *
 * vmalloc would allocate pages until none is left, and the OOM killer could
 * then hit any process. Small requests are not checked.
 */
bool bpfmap_mem_available(u64 bytes)
{
	return bytes <= BPFMAP_AREA_BIG ||
	       bytes >> PAGE_SHIFT <= si_mem_available();
}

/**
 * bpfmap_area_vmalloc() - page-aligned memory for a map's content
 * @size: bytes, any number
 * @gfp: GFP_KERNEL, optionally with __GFP_ZERO
 *
 * As bpfmap_area_alloc(), but vmalloc_to_page() works on the result.
 */
void *bpfmap_area_vmalloc(u64 size, gfp_t gfp)
{
	if (size > SIZE_MAX - PAGE_SIZE || !bpfmap_mem_available(size))
		return NULL;
	return __vmalloc(size, gfp | __GFP_ACCOUNT | __GFP_NOWARN |
				       __GFP_RETRY_MAYFAIL);
}

/**
 * bpfmap_area_alloc() - memory for a map's content
 * @size: bytes, any number
 * @node: preferred NUMA node or NUMA_NO_NODE
 * @gfp: GFP_KERNEL or GFP_ATOMIC, optionally with __GFP_ZERO
 *
 * Does not invoke the OOM killer and does not warn; charged to the memory
 * cgroup. Free with kvfree().
 *
 * Return: the memory; NULL if there is not enough, or if @gfp is GFP_ATOMIC and
 * @size is above 32 KiB.
 */
void *bpfmap_area_alloc(u64 size, int node, gfp_t gfp)
{
	bool atomic = !gfpflags_allow_blocking(gfp);
	void *p;

	gfp |= __GFP_ACCOUNT | __GFP_NOWARN;
	/* kmalloc rounds up to powers of two: prefer vmalloc if possible */
	if (size <= PAGE_SIZE ||
	    (size <= PAGE_SIZE << PAGE_ALLOC_COSTLY_ORDER &&
	     (atomic || is_power_of_2(size)))) {
		p = kmalloc_node(size, gfp | __GFP_NORETRY, node);
		if (p || atomic)
			return p;
	}
	if (atomic)
		return NULL;
	/* No exported vmalloc takes both a node and gfp flags */
	if (node == NUMA_NO_NODE || size > INT_MAX)
		return bpfmap_area_vmalloc(size, gfp);
	if (!bpfmap_mem_available(size))
		return NULL;
	return kvmalloc_node(size, gfp | __GFP_RETRY_MAYFAIL, node);
}

/**
 * bpfmap_area_pages() - zeroed memory that user space may map
 * @size: bytes, a multiple of PAGE_SIZE
 * @gfp: GFP_KERNEL or GFP_ATOMIC
 *
 * As bpfmap_area_alloc(), but of pages that contain nothing else and have a
 * reference count each. Free with bpfmap_area_free_pages().
 */
void *bpfmap_area_pages(u64 size, gfp_t gfp)
{
	bool atomic = !gfpflags_allow_blocking(gfp);
	void *p;

	if (size <= PAGE_SIZE << PAGE_ALLOC_COSTLY_ORDER &&
	    (atomic || is_power_of_2(size))) {
		p = alloc_pages_exact(size, gfp | __GFP_ZERO | __GFP_ACCOUNT |
						    __GFP_NOWARN |
						    __GFP_NORETRY);
		if (p || atomic)
			return p;
	}
	return atomic ? NULL : bpfmap_area_vmalloc(size, gfp | __GFP_ZERO);
}

/**
 * bpfmap_area_free_pages() - free what bpfmap_area_pages() returned
 * @p: the memory, or NULL
 * @size: bytes, as allocated
 */
void bpfmap_area_free_pages(void *p, u64 size)
{
	if (is_vmalloc_addr(p))
		vfree(p);
	else if (p)
		free_pages_exact(p, size);
}

/**
 * bpfmap_area_page() - page of what bpfmap_area_pages() returned
 * @p: the memory
 * @offset: of a byte in it
 */
struct page *bpfmap_area_page(void *p, u64 offset)
{
	return is_vmalloc_addr(p) ? vmalloc_to_page(p + offset) :
				    virt_to_page(p + offset);
}

/**
 * bpfmap_charge_init() - remember the creator's memory cgroup in a new map
 * @map: the map
 *
 * Does so only if memory will be allocated later. Its obj_cgroup is reparented
 * when the cgroup is removed; a reference to the mem_cgroup itself would pin
 * the removed cgroup. The kernel exports no way to get the obj_cgroup of a
 * task, but that of a charged page can be read.
 *
 * Return: 0 or -ENOMEM.
 */
int bpfmap_charge_init(struct bpfmap *map)
{
	struct page *page;

	if (!map->ops->grows && !(map->flags & BPFMAP_F_NO_PREALLOC))
		return 0;
	page = alloc_page(GFP_KERNEL_ACCOUNT | __GFP_NOWARN |
			  __GFP_RETRY_MAYFAIL);
	if (!page)
		return -ENOMEM;
	map->objcg = bpfmap_get_page_objcg(page);
	__free_page(page);
	return 0;
}

/**
 * bpfmap_charge_begin() - charge later allocations to a map's memory cgroup
 * @map: a map that grows: @grows is set in its ops, or it has
 *	 BPFMAP_F_NO_PREALLOC
 *
 * That is the creator's cgroup, or its nearest ancestor that has not been
 * removed. A GFP_ATOMIC allocation may exceed the limit of the cgroup, as
 * everywhere in the kernel.
 *
 * Context: Any but NMI. An interrupt of the caller may do the same: the old
 * value is per task, or per CPU in interrupts, and each caller restores its
 * own.
 * Return: cookie for bpfmap_charge_end(), in the same context.
 */
struct mem_cgroup *bpfmap_charge_begin(const struct bpfmap *map)
{
	return set_active_memcg(map->objcg ?
					bpfmap_get_objcg_memcg(map->objcg) :
					bpfmap_root_memcg);
}

/**
 * bpfmap_charge_end() - charge the running task again
 * @old: from bpfmap_charge_begin()
 */
void bpfmap_charge_end(struct mem_cgroup *old)
{
	/* The root's references are not counted: a put is harmless */
	mem_cgroup_put(set_active_memcg(old));
}

void __init bpfmap_charge_setup(void)
{
	bpfmap_root_memcg = bpfmap_find_root_memcg();
}
