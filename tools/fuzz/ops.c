// SPDX-License-Identifier: GPL-2.0-only
/*
 * ops - calls on the device, on descriptors of maps, and on mappings
 *
 * Requests that would take all of the machine's memory are made smaller, unless
 * they are so large that they cannot succeed.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <string.h>
#include <unistd.h>
#include <sys/epoll.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>

#include "../examples/module/arena_list.h"
#include "../tests/module/ringtest.h"
#define ATTR_ROOM (2 * 4096)
#include "commands.h"
#include "fuzz.h"

#define PAGE		4096ULL
#define MAX_BYTES	(8ULL << 20)	/* of a map */
#define ABSURD_BYTES	(64ULL << 30)
#define MOVED_AT	((void *)(WINDOW_START + (1ULL << 39)))
#define MAX_WAIT	20		/* ms */

/* How a command finds its map */
enum { VIA_MAP, VIA_DEVICE, VIA_BOTH, N_VIA };

/* The last id that was seen, for those that ask for id 0 */
static uint32_t last_id;

static uint8_t scratch[N_HELPERS + 1][AREA_SIZE];

/* ------------------------------------------------------------------------- */
/* Contents */

static unsigned int cpus(void)
{
	static unsigned int n;

	if (!n)
		n = sysconf(_SC_NPROCESSORS_CONF);
	return n;
}

static bool is_percpu(uint32_t type)
{
	return type == BPFMAP_TYPE_PERCPU_HASH ||
	       type == BPFMAP_TYPE_PERCPU_ARRAY ||
	       type == BPFMAP_TYPE_LRU_PERCPU_HASH;
}

static bool is_outer(uint32_t type)
{
	return type == BPFMAP_TYPE_ARRAY_OF_MAPS ||
	       type == BPFMAP_TYPE_HASH_OF_MAPS;
}

/* Bytes that a command copies */
static size_t value_bytes(const struct shape *s, uint64_t flags)
{
	if (is_percpu(s->type) && !(flags & (BPFMAP_F_CPU | BPFMAP_F_ALL_CPUS)))
		return (s->value_size + 7ULL) / 8 * 8 * cpus();
	return s->value_size;
}

static size_t at_most(size_t a, size_t b)
{
	return a < b ? a : b;
}

/*
 * Keys are numbers, but those of a trie: the length of the prefix, and from bit
 * 16 on the data, of which the highest byte goes on to the end.
 */
static void fill_key(uint8_t *p, size_t room, const struct shape *s, uint64_t n)
{
	size_t size = at_most(s->key_size, room);
	uint32_t len = n & 0xffff;
	uint8_t key[16] = {};

	if (s->type != BPFMAP_TYPE_LPM_TRIE) {
		memset(p, 0, size);
		memcpy(p, &n, at_most(size, sizeof(n)));
		return;
	}
	memcpy(key, &len, sizeof(len));
	for (int i = 0; i < 6; i++)
		key[4 + i] = n >> (16 + 8 * (5 - i));
	memset(p, size > 10 ? (uint8_t)(n >> 16) : 0, size);
	/* Of long keys the first word can be the same */
	memcpy(p, key, at_most(size, size > 12 ? 9 : 10));
}

/* Where the last byte of a trie's key is in its number */
unsigned int trie_key_shift(uint32_t key_size)
{
	return key_size < 5 || key_size > 9 ? 16 : 16 + 8 * (10 - key_size);
}

static uint64_t next_key(const struct ctx *c, const struct shape *s, uint64_t n,
			 unsigned int i)
{
	if (c->step == STEP_NONE)
		return n;
	if (s->type != BPFMAP_TYPE_LPM_TRIE)
		return n + i;
	if (c->step == STEP_LONGER)
		return (n & ~0xffffULL) | ((n + i) & 0xffff);
	return n + ((uint64_t)i << trie_key_shift(s->key_size));
}

static void fill_value(uint8_t *p, size_t size, const struct shape *s, uint64_t n)
{
	int fd = slot_fd(n);

	if (is_outer(s->type)) {
		for (size_t i = 0; i + sizeof(fd) <= size; i += sizeof(fd))
			memcpy(p + i, &fd, sizeof(fd));
		return;
	}
	for (size_t i = 0; i < size; i += sizeof(n))
		memcpy(p + i, &n, at_most(size - i, sizeof(n)));
}

