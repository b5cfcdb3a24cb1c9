/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/lib/fat_rig.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>

#include "host-tools/media.h"
#include "lib/file.h"

/*
 * What is known of a block device, over folders that look like /sys and
 * /proc: a USB stick sdb with two partitions, a disk with an LVM volume on
 * LUKS, NVMe, a loop device.  And what must be said before one is erased.
 */
static char sys[512], proc[512];

static const char tree[] =
    "mkdir -p sys/dev/block proc/self && cd sys &&"
    "u=devices/pci/usb1/1-1; l=$u/1-1:1.0/host6/target6/6:0:0:0;"
    "b=$l/block/sdb; v=devices/virtual/block;"
    "mkdir -p $b/sdb1/holders $b/sdb2/holders $b/slaves $b/holders"
    " devices/ata/block/sda/sda1/holders devices/ata/block/sda/slaves"
    " $v/dm-0/slaves $v/dm-1/slaves $v/loop3/loop $v/loop3/slaves"
    " devices/nvme/nvme0/nvme0n1/slaves &&"
    "ln -s ../../../6:0:0:0 $b/device &&"
    "ln -s ../../nvme0 devices/nvme/nvme0/nvme0n1/device &&"
    "echo 0781 >$u/idVendor; echo 4C53000123 >$u/serial;"
    "echo 'SanDisk ' >$l/vendor; printf 'Ultra\\001 ' >$l/model;"
    "echo 60088320 >$b/size; echo 1 >$b/removable; echo 0 >$b/ro;"
    "echo 1 >$b/sdb1/partition; echo 2048 >$b/sdb1/size; echo 0 >$b/sdb1/ro;"
    "echo 2 >$b/sdb2/partition; echo 4096 >$b/sdb2/size;"
    "echo 1000 >devices/ata/block/sda/size; echo 1 >devices/ata/block/sda/ro;"
    "echo 1 >devices/ata/block/sda/sda1/partition;"
    "echo 999 >devices/ata/block/sda/sda1/size;"
    "echo 'Fast 1TB' >devices/nvme/nvme0/model;"
    "echo S3R1AL >devices/nvme/nvme0/serial;"
    "echo 8 >devices/nvme/nvme0/nvme0n1/size;"
    "echo 0x144d >devices/nvme/nvme0/vendor;"
    "echo 99 >$v/loop3/size; echo /images/x.img >$v/loop3/loop/backing_file;"
    "echo 99 >$v/dm-0/size; echo 99 >$v/dm-1/size;"
    "ln -s ../../../../ata/block/sda/sda1 $v/dm-0/slaves/sda1;"
    "ln -s ../../dm-0 $v/dm-1/slaves/dm-0;"
    "cd dev/block; ln -s ../../$b 8:16; ln -s ../../$b/sdb1 8:17;"
    "ln -s ../../$b/sdb2 8:18; ln -s ../../devices/ata/block/sda 8:0;"
    "ln -s ../../devices/ata/block/sda/sda1 8:1; ln -s ../../$v/dm-0 253:0;"
    "ln -s ../../$v/dm-1 253:1; ln -s ../../$v/loop3 7:3;"
    "ln -s ../../devices/nvme/nvme0/nvme0n1 259:0;"
    "echo Filename >../../../proc/swaps; : >../../../proc/self/mountinfo";

static int
setup(void **state)
{
	if (fat_rig_setup(state) != 0)
		return 1;
	run("sh", "-c", tree);
	fat_rig_path("sys", sys);
	fat_rig_path("proc", proc);
	return 0;
}

static void
look(unsigned maj, unsigned min, struct blockdev *b)
{
	struct diag d = { 0 };

	if (blockdev_look(sys, makedev(maj, min), b, &d) != 0)
		fail_msg("%u:%u: %s", maj, min, d.found);
}

static void
test_look(void **state)
{
	struct blockdev b;
	struct diag d = { 0 };

	(void)state;
	look(8, 16, &b);
	assert_string_equal(b.name, "sdb");
	assert_string_equal(b.model, "SanDisk Ultra?");
	assert_string_equal(b.serial, "4C53000123");
	assert_string_equal(b.disk, "");
	assert_true(b.bytes == UINT64_C(60088320) * 512);
	assert_true(b.removable && !b.readonly);
	assert_string_equal(blockdev_identity(&b), "4C53000123");
	look(8, 18, &b);
	assert_string_equal(b.name, "sdb2");
	assert_string_equal(b.disk, "sdb");
	assert_true(b.bytes == 4096 * 512);
	look(8, 0, &b);
	assert_true(b.readonly && !b.removable);
	assert_string_equal(blockdev_identity(&b), "");
	look(259, 0, &b);
	assert_string_equal(b.model, "Fast 1TB");
	assert_string_equal(b.serial, "S3R1AL");
	look(7, 3, &b);
	assert_string_equal(b.model, "/images/x.img");
	assert_string_equal(blockdev_identity(&b), "/images/x.img");
	assert_int_equal(blockdev_look(sys, makedev(9, 9), &b, &d),
	    CS_E_HOST_BLOCK);
	run("rm", "sys/devices/virtual/block/loop3/size");
	assert_int_equal(blockdev_look(sys, makedev(7, 3), &b, &d),
	    CS_E_HOST_BLOCK);
}

