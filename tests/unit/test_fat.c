/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/lib/fat_rig.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>

#include "lib/file.h"

/*
 * Images by mkfs.fat and mtools; then copies of them, broken in one place.
 * The offsets of what is broken are found by reading the same boot sector
 * here, in the plainest way.
 */

/* --- good media --------------------------------------------------------- */

static void
test_shapes(void **state)
{
	static const struct {
		unsigned mib;
		const char *type, *spc;
	} v[] = {
		{ 8, "16", "1" },
		{ 16, "16", "4" },
		{ 40, "16", "16" },
		{ 300, "16", "128" },
		{ 34, "32", "1" },
		{ 280, "32", "8" },
	};
	static const size_t sizes[] = { 1, 511, 512, 513, 65536, 3000001 };
	size_t i, k;

	(void)state;
	for (i = 0; i < ARRAY_LEN(v); i++) {
		for (k = 0; k < ARRAY_LEN(sizes); k++) {
			make_image("a.img", v[i].mib, v[i].type, v[i].spc);
			make_file("f", sizes[k]);
			run("mcopy", "-i", "a.img", "f", "::" NAME);
			check_same("a.img", "f");
		}
	}
}

static void
test_empty_file(void **state)
{
	(void)state;
	make_image("a.img", 34, "32", "1");
	make_file("f", 0);
	run("mcopy", "-i", "a.img", "f", "::" NAME);
	check_same("a.img", "f");
}

/* Large sectors, as some drives have them. */
static void
test_sector_sizes(void **state)
{
	static const char *const bytes[] = { "1024", "2048", "4096" };
	size_t i;

	(void)state;
	make_file("f", 200001);
	for (i = 0; i < ARRAY_LEN(bytes); i++) {
		make_blank("a.img", (off_t)300 * MIB);
		run("mkfs.fat", "--invariant", "-F", "32", "-s", "1", "-S",
		    bytes[i], "a.img");
		run("mcopy", "-i", "a.img", "f", "::" NAME);
		check_same("a.img", "f");
	}
}

/* Long names, a label, folders, deleted entries, much else in the root. */
static void
test_company(void **state)
{
	char name[64];
	int i;

	(void)state;
	make_image("a.img", 34, "32", "1");
	make_file("f", 70000);
	make_file("other", 600);
	run("mlabel", "-i", "a.img", "::COLDSEAL");
	run("mmd", "-i", "a.img", "::folder");
	run("mcopy", "-i", "a.img", "other", "::folder/" NAME);
	for (i = 0; i < 40; i++) {
		(void)snprintf(name, sizeof(name),
		    "::A rather long name, number %d.request", i);
		run("mcopy", "-i", "a.img", "other", name);
	}
	run("mcopy", "-i", "a.img", "other", "::" NAME);
	run("mdel", "-i", "a.img", "::" NAME);
	run("mcopy", "-i", "a.img", "f", "::" NAME);
	run("mcopy", "-i", "a.img", "other", "::COLDSEAL.RE");
	run("mcopy", "-i", "a.img", "other", "::COLDSEAL");
	check_same("a.img", "f");
}

/* Every second cluster is taken: the file lies in a hundred pieces. */
static void
test_fragmented(void **state)
{
	static const char *const types[] = { "16", "32" };
	char name[32];
	size_t t;
	int i;

	(void)state;
	make_file("small", 2048);
	for (t = 0; t < ARRAY_LEN(types); t++) {
		make_image("a.img", t == 0 ? 12 : 140, types[t], "4");
		for (i = 0; i < 100; i++) {
			(void)snprintf(name, sizeof(name), "::F%d", i);
			run("mcopy", "-i", "a.img", "small", name);
		}
		for (i = 0; i < 100; i += 2) {
			(void)snprintf(name, sizeof(name), "::F%d", i);
			run("mdel", "-i", "a.img", name);
		}
		/* the search for free clusters begins at the front again */
		run("mcopy", "-i", "a.img", "small", "::LAST");
		make_file("f", 400000);
		run("mcopy", "-i", "a.img", "f", "::" NAME);
		check_same("a.img", "f");
	}
}

