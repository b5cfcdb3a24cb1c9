/* SPDX-License-Identifier: Apache-2.0 */

/*
 * A FAT32 volume as a function from offset to bytes.  The same generator
 * feeds the writing and, afterwards, the comparison with what is read back.
 *
 *	sector 0 zeroed, fsync
 *	  -> data -> tables -> root folder -> reserved area, fsync
 *	  -> sector 0, fsync -> read back, compare
 *
 * Until the last write there is no boot signature: a cut shows.
 */

#include "usb-transfer/fatvol.h"

#include <string.h>

#define SECTOR	      512u
#define RESERVED      32u /* sectors before the first table */
#define TABLES	      2u
#define ROOT_CLUSTER  2u
#define FIRST_CLUSTER 3u /* of the first file */
#define SERIAL	      0x434f4c44u
#define DOS_DATE      0x0021u /* 1980-01-01; time means nothing here */
#define CHUNK	      (1u << 20)
#define END_OF_CHAIN  0x0fffffffu
#define ENTRY	      32u /* of a folder */

struct vol {
	const struct blkout *out;
	const struct fatvol_file *files;
	size_t n;
	struct fatvol_parts parts; /* what files and n are after plan() */
	const struct fatvol_ops *ops;
	uint32_t sectors, spc, table_sectors, clusters;
	uint64_t cluster_bytes, data_off;
	uint32_t first[FATVOL_MAX_PARTS], count[FATVOL_MAX_PARTS];
	uint32_t used; /* clusters, root folder included */
	uint64_t done, total;
	uint8_t *a, *b; /* CHUNK bytes each */
};

/* Cluster size by volume size, as in the FAT specification's table. */
static const struct {
	uint64_t below;
	uint32_t spc;
} cluster_table[] = {
	{ UINT64_C(260) << 20, 1 },
	{ UINT64_C(8) << 30, 8 },
	{ UINT64_C(16) << 30, 16 },
	{ UINT64_C(32) << 30, 32 },
	{ UINT64_MAX, 64 },
};

static void
put16(uint8_t *p, uint32_t v)
{
	p[0] = (uint8_t)v;
	p[1] = (uint8_t)(v >> 8);
}

static void
put32(uint8_t *p, uint32_t v)
{
	put16(p, v);
	put16(p + 2, v >> 16);
}

/* The files one after the other, each part as a file. */
static int
place_files(struct vol *v, struct diag *d)
{
	uint32_t next = FIRST_CLUSTER;
	size_t i;
	int r;

	r = fatvol_split(v->files, v->n, &v->parts, d);
	if (r != 0)
		return r;
	v->files = v->parts.v;
	v->n = v->parts.n;
	if (v->n >= v->cluster_bytes / ENTRY)
		return diag_fail(d, CS_E_MEDIA_SPACE,
		    "a root folder of one cluster", "%zu files", v->n);
	for (i = 0; i < v->n; i++) {
		uint64_t count = (v->files[i].size + v->cluster_bytes - 1) /
		    v->cluster_bytes;

		if (count > v->clusters + 2 - next)
			return diag_fail(d, CS_E_MEDIA_SPACE,
			    "room for every file", "%s has %llu bytes",
			    v->files[i].name,
			    (unsigned long long)v->files[i].size);
		v->first[i] = next;
		v->count[i] = (uint32_t)count;
		next += (uint32_t)count;
	}
	v->used = next - ROOT_CLUSTER;
	return 0;
}

static int
plan(struct vol *v, uint64_t bytes, struct diag *d)
{
	uint64_t sectors = bytes / SECTOR, room, per;
	size_t i;

	if (bytes < FATVOL_MIN_BYTES)
		return diag_fail(d, CS_E_MEDIA_SPACE, "at least 34 MiB",
		    "%llu bytes", (unsigned long long)bytes);
	if (sectors > UINT32_MAX)
		sectors = UINT32_MAX;
	for (i = 0; bytes >= cluster_table[i].below; i++)
		;
	v->spc = cluster_table[i].spc;
	v->sectors = (uint32_t)sectors;
	/* FAT specification 1.03, "FAT32 File System Initialization" */
	per = (256 * v->spc + TABLES) / 2;
	v->table_sectors = (uint32_t)((sectors - RESERVED + per - 1) / per);
	room = sectors - RESERVED - TABLES * (uint64_t)v->table_sectors;
	v->clusters = (uint32_t)(room / v->spc);
	v->cluster_bytes = v->spc * SECTOR;
	v->data_off = (RESERVED + TABLES * (uint64_t)v->table_sectors) * SECTOR;
	return place_files(v, d);
}

int
fatvol_fits(uint64_t bytes, const struct fatvol_file *files, size_t n,
    struct diag *d)
{
	struct vol v = { .files = files, .n = n };

	return plan(&v, bytes, d);
}

