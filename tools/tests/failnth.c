// SPDX-License-Identifier: GPL-2.0-only
/*
 * Every allocation and every copy of every command on every type of map fails
 * once, and once with all allocations behind it, since one alone is often made
 * good by another way to get the memory: the errno is right, the map is
 * unchanged (or, after a batch, as the count says), nothing leaks, and the
 * command works when tried again: [copy.memory], [update.memory],
 * [batch.memory], [create.memory], [update.failed].
 *
 * Each trial has a map of its own. The first one, where nothing fails, tells
 * what the command does to it; that is what another one shall find when the
 * command succeeds in spite of a failure inside of it.
 *
 * FAILNTH_ALL: 1 for all of it, which takes minutes; else variants are left out,
 *	what all types do in the same way is tried with one of them, and what
 *	fails always fails with all behind it
 * FAILNTH_TYPE, FAILNTH_COMMAND: only what has this in its name
 * FAILNTH_VERBOSE: 1 to see each of the failures
 */
#include <setjmp.h>
#include <signal.h>
#include <sys/epoll.h>
#include <sys/ioctl.h>
#include <sys/mman.h>

#include "failnth.h"
#include "pin.h"

#define LIMIT		3000	/* no command has as many allocations */

/* What the elements are like after a command that failed */
enum aftermath {
	AS_BEFORE,
	SOME_DONE,	/* as many of the batch as the count says */
	MAY_BE_TAKEN,	/* EFAULT comes when the element is gone */
	MAY_LACK,	/* the same for any number of them */
};

struct trial {
	const struct shape *s;
	const struct command *c;
	int fd;
	union attr attr;
	uint8_t key[KEY_BYTES];
	uint8_t cursor[KEY_BYTES];
	uint8_t *keys, *values;		/* of a whole batch */
	size_t value_bytes;
	int other_fd;
	char *place, *map;
	bool and_all;
	unsigned int nth;		/* failure */
	unsigned int sent;		/* count of a batch */
	long ret;
	unsigned int n_before;
	int before[SNAP_MAX], after[SNAP_MAX];
};

/**
 * struct command - what is done to a map
 * @cmd: of the device, if there is no @run
 * @prepare: what comes before; its memory is in place then
 * @run: result or -errno; allocates nothing itself
 * @verify: what came out, if it succeeded
 * @undo: what a success has left
 * @writes: FREEZE would have to wait for it
 * @same_for_all: all types do the same
 * @once: what @prepare does stays
 * @retried: without memory the kernel tries it again: with all allocations
 *	failing for ever, so that one alone fails
 * @err: what it may say apart from ENOMEM and EFAULT, or 0
 */
struct command {
	const char *name;
	int cmd;
	void (*prepare)(struct trial *t);
	long (*run)(struct trial *t);
	void (*verify)(struct trial *t);
	void (*undo)(struct trial *t);
	enum aftermath aftermath;
	bool writes;
	bool same_for_all;
	bool once;
	bool retried;
	int err;
};

static int zero_fd = -1;
static char pin_dir[32], pinned[PIN_PATH], pin_new[PIN_PATH];

/* ------------------------------------------------------------------------- */
/* Preparations */

static void elem(struct trial *t, unsigned int nr, bool new)
{
	memset(t->values, FILL, t->value_bytes);
	if (new && t->value_bytes)
		shape_value(t->s, nr, true, t->values);
	shape_key(t->s, nr, t->key);
	t->attr.elem.map_fd = t->fd;
	t->attr.elem.key = t->s->key_size ? PTR(t->key) : 0;
	t->attr.elem.value = PTR(t->values);
}

static void prepare_read(struct trial *t)
{
	elem(t, 1, t->s->content == MEMBERS);
}

static void prepare_replace(struct trial *t)
{
	elem(t, 1, true);
}

static void prepare_insert(struct trial *t)
{
	elem(t, t->s->fill, true);
}

static void prepare_delete(struct trial *t)
{
	elem(t, 1, false);
	t->attr.elem.value = 0;
}

static void prepare_next(struct trial *t)
{
	elem(t, 1, false);
	memset(t->cursor, FILL, sizeof(t->cursor));
	t->attr.elem.next_key = PTR(t->cursor);
}

static void prepare_first(struct trial *t)
{
	prepare_next(t);
	t->attr.elem.key = 0;
}

