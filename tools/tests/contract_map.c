// SPDX-License-Identifier: GPL-2.0-only
/*
 * contract_map - see contract.h
 */
#include "contract.h"

struct tmap tmap_new(const struct kind *k, uint32_t key_size,
		     uint32_t value_size, uint32_t max_entries)
{
	struct tmap t = {
		.kind = k,
		.key_size = key_size,
		.value_size = value_size,
		.max_entries = max_entries,
		.vs = user_value_size(k, value_size),
	};

	t.fd = map_new(k, key_size, value_size, max_entries, 0);
	check_ret(t.fd, GOT_FD, "MAP_CREATE %s %u/%u x %u", k->name, key_size,
		  value_size, max_entries);
	return t;
}

void tmap_close(struct tmap *t)
{
	if (t->fd >= 0)
		close(t->fd);
	t->fd = -1;
}

void tmap_key(const struct tmap *t, uint32_t n, void *key)
{
	size_t head = t->key_size < sizeof(n) ? t->key_size : sizeof(n);

	pattern(key, t->key_size, n);
	memcpy(key, &n, head);
}

void tmap_value(const struct tmap *t, unsigned int seed, void *value)
{
	size_t stride = ROUND_UP((size_t)t->value_size, 8);
	unsigned int i;

	if (!is_percpu(t->kind)) {
		pattern(value, t->value_size, seed);
		return;
	}
	memset(value, 0, t->vs);
	for (i = 0; i < n_cpus(); i++)
		pattern((uint8_t *)value + i * stride, t->value_size,
			seed + 17 * i);
}

int tmap_put(const struct tmap *t, uint32_t n, unsigned int seed)
{
	struct buf key = buf_new(t->key_size), value = buf_new(t->vs);
	int ret;

	tmap_key(t, n, key.p);
	tmap_value(t, seed, value.p);
	ret = map_update(t->fd, key.p, value.p, 0);
	buf_free(&key);
	buf_free(&value);
	return ret;
}

void tmap_fill(const struct tmap *t, uint32_t n)
{
	uint32_t i;

	for (i = 0; i < n; i++)
		check_ret(tmap_put(t, i, i), 0, "filling: key %u of %u", i, n);
}

int tmap_reopen(const struct tmap *t, uint32_t open_flags)
{
	int fd = map_get_fd_by_id(map_id(t->fd), open_flags);

	check_ret(fd, GOT_FD, "GET_FD_BY_ID open_flags %#x", open_flags);
	return fd;
}

uint32_t tmap_walk(const struct tmap *t, uint32_t max)
{
	struct buf key = buf_new(t->key_size);
	uint32_t n = 0;
	void *from = NULL;

	while (n < max && !map_next_key(t->fd, from, key.p)) {
		from = key.p;
		n++;
	}
	buf_free(&key);
	return n;
}

bool check_elem(const struct tmap *t, uint32_t n, int seed, const char *what)
{
	struct buf key = buf_new(t->key_size), value = buf_new(t->vs);
	uint8_t *want = malloc(t->vs);
	bool ok;
	int ret;

	tmap_key(t, n, key.p);
	ret = map_lookup(t->fd, key.p, value.p, 0);
	ok = check_ret(ret, seed < 0 ? -ENOENT : 0, "%s: LOOKUP of key %u", what,
		       n);
	if (ok && seed < 0) {
		ok = check_untouched(&value, what);
	} else if (ok) {
		tmap_value(t, seed, want);
		ok = check_buf(&value, want, t->vs, what);
	}
	free(want);
	buf_free(&key);
	buf_free(&value);
	return ok;
}

struct snap tmap_snap(const struct tmap *t, uint32_t n)
{
	struct snap s = { .len = n * (t->vs + 2) + sizeof(uint32_t) };
	struct buf key = buf_new(t->key_size);
	uint32_t i, keys;
	uint8_t *p;

	s.p = malloc(s.len);
	memset(s.p, 0, s.len);
	keys = tmap_walk(t, t->max_entries + 2);
	memcpy(s.p, &keys, sizeof(keys));
	for (i = 0, p = s.p + sizeof(keys); i < n; i++, p += t->vs + 2) {
		int16_t ret;

		tmap_key(t, i, key.p);
		ret = map_lookup(t->fd, key.p, p + 2, 0);
		memcpy(p, &ret, sizeof(ret));
	}
	buf_free(&key);
	return s;
}

bool check_unchanged(const struct tmap *t, uint32_t n, struct snap *old)
{
	struct snap now = tmap_snap(t, n);
	bool ok = check_mem(now.p, old->p, now.len, "content unchanged");

	free(now.p);
	free(old->p);
	old->p = NULL;
	return ok;
}

int map_batch(int cmd, int fd, struct batch *b)
{
	union attr a = { .batch = {
		.in_batch = PTR(b->in),
		.out_batch = PTR(b->out),
		.keys = PTR(b->keys),
		.values = PTR(b->values),
		.count = b->count,
		.map_fd = fd,
		.elem_flags = b->elem_flags,
		.flags = b->flags,
	} };
	int ret = sys_map(cmd, &a, sizeof(a));

	b->count = a.batch.count;
	return ret;
}
