/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/statement.h"

#include <stdio.h>
#include <string.h>

#include "lib/b64.h"
#include "lib/hex.h"
#include "lib/merkle.h"

#define STATEMENT_MAX (8u << 20)

void
statement_free(struct statement **s)
{
	size_t i;

	if (*s == NULL)
		return;
	for (i = 0; i < (*s)->nsubjects; i++) {
		free((*s)->subjects[i].name);
		free((*s)->subjects[i].text);
	}
	free((*s)->subjects);
	json_decref((*s)->root);
	free(*s);
	*s = NULL;
}

static int
parse_digests(json_t *map, const char *path, struct subject *s, struct diag *d)
{
	enum hash_alg a;
	const char *key;
	json_t *v;
	int r;

	json_object_foreach (map, key, v) {
		r = hash_from_name(key, &a);
		if (r != 0)
			return diag_fail(d, CS_E_STATEMENT_SUBJECT,
			    "sha256, sha384, sha512 or blake2b",
			    "%s/digest/%.40s", path, key);
		if (!json_is_string(v) ||
		    strlen(json_string_value(v)) != 2 * hash_len(a) ||
		    hex_decode(json_string_value(v), s->digest[a],
			hash_len(a)) != 0)
			return diag_fail(d, CS_E_STATEMENT_SUBJECT,
			    "lower-case hex digits of the exact length",
			    "another value at %s/digest/%s", path, key);
		s->has[a] = true;
	}
	if (json_object_size(map) == 0)
		return diag_fail(d, CS_E_STATEMENT_SUBJECT, "a digest",
		    "none at %s/digest", path);
	return 0;
}

/* The artifact itself: what is read is what its size and digest name. */
static int
parse_text(const char *b64, const char *path, struct subject *s, struct diag *d)
{
	size_t n = strlen(b64);

	if (b64_dec_max(n) > STATEMENT_TEXT_MAX + 2)
		return diag_fail(d, CS_E_TOO_LARGE, "at most 4096 bytes",
		    "more at %s/text", path);
	s->text = malloc(b64_dec_max(n) + 1);
	if (s->text == NULL)
		return diag_nomem(d);
	if (b64_decode(b64, n, s->text, b64_dec_max(n), &s->text_len) != 0)
		return diag_fail(d, CS_E_JSON_VALUE, "base64, with padding",
		    "another text at %s/text", path);
	if (s->text_len == 0 || s->text_len > STATEMENT_TEXT_MAX)
		return diag_fail(d, CS_E_TOO_LARGE, "1 to 4096 bytes",
		    "%zu at %s/text", s->text_len, path);
	return 0;
}

static int
parse_own(const char *hex, const char *path, struct subject *s, struct diag *d)
{
	const size_t n = strlen(hex) / 2;

	if (n < CS_SHA256_LEN || n > sizeof(s->tbs) || strlen(hex) % 2 != 0 ||
	    hex_decode(hex, s->tbs, n) != 0)
		return diag_fail(d, CS_E_JSON_VALUE,
		    "a digest in lower-case hex", "another value at %s/tbs",
		    path);
	s->tbs_len = n;
	return 0;
}

static int
parse_notes(json_t *notes, const char *path, struct subject *s, struct diag *d)
{
	const char *text = NULL, *own = NULL;
	const struct json_field f[] = {
		{ "size", JK_U64, true, &s->size, NULL },
		{ "tbs", JK_STR, false, &own, NULL },
		{ "text", JK_STR, false, &text, NULL },
	};
	int r = json_fields(notes, path, f, ARRAY_LEN(f), d);

	if (r == 0 && own != NULL)
		r = parse_own(own, path, s, d);
	return r != 0 || text == NULL ? r : parse_text(text, path, s, d);
}