static void batch(struct trial *t, unsigned int count)
{
	memset(t->keys, FILL, KEYS_MAX * KEY_BYTES);
	memset(t->values, FILL, KEYS_MAX * t->value_bytes);
	t->attr.batch.map_fd = t->fd;
	t->attr.batch.out_batch = PTR(t->cursor);
	t->attr.batch.keys = PTR(t->keys);
	t->attr.batch.values = PTR(t->values);
	t->attr.batch.count = count;
	t->sent = count;
}

static void prepare_batch_out(struct trial *t)
{
	batch(t, KEYS_MAX);
}

/* Elements that are there, then some that are not */
static unsigned int batch_first(const struct shape *s)
{
	return s->fill > 2 ? s->fill - 2 : 0;
}

static void prepare_batch_in(struct trial *t)
{
	unsigned int i, nr = batch_first(t->s);

	batch(t, shape_keys(t->s) - nr);
	for (i = 0; t->s->key_size && i < t->attr.batch.count; i++, nr++) {
		shape_key(t->s, nr, t->keys + i * t->s->key_size);
		shape_value(t->s, nr, true, t->values + i * t->value_bytes);
	}
}

static void prepare_freeze(struct trial *t)
{
	t->attr.freeze.map_fd = t->fd;
}

static void prepare_info(struct trial *t)
{
	memset(t->values, 0, sizeof(struct bpfmap_info));
	t->attr.info.bpf_fd = t->fd;
	t->attr.info.info_len = sizeof(struct bpfmap_info);
	t->attr.info.info = PTR(t->values);
}

static void prepare_next_id(struct trial *t)
{
	t->attr.id.start_id = map_id(t->fd) - 1;
}

static void prepare_by_id(struct trial *t)
{
	t->attr.id.map_id = map_id(t->fd);
}

static void prepare_create(struct trial *t)
{
	shape_attr(t->s, &t->attr.create);
}

static void prepare_pin(struct trial *t)
{
	t->attr.obj.bpf_fd = t->fd;
	t->attr.obj.pathname = PTR(pin_new);
}

static void prepare_get(struct trial *t)
{
	expect_eq(pin_obj(t->fd, pinned), 0);
	t->attr.obj.pathname = PTR(pinned);
}

static void prepare_epoll(struct trial *t)
{
	t->other_fd = epoll_create1(EPOLL_CLOEXEC);
	need(t->other_fd >= 0);
}

static void prepare_mmap(struct trial *t)
{
	t->place = shape_place();
}

static sigjmp_buf no_page;

static void on_segv(int sig)
{
	(void)sig;
	siglongjmp(no_page, 1);
}

/* The runner has a handler of its own */
static void prepare_touch(struct trial *t)
{
	struct sigaction action = { .sa_handler = on_segv, .sa_flags = SA_NODEFER };

	sigaction(SIGSEGV, &action, NULL);
	prepare_mmap(t);
	t->map = shape_map(t->s, t->fd, t->place);
	expect((t->map != MAP_FAILED) == (t->s->pages > 0));
}

/* ------------------------------------------------------------------------- */
/* What is no ioctl */

static long run_mmap(struct trial *t)
{
	t->map = shape_map(t->s, t->fd, t->place);
	return t->map == MAP_FAILED ? -errno : 0;
}

static long touch(volatile char *page)
{
	if (sigsetjmp(no_page, 0))
		return -ENOMEM;
	*page = 1;
	return 0;
}

static long run_touch(struct trial *t)
{
	return t->map == MAP_FAILED ? -ENXIO : touch(t->map);
}

/* A fault of the kernel's, on behalf of read(), which gives up what fails */
static long run_read_into(struct trial *t)
{
	return t->map == MAP_FAILED ? -ENXIO : sys_result(read(zero_fd, t->map, 1));
}

static long run_open(struct trial *t)
{
	(void)t;
	return sys_result(open("/dev/bpfmap", O_RDWR | O_CLOEXEC));
}

static long run_dup(struct trial *t)
{
	return sys_result(dup(t->fd));
}

static long run_epoll(struct trial *t)
{
	struct epoll_event event = { .events = EPOLLIN };

	return sys_result(epoll_ctl(t->other_fd, EPOLL_CTL_ADD, t->fd, &event));
}

/* ------------------------------------------------------------------------- */
/* What came out, and what is left */

static void verify_value(struct trial *t)
{
	if (shape_keyed(t->s))
		check_num(shape_value_class(t->s, 1, t->values), IS_OLD,
			  "value that came out");
}

