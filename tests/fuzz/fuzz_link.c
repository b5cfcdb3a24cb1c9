/* SPDX-License-Identifier: Apache-2.0 */
#include <stdlib.h>
#include <string.h>

#include "usb-transfer/link.h"
#include "usb-transfer/link_req.h"
#include "usb-transfer/link_usb.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/*
 * The first byte says what the rest, in hexadecimal, is: c, changes of three
 * bytes (place, value) to a good cell, whose CRC32C is made right again, and
 * C, without that; b, h, p, g, f, s, the body of a request or an answer; u, a
 * configuration descriptor.  What is taken has one form only.
 */
#define MAX 8192u

static const struct link_cell want = { .session = "0123456789abcde",
	.seq = 7,
	.side = LINK_HOST };

static void
cell(const uint8_t *p, size_t n, bool mend)
{
	uint8_t good[LINK_CELL], is[LINK_CELL], nonce[LINK_NONCE], type;
	struct link_cell c = want;
	const uint8_t *data;
	struct diag d = { 0 };
	size_t i, len;
	int r;

	c.type = LINK_PUT;
	c.len = 5;
	link_cell_make(&c, "hello", good);
	memcpy(is, good, sizeof(is));
	for (i = 0; i + 3 <= n; i += 3)
		is[(size_t)(p[i] << 8 | p[i + 1]) % LINK_CELL] = p[i + 2];
	if (mend)
		link_cell_seal(is);
	r = link_cell_check(is, &want, &type, &data, &len, &d);
	if (r != 0) {
		if (d.code != r)
			abort(); /* a refusal gives its reason */
	} else {
		c.type = type;
		c.len = (uint16_t)len;
		link_cell_make(&c, data, good);
		if (memcmp(good, is, sizeof(is)) != 0)
			abort();
	}
	(void)link_cell_is_hello(is, nonce);
}

static void
same(int r, struct buf *b, const uint8_t *p, size_t n)
{
	if (r != 0 || b->len != n || memcmp(b->p, p, n) != 0)
		abort();
}

static void
body(char what, const uint8_t *p, size_t n)
{
	struct rd r = RD_INIT(p, n);
	struct buf b = BUF_INIT(MAX);
	struct link_bundle bundle;
	struct link_have have;
	struct link_part part;
	struct link_file file;
	struct link_status st;
	struct diag d = { 0 };
	int e = 0;

	switch (what) {
	case 'b':
		e = link_bundle_get(&r, &bundle, &d);
		if (e == 0)
			same(link_bundle_put(&b, &bundle), &b, p, n);
		break;
	case 'h':
		e = link_have_get(&r, &have, &d);
		if (e == 0)
			same(link_have_put(&b, &have), &b, p, n);
		break;
	case 'p':
	case 'g':
		e = link_part_get(&r, &part, what == 'g', &d);
		if (e == 0)
			same(link_part_put(&b, &part, what == 'g'), &b, p, n);
		break;
	case 'f':
		e = link_file_get(&r, &file, &d);
		if (e == 0)
			same(link_file_put(&b, &file), &b, p, n);
		break;
	default:
		e = link_status_get(&r, &st, &d);
		if (e == 0)
			same(link_status_put(&b, &st), &b, p, n);
	}
	if (e != 0 && d.code != e)
		abort();
	buf_done(&b);
}

static void
try(char what, const uint8_t *p, size_t n)
{
	uint8_t in, out;

	if (what == 'c' || what == 'C')
		cell(p, n, what == 'c');
	else if (what == 'u')
		cs_ignore(link_usb_endpoints(p, n, &in, &out, NULL));
	else
		body(what, p, n);
}

/* What is no digit is taken for one, so that a mutation is rarely lost. */
static uint8_t
digit(uint8_t c)
{
	return (uint8_t)(c >= 'a' ? c - 'a' + 10 : c) & 15;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	size_t n = 0, i;
	uint8_t *p;

	if (size < 1)
		return 0;
	p = calloc(1, size);
	if (p == NULL)
		abort();
	for (i = 1; i < size && n < 2 * MAX; i++)
		if (data[i] > ' ') {
			p[n / 2] = (uint8_t)(p[n / 2] << 4 | digit(data[i]));
			n++;
		}
	try((char)data[0], p, n / 2);
	free(p);
	return 0;
}
