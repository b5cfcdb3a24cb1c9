/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>
#include <openssl/cms.h>
#include <openssl/core_names.h>
#include <openssl/x509.h>
#include <time.h>

#include "lib/b64.h"
#include "lib/file.h"
#include "lib/hex.h"
#include "lib/sigfmt.h"
#include "tests/lib/documents.h"

static json_t *
load_vectors(const char *name)
{
	const char *root = getenv("CS_SHARED");
	char path[400];
	json_t *j;

	(void)snprintf(path, sizeof(path), "%s/vectors/%s",
	    root == NULL ? "../shared" : root, name);
	j = json_load_file(path, 0, NULL);
	if (j == NULL)
		fail_msg("no vectors at %s (set CS_SHARED)", path);
	return j;
}

static uint8_t *
unhex(const char *s, size_t *ret_len)
{
	size_t n = strlen(s) / 2;
	uint8_t *p = malloc(n + 1);

	assert_non_null(p);
	assert_int_equal(hex_decode(s, p, n), 0);
	*ret_len = n;
	return p;
}

static const char *
field(const json_t *j, const char *name)
{
	const char *s = json_string_value(json_object_get(j, name));

	assert_non_null(s);
	return s;
}

/* by digest (an algorithm of ours) or, for Ed25519, over the message */
static int
verify_vector(const struct pubkey *k, enum key_alg a, bool message,
    const json_t *t)
{
	_cleanup_free_ uint8_t *msg = NULL;
	_cleanup_free_ uint8_t *sig = NULL;
	size_t msg_len, sig_len;
	uint8_t md[64];
	unsigned int n = 0;

	msg = unhex(field(t, "msg"), &msg_len);
	sig = unhex(field(t, "sig"), &sig_len);
	if (message)
		return pubkey_verify_message(k, msg, msg_len, sig, sig_len);
	assert_int_equal(EVP_Digest(msg, msg_len, md, &n,
			     EVP_get_digestbyname(hash_name(key_alg_hash(a))),
			     NULL),
	    1);
	return pubkey_verify_digest(k, a, md, n, sig, sig_len);
}

static void
run_wycheproof(const char *name, enum key_alg a, bool message, size_t total)
{
	char path[200];
	json_t *j, *g, *t;
	size_t i, k, run = 0, valid = 0, refused = 0;

	(void)snprintf(path, sizeof(path),
	    "wycheproof/testvectors_v1/%s_test.json", name);
	j = load_vectors(path);
	json_array_foreach (json_object_get(j, "testGroups"), i, g) {
		_cleanup_pubkey_ struct pubkey *pub = NULL;
		_cleanup_free_ uint8_t *der = NULL;
		size_t len;

		der = unhex(field(g, "publicKeyDer"), &len);
		if (pubkey_from_spki(der, len, &pub, NULL) != 0) {
			/* the one kind of key that is refused: e = 3 */
			assert_string_equal(field(json_object_get(g,
						      "publicKey"),
						"publicExponent"),
			    "03");
			refused += json_array_size(json_object_get(g, "tests"));
			continue;
		}
		json_array_foreach (json_object_get(g, "tests"), k, t) {
			bool want = strcmp(field(t, "result"), "valid") == 0;
			int r = verify_vector(pub, a, message, t);

			/* "acceptable" (a missing NULL) must not be accepted */
			if ((r == 0) != want)
				fail_msg("%s: tcId %lld: %s", name,
				    json_integer_value(
					json_object_get(t, "tcId")),
				    err_id(r));
			run++;
			valid += want;
		}
	}
	assert_int_equal(run, total);
	assert_int_equal(run + refused,
	    json_integer_value(json_object_get(j, "numberOfTests")));
	print_message("%s: %zu run, %zu of them valid; %zu not run, as the "
		      "key has e = 3 and is refused\n",
	    name, run, valid, refused);
	json_decref(j);
}

