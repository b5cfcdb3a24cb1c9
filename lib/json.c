/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>
#include <string.h>

#include "lib/hex.h"
#include "lib/json.h"

#define INT_MAX_SAFE ((INT64_C(1) << 53) - 1) /* RFC 8259 6 */
#define PATH_MAX_LEN 120u

/* jansson allocates behind the depth that is refused here, so look first. */
static int
check_depth(const char *p, size_t len, struct diag *d)
{
	unsigned depth = 0, line = 1;
	size_t i, bol = 0;
	bool in_string = false;

	for (i = 0; i < len; i++) {
		if (p[i] == '\n') {
			line++;
			bol = i + 1;
		}
		if (in_string) {
			if (p[i] == '\\')
				i++;
			else if (p[i] == '"')
				in_string = false;
		} else if (p[i] == '"') {
			in_string = true;
		} else if (p[i] == '{' || p[i] == '[') {
			if (++depth > JSON_DEPTH)
				return diag_fail(d, CS_E_JSON_DEPTH,
				    "at most 16 levels", "more, at %u:%zu",
				    line, i - bol + 1);
		} else if ((p[i] == '}' || p[i] == ']') && depth > 0) {
			depth--;
		}
	}
	return 0;
}

static int
syntax_error(const json_error_t *e, struct diag *d)
{
	int code;

	switch (json_error_code(e)) {
	case json_error_duplicate_key:
		code = CS_E_JSON_DUPLICATE;
		break;
	case json_error_numeric_overflow:
		code = CS_E_JSON_NUMBER;
		break;
	case json_error_out_of_memory:
		return diag_nomem(d);
	default:
		code = CS_E_JSON_SYNTAX;
		break;
	}
	return diag_fail(d, code, NULL, "%s at %d:%d", e->text, e->line,
	    e->column);
}

static int
check_numbers(const json_t *j, const char *path, struct diag *d)
{
	char sub[PATH_MAX_LEN];
	const char *key;
	json_t *v;
	size_t i;
	int r;

	if (json_is_real(j))
		return diag_fail(d, CS_E_JSON_NUMBER, "a whole number",
		    "a real number at %s", path);
	if (json_is_integer(j)) {
		json_int_t n = json_integer_value(j);

		if (n > INT_MAX_SAFE || n < -INT_MAX_SAFE)
			return diag_fail(d, CS_E_JSON_NUMBER,
			    "at most 2^53 - 1", "%lld at %s", (long long)n,
			    path);
		return 0;
	}
	if (json_is_array(j)) {
		json_array_foreach (j, i, v) {
			if (!json_is_number(v) && !json_is_array(v) &&
			    !json_is_object(v))
				continue;
			(void)snprintf(sub, sizeof(sub), "%.90s/%zu", path, i);
			r = check_numbers(v, sub, d);
			if (r != 0)
				return r;
		}
	}
	if (json_is_object(j)) {
		json_object_foreach ((json_t *)j, key, v) {
			if (!json_is_number(v) && !json_is_array(v) &&
			    !json_is_object(v))
				continue;
			(void)snprintf(sub, sizeof(sub), "%.90s/%.25s", path,
			    key);
			r = check_numbers(v, sub, d);
			if (r != 0)
				return r;
		}
	}
	return 0;
}

int
json_load_strict(const void *data, size_t len, size_t max, json_t **ret,
    struct diag *d)
{
	_cleanup_json_ json_t *j = NULL;
	json_error_t e;
	int r;

	if (len > max)
		return diag_fail(d, CS_E_TOO_LARGE, NULL,
		    "%zu bytes of JSON, %zu allowed", len, max);
	if (len == 0)
		return diag_fail(d, CS_E_JSON_SYNTAX, "a JSON object",
		    "nothing");
	/* jansson 2.14 skips a NUL that follows a number */
	if (memchr(data, '\0', len) != NULL)
		return diag_fail(d, CS_E_JSON_SYNTAX, "text without NUL bytes",
		    "a NUL byte at %zu",
		    (size_t)((const char *)memchr(data, '\0', len) -
			(const char *)data));
	r = check_depth(data, len, d);
	if (r != 0)
		return r;
	j = json_loadb(data, len, JSON_REJECT_DUPLICATES | JSON_DECODE_ANY, &e);
	if (j == NULL)
		return syntax_error(&e, d);
	if (!json_is_object(j))
		return diag_fail(d, CS_E_JSON_TYPE, "an object",
		    "another JSON value");
	r = check_numbers(j, "", d);
	if (r != 0)
		return r;
	*ret = take_ptr(j);
	return 0;
}

