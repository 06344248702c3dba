// SPDX-License-Identifier: GPL-2.0-only
/*
 * Iterating over a trie, in post-order: the subtree of child 0, the subtree of
 * child 1, then the node. So a prefix comes after all more specific ones, and
 * the next one can be found by descending from the root.
 */
#include <linux/preempt.h>
#include <linux/rcupdate.h>
#include <linux/string.h>

#include "lpm_trie.h"
#include "value.h"

/* Ancestors that a path stores; a power of two */
#define LPM_PATH	64

/* Elements that for_each visits in one RCU read-side critical section */
#define LPM_EACH	64

/**
 * struct lpm_path - the next node and its ancestors
 * @depth: number of nodes; 0: there is no next one
 * @lost: number of nodes at the top that were dropped
 * @nodes: the others, each at its depth modulo LPM_PATH
 *
 * Valid inside one RCU read-side critical section. Nodes inserted or removed
 * meanwhile may or may not be visited.
 */
struct lpm_path {
	u32 depth;
	u32 lost;
	struct lpm_node *nodes[LPM_PATH];
};

static void lpm_push(struct lpm_path *path, struct lpm_node *node)
{
	if (unlikely(path->depth - path->lost == LPM_PATH))
		path->lost++;
	path->nodes[path->depth++ % LPM_PATH] = node;
}

static struct lpm_node *lpm_top(const struct lpm_path *path)
{
	return path->depth ? path->nodes[(path->depth - 1) % LPM_PATH] : NULL;
}

/* Push the path from @node to the first node of its subtree */
static void lpm_push_first(struct lpm_path *path, struct lpm_node *node)
{
	while (node) {
		lpm_push(path, node);
		node = lpm_get(node->child[0]) ?: lpm_get(node->child[1]);
	}
}

/* Move past the subtree on the side of @bits below the top */
static void lpm_leave(struct lpm_path *path, const u64 *bits)
{
	struct lpm_node *top = lpm_top(path);

	if (top && !lpm_bit(bits, top->len))
		lpm_push_first(path, lpm_get(top->child[1]));
}

/* Push ancestors; return the first node on the path that is not shorter */
static __always_inline struct lpm_node *__lpm_seek(const struct bpfmap_lpm *t,
						   struct lpm_path *path,
						   const u64 *bits, u32 len,
						   bool word)
{
	struct lpm_node *node = lpm_get(t->root);
	u32 from = 0;
	int side;

	while (node && node->len < len) {
		side = lpm_side(node, bits, from, word);
		if (side < 0)
			break;
		lpm_push(path, node);
		from = node->len;
		node = lpm_get(node->child[side]);
	}
	return node;
}

/*
 * Make the node after a prefix the next one.
 *
 * Return: is there a node with exactly this prefix?
 */
static bool lpm_seek(const struct bpfmap_lpm *t, struct lpm_path *path,
		     const u64 *bits, u32 len)
{
	struct lpm_node *node;
	u32 common, max;

	path->depth = 0;
	path->lost = 0;
	node = likely(t->words == 1) ? __lpm_seek(t, path, bits, len, true) :
				       __lpm_seek(t, path, bits, len, false);
	if (node) {
		max = min_t(u32, node->len, len);
		common = lpm_common(node->bits, bits, max);
		/* @node is on the side of the 1: its subtree follows */
		if (common < max && !lpm_bit(bits, common)) {
			lpm_push_first(path, node);
			return false;
		}
	}
	lpm_leave(path, bits);
	return node && common == len && node->len == len &&
	       !READ_ONCE(node->intermediate);
}

static void lpm_step(const struct bpfmap_lpm *t, struct lpm_path *path)
{
	struct lpm_node *node = lpm_top(path);

	path->depth--;
	if (unlikely(path->depth == path->lost && path->lost))
		lpm_seek(t, path, node->bits, node->len);
	else
		lpm_leave(path, node->bits);
}

/* The next node that is an element, or NULL */
static struct lpm_node *lpm_next(const struct bpfmap_lpm *t,
				 struct lpm_path *path)
{
	struct lpm_node *node;

	while ((node = lpm_top(path)) && READ_ONCE(node->intermediate))
		lpm_step(t, path);
	return node;
}

static void lpm_start(const struct bpfmap_lpm *t, struct lpm_path *path)
{
	path->depth = 0;
	path->lost = 0;
	lpm_push_first(path, lpm_get(t->root));
}

