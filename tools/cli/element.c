// SPDX-License-Identifier: GPL-2.0-only
/*
 * Verbs about one element
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "cli.h"

static int need_key(const struct map *map, const struct element *elem)
{
	if (map->info.key_size && !elem->has_key)
		return trouble("the key is missing");
	return 0;
}

static const char *why_invalid(const struct map *map, const struct element *elem)
{
	if (map->info.type == BPFMAP_TYPE_LPM_TRIE)
		return "the prefix is longer than the key has bits";
	if (elem->flags)
		return "maps of this type do not know this flag";
	return map->info.value_size ? error_text(EINVAL) :
				      "a map of this type has no elements";
}

/* What all verbs of one element have to say */
static int key_trouble(const char *verb, const struct element *elem, int err)
{
	if (err == -ERANGE)
		return trouble("cannot %s: CPU %u is out of range", verb,
			       (unsigned int)(elem->flags >> 32));
	return trouble("cannot %s: %s", verb, error_text(err));
}

static int update_trouble(const struct map *map, const struct element *elem,
			  int err)
{
	if (err == -EEXIST)
		return trouble("the key is there already");
	if (err == -ENOENT && elem->flags & BPFMAP_F_EXIST)
		return trouble("the key is not there");
	if (err == -E2BIG)
		return trouble(type_has_indexes(map->info.type) ?
			       "the index is out of range" :
			       "the map is full");
	if (err == -ENOSPC)
		return trouble("the map is full");
	if (err == -EPERM)
		return trouble("cannot update: the map is frozen");
	if (err == -EINVAL)
		return trouble("cannot update: %s", type_is_outer(map->info.type) ?
			       NOT_ALIKE : why_invalid(map, elem));
	return key_trouble("update", elem, err);
}

int verb_update(struct args *args)
{
	struct element elem;
	struct map map;
	int err, status;

	if (take_map(args, 0, &map))
		return TROUBLE;
	status = take_element(args, &map, WANT_KEY | WANT_VALUE | WANT_FLAGS |
			      WANT_CPU, &elem);
	if (!status)
		status = need_key(&map, &elem);
	if (!status && map.info.value_size && !elem.has_value)
		status = trouble("the value is missing");
	if (!status) {
		err = bpfmap_update_elem(map.fd, elem.key, elem.value,
					 elem.flags);
		if (err)
			status = update_trouble(&map, &elem, err);
	}
	element_free(&elem);
	map_close(&map);
	if (!status)
		json_null();
	return status;
}

static int not_found(const struct map *map, const struct element *elem)
{
	if (options.json) {
		json_null();
	} else if (map->info.key_size) {
		puts("key:");
		print_hex(elem->key, map->info.key_size);
		puts("\n\nNot found");
	} else {
		puts("Not found");
	}
	return NO;
}

/* With "cpu N" there is one value, as in a map without CPUs */
static void print_found(const struct map *map, const struct element *elem)
{
	struct map one = *map;

	if (elem->flags & BPFMAP_F_CPU)
		one.info.type = BPFMAP_TYPE_HASH;
	print_element(&one, elem->key, elem->value);
}

static int lookup(const struct map *map, const struct element *elem)
{
	int err = bpfmap_lookup_elem_flags(map->fd, elem->key, elem->value,
					   elem->flags);

	if (err == -ENOENT)
		return not_found(map, elem);
	if (err == -EINVAL)
		return trouble("cannot look up: %s", why_invalid(map, elem));
	if (err)
		return key_trouble("look up", elem, err);
	if (map->info.type != BPFMAP_TYPE_BLOOM_FILTER)
		print_found(map, elem);
	else if (options.json)
		json_emit(json_object_new_boolean(true));
	else
		puts("Found");
	return YES;
}

int verb_lookup(struct args *args)
{
	unsigned int want = WANT_KEY | WANT_CPU;
	struct element elem;
	struct map map;
	int status;

	if (take_map(args, BPFMAP_F_RDONLY, &map))
		return TROUBLE;
	/* A Bloom filter is asked about values */
	if (map.info.type == BPFMAP_TYPE_BLOOM_FILTER)
		want = WANT_VALUE;
	status = take_element(args, &map, want, &elem);
	if (!status)
		status = need_key(&map, &elem);
	if (!status && want & WANT_VALUE && !elem.has_value)
		status = trouble("the value is missing");
	if (!status)
		status = lookup(&map, &elem);
	element_free(&elem);
	map_close(&map);
	return status;
}

