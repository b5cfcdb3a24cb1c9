/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/qrframe.h"

#include <stdio.h>
#include <string.h>

#include "lib/b32.h"
#include "lib/sha.h"

#define DIGITS	 8u
#define PART_MAX 1024u /* bytes; more than any code holds */

int
qrframe_count(size_t len, size_t part, unsigned *ret, struct diag *d)
{
	if (len == 0 || len > QRFRAME_MAX * part)
		return diag_fail(d, CS_E_QR_SIZE, NULL,
		    "%zu bytes, and 1 to %zu can be shown", len,
		    QRFRAME_MAX * part);
	*ret = (unsigned)((len + part - 1) / part);
	return 0;
}

static int
digest_digits(const void *p, size_t len, char ret[DIGITS + 1])
{
	uint8_t h[CS_SHA256_LEN];
	int r = sha256(p, len, h);

	if (r == 0)
		(void)snprintf(ret, DIGITS + 1, "%02X%02X%02X%02X", h[0], h[1],
		    h[2], h[3]);
	return r;
}

int
qrframe_make(const void *p, size_t len, size_t part, unsigned i,
    struct buf *ret, struct diag *d)
{
	char digits[DIGITS + 1], text[PART_MAX / 5 * 8 + 9];
	size_t off, n;
	unsigned total = 0;
	int r;

	r = qrframe_count(len, part, &total, d);
	if (r != 0)
		return r;
	if (i == 0 || i > total || part > PART_MAX)
		return diag_fail(d, CS_E_INTERNAL, "a frame", "%u of %u", i,
		    total);
	off = (i - 1) * part;
	n = len - off < part ? len - off : part;
	b32_encode((const uint8_t *)p + off, n, text);
	r = digest_digits(p, len, digits);
	buf_reset(ret);
	if (r == 0)
		r = buf_putf(ret, QRFRAME_MAGIC "%u/%u:%s:%s", i, total, digits,
		    text);
	if (r == 0)
		r = buf_put_u8(ret, 0);
	return r == 0 ? 0 : diag_fail(d, r, NULL, "a frame");
}

bool
qrframe_is(const void *text, size_t len)
{
	return len >= strlen(QRFRAME_MAGIC) &&
	    memcmp(text, QRFRAME_MAGIC, strlen(QRFRAME_MAGIC)) == 0;
}

/* What was read so far; parts point into the text. */
struct join {
	const char *digits; /* DIGITS of them; NULL before the first line */
	unsigned n;
	struct {
		const char *p;
		size_t len;
	} part[QRFRAME_MAX];
};

/* 1 to QRFRAME_MAX without leading zeros, and what must follow it */
static bool
number(const char **p, const char *end, char after, unsigned *ret)
{
	unsigned v = 0;

	while (*p < end && **p >= '0' && **p <= '9' && v <= QRFRAME_MAX) {
		v = v * 10 + (unsigned)(**p - '0');
		if (v == 0)
			return false;
		(*p)++;
	}
	if (v == 0 || v > QRFRAME_MAX || *p == end || **p != after)
		return false;
	(*p)++;
	*ret = v;
	return true;
}

static bool
upper_hex(const char *p)
{
	size_t i;

	for (i = 0; i < DIGITS; i++)
		if ((p[i] < '0' || p[i] > '9') && (p[i] < 'A' || p[i] > 'F'))
			return false;
	return true;
}

/* "CSATT1:i/n:digits:" of a line; *p is left at its part */
static bool
head(const char **p, const char *end, unsigned *i, unsigned *n,
    const char **digits)
{
	if (!qrframe_is(*p, (size_t)(end - *p)))
		return false;
	*p += strlen(QRFRAME_MAGIC);
	if (!number(p, end, '/', i) || !number(p, end, ':', n) || *i > *n ||
	    end - *p < (ptrdiff_t)DIGITS + 2 || !upper_hex(*p) ||
	    (*p)[DIGITS] != ':')
		return false;
	*digits = *p;
	*p += DIGITS + 1;
	return true;
}

