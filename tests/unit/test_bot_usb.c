/* SPDX-License-Identifier: Apache-2.0 */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <linux/usbdevice_fs.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <umockdev.h>

#include "lib/file.h"
#include "lib/sha.h"
#include "tests/lib/media_core.h"
#include "tests/lib/stick.h"
#include "usb-transfer/bundle.h"
#include "usb-transfer/bot_usb.h"
#include "usb-transfer/fatvol.h"

/*
 * The same stick as in test_bot.c, here behind a usbfs that umockdev plays:
 * libusb is the real one, from wrapping the descriptor to its time-outs.
 * Runs itself under umockdev-wrapper; needs no privilege and no USB.
 */
#define MIB  (UINT64_C(1) << 20)
#define NODE "/dev/bus/usb/001/002"
#define IN   0x81
#define OUT  0x02

static uint8_t disk[40 * MIB], buf[2 * MIB];
#define SMALL (2 * MIB) /* of the disk, where size does not matter */
static struct stick stick;
static const struct usb_pipes pipes = { 0, IN, OUT };

static const char device[] =
    "P: /devices/pci0000:00/0000:00:14.0/usb1/1-1\n"
    "N: bus/usb/001/002=12010002000000400907010000000102030109022000010100"
    "803209040000020806500007058102000200070502020002"
    "00\n"
    "E: BUSNUM=001\n"
    "E: DEVNAME=/dev/bus/usb/001/002\n"
    "E: DEVNUM=002\n"
    "E: DEVTYPE=usb_device\n"
    "E: MAJOR=189\n"
    "E: MINOR=1\n"
    "E: SUBSYSTEM=usb\n";

/* --- usbfs -------------------------------------------------------------- */

static struct {
	UMockdevTestbed *bed;
	UMockdevIoctlBase *handler;
	GList *done;		    /* URBs to be reaped */
	UMockdevIoctlData *hanging; /* one that nobody answers */
	unsigned urbs, claims, refuse_claim;
} fs;

static int
urb_status(enum bot_moved m)
{
	switch (m) {
	case BOT_MOVED:
		return 0;
	case BOT_STALLED:
		return -EPIPE;
	case BOT_OVERRUN:
		return -EOVERFLOW;
	default:
		return -EPROTO;
	}
}

/* A class request: the reset of the interface, nothing else. */
static enum bot_moved
class_request(const uint8_t *p, size_t n)
{
	static const uint8_t reset[8] = { 0x21, 0xff, 0, 0, 0, 0, 0, 0 };

	if (n != sizeof(reset) || memcmp(p, reset, n) != 0)
		return BOT_STALLED;
	stick_reset(&stick);
	return BOT_MOVED;
}

static gboolean
submit(UMockdevIoctlClient *c, UMockdevIoctlData *arg)
{
	g_autoptr(UMockdevIoctlData) ud = umockdev_ioctl_data_resolve(arg, 0,
	    sizeof(struct usbdevfs_urb), NULL);
	struct usbdevfs_urb *q = (void *)ud->data;
	g_autoptr(UMockdevIoctlData) bd = umockdev_ioctl_data_resolve(ud,
	    offsetof(struct usbdevfs_urb, buffer), (gsize)q->buffer_length,
	    NULL);
	enum bot_moved m = BOT_BROKEN;
	uint32_t n = 0, len = (uint32_t)q->buffer_length;

	fs.urbs++;
	if (q->type == USBDEVFS_URB_TYPE_CONTROL)
		m = class_request(bd->data, len);
	else if (q->type == USBDEVFS_URB_TYPE_BULK && q->endpoint == IN)
		m = stick_in(&stick, bd->data, len, &n);
	else if (q->type == USBDEVFS_URB_TYPE_BULK && q->endpoint == OUT)
		m = stick_out(&stick, bd->data, len, &n);
	if (m == BOT_GONE) {
		umockdev_ioctl_client_complete(c, -1, ENODEV);
		return TRUE;
	}
	if (m == BOT_TIMED_OUT) {
		fs.hanging = umockdev_ioctl_data_ref(ud);
	} else {
		q->status = urb_status(m);
		q->actual_length = (int)n;
		fs.done = g_list_append(fs.done, umockdev_ioctl_data_ref(ud));
	}
	umockdev_ioctl_client_complete(c, 0, 0);
	return TRUE;
}

