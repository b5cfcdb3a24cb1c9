/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/file.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/random.h>
#include <sys/stat.h>

#define ALL_SEALS (F_SEAL_SEAL | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE)
#define GROW_STEP 4096u

/* Reads at off until n bytes or the end; -1 with errno, or the count. */
static ssize_t
pread_some(int fd, uint8_t *p, size_t n, off_t off)
{
	size_t done = 0;
	ssize_t r;

	while (done < n) {
		r = pread(fd, p + done, n - done, off + (off_t)done);
		if (r < 0 && errno == EINTR)
			continue;
		if (r < 0)
			return -1;
		if (r == 0)
			break;
		done += (size_t)r;
	}
	return (ssize_t)done;
}

/* The next size to try, at least one byte more: max + 1 is one too many. */
static size_t
grown(size_t cap, size_t max)
{
	if (max < GROW_STEP || cap > (max - GROW_STEP) / 2)
		return max + 1;
	return cap * 2 + GROW_STEP;
}

/*
 * The size from fstat() is a first guess only: files below /sys and /proc
 * say 0, and a file may grow while it is read.
 */
static int
read_to_end(int fd, size_t guess, size_t max, uint8_t **ret, size_t *ret_len,
    struct diag *d)
{
	_cleanup_free_ uint8_t *p = NULL;
	size_t cap = guess + 1, len = 0;
	uint8_t *q;
	ssize_t n;

	for (;;) {
		if ((q = realloc(p, cap)) == NULL)
			return diag_nomem(d);
		p = q;
		n = pread_some(fd, p + len, cap - len, (off_t)len);
		if (n < 0)
			return diag_errno(d, CS_E_IO, "read");
		len += (size_t)n;
		if (len < cap)
			break;
		if (len > max)
			return diag_fail(d, CS_E_TOO_LARGE, NULL,
			    "more than %zu bytes", max);
		cap = grown(cap, max);
	}
	p[len] = '\0';
	*ret = take_ptr(p);
	*ret_len = len;
	return 0;
}

int
fd_read_file(int fd, size_t max, uint8_t **ret, size_t *ret_len, struct diag *d)
{
	struct stat st;

	if (max > SSIZE_MAX - 1)
		max = SSIZE_MAX - 1;
	if (fstat(fd, &st) != 0)
		return diag_errno(d, CS_E_IO, "fstat");
	if (!S_ISREG(st.st_mode))
		return diag_fail(d, CS_E_IO, "a regular file",
		    "something else (mode %o)", (unsigned)st.st_mode);
	if (st.st_size < 0 || (uintmax_t)st.st_size > max)
		return diag_fail(d, CS_E_TOO_LARGE, NULL,
		    "%jd bytes, the limit is %zu", (intmax_t)st.st_size, max);
	return read_to_end(fd, (size_t)st.st_size, max, ret, ret_len, d);
}

