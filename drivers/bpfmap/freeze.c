// SPDX-License-Identifier: GPL-2.0-only
/*
 * Freezing a map against the writers of user space: commands and mappings
 *
 * A writer is counted per CPU and shares no cache line with other CPUs'
 * writers. As in percpu_rw_semaphore, the one who freezes pays: it announces
 * itself, waits until each writer either has seen that or can be seen, and
 * then counts. Unlike with percpu_rw_semaphore nobody waits for a writer, who
 * may be stuck in a page fault for as long as user space likes.
 *
 * A page outlives its mapping where get_user_pages() has pinned it: for direct
 * I/O, process_vm_writev(), buffers of io_uring. The holder may write. So a map
 * that has ever been mapped writable is frozen only if each page has no more
 * references than the map's own and those of its mappings, which are read only
 * then and give nobody else the right to write.
 */
#include <linux/delay.h>
#include <linux/mm.h>
#include <linux/rcupdate.h>

#include "freeze.h"

/**
 * __bpfmap_write_begin() - bpfmap_write_begin() when somebody freezes the map
 * @map: the map; the caller has been counted as one who began
 *
 * Return: as bpfmap_write_begin().
 */
int __bpfmap_write_begin(struct bpfmap *map)
{
	int err = 0;

	/* Pairs with smp_mb() in bpfmap_has_writers(): begun before ended */
	smp_mb();
	this_cpu_inc(map->writers->ended);
	if (bpfmap_is_frozen(map))
		return -EPERM;

	mutex_lock(&map->freeze_mutex);
	if (map->frozen == BPFMAP_FROZEN)
		err = -EPERM;
	else
		this_cpu_inc(map->writers->begun);
	mutex_unlock(&map->freeze_mutex);
	return err;
}

/* Looks at a page, a millisecond apart, before it counts as held */
#define FREEZE_TRIES	10

static bool bpfmap_has_writers(struct bpfmap *map)
{
	unsigned long begun = 0, ended = 0;
	int cpu;

	lockdep_assert_held(&map->freeze_mutex);

	for_each_possible_cpu(cpu)
		ended += READ_ONCE(per_cpu_ptr(map->writers, cpu)->ended);
	/* As in SRCU: whoever is counted in ended is then counted in begun */
	smp_mb();
	for_each_possible_cpu(cpu)
		begun += READ_ONCE(per_cpu_ptr(map->writers, cpu)->begun);

	return begun != ended;
}

/**
 * bpfmap_page_is_held() - has a page more references than the map's and those
 *			   of its mappings?
 * @page: a page of user space's, to which the map has one reference
 *
 * No fault may take a reference meanwhile. Mappings then only go, and seem to be
 * references of others while they do: the answer may be a wrong true, for a
 * moment, but never a wrong false.
 *
 * Context: Any.
 */
bool bpfmap_page_is_held(struct page *page)
{
	int count = page_count(page);

	/* Pairs with the atomics of unmapping: first unmapped, then put */
	smp_rmb();
	return count - bpfmap_page_mapcount(page) > 1;
}

/* The first page from @at on that is held, to @at */
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
 * May user space still write to pages that it does not have mapped any more?
 * There are no writable mappings: a page that is not held stays so.
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
		/* Perhaps just a fault or an unmapping of a reader */
		usleep_range(1000, 2000);
	}
	return false;
}

/**
 * bpfmap_freeze() - make a map read only for user space, for ever
 * @map: map to freeze
 *
 * When this returns 0, user space does not change the map any more, by no
 * command, mapping or pinned page; other modules still may.
 *
 * Context: Process context. Takes freeze_mutex. May sleep for an expedited grace
 * period, and for as long as it takes to look at every page of a map that was
 * mapped writable.
 * Return: 0, or -EBUSY if there are writers, a page is held by more than its
 * mappings, or the map is frozen already.
 */
int bpfmap_freeze(struct bpfmap *map)
{
	int err = -EBUSY;

	mutex_lock(&map->freeze_mutex);
	/* Pairs with bpfmap_vma_close(): what it pinned is seen below */
	if (map->frozen == BPFMAP_FROZEN ||
	    atomic_read_acquire(&map->mmap_writers))
		goto unlock;

	WRITE_ONCE(map->frozen, BPFMAP_FREEZING);
	synchronize_rcu_expedited();
	if (!bpfmap_has_writers(map) && !bpfmap_has_holders(map))
		err = 0;
	/*
	 * Pairs with smp_load_acquire() in bpfmap_is_frozen(): who finds the
	 * map frozen sees what the last writer wrote.
	 */
	smp_store_release(&map->frozen, err ? BPFMAP_THAWED : BPFMAP_FROZEN);
unlock:
	mutex_unlock(&map->freeze_mutex);
	return err;
}

/**
 * bpfmap_vma_open() - vm_ops->open of every mapping of a map
 * @vma: the new one
 */
void bpfmap_vma_open(struct vm_area_struct *vma)
{
	struct bpfmap *map = vma->vm_file->private_data;

	/* A fork or a split of a mapping that is counted already */
	if (vma->vm_flags & VM_MAYWRITE)
		atomic_inc(&map->mmap_writers);
}

/**
 * bpfmap_vma_close() - vm_ops->close of every mapping of a map
 * @vma: the one that goes
 */
void bpfmap_vma_close(struct vm_area_struct *vma)
{
	struct bpfmap *map = vma->vm_file->private_data;

	if (!(vma->vm_flags & VM_MAYWRITE))
		return;
	/* Pairs with the acquire in bpfmap_freeze(): pinned, then unmapped */
	smp_mb__before_atomic();
	atomic_dec(&map->mmap_writers);
}

/* bpfmap_page_is_held() wants no such references while it looks */
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

	mutex_lock(&map->freeze_mutex);
	get_page(page);
	mutex_unlock(&map->freeze_mutex);
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
 * @vma: the mapping; holds @file, and with it the map
 *
 * Return: 0, -ENOTSUPP for types that cannot be mapped, -EPERM for writing to
 * a frozen map or executing, -EACCES for writing to a map with
 * BPFMAP_F_RDONLY_PROG, -EINVAL for a private mapping or one the type refuses.
 */
int bpfmap_mmap(struct file *file, struct vm_area_struct *vma)
{
	struct bpfmap *map = file->private_data;
	int err;

	/* What 7.3 has from the inode of anonymous files */
	if (vma->vm_flags & VM_EXEC)
		return -EPERM;
	if (!map->ops->mmap)
		return -ENOTSUPP;
	if (!(vma->vm_flags & VM_SHARED))
		return -EINVAL;

	mutex_lock(&map->freeze_mutex);
	vma->vm_ops = &bpfmap_vm_ops;
	err = bpfmap_mmap_allowed(map, vma);
	if (!err) {
		vm_flags_mod(vma, VM_DONTEXPAND | VM_DONTDUMP, VM_MAYEXEC);
		/* A mapping that was not counted must never become writable */
		if (vma->vm_flags & VM_WRITE) {
			map->mapped_writable = true;
			atomic_inc(&map->mmap_writers);
		} else {
			vm_flags_mod(vma, 0, VM_MAYWRITE);
		}
	}
	mutex_unlock(&map->freeze_mutex);
	return err;
}

/**
 * bpfmap_get_unmapped_area() - where a map's descriptor can be mapped
 * @file: the descriptor
 * @addr: where user space wants it, or 0
 * @len: bytes
 * @pgoff: pages of the descriptor that are left out
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
