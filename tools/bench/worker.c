// SPDX-License-Identifier: GPL-2.0-only
/*
 * A thread's part of the work: make a block's keys and values, time it, verify
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "bench.h"

/* Threads work without a pause: all that is theirs is one block. */
static unsigned int block_of(const struct worker *w, const struct op *op)
{
	if (op->batch)
		return MIN(w->job->batch, w->room);
	return w->job->threads > 1 ? w->room : MIN(options.block, w->room);
}

void worker_init(struct worker *w, const struct target *target,
		 const struct job *job, unsigned int id)
{
	size_t room;

	memset(w, 0, sizeof(*w));
	w->target = target;
	w->job = job;
	w->first = (uint64_t)job->calls * id / job->threads;
	w->nr = (uint64_t)job->calls * (id + 1) / job->threads - w->first;
	room = job->batch > options.block ? job->batch : options.block;
	if (job->threads > 1 && room < w->nr)
		room = w->nr;
	w->room = room;
	w->index = must_alloc(room * sizeof(*w->index));
	w->keys = must_alloc(room * job->key_size);
	w->out_keys = must_alloc(room * job->key_size);
	w->values = must_alloc(room * job->value_bytes);
	w->out_values = must_alloc(room * job->value_bytes);
	w->results = must_alloc(room * sizeof(*w->results));
	if (job->threads == 1)
		w->seen = must_alloc(job->elements / 8 + 1);
	w->present = true;
}

void worker_end(struct worker *w)
{
	free(w->index);
	free(w->keys);
	free(w->out_keys);
	free(w->values);
	free(w->out_values);
	free(w->results);
	free(w->seen);
}

/* Queues give their elements in the order they came, stacks in the other */
static unsigned int nth(const struct worker *w, const struct op *op,
			unsigned int i)
{
	const struct job *job = w->job;

	if (job->type->keys != KEYS_NONE || job->type->by_value)
		return i;
	if (op->cmd == BPFMAP_CMD_MAP_LOOKUP_ELEM)
		return job->type->lifo ? job->elements - 1 : 0;
	if (op->cmd == BPFMAP_CMD_MAP_LOOKUP_AND_DELETE_ELEM &&
	    job->type->lifo)
		return job->elements - 1 - i;
	return i;
}

static void prepare(struct worker *w, const struct op *op, unsigned int from,
		    unsigned int n)
{
	const struct job *job = w->job;
	bool values = op->store || job->type->by_value;
	unsigned int i;

	for (i = 0; i < n; i++) {
		uint64_t index = job_order(job, nth(w, op, from + i));

		if (op->absent)
			index += job->elements;
		w->index[i] = index;
		make_key(job, w->keys + (size_t)i * job->key_size, index);
		if (!values)
			continue;
		if (job->type->maps)
			memcpy(w->values + (size_t)i * 4, &w->target->inner, 4);
		else
			make_value(job, w->values +
					(size_t)i * job->value_bytes,
				   index, w->generation);
	}
	if (!values && op->cmd != BPFMAP_CMD_MAP_DELETE_ELEM)
		memset(w->out_values, 0x55, (size_t)n * job->value_bytes);
}

/* All @n elements by @op, a block at a time; @timed: note what it costs */
static int run_all(struct worker *w, const struct op *op, bool timed)
{
	unsigned int block = block_of(w, op), done = 0, n;
	unsigned int end = op->walk ? w->job->calls : w->nr;
	bool whole = w->seen && w->job->calls == w->job->elements;
	int got = 0;

	w->started = false;
	if (op->walk && w->seen)
		memset(w->seen, 0, w->job->elements / 8 + 1);
	for (; done < end; done += got) {
		uint64_t start, ns;

		n = op->walk && op->batch ? block : MIN(block, end - done);
		if (op->walk)
			memset(w->out_keys, 0x55, (size_t)n * w->job->key_size);
		else
			prepare(w, op, w->first + done, n);
		start = now_ns();
		got = op->run(w, op, n);
		ns = now_ns() - start;
		if (got < 0)
			return got;
		if (!got)
			break;
		if (!op->verify(w, op, got))
			die("%s: wrong results of %s on %s %u/%u",
			    w->target->side->name, op->name,
			    w->job->type->name, w->job->key_size,
			    w->job->value_size);
		/* What is left over for the end is no fair sample. */
		if (w->samples && timed &&
		    (unsigned int)got >= MIN(block, end) / 2)
			samples_add(w->samples, (double)ns / got);
	}
	if (op->walk && whole && done != end)
		die("%s: %s on %s %u/%u gave %u elements of %u",
		    w->target->side->name, op->name, w->job->type->name,
		    w->job->key_size, w->job->value_size, done,
		    w->job->elements);
	return 0;
}

static const struct op *op_by_bit(unsigned int bit)
{
	unsigned int i;

	for (i = 0; ops[i].bit != bit; i++)
		;
	return &ops[i];
}

int worker_fill(struct worker *w, bool present)
{
	unsigned int can = w->job->type->ops, bit;
	struct op op;
	int err;

	/* A Bloom filter forgets nothing */
	if (w->present == present || w->job->type->by_value)
		return 0;
	if (present)
		bit = can & OP_B_UPDATE ? OP_B_UPDATE : OP_INSERT;
	else
		bit = can & OP_B_DELETE ? OP_B_DELETE :
		      can & OP_DELETE ? OP_DELETE : OP_LOOK_DEL;
	op = *op_by_bit(bit);
	op.before = !present;
	err = run_all(w, &op, false);
	if (!err)
		w->present = present;
	return err;
}

int worker_run(struct worker *w, const struct op *op)
{
	int err;

	if (op->store && w->job->type->keys != KEYS_NONE)
		w->generation++;
	err = run_all(w, op, true);
	if (!err && op->before != op->after)
		w->present = op->after;
	return err;
}

/* By batches where there are any */
int fill(const struct target *target, const struct job *job)
{
	struct job all = *job;
	struct worker w;
	int err;

	all.threads = 1;
	all.calls = job->elements;
	worker_init(&w, target, &all, 0);
	err = run_all(&w, op_by_bit(OP_B_UPDATE), false);
	if (err)
		err = run_all(&w, op_by_bit(OP_INSERT), false);
	worker_end(&w);
	return err;
}
