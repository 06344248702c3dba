// SPDX-License-Identifier: GPL-2.0-only
/*
 * mem - user memory to give to calls: good, bad, missing in part, late
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <linux/userfaultfd.h>

#include "fuzz.h"

#define PAGE		4096
#define TASK_END	0x7ffffffff000ULL
#define LATE_USEC	500

static int uffd = -1;

static __thread sigjmp_buf touch_env;
static __thread volatile sig_atomic_t touching;

/* ------------------------------------------------------------------------- */
/* Pages that come late */

static void *serve_faults(void *unused)
{
	struct uffd_msg msg;

	while (read(uffd, &msg, sizeof(msg)) == sizeof(msg)) {
		struct uffdio_zeropage zero = {
			.range.start = msg.arg.pagefault.address & ~(PAGE - 1ULL),
			.range.len = PAGE,
		};

		if (msg.event != UFFD_EVENT_PAGEFAULT)
			continue;
		usleep(LATE_USEC);
		/* The page is there already: still wake its waiters */
		if (ioctl(uffd, UFFDIO_ZEROPAGE, &zero))
			ioctl(uffd, UFFDIO_WAKE, &zero.range);
	}
	return unused;
}

bool mem_uffd_start(void)
{
	struct uffdio_api api = { .api = UFFD_API };
	pthread_t thread;

	uffd = syscall(SYS_userfaultfd, O_CLOEXEC);
	if (uffd < 0 || ioctl(uffd, UFFDIO_API, &api) ||
	    pthread_create(&thread, NULL, serve_faults, NULL)) {
		uffd = -1;
		return false;
	}
	return true;
}

/* One page that is there and one that is not */
static uint8_t *map_held(void)
{
	uint8_t *p = mmap(NULL, 2 * PAGE, PROT_READ | PROT_WRITE,
			  MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	struct uffdio_register reg = {
		.range = { (uintptr_t)p + PAGE, PAGE },
		.mode = UFFDIO_REGISTER_MODE_MISSING,
	};

	if (p == MAP_FAILED)
		return NULL;
	if (uffd >= 0)
		ioctl(uffd, UFFDIO_REGISTER, &reg);
	return p;
}

int mem_init(struct ctx *c)
{
	for (int i = 0; i < N_AREAS; i++) {
		c->areas[i] = mmap(NULL, AREA_SIZE + PAGE, PROT_NONE,
				   MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
		if (c->areas[i] == MAP_FAILED ||
		    mprotect(c->areas[i], AREA_SIZE, PROT_READ | PROT_WRITE))
			return -1;
		c->held[i] = map_held();
		if (!c->held[i])
			return -1;
	}
	for (int i = 0; i < N_AREAS; i++) {
		c->fresh[i] = mmap(NULL, AREA_SIZE, PROT_READ | PROT_WRITE,
				   MAP_SHARED | MAP_ANONYMOUS, -1, 0);
		if (c->fresh[i] == MAP_FAILED)
			return -1;
	}
	c->rdonly = mmap(NULL, PAGE, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS,
			 -1, 0);
	return c->rdonly == MAP_FAILED ? -1 : 0;
}

static size_t at_most(size_t a, size_t b)
{
	return a < b ? a : b;
}

uint64_t mem_place(struct ctx *c, enum area area, uint64_t place,
		   const void *data, size_t size)
{
	uint8_t *p = c->areas[area], *end = p + AREA_SIZE;
	uint64_t param = place >> PLACE_BITS;
	size_t n = at_most(size, AREA_SIZE);

	switch (place % (1 << PLACE_BITS) % N_PLACES) {
	case AT_NULL:
		return 0;
	case AT_ODD:
		n = at_most(n, AREA_SIZE - 1);
		p++;
		break;
	case AT_CUT:
		n = at_most(n, param);
		p = end - n;
		break;
	case AT_UNMAPPED:
		return (uintptr_t)end;
	case AT_KERNEL:
		return 0xffff888000000000ULL;
	case AT_TOP:
		return TASK_END - 8;
	case AT_RDONLY:
		return (uintptr_t)c->rdonly;
	case AT_HELD:
		n = at_most(n, at_most(param, PAGE));
		p = c->held[area] + PAGE - n;
		madvise(c->held[area] + PAGE, PAGE, MADV_DONTNEED);
		break;
	case AT_MAP:
		return (uintptr_t)mapping_at(param)->addr;
	case AT_FRESH:
		p = c->fresh[area];
		break;
	}
	if (data)
		memcpy(p, data, n);
	/* Shared memory: what is in it stays */
	if (p == c->fresh[area])
		madvise(p, n, MADV_DONTNEED);
	return (uintptr_t)p;
}

/* ------------------------------------------------------------------------- */
/* Memory that may not be there */

static void on_fault(int sig)
{
	if (touching)
		siglongjmp(touch_env, 1);
	signal(sig, SIG_DFL);
}

static void catch_faults(void)
{
	const struct sigaction sa = {
		.sa_handler = on_fault,
		.sa_flags = SA_NODEFER,
	};

	sigaction(SIGSEGV, &sa, NULL);
	sigaction(SIGBUS, &sa, NULL);
}

static pthread_once_t once = PTHREAD_ONCE_INIT;

/* Move a word from @from to @to, one of which may fault */
static int move_word(uint64_t *to, const uint64_t *from)
{
	pthread_once(&once, catch_faults);
	errno = EFAULT;
	if (sigsetjmp(touch_env, 0)) {
		touching = 0;
		return -1;
	}
	touching = 1;
	__atomic_store_n(to, __atomic_load_n(from, __ATOMIC_SEQ_CST),
			 __ATOMIC_SEQ_CST);
	touching = 0;
	return 0;
}

int mem_store(uint64_t *p, uint64_t value)
{
	return move_word(p, &value);
}

int mem_load(const uint64_t *p, uint64_t *value)
{
	return move_word(value, p);
}
