// SPDX-License-Identifier: GPL-2.0-only
/*
 * fuzz-report - what a run of the fuzzer reached, by file and by function
 *
 *	fuzz-report --list bpfmap.ko		places that can be traced
 *	fuzz-report bpfmap.ko REACHED UNREACHABLE
 *	fuzz-report --blocks bpfmap.ko REACHED UNREACHABLE	each one missed
 *
 * A place is a call that the compiler put at the start of a basic block for
 * KCOV; the module's relocations tell where they are, addr2line in which
 * function. REACHED is "SECTION OFFSET HOW" as the fuzzer prints it.
 * UNREACHABLE names functions that no call of user space leads to, also where
 * they are inlined into others. NAME() is only where it is not, NAME<OTHER
 * where it is inlined into that one, and NAME "TEXT" is its lines with that
 * text. What a sanitizer or a reference count runs to complain of a bug is
 * counted as not reachable, too.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <gelf.h>
#include <libelf.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define ARRAY_SIZE(a) (sizeof(a) / sizeof((a)[0]))

#define HOOK		"__sanitizer_cov_trace_pc"
#define OWN		"drivers/bpfmap/"
#define CALL		0xe8
#define JUMP		0xe9
#define CALL_END	4	/* from the relocation to where KCOV says it was */
#define CALL_START	5	/* from there to the call */

struct place {
	char *section;
	char *function;
	char *file;
	char *source;		/* the file's whole name */
	char *inner;		/* the innermost function, be it the module's or not */
	char *inner_source;
	int inner_line;
	char *frames;		/* functions, the innermost first */
	unsigned long offset;
	int line;
	bool reached, later, unreachable, complaint;
};

static struct place *places;
static unsigned int n_places;
static const char *module;

static void fail(const char *what)
{
	fprintf(stderr, "fuzz-report: %s: %s\n", what,
		errno ? strerror(errno) : elf_errmsg(-1));
	exit(2);
}

/* ------------------------------------------------------------------------- */
/* Places */

static struct place *add_place(const char *section, unsigned long offset)
{
	places = realloc(places, (n_places + 1) * sizeof(*places));
	if (!places)
		fail("memory");
	places[n_places] = (struct place){
		.section = strdup(section), .offset = offset,
	};
	return &places[n_places++];
}

/* Is a block that calls it first there for bugs only? */
static bool complains(const char *name)
{
	return !strncmp(name, "__ubsan_handle_", 15) ||
	       !strcmp(name, "refcount_warn_saturate");
}

static const char *symbol_name(Elf *elf, Elf_Data *symbols, size_t strings,
			       size_t i)
{
	GElf_Sym sym;
	const char *name;

	if (!gelf_getsym(symbols, i, &sym))
		return "";
	name = elf_strptr(elf, strings, sym.st_name);
	return name ?: "";
}

static void read_relocations(Elf *elf, Elf_Scn *scn, GElf_Shdr *shdr,
			     const char *section)
{
	Elf_Scn *symtab = elf_getscn(elf, shdr->sh_link);
	Elf_Data *code = elf_getdata(elf_getscn(elf, shdr->sh_info), NULL);
	Elf_Data *data = elf_getdata(scn, NULL), *symbols;
	struct place *last = NULL;
	const char *name;
	unsigned char op;
	GElf_Shdr symhdr;
	GElf_Rela rela;

	if (!symtab || !gelf_getshdr(symtab, &symhdr))
		fail(module);
	symbols = elf_getdata(symtab, NULL);
	for (size_t i = 0; i < shdr->sh_size / shdr->sh_entsize; i++) {
		if (!gelf_getrela(data, i, &rela))
			fail(module);
		/*
		 * objtool turns those into nothing that must not be traced, and
		 * a jump at a function's end seems to come from the caller
		 */
		if (GELF_R_TYPE(rela.r_info) == R_X86_64_NONE ||
		    !rela.r_offset || rela.r_offset >= code->d_size)
			continue;
		op = ((unsigned char *)code->d_buf)[rela.r_offset - 1];
		name = symbol_name(elf, symbols, symhdr.sh_link,
				   GELF_R_SYM(rela.r_info));
		if ((op != CALL && op != JUMP) || !strncmp(name, "__asan_", 7))
			continue;
		if (last)
			last->complaint = complains(name);
		last = op == CALL && !strcmp(name, HOOK) ?
		       add_place(section, rela.r_offset + CALL_END) : NULL;
	}
}

