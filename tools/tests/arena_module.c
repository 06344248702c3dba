// SPDX-License-Identifier: GPL-2.0-only
/*
 * arena_module - what user space sees of an arena while a module allocates and
 * frees its pages: needs the example module bpfmap_arena_list
 */
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/wait.h>

#include "../examples/module/arena_list.h"
#include "contract.h"

#define PAGES	16
#define RW	(PROT_READ | PROT_WRITE)
#define SECONDS	2

static int device;

struct arena {
	int fd;
	char *p;
};

static struct arena arena_new(uint32_t more_flags)
{
	struct arena a;

	a.fd = map_create(.map_type = BPFMAP_TYPE_ARENA, .max_entries = PAGES,
			  .map_flags = BPFMAP_F_MMAPABLE | more_flags);
	a.p = mmap(NULL, PAGES * page, RW, MAP_SHARED, a.fd, 0);
	check(a.fd >= 0 && a.p != MAP_FAILED, "arena: %d, %p", a.fd, a.p);
	return a;
}

static void arena_close(struct arena *a)
{
	munmap(a->p, PAGES * page);
	close(a->fd);
}

static int call(const struct arena *a, unsigned long cmd, uint32_t nr, void *at,
		uint64_t value, struct arena_list *list)
{
	*list = (struct arena_list){
		.map_fd = a->fd, .nr = nr, .at = PTR(at), .value = value,
	};
	return ioctl(device, cmd, list) ? -errno : 0;
}

static int free_pages(const struct arena *a, void *at, uint32_t nr)
{
	struct arena_list list;

	return call(a, ARENA_LIST_FREE, nr, at, 0, &list);
}

static sigjmp_buf caught;

static void on_signal(int sig)
{
	siglongjmp(caught, sig);
}

/* The byte, or -signal; for one thread at a time */
static int read_byte(volatile char *p)
{
	struct sigaction act = { .sa_handler = on_signal }, segv, bus;
	volatile int ret;

	sigaction(SIGSEGV, &act, &segv);
	sigaction(SIGBUS, &act, &bus);
	ret = -sigsetjmp(caught, 1);
	if (!ret)
		ret = *p;
	sigaction(SIGSEGV, &segv, NULL);
	sigaction(SIGBUS, &bus, NULL);
	return ret;
}

TEST(list, 0)
{
	struct arena a = arena_new(BPFMAP_F_SEGV_ON_FAULT);
	struct arena_node *n;
	struct arena_list l;
	int i = 0;

	row("arena.module", "a list of a module");
	check_ret(call(&a, ARENA_LIST_ADD, PAGES, NULL, 100, &l), 0, "ADD");
	for (n = (void *)(uintptr_t)l.at; n && i < PAGES; i++) {
		check_num(n->value, 100 + PAGES - 1 - i, "node %d", i);
		n = (void *)(uintptr_t)n->next;
	}
	check_num(i, PAGES, "nodes");
	n = (void *)(uintptr_t)l.at;
	n->value += 1000;
	check_ret(call(&a, ARENA_LIST_SUM, 0, n, 0, &l), 0, "SUM");
	check_num(l.value, 1000 + PAGES * 100 + PAGES * (PAGES - 1) / 2, "sum");
	check_ret(call(&a, ARENA_LIST_ADD, 1, NULL, 0, &l), -ENOSPC, "one more");

	row("arena.module", "a module looks at user space's pointers");
	n->next = PTR(n);
	check_ret(call(&a, ARENA_LIST_SUM, 0, n, 0, &l), -ELOOP, "circle");
	n->next = PTR(a.p) + PAGES * page;
	check_ret(call(&a, ARENA_LIST_SUM, 0, n, 0, &l), -EFAULT, "the end");
	n->next = PTR(&l);
	check_ret(call(&a, ARENA_LIST_SUM, 0, n, 0, &l), -EFAULT, "the stack");
	n->next = -16ULL;
	check_ret(call(&a, ARENA_LIST_SUM, 0, n, 0, &l), -EFAULT, "the kernel");
	arena_close(&a);
}

