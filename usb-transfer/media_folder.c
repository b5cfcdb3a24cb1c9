/* SPDX-License-Identifier: Apache-2.0 */

/*
 * A bundle into the folder of a mounted stick.  Each file is written as
 * COLDSEAL.NEW, fsynced, read back and compared, then renamed:
 *
 *	one file, no parts there	the new one over the old one
 *	else	the first file removed, all parts removed, fsync
 *		  -> parts from the second on -> the first file
 *
 * so that at any moment there is the old bundle, the new one, or parts
 * without their first file.
 */

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "lib/file.h"
#include "usb-transfer/media_host.h"
#include "usb-transfer/parts.h"

#define CHUNK (1u << 20)
#define TMP   "COLDSEAL.NEW" /* an 8.3 name on the stick, too */

struct putting {
	int dir;
	const char *path;
	const struct media_job *job;
	uint64_t size, done; /* done: written and compared, up to 2 * size */
	uint8_t *a, *b;	     /* CHUNK bytes each */
};

/* A full stick is no broken one. */
static int
trouble(struct diag *d, const char *path, const char *name)
{
	return diag_errno(d, errno == ENOSPC ? CS_E_MEDIA_SPACE : CS_E_MEDIA_IO,
	    "%s/%s", path, name);
}

/* Copies size bytes of the bundle from off on, or compares them. */
static int
pass(struct putting *p, int fd, uint64_t off, uint64_t size, bool compare,
    struct diag *d)
{
	uint64_t at = 0;
	size_t n;
	int r = 0;

	for (; r == 0 && at < size; at += n) {
		n = size - at > CHUNK ? CHUNK : (size_t)(size - at);
		if (fd_pread_all(p->job->bundle_fd, p->a, n,
			(off_t)(off + at)) != 0)
			return diag_errno(d, CS_E_IO, "reading the bundle");
		if (!compare && fd_pwrite_all(fd, p->a, n, (off_t)at) != 0)
			return trouble(d, p->path, TMP);
		if (compare &&
		    (fd_pread_all(fd, p->b, n, (off_t)at) != 0 ||
			memcmp(p->a, p->b, n) != 0))
			return diag_fail(d, CS_E_MEDIA_COMPARE,
			    "the bytes that were written", "others at %llu",
			    (unsigned long long)at);
		p->done += n;
		if (p->job->progress != NULL)
			r = p->job->progress(p->job->arg, p->done, 2 * p->size);
	}
	return r;
}

static int
sync_dir(struct putting *p, struct diag *d)
{
	return fsync(p->dir) == 0 ?
	    0 :
	    diag_errno(d, CS_E_MEDIA_IO, "flush of the folder");
}

static int
put_file(struct putting *p, const char *name, uint64_t off, uint64_t size,
    struct diag *d)
{
	_cleanup_fd_ int fd = openat(p->dir, TMP,
	    O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0644);
	int r;

	if (fd < 0)
		return trouble(d, p->path, TMP);
	r = pass(p, fd, off, size, false, d);
	if (r == 0 && fsync(fd) != 0)
		r = trouble(d, p->path, TMP);
	/* from the medium, not from the cache */
	cs_ignore(posix_fadvise(fd, 0, 0, POSIX_FADV_DONTNEED));
	if (r == 0)
		r = pass(p, fd, off, size, true, d);
	if (r == 0 && renameat(p->dir, TMP, p->dir, name) != 0)
		r = trouble(d, p->path, name);
	if (r == 0)
		r = sync_dir(p, d);
	if (r != 0)
		(void)unlinkat(p->dir, TMP, 0);
	return r;
}

/* The first file before its parts; *ret: whether there were any. */
static int
remove_old(struct putting *p, bool all, struct diag *d)
{
	const char *name = p->job->name;
	bool parts = all;
	char is[PART_NAME];
	size_t i;

	for (i = 1; !parts && i < parts_allowed(name); i++) {
		part_name(name, i, is);
		parts = faccessat(p->dir, is, F_OK, AT_SYMLINK_NOFOLLOW) == 0;
	}
	for (i = 0; parts && i < parts_allowed(name); i++) {
		part_name(name, i, is);
		if (unlinkat(p->dir, is, 0) != 0 && errno != ENOENT)
			return trouble(d, p->path, is);
		if (i == 0 && fsync(p->dir) != 0)
			return trouble(d, p->path, is);
	}
	return parts ? sync_dir(p, d) : 0;
}

int
media_put_folder(const char *path, const struct media_job *job, uint64_t size,
    struct diag *d)
{
	const uint32_t most =
	    job->part_bytes != 0 ? job->part_bytes : PART_BYTES;
	_cleanup_free_ uint8_t *a = malloc(CHUNK), *b = malloc(CHUNK);
	_cleanup_fd_ int dir = -1;
	struct putting p = { .path = path, .job = job, .size = size };
	char is[PART_NAME];
	uint64_t off;
	size_t n = 0, i;
	int r;

	if (a == NULL || b == NULL)
		return diag_nomem(d);
	p.a = a;
	p.b = b;
	r = dir_open(AT_FDCWD, path, &dir, d);
	p.dir = dir;
	if (r == 0)
		r = parts_count(job->name, size, most, &n, d);
	if (r == 0)
		r = remove_old(&p, n > 1, d);
	for (i = n; r == 0 && i-- > 0;) {
		off = i * (uint64_t)most;
		part_name(job->name, i, is);
		r = put_file(&p, is, off, size - off < most ? size - off : most,
		    d);
	}
	return r;
}
