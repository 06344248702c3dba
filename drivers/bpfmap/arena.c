// SPDX-License-Identifier: GPL-2.0-only
/*
 * Arena: sparse memory that user space maps, at one address in every process
 *
 * Pages are allocated when user space touches them or when a module asks for
 * them, and freed when a module frees them. An xarray finds them by number; a
 * bitmap records which numbers are taken.
 *
 *	mapping		start ........................................... end
 *	number		0      1      2      3      ...
 *	bitmap		1      0      1      0		  first max_entries
 *	xarray		page	      page		  pages that exist
 *
 * A fault returns its page locked. Freeing a page erases it from the xarray
 * under the page's lock and zaps the mappings after that, as truncation of a
 * file does: a fault that still found the page has mapped it by then, a later
 * one finds it gone. Each arena has an inode of its own, whose i_mapping lets
 * the kernel find the mappings; drm_fs_inode_new() does the same.
 */
#include <linux/bitmap.h>
#include <linux/export.h>
#include <linux/fs.h>
#include <linux/mm.h>
#include <linux/mount.h>
#include <linux/pagemap.h>
#include <linux/pseudo_fs.h>
#include <linux/rcupdate.h>
#include <linux/sched.h>
#include <linux/slab.h>

#include "arena.h"

#define ARENA_GFP	(GFP_KERNEL_ACCOUNT | __GFP_NOWARN | __GFP_RETRY_MAYFAIL)

#define ARENA_FS_MAGIC	0x62706d61

static struct vfsmount *arena_mnt;

static bool is_arena(const struct bpfmap *map)
{
	return map->type == BPFMAP_TYPE_ARENA;
}

static u64 arena_bytes(const struct bpfmap_create_attr *attr)
{
	return (u64)attr->max_entries << PAGE_SHIFT;
}

static int arena_check(const struct bpfmap_create_attr *attr)
{
	/*
	 * As in bpf(2): its window of 4 GiB, and numbers of pages and addresses
	 * in one long, need 64 bits. It checks a token before the other rules:
	 * see arena_check_late()
	 */
	return IS_ENABLED(CONFIG_64BIT) ? 0 : -EINVAL;
}

static int arena_check_late(const struct bpfmap_create_attr *attr)
{
	if (attr->key_size || attr->value_size || !attr->max_entries ||
	    !(attr->map_flags & BPFMAP_F_MMAPABLE))
		return -EINVAL;
	if (bpfmap_check_create_flags(attr, BPFMAP_ARENA_FLAGS))
		return -EINVAL;
	if (!PAGE_ALIGNED(attr->map_extra))
		return -EINVAL;
	if (arena_bytes(attr) > ARENA_MAX_BYTES)
		return -E2BIG;
	if (arena_crosses(attr->map_extra, arena_bytes(attr)))
		return -ERANGE;
	return 0;
}

static struct bpfmap *arena_alloc(const struct bpfmap_create_attr *attr)
{
	u64 bits = BITS_TO_LONGS((u64)attr->max_entries) * sizeof(long);
	struct bpfmap_arena *a;
	int err;

	err = arena_check_late(attr);
	if (err)
		return ERR_PTR(err);

	a = kzalloc(sizeof(*a), GFP_KERNEL_ACCOUNT);
	if (!a)
		return ERR_PTR(-ENOMEM);
	a->taken =
		bpfmap_area_alloc(bits, NUMA_NO_NODE, GFP_KERNEL | __GFP_ZERO);
	if (!a->taken)
		goto free_arena;
	a->inode = alloc_anon_inode(arena_mnt->mnt_sb);
	if (IS_ERR(a->inode))
		goto free_taken;

	bpfmap_init_map(&a->map, attr);
	mutex_init(&a->lock);
	xa_init_flags(&a->pages, XA_FLAGS_ACCOUNT);
	if (attr->map_extra)
		arena_place(a, attr->map_extra,
			    attr->map_extra + arena_bytes(attr));
	return &a->map;

free_taken:
	kvfree(a->taken);
free_arena:
	kfree(a);
	return ERR_PTR(-ENOMEM);
}

static void arena_free(struct bpfmap *map)
{
	struct bpfmap_arena *a = to_arena(map);
	unsigned long index;
	struct page *page;

	/* A mapping holds its file and thus the map: none is left */
	xa_for_each(&a->pages, index, page) {
		put_page(page);
		cond_resched();
	}
	xa_destroy(&a->pages);
	iput(a->inode);
	kvfree(a->taken);
	mutex_destroy(&a->lock);
	kfree(a);
}

/**
 * arena_add_page() - allocate a zeroed page for an empty slot
 * @a: the arena, locked
 * @index: number of the page
 * @node: preferred node
 *
 * Return: the page, NULL without memory.
 */
struct page *arena_add_page(struct bpfmap_arena *a, unsigned long index,
			    int node)
{
	struct page *page;

	lockdep_assert_held(&a->lock);

	page = alloc_pages_node(node, ARENA_GFP | __GFP_ZERO, 0);
	if (!page)
		return NULL;
	if (xa_err(xa_store(&a->pages, index, page, ARENA_GFP))) {
		put_page(page);
		return NULL;
	}
	if (index < a->map.max_entries)
		__set_bit(index, a->taken);
	WRITE_ONCE(a->nr_pages, a->nr_pages + 1);
	return page;
}

