/* SPDX-License-Identifier: Apache-2.0 */

/*
 * MakeCredential in software, TPM 2.0 Library Part 1, 24.  A seed goes to the
 * EK (RSA: OAEP, B.10.3; ECC: one-pass ECDH, C.6.4); from it come the key that
 * encrypts the secret, and the one of the HMAC over that and the Name.
 */
#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/ec.h>
#include <openssl/kdf.h>
#include <openssl/rand.h>
#include <openssl/rsa.h>
#include <string.h>

#include "tpm/attest_verify_private.h"

#define VERSION	   1u
#define LABEL	   "IDENTITY" /* with its NUL, as all labels here */
#define AES_LEN	   16u
#define POINT_LEN  (1 + 2 * CS_SHA256_LEN)
#define SECRET_MAX 256u

static void
kdf_freep(EVP_KDF **k)
{
	EVP_KDF_free(*k);
}
static void
kdf_ctx_freep(EVP_KDF_CTX **c)
{
	EVP_KDF_CTX_free(*c);
}
static void
pkey_freep(EVP_PKEY **p)
{
	EVP_PKEY_free(*p);
}
static void
pkey_ctx_freep(EVP_PKEY_CTX **c)
{
	EVP_PKEY_CTX_free(*c);
}
static void
cipher_ctx_freep(EVP_CIPHER_CTX **c)
{
	EVP_CIPHER_CTX_free(*c);
}

static int
derive(const char *name, const OSSL_PARAM *params, uint8_t *out, size_t len)
{
	_cleanup_(kdf_freep) EVP_KDF *kdf = EVP_KDF_fetch(NULL, name, NULL);
	_cleanup_(kdf_ctx_freep) EVP_KDF_CTX *ctx = NULL;

	if (kdf == NULL || (ctx = EVP_KDF_CTX_new(kdf)) == NULL ||
	    EVP_KDF_derive(ctx, out, len, params) != 1)
		return CS_E_CRYPTO;
	return 0;
}

/*
 * Part 1, 11.4.10.2: KDFa is the counter mode of SP 800-108 with HMAC, whose
 * separator is the NUL of the label.
 */
static int
kdfa(const uint8_t seed[CS_SHA256_LEN], const char *label,
    const uint8_t *context, size_t context_len, uint8_t *out, size_t len)
{
	OSSL_PARAM p[] = {
		OSSL_PARAM_construct_utf8_string(OSSL_KDF_PARAM_DIGEST,
		    (char *)"SHA256", 0),
		OSSL_PARAM_construct_utf8_string(OSSL_KDF_PARAM_MAC,
		    (char *)"HMAC", 0),
		OSSL_PARAM_construct_utf8_string(OSSL_KDF_PARAM_MODE,
		    (char *)"counter", 0),
		OSSL_PARAM_construct_octet_string(OSSL_KDF_PARAM_KEY,
		    (void *)(uintptr_t)seed, CS_SHA256_LEN),
		OSSL_PARAM_construct_octet_string(OSSL_KDF_PARAM_SALT,
		    (void *)(uintptr_t)label, strlen(label)),
		OSSL_PARAM_construct_octet_string(OSSL_KDF_PARAM_INFO,
		    (void *)(uintptr_t)context, context_len),
		OSSL_PARAM_construct_end(),
	};

	return derive("KBKDF", p, out, len);
}

/* Part 1, 11.4.10.3: KDFe is the one-step KDF of SP 800-56A */
static int
kdfe(const uint8_t z[CS_SHA256_LEN], const uint8_t u[CS_SHA256_LEN],
    const uint8_t v[CS_SHA256_LEN], uint8_t out[CS_SHA256_LEN])
{
	uint8_t info[sizeof(LABEL) + 2 * CS_SHA256_LEN];
	OSSL_PARAM p[] = {
		OSSL_PARAM_construct_utf8_string(OSSL_KDF_PARAM_DIGEST,
		    (char *)"SHA256", 0),
		OSSL_PARAM_construct_octet_string(OSSL_KDF_PARAM_KEY,
		    (void *)(uintptr_t)z, CS_SHA256_LEN),
		OSSL_PARAM_construct_octet_string(OSSL_KDF_PARAM_INFO, info,
		    sizeof(info)),
		OSSL_PARAM_construct_end(),
	};

	memcpy(info, LABEL, sizeof(LABEL));
	memcpy(info + sizeof(LABEL), u, CS_SHA256_LEN);
	memcpy(info + sizeof(LABEL) + CS_SHA256_LEN, v, CS_SHA256_LEN);
	return derive("SSKDF", p, out, CS_SHA256_LEN);
}

