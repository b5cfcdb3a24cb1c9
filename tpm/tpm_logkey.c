/* SPDX-License-Identifier: Apache-2.0 */
#include <openssl/core_names.h>
#include <openssl/ec.h>
#include <openssl/param_build.h>
#include <openssl/x509.h>
#include <string.h>
#include <tss2/tss2_mu.h>

#include "tpm/tpm_private.h"

/*
 * The second key of the log: ECDSA P-256, made in the TPM, never outside of
 * it, and used only while an image of the release key runs.
 *
 * Its file: magic "CSLOGK1\n", str TPM2B_PUBLIC, str TPM2B_PRIVATE, integers
 * big-endian.  It is no secret: only this TPM can load it.
 */
static const uint8_t magic[] = { 'C', 'S', 'L', 'O', 'G', 'K', '1', '\n' };
#define POINT_LEN 65u /* uncompressed */

static TPM2B_PUBLIC template(const uint8_t policy[CS_SHA256_LEN])
{
	TPM2B_PUBLIC t = { .publicArea = { .type = TPM2_ALG_ECC,
			       .nameAlg = TPM2_ALG_SHA256,
			       .objectAttributes = TPMA_OBJECT_FIXEDTPM |
				   TPMA_OBJECT_FIXEDPARENT |
				   TPMA_OBJECT_SENSITIVEDATAORIGIN |
				   TPMA_OBJECT_ADMINWITHPOLICY |
				   TPMA_OBJECT_NODA | TPMA_OBJECT_SIGN_ENCRYPT,
			       .authPolicy.size = CS_SHA256_LEN,
			       .parameters.eccDetail = {
				   .symmetric.algorithm = TPM2_ALG_NULL,
				   .scheme = { .scheme = TPM2_ALG_ECDSA,
				       .details.ecdsa.hashAlg =
					   TPM2_ALG_SHA256 },
				   .curveID = TPM2_ECC_NIST_P256,
				   .kdf.scheme = TPM2_ALG_NULL,
			       } } };

	memcpy(t.publicArea.authPolicy.buffer, policy, CS_SHA256_LEN);
	return t;
}

/* SubjectPublicKeyInfo of a P-256 public area */
static int
to_pubkey(const TPM2B_PUBLIC *pub, struct pubkey **ret, struct diag *d)
{
	const TPMS_ECC_POINT *p = &pub->publicArea.unique.ecc;
	uint8_t point[POINT_LEN] = { 4 };
	unsigned char *spki = NULL;
	EVP_PKEY_CTX *ctx = NULL;
	OSSL_PARAM params[] = {
		OSSL_PARAM_construct_utf8_string(OSSL_PKEY_PARAM_GROUP_NAME,
		    (char[]){ "P-256" }, 0),
		OSSL_PARAM_construct_octet_string(OSSL_PKEY_PARAM_PUB_KEY,
		    point, sizeof(point)),
		OSSL_PARAM_construct_end(),
	};
	EVP_PKEY *k = NULL;
	int len = -1, r;

	if (p->x.size > 32 || p->y.size > 32)
		return diag_fail(d, CS_E_TPM_FAIL, "a point of P-256",
		    "another");
	memcpy(point + 33 - p->x.size, p->x.buffer, p->x.size);
	memcpy(point + 65 - p->y.size, p->y.buffer, p->y.size);
	ctx = EVP_PKEY_CTX_new_from_name(NULL, "EC", NULL);
	if (ctx != NULL && EVP_PKEY_fromdata_init(ctx) == 1 &&
	    EVP_PKEY_fromdata(ctx, &k, EVP_PKEY_PUBLIC_KEY, params) == 1)
		len = i2d_PUBKEY(k, &spki);
	r = len > 0 ? pubkey_from_spki(spki, (size_t)len, ret, d) :
		      diag_fail(d, CS_E_CRYPTO, "a point of P-256", "another");
	OPENSSL_free(spki);
	EVP_PKEY_free(k);
	EVP_PKEY_CTX_free(ctx);
	return r;
}

