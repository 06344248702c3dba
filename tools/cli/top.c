// SPDX-License-Identifier: GPL-2.0-only
/*
 * Which elements change fastest
 *
 * A value of 1, 2, 4 or 8 bytes is taken for a counter, and its growth counts,
 * summed over the CPUs; in a longer value there may be a counter of 8 bytes at an
 * offset. Of other values it counts how many of the samples of an interval found
 * them changed. That an element is new is a change as well.
 */
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "cli.h"

#define SAMPLES	10	/* in an interval, of values that are no counters */
#define KEY_BYTES 24	/* that are printed of a key at most */

/**
 * struct entry - what is known of a key
 * @used: this slot is
 * @sample: number of the last sample that saw it
 * @sum: the counter then, or a hash of the value
 * @changes: since the last screen
 */
struct entry {
	bool used;
	uint64_t sample;
	uint64_t sum;
	double changes;
};

/* An open-addressed hash table, of entries and their keys */
struct table {
	const struct map *map;
	bool counters;
	size_t offset;		/* of the counter in a value ... */
	size_t counter_size;	/* ... and its size */
	uint64_t sample;
	size_t size;	/* a power of two */
	size_t used;
	struct entry *entries;
	unsigned char *keys;
};

static uint64_t fnv(const void *data, size_t size, uint64_t hash)
{
	const unsigned char *byte = data;

	for (size_t i = 0; i < size; i++)
		hash = (hash ^ byte[i]) * 0x100000001b3;
	return hash ^ hash >> 32;
}

static uint64_t counter(const void *data, size_t size)
{
	uint64_t number64;
	uint32_t number32;
	uint16_t number16;

	switch (size) {
	case 8:
		memcpy(&number64, data, size);
		return number64;
	case 4:
		memcpy(&number32, data, size);
		return number32;
	case 2:
		memcpy(&number16, data, size);
		return number16;
	default:
		return *(const unsigned char *)data;
	}
}

static uint64_t sum_value(const struct table *table, const void *value)
{
	const struct map *map = table->map;
	size_t size = map->info.value_size;
	uint64_t sum = 0;

	for (unsigned int cpu = 0; cpu < map->cpus; cpu++) {
		const char *one = (const char *)value + cpu * map->stride;

		if (table->counters)
			sum += counter(one + table->offset,
				       table->counter_size);
		else
			sum = fnv(one, size, sum + 0xcbf29ce484222325);
	}
	return sum;
}

static struct entry *find(struct table *table, const void *key)
{
	size_t key_size = table->map->info.key_size;
	size_t i = fnv(key, key_size, 0xcbf29ce484222325) & (table->size - 1);

	while (table->entries[i].used &&
	       memcmp(table->keys + i * key_size, key, key_size))
		i = (i + 1) & (table->size - 1);
	return &table->entries[i];
}

static void *key_of(const struct table *table, const struct entry *entry)
{
	return table->keys + (entry - table->entries) *
			     table->map->info.key_size;
}

/* A table of its own size for what is still alive */
static void rehash(struct table *table, size_t size)
{
	struct table old = *table;
	struct entry *entry;

	table->size = size;
	table->used = 0;
	table->entries = xalloc(size, sizeof(*table->entries));
	table->keys = xalloc(size, table->map->info.key_size);
	for (size_t i = 0; i < old.size; i++) {
		if (!old.entries[i].used)
			continue;
		entry = find(table, key_of(&old, &old.entries[i]));
		*entry = old.entries[i];
		memcpy(key_of(table, entry), key_of(&old, &old.entries[i]),
		       table->map->info.key_size);
		table->used++;
	}
	free(old.entries);
	free(old.keys);
}

static void see(struct table *table, const void *key, const void *value)
{
	uint64_t sum = sum_value(table, value), delta;
	struct entry *entry;

	if (2 * table->used >= table->size)
		rehash(table, 2 * table->size);
	entry = find(table, key);
	if (!entry->used) {
		entry->used = true;
		entry->sum = table->counters && table->sample > 1 ? 0 : sum;
		memcpy(key_of(table, entry), key, table->map->info.key_size);
		table->used++;
		if (!table->counters && table->sample > 1)
			entry->changes++;
	}
	entry->sample = table->sample;
	if (table->counters) {
		/* Growth or decrease modulo 2^64, the smaller of both */
		delta = sum - entry->sum;
		entry->changes += delta >> 63 ? -(double)-delta : (double)delta;
	} else {
		entry->changes += sum != entry->sum;
	}
	entry->sum = sum;
}

static int take_sample(struct table *table)
{
	struct walk walk;
	int status;

	table->sample++;
	status = walk_start(&walk, table->map);
	while (!status) {
		status = walk_next(&walk);
		if (status || !walk.count)
			break;
		for (uint32_t i = 0; i < walk.count; i++)
			see(table, walk_key(&walk, i), walk_value(&walk, i));
	}
	walk_end(&walk);
	return status;
}