static void
make_boot(const struct vol *v, uint8_t *b)
{
	memset(b, 0, SECTOR);
	memcpy(b,
	    "\xeb\x58\x90"
	    "COLDSEAL",
	    11);
	put16(b + 11, SECTOR);
	b[13] = (uint8_t)v->spc;
	put16(b + 14, RESERVED);
	b[16] = TABLES;
	b[21] = 0xf8;
	put16(b + 24, 63);
	put16(b + 26, 255);
	put32(b + 32, v->sectors);
	put32(b + 36, v->table_sectors);
	put32(b + 44, ROOT_CLUSTER);
	put16(b + 48, 1); /* FSInfo */
	put16(b + 50, 6); /* backup of this sector */
	b[64] = 0x80;
	b[66] = 0x29;
	put32(b + 67, SERIAL);
	memcpy(b + 71, "COLDSEAL   FAT32   ", 19);
	put16(b + 510, 0xaa55);
}

bool
fatvol_is_ours(const uint8_t *boot)
{
	const struct vol v = { .spc = boot[13] };
	uint8_t b[SECTOR];

	make_boot(&v, b);
	memcpy(b + 32, boot + 32, 8); /* what differs with the size */
	return memcmp(b, boot, SECTOR) == 0;
}

static void
make_info(const struct vol *v, uint8_t *b)
{
	memset(b, 0, SECTOR);
	put32(b, 0x41615252);
	put32(b + 484, 0x61417272);
	put32(b + 488, v->clusters - v->used);
	put32(b + 492, ROOT_CLUSTER + v->used);
	put32(b + 508, 0xaa550000);
}

/* Sector s of the reserved area. */
static void
make_reserved(const struct vol *v, uint32_t s, uint8_t *b)
{
	memset(b, 0, SECTOR);
	if (s == 0 || s == 6)
		make_boot(v, b);
	else if (s == 1 || s == 7)
		make_info(v, b);
}

static uint32_t
table_entry(const struct vol *v, uint64_t c)
{
	size_t i;

	if (c == 0)
		return 0x0ffffff8;
	if (c == 1 || c == ROOT_CLUSTER)
		return END_OF_CHAIN;
	if (c >= ROOT_CLUSTER + (uint64_t)v->used)
		return 0;
	for (i = 0; i < v->n; i++)
		if (c >= v->first[i] && c < v->first[i] + (uint64_t)v->count[i])
			return c + 1 == v->first[i] + (uint64_t)v->count[i] ?
			    END_OF_CHAIN :
			    (uint32_t)c + 1;
	return 0;
}

static void
make_entry(uint8_t *e, const char *name, uint8_t attr, uint32_t first,
    uint32_t size)
{
	const char *dot = strchr(name, '.');
	size_t base = dot == NULL ? strlen(name) : (size_t)(dot - name);

	memset(e, 0, 32);
	memset(e, ' ', 11);
	memcpy(e, name, base > 8 ? 8 : base);
	if (dot != NULL)
		memcpy(e + 8, dot + 1,
		    strlen(dot + 1) > 3 ? 3 : strlen(dot + 1));
	e[11] = attr;
	put16(e + 16, DOS_DATE);
	put16(e + 18, DOS_DATE);
	put16(e + 20, first >> 16);
	put16(e + 24, DOS_DATE);
	put16(e + 26, first);
	put32(e + 28, size);
}

static void
make_root(const struct vol *v, uint8_t *b)
{
	size_t i;

	memset(b, 0, v->cluster_bytes);
	make_entry(b, "COLDSEAL", 0x08, 0, 0);
	for (i = 0; i < v->n; i++)
		make_entry(b + 32 * (i + 1), v->files[i].name, 0x20,
		    v->count[i] == 0 ? 0 : v->first[i],
		    (uint32_t)v->files[i].size);
}

/* One pass over a region: written, or read back and compared. */
enum pass { WRITE, COMPARE };

static int
one_chunk(struct vol *v, enum pass pass, uint64_t off, size_t n, struct diag *d)
{
	int r;

	v->done += n;
	if (pass == WRITE)
		r = v->out->write(v->out->arg, off, v->a, n, d);
	else
		r = v->out->read_back(v->out->arg, off, v->b, n, d);
	if (r != 0)
		return r;
	if (pass == COMPARE && memcmp(v->a, v->b, n) != 0)
		return diag_fail(d, CS_E_MEDIA_COMPARE,
		    "the bytes that were written", "others at %llu",
		    (unsigned long long)off);
	if (v->ops != NULL && v->ops->progress != NULL)
		return v->ops->progress(v->ops->arg, v->done, v->total);
	return 0;
}

