// SPDX-License-Identifier: GPL-2.0-only
/*
 * Lifetime of a map: creation, references, ids, descriptors
 */
#include <linux/anon_inodes.h>
#include <linux/capability.h>
#include <linux/ctype.h>
#include <linux/export.h>
#include <linux/file.h>
#include <linux/memcontrol.h>
#include <linux/xarray.h>

#include "internal.h"

/*
 * Maps by id. The lock is taken with bottom halves off; the xarray must know,
 * since it drops the lock to allocate. A node is charged to the creator of the
 * first map in it.
 */
static DEFINE_XARRAY_FLAGS(bpfmap_ids, XA_FLAGS_ALLOC1 | XA_FLAGS_LOCK_BH |
				       XA_FLAGS_ACCOUNT);
static u32 bpfmap_next_free_id;			/* under the lock of bpfmap_ids */
static struct workqueue_struct *bpfmap_free_wq;

static void bpfmap_free(struct bpfmap *map)
{
	struct bpfmap_writers __percpu *writers = map->writers;
	struct obj_cgroup *objcg = map->objcg;

	mutex_destroy(&map->freeze_mutex);
	map->ops->free(map);
	free_percpu(writers);
	if (objcg)
		obj_cgroup_put(objcg);
}

static void bpfmap_free_work(struct work_struct *work)
{
	bpfmap_free(container_of(to_rcu_work(work), struct bpfmap, free_work));
}

/**
 * bpfmap_init_map() - initialise the common part, first in a type's alloc
 * @map: the common part
 * @attr: the request
 */
void bpfmap_init_map(struct bpfmap *map, const struct bpfmap_create_attr *attr)
{
	map->ops = bpfmap_type_ops(attr->map_type);
	map->type = attr->map_type;
	map->key_size = attr->key_size;
	map->value_size = attr->value_size;
	map->user_size = !map->ops->percpu ? map->value_size :
			 bpfmap_value_stride(map) * num_possible_cpus();
	map->max_entries = attr->max_entries;
	map->flags = attr->map_flags & ~(BPFMAP_F_RDONLY | BPFMAP_F_WRONLY);
	map->numa_node = attr->map_flags & BPFMAP_F_NUMA_NODE ?
			 attr->numa_node : NUMA_NO_NODE;
	map->map_extra = attr->map_extra;
	refcount_set(&map->ref, 1);
	mutex_init(&map->freeze_mutex);
	INIT_RCU_WORK(&map->free_work, bpfmap_free_work);
}

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

/**
 * bpfmap_check_create_flags() - rules for map_flags common to all types
 * @attr: the request
 * @allowed: flags that the type accepts
 *
 * Return: 0 or -EINVAL.
 */