/* One partition in an MBR: each type that is FAT. */
static void
test_mbr(void **state)
{
	static const char *const types[] = { "4", "6", "e", "b", "c" };
	char line[64], path[512];
	size_t i;

	(void)state;
	make_file("f", 100000);
	for (i = 0; i < ARRAY_LEN(types); i++) {
		const bool fat32 = i > 2;

		make_blank("a.img", (off_t)(fat32 ? 40 : 20) * MIB);
		(void)snprintf(line, sizeof(line), "label: dos\n2048,,%s\n",
		    types[i]);
		fat_rig_path("table", path);
		assert_int_equal(file_write_atomic(AT_FDCWD, path, line,
				     strlen(line), 0600, NULL),
		    0);
		fat_rig_run(path,
		    (const char *const[]){ "sfdisk", "-q", "a.img", NULL });
		run("mkfs.fat", "--invariant", "-F", fat32 ? "32" : "16", "-s",
		    "1", "--offset", "2048", "a.img");
		run("mcopy", "-i", "a.img@@1M", "f", "::" NAME);
		check_same("a.img", "f");
	}
}

/* --- broken media ------------------------------------------------------- */

/* An image with the file over five clusters of 512 bytes, in a row. */
static void
five_clusters(const char *type, struct image *im, struct layout *l)
{
	make_image("a.img", strcmp(type, "16") == 0 ? 8 : 34, type, "1");
	make_file("f", 5 * 512 - 100);
	run("mcopy", "-i", "a.img", "f", "::" NAME);
	load("a.img", im);
	measure(im, 0, l);
	assert_int_equal(verdict(im), 0);
}

static const char *const both[] = { "16", "32" };

/* Each row: the links of the file's clusters 0 to 4 from the first on. */
static void
test_chains(void **state)
{
	struct image im;
	struct layout l;
	uint32_t c, end, bad;
	uint8_t *e;
	size_t t;

	(void)state;
	for (t = 0; t < ARRAY_LEN(both); t++) {
		five_clusters(both[t], &im, &l);
		e = entry(&im, &l, SHORT);
		c = first_of(e);
		end = l.is32 ? 0x0fffffff : 0xffff;
		bad = l.is32 ? 0x0ffffff7 : 0xfff7;
		/* loops, inside and at the end; to itself */
		set_link(&im, &l, c + 4, c);
		expect(&im, CS_E_MEDIA_FAT_LOOP);
		set_link(&im, &l, c + 4, c + 4);
		expect(&im, CS_E_MEDIA_FAT_LOOP);
		set_link(&im, &l, c + 4, end);
		set_link(&im, &l, c + 2, c + 1);
		expect(&im, CS_E_MEDIA_FAT_LOOP);
		set_link(&im, &l, c + 2, c + 3);
		/* longer than the size */
		set_link(&im, &l, c + 4, c + 5);
		set_link(&im, &l, c + 5, end);
		expect(&im, CS_E_MEDIA_FAT_LOOP);
		/* every end mark is one */
		set_link(&im, &l, c + 4, l.is32 ? 0x0ffffff8 : 0xfff8);
		expect(&im, 0);
		set_link(&im, &l, c + 4, end);
		/* shorter */
		set_link(&im, &l, c + 3, end);
		expect(&im, CS_E_MEDIA_FAT_SHORT);
		set_link(&im, &l, c, end);
		expect(&im, CS_E_MEDIA_FAT_SHORT);
		set_link(&im, &l, c, c + 1);
		/* free, bad, reserved, just outside, far outside */
		set_link(&im, &l, c + 3, 0);
		expect(&im, CS_E_MEDIA_FAT_CLUSTER);
		set_link(&im, &l, c + 3, bad);
		expect(&im, CS_E_MEDIA_FAT_CLUSTER);
		set_link(&im, &l, c + 3, 1);
		expect(&im, CS_E_MEDIA_FAT_CLUSTER);
		set_link(&im, &l, c + 3, l.clusters + 2);
		expect(&im, CS_E_MEDIA_FAT_CLUSTER);
		set_link(&im, &l, c + 3, l.is32 ? 0x0ffffff6 : 0xfff6);
		expect(&im, CS_E_MEDIA_FAT_CLUSTER);
		/* the last one is inside: another's content, but a chain */
		set_link(&im, &l, c + 3, l.clusters + 1);
		set_link(&im, &l, l.clusters + 1, end);
		expect(&im, 0);
		/* the four high bits of FAT32 mean nothing */
		if (l.is32) {
			set_link(&im, &l, c + 3, 0xf0000000u | (c + 4));
			expect(&im, 0);
		}
		free(im.p);
	}
}

