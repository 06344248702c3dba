// SPDX-License-Identifier: GPL-2.0-only
/*
 * bpfmapfs: names for maps, under which they outlive their descriptors
 *
 * A regular file here is a pin. Its inode holds a reference to a map. OBJ_PIN
 * creates the inode, and the reference is dropped when the inode goes: the last
 * name is unlinked or the file system is unmounted, and nobody uses it any
 * more. A pin never gives more access than the pinned descriptor had; its inode
 * operations record how much that was. All else is as in the bpf file system of
 * Linux 7.3 (kernel/bpf/inode.c).
 *
 * The VFS serialises all changes (i_rwsem of the directory) and keeps an inode
 * while there is a path to it; no lock of this module is taken.
 *
 * Only root of the initial user namespace may mount it. Any process that can
 * open the device or has a descriptor may pin where directory permissions allow
 * it. But the administrator decides where maps can outlive processes, and which
 * users can access them; for a container, by a bind mount.
 */
#include <linux/fs.h>
#include <linux/fs_context.h>
#include <linux/fs_parser.h>
#include <linux/fs_struct.h>
#include <linux/module.h>
#include <linux/namei.h>
#include <linux/security.h>
#include <linux/seq_file.h>
#include <linux/slab.h>
#include <linux/sysfs.h>

#include "internal.h"

#define PINFS_MOUNT_POINT "bpfmap"	/* under /sys/fs */

/* Properties of the root directory */
struct pinfs_options {
	kuid_t uid;
	kgid_t gid;
	umode_t mode;
};

static const struct inode_operations pinfs_dir_iops;

/* Argument of pinfs_make_pin() */
struct pinfs_pin {
	struct bpfmap *map;
	fmode_t mode;
};

/* Applies whatever the mode bits are, and to root too */
static int pinfs_rdonly_permission(struct mnt_idmap *idmap, struct inode *inode,
				   int mask)
{
	return mask & MAY_WRITE ? -EACCES :
				  generic_permission(idmap, inode, mask);
}

static int pinfs_wronly_permission(struct mnt_idmap *idmap, struct inode *inode,
				   int mask)
{
	return mask & MAY_READ ? -EACCES :
				 generic_permission(idmap, inode, mask);
}

static const struct inode_operations pinfs_rdonly_iops = {
	.permission = pinfs_rdonly_permission,
};

static const struct inode_operations pinfs_wronly_iops = {
	.permission = pinfs_wronly_permission,
};

static const struct inode_operations pinfs_rdwr_iops = {};

static const struct inode_operations *pinfs_pin_iops(fmode_t mode)
{
	if (!(mode & FMODE_WRITE))
		return &pinfs_rdonly_iops;
	return mode & FMODE_READ ? &pinfs_rdwr_iops : &pinfs_wronly_iops;
}

static const struct inode_operations pinfs_symlink_iops = {
	.get_link = simple_get_link,
};

/* As for a bpf(2) map without BTF: there is nothing to show */
static int pinfs_pin_open(struct inode *inode, struct file *file)
{
	return -EIO;
}

/* Identifies the inode of a map */
static const struct file_operations pinfs_pin_fops = {
	.owner = THIS_MODULE,
	.open = pinfs_pin_open,
};

static bool pinfs_is_pin(const struct inode *inode)
{
	return inode->i_fop == &pinfs_pin_fops;
}

static struct inode *pinfs_new_inode(struct super_block *sb, struct inode *dir,
				     umode_t mode)
{
	struct inode *inode = new_inode(sb);

	if (!inode)
		return ERR_PTR(-ENOSPC);
	inode->i_ino = get_next_ino();
	simple_inode_init_ts(inode);
	inode_init_owner(&nop_mnt_idmap, inode, dir, mode);
	return inode;
}