/* Without code that runs when the module is loaded, before tracing can start */
static void read_module(void)
{
	int fd = open(module, O_RDONLY);
	Elf_Scn *scn = NULL, *target;
	GElf_Shdr shdr, text;
	const char *name;
	size_t strings;
	Elf *elf;

	if (fd < 0)
		fail(module);
	elf_version(EV_CURRENT);
	elf = elf_begin(fd, ELF_C_READ, NULL);
	if (!elf || elf_getshdrstrndx(elf, &strings))
		fail(module);
	while ((scn = elf_nextscn(elf, scn))) {
		if (!gelf_getshdr(scn, &shdr) || shdr.sh_type != SHT_RELA)
			continue;
		target = elf_getscn(elf, shdr.sh_info);
		if (!target || !gelf_getshdr(target, &text))
			continue;
		name = elf_strptr(elf, strings, text.sh_name);
		if (name && text.sh_flags & SHF_EXECINSTR &&
		    strcmp(name, ".init.text"))
			read_relocations(elf, scn, &shdr, name);
	}
	elf_end(elf);
	close(fd);
}

static struct place *find_place(const char *section, unsigned long offset)
{
	for (unsigned int i = 0; i < n_places; i++)
		if (places[i].offset == offset &&
		    !strcmp(places[i].section, section))
			return &places[i];
	return NULL;
}

/* ------------------------------------------------------------------------- */
/* Functions and lines */

/* From drivers/bpfmap/ or include/ on */
static char *short_path(char *path)
{
	static const char *const starts[] = {
		OWN, "/include/", "/arch/", "/lib/",
	};

	for (size_t i = 0; i < ARRAY_SIZE(starts); i++) {
		char *p = strstr(path, starts[i]);

		if (p)
			return strdup(*p == '/' ? p + 1 : p);
	}
	return strdup(path);
}

/* Of what is inlined into each other, the innermost that is the module's own */
static void take_frame(struct place *p, const char *function, char *where)
{
	char *colon = strrchr(where, ':'), *frames = p->frames;
	bool own = strstr(where, OWN);

	if (asprintf(&p->frames, "%s %s:%d ", frames ?: "", function,
		     colon ? atoi(colon + 1) : 0) < 0)
		fail("memory");
	free(frames);
	if (!p->inner) {
		p->inner = strdup(function);
		p->inner_line = colon ? atoi(colon + 1) : 0;
		p->inner_source = strndup(where, colon ? (size_t)(colon - where) :
							 strlen(where));
	}
	if (p->file && (strstr(p->file, OWN) || !own))
		return;
	free(p->function);
	free(p->file);
	free(p->source);
	p->function = strdup(function);
	p->line = colon ? atoi(colon + 1) : 0;
	if (colon)
		*colon = '\0';
	p->file = short_path(where);
	p->source = strdup(where);
}

static struct place *next_in(const char *section, struct place *p)
{
	for (p = p ? p + 1 : places; p < places + n_places; p++)
		if (!strcmp(p->section, section))
			return p;
	errno = EPROTO;
	fail("addr2line");
	return NULL;
}

/* For each the address, then pairs of lines: function, place in the source */
static void read_lines(const char *list, const char *section)
{
	char command[4096], *line = NULL, function[256];
	struct place *p = NULL;
	size_t size = 0;
	FILE *f;

	snprintf(command, sizeof(command),
		 "addr2line -a -f -i -j %s -e '%s' <'%s'", section, module, list);
	f = popen(command, "r");
	if (!f)
		fail("addr2line");
	while (getline(&line, &size, f) >= 0) {
		line[strcspn(line, "\n")] = '\0';
		if (!strncmp(line, "0x", 2)) {
			p = next_in(section, p);
			continue;
		}
		snprintf(function, sizeof(function), "%s", line);
		if (!p || getline(&line, &size, f) < 0)
			break;
		line[strcspn(line, "\n")] = '\0';
		take_frame(p, function, line);
	}
	free(line);
	pclose(f);
}