/* Remove pages; then call arena_put_pages() without the lock */
static void arena_remove_pages(struct bpfmap_arena *a, unsigned long index,
			       unsigned long nr, struct list_head *removed)
{
	unsigned long last = index + nr - 1, max = a->map.max_entries;
	struct address_space *mapping = a->inode->i_mapping;
	unsigned long at;
	struct page *page;

	lockdep_assert_held(&a->lock);

	xa_for_each_range(&a->pages, at, page, index, last) {
		/* A fault that locked it first maps it; later ones miss it */
		lock_page(page);
		xa_erase(&a->pages, at);
		unlock_page(page);
		list_add(&page->lru, removed);
		WRITE_ONCE(a->nr_pages, a->nr_pages - 1);
		cond_resched();
	}
	if (!list_empty(removed))
		unmap_mapping_range(mapping, (loff_t)index << PAGE_SHIFT,
				    (loff_t)nr << PAGE_SHIFT, 1);
	if (index < max) {
		bitmap_clear(a->taken, index, min(nr, max - index));
		a->first_free = min(a->first_free, index);
	}
}

/* No look-up finds these any more, but modules may still read them */
static void arena_put_pages(struct list_head *removed)
{
	struct page *page, *next;

	if (list_empty(removed))
		return;
	synchronize_rcu_expedited();
	list_for_each_entry_safe(page, next, removed, lru) {
		list_del(&page->lru);
		put_page(page);
		cond_resched();
	}
}

/* Number of the page at an address of the mappings, or -1 */
static s64 arena_index(const struct bpfmap_arena *a, unsigned long addr)
{
	unsigned long end = arena_end(a);

	if (addr >= end || addr < a->start)
		return -1;
	return (addr - a->start) >> PAGE_SHIFT;
}

/* First of @nr free numbers in a row, at @addr if it is not 0 */
static s64 arena_find_free(const struct bpfmap_arena *a, unsigned long addr,
			   u32 nr)
{
	unsigned long max = min_t(unsigned long, a->map.max_entries,
				  (a->end - a->start) >> PAGE_SHIFT);
	unsigned long at;

	lockdep_assert_held(&a->lock);

	if (!addr) {
		at = bitmap_find_next_zero_area(a->taken, max, a->first_free,
						nr, 0);
		return at >= max ? -ENOSPC : at;
	}
	if (!PAGE_ALIGNED(addr) || arena_index(a, addr) < 0)
		return -EINVAL;
	at = arena_index(a, addr);
	if (at >= max || nr > max - at)
		return -EINVAL;
	return find_next_bit(a->taken, at + nr, at) < at + nr ? -EBUSY : at;
}

static int arena_add_pages(struct bpfmap_arena *a, unsigned long index, u32 nr,
			   int node, struct list_head *removed)
{
	struct mem_cgroup *old;
	u32 done;

	lockdep_assert_held(&a->lock);

	if (!bpfmap_mem_available((u64)nr << PAGE_SHIFT))
		return -ENOMEM;
	old = bpfmap_charge_begin(&a->map);
	for (done = 0; done < nr; done++) {
		if (!arena_add_page(a, index + done, node))
			break;
		cond_resched();
	}
	bpfmap_charge_end(old);
	if (done < nr) {
		if (done)
			arena_remove_pages(a, index, done, removed);
		return -ENOMEM;
	}
	if (index == a->first_free)
		a->first_free += nr;
	return 0;
}

/**
 * bpfmap_arena_alloc_pages() - allocate consecutive pages
 * @map: an arena
 * @addr: page-aligned user address for the first page, or 0 for any
 * @nr: how many
 * @node: NUMA node to prefer, or NUMA_NO_NODE
 * @flags: 0
 *
 * The pages are zeroed and at once readable and writable by user space,
 * wherever the arena is mapped. They are charged to the memory cgroup of the
 * arena's creator.
 *
 * Context: Process context. May sleep; holds the arena's lock throughout, and
 * faults of user space wait for it. Not under mmap_lock. Caller holds a
 * reference.
 * Return:
 * * the user address of the first page
 * * %-EINVAL - @map is no arena, @flags are set, @nr is 0, @node is invalid,
 *   @addr is not page-aligned, or not all pages would be inside the arena
 * * %-ENXIO - the arena has no address: it was created without one, and user
 *   space has not mapped it yet
 * * %-EBUSY - a page already exists in the range at @addr
 * * %-ENOSPC - no @nr consecutive numbers are free
 * * %-ENOMEM - no memory
 */
