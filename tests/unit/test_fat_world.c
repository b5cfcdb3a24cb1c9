/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/lib/fat_rig.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "lib/file.h"
#include "usb-transfer/fatvol.h"
#include "usb-transfer/media_seen.h"

/*
 * Sticks as the world makes them: every size of cluster, blocks of 4096
 * bytes, 2 TiB, what macOS and Windows leave behind, tables that are out of
 * use; and what is no FAT, made by the tools that make it.
 */
#define GIB (UINT64_C(1) << 30)

static int
open_in(const char *name, int flags)
{
	char path[512];
	int fd;

	fat_rig_path(name, path);
	fd = open(path, flags | O_CLOEXEC);
	assert_true(fd >= 0);
	return fd;
}

static void
table_of(const char *image, const char *table)
{
	char path[512];

	fat_rig_path("table", path);
	assert_int_equal(file_write_atomic(AT_FDCWD, path, table, strlen(table),
			     0600, NULL),
	    0);
	fat_rig_run(path, (const char *const[]){ "sfdisk", "-q", image, NULL });
}

/* --- sizes -------------------------------------------------------------- */

static void
test_clusters(void **state)
{
	/* sectors of a cluster, by sector size and type; sparse images */
	static const struct {
		const char *type, *bps, *spc;
		uint64_t bytes;
	} v[] = {
		{ "16", "512", "1", 8 * (uint64_t)MIB },
		{ "16", "512", "2", 16 * (uint64_t)MIB },
		{ "16", "512", "8", 64 * (uint64_t)MIB },
		{ "16", "512", "64", 2 * GIB - MIB },
		{ "16", "512", "128", 4 * GIB - MIB },
		{ "32", "512", "1", 40 * (uint64_t)MIB },
		{ "32", "512", "2", 80 * (uint64_t)MIB },
		{ "32", "512", "4", 160 * (uint64_t)MIB },
		{ "32", "512", "16", 1 * GIB },
		{ "32", "512", "32", 2 * GIB },
		{ "32", "512", "64", 4 * GIB },
		{ "32", "512", "128", 8 * GIB },
		{ "16", "4096", "1", 64 * (uint64_t)MIB },
		{ "16", "4096", "16", 2 * GIB },
		{ "32", "4096", "1", 300 * (uint64_t)MIB },
		{ "32", "4096", "8", 4 * GIB },
		{ "32", "4096", "16", 8 * GIB },
	};
	size_t i;

	(void)state;
	make_file("f", 200001);
	for (i = 0; i < ARRAY_LEN(v); i++) {
		make_blank("a.img", (off_t)v[i].bytes);
		run("mkfs.fat", "--invariant", "-F", v[i].type, "-S", v[i].bps,
		    "-s", v[i].spc, "a.img");
		run("mcopy", "-i", "a.img", "f", "::" NAME);
		check_same("a.img", "f");
	}
	run("rm", "a.img");
}

/* A device of 4096-byte blocks: its partition table counts in those. */
static int
read_4096(void *arg, uint64_t lba, uint32_t n, void *buf, struct diag *d)
{
	const int *fd = arg;

	(void)d;
	return fd_pread_all(*fd, buf, (size_t)n * 4096, (off_t)(lba * 4096));
}

static void
check_4096(const char *image, uint64_t size)
{
	_cleanup_fd_ int fd = open_in(image, O_RDONLY);
	struct blkdev dev = { read_4096, &fd, 0, 4096 };
	struct diag d = { 0 };
	uint8_t sha[32];
	uint64_t n = 0, bytes = 0;

	assert_int_equal(medium_size(fd, &bytes, &d), 0);
	dev.blocks = bytes / 4096;
	assert_int_equal(read_name(&dev, NAME, CHUNK, sha, &n, &d), 0);
	assert_int_equal(n, size);
}

