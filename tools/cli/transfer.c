// SPDX-License-Identifier: GPL-2.0-only
/*
 * Save maps and restore them
 */
#include <errno.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli.h"

#define INNER_FDS 512	/* that are open at the same time; below RLIMIT_NOFILE */

/* --- export --- */

static bool is_queue(uint32_t type)
{
	return type == BPFMAP_TYPE_QUEUE || type == BPFMAP_TYPE_STACK;
}

static bool is_frozen(const struct map *map)
{
	char path[64], line[128];
	bool frozen = false;
	FILE *file;

	snprintf(path, sizeof(path), "/proc/self/fdinfo/%d", map->fd);
	file = fopen(path, "re");
	if (!file)
		return false;
	while (fgets(line, sizeof(line), file))
		frozen |= !strcmp(line, "frozen:\t1\n");
	fclose(file);
	return frozen;
}

static void describe(const struct map *map, struct saved *saved)
{
	const struct bpfmap_info *info = &map->info;

	saved->type = info->type;
	saved->key_size = info->key_size;
	saved->value_size = info->value_size;
	saved->max_entries = info->max_entries;
	saved->flags = info->map_flags;
	saved->map_extra = info->map_extra;
	saved->cpus = type_is_percpu(info->type) ? map->cpus : 0;
	saved->frozen = is_frozen(map);
	memcpy(saved->name, info->name, sizeof(saved->name));
}

static int export_walk(const struct map *map, struct stream *stream)
{
	struct walk walk;
	int status = walk_start(&walk, map);

	while (!status) {
		status = walk_next(&walk);
		if (status || !walk.count)
			break;
		status = stream_write(stream, walk.keys, walk.values,
				      walk.count);
		progress_add(walk.count);
	}
	if (!status)
		walk_note(walk.restarts);
	stream->restarts = walk.restarts;
	walk_end(&walk);
	return status;
}

/*
 * Reading a queue removes its elements. All are popped first, and pushed back
 * if they cannot be written; those of a stack come in the order to push them
 * in.
 */
static int export_drain(const struct map *map, struct stream *stream)
{
	size_t size = map->value_bytes, max = map->info.max_entries;
	bool stack = map->info.type == BPFMAP_TYPE_STACK;
	unsigned char *values = xalloc(max, size);
	size_t count = 0;
	int err = 0, status;

	while (count < max && !err) {
		err = bpfmap_lookup_and_delete_elem(map->fd, NULL, values +
					(stack ? max - 1 - count : count) * size);
		count += !err;
	}
	if (stack)
		memmove(values, values + (max - count) * size, count * size);
	if (err && err != -ENOENT)
		status = trouble("cannot take elements out: %s",
				 error_text(err));
	else
		status = count ? stream_write(stream, NULL, values, count) : 0;
	if (!status && fflush(stream->file))
		status = trouble("%s: %s", stream->name, strerror(errno));
	for (size_t i = 0; status && i < count; i++)
		bpfmap_update_elem(map->fd, NULL, values + i * size, 0);
	free(values);
	return status;
}

static int export_map(const struct map *map, const char *path, bool binary,
		      bool drain)
{
	struct stream stream = { .binary = binary };
	uint64_t expected = map->info.max_entries;
	int status;

	if (is_queue(map->info.type) && !drain)
		return trouble("saving %s takes its elements out: say \"drain\" to do that",
			       a_type(map->info.type));
	if (!is_queue(map->info.type) && (drain || !map->info.key_size))
		return trouble("%s cannot be %s", a_type(map->info.type),
			       drain ? "drained" : "saved");
	describe(map, &stream.saved);
	status = stream_open(&stream, path, true);
	if (status)
		return status;
	progress_begin("saving", expected);
	status = stream_write_header(&stream);
	if (!status)
		status = drain ? export_drain(map, &stream) :
				 export_walk(map, &stream);
	if (!status)
		status = stream_write_end(&stream);
	progress_end();
	return stream_close(&stream, status);
}

static int take_format(struct args *args, bool *binary)
{
	*binary = take_word(args, "binary");
	if (*binary || take_word(args, "json"))
		return 0;
	return usage_error(args, "'json' or 'binary'");
}

