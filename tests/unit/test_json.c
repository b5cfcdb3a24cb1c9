/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "lib/file.h"
#include "lib/json.h"

#define MAX (1u << 20)

static int
load(const char *s, struct diag *d)
{
	_cleanup_json_ json_t *j = NULL;

	return json_load_strict(s, strlen(s), MAX, &j, d);
}

static void
test_refused(void **state)
{
	static const struct {
		const char *text;
		int code;
		const char *found;
	} t[] = {
		{ "", CS_E_JSON_SYNTAX, "nothing" },
		{ "{\n \"a\": }", CS_E_JSON_SYNTAX, "2:" },
		{ "{\"a\":1,\"a\":2}", CS_E_JSON_DUPLICATE, "1:" },
		{ "{\"a\":1,\"\\u0061\":2}", CS_E_JSON_DUPLICATE, "1:" },
		{ "{\"a\":1.5}", CS_E_JSON_NUMBER, "/a" },
		{ "{\"a\":[0,{\"b\":1e3}]}", CS_E_JSON_NUMBER, "/a/1/b" },
		{ "{\"a\":9007199254740992}", CS_E_JSON_NUMBER, "/a" },
		{ "{\"a\":-9007199254740992}", CS_E_JSON_NUMBER, "/a" },
		{ "{\"a\":99999999999999999999}", CS_E_JSON_NUMBER, "1:" },
		{ "[]", CS_E_JSON_TYPE, "" },
		{ "\"x\"", CS_E_JSON_TYPE, "" },
		{ "null", CS_E_JSON_TYPE, "" },
		{ "{} ", 0, "" },
		{ "{}x", CS_E_JSON_SYNTAX, "1:" },
		{ "{\"a\":\"\\u0000\"}", CS_E_JSON_SYNTAX, "1:" },
		{ "{\"a\":\"\xff\"}", CS_E_JSON_SYNTAX, "1:" },
		{ "{\"a\":\"\xed\xa0\x80\"}", CS_E_JSON_SYNTAX, "1:" },
		{ "\xef\xbb\xbf{}", CS_E_JSON_SYNTAX, "1:" },
		{ "{\"a\":9007199254740991,\"b\":\"[[[[[[[[[[[[[[[[[[[\"}", 0,
		    "" },
	};
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_LEN(t); i++) {
		struct diag d = { 0 };
		int r = load(t[i].text, &d);

		if (r != t[i].code || strstr(d.found, t[i].found) == NULL)
			fail_msg("%s: %s, found %s", t[i].text, err_id(r),
			    d.found);
	}
}

static void
test_limits(void **state)
{
	_cleanup_json_ json_t *j = NULL;
	char deep[200] = "{\"a\":\n";
	struct diag d = { 0 };
	size_t n = strlen(deep), i;

	(void)state;
	assert_int_equal(json_load_strict("{}", 2, 1, &j, NULL),
	    CS_E_TOO_LARGE);
	assert_int_equal(json_load_strict("{}\0", 3, MAX, &j, NULL),
	    CS_E_JSON_SYNTAX);
	assert_int_equal(json_load_strict("{\"a\":1\0}", 8, MAX, &j, NULL),
	    CS_E_JSON_SYNTAX);
	for (i = 0; i < JSON_DEPTH; i++) {
		deep[n + i] = '[';
		deep[n + JSON_DEPTH + i] = ']';
	}
	deep[n + 2 * i] = '}';
	assert_int_equal(load(deep, &d), CS_E_JSON_DEPTH);
	assert_non_null(strstr(d.found, "2:16"));
	memmove(deep + n, deep + n + 1, strlen(deep + n + 1) + 1);
	deep[n + 2 * i - 2] = '}';
	deep[n + 2 * i - 1] = '\0';
	assert_int_equal(load(deep, NULL), 0);
}

static int
fields(const char *text, struct diag *d)
{
	_cleanup_json_ json_t *j = NULL;
	const char *s = NULL, *t = NULL, *l = NULL, *note = NULL;
	json_t *o = NULL, *a = NULL, *a1 = NULL;
	uint8_t h[32];
	uint64_t u = 0;
	int64_t when = 0;
	bool b = false, present = true;
	const struct json_field f[] = {
		{ "threshold", JK_U64, true, &u, NULL },
		{ "str", JK_STR, false, &s, &present },
		{ "text", JK_TEXT, false, &t, NULL },
		{ "label", JK_LABEL, false, &l, NULL },
		{ "note", JK_NOTE, false, &note, NULL },
		{ "flag", JK_BOOL, false, &b, NULL },
		{ "obj", JK_OBJ, false, &o, NULL },
		{ "arr", JK_ARR, false, &a, NULL },
		{ "arr1", JK_ARR1, false, &a1, NULL },
		{ "hex", JK_HEX32, false, h, NULL },
		{ "time", JK_TIME, false, &when, NULL },
	};
	int r = json_load_strict(text, strlen(text), MAX, &j, d);

	assert_int_equal(r, 0);
	r = json_fields(j, "/rules/0", f, ARRAY_LEN(f), d);
	if (r == 0)
		assert_int_equal(present, s != NULL);
	return r;
}