/* The chain is judged before the first byte of content is read. */
static void
test_chain_first(void **state)
{
	struct image im;
	struct layout l;
	struct blkdev dev;
	struct blk_mem m;
	struct fat_file f;
	size_t i;
	uint32_t c;

	(void)state;
	five_clusters("32", &im, &l);
	c = first_of(entry(&im, &l, SHORT));
	m = (struct blk_mem){ im.p, im.n };
	blk_open_mem(&m, &dev);
	for (i = 0; i < 3; i++) {
		static const struct {
			uint32_t link;
			int code;
		} v[] = {
			{ 0x0fffffff, CS_E_MEDIA_FAT_SHORT },
			{ 0, CS_E_MEDIA_FAT_CLUSTER },
			{ 3, CS_E_MEDIA_FAT_LOOP },
		};
		_cleanup_fat_ struct fat *fat = NULL;

		set_link(&im, &l, c + 3, v[i].link == 3 ? c : v[i].link);
		assert_int_equal(find_file(&dev, NAME, &fat, &f, NULL),
		    v[i].code);
	}
	free(im.p);
}

static void
test_entries(void **state)
{
	struct image im;
	struct layout l;
	uint8_t *e, keep[32];
	size_t t;

	(void)state;
	for (t = 0; t < ARRAY_LEN(both); t++) {
		five_clusters(both[t], &im, &l);
		e = entry(&im, &l, SHORT);
		memcpy(keep, e, 32);
		/* the size against the chain */
		set(e + 28, 4, 5 * 512 + 1);
		expect(&im, CS_E_MEDIA_FAT_SHORT);
		set(e + 28, 4, 4 * 512);
		expect(&im, CS_E_MEDIA_FAT_LOOP);
		set(e + 28, 4, UINT32_MAX);
		expect(&im, CS_E_MEDIA_FAT_SHORT);
		set(e + 28, 4, 0);
		expect(&im, CS_E_MEDIA_FAT_LOOP);
		set(e + 28, 4, 5 * 512);
		expect(&im, 0);
		/* the first cluster */
		memcpy(e, keep, 32);
		set(e + 26, 2, 0);
		set(e + 20, 2, 0);
		expect(&im, CS_E_MEDIA_FAT_CLUSTER);
		set(e + 26, 2, 1);
		expect(&im, CS_E_MEDIA_FAT_CLUSTER);
		set(e + 26, 2, l.clusters + 2);
		set(e + 20, 2, (l.clusters + 2) >> 16);
		expect(&im, CS_E_MEDIA_FAT_CLUSTER);
		memcpy(e, keep, 32);
		/* FAT16 has no high word: what stands there means nothing */
		set(e + 20, 2, 0x0fff);
		expect(&im, l.is32 ? CS_E_MEDIA_FAT_CLUSTER : 0);
		memcpy(e, keep, 32);
		/* twice; a folder; a label; a long name; deleted; other case */
		memcpy(e + 32, keep, 32);
		expect(&im, CS_E_MEDIA_TWO_FILES);
		e[32] = 0xe5;
		expect(&im, 0);
		memset(e + 32, 0, 32);
		e[11] = 0x10;
		expect(&im, CS_E_MEDIA_ENTRY);
		e[11] = 0x08;
		expect(&im, CS_E_MEDIA_NO_FILE);
		e[11] = 0x0f;
		expect(&im, CS_E_MEDIA_NO_FILE);
		e[11] = 0x27; /* read-only, hidden, system, archive */
		expect(&im, 0);
		e[0] = 0xe5;
		expect(&im, CS_E_MEDIA_NO_FILE);
		e[0] = 'c';
		expect(&im, CS_E_MEDIA_NO_FILE);
		/* nothing counts behind the end mark */
		memset(e, 0, 32);
		memcpy(e + 32, keep, 32);
		expect(&im, CS_E_MEDIA_NO_FILE);
		free(im.p);
	}
}

