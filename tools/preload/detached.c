// SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause
/*
 * A detached mount of bpf(2)'s file system, by fsmount(2), has no name, and a
 * program pins its maps there by descriptor. It gets one of ours for a twin, that
 * has the same names, for as long as the process lives. Pins of programs stay on
 * bpf(2)'s.
 */
#include <fcntl.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "preload.h"

#define BPF_FS_MAGIC 0xcafe4a11
#define TWINS 16

/*
 * Rows are filled in order, under the lock, and never change: a row below
 * twins_used can be read without. The descriptor kept keeps the device number.
 */
static struct twin {
	dev_t dev;
	int kept;
	int root;
} twins[TWINS];

static atomic_uint twins_used;
static pthread_mutex_t twins_lock = PTHREAD_MUTEX_INITIALIZER;

static int find_device(dev_t dev)
{
	unsigned int used = atomic_load(&twins_used), i;

	for (i = 0; i < used; i++)
		if (twins[i].dev == dev)
			return twins[i].root;
	return -1;
}

int twin_find(int dir)
{
	struct stat st;

	if (!atomic_load(&twins_used) || fstat(dir, &st))
		return -1;
	return find_device(st.st_dev);
}

/* Mounts that have a place are in the list of the process' mounts */
static bool is_detached(int dir)
{
	char line[PATH_MAX];
	struct statx stx;
	bool found = false;
	FILE *mounts;

	if (REAL(statx)(dir, "", AT_EMPTY_PATH, STATX_MNT_ID, &stx) ||
	    !(stx.stx_mask & STATX_MNT_ID))
		return false;
	mounts = fopen("/proc/self/mountinfo", "re");
	if (!mounts)
		return false;
	while (!found && fgets(line, sizeof(line), mounts))
		found = strtoull(line, NULL, 10) == stx.stx_mnt_id;
	fclose(mounts);
	return !found;
}

static int new_root(void)
{
	int context = syscall(__NR_fsopen, "bpfmapfs", FSOPEN_CLOEXEC);
	int root = -1;

	if (context < 0)
		return -1;
	if (!syscall(__NR_fsconfig, context, FSCONFIG_CMD_CREATE, NULL, NULL, 0))
		root = syscall(__NR_fsmount, context, FSMOUNT_CLOEXEC, 0);
	close(context);
	return root < 0 ? -1 : high_fd(root);
}

/* The directories on the way to @dir */
static void same_directories(int root, int dir)
{
	char name[PATH_MAX];
	char *end;

	if (!name_of(dir, name))
		return;
	for (end = strchr(name + 1, '/');; end = strchr(end + 1, '/')) {
		if (end)
			*end = '\0';
		if (name[1])
			REAL(mkdirat)(root, name + 1, 0700);
		if (!end)
			return;
		*end = '/';
	}
}

void twin_make(int dir)
{
	int err = errno, root;
	unsigned int used;
	struct statfs fs;
	struct stat st;

	if (dir < 0 || REAL(fstatfs)(dir, &fs) || fs.f_type != BPF_FS_MAGIC ||
	    fstat(dir, &st) || !is_detached(dir))
		goto out;
	pthread_mutex_lock(&twins_lock);
	used = atomic_load(&twins_used);
	root = find_device(st.st_dev);
	if (root < 0 && used < TWINS) {
		root = new_root();
		if (root >= 0) {
			twins[used].dev = st.st_dev;
			twins[used].kept = fcntl(dir, F_DUPFD_CLOEXEC, 500);
			twins[used].root = root;
			atomic_store(&twins_used, used + 1);
		}
	}
	pthread_mutex_unlock(&twins_lock);
	if (root >= 0)
		same_directories(root, dir);
out:
	errno = err;
}
