/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/hex.h"

#include <string.h>

static const char digits[] = "0123456789abcdef";

void
hex_encode(const uint8_t *in, size_t len, char *out)
{
	size_t i;

	for (i = 0; i < len; i++) {
		*out++ = digits[in[i] >> 4];
		*out++ = digits[in[i] & 0x0f];
	}
	*out = '\0';
}

static int
nibble(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	return -1;
}

int
hex_is(const char *s, size_t n)
{
	size_t i;

	for (i = 0; i < n; i++)
		if (nibble(s[i]) < 0) /* the terminator too */
			return 0;
	return s[n] == '\0';
}

int
hex_decode(const char *in, uint8_t *out, size_t len)
{
	size_t i;

	if (len > SIZE_MAX / 2 || !hex_is(in, 2 * len))
		return CS_E_HEX;
	for (i = 0; i < len; i++)
		out[i] =
		    (uint8_t)(nibble(in[2 * i]) << 4 | nibble(in[2 * i + 1]));
	return 0;
}

int
hex_groups(const uint8_t *in, size_t len, char *out, size_t size)
{
	size_t i;

	/* two digits a byte, a space between pairs of bytes, the terminator */
	if (len > SIZE_MAX / 4 || size < 1 ||
	    2 * len + (len > 0 ? (len - 1) / 2 : 0) > size - 1)
		return CS_E_TOO_LARGE;
	*out = '\0';
	for (i = 0; i < len; i++) {
		if (i > 0 && i % 2 == 0)
			*out++ = ' ';
		hex_encode(&in[i], 1, out);
		out += 2;
	}
	return 0;
}

/* One byte as it is shown: at most four characters and the terminator. */
static size_t
show_byte(uint8_t c, char out[5])
{
	if (c == '\t' || c == '\n')
		c = ' ';
	if (c >= 0x20 && c <= 0x7e) {
		out[0] = (char)c;
		out[1] = '\0';
		return 1;
	}
	out[0] = '\\';
	out[1] = 'x';
	hex_encode(&c, 1, out + 2);
	return 4;
}

void
text_sanitise(const char *in, size_t len, char *out, size_t size)
{
	size_t i, n, room, at = 0, keep = 0;
	char one[5];

	if (size == 0)
		return;
	room = size - 1;
	for (i = 0; i < len; i++) {
		n = show_byte((uint8_t)in[i], one);
		if (n > room - at) {
			n = room - keep < 3 ? room - keep : 3;
			memset(out + keep, '.', n);
			out[keep + n] = '\0';
			return;
		}
		memcpy(out + at, one, n);
		at += n;
		if (room - at >= 3) /* where "..." may still begin */
			keep = at;
	}
	out[at] = '\0';
}
