/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Sessions, and the policy steps that are executed in them:
 *
 *	image:	PolicyPCR (what is booted), PolicyNV (its version is allowed),
 *		PolicyAuthorize (the release key signed both)
 *	+	PolicyNV (the generation of the blob)
 *	+	PolicySigned by each of M people, PolicyOR up the tree
 */

#include <string.h>
#include <tss2/tss2_mu.h>

#include "tpm/tpm_private.h"

void
tpm_freep(void *p)
{
	void **pp = p;

	Esys_Free(*pp);
	*pp = NULL;
}

static int
name_of(struct tpm *t, ESYS_TR h, uint8_t name[TPM_NAME_LEN], struct diag *d)
{
	_cleanup_tpm_free_ TPM2B_NAME *n = NULL;
	TSS2_RC rc = Esys_TR_GetName(t->esys, h, &n);

	if (rc != TSS2_RC_SUCCESS)
		return tpm_fail(t, CS_E_TPM_FAIL, rc, "Esys_TR_GetName", d);
	if (n->size != TPM_NAME_LEN)
		return diag_fail(d, CS_E_TPM_FAIL, "a SHA-256 Name", "%u bytes",
		    n->size);
	memcpy(name, n->name, TPM_NAME_LEN);
	return 0;
}

int
tpm_storage(struct tpm *t, ESYS_TR *ret, uint8_t name[TPM_NAME_LEN],
    struct diag *d)
{
	TSS2_RC rc;
	int r;

	if (t->storage == ESYS_TR_NONE) {
		rc = Esys_TR_FromTPMPublic(t->esys, TPM_STORAGE_HANDLE,
		    ESYS_TR_NONE, ESYS_TR_NONE, ESYS_TR_NONE, &t->storage);
		if (rc != TSS2_RC_SUCCESS)
			t->storage = ESYS_TR_NONE;
		if (tpm_rc_base(rc) == TPM2_RC_HANDLE)
			return tpm_fail(t, CS_E_TPM_OTHER, rc,
			    "no storage key of coldseal in this TPM", d);
		if (rc != TSS2_RC_SUCCESS)
			return tpm_fail(t, CS_E_TPM_FAIL, rc, "TPM2_ReadPublic",
			    d);
		r = name_of(t, t->storage, t->storage_name, d);
		if (r != 0)
			return r;
	}
	*ret = t->storage;
	if (name != NULL)
		memcpy(name, t->storage_name, TPM_NAME_LEN);
	return 0;
}

int
tpm_nv_open(struct tpm *t, enum tpm_nv n, ESYS_TR *ret, struct diag *d)
{
	TSS2_RC rc = TSS2_RC_SUCCESS;

	if (t->nv[n] == ESYS_TR_NONE)
		rc = Esys_TR_FromTPMPublic(t->esys, tpm_nv_handle(n),
		    ESYS_TR_NONE, ESYS_TR_NONE, ESYS_TR_NONE, &t->nv[n]);
	if (rc != TSS2_RC_SUCCESS)
		t->nv[n] = ESYS_TR_NONE;
	if (tpm_rc_base(rc) == TPM2_RC_HANDLE)
		return tpm_fail(t, CS_E_TPM_NV, rc,
		    "an index of coldseal is not in this TPM", d);
	if (rc != TSS2_RC_SUCCESS)
		return tpm_fail(t, CS_E_TPM_FAIL, rc, "TPM2_NV_ReadPublic", d);
	*ret = t->nv[n];
	return 0;
}

int
tpm_start_session(struct tpm *t, ESYS_TR salt_key, TPM2_SE type,
    TPMA_SESSION attributes, struct tpm_handle *ret, struct diag *d)
{
	static const TPMT_SYM_DEF aes = {
		.algorithm = TPM2_ALG_AES,
		.keyBits.aes = 128,
		.mode.aes = TPM2_ALG_CFB,
	};
	TSS2_RC rc;

	rc = Esys_StartAuthSession(t->esys, salt_key, ESYS_TR_NONE,
	    ESYS_TR_NONE, ESYS_TR_NONE, ESYS_TR_NONE, NULL, type, &aes,
	    TPM2_ALG_SHA256, &ret->h);
	if (rc == TSS2_RC_SUCCESS)
		/* without continueSession its flush would fail */
		rc = Esys_TRSess_SetAttributes(t->esys, ret->h,
		    attributes | TPMA_SESSION_CONTINUESESSION, 0xff);
	if (rc != TSS2_RC_SUCCESS)
		return tpm_fail(t, CS_E_TPM_FAIL, rc, "TPM2_StartAuthSession",
		    d);
	return 0;
}

