// SPDX-License-Identifier: GPL-2.0-only
/*
 * Replacing the table of a hash that grows and shrinks
 *
 * A work checks the load and replaces the table. Since buckets are ranges of
 * hashes, one bucket of the smaller table is a run of buckets of the larger
 * one, and the sorted chains of the latter, joined, are the chain of the
 * former:
 *
 *	smaller		[0]------------------>a-->b-->c-->d
 *	larger		[0]------------------>a-->b   c-->d
 *			[1]-------------------------->'
 *
 * While the new table is filled, the chains are those of the smaller one: c can
 * be reached from both heads, so a look-up through bucket 1 works, too. To
 * grow, first set the heads of the larger table, then let readers use it, then
 * cut its chains. To shrink, first join the chains, then let readers use the
 * smaller table. Each stripe does so under its lock, in bounded portions. In
 * between, and until all its chains are those of the new table, writers keep
 * the heads of both tables valid.
 *
 * No step waits for readers. A reader that still uses the smaller table may
 * reach the end of a chain that was cut, so at the end of a chain readers check
 * whether the table has been replaced: rhash_moved(). Old tables and deleted
 * elements are freed after a grace period.
 *
 * The idea is that of Shalev and Shavit's split-ordered lists (J. ACM 53(3),
 * 2006). Writers use locks here, so no dummy elements are needed, and the
 * bucket is given by the first bits of the hash, so the order is numeric.
 */
#include <linux/log2.h>
#include <linux/sched.h>
#include <linux/slab.h>

#include "rhash.h"

#define RHASH_MAX_STRIPES	1024U

/* log2 of the buckets of the largest table: 8 GiB */
#define RHASH_MAX_BITS		30

/* Initial room, in elements, if the creator gives no hint */
#define RHASH_HINT		32U

/* log2 of the number of buckets that a shrink joins into one, at most */
#define RHASH_SHRINK_BITS	4

/* Elements and buckets to visit before interrupts are enabled */
#define RHASH_PORTION		512U

static struct workqueue_struct *rhash_wq;

#if IS_ENABLED(CONFIG_KUNIT)
static atomic_t rhash_fail_tables;

/**
 * bpfmap_rhash_fail_tables() - fail allocations of new tables
 * @nr: how many
 */
void bpfmap_rhash_fail_tables(int nr)
{
	atomic_set(&rhash_fail_tables, nr);
}
EXPORT_SYMBOL_GPL(bpfmap_rhash_fail_tables);

/**
 * bpfmap_rhash_buckets() - buckets of a map's table, once it has the right size
 * @map: an RHASH
 *
 * Context: Process context. May sleep.
 */
u32 bpfmap_rhash_buckets(struct bpfmap *map)
{
	struct bpfmap_rhash *h = to_rhash(map);
	u32 shift;

	flush_work(&h->resize);
	rcu_read_lock();
	shift = rcu_dereference(h->table)->shift;
	rcu_read_unlock();
	return 1U << (32 - shift);
}
EXPORT_SYMBOL_GPL(bpfmap_rhash_buckets);

static bool rhash_table_may_fail(void)
{
	return atomic_add_unless(&rhash_fail_tables, -1, 0);
}
#else
static bool rhash_table_may_fail(void)
{
	return false;
}
#endif

static u64 rhash_table_bytes(u32 bits)
{
	return sizeof(struct rhash_table) + (sizeof(void *) << bits);
}

static struct rhash_table *rhash_table_new(const struct bpfmap_rhash *h,
					   u32 bits)
{
	struct rhash_table *t;

	if (rhash_table_may_fail())
		return NULL;
	t = bpfmap_area_alloc(rhash_table_bytes(bits), h->map.numa_node,
			      GFP_KERNEL | __GFP_ZERO);
	if (t)
		t->shift = 32 - bits;
	return t;
}

static u32 rhash_table_bits(const struct rhash_table *t)
{
	return 32 - t->shift;
}

/* log2 of the buckets for @nr elements: at least twice as many buckets */
static u32 rhash_bits_for(const struct bpfmap_rhash *h, u32 nr)
{
	return clamp_t(u32, nr ? fls64(2ULL * nr - 1) : 0, h->min_bits,
		       RHASH_MAX_BITS);
}