/* The root folder of FAT32 is a chain, too. */
static void
test_root_chain(void **state)
{
	struct image im;
	struct layout l;
	uint8_t keep[32], *e;

	(void)state;
	five_clusters("32", &im, &l);
	e = entry(&im, &l, SHORT);
	memcpy(keep, e, 32);
	/* a full first cluster, the file in the second */
	memset(im.p + l.root, 0xe5, 512);
	set_link(&im, &l, 2, 100);
	set_link(&im, &l, 100, 0x0fffffff);
	memcpy(im.p + l.data + 98 * 512 + 64, keep, 32);
	memset(im.p + l.data + 98 * 512, 0xe5, 64);
	expect(&im, 0);
	/* the same name in both */
	memcpy(im.p + l.root + 480, keep, 32);
	expect(&im, CS_E_MEDIA_TWO_FILES);
	memset(im.p + l.root + 480, 0xe5, 32);
	/* no end mark anywhere, and no end of the chain */
	memset(im.p + l.data + 98 * 512, 0xe5, 512);
	set_link(&im, &l, 100, 2);
	expect(&im, CS_E_MEDIA_FAT_LOOP);
	set_link(&im, &l, 100, 0);
	expect(&im, CS_E_MEDIA_FAT_CLUSTER);
	set_link(&im, &l, 100, 0x0fffffff);
	expect(&im, CS_E_MEDIA_NO_FILE);
	free(im.p);
}

static void
test_geometry(void **state)
{
	static const struct {
		const char *type;
		size_t off, n;
		uint32_t v;
		int code;
	} v[] = {
		{ "32", 14, 2, 40000, CS_E_MEDIA_GEOMETRY }, /* reserved */
		{ "32", 13, 1, 8, CS_E_MEDIA_GEOMETRY }, /* too few clusters */
		{ "32", 13, 1, 128, CS_E_MEDIA_FAT12 },
		{ "32", 17, 2, 512, CS_E_MEDIA_GEOMETRY }, /* root entries */
		{ "32", 32, 4, 0, CS_E_MEDIA_GEOMETRY },   /* no sectors */
		{ "32", 32, 4, 34 * 2048 + 1, CS_E_MEDIA_GEOMETRY },
		{ "32", 32, 4, UINT32_MAX, CS_E_MEDIA_GEOMETRY },
		{ "32", 32, 4, 30, CS_E_MEDIA_GEOMETRY }, /* no data */
		{ "32", 36, 4, 0, CS_E_MEDIA_GEOMETRY },  /* no table */
		{ "32", 36, 4, 10, CS_E_MEDIA_GEOMETRY }, /* a small one */
		{ "32", 36, 4, UINT32_MAX, CS_E_MEDIA_GEOMETRY },
		{ "32", 42, 2, 1, CS_E_MEDIA_GEOMETRY }, /* version */
		{ "32", 44, 4, 0, CS_E_MEDIA_GEOMETRY }, /* root cluster */
		{ "32", 44, 4, 1, CS_E_MEDIA_GEOMETRY },
		{ "32", 44, 4, UINT32_MAX, CS_E_MEDIA_GEOMETRY },
		{ "32", 22, 2, 9, CS_E_MEDIA_GEOMETRY }, /* it is FAT16 now */
		{ "16", 17, 2, 0, CS_E_MEDIA_GEOMETRY }, /* root entries */
		{ "16", 17, 2, 7, CS_E_MEDIA_GEOMETRY }, /* half a sector */
		{ "16", 22, 2, 1, CS_E_MEDIA_GEOMETRY }, /* a small table */
		{ "16", 13, 1, 64, CS_E_MEDIA_FAT12 },
	};
	struct image im;
	struct layout l;
	uint8_t keep[512];
	size_t t, i;

	(void)state;
	for (t = 0; t < ARRAY_LEN(both); t++) {
		five_clusters(both[t], &im, &l);
		memcpy(keep, im.p, 512);
		for (i = 0; i < ARRAY_LEN(v); i++) {
			if (strcmp(v[i].type, both[t]) != 0)
				continue;
			set(im.p + v[i].off, v[i].n, v[i].v);
			if (verdict(&im) != v[i].code)
				fail_msg("row %zu: %s, expected %s", i,
				    err_id(verdict(&im)), err_id(v[i].code));
			memcpy(im.p, keep, 512);
		}
		/* more than 64 KiB in a cluster */
		set(im.p + 11, 2, 4096);
		im.p[13] = 32;
		expect(&im, CS_E_MEDIA_GEOMETRY);
		memcpy(im.p, keep, 512);
		/* the medium ends before the volume */
		im.n -= 512;
		expect(&im, CS_E_MEDIA_GEOMETRY);
		free(im.p);
	}
}

