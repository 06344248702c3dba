/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Cases of more than one type's suite. What takes no shape is for
 * KUNIT_CASE_PARAM() with the shapes of a SHAPE_PARAM().
 */
#ifndef _BPFMAP_KUNIT_STRESS_H
#define _BPFMAP_KUNIT_STRESS_H

#include "fixture.h"

/* stress.c: many at once */
void stress_run(struct kunit *test, const struct map_shape *shape,
		struct bpfmap *map, u32 keys, u32 stable);
void stress_whole_values(struct kunit *test);
void stress_pointer_stays(struct kunit *test);
void stress_full_and_empty(struct kunit *test, const struct map_shape *shape);
void stress_capacity(struct kunit *test);
void stress_counters(struct kunit *test, const struct map_shape *shape);

/* contexts.c: not only process context */
void contexts_softirq(struct kunit *test);
void contexts_hardirq(struct kunit *test);
void contexts_grow(struct kunit *test, const struct map_shape *shape);
void contexts_last_put(struct kunit *test);

#endif /* _BPFMAP_KUNIT_STRESS_H */