#define HEX64 "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcde"

static void
test_fields(void **state)
{
	static const struct {
		const char *rest;
		int code;
		const char *found, *expected;
	} t[] = {
		{ "", 0, "", "" },
		{ ",\"str\":\"\xc3\xa9\"", 0, "", "" },
		{ ",\"str\":\"\"", CS_E_JSON_VALUE, "/rules/0/str", "" },
		{ ",\"str\":\"a\\nb\"", CS_E_JSON_VALUE, "control", "" },
		{ ",\"str\":\"a\x7f\"", CS_E_JSON_VALUE, "control", "" },
		{ ",\"str\":\"\xc2\x9b\"", CS_E_JSON_VALUE, "control", "" },
		{ ",\"str\":1", CS_E_JSON_FIELD, "another type", "a string" },
		{ ",\"str\":null", CS_E_JSON_FIELD, "another type", "" },
		{ ",\"text\":\"\"", 0, "", "" },
		{ ",\"text\":\"\\u001b\"", CS_E_JSON_VALUE, "control", "" },
		{ ",\"flag\":false", 0, "", "" },
		{ ",\"flag\":\"true\"", CS_E_JSON_FIELD, "/flag", "true or" },
		{ ",\"obj\":[]", CS_E_JSON_FIELD, "/obj", "an object" },
		{ ",\"arr\":[]", 0, "", "" },
		{ ",\"arr\":{}", CS_E_JSON_FIELD, "/arr", "a list" },
		{ ",\"arr1\":[]", CS_E_JSON_VALUE, "empty", "" },
		{ ",\"hex\":\"" HEX64 "f\"", 0, "", "" },
		{ ",\"hex\":\"" HEX64 "F\"", CS_E_JSON_VALUE, "/hex", "lower" },
		{ ",\"hex\":\"" HEX64 "\"", CS_E_JSON_VALUE, "/hex", "64" },
		{ ",\"hex\":\"" HEX64 "ff\"", CS_E_JSON_VALUE, "/hex", "64" },
		{ ",\"time\":\"2026-11-25T02:00:00Z\"", 0, "", "" },
		{ ",\"time\":\"2026-11-25 02:00:00Z\"", CS_E_JSON_VALUE,
		    "/time", "2026" },
		{ ",\"treshold\":3", CS_E_JSON_FIELD,
		    "unknown field /rules/0/treshold", "perhaps threshold" },
		{ ",\"zzzzzzzz\":3", CS_E_JSON_FIELD, "/zzzzzzzz", "only" },
	};
	char text[400], big[300];
	struct diag d = { 0 };
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_LEN(t); i++) {
		int r;

		memset(&d, 0, sizeof(d));
		(void)snprintf(text, sizeof(text), "{\"threshold\":2%s}",
		    t[i].rest);
		r = fields(text, &d);
		if (r != t[i].code || strstr(d.found, t[i].found) == NULL ||
		    strstr(d.expected, t[i].expected) == NULL)
			fail_msg("%s: %s, found %s, expected %s", text,
			    err_id(r), d.found, d.expected);
	}
	assert_int_equal(fields("{\"threshold\":-1}", &d), CS_E_JSON_VALUE);
	{
		_cleanup_json_ json_t *j =
		    json_loads("[\"a\",\"\",1]", 0, NULL);
		const char *s = NULL;

		assert_int_equal(json_label(json_array_get(j, 0), "/l", 0, &s,
				     NULL),
		    0);
		assert_string_equal(s, "a");
		assert_int_equal(json_label(json_array_get(j, 1), "/l", 1, &s,
				     NULL),
		    CS_E_JSON_VALUE);
		assert_int_equal(json_label(json_array_get(j, 2), "/l", 2, &s,
				     &d),
		    CS_E_JSON_FIELD);
		assert_non_null(strstr(d.found, "/l/2"));
		assert_int_equal(json_fields(j, "", NULL, 0, &d),
		    CS_E_JSON_FIELD);
		assert_non_null(strstr(d.expected, "an object"));
	}
	/* R1: a misspelt required field is missing, by its path */
	assert_int_equal(fields("{\"treshold\":2}", &d), CS_E_JSON_FIELD);
	assert_non_null(strstr(d.found, "/rules/0/threshold"));
	memset(big, 'x', 201);
	big[201] = '\0';
	(void)snprintf(text, sizeof(text), "{\"threshold\":2,\"label\":\"%s\"}",
	    big);
	assert_int_equal(fields(text, NULL), CS_E_JSON_VALUE);
	(void)snprintf(text, sizeof(text), "{\"threshold\":2,\"note\":\"%s\"}",
	    big);
	assert_int_equal(fields(text, NULL), CS_E_JSON_VALUE);
	(void)snprintf(text, sizeof(text), "{\"threshold\":2,\"str\":\"%s\"}",
	    big);
	assert_int_equal(fields(text, NULL), 0);
}

