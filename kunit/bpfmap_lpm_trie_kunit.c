// SPDX-License-Identifier: GPL-2.0-only
/*
 * The longest prefix match: against a list of prefixes that is searched bit by
 * bit from its start, in all contexts, and many at once
 */
#include <linux/bits.h>
#include <linux/prandom.h>
#include <linux/rcupdate.h>
#include <linux/string.h>

#include "crew.h"
#include "stress.h"

#define KEY_MAX		260
#define VALUE_SIZE	16

#define LPM(label, key, max) {						\
	.name = label, .type = BPFMAP_TYPE_LPM_TRIE,			\
	.flags = BPFMAP_F_NO_PREALLOC, .key_size = key,			\
	.value_size = VALUE_SIZE, .max_entries = max,			\
}

/* More keys than entries come in a random sequence: it is full now and then */
static const struct map_shape shapes[] = {
	LPM("1 byte", 5, 60),
	LPM("IPv4", 8, 60),
	LPM("5 bytes", 9, 60),
	LPM("8 bytes", 12, 60),
	LPM("9 bytes", 13, 60),
	LPM("IPv6", 20, 60),
	LPM("33 bytes", 37, 60),
	LPM("256 bytes", 260, 60),
};

SHAPE_PARAM(shape, shapes);

static const struct map_shape irq_shapes[] = {
	LPM("IPv4", 8, 64),
	LPM("13 bytes", 17, 64),
};

SHAPE_PARAM(irq_shape, irq_shapes);

/* ------------------------------------------------------------------------- */
/* The oracle */

#define LIST_MAX	80

/**
 * struct entry - a prefix
 * @used: it is there
 * @key: as it was given
 * @value: the same
 */
struct entry {
	bool used;
	u8 key[KEY_MAX];
	u8 value[VALUE_SIZE];
};

/**
 * struct list - all prefixes of a map
 * @shape: of the map
 * @nr: prefixes in use
 * @entries: the prefixes
 */
struct list {
	const struct map_shape *shape;
	u32 nr;
	struct entry entries[LIST_MAX];
};

static u32 key_len(const void *key)
{
	u32 len;

	memcpy(&len, key, sizeof(len));
	return len;
}

static bool key_bit(const u8 *key, u32 pos)
{
	return key[4 + pos / 8] & 0x80 >> pos % 8;
}

static u32 max_len(const struct list *l)
{
	return (l->shape->key_size - 4) * 8;
}

/* Bits that two keys have in common, both prefixes that long at least */
static u32 key_common(const u8 *a, const u8 *b)
{
	u32 pos = 0, len = min(key_len(a), key_len(b));

	/* Whole bytes first: this is where the oracle's time goes */
	while (pos + 8 <= len && a[4 + pos / 8] == b[4 + pos / 8])
		pos += 8;
	while (pos < len && key_bit(a, pos) == key_bit(b, pos))
		pos++;
	return pos;
}

static bool key_covers(const u8 *prefix, const u8 *key)
{
	return key_len(prefix) <= key_len(key) &&
	       key_common(prefix, key) == key_len(prefix);
}

/* Does @a come before @b, another prefix? */
static bool key_before(const u8 *a, const u8 *b)
{
	u32 common = key_common(a, b);

	if (common < min(key_len(a), key_len(b)))
		return !key_bit(a, common);
	return key_len(a) > key_len(b);
}

static struct entry *list_exact(struct list *l, const u8 *key)
{
	u32 i;

	for (i = 0; i < LIST_MAX; i++)
		if (l->entries[i].used &&
		    key_len(l->entries[i].key) == key_len(key) &&
		    key_covers(l->entries[i].key, key))
			return &l->entries[i];
	return NULL;
}

static struct entry *list_longest(struct list *l, const u8 *key)
{
	struct entry *e, *best = NULL;
	u32 i;

	if (key_len(key) > max_len(l))
		return NULL;
	for (i = 0; i < LIST_MAX; i++) {
		e = &l->entries[i];
		if (e->used && key_covers(e->key, key) &&
		    (!best || key_len(e->key) > key_len(best->key)))
			best = e;
	}
	return best;
}