/* ------------------------------------------------------------------------- */
/* Commands */

#define CMD(NAME) (&command_rows[COMMAND_ROW_##NAME])

static long do_command(struct ctx *c, const struct command_row *cmd, uint64_t fd,
		       uint64_t via, union attr *attr, uint64_t size,
		       uint64_t junk, uint64_t at)
{
	int map = slot_fd(fd), on = map;
	uint64_t p;

	if (cmd->fd_at < 0) {
		on = via % N_VIA == VIA_DEVICE || via % N_VIA == VIA_MAP ?
		     device_fd() : map;
	} else if (via % N_VIA != VIA_MAP) {
		memcpy(attr->raw + cmd->fd_at, &map, sizeof(map));
		if (via % N_VIA == VIA_DEVICE)
			on = device_fd();
	}
	if (junk)
		attr->raw[junk % (PAGE + 16)] ^= 1 + (junk >> 16);
	size = (size ?: cmd->sends) & _IOC_SIZEMASK;
	p = mem_place(c, A_ATTR, at, attr, size);
	return ioctl(on, BPFMAP_IOC(cmd->nr, size), p);
}

static uint32_t sane_entries(const struct bpfmap_create_attr *a)
{
	uint64_t elem = a->value_size, all;

	if (is_percpu(a->map_type))
		elem = (elem + 7) / 8 * 8 * cpus();
	if (a->map_type == BPFMAP_TYPE_ARENA)
		elem = 0;
	else if (a->map_type == BPFMAP_TYPE_RINGBUF ||
		 a->map_type == BPFMAP_TYPE_USER_RINGBUF ||
		 a->map_type == BPFMAP_TYPE_BLOOM_FILTER)
		elem = 1;
	else if (a->map_type != BPFMAP_TYPE_ARRAY)
		elem += a->key_size + 64ULL;
	all = elem * a->max_entries;
	/* A map without preallocation can still be filled */
	if (all <= MAX_BYTES || (all > ABSURD_BYTES && a->value_size < PAGE))
		return a->max_entries;
	return elem > MAX_BYTES ? 1 : MAX_BYTES / elem;
}

static long op_create(struct ctx *c, const uint64_t *a)
{
	static const char names[][BPFMAP_NAME_LEN] = {
		"", "a.name_1", "bad name", "\xe9t\xe9", "0123456789abcdef", "_",
	};
	union attr attr = {};
	struct bpfmap_create_attr *m = &attr.create;
	uint8_t hash[32] = { 1 };
	long fd;

	m->map_type = a[CREATE_TYPE];
	m->key_size = a[CREATE_KEY];
	m->value_size = a[CREATE_VALUE];
	m->max_entries = a[CREATE_ENTRIES];
	m->map_flags = a[CREATE_FLAGS];
	m->inner_map_fd = slot_fd(a[CREATE_INNER]);
	m->map_extra = a[CREATE_EXTRA];
	m->numa_node = a[CREATE_NUMA];
	memcpy(m->map_name, names[a[CREATE_NAME] % ARRAY_SIZE(names)],
	       sizeof(m->map_name));
	if (a[CREATE_EXCL]) {
		m->excl_prog_hash = mem_place(c, A_OUT, a[CREATE_EXCL] - 1, hash,
					      sizeof(hash));
		m->excl_prog_hash_size = a[CREATE_EXCL] >> 32 ?: 32;
	}
	m->btf_fd = slot_fd(a[CREATE_BTF]);
	m->btf_key_type_id = a[CREATE_BTF] >> 8 & 255;
	m->btf_value_type_id = a[CREATE_BTF] >> 16 & 255;
	m->map_token_fd = slot_fd(a[CREATE_TOKEN]);
	m->max_entries = sane_entries(m);
	fd = do_command(c, CMD(MAP_CREATE), 0, VIA_DEVICE, &attr, a[CREATE_SIZE],
			a[CREATE_JUNK], AT_OK);
	slot_set(a[CREATE_OUT], fd, &(struct shape){ m->map_type, m->key_size,
		 m->value_size, m->max_entries });
	return fd;
}