int
tpm_policy_digest(struct tpm *t, ESYS_TR session, uint8_t ret[CS_SHA256_LEN],
    struct diag *d)
{
	_cleanup_tpm_free_ TPM2B_DIGEST *digest = NULL;
	TSS2_RC rc;

	rc = Esys_PolicyGetDigest(t->esys, session, ESYS_TR_NONE, ESYS_TR_NONE,
	    ESYS_TR_NONE, &digest);
	if (rc != TSS2_RC_SUCCESS)
		return tpm_fail(t, CS_E_TPM_FAIL, rc, "TPM2_PolicyGetDigest",
		    d);
	if (digest->size != CS_SHA256_LEN)
		return diag_fail(d, CS_E_TPM_FAIL, "a SHA-256 policy",
		    "TPM2_PolicyGetDigest: %u bytes", digest->size);
	memcpy(ret, digest->buffer, CS_SHA256_LEN);
	return 0;
}

int
tpm_load_public(struct tpm *t, const struct pubkey *k, struct tpm_handle *ret,
    struct diag *d)
{
	TPM2B_PUBLIC pub;
	TSS2_RC rc;
	int r = tpm_public_of(k, &pub, d);

	if (r != 0)
		return r;
	/* not the null hierarchy: its tickets are empty */
	rc = Esys_LoadExternal(t->esys, ESYS_TR_NONE, ESYS_TR_NONE,
	    ESYS_TR_NONE, NULL, &pub, ESYS_TR_RH_OWNER, &ret->h);
	if (rc != TSS2_RC_SUCCESS)
		return tpm_fail(t, CS_E_TPM_FAIL, rc, "TPM2_LoadExternal", d);
	return 0;
}

static int
step_pcr(struct tpm *t, ESYS_TR session, uint32_t mask, struct diag *d)
{
	static const TPM2B_DIGEST current = { 0 };
	const TPML_PCR_SELECTION sel = { .count = 1,
		.pcrSelections = { {
		    .hash = TPM2_ALG_SHA256,
		    .sizeofSelect = 3,
		    .pcrSelect = { (BYTE)mask, (BYTE)(mask >> 8),
			(BYTE)(mask >> 16) },
		} } };
	TSS2_RC rc;

	rc = Esys_PolicyPCR(t->esys, session, ESYS_TR_NONE, ESYS_TR_NONE,
	    ESYS_TR_NONE, &current, &sel);
	if (rc != TSS2_RC_SUCCESS)
		return tpm_fail(t, CS_E_TPM_FAIL, rc, "TPM2_PolicyPCR", d);
	return 0;
}

int
tpm_step_counter(struct tpm *t, ESYS_TR session, enum tpm_nv n,
    enum tpm_compare how, uint64_t operand, int code, struct diag *d)
{
	ESYS_TR nv = ESYS_TR_NONE;
	TPM2B_OPERAND b = { .size = 8 };
	uint64_t now = 0;
	TSS2_RC rc;
	int i, r;

	for (i = 0; i < 8; i++)
		b.buffer[i] = (uint8_t)(operand >> (56 - 8 * i));
	r = tpm_nv_open(t, n, &nv, d);
	if (r != 0)
		return r;
	rc = Esys_PolicyNV(t->esys, nv, nv, session, ESYS_TR_PASSWORD,
	    ESYS_TR_NONE, ESYS_TR_NONE, &b, 0,
	    how == TPM_EQUAL ? TPM2_EO_EQ : TPM2_EO_UNSIGNED_LE);
	if (rc == TSS2_RC_SUCCESS)
		return 0;
	if (tpm_rc_base(rc) != TPM2_RC_POLICY)
		return tpm_fail(t, CS_E_TPM_FAIL, rc, "TPM2_PolicyNV", d);
	if (tpm_nv_counter(t, n, &now, NULL) != 0)
		return tpm_fail(t, code, rc, "TPM2_PolicyNV", d);
	return diag_fail(d, code, NULL, "%llu, and the TPM's counter is %llu",
	    (unsigned long long)operand, (unsigned long long)now);
}

