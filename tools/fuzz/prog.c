// SPDX-License-Identifier: GPL-2.0-only
/*
 * prog - programs as text
 *
 *	create out=f0 type=HASH key=4 value=8 entries=16
 *	update fd=f0 key=1 value=7 rep=20 thread=1
 *	lookup fd=f0 key=1 value_at=cut:3 fail=2
 *
 * One call a line, an empty line ends a program, # starts a comment. An
 * argument that is not named is 0.
 */
#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "fuzz.h"

static const char *const elem_flags[] = {
	"NOEXIST", "EXIST", "LOCK", "CPU", "ALL_CPUS",
};

static const char *const places[N_PLACES] = {
	[AT_OK] = "ok", [AT_NULL] = "null", [AT_ODD] = "odd", [AT_CUT] = "cut",
	[AT_UNMAPPED] = "unmapped", [AT_KERNEL] = "kernel", [AT_TOP] = "top",
	[AT_RDONLY] = "rdonly", [AT_HELD] = "held", [AT_MAP] = "map",
	[AT_FRESH] = "fresh",
};

static const char *const prots[] = { "READ", "WRITE", "EXEC" };

int op_find(const char *name)
{
	for (unsigned int i = 0; i < n_ops; i++)
		if (!strcmp(ops[i].name, name))
			return i;
	return -1;
}

unsigned int op_args(const struct op *op)
{
	unsigned int n = 0;

	while (op->args[n].name)
		n++;
	return n;
}

/* ------------------------------------------------------------------------- */
/* Printing */

static void print_num(char *buf, size_t size, uint64_t v)
{
	snprintf(buf, size, v < 100000 ? "%llu" : "0x%llx",
		 (unsigned long long)v);
}

/* Names of bits, and what has no name as a number */
static void print_flags(char *buf, size_t size, uint64_t v,
			const char *const *names, unsigned int n)
{
	size_t at = 0;

	for (unsigned int i = 0; i < n; i++) {
		if (!(v & 1ULL << i) || !names[i])
			continue;
		v &= ~(1ULL << i);
		at += snprintf(buf + at, size - at, "%s%s", at ? "|" : "",
			       names[i]);
	}
	if (v || !at)
		snprintf(buf + at, size - at, "%s0x%llx", at ? "|" : "",
			 (unsigned long long)v);
}

static void print_fd(char *buf, size_t size, uint64_t v)
{
	v %= N_FD_NAMES;
	if (v < FD_SHARED)
		snprintf(buf, size, "f%llu", (unsigned long long)v);
	else if (v < FD_DEVICE)
		snprintf(buf, size, "s%llu", (unsigned long long)v - FD_SHARED);
	else
		snprintf(buf, size, "%s", v == FD_DEVICE ? "device" :
			 v == FD_CLOSED ? "closed" : v == FD_NULL ? "null" :
			 "none");
}

static void print_place(char *buf, size_t size, uint64_t v)
{
	unsigned int place = v % (1 << PLACE_BITS) % N_PLACES;

	if (place == AT_CUT || place == AT_HELD || place == AT_MAP)
		snprintf(buf, size, "%s:%llu", places[place],
			 (unsigned long long)(v >> PLACE_BITS));
	else
		snprintf(buf, size, "%s", places[place]);
}

static void print_arg(char *buf, size_t size, enum kind kind, uint64_t v)
{
	const struct type_row *row = kind == K_TYPE ? type_row(v) : NULL;

	if (row)
		snprintf(buf, size, "%s", row->NAME);
	else if (kind == K_CREATE_FLAGS)
		print_flags(buf, size, v, create_flag_names,
			    ARRAY_SIZE(create_flag_names));
	else if (kind == K_ELEM_FLAGS)
		print_flags(buf, size, v, elem_flags, ARRAY_SIZE(elem_flags));
	else if (kind == K_PROT)
		print_flags(buf, size, v, prots, ARRAY_SIZE(prots));
	else if (kind == K_FD)
		print_fd(buf, size, v);
	else if (kind == K_OUT)
		print_fd(buf, size, v % N_FDS);
	else if (kind == K_PLACE)
		print_place(buf, size, v);
	else if (kind == K_PATH)
		snprintf(buf, size, "%s", paths[v % n_paths]);
	else
		print_num(buf, size, v);
}

void call_print(char *buf, size_t size, const struct call *c)
{
	const struct op *op = &ops[c->op];
	size_t at = snprintf(buf, size, "%s", op->name);
	char text[512];

	for (unsigned int i = 0; op->args[i].name && at < size; i++) {
		/* The first descriptor and path are always named */
		if (!c->arg[i] && op->args[i].kind != K_OUT &&
		    op->args[i].kind != K_FD && op->args[i].kind != K_PATH)
			continue;
		print_arg(text, sizeof(text), op->args[i].kind, c->arg[i]);
		at += snprintf(buf + at, size - at, " %s=%s", op->args[i].name,
			       text);
	}
	if (c->rep > 1 && at < size)
		at += snprintf(buf + at, size - at, " rep=%u", c->rep);
	if (c->fail && at < size)
		at += snprintf(buf + at, size - at, " fail=%u", c->fail);
	if (c->thread && at < size)
		at += snprintf(buf + at, size - at, " thread=%u", c->thread);
	if (c->step && at < size)
		at += snprintf(buf + at, size - at, " step=%u", c->step);
	if (c->child && at < size)
		snprintf(buf + at, size - at, " child=%u", c->child);
}

