// SPDX-License-Identifier: GPL-2.0-only
/*
 * contract_fd - FREEZE, file operations on a map's descriptor, and what may be
 * done without CAP_SYS_ADMIN
 */
#include <poll.h>
#include <sched.h>
#include <linux/capability.h>
#include <sys/epoll.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/syscall.h>

#include "contract.h"

#define NEXT_ID	BPFMAP_CMD_MAP_GET_NEXT_ID

/* ------------------------------------------------------------------------- */
/* FREEZE */

TEST(freeze_fds, K_ALL)
{
	struct tmap t = tmap_new(k, 4, 12, 4);
	int rdonly = tmap_reopen(&t, BPFMAP_F_RDONLY);
	int wronly = tmap_reopen(&t, BPFMAP_F_WRONLY);

	tmap_fill(&t, 2);
	if (since(6, 12)) {
		row("freeze.again", "FREEZE %s: RDONLY fd", k->name);
		check_ret(map_freeze(rdonly), -EPERM, "result");
		check_ret(tmap_put(&t, 1, 9), 0, "not frozen");
		row("freeze.again", "FREEZE %s: WRONLY fd", k->name);
		check_ret(map_freeze(wronly), 0, "result");
		row("freeze.again", "FREEZE %s: again", k->name);
		check_ret(map_freeze(t.fd), -EPERM, "RDWR fd");
		check_ret(map_freeze(wronly), -EPERM, "WRONLY fd");
		check_ret(map_freeze(rdonly), -EPERM, "RDONLY fd");
	}
	if (backend() != BACKEND_MAP) {
		row("fd.closed", "FREEZE: closed fd");
		check_ret(map_freeze(closed_fd()), -EBADF, "result");
		row("fd.foreign", "FREEZE: fd of something else");
		check_ret(map_freeze(other_fd()), -EINVAL, "result");
	}
}

/* A frozen map: no command writes, on any descriptor; all others work */
static void check_frozen(const struct tmap *t, int fd, const char *which)
{
	struct buf value = buf_new(t->vs), next = buf_new(4), out = buf_new(4);
	uint8_t *want = malloc(t->vs);
	uint32_t key = 1, absent = 3;
	struct batch b = { .out = out.p, .keys = &key, .values = value.p,
			   .count = 1 };
	int ret;

	row("fd.frozen", "frozen %s: %s", t->kind->name, which);
	check_ret(map_update(fd, &key, want, 0), -EPERM, "UPDATE");
	check_ret(map_update(fd, &absent, want, 0), -EPERM, "UPDATE of a new key");
	check_ret(map_delete(fd, &key), -EPERM, "DELETE");
	check_ret(map_elem(LAD, fd, &key, value.p, 0), -EPERM,
		  "LOOKUP_AND_DELETE");
	check_ret(map_batch(UB, fd, &b), -EPERM, "UPDATE_BATCH");
	check_ret(map_batch(DB, fd, &b), -EPERM, "DELETE_BATCH");
	check_ret(map_batch(LADB, fd, &b), -EPERM, "LOOKUP_AND_DELETE_BATCH");
	check_untouched(&value, "value");
	tmap_value(t, 1, want);
	check_ret(map_lookup(fd, &key, value.p, 0), 0, "LOOKUP");
	check_buf(&value, want, t->vs, "value");
	check_ret(map_next_key(fd, NULL, next.p), 0, "GET_NEXT_KEY");
	ret = map_batch(LB, fd, &b);
	check(ret == 0 || ret == -ENOENT || ret == -ENOSPC, "LOOKUP_BATCH: %d",
	      ret);
	free(want);
	buf_free(&value);
	buf_free(&next);
	buf_free(&out);
}

TEST(frozen_everywhere, K_ALL)
{
	struct tmap t = tmap_new(k, 4, 12, 4);
	int copy = dup(t.fd), before = tmap_reopen(&t, 0), after;
	struct snap old;

	tmap_fill(&t, 3);
	row("freeze.all", "FREEZE %s", k->name);
	check_ret(map_freeze(t.fd), 0, "result");
	after = tmap_reopen(&t, 0);
	old = tmap_snap(&t, 4);
	check_frozen(&t, t.fd, "the descriptor");
	check_frozen(&t, copy, "its duplicate");
	check_frozen(&t, before, "another one from before");
	check_frozen(&t, after, "another one from afterwards");
	check_unchanged(&t, 4, &old);
}

/* ------------------------------------------------------------------------- */
/* File operations */

