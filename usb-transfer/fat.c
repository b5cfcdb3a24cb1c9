/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Reading FAT16 and FAT32.  Every number from the medium is checked once,
 * here, in 64 bits; after fat_open() the figures agree with each other and
 * with the medium's size, so that no later offset can leave it.
 */

#include "usb-transfer/fat.h"

#include <string.h>

#include "usb-transfer/fat_private.h"

#define FAT16_MIN 4085u /* clusters; below is FAT12 */
#define FAT32_MIN 65525u
#define FAT32_MAX 0x0ffffff5u
#define ENTRY	  32u
/* BPB_ExtFlags: one table is in use, the others are old */
#define NO_MIRROR 0x80u
#define ACTIVE	  0x0fu

void
fat_close(struct fat **f)
{
	if (*f != NULL)
		free((*f)->entry);
	free(*f);
	*f = NULL;
}

int
fat_bytes_at(const struct fat *f, uint64_t off, uint32_t len, void *buf,
    struct diag *d)
{
	const uint32_t unit = f->dev->block_size;

	if (off % unit != 0 || len % unit != 0 || off > f->bytes ||
	    len > f->bytes - off)
		return diag_fail(d, CS_E_MEDIA_GEOMETRY,
		    "an offset inside the volume", "%llu",
		    (unsigned long long)off);
	return f->dev->read_block(f->dev->arg, (f->start + off) / unit,
	    len / unit, buf, d);
}

struct bpb {
	uint32_t bps, spc, reserved, fats, root_entries, sectors, fat_sectors;
	uint32_t active; /* the table to read */
	bool is32;
};

static int
geometry(struct diag *d, const char *expected, uint64_t found)
{
	return diag_fail(d, CS_E_MEDIA_GEOMETRY, expected, "%llu",
	    (unsigned long long)found);
}

static int
read_bpb(const struct fat *f, const uint8_t *b, struct bpb *p, struct diag *d)
{
	memset(p, 0, sizeof(*p));
	p->bps = le16(b + 11);
	p->spc = b[13];
	p->reserved = le16(b + 14);
	p->fats = b[16];
	p->root_entries = le16(b + 17);
	p->is32 = le16(b + 22) == 0;
	p->fat_sectors = p->is32 ? le32(b + 36) : le16(b + 22);
	p->sectors = le16(b + 19) != 0 ? le16(b + 19) : le32(b + 32);
	if (p->bps < f->dev->block_size)
		return geometry(d, "sectors not below the medium's", p->bps);
	/* looked at before, but it was read again since */
	if (p->spc == 0)
		return geometry(d, "sectors in a cluster", 0);
	if (p->bps * p->spc > FAT_MAX_CLUSTER)
		return geometry(d, "clusters of at most 64 KiB",
		    (uint64_t)p->bps * p->spc);
	if (p->sectors == 0 || (uint64_t)p->sectors * p->bps > f->bytes)
		return geometry(d, "a volume not larger than the medium",
		    (uint64_t)p->sectors * p->bps);
	if (p->fat_sectors == 0)
		return geometry(d, "a file allocation table", 0);
	if (p->is32 != (p->root_entries == 0) ||
	    p->root_entries * ENTRY % p->bps != 0)
		return geometry(d, "a root folder of this FAT type",
		    p->root_entries);
	if (p->is32 && le16(b + 42) != 0)
		return geometry(d, "FAT32 version 0", le16(b + 42));
	if (p->is32 && (le16(b + 40) & NO_MIRROR) != 0)
		p->active = le16(b + 40) & ACTIVE;
	if (p->active >= p->fats)
		return geometry(d, "an active table that is there", p->active);
	return 0;
}

static int
layout(struct fat *f, const uint8_t *b, const struct bpb *p, struct diag *d)
{
	const uint64_t bps = p->bps;
	uint64_t root = p->root_entries * ENTRY;
	uint64_t data, clusters, need;

	f->is32 = p->is32;
	f->cluster_bytes = p->bps * p->spc;
	f->fat_bytes = p->fat_sectors * bps;
	f->fat_off = p->reserved * bps + p->active * f->fat_bytes;
	f->root_off = p->reserved * bps + p->fats * f->fat_bytes;
	f->root_bytes = (uint32_t)root;
	data = f->root_off + root;
	f->data_off = data;
	if (data >= p->sectors * bps)
		return geometry(d, "room for data", data);
	clusters = (p->sectors * bps - data) / f->cluster_bytes;
	if (clusters < FAT16_MIN)
		return diag_fail(d, CS_E_MEDIA_FAT12, "at least 4085 clusters",
		    "%llu", (unsigned long long)clusters);
	if ((clusters < FAT32_MIN) == f->is32 || clusters > FAT32_MAX)
		return geometry(d, "clusters that fit the FAT type", clusters);
	f->clusters = (uint32_t)clusters;
	need = (clusters + 2) * (f->is32 ? 4 : 2);
	if (need > f->fat_bytes)
		return geometry(d, "a table for all clusters", f->fat_bytes);
	f->root_cluster = f->is32 ? le32(b + 44) : 0;
	if (f->is32 &&
	    (f->root_cluster < 2 || f->root_cluster > f->clusters + 1))
		return geometry(d, "a root cluster in the volume",
		    f->root_cluster);
	return 0;
}

