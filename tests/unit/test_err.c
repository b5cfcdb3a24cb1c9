/* SPDX-License-Identifier: Apache-2.0 */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <errno.h>
#include <string.h>

#include "lib/err.h"

#define FIRST (CS_ERR_MIN + 1)

static void
test_ids(void **state)
{
	const char *id, *p;
	int a, b;

	(void)state;
	for (a = FIRST; a < CS_ERR_MAX; a++) {
		id = err_id(a);
		assert_true(*id >= 'A' && *id <= 'Z');
		for (p = id; *p != '\0'; p++)
			assert_true((*p >= 'A' && *p <= 'Z') || *p == '-' ||
			    (*p >= '0' && *p <= '9'));
		assert_true(p[-1] != '-');
		assert_null(strstr(id, "--"));
		assert_in_range(p - id, 1, 63);
		assert_int_equal(err_from_id(id), a);
		for (b = FIRST; b < a; b++)
			assert_string_not_equal(id, err_id(b));
	}
	assert_int_equal(err_from_id("NO-SUCH-ID"), 0);
	assert_int_equal(err_from_id(""), 0);
	assert_int_equal(err_from_id("OK"), 0);
	assert_true(CS_E_INTERNAL == FIRST);
}

static void
check_sentence(const char *s)
{
	size_t n = strlen(s);
	const char *p;

	assert_in_range(n, 5, 200);
	for (p = s; *p != '\0'; p++)
		assert_in_range(*p, 0x20, 0x7e);
	assert_true(s[0] != ' ' && s[n - 1] != ' ' && s[n - 1] != '.');
	assert_null(strstr(s, "  "));
}

/* Closing the console is how a day ends; everything else is a failure. */
static int
least_exit(int code)
{
	return strcmp(err_id(code), "CONSOLE-GONE") == 0 ? CS_EXIT_OK :
							   CS_EXIT_REFUSED;
}

static void
test_texts(void **state)
{
	int a;

	(void)state;
	for (a = FIRST; a < CS_ERR_MAX; a++) {
		check_sentence(err_text(a));
		check_sentence(err_advice(a));
		assert_in_range(err_exit(a), least_exit(a), CS_EXIT_NOT_FOUND);
	}
}

static void
test_other_numbers(void **state)
{
	static const int odd[] = { 1, -1, CS_ERR_MIN, CS_ERR_MAX, INT32_MIN,
		INT32_MAX };
	size_t i;

	(void)state;
	assert_string_equal(err_id(0), "OK");
	assert_int_equal(err_exit(0), CS_EXIT_OK);
	for (i = 0; i < ARRAY_LEN(odd); i++) {
		assert_string_equal(err_id(odd[i]), "INTERNAL");
		assert_int_equal(err_exit(odd[i]), CS_EXIT_INTERNAL);
	}
}

static void
test_diag(void **state)
{
	char big[500];
	struct diag d = { 0 };

	(void)state;
	assert_int_equal(diag_fail(&d, CS_E_HEX, "a\tb", "x\033[1m%d\xff", 7),
	    CS_E_HEX);
	assert_int_equal(d.code, CS_E_HEX);
	assert_string_equal(d.expected, "a?b");
	assert_string_equal(d.found, "x?[1m7?");
	assert_int_equal(diag_fail(NULL, CS_E_IO, "x", "%s", "y"), CS_E_IO);
	memset(big, 'z', sizeof(big));
	big[sizeof(big) - 1] = '\0';
	assert_int_equal(diag_fail(&d, CS_E_IO, big, "%s", big), CS_E_IO);
	assert_int_equal(strlen(d.found), sizeof(d.found) - 1);
	assert_int_equal(strlen(d.expected), sizeof(d.expected) - 1);
	errno = ENOENT;
	assert_int_equal(diag_errno(&d, CS_E_IO, "open %s", "f"), CS_E_IO);
	assert_string_equal(d.found, "open f: No such file or directory");
	assert_string_equal(d.expected, "");
	assert_int_equal(diag_errno(&d, CS_E_IO, "%s", big), CS_E_IO);
	assert_int_equal(diag_nomem(&d), CS_E_NOMEM);
}

static void
test_format(void **state)
{
	struct diag d = { .code = CS_E_HEX, .found = "f", .expected = "e" };
	char out[600], cut[20];
	size_t size;

	(void)state;
	diag_format(&d, out, sizeof(out));
	assert_non_null(strstr(out, "HEX: a hexadecimal value is malformed\n"));
	assert_non_null(strstr(out, "\n  found: f\n  expected: e\n"));
	assert_non_null(strstr(out, "\n  what to do: use lower-case digits"));
	for (size = 1; size <= sizeof(cut); size++) {
		memset(cut, 'X', sizeof(cut));
		diag_format(&d, cut, size);
		assert_int_equal(strlen(cut), size - 1);
		assert_memory_equal(cut, out, size - 1);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_ids),
		cmocka_unit_test(test_texts),
		cmocka_unit_test(test_other_numbers),
		cmocka_unit_test(test_diag),
		cmocka_unit_test(test_format),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
