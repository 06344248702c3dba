// SPDX-License-Identifier: GPL-2.0-only
/*
 * oracle_shrink - what of a sequence a failure needs, and that as a program
 */
#include "oracle.h"

static bool fails(const struct step *steps, size_t n, size_t *end)
{
	const char *why;
	long at = take_steps(steps, n, &why);

	if (at < 0)
		return false;
	*end = at + 1;
	return true;
}

/*
 * Zeller and Hildebrandt's ddmin, complements only: leave out ever smaller
 * pieces for as long as it still fails. Any failure will do.
 */
size_t shrink(struct step *steps, size_t n)
{
	struct step *trial = malloc((n + 1) * sizeof(*trial));
	size_t piece = n / 2, at, end;

	while (trial && piece) {
		bool less = false;

		for (at = 0; at < n;) {
			size_t len = piece < n - at ? piece : n - at;

			memcpy(trial, steps, at * sizeof(*trial));
			memcpy(trial + at, steps + at + len,
			       (n - at - len) * sizeof(*trial));
			if (fails(trial, n - len, &end)) {
				n = end;
				memcpy(steps, trial, n * sizeof(*trial));
				less = true;
			} else {
				at += len;
			}
		}
		if (piece == 1 && !less)
			break;
		if (piece > 1)
			piece /= 2;
	}
	free(trial);
	return n;
}

/* ------------------------------------------------------------------------- */

static const char prologue[] =
"/* cc -I include/uapi this.c; as root, with bpfmap loaded */\n"
"#define _GNU_SOURCE\n"
"#include <errno.h>\n"
"#include <fcntl.h>\n"
"#include <stdint.h>\n"
"#include <stdio.h>\n"
"#include <string.h>\n"
"#include <unistd.h>\n"
"#include <sys/ioctl.h>\n"
"#include <sys/mman.h>\n"
"#include <sys/mount.h>\n"
"#include <sys/stat.h>\n"
"#include <sys/syscall.h>\n"
"#include <linux/bpfmap.h>\n\n"
"/* 0: bpf(2), 1: the device. A region ends where nothing is mapped */\n"
"static int side, device, fds[2][256];\n"
"static uint32_t ids[2][256];\n"
"static uint8_t *region[5], *shadow[5];\n"
"static struct { uint8_t *p; unsigned int n; } view[4];\n\n"
"static void begin(void)\n"
"{\n"
"\tint i, m = memfd_create(\"m\", 0);\n\n"
"\tif (ftruncate(m, 5 << 17))\n"
"\t\treturn;\n"
"\tfor (i = 0; i < 5; i++) {\n"
"\t\tregion[i] = mmap(0, 1 << 18, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);\n"
"\t\tmmap(region[i], 1 << 17, 3, MAP_SHARED | MAP_FIXED, m, i << 17);\n"
"\t\tshadow[i] = mmap(0, 1 << 17, PROT_READ, MAP_SHARED, m, i << 17);\n"
"\t}\n"
"\tdevice = open(\"/dev/bpfmap\", O_RDWR);\n"
"\tfor (i = 0; i < 512; i++)\n"
"\t\tfds[i / 256][i % 256] = 999;\n"
"\tfds[0][255] = fds[1][255] = open(\"/dev/null\", O_RDWR);\n"
"\tmkdir(\"/tmp/0\", 0700);\n"
"\tmkdir(\"/tmp/1\", 0700);\n"
"\tmount(\"p\", \"/tmp/0\", \"bpf\", 0, 0);\n"
"\tmount(\"p\", \"/tmp/1\", \"bpfmapfs\", 0, 0);\n"
"}\n\n"
"static int put(uint8_t *p, uint64_t value, int n)\n"
"{\n"
"\tuint32_t number = value;\n\n"
"\tmemcpy(p, n == 8 ? (void *)&value : &number, n);\n"
"\treturn 0;\n"
"}\n\n"
"static void call(int cmd, void *attr, int size, int direct, int slot)\n"
"{\n"
"\tstruct bpfmap_info info = { 0 };\n"
"\tstruct bpfmap_info_attr q = { 0, 88, (uintptr_t)&info };\n"
"\tint ret;\n\n"
"\terrno = 0;\n"
"\tif (!side)\n"
"\t\tret = syscall(SYS_bpf, cmd, attr, size);\n"
"\telse\n"
"\t\tret = ioctl(direct >= 0 ? direct : device, BPFMAP_IOC(cmd, size), attr);\n"
"\tprintf(\"%s: command %d: %d, errno %d\\n\", side ? \"device\" : \"bpf(2)\",\n"
"\t       cmd, ret, errno);\n"
"\tif (slot < 0 || ret < 0)\n"
"\t\treturn;\n"
"\tclose(fds[side][slot]);\n"
"\tq.bpf_fd = fds[side][slot] = ret;\n"
"\tif (side)\n"
"\t\tioctl(device, BPFMAP_IOC(15, 16), &q);\n"
"\telse\n"
"\t\tsyscall(SYS_bpf, 15, &q, 16);\n"
"\tids[side][slot] = info.id;\n"
"}\n\n"
"static void show(const char *name, const uint8_t *p, int n)\n"
"{\n"
"\tprintf(\"  %s:\", name);\n"
"\twhile (n-- > 0)\n"
"\t\tprintf(\" %02x\", *p++);\n"
"\tputchar('\\n');\n"
"}\n\n";

