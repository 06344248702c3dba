// SPDX-License-Identifier: GPL-2.0-only
/*
 * /init of the test machine. Loads the modules in /vm/modules, runs the shell
 * script /vm/command, unloads the modules, looks for leaked kernel memory, and
 * says how each of it went.
 *
 * ttyS0 is the kernel's console, ttyS1 the command's terminal, and ttyS2 takes
 * the result; on s390x, which has no serial lines, hvc0 and hvc1 are those two.
 * The result is one line for each thing wrong with the kernel, and at the very
 * end "exit N". The host counts a machine that did not say "exit" as failed.
 *
 * A command that runs several programs calls "/init SECONDS PROGRAM...": the
 * program is killed after that time, and the next one finds the machine as this
 * one has, without processes or mounts of this one, and with all modules loaded.
 */
#define _GNU_SOURCE
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/reboot.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <termios.h>
#include <time.h>
#include <unistd.h>

#define ARRAY_SIZE(a) (sizeof(a) / sizeof((a)[0]))

#define MODULE_DIR "/vm/modules"
#define PIN_FS "bpfmapfs"
#define PIN_DIR "/sys/fs/bpfmap"	/* made by the module */
#define KMEMLEAK "/sys/kernel/debug/kmemleak"
#define DEATH_SECONDS 60	/* for what is killed to be gone */
#define LEAK_LINES 64	/* enough to see what it is about */

static FILE *result;

static __attribute__((format(printf, 1, 2))) void report(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vfprintf(result, fmt, ap);
	va_end(ap);
	fputc('\n', result);
	fflush(result);
}

static const struct {
	const char *type, *dir, *options;
} mounts[] = {
	{ "proc", "/proc", NULL },
	{ "sysfs", "/sys", NULL },
	{ "devtmpfs", "/dev", NULL },
	{ "tmpfs", "/tmp", NULL },
	{ "tmpfs", "/dev/shm", NULL },
	{ "cgroup2", "/sys/fs/cgroup", NULL },
	{ "bpf", "/sys/fs/bpf", NULL },
	{ "debugfs", "/sys/kernel/debug", NULL },
};

static int is_entry(const struct dirent *entry)
{
	return strcmp(entry->d_name, ".") && strcmp(entry->d_name, "..");
}

static int is_empty(const char *dir)
{
	struct dirent **entries;
	int n = scandir(dir, &entries, is_entry, NULL);

	for (int i = 0; i < n; i++)
		free(entries[i]);
	if (n >= 0)
		free(entries);
	return n <= 0;
}

/*
 * What this kernel does not have is left out; what needs it will complain. A file
 * system would hide the files that came with the machine, which run.sh allows in
 * /tmp.
 */
static void mount_all(void)
{
	for (size_t i = 0; i < ARRAY_SIZE(mounts); i++) {
		mkdir(mounts[i].dir, 0755);
		if (!strcmp(mounts[i].dir, "/tmp") && !is_empty("/tmp"))
			continue;
		mount(mounts[i].type, mounts[i].dir, mounts[i].type, 0,
		      mounts[i].options);
	}
}

/* Opens a serial line as a plain byte channel; does not make it the terminal */
static int open_serial(const char *path)
{
	struct termios tio;
	int fd = open(path, O_RDWR | O_NOCTTY | O_CLOEXEC);

	if (fd < 0 || tcgetattr(fd, &tio))
		return fd;
	cfmakeraw(&tio);
	cfsetspeed(&tio, B115200);
	tcsetattr(fd, TCSANOW, &tio);
	return fd;
}

static int open_line(int n)
{
	char path[32];
	int fd;

	snprintf(path, sizeof(path), "/dev/ttyS%d", n);
	fd = open_serial(path);
	if (fd >= 0)
		return fd;
	snprintf(path, sizeof(path), "/dev/hvc%d", n - 1);
	return open_serial(path);
}

/*
 * For a person, the line becomes a terminal. Not for a command: the end of the
 * session would discard output that is not written yet.
 */
static void make_terminal(int fd)
{
	struct termios tio;

	if (tcgetattr(fd, &tio))
		return;
	tio.c_iflag |= ICRNL;
	tio.c_oflag |= OPOST | ONLCR;
	tio.c_lflag |= ICANON | ECHO | ECHOE | ECHOK | ISIG | IEXTEN;
	tcsetattr(fd, TCSANOW, &tio);
	ioctl(fd, TIOCSCTTY, 1);
}

static int exit_status(int status)
{
	return WIFEXITED(status) ? WEXITSTATUS(status) :
				   128 + WTERMSIG(status);
}

/*
 * With @person it has a terminal. When that ends, the line is hung up for
 * everybody, so it has to be the last one.
 */
