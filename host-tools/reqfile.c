/* SPDX-License-Identifier: Apache-2.0 */
#include "host-tools/reqfile.h"

#include <string.h>

void
reqfile_done(struct reqfile *f)
{
	package_free(&f->bundle);
	dsse_free(&f->env);
	request_free(&f->req);
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
		r = dsse_parse(text, len, &f.env, d);
	if (r == 0)
		r = request_parse(f.env->payload, f.env->payload_len, &f.req,
		    d);
	if (r != 0)
		return r;
	*ret = f;
	memset(&f, 0, sizeof(f));
	return 0;
}
