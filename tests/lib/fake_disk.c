/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Preloaded into coldseal: the disk ends at the operation number CS_DISK_AT,
 * the first being 1.  CS_DISK=kill: the process is killed instead of it, as
 * if the machine had stopped there.  CS_DISK=full: that write and all later
 * ones find no space, everything else goes on.
 */

#include <dlfcn.h>
#include <errno.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static atomic_long done;

/* Whether this operation finds no space; writes only. */
static bool
ends(bool is_write)
{
	const char *at = getenv("CS_DISK_AT"), *how = getenv("CS_DISK");
	long n = atomic_fetch_add(&done, 1) + 1;

	if (at == NULL || how == NULL || n < atol(at))
		return false;
	if (strcmp(how, "kill") == 0)
		(void)raise(SIGKILL);
	return is_write;
}

#define OPERATION(is_write, ret, name, params, args)               \
	ret name params;                                           \
	ret name params                                            \
	{                                                          \
		static ret(*next) params;                          \
		if (next == NULL)                                  \
			*(void **)&next = dlsym(RTLD_NEXT, #name); \
		if (ends(is_write)) {                              \
			errno = ENOSPC;                            \
			return -1;                                 \
		}                                                  \
		return next args;                                  \
	}

OPERATION(true, ssize_t, write, (int fd, const void *p, size_t n), (fd, p, n))
OPERATION(true, ssize_t, pwrite, (int fd, const void *p, size_t n, off_t at),
    (fd, p, n, at))
OPERATION(true, ssize_t, pwrite64,
    (int fd, const void *p, size_t n, off64_t at), (fd, p, n, at))
OPERATION(false, int, fsync, (int fd), (fd))
OPERATION(false, int, fdatasync, (int fd), (fd))
OPERATION(false, int, syncfs, (int fd), (fd))
OPERATION(false, int, ftruncate, (int fd, off_t n), (fd, n))
OPERATION(false, int, ftruncate64, (int fd, off64_t n), (fd, n))
OPERATION(false, int, rename, (const char *from, const char *to), (from, to))
OPERATION(false, int, renameat,
    (int a, const char *from, int b, const char *to), (a, from, b, to))
OPERATION(false, int, unlink, (const char *path), (path))
OPERATION(false, int, unlinkat, (int fd, const char *path, int flags),
    (fd, path, flags))
OPERATION(true, int, mkdirat, (int fd, const char *path, mode_t mode),
    (fd, path, mode))
