// SPDX-License-Identifier: GPL-2.0-only
/*
 * Text that others have chosen: names of maps, paths, words in messages
 *
 * The bytes may have any encoding or none. A terminal must not interpret them,
 * and JSON must be UTF-8. Text that is not UTF-8 is taken for Latin-1, as the
 * kernel does with names, which cannot hold UTF-8 beyond ASCII.
 */
#include <stdlib.h>
#include <string.h>

#include "cli.h"

/* The character at @text and how many bytes it has; 0 if it is no UTF-8 */
static unsigned int get_utf8(const char *text, uint32_t *character)
{
	static const uint32_t first[] = { 0, 0, 0x80, 0x800, 0x10000 };
	const unsigned char *byte = (const unsigned char *)text;
	unsigned int len;

	len = *byte < 0x80 ? 1 : *byte < 0xc0 ? 0 : *byte < 0xe0 ? 2 :
	      *byte < 0xf0 ? 3 : *byte < 0xf8 ? 4 : 0;
	*character = len < 2 ? *byte : *byte & (0x7f >> len);
	for (unsigned int i = 1; i < len; i++) {
		if ((byte[i] & 0xc0) != 0x80)
			return 0;
		*character = *character << 6 | (byte[i] & 0x3f);
	}
	if (*character < first[len] || *character > 0x10ffff ||
	    (*character & 0xfffff800) == 0xd800)
		return 0;
	return len;
}

static bool is_utf8(const char *text)
{
	uint32_t character;
	unsigned int len;

	for (; *text; text += len) {
		len = get_utf8(text, &character);
		if (!len)
			return false;
	}
	return true;
}

static bool is_control(uint32_t character)
{
	return character < 0x20 || (character >= 0x7f && character < 0xa0);
}

/**
 * printable() - text for a terminal
 * @text: any bytes
 *
 * Bytes that are not UTF-8, and control characters, become \xNN. To be freed.
 */
char *printable(const char *text)
{
	char *line = xalloc(4 * strlen(text) + 1, 1), *to = line;
	uint32_t character;
	unsigned int len;

	while (*text) {
		len = get_utf8(text, &character);
		if (len && !is_control(character)) {
			memcpy(to, text, len);
			to += len;
			text += len;
			continue;
		}
		for (len += !len; len; len--)
			to += sprintf(to, "\\x%02x", (unsigned char)*text++);
	}
	return line;
}

void put_text(const char *text)
{
	char *line = printable(text);

	fputs(line, stdout);
	free(line);
}

static int print_escaped(struct printbuf *to, uint32_t character)
{
	char text[16];
	int len;

	if (character == '"' || character == '\\')
		len = sprintf(text, "\\%c", (char)character);
	else if (character >= 0x20 && character < 0x7f)
		len = sprintf(text, "%c", (char)character);
	else if (character < 0x10000)
		len = sprintf(text, "\\u%04x", character);
	else
		len = sprintf(text, "\\u%04x\\u%04x",
			      0xd800 + ((character - 0x10000) >> 10),
			      0xdc00 + (character & 0x3ff));
	return printbuf_memappend(to, text, len);
}

/* json-c's own would copy the bytes as they are */
static int print_string(struct json_object *obj, struct printbuf *to, int level,
			int flags)
{
	const char *text = json_object_get_string(obj);
	bool utf8 = is_utf8(text);
	uint32_t character;
	unsigned int len;

	(void)level;
	(void)flags;
	printbuf_memappend(to, "\"", 1);
	for (; *text; text += len) {
		character = (unsigned char)*text;
		len = utf8 ? get_utf8(text, &character) : 1;
		print_escaped(to, character);
	}
	return printbuf_memappend(to, "\"", 1);
}

/* A JSON string of ASCII only, with escapes for all else */
struct json_object *json_text(const char *text)
{
	struct json_object *obj = json_object_new_string(text);

	json_object_set_serializer(obj, print_string, NULL, NULL);
	return obj;
}

/* NULL if the text is UTF-8: then json_text() shows all of it */
struct json_object *json_text_bytes(const char *text)
{
	struct json_object *obj;
	char *hex;

	if (is_utf8(text))
		return NULL;
	hex = xalloc(2 * strlen(text) + 1, 1);
	format_hex(hex, text, strlen(text));
	obj = json_object_new_string(hex);
	free(hex);
	return obj;
}

/* A member, and if the text is no UTF-8 its bytes as the member NAME_hex */
void json_add_text(struct json_object *obj, const char *name, const char *text)
{
	struct json_object *bytes = json_text_bytes(text);
	char twin[64];

	json_object_object_add(obj, name, json_text(text));
	if (!bytes)
		return;
	snprintf(twin, sizeof(twin), "%s_hex", name);
	json_object_object_add(obj, twin, bytes);
}

/**
 * name_from_json() - bytes of a name that json_text() wrote
 * @name: BPFMAP_NAME_LEN bytes
 * @text: UTF-8, or, as older versions wrote it, the bytes themselves
 *
 * Return: 0, or -1 if no name is like that.
 */
int name_from_json(char *name, const char *text)
{
	bool utf8 = is_utf8(text);
	uint32_t character;
	unsigned int len;
	size_t used = 0;

	for (; *text; text += len) {
		character = (unsigned char)*text;
		len = utf8 ? get_utf8(text, &character) : 1;
		if (character > 0xff || used == BPFMAP_NAME_LEN - 1)
			return -1;
		name[used++] = (char)character;
	}
	name[used] = '\0';
	return 0;
}
