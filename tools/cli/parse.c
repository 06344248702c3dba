// SPDX-License-Identifier: GPL-2.0-only
/*
 * Words of the command line: keywords, numbers, maps, elements
 */
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli.h"

/* Is @arg a word, or what it begins with? */
bool is_word(const char *arg, const char *word)
{
	return *arg && !strncmp(arg, word, strlen(arg));
}

bool take_word(struct args *args, const char *word)
{
	if (!args->n || !is_word(args->v[0], word))
		return false;
	args->n--;
	args->v++;
	return true;
}

/* NULL with a message if there is none */
const char *take(struct args *args, const char *what)
{
	if (!args->n) {
		usage_error(args, what);
		return NULL;
	}
	args->n--;
	return *args->v++;
}

int no_more(const struct args *args)
{
	return args->n ? trouble("'%s' is too much", args->v[0]) : 0;
}

int take_number(struct args *args, const char *what, uint64_t max,
		uint64_t *number)
{
	const char *word = take(args, what);
	char *end;

	if (!word)
		return TROUBLE;
	errno = 0;
	*number = strtoull(word, &end, 0);
	if (end == word || *end || strchr(word, '-'))
		return trouble("%s: '%s' is no number", what, word);
	if (errno || *number > max)
		return trouble("%s: %s is more than %llu", what, word,
			       (unsigned long long)max);
	return 0;
}

int take_u32(struct args *args, const char *what, uint32_t *number)
{
	uint64_t wide;

	if (take_number(args, what, UINT32_MAX, &wide))
		return TROUBLE;
	*number = wide;
	return 0;
}

int take_seconds(struct args *args, double *seconds)
{
	const char *word = take(args, "a number of seconds");
	char *end;

	if (!word)
		return TROUBLE;
	*seconds = strtod(word, &end);
	if (end == word || *end || !isfinite(*seconds) || *seconds < 0.01 ||
	    *seconds > 86400)
		return trouble("'%s' is not 0.01 to 86400 seconds", word);
	return 0;
}

bool type_is_percpu(uint32_t type)
{
	const struct type_row *row = type_row(type);

	return row && row->values == VALUES_PERCPU;
}

bool type_is_outer(uint32_t type)
{
	const struct type_row *row = type_row(type);

	return row && row->values == VALUES_MAPS;
}

/* Keys are numbers that are always there */
bool type_has_indexes(uint32_t type)
{
	const struct type_row *row = type_row(type);

	return row && row->keys == KEYS_INDEX;
}

/* All elements are there always, and cannot be deleted */
bool type_is_array(uint32_t type)
{
	return type_has_indexes(type) && !type_is_outer(type);
}

bool type_is_lru(uint32_t type)
{
	const struct type_row *row = type_row(type);

	return row && row->props & BPFMAP_T_EVICTS;
}

int type_from_name(const char *name)
{
	const char *known;

	for (int type = 1; (known = bpfmap_type_str(type)); type++)
		if (!strcmp(known, name))
			return type;
	return -1;
}

const char *type_name(uint32_t type)
{
	const char *name = bpfmap_type_str(type);

	return name ? name : "unknown";
}

/* @fd is the map's from here on, or closed */
int map_init(struct map *map, int fd)
{
	uint32_t len = sizeof(map->info);
	int err, cpus = 1;

	memset(map, 0, sizeof(*map));
	map->fd = fd;
	err = bpfmap_get_info_by_fd(fd, &map->info, &len);
	if (err) {
		close(fd);
		return trouble("cannot get information: %s", error_text(err));
	}
	map->stride = map->info.value_size;
	if (type_is_percpu(map->info.type)) {
		cpus = bpfmap_num_possible_cpus();
		if (cpus < 0) {
			close(fd);
			return trouble("cannot count the CPUs: %s",
				       error_text(cpus));
		}
		map->stride = (map->stride + 7) & ~(size_t)7;
	}
	map->cpus = cpus;
	map->value_bytes = map->stride * cpus;
	return 0;
}

void map_close(struct map *map)
{
	if (map->fd >= 0)
		close(map->fd);
	map->fd = -1;
}

