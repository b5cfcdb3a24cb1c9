/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>
#include <openssl/evp.h>

#include "lib/b64.h"
#include "lib/tlogproof.h"

#define ORIGIN "example.com/coldseal"
#define MAGIC  "c2sp.org/tlog-proof@v1\n"

/* a log of three leaves, and its proof for the first */
static struct note_vkey key;
static uint8_t leaf[3][32];
static char *note;
static size_t note_len;
static char hash_lines[2 * 45 + 1];

static int
setup(void **state)
{
	struct checkpoint cp = { .origin = ORIGIN, .size = 3 };
	char text[CHECKPOINT_TEXT_MAX];
	uint8_t seed[32] = { 3 }, pub[32], sig[64];
	size_t n = 32;
	EVP_PKEY *pkey;
	EVP_MD_CTX *c;
	unsigned i;

	(void)state;
	for (i = 0; i < 3; i++)
		assert_int_equal(merkle_leaf_hash(&i, sizeof(i), leaf[i]), 0);
	assert_int_equal(merkle_node_hash(leaf[0], leaf[1], cp.root), 0);
	assert_int_equal(merkle_node_hash(cp.root, leaf[2], cp.root), 0);
	pkey = EVP_PKEY_new_raw_private_key(EVP_PKEY_ED25519, NULL, seed, 32);
	assert_non_null(pkey);
	assert_int_equal(EVP_PKEY_get_raw_public_key(pkey, pub, &n), 1);
	assert_int_equal(note_vkey_make(ORIGIN, pub, &key, NULL), 0);
	assert_int_equal(checkpoint_format(&cp, text, NULL), 0);
	c = EVP_MD_CTX_new();
	n = 64;
	assert_int_equal(EVP_DigestSignInit(c, NULL, NULL, NULL, pkey), 1);
	assert_int_equal(EVP_DigestSign(c, sig, &n, (uint8_t *)text,
			     strlen(text)),
	    1);
	EVP_MD_CTX_free(c);
	EVP_PKEY_free(pkey);
	assert_int_equal(note_assemble(text, strlen(text), &key, sig, &note,
			     &note_len, NULL),
	    0);
	b64_encode(leaf[1], 32, hash_lines);
	b64_encode(leaf[2], 32, hash_lines + 45);
	hash_lines[44] = hash_lines[89] = '\n';
	hash_lines[90] = '\0';
	return 0;
}

static int
teardown(void **state)
{
	(void)state;
	free(note);
	return 0;
}

static int
verify(const char *p, size_t len, const uint8_t h[32])
{
	struct checkpoint cp;
	uint64_t index;

	return tlogproof_verify(p, len, h, &key, 1, &cp, &index, NULL);
}

static void
test_round_trip(void **state)
{
	struct checkpoint cp;
	struct tlogproof t;
	uint64_t index = 9;
	char *p, want[1024];
	size_t len;

	(void)state;
	assert_int_equal(tlogproof_format(0, (const uint8_t(*)[32])leaf + 1, 2,
			     note, note_len, &p, &len, NULL),
	    0);
	(void)snprintf(want, sizeof(want), MAGIC "index 0\n%s\n%s", hash_lines,
	    note);
	assert_string_equal(p, want);
	assert_int_equal(len, strlen(want));
	assert_int_equal(tlogproof_parse(p, len, &t, NULL), 0);
	assert_int_equal(t.n, 2);
	assert_int_equal(t.checkpoint_len, note_len);
	assert_memory_equal(t.checkpoint, note, note_len);
	assert_int_equal(tlogproof_verify(p, len, leaf[0], &key, 1, &cp, &index,
			     NULL),
	    0);
	assert_int_equal(index, 0);
	assert_int_equal(cp.size, 3);
	assert_int_equal(tlogproof_verify(p, len, leaf[0], &key, 1, NULL, NULL,
			     NULL),
	    0);
	assert_int_equal(verify(p, len, leaf[1]), CS_E_LOG_INCLUSION);
	assert_int_equal(tlogproof_verify(p, len, leaf[0], NULL, 0, NULL, NULL,
			     NULL),
	    CS_E_NOTE_KEY);
	free(p);
}

