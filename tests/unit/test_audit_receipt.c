/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Receipts.  The key and the signature were made by stock OpenSSL 3.0 through
 * coldseal audit receipt; tests/ceremony/audit_import.t has openssl verify
 * one.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>
#include <openssl/evp.h>

#include "lib/b64.h"
#include "lib/cosign.h"

#define LOG_VKEY                     \
	"fuzz.example/log+8dd82f4f+" \
	"Aa5OvN6p3oPGjhvn89745UZJKiIjiAAcnOk90xUmiwOs"
#define TEXT                    \
	"fuzz.example/log\n5\n" \
	"DZ36vCAI+AmMQovwMQK/v50BcrE6eosHr14stQW7ngw=\n"
#define NOTE                                                        \
	TEXT "\n"                                                   \
	     "\xe2\x80\x94 fuzz.example/log "                       \
	     "jdgvTz8ONH9wsiUOc3g3XLgLZ4/CLSpdLwUa4C8mOepys3x3fZcH" \
	     "QrmsOWdGllvkBQuEdS2DmjrSINDLreo/oAbn+AM=\n"
#define AUDITOR                                                \
	"\xe2\x80\x94 audit.example/coldseal "                 \
	"/kRiDgAAAABrBvIVmlaQ1KLmUb56AMtz6OHiRdO8ojPYS4edQhjn" \
	"vHVEbOTuV0CCmn46kd6GUfZLn+3BImTlSZs9IeSODbYdSzqTCQ==\n"
#define STRANGER                                               \
	"\xe2\x80\x94 someone.example "                        \
	"AQIDBHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4" \
	"eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHg=\n"
#define VKEY                               \
	"audit.example/coldseal+fe44620e+" \
	"BJN6vkDRbopVnzDnl9RKrq7lnq11K7zX1BidcpY4uSqr"
#define TIME 1795617301

static struct note_vkeys log_keys;
static struct cosign_key auditor;

static int
setup(void **state)
{
	(void)state;
	return note_vkeys_parse(LOG_VKEY, strlen(LOG_VKEY), &log_keys, NULL) ||
	    cosign_key_parse(VKEY, strlen(VKEY), &auditor, NULL);
}

static int
verify(const char *note, struct checkpoint *c, uint64_t *at)
{
	return receipt_verify(note, strlen(note), &log_keys, &auditor, c, at,
	    NULL);
}

static void
test_good(void **state)
{
	struct checkpoint c;
	uint64_t at = 0;

	(void)state;
	assert_int_equal(verify(NOTE AUDITOR, &c, &at), 0);
	assert_int_equal(c.size, 5);
	assert_string_equal(c.origin, "fuzz.example/log");
	assert_int_equal(at, TIME);
	/* a line by somebody else is passed over */
	assert_int_equal(verify(NOTE STRANGER AUDITOR STRANGER, &c, &at), 0);
}

static void
test_refused(void **state)
{
	struct checkpoint c;
	uint64_t at;

	(void)state;
	assert_int_equal(verify(NOTE, &c, &at), CS_E_COSIGN_MISSING);
	assert_int_equal(verify(NOTE STRANGER, &c, &at), CS_E_COSIGN_MISSING);
	assert_int_equal(verify(NOTE AUDITOR AUDITOR, &c, &at),
	    CS_E_COSIGN_TWICE);
	assert_int_equal(verify(TEXT "\n" AUDITOR, &c, &at), CS_E_NOTE_KEY);
	assert_int_equal(verify("", &c, &at), CS_E_NOTE_SYNTAX);
}

/* The auditor's line, its blob cut or longer, each bit of it changed. */
static int
with_blob(const uint8_t *blob, size_t n)
{
	char b64[128], note[1024];
	struct checkpoint c;
	uint64_t at;

	b64_encode(blob, n, b64);
	(void)snprintf(note, sizeof(note), NOTE "\xe2\x80\x94 %s %s\n",
	    auditor.name, b64);
	return verify(note, &c, &at);
}

static void
test_blob(void **state)
{
	const char *b64 = strrchr(AUDITOR, ' ') + 1;
	uint8_t blob[4 + COSIGN_LEN + 1] = { 0 };
	size_t n = 0, i;
	int r;

	(void)state;
	assert_int_equal(b64_decode(b64, strlen(b64) - 1, blob, sizeof(blob),
			     &n),
	    0);
	assert_int_equal(n, 4 + COSIGN_LEN);
	assert_int_equal(with_blob(blob, n), 0);
	for (i = 5; i < n; i++)
		assert_int_equal(with_blob(blob, i), CS_E_COSIGN_SIGNATURE);
	assert_int_equal(with_blob(blob, n + 1), CS_E_COSIGN_SIGNATURE);
	for (i = 0; i < n * 8; i++) {
		blob[i / 8] ^= (uint8_t)(1u << i % 8);
		r = with_blob(blob, n);
		/* another key ID is another key; a huge time is none */
		if (i < 32)
			assert_int_equal(r, CS_E_COSIGN_MISSING);
		else
			assert_true(r == CS_E_COSIGN_SIGNATURE ||
			    (i < 96 && r == CS_E_COSIGN_TIME));
		blob[i / 8] ^= (uint8_t)(1u << i % 8);
	}
	memset(blob + 4, 0, 8);
	assert_int_equal(with_blob(blob, n), CS_E_COSIGN_TIME);
}

