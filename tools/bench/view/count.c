// SPDX-License-Identifier: GPL-2.0-only
/*
 * Instructions of look-ups in a view, and of writers with and without one
 */
#define _GNU_SOURCE
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>
#include <linux/bpf.h>

#include "view.h"

#define MANY 64
#define ROUNDS_MAX 64

struct target {
	struct bpfmap_view *v;
	int fd, bpf;
	uint32_t n;
	uint64_t sum;	/* of values, so that nothing is left out */
};

typedef void (*op_fn)(struct target *t, uint64_t key);

static void op_nothing(struct target *t, uint64_t key)
{
	t->sum += key;
}

static void op_fixed(struct target *t, uint64_t key)
{
	uint64_t value;

	if (!bpfmap_view_lookup_fixed(t->v, &key, 8, &value, 8))
		t->sum += value;
}

static void op_view(struct target *t, uint64_t key)
{
	uint64_t value;

	if (!bpfmap_view_lookup(t->v, &key, &value))
		t->sum += value;
}

static void op_hash(struct target *t, uint64_t key)
{
	t->sum += __bpfmap_view_hash(t->v, &key, 8);
}

static void op_ioctl(struct target *t, uint64_t key)
{
	uint64_t value;

	if (!bpfmap_lookup_elem(t->fd, &key, &value))
		t->sum += value;
}

static void op_bpf(struct target *t, uint64_t key)
{
	uint64_t value;
	union bpf_attr attr = {
		.map_fd = t->bpf,
		.key = (uintptr_t)&key,
		.value = (uintptr_t)&value,
	};

	if (!syscall(SYS_bpf, BPF_MAP_LOOKUP_ELEM, &attr, sizeof(attr)))
		t->sum += value;
}

static void op_update(struct target *t, uint64_t key)
{
	uint64_t value = value_of(key);

	bpfmap_update_elem(t->fd, &key, &value, 0);
}

static void op_delete(struct target *t, uint64_t key)
{
	bpfmap_delete_elem(t->fd, &key);
}

/* Inlined: an operation on each of @n keys from key @first on */
static inline __attribute__((always_inline)) uint64_t
run(struct target *t, op_fn op, uint32_t first)
{
	uint64_t start = now();
	uint32_t i;

	for (i = 0; i < t->n; i++)
		op(t, key_of(first + i));
	return (now() - start) * 10 / t->n;
}

/* Tenths of instructions of an operation; the loop is subtracted by the caller */
#define MEASURE(t, op, first, rounds) ({				\
	uint64_t samples_[ROUNDS_MAX];					\
	uint32_t round_;						\
									\
	run(t, op, first);						\
	for (round_ = 0; round_ < (rounds); round_++)			\
		samples_[round_] = run(t, op, first);			\
	median(samples_, rounds);					\
})

static uint64_t many(struct target *t, uint32_t first)
{
	uint64_t keys[MANY], values[MANY], start, all = 0;
	int32_t results[MANY];
	uint32_t i, at;

	for (at = 0; at + MANY <= t->n; at += MANY) {
		for (i = 0; i < MANY; i++)
			keys[i] = key_of(first + at + i);
		start = now();
		t->sum += bpfmap_view_lookup_many(t->v, keys, values, results,
						  MANY);
		all += now() - start;
	}
	return all * 10 / at;
}

static void say(const char *what, uint64_t tenths)
{
	printf("%-36s %5lu.%lu\n", what, (unsigned long)tenths / 10,
	       (unsigned long)tenths % 10);
}

static int create(uint32_t type, uint32_t n, uint32_t flags)
{
	BPFMAP_OPTS(bpfmap_create_opts, opts, .map_flags = flags);

	return bpfmap_create(type, NULL, 8, 8, n, &opts);
}

static int create_bpf(uint32_t n)
{
	union bpf_attr attr = {
		.map_type = BPF_MAP_TYPE_HASH, .key_size = 8, .value_size = 8,
		.max_entries = n,
	};

	return syscall(SYS_bpf, BPF_MAP_CREATE, &attr, sizeof(attr));
}

static void fill(struct target *t)
{
	uint32_t i;

	for (i = 0; i < t->n; i++) {
		uint64_t key = key_of(i), value = value_of(key);
		union bpf_attr attr = {
			.map_fd = t->bpf,
			.key = (uintptr_t)&key,
			.value = (uintptr_t)&value,
		};

		bpfmap_update_elem(t->fd, &key, &value, 0);
		if (t->bpf >= 0)
			syscall(SYS_bpf, BPF_MAP_UPDATE_ELEM, &attr,
				sizeof(attr));
	}
}