static int run(char *const argv[], int tty, int person)
{
	int status;
	pid_t pid = fork();

	if (pid < 0)
		return 255;
	if (!pid) {
		setsid();
		for (int fd = 0; fd < 3; fd++)
			dup2(tty, fd);
		if (person)
			make_terminal(0);
		execv(argv[0], argv);
		dprintf(2, "%s: %s\n", argv[0], strerror(errno));
		_exit(127);
	}
	/* As init we reap the orphans as well. */
	for (;;) {
		pid_t done = wait(&status);

		if (done == pid)
			break;
		if (done < 0 && errno != EINTR)
			return 255;
	}
	return exit_status(status);
}

static int visible(const struct dirent *entry)
{
	return entry->d_name[0] != '.';
}

/* The host numbers the files in the order they are to be loaded. */
static int list_modules(struct dirent ***modules)
{
	int n = scandir(MODULE_DIR, modules, visible, alphasort);

	return n < 0 ? 0 : n;
}

static int write_string(const char *path, const char *s)
{
	ssize_t n;
	int fd = open(path, O_WRONLY | O_CLOEXEC);

	if (fd < 0)
		return -1;
	n = write(fd, s, strlen(s));
	close(fd);
	return n < 0 ? -1 : 0;
}

static void module_name(const char *file, char *name, size_t size)
{
	snprintf(name, size, "%s", strchr(file, '-') + 1);
	name[strcspn(name, ".")] = '\0';
	for (char *c = name; (c = strchr(c, '-')); )
		*c = '_';
}

/* Also logs it to the kernel's log, next to the kernel's own messages */
static int load_module(const char *file)
{
	char path[PATH_MAX];
	int fd, err = 0;

	snprintf(path, sizeof(path), "init: loading %s\n", file);
	write_string("/dev/kmsg", path);
	snprintf(path, sizeof(path), MODULE_DIR "/%s", file);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0 || syscall(SYS_finit_module, fd, "", 0))
		err = errno;
	close(fd);
	return err;
}

/*
 * The last put of a file may still be in a work queue, so give the module a
 * moment to become unused.
 */
static int unload_module(const char *file)
{
	char name[256];

	module_name(file, name, sizeof(name));
	for (int i = 0; i < 600; i++) {
		if (!syscall(SYS_delete_module, name, O_NONBLOCK))
			return 0;
		if (errno == ENOENT)	/* the command did it */
			return 0;
		if (errno != EAGAIN && errno != EWOULDBLOCK && errno != EBUSY)
			break;
		usleep(100 * 1000);
	}
	return errno;
}

/*
 * kmemleak only looks at memory older than five seconds, and a pointer that
 * was in a register during one scan is found by the next.
 */
static void report_leaks(void)
{
	char line[512];
	FILE *f;

	if (access(KMEMLEAK, F_OK))
		return;
	sleep(6);
	for (int i = 0; i < 2; i++) {
		if (write_string(KMEMLEAK, "scan"))
			report("kmemleak does not scan: %s", strerror(errno));
	}
	f = fopen(KMEMLEAK, "re");
	if (!f) {
		report("cannot read kmemleak: %s", strerror(errno));
		return;
	}
	for (int i = 0; i < LEAK_LINES && fgets(line, sizeof(line), f); i++)
		fprintf(result, "leak: %s", line);
	fflush(result);
	fclose(f);
}

/* The file system of the module, wherever the command may have mounted it */
static void unmount_pins(void)
{
	char dir[PATH_MAX], type[64];
	FILE *f;
	int n;

	/* One at a time, as the list changes with it */
	do {
		f = fopen("/proc/mounts", "re");
		if (!f)
			return;
		while ((n = fscanf(f, "%*s %4095s %63s %*[^\n]", dir, type)) == 2 &&
		       strcmp(type, PIN_FS))
			;
		fclose(f);
	} while (n == 2 && !umount2(dir, MNT_DETACH));
}

static int run_command(int tty)
{
	char *const argv[] = { "/bin/busybox", "sh", "/vm/command", NULL };
	struct dirent **modules;
	int err, n = list_modules(&modules), status = 255, loaded;

	for (loaded = 0; loaded < n; loaded++) {
		err = load_module(modules[loaded]->d_name);
		if (err) {
			report("cannot load %s: %s", modules[loaded]->d_name,
			       strerror(err));
			break;
		}
	}
	if (loaded == n) {
		mount(PIN_FS, PIN_DIR, PIN_FS, 0, NULL);
		status = run(argv, tty, !access("/vm/interactive", F_OK));
		/* What it left behind must not keep the modules in use. */
		kill(-1, SIGKILL);
		while (wait(NULL) > 0 || errno == EINTR)
			;
		unmount_pins();
	}
	while (loaded--) {
		err = unload_module(modules[loaded]->d_name);
		if (err)
			report("cannot unload %s: %s", modules[loaded]->d_name,
			       strerror(err));
	}
	return status;
}

/* ------------------------------------------------------------------------- */
/* One program of several */

static time_t now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec;
}

