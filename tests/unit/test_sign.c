/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/ec.h>
#include <openssl/rsa.h>
#include <openssl/x509.h>
#include <string.h>

#include "hsm/sign.h"
#include "hsm/p11_private.h"
#include "tests/lib/softhsm.h"

/* Keys and signatures on a real SoftHSM. */

#define assert_code(r, want) assert_string_equal(err_id(r), err_id(want))

enum { N = KEY_ALG_COUNT };

static struct p11 *p;
static struct p11_session *s;
static struct pubkey *pub[N];
static struct p11_key *key[N];

/* One token with a key of each kind, IDs 1 to 6, and strangers beside. */
static void
foreign(CK_OBJECT_CLASS class, CK_KEY_TYPE type, const char *label)
{
	static CK_BBOOL yes = CK_TRUE;
	static CK_BYTE id = 0x77, number[32] = { 0x80 };
	const CK_ATTRIBUTE common[] = {
		{ CKA_CLASS, &class, sizeof(class) },
		{ CKA_KEY_TYPE, &type, sizeof(type) },
		{ CKA_TOKEN, &yes, sizeof(yes) },
		{ CKA_ID, &id, 1 },
		{ CKA_LABEL, (void *)(uintptr_t)label, strlen(label) },
		{ CKA_VALUE, number, sizeof(number) },
		{ CKA_PRIME, number, sizeof(number) },
		{ CKA_SUBPRIME, number, sizeof(number) },
		{ CKA_BASE, number, sizeof(number) },
	};
	CK_ATTRIBUTE t[ARRAY_LEN(common)];
	CK_ULONG n = class == CKO_SECRET_KEY ? 6 : ARRAY_LEN(common);
	CK_OBJECT_HANDLE h;

	memcpy(t, common, sizeof(common));
	assert_int_equal(p->f->C_CreateObject(s->h, t, n, &h), CKR_OK);
}

static int
group_setup(void **state)
{
	static const char *const labels[N] = { "k1", "k2", "k3", "k4", "k5",
		"k6" };
	struct diag d = { 0 };
	uint8_t i;

	(void)state;
	softhsm_make();
	if (p11_open(softhsm_module(), &p, &d) != 0)
		fail_msg("%s", d.found);
	softhsm_token(p, "keys");
	s = softhsm_session(p, "keys", true);
	foreign(CKO_PUBLIC_KEY, CKK_DSA, "foreign public");
	foreign(CKO_PRIVATE_KEY, CKK_DSA, "foreign private");
	foreign(CKO_SECRET_KEY, CKK_GENERIC_SECRET, "foreign secret");
	for (i = 0; i < N; i++) {
		pub[i] = softhsm_generate(s, (enum key_alg)i, (uint8_t)(i + 1),
		    labels[i]);
		key[i] = softhsm_key(s, (uint8_t)(i + 1), pub[i]);
	}
	return 0;
}

static int
group_teardown(void **state)
{
	size_t i;

	(void)state;
	for (i = 0; i < N; i++) {
		p11_key_free(&key[i]);
		pubkey_free(&pub[i]);
	}
	p11_session_close(&s);
	p11_close(&p);
	softhsm_remove();
	return 0;
}

static int
sign(enum key_alg a, const uint8_t *digest, size_t len, struct buf *out)
{
	struct diag d = { 0 };
	int r;

	softhsm_leaks(true);
	r = hsm_sign_digest(s, key[a], a, digest, len, out, &d);
	softhsm_leaks(false);
	assert_int_equal(r, d.code);
	return r;
}

static void
assert_signs(enum key_alg a, const uint8_t *digest)
{
	struct buf out = BUF_INIT(HSM_SIG_MAX);
	size_t len = hash_len(key_alg_hash(a));

	assert_code(sign(a, digest, len, &out), 0);
	assert_code(pubkey_verify_digest(pub[a], a, digest, len, out.p,
			out.len),
	    0);
	buf_done(&out);
}

static void
fill(uint8_t *p8, size_t n, unsigned seed)
{
	size_t i;

	for (i = 0; i < n; i++)
		p8[i] = (uint8_t)(seed * 31u + i * 7u);
}

/* H1: every key signs, whatever else is on the token */
static void
test_all(void **state)
{
	uint8_t digest[HASH_MAX_LEN];
	int a;

	(void)state;
	fill(digest, sizeof(digest), 1);
	for (a = 0; a < N; a++)
		assert_signs((enum key_alg)a, digest);
}

