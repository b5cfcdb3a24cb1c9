/* SPDX-License-Identifier: Apache-2.0 */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <linux/landlock.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>

#include "lib/proto.h"
#include "tests/lib/usb_shapes.h"
#include "tests/lib/usb_tree.h"
#include "usb-transfer/usbdesc.h"

/*
 * coldseal-usb as it is, in its sandbox, over a folder of files; the test
 * plays the supervisor and the kernel.
 */
static const struct usb_device stick = { "1-1", 1, 5, "480", usb_stick_high,
	"SanDisk\n", "Cruzer Blade\n", "4C53\n" };
static const struct usb_device reader = { "1-3", 1, 7, "12", usb_token,
	"Yubico\n", "YubiKey\n", NULL };

struct port {
	uint8_t use;
	const char *name;
	uint16_t vendor, product;
};
static const struct port ports[] = {
	{ USB_USE_IN, "1-1", 0, 0 },
	{ USB_USE_IN, "2-1", 0, 0 },
	{ USB_USE_OUT, "1-2", 0, 0 },
	{ USB_USE_READER, "1-3", 0x1050, 0x0407 },
	{ USB_USE_READER, "1-4", 0x076b, 0x3031 },
};

static struct usb_tree t;

static int
setup(void **state)
{
	(void)state;
	usb_tree_make(&t);
	return 0;
}

static int
teardown(void **state)
{
	(void)state;
	usb_tree_remove(&t);
	return 0;
}

static void
put_rules(struct buf *b, const struct port *v, size_t n)
{
	size_t i;

	assert_int_equal(buf_put_u32(b, (uint32_t)n), 0);
	for (i = 0; i < n; i++) {
		assert_int_equal(buf_put_u8(b, v[i].use), 0);
		assert_int_equal(buf_put_cstr(b, v[i].name), 0);
		assert_int_equal(buf_put_u16(b, v[i].vendor), 0);
		assert_int_equal(buf_put_u16(b, v[i].product), 0);
	}
}

/* The code of an answer that is a refusal, 0 if it is of that type. */
static int
result(const struct ipc_msg *m, uint16_t type, struct diag *d)
{
	struct rd rd = RD_INIT(m->body.p, m->body.len);

	if (m->type == type)
		return 0;
	assert_int_equal(m->type, USB_FAIL);
	assert_int_equal(ipc_get_diag(&rd, d), 0);
	assert_int_equal(rd_end(&rd), 0);
	return d->code;
}

static int
simple(uint16_t type)
{
	_cleanup_msg_ struct ipc_msg m = IPC_MSG_INIT;
	struct diag d;

	usb_broker_ask(&t, type, NULL, &m);
	return result(&m, USB_READY, &d);
}

static void
start(void)
{
	_cleanup_msg_ struct ipc_msg m = IPC_MSG_INIT;
	struct buf b = BUF_INIT(4096);

	usb_broker_start(&t);
	put_rules(&b, ports, ARRAY_LEN(ports));
	usb_broker_ask(&t, USB_RULES, &b, &m);
	assert_int_equal(m.type, USB_READY);
	buf_done(&b);
}

struct seen {
	char text[1100];
	uint8_t good;
	struct diag why;
};

static void
look_send(uint8_t use, uint32_t ms)
{
	struct buf b = BUF_INIT(16);

	assert_int_equal(buf_put_u8(&b, use), 0);
	assert_int_equal(buf_put_u32(&b, ms), 0);
	usb_broker_send(&t, USB_LOOK, &b);
	buf_done(&b);
}

static int
look_recv(struct seen *s)
{
	_cleanup_msg_ struct ipc_msg m = IPC_MSG_INIT;
	struct rd rd;
	int r;

	*s = (struct seen){ 0 };
	assert_int_equal(usb_broker_recv(&t, &m), 0);
	r = result(&m, USB_SEEN, &s->why);
	if (r != 0)
		return r;
	rd = (struct rd)RD_INIT(m.body.p, m.body.len);
	assert_int_equal(rd_cstr_into(&rd, s->text, sizeof(s->text)), 0);
	assert_int_equal(rd_u8(&rd, &s->good), 0);
	if (s->good == 0)
		assert_int_equal(ipc_get_diag(&rd, &s->why), 0);
	assert_int_equal(rd_end(&rd), 0);
	return s->why.code;
}

static int
look(uint8_t use, struct seen *s)
{
	look_send(use, 0);
	return look_recv(s);
}

static int
open_stick(struct ipc_msg *m, struct diag *d)
{
	usb_broker_ask(&t, USB_OPEN, NULL, m);
	return result(m, USB_OPENED, d);
}

static const char *
get(const char *path)
{
	return usb_tree_get(&t, path);
}

/* Before it reads what a device says, it is in its sandbox. */
static void
test_sandboxed(void **state)
{
	char path[64], line[256];
	int filters = 0;
	FILE *f;

	(void)state;
	start();
	(void)snprintf(path, sizeof(path), "/proc/%d/status", (int)t.pid);
	f = fopen(path, "r");
	assert_non_null(f);
	while (fgets(line, sizeof(line), f) != NULL)
		if (strcmp(line, "Seccomp:\t2\n") == 0 ||
		    strcmp(line, "NoNewPrivs:\t1\n") == 0)
			filters++;
	(void)fclose(f);
	assert_int_equal(filters, 2);
	assert_int_equal(usb_broker_end(&t), 0);
}