static void
test_canonical(void **state)
{
	static const struct {
		const char *in, *out;
		int code;
	} t[] = {
		{ "{ \"b\" : [1, true, null], \"a\":\"\\u00e9/\\\"\\\\\" }",
		    "{\"a\":\"\xc3\xa9/\\\"\\\\\",\"b\":[1,true,null]}", 0 },
		{ "{\"B\":1,\"a\":2,\"aa\":3,\"A\":4}",
		    "{\"A\":4,\"B\":1,\"a\":2,\"aa\":3}", 0 },
		{ "{\"a\":\"\\n\"}", NULL, CS_E_JSON_VALUE },
		{ "{\"a\":\"\\u007f\"}", NULL, CS_E_JSON_VALUE },
		{ "{\"\\u00e9\":1}", NULL, CS_E_JSON_VALUE },
		{ "{\"a\":1.5}", NULL, CS_E_JSON_NUMBER },
		{ "{\"a\":[[[[[[[[[[[[[[[[[[1]]]]]]]]]]]]]]]]]]}", NULL,
		    CS_E_JSON_DEPTH },
	};
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_LEN(t); i++) {
		_cleanup_json_ json_t *j = json_loads(t[i].in, 0, NULL);
		_cleanup_free_ char *s = NULL;
		size_t n = 0;

		assert_non_null(j);
		assert_int_equal(json_canonical(j, &s, &n), t[i].code);
		if (t[i].code != 0)
			continue;
		assert_string_equal(s, t[i].out);
		assert_int_equal(n, strlen(t[i].out));
		assert_false(json_is_canonical(j, t[i].in, strlen(t[i].in)));
	}
}

/* One text of a document is canonical; every other is another form of it. */
static void
test_is_canonical(void **state)
{
	static const struct {
		const char *text;
		bool canonical;
	} t[] = {
		{ "{}", true },
		{ "{\"a\":[]}", true },
		{ "{\"A\":-1,\"a\":{\"b\":null},\"aa\":[true,false,0]}", true },
		{ "{\"a\":\"\xc3\xa9/\\\"x\\\\\"}", true },
		{ "{\"a\":\"\",\"b\":\"\\\\\"}", true },
		{ "{ }", false },
		{ "{}\n", false },
		{ "{\"a\": 1}", false },
		{ "{\"a\" :1}", false },
		{ "{\"a\":1 }", false },
		{ "{\"a\":[1, 2]}", false },
		{ "{\"a\":[1,2 ]}", false },
		{ "{\"b\":1,\"a\":2}", false },
		{ "{\"aa\":1,\"a\":2}", false },
		{ "{\"x\":{\"b\":1,\"a\":2}}", false },
		{ "{\"x\":[{\"b\":1,\"a\":2}]}", false },
		{ "{\"a\":\"\\u0041\"}", false },
		{ "{\"a\":\"\\/\"}", false },
		{ "{\"a\":\"\\n\"}", false },
		{ "{\"a\":\"\x7f\"}", false },
		{ "{\"\\u0061\":1}", false },
		{ "{\"\xc3\xa9\":1}", false },
		{ "{\"a\":-0}", false },
		{ "{\"a\":1.0}", false },
		{ "{\"a\":[[[[[[[[[[[[[[[[[[1]]]]]]]]]]]]]]]]]]}", false },
	};
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_LEN(t); i++) {
		size_t n = strlen(t[i].text), k;
		_cleanup_json_ json_t *j = json_loadb(t[i].text, n, 0, NULL);

		assert_non_null(j);
		if (json_is_canonical(j, t[i].text, n) != t[i].canonical)
			fail_msg("%s", t[i].text);
		for (k = 0; t[i].canonical && k < n; k++) /* no part */
			assert_false(json_is_canonical(j, t[i].text, k));
	}
}

