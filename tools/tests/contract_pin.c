// SPDX-License-Identifier: GPL-2.0-only
/*
 * contract_pin - OBJ_PIN and OBJ_GET, and what their file system
 * answers to other system calls
 */
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <sys/time.h>

#include "contract.h"
#include "pin.h"

#define PIN	BPFMAP_CMD_OBJ_PIN
#define GET	BPFMAP_CMD_OBJ_GET
#define RDONLY	BPFMAP_F_RDONLY
#define WRONLY	BPFMAP_F_WRONLY
#define PATH_FD	BPFMAP_F_PATH_FD

static const struct kind *const hash = &kinds[1];

/* The file system and the map of a test, and of those that it calls */
static char dir[32];
static int map;

static const char *at(const char *name)
{
	return pin_path(dir, name);
}

static void begin(void)
{
	umask(0);
	check_ret(pin_mount(dir, NULL), 0, "mount");
	map = map_new(hash, 4, 8, 4, 0);
	check_ret(map, GOT_FD, "MAP_CREATE");
}

static void end(void)
{
	close(map);
	check_ret(pin_umount(dir, 0), 0, "umount");
}

static int call(int cmd, struct bpfmap_obj_attr attr)
{
	union attr a = { .obj = attr };

	return sys_map(cmd, &a, sizeof(a));
}

/* Expect a descriptor, and close it */
static void check_fd(int fd, const char *what)
{
	check_ret(fd, GOT_FD, "%s", what);
	if (fd >= 0)
		close(fd);
}

static bool exists(const char *path)
{
	struct stat st;

	return !lstat(path, &st);
}

static struct stat stat_of(const char *path)
{
	struct stat st = { 0 };

	check_sys(lstat(path, &st), 0, "lstat of %s", path);
	return st;
}

/* ------------------------------------------------------------------------- */
/* Members */

TEST(pin_members, 0)
{
	unsigned int bit;

	begin();
	for (bit = 0; bit < 32; bit++) {
		struct bpfmap_obj_attr a = { .pathname = PTR(at("pin")),
					     .bpf_fd = map,
					     .file_flags = 1U << bit };

		if (1U << bit == PATH_FD)
			continue;
		row("pin.flags", "PIN: file_flags %#x", 1U << bit);
		check_ret(call(PIN, a), -EINVAL, "result");
		a.file_flags |= PATH_FD;
		check_ret(call(PIN, a), -EINVAL, "with PATH_FD");
		a.pathname = PTR(bad_ptr());
		check_ret(call(PIN, a), -EINVAL, "before the path");
	}
	row("pin.path_fd", "PIN: path_fd without PATH_FD");
	check_ret(call(PIN, (struct bpfmap_obj_attr){
		.pathname = PTR(at("pin")), .bpf_fd = map, .path_fd = 5 }),
		-EINVAL, "result");
	check_ret(call(PIN, (struct bpfmap_obj_attr){
		.pathname = PTR(at("pin")), .bpf_fd = map,
		.path_fd = AT_FDCWD }), -EINVAL, "AT_FDCWD");
	check_num(pin_entries(dir), 0, "pins");
	end();
}

TEST(pin_fds, 0)
{
	int fds[] = { closed_fd(), other_fd(), -1 };
	size_t i;

	if (backend() == BACKEND_MAP)
		return;
	begin();
	for (i = 0; i < ARRAY_SIZE(fds); i++) {
		row("pin.fd", "PIN: fd %d", fds[i]);
		check_ret(pin_obj(fds[i], at("pin")), -EINVAL, "result");
		check_ret(pin_obj(fds[i], bad_ptr()), -EINVAL,
			  "before the path is read");
		check_ret(pin_obj(fds[i], "/nowhere/pin"), -EINVAL,
			  "before the path is looked up");
	}
	check_num(pin_entries(dir), 0, "pins");
	end();
}

