// SPDX-License-Identifier: GPL-2.0-only
/*
 * contract_access - ways from one descriptor of a map to another one: none
 * grants more than the first one had. For pins, bpf(2) differs
 */
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>

#include "contract.h"
#include "pin.h"

#define RDONLY	BPFMAP_F_RDONLY
#define WRONLY	BPFMAP_F_WRONLY

static const struct mode {
	const char *name;
	uint32_t flags;		/* to open it with */
	int lookup, update;	/* what is answered then */
	mode_t bits;		/* of a pin made by it */
} modes[] = {
	{ "RDWR", 0, 0, 0, 0600 },
	{ "RDONLY", RDONLY, 0, -EPERM, 0400 },
	{ "WRONLY", WRONLY, -EPERM, 0, 0200 },
};

/* The map, and a descriptor of each mode, as GET_FD_BY_ID and modules make them */
static struct tmap map;
static int fds[ARRAY_SIZE(modes)];
static char dir[32];

static void begin(const struct kind *k)
{
	size_t i;

	umask(0);
	map = tmap_new(k, 4, 8, 4);
	tmap_fill(&map, 2);
	for (i = 0; i < ARRAY_SIZE(modes); i++)
		fds[i] = tmap_reopen(&map, modes[i].flags);
}

static void end(void)
{
	size_t i;

	for (i = 0; i < ARRAY_SIZE(modes); i++)
		close(fds[i]);
	tmap_close(&map);
}

/* @fd is of the map and good for what @mode is; closes it */
static void check_mode(int fd, const struct mode *mode, const char *what)
{
	struct buf value = buf_new(map.vs);
	uint32_t key = 1;

	check_ret(fd, GOT_FD, "%s", what);
	check_num(map_id(fd), map_id(map.fd), "%s: id", what);
	check_ret(map_lookup(fd, &key, value.p, 0), mode->lookup, "%s: LOOKUP",
		  what);
	tmap_value(&map, 1, value.p);
	check_ret(map_update(fd, &key, value.p, 0), mode->update, "%s: UPDATE",
		  what);
	buf_free(&value);
	close(fd);
}

/* ------------------------------------------------------------------------- */
/* Pins */

static const char *at(const char *name)
{
	return pin_path(dir, name);
}

/* What OBJ_GET makes of @path, pinned by a descriptor of @mode */
static void check_pin(const char *path, const struct mode *mode, const char *what)
{
	char text[64];
	size_t i;

	for (i = 0; i < ARRAY_SIZE(modes); i++) {
		int fd = pin_get(path, modes[i].flags);

		snprintf(text, sizeof(text), "%s: GET %s", what, modes[i].name);
		if (mode->flags && modes[i].flags != mode->flags)
			check_ret(fd, -EACCES, "%s", text);
		else
			check_mode(fd, &modes[i], text);
	}
}

static void check_names(const struct mode *mode)
{
	char bind[] = "/tmp/bind-XXXXXX";
	int d = open(dir, O_PATH | O_DIRECTORY | O_CLOEXEC);
	struct stat st = { 0 };

	check_sys(stat(at("pin"), &st), 0, "stat");
	check_num(st.st_mode, S_IFREG | mode->bits, "mode bits");
	check_pin(at("pin"), mode, "as it is");
	check_sys(chmod(at("pin"), 0666), 0, "chmod");
	check_sys(chown(at("pin"), 65534, 65534), 0, "chown");
	check_pin(at("pin"), mode, "mode bits 0666");
	check_sys(link(at("pin"), at("link")), 0, "link");
	check_pin(at("link"), mode, "hard link");
	check_sys(rename(at("pin"), at("renamed")), 0, "rename");
	check_pin(at("renamed"), mode, "renamed");
	check_sys(symlink("renamed", at("symlink")), 0, "symlink");
	check_pin(at("symlink"), mode, "symbolic link");
	check(mkdtemp(bind), "mkdtemp");
	check_sys(mount(dir, bind, NULL, MS_BIND, NULL), 0, "bind");
	check_pin(pin_path(bind, "link"), mode, "bound elsewhere");
	umount2(bind, 0);
	rmdir(bind);
	check_ret(pin_get_at(d, "link", mode->flags ^ (RDONLY | WRONLY)),
		  mode->flags ? -EACCES : -EINVAL, "path_fd");
	close(d);
}

/* Pins by a descriptor that came from a pin, and by a RDWR descriptor */
static void check_pinned_again(size_t i)
{
	int fd = pin_get(at("link"), modes[i].flags);

	check_ret(pin_obj(fd, at("again")), 0, "PIN of what was got");
	close(fd);
	check_pin(at("again"), &modes[i], "pinned again");
	check_ret(pin_obj(fds[0], at("more")), 0, "PIN by a RDWR descriptor");
	check_pin(at("more"), &modes[0], "beside it");
	check_sys(rename(at("more"), at("link")), 0, "rename");
	check_pin(at("link"), &modes[0], "put in its place");
}