static void verify_next(struct trial *t)
{
	int nr = shape_key_number(t->s, t->cursor);

	check(nr >= 0 && t->before[nr] >= 0, "next key is number %d", nr);
}

static void verify_batch(struct trial *t)
{
	const struct shape *s = t->s;
	bool seen[KEYS_MAX] = { 0 };
	unsigned int i;
	int nr;

	if (!shape_keyed(s))
		return;
	check(t->attr.batch.count <= KEYS_MAX, "count is %u",
	      t->attr.batch.count);
	for (i = 0; i < t->attr.batch.count && i < KEYS_MAX; i++) {
		nr = shape_key_number(s, t->keys + i * s->key_size);
		if (!check(nr >= 0 && nr < KEYS_MAX && !seen[nr],
			   "key %u of %u is number %d", i, t->attr.batch.count, nr))
			continue;
		seen[nr] = true;
		if ((unsigned int)nr < shape_keys(s))
			check_num(shape_value_class(s, nr, t->values +
						    i * t->value_bytes),
				  t->before[nr], "value of key number %d", nr);
	}
}

static void verify_info(struct trial *t)
{
	const struct bpfmap_info *info = (void *)t->values;

	check_num(info->id, map_id(t->fd), "id");
	check_num(info->type, t->s->type, "type");
	check_num(info->max_entries, t->s->max_entries, "max_entries");
	check_mem(info->name, "failnth\0\0\0\0\0\0\0\0", BPFMAP_NAME_LEN, "name");
}

static void verify_next_id(struct trial *t)
{
	check_num(t->attr.id.next_id, map_id(t->fd), "next_id");
}

static void verify_by_id(struct trial *t)
{
	check_num(map_id(t->ret), map_id(t->fd), "id of what was opened");
}

static void undo_fd(struct trial *t)
{
	close(t->ret);
}

static void undo_pin(struct trial *t)
{
	(void)t;
	expect_eq(unlink(pin_new), 0);
}

static void undo_mmap(struct trial *t)
{
	munmap(t->map, shape_mapped_bytes(t->s));
	t->map = MAP_FAILED;
}

static const struct command commands[] = {
	{ "create", BPFMAP_CMD_MAP_CREATE, prepare_create, .undo = undo_fd },
	{ "lookup", LOOKUP, prepare_read,
	  .verify = verify_value },
	{ "replace", UPDATE, .prepare = prepare_replace, .writes = true },
	{ "insert", UPDATE, .prepare = prepare_insert, .writes = true },
	{ "delete", DELETE, .prepare = prepare_delete, .writes = true },
	{ "lookup_and_delete", LAD,
	  prepare_read, .verify = verify_value, .aftermath = MAY_BE_TAKEN, .writes = true },
	{ "first_key", NEXT, prepare_first,
	  .verify = verify_next },
	{ "next_key", NEXT, prepare_next,
	  .verify = verify_next },
	{ "lookup_batch", LB, prepare_batch_out,
	  .verify = verify_batch },
	{ "lookup_and_delete_batch", LADB,
	  prepare_batch_out, .verify = verify_batch, .aftermath = MAY_LACK, .writes = true },
	{ "update_batch", UB, prepare_batch_in,
	  .aftermath = SOME_DONE, .writes = true },
	{ "delete_batch", DB, prepare_batch_in,
	  .aftermath = SOME_DONE, .writes = true },
	{ "freeze", BPFMAP_CMD_MAP_FREEZE, .prepare = prepare_freeze, .writes = true },
	{ "info", BPFMAP_CMD_OBJ_GET_INFO_BY_FD, prepare_info,
	  .verify = verify_info, .same_for_all = true },
	{ "get_next_id", BPFMAP_CMD_MAP_GET_NEXT_ID, prepare_next_id,
	  .verify = verify_next_id, .same_for_all = true },
	{ "get_fd_by_id", BPFMAP_CMD_MAP_GET_FD_BY_ID, prepare_by_id,
	  .verify = verify_by_id, .undo = undo_fd, .same_for_all = true },
	/* No inode is ENOSPC, as in the bpf file system */
	{ "pin", BPFMAP_CMD_OBJ_PIN, prepare_pin, .undo = undo_pin,
	  .err = -ENOSPC, .same_for_all = true },
	{ "get", BPFMAP_CMD_OBJ_GET, prepare_get, .verify = verify_by_id,
	  .undo = undo_fd, .once = true, .same_for_all = true },
	{ "mmap", -1, prepare_mmap, run_mmap, .undo = undo_mmap, .writes = true },
	{ "touch", -1, prepare_touch, run_touch, .once = true, .writes = true,
	  .retried = true },
	{ "read_into", -1, prepare_touch, run_read_into, .once = true, .writes = true },
	{ "epoll", -1, prepare_epoll, run_epoll, .once = true, .same_for_all = true },
	{ "open", -1, NULL, run_open, .undo = undo_fd, .same_for_all = true },
	{ "dup", -1, NULL, run_dup, .verify = verify_by_id, .undo = undo_fd, .same_for_all = true },
};