/* The first one behind @key, or of all if that is NULL */
static struct entry *list_next(struct list *l, const u8 *key)
{
	struct entry *e, *best = NULL;
	u32 i;

	for (i = 0; i < LIST_MAX; i++) {
		e = &l->entries[i];
		if (!e->used || (key && !key_before(key, e->key)))
			continue;
		if (key && key_len(key) == key_len(e->key) &&
		    key_covers(e->key, key))
			continue;
		if (!best || key_before(e->key, best->key))
			best = e;
	}
	return best;
}

static int list_update(struct list *l, const u8 *key, const u8 *value,
		       u64 flags)
{
	struct entry *e;
	u32 i;

	if (flags > 2 || key_len(key) > max_len(l))
		return -EINVAL;
	e = list_exact(l, key);
	if (e && flags == BPFMAP_F_NOEXIST)
		return -EEXIST;
	if (!e && flags == BPFMAP_F_EXIST)
		return -ENOENT;
	if (!e && l->nr == l->shape->max_entries)
		return -ENOSPC;
	for (i = 0; !e; i++)
		if (!l->entries[i].used)
			e = &l->entries[i];
	l->nr += !e->used;
	e->used = true;
	memcpy(e->key, key, l->shape->key_size);
	memcpy(e->value, value, VALUE_SIZE);
	return 0;
}

static int list_delete(struct list *l, const u8 *key)
{
	struct entry *e;

	if (key_len(key) > max_len(l))
		return -EINVAL;
	e = list_exact(l, key);
	if (!e)
		return -ENOENT;
	e->used = false;
	l->nr--;
	return 0;
}

/* ------------------------------------------------------------------------- */
/* Random sequences */

/**
 * struct trial - a map and what it should say
 * @test: the test
 * @map: the map
 * @list: what it should say
 * @rnd: random numbers
 * @key: the present one
 * @next: for get_next_key
 */
struct trial {
	struct kunit *test;
	struct bpfmap *map;
	struct list list;
	struct rnd_state rnd;
	u8 key[KEY_MAX];
	u8 next[KEY_MAX];
};

static u32 trial_random(struct trial *t, u32 below)
{
	return prandom_u32_state(&t->rnd) % below;
}

/* Few bits are set, most prefixes short: many cover others; some are too long */
static void trial_key(struct trial *t)
{
	u32 i, len, size = t->list.shape->key_size, max = max_len(&t->list);

	len = trial_random(t, 3) ? trial_random(t, min(max, 10U) + 1) :
				   trial_random(t, max + 1);
	if (!trial_random(t, 50))
		len = max + 1 + trial_random(t, 1000);
	memcpy(t->key, &len, sizeof(len));
	for (i = 4; i < size; i++)
		t->key[i] = trial_random(t, 4) ? 0 : trial_random(t, 256);
	if (trial_random(t, 2))
		t->key[4] = BIT(trial_random(t, 8));
}

static void trial_update(struct trial *t)
{
	u8 value[VALUE_SIZE];
	u64 flags = trial_random(t, 2) ? 0 : trial_random(t, 4);
	int want;

	prandom_bytes_state(&t->rnd, value, sizeof(value));
	want = list_update(&t->list, t->key, value, flags);
	KUNIT_EXPECT_EQ(t->test,
			update_patiently(t->map, t->key, value, flags), want);
}

static void trial_lookup(struct trial *t)
{
	struct entry *e = list_longest(&t->list, t->key);
	u8 value[VALUE_SIZE] = {};
	void *found;

	KUNIT_EXPECT_EQ(t->test, bpfmap_copy_elem(t->map, t->key, value, 0),
			e ? 0 : -ENOENT);
	if (e)
		KUNIT_EXPECT_MEMEQ(t->test, value, e->value, VALUE_SIZE);
	rcu_read_lock();
	found = bpfmap_lookup_elem(t->map, t->key);
	KUNIT_EXPECT_EQ(t->test, !!found, !!e);
	if (found && e)
		KUNIT_EXPECT_MEMEQ(t->test, found, e->value, VALUE_SIZE);
	rcu_read_unlock();
}

