/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>
#include <string.h>

#include "lib/evidence_impl.h"

/*
 * RFC 3339 5.6: date "T" time [fraction] ("Z" / offset), as scanners and
 * builders write it.  A fraction is cut off; lower case t and z are allowed.
 */
#define BASE_LEN 19u

static int
two(const char *s)
{
	if (s[0] < '0' || s[0] > '9' || s[1] < '0' || s[1] > '9')
		return -1;
	return (s[0] - '0') * 10 + (s[1] - '0');
}

/* seconds east of UTC of "Z" or "+hh:mm"; nothing may follow */
static int
offset(const char *s, int64_t *ret)
{
	int h, m;

	if ((s[0] == 'Z' || s[0] == 'z') && s[1] == '\0') {
		*ret = 0;
		return 0;
	}
	if ((s[0] != '+' && s[0] != '-') || strlen(s) != 6 || s[3] != ':')
		return CS_E_TIME;
	h = two(s + 1);
	m = two(s + 4);
	if (h < 0 || h > 23 || m < 0 || m > 59)
		return CS_E_TIME;
	*ret = (s[0] == '+' ? 1 : -1) * (h * 3600 + m * 60);
	return 0;
}

int
evidence_time_parse(const char *s, int64_t *ret)
{
	char base[BASE_LEN + 2];
	int64_t t = 0, east = 0;

	if (strnlen(s, BASE_LEN + 1) <= BASE_LEN)
		return CS_E_TIME;
	memcpy(base, s, BASE_LEN);
	base[BASE_LEN] = 'Z';
	base[BASE_LEN + 1] = '\0';
	if (base[10] == 't')
		base[10] = 'T';
	if (time_parse(base, &t) != 0)
		return CS_E_TIME;
	s += BASE_LEN;
	if (*s == '.') {
		size_t n = strspn(s + 1, "0123456789");

		if (n == 0)
			return CS_E_TIME;
		s += 1 + n;
	}
	if (offset(s, &east) != 0)
		return CS_E_TIME;
	*ret = t - east;
	return 0;
}

int
evidence_time(json_t *predicate, const char *path, struct evidence_facts *f,
    struct diag *d)
{
	json_t *v = evidence_get(predicate, path);
	const char *s = evidence_text(predicate, path);

	if (v == NULL)
		return 0;
	if (s == NULL || evidence_time_parse(s, &f->time) != 0)
		return diag_fail(d, CS_E_EVIDENCE_STATEMENT,
		    "a time like 2026-11-25T02:00:00Z", "%s: %.60s", path,
		    s == NULL ? "no such text" : s);
	f->dated = true;
	return 0;
}
