// SPDX-License-Identifier: GPL-2.0-only
/*
 * Freezing a map against user-space writers: commands and mappings
 *
 * Writers are counted per CPU, in cache lines that no other CPU's writers
 * touch. As in percpu_rw_semaphore, the freezer pays: it sets BPFMAP_FREEZING,
 * waits until every writer either sees that or is counted, and then counts.
 * Unlike in percpu_rw_semaphore, nobody waits for a writer, which may be stuck
 * in a page fault for as long as user space likes.
 *
 * A page outlives its mapping if get_user_pages() has pinned it: for direct
 * I/O, process_vm_writev(), io_uring buffers. Its holder may still write. So a
 * map that has ever been mapped writable is frozen only if no page has more
 * references than the map's own and those of its mappings. By then these are
 * read-only, and nobody can get write access through them.
 */
#include <linux/delay.h>
#include <linux/mm.h>
#include <linux/rcupdate.h>

#include "freeze.h"

/**
 * __bpfmap_write_begin() - bpfmap_write_begin() while the map is being frozen
 * @map: the map; the caller has incremented the count of begun writers
 *
 * Return: as bpfmap_write_begin().
 */
int __bpfmap_write_begin(struct bpfmap *map)
{
	/* Pairs with smp_mb() in bpfmap_has_writers(): begun before ended */
	smp_mb();
	this_cpu_inc(map->writers->ended);
	if (bpfmap_is_frozen(map))
		return -EPERM;

	guard(mutex)(&map->freeze_mutex);
	if (map->frozen == BPFMAP_FROZEN)
		return -EPERM;
	this_cpu_inc(map->writers->begun);
	return 0;
}

/* Checks of a page, a millisecond apart, before it counts as held */
#define FREEZE_TRIES	10

static bool bpfmap_has_writers(struct bpfmap *map)
{
	unsigned long begun = 0, ended = 0;
	int cpu;

	lockdep_assert_held(&map->freeze_mutex);

	for_each_possible_cpu(cpu)
		ended += READ_ONCE(per_cpu_ptr(map->writers, cpu)->ended);
	/* As in SRCU: a writer counted in ended is then counted in begun */
	smp_mb();
	for_each_possible_cpu(cpu)
		begun += READ_ONCE(per_cpu_ptr(map->writers, cpu)->begun);

	return begun != ended;
}

/**
 * bpfmap_page_is_held() - has a page references besides the map's and those of
 *			   its mappings?
 * @page: a page mapped by user space, to which the map has one reference
 *
 * The caller keeps faults from taking references. Mappings can only go away,
 * and look like references of others while they do: the result may be a
 * transient false positive, but never a false negative.
 *
 * Context: Any.
 */
bool bpfmap_page_is_held(struct page *page)
{
	int count = page_count(page);

	/* Pairs with the atomics of unmapping: unmap, then put */
	smp_rmb();
	return count - bpfmap_page_mapcount(page) > 1;
}

/* Set *@at to the first held page at or after it */
static bool bpfmap_find_held(struct bpfmap *map, pgoff_t *at)
{
	struct page *page;

	if (map->ops->find_held)
		return map->ops->find_held(map, at);
	while ((page = map->ops->mmap_page(map, *at))) {
		if (bpfmap_page_is_held(page))
			return true;
		++*at;
		cond_resched();
	}
	return false;
}

/*
 * Can user space still write to pages that it has unmapped? There are no
 * writable mappings: a page that is not held stays so.
 */
static bool bpfmap_has_holders(struct bpfmap *map)
{
	int tries = 0;
	pgoff_t at = 0;

	lockdep_assert_held(&map->freeze_mutex);

	if (!map->mapped_writable)
		return false;
	while (bpfmap_find_held(map, &at)) {
		if (++tries == FREEZE_TRIES)
			return true;
		/* May be a fault or unmap of a reader: retry */
		usleep_range(1000, 2000);
	}
	return false;
}

/**
 * bpfmap_freeze() - make a map permanently read-only for user space
 * @map: map to freeze
 *
 * After a return of 0, user space can no longer change the map through a
 * command, mapping or pinned page; modules still can.
 *
 * Context: Process context. Takes freeze_mutex. May sleep for an expedited
 * grace period and, if the map was mapped writable, while it checks every page.
 * Return: 0, or -EBUSY if there are writers, a page has references besides its
 * mappings, or the map is already frozen.
 */
int bpfmap_freeze(struct bpfmap *map)
{
	int err = -EBUSY;

	guard(mutex)(&map->freeze_mutex);
	/* Pairs with bpfmap_vma_close(): pages it pinned are seen below */
	if (map->frozen == BPFMAP_FROZEN ||
	    atomic_read_acquire(&map->mmap_writers))
		return -EBUSY;

	WRITE_ONCE(map->frozen, BPFMAP_FREEZING);
	synchronize_rcu_expedited();
	if (!bpfmap_has_writers(map) && !bpfmap_has_holders(map))
		err = 0;
	/*
	 * Pairs with smp_load_acquire() in bpfmap_is_frozen(): seeing the map
	 * frozen implies seeing all writes of user space.
	 */
	smp_store_release(&map->frozen, err ? BPFMAP_THAWED : BPFMAP_FROZEN);
	return err;
}