/* Another user pins the map and opens the pin to all: the mode still holds */
static void pin_as_nobody(void *arg)
{
	const struct mode *mode = arg;

	check_ret(pin_obj(fds[mode - modes], at("mine")), 0, "PIN");
	check_sys(chmod(at("mine"), 0666), 0, "chmod");
	check_pin(at("mine"), mode, "nobody's");
	check_sys(access(at("mine"), W_OK),
		  mode->flags == RDONLY ? -EACCES : 0, "access, W_OK");
	check_sys(access(at("mine"), R_OK),
		  mode->flags == WRONLY ? -EACCES : 0, "access, R_OK");
	check_sys(unlink(at("mine")), 0, "unlink");
}

TEST(pins, K_ALL)
{
	size_t i;

	if (backend() == BACKEND_BPF)
		return;
	begin(k);
	for (i = 0; i < ARRAY_SIZE(modes); i++) {
		check_ret(pin_mount(dir, NULL), 0, "mount");
		row("pin.access", "%s pinned by a %s descriptor", k->name,
		    modes[i].name);
		check_ret(pin_obj(fds[i], at("pin")), 0, "PIN");
		check_names(&modes[i]);
		check_pinned_again(i);
		row("pin.access", "%s pinned by nobody, %s", k->name,
		    modes[i].name);
		as_nobody(pin_as_nobody, (void *)&modes[i]);
		check_ret(pin_umount(dir, 0), 0, "umount");
	}
	end();
}

/* A pin of a frozen map still says what it may do, which is less */
TEST(frozen, K_ALL)
{
	static const struct mode read_all = { "frozen", 0, 0, -EPERM, 0600 };

	begin(k);
	check_ret(pin_mount(dir, NULL), 0, "mount");
	row("freeze.all", "%s: pins of a frozen map", k->name);
	check_ret(pin_obj(map.fd, at("before")), 0, "PIN");
	check_ret(map_freeze(map.fd), 0, "FREEZE");
	check_ret(pin_obj(map.fd, at("after")), 0, "PIN");
	check_mode(pin_get(at("before"), 0), &read_all, "pinned before");
	check_mode(pin_get(at("after"), 0), &read_all, "pinned after");
	check_ret(pin_umount(dir, 0), 0, "umount");
	end();
}

/* ------------------------------------------------------------------------- */
/* The same open file, by other numbers */

static int over_socket(int fd)
{
	union {
		char bytes[CMSG_SPACE(sizeof(int))];
		struct cmsghdr align;
	} control = { { 0 } };
	char c = 0;
	struct iovec v = { &c, 1 };
	struct msghdr msg = { .msg_iov = &v, .msg_iovlen = 1,
			      .msg_control = control.bytes,
			      .msg_controllen = sizeof(control) };
	struct cmsghdr *head = CMSG_FIRSTHDR(&msg);
	int pair[2], got = -1;

	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair))
		return -errno;
	head->cmsg_level = SOL_SOCKET;
	head->cmsg_type = SCM_RIGHTS;
	head->cmsg_len = CMSG_LEN(sizeof(int));
	memcpy(CMSG_DATA(head), &fd, sizeof(fd));
	check_sys(sendmsg(pair[0], &msg, 0), 1, "sendmsg");
	check_sys(recvmsg(pair[1], &msg, MSG_CMSG_CLOEXEC), 1, "recvmsg");
	head = CMSG_FIRSTHDR(&msg);
	if (head)
		memcpy(&got, CMSG_DATA(head), sizeof(got));
	close(pair[0]);
	close(pair[1]);
	return got;
}

static int over_pidfd(int fd)
{
	int pidfd = syscall(SYS_pidfd_open, getpid(), 0), got;

	got = sys_result(syscall(SYS_pidfd_getfd, pidfd, fd, 0));
	close(pidfd);
	return got;
}

struct inherited {
	int fd;
	const struct mode *mode;
};

static void inherit(void *arg)
{
	const struct inherited *i = arg;

	check_mode(i->fd, i->mode, "inherited");
}

TEST(same_file, K_ALL)
{
	size_t i;

	begin(k);
	for (i = 0; i < ARRAY_SIZE(modes); i++) {
		struct inherited in = { fds[i], &modes[i] };
		int fd;

		row("perm.never_more", "%s, %s descriptor", k->name,
		    modes[i].name);
		check_mode(dup(fds[i]), &modes[i], "dup");
		in_child(inherit, &in);
		as_nobody(inherit, &in);
		fd = over_socket(fds[i]);
		if (fd == -EAFNOSUPPORT)
			printf("# no sockets here\n");
		else
			check_mode(fd, &modes[i], "SCM_RIGHTS");
		check_mode(over_pidfd(fds[i]), &modes[i], "pidfd_getfd");
		fd = dup(fds[i]);
		check_sys(fcntl(fd, F_SETFL, O_RDWR), 0, "F_SETFL");
		check_mode(fd, &modes[i], "F_SETFL");
	}
	end();
}

