/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef _BPFMAP_FREEZE_H
#define _BPFMAP_FREEZE_H

#include <linux/percpu.h>
#include <linux/preempt.h>

#include "internal.h"

int __bpfmap_write_begin(struct bpfmap *map);

/**
 * bpfmap_write_begin() - start of a user-space command that may write
 * @map: map that it may change
 *
 * Context: Process context. May sleep while the map is being frozen.
 * Return: 0, or -EPERM if the map is frozen. Call bpfmap_write_end() after 0
 * only.
 */
static __always_inline int bpfmap_write_begin(struct bpfmap *map)
{
	bool thawed;

	/*
	 * Because preemption is off, the grace period in bpfmap_freeze() ends
	 * after this section: either this sees BPFMAP_FREEZING, or the freezer
	 * sees the count.
	 */
	preempt_disable();
	this_cpu_inc(map->writers->begun);
	thawed = READ_ONCE(map->frozen) == BPFMAP_THAWED;
	preempt_enable();

	return likely(thawed) ? 0 : __bpfmap_write_begin(map);
}

/**
 * bpfmap_write_end() - end of what bpfmap_write_begin() started
 * @map: the map
 */
static __always_inline void bpfmap_write_end(struct bpfmap *map)
{
	/* Pairs with smp_mb() in bpfmap_has_writers(): changes before ended */
	smp_wmb();
	this_cpu_inc(map->writers->ended);
}

#endif /* _BPFMAP_FREEZE_H */