int
fat_open(const struct blkdev *dev, struct fat **ret, struct diag *d)
{
	_cleanup_fat_ struct fat *f = NULL;
	uint8_t boot[4096];
	struct bpb p;
	int r;

	if (dev->block_size < 512 || dev->block_size > sizeof(boot) ||
	    (dev->block_size & (dev->block_size - 1)) != 0)
		return geometry(d, "blocks of 512 to 4096 bytes",
		    dev->block_size);
	f = calloc(1, sizeof(*f));
	if (f == NULL)
		return diag_nomem(d);
	f->dev = dev;
	f->table_left = FAT_READS_MAX;
	f->part_bytes = PART_BYTES;
	r = fat_probe(dev, &f->start, &f->bytes, d);
	if (r == 0)
		r = fat_bytes_at(f, 0, dev->block_size, boot, d);
	if (r == 0)
		r = read_bpb(f, boot, &p, d);
	if (r == 0)
		r = layout(f, boot, &p, d);
	if (r != 0)
		return r;
	*ret = take_ptr(f);
	return 0;
}

/* The part of the table that holds off, from one of the windows. */
int
fat_table(struct fat *f, uint64_t off, const uint8_t **ret, struct diag *d)
{
	uint64_t at = off - off % FAT_WINDOW, len = f->fat_bytes - at;
	const size_t w = at / FAT_WINDOW % FAT_WINDOWS;
	int r;

	if (len > FAT_WINDOW)
		len = FAT_WINDOW;
	if (f->window[w].len == 0 || f->window[w].at != at) {
		if (len > f->table_left)
			return diag_fail(d, CS_E_MEDIA_FAT_SCATTER,
			    "a file in few pieces", "more than %u MiB of table",
			    (unsigned int)(FAT_READS_MAX >> 20));
		f->table_left -= len;
		f->window[w].len = 0;
		r = fat_bytes_at(f, f->fat_off + at, (uint32_t)len,
		    f->window[w].bytes, d);
		if (r != 0)
			return r;
		f->window[w].at = at;
		f->window[w].len = (uint32_t)len;
	}
	*ret = f->window[w].bytes + (off - at);
	return 0;
}

int
fat_next(struct fat *f, uint32_t cluster, uint32_t *ret, bool *ret_end,
    struct diag *d)
{
	const uint64_t off = (uint64_t)cluster * (f->is32 ? 4 : 2);
	const uint8_t *p = NULL;
	uint32_t v, end;
	int r;

	r = fat_table(f, off, &p, d);
	if (r != 0)
		return r;
	v = f->is32 ? le32(p) & 0x0fffffffu : le16(p);
	end = f->is32 ? 0x0ffffff8u : 0xfff8u;
	*ret_end = v >= end;
	if (*ret_end)
		return 0;
	if (v < 2 || v > f->clusters + 1)
		return diag_fail(d, CS_E_MEDIA_FAT_CLUSTER,
		    "a cluster of the volume", "%#x after %#x", v, cluster);
	*ret = v;
	return 0;
}

int
fat_describe(struct fat *f, struct fat_info *ret, struct diag *d)
{
	/* specification 1.03, section 4.2: the volume's state in entry 1 */
	const uint32_t clean = f->is32 ? 0x0c000000u : 0xc000u;
	const uint8_t *p = NULL;
	int r;

	r = fat_load_root(f, d);
	if (r == 0)
		r = fat_table(f, f->is32 ? 4 : 2, &p, d);
	if (r != 0)
		return r;
	memset(ret, 0, sizeof(*ret));
	ret->is32 = f->is32;
	ret->dirty = ((f->is32 ? le32(p) : le16(p)) & clean) != clean;
	ret->partition = f->start != 0;
	ret->bytes = f->bytes;
	ret->cluster_bytes = f->cluster_bytes;
	ret->entries = f->entries;
	memcpy(ret->label, f->label, sizeof(ret->label));
	return 0;
}