static gboolean
reap(UMockdevIoctlClient *c, UMockdevIoctlData *arg)
{
	g_autoptr(UMockdevIoctlData) at = NULL;
	UMockdevIoctlData *urb;

	if (fs.done == NULL) {
		umockdev_ioctl_client_complete(c, -1, EAGAIN);
		return TRUE;
	}
	urb = fs.done->data;
	fs.done = g_list_delete_link(fs.done, fs.done);
	at = umockdev_ioctl_data_resolve(arg, 0, sizeof(gpointer), NULL);
	umockdev_ioctl_data_set_ptr(at, 0, urb);
	umockdev_ioctl_client_complete(c, 0, 0);
	return TRUE;
}

static gboolean
discard(UMockdevIoctlClient *c)
{
	struct usbdevfs_urb *q;

	if (fs.hanging == NULL) {
		umockdev_ioctl_client_complete(c, -1, EINVAL);
		return TRUE;
	}
	q = (void *)fs.hanging->data;
	q->status = -ENOENT;
	q->actual_length = 0;
	fs.done = g_list_append(fs.done, fs.hanging);
	fs.hanging = NULL;
	umockdev_ioctl_client_complete(c, 0, 0);
	return TRUE;
}

static gboolean
clear(UMockdevIoctlClient *c, UMockdevIoctlData *arg)
{
	g_autoptr(UMockdevIoctlData) d =
	    umockdev_ioctl_data_resolve(arg, 0, sizeof(unsigned), NULL);
	unsigned endpoint;

	memcpy(&endpoint, d->data, sizeof(endpoint));
	stick_clear(&stick, endpoint == IN);
	umockdev_ioctl_client_complete(c, 0, 0);
	return TRUE;
}

/* Which configuration is active: the first. */
static gboolean
control(UMockdevIoctlClient *c, UMockdevIoctlData *arg)
{
	g_autoptr(UMockdevIoctlData) cd = umockdev_ioctl_data_resolve(arg, 0,
	    sizeof(struct usbdevfs_ctrltransfer), NULL);
	const struct usbdevfs_ctrltransfer *t = (void *)cd->data;
	g_autoptr(UMockdevIoctlData) out = umockdev_ioctl_data_resolve(cd,
	    offsetof(struct usbdevfs_ctrltransfer, data), t->wLength, NULL);

	if (t->bRequestType != 0x80 || t->bRequest != 8 || t->wLength != 1) {
		umockdev_ioctl_client_complete(c, -1, EPIPE);
		return TRUE;
	}
	out->data[0] = 1;
	umockdev_ioctl_client_complete(c, 1, 0);
	return TRUE;
}

static gboolean
on_ioctl(UMockdevIoctlBase *base, UMockdevIoctlClient *c, gpointer user)
{
	UMockdevIoctlData *arg = umockdev_ioctl_client_get_arg(c);
	g_autoptr(UMockdevIoctlData) d = NULL;

	(void)base;
	(void)user;
	switch (umockdev_ioctl_client_get_request(c)) {
	case USBDEVFS_GET_CAPABILITIES:
		d = umockdev_ioctl_data_resolve(arg, 0, sizeof(guint32), NULL);
		*(guint32 *)(void *)d->data = USBDEVFS_CAP_BULK_SCATTER_GATHER |
		    USBDEVFS_CAP_BULK_CONTINUATION |
		    USBDEVFS_CAP_NO_PACKET_SIZE_LIM |
		    USBDEVFS_CAP_REAP_AFTER_DISCONNECT;
		umockdev_ioctl_client_complete(c, 0, 0);
		return TRUE;
	case USBDEVFS_CONNECTINFO:
		d = umockdev_ioctl_data_resolve(arg, 0,
		    sizeof(struct usbdevfs_connectinfo), NULL);
		*(guint32 *)(void *)d->data = 2; /* devnum */
		umockdev_ioctl_client_complete(c, 0, 0);
		return TRUE;
	case USBDEVFS_CLAIMINTERFACE:
		fs.claims++;
		if (fs.refuse_claim != 0)
			umockdev_ioctl_client_complete(c, -1,
			    (int)fs.refuse_claim);
		else
			umockdev_ioctl_client_complete(c, 0, 0);
		return TRUE;
	case USBDEVFS_RELEASEINTERFACE:
		umockdev_ioctl_client_complete(c, 0, 0);
		return TRUE;
	case USBDEVFS_CONTROL:
		return control(c, arg);
	case USBDEVFS_CLEAR_HALT:
		return clear(c, arg);
	case USBDEVFS_SUBMITURB:
		return submit(c, arg);
	case USBDEVFS_REAPURBNDELAY:
		return reap(c, arg);
	case USBDEVFS_DISCARDURB:
		return discard(c);
	default:
		umockdev_ioctl_client_complete(c, -1, ENOTTY);
		return TRUE;
	}
}

