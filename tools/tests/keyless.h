/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * keyless - shared by the tests of maps without keys
 */
#ifndef BPFMAP_TESTS_KEYLESS_H
#define BPFMAP_TESTS_KEYLESS_H

#include "contract.h"

/* A map of @k's type: fd or -errno */
int keyless_new(const struct kind *k, uint32_t value_size, uint32_t max_entries,
		uint32_t flags);

int keyless_push(int fd, const void *value, uint64_t flags);
int keyless_peek(int fd, void *value);
int keyless_pop(int fd, void *value);

/* Creations that all types with values answer alike */
extern const struct create_case keyless_creates[];
extern const unsigned int n_keyless_creates;

/* Flags that no command of such a map has, and names of them */
struct keyless_flags {
	const char *name;
	uint64_t flags;
};

extern const struct keyless_flags keyless_bad_flags[];
extern const unsigned int n_keyless_bad_flags;

/* Commands on elements with a key: EINVAL */
void keyless_check_keys(int fd, const struct kind *k);

/* Batches: 524, whatever the arguments */
void keyless_check_batches(int fd, const struct kind *k);

/* Values that cannot be accessed; @fd of values of 4 bytes has one */
void keyless_check_pointers(int fd, const struct kind *k);

/* A map of @k's type made read-only or write-only, and frozen: permissions */
void keyless_check_modes(const struct kind *k);

#endif /* BPFMAP_TESTS_KEYLESS_H */
