/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CS_HSM_TBS_H
#define CS_HSM_TBS_H

#include <openssl/x509.h>

#include "hsm/sign.h"

/*
 * For the algorithm identifiers: x is signed with a throw-away key; the
 * signature itself is not used.  sign: X509_sign_ctx() or the like.
 */
int tbs_sign_away(enum key_alg alg, int (*sign)(void *x, EVP_MD_CTX *ctx),
    void *x) CS_WUR;
int tbs_sign(const unsigned char *tbs, int len,
    const struct hsm_signer *signer, struct buf *sig, struct diag *d) CS_WUR;
/* SEQUENCE { tbs, algorithm, BIT STRING }; free(*ret) */
int tbs_assemble(const unsigned char *tbs, int tbs_len, const X509_ALGOR *alg,
    const uint8_t *sig, size_t sig_len, uint8_t **ret, size_t *ret_len) CS_WUR;

#endif