static void
test_native_4096(void **state)
{
	struct image im;
	uint8_t mbr[4096] = { 0 };
	_cleanup_fd_ int fd = -1;

	(void)state;
	make_file("f", 123457);
	make_blank("a.img", 300 * (off_t)MIB);
	run("mkfs.fat", "--invariant", "-F", "32", "-S", "4096", "-s", "1",
	    "a.img");
	run("mcopy", "-i", "a.img", "f", "::" NAME);
	check_4096("a.img", 123457);
	load("a.img", &im);
	mbr[446 + 4] = 0x0c;
	set(mbr + 446 + 8, 4, 256);
	set(mbr + 446 + 12, 4, (uint32_t)(im.n / 4096));
	set(mbr + 510, 2, 0xaa55);
	make_blank("b.img", (off_t)im.n + (off_t)MIB);
	fd = open_in("b.img", O_RDWR);
	assert_int_equal(fd_pwrite_all(fd, mbr, sizeof(mbr), 0), 0);
	assert_int_equal(fd_pwrite_all(fd, im.p, im.n, MIB), 0);
	check_4096("b.img", 123457);
	free(im.p);
}

struct counted {
	int fd;
	uint64_t bytes; /* read so far */
};

static int
read_counted(void *arg, uint64_t lba, uint32_t n, void *buf, struct diag *d)
{
	struct counted *c = arg;

	(void)d;
	c->bytes += (uint64_t)n * 512;
	return fd_pread_all(c->fd, buf, (size_t)n * 512, (off_t)(lba * 512));
}

/* The largest there is, almost all of it a hole; the file at its very end. */
static void
test_two_tib(void **state)
{
	const uint32_t sectors = UINT32_MAX, spc = 128, table = 262143;
	const uint64_t data = (32 + 2 * (uint64_t)table) * 512;
	const uint32_t last =
	    (uint32_t)(((uint64_t)sectors * 512 - data) / 65536) + 1;
	const size_t len = 3 * 65536 + 5;
	struct counted c = { 0 };
	struct blkdev dev = { read_counted, &c, sectors, 512 };
	uint8_t b[512] = { 0 }, e[32] = "COLDSEALREQ", sha[32];
	struct diag d = { 0 };
	struct stat st;
	uint64_t n = 0;
	uint32_t i;

	(void)state;
	make_blank("a.img", (off_t)sectors * 512);
	c.fd = open_in("a.img", O_RDWR);
	memcpy(b, "\xeb\x58\x90", 3);
	set(b + 11, 2, 512);
	b[13] = (uint8_t)spc;
	set(b + 14, 2, 32);
	b[16] = 2;
	set(b + 32, 4, sectors);
	set(b + 36, 4, table);
	set(b + 44, 4, 2);
	set(b + 510, 2, 0xaa55);
	assert_int_equal(fd_pwrite_all(c.fd, b, 512, 0), 0);
	set(e + 26, 2, (last - 3) & 0xffff);
	set(e + 20, 2, (last - 3) >> 16);
	set(e + 28, 4, (uint32_t)len);
	assert_int_equal(fd_pwrite_all(c.fd, e, 32, (off_t)data), 0);
	for (i = last - 3; i <= last; i++) {
		set(b, 4, i == last ? 0x0fffffff : i + 1);
		assert_int_equal(fd_pwrite_all(c.fd, b, 4,
				     (off_t)(32 * 512 + 4 * (uint64_t)i)),
		    0);
	}
	assert_int_equal(read_name(&dev, NAME, CHUNK, sha, &n, &d), 0);
	assert_int_equal(n, len);
	/* the front, one or two pieces of a table of 128 MiB, the file */
	assert_true(c.bytes < 2 * (uint64_t)MIB);
	assert_int_equal(fstat(c.fd, &st), 0);
	assert_true(st.st_blocks * 512 < MIB);
	(void)close(c.fd);
	run("rm", "a.img");
}

/*
 * Layouts of Windows, macOS, cameras and vendors: where the partition begins,
 * how much is reserved, one table or two, the marks that mean nothing.
 */