/* --- the tests ---------------------------------------------------------- */

static int
group_setup(void **state)
{
	GError *e = NULL;

	(void)state;
	fs.bed = umockdev_testbed_new();
	if (!umockdev_testbed_add_from_string(fs.bed, device, &e)) {
		print_error("%s\n", e->message);
		return -1;
	}
	fs.handler = umockdev_ioctl_base_new();
	(void)g_signal_connect(fs.handler, "handle-ioctl", G_CALLBACK(on_ioctl),
	    NULL);
	if (!umockdev_testbed_attach_ioctl(fs.bed, NODE, fs.handler, &e)) {
		print_error("%s\n", e->message);
		return -1;
	}
	return 0;
}

static int
group_teardown(void **state)
{
	(void)state;
	g_object_unref(fs.handler);
	g_object_unref(fs.bed);
	return 0;
}

static int
setup(void **state)
{
	size_t i;

	(void)state;
	for (i = 0; i < SMALL; i++)
		disk[i] = (uint8_t)(i / 512 * 13 + i * 7 + 1);
	stick_init(&stick, disk, SMALL);
	memset(buf, 0, sizeof(buf));
	fs.urbs = fs.claims = fs.refuse_claim = 0;
	return 0;
}

struct plug {
	int fd;
	struct bot_usb *usb;
	struct bot bot;
};

static int
plug_in(struct plug *p, struct diag *d)
{
	int r;

	p->usb = NULL;
	p->fd = open(NODE, O_RDWR | O_CLOEXEC);
	assert_true(p->fd >= 0);
	r = bot_usb_new(&p->usb, d);
	if (r == 0)
		r = bot_usb_claim(p->usb, p->fd, &pipes, d);
	return r == 0 ? bot_open(&p->bot, &bot_usb_ops, p->usb, 0, d) : r;
}

static void
pull_out(struct plug *p)
{
	bot_usb_free(&p->usb);
	close_fdp(&p->fd);
}

static void
test_read_all(void **state)
{
	struct diag d = { 0 };
	struct blkdev dev;
	struct plug p;
	int r;

	(void)state;
	stick.attentions = 2;
	r = plug_in(&p, &d);
	if (r != 0)
		fail_msg("%s: %s", err_id(r), d.found);
	assert_string_equal(p.bot.model, "ACME Memory Stick 1.00");
	bot_blkdev(&p.bot, &dev);
	assert_int_equal(dev.blocks * dev.block_size, SMALL);
	assert_int_equal(dev.read_block(dev.arg, 0, (uint32_t)dev.blocks, buf,
			     &d),
	    0);
	assert_memory_equal(buf, disk, SMALL);
	assert_int_equal(stick.count[0x28], SMALL / BOT_MAX_TRANSFER);
	assert_int_equal(fs.claims, 1);
	pull_out(&p);
}

static void
test_write_and_eject(void **state)
{
	struct diag d = { 0 };
	struct blkout out;
	struct plug p;

	(void)state;
	assert_int_equal(plug_in(&p, &d), 0);
	assert_int_equal(bot_blkout(&p.bot, &out, &d), 0);
	memset(buf, 0x77, 200 * 512);
	assert_int_equal(out.write(out.arg, 512, buf, 200 * 512, &d), 0);
	assert_int_equal(out.flush(out.arg, &d), 0);
	assert_memory_equal(buf, disk + 512, 200 * 512);
	assert_int_equal(out.read_back(out.arg, 0, buf, 201 * 512, &d), 0);
	assert_memory_equal(buf, disk, 201 * 512);
	assert_int_equal(out.eject(out.arg, &d), 0);
	assert_true(stick.ejected);
	pull_out(&p);
}