/* what stands around the hash lines, then the good note */
static void
test_form(void **state)
{
	static const struct {
		const char *before, *after;
		int code;
	} t[] = {
		{ MAGIC "index 0\n", "\n", 0 },
		{ MAGIC "extra Zm9v\nindex 0\n", "\n", 0 },
		{ MAGIC "index 1\n", "\n", CS_E_LOG_INCLUSION },
		{ MAGIC "index 3\n", "\n", CS_E_LOG_INCLUSION },
		{ MAGIC "index 9007199254740993\n", "\n", CS_E_TLOGPROOF },
		{ MAGIC "index 00\n", "\n", CS_E_TLOGPROOF },
		{ MAGIC "index -0\n", "\n", CS_E_TLOGPROOF },
		{ MAGIC "index \n", "\n", CS_E_TLOGPROOF },
		{ MAGIC "index 0 \n", "\n", CS_E_TLOGPROOF },
		{ MAGIC "index  0\n", "\n", CS_E_TLOGPROOF },
		{ MAGIC "index 0\r\n", "\n", CS_E_TLOGPROOF },
		{ MAGIC "Index 0\n", "\n", CS_E_TLOGPROOF },
		{ MAGIC, "\n", CS_E_TLOGPROOF },
		{ "index 0\n", "\n", CS_E_TLOGPROOF },
		{ "c2sp.org/tlog-proof@v2\nindex 0\n", "\n", CS_E_TLOGPROOF },
		{ "c2sp.org/tlog-proof@v1 \nindex 0\n", "\n", CS_E_TLOGPROOF },
		{ "\xef\xbb\xbf" MAGIC "index 0\n", "\n", CS_E_TLOGPROOF },
		{ MAGIC "extra Zm9v\nextra Zm9v\nindex 0\n", "\n",
		    CS_E_TLOGPROOF },
		{ MAGIC "index 0\nextra Zm9v\n", "\n", CS_E_TLOGPROOF },
		{ MAGIC "extra \nindex 0\n", "\n", CS_E_TLOGPROOF },
		{ MAGIC "extra Zm9\nindex 0\n", "\n", CS_E_TLOGPROOF },
		{ MAGIC "extra Zm9=\nindex 0\n", "\n", CS_E_TLOGPROOF },
		{ MAGIC "index 0\nZm9v\n", "\n", CS_E_TLOGPROOF },
		{ MAGIC "index 0\n", "", CS_E_TLOGPROOF },
		/* a second blank line is part of the text that was signed */
		{ MAGIC "index 0\n", "\n\n", CS_E_NOTE_SIGNATURE },
		{ MAGIC "index 0\n\n", "\n", CS_E_NOTE_SIGNATURE },
		{ MAGIC "index 0\n", "\nx", CS_E_NOTE_SIGNATURE },
	};
	char text[2048];
	size_t i;
	int r, n;

	(void)state;
	for (i = 0; i < ARRAY_LEN(t); i++) {
		n = snprintf(text, sizeof(text), "%s%s%s%s", t[i].before,
		    hash_lines, t[i].after, note);
		r = verify(text, (size_t)n, leaf[0]);
		if (r != t[i].code)
			fail_msg("case %zu: %s, expected %s", i, err_id(r),
			    err_id(t[i].code));
	}
	n = snprintf(text, sizeof(text), MAGIC "index 0\n%s\n", hash_lines);
	assert_int_equal(verify(text, (size_t)n, leaf[0]), CS_E_TLOGPROOF);
	assert_int_equal(verify(text, (size_t)n - 1, leaf[0]), CS_E_TLOGPROOF);
}

static void
test_limits(void **state)
{
	_cleanup_free_ char *big = malloc(TLOGPROOF_MAX + 2);
	uint8_t many[MERKLE_MAX_PROOF + 1][32] = { { 0 } };
	struct tlogproof t;
	char *p = NULL;
	size_t len, n;

	(void)state;
	assert_non_null(big);
	assert_int_equal(tlogproof_format(0, (const uint8_t(*)[32])many,
			     MERKLE_MAX_PROOF, note, note_len, &p, &len, NULL),
	    0);
	assert_int_equal(verify(p, len, leaf[0]), CS_E_LOG_INCLUSION);
	free(p);
	p = NULL;
	assert_int_equal(tlogproof_format(0, (const uint8_t(*)[32])many,
			     MERKLE_MAX_PROOF + 1, note, note_len, &p, &len,
			     NULL),
	    CS_E_TLOGPROOF);
	assert_int_equal(tlogproof_format(MERKLE_MAX_SIZE + 1,
			     (const uint8_t(*)[32])many, 1, note, note_len, &p,
			     &len, NULL),
	    CS_E_TLOGPROOF);
	assert_null(p);
	/* extra: 64 Ki characters, and 4 more */
	n = (size_t)sprintf(big, MAGIC "extra ");
	memset(big + n, 'A', 65536 + 4);
	(void)sprintf(big + n + 65536, "\nindex 0\n\nx");
	assert_int_equal(tlogproof_parse(big, strlen(big), &t, NULL), 0);
	memset(big + n, 'A', 65536 + 4);
	(void)sprintf(big + n + 65536 + 4, "\nindex 0\n\nx");
	assert_int_equal(tlogproof_parse(big, strlen(big), &t, NULL),
	    CS_E_TLOGPROOF);
	n = (size_t)sprintf(big, MAGIC "index 0\n\n");
	memset(big + n, 'A', TLOGPROOF_MAX + 1 - n);
	assert_int_equal(tlogproof_parse(big, TLOGPROOF_MAX, &t, NULL), 0);
	assert_int_equal(tlogproof_parse(big, TLOGPROOF_MAX + 1, &t, NULL),
	    CS_E_TLOGPROOF);
}

static void
test_damage(void **state)
{
	char *p;
	size_t len, i;

	(void)state;
	assert_int_equal(tlogproof_format(0, (const uint8_t(*)[32])leaf + 1, 2,
			     note, note_len, &p, &len, NULL),
	    0);
	for (i = 0; i < len; i++)
		assert_int_not_equal(verify(p, i, leaf[0]), 0);
	for (i = 0; i < len * 8; i++) {
		p[i / 8] = (char)(p[i / 8] ^ 1 << i % 8);
		assert_int_not_equal(verify(p, len, leaf[0]), 0);
		p[i / 8] = (char)(p[i / 8] ^ 1 << i % 8);
	}
	assert_int_equal(verify(p, len, leaf[0]), 0);
	free(p);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_round_trip),
		cmocka_unit_test(test_form),
		cmocka_unit_test(test_limits),
		cmocka_unit_test(test_damage),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
