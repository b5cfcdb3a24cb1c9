/* SPDX-License-Identifier: Apache-2.0 */

#include <stdio.h>
#include <string.h>

#include "lib/change.h"
#include "lib/hex.h"
#include "lib/request_impl.h"

#define REQUEST_MAX_EVIDENCE 10000u

void
request_free(struct request **r)
{
	if (*r == NULL)
		return;
	statement_free(&(*r)->st);
	free((*r)->evidence);
	free(*r);
	*r = NULL;
}

static int
by_name(const void *a, const void *b)
{
	const struct subject *const *x = a, *const *y = b;

	return strcmp((*x)->name, (*y)->name);
}

static int
by_digest(const void *a, const void *b)
{
	const struct subject *const *x = a, *const *y = b;

	return memcmp((*x)->digest[HASH_SHA256], (*y)->digest[HASH_SHA256], 32);
}

/* Distinct names and contents, by sorting: there may be 10,000. */
static int
check_subjects(const struct statement *st, struct diag *d)
{
	static int (*const order[])(const void *, const void *) = { by_name,
		by_digest };
	_cleanup_free_ const struct subject **v = NULL;
	size_t i, k, n = st->nsubjects;

	v = calloc(n, sizeof(struct subject *));
	if (v == NULL)
		return diag_nomem(d);
	for (i = 0; i < n; i++) {
		v[i] = &st->subjects[i];
		if (!v[i]->has[HASH_SHA256])
			return diag_fail(d, CS_E_REQ_DIGEST,
			    "sha256 for every artifact", "none for %.100s",
			    v[i]->name);
	}
	for (k = 0; k < ARRAY_LEN(order); k++) {
		qsort(v, n, sizeof(*v), order[k]);
		for (i = 1; i < n; i++)
			if (order[k](&v[i - 1], &v[i]) == 0)
				return diag_fail(d, CS_E_REQ_SUBJECT_DUP,
				    "distinct names and contents",
				    "%.90s and %.90s", v[i - 1]->name,
				    v[i]->name);
	}
	return 0;
}

/* A text stands for its artifact: it is what the digest is of. */
static int
check_texts(const struct statement *st, struct diag *d)
{
	const struct subject *s;
	uint8_t md[HASH_MAX_LEN];
	size_t i;
	int h, r;

	for (i = 0; i < st->nsubjects; i++) {
		s = &st->subjects[i];
		if (s->text == NULL)
			continue;
		if (s->text_len != s->size)
			return diag_fail(d, CS_E_REQ_TEXT,
			    "the artifact's size", "%zu bytes for %.100s",
			    s->text_len, s->name);
		for (h = 0; h < HASH_COUNT; h++) {
			r = hash_of((enum hash_alg)h, s->text, s->text_len, md);
			if (r != 0)
				return r;
			if (s->has[h] &&
			    memcmp(md, s->digest[h],
				hash_len((enum hash_alg)h)) != 0)
				return diag_fail(d, CS_E_REQ_TEXT,
				    "the artifact's digest",
				    "another text for %.100s", s->name);
		}
	}
	return 0;
}

static int
evidence_cmp(const void *a, const void *b)
{
	const struct request_evidence *const *x = a, *const *y = b;

	return memcmp((*x)->sha256, (*y)->sha256, 32);
}

static int
check_evidence(const struct request *r, struct diag *d)
{
	_cleanup_free_ const struct request_evidence **v = NULL;
	size_t i;

	v = calloc(r->nevidence + 1, sizeof(struct request_evidence *));
	if (v == NULL)
		return diag_nomem(d);
	for (i = 0; i < r->nevidence; i++)
		v[i] = &r->evidence[i];
	qsort(v, r->nevidence, sizeof(*v), evidence_cmp);
	for (i = 1; i < r->nevidence; i++)
		if (evidence_cmp(&v[i - 1], &v[i]) == 0)
			return diag_fail(d, CS_E_REQ_EVIDENCE_DUP,
			    "each content once", "%.90s and %.90s",
			    v[i - 1]->name, v[i]->name);
	return 0;
}