static void
test_messages(void **state)
{
	static const char msg[] = "a message of some length";
	struct buf out = BUF_INIT(HSM_SIG_MAX);
	int a;

	(void)state;
	for (a = 0; a < N; a++) {
		struct diag d = { 0 };
		int r;

		if (a == KEY_RSA3072_PSS)
			continue; /* restricted to PSS */
		softhsm_leaks(true);
		r = hsm_sign_message(s, key[a], msg, sizeof(msg), &out, &d);
		softhsm_leaks(false);
		assert_code(r, 0);
		assert_code(pubkey_verify_message(pub[a], msg, sizeof(msg),
				out.p, out.len),
		    0);
	}
	assert_code(hsm_sign_message(s, key[KEY_RSA3072_PSS], msg, sizeof(msg),
			&out, NULL),
	    CS_E_HSM_MECH);
	buf_done(&out);
}

/* H2: a key made for one algorithm does not sign with the other */
static void
test_restricted(void **state)
{
	struct buf out = BUF_INIT(HSM_SIG_MAX);
	uint8_t digest[32] = { 1 };
	struct diag d = { 0 };

	(void)state;
	assert_signs(KEY_RSA3072_PSS, digest);
	assert_code(hsm_sign_digest(s, key[KEY_RSA3072_PSS], KEY_RSA3072_PKCS1,
			digest, 32, &out, &d),
	    CS_E_HSM_MECH);
	assert_non_null(strstr(d.found, "C_SignInit"));
	assert_code(hsm_sign_digest(s, key[KEY_RSA3072_PKCS1], KEY_RSA3072_PSS,
			digest, 32, &out, NULL),
	    CS_E_HSM_MECH);
	assert_int_equal(out.len, 0);
	buf_done(&out);
}

static void
import_number(CK_ATTRIBUTE *t, CK_ATTRIBUTE_TYPE type, const EVP_PKEY *k,
    const char *name)
{
	BIGNUM *n = NULL;
	uint8_t *b;
	int len;

	assert_int_equal(EVP_PKEY_get_bn_param(k, name, &n), 1);
	len = BN_num_bytes(n);
	b = malloc((size_t)len);
	assert_non_null(b);
	assert_int_equal(BN_bn2bin(n, b), len);
	BN_free(n);
	*t = (CK_ATTRIBUTE){ type, b, (CK_ULONG)len };
}

/* An RSA private key of our own on the token, without its public half */
static void
import_rsa(const EVP_PKEY *k, CK_BYTE id, CK_BBOOL may_sign)
{
	static const struct {
		CK_ATTRIBUTE_TYPE type;
		const char *name;
	} numbers[] = {
		{ CKA_MODULUS, OSSL_PKEY_PARAM_RSA_N },
		{ CKA_PUBLIC_EXPONENT, OSSL_PKEY_PARAM_RSA_E },
		{ CKA_PRIVATE_EXPONENT, OSSL_PKEY_PARAM_RSA_D },
		{ CKA_PRIME_1, OSSL_PKEY_PARAM_RSA_FACTOR1 },
		{ CKA_PRIME_2, OSSL_PKEY_PARAM_RSA_FACTOR2 },
		{ CKA_EXPONENT_1, OSSL_PKEY_PARAM_RSA_EXPONENT1 },
		{ CKA_EXPONENT_2, OSSL_PKEY_PARAM_RSA_EXPONENT2 },
		{ CKA_COEFFICIENT, OSSL_PKEY_PARAM_RSA_COEFFICIENT1 },
	};
	CK_OBJECT_CLASS class = CKO_PRIVATE_KEY;
	CK_KEY_TYPE type = CKK_RSA;
	CK_BBOOL yes = CK_TRUE;
	CK_OBJECT_HANDLE h;
	CK_ATTRIBUTE t[5 + ARRAY_LEN(numbers)] = {
		{ CKA_CLASS, &class, sizeof(class) },
		{ CKA_KEY_TYPE, &type, sizeof(type) },
		{ CKA_TOKEN, &yes, sizeof(yes) },
		{ CKA_SIGN, &may_sign, sizeof(may_sign) },
		{ CKA_ID, &id, 1 },
	};
	size_t i;

	for (i = 0; i < ARRAY_LEN(numbers); i++)
		import_number(&t[5 + i], numbers[i].type, k, numbers[i].name);
	assert_int_equal(p->f->C_CreateObject(s->h, t, ARRAY_LEN(t), &h),
	    CKR_OK);
	for (i = 0; i < ARRAY_LEN(numbers); i++)
		free(t[5 + i].pValue);
}

