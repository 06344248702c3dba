// SPDX-License-Identifier: GPL-2.0-only
/*
 * types - the list of map types for what is not C
 *
 *	types python	a module for tools/python
 *	types go	a file for tools/go
 *	types syzkaller	flags and shapes for fuzz/bpfmap.txt
 */
#include <ctype.h>
#include <stdio.h>
#include <string.h>

#include "map_types.h"

#define ARRAY_SIZE(array) (sizeof(array) / sizeof((array)[0]))

/* ------------------------------------------------------------------------- */
/* Python */

static bool is_percpu(const struct type_row *row)
{
	return row->values == VALUES_PERCPU;
}

static bool is_outer(const struct type_row *row)
{
	return row->values == VALUES_MAPS;
}

static bool is_array(const struct type_row *row)
{
	return row->keys == KEYS_INDEX;
}

/* Keys and values of bytes, one value for all CPUs */
static bool is_plain(const struct type_row *row)
{
	return row->keys != KEYS_NONE && row->values == VALUES_BYTES;
}

/* Values of bytes, without keys */
static bool is_keyless(const struct type_row *row)
{
	return row->keys == KEYS_NONE && row->values == VALUES_BYTES;
}

static bool is_empty(const struct type_row *row)
{
	return row->values == VALUES_NONE;
}

static bool is_by_value(const struct type_row *row)
{
	return row->props & BPFMAP_T_BY_VALUE;
}

static bool needs_no_prealloc(const struct type_row *row)
{
	return row->must & BPFMAP_F_NO_PREALLOC;
}

static void python_set(const char *name, bool (*in)(const struct type_row *row))
{
	printf("%s = frozenset({\n", name);
	for (size_t i = 0; i < N_TYPE_ROWS; i++)
		if (in(&type_rows[i]))
			printf("    MapType.%s,\n", type_rows[i].NAME);
	puts("})");
}

static void python_literal(const char *name, bool (*in)(const struct type_row *row))
{
	printf("%s: TypeAlias = Literal[\n", name);
	for (size_t i = 0; i < N_TYPE_ROWS; i++)
		if (in(&type_rows[i]))
			printf("    \"%s\",\n", type_rows[i].name);
	puts("]");
}

/* Flags that no type accepts are none of its users' business */
static void python_flags(void)
{
	uint32_t known = 0;

	for (size_t i = 0; i < N_TYPE_ROWS; i++)
		known |= type_rows[i].must | type_rows[i].may;
	puts("class CreateFlag(IntFlag):\n"
	     "    \"\"\"What a map is created with, ``map_flags`` of bpf(2).\"\"\"\n");
	for (int bit = 0; bit < 32; bit++)
		if (known & 1U << bit)
			printf("    %s = 1 << %d\n", create_flag_names[bit], bit);
}

static void print_python(void)
{
	/* Not this file's own */
	printf("# %s-License-Identifier: LGPL-2.1-only OR BSD-2-Clause\n", "SPDX");
	puts("# Made by \"make -C tools types\": change include/linux/bpfmap_types.h instead\n"
	     "\"\"\"The list of map types and create flags.\"\"\"\n\n"
	     "from enum import IntEnum, IntFlag\n"
	     "from typing import Literal, TypeAlias\n\n\n"
	     "class MapType(IntEnum):\n"
	     "    \"\"\"Types of maps, with the numbers of bpf(2).\"\"\"\n");
	for (size_t i = 0; i < N_TYPE_ROWS; i++)
		printf("    %s = %u\n", type_rows[i].NAME, type_rows[i].type);
	puts("\n    @classmethod\n"
	     "    def of(cls, kind: \"MapType | int | str\") -> \"MapType\":\n"
	     "        \"\"\"The type of a number or of a name such as \"lru_hash\".\"\"\"\n"
	     "        if not isinstance(kind, str):\n"
	     "            return cls(kind)\n"
	     "        try:\n"
	     "            return cls[kind.upper()]\n"
	     "        except KeyError:\n"
	     "            raise ValueError(f\"there is no type of map {kind!r}\") from None\n\n");
	python_flags();
	puts("\n");
	python_set("PERCPU_TYPES", is_percpu);
	python_set("ARRAY_TYPES", is_array);
	python_set("OUTER_TYPES", is_outer);
	puts("#: Values, but no keys");
	python_set("KEYLESS_TYPES", is_keyless);
	puts("#: Those of them that say whether a value is there");
	python_set("BY_VALUE_TYPES", is_by_value);
	puts("#: Neither keys nor values");
	python_set("EMPTY_TYPES", is_empty);
	puts("#: Types that cannot be created otherwise");
	python_set("NO_PREALLOC_TYPES", needs_no_prealloc);
	puts("");
	python_literal("Plain", is_plain);
	python_literal("PerCpu", is_percpu);
	python_literal("Outer", is_outer);
}

/* ------------------------------------------------------------------------- */
/* syzkaller */

static const char *const key_ranges[] = {
	[KEYS_NONE] = "const[0, int32]", [KEYS_BYTES] = "int32[1:1024]",
	[KEYS_SHORT] = "int32[1:1024]", [KEYS_INDEX] = "const[4, int32]",
	[KEYS_PREFIX] = "int32[5:260]",
};

static const char *const value_ranges[] = {
	[VALUES_NONE] = "const[0, int32]", [VALUES_BYTES] = "int32[1:8192]",
	[VALUES_PERCPU] = "int32[1:8192]", [VALUES_MAPS] = "const[4, int32]",
};