static void find_lines(void)
{
	for (unsigned int i = 0; i < n_places; i++) {
		char list[] = "/tmp/fuzz-report-XXXXXX";
		const char *section = places[i].section;
		FILE *f;
		int fd;

		if (places[i].function)
			continue;
		fd = mkstemp(list);
		f = fd < 0 ? NULL : fdopen(fd, "w");
		if (!f)
			fail(list);
		for (unsigned int j = 0; j < n_places; j++)
			if (!strcmp(places[j].section, section))
				fprintf(f, "0x%lx\n", places[j].offset - CALL_START);
		fclose(f);
		read_lines(list, section);
		unlink(list);
	}
}

/* ------------------------------------------------------------------------- */
/* What was reached, and what cannot be */

static void read_reached(const char *file)
{
	char section[64], how[16];
	unsigned int n = 0, unknown = 0;
	unsigned long offset;
	struct place *p;
	FILE *f = fopen(file, "r");

	if (!f)
		fail(file);
	while (fscanf(f, "%63s %lx %15s", section, &offset, how) == 3) {
		p = find_place(section, offset);
		n++;
		if (!p) {
			unknown++;
			continue;
		}
		p->reached = true;
		p->later = !strcmp(how, "later");
	}
	fclose(f);
	/* Returns to the caller of a jump, see read_relocations() */
	if (unknown > n / 10) {
		fprintf(stderr, "fuzz-report: %s is of another module\n", file);
		exit(2);
	}
}

/* A line of a source, "" if there is none */
static const char *source_line(const char *source, int number)
{
	static char *name, *line;
	static size_t size;
	static FILE *f;

	if (!name || strcmp(name, source)) {
		if (f)
			fclose(f);
		free(name);
		name = strdup(source);
		f = fopen(name, "r");
	}
	if (!f)
		return "";
	rewind(f);
	for (int i = 0; i < number; i++)
		if (getline(&line, &size, f) < 0)
			return "";
	return line ?: "";
}

/* The frame of a function in a list of them, NULL if it has none there */
static const char *find_frame(const char *frames, const char *function,
			      size_t len)
{
	char frame[160];

	snprintf(frame, sizeof(frame), " %.*s:", (int)len, function);
	return strstr(frames, frame);
}

static bool is_last(const char *frame)
{
	return !strchr(frame + 1, ' ')[1];
}

/* Is it of that function, and if there is a text, at a line that has it? */
static bool matches(const struct place *p, const char *function,
		    const char *text)
{
	const char *into = strchr(function, '<'), *frame;
	size_t len = strcspn(function, "<(");

	frame = find_frame(p->frames, function, len);
	if (!frame || (into && !find_frame(frame + 1, into + 1, strlen(into + 1))) ||
	    (function[len] == '(' && !is_last(frame)))
		return false;
	if (!text)
		return true;
	return (!strncmp(p->function, function, len) && !p->function[len] &&
		strstr(source_line(p->source, p->line), text)) ||
	       (!strncmp(p->inner, function, len) && !p->inner[len] &&
		strstr(source_line(p->inner_source, p->inner_line), text));
}

/* Reached places still count; a line that fits nothing is outdated */
static void read_unreachable(const char *file)
{
	char line[512], function[128], text[128];
	FILE *f = fopen(file, "r");
	unsigned int hits;
	int n;

	if (!f)
		fail(file);
	while (fgets(line, sizeof(line), f)) {
		n = sscanf(line, "%127s \"%127[^\"]\"", function, text);
		if (n < 1 || function[0] == '#')
			continue;
		hits = 0;
		for (unsigned int i = 0; i < n_places; i++) {
			if (!matches(&places[i], function, n > 1 ? text : NULL))
				continue;
			places[i].unreachable = true;
			hits++;
		}
		if (!hits)
			fprintf(stderr, "fuzz-report: no code for %s", line);
	}
	fclose(f);
	for (unsigned int i = 0; i < n_places; i++)
		places[i].unreachable = (places[i].unreachable ||
					 places[i].complaint) &&
					!places[i].reached;
}

/* ------------------------------------------------------------------------- */
/* The report */

static int by_file(const void *a, const void *b)
{
	const struct place *x = a, *y = b;
	int c = strcmp(x->file, y->file);

	c = c ?: strcmp(x->function, y->function);
	return c ?: x->line - y->line;
}

struct count {
	unsigned int all, reached, later, reachable;
};

