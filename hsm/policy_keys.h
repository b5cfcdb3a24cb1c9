/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CS_POLICY_KEYS_H
#define CS_POLICY_KEYS_H

#include "hsm/p11.h"
#include "lib/policy.h"

/*
 * Every key of the domain that signs, or will ("active", "pending"), is on its
 * token, as the policy says it is.  The session is logged in.
 */
int policy_keys_there(const struct policy *p, const char *domain,
    struct p11_session *s, struct diag *d) CS_WUR;

#endif
