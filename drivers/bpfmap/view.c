// SPDX-License-Identifier: GPL-2.0-only
/*
 * Views: maps that user space reads without a system call
 *
 *	page 0		struct bpfmap_view_header
 *	...		heads of chains, if the type has any
 *	...		elements, in the order of their indexes
 *
 * The pages are the memory that commands and modules work on. So writers do
 * nothing for readers that they do not do for each other, and what is not to be
 * seen is in other pages: links of LRU lists, locks, addresses of any kind.
 *
 * A mapping is read-only for ever: without VM_MAYWRITE, mprotect() cannot
 * change it, and it is no copy-on-write mapping, so that get_user_pages()
 * refuses to write, FOLL_FORCE or not. It holds its descriptor, which holds the
 * map. Pages stay where they are until the map is freed.
 */
#include <linux/mm.h>

#include "internal.h"

/**
 * bpfmap_view_create() - allocate the header of a map with BPFMAP_F_VIEW
 * @map: the map; the common part is initialised
 *
 * The type fills in what depends on its layout.
 *
 * Return: 0 or -ENOMEM. Call bpfmap_view_destroy() in both cases.
 */
int bpfmap_view_create(struct bpfmap *map)
{
	struct bpfmap_view_header *view;

	view = bpfmap_area_pages(PAGE_SIZE, GFP_KERNEL);
	if (!view)
		return -ENOMEM;
	view->magic = BPFMAP_VIEW_MAGIC;
	view->version = BPFMAP_VIEW_VERSION;
	view->header_size = sizeof(*view);
	view->map_type = map->type;
	view->key_size = map->key_size;
	view->value_size = map->value_size;
	view->nr_elems = map->max_entries;
	map->view = view;
	return 0;
}

/**
 * bpfmap_view_destroy() - free the header, if there is one
 * @map: the map
 */
void bpfmap_view_destroy(struct bpfmap *map)
{
	bpfmap_area_free_pages(map->view, PAGE_SIZE);
}

/* A correct reader gets no SIGBUS: it follows links to elements that exist */
static vm_fault_t bpfmap_view_fault(struct vm_fault *vmf)
{
	struct bpfmap *map = vmf->vma->vm_file->private_data;
	struct page *page;

	page = vmf->pgoff ? map->ops->view_page(map, vmf->pgoff) :
			    bpfmap_area_page(map->view, 0);
	if (!page)
		return VM_FAULT_SIGBUS;
	get_page(page);
	vmf->page = page;
	return 0;
}

/* Without VM_MAYWRITE, no mapping counts as a writer: no open, no close */
static const struct vm_operations_struct bpfmap_view_vm_ops = {
	.fault = bpfmap_view_fault,
};

/**
 * bpfmap_view_mmap() - mmap of a map with BPFMAP_F_VIEW
 * @map: the map
 * @vma: the mapping
 *
 * Return: 0, -EACCES for writing, -EINVAL for a private mapping or pages that
 * the file does not have.
 */
int bpfmap_view_mmap(struct bpfmap *map, struct vm_area_struct *vma)
{
	u64 pages = map->view->size >> PAGE_SHIFT;
	u64 len = vma_pages(vma);

	/* Unlike VM_SHARED, also set if the descriptor is read-only */
	if (!(vma->vm_flags & VM_MAYSHARE))
		return -EINVAL;
	if (vma->vm_flags & VM_WRITE)
		return -EACCES;
	if (len > pages || vma->vm_pgoff > pages - len)
		return -EINVAL;
	vm_flags_mod(vma, VM_DONTEXPAND | VM_DONTDUMP,
		     VM_MAYWRITE | VM_MAYEXEC);
	vma->vm_ops = &bpfmap_view_vm_ops;
	return 0;
}
