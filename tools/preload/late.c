// SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause
/*
 * Programs that ask the loader for libc's functions, by a handle of dlopen(3) as
 * ctypes does, get ours.
 */
#include <dlfcn.h>
#include <stddef.h>

#include "preload.h"

#define ARRAY_SIZE(array) (sizeof(array) / sizeof((array)[0]))

/*
 * dlsym() itself, which this library has under the same name. Its first version
 * is the architecture's.
 */
static __typeof__(dlsym) *real_dlsym(void)
{
	static const char *const versions[] = {
		"GLIBC_2.34", "GLIBC_2.2.5", "GLIBC_2.17", "GLIBC_2.27",
		"GLIBC_2.2", "GLIBC_2.0",
	};
	static __typeof__(dlsym) *real;
	size_t i;

	for (i = 0; !real && i < ARRAY_SIZE(versions); i++)
		real = (__typeof__(dlsym) *)dlvsym(RTLD_NEXT, "dlsym", versions[i]);
	return real;
}

void *real_symbol(const char *name)
{
	return real_dlsym()(RTLD_NEXT, name);
}

/* This library: its functions, then those of libc */
static void *self(void)
{
	static void *handle;
	Dl_info info;

	if (!handle && dladdr((void *)self, &info))
		handle = dlopen(info.dli_fname, RTLD_LAZY | RTLD_NOLOAD);
	return handle;
}

/*
 * What a handle leads to in libc, this library replaces if it has the same. The
 * pseudo-handles are relative to the caller, whose return address a tail call
 * keeps; the first finds this library by itself.
 */
__attribute__((optimize("O2", "omit-frame-pointer")))
EXPORT void *dlsym(void *restrict handle, const char *restrict name)
{
	void *found, *ours;

	if (handle == RTLD_NEXT || handle == RTLD_DEFAULT)
		return real_dlsym()(handle, name);
	found = real_dlsym()(handle, name);
	if (!found || !self() || found != real_symbol(name))
		return found;
	ours = real_dlsym()(self(), name);
	return ours ? ours : found;
}