static void other_mapping_sees(void *arg)
{
	struct arena *a = arg;
	int i;

	check(mmap(a->p, PAGES * page, RW, MAP_SHARED | MAP_FIXED, a->fd, 0) ==
	      a->p, "mmap in the child");
	for (i = 0; i < PAGES; i++)
		a->p[i * page] = 'c';
	check_ret(free_pages(a, a->p, PAGES), 0, "FREE from the child");
	for (i = 0; i < PAGES; i++)
		check_num(a->p[i * page], 0, "byte %d in the child", i);
}

TEST(zapped, 0)
{
	struct arena a = arena_new(0);
	int i;

	row("arena.module", "freed pages are gone from the mapping");
	for (i = 0; i < PAGES; i++)
		memset(a.p + i * page, 'x', page);
	check_ret(free_pages(&a, a.p + 2 * page, 3), 0, "FREE");
	for (i = 0; i < PAGES; i++)
		check_num(a.p[i * page + 5], i < 2 || i > 4 ? 'x' : 0,
			  "byte of page %d", i);
	check_ret(free_pages(&a, a.p, UINT32_MAX), 0, "FREE of all");
	for (i = 0; i < PAGES; i++)
		check_num(a.p[i * page + 5], 0, "byte of page %d", i);
	check_ret(free_pages(&a, a.p + 1, 1), -EINVAL, "FREE of half a page");
	check_ret(free_pages(&a, a.p + PAGES * page, 1), -EINVAL, "behind it");

	row("arena.module", "and from that of another process");
	memset(a.p, 'p', PAGES * page);
	in_child(other_mapping_sees, &a);
	for (i = 0; i < PAGES; i++)
		check_num(a.p[i * page], 0, "byte of page %d", i);
	arena_close(&a);
}

/* The lowest byte of the second word, which is the value of a node */
#define LOW	(IS_BIG_ENDIAN ? 15 : 8)

TEST(segv, 0)
{
	struct arena a = arena_new(BPFMAP_F_SEGV_ON_FAULT);
	struct arena_list l;

	row("arena.module", "SEGV_ON_FAULT");
	check_num(read_byte(a.p), -SIGSEGV, "before");
	check_ret(call(&a, ARENA_LIST_ADD, 2, NULL, 7, &l), 0, "ADD");
	check_num(l.at, PTR(a.p) + page, "first node");
	check_num(read_byte(a.p + LOW), 7, "value");
	check_num(read_byte(a.p + 2 * page), -SIGSEGV, "the page behind");
	check_ret(free_pages(&a, a.p, 1), 0, "FREE");
	check_num(read_byte(a.p + LOW), -SIGSEGV, "after");
	check_num(read_byte(a.p + page + LOW), 8, "the other page");
	arena_close(&a);
}

/* What was read into a pipe without a copy outlives the page in the arena */
TEST(pinned, 0)
{
	struct arena a = arena_new(0);
	struct iovec iov = { a.p, page };
	char buf[64] = "";
	int pipes[2];

	row("arena.module", "a page that somebody else holds");
	memset(a.p, 's', page);
	check_ret(pipe(pipes), 0, "pipe");
	check_ret(vmsplice(pipes[1], &iov, 1, 0), page, "vmsplice");
	check_ret(free_pages(&a, a.p, 1), 0, "FREE");
	check_num(*a.p, 0, "byte");
	memset(a.p, 't', page);
	check_ret(read(pipes[0], buf, sizeof(buf)), sizeof(buf), "read");
	check_num(buf[0], 's', "byte in the pipe");
	close(pipes[0]);
	close(pipes[1]);
	arena_close(&a);
}

/* ------------------------------------------------------------------------- */

static volatile bool stop;

/* Numbers of the last free of all pages that began, and that was done */
static unsigned long began, done;

/* @id: from 1; the word of a page that is this thread's to write */
struct racer {
	struct arena *a;
	int id;
	unsigned long rounds, wrong;
};

/*
 * When a free of all pages is done that began after this thread wrote to a page,
 * the word must be gone: no other thread writes it.
 */
