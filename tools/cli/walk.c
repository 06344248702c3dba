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

int walk_start(struct walk *walk, const struct map *map)
{
	memset(walk, 0, sizeof(*walk));
	walk->map = map;
	walk->single = options.no_batch;
	if (!map->info.key_size)
		return trouble("what is in a %s cannot be listed",
			       type_name(map->info.type));
	/* Hash types have a cursor of 4 bytes, the others a key for it */
	walk->cursor = xalloc(map->info.key_size + 4, 1);
	set_room(walk, batch_room(map));
	return 0;
}

void walk_end(struct walk *walk)
{
	free(walk->keys);
	free(walk->values);
	free(walk->cursor);
}

const void *walk_key(const struct walk *walk, uint32_t i)
{
	return walk->keys + (size_t)i * walk->map->info.key_size;
}

const void *walk_value(const struct walk *walk, uint32_t i)
{
	return walk->values + (size_t)i * walk->map->value_bytes;
}

/* One batch. The cursor is only moved by those that gave something */
static int next_batch(struct walk *walk)
{
	uint32_t count = walk->room;
	int err;

	walk->count = 0;
	err = bpfmap_lookup_batch(walk->map->fd,
				  walk->started ? walk->cursor : NULL,
				  walk->cursor, walk->keys, walk->values,
				  &count, NULL);
	if (err && err != -ENOENT)
		return err;
	walk->count = count;
	walk->started = true;
	walk->done = err == -ENOENT;
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
		memcpy(walk->cursor, key, key_size);
		walk->started = true;
		err = bpfmap_lookup_elem(map->fd, key, walk->values +
					 walk->count * map->value_bytes);
		if (!err)
			walk->count++;
		else if (err != -ENOENT) /* else it is gone, or an empty slot */
			break;
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
			walk->single = true;
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

int count_elements(const struct map *map, uint64_t *count)
{
	struct walk walk;
	int status;

	*count = 0;
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
	walk_end(&walk);
	return status;
}
