// SPDX-License-Identifier: GPL-2.0-only
/*
 * abi - the envelope of the commands: attrs of every size,
 * bytes that must be 0, what is stored in the attr; and what the device adds:
 * the ioctl numbers, commands on a map's own descriptor
 */
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/mount.h>

#include "contract.h"
#include "pin.h"

#define CREATE	BPFMAP_CMD_MAP_CREATE
#define NEXT_ID	BPFMAP_CMD_MAP_GET_NEXT_ID
#define BY_ID	BPFMAP_CMD_MAP_GET_FD_BY_ID
#define INFO	BPFMAP_CMD_OBJ_GET_INFO_BY_FD
#define FREEZE	BPFMAP_CMD_MAP_FREEZE
#define PIN	BPFMAP_CMD_OBJ_PIN
#define GET	BPFMAP_CMD_OBJ_GET

#define ATTR BPFMAP_ATTR_SIZE
#define PAGE 4096
#define NONE UINT32_MAX

/*
 * Buffers at addresses of which only one byte is not 0, the sixth of 64 bits or
 * the fourth of 32: an attr that is cut anywhere before it holds NULL.
 */
#define PLACE(n) ((uintptr_t)(n) << (sizeof(long) == 8 ? 44 : 28))
#define KEY	((uint32_t *)PLACE(1))
#define VALUE	((uint64_t *)PLACE(2))
#define OUT	((uint32_t *)PLACE(3))
#define INFO_BUF ((struct bpfmap_info *)PLACE(4))
#define PATH	((char *)PLACE(5))

/* How long an attr must be to hold a pointer to these, or a small number */
#define POINTER_AT(at) ((at) + (sizeof(long) == 4 ? IS_BIG_ENDIAN ? 5 : 4 : \
				IS_BIG_ENDIAN ? 3 : 6))
#define NUMBER_AT(at) ((at) + (IS_BIG_ENDIAN ? 4 : 1))

/*
 * What each command answers by the size of its attr, from short to long: from
 * that size on (up to that of the next) this result. Not from the list of
 * commands, from which the module's table is made.
 */
struct command {
	const char *name;
	int cmd;
	uint32_t zero_from;
	uint32_t out;	/* offset of what it stores in attr, NONE */
	struct {
		uint32_t size;
		int want;
	} by_size[5], own[5];	/* through the device, on the map itself */
};