/* Until @pid has ended (1), @end has come, or nobody is left; orphans go as well */
static int reap(pid_t pid, time_t end, int *status)
{
	const struct timespec tick = { 1, 0 };
	sigset_t child;
	pid_t done;
	int any;

	sigemptyset(&child);
	sigaddset(&child, SIGCHLD);
	for (;;) {
		while ((done = waitpid(-1, &any, WNOHANG)) > 0) {
			if (done != pid)
				continue;
			*status = exit_status(any);
			return 1;
		}
		if (done < 0 || now() >= end)
			return 0;
		sigtimedwait(&child, NULL, &tick);
	}
}

/* Is this process our child? Then what it is called is in @name */
static int is_child(const char *pid, char *name, size_t size)
{
	char path[64], line[512], *end = NULL, state;
	int parent;
	FILE *f;

	snprintf(path, sizeof(path), "/proc/%.20s/stat", pid);
	f = fopen(path, "re");
	if (!f)
		return 0;
	if (fgets(line, sizeof(line), f))
		end = strrchr(line, ')');
	fclose(f);
	if (!end || sscanf(end + 1, " %c %d", &state, &parent) != 2 ||
	    parent != getpid())
		return 0;
	snprintf(name, size, "%.*s", (int)(end + 1 - strchr(line, '(')),
		 strchr(line, '('));
	return 1;
}

/* Children of those that die become ours. Returns how many there are now. */
static int kill_children(int say)
{
	struct dirent *entry;
	DIR *dir = opendir("/proc");
	char name[64];
	int n = 0;

	while (dir && (entry = readdir(dir))) {
		if (!is_child(entry->d_name, name, sizeof(name)))
			continue;
		if (say)
			printf("# init: left behind, and killed: %s\n", name);
		kill(atoi(entry->d_name), SIGKILL);
		n++;
	}
	if (dir)
		closedir(dir);
	return n;
}

static void kill_all(void)
{
	time_t end = now() + DEATH_SECONDS;
	int say = 1, n, status;

	while ((n = kill_children(say)) && now() < end) {
		usleep(1000);
		reap(0, 0, &status);
		say = 0;
	}
	if (n)
		printf("# init: %d processes do not die\n", n);
}

/* CPUs, modules and the file system of pins are there again, and no pin is left */
static void restore(void)
{
	struct dirent **modules;
	char path[PATH_MAX];
	int err, n = list_modules(&modules);

	for (long i = sysconf(_SC_NPROCESSORS_CONF); i--;) {
		snprintf(path, sizeof(path), "/sys/devices/system/cpu/cpu%ld/online", i);
		write_string(path, "1");
	}
	unmount_pins();
	for (int i = 0; i < n; i++) {
		strcpy(path, "/sys/module/");
		module_name(modules[i]->d_name, path + strlen(path), 256);
		err = access(path, F_OK) ? load_module(modules[i]->d_name) : 0;
		if (err)
			printf("# init: cannot load %s: %s\n", modules[i]->d_name,
			       strerror(err));
	}
	if (n)
		mount(PIN_FS, PIN_DIR, PIN_FS, 0, NULL);
}

static int run_alone(char *const argv[])
{
	int status = 128 + SIGKILL;
	sigset_t child;
	pid_t pid;

	prctl(PR_SET_CHILD_SUBREAPER, 1);
	sigemptyset(&child);
	sigaddset(&child, SIGCHLD);
	sigprocmask(SIG_BLOCK, &child, NULL);
	pid = fork();
	if (pid < 0)
		return 255;
	if (!pid) {
		sigprocmask(SIG_UNBLOCK, &child, NULL);
		execvp(argv[1], argv + 1);
		perror(argv[1]);
		_exit(127);
	}
	reap(pid, now() + atoi(argv[0]), &status);
	kill_all();
	restore();
	return status;
}

int main(int argc, char **argv)
{
	char *const install[] = {
		"/bin/busybox", "--install", "-s", "/bin", NULL
	};
	const struct rlimit nofile = { 4096, 4096 };
	int tty, fd, status;

	if (getpid() != 1)
		return argc > 2 ? run_alone(argv + 1) : 2;
	mount_all();
	tty = open_line(1);
	fd = open_line(2);
	result = fdopen(fd, "w");
	if (tty < 0 || !result) {
		fprintf(stderr, "init: no serial lines: %s\n", strerror(errno));
		goto out;
	}
	setenv("PATH", "/bin:/usr/bin", 1);
	setenv("HOME", "/root", 1);
	setenv("TERM", "vt100", 1);
	setenv("LD_LIBRARY_PATH", "/vm/lib64:/vm/lib32", 1);
	setrlimit(RLIMIT_NOFILE, &nofile);
	run(install, tty, 0);
	if (chdir("/root"))
		report("no /root: %s", strerror(errno));

	status = run_command(tty);
	report_leaks();
	tcdrain(tty);
	report("exit %d", status);
	tcdrain(fd);
out:
	/* Not a power-off: that would take ACPI, which small kernels lack. */
	reboot(RB_AUTOBOOT);
	return 1;
}
