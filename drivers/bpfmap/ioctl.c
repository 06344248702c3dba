// SPDX-License-Identifier: GPL-2.0-only
/*
 * The commands: from an ioctl to an operation of the map's type
 */
#include <linux/build_bug.h>
#include <linux/capability.h>
#include <linux/fcntl.h>
#include <linux/nospec.h>
#include <linux/rcupdate.h>
#include <linux/uaccess.h>

#include "batch.h"
#include "freeze.h"
#include "ioctl.h"

static long call_batch(struct bpfmap_call *call,
		       int (*op)(struct bpfmap_batch *batch))
{
	struct bpfmap_batch batch = {
		.map = call->map,
		.attr = &call->attr.batch,
		.uattr = call->uattr,
	};

	return op ? op(&batch) : -ENOTSUPP;
}

static long cmd_lookup_batch(struct bpfmap_call *call)
{
	return call_batch(call, call->map->ops->batch->lookup);
}

static long cmd_lookup_and_delete_batch(struct bpfmap_call *call)
{
	return call_batch(call, call->map->ops->batch->lookup_and_delete);
}

static long cmd_update_batch(struct bpfmap_call *call)
{
	return call_batch(call, call->map->ops->batch->update);
}

static long cmd_delete_batch(struct bpfmap_call *call)
{
	return call_batch(call, call->map->ops->batch->delete);
}

/* What the commands on many keys do not use of their attr */
static int check_many(const struct bpfmap_call *call)
{
	const struct bpfmap_batch_attr *attr = &call->attr.batch;

	return attr->in_batch || attr->flags ? -EINVAL : 0;
}

static long cmd_lookup_many(struct bpfmap_call *call)
{
	return call_batch(call, bpfmap_many_lookup);
}

static long cmd_lookup_and_delete_many(struct bpfmap_call *call)
{
	return call_batch(call, bpfmap_many_lookup_and_delete);
}

static long cmd_update_many(struct bpfmap_call *call)
{
	return call_batch(call, bpfmap_many_update);
}

static long cmd_delete_many(struct bpfmap_call *call)
{
	return call_batch(call, bpfmap_many_delete);
}

static long cmd_freeze(struct bpfmap_call *call)
{
	return bpfmap_freeze(call->map);
}

static long cmd_info(struct bpfmap_call *call)
{
	struct bpfmap_info_attr __user *uattr = call->uattr;
	u32 len = call->attr.info.info_len;
	int err;

	err = bpfmap_get_info(call->map, u64_to_user_ptr(call->attr.info.info),
			      &len);
	if (!err && put_user(len, &uattr->info_len))
		err = -EFAULT;
	return err;
}

/* Checks that bpf(2) does after the type's allocation */
static int check_created(const struct bpfmap_create_attr *attr)
{
	const u32 both = BPFMAP_F_RDONLY | BPFMAP_F_WRONLY;
	u8 hash[32];

	/* As a type of bpf(2) that has no BTF, on which callers retry */
	if (attr->btf_key_type_id || attr->btf_value_type_id) {
		CLASS(fd, f)(attr->btf_fd);

		return fd_file(f) ? -ENOTSUPP : -EBADF;
	}
	if (attr->excl_prog_hash) {
		/* Names the only program with access; there are none */
		if (attr->excl_prog_hash_size != sizeof(hash))
			return -EINVAL;
		if (copy_from_user(hash, u64_to_user_ptr(attr->excl_prog_hash),
				   sizeof(hash)))
			return -EFAULT;
	} else if (attr->excl_prog_hash_size) {
		return -EINVAL;
	}
	return (attr->map_flags & both) == both ? -EINVAL : 0;
}

static long cmd_create(struct bpfmap_call *call)
{
	struct bpfmap_create_attr *attr = &call->attr.create;
	bool token = attr->map_flags & BPFMAP_F_TOKEN_FD;
	struct bpfmap *map;
	long ret;

	attr->map_flags &= ~BPFMAP_F_TOKEN_FD;
	map = bpfmap_create_from(attr, NULL, token);
	if (IS_ERR(map))
		return PTR_ERR(map);

	ret = check_created(attr);
	map->exclusive = attr->excl_prog_hash;
	if (!ret)
		ret = bpfmap_publish(map);
	/* Last, because it makes the map visible to user space */
	if (!ret)
		ret = bpfmap_install_fd(map,
					attr->map_flags & (BPFMAP_F_RDONLY |
							   BPFMAP_F_WRONLY));
	bpfmap_put(map);
	return ret;
}

