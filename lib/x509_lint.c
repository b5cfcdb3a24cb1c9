/* SPDX-License-Identifier: Apache-2.0 */
#include <openssl/err.h>
#include <openssl/x509v3.h>
#include <openssl/x509_vfy.h>
#include <string.h>

#include "lib/ossl.h"
#include "lib/x509.h"

static void
store_freep(X509_STORE **s)
{
	X509_STORE_free(*s);
}

static void
store_ctx_freep(X509_STORE_CTX **c)
{
	X509_STORE_CTX_free(*c);
}

/* The to-be-signed bytes, but for the algorithm that signs: it is one. */
static int
tbs_of(const X509 *x, unsigned char **ret, int *ret_len)
{
	_cleanup_(x509_freep) X509 *copy = X509_dup(x);
	_cleanup_(algor_freep) X509_ALGOR *alg = NULL;

	if (copy == NULL || x509_algorithm(KEY_P256, &alg) != 0 ||
	    X509_ALGOR_copy((X509_ALGOR *)(uintptr_t)X509_get0_tbs_sigalg(copy),
		alg) != 1)
		return CS_E_CRYPTO;
	*ret_len = i2d_re_X509_tbs(copy, ret);
	return *ret_len > 0 ? 0 : CS_E_CRYPTO;
}

/* The issuer as it is, with the throw-away key in its place. */
static X509 *
stand_in(const X509 *issuer, EVP_PKEY *key)
{
	_cleanup_(x509_freep) X509 *x = X509_dup(issuer);

	return x != NULL && X509_set_pubkey(x, key) == 1 &&
		X509_sign(x, key, EVP_sha256()) > 0 ?
	    take_ptr(x) :
	    NULL;
}

static int
verify(X509 *x, X509 *anchor, int64_t when, struct diag *d)
{
	_cleanup_(store_freep) X509_STORE *s = X509_STORE_new();
	_cleanup_(store_ctx_freep) X509_STORE_CTX *c = X509_STORE_CTX_new();
	X509_VERIFY_PARAM *p;
	int r;

	if (s == NULL || c == NULL || X509_STORE_add_cert(s, anchor) != 1 ||
	    X509_STORE_CTX_init(c, s, x, NULL) != 1)
		return diag_fail(d, CS_E_CRYPTO, NULL, "path validation");
	p = X509_STORE_CTX_get0_param(c);
	X509_VERIFY_PARAM_set_time(p, (time_t)when);
	if (X509_VERIFY_PARAM_set_flags(p,
		X509_V_FLAG_X509_STRICT | X509_V_FLAG_PARTIAL_CHAIN |
		    X509_V_FLAG_CHECK_SS_SIGNATURE) != 1)
		return diag_fail(d, CS_E_CRYPTO, NULL, "path validation");
	r = X509_verify_cert(c);
	ERR_clear_error();
	return r == 1 ?
	    0 :
	    diag_fail(d, CS_E_X509_LINT, "a certificate that is good", "%s",
		X509_verify_cert_error_string(X509_STORE_CTX_get_error(c)));
}

/* made is what the throw-away key is to sign: x, by another algorithm. */
static int
compare(const X509 *x, const X509 *made, struct diag *d)
{
	_cleanup_(openssl_freep) unsigned char *a = NULL, *b = NULL;
	int na, nb;

	if (tbs_of(x, &a, &na) != 0 || tbs_of(made, &b, &nb) != 0)
		return diag_fail(d, CS_E_CRYPTO, NULL, "certificate");
	return na == nb && memcmp(a, b, (size_t)na) == 0 ?
	    0 :
	    diag_fail(d, CS_E_X509_LINT, "the bytes that were checked",
		"others");
}

static int
lint_issued(X509 *x, const struct x509_wish *w, const struct x509_signer *by,
    struct diag *d)
{
	_cleanup_(pkey_freep) EVP_PKEY *key = EVP_EC_gen("P-256");
	_cleanup_(x509_freep) X509 *made = X509_dup(x), *issuer = NULL;
	int r;

	if (key != NULL && made != NULL)
		issuer = stand_in(by->cert, key);
	if (issuer == NULL || X509_sign(made, key, EVP_sha256()) <= 0) {
		ERR_clear_error();
		return diag_fail(d, CS_E_CRYPTO, NULL, "throw-away key");
	}
	r = compare(x, made, d);
	return r != 0 ? r : verify(made, issuer, w->from, d);
}

/* A root has its own key inside: the throw-away one goes in and out again. */
static int
lint_root(X509 *x, const struct x509_wish *w, struct diag *d)
{
	_cleanup_(pkey_freep) EVP_PKEY *key = EVP_EC_gen("P-256");
	_cleanup_(x509_freep) X509 *made = X509_dup(x);
	int r;

	if (key == NULL || made == NULL || X509_set_pubkey(made, key) != 1 ||
	    X509_sign(made, key, EVP_sha256()) <= 0) {
		ERR_clear_error();
		return diag_fail(d, CS_E_CRYPTO, NULL, "throw-away key");
	}
	r = verify(made, made, w->from, d);
	if (r != 0)
		return r;
	if (X509_set_pubkey(made, w->key->pkey) != 1)
		return diag_fail(d, CS_E_CRYPTO, NULL, "throw-away key");
	return compare(x, made, d);
}

int
x509_lint(const struct x509_wish *w, const uint8_t sha256[32],
    const struct x509_signer *by, struct diag *d)
{
	_cleanup_(x509_freep) X509 *x = NULL;
	int r = x509_make(w, sha256, by, &x, d);

	if (r != 0)
		return r;
	return w->profile->issuer == X509_BY_ITSELF ? lint_root(x, w, d) :
						      lint_issued(x, w, by, d);
}