/* Nothing but a map: the next element of a queue, or what a map without keys has */
static int keyless(struct args *args, uint32_t open_flags, struct map *map,
		   struct element *elem)
{
	int status;

	if (take_map(args, open_flags, map))
		return TROUBLE;
	status = take_element(args, map, 0, elem);
	if (!status && map->info.key_size)
		status = trouble("%s has keys: use lookup or delete",
				 a_type(map->info.type));
	if (status) {
		element_free(elem);
		map_close(map);
	}
	return status;
}

static int empty(void)
{
	if (options.json)
		json_null();
	else
		puts("Error: empty map");
	return NO;
}

int verb_peek(struct args *args)
{
	struct element elem;
	struct map map;
	int err, status = YES;

	if (keyless(args, BPFMAP_F_RDONLY, &map, &elem))
		return TROUBLE;
	err = bpfmap_lookup_elem(map.fd, NULL, elem.value);
	if (err == -ENOENT)
		status = empty();
	else if (err)
		status = trouble("cannot peek: %s", error_text(err));
	else
		print_element(&map, NULL, elem.value);
	element_free(&elem);
	map_close(&map);
	return status;
}

int verb_pop(struct args *args)
{
	struct element elem;
	struct map map;
	int err, status = YES;

	if (keyless(args, 0, &map, &elem))
		return TROUBLE;
	err = bpfmap_lookup_and_delete_elem(map.fd, NULL, elem.value);
	if (err == -ENOENT)
		status = empty();
	else if (err)
		status = trouble("cannot pop: %s", error_text(err));
	else
		print_element(&map, NULL, elem.value);
	element_free(&elem);
	map_close(&map);
	return status;
}

static void print_next(const struct map *map, const void *key, const void *next)
{
	size_t size = map->info.key_size;
	struct json_object *obj;

	if (options.json) {
		obj = json_object_new_object();
		json_object_object_add(obj, "key",
				       key ? json_bytes(key, size) : NULL);
		json_object_object_add(obj, "next_key", json_bytes(next, size));
		json_emit(obj);
		return;
	}
	if (key) {
		puts("key:");
		print_hex(key, size);
	} else {
		fputs("key: None", stdout);
	}
	puts("\nnext key:");
	print_hex(next, size);
	putchar('\n');
}

int verb_getnext(struct args *args)
{
	struct element elem;
	const void *key;
	struct map map;
	void *next;
	int err, status;

	if (take_map(args, BPFMAP_F_RDONLY, &map))
		return TROUBLE;
	next = xalloc(map.info.key_size, 1);
	status = take_element(args, &map, WANT_KEY, &elem);
	if (!status && !map.info.key_size)
		status = trouble("%s has no keys", a_type(map.info.type));
	if (!status) {
		key = elem.has_key ? elem.key : NULL;
		err = bpfmap_get_next_key(map.fd, key, next);
		if (!err) {
			print_next(&map, key, next);
		} else if (err == -ENOENT) {
			trouble("there is no next key");
			status = NO;
		} else {
			status = trouble("cannot get the next key: %s",
					 error_text(err));
		}
	}
	element_free(&elem);
	free(next);
	map_close(&map);
	return status;
}

int verb_delete(struct args *args)
{
	struct element elem;
	struct map map;
	int err, status;

	if (take_map(args, 0, &map))
		return TROUBLE;
	status = take_element(args, &map, WANT_KEY, &elem);
	if (!status)
		status = map.info.key_size ? need_key(&map, &elem) :
			 trouble("%s has no keys: use pop or clear",
				 a_type(map.info.type));
	if (!status) {
		err = bpfmap_delete_elem(map.fd, elem.key);
		if (err == -ENOENT) {
			trouble("the key is not there");
			status = NO;
		} else if (err == -EINVAL && type_is_array(map.info.type)) {
			status = trouble("elements of arrays cannot be deleted");
		} else if (err == -E2BIG) {
			status = trouble("the index is out of range");
		} else if (err == -EINVAL) {
			status = trouble("cannot delete: %s",
					 why_invalid(&map, &elem));
		} else if (err == -EPERM) {
			status = trouble("cannot delete: the map is frozen");
		} else if (err) {
			status = trouble("cannot delete: %s", error_text(err));
		}
	}
	element_free(&elem);
	map_close(&map);
	if (!status)
		json_null();
	return status;
}
