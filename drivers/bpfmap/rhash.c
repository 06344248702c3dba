// SPDX-License-Identifier: GPL-2.0-only
/*
 * Hash tables that grow and shrink
 *
 * Chains are sorted by hash, and by key among equal hashes. A bucket is a range
 * of hashes: its number is their first bits. So all elements have one total
 * order, which walks follow (rhash_iter.c), and replacing the table
 * (rhash_table.c) does not change it. A look-up can stop at a larger hash.
 *
 * Readers take no lock. Writers first check without a lock what is to be done,
 * then lock the stripe, a range of hashes that is a run of buckets in any
 * table:
 *
 *	insert:	look for the place again, link the element
 *	delete:	look for the element, unlink it, mark it dead
 *	update:	in place, unless the element is dead: then look again
 *
 * Values of one word are loaded and stored as a word. For others of up to 64
 * KiB each element has a sequence count, as in hash.c. Larger ones never
 * change: an update links a new element in place of the old one, and readers,
 * which may sleep there (bpfmap_copies_large()), hold a reference to the
 * element while they copy.
 *
 * Elements are freed after a grace period.
 */
#include <linux/refcount.h>
#include <linux/sched.h>
#include <linux/slab.h>

#include "rhash.h"
#include "value.h"

/* Lockless attempts before a reader that keeps losing takes the lock */
#define RHASH_TRIES	16

/*
 * Maximum number of elements in a chain before a new one, as a writer looks at
 * them with interrupts off. Longer chains are possible only if the table could
 * not grow in time: there was no memory, or the work did not get to run.
 */
#define RHASH_MAX_CHAIN	256

/**
 * struct rhash_place - where an element is or would be; under the stripe's lock
 * @link: the link to it
 * @at: what @link points to: the element, or the next one, or NULL
 * @elem: the element; NULL if there is none
 * @also: table whose head may need the same change; NULL: none
 * @steps: elements before it
 */
struct rhash_place {
	struct rhash_elem __rcu **link;
	struct rhash_elem *at;
	struct rhash_elem *elem;
	struct rhash_table *also;
	u32 steps;
};

/* References to a large element: the map's and those of readers */
static refcount_t *rhash_users(const struct bpfmap_rhash *h,
			       const struct rhash_elem *e)
{
	return (void *)e + h->elem_size - 8;
}

/* Drop a reference to an element; small ones have only the map's */
static void rhash_put_elem(struct bpfmap_rhash *h, struct rhash_elem *e)
{
	if (likely(!bpfmap_value_is_large(&h->map)))
		kvfree_rcu(e, rcu);
	else if (refcount_dec_and_test(rhash_users(h, e)))
		rhash_retire(h, &e->retired);
}

static void *rhash_lookup_elem(struct bpfmap *map, const void *key)
{
	struct bpfmap_rhash *h = to_rhash(map);
	struct rhash_elem *e = rhash_get(h, key, rhash_hash(h, key));

	return e ? rhash_value(h, e) : NULL;
}

static int rhash_lookup_large(struct bpfmap_rhash *h, const void *key, u32 hash,
			      void *value)
{
	struct rhash_elem *e;

	/* No references left: just replaced or deleted, so look again */
	rcu_read_lock();
	do {
		e = rhash_get(h, key, hash);
	} while (e && !refcount_inc_not_zero(rhash_users(h, e)));
	rcu_read_unlock();
	if (!e)
		return -ENOENT;
	/* It is constant */
	bpfmap_copy_large(value, rhash_value(h, e), h->map.value_size);
	rhash_put_elem(h, e);
	return 0;
}

/**
 * rhash_read_again() - rhash_read(), if the first attempt failed
 * @h: the map
 * @e: element
 * @value: out: value_size bytes
 */
