/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "lib/canon.h"
#include "lib/file.h"

static void
check(const char *text, size_t len, int want)
{
	int r = canon_check(text, len, NULL);

	if (r != want)
		fail_msg("%.80s: %s, expected %s", text, err_id(r),
		    err_id(want));
}

static void
test_accepted(void **state)
{
	static const char *const good[] = {
		"{}\n",
		"{\"a\":0}\n",
		"{\"a\":9007199254740991,\"b\":10}\n",
		"{\"a\":[],\"b\":{},\"c\":[1,[true,false],{\"x\":\"y\"}]}\n",
		"{\"-\":1,\".\":2,\"0\":3,\"_\":4,\"a\":5,\"a-\":6,\"aa\":7}\n",
		"{\"a\":\"\"}\n",
		"{\"a\":\"\\\"\\\\\"}\n",
		"{\"a\":\"/'<>&\xc2\x80\xe2\x82\xac\xf0\x9f\x98\x82\"}\n",
	};
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_LEN(good); i++)
		check(good[i], strlen(good[i]), 0);
}

static void
test_refused(void **state)
{
	static const struct {
		const char *text;
		int code;
	} t[] = {
		{ "", CS_E_CANON_SIZE },
		{ "\n", CS_E_CANON_SYNTAX },
		{ "{}", CS_E_CANON_SYNTAX },
		{ "{}\n\n", CS_E_CANON_SYNTAX },
		{ "{}\r\n", CS_E_CANON_SYNTAX },
		{ "{} \n", CS_E_CANON_SYNTAX },
		{ " {}\n", CS_E_CANON_SYNTAX },
		{ "\xef\xbb\xbf{}\n", CS_E_CANON_SYNTAX },
		{ "{}{}\n", CS_E_CANON_SYNTAX },
		{ "[]\n", CS_E_CANON_SYNTAX },
		{ "1\n", CS_E_CANON_SYNTAX },
		{ "\"a\"\n", CS_E_CANON_SYNTAX },
		{ "{\"a\":null}\n", CS_E_CANON_SYNTAX },
		{ "{\"a\":tru}\n", CS_E_CANON_SYNTAX },
		{ "{\"a\":truex}\n", CS_E_CANON_SYNTAX },
		{ "{\"a\":}\n", CS_E_CANON_SYNTAX },
		{ "{\"a\"}\n", CS_E_CANON_SYNTAX },
		{ "{\"a\":1,}\n", CS_E_CANON_SYNTAX },
		{ "{,\"a\":1}\n", CS_E_CANON_SYNTAX },
		{ "{\"a\":[1,]}\n", CS_E_CANON_SYNTAX },
		{ "{\"a\":[,1]}\n", CS_E_CANON_SYNTAX },
		{ "{\"a\":[1 ]}\n", CS_E_CANON_SYNTAX },
		{ "{\"a\": 1}\n", CS_E_CANON_SYNTAX },
		{ "{\"a\" :1}\n", CS_E_CANON_SYNTAX },
		{ "{\"a\":1\n}\n", CS_E_CANON_SYNTAX },
		{ "{\"a\":1\n", CS_E_CANON_SYNTAX },
		{ "{\"a\":[1}\n", CS_E_CANON_SYNTAX },
		{ "{a:1}\n", CS_E_CANON_SYNTAX },
		{ "{\"\":1}\n", CS_E_CANON_KEY },
		{ "{\"A\":1}\n", CS_E_CANON_KEY },
		{ "{\"a b\":1}\n", CS_E_CANON_KEY },
		{ "{\"\\u0061\":1}\n", CS_E_CANON_KEY },
		{ "{\"\xc3\xa9\":1}\n", CS_E_CANON_KEY },
		{ "{\"b\":1,\"a\":1}\n", CS_E_CANON_KEY },
		{ "{\"a\":1,\"a\":1}\n", CS_E_CANON_KEY },
		{ "{\"aa\":1,\"a\":1}\n", CS_E_CANON_KEY },
		{ "{\"a_\":1,\"a-\":1}\n", CS_E_CANON_KEY },
		{ "{\"x\":{\"b\":1,\"a\":1}}\n", CS_E_CANON_KEY },
		{ "{\"a\":\"x}\n", CS_E_CANON_STRING },
		{ "{\"a\":\"x\\\"}\n", CS_E_CANON_STRING },
		{ "{\"a\":\"\\/\"}\n", CS_E_CANON_STRING },
		{ "{\"a\":\"\\n\"}\n", CS_E_CANON_STRING },
		{ "{\"a\":\"\\u0041\"}\n", CS_E_CANON_STRING },
		{ "{\"a\":\"\\u001f\"}\n", CS_E_CANON_STRING },
		{ "{\"a\":\"\t\"}\n", CS_E_CANON_STRING },
		{ "{\"a\":\"\n\"}\n", CS_E_CANON_STRING },
		{ "{\"a\":\"\x1f\"}\n", CS_E_CANON_STRING },
		{ "{\"a\":\"\x7f\"}\n", CS_E_CANON_STRING },
		{ "{\"a\":\"\xff\"}\n", CS_E_CANON_STRING },
		{ "{\"a\":\"\xc0\x80\"}\n", CS_E_CANON_STRING },
		{ "{\"a\":\"\xed\xa0\x80\"}\n", CS_E_CANON_STRING },
		{ "{\"a\":\"\xf4\x90\x80\x80\"}\n", CS_E_CANON_STRING },
		{ "{\"a\":00}\n", CS_E_CANON_NUMBER },
		{ "{\"a\":01}\n", CS_E_CANON_NUMBER },
		{ "{\"a\":-0}\n", CS_E_CANON_NUMBER },
		{ "{\"a\":-1}\n", CS_E_CANON_NUMBER },
		{ "{\"a\":1.0}\n", CS_E_CANON_NUMBER },
		{ "{\"a\":1e2}\n", CS_E_CANON_NUMBER },
		{ "{\"a\":1E2}\n", CS_E_CANON_NUMBER },
		{ "{\"a\":9007199254740992}\n", CS_E_CANON_NUMBER },
		{ "{\"a\":99999999999999999999999}\n", CS_E_CANON_NUMBER },
		{ "{\"a\":+1}\n", CS_E_CANON_SYNTAX },
		{ "{\"a\":.5}\n", CS_E_CANON_SYNTAX },
		{ "{\"a\":NaN}\n", CS_E_CANON_SYNTAX },
	};
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_LEN(t); i++)
		check(t[i].text, strlen(t[i].text), t[i].code);
	check("{\"a\":\"\0\"}\n", 10, CS_E_CANON_STRING);
	check("{}\0\n", 4, CS_E_CANON_SYNTAX);
}

