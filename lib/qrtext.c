/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/qrtext.h"

#include <errno.h>
#include <qrencode.h>
#include <string.h>
#include <termios.h>

static void
qr_freep(QRcode **q)
{
	QRcode_free(*q);
}

/* Outside of the code all is light. */
static bool
is_light(const QRcode *q, int x, int y)
{
	if (x < 0 || y < 0 || x >= q->width || y >= q->width)
		return true;
	return (q->data[y * q->width + x] & 1) == 0;
}

static int
draw_blocks(const QRcode *q, struct buf *ret)
{
	/* upper half light or not, lower half light or not */
	static const char *const blocks[2][2] = {
		{ " ", "\u2584" },
		{ "\u2580", "\u2588" },
	};
	const int margin = 4;
	int x, y, r = 0;

	for (y = -margin; r == 0 && y < q->width + margin; y += 2) {
		for (x = -margin; r == 0 && x < q->width + margin; x++) {
			const char *s =
			    blocks[is_light(q, x, y)][is_light(q, x, y + 1)];

			r = buf_put(ret, s, strlen(s));
		}
		if (r == 0)
			r = buf_put_u8(ret, '\n');
	}
	return r;
}

static int
draw_spaces(const QRcode *q, struct buf *ret)
{
	static const char *const video[2] = { "\033[0m", "\033[7m" };
	const int margin = 1;
	int x, y, r = 0;

	for (y = -margin; r == 0 && y < q->width + margin; y++) {
		bool on = false, light;

		for (x = -margin; r == 0 && x < q->width + margin; x++) {
			light = is_light(q, x, y);
			if (light != on)
				r = buf_putf(ret, "%s", video[light]);
			if (r == 0)
				r = buf_put(ret, "  ", 2);
			on = light;
		}
		if (r == 0) /* the margin was light */
			r = buf_putf(ret, "%s\n", video[0]);
	}
	return r;
}

enum qrtext_style
qrtext_style_of(int fd)
{
	struct termios t;

	if (tcgetattr(fd, &t) != 0)
		return QRTEXT_UTF8;
	return (t.c_iflag & IUTF8) != 0 ? QRTEXT_UTF8 : QRTEXT_ASCII;
}

int
qrtext_draw(const char *text, enum qrtext_style style, struct buf *ret)
{
	_cleanup_(qr_freep) QRcode *q = NULL;

	q = QRcode_encodeString(text, 0, QR_ECLEVEL_L, QR_MODE_8, 1);
	if (q == NULL)
		return errno == ENOMEM ? CS_E_NOMEM : CS_E_QR_SIZE;
	return style == QRTEXT_UTF8 ? draw_blocks(q, ret) : draw_spaces(q, ret);
}
