/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/b32.h"

static const char alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";

void
b32_encode(const uint8_t *in, size_t len, char *out)
{
	unsigned bits = 0;
	uint32_t acc = 0;
	size_t i;

	for (i = 0; i < len; i++) {
		acc = (acc << 8 | in[i]) & 0xfff;
		for (bits += 8; bits >= 5; bits -= 5)
			*out++ = alphabet[acc >> (bits - 5) & 31];
	}
	if (bits > 0)
		*out++ = alphabet[acc << (5 - bits) & 31];
	*out = '\0';
}

/* 0..31, or -1 */
static int
digit(char c)
{
	if (c >= 'A' && c <= 'Z')
		return c - 'A';
	return c >= '2' && c <= '7' ? c - '2' + 26 : -1;
}

int
b32_decode(const char *s, size_t slen, uint8_t *out, size_t size,
    size_t *ret_len)
{
	const size_t n = slen / 8 * 5 + slen % 8 * 5 / 8;
	unsigned bits = 0;
	uint32_t acc = 0;
	size_t i, o = 0;

	/* 1, 3 and 6 digits are no number of bytes */
	if (b32_enc_len(n) != slen)
		return CS_E_B64;
	for (i = 0; i < slen; i++)
		if (digit(s[i]) < 0)
			return CS_E_B64;
	/* bits of the last digit that belong to no byte */
	bits = (unsigned)(slen * 5 - n * 8);
	if (slen > 0 && (digit(s[slen - 1]) & ((1 << bits) - 1)) != 0)
		return CS_E_B64;
	if (n > size)
		return CS_E_TOO_LARGE;
	for (bits = 0, i = 0; i < slen; i++) {
		acc = (acc << 5 | (uint32_t)digit(s[i])) & 0xfff;
		bits += 5;
		if (bits >= 8) {
			bits -= 8;
			out[o++] = (uint8_t)(acc >> bits);
		}
	}
	*ret_len = n;
	return 0;
}
