// SPDX-License-Identifier: GPL-2.0-only
/*
 * Every way to name a pin: absolute, relative, by a directory's descriptor, on a
 * detached mount, and the functions of libc that work on it. This is a program of
 * bpf(2)'s users: alone it tests that, with the library to preload it tests that
 * library.
 *
 * Argument: a directory on bpf(2)'s file system (/sys/fs/bpf)
 */
#include <dirent.h>
#include <dlfcn.h>
#include <fcntl.h>
#include <limits.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/vfs.h>
#include <unistd.h>
#include <linux/bpfmap.h>

#include "check.h"

#define PTR(p) ((uint64_t)(uintptr_t)(p))
#define BPF_FS_MAGIC 0xcafe4a11

static const char *root = "/sys/fs/bpf";
static bool path_fds;		/* since 6.5 */

static int bpf(int cmd, void *attr, unsigned int size)
{
	return syscall(__NR_bpf, cmd, attr, size);
}

static int create(void)
{
	struct bpfmap_create_attr attr = {
		.map_type = BPFMAP_TYPE_ARRAY, .key_size = 4, .value_size = 4,
		.max_entries = 1, .map_name = "pins",
	};

	return bpf(BPFMAP_CMD_MAP_CREATE, &attr, 92);
}

/* With a descriptor, or AT_FDCWD without the flag */
static int pin(int map, int dir, const char *path)
{
	struct bpfmap_obj_attr attr = { .pathname = PTR(path), .bpf_fd = map };

	if (dir == AT_FDCWD)
		return bpf(BPFMAP_CMD_OBJ_PIN, &attr, 16);
	attr.file_flags = BPFMAP_F_PATH_FD;
	attr.path_fd = dir;
	return bpf(BPFMAP_CMD_OBJ_PIN, &attr, 20);
}

static int get(int dir, const char *path)
{
	struct bpfmap_obj_attr attr = { .pathname = PTR(path) };

	if (dir == AT_FDCWD)
		return bpf(BPFMAP_CMD_OBJ_GET, &attr, 16);
	attr.file_flags = BPFMAP_F_PATH_FD;
	attr.path_fd = dir;
	return bpf(BPFMAP_CMD_OBJ_GET, &attr, 20);
}

/* One descriptor sees what the other one has stored */
static bool same_map(int map, int other)
{
	static uint32_t value;
	uint32_t key = 0, seen = 0;
	struct bpfmap_elem_attr attr = { .map_fd = map, .key = PTR(&key),
					 .value = PTR(&value) };

	value++;
	if (bpf(BPFMAP_CMD_MAP_UPDATE_ELEM, &attr, 32))
		return false;
	attr.map_fd = other;
	attr.value = PTR(&seen);
	return !bpf(BPFMAP_CMD_MAP_LOOKUP_ELEM, &attr, 32) && seen == value;
}

/* OBJ_GET finds @map under the name */
static bool has(int map, int dir, const char *path)
{
	int found = get(dir, path);
	bool same = found >= 0 && same_map(map, found);

	if (found >= 0)
		close(found);
	return same;
}

static const char *in_root(const char *name)
{
	static char names[4][PATH_MAX];
	static unsigned int turn;
	char *path = names[turn++ % 4];

	snprintf(path, PATH_MAX, "%s/%s", root, name);
	return path;
}

static void test_absolute(void)
{
	int map = create();
	char path[PATH_MAX];

	CHECK(map >= 0);
	CHECK(!pin(map, AT_FDCWD, in_root("absolute")));
	CHECK(has(map, AT_FDCWD, in_root("absolute")));
	CHECK(pin(map, AT_FDCWD, in_root("absolute")) && errno == EEXIST);
	snprintf(path, sizeof(path), "%s//./../%s/absolute", root,
		 strrchr(root, '/') + 1);
	CHECK(has(map, AT_FDCWD, path));
	CHECK(!unlink(path));
	CHECK(get(AT_FDCWD, in_root("absolute")) == -1 && errno == ENOENT);
	CHECK(pin(map, AT_FDCWD, in_root("with.dot")) && errno == EPERM);
	CHECK(pin(map, AT_FDCWD, in_root("none/absolute")) && errno == ENOENT);
	close(map);
}

static void test_relative(void)
{
	int map = create(), home = open(".", O_PATH | O_DIRECTORY);
	struct stat st;

	CHECK(!chdir(root));
	CHECK(!pin(map, AT_FDCWD, "relative"));
	CHECK(has(map, AT_FDCWD, "relative") && has(map, AT_FDCWD, "./relative"));
	CHECK(!stat("relative", &st) && S_ISREG(st.st_mode));
	CHECK(!fchdir(home));
	CHECK(has(map, AT_FDCWD, in_root("relative")));
	CHECK(get(AT_FDCWD, "relative") == -1 && errno == ENOENT);
	CHECK(!chdir(root));
	CHECK(!unlink("relative"));
	CHECK(get(AT_FDCWD, "relative") == -1 && errno == ENOENT);
	CHECK(!fchdir(home));
	close(home);
	close(map);
}

