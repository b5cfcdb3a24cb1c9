/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <openssl/bn.h>
#include <openssl/rsa.h>
#include <openssl/x509v3.h>
#include <stdio.h>
#include <string.h>

#include "lib/hex.h"
#include "lib/ossl.h"
#include "lib/sigfmt.h"
#include "lib/x509.h"

/*
 * What a certificate or list is refused for, before a token is touched; what
 * is signed is looked at by stock verifiers in tests/ceremony/x509.t.
 */
#define assert_code(r, want) assert_string_equal(err_id(r), err_id(want))
#define FROM		     INT64_C(1700000000)
#define DAY		     INT64_C(86400)
#define UNTIL		     (FROM + 100 * DAY)

static EVP_PKEY *ca_key, *leaf_key, *rsa2048, *rsa1024, *k1;
static struct pubkey *ca_pub;
static const char *const x509_format = "x509";

static struct pubkey *
pub_of(EVP_PKEY *k)
{
	_cleanup_(openssl_freep) unsigned char *der = NULL;
	struct pubkey *p = NULL;
	int n = i2d_PUBKEY(k, &der);

	assert_true(n > 0);
	assert_code(pubkey_from_spki(der, (size_t)n, &p, NULL), 0);
	return p;
}

static void
add(X509 *x, int nid, const char *value)
{
	X509V3_CTX ctx;
	X509_EXTENSION *e;

	X509V3_set_ctx(&ctx, x, x, NULL, NULL, 0);
	e = X509V3_EXT_conf_nid(NULL, &ctx, nid, value);
	assert_non_null(e);
	assert_int_equal(X509_add_ext(x, e, -1), 1);
	X509_EXTENSION_free(e);
}

/* The issuer's certificate: basic constraints and key usage as given. */
static void
issuer(struct policy_key *k, const char *basic, const char *usage, bool key_id)
{
	_cleanup_(x509_freep) X509 *x = X509_new();
	unsigned char *der = NULL;
	X509_NAME *n = X509_get_subject_name(x);
	int len;

	assert_int_equal(X509_set_version(x, X509_VERSION_3), 1);
	assert_int_equal(ASN1_INTEGER_set(X509_get_serialNumber(x), 1), 1);
	assert_int_equal(X509_NAME_add_entry_by_txt(n, "CN", MBSTRING_ASC,
			     (const unsigned char *)"A CA", -1, -1, 0),
	    1);
	assert_int_equal(X509_set_issuer_name(x, n), 1);
	assert_non_null(ASN1_TIME_set(X509_getm_notBefore(x), FROM));
	assert_non_null(ASN1_TIME_set(X509_getm_notAfter(x), UNTIL));
	assert_int_equal(X509_set_pubkey(x, ca_key), 1);
	if (basic != NULL)
		add(x, NID_basic_constraints, basic);
	if (usage != NULL)
		add(x, NID_key_usage, usage);
	if (key_id)
		add(x, NID_subject_key_identifier, "hash");
	assert_true(X509_sign(x, ca_key, EVP_sha256()) > 0);
	len = i2d_X509(x, &der);
	assert_true(len > 0);
	k->cert = malloc((size_t)len);
	assert_non_null(k->cert);
	memcpy(k->cert, der, (size_t)len);
	k->cert_len = (size_t)len;
	OPENSSL_free(der);
}

#define CA    "critical,CA:TRUE,pathlen:2"
#define USAGE "critical,keyCertSign,cRLSign"

enum csr_is {
	CSR_GOOD,
	CSR_OTHER_SIGNATURE,
	CSR_NO_NAME,
	CSR_NUL,
	CSR_BMP,
	CSR_CA_NAME,
	CSR_EXTENSION,
	CSR_SAME_EXTENSION,
	CSR_ATTRIBUTE,
	CSR_TRAILING,
};

static void
name_it(X509_REQ *q, enum csr_is how)
{
	X509_NAME *n = X509_REQ_get_subject_name(q);
	const unsigned char nul[] = "a\0b", bmp[] = "\0a\0b";

	if (how == CSR_NUL)
		assert_int_equal(X509_NAME_add_entry_by_NID(n, NID_commonName,
				     V_ASN1_UTF8STRING, nul, 3, -1, 0),
		    1);
	else if (how == CSR_BMP)
		assert_int_equal(X509_NAME_add_entry_by_NID(n, NID_commonName,
				     V_ASN1_BMPSTRING, bmp, 4, -1, 0),
		    1);
	else if (how != CSR_NO_NAME)
		assert_int_equal(X509_NAME_add_entry_by_txt(n, "CN",
				     MBSTRING_ASC,
				     (const unsigned char *)(how ==
						 CSR_CA_NAME ?
					     "A CA" :
					     "A leaf"),
				     -1, -1, 0),
		    1);
}

