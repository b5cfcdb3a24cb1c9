/* SPDX-License-Identifier: Apache-2.0 */
#include <stdlib.h>
#include <string.h>

#include "usb-transfer/fat_private.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/*
 * The first byte chooses: 'r', the rest is a medium; 'a', 'b' or 'c', the
 * rest are changes to a good FAT16 volume, a good FAT32 volume, or the latter
 * in a partition.  A change is four bytes: two of place, one of value, one of
 * region.  The media are made here, so that the corpus stays text.
 */
#define BLOCK	 512u
#define FRONT	 (600u << 10) /* what of a medium is in memory; zeros follow */
#define SHIFT	 64u	      /* blocks before the partition */
#define CHANGES	 64u
#define CHUNK	 65536u
#define FILE_LEN 3000u
#define PART_LEN 2048u /* FAT32: the file lies in two */

struct medium {
	uint8_t *front;
	size_t len;
	uint64_t blocks;
	size_t fat, root, data; /* offsets of the regions */
};

static uint8_t front16[FRONT], front32[FRONT], front_mbr[FRONT];
static struct medium media[3];

static void
put(uint8_t *p, size_t n, uint32_t v)
{
	size_t i;

	for (i = 0; i < n; i++)
		p[i] = (uint8_t)(v >> (8 * i));
}

static void
put_boot(uint8_t *b, uint32_t reserved, uint32_t fats, uint32_t sectors)
{
	memcpy(b,
	    "\xeb\x58\x90"
	    "FUZZFUZZ",
	    11);
	put(b + 11, 2, BLOCK);
	b[13] = 1;
	put(b + 14, 2, reserved);
	b[16] = (uint8_t)fats;
	put(b + 32, 4, sectors);
	put(b + 510, 2, 0xaa55);
}

static void
put_file(uint8_t *e, uint32_t first, uint32_t len)
{
	memcpy(e, "LABEL      ", 11);
	e[11] = 0x08;
	e[32] = 0xe5;
	memcpy(e + 64, "COLDSEALREQ", 11);
	put(e + 64 + 26, 2, first);
	put(e + 64 + 28, 4, len);
}

/* Clusters first, first + 1, ... of the file, in a row. */
static void
put_chain(uint8_t *fat, size_t width, uint32_t first, uint32_t len)
{
	const uint32_t n = (len + BLOCK - 1) / BLOCK;
	uint32_t i;

	for (i = 0; i < n; i++)
		put(fat + (first + i) * width, width,
		    i + 1 < n ? first + i + 1 : UINT32_MAX);
}

static void
make16(struct medium *m)
{
	const uint32_t table = 20, root = 2, clusters = 5000;
	uint8_t *b = front16;

	*m = (struct medium){ b, FRONT, 1 + table + root + clusters, BLOCK,
		(1 + table) * BLOCK, (1 + table + root) * BLOCK };
	put_boot(b, 1, 1, (uint32_t)m->blocks);
	put(b + 17, 2, root * BLOCK / 32);
	put(b + 22, 2, table);
	put_file(b + m->root, 2, FILE_LEN);
	put_chain(b + m->fat, 2, 2, FILE_LEN);
}

static void
make32(struct medium *m)
{
	const uint32_t table = 520, clusters = 66000;
	uint8_t *b = front32;

	*m = (struct medium){ b, FRONT, 32 + table + clusters, 32 * BLOCK,
		(32 + table) * BLOCK, (32 + table + 1) * BLOCK };
	put_boot(b, 32, 1, (uint32_t)m->blocks);
	put(b + 36, 4, table);
	put(b + 44, 4, 2);
	put(b + m->fat + 8, 4, 0x0fffffff);
	put_file(b + m->root, 3, PART_LEN);
	put_chain(b + m->fat, 4, 3, PART_LEN);
	memcpy(b + m->root + 96, "COLDSEALR01", 11);
	put(b + m->root + 96 + 26, 2, 3 + PART_LEN / BLOCK);
	put(b + m->root + 96 + 28, 4, FILE_LEN - PART_LEN);
	put_chain(b + m->fat, 4, 3 + PART_LEN / BLOCK, FILE_LEN - PART_LEN);
}