static struct entry *trial_next(struct trial *t, const u8 *key)
{
	const u8 *behind = key;
	struct entry *e;

	if (key && (key_len(key) > max_len(&t->list) ||
		    !list_exact(&t->list, key)))
		behind = NULL;
	e = list_next(&t->list, behind);
	KUNIT_EXPECT_EQ(t->test, bpfmap_get_next_key(t->map, key, t->next),
			e ? 0 : -ENOENT);
	if (e)
		KUNIT_EXPECT_MEMEQ(t->test, t->next, e->key,
				   t->list.shape->key_size);
	return e;
}

/**
 * struct each - what for_each shows
 * @trial: the trial
 * @last: entry of the call before
 */
struct each {
	struct trial *trial;
	struct entry *last;
};

static long each_in_order(struct bpfmap *map, const void *key, void *value,
			  void *ctx)
{
	struct each *each = ctx;
	struct trial *t = each->trial;
	struct entry *e = list_next(&t->list,
				    each->last ? each->last->key : NULL);

	KUNIT_EXPECT_NOT_NULL(t->test, e);
	if (!e)
		return 1;
	KUNIT_EXPECT_MEMEQ(t->test, key, e->key, t->list.shape->key_size);
	KUNIT_EXPECT_MEMEQ(t->test, value, e->value, VALUE_SIZE);
	each->last = e;
	return 0;
}

static void trial_all(struct trial *t)
{
	struct each each = { .trial = t };
	struct entry *e = NULL;
	u32 nr = 0;

	KUNIT_EXPECT_EQ(t->test, bpfmap_for_each_elem(t->map, each_in_order,
						      &each, 0),
			(long)t->list.nr);
	do {
		e = trial_next(t, e ? e->key : NULL);
		nr += !!e;
	} while (e);
	KUNIT_EXPECT_EQ(t->test, nr, t->list.nr);
}

static void lpm_random(struct kunit *test)
{
	struct trial *t = kunit_buf(test, sizeof(*t));
	u32 i, mostly_in = 1;

	t->test = test;
	t->map = kunit_map(test, test->param_value);
	t->list.shape = test->param_value;
	prandom_seed_state(&t->rnd, bpfmap_kunit_seed());
	for (i = 0; i < 4000 * bpfmap_kunit_effort; i++) {
		/* Full and empty in turn */
		if (!(i % 500))
			mostly_in = !mostly_in;
		trial_key(t);
		if (trial_random(t, 4) < (mostly_in ? 3 : 1))
			trial_update(t);
		else
			KUNIT_EXPECT_EQ(test,
					bpfmap_delete_elem(t->map, t->key),
					list_delete(&t->list, t->key));
		trial_lookup(t);
		trial_key(t);
		trial_lookup(t);
		trial_next(t, t->key);
		if (!(i % 100))
			trial_all(t);
	}
}

/* ------------------------------------------------------------------------- */
/* Single cases */

static void set_key(u8 *key, u32 size, u32 len, u8 fill)
{
	memcpy(key, &len, sizeof(len));
	memset(key + 4, fill, size - 4);
}

static long each_delete(struct bpfmap *map, const void *key, void *value,
			void *ctx)
{
	return bpfmap_delete_elem(map, key) ? 1 : 0;
}

static long each_stop(struct bpfmap *map, const void *key, void *value,
		      void *ctx)
{
	return ++*(u32 *)ctx == 100;
}

