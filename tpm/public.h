/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CS_TPM_PUBLIC_H
#define CS_TPM_PUBLIC_H

#include <tss2/tss2_tpm2_types.h>

#include "tpm/policy.h"

/* Public areas and signatures in the TPM's own structures; no TPM needed. */

/* As given to TPM2_LoadExternal: a key that only verifies. */
int tpm_public_of(const struct pubkey *k, TPM2B_PUBLIC *ret, struct diag *d)
    CS_WUR;
/* A public area with nameAlg SHA-256; CS_E_TPM_BLOB */
int tpm_public_name(const TPM2B_PUBLIC *pub, uint8_t ret[TPM_NAME_LEN]) CS_WUR;
/*
 * The document signature of a key (lib/key.h: DER for EC, PKCS#1 v1.5 for
 * RSA) as TPMT_SIGNATURE; CS_E_SIG
 */
int tpm_signature_of(const struct pubkey *k, const uint8_t *sig, size_t len,
    TPMT_SIGNATURE *ret) CS_WUR;
/* and the digest algorithm that goes with it */
enum hash_alg tpm_signature_hash(const struct pubkey *k);

#endif