static void
test_start_switches_off(void **state)
{
	(void)state;
	usb_tree_plug(&t, &stick);
	usb_tree_puts(&t, "sys/1-1/authorized", "1\n");
	start();
	assert_string_equal(get("sys/usb1/authorized_default"), "0");
	assert_string_equal(get("sys/usb2/authorized_default"), "0");
	assert_string_equal(get("sys/usb1/interface_authorized_default"), "0");
	assert_string_equal(get("sys/usb2/interface_authorized_default"), "0");
	assert_string_equal(get("sys/1-1/authorized"), "0");
	assert_int_equal(usb_broker_end(&t), 0);
	assert_string_equal(t.said, "0");
}

static void
test_good_stick(void **state)
{
	_cleanup_msg_ struct ipc_msg m = IPC_MSG_INIT;
	struct rd rd;
	struct seen s;
	struct diag d;
	uint8_t iface, in, out, bytes[64];
	uint16_t packet;
	uint32_t speed;

	(void)state;
	usb_tree_plug(&t, &stick);
	start();
	assert_int_equal(look(USB_USE_IN, &s), 0);
	assert_string_equal(s.text,
	    "0781:5567 \"SanDisk\" \"Cruzer Blade\" serial \"4C53\" in port "
	    "1-1 at 480 Mbit/s");
	assert_int_equal(s.good, 1);
	/* nothing is on before it is opened */
	assert_string_equal(get("sys/1-1/authorized"), "0");
	assert_int_equal(open_stick(&m, &d), 0);
	assert_string_equal(t.said, "ain");
	rd = (struct rd)RD_INIT(m.body.p, m.body.len);
	assert_int_equal(rd_u8(&rd, &iface), 0);
	assert_int_equal(rd_u8(&rd, &in), 0);
	assert_int_equal(rd_u8(&rd, &out), 0);
	assert_int_equal(rd_u16(&rd, &packet), 0);
	assert_int_equal(rd_u32(&rd, &speed), 0);
	assert_int_equal(rd_end(&rd), 0);
	assert_int_equal(iface, 0);
	assert_int_equal(in, 0x81);
	assert_int_equal(out, 0x02);
	assert_int_equal(packet, 512);
	assert_int_equal(speed, 480);
	assert_int_equal(pread(m.fd, bytes, sizeof(bytes), 0), 50);
	assert_string_equal(get("sys/1-1/authorized"), "1");
	assert_string_equal(get("sys/1-1/1-1:1.0/authorized"), "1");
	assert_string_equal(get("sys/1-1/1-1:1.1/authorized"), "0");
	assert_int_equal(simple(USB_CLOSE), 0);
	assert_string_equal(get("sys/1-1/authorized"), "0");
	assert_int_equal(usb_broker_end(&t), 0);
	assert_string_equal(t.said, "ain0");
}

/* Each speed's shape, in the port of either name. */
static void
test_all_sticks(void **state)
{
	struct usb_device v = stick;
	char speed[16];
	struct seen s;
	size_t i;

	(void)state;
	start();
	for (i = 0; i < usb_nsticks; i++) {
		_cleanup_msg_ struct ipc_msg m = IPC_MSG_INIT;
		struct diag d;

		(void)snprintf(speed, sizeof(speed), "%u", usb_sticks[i].speed);
		v.speed = speed;
		v.hex = usb_sticks[i].hex;
		v.port = usb_sticks[i].speed >= 5000 ? "2-1" : "1-1";
		v.bus = usb_sticks[i].speed >= 5000 ? 2 : 1;
		v.device = (unsigned int)i + 2;
		usb_tree_plug(&t, &v);
		if (look(USB_USE_IN, &s) != 0 || open_stick(&m, &d) != 0)
			fail_msg("%s", usb_sticks[i].name);
		usb_tree_pull(&t, v.port);
	}
	assert_int_equal(usb_broker_end(&t), 0);
}

static void
test_refused(void **state)
{
	static const struct {
		const char *hex, *speed;
		int want;
	} rows[] = {
		{ usb_composite, "480", CS_E_USB_COMPOSITE },
		{ usb_hub, "480", CS_E_USB_HUB },
		{ usb_keyboard, "12", CS_E_USB_CLASS },
		{ usb_keyboard, "1.5", CS_E_USB_CLASS },
		{ usb_uas, "5000", CS_E_USB_UAS },
		{ usb_reader, "12", CS_E_USB_CLASS },
		{ usb_stick_high, "5000", CS_E_USB_ENDPOINTS },
		{ "12 01 00", "480", CS_E_USB_DESC_SHORT },
		{ "", "480", CS_E_USB_DESC_SHORT },
	};
	struct usb_device v = stick;
	struct seen s;
	size_t i;

	(void)state;
	start();
	for (i = 0; i < ARRAY_LEN(rows); i++) {
		v.hex = rows[i].hex;
		v.speed = rows[i].speed;
		usb_tree_plug(&t, &v);
		assert_int_equal(look(USB_USE_IN, &s), rows[i].want);
		assert_int_equal(s.good, 0);
		assert_string_equal(get("sys/1-1/authorized"), "0");
		usb_tree_pull(&t, "1-1");
	}
	assert_int_equal(usb_broker_end(&t), 0);
	assert_string_equal(t.said, "");
}