TEST(get_members, 0)
{
	struct bpfmap_obj_attr a = { 0 };
	unsigned int bit;

	begin();
	check_ret(pin_obj(map, at("pin")), 0, "PIN");
	row("pin.fd", "GET: bpf_fd");
	a.pathname = PTR(at("pin"));
	a.bpf_fd = map;
	check_ret(call(GET, a), -EINVAL, "a map");
	a.bpf_fd = closed_fd();
	check_ret(call(GET, a), -EINVAL, "closed");
	a.pathname = PTR(bad_ptr());
	check_ret(call(GET, a), -EINVAL, "before the path");
	for (bit = 0; bit < 32; bit++) {
		uint32_t flag = 1U << bit;

		if (flag & (RDONLY | WRONLY | PATH_FD))
			continue;
		row("pin.flags", "GET: file_flags %#x", flag);
		check_ret(pin_get(at("pin"), flag), -EINVAL, "result");
		check_ret(pin_get(at("pin"), flag | RDONLY), -EINVAL,
			  "with RDONLY");
		check_ret(pin_get(bad_ptr(), flag), -EINVAL, "before the path");
	}
	row("pin.flags", "GET: RDONLY and WRONLY");
	check_ret(pin_get(at("pin"), RDONLY | WRONLY), -EINVAL, "result");
	check_ret(pin_get(at("none"), RDONLY | WRONLY), -EINVAL, "before ENOENT");
	check_ret(pin_get(bad_ptr(), RDONLY | WRONLY), -EINVAL, "before EFAULT");
	row("pin.path_fd", "GET: path_fd without PATH_FD");
	a = (struct bpfmap_obj_attr){ .pathname = PTR(at("pin")), .path_fd = 5 };
	check_ret(call(GET, a), -EINVAL, "result");
	a.path_fd = AT_FDCWD;
	check_ret(call(GET, a), -EINVAL, "AT_FDCWD");
	end();
}

/* ------------------------------------------------------------------------- */
/* Paths */

static void make_paths(void)
{
	check_ret(pin_obj(map, at("pin")), 0, "PIN");
	check_sys(mkdir(at("sub"), 0755), 0, "mkdir");
	check_sys(symlink("sub", at("link")), 0, "symlink");
	check_sys(symlink("nowhere", at("dangling")), 0, "symlink");
	check_sys(symlink("loop", at("loop")), 0, "symlink");
}

/*
 * What looking for a path answers, whatever it is for; "%" is the file system.
 * [pin.exists], [get.pin]
 */
static const struct {
	const char *path;
	int pin, get;
} path_rows[] = {
	{ "", -ENOENT, -ENOENT },
	{ "/", -EEXIST, -EACCES },
	{ "%", -EEXIST, -EACCES },
	{ "%/", -EEXIST, -EACCES },
	{ "%/.", -EEXIST, -EACCES },
	{ "%/..", -EEXIST, -EACCES },
	{ "%/nowhere/pin", -ENOENT, -ENOENT },
	{ "/nowhere/pin", -ENOENT, -ENOENT },
	{ "%/pin/below", -ENOTDIR, -ENOTDIR },
	{ "%/new/", -ENOENT, -ENOENT },
	{ "%/loop/pin", -ELOOP, -ELOOP },
	{ "%/dangling/pin", -ENOENT, -ENOENT },
	{ "%/pin", -EEXIST, GOT_FD },
	{ "%/pin/", -EEXIST, -ENOTDIR },
	{ "%/sub", -EEXIST, -EACCES },
	{ "%/link", -EEXIST, -EACCES },
	{ "%/link/", -EEXIST, -EACCES },
	{ "%/dangling", -EEXIST, -ENOENT },
	{ "%/loop", -EEXIST, -ELOOP },
	/* dots are for names of another sort: [pin.dot] */
	{ "%/a.b", -EPERM, -EPERM },
	{ "%/.a", -EPERM, -EPERM },
	{ "%/a.", -EPERM, -EPERM },
	{ "%/...", -EPERM, -EPERM },
	{ "%/sub/a.b", -EPERM, -EPERM },
	{ "%/link/a.b", -EPERM, -EPERM },
	{ "%/a.b/pin", -EPERM, -EPERM },
	{ "%/./pin", -EEXIST, GOT_FD },
	{ "%/sub/../pin", -EEXIST, GOT_FD },
	{ "%//pin", -EEXIST, GOT_FD },
	/* other file systems: [pin.fs] */
	{ "/tmp/pin", -EPERM, -ENOENT },
	{ "/tmp/a.b", -EPERM, -ENOENT },
	{ "/dev/pin", -EPERM, -ENOENT },
	{ "/tmp", -EEXIST, -EACCES },
	{ "/dev/null", -EEXIST, -EACCES },
	{ "/proc/self/exe", -EEXIST, -EACCES },
	{ "/proc/self/pin", -ENOENT, -ENOENT },
};

