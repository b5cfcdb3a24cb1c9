/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "lib/canon.h"

/*
 * Field access on leaves that canon_check() accepted.  On anything else the
 * answers mean nothing, but no byte outside the input is read.
 */

/* Bytes of the string at p, quotes included; 0 if it does not end. */
static size_t
string_len(const char *p, size_t len)
{
	const char *q, *e;
	size_t i = 1;

	while (i < len && (q = memchr(p + i, '"', len - i)) != NULL) {
		/* escaped if an odd number of backslashes stands before it */
		for (e = q; e > p + 1 && e[-1] == '\\'; e--)
			;
		i = (size_t)(q - p) + 1;
		if ((q - e) % 2 == 0)
			return i;
	}
	return 0;
}

/* Brackets are counted outside strings, so no recursion is needed. */
static size_t
nested_len(const char *p, size_t len)
{
	size_t i, n, depth = 0;

	for (i = 0; i < len; i++) {
		switch (p[i]) {
		case '"':
			if ((n = string_len(p + i, len - i)) == 0)
				return 0;
			i += n - 1;
			break;
		case '{':
		case '[':
			depth++;
			break;
		case '}':
		case ']':
			if (--depth == 0)
				return i + 1;
			break;
		default:
			break;
		}
	}
	return 0;
}

static size_t
plain_len(const char *p, size_t len)
{
	size_t i;

	for (i = 0; i < len; i++)
		if (strchr(",}]\n", p[i]) != NULL)
			break;
	return i;
}

/* Kind and length of the value at p; 0 if there is none. */
static size_t
value_len(const char *p, size_t len, enum canon_kind *kind)
{
	switch (len == 0 ? '\0' : *p) {
	case '"':
		*kind = CANON_STR;
		return string_len(p, len);
	case '{':
		*kind = CANON_OBJ;
		return nested_len(p, len);
	case '[':
		*kind = CANON_ARR;
		return nested_len(p, len);
	case 't':
		*kind = CANON_TRUE;
		return plain_len(p, len);
	case 'f':
		*kind = CANON_FALSE;
		return plain_len(p, len);
	case '0':
	case '1':
	case '2':
	case '3':
	case '4':
	case '5':
	case '6':
	case '7':
	case '8':
	case '9':
		*kind = CANON_NUM;
		return plain_len(p, len);
	default:
		return 0;
	}
}

/* The value of one key in the object at p. */
static int
member(const char *p, size_t len, const char *key, size_t key_len,
    enum canon_kind *kind, const char **val, size_t *val_len)
{
	size_t i = 1, n, k;

	while (i < len && p[i] == '"') {
		k = string_len(p + i, len - i);
		if (k == 0 || i + k >= len || p[i + k] != ':')
			break;
		n = value_len(p + i + k + 1, len - i - k - 1, kind);
		if (n == 0)
			break;
		if (k - 2 == key_len && memcmp(p + i + 1, key, key_len) == 0) {
			*val = p + i + k + 1;
			*val_len = n;
			return 0;
		}
		i += k + 1 + n;
		if (i >= len || p[i] != ',')
			break;
		i++;
	}
	return CS_E_CANON_FIELD;
}

int
canon_get(const char *p, size_t len, const char *path,
    enum canon_kind *ret_kind, const char **ret_val, size_t *ret_len)
{
	enum canon_kind kind = CANON_OBJ;
	const char *dot;
	size_t n;
	int r;

	for (;; path = dot + 1) {
		if (kind != CANON_OBJ || len == 0 || *p != '{')
			return CS_E_CANON_FIELD;
		dot = strchr(path, '.');
		n = dot == NULL ? strlen(path) : (size_t)(dot - path);
		if ((r = member(p, len, path, n, &kind, &p, &len)) != 0)
			return r;
		if (dot == NULL)
			break;
	}
	*ret_kind = kind;
	*ret_val = p;
	*ret_len = len;
	return 0;
}

