// SPDX-License-Identifier: GPL-2.0-only
/*
 * Longest prefix match
 *
 *	          0.0.0.0/0
 *	         0/        \1
 *	  10.0.0.0/8      (192.168.0.0/16)        () intermediate: no value
 *	                  0/            \1
 *	        192.168.0.0/24     192.168.128.0/17
 *
 * A binary trie with compressed paths, as D. R. Morrison's PATRICIA and
 * drivers/net/wireguard/allowedips.c: a node's prefix extends that of its
 * parent, and the bit after the parent's prefix selects the child. Where two
 * prefixes diverge at a prefix that is not in the map, there is an intermediate
 * node, which always has two children.
 *
 * Prefixes are stored as 64-bit words with the first bit as the most
 * significant one, so that a comparison is an exclusive or and a
 * find-first-set. For keys of up to 8 bytes, all that a descent reads of a node
 * is in one cache line.
 *
 * Writers hold the lock of the trie. Readers hold nothing. Prefix, length and
 * value of a node are constant while a reader can see it: replacing a value
 * replaces the node, and a node is reused only after a grace period. A reader
 * on a node that was replaced or removed still reaches everything that was
 * below it then and is still in the trie.
 *
 * That alone would allow a look-up to return a result that was never right. For
 * example, it passes the place where 10.1.0.0/16 would be; that is inserted,
 * then 10.1.1.0/24 is removed; the look-up, further down, misses both and
 * returns 10.0.0.0/8. This takes a removal: without one, the longest match of a
 * key only gets longer, so the result was right when it was inserted, or at the
 * start. So each removal increments a count before it becomes visible, and a
 * look-up whose count has changed retries; after LPM_TRIES attempts, with the
 * lock.
 *
 * The lock is held for one descent, past LPM_DATA_MAX * 8 nodes at most, and to
 * copy a value of BPFMAP_ATOMIC_COPY bytes at most. A larger value is copied to
 * its node before the lock is taken.
 */
#include <linux/nospec.h>
#include <linux/slab.h>
#include <linux/string.h>

#include "lpm_trie.h"
#include "value.h"

/* bpf(2)'s limits; its nodes begin with two pointers and two u32 */
#define LPM_DATA_MIN	1
#define LPM_VALUE_MAX	(KMALLOC_MAX_SIZE - LPM_DATA_MAX - 2 * sizeof(long) - 8)

/* Lockless attempts before a look-up that keeps losing takes the lock */
#define LPM_TRIES	16

/* For writers */
#define lpm_get_locked(t, p) \
	rcu_dereference_protected(p, lockdep_is_held(&(t)->lock))

/* ------------------------------------------------------------------------- */
/* Keys */

/**
 * lpm_load_key() - convert a key to the form for comparisons
 * @t: the trie
 * @k: out
 * @key: key_size bytes
 *
 * Return: false if the prefix is longer than the data.
 */
bool lpm_load_key(const struct bpfmap_lpm *t, struct lpm_key *k,
		  const void *key)
{
	const void *data = key + LPM_HEAD;
	u32 i, whole = t->data_size / sizeof(__be64);
	u32 tail = t->data_size % sizeof(__be64);
	__be64 word;
	__be32 half;

	memcpy(&k->len, key, sizeof(k->len));
	if (unlikely(k->len > t->max_len))
		return false;
	k->len = array_index_nospec(k->len, t->max_len + 1);
	if (likely(t->data_size == sizeof(half))) {
		memcpy(&half, data, sizeof(half));
		k->bits[0] = (u64)be32_to_cpu(half) << 32;
		return true;
	}
	for (i = 0; i < whole; i++) {
		memcpy(&word, data + i * sizeof(word), sizeof(word));
		k->bits[i] = be64_to_cpu(word);
	}
	if (tail) {
		word = 0;
		memcpy(&word, data + whole * sizeof(word), tail);
		k->bits[whole] = be64_to_cpu(word);
	}
	return true;
}

/**
 * lpm_store_key() - convert a node's key back to what the user gave
 * @t: the trie
 * @node: the node
 * @key: out: key_size bytes
 */