/* Explain a failure to open a map, as far as the errno tells */
static int open_trouble(int err, const char *how, const char *what)
{
	if (access("/dev/bpfmap", F_OK) && errno == ENOENT)
		return trouble("there is no /dev/bpfmap: is the module loaded?");
	if (access("/dev/bpfmap", R_OK | W_OK) && errno == EACCES)
		return trouble("you may not open /dev/bpfmap");
	if (err == -EPERM && strcmp(how, "pinned"))
		return trouble("ids and names need CAP_SYS_ADMIN: use \"pinned FILE\"");
	if (err == -EPERM)
		return trouble("%s %s: no pin has a dot in its path", how, what);
	if (err == -EACCES)
		return trouble("%s %s: not a pin, or it does not permit this",
			       how, what);
	return trouble("%s %s: %s", how, what,
		       err == -ENOENT ? "no such map" : error_text(err));
}

static int open_id(uint32_t id, uint32_t open_flags)
{
	BPFMAP_OPTS(bpfmap_get_fd_by_id_opts, opts,
		    .open_flags = open_flags == OPEN_MOST ? 0 : open_flags);

	return bpfmap_get_fd_by_id_opts(id, &opts);
}

static int add_map(struct map **maps, size_t *count, int fd)
{
	struct map *more;

	more = realloc(*maps, (*count + 1) * sizeof(**maps));
	if (!more)
		abort();
	*maps = more;
	if (map_init(&more[*count], fd))
		return TROUBLE;
	++*count;
	return 0;
}

/* Maps named @name, or all of them if that is NULL */
static int add_named(const char *name, uint32_t open_flags, struct map **maps,
		     size_t *count)
{
	uint32_t id = 0;
	int err, fd;

	while (!(err = bpfmap_get_next_id(id, &id))) {
		fd = open_id(id, open_flags);
		if (fd == -ENOENT)
			continue;	/* gone meanwhile */
		if (fd < 0)
			return open_trouble(fd, "id", "of a map");
		if (add_map(maps, count, fd))
			return TROUBLE;
		if (name && strcmp((*maps)[*count - 1].info.name, name))
			map_close(&(*maps)[--*count]);
	}
	/* ENOENT stands for the end, and for a device that is not there */
	if (err != -ENOENT || access("/dev/bpfmap", F_OK))
		return open_trouble(err, "maps", "by id");
	if (name && !*count)
		return trouble("name %s: no such map", name);
	return 0;
}

static int open_pinned(const char *path, uint32_t open_flags)
{
	BPFMAP_OPTS(bpfmap_obj_get_opts, opts, .file_flags = open_flags);

	return bpfmap_obj_get_opts(path, &opts);
}

static int open_pinned_most(const char *path)
{
	static const uint32_t modes[] = { 0, BPFMAP_F_RDONLY, BPFMAP_F_WRONLY };
	int fd = -EACCES;

	/* EROFS: a read-only file system permits reading */
	for (size_t i = 0; i < ARRAY_SIZE(modes); i++) {
		fd = open_pinned(path, modes[i]);
		if (fd != -EACCES && fd != -EROFS)
			break;
	}
	return fd;
}

static int add_pinned(const char *path, uint32_t open_flags, struct map **maps,
		      size_t *count)
{
	int fd = open_flags == OPEN_MOST ? open_pinned_most(path) :
					   open_pinned(path, open_flags);

	if (fd < 0)
		return open_trouble(fd, "pinned", path);
	return add_map(maps, count, fd);
}

/* The maps that "id N", "name NAME" or "pinned PATH" mean; with none, all */
int take_maps(struct args *args, uint32_t open_flags, struct map **maps,
	      size_t *count)
{
	const char *word;
	uint32_t id;
	int fd;

	*maps = NULL;
	*count = 0;
	if (!args->n)
		return add_named(NULL, open_flags, maps, count);
	if (take_word(args, "id")) {
		if (take_u32(args, "a map's id", &id))
			return TROUBLE;
		fd = open_id(id, open_flags);
		if (fd < 0)
			return open_trouble(fd, "id", args->v[-1]);
		return add_map(maps, count, fd);
	}
	if (take_word(args, "name")) {
		word = take(args, "a map's name");
		if (!word)
			return TROUBLE;
		if (strlen(word) >= BPFMAP_NAME_LEN)
			return trouble("name %s: no map has a name this long",
				       word);
		return add_named(word, open_flags, maps, count);
	}
	if (take_word(args, "pinned")) {
		word = take(args, "a pin's path");
		return word ? add_pinned(word, open_flags, maps, count) :
			      TROUBLE;
	}
	return usage_error(args, "'id', 'name' or 'pinned'");
}

