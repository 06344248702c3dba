/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What differs between the supported kernels. Included before everything else
 * by the build; the only file that may look at the kernel's version. It asks
 * for a macro first, then for what Kbuild found in a header, the version last.
 */
#ifndef _BPFMAP_COMPAT_H
#define _BPFMAP_COMPAT_H

#include <linux/version.h>

/* guard() and __free() came to 6.1 with .79 */
#if LINUX_VERSION_CODE < KERNEL_VERSION(6, 1, 79)
#error "bpfmap needs Linux 6.1.79 or newer"
#endif

#include <linux/file.h>
#include <linux/mm.h>

#ifndef fd_file
#define fd_file(f) ((f).file)
#endif

/* The flags became read-only for others than mm in 6.3 */
#if LINUX_VERSION_CODE < KERNEL_VERSION(6, 3, 0)
static inline void vm_flags_mod(struct vm_area_struct *vma, vm_flags_t set,
				vm_flags_t clear)
{
	vma->vm_flags = (vma->vm_flags | set) & ~clear;
}
#endif

#ifndef BPFMAP_HAVE_SHA256_CTX
#define sha256_ctx sha256_state
#endif

#endif /* _BPFMAP_COMPAT_H */