/* One that was refused cannot be opened: the question itself is a fault. */
static void
test_refused_stays_off(void **state)
{
	_cleanup_msg_ struct ipc_msg m = IPC_MSG_INIT;
	struct usb_device v = stick;
	struct seen s;
	struct diag d;

	(void)state;
	v.hex = usb_composite;
	usb_tree_plug(&t, &v);
	start();
	assert_int_equal(look(USB_USE_IN, &s), CS_E_USB_COMPOSITE);
	assert_int_equal(open_stick(&m, &d), CS_E_IPC);
	assert_int_equal(usb_broker_end(&t), 0);
	assert_string_equal(t.said, "");
}

static void
test_ports(void **state)
{
	struct usb_device v = stick;
	struct seen s;

	(void)state;
	start();
	assert_int_equal(look(USB_USE_IN, &s), CS_E_NO_MEDIUM);
	/* a stick in a socket that has no name is not looked at */
	v.port = "1-9";
	usb_tree_plug(&t, &v);
	assert_int_equal(look(USB_USE_IN, &s), CS_E_NO_MEDIUM);
	v.port = "1-2";
	usb_tree_plug(&t, &v);
	assert_int_equal(look(USB_USE_IN, &s), CS_E_NO_MEDIUM);
	assert_int_equal(look(USB_USE_OUT, &s), 0);
	v.port = "1-1";
	usb_tree_plug(&t, &v);
	assert_int_equal(look(USB_USE_IN, &s), 0);
	v.port = "2-1";
	usb_tree_plug(&t, &v);
	assert_int_equal(look(USB_USE_IN, &s), CS_E_USB_TWO);
	assert_int_equal(usb_broker_end(&t), 0);
}

static void
test_wait(void **state)
{
	struct usb_device v = stick;
	struct seen s;

	(void)state;
	start();
	look_send(USB_USE_IN, 60000);
	usb_tree_plug(&t, &stick);
	assert_int_equal(look_recv(&s), 0);
	usb_tree_pull(&t, "1-1");
	/* a serial number is promised and comes last */
	v.serial = NULL;
	usb_tree_plug(&t, &v);
	look_send(USB_USE_IN, 60000);
	usb_tree_puts(&t, "sys/1-1/serial", "LATE\n");
	assert_int_equal(look_recv(&s), 0);
	assert_non_null(strstr(s.text, "serial \"LATE\""));
	/* the socket ends the wait */
	usb_tree_pull(&t, "1-1");
	look_send(USB_USE_IN, 60000);
	assert_int_equal(usb_broker_end(&t), 0);
}

static void
test_strings(void **state)
{
	struct usb_device v = stick;
	char longest[200];
	struct seen s;

	(void)state;
	start();
	memset(longest, 'a', sizeof(longest) - 1);
	longest[sizeof(longest) - 1] = '\0';
	v.maker = "\033[2J\"quoted\\\xc3\xa9\n";
	v.product = longest;
	v.serial = "\n";
	usb_tree_plug(&t, &v);
	assert_int_equal(look(USB_USE_IN, &s), 0);
	assert_string_equal(s.text,
	    "0781:5567 \"\\x1b[2J\\x22quoted\\x5c\\xc3\\xa9\" "
	    "\"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
	    "..\" in port 1-1 at 480 Mbit/s");
	usb_tree_pull(&t, "1-1");
	memset(longest, '\001', sizeof(longest) - 1);
	v.maker = v.serial = v.product;
	usb_tree_plug(&t, &v);
	assert_int_equal(look(USB_USE_IN, &s), 0);
	assert_true(strlen(s.text) < 1000);
	assert_non_null(strstr(s.text, "\\x01..\" in port 1-1"));
	assert_int_equal(usb_broker_end(&t), 0);
}

/* sysfs is not as it must be: a device half way in or out. */
static void
test_half_there(void **state)
{
	static const struct {
		const char *file, *text;
	} rows[] = {
		{ "busnum", "" },
		{ "busnum", "0\n" },
		{ "busnum", "1x\n" },
		{ "devnum", "05\n" },
		{ "devnum", "-5\n" },
		{ "devnum", "99999999999999999999\n" },
		{ "devpath", "1.2\n" },
		{ "speed", "\n" },
		{ "speed", "fast\n" },
		{ "dev", "189\n" },
		{ "dev", "189:x\n" },
		{ "dev", "x:1\n" },
		{ "dev", "189:12345678901234567890\n" },
	};
	char path[64];
	struct seen s;
	size_t i;

	(void)state;
	start();
	for (i = 0; i < ARRAY_LEN(rows); i++) {
		usb_tree_plug(&t, &stick);
		(void)snprintf(path, sizeof(path), "sys/1-1/%s", rows[i].file);
		usb_tree_puts(&t, path, rows[i].text);
		if (look(USB_USE_IN, &s) != CS_E_USB_GONE)
			fail_msg("%s is %s", rows[i].file, rows[i].text);
		usb_tree_pull(&t, "1-1");
	}
	assert_int_equal(usb_broker_end(&t), 0);
}

