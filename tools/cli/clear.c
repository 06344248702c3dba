// SPDX-License-Identifier: GPL-2.0-only
/*
 * Empty a map, in the way that fits its type
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "cli.h"

static int clear_trouble(int err)
{
	if (err == -EPERM)
		return trouble("cannot clear: the map is frozen");
	return trouble("cannot clear: %s", error_text(err));
}

/* Elements of arrays cannot be deleted: reset them to their initial value */
static int clear_array(const struct map *map, uint64_t *cleared)
{
	uint32_t room = batch_room(map), max = map->info.max_entries, count;
	void *values = xalloc(room, map->value_bytes);
	uint32_t *keys = xalloc(room, sizeof(*keys));
	int err = 0;

	for (uint32_t first = 0; !err && first < max; first += count) {
		count = max - first < room ? max - first : room;
		for (uint32_t i = 0; i < count; i++)
			keys[i] = first + i;
		err = bpfmap_update_batch(map->fd, keys, values, &count, NULL);
		*cleared += count;
		progress_add(count);
		if (!count)
			break;
	}
	free(keys);
	free(values);
	return err ? clear_trouble(err) : 0;
}

static int clear_queue(const struct map *map, uint64_t *cleared)
{
	void *value = xalloc(map->value_bytes, 1);
	int err;

	while (!(err = bpfmap_lookup_and_delete_elem(map->fd, NULL, value))) {
		++*cleared;
		progress_add(1);
	}
	free(value);
	return err == -ENOENT ? 0 : clear_trouble(err);
}

/* Elements that another process has deleted meanwhile do not count */
static int delete_keys(const struct walk *walk, uint64_t *cleared)
{
	uint32_t done = 0, count;
	int err;

	while (done < walk->count) {
		count = walk->count - done;
		err = bpfmap_delete_batch(walk->map->fd, walk_key(walk, done),
					  &count, NULL);
		if (err == -ENOTSUPP) {
			count = 1;
			err = bpfmap_delete_elem(walk->map->fd,
						 walk_key(walk, done));
			if (err && err != -ENOENT)
				return err;
			*cleared += !err;
			done++;
			continue;
		}
		*cleared += count;
		done += count;
		if (err == -ENOENT)
			done++;
		else if (err)
			return err;
	}
	return 0;
}

/* A deleted key is no cursor: each batch is the first one of what is left */
static int clear_keys(const struct map *map, uint64_t *cleared)
{
	uint64_t before;
	struct walk walk;
	int err, status = 0;

	do {
		before = *cleared;
		status = walk_start(&walk, map);
		if (!status)
			status = walk_next(&walk);
		if (!status) {
			err = delete_keys(&walk, cleared);
			if (err)
				status = clear_trouble(err);
		}
		progress_add(*cleared - before);
		walk_end(&walk);
	} while (!status && walk.count);
	return status;
}

/* Batches of a hash: -ENOTSUPP if there are none, else a status */
static int clear_hash(const struct map *map, uint64_t *cleared)
{
	uint32_t room = batch_room(map), restarts = 0, count;
	void *key_cursor = xalloc(map->info.key_size + 4, 1);
	void *keys = NULL, *values = NULL;
	bool started = false;
	int err;

	do {
		free(keys);
		free(values);
		keys = xalloc(room, map->info.key_size);
		values = xalloc(room, map->value_bytes);
		count = room;
		err = bpfmap_lookup_and_delete_batch(map->fd,
						     started ? key_cursor : NULL,
						     key_cursor, keys, values,
						     &count, NULL);
		if (err == -ENOSPC) {
			room *= 2;
			err = 0;
			continue;
		}
		if (err == -EAGAIN) {
			started = false;
			err = 0;
			if (++restarts < 100)
				continue;
			err = -EAGAIN;
		}
		if (err && err != -ENOENT)
			break;
		started = true;
		*cleared += count;
		progress_add(count);
	} while (!err);
	free(keys);
	free(values);
	free(key_cursor);
	return err == -ENOENT ? 0 : err == -ENOTSUPP ? err : clear_trouble(err);
}

static int clear(const struct map *map, uint64_t *cleared)
{
	int status;

	if (type_is_array(map->info.type))
		return clear_array(map, cleared);
	if (map->info.type == BPFMAP_TYPE_QUEUE ||
	    map->info.type == BPFMAP_TYPE_STACK)
		return clear_queue(map, cleared);
	if (!map->info.key_size)
		return trouble("%s cannot be cleared",
			       a_type(map->info.type));
	status = options.no_batch ? -ENOTSUPP : clear_hash(map, cleared);
	return status == -ENOTSUPP ? clear_keys(map, cleared) : status;
}

int verb_clear(struct args *args)
{
	struct json_object *obj;
	uint64_t cleared = 0;
	struct map map;
	int status;

	if (take_map(args, 0, &map))
		return TROUBLE;
	status = no_more(args);
	if (!status) {
		progress_begin("clearing", 0);
		status = clear(&map, &cleared);
		progress_end();
	}
	map_close(&map);
	if (status)
		return status;
	if (options.json) {
		obj = json_object_new_object();
		json_object_object_add(obj, "cleared",
				       json_object_new_uint64(cleared));
		json_emit(obj);
	} else {
		printf("Cleared %llu element%s\n", (unsigned long long)cleared,
		       cleared == 1 ? "" : "s");
	}
	return YES;
}