static void
test_wycheproof(void **state)
{
	(void)state;
	run_wycheproof("ecdsa_secp256r1_sha256", KEY_P256, false, 484);
	run_wycheproof("ecdsa_secp256r1_sha256", KEY_P256, true, 484);
	run_wycheproof("ecdsa_secp384r1_sha384", KEY_P384, false, 504);
	run_wycheproof("ecdsa_secp384r1_sha384", KEY_P384, true, 504);
	run_wycheproof("rsa_signature_3072_sha256", KEY_RSA3072_PKCS1, false,
	    258);
	run_wycheproof("rsa_signature_3072_sha256", KEY_RSA3072_PKCS1, true,
	    258);
	run_wycheproof("rsa_pss_3072_sha256_mgf1_32", KEY_RSA3072_PSS, false,
	    108);
	run_wycheproof("ed25519", KEY_ED25519, true, 151);
}

/* Edge cases where implementations differ: the same answer as OpenSSL's. */
static void
test_cctv(void **state)
{
	static const uint8_t prefix[] = { 0x30, 0x2a, 0x30, 0x05, 0x06, 0x03,
		0x2b, 0x65, 0x70, 0x03, 0x21, 0x00 };
	json_t *j = load_vectors("cctv/ed25519/ed25519vectors.json"), *t;
	size_t i, good = 0, keys = 0;

	(void)state;
	json_array_foreach (j, i, t) {
		_cleanup_pubkey_ struct pubkey *k = NULL;
		_cleanup_free_ uint8_t *raw = NULL;
		_cleanup_free_ uint8_t *sig = NULL;
		const char *msg = field(t, "msg");
		uint8_t der[44];
		size_t n, sig_len;
		EVP_MD_CTX *c;
		EVP_PKEY *p;
		int theirs = 0, ours;

		raw = unhex(field(t, "key"), &n);
		assert_int_equal(n, 32);
		sig = unhex(field(t, "sig"), &sig_len);
		memcpy(der, prefix, sizeof(prefix));
		memcpy(der + sizeof(prefix), raw, 32);
		p = EVP_PKEY_new_raw_public_key(EVP_PKEY_ED25519, NULL, raw,
		    32);
		c = EVP_MD_CTX_new();
		if (p != NULL &&
		    EVP_DigestVerifyInit_ex(c, NULL, NULL, NULL, NULL, p,
			NULL) == 1)
			theirs = EVP_DigestVerify(c, sig, sig_len,
				     (const uint8_t *)msg, strlen(msg)) == 1;
		EVP_MD_CTX_free(c);
		EVP_PKEY_free(p);
		ours = pubkey_from_spki(der, sizeof(der), &k, NULL) == 0;
		keys += (size_t)ours;
		ours = ours &&
		    pubkey_verify_message(k, msg, strlen(msg), sig, sig_len) ==
			0;
		assert_int_equal(ours, theirs);
		good += (size_t)ours;
	}
	print_message("CCTV Ed25519: %zu run, %zu keys read, %zu accepted, "
		      "all as OpenSSL does\n",
	    i, keys, good);
	assert_true(i > 900);
	json_decref(j);
}

static void
test_names(void **state)
{
	enum key_alg a;
	unsigned i;

	(void)state;
	for (i = 0; i < KEY_ALG_COUNT; i++) {
		assert_int_equal(key_alg_from_name(key_alg_name(
						       (enum key_alg)i),
				     &a),
		    0);
		assert_int_equal(a, i);
	}
	assert_int_equal(key_alg_from_name("rsa1024", &a), CS_E_KEY_ALG);
	assert_int_equal(key_alg_from_name("", &a), CS_E_KEY_ALG);
	assert_int_equal(key_alg_hash(KEY_P384), HASH_SHA384);
	assert_int_equal(key_alg_hash(KEY_ED25519), HASH_SHA512);
	assert_string_equal(sigfmt_suffix("raw"), "sig");
	assert_string_equal(sigfmt_suffix("cms"), "p7s");
	assert_null(sigfmt_suffix("any"));
	assert_false(sigfmt_known("RAW"));
}

