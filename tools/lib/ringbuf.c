// SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause
/*
 * Consumers of ring buffers, and producers for the kernel: libbpf's classes.
 * The layout that they map is described in <linux/bpfmap.h>.
 *
 * A position or length in shared memory may be anything: all processes that have
 * the map open can write to the part that user space writes. Values that no
 * ring can have are -EBADMSG.
 */
#include <limits.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#include "internal.h"
#include "ring.h"

#define LEN_FLAGS (BPFMAP_RINGBUF_BUSY_BIT | BPFMAP_RINGBUF_DISCARD_BIT)

/* A record: what is in it, and its bytes in the ring */
struct record {
	void *sample;
	__u32 len;	/* with flags */
	size_t size;
};

struct bpfmap_ring_buffer {
	struct epoll_event *events;
	struct bpfmap_ring **rings;
	int nr_rings;
	int epoll_fd;
};

struct bpfmap_user_ring_buffer {
	struct bpfmap_ring ring;
	int epoll_fd;
};

struct ring_hdr {
	__u32 len;
	__u32 pad;
};

static size_t record_size(__u32 len)
{
	return (((size_t)len & ~LEN_FLAGS) + sizeof(struct ring_hdr) + 7) / 8 * 8;
}

static struct ring_hdr *hdr_at(const struct bpfmap_ring *r, __u64 pos)
{
	return (void *)((char *)r->data + (pos & (r->size - 1)));
}

static int epoll_add(int epoll_fd, int map_fd, uint32_t events, int index)
{
	struct epoll_event event = { .events = events, .data.fd = index };

	return epoll_ctl(epoll_fd, EPOLL_CTL_ADD, map_fd, &event) ? -errno : 0;
}

/* --- the mapping --- */

static void ring_unmap(struct bpfmap_ring *r)
{
	size_t page = getpagesize();

	if (r->consumer_pos)
		munmap(r->consumer_pos, page);
	if (r->producer_pos)
		munmap(r->producer_pos, page + 2 * r->size);
}

/* What user space writes is the one or the other part; errno negative */
static int ring_map(struct bpfmap_ring *r, int map_fd, enum bpfmap_type type)
{
	const int rw = PROT_READ | PROT_WRITE;
	bool consumer = type == BPFMAP_TYPE_RINGBUF;
	size_t page = getpagesize();
	struct bpfmap_info info;
	__u32 len = sizeof(info);
	__u64 size;
	void *p;

	memset(&info, 0, sizeof(info));
	if (bpfmap_get_info_by_fd(map_fd, &info, &len))
		return -errno;
	if (info.type != type)
		return -EINVAL;
	r->map_fd = map_fd;
	r->narrow = kernel_is_narrow();
	r->size = info.max_entries;
	r->overwrite = info.map_flags & BPFMAP_F_RB_OVERWRITE;
	size = page + 2 * (__u64)info.max_entries;
	if (size != (size_t)size)
		return -E2BIG;

	p = mmap(NULL, page, consumer ? rw : PROT_READ, MAP_SHARED, map_fd, 0);
	if (p == MAP_FAILED)
		return -errno;
	r->consumer_pos = p;
	p = mmap(NULL, size, consumer ? PROT_READ : rw, MAP_SHARED, map_fd,
		 page);
	if (p == MAP_FAILED)
		return -errno;
	r->producer_pos = p;
	r->data = (char *)p + page;
	return 0;
}

/* --- consumer --- */

static void ring_free(struct bpfmap_ring *r)
{
	ring_unmap(r);
	free(r->copy);
	free(r);
}

int bpfmap_ring_buffer_add(struct bpfmap_ring_buffer *rb, int map_fd,
			   bpfmap_ring_buffer_sample_fn sample_cb, void *ctx)
{
	size_t n = rb->nr_rings + 1;
	struct bpfmap_ring *r;
	void *p;
	int err;

	/* Larger than needed if something fails below: no harm */
	p = realloc(rb->rings, n * sizeof(*rb->rings));
	if (!p)
		return fail(ENOMEM);
	rb->rings = p;
	p = realloc(rb->events, n * sizeof(*rb->events));
	if (!p)
		return fail(ENOMEM);
	rb->events = p;

	r = calloc(1, sizeof(*r));
	if (!r)
		return fail(ENOMEM);
	r->fn = sample_cb;
	r->ctx = ctx;
	err = ring_map(r, map_fd, BPFMAP_TYPE_RINGBUF);
	if (!err)
		err = epoll_add(rb->epoll_fd, map_fd, EPOLLIN, rb->nr_rings);
	if (err) {
		ring_free(r);
		return fail(-err);
	}
	rb->rings[rb->nr_rings++] = r;
	return 0;
}

