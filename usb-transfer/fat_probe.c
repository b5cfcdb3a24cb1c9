/* SPDX-License-Identifier: Apache-2.0 */

/*
 * What is on the medium: a FAT volume over all of it, one in the only
 * partition of an MBR, or something else, which is recognised by its
 * signature and named.
 */

#include <stdio.h>
#include <string.h>

#include "usb-transfer/fat_private.h"

#define MBR_TABLE   446
#define PROBE_BYTES (68u << 10) /* reaches the superblock of btrfs */
#define EXPECTED    "one FAT16 or FAT32 volume"

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
	{ 32, "NXSB", 4, true, CS_E_MEDIA_FOREIGN, "APFS" },
	{ 1024, "H+\0\4", 4, true, CS_E_MEDIA_FOREIGN, "HFS+" },
	{ 1024, "HX\0\5", 4, true, CS_E_MEDIA_FOREIGN, "HFSX" },
	{ 1080, "\x53\xef", 2, true, CS_E_MEDIA_FOREIGN, "ext2, ext3 or ext4" },
	{ 0, "XFSB", 4, true, CS_E_MEDIA_FOREIGN, "XFS" },
	{ 1024, "\x10\x20\xf5\xf2", 4, true, CS_E_MEDIA_FOREIGN, "F2FS" },
	{ 65600, "_BHRfS_M", 8, true, CS_E_MEDIA_FOREIGN, "btrfs" },
	{ 0, "hsqs", 4, true, CS_E_MEDIA_FOREIGN, "SquashFS" },
	{ 512, "LABELONE", 8, true, CS_E_MEDIA_FOREIGN, "LVM" },
	{ 4086, "SWAPSPACE2", 10, true, CS_E_MEDIA_FOREIGN, "Linux swap" },
	{ 512, "PM\0\0", 4, true, CS_E_MEDIA_FOREIGN,
	    "an Apple partition map" },
	{ 32769, "CD001", 5, true, CS_E_MEDIA_FOREIGN,
	    "ISO 9660" },
	{ 32769, "BEA01", 5, true, CS_E_MEDIA_FOREIGN, "UDF" },
};

/* Of partitions in an MBR: those of FAT first. */
static const struct {
	uint8_t type;
	bool fat;
	const char *name;
} types[] = {
	{ 0x01, true, "FAT12" },
	{ 0x04, true, "FAT16" },
	{ 0x06, true, "FAT16" },
	{ 0x0e, true, "FAT16" },
	{ 0x0b, true, "FAT32" },
	{ 0x0c, true, "FAT32" },
	{ 0x00, false, "of no type" },
	{ 0x05, false, "an extended partition" },
	{ 0x0f, false, "an extended partition" },
	{ 0x85, false, "an extended partition" },
	{ 0x07, false, "NTFS or exFAT" },
	{ 0x11, false, "hidden FAT" },
	{ 0x14, false, "hidden FAT" },
	{ 0x16, false, "hidden FAT" },
	{ 0x1b, false, "hidden FAT" },
	{ 0x1c, false, "hidden FAT" },
	{ 0x1e, false, "hidden FAT" },
	{ 0x17, false, "hidden NTFS" },
	{ 0x27, false, "Windows recovery" },
	{ 0x42, false, "a Windows dynamic disk" },
	{ 0x82, false, "Linux swap" },
	{ 0x83, false, "Linux" },
	{ 0x8e, false, "Linux LVM" },
	{ 0xa5, false, "BSD" },
	{ 0xa6, false, "BSD" },
	{ 0xa9, false, "BSD" },
	{ 0xa8, false, "macOS" },
	{ 0xaf, false, "HFS+" },
	{ 0xee, false, "protective, of a GPT" },
	{ 0xef, false, "an EFI system partition" },
	{ 0xfd, false, "Linux RAID" },
};
/* clang-format on */

const char *
fat_type_name(uint8_t type, bool *ret_fat)
{
	size_t i;

	for (i = 0; i < ARRAY_LEN(types); i++)
		if (types[i].type == type) {
			*ret_fat = types[i].fat;
			return types[i].name;
		}
	*ret_fat = false;
	return "unknown";
}

static int
name_known(const uint8_t *p, size_t len, bool weak, const char *where,
    struct diag *d)
{
	size_t i;

	for (i = 0; i < ARRAY_LEN(known); i++)
		if (known[i].weak == weak &&
		    known[i].off + known[i].len <= len &&
		    memcmp(p + known[i].off, known[i].magic, known[i].len) == 0)
			return diag_fail(d, known[i].code, EXPECTED, "%s%s",
			    known[i].name, where);
	return 0;
}

/* A BIOS parameter block, as opposed to boot code with a partition table. */
bool
fat_boot_sector(const uint8_t *b)
{
	const uint16_t bps = le16(b + 11);

	return (b[0] == 0xeb || b[0] == 0xe9) &&
	    (bps == 512 || bps == 1024 || bps == 2048 || bps == 4096) &&
	    b[13] != 0 && (b[13] & (b[13] - 1)) == 0 && le16(b + 14) != 0 &&
	    (b[16] == 1 || b[16] == 2);
}

/* Reads what the signatures need, or as much as there is. */
static int
read_probe(const struct blkdev *dev, uint64_t lba, uint8_t *buf,
    size_t *ret_len, struct diag *d)
{
	uint64_t n = PROBE_BYTES / dev->block_size;
	int r;

	if (lba >= dev->blocks)
		return diag_fail(d, CS_E_MEDIA_EMPTY, EXPECTED, "%llu blocks",
		    (unsigned long long)dev->blocks);
	if (n > dev->blocks - lba)
		n = dev->blocks - lba;
	r = dev->read_block(dev->arg, lba, (uint32_t)n, buf, d);
	*ret_len = (size_t)n * dev->block_size;
	return r;
}

