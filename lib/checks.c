/* SPDX-License-Identifier: Apache-2.0 */
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "lib/request.h"

void
checks_done(struct checks *c)
{
	free(c->v);
	c->v = NULL;
	c->n = 0;
}

static int
add(struct checks *c, const struct diag *d, bool pass)
{
	struct check *v = reallocarray(c->v, c->n + 1, sizeof(*v));

	if (v == NULL)
		return CS_E_NOMEM;
	c->v = v;
	v += c->n++;
	memset(v, 0, sizeof(*v));
	v->code = d->code;
	v->pass = pass;
	memcpy(v->found, d->found, sizeof(v->found));
	memcpy(v->expected, d->expected, sizeof(v->expected));
	return 0;
}

int
checks_add(struct checks *c, int code, bool pass, const char *expected,
    const char *fmt, ...)
{
	char found[sizeof(((struct diag *)0)->found)];
	struct diag d = { 0 };
	va_list ap;

	va_start(ap, fmt);
	(void)vsnprintf(found, sizeof(found), fmt, ap);
	va_end(ap);
	/* diag_fail() leaves printable ASCII only */
	(void)diag_fail(&d, code, expected, "%s", found);
	return add(c, &d, pass);
}

int
checks_add_diag(struct checks *c, const struct diag *d)
{
	return add(c, d, d->code == 0);
}

size_t
checks_failed(const struct checks *c)
{
	size_t i, n = 0;

	for (i = 0; i < c->n; i++)
		if (!c->v[i].pass)
			n++;
	return n;
}

int
checks_verdict(const struct checks *c, struct diag *d)
{
	size_t i;

	for (i = 0; i < c->n; i++)
		if (!c->v[i].pass)
			return diag_fail(d, c->v[i].code, c->v[i].expected,
			    "%s", c->v[i].found);
	return 0;
}