/* Q1: compressed, hybrid and plain points are one key. */
static void
test_normalised(void **state)
{
	_cleanup_free_ char *b64 = doc_spki_b64(DK_CI, true);
	_cleanup_pubkey_ struct pubkey *k = NULL, *h = NULL, *e = NULL;
	const struct pubkey *plain = doc_pubkey(DK_CI);
	unsigned char *ex = NULL;
	EVP_PKEY *dup = EVP_PKEY_dup(doc_pkey(DK_CI));
	uint8_t der[200], hybrid[91];
	size_t n = 0;
	int len;

	(void)state;
	assert_int_equal(b64_decode(b64, strlen(b64), der, sizeof(der), &n), 0);
	assert_int_equal(n, 59);
	assert_int_equal(pubkey_from_spki(der, n, &k, NULL), 0);
	assert_true(pubkey_equal(k, plain));
	assert_memory_equal(k->id, plain->id, 32);

	memcpy(hybrid, plain->spki, 91);
	hybrid[26] = (uint8_t)(0x06 | (hybrid[90] & 1));
	assert_int_equal(pubkey_from_spki(hybrid, 91, &h, NULL), 0);
	assert_true(pubkey_equal(h, plain));

	/* the curve written out instead of named */
	assert_int_equal(EVP_PKEY_set_utf8_string_param(dup,
			     OSSL_PKEY_PARAM_EC_ENCODING,
			     OSSL_PKEY_EC_ENCODING_EXPLICIT),
	    1);
	len = i2d_PUBKEY(dup, &ex);
	assert_true(len > 91);
	assert_int_equal(pubkey_from_spki(ex, (size_t)len, &e, NULL), 0);
	assert_true(pubkey_equal(e, plain));
	OPENSSL_free(ex);
	EVP_PKEY_free(dup);

	assert_false(pubkey_equal(plain, doc_pubkey(DK_ALICE)));
	/* all four kinds are what OpenSSL writes */
	for (unsigned i = 0; i < DK_COUNT; i++) {
		unsigned char *o = NULL;

		len = i2d_PUBKEY(doc_pkey((enum doc_key)i), &o);
		assert_int_equal(len, doc_pubkey((enum doc_key)i)->spki_len);
		assert_memory_equal(o, doc_pubkey((enum doc_key)i)->spki,
		    (size_t)len);
		OPENSSL_free(o);
	}
}

static void
refuse_pkey(EVP_PKEY *p)
{
	_cleanup_pubkey_ struct pubkey *k = NULL;
	struct diag d = { 0 };
	unsigned char *der = NULL;
	int n;

	assert_non_null(p);
	n = i2d_PUBKEY(p, &der);
	assert_true(n > 0);
	assert_int_equal(pubkey_from_spki(der, (size_t)n, &k, &d),
	    CS_E_KEY_TYPE);
	assert_int_equal(d.code, CS_E_KEY_TYPE);
	OPENSSL_free(der);
	EVP_PKEY_free(p);
}

static EVP_PKEY *
rsa_with_e(unsigned long e)
{
	EVP_PKEY_CTX *c = EVP_PKEY_CTX_new_from_name(NULL, "RSA", NULL);
	BIGNUM *bn = BN_new();
	EVP_PKEY *p = NULL;

	assert_int_equal(BN_set_word(bn, e), 1);
	assert_int_equal(EVP_PKEY_keygen_init(c), 1);
	assert_int_equal(EVP_PKEY_CTX_set_rsa_keygen_bits(c, 2048), 1);
	assert_int_equal(EVP_PKEY_CTX_set1_rsa_keygen_pubexp(c, bn), 1);
	assert_int_equal(EVP_PKEY_keygen(c, &p), 1);
	BN_free(bn);
	EVP_PKEY_CTX_free(c);
	return p;
}

static void
test_refused_keys(void **state)
{
	_cleanup_pubkey_ struct pubkey *k = NULL;
	const struct pubkey *good = doc_pubkey(DK_CI);
	uint8_t der[200];

	(void)state;
	refuse_pkey(EVP_RSA_gen(1024));
	refuse_pkey(rsa_with_e(3));
	refuse_pkey(EVP_EC_gen("P-521"));
	refuse_pkey(EVP_EC_gen("secp256k1"));
	refuse_pkey(EVP_PKEY_Q_keygen(NULL, NULL, "X25519"));
	refuse_pkey(EVP_PKEY_Q_keygen(NULL, NULL, "ED448"));

	memcpy(der, good->spki, good->spki_len);
	der[good->spki_len] = 0;
	assert_int_equal(pubkey_from_spki(der, good->spki_len + 1, &k, NULL),
	    CS_E_KEY_TYPE);
	assert_int_equal(pubkey_from_spki(der, good->spki_len - 1, &k, NULL),
	    CS_E_KEY_TYPE);
	assert_int_equal(pubkey_from_spki(der, 0, &k, NULL), CS_E_KEY_TYPE);
	der[90] ^= 1; /* not on the curve */
	assert_int_equal(pubkey_from_spki(der, good->spki_len, &k, NULL),
	    CS_E_KEY_TYPE);
	assert_null(k);
}

