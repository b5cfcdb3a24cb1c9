/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CS_HSM_TBS_H
#define CS_HSM_TBS_H

#include <openssl/x509.h>

#include "hsm/sign.h"
#include "lib/x509.h"

/*
 * For the algorithm identifiers: x is signed with a throw-away key; the
 * signature itself is not used.  sign: X509_sign_ctx() or the like.
 */
int tbs_sign_away(enum key_alg alg, int (*sign)(void *x, EVP_MD_CTX *ctx),
    void *x) CS_WUR;
int tbs_sign(const unsigned char *tbs, int len,
    const struct hsm_signer *signer, struct buf *sig, struct diag *d) CS_WUR;

#endif
