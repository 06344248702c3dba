// SPDX-License-Identifier: GPL-2.0-only
/*
 * Mappings of an arena: the address that all of them have, and page faults
 */
#include <linux/fs.h>
#include <linux/mm.h>
#include <linux/mman.h>
#include <linux/pagemap.h>
#include <linux/sched.h>

#include "arena.h"

/* The page for a fault, with a reference; NULL: SIGSEGV */
static struct page *arena_fault_page(struct bpfmap_arena *a,
				     unsigned long index)
{
	struct mem_cgroup *old;
	struct page *page;

	guard(mutex)(&a->lock);
	page = xa_load(&a->pages, index);
	if (!page && !(a->map.flags & BPFMAP_F_SEGV_ON_FAULT)) {
		old = bpfmap_charge_begin(&a->map);
		page = arena_add_page(a, index, NUMA_NO_NODE);
		bpfmap_charge_end(old);
	}
	if (page)
		get_page(page);
	return page;
}

static vm_fault_t arena_fault(struct vm_fault *vmf)
{
	struct bpfmap_arena *a = to_arena(vmf->vma->vm_file->private_data);
	struct page *page = arena_fault_page(a, vmf->pgoff);

	if (!page)
		return VM_FAULT_SIGSEGV;
	lock_page(page);
	if (xa_load(&a->pages, vmf->pgoff) != page) {
		/* Freed meanwhile: retry */
		unlock_page(page);
		put_page(page);
		return VM_FAULT_NOPAGE;
	}
	vmf->page = page;
	return VM_FAULT_LOCKED;
}

/* @lock also keeps faults from taking references */
bool arena_find_held(struct bpfmap *map, pgoff_t *at)
{
	struct bpfmap_arena *a = to_arena(map);
	struct page *page;

	guard(mutex)(&a->lock);
	xa_for_each_start(&a->pages, *at, page, *at) {
		if (bpfmap_page_is_held(page))
			return true;
		cond_resched();
	}
	return false;
}

/* After a split, a part would start or end elsewhere than the arena */
static int arena_may_split(struct vm_area_struct *vma, unsigned long addr)
{
	return -EINVAL;
}

static int arena_mremap(struct vm_area_struct *vma)
{
	return -EINVAL;
}

static const struct vm_operations_struct arena_vm_ops = {
	.open = bpfmap_vma_open,
	.close = bpfmap_vma_close,
	.may_split = arena_may_split,
	.mremap = arena_mremap,
	.fault = arena_fault,
};

/* As in struct bpfmap_ops */
unsigned long arena_get_unmapped_area(struct bpfmap *map, struct file *file,
				      unsigned long addr, unsigned long len,
				      unsigned long pgoff, unsigned long flags)
{
	struct bpfmap_arena *a = to_arena(map);
	unsigned long end = arena_end(a);

	if (pgoff)
		return -EINVAL;
	if (len > ARENA_MAX_BYTES)
		return -E2BIG;
	if (end) {
		if (len > end - a->start)
			return -E2BIG;
		if (len != end - a->start || addr != a->start)
			return -EINVAL;
	}

	/* Twice the size has room for a range that does not cross */
	addr = bpfmap_mm_get_unmapped_area(file, addr, len * 2, 0, flags);
	if (IS_ERR_VALUE(addr) || !arena_crosses(addr, len))
		return addr;
	/* MAP_FIXED allows no other address */
	if (flags & MAP_FIXED)
		return -EINVAL;
	return round_up(addr, ARENA_MAX_BYTES);
}

/* As in struct bpfmap_ops */
int arena_mmap(struct bpfmap *map, struct vm_area_struct *vma)
{
	struct bpfmap_arena *a = to_arena(map);
	int err = 0;

	if (vma->vm_pgoff || vma->vm_end - vma->vm_start > ARENA_MAX_BYTES)
		return -EINVAL;

	mutex_lock(&a->lock);
	if (!a->end)
		arena_place(a, vma->vm_start, vma->vm_end);
	else if (a->start != vma->vm_start || a->end != vma->vm_end)
		err = -EBUSY;
	mutex_unlock(&a->lock);
	if (err)
		return err;

	vm_flags_mod(vma, VM_DONTCOPY, 0);
	vma->vm_ops = &arena_vm_ops;
	return 0;
}

/* As in struct bpfmap_ops */
struct address_space *arena_mapping(struct bpfmap *map)
{
	return to_arena(map)->inode->i_mapping;
}