static long do_elem(struct ctx *c, const struct command_row *cmd, const uint64_t *a)
{
	const struct shape *s = slot_shape(a[ELEM_FD]);
	uint8_t *buf = scratch[c->nr];
	union attr attr = {};
	size_t size = value_bytes(s, a[ELEM_FLAGS]);

	if (cmd == CMD(MAP_GET_NEXT_KEY))
		size = s->key_size;
	size = at_most(size, AREA_SIZE);
	if (s->key_size || a[ELEM_KEY_AT]) {
		fill_key(buf, AREA_SIZE, s, next_key(c, s, a[ELEM_KEY], c->rep));
		attr.elem.key = mem_place(c, A_KEY, a[ELEM_KEY_AT], buf,
					  s->key_size);
	}
	if (cmd != CMD(MAP_DELETE_ELEM) || a[ELEM_VALUE_AT]) {
		fill_value(buf, size, s, a[ELEM_VALUE] +
			   (is_outer(s->type) ? 0 : c->rep));
		attr.elem.value = mem_place(c, A_VALUE, a[ELEM_VALUE_AT], buf,
					    size);
	}
	attr.elem.flags = a[ELEM_FLAGS];
	return do_command(c, cmd, a[ELEM_FD], a[ELEM_VIA], &attr, a[ELEM_SIZE],
			  a[ELEM_JUNK], a[ELEM_JUNK + 1]);
}

#define ELEM_OP(name, cmd)						\
	static long op_##name(struct ctx *c, const uint64_t *a)		\
	{								\
		return do_elem(c, CMD(cmd), a);				\
	}
ELEM_OP(lookup, MAP_LOOKUP_ELEM)
ELEM_OP(update, MAP_UPDATE_ELEM)
ELEM_OP(delete, MAP_DELETE_ELEM)
ELEM_OP(next_key, MAP_GET_NEXT_KEY)
ELEM_OP(lookup_delete, MAP_LOOKUP_AND_DELETE_ELEM)

static long do_batch(struct ctx *c, const struct command_row *cmd, const uint64_t *a)
{
	const struct shape *s = slot_shape(a[BATCH_FD]);
	size_t value = value_bytes(s, a[BATCH_ELEM_FLAGS]), n;
	uint32_t count = a[BATCH_COUNT];
	uint8_t *buf = scratch[c->nr];
	struct bpfmap_batch_attr *b;
	union attr attr = {};

	b = &attr.batch;
	b->count = count;
	b->elem_flags = a[BATCH_ELEM_FLAGS];
	b->flags = a[BATCH_FLAGS];
	fill_key(buf, AREA_SIZE, s, a[BATCH_CURSOR]);
	b->in_batch = mem_place(c, A_CURSOR, a[BATCH_IN_AT],
				a[BATCH_CURSOR] ? buf : NULL, s->key_size);
	b->out_batch = mem_place(c, A_CURSOR, a[BATCH_OUT_AT], NULL,
				 s->key_size);
	n = s->key_size ? at_most(count, AREA_SIZE / s->key_size) : 0;
	for (size_t i = 0; i < n; i++)
		fill_key(buf + i * s->key_size, AREA_SIZE, s,
			 next_key(c, s, a[BATCH_KEY], c->rep * n + i));
	b->keys = mem_place(c, A_KEY, a[BATCH_KEYS_AT], buf, n * s->key_size);
	n = value ? at_most(count, AREA_SIZE / value) * value : 0;
	fill_value(buf, n, s, a[BATCH_VALUE]);
	b->values = mem_place(c, A_VALUE, a[BATCH_VALUES_AT], buf, n);
	return do_command(c, cmd, a[BATCH_FD], a[BATCH_VIA], &attr,
			  a[BATCH_SIZE], a[BATCH_JUNK], AT_OK);
}

#define BATCH_OP(name, cmd)						\
	static long op_##name(struct ctx *c, const uint64_t *a)		\
	{								\
		return do_batch(c, CMD(cmd), a);				\
	}
BATCH_OP(lookup_batch, MAP_LOOKUP_BATCH)
BATCH_OP(lookup_delete_batch, MAP_LOOKUP_AND_DELETE_BATCH)
BATCH_OP(update_batch, MAP_UPDATE_BATCH)
BATCH_OP(delete_batch, MAP_DELETE_BATCH)
BATCH_OP(lookup_many, MAP_LOOKUP_MANY)
BATCH_OP(lookup_delete_many, MAP_LOOKUP_AND_DELETE_MANY)
BATCH_OP(update_many, MAP_UPDATE_MANY)
BATCH_OP(delete_many, MAP_DELETE_MANY)

