/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CS_HSM_SIGN_FORMAT_H
#define CS_HSM_SIGN_FORMAT_H

#include "hsm/sign.h"
#include "lib/sigfmt.h"

/*
 * The exported signature of a job in its format: sigfmt_check(), then build,
 * sign and assemble.  out is reset (limit: SIGFMT_MAX).  Not verified here.
 */
int hsm_sign_format(const char *format, const struct sigfmt_job *j,
    const struct hsm_token_signer *s, struct buf *out, struct diag *d) CS_WUR;
/*
 * What the token makes of it, still to be assembled: by another thread, so
 * that the token does not wait.
 */
int hsm_sign_parts(const char *format, const struct sigfmt_job *j,
    const struct hsm_token_signer *s, struct sigfmt_sigs *ret, struct diag *d)
    CS_WUR;
/* hsm_sign_format() without the check: for what is none of the table, a certificate. */
int hsm_sign_rounds(const struct sigfmt *f, const struct sigfmt_job *j,
    const struct hsm_token_signer *s, struct buf *out, struct diag *d) CS_WUR;

#endif
