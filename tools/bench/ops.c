// SPDX-License-Identifier: GPL-2.0-only
/*
 * The table of benchmarks: how an operation is run, and its expected results
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "bench.h"

/* --- the timed parts --- */

/* The value is an output buffer where the command gives one */
static int run_elem(struct worker *w, const struct op *op, unsigned int n)
{
	const struct job *job = w->job;
	const struct target *target = w->target;
	bool in = op->store || job->type->by_value;
	struct bpfmap_elem_attr attr = {
		.map_fd = target->map_fd,
		.key = job->key_size ? (unsigned long)w->keys : 0,
		.value = op->cmd == BPFMAP_CMD_MAP_DELETE_ELEM ? 0 :
			 in ? (unsigned long)w->values :
			      (unsigned long)w->out_values,
	};
	unsigned int value_bytes = attr.value ? job->value_bytes : 0;
	unsigned int i, bad = 0;

	for (i = 0; i < n; i++) {
		bad |= target_call(target, op->cmd, &attr, sizeof(attr)) != 0;
		attr.key += job->key_size;
		attr.value += value_bytes;
	}
	return bad ? -errno : (int)n;
}

/* As above, of keys that must not be there */
static int run_miss(struct worker *w, const struct op *op, unsigned int n)
{
	const struct job *job = w->job;
	const struct target *target = w->target;
	struct bpfmap_elem_attr attr = {
		.map_fd = target->map_fd,
		.key = job->key_size ? (unsigned long)w->keys : 0,
		.value = (unsigned long)(job->type->by_value ? w->values :
							       w->out_values),
	};
	unsigned int value_bytes = job->type->by_value ? job->value_bytes : 0;
	unsigned int i, found = 0;

	errno = ENOENT;
	for (i = 0; i < n; i++) {
		found += !target_call(target, op->cmd, &attr, sizeof(attr));
		attr.key += job->key_size;
		attr.value += value_bytes;
	}
	/* A Bloom filter may err, but not often */
	if (found > (job->type->by_value ? n / 8 + 2 : 0))
		return -EEXIST;
	return errno == ENOENT ? (int)n : -errno;
}

static int run_next_key(struct worker *w, const struct op *op, unsigned int n)
{
	const struct target *target = w->target;
	struct bpfmap_elem_attr attr = {
		.map_fd = target->map_fd,
		.key = w->started ? (unsigned long)w->key : 0,
		.next_key = (unsigned long)w->out_keys,
	};
	unsigned int i, key_size = w->job->key_size;
	const unsigned int size = offsetof(struct bpfmap_elem_attr, flags);

	for (i = 0; i < n; i++) {
		if (target_call(target, op->cmd, &attr, size))
			break;
		attr.key = attr.next_key;
		attr.next_key += key_size;
	}
	if (i) {
		memcpy(w->key, w->out_keys + (size_t)(i - 1) * key_size,
		       key_size);
		w->started = true;
	}
	return i || errno == ENOENT ? (int)i : -errno;
}

static int run_batch(struct worker *w, const struct op *op, unsigned int n)
{
	struct bpfmap_batch_attr attr = {
		.map_fd = w->target->map_fd,
		.keys = (unsigned long)w->keys,
		.values = op->store ? (unsigned long)w->values : 0,
		.count = n,
	};

	if (target_call(w->target, op->cmd, &attr, sizeof(attr)))
		return -errno;
	return attr.count == n ? (int)n : -EIO;
}

static int run_batch_walk(struct worker *w, const struct op *op,
			  unsigned int n)
{
	struct bpfmap_batch_attr attr = {
		.map_fd = w->target->map_fd,
		.in_batch = w->started ? (unsigned long)w->cursor : 0,
		.out_batch = (unsigned long)w->cursor,
		.keys = (unsigned long)w->out_keys,
		.values = (unsigned long)w->out_values,
		.count = n,
	};
	long ret = target_call(w->target, op->cmd, &attr, sizeof(attr));

	w->started = true;
	return !ret || errno == ENOENT ? (int)attr.count : -errno;
}

/* bpf(2) needs a call for each element */
static int run_many(struct worker *w, const struct op *op, unsigned int n)
{
	struct bpfmap_batch_attr attr = {
		.map_fd = w->target->map_fd,
		.results = (unsigned long)w->results,
		.keys = (unsigned long)w->keys,
		.values = (unsigned long)w->out_values,
		.count = n,
	};
	struct op each = *op;

	each.cmd = op->each;
	if (w->target->side == &sides[BPF]) {
		memset(w->results, 0, n * sizeof(*w->results));
		return run_elem(w, &each, n);
	}
	if (target_call(w->target, op->cmd, &attr, sizeof(attr)))
		return -errno;
	return attr.count == n ? (int)n : -EIO;
}

/* --- the expected results --- */

static bool right_value(const struct worker *w, const void *value,
			uint64_t index)
{
	uint32_t id;

	if (!w->job->type->maps)
		return is_value(w->job, value, index, w->generation);
	memcpy(&id, value, sizeof(id));
	return id == w->target->inner_id;
}

static bool verify_values(struct worker *w, const struct op *op,
			  unsigned int n)
{
	const unsigned char *value = w->out_values;
	unsigned int i;

	(void)op;
	if (w->job->type->by_value)
		return true;
	for (i = 0; i < n; i++, value += w->job->value_bytes)
		if (!right_value(w, value, w->index[i]))
			return false;
	return true;
}

