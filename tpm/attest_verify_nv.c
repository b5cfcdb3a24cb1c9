/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>
#include <tss2/tss2_mu.h>

#include "lib/sha.h"
#include "tpm/attest_verify_private.h"

/* An extend index that keeps its value over a reset, readable by anyone */
#define NV_NEEDED (TPMA_NV_WRITTEN | TPMA_NV_AUTHREAD)
#define NV_NEVER  (TPMA_NV_CLEAR_STCLEAR | TPMA_NV_ORDERLY)

static int
unmarshal(const uint8_t *p, size_t len, TPM2B_NV_PUBLIC *ret)
{
	uint8_t again[sizeof(TPM2B_NV_PUBLIC)];
	TPM2B_NV_PUBLIC nv = { 0 }, sized;
	size_t n = 0, m = 0;

	if (len > sizeof(again) ||
	    Tss2_MU_TPM2B_NV_PUBLIC_Unmarshal(p, len, &n, &nv) !=
		TSS2_RC_SUCCESS ||
	    n != len)
		return -1;
	sized = nv;
	sized.size = 0;
	if (Tss2_MU_TPM2B_NV_PUBLIC_Marshal(&sized, again, sizeof(again), &m) !=
		TSS2_RC_SUCCESS ||
	    m != len || memcmp(again, p, len) != 0)
		return -1;
	*ret = nv;
	return 0;
}

int
attest_nv_parse(const uint8_t *p, size_t len, uint32_t *ret_index,
    uint8_t ret_name[ATTEST_NAME_LEN], struct diag *d)
{
	const TPMS_NV_PUBLIC *a;
	TPM2B_NV_PUBLIC nv;
	uint32_t type;

	if (unmarshal(p, len, &nv) != 0)
		return diag_fail(d, CS_E_ATTEST_NV_FORM, "a TPM2B_NV_PUBLIC",
		    "%zu other bytes", len);
	a = &nv.nvPublic;
	type = (a->attributes & TPMA_NV_TPM2_NT_MASK) >> TPMA_NV_TPM2_NT_SHIFT;
	if (type != TPM2_NT_EXTEND || a->nameAlg != TPM2_ALG_SHA256 ||
	    a->dataSize != CS_SHA256_LEN)
		return diag_fail(d, CS_E_ATTEST_NV_FORM,
		    "an extend index of SHA-256",
		    "type %u, algorithm 0x%x, %u bytes", type, a->nameAlg,
		    a->dataSize);
	if ((a->attributes & NV_NEEDED) != NV_NEEDED ||
	    (a->attributes & NV_NEVER) != 0)
		return diag_fail(d, CS_E_ATTEST_NV_FORM,
		    "written, authread, not orderly, not clear_stclear",
		    "attributes 0x%08x", a->attributes);
	*ret_index = a->nvIndex;
	ret_name[0] = TPM2_ALG_SHA256 >> 8;
	ret_name[1] = TPM2_ALG_SHA256 & 0xff;
	/* the name is over TPMS_NV_PUBLIC, Part 1, 16 */
	if (sha256(p + 2, len - 2, ret_name + 2) != 0)
		return diag_fail(d, CS_E_CRYPTO, NULL, "name of the index");
	return 0;
}