void rhash_read_again(const struct bpfmap_rhash *h, const struct rhash_elem *e,
		      void *value)
{
	struct rhash_stripe *s = rhash_stripe(h, e->hash);
	unsigned long irq;
	int tries;

	for (tries = 1; tries < RHASH_TRIES; tries++) {
		cpu_relax();
		if (rhash_try_read(h, e, value))
			return;
	}
	/* At most BPFMAP_ATOMIC_COPY bytes */
	raw_spin_lock_irqsave(&s->lock, irq);
	bpfmap_value_load(value, rhash_value(h, e), h->map.value_size);
	raw_spin_unlock_irqrestore(&s->lock, irq);
}

/**
 * rhash_lookup() - as in struct bpfmap_ops
 * @map: the map
 * @key: the key
 * @value: out: value_size bytes
 * @flags: 0
 *
 * Context: Any but NMI; process context, may sleep, if bpfmap_value_is_large().
 * Return: 0 or -ENOENT.
 */
int rhash_lookup(struct bpfmap *map, const void *key, void *value, u64 flags)
{
	struct bpfmap_rhash *h = to_rhash(map);
	u32 hash = rhash_hash(h, key);
	struct rhash_elem *e;

	if (unlikely(bpfmap_value_is_large(map)))
		return rhash_lookup_large(h, key, hash, value);
	rcu_read_lock();
	e = rhash_get(h, key, hash);
	if (likely(e))
		rhash_read(h, e, value);
	rcu_read_unlock();
	return likely(e) ? 0 : -ENOENT;
}

/* Overwrite a value of up to BPFMAP_ATOMIC_COPY bytes */
static void rhash_store(const struct bpfmap_rhash *h, struct rhash_elem *e,
			const void *value)
{
	u32 size = h->map.value_size;

	lockdep_assert_held(&rhash_stripe(h, e->hash)->lock);

	if (bpfmap_value_is_word(size)) {
		bpfmap_value_store(rhash_value(h, e), value, size);
		return;
	}
	WRITE_ONCE(e->seq, e->seq | RHASH_BUSY);
	/* Pairs with smp_rmb() in rhash_try_read() */
	smp_wmb();
	bpfmap_value_store(rhash_value(h, e), value, size);
	/* Pairs with smp_load_acquire() in rhash_try_read() */
	smp_store_release(&e->seq, (e->seq & ~RHASH_BUSY) + RHASH_STEP);
}

/* Replace a value in place. -EAGAIN: the element is dead, or the value large */
static int rhash_replace(struct bpfmap_rhash *h, struct rhash_elem *e,
			 const void *value)
{
	struct rhash_stripe *s = rhash_stripe(h, e->hash);
	int err = -EAGAIN;
	unsigned long irq;

	if (unlikely(bpfmap_value_is_large(&h->map)))
		return err;
	raw_spin_lock_irqsave(&s->lock, irq);
	if (likely(!rhash_is_dead(e))) {
		rhash_store(h, e, value);
		err = 0;
	}
	raw_spin_unlock_irqrestore(&s->lock, irq);
	return err;
}

/* Look for a key under the lock. At most about RHASH_MAX_CHAIN steps */
static struct rhash_place rhash_find_place(const struct bpfmap_rhash *h,
					   const struct rhash_stripe *s,
					   const void *key, u32 hash)
{
	struct rhash_table *t = s->table;
	struct rhash_place p = { .also = s->also };

	lockdep_assert_held(&s->lock);

	if (unlikely(p.also) && hash < s->pos)
		swap(t, p.also);
	p.link = &t->heads[hash >> t->shift];
	for (;; p.steps++) {
		struct rhash_elem *e = rcu_dereference_protected(
			*p.link, lockdep_is_held(&s->lock));

		p.at = e;
		if (!e || e->hash > hash)
			break;
		if (e->hash == hash) {
			int order = memcmp(e->key, key, h->map.key_size);

			if (!order)
				p.elem = e;
			if (order >= 0)
				break;
		}
		p.link = &e->next;
	}
	return p;
}