/* Set the loads at which to resize next */
static void rhash_set_limits(struct bpfmap_rhash *h, u32 bits)
{
	u32 size = 1U << bits;

	WRITE_ONCE(h->grow_at,
		   bits < RHASH_MAX_BITS ? size - size / 4 : U32_MAX);
	WRITE_ONCE(h->shrink_at, bits > h->min_bits ? size / 4 : 0);
}

static u32 rhash_wanted_bits(const struct bpfmap_rhash *h, u32 bits)
{
	u32 size = 1U << bits, nr = atomic_read(&h->nr);

	if (nr > size - size / 4)
		return rhash_bits_for(h, nr);
	if (nr < size / 4)
		return max_t(int, rhash_bits_for(h, nr),
			     (int)bits - RHASH_SHRINK_BITS);
	return bits;
}

/* A step for one bucket of the smaller table; returns the work done */
typedef u32 (*rhash_step_fn)(const struct rhash_stripe *s,
			     struct rhash_table *small, struct rhash_table *big,
			     u32 bucket);

static struct rhash_elem *rhash_deref_locked(const struct rhash_stripe *s,
					     struct rhash_elem __rcu *p)
{
	return rcu_dereference_protected(p, lockdep_is_held(&s->lock));
}

/* To grow: set heads of the larger table */
static u32 rhash_fill(const struct rhash_stripe *s, struct rhash_table *small,
		      struct rhash_table *big, u32 bucket)
{
	struct rhash_elem *e, *last = NULL;
	u32 steps = 1;

	for (e = rhash_deref_locked(s, small->heads[bucket]); e;
	     e = rhash_deref_locked(s, e->next)) {
		u32 b = e->hash >> big->shift;

		if (!last || last->hash >> big->shift != b)
			rcu_assign_pointer(big->heads[b], e);
		last = e;
		steps++;
	}
	return steps;
}

/* To grow: cut the chains at the ends of the larger table's buckets */
static u32 rhash_cut(const struct rhash_stripe *s, struct rhash_table *small,
		     struct rhash_table *big, u32 bucket)
{
	struct rhash_elem *e, *next;
	u32 steps = 1;

	for (e = rhash_deref_locked(s, small->heads[bucket]); e; e = next) {
		next = rhash_deref_locked(s, e->next);
		if (next && next->hash >> big->shift != e->hash >> big->shift)
			RCU_INIT_POINTER(e->next, NULL);
		steps++;
	}
	return steps;
}

/* To shrink: join chains of the larger table */
static u32 rhash_join(const struct rhash_stripe *s, struct rhash_table *small,
		      struct rhash_table *big, u32 bucket)
{
	struct rhash_elem __rcu **link = &small->heads[bucket];
	u32 b, steps = 0, ratio = small->shift - big->shift;
	struct rhash_elem *e;

	for (b = bucket << ratio; b < (bucket + 1) << ratio; b++) {
		e = rhash_deref_locked(s, big->heads[b]);
		if (e)
			rcu_assign_pointer(*link, e);
		for (; e; e = rhash_deref_locked(s, e->next)) {
			link = &e->next;
			steps++;
		}
		steps++;
	}
	return steps;
}

/**
 * struct rhash_resize - a resize in progress
 * @small: the smaller table, old or new
 * @big: the larger one
 * @stripe_bits: log2 of the stripes
 */
struct rhash_resize {
	struct rhash_table *small;
	struct rhash_table *big;
	u32 stripe_bits;
};

/*
 * Take a step for each bucket of a stripe. With @mark, the bucket then has the
 * chains of the new table.
 */
static void rhash_pass(const struct rhash_resize *r, struct rhash_stripe *s,
		       u32 stripe, rhash_step_fn step, bool mark)
{
	u32 per_stripe = rhash_table_bits(r->small) - r->stripe_bits;
	u32 bucket = stripe << per_stripe;
	u32 end = (stripe + 1) << per_stripe;
	unsigned long flags;
	u32 steps;

	while (bucket < end) {
		raw_spin_lock_irqsave(&s->lock, flags);
		for (steps = 0; bucket < end && steps < RHASH_PORTION; bucket++)
			steps += step(s, r->small, r->big, bucket);
		if (mark)
			s->pos = (u64)bucket << r->small->shift;
		raw_spin_unlock_irqrestore(&s->lock, flags);
		cond_resched();
	}
}

