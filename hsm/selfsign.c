/* SPDX-License-Identifier: Apache-2.0 */

/*
 * A certificate whose key is on a token.  OpenSSL fills in the algorithm
 * identifiers when it signs with a throw-away key of the same type; then the
 * token signs the very TBS bytes, and the outer SEQUENCE is put together.
 */

#include <openssl/asn1.h>
#include <openssl/bn.h>
#include <openssl/rand.h>
#include <openssl/rsa.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>
#include <string.h>

#include "hsm/selfsign.h"

static void
x509_freep(X509 **x)
{
	X509_free(*x);
}

static void
pkey_freep(EVP_PKEY **p)
{
	EVP_PKEY_free(*p);
}

static EVP_PKEY *
throw_away(enum key_alg alg)
{
	switch (alg) {
	case KEY_P256:
		return EVP_EC_gen("P-256");
	case KEY_P384:
		return EVP_EC_gen("P-384");
	case KEY_RSA3072_PKCS1:
	case KEY_RSA3072_PSS:
		return EVP_RSA_gen(2048);
	default:
		return NULL;
	}
}

static void
md_ctx_freep(EVP_MD_CTX **c)
{
	EVP_MD_CTX_free(*c);
}

/* For the algorithm identifiers; the signature itself is not used. */
static int
sign_away(X509 *x, enum key_alg alg)
{
	_cleanup_(pkey_freep) EVP_PKEY *tmp = throw_away(alg);
	_cleanup_(md_ctx_freep) EVP_MD_CTX *ctx = EVP_MD_CTX_new();
	const EVP_MD *md = EVP_get_digestbyname(hash_name(key_alg_hash(alg)));
	EVP_PKEY_CTX *pctx = NULL;

	if (tmp == NULL || ctx == NULL ||
	    EVP_DigestSignInit(ctx, &pctx, md, NULL, tmp) != 1)
		return CS_E_CRYPTO;
	if (alg == KEY_RSA3072_PSS &&
	    (EVP_PKEY_CTX_set_rsa_padding(pctx, RSA_PKCS1_PSS_PADDING) != 1 ||
		EVP_PKEY_CTX_set_rsa_pss_saltlen(pctx, CS_SHA256_LEN) != 1))
		return CS_E_CRYPTO;
	return X509_sign_ctx(x, ctx) > 0 ? 0 : CS_E_CRYPTO;
}

static int
set_serial(X509 *x)
{
	unsigned char b[20];
	BIGNUM *bn;
	int ok;

	if (RAND_bytes(b, sizeof(b)) != 1)
		return 0;
	b[0] = (unsigned char)((b[0] & 0x7f) | 0x40); /* 159 bits, positive */
	bn = BN_bin2bn(b, sizeof(b), NULL);
	ok = bn != NULL &&
	    BN_to_ASN1_INTEGER(bn, X509_get_serialNumber(x)) != NULL;
	BN_free(bn);
	return ok;
}

static int
add_extension(X509 *x, int nid, const char *value)
{
	X509V3_CTX ctx;
	X509_EXTENSION *e;
	int ok;

	X509V3_set_ctx(&ctx, x, x, NULL, NULL, 0);
	e = X509V3_EXT_conf_nid(NULL, &ctx, nid, value);
	ok = e != NULL && X509_add_ext(x, e, -1) == 1;
	X509_EXTENSION_free(e);
	return ok;
}

static int
fill(X509 *x, const struct pubkey *k, const char *cn, int64_t not_before,
    int64_t not_after)
{
	X509_NAME *name = X509_get_subject_name(x);

	return X509_set_version(x, X509_VERSION_3) == 1 && set_serial(x) &&
	    X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_ASC,
		(const unsigned char *)cn, -1, -1, 0) == 1 &&
	    X509_set_issuer_name(x, name) == 1 &&
	    ASN1_TIME_set(X509_getm_notBefore(x), (time_t)not_before) != NULL &&
	    ASN1_TIME_set(X509_getm_notAfter(x), (time_t)not_after) != NULL &&
	    X509_set_pubkey(x, k->pkey) == 1 &&
	    add_extension(x, NID_basic_constraints, "critical,CA:FALSE") &&
	    add_extension(x, NID_key_usage, "critical,digitalSignature") &&
	    add_extension(x, NID_ext_key_usage, "codeSigning") &&
	    add_extension(x, NID_subject_key_identifier, "hash");
}

