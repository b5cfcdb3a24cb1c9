/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/utf8.h"

/* Unicode table 3-7: the second byte's range depends on the first. */
static const struct {
	uint8_t lo, hi; /* first byte */
	uint8_t len;
	uint8_t lo2, hi2; /* second byte */
} forms[] = {
	{ 0xc2, 0xdf, 2, 0x80, 0xbf },
	{ 0xe0, 0xe0, 3, 0xa0, 0xbf },
	{ 0xe1, 0xec, 3, 0x80, 0xbf },
	{ 0xed, 0xed, 3, 0x80, 0x9f },
	{ 0xee, 0xef, 3, 0x80, 0xbf },
	{ 0xf0, 0xf0, 4, 0x90, 0xbf },
	{ 0xf1, 0xf3, 4, 0x80, 0xbf },
	{ 0xf4, 0xf4, 4, 0x80, 0x8f },
};

size_t
utf8_char(const void *p, size_t len, uint32_t *ret_cp)
{
	const uint8_t *s = p;
	uint32_t cp;
	size_t i, k;

	if (s[0] < 0x80) {
		if (ret_cp != NULL)
			*ret_cp = s[0];
		return 1;
	}
	for (i = 0; i < ARRAY_LEN(forms); i++)
		if (s[0] >= forms[i].lo && s[0] <= forms[i].hi)
			break;
	if (i == ARRAY_LEN(forms) || len < forms[i].len ||
	    s[1] < forms[i].lo2 || s[1] > forms[i].hi2)
		return 0;
	cp = s[0] & (0x7fu >> forms[i].len);
	for (k = 1; k < forms[i].len; k++) {
		if ((s[k] & 0xc0) != 0x80)
			return 0;
		cp = cp << 6 | (s[k] & 0x3fu);
	}
	if (ret_cp != NULL)
		*ret_cp = cp;
	return forms[i].len;
}
