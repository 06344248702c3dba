// SPDX-License-Identifier: GPL-2.0-only
/*
 * Elements and maps as text and as JSON, in bpftool's formats
 */
#include <stdlib.h>
#include <string.h>

#include "cli.h"

/* Of an array that is printed item by item */
static bool in_array, has_items, started;

static void put_json(struct json_object *obj)
{
	int flags = JSON_C_TO_STRING_NOSLASHESCAPE;

	if (options.pretty)
		flags |= JSON_C_TO_STRING_PRETTY | JSON_C_TO_STRING_PRETTY_TAB |
			 JSON_C_TO_STRING_SPACED;
	fputs(json_object_to_json_string_ext(obj, flags), stdout);
	json_object_put(obj);
	started = true;
}

bool json_started(void)
{
	return started;
}

/* Print @obj, which is given away: an item of the array that was begun, if any */
void json_emit(struct json_object *obj)
{
	if (in_array) {
		json_item(obj);
		return;
	}
	put_json(obj);
	putchar('\n');
}

void json_begin(void)
{
	putchar('[');
	started = true;
	in_array = true;
	has_items = false;
}

void json_item(struct json_object *obj)
{
	if (has_items)
		putchar(',');
	if (options.pretty)
		putchar('\n');
	has_items = true;
	put_json(obj);
}

void json_end(void)
{
	if (options.pretty && has_items)
		putchar('\n');
	puts("]");
	in_array = false;
}

/* Print the result of a command that has nothing else to print */
void json_null(void)
{
	if (options.json && !started)
		puts("null");
}

struct json_object *json_bytes(const void *data, size_t size)
{
	struct json_object *array = json_object_new_array_ext(size ? size : 1);
	const unsigned char *byte = data;
	char text[8];

	for (size_t i = 0; i < size; i++) {
		snprintf(text, sizeof(text), "0x%02x", byte[i]);
		json_object_array_add(array, json_object_new_string(text));
	}
	return array;
}

/* Without anything between the bytes, nor after them. Returns where it ends */
char *format_hex(char *to, const void *data, size_t size)
{
	static const char digits[] = "0123456789abcdef";
	const unsigned char *byte = data;

	for (size_t i = 0; i < size; i++) {
		*to++ = digits[byte[i] >> 4];
		*to++ = digits[byte[i] & 15];
	}
	return to;
}

static struct json_object *json_values(const struct map *map, const void *value)
{
	struct json_object *array = json_object_new_array_ext(map->cpus);
	struct json_object *obj;

	for (unsigned int cpu = 0; cpu < map->cpus; cpu++) {
		obj = json_object_new_object();
		json_object_object_add(obj, "cpu", json_object_new_int(cpu));
		json_object_object_add(obj, "value",
				       json_bytes((const char *)value +
						  cpu * map->stride,
						  map->info.value_size));
		json_object_array_add(array, obj);
	}
	return array;
}

static uint32_t inner_id(const void *value)
{
	uint32_t id;

	memcpy(&id, value, sizeof(id));
	return id;
}

struct json_object *json_element(const struct map *map, const void *key,
				 const void *value)
{
	struct json_object *obj = json_object_new_object();

	json_object_object_add(obj, "key", json_bytes(key, map->info.key_size));
	if (type_is_percpu(map->info.type)) {
		json_object_object_add(obj, "values", json_values(map, value));
		return obj;
	}
	json_object_object_add(obj, "value",
			       json_bytes(value, map->info.value_size));
	if (type_is_outer(map->info.type))
		json_object_object_add(obj, "inner_map_id",
				       json_object_new_int64(inner_id(value)));
	return obj;
}

void print_hex(const void *data, size_t size)
{
	const unsigned char *byte = data;

	for (size_t i = 0; i < size; i++) {
		if (i)
			fputs(i % 16 == 0 ? "\n" : i % 8 == 0 ? "  " : " ",
			      stdout);
		printf("%02x", byte[i]);
	}
}

static void print_values(const struct map *map, const void *key,
			 const void *value)
{
	size_t size = map->info.value_size;

	if (map->info.key_size) {
		puts("key:");
		print_hex(key, map->info.key_size);
		putchar('\n');
	}
	for (unsigned int cpu = 0; cpu < map->cpus; cpu++) {
		printf("value (CPU %02u):%c", cpu, size > 16 ? '\n' : ' ');
		print_hex((const char *)value + cpu * map->stride, size);
		putchar('\n');
	}
}

static void print_plain(const struct map *map, const void *key,
			const void *value)
{
	size_t key_size = map->info.key_size, value_size = map->info.value_size;
	bool names = key_size > 16 || value_size > 16;
	bool line = key_size + value_size <= 24 && !names;

	if (key_size) {
		printf("key:%c", names ? '\n' : ' ');
		print_hex(key, key_size);
		fputs(line ? "  " : "\n", stdout);
	}
	if (type_is_outer(map->info.type)) {
		printf("inner_map_id:%c%u ", names ? '\n' : ' ',
		       inner_id(value));
	} else if (value_size) {
		printf("value:%c", names ? '\n' : ' ');
		print_hex(value, value_size);
	}
	putchar('\n');
}

void print_element(const struct map *map, const void *key, const void *value)
{
	if (options.json)
		json_emit(json_element(map, key, value));
	else if (type_is_percpu(map->info.type))
		print_values(map, key, value);
	else
		print_plain(map, key, value);
}

void print_header(const struct map *map)
{
	printf("%u: ", map->info.id);
	if (bpfmap_type_str(map->info.type))
		printf("%s  ", bpfmap_type_str(map->info.type));
	else
		printf("type %u  ", map->info.type);
	if (*map->info.name) {
		fputs("name ", stdout);
		put_text(map->info.name);
		fputs("  ", stdout);
	}
	printf("flags 0x%x\n", map->info.map_flags);
}

struct json_object *json_header(const struct map *map)
{
	const struct bpfmap_info *info = &map->info;
	struct json_object *obj = json_object_new_object();

	json_object_object_add(obj, "id", json_object_new_int64(info->id));
	json_object_object_add(obj, "type",
			       json_object_new_string(type_name(info->type)));
	if (*info->name)
		json_add_text(obj, "name", info->name);
	json_object_object_add(obj, "flags",
			       json_object_new_int64(info->map_flags));
	return obj;
}
