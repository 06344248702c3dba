/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What both per-CPU types promise: cases with the shapes of a SHAPE_PARAM()
 */
#ifndef _BPFMAP_KUNIT_PERCPU_H
#define _BPFMAP_KUNIT_PERCPU_H

#include "fixture.h"

void percpu_isolation(struct kunit *test);
void percpu_this_cpu(struct kunit *test);
void percpu_all_cpus(struct kunit *test);
void percpu_cpu_range(struct kunit *test);

#endif /* _BPFMAP_KUNIT_PERCPU_H */
