// SPDX-License-Identifier: GPL-2.0-only
/*
 * Why the device refuses to create a map. One errno has many reasons: find the
 * one by the rules of abi.rst.
 */
#include <ctype.h>
#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli.h"

#define MODES	(BPFMAP_F_RDONLY | BPFMAP_F_WRONLY)
#define PROGS	(BPFMAP_F_RDONLY_PROG | BPFMAP_F_WRONLY_PROG)
#define ELEM_MAX	((4U << 20) - 48)	/* key and value together, less 1 */
#define VALUE_MAX	(4U << 20)
#define PERCPU_MAX	32768U

/* "a hash", "an lru_hash": as the name is spoken */
const char *a_type(uint32_t type)
{
	static char texts[2][64];	/* some messages have two */
	static int turn;
	char *text = texts[turn ^= 1];
	const char *name = type_name(type);
	bool vowel = strchr("aeio", *name) || !strncmp(name, "lru", 3) ||
		     !strncmp(name, "lpm", 3) || !strncmp(name, "rh", 2);

	snprintf(text, sizeof(texts[0]), "%s %s", vowel ? "an" : "a", name);
	return text;
}

__attribute__((format(printf, 2, 3)))
static int refused(const struct wanted *want, const char *fmt, ...)
{
	char why[256];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(why, sizeof(why), fmt, ap);
	va_end(ap);
	return trouble("cannot create %s: %s", a_type(want->type), why);
}

static int check_name(const struct wanted *want)
{
	const char *name = want->name ? want->name : "";

	/* The kernel's isalnum() is that of Latin-1; bytes behind 15 are cut */
	for (size_t i = 0; name[i] && i < BPFMAP_NAME_LEN - 1; i++) {
		unsigned char byte = name[i];
		bool letter = byte >= 0xc0 && byte != 0xd7 && byte != 0xf7;

		if (letter || isalnum(byte) || byte == '_' || byte == '.')
			continue;
		if (byte < 0x80)
			return refused(want, "'%c' cannot be in a name: only letters, digits, '_' and '.'",
				       byte);
		return refused(want, "byte 0x%02x cannot be in a name: only letters, digits, '_' and '.'",
			       byte);
	}
	return 0;
}

static int check_key(const struct wanted *want, enum keys rule)
{
	uint32_t size = want->key_size;

	if (rule == KEYS_NONE && size)
		return refused(want, "it has no keys: their size must be 0, not %u",
			       size);
	if (rule == KEYS_INDEX && size != 4)
		return refused(want, "keys are indexes of 4 bytes, not %u", size);
	if (rule == KEYS_PREFIX && (size < 5 || size > 260))
		return refused(want, "keys are a length of 4 bytes and 1 to 256 bytes of data: 5 to 260 in all, not %u",
			       size);
	if (rule != KEYS_NONE && !size)
		return refused(want, "the size of keys must not be 0");
	if (rule == KEYS_SHORT && size > 65535)
		return refused(want, "keys have 65535 bytes at most, not %u",
			       size);
	return 0;
}

static int check_value(const struct wanted *want, enum values rule)
{
	uint32_t size = want->value_size;

	if (rule == VALUES_NONE && size)
		return refused(want, "it has no values: their size must be 0, not %u",
			       size);
	if (rule == VALUES_MAPS && size != 4)
		return refused(want, "values are ids of 4 bytes, not %u", size);
	if (rule != VALUES_NONE && !size)
		return refused(want, "the size of values must not be 0");
	if (rule == VALUES_PERCPU && size > PERCPU_MAX)
		return refused(want, "values have %u bytes for each CPU at most, not %u",
			       PERCPU_MAX, size);
	return 0;
}

static int check_entries(const struct wanted *want, const struct type_row *row)
{
	long page = sysconf(_SC_PAGESIZE);
	uint32_t entries = want->max_entries;

	if (row->props & BPFMAP_T_RING) {
		if (entries < page || entries & (entries - 1))
			return refused(want, "entries are its bytes: a power of two from %ld on, not %u",
				       page, entries);
		return 0;
	}
	if (!entries)
		return refused(want, "the number of entries must not be 0");
	return 0;
}

