/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CS_ATTEST_H
#define CS_ATTEST_H

#include "lib/secret.h"
#include "tpm/attest_verify.h"
#include "tpm/tpm.h"

/*
 * What a TPM says about itself, for the connected side to verify with
 * tpm/attest_verify.h: who it is, its PCRs, an NV index.
 *
 * The attestation key (AK) is a primary key of the endorsement hierarchy,
 * made anew from one fixed template each time it is used (0.1 s).  Nothing is
 * stored that could be lost, swapped or restored from an old copy, and the AK
 * stays the same for as long as the EK does: both come from the endorsement
 * seed.  The hierarchy's authorisation must be empty.  The AK's own is too:
 * a quote tells no secret, and a restricted key signs nothing but what the
 * TPM itself states.
 *
 * Every handle is flushed before a function returns; at most two transient
 * slots and one session are in use.  What a function returns in a struct buf
 * is at most ATTEST_MAX bytes, a certificate ATTEST_CERT_MAX; the buffer is
 * reset first.
 */

/*
 * The EK's TPM2B_PUBLIC, and its DER certificate, empty if there is none.
 * ECC P-256 with its certificate at 0x01c0000a; else, if there is one at
 * 0x01c00002, RSA 2048; else ECC without a certificate.  CS_E_TPM_FAIL
 */
int tpm_ek_read(struct tpm *t, struct buf *ret_pub, struct buf *ret_cert,
    struct diag *d) CS_WUR;
/* The AK's TPM2B_PUBLIC */
int tpm_ak_read(struct tpm *t, struct buf *ret_pub, struct diag *d) CS_WUR;
/* TPM2B_NV_PUBLIC of an index, for the enrolment folder */
int tpm_nv_public_read(struct tpm *t, uint32_t index, struct buf *ret,
    struct diag *d) CS_WUR;

/*
 * The secret in a credential that was made for this TPM's EK and AK, of the
 * form that attest_make_credential() and tpm2_makecredential write.
 * CS_E_ATTEST_CRED_FORM, CS_E_ATTEST_CRED_OTHER
 */
int tpm_activate(struct tpm *t, const uint8_t *credential, size_t len,
    struct secret **ret, struct diag *d) CS_WUR;

/*
 * TPMS_ATTEST and TPMT_SIGNATURE of a quote over the SHA-256 bank, as
 * "tpm2_checkquote -m -s" reads them.  mask: bit n is PCR n, not 0.
 * CS_E_TPM_SELECT
 */
int tpm_quote(struct tpm *t, uint32_t mask,
    const uint8_t qualifying[CS_SHA256_LEN], struct attest_evidence *ret,
    struct diag *d) CS_WUR;
/* The same of all that an NV index holds; it has authread, and no auth. */
int tpm_nv_certify(struct tpm *t, uint32_t index,
    const uint8_t qualifying[CS_SHA256_LEN], struct attest_evidence *ret,
    struct diag *d) CS_WUR;

struct attest_facts {
	uint64_t image_version, policy_version;
	uint8_t policy[CS_SHA256_LEN];
	const char *checkpoint;		/* the signed note, the newest one */
	const uint8_t *challenge;	/* 32 bytes, or NULL */
	uint32_t pcrs;			/* mask of the quote */
	uint32_t anchor;		/* NV index, or 0: none yet */
};
/* Quotes, certifies, and makes the answer: canonical JSON, free(*ret) */
int attest_answer(struct tpm *t, const struct attest_facts *f, char **ret,
    size_t *ret_len, struct diag *d) CS_WUR;

#endif
