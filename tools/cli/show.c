// SPDX-License-Identifier: GPL-2.0-only
/*
 * List maps and their properties
 */
#include <ftw.h>
#include <mntent.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "cli.h"

/* Pins that were found, and the ids of their maps */
struct pin {
	uint32_t id;
	char *path;
};

static struct pin *pins;
static size_t pin_count;

static int see_file(const char *path, const struct stat *st, int flag,
		    struct FTW *ftw)
{
	BPFMAP_OPTS(bpfmap_obj_get_opts, opts, .file_flags = BPFMAP_F_RDONLY);
	struct bpfmap_info info = { 0 };
	uint32_t len = sizeof(info);
	int fd;

	(void)st;
	(void)ftw;
	if (flag != FTW_F)
		return 0;
	fd = bpfmap_obj_get_opts(path, &opts);
	if (fd < 0)
		return 0;	/* not for us to see */
	if (!bpfmap_get_info_by_fd(fd, &info, &len)) {
		pins = realloc(pins, (pin_count + 1) * sizeof(*pins));
		if (!pins)
			abort();
		pins[pin_count].id = info.id;
		pins[pin_count++].path = strdup(path);
	}
	close(fd);
	return 0;
}

/* Of file systems mounted over one another, show only the top one, once */
static bool is_new_root(const char *dir, char ***roots, size_t *count)
{
	struct statfs fs;

	if (statfs(dir, &fs) || fs.f_type != BPFMAPFS_MAGIC)
		return false;
	for (size_t i = 0; i < *count; i++)
		if (!strcmp((*roots)[i], dir))
			return false;
	*roots = realloc(*roots, (*count + 1) * sizeof(**roots));
	if (!*roots)
		abort();
	(*roots)[(*count)++] = strdup(dir);
	return true;
}

static void find_pins(void)
{
	FILE *mounts = setmntent("/proc/self/mounts", "re");
	struct mntent *mount;
	char **roots = NULL;
	size_t count = 0;

	if (!mounts)
		return;
	while ((mount = getmntent(mounts)))
		if (!strcmp(mount->mnt_type, "bpfmapfs") &&
		    is_new_root(mount->mnt_dir, &roots, &count))
			nftw(mount->mnt_dir, see_file, 16, FTW_PHYS | FTW_MOUNT);
	endmntent(mounts);
	while (count)
		free(roots[--count]);
	free(roots);
}

/* A number that the kernel tells of a descriptor; -1 if it does not */
static long long fdinfo(int fd, const char *name)
{
	long long number = -1;
	char path[64], line[128];
	size_t len = strlen(name);
	FILE *file;

	snprintf(path, sizeof(path), "/proc/self/fdinfo/%d", fd);
	file = fopen(path, "re");
	if (!file)
		return -1;
	while (fgets(line, sizeof(line), file))
		if (!strncmp(line, name, len) && line[len] == ':')
			number = strtoll(line + len + 1, NULL, 10);
	fclose(file);
	return number;
}

/* If a path is not UTF-8, add a member with the bytes of each such path */
static void add_pins(struct json_object *obj, uint32_t id)
{
	struct json_object *paths = json_object_new_array();
	struct json_object *hex = json_object_new_array(), *bytes;
	bool strange = false;

	for (size_t i = 0; i < pin_count; i++) {
		if (pins[i].id != id)
			continue;
		json_object_array_add(paths, json_text(pins[i].path));
		bytes = json_text_bytes(pins[i].path);
		json_object_array_add(hex, bytes);
		strange |= !!bytes;
	}
	json_object_object_add(obj, "pinned", paths);
	if (strange)
		json_object_object_add(obj, "pinned_hex", hex);
	else
		json_object_put(hex);
}

static void show_json(const struct map *map)
{
	const struct bpfmap_info *info = &map->info;
	long long memlock = fdinfo(map->fd, "memlock");
	struct json_object *obj = json_header(map);

	json_object_object_add(obj, "bytes_key",
			       json_object_new_int64(info->key_size));
	json_object_object_add(obj, "bytes_value",
			       json_object_new_int64(info->value_size));
	json_object_object_add(obj, "max_entries",
			       json_object_new_int64(info->max_entries));
	if (memlock >= 0)
		json_object_object_add(obj, "bytes_memlock",
				       json_object_new_int64(memlock));
	json_object_object_add(obj, "frozen",
			       json_object_new_int(fdinfo(map->fd, "frozen") > 0));
	if (info->map_extra)
		json_object_object_add(obj, "map_extra",
				       json_object_new_uint64(info->map_extra));
	if (options.pins)
		add_pins(obj, info->id);
	json_emit(obj);
}

static void show_plain(const struct map *map)
{
	long long memlock = fdinfo(map->fd, "memlock");

	print_header(map);
	printf("\tkey %uB  value %uB  max_entries %u", map->info.key_size,
	       map->info.value_size, map->info.max_entries);
	if (memlock >= 0)
		printf("  memlock %lldB", memlock);
	for (size_t i = 0; i < pin_count; i++)
		if (pins[i].id == map->info.id) {
			fputs("\n\tpinned ", stdout);
			put_text(pins[i].path);
		}
	if (fdinfo(map->fd, "frozen") > 0)
		printf("\n\tfrozen");
	putchar('\n');
}

int verb_show(struct args *args)
{
	bool all = !args->n;
	struct map *maps;
	size_t count;
	int status;

	status = take_maps(args, BPFMAP_F_RDONLY, &maps, &count);
	if (!status)
		status = no_more(args);
	if (!status && options.pins)
		find_pins();
	if (!status && options.json && (all || count > 1))
		json_begin();
	for (size_t i = 0; i < count; i++) {
		if (!status && options.json)
			show_json(&maps[i]);
		else if (!status)
			show_plain(&maps[i]);
		map_close(&maps[i]);
	}
	if (!status && options.json && (all || count > 1))
		json_end();
	free(maps);
	for (size_t i = 0; i < pin_count; i++)
		free(pins[i].path);
	free(pins);
	return status;
}