static void rhash_set_tables(struct rhash_stripe *s, struct rhash_table *table,
			     struct rhash_table *also)
{
	unsigned long flags;

	raw_spin_lock_irqsave(&s->lock, flags);
	s->table = table;
	s->also = also;
	s->pos = 0;
	raw_spin_unlock_irqrestore(&s->lock, flags);
}

/* Replace the table @old; there is no concurrent caller */
static void rhash_resize(struct bpfmap_rhash *h, struct rhash_table *old,
			 struct rhash_table *new)
{
	bool grow = new->shift < old->shift;
	struct rhash_resize r = {
		.small = grow ? old : new,
		.big = grow ? new : old,
		.stripe_bits = 32 - h->stripe_shift,
	};
	u32 i, nr = 1U << r.stripe_bits;

	for (i = 0; i < nr; i++) {
		rhash_set_tables(&h->stripes[i], old, new);
		rhash_pass(&r, &h->stripes[i], i,
			   grow ? rhash_fill : rhash_join, !grow);
	}
	rcu_assign_pointer(h->table, new);
	/*
	 * Pairs with smp_rmb() in rhash_moved(): a reader that sees the end of
	 * a cut chain also sees the new table
	 */
	smp_wmb();
	for (i = 0; i < nr; i++) {
		if (grow)
			rhash_pass(&r, &h->stripes[i], i, rhash_cut, true);
		rhash_set_tables(&h->stripes[i], new, NULL);
	}
	rhash_retire(h, &old->retired);
}

/* No memory: keep the table, and try again when the load gets worse */
static void rhash_postpone(struct bpfmap_rhash *h, bool grow)
{
	u32 nr = atomic_read(&h->nr);

	if (grow)
		WRITE_ONCE(h->grow_at, nr + nr / 8);
	else
		WRITE_ONCE(h->shrink_at, nr / 2);
}

static void rhash_resize_work(struct work_struct *work)
{
	struct bpfmap_rhash *h =
		container_of(work, struct bpfmap_rhash, resize);
	struct rhash_table *old, *new;
	struct mem_cgroup *memcg;
	u32 bits, wanted;

	for (;;) {
		/* Only this work writes @table */
		old = rcu_dereference_protected(h->table, true);
		bits = rhash_table_bits(old);
		wanted = rhash_wanted_bits(h, bits);
		if (wanted == bits)
			return;
		memcg = bpfmap_charge_begin(&h->map);
		new = rhash_table_new(h, wanted);
		bpfmap_charge_end(memcg);
		if (!new) {
			rhash_postpone(h, wanted > bits);
			return;
		}
		rhash_resize(h, old, new);
		rhash_set_limits(h, wanted);
	}
}

/**
 * rhash_check_load() - replace the table if it has the wrong size
 * @h: the map, after an insert or delete
 *
 * Context: Any but NMI, without a lock of the map.
 */
void rhash_check_load(struct bpfmap_rhash *h)
{
	u32 nr = atomic_read(&h->nr);

	if (unlikely(nr > READ_ONCE(h->grow_at) ||
		     nr < READ_ONCE(h->shrink_at)))
		queue_work(rhash_wq, &h->resize);
}

/**
 * rhash_resize_now() - start a resize if one is needed
 * @h: the map
 * @gfp: if this allows blocking, wait until it is done or fails without memory
 *
 * Context: As @gfp says, without a lock of the map.
 */
void rhash_resize_now(struct bpfmap_rhash *h, gfp_t gfp)
{
	queue_work(rhash_wq, &h->resize);
	if (gfpflags_allow_blocking(gfp))
		flush_work(&h->resize);
}

static void rhash_free_retired(struct bpfmap_rhash *h,
			       struct llist_node *blocks)
{
	struct llist_node *block, *next;

	/* @retired is the first member of what is to be freed */
	llist_for_each_safe(block, next, blocks) {
		kvfree(block);
		cond_resched();
	}
}

static void rhash_reap_work(struct work_struct *work)
{
	struct bpfmap_rhash *h = container_of(work, struct bpfmap_rhash, reap);
	struct llist_node *blocks = llist_del_all(&h->retired);

	synchronize_rcu();
	rhash_free_retired(h, blocks);
}

