/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CS_FAT_PRIVATE_H
#define CS_FAT_PRIVATE_H

#include "usb-transfer/fat.h"

#define FAT_WINDOW	65536u	/* bytes of the table held in one piece */
#define FAT_WINDOWS	16u	/* pieces held at a time */
/*
 * A chain that jumps about must not keep us reading for ever: so much of the
 * table may be read, besides what the files' clusters need in a row.
 */
#define FAT_READS_MAX	(UINT64_C(512) << 20)
#define FAT_MAX_CLUSTER	65536u		/* bytes */

/* One of the root folder: no long name, no label, not deleted. */
struct fat_entry {
	uint8_t name[11];
	uint8_t attr;
	uint32_t first, size;
};

struct fat {
	const struct blkdev *dev;
	uint64_t start;		/* bytes to the volume */
	uint64_t bytes;		/* of the volume */
	bool is32;
	uint32_t cluster_bytes;
	uint32_t clusters;	/* data clusters: 2 .. clusters + 1 */
	uint64_t fat_off, fat_bytes;	/* the copy in use, from start */
	uint64_t root_off;	/* FAT16: root region, from start */
	uint32_t root_bytes;	/* FAT16 */
	uint32_t root_cluster;	/* FAT32 */
	uint64_t data_off;	/* cluster 2, from start */
	struct {
		uint64_t at;	/* offset in the table */
		uint32_t len;	/* 0: nothing read yet */
		uint8_t bytes[FAT_WINDOW];
	} window[FAT_WINDOWS];
	uint64_t table_left;	/* bytes that may be read of the table */
	uint32_t part_bytes;	/* PART_BYTES; less in tests */
	bool root_read;
	struct fat_entry *entry;	/* by name, each name once */
	size_t entries;
	char label[12];
};

/* Finds the volume: MBR or none (fat_probe.c). */
int fat_probe(const struct blkdev *dev, uint64_t *ret_start,
    uint64_t *ret_bytes, struct diag *d) CS_WUR;
/* A BIOS parameter block, as opposed to boot code with a partition table. */
bool fat_boot_sector(const uint8_t *b);
/* What partitions of a type in an MBR hold: one that is FAT? */
const char *fat_type_name(uint8_t type, bool *ret_fat);
/* len and off multiples of the block size, off from the volume's start */
int fat_bytes_at(const struct fat *f, uint64_t off, uint32_t len, void *buf,
    struct diag *d) CS_WUR;
/* The root folder into f->entry, once. */
int fat_load_root(struct fat *f, struct diag *d) CS_WUR;
/* The bytes of the table at off: an entry of 2 or 4 bytes. */
int fat_table(struct fat *f, uint64_t off, const uint8_t **ret,
    struct diag *d) CS_WUR;
/* The table's entry: next cluster, or *ret_end.  Anything else refuses. */
int fat_next(struct fat *f, uint32_t cluster, uint32_t *ret, bool *ret_end,
    struct diag *d) CS_WUR;

static inline uint16_t
le16(const uint8_t *p)
{
	return (uint16_t)(p[0] | p[1] << 8);
}

static inline uint32_t
le32(const uint8_t *p)
{
	return (uint32_t)p[0] | (uint32_t)p[1] << 8 | (uint32_t)p[2] << 16 |
	    (uint32_t)p[3] << 24;
}

#endif
