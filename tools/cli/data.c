// SPDX-License-Identifier: GPL-2.0-only
/*
 * Keys and values on the command line: bytes, or numbers, text and addresses
 * that are stored one after the other without padding
 */
#include <arpa/inet.h>
#include <endian.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "cli.h"

/**
 * struct room - where the next piece goes
 * @what: "key" or "value"
 * @at: next byte
 * @left: bytes that are still to come
 * @prefix: of a trie's key: wants a length in front of an address
 */
struct room {
	const char *what;
	unsigned char *at;
	size_t left;
	bool prefix;
};

static int put(struct room *room, const void *data, size_t size)
{
	if (size > room->left)
		return trouble("%s: %zu bytes do not fit into the %zu that are left",
			       room->what, size, room->left);
	memcpy(room->at, data, size);
	room->at += size;
	room->left -= size;
	return 0;
}

static int parse_integer(const char *word, unsigned int bits, bool is_signed,
			 uint64_t *number)
{
	uint64_t max = is_signed ? (1ULL << (bits - 1)) - 1 :
		       bits == 64 ? UINT64_MAX : (1ULL << bits) - 1;
	bool minus = *word == '-';
	char *end;

	errno = 0;
	*number = strtoull(word + minus, &end, 0);
	if (end == word + minus || *end || word[minus] == '-')
		return trouble("'%s' is no number", word);
	if (minus && !is_signed && *number)
		return trouble("%s is below 0", word);
	if (errno || *number > max + (minus && is_signed))
		return trouble("%s does not fit into %u bits", word, bits);
	if (minus)
		*number = -*number;
	return 0;
}

static int put_integer(struct room *room, const char *word, unsigned int bits,
		       bool is_signed, bool big)
{
	unsigned char bytes[8];
	unsigned int size = bits / 8;
	uint64_t number;

	if (parse_integer(word, bits, is_signed, &number))
		return TROUBLE;
	number = big ? htobe64(number << (64 - bits)) :
		       __BYTE_ORDER == __LITTLE_ENDIAN ? number :
		       number << (64 - bits);
	memcpy(bytes, &number, sizeof(bytes));
	return put(room, bytes, size);
}

static int put_string(struct room *room, const char *word)
{
	size_t len = strlen(word);

	/* The rest is zero already */
	if (put(room, word, len))
		return TROUBLE;
	room->at += room->left;
	room->left = 0;
	return 0;
}

/* "10.0.0.0/8": in a trie, the length comes first; elsewhere there is none */
static int put_address(struct room *room, const char *word, int family)
{
	uint32_t bits = family == AF_INET ? 32 : 128;
	unsigned char address[16];
	char copy[64], *slash, *end;

	if (strlen(word) >= sizeof(copy))
		return trouble("'%s' is no address", word);
	strcpy(copy, word);
	slash = strchr(copy, '/');
	if (slash) {
		*slash++ = '\0';
		errno = 0;
		bits = strtoul(slash, &end, 10);
		if (end == slash || *end || errno || strchr(slash, '-') ||
		    bits > (family == AF_INET ? 32 : 128))
			return trouble("'%s' is no length of a prefix", slash);
		if (!room->prefix)
			return trouble("%s: a prefix is a key of tries only",
				       word);
	}
	if (inet_pton(family, copy, address) != 1)
		return trouble("'%s' is no %s address", copy,
			       family == AF_INET ? "IPv4" : "IPv6");
	if (room->prefix && put(room, &bits, sizeof(bits)))
		return TROUBLE;
	return put(room, address, family == AF_INET ? 4 : 16);
}

static int put_ip(struct room *room, const char *word)
{
	return put_address(room, word, AF_INET);
}

static int put_ip6(struct room *room, const char *word)
{
	return put_address(room, word, AF_INET6);
}

static int put_mac(struct room *room, const char *word)
{
	unsigned int part[6];
	unsigned char bytes[6];
	int end = 0;

	if (sscanf(word, "%2x:%2x:%2x:%2x:%2x:%2x%n", &part[0], &part[1],
		   &part[2], &part[3], &part[4], &part[5], &end) != 6 ||
	    word[end])
		return trouble("'%s' is no MAC address", word);
	for (int i = 0; i < 6; i++)
		bytes[i] = part[i];
	return put(room, bytes, sizeof(bytes));
}

static int put_pad(struct room *room, const char *word)
{
	uint64_t size;

	if (parse_integer(word, 32, false, &size))
		return TROUBLE;
	if (size > room->left)
		return trouble("%s: only %zu bytes are left to pad", room->what,
			       room->left);
	room->at += size;
	room->left -= size;
	return 0;
}

