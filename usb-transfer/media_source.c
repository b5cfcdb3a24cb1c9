/* SPDX-License-Identifier: Apache-2.0 */
#include "usb-transfer/media_source.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "lib/file.h"
#include "usb-transfer/fat_private.h"

struct media_source {
	int fd; /* image, device or folder */
	char *path;
	/* image or device */
	struct blkdev dev;
	struct fat *fat;
	struct fat_file file;
	/* folder: the bundle that was found */
	uint32_t part_bytes;
	char name[PART_NAME];
	struct part part[PARTS_MAX];
	size_t parts, at;
	int part_fd;
	uint64_t part_done, done, size;
};

void
media_source_free(struct media_source **ps)
{
	struct media_source *s = *ps;

	if (s == NULL)
		return;
	fat_close(&s->fat);
	close_fdp(&s->fd);
	close_fdp(&s->part_fd);
	free(s->path);
	free(s);
	*ps = NULL;
}

int
media_source_open(const char *path, struct media_source **ret, struct diag *d)
{
	_cleanup_media_source_ struct media_source *s = calloc(1, sizeof(*s));
	struct stat st;
	int r = 0;

	if (s == NULL)
		return diag_nomem(d);
	s->part_fd = -1;
	s->part_bytes = PART_BYTES;
	s->path = strdup(path);
	/* a device that is no medium may wait for ever when it is opened */
	s->fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	if (s->path == NULL)
		return diag_nomem(d);
	if (s->fd < 0 || fstat(s->fd, &st) != 0)
		return diag_errno(d, CS_E_MEDIA_IO, "%s", path);
	if (S_ISREG(st.st_mode) || S_ISBLK(st.st_mode)) {
		r = blk_open_fd(&s->fd, &s->dev, d);
		if (r == 0)
			r = fat_open(&s->dev, &s->fat, d);
	} else if (!S_ISDIR(st.st_mode)) {
		return diag_fail(d, CS_E_MEDIA_DEVICE,
		    "a stick, an image file or a folder", "%s", path);
	}
	if (r == 0)
		*ret = take_ptr(s);
	return r;
}

struct fat *
media_source_fat(struct media_source *s)
{
	return s->fat;
}

const struct blkdev *
media_source_dev(const struct media_source *s)
{
	return s->fat != NULL ? &s->dev : NULL;
}

void
media_source_parts(struct media_source *s, uint32_t part_bytes)
{
	s->part_bytes = part_bytes;
	if (s->fat != NULL)
		s->fat->part_bytes = part_bytes;
}

/* *ret is -1 if it is not there. */
static int
open_part(const struct media_source *s, const char *name, int *ret,
    uint64_t *ret_size, struct diag *d)
{
	_cleanup_fd_ int fd =
	    openat(s->fd, name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
	struct stat st;

	*ret = -1;
	if (fd < 0 && errno == ENOENT)
		return 0;
	if (fd < 0 || fstat(fd, &st) != 0)
		return diag_errno(d, CS_E_MEDIA_IO, "%s/%s", s->path, name);
	if (!S_ISREG(st.st_mode))
		return diag_fail(d, CS_E_MEDIA_ENTRY, "a file",
		    "%s/%s is something else", s->path, name);
	*ret = take_fd(&fd);
	*ret_size = (uint64_t)st.st_size;
	return 0;
}

static int
find_in_folder(struct media_source *s, const char *name, struct diag *d)
{
	char is[PART_NAME];
	size_t i;
	int fd, r = 0;

	(void)snprintf(s->name, sizeof(s->name), "%s", name);
	close_fdp(&s->part_fd);
	memset(s->part, 0, sizeof(s->part));
	s->size = s->done = s->part_done = 0;
	s->at = 0;
	for (i = 0; r == 0 && i < parts_allowed(name); i++) {
		part_name(name, i, is);
		r = open_part(s, is, &fd, &s->part[i].size, d);
		if (r != 0)
			break;
		s->part[i].there = fd >= 0;
		s->size += s->part[i].size;
		close_fdp(&fd);
	}
	if (r == 0)
		r = parts_check(name, s->part, s->part_bytes, &s->parts, d);
	if (r == 0 && s->parts == 0)
		return diag_fail(d, CS_E_MEDIA_NO_FILE, name,
		    "no file of that name");
	return r;
}

int
media_source_find(void *source, const char *name, struct diag *d)
{
	struct media_source *s = source;
	int r;

	if (s->fat == NULL)
		return find_in_folder(s, name, d);
	r = fat_find(s->fat, name, &s->file, d);
	if (r == 0) {
		s->size = s->file.size;
		s->parts = s->file.parts;
	}
	return r;
}

uint64_t
media_source_size(const struct media_source *s)
{
	return s->size;
}

size_t
media_source_part_count(const struct media_source *s)
{
	return s->parts;
}

/* The part that has bytes left, opened. */
static int
enter_part(struct media_source *s, struct diag *d)
{
	char is[PART_NAME];
	uint64_t size = 0;
	int r;

	if (s->part_fd >= 0 && s->part_done == s->part[s->at].size) {
		close_fdp(&s->part_fd);
		s->at++;
		s->part_done = 0;
	}
	if (s->part_fd >= 0)
		return 0;
	part_name(s->name, s->at, is);
	r = open_part(s, is, &s->part_fd, &size, d);
	if (r == 0 && (s->part_fd < 0 || size != s->part[s->at].size))
		return diag_fail(d, CS_E_MEDIA_IO, "a file that nobody changes",
		    "%s/%s is another one now", s->path, is);
	return r;
}

int
media_source_read(void *source, void *buf, size_t n, size_t *ret_n,
    struct diag *d)
{
	struct media_source *s = source;
	uint64_t left;
	int r;

	if (s->fat != NULL)
		return fat_read(s->fat, &s->file, buf, n, ret_n, d);
	*ret_n = 0;
	if (s->done == s->size)
		return 0;
	r = enter_part(s, d);
	if (r != 0)
		return r;
	left = s->part[s->at].size - s->part_done;
	if (n > left)
		n = (size_t)left;
	if (fd_pread_all(s->part_fd, buf, n, (off_t)s->part_done) != 0)
		return diag_errno(d, CS_E_MEDIA_IO, "%s/%s", s->path, s->name);
	s->part_done += n;
	s->done += n;
	*ret_n = n;
	return 0;
}
