/* SPDX-License-Identifier: Apache-2.0 */

/* Whether the machine uses a block device, or anything that is made of it. */

#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

#include "host-tools/blockdev.h"
#include "lib/file.h"

#define PATH  1024
#define TABLE (4u << 20) /* of a file in proc */
#define DEPTH 8		 /* LUKS on LVM on RAID on a partition ... */

struct looking {
	const char *sys;
	char target[PATH]; /* the device's own folder */
	dev_t dev;
	struct diag *d;
};

static bool
real_path(const char *path, char ret[PATH])
{
	_cleanup_free_ char *real = realpath(path, NULL);

	if (real == NULL || strlen(real) >= PATH)
		return false;
	memcpy(ret, real, strlen(real) + 1);
	return true;
}

static bool
below(const char *path, const char *folder)
{
	const size_t n = strlen(folder);

	return strncmp(path, folder, n) == 0 &&
	    (path[n] == '/' || path[n] == '\0');
}

/* Whether the device of that folder is the target, or made of it. */
static bool
made_of(const struct looking *l, const char *folder, int depth)
{
	char path[2 * PATH], real[PATH];
	struct dirent *e;
	bool hit = false;
	DIR *dir;

	if (below(folder, l->target))
		return true;
	(void)snprintf(path, sizeof(path), "%s/slaves", folder);
	dir = depth > 0 ? opendir(path) : NULL;
	if (dir == NULL)
		return depth == 0; /* nobody can tell: then it is */
	while (!hit && (e = readdir(dir)) != NULL) {
		if (e->d_name[0] == '.')
			continue;
		(void)snprintf(path, sizeof(path), "%s/slaves/%s", folder,
		    e->d_name);
		hit = !real_path(path, real) || made_of(l, real, depth - 1);
	}
	(void)closedir(dir);
	return hit;
}

static bool
dev_made_of(const struct looking *l, unsigned maj, unsigned min)
{
	char path[PATH], real[PATH];

	(void)snprintf(path, sizeof(path), "%s/dev/block/%u:%u", l->sys, maj,
	    min);
	return real_path(path, real) && made_of(l, real, DEPTH);
}

/* "/dev/mapper/root" in a table of mounts or of swap */
static bool
path_made_of(const struct looking *l, const char *path)
{
	struct stat st;

	return path[0] == '/' && stat(path, &st) == 0 && S_ISBLK(st.st_mode) &&
	    dev_made_of(l, major(st.st_rdev), minor(st.st_rdev));
}

static int
busy(const struct looking *l, const char *how, const char *where)
{
	return diag_fail(l->d, CS_E_HOST_BUSY, "a device that nothing uses",
	    "%s %s", how, where);
}

/* proc(5), mountinfo: ID parent MAJ:MIN root POINT ... - type SOURCE ... */
static int
check_mount(const struct looking *l, char *line)
{
	char *field[6] = { NULL }, *next = line, *rest, *source = NULL;
	unsigned maj = 0, min = 0;
	size_t i;

	rest = strstr(line, " - ");
	for (i = 0; i < ARRAY_LEN(field) && next != NULL; i++)
		field[i] = strsep(&next, " ");
	if (rest == NULL || field[5] == NULL ||
	    sscanf(field[2], "%u:%u", &maj, &min) != 2)
		return diag_fail(l->d, CS_E_HOST_BUSY, "a table of mounts",
		    "a line of another form");
	rest += 3;
	(void)strsep(&rest, " ");
	source = strsep(&rest, " ");
	if (dev_made_of(l, maj, min) ||
	    (source != NULL && path_made_of(l, source)))
		return busy(l, "mounted at", field[4]);
	return 0;
}

/* proc(5), swaps: a title, then PATH and more */
static int
check_swap(const struct looking *l, char *line)
{
	const char *path = strsep(&line, " \t");

	return path_made_of(l, path) ? busy(l, "swap space", path) : 0;
}

static int
each_line(const struct looking *l, const char *proc, const char *name,
    int (*check)(const struct looking *l, char *line))
{
	_cleanup_free_ uint8_t *text = NULL;
	char path[PATH], *next, *line;
	size_t n;
	int r;

	(void)snprintf(path, sizeof(path), "%s/%s", proc, name);
	r = file_read(AT_FDCWD, path, TABLE, &text, &n, l->d);
	next = (char *)text;
	while (r == 0 && (line = strsep(&next, "\n")) != NULL)
		if (*line != '\0')
			r = check(l, line);
	return r;
}

/* LVM, LUKS and RAID hold a disk or a partition of it, mounted or not. */
static int
check_holders(const struct looking *l, const char *folder, int depth)
{
	char path[2 * PATH];
	struct dirent *e;
	struct stat st;
	DIR *dir = opendir(folder);
	bool held;
	int r = 0;

	if (dir == NULL)
		return 0;
	held = strcmp(strrchr(folder, '/'), "/holders") == 0;
	while (r == 0 && (e = readdir(dir)) != NULL) {
		if (e->d_name[0] == '.')
			continue;
		(void)snprintf(path, sizeof(path), "%.1000s/%s", folder,
		    e->d_name);
		if (held)
			r = busy(l, "part of", e->d_name);
		else if (lstat(path, &st) == 0 && S_ISDIR(st.st_mode) &&
		    depth > 0)
			r = check_holders(l, path, depth - 1);
	}
	(void)closedir(dir);
	return r;
}

int
blockdev_check_free(const char *sys, const char *proc, dev_t dev,
    struct diag *d)
{
	struct looking l = { .sys = sys, .dev = dev, .d = d };
	char path[PATH];
	int r;

	(void)snprintf(path, sizeof(path), "%s/dev/block/%u:%u", sys,
	    major(dev), minor(dev));
	if (!real_path(path, l.target))
		return diag_errno(d, CS_E_HOST_BLOCK, "%s", path);
	r = each_line(&l, proc, "self/mountinfo", check_mount);
	if (r == 0)
		r = each_line(&l, proc, "swaps", check_swap);
	return r == 0 ? check_holders(&l, l.target, 2) : r;
}
