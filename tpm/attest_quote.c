/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>
#include <tss2/tss2_mu.h>

#include "tpm/attest_private.h"

static int
fill(const TPM2B_ATTEST *a, const TPMT_SIGNATURE *s, struct attest_evidence *e,
    struct diag *d)
{
	size_t n = 0;

	if (a->size > sizeof(e->attest) ||
	    Tss2_MU_TPMT_SIGNATURE_Marshal(s, e->signature,
		sizeof(e->signature), &n) != TSS2_RC_SUCCESS)
		return diag_fail(d, CS_E_TPM_FAIL, "an attestation",
		    "%u bytes, or another signature", a->size);
	memcpy(e->attest, a->attestationData, a->size);
	e->attest_len = a->size;
	e->signature_len = n;
	return 0;
}

static void
set_qualifying(TPM2B_DATA *out, const uint8_t qualifying[CS_SHA256_LEN])
{
	memset(out, 0, sizeof(*out));
	out->size = CS_SHA256_LEN;
	memcpy(out->buffer, qualifying, CS_SHA256_LEN);
}

/* the one scheme of the key */
static const TPMT_SIG_SCHEME by_key = { .scheme = TPM2_ALG_NULL };

int
tpm_quote(struct tpm *t, uint32_t mask, const uint8_t qualifying[CS_SHA256_LEN],
    struct attest_evidence *ret, struct diag *d)
{
	const TPML_PCR_SELECTION sel = { .count = 1,
		.pcrSelections = { {
		    .hash = TPM2_ALG_SHA256,
		    .sizeofSelect = 3,
		    .pcrSelect = { (BYTE)mask, (BYTE)(mask >> 8),
			(BYTE)(mask >> 16) },
		} } };
	_cleanup_tpm_handle_ struct tpm_handle ak = TPM_HANDLE_INIT(t);
	_cleanup_attest_esys_ TPM2B_ATTEST *attest = NULL;
	_cleanup_attest_esys_ TPMT_SIGNATURE *sig = NULL;
	TPM2B_DATA data;
	TSS2_RC rc;
	int r;

	if (mask == 0 || mask >> TPM_PCR_COUNT != 0)
		return diag_fail(d, CS_E_TPM_SELECT, "some of PCR 0 to 23",
		    "mask 0x%x", mask);
	set_qualifying(&data, qualifying);
	r = attest_load_ak(t, &ak, NULL, d);
	if (r != 0)
		return r;
	rc = Esys_Quote(t->esys, ak.h, ESYS_TR_PASSWORD, ESYS_TR_NONE,
	    ESYS_TR_NONE, &data, &by_key, &sel, &attest, &sig);
	if (rc != TSS2_RC_SUCCESS)
		return tpm_fail(t, CS_E_TPM_FAIL, rc, "TPM2_Quote", d);
	return fill(attest, sig, ret, d);
}

int
tpm_nv_certify(struct tpm *t, uint32_t index,
    const uint8_t qualifying[CS_SHA256_LEN], struct attest_evidence *ret,
    struct diag *d)
{
	_cleanup_attest_nv_ struct attest_nv nv = ATTEST_NV_INIT(t);
	_cleanup_tpm_handle_ struct tpm_handle ak = TPM_HANDLE_INIT(t);
	_cleanup_attest_esys_ TPM2B_ATTEST *attest = NULL;
	_cleanup_attest_esys_ TPMT_SIGNATURE *sig = NULL;
	TPM2B_DATA data;
	bool there;
	TSS2_RC rc;
	int r;

	set_qualifying(&data, qualifying);
	r = attest_nv_open(t, index, &nv, &there, d);
	if (r == 0 && !there)
		r = diag_fail(d, CS_E_TPM_FAIL, "an NV index", "none at 0x%08x",
		    index);
	if (r == 0)
		r = attest_load_ak(t, &ak, NULL, d);
	if (r != 0)
		return r;
	rc = Esys_NV_Certify(t->esys, ak.h, nv.h, nv.h, ESYS_TR_PASSWORD,
	    ESYS_TR_PASSWORD, ESYS_TR_NONE, &data, &by_key,
	    nv.pub->nvPublic.dataSize, 0, &attest, &sig);
	if (rc != TSS2_RC_SUCCESS)
		return tpm_fail(t, CS_E_TPM_FAIL, rc, "TPM2_NV_Certify", d);
	return fill(attest, sig, ret, d);
}

int
attest_answer(struct tpm *t, const struct attest_facts *f, char **ret,
    size_t *ret_len, struct diag *d)
{
	_cleanup_attest_answer_ struct attest_answer a = {
		.image_version = f->image_version,
		.policy_version = f->policy_version,
		.checkpoint = strdup(f->checkpoint),
		.has_challenge = f->challenge != NULL,
		.has_anchor = f->anchor != 0,
		.index = f->anchor,
	};
	uint8_t qualifying[CS_SHA256_LEN];
	int r;

	if (a.checkpoint == NULL)
		return diag_nomem(d);
	memcpy(a.policy, f->policy, CS_SHA256_LEN);
	if (f->challenge != NULL)
		memcpy(a.challenge, f->challenge, CS_SHA256_LEN);
	r = attest_qualifying(f->checkpoint, strlen(f->checkpoint),
	    f->challenge, qualifying);
	if (r != 0)
		return diag_fail(d, r, NULL, "qualifying data");
	r = tpm_quote(t, f->pcrs, qualifying, &a.quote, d);
	if (r == 0 && a.has_anchor)
		r = tpm_nv_certify(t, a.index, qualifying, &a.anchor, d);
	return r != 0 ? r : attest_answer_format(&a, ret, ret_len, d);
}