/* No BIOS parameter block at all: it is taken for a partition table. */
static void
test_no_boot_sector(void **state)
{
	static const struct {
		size_t off;
		uint8_t v;
	} v[] = {
		{ 0, 0x00 },
		{ 11, 0x01 },
		{ 12, 0x03 },
		{ 12, 0x20 },
		{ 13, 0 },
		{ 13, 3 },
		{ 16, 0 },
		{ 16, 3 },
	};
	struct image im;
	struct layout l;
	uint8_t keep[512];
	size_t i;
	int r;

	(void)state;
	five_clusters("32", &im, &l);
	memcpy(keep, im.p, 512);
	/* boot code where the table would be: make it an empty table */
	memset(keep + 446, 0, 64);
	for (i = 0; i < ARRAY_LEN(v); i++) {
		memcpy(im.p, keep, 512);
		im.p[v[i].off] = v[i].v;
		r = verdict(&im);
		if (r != CS_E_MEDIA_EMPTY)
			fail_msg("row %zu: %s", i, err_id(r));
	}
	memcpy(im.p, keep, 512);
	im.p[510] = 0;
	expect(&im, CS_E_MEDIA_EMPTY);
	im.p[510] = 0x55;
	im.p[511] = 0;
	expect(&im, CS_E_MEDIA_EMPTY);
	free(im.p);
}

static void
test_fat12(void **state)
{
	struct image im;

	(void)state;
	make_blank("a.img", 1440 * 1024);
	run("mkfs.fat", "--invariant", "a.img");
	load("a.img", &im);
	expect(&im, CS_E_MEDIA_FAT12);
	free(im.p);
}

static void
test_no_file(void **state)
{
	struct image im;
	size_t t;

	(void)state;
	for (t = 0; t < ARRAY_LEN(both); t++) {
		make_image("a.img", t == 0 ? 8 : 34, both[t], "1");
		load("a.img", &im);
		expect(&im, CS_E_MEDIA_NO_FILE);
		free(im.p);
	}
}

/* --- partition tables --------------------------------------------------- */

static void
test_partitions(void **state)
{
	struct image im;
	struct layout l;
	uint8_t *e, keep[66];

	(void)state;
	five_clusters("32", &im, &l);
	with_mbr(&im, 0x0c);
	e = im.p + 446;
	memcpy(keep, e, sizeof(keep));
	expect(&im, 0);
	/* in any of the four places */
	memcpy(e + 48, e, 16);
	memset(e, 0, 16);
	expect(&im, 0);
	/* bootable */
	e[48] = 0x80;
	expect(&im, 0);
	memcpy(e, keep, sizeof(keep));
	e[0] = 0x01;
	expect(&im, CS_E_MEDIA_PARTITIONS);
	memcpy(e, keep, sizeof(keep));
	/* two, also if one is of no type */
	memcpy(e + 16, e, 16);
	expect(&im, CS_E_MEDIA_PARTITIONS);
	e[16 + 4] = 0;
	expect(&im, CS_E_MEDIA_PARTITIONS);
	memcpy(e, keep, sizeof(keep));
	/* none */
	memset(e, 0, 64);
	expect(&im, CS_E_MEDIA_EMPTY);
	memcpy(e, keep, sizeof(keep));
	/* other types, one of them with FAT inside */
	e[4] = 0x83;
	expect(&im, CS_E_MEDIA_PARTITIONS);
	e[4] = 0x05;
	expect(&im, CS_E_MEDIA_PARTITIONS);
	e[4] = 0x11; /* a hidden one */
	expect(&im, CS_E_MEDIA_PARTITIONS);
	/* FAT32 in a partition that says FAT12: the volume knows better */
	e[4] = 0x01;
	expect(&im, 0);
	e[4] = 0xee;
	expect(&im, CS_E_MEDIA_GPT);
	memcpy(e, keep, sizeof(keep));
	/* where it is */
	set(e + 8, 4, 0);
	expect(&im, CS_E_MEDIA_PARTITIONS);
	set(e + 8, 4, UINT32_MAX);
	expect(&im, CS_E_MEDIA_PARTITIONS);
	memcpy(e, keep, sizeof(keep));
	set(e + 12, 4, 0);
	expect(&im, CS_E_MEDIA_PARTITIONS);
	set(e + 12, 4, (uint32_t)(im.n / 512) - PART_LBA + 1);
	expect(&im, CS_E_MEDIA_PARTITIONS);
	/* smaller than the volume in it says */
	set(e + 12, 4, 1000);
	expect(&im, CS_E_MEDIA_GEOMETRY);
	memcpy(e, keep, sizeof(keep));
	/* no boot sector in it, or nothing */
	im.p[PART_LBA * 512 + 13] = 0;
	expect(&im, CS_E_MEDIA_GEOMETRY);
	memset(im.p + PART_LBA * 512, 0, 512);
	expect(&im, CS_E_MEDIA_GEOMETRY);
	free(im.p);
}