static const struct command commands[N_COMMAND_ROWS] = {
	{ "MAP_CREATE", CREATE, 92, NONE,
	  { { 0, -EINVAL }, { NUMBER_AT(12), GOT_FD } }, { { 0, -EINVAL } } },
	{ "LOOKUP", LOOKUP, 32, NONE,
	  { { 0, -EINVAL }, { NUMBER_AT(0), -EFAULT }, { POINTER_AT(16), 0 } },
	  { { 0, -EFAULT }, { POINTER_AT(16), 0 } } },
	{ "UPDATE", UPDATE, 32, NONE,
	  { { 0, -EINVAL }, { NUMBER_AT(0), -EFAULT }, { POINTER_AT(16), 0 } },
	  { { 0, -EFAULT }, { POINTER_AT(16), 0 } } },
	{ "DELETE", DELETE, 16, NONE,
	  { { 0, -EINVAL }, { NUMBER_AT(0), -EFAULT }, { POINTER_AT(8), 0 } },
	  { { 0, -EFAULT }, { POINTER_AT(8), 0 } } },
	{ "GET_NEXT_KEY", NEXT, 24, NONE,
	  { { 0, -EINVAL }, { NUMBER_AT(0), -EFAULT }, { POINTER_AT(8), -ENOENT } },
	  { { 0, -EFAULT }, { POINTER_AT(8), -ENOENT } } },
	{ "GET_NEXT_ID", NEXT_ID, 8, 4, { { 0, 0 } }, { { 0, -EINVAL } } },
	{ "GET_FD_BY_ID", BY_ID, 12, NONE,
	  { { 0, -ENOENT }, { 4, GOT_FD } }, { { 0, -EINVAL } } },
	{ "OBJ_GET_INFO_BY_FD", INFO, 16, 4,
	  { { 0, -EINVAL }, { NUMBER_AT(0), 0 }, { NUMBER_AT(4), -EFAULT },
	    { POINTER_AT(8), 0 } },
	  { { 0, 0 }, { NUMBER_AT(4), -EFAULT }, { POINTER_AT(8), 0 } } },
	{ "LOOKUP_AND_DELETE", LAD, 32, NONE,
	  { { 0, -EINVAL }, { NUMBER_AT(0), -EFAULT }, { POINTER_AT(16), 0 } },
	  { { 0, -EFAULT }, { POINTER_AT(16), 0 } } },
	{ "FREEZE", FREEZE, 4, NONE,
	  { { 0, -EINVAL }, { NUMBER_AT(0), 0 } }, { { 0, 0 } } },
	{ "LOOKUP_BATCH", LB, 56, 32,
	  { { 0, -EINVAL }, { NUMBER_AT(36), -ENOENT } },
	  { { 0, 0 }, { NUMBER_AT(32), -ENOENT } } },
	{ "LOOKUP_AND_DELETE_BATCH", LADB, 56, 32,
	  { { 0, -EINVAL }, { NUMBER_AT(36), -ENOENT } },
	  { { 0, 0 }, { NUMBER_AT(32), -ENOENT } } },
	{ "UPDATE_BATCH", UB, 56, 32,
	  { { 0, -EINVAL }, { NUMBER_AT(36), 0 } }, { { 0, 0 } } },
	{ "DELETE_BATCH", DB, 56, 32,
	  { { 0, -EINVAL }, { NUMBER_AT(36), 0 } }, { { 0, 0 } } },
	{ "LOOKUP_MANY", LM, 56, 32,
	  { { 0, -EINVAL }, { NUMBER_AT(36), 0 } }, { { 0, 0 } } },
	{ "LOOKUP_AND_DELETE_MANY", LADM, 56, 32,
	  { { 0, -EINVAL }, { NUMBER_AT(36), 0 } }, { { 0, 0 } } },
	{ "UPDATE_MANY", UM, 56, 32,
	  { { 0, -EINVAL }, { NUMBER_AT(36), 0 } }, { { 0, 0 } } },
	{ "DELETE_MANY", DM, 56, 32,
	  { { 0, -EINVAL }, { NUMBER_AT(36), 0 } }, { { 0, 0 } } },
	{ "OBJ_PIN", PIN, 20, NONE,
	  { { 0, -EINVAL }, { NUMBER_AT(8), 0 } }, { { 0, -EFAULT }, { POINTER_AT(0), 0 } } },
	{ "OBJ_GET", GET, 20, NONE,
	  { { 0, -EFAULT }, { POINTER_AT(0), GOT_FD } }, { { 0, -EINVAL } } },
};

/* The map of each call: a hash with the one key 7 */
static int one_key_map(void)
{
	int fd = map_new(&kinds[1], 4, 8, 4, 0);	/* the cheapest one */

	check_ret(fd, GOT_FD, "MAP_CREATE");
	*KEY = 7;
	*VALUE = 77;
	check_ret(map_update(fd, KEY, VALUE, 0), 0, "the element");
	return fd;
}

/* An attr with which the command succeeds */
static union attr good(int cmd, int fd)
{
	union attr a = { 0 };

