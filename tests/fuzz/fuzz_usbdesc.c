/* SPDX-License-Identifier: Apache-2.0 */
#include <ctype.h>
#include <stdlib.h>

#include "usb-transfer/usbdesc.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Hexadecimal digits, what else stands there is passed over. */
#define TEXT_MAX 8192u

/* A plain stick, at any speed, has nothing but what it must have. */
#define PLAIN	    50u
#define PLAIN_SUPER 62u

static size_t
decode(const uint8_t *data, size_t size, uint8_t *out)
{
	size_t i, digits = 0;

	for (i = 0; i < size; i++) {
		const int c = data[i];
		int v;

		if (!isxdigit(c))
			continue;
		v = isdigit(c) ? c - '0' : tolower(c) - 'a' + 10;
		if (digits % 2 == 0)
			out[digits / 2] = (uint8_t)(v << 4);
		else
			out[digits / 2] |= (uint8_t)v;
		digits++;
	}
	return digits / 2;
}

static void
check(const struct usbdesc *u, size_t n)
{
	static const unsigned int speeds[] = { 1, 12, 480, 5000, 20000 };
	struct usb_bulk b;
	struct diag d = { 0 };
	uint8_t interface;
	size_t i;
	int r;

	for (i = 0; i < ARRAY_LEN(speeds); i++) {
		r = usbdesc_storage(u, speeds[i], &b, &d);
		if (r == 0 &&
		    (n !=
			    (speeds[i] >= USB_SPEED_SUPER ? PLAIN_SUPER :
							    PLAIN) ||
			(b.in & 0x80) == 0 || (b.out & 0x80) != 0 ||
			b.packet < 8))
			abort();
		if (r != 0 && d.code != r)
			abort();
	}
	if (usbdesc_reader(u, &interface, &d) == 0 && interface >= u->numbers)
		abort();
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct diag d = { 0 };
	struct usbdesc u;
	uint8_t *p;
	size_t n;
	int r;

	if (size > TEXT_MAX)
		return 0;
	p = malloc(size / 2 + 1);
	if (p == NULL)
		return 0;
	n = decode(data, size, p);
	/* of exactly that size, so that one byte too far is seen */
	p = realloc(p, n == 0 ? 1 : n);
	if (p == NULL)
		abort();
	r = usbdesc_parse(p, n, &u, &d);
	if (r != 0 && d.code != r)
		abort();
	if (r == 0)
		check(&u, n);
	free(p);
	return 0;
}
