// SPDX-License-Identifier: GPL-2.0-only
/*
 * Commands on many keys: LOOKUP_MANY, LOOKUP_AND_DELETE_MANY, UPDATE_MANY and
 * DELETE_MANY
 *
 * Each element has a result of its own, and one that fails does not end the
 * command. Keys, values and results go through a buffer of MANY_INLINE or
 * BATCH_BYTES, or of one larger element: a copy from or to the user for all
 * that fit into it.
 */
#include <linux/pagemap.h>
#include <linux/sched.h>
#include <linux/slab.h>
#include <linux/string.h>
#include <linux/uaccess.h>

#include "batch_run.h"
#include "user.h"

/*
 * Buffer on the stack, which saves an allocation that many kernels also zero:
 * if MANY_FEW elements, or all, fit into it, and all of them together have
 * MANY_SMALL bytes at most
 */
#define MANY_INLINE	1024
#define MANY_SMALL	SZ_32K
#define MANY_FEW	16

/**
 * struct many_run - state of a command
 * @run: keys and values; @run.value_size is 0 if there are none
 * @results: of the elements in the buffer
 * @uresults: user's results
 * @give: values go to the user; otherwise they come from there
 */
struct many_run {
	struct batch_run run;
	s32 *results;
	s32 __user *uresults;
	bool give;
};

/* Execute the command on the @nr elements in the buffer */
typedef void (*many_fn)(struct many_run *m, u32 nr);

/* @small: MANY_INLINE bytes for the buffer */
static int many_alloc(struct many_run *m, u64 *small)
{
	struct batch_run *run = &m->run;
	u64 elem = (u64)run->key_size + run->value_size + sizeof(s32);
	u32 count = run->batch->attr->count;
	u64 key_bytes, value_bytes, bytes;

	/* 16 bytes for the padding below */
	if (elem * min_t(u32, count, MANY_FEW) <= MANY_INLINE - 16 &&
	    elem * count <= MANY_SMALL)
		run->room = min_t(u32, (MANY_INLINE - 16) / (u32)elem, count);
	else
		run->room =
			clamp_t(u64, div64_u64(BATCH_BYTES, elem), 1, count);
	key_bytes = round_up((u64)run->room * run->key_size, 8);
	value_bytes = round_up((u64)run->room * run->value_size, 8);
	bytes = key_bytes + value_bytes + (u64)run->room * sizeof(s32);
	if (bytes <= MANY_INLINE)
		run->keys = small;
	else if (bytes <= INT_MAX)
		run->keys = kvmalloc(bytes, GFP_KERNEL_ACCOUNT | __GFP_NOWARN);
	if (!run->keys)
		return -ENOMEM;
	run->values = run->keys + key_bytes;
	m->results = run->values + value_bytes;
	return 0;
}

/*
 * How many of the next @nr results, and of the values that go with them, can be
 * delivered? As in batch.c a hint, which does not write to the memory.
 */
static u32 many_can_deliver(const struct many_run *m, u32 nr)
{
	const struct batch_run *run = &m->run;
	size_t bytes = nr * sizeof(s32);

	bytes -= fault_in_safe_writeable(
		(void __user *)(m->uresults + run->done), bytes);
	nr = bytes / sizeof(s32);
	if (!m->give || !nr)
		return nr;
	bytes = (size_t)nr * run->value_size;
	bytes -= fault_in_safe_writeable(batch_uvalue(run), bytes);
	return div_u64(bytes, run->value_size);
}

/* Word by word, which is fast enough for the buffer's size */
static int many_copy_bytes(void __user *to, const void *from, size_t bytes)
{
	if (bytes <= BATCH_BYTES &&
	    IS_ENABLED(CONFIG_HAVE_EFFICIENT_UNALIGNED_ACCESS))
		return bpfmap_copy_out_words(to, from, bytes);
	return bpfmap_copy_out_large(to, from, bytes);
}

static int many_copy_out(const struct many_run *m, u32 first, u32 nr)
{
	const struct batch_run *run = &m->run;
	size_t at = (size_t)first * run->value_size;

	if (m->give && many_copy_bytes(batch_uvalue(run) + at, run->values + at,
				       (size_t)nr * run->value_size))
		return -EFAULT;
	return many_copy_bytes(m->uresults + run->done + first,
			       m->results + first, nr * sizeof(s32));
}

/* Returns how many of @nr elements the user was told about */
static u32 many_deliver(const struct many_run *m, u32 nr)
{
	u32 told = 0;

	if (likely(!many_copy_out(m, 0, nr)))
		return nr;
	while (told < nr && !many_copy_out(m, told, 1))
		told++;
	return told;
}

static int many_step(struct many_run *m, many_fn fn)
{
	struct batch_run *run = &m->run;
	u32 left = min(batch_left(run), run->room), nr;

	if (m->give)
		nr = batch_copy_in(run->keys, batch_ukey(run), left,
				   run->key_size);
	else
		nr = batch_copy_in_elems(run, left);
	if (run->careful)
		nr = many_can_deliver(m, nr);
	if (nr) {
		fn(m, nr);
		nr = many_deliver(m, nr);
		run->done += nr;
	}
	return nr < left ? -EFAULT : batch_pause();
}

/**
 * struct many_cmd - a command
 * @fn: executes it
 * @flags: element flags that it accepts, among the lower 32 bits
 * @values: it has values
 * @give: which go to the user
 * @writes: it changes the map
 */
struct many_cmd {
	many_fn fn;
	u64 flags;
	bool values;
	bool give;
	bool writes;
};