/* Create an inode for the name @dentry in @dir */
static struct inode *pinfs_new_node(struct inode *dir, struct dentry *dentry,
				    umode_t mode)
{
	struct inode *inode = pinfs_new_inode(dir->i_sb, dir, mode);
	int err;

	if (IS_ERR(inode))
		return inode;
	/* No extended attributes: labels come from the policy only */
	err = security_inode_init_security(inode, dir, &dentry->d_name, NULL,
					   NULL);
	if (err && err != -EOPNOTSUPP) {
		iput(inode);
		return ERR_PTR(err);
	}
	return inode;
}

/* Makes the name visible */
static void pinfs_add(struct inode *dir, struct dentry *dentry,
		      struct inode *inode)
{
	d_make_persistent(dentry, inode);
	bpfmap_dir_changed(dir);
}

/* Called by vfs_mkobj(), which has checked the permission */
static int pinfs_make_pin(struct dentry *dentry, umode_t mode, void *arg)
{
	const struct pinfs_pin *pin = arg;
	struct inode *dir = d_inode(dentry->d_parent);
	struct inode *inode = pinfs_new_node(dir, dentry, mode);

	if (IS_ERR(inode))
		return PTR_ERR(inode);
	inode->i_op = pinfs_pin_iops(pin->mode);
	inode->i_fop = &pinfs_pin_fops;
	inode->i_private = bpfmap_get(pin->map);
	pinfs_add(dir, dentry, inode);
	return 0;
}

static bpfmap_mkdir_ret pinfs_mkdir(struct mnt_idmap *idmap, struct inode *dir,
				    struct dentry *dentry, umode_t mode)
{
	struct inode *inode = pinfs_new_node(dir, dentry, S_IFDIR | mode);

	if (IS_ERR(inode))
		return bpfmap_mkdir_result(PTR_ERR(inode));
	inode->i_op = &pinfs_dir_iops;
	inode->i_fop = &simple_dir_operations;
	inc_nlink(inode);
	inc_nlink(dir);
	pinfs_add(dir, dentry, inode);
	return bpfmap_mkdir_result(0);
}

static int pinfs_symlink(struct mnt_idmap *idmap, struct inode *dir,
			 struct dentry *dentry, const char *target)
{
	struct inode *inode = pinfs_new_node(dir, dentry, S_IFLNK | 0777);

	if (IS_ERR(inode))
		return PTR_ERR(inode);
	inode->i_op = &pinfs_symlink_iops;
	inode->i_link = kstrdup(target, GFP_KERNEL_ACCOUNT | __GFP_NOWARN);
	if (!inode->i_link) {
		iput(inode);
		return -ENOMEM;
	}
	inode->i_size = strlen(target);
	pinfs_add(dir, dentry, inode);
	return 0;
}

/* As in the bpf file system, names with a dot are reserved and do not exist */
static struct dentry *pinfs_lookup(struct inode *dir, struct dentry *dentry,
				   unsigned int flags)
{
	if (strchr(dentry->d_name.name, '.'))
		return ERR_PTR(-EPERM);
	return simple_lookup(dir, dentry, flags);
}

static const struct inode_operations pinfs_dir_iops = {
	.lookup = pinfs_lookup,
	.mkdir = pinfs_mkdir,
	.rmdir = simple_rmdir,
	.symlink = pinfs_symlink,
	.link = simple_link,
	.unlink = simple_unlink,
	.rename = simple_rename,
};

/* No path leads here any more */
static void pinfs_destroy_inode(struct inode *inode)
{
	if (pinfs_is_pin(inode))
		bpfmap_put(inode->i_private);
}

/* Called after a grace period: an RCU path walk may still read the link */
static void pinfs_free_inode(struct inode *inode)
{
	if (S_ISLNK(inode->i_mode))
		kfree(inode->i_link);
	free_inode_nonrcu(inode);
}

static int pinfs_show_options(struct seq_file *m, struct dentry *root)
{
	const struct inode *inode = d_inode(root);
	umode_t mode = inode->i_mode & S_IALLUGO & ~S_ISVTX;

	if (!uid_eq(inode->i_uid, GLOBAL_ROOT_UID))
		seq_printf(m, ",uid=%u",
			   from_kuid_munged(&init_user_ns, inode->i_uid));
	if (!gid_eq(inode->i_gid, GLOBAL_ROOT_GID))
		seq_printf(m, ",gid=%u",
			   from_kgid_munged(&init_user_ns, inode->i_gid));
	if (mode != 0777)
		seq_printf(m, ",mode=%o", mode);
	return 0;
}

