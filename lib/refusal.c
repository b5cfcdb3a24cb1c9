/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>
#include <string.h>

#include "lib/request.h"

void
refusal_free(struct refusal **r)
{
	if (*r == NULL)
		return;
	statement_free(&(*r)->st);
	free(*r);
	*r = NULL;
}

static int
parse_checks(const json_t *list, struct diag *d)
{
	const char *id = NULL, *text = NULL, *found = NULL, *expected = NULL;
	const char *advice = NULL;
	const struct json_field f[] = {
		{ "advice", JK_TEXT, true, &advice, NULL },
		{ "expected", JK_TEXT, true, &expected, NULL },
		{ "found", JK_TEXT, true, &found, NULL },
		{ "id", JK_LABEL, true, &id, NULL },
		{ "text", JK_STR, true, &text, NULL },
	};
	size_t i, n = json_array_size(list);
	char path[48];
	int r;

	if (n == 0)
		return diag_fail(d, CS_E_RECORD, "a failed check", "none");
	for (i = 0; i < n; i++) {
		(void)snprintf(path, sizeof(path), "/checks/%zu", i);
		r = json_fields(json_array_get(list, i), path, f, ARRAY_LEN(f),
		    d);
		if (r != 0)
			return r;
	}
	return 0;
}

static int
parse_predicate(struct refusal *r, struct diag *d)
{
	json_t *request = NULL;
	const struct json_field f[] = {
		{ "checks", JK_ARR, true, &r->checks, NULL },
		{ "origin", JK_LABEL, true, &r->origin, NULL },
		{ "request", JK_OBJ, true, &request, NULL },
		{ "time", JK_TIME, true, &r->time, NULL },
	};
	const struct json_field in_request[] = {
		/* empty when the request could not be read */
		{ "id", JK_NOTE, true, &r->request_id, NULL },
		{ "sha256", JK_HEX32, true, r->request_digest, NULL },
	};
	int e = json_fields(r->st->predicate, "", f, ARRAY_LEN(f), d);

	if (e == 0)
		e = json_fields(request, "/request", in_request,
		    ARRAY_LEN(in_request), d);
	if (e == 0)
		e = parse_checks(r->checks, d);
	if (e != 0)
		return e;
	if (!statement_is_about(r->st, "request", r->request_digest))
		return diag_fail(d, CS_E_STATEMENT_SUBJECT,
		    "one subject \"request\" with the request's SHA-256",
		    "another subject");
	return 0;
}

int
refusal_parse(const void *payload, size_t len, struct refusal **ret,
    struct diag *d)
{
	_cleanup_refusal_ struct refusal *r = calloc(1, sizeof(*r));
	int e;

	if (r == NULL)
		return diag_nomem(d);
	e = statement_parse(payload, len, PRED_REFUSAL, &r->st, d);
	if (e == 0)
		e = parse_predicate(r, d);
	if (e != 0)
		return e;
	*ret = take_ptr(r);
	return 0;
}

static json_t *
checks_json(const struct checks *c)
{
	_cleanup_json_ json_t *list = json_array();
	size_t i;

	if (list == NULL)
		return NULL;
	for (i = 0; i < c->n; i++) {
		const struct check *k = &c->v[i];

		if (k->pass)
			continue;
		if (json_array_append_new(list,
			json_pack("{s:s, s:s, s:s, s:s, s:s}", "advice",
			    err_advice(k->code), "expected", k->expected,
			    "found", k->found, "id", err_id(k->code), "text",
			    err_text(k->code))) != 0)
			return NULL;
	}
	return take_ptr(list);
}

int
refusal_format(const char *request_id, const uint8_t request_digest[32],
    const struct checks *c, const char *origin, int64_t time, char **ret,
    size_t *ret_len)
{
	_cleanup_refusal_ struct refusal *check = NULL;
	_cleanup_free_ char *text = NULL;
	json_t *p;
	size_t len = 0;
	int r;

	p = json_pack("{s:o, s:s, s:{s:s, s:o}, s:o}", "checks", checks_json(c),
	    "origin", origin, "request", "id",
	    request_id == NULL ? "" : request_id, "sha256",
	    json_hex32(request_digest), "time", json_time(time));
	if (p == NULL)
		return CS_E_NOMEM;
	r = statement_format_about("request", request_digest, PRED_REFUSAL, p,
	    &text, &len);
	if (r == 0)
		r = refusal_parse(text, len, &check, NULL);
	if (r != 0)
		return r;
	*ret = take_ptr(text);
	*ret_len = len;
	return 0;
}