/* Is @e, which may be NULL, in the bucket for @hash? */
static struct rhash_elem *rhash_of_bucket(const struct rhash_table *t,
					  struct rhash_elem *e, u32 hash)
{
	return e && e->hash >> t->shift == hash >> t->shift ? e : NULL;
}

/*
 * Replace @p->at by @to: in the link, and in the head of the bucket in the
 * other table, if @p->at is the first element there.
 */
static void rhash_set_link(const struct rhash_place *p, u32 hash,
			   struct rhash_elem *to)
{
	struct rhash_elem __rcu **head;
	struct rhash_elem *from;

	rcu_assign_pointer(*p->link, to);
	if (likely(!p->also))
		return;
	head = &p->also->heads[hash >> p->also->shift];
	from = rhash_of_bucket(p->also, p->at, hash);
	if (rcu_access_pointer(*head) == from)
		rcu_assign_pointer(*head, rhash_of_bucket(p->also, to, hash));
}

/* The element after @e; the stripe is locked */
static struct rhash_elem *rhash_behind(const struct rhash_stripe *s,
				       const struct rhash_elem *e)
{
	return rcu_dereference_protected(e->next, lockdep_is_held(&s->lock));
}

/**
 * rhash_link() - insert an element or replace a value, if @flags allow it
 * @h: the map
 * @new: element with key and value
 * @flags: element flags
 * @left: out: element for rhash_put_elem(), @new or the replaced one; or NULL
 *
 * Return: 0, -EEXIST, -ENOENT, -E2BIG; -EBUSY if the chain is too long.
 */
static int rhash_link(struct bpfmap_rhash *h, struct rhash_elem *new, u64 flags,
		      struct rhash_elem **left)
{
	struct rhash_stripe *s = rhash_stripe(h, new->hash);
	struct rhash_place p;
	unsigned long irq;
	int err = 0;

	*left = new;
	raw_spin_lock_irqsave(&s->lock, irq);
	p = rhash_find_place(h, s, new->key, new->hash);
	if (unlikely(p.elem)) {
		if (flags == BPFMAP_F_NOEXIST) {
			err = -EEXIST;
		} else if (!bpfmap_value_is_large(&h->map)) {
			rhash_store(h, p.elem, rhash_value(h, new));
		} else {
			RCU_INIT_POINTER(new->next, rhash_behind(s, p.elem));
			rhash_set_link(&p, new->hash, new);
			*left = p.elem;
		}
	} else if (unlikely(flags == BPFMAP_F_EXIST)) {
		err = -ENOENT;
	} else if (unlikely(p.steps > RHASH_MAX_CHAIN)) {
		err = -EBUSY;
	} else if (!atomic_add_unless(&h->nr, 1, h->map.max_entries)) {
		err = -E2BIG;
	} else {
		RCU_INIT_POINTER(new->next, p.at);
		rhash_set_link(&p, new->hash, new);
		WRITE_ONCE(s->nr, s->nr + 1);
		*left = NULL;
	}
	raw_spin_unlock_irqrestore(&s->lock, irq);
	return err;
}

static struct rhash_elem *rhash_elem_alloc(struct bpfmap_rhash *h, gfp_t gfp)
{
	struct mem_cgroup *old = bpfmap_charge_begin(&h->map);
	struct rhash_elem *e;

	e = bpfmap_area_alloc(h->elem_size, h->map.numa_node, gfp);
	bpfmap_charge_end(old);
	return e;
}

static struct rhash_elem *rhash_elem_new(struct bpfmap_rhash *h,
					 const void *key, u32 hash,
					 const void *value, gfp_t gfp)
{
	bool large = bpfmap_value_is_large(&h->map);
	struct rhash_elem *e = rhash_elem_alloc(h, gfp);

	/* Replaced elements that are still to be freed may suffice */
	if (!e && large) {
		rhash_reap_now(h);
		e = rhash_elem_alloc(h, gfp);
	}
	if (!e)
		return NULL;
	e->hash = hash;
	e->seq = 0;
	memcpy(e->key, key, h->map.key_size);
	if (!large) {
		memcpy(rhash_value(h, e), value, h->map.value_size);
		return e;
	}
	bpfmap_copy_large(rhash_value(h, e), value, h->map.value_size);
	refcount_set(rhash_users(h, e), 1);
	return e;
}

