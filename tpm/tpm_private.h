/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CS_TPM_PRIVATE_H
#define CS_TPM_PRIVATE_H

#include <tss2/tss2_esys.h>

#include "tpm/tpm.h"

/* Shared by the files of tpm/, and by tests that put themselves in between. */
struct tpm {
	TSS2_TCTI_CONTEXT *tcti;
	void (*tcti_free)(TSS2_TCTI_CONTEXT **);
	ESYS_CONTEXT *esys;
	unsigned flags;
};

/* Takes tcti in every case; freed by tcti_free. */
int tpm_open_tcti(TSS2_TCTI_CONTEXT *tcti,
    void (*tcti_free)(TSS2_TCTI_CONTEXT **), unsigned flags, struct tpm **ret,
    struct diag *d) CS_WUR;

/* --- errors (tpm_err.c) --- */

/* The code without layer and without parameter, handle or session number */
TSS2_RC tpm_rc_base(TSS2_RC rc);
/*
 * The one converter of TSS2_RC: lockout is CS_E_TPM_LOCKOUT with the time to
 * wait, all else code with the command's name, the number and its text.
 */
int tpm_fail(struct tpm *t, int code, TSS2_RC rc, const char *command,
    struct diag *d) CS_WUR;

/* --- handles --- */
struct tpm_handle {
	struct tpm *t;
	ESYS_TR h;
};
#define TPM_HANDLE_INIT(t)	{ (t), ESYS_TR_NONE }
void tpm_handle_done(struct tpm_handle *h);	/* TPM2_FlushContext */
#define _cleanup_tpm_handle_ _cleanup_(tpm_handle_done)

/* One property of TPM_CAP_TPM_PROPERTIES */
TSS2_RC tpm_property(struct tpm *t, uint32_t property, uint32_t *ret) CS_WUR;

/* --- blob (tpm_blob.c) --- */

/* TPM2B_NAME content: algorithm ID and SHA-256 */
#define TPM_NAME_LEN	34u

struct tpm_blob {
	char label[TPM_LABEL_MAX + 1];
	uint32_t mask;
	uint8_t primary[TPM_NAME_LEN];
	TPM2B_PUBLIC pub;
	TPM2B_PRIVATE priv;
	uint8_t tag[CS_SHA256_LEN];
};

int tpm_mask_ok(uint32_t mask);
int tpm_label_ok(const char *label);
/* What a sealed object's public area is, but for unique */
void tpm_sealed_template(const uint8_t policy[CS_SHA256_LEN],
    TPM2B_PUBLIC *ret);
/* TPM2B_NAME of a public area, SHA-256 */
int tpm_public_name(const TPM2B_PUBLIC *pub, uint8_t ret[TPM_NAME_LEN]) CS_WUR;
/* All that the tag covers beside the secret; b->tag is not used */
int tpm_blob_encode_body(const struct tpm_blob *b, struct buf *out) CS_WUR;
int tpm_blob_encode(const struct tpm_blob *b, struct buf *out) CS_WUR;
int tpm_blob_decode(const uint8_t *p, size_t len, struct tpm_blob *ret,
    struct diag *d) CS_WUR;
/* HMAC-SHA256(key, body || secret) */
int tpm_blob_tag(const struct tpm_blob *b, const uint8_t key[CS_SHA256_LEN],
    const uint8_t *secret, size_t len, uint8_t ret[CS_SHA256_LEN]) CS_WUR;

/* What a killed process left loaded; once, when the TPM is opened. */
int tpm_flush_leftovers(struct tpm *t, struct diag *d) CS_WUR;

#endif
