// SPDX-License-Identifier: GPL-2.0-only
/*
 * held - pages of a map that user space holds although it has unmapped them:
 * after a MAP_FREEZE that returned 0 nothing may be written through them
 *
 * HELD_ROUNDS: how often FREEZE is tried beside readers that map and unmap (300)
 */
#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <linux/io_uring.h>
#include <linux/userfaultfd.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/uio.h>

#include "load.h"

#define PAGE 4096
#define OLD 0x11
#define NEW 0x22

/* One page of each type that can be mapped, which user space may write to */
static const struct shape {
	const char *name;
	struct bpfmap_create_attr create;
	off_t offset;
} shapes[] = {
	{ "array", { .map_type = BPFMAP_TYPE_ARRAY, .key_size = 4,
		     .value_size = 8, .max_entries = 3 * PAGE / 8,
		     .map_flags = BPFMAP_F_MMAPABLE }, PAGE },
	{ "ringbuf", { .map_type = BPFMAP_TYPE_RINGBUF, .max_entries = PAGE },
	  BPFMAP_RINGBUF_CONSUMER_PAGE * PAGE },
	{ "user_ringbuf, data", { .map_type = BPFMAP_TYPE_USER_RINGBUF,
				  .max_entries = PAGE },
	  BPFMAP_RINGBUF_DATA_PAGE * PAGE },
#if HAS_ARENA
	{ "arena", { .map_type = BPFMAP_TYPE_ARENA, .max_entries = 1,
		     .map_flags = BPFMAP_F_MMAPABLE }, 0 },
#endif
};

static int map_of(const struct shape *shape)
{
	int fd = map_create_attr(&shape->create);

	need(fd >= 0);
	return fd;
}

/* The page, at @at if that is not NULL: where an arena was, it must be again */
static uint8_t *map_page(int fd, const struct shape *shape, void *at, int prot)
{
	uint8_t *p = mmap(at, PAGE, prot, MAP_SHARED | (at ? MAP_FIXED : 0), fd,
			  shape->offset);

	need(p != MAP_FAILED);
	return p;
}

/* ------------------------------------------------------------------------- */
/* A write under way: its source is a page that is not there yet */

struct writer {
	pthread_t thread;
	int uffd;
	uint8_t *source;
	void *to;
	ssize_t written;
};

static void *write_page(void *arg)
{
	struct writer *w = arg;
	struct iovec local = { w->source, PAGE }, remote = { w->to, PAGE };

	w->written = syscall(SYS_process_vm_writev, getpid(), &local, 1,
			     &remote, 1, 0);
	return NULL;
}