static int
encode(const TPM2B_PUBLIC *pub, const TPM2B_PRIVATE *priv, struct buf *out)
{
	uint8_t tmp[sizeof(TPM2B_PRIVATE) + sizeof(TPM2B_PUBLIC)];
	TPM2B_PUBLIC sized = *pub;
	size_t n = 0;
	int r;

	sized.size = 0; /* filled in by the marshaller */
	r = buf_put(out, magic, sizeof(magic));
	if (r != 0 ||
	    Tss2_MU_TPM2B_PUBLIC_Marshal(&sized, tmp, sizeof(tmp), &n) !=
		TSS2_RC_SUCCESS)
		return r != 0 ? r : CS_E_TPM_BLOB;
	r = buf_put_str(out, tmp, n);
	n = 0;
	if (r != 0 ||
	    Tss2_MU_TPM2B_PRIVATE_Marshal(priv, tmp, sizeof(tmp), &n) !=
		TSS2_RC_SUCCESS)
		return r != 0 ? r : CS_E_TPM_BLOB;
	return buf_put_str(out, tmp, n);
}

static int
decode(const uint8_t *p, size_t len, TPM2B_PUBLIC *pub, TPM2B_PRIVATE *priv,
    struct diag *d)
{
	struct rd r = RD_INIT(p, len);
	const uint8_t *m, *a, *b;
	size_t a_len, b_len, n = 0, k = 0;

	if (rd_bytes(&r, sizeof(magic), &m) != 0 ||
	    memcmp(m, magic, sizeof(magic)) != 0 ||
	    rd_str(&r, 256, &a, &a_len) != 0 ||
	    rd_str(&r, 512, &b, &b_len) != 0 || rd_end(&r) != 0 ||
	    Tss2_MU_TPM2B_PUBLIC_Unmarshal(a, a_len, &n, pub) !=
		TSS2_RC_SUCCESS ||
	    n != a_len ||
	    Tss2_MU_TPM2B_PRIVATE_Unmarshal(b, b_len, &k, priv) !=
		TSS2_RC_SUCCESS ||
	    k != b_len)
		return diag_fail(d, CS_E_TPM_BLOB, "a log key of the TPM",
		    "%zu bytes that are none", len);
	return 0;
}

int
tpm_logkey_create(struct tpm *t, const struct tpm_image *img,
    struct buf *ret_blob, struct pubkey **ret, struct diag *d)
{
	static const TPM2B_SENSITIVE_CREATE none = { 0 };
	static const TPM2B_DATA outside = { 0 };
	static const TPML_PCR_SELECTION no_pcr = { 0 };
	_cleanup_tpm_free_ TPM2B_PRIVATE *priv = NULL;
	_cleanup_tpm_free_ TPM2B_PUBLIC *pub = NULL;
	uint8_t policy[CS_SHA256_LEN];
	ESYS_TR storage = ESYS_TR_NONE;
	TPM2B_PUBLIC in;
	TSS2_RC rc;
	int r;

	r = tpm_image_policy(img->key, policy, d);
	if (r == 0)
		r = tpm_storage(t, &storage, NULL, d);
	if (r != 0)
		return r;
	in = template(policy);
	rc = Esys_Create(t->esys, storage, ESYS_TR_PASSWORD, ESYS_TR_NONE,
	    ESYS_TR_NONE, &none, &in, &outside, &no_pcr, &priv, &pub, NULL,
	    NULL, NULL);
	if (rc != TSS2_RC_SUCCESS)
		return tpm_fail(t, CS_E_TPM_FAIL, rc, "TPM2_Create", d);
	buf_reset(ret_blob);
	r = encode(pub, priv, ret_blob);
	if (r != 0)
		return diag_fail(d, r, NULL, "the log key's file");
	return to_pubkey(pub, ret, d);
}

