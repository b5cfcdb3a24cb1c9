/* SPDX-License-Identifier: Apache-2.0 */
#include "usb-transfer/media_host.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/file.h"
#include "usb-transfer/fatvol.h"
#include "usb-transfer/media_source.h"

#define CHUNK (1u << 20)

static int
read_bundle(void *arg, uint64_t off, void *buf, size_t n, struct diag *d)
{
	const int *fd = arg;

	if (fd_pread_all(*fd, buf, n, (off_t)off) != 0)
		return diag_errno(d, CS_E_IO, "reading the bundle");
	return 0;
}

static int
bundle_size(const struct media_job *job, uint64_t *ret, struct diag *d)
{
	struct stat st;

	if (fstat(job->bundle_fd, &st) != 0 || !S_ISREG(st.st_mode))
		return diag_fail(d, CS_E_IO, "a bundle file", "another thing");
	*ret = (uint64_t)st.st_size;
	return 0;
}

static int
as_file(const struct media_job *job, struct fatvol_file *ret, struct diag *d)
{
	memset(ret, 0, sizeof(*ret));
	(void)snprintf(ret->name, sizeof(ret->name), "%s", job->name);
	ret->part_bytes = job->part_bytes;
	ret->read = read_bundle;
	ret->arg = (void *)(uintptr_t)&job->bundle_fd;
	return bundle_size(job, &ret->size, d);
}

int
media_need(const struct media_job *job, uint64_t *ret, struct diag *d)
{
	struct fatvol_file f;
	int r;

	r = as_file(job, &f, d);
	if (r == 0)
		*ret = fatvol_need(&f, 1);
	return r;
}

/* Empty, blank at its start, or a boot sector: what may be written over. */
static int
check_image(int fd, uint64_t have, const char *path, struct diag *d)
{
	uint8_t b[512];
	size_t i;

	if (have == 0)
		return 0;
	if (have < sizeof(b) || fd_pread_all(fd, b, sizeof(b), 0) != 0)
		return diag_fail(d, CS_E_MEDIA_NOT_IMAGE, "a medium's image",
		    "%s", path);
	for (i = 0; i < sizeof(b) && b[i] == 0; i++)
		;
	if (i < sizeof(b) && (b[510] != 0x55 || b[511] != 0xaa))
		return diag_fail(d, CS_E_MEDIA_NOT_IMAGE, "a medium's image",
		    "%s", path);
	return 0;
}

int
media_put_fd(int fd, const struct media_job *job, struct diag *d)
{
	const struct fatvol_ops ops = { job->progress, job->arg };
	struct fatvol_file f;
	uint64_t bytes = 0;
	int r;

	r = as_file(job, &f, d);
	if (r == 0)
		r = medium_size(fd, &bytes, d);
	return r == 0 ? fatvol_write(fd, bytes, &f, 1, &ops, d) : r;
}

static int
write_image(const char *path, const struct media_job *job, struct diag *d)
{
	_cleanup_fd_ int fd = -1;
	uint64_t have = 0, bytes = job->bytes;
	int r;

	fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0644);
	if (fd < 0)
		return diag_errno(d, CS_E_MEDIA_IO, "%s", path);
	r = medium_size(fd, &have, d);
	if (r == 0)
		r = check_image(fd, have, path, d);
	if (r == 0 && bytes == 0)
		bytes = have;
	if (r == 0 && bytes == 0)
		r = media_need(job, &bytes, d);
	if (r != 0)
		return r;
	if (bytes != have && ftruncate(fd, (off_t)bytes) != 0)
		return diag_errno(d, CS_E_MEDIA_IO, "%s", path);
	return media_put_fd(fd, job, d);
}

int
media_put(const char *target, const struct media_job *job, struct diag *d)
{
	struct stat st;
	uint64_t size = 0;
	int r;

	r = bundle_size(job, &size, d);
	if (r != 0)
		return r;
	if (stat(target, &st) != 0) {
		if (errno != ENOENT)
			return diag_errno(d, CS_E_MEDIA_IO, "%s", target);
		st.st_mode = S_IFREG;
	}
	if (S_ISDIR(st.st_mode))
		return media_put_folder(target, job, size, d);
	if (!S_ISREG(st.st_mode))
		return diag_fail(d, CS_E_MEDIA_DEVICE,
		    "an image file or a folder", "%s", target);
	return write_image(target, job, d);
}

int
media_write(const char *target, const char *name, int bundle_fd, uint64_t bytes,
    media_progress *progress, void *arg, struct diag *d)
{
	const struct media_job job = { .name = name,
		.bundle_fd = bundle_fd,
		.bytes = bytes,
		.progress = progress,
		.arg = arg };

	return media_put(target, &job, d);
}

int
media_read(const char *source, const char *name, int out_fd,
    media_progress *progress, void *arg, struct diag *d)
{
	_cleanup_media_source_ struct media_source *s = NULL;
	_cleanup_free_ uint8_t *buf = malloc(CHUNK);
	uint64_t done = 0;
	size_t n = 1;
	int r;

	if (buf == NULL)
		return diag_nomem(d);
	r = media_source_open(source, &s, d);
	if (r == 0)
		r = media_source_find(s, name, d);
	while (r == 0 && n > 0) {
		r = media_source_read(s, buf, CHUNK, &n, d);
		if (r == 0 && fd_write_all(out_fd, buf, n) != 0)
			r = diag_errno(d, CS_E_IO, "writing");
		done += n;
		if (r == 0 && progress != NULL)
			r = progress(arg, done, media_source_size(s));
	}
	return r;
}