static void
test_too_much(void **state)
{
	static uint8_t bytes[USBDESC_MAX + 1];
	struct seen s;

	(void)state;
	(void)usb_bytes(usb_stick_high, bytes, sizeof(bytes));
	usb_tree_plug(&t, &stick);
	usb_tree_put(&t, "sys/1-1/descriptors", bytes, sizeof(bytes));
	start();
	assert_int_equal(look(USB_USE_IN, &s), CS_E_TOO_LARGE);
	assert_int_equal(usb_broker_end(&t), 0);
}

/* As in sysfs, where the folder of devices has links: "to" is where it is. */
static int
look_linked(const char *to)
{
	char from[300], path[300], target[64];
	struct seen s;
	int r;

	usb_tree_plug(&t, &stick);
	(void)snprintf(from, sizeof(from), "%s/sys/1-1", t.dir);
	(void)snprintf(path, sizeof(path), "%s/%s", t.dir, to);
	(void)snprintf(target, sizeof(target), "../%s", to);
	assert_int_equal(rename(from, path), 0);
	assert_int_equal(symlink(target, from), 0);
	r = look(USB_USE_IN, &s);
	assert_int_equal(unlink(from), 0);
	return r;
}

static void
test_links(void **state)
{
	(void)state;
	start();
	assert_int_equal(look_linked("dev/linked"), 0);
	/* what leads out of its folders is not read, where the kernel can */
	assert_int_equal(look_linked("linked"),
	    syscall(SYS_landlock_create_ruleset, NULL, 0,
		LANDLOCK_CREATE_RULESET_VERSION) > 0 ?
		CS_E_USB_GONE :
		0);
	assert_int_equal(usb_broker_end(&t), 0);
}

/* --- a device that changes ---------------------------------------------- */

static void
replace(struct usb_tree *x)
{
	usb_tree_pull(x, "1-1");
	usb_tree_plug(x, &stick);
}

static void
replace_by_next(struct usb_tree *x)
{
	struct usb_device v = stick;

	v.device = 6;
	usb_tree_pull(x, "1-1");
	usb_tree_plug(x, &v);
}

static void
vanish(struct usb_tree *x)
{
	usb_tree_pull(x, "1-1");
}

static void
say_more(struct usb_tree *x)
{
	uint8_t b[256];
	size_t n = usb_bytes(usb_composite, b, sizeof(b));

	usb_tree_put(x, "sys/1-1/descriptors", b, n);
	usb_tree_put(x, "dev/001/005", b, n);
}

static void
put_longer(struct usb_tree *x, const char *path)
{
	uint8_t b[64] = { 0 };
	size_t n = usb_bytes(usb_stick_high, b, sizeof(b));

	usb_tree_put(x, path, b, n + 1);
}

static void
say_longer(struct usb_tree *x)
{
	put_longer(x, "sys/1-1/descriptors");
}

static void
node_is_longer(struct usb_tree *x)
{
	put_longer(x, "dev/001/005");
}

static void
put_another_byte(struct usb_tree *x, const char *path)
{
	uint8_t b[64];
	size_t n = usb_bytes(usb_stick_high, b, sizeof(b));

	b[n - 1] ^= 1;
	usb_tree_put(x, path, b, n);
}

static void
say_another_byte(struct usb_tree *x)
{
	put_another_byte(x, "sys/1-1/descriptors");
}

static void
node_has_another_byte(struct usb_tree *x)
{
	put_another_byte(x, "dev/001/005");
}

static void
move_bus(struct usb_tree *x)
{
	usb_tree_puts(x, "sys/1-1/busnum", "2\n");
}

static void
say_another_product(struct usb_tree *x)
{
	uint8_t b[64];
	size_t n = usb_bytes(usb_stick_high, b, sizeof(b));

	b[10] ^= 1;
	usb_tree_put(x, "sys/1-1/descriptors", b, n);
	usb_tree_put(x, "dev/001/005", b, n);
}

static void
move_number(struct usb_tree *x)
{
	usb_tree_puts(x, "sys/1-1/devnum", "6\n");
}

static void
slow_down(struct usb_tree *x)
{
	usb_tree_puts(x, "sys/1-1/speed", "12\n");
}

static void
another_node(struct usb_tree *x)
{
	usb_tree_puts(x, "sys/1-1/dev", "189:9\n");
}

static void
node_says_more(struct usb_tree *x)
{
	uint8_t b[256];

	usb_tree_put(x, "dev/001/005", b,
	    usb_bytes(usb_composite, b, sizeof(b)));
}

static void
node_says_less(struct usb_tree *x)
{
	usb_tree_put(x, "dev/001/005", "", 0);
}

static void
node_is_a_file(struct usb_tree *x)
{
	char path[300];

	(void)snprintf(path, sizeof(path), "%s/dev/001/005", x->dir);
	assert_int_equal(chmod(path, 0700), 0); /* see fake_usbfs.c */
}

