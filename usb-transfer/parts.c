/* SPDX-License-Identifier: Apache-2.0 */

/* Names and sizes of the parts that a large bundle lies in. */

#include "usb-transfer/parts.h"

#include <stdio.h>
#include <string.h>

/* What stands before the two digits: COLDSEAL.REQ, COLDSEAL.R01, ... */
static const struct {
	const char *name;
	char letter;
} letters[] = {
	{ "COLDSEAL.REQ", 'R' },
	{ "COLDSEAL.RSP", 'S' },
	{ "COLDSEAL.AUD", 'A' },
};

static char
letter_of(const char *name)
{
	size_t i;

	for (i = 0; i < ARRAY_LEN(letters); i++)
		if (strcmp(letters[i].name, name) == 0)
			return letters[i].letter;
	return '\0';
}

size_t
parts_allowed(const char *name)
{
	return letter_of(name) != '\0' ? PARTS_MAX : 1;
}

void
part_name(const char *name, size_t i, char ret[PART_NAME])
{
	if (i == 0)
		(void)snprintf(ret, PART_NAME, "%s", name);
	else
		(void)snprintf(ret, PART_NAME, "COLDSEAL.%c%02u",
		    letter_of(name), (unsigned)(i % PARTS_MAX));
}

int
parts_count(const char *name, uint64_t size, uint32_t part_bytes, size_t *ret,
    struct diag *d)
{
	const uint64_t most = (uint64_t)part_bytes * parts_allowed(name);

	if (size > most)
		return diag_fail(d, CS_E_MEDIA_SPACE,
		    "a bundle that fits its parts",
		    "%s has %llu bytes, more than %llu", name,
		    (unsigned long long)size, (unsigned long long)most);
	*ret = size == 0 ? 1 : (size_t)((size + part_bytes - 1) / part_bytes);
	return 0;
}

/* Part i of n, n above 1: all but the last are full, that one is not empty. */
static int
check_size(const char *name, const struct part *v, size_t i, size_t n,
    uint32_t part_bytes, struct diag *d)
{
	char is[PART_NAME], next[PART_NAME];

	part_name(name, i, is);
	if (i + 1 == n) {
		if (v[i].size > 0 && v[i].size <= part_bytes)
			return 0;
		return diag_fail(d, CS_E_MEDIA_PART_SIZE,
		    "a last part that is neither empty nor above the limit",
		    "%s has %llu bytes", is, (unsigned long long)v[i].size);
	}
	if (v[i].size == part_bytes)
		return 0;
	part_name(name, i + 1, next);
	return diag_fail(d, CS_E_MEDIA_PART_SIZE,
	    "4294901760 bytes in every part but the last",
	    "%s has %llu bytes, and there is a %s", is,
	    (unsigned long long)v[i].size, next);
}

int
parts_check(const char *name, const struct part v[PARTS_MAX],
    uint32_t part_bytes, size_t *ret_n, struct diag *d)
{
	char is[PART_NAME], other[PART_NAME];
	size_t n = parts_allowed(name), i;
	int r = 0;

	while (n > 0 && !v[n - 1].there)
		n--;
	for (i = 0; i < n; i++) {
		if (v[i].there)
			continue;
		part_name(name, i, is);
		part_name(name, n - 1, other);
		return diag_fail(d, CS_E_MEDIA_PART_MISSING, is,
		    "%s, but no %s", other, is);
	}
	for (i = 0; r == 0 && n > 1 && i < n; i++)
		r = check_size(name, v, i, n, part_bytes, d);
	if (r == 0)
		*ret_n = n;
	return r;
}
