/* SPDX-License-Identifier: Apache-2.0 */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <string.h>
#include <sys/mman.h>

#include "lib/file.h"
#include "tests/lib/stick.h"
#include "usb-transfer/fat.h"
#include "usb-transfer/fatvol.h"

/*
 * Whole volumes on a stick in memory: written by fatvol.c, read by fat.c,
 * and read from one whose blocks are others each time they are asked for.
 */
#define MIB    (UINT64_C(1) << 20)
#define SIZE   (40 * MIB)
#define BLOCKS ((size_t)(SIZE / 512))
#define FILE_N 300001u
#define CHUNK  65536u

static uint8_t *disk;
static struct stick stick;

static int
read_file(void *arg, uint64_t off, void *buf, size_t n, struct diag *d)
{
	uint8_t *p = buf;
	size_t i;

	(void)arg;
	(void)d;
	for (i = 0; i < n; i++)
		p[i] = (uint8_t)((off + i) / 511 * 3 + off + i);
	return 0;
}

static const struct fatvol_file files[] = {
	{ .name = "COLDSEAL.REQ", .size = FILE_N, .read = read_file },
	{ .name = "COLDSEAL.AUD", .size = 70000, .read = read_file },
};

static int
setup(void **state)
{
	(void)state;
	disk = calloc(1, SIZE);
	if (disk == NULL)
		return -1;
	stick_init(&stick, disk, SIZE);
	return 0;
}

static int
teardown(void **state)
{
	(void)state;
	free(disk);
	return 0;
}

static int
write_volume(struct diag *d)
{
	struct blkout out;
	struct bot b;
	int r;

	r = bot_open(&b, &stick_ops, &stick, 0, d);
	if (r == 0)
		r = bot_blkout(&b, &out, d);
	return r == 0 ? fatvol_write_to(&out, files, 2, NULL, d) : r;
}

static struct {
	uint32_t first, last, n;
	unsigned synced; /* at the last write */
	bool blank;	 /* sector 0, before the last write */
} seen;

static void
on_write(struct stick *s)
{
	uint32_t lba = (uint32_t)s->last_cdb[2] << 24 |
	    (uint32_t)s->last_cdb[3] << 16 | (uint32_t)s->last_cdb[4] << 8 |
	    s->last_cdb[5];

	if (seen.n++ == 0)
		seen.first = lba;
	seen.last = lba;
	seen.synced = s->count[0x35];
	if (seen.n > 1 && lba != 0)
		seen.blank = disk[510] == 0 && disk[511] == 0;
}

/* Sector 0 goes first and comes last; synchronised around; then it is out. */
static void
test_order(void **state)
{
	_cleanup_free_ uint8_t *want = malloc(SIZE);
	_cleanup_fd_ int fd = memfd_create("image", MFD_CLOEXEC);
	struct diag d = { 0 };

	(void)state;
	memset(disk, 0xe5, SIZE);
	memset(&seen, 0, sizeof(seen));
	stick.on_write = on_write;
	assert_int_equal(write_volume(&d), 0);
	assert_int_equal(seen.first, 0);
	assert_int_equal(seen.last, 0);
	assert_true(seen.blank);
	assert_int_equal(seen.synced, 2); /* before the last write */
	assert_int_equal(stick.count[0x35], 3);
	assert_int_equal(stick.last_cdb[0], 0x1b);
	assert_true(stick.ejected);
	assert_true(stick.count[0x28] > 0); /* read back */
	/* the same bytes as on an image that held the same */
	memset(want, 0xe5, SIZE);
	assert_int_equal(fd_write_all(fd, want, SIZE), 0);
	assert_int_equal(fatvol_write(fd, SIZE, files, 2, NULL, &d), 0);
	assert_int_equal(fd_pread_all(fd, want, SIZE, 0), 0);
	assert_memory_equal(disk, want, SIZE);
}

/* One block that did not take what it was given. */
static void
test_compare(void **state)
{
	struct diag d = { 0 };

	(void)state;
	stick.evil = EVIL_DATA_OTHER;
	stick.evil_op = 0x28;
	stick.evil_after = 3;
	stick.evil_times = 1;
	assert_int_equal(write_volume(&d), CS_E_MEDIA_COMPARE);
	assert_false(stick.ejected);
}