static long op_freeze(struct ctx *c, const uint64_t *a)
{
	union attr attr = {};

	return do_command(c, CMD(MAP_FREEZE), a[0], a[1], &attr, a[2], a[3], AT_OK);
}

static long op_next_id(struct ctx *c, const uint64_t *a)
{
	union attr attr = {};
	long ret;

	attr.id.start_id = a[0] == 1 ? last_id : a[0];
	ret = do_command(c, CMD(MAP_GET_NEXT_ID), a[1], a[2], &attr, a[3], a[4],
			 a[5]);
	if (!ret && !a[5])
		memcpy(&last_id, c->areas[A_ATTR] + 4, sizeof(last_id));
	return ret;
}

/* What a map is that came from somewhere */
static void set_found(uint64_t slot, int fd)
{
	struct bpfmap_info info = {};
	struct bpfmap_info_attr attr = {
		.info_len = sizeof(info), .info = (uintptr_t)&info,
	};

	if (fd < 0)
		return;
	ioctl(fd, BPFMAP_OBJ_GET_INFO_BY_FD, &attr);
	slot_set(slot, fd, &(struct shape){ info.type, info.key_size,
		 info.value_size, info.max_entries });
}

static long op_fd_by_id(struct ctx *c, const uint64_t *a)
{
	union attr attr = {};
	long fd;

	attr.id.map_id = a[1] ?: last_id;
	attr.id.open_flags = a[2];
	fd = do_command(c, CMD(MAP_GET_FD_BY_ID), a[3], a[4], &attr, a[5], a[6],
			AT_OK);
	set_found(a[0], fd);
	return fd;
}

static long op_info(struct ctx *c, const uint64_t *a)
{
	struct bpfmap_info info = {};
	union attr attr = {};

	if (a[4]) {
		info.hash = mem_place(c, A_VALUE, a[4] - 1, NULL, 32);
		info.hash_size = a[5] ?: 32;
	}
	attr.info.info_len = a[2] ?: sizeof(info);
	attr.info.info = mem_place(c, A_OUT, a[3], &info, sizeof(info));
	/* Behind the members there must be zeros */
	if (a[8])
		memset(c->areas[A_OUT] + sizeof(info) - 4, a[8], 64);
	else
		memset(c->areas[A_OUT] + sizeof(info), 0, 2 * PAGE);
	return do_command(c, CMD(OBJ_GET_INFO_BY_FD), a[0], a[1], &attr, a[6], a[7],
			  a[9]);
}

static long op_pin(struct ctx *c, const uint64_t *a)
{
	const char *path = paths[a[2] % n_paths];
	union attr attr = {};

	attr.obj.pathname = mem_place(c, A_OUT, a[3], path, strlen(path) + 1);
	attr.obj.file_flags = a[4];
	attr.obj.path_fd = a[5] ? slot_fd(a[5] - 1) : 0;
	return do_command(c, CMD(OBJ_PIN), a[0], a[1], &attr, a[6], a[7], AT_OK);
}

static long op_get(struct ctx *c, const uint64_t *a)
{
	const char *path = paths[a[1] % n_paths];
	union attr attr = {};
	long fd;

	attr.obj.pathname = mem_place(c, A_OUT, a[2], path, strlen(path) + 1);
	attr.obj.file_flags = a[3];
	attr.obj.path_fd = a[4] ? slot_fd(a[4] - 1) : 0;
	fd = do_command(c, CMD(OBJ_GET), 0, VIA_DEVICE, &attr, a[5], a[6], AT_OK);
	set_found(a[0], fd);
	return fd;
}

/* Any ioctl of that magic, and others */
static long op_ioctl(struct ctx *c, const uint64_t *a)
{
	union attr attr = {};
	unsigned int size = a[3] & _IOC_SIZEMASK;

	for (int i = 0; i < 6; i++)
		memcpy(attr.raw + 8 * i, &a[5 + i], 8);
	return ioctl(slot_fd(a[0]), _IOC((a[2] ^ 3) & 3, BPFMAP_IOC_MAGIC ^
					 (a[2] >> 2 & 255), a[1] & 255, size),
		     mem_place(c, A_ATTR, a[4], &attr, size));
}

