/* SPDX-License-Identifier: Apache-2.0 */
#include "usb-transfer/media_host.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/file.h"
#include "usb-transfer/fat.h"
#include "usb-transfer/fatvol.h"

#define CHUNK (1u << 20)

static int
read_source(void *arg, uint64_t off, void *buf, size_t n, struct diag *d)
{
	const int *fd = arg;

	if (fd_pread_all(*fd, buf, n, (off_t)off) != 0)
		return diag_errno(d, CS_E_IO, "reading the bundle");
	return 0;
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

static int
write_image(const char *path, const char *name, int bundle_fd, uint64_t size,
    uint64_t bytes, media_progress *progress, void *arg, struct diag *d)
{
	_cleanup_fd_ int fd = -1;
	struct fatvol_file f = { .size = size,
		.read = read_source,
		.arg = &bundle_fd };
	const struct fatvol_ops ops = { progress, arg };
	uint64_t have = 0;
	int r;

	(void)snprintf(f.name, sizeof(f.name), "%s", name);
	fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0644);
	if (fd < 0)
		return diag_errno(d, CS_E_MEDIA_IO, "%s", path);
	r = medium_size(fd, &have, d);
	if (r == 0)
		r = check_image(fd, have, path, d);
	if (r != 0)
		return r;
	if (bytes == 0)
		bytes = have != 0 ? have : fatvol_need(&f, 1);
	if (bytes != have && ftruncate(fd, (off_t)bytes) != 0)
		return diag_errno(d, CS_E_MEDIA_IO, "%s", path);
	return fatvol_write(fd, bytes, &f, 1, &ops, d);
}

/* Copies size bytes, or compares them if compare is set. */
static int
copy_bytes(int from, int to, uint64_t size, bool compare,
    media_progress *progress, void *arg, struct diag *d)
{
	_cleanup_free_ uint8_t *a = malloc(CHUNK), *b = malloc(CHUNK);
	uint64_t off = 0;
	int r = 0;

	if (a == NULL || b == NULL)
		return diag_nomem(d);
	while (r == 0 && off < size) {
		size_t n = size - off > CHUNK ? CHUNK : (size_t)(size - off);

		if (fd_pread_all(from, a, n, (off_t)off) != 0)
			return diag_errno(d, CS_E_IO, "reading");
		if (!compare && fd_pwrite_all(to, a, n, (off_t)off) != 0)
			return diag_errno(d, CS_E_MEDIA_IO, "writing");
		if (compare &&
		    (fd_pread_all(to, b, n, (off_t)off) != 0 ||
			memcmp(a, b, n) != 0))
			return diag_fail(d, CS_E_MEDIA_COMPARE,
			    "the bytes that were written", "others at %llu",
			    (unsigned long long)off);
		off += n;
		if (progress != NULL)
			r = progress(arg, compare ? size + off : off, 2 * size);
	}
	return r;
}

static int
write_folder(const char *path, const char *name, int bundle_fd, uint64_t size,
    media_progress *progress, void *arg, struct diag *d)
{
	_cleanup_fd_ int dir = -1, fd = -1;
	char tmp[32];
	int r;

	r = dir_open(AT_FDCWD, path, &dir, d);
	if (r != 0)
		return r;
	(void)snprintf(tmp, sizeof(tmp), "%s.NEW", name);
	tmp[8] = '\0'; /* an 8.3 name on the stick, too */
	(void)memcpy(tmp + strcspn(tmp, "."), ".NEW", 5);
	fd = openat(dir, tmp,
	    O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0644);
	if (fd < 0)
		return diag_errno(d, CS_E_MEDIA_IO, "%s/%s", path, tmp);
	r = copy_bytes(bundle_fd, fd, size, false, progress, arg, d);
	if (r == 0 && fsync(fd) != 0)
		r = diag_errno(d, CS_E_MEDIA_IO, "flush");
	(void)posix_fadvise(fd, 0, 0, POSIX_FADV_DONTNEED);
	if (r == 0)
		r = copy_bytes(bundle_fd, fd, size, true, progress, arg, d);
	if (r == 0 && renameat(dir, tmp, dir, name) != 0)
		r = diag_errno(d, CS_E_MEDIA_IO, "%s/%s", path, name);
	if (r == 0 && fsync(dir) != 0)
		r = diag_errno(d, CS_E_MEDIA_IO, "flush of the folder");
	if (r != 0)
		(void)unlinkat(dir, tmp, 0);
	return r;
}

int
media_write(const char *target, const char *name, int bundle_fd, uint64_t bytes,
    media_progress *progress, void *arg, struct diag *d)
{
	struct stat st, b;

	if (fstat(bundle_fd, &b) != 0 || !S_ISREG(b.st_mode))
		return diag_fail(d, CS_E_IO, "a bundle file", "another thing");
	if (stat(target, &st) != 0 && errno != ENOENT)
		return diag_errno(d, CS_E_MEDIA_IO, "%s", target);
	if (errno == ENOENT && access(target, F_OK) != 0)
		st.st_mode = S_IFREG;
	if (S_ISDIR(st.st_mode))
		return write_folder(target, name, bundle_fd,
		    (uint64_t)b.st_size, progress, arg, d);
	if (!S_ISREG(st.st_mode))
		return diag_fail(d, CS_E_MEDIA_DEVICE,
		    "an image file or a folder", "%s", target);
	return write_image(target, name, bundle_fd, (uint64_t)b.st_size, bytes,
	    progress, arg, d);
}

static int
read_image(int fd, const char *name, int out_fd, media_progress *progress,
    void *arg, struct diag *d)
{
	_cleanup_fat_ struct fat *fat = NULL;
	_cleanup_free_ uint8_t *buf = malloc(CHUNK);
	struct fat_file f;
	struct blkdev dev;
	size_t n = 1;
	int r;

	if (buf == NULL)
		return diag_nomem(d);
	r = blk_open_fd(&fd, &dev, d);
	if (r == 0)
		r = fat_open(&dev, &fat, d);
	if (r == 0)
		r = fat_find(fat, name, &f, d);
	while (r == 0 && n > 0) {
		r = fat_read(fat, &f, buf, CHUNK, &n, d);
		if (r == 0 && fd_write_all(out_fd, buf, n) != 0)
			r = diag_errno(d, CS_E_IO, "writing");
		if (r == 0 && progress != NULL)
			r = progress(arg, f.done, f.size);
	}
	return r;
}

int
media_read(const char *source, const char *name, int out_fd,
    media_progress *progress, void *arg, struct diag *d)
{
	_cleanup_fd_ int fd = -1, file = -1;
	struct stat st;

	fd = open(source, O_RDONLY | O_CLOEXEC);
	if (fd < 0 || fstat(fd, &st) != 0)
		return diag_errno(d, CS_E_MEDIA_IO, "%s", source);
	if (S_ISREG(st.st_mode))
		return read_image(fd, name, out_fd, progress, arg, d);
	if (!S_ISDIR(st.st_mode))
		return diag_fail(d, CS_E_MEDIA_DEVICE,
		    "an image file or a folder", "%s", source);
	file = openat(fd, name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
	if (file < 0 && errno == ENOENT)
		return diag_fail(d, CS_E_MEDIA_NO_FILE, name,
		    "no file of that name");
	if (file < 0 || fstat(file, &st) != 0 || !S_ISREG(st.st_mode))
		return diag_errno(d, CS_E_MEDIA_IO, "%s/%s", source, name);
	return copy_bytes(file, out_fd, (uint64_t)st.st_size, false, progress,
	    arg, d);
}
