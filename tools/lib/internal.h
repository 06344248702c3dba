/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * What the files of the library share
 */
#ifndef LIBBPFMAP_INTERNAL_H
#define LIBBPFMAP_INTERNAL_H

#include <errno.h>
#include <stdbool.h>
#include <stddef.h>

#include "bpfmap.h"

#define offsetofend(TYPE, MEMBER) \
	(offsetof(TYPE, MEMBER) + sizeof(((TYPE *)0)->MEMBER))

/* Options: members past the caller's sz are absent, those past ours zero */
#define OPTS_VALID(opts, type)						\
	(!(opts) || opts_valid((opts), (opts)->sz,			\
		offsetofend(struct type, type##__last_field)))
#define OPTS_HAS(opts, field)						\
	((opts) && (opts)->sz >= offsetofend(__typeof__(*(opts)), field))
#define OPTS_GET(opts, field, fallback)					\
	(OPTS_HAS(opts, field) ? (opts)->field : (fallback))

static inline bool opts_valid(const void *opts, size_t size, size_t known)
{
	const char *byte = opts;
	size_t i;

	if (size < sizeof(size_t))
		return false;
	for (i = known; i < size; i++)
		if (byte[i])
			return false;
	return true;
}

/* What a function returns that fails */
static inline int fail(int err)
{
	errno = err;
	return -err;
}

#endif /* LIBBPFMAP_INTERNAL_H */