int verb_export(struct args *args)
{
	bool binary = false, drain = false;
	const char *path = NULL;
	uint32_t open_flags = BPFMAP_F_RDONLY;
	struct map map;
	int status = 0;

	/* Only what takes elements out must be allowed to write */
	for (int i = 0; i < args->n; i++)
		if (!strcmp(args->v[i], "drain"))
			open_flags = 0;
	if (take_map(args, open_flags, &map))
		return TROUBLE;
	while (!status && args->n) {
		if (take_word(args, "to")) {
			path = take(args, "a file to write to");
			status = path ? 0 : TROUBLE;
		} else if (take_word(args, "format")) {
			status = take_format(args, &binary);
		} else if (take_word(args, "drain")) {
			drain = true;
		} else {
			status = usage_error(args, "'to', 'format' or 'drain'");
		}
	}
	if (!status)
		status = export_map(&map, path, binary, drain);
	map_close(&map);
	return status;
}

/* --- import --- */

/**
 * struct load - elements to insert into a map
 * @map: the map
 * @keys: up to @room keys that were read
 * @values: and their values
 * @count: how many
 * @done: elements that are in the map already
 * @share: elements that go in from one CPU; 0: it does not matter
 * @allowed: CPUs that we may run on
 */
struct load {
	const struct map *map;
	unsigned char *keys;
	unsigned char *values;
	uint32_t room;
	uint32_t count;
	uint64_t done;
	uint64_t share;
	cpu_set_t allowed;
};

/*
 * An LRU map evicts elements of a CPU that has no free ones left, although
 * other CPUs have some left. Where each CPU has its own list, each is given its
 * share; else one CPU fills them all.
 */
static void choose_cpu(const struct load *load)
{
	cpu_set_t one;
	uint64_t nth;

	if (!load->share || load->done % load->share)
		return;
	nth = load->done / load->share;
	for (int cpu = 0; cpu < CPU_SETSIZE; cpu++) {
		if (!CPU_ISSET(cpu, &load->allowed) || nth--)
			continue;
		CPU_ZERO(&one);
		CPU_SET(cpu, &one);
		sched_setaffinity(0, sizeof(one), &one);
		return;
	}
}

/* @count elements from the @first on; tells how many are in */
static int update_run(const struct load *load, uint32_t first, uint32_t *count)
{
	const struct map *map = load->map;
	size_t key_size = map->info.key_size;
	const unsigned char *keys = load->keys + first * key_size;
	const unsigned char *values = load->values + first * map->value_bytes;
	uint32_t done = 0, n = *count;
	int err = -ENOTSUPP;

	if (key_size && !options.no_batch)
		err = bpfmap_update_batch(map->fd, keys, values, count, NULL);
	if (err != -ENOTSUPP)
		return err;
	for (err = 0; done < n; done++) {
		err = bpfmap_update_elem(map->fd, key_size ?
					 keys + done * key_size : NULL,
					 values + done * map->value_bytes, 0);
		if (err)
			break;
	}
	*count = done;
	return err;
}

/* Maps that are to be inside, by id: the descriptors of those met last */
static struct inner {
	uint32_t id;
	int fd;		/* never 0 */
} inner[INNER_FDS];

static void close_inner(void)
{
	for (size_t i = 0; i < INNER_FDS; i++) {
		if (inner[i].fd)
			close(inner[i].fd);
		inner[i].fd = 0;
	}
}

static int open_inner(struct inner *in, uint32_t id)
{
	int fd = bpfmap_get_fd_by_id(id);

	if (fd < 0)
		return trouble("map %u, which is to be inside, cannot be opened: %s",
			       id, fd == -ENOENT ? "no such map" :
			       error_text(fd));
	if (in->fd)
		close(in->fd);
	in->fd = fd;
	in->id = id;
	return 0;
}

static int update_inner_run(const struct load *load, uint32_t first,
			    uint32_t count)
{
	int err, fd;

	err = update_run(load, first, &count);
	if (!err)
		return 0;
	memcpy(&fd, load->values + 4 * (first + count), sizeof(fd));
	for (size_t i = 0; i < INNER_FDS; i++)
		if (inner[i].fd == fd)
			return trouble("cannot put map %u in: %s", inner[i].id,
				       err == -EINVAL ? NOT_ALIKE :
				       error_text(err));
	return trouble("cannot put maps in: %s", error_text(err));
}

