/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CS_QRFRAME_H
#define CS_QRFRAME_H

#include "lib/buf.h"

/*
 * A file as a series of short lines, one to a QR code (tpm/PROTOCOL.attest,
 * section 7).  Line i of n is
 *
 *	CSATT1:<i>/<n>:<first 8 digits of the file's SHA-256, upper case>:<part>
 *
 * with the i-th part of the file in base 32.  The digits keep the parts of
 * two files apart; they prove nothing.
 */
#define QRFRAME_MAGIC	"CSATT1:"
#define QRFRAME_MAX	99u		/* lines of a file */
/* longest line of parts of n bytes, without a terminator: see b32_enc_len() */
#define QRFRAME_HEAD	22u

/*
 * The largest parts for a code of version 5 (37 modules) and 13 (69), level
 * L, alphanumeric: ISO/IEC 18004, table 7: 154 and 619 characters.
 */
#define QRFRAME_V5	80u
#define QRFRAME_V13	370u

/* Lines that len bytes take; CS_E_QR_SIZE: none, or too many */
int qrframe_count(size_t len, size_t part, unsigned *ret, struct diag *d)
    CS_WUR;
/* Line i, from 1, and its terminator */
int qrframe_make(const void *p, size_t len, size_t part, unsigned i,
    struct buf *ret, struct diag *d) CS_WUR;

/* Whether a text begins as such lines do */
bool qrframe_is(const void *text, size_t len);
/*
 * The file again, from lines in any order, some of them more than once;
 * empty lines and a CR at the end of a line are nothing.
 * CS_E_QR_FRAME, _OTHER, _MISSING, _DIGEST
 */
int qrframe_join(const char *text, size_t len, struct buf *ret,
    struct diag *d) CS_WUR;

#endif