/* "{"a":[[...]]}": levels brackets in all */
static size_t
nest(char *out, unsigned levels)
{
	size_t n = 0;
	unsigned i;

	n += (size_t)sprintf(out, "{\"a\":");
	for (i = 1; i < levels; i++)
		out[n++] = '[';
	if (levels == 1)
		out[n++] = '1';
	for (i = 1; i < levels; i++)
		out[n++] = ']';
	out[n++] = '}';
	out[n++] = '\n';
	out[n] = '\0';
	return n;
}

static void
test_limits(void **state)
{
	_cleanup_free_ char *p = malloc(CANON_MAX + 2);
	char text[64];
	struct diag d = { 0 };

	(void)state;
	assert_non_null(p);
	check(text, nest(text, CANON_DEPTH), 0);
	check(text, nest(text, CANON_DEPTH + 1), CS_E_CANON_DEPTH);
	memset(p, 'x', CANON_MAX + 2);
	memcpy(p, "{\"a\":\"", 6);
	memcpy(p + CANON_MAX - 3, "\"}\n", 3);
	check(p, CANON_MAX, 0);
	p[CANON_MAX - 3] = 'x';
	memcpy(p + CANON_MAX - 2, "\"}\n", 3);
	check(p, CANON_MAX + 1, CS_E_CANON_SIZE);
	/* the place is told */
	assert_int_equal(canon_check("{\"a\":1,\"b\": 2}\n", 15, &d),
	    CS_E_CANON_SYNTAX);
	assert_string_equal(d.found, "offset 11");
}

