/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Tests that more than one type's suite runs
 */
#ifndef _BPFMAP_KUNIT_STRESS_H
#define _BPFMAP_KUNIT_STRESS_H

#include "fixture.h"

/* stress.c: many at once */
void stress_whole_values(struct kunit *test, const struct map_shape *shape);
void stress_full_and_empty(struct kunit *test, const struct map_shape *shape);
void stress_capacity(struct kunit *test, const struct map_shape *shape);
void stress_counters(struct kunit *test, const struct map_shape *shape);

/* contexts.c: not only process context */
void contexts_softirq(struct kunit *test, const struct map_shape *shape);
void contexts_hardirq(struct kunit *test, const struct map_shape *shape);
void contexts_interrupted(struct kunit *test, const struct map_shape *shape);
void contexts_grow(struct kunit *test, const struct map_shape *shape);
void contexts_last_put(struct kunit *test, const struct map_shape *shape);

#endif /* _BPFMAP_KUNIT_STRESS_H */
