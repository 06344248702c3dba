// SPDX-License-Identifier: GPL-2.0-only
/*
 * The verbs of maps, and those that make and name them
 */
#include <errno.h>
#include <net/if.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli.h"

static int verb_map_help(struct args *args);

const struct verb map_verbs[] = {
	{ "show", verb_show, "[MAP]" },
	{ "list", verb_show, "[MAP]" },
	{ "help", verb_map_help, "" },
	{ "dump", verb_dump, "MAP [watch [interval SECONDS] [times N]]" },
	{ "update", verb_update,
	  "MAP [key DATA] [cpu N] [value VALUE] [UPDATE_FLAGS]" },
	{ "lookup", verb_lookup, "MAP [key DATA] [cpu N]" },
	{ "getnext", verb_getnext, "MAP [key DATA]" },
	{ "delete", verb_delete, "MAP key DATA" },
	{ "pin", verb_pin, "MAP FILE" },
	{ "event_pipe", verb_event_pipe, "MAP [times N]" },
	{ "create", verb_create,
	  "FILE type TYPE key SIZE value SIZE entries N name NAME\n"
	  "\t\t[flags FLAGS] [inner_map MAP] [dev NAME] [extra N] [numa NODE]" },
	{ "peek", verb_peek, "MAP" },
	{ "push", verb_update, "MAP value VALUE" },
	{ "enqueue", verb_update, "MAP value VALUE" },
	{ "pop", verb_pop, "MAP" },
	{ "dequeue", verb_pop, "MAP" },
	{ "freeze", verb_freeze, "MAP" },
	{ "count", verb_count, "MAP" },
	{ "clear", verb_clear, "MAP" },
	{ "export", verb_export, "MAP [to FILE] [format { json | binary }] [drain]" },
	{ "import", verb_import,
	  "{ pin FILE [name NAME] | into MAP } [from FILE] [inner_map MAP]" },
	{ "diff", verb_diff, "MAP { MAP | file FILE }" },
	{ "top", verb_top, "MAP [interval SECONDS] [times N] [rows N] [offset N]" },
	{ }
};

static int verb_map_help(struct args *args)
{
	if (no_more(args))
		return TROUBLE;
	if (options.json) {
		json_null();
		return YES;
	}
	for (const struct verb *verb = map_verbs; verb->name; verb++)
		fprintf(stderr, "%s " PROGRAM " map %-10s %s\n",
			verb == map_verbs ? "Usage:" : "      ", verb->name,
			verb->usage);
	fputs("\n"
	      "       MAP := { id N | name NAME | pinned FILE }\n"
	      "       DATA := { [hex] BYTES | TYPED ... }\n"
	      "       TYPED := { {u8|u16|u32|u64|s8|s16|s32|s64|be16|be32|be64} NUMBER |\n"
	      "                  str TEXT | ip ADDRESS[/LENGTH] | ip6 ADDRESS[/LENGTH] |\n"
	      "                  mac ADDRESS | pad SIZE | file FILE }\n"
	      "       VALUE := { DATA | MAP }\n"
	      "       UPDATE_FLAGS := { any | exist | noexist }\n"
	      "       TYPE := {", stderr);
	for (int type = 1; bpfmap_type_str(type); type++)
		fprintf(stderr, "%s%s", type % 5 == 1 ? "\n\t\t" : " ",
			bpfmap_type_str(type));
	fputs(" }\n", stderr);
	return YES;
}

struct request {
	const char *path;
	const char *name;
	int type;
	uint32_t key_size;
	uint32_t value_size;
	uint32_t max_entries;
	struct bpfmap_create_opts opts;
	struct map inner;
};

static int take_type(struct args *args, struct request *req)
{
	const char *word = take(args, "a type of map");

	if (!word)
		return TROUBLE;
	if (req->type)
		return trouble("the type is given twice");
	req->type = type_from_name(word);
	if (req->type < 0)
		return trouble("there is no type '%s': see \"" PROGRAM " map help\"",
			       word);
	return 0;
}

static int take_inner(struct args *args, struct request *req)
{
	if (req->inner.fd >= 0)
		return trouble("the inner map is given twice");
	if (take_map(args, BPFMAP_F_RDONLY, &req->inner))
		return TROUBLE;
	req->opts.inner_map_fd = req->inner.fd;
	return 0;
}

