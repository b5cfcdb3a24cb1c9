/* SPDX-License-Identifier: Apache-2.0 */
#include "tpm/public.h"

#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/ec.h>
#include <openssl/err.h>
#include <string.h>
#include <tss2/tss2_mu.h>

#define EXPONENT_F4 65537u

static void
bn_freep(BIGNUM **b)
{
	BN_free(*b);
}
#define _cleanup_bn_ _cleanup_(bn_freep)

static void
ecdsa_freep(ECDSA_SIG **s)
{
	ECDSA_SIG_free(*s);
}

int
tpm_public_name(const TPM2B_PUBLIC *pub, uint8_t ret[TPM_NAME_LEN])
{
	uint8_t area[sizeof(TPMT_PUBLIC)];
	size_t n = 0;

	if (pub->publicArea.nameAlg != TPM2_ALG_SHA256 ||
	    Tss2_MU_TPMT_PUBLIC_Marshal(&pub->publicArea, area, sizeof(area),
		&n) != TSS2_RC_SUCCESS)
		return CS_E_TPM_BLOB;
	ret[0] = TPM2_ALG_SHA256 >> 8;
	ret[1] = TPM2_ALG_SHA256 & 0xff;
	return sha256(area, n, ret + 2);
}

static bool
is_p384(const struct pubkey *k)
{
	return pubkey_fits(k, KEY_P384);
}

static int
rsa_public(const struct pubkey *k, TPMT_PUBLIC *a)
{
	_cleanup_bn_ BIGNUM *n = NULL, *e = NULL;
	int len = (EVP_PKEY_get_bits(k->pkey) + 7) / 8;

	if (EVP_PKEY_get_bn_param(k->pkey, OSSL_PKEY_PARAM_RSA_N, &n) != 1 ||
	    EVP_PKEY_get_bn_param(k->pkey, OSSL_PKEY_PARAM_RSA_E, &e) != 1 ||
	    !BN_is_word(e, EXPONENT_F4) || (len != 256 && len != 384) ||
	    BN_bn2binpad(n, a->unique.rsa.buffer, len) != len)
		return CS_E_QUORUM_KEY;
	a->type = TPM2_ALG_RSA;
	a->unique.rsa.size = (UINT16)len;
	a->parameters.rsaDetail = (TPMS_RSA_PARMS){
		.symmetric.algorithm = TPM2_ALG_NULL,
		.scheme.scheme = TPM2_ALG_NULL,
		.keyBits = (UINT16)(len * 8),
	};
	return 0;
}

static int
coordinate(const struct pubkey *k, const char *name, int len,
    TPM2B_ECC_PARAMETER *out)
{
	_cleanup_bn_ BIGNUM *v = NULL;

	if (EVP_PKEY_get_bn_param(k->pkey, name, &v) != 1 ||
	    BN_bn2binpad(v, out->buffer, len) != len)
		return CS_E_QUORUM_KEY;
	out->size = (UINT16)len;
	return 0;
}

static int
ec_public(const struct pubkey *k, TPMT_PUBLIC *a)
{
	int len = is_p384(k) ? 48 : 32, r;

	if (!is_p384(k) && !pubkey_fits(k, KEY_P256))
		return CS_E_QUORUM_KEY;
	a->type = TPM2_ALG_ECC;
	a->parameters.eccDetail = (TPMS_ECC_PARMS){
		.symmetric.algorithm = TPM2_ALG_NULL,
		.scheme.scheme = TPM2_ALG_NULL,
		.curveID = is_p384(k) ? TPM2_ECC_NIST_P384 : TPM2_ECC_NIST_P256,
		.kdf.scheme = TPM2_ALG_NULL,
	};
	r = coordinate(k, OSSL_PKEY_PARAM_EC_PUB_X, len, &a->unique.ecc.x);
	return r == 0 ?
	    coordinate(k, OSSL_PKEY_PARAM_EC_PUB_Y, len, &a->unique.ecc.y) :
	    r;
}

int
tpm_public_of(const struct pubkey *k, TPM2B_PUBLIC *ret, struct diag *d)
{
	int r;

	memset(ret, 0, sizeof(*ret));
	ret->publicArea.nameAlg = TPM2_ALG_SHA256;
	ret->publicArea.objectAttributes = TPMA_OBJECT_SIGN_ENCRYPT |
	    TPMA_OBJECT_USERWITHAUTH | TPMA_OBJECT_NODA;
	r = EVP_PKEY_is_a(k->pkey, "RSA") ? rsa_public(k, &ret->publicArea) :
					    ec_public(k, &ret->publicArea);
	ERR_clear_error();
	if (r != 0)
		return diag_fail(d, CS_E_QUORUM_KEY,
		    "P-256, P-384, RSA-2048 or RSA-3072 with exponent 65537",
		    "another public key");
	return 0;
}

enum hash_alg
tpm_signature_hash(const struct pubkey *k)
{
	return is_p384(k) ? HASH_SHA384 : HASH_SHA256;
}

static int
ecdsa_of(const struct pubkey *k, const uint8_t *sig, size_t len,
    TPMT_SIGNATURE *ret)
{
	_cleanup_(ecdsa_freep) ECDSA_SIG *s = NULL;
	TPMS_SIGNATURE_ECC *e = &ret->signature.ecdsa;
	const unsigned char *p = sig;
	int n = is_p384(k) ? 48 : 32;

	s = d2i_ECDSA_SIG(NULL, &p, (long)len);
	ERR_clear_error();
	if (s == NULL || p != sig + len ||
	    BN_bn2binpad(ECDSA_SIG_get0_r(s), e->signatureR.buffer, n) != n ||
	    BN_bn2binpad(ECDSA_SIG_get0_s(s), e->signatureS.buffer, n) != n)
		return CS_E_SIG;
	ret->sigAlg = TPM2_ALG_ECDSA;
	e->hash = is_p384(k) ? TPM2_ALG_SHA384 : TPM2_ALG_SHA256;
	e->signatureR.size = e->signatureS.size = (UINT16)n;
	return 0;
}

int
tpm_signature_of(const struct pubkey *k, const uint8_t *sig, size_t len,
    TPMT_SIGNATURE *ret)
{
	memset(ret, 0, sizeof(*ret));
	if (!EVP_PKEY_is_a(k->pkey, "RSA"))
		return ecdsa_of(k, sig, len, ret);
	if (len > sizeof(ret->signature.rsassa.sig.buffer) ||
	    len != (size_t)EVP_PKEY_get_size(k->pkey))
		return CS_E_SIG;
	ret->sigAlg = TPM2_ALG_RSASSA;
	ret->signature.rsassa.hash = TPM2_ALG_SHA256;
	ret->signature.rsassa.sig.size = (UINT16)len;
	memcpy(ret->signature.rsassa.sig.buffer, sig, len);
	return 0;
}