static void
ask(X509_REQ *q, enum csr_is how)
{
	STACK_OF(X509_EXTENSION) *all = sk_X509_EXTENSION_new_null();
	X509_EXTENSION *e;

	if (how == CSR_ATTRIBUTE)
		assert_int_equal(X509_REQ_add1_attr_by_txt(q,
				     "challengePassword", MBSTRING_ASC,
				     (const unsigned char *)"secret", -1),
		    1);
	if (how == CSR_EXTENSION || how == CSR_SAME_EXTENSION) {
		e = X509V3_EXT_conf_nid(NULL, NULL, NID_key_usage,
		    how == CSR_EXTENSION ? "critical,keyCertSign" :
					   "critical,digitalSignature");
		assert_non_null(e);
		assert_true(sk_X509_EXTENSION_push(all, e) > 0);
		assert_int_equal(X509_REQ_add_extensions(q, all), 1);
	}
	sk_X509_EXTENSION_pop_free(all, X509_EXTENSION_free);
}

static uint8_t *
csr(EVP_PKEY *k, enum csr_is how, size_t *ret_len)
{
	_cleanup_(req_freep) X509_REQ *q = X509_REQ_new();
	unsigned char *der = NULL;
	uint8_t *copy;
	int n;

	assert_int_equal(X509_REQ_set_version(q, X509_REQ_VERSION_1), 1);
	assert_int_equal(X509_REQ_set_pubkey(q, k), 1);
	name_it(q, how);
	ask(q, how);
	assert_true(X509_REQ_sign(q, how == CSR_OTHER_SIGNATURE ? ca_key : k,
			EVP_sha256()) > 0);
	n = i2d_X509_REQ(q, &der);
	assert_true(n > 0);
	copy = calloc(1, (size_t)n + 1);
	assert_non_null(copy);
	memcpy(copy, der, (size_t)n);
	OPENSSL_free(der);
	*ret_len = (size_t)n + (how == CSR_TRAILING ? 1 : 0);
	return copy;
}

/* What sigfmt_check() says of the text under the issuer's certificate. */
static int
judge(struct policy_key *k, const char *text, size_t len)
{
	struct subject s = { .name = (char *)(uintptr_t) "w",
		.text = (uint8_t *)(uintptr_t)text,
		.text_len = len };
	const struct sigfmt_job j = { .key = k, .subject = &s, .time = FROM };
	int h;

	for (h = 0; h < HASH_COUNT; h++) {
		s.has[h] = true;
		assert_code(hash_of((enum hash_alg)h, text, len, s.digest[h]),
		    0);
	}
	return sigfmt_check("x509", &j, NULL);
}

static struct policy_key
signer(void)
{
	const struct policy_key k = { .id = "ca",
		.key = ca_pub,
		.alg = KEY_P256,
		.formats = { (const char **)(uintptr_t)&x509_format, 1 } };

	return k;
}

struct wish_case {
	const char *profile;
	EVP_PKEY **key;
	enum csr_is csr;
	int path;	     /* -1: none */
	int64_t from, until; /* days after FROM */
	const char *basic, *usage;
	bool no_key_id;
	int want;
};

