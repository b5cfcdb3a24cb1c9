/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>
#include <string.h>

#include "lib/hex.h"
#include "lib/json.h"

/*
 * Canonical JSON: the subset of RFC 8785 with printable ASCII keys, no
 * numbers but integers, and no control characters.  There jansson's sorted,
 * compact form is the canonical one: keys in byte order, only '"' and '\'
 * escaped, UTF-8 as it is.
 */
static int
check_ascii(const char *s)
{
	for (; *s != '\0'; s++)
		if (*s < 0x20 || *s > 0x7e)
			return CS_E_JSON_VALUE;
	return 0;
}

static int
check_text(const json_t *j)
{
	const char *s = json_string_value(j);
	size_t i, n = json_string_length(j);

	for (i = 0; i < n; i++)
		if ((uint8_t)s[i] < 0x20 || s[i] == 0x7f)
			return CS_E_JSON_VALUE;
	return 0;
}

static int
check(const json_t *j, unsigned depth)
{
	const char *key;
	json_t *v;
	size_t i;
	int r = 0;

	if (depth > JSON_DEPTH)
		return CS_E_JSON_DEPTH;
	switch (json_typeof(j)) {
	case JSON_REAL:
		return CS_E_JSON_NUMBER;
	case JSON_STRING:
		return check_text(j);
	case JSON_ARRAY:
		json_array_foreach (j, i, v) {
			r = check(v, depth + 1);
			if (r != 0)
				return r;
		}
		return 0;
	case JSON_OBJECT:
		json_object_foreach ((json_t *)j, key, v) {
			r = check_ascii(key);
			if (r == 0)
				r = check(v, depth + 1);
			if (r != 0)
				return r;
		}
		return 0;
	default:
		return 0;
	}
}

int
json_canonical(const json_t *j, char **ret, size_t *ret_len)
{
	char *s;
	int r = check(j, 0);

	if (r != 0)
		return r;
	s = json_dumps(j, JSON_SORT_KEYS | JSON_COMPACT | JSON_ENCODE_ANY);
	if (s == NULL)
		return CS_E_NOMEM;
	*ret = s;
	*ret_len = strlen(s);
	return 0;
}

/* The text that is compared with, from its front to its end. */
struct text {
	const char *p, *end;
};

static bool
take(struct text *t, const char *s, size_t n)
{
	if ((size_t)(t->end - t->p) < n || memcmp(t->p, s, n) != 0)
		return false;
	t->p += n;
	return true;
}

static bool
take_string(struct text *t, const char *s, size_t n)
{
	size_t plain;

	if (!take(t, "\"", 1))
		return false;
	while (n > 0) {
		for (plain = 0; plain < n; plain++)
			if (s[plain] == '"' || s[plain] == '\\' ||
			    (uint8_t)s[plain] < 0x20 || s[plain] == 0x7f)
				break;
		if (!take(t, s, plain))
			return false;
		s += plain;
		n -= plain;
		if (n == 0)
			break;
		if ((*s != '"' && *s != '\\') || !take(t, "\\", 1) ||
		    !take(t, s, 1))
			return false;
		s++;
		n--;
	}
	return take(t, "\"", 1);
}

static bool take_value(struct text *t, const json_t *j, unsigned depth);

/* Members are kept in the order in which they were read. */
static bool
take_object(struct text *t, const json_t *j, unsigned depth)
{
	const char *key, *before = NULL;
	json_t *v;

	if (!take(t, "{", 1))
		return false;
	json_object_foreach ((json_t *)j, key, v) {
		if (before != NULL &&
		    (strcmp(before, key) >= 0 || !take(t, ",", 1)))
			return false;
		if (check_ascii(key) != 0 ||
		    !take_string(t, key, strlen(key)) || !take(t, ":", 1) ||
		    !take_value(t, v, depth + 1))
			return false;
		before = key;
	}
	return take(t, "}", 1);
}

static bool
take_array(struct text *t, const json_t *j, unsigned depth)
{
	json_t *v;
	size_t i;

	if (!take(t, "[", 1))
		return false;
	json_array_foreach (j, i, v)
		if ((i > 0 && !take(t, ",", 1)) || !take_value(t, v, depth + 1))
			return false;
	return take(t, "]", 1);
}

static bool
take_value(struct text *t, const json_t *j, unsigned depth)
{
	char number[24];
	int n;

	if (depth > JSON_DEPTH)
		return false;
	switch (json_typeof(j)) {
	case JSON_OBJECT:
		return take_object(t, j, depth);
	case JSON_ARRAY:
		return take_array(t, j, depth);
	case JSON_STRING:
		return take_string(t, json_string_value(j),
		    json_string_length(j));
	case JSON_INTEGER:
		n = snprintf(number, sizeof(number), "%" JSON_INTEGER_FORMAT,
		    json_integer_value(j));
		return n > 0 && take(t, number, (size_t)n);
	case JSON_TRUE:
		return take(t, "true", 4);
	case JSON_FALSE:
		return take(t, "false", 5);
	case JSON_NULL:
		return take(t, "null", 4);
	default:
		return false;
	}
}

bool
json_is_canonical(const json_t *j, const void *text, size_t len)
{
	struct text t = { text, (const char *)text + len };

	return take_value(&t, j, 0) && t.p == t.end;
}

json_t *
json_hex32(const uint8_t d[32])
{
	char hex[65];

	hex_encode(d, 32, hex);
	return json_string(hex);
}

json_t *
json_time(int64_t t)
{
	char text[21];

	time_format(t, text);
	return json_string(text);
}
