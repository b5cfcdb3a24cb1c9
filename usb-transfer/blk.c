/* SPDX-License-Identifier: Apache-2.0 */
#include "usb-transfer/blk.h"

#include <fcntl.h>
#include <linux/fs.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>

#include "lib/file.h"
#include "usb-transfer/fatvol.h"

static int
read_fd(void *arg, uint64_t lba, uint32_t n, void *buf, struct diag *d)
{
	const int *fd = arg;

	if (fd_pread_all(*fd, buf, (size_t)n * BLK_SIZE,
		(off_t)(lba * BLK_SIZE)) != 0)
		return diag_errno(d, CS_E_MEDIA_IO, "block %llu",
		    (unsigned long long)lba);
	return 0;
}

int
medium_size(int fd, uint64_t *ret, struct diag *d)
{
	struct stat st;
	uint64_t bytes = 0;

	if (fstat(fd, &st) != 0)
		return diag_errno(d, CS_E_MEDIA_IO, "medium");
	if (S_ISREG(st.st_mode)) {
		*ret = (uint64_t)st.st_size;
		return 0;
	}
	if (!S_ISBLK(st.st_mode) || ioctl(fd, BLKGETSIZE64, &bytes) != 0)
		return diag_fail(d, CS_E_MEDIA_IO,
		    "an image file or a block device", "another thing");
	*ret = bytes;
	return 0;
}

void
medium_drop_cache(int fd)
{
	struct stat st;

	/* drops a device's clean pages, also those that others have read */
	if (fstat(fd, &st) == 0 && S_ISBLK(st.st_mode))
		cs_ignore(ioctl(fd, BLKFLSBUF, 0));
	cs_ignore(posix_fadvise(fd, 0, 0, POSIX_FADV_DONTNEED));
}

int
blk_open_fd(const int *fd, struct blkdev *ret, struct diag *d)
{
	uint64_t bytes;
	int r;

	r = medium_size(*fd, &bytes, d);
	if (r != 0)
		return r;
	ret->read_block = read_fd;
	ret->arg = (void *)(uintptr_t)fd;
	ret->blocks = bytes / BLK_SIZE;
	ret->block_size = BLK_SIZE;
	return 0;
}

static int
write_out(void *arg, uint64_t off, const void *p, size_t n, struct diag *d)
{
	const int *fd = arg;

	if (fd_pwrite_all(*fd, p, n, (off_t)off) != 0)
		return diag_errno(d, CS_E_MEDIA_IO, "write at %llu",
		    (unsigned long long)off);
	return 0;
}

static int
read_back(void *arg, uint64_t off, void *buf, size_t n, struct diag *d)
{
	const int *fd = arg;

	if (fd_pread_all(*fd, buf, n, (off_t)off) != 0)
		return diag_errno(d, CS_E_MEDIA_IO, "read at %llu",
		    (unsigned long long)off);
	return 0;
}

static int
flush_fd(void *arg, struct diag *d)
{
	const int *fd = arg;

	if (fsync(*fd) != 0)
		return diag_errno(d, CS_E_MEDIA_IO, "flush");
	/* what is read back comes from the medium, not from the cache */
	medium_drop_cache(*fd);
	return 0;
}

int
blkout_open_fd(const int *fd, struct blkout *ret, struct diag *d)
{
	uint64_t bytes;
	int r;

	r = medium_size(*fd, &bytes, d);
	if (r != 0)
		return r;
	*ret = (struct blkout){ .write = write_out,
		.read_back = read_back,
		.flush = flush_fd,
		.arg = (void *)(uintptr_t)fd,
		.bytes = bytes };
	return 0;
}

static int
read_mem(void *arg, uint64_t lba, uint32_t n, void *buf, struct diag *d)
{
	const struct blk_mem *m = arg;
	uint64_t off = lba * BLK_SIZE, len = (uint64_t)n * BLK_SIZE;

	if (off > m->len || len > m->len - off)
		return diag_fail(d, CS_E_MEDIA_IO, "a block of the image",
		    "block %llu", (unsigned long long)lba);
	memcpy(buf, m->p + off, len);
	return 0;
}

void
blk_open_mem(const struct blk_mem *m, struct blkdev *ret)
{
	ret->read_block = read_mem;
	ret->arg = (void *)(uintptr_t)m;
	ret->blocks = m->len / BLK_SIZE;
	ret->block_size = BLK_SIZE;
}
