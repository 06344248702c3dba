/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * failnth - allocations and copies that fail on demand, and maps to try it on
 */
#ifndef BPFMAP_TESTS_FAILNTH_H
#define BPFMAP_TESTS_FAILNTH_H

#include "load.h"
#include "map_types.h"

/* ------------------------------------------------------------------------- */
/* Injection, by /proc/thread-self/fail-nth */

/* NULL, or why the kernel does not do this */
const char *inject_begin(void);
void inject_end(void);

/*
 * From here on, the @nth allocation or copy of this thread fails, and, if that is
 * wanted, all allocations behind it; 0: none. No page that the program touches
 * then may be missing: such a fault is tried again for as long as memory fails,
 * which is noticed after a minute, and a failed check.
 */
void inject_arm(unsigned int nth, bool and_all);

/* Has it failed? Nothing fails from here on */
bool inject_disarm(void);

/* What is left of inject_arm()'s number, then disarms: how often it was asked */
unsigned int inject_count(unsigned int armed);

/* ------------------------------------------------------------------------- */
/* Maps */

enum content {
	KEYED_BYTES,	/* elements that come and go */
	KEYED_INDEX,	/* elements that are always there */
	KEYED_PREFIX,
	KEYED_MAPS,	/* elements are maps; indexes for keys */
	ORDERED,	/* queue and stack */
	MEMBERS,	/* Bloom filter */
	NO_CONTENT,
};

/**
 * struct shape - a map to try everything on
 * @fill: elements to begin with
 * @extra: much like another one, for the whole sweep only
 * @pgoff: what of it can be mapped writable
 * @pages: how much of it, 0: nothing
 * @content: by the list of map types, as @percpu and @any_order
 * @any_order: walks go another way in the next map
 */
struct shape {
	const char *name;
	uint32_t type;
	uint32_t flags;
	uint32_t key_size;
	uint32_t value_size;
	uint32_t max_entries;
	uint32_t fill;
	bool extra;
	uint32_t pgoff;
	uint32_t pages;
	enum content content;
	bool percpu;
	bool any_order;
};

extern struct shape shapes[];
extern unsigned int n_shapes;

#define MORE		5	/* keys that are not there */
#define KEYS_MAX	32
#define KEY_BYTES	64
#define SNAP_MAX	(2 * KEYS_MAX)

/* What an element holds: an errno, or one of these */
enum { IS_ZERO, IS_OLD, IS_NEW, IS_WRONG };

static inline unsigned int shape_keys(const struct shape *s)
{
	return s->fill + MORE;
}

static inline bool shape_keyed(const struct shape *s)
{
	return s->content <= KEYED_MAPS;
}

/* Bytes of a value as user space has it */
size_t shape_value_bytes(const struct shape *s);

void shape_attr(const struct shape *s, struct bpfmap_create_attr *attr);
void shape_key(const struct shape *s, unsigned int nr, void *key);
int shape_key_number(const struct shape *s, const void *key);
void shape_value(const struct shape *s, unsigned int nr, bool new, void *value);

/* @value has come out of the map */
int shape_value_class(const struct shape *s, unsigned int nr, const void *value);

/* Maps that maps of maps hold */
void inner_begin(void);
void inner_end(void);

/* A map with its elements; -errno */
int shape_new(const struct shape *s);
int shape_fill(const struct shape *s, int fd);

/*
 * An address where nothing else shares the page table, so that one has to be
 * allocated; the mapping there, or MAP_FAILED
 */
void *shape_place(void);
void *shape_map(const struct shape *s, int fd, void *place);
size_t shape_mapped_bytes(const struct shape *s);

/* What is in the map. Returns how many numbers that takes */
unsigned int shape_snap(const struct shape *s, int fd, int *snap);

/* The same, all of it, for those that must be emptied to know */
unsigned int shape_drain(const struct shape *s, int fd, int *snap);

/* Add a test for each shape. They run in the order of shapes[] */
void shape_tests(void (*fn)(const struct kind *kind));

#endif /* BPFMAP_TESTS_FAILNTH_H */
