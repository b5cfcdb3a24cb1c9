/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Signed notes with an ECDSA line.  The known answers were made with stock
 * OpenSSL 3.0: openssl ecparam -genkey, openssl dgst -sha256 -sign.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>
#include <openssl/ec.h>
#include <openssl/evp.h>
#include <openssl/x509.h>

#include "lib/b64.h"
#include "lib/hex.h"
#include "lib/note.h"

#define ORIGIN "example.com/coldseal"
#define TEXT         \
	ORIGIN "\n7" \
	       "\npaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaU=\n"
#define DASH "\xe2\x80\x94 "

#define KAT_ID "\xcd\x5a\xe4\x3f"
#define KAT_VKEY                                             \
	"example.com/coldseal+cd5ae43f+AjBZMBMGByqGSM49AgEG" \
	"CCqGSM49AwEHA0IABCez4f5ZfupB32892Xg8svMn20srTVDYk8" \
	"nDJZjN2x2kLzUl0GRL+f/2i9G5YjuMOCSTJiIZbPZQF7ckjMgw" \
	"JeU="
#define KAT_LINE                                                         \
	DASH ORIGIN " "                                                  \
		    "zVrkPzBEAiAbWr+umqx3duJUVX8W0eUdDJbzrfHnMWxFxZJPaE" \
		    "kRiwIgU/52IbagacgY0R3DJ9AhQbqKYia0mOS8UZR3fNAQ9/4=" \
		    "\n"

static EVP_PKEY *ed, *ec;
static struct note_vkeys keys;

static void
make_ec(const char *curve, const char *name, EVP_PKEY **ret_pkey,
    struct note_vkey *ret, int want)
{
	uint8_t *der = NULL;
	int n;

	*ret_pkey = EVP_EC_gen(curve);
	assert_non_null(*ret_pkey);
	n = i2d_PUBKEY(*ret_pkey, &der);
	assert_true(n > 0);
	assert_int_equal(note_vkey_make_ecdsa(name, der, (size_t)n, ret, NULL),
	    want);
	OPENSSL_free(der);
}

static size_t
sign(EVP_PKEY *p, const char *text, uint8_t sig[NOTE_ECDSA_MAX])
{
	EVP_MD_CTX *c = EVP_MD_CTX_new();
	size_t n = NOTE_ECDSA_MAX;

	assert_int_equal(EVP_DigestSignInit(c, NULL,
			     p == ed ? NULL : EVP_sha256(), NULL, p),
	    1);
	assert_int_equal(EVP_DigestSign(c, sig, &n, (const uint8_t *)text,
			     strlen(text)),
	    1);
	EVP_MD_CTX_free(c);
	return n;
}

static int
setup(void **state)
{
	uint8_t seed[32] = { 1 }, pub[32];
	size_t n = 32;

	(void)state;
	ed = EVP_PKEY_new_raw_private_key(EVP_PKEY_ED25519, NULL, seed, 32);
	assert_non_null(ed);
	assert_int_equal(EVP_PKEY_get_raw_public_key(ed, pub, &n), 1);
	assert_int_equal(note_vkey_make(ORIGIN, pub, &keys.v[0], NULL), 0);
	make_ec("P-256", ORIGIN, &ec, &keys.v[1], 0);
	keys.n = 2;
	return 0;
}

static int
teardown(void **state)
{
	(void)state;
	EVP_PKEY_free(ed);
	EVP_PKEY_free(ec);
	return 0;
}

/* A line by key k over text, which may be of any length and nonsense. */
static char *
line(const struct note_vkey *k, const uint8_t *sig, size_t len)
{
	uint8_t raw[4 + 1024];
	char b64[1400], *ret = NULL;

	assert_true(len <= 1024);
	memcpy(raw, k->id, 4);
	memcpy(raw + 4, sig, len);
	b64_encode(raw, 4 + len, b64);
	assert_true(asprintf(&ret, DASH "%s %s\n", k->name, b64) > 0);
	return ret;
}

static int
verify(const char *note, size_t nkeys, const struct note_vkey *v)
{
	struct checkpoint c;
	int r = note_verify(note, strlen(note), v, nkeys, &c, NULL);

	if (r == 0) {
		assert_string_equal(c.origin, ORIGIN);
		assert_int_equal(c.size, 7);
	}
	return r;
}