/* "@PATH" would be a file's name somewhere: this is what it reads */
static int put_file(struct room *room, const char *path)
{
	FILE *file = fopen(path, "re");
	size_t size;

	if (!file)
		return trouble("%s: %s", path, error_text(errno));
	size = fread(room->at, 1, room->left, file);
	if (size < room->left || fgetc(file) != EOF) {
		fclose(file);
		return trouble("%s does not have the %zu bytes of a %s", path,
			       room->left, room->what);
	}
	fclose(file);
	room->at += size;
	room->left = 0;
	return 0;
}

static const struct {
	const char *name;
	unsigned int bits;	/* of an integer */
	bool is_signed;
	bool big;		/* endian */
	int (*put)(struct room *room, const char *word);
} kinds[] = {
	{ "u8", 8, false, false, NULL },
	{ "u16", 16, false, false, NULL },
	{ "u32", 32, false, false, NULL },
	{ "u64", 64, false, false, NULL },
	{ "s8", 8, true, false, NULL },
	{ "s16", 16, true, false, NULL },
	{ "s32", 32, true, false, NULL },
	{ "s64", 64, true, false, NULL },
	{ "be16", 16, false, true, NULL },
	{ "be32", 32, false, true, NULL },
	{ "be64", 64, false, true, NULL },
	{ "str", 0, false, false, put_string },
	{ "ip", 0, false, false, put_ip },
	{ "ip6", 0, false, false, put_ip6 },
	{ "mac", 0, false, false, put_mac },
	{ "pad", 0, false, false, put_pad },
	{ "file", 0, false, false, put_file },
};

static int find_kind(const char *word)
{
	for (size_t i = 0; i < ARRAY_SIZE(kinds); i++)
		if (!strcmp(kinds[i].name, word))
			return i;
	return -1;
}

static int take_kind(struct args *args, struct room *room, int kind)
{
	const char *word;

	args->n--;
	args->v++;
	word = take(args, "data");
	if (!word)
		return TROUBLE;
	if (kinds[kind].put)
		return kinds[kind].put(room, word);
	return put_integer(room, word, kinds[kind].bits, kinds[kind].is_signed,
			   kinds[kind].big);
}

static int take_byte(struct args *args, struct room *room, int base)
{
	const char *word = args->v[0];
	unsigned long number;
	unsigned char byte;
	char *end;

	errno = 0;
	number = strtoul(word, &end, base);
	if (end == word || *end || *word == '-')
		return trouble("%s: '%s' is no byte, and %zu more bytes are needed",
			       room->what, word, room->left);
	if (errno || number > 255)
		return trouble("%s: %s is more than a byte", room->what, word);
	byte = number;
	args->n--;
	args->v++;
	return put(room, &byte, 1);
}

/**
 * take_data() - as many words as make @size bytes
 * @args: words
 * @what: "key" or "value"
 * @map: the map that they are for
 * @data: where they go; is zeroed first
 * @size: how many there must be
 *
 * Return: 0, or TROUBLE after a message.
 */
int take_data(struct args *args, const char *what, const struct map *map,
	      void *data, size_t size)
{
	struct room room = {
		.what = what,
		.at = data,
		.left = size,
		.prefix = map->info.type == BPFMAP_TYPE_LPM_TRIE &&
			  *what == 'k',
	};
	int kind, status, base = 0;

	memset(data, 0, size);
	if (take_word(args, "hex"))
		base = 16;
	while (room.left) {
		if (!args->n)
			return trouble("%s: %zu of %zu bytes are missing", what,
				       room.left, size);
		kind = base ? -1 : find_kind(args->v[0]);
		status = kind < 0 ? take_byte(args, &room, base) :
				    take_kind(args, &room, kind);
		if (status)
			return status;
	}
	return 0;
}

/* One more than the value of a digit; 0 for other characters */
static const unsigned char hex_digits[256] = {
	['0'] = 1, ['1'] = 2, ['2'] = 3, ['3'] = 4, ['4'] = 5, ['5'] = 6,
	['6'] = 7, ['7'] = 8, ['8'] = 9, ['9'] = 10,
	['A'] = 11, ['B'] = 12, ['C'] = 13, ['D'] = 14, ['E'] = 15, ['F'] = 16,
	['a'] = 11, ['b'] = 12, ['c'] = 13, ['d'] = 14, ['e'] = 15, ['f'] = 16,
};

/* The first digits of @hex make @size bytes: 0, or -1 */
int parse_hex_part(const char *hex, void *data, size_t size)
{
	const unsigned char *digit = (const unsigned char *)hex;
	unsigned char *byte = data;
	unsigned int high, low;

	for (size_t i = 0; i < size; i++, digit += 2) {
		/* Do not read beyond the end of a short string */
		high = hex_digits[digit[0]];
		low = high ? hex_digits[digit[1]] : 0;
		if (!low)
			return -1;
		byte[i] = (high - 1) << 4 | (low - 1);
	}
	return 0;
}

/* All of @hex is to be @size bytes: 0, or -1 */
int parse_hex(const char *hex, void *data, size_t size)
{
	return strlen(hex) == 2 * size ? parse_hex_part(hex, data, size) : -1;
}
