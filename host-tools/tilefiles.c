/* SPDX-License-Identifier: Apache-2.0 */
#include "host-tools/tilefiles.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>

/* tile/entries/x001/x002/x003/x004/005.p/006 */
#define DEPTH_MAX 9u

struct search {
	int (*fn)(void *arg, const char *path, const struct tile_id *t,
	    struct diag *d);
	void *arg;
	struct diag *d;
};

static void
closedir_p(DIR **dir)
{
	if (*dir != NULL)
		(void)closedir(*dir);
}

static int search(struct search *s, int dirfd, const char *path,
    unsigned depth);

static int
see(struct search *s, int dirfd, const char *path, unsigned depth, bool folder)
{
	struct tile_id t;

	if (folder)
		return search(s, dirfd, path, depth + 1);
	return tile_path_parse(path, &t) == 0 ? s->fn(s->arg, path, &t, s->d) :
						0;
}

static int
search(struct search *s, int dirfd, const char *path, unsigned depth)
{
	_cleanup_(closedir_p) DIR *dir = NULL;
	char name[TILE_PATH_MAX];
	struct dirent *e;
	int fd, r = 0;

	if (depth > DEPTH_MAX)
		return 0;
	fd = openat(dirfd, path,
	    O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0 && (errno == ENOENT || errno == ENOTDIR || errno == ELOOP))
		return 0;
	if (fd < 0)
		return diag_errno(s->d, CS_E_IO, "%s", path);
	dir = fdopendir(fd);
	if (dir == NULL) {
		(void)close(fd);
		return diag_errno(s->d, CS_E_IO, "%s", path);
	}
	while (r == 0 && (e = readdir(dir)) != NULL) {
		if (e->d_name[0] == '.' ||
		    snprintf(name, sizeof(name), "%s/%s", path, e->d_name) >=
			(int)sizeof(name))
			continue;
		r = see(s, dirfd, name, depth,
		    e->d_type == DT_DIR || e->d_type == DT_UNKNOWN);
	}
	return r;
}

int
tilefiles_each(int dirfd,
    int (*fn)(void *arg, const char *path, const struct tile_id *t,
	struct diag *d),
    void *arg, struct diag *d)
{
	struct search s = { .fn = fn, .arg = arg, .d = d };

	return search(&s, dirfd, "tile", 0);
}
