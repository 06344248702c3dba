/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * bpfmapctl - what its files share
 *
 * Verbs return an exit status. Everything below them returns 0 or a status
 * after it has printed the error, so that callers only pass it on.
 */
#ifndef BPFMAP_CLI_H
#define BPFMAP_CLI_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <json-c/json.h>

#include "bpfmap.h"
#include "map_types.h"

#define PROGRAM "bpfmapctl"
#define ENOTSUPP 524	/* what the kernel says, and no header of user space */
#define ARRAY_SIZE(a) (sizeof(a) / sizeof((a)[0]))

/* Exit statuses, as those of grep(1) and diff(1) */
enum {
	YES,
	NO,		/* no such element, an empty map, maps that differ */
	TROUBLE,
};

struct options {
	bool json;
	bool pretty;
	bool pins;	/* list pins in "show" */
	bool no_batch;	/* element by element */
};

extern struct options options;

/* --- main.c --- */

/* The words of the command line that are left */
struct args {
	int n;
	char **v;
};

struct verb {
	const char *name;
	int (*run)(struct args *args);
	const char *usage;	/* what follows the name; NULL: not listed */
};

extern const struct verb map_verbs[];

int run_verb(const struct verb *verbs, const char *noun, struct args *args);

__attribute__((format(printf, 1, 2))) int trouble(const char *fmt, ...);
__attribute__((format(printf, 1, 2))) void note(const char *fmt, ...);
int usage_error(const struct args *args, const char *expected);
const char *error_text(int err);

void *xalloc(size_t count, size_t size);

/* --- parse.c --- */

/**
 * struct map - an open map
 * @fd: its descriptor
 * @info: what it is
 * @cpus: how many values an element has
 * @stride: bytes from one CPU's value to the next
 * @value_bytes: bytes of an element's values, as the kernel transfers them
 */
struct map {
	int fd;
	struct bpfmap_info info;
	unsigned int cpus;
	size_t stride;
	size_t value_bytes;
};

bool is_word(const char *arg, const char *word);
bool take_word(struct args *args, const char *word);
const char *take(struct args *args, const char *what);
int no_more(const struct args *args);
int take_number(struct args *args, const char *what, uint64_t max,
		uint64_t *number);
int take_u32(struct args *args, const char *what, uint32_t *number);
int take_seconds(struct args *args, double *seconds);

bool type_is_percpu(uint32_t type);
bool type_is_outer(uint32_t type);
bool type_is_array(uint32_t type);
bool type_has_indexes(uint32_t type);
bool type_is_lru(uint32_t type);
int type_from_name(const char *name);
const char *type_name(uint32_t type);

int map_init(struct map *map, int fd);
void map_close(struct map *map);
/* For open_flags: all that a pin permits; of an id or name, reading and writing */
#define OPEN_MOST	UINT32_MAX

int take_map(struct args *args, uint32_t open_flags, struct map *map);
int take_maps(struct args *args, uint32_t open_flags, struct map **maps,
	      size_t *count);

/**
 * struct element - key, value and flags of the command line
 * @key: key_size bytes, or NULL in a map without keys
 * @value: value_bytes
 * @flags: BPFMAP_F_*
 * @inner: for maps of maps, the map that @value is a descriptor of
 * @has_key: was given
 * @has_value: was given
 */
struct element {
	void *key;
	void *value;
	uint64_t flags;
	struct map inner;
	bool has_key;
	bool has_value;
};

#define WANT_KEY	1
#define WANT_VALUE	2
#define WANT_FLAGS	4	/* any, noexist, exist */
#define WANT_CPU	8

int take_element(struct args *args, const struct map *map, unsigned int want,
		 struct element *elem);
void element_free(struct element *elem);

/* --- data.c --- */

int take_data(struct args *args, const char *what, const struct map *map,
	      void *data, size_t size);
int parse_hex_part(const char *hex, void *data, size_t size);
int parse_hex(const char *hex, void *data, size_t size);

/* --- map.c --- */

int pin_map(int fd, const char *path);

/* Why a map cannot be in a map of maps */
#define NOT_ALIKE "it differs in type, sizes or flags from the map that was the inner_map at creation"

/* --- refused.c --- */

/* A map that was asked for */
struct wanted {
	uint32_t type;
	const char *name;
	uint32_t key_size;
	uint32_t value_size;
	uint32_t max_entries;
	const struct bpfmap_create_opts *opts;
};

const char *a_type(uint32_t type);
int create_trouble(int err, const struct wanted *want);

/* --- text.c --- */