/* ------------------------------------------------------------------------- */
/* Descriptors */

static long op_device(struct ctx *c, const uint64_t *a)
{
	static const struct shape none;
	int fd = open("/dev/bpfmap", (a[1] & (O_ACCMODE | O_PATH)) | O_CLOEXEC);

	slot_set(a[0], fd, &none);
	return fd;
}

static long op_close(struct ctx *c, const uint64_t *a)
{
	slot_close(a[0]);
	return 0;
}

static long op_dup(struct ctx *c, const uint64_t *a)
{
	int fd = dup(slot_fd(a[1]));

	slot_set(a[0], fd, slot_shape(a[1]));
	return fd;
}

static long op_read(struct ctx *c, const uint64_t *a)
{
	void *p = (void *)mem_place(c, A_OUT, a[1], NULL, 64);

	return a[2] ? write(slot_fd(a[0]), p, 64) : read(slot_fd(a[0]), p, 64);
}

static long op_seek(struct ctx *c, const uint64_t *a)
{
	struct stat st;

	fstat(slot_fd(a[0]), &st);
	ftruncate(slot_fd(a[0]), a[1]);
	return lseek(slot_fd(a[0]), a[1], a[2] % 5);
}

static long op_fdinfo(struct ctx *c, const uint64_t *a)
{
	char path[64], buf[1024];
	long n;
	int fd;

	snprintf(path, sizeof(path), "/proc/self/fdinfo/%d", slot_fd(a[0]));
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return -1;
	n = read(fd, buf, sizeof(buf));
	close(fd);
	return n;
}

static long op_poll(struct ctx *c, const uint64_t *a)
{
	struct pollfd p = { .fd = slot_fd(a[0]), .events = a[1] ?: POLLIN };

	return poll(&p, 1, at_most(a[2], MAX_WAIT));
}

static long op_epoll(struct ctx *c, const uint64_t *a)
{
	struct epoll_event event = { .events = a[1] ?: EPOLLIN };
	int fd = epoll_create1(EPOLL_CLOEXEC);
	long ret;

	if (fd < 0)
		return -1;
	ret = epoll_ctl(fd, EPOLL_CTL_ADD, slot_fd(a[0]), &event);
	if (!ret)
		ret = epoll_wait(fd, &event, 1, at_most(a[2], MAX_WAIT));
	close(fd);
	return ret;
}

/* ------------------------------------------------------------------------- */
/* Mappings */

static long op_mmap(struct ctx *c, const uint64_t *a)
{
	struct mapping *m = mapping_at(a[MMAP_MAP]);
	uint64_t len = (a[MMAP_LEN] & 0xffffffff) * PAGE;
	int flags = a[MMAP_FLAGS] & (MAP_SHARED | MAP_PRIVATE | MAP_FIXED |
				     MAP_POPULATE | MAP_NORESERVE);
	uint64_t at = a[MMAP_ADDR];
	uint8_t *p;

	if (!(flags & MAP_TYPE))
		flags |= MAP_SHARED;
	if (at < WINDOW_START || at + len > WINDOW_END) {
		flags &= ~MAP_FIXED;
		at = at ? WINDOW_START : 0;
	}
	/* A large arena is better not filled */
	if (len > MAX_BYTES)
		flags &= ~MAP_POPULATE;
	p = mmap((void *)at, len, a[MMAP_PROT] & 7, flags, slot_fd(a[MMAP_FD]),
		 a[MMAP_OFF] * PAGE);
	if (p == MAP_FAILED)
		return -1;
	if (m->addr && m->addr != p)
		munmap(m->addr, m->len);
	*m = (struct mapping){ p, len };
	return 0;
}

/* Pages of a mapping, none outside of it */
static bool part(const uint64_t *a, struct mapping *part)
{
	struct mapping m = *mapping_at(a[0]);
	uint64_t pages = m.len / PAGE, off;

	if (!m.addr || !pages)
		return false;
	off = a[1] % pages;
	part->addr = m.addr + off * PAGE;
	part->len = (a[2] && a[2] < pages - off ? a[2] : pages - off) * PAGE;
	return true;
}