static long cmd_get_next_id(struct bpfmap_call *call)
{
	struct bpfmap_id_attr __user *uattr = call->uattr;
	int id;

	if (call->attr.id.start_id >= INT_MAX)
		return -EINVAL;
	if (!capable(CAP_SYS_ADMIN))
		return -EPERM;
	id = bpfmap_next_id(call->attr.id.start_id + 1);
	if (id < 0)
		return id;
	return put_user(id, &uattr->next_id);
}

static long cmd_get_fd_by_id(struct bpfmap_call *call)
{
	const struct bpfmap_id_attr *attr = &call->attr.id;
	struct bpfmap *map;
	long fd;

	if (attr->open_flags & ~(BPFMAP_F_RDONLY | BPFMAP_F_WRONLY))
		return -EINVAL;
	if (!capable(CAP_SYS_ADMIN))
		return -EPERM;
	if (attr->open_flags == (BPFMAP_F_RDONLY | BPFMAP_F_WRONLY))
		return -EINVAL;

	map = bpfmap_get_by_id(attr->map_id);
	if (!map)
		return -ENOENT;
	fd = bpfmap_install_fd(map, attr->open_flags);
	bpfmap_put(map);
	return fd;
}

/* Checks of the whole attr, which come before anything else */
static int check_obj(const struct bpfmap_obj_attr *attr, u32 flags)
{
	if (attr->file_flags & ~(flags | BPFMAP_F_PATH_FD))
		return -EINVAL;
	if (attr->path_fd && !(attr->file_flags & BPFMAP_F_PATH_FD))
		return -EINVAL;
	return 0;
}

static int obj_dfd(const struct bpfmap_obj_attr *attr)
{
	return attr->file_flags & BPFMAP_F_PATH_FD ? attr->path_fd : AT_FDCWD;
}

static int check_pin(const struct bpfmap_call *call)
{
	return check_obj(&call->attr.obj, 0);
}

static long cmd_pin(struct bpfmap_call *call)
{
	const struct bpfmap_obj_attr *attr = &call->attr.obj;

	return bpfmap_pin(call->map, call->mode, obj_dfd(attr),
			  u64_to_user_ptr(attr->pathname));
}

static long cmd_get_pinned(struct bpfmap_call *call)
{
	const u32 both = BPFMAP_F_RDONLY | BPFMAP_F_WRONLY;
	const struct bpfmap_obj_attr *attr = &call->attr.obj;
	u32 mode = attr->file_flags & both;
	struct bpfmap *map;
	long fd;

	if (attr->bpf_fd || check_obj(attr, both) || mode == both)
		return -EINVAL;

	map = bpfmap_get_pinned(obj_dfd(attr), u64_to_user_ptr(attr->pathname),
				mode);
	if (IS_ERR(map))
		return PTR_ERR(map);
	fd = bpfmap_install_fd(map, mode);
	bpfmap_put(map);
	return fd;
}

/* Bits of struct bpfmap_command's needs */
#define NEEDS_MAP	BIT(0)	/* a descriptor, open in the given modes */
#define NEEDS_READ	BIT(1)
#define NEEDS_WRITE	BIT(2)
#define IS_WRITER	BIT(3)	/* refused while the map is frozen */
#define CLOSED_EBADFD	BIT(4)	/* errno for a closed descriptor */
#define CLOSED_EINVAL	BIT(5)
#define MAY_BE_PARTIAL	BIT(6)	/* may change something even if it fails */
#define FOR_ELEM	BIT(7)	/* its attr is a struct bpfmap_elem_attr */
#define NEEDS_MODE	BIT(8)	/* uses the mode of the descriptor */

