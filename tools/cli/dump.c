// SPDX-License-Identifier: GPL-2.0-only
/*
 * All elements, once or again and again, and how many there are
 */
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "cli.h"

/* Rows of a terminal that a watched map may take; 0 for no limit */
static uint64_t limit;

static int dump_elements(const struct map *map, uint64_t *found)
{
	struct walk walk;
	int status;

	*found = 0;
	status = walk_start(&walk, map);
	while (!status) {
		status = walk_next(&walk);
		if (status || !walk.count)
			break;
		for (uint32_t i = 0; i < walk.count; i++)
			if (!limit || *found + i < limit)
				print_element(map, walk_key(&walk, i),
					      walk_value(&walk, i));
		*found += walk.count;
	}
	if (!status)
		walk_note(walk.restarts);
	walk_end(&walk);
	return status;
}

static int dump_plain(const struct map *map, bool header)
{
	uint64_t found;
	int status;

	if (header)
		print_header(map);
	status = dump_elements(map, &found);
	if (limit && found > limit)
		puts("...");
	if (!status)
		printf("Found %llu element%s\n", (unsigned long long)found,
		       found == 1 ? "" : "s");
	return status;
}

static int dump_json(const struct map *map)
{
	uint64_t found;
	int status;

	/* A map that cannot be listed at all prints one error and no array */
	if (!map->info.key_size)
		return dump_elements(map, &found);
	json_begin();
	status = dump_elements(map, &found);
	json_end();
	return status;
}

/* Several maps of one name: print each whole, with its properties */
static int dump_json_object(const struct map *map)
{
	struct json_object *obj = json_header(map);
	struct json_object *array = json_object_new_array();
	struct json_object *item;
	struct walk walk;
	int status;

	json_object_object_add(obj, "elements", array);
	status = walk_start(&walk, map);
	while (!status) {
		status = walk_next(&walk);
		if (status || !walk.count)
			break;
		for (uint32_t i = 0; i < walk.count; i++) {
			item = json_element(map, walk_key(&walk, i),
					    walk_value(&walk, i));
			json_object_array_add(array, item);
		}
	}
	walk_note_json(walk.restarts, obj);
	walk_end(&walk);
	json_item(obj);
	return status;
}

static int dump_all(const struct map *maps, size_t count)
{
	int status = YES;

	if (options.json && count == 1)
		return dump_json(maps);
	if (options.json)
		json_begin();
	for (size_t i = 0; i < count && !status; i++) {
		if (options.json) {
			status = dump_json_object(&maps[i]);
		} else {
			status = dump_plain(&maps[i], count > 1);
			if (i + 1 < count)
				putchar('\n');
		}
	}
	if (options.json)
		json_end();
	return status;
}

/* Elements that fit on the terminal; 0 without a terminal */
static uint64_t screen_rows(const struct map *map)
{
	struct winsize size;
	unsigned int each = 1, rows;

	if (options.json || ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) ||
	    size.ws_row < 4)
		return 0;
	if (type_is_percpu(map->info.type))
		each = 2 + map->cpus;
	else if (map->info.key_size + map->info.value_size > 24)
		each = 2;
	rows = (size.ws_row - 3) / each;
	return rows ? rows : 1;
}

static int watch(const struct map *maps, size_t count, double interval,
		 uint32_t times)
{
	bool screen = isatty(STDOUT_FILENO) && !options.json;
	int status = YES;

	for (uint32_t i = 0; !status && (!times || i < times); i++) {
		if (i)
			usleep(interval * 1e6);
		if (screen) {
			limit = screen_rows(maps) / count;
			limit += !limit;
			fputs("\033[H\033[J", stdout);
		} else if (i && !options.json) {
			putchar('\n');
		}
		status = dump_all(maps, count);
		if (fflush(stdout))
			break;	/* the reader is gone */
	}
	return status;
}

static int take_watch(struct args *args, bool *watched, double *interval,
		      uint32_t *times)
{
	while (args->n) {
		if (take_word(args, "watch") || take_word(args, "--watch")) {
			*watched = true;
		} else if (*watched && take_word(args, "interval")) {
			if (take_seconds(args, interval))
				return TROUBLE;
		} else if (*watched && take_word(args, "times")) {
			if (take_u32(args, "how many times", times))
				return TROUBLE;
		} else {
			return usage_error(args, *watched ?
					   "'interval' or 'times'" : "'watch'");
		}
	}
	return 0;
}

int verb_dump(struct args *args)
{
	double interval = 1;
	bool watched = false;
	uint32_t times = 0;
	struct map *maps;
	size_t count;
	int status;

	if (!args->n)
		return usage_error(args, "a map: 'id', 'name' or 'pinned'");
	status = take_maps(args, BPFMAP_F_RDONLY, &maps, &count);
	if (!status)
		status = take_watch(args, &watched, &interval, &times);
	if (!status)
		status = watched ? watch(maps, count, interval, times) :
				   dump_all(maps, count);
	for (size_t i = 0; i < count; i++)
		map_close(&maps[i]);
	free(maps);
	return status;
}

int verb_count(struct args *args)
{
	struct json_object *obj;
	uint32_t restarts;
	uint64_t count;
	struct map map;
	int status;

	if (take_map(args, BPFMAP_F_RDONLY, &map))
		return TROUBLE;
	status = no_more(args);
	if (!status)
		status = count_elements(&map, &count, &restarts);
	map_close(&map);
	if (status)
		return status;
	if (options.json) {
		obj = json_object_new_object();
		json_object_object_add(obj, "elements",
				       json_object_new_uint64(count));
		walk_note_json(restarts, obj);
		json_emit(obj);
	} else {
		walk_note(restarts);
		printf("%llu\n", (unsigned long long)count);
	}
	return YES;
}
