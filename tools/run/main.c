// SPDX-License-Identifier: GPL-2.0-only
/*
 * As bpfmap-run it is called by the user, as bpfmap-exec by a program that we
 * have patched or that has the library preloaded, instead of another program.
 */
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/auxv.h>
#include <sys/stat.h>
#include <unistd.h>

#include "run.h"

#define PRELOAD "libbpfmap-preload.so"
#define EXEC "bpfmap-exec"
#define PROGRAM "BPFMAP_RUN_PROGRAM"	/* of posix_spawn() */

struct options options = { .exec = "" };

static const char usage[] =
	"usage: bpfmap-run [option...] PROGRAM [ARGUMENT...]\n"
	"\n"
	"Run PROGRAM with the maps of its bpf(2) calls on /dev/bpfmap.\n"
	"\n"
	"  -c, --check      only say what will be done, and whether it can be\n"
	"  -F, --no-follow  not with programs that PROGRAM executes\n"
	"  -p, --pins FROM=TO  names of pins; default: /sys/fs/bpf=/sys/fs/bpfmap\n"
	"  -q, --quiet      no notices of what is not translated, or slowly\n"
	"  -s, --stats      at the end, calls by command and where they went\n"
	"  -h, --help\n"
	"  -V, --version\n";

static void say(const char *format, va_list ap)
{
	char line[1024];

	/* One write, as the program may write as well */
	vsnprintf(line, sizeof(line), format, ap);
	dprintf(STDERR_FILENO, "bpfmap-run: %s\n", line);
}

void notice(const char *format, ...)
{
	va_list ap;

	if (options.quiet)
		return;
	va_start(ap, format);
	say(format, ap);
	va_end(ap);
}

void die(int status, const char *format, ...)
{
	va_list ap;

	va_start(ap, format);
	say(format, ap);
	va_end(ap);
	exit(status);
}

/* --- the files --- */

/* As execvp(3) searches; NULL: not found */
static char *find_program(const char *name)
{
	const char *path = getenv("PATH") ?: "/usr/local/bin:/usr/bin:/bin";
	char *full = NULL;
	size_t len;

	if (strchr(name, '/'))
		return strdup(name);
	for (;; path += len + 1) {
		len = strcspn(path, ":");
		if (asprintf(&full, "%.*s%s%s", (int)len, path, len ? "/" : "", name) < 0)
			die(FAILED, "no memory");
		if (!access(full, X_OK))
			return full;
		free(full);
		if (!path[len])
			return NULL;
	}
}

/* Beside this program: in the build tree, or where "make install" has it */
static char *find_ours(const char *name)
{
	static const char *const places[] = {
		"../preload", "../lib/bpfmap", "../lib/x86_64-linux-gnu/bpfmap",
		"../lib64/bpfmap",
	};
	char self[PATH_MAX] = "", real[PATH_MAX], *path;

	if (readlink("/proc/self/exe", self, sizeof(self) - 1) < 0)
		return NULL;
	*strrchr(self, '/') = '\0';
	for (size_t i = 0; i < sizeof(places) / sizeof(*places); i++) {
		if (asprintf(&path, "%s/%s", self, places[i]) < 0)
			die(FAILED, "no memory");
		/* Not of the file, which may be a link */
		if (!realpath(path, real))
			real[0] = '\0';
		free(path);
		if (asprintf(&path, "%s/%s", real, name) < 0)
			die(FAILED, "no memory");
		if (real[0] && !access(path, F_OK))
			return path;
		free(path);
	}
	return NULL;
}

/*
 * @image of what the kernel will run: of a script, its interpreter. @libc of what
 * loads it, if that is not glibc's. 0 or the errno
 */
static int read_program(const char *path, struct image *image, struct image *libc)
{
	char file[PATH_MAX];
	int fd, err = 0;

	memset(image, 0, sizeof(*image));
	memset(libc, 0, sizeof(*libc));
	snprintf(file, sizeof(file), "%s", path);
	for (int i = 0; i < 5; i++) {
		fd = open(file, O_RDONLY | O_CLOEXEC);
		if (fd < 0)
			return errno;
		image->privileged = is_privileged(fd);
		err = image->privileged ? 0 : -image_read(fd, image);
		close(fd);
		if (err || image->kind != KIND_SCRIPT)
			break;
		snprintf(file, sizeof(file), "%s", image->interpreter);
	}
	if (err || image->kind != KIND_ELF64 || !image->interpreter[0] ||
	    image_has_glibc(image))
		return err;
	fd = open(image->interpreter, O_RDONLY | O_CLOEXEC);
	if (fd >= 0) {
		image_read(fd, libc);
		close(fd);
	}
	return 0;
}