/* Store a value that needs memory, or did at the caller's lockless check */
static noinline int rhash_insert(struct bpfmap_rhash *h, const void *key,
				 u32 hash, const void *value, u64 flags,
				 gfp_t gfp)
{
	struct rhash_elem *left, *e = rhash_elem_new(h, key, hash, value, gfp);
	int err;

	if (!e)
		return -ENOMEM;
	err = rhash_link(h, e, flags, &left);
	if (unlikely(err == -EBUSY)) {
		rhash_resize_now(h, gfp);
		err = rhash_link(h, e, flags, &left);
	}
	if (unlikely(left == e))
		kvfree(e); /* nobody has seen it */
	else if (unlikely(left))
		rhash_put_elem(h, left);
	else
		rhash_check_load(h);
	return err;
}

/*
 * Is the map full, and @key not in it? Only under the lock do both hold at the
 * same time: the key may have come after a look-up, and filled the map.
 */
static noinline bool rhash_is_full(struct bpfmap_rhash *h, const void *key,
				   u32 hash)
{
	struct rhash_stripe *s = rhash_stripe(h, hash);
	unsigned long irq;
	bool full;

	raw_spin_lock_irqsave(&s->lock, irq);
	full = !rhash_find_place(h, s, key, hash).elem &&
	       (u32)atomic_read(&h->nr) >= h->map.max_entries;
	raw_spin_unlock_irqrestore(&s->lock, irq);
	return full;
}

static int rhash_update(struct bpfmap *map, const void *key, const void *value,
			u64 flags, gfp_t gfp)
{
	struct bpfmap_rhash *h = to_rhash(map);
	struct rhash_elem *e;
	int err = -EAGAIN;
	u32 hash;

	if (!bpfmap_update_flags_ok(flags, false))
		return -EINVAL;

	hash = rhash_hash(h, key);
	rcu_read_lock();
	e = rhash_get(h, key, hash);
	if (e)
		err = flags == BPFMAP_F_NOEXIST ? -EEXIST :
						  rhash_replace(h, e, value);
	rcu_read_unlock();
	if (likely(err != -EAGAIN))
		return err;
	if (!e && flags == BPFMAP_F_EXIST)
		return -ENOENT;
	/* Do not allocate if the map is full */
	if (!e && (u32)atomic_read(&h->nr) >= map->max_entries &&
	    rhash_is_full(h, key, hash))
		return -E2BIG;
	return rhash_insert(h, key, hash, value, flags, gfp);
}

static struct rhash_elem *rhash_unlink(struct bpfmap_rhash *h, const void *key,
				       u32 hash)
{
	struct rhash_stripe *s = rhash_stripe(h, hash);
	struct rhash_place p;
	unsigned long irq;

	raw_spin_lock_irqsave(&s->lock, irq);
	p = rhash_find_place(h, s, key, hash);
	if (p.elem) {
		/* Decrement first, so that a replacement has room */
		atomic_dec(&h->nr);
		rhash_set_link(&p, hash, rhash_behind(s, p.elem));
		WRITE_ONCE(p.elem->seq, p.elem->seq | RHASH_DEAD);
		WRITE_ONCE(s->nr, s->nr - 1);
	}
	raw_spin_unlock_irqrestore(&s->lock, irq);
	return p.elem;
}

/**
 * rhash_take() - delete an element and copy its last value
 * @h: the map
 * @key: key of the element
 * @hash: of the key
 * @value: out: value_size bytes; may be NULL
 *
 * Context: Any but NMI; process context, may sleep, if bpfmap_value_is_large()
 * and @value is not NULL.
 * Return: false if there is no such element.
 */
