/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/lib/usb_shapes.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>

#include "tests/lib/rig_die.h"

/* clang-format off */
#define DEVICE(usb, packet0, id) \
	"12 01 " usb " 00 00 00 " packet0 " " id " 00 01 01 02 03 01 "
#define CONFIG(total, n)  "09 02 " total " 00 " n " 01 00 80 96 "
#define STORAGE(n, neps)  "09 04 " n " 00 " neps " 08 06 50 00 "
#define BULK_HIGH	  "07 05 81 02 00 02 00  07 05 02 02 00 02 00 "
#define COMPANION	  "06 30 00 00 00 00 "

const char usb_stick_high[] =
	DEVICE("00 02", "40", "81 07 67 55") CONFIG("20", "01")
	STORAGE("00", "02") BULK_HIGH;

const char usb_composite[] = /* 0781:5567 with more than it should have */
	DEVICE("00 02", "40", "81 07 67 55") CONFIG("5b", "03")
	STORAGE("00", "02") BULK_HIGH
	"09 04 01 00 01 03 01 01 00  09 21 11 01 00 01 22 3f 00 "
	"07 05 83 03 08 00 04 "
	"09 04 02 00 02 02 06 00 00  05 24 00 10 01 "
	"07 05 84 03 10 00 09  07 05 05 02 00 02 00 "
	"06 24 06 02 00 00 ";

const char usb_hub[] =
	"12 01 00 02 09 00 01 40 e3 05 10 06 00 01 01 02 00 01 "
	"09 02 19 00 01 01 00 e0 32  09 04 00 00 01 09 00 00 00 "
	"07 05 81 03 01 00 0c ";

const char usb_keyboard[] =
	"12 01 10 01 00 00 00 08 6d 04 1c c3 00 01 01 02 00 01 "
	"09 02 22 00 01 01 00 a0 2d  09 04 00 00 01 03 01 01 00 "
	"09 21 10 01 00 01 22 41 00  07 05 81 03 08 00 0a ";

const char usb_uas[] =
	DEVICE("20 03", "09", "d2 0b 01 10") CONFIG("79", "01")
	STORAGE("00", "02")
	"07 05 81 02 00 04 00 " COMPANION "07 05 02 02 00 04 00 " COMPANION
	"09 04 00 01 04 08 06 62 00 "
	"07 05 81 02 00 04 00  06 30 0f 05 00 00  04 24 03 00 "
	"07 05 02 02 00 04 00  06 30 0f 05 00 00  04 24 04 00 "
	"07 05 83 02 00 04 00  06 30 0f 05 00 00  04 24 02 00 "
	"07 05 04 02 00 04 00  06 30 00 00 00 00  04 24 01 00 ";

#define CCID_CLASS \
	"36 21 10 01 00 07 03 00 00 00 a0 0f 00 00 a0 0f 00 00 00 " \
	"00 2a 00 00 00 2a 00 00 00 fe 00 00 00 00 00 00 00 00 00 00 00 " \
	"be 00 01 00 0f 01 00 00 ff ff 00 00 00 01 "

const char usb_reader[] =
	DEVICE("00 02", "40", "6b 07 31 30") CONFIG("5d", "01")
	"09 04 00 00 03 0b 00 00 00 " CCID_CLASS
	"07 05 83 03 08 00 18  07 05 04 02 40 00 00  07 05 85 02 40 00 00 ";

const char usb_token[] =
	DEVICE("00 02", "40", "50 10 07 04") CONFIG("96", "03")
	"09 04 00 00 01 03 01 01 00  09 21 10 01 00 01 22 3f 00 "
	"07 05 81 03 08 00 0a "
	"09 04 01 00 02 03 00 00 00  09 21 10 01 00 01 22 22 00 "
	"07 05 04 03 40 00 02  07 05 84 03 40 00 02 "
	"09 04 02 00 03 0b 00 00 00 " CCID_CLASS
	"07 05 02 02 40 00 00  07 05 82 02 40 00 00  07 05 83 03 08 00 20 ";

const struct usb_shape usb_sticks[] = {
	{ "plain, high speed", 480, usb_stick_high },
	{ "OUT before IN, numbers 3 and 4, self powered", 480,
		DEVICE("10 02", "40", "e1 13 a0 15")
		"09 02 20 00 01 01 00 c0 32 " STORAGE("00", "02")
		"07 05 03 02 00 02 00  07 05 84 02 00 02 00 " },
	{ "the same number in and out, configuration 2", 480,
		DEVICE("00 02", "40", "58 09 32 12")
		"09 02 20 00 01 02 04 80 fa " STORAGE("00", "02")
		"07 05 81 02 00 02 ff  07 05 01 02 00 02 ff " },
	{ "USB 3, with companions", 5000,
		DEVICE("00 03", "09", "51 09 66 16") CONFIG("2c", "01")
		STORAGE("00", "02") "07 05 81 02 00 04 00 "
		"06 30 03 00 00 00 " "07 05 02 02 00 04 00 " COMPANION },
	{ "USB 3.1, bursts of 16", 10000,
		DEVICE("10 03", "09", "81 07 91 55") CONFIG("2c", "01")
		STORAGE("00", "02") "07 05 81 02 00 04 00  06 30 0f 00 00 00 "
		"07 05 02 02 00 04 00  06 30 0f 00 00 00 " },
	{ "full speed, 64", 12,
		DEVICE("10 01", "40", "d8 04 0f 00") CONFIG("20", "01")
		STORAGE("00", "02")
		"07 05 81 02 40 00 00  07 05 02 02 40 00 00 " },
	{ "full speed, 16", 12,
		DEVICE("10 01", "08", "d8 04 0f 00") CONFIG("20", "01")
		STORAGE("00", "02")
		"07 05 82 02 10 00 00  07 05 01 02 10 00 00 " },
};
/* clang-format on */
const size_t usb_nsticks = ARRAY_LEN(usb_sticks);

size_t
usb_bytes(const char *hex, uint8_t *out, size_t size)
{
	unsigned int byte;
	size_t n = 0;

	while (*hex != '\0') {
		if (isspace((unsigned char)*hex)) {
			hex++;
			continue;
		}
		if (n == size || !isxdigit((unsigned char)hex[0]) ||
		    !isxdigit((unsigned char)hex[1]) ||
		    sscanf(hex, "%2x", &byte) != 1)
			rig_die("descriptors");
		out[n++] = (uint8_t)byte;
		hex += 2;
	}
	return n;
}