/* SEQUENCE { tbs, algorithm, BIT STRING } */
static int
assemble(const unsigned char *tbs, int tbs_len, const X509_ALGOR *alg,
    const uint8_t *sig, size_t sig_len, uint8_t **ret, size_t *ret_len)
{
	unsigned char *alg_der = NULL, *p;
	int alg_len = i2d_X509_ALGOR(alg, &alg_der);
	int bits = ASN1_object_size(0, (int)sig_len + 1, V_ASN1_BIT_STRING);
	int body = tbs_len + alg_len + bits;
	int size = ASN1_object_size(1, body, V_ASN1_SEQUENCE);

	if (alg_len <= 0 || (*ret = malloc((size_t)size)) == NULL) {
		OPENSSL_free(alg_der);
		return CS_E_NOMEM;
	}
	p = *ret;
	ASN1_put_object(&p, 1, body, V_ASN1_SEQUENCE, V_ASN1_UNIVERSAL);
	memcpy(p, tbs, (size_t)tbs_len);
	p += tbs_len;
	memcpy(p, alg_der, (size_t)alg_len);
	p += alg_len;
	OPENSSL_free(alg_der);
	ASN1_put_object(&p, 0, (int)sig_len + 1, V_ASN1_BIT_STRING,
	    V_ASN1_UNIVERSAL);
	*p++ = 0; /* no unused bits */
	memcpy(p, sig, sig_len);
	*ret_len = (size_t)size;
	return 0;
}

/* What was put together must be a certificate that its own key verifies. */
static int
check(const uint8_t *der, size_t len, const struct pubkey *k, struct diag *d)
{
	const unsigned char *p = der;
	_cleanup_(x509_freep) X509 *x = d2i_X509(NULL, &p, (long)len);

	if (x == NULL || p != der + len || X509_verify(x, k->pkey) != 1)
		return diag_fail(d, CS_E_CRYPTO, "a certificate that verifies",
		    "one that does not");
	return 0;
}

/* A name that prints and fits, times in order, a key that can do it. */
static int
check_wish(const struct selfsign *c, enum key_alg alg, struct diag *d)
{
	size_t n = strlen(c->cn), i;

	if (key_alg_is_ed25519(alg))
		return diag_fail(d, CS_E_HSM_MECH, "RSA or ECDSA", "%s",
		    key_alg_name(alg));
	if (!pubkey_fits(c->pub, alg))
		return diag_fail(d, CS_E_HSM_CERT, key_alg_name(alg),
		    "a public key of another type");
	for (i = 0; i < n && c->cn[i] >= 0x20 && c->cn[i] <= 0x7e; i++)
		;
	if (n == 0 || n > SELFSIGN_CN_MAX || i != n)
		return diag_fail(d, CS_E_HSM_CERT,
		    "a name of 1 to 64 printable characters", "%zu", n);
	if (c->not_before >= c->not_after)
		return diag_fail(d, CS_E_HSM_CERT, "an end after the beginning",
		    "%lld to %lld", (long long)c->not_before,
		    (long long)c->not_after);
	return 0;
}

static int
sign_tbs(const unsigned char *tbs, int len, const struct hsm_signer *signer,
    struct buf *sig, struct diag *d)
{
	const char *md = hash_name(key_alg_hash(signer->alg));
	uint8_t digest[EVP_MAX_MD_SIZE];
	unsigned int n = 0;

	if (len <= 0 ||
	    EVP_Digest(tbs, (size_t)len, digest, &n, EVP_get_digestbyname(md),
		NULL) != 1)
		return diag_fail(d, CS_E_CRYPTO, NULL, "certificate body");
	return signer->sign(signer->arg, digest, n, sig, d);
}

int
selfsign_make(const struct selfsign *c, const struct hsm_signer *signer,
    uint8_t **ret, size_t *ret_len, struct diag *d)
{
	_cleanup_(x509_freep) X509 *x = X509_new();
	_cleanup_free_ uint8_t *der = NULL;
	struct buf sig __attribute__((cleanup(buf_done))) =
	    BUF_INIT(HSM_SIG_MAX);
	const X509_ALGOR *alg;
	unsigned char *tbs = NULL;
	size_t len = 0;
	int tbs_len, r;

	r = check_wish(c, signer->alg, d);
	if (r != 0)
		return r;
	if (x == NULL || !fill(x, c->pub, c->cn, c->not_before, c->not_after) ||
	    sign_away(x, signer->alg) != 0)
		return diag_fail(d, CS_E_CRYPTO, NULL, "certificate");
	tbs_len = i2d_re_X509_tbs(x, &tbs);
	X509_get0_signature(NULL, &alg, x);
	r = sign_tbs(tbs, tbs_len, signer, &sig, d);
	if (r == 0)
		r = assemble(tbs, tbs_len, alg, sig.p, sig.len, &der, &len);
	OPENSSL_free(tbs);
	if (r == 0)
		r = check(der, len, c->pub, d);
	if (r != 0)
		return r;
	*ret = take_ptr(der);
	*ret_len = len;
	return 0;
}
