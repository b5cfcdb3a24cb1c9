/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <string.h>
#include <sys/random.h>
#include <tss2/tss2_rc.h>
#include <tss2/tss2_tctildr.h>

#include "tpm/tpm_private.h"

#define RANDOM_MAX 1024u

static void
esys_freep(void *p)
{
	void **pp = p;

	Esys_Free(*pp);
	*pp = NULL;
}
#define _cleanup_esys_ _cleanup_(esys_freep)

int
tpm_open_tcti(TSS2_TCTI_CONTEXT *tcti, void (*tcti_free)(TSS2_TCTI_CONTEXT **),
    unsigned flags, struct tpm **ret, struct diag *d)
{
	_cleanup_tpm_ struct tpm *t = calloc(1, sizeof(*t));
	TSS2_RC rc;
	size_t i;
	int r;

	if (t == NULL) {
		tcti_free(&tcti);
		return diag_nomem(d);
	}
	t->tcti = tcti;
	t->tcti_free = tcti_free;
	t->storage = t->image_session = ESYS_TR_NONE;
	for (i = 0; i < TPM_NV_COUNT; i++)
		t->nv[i] = ESYS_TR_NONE;
	rc = Esys_Initialize(&t->esys, tpm_busy_init(&t->busy, tcti), NULL);
	if (rc != TSS2_RC_SUCCESS)
		return tpm_fail(t, CS_E_TPM_CONNECT, rc, "Esys_Initialize", d);
	/* firmware or an earlier session has started it, as a rule */
	rc = Esys_Startup(t->esys, TPM2_SU_CLEAR);
	if (rc != TSS2_RC_SUCCESS && tpm_rc_base(rc) != TPM2_RC_INITIALIZE)
		return tpm_fail(t, CS_E_TPM_CONNECT, rc, "TPM2_Startup", d);
	r = tpm_flush_leftovers(t, d);
	if (r != 0)
		return r;
	/* only now: a session that never began ends without Shutdown */
	t->flags = flags;
	*ret = take_ptr(t);
	return 0;
}

int
tpm_open(const char *tcti, unsigned flags, struct tpm **ret, struct diag *d)
{
	TSS2_TCTI_CONTEXT *ctx = NULL;
	TSS2_RC rc;

	/* the loader would try one default after another */
	if (tcti == NULL || tcti[0] == '\0')
		return diag_fail(d, CS_E_TPM_CONNECT,
		    "a TCTI, as in "
		    "\"device:/dev/tpmrm0\"",
		    "none");
	rc = Tss2_TctiLdr_Initialize(tcti, &ctx);
	if (rc != TSS2_RC_SUCCESS)
		return diag_fail(d, CS_E_TPM_CONNECT, NULL, "%s: 0x%x: %s",
		    tcti, rc, Tss2_RC_Decode(rc));
	return tpm_open_tcti(ctx, Tss2_TctiLdr_Finalize, flags, ret, d);
}

void
tpm_close(struct tpm **tp)
{
	struct tpm *t = take_ptr(*tp);

	if (t == NULL)
		return;
	if (t->esys != NULL && (t->flags & TPM_SHUTDOWN) != 0)
		(void)Esys_Shutdown(t->esys, ESYS_TR_NONE, ESYS_TR_NONE,
		    ESYS_TR_NONE, TPM2_SU_CLEAR);
	tpm_freep(&t->ticket);
	Esys_Finalize(&t->esys);
	t->tcti_free(&t->tcti);
	free(t);
}

void
tpm_release(struct tpm *t)
{
	tpm_image_forget(t);
}

void
tpm_handle_done(struct tpm_handle *h)
{
	if (h->h != ESYS_TR_NONE)
		(void)Esys_FlushContext(h->t->esys, h->h);
	h->h = ESYS_TR_NONE;
}

/* errno on failure */
static int
os_random(uint8_t *out, size_t len)
{
	size_t n = 0;
	ssize_t r;

	while (n < len) {
		r = getrandom(out + n, len - n, 0);
		if (r < 0 && errno != EINTR)
			return CS_E_IO;
		if (r > 0)
			n += (size_t)r;
	}
	return 0;
}

int
tpm_random(struct tpm *t, uint8_t *out, size_t len, struct diag *d)
{
	uint8_t mix[RANDOM_MAX];
	size_t n = 0, want, i;
	TSS2_RC rc;

	if (len == 0 || len > RANDOM_MAX)
		return diag_fail(d, CS_E_INTERNAL, "1 to 1024 bytes", "%zu",
		    len);
	if (os_random(mix, len) != 0)
		return diag_errno(d, CS_E_IO, "getrandom");
	while (n < len) {
		_cleanup_esys_ TPM2B_DIGEST *got = NULL;

		/* a TPM gives at most its largest digest, and may give less */
		want = len - n > CS_SHA256_LEN ? CS_SHA256_LEN : len - n;
		rc = Esys_GetRandom(t->esys, ESYS_TR_NONE, ESYS_TR_NONE,
		    ESYS_TR_NONE, (UINT16)want, &got);
		if (rc != TSS2_RC_SUCCESS)
			return tpm_fail(t, CS_E_TPM_FAIL, rc, "TPM2_GetRandom",
			    d);
		if (got->size == 0 || got->size > want)
			return diag_fail(d, CS_E_TPM_FAIL, "random bytes",
			    "TPM2_GetRandom: %u bytes", got->size);
		for (i = 0; i < got->size; i++, n++)
			mix[n] ^= got->buffer[i];
	}
	memcpy(out, mix, len);
	return 0;
}

