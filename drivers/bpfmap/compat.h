/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Differences between the supported kernels. The build includes this before
 * everything else. It is the only file that may test the kernel's version, and
 * does so last: after macros, and after what Kbuild found in a header.
 */
#ifndef _BPFMAP_COMPAT_H
#define _BPFMAP_COMPAT_H

#include <linux/version.h>

/* 6.1 has guard() and CLASS(), which error paths here rely on, since .79 */
#if LINUX_VERSION_CODE < KERNEL_VERSION(6, 1, 79)
#error "bpfmap needs Linux 6.1.79 or newer"
#endif

#include <linux/cleanup.h>
#include <linux/dcache.h>
#include <linux/err.h>
#include <linux/file.h>
#include <linux/fs.h>
#include <linux/memcontrol.h>
#include <linux/mm.h>
#include <linux/namei.h>
#include <linux/sched.h>
#include <linux/sched/mm.h>
#include <linux/sched/task.h>

#ifndef fd_file
#define fd_file(f) ((f).file)
#endif

/* Since 6.3 vm_flags can only be changed through functions */
#if LINUX_VERSION_CODE < KERNEL_VERSION(6, 3, 0)
static inline void vm_flags_mod(struct vm_area_struct *vma, vm_flags_t set,
				vm_flags_t clear)
{
	vma->vm_flags = (vma->vm_flags | set) & ~clear;
}
#endif

/* Of a page that is not part of a larger one; now a function of folios */
#ifdef BPFMAP_HAVE_FOLIO_MAPCOUNT
#define bpfmap_page_mapcount(page) folio_mapcount(page_folio(page))
#else
#define bpfmap_page_mapcount(page) page_mapcount(page)
#endif

#ifndef BPFMAP_HAVE_SHA256_CTX
#define sha256_ctx sha256_state
#endif

/* Inode operations: mnt_idmap replaced user_namespace as an argument in 6.3 */
#ifndef BPFMAP_HAVE_MNT_IDMAP
#define mnt_idmap user_namespace
#define nop_mnt_idmap init_user_ns
#endif

/* ... mkdir returns a dentry since 6.15 */
#ifdef BPFMAP_HAVE_MKDIR_DENTRY
#define bpfmap_mkdir_ret struct dentry *
#define bpfmap_mkdir_result(err) ERR_PTR(err)
#else
#define bpfmap_mkdir_ret int
#define bpfmap_mkdir_result(err) (err)
#endif

/* Inode times: accessors since 6.7 */
#ifndef BPFMAP_HAVE_SIMPLE_INODE_INIT_TS
static inline void simple_inode_init_ts(struct inode *inode)
{
	inode->i_atime = current_time(inode);
	inode->i_mtime = inode->i_atime;
	inode->i_ctime = inode->i_atime;
}

static inline void bpfmap_dir_changed(struct inode *dir)
{
	dir->i_mtime = current_time(dir);
	dir->i_ctime = dir->i_mtime;
}
#else
static inline void bpfmap_dir_changed(struct inode *dir)
{
	inode_set_mtime_to_ts(dir, inode_set_ctime_current(dir));
}
#endif

/* Names that only the dcache has: once an extra reference, now a flag */
#ifdef BPFMAP_HAVE_D_MAKE_PERSISTENT
#define bpfmap_kill_litter kill_anon_super
#else
#define bpfmap_kill_litter kill_litter_super

static inline void d_make_persistent(struct dentry *dentry, struct inode *inode)
{
	d_instantiate(dentry, inode);
	dget(dentry);
}
#endif

/* Renamed between 6.12 and 7.3 */
#ifndef BPFMAP_HAVE_START_CREATING
#define start_creating_user_path user_path_create
#define end_creating_path done_path_create
#endif

/*
 * Memory cgroups: up to 6.12, __folio_objcg() is for kernel memory only.
 * Without CONFIG_MEMCG, not all kernels have stubs.
 */
#ifdef CONFIG_MEMCG
#ifndef BPFMAP_HAVE_FOLIO_OBJCG
#define folio_objcg __folio_objcg
#endif

/* Reference to the obj_cgroup of a page; NULL: uncharged, or the root's */
static inline struct obj_cgroup *bpfmap_get_page_objcg(struct page *page)
{
	struct folio *folio = page_folio(page);
	struct obj_cgroup *objcg;

	if (!folio_memcg_kmem(folio))
		return NULL;
	objcg = folio_objcg(folio);
	obj_cgroup_get(objcg);
	return objcg;
}

static inline struct mem_cgroup *
bpfmap_get_objcg_memcg(struct obj_cgroup *objcg)
{
	return get_mem_cgroup_from_objcg(objcg);
}

/* init_task stays in the root cgroup; 6.1 does not export root_mem_cgroup */
static inline struct mem_cgroup *bpfmap_find_root_memcg(void)
{
	struct mem_cgroup *memcg;

	rcu_read_lock();
	memcg = mem_cgroup_from_task(&init_task);
	rcu_read_unlock();
	return memcg;
}
#else
static inline struct obj_cgroup *bpfmap_get_page_objcg(struct page *page)
{
	return NULL;
}

static inline struct mem_cgroup *
bpfmap_get_objcg_memcg(struct obj_cgroup *objcg)
{
	return NULL;
}

static inline struct mem_cgroup *bpfmap_find_root_memcg(void)
{
	return NULL;
}
#endif

/* A pointer in the mm in 6.1, then a function of the mm, now of the task */
static inline unsigned long bpfmap_mm_get_unmapped_area(struct file *file,
							unsigned long addr,
							unsigned long len,
							unsigned long pgoff,
							unsigned long flags)
{
#if defined(BPFMAP_HAVE_MM_AREA)
	return mm_get_unmapped_area(file, addr, len, pgoff, flags);
#elif defined(BPFMAP_HAVE_MM_AREA_OF_MM)
	return mm_get_unmapped_area(current->mm, file, addr, len, pgoff, flags);
#else
	return current->mm->get_unmapped_area(file, addr, len, pgoff, flags);
#endif
}

#endif /* _BPFMAP_COMPAT_H */
