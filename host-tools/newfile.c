/* SPDX-License-Identifier: Apache-2.0 */
#include "host-tools/newfile.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

void
newfile_done(struct newfile *f)
{
	close_fdp(&f->fd);
	if (f->tmp != NULL)
		(void)unlink(f->tmp);
	free(f->tmp);
	free(f->path);
	f->tmp = f->path = NULL;
}

int
newfile_open(const char *path, struct newfile *ret, struct diag *d)
{
	_cleanup_newfile_ struct newfile f = NEWFILE_INIT;
	char *tmp = NULL;
	struct stat st;
	mode_t mask;

	if (stat(path, &st) == 0 && !S_ISREG(st.st_mode))
		return diag_fail(d, CS_E_HOST_NOT_FILE, "a file to write",
		    "%s is something else", path);
	f.path = strdup(path);
	if (f.path == NULL || asprintf(&tmp, "%s.XXXXXX", path) < 0)
		return diag_nomem(d);
	f.fd = mkostemp(tmp, O_CLOEXEC);
	if (f.fd < 0) {
		free(tmp);
		return diag_errno(d, CS_E_IO, "create beside %s", path);
	}
	f.tmp = tmp;
	mask = umask(0);
	(void)umask(mask);
	if (fchmod(f.fd, 0644 & ~mask) != 0)
		return diag_errno(d, CS_E_IO, "%s", f.tmp);
	*ret = f;
	f = (struct newfile)NEWFILE_INIT;
	return 0;
}

static int
sync_folder(const char *path, struct diag *d)
{
	const char *slash = strrchr(path, '/');
	_cleanup_free_ char *dir = NULL;
	_cleanup_fd_ int fd = -1;

	if (slash == NULL)
		dir = strdup(".");
	else
		dir = strndup(path, slash == path ? 1 : (size_t)(slash - path));
	if (dir == NULL)
		return diag_nomem(d);
	fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	/* EINVAL: a file system that cannot synchronise folders */
	if (fd < 0 || (fsync(fd) != 0 && errno != EINVAL))
		return diag_errno(d, CS_E_IO, "fsync %s", dir);
	return 0;
}

int
newfile_commit(struct newfile *f, struct diag *d)
{
	if (fsync(f->fd) != 0)
		return diag_errno(d, CS_E_IO, "fsync %s", f->tmp);
	if (rename(f->tmp, f->path) != 0)
		return diag_errno(d, CS_E_IO, "rename to %s", f->path);
	free(f->tmp);
	f->tmp = NULL;
	return sync_folder(f->path, d);
}
