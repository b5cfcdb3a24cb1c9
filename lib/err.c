/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/err.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

static const struct {
	const char *id;
	enum cs_exit exit;
	const char *text;
	const char *advice;
} table[] = {
#define CS_X(code, id, exit, text, advice) { id, exit, text, advice },
#include "lib/errors/all.def"
#undef CS_X
};

static size_t
table_index(int code)
{
	if (code <= CS_ERR_MIN || code >= CS_ERR_MAX)
		return 0; /* CS_E_INTERNAL is first */
	return (size_t)(code - CS_ERR_MIN - 1);
}

const char *
err_id(int code)
{
	return code == 0 ? "OK" : table[table_index(code)].id;
}

const char *
err_text(int code)
{
	return code == 0 ? "no error" : table[table_index(code)].text;
}

const char *
err_advice(int code)
{
	return code == 0 ? "" : table[table_index(code)].advice;
}

int
err_exit(int code)
{
	return code == 0 ? CS_EXIT_OK : (int)table[table_index(code)].exit;
}

int
err_from_id(const char *id)
{
	size_t i;

	for (i = 0; i < ARRAY_LEN(table); i++)
		if (strcmp(table[i].id, id) == 0)
			return CS_ERR_MIN + 1 + (int)i;
	return 0;
}

/* Keeps printable ASCII; anything else becomes '?'. */
static void
clean(char *s)
{
	for (; *s != '\0'; s++)
		if (*s < 0x20 || *s > 0x7e)
			*s = '?';
}

static void
set_expected(struct diag *d, int code, const char *expected)
{
	d->code = code;
	(void)snprintf(d->expected, sizeof(d->expected), "%s",
	    expected == NULL ? "" : expected);
	clean(d->expected);
}

int
diag_fail(struct diag *d, int code, const char *expected, const char *fmt, ...)
{
	va_list ap;

	if (d == NULL)
		return code;
	set_expected(d, code, expected);
	va_start(ap, fmt);
	(void)vsnprintf(d->found, sizeof(d->found), fmt, ap);
	va_end(ap);
	clean(d->found);
	return code;
}

int
diag_errno(struct diag *d, int code, const char *fmt, ...)
{
	int saved = errno;
	va_list ap;
	size_t n;

	if (d == NULL)
		return code;
	set_expected(d, code, NULL);
	va_start(ap, fmt);
	(void)vsnprintf(d->found, sizeof(d->found), fmt, ap);
	va_end(ap);
	n = strlen(d->found);
	(void)snprintf(d->found + n, sizeof(d->found) - n, ": %s",
	    strerror(saved));
	clean(d->found);
	return code;
}

int
diag_nomem(struct diag *d)
{
	return diag_fail(d, CS_E_NOMEM, NULL, "out of memory");
}

void
diag_format(const struct diag *d, char *out, size_t size)
{
	int n;

	n = snprintf(out, size, "%s: %s\n", err_id(d->code), err_text(d->code));
	if (d->found[0] != '\0' && n > 0 && (size_t)n < size)
		n += snprintf(out + n, size - (size_t)n, "  found: %s\n",
		    d->found);
	if (d->expected[0] != '\0' && n > 0 && (size_t)n < size)
		n += snprintf(out + n, size - (size_t)n, "  expected: %s\n",
		    d->expected);
	if (err_advice(d->code)[0] != '\0' && n > 0 && (size_t)n < size)
		(void)snprintf(out + n, size - (size_t)n, "  what to do: %s\n",
		    err_advice(d->code));
}