int
request_parse_evidence(const json_t *list, struct request *r, struct diag *d)
{
	size_t i, n = json_array_size(list);
	char path[48];
	int e;

	if (n > REQUEST_MAX_EVIDENCE)
		return diag_fail(d, CS_E_TOO_LARGE, "at most 10000 entries",
		    "%zu at /evidence", n);
	if (n == 0)
		return 0;
	r->evidence = calloc(n, sizeof(*r->evidence));
	if (r->evidence == NULL)
		return diag_nomem(d);
	r->nevidence = n;
	for (i = 0; i < n; i++) {
		struct request_evidence *v = &r->evidence[i];
		const struct json_field f[] = {
			{ "name", JK_LABEL, true, &v->name, NULL },
			{ "sha256", JK_HEX32, true, v->sha256, NULL },
			{ "size", JK_U64, true, &v->size, NULL },
		};

		(void)snprintf(path, sizeof(path), "/evidence/%zu", i);
		e = json_fields(json_array_get(list, i), path, f, ARRAY_LEN(f),
		    d);
		if (e != 0)
			return e;
	}
	return check_evidence(r, d);
}

int
request_check_id(const char *id, struct diag *d)
{
	if (!hex_is(id, REQUEST_ID_DIGITS))
		return diag_fail(d, CS_E_REQ_ID, "32 lower-case hex digits",
		    "%.80s", id);
	return 0;
}

static int
parse_origin(json_t *j, struct request *r, struct diag *d)
{
	const struct json_field f[] = {
		{ "branch", JK_LABEL, false, &r->branch, NULL },
		{ "commit", JK_LABEL, true, &r->commit, NULL },
		{ "pipeline", JK_LABEL, true, &r->pipeline, NULL },
		{ "run", JK_LABEL, true, &r->run, NULL },
		{ "system", JK_LABEL, true, &r->system, NULL },
		{ "user", JK_LABEL, true, &r->user, NULL },
	};

	r->branch = "";
	return json_fields(j, "/origin", f, ARRAY_LEN(f), d);
}

static int
parse_predicate(struct request *r, struct diag *d)
{
	json_t *evidence = NULL, *origin = NULL;
	const struct json_field f[] = {
		{ "break_glass", JK_LABEL, false, &r->break_glass, NULL },
		{ "created", JK_TIME, true, &r->created, NULL },
		{ "evidence", JK_ARR, true, &evidence, NULL },
		{ "format", JK_LABEL, true, &r->format, NULL },
		{ "id", JK_LABEL, true, &r->id, NULL },
		{ "key", JK_LABEL, true, &r->key, NULL },
		{ "origin", JK_OBJ, true, &origin, NULL },
		{ "product", JK_LABEL, true, &r->product, NULL },
		{ "version", JK_LABEL, true, &r->version, NULL },
	};
	int e = json_fields(r->st->predicate, "", f, ARRAY_LEN(f), d);

	if (e != 0)
		return e;
	e = request_check_id(r->id, d);
	if (e == 0)
		e = parse_origin(origin, r, d);
	return e != 0 ? e : request_parse_evidence(evidence, r, d);
}

int
request_parse(const void *payload, size_t len, struct request **ret,
    struct diag *d)
{
	_cleanup_request_ struct request *r = calloc(1, sizeof(*r));
	int e;

	if (r == NULL)
		return diag_nomem(d);
	e = statement_parse(payload, len, PRED_REQUEST, &r->st, d);
	if (e != 0)
		return e;
	memcpy(r->digest, r->st->digest, sizeof(r->digest));
	e = parse_predicate(r, d);
	if (e == 0)
		e = check_subjects(r->st, d);
	if (e == 0)
		e = check_texts(r->st, d);
	if (e == 0)
		e = statement_subject_root(r->st->subjects, r->st->nsubjects,
		    r->subject_root);
	if (e != 0)
		return e;
	*ret = take_ptr(r);
	return 0;
}

