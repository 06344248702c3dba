/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The contract suite: a map and its oracle, which both get every operation
 */
#ifndef _BPFMAP_KUNIT_CONTRACT_H
#define _BPFMAP_KUNIT_CONTRACT_H

#include "fixture.h"
#include "model.h"

/**
 * struct contract - a map under test
 * @test: the test; its thread stays on one CPU
 * @shape: what the map is
 * @map: the map
 * @model: what it should be
 * @key: room for a key
 * @value: room for a value
 * @got: room for another key or value
 */
struct contract {
	struct kunit *test;
	const struct map_shape *shape;
	struct bpfmap *map;
	struct model *model;
	void *key;
	void *value;
	void *got;
};

struct contract *contract_begin(struct kunit *test);
void contract_random(struct kunit *test);
void contract_create(struct kunit *test);

#endif /* _BPFMAP_KUNIT_CONTRACT_H */