void lpm_store_key(const struct bpfmap_lpm *t, const struct lpm_node *node,
		   void *key)
{
	u32 i, len = node->len, left = t->data_size;
	void *data = key + LPM_HEAD;
	__be64 word;
	__be32 half;

	memcpy(key, &len, sizeof(len));
	if (likely(left == sizeof(half))) {
		half = cpu_to_be32(node->bits[0] >> 32);
		memcpy(data, &half, sizeof(half));
		return;
	}
	for (i = 0; left; i++) {
		u32 bytes = min_t(u32, left, sizeof(word));

		word = cpu_to_be64(node->bits[i]);
		memcpy(data + i * sizeof(word), &word, bytes);
		left -= bytes;
	}
}

bool lpm_is_exact(const struct lpm_node *node, const u64 *bits, u32 len)
{
	return node && node->len == len &&
	       lpm_common(node->bits, bits, len) == len;
}

/* ------------------------------------------------------------------------- */
/* Look-up */

static __always_inline struct lpm_node *
lpm_descend(const struct bpfmap_lpm *t, const struct lpm_key *k, bool word)
{
	struct lpm_node *found = NULL, *node = lpm_get(t->root);
	u32 from = 0;
	int side;

	while (node && node->len < k->len) {
		side = lpm_side(node, k->bits, from, word);
		if (side < 0)
			return found;
		if (!READ_ONCE(node->intermediate))
			found = node;
		from = node->len;
		node = lpm_get(node->child[side]);
	}
	if (lpm_is_exact(node, k->bits, k->len) &&
	    !READ_ONCE(node->intermediate))
		found = node;
	return found;
}

static struct lpm_node *lpm_find_locked(struct bpfmap_lpm *t,
					const struct lpm_key *k)
{
	struct lpm_node *node;
	unsigned long irqflags;

	raw_spin_lock_irqsave(&t->lock, irqflags);
	node = lpm_descend(t, k, false);
	raw_spin_unlock_irqrestore(&t->lock, irqflags);
	return node;
}

/*
 * The longest prefix of @k in the trie, or NULL. Caller is in an RCU read-side
 * critical section.
 */
static struct lpm_node *lpm_find(struct bpfmap_lpm *t, const struct lpm_key *k)
{
	struct lpm_node *node;
	u32 removals;
	int tries;

	for (tries = 0; tries < LPM_TRIES; tries++) {
		/* Load the count before the first link */
		removals = smp_load_acquire(&t->removals);
		node = likely(t->words == 1) ? lpm_descend(t, k, true) :
					       lpm_descend(t, k, false);
		/* Pairs with smp_wmb() in lpm_remove() */
		smp_rmb();
		if (likely(READ_ONCE(t->removals) == removals))
			return node;
		cpu_relax();
	}
	return lpm_find_locked(t, k);
}

static void *lpm_lookup_elem(struct bpfmap *map, const void *key)
{
	struct lpm_key k __bpfmap_uninit;
	struct bpfmap_lpm *t = to_lpm(map);
	struct lpm_node *node;

	if (!lpm_load_key(t, &k, key))
		return NULL;
	node = lpm_find(t, &k);
	return node ? lpm_value(t, node) : NULL;
}

static int lpm_lookup_large(struct bpfmap_lpm *t, const void *key, void *value)
{
	const void *found;

	down_read(&t->sem);
	rcu_read_lock();
	found = lpm_lookup_elem(&t->map, key);
	rcu_read_unlock();
	if (found)
		bpfmap_copy_large(value, found, t->map.value_size);
	up_read(&t->sem);
	return found ? 0 : -ENOENT;
}

static int lpm_lookup(struct bpfmap *map, const void *key, void *value,
		      u64 flags)
{
	const void *found;

	if (unlikely(bpfmap_value_is_large(map)))
		return lpm_lookup_large(to_lpm(map), key, value);
	rcu_read_lock();
	found = lpm_lookup_elem(map, key);
	if (found)
		bpfmap_value_load(value, found, map->value_size);
	rcu_read_unlock();
	return found ? 0 : -ENOENT;
}

/* ------------------------------------------------------------------------- */
/* Changes */

/**
 * struct lpm_place - where a key is or would be
 * @slot: link to the first node that is not a shorter prefix of the key, or
 *	  the empty link in its place
 * @up: link to the node that contains @slot, NULL for the root
 */
