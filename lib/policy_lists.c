/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>
#include <string.h>

#include "lib/policy_impl.h"

/* Reads lists of the predicate: of texts, and of entries. */
#define PATH_LEN POLICY_PATH_LEN

static int
count(const json_t *list, const char *path, size_t max, size_t *ret,
    struct diag *d)
{
	size_t n = json_array_size(list);
	char most[40];

	(void)snprintf(most, sizeof(most), "at most %zu entries", max);
	if (n == 0)
		return diag_fail(d, CS_E_POLICY_EMPTY, "at least one entry",
		    "none at %s", path);
	if (n > max)
		return diag_fail(d, CS_E_TOO_LARGE, most, "%zu at %s", n, path);
	*ret = n;
	return 0;
}

int
policy_parse_list(const json_t *list, const char *parent, const char *name,
    struct policy_str_list *l, struct diag *d)
{
	char path[PATH_LEN];
	size_t n = 0;
	int r;

	(void)snprintf(path, sizeof(path), "%s/%s", parent, name);
	r = count(list, path, POLICY_LIST_MAX, &n, d);
	if (r != 0)
		return r;
	l->v = calloc(n, sizeof(*l->v));
	if (l->v == NULL)
		return diag_nomem(d);
	for (; l->n < n; l->n++) {
		const char *s = NULL;

		r = json_label(json_array_get(list, l->n), path, l->n, &s, d);
		if (r != 0)
			return r;
		if (policy_list_has(l, s))
			return diag_fail(d, CS_E_POLICY_TWICE, NULL,
			    "%.40s twice at %s", s, path);
		l->v[l->n] = s;
	}
	return 0;
}

int
policy_parse_name(const char *s, const char *path, struct diag *d)
{
	if (!policy_name_ok(s))
		return diag_fail(d, CS_E_POLICY_NAME,
		    "1 to 40 of a-z, 0-9 and dashes", "%.60s at %s", s, path);
	return 0;
}

/*
 * slot is the pointer that policy_free() looks through, *ret_n the entries it
 * looks at; both are set before the first entry, which may fail.
 */
int
policy_parse_entries(const json_t *list, const char *parent, const char *name,
    const struct policy_entry *e, void *slot, size_t *ret_n, struct diag *d)
{
	char path[PATH_LEN];
	uint8_t *base;
	size_t i, n = 0;
	int r;

	(void)snprintf(path, sizeof(path), "%.60s/%s", parent, name);
	r = count(list, path, e->max, &n, d);
	if (r != 0)
		return r;
	base = calloc(n, e->size);
	if (base == NULL)
		return diag_nomem(d);
	memcpy(slot, &base, sizeof(base));
	*ret_n = n;
	for (i = 0; i < n; i++) {
		(void)snprintf(path, sizeof(path), "%.60s/%s/%zu", parent, name,
		    i);
		r = e->parse(json_array_get(list, i), path, base + i * e->size,
		    d);
		if (r != 0)
			return r;
	}
	return 0;
}
