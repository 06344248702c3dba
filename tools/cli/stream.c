// SPDX-License-Identifier: GPL-2.0-only
/*
 * Saved maps, in one of two forms:
 *
 * JSON lines	a header {"bpfmap":1,"type":...}, a line with key and value(s)
 *		in hexadecimal for each element, and {"elements":N} at the end
 * binary	struct header, then for each block the number of elements in it
 *		and their keys and values by turns; a block of 0 elements, how
 *		many there were, and the FNV-1a hash of all bytes before it
 *
 * Per-CPU values have no padding in either. Numbers of the form itself are
 * little endian; keys and values are what the machine had.
 */
#include <endian.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli.h"

#define MAGIC	"\211bpfmap\n"	/* no text, and spoilt by CR LF */
#define FORM	1

struct header {
	char magic[8];
	uint32_t form;
	uint32_t type;
	uint32_t key_size;
	uint32_t value_size;
	uint32_t max_entries;
	uint32_t flags;
	uint32_t cpus;
	uint32_t frozen;
	uint64_t map_extra;
	char name[BPFMAP_NAME_LEN];
};

_Static_assert(sizeof(struct header) == 64, "part of the form");

size_t saved_stride(const struct saved *saved)
{
	size_t size = saved->value_size;

	return saved->cpus ? (size + 7) & ~(size_t)7 : size;
}

/* Bytes of an element's values, as the kernel transfers them */
size_t saved_values(const struct saved *saved)
{
	return saved_stride(saved) * (saved->cpus ? saved->cpus : 1);
}

int stream_open(struct stream *stream, const char *path, bool write)
{
	bool standard = !path || !strcmp(path, "-");

	stream->name = !standard ? path :
		       write ? "standard output" : "standard input";
	stream->sum = 0xcbf29ce484222325;
	if (standard)
		stream->file = write ? stdout : stdin;
	else
		stream->file = fopen(path, write ? "we" : "re");
	if (!stream->file)
		return trouble("%s: %s", path, strerror(errno));
	if (!write)
		stream->tokener = json_tokener_new();
	return 0;
}

/* A file that could not be written to its end is no success */
int stream_close(struct stream *stream, int status)
{
	FILE *file = stream->file;

	if (stream->tokener)
		json_tokener_free(stream->tokener);
	free(stream->text);
	if (!file || file == stdin)
		return status;
	if (!status && (fflush(file) || ferror(file)))
		status = trouble("%s: %s", stream->name, strerror(errno));
	if (file != stdout && fclose(file) && !status)
		status = trouble("%s: %s", stream->name, strerror(errno));
	return status;
}

static void add_sum(struct stream *stream, const void *data, size_t size)
{
	const unsigned char *byte = data;
	uint64_t sum = stream->sum;

	for (size_t i = 0; i < size; i++)
		sum = (sum ^ byte[i]) * 0x100000001b3;
	stream->sum = sum;
}

static void put(struct stream *stream, const void *data, size_t size)
{
	add_sum(stream, data, size);
	fwrite(data, 1, size, stream->file);
}

static int get(struct stream *stream, void *data, size_t size)
{
	if (fread(data, 1, size, stream->file) != size)
		return trouble("%s: %s", stream->name,
			       ferror(stream->file) ? strerror(errno) :
						      "ends too early");
	add_sum(stream, data, size);
	return 0;
}

static int put_json(struct stream *stream, struct json_object *obj)
{
	fputs(json_object_to_json_string_ext(obj, JSON_C_TO_STRING_PLAIN),
	      stream->file);
	json_object_put(obj);
	if (fputc('\n', stream->file) == EOF)
		return trouble("%s: %s", stream->name, strerror(errno));
	return 0;
}

static void add_number(struct json_object *obj, const char *name,
		       uint64_t number)
{
	json_object_object_add(obj, name, json_object_new_uint64(number));
}

static int write_json_header(struct stream *stream)
{
	const struct saved *saved = &stream->saved;
	struct json_object *obj = json_object_new_object();

	add_number(obj, "bpfmap", FORM);
	json_object_object_add(obj, "type",
			       json_object_new_string(type_name(saved->type)));
	json_add_text(obj, "name", saved->name);
	add_number(obj, "key_size", saved->key_size);
	add_number(obj, "value_size", saved->value_size);
	add_number(obj, "max_entries", saved->max_entries);
	add_number(obj, "flags", saved->flags);
	add_number(obj, "map_extra", saved->map_extra);
	add_number(obj, "frozen", saved->frozen);
	add_number(obj, "cpus", saved->cpus);
	return put_json(stream, obj);
}