/* Edit distance (Levenshtein), both at most 31 long; else "far". */
static unsigned
distance(const char *a, const char *b)
{
	size_t n = strlen(a), m = strlen(b), i, j;
	unsigned row[32], diagonal, above, best;

	if (n > 31 || m > 31)
		return 99;
	for (j = 0; j <= m; j++)
		row[j] = (unsigned)j;
	for (i = 1; i <= n; i++) {
		diagonal = row[0];
		row[0] = (unsigned)i;
		for (j = 1; j <= m; j++) {
			above = row[j];
			best = diagonal + (a[i - 1] != b[j - 1]);
			if (above + 1 < best)
				best = above + 1;
			if (row[j - 1] + 1 < best)
				best = row[j - 1] + 1;
			row[j] = best;
			diagonal = above;
		}
	}
	return row[m];
}

static int
unknown_field(const char *key, const char *path, const struct json_field *f,
    size_t n, struct diag *d)
{
	unsigned best = 99, x;
	size_t i, at = 0;

	for (i = 0; i < n; i++) {
		x = distance(key, f[i].name);
		if (x < best) {
			best = x;
			at = i;
		}
	}
	if (best <= 3 && best < strlen(key)) {
		char hint[64];

		(void)snprintf(hint, sizeof(hint), "perhaps %s", f[at].name);
		return diag_fail(d, CS_E_JSON_FIELD, hint,
		    "unknown field %.90s/%.60s", path, key);
	}
	return diag_fail(d, CS_E_JSON_FIELD, "only the fields that are known",
	    "unknown field %.90s/%.60s", path, key);
}

/* C0, DEL and C1 (U+0080..U+009F, which UTF-8 writes as C2 80..C2 9F). */
static bool
has_control(const char *s, size_t len)
{
	size_t i;

	for (i = 0; i < len; i++) {
		uint8_t c = (uint8_t)s[i];

		if (c < 0x20 || c == 0x7f)
			return true;
		if (c == 0xc2 && i + 1 < len && (uint8_t)s[i + 1] < 0xa0)
			return true;
	}
	return false;
}

/* NULL, or what is wrong with a string value of this kind. */
static const char *
string_trouble(const json_t *v, bool may_be_empty, size_t max)
{
	size_t len = json_string_length(v);

	if (len == 0 && !may_be_empty)
		return "is empty";
	if (len > max)
		return "is longer than 200 bytes";
	if (has_control(json_string_value(v), len))
		return "has a control character";
	return NULL;
}

int
json_label(const json_t *v, const char *path, size_t index, const char **ret,
    struct diag *d)
{
	const char *why;

	if (!json_is_string(v))
		return diag_fail(d, CS_E_JSON_FIELD, "a string",
		    "another type at %.90s/%zu", path, index);
	why = string_trouble(v, false, JSON_LABEL_MAX);
	if (why != NULL)
		return diag_fail(d, CS_E_JSON_VALUE, NULL, "%.90s/%zu %s", path,
		    index, why);
	*ret = json_string_value(v);
	return 0;
}

