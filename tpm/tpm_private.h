/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CS_TPM_PRIVATE_H
#define CS_TPM_PRIVATE_H

#include <tss2/tss2_esys.h>

#include "tpm/public.h"
#include "tpm/tpm.h"

/* Shared by the files of tpm/, and by tests that put themselves in between. */

/* --- a TPM that is busy (tpm_busy.c) --- */
struct tpm_busy {
	TSS2_TCTI_CONTEXT_COMMON_V1 v1;	/* first: what ESAPI sees */
	TSS2_TCTI_CONTEXT *real;	/* borrowed */
	int64_t limit_ms, until_ms;
	int pause_ms;
	bool tired;			/* it was busy to the end */
	size_t cmd_len, answer_len;
	uint8_t cmd[4096], answer[4096];
};
/* What to give to ESAPI; b lives as long */
TSS2_TCTI_CONTEXT *tpm_busy_init(struct tpm_busy *b, TSS2_TCTI_CONTEXT *real);
/* The TPM did nothing, and may if it is asked later */
bool tpm_rc_busy(TSS2_RC rc);

struct tpm {
	TSS2_TCTI_CONTEXT *tcti;
	struct tpm_busy busy;
	void (*tcti_free)(TSS2_TCTI_CONTEXT **);
	ESYS_CONTEXT *esys;
	unsigned flags;
	/* kept while the TPM is open: fewer commands, and ESAPI shares one
	 * object per handle, so that one of two users would close it */
	ESYS_TR storage, nv[TPM_NV_COUNT];
	uint8_t storage_name[TPM_NAME_LEN];
	/* what TPM2_VerifySignature said of approved[] */
	TPMT_TK_VERIFIED *ticket;
	uint8_t approved[CS_SHA256_LEN];
	/* a policy session for the image policy; tpm_release() */
	ESYS_TR image_session;
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
 * wait, busy CS_E_TPM_BUSY, a PCR that changed under a session
 * CS_E_TPM_PCR_CHANGED, all else code with the command's name, the number and
 * its text.
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

/* --- sessions and policy steps (tpm_session.c) --- */

#define TPM_STORAGE_HANDLE	0x81005ea1u	/* persistent */

/* Esys_Free() for _cleanup_; any pointer */
void tpm_freep(void *p);
#define _cleanup_tpm_free_ _cleanup_(tpm_freep)
/* CS_E_TPM_OTHER if there is none; name may be NULL */
int tpm_storage(struct tpm *t, ESYS_TR *ret, uint8_t name[TPM_NAME_LEN],
    struct diag *d) CS_WUR;
int tpm_nv_open(struct tpm *t, enum tpm_nv n, ESYS_TR *ret, struct diag *d)
    CS_WUR;
/* salt_key ESYS_TR_NONE: unsalted, for what is no secret */
int tpm_start_session(struct tpm *t, ESYS_TR salt_key, TPM2_SE type,
    TPMA_SESSION attributes, struct tpm_handle *ret, struct diag *d) CS_WUR;
int tpm_policy_digest(struct tpm *t, ESYS_TR session,
    uint8_t ret[CS_SHA256_LEN], struct diag *d) CS_WUR;
int tpm_load_public(struct tpm *t, const struct pubkey *k,
    struct tpm_handle *ret, struct diag *d) CS_WUR;
/* PolicyNV: the counter of index n against operand; failure is code */
int tpm_step_counter(struct tpm *t, ESYS_TR session, enum tpm_nv n,
    enum tpm_compare how, uint64_t operand, int code, struct diag *d) CS_WUR;
/* PolicyPCR, PolicyNV(image), PolicyAuthorize */
int tpm_step_image(struct tpm *t, const struct tpm_image *img,
    ESYS_TR session, struct diag *d) CS_WUR;
/*
 * A session in which the image policy holds now, for one command; it is the
 * TPM's own and is not flushed.  After a failed command: tpm_image_forget(),
 * and a new session if it was TPM_RC_PCR_CHANGED, TPM_TRIES in all.
 */
#define TPM_TRIES	3
int tpm_image_session(struct tpm *t, const struct tpm_image *img, ESYS_TR *ret,
    struct diag *d) CS_WUR;
void tpm_image_forget(struct tpm *t);
int tpm_session_load(struct tpm *t, const struct tpm_saved *s,
    struct tpm_handle *ret, struct diag *d) CS_WUR;
/* PolicySigned by each of the ballot's people, PolicyOR up to the top */
struct tpm_blob;
int tpm_step_quorum(struct tpm *t, ESYS_TR session, const struct tpm_blob *b,
    const struct tpm_ballot *ballot, struct diag *d) CS_WUR;
/* The votes that a blob's quorum takes, by place; CS_E_TPM_QUORUM */
struct tpm_count {
	size_t place[QUORUM_MAX_KEYS];		/* rising, threshold many */
	const struct tpm_vote *vote[QUORUM_MAX_KEYS];
};
int tpm_count_votes(const struct quorum *q, const struct tpm_ballot *ballot,
    const char *ref, struct tpm_count *ret, struct diag *d) CS_WUR;

/* --- blob (tpm_blob.c) --- */

struct tpm_blob {
	char label[TPM_LABEL_MAX + 1];
	char domain[41];
	uint8_t primary[TPM_NAME_LEN];
	struct pubkey *image_key;
	uint64_t generation;
	struct quorum quorum;		/* n is 0: no people needed */
	TPM2B_PUBLIC pub;
	TPM2B_PRIVATE priv;
	uint8_t tag[CS_SHA256_LEN];
};
void tpm_blob_done(struct tpm_blob *b);
#define _cleanup_tpm_blob_ _cleanup_(tpm_blob_done)

int tpm_label_ok(const char *label);
/* authPolicy that the fields before pub make, in software */
int tpm_blob_policy(const struct tpm_blob *b, uint8_t ret[CS_SHA256_LEN],
    struct diag *d) CS_WUR;
/* the tree of its quorum; *ret is NULL without one */
int tpm_blob_tree(const struct tpm_blob *b, struct tpm_tree **ret,
    struct diag *d) CS_WUR;
/* What a sealed object's public area is, but for unique */
void tpm_sealed_template(const uint8_t policy[CS_SHA256_LEN],
    TPM2B_PUBLIC *ret);
/* All that the tag covers beside the secret; b->tag is not used */
int tpm_blob_encode_body(const struct tpm_blob *b, struct buf *out) CS_WUR;
int tpm_blob_encode(const struct tpm_blob *b, struct buf *out) CS_WUR;
/* ret is done with tpm_blob_done() in every case */
int tpm_blob_decode(const uint8_t *p, size_t len, struct tpm_blob *ret,
    struct diag *d) CS_WUR;
/* HMAC-SHA256(key, body || secret) */
int tpm_blob_tag(const struct tpm_blob *b, const uint8_t key[CS_SHA256_LEN],
    const uint8_t *secret, size_t len, uint8_t ret[CS_SHA256_LEN]) CS_WUR;

/* What a killed process left loaded; once, when the TPM is opened. */
int tpm_flush_leftovers(struct tpm *t, struct diag *d) CS_WUR;

#endif
