// SPDX-License-Identifier: GPL-2.0-only
/*
 * bpfmap - key/value maps behind /dev/bpfmap
 */
#include <linux/miscdevice.h>
#include <linux/module.h>

#include "internal.h"

static struct miscdevice bpfmap_device = {
	.minor = MISC_DYNAMIC_MINOR,
	.name = "bpfmap",
	.mode = 0600,
	.fops = &bpfmap_device_fops,
};

static int __init bpfmap_module_init(void)
{
	int err;

	err = bpfmap_types_init();
	if (err)
		return err;
	err = bpfmap_arena_init();
	if (err)
		return err;
	err = bpfmap_rhash_init();
	if (err)
		goto err_arena;
	err = bpfmap_lifetime_init();
	if (err)
		goto err_rhash;
	err = bpfmap_pinfs_init();
	if (err)
		goto err_lifetime;
	err = misc_register(&bpfmap_device);
	if (err)
		goto err_pinfs;
	return 0;

err_pinfs:
	bpfmap_pinfs_exit();
err_lifetime:
	bpfmap_lifetime_exit();
err_rhash:
	bpfmap_rhash_exit();
err_arena:
	bpfmap_arena_exit();
	return err;
}

static void __exit bpfmap_module_exit(void)
{
	misc_deregister(&bpfmap_device);
	bpfmap_pinfs_exit();
	bpfmap_lifetime_exit();
	bpfmap_rhash_exit();
	bpfmap_arena_exit();
}

module_init(bpfmap_module_init);
module_exit(bpfmap_module_exit);

MODULE_DESCRIPTION("Key/value maps with the interface of bpf(2)'s");
MODULE_LICENSE("GPL");
MODULE_VERSION(BPFMAP_VERSION);