	switch (cmd) {
	case CREATE:
		a.create.map_type = BPFMAP_TYPE_HASH;
		a.create.key_size = 4;
		a.create.value_size = 8;
		a.create.max_entries = 4;
		memcpy(a.create.map_name, "abi", 4);
		break;
	case NEXT_ID:
		break;
	case BY_ID:
		a.id.map_id = map_id(fd);
		break;
	case INFO:
		a.info.bpf_fd = fd;
		a.info.info_len = sizeof(*INFO_BUF);
		a.info.info = PTR(INFO_BUF);
		memset(INFO_BUF, 0, sizeof(*INFO_BUF));
		break;
	case FREEZE:
		a.freeze.map_fd = fd;
		break;
	case PIN:
	case GET:
		unlink(PATH);
		if (cmd == PIN)
			a.obj.bpf_fd = fd;
		else
			pin_obj(fd, PATH);
		a.obj.pathname = PTR(PATH);
		break;
	case LB:
	case LADB:
	case UB:
	case DB:
	case LM:
	case LADM:
	case UM:
	case DM:
		a.batch.map_fd = fd;
		a.batch.count = 1;
		a.batch.out_batch = PTR(OUT);
		a.batch.keys = PTR(KEY);
		a.batch.values = PTR(VALUE);
		break;
	default:
		a.elem.map_fd = fd;
		a.elem.key = PTR(KEY);
		if (cmd != DELETE)
			a.elem.value = PTR(cmd == NEXT ? (void *)OUT : VALUE);
	}
	return a;
}

/* The same with map_fd 0, for the map's own descriptor */
static union attr own_attr(int cmd, int fd)
{
	union attr a = good(cmd, fd);

	if (fd_offset(cmd) >= 0)
		memset(a.raw + fd_offset(cmd), 0, 4);
	return a;
}

static int want_at(const struct command *c, bool own, uint32_t size)
{
	int want = 0;
	size_t i;

	for (i = 0; i < 5; i++)
		if ((!i || (own ? c->own : c->by_size)[i].size) &&
		    (own ? c->own : c->by_size)[i].size <= size)
			want = (own ? c->own : c->by_size)[i].want;
	return want;
}

static int call(const struct command *c, bool own, int fd, void *attr,
		uint32_t size)
{
	return own ? ioctl_map(fd, c->cmd, attr, size) :
		     sys_map(c->cmd, attr, size);
}

/* ------------------------------------------------------------------------- */
/* Sizes */

/* Only @size bytes of attr are there; after them 0xff, or nothing at all */
static void one_size(const struct command *c, bool own, uint32_t size, bool edge)
{
	uint32_t room = size < ATTR ? ATTR : size;
	uint8_t *attr = edge_new(edge ? size : room);
	int fd = one_key_map(), ret;
	union attr a = own ? own_attr(c->cmd, fd) : good(c->cmd, fd);

	memset(attr, 0, edge ? size : room);
	memcpy(attr, &a, size < ATTR ? size : ATTR);
	if (!edge && size < ATTR)
		memset(attr + size, 0xff, room - size);
	ret = call(c, own, fd, attr, size);
	check_ret(ret, want_at(c, own, size), "result");
	if (ret > 0)
		close(ret);
	close(fd);
	edge_free(attr, edge ? size : room);
}

static void sizes(bool own)
{
	static const uint32_t longer[] = { 169, 176, 200, 1000, 4095, 4096 };
	uint32_t size;
	size_t i, j;

	for (i = 0; i < ARRAY_SIZE(commands); i++) {
		const struct command *c = &commands[i];

		for (size = 0; size <= ATTR; size++) {
			/* the id's lower bytes may be another map's id */
			if (c->cmd == BY_ID && size > 0 && size < 4)
				continue;
			row("attr.short", "%s%s: size %u", c->name,
			    own ? " (own)" : "", size);
			one_size(c, own, size, false);
			if (c->out == NONE)
				one_size(c, own, size, true);
		}
		for (j = 0; j < ARRAY_SIZE(longer); j++) {
			row("attr.long", "%s%s: size %u", c->name,
			    own ? " (own)" : "", longer[j]);
			one_size(c, own, longer[j], true);
		}
	}
}

TEST(size_sweep, 0)
{
	sizes(false);
}

TEST(size_sweep_own, 0)
{
	if (backend() != BACKEND_BPF)
		sizes(true);
}

