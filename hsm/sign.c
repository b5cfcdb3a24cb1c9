/* SPDX-License-Identifier: Apache-2.0 */
#include "hsm/sign.h"

#include <openssl/bn.h>
#include <openssl/ec.h>
#include <string.h>

#include "hsm/p11_private.h"

/* DigestInfo of SHA-256 up to the digest, RFC 8017 9.2 note 1 */
static const uint8_t digest_info[] = { 0x30, 0x31, 0x30, 0x0d, 0x06, 0x09, 0x60,
	0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x02, 0x01, 0x05, 0x00, 0x04,
	0x20 };

static CK_RSA_PKCS_PSS_PARAMS pss = { CKM_SHA256, CKG_MGF1_SHA256,
	CS_SHA256_LEN };

static CK_MECHANISM mechanisms[KEY_ALG_COUNT] = {
	[KEY_RSA3072_PKCS1] = { CKM_RSA_PKCS, NULL, 0 },
	[KEY_RSA3072_PSS] = { CKM_RSA_PKCS_PSS, &pss, sizeof(pss) },
	[KEY_P256] = { CKM_ECDSA, NULL, 0 },
	[KEY_P384] = { CKM_ECDSA, NULL, 0 },
	[KEY_ED25519] = { CKM_EDDSA, NULL, 0 },
	[KEY_ED25519_BLAKE2B] = { CKM_EDDSA, NULL, 0 },
};

static void
ecdsa_sig_freep(ECDSA_SIG **s)
{
	ECDSA_SIG_free(*s);
}

/*
 * r and s of the curve's length each (PKCS#11 v2.40 2.3.1) to DER.  H4: their
 * leading zeros go, a set top bit gets one; that is what BIGNUMs are for.
 */
static int
put_ecdsa(const uint8_t *raw, size_t len, struct buf *out)
{
	_cleanup_(ecdsa_sig_freep) ECDSA_SIG *sig = ECDSA_SIG_new();
	BIGNUM *r = BN_bin2bn(raw, (int)len / 2, NULL);
	BIGNUM *s = BN_bin2bn(raw + len / 2, (int)len / 2, NULL);
	uint8_t der[HSM_SIG_MAX], *p = der;
	int n;

	if (sig == NULL || r == NULL || s == NULL || BN_is_zero(r) ||
	    BN_is_zero(s) || ECDSA_SIG_set0(sig, r, s) != 1) {
		BN_free(r);
		BN_free(s);
		return CS_E_CRYPTO;
	}
	n = i2d_ECDSA_SIG(sig, &p);
	return n <= 0 ? CS_E_CRYPTO : buf_put(out, der, (size_t)n);
}

uint32_t
p11_signs(const struct p11_session *s)
{
	return s->signs;
}

/* Signs what the mechanism takes; the result has the length of its key. */
static int
token_sign(struct p11_session *s, struct p11_key *k, CK_MECHANISM *m,
    const uint8_t *in, size_t len, struct buf *out, struct diag *d)
{
	CK_BYTE raw[HSM_SIG_MAX];
	CK_ULONG n = sizeof(raw);
	CK_RV rv;
	int r;

	buf_reset(out);
	rv = s->f->C_SignInit(s->h, m, k->h);
	if (rv != CKR_OK)
		return p11_fail(rv, "C_SignInit", d);
	if (k->always_auth) {
		r = p11_login_again(s, d);
		if (r != 0)
			return r;
	}
	/* PKCS#11 has no const; the input is only read */
	rv = s->f->C_Sign(s->h, (CK_BYTE *)(uintptr_t)in, len, raw, &n);
	if (rv != CKR_OK)
		return p11_fail(rv, "C_Sign", d);
	s->signs++;
	if (n != k->sig_len)
		return diag_fail(d, CS_E_HSM, "a signature of the key's length",
		    "C_Sign: %lu bytes instead of %zu", n, k->sig_len);
	r = k->type == P11_P256 || k->type == P11_P384 ?
	    put_ecdsa(raw, n, out) :
	    buf_put(out, raw, n);
	if (r != 0)
		return diag_fail(d, r, NULL, "the signature's encoding");
	return 0;
}

static int
sign_pkcs1(struct p11_session *s, struct p11_key *k,
    const uint8_t digest[CS_SHA256_LEN], struct buf *out, struct diag *d)
{
	uint8_t info[sizeof(digest_info) + CS_SHA256_LEN];

	memcpy(info, digest_info, sizeof(digest_info));
	memcpy(info + sizeof(digest_info), digest, CS_SHA256_LEN);
	return token_sign(s, k, &mechanisms[KEY_RSA3072_PKCS1], info,
	    sizeof(info), out, d);
}

int
hsm_sign_digest(struct p11_session *s, struct p11_key *k, enum key_alg alg,
    const uint8_t *digest, size_t digest_len, struct buf *out, struct diag *d)
{
	if ((unsigned)alg >= KEY_ALG_COUNT || !k->fits[alg])
		return diag_fail(d, CS_E_HSM_MECH, key_alg_name(alg),
		    "a key of type %s, or of another size",
		    p11_types[k->type].name);
	/* R6: a short digest would be signed as it is */
	if (digest_len != hash_len(key_alg_hash(alg)))
		return diag_fail(d, CS_E_HSM_DIGEST,
		    hash_name(key_alg_hash(alg)), "%zu bytes for %s",
		    digest_len, key_alg_name(alg));
	if (alg == KEY_RSA3072_PKCS1)
		return sign_pkcs1(s, k, digest, out, d);
	return token_sign(s, k, &mechanisms[alg], digest, digest_len, out, d);
}

int
hsm_sign_message(struct p11_session *s, struct p11_key *k, const void *msg,
    size_t len, struct buf *out, struct diag *d)
{
	const enum hash_alg a = k->type == P11_P384 ? HASH_SHA384 : HASH_SHA256;
	uint8_t digest[HASH_MAX_LEN];
	int r;

	if (k->type == P11_ED25519)
		return token_sign(s, k, &mechanisms[KEY_ED25519], msg, len, out,
		    d);
	r = hash_of(a, msg, len, digest);
	if (r != 0)
		return diag_fail(d, r, NULL, "the message's digest");
	if (k->type == P11_RSA)
		return sign_pkcs1(s, k, digest, out, d);
	return token_sign(s, k,
	    &mechanisms[k->type == P11_P384 ? KEY_P384 : KEY_P256], digest,
	    hash_len(a), out, d);
}

int
hsm_signer_token(void *arg, const uint8_t *digest, size_t len, struct buf *out,
    struct diag *d)
{
	const struct hsm_token_signer *t = arg;

	return hsm_sign_digest(t->session, t->key, t->alg, digest, len, out, d);
}
