/* SPDX-License-Identifier: Apache-2.0 */
/*
 * in-toto Statement v1 of others (in-toto/attestation spec/v1/statement.md).
 * Its parsing rules: fields that are not known are ignored.  The JSON is
 * read strictly all the same, so that two readers cannot see two documents.
 */
#include <stdio.h>
#include <string.h>

#include "lib/evidence_impl.h"
#include "lib/hex.h"

/* Depth and number of values, before jansson allocates anything. */
static int
check_size(const char *p, size_t len, size_t max_values, int code,
    struct diag *d)
{
	size_t i, values = 1, depth = 0;
	bool in_string = false;

	for (i = 0; i < len; i++) {
		if (in_string) {
			if (p[i] == '\\')
				i++;
			else if (p[i] == '"')
				in_string = false;
			continue;
		}
		switch (p[i]) {
		case '"':
			in_string = true;
			break;
		case '{':
		case '[':
			depth++;
			values++;
			break;
		case '}':
		case ']':
			depth -= depth > 0;
			break;
		case ',':
			values++;
			break;
		default:
			break;
		}
		if (depth > EVIDENCE_DEPTH || values > max_values)
			return diag_fail(d, code,
			    "JSON of at most 64 levels and 500,000 values",
			    "more, at byte %zu", i);
	}
	return 0;
}

int
evidence_json(const void *data, size_t len, size_t max_values, int code,
    json_t **ret, struct diag *d)
{
	_cleanup_json_ json_t *j = NULL;
	json_error_t e;
	int r;

	if (len == 0 || len > EVIDENCE_MAX)
		return diag_fail(d, code, "JSON of at most 16 MiB", "%zu bytes",
		    len);
	/* jansson 2.14 skips a NUL that follows a number */
	if (memchr(data, '\0', len) != NULL)
		return diag_fail(d, code, "text without NUL bytes",
		    "a NUL byte");
	r = check_size(data, len, max_values, code, d);
	if (r != 0)
		return r;
	j = json_loadb(data, len, JSON_REJECT_DUPLICATES, &e);
	if (j == NULL && json_error_code(&e) == json_error_out_of_memory)
		return diag_nomem(d);
	if (j == NULL)
		return diag_fail(d, code, "JSON", "%.100s at %d:%d", e.text,
		    e.line, e.column);
	if (!json_is_object(j))
		return diag_fail(d, code, "a JSON object",
		    "another JSON value");
	*ret = take_ptr(j);
	return 0;
}

json_t *
evidence_get(json_t *j, const char *path)
{
	size_t n;

	for (; j != NULL; path += n + 1) {
		n = strcspn(path, "/");
		j = json_object_getn(j, path, n);
		if (path[n] == '\0')
			break;
	}
	return j;
}

const char *
evidence_text(json_t *j, const char *path)
{
	json_t *v = evidence_get(j, path);
	size_t n = json_string_length(v);

	return n == 0 || n > EVIDENCE_TEXT ? NULL : json_string_value(v);
}

void
evidence_statement_done(struct evidence_statement *s)
{
	free(s->sha256);
	s->sha256 = NULL;
	json_decref(s->root);
	s->root = NULL;
}

/* Digests of any algorithm may be there; only sha256 names an artifact. */
static int
read_subject(json_t *subject, size_t index, struct evidence_statement *s,
    struct diag *d)
{
	json_t *digest = json_object_get(subject, "digest"), *v;

	if (!json_is_object(digest) || json_object_size(digest) == 0)
		return diag_fail(d, CS_E_EVIDENCE_STATEMENT, "a map of digests",
		    "none in subject %zu", index);
	v = json_object_get(digest, "sha256");
	if (v == NULL)
		return 0;
	if (json_string_length(v) != CS_SHA256_HEX ||
	    hex_decode(json_string_value(v), s->sha256[s->nsha256], 32) != 0)
		return diag_fail(d, CS_E_EVIDENCE_STATEMENT,
		    "64 lower-case hex digits", "another sha256 in subject %zu",
		    index);
	s->nsha256++;
	return 0;
}

static int
read_subjects(json_t *list, struct evidence_statement *s, struct diag *d)
{
	size_t i, n = json_array_size(list);
	int r;

	if (n == 0)
		return diag_fail(d, CS_E_EVIDENCE_STATEMENT,
		    "a list of subjects", "none");
	s->sha256 = calloc(n, sizeof(*s->sha256));
	if (s->sha256 == NULL)
		return diag_nomem(d);
	s->nsubjects = n;
	for (i = 0; i < n; i++) {
		r = read_subject(json_array_get(list, i), i, s, d);
		if (r != 0)
			return r;
	}
	return 0;
}

int
evidence_statement(const void *payload, size_t len,
    struct evidence_statement *ret, struct diag *d)
{
	_cleanup_evidence_statement_ struct evidence_statement s = { 0 };
	const char *type;
	int r;

	r = evidence_json(payload, len, EVIDENCE_VALUES,
	    CS_E_EVIDENCE_STATEMENT, &s.root, d);
	if (r != 0)
		return r;
	type = evidence_text(s.root, "_type");
	if (type == NULL || strcmp(type, STATEMENT_TYPE) != 0)
		return diag_fail(d, CS_E_EVIDENCE_STATEMENT, STATEMENT_TYPE,
		    "_type %.100s", type == NULL ? "is not there" : type);
	s.predicate_type = evidence_text(s.root, "predicateType");
	s.predicate = json_object_get(s.root, "predicate");
	if (s.predicate_type == NULL || !json_is_object(s.predicate))
		return diag_fail(d, CS_E_EVIDENCE_STATEMENT,
		    "a predicateType and a predicate", "no %s",
		    s.predicate_type == NULL ? "predicateType" : "predicate");
	r = read_subjects(json_object_get(s.root, "subject"), &s, d);
	if (r != 0)
		return r;
	*ret = s;
	memset(&s, 0, sizeof(s));
	return 0;
}