/**
 * struct bpfmap_command - a row of the command table
 * @run: the handler
 * @check: checks done before the map is looked up, or NULL
 * @size: end of the last member; bytes after it must be zero
 * @fd_at: offset of the map's descriptor
 * @needs: what the command requires; see above
 */
struct bpfmap_command {
	long (*run)(struct bpfmap_call *call);
	int (*check)(const struct bpfmap_call *call);
	u8 size;
	u8 fd_at;
	u16 needs;
};

/* From the list of commands: SIZE_NAME and FD_NAME, as members of a row */
enum {
#define BPFMAP_COMMAND(NAME, type, last)				\
	SIZE_##NAME = offsetofend(struct bpfmap_##type##_attr, last),
#define BPFMAP_MAP_COMMAND(NAME, type, last, fd)			\
	BPFMAP_COMMAND(NAME, type, last)				\
	FD_##NAME = offsetof(struct bpfmap_##type##_attr, fd),
#include <linux/bpfmap_cmds.h>
#undef BPFMAP_COMMAND
#undef BPFMAP_MAP_COMMAND
};

#define CMD(nr, handler, ...)						\
	[BPFMAP_CMD_##nr] = {						\
		.run = handler,						\
		.size = SIZE_##nr,					\
		__VA_ARGS__						\
	}

/* Rows that run_on_map() and closed_errno() do not handle do not compile */
#define CHECK_NEEDS(bits)						\
	((bits) +							\
	 BUILD_BUG_ON_ZERO((bits) & IS_WRITER && !((bits) & NEEDS_WRITE)) + \
	 BUILD_BUG_ON_ZERO((bits) & IS_WRITER && (bits) & NEEDS_MODE) +	\
	 BUILD_BUG_ON_ZERO((bits) & MAY_BE_PARTIAL && !((bits) & IS_WRITER)) + \
	 BUILD_BUG_ON_ZERO((bits) & CLOSED_EBADFD && (bits) & CLOSED_EINVAL))

