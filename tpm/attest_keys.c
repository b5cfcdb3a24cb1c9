/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>
#include <tss2/tss2_mu.h>

#include "tpm/attest_private.h"

/* TCG EK Credential Profile, 2.2.1.4: NV indices of certificates */
#define NV_CERT_ECC 0x01c0000au
#define NV_CERT_RSA 0x01c00002u

/*
 * Its unique is no secret: it makes the AK differ from other primary keys of
 * the same kind.  Another label would be another key.
 */
#define AK_LABEL "coldseal attestation key 1"

static int
create_primary(struct tpm *t, const TPM2B_PUBLIC *template,
    struct tpm_handle *ret, TPM2B_PUBLIC **ret_pub, struct diag *d)
{
	static const TPM2B_SENSITIVE_CREATE none = { 0 };
	static const TPM2B_DATA outside = { 0 };
	static const TPML_PCR_SELECTION no_pcr = { 0 };
	TSS2_RC rc;

	rc = Esys_CreatePrimary(t->esys, ESYS_TR_RH_ENDORSEMENT,
	    ESYS_TR_PASSWORD, ESYS_TR_NONE, ESYS_TR_NONE, &none, template,
	    &outside, &no_pcr, &ret->h, ret_pub, NULL, NULL, NULL);
	if (rc != TSS2_RC_SUCCESS)
		return tpm_fail(t, CS_E_TPM_FAIL, rc,
		    "TPM2_CreatePrimary (endorsement)", d);
	return 0;
}

static void
ak_template(TPM2B_PUBLIC *ret)
{
	TPMT_PUBLIC *p = &ret->publicArea;
	TPMS_ECC_PARMS *e = &p->parameters.eccDetail;

	memset(ret, 0, sizeof(*ret));
	p->type = TPM2_ALG_ECC;
	p->nameAlg = TPM2_ALG_SHA256;
	p->objectAttributes = TPMA_OBJECT_FIXEDTPM | TPMA_OBJECT_FIXEDPARENT |
	    TPMA_OBJECT_SENSITIVEDATAORIGIN | TPMA_OBJECT_USERWITHAUTH |
	    TPMA_OBJECT_NODA | TPMA_OBJECT_RESTRICTED |
	    TPMA_OBJECT_SIGN_ENCRYPT;
	e->symmetric.algorithm = TPM2_ALG_NULL;
	e->scheme.scheme = TPM2_ALG_ECDSA;
	e->scheme.details.ecdsa.hashAlg = TPM2_ALG_SHA256;
	e->curveID = TPM2_ECC_NIST_P256;
	e->kdf.scheme = TPM2_ALG_NULL;
	/* full length: some chips take no other */
	p->unique.ecc.x.size = CS_SHA256_LEN;
	memcpy(p->unique.ecc.x.buffer, AK_LABEL, sizeof(AK_LABEL));
	p->unique.ecc.y.size = CS_SHA256_LEN;
}

int
attest_load_ak(struct tpm *t, struct tpm_handle *ret, TPM2B_PUBLIC **ret_pub,
    struct diag *d)
{
	TPM2B_PUBLIC template;

	ak_template(&template);
	return create_primary(t, &template, ret, ret_pub, d);
}

int
attest_load_ek(struct tpm *t, enum attest_ek_kind kind, struct tpm_handle *ret,
    TPM2B_PUBLIC **ret_pub, struct diag *d)
{
	TPM2B_PUBLIC template;

	attest_ek_template(kind, &template);
	return create_primary(t, &template, ret, ret_pub, d);
}

void
attest_nv_done(struct attest_nv *nv)
{
	if (nv->h != ESYS_TR_NONE)
		(void)Esys_TR_Close(nv->t->esys, &nv->h);
	nv->h = ESYS_TR_NONE;
	Esys_Free(nv->pub);
	nv->pub = NULL;
}

int
attest_nv_open(struct tpm *t, uint32_t index, struct attest_nv *ret,
    bool *ret_there, struct diag *d)
{
	_cleanup_attest_esys_ TPMS_CAPABILITY_DATA *cap = NULL;
	TPMI_YES_NO more;
	TSS2_RC rc;

	*ret_there = false;
	/* asked first, since "no such index" has no code of its own */
	rc = Esys_GetCapability(t->esys, ESYS_TR_NONE, ESYS_TR_NONE,
	    ESYS_TR_NONE, TPM2_CAP_HANDLES, index, 1, &more, &cap);
	if (rc != TSS2_RC_SUCCESS)
		return tpm_fail(t, CS_E_TPM_FAIL, rc, "TPM2_GetCapability", d);
	if (cap->data.handles.count != 1 ||
	    cap->data.handles.handle[0] != index)
		return 0;
	rc = Esys_TR_FromTPMPublic(t->esys, index, ESYS_TR_NONE, ESYS_TR_NONE,
	    ESYS_TR_NONE, &ret->h);
	if (rc == TSS2_RC_SUCCESS)
		rc = Esys_NV_ReadPublic(t->esys, ret->h, ESYS_TR_NONE,
		    ESYS_TR_NONE, ESYS_TR_NONE, &ret->pub, NULL);
	if (rc != TSS2_RC_SUCCESS)
		return tpm_fail(t, CS_E_TPM_FAIL, rc, "TPM2_NV_ReadPublic", d);
	*ret_there = true;
	return 0;
}

