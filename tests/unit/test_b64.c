/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "lib/b64.h"
#include "lib/utf8.h"

/* RFC 4648 section 10 */
static const struct {
	const char *plain, *text;
} rfc[] = {
	{ "", "" },
	{ "f", "Zg==" },
	{ "fo", "Zm8=" },
	{ "foo", "Zm9v" },
	{ "foob", "Zm9vYg==" },
	{ "fooba", "Zm9vYmE=" },
	{ "foobar", "Zm9vYmFy" },
};

static void
test_rfc(void **state)
{
	char text[16], *own;
	uint8_t out[16];
	size_t i, n;

	(void)state;
	for (i = 0; i < ARRAY_LEN(rfc); i++) {
		size_t len = strlen(rfc[i].plain);

		b64_encode((const uint8_t *)rfc[i].plain, len, text);
		assert_string_equal(text, rfc[i].text);
		own = b64_dup(rfc[i].plain, len);
		assert_string_equal(own, rfc[i].text);
		free(own);
		assert_int_equal(strlen(text), b64_enc_len(len));
		assert_int_equal(b64_decode(text, strlen(text), out, len, &n),
		    0);
		assert_int_equal(n, len);
		assert_memory_equal(out, rfc[i].plain, len);
		assert_int_equal(b64_decode_exact(text, strlen(text), out, len),
		    0);
		if (len > 0)
			assert_int_equal(b64_decode(text, strlen(text), out,
					     len - 1, &n),
			    CS_E_TOO_LARGE);
		assert_int_equal(b64_decode_exact(text, strlen(text), out,
				     len + 1),
		    CS_E_B64);
	}
}

static void
test_refused(void **state)
{
	static const char *const bad[] = {
		"Z",
		"Zg",
		"Zg=",
		"Zg===",
		"=",
		"==",
		"====",
		"Z===",
		"Zg==Zg==",
		"Zm9v\n",
		"Zm9v=",
		" Zm9v",
		"Zm 9v",
		"Zm9v\r\n",
		"Zm9\n",
		"Zm9vYg=a",
		"Zh==",
		"Zm9=",
		"Z=g=",
		"Zm-v",
		"Zm_v",
		"Zm9*",
		"Zm9\xc3",
		"Zn==",
		"Zm8=\n\n\n\n",
		"=Zg=",
		"Zg=A",
	};
	uint8_t out[32];
	size_t i, n;

	(void)state;
	for (i = 0; i < ARRAY_LEN(bad); i++) {
		int r =
		    b64_decode(bad[i], strlen(bad[i]), out, sizeof(out), &n);

		if (r != CS_E_B64)
			fail_msg("\"%s\": %s", bad[i], err_id(r));
	}
	/* a NUL is not a digit either */
	assert_int_equal(b64_decode("Zm\0v", 4, out, sizeof(out), &n),
	    CS_E_B64);
}

/* One value, one text: what decodes encodes to the same characters. */
static void
test_canonical(void **state)
{
	static const char alphabet[] = "ABQgwxyz0189+/-_=\n";
	const size_t k = sizeof(alphabet) - 1;
	char s[5] = "", again[8];
	uint8_t out[3];
	size_t i, n;

	(void)state;
	for (i = 0; i < k * k * k * k; i++) {
		s[0] = alphabet[i % k];
		s[1] = alphabet[i / k % k];
		s[2] = alphabet[i / k / k % k];
		s[3] = alphabet[i / k / k / k];
		if (b64_decode(s, 4, out, sizeof(out), &n) != 0)
			continue;
		b64_encode(out, n, again);
		assert_string_equal(again, s);
	}
}

static void
test_any(void **state)
{
	uint8_t out[8];
	size_t n;

	(void)state;
	assert_int_equal(b64_decode_any("-_-_", 4, out, 8, &n), 0);
	assert_int_equal(n, 3);
	assert_memory_equal(out, "\xfb\xff\xbf", 3);
	assert_int_equal(b64_decode_any("+/+/", 4, out, 8, &n), 0);
	assert_memory_equal(out, "\xfb\xff\xbf", 3);
	assert_int_equal(b64_decode_any("+_+/", 4, out, 8, &n), CS_E_B64);
	assert_int_equal(b64_decode_any("-_-", 3, out, 8, &n), CS_E_B64);
	assert_int_equal(b64_decode_any("Zh==", 4, out, 8, &n), CS_E_B64);
}

static void
test_utf8(void **state)
{
	static const struct {
		const char *s;
		size_t len, want;
		uint32_t cp;
	} t[] = {
		{ "a", 1, 1, 'a' },
		{ "\xc3\xa9", 2, 2, 0xe9 },
		{ "\xe2\x80\x94", 3, 3, 0x2014 },
		{ "\xf0\x9f\x98\x82", 4, 4, 0x1f602 },
		{ "\xf4\x8f\xbf\xbf", 4, 4, 0x10ffff },
		{ "\xef\xbf\xbf", 3, 3, 0xffff },
		{ "\x80", 1, 0, 0 },
		{ "\xc0\x80", 2, 0, 0 }, /* overlong */
		{ "\xc1\xbf", 2, 0, 0 },
		{ "\xe0\x9f\xbf", 3, 0, 0 },
		{ "\xf0\x8f\xbf\xbf", 4, 0, 0 },
		{ "\xed\xa0\x80", 3, 0, 0 },	 /* surrogate */
		{ "\xf4\x90\x80\x80", 4, 0, 0 }, /* above U+10FFFF */
		{ "\xf5\x80\x80\x80", 4, 0, 0 },
		{ "\xff", 1, 0, 0 },
		{ "\xe2\x80", 2, 0, 0 }, /* cut */
		{ "\xc3", 1, 0, 0 },
		{ "\xe2\x28\xa1", 3, 0, 0 },
		{ "\xe2\x82\x28", 3, 0, 0 },
	};
	uint32_t cp;
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_LEN(t); i++) {
		assert_int_equal(utf8_char(t[i].s, t[i].len, &cp), t[i].want);
		if (t[i].want != 0)
			assert_int_equal(cp, t[i].cp);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_rfc),
		cmocka_unit_test(test_refused),
		cmocka_unit_test(test_canonical),
		cmocka_unit_test(test_any),
		cmocka_unit_test(test_utf8),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