static const char * const names[N_AREAS] = { "attr", "key", "value", "in",
					     "out" };

static uint32_t visible(const struct area *a)
{
	return a->place == AT_CUT ? a->n - a->cut : a->n;
}

static void print_area(const struct area *a, unsigned int nr)
{
	uint32_t i, n = visible(a), rest;

	printf("\t/* %s, %u bytes */\n\tp = region[%u] + ", names[nr], a->n, nr);
	if (a->place == AT_EDGE || a->place == AT_CUT)
		printf("(1 << 17) - %u;\n", n);
	else
		printf("256;\n");
	for (rest = n; rest && a->data[rest - 1] == a->data[n - 1]; rest--)
		;
	if (n)
		printf("\tmemset(p, %u, %u);\n", a->data[n - 1], n);
	if (rest)
		printf("\tmemcpy(p, (uint8_t[]){");
	for (i = 0; i < rest; i++)
		printf("%u,%s", a->data[i], i % 20 == 19 ? "\n\t\t" : "");
	if (rest)
		printf("}, %u);\n", rest);
	printf("\tw[%u] = p;\n\tu[%u] = ", nr, nr);
	switch (a->place) {
	case AT_NULL:
		printf("0;\n");
		break;
	case AT_BAD:
		printf("(uintptr_t)region[%u] + (1 << 17);\n", nr);
		break;
	case AT_KERNEL:
		printf("0xffff888000100000;\n");
		break;
	case AT_RDONLY:
		printf("(uintptr_t)shadow[%u] + 256;\n", nr);
		break;
	default:
		printf("(uintptr_t)p;\n");
	}
}

static void print_patch(const struct call *c, const struct patch *p)
{
	const char *path = pin_of(SIDE_BPF, p->what);

	if (p->at + 8 > visible(&c->areas[p->in]))
		printf("\tif (%u <= %u)\n\t", p->at + 4,
		       visible(&c->areas[p->in]));
	printf("\tput(w[%u] + %u, ", p->in, p->at);
	switch ((enum patch_kind)p->kind) {
	case P_AREA:
		printf("u[%u], 8);\n", p->what);
		break;
	case P_FD:
		printf("fds[side][%u], 4);\n", p->what);
		break;
	case P_ID:
		printf("ids[side][%u], 4);\n", p->what);
		break;
	case P_PATH:
		path = strchr(path + 5, '/');
		printf("(uintptr_t)(side ? \"/tmp/1%s\" : \"/tmp/0%s\"), 8);\n",
		       path ? path : "", path ? path : "");
		break;
	}
}