TEST(file_operations, K_ALL)
{
	struct tmap t = tmap_new(k, 4, 12, 4);
	int rdonly = tmap_reopen(&t, BPFMAP_F_RDONLY);
	int wronly = tmap_reopen(&t, BPFMAP_F_WRONLY);
	struct buf b = buf_new(16);

	row("file.read", "read of %s", k->name);
	check_sys(read(t.fd, b.p, 16), -EINVAL, "RDWR fd");
	check_sys(read(rdonly, b.p, 16), -EINVAL, "RDONLY fd");
	check_sys(read(wronly, b.p, 16), -EBADF, "WRONLY fd");
	check_untouched(&b, "buffer");
	row("file.read", "write to %s", k->name);
	check_sys(write(t.fd, b.p, 16), -EINVAL, "RDWR fd");
	check_sys(write(wronly, b.p, 16), -EINVAL, "WRONLY fd");
	check_sys(write(rdonly, b.p, 16), -EBADF, "RDONLY fd");
	row("file.read", "lseek of %s", k->name);
	check_sys(lseek(t.fd, 0, SEEK_SET), -ESPIPE, "SEEK_SET");
	check_sys(lseek(t.fd, 0, SEEK_CUR), -ESPIPE, "SEEK_CUR");
	check_sys(lseek(t.fd, 0, SEEK_END), -ESPIPE, "SEEK_END");
	row("file.ioctl", "foreign ioctls on %s", k->name);
	check_sys(ioctl(t.fd, _IO('T', 1), b.p), -ENOTTY, "TCGETS");
	check_sys(ioctl(t.fd, _IOR('T', 0x1b, int), b.p), -ENOTTY, "another");
	check_untouched(&b, "buffer");
}

TEST(polling, K_ALL)
{
	static const short asked[] = { 0, POLLIN, POLLOUT, POLLIN | POLLOUT,
				       POLLPRI };
	struct tmap t = tmap_new(k, 4, 12, 4);
	struct epoll_event e = { .events = EPOLLIN | EPOLLOUT }, got = { 0 };
	int ep = epoll_create1(EPOLL_CLOEXEC);
	size_t i;

	for (i = 0; i < ARRAY_SIZE(asked); i++) {
		struct pollfd p = { .fd = t.fd, .events = asked[i] };

		row("file.poll", "poll of %s for %#x", k->name, asked[i]);
		check_num(poll(&p, 1, 0), 1, "result");
		check_num(p.revents, POLLERR, "revents");
	}
	row("file.poll", "epoll of %s", k->name);
	check_sys(epoll_ctl(ep, EPOLL_CTL_ADD, t.fd, &e), 0, "add");
	check_num(epoll_wait(ep, &got, 1, 0), 1, "result");
	check_num(got.events, EPOLLERR, "events");
}

/* ------------------------------------------------------------------------- */
/* Without CAP_SYS_ADMIN */

static int create_with(const struct kind *k, uint32_t flags, uint32_t value_size,
		       uint32_t max_entries, uint64_t map_extra)
{
	return map_create(.map_type = k->type, .key_size = 4,
			  .value_size = value_size, .max_entries = max_entries,
			  .map_flags = k->flags | flags, .map_extra = map_extra);
}

static int next_id(uint32_t start)
{
	union attr a = { .id = { .start_id = start } };

	return sys_map(NEXT_ID, &a, sizeof(a));
}

static void ids_refused(void)
{
	union attr a = { .id = { .next_id = 7 } };

	row("id.admin", "GET_NEXT_ID without capability");
	check_ret(sys_map(NEXT_ID, &a, sizeof(a)), -EPERM, "result");
	check_num(a.id.next_id, 7, "next_id");
	check_ret(next_id(0x7ffffffe), -EPERM, "before ENOENT");
	check_ret(next_id(0x7fffffff), -EINVAL, "start_id before it");
	a.raw[8] = 1;
	check_ret(sys_map(NEXT_ID, &a, sizeof(a)), -EINVAL, "attr before it");
	row("id.admin", "GET_FD_BY_ID without capability");
	check_ret(map_get_fd_by_id(0, 0), -EPERM, "before ENOENT");
	check_ret(map_get_fd_by_id(1, BPFMAP_F_RDONLY), -EPERM, "result");
	check_ret(map_get_fd_by_id(1, 24), -EPERM, "before both modes");
	check_ret(map_get_fd_by_id(1, 1), -EINVAL, "open_flags before it");
	memset(&a, 0, sizeof(a));
	a.raw[12] = 1;
	check_ret(sys_map(BPFMAP_CMD_MAP_GET_FD_BY_ID, &a, sizeof(a)), -EINVAL,
		  "attr before it");
}

