/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/b64.h"

#include <string.h>

static const char std[] =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

enum {
	SEEN_STD = 1, /* '+' or '/' */
	SEEN_URL = 2, /* '-' or '_' */
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

/* 0..63, or -1; notes in *seen which alphabet the character is from */
static int
digit(char c, unsigned *seen)
{
	if (c >= 'A' && c <= 'Z')
		return c - 'A';
	if (c >= 'a' && c <= 'z')
		return c - 'a' + 26;
	if (c >= '0' && c <= '9')
		return c - '0' + 52;
	if (c == '+' || c == '/') {
		*seen |= SEEN_STD;
		return c == '+' ? 62 : 63;
	}
	if (c == '-' || c == '_') {
		*seen |= SEEN_URL;
		return c == '-' ? 62 : 63;
	}
	return -1;
}

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
	unsigned seen = 0;
	size_t i;
	int v = 0;

	for (i = 0; i < digits; i++)
		if ((v = digit(s[i], &seen)) < 0)
			return CS_E_B64;
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
	unsigned bits = 0, seen = 0;
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
		acc = acc << 6 | (uint32_t)digit(s[i], &seen);
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
