/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Reading FAT16 and FAT32.  Every number from the medium is checked once,
 * here, in 64 bits; after fat_open() the figures agree with each other and
 * with the medium's size, so that no later offset can leave it.
 */

#include "usb-transfer/fat.h"

#include <string.h>

#include "usb-transfer/fat_private.h"

#define MAX_CLUSTER 65536u
#define FAT16_MIN   4085u /* clusters; below is FAT12 */
#define FAT32_MIN   65525u
#define FAT32_MAX   0x0ffffff5u
#define MAX_ROOT    (2u << 20) /* bytes of a root folder */
#define ENTRY	    32u

void
fat_close(struct fat **f)
{
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
	if (p->bps * p->spc > MAX_CLUSTER)
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
	f->fat_off = p->reserved * bps;
	f->fat_bytes = p->fat_sectors * bps;
	f->root_off = f->fat_off + p->fats * f->fat_bytes;
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
static int
table_bytes(struct fat *f, uint64_t off, const uint8_t **ret, struct diag *d)
{
	uint64_t at = off - off % FAT_WINDOW, len = f->fat_bytes - at;
	const size_t w = at / FAT_WINDOW % FAT_WINDOWS;
	int r;

	if (len > FAT_WINDOW)
		len = FAT_WINDOW;
	if (f->window[w].len == 0 || f->window[w].at != at) {
		f->table_reads += len;
		if (f->table_reads > FAT_READS_MAX)
			return diag_fail(d, CS_E_MEDIA_FAT_SCATTER,
			    "a file in few pieces", "more than %u MiB of table",
			    (unsigned int)(FAT_READS_MAX >> 20));
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

	r = table_bytes(f, off, &p, d);
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

/* Exactly as many clusters as the size needs, and then the end. */
static int
check_chain(struct fat *f, const struct fat_file *file, struct diag *d)
{
	uint64_t n = ((uint64_t)file->size + f->cluster_bytes - 1) /
	    f->cluster_bytes,
		 i;
	uint32_t c = file->first;
	bool end = false;
	int r;

	if (n == 0)
		return c == 0 ? 0 :
				diag_fail(d, CS_E_MEDIA_FAT_LOOP,
				    "no cluster for an empty file", "%#x", c);
	if (c < 2 || c > f->clusters + 1)
		return diag_fail(d, CS_E_MEDIA_FAT_CLUSTER,
		    "a first cluster of the volume", "%#x", c);
	if (n > f->clusters)
		return diag_fail(d, CS_E_MEDIA_FAT_SHORT,
		    "a size that fits the volume", "%u bytes", file->size);
	for (i = 0; i < n; i++) {
		r = fat_next(f, c, &c, &end, d);
		if (r != 0)
			return r;
		if (end)
			break;
	}
	if (!end)
		return diag_fail(d, CS_E_MEDIA_FAT_LOOP,
		    "an end after the last cluster",
		    "more than %llu clusters for %u bytes",
		    (unsigned long long)n, file->size);
	if (i + 1 < n)
		return diag_fail(d, CS_E_MEDIA_FAT_SHORT,
		    "a cluster for each part", "%llu clusters for %u bytes",
		    (unsigned long long)i + 1, file->size);
	return 0;
}

struct lookup {
	uint8_t name[11];
	bool found, over; /* over: the end mark was seen */
	struct fat_file file;
};

static int
look_at(struct lookup *l, const uint8_t *e, struct diag *d)
{
	if (e[0] == 0x00) {
		l->over = true;
		return 0;
	}
	/* deleted; long name or volume label; the rest of a name elsewhere */
	if (e[0] == 0xe5 || (e[11] & 0x08) != 0 || memcmp(e, l->name, 11) != 0)
		return 0;
	if ((e[11] & 0x10) != 0)
		return diag_fail(d, CS_E_MEDIA_ENTRY, "a file",
		    "a folder of that name");
	if (l->found)
		return diag_fail(d, CS_E_MEDIA_TWO_FILES, "one entry", "two");
	l->found = true;
	l->file.first = (uint32_t)le16(e + 20) << 16 | le16(e + 26);
	l->file.size = le32(e + 28);
	return 0;
}

static int
look_through(struct lookup *l, const uint8_t *p, uint32_t len, struct diag *d)
{
	uint32_t i;
	int r = 0;

	for (i = 0; r == 0 && !l->over && i + ENTRY <= len; i += ENTRY)
		r = look_at(l, p + i, d);
	return r;
}

static int
look_root16(struct fat *f, struct lookup *l, uint8_t *buf, struct diag *d)
{
	uint32_t off, n;
	int r = 0;

	for (off = 0; r == 0 && !l->over && off < f->root_bytes; off += n) {
		n = f->root_bytes - off;
		if (n > MAX_CLUSTER)
			n = MAX_CLUSTER;
		r = fat_bytes_at(f, f->root_off + off, n, buf, d);
		if (r == 0)
			r = look_through(l, buf, n, d);
	}
	return r;
}

static int
look_root32(struct fat *f, struct lookup *l, uint8_t *buf, struct diag *d)
{
	uint32_t c = f->root_cluster, seen;
	bool end = false;
	int r = 0;

	for (seen = 0; r == 0 && !l->over && !end; seen++) {
		if (seen >= MAX_ROOT / f->cluster_bytes + 1)
			return diag_fail(d, CS_E_MEDIA_FAT_LOOP,
			    "a root folder of at most 2 MiB", "more");
		r = fat_bytes_at(f,
		    f->data_off + (uint64_t)(c - 2) * f->cluster_bytes,
		    f->cluster_bytes, buf, d);
		if (r == 0)
			r = look_through(l, buf, f->cluster_bytes, d);
		if (r == 0 && !l->over)
			r = fat_next(f, c, &c, &end, d);
	}
	return r;
}

/* "COLDSEAL.REQ" -> "COLDSEALREQ" */
static int
short_name(const char *name, uint8_t out[11])
{
	const char *dot = strchr(name, '.');
	size_t base = dot == NULL ? strlen(name) : (size_t)(dot - name);
	size_t ext = dot == NULL ? 0 : strlen(dot + 1);

	if (base == 0 || base > 8 || ext > 3)
		return CS_E_INTERNAL;
	memset(out, ' ', 11);
	memcpy(out, name, base);
	if (ext > 0)
		memcpy(out + 8, dot + 1, ext);
	return 0;
}

int
fat_find(struct fat *f, const char *name, struct fat_file *ret, struct diag *d)
{
	_cleanup_free_ uint8_t *buf = malloc(MAX_CLUSTER);
	struct lookup l = { .found = false };
	int r;

	if (buf == NULL)
		return diag_nomem(d);
	r = short_name(name, l.name);
	if (r != 0)
		return r;
	r = f->is32 ? look_root32(f, &l, buf, d) : look_root16(f, &l, buf, d);
	if (r != 0)
		return r;
	if (!l.found)
		return diag_fail(d, CS_E_MEDIA_NO_FILE, name,
		    "no file of that name");
	if (!f->is32)
		l.file.first &= 0xffff;
	r = check_chain(f, &l.file, d);
	if (r != 0)
		return r;
	l.file.cluster = l.file.first;
	*ret = l.file;
	return 0;
}

/*
 * Bytes that lie in one piece from the reading position on, at most want;
 * moves the position to the cluster after them.
 */
static int
next_run(struct fat *f, struct fat_file *file, uint64_t want, uint64_t *ret,
    struct diag *d)
{
	uint32_t c = file->cluster, next = 0;
	uint64_t n = f->cluster_bytes;
	bool end = false;
	int r;

	for (;;) {
		r = fat_next(f, c, &next, &end, d);
		if (r != 0)
			return r;
		if (end || next != c + 1 || n + f->cluster_bytes > want)
			break;
		n += f->cluster_bytes;
		c = next;
	}
	file->cluster = end ? 0 : next;
	*ret = n;
	return 0;
}

int
fat_read(struct fat *f, struct fat_file *file, void *buf, size_t n,
    size_t *ret_n, struct diag *d)
{
	const uint32_t unit = f->dev->block_size;
	uint64_t left = (uint64_t)file->size - file->done, run, off;
	uint32_t whole;
	int r;

	*ret_n = 0;
	if (left == 0)
		return 0;
	if (n < MAX_CLUSTER)
		return diag_fail(d, CS_E_INTERNAL, "a buffer of 64 KiB", "%zu",
		    n);
	if (file->cluster < 2)
		return diag_fail(d, CS_E_MEDIA_FAT_SHORT, "another cluster",
		    "the end");
	off = f->data_off + (uint64_t)(file->cluster - 2) * f->cluster_bytes;
	r = next_run(f, file, n, &run, d);
	if (r != 0)
		return r;
	if (run > left)
		run = left;
	whole = (uint32_t)((run + unit - 1) / unit * unit);
	r = fat_bytes_at(f, off, whole, buf, d);
	if (r != 0)
		return r;
	file->done += (uint32_t)run;
	*ret_n = (size_t)run;
	return 0;
}