long bpfmap_arena_alloc_pages(struct bpfmap *map, unsigned long addr, u32 nr,
			      int node, u64 flags)
{
	struct bpfmap_arena *a = to_arena(map);
	LIST_HEAD(removed);
	s64 index;
	long ret;

	if (!is_arena(map) || flags || !nr)
		return -EINVAL;
	if (node != NUMA_NO_NODE && !bpfmap_node_online(node))
		return -EINVAL;
	if (!arena_end(a))
		return -ENXIO;

	mutex_lock(&a->lock);
	index = arena_find_free(a, addr, nr);
	ret = index;
	if (index >= 0)
		ret = arena_add_pages(a, index, nr, node, &removed);
	mutex_unlock(&a->lock);
	arena_put_pages(&removed);
	return ret < 0 ? ret : a->start + (index << PAGE_SHIFT);
}
EXPORT_SYMBOL_GPL(bpfmap_arena_alloc_pages);

/**
 * bpfmap_arena_free_pages() - free pages
 * @map: an arena
 * @addr: page-aligned user address of the first one
 * @nr: how many; pages past the end of the arena do not count
 *
 * It does not matter who allocated them; an address without a page is skipped.
 * On return the pages are in no mapping, and no module uses them inside RCU. If
 * user space touches the addresses again it gets new, zeroed pages, or SIGSEGV
 * with BPFMAP_F_SEGV_ON_FAULT.
 *
 * Context: Process context. May sleep, including for an expedited RCU grace
 * period. Not under mmap_lock, and not inside RCU. Caller holds a reference.
 * Return: 0, -EINVAL if @map is no arena, @nr is 0, or @addr is not
 * page-aligned or not inside the arena, -ENXIO if the arena has no address yet.
 */
int bpfmap_arena_free_pages(struct bpfmap *map, unsigned long addr, u32 nr)
{
	struct bpfmap_arena *a = to_arena(map);
	unsigned long pages;
	LIST_HEAD(removed);
	s64 index;

	if (!is_arena(map) || !nr || !PAGE_ALIGNED(addr))
		return -EINVAL;
	if (!arena_end(a))
		return -ENXIO;
	index = arena_index(a, addr);
	if (index < 0)
		return -EINVAL;
	pages = min_t(unsigned long, nr, (a->end - addr) >> PAGE_SHIFT);

	mutex_lock(&a->lock);
	arena_remove_pages(a, index, pages, &removed);
	mutex_unlock(&a->lock);
	arena_put_pages(&removed);
	return 0;
}
EXPORT_SYMBOL_GPL(bpfmap_arena_free_pages);

/**
 * bpfmap_arena_kaddr() - kernel address of a user address
 * @map: an arena
 * @addr: user address, any number: a pointer that user space stored needs no
 *	  check first
 *
 * The pointer is good up to the end of its page: pages that are consecutive for
 * user space are not so in the kernel. User space may write to the bytes at any
 * time: read once, then check.
 *
 * Context: Any but NMI, inside an RCU read-side critical section.
 * Return: pointer to the byte at @addr, valid memory of this arena until
 * rcu_read_unlock() even if the page is freed, or for as long as the caller
 * prevents that by other means. NULL if there is no page.
 */
void *bpfmap_arena_kaddr(struct bpfmap *map, unsigned long addr)
{
	struct bpfmap_arena *a = to_arena(map);
	struct page *page;
	s64 index;

	RCU_LOCKDEP_WARN(!rcu_read_lock_any_held(), "arena outside of RCU");
	if (!is_arena(map))
		return NULL;
	index = arena_index(a, addr);
	if (index < 0)
		return NULL;
	page = xa_load(&a->pages, index);
	return page ? page_address(page) + offset_in_page(addr) : NULL;
}
EXPORT_SYMBOL_GPL(bpfmap_arena_kaddr);

/* As in bpf(2): only the pages */
static u64 arena_mem_usage(const struct bpfmap *map)
{
	return (u64)READ_ONCE(to_arena(map)->nr_pages) << PAGE_SHIFT;
}

struct bpfmap_ops bpfmap_arena_ops __ro_after_init = {
	.map_extra = true,
	.grows = true,
	.check = arena_check,
	.alloc = arena_alloc,
	.free = arena_free,
	.no_lookup = -EINVAL,
	.no_update = -EOPNOTSUPP,
	.no_delete = -EOPNOTSUPP,
	.no_next_key = -EOPNOTSUPP,
	.mmap = arena_mmap,
	.find_held = arena_find_held,
	.mapping = arena_mapping,
	.get_unmapped_area = arena_get_unmapped_area,
	.mem_usage = arena_mem_usage,
};

static int arena_init_fs_context(struct fs_context *fc)
{
	return init_pseudo(fc, ARENA_FS_MAGIC) ? 0 : -ENOMEM;
}

/*
 * Never registered, and without an owner: the mount would pin the module.
 * kern_unmount() has finished with it when it returns.
 */
static struct file_system_type arena_fs_type = {
	.name = "bpfmap_arena",
	.init_fs_context = arena_init_fs_context,
	.kill_sb = kill_anon_super,
};

/**
 * bpfmap_arena_init() - before the first arena
 *
 * Return: 0 or an errno.
 */
int __init bpfmap_arena_init(void)
{
	arena_mnt = kern_mount(&arena_fs_type);
	return PTR_ERR_OR_ZERO(arena_mnt);
}

/**
 * bpfmap_arena_exit() - after the last arena was freed
 */
void bpfmap_arena_exit(void)
{
	kern_unmount(arena_mnt);
}