static void
test_vendors(void **state)
{
	static const struct {
		uint32_t lba;
		const char *option[6];
	} v[] = {
		{ 63, { "-F", "32", "-R", "38" } },
		{ 2048, { "-F", "32", "-R", "4206", "-h", "2048" } },
		{ 8192, { "-F", "32", "-R", "9", "-f", "1" } },
		{ 32768, { "-F", "16", "-R", "8", "-M", "0xF0" } },
		{ 135, { "-F", "16", "-R", "1", "-f", "1" } },
		{ 2048, { "-F", "32", "-D", "0x00", "-n", "NO NAME" } },
	};
	struct image im;
	uint8_t mbr[512];
	size_t i, start;

	(void)state;
	make_file("f", 123456);
	for (i = 0; i < ARRAY_LEN(v); i++) {
		const char *const *o = v[i].option;

		make_blank("a.img", 70 * (off_t)MIB);
		run("mkfs.fat", "--invariant", "-a", "-s",
		    strcmp(o[1], "32") == 0 ? "1" : "4", "a.img", o[0], o[1],
		    o[2], o[3], o[4], o[5]);
		run("mcopy", "-i", "a.img", "f", "::" NAME);
		check_same("a.img", "f");
		/* and the same behind a table */
		load("a.img", &im);
		start = (size_t)v[i].lba * 512;
		im.p = realloc(im.p, im.n + start);
		assert_non_null(im.p);
		memmove(im.p + start, im.p, im.n);
		memset(im.p, 0, start);
		memset(mbr, 0, sizeof(mbr));
		mbr[446] = 0x80;
		mbr[446 + 4] = strcmp(o[1], "32") == 0 ? 0x0b : 0x06;
		set(mbr + 446 + 8, 4, v[i].lba);
		set(mbr + 446 + 12, 4, (uint32_t)(im.n / 512));
		set(mbr + 510, 2, 0xaa55);
		memcpy(im.p, mbr, sizeof(mbr));
		im.n += start;
		store("b.img", &im);
		free(im.p);
		check_same("b.img", "f");
	}
	/* FAT12 in a partition that says so */
	make_blank("a.img", 5 * (off_t)MIB);
	table_of("a.img", "label: dos\n2048,,1\n");
	run("mkfs.fat", "--invariant", "-F", "12", "--offset", "2048", "a.img");
	load("a.img", &im);
	expect(&im, CS_E_MEDIA_FAT12);
	free(im.p);
}

/* --- what else is on a stick -------------------------------------------- */

static void
check_seen(const char *image, const char *text)
{
	_cleanup_fd_ int fd = open_in(image, O_RDONLY);
	struct media_seen seen;
	struct blkdev dev;

	assert_int_equal(blk_open_fd(&fd, &dev, NULL), 0);
	media_look(&dev, &seen);
	if (strstr(seen.holds, text) == NULL)
		fail_msg("%s: not \"%s\"", seen.holds, text);
}

/* What desktops leave behind, and a stick that was pulled too early. */
static void
test_desktops(void **state)
{
	static const char *const folders[] = { "::.Spotlight-V100",
		"::.fseventsd", "::.Trashes", "::System Volume Information",
		"::$RECYCLE.BIN", "::DCIM", "::MISC" };
	struct image im;
	struct layout l;
	size_t t, i;

	(void)state;
	make_file("f", 70001);
	make_file("other", 4096);
	for (t = 0; t < 2; t++) {
		make_image("a.img", t == 0 ? 16 : 40, t == 0 ? "16" : "32",
		    "1");
		run("mlabel", "-i", "a.img", "::HOLIDAYS");
		for (i = 0; i < ARRAY_LEN(folders); i++)
			run("mmd", "-i", "a.img", folders[i]);
		run("mattrib", "-i", "a.img", "+h", "+s",
		    "::System Volume Information");
		run("mcopy", "-i", "a.img", "other", "::._" NAME);
		run("mcopy", "-i", "a.img", "other", "::.DS_Store");
		run("mcopy", "-i", "a.img", "other",
		    "::System Volume Information/IndexerVolumeGuid");
		run("mcopy", "-i", "a.img", "other", "::coldseal.req.txt");
		run("mcopy", "-i", "a.img", "f", "::" NAME);
		run("mattrib", "-i", "a.img", "+h", "+r", "::" NAME);
		check_same("a.img", "f");
		check_seen("a.img",
		    t == 0 ? "FAT16 volume HOLIDAYS of" :
			     "FAT32 volume HOLIDAYS of");
		/* neither unmounted nor without errors */
		load("a.img", &im);
		measure(&im, 0, &l);
		set_link(&im, &l, 1, l.is32 ? 0x03ffffff : 0x3fff);
		store("a.img", &im);
		free(im.p);
		check_same("a.img", "f");
		check_seen("a.img", "not unmounted cleanly");
	}
}