static void
make_mbr(struct medium *m, const struct medium *volume)
{
	uint8_t *b = front_mbr;

	*m = *volume;
	m->front = b;
	m->blocks += SHIFT;
	m->fat += SHIFT * BLOCK;
	m->root += SHIFT * BLOCK;
	m->data += SHIFT * BLOCK;
	b[446 + 4] = 0x0c;
	put(b + 446 + 8, 4, SHIFT);
	put(b + 446 + 12, 4, (uint32_t)volume->blocks);
	put(b + 510, 2, 0xaa55);
	memcpy(b + SHIFT * BLOCK, volume->front, FRONT - SHIFT * BLOCK);
}

static int
read_block(void *arg, uint64_t lba, uint32_t n, void *buf, struct diag *d)
{
	const struct medium *m = arg;
	const uint64_t off = lba * BLOCK;
	const size_t len = (size_t)n * BLOCK;
	size_t have;

	(void)d;
	/* never nothing, never outside */
	if (n == 0 || lba >= m->blocks || n > m->blocks - lba)
		abort();
	have = off >= m->len   ? 0 :
	    m->len - off < len ? (size_t)(m->len - off) :
				 len;
	if (have > 0)
		memcpy(buf, m->front + off, have);
	memset((uint8_t *)buf + have, 0, len - have);
	return 0;
}

/* As many bytes as the entry says, or a refusal that gives a reason. */
static int
read_all(struct medium *m)
{
	const struct blkdev dev = { read_block, m, m->blocks, BLOCK };
	_cleanup_fat_ struct fat *fat = NULL;
	static uint8_t buf[CHUNK];
	struct diag d = { 0 };
	struct fat_file f;
	uint64_t total = 0;
	size_t n = 1;
	int r;

	r = fat_open(&dev, &fat, &d);
	if (r == 0)
		fat->part_bytes = PART_LEN;
	if (r == 0)
		r = fat_find(fat, "COLDSEAL.REQ", &f, &d);
	while (r == 0 && n > 0) {
		r = fat_read(fat, &f, buf, sizeof(buf), &n, &d);
		if (n > sizeof(buf))
			abort();
		total += n;
	}
	if ((r == 0 && total != f.size) || (r != 0 && d.code != r))
		abort();
	return r;
}

static size_t
place(const struct medium *m, const uint8_t *c)
{
	const size_t at = (size_t)(c[0] | c[1] << 8);
	size_t from;

	switch (c[3] % 4) {
	case 0:
		from = at % BLOCK; /* the boot sector or the MBR */
		break;
	case 1:
		from = m->fat + at;
		break;
	case 2:
		from = m->root + at % BLOCK;
		break;
	default:
		from = m->fat - m->fat % (SHIFT * BLOCK) + at % (4 * BLOCK);
		break;
	}
	return from % m->len;
}

static void
with_changes(struct medium *m, const uint8_t *data, size_t size)
{
	size_t n = size / 4, at[CHANGES], i;
	uint8_t old[CHANGES];

	if (n > CHANGES)
		n = CHANGES;
	for (i = 0; i < n; i++) {
		at[i] = place(m, data + 4 * i);
		old[i] = m->front[at[i]];
		m->front[at[i]] = data[4 * i + 2];
	}
	(void)read_all(m);
	while (i-- > 0)
		m->front[at[i]] = old[i];
}

static void
make_media(void)
{
	size_t i;

	make16(&media[0]);
	make32(&media[1]);
	make_mbr(&media[2], &media[1]);
	for (i = 0; i < ARRAY_LEN(media); i++)
		if (read_all(&media[i]) != 0)
			abort();
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct medium raw;

	if (media[0].front == NULL)
		make_media();
	if (size == 0)
		return 0;
	if (data[0] >= 'a' && data[0] <= 'c') {
		with_changes(&media[data[0] - 'a'], data + 1, size - 1);
		return 0;
	}
	raw = (struct medium){ .front = (uint8_t *)(uintptr_t)(data + 1),
		.len = size - 1,
		.blocks = (size - 1) / BLOCK };
	(void)read_all(&raw);
	return 0;
}