static void
node_is_a_link(struct usb_tree *x)
{
	char path[300], to[300];

	(void)snprintf(path, sizeof(path), "%s/dev/001/005", x->dir);
	(void)snprintf(to, sizeof(to), "%s/dev/001/006", x->dir);
	assert_int_equal(rename(path, to), 0);
	assert_int_equal(symlink("006", path), 0);
}

static void
no_node(struct usb_tree *x)
{
	char path[300];

	(void)snprintf(path, sizeof(path), "%s/dev/001/005", x->dir);
	assert_int_equal(unlink(path), 0);
}

static void
stay_off(struct usb_tree *x)
{
	usb_tree_puts(x, "sys/1-1/authorized", "0\n");
}

static void
no_interface(struct usb_tree *x)
{
	char path[300];

	(void)snprintf(path, sizeof(path), "%s/sys/1-1/1-1:1.0/authorized",
	    x->dir);
	assert_int_equal(unlink(path), 0);
}

static const struct change {
	const char *name;
	char at; /* 'b': between look and open; else after that letter */
	void (*make)(struct usb_tree *x);
	int want;
} changes[] = {
	{ "replaced by the same", 'b', replace, CS_E_USB_SWAPPED },
	{ "replaced by the same", 'a', replace, CS_E_USB_SWAPPED },
	{ "replaced by the same", 'i', replace, CS_E_USB_SWAPPED },
	{ "replaced by the same", 'n', replace, CS_E_USB_SWAPPED },
	{ "replaced, next number", 'b', replace_by_next, CS_E_USB_SWAPPED },
	{ "replaced, next number", 'i', replace_by_next, CS_E_USB_SWAPPED },
	{ "gone", 'b', vanish, CS_E_USB_GONE },
	{ "gone", 'a', vanish, CS_E_USB_GONE },
	{ "gone", 'i', vanish, CS_E_USB_GONE },
	{ "gone", 'n', vanish, CS_E_USB_GONE },
	{ "says more", 'b', say_more, CS_E_USB_SWAPPED },
	{ "says more", 'a', say_more, CS_E_USB_SWAPPED },
	{ "says more", 'i', say_more, CS_E_USB_SWAPPED },
	{ "says more", 'n', say_more, CS_E_USB_SWAPPED },
	{ "another product", 'b', say_another_product, CS_E_USB_SWAPPED },
	{ "another product", 'a', say_another_product, CS_E_USB_SWAPPED },
	{ "says a byte more", 'b', say_longer, CS_E_USB_SWAPPED },
	{ "says another byte", 'b', say_another_byte, CS_E_USB_SWAPPED },
	{ "another bus", 'b', move_bus, CS_E_USB_SWAPPED },
	{ "another number", 'b', move_number, CS_E_USB_SWAPPED },
	{ "another number", 'a', move_number, CS_E_USB_SWAPPED },
	{ "another speed", 'a', slow_down, CS_E_USB_SWAPPED },
	{ "another node", 'b', another_node, CS_E_USB_SWAPPED },
	{ "another node", 'a', another_node, CS_E_USB_SWAPPED },
	{ "its node says more", 'i', node_says_more, CS_E_USB_SWAPPED },
	{ "its node says a byte more", 'i', node_is_longer, CS_E_USB_SWAPPED },
	{ "its node says another byte", 'i', node_has_another_byte,
	    CS_E_USB_SWAPPED },
	{ "its node says nothing", 'i', node_says_less, CS_E_USB_SWAPPED },
	{ "its node is a file", 'i', node_is_a_file, CS_E_USB_NODE },
	{ "its node is a link", 'i', node_is_a_link, CS_E_USB_NODE },
	{ "its node is missing", 'i', no_node, CS_E_USB_NODE },
	{ "stays off", 'a', stay_off, CS_E_USB_AUTHORIZE },
	{ "has no interface", 'a', no_interface, CS_E_USB_AUTHORIZE },
};
static const struct change *change;

static void
at_letter(struct usb_tree *x, char letter)
{
	if (letter == change->at)
		change->make(x);
}

static void
check_change(void)
{
	_cleanup_msg_ struct ipc_msg m = IPC_MSG_INIT;
	struct stat before, after;
	char path[300];
	struct seen s;
	struct diag d;
	size_t n;
	int r;

	usb_tree_plug(&t, &stick);
	(void)snprintf(path, sizeof(path), "%s/sys/1-1", t.dir);
	assert_int_equal(stat(path, &before), 0);
	assert_int_equal(look(USB_USE_IN, &s), 0);
	if (change->at == 'b')
		change->make(&t);
	t.at = at_letter;
	t.said[0] = '\0';
	r = open_stick(&m, &d);
	t.at = NULL;
	if (r != change->want)
		fail_msg("%s at '%c': %s", change->name, change->at, err_id(r));
	assert_int_equal(m.fd, -1);
	/* what was switched on is off again, and nothing else was touched */
	n = strlen(t.said);
	if (n == 0 || t.said[n - 1] != '0' ||
	    /* and no further than it had to go */
	    (change->at == 'b' && strchr(t.said, 'a') != NULL) ||
	    (change->at != 'n' && strncmp(change->name, "its node", 8) != 0 &&
		strchr(t.said, 'n') != NULL))
		fail_msg("%s at '%c' said %s", change->name, change->at,
		    t.said);
	if (stat(path, &after) == 0) {
		assert_string_equal(get("sys/1-1/authorized"), "0");
		usb_tree_pull(&t, "1-1");
	}
}