bool rhash_take(struct bpfmap_rhash *h, const void *key, u32 hash, void *value)
{
	struct rhash_elem *e = rhash_unlink(h, key, hash);

	if (!e)
		return false;
	/* There are no more writers */
	if (value && unlikely(bpfmap_value_is_large(&h->map)))
		bpfmap_copy_large(value, rhash_value(h, e), h->map.value_size);
	else if (value)
		bpfmap_value_load(value, rhash_value(h, e), h->map.value_size);
	rhash_check_load(h);
	rhash_put_elem(h, e);
	return true;
}

static int rhash_lookup_and_delete(struct bpfmap *map, const void *key,
				   void *value)
{
	struct bpfmap_rhash *h = to_rhash(map);

	return rhash_take(h, key, rhash_hash(h, key), value) ? 0 : -ENOENT;
}

static int rhash_delete(struct bpfmap *map, const void *key)
{
	return rhash_lookup_and_delete(map, key, NULL);
}

static int rhash_check(const struct bpfmap_create_attr *attr)
{
	if (!(attr->map_flags & BPFMAP_F_NO_PREALLOC) ||
	    attr->map_flags & BPFMAP_F_ZERO_SEED)
		return -EINVAL;
	if (attr->key_size > U16_MAX)
		return -E2BIG;
	if (attr->map_extra > U32_MAX)
		return -EINVAL;
	if (attr->map_extra > U16_MAX)
		return -E2BIG;
	if (attr->map_extra > attr->max_entries ||
	    bpfmap_check_create_flags(attr, BPFMAP_RHASH_FLAGS))
		return -EINVAL;
	if (!attr->max_entries || !attr->key_size || !attr->value_size)
		return -EINVAL;
	if ((u64)attr->key_size + attr->value_size >= BPFMAP_HASH_MAX_ELEM)
		return -E2BIG;
	return 0;
}

static struct bpfmap *rhash_alloc(const struct bpfmap_create_attr *attr)
{
	struct bpfmap_rhash *h;
	int err;

	if (attr->max_entries > 1U << 31)
		return ERR_PTR(-E2BIG);

	h = kzalloc(sizeof(*h), GFP_KERNEL_ACCOUNT);
	if (!h)
		return ERR_PTR(-ENOMEM);
	bpfmap_init_map(&h->map, attr);
	bpfmap_hash_secret_init(&h->secret);
	h->value_off =
		offsetof(struct rhash_elem, key) + round_up(attr->key_size, 8);
	h->elem_size = h->value_off + round_up(attr->value_size, 8);
	if (bpfmap_value_is_large(&h->map))
		h->elem_size += 8; /* rhash_users() */
	err = rhash_tables_init(h, attr->map_extra);
	if (err) {
		kfree(h);
		return ERR_PTR(err);
	}
	return &h->map;
}

static void rhash_free(struct bpfmap *map)
{
	struct bpfmap_rhash *h = to_rhash(map);

	rhash_tables_free(h);
	kfree(h);
}

static u64 rhash_mem_usage(const struct bpfmap *map)
{
	struct bpfmap_rhash *h = to_rhash(map);

	return sizeof(*h) + rhash_tables_usage(h) +
	       (u64)(u32)atomic_read(&h->nr) * h->elem_size;
}

struct bpfmap_ops bpfmap_rhash_ops __ro_after_init = {
	.map_extra = true,
	.check = rhash_check,
	.alloc = rhash_alloc,
	.free = rhash_free,
	.lookup_elem = rhash_lookup_elem,
	.lookup = rhash_lookup,
	.update = rhash_update,
	.delete = rhash_delete,
	.lookup_and_delete = rhash_lookup_and_delete,
	.get_next_key = rhash_get_next_key,
	.for_each = rhash_for_each,
	.walk_from = rhash_walk_from,
	.batch = &bpfmap_batch_by_next_key,
	.mem_usage = rhash_mem_usage,
};