static struct pubkey *
pubkey_of(EVP_PKEY *k)
{
	unsigned char *der = NULL;
	struct pubkey *r = NULL;
	int n = i2d_PUBKEY(k, &der);

	assert_true(n > 0);
	assert_int_equal(pubkey_from_spki(der, (size_t)n, &r, NULL), 0);
	OPENSSL_free(der);
	return r;
}

/* H3: equal to software RSA byte for byte */
static void
test_rsa_software(void **state)
{
	EVP_PKEY *k = EVP_RSA_gen(3072);
	EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new(k, NULL);
	struct buf out = BUF_INIT(HSM_SIG_MAX);
	_cleanup_pubkey_ struct pubkey *mine = pubkey_of(k);
	_cleanup_p11_key_ struct p11_key *h = NULL;
	uint8_t digest[32], sig[384];
	size_t len = sizeof(sig);

	(void)state;
	fill(digest, sizeof(digest), 3);
	import_rsa(k, 0x30, CK_TRUE);
	/* the private key shows its modulus, which is enough to know it */
	h = softhsm_key(s, 0x30, mine);
	assert_code(hsm_sign_digest(s, h, KEY_RSA3072_PKCS1, digest, 32, &out,
			NULL),
	    0);
	assert_int_equal(EVP_PKEY_sign_init(ctx), 1);
	assert_int_equal(EVP_PKEY_CTX_set_rsa_padding(ctx, RSA_PKCS1_PADDING),
	    1);
	assert_int_equal(EVP_PKEY_CTX_set_signature_md(ctx, EVP_sha256()), 1);
	assert_int_equal(EVP_PKEY_sign(ctx, sig, &len, digest, 32), 1);
	assert_int_equal(out.len, len);
	assert_memory_equal(out.p, sig, len);
	buf_done(&out);
	EVP_PKEY_CTX_free(ctx);
	EVP_PKEY_free(k);
}

/* The public half beside is right, and the private one is another's. */
static void
test_rsa_other(void **state)
{
	EVP_PKEY *k = EVP_RSA_gen(3072);
	_cleanup_pubkey_ struct pubkey *mine = pubkey_of(k);
	const struct pubkey *beside = pub[KEY_RSA3072_PKCS1];
	CK_OBJECT_CLASS class = CKO_PUBLIC_KEY;
	CK_BYTE id = 0x31, was = KEY_RSA3072_PKCS1 + 1;
	CK_ATTRIBUTE t[3], set = { CKA_ID, &id, 1 };
	struct p11_key *found = NULL;
	CK_OBJECT_HANDLE h;

	(void)state;
	import_rsa(k, id, CK_TRUE);
	assert_int_equal(p11_find_one(s, t,
			     p11_key_template(t, &class, &was, 1, NULL), "key",
			     &h, NULL),
	    0);
	assert_int_equal(p->f->C_SetAttributeValue(s->h, h, &set, 1), CKR_OK);
	assert_code(p11_find_key(s, &id, 1, NULL, beside->spki,
			beside->spki_len, &found, NULL),
	    CS_E_HSM_KEY_MISMATCH);
	set.pValue = &was;
	assert_int_equal(p->f->C_SetAttributeValue(s->h, h, &set, 1), CKR_OK);
	/* and one that may not sign */
	id = 0x32;
	import_rsa(k, id, CK_FALSE);
	assert_code(p11_find_key(s, &id, 1, NULL, mine->spki, mine->spki_len,
			&found, NULL),
	    CS_E_HSM_MECH);
	assert_null(found);
	EVP_PKEY_free(k);
}