/* ------------------------------------------------------------------------- */
/* A trial */

/* Commands that write nothing share a map, as to make one is most of the work */
static bool own_map(const struct command *c)
{
	return c->writes || c->once;
}

static void trial_begin(struct trial *t)
{
	memset(&t->attr, 0, sizeof(t->attr));
	t->other_fd = -1;
	t->map = MAP_FAILED;
	if (t->fd < 0)
		t->fd = shape_new(t->s);
	need(t->fd >= 0);
	if (t->c->prepare)
		t->c->prepare(t);
}

/* Was there something that failed? */
static bool trial_run(struct trial *t, unsigned int nth)
{
	const struct command *c = t->c;

	t->nth = nth;
	inject_arm(nth, t->and_all);
	if (c->run)
		t->ret = c->run(t);
	else
		t->ret = ioctl_map(device_fd(), c->cmd, &t->attr,
				   sizeof(t->attr));
	return inject_disarm();
}

/* FREEZE finds writes and mappings that were begun and not ended */
static void trial_end(struct trial *t)
{
	int want = t->c->cmd == BPFMAP_CMD_MAP_FREEZE && t->ret >= 0 ? -EPERM : 0;

	if (t->map != MAP_FAILED)
		undo_mmap(t);
	if (t->c->prepare == prepare_get)
		expect_eq(unlink(pinned), 0);
	if (t->c->writes)
		check_ret(map_freeze(t->fd), want, "FREEZE at the end");
	if (t->other_fd >= 0)
		close(t->other_fd);
	if (own_map(t->c)) {
		close(t->fd);
		t->fd = -1;
	}
}

/* The map's content; drains the map if no other trial needs it */
static unsigned int content(struct trial *t)
{
	if (t->c->writes && t->c->aftermath == AS_BEFORE)
		return shape_drain(t->s, t->fd, t->after);
	return shape_snap(t->s, t->fd, t->after);
}

static bool succeeded(const struct trial *t)
{
	/* The end of a walk is no failure */
	return t->ret >= 0 || (t->ret == -ENOENT && t->c->verify == verify_batch);
}

/* Did both end in the same way? Which key is the last one can be by chance */
static bool ended_alike(const struct trial *t, const struct trial *first)
{
	if (t->s->any_order && t->c->verify == verify_next &&
	    (t->ret == 0 || t->ret == -ENOENT))
		return true;
	return t->ret >= 0 ? first->ret >= 0 : t->ret == first->ret;
}

/* As the first one did */
static void check_success(struct trial *t, const struct trial *first)
{
	unsigned int n = content(t);

	check_mem(t->after, first->after, n * sizeof(*t->after),
		  "content after success");
	if (t->c->verify && succeeded(t))
		t->c->verify(t);
	if (t->c->undo && t->ret >= 0)
		t->c->undo(t);
}

static bool same_as_before(struct trial *t)
{
	return !memcmp(t->after, t->before, t->n_before * sizeof(*t->before));
}

/* The first elements of the batch, as many as were counted, and no other */
static void check_some_done(struct trial *t)
{
	bool update = t->c->cmd == UB;
	unsigned int i, first = batch_first(t->s);
	int want[SNAP_MAX];

	memcpy(want, t->before, sizeof(want));
	for (i = 0; i < t->attr.batch.count && first + i < t->n_before; i++)
		want[first + i] = update ? IS_NEW : -ENOENT;
	check_mem(t->after, want, t->n_before * sizeof(*want),
		  "content after %u elements", t->attr.batch.count);
}

/* Elements can be gone; that many were counted if all arrived */
static void check_lack(struct trial *t)
{
	unsigned int i, gone = 0;

	for (i = 0; i < t->n_before; i++) {
		if (t->after[i] == t->before[i])
			continue;
		gone++;
		check_ret(t->after[i], -ENOENT, "element %u", i);
	}
	if (t->ret == -EFAULT)
		check_num(t->attr.batch.count, 0, "count after a fault");
	else
		check_num(t->attr.batch.count, gone, "count, elements gone");
	verify_batch(t);
}