/* Look at some of the elements by themselves: each as it should be now? */
static bool verify_state(struct worker *w, const struct op *op, unsigned int n)
{
	const struct job *job = w->job;
	struct bpfmap_elem_attr attr = {
		.map_fd = w->target->map_fd,
		.value = (unsigned long)w->out_values,
	};
	unsigned int i;

	if (job->type->keys == KEYS_NONE)
		return true;
	for (i = 0; i < n; i += n / 8 + 1) {
		long ret;

		attr.key = (unsigned long)w->keys + (size_t)i * job->key_size;
		ret = target_call(w->target, BPFMAP_CMD_MAP_LOOKUP_ELEM, &attr,
				  sizeof(attr));
		if (op->after ? ret || !right_value(w, w->out_values,
						    w->index[i]) :
				ret >= 0 || errno != ENOENT)
			return false;
	}
	return true;
}

static bool verify_many(struct worker *w, const struct op *op, unsigned int n)
{
	unsigned int i;

	for (i = 0; i < n; i++)
		if (w->results[i])
			return false;
	return op->after ? verify_values(w, op, n) : verify_state(w, op, n);
}

static bool verify_miss(struct worker *w, const struct op *op, unsigned int n)
{
	(void)w;
	(void)op;
	(void)n;
	return true;
}

/* Each key is one of ours and comes once; batches have its value as well */
static bool verify_walk(struct worker *w, const struct op *op, unsigned int n)
{
	const struct job *job = w->job;
	unsigned int i;

	for (i = 0; i < n; i++) {
		int64_t index = read_key(job, w->out_keys +
					      (size_t)i * job->key_size);

		if (index < 0)
			return false;
		if (w->seen) {
			if (w->seen[index / 8] & 1 << index % 8)
				return false;
			w->seen[index / 8] |= 1 << index % 8;
		}
		/* What is not worked on has kept its first values */
		if (!op->batch || job->calls < job->elements)
			continue;
		if (!right_value(w, w->out_values +
				    (size_t)i * job->value_bytes, index))
			return false;
	}
	return true;
}

const struct op ops[NR_OPS] = {
	{ .name = "insert", .bit = OP_INSERT, .after = true, .store = true,
	  .cmd = BPFMAP_CMD_MAP_UPDATE_ELEM,
	  .run = run_elem, .verify = verify_state },
	{ .name = "update", .bit = OP_UPDATE, .before = true, .after = true,
	  .cmd = BPFMAP_CMD_MAP_UPDATE_ELEM, .store = true,
	  .run = run_elem, .verify = verify_state },
	{ .name = "lookup", .bit = OP_LOOKUP, .before = true, .after = true,
	  .cmd = BPFMAP_CMD_MAP_LOOKUP_ELEM,
	  .run = run_elem, .verify = verify_values },
	{ .name = "miss", .bit = OP_MISS, .before = true, .after = true,
	  .cmd = BPFMAP_CMD_MAP_LOOKUP_ELEM, .absent = true,
	  .run = run_miss, .verify = verify_miss },
	{ .name = "next_key", .bit = OP_NEXT, .before = true, .after = true,
	  .cmd = BPFMAP_CMD_MAP_GET_NEXT_KEY, .walk = true,
	  .run = run_next_key, .verify = verify_walk },
	{ .name = "look+del", .bit = OP_LOOK_DEL, .before = true,
	  .cmd = BPFMAP_CMD_MAP_LOOKUP_AND_DELETE_ELEM,
	  .run = run_elem, .verify = verify_values },
	{ .name = "delete", .bit = OP_DELETE, .before = true,
	  .cmd = BPFMAP_CMD_MAP_DELETE_ELEM,
	  .run = run_elem, .verify = verify_state },
	{ .name = "b.update", .bit = OP_B_UPDATE, .before = true,
	  .after = true, .cmd = BPFMAP_CMD_MAP_UPDATE_BATCH, .batch = true,
	  .store = true, .run = run_batch, .verify = verify_state },
	{ .name = "b.lookup", .bit = OP_B_LOOKUP, .before = true,
	  .after = true, .cmd = BPFMAP_CMD_MAP_LOOKUP_BATCH, .batch = true,
	  .walk = true, .run = run_batch_walk, .verify = verify_walk },
	{ .name = "b.look+del", .bit = OP_B_LOOK_DEL, .before = true,
	  .cmd = BPFMAP_CMD_MAP_LOOKUP_AND_DELETE_BATCH, .batch = true,
	  .walk = true, .run = run_batch_walk, .verify = verify_walk },
	{ .name = "b.delete", .bit = OP_B_DELETE, .before = true,
	  .cmd = BPFMAP_CMD_MAP_DELETE_BATCH, .batch = true,
	  .run = run_batch, .verify = verify_state },
	{ .name = "m.lookup", .bit = OP_M_LOOKUP, .before = true,
	  .after = true, .cmd = BPFMAP_CMD_MAP_LOOKUP_MANY,
	  .each = BPFMAP_CMD_MAP_LOOKUP_ELEM, .batch = true,
	  .run = run_many, .verify = verify_many },
	{ .name = "m.delete", .bit = OP_M_DELETE, .before = true,
	  .cmd = BPFMAP_CMD_MAP_DELETE_MANY,
	  .each = BPFMAP_CMD_MAP_DELETE_ELEM, .batch = true,
	  .run = run_many, .verify = verify_many },
};