/* --- every block of content once, and none believed twice --------------- */

struct source {
	struct blkdev of;
	uint8_t *reads; /* of each block */
	uint32_t seed;	/* 0: honest; else a block's second reading differs */
};

static uint32_t
next(uint32_t *seed)
{
	*seed = *seed * 1664525u + 1013904223u;
	return *seed >> 8;
}

static int
read_source(void *arg, uint64_t lba, uint32_t n, void *buf, struct diag *d)
{
	struct source *s = arg;
	uint8_t *p = buf;
	uint32_t i, k;
	int r;

	r = s->of.read_block(s->of.arg, lba, n, buf, d);
	for (i = 0; r == 0 && i < n; i++) {
		if (s->reads[lba + i] > 0 && s->seed != 0)
			for (k = next(&s->seed) % 40; k > 0; k--)
				p[i * 512 + next(&s->seed) % 512] =
				    (uint8_t)(next(&s->seed) % 3 == 0 ?
					    0 :
					    next(&s->seed));
		if (s->reads[lba + i] < 255)
			s->reads[lba + i]++;
	}
	return r;
}

/* What intake does with a medium.  *ret_n: bytes of the file. */
static int
take_in(const struct blkdev *dev, uint64_t *ret_n, struct diag *d)
{
	static const char *const names[] = { "COLDSEAL.REQ", "COLDSEAL.APR",
		"COLDSEAL.RCP" };
	_cleanup_fat_ struct fat *fat = NULL;
	static uint8_t buf[CHUNK], want[CHUNK];
	struct fat_file f = { 0 }, other;
	size_t i, n = 1;
	int r;

	*ret_n = 0;
	r = fat_open(dev, &fat, d);
	if (r == 0)
		r = fat_find(fat, names[0], &f, d);
	for (i = 1; r == 0 && i < ARRAY_LEN(names); i++)
		if (fat_find(fat, names[i], &other, d) == 0)
			r = CS_E_MEDIA_TWO_FILES;
	while (r == 0 && n > 0) {
		r = fat_read(fat, &f, buf, CHUNK, &n, d);
		if (r == 0)
			assert_int_equal(read_file(NULL, *ret_n, want, n, d),
			    0);
		if (r == 0 && memcmp(buf, want, n) != 0)
			r = CS_E_BUNDLE_HASH; /* the bundle's digest tells */
		*ret_n += n;
	}
	return r;
}

static void
test_once(void **state)
{
	_cleanup_free_ uint8_t *reads = calloc(1, BLOCKS);
	struct source s = { .reads = reads };
	const struct blkdev dev = { read_source, &s, BLOCKS, 512 };
	struct diag d = { 0 };
	unsigned refused = 0;
	uint32_t seed;
	uint64_t n;
	size_t i, content = 0;
	struct bot b;

	(void)state;
	assert_int_equal(write_volume(&d), 0);
	stick.ejected = false;
	assert_int_equal(bot_open(&b, &stick_ops, &stick, 0, &d), 0);
	bot_blkdev(&b, &s.of);
	assert_int_equal(take_in(&dev, &n, &d), 0);
	assert_int_equal(n, FILE_N);
	/* the file's blocks: those behind two tables and the root folder */
	for (i = 32 + 2 * (size_t)(disk[36] | disk[37] << 8) + 1; i < BLOCKS;
	     i++) {
		assert_in_range(reads[i], 0, 1);
		content += reads[i];
	}
	assert_int_equal(content, (FILE_N + 511) / 512);
	/* a stick that changes what it was read of: refused, or harmless */
	for (seed = 1; seed <= 2000; seed++) {
		memset(reads, 0, BLOCKS);
		s.seed = seed;
		if (take_in(&dev, &n, &d) != 0)
			refused++;
		else
			assert_int_equal(n, FILE_N);
	}
	assert_true(refused > 0);
}

int
main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
	const struct CMUnitTest tests[] = {
		TEST(test_order),
		TEST(test_compare),
		TEST(test_once),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