/* A public key of the same modulus is not the same key. */
static void
test_exponent(void **state)
{
	const struct pubkey *k = pub[KEY_RSA3072_PKCS1];
	const struct p11_spki list = { k->spki, k->spki_len };
	CK_OBJECT_CLASS class = CKO_PUBLIC_KEY;
	CK_KEY_TYPE type = CKK_RSA;
	CK_BBOOL yes = CK_TRUE;
	CK_BYTE id = 0x40, e[] = { 0x01, 0x00, 0x03 };
	CK_ATTRIBUTE t[] = {
		{ CKA_CLASS, &class, sizeof(class) },
		{ CKA_KEY_TYPE, &type, sizeof(type) },
		{ CKA_TOKEN, &yes, sizeof(yes) },
		{ CKA_ID, &id, 1 },
		{ CKA_PUBLIC_EXPONENT, e, sizeof(e) },
		{ CKA_MODULUS, NULL, 0 },
	};
	struct p11_match m;
	CK_OBJECT_HANDLE h;

	(void)state;
	import_number(&t[5], CKA_MODULUS, k->pkey, OSSL_PKEY_PARAM_RSA_N);
	assert_int_equal(p->f->C_CreateObject(s->h, t, ARRAY_LEN(t), &h),
	    CKR_OK);
	free(t[5].pValue);
	assert_code(p11_find_by_spki(s, &list, 1, &m, NULL), 0);
	assert_int_equal(m.id[0], KEY_RSA3072_PKCS1 + 1);
	assert_int_equal(p->f->C_DestroyObject(s->h, h), CKR_OK);
}

/* H4: leading zeros in r and s, one in 128 of these */
static void
test_ecdsa(void **state)
{
	uint8_t digest[48];
	unsigned i;

	(void)state;
	for (i = 0; i < 2000; i++) {
		fill(digest, 32, i);
		assert_signs(KEY_P256, digest);
	}
	for (i = 0; i < 300; i++) {
		fill(digest, 48, i);
		assert_signs(KEY_P384, digest);
	}
}

/* R6: and the token is not touched: its session is another's handle */
static void
test_digest(void **state)
{
	struct p11_session dead = *s;
	struct buf out = BUF_INIT(HSM_SIG_MAX);
	uint8_t digest[HASH_MAX_LEN + 1] = { 1 };
	size_t len;
	int a, b;

	(void)state;
	dead.h = 0xdead;
	for (a = 0; a < N; a++) {
		for (len = 0; len <= sizeof(digest); len++) {
			if (len == hash_len(key_alg_hash((enum key_alg)a)))
				continue;
			assert_code(hsm_sign_digest(&dead, key[a],
					(enum key_alg)a, digest, len, &out,
					NULL),
			    CS_E_HSM_DIGEST);
		}
		/* P-256 with a SHA-384 key, and so on */
		for (b = 0; b < N; b++) {
			if (pubkey_fits(pub[a], (enum key_alg)b))
				continue;
			len = hash_len(key_alg_hash((enum key_alg)b));
			assert_code(hsm_sign_digest(&dead, key[a],
					(enum key_alg)b, digest, len, &out,
					NULL),
			    CS_E_HSM_MECH);
		}
	}
	assert_code(hsm_sign_digest(&dead, key[KEY_P256], KEY_ALG_COUNT, digest,
			32, &out, NULL),
	    CS_E_HSM_MECH);
	/* a right one does touch it */
	assert_code(hsm_sign_digest(&dead, key[KEY_P256], KEY_P256, digest, 32,
			&out, NULL),
	    CS_E_HSM_REMOVED);
	buf_done(&out);
}