/* A command that is refused for its attr has no effect */
static void check_refused(const struct command *c, int fd, void *attr,
			  uint32_t size, int want, const char *what)
{
	struct tmap t = { .kind = &kinds[0], .fd = fd, .key_size = 4,
			  .value_size = 8, .max_entries = 4, .vs = 8 };
	struct snap old = tmap_snap(&t, 8);
	int ret = sys_map(c->cmd, attr, size);

	check_ret(ret, want, "%s", what);
	if (ret > 0)
		close(ret);
	check_unchanged(&t, 8, &old);
}

TEST(tails, 0)
{
	static const struct {
		uint32_t size, dirty;
	} rows[] = {
		{ 169, 168 }, { 170, 168 }, { 170, 169 }, { 176, 172 },
		{ 200, 168 }, { 200, 199 }, { 1000, 500 }, { 4095, 4094 },
		{ 4096, 168 }, { 4096, 2000 }, { 4096, 4095 },
	};
	uint8_t *attr = calloc(1, 16384);
	uint32_t size;
	size_t i, j;
	int fd;

	for (i = 0; i < ARRAY_SIZE(commands) && since(7, 3); i++) {
		const struct command *c = &commands[i];
		union attr a;

		fd = one_key_map();
		a = good(c->cmd, fd);
		memcpy(attr, &a, sizeof(a));
		for (j = 0; j < ARRAY_SIZE(rows); j++) {
			row("attr.long", "%s: size %u, byte %u not 0", c->name,
			    rows[j].size, rows[j].dirty);
			attr[rows[j].dirty] = 1;
			check_refused(c, fd, attr, rows[j].size, -E2BIG, "result");
			attr[rows[j].dirty] = 0;
		}
		for (size = 4097; size < 16384; size = size * 4 / 3) {
			row("attr.long", "%s: size %u", c->name, size);
			check_refused(c, fd, attr, size, -E2BIG, "result");
			check_ret(sys_map(c->cmd, bad_ptr(), size), -E2BIG,
				  "before the attr is read");
		}
		row("attr.page", "%s: size 16383", c->name);
		check_refused(c, fd, attr, 16383, -E2BIG, "result");
		close(fd);
	}
	free(attr);
}

TEST(attr_faults, 0)
{
	size_t i;
	int fd = one_key_map();

	for (i = 0; i < ARRAY_SIZE(commands); i++) {
		const struct command *c = &commands[i];
		uint8_t *attr = edge_new(180);
		union attr a = good(c->cmd, fd);

		memset(attr, 0, 180);
		memcpy(attr, &a, sizeof(a));
		row("attr.long", "%s: tail not mapped", c->name);
		check_refused(c, fd, attr, 200, -EFAULT, "result");
		row("attr.read", "%s: attr not mapped", c->name);
		check_refused(c, fd, bad_ptr(), 8, -EFAULT, "size 8");
		check_refused(c, fd, bad_ptr(), ATTR, -EFAULT, "full size");
		check_refused(c, fd, bad_ptr(), 200, -EFAULT, "size 200");
		check_refused(c, fd, NULL, 1, -EFAULT, "NULL");
		row("attr.read", "%s: attr cut", c->name);
		check_refused(c, fd, attr + 180 - 100, ATTR, -EFAULT, "result");
		edge_free(attr, 180);
	}
	close(fd);
	row("attr.short", "no attr, size 0");
	check_ret(sys_map(CREATE, NULL, 0), -EINVAL, "MAP_CREATE");
	check_ret(sys_map(LOOKUP, NULL, 0), -EINVAL, "LOOKUP in descriptor 0");
	check_ret(sys_map(FREEZE, NULL, 0), -EINVAL, "FREEZE of descriptor 0");
	check_ret(sys_map(INFO, NULL, 0), -EINVAL, "info of descriptor 0");
	check_ret(sys_map(BY_ID, NULL, 0), -ENOENT, "GET_FD_BY_ID 0");
}

/* ------------------------------------------------------------------------- */
/* Bytes that must be 0, bytes that need not */