static const char leaf[] =
    "{\"a\":\"x\\\"\\\\\xc3\xa9\",\"b\":{\"a\":true,\"c\":{\"d\":42}},"
    "\"l\":[\"}\",{\"k\":[1]},7,false],\"n\":9007199254740991,"
    "\"z\":false}\n";

static void
test_get(void **state)
{
	const size_t len = sizeof(leaf) - 1;
	char text[16];
	uint64_t n;
	bool b;

	(void)state;
	check(leaf, len, 0);
	assert_int_equal(canon_get_str(leaf, len, "a", text, 16, NULL), 0);
	assert_string_equal(text, "x\"\\\xc3\xa9");
	assert_int_equal(canon_get_str(leaf, len, "a", text, 6, NULL), 0);
	assert_int_equal(canon_get_str(leaf, len, "a", text, 5, NULL),
	    CS_E_TOO_LARGE);
	assert_int_equal(canon_get_u64(leaf, len, "b.c.d", &n, NULL), 0);
	assert_int_equal(n, 42);
	assert_int_equal(canon_get_u64(leaf, len, "n", &n, NULL), 0);
	assert_true(n == (UINT64_C(1) << 53) - 1);
	assert_int_equal(canon_get_bool(leaf, len, "b.a", &b, NULL), 0);
	assert_true(b);
	assert_int_equal(canon_get_bool(leaf, len, "z", &b, NULL), 0);
	assert_false(b);
	assert_int_equal(canon_get_bool(leaf, len, "n", &b, NULL),
	    CS_E_CANON_FIELD);
	assert_int_equal(canon_get_u64(leaf, len, "a", &n, NULL),
	    CS_E_CANON_FIELD);
	assert_int_equal(canon_get_str(leaf, len, "n", text, 16, NULL),
	    CS_E_CANON_FIELD);
	/* "d" and "c" are deeper, "x" is in a string, "k" in an array */
	assert_int_equal(canon_get_u64(leaf, len, "d", &n, NULL),
	    CS_E_CANON_FIELD);
	assert_int_equal(canon_get_u64(leaf, len, "l.k", &n, NULL),
	    CS_E_CANON_FIELD);
	assert_int_equal(canon_get_u64(leaf, len, "a.x", &n, NULL),
	    CS_E_CANON_FIELD);
	assert_int_equal(canon_get_u64(leaf, len, "", &n, NULL),
	    CS_E_CANON_FIELD);
	assert_int_equal(canon_get_u64(leaf, len, "b.c.", &n, NULL),
	    CS_E_CANON_FIELD);
}

static void
test_iterate(void **state)
{
	static const struct {
		enum canon_kind kind;
		const char *text;
	} want[] = {
		{ CANON_STR, "\"}\"" },
		{ CANON_OBJ, "{\"k\":[1]}" },
		{ CANON_NUM, "7" },
		{ CANON_FALSE, "false" },
	};
	enum canon_kind kind;
	const char *v;
	size_t n, i = 0;

	(void)state;
	assert_int_equal(canon_get(leaf, sizeof(leaf) - 1, "l", &kind, &v, &n),
	    0);
	assert_int_equal(kind, CANON_ARR);
	struct canon_iter it = CANON_ITER(v, n);
	while (canon_next(&it, &kind, &v, &n)) {
		assert_true(i < ARRAY_LEN(want));
		assert_int_equal(kind, want[i].kind);
		assert_int_equal(n, strlen(want[i].text));
		assert_memory_equal(v, want[i].text, n);
		i++;
	}
	assert_int_equal(i, ARRAY_LEN(want));
	struct canon_iter none = CANON_ITER("[]", 2);
	assert_false(canon_next(&none, &kind, &v, &n));
}