static const struct {
	const char *what;
	json_type type;
	bool may_be_empty;
	size_t max;
} kinds[] = {
	[JK_STR] = { "a string", JSON_STRING, false, SIZE_MAX },
	[JK_TEXT] = { "a string", JSON_STRING, true, SIZE_MAX },
	[JK_U64] = { "a whole number", JSON_INTEGER, false, 0 },
	[JK_I64] = { "a whole number", JSON_INTEGER, false, 0 },
	[JK_BOOL] = { "true or false", JSON_TRUE, false, 0 },
	[JK_OBJ] = { "an object", JSON_OBJECT, false, 0 },
	[JK_ARR] = { "a list", JSON_ARRAY, false, 0 },
	[JK_ARR1] = { "a list", JSON_ARRAY, false, 0 },
	[JK_HEX32] = { "64 lower-case hex digits", JSON_STRING, false, 64 },
	[JK_TIME] = { "a time like 2026-11-25T02:00:00Z", JSON_STRING, false,
	    20 },
	[JK_LABEL] = { "a string", JSON_STRING, false, JSON_LABEL_MAX },
	[JK_NOTE] = { "a string", JSON_STRING, true, JSON_LABEL_MAX },
};

static int
bad_value(const char *path, const struct json_field *f, const char *why,
    struct diag *d)
{
	return diag_fail(d, CS_E_JSON_VALUE, kinds[f->kind].what, "%.90s/%s %s",
	    path, f->name, why);
}

static int
field_string(const json_t *v, const char *path, const struct json_field *f,
    struct diag *d)
{
	const char *s = json_string_value(v), *why;

	if (f->kind == JK_HEX32)
		return hex_decode(s, f->out, 32) == 0 ?
		    0 :
		    bad_value(path, f, "is malformed", d);
	if (f->kind == JK_TIME)
		return time_parse(s, f->out) == 0 ?
		    0 :
		    bad_value(path, f, "is malformed", d);
	why =
	    string_trouble(v, kinds[f->kind].may_be_empty, kinds[f->kind].max);
	if (why != NULL)
		return bad_value(path, f, why, d);
	*(const char **)f->out = s;
	return 0;
}

static int
field_value(json_t *v, const char *path, const struct json_field *f,
    struct diag *d)
{
	json_type t = json_typeof(v);

	if (t == JSON_FALSE)
		t = JSON_TRUE;
	if (t != kinds[f->kind].type)
		return diag_fail(d, CS_E_JSON_FIELD, kinds[f->kind].what,
		    "another type at %.90s/%s", path, f->name);
	switch (f->kind) {
	case JK_U64:
		if (json_integer_value(v) < 0)
			return bad_value(path, f, "is negative", d);
		*(uint64_t *)f->out = (uint64_t)json_integer_value(v);
		return 0;
	case JK_I64:
		*(int64_t *)f->out = json_integer_value(v);
		return 0;
	case JK_BOOL:
		*(bool *)f->out = json_is_true(v);
		return 0;
	case JK_ARR1:
		if (json_array_size(v) == 0)
			return bad_value(path, f, "is empty", d);
		*(json_t **)f->out = v;
		return 0;
	case JK_OBJ:
	case JK_ARR:
		*(json_t **)f->out = v;
		return 0;
	default:
		return field_string(v, path, f, d);
	}
}

int
json_fields(json_t *obj, const char *path, const struct json_field *f, size_t n,
    struct diag *d)
{
	const char *key;
	json_t *v;
	size_t i, seen = 0;
	int r;

	if (!json_is_object(obj))
		return diag_fail(d, CS_E_JSON_FIELD, "an object",
		    "another type at %.120s", path[0] == '\0' ? "/" : path);
	for (i = 0; i < n; i++) {
		v = json_object_get(obj, f[i].name);
		if (f[i].present != NULL)
			*f[i].present = v != NULL;
		if (v == NULL && f[i].required)
			return diag_fail(d, CS_E_JSON_FIELD,
			    kinds[f[i].kind].what, "no field %.90s/%s", path,
			    f[i].name);
		if (v == NULL)
			continue;
		seen++;
		r = field_value(v, path, &f[i], d);
		if (r != 0)
			return r;
	}
	if (seen == json_object_size(obj))
		return 0;
	json_object_foreach (obj, key, v) {
		for (i = 0; i < n; i++)
			if (strcmp(key, f[i].name) == 0)
				break;
		if (i == n)
			return unknown_field(key, path, f, n, d);
	}
	return CS_E_INTERNAL;
}
