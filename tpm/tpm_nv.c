/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "tpm/tpm_private.h"

static int
nv_read(struct tpm *t, enum tpm_nv n, uint16_t size, TPM2B_MAX_NV_BUFFER **ret,
    bool *ret_unwritten, struct diag *d)
{
	ESYS_TR nv = ESYS_TR_NONE;
	TSS2_RC rc;
	int r = tpm_nv_open(t, n, &nv, d);

	if (r != 0)
		return r;
	rc = Esys_NV_Read(t->esys, nv, nv, ESYS_TR_PASSWORD, ESYS_TR_NONE,
	    ESYS_TR_NONE, size, 0, ret);
	*ret_unwritten = tpm_rc_base(rc) == TPM2_RC_NV_UNINITIALIZED;
	if (*ret_unwritten)
		return 0;
	if (rc != TSS2_RC_SUCCESS)
		return tpm_fail(t, CS_E_TPM_FAIL, rc, "TPM2_NV_Read", d);
	if ((*ret)->size != size)
		return diag_fail(d, CS_E_TPM_NV, "all of the index", "%u bytes",
		    (*ret)->size);
	return 0;
}

int
tpm_nv_counter(struct tpm *t, enum tpm_nv n, uint64_t *ret, struct diag *d)
{
	_cleanup_tpm_free_ TPM2B_MAX_NV_BUFFER *b = NULL;
	bool unwritten = false;
	uint64_t v = 0;
	int i, r;

	r = nv_read(t, n, 8, &b, &unwritten, d);
	if (r != 0)
		return r;
	if (unwritten)
		return diag_fail(d, CS_E_TPM_NV, "a counter with a value",
		    "index 0x%x was never written", tpm_nv_handle(n));
	for (i = 0; i < 8; i++)
		v = v << 8 | b->buffer[i];
	*ret = v;
	return 0;
}

int
tpm_nv_anchor(struct tpm *t, uint8_t ret[CS_SHA256_LEN], struct diag *d)
{
	_cleanup_tpm_free_ TPM2B_MAX_NV_BUFFER *b = NULL;
	bool unwritten = false;
	int r;

	r = nv_read(t, TPM_NV_ANCHOR, CS_SHA256_LEN, &b, &unwritten, d);
	if (r != 0)
		return r;
	if (unwritten)
		memset(ret, 0, CS_SHA256_LEN);
	else
		memcpy(ret, b->buffer, CS_SHA256_LEN);
	return 0;
}

static TSS2_RC
write_once(struct tpm *t, ESYS_TR nv, ESYS_TR session,
    const TPM2B_MAX_NV_BUFFER *data)
{
	return data == NULL ? Esys_NV_Increment(t->esys, nv, nv, session,
				  ESYS_TR_NONE, ESYS_TR_NONE) :
			      Esys_NV_Extend(t->esys, nv, nv, session,
				  ESYS_TR_NONE, ESYS_TR_NONE, data);
}

/* One write command in a session in which the image policy holds. */
static int
nv_write(struct tpm *t, const struct tpm_image *img, enum tpm_nv n,
    const TPM2B_MAX_NV_BUFFER *data, struct diag *d)
{
	ESYS_TR nv = ESYS_TR_NONE, s = ESYS_TR_NONE;
	TSS2_RC rc = TPM2_RC_PCR_CHANGED;
	int r, i;

	r = tpm_nv_open(t, n, &nv, d);
	for (i = 0; i < TPM_TRIES && tpm_rc_base(rc) == TPM2_RC_PCR_CHANGED;
	     i++) {
		if (r == 0)
			r = tpm_image_session(t, img, &s, d);
		if (r != 0)
			return r;
		rc = write_once(t, nv, s, data);
		if (rc != TSS2_RC_SUCCESS)
			tpm_image_forget(t);
	}
	if (tpm_rc_base(rc) == TPM2_RC_POLICY_FAIL)
		return tpm_fail(t, CS_E_TPM_IMAGE, rc,
		    "an index of another image release key", d);
	if (rc != TSS2_RC_SUCCESS)
		return tpm_fail(t, CS_E_TPM_FAIL, rc, "TPM2_NV write", d);
	return 0;
}

int
tpm_nv_increment(struct tpm *t, const struct tpm_image *img, enum tpm_nv n,
    struct diag *d)
{
	return nv_write(t, img, n, NULL, d);
}

int
tpm_nv_extend(struct tpm *t, const struct tpm_image *img,
    const uint8_t digest[CS_SHA256_LEN], struct diag *d)
{
	TPM2B_MAX_NV_BUFFER b = { .size = CS_SHA256_LEN };

	memcpy(b.buffer, digest, CS_SHA256_LEN);
	return nv_write(t, img, TPM_NV_ANCHOR, &b, d);
}