/* Of the list in LD_PRELOAD, all but ours, with a colon before each */
static char *other_preloads(const char *preload)
{
	char *list = strdup(getenv("LD_PRELOAD") ?: ""), *others, *name, *rest;

	others = list ? calloc(1, strlen(list) + 2) : NULL;
	if (!others)
		die(FAILED, "no memory");
	for (name = strtok_r(list, ": ", &rest); name; name = strtok_r(NULL, ": ", &rest))
		if (!preload || strcmp(name, preload)) {
			strcat(others, ":");
			strcat(others, name);
		}
	free(list);
	return others;
}

/* What the library reads, also in children. It is glibc's, not musl's */
static void set_environment(const struct image *image, const char *preload,
			    const char *pins)
{
	char *others = other_preloads(preload), *value;
	bool musl = image->kind == KIND_ELF64 && image->interpreter[0] &&
		    !image_has_glibc(image);

	if (!preload || musl) {
		if (*others)
			setenv("LD_PRELOAD", others + 1, 1);
		else
			unsetenv("LD_PRELOAD");
	} else {
		if (asprintf(&value, "%s%s", preload, others) < 0)
			die(FAILED, "no memory");
		setenv("LD_PRELOAD", value, 1);
		free(value);
	}
	if (pins)
		setenv("BPFMAP_PRELOAD_PINS", pins, 1);
	if (options.counters)
		setenv("BPFMAP_PRELOAD_COUNTERS", options.counters, 1);
	setenv("BPFMAP_PRELOAD_EXEC", options.exec, 1);
	if (options.quiet)
		setenv("BPFMAP_RUN_QUIET", "1", 1);
	free(others);
}

static bool is_patched(const struct image *image, const struct image *libc)
{
	return image->n_sites || libc->n_sites ||
	       image_needs_tracing(image, libc, options.named);
}

/* --- as bpfmap-exec --- */

/* What the page or the library has opened for us */
static int program_fd(void)
{
	int found = -1, flags;

	for (int fd = PAGE_EXEC_FD; fd < PAGE_EXEC_FD + 324; fd++) {
		flags = fcntl(fd, F_GETFL);
		if (flags >= 0 && (flags & O_PATH))
			found = fd;
	}
	return found;
}

static bool same_file(const char *path, int fd)
{
	struct stat a, b;

	return path && !stat(path, &a) && !fstat(fd, &b) && a.st_dev == b.st_dev &&
	       a.st_ino == b.st_ino;
}

/* The path that was given, as far as argv[0] tells: scripts see it */
static char *program_path(const char *name, int fd)
{
	char link[32], path[PATH_MAX] = "", *found = name ? find_program(name) : NULL;

	if (same_file(found, fd))
		return found;
	free(found);
	snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
	if (readlink(link, path, sizeof(path) - 1) < 0)
		return NULL;
	return strdup(same_file(path, fd) ? path : link);
}

/* Whatever is wrong: it runs, as without us */
static int run_child(char *argv[])
{
	const char *named = getenv(PROGRAM);
	int fd = program_fd(), err;
	struct image image, libc;
	bool patch = false;
	char *path;

	path = named ? strdup(named) : fd < 0 ? NULL : program_path(argv[0], fd);
	if (!path)
		die(FAILED, EXEC " is not for users");
	unsetenv(PROGRAM);
	if (!named)
		fcntl(fd, F_SETFD, FD_CLOEXEC);
	options.quiet = getenv("BPFMAP_RUN_QUIET");
	options.counters = getenv("BPFMAP_PRELOAD_COUNTERS");
	options.exec = find_ours(EXEC) ?: "";
	patch_init(getenv("BPFMAP_PRELOAD_PINS"));
	if (!read_program(path, &image, &libc)) {
		if (image.privileged)
			notice("%s: runs with other privileges than its caller's, so its calls of bpf(2) go to the kernel",
			       path);
		else if (!device_usable())
			notice("%s: its calls of bpf(2) go to the kernel: /dev/bpfmap: %s", path,
			       strerror(errno));
		else
			patch = is_patched(&image, &libc);
		set_environment(&image, find_ours(PRELOAD), NULL);
	}
	err = execute(path, argv, patch);
	die(err == ENOENT ? NOT_FOUND : REFUSED, "%s: %s", path, strerror(err));
}