/* --- what is not FAT ---------------------------------------------------- */

/* clang-format off */
static const struct foreign {
	size_t off;
	const char *magic;
	size_t n;
	int code;
	const char *name;
} foreign[] = {
	{ 3, "EXFAT   ", 8, CS_E_MEDIA_EXFAT, "exFAT" },
	{ 3, "NTFS    ", 8, CS_E_MEDIA_NTFS, "NTFS" },
	{ 3, "-FVE-FS-", 8, CS_E_MEDIA_ENCRYPTED, "BitLocker" },
	{ 0, "LUKS\xba\xbe", 6, CS_E_MEDIA_ENCRYPTED, "LUKS" },
	{ 512, "EFI PART", 8, CS_E_MEDIA_GPT, "GPT" },
	{ 32, "NXSB", 4, CS_E_MEDIA_FOREIGN, "APFS" },
	{ 1024, "H+\0\4", 4, CS_E_MEDIA_FOREIGN, "HFS+" },
	{ 1024, "HX\0\5", 4, CS_E_MEDIA_FOREIGN, "HFSX" },
	{ 1080, "\x53\xef", 2, CS_E_MEDIA_FOREIGN, "ext" },
	{ 0, "XFSB", 4, CS_E_MEDIA_FOREIGN, "XFS" },
	{ 32769, "CD001", 5, CS_E_MEDIA_FOREIGN, "ISO 9660" },
};
/* clang-format on */

/* Boot sectors by hand, over the whole medium and in a partition. */
static void
test_foreign(void **state)
{
	const struct foreign *f;
	struct diag d;
	struct image im;
	struct blkdev dev;
	struct blk_mem m;
	uint64_t size;
	uint8_t sha[32];

	(void)state;
	for (f = foreign; f < foreign + ARRAY_LEN(foreign); f++) {
		im.n = MIB;
		im.p = calloc(1, im.n);
		assert_non_null(im.p);
		memcpy(im.p, "\xeb\x76\x90", 3);
		set(im.p + 510, 2, 0xaa55);
		memcpy(im.p + f->off, f->magic, f->n);
		m = (struct blk_mem){ im.p, im.n };
		blk_open_mem(&m, &dev);
		memset(&d, 0, sizeof(d));
		assert_int_equal(read_name(&dev, NAME, CHUNK, sha, &size, &d),
		    f->code);
		/* the refusal names it */
		assert_non_null(strstr(d.found, f->name));
		assert_true(strlen(err_advice(f->code)) > 0);
		with_mbr(&im, 0x07);
		expect(&im, f->code);
		free(im.p);
	}
}

static void
test_real_ext4(void **state)
{
	struct image im;

	(void)state;
	make_blank("a.img", 8 * MIB);
	run("mkfs.ext4", "-q", "a.img");
	load("a.img", &im);
	expect(&im, CS_E_MEDIA_FOREIGN);
	free(im.p);
}

static void
test_real_gpt(void **state)
{
	static const char text[] = "label: gpt\n2048,,\n";
	struct image im;
	char path[512];

	(void)state;
	make_blank("a.img", 40 * MIB);
	fat_rig_path("table", path);
	assert_int_equal(file_write_atomic(AT_FDCWD, path, text, strlen(text),
			     0600, NULL),
	    0);
	fat_rig_run(path,
	    (const char *const[]){ "sfdisk", "-q", "a.img", NULL });
	load("a.img", &im);
	expect(&im, CS_E_MEDIA_GPT);
	/* the header is gone, the protective partition is still there */
	memset(im.p + 512, 0, 512);
	expect(&im, CS_E_MEDIA_GPT);
	free(im.p);
}

static void
test_empty_medium(void **state)
{
	struct image im = { NULL, 0 };

	(void)state;
	expect(&im, CS_E_MEDIA_EMPTY);
	im.n = 511;
	im.p = calloc(1, MIB);
	assert_non_null(im.p);
	expect(&im, CS_E_MEDIA_EMPTY);
	im.n = 512;
	expect(&im, CS_E_MEDIA_EMPTY);
	im.n = MIB;
	expect(&im, CS_E_MEDIA_EMPTY);
	free(im.p);
}

