/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CS_SEAL_LABEL_H
#define CS_SEAL_LABEL_H

#include "tpm/tpm.h"

/*
 * What a PIN is sealed for.  Whoever unseals must say the same again: that of
 * a domain names the policy in force, that of the audit token the log.
 */
void seal_label_domain(const char *domain, const uint8_t policy[32],
    char out[TPM_LABEL_MAX + 1]);
void seal_label_audit(const char *origin, char out[TPM_LABEL_MAX + 1]);

#endif
