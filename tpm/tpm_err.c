/* SPDX-License-Identifier: Apache-2.0 */
#include <tss2/tss2_rc.h>

#include "tpm/tpm_private.h"

/* TPM 2.0 Library Part 1, 39: format bit, and where the number is */
#define RC_LAYER     0xffff0000u
#define RC_FMT1	     0x080u
#define RC_FMT1_BASE 0x0bfu
#define RC_FMT0_BASE 0x97fu

TSS2_RC
tpm_rc_base(TSS2_RC rc)
{
	TSS2_RC layer = rc & RC_LAYER;

	/* a resource manager passes the TPM's own codes under its layer */
	if (layer != TSS2_TPM_RC_LAYER && layer != TSS2_RESMGR_TPM_RC_LAYER)
		return rc;
	rc &= ~RC_LAYER;
	return (rc & RC_FMT1) != 0 ? rc & RC_FMT1_BASE : rc & RC_FMT0_BASE;
}

static int
fail_lockout(struct tpm *t, const char *command, struct diag *d)
{
	struct tpm_lockout l;

	if (tpm_lockout_info(t, &l, NULL) != 0)
		return diag_fail(d, CS_E_TPM_LOCKOUT, NULL,
		    "%s: locked out; how long is not known", command);
	return diag_fail(d, CS_E_TPM_LOCKOUT, NULL,
	    "%s: %u of %u failures counted; wait up to %u seconds with the "
	    "power on, when one of them is forgotten",
	    command, l.counter, l.max, l.interval_s);
}

int
tpm_fail(struct tpm *t, int code, TSS2_RC rc, const char *command,
    struct diag *d)
{
	if (tpm_rc_base(rc) == TPM2_RC_LOCKOUT)
		return fail_lockout(t, command, d);
	if (tpm_rc_busy(rc))
		return diag_fail(d, CS_E_TPM_BUSY, NULL,
		    "%s: 0x%x, after %lld seconds", command, rc,
		    (long long)(t->busy.limit_ms / 1000));
	if (tpm_rc_base(rc) == TPM2_RC_PCR_CHANGED)
		return diag_fail(d, CS_E_TPM_PCR_CHANGED, NULL,
		    "%s: 0x%x, %d times", command, rc, TPM_TRIES);
	return diag_fail(d, code, NULL, "%s: 0x%x: %s", command, rc,
	    Tss2_RC_Decode(rc));
}