static void
test_mismatch(void **state)
{
	struct p11_key *k = NULL;
	EVP_PKEY *ec = EVP_EC_gen("P-256");
	_cleanup_pubkey_ struct pubkey *other = pubkey_of(ec);
	const uint8_t id = KEY_P256 + 1, rsa_id = KEY_RSA3072_PSS + 1;
	const struct pubkey *good = pub[KEY_P256];
	const struct pubkey *rsa = pub[KEY_RSA3072_PKCS1];

	(void)state;
	EVP_PKEY_free(ec);
	assert_code(p11_find_key(s, &id, 1, NULL, other->spki, other->spki_len,
			&k, NULL),
	    CS_E_HSM_KEY_MISMATCH);
	/* another type, another key of its type, another label, no ID */
	assert_code(p11_find_key(s, &id, 1, NULL, rsa->spki, rsa->spki_len, &k,
			NULL),
	    CS_E_HSM_KEY_MISMATCH);
	assert_code(p11_find_key(s, &rsa_id, 1, NULL, rsa->spki, rsa->spki_len,
			&k, NULL),
	    CS_E_HSM_KEY_MISMATCH);
	assert_code(p11_find_key(s, &id, 1, "k1", good->spki, good->spki_len,
			&k, NULL),
	    CS_E_HSM_KEY_ABSENT);
	assert_code(p11_find_key(s, &id, 0, NULL, good->spki, good->spki_len,
			&k, NULL),
	    CS_E_HSM_URI);
	assert_code(p11_find_key(s, (const uint8_t *)"\x63", 1, NULL,
			good->spki, good->spki_len, &k, NULL),
	    CS_E_HSM_KEY_ABSENT);
	/* a stranger under this ID */
	assert_code(p11_find_key(s, (const uint8_t *)"\x77", 1, NULL,
			good->spki, good->spki_len, &k, NULL),
	    CS_E_HSM_KEY_MISMATCH);
	assert_null(k);
	assert_code(p11_check_public(s, &id, 1, NULL, other->spki,
			other->spki_len, NULL),
	    CS_E_HSM_KEY_MISMATCH);
	assert_code(p11_check_public(s, &id, 1, "k3", good->spki,
			good->spki_len, NULL),
	    0);
	assert_code(p11_check_public(s, (const uint8_t *)"\x77", 1, NULL,
			good->spki, good->spki_len, NULL),
	    CS_E_KEY_TYPE);
}

/* Before any PIN: which enrolled key is here */
static void
test_match(void **state)
{
	struct p11_session *open;
	struct p11_spki list[3];
	struct p11_match m;
	EVP_PKEY *ec = EVP_EC_gen("P-384");
	_cleanup_pubkey_ struct pubkey *other = pubkey_of(ec);
	int a;

	(void)state;
	EVP_PKEY_free(ec);
	list[0] = (struct p11_spki){ other->spki, other->spki_len };
	open = softhsm_session(p, "keys", false);
	for (a = 0; a < N; a++) {
		struct pubkey *is = NULL;

		list[1] = (struct p11_spki){ pub[a]->spki, pub[a]->spki_len };
		assert_code(p11_find_by_spki(open, list, 2, &m, NULL), 0);
		assert_int_equal(m.index, 1);
		assert_int_equal(m.id_len, 1);
		assert_int_equal(m.id[0], a + 1);
		assert_code(p11_public_spki(open, m.id, 1, NULL, &is, NULL), 0);
		assert_int_equal(pubkey_equal(is, pub[a]), 1);
		pubkey_free(&is);
	}
	assert_code(p11_find_by_spki(open, list, 1, &m, NULL),
	    CS_E_HSM_KEY_ABSENT);
	assert_code(p11_find_by_spki(open, list, 0, &m, NULL),
	    CS_E_HSM_KEY_ABSENT);
	list[2] = (struct p11_spki){ pub[0]->spki, pub[0]->spki_len };
	assert_code(p11_find_by_spki(open, list, 3, &m, NULL),
	    CS_E_HSM_KEY_AMBIGUOUS);
	p11_session_close(&open);
}

