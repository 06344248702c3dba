/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * contract - a map with known content, for the tests of what commands answer
 */
#ifndef BPFMAP_TESTS_CONTRACT_H
#define BPFMAP_TESTS_CONTRACT_H

#include "common.h"

/* A case of MAP_CREATE */
struct create_case {
	const char *name;
	struct bpfmap_create_attr a;
	int want;
	bool newer;	/* than bpf(2) before 7.3 */
};

/* Members of the attr that nearly every case has, and others by name */
#define SHAPE(key, value, entries, flags, ...) {			\
	.key_size = key, .value_size = value, .max_entries = entries,	\
	.map_flags = flags, ##__VA_ARGS__ }

/* Flags about access; alone, all types with elements accept them */
#define RIGHTS	(BPFMAP_F_RDONLY | BPFMAP_F_WRONLY | PROG_RIGHTS)
#define PROG_RIGHTS (BPFMAP_F_RDONLY_PROG | BPFMAP_F_WRONLY_PROG)

/*
 * Creations that cannot fit are refused at once in a small virtual machine. On
 * a larger one bpf(2) may start to allocate, up to where others are killed.
 */
bool huge_is_safe(void);

/* Lowest free descriptor: the same afterwards if none leaked */
int lowest_fd(void);

/* MAP_CREATE answers @want, writes nothing and loses no descriptor: fd, or -1 */
int created(const struct bpfmap_create_attr *a, int want);

/* The info of a map that was created by @a and has this name */
void check_info(int fd, const struct bpfmap_create_attr *a, const char *name);

/* created(), and if there is a map, its mode and info; then it is closed */
void check_create(const struct bpfmap_create_attr *a, int want,
		  const char *name);

/*
 * Each of the cases, as rows of @section: @k has the type, and the flags that
 * are set where those of the case have them not
 */
void check_creates(const char *section, const struct kind *k,
		   const struct create_case *cases, size_t n);

/*
 * A map like @good with one more flag: EINVAL, but for those in @accepted. Two
 * pairs of them exclude each other.
 */
void check_create_flags(const char *section, const struct kind *k,
			struct bpfmap_create_attr good, uint32_t accepted);

/* A map under test; vs: bytes of a whole value as commands transfer it */
struct tmap {
	const struct kind *kind;
	int fd;
	uint32_t key_size;
	uint32_t value_size;
	uint32_t max_entries;
	size_t vs;
};

/* Fails the row and has fd < 0 if the map cannot be created */
struct tmap tmap_new(const struct kind *k, uint32_t key_size,
		     uint32_t value_size, uint32_t max_entries);
void tmap_close(struct tmap *t);

/* The @n-th key: index @n of an array, a key of a hash that starts with @n */
void tmap_key(const struct tmap *t, uint32_t n, void *key);

/* A whole value that depends on @seed, each CPU's another one, padding 0 */
void tmap_value(const struct tmap *t, unsigned int seed, void *value);

/* Store value @seed under the @n-th key */
int tmap_put(const struct tmap *t, uint32_t n, unsigned int seed);

/* Keys 0 to @n - 1, each with the value of its own number */
void tmap_fill(const struct tmap *t, uint32_t n);

/* Another descriptor of the same map with BPFMAP_F_RDONLY or _WRONLY */
int tmap_reopen(const struct tmap *t, uint32_t open_flags);

/* Keys that a walk by GET_NEXT_KEY visits; stops at @max */
uint32_t tmap_walk(const struct tmap *t, uint32_t max);

/* The value of key @n is that of @seed, or absent if @seed < 0 */
bool check_elem(const struct tmap *t, uint32_t n, int seed, const char *what);

/*
 * All that the map holds under its first @n keys, and how many keys there are:
 * two snapshots of the same content are equal. To be freed by the caller.
 */
struct snap {
	uint8_t *p;
	size_t len;
};

struct snap tmap_snap(const struct tmap *t, uint32_t n);
bool check_unchanged(const struct tmap *t, uint32_t n, struct snap *old);

/* The batch commands; *count goes in and comes out, also after errors */
struct batch {
	const void *in;
	void *out;
	const void *keys;
	const void *values;
	uint32_t count;
	uint64_t elem_flags;
	uint64_t flags;
};

int map_batch(int cmd, int fd, struct batch *b);

#define ORDERED_MAX 48

/**
 * struct ordered - a map and what walks over it find
 * @n: elements: keys 0 to @n - 1, inserted in this order, with their values
 * @order: their keys in the order of LOOKUP_BATCH
 * @out: of a batch, as are @keys and @values, with room for @n + 1 elements
 */
struct ordered {
	struct tmap t;
	uint32_t n;
	uint32_t order[ORDERED_MAX];
	struct buf out, keys, values;
};

void ordered_new(struct ordered *o, const struct kind *k, uint32_t n);
void ordered_free(struct ordered *o);

/* A batch of all elements into the buffers, which are filled anew */
struct batch ordered_batch(struct ordered *o);

/* Elements @first to @first + @n - 1 of the order are at @keys and @values */
bool check_ordered(const struct ordered *o, uint32_t first, uint32_t n,
		   const uint8_t *keys, const uint8_t *values);

/* They are in the buffers, and nothing else is */
void check_received(const struct ordered *o, uint32_t first, uint32_t n);

/* Exactly the elements from @first to @end - 1 of the order are gone */
void check_gone(const struct ordered *o, uint32_t first, uint32_t end);

#endif /* BPFMAP_TESTS_CONTRACT_H */
