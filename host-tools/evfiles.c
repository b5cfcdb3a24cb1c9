/* SPDX-License-Identifier: Apache-2.0 */
#include "host-tools/evfiles.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>

#include "lib/file.h"
#include "lib/hex.h"

#define DOC_MAX (16u << 20) /* bytes, PROTOCOL.bundle */

void
evfiles_done(struct evfiles *e)
{
	size_t i;

	for (i = 0; i < e->n; i++)
		free((void *)(uintptr_t)e->v[i].data);
	free(e->v);
	e->v = NULL;
	e->n = 0;
}

/* takes data */
static int
push(struct evfiles *e, const char *name, uint8_t *data, size_t len,
    struct diag *d)
{
	_cleanup_free_ uint8_t *owned = data;
	struct evidence_doc *v = reallocarray(e->v, e->n + 1, sizeof(*v));

	if (v == NULL)
		return diag_nomem(d);
	e->v = v;
	v[e->n++] = (struct evidence_doc){ name, take_ptr(owned), len };
	return 0;
}

int
evfiles_read(const struct reqfile *f, struct evfiles *e, struct diag *d)
{
	char name[101], hex[CS_SHA256_HEX + 1];
	uint8_t *data = NULL;
	size_t i, len = 0;
	int r = 0;

	if (f->bundle == NULL)
		return 0;
	for (i = 0; r == 0 && i < f->req->nevidence; i++) {
		hex_encode(f->req->evidence[i].sha256, 32, hex);
		(void)snprintf(name, sizeof(name), "evidence/%s", hex);
		if (package_find(f->bundle, name) == NULL)
			continue;
		r = package_read(f->bundle, name, DOC_MAX, &data, &len, d);
		if (r == 0)
			r = push(e, f->req->evidence[i].name, data, len, d);
	}
	return r;
}

static int
name_it(struct request *r, const char *name, const uint8_t *data, size_t len,
    struct diag *d)
{
	struct request_evidence *v;
	int e;

	v = reallocarray(r->evidence, r->nevidence + 1, sizeof(*v));
	if (v == NULL)
		return diag_nomem(d);
	r->evidence = v;
	v += r->nevidence;
	v->name = name;
	v->size = len;
	e = sha256(data, len, v->sha256);
	if (e != 0)
		return diag_fail(d, e, NULL, "hashing");
	r->nevidence++;
	return 0;
}

int
evfiles_add(struct reqfile *f, const char *path, struct evfiles *e,
    struct diag *d)
{
	const char *slash = strrchr(path, '/');
	uint8_t *data = NULL;
	size_t len = 0;
	int r;

	r = file_read(AT_FDCWD, path, DOC_MAX, &data, &len, d);
	if (r != 0)
		return r;
	r = push(e, slash == NULL ? path : slash + 1, data, len, d);
	return r != 0 ?
	    r :
	    name_it(f->req, e->v[e->n - 1].name, e->v[e->n - 1].data, len, d);
}
