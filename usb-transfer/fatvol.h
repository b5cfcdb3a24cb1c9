/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CS_FATVOL_H
#define CS_FATVOL_H

#include "usb-transfer/blk.h"
#include "usb-transfer/parts.h"

/*
 * Writes a whole FAT32 volume from constants, over whatever is there:
 * sector 0 zeroed, then data, FATs, root folder, FSInfo, then sector 0 last,
 * so that a cut at any moment leaves no volume or a complete one.  What was
 * written is read back and compared.
 */
#define FATVOL_MAX_FILES	8u
#define FATVOL_MIN_BYTES	(34u << 20)	/* smallest FAT32 */

struct fatvol_file {
	char name[13];		/* "COLDSEAL.RSP" */
	uint64_t size;		/* bytes; above PART_BYTES: in parts */
	uint32_t part_bytes;	/* 0: PART_BYTES; less in tests */
	/* n bytes at off; the same bytes each time it is asked */
	int (*read)(void *arg, uint64_t off, void *buf, size_t n,
	    struct diag *d);
	void *arg;
};

/* Files as the volume has them: each of them at most a part. */
#define FATVOL_MAX_PARTS	(FATVOL_MAX_FILES + PARTS_MAX)

struct fatvol_parts {
	size_t n;
	struct fatvol_file v[FATVOL_MAX_PARTS];
	struct fatvol_view {
		const struct fatvol_file *whole;
		uint64_t off;
	} view[FATVOL_MAX_PARTS];
};
/* *ret points into itself and to files.  CS_E_MEDIA_SPACE */
int fatvol_split(const struct fatvol_file *files, size_t n,
    struct fatvol_parts *ret, struct diag *d) CS_WUR;

struct fatvol_ops {		/* members may be NULL */
	/* bytes written, then bytes compared, in one count */
	int (*progress)(void *arg, uint64_t done, uint64_t total);
	void *arg;
};
/* Sector 0 is written twice, all else once; then all is compared once. */
static inline bool
fatvol_compares(uint64_t done, uint64_t total)
{
	return done > (total + BLK_SIZE) / 2;
}

/* Over all of *out, which is ejected at the end. */
int fatvol_write_to(const struct blkout *out, const struct fatvol_file *files,
    size_t n, const struct fatvol_ops *ops, struct diag *d) CS_WUR;

/* bytes: size of the medium.  fd is read and written, not taken. */
int fatvol_write(int fd, uint64_t bytes, const struct fatvol_file *files,
    size_t n, const struct fatvol_ops *ops, struct diag *d) CS_WUR;
/* Whether there is room for them: CS_E_MEDIA_SPACE */
int fatvol_fits(uint64_t bytes, const struct fatvol_file *files, size_t n,
    struct diag *d) CS_WUR;
/* Whether 512 bytes are the boot sector of such a volume, of any size. */
bool fatvol_is_ours(const uint8_t *boot);
/* what an image for these files needs at least */
uint64_t fatvol_need(const struct fatvol_file *files, size_t n);
/* size of a regular file or block device */
int medium_size(int fd, uint64_t *ret, struct diag *d) CS_WUR;
/* So that what is read next comes from the medium, where the kernel can. */
void medium_drop_cache(int fd);

#endif
