/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CS_HSM_CMS_H
#define CS_HSM_CMS_H

#include "hsm/sign.h"

/*
 * CMS SignedData (RFC 5652 5), detached, DER: one signer, its certificate,
 * and the signed attributes contentType (data), messageDigest and
 * signingTime, no other.  `openssl cms -verify -binary` reads it.
 */
#define CMS_SIG_MAX	(64u << 10)

/*
 * cert_der is the certificate of the key that signer holds.  digest is that
 * of the artifact by key_alg_hash(signer->alg); signing_time in seconds since
 * 1970 UTC.  out is reset.  Ed25519 is CS_E_HSM_MECH, a certificate that does
 * not fit CS_E_HSM_CERT, a wrong length CS_E_HSM_DIGEST.  Not verified here
 * (sigfmt_verify).
 */
int cms_sign_digest(const uint8_t *cert_der, size_t cert_len,
    const struct hsm_signer *signer, const uint8_t *digest, size_t digest_len,
    int64_t signing_time, struct buf *out, struct diag *d) CS_WUR;

#endif