static int
image_digest(const struct tpm_image *img, TPM2B_DIGEST *ret)
{
	const enum hash_alg a = tpm_signature_hash(img->key);
	struct hasher *h = NULL;
	int r;

	ret->size = (UINT16)hash_len(a);
	r = hasher_new(a, &h);
	if (r == 0)
		r = hasher_update(h, img->approved, CS_SHA256_LEN);
	if (r == 0)
		r = hasher_update(h, TPM_IMAGE_REF, strlen(TPM_IMAGE_REF));
	if (r == 0)
		r = hasher_final(h, ret->buffer, ret->size);
	hasher_free(&h);
	return r;
}

/* PolicyAuthorize wants the TPM's own word that the release key signed. */
static int
verify_image(struct tpm *t, const struct tpm_image *img, struct diag *d)
{
	_cleanup_tpm_handle_ struct tpm_handle key = TPM_HANDLE_INIT(t);
	TPM2B_DIGEST hash = { 0 };
	TPMT_SIGNATURE sig;
	TSS2_RC rc;
	int r;

	if (t->ticket != NULL &&
	    memcmp(t->approved, img->approved, sizeof(t->approved)) == 0)
		return 0;
	tpm_freep(&t->ticket);
	r = image_digest(img, &hash);
	if (r == 0)
		r = tpm_signature_of(img->key, img->sig, img->sig_len, &sig);
	if (r == 0)
		r = tpm_load_public(t, img->key, &key, d);
	if (r != 0)
		return r;
	rc = Esys_VerifySignature(t->esys, key.h, ESYS_TR_NONE, ESYS_TR_NONE,
	    ESYS_TR_NONE, &hash, &sig, &t->ticket);
	if (rc != TSS2_RC_SUCCESS)
		return tpm_fail(t, CS_E_TPM_IMAGE, rc, "TPM2_VerifySignature",
		    d);
	memcpy(t->approved, img->approved, sizeof(t->approved));
	return 0;
}

/* The session's digest is not the one that was signed: which PCR, then? */
static int
other_pcrs(struct tpm *t, const struct tpm_image *img, struct diag *d)
{
	uint8_t now[CS_SHA256_LEN];
	unsigned i;
	int r;

	for (i = 0; i < TPM_PCR_COUNT; i++) {
		if ((img->pcrs.mask >> i & 1) == 0)
			continue;
		r = tpm_pcr_read(t, i, now, d);
		if (r != 0)
			return r;
		if (memcmp(now, img->pcrs.value[i], sizeof(now)) != 0)
			return diag_fail(d, CS_E_TPM_PCR,
			    "the PCR values of the signed image policy",
			    "another value in PCR %u", i);
	}
	return diag_fail(d, CS_E_TPM_PCR, "the signed image policy",
	    "another one, and all PCRs are right");
}

static int
step_authorize(struct tpm *t, const struct tpm_image *img, ESYS_TR session,
    struct diag *d)
{
	TPM2B_DIGEST approved = { .size = CS_SHA256_LEN };
	TPM2B_NONCE ref = { .size = sizeof(TPM_IMAGE_REF) - 1 };
	TPM2B_NAME name = { .size = TPM_NAME_LEN };
	TSS2_RC rc;
	int r;

	memcpy(approved.buffer, img->approved, CS_SHA256_LEN);
	memcpy(ref.buffer, TPM_IMAGE_REF, ref.size);
	r = tpm_key_name(img->key, name.name, d);
	if (r == 0)
		r = verify_image(t, img, d);
	if (r != 0)
		return r;
	rc = Esys_PolicyAuthorize(t->esys, session, ESYS_TR_NONE, ESYS_TR_NONE,
	    ESYS_TR_NONE, &approved, &ref, &name, t->ticket);
	if (tpm_rc_base(rc) == TPM2_RC_VALUE)
		return other_pcrs(t, img, d);
	if (rc != TSS2_RC_SUCCESS)
		return tpm_fail(t, CS_E_TPM_FAIL, rc, "TPM2_PolicyAuthorize",
		    d);
	return 0;
}

int
tpm_step_image(struct tpm *t, const struct tpm_image *img, ESYS_TR session,
    struct diag *d)
{
	int r = step_pcr(t, session, img->pcrs.mask, d);

	if (r == 0)
		r = tpm_step_counter(t, session, TPM_NV_IMAGE, TPM_AT_MOST,
		    img->version, CS_E_TPM_IMAGE_OLD, d);
	return r == 0 ? step_authorize(t, img, session, d) : r;
}

