/* SPDX-License-Identifier: Apache-2.0 */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <string.h>
#include <sys/mman.h>

#include "tests/lib/usb_shapes.h"
#include "usb-transfer/usbdesc.h"

#define PAGE 4096u

static uint8_t bytes[USBDESC_MAX + 64];

/* Right before a page that cannot be read: one byte too far ends the test. */
static int
parse(size_t n, struct usbdesc *u)
{
	static uint8_t *pages;
	struct diag d = { 0 };
	uint8_t *p;
	int r;

	if (pages == NULL) {
		pages = mmap(NULL, 2 * PAGE, PROT_READ | PROT_WRITE,
		    MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
		assert_true(pages != MAP_FAILED);
		assert_int_equal(mprotect(pages + PAGE, PAGE, PROT_NONE), 0);
	}
	p = pages + PAGE - n;
	memcpy(p, bytes, n);
	r = usbdesc_parse(p, n, u, &d);
	assert_int_equal(d.code, r);
	return r;
}

static int
storage(const char *hex, unsigned int speed, struct usb_bulk *b)
{
	struct diag d = { 0 };
	struct usbdesc u;
	int r = parse(usb_bytes(hex, bytes, sizeof(bytes)), &u);

	if (r == 0) {
		r = usbdesc_storage(&u, speed, b, &d);
		assert_int_equal(d.code, r);
	}
	return r;
}

static void
test_sticks(void **state)
{
	struct usb_bulk b;
	size_t i;

	(void)state;
	for (i = 0; i < usb_nsticks; i++)
		if (storage(usb_sticks[i].hex, usb_sticks[i].speed, &b) != 0)
			fail_msg("%s", usb_sticks[i].name);
	assert_int_equal(storage(usb_stick_high, 480, &b), 0);
	assert_int_equal(b.interface, 0);
	assert_int_equal(b.in, 0x81);
	assert_int_equal(b.out, 0x02);
	assert_int_equal(b.packet, 512);
	assert_int_equal(storage(usb_sticks[1].hex, 480, &b), 0);
	assert_int_equal(b.in, 0x84);
	assert_int_equal(b.out, 0x03);
}

static void
test_fields(void **state)
{
	struct usbdesc u;
	uint8_t interface;

	(void)state;
	assert_int_equal(parse(usb_bytes(usb_sticks[2].hex, bytes,
				   sizeof(bytes)),
			     &u),
	    0);
	assert_int_equal(u.vendor, 0x0958);
	assert_int_equal(u.product, 0x1232);
	assert_int_equal(u.config, 2);
	assert_int_equal(parse(usb_bytes(usb_token, bytes, sizeof(bytes)), &u),
	    0);
	assert_int_equal(u.n, 3);
	assert_int_equal(usbdesc_reader(&u, &interface, NULL), 0);
	assert_int_equal(interface, 2);
	assert_int_equal(parse(usb_bytes(usb_reader, bytes, sizeof(bytes)), &u),
	    0);
	assert_int_equal(usbdesc_reader(&u, &interface, NULL), 0);
	assert_int_equal(interface, 0);
}

/* One byte of the plain stick is another: 18 config, 27 interface, 36 and 43 */
static void
test_one_byte(void **state)
{
	static const struct {
		uint8_t at, value;
		int want;
	} rows[] = {
		{ 0, 17, CS_E_USB_DESC_LENGTH },
		{ 0, 0, CS_E_USB_DESC_LENGTH },
		{ 1, 2, CS_E_USB_DESC_ORDER },
		{ 7, 10, CS_E_USB_DESC_VALUE },
		{ 7, 0, CS_E_USB_DESC_VALUE },
		{ 17, 0, CS_E_USB_CONFIGS },
		{ 17, 2, CS_E_USB_CONFIGS },
		{ 18, 8, CS_E_USB_DESC_LENGTH },
		{ 18, 0, CS_E_USB_DESC_LENGTH },
		{ 19, 4, CS_E_USB_DESC_ORDER },
		{ 20, 0x1f, CS_E_USB_DESC_TRAILING },
		{ 20, 0, CS_E_USB_DESC_TRAILING },
		{ 20, 0x21, CS_E_USB_DESC_SHORT },
		{ 21, 0xff, CS_E_USB_DESC_SHORT },
		{ 22, 0, CS_E_USB_DESC_COUNT },
		{ 22, 2, CS_E_USB_DESC_COUNT },
		{ 22, 255, CS_E_USB_DESC_COUNT },
		{ 23, 0, CS_E_USB_DESC_VALUE },
		{ 27, 0, CS_E_USB_DESC_LENGTH },
		{ 27, 1, CS_E_USB_DESC_LENGTH },
		{ 27, 8, CS_E_USB_DESC_LENGTH },
		{ 27, 24, CS_E_USB_DESC_LENGTH },
		{ 28, 1, CS_E_USB_DESC_ORDER },
		{ 28, 2, CS_E_USB_DESC_ORDER },
		{ 28, 5, CS_E_USB_DESC_LENGTH },
		{ 29, 1, CS_E_USB_DESC_COUNT },
		{ 30, 1, CS_E_USB_DESC_COUNT },
		{ 31, 0, CS_E_USB_DESC_COUNT },
		{ 31, 1, CS_E_USB_DESC_COUNT },
		{ 31, 3, CS_E_USB_DESC_COUNT },
		{ 31, 9, CS_E_TOO_LARGE },
		{ 36, 0, CS_E_USB_DESC_LENGTH },
		{ 36, 6, CS_E_USB_DESC_LENGTH },
		{ 36, 15, CS_E_USB_DESC_LENGTH },
		{ 38, 0x80, CS_E_USB_DESC_VALUE },
		{ 38, 0x91, CS_E_USB_DESC_VALUE },
		{ 38, 0x02, CS_E_USB_DESC_DUPLICATE },
		{ 43, 8, CS_E_USB_DESC_LENGTH },
		{ 43, 255, CS_E_USB_DESC_LENGTH },
	};
	const size_t n = usb_bytes(usb_stick_high, bytes, sizeof(bytes));
	struct usbdesc u;
	size_t i;
	int r;

	(void)state;
	for (i = 0; i < ARRAY_LEN(rows); i++) {
		const uint8_t old = bytes[rows[i].at];

		bytes[rows[i].at] = rows[i].value;
		r = parse(n, &u);
		bytes[rows[i].at] = old;
		if (r != rows[i].want)
			fail_msg("byte %u is %u: %s", rows[i].at, rows[i].value,
			    err_id(r));
	}
	assert_int_equal(parse(n, &u), 0);
}

static void
test_sizes(void **state)
{
	const size_t n = usb_bytes(usb_token, bytes, sizeof(bytes));
	struct usbdesc u;
	size_t i;

	(void)state;
	for (i = 0; i < n; i++)
		assert_int_equal(parse(i, &u), CS_E_USB_DESC_SHORT);
	assert_int_equal(parse(n, &u), 0);
	bytes[n] = 0;
	assert_int_equal(parse(n + 1, &u), CS_E_USB_DESC_TRAILING);
	assert_int_equal(parse(USBDESC_MAX + 1, &u), CS_E_TOO_LARGE);
	assert_int_equal(usbdesc_parse(NULL, 0, &u, NULL), CS_E_USB_DESC_SHORT);
}

/* A configuration cut within a descriptor, whose total says so. */
static void
test_cut_inside(void **state)
{
	size_t n = usb_bytes(usb_stick_high, bytes, sizeof(bytes)), cut;
	struct usbdesc u;

	(void)state;
	for (cut = 1; cut < 23; cut++) {
		bytes[20] = (uint8_t)(n - 18 - cut);
		assert_int_not_equal(parse(n - cut, &u), 0);
	}
	bytes[20] = (uint8_t)(n - 18 - 6); /* one byte is left of an endpoint */
	assert_int_equal(parse(n - 6, &u), CS_E_USB_DESC_SHORT);
}

/* clang-format off */
#define DEV	 "12 01 00 02 00 00 00 40 81 07 67 55 00 01 01 02 03 01 "
#define CFG(l, n) "09 02 " l " 00 " n " 01 00 80 96 "
#define IF(n, a, e) "09 04 " n " " a " " e " 08 06 50 00 "
#define EP(a)	 "07 05 " a " 02 00 02 00 "
#define SS(a)	 "07 05 " a " 02 00 04 00 "
#define CO	 "06 30 00 00 00 00 "

static const struct usb_refusal {
	const char *name;
	unsigned int speed;
	const char *hex;
	int want;
} refusals[] = {
	{ "an endpoint before its interface", 480,
		DEV CFG("20", "01") EP("81") IF("00", "00", "01") EP("02"),
		CS_E_USB_DESC_ORDER },
	{ "an endpoint behind an association", 480,
		DEV CFG("28", "01") IF("00", "00", "01") EP("81")
		"08 0b 00 01 08 06 50 00 " EP("02"), CS_E_USB_DESC_ORDER },
	{ "a companion before its endpoint", 5000,
		DEV CFG("2c", "01") IF("00", "00", "02") CO SS("81") CO SS("02"),
		CS_E_USB_DESC_ORDER },
	{ "two companions", 5000,
		DEV CFG("32", "01") IF("00", "00", "02") SS("81") CO CO SS("02")
		CO, CS_E_USB_DESC_ORDER },
	{ "a companion behind a class descriptor", 5000,
		DEV CFG("30", "01") IF("00", "00", "02") SS("81") CO SS("02")
		"04 24 01 00 " CO, CS_E_USB_DESC_ORDER },
	{ "a companion of 5 bytes", 5000,
		DEV CFG("2b", "01") IF("00", "00", "02") SS("81") CO SS("02")
		"05 30 00 00 00 ", CS_E_USB_DESC_LENGTH },
	{ "an interface twice", 480,
		DEV CFG("37", "01") IF("00", "00", "02") EP("81") EP("02")
		IF("00", "00", "02") EP("81") EP("02"),
		CS_E_USB_DESC_DUPLICATE },
	{ "an endpoint twice", 480,
		DEV CFG("27", "01") IF("00", "00", "03") EP("81") EP("02")
		EP("81"), CS_E_USB_DESC_DUPLICATE },
	{ "an endpoint in two interfaces", 480,
		DEV CFG("37", "02") IF("00", "00", "02") EP("81") EP("02")
		IF("01", "00", "02") EP("83") EP("02"),
		CS_E_USB_DESC_DUPLICATE },
	{ "two configurations in one", 480,
		DEV CFG("29", "01") IF("00", "00", "02") EP("81") EP("02")
		CFG("09", "00"), CS_E_USB_DESC_ORDER },
	{ "an interface more than counted", 480,
		DEV CFG("29", "01") IF("00", "00", "02") EP("81") EP("02")
		IF("01", "00", "00"), CS_E_USB_DESC_COUNT },
	{ "a length of 0", 480,
		DEV CFG("22", "01") IF("00", "00", "02") "00 24 " EP("81")
		EP("02"), CS_E_USB_DESC_LENGTH },
	{ "a length of 1", 480,
		DEV CFG("22", "01") IF("00", "00", "02") "01 24 " EP("81")
		EP("02"), CS_E_USB_DESC_LENGTH },
	{ "no interface at all", 480, DEV CFG("09", "00"),
		CS_E_USB_DESC_COUNT },
	{ "the first of two interfaces is missing", 480,
		DEV CFG("20", "02") IF("01", "00", "02") EP("81") EP("02"),
		CS_E_USB_DESC_COUNT },
	{ "one endpoint less than counted, then an interface", 480,
		DEV CFG("22", "02") IF("00", "00", "02") EP("81")
		IF("01", "00", "00"), CS_E_USB_DESC_COUNT },
	{ "17 settings", 480,
		DEV CFG("a2", "01")
		IF("00", "00", "00") IF("00", "01", "00") IF("00", "02", "00")
		IF("00", "03", "00") IF("00", "04", "00") IF("00", "05", "00")
		IF("00", "06", "00") IF("00", "07", "00") IF("00", "08", "00")
		IF("00", "09", "00") IF("00", "0a", "00") IF("00", "0b", "00")
		IF("00", "0c", "00") IF("00", "0d", "00") IF("00", "0e", "00")
		IF("00", "0f", "00") IF("00", "10", "00"), CS_E_TOO_LARGE },
	/* well-formed, and not a plain stick */
	{ "storage, keyboard, network", 480, usb_composite,
		CS_E_USB_COMPOSITE },
	{ "a hub", 480, usb_hub, CS_E_USB_HUB },
	{ "a hub by its device class alone", 480,
		"12 01 00 02 09 00 01 40 e3 05 10 06 00 01 01 02 00 01 "
		CFG("12", "01") "09 04 00 00 00 ff 00 00 00 ", CS_E_USB_HUB },
	{ "a hub among others", 480,
		DEV CFG("29", "02") IF("00", "00", "02") EP("81") EP("02")
		"09 04 01 00 00 09 00 00 00 ", CS_E_USB_HUB },
	{ "a keyboard", 12, usb_keyboard, CS_E_USB_CLASS },
	{ "a reader", 480, usb_reader, CS_E_USB_CLASS },
	{ "a token", 480, usb_token, CS_E_USB_COMPOSITE },
	{ "a fast disk", 5000, usb_uas, CS_E_USB_UAS },
	{ "UAS alone", 480,
		DEV CFG("20", "01") "09 04 00 00 02 08 06 62 00 " EP("81")
		EP("02"), CS_E_USB_UAS },
	{ "another setting", 480,
		DEV CFG("37", "01") IF("00", "00", "02") EP("81") EP("02")
		IF("00", "01", "02") EP("81") EP("02"), CS_E_USB_ALTERNATE },
	{ "an association of one", 480,
		DEV CFG("28", "01") "08 0b 00 01 08 06 50 00 "
		IF("00", "00", "02") EP("81") EP("02"), CS_E_USB_COMPOSITE },
	{ "a device class", 480,
		"12 01 00 02 08 06 50 40 81 07 67 55 00 01 01 02 03 01 "
		CFG("20", "01") IF("00", "00", "02") EP("81") EP("02"),
		CS_E_USB_CLASS },
	{ "another subclass", 480,
		DEV CFG("20", "01") "09 04 00 00 02 08 05 50 00 " EP("81")
		EP("02"), CS_E_USB_CLASS },
	{ "another protocol", 480,
		DEV CFG("20", "01") "09 04 00 00 02 08 06 01 00 " EP("81")
		EP("02"), CS_E_USB_CLASS },
	{ "a vendor's class", 480,
		DEV CFG("20", "01") "09 04 00 00 02 ff 06 50 00 " EP("81")
		EP("02"), CS_E_USB_CLASS },
	{ "a class descriptor in the interface", 480,
		DEV CFG("24", "01") IF("00", "00", "02") "04 24 01 00 " EP("81")
		EP("02"), CS_E_USB_DESC_UNKNOWN },
	{ "a descriptor before the interface", 480,
		DEV CFG("23", "01") "03 09 02 " IF("00", "00", "02") EP("81")
		EP("02"), CS_E_USB_DESC_UNKNOWN },
	{ "one of type 0 before the interface", 480,
		DEV CFG("22", "01") "02 00 " IF("00", "00", "02") EP("81")
		EP("02"), CS_E_USB_DESC_UNKNOWN },
	{ "a third endpoint", 480,
		DEV CFG("27", "01") IF("00", "00", "03") EP("81") EP("02")
		EP("83"), CS_E_USB_ENDPOINTS },
	{ "one endpoint", 480,
		DEV CFG("19", "01") IF("00", "00", "01") EP("81"),
		CS_E_USB_ENDPOINTS },
	{ "two in", 480,
		DEV CFG("20", "01") IF("00", "00", "02") EP("81") EP("82"),
		CS_E_USB_ENDPOINTS },
	{ "two out", 480,
		DEV CFG("20", "01") IF("00", "00", "02") EP("01") EP("02"),
		CS_E_USB_ENDPOINTS },
	{ "an interrupt endpoint", 480,
		DEV CFG("20", "01") IF("00", "00", "02") EP("81")
		"07 05 02 03 00 02 00 ", CS_E_USB_ENDPOINTS },
	{ "attributes that bulk does not have", 480,
		DEV CFG("20", "01") IF("00", "00", "02") EP("81")
		"07 05 02 06 00 02 00 ", CS_E_USB_ENDPOINTS },
	{ "packets of 64 at high speed", 480,
		DEV CFG("20", "01") IF("00", "00", "02") EP("81")
		"07 05 02 02 40 00 00 ", CS_E_USB_ENDPOINTS },
	{ "packets of 512 at full speed", 12, usb_stick_high,
		CS_E_USB_ENDPOINTS },
	{ "packets of 512 at super speed", 5000, usb_stick_high,
		CS_E_USB_ENDPOINTS },
	{ "bulk at low speed", 1,
		DEV CFG("20", "01") IF("00", "00", "02")
		"07 05 81 02 08 00 00 07 05 02 02 08 00 00 ",
		CS_E_USB_ENDPOINTS },
	{ "packets of nothing at low speed", 1,
		DEV CFG("20", "01") IF("00", "00", "02")
		"07 05 81 02 00 00 00 07 05 02 02 00 00 00 ",
		CS_E_USB_ENDPOINTS },
	{ "a speed that there is not", 100, usb_stick_high,
		CS_E_USB_ENDPOINTS },
	{ "companions at high speed", 480,
		DEV CFG("2c", "01") IF("00", "00", "02") EP("81") CO EP("02")
		CO, CS_E_USB_ENDPOINTS },
	{ "super speed without a companion", 5000,
		DEV CFG("26", "01") IF("00", "00", "02") SS("81") CO SS("02"),
		CS_E_USB_ENDPOINTS },
};

#define CC(n, p, e) "09 04 " n " 00 " e " 0b 00 " p " 00 "
#define CL "36 21 10 01 00 07 03 00 00 00 a0 0f 00 00 a0 0f 00 00 00 " \
	"00 2a 00 00 00 2a 00 00 00 fe 00 00 00 00 00 00 00 00 00 00 00 " \
	"be 00 01 00 0f 01 00 00 ff ff 00 00 00 01 "

static const struct usb_refusal not_readers[] = {
	{ "a stick", 480, usb_stick_high, CS_E_USB_READER },
	{ "a keyboard", 480, usb_keyboard, CS_E_USB_READER },
	{ "a hub", 480, usb_hub, CS_E_USB_HUB },
	{ "a hub that is a reader too", 480,
		DEV CFG("5f", "02") CC("00", "00", "02") CL EP("81") EP("02")
		"09 04 01 00 00 09 00 00 00 ", CS_E_USB_HUB },
	{ "two readers", 480,
		DEV CFG("a3", "02") CC("00", "00", "02") CL EP("81") EP("02")
		CC("01", "00", "02") CL EP("83") EP("04"), CS_E_USB_READER },
	{ "no class descriptor", 480,
		DEV CFG("20", "01") CC("00", "00", "02") EP("81") EP("02"),
		CS_E_USB_READER },
	{ "one class descriptor more", 480,
		DEV CFG("58", "01") CC("00", "00", "02") "02 24 " CL EP("81")
		EP("02"), CS_E_USB_READER },
	{ "a class descriptor of another length", 480,
		DEV CFG("24", "01") CC("00", "00", "02") "04 21 10 01 " EP("81")
		EP("02"), CS_E_USB_READER },
	{ "another type of that length", 480,
		DEV CFG("56", "01") CC("00", "00", "02")
		"36 22 10 01 00 07 03 00 00 00 a0 0f 00 00 a0 0f 00 00 00 "
		"00 2a 00 00 00 2a 00 00 00 fe 00 00 00 00 00 00 00 00 00 00 "
		"00 be 00 01 00 0f 01 00 00 ff ff 00 00 00 01 "
		EP("81") EP("02"), CS_E_USB_READER },
	{ "a protocol of its own", 480,
		DEV CFG("56", "01") CC("00", "01", "02") CL EP("81") EP("02"),
		CS_E_USB_READER },
	{ "a subclass of its own", 480,
		DEV CFG("56", "01") "09 04 00 00 02 0b 01 00 00 " CL EP("81")
		EP("02"), CS_E_USB_READER },
	{ "no endpoint out", 480,
		DEV CFG("4f", "01") CC("00", "00", "01") CL EP("81"),
		CS_E_USB_READER },
	{ "no endpoint in", 480,
		DEV CFG("4f", "01") CC("00", "00", "01") CL EP("02"),
		CS_E_USB_READER },
	{ "an interrupt endpoint out", 480,
		DEV CFG("5d", "01") CC("00", "00", "03") CL EP("81") EP("02")
		"07 05 03 03 08 00 10 ", CS_E_USB_READER },
	{ "two interrupt endpoints", 480,
		DEV CFG("64", "01") CC("00", "00", "04") CL EP("81") EP("02")
		"07 05 83 03 08 00 10 07 05 84 03 08 00 10 ",
		CS_E_USB_READER },
};
/* clang-format on */

static void
test_refusals(void **state)
{
	struct usb_bulk b;
	size_t i;
	int r;

	(void)state;
	for (i = 0; i < ARRAY_LEN(refusals); i++) {
		r = storage(refusals[i].hex, refusals[i].speed, &b);
		if (r != refusals[i].want)
			fail_msg("%s: %s", refusals[i].name, err_id(r));
	}
}

static void
test_not_readers(void **state)
{
	struct usbdesc u;
	uint8_t interface;
	size_t i;
	int r;

	(void)state;
	for (i = 0; i < ARRAY_LEN(not_readers); i++) {
		r = parse(usb_bytes(not_readers[i].hex, bytes, sizeof(bytes)),
		    &u);
		if (r == 0)
			r = usbdesc_reader(&u, &interface, NULL);
		if (r != not_readers[i].want)
			fail_msg("%s: %s", not_readers[i].name, err_id(r));
	}
}

/* 15 endpoints where 8 are counted, the most that there is room for */
static void
test_endpoint_room(void **state)
{
	struct diag d = { 0 };
	struct usbdesc u;
	size_t n = 36, i;

	(void)state;
	(void)usb_bytes(usb_stick_high, bytes, sizeof(bytes));
	bytes[31] = 8;
	for (i = 1; i <= 15; i++, n += 7) {
		memcpy(bytes + n, "\x07\x05\x00\x02\x00\x02\x00", 7);
		bytes[n + 2] = (uint8_t)i;
	}
	bytes[20] = (uint8_t)(n - 18);
	assert_int_equal(usbdesc_parse(bytes, n, &u, &d), CS_E_USB_DESC_COUNT);
	assert_string_equal(d.found, "interface 0 has more than 8");
}

/* What people read when a stick is more than a stick. */
static void
test_words(void **state)
{
	struct diag d = { 0 };
	struct usb_bulk b;
	struct usbdesc u;

	(void)state;
	assert_int_equal(parse(usb_bytes(usb_composite, bytes, sizeof(bytes)),
			     &u),
	    0);
	assert_int_equal(usbdesc_storage(&u, 480, &b, &d), CS_E_USB_COMPOSITE);
	assert_string_equal(d.found,
	    "3: mass storage, keyboard or mouse, network or modem");
	assert_string_equal(usbdesc_class_name(0x77), "unknown");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_sticks),
		cmocka_unit_test(test_fields),
		cmocka_unit_test(test_one_byte),
		cmocka_unit_test(test_sizes),
		cmocka_unit_test(test_cut_inside),
		cmocka_unit_test(test_refusals),
		cmocka_unit_test(test_not_readers),
		cmocka_unit_test(test_endpoint_room),
		cmocka_unit_test(test_words),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
