// SPDX-License-Identifier: GPL-2.0-only
/*
 * A file with the bytes of a mapped hash 8/8, made without the module
 *
 * On a machine with one CPU the module puts the n-th key into element n, at the
 * head of its chain. "bpfmap-view-bench --verify" compares the two byte by byte.
 */
#define _GNU_SOURCE
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "view.h"

static uint32_t buckets(uint32_t n)
{
	uint32_t nr = 1;

	while (nr < n)
		nr *= 2;
	return nr;
}

static uint64_t page_align(uint64_t n)
{
	uint64_t page = sysconf(_SC_PAGESIZE);

	return (n + page - 1) / page * page;
}

static struct bpfmap_view_header header(uint32_t n, const uint64_t state[4])
{
	uint64_t page = sysconf(_SC_PAGESIZE);
	struct bpfmap_view_header h = {
		.magic = BPFMAP_VIEW_MAGIC,
		.version = BPFMAP_VIEW_VERSION,
		.header_size = sizeof(h),
		.map_type = BPFMAP_TYPE_HASH,
		.key_size = 8,
		.value_size = 8,
		.nr_elems = n,
		.nr_ready = n,
		.heads_off = page,
		.elem_size = sizeof(struct elem),
		.mask = buckets(n) - 1,
		.next_off = offsetof(struct elem, next),
		.seq_off = offsetof(struct elem, seq),
		.hash_off = offsetof(struct elem, hash),
		.key_off = offsetof(struct elem, key),
		.value_off = offsetof(struct elem, value),
	};

	h.elems_off = page + page_align(4ULL * buckets(n));
	h.size = h.elems_off + page_align((uint64_t)n * sizeof(struct elem));
	memcpy(h.hash_state, state, sizeof(h.hash_state));
	return h;
}

static void fill(unsigned char *image, uint32_t n, uint32_t (*hash)(uint64_t))
{
	const struct bpfmap_view_header *h = (const void *)image;
	struct elem *elems = (void *)(image + h->elems_off);
	uint32_t *heads = (void *)(image + h->heads_off);
	struct bpfmap_view v = { .mask = h->mask };
	uint32_t i, hashed;

	memcpy(v.hash_state, h->hash_state, sizeof(v.hash_state));
	for (i = 0; i <= h->mask; i++)
		heads[i] = BPFMAP_VIEW_END | i;
	for (i = 0; i < n; i++) {
		uint64_t key = key_of(i);

		hashed = hash ? hash(key) : __bpfmap_view_hash(&v, &key, 8);
		elems[i] = (struct elem){
			.next_free = i + 1 < n ? i + 1 : UINT32_MAX,
			.next = heads[hashed & h->mask],
			.seq = 2,
			.hash = hashed,
			.key = key,
			.value = value_of(key),
		};
		heads[hashed & h->mask] = i;
	}
}

/* A descriptor of the file, or -1; @hash NULL: the module's, with this state */
int image_new(uint32_t n, const uint64_t state[4], uint32_t (*hash)(uint64_t))
{
	struct bpfmap_view_header h = header(n, state);
	int fd = memfd_create("view", MFD_CLOEXEC);
	unsigned char *image;

	if (fd < 0 || ftruncate(fd, h.size))
		return -1;
	image = mmap(NULL, h.size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (image == MAP_FAILED)
		return -1;
	memcpy(image, &h, sizeof(h));
	fill(image, n, hash);
	munmap(image, h.size);
	return fd;
}