/* FSInfo is a hint that nobody needs: any lie in it, and none. */
static void
test_fsinfo(void **state)
{
	struct image im;
	size_t i;

	(void)state;
	make_image("a.img", 34, "32", "1");
	make_file("f", 5000);
	run("mcopy", "-i", "a.img", "f", "::" NAME);
	load("a.img", &im);
	set(im.p + 512 + 488, 4, 0xffffffff);
	set(im.p + 512 + 492, 4, 0xffffffff);
	expect(&im, 0);
	set(im.p + 512 + 488, 4, 1);
	set(im.p + 512 + 492, 4, 0);
	expect(&im, 0);
	set(im.p + 48, 2, 0xffff); /* where it is */
	expect(&im, 0);
	for (i = 512; i < 1024; i++)
		im.p[i] = 0xff;
	expect(&im, 0);
	free(im.p);
}

/* BPB_ExtFlags: the table in use, when they are not kept the same. */
static void
test_active_table(void **state)
{
	struct image im;
	struct layout l;

	(void)state;
	make_image("a.img", 34, "32", "1");
	make_file("f", 5000);
	run("mcopy", "-i", "a.img", "f", "::" NAME);
	load("a.img", &im);
	measure(&im, 0, &l);
	/* the first is old: zeros */
	memset(im.p + l.fat, 0, l.fat_bytes);
	expect(&im, CS_E_MEDIA_FAT_CLUSTER);
	set(im.p + 40, 2, 0x0001); /* mirrored: the number means nothing */
	expect(&im, CS_E_MEDIA_FAT_CLUSTER);
	set(im.p + 40, 2, 0x0080);
	expect(&im, CS_E_MEDIA_FAT_CLUSTER);
	set(im.p + 40, 2, 0x0081);
	expect(&im, 0);
	set(im.p + 40, 2, 0x0082);
	expect(&im, CS_E_MEDIA_GEOMETRY);
	set(im.p + 40, 2, 0x008f);
	expect(&im, CS_E_MEDIA_GEOMETRY);
	/* and the second, while the first is in use */
	memcpy(im.p + l.fat, im.p + l.fat + l.fat_bytes, l.fat_bytes);
	memset(im.p + l.fat + l.fat_bytes, 0, l.fat_bytes);
	expect(&im, CS_E_MEDIA_GEOMETRY);
	set(im.p + 40, 2, 0x0080);
	expect(&im, 0);
	free(im.p);
}

static void
fill_entry(uint8_t *e, unsigned i)
{
	char name[16];

	(void)snprintf(name, sizeof(name), "F%07uTXT", i);
	memset(e, 0, 32);
	memcpy(e, name, 11);
	e[11] = 0x20;
}

/* A root folder over many clusters, in no order; the file in the last. */
static void
test_large_root(void **state)
{
	const uint32_t first = 30000, n = 500;
	struct image im;
	struct layout l;
	uint8_t keep[32], *at = NULL;
	uint32_t c, i, k = 0;

	(void)state;
	make_image("a.img", 34, "32", "1");
	make_file("f", 5000);
	run("mcopy", "-i", "a.img", "f", "::" NAME);
	load("a.img", &im);
	measure(&im, 0, &l);
	memcpy(keep, entry(&im, &l, SHORT), 32);
	for (i = 0, c = 2; i < n; i++) {
		const uint32_t next = i + 1 == n ? 0x0fffffff : first + 2 * i;

		set_link(&im, &l, c, next);
		for (at = im.p + l.data + (c - 2) * l.cluster;
		     at < im.p + l.data + (c - 1) * l.cluster; at += 32)
			fill_entry(at, k++);
		c = next;
	}
	expect(&im, CS_E_MEDIA_NO_FILE);
	memcpy(at - 32, keep, 32);
	expect(&im, 0);
	/* another name twice, far apart */
	fill_entry(at - 64, 7);
	expect(&im, CS_E_MEDIA_TWO_FILES);
	at[-64] = 0xe5;
	expect(&im, 0);
	free(im.p);
}

/* FAT16: as many entries as its root can have. */
static void
test_large_root16(void **state)
{
	struct image im;
	struct layout l;
	uint8_t keep[32];
	unsigned i;

	(void)state;
	make_blank("a.img", 40 * (off_t)MIB);
	run("mkfs.fat", "--invariant", "-F", "16", "-r", "4096", "-s", "4",
	    "a.img");
	make_file("f", 5000);
	run("mcopy", "-i", "a.img", "f", "::" NAME);
	load("a.img", &im);
	measure(&im, 0, &l);
	memcpy(keep, entry(&im, &l, SHORT), 32);
	for (i = 0; i < 4095; i++)
		fill_entry(im.p + l.root + 32 * (size_t)i, i);
	memcpy(im.p + l.root + 32 * (size_t)4095, keep, 32);
	expect(&im, 0);
	fill_entry(im.p + l.root, 4094);
	expect(&im, CS_E_MEDIA_TWO_FILES);
	free(im.p);
}