static const struct super_operations pinfs_super_ops = {
	.statfs = simple_statfs,
	.show_options = pinfs_show_options,
	.destroy_inode = pinfs_destroy_inode,
	.free_inode = pinfs_free_inode,
};

static int pinfs_fill_super(struct super_block *sb, struct fs_context *fc)
{
	const struct pinfs_options *opts = fc->fs_private;
	struct inode *root;

	sb->s_blocksize = PAGE_SIZE;
	sb->s_blocksize_bits = PAGE_SHIFT;
	sb->s_maxbytes = MAX_LFS_FILESIZE;
	sb->s_magic = BPFMAPFS_MAGIC;
	sb->s_op = &pinfs_super_ops;
	sb->s_iflags |= SB_I_NOEXEC | SB_I_NODEV;
	sb->s_time_gran = 1;

	root = pinfs_new_inode(sb, NULL, S_IFDIR | S_ISVTX | opts->mode);
	if (IS_ERR(root))
		return PTR_ERR(root);
	root->i_ino = 1;
	root->i_uid = opts->uid;
	root->i_gid = opts->gid;
	root->i_op = &pinfs_dir_iops;
	root->i_fop = &simple_dir_operations;
	set_nlink(root, 2);

	/* Consumes the inode, also on failure */
	sb->s_root = d_make_root(root);
	return sb->s_root ? 0 : -ENOMEM;
}

enum {
	PINFS_UID,
	PINFS_GID,
	PINFS_MODE,
};

static const struct fs_parameter_spec pinfs_parameters[] = {
	fsparam_u32("uid", PINFS_UID),
	fsparam_u32("gid", PINFS_GID),
	fsparam_u32oct("mode", PINFS_MODE),
	{}
};

static int pinfs_parse_param(struct fs_context *fc, struct fs_parameter *param)
{
	struct pinfs_options *opts = fc->fs_private;
	struct fs_parse_result result;
	int opt = fs_parse(fc, pinfs_parameters, param, &result);
	kuid_t uid;
	kgid_t gid;

	/* The caller handles "source" and refuses unknown parameters */
	if (opt < 0)
		return opt;

	switch (opt) {
	case PINFS_UID:
		uid = make_kuid(fc->user_ns, result.uint_32);
		if (!uid_valid(uid))
			return invalfc(fc, "Bad value for '%s'", param->key);
		opts->uid = uid;
		break;
	case PINFS_GID:
		gid = make_kgid(fc->user_ns, result.uint_32);
		if (!gid_valid(gid))
			return invalfc(fc, "Bad value for '%s'", param->key);
		opts->gid = gid;
		break;
	case PINFS_MODE:
		opts->mode = result.uint_32 & S_IALLUGO;
		break;
	}
	return 0;
}

static int pinfs_get_tree(struct fs_context *fc)
{
	return get_tree_nodev(fc, pinfs_fill_super);
}

static void pinfs_free_fc(struct fs_context *fc)
{
	kfree(fc->fs_private);
}

static const struct fs_context_operations pinfs_context_ops = {
	.free = pinfs_free_fc,
	.parse_param = pinfs_parse_param,
	.get_tree = pinfs_get_tree,
};

static int pinfs_init_fs_context(struct fs_context *fc)
{
	struct pinfs_options *opts = kzalloc(sizeof(*opts), GFP_KERNEL_ACCOUNT);

	if (!opts)
		return -ENOMEM;
	opts->uid = current_fsuid();
	opts->gid = current_fsgid();
	opts->mode = 0777;
	fc->fs_private = opts;
	fc->ops = &pinfs_context_ops;
	return 0;
}