static int
parse_subject(json_t *j, size_t index, struct subject *s, struct diag *d)
{
	const char *name = NULL;
	json_t *digest = NULL, *notes = NULL;
	const struct json_field f[] = {
		{ "annotations", JK_OBJ, false, &notes, NULL },
		{ "digest", JK_OBJ, true, &digest, NULL },
		{ "name", JK_LABEL, true, &name, NULL },
	};
	char path[40], sub[60];
	int r;

	(void)snprintf(path, sizeof(path), "/subject/%zu", index);
	r = json_fields(j, path, f, ARRAY_LEN(f), d);
	if (r != 0)
		return r;
	if (notes != NULL) {
		(void)snprintf(sub, sizeof(sub), "%s/annotations", path);
		r = parse_notes(notes, sub, s, d);
		if (r != 0)
			return r;
	}
	r = parse_digests(digest, path, s, d);
	if (r != 0)
		return r;
	s->name = strdup(name);
	return s->name == NULL ? diag_nomem(d) : 0;
}

static int
parse_subjects(json_t *list, struct statement *s, struct diag *d)
{
	size_t i, n = json_array_size(list);
	int r;

	if (n == 0 || n > STATEMENT_MAX_SUBJECTS)
		return diag_fail(d, CS_E_STATEMENT_SUBJECT,
		    "1 to 10000 subjects", "%zu", n);
	s->subjects = calloc(n, sizeof(*s->subjects));
	if (s->subjects == NULL)
		return diag_nomem(d);
	s->nsubjects = n;
	for (i = 0; i < n; i++) {
		r = parse_subject(json_array_get(list, i), i, &s->subjects[i],
		    d);
		if (r != 0)
			return r;
	}
	return 0;
}

static int
check_notes(const struct statement *s, const char *type, struct diag *d)
{
	const bool text = strcmp(type, PRED_REQUEST) == 0;
	const bool own = text || strcmp(type, PRED_RECORD) == 0;
	size_t i;

	for (i = 0; i < s->nsubjects; i++)
		if ((s->subjects[i].text != NULL && !text) ||
		    (s->subjects[i].tbs_len != 0 && !own))
			return diag_fail(d, CS_E_JSON_FIELD,
			    "text in requests, tbs in those and records only",
			    "unknown field /subject/%zu/annotations/%s", i,
			    own ? "text" : "text or tbs");
	return 0;
}

int
statement_parse(const void *payload, size_t len, const char *want,
    struct statement **ret, struct diag *d)
{
	_cleanup_statement_ struct statement *s = NULL;
	const char *type = NULL, *predicate_type = NULL;
	json_t *predicate = NULL, *subjects = NULL;
	const struct json_field f[] = {
		{ "_type", JK_STR, true, &type, NULL },
		{ "predicate", JK_OBJ, true, &predicate, NULL },
		{ "predicateType", JK_STR, true, &predicate_type, NULL },
		{ "subject", JK_ARR, true, &subjects, NULL },
	};
	int r;

	s = calloc(1, sizeof(*s));
	if (s == NULL)
		return diag_nomem(d);
	r = json_load_strict(payload, len, STATEMENT_MAX, &s->root, d);
	if (r == 0)
		r = json_fields(s->root, "", f, ARRAY_LEN(f), d);
	if (r != 0)
		return r;
	if (strcmp(type, STATEMENT_TYPE) != 0)
		return diag_fail(d, CS_E_STATEMENT_TYPE, STATEMENT_TYPE,
		    "%.100s", type);
	if (strcmp(predicate_type, want) != 0)
		return diag_fail(d, CS_E_STATEMENT_PREDICATE, want, "%.100s",
		    predicate_type);
	s->predicate = predicate;
	s->predicate_type = predicate_type;
	if (!json_is_canonical(s->root, payload, len))
		return diag_fail(d, CS_E_STATEMENT_CANONICAL,
		    "sorted keys, no spaces, nothing after the end",
		    "another form of the same document");
	r = parse_subjects(subjects, s, d);
	if (r == 0)
		r = check_notes(s, want, d);
	if (r == 0)
		r = sha256(payload, len, s->digest);
	if (r != 0)
		return r;
	*ret = take_ptr(s);
	return 0;
}

static json_t *
notes_json(const struct subject *s)
{
	_cleanup_free_ char *b64 = NULL;
	char hex[2 * HASH_MAX_LEN + 1];

	hex_encode(s->tbs, s->tbs_len, hex);
	if (s->text != NULL) {
		b64 = b64_dup(s->text, s->text_len);
		if (b64 == NULL)
			return NULL;
	}
	return json_pack("{s:I, s:s*, s:s*}", "size", (json_int_t)s->size,
	    "tbs", s->tbs_len == 0 ? NULL : hex, "text", b64);
}