/* Forget what is deleted: it was counted when it was last seen */
static void forget(struct table *table)
{
	size_t gone = 0;

	for (size_t i = 0; i < table->size; i++) {
		struct entry *entry = &table->entries[i];

		entry->changes = 0;
		if (entry->used && entry->sample != table->sample) {
			entry->used = false;
			gone++;
		}
	}
	/* The gaps are where a search would end */
	if (gone)
		rehash(table, table->size);
}

static int faster(const void *a, const void *b)
{
	const struct entry *const *one = a, *const *other = b;
	double x = (*one)->changes, y = (*other)->changes;

	x = x < 0 ? -x : x;
	y = y < 0 ? -y : y;
	return x < y ? 1 : x > y ? -1 : (*one > *other) - (*one < *other);
}

/* In one line, and only the beginning of a long one */
static void print_key(const unsigned char *key, size_t size)
{
	for (size_t i = 0; i < size && i < KEY_BYTES; i++)
		printf("%s%02x", !i ? "" : i % 8 ? " " : "  ", key[i]);
	puts(size > KEY_BYTES ? " ..." : "");
}

static void print_row(const struct table *table, const struct entry *entry,
		      double rate)
{
	const struct map *map = table->map;
	struct json_object *obj;

	if (!options.json) {
		printf("%14.1f  ", rate);
		if (table->counters)
			printf("%20llu  ", (unsigned long long)entry->sum);
		print_key(key_of(table, entry), map->info.key_size);
		return;
	}
	obj = json_object_new_object();
	json_object_object_add(obj, "key", json_bytes(key_of(table, entry),
						      map->info.key_size));
	json_object_object_add(obj, "rate", json_object_new_double(rate));
	if (table->counters)
		json_object_object_add(obj, "value",
				       json_object_new_uint64(entry->sum));
	json_item(obj);
}

static void print_screen(const struct table *table, double seconds,
			 uint32_t rows)
{
	struct entry **changed = xalloc(table->used, sizeof(*changed));
	size_t count = 0;

	for (size_t i = 0; i < table->size; i++)
		if (table->entries[i].used && table->entries[i].changes)
			changed[count++] = &table->entries[i];
	if (count)
		qsort(changed, count, sizeof(*changed), faster);
	if (options.json) {
		json_begin();
	} else {
		if (isatty(STDOUT_FILENO))
			fputs("\033[H\033[J", stdout);
		printf("%zu of %zu elements changed\n", count, table->used);
		printf("%14s  %s%s\n",
		       table->counters ? "per second" : "changes/s",
		       table->counters ? "               value  " : "", "key");
	}
	for (size_t i = 0; i < count && i < rows; i++)
		print_row(table, changed[i], changed[i]->changes / seconds);
	if (options.json)
		json_end();
	fflush(stdout);
	free(changed);
}

static bool is_counter(size_t size)
{
	return size == 1 || size == 2 || size == 4 || size == 8;
}

/* @offset is that of a counter of 8 bytes, or -1 */
static int top(const struct map *map, double interval, uint32_t times,
	       uint32_t rows, int64_t offset)
{
	size_t size = map->info.value_size;
	struct table table = {
		.map = map,
		.counters = offset >= 0 || is_counter(size),
		.offset = offset < 0 ? 0 : offset,
		.counter_size = offset < 0 ? size : sizeof(uint64_t),
	};
	int samples = table.counters ? 1 : SAMPLES;
	double began;
	int status;

	rehash(&table, 1024);
	status = take_sample(&table);
	for (uint32_t i = 0; !status && (!times || i < times); i++) {
		began = now();
		for (int j = 0; j < samples && !status; j++) {
			usleep(interval / samples * 1e6);
			status = take_sample(&table);
		}
		if (!status)
			print_screen(&table, now() - began, rows);
		if (ferror(stdout))
			break;
		forget(&table);
	}
	free(table.entries);
	free(table.keys);
	return status;
}

static uint32_t screen_rows(void)
{
	struct winsize size;

	if (ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) || size.ws_row < 5)
		return 20;
	return size.ws_row - 3;
}

static int take_offset(struct args *args, const struct map *map,
		       int64_t *offset)
{
	uint32_t size = map->info.value_size, at;

	if (take_u32(args, "the offset of a counter", &at))
		return TROUBLE;
	if (size < sizeof(uint64_t) || at > size - sizeof(uint64_t))
		return trouble("no counter of 8 bytes is at %u in values of %u",
			       at, size);
	*offset = at;
	return 0;
}

int verb_top(struct args *args)
{
	uint32_t times = 0, rows = screen_rows();
	int64_t offset = -1;
	double interval = 1;
	struct map map;
	int status = 0;

	if (take_map(args, BPFMAP_F_RDONLY, &map))
		return TROUBLE;
	while (!status && args->n) {
		if (take_word(args, "interval"))
			status = take_seconds(args, &interval);
		else if (take_word(args, "times"))
			status = take_u32(args, "how many times", &times);
		else if (take_word(args, "rows"))
			status = take_u32(args, "how many rows", &rows);
		else if (take_word(args, "offset"))
			status = take_offset(args, &map, &offset);
		else
			status = usage_error(args, "'interval', 'times', 'rows' or 'offset'");
	}
	if (!status)
		status = top(&map, interval, times, rows, offset);
	map_close(&map);
	return status;
}