static void *toucher(void *arg)
{
	unsigned long finished, after[PAGES] = { 0 };
	struct racer *r = arg;
	unsigned int i, seed = r->id;
	uint64_t *p;

	while (!stop) {
		i = rand_r(&seed) % PAGES;
		p = (uint64_t *)(r->a->p + i * page) + r->id;
		finished = __atomic_load_n(&done, __ATOMIC_SEQ_CST);
		if (finished > after[i] && __atomic_load_n(p, __ATOMIC_SEQ_CST))
			r->wrong++;
		__atomic_store_n(p, 1, __ATOMIC_SEQ_CST);
		after[i] = __atomic_load_n(&began, __ATOMIC_SEQ_CST);
		r->rounds++;
	}
	return NULL;
}

static void *freer(void *arg)
{
	struct racer *r = arg;

	while (!stop) {
		__atomic_store_n(&began, began + 1, __ATOMIC_SEQ_CST);
		if (free_pages(r->a, r->a->p, PAGES))
			r->wrong++;
		__atomic_store_n(&done, began, __ATOMIC_SEQ_CST);
		r->rounds++;
	}
	return NULL;
}

/* Mappings of all of it come and go, and pieces are asked for in vain */
static void *remapper(void *arg)
{
	struct racer *r = arg;
	char *p = r->a->p;

	while (!stop) {
		if (mmap(p, PAGES * page, RW, MAP_SHARED | MAP_FIXED, r->a->fd,
			 0) != p)
			r->wrong++;
		if (!munmap(p + page, page))
			r->wrong++;
		if (mprotect(p, PAGES * page, RW))
			r->wrong++;
		madvise(p, PAGES * page, MADV_DONTNEED);
		r->rounds++;
	}
	return NULL;
}

static void *forker(void *arg)
{
	struct racer *r = arg;
	pid_t pid;

	while (!stop) {
		pid = fork();
		if (!pid) {
			volatile char *p = mmap(r->a->p, PAGES * page, RW,
						MAP_SHARED | MAP_FIXED,
						r->a->fd, 0);

			(void)*p;
			_exit(p == (void *)r->a->p ? 0 : 1);
		}
		if (pid < 0 || waitpid(pid, NULL, 0) != pid)
			r->wrong++;
		r->rounds++;
	}
	return NULL;
}

/* On a busy machine it takes longer until each has had its turn */
static bool all_began(struct racer *racers, size_t n)
{
	while (n && __atomic_load_n(&racers[n - 1].rounds, __ATOMIC_RELAXED))
		n--;
	return !n;
}

TEST(races, 0)
{
	static void *(* const jobs[])(void *) = {
		toucher, toucher, freer, remapper, forker,
	};
	static const char * const names[] = {
		"toucher", "toucher", "freer", "remapper", "forker",
	};
	struct racer racers[ARRAY_SIZE(jobs)];
	pthread_t threads[ARRAY_SIZE(jobs)];
	struct arena a = arena_new(0);
	size_t i;

	row("arena.module", "touch, free, mmap and fork at the same time");
	began = 0;
	done = 0;
	stop = false;
	for (i = 0; i < ARRAY_SIZE(jobs); i++) {
		racers[i] = (struct racer){ .a = &a, .id = i + 1 };
		if (pthread_create(&threads[i], NULL, jobs[i], &racers[i]))
			abort();
	}
	sleep(SECONDS);
	for (i = 0; i < 6000 && !all_began(racers, ARRAY_SIZE(jobs)); i++)
		usleep(10000);
	stop = true;
	for (i = 0; i < ARRAY_SIZE(jobs); i++) {
		pthread_join(threads[i], NULL);
		check_num(racers[i].wrong, 0, "wrong in %s", names[i]);
		check(racers[i].rounds, "%s did nothing", names[i]);
	}
	check_ret(free_pages(&a, a.p, PAGES), 0, "FREE");
	for (i = 0; i < PAGES; i++)
		check_num(((uint64_t *)(a.p + i * page))[1], 0, "page %zu", i);
	arena_close(&a);
}

int main(void)
{
	if (!HAS_ARENA)
		return skip_all("a kernel with 32 bits has no arenas");
	device = open("/dev/bpfmap_arena_list", O_RDWR | O_CLOEXEC);
	if (device < 0)
		return skip_all("no example module");
	return run_tests();
}