struct bpfmap_ring_buffer *
bpfmap_ring_buffer_new(int map_fd, bpfmap_ring_buffer_sample_fn sample_cb,
		       void *ctx, const struct bpfmap_ring_buffer_opts *opts)
{
	struct bpfmap_ring_buffer *rb;
	int err;

	if (!OPTS_VALID(opts, bpfmap_ring_buffer_opts))
		return errno = EINVAL, NULL;
	rb = calloc(1, sizeof(*rb));
	if (!rb)
		return errno = ENOMEM, NULL;

	rb->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
	err = rb->epoll_fd < 0 ? -errno :
	      bpfmap_ring_buffer_add(rb, map_fd, sample_cb, ctx);
	if (err) {
		bpfmap_ring_buffer_free(rb);
		return errno = -err, NULL;
	}
	return rb;
}

void bpfmap_ring_buffer_free(struct bpfmap_ring_buffer *rb)
{
	int i;

	if (!rb)
		return;
	for (i = 0; i < rb->nr_rings; i++)
		ring_free(rb->rings[i]);
	if (rb->epoll_fd >= 0)
		close(rb->epoll_fd);
	free(rb->events);
	free(rb->rings);
	free(rb);
}

/* The record at @pos: 1, 0 if there is none that is complete, or -EBADMSG */
static int record_at(const struct bpfmap_ring *r, __u64 pos, struct record *rec)
{
	__u64 avail = distance(r, pos, producer_pos(r));
	struct ring_hdr *hdr = hdr_at(r, pos);

	if (!avail)
		return 0;
	if (avail > r->size || pos % 8)
		return -EBADMSG;
	/* Pairs with the kernel's exchange: the record is complete */
	rec->len = __atomic_load_n(&hdr->len, __ATOMIC_ACQUIRE);
	if (rec->len & BPFMAP_RINGBUF_BUSY_BIT)
		return 0;
	rec->size = record_size(rec->len);
	rec->sample = hdr + 1;
	return rec->size > avail ? -EBADMSG : 1;
}

static int copy_record(struct bpfmap_ring *r, struct record *rec)
{
	size_t need = rec->size;

	if (rec->len & BPFMAP_RINGBUF_DISCARD_BIT)
		return 1;
	if (need > r->room) {
		free(r->copy);
		r->copy = malloc(need);
		r->room = r->copy ? need : 0;
		if (!r->copy)
			return -ENOMEM;
	}
	memcpy(r->copy, rec->sample, rec->len);
	rec->sample = r->copy;
	return 1;
}

/* Go on behind what the producer has overwritten. Was there any of it? */
static bool skip_lost(struct bpfmap_ring *r, __u64 *pos)
{
	__u64 over;

	/* Pairs with smp_wmb() of the producer: what was read is older than this */
	__atomic_thread_fence(__ATOMIC_ACQUIRE);
	over = overwrite_pos(r);
	if (distance(r, *pos, over) <= 0)
		return false;
	r->lost += distance(r, *pos, over);
	*pos = over;
	store_release(r, r->consumer_pos, over);
	return true;
}

/*
 * The next record, in memory where it stays: 1; 0 if there is none before @end;
 * an errno. One that was overwritten while it was read may have looked like
 * anything.
 */
static int next_record(struct bpfmap_ring *r, __u64 *pos, __u64 end,
		       struct record *rec)
{
	int got;

	if (!r->overwrite)
		return record_at(r, *pos, rec);
	do {
		if (distance(r, *pos, end) <= 0)
			return 0;
		got = record_at(r, *pos, rec);
		if (got > 0)
			got = copy_record(r, rec);
	} while (skip_lost(r, pos));
	return got;
}