/* Room for the line of an element: two digits for a byte, and what is around */
static void make_room(struct stream *stream)
{
	const struct saved *saved = &stream->saved;
	size_t values = saved->cpus ? saved->cpus : 1;

	stream->text_size = 64 + 2 * (size_t)saved->key_size +
			    values * (2 * (size_t)saved->value_size + 3);
	stream->text = xalloc(stream->text_size, 1);
}

int stream_write_header(struct stream *stream)
{
	const struct saved *saved = &stream->saved;
	struct header header = {
		.magic = MAGIC,
		.form = htole32(FORM),
		.type = htole32(saved->type),
		.key_size = htole32(saved->key_size),
		.value_size = htole32(saved->value_size),
		.max_entries = htole32(saved->max_entries),
		.flags = htole32(saved->flags),
		.cpus = htole32(saved->cpus),
		.frozen = htole32(saved->frozen),
		.map_extra = htole64(saved->map_extra),
	};

	if (!stream->binary) {
		make_room(stream);
		return write_json_header(stream);
	}
	memcpy(header.name, saved->name, sizeof(header.name));
	put(stream, &header, sizeof(header));
	return 0;
}

static char *add_text(char *to, const char *text)
{
	size_t len = strlen(text);

	memcpy(to, text, len);
	return to + len;
}

/* As json-c would write it, but these lines are many */
static void write_json_element(struct stream *stream, const unsigned char *key,
			       const unsigned char *value)
{
	const struct saved *saved = &stream->saved;
	char *to = add_text(stream->text, "{");

	if (saved->key_size) {
		to = add_text(to, "\"key\":\"");
		to = format_hex(to, key, saved->key_size);
		to = add_text(to, "\",");
	}
	to = add_text(to, saved->cpus ? "\"values\":[" : "\"value\":");
	for (uint32_t cpu = 0; !cpu || cpu < saved->cpus; cpu++) {
		to = add_text(to, cpu ? ",\"" : "\"");
		to = format_hex(to, value + cpu * saved_stride(saved),
				saved->value_size);
		to = add_text(to, "\"");
	}
	to = add_text(to, saved->cpus ? "]}\n" : "}\n");
	fwrite(stream->text, 1, to - stream->text, stream->file);
}

static void write_binary_element(struct stream *stream,
				 const unsigned char *key,
				 const unsigned char *value)
{
	const struct saved *saved = &stream->saved;
	uint32_t cpu = 0;

	put(stream, key, saved->key_size);
	do {
		put(stream, value + cpu * saved_stride(saved),
		    saved->value_size);
	} while (++cpu < saved->cpus);
}

int stream_write(struct stream *stream, const unsigned char *keys,
		 const unsigned char *values, uint32_t count)
{
	const struct saved *saved = &stream->saved;
	size_t values_size = saved_values(saved);
	uint32_t number = htole32(count);

	if (stream->binary)
		put(stream, &number, sizeof(number));
	for (uint32_t i = 0; i < count; i++) {
		const unsigned char *key = keys + (size_t)i * saved->key_size;
		const unsigned char *value = values + i * values_size;

		if (stream->binary)
			write_binary_element(stream, key, value);
		else
			write_json_element(stream, key, value);
	}
	stream->elements += count;
	if (ferror(stream->file))
		return trouble("%s: %s", stream->name, strerror(errno));
	return 0;
}

int stream_write_end(struct stream *stream)
{
	uint64_t total = htole64(stream->elements), sum;
	struct json_object *obj;
	uint32_t none = 0;

	if (!stream->binary) {
		obj = json_object_new_object();
		add_number(obj, "elements", stream->elements);
		walk_note_json(stream->restarts, obj);
		return put_json(stream, obj);
	}
	put(stream, &none, sizeof(none));
	put(stream, &total, sizeof(total));
	sum = htole64(stream->sum);
	put(stream, &sum, sizeof(sum));
	return 0;
}

/* --- reading --- */

static ssize_t get_line(struct stream *stream)
{
	ssize_t len = getline(&stream->text, &stream->text_size, stream->file);

	stream->line++;
	if (len < 0)
		trouble("%s: %s", stream->name, ferror(stream->file) ?
			strerror(errno) : "ends too early");
	return len;
}

/* The line that was read, as an object to be put; NULL after a message */
static struct json_object *parse_line(struct stream *stream, ssize_t len)
{
	struct json_object *obj;

	if (len < 0)
		return NULL;
	json_tokener_reset(stream->tokener);
	obj = json_tokener_parse_ex(stream->tokener, stream->text, len);
	if (!obj || !json_object_is_type(obj, json_type_object)) {
		json_object_put(obj);
		trouble("%s:%llu: no JSON object", stream->name,
			(unsigned long long)stream->line);
		return NULL;
	}
	return obj;
}

