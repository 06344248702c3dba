// SPDX-License-Identifier: GPL-2.0-only
/*
 * ops_fs - calls on the file system of the pins
 *
 * All processes of the fuzzer share one at PINS; each can mount others at
 * MOUNT, in a mount namespace of its own.
 */
#define _GNU_SOURCE
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <string.h>
#include <unistd.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/statfs.h>

#include "fuzz.h"

#define PINS	"/tmp/fuzz/pins"
#define MOUNT	"/tmp/fuzz/mount"
#define LONG	"0123456789012345678901234567890123456789012345678901234567890"

const char *const paths[] = {
	PINS "/a", PINS "/b", PINS "/c", PINS "/dir", PINS "/dir/a",
	PINS "/dir/sub", PINS "/dir/sub/a", PINS "/link", PINS "/link2",
	PINS "/with.dot", PINS "/.hidden", PINS, PINS "/", PINS "/..",
	MOUNT, MOUNT "/a", MOUNT "/dir", MOUNT "/dir/a", MOUNT "/link",
	"a", "dir/a", "../pins/a", "/", "/dev/bpfmap", "/tmp/fuzz/file",
	"/tmp/fuzz/new", "/nowhere/a", PINS "/a/b", PINS "/" LONG LONG LONG LONG LONG,
};

const unsigned int n_paths = ARRAY_SIZE(paths);

static const char *const mount_options[] = {
	NULL, "mode=700", "uid=1000,gid=1000,mode=0755", "mode=07777", "uid=0",
	"mode=9", "uid=x", "uid=4294967295", "gid=4294967295", "size=1",
	"gid=-1", "mode=", "uid=1000", "gid=7,mode=1770",
};

static bool mounted;

static const char *path(uint64_t arg)
{
	return paths[arg % n_paths];
}

/* May it go, without others missing it? */
static bool may_go(const char *name)
{
	return strncmp(name, "/dev", 4) && strcmp(name, MOUNT);
}

long op_mount(struct ctx *c, const uint64_t *a)
{
	if (strncmp(path(a[0]), MOUNT, strlen(MOUNT)))
		return -1;
	mounted = true;
	return mount("pins", path(a[0]), "bpfmapfs",
		     a[2] & (MS_RDONLY | MS_REMOUNT | MS_NOATIME),
		     mount_options[a[1] % ARRAY_SIZE(mount_options)]);
}

/* Not the one that is shared, nor anything else of the machine */
long op_umount(struct ctx *c, const uint64_t *a)
{
	if (strncmp(path(a[0]), MOUNT, strlen(MOUNT)))
		return -1;
	return umount2(path(a[0]), a[1] & (MNT_DETACH | MNT_FORCE));
}

long op_mkdir(struct ctx *c, const uint64_t *a)
{
	return mkdir(path(a[0]), a[1]);
}

long op_rmdir(struct ctx *c, const uint64_t *a)
{
	if (!may_go(path(a[0])))
		return -1;
	return rmdir(path(a[0]));
}

long op_unlink(struct ctx *c, const uint64_t *a)
{
	if (!may_go(path(a[0])))
		return -1;
	return unlink(path(a[0]));
}

long op_rename(struct ctx *c, const uint64_t *a)
{
	if (!may_go(path(a[0])) || !may_go(path(a[1])))
		return -1;
	return renameat2(AT_FDCWD, path(a[0]), AT_FDCWD, path(a[1]), a[2] & 7);
}

long op_link(struct ctx *c, const uint64_t *a)
{
	return linkat(AT_FDCWD, path(a[0]), AT_FDCWD, path(a[1]), 0);
}

long op_symlink(struct ctx *c, const uint64_t *a)
{
	return symlink(path(a[0]), path(a[1]));
}

long op_chmod(struct ctx *c, const uint64_t *a)
{
	if (strncmp(path(a[0]), "/tmp/fuzz", 9))
		return -1;
	if (a[2])
		return chown(path(a[0]), a[2], a[2]);
	return chmod(path(a[0]), a[1] & 07777);
}

long op_open(struct ctx *c, const uint64_t *a)
{
	static const struct shape none;
	int fd = open(path(a[1]), (a[2] & (O_ACCMODE | O_CREAT | O_EXCL | O_PATH |
				   O_DIRECTORY | O_NOFOLLOW)) | O_CLOEXEC, 0600);

	slot_set(a[0], fd, &none);
	return fd;
}

long op_list(struct ctx *c, const uint64_t *a)
{
	DIR *dir = opendir(path(a[0]));
	char target[PATH_MAX];
	struct stat st;
	struct dirent *e;
	int n = 0;

	if (!dir)
		return -1;
	while (n++ < 100 && (e = readdir(dir))) {
		fstatat(dirfd(dir), e->d_name, &st, AT_SYMLINK_NOFOLLOW);
		readlinkat(dirfd(dir), e->d_name, target, sizeof(target));
	}
	closedir(dir);
	return n;
}

long op_statfs(struct ctx *c, const uint64_t *a)
{
	struct statfs st;

	return statfs(path(a[0]), &st);
}

/* Of which the options are the file system's to show */
long op_mounts(struct ctx *c, const uint64_t *a)
{
	int fd = open("/proc/self/mountinfo", O_RDONLY | O_CLOEXEC);
	char buf[8192];
	long n;

	if (fd < 0)
		return -1;
	do {
		n = read(fd, buf, sizeof(buf));
	} while (n > 0);
	close(fd);
	return n;
}

/* Unmount what the program mounted; leave its pins for others to find */
void fs_clean(void)
{
	for (int i = 0; mounted && i < 16 && !umount2(MOUNT, MNT_DETACH); i++)
		;
	mounted = false;
}
