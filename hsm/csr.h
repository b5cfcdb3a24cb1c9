/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CS_HSM_CSR_H
#define CS_HSM_CSR_H

#include "hsm/sign.h"

/*
 * A certification request (PKCS#10, RFC 2986) for a key on a token: subject
 * CN, no attributes.  cn: printable, shortened to 64 bytes (ub-common-name).
 * Ed25519 is CS_E_HSM_MECH.  free(*ret); verified with its own key.
 */
int csr_make(const char *cn, const struct pubkey *k,
    const struct hsm_signer *signer, uint8_t **ret, size_t *ret_len,
    struct diag *d) CS_WUR;

#endif