/* Each way a transfer can end, as libusb tells it. */
static void
test_trouble(void **state)
{
	static const struct {
		enum evil evil;
		int code;
	} rows[] = {
		{ EVIL_CBW_STALL_ONCE, 0 },
		{ EVIL_CBW_STALL, CS_E_STICK_STALL },
		{ EVIL_CBW_GONE, CS_E_STICK_GONE },
		{ EVIL_CBW_BROKEN, CS_E_STICK_BROKEN },
		{ EVIL_DATA_STALL, CS_E_STICK_FAILED },
		{ EVIL_DATA_STALL_GOOD, CS_E_STICK_RESIDUE },
		{ EVIL_DATA_GONE, CS_E_STICK_GONE },
		{ EVIL_DATA_LONG, CS_E_STICK_LONG },
		{ EVIL_DATA_SHORT, CS_E_STICK_SHORT },
		{ EVIL_DATA_PADDED, CS_E_STICK_SHORT },
		{ EVIL_CSW_STALL_ONCE, 0 },
		{ EVIL_CSW_STALL, CS_E_STICK_STALL },
		{ EVIL_CSW_NOTHING_ONCE, 0 },
		{ EVIL_CSW_GONE, CS_E_STICK_GONE },
		{ EVIL_CSW_SHORT, CS_E_STICK_STATUS },
		{ EVIL_CSW_LONG, CS_E_STICK_LONG },
		{ EVIL_CSW_SIGNATURE, CS_E_STICK_STATUS },
		{ EVIL_CSW_TAG, CS_E_STICK_TAG },
		{ EVIL_CSW_PHASE, CS_E_STICK_PHASE },
		{ EVIL_CSW_FAILED, CS_E_STICK_FAILED },
	};
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_LEN(rows); i++) {
		struct diag d = { 0 };
		struct blkdev dev;
		struct plug p;
		int r;

		setup(NULL);
		assert_int_equal(plug_in(&p, &d), 0);
		bot_blkdev(&p.bot, &dev);
		stick.evil = rows[i].evil;
		stick.evil_op = 0x28;
		r = dev.read_block(dev.arg, 0, 128, buf, &d);
		if (r != rows[i].code)
			fail_msg("evil %d: %s %s", (int)rows[i].evil, err_id(r),
			    d.found);
		if (r == 0)
			assert_memory_equal(buf, disk, 65536);
		/* the next stick works */
		pull_out(&p);
	}
}

/* No answer at all: libusb's own clock ends it, and the URB is taken back. */
static void
test_hangs(void **state)
{
	static const enum evil how[] = { EVIL_CBW_HANG, EVIL_DATA_HANG,
		EVIL_CSW_HANG };
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_LEN(how); i++) {
		struct bot_cmd c = { .cdb = { 0x28, [8] = 1 },
			.cdb_len = 10,
			.buf = buf,
			.len = 512,
			.exact = true,
			.ms = 50 };
		struct diag d = { 0 };
		struct plug p;

		setup(NULL);
		assert_int_equal(plug_in(&p, &d), 0);
		stick.evil = how[i];
		stick.evil_op = 0x28;
		assert_int_equal(bot_run(&p.bot, &c, NULL, &d),
		    CS_E_STICK_TIMEOUT);
		assert_null(fs.hanging);
		pull_out(&p);
	}
}

static void
test_claim(void **state)
{
	struct diag d = { 0 };
	struct plug p;

	(void)state;
	fs.refuse_claim = EBUSY;
	assert_int_equal(plug_in(&p, &d), CS_E_STICK_CLAIM);
	pull_out(&p);
	fs.refuse_claim = ENODEV;
	assert_int_equal(plug_in(&p, &d), CS_E_STICK_GONE);
	pull_out(&p);
}

/* --- the programs as they are ------------------------------------------- */

