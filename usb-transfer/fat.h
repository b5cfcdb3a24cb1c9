/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CS_FAT_H
#define CS_FAT_H

#include "usb-transfer/blk.h"
#include "usb-transfer/parts.h"

/*
 * FAT16 and FAT32, read only (Microsoft FAT specification, 1.03): one MBR
 * partition or none, the root folder, one exact 8.3 name and its parts.  Long
 * names, labels and subfolders mean nothing.  Chains are walked once, bounded
 * by the size in the directory entry.  PROTOCOL.media lists every refusal.
 */
struct fat;

void fat_close(struct fat **f);
static inline void
fat_closep(struct fat **f)
{
	fat_close(f);
}
#define _cleanup_fat_ _cleanup_(fat_closep)

/* dev must outlive *ret.  CS_E_MEDIA_* */
int fat_open(const struct blkdev *dev, struct fat **ret, struct diag *d)
    CS_WUR;

/* A bundle: one file, or several that are read as one. */
struct fat_file {
	uint64_t size;		/* bytes, of all parts */
	size_t parts;
	struct {
		uint32_t first;	/* cluster; 0 for an empty file */
		uint32_t size;	/* bytes */
	} part[PARTS_MAX];
	/* reading position */
	uint64_t done;		/* bytes read, of all parts */
	size_t at;		/* the part that is read */
	uint32_t cluster, part_done;
};

/*
 * name: "COLDSEAL.REQ".  CS_E_MEDIA_NO_FILE, CS_E_MEDIA_TWO_FILES,
 * CS_E_MEDIA_PART_*.  Every cluster chain is checked against its size before
 * it returns.
 */
int fat_find(struct fat *f, const char *name, struct fat_file *ret,
    struct diag *d) CS_WUR;
/* At most n bytes, n at least 64 KiB; *ret_n is 0 only at the end. */
int fat_read(struct fat *f, struct fat_file *file, void *buf, size_t n,
    size_t *ret_n, struct diag *d) CS_WUR;

/* What a volume says of itself: for people, nothing follows from it. */
struct fat_info {
	bool is32;
	bool dirty;		/* it was not unmounted, or had errors */
	bool partition;		/* in an MBR; else over the whole medium */
	uint64_t bytes;
	uint32_t cluster_bytes;
	size_t entries;		/* files and folders of the root folder */
	char label[12];		/* bytes of the medium: sanitise */
};
int fat_describe(struct fat *f, struct fat_info *ret, struct diag *d) CS_WUR;

#endif
