/* SPDX-License-Identifier: Apache-2.0 */
#include "host-tools/install_impl.h"

#include <errno.h>
#include <string.h>

#include "lib/file.h"

#define CHUNK (256u << 10)

static inline void
hasher_freep(struct hasher **h)
{
	hasher_free(h);
}

int
install_copy(const struct install *x, struct diag *d)
{
	return install_copy_behind(x, NULL, 0, 0, d);
}

int
install_copy_behind(const struct install *x, const uint8_t *head, size_t len,
    size_t skip, struct diag *d)
{
	_cleanup_(hasher_freep) struct hasher *h = NULL;
	_cleanup_free_ uint8_t *chunk = malloc(CHUNK);
	uint8_t md[CS_SHA256_LEN];
	size_t left;
	ssize_t n;
	int r;

	if (chunk == NULL)
		return diag_nomem(d);
	if (len > 0 && fd_write_all(x->out, head, len) != 0)
		return diag_errno(d, CS_E_IO, "the new file");
	r = hasher_new(HASH_SHA256, &h);
	while (r == 0 && (n = read(x->in, chunk, CHUNK)) != 0) {
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return diag_errno(d, CS_E_IO, "the artifact");
		r = hasher_update(h, chunk, (size_t)n);
		left = skip < (size_t)n ? skip : (size_t)n;
		skip -= left;
		if (r == 0 &&
		    fd_write_all(x->out, chunk + left, (size_t)n - left) != 0)
			return diag_errno(d, CS_E_IO, "the new file");
	}
	if (r == 0)
		r = hasher_final(h, md, sizeof(md));
	if (r != 0)
		return diag_fail(d, r, NULL, "hashing");
	if (memcmp(md, x->subject->digest[HASH_SHA256], sizeof(md)) != 0)
		return diag_fail(d, CS_E_HOST_CHANGED, "what was signed",
		    "other bytes than before");
	return 0;
}

static int
put_signature(const struct install *x, struct diag *d)
{
	return fd_write_all(x->out, x->sig, x->len) == 0 ?
	    0 :
	    diag_errno(d, CS_E_IO, "the new file");
}

static int
append(const struct install *x, struct diag *d)
{
	int r = install_copy(x, d);

	return r != 0 ? r : put_signature(x, d);
}

static const struct {
	int (*write)(const struct install *x, struct diag *d);
	const char *about;
} ways[SIGFMT_INSTALLS] = {
	[SIGFMT_DETACHED] = { put_signature,
	    "detached: nothing to install, here is the file" },
	[SIGFMT_APPEND] = { append, "appended to the artifact" },
	[SIGFMT_PE] = { install_pe,
	    "in the image's certificate table, with its checksum" },
	[SIGFMT_RPM] = { install_rpm, "in the package's signature header" },
	[SIGFMT_WHOLE] = { put_signature,
	    "a file that has the artifact in it" },
};

int
install_write(enum sigfmt_install how, const struct install *x, struct diag *d)
{
	return ways[how].write(x, d);
}

const char *
install_about(enum sigfmt_install how)
{
	return ways[how].about;
}