/*
 * The saved ids become descriptors, in place. Where one must be closed to open
 * another, the elements up to there go in first.
 */
static int update_inner(struct load *load)
{
	uint32_t id, first = 0, i;
	struct inner *in;

	for (i = 0; i < load->count; i++) {
		memcpy(&id, load->values + 4 * i, sizeof(id));
		in = &inner[id % INNER_FDS];
		if (!in->fd || in->id != id) {
			if (in->fd && first < i &&
			    update_inner_run(load, first, i - first))
				return TROUBLE;
			first = in->fd ? i : first;
			if (open_inner(in, id))
				return TROUBLE;
		}
		memcpy(load->values + 4 * i, &in->fd, sizeof(in->fd));
	}
	return update_inner_run(load, first, i - first);
}

static int flush(struct load *load)
{
	uint32_t count = load->count;
	int err = 0;

	if (!count)
		return 0;
	choose_cpu(load);
	if (!type_is_outer(load->map->info.type))
		err = update_run(load, 0, &count);
	else if (update_inner(load))
		return TROUBLE;
	if (err == -E2BIG || err == -ENOSPC)
		return trouble("the map is full");
	if (err == -EPERM)
		return trouble("cannot store elements: the map is frozen");
	if (err)
		return trouble("cannot store elements: %s", error_text(err));
	progress_add(load->count);
	load->done += load->count;
	load->count = 0;
	return 0;
}

static uint32_t until_flush(const struct load *load)
{
	uint64_t left = load->share ?
			load->share - load->done % load->share : load->room;

	return left < load->room ? left : load->room;
}

static int load_elements(const struct map *map, struct stream *stream)
{
	struct load load = { .map = map, .room = batch_room(map) };
	int got, status = 0;

	if (type_is_lru(map->info.type) &&
	    !sched_getaffinity(0, sizeof(load.allowed), &load.allowed))
		load.share = map->info.map_flags & BPFMAP_F_NO_COMMON_LRU ?
			map->info.max_entries / bpfmap_num_possible_cpus() :
			UINT32_MAX;
	load.keys = xalloc(load.room, map->info.key_size);
	load.values = xalloc(load.room, map->value_bytes);
	while (!status) {
		got = stream_read(stream,
				  load.keys + (size_t)load.count *
				  map->info.key_size,
				  load.values + (size_t)load.count *
				  map->value_bytes);
		if (got <= 0) {
			status = got ? TROUBLE : flush(&load);
			break;
		}
		if (++load.count >= until_flush(&load))
			status = flush(&load);
	}
	if (load.share)
		sched_setaffinity(0, sizeof(load.allowed), &load.allowed);
	close_inner();
	free(load.keys);
	free(load.values);
	return status;
}

static int check_same(const struct map *map, const struct saved *saved)
{
	unsigned int cpus = type_is_percpu(map->info.type) ? map->cpus : 0;

	if (map->info.key_size != saved->key_size ||
	    map->info.value_size != saved->value_size)
		return trouble("sizes differ: %u/%u bytes were saved, the map has %u/%u",
			       saved->key_size, saved->value_size,
			       map->info.key_size, map->info.value_size);
	if (cpus != saved->cpus)
		return trouble("values of %u CPUs were saved, the map has %u",
			       saved->cpus ? saved->cpus : 1, map->cpus);
	if (type_is_outer(map->info.type) != type_is_outer(saved->type))
		return trouble("the saved map is %s, this is %s",
			       a_type(saved->type), a_type(map->info.type));
	return 0;
}

/* An LRU map may still have evicted some */
static int check_count(const struct map *map, const struct stream *stream)
{
	uint32_t restarts;
	uint64_t count;

	if (!type_is_lru(map->info.type))
		return 0;
	if (count_elements(map, &count, &restarts))
		return TROUBLE;
	if (count < stream->elements) {
		trouble("%llu of %llu elements were evicted again",
			(unsigned long long)(stream->elements - count),
			(unsigned long long)stream->elements);
		return NO;
	}
	return 0;
}

