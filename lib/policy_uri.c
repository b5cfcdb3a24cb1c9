/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "lib/policy_impl.h"

/*
 * PKCS#11 URIs (RFC 7512 2.3) as the policy may have them: only what names
 * the token and the object.  Modules, slots and PINs are facts of a site and
 * live in its site file.
 */
#define TOKEN_MAX 32u /* CK_TOKEN_INFO.label */

enum attr { ATTR_TOKEN, ATTR_ID, ATTR_OBJECT, ATTR_TYPE, ATTR_COUNT };

static const char *const names[ATTR_COUNT] = {
	[ATTR_TOKEN] = "token",
	[ATTR_ID] = "id",
	[ATTR_OBJECT] = "object",
	[ATTR_TYPE] = "type",
};

struct value {
	char text[128];
	size_t len;
	bool seen;
};

static int
hex_digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

/* RFC 3986 unreserved, and what RFC 7512 2.3 adds for path attributes. */
static bool
plain(char c)
{
	return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') ||
	    (c >= 'A' && c <= 'Z') ||
	    (c != '\0' && strchr("-._~:[]@!$'()*+,=&", c) != NULL);
}

static int
unescape(const char *s, size_t n, struct value *v)
{
	size_t i;
	int hi, lo;

	for (i = 0; i < n; i++) {
		if (v->len == sizeof(v->text) - 1)
			return CS_E_POLICY_URI;
		if (plain(s[i])) {
			v->text[v->len++] = s[i];
			continue;
		}
		if (s[i] != '%' || n - i < 3)
			return CS_E_POLICY_URI;
		hi = hex_digit(s[i + 1]);
		lo = hex_digit(s[i + 2]);
		if (hi < 0 || lo < 0)
			return CS_E_POLICY_URI;
		v->text[v->len++] = (char)(hi << 4 | lo);
		i += 2;
	}
	return v->len > 0 ? 0 : CS_E_POLICY_URI;
}

static int
attribute(const char *s, size_t n, struct value *values, struct diag *d)
{
	const char *eq = memchr(s, '=', n);
	size_t i, len = eq == NULL ? 0 : (size_t)(eq - s);

	for (i = 0; i < ATTR_COUNT; i++)
		if (strlen(names[i]) == len && memcmp(names[i], s, len) == 0)
			break;
	if (i == ATTR_COUNT || values[i].seen)
		return diag_fail(d, CS_E_POLICY_URI,
		    "token, id, object, type, each once",
		    "the attribute \"%.*s\"", n > 60 ? 60 : (int)n, s);
	values[i].seen = true;
	if (unescape(eq + 1, n - len - 1, &values[i]) != 0)
		return diag_fail(d, CS_E_POLICY_URI,
		    "a percent-encoded value (RFC 7512)", "%.*s",
		    n > 60 ? 60 : (int)n, s);
	return 0;
}

int
policy_uri_check(const char *uri, const char *token, struct diag *d)
{
	struct value v[ATTR_COUNT] = { 0 };
	const char *s;
	size_t n;
	int r;

	if (strcasestr(uri, "pin-value") != NULL ||
	    strcasestr(uri, "pin-source") != NULL)
		return diag_fail(d, CS_E_POLICY_URI_PIN, "no PIN in the policy",
		    "a URI with pin-value or pin-source");
	if (strncmp(uri, "pkcs11:", 7) != 0)
		return diag_fail(d, CS_E_POLICY_URI, "pkcs11:...", "%.60s",
		    uri);
	for (s = uri + 7;; s += n + 1) {
		n = strcspn(s, ";");
		r = attribute(s, n, v, d);
		if (r != 0)
			return r;
		if (s[n] == '\0')
			break;
	}
	if (!v[ATTR_TOKEN].seen || !v[ATTR_ID].seen)
		return diag_fail(d, CS_E_POLICY_URI, "token and id", "%.100s",
		    uri);
	if (v[ATTR_TYPE].seen && strcmp(v[ATTR_TYPE].text, "private") != 0)
		return diag_fail(d, CS_E_POLICY_URI, "type=private", "%.60s",
		    v[ATTR_TYPE].text);
	if (strlen(token) > TOKEN_MAX)
		return diag_fail(d, CS_E_POLICY_URI,
		    "a token label of at most 32 bytes", "%.60s", token);
	if (v[ATTR_TOKEN].len != strlen(token) ||
	    memcmp(v[ATTR_TOKEN].text, token, v[ATTR_TOKEN].len) != 0)
		return diag_fail(d, CS_E_POLICY_URI, token, "the token %.60s",
		    v[ATTR_TOKEN].text);
	return 0;
}