static int
point(EVP_PKEY *key, uint8_t out[POINT_LEN])
{
	size_t n = 0;

	if (EVP_PKEY_get_octet_string_param(key, OSSL_PKEY_PARAM_PUB_KEY, out,
		POINT_LEN, &n) != 1 ||
	    n != POINT_LEN || out[0] != POINT_CONVERSION_UNCOMPRESSED)
		return CS_E_CRYPTO;
	return 0;
}

static int
agree(EVP_PKEY *ours, EVP_PKEY *peer, uint8_t z[CS_SHA256_LEN])
{
	_cleanup_(pkey_ctx_freep) EVP_PKEY_CTX *ctx =
	    EVP_PKEY_CTX_new_from_pkey(NULL, ours, NULL);
	size_t n = CS_SHA256_LEN;

	if (ctx == NULL || EVP_PKEY_derive_init(ctx) != 1 ||
	    EVP_PKEY_derive_set_peer(ctx, peer) != 1 ||
	    EVP_PKEY_derive(ctx, z, &n) != 1 || n != CS_SHA256_LEN)
		return CS_E_CRYPTO;
	return 0;
}

/* The seed, and TPMS_ECC_POINT of the ephemeral key */
static int
share_ecc(EVP_PKEY *ek, uint8_t seed[CS_SHA256_LEN], struct buf *out)
{
	_cleanup_(pkey_freep) EVP_PKEY *eph = EVP_EC_gen("P-256");
	uint8_t ours[POINT_LEN], theirs[POINT_LEN], z[CS_SHA256_LEN];
	int r;

	if (eph == NULL || point(ek, theirs) != 0 || point(eph, ours) != 0 ||
	    agree(eph, ek, z) != 0)
		return CS_E_CRYPTO;
	r = kdfe(z, ours + 1, theirs + 1, seed);
	OPENSSL_cleanse(z, sizeof(z));
	if (r == 0)
		r = buf_put_u16(out, CS_SHA256_LEN);
	if (r == 0)
		r = buf_put(out, ours + 1, CS_SHA256_LEN);
	if (r == 0)
		r = buf_put_u16(out, CS_SHA256_LEN);
	return r != 0 ? r :
			buf_put(out, ours + 1 + CS_SHA256_LEN, CS_SHA256_LEN);
}

static int
share_rsa(EVP_PKEY *ek, uint8_t seed[CS_SHA256_LEN], struct buf *out)
{
	_cleanup_(pkey_ctx_freep) EVP_PKEY_CTX *ctx =
	    EVP_PKEY_CTX_new_from_pkey(NULL, ek, NULL);
	uint8_t enc[SECRET_MAX];
	uint8_t *label = OPENSSL_memdup(LABEL, sizeof(LABEL));
	size_t n = sizeof(enc);

	if (ctx == NULL || label == NULL || EVP_PKEY_encrypt_init(ctx) != 1 ||
	    EVP_PKEY_CTX_set_rsa_padding(ctx, RSA_PKCS1_OAEP_PADDING) != 1 ||
	    EVP_PKEY_CTX_set_rsa_oaep_md(ctx, EVP_sha256()) != 1 ||
	    EVP_PKEY_CTX_set_rsa_mgf1_md(ctx, EVP_sha256()) != 1 ||
	    EVP_PKEY_CTX_set0_rsa_oaep_label(ctx, label, sizeof(LABEL)) != 1) {
		OPENSSL_free(label);
		return CS_E_CRYPTO;
	}
	if (RAND_priv_bytes(seed, CS_SHA256_LEN) != 1 ||
	    EVP_PKEY_encrypt(ctx, enc, &n, seed, CS_SHA256_LEN) != 1)
		return CS_E_CRYPTO;
	return buf_put(out, enc, n);
}