void
tpm_image_forget(struct tpm *t)
{
	if (t->image_session != ESYS_TR_NONE)
		(void)Esys_FlushContext(t->esys, t->image_session);
	t->image_session = ESYS_TR_NONE;
}

int
tpm_image_session(struct tpm *t, const struct tpm_image *img, ESYS_TR *ret,
    struct diag *d)
{
	struct tpm_handle s = TPM_HANDLE_INIT(t);
	TSS2_RC rc;
	int r;

	if (t->image_session == ESYS_TR_NONE) {
		r = tpm_start_session(t, ESYS_TR_NONE, TPM2_SE_POLICY, 0, &s,
		    d);
		if (r != 0) {
			tpm_handle_done(&s);
			return r;
		}
		t->image_session = s.h;
	}
	rc = Esys_PolicyRestart(t->esys, t->image_session, ESYS_TR_NONE,
	    ESYS_TR_NONE, ESYS_TR_NONE);
	if (rc != TSS2_RC_SUCCESS) {
		tpm_image_forget(t);
		return tpm_fail(t, CS_E_TPM_FAIL, rc, "TPM2_PolicyRestart", d);
	}
	r = tpm_step_image(t, img, t->image_session, d);
	if (r != 0)
		tpm_image_forget(t);
	*ret = t->image_session;
	return r;
}

int
tpm_session_save(struct tpm *t, struct tpm_saved *ret, struct diag *d)
{
	_cleanup_tpm_handle_ struct tpm_handle s = TPM_HANDLE_INIT(t);
	_cleanup_tpm_free_ TPM2B_NONCE *nonce = NULL;
	_cleanup_tpm_free_ TPMS_CONTEXT *ctx = NULL;
	uint8_t tmp[sizeof(TPMS_CONTEXT)];
	size_t n = 0;
	TSS2_RC rc;
	int r;

	/* unsalted: it carries no secret, and lies on the disk for hours */
	r = tpm_start_session(t, ESYS_TR_NONE, TPM2_SE_POLICY, 0, &s, d);
	if (r != 0)
		return r;
	rc = Esys_TRSess_GetNonceTPM(t->esys, s.h, &nonce);
	if (rc == TSS2_RC_SUCCESS)
		rc = Esys_ContextSave(t->esys, s.h, &ctx);
	if (rc != TSS2_RC_SUCCESS)
		return tpm_fail(t, CS_E_TPM_FAIL, rc, "TPM2_ContextSave", d);
	s.h = ESYS_TR_NONE; /* saved: no longer loaded */
	if (nonce->size != QUORUM_NONCE_LEN ||
	    Tss2_MU_TPMS_CONTEXT_Marshal(ctx, tmp, sizeof(tmp), &n) !=
		TSS2_RC_SUCCESS)
		return diag_fail(d, CS_E_TPM_FAIL, "a nonce of 32 bytes",
		    "%u bytes", nonce->size);
	memcpy(ret->nonce, nonce->buffer, QUORUM_NONCE_LEN);
	ret->handle = ctx->savedHandle;
	ret->context = (struct buf)BUF_INIT(TPM_CONTEXT_MAX);
	return buf_put(&ret->context, tmp, n);
}

int
tpm_session_load(struct tpm *t, const struct tpm_saved *s,
    struct tpm_handle *ret, struct diag *d)
{
	TPMS_CONTEXT ctx = { 0 };
	size_t n = 0;
	TSS2_RC rc;

	if (Tss2_MU_TPMS_CONTEXT_Unmarshal(s->context.p, s->context.len, &n,
		&ctx) != TSS2_RC_SUCCESS ||
	    n != s->context.len)
		return diag_fail(d, CS_E_TPM_SESSION, "a saved session",
		    "%zu bytes that are none", s->context.len);
	rc = Esys_ContextLoad(t->esys, &ctx, &ret->h);
	if (tpm_rc_base(rc) == TPM2_RC_LOCKOUT || tpm_rc_busy(rc))
		return tpm_fail(t, CS_E_TPM_SESSION, rc, "TPM2_ContextLoad", d);
	if (rc != TSS2_RC_SUCCESS)
		return diag_fail(d, CS_E_TPM_SESSION,
		    "a session that was not used and is of this power-on",
		    "TPM2_ContextLoad: 0x%x", rc);
	return 0;
}