static int
to_der(const TPMT_SIGNATURE *sig, struct buf *out, struct diag *d)
{
	const TPMS_SIGNATURE_ECC *e = &sig->signature.ecdsa;
	ECDSA_SIG *s = ECDSA_SIG_new();
	BIGNUM *a, *b;
	unsigned char *der = NULL;
	int len = -1, r;

	a = BN_bin2bn(e->signatureR.buffer, e->signatureR.size, NULL);
	b = BN_bin2bn(e->signatureS.buffer, e->signatureS.size, NULL);
	if (sig->sigAlg == TPM2_ALG_ECDSA && s != NULL && a != NULL &&
	    b != NULL && ECDSA_SIG_set0(s, a, b) == 1) {
		a = b = NULL; /* the signature's now */
		len = i2d_ECDSA_SIG(s, &der);
	}
	buf_reset(out);
	r = len > 0 ? buf_put(out, der, (size_t)len) :
		      diag_fail(d, CS_E_TPM_FAIL, "an ECDSA signature",
			  "TPM2_Sign: another");
	OPENSSL_free(der);
	ECDSA_SIG_free(s);
	BN_free(a);
	BN_free(b);
	return r;
}

static int
load(struct tpm *t, const uint8_t *blob, size_t len, struct pubkey **ret_pub,
    struct tpm_handle *ret, struct diag *d)
{
	ESYS_TR storage = ESYS_TR_NONE;
	TPM2B_PRIVATE priv = { 0 };
	TPM2B_PUBLIC pub = { 0 };
	TSS2_RC rc;
	int r;

	r = decode(blob, len, &pub, &priv, d);
	if (r == 0)
		r = to_pubkey(&pub, ret_pub, d);
	if (r == 0)
		r = tpm_storage(t, &storage, NULL, d);
	if (r != 0)
		return r;
	rc = Esys_Load(t->esys, storage, ESYS_TR_PASSWORD, ESYS_TR_NONE,
	    ESYS_TR_NONE, &priv, &pub, &ret->h);
	if (rc != TSS2_RC_SUCCESS)
		return tpm_fail(t, CS_E_TPM_OTHER, rc, "TPM2_Load", d);
	return 0;
}

int
tpm_logkey_sign(struct tpm *t, const struct tpm_image *img, const uint8_t *blob,
    size_t len, const void *msg, size_t msg_len, struct buf *ret_der,
    struct diag *d)
{
	static const TPMT_TK_HASHCHECK no_ticket = {
		.tag = TPM2_ST_HASHCHECK,
		.hierarchy = TPM2_RH_NULL,
	};
	static const TPMT_SIG_SCHEME scheme = { .scheme = TPM2_ALG_NULL };
	_cleanup_tpm_handle_ struct tpm_handle key = TPM_HANDLE_INIT(t);
	_cleanup_tpm_free_ TPMT_SIGNATURE *sig = NULL;
	_cleanup_pubkey_ struct pubkey *pub = NULL;
	TPM2B_DIGEST digest = { .size = CS_SHA256_LEN };
	ESYS_TR s = ESYS_TR_NONE;
	TSS2_RC rc = TPM2_RC_PCR_CHANGED;
	int r, i;

	r = sha256(msg, msg_len, digest.buffer);
	if (r == 0)
		r = load(t, blob, len, &pub, &key, d);
	for (i = 0; i < TPM_TRIES && tpm_rc_base(rc) == TPM2_RC_PCR_CHANGED;
	     i++) {
		if (r == 0)
			r = tpm_image_session(t, img, &s, d);
		if (r != 0)
			return r;
		rc = Esys_Sign(t->esys, key.h, s, ESYS_TR_NONE, ESYS_TR_NONE,
		    &digest, &scheme, &no_ticket, &sig);
		if (rc != TSS2_RC_SUCCESS)
			tpm_image_forget(t);
	}
	if (rc != TSS2_RC_SUCCESS)
		return tpm_fail(t, CS_E_TPM_FAIL, rc, "TPM2_Sign", d);
	r = to_der(sig, ret_der, d);
	if (r == 0 &&
	    pubkey_verify_message(pub, msg, msg_len, ret_der->p,
		ret_der->len) != 0)
		r = diag_fail(d, CS_E_SELF_VERIFY,
		    "a signature that the log key verifies", "another");
	return r;
}
