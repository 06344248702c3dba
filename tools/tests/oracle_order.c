// SPDX-License-Identifier: GPL-2.0-only
/*
 * oracle_order - what bpf(2) leaves open about the order of hash tables
 *
 * With a seed of 0 both sides have the same keys in the same bucket, and go
 * from bucket to bucket in the same order. In a bucket bpf(2) has the key that
 * was written last in front, the device the one that was inserted last.
 */
#include "jhash.h"
#include "oracle.h"

#define WALK_MAX (2 * N_KEYS)

struct walk {
	uint8_t keys[WALK_MAX][KEY_MAX];
	unsigned int n;
};

static uint32_t bucket(const struct object *o, const uint8_t *key)
{
	uint32_t n = 1;

	while (n < o->shape.max_entries)
		n *= 2;
	return jhash(key, o->shape.key_size, JHASH_START(o->shape.key_size)) &
	       (n - 1);
}

enum order order_of(const struct object *o)
{
	if (o->row->order == ORDER_BUCKETS &&
	    !(o->shape.map_flags & BPFMAP_F_ZERO_SEED))
		return ORDER_ANY;
	return o->row->order;
}

static long next_key(const struct slot *s, enum side side, const void *key,
		     void *next)
{
	union attr a = { .elem = { .map_fd = s->fds[side], .key = PTR(key),
				   .next_key = PTR(next) } };

	return raw_call(side, NEXT, &a, 32);
}

/* Its end as bpf(2) says it: -ENOENT, or 0 if there is none */
static long walk(const struct slot *s, enum side side, struct walk *w)
{
	long ret = 0;

	for (w->n = 0; w->n < WALK_MAX; w->n++) {
		ret = next_key(s, side, w->n ? w->keys[w->n - 1] : NULL,
			       w->keys[w->n]);
		if (ret)
			break;
	}
	return ret;
}

static int find(const struct walk *w, const uint8_t *key, uint32_t size)
{
	unsigned int i;

	for (i = 0; i < w->n; i++)
		if (!memcmp(w->keys[i], key, size))
			return i;
	return -1;
}

static const char *walk_both(const struct slot *s, struct walk w[N_SIDES])
{
	const struct object *o = s->object;
	uint32_t i, size = o->shape.key_size;
	static char text[128];
	long ret[N_SIDES];

	for (i = 0; i < N_SIDES; i++)
		ret[i] = walk(s, i, &w[i]);
	if (ret[0] != ret[1] || w[0].n != w[1].n) {
		snprintf(text, sizeof(text), "walk: bpf(2) %u keys and %ld, device %u keys and %ld",
			 w[0].n, ret[0], w[1].n, ret[1]);
		return text;
	}
	for (i = 0; i < w[0].n; i++) {
		const uint8_t *bpf = w[0].keys[i], *device = w[1].keys[i];

		if (order_of(o) == ORDER_SAME && memcmp(bpf, device, size))
			return "walk: another order";
		if (find(&w[1], bpf, size) < 0 || find(&w[0], device, size) < 0)
			return "walk: other keys";
		if (order_of(o) == ORDER_BUCKETS &&
		    bucket(o, bpf) != bucket(o, device))
			return "walk: another order of buckets";
	}
	return NULL;
}

static struct walk walks[N_SIDES];

/*
 * While bpf(2)'s RHASH is being resized its walks may give a key twice or not
 * at all. A work item does that, some time after the write that it is for.
 */
void order_settle(const struct slot *slot)
{
	const struct object *o = slot->object;
	unsigned int tries;

	if (o->row->type != BPFMAP_TYPE_RHASH || o->shape.key_size > KEY_MAX)
		return;
	usleep(500);
	for (tries = 0; tries < 5000 && walk_both(slot, walks); tries++)
		usleep(1000);
}

/* By a descriptor that may read */
const char *compare_walks(const struct slot *slot)
{
	const struct object *o = slot->object;

	if (o->row->keys == KEYS_NONE || o->shape.key_size > KEY_MAX)
		return NULL;
	n_comparisons++;
	order_settle(slot);
	return walk_both(slot, walks);
}

/*
 * Single steps where the order is open: each is right if it is the one that
 * this side's whole walk takes, and the walks agree.
 */
const char *order_next_key(const struct call *c, const struct slot *slot,
			   const long ret[N_SIDES])
{
	uint32_t size = c->object->shape.key_size;
	const char *why = walk_both(slot, walks);
	unsigned int side;

	for (side = 0; side < N_SIDES && !why; side++) {
		struct walk *w = &walks[side];
		uint8_t *key;
		size_t n;
		int at = -1;

		key = call_bytes(c, side, A_KEY, &n);
		if (n)
			at = find(w, key, size);
		if (at + 1 == (int)w->n) {
			if (ret[side] != -ENOENT)
				why = "a key after the last one";
		} else if (ret[side] == -EFAULT) {
			;	/* there is one, that did not arrive */
		} else if (ret[side]) {
			why = "no key after one that is not the last one";
		} else if (memcmp(call_bytes(c, side, A_VALUE, &n),
				  w->keys[at + 1], size)) {
			why = "not the key that follows";
		}
		/* The rest of what is compared is as if they had agreed */
		key = call_bytes(c, side, A_VALUE, &n);
		if (c->areas[A_VALUE].place != AT_RDONLY)
			memset(key, 0, n);
	}
	return why;
}

/* Sort the @n keys of a batch and their values */
void order_batch(const struct call *c, enum side side, uint32_t n)
{
	uint32_t ks = c->object->shape.key_size;
	uint32_t vs = value_bytes(c->object, c->step->flags);
	size_t nk, nv;
	uint8_t *keys = call_bytes(c, side, A_KEY, &nk);
	uint8_t *values = call_bytes(c, side, A_VALUE, &nv);
	static uint8_t v[AREA_MAX];
	uint8_t k[KEY_MAX];
	uint32_t i, j;

	if ((size_t)n * ks > nk || (size_t)n * vs > nv)
		return;
	for (i = 1; i < n; i++) {
		for (j = 0; j < i; j++)
			if (memcmp(keys + i * ks, keys + j * ks, ks) < 0)
				break;
		if (j == i)
			continue;
		memcpy(k, keys + i * ks, ks);
		memcpy(v, values + i * vs, vs);
		memmove(keys + (j + 1) * ks, keys + j * ks, (i - j) * ks);
		memmove(values + (j + 1) * vs, values + j * vs, (i - j) * vs);
		memcpy(keys + j * ks, k, ks);
		memcpy(values + j * vs, v, vs);
	}
}
