/* SPDX-License-Identifier: Apache-2.0 */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <string.h>

#include "lib/hex.h"
#include "lib/sha.h"

/* FIPS 180-4 examples (NIST CSRC): "abc" and the empty message. */
static const struct {
	enum hash_alg alg;
	const char *name;
	size_t len;
	const char *empty, *abc;
} known[] = {
	{ HASH_SHA256, "sha256", 32,
	    "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
	    "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015a"
	    "d" },
	{ HASH_SHA384, "sha384", 48,
	    "38b060a751ac96384cd9327eb1b1e36a21fdb71114be07434c0cc7bf63f6e1da"
	    "274edebfe76f65fbd51ad2f14898b95b",
	    "cb00753f45a35e8bb5a03d699ac65007272c32ab0eded1631a8b605a43ff5bed"
	    "8086072ba1e7cc2358baeca134c825a7" },
	{ HASH_SHA512, "sha512", 64,
	    "cf83e1357eefb8bdf1542850d66d8007d620e4050b5715dc83f4a921d36ce9ce"
	    "47d0d13c5d85f2b0ff8318d2877eec2f63b931bd47417a81a538327af927da3e",
	    "ddaf35a193617abacc417349ae20413112e6fa4e89a97ea20a9eeee64b55d39a"
	    "2192992a274fc1a836ba3c23a3feebbd454d4423643ce80e2a9ac94fa54ca49"
	    "f" },
};

static void
check_final(struct hasher *h, size_t len, const char *want)
{
	uint8_t md[HASH_MAX_LEN];
	char hex[2 * HASH_MAX_LEN + 1];

	assert_int_equal(hasher_final(h, md, len), 0);
	hex_encode(md, len, hex);
	assert_string_equal(hex, want);
}

static void
test_known(void **state)
{
	struct hasher *h;
	enum hash_alg a;
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_LEN(known); i++) {
		assert_int_equal(hash_from_name(known[i].name, &a), 0);
		assert_int_equal(a, known[i].alg);
		assert_string_equal(hash_name(a), known[i].name);
		assert_int_equal(hash_len(a), known[i].len);
		assert_int_equal(hasher_new(a, &h), 0);
		check_final(h, known[i].len, known[i].empty);
		assert_int_equal(hasher_reset(h), 0);
		assert_int_equal(hasher_update(h, "a", 1), 0);
		assert_int_equal(hasher_update(h, "", 0), 0);
		assert_int_equal(hasher_update(h, "bc", 2), 0);
		check_final(h, known[i].len, known[i].abc);
		hasher_free(&h);
		assert_null(h);
		hasher_free(&h);
	}
}

static void
test_one_shot(void **state)
{
	uint8_t md[32];
	char hex[65], hex2[65];

	(void)state;
	assert_int_equal(sha256_hex("abc", 3, hex), 0);
	assert_string_equal(hex, known[0].abc);
	assert_int_equal(sha256("abc", 3, md), 0);
	hex_encode(md, 32, hex2);
	assert_string_equal(hex, hex2);
	assert_int_equal(sha256_hex(NULL, 0, hex), 0);
	assert_string_equal(hex, known[0].empty);
}

static void
test_names_refused(void **state)
{
	static const char *const bad[] = { "", "sha1", "SHA256", "sha-256",
		"sha2560", "sha25", "md5", "unknown" };
	enum hash_alg a = HASH_COUNT;
	struct hasher *h = NULL;
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_LEN(bad); i++)
		assert_int_equal(hash_from_name(bad[i], &a), CS_E_HASH);
	assert_int_equal(a, HASH_COUNT);
	assert_int_equal(hash_len(HASH_COUNT), 0);
	assert_string_equal(hash_name(HASH_COUNT), "unknown");
	assert_int_equal(hasher_new(HASH_COUNT, &h), CS_E_HASH);
	assert_null(h);
}

/* Neither a short digest nor a second one from the same state. */
static void
test_misuse(void **state)
{
	uint8_t md[64];
	struct hasher *h;

	(void)state;
	assert_int_equal(hasher_new(HASH_SHA384, &h), 0);
	assert_int_equal(hasher_final(h, md, 32), CS_E_INTERNAL);
	assert_int_equal(hasher_final(h, md, 64), CS_E_INTERNAL);
	assert_int_equal(hasher_final(h, md, 48), 0);
	assert_int_equal(hasher_final(h, md, 48), CS_E_INTERNAL);
	assert_int_equal(hasher_update(h, "a", 1), CS_E_INTERNAL);
	assert_int_equal(hasher_reset(h), 0);
	assert_int_equal(hasher_update(h, "a", 1), 0);
	hasher_free(&h);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_known),
		cmocka_unit_test(test_one_shot),
		cmocka_unit_test(test_names_refused),
		cmocka_unit_test(test_misuse),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