static int take_device(struct args *args, struct request *req)
{
	const char *word = take(args, "a network device");

	if (!word)
		return TROUBLE;
	req->opts.map_ifindex = if_nametoindex(word);
	if (!req->opts.map_ifindex)
		return trouble("there is no network device '%s'", word);
	return 0;
}

static int take_attribute(struct args *args, struct request *req)
{
	uint64_t number;

	if (take_word(args, "type"))
		return take_type(args, req);
	if (take_word(args, "name")) {
		req->name = take(args, "a name");
		return req->name ? 0 : TROUBLE;
	}
	if (take_word(args, "key"))
		return take_u32(args, "the key's size", &req->key_size);
	if (take_word(args, "value"))
		return take_u32(args, "the value's size", &req->value_size);
	if (take_word(args, "entries"))
		return take_u32(args, "the number of entries",
				&req->max_entries);
	if (take_word(args, "flags"))
		return take_u32(args, "flags", &req->opts.map_flags);
	if (take_word(args, "inner_map"))
		return take_inner(args, req);
	if (take_word(args, "dev"))
		return take_device(args, req);
	if (take_word(args, "extra")) {
		if (take_number(args, "extra", UINT64_MAX, &number))
			return TROUBLE;
		req->opts.map_extra = number;
		return 0;
	}
	if (take_word(args, "numa")) {
		req->opts.map_flags |= BPFMAP_F_NUMA_NODE;
		return take_u32(args, "a node's number", &req->opts.numa_node);
	}
	return usage_error(args, "'type', 'key', 'value', 'entries', 'name' or another property");
}

/* Give a map a name */
int pin_map(int fd, const char *path)
{
	int err = bpfmap_obj_pin(fd, path);

	if (err == -EPERM)
		return trouble("cannot pin at %s: not on a bpfmapfs, or the name has a dot",
			       path);
	if (err)
		return trouble("cannot pin at %s: %s", path, error_text(err));
	return 0;
}

static int create(const struct request *req)
{
	int fd, status;

	if (!req->type)
		return trouble("the type is missing");
	if (!req->name)
		return trouble("the name is missing");
	if (strlen(req->name) >= BPFMAP_NAME_LEN)
		note("the name is cut to its first %d bytes",
		     BPFMAP_NAME_LEN - 1);
	fd = bpfmap_create(req->type, req->name, req->key_size, req->value_size,
			   req->max_entries, &req->opts);
	if (fd < 0)
		return create_trouble(fd, &(struct wanted){
			.type = req->type,
			.name = req->name,
			.key_size = req->key_size,
			.value_size = req->value_size,
			.max_entries = req->max_entries,
			.opts = &req->opts,
		});
	status = pin_map(fd, req->path);
	close(fd);
	if (!status)
		json_null();
	return status;
}

int verb_create(struct args *args)
{
	struct request req = {
		.opts.sz = sizeof(req.opts),
		.inner.fd = -1,
	};
	int status = 0;

	req.path = take(args, "the file to pin the map at");
	if (!req.path)
		return TROUBLE;
	while (!status && args->n)
		status = take_attribute(args, &req);
	if (!status)
		status = create(&req);
	map_close(&req.inner);
	return status;
}

int verb_pin(struct args *args)
{
	const char *path;
	struct map map;
	int status = TROUBLE;

	/* The new name permits no more than what it is made with */
	if (take_map(args, OPEN_MOST, &map))
		return TROUBLE;
	path = take(args, "the file to pin the map at");
	if (path && !no_more(args))
		status = pin_map(map.fd, path);
	map_close(&map);
	if (!status)
		json_null();
	return status;
}

int verb_freeze(struct args *args)
{
	struct map map;
	int err;

	if (take_map(args, 0, &map))
		return TROUBLE;
	if (no_more(args)) {
		map_close(&map);
		return TROUBLE;
	}
	err = bpfmap_freeze(map.fd);
	map_close(&map);
	if (err == -EPERM)
		return trouble("cannot freeze: it is frozen already");
	if (err == -EBUSY)
		return trouble("cannot freeze: somebody is writing, has it mapped writable, or holds pages of it");
	if (err)
		return trouble("cannot freeze: %s", error_text(err));
	json_null();
	return YES;
}
