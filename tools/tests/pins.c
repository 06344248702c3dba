// SPDX-License-Identifier: GPL-2.0-only
/*
 * Lifetime of pinned maps: over processes, names, mounts and mount namespaces,
 * under load from several threads; and that nothing is left behind: [pin.holds]
 *
 * PINS: how many pins there are at a time, at most (2000)
 */
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdatomic.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include "load.h"
#include "pin.h"

static char dir[32];
static long first_ids, first_refs;

static const char *at(const char *name)
{
	return pin_path(dir, name);
}

static int new_map(void)
{
	int fd = map_new(KIND(K_HASH_NP), 4, 8, 16, 0);

	need(fd >= 0);
	return fd;
}

static int put(int fd, uint32_t key, uint64_t value)
{
	return map_update(fd, &key, &value, 0);
}

static long get(int fd, uint32_t key)
{
	uint64_t value;
	int ret = map_lookup(fd, &key, &value, 0);

	return ret ? ret : (long)value;
}

/* A map that has only its pin; its id */
static uint32_t pinned_map(const char *path, uint64_t value)
{
	int fd = new_map();
	uint32_t id = map_id(fd);

	expect(id > 0);
	expect_eq(put(fd, 1, value), 0);
	expect_eq(pin_obj(fd, path), 0);
	close(fd);
	return id;
}

/* It is there, under this name */
static void expect_pinned(const char *path, uint32_t id, long value)
{
	int fd = pin_get(path, BPFMAP_F_RDONLY);

	expect(fd >= 0);
	expect_eq(map_id(fd), id);
	expect_eq(get(fd, 1), value);
	close(fd);
}

static bool alive(uint32_t id)
{
	int fd = map_get_fd_by_id(id, 0);

	if (fd >= 0)
		close(fd);
	return fd >= 0;
}

/* The last put of a path may come late, by way of a work queue */
static void expect_nothing_left(void)
{
	unsigned long end = load_ms() + LOAD_PATIENCE;

	while ((load_ids(NULL) != first_ids || load_refcnt() != first_refs) &&
	       load_ms() < end)
		load_sleep_ms(5);
	expect_eq(load_ids(NULL), first_ids);
	expect_eq(load_refcnt(), first_refs);
}

static void begin(void)
{
	close(new_map());	/* the device is open from now on */
	load_sleep_ms(20);
	first_ids = load_ids(NULL);
	first_refs = load_refcnt();
	need(pin_mount(dir, NULL) == 0);
	expect(load_refcnt() > first_refs || backend() == BACKEND_BPF);
}

static void end(void)
{
	expect_eq(pin_umount(dir, 0), 0);
	expect_nothing_left();
}

/* ------------------------------------------------------------------------- */
/* Names */

TEST(outlives_process, 0)
{
	uint32_t *made = load_shared(sizeof(*made)), id;
	pid_t pid;

	begin();
	pid = load_fork();
	if (!pid) {
		*made = pinned_map(at("pin"), 4711);
		_exit(0);
	}
	load_child_succeeds(pid);
	id = *made;
	load_sleep_ms(50);
	expect_pinned(at("pin"), id, 4711);
	/* ... also one that does not end by itself */
	pid = load_fork();
	if (!pid) {
		expect_pinned(at("pin"), id, 4711);
		kill(getpid(), SIGKILL);
	}
	expect_eq(waitpid(pid, NULL, 0), pid);
	expect_pinned(at("pin"), id, 4711);
	expect_eq(unlink(at("pin")), 0);
	expect(load_id_gone(id));
	end();
}

TEST(unlinked, 0)
{
	uint32_t id;
	int fd, path;

	begin();
	/* A descriptor from the pin is one like any other */
	id = pinned_map(at("pin"), 1);
	fd = pin_get(at("pin"), 0);
	expect_eq(unlink(at("pin")), 0);
	expect_eq(pin_get(at("pin"), 0), -ENOENT);
	expect_eq(get(fd, 1), 1);
	expect_eq(put(fd, 1, 2), 0);
	expect_eq(pin_obj(fd, at("again")), 0);
	close(fd);
	expect_pinned(at("again"), id, 2);
	/* A path to the file keeps it, and is a way to the map */
	path = open(at("again"), O_PATH | O_CLOEXEC);
	expect_eq(unlink(at("again")), 0);
	load_sleep_ms(50);
	expect(alive(id));
	close(path);
	expect(load_id_gone(id));
	end();
}

