/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * All commands: the one list. The tables of the module, the tools and the tests
 * are made from it.
 *
 * Include it after <linux/bpfmap.h>, as often as needed, with one or more of
 * these macros defined:
 *
 * BPFMAP_ATTR(name) - a kind of attr, struct bpfmap_name_attr
 *
 * BPFMAP_COMMAND(NAME, attr, last) - a command that concerns no one map: use it
 * on the device only
 *
 * BPFMAP_MAP_COMMAND(NAME, attr, last, fd) - a command on a map
 * @NAME: its number is BPFMAP_CMD_NAME; its ioctl number, with the size that
 *	  libbpf sends, is BPFMAP_NAME
 * @attr: its kind of attr
 * @last: the last member of it; what comes after it must be zero
 * @fd: the member with the map's descriptor
 *
 * There is no include guard.
 */

#ifdef BPFMAP_ATTR
BPFMAP_ATTR(create)
BPFMAP_ATTR(elem)
BPFMAP_ATTR(batch)
BPFMAP_ATTR(freeze)
BPFMAP_ATTR(id)
BPFMAP_ATTR(info)
BPFMAP_ATTR(obj)
#endif

#ifdef BPFMAP_COMMAND
BPFMAP_COMMAND(MAP_CREATE, create, excl_prog_hash_size)
BPFMAP_COMMAND(OBJ_GET, obj, path_fd)
BPFMAP_COMMAND(MAP_GET_NEXT_ID, id, next_id)
BPFMAP_COMMAND(MAP_GET_FD_BY_ID, id, open_flags)
#endif

#ifdef BPFMAP_MAP_COMMAND
BPFMAP_MAP_COMMAND(MAP_LOOKUP_ELEM, elem, flags, map_fd)
BPFMAP_MAP_COMMAND(MAP_UPDATE_ELEM, elem, flags, map_fd)
BPFMAP_MAP_COMMAND(MAP_DELETE_ELEM, elem, key, map_fd)
BPFMAP_MAP_COMMAND(MAP_GET_NEXT_KEY, elem, next_key, map_fd)
BPFMAP_MAP_COMMAND(MAP_LOOKUP_AND_DELETE_ELEM, elem, flags, map_fd)
BPFMAP_MAP_COMMAND(MAP_LOOKUP_BATCH, batch, flags, map_fd)
BPFMAP_MAP_COMMAND(MAP_LOOKUP_AND_DELETE_BATCH, batch, flags, map_fd)
BPFMAP_MAP_COMMAND(MAP_UPDATE_BATCH, batch, flags, map_fd)
BPFMAP_MAP_COMMAND(MAP_DELETE_BATCH, batch, flags, map_fd)
BPFMAP_MAP_COMMAND(MAP_LOOKUP_MANY, batch, flags, map_fd)
BPFMAP_MAP_COMMAND(MAP_LOOKUP_AND_DELETE_MANY, batch, flags, map_fd)
BPFMAP_MAP_COMMAND(MAP_UPDATE_MANY, batch, flags, map_fd)
BPFMAP_MAP_COMMAND(MAP_DELETE_MANY, batch, flags, map_fd)
BPFMAP_MAP_COMMAND(MAP_FREEZE, freeze, map_fd, map_fd)
BPFMAP_MAP_COMMAND(OBJ_GET_INFO_BY_FD, info, info, bpf_fd)
BPFMAP_MAP_COMMAND(OBJ_PIN, obj, path_fd, bpf_fd)
#endif