/* TEXT with these lines, either of which may be missing */
static int
verify_lines(const char *a, const char *b, size_t nkeys)
{
	char note[4096];

	(void)snprintf(note, sizeof(note), TEXT "\n%s%s", a, b);
	return verify(note, nkeys, keys.v);
}

static void
test_known_answer(void **state)
{
	static const char note[] = TEXT "\n" KAT_LINE;
	char text[NOTE_VKEY_TEXT_MAX], *again = NULL;
	uint8_t raw[4 + NOTE_ECDSA_MAX];
	const char *b64 = strrchr(KAT_LINE, ' ') + 1;
	struct note_vkey k;
	size_t n, len;

	(void)state;
	assert_int_equal(note_vkey_parse(KAT_VKEY, strlen(KAT_VKEY), &k, NULL),
	    0);
	assert_int_equal(k.type, NOTE_TYPE_ECDSA);
	assert_string_equal(k.name, ORIGIN);
	assert_memory_equal(k.id, KAT_ID, 4);
	note_vkey_format(&k, text);
	assert_string_equal(text, KAT_VKEY);
	assert_int_equal(verify(note, 1, &k), 0);
	assert_int_equal(note_open(note, strlen(note), &k, 1, NULL, &n, NULL),
	    0);
	assert_int_equal(n, strlen(TEXT));
	/* what we write is the same line */
	assert_int_equal(b64_decode(b64, strlen(b64) - 1, raw, sizeof(raw), &n),
	    0);
	assert_int_equal(note_add(TEXT "\n", strlen(TEXT) + 1, &k, raw + 4,
			     n - 4, &again, &len, NULL),
	    0);
	assert_string_equal(again, note);
	assert_int_equal(len, strlen(note));
	free(again);
}

/* Every truncation and every bumped character. */
static void
test_vkey_damage(void **state)
{
	char s[] = KAT_VKEY;
	struct note_vkey k;
	size_t i, len = strlen(s);
	int r;

	(void)state;
	for (i = 0; i < len; i++)
		assert_int_equal(note_vkey_parse(s, i, &k, NULL),
		    CS_E_NOTE_VKEY);
	/* the ID does not cover the name */
	for (i = strlen(ORIGIN); i < len; i++) {
		s[i] ^= 1;
		r = note_vkey_parse(s, len, &k, NULL);
		if (r != CS_E_NOTE_VKEY && r != CS_E_NOTE_VKEY_TYPE)
			fail_msg("character %zu: %s", i, err_id(r));
		s[i] ^= 1;
	}
}

/* Only P-256, only uncompressed, only the named curve. */
static void
test_spki_refused(void **state)
{
	struct note_vkey k;
	EVP_PKEY *p;
	uint8_t der[NOTE_PUB_MAX + 1] = { 0 };

	(void)state;
	make_ec("P-384", ORIGIN, &p, &k, CS_E_NOTE_VKEY);
	EVP_PKEY_free(p);
	p = EVP_EC_gen("P-256");
	assert_int_equal(EVP_PKEY_set_utf8_string_param(p, "point-format",
			     "compressed"),
	    1);
	{
		uint8_t *c = NULL;
		int n = i2d_PUBKEY(p, &c);

		assert_int_equal(n, 59);
		assert_int_equal(note_vkey_make_ecdsa(ORIGIN, c, (size_t)n, &k,
				     NULL),
		    CS_E_NOTE_VKEY);
		OPENSSL_free(c);
	}
	EVP_PKEY_free(p);
	memcpy(der, keys.v[1].pub, NOTE_PUB_MAX);
	assert_int_equal(note_vkey_make_ecdsa(ORIGIN, der, NOTE_PUB_MAX, &k,
			     NULL),
	    0);
	assert_memory_equal(&k, &keys.v[1], sizeof(k));
	assert_int_equal(note_vkey_make_ecdsa("a b", der, NOTE_PUB_MAX, &k,
			     NULL),
	    CS_E_NOTE_VKEY);
	assert_int_equal(note_vkey_make_ecdsa(ORIGIN, der, NOTE_PUB_MAX + 1, &k,
			     NULL),
	    CS_E_NOTE_VKEY);
	/* no point of the curve */
	der[NOTE_PUB_MAX - 1] ^= 1;
	assert_int_equal(note_vkey_make_ecdsa(ORIGIN, der, NOTE_PUB_MAX, &k,
			     NULL),
	    CS_E_NOTE_VKEY);
}