static void
test_pem(void **state)
{
	_cleanup_pubkey_ struct pubkey *k = NULL, *no = NULL;
	_cleanup_free_ char *pem = NULL;
	char twice[600];
	int n;

	(void)state;
	assert_int_equal(pubkey_to_pem(doc_pubkey(DK_BOB), &pem), 0);
	assert_int_equal(pubkey_from_pem(pem, strlen(pem), &k, NULL), 0);
	assert_true(pubkey_equal(k, doc_pubkey(DK_BOB)));
	n = snprintf(twice, sizeof(twice), "%s%s", pem, pem);
	assert_int_equal(pubkey_from_pem(twice, (size_t)n, &no, NULL),
	    CS_E_KEY_TYPE);
	n = snprintf(twice, sizeof(twice), "%sx", pem);
	assert_int_equal(pubkey_from_pem(twice, (size_t)n, &no, NULL),
	    CS_E_KEY_TYPE);
	n = snprintf(twice, sizeof(twice), "x\n%s", pem);
	assert_int_equal(pubkey_from_pem(twice, (size_t)n, &no, NULL),
	    CS_E_KEY_TYPE);
	pem[40] = '*';
	assert_int_equal(pubkey_from_pem(pem, strlen(pem), &no, NULL),
	    CS_E_KEY_TYPE);
	assert_null(no);
}

static const struct {
	enum doc_key key;
	enum key_alg alg;
} pairs[] = { { DK_REL, KEY_P256 }, { DK_REL384, KEY_P384 },
	{ DK_ED, KEY_ED25519 }, { DK_CMS, KEY_RSA3072_PKCS1 },
	{ DK_PSS, KEY_RSA3072_PSS } };

/* A format's check of a signature over one digest, without a policy. */
static int
verify_as(const char *format, const struct pubkey *k, enum key_alg a,
    const uint8_t *cert, size_t cert_len, const uint8_t *digest, size_t len,
    const uint8_t *sig, size_t sig_len, struct diag *d)
{
	const struct policy_key key = { .id = "k",
		.key = (struct pubkey *)(uintptr_t)k,
		.alg = a,
		.cert = (uint8_t *)(uintptr_t)cert,
		.cert_len = cert_len };
	struct subject s = { .name = (char *)(uintptr_t) "a",
		.has = { [HASH_SHA256] = true } };
	const struct sigfmt_job j = { .key = &key, .subject = &s };

	s.has[key_alg_hash(a)] = true;
	memcpy(s.digest[key_alg_hash(a)], digest, len);
	return sigfmt_verify(format, &j, sig, sig_len, d);
}

static void
test_raw(void **state)
{
	uint8_t md[64];
	size_t i, j, n, len;

	(void)state;
	memset(md, 0x5a, sizeof(md));
	for (i = 0; i < ARRAY_LEN(pairs); i++) {
		const struct pubkey *k = doc_pubkey(pairs[i].key);
		_cleanup_free_ uint8_t *sig = NULL;

		len = hash_len(key_alg_hash(pairs[i].alg));
		sig = doc_sign_digest(pairs[i].key, pairs[i].alg, md, len, &n);
		assert_int_equal(verify_as("raw", k, pairs[i].alg, NULL, 0, md,
				     len, sig, n, NULL),
		    0);
		/* a digest of another length (R6) */
		assert_int_equal(pubkey_verify_digest(k, pairs[i].alg, md,
				     len - 1, sig, n),
		    CS_E_SIG);
		assert_int_equal(pubkey_verify_digest(k, pairs[i].alg, md, len,
				     sig, 0),
		    CS_E_SIG);
		md[0] ^= 1;
		assert_int_equal(verify_as("raw", k, pairs[i].alg, NULL, 0, md,
				     len, sig, n, NULL),
		    CS_E_SIG);
		md[0] ^= 1;
		for (j = 0; j < KEY_ALG_COUNT; j++)
			if (!pubkey_fits(k, (enum key_alg)j))
				assert_int_equal(pubkey_verify_digest(k,
						     (enum key_alg)j, md, len,
						     sig, n),
				    CS_E_KEY_TYPE);
		assert_int_equal(verify_as("pgp", k, pairs[i].alg, NULL, 0, md,
				     len, sig, n, NULL),
		    CS_E_FORMAT);
	}
	/* R6: Ed25519 takes any message, so the length is ours to check */
	{
		_cleanup_free_ uint8_t *sig =
		    doc_sign_digest(DK_ED, KEY_ED25519, md, 32, &n);

		assert_int_equal(pubkey_verify_digest(doc_pubkey(DK_ED),
				     KEY_ED25519, md, 32, sig, n),
		    CS_E_SIG);
	}
	/* PSS and PKCS#1 are not interchangeable */
	{
		_cleanup_free_ uint8_t *sig =
		    doc_sign_digest(DK_CMS, KEY_RSA3072_PKCS1, md, 32, &n);

		assert_int_equal(pubkey_verify_digest(doc_pubkey(DK_CMS),
				     KEY_RSA3072_PSS, md, 32, sig, n),
		    CS_E_SIG);
	}
}