int take_map(struct args *args, uint32_t open_flags, struct map *map)
{
	struct map *maps;
	size_t count;
	int status;

	if (!args->n)
		return usage_error(args, "a map: 'id', 'name' or 'pinned'");
	status = take_maps(args, open_flags, &maps, &count);
	if (!status && count == 1) {
		*map = maps[0];
		free(maps);
		return 0;
	}
	for (size_t i = 0; i < count; i++)
		map_close(&maps[i]);
	free(maps);
	return status ? status :
		trouble("%zu maps have this name: say which by id", count);
}

static int take_value(struct args *args, const struct map *map,
		      struct element *elem)
{
	uint32_t fd;

	if (!type_is_outer(map->info.type))
		return take_data(args, "value", map, elem->value,
				 map->info.value_size);
	if (take_map(args, 0, &elem->inner))
		return TROUBLE;
	fd = elem->inner.fd;
	memcpy(elem->value, &fd, sizeof(fd));
	return 0;
}

/* Without "cpu" a value is that of all CPUs */
static void spread_value(const struct map *map, struct element *elem)
{
	if (elem->flags & BPFMAP_F_CPU)
		return;
	for (unsigned int cpu = 1; cpu < map->cpus; cpu++)
		memcpy((char *)elem->value + cpu * map->stride, elem->value,
		       map->info.value_size);
}

static int take_cpu(struct args *args, const struct map *map,
		    struct element *elem)
{
	uint64_t cpu;

	if (!type_is_percpu(map->info.type))
		return trouble("values of this map are not per CPU");
	if (take_number(args, "a CPU's number", UINT32_MAX, &cpu))
		return TROUBLE;
	elem->flags |= BPFMAP_F_CPU | cpu << 32;
	return 0;
}

static int take_part(struct args *args, const struct map *map,
		     unsigned int *want, struct element *elem)
{
	if (*want & WANT_KEY && take_word(args, "key")) {
		*want &= ~WANT_KEY;
		elem->has_key = true;
		return take_data(args, "key", map, elem->key,
				 map->info.key_size);
	}
	if (*want & WANT_VALUE && take_word(args, "value")) {
		*want &= ~WANT_VALUE;
		elem->has_value = true;
		return take_value(args, map, elem);
	}
	if (*want & WANT_CPU && take_word(args, "cpu")) {
		*want &= ~WANT_CPU;
		return take_cpu(args, map, elem);
	}
	if (*want & WANT_FLAGS && take_word(args, "noexist")) {
		*want &= ~WANT_FLAGS;
		elem->flags |= BPFMAP_F_NOEXIST;
		return 0;
	}
	if (*want & WANT_FLAGS && take_word(args, "exist")) {
		*want &= ~WANT_FLAGS;
		elem->flags |= BPFMAP_F_EXIST;
		return 0;
	}
	if (*want & WANT_FLAGS && take_word(args, "any")) {
		*want &= ~WANT_FLAGS;
		return 0;
	}
	if (is_word(args->v[0], "key") || is_word(args->v[0], "value"))
		return trouble("'%s' is not for here, or given twice",
			       args->v[0]);
	return usage_error(args, *want & WANT_KEY ? "'key'" :
			   *want & WANT_VALUE ? "'value'" : "nothing more");
}

/* Parse the remaining words; the caller checks which must be present */
int take_element(struct args *args, const struct map *map, unsigned int want,
		 struct element *elem)
{
	memset(elem, 0, sizeof(*elem));
	elem->inner.fd = -1;
	elem->key = xalloc(map->info.key_size, 1);
	elem->value = xalloc(map->value_bytes, 1);
	if (!map->info.key_size)
		want &= ~WANT_KEY;
	while (args->n)
		if (take_part(args, map, &want, elem))
			return TROUBLE;
	spread_value(map, elem);
	/* The kernel wants to see that no key is meant */
	if (!map->info.key_size) {
		free(elem->key);
		elem->key = NULL;
	}
	return 0;
}

void element_free(struct element *elem)
{
	map_close(&elem->inner);
	free(elem->key);
	free(elem->value);
}
