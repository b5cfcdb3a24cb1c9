/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CS_B64_H
#define CS_B64_H

#include "lib/err.h"

/*
 * Base 64, RFC 4648 section 4: padding required, unused bits zero (section
 * 3.5), nothing else in between.  One value has exactly one text.
 */

/* characters for n bytes, without a terminator */
static inline size_t
b64_enc_len(size_t n)
{
	return (n + 2) / 3 * 4;
}

/* the most bytes that n characters decode to */
static inline size_t
b64_dec_max(size_t n)
{
	return n / 4 * 3;
}

/* out holds b64_enc_len(len) + 1; always terminated */
void b64_encode(const uint8_t *in, size_t len, char *out);
/* free() it; NULL when out of memory */
char *b64_dup(const void *in, size_t len);
/* CS_E_B64, or CS_E_TOO_LARGE if out is too small */
int b64_decode(const char *s, size_t slen, uint8_t *out, size_t size,
    size_t *ret_len) CS_WUR;
/* exactly want bytes, else CS_E_B64; out is untouched on error */
int b64_decode_exact(const char *s, size_t slen, uint8_t *out, size_t want)
    CS_WUR;
/*
 * For DSSE, whose readers take either alphabet (section 4 or the URL-safe
 * one of section 5), but never both in one text; otherwise as strict.
 */
int b64_decode_any(const char *s, size_t slen, uint8_t *out, size_t size,
    size_t *ret_len) CS_WUR;

#endif