enum {
	CMS_GOOD,
	CMS_NO_ATTR,
	CMS_NO_CERT,
	CMS_TWO_SIGNERS,
	CMS_INLINE,
	CMS_EXTRA_ATTR,
	CMS_UNSIGNED_ATTR,
	CMS_BER,
	CMS_NO_TIME,
	CMS_OTHER_TYPE,
	CMS_OTHER_SIGNER,
	CMS_OTHER_MD,
};

/* One signed attribute replaced by another, which breaks the signature too. */
static void
replace_attr(CMS_SignerInfo *si, int nid, const char *oid, int type,
    const void *value)
{
	int at = CMS_signed_get_attr_by_NID(si, nid, -1);

	assert_true(at >= 0);
	X509_ATTRIBUTE_free(CMS_signed_delete_attr(si, at));
	assert_int_equal(CMS_signed_add1_attr_by_txt(si, oid, type, value,
			     type == V_ASN1_OBJECT ? -1 : 1),
	    1);
}

static uint8_t *
make_cms(enum doc_key k, enum key_alg a, const uint8_t *cert, size_t cert_len,
    const char *content, int how, size_t *ret_len)
{
	const unsigned char *p = cert;
	const EVP_MD *md = a == KEY_P384 ? EVP_sha384() : EVP_sha256();
	unsigned int f =
	    CMS_BINARY | CMS_DETACHED | CMS_PARTIAL | CMS_NOSMIMECAP;
	X509 *x = d2i_X509(NULL, &p, (long)cert_len), *signer = x;
	BIO *in = BIO_new_mem_buf(content, -1);
	CMS_SignerInfo *si;
	CMS_ContentInfo *c;
	unsigned char *der = NULL;
	uint8_t *out;
	int n;

	if (how == CMS_NO_ATTR)
		f |= CMS_NOATTR;
	if (how == CMS_NO_CERT)
		f |= CMS_NOCERTS;
	if (how == CMS_OTHER_MD)
		md = EVP_sha512();
	if (how == CMS_OTHER_SIGNER) {
		uint8_t *other = NULL;
		size_t len = 0;

		doc_cert(k, DOC_NOW, DOC_NOW + 5, &other, &len);
		p = other;
		signer = d2i_X509(NULL, &p, (long)len);
		free(other);
		f |= CMS_NOCERTS;
	}
	if (how == CMS_INLINE)
		f &= ~(unsigned)CMS_DETACHED;
	c = CMS_sign(NULL, NULL, NULL, NULL, f);
	assert_non_null(c);
	if (how != CMS_INLINE)
		assert_int_equal(CMS_set_detached(c, 1), 1);
	if (a == KEY_RSA3072_PSS)
		f |= CMS_KEY_PARAM;
	si = CMS_add1_signer(c, signer, doc_pkey(k), md, f);
	if (signer != x) {
		assert_int_equal(CMS_add1_cert(c, x), 1);
		X509_free(signer);
	}
	assert_non_null(si);
	if (a == KEY_RSA3072_PSS) {
		EVP_PKEY_CTX *pc = CMS_SignerInfo_get0_pkey_ctx(si);

		assert_int_equal(EVP_PKEY_CTX_set_rsa_padding(pc,
				     RSA_PKCS1_PSS_PADDING),
		    1);
		assert_int_equal(EVP_PKEY_CTX_set_rsa_pss_saltlen(pc, 32), 1);
	}
	if (how == CMS_TWO_SIGNERS)
		assert_non_null(
		    CMS_add1_signer(c, x, doc_pkey(k), md, f | CMS_NOCERTS));
	if (how == CMS_EXTRA_ATTR)
		assert_int_equal(CMS_signed_add1_attr_by_txt(si, "1.2.3.4.5",
				     V_ASN1_UTF8STRING, "x", 1),
		    1);
	if (how == CMS_UNSIGNED_ATTR)
		assert_int_equal(CMS_unsigned_add1_attr_by_txt(si, "1.2.3.4.5",
				     V_ASN1_UTF8STRING, "x", 1),
		    1);
	assert_int_equal(CMS_final(c, in, NULL, f), 1);
	if (how == CMS_NO_TIME)
		replace_attr(si, NID_pkcs9_signingTime, "1.2.3.4.5",
		    V_ASN1_UTF8STRING, "x");
	if (how == CMS_OTHER_TYPE)
		replace_attr(si, NID_pkcs9_contentType, "contentType",
		    V_ASN1_OBJECT, OBJ_nid2obj(NID_pkcs7_signed));
	n = i2d_CMS_ContentInfo(c, &der);
	assert_true(n > 0);
	out = malloc((size_t)n + 2);
	memcpy(out, der, (size_t)n);
	if (how == CMS_BER) { /* the outer length made indefinite */
		assert_int_equal(out[1], 0x82);
		out[1] = 0x80;
		memmove(out + 2, out + 4, (size_t)n - 4);
		out[n - 2] = out[n - 1] = 0;
	}
	*ret_len = (size_t)n;
	OPENSSL_free(der);
	BIO_free(in);
	CMS_ContentInfo_free(c);
	X509_free(x);
	return out;
}