/**
 * bpfmap_vma_open() - vm_ops->open of every mapping of a map
 * @vma: the new mapping
 */
void bpfmap_vma_open(struct vm_area_struct *vma)
{
	struct bpfmap *map = vma->vm_file->private_data;

	/* Fork or split of a mapping that is already counted */
	if (vma->vm_flags & VM_MAYWRITE)
		atomic_inc(&map->mmap_writers);
}

/**
 * bpfmap_vma_close() - vm_ops->close of every mapping of a map
 * @vma: the mapping that goes away
 */
void bpfmap_vma_close(struct vm_area_struct *vma)
{
	struct bpfmap *map = vma->vm_file->private_data;

	if (!(vma->vm_flags & VM_MAYWRITE))
		return;
	/* Pairs with the acquire in bpfmap_freeze(): pin, then unmap */
	smp_mb__before_atomic();
	atomic_dec(&map->mmap_writers);
}

/* Take a reference, but not while bpfmap_page_is_held() may be counting */
static void bpfmap_get_page(struct bpfmap *map, struct page *page)
{
	bool freezing;

	/*
	 * As in bpfmap_write_begin(), the grace period in bpfmap_freeze() ends
	 * after this section.
	 */
	rcu_read_lock();
	freezing = READ_ONCE(map->frozen) == BPFMAP_FREEZING;
	if (likely(!freezing))
		get_page(page);
	rcu_read_unlock();
	if (likely(!freezing))
		return;

	guard(mutex)(&map->freeze_mutex);
	get_page(page);
}

static vm_fault_t bpfmap_vma_fault(struct vm_fault *vmf)
{
	struct bpfmap *map = vmf->vma->vm_file->private_data;
	struct page *page = map->ops->mmap_page(map, vmf->pgoff);

	if (!page)
		return VM_FAULT_SIGBUS;
	bpfmap_get_page(map, page);
	vmf->page = page;
	return 0;
}

static const struct vm_operations_struct bpfmap_vm_ops = {
	.open = bpfmap_vma_open,
	.close = bpfmap_vma_close,
	.fault = bpfmap_vma_fault,
};

static int bpfmap_mmap_allowed(struct bpfmap *map, struct vm_area_struct *vma)
{
	lockdep_assert_held(&map->freeze_mutex);

	if (vma->vm_flags & VM_WRITE) {
		if (map->frozen == BPFMAP_FROZEN)
			return -EPERM;
		if (map->flags & BPFMAP_F_RDONLY_PROG)
			return -EACCES;
	}
	return map->ops->mmap(map, vma);
}

/**
 * bpfmap_mmap() - mmap of a map's descriptor
 * @file: the descriptor
 * @vma: the mapping; holds @file, which holds the map
 *
 * Return: 0, -ENOTSUPP for types that cannot be mapped, -EPERM for writing to
 * a frozen map or executing, -EACCES for writing to a map with
 * BPFMAP_F_RDONLY_PROG or BPFMAP_F_VIEW, -EINVAL for a private mapping or one
 * the type refuses.
 */
int bpfmap_mmap(struct file *file, struct vm_area_struct *vma)
{
	struct bpfmap *map = file->private_data;
	int err;

	/* In 7.3 this comes from the inode of anonymous files */
	if (vma->vm_flags & VM_EXEC)
		return -EPERM;
	if (map->view)
		return bpfmap_view_mmap(map, vma);
	if (!map->ops->mmap)
		return -ENOTSUPP;
	if (!(vma->vm_flags & VM_SHARED))
		return -EINVAL;

	guard(mutex)(&map->freeze_mutex);
	vma->vm_ops = &bpfmap_vm_ops;
	err = bpfmap_mmap_allowed(map, vma);
	if (err)
		return err;
	vm_flags_mod(vma, VM_DONTEXPAND | VM_DONTDUMP, VM_MAYEXEC);
	/* A mapping that was not counted must never become writable */
	if (vma->vm_flags & VM_WRITE) {
		map->mapped_writable = true;
		atomic_inc(&map->mmap_writers);
	} else {
		vm_flags_mod(vma, 0, VM_MAYWRITE);
	}
	return 0;
}

/**
 * bpfmap_get_unmapped_area() - choose an address to map a map's descriptor
 * @file: the descriptor
 * @addr: address hint of user space, or 0
 * @len: bytes
 * @pgoff: offset into the descriptor, in pages
 * @flags: MAP_FIXED and others
 *
 * Return: an address or an errno.
 */
unsigned long bpfmap_get_unmapped_area(struct file *file, unsigned long addr,
				       unsigned long len, unsigned long pgoff,
				       unsigned long flags)
{
	struct bpfmap *map = file->private_data;

	if (map->ops->get_unmapped_area)
		return map->ops->get_unmapped_area(map, file, addr, len, pgoff,
						   flags);
	return bpfmap_mm_get_unmapped_area(file, addr, len, pgoff, flags);
}