/*
 * At most @max samples; their number, or what the callback returned. A ring that
 * is overwritten is read no further than to where the producer is now, as it may
 * be the faster one.
 */
static int64_t ring_consume(struct bpfmap_ring *r, size_t max)
{
	__u64 end = producer_pos(r), pos = consumer_pos(r);
	struct record rec;
	int64_t n = 0;
	int err;

	if (distance(r, pos, end) < 0)
		return -EBADMSG;
	while ((size_t)n < max) {
		err = next_record(r, &pos, end, &rec);
		if (err <= 0)
			return err ? err : n;
		pos += rec.size;
		if (rec.len & BPFMAP_RINGBUF_DISCARD_BIT) {
			store_release(r, r->consumer_pos, pos);
			continue;
		}
		err = r->fn(r->ctx, rec.sample, rec.len);
		store_release(r, r->consumer_pos, pos);
		if (err < 0)
			return err;
		n++;
	}
	return n;
}

static int int_or_fail(int64_t n)
{
	if (n < 0)
		return fail(-n);
	return n > INT_MAX ? INT_MAX : n;
}

int bpfmap_ring_buffer_consume_n(struct bpfmap_ring_buffer *rb, size_t n)
{
	int64_t got, sum = 0;
	int i;

	for (i = 0; i < rb->nr_rings && n; i++) {
		got = ring_consume(rb->rings[i], n);
		if (got < 0)
			return fail(-got);
		sum += got;
		n -= got;
	}
	return int_or_fail(sum);
}

int bpfmap_ring_buffer_consume(struct bpfmap_ring_buffer *rb)
{
	int64_t got, sum = 0;
	int i;

	for (i = 0; i < rb->nr_rings; i++) {
		got = ring_consume(rb->rings[i], INT_MAX);
		if (got < 0)
			return fail(-got);
		sum += got;
	}
	return int_or_fail(sum);
}

int bpfmap_ring_buffer_poll(struct bpfmap_ring_buffer *rb, int timeout_ms)
{
	int64_t got, sum = 0;
	int i, n;

	n = epoll_wait(rb->epoll_fd, rb->events, rb->nr_rings, timeout_ms);
	if (n < 0)
		return -errno;
	for (i = 0; i < n; i++) {
		got = ring_consume(rb->rings[rb->events[i].data.fd], INT_MAX);
		if (got < 0)
			return fail(-got);
		sum += got;
	}
	return int_or_fail(sum);
}

int bpfmap_ring_buffer_epoll_fd(const struct bpfmap_ring_buffer *rb)
{
	return rb->epoll_fd;
}

struct bpfmap_ring *bpfmap_ring_buffer_ring(struct bpfmap_ring_buffer *rb,
					    unsigned int idx)
{
	if (idx >= (unsigned int)rb->nr_rings)
		return errno = ERANGE, NULL;
	return rb->rings[idx];
}

unsigned long bpfmap_ring_consumer_pos(const struct bpfmap_ring *r)
{
	return consumer_pos(r);
}

unsigned long bpfmap_ring_producer_pos(const struct bpfmap_ring *r)
{
	return producer_pos(r);
}

size_t bpfmap_ring_avail_data_size(const struct bpfmap_ring *r)
{
	__u64 from = consumer_pos(r), over;

	if (r->overwrite) {
		over = overwrite_pos(r);
		if (distance(r, from, over) > 0)
			from = over;
	}
	return distance(r, from, producer_pos(r));
}

__u64 bpfmap_ring_lost(const struct bpfmap_ring *r)
{
	return r->lost;
}

size_t bpfmap_ring_size(const struct bpfmap_ring *r)
{
	return r->size;
}

int bpfmap_ring_map_fd(const struct bpfmap_ring *r)
{
	return r->map_fd;
}

int bpfmap_ring_consume_n(struct bpfmap_ring *r, size_t n)
{
	return int_or_fail(ring_consume(r, n));
}

int bpfmap_ring_consume(struct bpfmap_ring *r)
{
	return bpfmap_ring_consume_n(r, INT_MAX);
}

/* --- producer --- */

