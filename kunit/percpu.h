/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What both per-CPU types promise
 */
#ifndef _BPFMAP_KUNIT_PERCPU_H
#define _BPFMAP_KUNIT_PERCPU_H

#include "fixture.h"

void percpu_isolation(struct kunit *test, const struct map_shape *shape);
void percpu_this_cpu(struct kunit *test, const struct map_shape *shape);
void percpu_all_cpus(struct kunit *test, const struct map_shape *shape);
void percpu_cpu_range(struct kunit *test, const struct map_shape *shape);

#endif /* _BPFMAP_KUNIT_PERCPU_H */