/* The descriptor is among the members that copy_attr() sets */
#define MAP_CMD(nr, handler, bits, ...)					\
	CMD(nr, handler,						\
	    .fd_at = FD_##nr +						\
		     BUILD_BUG_ON_ZERO(FD_##nr + sizeof(u32) > SIZE_##nr), \
	    .needs = CHECK_NEEDS(NEEDS_MAP | (bits)), __VA_ARGS__)

/* copy_elem_attr() expects that all of these have a key */
#define ELEM_CMD(nr, handler, bits, ...)				\
	MAP_CMD(nr, handler, FOR_ELEM | (bits) |			\
		BUILD_BUG_ON_ZERO(SIZE_##nr <				\
				  offsetofend(struct bpfmap_elem_attr, key)), \
		__VA_ARGS__)

#define READS	NEEDS_READ
#define WRITES	(NEEDS_WRITE | IS_WRITER)

static const struct bpfmap_command bpfmap_cmds[] = {
	CMD(MAP_CREATE, cmd_create),
	ELEM_CMD(MAP_LOOKUP_ELEM, cmd_lookup, READS),
	ELEM_CMD(MAP_UPDATE_ELEM, cmd_update, WRITES),
	ELEM_CMD(MAP_DELETE_ELEM, cmd_delete, WRITES),
	ELEM_CMD(MAP_GET_NEXT_KEY, cmd_get_next_key, READS),
	ELEM_CMD(MAP_LOOKUP_AND_DELETE_ELEM, cmd_lookup_and_delete,
		 READS | WRITES, .check = check_lookup_and_delete),
	MAP_CMD(MAP_LOOKUP_BATCH, cmd_lookup_batch, READS),
	MAP_CMD(MAP_LOOKUP_AND_DELETE_BATCH, cmd_lookup_and_delete_batch,
		READS | WRITES | MAY_BE_PARTIAL),
	MAP_CMD(MAP_UPDATE_BATCH, cmd_update_batch, WRITES | MAY_BE_PARTIAL),
	MAP_CMD(MAP_DELETE_BATCH, cmd_delete_batch, WRITES | MAY_BE_PARTIAL),
	MAP_CMD(MAP_LOOKUP_MANY, cmd_lookup_many, READS, .check = check_many),
	MAP_CMD(MAP_LOOKUP_AND_DELETE_MANY, cmd_lookup_and_delete_many,
		READS | WRITES | MAY_BE_PARTIAL, .check = check_many),
	MAP_CMD(MAP_UPDATE_MANY, cmd_update_many, WRITES | MAY_BE_PARTIAL,
		.check = check_many),
	MAP_CMD(MAP_DELETE_MANY, cmd_delete_many, WRITES | MAY_BE_PARTIAL,
		.check = check_many),
	MAP_CMD(MAP_FREEZE, cmd_freeze, NEEDS_WRITE),
	MAP_CMD(OBJ_GET_INFO_BY_FD, cmd_info, CLOSED_EBADFD),
	MAP_CMD(OBJ_PIN, cmd_pin, NEEDS_MODE | CLOSED_EINVAL,
		.check = check_pin),
	CMD(OBJ_GET, cmd_get_pinned),
	CMD(MAP_GET_NEXT_ID, cmd_get_next_id),
	CMD(MAP_GET_FD_BY_ID, cmd_get_fd_by_id),
};

/* Row of a command, safe under speculation; NULL: no such command */
static const struct bpfmap_command *find_cmd(unsigned int nr)
{
	const struct bpfmap_command *cmd;

	if (nr >= ARRAY_SIZE(bpfmap_cmds))
		return NULL;
	cmd = &bpfmap_cmds[array_index_nospec(nr, ARRAY_SIZE(bpfmap_cmds))];
	return cmd->run ? cmd : NULL;
}

/* Copy any attr; what the caller leaves out is zero */
static int copy_any_attr(struct bpfmap_call *call,
			 const struct bpfmap_command *cmd, size_t size)
{
	int err;

	if (size > PAGE_SIZE)
		return -E2BIG;
	err = copy_struct_from_user(&call->attr, sizeof(call->attr),
				    call->uattr, size);
	if (err)
		return err;
	if (!cmd || memchr_inv(call->attr.raw + cmd->size, 0,
			       sizeof(call->attr) - cmd->size))
		return -EINVAL;
	return 0;
}

#define ELEM_ATTR_FULL	sizeof(struct bpfmap_elem_attr)
#define ELEM_ATTR_SHORT	offsetofend(struct bpfmap_elem_attr, next_key)

/*
 * Copy the attr of a command on one element, in full as libbpf sends it, or
 * without flags. Saves 234 of 1237 instructions of an update.
 */
static int copy_elem_attr(struct bpfmap_call *call,
			  const struct bpfmap_command *cmd, size_t size)
{
	const struct bpfmap_elem_attr __user *uattr = call->uattr;
	struct bpfmap_elem_attr *attr = &call->attr.elem;

	might_fault();
	if (!user_read_access_begin(uattr, size))
		return -EFAULT;
	unsafe_get_user(attr->map_fd, &uattr->map_fd, fault);
	unsafe_get_user(attr->key, &uattr->key, fault);
	unsafe_get_user(attr->value, &uattr->value, fault);
	if (size == ELEM_ATTR_FULL)
		unsafe_get_user(attr->flags, &uattr->flags, fault);
	else
		attr->flags = 0;
	user_read_access_end();

	/* Members that the command does not have */
	if (cmd->size <= offsetof(struct bpfmap_elem_attr, value) &&
	    attr->value)
		return -EINVAL;
	if (cmd->size <= offsetof(struct bpfmap_elem_attr, flags) &&
	    attr->flags)
		return -EINVAL;
	return 0;
fault:
	user_read_access_end();
	return -EFAULT;
}

static int copy_attr(struct bpfmap_call *call, const struct bpfmap_command *cmd,
		     size_t size)
{
	if (cmd && cmd->needs & FOR_ELEM &&
	    (size == ELEM_ATTR_FULL || size == ELEM_ATTR_SHORT))
		return copy_elem_attr(call, cmd, size);
	return copy_any_attr(call, cmd, size);
}

static long run_on_map(struct bpfmap_call *call,
		       const struct bpfmap_command *cmd, struct file *file)
{
	long ret;

	call->map = file->private_data;
	if ((cmd->needs & NEEDS_READ && !(file->f_mode & FMODE_READ)) ||
	    (cmd->needs & NEEDS_WRITE && !(file->f_mode & FMODE_WRITE)))
		return -EPERM;
	if (!(cmd->needs & IS_WRITER)) {
		if (cmd->needs & (NEEDS_WRITE | NEEDS_MODE)) {
			call->mode = file->f_mode;
			/* Freezing a frozen map fails like any other write */
			if (cmd->needs & NEEDS_WRITE &&
			    bpfmap_is_frozen(call->map))
				return -EPERM;
		}
		return cmd->run(call);
	}

	ret = bpfmap_write_begin(call->map);
	if (ret)
		return ret;
	ret = cmd->run(call);
	if (call->map->ops->sync_writes &&
	    (!ret || cmd->needs & MAY_BE_PARTIAL))
		synchronize_rcu_expedited();
	bpfmap_write_end(call->map);
	return ret;
}

static int closed_errno(const struct bpfmap_command *cmd)
{
	if (cmd->needs & CLOSED_EINVAL)
		return -EINVAL;
	return cmd->needs & CLOSED_EBADFD ? -EBADFD : -EBADF;
}

static u32 attr_fd(const struct bpfmap_call *call,
		   const struct bpfmap_command *cmd)
{
	u32 fd;

	memcpy(&fd, call->attr.raw + cmd->fd_at, sizeof(fd));
	return fd;
}

/* Check that the ioctl is ours, find the command and copy its attr */
static int ioctl_begin(struct bpfmap_call *call,
		       const struct bpfmap_command **cmd, unsigned int ioc,
		       unsigned long arg)
{
	int err;

	if (_IOC_TYPE(ioc) != BPFMAP_IOC_MAGIC ||
	    _IOC_DIR(ioc) != (_IOC_READ | _IOC_WRITE))
		return -ENOTTY;
	call->uattr = (void __user *)arg;
	*cmd = find_cmd(_IOC_NR(ioc));
	err = copy_attr(call, *cmd, _IOC_SIZE(ioc));
	if (!err && (*cmd)->check)
		err = (*cmd)->check(call);
	return err;
}

/*
 * @map: file of the map whose descriptor was used; NULL: the device's was. Each
 * step is called once, so that the compiler inlines it: saves 35 of 1038
 * instructions of an update.
 */
static long run_ioctl(struct file *map, unsigned int ioc, unsigned long arg)
{
	const struct bpfmap_command *cmd;
	struct bpfmap_call call __bpfmap_uninit;
	struct fd f = {};
	long ret;
	u32 fd;

	ret = ioctl_begin(&call, &cmd, ioc, arg);
	if (ret)
		return ret;
	fd = attr_fd(&call, cmd);
	if (!map) {
		if (!(cmd->needs & NEEDS_MAP))
			return cmd->run(&call);
		f = fdget(fd);
		map = fd_file(f);
		if (!map)
			return closed_errno(cmd);
	} else if (!(cmd->needs & NEEDS_MAP) || fd) {
		/* Commands for no map, or for another, belong to the device */
		return -EINVAL;
	}

	ret = -EINVAL;
	if (map->f_op == &bpfmap_map_fops)
		ret = run_on_map(&call, cmd, map);
	fdput(f);
	return ret;
}

static long bpfmap_device_ioctl(struct file *file, unsigned int ioc,
				unsigned long arg)
{
	return run_ioctl(NULL, ioc, arg);
}

/**
 * bpfmap_map_ioctl() - ioctl() of a map's descriptor
 * @file: the descriptor's
 * @ioc: command and size
 * @arg: the attr
 */
long bpfmap_map_ioctl(struct file *file, unsigned int ioc, unsigned long arg)
{
	return run_ioctl(file, ioc, arg);
}

const struct file_operations bpfmap_device_fops = {
	.owner = THIS_MODULE,
	.open = nonseekable_open,
	.unlocked_ioctl = bpfmap_device_ioctl,
	.compat_ioctl = compat_ptr_ioctl,
};
