// SPDX-License-Identifier: GPL-2.0-only
/*
 * Information about a map
 */
#include <crypto/sha2.h>
#include <linux/seq_file.h>
#include <linux/uaccess.h>

#include "internal.h"

static int get_hash(struct bpfmap *map, const struct bpfmap_info *info)
{
	u8 digest[SHA256_DIGEST_SIZE];
	int err;

	if (!info->hash)
		return info->hash_size ? -EINVAL : 0;
	if (!map->ops->hash || info->hash_size != sizeof(digest))
		return -EINVAL;
	err = map->ops->hash(map, digest);
	if (err)
		return err;
	if (copy_to_user(u64_to_user_ptr(info->hash), digest, sizeof(digest)))
		return -EFAULT;
	return 0;
}

/**
 * bpfmap_get_info() - OBJ_GET_INFO_BY_FD
 * @map: the map
 * @uinfo: the caller's buffer
 * @len: in: its size; out: bytes filled
 *
 * Return: 0, -E2BIG if the buffer is longer than a page or not zero behind the
 * last member, -EFAULT, -EINVAL or -EPERM if the hash cannot be computed.
 */
int bpfmap_get_info(struct bpfmap *map, struct bpfmap_info __user *uinfo,
		    u32 *len)
{
	const u32 members = offsetof(struct bpfmap_info, __pad);
	struct bpfmap_info info = {};
	int err;

	if (*len > PAGE_SIZE)
		return -E2BIG;
	if (*len > members) {
		err = check_zeroed_user((u8 __user *)uinfo + members,
					*len - members);
		if (err <= 0)
			return err ?: -E2BIG;
	}
	*len = min_t(u32, *len, sizeof(info));
	if (copy_from_user(&info, uinfo, *len))
		return -EFAULT;
	err = get_hash(map, &info);
	if (err)
		return err;

	/* As in bpf(2), members that are not set here are returned unchanged */
	info.type = map->type;
	info.id = map->id;
	info.key_size = map->key_size;
	info.value_size = map->value_size;
	info.max_entries = map->max_entries;
	info.map_flags = map->flags;
	info.map_extra = map->map_extra;
	info.btf_vmlinux_value_type_id = 0;
	memcpy(info.name, map->name, sizeof(info.name));
	return copy_to_user(uinfo, &info, *len) ? -EFAULT : 0;
}

/**
 * bpfmap_show_fdinfo() - lines of /proc/PID/fdinfo/N, as in bpf(2)
 * @m: output
 * @file: descriptor of a map
 */
void bpfmap_show_fdinfo(struct seq_file *m, struct file *file)
{
	const struct bpfmap *map = file->private_data;

	seq_printf(m,
		   "map_type:\t%u\n"
		   "key_size:\t%u\n"
		   "value_size:\t%u\n"
		   "max_entries:\t%u\n"
		   "map_flags:\t%#x\n"
		   "map_extra:\t%#llx\n"
		   "memlock:\t%llu\n"
		   "map_id:\t%u\n"
		   "frozen:\t%u\n",
		   map->type, map->key_size, map->value_size, map->max_entries,
		   map->flags, map->map_extra, map->ops->mem_usage(map),
		   map->id, bpfmap_is_frozen(map));
}