static const char *extra_range(const struct type_row *row)
{
	if (!(row->props & BPFMAP_T_EXTRA))
		return "const[0, int64]";
	return row->values == VALUES_NONE ? "flags[bpfmap_arena_addrs, int64]" :
	       "int64[0:16]";
}

static void print_syzkaller(void)
{
	puts("\n# --- made from include/linux/bpfmap_types.h ---\n\n"
	     "bpfmap_create_any [");
	for (size_t i = 0; i < N_TYPE_ROWS; i++) {
		const struct type_row *row = &type_rows[i];

		printf("\t%s\tbpfmap_create[const[BPFMAP_TYPE_%s, int32], %s, %s, %s, flags[bpfmap_%s_flags, int32], %s]\n",
		       row->name, row->NAME, key_ranges[row->keys],
		       value_ranges[row->values],
		       row->props & BPFMAP_T_RING ?
		       "flags[bpfmap_ring_sizes, int32]" : "int32[1:1024]",
		       row->name, extra_range(row));
	}
	puts("\tany\tbpfmap_create[flags[bpfmap_types, int32], int32, int32, int32, flags[bpfmap_create_flags, int32], int64]\n"
	     "] [varlen]\n");
	for (size_t i = 0; i < N_TYPE_ROWS; i++)
		printf("%s BPFMAP_TYPE_%s", i ? "," : "bpfmap_types =",
		       type_rows[i].NAME);
	fputs("\nbpfmap_create_flags = 0", stdout);
	for (int bit = 0; bit < 32; bit++)
		if (create_flag_names[bit])
			printf(", BPFMAP_F_%s", create_flag_names[bit]);
	puts("");
	for (size_t i = 0; i < N_TYPE_ROWS; i++) {
		const struct type_row *row = &type_rows[i];

		const char *comma = row->must ? "" : "0, ";

		printf("bpfmap_%s_flags = ", row->name);
		for (int bit = 0; bit < 32; bit++) {
			if (!((row->must | row->may) & 1U << bit))
				continue;
			printf("%sBPFMAP_F_%s", comma, create_flag_names[bit]);
			comma = ", ";
		}
		puts("");
	}
}

/* ------------------------------------------------------------------------- */
/* Go */

/* LRU_PERCPU_HASH is LRUPerCPUHash */
static void go_name(const char *NAME)
{
	static const struct {
		const char *word, *text;
	} words[] = {
		{ "LRU", "LRU" }, { "LPM", "LPM" }, { "PERCPU", "PerCPU" },
		{ "RHASH", "RHash" }, { "RINGBUF", "RingBuf" },
	};
	size_t i;

	while (*NAME) {
		size_t len = strcspn(NAME, "_");

		for (i = 0; i < ARRAY_SIZE(words); i++)
			if (strlen(words[i].word) == len &&
			    !strncmp(words[i].word, NAME, len))
				break;
		if (i < ARRAY_SIZE(words))
			fputs(words[i].text, stdout);
		else
			for (size_t c = 0; c < len; c++)
				putchar(c ? tolower(NAME[c]) : NAME[c]);
		NAME += len + (NAME[len] == '_');
	}
}

static void go_method(const char *name, bool (*in)(const struct type_row *row))
{
	const char *comma = "\tcase ";

	printf("\nfunc (t MapType) %s() bool {\n\tswitch t {\n", name);
	for (size_t i = 0; i < N_TYPE_ROWS; i++) {
		if (!in(&type_rows[i]))
			continue;
		fputs(comma, stdout);
		go_name(type_rows[i].NAME);
		comma = ", ";
	}
	puts(":\n\t\treturn true\n\t}\n\treturn false\n}");
}

static void print_go(void)
{
	printf("// %s-License-Identifier: LGPL-2.1-only OR BSD-2-Clause\n\n", "SPDX");
	puts("// Code generated by \"make -C tools types\"; DO NOT EDIT.\n\n"
	     "package bpfmap\n\nimport \"fmt\"\n\n"
	     "// MapType is a type of maps, with the number of bpf(2)\n"
	     "type MapType uint32\n");
	for (size_t i = 0; i < N_TYPE_ROWS; i++) {
		fputs("const ", stdout);
		go_name(type_rows[i].NAME);
		printf(" MapType = %u\n", type_rows[i].type);
	}
	puts("\n// LRUCPUHash is cilium/ebpf's name\nconst LRUCPUHash = LRUPerCPUHash\n\n"
	     "func (t MapType) String() string {\n\tswitch t {");
	for (size_t i = 0; i < N_TYPE_ROWS; i++) {
		fputs("\tcase ", stdout);
		go_name(type_rows[i].NAME);
		fputs(":\n\t\treturn \"", stdout);
		go_name(type_rows[i].NAME);
		puts("\"");
	}
	puts("\t}\n\treturn fmt.Sprintf(\"MapType(%d)\", uint32(t))\n}");
	go_method("isPerCPU", is_percpu);
	go_method("isOuter", is_outer);
}

int main(int argc, char **argv)
{
	if (argc == 2 && !strcmp(argv[1], "python"))
		print_python();
	else if (argc == 2 && !strcmp(argv[1], "syzkaller"))
		print_syzkaller();
	else if (argc == 2 && !strcmp(argv[1], "go"))
		print_go();
	else
		return 2;
	return 0;
}
