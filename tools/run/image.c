// SPDX-License-Identifier: GPL-2.0-only
/*
 * What kind of program a file is, and the places in its code where it makes any
 * system call: the function for that of Go's runtime, of glibc and of musl, known
 * by its bytes, so that symbols are not needed.
 *
 * A jump takes five bytes, and "syscall" has two, so instructions behind it go,
 * too. Only whole functions are taken, in which nothing jumps to these.
 */
#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>

#include "run.h"

#define BYTES(...) (const uint8_t[]){ __VA_ARGS__ }, sizeof((uint8_t[]){ __VA_ARGS__ })

/* cmp $-4095, %rax; mov %rax, %rdi */
#define COMPARE 0x48, 0x3d, 0x01, 0xf0, 0xff, 0xff
#define TO_RDI 0x48, 0x89, 0xc7

/*
 * @before: bytes that end where "syscall" is. @tail: what goes with it.
 * @variadic: before it, the number moves from rdi to rax and a va_list begins.
 */
struct pattern {
	const char *of;
	const uint8_t *before;
	size_t before_size;
	const uint8_t *tail;
	size_t tail_size;
	bool variadic;
	bool number;
	bool exec;
};

#define VARIADIC_REACH 128
#define APART_REACH 32

static const struct pattern patterns[] = {
	/* mov %rdi, %rax; %rsi, %rdi; ...; 8(%rsp), %r9 */
	{ "glibc", BYTES(0x48, 0x89, 0xf8, 0x48, 0x89, 0xf7, 0x48, 0x89, 0xd6,
			 0x48, 0x89, 0xca, 0x4d, 0x89, 0xc2, 0x4d, 0x89, 0xc8,
			 0x4c, 0x8b, 0x4c, 0x24, 0x08),
	  BYTES(COMPARE), false, false, false },
	/* mov %rsi, %r10; %rdi, %rdx; %rcx, %rsi; %rbx, %rdi */
	{ "Go", BYTES(0x49, 0x89, 0xf2, 0x48, 0x89, 0xfa, 0x48, 0x89, 0xce,
		      0x48, 0x89, 0xdf),
	  BYTES(COMPARE), false, false, false },
	{ "musl", BYTES(), BYTES(TO_RDI), true, false, false },
	/* mov $321, %eax */
	{ "bpf(2)", BYTES(0xb8, 0x41, 0x01, 0x00, 0x00), BYTES(), false, true, false },
	/* mov $59, %eax: execve() of static programs */
	{ "execve of glibc", BYTES(0xb8, 0x3b, 0x00, 0x00, 0x00), BYTES(COMPARE),
	  false, false, true },
	{ "execve of musl", BYTES(0xb8, 0x3b, 0x00, 0x00, 0x00), BYTES(TO_RDI),
	  false, false, true },
};

/* mov %rdi, %rax, and 8 for the va_list's gp_offset: one argument was named */
static bool is_variadic(const uint8_t *code, size_t at)
{
	size_t reach = at < VARIADIC_REACH ? at : VARIADIC_REACH;

	return memmem(code + at - reach, reach, BYTES(0x48, 0x89, 0xf8)) &&
	       memmem(code + at - reach, reach, BYTES(0x08, 0x00, 0x00, 0x00));
}

static bool matches(const struct pattern *p, const uint8_t *code, size_t at, size_t size)
{
	if (at < p->before_size || size - at < 2 + p->tail_size + 1 ||
	    memcmp(code + at - p->before_size, p->before, p->before_size) ||
	    memcmp(code + at + 2, p->tail, p->tail_size))
		return false;
	return !p->variadic || is_variadic(code, at);
}

static void add_site(struct image *image, const struct pattern *p, uint64_t syscall)
{
	struct site *s = &image->sites[image->n_sites];

	if (image->n_sites == PAGE_N_STUBS)
		return;
	*s = (struct site){
		.addr = syscall,
		.size = 2 + p->tail_size,
		.tail_size = p->tail_size,
		.number = p->number,
		.of = p->of,
	};
	memcpy(s->tail, p->tail, p->tail_size);
	if (p->number) {
		s->addr -= p->before_size;
		s->size += p->before_size;
	}
	image->n_sites++;
	image->n_calls += !p->exec;
}

/* memmem(3) for much code: memchr(3) looks at many bytes at once */
static const uint8_t *find(const uint8_t *at, const uint8_t *end, const uint8_t *bytes,
			   size_t size)
{
	while (at < end && (at = memchr(at, bytes[0], end - at))) {
		if ((size_t)(end - at) < size)
			break;
		if (!memcmp(at, bytes, size))
			return at;
		at++;
	}
	return NULL;
}