static long op_munmap(struct ctx *c, const uint64_t *a)
{
	struct mapping m;

	return part(a, &m) ? munmap(m.addr, m.len) : -1;
}

static long op_mprotect(struct ctx *c, const uint64_t *a)
{
	struct mapping m;

	return part(a, &m) ? mprotect(m.addr, m.len, a[3] & 7) : -1;
}

static long op_madvise(struct ctx *c, const uint64_t *a)
{
	struct mapping m;

	return part(a, &m) ? madvise(m.addr, m.len, a[3] % 26) : -1;
}

static long op_mremap(struct ctx *c, const uint64_t *a)
{
	struct mapping *m = mapping_at(a[0]), old = *m;
	uint8_t *p;

	if (!old.addr)
		return -1;
	p = mremap(old.addr, old.len, a[1] * PAGE,
		   a[2] & (MREMAP_MAYMOVE | MREMAP_FIXED), MOVED_AT);
	if (p == MAP_FAILED)
		return -1;
	*m = (struct mapping){ p, a[1] * PAGE };
	return 0;
}

static uint64_t *word_at(uint64_t map, uint64_t off)
{
	const struct mapping *m = mapping_at(map);

	return m->len ? (void *)(m->addr + off % m->len / 8 * 8) : NULL;
}

static long op_peek(struct ctx *c, const uint64_t *a)
{
	uint64_t *p = word_at(a[0], a[1] + c->rep * PAGE), value;

	return p ? mem_load(p, &value) : -1;
}

static long op_poke(struct ctx *c, const uint64_t *a)
{
	uint64_t *p = word_at(a[0], a[1] + c->rep * PAGE);

	return p ? mem_store(p, a[2]) : -1;
}

/* ------------------------------------------------------------------------- */
/* Modules that call the in-kernel functions */

static long op_ring(struct ctx *c, const uint64_t *a)
{
	static int fd = -1;
	struct ringtest t = {
		.op = a[0] % 6, .map_fd = slot_fd(a[1]), .slot = a[2] % 9,
		.size = a[3] + (a[6] ? c->rep : 0), .flags = a[4],
	};

	if (fd < 0)
		fd = open("/dev/bpfmap_ringtest", O_RDWR | O_CLOEXEC);
	t.data = mem_place(c, A_VALUE, a[5], NULL, RINGTEST_BUF);
	return ioctl(fd, RINGTEST, &t) ?: t.ret;
}

static long op_arena(struct ctx *c, const uint64_t *a)
{
	static const unsigned long cmds[] = {
		ARENA_LIST_ADD, ARENA_LIST_SUM, ARENA_LIST_FREE,
	};
	static int fd = -1;
	const struct mapping *m = mapping_at(a[3]);
	struct arena_list list = {
		.map_fd = slot_fd(a[1]), .nr = a[2] & 63,
		.at = a[4] ? (uintptr_t)m->addr + (a[4] - 1) : 0,
	};

	/* To the end and further is fine for freeing */
	if (a[0] % 3 == 2)
		list.nr = a[2];
	if (fd < 0)
		fd = open("/dev/bpfmap_arena_list", O_RDWR | O_CLOEXEC);
	return ioctl(fd, cmds[a[0] % 3], &list);
}

/* ------------------------------------------------------------------------- */
/* The process */

static long op_user(struct ctx *c, const uint64_t *a)
{
	/* Helpers would have to be told when the program ends */
	return c->nr ? 0 : syscall(SYS_setresuid, -1, a[0] ? 1000 : 0, -1);
}

static long op_cpu(struct ctx *c, const uint64_t *a)
{
	cpu_set_t set;

	CPU_ZERO(&set);
	CPU_SET(a[0] % cpus(), &set);
	return sched_setaffinity(0, sizeof(set), &set);
}

static long op_files(struct ctx *c, const uint64_t *a)
{
	struct rlimit limit = { a[0], 4096 };

	return setrlimit(RLIMIT_NOFILE, &limit);
}

static long op_wait(struct ctx *c, const uint64_t *a)
{
	return usleep(at_most(a[0], MAX_WAIT * 1000));
}