struct bpfmap_user_ring_buffer *
bpfmap_user_ring_buffer_new(int map_fd,
			    const struct bpfmap_user_ring_buffer_opts *opts)
{
	struct bpfmap_user_ring_buffer *rb;
	int err;

	if (!OPTS_VALID(opts, bpfmap_user_ring_buffer_opts))
		return errno = EINVAL, NULL;
	rb = calloc(1, sizeof(*rb));
	if (!rb)
		return errno = ENOMEM, NULL;

	rb->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
	err = rb->epoll_fd < 0 ? -errno :
	      ring_map(&rb->ring, map_fd, BPFMAP_TYPE_USER_RINGBUF);
	if (!err)
		err = epoll_add(rb->epoll_fd, map_fd, EPOLLOUT, 0);
	if (err) {
		bpfmap_user_ring_buffer_free(rb);
		return errno = -err, NULL;
	}
	return rb;
}

void bpfmap_user_ring_buffer_free(struct bpfmap_user_ring_buffer *rb)
{
	if (!rb)
		return;
	ring_unmap(&rb->ring);
	if (rb->epoll_fd >= 0)
		close(rb->epoll_fd);
	free(rb);
}

void *bpfmap_user_ring_buffer_reserve(struct bpfmap_user_ring_buffer *rb,
				      __u32 size)
{
	struct bpfmap_ring *r = &rb->ring;
	__u64 consumer, producer, taken;
	struct ring_hdr *hdr;
	size_t need;

	if (size & LEN_FLAGS)
		return errno = E2BIG, NULL;
	/* Pairs with the kernel's store: it has read what was there */
	consumer = consumer_pos(r);
	producer = producer_pos(r);
	taken = distance(r, consumer, producer);
	need = record_size(size);
	if (need > r->size)
		return errno = E2BIG, NULL;
	if (taken > r->size || producer % 8)
		return errno = EBADMSG, NULL;
	if (r->size - taken < need)
		return errno = ENOSPC, NULL;

	hdr = hdr_at(r, producer);
	hdr->len = size | BPFMAP_RINGBUF_BUSY_BIT;
	hdr->pad = 0;
	/* Pairs with the kernel's load: it finds a header there */
	store_release(r, r->producer_pos, producer + need);
	return hdr_at(r, producer + sizeof(*hdr));
}

static long now_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec * 1000L + t.tv_nsec / 1000000;
}

void *
bpfmap_user_ring_buffer_reserve_blocking(struct bpfmap_user_ring_buffer *rb,
					 __u32 size, int timeout_ms)
{
	struct epoll_event event;
	long left = timeout_ms, end = 0;
	void *sample;

	if (timeout_ms < -1)
		return errno = EINVAL, NULL;
	if (timeout_ms >= 0)
		end = now_ms() + timeout_ms;

	/* The kernel wakes waiters when it has drained something */
	do {
		sample = bpfmap_user_ring_buffer_reserve(rb, size);
		if (sample || errno != ENOSPC)
			return sample;
		if (epoll_wait(rb->epoll_fd, &event, 1, left) < 0)
			return NULL;
		if (timeout_ms >= 0)
			left = end - now_ms();
	} while (timeout_ms < 0 || left > 0);

	return bpfmap_user_ring_buffer_reserve(rb, size);
}

static void commit(struct bpfmap_user_ring_buffer *rb, void *sample, __u32 flags)
{
	size_t at = (char *)sample - (char *)rb->ring.data;
	struct ring_hdr *hdr = hdr_at(&rb->ring, at - sizeof(*hdr));
	__u32 len = (hdr->len & ~BPFMAP_RINGBUF_BUSY_BIT) | flags;

	/* Pairs with the kernel's load: the record is complete */
	__atomic_exchange_n(&hdr->len, len, __ATOMIC_ACQ_REL);
}

void bpfmap_user_ring_buffer_submit(struct bpfmap_user_ring_buffer *rb,
				    void *sample)
{
	commit(rb, sample, 0);
}

void bpfmap_user_ring_buffer_discard(struct bpfmap_user_ring_buffer *rb,
				     void *sample)
{
	commit(rb, sample, BPFMAP_RINGBUF_DISCARD_BIT);
}