static int many_run(struct bpfmap_batch *batch, const struct many_cmd *cmd)
{
	const struct bpfmap_batch_attr *attr = batch->attr;
	u64 small[MANY_INLINE / sizeof(u64)] __bpfmap_uninit;
	struct many_run m;
	int err;

	err = bpfmap_check_flags(batch->map, attr->elem_flags, cmd->flags);
	if (err || !attr->count)
		return err;
	err = batch_start(&m.run, batch, cmd->values);
	if (err)
		return err;
	m.run.careful = cmd->writes;
	m.uresults = u64_to_user_ptr(attr->results);
	m.give = cmd->give;
	err = many_alloc(&m, small);
	if (err)
		return err;

	while (!err && batch_left(&m.run))
		err = many_step(&m, cmd->fn);
	if (m.run.keys != small)
		kvfree(m.run.keys);
	return batch_copy_out_count(&m.run) ?: err;
}

/* Zeros where there is no value; it can be large */
static void many_clear(void *value, u32 size)
{
	u32 n;

	for (; size; size -= n, value += n) {
		n = min_t(u32, size, BPFMAP_ATOMIC_COPY);
		memset(value, 0, n);
		cond_resched();
	}
}

static void lookup_some(struct many_run *m, u32 nr)
{
	struct bpfmap_batch *batch = m->run.batch;
	struct bpfmap *map = batch->map;
	struct bpfmap_many many = {
		.keys = m->run.keys,
		.values = m->run.values,
		.results = m->results,
		.flags = batch->attr->elem_flags,
		.nr = nr,
	};

	if (likely(m->run.key_size + (u64)m->run.value_size <= BATCH_BYTES)) {
		map->ops->lookup_many(map, &many);
		return;
	}
	/* No other one fits into the buffer */
	*many.results =
		map->ops->lookup(map, many.keys, many.values, many.flags);
	if (*many.results)
		many_clear(many.values, m->run.value_size);
}

static void take_some(struct many_run *m, u32 nr)
{
	struct bpfmap *map = m->run.batch->map;
	const void *key = m->run.keys;
	void *value = m->run.values;
	u32 i;

	for (i = 0; i < nr; i++) {
		m->results[i] = map->ops->lookup_and_delete(map, key, value);
		if (m->results[i])
			many_clear(value, m->run.value_size);
		key += m->run.key_size;
		value += m->run.value_size;
	}
}

static void write_some(struct many_run *m, u32 nr,
		       int (*write)(struct bpfmap *map, struct bpfmap_run *run))
{
	struct bpfmap_run chunk = {
		.keys = m->run.keys,
		.values = m->run.values,
		.flags = m->run.batch->attr->elem_flags,
		.nr = nr,
	};

	memset(m->results, 0, nr * sizeof(*m->results));
	while (chunk.done < nr) {
		int err = write(m->run.batch->map, &chunk);

		if (!err)
			break;
		/* It stopped at this one: continue after it */
		m->results[chunk.done++] = err;
		chunk.keys += m->run.key_size;
		chunk.values += m->run.value_size;
	}
}

static void update_some(struct many_run *m, u32 nr)
{
	write_some(m, nr, batch_update_chunk);
}

static void delete_some(struct many_run *m, u32 nr)
{
	write_some(m, nr, batch_delete_chunk);
}

/**
 * bpfmap_many_lookup() - LOOKUP_MANY
 * @batch: the command
 *
 * Context: Process context. Sleeps.
 * Return: 0, -ENOTSUPP: the type has no batches, -EINVAL or -ERANGE: flags,
 * -ENOMEM, -EFAULT, -EINTR: the process is being killed.
 */
int bpfmap_many_lookup(struct bpfmap_batch *batch)
{
	static const struct many_cmd cmd = {
		.fn = lookup_some,
		.flags = BPFMAP_F_LOCK | BPFMAP_F_CPU,
		.values = true,
		.give = true,
	};

	return batch->map->ops->batch->lookup ? many_run(batch, &cmd) :
						-ENOTSUPP;
}

/**
 * bpfmap_many_lookup_and_delete() - LOOKUP_AND_DELETE_MANY
 * @batch: the command
 *
 * Context and return as bpfmap_many_lookup().
 */
int bpfmap_many_lookup_and_delete(struct bpfmap_batch *batch)
{
	static const struct many_cmd cmd = {
		.fn = take_some,
		.flags = BPFMAP_F_LOCK,
		.values = true,
		.give = true,
		.writes = true,
	};
	const struct bpfmap_ops *ops = batch->map->ops;

	if (!ops->batch->lookup || !ops->lookup_and_delete)
		return -ENOTSUPP;
	return many_run(batch, &cmd);
}

/**
 * bpfmap_many_update() - UPDATE_MANY
 * @batch: the command
 *
 * Context and return as bpfmap_many_lookup().
 */
int bpfmap_many_update(struct bpfmap_batch *batch)
{
	static const struct many_cmd cmd = {
		.fn = update_some,
		.flags = BPFMAP_F_NOEXIST | BPFMAP_F_EXIST | BPFMAP_F_LOCK |
			 BPFMAP_F_CPU | BPFMAP_F_ALL_CPUS,
		.values = true,
		.writes = true,
	};
	const struct bpfmap_ops *ops = batch->map->ops;

	if (!ops->batch->update)
		return -ENOTSUPP;
	if (!bpfmap_update_flags_ok(batch->attr->elem_flags, ops->percpu))
		return -EINVAL;
	return many_run(batch, &cmd);
}

/**
 * bpfmap_many_delete() - DELETE_MANY
 * @batch: the command
 *
 * Context and return as bpfmap_many_lookup().
 */
int bpfmap_many_delete(struct bpfmap_batch *batch)
{
	static const struct many_cmd cmd = {
		.fn = delete_some,
		.writes = true,
	};

	return batch->map->ops->batch->delete ? many_run(batch, &cmd) :
						-ENOTSUPP;
}