static int
mounts(const char *mountinfo, const char *swaps, unsigned maj, unsigned min)
{
	struct diag d = { 0 };
	char path[600];
	int r;

	(void)snprintf(path, sizeof(path), "%s/self/mountinfo", proc);
	assert_int_equal(file_write_atomic(AT_FDCWD, path, mountinfo,
			     strlen(mountinfo), 0600, NULL),
	    0);
	(void)snprintf(path, sizeof(path), "%s/swaps", proc);
	assert_int_equal(file_write_atomic(AT_FDCWD, path, swaps, strlen(swaps),
			     0600, NULL),
	    0);
	r = blockdev_check_free(sys, proc, makedev(maj, min), &d);
	assert_int_equal(r, d.code);
	return r;
}

#define LINE(dev, point) \
	"22 1 " dev " / " point " rw,relatime shared:1 - vfat /dev/none rw\n"

static void
test_mounts(void **state)
{
	static const struct {
		const char *mountinfo;
		unsigned maj, min;
		int code;
	} v[] = {
		{ "", 8, 16, 0 },
		{ LINE("0:21", "/proc"), 8, 16, 0 },
		{ LINE("8:1", "/"), 8, 16, 0 },
		{ LINE("8:1", "/"), 8, 0, CS_E_HOST_BUSY },
		{ LINE("8:16", "/media/a"), 8, 16, CS_E_HOST_BUSY },
		{ LINE("0:21", "/proc") LINE("8:18", "/media/b"), 8, 16,
		    CS_E_HOST_BUSY },
		/* the root file system on LVM on LUKS on a partition */
		{ LINE("253:1", "/"), 8, 0, CS_E_HOST_BUSY },
		{ LINE("253:1", "/"), 8, 16, 0 },
		/* another device that the kernel has no folder for */
		{ LINE("99:1", "/"), 8, 16, 0 },
		/* what cannot be read is taken for the worst */
		{ "22 1 8:1\n", 8, 16, CS_E_HOST_BUSY },
		{ "22 1 x / / rw - vfat a b\n", 8, 16, CS_E_HOST_BUSY },
		{ "22 1 8:1 / / rw vfat a b\n", 8, 16, CS_E_HOST_BUSY },
	};
	size_t i;
	int r;

	(void)state;
	for (i = 0; i < ARRAY_LEN(v); i++) {
		r = mounts(v[i].mountinfo, "Filename\n", v[i].maj, v[i].min);
		if (r != v[i].code)
			fail_msg("row %zu: %s", i, err_id(r));
	}
	run("rm", "proc/self/mountinfo");
	assert_int_equal(blockdev_check_free(sys, proc, makedev(8, 16), NULL),
	    CS_E_IO);
	assert_int_equal(blockdev_check_free(sys, proc, makedev(9, 9), NULL),
	    CS_E_HOST_BLOCK);
}

/* Any block device of this machine, or one of our own; its number. */
static dev_t
some_device(char path[512])
{
	DIR *dir = opendir("/dev");
	struct dirent *e;
	struct stat st;

	assert_non_null(dir);
	while ((e = readdir(dir)) != NULL) {
		(void)snprintf(path, 512, "/dev/%s", e->d_name);
		if (stat(path, &st) == 0 && S_ISBLK(st.st_mode))
			break;
	}
	(void)closedir(dir);
	if (e != NULL)
		return st.st_rdev;
	fat_rig_path("node", path);
	assert_int_equal(mknod(path, S_IFBLK | 0600, makedev(8, 17)), 0);
	return makedev(8, 17);
}

/* By name, as swap and some file systems (btrfs) have it. */
static void
test_by_name(void **state)
{
	char path[512], link[700], line[700];
	const dev_t dev = some_device(path);

	(void)state;
	(void)snprintf(line, sizeof(line), "Filename\n%s\tpartition\t8\n",
	    path);
	/* in our folders it is a part of sda */
	(void)snprintf(link, sizeof(link), "ln -sfn %s sys/dev/block/%u:%u",
	    "../../devices/ata/block/sda/sda1", major(dev), minor(dev));
	run("sh", "-c", link);
	assert_int_equal(mounts("", line, 8, 0), CS_E_HOST_BUSY);
	assert_int_equal(mounts("", "Filename\n/no/such part\n", 8, 0), 0);
	(void)snprintf(line, sizeof(line),
	    "22 1 0:44 / /data rw - btrfs %s rw\n", path);
	assert_int_equal(mounts(line, "Filename\n", 8, 0), CS_E_HOST_BUSY);
	assert_int_equal(mounts("", "Filename\n", 8, 0), 0);
}