/* Truncated copies: never more than what is there is asked for. */
static void
test_truncated_image(void **state)
{
	struct image im;
	struct layout l;
	size_t n;

	(void)state;
	five_clusters("16", &im, &l);
	for (n = 512; n < im.n; n = n * 2 + 512) {
		struct image cut = { malloc(n), n };

		assert_non_null(cut.p);
		memcpy(cut.p, im.p, n);
		expect(&cut, CS_E_MEDIA_GEOMETRY);
		free(cut.p);
	}
	free(im.p);
}

/* --- the device --------------------------------------------------------- */

struct watched {
	struct blk_mem m;
	struct blkdev real;
	uint16_t *times; /* each block was read */
	uint64_t fail;	 /* this block cannot be read */
};

static int
watched_read(void *arg, uint64_t lba, uint32_t n, void *buf, struct diag *d)
{
	struct watched *w = arg;
	uint32_t i;

	/* never outside the medium */
	assert_true(n > 0 && lba < w->real.blocks && n <= w->real.blocks - lba);
	for (i = 0; i < n; i++) {
		if (lba + i == w->fail)
			return diag_fail(d, CS_E_MEDIA_IO, NULL, "%llu",
			    (unsigned long long)lba);
		w->times[lba + i]++;
	}
	return w->real.read_block(w->real.arg, lba, n, buf, d);
}

static void
watch(struct watched *w, const struct image *im, struct blkdev *ret)
{
	w->m = (struct blk_mem){ im->p, im->n };
	blk_open_mem(&w->m, &w->real);
	w->times = calloc(w->real.blocks, sizeof(*w->times));
	assert_non_null(w->times);
	w->fail = UINT64_MAX;
	*ret = w->real;
	ret->read_block = watched_read;
	ret->arg = w;
}

/* Sectors of content are read once: what is hashed is what was there. */
static void
test_read_once(void **state)
{
	_cleanup_fat_ struct fat *fat = NULL;
	struct fat_file f;
	struct image im;
	struct layout l;
	struct watched w;
	struct blkdev dev;
	uint8_t sha[32], *e;
	uint64_t size;
	size_t first, i;

	(void)state;
	make_image("a.img", 34, "32", "1");
	make_file("f", 900000);
	run("mcopy", "-i", "a.img", "f", "::" NAME);
	load("a.img", &im);
	measure(&im, 0, &l);
	e = entry(&im, &l, SHORT);
	first = (l.data + (first_of(e) - 2) * l.cluster) / 512;
	watch(&w, &im, &dev);
	assert_int_equal(read_name(&dev, NAME, MIB, sha, &size, NULL), 0);
	for (i = 0; i < 900000 / 512 + 1; i++)
		assert_int_equal(w.times[first + i], 1);
	assert_int_equal(w.times[first + i], 0);
	/* the root folder, too, however many names are asked for */
	memset(w.times, 0, w.real.blocks * sizeof(*w.times));
	assert_int_equal(find_file(&dev, NAME, &fat, &f, NULL), 0);
	assert_int_equal(fat_find(fat, "COLDSEAL.APR", &f, NULL),
	    CS_E_MEDIA_NO_FILE);
	assert_int_equal(fat_find(fat, "COLDSEAL.RCP", &f, NULL),
	    CS_E_MEDIA_NO_FILE);
	assert_int_equal(w.times[l.root / 512], 1);
	/* an unreadable sector of the content, of the table, of the front */
	w.fail = first + 700;
	assert_int_equal(read_name(&dev, NAME, MIB, sha, &size, NULL),
	    CS_E_MEDIA_IO);
	w.fail = l.fat / 512;
	assert_int_equal(read_name(&dev, NAME, MIB, sha, &size, NULL),
	    CS_E_MEDIA_IO);
	w.fail = 0;
	assert_int_equal(read_name(&dev, NAME, MIB, sha, &size, NULL),
	    CS_E_MEDIA_IO);
	free(w.times);
	free(im.p);
}