/*
 * What fails first in a batch is the copy of its attr: then the count, too, is as
 * it was sent
 */
static bool attr_unread(const struct trial *t)
{
	return t->nth == 1 && t->ret == -EFAULT &&
	       (t->c->aftermath == SOME_DONE || t->c->aftermath == MAY_LACK);
}

static void check_unread(struct trial *t)
{
	check_num(t->attr.batch.count, t->sent, "count of an attr not read");
	check(same_as_before(t), "content changed without an attr");
}

static void check_output_untouched(struct trial *t)
{
	size_t i = 0;

	if (t->c->verify == verify_next) {
		while (i < sizeof(t->cursor) && t->cursor[i] == FILL)
			i++;
		check(i == sizeof(t->cursor), "next key was written");
	} else if (t->c->verify == verify_value && t->s->content != MEMBERS) {
		while (i < t->value_bytes && t->values[i] == FILL)
			i++;
		check(i == t->value_bytes, "value was written");
	}
}

/* Filled again there is no difference any more */
static void check_recovers(struct trial *t)
{
	int now[SNAP_MAX];

	if (!shape_keyed(t->s))
		return;
	check_ret(shape_fill(t->s, t->fd), 0, "filling it again");
	shape_snap(t->s, t->fd, now);
	check_mem(now, t->before, t->s->fill * sizeof(*now),
		  "content when filled again");
}

static void check_failure(struct trial *t, const struct trial *first)
{
	shape_snap(t->s, t->fd, t->after);
	check_output_untouched(t);
	if (attr_unread(t)) {
		check_unread(t);
		return;
	}
	switch (t->c->aftermath) {
	case AS_BEFORE:
		check(same_as_before(t), "content changed by what failed");
		/* Once more, and nothing fails */
		if (t->c->prepare && !t->c->once)
			t->c->prepare(t);
		trial_run(t, 0);
		check(ended_alike(t, first), "tried again: %ld, not %ld", t->ret,
		      first->ret);
		check_success(t, first);
		break;
	case SOME_DONE:
		check_some_done(t);
		check_recovers(t);
		break;
	case MAY_BE_TAKEN:
		if (t->ret != -EFAULT || !same_as_before(t))
			check_mem(t->after, t->ret == -EFAULT ? first->after :
				  t->before, t->n_before * sizeof(*t->after),
				  "content");
		check_recovers(t);
		break;
	case MAY_LACK:
		check_lack(t);
		check_recovers(t);
		break;
	}
}

/* ------------------------------------------------------------------------- */
/* The sweep */

struct tally {
	unsigned int failed;	/* the command did */
	unsigned int survived;	/* something inside of it did */
};

static struct tally total;

/* The lowest number that is free: a descriptor that is left shifts it */
static int lowest_fd(void)
{
	int fd = dup(0);

	close(fd);
	return fd;
}

static bool allowed(const struct trial *t, const struct trial *first)
{
	return t->ret == -ENOMEM || t->ret == -EFAULT || ended_alike(t, first) ||
	       (t->c->err && t->ret == t->c->err);
}

static void first_trial(struct trial *t)
{
	trial_begin(t);
	t->n_before = shape_snap(t->s, t->fd, t->before);
	trial_run(t, 0);
	content(t);
	if (t->c->verify && succeeded(t))
		t->c->verify(t);
	if (t->c->undo && t->ret >= 0)
		t->c->undo(t);
	trial_end(t);
}

/* Returns whether there was something to fail */
static bool one_trial(struct trial *t, const struct trial *first, unsigned int nth,
		      struct tally *tally)
{
	long ids = load_ids(NULL);
	int fd = lowest_fd();
	bool failed, injected;

	row("-", "%s, %s, failure %u%s", t->s->name, t->c->name, nth,
	    t->and_all ? " and all others" : "");
	trial_begin(t);
	injected = trial_run(t, nth);
	failed = !ended_alike(t, first);
	if (injected && load_env("FAILNTH_VERBOSE", 0))
		printf("# %s, %s, failure %u%s: %ld\n", t->s->name, t->c->name, nth,
		       t->and_all ? " and all others" : "", t->ret);
	check(allowed(t, first), "result %ld, not %ld", t->ret, first->ret);
	check(injected || !failed, "result %ld with nothing failing", t->ret);
	if (failed)
		check_failure(t, first);
	else
		check_success(t, first);
	trial_end(t);
	check_num(load_ids(NULL), ids, "maps afterwards");
	check_num(lowest_fd(), fd, "lowest free descriptor");
	tally->failed += injected && failed;
	tally->survived += injected && !failed;
	return injected;
}