/* After mov $321, %eax that is not of a site: "syscall" */
static bool is_apart(const uint8_t *at, const uint8_t *end)
{
	if (end - at > APART_REACH)
		end = at + APART_REACH;
	return end - at > 2 && (at[0] != 0x0f || at[1] != 0x05) &&
	       find(at, end, BYTES(0x0f, 0x05));
}

/* $321 moved to eax, rax or, for a function, edi */
static void look_for_number(struct image *image, const uint8_t *code, size_t size)
{
	const uint8_t *end = code + size, *at = code;

	while ((at = find(at, end, BYTES(0x41, 0x01, 0x00, 0x00)))) {
		uint8_t before = at > code ? at[-1] : 0;

		at += 4;
		if (before != 0xb8 && before != 0xbf && before != 0xc0)
			continue;
		image->says_bpf = true;
		if (before != 0xbf && is_apart(at, end))
			image->apart = true;
	}
}

static void scan(struct image *image, const uint8_t *code, size_t size, uint64_t addr)
{
	const uint8_t *end = code + size, *at = code;

	while ((at = find(at, end, BYTES(0x0f, 0x05)))) {
		for (size_t i = 0; i < sizeof(patterns) / sizeof(*patterns); i++) {
			if (!matches(&patterns[i], code, at - code, size))
				continue;
			add_site(image, &patterns[i], addr + (at - code));
			break;
		}
		at += 2;
	}
	look_for_number(image, code, size);
}

static void read_segments(struct image *image, const uint8_t *file, size_t size)
{
	const Elf64_Ehdr *e = (const void *)file;
	const Elf64_Phdr *p = (const void *)(file + e->e_phoff);

	image->low = UINT64_MAX;
	for (int i = 0; i < e->e_phnum; i++, p++) {
		if (p->p_offset > size || p->p_filesz > size - p->p_offset)
			continue;
		if (p->p_type == PT_INTERP)
			strncpy(image->interpreter, (const char *)file + p->p_offset,
				p->p_filesz < sizeof(image->interpreter) ?
				p->p_filesz : sizeof(image->interpreter) - 1);
		if (p->p_type != PT_LOAD)
			continue;
		if (p->p_vaddr < image->low)
			image->low = p->p_vaddr;
		if (p->p_flags & PF_X)
			scan(image, file + p->p_offset, p->p_filesz, p->p_vaddr);
	}
}

/* "#! interpreter" */
static void read_script(struct image *image, const char *file, size_t size)
{
	size_t begin = 2, end;

	image->kind = KIND_SCRIPT;
	while (begin < size && (file[begin] == ' ' || file[begin] == '\t'))
		begin++;
	for (end = begin; end < size && !strchr(" \t\n", file[end]); end++)
		;
	if (end - begin < sizeof(image->interpreter))
		memcpy(image->interpreter, file + begin, end - begin);
}

static void read_file(struct image *image, const uint8_t *file, size_t size)
{
	const Elf64_Ehdr *e = (const void *)file;

	if (size > 2 && !memcmp(file, "#!", 2)) {
		read_script(image, (const char *)file, size);
		return;
	}
	if (size < sizeof(*e) || memcmp(file, ELFMAG, SELFMAG))
		return;
	if (e->e_ident[EI_CLASS] == ELFCLASS32) {
		image->kind = KIND_ELF32;
		return;
	}
	if (e->e_machine != EM_X86_64 || e->e_phentsize != sizeof(Elf64_Phdr) ||
	    e->e_phoff > size ||
	    e->e_phnum > (size - e->e_phoff) / sizeof(Elf64_Phdr)) {
		image->kind = KIND_FOREIGN;
		return;
	}
	image->kind = KIND_ELF64;
	image->entry = e->e_entry;
	read_segments(image, file, size);
}

int image_read(int fd, struct image *image)
{
	struct stat st;
	void *file;

	memset(image, 0, sizeof(*image));
	if (fstat(fd, &st))
		return -errno;
	if (!S_ISREG(st.st_mode) || !st.st_size)
		return 0;
	file = mmap(NULL, st.st_size, PROT_READ, MAP_PRIVATE, fd, 0);
	if (file == MAP_FAILED)
		return -errno;
	read_file(image, file, st.st_size);
	munmap(file, st.st_size);
	return 0;
}

bool image_has_glibc(const struct image *image)
{
	return image->kind == KIND_ELF64 && strstr(image->interpreter, "/ld-linux");
}

bool image_needs_tracing(const struct image *exe, const struct image *libc, bool named)
{
	if (exe->apart || libc->apart)
		return true;
	if (exe->n_calls || libc->n_calls || image_has_glibc(exe))
		return false;
	return exe->says_bpf || (named && !exe->n_sites && !libc->n_sites);
}