/* LUKS that was opened, and not yet mounted. */
static void
test_held(void **state)
{
	(void)state;
	assert_int_equal(mounts("", "Filename\n", 8, 16), 0);
	run("sh", "-c",
	    "cd sys/devices/pci/usb1/1-1/1-1:1.0/host6/target6/6:0:0:0/block &&"
	    "ln -s ../../x sdb/sdb2/holders/dm-7");
	assert_int_equal(mounts("", "Filename\n", 8, 16), CS_E_HOST_BUSY);
	run("sh", "-c",
	    "cd sys/devices/pci/usb1/1-1/1-1:1.0/host6/target6/6:0:0:0/block &&"
	    "mv sdb/sdb2/holders/dm-7 sdb/holders/");
	assert_int_equal(mounts("", "Filename\n", 8, 16), CS_E_HOST_BUSY);
	run("sh", "-c",
	    "rm "
	    "sys/devices/pci/usb1/1-1/1-1:1.0/host6/target6/6:0:0:0/block/sdb/"
	    "holders/dm-7");
	assert_int_equal(mounts("", "Filename\n", 8, 16), 0);
}

/* --- consent ------------------------------------------------------------ */

static int
consent(const struct blockdev *b, const char *confirm, bool quiet)
{
	const struct media_consent how = { .confirm = confirm,
		.quiet = quiet,
		.sys = sys,
		.proc = proc };
	struct diag d = { 0 };
	int r = media_confirm(b, &how, &d);

	assert_int_equal(r, d.code);
	return r;
}

static void
test_confirm(void **state)
{
	const struct blockdev full = { .name = "sdb",
		.model = "SanDisk Ultra",
		.serial = "4C53" };
	const struct blockdev plain = { .name = "sdb", .model = "Ultra" };
	const struct blockdev none = { .name = "sdb" };
	const int saved = dup(STDIN_FILENO);

	(void)state;
	assert_int_equal(consent(&full, "4C53", true), 0);
	assert_int_equal(consent(&full, "4C5", true), CS_E_HOST_CONFIRM);
	assert_int_equal(consent(&full, "4c53", true), CS_E_HOST_CONFIRM);
	assert_int_equal(consent(&full, "sdb", true), CS_E_HOST_CONFIRM);
	assert_int_equal(consent(&full, "SanDisk Ultra", false),
	    CS_E_HOST_CONFIRM);
	assert_int_equal(consent(&plain, "Ultra", false), 0);
	assert_int_equal(consent(&none, "", false), CS_E_HOST_CONFIRM);
	assert_int_equal(consent(&none, "sdb", false), CS_E_HOST_CONFIRM);
	/* nobody to ask */
	assert_int_equal(consent(&full, NULL, true), CS_E_HOST_CONFIRM);
	assert_int_equal(dup2(open("/dev/null", O_RDONLY | O_CLOEXEC),
			     STDIN_FILENO),
	    STDIN_FILENO);
	assert_int_equal(consent(&full, NULL, false), CS_E_HOST_CONFIRM);
	assert_int_equal(dup2(saved, STDIN_FILENO), STDIN_FILENO);
	(void)close(saved);
}

/* On a terminal: exactly the name, whole. */
static void
test_typed(void **state)
{
	static const struct {
		const char *typed;
		int code;
	} v[] = {
		{ "sdb\n", 0 }, { "sda\n", CS_E_HOST_CONFIRM },
		{ "sdb1\n", CS_E_HOST_CONFIRM }, { "yes\n", CS_E_HOST_CONFIRM },
		{ "\n", CS_E_HOST_CONFIRM },
		{ "\4", CS_E_HOST_CONFIRM }, /* the end */
	};
	const struct blockdev b = { .name = "sdb", .serial = "4C53" };
	const int in = dup(STDIN_FILENO), err = dup(STDERR_FILENO);
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_LEN(v); i++) {
		int master = posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC);
		int tty, r;

		assert_true(master >= 0 && grantpt(master) == 0 &&
		    unlockpt(master) == 0);
		tty = open(ptsname(master), O_RDWR | O_NOCTTY | O_CLOEXEC);
		assert_true(tty >= 0);
		assert_int_equal(dup2(tty, STDIN_FILENO), STDIN_FILENO);
		assert_int_equal(dup2(tty, STDERR_FILENO), STDERR_FILENO);
		assert_int_equal(fd_write_all(master, v[i].typed,
				     strlen(v[i].typed)),
		    0);
		clearerr(stdin);
		r = consent(&b, NULL, false);
		assert_int_equal(dup2(in, STDIN_FILENO), STDIN_FILENO);
		assert_int_equal(dup2(err, STDERR_FILENO), STDERR_FILENO);
		(void)close(tty);
		(void)close(master);
		assert_int_equal(r, v[i].code);
	}
	(void)close(in);
	(void)close(err);
}