struct lpm_place {
	struct lpm_node __rcu **slot;
	struct lpm_node __rcu **up;
};

static __always_inline struct lpm_node *__lpm_locate(struct bpfmap_lpm *t,
						     const struct lpm_key *k,
						     struct lpm_place *place,
						     bool word)
{
	struct lpm_node __rcu **slot = &t->root, **up = NULL;
	struct lpm_node *node;
	u32 from = 0;
	int side;

	while ((node = lpm_get_locked(t, *slot)) && node->len < k->len) {
		side = lpm_side(node, k->bits, from, word);
		if (side < 0)
			break;
		from = node->len;
		up = slot;
		slot = &node->child[side];
	}
	place->slot = slot;
	place->up = up;
	return node;
}

/* Return: the node behind @place->slot, or NULL */
static struct lpm_node *lpm_locate(struct bpfmap_lpm *t,
				   const struct lpm_key *k,
				   struct lpm_place *place)
{
	return likely(t->words == 1) ? __lpm_locate(t, k, place, true) :
				       __lpm_locate(t, k, place, false);
}

/*
 * The node with exactly prefix @k, or NULL. As in PATRICIA, the descent tests
 * only the bits that select children, and the node at its end is compared in
 * full: if @k is in the trie, then all nodes above it are prefixes of it.
 */
static struct lpm_node *lpm_locate_exact(struct bpfmap_lpm *t,
					 const struct lpm_key *k,
					 struct lpm_place *place)
{
	struct lpm_node __rcu **slot = &t->root, **up = NULL;
	struct lpm_node *node;

	while ((node = lpm_get_locked(t, *slot)) && node->len < k->len) {
		up = slot;
		slot = &node->child[lpm_bit(k->bits, node->len)];
	}
	if (!lpm_is_exact(node, k->bits, k->len) || node->intermediate)
		return NULL;
	place->slot = slot;
	place->up = up;
	return node;
}

static void lpm_init_node(const struct bpfmap_lpm *t, struct lpm_node *node,
			  const u64 *bits, u32 len, bool intermediate)
{
	u32 i;

	RCU_INIT_POINTER(node->child[0], NULL);
	RCU_INIT_POINTER(node->child[1], NULL);
	node->len = len;
	node->intermediate = intermediate;
	for (i = 0; i < t->words; i++)
		node->bits[i] = bits[i];
}

static struct lpm_node *lpm_new_node(struct bpfmap_lpm *t, const u64 *bits,
				     u32 len, bool intermediate)
{
	struct lpm_node *node = lpm_take(t);

	lpm_init_node(t, node, bits, len, intermediate);
	return node;
}

/* Replace @old by @node, with the same prefix; @old may be intermediate */
static void lpm_replace(struct bpfmap_lpm *t, struct lpm_node *node,
			struct lpm_node *old, struct lpm_place *place)
{
	RCU_INIT_POINTER(node->child[0], lpm_get_locked(t, old->child[0]));
	RCU_INIT_POINTER(node->child[1], lpm_get_locked(t, old->child[1]));
	rcu_assign_pointer(*place->slot, node);
	lpm_free_by_rcu(t, old);
}

/* Insert above @below, whose prefix extends @node's or diverges from it */
static void lpm_insert_above(struct bpfmap_lpm *t, struct lpm_node *node,
			     struct lpm_node *below, struct lpm_place *place)
{
	u32 len =
		lpm_common(below->bits, node->bits, min(below->len, node->len));
	u32 side = lpm_bit(below->bits, len);
	struct lpm_node *fork = node;

	if (len < node->len) {
		fork = lpm_new_node(t, node->bits, len, true);
		RCU_INIT_POINTER(fork->child[!side], node);
	}
	RCU_INIT_POINTER(fork->child[side], below);
	rcu_assign_pointer(*place->slot, fork);
}

/* May another element be added? */
static int lpm_check_new(const struct bpfmap_lpm *t, u64 flags)
{
	if (flags == BPFMAP_F_EXIST)
		return -ENOENT;
	return t->nr_entries == t->map.max_entries ? -ENOSPC : 0;
}

