/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CS_HSM_SIGN_H
#define CS_HSM_SIGN_H

#include "hsm/p11.h"
#include "lib/buf.h"

/*
 * Signatures in the encodings of lib/key.h, made by a key on a token: RSA
 * bytes as they are, ECDSA as DER Ecdsa-Sig-Value, Ed25519 64 bytes.  They
 * are not verified here: whoever releases one does that with the public key
 * (pubkey_verify_digest, sigfmt_verify).
 *
 * out is reset, then holds the signature (limit of HSM_SIG_MAX or more).
 */
#define HSM_SIG_MAX	512u

/*
 * digest has the length of key_alg_hash(alg), else CS_E_HSM_DIGEST before the
 * token is touched.  Ed25519 signs the 64 bytes as its message.  A key of
 * another type, or one that does not allow the mechanism, is CS_E_HSM_MECH; a
 * token that is gone, or was put back, is CS_E_HSM_REMOVED.  Looks nothing up:
 * one call to C_SignInit and one to C_Sign.
 */
int hsm_sign_digest(struct p11_session *s, struct p11_key *k,
    enum key_alg alg, const uint8_t *digest, size_t digest_len,
    struct buf *out, struct diag *d) CS_WUR;

/*
 * A document signature over a message, algorithm by key type as in
 * pubkey_verify_message(): P-256 with SHA-256, P-384 with SHA-384, pure
 * Ed25519 over the message, RSA PKCS#1 v1.5 with SHA-256.
 */
int hsm_sign_message(struct p11_session *s, struct p11_key *k,
    const void *msg, size_t len, struct buf *out, struct diag *d) CS_WUR;

/*
 * Whoever can sign a digest, for hsm/selfsign.h and hsm/csr.h.  sign() fills
 * out as hsm_sign_digest() does.
 */
struct hsm_signer {
	enum key_alg alg;
	int (*sign)(void *arg, const uint8_t *digest, size_t len,
	    struct buf *out, struct diag *d);
	void *arg;
};

/* The usual one: arg of hsm_signer_token() is a struct hsm_token_signer */
struct hsm_token_signer {
	struct p11_session *session;
	struct p11_key *key;
	enum key_alg alg;
};
int hsm_signer_token(void *arg, const uint8_t *digest, size_t len,
    struct buf *out, struct diag *d) CS_WUR;

#endif