TEST(zero_from, 0)
{
	size_t i;

	for (i = 0; i < ARRAY_SIZE(commands) && since(7, 3); i++) {
		const struct command *c = &commands[i];
		int fd = one_key_map(), at = fd_offset(c->cmd);
		struct tmap t = { .kind = &kinds[0], .fd = fd, .key_size = 4,
				  .value_size = 8, .max_entries = 4, .vs = 8 };
		struct snap old = tmap_snap(&t, 8);
		union attr a;
		uint32_t byte;

		for (byte = c->zero_from; byte < ATTR; byte++) {
			row("attr.tail", "%s: byte %u not 0", c->name, byte);
			a = good(c->cmd, fd);
			a.raw[byte] = 1;
			check_ret(sys_map(c->cmd, &a, ATTR), -EINVAL, "full size");
			check_ret(sys_map(c->cmd, &a, byte + 1), -EINVAL,
				  "just so");
			a.raw[byte] = 0x80;
			if (at >= 0)
				a.raw[at] = closed_fd();
			check_ret(sys_map(c->cmd, &a, ATTR), -EINVAL,
				  "before the fd");
			/* not reached by size: not looked at */
			a = good(c->cmd, fd);
			a.raw[byte] = 1;
			if (c->cmd == LOOKUP)
				check_ret(sys_map(LOOKUP, &a, c->zero_from), 0,
					  "beyond size");
		}
		row("attr.tail", "%s: bytes not 0", c->name);
		check_unchanged(&t, 8, &old);
		close(fd);
	}
}

TEST(holes, 0)
{
	static const struct {
		size_t command;
		uint32_t byte;
		int want;
	} rows[] = {
		{ 1, 4, 0 }, { 1, 7, 0 }, { 2, 4, 0 }, { 2, 7, 0 }, { 3, 4, 0 },
		{ 3, 7, 0 }, { 4, 4, -ENOENT }, { 4, 7, -ENOENT }, { 5, 4, 0 },
		{ 5, 7, 0 }, { 6, 4, GOT_FD }, { 6, 7, GOT_FD }, { 8, 5, 0 },
	};
	size_t i;

	for (i = 0; i < ARRAY_SIZE(rows); i++) {
		const struct command *c = &commands[rows[i].command];
		int fd = one_key_map(), ret;
		union attr a = good(c->cmd, fd);

		row("attr.tail", "%s: byte %u of the hole", c->name,
		    rows[i].byte);
		a.raw[rows[i].byte] = 0xff;
		ret = sys_map(c->cmd, &a, sizeof(a));
		check_ret(ret, rows[i].want, "result");
		if (ret > 0)
			close(ret);
		close(fd);
	}
}

/* ------------------------------------------------------------------------- */
/* What is stored in attr */

TEST(outputs, 0)
{
	int fd = one_key_map();
	union attr a, want;
	uint32_t size;

	for (size = 0; size <= 8; size++) {
		row("attr.out", "GET_NEXT_ID: size %u", size);
		memset(&a, 0xff, sizeof(a));
		a.id.start_id = 0;
		check_ret(sys_map(NEXT_ID, &a, size), 0, "result");
		check(a.id.next_id >= 1 && a.id.next_id <= 0x7ffffffe,
		      "next_id is stored: %#x", a.id.next_id);
		check_num(a.id.open_flags, UINT32_MAX, "nothing after it");
		check_num(a.id.start_id, 0, "nothing before it");
	}
	row("attr.out", "OBJ_GET_INFO_BY_FD: size 4");
	memset(&a, 0xff, sizeof(a));
	a.info.bpf_fd = fd;
	check_ret(sys_map(INFO, &a, 4), 0, "result");
	check_num(a.info.info_len, 0, "info_len is stored");
	check_num(a.info.info, UINT64_MAX, "nothing after it");
	row("attr.out", "UPDATE_BATCH: nothing but count");
	a = good(UB, fd);
	check_ret(sys_map(UB, &a, sizeof(a)), 0, "result");
	check_num(a.batch.count, 1, "count");
	want = good(UB, fd);
	check_mem(&a, &want, sizeof(a), "attr");
}

