/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>

#include "lib/file.h"
#include "lib/tlog_impl.h"

/* The folder of path, "." for a name alone. */
static void
parent(const char *path, char out[TILE_PATH_MAX])
{
	const char *slash = strrchr(path, '/');

	if (slash == NULL)
		(void)snprintf(out, TILE_PATH_MAX, ".");
	else
		(void)snprintf(out, TILE_PATH_MAX, "%.*s", (int)(slash - path),
		    path);
}

int
tlog_flush(struct tlog_writer *w, struct diag *d)
{
	_cleanup_fd_ int fd = -1;

	if (w->dir[0] == '\0')
		return 0;
	fd = openat(w->dirfd, w->dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0)
		return diag_errno(d, CS_E_IO, "open %s", w->dir);
	if (fsync(fd) != 0)
		return diag_errno(d, CS_E_IO, "fsync %s", w->dir);
	w->dir[0] = '\0';
	return 0;
}

/* dir changed: it will be fsynced, at the latest by tlog_flush() */
static int
touch_dir(struct tlog_writer *w, const char *dir, struct diag *d)
{
	int r;

	if (strcmp(w->dir, dir) == 0)
		return 0;
	if ((r = tlog_flush(w, d)) != 0)
		return r;
	(void)snprintf(w->dir, sizeof(w->dir), "%s", dir);
	return 0;
}

static int
write_new(int dirfd, const void *data, size_t len, struct diag *d)
{
	_cleanup_fd_ int fd = -1;

	fd = openat(dirfd, TLOG_NEW,
	    O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC, 0600);
	if (fd < 0)
		return diag_errno(d, CS_E_IO, "create %s", TLOG_NEW);
	if (fd_write_all(fd, data, len) != 0)
		return diag_errno(d, CS_E_IO, "write %s", TLOG_NEW);
	if (fsync(fd) != 0)
		return diag_errno(d, CS_E_IO, "fsync %s", TLOG_NEW);
	if (close(take_fd(&fd)) != 0)
		return diag_errno(d, CS_E_IO, "close %s", TLOG_NEW);
	return 0;
}

int
tlog_put(struct tlog_writer *w, const char *path, const void *data, size_t len,
    struct diag *d)
{
	char dir[TILE_PATH_MAX];
	int r;

	parent(path, dir);
	if ((r = touch_dir(w, dir, d)) != 0)
		return r;
	if ((r = write_new(w->dirfd, data, len, d)) != 0)
		return r;
	if (renameat(w->dirfd, TLOG_NEW, w->dirfd, path) == 0)
		return 0;
	if (errno != ENOENT)
		return diag_errno(d, CS_E_IO, "rename to %s", path);
	if ((r = dir_make(w->dirfd, dir, d)) != 0)
		return r;
	if (renameat(w->dirfd, TLOG_NEW, w->dirfd, path) != 0)
		return diag_errno(d, CS_E_IO, "rename to %s", path);
	return 0;
}

int
tlog_put_tile(struct tlog_writer *w, const struct tile_id *id, const void *data,
    size_t len, struct diag *d)
{
	char path[TILE_PATH_MAX];

	tile_path(id, path);
	return tlog_put(w, path, data, len, d);
}

int
tlog_unlink(struct tlog_writer *w, const char *path, struct diag *d)
{
	char dir[TILE_PATH_MAX];

	if (unlinkat(w->dirfd, path, 0) != 0)
		return errno == ENOENT || errno == ENOTDIR ?
		    0 :
		    diag_errno(d, CS_E_IO, "remove %s", path);
	parent(path, dir);
	return touch_dir(w, dir, d);
}