static void
test_check_device(void **state)
{
	const struct media_job job = { .name = NAME,
		.bundle_fd = memfd_create("bundle", MFD_CLOEXEC) };
	const struct blockdev good = { .name = "sdb", .bytes = 40 * MIB };
	struct blockdev b = good;

	(void)state;
	assert_int_equal(ftruncate(job.bundle_fd, 3 * MIB), 0);
	assert_int_equal(media_check_device(&b, &job, NULL), 0);
	b.bytes = 36 * MIB;
	assert_int_equal(media_check_device(&b, &job, NULL), CS_E_MEDIA_SPACE);
	b = good;
	b.readonly = true;
	assert_int_equal(media_check_device(&b, &job, NULL), CS_E_HOST_BLOCK);
	b = good;
	memcpy(b.disk, "sdb", 4);
	assert_int_equal(media_check_device(&b, &job, NULL), CS_E_HOST_BLOCK);
	(void)close(job.bundle_fd);
}

/* --- the kernel's own copy of a device ---------------------------------- */

static int watched = -1, backing = -1;
static int syncs;

/*
 * Found before the C library's.  After the last one, which everything that
 * was written has passed, the medium loses a byte behind the kernel's back.
 */
int
fsync(int fd)
{
	int r = (int)syscall(SYS_fsync, fd);

	if (fd == watched && ++syncs == 3)
		assert_int_equal(fd_pwrite_all(backing, "x", 1, 40 * 512), 0);
	return r;
}

/*
 * A loop device where one can be had: what is compared must come from below
 * it.  Over a plain file, where none can be, there is no copy that differs.
 */
static void
test_cache(void **state)
{
	const struct media_job job = { .name = NAME,
		.bundle_fd = memfd_create("bundle", MFD_CLOEXEC) };
	char path[512], loop[512];
	_cleanup_free_ uint8_t *name = NULL;
	size_t n = 0;

	(void)state;
	assert_int_equal(ftruncate(job.bundle_fd, 3 * MIB), 0);
	make_blank("stick.img", 40 * (off_t)MIB);
	run("sh", "-c",
	    "losetup -f --show stick.img >name 2>/dev/null || "
	    "echo \"$PWD/stick.img\" >name");
	fat_rig_path("name", path);
	assert_int_equal(file_read(AT_FDCWD, path, 500, &name, &n, NULL), 0);
	(void)snprintf(loop, sizeof(loop), "%.*s", (int)n - 1, (char *)name);
	fat_rig_path("stick.img", path);
	backing = open(path, O_RDWR | O_CLOEXEC);
	watched = open(loop, O_RDWR | O_CLOEXEC);
	assert_true(backing >= 0 && watched >= 0);
	/* now, so that it goes with the last who has it open */
	run("sh", "-c",
	    "case $(cat name) in /dev/*) losetup -d $(cat name);; "
	    "esac");
	assert_int_equal(media_put_fd(watched, &job, NULL), CS_E_MEDIA_COMPARE);
	assert_int_equal(syncs, 3);
	/* and without the loss */
	assert_int_equal(media_put_fd(watched, &job, NULL), 0);
	(void)close(watched);
	(void)close(backing);
	(void)close(job.bundle_fd);
}

/* Where what is to be written over is no device at all. */
static void
test_no_device(void **state)
{
	const struct media_consent how = { .sys = sys, .proc = proc };
	const struct media_job job = { .name = NAME };
	struct blockdev b;

	(void)state;
	assert_int_equal(media_write_device("/dev/null", &job, &how, &b, NULL),
	    CS_E_HOST_BLOCK);
	assert_int_equal(media_write_device(sys, &job, &how, &b, NULL),
	    CS_E_HOST_BLOCK);
	assert_int_equal(media_write_device("/no/such", &job, &how, &b, NULL),
	    CS_E_HOST_BLOCK);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_look),
		cmocka_unit_test(test_mounts),
		cmocka_unit_test(test_by_name),
		cmocka_unit_test(test_held),
		cmocka_unit_test(test_confirm),
		cmocka_unit_test(test_typed),
		cmocka_unit_test(test_check_device),
		cmocka_unit_test(test_cache),
		cmocka_unit_test(test_no_device),
	};

	return cmocka_run_group_tests(tests, setup, fat_rig_teardown);
}