TEST(paths, 0)
{
	char path[PIN_PATH];
	size_t i;

	begin();
	make_paths();
	for (i = 0; i < ARRAY_SIZE(path_rows); i++) {
		const char *p = path_rows[i].path;
		int fd;

		snprintf(path, sizeof(path), "%s%s", *p == '%' ? dir : "",
			 *p == '%' ? p + 1 : p);
		row("pin.path", "PIN to \"%s\"", p);
		check_ret(pin_obj(map, path), path_rows[i].pin, "result");
		row("pin.path", "GET of \"%s\"", p);
		fd = pin_get(path, 0);
		check_ret(fd, path_rows[i].get, "result");
		if (fd >= 0)
			close(fd);
	}
	row("pin.path", "after all of these");
	check_num(pin_entries(dir), 5, "entries");
	check_num(pin_entries(at("sub")), 0, "entries of a directory");
	check(!exists("/tmp/pin"), "no file elsewhere");
	end();
}

TEST(path_pointers, 0)
{
	char *cut = edge_new(40), *name = malloc(5000);

	begin();
	row("pin.read", "path not readable");
	check_ret(pin_obj(map, NULL), -EFAULT, "PIN, NULL");
	check_ret(pin_obj(map, bad_ptr()), -EFAULT, "PIN");
	check_ret(pin_get(NULL, 0), -EFAULT, "GET, NULL");
	check_ret(pin_get(bad_ptr(), 0), -EFAULT, "GET");
	row("pin.read", "path without an end");
	memset(cut, 'x', 40);
	memcpy(cut, dir, strlen(dir));
	cut[strlen(dir)] = '/';
	check_ret(pin_obj(map, cut), -EFAULT, "PIN");
	check_ret(pin_get(cut, 0), -EFAULT, "GET");
	row("pin.read", "path that ends at a page's end");
	cut[39] = '\0';
	check_ret(pin_obj(map, cut), 0, "PIN");
	check_fd(pin_get(cut, 0), "GET");

	row("pin.path", "long names");
	memset(name, 'n', 5000);
	name[sprintf(name, "%s", dir)] = '/';
	name[strlen(dir) + 1 + 255] = '\0';
	check_ret(pin_obj(map, name), 0, "PIN, 255");
	check_fd(pin_get(name, 0), "GET, 255");
	name[strlen(dir) + 1 + 255] = 'n';
	name[strlen(dir) + 1 + 256] = '\0';
	check_ret(pin_obj(map, name), -ENAMETOOLONG, "PIN, 256");
	check_ret(pin_get(name, 0), -ENAMETOOLONG, "GET, 256");
	memset(name, '/', 4096);
	memcpy(name + 4096 - 5, "/pin", 5);
	memcpy(name, dir, strlen(dir));
	check_ret(pin_obj(map, name), 0, "PIN, path of 4095");
	check_fd(pin_get(name, 0), "GET, path of 4095");
	memmove(name + 4096 - 4, "/pin", 5);
	check_ret(pin_obj(map, name), -ENAMETOOLONG, "PIN, path of 4096");
	check_ret(pin_get(name, 0), -ENAMETOOLONG, "GET, path of 4096");
	check_num(pin_entries(dir), 3, "pins");
	free(name);
	edge_free(cut, 40);
	end();
}

TEST(symlinks, 0)
{
	char outside[] = "/tmp/link-XXXXXX", path[PIN_PATH];
	int fd;

	begin();
	make_paths();
	row("pin.relative", "symbolic links");
	check_ret(pin_obj(map, at("link/pin")), 0, "PIN through one");
	check(exists(at("sub/pin")), "where it leads to");
	check_sys(symlink("sub/pin", at("short")), 0, "symlink");
	check_sys(symlink(at("short"), at("absolute")), 0, "symlink");
	check_fd(pin_get(at("short"), 0), "GET of a relative one");
	check_fd(pin_get(at("absolute"), 0), "GET of one to one");
	check(mkdtemp(outside), "mkdtemp");
	snprintf(path, sizeof(path), "%s/to.pin", outside);
	check_sys(symlink(at("pin"), path), 0, "symlink");
	fd = pin_get(path, 0);
	check_ret(fd, GOT_FD, "GET from outside");
	check_num(map_id(fd), map_id(map), "id");
	close(fd);
	check_num(stat_of(path).st_size, strlen(at("pin")), "outside");
	check_num(readlink(at("absolute"), path, sizeof(path)),
		  strlen(at("short")), "readlink");
	unlink(pin_path(outside, "to.pin"));
	rmdir(outside);
	end();
}