static void test_descriptor(void)
{
	int map = create(), dir = open(root, O_PATH);

	CHECK(dir >= 0);
	if (!path_fds) {
		close(dir);
		close(map);
		return;
	}
	CHECK(!pin(map, dir, "by_fd"));
	CHECK(has(map, dir, "by_fd") && has(map, AT_FDCWD, in_root("by_fd")));
	CHECK(has(map, dir, in_root("by_fd")));
	CHECK(pin(map, 1000, "by_fd") && errno == EBADF);
	CHECK(get(1000, "by_fd") == -1 && errno == EBADF);
	CHECK(!unlinkat(dir, "by_fd", 0));
	CHECK(get(dir, "by_fd") == -1 && errno == ENOENT);
	close(dir);
	close(map);
}

static int new_mount(void)
{
	int fs = syscall(__NR_fsopen, "bpf", 0), mount = -1;

	CHECK(fs >= 0);
	CHECK(!syscall(__NR_fsconfig, fs, FSCONFIG_CMD_CREATE, NULL, NULL, 0));
	mount = syscall(__NR_fsmount, fs, 0, 0);
	CHECK(mount >= 0);
	close(fs);
	return mount;
}

/* Two of them have names of their own, and directories */
static void test_detached(void)
{
	int map = create(), map2 = create(), mount, mount2, dir;
	struct statfs fs;

	if (!path_fds)
		goto out;
	mount = new_mount();
	mount2 = new_mount();
	CHECK(!fstatfs(mount, &fs) && (uint32_t)fs.f_type == BPF_FS_MAGIC);
	CHECK(get(mount, "map") == -1 && errno == ENOENT);
	CHECK(!pin(map, mount, "map"));
	CHECK(has(map, mount, "map"));
	CHECK(get(mount2, "map") == -1 && errno == ENOENT);
	CHECK(!pin(map2, mount2, "map"));
	CHECK(has(map2, mount2, "map") && has(map, mount, "map"));
	CHECK(!faccessat(mount, "map", F_OK, 0));
	CHECK(!mkdirat(mount, "dir", 0700));
	dir = openat(mount, "dir", O_PATH | O_DIRECTORY);
	CHECK(dir >= 0);
	CHECK(!pin(map2, dir, "below") && has(map2, mount, "dir/below"));
	CHECK(!unlinkat(dir, "below", 0) && !unlinkat(mount, "dir", AT_REMOVEDIR));
	CHECK(!unlinkat(mount, "map", 0));
	CHECK(get(mount, "map") == -1 && errno == ENOENT);
	close(dir);
	close(mount);
	close(mount2);
out:
	close(map);
	close(map2);
}

static unsigned int count(DIR *dir, const char *name)
{
	unsigned int nr = 0;
	struct dirent *entry;

	errno = EDOM;
	while ((entry = readdir(dir))) {
		nr += !strcmp(entry->d_name, name);
		CHECK(errno == EDOM);
	}
	CHECK(errno == EDOM);
	return nr;
}

static void test_list(void)
{
	int map = create(), fd;
	DIR *dir;

	CHECK(!pin(map, AT_FDCWD, in_root("listed")));
	CHECK(!mkdir(in_root("both"), 0700));
	dir = opendir(root);
	CHECK(dir && count(dir, "listed") == 1);
	rewinddir(dir);
	CHECK(count(dir, "both") == 1);
	rewinddir(dir);
	CHECK(count(dir, ".") == 1 && count(dir, "listed") == 0);
	CHECK(!faccessat(dirfd(dir), "listed", F_OK, 0));
	CHECK(!closedir(dir));
	fd = open(root, O_RDONLY | O_DIRECTORY);
	dir = fdopendir(fd);
	CHECK(dir && count(dir, "listed") == 1);
	CHECK(!closedir(dir));
	CHECK(!remove(in_root("listed")) && !remove(in_root("both")));
	dir = opendir(root);
	CHECK(dir && count(dir, "listed") == 0);
	rewinddir(dir);
	CHECK(count(dir, "both") == 0);
	CHECK(!closedir(dir));
	close(map);
}