static int
take(struct join *j, const char *p, const char *end, struct diag *d)
{
	const size_t width = (size_t)(end - p) > 40 ? 40 : (size_t)(end - p);
	const char *line = p, *digits = NULL;
	uint8_t bytes[PART_MAX];
	unsigned i = 0, n = 0;
	size_t len;

	if (!head(&p, end, &i, &n, &digits) ||
	    b32_decode(p, (size_t)(end - p), bytes, sizeof(bytes), &len) != 0)
		return diag_fail(d, CS_E_QR_FRAME, "lines " QRFRAME_MAGIC "...",
		    "%.*s", (int)width, line);
	if (j->digits == NULL) {
		j->digits = digits;
		j->n = n;
	}
	if (n != j->n || memcmp(digits, j->digits, DIGITS) != 0)
		return diag_fail(d, CS_E_QR_OTHER, "codes of one answer",
		    "%.*s and %.*s", (int)DIGITS, j->digits, (int)DIGITS,
		    digits);
	i--;
	if (j->part[i].p != NULL &&
	    (j->part[i].len != (size_t)(end - p) ||
		memcmp(j->part[i].p, p, j->part[i].len) != 0))
		return diag_fail(d, CS_E_QR_OTHER, "one code with this number",
		    "two different ones, %u of %u", i + 1, n);
	j->part[i].p = p;
	j->part[i].len = (size_t)(end - p);
	return 0;
}

static int
take_all(struct join *j, const char *p, size_t len, struct diag *d)
{
	const char *end = p + len, *eol, *next;
	int r = 0;

	for (; r == 0 && p < end; p = next) {
		eol = memchr(p, '\n', (size_t)(end - p));
		next = eol == NULL ? end : eol + 1;
		if (eol == NULL)
			eol = end;
		if (eol > p && eol[-1] == '\r')
			eol--;
		if (eol > p)
			r = take(j, p, eol, d);
	}
	if (r == 0 && j->n == 0)
		r = diag_fail(d, CS_E_QR_FRAME, "lines " QRFRAME_MAGIC "...",
		    "none");
	return r;
}

/* By number: whoever scans must know which to scan again. */
static int
check_missing(const struct join *j, struct diag *d)
{
	char list[QRFRAME_MAX * 4 + 1] = "";
	size_t n = 0;
	unsigned i;

	for (i = 0; i < j->n; i++)
		if (j->part[i].p == NULL)
			n += (size_t)snprintf(list + n, sizeof(list) - n, " %u",
			    i + 1);
	if (n == 0)
		return 0;
	return diag_fail(d, CS_E_QR_MISSING, NULL, "of %u not read:%s", j->n,
	    list);
}

int
qrframe_join(const char *text, size_t len, struct buf *ret, struct diag *d)
{
	struct join j = { 0 };
	char digits[DIGITS + 1];
	uint8_t bytes[PART_MAX];
	unsigned i;
	size_t n;
	int r;

	buf_reset(ret);
	r = take_all(&j, text, len, d);
	if (r == 0)
		r = check_missing(&j, d);
	for (i = 0; r == 0 && i < j.n; i++) {
		r = b32_decode(j.part[i].p, j.part[i].len, bytes, sizeof(bytes),
		    &n);
		if (r == 0)
			r = buf_put(ret, bytes, n);
		if (r != 0)
			return diag_fail(d, r, NULL, "code %u", i + 1);
	}
	if (r != 0)
		return r;
	r = digest_digits(ret->p, ret->len, digits);
	if (r != 0)
		return diag_fail(d, r, NULL, "SHA-256");
	if (memcmp(digits, j.digits, DIGITS) != 0)
		return diag_fail(d, CS_E_QR_DIGEST, "the digits in its codes",
		    "%s", digits);
	return 0;
}
