/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Traps that came to light after the first readers worked: a chain that jumps
 * about the table, content that changes under the writer, a file that is no
 * image where one is named.
 */

#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include <cmocka.h>

#include "lib/file.h"
#include "usb-transfer/bundle.h"
#include "usb-transfer/fat.h"
#include "usb-transfer/fatvol.h"
#include "usb-transfer/media_host.h"

#define VOLUME	 (UINT64_C(160) << 20)
#define TABLE	 (32u * 512u) /* offset of the first table */
#define HOPS	 16400u
#define FAR_AWAY (16u * 16384u) /* 16 windows on: the same place in the cache */

static int
zeros(void *arg, uint64_t off, void *buf, size_t n, struct diag *d)
{
	(void)arg;
	(void)off;
	(void)d;
	memset(buf, 0, n);
	return 0;
}

static int
temp_file(char path[64])
{
	int fd;

	(void)snprintf(path, 64, "/tmp/cs-traps.XXXXXX");
	fd = mkstemp(path);
	assert_true(fd >= 0);
	return fd;
}

static void
put_entry(int fd, uint32_t cluster, uint32_t value)
{
	const uint8_t e[4] = { (uint8_t)value, (uint8_t)(value >> 8),
		(uint8_t)(value >> 16), (uint8_t)(value >> 24) };

	assert_int_equal(fd_pwrite_all(fd, e, 4,
			     (off_t)(TABLE + 4 * (uint64_t)cluster)),
	    0);
}

/* A file of 3, 3 + far, 4, 4 + far, ...: a window is read at every hop. */
static void
test_scatter(void **state)
{
	struct fatvol_file f = { .name = "COLDSEAL.REQ",
		.size = HOPS * 512u,
		.read = zeros };
	_cleanup_fat_ struct fat *fat = NULL;
	struct fat_file file;
	struct blkdev dev;
	struct diag d = { 0 };
	char path[64];
	int fd = temp_file(path);
	uint32_t i;

	(void)state;
	assert_int_equal(ftruncate(fd, (off_t)VOLUME), 0);
	assert_int_equal(fatvol_write(fd, VOLUME, &f, 1, NULL, &d), 0);
	for (i = 0; i < HOPS / 2; i++) {
		put_entry(fd, 3 + i, 3 + i + FAR_AWAY);
		put_entry(fd, 3 + i + FAR_AWAY,
		    i + 1 == HOPS / 2 ? 0x0fffffff : 4 + i);
	}
	assert_int_equal(blk_open_fd(&fd, &dev, &d), 0);
	assert_int_equal(fat_open(&dev, &fat, &d), 0);
	assert_int_equal(fat_find(fat, "COLDSEAL.REQ", &file, &d),
	    CS_E_MEDIA_FAT_SCATTER);
	(void)close(fd);
	(void)unlink(path);
}

static void
test_changed_member(void **state)
{
	_cleanup_bundle_ struct bundle_writer *w = NULL;
	struct diag d = { 0 };
	char path[64];
	int fd = temp_file(path);

	(void)state;
	assert_int_equal(fd_write_all(fd, "before", 6), 0);
	assert_int_equal(bundle_writer_new(BUNDLE_RESPONSE, &w), 0);
	assert_int_equal(bundle_writer_add_fd(w, "record.dsse", fd, 0, 6, NULL,
			     &d),
	    0);
	assert_int_equal(bundle_writer_finish(w, &d), 0);
	assert_int_equal(bundle_writer_check(w, &d), 0);
	assert_int_equal(fd_pwrite_all(fd, "after!", 6, 0), 0);
	assert_int_equal(bundle_writer_check(w, &d), CS_E_BUNDLE_HASH);
	(void)close(fd);
	(void)unlink(path);
}

static void
test_not_an_image(void **state)
{
	struct diag d = { 0 };
	char path[64], bundle[64];
	uint8_t text[1024];
	int fd = temp_file(path), b = temp_file(bundle);

	(void)state;
	memset(text, 'x', sizeof(text));
	assert_int_equal(fd_write_all(fd, text, sizeof(text)), 0);
	assert_int_equal(fd_write_all(b, text, sizeof(text)), 0);
	assert_int_equal(media_write(path, "COLDSEAL.REQ", b, 0, NULL, NULL,
			     &d),
	    CS_E_MEDIA_NOT_IMAGE);
	assert_int_equal(ftruncate(fd, 100), 0);
	assert_int_equal(media_write(path, "COLDSEAL.REQ", b, 0, NULL, NULL,
			     &d),
	    CS_E_MEDIA_NOT_IMAGE);
	assert_int_equal(ftruncate(fd, 0), 0);
	assert_int_equal(media_write(path, "COLDSEAL.REQ", b, 0, NULL, NULL,
			     &d),
	    0);
	/* and over an image again */
	assert_int_equal(media_write(path, "COLDSEAL.REQ", b, 0, NULL, NULL,
			     &d),
	    0);
	(void)close(fd);
	(void)close(b);
	(void)unlink(path);
	(void)unlink(bundle);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_scatter),
		cmocka_unit_test(test_changed_member),
		cmocka_unit_test(test_not_an_image),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