static const struct wish_case cases[] = {
	{ "code-signing", &leaf_key, 0, -1, 1, 9, CA, USAGE, false, 0 },
	{ "code-signing", &leaf_key, CSR_SAME_EXTENSION, -1, 1, 9, CA, USAGE,
	    false, 0 },
	{ "intermediate", &leaf_key, 0, 1, 1, 9, CA, USAGE, false, 0 },
	{ "cross", &leaf_key, 0, 0, 1, 9, CA, USAGE, false, 0 },
	{ "root", &ca_key, 0, -1, 1, 9, "CA:FALSE", NULL, true, 0 },
	{ "root", &ca_key, 0, 3, 1, 9, NULL, NULL, true, 0 },
	{ "server", &leaf_key, 0, -1, 1, 9, CA, USAGE, false, CS_E_X509_WISH },
	/* the request */
	{ "code-signing", &leaf_key, CSR_OTHER_SIGNATURE, -1, 1, 9, CA, USAGE,
	    false, CS_E_X509_CSR },
	{ "code-signing", &leaf_key, CSR_ATTRIBUTE, -1, 1, 9, CA, USAGE, false,
	    CS_E_X509_CSR },
	{ "code-signing", &leaf_key, CSR_TRAILING, -1, 1, 9, CA, USAGE, false,
	    CS_E_X509_CSR },
	{ "code-signing", &leaf_key, CSR_EXTENSION, -1, 1, 9, CA, USAGE, false,
	    CS_E_X509_EXTENSION },
	{ "code-signing", &leaf_key, CSR_NO_NAME, -1, 1, 9, CA, USAGE, false,
	    CS_E_X509_NAME },
	{ "code-signing", &leaf_key, CSR_NUL, -1, 1, 9, CA, USAGE, false,
	    CS_E_X509_NAME },
	{ "code-signing", &leaf_key, CSR_BMP, -1, 1, 9, CA, USAGE, false,
	    CS_E_X509_NAME },
	{ "code-signing", &leaf_key, CSR_CA_NAME, -1, 1, 9, CA, USAGE, false,
	    CS_E_X509_NAME },
	{ "code-signing", &rsa1024, 0, -1, 1, 9, CA, USAGE, false,
	    CS_E_X509_KEY },
	{ "code-signing", &rsa2048, 0, -1, 1, 9, CA, USAGE, false,
	    CS_E_X509_KEY },
	{ "code-signing", &k1, 0, -1, 1, 9, CA, USAGE, false, CS_E_X509_KEY },
	{ "code-signing", &ca_key, 0, -1, 1, 9, CA, USAGE, false,
	    CS_E_X509_KEY },
	{ "root", &leaf_key, 0, -1, 1, 9, CA, USAGE, false, CS_E_X509_ISSUER },
	/* the issuer */
	{ "code-signing", &leaf_key, 0, -1, 1, 9, "CA:FALSE", USAGE, false,
	    CS_E_X509_ISSUER },
	{ "code-signing", &leaf_key, 0, -1, 1, 9, NULL, USAGE, false,
	    CS_E_X509_ISSUER },
	{ "code-signing", &leaf_key, 0, -1, 1, 9, CA, "critical,cRLSign", false,
	    CS_E_X509_ISSUER },
	{ "code-signing", &leaf_key, 0, -1, 1, 9, CA, USAGE, true,
	    CS_E_X509_ISSUER },
	/* the path */
	{ "code-signing", &leaf_key, 0, 0, 1, 9, CA, USAGE, false,
	    CS_E_X509_PATH },
	{ "intermediate", &leaf_key, 0, -1, 1, 9, CA, USAGE, false,
	    CS_E_X509_PATH },
	{ "intermediate", &leaf_key, 0, 2, 1, 9, CA, USAGE, false,
	    CS_E_X509_PATH },
	{ "intermediate", &leaf_key, 0, 8, 1, 9, "critical,CA:TRUE", USAGE,
	    false, 0 },
	{ "intermediate", &leaf_key, 0, 9, 1, 9, "critical,CA:TRUE", USAGE,
	    false, CS_E_X509_PATH },
	{ "intermediate", &leaf_key, 0, 0, 1, 9, "critical,CA:TRUE,pathlen:0",
	    USAGE, false, CS_E_X509_PATH },
	/* the times */
	{ "code-signing", &leaf_key, 0, -1, 9, 9, CA, USAGE, false,
	    CS_E_X509_VALIDITY },
	{ "code-signing", &leaf_key, 0, -1, 9, 1, CA, USAGE, false,
	    CS_E_X509_VALIDITY },
	{ "code-signing", &leaf_key, 0, -1, -1, 9, CA, USAGE, false,
	    CS_E_X509_VALIDITY },
	{ "code-signing", &leaf_key, 0, -1, 1, 101, CA, USAGE, false,
	    CS_E_X509_VALIDITY },
	{ "root", &ca_key, 0, -1, 0, 9132, CA, USAGE, false, 0 },
	{ "root", &ca_key, 0, -1, 0, 9133, CA, USAGE, false,
	    CS_E_X509_VALIDITY },
};

static void
test_wishes(void **state)
{
	size_t i, len;

	(void)state;
	for (i = 0; i < ARRAY_LEN(cases); i++) {
		const struct wish_case *c = &cases[i];
		struct policy_key k = signer();
		_cleanup_free_ uint8_t *der = csr(*c->key, c->csr, &len);
		_cleanup_free_ char *text = NULL;
		struct x509_wish_new n = { .profile = c->profile,
			.from = FROM + c->from * DAY,
			.until = FROM + c->until * DAY,
			.path_length = c->path,
			.csr = der,
			.csr_len = len };
		int r;

		issuer(&k, c->basic, c->usage, !c->no_key_id);
		assert_code(x509_wish_format(&n, &text, &len), 0);
		r = judge(&k, text, len);
		if (r != c->want)
			fail_msg("case %zu: %s", i, err_id(r));
		free(k.cert);
	}
}