static int create_saved(const struct saved *saved, const char *name,
			int inner_fd, struct map *map)
{
	BPFMAP_OPTS(bpfmap_create_opts, opts, .map_flags = saved->flags,
		    .map_extra = saved->map_extra);
	int fd;

	if (type_is_outer(saved->type) && inner_fd < 0)
		return trouble("maps of maps need an \"inner_map MAP\" like those inside");
	if (inner_fd >= 0)
		opts.inner_map_fd = inner_fd;
	/* On which node it was is not known any more: any one */
	if (saved->flags & BPFMAP_F_NUMA_NODE)
		opts.numa_node = -1U;
	fd = bpfmap_create(saved->type, name ? name : saved->name,
			   saved->key_size, saved->value_size,
			   saved->max_entries, &opts);
	if (fd < 0)
		return create_trouble(fd, &(struct wanted){
			.type = saved->type,
			.name = name ? name : saved->name,
			.key_size = saved->key_size,
			.value_size = saved->value_size,
			.max_entries = saved->max_entries,
			.opts = &opts,
		});
	return map_init(map, fd);
}

static int fill(const struct map *map, struct stream *stream)
{
	int status = check_same(map, &stream->saved);

	if (status)
		return status;
	progress_begin("restoring", 0);
	status = load_elements(map, stream);
	progress_end();
	return status ? status : check_count(map, stream);
}

/* A map without a name that has what is saved at @path */
int load_map(const char *path, struct map *map)
{
	struct stream stream = { 0 };
	int status;

	status = stream_open(&stream, path, false);
	if (status)
		return status;
	status = stream_read_header(&stream);
	if (!status)
		status = create_saved(&stream.saved, NULL, -1, map);
	if (!status) {
		status = fill(map, &stream);
		if (status)
			map_close(map);
	}
	return stream_close(&stream, status);
}

struct import {
	const char *pin;
	const char *name;
	const char *path;
	struct map into;
	struct map inner;
};

/* Frozen and pinned last: until then no other process sees it */
static int import_new(struct import *import, struct stream *stream)
{
	struct map map;
	int err, status;

	status = create_saved(&stream->saved, import->name, import->inner.fd,
			      &map);
	if (status)
		return status;
	status = fill(&map, stream);
	if (!status && stream->saved.frozen) {
		err = bpfmap_freeze(map.fd);
		if (err)
			status = trouble("cannot freeze: %s", error_text(err));
	}
	if (status != TROUBLE && pin_map(map.fd, import->pin))
		status = TROUBLE;
	map_close(&map);
	return status;
}

static int take_import(struct args *args, struct import *import)
{
	const char **word;

	if (take_word(args, "pin"))
		word = &import->pin;
	else if (take_word(args, "from"))
		word = &import->path;
	else if (take_word(args, "name"))
		word = &import->name;
	else if (take_word(args, "into"))
		return import->into.fd >= 0 ? trouble("the map is given twice") :
			take_map(args, 0, &import->into);
	else if (take_word(args, "inner_map"))
		return import->inner.fd < 0 ?
			take_map(args, BPFMAP_F_RDONLY, &import->inner) :
			trouble("the inner map is given twice");
	else
		return usage_error(args, "'pin', 'into', 'from', 'name' or 'inner_map'");
	*word = take(args, "a file or a name");
	return *word ? 0 : TROUBLE;
}

static int import(struct import *import)
{
	bool into = import->into.fd >= 0;
	struct stream stream = { 0 };
	int status;

	if (into == !!import->pin)
		return trouble("either \"pin FILE\" for a new map or \"into MAP\" is needed");
	status = stream_open(&stream, import->path, false);
	if (status)
		return status;
	status = stream_read_header(&stream);
	if (!status)
		status = import->pin ? import_new(import, &stream) :
				       fill(&import->into, &stream);
	return stream_close(&stream, status);
}

int verb_import(struct args *args)
{
	struct import what = { .into.fd = -1, .inner.fd = -1 };
	int status = 0;

	while (!status && args->n)
		status = take_import(args, &what);
	if (!status)
		status = import(&what);
	map_close(&what.into);
	map_close(&what.inner);
	if (!status)
		json_null();
	return status;
}