TEST(names, 0)
{
	uint32_t id, other;

	begin();
	id = pinned_map(at("one"), 1);
	expect_eq(link(at("one"), at("two")), 0);
	expect_eq(mkdir(at("d"), 0700), 0);
	expect_eq(rename(at("two"), at("d/two")), 0);
	expect_eq(unlink(at("one")), 0);
	load_sleep_ms(20);
	expect_pinned(at("d/two"), id, 1);
	/* Another takes its name */
	other = pinned_map(at("other"), 2);
	expect_eq(rename(at("other"), at("d/two")), 0);
	expect(load_id_gone(id));
	expect_pinned(at("d/two"), other, 2);
	id = pinned_map(at("one"), 1);
	expect_eq(renameat2(AT_FDCWD, at("one"), AT_FDCWD, at("d/two"),
			    RENAME_EXCHANGE), 0);
	expect_pinned(at("d/two"), id, 1);
	expect_pinned(at("one"), other, 2);
	/* The same map under a second pin */
	expect_eq(symlink("d/two", at("link")), 0);
	{
		int fd = pin_get(at("link"), 0);

		expect_eq(pin_obj(fd, at("second")), 0);
		close(fd);
	}
	expect_eq(unlink(at("d/two")), 0);
	expect_eq(pin_get(at("link"), 0), -ENOENT);
	expect_pinned(at("second"), id, 1);
	expect_eq(unlink(at("second")), 0);
	expect(load_id_gone(id));
	expect(alive(other));
	/* umount takes what is left: a pin, a symlink, a directory */
	end();
	expect(!alive(other));
}

/* ------------------------------------------------------------------------- */
/* Mounts */

TEST(unmounted, 0)
{
	uint32_t id, held;
	int fd, path;

	begin();
	id = pinned_map(at("pin"), 1);
	held = pinned_map(at("held"), 2);
	fd = pin_get(at("held"), 0);
	path = open(at("pin"), O_PATH | O_CLOEXEC);
	expect_eq(umount(dir), -1);
	expect_eq(errno, EBUSY);
	close(path);
	expect_eq(pin_umount(dir, 0), 0);
	expect(load_id_gone(id));
	/* A map is not its file system's */
	expect_eq(get(fd, 1), 2);
	expect_eq(map_id(fd), held);
	close(fd);
	expect_nothing_left();
}

TEST(unmounted_lazily, 0)
{
	char proc[64];
	uint32_t id;
	int fd, d;

	begin();
	id = pinned_map(at("pin"), 1);
	d = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	fd = open(at("pin"), O_PATH | O_CLOEXEC);
	expect_eq(pin_umount(dir, MNT_DETACH), 0);
	load_sleep_ms(50);
	expect(alive(id));
	expect(load_refcnt() > first_refs || backend() == BACKEND_BPF);
	snprintf(proc, sizeof(proc), "/proc/self/fd/%d", fd);
	expect_pinned(proc, id, 1);
	snprintf(proc, sizeof(proc), "/proc/self/fd/%d/pin", d);
	expect_pinned(proc, id, 1);
	if (since(6, 12)) {
		int map = pin_get_at(d, "pin", 0);

		expect_eq(get(map, 1), 1);
		expect_eq(pin_obj_at(d, map, "new"), 0);
		close(map);
		expect_eq(unlinkat(d, "pin", 0), 0);
	}
	close(fd);
	load_sleep_ms(20);
	expect_eq(alive(id), true);
	/* The last path into the file system frees it */
	close(d);
	expect(load_id_gone(id));
	expect_nothing_left();
}

TEST(bound, 0)
{
	char tree[] = "/tmp/tree-XXXXXX", file[] = "/tmp/file-XXXXXX";
	uint32_t id;

	begin();
	id = pinned_map(at("pin"), 1);
	need(mkdtemp(tree));
	close(mkstemp(file));
	expect_eq(mount(dir, tree, NULL, MS_BIND, NULL), 0);
	expect_eq(mount(at("pin"), file, NULL, MS_BIND, NULL), 0);
	expect_pinned(pin_path(tree, "pin"), id, 1);
	expect_pinned(file, id, 1);
	expect_eq(pin_umount(dir, 0), 0);
	expect_pinned(pin_path(tree, "pin"), id, 1);
	expect_eq(umount(tree), 0);
	/* One file is all that is left of it, without a name in it */
	expect_pinned(file, id, 1);
	expect_eq(umount(file), 0);
	expect(load_id_gone(id));
	rmdir(tree);
	unlink(file);
	expect_nothing_left();
}

