/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CS_X509_IMPL_H
#define CS_X509_IMPL_H

#include <openssl/x509v3.h>

#include "lib/x509.h"

/* Shared by lib/x509*.c only. */
/* The issuer's subject key identifier; NULL: it has none, or no memory */
AUTHORITY_KEYID *x509_authority(const X509 *issuer) CS_WUR;
/* CS_E_X509_VALIDITY, CS_E_X509_ISSUER */
int x509_within(const struct x509_wish *w, const X509 *issuer,
    struct diag *d) CS_WUR;
int x509_check_crl_issuer(const X509 *issuer, struct diag *d) CS_WUR;

#endif