static void print_call(const struct step *s)
{
	bool opens = s->cmd == BPFMAP_CMD_MAP_CREATE ||
		     s->cmd == BPFMAP_CMD_OBJ_GET ||
		     s->cmd == BPFMAP_CMD_MAP_GET_FD_BY_ID;
	int at = s->cmd < DO_CLOSE - 1 ? fd_offset(s->cmd) : -1;
	bool direct = s->direct & 1 && slot_at(s->slot) && at >= 0 &&
		      s->size >= at + 4;
	static struct call c;
	unsigned int i;

	build(s, &c);
	for (i = 0; i < N_AREAS; i++)
		if (c.areas[i].used)
			print_area(&c.areas[i], i);
	for (i = 0; i < c.n_patches; i++)
		print_patch(&c, &c.patches[i]);
	if (direct)
		printf("\tif (side)\n\t\tput(w[0] + %d, 0, 4);\n", at);
	printf("\tcall(%u, (void *)u[0], %u, ", s->cmd, s->size);
	if (direct)
		printf("fds[side][%u], ", s->slot);
	else
		printf("-1, ");
	printf("%d);\n", !opens ? -1 :
	       s->cmd == BPFMAP_CMD_MAP_CREATE ? s->slot : s->other);
	for (i = 0; i < N_AREAS; i++)
		if (c.areas[i].used && c.areas[i].place != AT_NULL &&
		    visible(&c.areas[i]) && !opens)
			printf("\tshow(\"%s\", w[%u], %u);\n", names[i], i,
			       visible(&c.areas[i]));
}

static void print_view(const struct step *s)
{
	unsigned int i = s->other % N_VIEWS;

	if (s->cmd != DO_MAP && s->cmd != DO_UNMAP)
		printf("\tif (!view[%u].p)\n\t\treturn;\n", i);
	switch (s->cmd) {
	case DO_MAP:
		if (!slot_at(s->slot))
			return;
		printf("\tp = mmap(0, %u, %llu, %u, fds[side][%u], %#llx);\n"
		       "\tprintf(\"mmap: errno %%d\\n\", p == MAP_FAILED ? errno : 0);\n"
		       "\tview[%u].p = p == MAP_FAILED ? 0 : p;\n\tview[%u].n = %u;\n",
		       s->count, (unsigned long long)s->flags, s->value,
		       s->slot, (unsigned long long)s->more, i, i, s->count);
		break;
	case DO_UNMAP:
		printf("\tif (view[%u].p)\n\t\tmunmap(view[%u].p, view[%u].n);\n"
		       "\tview[%u].p = 0;\n", i, i, i, i);
		break;
	case DO_PROTECT:
		printf("\tprintf(\"mprotect: %%d\\n\", mprotect(view[%u].p, view[%u].n, %llu));\n",
		       i, i, (unsigned long long)s->flags);
		break;
	case DO_POKE:
		printf("\tmemset(view[%u].p + %u %% (view[%u].n - 15), %u, %u);\n", i,
		       s->count, i, s->key, s->value % 16 + 1);
		break;
	}
}

static void print_step(const struct step *s)
{
	const char *path;

	switch (s->cmd) {
	case DO_CLOSE:
		printf("\tclose(fds[side][%u]);\n\tfds[side][%u] = 999;\n",
		       s->slot, s->slot);
		break;
	case DO_UNLINK:
		path = strchr(pin_of(SIDE_BPF, s->key) + 5, '/');
		printf("\tunlink(side ? \"/tmp/1%s\" : \"/tmp/0%s\");\n", path,
		       path);
		break;
	case DO_WALK:
		printf("\t/* Walk the map in fds[side][%u] with GET_NEXT_KEY */\n",
		       s->slot);
		break;
	case DO_MAP:
	case DO_UNMAP:
	case DO_PROTECT:
	case DO_POKE:
		print_view(s);
		break;
	default:
		print_call(s);
	}
}

void print_program(const struct step *steps, size_t n)
{
	size_t i;

	printf("%s", prologue);
	state_begin();
	for (i = 0; i < n; i++) {
		printf("static void step%zu(void)\n{\n"
		       "\tuint8_t *p = 0, *w[5] = { 0 };\n"
		       "\tuintptr_t u[5] = { 0 };\n\n", i);
		print_step(&steps[i]);
		printf("\t(void)p, (void)w, (void)u;\n}\n\n");
		take_step(&steps[i]);
	}
	state_end();
	printf("int main(void)\n{\n\tbegin();\n\tfor (; side < 2; side++) {\n");
	for (i = 0; i < n; i++)
		printf("\t\tstep%zu();\n", i);
	printf("\t}\n\treturn 0;\n}\n");
}