/* TPM2_NV_Read gives this much at once; every TPM that can be bought does */
static int
nv_chunk(struct tpm *t, uint32_t *ret, struct diag *d)
{
	TSS2_RC rc = tpm_property(t, TPM2_PT_NV_BUFFER_MAX, ret);

	if (rc != TSS2_RC_SUCCESS || *ret == 0)
		return tpm_fail(t, CS_E_TPM_FAIL, rc, "TPM2_GetCapability", d);
	return 0;
}

static int
read_cert(struct tpm *t, uint32_t index, struct buf *out, struct diag *d)
{
	_cleanup_attest_nv_ struct attest_nv nv = ATTEST_NV_INIT(t);
	uint32_t chunk = 0, left, want;
	uint16_t off = 0;
	bool there;
	TSS2_RC rc;
	int r;

	buf_reset(out);
	r = attest_nv_open(t, index, &nv, &there, d);
	if (r != 0 || !there)
		return r;
	r = nv_chunk(t, &chunk, d);
	for (left = nv.pub->nvPublic.dataSize; r == 0 && left > 0;) {
		_cleanup_attest_esys_ TPM2B_MAX_NV_BUFFER *data = NULL;

		want = left < chunk ? left : chunk;
		rc = Esys_NV_Read(t->esys, nv.h, nv.h, ESYS_TR_PASSWORD,
		    ESYS_TR_NONE, ESYS_TR_NONE, (UINT16)want, off, &data);
		if (rc != TSS2_RC_SUCCESS)
			return tpm_fail(t, CS_E_TPM_FAIL, rc,
			    "TPM2_NV_Read (EK certificate)", d);
		if (data->size != want)
			return diag_fail(d, CS_E_TPM_FAIL, NULL,
			    "TPM2_NV_Read: %u bytes", data->size);
		if (buf_put(out, data->buffer, data->size) != 0)
			return diag_fail(d, CS_E_TOO_LARGE, NULL,
			    "EK certificate of %u bytes",
			    nv.pub->nvPublic.dataSize);
		off = (uint16_t)(off + want);
		left -= want;
	}
	return r;
}

int
attest_ek_choose(struct tpm *t, enum attest_ek_kind *ret, struct buf *ret_cert,
    struct diag *d)
{
	int r;

	*ret = ATTEST_EK_ECC;
	r = read_cert(t, NV_CERT_ECC, ret_cert, d);
	if (r != 0 || ret_cert->len > 0)
		return r;
	r = read_cert(t, NV_CERT_RSA, ret_cert, d);
	if (r == 0 && ret_cert->len > 0)
		*ret = ATTEST_EK_RSA;
	return r;
}

static int
put_public(const TPM2B_PUBLIC *pub, struct buf *out, struct diag *d)
{
	int r;

	buf_reset(out);
	r = attest_marshal_public(pub, out);
	if (r != 0)
		return diag_fail(d, CS_E_TPM_FAIL, "a public area",
		    "TPM2_CreatePrimary: another");
	return 0;
}

int
tpm_ek_read(struct tpm *t, struct buf *ret_pub, struct buf *ret_cert,
    struct diag *d)
{
	_cleanup_tpm_handle_ struct tpm_handle ek = TPM_HANDLE_INIT(t);
	_cleanup_attest_esys_ TPM2B_PUBLIC *pub = NULL;
	enum attest_ek_kind kind;
	int r;

	r = attest_ek_choose(t, &kind, ret_cert, d);
	if (r == 0)
		r = attest_load_ek(t, kind, &ek, &pub, d);
	return r != 0 ? r : put_public(pub, ret_pub, d);
}

int
tpm_ak_read(struct tpm *t, struct buf *ret_pub, struct diag *d)
{
	_cleanup_tpm_handle_ struct tpm_handle ak = TPM_HANDLE_INIT(t);
	_cleanup_attest_esys_ TPM2B_PUBLIC *pub = NULL;
	int r = attest_load_ak(t, &ak, &pub, d);

	return r != 0 ? r : put_public(pub, ret_pub, d);
}

int
tpm_nv_public_read(struct tpm *t, uint32_t index, struct buf *ret,
    struct diag *d)
{
	_cleanup_attest_nv_ struct attest_nv nv = ATTEST_NV_INIT(t);
	uint8_t tmp[sizeof(TPM2B_NV_PUBLIC)];
	TPM2B_NV_PUBLIC sized;
	size_t n = 0;
	bool there;
	int r;

	r = attest_nv_open(t, index, &nv, &there, d);
	if (r != 0)
		return r;
	if (!there)
		return diag_fail(d, CS_E_TPM_FAIL, "an NV index",
		    "none at 0x%08x", index);
	sized = *nv.pub;
	sized.size = 0;
	if (Tss2_MU_TPM2B_NV_PUBLIC_Marshal(&sized, tmp, sizeof(tmp), &n) !=
	    TSS2_RC_SUCCESS)
		return diag_fail(d, CS_E_TPM_FAIL, "a public area",
		    "TPM2_NV_ReadPublic: another");
	buf_reset(ret);
	r = buf_put(ret, tmp, n);
	return r != 0 ? diag_fail(d, r, NULL, "public area of an index") : 0;
}