static int bad_line(const struct stream *stream, const char *what)
{
	return trouble("%s:%llu: %s is missing or wrong", stream->name,
		       (unsigned long long)stream->line, what);
}

static int get_number(const struct stream *stream, struct json_object *obj,
		      const char *name, uint64_t max, uint64_t *number)
{
	struct json_object *member;

	if (!json_object_object_get_ex(obj, name, &member) ||
	    !json_object_is_type(member, json_type_int) ||
	    json_object_get_int64(member) < 0)
		return bad_line(stream, name);
	*number = json_object_get_uint64(member);
	return *number > max ? bad_line(stream, name) : 0;
}

static int get_u32(const struct stream *stream, struct json_object *obj,
		   const char *name, uint32_t *number)
{
	uint64_t wide;

	if (get_number(stream, obj, name, UINT32_MAX, &wide))
		return TROUBLE;
	*number = wide;
	return 0;
}

static const char *get_string(struct json_object *obj, const char *name)
{
	struct json_object *member;

	if (!json_object_object_get_ex(obj, name, &member) ||
	    !json_object_is_type(member, json_type_string))
		return NULL;
	return json_object_get_string(member);
}

static int parse_json_header(struct stream *stream, struct json_object *obj)
{
	struct saved *saved = &stream->saved;
	const char *type = get_string(obj, "type");
	const char *name = get_string(obj, "name");
	uint64_t form;
	int known;

	if (get_number(stream, obj, "bpfmap", FORM, &form))
		return TROUBLE;
	known = type ? type_from_name(type) : -1;
	if (known < 0)
		return bad_line(stream, "type");
	if (!name || name_from_json(saved->name, name))
		return bad_line(stream, "name");
	saved->type = known;
	if (get_u32(stream, obj, "key_size", &saved->key_size) ||
	    get_u32(stream, obj, "value_size", &saved->value_size) ||
	    get_u32(stream, obj, "max_entries", &saved->max_entries) ||
	    get_u32(stream, obj, "flags", &saved->flags) ||
	    get_u32(stream, obj, "frozen", &saved->frozen) ||
	    get_u32(stream, obj, "cpus", &saved->cpus) ||
	    get_number(stream, obj, "map_extra", UINT64_MAX, &saved->map_extra))
		return TROUBLE;
	return 0;
}

static int read_binary_header(struct stream *stream)
{
	struct saved *saved = &stream->saved;
	struct header header;

	if (get(stream, &header, sizeof(header)))
		return TROUBLE;
	if (memcmp(header.magic, MAGIC, sizeof(header.magic)) ||
	    le32toh(header.form) != FORM ||
	    !memchr(header.name, 0, sizeof(header.name)))
		return trouble("%s: not a saved map of this form", stream->name);
	saved->type = le32toh(header.type);
	saved->key_size = le32toh(header.key_size);
	saved->value_size = le32toh(header.value_size);
	saved->max_entries = le32toh(header.max_entries);
	saved->flags = le32toh(header.flags);
	saved->cpus = le32toh(header.cpus);
	saved->frozen = le32toh(header.frozen);
	saved->map_extra = le64toh(header.map_extra);
	memcpy(saved->name, header.name, sizeof(saved->name));
	return 0;
}

/* The sizes decide how much is allocated: the kernel's limits are far below */
static int check_saved(const struct stream *stream)
{
	const struct saved *saved = &stream->saved;
	bool percpu = type_is_percpu(saved->type);

	if (saved->key_size > 1 << 24 || saved->value_size > 1 << 24 ||
	    saved->cpus > 1 << 16 || saved_values(saved) > 1 << 30 ||
	    percpu != !!saved->cpus)
		return trouble("%s: the sizes in it make no sense",
			       stream->name);
	return 0;
}

int stream_read_header(struct stream *stream)
{
	struct json_object *obj;
	int status, first = fgetc(stream->file);

	if (first == EOF)
		return trouble("%s: there is nothing in it", stream->name);
	ungetc(first, stream->file);
	stream->binary = first == (unsigned char)MAGIC[0];
	if (stream->binary) {
		status = read_binary_header(stream);
	} else {
		obj = parse_line(stream, get_line(stream));
		if (!obj)
			return TROUBLE;
		status = parse_json_header(stream, obj);
		json_object_put(obj);
	}
	return status ? status : check_saved(stream);
}

