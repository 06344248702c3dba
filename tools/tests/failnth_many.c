// SPDX-License-Identifier: GPL-2.0-only
/*
 * Commands on many keys, when every allocation and every copy fails once, and
 * once with all allocations behind it: each element that was counted has the
 * result that it got, one that was not is as before or done, and nothing leaks:
 * [many.result], [many.fault], [many.update].
 *
 * FAILNTH_ALL: 1 for all of it; else variants are left out, and what fails
 *	always fails with all behind it
 * FAILNTH_TYPE: only what has this in its name
 */
#include "failnth.h"

#define LIMIT 3000	/* no command has as many allocations */

static const struct many {
	const char *name;
	int cmd;
	bool gives;	/* values come out */
	int done;	/* what an element is like afterwards, or IS_ZERO: as before */
} manys[] = {
	{ "lookup_many", BPFMAP_CMD_MAP_LOOKUP_MANY, true, IS_ZERO },
	{ "lookup_and_delete_many", BPFMAP_CMD_MAP_LOOKUP_AND_DELETE_MANY, true,
	  -ENOENT },
	{ "update_many", BPFMAP_CMD_MAP_UPDATE_MANY, false, IS_NEW },
	{ "delete_many", BPFMAP_CMD_MAP_DELETE_MANY, false, -ENOENT },
};

/*
 * @keys, @values, @results: of all of the shape's keys, in their order: those
 * that are there, and some that are not
 * @before: their content before a trial
 */
struct trial {
	const struct shape *s;
	const struct many *m;
	uint8_t *keys, *values;
	int32_t results[KEYS_MAX];
	uint32_t count;
	size_t value_bytes;
	int before[SNAP_MAX], after[SNAP_MAX];
};

static int trial_begin(struct trial *t)
{
	uint32_t i, count = shape_keys(t->s);
	int fd = shape_new(t->s);

	need(fd >= 0 && count <= KEYS_MAX);
	t->count = count;
	memset(t->results, 0x55, sizeof(t->results));
	for (i = 0; i < count; i++) {
		shape_key(t->s, i, t->keys + i * t->s->key_size);
		shape_value(t->s, i, true, t->values + i * t->value_bytes);
	}
	shape_snap(t->s, fd, t->before);
	return fd;
}

/* Is there anything left to fail? */
static bool trial_run(struct trial *t, int fd, unsigned int nth, bool and_all,
		      long *ret)
{
	union attr attr = { .batch = {
		.results = PTR(t->results),
		.keys = PTR(t->keys),
		.values = PTR(t->values),
		.count = t->count,
		.map_fd = fd,
	} };
	bool injected;

	inject_arm(nth, and_all);
	*ret = ioctl_map(device_fd(), t->m->cmd, &attr, sizeof(attr.batch));
	injected = inject_disarm();
	/* What fails first is the copy of the attr: then it is as it was sent */
	t->count = *ret == -EFAULT && nth == 1 ? 0 : attr.batch.count;
	return injected;
}

/* An element that was counted */
static void check_told(const struct trial *t, uint32_t i)
{
	int result = t->results[i];

	if (result) {
		check_num(t->after[i], t->before[i], "element %u with result %d", i,
			  result);
		/* Room for a new element, or no element */
		check(result == -ENOMEM || result == -ENOENT,
		      "result %d of element %u", result, i);
		if (result == -ENOENT)
			check_ret(t->before[i], -ENOENT, "absent element %u", i);
		return;
	}
	if (t->m->gives)
		check_num(shape_value_class(t->s, i,
					    t->values + i * t->value_bytes),
			  t->before[i], "value of element %u", i);
	check_num(t->after[i], t->m->done == IS_ZERO ? t->before[i] : t->m->done,
		  "element %u afterwards", i);
}

static void check_elements(struct trial *t, int fd)
{
	uint32_t i, n = shape_snap(t->s, fd, t->after);

	check(t->count <= n, "count is %u", t->count);
	for (i = 0; i < n && i < t->count; i++)
		check_told(t, i);
	for (; i < n; i++)
		check(t->after[i] == t->before[i] ||
		      (t->m->done != IS_ZERO && t->after[i] == t->m->done),
		      "element %u was not counted, but is %d", i, t->after[i]);
}

/* Returns whether there was something to fail */
static bool one_trial(struct trial *t, unsigned int nth, bool and_all,
		      unsigned int *failures)
{
	long ret, ids = load_ids(NULL);
	bool injected;
	int fd;

	row("many.fault", "%s, %s, failure %u%s", t->s->name, t->m->name, nth,
	    and_all ? " and all others" : "");
	fd = trial_begin(t);
	injected = trial_run(t, fd, nth, and_all, &ret);
	check(!ret || (injected && (ret == -ENOMEM || ret == -EFAULT)),
	      "result %ld", ret);
	if (!ret)
		check_num(t->count, shape_keys(t->s), "count");
	check_elements(t, fd);
	close(fd);
	check_num(load_ids(NULL), ids, "maps afterwards");
	*failures += injected;
	return injected;
}

static bool supported(struct trial *t)
{
	int fd = trial_begin(t);
	long ret;

	trial_run(t, fd, 0, false, &ret);
	close(fd);
	return ret != -ENOTSUPP;
}

static void sweep(struct trial *t, bool and_all)
{
	unsigned int nth, failures = 0;

	for (nth = 1; nth < LIMIT && one_trial(t, nth, and_all, &failures); nth++)
		;
	check(nth < LIMIT, "no end of failures");
	/* The attr, at least */
	check(failures > 0, "nothing failed");
	printf("# %s, %s%s: %u failures\n", t->s->name, t->m->name,
	       and_all ? ", and all behind" : "", failures);
}

/* The runner knows no shapes: its tests come in their order */
static void test_shape(const struct kind *kind)
{
	static unsigned int turn;
	const struct shape *s = &shapes[turn++];
	struct trial t = { .s = s, .value_bytes = shape_value_bytes(s) };
	const char *part = getenv("FAILNTH_TYPE");
	unsigned int i;

	(void)kind;
	if (!shape_keyed(s) || (part && !strstr(s->name, part)) ||
	    (s->extra && !part && !load_env("FAILNTH_ALL", 0))) {
		skipped(shape_keyed(s) ? "left out" : "it has no keys");
		return;
	}
	t.keys = calloc(KEYS_MAX, KEY_BYTES);
	t.values = calloc(KEYS_MAX, t.value_bytes);
	need(t.keys && t.values);
	for (i = 0; i < ARRAY_SIZE(manys); i++) {
		t.m = &manys[i];
		if (!supported(&t))
			continue;
		if (load_env("FAILNTH_ALL", 0))
			sweep(&t, false);
		sweep(&t, true);
	}
	free(t.keys);
	free(t.values);
}

int main(void)
{
	const char *why = inject_begin();
	int ret;

	if (backend() == BACKEND_BPF)
		why = "bpf(2) does not have these commands";
	if (why)
		return skip_all(why);
	shape_tests(test_shape);
	device_fd();
	inner_begin();
	ret = run_tests();
	inner_end();
	inject_end();
	return ret;
}
