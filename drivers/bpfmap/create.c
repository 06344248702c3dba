// SPDX-License-Identifier: GPL-2.0-only
/*
 * Creating a map. The order of the checks is that of bpf(2).
 */
#include <linux/ctype.h>
#include <linux/export.h>
#include <linux/file.h>
#include <linux/percpu.h>

#include "internal.h"

/* The kernel's isalnum() takes Latin-1 letters too, and so does bpf(2) */
static int bpfmap_set_name(struct bpfmap *map, const char *name)
{
	size_t i, len = strnlen(name, BPFMAP_NAME_LEN);

	if (len == BPFMAP_NAME_LEN)
		return -EINVAL;
	for (i = 0; i < len; i++)
		if (!isalnum(name[i]) && name[i] != '_' && name[i] != '.')
			return -EINVAL;
	memcpy(map->name, name, len);
	return 0;
}

static int bpfmap_check_numa(const struct bpfmap_create_attr *attr)
{
	int node = attr->numa_node;

	if (!(attr->map_flags & BPFMAP_F_NUMA_NODE) || node == NUMA_NO_NODE)
		return 0;
	if (!bpfmap_node_online(node))
		return -EINVAL;
	return 0;
}

/* Checks that bpf(2) does before those of the type */
static int bpfmap_check_common(const struct bpfmap_create_attr *attr)
{
	const struct bpfmap_ops *ops;

	if (attr->btf_vmlinux_value_type_id)
		return -EINVAL;
	if (attr->btf_key_type_id && !attr->btf_value_type_id)
		return -EINVAL;
	ops = bpfmap_type_ops(attr->map_type);
	if (attr->map_extra && !(ops && ops->map_extra))
		return -EINVAL;
	return bpfmap_check_numa(attr);
}

/* The module cannot tell whether a descriptor is a BPF token */
static int bpfmap_check_token(int fd)
{
	CLASS(fd, f)(fd);

	return fd_file(f) ? -EINVAL : -EBADF;
}

/**
 * bpfmap_create_from() - create a map without an id, which nobody can find yet
 * @attr: as in bpfmap_create(), but descriptor flags are ignored
 * @like: example of the inner maps; NULL: the map at @attr's inner_map_fd
 * @token: BPFMAP_F_TOKEN_FD was set, which @attr no longer contains
 *
 * Return: the map with one reference, or an ERR_PTR.
 */
struct bpfmap *bpfmap_create_from(const struct bpfmap_create_attr *attr,
				  const struct bpfmap *like, bool token)
{
	struct bpfmap_inner_map_meta meta = {};
	const struct bpfmap_ops *ops;
	struct bpfmap *map;
	int err;

	err = bpfmap_check_common(attr);
	if (err)
		return ERR_PTR(err);
	ops = bpfmap_type_ops(attr->map_type);
	if (!ops)
		return ERR_PTR(-EINVAL);
	err = ops->check(attr);
	if (err)
		return ERR_PTR(err);
	err = token ? bpfmap_check_token(attr->map_token_fd) : 0;
	if (err)
		return ERR_PTR(err);
	/* Offload is not supported */
	if (attr->map_ifindex)
		return ERR_PTR(-EINVAL);

	if (ops->set_inner) {
		err = bpfmap_inner_map_meta_init(&meta, like,
						 attr->inner_map_fd);
		if (err)
			return ERR_PTR(err);
	}
	map = ops->alloc(attr);
	if (IS_ERR(map))
		return map;
	map->inner_map_meta = meta;
	map->writers = alloc_percpu_gfp(struct bpfmap_writers,
					GFP_KERNEL_ACCOUNT | __GFP_NOWARN);
	err = map->writers ? bpfmap_charge_init(map) : -ENOMEM;
	if (!err)
		err = bpfmap_set_name(map, attr->map_name);
	if (err) {
		bpfmap_free(map);
		return ERR_PTR(err);
	}
	return map;
}

static struct bpfmap *bpfmap_create_like(const struct bpfmap_create_attr *attr,
					 const struct bpfmap *like)
{
	struct bpfmap *map;
	int err;

	if (attr->map_flags &
		    (BPFMAP_F_RDONLY | BPFMAP_F_WRONLY | BPFMAP_F_TOKEN_FD) ||
	    attr->excl_prog_hash || attr->excl_prog_hash_size || attr->__pad ||
	    attr->btf_key_type_id || attr->btf_value_type_id)
		return ERR_PTR(-EINVAL);

	map = bpfmap_create_from(attr, like, false);
	if (IS_ERR(map))
		return map;
	err = bpfmap_publish(map);
	if (err) {
		bpfmap_put(map);
		return ERR_PTR(err);
	}
	return map;
}

/**
 * bpfmap_create() - create a map
 * @attr: as in BPFMAP_MAP_CREATE, except what belongs to a descriptor: flags
 *	  BPFMAP_F_RDONLY, BPFMAP_F_WRONLY, BPFMAP_F_TOKEN_FD, and
 *	  excl_prog_hash
 *
 * Memory is charged to the running task's memory cgroup.
 *
 * Context: Process context. May sleep.
 * Return: the map, to be released with bpfmap_put(), or an ERR_PTR with the
 * errno of the command.
 */
struct bpfmap *bpfmap_create(const struct bpfmap_create_attr *attr)
{
	return bpfmap_create_like(attr, NULL);
}
EXPORT_SYMBOL_GPL(bpfmap_create);

/**
 * bpfmap_create_outer() - create a map of maps
 * @attr: as in bpfmap_create(); inner_map_fd is ignored
 * @like: example of the inner maps; not needed afterwards
 *
 * Context: Process context. May sleep.
 * Return: as bpfmap_create(); also -EINVAL if @attr is for another type or
 * @like is a map of maps, -ENOTSUPP if @like cannot be an inner map.
 */
struct bpfmap *bpfmap_create_outer(const struct bpfmap_create_attr *attr,
				   const struct bpfmap *like)
{
	const struct bpfmap_ops *ops = bpfmap_type_ops(attr->map_type);

	if (!ops || !ops->set_inner)
		return ERR_PTR(-EINVAL);
	return bpfmap_create_like(attr, like);
}
EXPORT_SYMBOL_GPL(bpfmap_create_outer);