/* Other commands leave attr alone, also where it may not be written */
TEST(read_only_attr, 0)
{
	static const struct {
		size_t command;
		int want;
	} rows[] = {
		{ 0, GOT_FD }, { 1, 0 }, { 2, 0 }, { 3, 0 }, { 4, -ENOENT },
		{ 5, -EFAULT }, { 6, GOT_FD }, { 7, -EFAULT }, { 8, 0 },
		{ 9, 0 }, { 10, -EFAULT }, { 11, -EFAULT }, { 12, -EFAULT },
		{ 13, -EFAULT }, { 14, -EFAULT }, { 15, -EFAULT },
		{ 16, -EFAULT }, { 17, -EFAULT }, { 18, 0 }, { 19, GOT_FD },
	};
	size_t i;

	for (i = 0; i < ARRAY_SIZE(rows); i++) {
		const struct command *c = &commands[rows[i].command];
		uint8_t *page = mmap(NULL, PAGE, PROT_READ | PROT_WRITE,
				     MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
		int fd = one_key_map(), ret;
		union attr a = good(c->cmd, fd);
		struct tmap t = { .kind = &kinds[0], .fd = fd, .key_size = 4,
				  .value_size = 8, .max_entries = 4, .vs = 8 };
		struct snap old = tmap_snap(&t, 8);

		row("attr.out", "%s: attr read-only", c->name);
		memcpy(page, &a, sizeof(a));
		*KEY = 7;
		*VALUE = 88;
		mprotect(page, PAGE, PROT_READ);
		ret = sys_map(c->cmd, page, sizeof(a));
		check_ret(ret, rows[i].want, "result");
		check_mem(page, &a, sizeof(a), "attr");
		if (ret > 0)
			close(ret);
		/* batches fault before they do anything: count 0 is stored */
		if (rows[i].want == -EFAULT)
			check_unchanged(&t, 8, &old);
		free(old.p);
		if (c->cmd == INFO)
			check_num(INFO_BUF->type, BPFMAP_TYPE_HASH,
				  "info is stored before info_len");
		close(fd);
		munmap(page, PAGE);
	}
}

/* Batches look at what needs no store first */
TEST(read_only_batch, 0)
{
	static const struct {
		const char *name;
		int cmd, kind;
		uint32_t count;
		uint64_t elem_flags, flags;
		int want;
	} rows[] = {
		{ "count 0", LB, 0, 0, 0, 0, 0 }, { "count 0", UB, 0, 0, 0, 0, 0 },
		{ "count 0", DB, 0, 0, 0, 0, 0 }, { "count 0", LADB, 0, 0, 0, 0, 0 },
		{ "elem_flags", LB, 0, 1, 32, 0, -EINVAL },
		{ "elem_flags", UB, 0, 1, 1, 0, -EINVAL },
		{ "flags", LADB, 0, 1, 0, 1, -EINVAL },
		{ "no such op", DB, 4, 1, 0, 0, -ENOTSUPP },
		{ "no such op", LADB, 4, 1, 0, 0, -ENOTSUPP },
		{ "array", LB, 4, 1, 0, 0, -EFAULT },
	};
	union attr *page = mmap(NULL, PAGE, PROT_READ | PROT_WRITE,
				MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	size_t i;

	for (i = 0; i < ARRAY_SIZE(rows); i++) {
		int fd = map_new(&kinds[rows[i].kind], 4, 8, 4, 0);

		row("batch.count", "cmd %d: attr read-only, %s", rows[i].cmd,
		    rows[i].name);
		mprotect(page, PAGE, PROT_READ | PROT_WRITE);
		*page = good(rows[i].cmd, fd);
		page->batch.count = rows[i].count;
		page->batch.elem_flags = rows[i].elem_flags;
		page->batch.flags = rows[i].flags;
		mprotect(page, PAGE, PROT_READ);
		check_ret(sys_map(rows[i].cmd, page, ATTR), rows[i].want,
			  "result");
		close(fd);
	}
	munmap(page, PAGE);
}

/* Where the attr ends before what is stored in it */
TEST(output_cut, 0)
{
	uint8_t *attr = edge_new(7);
	uint32_t fd = one_key_map(), zero = 0;

	row("attr.out", "GET_NEXT_ID: attr of 7 bytes");
	memcpy(attr, &zero, 4);
	check_ret(sys_map(NEXT_ID, attr, 4), -EFAULT, "result");
	check_ret(sys_map(NEXT_ID, NULL, 0), -EFAULT, "no attr");
	row("attr.out", "OBJ_GET_INFO_BY_FD: attr of 7 bytes");
	memcpy(attr, &fd, 4);
	check_ret(sys_map(INFO, attr, 4), -EFAULT, "result");
	close(fd);
	edge_free(attr, 7);
}

/* ------------------------------------------------------------------------- */
/* Commands and ioctls that do not exist */

static bool known(int cmd)
{
	size_t i;

	for (i = 0; i < ARRAY_SIZE(commands); i++)
		if (commands[i].cmd == cmd)
			return true;
	return false;
}

TEST(unknown_commands, 0)
{
	uint8_t attr[PAGE] = { 0 };
	int cmd, fd;

	if (backend() == BACKEND_BPF)
		return;
	fd = one_key_map();
	for (cmd = 0; cmd < 256; cmd++) {
		if (known(cmd))
			continue;
		row("attr.command", "command %d", cmd);
		check_ret(ioctl_map(device_fd(), cmd, attr, ATTR), -EINVAL,
			  "on the device");
		check_ret(ioctl_map(fd, cmd, attr, ATTR), -EINVAL, "on a map");
		check_ret(ioctl_map(device_fd(), cmd, attr, 0), -EINVAL, "size 0");
		check_ret(ioctl_map(device_fd(), cmd, bad_ptr(), ATTR), -EFAULT,
			  "attr before it");
		check_ret(ioctl_map(device_fd(), cmd, attr, 4097), -E2BIG,
			  "size before it");
		attr[200] = 1;
		check_ret(ioctl_map(device_fd(), cmd, attr, 201), -E2BIG,
			  "tail before it");
		attr[200] = 0;
	}
}

static long raw_ioctl(int fd, unsigned long nr, void *arg)
{
	long ret = ioctl(fd, nr, arg);

	return ret < 0 ? -errno : ret;
}

TEST(ioctl_numbers, 0)
{
	static const unsigned int dirs[] = { _IOC_NONE, _IOC_READ, _IOC_WRITE };
	size_t i, j;
	int fd, magic;

	if (backend() == BACKEND_BPF)
		return;
	fd = one_key_map();
	for (i = 0; i < ARRAY_SIZE(commands); i++) {
		const struct command *c = &commands[i];
		union attr a = good(c->cmd, fd);
		unsigned long rw = _IOC_READ | _IOC_WRITE;

		for (j = 0; j < ARRAY_SIZE(dirs); j++) {
			unsigned long nr = _IOC(dirs[j], BPFMAP_IOC_MAGIC, c->cmd,
						ATTR);

			row("attr.ioctl", "%s: direction %u", c->name, dirs[j]);
			check_ret(raw_ioctl(device_fd(), nr, &a), -ENOTTY,
				  "on the device");
			check_ret(raw_ioctl(fd, nr, &a), -ENOTTY, "on a map");
		}
		for (magic = 1; magic < 256; magic <<= 1) {
			unsigned long nr = _IOC(rw, BPFMAP_IOC_MAGIC ^ magic, c->cmd,
						ATTR);

			row("attr.ioctl", "%s: magic ^ %#x", c->name, magic);
			check_ret(raw_ioctl(device_fd(), nr, &a), -ENOTTY,
				  "on the device");
			check_ret(raw_ioctl(fd, nr, &a), -ENOTTY, "on a map");
		}
	}
}

/* ------------------------------------------------------------------------- */
/* A map's own descriptor */

TEST(own_descriptor, 0)
{
	size_t i;

	for (i = 0; i < ARRAY_SIZE(commands) && backend() != BACKEND_BPF; i++) {
		const struct command *c = &commands[i];
		int fd = one_key_map(), other = one_key_map();
		int rdonly = map_get_fd_by_id(map_id(fd), BPFMAP_F_RDONLY);
		union attr a = good(c->cmd, other), tail = a;
		struct tmap t = { .kind = &kinds[0], .fd = fd, .key_size = 4,
				  .value_size = 8, .max_entries = 4, .vs = 8 };
		struct tmap o = t;
		struct snap old, old_other;

		o.fd = other;
		old = tmap_snap(&t, 8);
		old_other = tmap_snap(&o, 8);
		row("fd.own", "%s on a map's own descriptor", c->name);
		if (fd_offset(c->cmd) < 0) {
			check_ret(ioctl_map(fd, c->cmd, &a, ATTR), -EINVAL,
				  "result");
			memset(&tail, 0, sizeof(tail));
			check_ret(ioctl_map(fd, c->cmd, &tail, 0), -EINVAL,
				  "size 0");
		} else {
			check_ret(ioctl_map(fd, c->cmd, &a, ATTR), -EINVAL,
				  "another's map_fd");
			check_ret(ioctl_map(rdonly, c->cmd, &a, ATTR), -EINVAL,
				  "before the mode");
			a = good(c->cmd, fd);
			check_ret(ioctl_map(fd, c->cmd, &a, ATTR), -EINVAL,
				  "its own map_fd");
			a = good(c->cmd, closed_fd());
			check_ret(ioctl_map(fd, c->cmd, &a, ATTR), -EINVAL,
				  "a closed map_fd");
		}
		check_ret(ioctl_map(fd, c->cmd, bad_ptr(), ATTR), -EFAULT,
			  "attr before it");
		check_unchanged(&t, 8, &old);
		check_unchanged(&o, 8, &old_other);
		close(rdonly);
		close(fd);
		close(other);
	}
}

/* On the device, map_fd 0 is descriptor 0 like any other */
TEST(descriptor_zero, 0)
{
	int fd = one_key_map(), old = dup(0);
	struct bpfmap_info info;
	uint64_t value = 0;

	row("fd.closed", "map_fd 0: descriptor 0 is no map");
	check_ret(map_lookup(0, KEY, &value, 0), -EINVAL, "LOOKUP");
	check_ret(map_info(0, &info), -EINVAL, "info");
	check_ret(map_freeze(0), -EINVAL, "FREEZE");
	row("fd.closed", "map_fd 0: descriptor 0 is a map");
	dup2(fd, 0);
	check_ret(map_lookup(0, KEY, &value, 0), 0, "LOOKUP");
	check_num(value, 77, "value");
	check_ret(map_info(0, &info), 0, "info");
	check_num(info.id, map_id(fd), "its id");
	dup2(old, 0);
	close(0);
	row("fd.closed", "map_fd 0: descriptor 0 is closed");
	check_ret(map_lookup(0, KEY, &value, 0), -EBADF, "LOOKUP");
	check_ret(map_info(0, &info), -EBADFD, "info");
	dup2(old, 0);
}

static void map_at(void *p)
{
	if (mmap(p, PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS |
		 MAP_FIXED_NOREPLACE, -1, 0) != p) {
		perror("mmap");
		exit(99);
	}
}

int main(void)
{
	const char *name = getenv("BPFMAP_BACKEND");
	char dir[32];
	int ret;

	/* These tests go to a map's own descriptor where they mean to */
	if (name && !strcmp(name, "map"))
		setenv("BPFMAP_BACKEND", "device", 1);
	map_at(KEY);
	map_at(VALUE);
	map_at(OUT);
	map_at(INFO_BUF);
	map_at(PATH);
	ret = pin_mount(dir, NULL);
	if (ret) {
		printf("Bail out! no file system for pins: %s\n", strerror(-ret));
		return 99;
	}
	strcpy(PATH, pin_path(dir, "pin"));
	ret = run_tests();
	pin_umount(dir, MNT_DETACH);
	return ret;
}
