// SPDX-License-Identifier: GPL-2.0-only
/*
 * Random operations on a map and its oracle, which must agree at each step
 */
#include <linux/cpumask.h>
#include <linux/prandom.h>
#include <linux/rcupdate.h>
#include <linux/string.h>

#include "contract.h"

#define OPS		1200
#define COMPARE_EVERY	200

/**
 * struct walk - a random sequence
 * @c: what it goes over
 * @rnd: where it goes
 * @keys: keys it uses; some more than fit, or than an array has
 * @cpu: where it runs now
 */
struct walk {
	struct contract *c;
	struct rnd_state rnd;
	u32 keys;
	int cpu;
};

static u32 below(struct walk *w, u32 limit)
{
	return prandom_u32_state(&w->rnd) % limit;
}

static void random_key(struct walk *w)
{
	key_make(w->c->map, w->c->key, below(w, w->keys));
}

/* Mostly what makes sense, sometimes anything */
static u64 random_flags(struct walk *w)
{
	static const u64 simple[] = {
		0, 0, 0, BPFMAP_F_NOEXIST, BPFMAP_F_EXIST,
	};

	switch (below(w, 16)) {
	case 0:
		return below(w, 64);
	case 1:
		return (u64)below(w, nr_cpu_ids + 2) << 32 | below(w, 64);
	case 2 ... 4:
		return cpu_flags(below(w, nr_cpu_ids + 1)) | below(w, 4);
	case 5:
		return BPFMAP_F_ALL_CPUS;
	default:
		return simple[below(w, ARRAY_SIZE(simple))];
	}
}

static bool step_update(struct walk *w)
{
	struct contract *c = w->c;
	u64 flags = random_flags(w);

	random_key(w);
	value_make(c->value, c->shape->value_size, below(w, U32_MAX),
		   below(w, U32_MAX));
	return update_patiently(c->map, c->key, c->value, flags) ==
	       model_update(c->model, c->key, c->value, flags, w->cpu);
}

static bool step_delete(struct walk *w)
{
	struct contract *c = w->c;

	random_key(w);
	return bpfmap_delete_elem(c->map, c->key) ==
	       model_delete(c->model, c->key);
}

static bool step_copy(struct walk *w)
{
	struct contract *c = w->c;
	u64 flags = below(w, 2) ? 0 : random_flags(w);
	int err;

	random_key(w);
	err = bpfmap_copy_elem(c->map, c->key, c->got, flags);
	return err == model_copy(c->model, c->key, c->value, flags, w->cpu) &&
	       (err || !memcmp(c->got, c->value, c->shape->value_size));
}

/* Look, and sometimes write through the pointer */
static bool step_lookup(struct walk *w)
{
	u32 size = w->c->shape->value_size;
	struct contract *c = w->c;
	void *found, *want;
	bool right;

	random_key(w);
	want = model_lookup(c->model, c->key, w->cpu);
	rcu_read_lock();
	found = bpfmap_lookup_elem(c->map, c->key);
	right = want ? found && !memcmp(found, want, size) : !found;
	if (right && want && !below(w, 4)) {
		value_make(want, size, below(w, U32_MAX), 0);
		memcpy(found, want, size);
	}
	rcu_read_unlock();
	return right;
}

static bool step_lookup_percpu(struct walk *w)
{
	u32 cpu = below(w, nr_cpu_ids + 1);
	struct contract *c = w->c;
	void *found, *want = NULL;
	bool right;

	random_key(w);
	if (shape_is_percpu(c->shape) && cpu < nr_cpu_ids && cpu_possible(cpu))
		want = model_lookup(c->model, c->key, cpu);
	rcu_read_lock();
	found = bpfmap_lookup_percpu_elem(c->map, c->key, cpu);
	right = want ? found && !memcmp(found, want, c->shape->value_size) :
		       !found;
	rcu_read_unlock();
	return right;
}

static bool step_next_key(struct walk *w)
{
	const void *key = below(w, 4) ? w->c->key : NULL;
	struct contract *c = w->c;
	int err;

	random_key(w);
	err = bpfmap_get_next_key(c->map, key, c->got);
	return model_next_key_fits(c->model, key, err, c->got);
}

static bool step_move(struct walk *w)
{
	int cpu = cpumask_next(w->cpu, cpu_online_mask);

	if (cpu >= nr_cpu_ids)
		cpu = cpumask_first(cpu_online_mask);
	kunit_move_to(w->c->test, cpu);
	w->cpu = cpu;
	return true;
}

static const struct {
	const char *name;
	bool (*step)(struct walk *w);
	u32 weight;
} steps[] = {
	{ "update", step_update, 45 },
	{ "delete", step_delete, 20 },
	{ "copy", step_copy, 15 },
	{ "lookup", step_lookup, 10 },
	{ "lookup_percpu", step_lookup_percpu, 4 },
	{ "next_key", step_next_key, 5 },
	{ "move", step_move, 1 },
};

static unsigned int random_step(struct walk *w)
{
	u32 i, total = 0, pick;

	for (i = 0; i < ARRAY_SIZE(steps); i++)
		total += steps[i].weight;
	pick = below(w, total);
	for (i = 0; pick >= steps[i].weight; i++)
		pick -= steps[i].weight;
	return i;
}

/**
 * contract_random() - random operations against the oracle
 * @test: its parameter is a shape
 */
void contract_random(struct kunit *test)
{
	struct contract *c = contract_begin(test);
	struct walk w = { .c = c, .cpu = raw_smp_processor_id() };
	u32 i, op, ops = OPS * bpfmap_kunit_effort;
	const char *what;

	/* In phases with few keys the map is empty at times, with many full */
	prandom_seed_state(&w.rnd, bpfmap_kunit_seed());
	for (op = 0; op < ops; op++) {
		if (op % COMPARE_EVERY == 0) {
			what = model_differs(c->model, c->map);
			KUNIT_ASSERT_NULL_MSG(test, what, "seed=%u op %u: %s",
					      bpfmap_kunit_seed(), op, what);
			/*
			 * The type's own suite tests which element is evicted
			 */
		w.keys = 1 + below(&w, shape_is_lru(c->shape) ?
				   c->shape->max_entries :
				   2 * c->shape->max_entries + 2);
		}
		i = random_step(&w);
		KUNIT_ASSERT_TRUE_MSG(test, steps[i].step(&w),
				      "seed=%u op %u: %s differs",
				      bpfmap_kunit_seed(), op, steps[i].name);
	}
	what = model_differs(c->model, c->map);
	KUNIT_EXPECT_NULL_MSG(test, what, "seed=%u, end: %s",
			      bpfmap_kunit_seed(), what);
}
