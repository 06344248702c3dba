// SPDX-License-Identifier: GPL-2.0-only
/*
 * All elements of a map: by batches, or where there are none key by key
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "cli.h"

#define BATCH_BYTES	(1 << 20)
#define BATCH_COUNT	4096

/* Elements for one batch: a reasonable number, and at least one */
uint32_t batch_room(const struct map *map)
{
	uint64_t room = BATCH_BYTES / (map->info.key_size +
				       map->value_bytes + 1);

	if (room > BATCH_COUNT)
		room = BATCH_COUNT;
	if (room > map->info.max_entries)
		room = map->info.max_entries;
	return room ? room : 1;
}

static void set_room(struct walk *walk, uint32_t room)
{
	free(walk->keys);
	free(walk->values);
	walk->room = room;
	walk->keys = xalloc(room, walk->map->info.key_size);
	walk->values = xalloc(room, walk->map->value_bytes);
}

static void go_single(struct walk *walk)
{
	walk->single = true;
	walk->unsure = !type_has_indexes(walk->map->info.type);
}

int walk_start(struct walk *walk, const struct map *map)
{
	memset(walk, 0, sizeof(*walk));
	walk->map = map;
	if (options.no_batch)
		go_single(walk);
	walk->flags = BPFMAP_BATCH_F_RESUME;
	if (!map->info.key_size)
		return trouble("what is in %s cannot be listed",
			       a_type(map->info.type));
	/* Hash types have a cursor of 4 bytes, the others a key for it */
	walk->cursor = xalloc(map->info.key_size + 4, 1);
	walk->first = xalloc(map->info.key_size, 1);
	set_room(walk, batch_room(map));
	return 0;
}

void walk_end(struct walk *walk)
{
	free(walk->keys);
	free(walk->values);
	free(walk->cursor);
	free(walk->first);
}

const void *walk_key(const struct walk *walk, uint32_t i)
{
	return walk->keys + (size_t)i * walk->map->info.key_size;
}

const void *walk_value(const struct walk *walk, uint32_t i)
{
	return walk->values + (size_t)i * walk->map->value_bytes;
}

/*
 * Does @key, which the kernel gave for the one behind the cursor, tell that it
 * began again? Then it is the first one of the map.
 */
static void look_for_restart(struct walk *walk, const void *key)
{
	if (walk->unsure && walk->started &&
	    !bpfmap_get_next_key(walk->map->fd, NULL, walk->first) &&
	    !memcmp(walk->first, key, walk->map->info.key_size))
		walk->restarts++;
}

/* An older module does not look at the flag where the cursor is a key */
static bool flag_may_be_ignored(const struct walk *walk)
{
	return walk->map->info.type == BPFMAP_TYPE_LPM_TRIE &&
	       bpfmap_batch_can_resume() != 1;
}

/* One batch. The cursor is only moved by those that gave something */
static int next_batch(struct walk *walk)
{
	BPFMAP_OPTS(bpfmap_batch_opts, opts, .flags = walk->flags);
	uint32_t count = walk->room;
	int err;

	walk->count = 0;
	err = bpfmap_lookup_batch(walk->map->fd,
				  walk->started ? walk->cursor : NULL,
				  walk->cursor, walk->keys, walk->values,
				  &count, &opts);
	if (err && err != -ENOENT)
		return err;
	if (count)
		look_for_restart(walk, walk->keys);
	walk->count = count;
	walk->done = err == -ENOENT;
	if (!walk->started && !walk->done)
		walk->unsure = flag_may_be_ignored(walk);
	walk->started = true;
	return 0;
}

static int next_single(struct walk *walk)
{
	const struct map *map = walk->map;
	size_t key_size = map->info.key_size;
	unsigned char *key;
	int err = 0;

	walk->count = 0;
	while (walk->count < walk->room) {
		key = walk->keys + walk->count * key_size;
		err = bpfmap_get_next_key(map->fd,
					  walk->started ? walk->cursor : NULL,
					  key);
		if (err)
			break;
		look_for_restart(walk, key);
		err = bpfmap_lookup_elem(map->fd, key, walk->values +
					 walk->count * map->value_bytes);
		if (!err)
			walk->count++;
		else if (err != -ENOENT)
			break;
		/* A deleted key is no cursor, but an empty slot is one */
		if (err && !type_has_indexes(map->info.type))
			continue;
		memcpy(walk->cursor, key, key_size);
		walk->started = true;
	}
	walk->done = err == -ENOENT;
	return walk->done ? 0 : err;
}

/**
 * walk_next() - get more elements
 * @walk: where they go; its count is 0 only at the end
 *
 * Return: 0, or TROUBLE after a message.
 */
int walk_next(struct walk *walk)
{
	int err;

	walk->count = 0;
	while (!walk->done && !walk->count) {
		err = walk->single ? next_single(walk) : next_batch(walk);
		switch (err) {
		case 0:
			break;
		case -ENOTSUPP:
			if (walk->single || walk->started)
				return trouble("cannot list: %s",
					       error_text(err));
			go_single(walk);
			break;
		case -EINVAL:	/* an RHASH, or an older module */
			if (walk->single || !walk->flags)
				return trouble("cannot list: %s",
					       error_text(err));
			walk->flags = 0;
			break;
		case -ENOSPC:	/* one bucket has more than this */
			set_room(walk, 2 * walk->room);
			break;
		case -EAGAIN:	/* the cursor is gone */
			walk->started = false;
			if (++walk->restarts > 100)
				return trouble("cannot list: the map changes too fast");
			break;
		default:
			return trouble("cannot list: %s", error_text(err));
		}
	}
	return 0;
}

/* Tell if elements may have come twice */
void walk_note(uint32_t restarts)
{
	if (restarts)
		note("a deleted key made it begin again (%u time%s): elements may be there more than once",
		     restarts, restarts == 1 ? "" : "s");
}

/* The same for programs, in what is printed */
void walk_note_json(uint32_t restarts, struct json_object *obj)
{
	if (restarts)
		json_object_object_add(obj, "restarted",
				       json_object_new_int64(restarts));
}

int count_elements(const struct map *map, uint64_t *count, uint32_t *restarts)
{
	struct walk walk;
	int status;

	*count = 0;
	*restarts = 0;
	if (type_is_array(map->info.type)) {
		*count = map->info.max_entries;
		return 0;
	}
	status = walk_start(&walk, map);
	while (!status) {
		status = walk_next(&walk);
		if (!walk.count)
			break;
		*count += walk.count;
	}
	*restarts = walk.restarts;
	walk_end(&walk);
	return status;
}