int bpfmap_check_create_flags(const struct bpfmap_create_attr *attr,
			      u32 allowed)
{
	const u32 both = BPFMAP_F_RDONLY_PROG | BPFMAP_F_WRONLY_PROG;

	if (attr->map_flags & ~allowed || (attr->map_flags & both) == both)
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
 * bpfmap_publish() - give a map its id
 * @map: from bpfmap_create_from(), not published yet
 *
 * From here on MAP_GET_FD_BY_ID finds it.
 *
 * Return: 0, -ENOMEM or -ENOSPC.
 */
int bpfmap_publish(struct bpfmap *map)
{
	int err = xa_alloc_cyclic_bh(&bpfmap_ids, &map->id, map,
				     XA_LIMIT(1, INT_MAX - 1),
				     &bpfmap_next_free_id, GFP_KERNEL);

	/* 1 also means success: ids have wrapped */
	if (err >= 0)
		return 0;
	/* On -ENOMEM the id is not reserved: another map may get it */
	map->id = 0;
	return err == -EBUSY ? -ENOSPC : err;
}

#if IS_ENABLED(CONFIG_KUNIT)
/**
 * bpfmap_set_next_id() - set the id to try first for the next map
 * @id: from 1 to INT_MAX - 1
 *
 * For the test of id wrap-around.
 *
 * Return: the previous value.
 */
u32 bpfmap_set_next_id(u32 id)
{
	u32 old;

	xa_lock_bh(&bpfmap_ids);
	old = bpfmap_next_free_id;
	bpfmap_next_free_id = id;
	xa_unlock_bh(&bpfmap_ids);
	return old;
}
EXPORT_SYMBOL_GPL(bpfmap_set_next_id);
#endif

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

	if (attr->map_flags & (BPFMAP_F_RDONLY | BPFMAP_F_WRONLY |
			       BPFMAP_F_TOKEN_FD) ||
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

/**
 * bpfmap_get() - take a reference
 * @map: map to which the caller has a reference
 *
 * Context: Any.
 * Return: @map.
 */
struct bpfmap *bpfmap_get(struct bpfmap *map)
{
	refcount_inc(&map->ref);
	return map;
}
EXPORT_SYMBOL_GPL(bpfmap_get);

/**
 * bpfmap_tryget() - take a reference unless the last one is gone
 * @map: map whose memory is still valid, as that of bpfmap_lookup_inner() is
 *	 until rcu_read_unlock()
 *
 * Context: Any.
 * Return: true with a reference, false if the map is about to be freed.
 */
bool bpfmap_tryget(struct bpfmap *map)
{
	return refcount_inc_not_zero(&map->ref);
}
EXPORT_SYMBOL_GPL(bpfmap_tryget);

/**
 * bpfmap_put() - drop a reference
 * @map: the map
 *
 * Dropping the last one removes the id at once. Memory is freed after a grace
 * period, so that values from bpfmap_lookup_elem() stay valid until
 * rcu_read_unlock().
 *
 * Context: Process and softirq context.
 */
void bpfmap_put(struct bpfmap *map)
{
	if (!refcount_dec_and_test(&map->ref))
		return;
	if (map->id)
		xa_erase_bh(&bpfmap_ids, map->id);
	queue_rcu_work(bpfmap_free_wq, &map->free_work);
}
EXPORT_SYMBOL_GPL(bpfmap_put);

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

/**
 * bpfmap_get_by_id() - get the map with an id
 * @id: any number
 *
 * Return: the map, NULL if there is none or its last reference is gone.
 */
struct bpfmap *bpfmap_get_by_id(u32 id)
{
	struct bpfmap *map;

	/* The lock keeps the map valid: it is erased before it is freed */
	xa_lock_bh(&bpfmap_ids);
	map = xa_load(&bpfmap_ids, id);
	if (map && !bpfmap_tryget(map))
		map = NULL;
	xa_unlock_bh(&bpfmap_ids);
	return map;
}

/**
 * bpfmap_next_id() - the smallest id that is at least @start
 * @start: the number, at most INT_MAX
 *
 * Return: the id, -ENOENT if there is none.
 */
int bpfmap_next_id(u32 start)
{
	unsigned long id = start;

	return xa_find(&bpfmap_ids, &id, INT_MAX, XA_PRESENT) ? id : -ENOENT;
}

int __init bpfmap_lifetime_init(void)
{
	bpfmap_charge_setup();
	bpfmap_free_wq = alloc_workqueue("bpfmap_free", WQ_UNBOUND, 0);
	return bpfmap_free_wq ? 0 : -ENOMEM;
}

/* No map has a reference: descriptors, mounts and modules pin this module */
void bpfmap_lifetime_exit(void)
{
	/*
	 * First wait for grace periods that queue work, of inodes too, then for
	 * the work. Freeing a map of maps starts grace periods of its inner
	 * maps, which contain no maps.
	 */
	rcu_barrier();
	flush_workqueue(bpfmap_free_wq);
	rcu_barrier();
	destroy_workqueue(bpfmap_free_wq);
	xa_destroy(&bpfmap_ids);
}