int
tpm_clock(struct tpm *t, struct tpm_clock *ret, struct diag *d)
{
	_cleanup_esys_ TPMS_TIME_INFO *now = NULL;
	TSS2_RC rc;

	rc = Esys_ReadClock(t->esys, ESYS_TR_NONE, ESYS_TR_NONE, ESYS_TR_NONE,
	    &now);
	if (rc != TSS2_RC_SUCCESS)
		return tpm_fail(t, CS_E_TPM_FAIL, rc, "TPM2_ReadClock", d);
	*ret = (struct tpm_clock){
		.clock_ms = now->clockInfo.clock,
		.reset = now->clockInfo.resetCount,
		.restart = now->clockInfo.restartCount,
		.safe = now->clockInfo.safe == TPM2_YES,
	};
	return 0;
}

TSS2_RC
tpm_property(struct tpm *t, uint32_t property, uint32_t *ret)
{
	_cleanup_esys_ TPMS_CAPABILITY_DATA *cap = NULL;
	TPMI_YES_NO more;
	TSS2_RC rc;

	rc = Esys_GetCapability(t->esys, ESYS_TR_NONE, ESYS_TR_NONE,
	    ESYS_TR_NONE, TPM2_CAP_TPM_PROPERTIES, property, 1, &more, &cap);
	if (rc != TSS2_RC_SUCCESS)
		return rc;
	/* asked for one that it does not have, a TPM answers the next */
	if (cap->data.tpmProperties.count != 1 ||
	    cap->data.tpmProperties.tpmProperty[0].property != property)
		return TPM2_RC_VALUE;
	*ret = cap->data.tpmProperties.tpmProperty[0].value;
	return TSS2_RC_SUCCESS;
}

int
tpm_lockout_info(struct tpm *t, struct tpm_lockout *ret, struct diag *d)
{
	struct tpm_lockout l = { 0 };
	uint32_t permanent = 0;
	const struct {
		uint32_t property;
		uint32_t *out;
	} wanted[] = {
		{ TPM2_PT_LOCKOUT_COUNTER, &l.counter },
		{ TPM2_PT_MAX_AUTH_FAIL, &l.max },
		{ TPM2_PT_LOCKOUT_INTERVAL, &l.interval_s },
		{ TPM2_PT_LOCKOUT_RECOVERY, &l.recovery_s },
		{ TPM2_PT_PERMANENT, &permanent },
	};
	TSS2_RC rc;
	size_t i;

	for (i = 0; i < ARRAY_LEN(wanted); i++) {
		rc = tpm_property(t, wanted[i].property, wanted[i].out);
		/* not tpm_fail(): that would ask for lockout again */
		if (rc != TSS2_RC_SUCCESS)
			return diag_fail(d, CS_E_TPM_FAIL, NULL,
			    "TPM2_GetCapability: 0x%x: %s", rc,
			    Tss2_RC_Decode(rc));
	}
	l.locked = (permanent & TPMA_PERMANENT_INLOCKOUT) != 0;
	*ret = l;
	return 0;
}

int
tpm_pcr_read(struct tpm *t, unsigned pcr, uint8_t ret[CS_SHA256_LEN],
    struct diag *d)
{
	TPML_PCR_SELECTION in = { .count = 1,
		.pcrSelections = {
		    { .hash = TPM2_ALG_SHA256, .sizeofSelect = 3 } } };
	_cleanup_esys_ TPML_PCR_SELECTION *out = NULL;
	_cleanup_esys_ TPML_DIGEST *values = NULL;
	UINT32 counter;
	TSS2_RC rc;

	if (pcr >= TPM_PCR_COUNT)
		return diag_fail(d, CS_E_TPM_SELECT, "0 to 23", "%u", pcr);
	in.pcrSelections[0].pcrSelect[pcr / 8] = (BYTE)(1u << (pcr % 8));
	rc = Esys_PCR_Read(t->esys, ESYS_TR_NONE, ESYS_TR_NONE, ESYS_TR_NONE,
	    &in, &counter, &out, &values);
	if (rc != TSS2_RC_SUCCESS)
		return tpm_fail(t, CS_E_TPM_FAIL, rc, "TPM2_PCR_Read", d);
	/* a bank that is not active is answered by an empty list */
	if (values->count != 1 || values->digests[0].size != CS_SHA256_LEN)
		return diag_fail(d, CS_E_TPM_BANK, "a SHA-256 bank of PCRs",
		    "TPM2_PCR_Read: none");
	memcpy(ret, values->digests[0].buffer, CS_SHA256_LEN);
	return 0;
}

int
tpm_pcr_extend(struct tpm *t, unsigned pcr, const uint8_t digest[CS_SHA256_LEN],
    struct diag *d)
{
	TPML_DIGEST_VALUES v = { .count = 1,
		.digests = { { .hashAlg = TPM2_ALG_SHA256 } } };
	TSS2_RC rc;

	if (pcr >= TPM_PCR_COUNT)
		return diag_fail(d, CS_E_TPM_SELECT, "0 to 23", "%u", pcr);
	memcpy(v.digests[0].digest.sha256, digest, CS_SHA256_LEN);
	/* ESYS_TR_PCR0 .. ESYS_TR_PCR23 follow one another */
	rc = Esys_PCR_Extend(t->esys, (ESYS_TR)(ESYS_TR_PCR0 + pcr),
	    ESYS_TR_PASSWORD, ESYS_TR_NONE, ESYS_TR_NONE, &v);
	if (rc != TSS2_RC_SUCCESS)
		return tpm_fail(t, CS_E_TPM_FAIL, rc, "TPM2_PCR_Extend", d);
	return 0;
}