/* Both lines, in the order they are written and in the other. */
static void
test_two_lines(void **state)
{
	uint8_t sig[NOTE_ECDSA_MAX];
	char *a, *b, *one, *two;
	size_t n, len;

	(void)state;
	n = sign(ed, TEXT, sig);
	a = line(&keys.v[0], sig, n);
	assert_int_equal(note_assemble(TEXT, strlen(TEXT), &keys.v[0], sig,
			     &one, &len, NULL),
	    0);
	n = sign(ec, TEXT, sig);
	b = line(&keys.v[1], sig, n);
	assert_int_equal(note_add(one, len, &keys.v[1], sig, n, &two, &len,
			     NULL),
	    0);
	assert_int_equal(len, strlen(one) + strlen(b));
	assert_int_equal(verify(two, 2, keys.v), 0);
	assert_int_equal(verify(two, 1, keys.v), 0);
	assert_int_equal(verify(two, 1, keys.v + 1), 0);
	assert_int_equal(verify(two, 0, NULL), CS_E_NOTE_KEY);
	assert_int_equal(verify_lines(b, a, 2), 0);
	assert_int_equal(verify_lines(a, "", 2), CS_E_NOTE_ECDSA_MISSING);
	assert_int_equal(verify_lines(a, a, 2), CS_E_NOTE_ECDSA_MISSING);
	assert_int_equal(verify_lines(b, "", 2), CS_E_NOTE_ED25519_MISSING);
	assert_int_equal(verify_lines(a, "", 1), 0);
	free(a);
	free(b);
	free(one);
	free(two);
}

/* A bad line by a known key; who does not know the key does not see it. */
static void
test_bad_line(void **state)
{
	uint8_t sig[1024] = { 0 };
	char *good, *b;
	size_t n, i, ends[4];

	(void)state;
	n = sign(ed, TEXT, sig);
	good = line(&keys.v[0], sig, n);
	n = sign(ec, TEXT, sig);
	ends[0] = 1;	 /* too short */
	ends[1] = n - 1; /* truncated */
	ends[2] = n + 1; /* trailing byte: not DER */
	ends[3] = 1024;	 /* too long */
	memset(sig + n, 0, sizeof(sig) - n);
	for (i = 0; i < ARRAY_LEN(ends); i++) {
		b = line(&keys.v[1], sig, ends[i]);
		assert_int_equal(verify_lines(good, b, 2),
		    CS_E_NOTE_ECDSA_SIGNATURE);
		assert_int_equal(verify_lines(good, b, 1), 0);
		free(b);
	}
	for (i = 0; i < n; i++) {
		sig[i] ^= 1;
		b = line(&keys.v[1], sig, n);
		assert_int_equal(verify_lines(good, b, 2),
		    CS_E_NOTE_ECDSA_SIGNATURE);
		free(b);
		sig[i] ^= 1;
	}
	/* the right key over another text */
	n = sign(ec, TEXT "\n", sig);
	b = line(&keys.v[1], sig, n);
	assert_int_equal(verify_lines(good, b, 2), CS_E_NOTE_ECDSA_SIGNATURE);
	free(b);
	/* an Ed25519 signature under the ECDSA key's ID, and the reverse */
	n = sign(ed, TEXT, sig);
	b = line(&keys.v[1], sig, n);
	assert_int_equal(verify_lines(good, b, 2), CS_E_NOTE_ECDSA_SIGNATURE);
	free(b);
	n = sign(ec, TEXT, sig);
	b = line(&keys.v[0], sig, n);
	assert_int_equal(verify_lines(b, "", 1), CS_E_NOTE_SIGNATURE);
	free(b);
	free(good);
}

static void
test_add_refused(void **state)
{
	uint8_t sig[1024] = { 0 };
	char *note, *two = NULL;
	size_t len, n;

	(void)state;
	(void)sign(ed, TEXT, sig);
	assert_int_equal(note_assemble(TEXT, strlen(TEXT), &keys.v[0], sig,
			     &note, &len, NULL),
	    0);
	assert_int_equal(note_assemble(TEXT, strlen(TEXT), &keys.v[1], sig,
			     &two, &n, NULL),
	    CS_E_NOTE_ECDSA_SIGNATURE);
	n = sign(ec, TEXT "\n", sig);
	assert_int_equal(note_add(note, len, &keys.v[1], sig, n, &two, &n,
			     NULL),
	    CS_E_NOTE_ECDSA_SIGNATURE);
	assert_int_equal(note_add(note, len, &keys.v[1], sig,
			     NOTE_ECDSA_MAX + 1, &two, &n, NULL),
	    CS_E_NOTE_SYNTAX);
	n = sign(ec, TEXT, sig);
	assert_int_equal(note_add(note, len - 1, &keys.v[1], sig, n, &two, &n,
			     NULL),
	    CS_E_NOTE_SYNTAX);
	assert_null(two);
	free(note);
}

