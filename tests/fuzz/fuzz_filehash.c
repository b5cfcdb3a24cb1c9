/* SPDX-License-Identifier: Apache-2.0 */
#include <stdlib.h>
#include <string.h>

#include "lib/filehash.h"
#include "lib/hex.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/*
 * "HOW\n" and lines of hex: a file.  A '#' and what follows it on the line are
 * for people; "*N" behind a byte repeats it.  In one piece and in pieces it
 * has one digest, or is refused for one reason.
 */
#define FILE_MAX_LEN (256u << 10)

static const struct {
	const char *name;
	enum filehash_how how;
} hows[] = {
	{ "all", FILEHASH_ALL },
	{ "pe", FILEHASH_PE },
	{ "rpm", FILEHASH_RPM },
};

static size_t
unhex(const char *p, const char *end, uint8_t *out)
{
	size_t n = 0, times;

	while (p < end && n < FILE_MAX_LEN) {
		if (*p == '#')
			while (p < end && *p != '\n')
				p++;
		else if (*p == '*' && n > 0) {
			for (times = 0, p++; p < end && *p >= '0' && *p <= '9';)
				times = (times * 10 + (size_t)(*p++ - '0')) %
				    FILE_MAX_LEN;
			for (; times > 1 && n < FILE_MAX_LEN; times--, n++)
				out[n] = out[n - 1];
		} else if (end - p >= 2 &&
		    hex_decode((const char[]){ p[0], p[1], '\0' }, out + n,
			1) == 0) {
			n++;
			p += 2;
		} else
			p++;
	}
	return n;
}

static int
digest(enum filehash_how how, const uint8_t *p, size_t n, size_t step,
    uint8_t md[HASH_MAX_LEN], struct diag *d)
{
	_cleanup_filehash_ struct filehash *h = NULL;
	size_t len, part;

	if (filehash_new(how, HASH_SHA256, "end", 3, &h) != 0 ||
	    filehash_start(h, n) != 0)
		abort();
	for (; n > 0; p += part, n -= part) {
		part = n < step ? n : step;
		if (filehash_update(h, p, part) != 0)
			abort();
	}
	return filehash_final(h, md, &len, d);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static uint8_t file[FILE_MAX_LEN];
	const uint8_t *nl = size == 0 ? NULL : memchr(data, '\n', size);
	uint8_t a[HASH_MAX_LEN] = { 0 }, b[HASH_MAX_LEN] = { 0 };
	struct diag da = { 0 }, db = { 0 };
	size_t i, n, name;
	int r;

	if (nl == NULL)
		return 0;
	name = (size_t)(nl - data);
	n = unhex((const char *)nl + 1, (const char *)data + size, file);
	for (i = 0; i < ARRAY_LEN(hows); i++) {
		if (strlen(hows[i].name) != name ||
		    memcmp(hows[i].name, data, name) != 0)
			continue;
		r = digest(hows[i].how, file, n, n + 1, a, &da);
		if (r != digest(hows[i].how, file, n, 7, b, &db) ||
		    memcmp(a, b, sizeof(a)) != 0 ||
		    strcmp(da.found, db.found) != 0)
			abort();
	}
	return 0;
}