int
request_parse_any(const void *payload, size_t len, struct request **ret,
    struct diag *d)
{
	struct diag why = { 0 };
	int r;

	r = request_parse(payload, len, ret, d);
	if (r != CS_E_STATEMENT_PREDICATE)
		return r;
	r = change_parse(payload, len, ret, &why);
	if (r == CS_E_STATEMENT_PREDICATE)
		return diag_fail(d, r, PRED_REQUEST " or " PRED_CHANGE, "%s",
		    why.found);
	if (d != NULL)
		*d = why;
	return r;
}

json_t *
request_evidence_json(const struct request_evidence *v, size_t n)
{
	_cleanup_json_ json_t *list = json_array();
	size_t i;

	if (list == NULL)
		return NULL;
	for (i = 0; i < n; i++)
		if (json_array_append_new(list,
			json_pack("{s:s, s:o, s:I}", "name", v[i].name,
			    "sha256", json_hex32(v[i].sha256), "size",
			    (json_int_t)v[i].size)) != 0)
			return NULL;
	return take_ptr(list);
}

/* jansson refuses text that is not UTF-8; say so, and not "no memory". */
static int
check_text(const struct request_new *n)
{
	const char *const all[] = { n->id, n->product, n->version, n->key,
		n->format, n->user, n->system, n->pipeline, n->run, n->commit,
		n->branch, n->break_glass };
	const char *out = NULL;
	const size_t required = ARRAY_LEN(all) - 2;
	size_t i;
	int r = 0;

	for (i = 0; r == 0 && i < ARRAY_LEN(all); i++) {
		_cleanup_json_ json_t *s = json_string(all[i]);

		if (all[i] == NULL && i >= required)
			continue;
		r = s == NULL ? CS_E_JSON_VALUE :
				json_label(s, "", i, &out, NULL);
	}
	for (i = 0; r == 0 && i < n->nsubjects; i++) {
		_cleanup_json_ json_t *s = json_string(n->subjects[i].name);

		r = s == NULL ? CS_E_JSON_VALUE :
				json_label(s, "", i, &out, NULL);
	}
	for (i = 0; r == 0 && i < n->nevidence; i++) {
		_cleanup_json_ json_t *s = json_string(n->evidence[i].name);

		r = s == NULL ? CS_E_JSON_VALUE :
				json_label(s, "", i, &out, NULL);
	}
	return r;
}

int
request_format(const struct request_new *n, char **ret, size_t *ret_len)
{
	_cleanup_request_ struct request *check = NULL;
	_cleanup_free_ char *text = NULL;
	json_t *p;
	size_t len = 0;
	int r = check_text(n);

	if (r != 0)
		return r;
	p = json_pack("{s:o, s:o, s:s, s:s, s:s, s:s, s:s, "
		      "s:{s:s*, s:s, s:s, s:s, s:s, s:s}, s:s*}",
	    "created", json_time(n->created), "evidence",
	    request_evidence_json(n->evidence, n->nevidence), "format",
	    n->format, "id", n->id, "key", n->key, "product", n->product,
	    "version", n->version, "origin", "branch", n->branch, "commit",
	    n->commit, "pipeline", n->pipeline, "run", n->run, "system",
	    n->system, "user", n->user, "break_glass", n->break_glass);
	if (p == NULL)
		return CS_E_NOMEM;
	r = statement_format(n->subjects, n->nsubjects, PRED_REQUEST, p, &text,
	    &len);
	/* nothing leaves that would be refused on the other side */
	if (r == 0)
		r = request_parse(text, len, &check, NULL);
	if (r != 0)
		return r;
	*ret = take_ptr(text);
	*ret_len = len;
	return 0;
}
