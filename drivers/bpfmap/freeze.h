/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef _BPFMAP_FREEZE_H
#define _BPFMAP_FREEZE_H

#include <linux/percpu.h>
#include <linux/preempt.h>

#include "internal.h"

int __bpfmap_write_begin(struct bpfmap *map);

/**
 * bpfmap_write_begin() - a command of user space that may write starts
 * @map: map that it may change
 *
 * Context: Process context. May sleep if somebody freezes the map.
 * Return: 0, or -EPERM if the map is frozen. bpfmap_write_end() after 0 only.
 */
static __always_inline int bpfmap_write_begin(struct bpfmap *map)
{
	bool thawed;

	/*
	 * Without preemption between the two, the grace period in
	 * bpfmap_freeze() ends after this section: either this sees that
	 * somebody freezes, or the freezer sees the count.
	 */
	preempt_disable();
	this_cpu_inc(map->writers->begun);
	thawed = READ_ONCE(map->frozen) == BPFMAP_THAWED;
	preempt_enable();

	return likely(thawed) ? 0 : __bpfmap_write_begin(map);
}

/**
 * bpfmap_write_end() - what bpfmap_write_begin() allowed is done
 * @map: the map
 */
static __always_inline void bpfmap_write_end(struct bpfmap *map)
{
	/* Pairs with smp_mb() in bpfmap_has_writers(): changes before ended */
	smp_wmb();
	this_cpu_inc(map->writers->ended);
}

#endif /* _BPFMAP_FREEZE_H */