static void
start(struct media_child *c, const char *program)
{
	const char *bin = getenv("CS_BIN"), *tests = getenv("CS_TESTS");
	char path[512], preload[600], bed[300],
	    *env[] = { preload, bed, (char *)(uintptr_t) "CS_STICK=" NODE,
		    (char *)(uintptr_t) "ASAN_OPTIONS=verify_asan_link_order=0",
		    NULL };
	const char *root = umockdev_testbed_get_root_dir(fs.bed);

	(void)snprintf(path, sizeof(path), "%s/%s",
	    bin != NULL ? bin : "build/bin", program);
	(void)snprintf(preload, sizeof(preload),
	    "LD_PRELOAD=libumockdev-preload.so.0:%s/fake_stick.so",
	    tests != NULL ? tests : "build/tests");
	(void)snprintf(bed, sizeof(bed), "UMOCKDEV_DIR=%s", root);
	assert_int_equal(media_start(c, path, 0, "usb=0,81,02", env), 0);
}

static int
read_bundle(void *arg, uint64_t off, void *p, size_t n, struct diag *d)
{
	return bundle_writer_read(arg, off, p, n, d);
}

/* A stick with COLDSEAL.REQ: two documents, an artifact of 3,000,000 bytes. */
static void
make_request(char sha256[65])
{
	_cleanup_free_ uint8_t *artifact = malloc(3000000);
	_cleanup_fd_ int fd = memfd_create("image", MFD_CLOEXEC);
	struct bundle_writer *w = NULL;
	struct fatvol_file f = { "COLDSEAL.REQ", 0, read_bundle, NULL };
	char name[101];
	size_t i;

	assert_non_null(artifact);
	for (i = 0; i < 3000000; i++)
		artifact[i] = (uint8_t)(i * i + i / 777);
	assert_int_equal(sha256_hex(artifact, 3000000, sha256), 0);
	(void)snprintf(name, sizeof(name), "artifacts/%s", sha256);
	assert_int_equal(bundle_writer_new(BUNDLE_REQUEST, &w), 0);
	assert_int_equal(bundle_writer_add(w, "request.dsse", "{}", 2, NULL),
	    0);
	assert_int_equal(bundle_writer_add(w, name, artifact, 3000000, NULL),
	    0);
	assert_int_equal(bundle_writer_finish(w, NULL), 0);
	f.size = bundle_writer_size(w);
	f.arg = w;
	assert_int_equal(ftruncate(fd, sizeof(disk)), 0);
	assert_int_equal(fatvol_write(fd, sizeof(disk), &f, 1, NULL, NULL), 0);
	assert_int_equal(fd_pread_all(fd, disk, sizeof(disk), 0), 0);
	bundle_writer_free(&w);
	stick_init(&stick, disk, sizeof(disk));
}

static void
test_intake(void **state)
{
	struct diag d = { 0 };
	struct media_taken t;
	struct media_child c;
	char sha256[65];
	int r;

	(void)state;
	make_request(sha256);
	stick.attentions = 1;
	start(&c, "coldseal-intake");
	r = media_take(&c, &t, &d);
	if (r != 0)
		fail_msg("%s: %s; status %d", err_id(r), d.found,
		    media_end(&c));
	assert_int_equal(media_end(&c), CS_EXIT_OK);
	assert_int_equal(t.docs, 2); /* type, request.dsse */
	assert_int_equal(t.artifacts, 1);
	assert_int_equal(t.bytes, 3000000);
	assert_string_equal(t.sha256, sha256);
	assert_string_equal(t.type, "request");
	/* the IN stick is never written, nor told to do anything but read */
	assert_int_equal(stick.count[0x2a] + stick.count[0x35] +
		stick.count[0x1b],
	    0);
}

static void
test_intake_refuses(void **state)
{
	static const struct {
		enum evil evil;
		unsigned after;
		int code;
	} rows[] = {
		{ EVIL_CSW_TAG, 0, CS_E_STICK_TAG },
		{ EVIL_DATA_GONE, 10, CS_E_STICK_GONE },
		{ EVIL_CSW_FAILED, 20, CS_E_STICK_FAILED },
		{ EVIL_DATA_OTHER, 30, CS_E_BUNDLE_HASH },
	};
	struct diag d = { 0 };
	struct media_taken t;
	struct media_child c;
	char sha256[65];
	size_t i;
	int r;

	(void)state;
	for (i = 0; i < ARRAY_LEN(rows); i++) {
		make_request(sha256);
		stick.evil = rows[i].evil;
		stick.evil_op = 0x28;
		stick.evil_after = rows[i].after;
		stick.evil_times = 1;
		start(&c, "coldseal-intake");
		r = media_take(&c, &t, &d);
		if (r != rows[i].code)
			fail_msg("row %zu: %s (%s)", i, err_id(r), d.found);
		assert_int_equal(media_end(&c), CS_EXIT_REFUSED);
	}
}

