// SPDX-License-Identifier: GPL-2.0-only
/*
 * oracle_views - mappings of maps: permissions and contents
 *
 * What one of the two sides writes to its mapping the other one writes to its
 * own. All mappings of both sides have the same bytes then.
 */
#include <sys/mman.h>

#include "oracle.h"

struct view {
	const struct object *object;	/* NULL: none */
	uint8_t *at[N_SIDES];
	size_t len;
	int prot;
};

static struct view views[N_VIEWS];

static const char *differ(const char *what, long bpf, long device)
{
	static char text[96];

	snprintf(text, sizeof(text), "%s: bpf(2) %ld, device %ld", what, bpf,
		 device);
	return text;
}

/* An arena with this flag must not touch a page that does not exist */
static bool can_touch(const struct view *v)
{
	return v->object && v->prot &&
	       !(v->object->shape.map_flags & BPFMAP_F_SEGV_ON_FAULT);
}

void view_unmap(unsigned int i)
{
	struct view *v = &views[i % N_VIEWS];
	unsigned int side;

	for (side = 0; v->object && side < N_SIDES; side++)
		munmap(v->at[side], v->len);
	v->object = NULL;
}

void views_end(void)
{
	unsigned int i;

	for (i = 0; i < N_VIEWS; i++)
		view_unmap(i);
}

/* An arena is at one address only, so that a second mapping would replace it */
static bool is_arena_again(const struct object *o)
{
	unsigned int i;

	if (o->row->type != BPFMAP_TYPE_ARENA)
		return false;
	for (i = 0; i < N_VIEWS; i++)
		if (views[i].object == o)
			return true;
	/* ... and at the same one on both sides, if it is chosen at creation */
	return o->shape.map_extra;
}

const char *view_map(const struct step *s)
{
	struct view *v = &views[s->other % N_VIEWS];
	struct slot *slot = slot_at(s->slot);
	uint8_t *at[N_SIDES];
	long ret[N_SIDES];
	unsigned int side;

	if (!slot || is_arena_again(slot->object))
		return NULL;
	view_unmap(s->other);
	for (side = 0; side < N_SIDES; side++) {
		at[side] = mmap(NULL, s->count, s->flags, s->value,
				slot->fds[side], s->more);
		ret[side] = at[side] == MAP_FAILED ? -errno : 0;
	}
	n_comparisons++;
	if (!ret[0] && !ret[1]) {
		*v = (struct view){ slot->object, { at[0], at[1] }, s->count,
				    s->flags };
		return compare_views();
	}
	for (side = 0; side < N_SIDES; side++)
		if (!ret[side])
			munmap(at[side], s->count);
	return ret[0] == ret[1] ? NULL : differ("mmap", ret[0], ret[1]);
}

const char *view_protect(const struct step *s)
{
	struct view *v = &views[s->other % N_VIEWS];
	long ret[N_SIDES];
	unsigned int side;

	if (!v->object)
		return NULL;
	for (side = 0; side < N_SIDES; side++)
		ret[side] = mprotect(v->at[side], v->len, s->flags) ? -errno : 0;
	n_comparisons++;
	if (ret[0] != ret[1])
		return differ("mprotect", ret[0], ret[1]);
	if (!ret[0])
		v->prot = s->flags;
	return compare_views();
}

/* Some bytes somewhere in it */
const char *view_poke(const struct step *s)
{
	struct view *v = &views[s->other % N_VIEWS];
	unsigned int side;
	size_t at;

	if (!can_touch(v) || !(v->prot & PROT_WRITE))
		return NULL;
	at = s->count % (v->len - 15);
	for (side = 0; side < N_SIDES; side++)
		memset(v->at[side] + at, s->key, s->value % 16 + 1);
	return compare_views();
}

const char *compare_views(void)
{
	static char text[96];
	unsigned int i;

	for (i = 0; i < N_VIEWS; i++) {
		struct view *v = &views[i];
		size_t at;

		if (!can_touch(v))
			continue;
		n_comparisons++;
		if (!memcmp(v->at[0], v->at[1], v->len))
			continue;
		for (at = 0; v->at[0][at] == v->at[1][at]; at++)
			;
		snprintf(text, sizeof(text), "byte %zu of mapping %u: bpf(2) %#x, device %#x",
			 at, i, v->at[0][at], v->at[1][at]);
		return text;
	}
	return NULL;
}