static struct tally sweep_command(struct trial *t, bool and_all)
{
	struct tally tally = { 0 };
	struct trial first;
	unsigned int nth;

	row("-", "%s, %s", t->s->name, t->c->name);
	t->and_all = and_all;
	t->fd = -1;
	first_trial(t);
	first = *t;
	for (nth = 1; nth < LIMIT && one_trial(t, &first, nth, &tally); nth++)
		;
	check(nth < LIMIT, "no end of failures");
	if (t->fd >= 0)
		close(t->fd);
	total.failed += tally.failed;
	total.survived += tally.survived;
	return tally;
}

static bool wanted(const char *variable, const char *name)
{
	const char *part = getenv(variable);

	return !part || strstr(name, part);
}

static bool whole_sweep(void)
{
	return load_env("FAILNTH_ALL", 0);
}

/* Left out for want of time: all but the first of what is the same for all */
static bool left_out(const struct shape *s, const struct command *c)
{
	return s != shapes && (c->same_for_all || (c->run == run_mmap && !s->pages));
}

static void say_tally(const struct trial *t, struct tally tally)
{
	if (tally.failed || tally.survived)
		printf(" %s%s %u+%u,", t->c->name, t->and_all ? "" : " (one)",
		       tally.failed, tally.survived);
}

static void sweep_shape(const struct shape *s)
{
	struct trial t = { .s = s, .value_bytes = shape_value_bytes(s) };
	unsigned int i;

	t.keys = calloc(KEYS_MAX, KEY_BYTES);
	t.values = calloc(KEYS_MAX, t.value_bytes + sizeof(struct bpfmap_info));
	need(t.keys && t.values);
	printf("# %s:", s->name);
	for (i = 0; i < ARRAY_SIZE(commands); i++) {
		t.c = &commands[i];
		if (!wanted("FAILNTH_COMMAND", t.c->name) ||
		    (!whole_sweep() && left_out(s, t.c)))
			continue;
		if (whole_sweep() || t.c->retried)
			say_tally(&t, sweep_command(&t, false));
		if (!t.c->retried)
			say_tally(&t, sweep_command(&t, true));
	}
	printf("\n");
	free(t.keys);
	free(t.values);
}

/* The runner knows no shapes: its tests come in their order */
static void test_shape(const struct kind *kind)
{
	static unsigned int turn;
	const struct shape *s = &shapes[turn++];
	long refs = load_refcnt();
	unsigned long end;

	(void)kind;
	if (!wanted("FAILNTH_TYPE", s->name) ||
	    (s->extra && !whole_sweep() && !getenv("FAILNTH_TYPE"))) {
		skipped("left out");
		return;
	}
	sweep_shape(s);
	/* A file is freed with its last user, pins and inodes later */
	for (end = load_ms() + LOAD_PATIENCE; load_refcnt() > refs && load_ms() < end;)
		load_sleep_ms(5);
	row("-", "%s, at the end", s->name);
	expect_eq(load_refcnt(), refs);
}

static void sweep_begin(void)
{
	device_fd();
	other_fd();
	need(pin_mount(pin_dir, NULL) == 0);
	snprintf(pinned, sizeof(pinned), "%s/pinned", pin_dir);
	snprintf(pin_new, sizeof(pin_new), "%s/new", pin_dir);
	inner_begin();
	zero_fd = open("/dev/zero", O_RDONLY | O_CLOEXEC);
	need(zero_fd >= 0);
}

int main(void)
{
	const char *why = inject_begin();
	int ret;

	if (backend() == BACKEND_BPF)
		why = "bpf(2) is not what is tested";
	if (why)
		return skip_all(why);
	shape_tests(test_shape);
	sweep_begin();
	printf("# for each command: failed+succeeded with all failing from one on, or (one) with that one failing\n");
	ret = run_tests();
	printf("# %u injections: %u commands failed, %u succeeded\n",
	       total.failed + total.survived, total.failed, total.survived);
	inner_end();
	pin_umount(pin_dir, 0);
	inject_end();
	return ret;
}