/**
 * rhash_retire() - free memory after a grace period
 * @h: the map
 * @block: start of the memory, which no new reader can find
 *
 * For memory too large to wait for as long as kvfree_rcu() may.
 *
 * Context: Any but NMI.
 */
void rhash_retire(struct bpfmap_rhash *h, struct llist_node *block)
{
	if (llist_add(block, &h->retired))
		queue_work(rhash_wq, &h->reap);
}

/**
 * rhash_reap_now() - wait until all retired memory is freed
 * @h: the map
 *
 * Context: Process context. May sleep.
 */
void rhash_reap_now(struct bpfmap_rhash *h)
{
	flush_work(&h->reap);
}

/* A few per CPU that can be here, each in its own cache line */
static int rhash_alloc_stripes(struct bpfmap_rhash *h, struct rhash_table *t)
{
	u32 i, nr = 1U << h->min_bits;

	h->stripe_shift = 32 - h->min_bits;
	h->stripes = bpfmap_area_alloc((u64)nr * sizeof(*h->stripes),
				       h->map.numa_node,
				       GFP_KERNEL | __GFP_ZERO);
	if (!h->stripes)
		return -ENOMEM;
	for (i = 0; i < nr; i++) {
		raw_spin_lock_init(&h->stripes[i].lock);
		h->stripes[i].table = t;
	}
	return 0;
}

/**
 * rhash_tables_init() - allocate the first table and the stripes
 * @h: a map that is being created
 * @hint: elements to have room for, 0 for a default
 *
 * Context: Process context. May sleep.
 * Return: 0, or -ENOMEM with nothing left to free.
 */
int rhash_tables_init(struct bpfmap_rhash *h, u32 hint)
{
	u32 stripes = 16 * roundup_pow_of_two(num_possible_cpus());
	struct rhash_table *t;
	u32 bits;

	/* At least 2, so that no shift has 32 bits */
	stripes = clamp_t(u64, roundup_pow_of_two((u64)h->map.max_entries), 2,
			  min(stripes, RHASH_MAX_STRIPES));
	h->min_bits = ilog2(stripes);
	bits = rhash_bits_for(h, hint ?: min(h->map.max_entries, RHASH_HINT));

	t = rhash_table_new(h, bits);
	if (!t || rhash_alloc_stripes(h, t)) {
		kvfree(t);
		return -ENOMEM;
	}
	RCU_INIT_POINTER(h->table, t);
	rhash_set_limits(h, bits);
	init_llist_head(&h->retired);
	INIT_WORK(&h->resize, rhash_resize_work);
	INIT_WORK(&h->reap, rhash_reap_work);
	return 0;
}

/**
 * rhash_tables_free() - free table, stripes and elements
 * @h: a map without users
 *
 * Context: Process context. May sleep.
 */
void rhash_tables_free(struct bpfmap_rhash *h)
{
	struct rhash_elem *e, *next;
	struct rhash_table *t;
	u32 b;

	/* In this order: @resize may retire a table */
	cancel_work_sync(&h->resize);
	cancel_work_sync(&h->reap);
	rhash_free_retired(h, llist_del_all(&h->retired));

	t = rcu_dereference_protected(h->table, true);
	for (b = 0; b < 1U << rhash_table_bits(t); b++) {
		e = rcu_dereference_protected(t->heads[b], true);
		for (; e; e = next) {
			next = rcu_dereference_protected(e->next, true);
			kvfree(e);
		}
		cond_resched();
	}
	kvfree(t);
	kvfree(h->stripes);
}

/**
 * rhash_tables_usage() - bytes of the table and the stripes
 * @h: the map
 *
 * Context: Any.
 */
u64 rhash_tables_usage(const struct bpfmap_rhash *h)
{
	u64 bytes = sizeof(*h->stripes) << h->min_bits;

	rcu_read_lock();
	bytes += rhash_table_bytes(rhash_table_bits(rcu_dereference(h->table)));
	rcu_read_unlock();
	return bytes;
}

int __init bpfmap_rhash_init(void)
{
	rhash_wq = alloc_workqueue("bpfmap_rhash", WQ_UNBOUND, 0);
	return rhash_wq ? 0 : -ENOMEM;
}

/* There are no maps and no work left */
void bpfmap_rhash_exit(void)
{
	destroy_workqueue(rhash_wq);
}
