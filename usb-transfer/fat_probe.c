/* SPDX-License-Identifier: Apache-2.0 */

/*
 * What is on the medium: a FAT volume over all of it, one in the only
 * partition of an MBR, or something else, which is recognised by its
 * signature and named.
 */

#include <string.h>

#include "usb-transfer/fat_private.h"

#define MBR_TABLE   446
#define PROBE_BYTES (36u << 10) /* reaches ISO 9660's descriptor */

/* clang-format off */
static const struct {
	size_t off;
	const char *magic;
	size_t len;
	bool weak;	/* may stand by chance inside a FAT volume */
	int code;
	const char *name;
} known[] = {
	{ 3, "EXFAT   ", 8, false, CS_E_MEDIA_EXFAT, "exFAT" },
	{ 3, "NTFS    ", 8, false, CS_E_MEDIA_NTFS, "NTFS" },
	{ 3, "-FVE-FS-", 8, false, CS_E_MEDIA_ENCRYPTED, "BitLocker" },
	/* {4967d63b-2e29-4ad8-8399-f6a339e3d001} in a FAT32 boot sector */
	{ 424, "\x3b\xd6\x67\x49\x29\x2e\xd8\x4a"
	    "\x83\x99\xf6\xa3\x39\xe3\xd0\x01", 16, false,
	    CS_E_MEDIA_ENCRYPTED, "BitLocker To Go" },
	{ 0, "LUKS\xba\xbe", 6, false, CS_E_MEDIA_ENCRYPTED, "LUKS" },
	{ 512, "EFI PART", 8, false, CS_E_MEDIA_GPT, "GPT" },
	{ 4096, "EFI PART", 8, false, CS_E_MEDIA_GPT, "GPT of 4096 bytes" },
	{ 32, "NXSB", 4, true, CS_E_MEDIA_FOREIGN, "APFS" },
	{ 1024, "H+\0\4", 4, true, CS_E_MEDIA_FOREIGN, "HFS+" },
	{ 1024, "HX\0\5", 4, true, CS_E_MEDIA_FOREIGN, "HFSX" },
	{ 1080, "\x53\xef", 2, true, CS_E_MEDIA_FOREIGN, "ext2, ext3 or ext4" },
	{ 0, "XFSB", 4, true, CS_E_MEDIA_FOREIGN, "XFS" },
	{ 32769, "CD001", 5, true, CS_E_MEDIA_FOREIGN, "ISO 9660" },
};
/* clang-format on */

static const uint8_t fat_types[] = { 0x04, 0x06, 0x0e, 0x0b, 0x0c };

static int
name_known(const uint8_t *p, size_t len, bool weak, struct diag *d)
{
	size_t i;

	for (i = 0; i < ARRAY_LEN(known); i++)
		if (known[i].weak == weak &&
		    known[i].off + known[i].len <= len &&
		    memcmp(p + known[i].off, known[i].magic, known[i].len) == 0)
			return diag_fail(d, known[i].code, "FAT16 or FAT32",
			    "%s", known[i].name);
	return 0;
}

/* A BIOS parameter block, as opposed to boot code with a partition table. */
static bool
looks_fat(const uint8_t *b)
{
	const uint16_t bps = le16(b + 11);

	return (b[0] == 0xeb || b[0] == 0xe9) &&
	    (bps == 512 || bps == 1024 || bps == 2048 || bps == 4096) &&
	    b[13] != 0 && (b[13] & (b[13] - 1)) == 0 && le16(b + 14) != 0 &&
	    (b[16] == 1 || b[16] == 2);
}

static bool
is_fat_type(uint8_t type)
{
	return memchr(fat_types, type, sizeof(fat_types)) != NULL;
}

