/* SPDX-License-Identifier: Apache-2.0 */
#include <tss2/tss2_mu.h>

#include "tpm/image.h"

/* TPM 2.0 Library Part 2, 13.4; TPM_NT in bits 7:4 */
#define NT_COUNTER ((uint32_t)TPM2_NT_COUNTER << 4)
#define NT_EXTEND  ((uint32_t)TPM2_NT_EXTEND << 4)
#define COMMON	   (TPMA_NV_POLICYWRITE | TPMA_NV_AUTHREAD | TPMA_NV_NO_DA)

static const struct {
	uint32_t handle, type;
	uint16_t size;
} indices[TPM_NV_COUNT] = {
	[TPM_NV_IMAGE] = { 0x01500010, NT_COUNTER, 8 },
	[TPM_NV_GENERATION] = { 0x01500011, NT_COUNTER, 8 },
	[TPM_NV_BOOT] = { 0x01500012, NT_COUNTER, 8 },
	[TPM_NV_ANCHOR] = { 0x01500013, NT_EXTEND, CS_SHA256_LEN },
};

uint32_t
tpm_nv_handle(enum tpm_nv n)
{
	return indices[n].handle;
}

uint32_t
tpm_nv_attributes(enum tpm_nv n)
{
	/* its first value comes from the owner: see tpm_setup() */
	return COMMON | indices[n].type |
	    (n == TPM_NV_IMAGE ? TPMA_NV_OWNERWRITE : 0);
}

int
tpm_nv_public(enum tpm_nv n, const struct pubkey *image_key, struct buf *ret,
    struct diag *d)
{
	TPM2B_NV_PUBLIC p = {
		.nvPublic = {
		    .nvIndex = indices[n].handle,
		    .nameAlg = TPM2_ALG_SHA256,
		    .attributes = tpm_nv_attributes(n) | TPMA_NV_WRITTEN,
		    .authPolicy.size = CS_SHA256_LEN,
		    .dataSize = indices[n].size,
		},
	};
	uint8_t area[sizeof(p)];
	size_t len = 0;
	int r;

	r = tpm_image_policy(image_key, p.nvPublic.authPolicy.buffer, d);
	if (r != 0)
		return r;
	if (Tss2_MU_TPM2B_NV_PUBLIC_Marshal(&p, area, sizeof(area), &len) !=
	    TSS2_RC_SUCCESS)
		return diag_fail(d, CS_E_INTERNAL, NULL,
		    "public area of an index");
	buf_reset(ret);
	r = buf_put(ret, area, len);
	return r != 0 ? diag_fail(d, r, NULL, "public area of an index") : 0;
}

int
tpm_nv_name(enum tpm_nv n, const struct pubkey *image_key,
    uint8_t ret[TPM_NAME_LEN], struct diag *d)
{
	struct buf p __attribute__((cleanup(buf_done))) =
	    BUF_INIT(TPM_NV_PUBLIC_MAX);
	int r = tpm_nv_public(n, image_key, &p, d);

	if (r != 0)
		return r;
	ret[0] = TPM2_ALG_SHA256 >> 8;
	ret[1] = TPM2_ALG_SHA256 & 0xff;
	/* over the TPMS_NV_PUBLIC, without its size, Part 1, 16 */
	return sha256(p.p + 2, p.len - 2, ret + 2);
}