static json_t *
subject_json(const struct subject *s)
{
	_cleanup_json_ json_t *o = json_object();
	_cleanup_json_ json_t *digests = json_object();
	char hex[2 * HASH_MAX_LEN + 1];
	unsigned a;

	if (o == NULL || digests == NULL)
		return NULL;
	for (a = 0; a < HASH_COUNT; a++) {
		if (!s->has[a])
			continue;
		hex_encode(s->digest[a], hash_len((enum hash_alg)a), hex);
		if (json_object_set_new(digests, hash_name((enum hash_alg)a),
			json_string(hex)) != 0)
			return NULL;
	}
	if (json_object_set(o, "digest", digests) != 0 ||
	    json_object_set_new(o, "name", json_string(s->name)) != 0)
		return NULL;
	if ((s->size != 0 || s->text != NULL || s->tbs_len != 0) &&
	    json_object_set_new(o, "annotations", notes_json(s)) != 0)
		return NULL;
	return take_ptr(o);
}

int
statement_format(const struct subject *subjects, size_t n,
    const char *predicate_type, json_t *predicate, char **ret, size_t *ret_len)
{
	_cleanup_json_ json_t *owned = predicate;
	_cleanup_json_ json_t *list = json_array();
	_cleanup_json_ json_t *root = NULL;
	size_t i;

	if (n == 0 || n > STATEMENT_MAX_SUBJECTS)
		return CS_E_STATEMENT_SUBJECT;
	if (owned == NULL || list == NULL)
		return CS_E_NOMEM;
	for (i = 0; i < n; i++)
		if (json_array_append_new(list, subject_json(&subjects[i])) !=
		    0)
			return CS_E_NOMEM;
	root = json_pack("{s:s, s:O, s:s, s:O}", "_type", STATEMENT_TYPE,
	    "predicate", owned, "predicateType", predicate_type, "subject",
	    list);
	if (root == NULL)
		return CS_E_NOMEM;
	return json_canonical(root, ret, ret_len);
}

int
statement_is_about(const struct statement *s, const char *name,
    const uint8_t sha256[32])
{
	const struct subject *u = s->subjects;

	return s->nsubjects == 1 && strcmp(u->name, name) == 0 &&
	    u->size == 0 && u->has[HASH_SHA256] && !u->has[HASH_SHA384] &&
	    !u->has[HASH_SHA512] && !u->has[HASH_BLAKE2B] && u->text == NULL &&
	    u->tbs_len == 0 && memcmp(u->digest[HASH_SHA256], sha256, 32) == 0;
}

int
statement_format_about(const char *name, const uint8_t sha256[32],
    const char *predicate_type, json_t *predicate, char **ret, size_t *ret_len)
{
	char copy[JSON_LABEL_MAX + 1];
	struct subject s = { .name = copy, .has = { [HASH_SHA256] = true } };

	(void)snprintf(copy, sizeof(copy), "%s", name);
	memcpy(s.digest[HASH_SHA256], sha256, 32);
	return statement_format(&s, 1, predicate_type, predicate, ret, ret_len);
}

uint32_t
statement_hashes(const struct statement *s)
{
	uint32_t which = 0;
	unsigned a;
	size_t i;

	for (i = 0; i < s->nsubjects; i++)
		for (a = 0; a < HASH_COUNT; a++)
			if (s->subjects[i].has[a])
				which |= HASH_BIT(a);
	return which;
}

int
statement_subject_root(const struct subject *s, size_t n, uint8_t ret[32])
{
	struct merkle_range m = { 0 };
	uint8_t leaf[32];
	size_t i;
	int r;

	for (i = 0; i < n; i++) {
		if (!s[i].has[HASH_SHA256])
			return CS_E_STATEMENT_SUBJECT;
		r = merkle_leaf_hash(s[i].digest[HASH_SHA256], 32, leaf);
		if (r == 0)
			r = merkle_range_append(&m, leaf);
		if (r != 0)
			return r;
	}
	return merkle_range_root(&m, ret);
}
