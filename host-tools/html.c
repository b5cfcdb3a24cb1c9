/* SPDX-License-Identifier: Apache-2.0 */
#include "host-tools/html.h"

#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <string.h>

#include "lib/json.h"
#include "lib/utf8.h"

#define TIME_LAST UINT64_C(253402300799) /* of the year 9999 */

static void
fail(struct html *h)
{
	if (h->err == 0)
		h->err = errno != 0 ? errno : EIO;
}

static void
put(struct html *h, const char *p, size_t len)
{
	if (h->err == 0 && fwrite(p, 1, len, h->f) != len)
		fail(h);
}

void
html_raw(struct html *h, const char *markup)
{
	put(h, markup, strlen(markup));
}

void
html_rawf(struct html *h, const char *fmt, ...)
{
	va_list ap;

	if (h->err != 0)
		return;
	va_start(ap, fmt);
	if (vfprintf(h->f, fmt, ap) < 0)
		fail(h);
	va_end(ap);
}

/*
 * Unicode 15.0: Cc, Cf, Zl, Zp, and what has no glyph though it is none of
 * these.  First and last of each range, ascending.
 */
static const uint32_t unseen[][2] = {
	{ 0x0000, 0x0008 },
	{ 0x000b, 0x001f },
	{ 0x007f, 0x009f },
	{ 0x00ad, 0x00ad },
	{ 0x034f, 0x034f },
	{ 0x0600, 0x0605 },
	{ 0x061c, 0x061c },
	{ 0x06dd, 0x06dd },
	{ 0x070f, 0x070f },
	{ 0x0890, 0x0891 },
	{ 0x08e2, 0x08e2 },
	{ 0x115f, 0x1160 },
	{ 0x17b4, 0x17b5 },
	{ 0x180b, 0x180f },
	{ 0x200b, 0x200f },
	{ 0x2028, 0x202e },
	{ 0x2060, 0x206f },
	{ 0x2800, 0x2800 },
	{ 0x3164, 0x3164 },
	{ 0xe000, 0xf8ff },
	{ 0xfe00, 0xfe0f },
	{ 0xfeff, 0xfeff },
	{ 0xffa0, 0xffa0 },
	{ 0xfff0, 0xfffb },
	{ 0x110bd, 0x110bd },
	{ 0x110cd, 0x110cd },
	{ 0x13430, 0x1343f },
	{ 0x1bca0, 0x1bca3 },
	{ 0x1d173, 0x1d17a },
	{ 0xe0000, 0x10ffff },
};

static bool
is_unseen(uint32_t c)
{
	size_t i;

	for (i = 0; i < ARRAY_LEN(unseen) && unseen[i][0] <= c; i++)
		if (c <= unseen[i][1])
			return true;
	return false;
}

static const char *
entity(char c)
{
	switch (c) {
	case '&':
		return "&amp;";
	case '<':
		return "&lt;";
	case '>':
		return "&gt;";
	case '"':
		return "&quot;";
	case '\'':
		return "&#39;";
	default:
		return NULL;
	}
}

void
html_textn(struct html *h, const char *text, size_t len)
{
	const char *e;
	uint32_t c;
	size_t n;

	for (; len > 0 && h->err == 0; text += n, len -= n) {
		n = utf8_char(text, len, &c);
		if (n == 0) {
			html_rawf(h, "\\x%02x", (uint8_t)*text);
			n = 1;
		} else if (n == 1 && (e = entity(*text)) != NULL) {
			html_raw(h, e);
		} else if (is_unseen(c)) {
			html_rawf(h, "[U+%04" PRIX32 "]", c);
		} else {
			put(h, text, n);
		}
	}
}

void
html_text(struct html *h, const char *text)
{
	html_textn(h, text, strlen(text));
}

void
html_el(struct html *h, const char *tag, const char *class, const char *text)
{
	bool ascii = true;
	const char *p;

	for (p = text; *p != '\0'; p++)
		ascii = ascii && (uint8_t)*p < 0x80;
	if (class != NULL)
		html_rawf(h, "<%s class=\"%s\">", tag, class);
	else
		html_rawf(h, "<%s>", tag);
	html_raw(h, ascii ? "" : "<bdi>");
	html_text(h, text);
	html_rawf(h, "%s</%s>", ascii ? "" : "</bdi>", tag);
}

void
html_time(struct html *h, uint64_t t)
{
	char text[21];

	if (t > TIME_LAST) {
		html_rawf(h, "second %" PRIu64, t);
		return;
	}
	time_format((int64_t)t, text);
	html_rawf(h, "<time datetime=\"%s\">%.10s %.8s</time>", text, text,
	    text + 11);
}

int
html_end(struct html *h, struct diag *d)
{
	if (h->err == 0 && fflush(h->f) != 0)
		fail(h);
	errno = h->err;
	return h->err == 0 ? 0 : diag_errno(d, CS_E_IO, "the report");
}
