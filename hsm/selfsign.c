/* SPDX-License-Identifier: Apache-2.0 */

/* A certificate whose key is on a token; see hsm/tbs.c */

#include <openssl/asn1.h>
#include <openssl/bn.h>
#include <openssl/rand.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>
#include <string.h>

#include "hsm/selfsign.h"
#include "hsm/tbs.h"
#include "lib/ossl.h"

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
add_extensions(X509 *x, bool ca)
{
	return add_extension(x, NID_basic_constraints,
		   ca ? "critical,CA:TRUE" : "critical,CA:FALSE") &&
	    add_extension(x, NID_key_usage,
		ca ? "critical,keyCertSign,cRLSign" :
		     "critical,digitalSignature") &&
	    (ca || add_extension(x, NID_ext_key_usage, "codeSigning")) &&
	    add_extension(x, NID_subject_key_identifier, "hash");
}

static int
fill(X509 *x, const struct selfsign *c)
{
	X509_NAME *name = X509_get_subject_name(x);

	return X509_set_version(x, X509_VERSION_3) == 1 && set_serial(x) &&
	    X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_ASC,
		(const unsigned char *)c->cn, -1, -1, 0) == 1 &&
	    X509_set_issuer_name(x, name) == 1 &&
	    ASN1_TIME_set(X509_getm_notBefore(x), (time_t)c->not_before) !=
	    NULL &&
	    ASN1_TIME_set(X509_getm_notAfter(x), (time_t)c->not_after) !=
	    NULL &&
	    X509_set_pubkey(x, c->pub->pkey) == 1 && add_extensions(x, c->ca);
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
sign_cert(void *x, EVP_MD_CTX *ctx)
{
	return X509_sign_ctx(x, ctx);
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
	if (x == NULL || !fill(x, c) ||
	    tbs_sign_away(signer->alg, sign_cert, x) != 0)
		return diag_fail(d, CS_E_CRYPTO, NULL, "certificate");
	tbs_len = i2d_re_X509_tbs(x, &tbs);
	X509_get0_signature(NULL, &alg, x);
	r = tbs_sign(tbs, tbs_len, signer, &sig, d);
	if (r == 0)
		r = x509_outer(tbs, tbs_len, alg, sig.p, sig.len, &der, &len);
	OPENSSL_free(tbs);
	if (r == 0)
		r = check(der, len, c->pub, d);
	if (r != 0)
		return r;
	*ret = take_ptr(der);
	*ret_len = len;
	return 0;
}
