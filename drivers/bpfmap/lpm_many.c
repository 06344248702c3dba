// SPDX-License-Identifier: GPL-2.0-only
/*
 * Many longest prefix matches
 *
 * In a trie larger than the caches, the descents of a group of keys take turns,
 * a node at a time: while one waits for its next node to come from memory, the
 * others go on.
 *
 * As in lpm_trie.c, a removal meanwhile can make a result wrong. One count is
 * checked for the whole group; if it changed, each key is looked up by itself.
 */
#include <linux/prefetch.h>
#include <linux/sizes.h>
#include <linux/string.h>

#include "lpm_trie.h"
#include "value.h"

#define LPM_GROUP	16

/* A trie of as many bytes is not in the caches */
#define LPM_FAR		SZ_2M

/* Longer keys than those of IPv6 are looked up one by one */
#define LPM_GROUP_WORDS	2

/**
 * struct lpm_descent - a look-up in progress
 * @bits: the key
 * @len: of the key in bits
 * @from: bits known to be equal
 * @node: to be looked at next; NULL at the end
 * @found: longest prefix so far, or NULL
 */
struct lpm_descent {
	u64 bits[LPM_GROUP_WORDS];
	u32 len;
	u32 from;
	struct lpm_node *node;
	struct lpm_node *found;
};

static void lpm_descent_init(const struct bpfmap_lpm *t, struct lpm_descent *d,
			     const void *key)
{
	struct lpm_key k __bpfmap_uninit;

	d->from = 0;
	d->found = NULL;
	/* A prefix longer than the data is never found */
	d->node = NULL;
	if (unlikely(!lpm_load_key(t, &k, key)))
		return;
	d->node = lpm_get(t->root);
	d->len = k.len;
	d->bits[0] = k.bits[0];
	if (t->words > 1)
		d->bits[1] = k.bits[1];
}

/* One node; returns false at the end. As lpm_descend() */
static __always_inline bool lpm_step(struct lpm_descent *d, const bool word)
{
	struct lpm_node *node = d->node;
	int side;

	if (!node)
		return false;
	if (node->len >= d->len) {
		if (lpm_is_exact(node, d->bits, d->len) &&
		    !READ_ONCE(node->intermediate))
			d->found = node;
		return false;
	}
	side = lpm_side(node, d->bits, d->from, word);
	if (side < 0)
		return false;
	if (!READ_ONCE(node->intermediate))
		d->found = node;
	d->from = node->len;
	d->node = lpm_get(node->child[side]);
	prefetch(d->node);
	return true;
}

static __always_inline void lpm_descend_group(struct lpm_descent *d, u32 nr,
					      const bool word)
{
	u8 running[LPM_GROUP];
	u32 i, left, next;

	for (i = 0; i < nr; i++)
		running[i] = i;
	for (left = nr; left; left = next)
		for (i = 0, next = 0; i < left; i++)
			if (lpm_step(&d[running[i]], word))
				running[next++] = running[i];
}

/* The values of up to LPM_GROUP keys; NULL: none */
static void lpm_find_group(struct bpfmap_lpm *t, const void *keys, u32 nr,
			   void **values)
{
	struct lpm_descent d[LPM_GROUP] __bpfmap_uninit;
	u32 i, removals, size = t->map.key_size;

	/* Load the count before the first link */
	removals = smp_load_acquire(&t->removals);
	for (i = 0; i < nr; i++)
		lpm_descent_init(t, &d[i], keys + (size_t)i * size);
	if (likely(t->words == 1))
		lpm_descend_group(d, nr, true);
	else
		lpm_descend_group(d, nr, false);
	/* Pairs with smp_wmb() in lpm_remove() */
	smp_rmb();
	if (unlikely(READ_ONCE(t->removals) != removals)) {
		for (i = 0; i < nr; i++)
			values[i] = t->map.ops->lookup_elem(
				&t->map, keys + (size_t)i * size);
		return;
	}
	for (i = 0; i < nr; i++) {
		values[i] = d[i].found ? lpm_value(t, d[i].found) : NULL;
		prefetch(values[i]);
	}
}

/*
 * The same for up to LPM_GROUP of @nr keys, in the way that is faster. Caller
 * is in an RCU read-side critical section. Returns how many.
 */
static u32 lpm_find_some(struct bpfmap_lpm *t, const void *keys, u32 nr,
			 void **values)
{
	u32 i;

	nr = min_t(u32, nr, LPM_GROUP);
	if (READ_ONCE(t->nr_bytes) > LPM_FAR && t->words <= LPM_GROUP_WORDS) {
		lpm_find_group(t, keys, nr, values);
		return nr;
	}
	for (i = 0; i < nr; i++, keys += t->map.key_size)
		values[i] = t->map.ops->lookup_elem(&t->map, keys);
	return nr;
}

/**
 * lpm_lookup_many() - as in struct bpfmap_ops
 * @map: the map
 * @many: the elements
 */
void lpm_lookup_many(struct bpfmap *map, struct bpfmap_many *many)
{
	u32 i, at, n, size = map->value_size;
	void *found[LPM_GROUP] __bpfmap_uninit;
	void *value = many->values;

	for (at = 0; at < many->nr; at += n) {
		rcu_read_lock();
		n = lpm_find_some(to_lpm(map),
				  many->keys + (size_t)at * map->key_size,
				  many->nr - at, found);
		for (i = 0; i < n; i++, value += size) {
			many->results[at + i] = found[i] ? 0 : -ENOENT;
			if (found[i])
				bpfmap_value_load(value, found[i], size);
			else
				memset(value, 0, size);
		}
		rcu_read_unlock();
	}
}

/**
 * lpm_lookup_elems() - as in struct bpfmap_ops
 * @map: the map
 * @keys: packed keys
 * @values: out
 * @nr: number of keys
 */
u32 lpm_lookup_elems(struct bpfmap *map, const void *keys, void **values,
		     u32 nr)
{
	u32 i, n, found = 0;

	for (; nr; nr -= n, values += n) {
		n = lpm_find_some(to_lpm(map), keys, nr, values);
		keys += (size_t)n * map->key_size;
		for (i = 0; i < n; i++)
			found += !!values[i];
	}
	return found;
}
