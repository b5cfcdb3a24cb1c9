/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CS_ATTEST_VERIFY_PRIVATE_H
#define CS_ATTEST_VERIFY_PRIVATE_H

#include <tss2/tss2_tpm2_types.h>

#include "tpm/attest_verify.h"

/* Shared with the half that has a TPM; marshalling only, no ESAPI. */

enum attest_ek_kind {
	ATTEST_EK_ECC,		/* template L-2 */
	ATTEST_EK_RSA,		/* template L-1 */
};
void attest_ek_template(enum attest_ek_kind kind, TPM2B_PUBLIC *ret);

/* The whole of p, and its only encoding; else -1 */
int attest_unmarshal_public(const uint8_t *p, size_t len, TPM2B_PUBLIC *ret)
    CS_WUR;
/* Takes the marshalled form of a structure; CS_E_INTERNAL if it has none */
int attest_marshal_public(const TPM2B_PUBLIC *pub, struct buf *out) CS_WUR;

int attest_public_name(const TPMT_PUBLIC *pub, uint8_t ret[ATTEST_NAME_LEN])
    CS_WUR;
/* the right-aligned 32 bytes of a coordinate; -1 if it is longer */
int attest_coordinate(const TPM2B_ECC_PARAMETER *p,
    uint8_t ret[CS_SHA256_LEN]) CS_WUR;
/* P-256; CS_E_KEY_TYPE if it is no point of the curve */
int attest_ecc_key(const TPMS_ECC_POINT *p, struct pubkey **ret,
    struct diag *d) CS_WUR;
/* Name of a key or an index, for a message; out holds 2 * 34 + 1 */
void attest_name_hex(const uint8_t *name, size_t len, char out[69]);

#endif
