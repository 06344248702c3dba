// SPDX-License-Identifier: GPL-2.0-only
/*
 * oracle_sides - the memory, the file system and the calls of each side
 *
 * Each area of each side is a piece of memory of which the end is followed by
 * pages that cannot be accessed, mapped a second time read only.
 */
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/syscall.h>

#include "oracle.h"

#define REGION		(128 << 10)
#define STEP		(REGION + (64 << 10))	/* with what cannot be accessed */
#define MARGIN		64			/* compared around an area */
#define KERNEL_ADDRESS	0xffff888000100000ULL

static uint8_t *regions[N_SIDES], *shadows[N_SIDES];
static char dirs[N_SIDES][32];
static char paths[N_SIDES][N_PATHS][64];

static void die(const char *what)
{
	printf("Bail out! %s: %m\n", what);
	exit(99);
}

static uint8_t *map_regions(int memory, int prot)
{
	uint8_t *p = mmap(NULL, N_AREAS * STEP, PROT_NONE,
			  MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	unsigned int i;

	if (p == MAP_FAILED)
		die("mmap");
	for (i = 0; i < N_AREAS; i++)
		if (mmap(p + i * STEP, REGION, prot, MAP_SHARED | MAP_FIXED,
			 memory, i * REGION) == MAP_FAILED)
			die("mmap");
	return p;
}

static void memory_init(enum side side)
{
	int memory = memfd_create("areas", MFD_CLOEXEC);

	if (memory < 0 || ftruncate(memory, N_AREAS * REGION))
		die("memfd");
	regions[side] = map_regions(memory, PROT_READ | PROT_WRITE);
	shadows[side] = map_regions(memory, PROT_READ);
	close(memory);
}

static void pins_init(enum side side, const char *type)
{
	static const char * const names[N_PATHS] = {
		"/a", "/b", "/c", "/d", "/none/x", "/do.t", "", "/d/x" };
	unsigned int i;

	strcpy(dirs[side], "/tmp/oracle-XXXXXX");
	if (!mkdtemp(dirs[side]) || mount("pins", dirs[side], type, 0, NULL))
		die(type);
	for (i = 0; i < N_PATHS; i++)
		snprintf(paths[side][i], sizeof(paths[side][i]), "%s%s",
			 dirs[side], names[i]);
}

/*
 * Before 7.3 bpf(2) waits for a grace period whenever it writes to a map of maps:
 * tens of milliseconds, unless all grace periods are expedited.
 */
static void hurry_rcu(const char *yes)
{
	int fd = open("/sys/kernel/rcu_expedited", O_WRONLY | O_CLOEXEC);

	if (fd < 0)
		return;
	if (write(fd, yes, 1) != 1)
		die("rcu_expedited");
	close(fd);
}

void sides_init(void)
{
	hurry_rcu("1");
	memory_init(SIDE_BPF);
	memory_init(SIDE_DEVICE);
	pins_init(SIDE_BPF, "bpf");
	pins_init(SIDE_DEVICE, "bpfmapfs");
}

void sides_exit(void)
{
	unsigned int i;

	hurry_rcu("0");
	for (i = 0; i < N_SIDES; i++) {
		umount(dirs[i]);
		rmdir(dirs[i]);
	}
}

const char *pin_of(enum side side, unsigned int path)
{
	return paths[side][path % N_PATHS];
}

static uint8_t *region(enum side side, unsigned int area)
{
	return regions[side] + area * STEP;
}

/* Where it begins in memory that this program can write */
static uint8_t *start(const struct call *c, enum side side, unsigned int area)
{
	const struct area *a = &c->areas[area];
	uint8_t *p = region(side, area);

	switch (a->place) {
	case AT_EDGE:
		return p + REGION - a->n;
	case AT_CUT:
		return p + REGION - (a->n - a->cut);
	default:
		return p + 4 * MARGIN;
	}
}

/* The address that the command is given */
static uint64_t address(const struct call *c, enum side side, unsigned int area)
{
	switch (c->areas[area].place) {
	case AT_NULL:
		return 0;
	case AT_BAD:
		return PTR(region(side, area) + REGION);
	case AT_KERNEL:
		return KERNEL_ADDRESS;
	case AT_RDONLY:
		return PTR(start(c, side, area) - regions[side] + shadows[side]);
	default:
		return PTR(start(c, side, area));
	}
}

/* Bytes of it that exist */
static size_t there(const struct area *a)
{
	return a->place == AT_CUT ? a->n - a->cut : a->n;
}

static bool in_memory(const struct area *a)
{
	return a->used && a->place != AT_NULL && a->place != AT_BAD &&
	       a->place != AT_KERNEL;
}

/* With the margins, as far as there are any */
static size_t around(const struct call *c, enum side side, unsigned int area,
		     uint8_t **from)
{
	uint8_t *p = start(c, side, area), *end = region(side, area) + REGION;
	uint8_t *to = p + there(&c->areas[area]) + MARGIN;

	*from = p - MARGIN;
	return (to < end ? to : end) - *from;
}

uint8_t *call_bytes(const struct call *c, enum side side, unsigned int area,
		    size_t *n)
{
	*n = in_memory(&c->areas[area]) ? there(&c->areas[area]) : 0;
	return start(c, side, area);
}

static uint64_t patch_value(const struct call *c, enum side side,
			    const struct patch *p)
{
	struct slot *s = slot_at(p->what);

	switch ((enum patch_kind)p->kind) {
	case P_AREA:
		return address(c, side, p->what);
	case P_PATH:
		return PTR(pin_of(side, p->what));
	case P_ID:
		return s ? s->object->ids[side] : 0;
	case P_FD:
		if (p->what == SLOT_OTHER)
			return other_fd();
		return s ? s->fds[side] : closed_fd();
	}
	return 0;
}

static void put_patch(const struct call *c, enum side side,
		      const struct patch *p, uint64_t value)
{
	size_t size = p->kind == P_AREA || p->kind == P_PATH ? 8 : 4, n;
	uint8_t bytes[8], *to = call_bytes(c, side, p->in, &n);

	if (p->at >= n)
		return;
	put_number(bytes, value, size);
	memcpy(to + p->at, bytes, size < n - p->at ? size : n - p->at);
}

static void lay_out(const struct call *c, enum side side)
{
	unsigned int i;

	for (i = 0; i < N_AREAS; i++) {
		uint8_t *from;
		size_t n;

		if (!in_memory(&c->areas[i]))
			continue;
		n = around(c, side, i, &from);
		memset(from, FILL, n);
		memcpy(from + MARGIN, c->areas[i].data, there(&c->areas[i]));
	}
	for (i = 0; i < c->n_patches; i++)
		put_patch(c, side, &c->patches[i],
			  patch_value(c, side, &c->patches[i]));
}

long raw_call(enum side side, int cmd, void *attr, unsigned int size)
{
	long ret;

	if (side == SIDE_DEVICE)
		return ioctl_map(device_fd(), cmd, attr, size);
	ret = syscall(SYS_bpf, cmd, attr, size);
	return ret < 0 ? -errno : ret;
}

/* Send a call to one side: result or -errno */
long send_call(const struct call *c, enum side side)
{
	const struct step *s = c->step;
	struct slot *slot = slot_at(s->slot);
	void *attr;
	int at;

	lay_out(c, side);
	attr = (void *)(uintptr_t)address(c, side, A_ATTR);
	at = s->cmd < DO_CLOSE - 1 ? fd_offset(s->cmd) : -1;
	if (side == SIDE_BPF || !(s->direct & 1) || !slot || at < 0 ||
	    s->size < at + 4U)
		return raw_call(side, s->cmd, attr, s->size);
	/* The last patch is that of the descriptor, see build() */
	put_patch(c, side, &c->patches[c->n_patches - 1], 0);
	return ioctl_map(slot->fds[side], s->cmd, attr, s->size);
}

/* Hide what is known to differ, then compare: NULL or the area that differs */
const char *compare_areas(const struct call *c)
{
	static const char * const names[] = { "attr", "key", "value",
					      "in_batch", "out_batch" };
	static char text[128];
	unsigned int i;

	for (i = 0; i < c->n_patches; i++) {
		put_patch(c, SIDE_BPF, &c->patches[i], 0);
		put_patch(c, SIDE_DEVICE, &c->patches[i], 0);
	}
	for (i = 0; i < N_AREAS; i++) {
		uint8_t *bpf, *device;
		size_t n, at;

		if (!in_memory(&c->areas[i]))
			continue;
		n = around(c, SIDE_BPF, i, &bpf);
		around(c, SIDE_DEVICE, i, &device);
		n_comparisons++;
		if (!memcmp(bpf, device, n))
			continue;
		for (at = 0; bpf[at] == device[at]; at++)
			;
		snprintf(text, sizeof(text),
			 "byte %zd of %s: bpf(2) %#x, device %#x",
			 (ssize_t)at - MARGIN, names[i], bpf[at], device[at]);
		return text;
	}
	return NULL;
}
