/* SPDX-License-Identifier: Apache-2.0 */
#include <openssl/err.h>
#include <openssl/rsa.h>

#include "lib/key.h"

static void
pkey_ctx_freep(EVP_PKEY_CTX **p)
{
	EVP_PKEY_CTX_free(*p);
}

static void
md_ctx_freep(EVP_MD_CTX **p)
{
	EVP_MD_CTX_free(*p);
}

/* Ed25519 and message signatures: one call over the message (RFC 8032). */
static int
verify_message(const struct pubkey *k, const char *md, const void *msg,
    size_t msg_len, const uint8_t *sig, size_t sig_len)
{
	_cleanup_(md_ctx_freep) EVP_MD_CTX *ctx = EVP_MD_CTX_new();
	int ok;

	if (ctx == NULL)
		return CS_E_NOMEM;
	if (EVP_DigestVerifyInit_ex(ctx, NULL, md, NULL, NULL, k->pkey, NULL) !=
	    1) {
		ERR_clear_error();
		return CS_E_CRYPTO;
	}
	ok = EVP_DigestVerify(ctx, sig, sig_len, msg, msg_len);
	ERR_clear_error();
	return ok == 1 ? 0 : CS_E_SIG;
}

static int
set_padding(EVP_PKEY_CTX *ctx, enum key_alg a)
{
	if (a == KEY_RSA3072_PKCS1)
		return EVP_PKEY_CTX_set_rsa_padding(ctx, RSA_PKCS1_PADDING);
	if (a != KEY_RSA3072_PSS)
		return 1;
	if (EVP_PKEY_CTX_set_rsa_padding(ctx, RSA_PKCS1_PSS_PADDING) != 1 ||
	    EVP_PKEY_CTX_set_rsa_mgf1_md(ctx, EVP_sha256()) != 1)
		return 0;
	return EVP_PKEY_CTX_set_rsa_pss_saltlen(ctx, RSA_PSS_SALTLEN_DIGEST);
}

static const EVP_MD *
alg_md(enum key_alg a)
{
	return key_alg_hash(a) == HASH_SHA384 ? EVP_sha384() : EVP_sha256();
}

int
pubkey_verify_digest(const struct pubkey *k, enum key_alg a,
    const uint8_t *digest, size_t digest_len, const uint8_t *sig,
    size_t sig_len)
{
	_cleanup_(pkey_ctx_freep) EVP_PKEY_CTX *ctx = NULL;
	int ok;

	if (!pubkey_fits(k, a))
		return CS_E_KEY_TYPE;
	if (digest_len != hash_len(key_alg_hash(a)) || sig_len == 0)
		return CS_E_SIG;
	if (key_alg_is_ed25519(a))
		return verify_message(k, NULL, digest, digest_len, sig,
		    sig_len);
	ctx = EVP_PKEY_CTX_new_from_pkey(NULL, k->pkey, NULL);
	if (ctx == NULL)
		return CS_E_NOMEM;
	if (EVP_PKEY_verify_init(ctx) != 1 || set_padding(ctx, a) != 1 ||
	    EVP_PKEY_CTX_set_signature_md(ctx, alg_md(a)) != 1) {
		ERR_clear_error();
		return CS_E_CRYPTO;
	}
	ok = EVP_PKEY_verify(ctx, sig, sig_len, digest, digest_len);
	ERR_clear_error();
	return ok == 1 ? 0 : CS_E_SIG;
}

int
pubkey_verify_message(const struct pubkey *k, const void *msg, size_t msg_len,
    const uint8_t *sig, size_t sig_len)
{
	const char *md = NULL;

	switch (EVP_PKEY_get_base_id(k->pkey)) {
	case EVP_PKEY_RSA:
		md = "SHA256";
		break;
	case EVP_PKEY_EC:
		md = EVP_PKEY_get_bits(k->pkey) == 384 ? "SHA384" : "SHA256";
		break;
	case EVP_PKEY_ED25519:
		break;
	default:
		return CS_E_KEY_TYPE;
	}
	if (sig_len == 0)
		return CS_E_SIG;
	return verify_message(k, md, msg, msg_len, sig, sig_len);
}
