/* SPDX-License-Identifier: Apache-2.0 */
#include <openssl/crypto.h>
#include <string.h>

#include "tpm/attest_private.h"

#define VERSION 1u

static void
digest_freep(TPM2B_DIGEST **p)
{
	if (*p != NULL)
		OPENSSL_cleanse(*p, sizeof(**p));
	Esys_Free(*p);
	*p = NULL;
}

/* u16 length and that many bytes, into an array of size */
static int
get_sized(struct rd *r, BYTE *out, size_t size, UINT16 *ret_len)
{
	const uint8_t *p;
	uint16_t n;

	if (rd_u16(r, &n) != 0 || n == 0 || n > size || rd_bytes(r, n, &p) != 0)
		return -1;
	memcpy(out, p, n);
	*ret_len = n;
	return 0;
}

/* The form of attest_make_credential() */
static int
decode(const uint8_t *p, size_t len, TPM2B_ID_OBJECT *id,
    TPM2B_ENCRYPTED_SECRET *secret, struct diag *d)
{
	struct rd r = RD_INIT(p, len);
	uint32_t magic, version;

	if (rd_u32(&r, &magic) != 0 || magic != ATTEST_CRED_MAGIC ||
	    rd_u32(&r, &version) != 0 || version != VERSION)
		return diag_fail(d, CS_E_ATTEST_CRED_FORM,
		    "badcc0de and version 1", "something else");
	if (get_sized(&r, id->credential, sizeof(id->credential), &id->size) !=
		0 ||
	    get_sized(&r, secret->secret, sizeof(secret->secret),
		&secret->size) != 0 ||
	    rd_end(&r) != 0)
		return diag_fail(d, CS_E_ATTEST_CRED_FORM,
		    "two sized fields and nothing after them",
		    "%zu other bytes", len);
	return 0;
}

/* What the EK's template wants: PolicySecret(TPM_RH_ENDORSEMENT) */
static int
start_policy(struct tpm *t, struct tpm_handle *ret, struct diag *d)
{
	static const TPMT_SYM_DEF none = { .algorithm = TPM2_ALG_NULL };
	TSS2_RC rc;

	rc = Esys_StartAuthSession(t->esys, ESYS_TR_NONE, ESYS_TR_NONE,
	    ESYS_TR_NONE, ESYS_TR_NONE, ESYS_TR_NONE, NULL, TPM2_SE_POLICY,
	    &none, TPM2_ALG_SHA256, &ret->h);
	if (rc == TSS2_RC_SUCCESS)
		/* without continueSession its flush would fail */
		rc = Esys_TRSess_SetAttributes(t->esys, ret->h,
		    TPMA_SESSION_CONTINUESESSION, 0xff);
	if (rc != TSS2_RC_SUCCESS)
		return tpm_fail(t, CS_E_TPM_FAIL, rc, "TPM2_StartAuthSession",
		    d);
	rc = Esys_PolicySecret(t->esys, ESYS_TR_RH_ENDORSEMENT, ret->h,
	    ESYS_TR_PASSWORD, ESYS_TR_NONE, ESYS_TR_NONE, NULL, NULL, NULL, 0,
	    NULL, NULL);
	if (rc != TSS2_RC_SUCCESS)
		return tpm_fail(t, CS_E_TPM_FAIL, rc,
		    "TPM2_PolicySecret (endorsement)", d);
	return 0;
}

static int
accept(const TPM2B_DIGEST *got, struct secret **ret, struct diag *d)
{
	_cleanup_secret_ struct secret *s = NULL;
	int r;

	if (got->size != ATTEST_SECRET_LEN)
		return diag_fail(d, CS_E_ATTEST_CRED_FORM,
		    "a secret of 32 bytes", "%u bytes", got->size);
	r = secret_new(ATTEST_SECRET_LEN, &s);
	if (r != 0)
		return diag_fail(d, r, NULL, "no locked memory");
	memcpy(secret_data(s), got->buffer, ATTEST_SECRET_LEN);
	*ret = take_ptr(s);
	return 0;
}

/*
 * Another EK: what it decrypts is no seed, which TPMs answer in many ways.
 * Another AK: the HMAC over its Name is wrong, which is TPM_RC_INTEGRITY.
 */
static int
refused(struct tpm *t, TSS2_RC rc, struct diag *d)
{
	switch (tpm_rc_base(rc)) {
	case TPM2_RC_INTEGRITY:
	case TPM2_RC_VALUE:
	case TPM2_RC_SIZE:
	case TPM2_RC_BINDING:
	case TPM2_RC_ECC_POINT:
		return tpm_fail(t, CS_E_ATTEST_CRED_OTHER, rc,
		    "TPM2_ActivateCredential", d);
	default:
		return tpm_fail(t, CS_E_TPM_FAIL, rc, "TPM2_ActivateCredential",
		    d);
	}
}

int
tpm_activate(struct tpm *t, const uint8_t *credential, size_t len,
    struct secret **ret, struct diag *d)
{
	_cleanup_tpm_handle_ struct tpm_handle ek = TPM_HANDLE_INIT(t);
	_cleanup_tpm_handle_ struct tpm_handle ak = TPM_HANDLE_INIT(t);
	_cleanup_tpm_handle_ struct tpm_handle session = TPM_HANDLE_INIT(t);
	struct buf cert __attribute__((cleanup(buf_done))) =
	    BUF_INIT(ATTEST_CERT_MAX);
	_cleanup_(digest_freep) TPM2B_DIGEST *got = NULL;
	TPM2B_ENCRYPTED_SECRET secret = { 0 };
	TPM2B_ID_OBJECT id = { 0 };
	enum attest_ek_kind kind;
	TSS2_RC rc;
	int r;

	r = decode(credential, len, &id, &secret, d);
	if (r == 0)
		r = attest_ek_choose(t, &kind, &cert, d);
	if (r == 0)
		r = attest_load_ek(t, kind, &ek, NULL, d);
	if (r == 0)
		r = attest_load_ak(t, &ak, NULL, d);
	if (r == 0)
		r = start_policy(t, &session, d);
	if (r != 0)
		return r;
	rc = Esys_ActivateCredential(t->esys, ak.h, ek.h, ESYS_TR_PASSWORD,
	    session.h, ESYS_TR_NONE, &id, &secret, &got);
	if (rc != TSS2_RC_SUCCESS)
		return refused(t, rc, d);
	return accept(got, ret, d);
}