int
file_read(int dirfd, const char *path, size_t max, uint8_t **ret,
    size_t *ret_len, struct diag *d)
{
	_cleanup_fd_ int fd = -1;

	/* O_NONBLOCK: a FIFO must not hold us before fstat() refuses it */
	fd = openat(dirfd, path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	if (fd < 0)
		return diag_errno(d, CS_E_IO, "open %s", path);
	return fd_read_file(fd, max, ret, ret_len, d);
}

int
fd_write_all(int fd, const void *data, size_t len)
{
	const uint8_t *p = data;
	ssize_t n;

	while (len > 0) {
		n = write(fd, p, len);
		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return CS_E_IO;
		p += n;
		len -= (size_t)n;
	}
	return 0;
}

int
fd_pread_all(int fd, void *data, size_t len, off_t off)
{
	ssize_t n = pread_some(fd, data, len, off);

	if (n < 0)
		return CS_E_IO;
	return (size_t)n == len ? 0 : CS_E_TRUNCATED;
}

int
fd_pwrite_all(int fd, const void *data, size_t len, off_t off)
{
	const uint8_t *p = data;
	ssize_t n;

	while (len > 0) {
		n = pwrite(fd, p, len, off);
		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return CS_E_IO;
		p += n;
		off += n;
		len -= (size_t)n;
	}
	return 0;
}

/* The folder that holds path, so that a new name in it can be fsynced. */
static int
sync_parent(int dirfd, const char *path, struct diag *d)
{
	_cleanup_free_ char *dir = NULL;
	_cleanup_fd_ int fd = -1;
	size_t n = strlen(path);

	while (n > 1 && path[n - 1] == '/')
		n--;
	while (n > 0 && path[n - 1] != '/')
		n--;
	dir = n == 0 ? strdup(".") : strndup(path, n);
	if (dir == NULL)
		return diag_nomem(d);
	fd = openat(dirfd, dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0)
		return diag_errno(d, CS_E_IO, "open %s", dir);
	if (fsync(fd) != 0)
		return diag_errno(d, CS_E_IO, "fsync %s", dir);
	return 0;
}

static int
fill_new(int dirfd, const char *path, const void *data, size_t len, mode_t mode,
    struct diag *d)
{
	_cleanup_fd_ int fd = -1;

	fd = openat(dirfd, path,
	    O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, mode);
	if (fd < 0)
		return diag_errno(d, CS_E_IO, "create %s", path);
	if (fd_write_all(fd, data, len) != 0)
		return diag_errno(d, CS_E_IO, "write %s", path);
	if (fsync(fd) != 0)
		return diag_errno(d, CS_E_IO, "fsync %s", path);
	if (close(take_fd(&fd)) != 0)
		return diag_errno(d, CS_E_IO, "close %s", path);
	return 0;
}

int
file_write_atomic(int dirfd, const char *path, const void *data, size_t len,
    mode_t mode, struct diag *d)
{
	_cleanup_free_ char *tmp = NULL;
	uint64_t salt;
	int r;

	if (getrandom(&salt, sizeof(salt), 0) != (ssize_t)sizeof(salt))
		return diag_errno(d, CS_E_IO, "getrandom");
	if (asprintf(&tmp, "%s.%016jx.new", path, (uintmax_t)salt) < 0) {
		tmp = NULL;
		return diag_nomem(d);
	}
	r = fill_new(dirfd, tmp, data, len, mode, d);
	if (r == 0 && renameat(dirfd, tmp, dirfd, path) != 0)
		r = diag_errno(d, CS_E_IO, "rename to %s", path);
	if (r != 0) {
		(void)unlinkat(dirfd, tmp, 0);
		return r;
	}
	return sync_parent(dirfd, path, d);
}

int
file_exists(int dirfd, const char *path)
{
	struct stat st;

	return fstatat(dirfd, path, &st, 0) == 0;
}

int
dir_open(int dirfd, const char *path, int *ret_fd, struct diag *d)
{
	int fd;

	fd = openat(dirfd, path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0)
		return diag_errno(d, CS_E_IO, "open folder %s", path);
	*ret_fd = fd;
	return 0;
}

static int
make_one(int dirfd, const char *path, struct diag *d)
{
	if (mkdirat(dirfd, path, 0700) == 0)
		return sync_parent(dirfd, path, d);
	if (errno != EEXIST)
		return diag_errno(d, CS_E_IO, "make folder %s", path);
	return 0;
}

int
dir_make(int dirfd, const char *path, struct diag *d)
{
	_cleanup_free_ char *copy = NULL;
	_cleanup_fd_ int fd = -1;
	char *p;
	int r;

	if ((copy = strdup(path)) == NULL)
		return diag_nomem(d);
	for (p = copy; *p != '\0'; p++) {
		if (*p != '/' || p == copy)
			continue;
		*p = '\0';
		if ((r = make_one(dirfd, copy, d)) != 0)
			return r;
		*p = '/';
	}
	if ((r = make_one(dirfd, copy, d)) != 0)
		return r;
	/* EEXIST may have been a file */
	return dir_open(dirfd, copy, &fd, d);
}

int
memfd_sealed(const char *name, const void *data, size_t len, int *ret_fd,
    struct diag *d)
{
	_cleanup_fd_ int fd = -1;

	fd = memfd_create(name, MFD_CLOEXEC | MFD_ALLOW_SEALING);
	if (fd < 0)
		return diag_errno(d, CS_E_IO, "memfd_create");
	if (fd_write_all(fd, data, len) != 0)
		return diag_errno(d, CS_E_IO, "write memory file");
	if (fcntl(fd, F_ADD_SEALS, ALL_SEALS) != 0)
		return diag_errno(d, CS_E_IO, "seal memory file");
	*ret_fd = take_fd(&fd);
	return 0;
}

int
memfd_read_sealed(int fd, size_t max, uint8_t **ret, size_t *ret_len,
    struct diag *d)
{
	int seals = fcntl(fd, F_GET_SEALS);

	if (seals < 0 || (seals & ALL_SEALS) != ALL_SEALS)
		return diag_fail(d, CS_E_IPC, "a sealed memory file",
		    "a descriptor without all seals");
	return fd_read_file(fd, max, ret, ret_len, d);
}