/* A chain that runs into another file's: a chain all the same, not its size */
static void
test_crossed(void **state)
{
	struct image im;
	struct layout l;
	uint32_t a, b;

	(void)state;
	make_image("a.img", 34, "32", "1");
	make_file("f", 5 * 512);
	make_file("other", 3 * 512);
	run("mcopy", "-i", "a.img", "f", "::" NAME);
	run("mcopy", "-i", "a.img", "other", "::OTHER");
	load("a.img", &im);
	measure(&im, 0, &l);
	a = first_of(entry(&im, &l, SHORT));
	b = first_of(entry(&im, &l, "OTHER      "));
	set_link(&im, &l, a + 3, b);
	expect(&im, CS_E_MEDIA_FAT_LOOP);
	set_link(&im, &l, a, b);
	expect(&im, CS_E_MEDIA_FAT_SHORT);
	free(im.p);
}

/* --- what is no FAT ----------------------------------------------------- */

/* Refused with the ID, and the text names it. */
static void
check_foreign(const char *image, int code, const char *name)
{
	_cleanup_fd_ int fd = open_in(image, O_RDONLY);
	struct diag d = { 0 };
	struct blkdev dev;
	uint8_t sha[32];
	uint64_t n = 0;
	int r;

	assert_int_equal(blk_open_fd(&fd, &dev, NULL), 0);
	r = read_name(&dev, NAME, CHUNK, sha, &n, &d);
	if (r != code || strstr(d.found, name) == NULL)
		fail_msg("%s: %s, expected %s: %s", err_id(r), d.found,
		    err_id(code), name);
	assert_true(strlen(err_advice(r)) > 0);
	check_seen(image, name);
}

static void
test_formatters(void **state)
{
	(void)state;
	make_blank("a.img", 40 * (off_t)MIB);
	run("mkfs.exfat", "a.img");
	check_foreign("a.img", CS_E_MEDIA_EXFAT, "exFAT");
	make_blank("a.img", 40 * (off_t)MIB);
	run("mkntfs", "-q", "-F", "-f", "-s", "512", "-p", "0", "-H", "16",
	    "-S", "63", "a.img");
	check_foreign("a.img", CS_E_MEDIA_NTFS, "NTFS");
	make_blank("a.img", 40 * (off_t)MIB);
	make_file("key", 32);
	run("cryptsetup", "luksFormat", "-q", "--pbkdf", "pbkdf2",
	    "--pbkdf-force-iterations", "1000", "--key-file", "key", "a.img");
	check_foreign("a.img", CS_E_MEDIA_ENCRYPTED, "LUKS");
	make_blank("a.img", 40 * (off_t)MIB);
	run("mkswap", "a.img");
	check_foreign("a.img", CS_E_MEDIA_FOREIGN, "Linux swap");
	make_blank("a.img", 40 * (off_t)MIB);
	check_foreign("a.img", CS_E_MEDIA_EMPTY, "blank");
}

/* In a partition, as Windows and vendors make them. */
static void
test_formatters_partition(void **state)
{
	struct image im;

	(void)state;
	make_blank("a.img", 40 * (off_t)MIB);
	run("mkfs.exfat", "a.img");
	load("a.img", &im);
	with_mbr(&im, 0x07);
	store("b.img", &im);
	free(im.p);
	check_foreign("b.img", CS_E_MEDIA_EXFAT, "exFAT in its partition");
}

/* clang-format off */
static const struct {
	const char *table;
	int code;
	const char *name;
} tables[] = {
	{ "label: dos\n2048,10M,c\n,,c\n", CS_E_MEDIA_PARTITIONS,
	    "2 partitions: FAT32, FAT32" },
	{ "label: dos\n2048,10M,c\n,10M,83\n,,7\n", CS_E_MEDIA_PARTITIONS,
	    "3 partitions: FAT32, Linux, NTFS or exFAT" },
	{ "label: dos\n2048,,5\n", CS_E_MEDIA_PARTITIONS,
	    "an extended partition" },
	{ "label: dos\n2048,,ef\n", CS_E_MEDIA_PARTITIONS,
	    "an EFI system partition" },
	{ "label: dos\n2048,,83\n", CS_E_MEDIA_PARTITIONS, "Linux" },
	{ "label: dos\n2048,,fd\n", CS_E_MEDIA_PARTITIONS, "Linux RAID" },
	{ "label: dos\n2048,,2f\n", CS_E_MEDIA_PARTITIONS, "unknown" },
	{ "label: dos\n2048,,c\n", CS_E_MEDIA_GEOMETRY, "none in the" },
	{ "label: gpt\n2048,,\n", CS_E_MEDIA_GPT, "GPT" },
	{ "label: dos\n", CS_E_MEDIA_EMPTY, "an empty partition table" },
};
/* clang-format on */

