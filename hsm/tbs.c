/* SPDX-License-Identifier: Apache-2.0 */

/*
 * What X.509 signs, by a key on a token.  OpenSSL fills in the algorithm
 * identifiers when it signs with a throw-away key of the same type; then the
 * token signs the very TBS bytes, and the outer SEQUENCE is put together.
 */

#include <openssl/asn1.h>
#include <openssl/rsa.h>
#include <string.h>

#include "hsm/tbs.h"
#include "lib/ossl.h"

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

int
tbs_sign_away(enum key_alg alg, int (*sign)(void *x, EVP_MD_CTX *ctx), void *x)
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
	return sign(x, ctx) > 0 ? 0 : CS_E_CRYPTO;
}

int
tbs_sign(const unsigned char *tbs, int len, const struct hsm_signer *signer,
    struct buf *sig, struct diag *d)
{
	const char *md = hash_name(key_alg_hash(signer->alg));
	uint8_t digest[EVP_MAX_MD_SIZE];
	unsigned int n = 0;

	if (len <= 0 ||
	    EVP_Digest(tbs, (size_t)len, digest, &n, EVP_get_digestbyname(md),
		NULL) != 1)
		return diag_fail(d, CS_E_CRYPTO, NULL, "what is to be signed");
	return signer->sign(signer->arg, digest, n, sig, d);
}