/* False if this kernel lacks what is needed. After true the page is pinned */
static bool writer_begin(struct writer *w, void *to)
{
	struct uffdio_api api = { .api = UFFD_API };
	struct uffdio_register reg = { .mode = UFFDIO_REGISTER_MODE_MISSING };
	struct uffd_msg msg;
	struct pollfd p;

	w->to = to;
	w->uffd = syscall(SYS_userfaultfd, O_CLOEXEC);
	if (w->uffd < 0 || ioctl(w->uffd, UFFDIO_API, &api)) {
		skipped("no userfaultfd(): %s", strerror(errno));
		return false;
	}
	w->source = mmap(NULL, PAGE, PROT_READ | PROT_WRITE,
			 MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	need(w->source != MAP_FAILED);
	reg.range.start = PTR(w->source);
	reg.range.len = PAGE;
	need(!ioctl(w->uffd, UFFDIO_REGISTER, &reg));
	need(!pthread_create(&w->thread, NULL, write_page, w));

	/* It first gets the pages to write to, and then looks at its source */
	p = (struct pollfd){ .fd = w->uffd, .events = POLLIN };
	need(poll(&p, 1, 60000) == 1);
	need(read(w->uffd, &msg, sizeof(msg)) == sizeof(msg));
	expect_eq(msg.event, UFFD_EVENT_PAGEFAULT);
	return true;
}

static void writer_end(struct writer *w)
{
	static uint8_t page[PAGE] __attribute__((aligned(PAGE)));
	struct uffdio_copy copy = { .dst = PTR(w->source), .src = PTR(page),
				    .len = PAGE };

	memset(page, NEW, PAGE);
	need(!ioctl(w->uffd, UFFDIO_COPY, &copy));
	pthread_join(w->thread, NULL);
	expect_eq(w->written, PAGE);
	munmap(w->source, PAGE);
	close(w->uffd);
}

static void write_to(const struct shape *shape)
{
	int fd = map_of(shape), ret;
	uint8_t *at = map_page(fd, shape, NULL, PROT_READ | PROT_WRITE);
	struct writer w;

	row("freeze.held", "%s: a write under way", shape->name);
	memset(at, OLD, PAGE);
	expect_eq(map_freeze(fd), -EBUSY);
	if (!writer_begin(&w, at)) {
		close(fd);
		return;
	}
	munmap(at, PAGE);
	ret = map_freeze(fd);
	check_ret(ret, -EBUSY, "FREEZE without a mapping");
	/* A reader's mapping is no holder, and does not hide one */
	at = map_page(fd, shape, at, PROT_READ);
	expect_eq(at[0], OLD);
	if (ret)
		check_ret(map_freeze(fd), -EBUSY, "FREEZE with a reader");
	writer_end(&w);
	check_num(at[0], ret ? NEW : OLD, "content after FREEZE was %d", ret);
	if (ret)
		check_ret(map_freeze(fd), 0, "FREEZE after the write");
	munmap(at, PAGE);
	close(fd);
}

TEST(write_under_way, 0)
{
	size_t i;

	for (i = 0; i < ARRAY_SIZE(shapes); i++)
		write_to(&shapes[i]);
}

/* ------------------------------------------------------------------------- */
/* Buffers of io_uring */

static bool register_page(int ring, void *page, const char *name)
{
	struct iovec buffer = { page, PAGE };

	if (!syscall(SYS_io_uring_register, ring, IORING_REGISTER_BUFFERS,
		     &buffer, 1))
		return true;
	/* Up to 6.4 of shared memory and huge pages only */
	expect_eq(errno, EOPNOTSUPP);
	skipped("%s: no buffers in files: %s", name, strerror(errno));
	return false;
}

TEST(registered_buffer, 0)
{
	struct io_uring_params params = { 0 };
	int ring = syscall(SYS_io_uring_setup, 1, &params), fd;
	size_t i;

	if (ring < 0) {
		skipped("no io_uring: %s", strerror(errno));
		return;
	}
	for (i = 0; i < ARRAY_SIZE(shapes); i++) {
		uint8_t *at;

		row("freeze.held", "%s: a registered buffer", shapes[i].name);
		fd = map_of(&shapes[i]);
		at = map_page(fd, &shapes[i], NULL, PROT_READ | PROT_WRITE);
		at[0] = OLD;
		if (register_page(ring, at, shapes[i].name)) {
			munmap(at, PAGE);
			check_ret(map_freeze(fd), -EBUSY, "FREEZE");
			expect_eq(syscall(SYS_io_uring_register, ring,
					  IORING_UNREGISTER_BUFFERS, NULL, 0), 0);
		} else {
			munmap(at, PAGE);
		}
		check_ret(map_freeze(fd), 0, "FREEZE without it");
		close(fd);
	}
}

/* ------------------------------------------------------------------------- */
/* Readers */

/* What only reads holds pages, too: it is told from a writer by history alone */
TEST(held_by_reader, 0)
{
	const struct shape *array = &shapes[0];
	int fd, i, pipes[2];
	char c[8];

	for (i = 0; i < 2; i++) {
		struct iovec v;
		uint8_t *at;

		fd = map_of(array);
		row("freeze.held", "a page in a pipe, %s mapped writable",
		    i ? "once" : "never");
		if (i)
			munmap(map_page(fd, array, NULL, PROT_READ | PROT_WRITE),
			       PAGE);
		at = map_page(fd, array, NULL, PROT_READ);
		v = (struct iovec){ at, sizeof(c) };
		need(!pipe2(pipes, O_CLOEXEC));
		expect_eq(vmsplice(pipes[1], &v, 1, 0), sizeof(c));
		munmap(at, PAGE);
		if (i) {
			check_ret(map_freeze(fd), -EBUSY, "FREEZE");
			expect_eq(read(pipes[0], c, sizeof(c)), sizeof(c));
		}
		check_ret(map_freeze(fd), 0, "FREEZE of what nobody writes");
		close(pipes[0]);
		close(pipes[1]);
		close(fd);
	}
}

#define READERS 3

static struct {
	int fd;
	atomic_bool stop;
	atomic_ulong faults;
} readers;

/* Maps, touches and gives up the page, over and over */
static void *read_pages(void *arg)
{
	volatile uint8_t *at = mmap(NULL, PAGE, PROT_READ, MAP_SHARED,
				    readers.fd, PAGE);

	(void)arg;
	must(at != MAP_FAILED);
	while (!atomic_load(&readers.stop)) {
		(void)at[0];
		madvise((void *)at, PAGE, MADV_DONTNEED);
		atomic_fetch_add(&readers.faults, 1);
	}
	munmap((void *)at, PAGE);
	return NULL;
}

/* Mappings come and go while pages are looked at: none of it hides a holder */
TEST(beside_readers, 0)
{
	unsigned long n = load_env("HELD_ROUNDS", 300), i, end;
	const struct shape *array = &shapes[0];
	pthread_t threads[READERS];
	struct writer w;
	uint8_t *at;
	int ret;

	row("freeze.held", "beside readers");
	readers.fd = map_of(array);
	at = map_page(readers.fd, array, NULL, PROT_READ | PROT_WRITE);
	at[0] = OLD;
	if (!writer_begin(&w, at)) {
		close(readers.fd);
		return;
	}
	munmap(at, PAGE);
	for (i = 0; i < READERS; i++)
		need(!pthread_create(&threads[i], NULL, read_pages, NULL));
	end = load_ms() + LOAD_PATIENCE;
	for (i = 0; i < n && load_ms() < end; i++)
		if (!check_ret(map_freeze(readers.fd), -EBUSY, "FREEZE %lu", i))
			break;
	printf("# %lu times EBUSY beside %lu faults\n", i,
	       atomic_load(&readers.faults));
	writer_end(&w);

	/* Readers alone may be taken for holders, but not for long */
	end = load_ms() + LOAD_PATIENCE;
	for (i = 1; (ret = map_freeze(readers.fd)) == -EBUSY; i++)
		if (load_ms() > end)
			break;
	check_ret(ret, 0, "FREEZE without the holder, try %lu", i);
	printf("# frozen at try %lu\n", i);
	atomic_store(&readers.stop, true);
	for (i = 0; i < READERS; i++)
		pthread_join(threads[i], NULL);
	close(readers.fd);
}

int main(void)
{
	if (backend() == BACKEND_BPF)
		return skip_all("bpf(2) counts mappings only");
	return run_tests();
}