TEST(two_instances, 0)
{
	char other[32];
	uint32_t id;
	int fd;

	begin();
	expect_eq(pin_mount(other, NULL), 0);
	id = pinned_map(at("pin"), 1);
	expect_eq(pin_get(pin_path(other, "pin"), 0), -ENOENT);
	fd = pin_get(at("pin"), 0);
	expect_eq(pin_obj(fd, pin_path(other, "pin")), 0);
	close(fd);
	expect_eq(link(at("pin"), pin_path(other, "link")), -1);
	expect_eq(errno, EXDEV);
	expect_eq(rename(at("pin"), pin_path(other, "moved")), -1);
	expect_eq(errno, EXDEV);
	expect_eq(unlink(at("pin")), 0);
	expect_pinned(pin_path(other, "pin"), id, 1);
	expect_eq(pin_umount(other, 0), 0);
	expect(load_id_gone(id));
	end();
}

/* A mount namespace has the file system for as long as it exists: [fs.bound] */
TEST(other_namespace, 0)
{
	int ready[2], go[2];
	uint32_t id;
	pid_t pid;
	char c;

	begin();
	id = pinned_map(at("pin"), 1);
	need(pipe2(ready, O_CLOEXEC) == 0 && pipe2(go, O_CLOEXEC) == 0);
	pid = load_fork();
	if (!pid) {
		must(unshare(CLONE_NEWNS) == 0);
		must(mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) == 0 ||
		     mount(NULL, dir, NULL, MS_PRIVATE, NULL) == 0);
		must(write(ready[1], "", 1) == 1);
		must(read(go[0], &c, 1) == 1);
		expect_pinned(at("pin"), id, 1);
		_exit(0);
	}
	expect_eq(read(ready[0], &c, 1), 1);
	expect_eq(umount(dir), 0);
	load_sleep_ms(20);
	expect(alive(id));
	expect_eq(pin_get(at("pin"), 0), -ENOENT);
	expect_eq(write(go[1], "", 1), 1);
	load_child_succeeds(pid);
	expect(load_id_gone(id));
	rmdir(dir);
	close(ready[0]);
	close(ready[1]);
	close(go[0]);
	close(go[1]);
	expect_nothing_left();
}

/* Mounting this takes the same rights as any mount: [fs.admin] */
TEST(user_namespace, 0)
{
	pid_t pid;

	if (backend() == BACKEND_BPF)
		return;
	begin();
	pid = load_fork();
	if (!pid) {
		if (unshare(CLONE_NEWUSER | CLONE_NEWNS)) {
			skipped("no user namespaces: %s", strerror(errno));
			_exit(0);
		}
		expect_eq(mount("pins", "/tmp", pin_fs_type(), 0, NULL), -1);
		expect_eq(errno, EPERM);
		expect_eq(mount("pins", "/tmp", "tmpfs", 0, NULL), 0);
		_exit(0);
	}
	load_child_succeeds(pid);
	end();
}

static void expect_no_unload(void)
{
	expect_eq(syscall(SYS_delete_module, "bpfmap", O_NONBLOCK), -1);
	expect_eq(errno, EWOULDBLOCK);
}

TEST(module_in_use, 0)
{
	int d;

	if (backend() == BACKEND_BPF || load_refcnt() < 0) {
		skipped("no module that could be unloaded");
		return;
	}
	begin();
	expect_no_unload();
	pinned_map(at("pin"), 1);
	d = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	expect_eq(pin_umount(dir, MNT_DETACH), 0);
	expect(load_refcnt() > first_refs);
	expect_no_unload();
	close(d);
	expect_nothing_left();
}

/* ------------------------------------------------------------------------- */
/* Many, and many at once */

