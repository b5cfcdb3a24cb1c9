/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CS_QRTEXT_H
#define CS_QRTEXT_H

#include "lib/buf.h"

/*
 * A text as a QR code for a dark terminal: light modules are drawn, and so is
 * the light margin.  Error correction L, since nothing soils a screen.  A text
 * of digits, upper-case letters and " $%*+-./:" takes the fewest modules.
 */
enum qrtext_style {
	/* half blocks, 2 modules to a line; margin 4, ISO/IEC 18004, 9.1 */
	QRTEXT_UTF8,
	/*
	 * ASCII alone: spaces in reverse video (ECMA-48 SGR 7), 2 columns to a
	 * module; margin 1, so that version 5 fits in 80 columns
	 */
	QRTEXT_ASCII,
};

/*
 * Of the terminal at fd: one that erases multi-byte characters (IUTF8) shows
 * them.  No terminal: QRTEXT_UTF8
 */
enum qrtext_style qrtext_style_of(int fd);
/* Appends it to ret.  CS_E_QR_SIZE, CS_E_TOO_LARGE, CS_E_NOMEM */
int qrtext_draw(const char *text, enum qrtext_style style, struct buf *ret)
    CS_WUR;
/* The most that any code takes */
#define QRTEXT_MAX	(256u << 10)

#endif
