// SPDX-License-Identifier: GPL-2.0-only
/*
 * Descriptors of maps: their file operations, and ways from one to the map and
 * back
 */
#include <linux/anon_inodes.h>
#include <linux/export.h>
#include <linux/file.h>
#include <linux/poll.h>

#include "internal.h"

static int bpfmap_map_release(struct inode *inode, struct file *file)
{
	bpfmap_put(file->private_data);
	return 0;
}

/* EINVAL as in bpf(2), unlike the VFS for files without read and write */
static ssize_t bpfmap_map_read(struct file *file, char __user *buf, size_t size,
			       loff_t *pos)
{
	return -EINVAL;
}

static ssize_t bpfmap_map_write(struct file *file, const char __user *buf,
				size_t size, loff_t *pos)
{
	return -EINVAL;
}

static __poll_t bpfmap_map_poll(struct file *file, poll_table *wait)
{
	struct bpfmap *map = file->private_data;

	return map->ops->poll ? map->ops->poll(map, file, wait) : EPOLLERR;
}

const struct file_operations bpfmap_map_fops = {
	.owner = THIS_MODULE,
	.release = bpfmap_map_release,
	.read = bpfmap_map_read,
	.write = bpfmap_map_write,
	.poll = bpfmap_map_poll,
	.mmap = bpfmap_mmap,
	.get_unmapped_area = bpfmap_get_unmapped_area,
	.unlocked_ioctl = bpfmap_map_ioctl,
	.compat_ioctl = compat_ptr_ioctl,
	.show_fdinfo = bpfmap_show_fdinfo,
};

/**
 * bpfmap_get_from_fd() - get the map of a descriptor of the running process
 * @fd: descriptor
 *
 * The mode of the descriptor is not checked: do not give the process more
 * access than it had, by bpfmap_install_fd() or by writing on its behalf.
 *
 * Context: Process context.
 * Return: the map, to be released with bpfmap_put(); ERR_PTR -EBADF if @fd
 * is closed, -EINVAL if it is no map.
 */
struct bpfmap *bpfmap_get_from_fd(int fd)
{
	CLASS(fd, f)(fd);

	if (!fd_file(f))
		return ERR_PTR(-EBADF);
	if (fd_file(f)->f_op != &bpfmap_map_fops)
		return ERR_PTR(-EINVAL);
	return bpfmap_get(fd_file(f)->private_data);
}
EXPORT_SYMBOL_GPL(bpfmap_get_from_fd);

/**
 * bpfmap_install_fd() - open a descriptor for a map in the running process
 * @map: the map; the descriptor takes a reference of its own
 * @open_flags: 0, BPFMAP_F_RDONLY or BPFMAP_F_WRONLY
 *
 * The descriptor is close-on-exec and usable by user space at once.
 *
 * Context: Process context. May sleep.
 * Return: the descriptor, -EINVAL for other flags or both of them, -EMFILE,
 * -ENFILE, -ENOMEM.
 */
int bpfmap_install_fd(struct bpfmap *map, unsigned int open_flags)
{
	int fd, mode = O_RDWR;
	struct file *file;

	if (open_flags == BPFMAP_F_RDONLY)
		mode = O_RDONLY;
	else if (open_flags == BPFMAP_F_WRONLY)
		mode = O_WRONLY;
	else if (open_flags)
		return -EINVAL;

	fd = get_unused_fd_flags(mode | O_CLOEXEC);
	if (fd < 0)
		return fd;
	/* bpf(2)'s name, by which tools recognise map descriptors */
	file = anon_inode_getfile("bpf-map", &bpfmap_map_fops, bpfmap_get(map),
				  mode | O_CLOEXEC);
	if (IS_ERR(file)) {
		put_unused_fd(fd);
		bpfmap_put(map);
		return PTR_ERR(file);
	}
	if (map->ops->mapping)
		file->f_mapping = map->ops->mapping(map);
	fd_install(fd, file);
	return fd;
}
EXPORT_SYMBOL_GPL(bpfmap_install_fd);
