/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/b64.h"

#include <stdlib.h>
#include <string.h>

static const char std[] =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

enum {
	VALUE = 0x3f,	 /* 0 to 63 */
	SEEN_STD = 0x40, /* '+' or '/' */
	SEEN_URL = 0x80, /* '-' or '_' */
};

void
b64_encode(const uint8_t *in, size_t len, char *out)
{
	size_t i;
	uint32_t v;

	for (i = 0; i + 2 < len; i += 3) {
		v = (uint32_t)in[i] << 16 | (uint32_t)in[i + 1] << 8 |
		    in[i + 2];
		*out++ = std[v >> 18];
		*out++ = std[v >> 12 & 63];
		*out++ = std[v >> 6 & 63];
		*out++ = std[v & 63];
	}
	if (i < len) {
		v = (uint32_t)in[i] << 16;
		if (i + 1 < len)
			v |= (uint32_t)in[i + 1] << 8;
		*out++ = std[v >> 18];
		*out++ = std[v >> 12 & 63];
		*out++ = i + 1 < len ? std[v >> 6 & 63] : '=';
		*out++ = '=';
	}
	*out = '\0';
}

char *
b64_dup(const void *in, size_t len)
{
	char *out = malloc(b64_enc_len(len) + 1);

	if (out != NULL)
		b64_encode(in, len, out);
	return out;
}

#define NONE (SEEN_STD | SEEN_URL) /* of neither: as if of both */
#define N16                                                               \
	NONE, NONE, NONE, NONE, NONE, NONE, NONE, NONE, NONE, NONE, NONE, \
	    NONE, NONE, NONE, NONE, NONE

/* What a character stands for, and which alphabet alone has it. */
static const uint8_t values[256] = { N16, N16,
	/* ' ' to '/' */
	NONE, NONE, NONE, NONE, NONE, NONE, NONE, NONE, NONE, NONE, NONE,
	62 | SEEN_STD, NONE, 62 | SEEN_URL, NONE, 63 | SEEN_STD,
	/* '0' to '?' */
	52, 53, 54, 55, 56, 57, 58, 59, 60, 61, NONE, NONE, NONE, NONE, NONE,
	NONE,
	/* '@' to '_' */
	NONE, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18,
	19, 20, 21, 22, 23, 24, 25, NONE, NONE, NONE, NONE, 63 | SEEN_URL,
	/* '`' to DEL */
	NONE, 26, 27, 28, 29, 30, 31, 32, 33, 34, 35, 36, 37, 38, 39, 40, 41,
	42, 43, 44, 45, 46, 47, 48, 49, 50, 51, NONE, NONE, NONE, NONE, NONE,
	N16, N16, N16, N16, N16, N16, N16, N16 };

/* Bytes that s stands for, from its length and padding alone. */
static int
decoded_len(const char *s, size_t slen, size_t *ret)
{
	size_t pad = 0;

	if (slen % 4 != 0)
		return CS_E_B64;
	if (slen > 0 && s[slen - 1] == '=')
		pad = s[slen - 2] == '=' ? 2 : 1;
	*ret = slen / 4 * 3 - pad;
	return 0;
}

/* A first pass finds every fault, so that out is written only on success. */
static int
check(const char *s, size_t digits, unsigned allowed)
{
	unsigned seen = 0, v = 0;
	size_t i;

	for (i = 0; i < digits; i++) {
		v = values[(uint8_t)s[i]];
		seen |= v;
	}
	seen &= SEEN_STD | SEEN_URL;
	if (seen == (SEEN_STD | SEEN_URL) || (seen & ~allowed) != 0)
		return CS_E_B64;
	/* RFC 4648 3.5: bits beyond the last byte are zero */
	if ((digits % 4 == 2 && (v & 15) != 0) ||
	    (digits % 4 == 3 && (v & 3) != 0))
		return CS_E_B64;
	return 0;
}

static int
decode(const char *s, size_t slen, unsigned allowed, uint8_t *out, size_t size,
    size_t *ret_len)
{
	size_t n, i, digits, o = 0;
	unsigned bits = 0;
	uint32_t acc = 0;
	int r;

	if ((r = decoded_len(s, slen, &n)) != 0)
		return r;
	digits = (n * 8 + 5) / 6;
	if ((r = check(s, digits, allowed)) != 0)
		return r;
	if (n > size)
		return CS_E_TOO_LARGE;
	for (i = 0; i < digits; i++) {
		acc = acc << 6 | (values[(uint8_t)s[i]] & VALUE);
		bits += 6;
		if (bits >= 8) {
			bits -= 8;
			out[o++] = (uint8_t)(acc >> bits);
		}
	}
	*ret_len = n;
	return 0;
}

int
b64_decode(const char *s, size_t slen, uint8_t *out, size_t size,
    size_t *ret_len)
{
	return decode(s, slen, SEEN_STD, out, size, ret_len);
}

int
b64_decode_any(const char *s, size_t slen, uint8_t *out, size_t size,
    size_t *ret_len)
{
	return decode(s, slen, SEEN_STD | SEEN_URL, out, size, ret_len);
}

int
b64_decode_exact(const char *s, size_t slen, uint8_t *out, size_t want)
{
	size_t n;

	if (decoded_len(s, slen, &n) != 0 || n != want)
		return CS_E_B64;
	return decode(s, slen, SEEN_STD, out, want, &n);
}
