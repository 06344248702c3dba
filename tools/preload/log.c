// SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause
/*
 * The fourth and fifth argument of bpf(2) since Linux 7.3, with which MAP_CREATE
 * says in words what it refuses. The device answers with an errno only: the words
 * are found by the order of its checks.
 */
#include <fcntl.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/uio.h>
#include <unistd.h>
#include <linux/bpfmap.h>

#include "map_types.h"
#include "preload.h"

#define COMMON_END (offsetof(struct common_attr, log_true_size) + 4)
#define CREATE_END (offsetof(struct bpfmap_create_attr, excl_prog_hash_size) + 4)
#define ATTR_KNOWN 168		/* sizeof(union bpf_attr) of 7.3 */
#define LOG_FIXED 8		/* level: keep the beginning, not the end */
#define LOG_LEVELS 15

/* A copy that fails with -EFAULT instead of a signal, if the kernel permits that */
static int copy(void *to, const void *from, size_t size, bool read)
{
	struct iovec local = { read ? to : (void *)from, size };
	struct iovec remote = { read ? (void *)from : to, size };
	int err = errno;
	ssize_t n;

	if (!size)
		return 0;
	n = read ? process_vm_readv(getpid(), &local, 1, &remote, 1, 0) :
		   process_vm_writev(getpid(), &local, 1, &remote, 1, 0);
	if (n < 0 && errno != EFAULT) {
		memcpy(to, from, size);
		n = size;
	}
	errno = err;
	return n == (ssize_t)size ? 0 : -EFAULT;
}

/* Is anything set from @known on? */
static bool has_tail(const char *attr, unsigned int size, unsigned int known)
{
	while (size > known)
		if (attr[--size])
			return true;
	return false;
}

static int envelope(const void *attr, unsigned int size, unsigned int known)
{
	char all[ATTR_MAX];

	if (size > ATTR_MAX)
		return -E2BIG;
	if (copy(all, attr, size, true))
		return -EFAULT;
	return has_tail(all, size, known) ? -E2BIG : 0;
}

long common_check(const void *attr, unsigned int size, const void *user,
		  unsigned int common_size)
{
	int err = envelope(attr, size, ATTR_KNOWN);

	return err ? err : envelope(user, common_size, COMMON_END);
}

static bool log_valid(const struct common_attr *c)
{
	return !c->log_buf == !c->log_size && (c->log_level || !c->log_buf) &&
	       !(c->log_level & ~LOG_LEVELS) && c->log_size <= UINT32_MAX >> 2;
}

static bool node_online(uint32_t node)
{
	char name[64];

	if ((int32_t)node == -1)
		return true;
	snprintf(name, sizeof(name), "/sys/devices/system/node/node%u", node);
	if (!REAL(access)("/sys/devices/system/node", F_OK))
		return !REAL(access)(name, F_OK);
	return !node;
}

static bool name_valid(const char *name)
{
	size_t i;

	for (i = 0; i < BPFMAP_NAME_LEN && name[i]; i++) {
		unsigned char c = name[i];

		if (!(c >= '0' && c <= '9') && !(c >= 'a' && c <= 'z') &&
		    !(c >= 'A' && c <= 'Z') && c != '_' && c != '.' &&
		    (c < 0xc0 || c == 0xd7 || c == 0xf7))
			return false;
	}
	return i < BPFMAP_NAME_LEN;
}

/* Does MAP_CREATE get as far as to a descriptor that is closed? */
static bool finds_closed(struct bpfmap_create_attr *a)
{
	long fd = create(a, CREATE_END);

	if (fd >= 0)
		close(fd);
	return fd == -EBADF;
}

/* A closed token is refused before any memory is allocated */
static bool reaches_token(struct bpfmap_create_attr a)
{
	a.map_flags |= BPFMAP_F_TOKEN_FD;
	a.map_token_fd = -1;
	return finds_closed(&a);
}

/* ... and a closed btf_fd before what comes last */
static bool reaches_name(struct bpfmap_create_attr a)
{
	memset(a.map_name, 0, sizeof(a.map_name));
	a.btf_key_type_id = 0;
	a.btf_value_type_id = 1;
	a.btf_fd = -1;
	return finds_closed(&a);
}