static int check_flags(const struct wanted *want, const struct type_row *row)
{
	uint32_t flags = want->opts->map_flags, more = flags & ~(row->must | row->may);
	bool evicts = row->props & BPFMAP_T_EVICTS;

	if ((flags & row->must) != row->must)
		return refused(want, "flags must have 0x%x in them", row->must);
	/* An LRU type has a reason of its own, below */
	if (evicts)
		more &= ~BPFMAP_F_NO_PREALLOC;
	if (more)
		return refused(want, "it knows no flag 0x%x", more);
	if ((flags & MODES) == MODES || (flags & PROGS) == PROGS)
		return refused(want, "read-only and write-only at once (flags 0x%x)",
			       flags);
	if (evicts && flags & BPFMAP_F_NO_PREALLOC)
		return refused(want, "its memory is preallocated: no flag 0x%x",
			       BPFMAP_F_NO_PREALLOC);
	if (want->opts->map_extra && !(row->props & BPFMAP_T_EXTRA))
		return refused(want, "it knows no map_extra (\"extra\")");
	if (flags & BPFMAP_F_NUMA_NODE && want->opts->numa_node != -1U)
		return refused(want, "node %u is not there, or it cannot be put on one node",
			       want->opts->numa_node);
	return 0;
}

/* Every argument is valid, but the map is too large */
static int check_limits(const struct wanted *want, const struct type_row *row)
{
	uint64_t elem = (uint64_t)want->key_size + want->value_size;
	bool keyed = row->keys == KEYS_BYTES || row->keys == KEYS_SHORT;

	if (keyed && elem >= ELEM_MAX)
		return refused(want, "key and value must have less than %u bytes together, not %llu",
			       ELEM_MAX, (unsigned long long)elem);
	if (row->values == VALUES_BYTES && row->keys != KEYS_INDEX &&
	    want->value_size > VALUE_MAX)
		return refused(want, "a value of %u bytes is too large",
			       want->value_size);
	if (want->opts->map_extra > UINT16_MAX)
		return refused(want, "an \"extra\" of %llu is too large",
			       (unsigned long long)want->opts->map_extra);
	return refused(want, "%u entries of this size are too many",
		       want->max_entries);
}

static int check_inner(const struct wanted *want)
{
	struct bpfmap_info info = { 0 };
	uint32_t len = sizeof(info);
	int fd = want->opts->inner_map_fd;

	if (!type_is_outer(want->type))
		return 0;
	if (!fd)
		return refused(want, "an \"inner_map MAP\" like those inside is needed");
	if (!bpfmap_get_info_by_fd(fd, &info, &len) && type_is_outer(info.type))
		return refused(want, "the inner map must not be one of maps itself");
	return 0;
}

static int find_reason(int err, const struct wanted *want)
{
	const struct type_row *row = type_row(want->type);

	if (!row)
		return refused(want, "the device has no maps of this type");
	if (want->opts->map_ifindex)
		return refused(want, "it cannot be on a network device");
	if (check_name(want) || check_entries(want, row) ||
	    check_key(want, row->keys) || check_value(want, row->values) ||
	    check_flags(want, row) || check_inner(want))
		return TROUBLE;
	if (err == -E2BIG)
		return check_limits(want, row);
	return refused(want, "the device does not take these sizes, flags or \"extra\"");
}

/**
 * create_trouble() - say why a map could not be made
 * @err: what bpfmap_create() returned
 * @want: what it was asked for
 */
int create_trouble(int err, const struct wanted *want)
{
	switch (err) {
	case -ENOENT:
		return trouble("there is no /dev/bpfmap: is the module loaded?");
	case -EACCES:
		return trouble("you may not open /dev/bpfmap");
	case -EINVAL:
	case -E2BIG:
	case -ENOTSUPP:
		return find_reason(err, want);
	case -EPERM:
		return refused(want, "flag 0x%x needs CAP_SYS_ADMIN",
			       BPFMAP_F_ZERO_SEED);
	case -ENOMEM:
		return refused(want, "there is not enough memory for it, or not for this user");
	case -ERANGE:
		return refused(want, "it would cross a multiple of 4 GiB at the address \"extra\"");
	default:
		return refused(want, "%s", error_text(err));
	}
}
