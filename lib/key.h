/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CS_KEY_H
#define CS_KEY_H

#include <openssl/evp.h>

#include "lib/sha.h"

/*
 * Public keys and the algorithms coldseal signs with.  A key is known by its
 * normalised SubjectPublicKeyInfo (RFC 5280 4.1, DER as OpenSSL re-encodes
 * it, EC points uncompressed), never by an ID or an entry in a list.
 */
enum key_alg {
	KEY_RSA3072_PKCS1,	/* "rsa3072-pkcs1-sha256", RFC 8017 8.2 */
	KEY_RSA3072_PSS,	/* "rsa3072-pss-sha256", salt 32, RFC 8017 8.1 */
	KEY_P256,		/* "ecdsa-p256-sha256", DER Ecdsa-Sig-Value */
	KEY_P384,		/* "ecdsa-p384-sha384" */
	KEY_ED25519,		/* "ed25519-sha512": message is the SHA-512 */
	KEY_ED25519_BLAKE2B,	/* "ed25519-blake2b": message is BLAKE2b-512 */
	KEY_ALG_COUNT
};

const char *key_alg_name(enum key_alg a);
/* CS_E_KEY_ALG; CS_E_KEY_ML_DSA: one that needs what is not there */
int key_alg_from_name(const char *s, enum key_alg *ret) CS_WUR;
int key_alg_is_ed25519(enum key_alg a);	/* signs messages, not digests */
/* the digest of the artifact that this algorithm needs */
enum hash_alg key_alg_hash(enum key_alg a);

struct pubkey {
	EVP_PKEY *pkey;
	uint8_t *spki;		/* normalised DER */
	size_t spki_len;
	uint8_t id[32];		/* SHA-256 of spki */
};

void pubkey_free(struct pubkey **k);
static inline void
pubkey_freep(struct pubkey **k)
{
	pubkey_free(k);
}
#define _cleanup_pubkey_ _cleanup_(pubkey_freep)

/*
 * From DER SPKI: refuses trailing bytes, an encoding that is not the
 * normalised one is normalised.  RSA 2048..4096 with e >= 65537, P-256,
 * P-384, Ed25519; all else is CS_E_KEY_TYPE.
 */
int pubkey_from_spki(const uint8_t *der, size_t len, struct pubkey **ret,
    struct diag *d) CS_WUR;
/* PEM "PUBLIC KEY", exactly one block */
int pubkey_from_pem(const char *pem, size_t len, struct pubkey **ret,
    struct diag *d) CS_WUR;
int pubkey_equal(const struct pubkey *a, const struct pubkey *b);
/* 1 if a key of this type can be used with a */
int pubkey_fits(const struct pubkey *k, enum key_alg a);
/* PEM text, free(*ret) */
int pubkey_to_pem(const struct pubkey *k, char **ret) CS_WUR;

/*
 * Verifies a signature over a digest (Ed25519: over the digest as the
 * message).  digest must have key_alg_hash() length.  0 or CS_E_SIG.
 */
int pubkey_verify_digest(const struct pubkey *k, enum key_alg a,
    const uint8_t *digest, size_t digest_len, const uint8_t *sig,
    size_t sig_len) CS_WUR;
/*
 * Verifies a document signature over a message, algorithm by key type:
 * P-256/SHA-256 and P-384/SHA-384 (DER), Ed25519 (pure), RSA: PKCS#1 v1.5
 * SHA-256.
 */
int pubkey_verify_message(const struct pubkey *k, const void *msg,
    size_t msg_len, const uint8_t *sig, size_t sig_len) CS_WUR;

#endif
