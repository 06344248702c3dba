/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * outer - maps of maps, K_OUTERS, for the tests about them; their keys have 4 bytes
 */
#ifndef BPFMAP_TESTS_OUTER_H
#define BPFMAP_TESTS_OUTER_H

#include "contract.h"

/* Like most inner maps here: a hash of 4-byte keys and 8-byte values */
int inner_new(void);

/* MAP_CREATE with value_size 4 and everything else as named: fd or -errno */
int outer_create(const struct kind *k, uint32_t max_entries,
		 int template_fd);

/* The same for maps like inner_new()'s; fails the row if there is an error */
int outer_new(const struct kind *k, uint32_t max_entries);

/* UPDATE with descriptor @fd */
int outer_put(int outer, uint32_t key, int fd, uint64_t flags);

/* The id under @key, or -errno */
long outer_id(int outer, uint32_t key);

/* Does GET_FD_BY_ID find it? */
bool id_exists(uint32_t id);

/* The same for a map of a closed outer map, which may take a moment to go */
bool id_vanishes(uint32_t id);

#endif /* BPFMAP_TESTS_OUTER_H */
