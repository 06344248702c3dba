// SPDX-License-Identifier: GPL-2.0-only
/*
 * json_pick [POINTER...] - for shell scripts: is what comes in one JSON value,
 * by the letter? Prints the values at the JSON pointers (RFC 6901), a line each.
 */
#include <stdio.h>
#include <stdlib.h>
#include <json-c/json.h>

static char *read_all(size_t *size)
{
	size_t room = 1 << 16, got;
	char *text = malloc(room);

	for (*size = 0; text; *size += got) {
		if (*size + 1 == room)
			text = realloc(text, room *= 2);
		if (!text)
			break;
		got = fread(text + *size, 1, room - 1 - *size, stdin);
		if (!got)
			break;
	}
	if (text)
		text[*size] = '\0';
	return text;
}

int main(int argc, char **argv)
{
	struct json_tokener *tokener = json_tokener_new();
	enum json_tokener_error error;
	struct json_object *all, *one;
	const int flags = JSON_C_TO_STRING_NOSLASHESCAPE;
	size_t size;
	char *text = read_all(&size);

	if (!text || !tokener)
		return 2;
	/* Strict also about what follows the value; the NUL is its end */
	json_tokener_set_flags(tokener, JSON_TOKENER_STRICT |
				JSON_TOKENER_VALIDATE_UTF8);
	all = json_tokener_parse_ex(tokener, text, size + 1);
	if (json_tokener_get_error(tokener) != json_tokener_success) {
		error = json_tokener_get_error(tokener);
		fprintf(stderr, "json_pick: %s\n",
			json_tokener_error_desc(error));
		return 1;
	}
	for (int i = 1; i < argc; i++) {
		if (json_pointer_get(all, argv[i], &one)) {
			fprintf(stderr, "json_pick: no %s\n", argv[i]);
			return 1;
		}
		puts(json_object_to_json_string_ext(one, flags));
	}
	return 0;
}