static int
do_file(struct vol *v, enum pass pass, size_t i, struct diag *d)
{
	const struct fatvol_file *file = &v->files[i];
	uint64_t at = v->data_off +
	    (v->first[i] - ROOT_CLUSTER) * v->cluster_bytes,
		 off;
	uint64_t span = v->count[i] * v->cluster_bytes;
	int r = 0;

	for (off = 0; r == 0 && off < span; off += CHUNK) {
		size_t n = span - off > CHUNK ? CHUNK : (size_t)(span - off);
		size_t real = file->size <= off ? 0 :
		    file->size - off > n	? n :
						  (size_t)(file->size - off);

		if (real > 0)
			r = file->read(file->arg, off, v->a, real, d);
		memset(v->a + real, 0, n - real);
		if (r == 0)
			r = one_chunk(v, pass, at + off, n, d);
	}
	return r;
}

static int
do_tables(struct vol *v, enum pass pass, struct diag *d)
{
	uint64_t bytes = (uint64_t)v->table_sectors * SECTOR, off;
	uint32_t t;
	size_t i;
	int r = 0;

	for (off = 0; r == 0 && off < bytes; off += CHUNK) {
		size_t n = bytes - off > CHUNK ? CHUNK : (size_t)(bytes - off);

		for (i = 0; i < n; i += 4)
			put32(v->a + i, table_entry(v, (off + i) / 4));
		for (t = 0; r == 0 && t < TABLES; t++)
			r = one_chunk(v, pass,
			    RESERVED * SECTOR + t * bytes + off, n, d);
	}
	return r;
}

static int
do_reserved(struct vol *v, enum pass pass, uint32_t from, uint32_t to,
    struct diag *d)
{
	uint32_t s;

	for (s = from; s < to; s++)
		make_reserved(v, s, v->a + (s - from) * SECTOR);
	return one_chunk(v, pass, from * SECTOR, (to - from) * SECTOR, d);
}

static int
do_all(struct vol *v, enum pass pass, struct diag *d)
{
	size_t i;
	int r = 0;

	for (i = 0; r == 0 && i < v->n; i++)
		r = do_file(v, pass, i, d);
	if (r == 0)
		r = do_tables(v, pass, d);
	if (r != 0)
		return r;
	make_root(v, v->a);
	r = one_chunk(v, pass, v->data_off, v->cluster_bytes, d);
	return r == 0 ? do_reserved(v, pass, 1, RESERVED, d) : r;
}

static int
flush(struct vol *v, struct diag *d)
{
	return v->out->flush(v->out->arg, d);
}

static int
write_and_compare(struct vol *v, struct diag *d)
{
	int r;

	memset(v->a, 0, SECTOR);
	r = one_chunk(v, WRITE, 0, SECTOR, d);
	if (r == 0)
		r = flush(v, d);
	if (r == 0)
		r = do_all(v, WRITE, d);
	if (r == 0)
		r = flush(v, d);
	if (r == 0)
		r = do_reserved(v, WRITE, 0, 1, d);
	if (r == 0)
		r = flush(v, d);
	if (r != 0)
		return r;
	r = do_all(v, COMPARE, d);
	if (r == 0)
		r = do_reserved(v, COMPARE, 0, 1, d);
	if (r == 0 && v->out->eject != NULL)
		r = v->out->eject(v->out->arg, d);
	return r;
}

int
fatvol_write_to(const struct blkout *out, const struct fatvol_file *files,
    size_t n, const struct fatvol_ops *ops, struct diag *d)
{
	_cleanup_free_ uint8_t *a = malloc(CHUNK), *b = malloc(CHUNK);
	struct vol v = { .out = out,
		.files = files,
		.n = n,
		.ops = ops,
		.a = a,
		.b = b };
	size_t i;
	int r;

	if (a == NULL || b == NULL)
		return diag_nomem(d);
	if (n > FATVOL_MAX_FILES)
		return CS_E_INTERNAL;
	r = plan(&v, out->bytes, d);
	if (r != 0)
		return r;
	v.total = TABLES * (uint64_t)v.table_sectors * SECTOR +
	    v.cluster_bytes + RESERVED * SECTOR;
	for (i = 0; i < v.n; i++)
		v.total += v.count[i] * v.cluster_bytes;
	v.total = v.total * 2 + SECTOR;
	return write_and_compare(&v, d);
}

int
fatvol_write(int fd, uint64_t bytes, const struct fatvol_file *files, size_t n,
    const struct fatvol_ops *ops, struct diag *d)
{
	struct blkout out;
	int r;

	r = blkout_open_fd(&fd, &out, d);
	if (r != 0)
		return r;
	out.bytes = bytes;
	return fatvol_write_to(&out, files, n, ops, d);
}

uint64_t
fatvol_need(const struct fatvol_file *files, size_t n)
{
	uint64_t bytes = FATVOL_MIN_BYTES;
	size_t i;

	/* data, its table entries at one cluster a sector, rounding */
	for (i = 0; i < n; i++)
		bytes += files[i].size + files[i].size / 32 + (128u << 10);
	return (bytes + ((1u << 20) - 1)) >> 20 << 20;
}