/* ------------------------------------------------------------------------- */
/* Another open file */

TEST(reopened, K_ALL)
{
	static const int flags[] = { O_RDONLY, O_WRONLY, O_RDWR,
				     O_RDWR | O_TRUNC };
	char path[40];
	size_t i, j;

	begin(k);
	for (i = 0; i < ARRAY_SIZE(modes); i++) {
		row("perm.never_more", "%s, %s descriptor", k->name,
		    modes[i].name);
		snprintf(path, sizeof(path), "/proc/self/fd/%d", fds[i]);
		for (j = 0; j < ARRAY_SIZE(flags); j++)
			check_sys(open(path, flags[j]), -ENXIO,
				  "open by /proc, flags %#x", flags[j]);
	}
	end();
}

static void by_id(void *arg)
{
	size_t i;

	(void)arg;
	for (i = 0; i < ARRAY_SIZE(modes); i++)
		check_ret(map_get_fd_by_id(map_id(fds[1]), modes[i].flags),
			  -EPERM, "GET_FD_BY_ID %s", modes[i].name);
}

/* An id opens a map for root only, which no mode restricts */
TEST(ids, K_ALL)
{
	size_t i;

	begin(k);
	row("id.admin", "%s by its id", k->name);
	as_nobody(by_id, NULL);
	for (i = 0; i < ARRAY_SIZE(modes); i++)
		check_mode(map_get_fd_by_id(map_id(fds[1]), modes[i].flags),
			   &modes[i], modes[i].name);
	end();
}

/* ... nor does a map of maps, which any descriptor can put it in */
TEST(inner_maps, K_HASH | K_ARRAY)
{
	uint32_t key = 0, id = 0;
	int outer;

	begin(k);
	row("inner.id", "%s in a map of maps, by a RDONLY descriptor", k->name);
	outer = map_create(.map_type = BPFMAP_TYPE_ARRAY_OF_MAPS, .key_size = 4,
			   .value_size = 4, .max_entries = 4,
			   .inner_map_fd = fds[1]);
	check_ret(outer, GOT_FD, "MAP_CREATE");
	check_ret(map_update(outer, &key, &fds[1], 0), 0, "UPDATE");
	check_ret(map_lookup(outer, &key, &id, 0), 0, "LOOKUP");
	check_num(id, map_id(map.fd), "an id");
	as_nobody(by_id, NULL);
	close(outer);
	end();
}

/* ------------------------------------------------------------------------- */
/* Mappings */

TEST(mappings, K_ARRAY_MM)
{
	const size_t page = 4096;
	char *p, *moved;

	begin(k);
	row("mmap.mode", "%s: mmap", k->name);
	p = mmap(NULL, page, PROT_READ, MAP_SHARED, fds[1], 0);
	check(p == MAP_FAILED && errno == EINVAL, "RDONLY, PROT_READ");
	p = mmap(NULL, page, PROT_READ | PROT_WRITE, MAP_SHARED, fds[1], 0);
	check(p == MAP_FAILED && errno == EACCES, "RDONLY, PROT_WRITE");
	p = mmap(NULL, page, PROT_READ | PROT_WRITE, MAP_PRIVATE, fds[1], 0);
	check(p == MAP_FAILED && errno == EINVAL, "RDONLY, MAP_PRIVATE");
	p = mmap(NULL, page, PROT_WRITE, MAP_SHARED, fds[2], 0);
	check(p == MAP_FAILED && errno == EACCES, "WRONLY, PROT_WRITE");
	p = mmap(NULL, page, PROT_READ, MAP_SHARED, fds[2], 0);
	check(p == MAP_FAILED && errno == EACCES, "WRONLY, PROT_READ");

	row("mmap.protect", "%s: a mapping that is not writable", k->name);
	p = mmap(NULL, page, PROT_READ, MAP_SHARED, fds[0], 0);
	check(p != MAP_FAILED, "PROT_READ");
	check_sys(mprotect(p, page, PROT_READ | PROT_WRITE), -EACCES,
		  "mprotect");
	check_sys(syscall(SYS_remap_file_pages, p, page, 0, 0, 0), 0,
		  "remap_file_pages");
	check_sys(mprotect(p, page, PROT_READ | PROT_WRITE), -EACCES,
		  "mprotect after it");
	moved = mremap(p, page, page, MREMAP_MAYMOVE | MREMAP_FIXED,
		       p + 4 * page);
	check(moved == p + 4 * page, "mremap");
	check_sys(mprotect(moved, page, PROT_READ | PROT_WRITE),
		  -EACCES, "mprotect after it");
	check(mremap(moved, page, 2 * page, MREMAP_MAYMOVE) == MAP_FAILED,
	      "mremap to more");
	check(mremap(moved, 0, page, MREMAP_MAYMOVE) == MAP_FAILED,
	      "mremap to a second one");
	munmap(moved, page);
	end();
}

TEST_MAIN