#define ELEM_ARGS							\
	{ { "fd", K_FD }, { "via", K_NUM }, { "key", K_NUM },		\
	  { "key_at", K_PLACE }, { "value", K_NUM },			\
	  { "value_at", K_PLACE }, { "flags", K_ELEM_FLAGS },		\
	  { "size", K_SIZE }, { "junk", K_NUM }, { "attr_at", K_PLACE } }
#define BATCH_ARGS							\
	{ { "fd", K_FD }, { "via", K_NUM }, { "cursor", K_NUM },	\
	  { "in_at", K_PLACE }, { "out_at", K_PLACE },			\
	  { "key", K_NUM }, { "keys_at", K_PLACE }, { "value", K_NUM },	\
	  { "values_at", K_PLACE }, { "count", K_NUM },			\
	  { "elem_flags", K_ELEM_FLAGS }, { "flags", K_NUM },		\
	  { "size", K_SIZE }, { "junk", K_NUM } }
#define RANGE { "map", K_MAPPING }, { "off", K_NUM }, { "len", K_NUM }

const struct op ops[] = {
	{ "create", op_create, 30,
	  { { "out", K_OUT }, { "type", K_TYPE }, { "key", K_NUM },
	    { "value", K_NUM }, { "entries", K_NUM },
	    { "flags", K_CREATE_FLAGS }, { "inner", K_FD }, { "extra", K_NUM },
	    { "numa", K_NUM }, { "name", K_NUM }, { "excl", K_NUM },
	    { "btf", K_NUM }, { "token", K_NUM }, { "size", K_SIZE },
	    { "junk", K_NUM } } },
	{ "lookup", op_lookup, 25, ELEM_ARGS },
	{ "update", op_update, 50, ELEM_ARGS },
	{ "delete", op_delete, 25, ELEM_ARGS },
	{ "next_key", op_next_key, 15, ELEM_ARGS },
	{ "lookup_delete", op_lookup_delete, 15, ELEM_ARGS },
	{ "lookup_batch", op_lookup_batch, 20, BATCH_ARGS },
	{ "lookup_delete_batch", op_lookup_delete_batch, 20, BATCH_ARGS },
	{ "update_batch", op_update_batch, 20, BATCH_ARGS },
	{ "delete_batch", op_delete_batch, 12, BATCH_ARGS },
	{ "lookup_many", op_lookup_many, 20, BATCH_ARGS },
	{ "lookup_delete_many", op_lookup_delete_many, 10, BATCH_ARGS },
	{ "update_many", op_update_many, 20, BATCH_ARGS },
	{ "delete_many", op_delete_many, 10, BATCH_ARGS },
	{ "freeze", op_freeze, 6,
	  { { "fd", K_FD }, { "via", K_NUM }, { "size", K_SIZE },
	    { "junk", K_NUM } } },
	{ "next_id", op_next_id, 5,
	  { { "start", K_NUM }, { "fd", K_FD }, { "via", K_NUM },
	    { "size", K_SIZE }, { "junk", K_NUM }, { "at", K_PLACE } } },
	{ "fd_by_id", op_fd_by_id, 6,
	  { { "out", K_OUT }, { "id", K_NUM }, { "flags", K_CREATE_FLAGS },
	    { "fd", K_FD }, { "via", K_NUM }, { "size", K_SIZE },
	    { "junk", K_NUM } } },
	{ "info", op_info, 10,
	  { { "fd", K_FD }, { "via", K_NUM }, { "len", K_NUM },
	    { "info_at", K_PLACE }, { "hash", K_NUM }, { "hash_size", K_NUM },
	    { "size", K_SIZE }, { "junk", K_NUM }, { "tail", K_NUM },
	    { "attr_at", K_PLACE } } },
	{ "pin", op_pin, 10,
	  { { "fd", K_FD }, { "via", K_NUM }, { "path", K_PATH },
	    { "path_at", K_PLACE }, { "flags", K_CREATE_FLAGS },
	    { "dir", K_NUM }, { "size", K_SIZE }, { "junk", K_NUM } } },
	{ "get", op_get, 10,
	  { { "out", K_OUT }, { "path", K_PATH }, { "path_at", K_PLACE },
	    { "flags", K_CREATE_FLAGS }, { "dir", K_NUM }, { "size", K_SIZE },
	    { "junk", K_NUM } } },
	{ "ioctl", op_ioctl, 5,
	  { { "fd", K_FD }, { "nr", K_NUM }, { "type", K_NUM },
	    { "size", K_SIZE }, { "at", K_PLACE }, { "w0", K_NUM },
	    { "w1", K_NUM }, { "w2", K_NUM }, { "w3", K_NUM }, { "w4", K_NUM },
	    { "w5", K_NUM } } },
	{ "device", op_device, 1, { { "out", K_OUT }, { "flags", K_NUM } } },
	{ "close", op_close, 8, { { "fd", K_OUT } } },
	{ "dup", op_dup, 4, { { "out", K_OUT }, { "fd", K_FD } } },
	{ "read", op_read, 2,
	  { { "fd", K_FD }, { "at", K_PLACE }, { "write", K_NUM } } },
	{ "seek", op_seek, 1,
	  { { "fd", K_FD }, { "off", K_NUM }, { "whence", K_NUM } } },
	{ "fdinfo", op_fdinfo, 5, { { "fd", K_FD } } },
	{ "poll", op_poll, 6,
	  { { "fd", K_FD }, { "events", K_NUM }, { "ms", K_NUM } } },
	{ "epoll", op_epoll, 4,
	  { { "fd", K_FD }, { "events", K_NUM }, { "ms", K_NUM } } },
	{ "mmap", op_mmap, 16,
	  { { "map", K_MAPPING }, { "fd", K_FD }, { "len", K_NUM },
	    { "prot", K_PROT }, { "flags", K_NUM }, { "off", K_NUM },
	    { "addr", K_NUM } } },
	{ "munmap", op_munmap, 5, { RANGE } },
	{ "mprotect", op_mprotect, 5, { RANGE, { "prot", K_PROT } } },
	{ "madvise", op_madvise, 3, { RANGE, { "advice", K_NUM } } },
	{ "mremap", op_mremap, 3,
	  { { "map", K_MAPPING }, { "len", K_NUM }, { "flags", K_NUM } } },
	{ "peek", op_peek, 8, { { "map", K_MAPPING }, { "off", K_NUM } } },
	{ "poke", op_poke, 14,
	  { { "map", K_MAPPING }, { "off", K_NUM }, { "value", K_NUM } } },
	{ "ring", op_ring, 20,
	  { { "op", K_NUM }, { "fd", K_FD }, { "slot", K_NUM },
	    { "size", K_NUM }, { "flags", K_NUM }, { "at", K_PLACE },
	    { "grow", K_NUM } } },
	{ "arena", op_arena, 14,
	  { { "op", K_NUM }, { "fd", K_FD }, { "nr", K_NUM },
	    { "map", K_MAPPING }, { "at", K_NUM } } },
	{ "user", op_user, 3, { { "other", K_NUM } } },
	{ "cpu", op_cpu, 4, { { "cpu", K_NUM } } },
	{ "files", op_files, 1, { { "max", K_NUM } } },
	{ "wait", op_wait, 2, { { "us", K_NUM } } },
	{ "mount", op_mount, 4,
	  { { "path", K_PATH }, { "options", K_NUM }, { "flags", K_NUM } } },
	{ "umount", op_umount, 2, { { "path", K_PATH }, { "flags", K_NUM } } },
	{ "mkdir", op_mkdir, 3, { { "path", K_PATH }, { "mode", K_NUM } } },
	{ "rmdir", op_rmdir, 2, { { "path", K_PATH } } },
	{ "unlink", op_unlink, 5, { { "path", K_PATH } } },
	{ "rename", op_rename, 3,
	  { { "path", K_PATH }, { "to", K_PATH }, { "flags", K_NUM } } },
	{ "link", op_link, 3, { { "path", K_PATH }, { "to", K_PATH } } },
	{ "symlink", op_symlink, 3, { { "path", K_PATH }, { "to", K_PATH } } },
	{ "chmod", op_chmod, 2,
	  { { "path", K_PATH }, { "mode", K_NUM }, { "owner", K_NUM } } },
	{ "open", op_open, 4,
	  { { "out", K_OUT }, { "path", K_PATH }, { "flags", K_NUM } } },
	{ "list", op_list, 2, { { "path", K_PATH } } },
	{ "statfs", op_statfs, 1, { { "path", K_PATH } } },
	{ "mounts", op_mounts, 2, { } },
};

const unsigned int n_ops = ARRAY_SIZE(ops);
