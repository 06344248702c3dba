// SPDX-License-Identifier: GPL-2.0-only
/*
 * Load and unload the module: over and over while maps are created and freed,
 * and with each allocation of its loading failing once.
 *
 * Only for a machine made by scripts/vm/run.sh, where the modules are found and
 * nothing else uses them. They are restored at the end.
 *
 * RELOAD_ROUNDS: how often it is loaded (20)
 * RELOAD_FAILURES: how many of the last allocations, among which are all that
 *	the module makes itself, fail (30); 0 is all
 */
#include <dirent.h>
#include <limits.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include "failnth.h"
#include "pin.h"

#define MODULES		"/vm/modules"
#define DEVICE		"/dev/bpfmap"
#define PINS		"/sys/fs/bpfmap"
#define USERS		2

static struct dirent **modules;
static int n_modules;

static int visible(const struct dirent *entry)
{
	return entry->d_name[0] != '.';
}

static bool is_ours(const struct dirent *module)
{
	const char *dash = strchr(module->d_name, '-');

	return dash && !strcmp(dash, "-bpfmap.ko");
}

static int load(const struct dirent *module)
{
	char path[PATH_MAX];
	int fd, ret;

	snprintf(path, sizeof(path), MODULES "/%s", module->d_name);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	ret = syscall(SYS_finit_module, fd, "", 0) ? -errno : 0;
	close(fd);
	return ret;
}

/* The last users may still be exiting */
static int unload(const char *name)
{
	unsigned long end = load_ms() + LOAD_PATIENCE;
	int ret;

	do {
		ret = syscall(SYS_delete_module, name, O_NONBLOCK) ? -errno : 0;
		if (ret != -EWOULDBLOCK && ret != -EBUSY)
			break;
		load_sleep_ms(1);
	} while (load_ms() < end);
	return ret;
}

static int unload_file(const struct dirent *module)
{
	char name[256];

	snprintf(name, sizeof(name), "%s", strchr(module->d_name, '-') + 1);
	name[strcspn(name, ".")] = '\0';
	return unload(name);
}

static const struct dirent *ours(void)
{
	int i;

	for (i = 0; i < n_modules; i++)
		if (is_ours(modules[i]))
			return modules[i];
	return NULL;
}

/* What uses the module, then the module itself */
static void all_out(void)
{
	int i;

	close(device_fd());
	while (!umount2(PINS, 0))
		;
	for (i = n_modules - 1; i >= 0; i--)
		need(unload_file(modules[i]) == 0);
}

static void all_in(void)
{
	int i, fd;

	for (i = 0; i < n_modules; i++)
		need(load(modules[i]) == 0);
	need(mount(pin_fs_type(), PINS, pin_fs_type(), 0, NULL) == 0);
	fd = open(DEVICE, O_RDWR | O_CLOEXEC);
	need(fd >= 0);
	if (fd != device_fd()) {
		need(dup3(fd, device_fd(), O_CLOEXEC) == device_fd());
		close(fd);
	}
}

/* Opens the device whenever it is there, and leaves a map of some type behind */
static void use_for_ever(unsigned int turn)
{
	union attr a;
	int device, map;
	void *at;

	for (;; turn++) {
		load_sleep_ms(5 + turn % 3 * 10);	/* for the module to be unused */
		device = open(DEVICE, O_RDWR | O_CLOEXEC);
		if (device < 0)
			continue;
		memset(&a, 0, sizeof(a));
		shape_attr(&shapes[turn % n_shapes], &a.create);
		map = ioctl_map(device, BPFMAP_CMD_MAP_CREATE, &a, sizeof(a));
		close(device);
		if (map < 0)
			continue;
		at = mmap(NULL, 4096, PROT_READ, MAP_SHARED, map, 0);
		close(map);
		if (at != MAP_FAILED)
			munmap(at, 4096);
	}
}

static void check_nothing_left(void)
{
	FILE *f = fopen("/proc/filesystems", "r");
	char line[128];

	need(f);
	while (fgets(line, sizeof(line), f))
		check(!strstr(line, pin_fs_type()), "%s is registered", pin_fs_type());
	fclose(f);
	check(access(DEVICE, F_OK), DEVICE " is there");
	check(access(PINS, F_OK), PINS " is there");
	check(access("/sys/module/bpfmap", F_OK), "/sys/module/bpfmap is there");
}

TEST(test_over_and_over, 0)
{
	unsigned int i, n = load_env("RELOAD_ROUNDS", 20);
	unsigned long start = load_ms();
	pid_t users[USERS];

	all_out();
	check_nothing_left();
	for (i = 0; i < USERS; i++) {
		users[i] = load_fork();
		if (!users[i])
			use_for_ever(i * 5);
	}
	for (i = 0; i < n; i++) {
		expect_eq(load(ours()), 0);
		load_sleep_ms(i % 8);
		expect_eq(unload("bpfmap"), 0);
	}
	printf("# loaded %u times in %lu ms\n", n, load_ms() - start);
	for (i = 0; i < USERS; i++) {
		kill(users[i], SIGKILL);
		waitpid(users[i], NULL, 0);
	}
	check_nothing_left();
	all_in();
}

static unsigned int count_failures(void)
{
	const unsigned int many = 1000000;
	unsigned int n;
	int ret;

	inject_arm(many, false);
	ret = load(ours());
	n = inject_count(many);
	expect_eq(ret, 0);
	expect_eq(unload("bpfmap"), 0);
	return n;
}

static void sweep(bool all)
{
	unsigned int few = load_env("RELOAD_FAILURES", 30), total = count_failures();
	unsigned int first = few && few < total ? total - few : 1, nth, failed = 0;
	bool injected;
	int ret;

	for (nth = first; nth <= total; nth++) {
		row("-", "failure %u of %u%s", nth, total, all ? " and all others" : "");
		inject_arm(nth, all);
		ret = load(ours());
		injected = inject_disarm();
		check(!ret || injected, "%d with nothing failing", ret);
		if (!ret) {
			expect_eq(unload("bpfmap"), 0);
		} else {
			check(ret == -ENOMEM || ret == -EFAULT, "result %d", ret);
			failed++;
		}
		check_nothing_left();
	}
	printf("# the last %u of %u fail%s: %u times it is not loaded\n",
	       nth - first, total, all ? " with all behind them" : "", failed);
	expect(failed > 0);
}

TEST(test_failing, 0)
{
	const char *why = inject_begin();

	if (why) {
		skipped("%s", why);
		return;
	}
	all_out();
	sweep(false);
	sweep(true);
	all_in();
	inject_end();
}

int main(void)
{
	n_modules = scandir(MODULES, &modules, visible, alphasort);
	if (n_modules <= 0 || !ours() || backend() == BACKEND_BPF)
		return skip_all("not in a machine of run.sh");
	return run_tests();
}
