/* SPDX-License-Identifier: Apache-2.0 */
#include "usb-transfer/crc32c.h"

#include <string.h>

#define POLYNOMIAL 0x82f63b78u /* reflected */

/* table[k][b]: what the byte b does, k bytes before the end of eight */
static uint32_t table[8][256];

__attribute__((constructor)) static void
make_table(void)
{
	uint32_t b, c, k;

	for (b = 0; b < 256; b++) {
		for (c = b, k = 0; k < 8; k++)
			c = (c >> 1) ^ ((c & 1) != 0 ? POLYNOMIAL : 0);
		table[0][b] = c;
	}
	for (k = 1; k < 8; k++)
		for (b = 0; b < 256; b++) {
			c = table[k - 1][b];
			table[k][b] = (c >> 8) ^ table[0][c & 255];
		}
}

static uint32_t
eight(uint32_t c, const uint8_t *p)
{
	uint64_t v;

	_Static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__,
	    "the first byte is the lowest");
	memcpy(&v, p, sizeof(v));
	v ^= c;
	return table[7][v & 255] ^ table[6][v >> 8 & 255] ^
	    table[5][v >> 16 & 255] ^ table[4][v >> 24 & 255] ^
	    table[3][v >> 32 & 255] ^ table[2][v >> 40 & 255] ^
	    table[1][v >> 48 & 255] ^ table[0][v >> 56];
}

uint32_t
crc32c(const uint8_t *p, size_t n)
{
	uint32_t c = ~0u;

	for (; n >= 8; n -= 8, p += 8)
		c = eight(c, p);
	for (; n > 0; n--, p++)
		c = (c >> 8) ^ table[0][(c ^ *p) & 255];
	return ~c;
}