/*
 * Continue after @key. If it is not in the map, start over or, with @anyway, at
 * the place where it was or would be.
 */
static void lpm_start_after(const struct bpfmap_lpm *t, struct lpm_path *path,
			    const void *key, bool anyway)
{
	struct lpm_key k __bpfmap_uninit;

	if (!key || !lpm_load_key(t, &k, key))
		lpm_start(t, path);
	else if (!lpm_seek(t, path, k.bits, k.len) && !anyway)
		lpm_start(t, path);
}

/**
 * lpm_get_next_key() - copy the key after a key, in the order of a walk
 * @map: the map
 * @key: NULL or a key; one that is not in the map is treated as NULL
 * @next_key: out
 */
int lpm_get_next_key(struct bpfmap *map, const void *key, void *next_key)
{
	struct lpm_path path __bpfmap_uninit;
	struct bpfmap_lpm *t = to_lpm(map);
	struct lpm_node *node;

	rcu_read_lock();
	lpm_start_after(t, &path, key, false);
	node = lpm_next(t, &path);
	if (node)
		lpm_store_key(t, node, next_key);
	rcu_read_unlock();
	return node ? 0 : -ENOENT;
}

/* Find one element, then copy its value */
static int lpm_walk_large(struct bpfmap_lpm *t, struct bpfmap_walk *w)
{
	struct lpm_path path __bpfmap_uninit;
	struct lpm_node *node;

	down_read(&t->sem);
	rcu_read_lock();
	lpm_start_after(t, &path, w->from == BPFMAP_WALK_START ? NULL : w->key,
			w->from == BPFMAP_WALK_ON);
	node = lpm_next(t, &path);
	rcu_read_unlock();
	if (node) {
		lpm_store_key(t, node, w->keys);
		bpfmap_copy_large(w->values, lpm_value(t, node),
				  t->map.value_size);
		memcpy(w->key, w->keys, t->map.key_size);
		w->nr = 1;
	}
	up_read(&t->sem);
	return node ? 0 : -ENOENT;
}

/**
 * lpm_walk() - copy the next elements
 * @map: the map
 * @w: where and what
 *
 * Return: 0, or -ENOENT if there are no more.
 */
int lpm_walk(struct bpfmap *map, struct bpfmap_walk *w)
{
	struct lpm_path path __bpfmap_uninit;
	struct bpfmap_lpm *t = to_lpm(map);
	struct lpm_node *node;

	w->nr = 0;
	if (unlikely(bpfmap_value_is_large(map)))
		return lpm_walk_large(t, w);
	rcu_read_lock();
	lpm_start_after(t, &path, w->from == BPFMAP_WALK_START ? NULL : w->key,
			w->from == BPFMAP_WALK_ON);
	while (w->nr < w->room && (node = lpm_next(t, &path))) {
		lpm_store_key(t, node, w->keys + (size_t)w->nr * map->key_size);
		bpfmap_value_load(w->values + (size_t)w->nr * map->value_size,
				  lpm_value(t, node), map->value_size);
		w->nr++;
		lpm_step(t, &path);
	}
	rcu_read_unlock();
	if (!w->nr)
		return -ENOENT;
	memcpy(w->key, w->keys + (size_t)(w->nr - 1) * map->key_size,
	       map->key_size);
	return 0;
}

/**
 * lpm_for_each() - call a function for every element
 * @map: the map
 * @fn: the function
 * @ctx: passed to @fn
 *
 * Elements inserted or deleted meanwhile may or may not be visited.
 */
long lpm_for_each(struct bpfmap *map, bpfmap_each_fn fn, void *ctx)
{
	u8 key[LPM_HEAD + LPM_DATA_MAX] __aligned(8) __bpfmap_uninit;
	struct lpm_path path __bpfmap_uninit;
	struct bpfmap_lpm *t = to_lpm(map);
	struct lpm_node *node;
	long nr = 0, stop = 0;

	do {
		bpfmap_each_begin(map);
		lpm_start_after(t, &path, nr ? key : NULL, true);
		while ((node = lpm_next(t, &path)) && !stop) {
			lpm_store_key(t, node, key);
			stop = fn(map, key, lpm_value(t, node), ctx);
			if (!(++nr % LPM_EACH))
				break;
			lpm_step(t, &path);
		}
		bpfmap_each_end(map);
	} while (node && !stop);
	return nr;
}
