// SPDX-License-Identifier: GPL-2.0-only
/*
 * Elements that only one of two maps has, or that differ
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "cli.h"

static uint64_t differences;

static bool same_value(const struct map *map, const void *a, const void *b)
{
	/* Between the CPUs' values there may be padding */
	for (unsigned int cpu = 0; cpu < map->cpus; cpu++)
		if (memcmp((const char *)a + cpu * map->stride,
			   (const char *)b + cpu * map->stride,
			   map->info.value_size))
			return false;
	return true;
}

static struct json_object *values_json(const struct map *map, const void *key,
				       const void *value)
{
	struct json_object *obj, *part = NULL;

	if (!value)
		return NULL;
	obj = json_element(map, key, value);
	json_object_object_get_ex(obj, type_is_percpu(map->info.type) ?
				  "values" : "value", &part);
	json_object_get(part);
	json_object_put(obj);
	return part;
}

static void put_line(const struct map *map, char sign, const void *key,
		     const void *value)
{
	const unsigned char *byte = key;

	printf("%c key:", sign);
	for (uint32_t i = 0; i < map->info.key_size; i++)
		printf(" %02x", byte[i]);
	fputs("  value:", stdout);
	for (unsigned int cpu = 0; cpu < map->cpus; cpu++) {
		byte = (const unsigned char *)value + cpu * map->stride;
		if (cpu)
			fputs(" |", stdout);
		for (uint32_t i = 0; i < map->info.value_size; i++)
			printf(" %02x", byte[i]);
	}
	putchar('\n');
}

/* @first and @second are NULL where the key is not there */
static void report(const struct map *map, const void *key, const void *first,
		   const void *second)
{
	struct json_object *obj;

	differences++;
	if (!options.json) {
		if (first)
			put_line(map, '-', key, first);
		if (second)
			put_line(map, '+', key, second);
		return;
	}
	obj = json_object_new_object();
	json_object_object_add(obj, "key", json_bytes(key, map->info.key_size));
	json_object_object_add(obj, "first", values_json(map, key, first));
	json_object_object_add(obj, "second", values_json(map, key, second));
	json_item(obj);
}

/**
 * struct content - all elements of a map, for a walk in the order of the keys
 * @map: the map
 * @data: keys with their values
 * @count: how many
 * @room: how many there is memory for
 *
 * Lookups in the other map would not do: a trie answers with what covers a key.
 */
struct content {
	const struct map *map;
	unsigned char *data;
	size_t count;
	size_t room;
};

static size_t element_size(const struct map *map)
{
	return map->info.key_size + map->value_bytes;
}

static const unsigned char *at(const struct content *content, size_t i)
{
	return content->data + i * element_size(content->map);
}

static void add(struct content *content, const struct walk *walk)
{
	size_t key_size = walk->map->info.key_size;
	size_t size = element_size(walk->map);
	unsigned char *to;

	if (content->count + walk->count > content->room) {
		content->room = 2 * (content->count + walk->count);
		content->data = realloc(content->data, content->room * size);
		if (!content->data) {
			note("out of memory");
			exit(TROUBLE);
		}
	}
	for (uint32_t i = 0; i < walk->count; i++) {
		to = content->data + content->count++ * size;
		memcpy(to, walk_key(walk, i), key_size);
		memcpy(to + key_size, walk_value(walk, i),
		       walk->map->value_bytes);
	}
}

static int compare_keys(const void *a, const void *b, void *key_size)
{
	return memcmp(a, b, *(uint32_t *)key_size);
}

/* A walk began again: of those with the same key, which are neighbours, keep one */
static void drop_doubles(struct content *content)
{
	size_t size = element_size(content->map), kept = 0;

	for (size_t i = 0; i < content->count; i++)
		if (!i || memcmp(at(content, i), at(content, kept - 1),
				 content->map->info.key_size))
			memmove(content->data + kept++ * size, at(content, i),
				size);
	content->count = kept;
}

static int collect(const struct map *map, struct content *content)
{
	uint32_t key_size = map->info.key_size;
	struct walk walk;
	int status;

	content->map = map;
	status = walk_start(&walk, map);
	while (!status) {
		status = walk_next(&walk);
		if (status || !walk.count)
			break;
		add(content, &walk);
		progress_add(walk.count);
	}
	walk_end(&walk);
	if (content->count)
		qsort_r(content->data, content->count, element_size(map),
			compare_keys, &key_size);
	if (walk.restarts)
		drop_doubles(content);
	return status;
}

static void compare(const struct content *a, const struct content *b)
{
	uint32_t key_size = a->map->info.key_size;
	size_t i = 0, j = 0;

	while (i < a->count || j < b->count) {
		const unsigned char *first = at(a, i), *second = at(b, j);
		int order = i == a->count ? 1 : j == b->count ? -1 :
			    memcmp(first, second, key_size);

		if (order < 0) {
			report(a->map, first, first + key_size, NULL);
		} else if (order > 0) {
			report(a->map, second, NULL, second + key_size);
		} else if (!same_value(a->map, first + key_size,
				       second + key_size)) {
			report(a->map, first, first + key_size,
			       second + key_size);
		}
		i += order <= 0;
		j += order >= 0;
	}
}

static int check_comparable(const struct map *a, const struct map *b)
{
	if (!a->info.key_size || !b->info.key_size)
		return trouble("what is in %s cannot be listed",
			       a_type(a->info.key_size ? b->info.type :
				      a->info.type));
	if (a->info.key_size != b->info.key_size ||
	    a->info.value_size != b->info.value_size || a->cpus != b->cpus)
		return trouble("they have keys of %u/%u, values of %u/%u bytes, %u/%u CPUs",
			       a->info.key_size, b->info.key_size,
			       a->info.value_size, b->info.value_size,
			       a->cpus, b->cpus);
	return 0;
}

static int diff(const struct map *a, const struct map *b)
{
	struct content first = { 0 }, second = { 0 };
	int status = check_comparable(a, b);

	if (status)
		return status;
	progress_begin("reading", 0);
	status = collect(a, &first);
	if (!status)
		status = collect(b, &second);
	progress_end();
	if (!status) {
		if (options.json)
			json_begin();
		compare(&first, &second);
		if (options.json)
			json_end();
		status = differences ? NO : YES;
	}
	free(first.data);
	free(second.data);
	return status;
}

int verb_diff(struct args *args)
{
	struct map a = { .fd = -1 }, b = { .fd = -1 };
	const char *path;
	int status;

	if (take_map(args, BPFMAP_F_RDONLY, &a))
		return TROUBLE;
	if (take_word(args, "file")) {
		path = take(args, "a file with a saved map");
		status = path ? load_map(path, &b) : TROUBLE;
	} else {
		status = take_map(args, BPFMAP_F_RDONLY, &b);
	}
	if (!status)
		status = no_more(args);
	if (!status)
		status = diff(&a, &b);
	map_close(&a);
	map_close(&b);
	return status;
}