static size_t
wrap(const uint8_t *p, size_t len, const char *before, const char *after,
    char **ret)
{
	size_t a = strlen(before), b = strlen(after);

	*ret = malloc(a + len + b + 1);
	assert_non_null(*ret);
	memcpy(*ret, before, a);
	memcpy(*ret + a, p, len);
	memcpy(*ret + a + len, after, b + 1);
	return a + len + b;
}

/* A file as it is, with our newline, and as a member's value. */
static void
one_file(int dirfd, const char *name, unsigned *accepted)
{
	static const char *const around[][2] = {
		{ "", "" },
		{ "", "\n" },
		{ "{\"a\":", "}\n" },
	};
	_cleanup_free_ uint8_t *p = NULL;
	size_t len, n, i;
	char *text;
	int r;

	assert_int_equal(file_read(dirfd, name, 1 << 20, &p, &len, NULL), 0);
	for (i = 0; i < ARRAY_LEN(around); i++) {
		n = wrap(p, len, around[i][0], around[i][1], &text);
		r = canon_check(text, n, NULL);
		free(text);
		if (r == 0 && strncmp(name, "n_", 2) == 0)
			fail_msg("%s was accepted", name);
		*accepted += r == 0;
	}
}

static void
test_json_suite(void **state)
{
	const char *shared = getenv("CS_SHARED");
	unsigned files = 0, accepted = 0;
	char path[512];
	struct dirent *e;
	DIR *dir;

	(void)state;
	(void)snprintf(path, sizeof(path), "%s/vectors/json/test_parsing",
	    shared == NULL ? "../shared" : shared);
	if ((dir = opendir(path)) == NULL) {
		print_message("no vectors in %s\n", path);
		skip();
	}
	while ((e = readdir(dir)) != NULL) {
		if (strstr(e->d_name, ".json") == NULL)
			continue;
		one_file(dirfd(dir), e->d_name, &accepted);
		files++;
	}
	(void)closedir(dir);
	print_message("%u files, %u texts accepted\n", files, accepted);
	assert_true(files > 300);
	assert_true(accepted > 10);
}

/* RFC 8785 outputs: each is outside the subset, and this is why. */
static void
test_jcs(void **state)
{
	static const struct {
		const char *file;
		int code; /* of the output as the value of {"a":...} */
	} t[] = {
		{ "arrays", CS_E_CANON_SYNTAX },  /* null */
		{ "french", CS_E_CANON_KEY },	  /* "p\xc3\xa9ch\xc3\xa9" */
		{ "structures", CS_E_CANON_KEY }, /* "" */
		{ "unicode", CS_E_CANON_KEY },	  /* capitals */
		{ "values", CS_E_CANON_SYNTAX },  /* null */
		{ "weird", CS_E_CANON_KEY },	  /* controls */
	};
	const char *shared = getenv("CS_SHARED");
	char path[512], *text;
	size_t i, n, len;
	uint8_t *p;

	(void)state;
	for (i = 0; i < ARRAY_LEN(t); i++) {
		(void)snprintf(path, sizeof(path),
		    "%s/vectors/jcs/testdata/output/%s.json",
		    shared == NULL ? "../shared" : shared, t[i].file);
		if (file_read(AT_FDCWD, path, 1 << 16, &p, &len, NULL) != 0)
			skip();
		n = wrap(p, len, "{\"a\":", "}\n", &text);
		check(text, n, t[i].code);
		free(text);
		free(p);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_accepted),
		cmocka_unit_test(test_refused),
		cmocka_unit_test(test_limits),
		cmocka_unit_test(test_get),
		cmocka_unit_test(test_iterate),
		cmocka_unit_test(test_json_suite),
		cmocka_unit_test(test_jcs),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