/* Relative to descriptors, and to where the process is */
TEST(path_fds, 0)
{
	int cwd = open(".", O_PATH | O_DIRECTORY | O_CLOEXEC), d, file;

	begin();
	make_paths();
	row("pin.relative", "relative to the working directory");
	check_sys(chdir(at("sub")), 0, "chdir");
	check_ret(pin_obj(map, "here"), 0, "PIN");
	check_fd(pin_get("here", 0), "GET");
	check_fd(pin_get("../pin", 0), "GET by ..");
	if (since(6, 12)) {
		row("pin.relative", "AT_FDCWD as path_fd");
		check_fd(pin_get_at(AT_FDCWD, "here", RDONLY), "GET");
		check_ret(pin_obj_at(AT_FDCWD, map, "there"), 0, "PIN");
	}
	check_sys(fchdir(cwd), 0, "fchdir");
	close(cwd);
	if (!since(6, 12)) {
		row("pin.flags", "PATH_FD");
		check_ret(pin_obj_at(AT_FDCWD, map, at("x")), -EINVAL, "PIN");
		check_ret(pin_get_at(AT_FDCWD, at("pin"), 0), -EINVAL, "GET");
		end();
		return;
	}
	d = open(at("sub"), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	file = open(at("pin"), O_PATH | O_CLOEXEC);
	row("pin.relative", "path_fd of a directory");
	check_ret(pin_obj_at(d, map, "by_fd"), 0, "PIN");
	check_ret(pin_obj_at(d, map, "by_fd"), -EEXIST, "PIN again");
	check(exists(at("sub/by_fd")), "where it belongs");
	check_fd(pin_get_at(d, "by_fd", 0), "GET");
	check_fd(pin_get_at(d, "by_fd", RDONLY), "GET, RDONLY");
	check_fd(pin_get_at(d, "../pin", WRONLY), "GET by ..");
	check_ret(pin_get_at(d, "by_fd", RDONLY | WRONLY), -EINVAL, "both modes");
	check_ret(pin_obj_at(d, map, ""), -ENOENT, "PIN, no name");
	check_ret(pin_get_at(d, "", 0), -ENOENT, "GET, no name");
	row("pin.relative", "path_fd and an absolute path");
	check_ret(pin_obj_at(d, map, at("absolute")), 0, "PIN");
	check_ret(pin_obj_at(closed_fd(), map, at("closed")), 0, "PIN, closed");
	check_fd(pin_get_at(closed_fd(), at("closed"), 0), "GET, closed");
	row("pin.base", "path_fd that is no good");
	check_ret(pin_obj_at(closed_fd(), map, "new"), -EBADF, "PIN, closed");
	check_ret(pin_get_at(closed_fd(), "pin", 0), -EBADF, "GET, closed");
	check_ret(pin_obj_at(-1, map, "new"), -EBADF, "PIN, -1");
	check_ret(pin_get_at(-1, "pin", 0), -EBADF, "GET, -1");
	check_ret(pin_obj_at(file, map, "new"), -ENOTDIR, "PIN, a pin");
	check_ret(pin_get_at(file, "pin", 0), -ENOTDIR, "GET, a pin");
	check_ret(pin_obj_at(0, map, "new"), -ENOTDIR, "PIN, descriptor 0");
	check_ret(pin_get_at(0, "pin", 0), -ENOTDIR, "GET, descriptor 0");
	close(d);
	close(file);
	end();
}

/* ------------------------------------------------------------------------- */
/* Pins */

TEST(pin_modes, 0)
{
	static const struct { mode_t mask, want; } rows[] = {
		{ 0, 0600 }, { 022, 0600 }, { 0177, 0600 }, { 0200, 0400 },
		{ 0277, 0400 }, { 0400, 0200 }, { 0777, 0 },
	};
	char name[16];
	size_t i;

	begin();
	for (i = 0; i < ARRAY_SIZE(rows); i++) {
		struct stat st;

		row("pin.mode", "umask %03o", rows[i].mask);
		snprintf(name, sizeof(name), "pin%zu", i);
		umask(rows[i].mask);
		check_ret(pin_obj(map, at(name)), 0, "PIN");
		umask(0);
		st = stat_of(at(name));
		check_num(st.st_mode, S_IFREG | rows[i].want, "mode");
		check_num(st.st_nlink, 1, "links");
		check_num(st.st_size, 0, "size");
		check_num(st.st_uid, 0, "owner");
		check_fd(pin_get(at(name), 0), "GET by root");
	}
	row("pin.mode", "directory with a group of its own");
	check_sys(mkdir(at("group"), 0755), 0, "mkdir");
	check_sys(chown(at("group"), 7, 77), 0, "chown");
	check_sys(chmod(at("group"), 02755), 0, "chmod");
	check_ret(pin_obj(map, at("group/pin")), 0, "PIN");
	check_num(stat_of(at("group/pin")).st_gid, 77, "group");
	check_num(stat_of(at("group/pin")).st_uid, 0, "owner");
	end();
}

TEST(got_modes, K_ALL)
{
	static const struct {
		const char *name;
		uint32_t flags;
		int mode, lookup, update;
	} rows[] = {
		{ "0", 0, O_RDWR, 0, 0 },
		{ "RDONLY", RDONLY, O_RDONLY, 0, -EPERM },
		{ "WRONLY", WRONLY, O_WRONLY, -EPERM, 0 },
	};
	struct tmap t = tmap_new(k, 4, 8, 4);
	struct buf value = buf_new(t.vs);
	uint32_t key = 1;
	size_t i;
	int fd;

	begin();
	tmap_fill(&t, 4);
	check_ret(pin_obj(t.fd, at("pin")), 0, "PIN");
	for (i = 0; i < ARRAY_SIZE(rows); i++) {
		row("get.mode", "%s: GET, file_flags %s", k->name,
		    rows[i].name);
		fd = pin_get(at("pin"), rows[i].flags);
		check_ret(fd, GOT_FD, "result");
		check_num(fcntl(fd, F_GETFL) & O_ACCMODE, rows[i].mode, "mode");
		check_num(fcntl(fd, F_GETFD), FD_CLOEXEC, "close-on-exec");
		check_num(map_id(fd), map_id(t.fd), "id");
		check_ret(map_lookup(fd, &key, value.p, 0), rows[i].lookup,
			  "LOOKUP");
		tmap_value(&t, 9, value.p);
		check_ret(map_update(fd, &key, value.p, 0), rows[i].update,
			  "UPDATE");
		close(fd);
	}
	buf_free(&value);
	tmap_close(&t);
	end();
}

/* Opening the file is no way to the map */
TEST(open_pin, K_ALL)
{
	static const int flags[] = { O_RDONLY, O_WRONLY, O_RDWR,
				     O_RDWR | O_TRUNC, O_RDONLY | O_NONBLOCK,
				     O_RDWR | O_CREAT, O_RDWR | O_APPEND };
	struct tmap t = tmap_new(k, 4, 8, 4);
	size_t i;
	int fd;

	begin();
	check_ret(pin_obj(t.fd, at("pin")), 0, "PIN");
	for (i = 0; i < ARRAY_SIZE(flags); i++) {
		row("fs.open", "%s: open of a pin, flags %#x", k->name,
		    flags[i]);
		check_sys(open(at("pin"), flags[i], 0600), -EIO, "result");
	}
	row("fs.open", "%s: open of a pin, others", k->name);
	check_sys(open(at("pin"), O_RDONLY | O_DIRECTORY), -ENOTDIR,
		  "O_DIRECTORY");
	check_sys(open(at("pin"), O_RDWR | O_CREAT | O_EXCL, 0600),
		  -EEXIST, "O_EXCL");
	check_sys(execl(at("pin"), "pin", NULL), -EACCES, "exec");
	fd = open(at("pin"), O_PATH | O_CLOEXEC);
	check_ret(fd, GOT_FD, "O_PATH");
	if (backend() == BACKEND_DEVICE)
		check_ret(map_lookup(fd, &fd, &fd, 0), -EBADF, "its LOOKUP");
	close(fd);
	check_fd(pin_get(at("pin"), 0), "GET afterwards");
	tmap_close(&t);
	end();
}

TEST(atime, 0)
{
	struct timespec old[2] = { { 1000, 0 }, { 2000, 0 } };

	begin();
	row("get.mode", "atime");
	check_ret(pin_obj(map, at("pin")), 0, "PIN");
	check_sys(utimensat(AT_FDCWD, at("pin"), old, 0), 0, "utimensat");
	check_ret(pin_get(at("pin"), RDONLY | WRONLY), -EINVAL, "GET refused");
	check_num(stat_of(at("pin")).st_atime, 1000, "not touched");
	check_fd(pin_get(at("pin"), RDONLY), "GET");
	check(stat_of(at("pin")).st_atime != 1000, "touched");
	check_num(stat_of(at("pin")).st_mtime, 2000, "mtime");
	end();
}

/* ------------------------------------------------------------------------- */
/* Permissions */

#define NOBODY 65534

static const struct {
	const char *name;
	mode_t mode;
	uid_t uid;
	int want[3];	/* for both, RDONLY, WRONLY */
} permissions[] = {
	{ "p0600", 0600, 0, { -EACCES, -EACCES, -EACCES } },
	{ "p0640", 0640, 0, { -EACCES, -EACCES, -EACCES } },
	{ "p0604", 0604, 0, { -EACCES, GOT_FD, -EACCES } },
	{ "p0602", 0602, 0, { -EACCES, -EACCES, GOT_FD } },
	{ "p0606", 0606, 0, { GOT_FD, GOT_FD, GOT_FD } },
	{ "p0666", 0666, 0, { GOT_FD, GOT_FD, GOT_FD } },
	{ "o0600", 0600, NOBODY, { GOT_FD, GOT_FD, GOT_FD } },
	{ "o0400", 0400, NOBODY, { -EACCES, GOT_FD, -EACCES } },
	{ "o0200", 0200, NOBODY, { -EACCES, -EACCES, GOT_FD } },
	{ "o0000", 0000, NOBODY, { -EACCES, -EACCES, -EACCES } },
	{ "o0066", 0066, NOBODY, { -EACCES, -EACCES, -EACCES } },
	{ "o0177", 0177, NOBODY, { -EACCES, -EACCES, -EACCES } },
};

static void check_access(size_t i, const int *want, const char *who)
{
	static const uint32_t flags[] = { 0, RDONLY, WRONLY };
	static const char *const names[] = { "0", "RDONLY", "WRONLY" };
	size_t j;
	int fd;

	for (j = 0; j < 3; j++) {
		row("get.access", "GET %s as %s: file_flags %s",
		    permissions[i].name, who, names[j]);
		fd = pin_get(at(permissions[i].name), flags[j]);
		check_ret(fd, want[j], "result");
		if (fd >= 0)
			close(fd);
	}
}

static void unprivileged(void *arg)
{
	size_t i;

	(void)arg;
	for (i = 0; i < ARRAY_SIZE(permissions); i++)
		check_access(i, permissions[i].want, "nobody");
	row("pin.dir", "as nobody");
	check_ret(pin_get(at("closed/pin"), RDONLY), -EACCES,
		  "GET in a directory that cannot be searched");
	check_ret(pin_obj(map, at("closed/new")), -EACCES, "PIN there");
	check_ret(pin_obj(map, at("readable/new")), -EACCES,
		  "PIN in a directory that cannot be written");
	check_ret(pin_obj(map, at("readable/pin")), -EEXIST, "EEXIST before it");
	check_ret(pin_get(at("readable"), RDONLY), -EACCES, "GET of a directory");
	check_ret(pin_obj(map, at("readable/a.b")), -EPERM, "a dot before it");
	check_sys(open(at("p0600"), O_RDONLY), -EACCES, "open");
	check_sys(open(at("p0604"), O_RDONLY), -EIO, "open, 0604");
	check_sys(unlink(at("p0666")), -EPERM, "unlink: sticky");
	check_sys(rename(at("p0666"), at("x")), -EPERM, "rename");

	/* bpf(2) closed to this user: that is its first answer */
	check_ret(pin_obj(map, at("mine")), 0, "PIN in the root directory");
	check_num(stat_of(at("mine")).st_uid, NOBODY, "owner");
	check_num(stat_of(at("mine")).st_gid, NOBODY, "group");
	check_num(stat_of(at("mine")).st_mode, S_IFREG | 0600, "mode");
	check_fd(pin_get(at("mine"), 0), "GET of it");
	check_sys(rename(at("mine"), at("own")), 0, "rename of it");
	check_sys(unlink(at("own")), 0, "unlink of it");
}

TEST(other_users, 0)
{
	static const int all[] = { GOT_FD, GOT_FD, GOT_FD };
	size_t i;

	begin();
	for (i = 0; i < ARRAY_SIZE(permissions); i++) {
		const char *path = at(permissions[i].name);

		check_ret(pin_obj(map, path), 0, "PIN");
		check_sys(chmod(path, permissions[i].mode), 0, "chmod");
		check_sys(chown(path, permissions[i].uid, 0), 0, "chown");
	}
	check_sys(mkdir(at("closed"), 0700), 0, "mkdir");
	check_sys(mkdir(at("readable"), 0755), 0, "mkdir");
	check_ret(pin_obj(map, at("closed/pin")), 0, "PIN");
	check_ret(pin_obj(map, at("readable/pin")), 0, "PIN");
	check_sys(chmod(at("closed/pin"), 0666), 0, "chmod");
	as_nobody(unprivileged, NULL);
	for (i = 0; i < ARRAY_SIZE(permissions); i++)
		check_access(i, all, "root");
	end();
}

TEST(read_only, 0)
{
	char bind[] = "/tmp/bind-XXXXXX";

	begin();
	check_ret(pin_obj(map, at("pin")), 0, "PIN");
	row("pin.rofs", "read-only mount");
	check(mkdtemp(bind), "mkdtemp");
	check_sys(mount(dir, bind, NULL, MS_BIND, NULL), 0, "bind");
	check_sys(mount(NULL, bind, NULL, MS_BIND | MS_REMOUNT | MS_RDONLY, NULL),
		  0, "read-only");
	check_ret(pin_obj(map, pin_path(bind, "new")), -EROFS, "PIN");
	check_ret(pin_obj(map, pin_path(bind, "pin")), -EEXIST, "EEXIST first");
	check_ret(pin_obj(map, pin_path(bind, "a.b")), -EPERM, "a dot first");
	check_fd(pin_get(pin_path(bind, "pin"), RDONLY), "GET, RDONLY");
	check_fd(pin_get(pin_path(bind, "pin"), 0), "GET: the inode's matter");
	check_sys(umount2(bind, 0), 0, "umount");
	rmdir(bind);
	row("pin.rofs", "read-only file system");
	check_sys(mount(NULL, dir, NULL, MS_REMOUNT | MS_RDONLY, NULL), 0,
		  "remount");
	check_ret(pin_obj(map, at("new")), -EROFS, "PIN");
	check_ret(pin_get(at("pin"), 0), -EROFS, "GET");
	check_ret(pin_get(at("pin"), WRONLY), -EROFS, "GET, WRONLY");
	check_fd(pin_get(at("pin"), RDONLY), "GET, RDONLY");
	check_ret(pin_get(dir, 0), -EROFS, "GET of a directory");
	check_sys(unlink(at("pin")), -EROFS, "unlink");
	check_sys(mount(NULL, dir, NULL, MS_REMOUNT, NULL), 0, "remount");
	check_fd(pin_get(at("pin"), 0), "GET, writable again");
	end();
}

/* ------------------------------------------------------------------------- */
/* The file system */

static void no_descriptor_left(void *arg)
{
	struct rlimit limit = { 128, 128 };
	int last = -1, next;

	(void)arg;
	setrlimit(RLIMIT_NOFILE, &limit);
	while ((next = dup(0)) >= 0)
		last = next;
	row("get.fds", "no descriptor left");
	check_ret(pin_get(at("pin"), 0), -EMFILE, "GET");
	check_ret(pin_get(at("none"), 0), -ENOENT, "ENOENT before it");
	check_ret(pin_obj(map, at("new")), 0, "PIN");
	close(last);
	check_fd(pin_get(at("new"), 0), "GET with one");
}

TEST(changes, 0)
{
	begin();
	row("fs.names", "names of a pin");
	check_ret(pin_obj(map, at("pin")), 0, "PIN");
	check_sys(link(at("pin"), at("second")), 0, "link");
	check_num(stat_of(at("pin")).st_nlink, 2, "links");
	check_fd(pin_get(at("second"), 0), "GET");
	check_sys(rename(at("pin"), at("renamed")), 0, "rename");
	check_ret(pin_get(at("pin"), 0), -ENOENT, "GET of the old name");
	check_fd(pin_get(at("renamed"), 0), "GET of the new one");
	check_sys(unlink(at("renamed")), 0, "unlink");
	check_num(stat_of(at("second")).st_nlink, 1, "links");
	check_sys(rename(at("second"), at("a.b")), -EPERM,
		  "rename to a name with a dot");
	check_sys(link(at("second"), at("a.b")), -EPERM, "link");
	check_ret(pin_obj(map, at("pin")), 0, "PIN, the name is free");
	check_sys(renameat2(AT_FDCWD, at("second"), AT_FDCWD, at("pin"),
			    RENAME_NOREPLACE), -EEXIST, "RENAME_NOREPLACE");
	check_sys(rename(at("second"), at("pin")), 0, "over a pin");
	check_num(pin_entries(dir), 1, "entries");

	row("fs.names", "directories");
	check_num(stat_of(dir).st_nlink, 2, "links of the root");
	check_sys(mkdir(at("d"), 0750), 0, "mkdir");
	check_num(stat_of(dir).st_nlink, 3, "links of the root");
	check_num(stat_of(at("d")).st_nlink, 2, "links");
	check_num(stat_of(at("d")).st_mode, S_IFDIR | 0750, "mode");
	check_sys(mkdir(at("d"), 0750), -EEXIST, "mkdir again");
	check_sys(mkdir(at("d.d"), 0750), -EPERM, "mkdir, a dot");
	check_sys(symlink("d", at("l.l")), -EPERM, "symlink, a dot");
	check_ret(pin_obj(map, at("d/pin")), 0, "PIN");
	check_sys(rmdir(at("d")), -ENOTEMPTY, "rmdir");
	check_sys(rename(at("d/pin"), at("d2")), 0, "rename out");
	check_sys(rename(at("d"), at("e")), 0, "rename of it");
	check_sys(rename(at("pin"), at("e")), -EISDIR, "a pin to it");
	check_sys(rmdir(at("e")), 0, "rmdir");
	check_num(stat_of(dir).st_nlink, 2, "links of the root");
	check_sys(rmdir(at("pin")), -ENOTDIR, "rmdir of a pin");

	row("fs.create", "other files");
	check_sys(open(at("f"), O_RDWR | O_CREAT, 0600), -EACCES,
		  "open with O_CREAT");
	check_sys(mknod(at("f"), S_IFREG | 0600, 0), -EACCES,
		  "mknod of a file");
	check_sys(mknod(at("f"), S_IFIFO | 0600, 0), -EPERM, "mkfifo");
	check_sys(open(dir, O_RDWR | O_TMPFILE, 0600), -EOPNOTSUPP,
		  "O_TMPFILE");
	check_num(pin_entries(dir), 2, "entries");
	in_child(no_descriptor_left, NULL);
	end();
}

/* Mount options: what the root directory and /proc/mounts say then */
TEST(mounting, 0)
{
	static const struct {
		const char *options, *shown;
		mode_t mode;
		uid_t uid;
		gid_t gid;
		bool new;	/* not in 6.1 */
	} rows[] = {
		{ NULL, " rw,relatime 0 0", 01777, 0, 0, false },
		{ "mode=700", " rw,relatime,mode=700 0 0", 01700, 0, 0, false },
		{ "mode=0755", " rw,relatime,mode=755 0 0", 01755, 0, 0, false },
		{ "uid=7,gid=77,mode=750",
		  " rw,relatime,uid=7,gid=77,mode=750 0 0", 01750, 7, 77, true },
		{ "uid=65534", " rw,relatime,uid=65534 0 0", 01777, 65534, 0,
		  true },
	};
	char line[512], start[64];
	struct statfs fs;
	size_t i;
	FILE *f;

	for (i = 0; i < ARRAY_SIZE(rows); i++) {
		bool found = false;
		struct stat st;

		if (rows[i].new && !since(6, 12))
			continue;
		row("fs.mount", "mount -o %s", rows[i].options ?: "");
		if (check_ret(pin_mount(dir, rows[i].options), 0, "result") == false)
			continue;
		st = stat_of(dir);
		check_num(st.st_mode, S_IFDIR | rows[i].mode, "mode");
		check_num(st.st_uid, rows[i].uid, "owner");
		check_num(st.st_gid, rows[i].gid, "group");
		snprintf(start, sizeof(start), "pins %s %s", dir, pin_fs_type());
		f = fopen("/proc/mounts", "re");
		while (!found && f && fgets(line, sizeof(line), f))
			found = !strncmp(line, start, strlen(start));
		if (f)
			fclose(f);
		line[strcspn(line, "\n")] = '\0';
		check(found && !strcmp(line + strlen(start), rows[i].shown),
		      "/proc/mounts has %s", line);
		check_sys(statfs(dir, &fs), 0, "statfs");
		check_num(fs.f_type, backend() == BACKEND_BPF ? 0xcafe4a11 :
			  BPFMAPFS_MAGIC, "f_type");
		check_ret(pin_umount(dir, 0), 0, "umount");
	}
	if (backend() == BACKEND_BPF)
		return;
	row("fs.mount", "bad mount options");
	check_ret(pin_mount(dir, "nonsense"), -EINVAL, "unknown");
	check_ret(pin_mount(dir, "mode=9"), -EINVAL, "not octal");
	check_ret(pin_mount(dir, "uid=x"), -EINVAL, "no number");
	check_ret(pin_mount(dir, "uid=4294967295"), -EINVAL, "no user");
	check_ret(pin_mount(dir, "gid=4294967295"), -EINVAL, "no group");
}

TEST_MAIN