static void
test_time(void **state)
{
	static const char *const bad[] = { "", "2026-11-25T02:00:00z",
		"2026-11-25t02:00:00Z", "2026-02-30T00:00:00Z",
		"2026-13-01T00:00:00Z", "2026-00-01T00:00:00Z",
		"2026-01-01T24:00:00Z", "2026-01-01T00:60:00Z",
		"2026-01-01T00:00:60Z", "1969-12-31T23:59:59Z",
		"2026-11-25T02:00:00+00:00", "2026-11-25T02:00:00.0Z",
		" 026-11-25T02:00:00Z", "2025-02-29T00:00:00Z",
		"2026-11-25T02:00:0-Z", "2026-11-25T02:00:00ZZ",
		"2026-11-+5T02:00:00Z" };
	static const struct {
		const char *s;
		int64_t t;
	} good[] = { { "1970-01-01T00:00:00Z", 0 },
		{ "2026-11-25T02:00:00Z", 1795572000 },
		{ "2024-02-29T23:59:59Z", 1709251199 },
		{ "9999-12-31T23:59:59Z", 253402300799 } };
	char out[21];
	int64_t v;
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_LEN(bad); i++)
		if (time_parse(bad[i], &v) != CS_E_TIME)
			fail_msg("%s", bad[i]);
	for (i = 0; i < ARRAY_LEN(good); i++) {
		assert_int_equal(time_parse(good[i].s, &v), 0);
		assert_int_equal(v, good[i].t);
		time_format(good[i].t, out);
		assert_string_equal(out, good[i].s);
	}
}

/* The reasons for which a valid JSON text may be refused here. */
static bool
documented(int code)
{
	static const int reasons[] = { CS_E_JSON_NUMBER, CS_E_JSON_DUPLICATE };
	size_t i;

	for (i = 0; i < ARRAY_LEN(reasons); i++)
		if (reasons[i] == code)
			return true;
	return false;
}

/* As the value of a field, since only objects are documents. */
static int
load_inside(const uint8_t *text, size_t len, struct diag *d)
{
	_cleanup_json_ json_t *j = NULL;
	_cleanup_free_ char *in = malloc(len + 6);

	assert_non_null(in);
	memcpy(in, "{\"a\":", 5);
	memcpy(in + 5, text, len);
	in[len + 5] = '}';
	return json_load_strict(in, len + 6, MAX, &j, d);
}

static void
test_suite(void **state)
{
	const char *root = getenv("CS_SHARED");
	size_t y = 0, y_ok = 0, n = 0, i = 0, len;
	char path[400];
	struct dirent *e;
	DIR *dir;

	(void)state;
	(void)snprintf(path, sizeof(path), "%s/vectors/json/test_parsing",
	    root == NULL ? "../shared" : root);
	dir = opendir(path);
	if (dir == NULL)
		fail_msg("no vectors at %s (set CS_SHARED)", path);
	while ((e = readdir(dir)) != NULL) {
		_cleanup_free_ uint8_t *text = NULL;
		_cleanup_json_ json_t *j = NULL;
		struct diag d = { 0 };
		int r;

		if (e->d_name[0] == '.')
			continue;
		assert_int_equal(file_read(dirfd(dir), e->d_name, MAX, &text,
				     &len, &d),
		    0);
		r = json_load_strict(text, len, MAX, &j, &d);
		if (e->d_name[0] == 'n') {
			n++;
			if (r == 0 || load_inside(text, len, NULL) == 0)
				fail_msg("%s accepted", e->d_name);
		} else if (e->d_name[0] == 'y') {
			y++;
			if (r == CS_E_JSON_TYPE)
				r = load_inside(text, len, &d);
			y_ok += r == 0;
			if (r != 0 && !documented(r) &&
			    !(strstr(e->d_name, "null") != NULL &&
				strstr(d.found, "\\u0000") != NULL))
				fail_msg("%s: %s %s", e->d_name, err_id(r),
				    d.found);
		} else {
			i++;
		}
	}
	(void)closedir(dir);
	print_message("JSONTestSuite: %zu y_ (%zu read, the others refused for "
		      "documented reasons), %zu n_ refused, %zu i_\n",
	    y, y_ok, n, i);
	assert_int_equal(y, 95);
	assert_int_equal(n, 188);
	assert_int_equal(i, 35);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_refused),
		cmocka_unit_test(test_limits),
		cmocka_unit_test(test_fields),
		cmocka_unit_test(test_canonical),
		cmocka_unit_test(test_is_canonical),
		cmocka_unit_test(test_time),
		cmocka_unit_test(test_suite),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
