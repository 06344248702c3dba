/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * pin - a file system for pins and the commands on it, for the tests of both
 */
#ifndef BPFMAP_TESTS_PIN_H
#define BPFMAP_TESTS_PIN_H

#include "common.h"

#define PIN_PATH 256	/* enough for a path of pin_path() */

/* The file system's type: bpf(2)'s for the tests of the tests */
const char *pin_fs_type(void);

/*
 * A new instance on a new directory, of which the name is stored in @dir[32];
 * and its end, by umount2() with @flags
 */
int pin_mount(char *dir, const char *options);
int pin_umount(const char *dir, int flags);

/* "@dir/@name", in one of a few static buffers */
const char *pin_path(const char *dir, const char *name);

/* OBJ_PIN and OBJ_GET: result or -errno */
int pin_obj(int fd, const char *path);
int pin_get(const char *path, uint32_t flags);
int pin_obj_at(int path_fd, int fd, const char *path);
int pin_get_at(int path_fd, const char *path, uint32_t flags);

/* Entries of a directory, or -errno */
long pin_entries(const char *dir);

#endif /* BPFMAP_TESTS_PIN_H */