static void
test_key(void **state)
{
	static const char *const bad[] = {
		"",
		"x",
		"audit.example/coldseal",
		LOG_VKEY,
		"audit.example/coldseal+00000000+"
		"BJN6vkDRbopVnzDnl9RKrq7lnq11K7zX1BidcpY4uSqr",
		" audit+fe44620e+BJN6vkDRbopVnzDnl9RKrq7lnq11K7zX1BidcpY4uSqr",
		VKEY "\n\n",
		VKEY " ",
	};
	char text[NOTE_VKEY_TEXT_MAX];
	struct cosign_key k;
	size_t i;

	(void)state;
	cosign_key_format(&auditor, text);
	assert_string_equal(text, VKEY);
	assert_int_equal(cosign_key_parse(VKEY "\n", strlen(VKEY) + 1, &k,
			     NULL),
	    0);
	for (i = 0; i < ARRAY_LEN(bad); i++)
		assert_int_equal(cosign_key_parse(bad[i], strlen(bad[i]), &k,
				     NULL),
		    CS_E_COSIGN_KEY);
	for (i = 0; i < strlen(VKEY); i++)
		assert_int_equal(cosign_key_parse(VKEY, i, &k, NULL),
		    CS_E_COSIGN_KEY);
	assert_int_equal(cosign_key_make("a b", auditor.pub, &k, NULL),
	    CS_E_COSIGN_KEY);
}

/* c2sp.org/tlog-cosignature, "Format" */
static void
test_message(void **state)
{
	char out[COSIGN_MESSAGE_MAX];
	size_t n = 0;

	(void)state;
	assert_int_equal(cosign_message(TEXT, strlen(TEXT), 1795617301, out, &n,
			     NULL),
	    0);
	assert_string_equal(out, "cosignature/v1\ntime 1795617301\n" TEXT);
	assert_int_equal(n, strlen(out));
	assert_int_equal(cosign_message(TEXT, strlen(TEXT), 0, out, &n, NULL),
	    CS_E_COSIGN_TIME);
	assert_int_equal(cosign_message(TEXT, strlen(TEXT), UINT64_C(1) << 53,
			     out, &n, NULL),
	    CS_E_COSIGN_TIME);
}

static void
test_add(void **state)
{
	uint8_t seed[32] = { 7 }, pub[32], sig[64];
	char text[COSIGN_MESSAGE_MAX], *note = NULL;
	EVP_PKEY *p =
	    EVP_PKEY_new_raw_private_key(EVP_PKEY_ED25519, NULL, seed, 32);
	EVP_MD_CTX *ctx = EVP_MD_CTX_new();
	struct cosign_key k;
	struct checkpoint c;
	uint64_t at;
	size_t n = sizeof(pub), len = 0;

	(void)state;
	assert_int_equal(EVP_PKEY_get_raw_public_key(p, pub, &n), 1);
	assert_int_equal(cosign_key_make("me.example", pub, &k, NULL), 0);
	assert_int_equal(cosign_message(TEXT, strlen(TEXT), 9, text, &len,
			     NULL),
	    0);
	n = sizeof(sig);
	assert_int_equal(EVP_DigestSignInit(ctx, NULL, NULL, NULL, p), 1);
	assert_int_equal(EVP_DigestSign(ctx, sig, &n, (uint8_t *)text, len), 1);
	assert_int_equal(cosign_add(NOTE, strlen(NOTE), &k, 9, sig, &note, &len,
			     NULL),
	    0);
	assert_int_equal(receipt_verify(note, len, &log_keys, &k, &c, &at,
			     NULL),
	    0);
	assert_int_equal(at, 9);
	free(note);
	/* what does not verify is never put together */
	assert_int_equal(cosign_add(NOTE, strlen(NOTE), &k, 8, sig, &note, &len,
			     NULL),
	    CS_E_COSIGN_SIGNATURE);
	EVP_MD_CTX_free(ctx);
	EVP_PKEY_free(p);
}

static void
test_check(void **state)
{
	const struct checkpoint c = { .size = 5, .root = { 1 } };
	const uint8_t same[32] = { 1 }, other[32] = { 2 };

	(void)state;
	assert_int_equal(receipt_check(&c, 5, same, NULL), 0);
	assert_int_equal(receipt_check(&c, 6, same, NULL), 0);
	assert_int_equal(receipt_check(&c, 4, NULL, NULL), CS_E_RECEIPT_BEHIND);
	assert_int_equal(receipt_check(&c, 6, other, NULL), CS_E_RECEIPT_FORK);
	assert_int_equal(receipt_check(&c, 6, NULL, NULL), CS_E_RECEIPT_FORK);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_good),
		cmocka_unit_test(test_refused),
		cmocka_unit_test(test_blob),
		cmocka_unit_test(test_key),
		cmocka_unit_test(test_message),
		cmocka_unit_test(test_add),
		cmocka_unit_test(test_check),
	};

	return cmocka_run_group_tests(tests, setup, NULL);
}