static int
parse_set(const char *a, const char *sep, const char *b, const char *end)
{
	char text[3 * NOTE_VKEY_TEXT_MAX];
	struct note_vkeys ks;

	(void)snprintf(text, sizeof(text), "%s%s%s%s", a, sep, b, end);
	return note_vkeys_parse(text, strlen(text), &ks, NULL);
}

static void
test_vkeys(void **state)
{
	char one[NOTE_VKEY_TEXT_MAX], two[NOTE_VKEY_TEXT_MAX],
	    other[NOTE_VKEY_TEXT_MAX], named[NOTE_VKEY_TEXT_MAX],
	    both[NOTE_VKEYS_TEXT_MAX], three[3 * NOTE_VKEY_TEXT_MAX];
	struct note_vkeys ks;
	struct note_vkey k;
	EVP_PKEY *p;

	(void)state;
	note_vkey_format(&keys.v[0], one);
	note_vkey_format(&keys.v[1], two);
	make_ec("P-256", ORIGIN, &p, &k, 0);
	note_vkey_format(&k, other);
	EVP_PKEY_free(p);
	make_ec("P-256", ORIGIN "2", &p, &k, 0);
	note_vkey_format(&k, named);
	EVP_PKEY_free(p);

	note_vkeys_format(&keys, both);
	assert_int_equal(note_vkeys_parse(both, strlen(both), &ks, NULL), 0);
	assert_int_equal(ks.n, 2);
	assert_memory_equal(&ks.v, &keys.v, sizeof(ks.v));
	/* Ed25519 is first, in whatever order they are read */
	(void)snprintf(three, sizeof(three), "%s\n%s", two, one);
	assert_int_equal(note_vkeys_parse(three, strlen(three), &ks, NULL), 0);
	assert_memory_equal(&ks.v, &keys.v, sizeof(ks.v));

	assert_int_equal(parse_set(one, "", "", ""), 0);
	assert_int_equal(parse_set(two, "\n", "", ""), 0);
	assert_int_equal(parse_set(one, "\n", two, ""), 0);
	assert_int_equal(parse_set("", "", "", ""), CS_E_NOTE_VKEY);
	assert_int_equal(parse_set(one, "\n", "", "\n"), CS_E_NOTE_VKEY);
	assert_int_equal(parse_set(one, "\n\n", two, "\n"), CS_E_NOTE_VKEY);
	assert_int_equal(parse_set("\n", one, "\n", two), CS_E_NOTE_VKEY);
	assert_int_equal(parse_set(one, " ", two, "\n"), CS_E_NOTE_VKEY);
	assert_int_equal(parse_set(one, "\r\n", two, "\n"), CS_E_NOTE_VKEY);
	assert_int_equal(parse_set(one, "\n", one, "\n"),
	    CS_E_NOTE_VKEYS_DUPLICATE);
	assert_int_equal(parse_set(two, "\n", two, "\n"),
	    CS_E_NOTE_VKEYS_DUPLICATE);
	assert_int_equal(parse_set(two, "\n", other, "\n"),
	    CS_E_NOTE_VKEYS_TYPE);
	assert_int_equal(parse_set(one, "\n", named, "\n"),
	    CS_E_NOTE_VKEYS_NAME);
	(void)snprintf(three, sizeof(three), "\n%s\n", other);
	assert_int_equal(parse_set(one, "\n", two, three),
	    CS_E_NOTE_VKEYS_TYPE);
	assert_int_equal(parse_set(one, "\n", "a+00000000+BgAAAAAA", "\n"),
	    CS_E_NOTE_VKEY_TYPE);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_known_answer),
		cmocka_unit_test(test_vkey_damage),
		cmocka_unit_test(test_spki_refused),
		cmocka_unit_test(test_two_lines),
		cmocka_unit_test(test_bad_line),
		cmocka_unit_test(test_add_refused),
		cmocka_unit_test(test_vkeys),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