TEST(many_pins, 0)
{
	unsigned int n = load_env("PINS", 2000), i, maps = 64;
	uint32_t ids[64];
	char name[32];
	int fd;

	begin();
	for (i = 0; i < maps; i++) {
		snprintf(name, sizeof(name), "map%u", i);
		ids[i] = pinned_map(at(name), i);
	}
	fd = pin_get(at("map0"), 0);
	expect_eq(mkdir(at("d"), 0700), 0);
	for (i = 0; i < n; i++) {
		snprintf(name, sizeof(name), "d/pin%u", i);
		if (!expect_eq(pin_obj(fd, at(name)), 0))
			break;
	}
	expect_eq(pin_entries(at("d")), n);
	expect_eq(pin_entries(dir), maps + 1);
	expect_eq(load_ids(NULL), first_ids + maps);
	close(fd);
	expect_eq(unlink(at("map0")), 0);
	for (i = 0; i + 1 < n; i++) {
		snprintf(name, sizeof(name), "d/pin%u", i);
		expect_eq(unlink(at(name)), 0);
	}
	expect(alive(ids[0]));
	snprintf(name, sizeof(name), "d/pin%u", n - 1);
	expect_pinned(at(name), ids[0], 0);
	expect_eq(unlink(at(name)), 0);
	expect(load_id_gone(ids[0]));
	for (i = 1; i < maps; i++) {
		snprintf(name, sizeof(name), "map%u", i);
		expect_pinned(at(name), ids[i], i);
	}
	/* Remove the rest all at once */
	end();
}

#define THREADS	4
#define NAMES	6

static atomic_bool stop, gone;
static atomic_long odd;		/* a result that must not be, or 0 */
static atomic_ulong made, seen;

static void allow(int ret, int a, int b)
{
	if (ret < 0 && ret != a && ret != b)
		atomic_store(&odd, ret);
}

/*
 * After umount, one path may have been looked up in the file system and one in
 * what it was mounted on. To be asked after the call.
 */
static int late(int err)
{
	return atomic_load(&gone) ? err : 0;
}

/* All threads do everything to the same few names */
static void *fight(void *arg)
{
	unsigned int seed = (unsigned int)(long)arg;
	char a[PIN_PATH], b[PIN_PATH];

	while (!atomic_load(&stop)) {
		int ret, fd;

		snprintf(a, sizeof(a), "%s/n%u", dir, rand_r(&seed) % NAMES);
		snprintf(b, sizeof(b), "%s/n%u", dir, rand_r(&seed) % NAMES);
		switch (rand_r(&seed) % 6) {
		case 0:
			fd = map_new(KIND(K_HASH_NP), 4, 8, 4, 0);
			allow(fd, 0, 0);
			ret = pin_obj(fd, a);
			allow(ret, -EEXIST, late(-EPERM));
			atomic_fetch_add(&made, !ret);
			close(fd);
			break;
		case 1:
			allow(sys_result(unlink(a)), -ENOENT, 0);
			break;
		case 2:
			ret = sys_result(rename(a, b));
			allow(ret, -ENOENT, late(-EXDEV));
			break;
		case 3:
			ret = sys_result(link(a, b));
			allow(ret, -ENOENT, ret == -EEXIST ? ret : late(-EXDEV));
			break;
		default:
			fd = pin_get(a, 0);
			allow(fd, -ENOENT, 0);
			if (fd < 0)
				break;
			allow(put(fd, 1, 1), 0, 0);
			atomic_fetch_add(&seen, get(fd, 1) == 1);
			close(fd);
		}
	}
	return NULL;
}

TEST(all_at_once, 0)
{
	pthread_t threads[THREADS];
	unsigned long end;
	long i;

	begin();
	for (i = 0; i < THREADS; i++)
		need(pthread_create(&threads[i], NULL, fight, (void *)(i + 1)) == 0);
	end = load_ms() + LOAD_PATIENCE;
	do {
		load_sleep_ms(500);
	} while ((atomic_load(&made) < 300 || atomic_load(&seen) < 300) &&
		 load_ms() < end);
	/* Unmount while other threads use it */
	atomic_store(&gone, true);
	expect_eq(umount2(dir, MNT_DETACH), 0);
	load_sleep_ms(20);
	atomic_store(&stop, true);
	for (i = 0; i < THREADS; i++)
		pthread_join(threads[i], NULL);
	expect_eq(atomic_load(&odd), 0);
	expect(atomic_load(&made) > 10);
	expect(atomic_load(&seen) > 10);
	printf("# %lu pins made, %lu maps got\n", atomic_load(&made),
	       atomic_load(&seen));
	rmdir(dir);
	expect_nothing_left();
}

TEST_MAIN