static int
get_kind(const char *p, size_t len, const char *path, enum canon_kind want,
    const char **val, size_t *val_len, struct diag *d)
{
	enum canon_kind kind;
	int r;

	if ((r = canon_get(p, len, path, &kind, val, val_len)) != 0)
		return diag_fail(d, r, path, "no such field");
	if (kind != want)
		return diag_fail(d, CS_E_CANON_FIELD, path, "%.*s",
		    (int)(*val_len < 60 ? *val_len : 60), *val);
	return 0;
}

int
canon_unescape(const char *val, size_t len, char *out, size_t size)
{
	size_t i, o = 0;

	if (len < 2 || size == 0)
		return CS_E_TOO_LARGE;
	for (i = 1; i < len - 1; i++) {
		if (val[i] == '\\' && i + 1 < len - 1)
			i++;
		if (o + 1 >= size)
			return CS_E_TOO_LARGE;
		out[o++] = val[i];
	}
	out[o] = '\0';
	return 0;
}

int
canon_get_str(const char *p, size_t len, const char *path, char *out,
    size_t size, struct diag *d)
{
	const char *val;
	size_t n;
	int r;

	if ((r = get_kind(p, len, path, CANON_STR, &val, &n, d)) != 0)
		return r;
	if ((r = canon_unescape(val, n, out, size)) != 0)
		return diag_fail(d, r, path, "%zu bytes, the limit is %zu", n,
		    size);
	return 0;
}

int
canon_get_u64(const char *p, size_t len, const char *path, uint64_t *ret,
    struct diag *d)
{
	const char *val;
	uint64_t v = 0;
	size_t n, i;
	int r;

	if ((r = get_kind(p, len, path, CANON_NUM, &val, &n, d)) != 0)
		return r;
	if (n > 16)
		return diag_fail(d, CS_E_CANON_NUMBER, path, "%zu digits", n);
	for (i = 0; i < n; i++) {
		if (val[i] < '0' || val[i] > '9')
			return diag_fail(d, CS_E_CANON_NUMBER, path,
			    "not an integer");
		v = v * 10 + (uint64_t)(val[i] - '0');
	}
	*ret = v;
	return 0;
}

int
canon_get_bool(const char *p, size_t len, const char *path, bool *ret,
    struct diag *d)
{
	enum canon_kind kind;
	const char *val;
	size_t n;
	int r;

	if ((r = canon_get(p, len, path, &kind, &val, &n)) != 0)
		return diag_fail(d, r, path, "no such field");
	if (kind != CANON_TRUE && kind != CANON_FALSE)
		return diag_fail(d, CS_E_CANON_FIELD, path, "%.*s",
		    (int)(n < 60 ? n : 60), val);
	*ret = kind == CANON_TRUE;
	return 0;
}

bool
canon_next(struct canon_iter *it, enum canon_kind *ret_kind,
    const char **ret_val, size_t *ret_len)
{
	enum canon_kind kind;
	size_t n = value_len(it->p, it->left, &kind);

	if (n == 0)
		return false;
	*ret_kind = kind;
	*ret_val = it->p;
	*ret_len = n;
	it->p += n;
	it->left -= n;
	/* over the comma; before the bracket nothing is left to give */
	if (it->left > 0 && *it->p == ',') {
		it->p++;
		it->left--;
	} else {
		it->left = 0;
	}
	return true;
}

bool
canon_next_member(struct canon_iter *it, struct canon_member *ret)
{
	size_t k;

	if (it->left == 0 || *it->p != '"')
		return false;
	k = string_len(it->p, it->left);
	if (k == 0 || k >= it->left || it->p[k] != ':')
		return false;
	ret->key = it->p + 1;
	ret->key_len = k - 2;
	it->p += k + 1;
	it->left -= k + 1;
	return canon_next(it, &ret->kind, &ret->val, &ret->val_len);
}