static void
test_changes(void **state)
{
	size_t i;

	(void)state;
	start();
	for (i = 0; i < ARRAY_LEN(changes); i++) {
		change = &changes[i];
		check_change();
	}
	assert_int_equal(usb_broker_end(&t), 0);
}

/* A stick is opened once, after it was looked at. */
static void
test_open_once(void **state)
{
	struct ipc_msg m = IPC_MSG_INIT, again = IPC_MSG_INIT;
	struct seen s;
	struct diag d;

	(void)state;
	usb_tree_plug(&t, &stick);
	start();
	assert_int_equal(open_stick(&m, &d), CS_E_IPC);
	assert_int_equal(usb_broker_end(&t), 0);
	ipc_msg_done(&m);
	start();
	assert_int_equal(look(USB_USE_IN, &s), 0);
	assert_int_equal(open_stick(&m, &d), 0);
	assert_int_equal(open_stick(&again, &d), CS_E_IPC);
	ipc_msg_done(&m);
	ipc_msg_done(&again);
	assert_int_equal(usb_broker_end(&t), 0);
	assert_string_equal(get("sys/1-1/authorized"), "0");
}

/* What the console showed is what is opened, also if both are good. */
static void
test_look_again(void **state)
{
	_cleanup_msg_ struct ipc_msg m = IPC_MSG_INIT;
	struct seen s;
	struct diag d;

	(void)state;
	usb_tree_plug(&t, &stick);
	start();
	assert_int_equal(look(USB_USE_IN, &s), 0);
	assert_int_equal(open_stick(&m, &d), 0);
	/* a new look switches off what was on */
	assert_int_equal(look(USB_USE_OUT, &s), CS_E_NO_MEDIUM);
	assert_string_equal(get("sys/1-1/authorized"), "0");
	assert_int_equal(usb_broker_end(&t), 0);
}

static void
test_end_switches_off(void **state)
{
	_cleanup_msg_ struct ipc_msg m = IPC_MSG_INIT;
	struct seen s;
	struct diag d;

	(void)state;
	usb_tree_plug(&t, &stick);
	usb_tree_plug(&t, &reader);
	start();
	assert_int_equal(simple(USB_READERS), 0);
	assert_int_equal(look(USB_USE_IN, &s), 0);
	assert_int_equal(open_stick(&m, &d), 0);
	assert_string_equal(get("sys/1-3/authorized"), "1");
	assert_int_equal(usb_broker_end(&t), 0);
	assert_string_equal(get("sys/1-1/authorized"), "0");
	assert_string_equal(get("sys/1-3/authorized"), "0");
}

/* Somebody else switched something on, and a root hub came. */
static void
test_locked_again(void **state)
{
	struct usb_device v = stick;
	struct seen s;

	(void)state;
	usb_tree_plug(&t, &stick);
	start();
	v.port = "1-4.2";
	usb_tree_plug(&t, &v);
	usb_tree_puts(&t, "sys/1-4.2/authorized", "1\n");
	usb_tree_puts(&t, "sys/usb2/authorized_default", "1\n");
	assert_int_equal(look(USB_USE_IN, &s), 0);
	assert_string_equal(get("sys/1-4.2/authorized"), "0");
	assert_string_equal(get("sys/usb2/authorized_default"), "0");
	usb_tree_puts(&t, "sys/1-4.2/authorized", "1\n");
	assert_int_equal(simple(USB_READERS), 0);
	assert_string_equal(get("sys/1-4.2/authorized"), "0");
	assert_int_equal(usb_broker_end(&t), 0);
}

static void
test_readers(void **state)
{
	struct usb_device v = reader;
	struct seen s;

	(void)state;
	start();
	assert_int_equal(simple(USB_READERS), 0); /* none is there */
	usb_tree_plug(&t, &reader);
	assert_int_equal(simple(USB_READERS), 0);
	assert_string_equal(t.said, "ai");
	assert_string_equal(get("sys/1-3/authorized"), "1");
	/* the keyboard and the second factor of the token stay off */
	assert_string_equal(get("sys/1-3/1-3:1.0/authorized"), "0");
	assert_string_equal(get("sys/1-3/1-3:1.1/authorized"), "0");
	assert_string_equal(get("sys/1-3/1-3:1.2/authorized"), "1");
	/* it stays on, whatever is looked at */
	assert_int_equal(look(USB_USE_IN, &s), CS_E_NO_MEDIUM);
	assert_int_equal(simple(USB_READERS), 0);
	assert_string_equal(t.said, "ai");
	/* another of its kind */
	usb_tree_pull(&t, "1-3");
	v.device = 8;
	usb_tree_plug(&t, &v);
	assert_int_equal(simple(USB_READERS), 0);
	assert_string_equal(t.said, "aiai");
	v = (struct usb_device){ "1-4", 1, 9, "12", usb_reader, NULL, NULL,
		NULL };
	usb_tree_plug(&t, &v);
	assert_int_equal(simple(USB_READERS), 0);
	assert_string_equal(get("sys/1-4/1-4:1.0/authorized"), "1");
	assert_int_equal(usb_broker_end(&t), 0);
}

