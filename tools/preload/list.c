// SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause
/* A directory of pins lists those of bpf(2), and then ours */
#include <dirent.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "preload.h"

/* On the list while its stream is open; the lock protects the list, not the row */
struct listing {
	DIR *theirs;		/* the program's stream */
	DIR *ours;
	bool second;		/* theirs has been read */
	struct listing *next;
};

static struct listing *listings;
static atomic_uint nr_listings;
static pthread_mutex_t listings_lock = PTHREAD_MUTEX_INITIALIZER;

/* That of @dir, NULL for all but directories of pins; with @take, off the list */
static struct listing *listing_of(DIR *dir, bool take)
{
	struct listing **at, *l;

	if (!atomic_load(&nr_listings))
		return NULL;
	pthread_mutex_lock(&listings_lock);
	for (at = &listings; *at && (*at)->theirs != dir; at = &(*at)->next)
		;
	l = *at;
	if (l && take) {
		*at = l->next;
		atomic_fetch_sub(&nr_listings, 1);
	}
	pthread_mutex_unlock(&listings_lock);
	return l;
}

/* Without memory, @theirs lists its own names only */
static DIR *with_ours(DIR *theirs, const char *ours)
{
	struct listing *l;
	int err = errno;

	l = calloc(1, sizeof(*l));
	if (l)
		l->ours = REAL(opendir)(ours);
	if (!l || !l->ours) {
		free(l);
		errno = err;
		return theirs;
	}
	l->theirs = theirs;
	pthread_mutex_lock(&listings_lock);
	l->next = listings;
	listings = l;
	atomic_fetch_add(&nr_listings, 1);
	pthread_mutex_unlock(&listings_lock);
	errno = err;
	return theirs;
}

EXPORT DIR *opendir(const char *path)
{
	char buf[PATH_MAX];
	const char *ours = place(AT_FDCWD, path, buf);
	DIR *theirs = REAL(opendir)(path), *dir;
	int err = errno;

	if (!ours)
		return theirs;
	if (theirs)
		return with_ours(theirs, ours);
	dir = REAL(opendir)(ours);
	if (!dir)
		errno = err;
	return dir;
}

EXPORT DIR *fdopendir(int fd)
{
	char buf[PATH_MAX];
	const char *ours = place(fd, ".", buf);
	DIR *theirs = REAL(fdopendir)(fd);

	return ours && theirs ? with_ours(theirs, ours) : theirs;
}

/* ".", "..", and directories, which are on both */
static bool listed(struct listing *l, const char *name)
{
	struct stat st;

	return !REAL(fstatat)(dirfd(l->theirs), name, &st, AT_SYMLINK_NOFOLLOW);
}

/* An entry, and an end, leave errno as it is */
#define READDIR(name, type)						\
EXPORT struct type *name(DIR *dir)					\
{									\
	struct listing *l = listing_of(dir, false);			\
	int err = errno;						\
	struct type *entry;						\
									\
	if (!l)								\
		return REAL(name)(dir);					\
	if (!l->second) {						\
		errno = 0;						\
		entry = REAL(name)(dir);				\
		if (!entry && errno)					\
			return NULL;					\
		errno = err;						\
		if (entry)						\
			return entry;					\
		l->second = true;					\
	}								\
	do {								\
		errno = err;						\
		entry = REAL(name)(l->ours);				\
	} while (entry && listed(l, entry->d_name));			\
	if (entry)							\
		errno = err;						\
	return entry;							\
}

READDIR(readdir, dirent)
READDIR(readdir64, dirent64)

EXPORT void rewinddir(DIR *dir)
{
	struct listing *l = listing_of(dir, false);

	REAL(rewinddir)(dir);
	if (l) {
		REAL(rewinddir)(l->ours);
		l->second = false;
	}
}

EXPORT int closedir(DIR *dir)
{
	struct listing *l = listing_of(dir, true);

	if (l) {
		REAL(closedir)(l->ours);
		free(l);
	}
	return REAL(closedir)(dir);
}