/* Are two nodes free, or one besides @node? */
static bool lpm_has_free(const struct bpfmap_lpm *t,
			 const struct lpm_node *node)
{
	return t->free.first && (node || t->free.first->next);
}

/*
 * @node is NULL or has prefix and value. -EAGAIN: nothing changed, more nodes
 * are needed
 */
static int lpm_update_locked(struct bpfmap_lpm *t, const struct lpm_key *k,
			     const void *value, u64 flags,
			     struct lpm_node *node)
{
	struct lpm_place place __bpfmap_uninit;
	struct lpm_node *old = lpm_locate(t, k, &place);
	bool exact = lpm_is_exact(old, k->bits, k->len);
	bool fresh = !exact || old->intermediate;
	int err = 0;

	if (fresh)
		err = lpm_check_new(t, flags);
	else if (flags == BPFMAP_F_NOEXIST)
		err = -EEXIST;
	if (err)
		return err;
	/* One for the prefix, and perhaps an intermediate one */
	if (unlikely(!lpm_has_free(t, node)))
		return -EAGAIN;

	if (likely(!node)) {
		node = lpm_new_node(t, k->bits, k->len, false);
		bpfmap_value_store(lpm_value(t, node), value,
				   t->map.value_size);
	}
	if (exact)
		lpm_replace(t, node, old, &place);
	else if (old)
		lpm_insert_above(t, node, old, &place);
	else
		rcu_assign_pointer(*place.slot, node);
	t->nr_entries += fresh;
	return 0;
}

/* A private node with prefix and value, or ERR_PTR(-ENOMEM) */
static struct lpm_node *lpm_prepare_node(struct bpfmap_lpm *t,
					 const struct lpm_key *k,
					 const void *value, gfp_t gfp)
{
	struct lpm_node *node = NULL;
	unsigned long irqflags;

	while (!node) {
		raw_spin_lock_irqsave(&t->lock, irqflags);
		if (t->free.first)
			node = lpm_take(t);
		raw_spin_unlock_irqrestore(&t->lock, irqflags);
		if (!node && lpm_grow(t, gfp))
			return ERR_PTR(-ENOMEM);
	}
	lpm_init_node(t, node, k->bits, k->len, false);
	bpfmap_copy_large(lpm_value(t, node), value, t->map.value_size);
	return node;
}

static int __lpm_update_large(struct bpfmap_lpm *t, const struct lpm_key *k,
			      const void *value, u64 flags, gfp_t gfp)
{
	struct lpm_node *node = lpm_prepare_node(t, k, value, gfp);
	unsigned long irqflags;
	int err, no_memory = 0;

	if (IS_ERR(node))
		return PTR_ERR(node);
	for (;;) {
		raw_spin_lock_irqsave(&t->lock, irqflags);
		err = no_memory ?: lpm_update_locked(t, k, value, flags, node);
		if (err && err != -EAGAIN)
			lpm_list_add(&t->free, node);
		lpm_unlock(t, irqflags);
		if (err != -EAGAIN)
			return err;
		no_memory = lpm_grow(t, gfp);
	}
}

/* Update with a value that is too large to be copied under the lock */
static int lpm_update_large(struct bpfmap_lpm *t, const struct lpm_key *k,
			    const void *value, u64 flags, gfp_t gfp)
{
	int err;

	down_write(&t->sem);
	err = __lpm_update_large(t, k, value, flags, gfp);
	up_write(&t->sem);
	return err;
}

static int lpm_update(struct bpfmap *map, const void *key, const void *value,
		      u64 flags, gfp_t gfp)
{
	struct lpm_key k __bpfmap_uninit;
	struct bpfmap_lpm *t = to_lpm(map);
	unsigned long irqflags;
	int err;

	if (!bpfmap_update_flags_ok(flags, false) || !lpm_load_key(t, &k, key))
		return -EINVAL;
	if (unlikely(bpfmap_value_is_large(map)))
		return lpm_update_large(t, &k, value, flags, gfp);
	for (;;) {
		raw_spin_lock_irqsave(&t->lock, irqflags);
		err = lpm_update_locked(t, &k, value, flags, NULL);
		lpm_unlock(t, irqflags);
		if (likely(err != -EAGAIN))
			return err;
		err = lpm_grow(t, gfp);
		if (err)
			return err;
	}
}