/* H7: two under one ID are an error before any PIN */
static void
test_ambiguous(void **state)
{
	struct p11_session *open;
	_cleanup_pubkey_ struct pubkey *twin = NULL;
	CK_OBJECT_CLASS class = CKO_PUBLIC_KEY;
	CK_OBJECT_HANDLE h, h2;
	struct p11_key *k = NULL;
	struct p11_spki spki;
	struct p11_match m;
	uint8_t id = 0x50;
	CK_ATTRIBUTE t[3], set = { CKA_ID, &id, 1 };

	(void)state;
	twin = softhsm_generate(s, KEY_P256, 0x50, "twin a");
	pubkey_free(&twin);
	twin = softhsm_generate(s, KEY_P256, 0x51, "twin b");
	id = 0x51;
	assert_int_equal(p11_find_one(s, t,
			     p11_key_template(t, &class, &id, 1, NULL), "key",
			     &h, NULL),
	    0);
	class = CKO_PRIVATE_KEY;
	assert_int_equal(p11_find_one(s, t,
			     p11_key_template(t, &class, &id, 1, NULL), "key",
			     &h2, NULL),
	    0);
	id = 0x50;
	assert_int_equal(p->f->C_SetAttributeValue(s->h, h, &set, 1), CKR_OK);
	open = softhsm_session(p, "keys", false);
	spki = (struct p11_spki){ twin->spki, twin->spki_len };
	assert_code(p11_check_public(open, &id, 1, NULL, twin->spki,
			twin->spki_len, NULL),
	    CS_E_HSM_KEY_AMBIGUOUS);
	assert_code(p11_find_by_spki(open, &spki, 1, &m, NULL),
	    CS_E_HSM_KEY_AMBIGUOUS);
	/* the label tells them apart, and is checked */
	assert_code(p11_check_public(open, &id, 1, "twin b", twin->spki,
			twin->spki_len, NULL),
	    0);
	assert_code(p11_check_public(open, &id, 1, "twin a", twin->spki,
			twin->spki_len, NULL),
	    CS_E_HSM_KEY_MISMATCH);
	p11_session_close(&open);
	/* the private half is alone under its ID; its public half is not */
	assert_code(p11_find_key(s, &id, 1, NULL, twin->spki, twin->spki_len,
			&k, NULL),
	    CS_E_HSM_KEY_AMBIGUOUS);
	assert_int_equal(p->f->C_SetAttributeValue(s->h, h2, &set, 1), CKR_OK);
	assert_code(p11_find_key(s, &id, 1, NULL, twin->spki, twin->spki_len,
			&k, NULL),
	    CS_E_HSM_KEY_AMBIGUOUS);
	assert_null(k);
	assert_int_equal(p->f->C_DestroyObject(s->h, h), CKR_OK);
	assert_int_equal(p->f->C_DestroyObject(s->h, h2), CKR_OK);
}

/* A private EC key with no public one cannot be known. */
static void
test_alone(void **state)
{
	_cleanup_pubkey_ struct pubkey *k = NULL;
	CK_OBJECT_CLASS class = CKO_PUBLIC_KEY;
	struct p11_key *found = NULL;
	CK_OBJECT_HANDLE h;
	uint8_t id = 0x60;
	CK_ATTRIBUTE t[3];

	(void)state;
	k = softhsm_generate(s, KEY_P256, id, "alone");
	assert_int_equal(p11_find_one(s, t,
			     p11_key_template(t, &class, &id, 1, NULL), "key",
			     &h, NULL),
	    0);
	assert_int_equal(p->f->C_DestroyObject(s->h, h), CKR_OK);
	assert_code(p11_find_key(s, &id, 1, NULL, k->spki, k->spki_len, &found,
			NULL),
	    CS_E_HSM_KEY_MISMATCH);
	assert_null(found);
}

/* A token that gives less than its key makes; last, as it reopens */
static void
test_short(void **state)
{
	struct p11_session *t;
	_cleanup_p11_key_ struct p11_key *k = NULL;
	struct buf out = BUF_INIT(HSM_SIG_MAX);
	uint8_t digest[32] = { 1 };
	struct p11 *f = NULL;
	int a;

	(void)state;
	p11_session_close(&s);
	p11_close(&p);
	assert_int_equal(p11_open(softhsm_fake(), &f, NULL), 0);
	t = softhsm_session(f, "keys", true);
	for (a = KEY_RSA3072_PKCS1; a <= KEY_P256; a += KEY_P256) {
		k = softhsm_key(t, (uint8_t)(a + 1), pub[a]);
		assert_int_equal(setenv("CS_FAKE_SHORT", "1", 1), 0);
		assert_code(hsm_sign_digest(t, k, (enum key_alg)a, digest, 32,
				&out, NULL),
		    CS_E_HSM);
		assert_int_equal(unsetenv("CS_FAKE_SHORT"), 0);
		assert_code(hsm_sign_digest(t, k, (enum key_alg)a, digest, 32,
				&out, NULL),
		    0);
		p11_key_free(&k);
	}
	buf_done(&out);
	p11_session_close(&t);
	p11_close(&f);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_all),
		cmocka_unit_test(test_messages),
		cmocka_unit_test(test_restricted),
		cmocka_unit_test(test_rsa_software),
		cmocka_unit_test(test_rsa_other),
		cmocka_unit_test(test_exponent),
		cmocka_unit_test(test_ecdsa),
		cmocka_unit_test(test_digest),
		cmocka_unit_test(test_mismatch),
		cmocka_unit_test(test_match),
		cmocka_unit_test(test_ambiguous),
		cmocka_unit_test(test_alone),
		cmocka_unit_test(test_short),
	};

	return cmocka_run_group_tests(tests, group_setup, group_teardown);
}
