// SPDX-License-Identifier: GPL-2.0-only
/*
 * bpfmapctl - the maps of /dev/bpfmap from the command line
 */
#include <errno.h>
#include <getopt.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "cli.h"

struct options options;

static int verb_map(struct args *args)
{
	return run_verb(map_verbs, "map", args);
}

static int verb_version(struct args *args)
{
	struct json_object *obj;

	if (no_more(args))
		return TROUBLE;
	if (options.json) {
		obj = json_object_new_object();
		json_object_object_add(obj, "version",
				       json_object_new_string(VERSION));
		json_emit(obj);
	} else {
		puts(PROGRAM " " VERSION);
	}
	return YES;
}

static int verb_help(struct args *args);

static const struct verb nouns[] = {
	{ "map", verb_map, "{ show | list | create | dump | ... }" },
	{ "help", verb_help, "" },
	{ "version", verb_version, "" },
	{ }
};

static int verb_help(struct args *args)
{
	if (no_more(args))
		return TROUBLE;
	if (options.json) {
		json_null();
		return YES;
	}
	for (const struct verb *noun = nouns; noun->name; noun++)
		fprintf(stderr, "%s " PROGRAM " [OPTIONS] %s %s\n",
			noun == nouns ? "Usage:" : "      ", noun->name,
			noun->usage);
	fputs("\n"
	      "       \"" PROGRAM " map help\" lists what can be done with maps.\n"
	      "       OPTIONS := { {-j|--json} [{-p|--pretty}] | {-f|--pins} |\n"
	      "                    {-B|--no-batch} | {-h|--help} | {-V|--version} |\n"
	      "                    {-d|--debug} | {-l|--legacy} | {-n|--nomount} }\n",
	      stderr);
	return YES;
}

/* Words can be cut short, as bpftool's; the first that fits is meant */
int run_verb(const struct verb *verbs, const char *noun, struct args *args)
{
	const struct verb *verb;
	const char *word = args->n ? args->v[0] : verbs->name;

	for (verb = verbs; verb->name; verb++) {
		if (!is_word(word, verb->name))
			continue;
		if (args->n) {
			args->n--;
			args->v++;
		}
		return verb->run(args);
	}
	return trouble("'%s' is nothing that %s%s%s can do: see \"%s %shelp\"",
		       word, PROGRAM, *noun ? " " : "", noun, PROGRAM,
		       *noun ? "map " : "");
}

static void complain(const char *fmt, va_list ap)
{
	struct json_object *obj;
	char *text, *line;

	if (vasprintf(&text, fmt, ap) < 0)
		abort();
	/* One JSON value at most: a second one would spoil the first */
	if (options.json && !json_started()) {
		obj = json_object_new_object();
		json_add_text(obj, "error", text);
		json_emit(obj);
	} else {
		fflush(stdout);
		line = printable(text);
		fprintf(stderr, PROGRAM ": %s\n", line);
		free(line);
	}
	free(text);
}

int trouble(const char *fmt, ...)
{
	va_list ap;

	progress_end();
	va_start(ap, fmt);
	complain(fmt, ap);
	va_end(ap);
	return TROUBLE;
}

void note(const char *fmt, ...)
{
	char *text, *line;
	va_list ap;

	va_start(ap, fmt);
	if (vasprintf(&text, fmt, ap) < 0)
		abort();
	va_end(ap);
	line = printable(text);
	fprintf(stderr, PROGRAM ": %s\n", line);
	free(line);
	free(text);
}

int usage_error(const struct args *args, const char *expected)
{
	if (!args->n)
		return trouble("%s expected at the end", expected);
	return trouble("%s expected, not '%s'", expected, args->v[0]);
}

const char *error_text(int err)
{
	err = abs(err);
	if (err == ENOTSUPP)
		return "maps of this type cannot do that";
	return strerror(err);
}

void *xalloc(size_t count, size_t size)
{
	void *data;

	/* Never NULL for nothing: the kernel may be given its address */
	data = calloc(count ? count : 1, size ? size : 1);
	if (!data) {
		fputs(PROGRAM ": out of memory\n", stderr);
		exit(TROUBLE);
	}
	return data;
}

static int parse_options(int argc, char **argv)
{
	static const struct option longs[] = {
		{ "json", no_argument, NULL, 'j' },
		{ "pretty", no_argument, NULL, 'p' },
		{ "pins", no_argument, NULL, 'f' },
		{ "bpffs", no_argument, NULL, 'f' },
		{ "no-batch", no_argument, NULL, 'B' },
		{ "help", no_argument, NULL, 'h' },
		{ "version", no_argument, NULL, 'V' },
		{ "debug", no_argument, NULL, 'd' },
		{ "legacy", no_argument, NULL, 'l' },
		{ "nomount", no_argument, NULL, 'n' },
		{ }
	};
	struct args none = { 0 };
	int option;

	/* Those behind the first word are data, such as -1 */
	while ((option = getopt_long(argc, argv, "+jpfBhVdln", longs, NULL)) >= 0) {
		switch (option) {
		case 'p':
			options.pretty = true;
			options.json = true;
			break;
		case 'j':
			options.json = true;
			break;
		case 'f':
			options.pins = true;
			break;
		case 'B':
			options.no_batch = true;
			break;
		case 'd':
		case 'l':
		case 'n':
			break;	/* bpftool's, without effect */
		case 'h':
			return verb_help(&none);
		case 'V':
			return verb_version(&none);
		default:
			return TROUBLE;	/* getopt_long() has printed why */
		}
	}
	return -1;
}

/* "show" has all maps open at once */
static void allow_descriptors(void)
{
	struct rlimit limit;

	if (getrlimit(RLIMIT_NOFILE, &limit))
		return;
	limit.rlim_cur = limit.rlim_max;
	setrlimit(RLIMIT_NOFILE, &limit);
}

int main(int argc, char **argv)
{
	struct args args;
	int status;

	allow_descriptors();
	status = parse_options(argc, argv);
	if (status < 0) {
		args.n = argc - optind;
		args.v = argv + optind;
		if (args.n) {
			status = run_verb(nouns, "", &args);
		} else {
			verb_help(&args);
			status = TROUBLE;
		}
	}
	/* A full disk must not look like success */
	if (fflush(stdout) || ferror(stdout)) {
		fprintf(stderr, PROGRAM ": standard output: %s\n",
			strerror(errno));
		status = TROUBLE;
	}
	return status;
}