/* More levels than a walk remembers, in every way to walk */
static void lpm_deep(struct kunit *test)
{
	static const struct map_shape shape = LPM("", 260, 2049);
	struct bpfmap *map = kunit_map(test, &shape);
	u8 *key = kunit_buf(test, KEY_MAX), *next = kunit_buf(test, KEY_MAX);
	u8 value[VALUE_SIZE];
	u32 len, calls = 0, wrong = 0;

	for (len = 0; len <= 2048; len++) {
		set_key(key, KEY_MAX, len, 0xff);
		value_make(value, VALUE_SIZE, len, 0);
		KUNIT_ASSERT_EQ(test, update_patiently(map, key, value, 0), 0);
	}
	KUNIT_EXPECT_EQ(test, bpfmap_get_next_key(map, NULL, next), 0);
	for (len = 2048; len; len--) {
		wrong += key_len(next) != len;
		memcpy(key, next, KEY_MAX);
		wrong += !!bpfmap_copy_elem(map, key, value, 0);
		wrong += !value_is_whole(value, VALUE_SIZE, len);
		wrong += !!bpfmap_get_next_key(map, key, next);
	}
	KUNIT_EXPECT_EQ(test, wrong, 0U);
	KUNIT_EXPECT_EQ(test, bpfmap_get_next_key(map, next, key), -ENOENT);
	KUNIT_EXPECT_EQ(test, bpfmap_for_each_elem(map, each_stop, &calls, 0),
			100L);
	KUNIT_EXPECT_EQ(test, bpfmap_for_each_elem(map, each_delete, NULL, 0),
			2049L);
	KUNIT_EXPECT_EQ(test, bpfmap_get_next_key(map, NULL, next), -ENOENT);
}

/* Branches of equal depth, to be deleted while they are walked */
static void lpm_delete_all(struct kunit *test)
{
	static const struct map_shape shape = LPM("", 8, 1000);
	struct bpfmap *map = kunit_map(test, &shape);
	u8 value[VALUE_SIZE] = {};
	u32 key[2], i;

	for (i = 0; i < 1000; i++) {
		key[0] = 32;
		key[1] = i * 2654435761U;
		KUNIT_ASSERT_EQ(test, update_patiently(map, key, value, 0), 0);
	}
	KUNIT_EXPECT_EQ(test, bpfmap_update_elem(map, ((u32[]) { 1, 0 }), value,
						 0), -ENOSPC);
	KUNIT_EXPECT_EQ(test, bpfmap_for_each_elem(map, each_delete, NULL, 0),
			1000L);
	KUNIT_EXPECT_EQ(test, bpfmap_get_next_key(map, NULL, key), -ENOENT);
}

/* What a look-up gave is that element's value until the end of the section */
static void lpm_pointer_stays(struct kunit *test)
{
	static const struct map_shape shape = LPM("", 8, 4);
	struct bpfmap *map = kunit_map(test, &shape);
	u32 key[2] = { 8, 0 }, i, failed = 0;
	u8 value[VALUE_SIZE];
	void *found;

	value_make(value, VALUE_SIZE, 1, 0);
	KUNIT_ASSERT_EQ(test, update_patiently(map, key, value, 0), 0);
	rcu_read_lock();
	found = bpfmap_lookup_elem(map, key);
	for (i = 0; i < 2000; i++) {
		value_make(value, VALUE_SIZE, 2, i);
		failed += bpfmap_update_elem(map, key, value, 0) != 0;
		if (i % 10 == 9)
			failed += bpfmap_delete_elem(map, key) != 0;
	}
	KUNIT_EXPECT_TRUE(test, found && value_is_whole(found, VALUE_SIZE, 1));
	rcu_read_unlock();
	KUNIT_EXPECT_EQ(test, failed, 0U);
}

/* ------------------------------------------------------------------------- */
/* Many at once */

/* Prefixes that come and go, by number; 0 is /1 and stays */
#define STRESS_KEYS	24
#define STRESS_SIZE	20

/* Nested and side by side: number n has a length of its own */
static void stress_key(u8 *key, u32 n)
{
	set_key(key, STRESS_SIZE, 1 + 5 * n, 0);
	if (n % 3 == 2)
		key[4 + 5 * n / 8] |= 0x80 >> 5 * n % 8;
}

static void lpm_write_step(struct worker *w)
{
	u32 n = worker_random(w, STRESS_KEYS);
	u8 key[STRESS_SIZE], value[VALUE_SIZE];

	stress_key(key, n);
	value_make(value, VALUE_SIZE, n, worker_random(w, U32_MAX));
	worker_check(w, !update_patiently(w->ctx, key, value, 0));
}