static void
test_export(void **state)
{
	struct diag d = { 0 };
	struct media_target g;
	struct media_child c;
	struct media_put p;
	int r;

	(void)state;
	memset(disk, 0xe5, sizeof(disk));
	stick_init(&stick, disk, sizeof(disk));
	start(&c, "coldseal-export");
	r = media_offer(&c, "record", 6, &g, &d);
	if (r != 0)
		fail_msg("%s: %s; status %d", err_id(r), d.found,
		    media_end(&c));
	assert_true(g.must_ask);
	assert_string_equal(g.model, "ACME Memory Stick 1.00");
	assert_string_equal(g.seems, "bytes of no known kind");
	assert_int_equal(g.bytes, sizeof(disk));
	/* nobody said GO */
	assert_int_equal(media_end(&c), CS_EXIT_REFUSED);
	assert_int_equal(stick.count[0x2a], 0);
	start(&c, "coldseal-export");
	assert_int_equal(media_offer(&c, "record", 6, &g, &d), 0);
	assert_int_equal(media_go(&c, &p, &d), 0);
	assert_int_equal(media_end(&c), CS_EXIT_OK);
	assert_true(p.size > 0);
	assert_true(stick.ejected);
	/* a real stick is asked for whatever it holds */
	stick.ejected = false;
	start(&c, "coldseal-export");
	assert_int_equal(media_offer(&c, "record", 6, &g, &d), 0);
	assert_true(g.must_ask);
	assert_string_equal(g.seems, "an earlier export");
	assert_int_equal(media_end(&c), CS_EXIT_REFUSED);
}

static void
test_export_refuses(void **state)
{
	struct diag d = { 0 };
	struct media_target g;
	struct media_child c;
	struct media_put p;

	(void)state;
	memset(disk, 0, sizeof(disk));
	stick_init(&stick, disk, sizeof(disk));
	stick.write_protected = true;
	start(&c, "coldseal-export");
	assert_int_equal(media_offer(&c, "record", 6, &g, &d),
	    CS_E_STICK_PROTECTED);
	assert_int_equal(media_end(&c), CS_EXIT_REFUSED);
	/* what is read back differs */
	stick_init(&stick, disk, sizeof(disk));
	start(&c, "coldseal-export");
	assert_int_equal(media_offer(&c, "record", 6, &g, &d), 0);
	assert_string_equal(g.seems, "nothing");
	stick.evil = EVIL_DATA_OTHER;
	stick.evil_op = 0x28;
	assert_int_equal(media_go(&c, &p, &d), CS_E_MEDIA_COMPARE);
	assert_int_equal(media_end(&c), CS_EXIT_REFUSED);
	assert_false(stick.ejected);
}

/* The preloaded library must be there before anything is opened. */
static void
run_wrapped(char **argv)
{
	char *const again[] = { (char *)(uintptr_t) "umockdev-wrapper", argv[0],
		NULL };
	const char *now = getenv("LD_PRELOAD");

	if (now != NULL && strstr(now, "umockdev") != NULL)
		return;
	/* umockdev's is before the sanitizer's, and loses strings of GLib's */
	(void)setenv("ASAN_OPTIONS", "verify_asan_link_order=0:detect_leaks=0",
	    1);
	(void)execvp(again[0], again);
	perror(again[0]);
	exit(1);
}

int
main(int argc, char **argv)
{
#define TEST(f) cmocka_unit_test_setup(f, setup)
	const struct CMUnitTest tests[] = {
		TEST(test_read_all),
		TEST(test_write_and_eject),
		TEST(test_trouble),
		TEST(test_hangs),
		TEST(test_claim),
		TEST(test_intake),
		TEST(test_intake_refuses),
		TEST(test_export),
		TEST(test_export_refuses),
	};

	(void)argc;
	run_wrapped(argv);
	return cmocka_run_group_tests(tests, group_setup, group_teardown);
}
