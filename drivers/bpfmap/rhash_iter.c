// SPDX-License-Identifier: GPL-2.0-only
/*
 * Iterating over a hash that grows and shrinks, in the order of its elements
 *
 * The order is by (hash, key), whatever the table is. A walk continues from a
 * place in the order, whether or not an element is there. An element that stays
 * in the map is visited exactly once.
 */
#include "rhash.h"
#include "value.h"

/* Callbacks in one RCU read-side critical section */
#define RHASH_EACH	16

/* First element from stripe @stripe on; large tables may be mostly empty */
static noinline struct rhash_elem *
rhash_scan_stripes(const struct bpfmap_rhash *h, const struct rhash_table *t,
		   u32 stripe)
{
	u32 bucket, end, shift = h->stripe_shift - t->shift;
	struct rhash_elem *e;

	for (; stripe < 1U << h->min_bits; stripe++) {
		if (!READ_ONCE(h->stripes[stripe].nr))
			continue;
		end = (stripe + 1) << shift;
		for (bucket = stripe << shift; bucket < end; bucket++) {
			e = rhash_dereference(t->heads[bucket]);
			if (e)
				return e;
		}
	}
	return NULL;
}

/* First element in the buckets after that of @hash */
static __always_inline struct rhash_elem *
rhash_scan_after(const struct bpfmap_rhash *h, const struct rhash_table *t,
		 u32 hash)
{
	u32 stripe = hash >> h->stripe_shift, bucket = hash >> t->shift;
	u32 end = (stripe + 1) << (h->stripe_shift - t->shift);
	struct rhash_elem *e;

	while (++bucket < end) {
		e = rhash_dereference(t->heads[bucket]);
		if (e)
			return e;
	}
	return rhash_scan_stripes(h, t, stripe + 1);
}

/*
 * First element at or after a place in the order; a NULL @key precedes all
 * keys. Caller has been inside RCU since it loaded @t, as everywhere here.
 */
static noinline struct rhash_elem *rhash_seek(const struct bpfmap_rhash *h,
					      const struct rhash_table **t,
					      u32 hash, const void *key)
{
	struct rhash_elem *e;

	do {
		e = rhash_dereference((*t)->heads[hash >> (*t)->shift]);
		for (; e; e = rhash_dereference(e->next)) {
			if (e->hash > hash)
				return e;
			if (e->hash == hash &&
			    (!key || memcmp(e->key, key, h->map.key_size) >= 0))
				return e;
		}
	} while (unlikely(rhash_moved(h, t)));
	return rhash_scan_after(h, *t, hash);
}

/* The element after @e; either may have left the map */
static __always_inline struct rhash_elem *
rhash_follow(const struct bpfmap_rhash *h, const struct rhash_table **t,
	     const struct rhash_elem *e)
{
	struct rhash_elem *next;

	for (;;) {
		next = rhash_dereference(e->next);
		if (next)
			return next;
		if (likely(!rhash_moved(h, t)))
			return rhash_scan_after(h, *t, e->hash);
		/* In the new table the chain may be longer */
		next = rhash_seek(h, t, e->hash, e->key);
		if (!next || next->hash != e->hash ||
		    !rhash_same_key(next, e->key, h->map.key_size))
			return next;
		e = next;
	}
}

/* The same, but skips elements that have left the map */
static __always_inline struct rhash_elem *
rhash_next(const struct bpfmap_rhash *h, const struct rhash_table **t,
	   struct rhash_elem *e)
{
	do {
		e = rhash_follow(h, t, e);
	} while (e && unlikely(rhash_is_dead(e)));
	return e;
}

static struct rhash_elem *rhash_first(const struct bpfmap_rhash *h,
				      const struct rhash_table **t, u32 hash,
				      const void *key)
{
	struct rhash_elem *e = rhash_seek(h, t, hash, key);

	return e && unlikely(rhash_is_dead(e)) ? rhash_next(h, t, e) : e;
}

static void rhash_copy_key(const struct bpfmap_rhash *h, void *to,
			   const struct rhash_elem *e)
{
	bpfmap_value_load(to, e->key, h->map.key_size);
}

/**
 * rhash_get_next_key() - as in struct bpfmap_ops
 * @map: the map
 * @key: the previous key, or NULL
 * @next_key: out: key_size bytes
 *
 * Context: Any but NMI.
 * Return: 0 or -ENOENT.
 */
int rhash_get_next_key(struct bpfmap *map, const void *key, void *next_key)
{
	struct bpfmap_rhash *h = to_rhash(map);
	const struct rhash_table *t;
	struct rhash_elem *e = NULL;

	rcu_read_lock();
	t = rhash_dereference(h->table);
	if (key)
		e = rhash_find(h, &t, key, rhash_hash(h, key));
	e = e ? rhash_next(h, &t, e) : rhash_first(h, &t, 0, NULL);
	if (e)
		rhash_copy_key(h, next_key, e);
	rcu_read_unlock();
	return e ? 0 : -ENOENT;
}