/* @node is at @place->slot, and not intermediate */
static void lpm_remove(struct bpfmap_lpm *t, struct lpm_node *node,
		       struct lpm_place *place)
{
	struct lpm_node *left = lpm_get_locked(t, node->child[0]);
	struct lpm_node *right = lpm_get_locked(t, node->child[1]);
	struct lpm_node *up = NULL;

	t->nr_entries--;
	WRITE_ONCE(t->removals, t->removals + 1);
	/* Pairs with smp_rmb() in lpm_find() */
	smp_wmb();

	if (left && right) {
		WRITE_ONCE(node->intermediate, true);
		return;
	}
	if (place->up)
		up = lpm_get_locked(t, *place->up);
	if (!left && !right && up && up->intermediate) {
		/* The other child replaces the intermediate node */
		bool side = place->slot == &up->child[0];

		rcu_assign_pointer(*place->up,
				   lpm_get_locked(t, up->child[side]));
		lpm_free_by_rcu(t, up);
	} else {
		rcu_assign_pointer(*place->slot, left ?: right);
	}
	lpm_free_by_rcu(t, node);
}

static int lpm_delete(struct bpfmap *map, const void *key)
{
	struct lpm_key k __bpfmap_uninit;
	struct bpfmap_lpm *t = to_lpm(map);
	struct lpm_place place __bpfmap_uninit;
	unsigned long irqflags;
	struct lpm_node *node;
	int err = -ENOENT;

	if (!lpm_load_key(t, &k, key))
		return -EINVAL;
	raw_spin_lock_irqsave(&t->lock, irqflags);
	node = lpm_locate_exact(t, &k, &place);
	if (node) {
		lpm_remove(t, node, &place);
		err = 0;
	}
	lpm_unlock(t, irqflags);
	return err;
}

/* ------------------------------------------------------------------------- */
/* Lifetime */

static int lpm_check(const struct bpfmap_create_attr *attr)
{
	if (!attr->max_entries || !(attr->map_flags & BPFMAP_F_NO_PREALLOC) ||
	    bpfmap_check_create_flags(attr, BPFMAP_LPM_TRIE_FLAGS) ||
	    attr->key_size < LPM_HEAD + LPM_DATA_MIN ||
	    attr->key_size > LPM_HEAD + LPM_DATA_MAX || !attr->value_size ||
	    attr->value_size > LPM_VALUE_MAX)
		return -EINVAL;
	return 0;
}

static struct bpfmap *lpm_alloc(const struct bpfmap_create_attr *attr)
{
	struct bpfmap_lpm *t = kzalloc(sizeof(*t), GFP_KERNEL_ACCOUNT);

	if (!t)
		return ERR_PTR(-ENOMEM);
	bpfmap_init_map(&t->map, attr);
	raw_spin_lock_init(&t->lock);
	init_rwsem(&t->sem);
	t->data_size = attr->key_size - LPM_HEAD;
	t->max_len = t->data_size * BITS_PER_BYTE;
	t->words = DIV_ROUND_UP(t->data_size, sizeof(u64));
	t->value_off = struct_size((struct lpm_node *)NULL, bits, t->words);
	t->node_size = round_up(t->value_off + round_up(attr->value_size, 8),
				L1_CACHE_BYTES);
	return &t->map;
}

static void lpm_free(struct bpfmap *map)
{
	struct bpfmap_lpm *t = to_lpm(map);

	lpm_free_nodes(t);
	kfree(t);
}

struct bpfmap_ops bpfmap_lpm_trie_ops __ro_after_init = {
	.check = lpm_check,
	.alloc = lpm_alloc,
	.free = lpm_free,
	.lookup_elem = lpm_lookup_elem,
	.lookup = lpm_lookup,
	.lookup_many = lpm_lookup_many,
	.lookup_elems = lpm_lookup_elems,
	.update = lpm_update,
	.delete = lpm_delete,
	.get_next_key = lpm_get_next_key,
	.for_each = lpm_for_each,
	.walk = lpm_walk,
	.batch = &bpfmap_batch_by_key,
	.mem_usage = lpm_mem_usage,
};