static void
test_small_buffer(void **state)
{
	struct image im;
	struct layout l;
	struct blkdev dev;
	uint8_t sha[32];
	uint64_t size;
	struct blk_mem m;

	(void)state;
	five_clusters("32", &im, &l);
	m = (struct blk_mem){ im.p, im.n };
	blk_open_mem(&m, &dev);
	/* less than a largest cluster: a mistake of the caller */
	assert_int_equal(read_name(&dev, NAME, 4096, sha, &size, NULL),
	    CS_E_INTERNAL);
	dev.block_size = 256;
	assert_int_equal(read_name(&dev, NAME, CHUNK, sha, &size, NULL),
	    CS_E_MEDIA_GEOMETRY);
	dev.block_size = 8192;
	assert_int_equal(read_name(&dev, NAME, CHUNK, sha, &size, NULL),
	    CS_E_MEDIA_GEOMETRY);
	free(im.p);
}

/* Larger blocks than the volume's sectors: no offset would fit. */
static int
read_4096(void *arg, uint64_t lba, uint32_t n, void *buf, struct diag *d)
{
	const struct image *im = arg;

	(void)d;
	assert_true((lba + n) * 4096 <= im->n);
	memcpy(buf, im->p + lba * 4096, (size_t)n * 4096);
	return 0;
}

static void
test_large_blocks(void **state)
{
	struct image im;
	struct layout l;
	struct blkdev dev;
	uint8_t sha[32];
	uint64_t size;

	(void)state;
	five_clusters("32", &im, &l);
	dev = (struct blkdev){ read_4096, &im, im.n / 4096, 4096 };
	assert_int_equal(read_name(&dev, NAME, CHUNK, sha, &size, NULL),
	    CS_E_MEDIA_GEOMETRY);
	free(im.p);
}

/* A volume that is in order but for its clusters of 128 KiB. */
static void
test_large_clusters(void **state)
{
	const uint32_t sectors = 1 + 8 + 1 + 32 * 4800;
	struct image im = { NULL, (size_t)sectors * 4096 };

	(void)state;
	/* address space, not memory: almost all of it is never touched */
	im.p = mmap(NULL, im.n, PROT_READ | PROT_WRITE,
	    MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	assert_true(im.p != MAP_FAILED);
	memcpy(im.p, "\xeb\x3c\x90", 3);
	set(im.p + 11, 2, 4096);
	set(im.p + 14, 2, 1);
	im.p[16] = 1;
	set(im.p + 17, 2, 128);
	set(im.p + 22, 2, 8);
	set(im.p + 32, 4, sectors);
	set(im.p + 510, 2, 0xaa55);
	im.p[13] = 16;
	expect(&im, CS_E_MEDIA_NO_FILE);
	im.p[13] = 32;
	expect(&im, CS_E_MEDIA_GEOMETRY);
	assert_int_equal(munmap(im.p, im.n), 0);
}

static void
test_not_a_medium(void **state)
{
	struct blkdev dev;
	struct diag d = { 0 };
	int fd;

	(void)state;
	fd = open("/dev/null", O_RDONLY | O_CLOEXEC);
	assert_true(fd >= 0);
	assert_int_equal(blk_open_fd(&fd, &dev, &d), CS_E_MEDIA_IO);
	(void)close(fd);
	assert_int_equal(blk_open_fd(&fd, &dev, &d), CS_E_MEDIA_IO);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_shapes),
		cmocka_unit_test(test_empty_file),
		cmocka_unit_test(test_sector_sizes),
		cmocka_unit_test(test_company),
		cmocka_unit_test(test_fragmented),
		cmocka_unit_test(test_mbr),
		cmocka_unit_test(test_chains),
		cmocka_unit_test(test_chain_first),
		cmocka_unit_test(test_entries),
		cmocka_unit_test(test_root_chain),
		cmocka_unit_test(test_geometry),
		cmocka_unit_test(test_no_boot_sector),
		cmocka_unit_test(test_fat12),
		cmocka_unit_test(test_no_file),
		cmocka_unit_test(test_partitions),
		cmocka_unit_test(test_foreign),
		cmocka_unit_test(test_real_ext4),
		cmocka_unit_test(test_real_gpt),
		cmocka_unit_test(test_empty_medium),
		cmocka_unit_test(test_truncated_image),
		cmocka_unit_test(test_read_once),
		cmocka_unit_test(test_small_buffer),
		cmocka_unit_test(test_large_blocks),
		cmocka_unit_test(test_large_clusters),
		cmocka_unit_test(test_not_a_medium),
	};

	return cmocka_run_group_tests(tests, fat_rig_setup, fat_rig_teardown);
}