/*
 * Call @fn for elements with a hash of *@pos or more: for about RHASH_EACH of
 * them in one RCU read-side critical section, and always for all that have the
 * same hash. *@pos is set to the first hash not visited, which is above U32_MAX
 * at the end.
 */
static long rhash_each_from(struct bpfmap_rhash *h, u64 *pos, bpfmap_each_fn fn,
			    void *ctx, long *nr)
{
	const struct rhash_table *t;
	struct rhash_elem *e;
	long stop = 0;
	int room;

	rcu_read_lock();
	t = rhash_dereference(h->table);
	e = rhash_first(h, &t, *pos, NULL);
	for (room = RHASH_EACH; e && !stop; e = rhash_next(h, &t, e)) {
		if (room-- <= 0 && e->hash >= *pos)
			break;
		*pos = e->hash + 1ULL;
		stop = fn(&h->map, e->key, rhash_value(h, e), ctx);
		++*nr;
	}
	if (!e)
		*pos = U32_MAX + 1ULL;
	rcu_read_unlock();
	return stop;
}

/**
 * rhash_for_each() - as in struct bpfmap_ops
 * @map: the map
 * @fn: called inside RCU, with nothing locked or disabled
 * @ctx: passed to @fn
 *
 * Context: Any but NMI.
 * Return: number of calls.
 */
long rhash_for_each(struct bpfmap *map, bpfmap_each_fn fn, void *ctx)
{
	struct bpfmap_rhash *h = to_rhash(map);
	long stop, nr = 0;
	u64 pos = 0;

	do {
		stop = rhash_each_from(h, &pos, fn, ctx, &nr);
	} while (!stop && pos <= U32_MAX);
	return nr;
}

/* First element of a walk; NULL: none, -EAGAIN: its key is gone */
static struct rhash_elem *rhash_walk_first(struct bpfmap_rhash *h,
					   const struct rhash_table **t,
					   const void *from)
{
	struct rhash_elem *e;

	if (!from)
		return rhash_first(h, t, 0, NULL);
	e = rhash_find(h, t, from, rhash_hash(h, from));
	return e ?: ERR_PTR(-EAGAIN);
}

/* Copy an element with a large value; only the keys under RCU */
static int rhash_walk_large(struct bpfmap *map, struct bpfmap_walk *w,
			    const void *from, void *next)
{
	struct bpfmap_rhash *h = to_rhash(map);
	const struct rhash_table *t;
	struct rhash_elem *e;
	u32 hash;

	rcu_read_lock();
	t = rhash_dereference(h->table);
	e = rhash_walk_first(h, &t, from);
	if (IS_ERR_OR_NULL(e)) {
		rcu_read_unlock();
		return e ? PTR_ERR(e) : -ENOENT;
	}
	hash = e->hash;
	rhash_copy_key(h, w->keys, e);
	e = rhash_next(h, &t, e);
	if (e)
		rhash_copy_key(h, next, e);
	rcu_read_unlock();

	/* If it was deleted meanwhile, deliver nothing */
	w->nr = w->remove ? rhash_take(h, w->keys, hash, w->values) :
			    !rhash_lookup(map, w->keys, w->values, 0);
	return e ? 0 : -ENOENT;
}

/**
 * rhash_walk_from() - as in struct bpfmap_ops
 * @map: the map
 * @w: what to copy, and where to
 * @from: key of the first element to copy, or NULL
 * @next: out: key of the first element not copied; may be @from
 *
 * Context: Process context; may sleep if bpfmap_value_is_large().
 * Return: 0, -ENOENT if no element is left, -EAGAIN if @from is not in the map.
 */
int rhash_walk_from(struct bpfmap *map, struct bpfmap_walk *w, const void *from,
		    void *next)
{
	u32 key_size = map->key_size, value_size = map->value_size;
	struct bpfmap_rhash *h = to_rhash(map);
	void *key = w->keys, *value = w->values;
	const struct rhash_table *t;
	struct rhash_elem *e;

	w->nr = 0;
	if (unlikely(bpfmap_value_is_large(map)))
		return rhash_walk_large(map, w, from, next);
	rcu_read_lock();
	t = rhash_dereference(h->table);
	e = rhash_walk_first(h, &t, from);
	if (IS_ERR(e)) {
		rcu_read_unlock();
		return PTR_ERR(e);
	}
	for (; e && w->nr < w->room; e = rhash_next(h, &t, e)) {
		/* Deleted by another task: do not deliver it */
		if (w->remove && !rhash_take(h, e->key, e->hash, value))
			continue;
		if (!w->remove)
			rhash_read(h, e, value);
		rhash_copy_key(h, key, e);
		key += key_size;
		value += value_size;
		w->nr++;
	}
	if (e)
		rhash_copy_key(h, next, e);
	rcu_read_unlock();
	return e ? 0 : -ENOENT;
}