static int parse_values(const struct stream *stream, struct json_object *obj,
			unsigned char *value)
{
	const struct saved *saved = &stream->saved;
	struct json_object *array, *item;

	if (!json_object_object_get_ex(obj, "values", &array) ||
	    !json_object_is_type(array, json_type_array) ||
	    json_object_array_length(array) != saved->cpus)
		return bad_line(stream, "values");
	for (uint32_t cpu = 0; cpu < saved->cpus; cpu++) {
		item = json_object_array_get_idx(array, cpu);
		if (!json_object_is_type(item, json_type_string) ||
		    parse_hex(json_object_get_string(item),
			      value + cpu * saved_stride(saved),
			      saved->value_size))
			return bad_line(stream, "values");
	}
	return 0;
}

static int parse_element(const struct stream *stream, struct json_object *obj,
			 unsigned char *key, unsigned char *value)
{
	const struct saved *saved = &stream->saved;
	const char *text;

	if (saved->key_size) {
		text = get_string(obj, "key");
		if (!text || parse_hex(text, key, saved->key_size))
			return bad_line(stream, "key");
	}
	if (saved->cpus)
		return parse_values(stream, obj, value);
	text = get_string(obj, "value");
	if (!text || parse_hex(text, value, saved->value_size))
		return bad_line(stream, "value");
	return 0;
}

static bool skip(const char **at, const char *text)
{
	size_t len = strlen(text);

	if (strncmp(*at, text, len))
		return false;
	*at += len;
	return true;
}

static bool skip_hex(const char **at, void *data, size_t size)
{
	if (!skip(at, "\"") || parse_hex_part(*at, data, size))
		return false;
	*at += 2 * size;
	return skip(at, "\"");
}

/* Is the line to the letter what write_json_element() makes? That is quick */
static bool parse_own_line(const struct stream *stream, unsigned char *key,
			   unsigned char *value)
{
	const struct saved *saved = &stream->saved;
	const char *at = stream->text;

	if (!skip(&at, "{"))
		return false;
	if (saved->key_size && !(skip(&at, "\"key\":") &&
				 skip_hex(&at, key, saved->key_size) &&
				 skip(&at, ",")))
		return false;
	if (!skip(&at, saved->cpus ? "\"values\":[" : "\"value\":"))
		return false;
	for (uint32_t cpu = 0; !cpu || cpu < saved->cpus; cpu++)
		if ((cpu && !skip(&at, ",")) ||
		    !skip_hex(&at, value + cpu * saved_stride(saved),
			      saved->value_size))
			return false;
	return skip(&at, saved->cpus ? "]}\n" : "}\n") && !*at;
}

static int read_json(struct stream *stream, unsigned char *key,
		     unsigned char *value)
{
	ssize_t len = get_line(stream);
	struct json_object *obj;
	uint64_t total;
	int status;

	if (len >= 0 && parse_own_line(stream, key, value))
		return 1;
	obj = parse_line(stream, len);
	if (!obj)
		return -1;
	if (json_object_object_get_ex(obj, "elements", NULL)) {
		status = get_number(stream, obj, "elements", UINT64_MAX, &total);
		if (!status && total != stream->elements)
			status = trouble("%s: %llu elements, not the %llu that were saved",
					 stream->name,
					 (unsigned long long)stream->elements,
					 (unsigned long long)total);
		json_object_put(obj);
		return status ? -1 : 0;
	}
	status = parse_element(stream, obj, key, value);
	json_object_put(obj);
	return status ? -1 : 1;
}

static int read_binary_end(struct stream *stream)
{
	uint64_t total, sum, expected;

	if (get(stream, &total, sizeof(total)))
		return -1;
	expected = stream->sum;
	if (get(stream, &sum, sizeof(sum)))
		return -1;
	if (le64toh(total) != stream->elements || le64toh(sum) != expected) {
		trouble("%s: damaged", stream->name);
		return -1;
	}
	return 0;
}

static int read_binary(struct stream *stream, unsigned char *key,
		       unsigned char *value)
{
	const struct saved *saved = &stream->saved;
	uint32_t count, cpu = 0;

	if (!stream->in_block) {
		if (get(stream, &count, sizeof(count)))
			return -1;
		stream->in_block = le32toh(count);
		if (!stream->in_block)
			return read_binary_end(stream);
	}
	stream->in_block--;
	if (get(stream, key, saved->key_size))
		return -1;
	do {
		if (get(stream, value + cpu * saved_stride(saved),
			saved->value_size))
			return -1;
	} while (++cpu < saved->cpus);
	return 1;
}

int stream_read(struct stream *stream, unsigned char *key, unsigned char *value)
{
	int got = stream->binary ? read_binary(stream, key, value) :
				   read_json(stream, key, value);

	stream->elements += got == 1;
	return got;
}