/* What does not depend on the map type: [create.vmlinux] to [create.type] */
static const char *refused_early(const struct bpfmap_create_attr *a)
{
	const struct type_row *row = type_row(a->map_type);

	if (a->btf_vmlinux_value_type_id)
		return "btf_vmlinux_value_type_id can only be used with struct_ops maps.\n";
	if (a->btf_key_type_id && !a->btf_value_type_id)
		return "Invalid btf_value_type_id.\n";
	if (a->map_extra && a->map_type != BPFMAP_TYPE_BLOOM_FILTER &&
	    a->map_type != BPFMAP_TYPE_ARENA && a->map_type != BPFMAP_TYPE_RHASH)
		return "Invalid map_extra.\n";
	if (a->map_flags & BPFMAP_F_NUMA_NODE && !node_online(a->numa_node))
		return "Invalid numa_node.\n";
	return row || !a->map_type ? NULL : "Invalid map_type.\n";
}

/* [create.token] to [create.modes] */
static const char *refused_late(const struct bpfmap_create_attr *a, long err)
{
	const struct type_row *row = type_row(a->map_type);
	bool closed = row && row->values == VALUES_MAPS &&
		      fcntl(a->inner_map_fd, F_GETFD) < 0;

	if (!row || !reaches_token(*a))
		return NULL;
	if (a->map_flags & BPFMAP_F_TOKEN_FD)
		return "Invalid map_token_fd.\n";
	if (a->map_ifindex || closed || !reaches_name(*a))
		return NULL;
	if (!name_valid(a->map_name))
		return "Invalid map_name.\n";
	if (a->btf_key_type_id || a->btf_value_type_id)
		return err == -EBADF ? "Invalid btf_fd.\n" : NULL;
	if (a->excl_prog_hash ? a->excl_prog_hash_size != 32 :
				a->excl_prog_hash_size)
		return "Invalid excl_prog_hash_size.\n";
	return NULL;
}

/* Why MAP_CREATE returned @err; Linux has no words for most of it */
static const char *reason(const struct bpfmap_create_attr *a, bool tail, long err)
{
	const char *early;

	if (err != -EINVAL && err != -EBADF)
		return NULL;
	if (tail)
		return "Invalid attr.\n";
	early = refused_early(a);
	return early ? early : refused_late(a, err);
}

/* @words as bpf(2)'s log has them: with their NUL, and only what has room */
static int write_log(const struct common_attr *c, const char *words, uint32_t len)
{
	char *to = (char *)(uintptr_t)c->log_buf;
	int err;

	if (len <= c->log_size)
		return copy(to, words, len, false);
	if (c->log_level & LOG_FIXED) {
		err = copy(to, words, c->log_size - 1, false);
		if (!err)
			err = copy(to + c->log_size - 1, "", 1, false);
	} else {
		err = copy(to, words + len - c->log_size, c->log_size, false);
	}
	return err ? err : -ENOSPC;
}

/* An error of the log counts more than the result of the command */
static long finish_log(const struct common_attr *c, void *user,
		       unsigned int common_size, const char *words, long ret)
{
	uint32_t len = words && c->log_level ? strlen(words) + 1 : 0;
	int err = 0;

	if (len && c->log_buf)
		err = write_log(c, words, len);
	if (common_size >= COMMON_END &&
	    copy((char *)user + offsetof(struct common_attr, log_true_size), &len,
		 sizeof(len), false))
		err = -EFAULT;
	if (err && ret >= 0)
		close(ret);
	return err ? err : ret;
}

long create_logged(void *attr, unsigned int size, void *user,
		   unsigned int common_size)
{
	unsigned int known = common_size < COMMON_END ? common_size : COMMON_END;
	struct common_attr c = { 0 };
	char all[ATTR_MAX] = { 0 };
	struct bpfmap_create_attr a;
	const char *words = NULL;
	long ret;

	if (copy(all, attr, size, true) || copy(&c, user, known, true))
		return -EFAULT;
	if (!log_valid(&c))
		return -EINVAL;
	ret = create(all, size);
	if (ret < 0) {
		memcpy(&a, all, sizeof(a));
		words = reason(&a, has_tail(all, size, CREATE_END), ret);
	}
	return finish_log(&c, user, common_size, words, ret);
}