void prog_print(FILE *f, const struct prog *p)
{
	char line[1024];

	for (unsigned int i = 0; i < p->n; i++) {
		call_print(line, sizeof(line), &p->calls[i]);
		fprintf(f, "%s\n", line);
	}
}

/* ------------------------------------------------------------------------- */
/* Reading */

static bool read_num(const char *s, uint64_t *v)
{
	char *end;

	if (!isdigit((unsigned char)*s))
		return false;
	*v = strtoull(s, &end, 0);
	return !*end;
}

static bool read_flags(char *s, uint64_t *v, const char *const *names,
		       unsigned int n)
{
	uint64_t bits;
	char *word;

	*v = 0;
	while ((word = strsep(&s, "|"))) {
		unsigned int i;

		for (i = 0; i < n && (!names[i] || strcmp(names[i], word)); i++)
			;
		if (i < n)
			*v |= 1ULL << i;
		else if (read_num(word, &bits))
			*v |= bits;
		else
			return false;
	}
	return true;
}

static bool read_fd(const char *s, uint64_t *v)
{
	char text[16];

	for (*v = 0; *v < N_FD_NAMES; ++*v) {
		print_fd(text, sizeof(text), *v);
		if (!strcmp(text, s))
			return true;
	}
	return false;
}

static bool read_place(char *s, uint64_t *v)
{
	char *num = strchr(s, ':');
	uint64_t param = 0;

	if (num) {
		*num++ = '\0';
		if (!read_num(num, &param))
			return false;
	}
	for (*v = 0; *v < N_PLACES; ++*v) {
		if (!strcmp(places[*v], s)) {
			*v |= param << PLACE_BITS;
			return true;
		}
	}
	return false;
}

static bool read_type(const char *s, uint64_t *v)
{
	for (size_t i = 0; i < N_TYPE_ROWS; i++) {
		if (!strcmp(type_rows[i].NAME, s)) {
			*v = type_rows[i].type;
			return true;
		}
	}
	return read_num(s, v);
}

static bool read_path(const char *s, uint64_t *v)
{
	for (*v = 0; *v < n_paths; ++*v)
		if (!strcmp(paths[*v], s))
			return true;
	return false;
}

static bool read_arg(char *s, enum kind kind, uint64_t *v)
{
	switch (kind) {
	case K_TYPE:
		return read_type(s, v);
	case K_CREATE_FLAGS:
		return read_flags(s, v, create_flag_names,
			    ARRAY_SIZE(create_flag_names));
	case K_ELEM_FLAGS:
		return read_flags(s, v, elem_flags, ARRAY_SIZE(elem_flags));
	case K_PROT:
		return read_flags(s, v, prots, ARRAY_SIZE(prots));
	case K_FD:
	case K_OUT:
		return read_fd(s, v);
	case K_PLACE:
		return read_place(s, v);
	case K_PATH:
		return read_path(s, v);
	default:
		return read_num(s, v);
	}
}

static bool read_assignment(char *word, struct call *c)
{
	const struct op *op = &ops[c->op];
	char *value = strchr(word, '=');
	uint64_t v;

	if (!value)
		return false;
	*value++ = '\0';
	for (unsigned int i = 0; op->args[i].name; i++)
		if (!strcmp(op->args[i].name, word))
			return read_arg(value, op->args[i].kind, &c->arg[i]);
	if (!read_num(value, &v) || v > UINT16_MAX)
		return false;
	if (!strcmp(word, "rep"))
		c->rep = v;
	else if (!strcmp(word, "fail"))
		c->fail = v;
	else if (!strcmp(word, "thread") && v <= N_HELPERS)
		c->thread = v;
	else if (!strcmp(word, "step") && v < N_STEPS)
		c->step = v;
	else if (!strcmp(word, "child"))
		c->child = v;
	else
		return false;
	return true;
}

static bool read_call(char *line, struct call *c)
{
	char *word = strsep(&line, " \t");
	int op = op_find(word);

	if (op < 0)
		return false;
	*c = (struct call){ .op = op, .rep = 1 };
	while ((word = strsep(&line, " \t")))
		if (*word && !read_assignment(word, c))
			return false;
	return true;
}

int prog_read(FILE *f, const char *file, unsigned int *line, struct prog *p)
{
	char text[2048], copy[2048];

	p->n = 0;
	while (fgets(text, sizeof(text), f)) {
		++*line;
		text[strcspn(text, "\n")] = '\0';
		if (text[0] == '#')
			continue;
		if (!text[0] && p->n)
			return 1;
		if (!text[0])
			continue;
		strcpy(copy, text);
		if (p->n == MAX_CALLS || !read_call(text, &p->calls[p->n])) {
			fprintf(stderr, "%s:%u: not understood: %s\n", file,
				*line, copy);
			return -1;
		}
		p->n++;
	}
	return p->n > 0;
}
