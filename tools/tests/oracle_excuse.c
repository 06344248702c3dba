// SPDX-License-Identifier: GPL-2.0-only
/*
 * oracle_excuse - where older kernels' bpf(2) differs from that of 7.3
 *
 * The device is 7.3's on every kernel. What has been changed since is listed
 * here, as long as both sides fail and nothing has changed; what would make the
 * two sides drift apart is not generated on the kernels concerned.
 */
#include "oracle.h"

#define BOTH_MODES (BPFMAP_F_RDONLY | BPFMAP_F_WRONLY)

/* What 7.3 looks at before the flags: the descriptor and what it may do */
static bool lookup_flags_first(const struct call *c, const struct slot *slot,
			       long bpf, long dev)
{
	(void)slot;
	return c->step->cmd == LOOKUP && bpf == -EINVAL &&
	       (dev == -EBADF || dev == -EPERM) &&
	       c->step->flags & ~BPFMAP_F_LOCK;
}

/*
 * The flags for CPUs and the upper half were for the type to test: after the key
 * and the value had been copied, in a map of maps after its descriptor, and where
 * there are no elements not at all.
 */
static bool update_flags_late(const struct call *c, const struct slot *slot,
			      long bpf, long dev)
{
	uint64_t tested = BPFMAP_F_CPU | BPFMAP_F_ALL_CPUS | ~0ULL << 32;
	unsigned int traits = slot ? slot->object->row->traits : 0;

	if (c->step->cmd != UPDATE || dev != -EINVAL ||
	    !(c->step->flags & tested))
		return false;
	return bpf == -EFAULT || (traits & T_OUTER && bpf == -EBADF) ||
	       (traits & T_NO_ELEMS &&
		(bpf == -ENOTSUPP || bpf == -EOPNOTSUPP));
}

static bool modes_first(const struct call *c, const struct slot *slot, long bpf,
			long dev)
{
	(void)slot;
	return c->step->cmd == BPFMAP_CMD_MAP_CREATE && bpf == -EINVAL &&
	       (dev == -E2BIG || dev == -ENOMEM || dev == -EBADF) &&
	       (c->step->create.map_flags & BOTH_MODES) == BOTH_MODES;
}

static bool frozen_again(const struct call *c, const struct slot *slot, long bpf,
			 long dev)
{
	return c->step->cmd == BPFMAP_CMD_MAP_FREEZE && slot &&
	       slot->object->frozen && bpf == -EBUSY && dev == -EPERM;
}

/* Invalid queues: when they are refused */
static bool too_big(const struct call *c, const struct slot *slot, long bpf,
		    long dev)
{
	uint32_t type = c->step->create.map_type;

	(void)slot;
	return c->step->cmd == BPFMAP_CMD_MAP_CREATE && bpf == -ENOMEM &&
	       dev == -E2BIG && (type == BPFMAP_TYPE_QUEUE ||
				 type == BPFMAP_TYPE_STACK);
}

static struct excuse {
	const char *name;
	unsigned int until;	/* version that does it as the device */
	bool (*covers)(const struct call *c, const struct slot *slot, long bpf,
		       long dev);
	unsigned long used;
} excuses[] = {
	{ "LOOKUP_ELEM: flags before the descriptor", 703, lookup_flags_first, 0 },
	{ "UPDATE_ELEM: flags after key and value", 703, update_flags_late, 0 },
	{ "MAP_CREATE: RDONLY and WRONLY before the type", 703, modes_first, 0 },
	{ "MAP_FREEZE: EBUSY for a frozen map", 612, frozen_again, 0 },
	{ "MAP_CREATE: ENOMEM for queues where it is E2BIG now", 703, too_big, 0 },
};

bool excused(const struct call *c, const struct slot *slot, long bpf, long dev)
{
	unsigned int i;

	if (bpf >= 0 || dev >= 0)
		return false;
	for (i = 0; i < ARRAY_SIZE(excuses); i++) {
		struct excuse *e = &excuses[i];

		if (kernel() < e->until && e->covers(c, slot, bpf, dev)) {
			e->used++;
			return true;
		}
	}
	return false;
}

/* Types of which bpf(2) is wrong, on all kernels, where a long has 32 bits */
bool left_out(const struct row *row)
{
	if (sizeof(long) == 8 || row->type != BPFMAP_TYPE_ARRAY_OF_MAPS)
		return false;
	printf("# %s is left out: with 32 bits bpf(2) writes pointers four bytes apart, and reads them eight bytes apart\n",
	       row->name);
	return true;
}

void print_excuses(void)
{
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(excuses); i++)
		if (excuses[i].used)
			printf("# %lu times excused, until %u.%u: %s\n",
			       excuses[i].used, excuses[i].until / 100,
			       excuses[i].until % 100, excuses[i].name);
}