char *printable(const char *text);
void put_text(const char *text);
struct json_object *json_text(const char *text);
struct json_object *json_text_bytes(const char *text);
void json_add_text(struct json_object *obj, const char *name, const char *text);
int name_from_json(char *name, const char *text);

/* --- print.c --- */

void json_emit(struct json_object *obj);
void json_begin(void);
void json_item(struct json_object *obj);
void json_end(void);
void json_null(void);
bool json_started(void);
struct json_object *json_bytes(const void *data, size_t size);
char *format_hex(char *to, const void *data, size_t size);
struct json_object *json_element(const struct map *map, const void *key,
				 const void *value);
void print_hex(const void *data, size_t size);
void print_element(const struct map *map, const void *key, const void *value);
void print_header(const struct map *map);
struct json_object *json_header(const struct map *map);

/* --- walk.c --- */

/**
 * struct walk - the elements of a map, many at a time
 * @map: the map
 * @keys: @count keys
 * @values: @count times value_bytes
 * @count: elements that walk_next() got
 * @restarts: how often a deleted key made it begin again, as far as it can tell
 */
struct walk {
	const struct map *map;
	unsigned char *keys;
	unsigned char *values;
	uint32_t count;
	uint32_t restarts;

	/* private: */
	uint32_t room;
	void *cursor;
	void *first;		/* for a key to compare with */
	uint64_t flags;
	bool started;
	bool done;
	bool single;
	bool unsure;		/* may begin again and not say so */
};

int walk_start(struct walk *walk, const struct map *map);
int walk_next(struct walk *walk);
void walk_end(struct walk *walk);
const void *walk_key(const struct walk *walk, uint32_t i);
const void *walk_value(const struct walk *walk, uint32_t i);
void walk_note(uint32_t restarts);
void walk_note_json(uint32_t restarts, struct json_object *obj);
int count_elements(const struct map *map, uint64_t *count, uint32_t *restarts);
uint32_t batch_room(const struct map *map);

/* --- progress.c --- */

void progress_begin(const char *what, uint64_t total);
void progress_add(uint64_t n);
void progress_end(void);
double now(void);

/* --- stream.c: a saved map --- */

struct saved {
	uint32_t type;
	uint32_t key_size;
	uint32_t value_size;
	uint32_t max_entries;
	uint32_t flags;
	uint32_t cpus;		/* 0 where elements have one value */
	uint32_t frozen;
	uint64_t map_extra;
	char name[BPFMAP_NAME_LEN];
};

/**
 * struct stream - a saved map that is written or read
 * @file: where
 * @name: what to call it in messages
 * @binary: not JSON lines
 * @saved: what the map is
 * @elements: so far
 * @restarts: of the walk that gave them
 *
 * Elements have the layout that the kernel transfers.
 */
struct stream {
	FILE *file;
	const char *name;
	bool binary;
	struct saved saved;
	uint64_t elements;
	uint32_t restarts;

	/* private: */
	uint64_t sum;
	uint32_t in_block;
	uint64_t line;
	char *text;
	size_t text_size;
	struct json_tokener *tokener;
};

int stream_open(struct stream *stream, const char *path, bool write);
int stream_close(struct stream *stream, int status);
int stream_write_header(struct stream *stream);
int stream_write(struct stream *stream, const unsigned char *keys,
		 const unsigned char *values, uint32_t count);
int stream_write_end(struct stream *stream);
int stream_read_header(struct stream *stream);
/* 1: an element, 0: the end, negative: an error that was reported */
int stream_read(struct stream *stream, unsigned char *key,
		unsigned char *value);
size_t saved_stride(const struct saved *saved);
size_t saved_values(const struct saved *saved);

/* --- transfer.c --- */

int load_map(const char *path, struct map *map);

/* --- verbs --- */

int verb_show(struct args *args);		/* show.c */
int verb_create(struct args *args);		/* map.c */
int verb_pin(struct args *args);
int verb_freeze(struct args *args);
int verb_update(struct args *args);		/* element.c */
int verb_lookup(struct args *args);
int verb_getnext(struct args *args);
int verb_delete(struct args *args);
int verb_peek(struct args *args);
int verb_pop(struct args *args);
int verb_dump(struct args *args);		/* dump.c */
int verb_count(struct args *args);
int verb_clear(struct args *args);		/* clear.c */
int verb_export(struct args *args);		/* transfer.c */
int verb_import(struct args *args);
int verb_diff(struct args *args);		/* diff.c */
int verb_top(struct args *args);		/* top.c */
int verb_event_pipe(struct args *args);	/* event_pipe.c */

#endif /* BPFMAP_CLI_H */
