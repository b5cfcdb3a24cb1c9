/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CS_HSM_RECOVER_IMPL_H
#define CS_HSM_RECOVER_IMPL_H

#include "hsm/recover.h"

/* Makes libgfshare draw its random numbers from OpenSSL; before every use. */
void recover_gf_init(void);
/* 0, or CS_E_CRYPTO if a draw since recover_gf_init() failed */
int recover_gf_check(struct diag *d) CS_WUR;
/* HMAC over head (but its check) and value, which is secret || salt */
int recover_check_value(const struct share_head *h, struct secret *value,
    uint8_t ret[CS_SHA256_LEN], struct diag *d) CS_WUR;

#endif