static void lpm_delete_step(struct worker *w)
{
	u8 key[STRESS_SIZE];
	int err;

	stress_key(key, 1 + worker_random(w, STRESS_KEYS - 1));
	err = bpfmap_delete_elem(w->ctx, key);
	worker_check(w, !err || err == -ENOENT);
}

/* Number of the prefix that a value was stored for, if it is whole and covers */
static bool lpm_value_fits(const u8 *value, const u8 *key)
{
	u8 prefix[STRESS_SIZE];
	u32 n, head[2];

	memcpy(head, value, sizeof(head));
	n = head[0] ^ head[1];
	if (n >= STRESS_KEYS || !value_is_whole(value, VALUE_SIZE, n))
		return false;
	stress_key(prefix, n);
	return key_covers(prefix, key);
}

static void lpm_read_step(struct worker *w)
{
	u8 key[STRESS_SIZE], value[VALUE_SIZE];
	void *found;

	stress_key(key, worker_random(w, STRESS_KEYS));
	if (worker_check(w, !bpfmap_copy_elem(w->ctx, key, value, 0)))
		worker_check(w, lpm_value_fits(value, key));
	rcu_read_lock();
	found = bpfmap_lookup_elem(w->ctx, key);
	if (worker_check(w, found))
		worker_check(w, lpm_value_fits(found, key));
	rcu_read_unlock();
}

static long each_fits(struct bpfmap *map, const void *key, void *value,
		      void *ctx)
{
	struct worker *w = ctx;

	worker_check(w, lpm_value_fits(value, key));
	return 0;
}

static void lpm_walk_step(struct worker *w)
{
	u8 keys[2][STRESS_SIZE], want[STRESS_SIZE];
	u32 i;
	int err = bpfmap_get_next_key(w->ctx, NULL, keys[0]);

	for (i = 0; !err && i < 2 * STRESS_KEYS; i++) {
		u32 n = key_len(keys[i & 1]) / 5;

		stress_key(want, n);
		worker_check(w, !memcmp(want, keys[i & 1], STRESS_SIZE));
		err = bpfmap_get_next_key(w->ctx, keys[i & 1], keys[!(i & 1)]);
	}
	worker_check(w, i);
	worker_check(w, !err || err == -ENOENT);
	worker_check(w, bpfmap_for_each_elem(w->ctx, each_fits, w, 0) > 0);
}

/* Operations that allocate no memory: lockdep forbids that in a hardirq */
static void lpm_interrupted(void *worker)
{
	lpm_read_step(worker);
	lpm_delete_step(worker);
}

static void lpm_interrupt_step(struct worker *w)
{
	worker_interrupt(w, lpm_interrupted);
}

static void lpm_stress(struct kunit *test)
{
	static const struct job jobs[] = {
		{ "write", lpm_write_step }, { "delete", lpm_delete_step },
		{ "read", lpm_read_step }, { "walk", lpm_walk_step },
		{ "interrupt", lpm_interrupt_step },
	};
	static const struct map_shape shape = LPM("", STRESS_SIZE, STRESS_KEYS);
	struct bpfmap *map = kunit_map(test, &shape);
	u8 key[STRESS_SIZE], value[VALUE_SIZE];
	u32 n, failed = 0;

	/* Prefix 0 covers all of them and is never deleted */
	stress_key(key, 0);
	value_make(value, VALUE_SIZE, 0, 0);
	KUNIT_ASSERT_EQ(test, update_patiently(map, key, value, 0), 0);
	crew_run(test, jobs, ARRAY_SIZE(jobs), map, 1000);
	/* The count of elements is right still */
	for (n = 0; n < STRESS_KEYS; n++) {
		stress_key(key, n);
		failed += !!update_patiently(map, key, value, 0);
	}
	KUNIT_EXPECT_EQ(test, failed, 0U);
	KUNIT_EXPECT_EQ(test, bpfmap_update_elem(map, ((u8[STRESS_SIZE]) { 0 }),
						 value, 0), -ENOSPC);
	KUNIT_EXPECT_EQ(test, bpfmap_for_each_elem(map, each_delete, NULL, 0),
			(long)STRESS_KEYS);
}