static int open_target(struct target *t, uint32_t type, uint32_t n,
		       uint32_t flags)
{
	*t = (struct target){ .n = n, .fd = create(type, n, flags), .bpf = -1 };
	if (t->fd < 0) {
		perror("MAP_CREATE");
		return 1;
	}
	if (!(flags & BPFMAP_F_VIEW))
		return 0;
	t->v = bpfmap_view_open(t->fd, NULL);
	if (!t->v)
		perror("bpfmap_view_open");
	return !t->v;
}

static void count_lookups(struct target *t, uint32_t rounds)
{
	uint64_t loop = MEASURE(t, op_nothing, 0, rounds);

	say("fixed sizes, hit", MEASURE(t, op_fixed, 0, rounds) - loop);
	say("fixed sizes, miss", MEASURE(t, op_fixed, t->n, rounds) - loop);
	say("  of which the hash function",
	    MEASURE(t, op_hash, 0, rounds) - loop);
	say("bpfmap_view_lookup, hit", MEASURE(t, op_view, 0, rounds) - loop);
	say("bpfmap_view_lookup, miss",
	    MEASURE(t, op_view, t->n, rounds) - loop);
	many(t, 0);
	say("bpfmap_view_lookup_many, hit", many(t, 0));
	say("bpfmap_view_lookup_many, miss", many(t, t->n));
	say("LOOKUP_ELEM by ioctl, hit", MEASURE(t, op_ioctl, 0, rounds) - loop);
	if (t->bpf >= 0)
		say("bpf(2), hit", MEASURE(t, op_bpf, 0, rounds) - loop);
}

/* Insert, replace, delete, in turn */
static void writes(struct target *t, uint32_t rounds, uint64_t cost[3])
{
	uint64_t samples[3][ROUNDS_MAX];
	uint32_t i;

	for (i = 0; i <= rounds; i++) {
		uint32_t at = i ? i - 1 : 0;

		samples[0][at] = run(t, op_update, 0);
		samples[1][at] = run(t, op_update, 0);
		samples[2][at] = run(t, op_delete, 0);
	}
	for (i = 0; i < 3; i++)
		cost[i] = median(samples[i], rounds);
}

static int count_writes(const char *name, uint32_t type, uint32_t n,
			uint32_t flags, uint32_t rounds)
{
	static const char *const ops[] = { "insert", "update", "delete" };
	uint64_t with[3], without[3];
	struct target t;
	int i;

	if (open_target(&t, type, n, flags))
		return 1;
	writes(&t, rounds, without);
	close(t.fd);
	if (open_target(&t, type, n, flags | BPFMAP_F_VIEW))
		return 1;
	writes(&t, rounds, with);
	close(t.fd);
	bpfmap_view_close(t.v);
	for (i = 0; i < 3; i++)
		printf("%-22s %-8s %7.1f %7.1f %6.3f\n", name, ops[i],
		       without[i] / 10.0, with[i] / 10.0,
		       (double)with[i] / without[i]);
	return 0;
}

int count_all(uint32_t n, uint32_t rounds)
{
	struct target t;
	int err;

	if (rounds > ROUNDS_MAX)
		rounds = ROUNDS_MAX;
	if (open_target(&t, BPFMAP_TYPE_HASH, n, BPFMAP_F_VIEW))
		return 1;
	t.bpf = create_bpf(n);
	fill(&t);
	printf("hash 8/8, %u elements, instructions of a look-up\n", n);
	count_lookups(&t, rounds);
	printf("(sum %lu)\n", (unsigned long)t.sum);
	printf("\nwriter                 op       without    with  ratio\n");
	err = count_writes("hash 8/8", BPFMAP_TYPE_HASH, n, 0, rounds);
	err = err ?: count_writes("hash 8/8 no_prealloc", BPFMAP_TYPE_HASH, n,
				  BPFMAP_F_NO_PREALLOC, rounds);
	return err ?: count_writes("lru_hash 8/8", BPFMAP_TYPE_LRU_HASH, n, 0,
				   rounds);
}

int verify_image(uint32_t n)
{
	struct target t;
	uint64_t i, size, differ = 0;
	const unsigned char *image;
	int fd;

	if (open_target(&t, BPFMAP_TYPE_HASH, n, BPFMAP_F_VIEW))
		return 1;
	fill(&t);
	fd = image_new(n, (const uint64_t *)t.v->header->hash_state, NULL);
	size = t.v->header->size;
	image = fd < 0 ? MAP_FAILED :
			 mmap(NULL, size, PROT_READ, MAP_SHARED, fd, 0);
	if (image == MAP_FAILED) {
		perror("image");
		return 1;
	}
	for (i = 0; i < size; i++)
		differ += image[i] != ((const unsigned char *)t.v->header)[i];
	printf("%lu of %lu bytes differ\n", (unsigned long)differ,
	       (unsigned long)size);
	return differ != 0;
}
