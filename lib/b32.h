/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CS_B32_H
#define CS_B32_H

#include "lib/err.h"

/*
 * Base 32, RFC 4648 section 6, upper case and without padding: a text of the
 * alphanumeric mode of QR codes that has no spaces to lose.  Unused bits are
 * zero (section 3.5).  One value has exactly one text.
 */

/* characters for n bytes, without a terminator */
static inline size_t
b32_enc_len(size_t n)
{
	return n / 5 * 8 + (n % 5 * 8 + 4) / 5;
}

/* out holds b32_enc_len(len) + 1; always terminated */
void b32_encode(const uint8_t *in, size_t len, char *out);
/*
 * CS_E_B64, or CS_E_TOO_LARGE if out, of size bytes, is too small; out is
 * untouched on error
 */
int b32_decode(const char *s, size_t slen, uint8_t *out, size_t size,
    size_t *ret_len) CS_WUR;

#endif