/*
 * A short prefix stays. Of two longer ones, far from each other in depth, one
 * is there always: a look-up that returns the short one's value is wrong.
 */
#define SHORT	1
#define MIDDLE	2
#define LONG	2040

/**
 * struct relay - a writer that replaces one long prefix by the other
 * @map: the map
 * @writer: the worker that writes; the other workers read
 */
struct relay {
	struct bpfmap *map;
	atomic_t writer;
};

static int relay_put(struct bpfmap *map, u8 *key, u32 len)
{
	u8 value[VALUE_SIZE];

	value_make(value, VALUE_SIZE, len, 0);
	set_key(key, KEY_MAX, len, 0xff);
	return update_patiently(map, key, value, 0);
}

static void relay_write_step(struct worker *w)
{
	struct relay *r = w->ctx;
	u8 key[KEY_MAX];

	if (atomic_cmpxchg(&r->writer, 0, w->cpu + 1) &&
	    atomic_read(&r->writer) != w->cpu + 1)
		return;
	worker_check(w, !relay_put(r->map, key, MIDDLE));
	set_key(key, KEY_MAX, LONG, 0xff);
	worker_check(w, !bpfmap_delete_elem(r->map, key));
	worker_check(w, !relay_put(r->map, key, LONG));
	set_key(key, KEY_MAX, MIDDLE, 0xff);
	worker_check(w, !bpfmap_delete_elem(r->map, key));
}

static void relay_read_step(struct worker *w)
{
	struct relay *r = w->ctx;
	u8 key[KEY_MAX], value[VALUE_SIZE];

	set_key(key, KEY_MAX, 2048, 0xff);
	if (worker_check(w, !bpfmap_copy_elem(r->map, key, value, 0)))
		worker_check(w, value_is_whole(value, VALUE_SIZE, MIDDLE) ||
			     value_is_whole(value, VALUE_SIZE, LONG));
}

/* [lpm.moment] */
static void lpm_not_fooled(struct kunit *test)
{
	static const struct job jobs[] = {
		{ "write", relay_write_step }, { "read", relay_read_step },
	};
	static const struct map_shape shape = LPM("", KEY_MAX, 2048);
	struct relay *r = kunit_buf(test, sizeof(*r));
	u8 *key = kunit_buf(test, KEY_MAX), value[VALUE_SIZE] = {};
	u32 len;

	r->map = kunit_map(test, &shape);
	KUNIT_ASSERT_EQ(test, relay_put(r->map, key, SHORT), 0);
	KUNIT_ASSERT_EQ(test, relay_put(r->map, key, LONG), 0);
	/* Branches in between make the path from one to the other long */
	for (len = MIDDLE + 2; len < LONG; len++) {
		set_key(key, KEY_MAX, len, 0xff);
		key[4 + (len - 1) / 8] ^= 0x80 >> (len - 1) % 8;
		KUNIT_ASSERT_EQ(test, update_patiently(r->map, key, value, 0),
				0);
	}
	crew_run(test, jobs, ARRAY_SIZE(jobs), r, 1000);
}

static struct kunit_case lpm_cases[] = {
	KUNIT_CASE_PARAM(lpm_random, shape_gen_params),
	KUNIT_CASE(lpm_deep),
	KUNIT_CASE(lpm_delete_all),
	KUNIT_CASE(lpm_pointer_stays),
	KUNIT_CASE_PARAM(contexts_softirq, irq_shape_gen_params),
	KUNIT_CASE_PARAM(contexts_hardirq, irq_shape_gen_params),
	KUNIT_CASE_PARAM(contexts_last_put, irq_shape_gen_params),
	KUNIT_CASE_SLOW(lpm_stress),
	KUNIT_CASE_SLOW(lpm_not_fooled),
	{}
};

static struct kunit_suite lpm_suite = {
	.name = "bpfmap_lpm_trie",
	.test_cases = lpm_cases,
};

kunit_test_suite(lpm_suite);