#define T0 "2023-11-15T00:00:00Z"
#define T1 "2023-12-15T00:00:00Z"
#define LIST(list)                                                   \
	"{\"nextUpdate\":\"" T1 "\",\"number\":1,\"revoked\":[" list \
	"],\"thisUpdate\":\"" T0 "\",\"type\":\"crl\"}"
#define ENTRY(reason, serial, time)                       \
	"{\"reason\":\"" reason "\",\"serial\":\"" serial \
	"\",\"time\":\"" time "\"}"

static const struct {
	const char *text;
	int want;
} lists[] = {
	{ LIST(""), 0 },
	{ LIST(ENTRY("keyCompromise", "01", T0)), 0 },
	{ LIST(ENTRY("unspecified", "ff", T0) "," ENTRY("superseded", "0100",
	      T0)),
	    0 },
	{ LIST(ENTRY("keyCompromise", "02", T0) "," ENTRY("keyCompromise", "01",
	      T0)),
	    CS_E_X509_CRL },
	{ LIST(ENTRY("keyCompromise", "01", T0) "," ENTRY("superseded", "01",
	      T0)),
	    CS_E_X509_CRL },
	{ LIST(ENTRY("removeFromCRL", "01", T0)), CS_E_X509_CRL },
	{ LIST(ENTRY("keyCompromise", "01", T1)), CS_E_X509_CRL },
	{ LIST(ENTRY("keyCompromise", "00", T0)), CS_E_X509_CRL },
	{ LIST(ENTRY("keyCompromise", "1", T0)), CS_E_X509_CRL },
	{ LIST(ENTRY("keyCompromise", "0A", T0)), CS_E_X509_CRL },
	{ LIST(ENTRY("keyCompromise",
	      "010101010101010101010101010101010101010101", T0)),
	    CS_E_X509_CRL },
	{ LIST("1"), CS_E_JSON_FIELD },
	{ "{\"type\":\"crl\"}", CS_E_JSON_FIELD },
	{ "{\"type\":\"certificate\"}", CS_E_JSON_FIELD },
	{ "{\"type\":\"x\"}", CS_E_X509_WISH },
	{ "{}", CS_E_X509_WISH },
	{ "{ \"type\":\"crl\"}", CS_E_X509_WISH },
	{ "", CS_E_JSON_SYNTAX },
	{ "x", CS_E_JSON_SYNTAX },
};

static void
test_lists(void **state)
{
	struct policy_key k = signer(), leaf = signer();
	size_t i;
	int r;

	(void)state;
	issuer(&k, CA, USAGE, true);
	issuer(&leaf, CA, "critical,keyCertSign", true);
	for (i = 0; i < ARRAY_LEN(lists); i++) {
		r = judge(&k, lists[i].text, strlen(lists[i].text));
		if (r != lists[i].want)
			fail_msg("case %zu: %s", i, err_id(r));
	}
	assert_code(judge(&leaf, lists[0].text, strlen(lists[0].text)),
	    CS_E_X509_ISSUER);
	free(k.cert);
	free(leaf.cert);
}

/* One wish, one serial: 20 bytes, positive; another nonce, another serial. */
static void
test_serial(void **state)
{
	uint8_t digest[32], serial[X509_SERIAL_LEN];

	(void)state;
	memset(digest, 0xff, sizeof(digest));
	x509_serial(digest, serial);
	assert_int_equal(serial[0], 0x7f);
	memset(digest, 0, sizeof(digest));
	x509_serial(digest, serial);
	assert_int_equal(serial[0], 0x40);
	assert_int_equal(serial[19], 0);
}

static int
setup(void **state)
{
	(void)state;
	ca_key = EVP_EC_gen("P-256");
	leaf_key = EVP_EC_gen("P-384");
	k1 = EVP_EC_gen("secp256k1");
	rsa1024 = EVP_RSA_gen(1024);
	rsa2048 = EVP_RSA_gen(2048);
	ca_pub = pub_of(ca_key);
	return 0;
}

static int
teardown(void **state)
{
	(void)state;
	EVP_PKEY_free(ca_key);
	EVP_PKEY_free(leaf_key);
	EVP_PKEY_free(k1);
	EVP_PKEY_free(rsa1024);
	EVP_PKEY_free(rsa2048);
	pubkey_free(&ca_pub);
	return 0;
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_wishes),
		cmocka_unit_test(test_lists),
		cmocka_unit_test(test_serial),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