/* encIdentity: TPM2B_DIGEST of the secret, AES-128-CFB, IV of zeros */
static int
encrypt(const uint8_t key[AES_LEN], const uint8_t secret[ATTEST_SECRET_LEN],
    uint8_t out[2 + ATTEST_SECRET_LEN])
{
	_cleanup_(cipher_ctx_freep) EVP_CIPHER_CTX *ctx = EVP_CIPHER_CTX_new();
	const uint8_t iv[AES_LEN] = { 0 };
	uint8_t plain[2 + ATTEST_SECRET_LEN] = { 0, ATTEST_SECRET_LEN };
	int n = 0, ok;

	memcpy(plain + 2, secret, ATTEST_SECRET_LEN);
	ok = ctx != NULL &&
	    EVP_EncryptInit_ex2(ctx, EVP_aes_128_cfb128(), key, iv, NULL) ==
		1 &&
	    EVP_EncryptUpdate(ctx, out, &n, plain, sizeof(plain)) == 1 &&
	    n == sizeof(plain);
	OPENSSL_cleanse(plain, sizeof(plain));
	return ok ? 0 : CS_E_CRYPTO;
}

/* TPM2B_ID_OBJECT */
static int
put_id_object(const uint8_t seed[CS_SHA256_LEN],
    const uint8_t name[ATTEST_NAME_LEN],
    const uint8_t secret[ATTEST_SECRET_LEN], struct buf *out)
{
	uint8_t body[2 + ATTEST_SECRET_LEN + ATTEST_NAME_LEN];
	uint8_t aes[AES_LEN], hmac[CS_SHA256_LEN], tag[CS_SHA256_LEN];
	const size_t enc = 2 + ATTEST_SECRET_LEN;
	size_t n = 0;
	int r = 0;

	if (kdfa(seed, "STORAGE", name, ATTEST_NAME_LEN, aes, sizeof(aes)) !=
		0 ||
	    kdfa(seed, "INTEGRITY", NULL, 0, hmac, sizeof(hmac)) != 0 ||
	    encrypt(aes, secret, body) != 0)
		r = CS_E_CRYPTO;
	memcpy(body + enc, name, ATTEST_NAME_LEN);
	if (r == 0 &&
	    (EVP_Q_mac(NULL, "HMAC", NULL, "SHA256", NULL, hmac, sizeof(hmac),
		 body, sizeof(body), tag, sizeof(tag), &n) == NULL ||
		n != sizeof(tag)))
		r = CS_E_CRYPTO;
	OPENSSL_cleanse(aes, sizeof(aes));
	OPENSSL_cleanse(hmac, sizeof(hmac));
	if (r == 0)
		r = buf_put_u16(out, (uint16_t)(2 + sizeof(tag) + enc));
	if (r == 0)
		r = buf_put_u16(out, sizeof(tag));
	if (r == 0)
		r = buf_put(out, tag, sizeof(tag));
	return r != 0 ? r : buf_put(out, body, enc);
}

static int
make(const struct pubkey *ek, const uint8_t name[ATTEST_NAME_LEN],
    const uint8_t secret[ATTEST_SECRET_LEN], struct buf *out)
{
	struct buf shared __attribute__((cleanup(buf_done))) =
	    BUF_INIT(SECRET_MAX);
	uint8_t seed[CS_SHA256_LEN];
	int r;

	r = EVP_PKEY_get_base_id(ek->pkey) == EVP_PKEY_RSA ?
	    share_rsa(ek->pkey, seed, &shared) :
	    share_ecc(ek->pkey, seed, &shared);
	if (r == 0)
		r = buf_put_u32(out, ATTEST_CRED_MAGIC);
	if (r == 0)
		r = buf_put_u32(out, VERSION);
	if (r == 0)
		r = put_id_object(seed, name, secret, out);
	if (r == 0)
		r = buf_put_u16(out, (uint16_t)shared.len);
	if (r == 0)
		r = buf_put(out, shared.p, shared.len);
	OPENSSL_cleanse(seed, sizeof(seed));
	return r;
}

int
attest_make_credential(const uint8_t *ek_pub, size_t ek_len,
    const uint8_t name[ATTEST_NAME_LEN],
    const uint8_t secret[ATTEST_SECRET_LEN], struct buf *ret, struct diag *d)
{
	_cleanup_pubkey_ struct pubkey *ek = NULL;
	int r;

	r = attest_ek_parse(ek_pub, ek_len, &ek, d);
	if (r != 0)
		return r;
	buf_reset(ret);
	r = make(ek, name, secret, ret);
	if (r != 0)
		return diag_fail(d, r, NULL, "making the credential");
	return 0;
}