/* Reads what the signatures need, or as much as there is. */
static int
read_probe(const struct blkdev *dev, uint64_t lba, uint8_t *buf,
    size_t *ret_len, struct diag *d)
{
	uint64_t n = PROBE_BYTES / dev->block_size;
	int r;

	if (lba >= dev->blocks)
		return diag_fail(d, CS_E_MEDIA_EMPTY, "a volume", "%llu blocks",
		    (unsigned long long)dev->blocks);
	if (n > dev->blocks - lba)
		n = dev->blocks - lba;
	r = dev->read_block(dev->arg, lba, (uint32_t)n, buf, d);
	*ret_len = (size_t)n * dev->block_size;
	return r;
}

/* The one partition that is there. */
static int
only_partition(const uint8_t *mbr, const uint8_t **ret, struct diag *d)
{
	const uint8_t *hit = NULL;
	int i;

	for (i = 0; i < 4; i++) {
		const uint8_t *e = mbr + MBR_TABLE + 16 * i;

		if (e[4] == 0 && le32(e + 8) == 0 && le32(e + 12) == 0)
			continue;
		if (e[4] == 0xee)
			return diag_fail(d, CS_E_MEDIA_GPT, "an MBR table",
			    "a protective partition");
		if ((e[0] & 0x7f) != 0)
			return diag_fail(d, CS_E_MEDIA_PARTITIONS,
			    "a partition table", "status byte %#x", e[0]);
		if (hit != NULL)
			return diag_fail(d, CS_E_MEDIA_PARTITIONS,
			    "one partition", "several");
		hit = e;
	}
	if (hit == NULL)
		return diag_fail(d, CS_E_MEDIA_EMPTY, "a FAT volume",
		    "an empty partition table");
	*ret = hit;
	return 0;
}

static int
probe_partition(const struct blkdev *dev, const uint8_t *e, uint8_t *buf,
    uint64_t *ret_start, uint64_t *ret_bytes, struct diag *d)
{
	const uint64_t unit = dev->block_size;
	const uint64_t lba = le32(e + 8), n = le32(e + 12);
	const uint8_t type = e[4];
	size_t len;
	int r;

	if (lba == 0 || n == 0 || lba >= dev->blocks || n > dev->blocks - lba)
		return diag_fail(d, CS_E_MEDIA_PARTITIONS,
		    "a partition inside the medium", "%llu blocks at %llu",
		    (unsigned long long)n, (unsigned long long)lba);
	r = read_probe(dev, lba, buf, &len, d);
	if (r == 0)
		r = name_known(buf, len, false, d);
	if (r == 0 && !looks_fat(buf))
		r = name_known(buf, len, true, d);
	if (r != 0)
		return r;
	if (!is_fat_type(type))
		return diag_fail(d, CS_E_MEDIA_PARTITIONS,
		    "a partition of a FAT type", "type %#x", type);
	if (!looks_fat(buf))
		return diag_fail(d, CS_E_MEDIA_GEOMETRY, "a FAT boot sector",
		    "none in the partition");
	*ret_start = lba * unit;
	*ret_bytes = n * unit;
	return 0;
}

int
fat_probe(const struct blkdev *dev, uint64_t *ret_start, uint64_t *ret_bytes,
    struct diag *d)
{
	_cleanup_free_ uint8_t *buf = malloc(PROBE_BYTES);
	uint8_t mbr[512];
	const uint8_t *e = NULL;
	size_t len = 0;
	int r;

	if (buf == NULL)
		return diag_nomem(d);
	r = read_probe(dev, 0, buf, &len, d);
	if (r == 0)
		r = name_known(buf, len, false, d);
	if (r == 0 && !looks_fat(buf))
		r = name_known(buf, len, true, d);
	if (r != 0)
		return r;
	if (buf[510] != 0x55 || buf[511] != 0xaa)
		return diag_fail(d, CS_E_MEDIA_EMPTY, "a FAT volume",
		    "no boot signature");
	if (looks_fat(buf)) {
		*ret_start = 0;
		*ret_bytes = dev->blocks * dev->block_size;
		return 0;
	}
	memcpy(mbr, buf, sizeof(mbr));
	r = only_partition(mbr, &e, d);
	return r == 0 ? probe_partition(dev, e, buf, ret_start, ret_bytes, d) :
			r;
}
