// SPDX-License-Identifier: GPL-2.0-only
/*
 * The oracle: see model.h
 */
#include <linux/bpfmap.h>
#include <linux/cpumask.h>
#include <linux/mm.h>
#include <linux/rcupdate.h>
#include <linux/slab.h>
#include <linux/string.h>

#include "fixture.h"
#include "model.h"

static u8 *elem_value(const struct model *m, struct model_elem *e, int cpu)
{
	u8 *values = e->data + m->shape->key_size;

	return shape_is_percpu(m->shape) ?
	       values + (size_t)cpu * m->shape->value_size : values;
}

static struct model_elem *model_find(struct model *m, const void *key)
{
	struct model_elem *e;

	list_for_each_entry(e, &m->elems, list)
		if (!memcmp(e->data, key, m->shape->key_size))
			return e;
	return NULL;
}

static struct model_elem *model_add(struct model *m, const void *key)
{
	struct model_elem *e;

	e = list_first_entry(&m->unused, struct model_elem, list);
	memcpy(e->data, key, m->shape->key_size);
	list_move_tail(&e->list, &m->elems);
	m->nr++;
	return e;
}

static void model_remove(struct model *m, struct model_elem *e)
{
	size_t size = m->elem_size - offsetof(struct model_elem, data);

	memset(e->data, 0, size);
	list_move(&e->list, &m->unused);
	m->nr--;
}

/**
 * model_create() - an empty hash, or an array of zeros
 * @shape: type and sizes; must stay
 *
 * Return: the model, NULL if there is no memory.
 */
struct model *model_create(const struct map_shape *shape)
{
	size_t values = shape_is_percpu(shape) ? nr_cpu_ids : 1;
	size_t size = round_up(sizeof(struct model_elem) + shape->key_size +
			       values * shape->value_size,
			       __alignof__(struct model_elem));
	struct model_elem *e;
	struct model *m;
	u32 i;

	m = kvzalloc(sizeof(*m) + shape->max_entries * size, GFP_KERNEL);
	if (!m)
		return NULL;
	m->shape = shape;
	m->elem_size = size;
	INIT_LIST_HEAD(&m->elems);
	INIT_LIST_HEAD(&m->unused);
	for (i = 0; i < shape->max_entries; i++) {
		e = (void *)(m + 1) + i * size;
		list_add_tail(&e->list, &m->unused);
	}
	if (shape_is_array(shape))
		for (i = 0; i < shape->max_entries; i++)
			model_add(m, &i);
	return m;
}

/**
 * model_free() - end of a model
 * @m: the model
 */
void model_free(struct model *m)
{
	kvfree(m);
}

/**
 * model_lookup() - a value
 * @m: the model
 * @key: key
 * @cpu: CPU of the value
 *
 * Return: the value, to be read and written; NULL if there is no such element.
 */
void *model_lookup(struct model *m, const void *key, int cpu)
{
	struct model_elem *e = model_find(m, key);

	return e ? elem_value(m, e, cpu) : NULL;
}

/* Element flags, before a type looks at them: [flags.known] to [flags.cpu] */
static int model_check_flags(const struct model *m, u64 flags, u32 allowed)
{
	bool one = flags & BPFMAP_F_CPU, all = flags & BPFMAP_F_ALL_CPUS;
	u32 low = flags, cpu = flags >> 32;

	if (low & ~allowed)
		return -EINVAL;
	if (low & BPFMAP_F_LOCK)
		return -EINVAL;
	if (cpu && !one)
		return -EINVAL;
	if ((one || all) && !shape_is_percpu(m->shape))
		return -EINVAL;
	if (one && all)
		return -EINVAL;
	if (one && (cpu >= nr_cpu_ids || !cpu_possible(cpu)))
		return -ERANGE;
	return 0;
}

/**
 * model_copy() - a value, copied out
 * @m: the model
 * @key: key
 * @value: out
 * @flags: as bpfmap_copy_elem()
 * @cpu: the caller's
 */
int model_copy(struct model *m, const void *key, void *value, u64 flags,
	       int cpu)
{
	int err = model_check_flags(m, flags, BPFMAP_F_CPU);
	const void *found;

	if (err)
		return err;
	found = model_lookup(m, key, flags & BPFMAP_F_CPU ? flags >> 32 : cpu);
	if (!found)
		return -ENOENT;
	memcpy(value, found, m->shape->value_size);
	return 0;
}

/* What the type says to an update, before anything changes */
static int model_check_update(const struct model *m,
			      const struct model_elem *e, u64 flags)
{
	u32 low = flags;

	if (low > (shape_is_percpu(m->shape) ? BPFMAP_F_ALL_CPUS :
					       BPFMAP_F_EXIST))
		return -EINVAL;
	if (!e && shape_is_array(m->shape))
		return -E2BIG;
	if (e && flags == BPFMAP_F_NOEXIST)
		return -EEXIST;
	if (!e && flags == BPFMAP_F_EXIST)
		return -ENOENT;
	if (!e && m->nr == m->shape->max_entries)
		return -E2BIG;
	return 0;
}

/**
 * model_update() - insert or replace
 * @m: the model
 * @key: key
 * @value: value
 * @flags: as bpfmap_update_elem()
 * @cpu: the caller's
 */
