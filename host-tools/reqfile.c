/* SPDX-License-Identifier: Apache-2.0 */
#include "host-tools/reqfile.h"

#include <fcntl.h>
#include <string.h>

#include "lib/file.h"

void
reqfile_done(struct reqfile *f)
{
	package_free(&f->bundle);
	dsse_free(&f->env);
	request_free(&f->req);
}

static int
parse(const uint8_t *text, size_t len, struct reqfile *f, struct diag *d)
{
	int r = dsse_parse(text, len, &f->env, d);

	return r != 0 ?
	    r :
	    request_parse_any(f->env->payload, f->env->payload_len, &f->req, d);
}

int
reqfile_open(const char *path, struct reqfile *ret, struct diag *d)
{
	_cleanup_reqfile_ struct reqfile f = { 0 };
	_cleanup_free_ uint8_t *text = NULL;
	size_t len;
	int r;

	r = package_open(path, "request", &f.bundle, d);
	if (r == 0)
		r = package_read(f.bundle, "request.dsse", DSSE_MAX, &text,
		    &len, d);
	if (r == 0)
		r = parse(text, len, &f, d);
	if (r != 0)
		return r;
	*ret = f;
	memset(&f, 0, sizeof(f));
	return 0;
}

int
reqfile_open_any(const char *path, struct reqfile *ret, struct diag *d)
{
	_cleanup_reqfile_ struct reqfile f = { 0 };
	_cleanup_free_ uint8_t *text = NULL;
	size_t len = 0;
	int r;

	/* a bundle is larger than an envelope, or its first byte is no '{' */
	if (file_read(AT_FDCWD, path, DSSE_MAX, &text, &len, NULL) != 0 ||
	    len == 0 || text[0] != '{')
		return reqfile_open(path, ret, d);
	r = parse(text, len, &f, d);
	if (r != 0)
		return r;
	*ret = f;
	memset(&f, 0, sizeof(f));
	return 0;
}