static void count(struct count *c, const struct place *p)
{
	c->all++;
	c->reached += p->reached;
	c->later += p->later;
	c->reachable += !p->unreachable;
}

static double percent(unsigned int part, unsigned int all)
{
	return all ? 100.0 * part / all : 100;
}

static void print_line(const char *name, const struct count *b,
		       const struct count *f)
{
	printf("%-34s %5u %5u %5.1f%% %5u %5.1f%% %5u %4u %4u %4u\n", name,
	       b->all, b->reached, percent(b->reached, b->all), b->reachable,
	       percent(b->reached, b->reachable), b->later, f->all, f->reached,
	       f->reachable);
}

static bool same(const struct place *a, const struct place *b, bool function)
{
	return !strcmp(a->file, b->file) &&
	       (!function || !strcmp(a->function, b->function));
}

static void add_function(struct count *f, const struct count *one)
{
	f->all++;
	f->reached += !!one->reached;
	f->reachable += !!one->reachable;
}

static void print_files(void)
{
	struct count all = {}, all_f = {};
	unsigned int i = 0, j, k;

	printf("%-34s %5s %5s %6s %5s %6s %5s %4s %4s %4s\n", "file", "all",
	       "seen", "", "user", "", "later", "func", "seen", "user");
	while (i < n_places) {
		struct count c = {}, f = {};

		for (j = i; j < n_places && same(&places[i], &places[j], false); j = k) {
			struct count one = {};

			for (k = j; k < n_places && same(&places[j], &places[k], true); k++) {
				count(&one, &places[k]);
				count(&c, &places[k]);
				count(&all, &places[k]);
			}
			add_function(&f, &one);
			add_function(&all_f, &one);
		}
		print_line(places[i].file, &c, &f);
		i = j;
	}
	print_line("all", &all, &all_f);
}

/* Functions, and in those that were entered the lines that were not */
static void print_missing(void)
{
	unsigned int i, j, k;

	for (i = 0; i < n_places; i = j) {
		struct count c = {};

		for (j = i; j < n_places && same(&places[i], &places[j], true); j++)
			count(&c, &places[j]);
		if (c.reached == c.all)
			continue;
		if (!c.reached) {
			printf("%s %s: never%s\n", places[i].file,
			       places[i].function,
			       c.reachable ? "" : ", not for user space");
			continue;
		}
		printf("%s %s: %u of %u, not lines", places[i].file,
		       places[i].function, c.reached, c.all);
		for (k = i; k < j; k++)
			if (!places[k].reached &&
			    (k == i || places[k].line != places[k - 1].line ||
			     places[k - 1].reached))
				printf(" %d", places[k].line);
		printf("%s\n", c.reachable == c.reached ? " (not for user space)" : "");
	}
}

/* Each place that was missed: its line, and what is inlined into what */
static void print_blocks(void)
{
	for (unsigned int i = 0; i < n_places; i++) {
		const struct place *p = &places[i];

		if (!p->reached && !p->unreachable)
			printf("%s:%d %s+%#lx%s| %s", p->file, p->line,
			       p->section, p->offset, p->frames,
			       source_line(p->source, p->line));
	}
}

int main(int argc, char **argv)
{
	bool list = argc == 3 && !strcmp(argv[1], "--list");
	bool blocks = argc == 5 && !strcmp(argv[1], "--blocks");

	if (!list && !blocks && argc != 4) {
		fprintf(stderr, "usage: fuzz-report --list MODULE.ko\n"
			"       fuzz-report [--blocks] MODULE.ko REACHED UNREACHABLE\n");
		return 2;
	}
	argv += blocks;
	module = argv[list ? 2 : 1];
	read_module();
	if (list) {
		for (unsigned int i = 0; i < n_places; i++)
			printf("%s %lx\n", places[i].section, places[i].offset);
		return n_places ? 0 : 1;
	}
	find_lines();
	for (unsigned int i = 0; i < n_places; i++) {
		if (!places[i].file) {
			fprintf(stderr, "fuzz-report: no source for %s+%#lx\n",
				places[i].section, places[i].offset);
			return 2;
		}
	}
	read_reached(argv[2]);
	read_unreachable(argv[3]);
	qsort(places, n_places, sizeof(*places), by_file);
	if (blocks) {
		print_blocks();
		return 0;
	}
	print_files();
	printf("\n");
	print_missing();
	return 0;
}
