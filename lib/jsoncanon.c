/* SPDX-License-Identifier: Apache-2.0 */
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