/* The product of the rule, and yet no reader. */
static void
test_not_readers(void **state)
{
	static const char impostor[] = /* a keyboard that says 1050:0407 */
	    "12 01 10 01 00 00 00 08 50 10 07 04 00 01 01 02 00 01 "
	    "09 02 22 00 01 01 00 a0 2d 09 04 00 00 01 03 01 01 00 "
	    "09 21 10 01 00 01 22 41 00 07 05 81 03 08 00 0a";
	static const char *const hex[] = { usb_stick_high, usb_keyboard,
		usb_reader, impostor, "12 01" };
	static const int want[] = { CS_E_USB_READER, CS_E_USB_READER,
		CS_E_USB_READER, CS_E_USB_READER, CS_E_USB_DESC_SHORT };
	struct usb_device v = reader,
			  other = { "1-4", 1, 9, "12", usb_reader, NULL, NULL,
				  NULL };
	size_t i;

	(void)state;
	usb_tree_plug(&t, &other);
	start();
	for (i = 0; i < ARRAY_LEN(hex); i++) {
		v.hex = hex[i];
		usb_tree_plug(&t, &v);
		assert_int_equal(simple(USB_READERS), want[i]);
		assert_string_equal(get("sys/1-3/authorized"), "0");
		/* the other port's is on */
		assert_string_equal(get("sys/1-4/authorized"), "1");
		usb_tree_pull(&t, "1-3");
	}
	assert_int_equal(usb_broker_end(&t), 0);
	assert_string_equal(t.said, "ai0");
}

/* Another vendor, another product, and one that is only half there. */
static void
test_reader_numbers(void **state)
{
	static const size_t at[] = { 8, 9, 10, 11 };
	uint8_t b[256];
	size_t i, n = usb_bytes(usb_token, b, sizeof(b));

	(void)state;
	usb_tree_plug(&t, &reader);
	start();
	for (i = 0; i < ARRAY_LEN(at); i++) {
		b[at[i]] ^= 1;
		usb_tree_put(&t, "sys/1-3/descriptors", b, n);
		b[at[i]] ^= 1;
		assert_int_equal(simple(USB_READERS), CS_E_USB_READER);
	}
	usb_tree_put(&t, "sys/1-3/descriptors", b, n);
	usb_tree_puts(&t, "sys/1-3/speed", "\n");
	assert_int_equal(simple(USB_READERS), CS_E_USB_GONE);
	assert_int_equal(usb_broker_end(&t), 0);
	assert_string_equal(t.said, "");
}

static void
at_reader(struct usb_tree *x, char letter)
{
	if (letter != 'i')
		return;
	usb_tree_pull(x, "1-3");
	usb_tree_plug(x, &reader);
}

static void
test_reader_swapped(void **state)
{
	(void)state;
	usb_tree_plug(&t, &reader);
	start();
	t.at = at_reader;
	assert_int_equal(simple(USB_READERS), CS_E_USB_SWAPPED);
	t.at = NULL;
	assert_string_equal(t.said, "ai0");
	assert_string_equal(get("sys/1-3/authorized"), "0");
	assert_int_equal(usb_broker_end(&t), 0);
}

static int
rules_result(const struct port *v, size_t n)
{
	_cleanup_msg_ struct ipc_msg m = IPC_MSG_INIT;
	struct buf b = BUF_INIT(4096);
	struct diag d;
	int r;

	usb_broker_start(&t);
	put_rules(&b, v, n);
	usb_broker_ask(&t, USB_RULES, &b, &m);
	r = result(&m, USB_READY, &d);
	buf_done(&b);
	/* after rules that it did not take, it ends by itself */
	if (r != 0)
		assert_int_equal(usb_broker_recv(&t, &m), -1);
	assert_int_equal(usb_broker_end(&t), 0);
	return r;
}

static void
test_rules(void **state)
{
	static const char *const names[] = { "1-1.2", "usb1", "1-0", "0-1",
		"01-1", "1-01", "", "-", "1-", "-1", "1-1:1.0", "../1-1",
		"256-1", "1-128", "1 -1", "1-1 ", "1-1\n" };
	static const struct port twice[] = { { USB_USE_IN, "1-1", 0, 0 },
		{ USB_USE_OUT, "1-1", 0, 0 } };
	static const struct port odd[] = { { 3, "1-1", 0, 0 },
		{ USB_USE_READER, "1-1", 0, 0 }, { USB_USE_IN, "1-1", 1, 0 },
		{ USB_USE_IN, "1-1", 0, 1 },
		{ USB_USE_IN, "a name too long", 0, 0 } };
	struct port p = { USB_USE_IN, "1-1", 0, 0 };
	size_t i;

	(void)state;
	assert_int_equal(rules_result(&p, 1), 0);
	for (i = 0; i < ARRAY_LEN(names); i++) {
		p.name = names[i];
		if (rules_result(&p, 1) != CS_E_USB_PORT)
			fail_msg("\"%s\"", names[i]);
	}
	assert_int_equal(rules_result(twice, 2), CS_E_USB_PORT);
	for (i = 0; i < ARRAY_LEN(odd); i++)
		assert_int_equal(rules_result(&odd[i], 1), CS_E_IPC);
	assert_int_equal(rules_result(&p, 0), CS_E_IPC);
}