static void
test_cms(void **state)
{
	static const struct {
		int how, want;
	} t[] = { { CMS_GOOD, 0 }, { CMS_NO_ATTR, CS_E_FORMAT },
		{ CMS_NO_CERT, CS_E_FORMAT }, { CMS_TWO_SIGNERS, CS_E_FORMAT },
		{ CMS_INLINE, CS_E_FORMAT }, { CMS_EXTRA_ATTR, CS_E_FORMAT },
		{ CMS_UNSIGNED_ATTR, CS_E_FORMAT }, { CMS_BER, CS_E_FORMAT },
		{ CMS_NO_TIME, CS_E_FORMAT }, { CMS_OTHER_TYPE, CS_E_FORMAT },
		{ CMS_OTHER_SIGNER, CS_E_FORMAT },
		{ CMS_OTHER_MD, CS_E_FORMAT } };
	static const struct {
		enum doc_key key;
		enum key_alg alg;
	} k[] = { { DK_CMS, KEY_RSA3072_PKCS1 }, { DK_PSS, KEY_RSA3072_PSS },
		{ DK_REL, KEY_P256 }, { DK_REL384, KEY_P384 } };
	const char *text = "content";
	uint8_t md[64], other_md[64];
	size_t i, j, n, cert_len, other_len;
	unsigned int md_len;

	(void)state;
	for (i = 0; i < ARRAY_LEN(k); i++) {
		const struct pubkey *pub = doc_pubkey(k[i].key);
		_cleanup_free_ uint8_t *cert = NULL, *other = NULL;

		doc_cert(k[i].key, DOC_NOW, DOC_NOW + 1, &cert, &cert_len);
		doc_cert(k[i].key, DOC_NOW, DOC_NOW + 2, &other, &other_len);
		assert_int_equal(EVP_Digest(text, strlen(text), md, &md_len,
				     EVP_get_digestbyname(
					 hash_name(key_alg_hash(k[i].alg))),
				     NULL),
		    1);
		memcpy(other_md, md, sizeof(md));
		other_md[3] ^= 0x80;
		for (j = 0; j < ARRAY_LEN(t); j++) {
			_cleanup_free_ uint8_t *sig = make_cms(k[i].key,
			    k[i].alg, cert, cert_len, text, t[j].how, &n);
			struct diag d = { 0 };

			int r = verify_as("cms", pub, k[i].alg, cert, cert_len,
			    md, md_len, sig, n, &d);
			if (r != t[j].want)
				fail_msg("key %zu case %zu: %s %s", i, j,
				    err_id(r), d.found);
			if (t[j].want != 0)
				continue;
			assert_int_equal(verify_as("cms", pub, k[i].alg, cert,
					     cert_len, other_md, md_len, sig, n,
					     NULL),
			    CS_E_SIG);
			assert_int_equal(verify_as("cms", pub, k[i].alg, other,
					     other_len, md, md_len, sig, n,
					     NULL),
			    CS_E_FORMAT);
			assert_int_equal(verify_as("cms", pub, k[i].alg, NULL,
					     0, md, md_len, sig, n, NULL),
			    CS_E_FORMAT);
			assert_int_equal(verify_as("cms", pub, k[i].alg, cert,
					     cert_len, md, md_len, sig, n - 1,
					     NULL),
			    CS_E_FORMAT);
			sig[n] = 0;
			assert_int_equal(verify_as("cms", pub, k[i].alg, cert,
					     cert_len, md, md_len, sig, n + 1,
					     NULL),
			    CS_E_FORMAT);
			sig[n - 1] ^= 1; /* in the signature itself */
			assert_int_equal(verify_as("cms", pub, k[i].alg, cert,
					     cert_len, md, md_len, sig, n,
					     NULL),
			    CS_E_SIG);
		}
	}
	/* the certificate of another key, Ed25519, and the wrong algorithm */
	{
		_cleanup_free_ uint8_t *cert = NULL, *sig = NULL;

		doc_cert(DK_CMS, DOC_NOW, DOC_NOW + 1, &cert, &cert_len);
		sig = make_cms(DK_CMS, KEY_RSA3072_PKCS1, cert, cert_len, text,
		    CMS_GOOD, &n);
		assert_int_equal(verify_as("cms", doc_pubkey(DK_PSS),
				     KEY_RSA3072_PKCS1, cert, cert_len, md, 32,
				     sig, n, NULL),
		    CS_E_FORMAT);
		assert_int_equal(verify_as("cms", doc_pubkey(DK_ED),
				     KEY_ED25519, cert, cert_len, md, 64, sig,
				     n, NULL),
		    CS_E_FORMAT);
		assert_int_equal(EVP_Digest(text, strlen(text), md, &md_len,
				     EVP_sha256(), NULL),
		    1);
		assert_int_equal(verify_as("cms", doc_pubkey(DK_CMS),
				     KEY_RSA3072_PSS, cert, cert_len, md, 32,
				     sig, n, NULL),
		    CS_E_SIG);
		assert_int_equal(verify_as("cms", doc_pubkey(DK_CMS), KEY_P256,
				     cert, cert_len, md, 32, sig, n, NULL),
		    CS_E_KEY_TYPE);
	}
}

static void
test_speed(void **state)
{
	struct timespec a, b;
	uint8_t md[32] = { 1 };
	size_t n, i, rounds = 2000;
	_cleanup_free_ uint8_t *sig =
	    doc_sign_digest(DK_REL, KEY_P256, md, 32, &n);
	double s;

	(void)state;
	(void)clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &a);
	for (i = 0; i < rounds; i++)
		assert_int_equal(pubkey_verify_digest(doc_pubkey(DK_REL),
				     KEY_P256, md, 32, sig, n),
		    0);
	(void)clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &b);
	s = (double)(b.tv_sec - a.tv_sec) +
	    (double)(b.tv_nsec - a.tv_nsec) / 1e9;
	print_message("P-256: %.0f verifications/s\n", (double)rounds / s);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_names),
		cmocka_unit_test(test_normalised),
		cmocka_unit_test(test_refused_keys),
		cmocka_unit_test(test_pem),
		cmocka_unit_test(test_raw),
		cmocka_unit_test(test_cms),
		cmocka_unit_test(test_wycheproof),
		cmocka_unit_test(test_cctv),
		cmocka_unit_test(test_speed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
