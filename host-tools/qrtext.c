/* SPDX-License-Identifier: Apache-2.0 */
#include "host-tools/qrtext.h"

#include <errno.h>
#include <qrencode.h>

#define QUIET 4 /* modules, ISO/IEC 18004, 9.1 */

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

int
qrtext_print(const char *text, FILE *to, struct diag *d)
{
	/* upper half light or not, lower half light or not */
	static const char *const blocks[2][2] = {
		{ " ", "\u2584" },
		{ "\u2580", "\u2588" },
	};
	_cleanup_(qr_freep) QRcode *q =
	    QRcode_encodeString8bit(text, 0, QR_ECLEVEL_M);
	int x, y;

	if (q == NULL)
		return diag_fail(d,
		    errno == ENOMEM ? CS_E_NOMEM : CS_E_TOO_LARGE,
		    "a text that fits in a QR code", "another");
	for (y = -QUIET; y < q->width + QUIET; y += 2) {
		for (x = -QUIET; x < q->width + QUIET; x++)
			(void)fputs(blocks[is_light(q, x, y)]
					  [is_light(q, x, y + 1)],
			    to);
		(void)fputc('\n', to);
	}
	return 0;
}