/* The most there may be, one more, and bytes behind them. */
static void
test_many_rules(void **state)
{
	static char names[USB_MAX_RULES + 1][8];
	static struct port v[USB_MAX_RULES + 1];
	_cleanup_msg_ struct ipc_msg m = IPC_MSG_INIT;
	struct buf b = BUF_INIT(4096);
	struct diag d;
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_LEN(v); i++) {
		(void)snprintf(names[i], sizeof(names[i]), "3-%zu", i + 1);
		v[i].name = names[i];
	}
	assert_int_equal(rules_result(v, USB_MAX_RULES), 0);
	assert_int_equal(rules_result(v, USB_MAX_RULES + 1), CS_E_IPC);
	usb_broker_start(&t);
	put_rules(&b, v, 1);
	assert_int_equal(buf_put_u8(&b, 0), 0);
	usb_broker_ask(&t, USB_RULES, &b, &m);
	assert_int_equal(result(&m, USB_READY, &d), CS_E_IPC);
	buf_done(&b);
	assert_int_equal(usb_broker_end(&t), 0);
}

/* What a port that cannot be locked means: nothing is used. */
static void
test_no_lock(void **state)
{
	struct port p = { USB_USE_IN, "1-1", 0, 0 };
	char path[300];

	(void)state;
	(void)snprintf(path, sizeof(path),
	    "%s/sys/usb2/interface_authorized_default", t.dir);
	assert_int_equal(unlink(path), 0);
	assert_int_equal(rules_result(&p, 1), CS_E_USB_LOCK);
	usb_tree_pull(&t, "usb2");
	assert_int_equal(rules_result(&p, 1), 0);
	usb_tree_pull(&t, "usb1");
	assert_int_equal(rules_result(&p, 1), CS_E_USB_LOCK);
}

/* A message that may not come ends it, and what is on goes off. */
static void
test_protocol(void **state)
{
	static const uint16_t wrong[] = { USB_RULES, USB_SEEN, USB_READY,
		USB_FAIL, 0, 0x101 };
	static const uint16_t empty[] = { USB_CLOSE, USB_READERS, USB_OPEN };
	_cleanup_msg_ struct ipc_msg m = IPC_MSG_INIT;
	struct buf b = BUF_INIT(64);
	struct seen s;
	size_t i;

	(void)state;
	usb_broker_start(&t);
	usb_broker_send(&t, USB_READERS, NULL);
	assert_int_equal(usb_broker_recv(&t, &m), -1);
	assert_int_equal(usb_broker_end(&t), 0);
	usb_tree_plug(&t, &stick);
	for (i = 0; i < ARRAY_LEN(wrong); i++) {
		struct ipc_msg o = IPC_MSG_INIT;
		struct diag d;

		start();
		assert_int_equal(look(USB_USE_IN, &s), 0);
		assert_int_equal(open_stick(&o, &d), 0);
		ipc_msg_done(&o);
		usb_broker_send(&t, wrong[i], NULL);
		assert_int_equal(usb_broker_recv(&t, &m), -1);
		assert_int_equal(usb_broker_end(&t), 0);
		assert_string_equal(get("sys/1-1/authorized"), "0");
	}
	/* bytes too many, a use that a look cannot have, too long a wait */
	start();
	assert_int_equal(buf_put_u8(&b, 0), 0);
	for (i = 0; i < ARRAY_LEN(empty); i++) {
		usb_broker_ask(&t, empty[i], &b, &m);
		assert_int_equal(result(&m, 0, &s.why), CS_E_TRAILING);
	}
	assert_int_equal(look(USB_USE_READER, &s), CS_E_IPC);
	assert_int_equal(usb_broker_end(&t), 0);
	/* a descriptor */
	start();
	assert_int_equal(ipc_send(t.sock, USB_CLOSE, NULL, 0, 0), 0);
	assert_int_equal(usb_broker_recv(&t, &m), -1);
	assert_int_equal(usb_broker_end(&t), 0);
	start();
	look_send(USB_USE_IN, 60001);
	assert_int_equal(look_recv(&s), CS_E_IPC);
	assert_int_equal(usb_broker_end(&t), 0);
	buf_done(&b);
}

#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		T(test_sandboxed),
		T(test_start_switches_off),
		T(test_good_stick),
		T(test_all_sticks),
		T(test_refused),
		T(test_refused_stays_off),
		T(test_ports),
		T(test_wait),
		T(test_strings),
		T(test_half_there),
		T(test_too_much),
		T(test_links),
		T(test_changes),
		T(test_open_once),
		T(test_look_again),
		T(test_end_switches_off),
		T(test_locked_again),
		T(test_readers),
		T(test_not_readers),
		T(test_reader_numbers),
		T(test_reader_swapped),
		T(test_rules),
		T(test_many_rules),
		T(test_no_lock),
		T(test_protocol),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
