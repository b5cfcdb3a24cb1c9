/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Without a resource manager, what a killed process had loaded stays in the
 * TPM's three slots.  One process of ours uses the TPM at a time, so whatever
 * is loaded when it is opened is left over, and is flushed.  Behind a resource
 * manager the lists are this connection's own, and empty.
 */

#include <tss2/tss2_sys.h>

#include "tpm/tpm_private.h"

/* Saved sessions are not left over: ceremonies wait in them. */
static const TPM2_HANDLE ranges[] = { TPM2_TRANSIENT_FIRST,
	TPM2_LOADED_SESSION_FIRST };

/* The type of a session's handle says how it is listed, not which it is. */
static bool
in(const uint32_t *keep, size_t n, uint32_t handle)
{
	size_t i;

	for (i = 0; i < n; i++)
		if (((keep[i] ^ handle) & TPM2_HR_HANDLE_MASK) == 0)
			return true;
	return false;
}

static int
flush_range(struct tpm *t, TSS2_SYS_CONTEXT *sys, TPM2_HANDLE first,
    const uint32_t *keep, size_t n, struct diag *d)
{
	TPMS_CAPABILITY_DATA *data = NULL;
	TPMI_YES_NO more;
	UINT32 i;
	TSS2_RC rc;

	rc = Esys_GetCapability(t->esys, ESYS_TR_NONE, ESYS_TR_NONE,
	    ESYS_TR_NONE, TPM2_CAP_HANDLES, first, TPM2_MAX_CAP_HANDLES, &more,
	    &data);
	if (rc != TSS2_RC_SUCCESS)
		return tpm_fail(t, CS_E_TPM_FAIL, rc, "list of handles", d);
	for (i = 0; i < data->data.handles.count; i++) {
		if (in(keep, n, data->data.handles.handle[i]))
			continue;
		rc = Tss2_Sys_FlushContext(sys, data->data.handles.handle[i]);
		if (rc != TSS2_RC_SUCCESS)
			break;
	}
	Esys_Free(data);
	if (rc != TSS2_RC_SUCCESS)
		return tpm_fail(t, CS_E_TPM_FAIL, rc, "flush", d);
	return 0;
}

int
tpm_flush_leftovers(struct tpm *t, struct diag *d)
{
	TSS2_SYS_CONTEXT *sys = NULL;
	size_t i;
	TSS2_RC rc;
	int r = 0;

	rc = Esys_GetSysContext(t->esys, &sys);
	if (rc != TSS2_RC_SUCCESS)
		return tpm_fail(t, CS_E_TPM_FAIL, rc, "context", d);
	for (i = 0; r == 0 && i < ARRAY_LEN(ranges); i++)
		r = flush_range(t, sys, ranges[i], NULL, 0, d);
	return r;
}

int
tpm_session_prune(struct tpm *t, const uint32_t *keep, size_t n, struct diag *d)
{
	TSS2_SYS_CONTEXT *sys = NULL;
	TSS2_RC rc = Esys_GetSysContext(t->esys, &sys);

	if (rc != TSS2_RC_SUCCESS)
		return tpm_fail(t, CS_E_TPM_FAIL, rc, "context", d);
	/* saved sessions are listed in the range of policy sessions */
	return flush_range(t, sys, TPM2_ACTIVE_SESSION_FIRST, keep, n, d);
}