static void test_names(void)
{
	int map = create(), map2 = create(), dir = open(root, O_PATH);
	struct statx stx;
	struct stat st;

	CHECK(!pin(map, AT_FDCWD, in_root("one")) && !pin(map2, AT_FDCWD, in_root("two")));
	CHECK(!rename(in_root("one"), in_root("three")));
	CHECK(has(map, AT_FDCWD, in_root("three")));
	CHECK(!renameat(dir, "three", AT_FDCWD, in_root("one")));
	CHECK(renameat2(dir, "one", dir, "two", RENAME_NOREPLACE) && errno == EEXIST);
	CHECK(!renameat2(dir, "one", dir, "four", RENAME_NOREPLACE));
	CHECK(!rename(in_root("four"), in_root("two")));
	CHECK(has(map, AT_FDCWD, in_root("two")));
	CHECK(stat(in_root("four"), &st) && errno == ENOENT);
	CHECK(!link(in_root("two"), in_root("five")));
	CHECK(!fstatat(dir, "five", &st, AT_SYMLINK_NOFOLLOW) && st.st_nlink == 2);
	CHECK(!statx(dir, "five", 0, STATX_BASIC_STATS, &stx) && stx.stx_nlink == 2);
	CHECK(!chmod(in_root("five"), 0640) && !lstat(in_root("two"), &st));
	CHECK((st.st_mode & 0777) == 0640);
	CHECK(!chown(in_root("five"), 1, 2) && !stat(in_root("two"), &st));
	CHECK(st.st_uid == 1 && st.st_gid == 2);
	CHECK(open(in_root("five"), O_RDONLY) == -1 && errno == EIO);
	CHECK(openat(dir, "five", O_RDONLY) == -1 && errno == EIO);
	CHECK(!access(in_root("five"), F_OK) && access(in_root("six"), F_OK));
	CHECK(!unlinkat(dir, "five", 0) && !unlink(in_root("two")));
	CHECK(unlink(in_root("two")) && errno == ENOENT);
	close(dir);
	close(map);
	close(map2);
}

static void test_directories(void)
{
	int map = create(), dir = open(root, O_PATH);

	CHECK(!mkdir(in_root("dir"), 0700) && !mkdirat(dir, "dir/sub", 0700));
	CHECK(mkdir(in_root("dir"), 0700) && errno == EEXIST);
	CHECK(!pin(map, AT_FDCWD, in_root("dir/sub/map")));
	CHECK(rmdir(in_root("dir/sub")) && errno == ENOTEMPTY);
	CHECK(!rename(in_root("dir"), in_root("moved")));
	CHECK(has(map, AT_FDCWD, in_root("moved/sub/map")));
	CHECK(access(in_root("dir"), F_OK));
	CHECK(!unlinkat(dir, "moved/sub/map", 0));
	CHECK(!unlinkat(dir, "moved/sub", AT_REMOVEDIR) && !rmdir(in_root("moved")));
	CHECK(rmdir(in_root("moved")) && errno == ENOENT);
	close(dir);
	close(map);
}

/* Asked for by name, as ctypes asks, libc's syscall() is the same */
static void test_late(void)
{
	void *libc = dlopen("libc.so.6", RTLD_NOW);
	long (*late)(long, ...) = libc ? (long (*)(long, ...))dlsym(libc, "syscall") : NULL;
	struct bpfmap_create_attr attr = {
		.map_type = BPFMAP_TYPE_ARRAY, .key_size = 4, .value_size = 4,
		.max_entries = 1, .map_name = "late",
	};
	struct bpfmap_info_attr info = { 0 };
	int fds[2], ours[2], i;

	CHECK(late);
	CHECK(!dlsym(libc, "no_such_function") && dlerror());
	CHECK(dlsym(RTLD_NEXT, "malloc") && dlsym(RTLD_DEFAULT, "malloc"));
	fds[0] = create();
	fds[1] = late(__NR_bpf, (long)BPFMAP_CMD_MAP_CREATE, &attr, 92L);
	CHECK(fds[0] >= 0 && fds[1] >= 0);
	/* bpf(2)'s maps know no ioctl */
	for (i = 0; i < 2; i++) {
		ours[i] = !ioctl(fds[i], BPFMAP_OBJ_GET_INFO_BY_FD, &info);
		close(fds[i]);
	}
	CHECK(ours[0] == ours[1]);
	dlclose(libc);
}

int main(int argc, char **argv)
{
	struct bpfmap_obj_attr attr = { .file_flags = BPFMAP_F_PATH_FD,
					.path_fd = 1000, .pathname = PTR("x") };
	struct statfs fs;

	if (argc > 1)
		root = argv[1];
	if (statfs(root, &fs) || (uint32_t)fs.f_type != BPF_FS_MAGIC)
		mount("bpf", root, "bpf", 0, NULL);
	path_fds = bpf(BPFMAP_CMD_OBJ_GET, &attr, 20) == -1 && errno == EBADF;
	printf("1..8\n");
	run("absolute names", test_absolute);
	run("relative names", test_relative);
	run(path_fds ? "descriptors" : "descriptors # SKIP bpf(2) has none before 6.5",
	    test_descriptor);
	run(path_fds ? "detached mounts" : "detached mounts # SKIP the same",
	    test_detached);
	run("listing", test_list);
	run("names", test_names);
	run("directories", test_directories);
	run("libc's syscall() by a handle", test_late);
	printf("# %u assertions\n", assertions);
	return failures != 0;
}