static void
test_tables(void **state)
{
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_LEN(tables); i++) {
		make_blank("a.img", 40 * (off_t)MIB);
		table_of("a.img", tables[i].table);
		check_foreign("a.img", tables[i].code, tables[i].name);
	}
}

/* A GPT and an MBR that says something else; a partition that is too long */
static void
test_hybrid(void **state)
{
	struct image im;

	(void)state;
	make_blank("a.img", 40 * (off_t)MIB);
	table_of("a.img", "label: gpt\n2048,,\n");
	load("a.img", &im);
	im.p[446 + 16 + 4] = 0x0c;
	set(im.p + 446 + 16 + 8, 4, 2048);
	set(im.p + 446 + 16 + 12, 4, 2048);
	store("a.img", &im);
	check_foreign("a.img", CS_E_MEDIA_GPT, "hybrid");
	memset(im.p + 446, 0, 64);
	im.p[446 + 4] = 0x0c;
	set(im.p + 446 + 8, 4, 2048);
	set(im.p + 446 + 12, 4, 999999);
	memset(im.p + 512, 0, 512);
	store("a.img", &im);
	check_foreign("a.img", CS_E_MEDIA_PARTITIONS,
	    "999999 blocks from 2048 on, of 81920");
	free(im.p);
}

/* By signature, for what no small tool makes. */
static void
test_signatures(void **state)
{
	static const struct {
		off_t off;
		const char *magic;
		size_t n;
		int code;
		const char *name;
	} v[] = {
		{ 1024, "\x10\x20\xf5\xf2", 4, CS_E_MEDIA_FOREIGN, "F2FS" },
		{ 65600, "_BHRfS_M", 8, CS_E_MEDIA_FOREIGN, "btrfs" },
		{ 0, "hsqs", 4, CS_E_MEDIA_FOREIGN, "SquashFS" },
		{ 512, "LABELONE", 8, CS_E_MEDIA_FOREIGN, "LVM" },
		{ 512, "PM\0\0", 4, CS_E_MEDIA_FOREIGN, "Apple" },
		{ 32769, "CD001", 5, CS_E_MEDIA_FOREIGN, "ISO 9660" },
		{ 32769, "BEA01", 5, CS_E_MEDIA_FOREIGN, "UDF" },
		{ 4096, "EFI PART", 8, CS_E_MEDIA_GPT, "4096" },
		{ 9000, "random", 6, CS_E_MEDIA_EMPTY, "no boot signature" },
	};
	size_t i;
	int fd;

	(void)state;
	for (i = 0; i < ARRAY_LEN(v); i++) {
		make_blank("a.img", 2 * (off_t)MIB);
		fd = open_in("a.img", O_RDWR);
		assert_int_equal(fd_pwrite_all(fd, v[i].magic, v[i].n,
				     v[i].off),
		    0);
		(void)close(fd);
		check_foreign("a.img", v[i].code, v[i].name);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_clusters),
		cmocka_unit_test(test_native_4096),
		cmocka_unit_test(test_two_tib),
		cmocka_unit_test(test_vendors),
		cmocka_unit_test(test_desktops),
		cmocka_unit_test(test_fsinfo),
		cmocka_unit_test(test_active_table),
		cmocka_unit_test(test_large_root),
		cmocka_unit_test(test_large_root16),
		cmocka_unit_test(test_crossed),
		cmocka_unit_test(test_formatters),
		cmocka_unit_test(test_formatters_partition),
		cmocka_unit_test(test_tables),
		cmocka_unit_test(test_hybrid),
		cmocka_unit_test(test_signatures),
	};

	return cmocka_run_group_tests(tests, fat_rig_setup, fat_rig_teardown);
}
