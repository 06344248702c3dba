// SPDX-License-Identifier: GPL-2.0-only
/*
 * outer - see outer.h
 */
#include "outer.h"

int inner_new(void)
{
	int fd = map_new(&kinds[0], 4, 8, 4, 0);

	check_ret(fd, GOT_FD, "MAP_CREATE of an inner map");
	return fd;
}

int outer_create(const struct kind *k, uint32_t max_entries,
		 int template_fd)
{
	return map_create(.map_type = k->type, .key_size = 4, .value_size = 4,
			  .max_entries = max_entries, .map_flags = k->flags,
			  .inner_map_fd = template_fd);
}

int outer_new(const struct kind *k, uint32_t max_entries)
{
	int template = inner_new(), fd = outer_create(k, max_entries, template);

	check_ret(fd, GOT_FD, "MAP_CREATE %s x %u", k->name, max_entries);
	close(template);
	return fd;
}

int outer_put(int outer, uint32_t key, int fd, uint64_t flags)
{
	return map_update(outer, &key, &fd, flags);
}

long outer_id(int outer, uint32_t key)
{
	struct buf id = buf_new(4);
	long ret = map_lookup(outer, &key, id.p, 0);

	if (ret)
		check_untouched(&id, "value of a failed LOOKUP");
	else
		ret = *(uint32_t *)id.p;
	buf_free(&id);
	return ret;
}

bool id_exists(uint32_t id)
{
	int fd = map_get_fd_by_id(id, 0);

	if (fd < 0)
		return false;
	close(fd);
	return true;
}

bool id_vanishes(uint32_t id)
{
	int tries;

	for (tries = 0; tries < 6000 && id_exists(id); tries++)
		usleep(10000);
	return tries < 6000;
}
