/* SPDX-License-Identifier: Apache-2.0 */
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "host-tools/install.h"
#include "lib/file.h"
#include "lib/hex.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/*
 * "HOW\n" and lines of hex: a file.  A '#' and what follows it on the line are
 * for people; "*N" behind a byte repeats it.  In one piece and in pieces it
 * has one digest, or is refused for one reason; what is taken can be given a
 * signature, and is then refused for that.
 */
#define FILE_MAX_LEN (256u << 10)

static const struct {
	const char *name;
	enum filehash_how how;
	enum sigfmt_install install;
	int is_signed;
} hows[] = {
	{ "all", FILEHASH_ALL, SIGFMT_APPEND, 0 },
	{ "pe", FILEHASH_PE, SIGFMT_PE, CS_E_FORMAT_PE_SIGNED },
	{ "rpm", FILEHASH_RPM, SIGFMT_RPM, CS_E_FORMAT_RPM_SIGNED },
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

static void
sign_it(size_t i, const uint8_t *p, size_t n)
{
	static const uint8_t sig[] = "0123\0\1 signature";
	_cleanup_fd_ int in = memfd_create("in", MFD_CLOEXEC);
	_cleanup_fd_ int out = memfd_create("out", MFD_CLOEXEC);
	_cleanup_free_ uint8_t *all = NULL;
	struct subject s = { .name = NULL };
	const struct install x = { &s, in, out, n, sig, sizeof(sig) };
	uint8_t md[HASH_MAX_LEN];
	size_t len;
	int r;

	if (fd_write_all(in, p, n) != 0 || lseek(in, 0, SEEK_SET) != 0 ||
	    sha256(p, n, s.digest[HASH_SHA256]) != 0)
		abort();
	r = install_write(hows[i].install, &x, NULL);
	/* a package's signature header is not looked at in all ways before */
	if (r != 0 && hows[i].install == SIGFMT_RPM)
		return;
	if (r != 0 || fd_read_file(out, 1 << 22, &all, &len, NULL) != 0)
		abort();
	r = digest(hows[i].how, all, len, len, md, NULL);
	if (r != hows[i].is_signed &&
	    !(r == CS_E_FORMAT_FILE && hows[i].install == SIGFMT_RPM))
		abort();
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
		if (r == 0)
			sign_it(i, file, n);
	}
	return 0;
}