/* No FS_USERNS_MOUNT: see the top of this file */
static struct file_system_type pinfs_type = {
	.owner = THIS_MODULE,
	.name = "bpfmapfs",
	.init_fs_context = pinfs_init_fs_context,
	.parameters = pinfs_parameters,
	.kill_sb = bpfmap_kill_litter,
};
MODULE_ALIAS_FS("bpfmapfs");

/**
 * bpfmap_pin() - pin a map at a path
 * @map: the map; the new inode takes its own reference
 * @mode: of the pinned descriptor: FMODE_READ and FMODE_WRITE are the most
 *	  access that the pin can give
 * @dfd: where a relative path starts: a descriptor or AT_FDCWD
 * @pathname: the new name, which must not exist
 *
 * Return: 0; -EPERM if the directory is not on a bpfmapfs or the name has a
 * dot; -EEXIST, -ENOSPC, or any errno of a path look-up.
 */
int bpfmap_pin(struct bpfmap *map, fmode_t mode, int dfd,
	       const char __user *pathname)
{
	struct pinfs_pin pin = { map, mode };
	struct dentry *dentry;
	struct path path;
	umode_t bits = 0;
	int err;

	dentry = start_creating_user_path(dfd, pathname, &path, 0);
	if (IS_ERR(dentry))
		return PTR_ERR(dentry);

	if (mode & FMODE_READ)
		bits |= 0400;
	if (mode & FMODE_WRITE)
		bits |= 0200;
	bits = S_IFREG | (bits & ~current_umask());
	if (d_inode(path.dentry)->i_op != &pinfs_dir_iops)
		err = -EPERM;
	else
		err = security_path_mknod(&path, dentry, bits, 0);
	if (!err)
		err = vfs_mkobj(dentry, bits, pinfs_make_pin, &pin);
	end_creating_path(&path, dentry);
	return err;
}

/**
 * bpfmap_get_pinned() - get the map that is pinned at a path
 * @dfd: where a relative path starts: a descriptor or AT_FDCWD
 * @pathname: the name; symbolic links are followed
 * @open_flags: 0, BPFMAP_F_RDONLY or BPFMAP_F_WRONLY: the access wanted
 *
 * Return: the map, to be released with bpfmap_put(); ERR_PTR -EACCES if the
 * inode does not permit this, the pinned descriptor had less access, or it is
 * no pin, -EROFS, or any errno of a path look-up.
 */
struct bpfmap *bpfmap_get_pinned(int dfd, const char __user *pathname,
				 unsigned int open_flags)
{
	struct bpfmap *map;
	struct path path;
	int err, mask = 0;

	if (open_flags != BPFMAP_F_WRONLY)
		mask |= MAY_READ;
	if (open_flags != BPFMAP_F_RDONLY)
		mask |= MAY_WRITE;

	err = user_path_at(dfd, pathname, LOOKUP_FOLLOW, &path);
	if (err)
		return ERR_PTR(err);
	err = path_permission(&path, mask);
	if (!err && !pinfs_is_pin(d_backing_inode(path.dentry)))
		err = -EACCES;
	if (err) {
		map = ERR_PTR(err);
	} else {
		/* The path holds the inode, which holds the map */
		map = bpfmap_get(d_backing_inode(path.dentry)->i_private);
		touch_atime(&path);
	}
	path_put(&path);
	return map;
}

int __init bpfmap_pinfs_init(void)
{
	int err = sysfs_create_mount_point(fs_kobj, PINFS_MOUNT_POINT);

	if (err)
		return err;
	err = register_filesystem(&pinfs_type);
	if (err)
		sysfs_remove_mount_point(fs_kobj, PINFS_MOUNT_POINT);
	return err;
}

/*
 * Nothing is mounted: a mount would pin the module. Inodes may still wait for
 * pinfs_free_inode(), and their maps for being freed. bpfmap_lifetime_exit()
 * must be called next; it waits for both.
 */
void bpfmap_pinfs_exit(void)
{
	unregister_filesystem(&pinfs_type);
	sysfs_remove_mount_point(fs_kobj, PINFS_MOUNT_POINT);
}
