/* SPDX-License-Identifier: Apache-2.0 */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <string.h>

#include "lib/buf.h"
#include "lib/hex.h"
#include "lib/sha.h"

static void
test_hex_round_trip(void **state)
{
	uint8_t all[256], back[256];
	char text[513];
	size_t i;

	(void)state;
	for (i = 0; i < 256; i++)
		all[i] = (uint8_t)i;
	hex_encode(all, 256, text);
	assert_int_equal(strlen(text), 512);
	assert_memory_equal(text, "000102", 6);
	assert_string_equal(text + 508, "feff");
	assert_int_equal(hex_decode(text, back, 256), 0);
	assert_memory_equal(all, back, 256);
	hex_encode(all, 0, text);
	assert_string_equal(text, "");
	assert_int_equal(hex_decode("", back, 0), 0);
}

static void
test_hex_refused(void **state)
{
	static const char *const bad[] = { "", "0", "00", "000", "00000",
		"00FF", "00fg", "0x00", " 000", "000 ", "00\n0", "00:0", "00@0",
		"00`0" };
	uint8_t out[2] = { 7, 7 };
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_LEN(bad); i++) {
		assert_int_equal(hex_decode(bad[i], out, 2), CS_E_HEX);
		assert_int_equal(hex_is(bad[i], 4), 0);
	}
	assert_true(out[0] == 7 && out[1] == 7);
	assert_int_equal(hex_is("09af", 4), 1);
	assert_int_equal(hex_is("", 0), 1);
	assert_int_equal(hex_decode("00", out, SIZE_MAX / 2 + 2), CS_E_HEX);
}

static void
test_groups(void **state)
{
	static const uint8_t in[] = { 0x01, 0x23, 0x45, 0x67, 0x89 };
	char out[13];

	(void)state;
	assert_int_equal(hex_groups(in, 5, out, 13), 0);
	assert_string_equal(out, "0123 4567 89");
	assert_int_equal(hex_groups(in, 5, out, 12), CS_E_TOO_LARGE);
	assert_int_equal(hex_groups(in, 4, out, 10), 0);
	assert_string_equal(out, "0123 4567");
	assert_int_equal(hex_groups(in, 1, out, 3), 0);
	assert_string_equal(out, "01");
	assert_int_equal(hex_groups(in, 0, out, 1), 0);
	assert_string_equal(out, "");
	assert_int_equal(hex_groups(in, 0, out, 0), CS_E_TOO_LARGE);
}

/* The example everybody uses: the fingerprint of a PGP key. */
static void
test_words_known(void **state)
{
	static const char hex[] = "e58294f2e9a227486e8b061b31cc528fd7fa3f19";
	static const char want[] = "topmost Istanbul Pluto vagabond treadmill "
				   "Pacific brackish dictator goldfish Medusa "
				   "afflict bravado chatter revolver Dupont "
				   "midsummer stopwatch whimsical cowbell "
				   "bottomless";
	uint8_t in[20];
	char out[sizeof(want)];

	(void)state;
	assert_int_equal(hex_decode(hex, in, sizeof(in)), 0);
	assert_int_equal(pgp_words(in, sizeof(in), out, sizeof(out)), 0);
	assert_string_equal(out, want);
	assert_int_equal(pgp_words(in, sizeof(in), out, sizeof(out) - 1),
	    CS_E_TOO_LARGE);
	assert_int_equal(pgp_words(in, 0, out, 1), 0);
	assert_string_equal(out, "");
	assert_int_equal(pgp_words(in, 0, out, 0), CS_E_TOO_LARGE);
	assert_int_equal(pgp_words(in, 1, out, 0), CS_E_TOO_LARGE);
}

/* Every word, and none occurs twice. */
static void
test_words_all(void **state)
{
	static const char want[] =
	    "f816e91d6148165fc67361aa1886eb71ad6b19c9d65673ca40fa96e160f02f5a";
	struct buf b = BUF_INIT(16384);
	char digest[65];
	const char *w, *v;
	size_t i, j;

	(void)state;
	for (i = 0; i < 512; i++) {
		w = pgp_word((uint8_t)(i / 2), i % 2);
		assert_int_equal(buf_putf(&b, "%s%c", w, " \n"[i % 2]), 0);
		for (j = 0; j < i; j++) {
			v = pgp_word((uint8_t)(j / 2), j % 2);
			assert_int_not_equal(strcasecmp(v, w), 0);
		}
	}
	/* of "even odd\n" lines; compared once with two other copies */
	assert_int_equal(sha256_hex(b.p, b.len, digest), 0);
	assert_string_equal(digest, want);
	buf_done(&b);
	assert_string_equal(pgp_word(0x00, 0), "aardvark");
	assert_string_equal(pgp_word(0x00, 1), "adroitness");
	assert_string_equal(pgp_word(0xff, 2), "Zulu");
	assert_string_equal(pgp_word(0xff, 3), "Yucatan");
}

static void
check_sanitise(const char *in, size_t len, size_t size, const char *want)
{
	char out[64];

	memset(out, 'X', sizeof(out));
	text_sanitise(in, len, out, size);
	assert_string_equal(out, want);
	assert_int_equal(out[size], 'X');
}

static void
test_sanitise(void **state)
{
	(void)state;
	check_sanitise("plain ~text!", 12, 63, "plain ~text!");
	check_sanitise("a\tb\nc\rd", 7, 63, "a b c\\x0dd");
	check_sanitise("\033[2J\x7f\x80\xff", 7, 63, "\\x1b[2J\\x7f\\x80\\xff");
	check_sanitise("a\0b", 3, 63, "a\\x00b");
	check_sanitise("", 0, 1, "");
	/* exactly full is not cut */
	check_sanitise("abcdef", 6, 7, "abcdef");
	check_sanitise("abcdefg", 7, 7, "abc...");
	/* an escape is never shown in half */
	check_sanitise("ab\001", 3, 6, "ab...");
	check_sanitise("ab\001\001", 4, 10, "ab\\x01...");
	check_sanitise("ab\001\001", 4, 11, "ab\\x01\\x01");
	check_sanitise("abcdef", 6, 4, "...");
	check_sanitise("abcdef", 6, 3, "..");
	check_sanitise("abcdef", 6, 1, "");
	text_sanitise("abc", 3, NULL, 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_hex_round_trip),
		cmocka_unit_test(test_hex_refused),
		cmocka_unit_test(test_groups),
		cmocka_unit_test(test_words_known),
		cmocka_unit_test(test_words_all),
		cmocka_unit_test(test_sanitise),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
