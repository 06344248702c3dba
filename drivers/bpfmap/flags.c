// SPDX-License-Identifier: GPL-2.0-only
/*
 * Checks of flags, of elements and of maps
 */
#include "internal.h"

/**
 * __bpfmap_check_flags() - check element flags
 * @map: map they are for
 * @flags: from user space or a module; not 0
 * @allowed: flags that the command accepts, among the lower 32 bits
 *
 * The order of the checks is that of bpf(2) in 7.3.
 *
 * Return: 0, -EINVAL, or -ERANGE for a CPU that is not possible.
 */
int __bpfmap_check_flags(const struct bpfmap *map, u64 flags, u64 allowed)
{
	u32 cpu = bpfmap_flags_cpu(flags);

	if ((u32)flags & ~(u32)allowed)
		return -EINVAL;
	/* Without BTF, no value can have a lock in it */
	if (flags & BPFMAP_F_LOCK)
		return -EINVAL;
	if (cpu && !(flags & BPFMAP_F_CPU))
		return -EINVAL;
	if (!(flags & (BPFMAP_F_CPU | BPFMAP_F_ALL_CPUS)))
		return 0;
	if (!map->ops->percpu)
		return -EINVAL;
	if (!(flags & BPFMAP_F_CPU))
		return 0;
	if (flags & BPFMAP_F_ALL_CPUS)
		return -EINVAL;
	return bpfmap_cpu_possible(cpu) ? 0 : -ERANGE;
}

/**
 * bpfmap_check_create_flags() - rules for map_flags common to all types
 * @attr: the request
 * @allowed: flags that the type accepts
 *
 * Return: 0 or -EINVAL.
 */
int bpfmap_check_create_flags(const struct bpfmap_create_attr *attr,
			      u32 allowed)
{
	const u32 both = BPFMAP_F_RDONLY_PROG | BPFMAP_F_WRONLY_PROG;

	if (attr->map_flags & ~allowed || (attr->map_flags & both) == both)
		return -EINVAL;
	return 0;
}