/* --- as bpfmap-run --- */

static void need_program(const char *path, const struct image *image, const char *preload)
{
	if (image->privileged)
		die(REFUSED, "%s: refused: it runs with other privileges than its caller's, so its caller cannot change it",
		    path);
	if (image->kind == KIND_ELF32)
		die(REFUSED, "%s: a 32-bit program: only 64-bit programs can be changed", path);
	if (image->kind != KIND_ELF64)
		die(REFUSED, "%s: not a program for x86-64", path);
	if (image_has_glibc(image) && !preload)
		die(FAILED, PRELOAD " is not installed beside bpfmap-run");
}

static void need_device(void)
{
	if (device_usable())
		return;
	if (errno == ENOENT || errno == ENXIO || errno == ENODEV)
		die(FAILED, "there is no /dev/bpfmap: load the module with \"modprobe bpfmap\"");
	if (errno == EACCES || errno == EPERM)
		die(FAILED, "no permission to open /dev/bpfmap: its group may, see \"ls -l /dev/bpfmap\"");
	die(FAILED, "/dev/bpfmap: %s", strerror(errno));
}

struct settings {
	bool check, stats, follow;
	const char *pins;
};

static void get_options(int argc, char *argv[], struct settings *s)
{
	static const struct option names[] = {
		{ "check", no_argument, NULL, 'c' },
		{ "no-follow", no_argument, NULL, 'F' },
		{ "pins", required_argument, NULL, 'p' },
		{ "quiet", no_argument, NULL, 'q' },
		{ "stats", no_argument, NULL, 's' },
		{ "help", no_argument, NULL, 'h' },
		{ "version", no_argument, NULL, 'V' },
		{ 0 },
	};
	int option;

	while ((option = getopt_long(argc, argv, "+cFp:qshV", names, NULL)) != -1) {
		switch (option) {
		case 'c':
			s->check = true;
			break;
		case 'F':
			s->follow = false;
			break;
		case 'p':
			s->pins = optarg;
			break;
		case 'q':
			options.quiet = true;
			break;
		case 's':
			s->stats = true;
			break;
		case 'h':
			fputs(usage, stdout);
			exit(0);
		case 'V':
			puts("bpfmap-run " VERSION);
			exit(0);
		default:
			fputs(usage, stderr);
			exit(FAILED);
		}
	}
	if (optind < argc)
		return;
	fputs(usage, stderr);
	exit(FAILED);
}

static int run_named(char *argv[], const struct settings *s)
{
	char *path = find_program(argv[0]), *preload = find_ours(PRELOAD);
	struct image image, libc;
	int err;

	if (!path)
		die(NOT_FOUND, "%s: not found", argv[0]);
	err = read_program(path, &image, &libc);
	if (err)
		die(err == ENOENT ? NOT_FOUND : REFUSED, "%s: %s", path, strerror(err));
	if (s->check)
		return check_print(path, &image, &libc, preload) ? 0 : REFUSED;
	need_program(path, &image, preload);
	need_device();
	patch_init(s->pins);
	if (s->follow)
		options.exec = find_ours(EXEC) ?: "";
	if (s->stats)
		options.counters = count_begin();
	set_environment(&image, preload, s->pins);
	err = execute(path, argv, is_patched(&image, &libc));
	die(err == ENOENT ? NOT_FOUND : REFUSED, "%s: %s", path, strerror(err));
}

int main(int argc, char *argv[])
{
	struct settings s = { .follow = true, .pins = getenv("BPFMAP_PRELOAD_PINS") };
	const char *as = (const char *)getauxval(AT_EXECFN);
	const char *slash = as ? strrchr(as, '/') : NULL;

	if (slash && !strcmp(slash + 1, EXEC))
		return run_child(argv);
	options.named = true;
	get_options(argc, argv, &s);
	return run_named(argv + optind, &s);
}
