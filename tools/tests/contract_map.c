// SPDX-License-Identifier: GPL-2.0-only
/*
 * contract_map - see contract.h
 */
#include "contract.h"

bool huge_is_safe(void)
{
	return (uint64_t)sysconf(_SC_PHYS_PAGES) * page <= 4ULL << 30;
}

int lowest_fd(void)
{
	int fd = dup(0);

	close(fd);
	return fd;
}

int created(const struct bpfmap_create_attr *create, int want)
{
	union attr a = { .create = *create };
	int before = lowest_fd();
	int fd = sys_map(BPFMAP_CMD_MAP_CREATE, &a, sizeof(a));

	check_ret(fd, want, "MAP_CREATE");
	check_mem(&a.create, create, sizeof(*create), "the caller's attr");
	if (fd >= 0) {
		check_num(fd, before, "lowest free descriptor");
		return fd;
	}
	check_num(lowest_fd(), before, "no descriptor leaked");
	return -1;
}

static void check_mode(int fd, uint32_t flags)
{
	int mode = flags & BPFMAP_F_RDONLY ? O_RDONLY :
		   flags & BPFMAP_F_WRONLY ? O_WRONLY : O_RDWR;

	check_num(fcntl(fd, F_GETFL) & O_ACCMODE, mode, "open mode");
	check_num(fcntl(fd, F_GETFD), FD_CLOEXEC, "close on exec");
}

void check_info(int fd, const struct bpfmap_create_attr *a, const char *name)
{
	struct bpfmap_info info, want = {
		.type = a->map_type,
		.key_size = a->key_size,
		.value_size = a->value_size,
		.max_entries = a->max_entries,
		.map_flags = a->map_flags & ~(BPFMAP_F_RDONLY | BPFMAP_F_WRONLY),
		.map_extra = a->map_extra,
	};

	/* [create.lru]: as many for each CPU */
	if (a->map_flags & BPFMAP_F_NO_COMMON_LRU)
		want.max_entries = ROUND_UP(want.max_entries, n_cpus());
	strcpy(want.name, name);
	check_ret(map_info(fd, &info), 0, "OBJ_GET_INFO_BY_FD");
	check(info.id >= 1 && info.id <= 0x7ffffffe, "id %u", info.id);
	want.id = info.id;
	check_mem(&info, &want, sizeof(info), "info");
}

void check_create(const struct bpfmap_create_attr *a, int want,
		  const char *name)
{
	int fd = created(a, want);

	if (fd < 0)
		return;
	check_mode(fd, a->map_flags);
	check_info(fd, a, name);
	close(fd);
}

void check_creates(const char *section, const struct kind *k,
		   const struct create_case *cases, size_t n)
{
	const struct create_case *c;

	for (c = cases; c < cases + n; c++) {
		struct bpfmap_create_attr a = c->a;

		if (c->newer && !since(7, 3))
			continue;
		row(section, "%s: MAP_CREATE, %s", k->name, c->name);
		a.map_type = k->type;
		a.map_flags ^= k->flags;
		check_create(&a, c->want, "");
	}
}

void check_create_flags(const char *section, const struct kind *k,
			struct bpfmap_create_attr good, uint32_t accepted)
{
	static const struct { const char *name; uint32_t flags; } pairs[] = {
		{ "RDONLY|WRONLY", BPFMAP_F_RDONLY | BPFMAP_F_WRONLY },
		{ "both _PROG", BPFMAP_F_RDONLY_PROG | BPFMAP_F_WRONLY_PROG },
	};
	unsigned int bit, i;

	good.map_type = k->type;
	for (bit = 0; bit < 32; bit++) {
		struct bpfmap_create_attr a = good;

		/* An error of its own, before the type's; or there already */
		if (1U << bit == BPFMAP_F_TOKEN_FD || k->flags & 1U << bit)
			continue;
		row(section, "%s: MAP_CREATE, flag 1 << %u", k->name, bit);
		a.map_flags = k->flags | 1U << bit;
		check_create(&a, accepted & 1U << bit ? GOT_FD : -EINVAL, "");
	}
	for (i = 0; i < ARRAY_SIZE(pairs); i++) {
		row(section, "%s: MAP_CREATE, %s", k->name, pairs[i].name);
		good.map_flags = k->flags | pairs[i].flags;
		created(&good, -EINVAL);
	}
}

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
	put_number(key, n, head);
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

void ordered_new(struct ordered *o, const struct kind *k, uint32_t n)
{
	struct batch b;

	memset(o, 0, sizeof(*o));
	o->n = n;
	o->t = tmap_new(k, 4, 12, n);
	o->out = buf_new(4);
	o->keys = buf_new((n + 1) * 4);
	o->values = buf_new((n + 1) * o->t.vs);
	tmap_fill(&o->t, n);
	b = ordered_batch(o);
	check_ret(map_batch(LB, o->t.fd, &b), -ENOENT, "finding the order");
	check_num(b.count, n, "finding the order: count");
	memcpy(o->order, o->keys.p, 4 * n);
}

void ordered_free(struct ordered *o)
{
	buf_free(&o->out);
	buf_free(&o->keys);
	buf_free(&o->values);
	tmap_close(&o->t);
}

struct batch ordered_batch(struct ordered *o)
{
	buf_fill(&o->out);
	buf_fill(&o->keys);
	buf_fill(&o->values);
	return (struct batch){ .out = o->out.p, .keys = o->keys.p,
			       .values = o->values.p, .count = o->n };
}

bool check_ordered(const struct ordered *o, uint32_t first, uint32_t n,
		   const uint8_t *keys, const uint8_t *values)
{
	uint8_t *want = malloc(o->t.vs);
	bool ok = true;
	uint32_t i;

	for (i = 0; i < n && ok; i++) {
		tmap_value(&o->t, o->order[first + i], want);
		ok &= check_mem(keys + 4 * i, &o->order[first + i], 4, "key %u", i);
		ok &= check_mem(values + o->t.vs * i, want, o->t.vs, "value %u", i);
	}
	free(want);
	return ok;
}

void check_received(const struct ordered *o, uint32_t first, uint32_t n)
{
	if (!check_ordered(o, first, n, o->keys.p, o->values.p))
		return;
	check_buf(&o->keys, o->keys.p, 4 * n, "keys");
	check_buf(&o->values, o->values.p, o->t.vs * n, "values");
}

void check_gone(const struct ordered *o, uint32_t first, uint32_t end)
{
	uint32_t i;

	for (i = 0; i < o->n; i++)
		check_elem(&o->t, o->order[i], i >= first && i < end ?
			   -1 : (int)o->order[i], "gone");
	check_num(tmap_walk(&o->t, o->n + 1), o->n - (end - first),
		  "elements left");
}