int model_update(struct model *m, const void *key, const void *value,
		 u64 flags, int cpu)
{
	struct model_elem *e = model_find(m, key);
	int err;

	err = model_check_flags(m, flags, U32_MAX);
	if (!err)
		err = model_check_update(m, e, flags);
	if (err)
		return err;
	if (!e)
		e = model_add(m, key);

	if (flags & BPFMAP_F_ALL_CPUS) {
		for_each_possible_cpu(cpu)
			memcpy(elem_value(m, e, cpu), value,
			       m->shape->value_size);
		return 0;
	}
	if (flags & BPFMAP_F_CPU)
		cpu = flags >> 32;
	memcpy(elem_value(m, e, cpu), value, m->shape->value_size);
	return 0;
}

/**
 * model_delete() - remove
 * @m: the model
 * @key: key
 */
int model_delete(struct model *m, const void *key)
{
	struct model_elem *e = model_find(m, key);

	if (shape_is_array(m->shape))
		return -EINVAL;
	if (!e)
		return -ENOENT;
	model_remove(m, e);
	return 0;
}

static bool array_next_key_fits(const struct model *m, const void *key,
				int result, const void *next_key)
{
	u32 max = m->shape->max_entries, want = 0, next;

	if (key) {
		memcpy(&want, key, sizeof(want));
		if (want == max - 1)
			return result == -ENOENT;
		want = want < max ? want + 1 : 0;
	}
	memcpy(&next, next_key, sizeof(next));
	return !result && next == want;
}

/**
 * model_next_key_fits() - can this be the answer to get_next_key?
 * @m: the model
 * @key: key or NULL
 * @result: of bpfmap_get_next_key()
 * @next_key: of bpfmap_get_next_key()
 *
 * The order of a hash is its own business.
 */
bool model_next_key_fits(struct model *m, const void *key, int result,
			 const void *next_key)
{
	if (shape_is_array(m->shape))
		return array_next_key_fits(m, key, result, next_key);
	if (result)
		return result == -ENOENT &&
		       (!m->nr || (key && model_find(m, key)));
	if (key && !memcmp(key, next_key, m->shape->key_size))
		return false;
	return model_find(m, next_key);
}

static bool value_differs(struct model *m, struct model_elem *e,
			  struct bpfmap *map, int cpu, void *buf)
{
	const void *want = elem_value(m, e, cpu);
	u32 size = m->shape->value_size;
	u64 flags = 0;
	void *found;
	bool differs;

	rcu_read_lock();
	if (shape_is_percpu(m->shape)) {
		flags = BPFMAP_F_CPU | (u64)cpu << 32;
		found = bpfmap_lookup_percpu_elem(map, e->data, cpu);
	} else {
		found = bpfmap_lookup_elem(map, e->data);
	}
	differs = !found || memcmp(found, want, size);
	rcu_read_unlock();

	return differs || bpfmap_copy_elem(map, e->data, buf, flags) ||
	       memcmp(buf, want, size);
}

static const char *values_differ(struct model *m, struct bpfmap *map)
{
	void *buf = kvmalloc(m->shape->value_size, GFP_KERNEL);
	const char *what = buf ? NULL : "no memory to compare";
	struct model_elem *e;
	int cpu;

	list_for_each_entry(e, &m->elems, list)
		for_each_possible_cpu(cpu)
			if (!what && value_differs(m, e, map, cpu, buf))
				what = "a value is wrong";
	kvfree(buf);
	return what;
}

/* A walk by next_key must meet every element once, and nothing else */
static const char *keys_differ(struct model *m, struct bpfmap *map)
{
	void *key = kvmalloc(m->shape->key_size, GFP_KERNEL);
	struct model_elem *e;
	u32 nr = 0;
	int err;

	if (!key)
		return "no memory to compare";
	list_for_each_entry(e, &m->elems, list)
		e->seen = false;

	err = bpfmap_get_next_key(map, NULL, key);
	while (!err) {
		e = model_find(m, key);
		if (!e || e->seen)
			break;
		e->seen = true;
		nr++;
		err = bpfmap_get_next_key(map, e->data, key);
	}
	kvfree(key);
	if (!err)
		return "next_key gives a key that is not there, or one twice";
	if (err != -ENOENT)
		return "next_key ends with another errno";
	return nr == m->nr ? NULL : "next_key does not give all keys";
}

static long find_each(struct bpfmap *map, const void *key, void *value,
		      void *ctx)
{
	struct model_elem *e = model_find(ctx, key);

	/* Elements were marked as seen by the walk before */
	if (!e || !e->seen)
		return 1;
	e->seen = false;
	return 0;
}

/**
 * model_differs() - compare all there is
 * @m: the model
 * @map: the map, not in use by others
 *
 * Return: what is different, NULL if nothing is.
 */
const char *model_differs(struct model *m, struct bpfmap *map)
{
	const char *what = keys_differ(m, map);
	struct model_elem *e;

	if (what)
		return what;
	if (bpfmap_for_each_elem(map, find_each, m, 0) != m->nr)
		return "for_each does not make as many calls as there are keys";
	list_for_each_entry(e, &m->elems, list)
		if (e->seen)
			return "for_each does not give all keys";
	return values_differ(m, map);
}