/* A GPT, of either size of block; what its MBR is beside it. */
static int
name_gpt(const uint8_t *p, size_t len, struct diag *d)
{
	bool hybrid = false;
	size_t at = 512, i;

	if (len < at + 8 || memcmp(p + at, "EFI PART", 8) != 0)
		at = 4096;
	if (len < at + 8 || memcmp(p + at, "EFI PART", 8) != 0)
		return 0;
	for (i = 0; i < 4 && p[510] == 0x55 && p[511] == 0xaa; i++)
		if (p[MBR_TABLE + 16 * i + 4] != 0 &&
		    p[MBR_TABLE + 16 * i + 4] != 0xee)
			hybrid = true;
	return diag_fail(d, CS_E_MEDIA_GPT, EXPECTED, "%s%s",
	    at == 512 ? "GPT" : "GPT of 4096-byte blocks",
	    hybrid ? " and an MBR with partitions, together (a hybrid)" : "");
}

/* The entries that are not all zeros in type, start and length. */
static size_t
entries_in_use(const uint8_t *mbr, const uint8_t *ret[4])
{
	size_t n = 0, i;

	for (i = 0; i < 4; i++) {
		const uint8_t *e = mbr + MBR_TABLE + 16 * i;

		if (e[4] != 0 || le32(e + 8) != 0 || le32(e + 12) != 0)
			ret[n++] = e;
	}
	return n;
}

static int
several(const uint8_t *const e[4], size_t n, struct diag *d)
{
	char text[160] = "";
	size_t i;
	bool fat;

	for (i = 0; i < n; i++)
		(void)snprintf(text + strlen(text), sizeof(text) - strlen(text),
		    "%s%s", i > 0 ? ", " : "", fat_type_name(e[i][4], &fat));
	return diag_fail(d, CS_E_MEDIA_PARTITIONS, "one partition",
	    "%zu partitions: %s", n, text);
}

/* The one partition that is there. */
static int
only_partition(const uint8_t *mbr, const uint8_t **ret, struct diag *d)
{
	const uint8_t *e[4] = { NULL };
	size_t n = entries_in_use(mbr, e), i;

	if (n == 0)
		return diag_fail(d, CS_E_MEDIA_EMPTY, EXPECTED,
		    "an empty partition table");
	for (i = 0; i < n; i++) {
		if (e[i][4] == 0xee)
			return diag_fail(d, CS_E_MEDIA_GPT, EXPECTED,
			    "the protective partition of a GPT");
		if ((e[i][0] & 0x7f) != 0)
			return diag_fail(d, CS_E_MEDIA_PARTITIONS,
			    "a partition table", "status byte %#x", e[i][0]);
	}
	if (n > 1)
		return several(e, n, d);
	*ret = e[0];
	return 0;
}

static int
probe_partition(const struct blkdev *dev, const uint8_t *e, uint8_t *buf,
    uint64_t *ret_start, uint64_t *ret_bytes, struct diag *d)
{
	const uint64_t unit = dev->block_size;
	const uint64_t lba = le32(e + 8), n = le32(e + 12);
	const uint8_t type = e[4];
	bool fat;
	const char *name = fat_type_name(type, &fat);
	size_t len;
	int r;

	if (lba == 0 || n == 0 || lba >= dev->blocks || n > dev->blocks - lba)
		return diag_fail(d, CS_E_MEDIA_PARTITIONS,
		    "a partition inside the medium",
		    "%llu blocks from %llu on, of %llu", (unsigned long long)n,
		    (unsigned long long)lba, (unsigned long long)dev->blocks);
	r = read_probe(dev, lba, buf, &len, d);
	if (r == 0)
		r = name_known(buf, len, false, " in its partition", d);
	if (r == 0)
		r = name_gpt(buf, len, d);
	if (r == 0 && !fat_boot_sector(buf))
		r = name_known(buf, len, true, " in its partition", d);
	if (r != 0)
		return r;
	if (!fat)
		return diag_fail(d, CS_E_MEDIA_PARTITIONS,
		    "a partition of a FAT type", "type %#x: %s", type, name);
	if (!fat_boot_sector(buf))
		return diag_fail(d, CS_E_MEDIA_GEOMETRY, "a FAT boot sector",
		    "none in the partition");
	*ret_start = lba * unit;
	*ret_bytes = n * unit;
	return 0;
}

/* No boot signature: whether anything is there at all. */
static int
no_volume(const uint8_t *buf, size_t len, struct diag *d)
{
	size_t i;

	for (i = 0; i < len && buf[i] == 0; i++)
		;
	return diag_fail(d, CS_E_MEDIA_EMPTY, EXPECTED, "%s",
	    i == len ? "nothing but zeros: a blank medium" :
		       "no boot signature: not formatted, not completely "
		       "written, or encrypted as a whole");
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
		r = name_known(buf, len, false, "", d);
	if (r == 0)
		r = name_gpt(buf, len, d);
	if (r == 0 && !fat_boot_sector(buf))
		r = name_known(buf, len, true, "", d);
	if (r != 0)
		return r;
	if (buf[510] != 0x55 || buf[511] != 0xaa)
		return no_volume(buf, len, d);
	if (fat_boot_sector(buf)) {
		*ret_start = 0;
		*ret_bytes = dev->blocks * dev->block_size;
		return 0;
	}
	memcpy(mbr, buf, sizeof(mbr));
	r = only_partition(mbr, &e, d);
	return r == 0 ? probe_partition(dev, e, buf, ret_start, ret_bytes, d) :
			r;
}