/* Before everything else of the type, after what concerns all types */
static void zero_seed_refused(const struct kind *k)
{
	uint32_t seed = BPFMAP_F_ZERO_SEED;
	int want = is_hash(k) ? -EPERM : -EINVAL;

	row("create.zero_seed", "ZERO_SEED %s without capability", k->name);
	check_ret(create_with(k, seed, 8, 4, 0), want, "result");
	check_ret(create_with(k, seed | 1U << 31, 8, 4, 0), want,
		  "before the flags");
	check_ret(create_with(k, seed, 0, 4, 0), want, "before value_size 0");
	check_ret(create_with(k, seed, 8, 0, 0), want, "before max_entries 0");
	check_ret(create_with(k, seed, UINT32_MAX, 4, 0), want, "before E2BIG");
	check_ret(create_with(k, seed, 8, 4, 1), -EINVAL, "map_extra before it");
}

/* All the rest works */
static void others_allowed(const struct kind *k)
{
	struct tmap t = tmap_new(k, 4, 12, 4);
	struct bpfmap_info info;
	struct buf key = buf_new(4);

	row("fd.enough", "%s without capability", k->name);
	tmap_fill(&t, 4);
	check_elem(&t, 2, 2, "LOOKUP");
	check_ret(map_next_key(t.fd, NULL, key.p), 0, "GET_NEXT_KEY");
	check_ret(map_delete(t.fd, key.p), is_hash(k) ? 0 : -EINVAL, "DELETE");
	check_ret(map_info(t.fd, &info), 0, "OBJ_GET_INFO_BY_FD");
	check_ret(map_freeze(t.fd), 0, "FREEZE");
	check_ret(tmap_put(&t, 1, 1), -EPERM, "UPDATE of a frozen map");
	buf_free(&key);
	tmap_close(&t);
}

/* A map that a process with all capabilities created and passed on */
static void given_map(const struct tmap *t)
{
	row("fd.enough", "%s from root", t->kind->name);
	check_ret(tmap_put(t, 1, 7), 0, "UPDATE");
	check_elem(t, 1, 7, "LOOKUP");
	check_ret(map_freeze(t->fd), 0, "FREEZE");
}

static void device_refused(void)
{
	if (backend() == BACKEND_BPF)
		return;
	row("perm.device", "/dev/bpfmap without capability");
	check_sys(open("/dev/bpfmap", O_RDWR | O_CLOEXEC), -EACCES, "open");
}

static void powerless(void *arg)
{
	size_t i;

	ids_refused();
	device_refused();
	given_map(arg);
	/* bpf(2) has its sysctl before all maps */
	for (i = 0; i < N_COMMON && backend() != BACKEND_BPF; i++) {
		zero_seed_refused(&kinds[i]);
		others_allowed(&kinds[i]);
	}
}

TEST(without_capabilities, K_ALL)
{
	struct tmap t = tmap_new(k, 4, 12, 4);

	as_nobody(powerless, &t);
}

/* Root without just that one capability, and root of its own namespace */
static void drop_sys_admin(void *arg)
{
	struct __user_cap_header_struct head = {
		.version = _LINUX_CAPABILITY_VERSION_3,
	};
	struct __user_cap_data_struct data[2];

	(void)arg;
	row("perm.admin", "root without CAP_SYS_ADMIN");
	check_sys(syscall(SYS_capget, &head, data), 0, "capget");
	data[0].effective &= ~(1U << CAP_SYS_ADMIN);
	data[0].permitted &= ~(1U << CAP_SYS_ADMIN);
	data[0].inheritable = 0;
	check_sys(syscall(SYS_capset, &head, data), 0, "capset");
	ids_refused();
	if (backend() != BACKEND_BPF)
		zero_seed_refused(&kinds[0]);
}

static void own_user_namespace(void *arg)
{
	(void)arg;
	if (unshare(CLONE_NEWUSER)) {
		printf("# no user namespaces here: %s\n", strerror(errno));
		return;
	}
	ids_refused();
	if (backend() != BACKEND_BPF)
		zero_seed_refused(&kinds[0]);
}

TEST(without_sys_admin, 0)
{
	in_child(drop_sys_admin, NULL);
	in_child(own_user_namespace, NULL);
}

TEST_MAIN
