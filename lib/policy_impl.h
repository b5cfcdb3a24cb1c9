/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CS_POLICY_IMPL_H
#define CS_POLICY_IMPL_H

#include "lib/policy.h"

/* Shared by lib/policy*.c only. */
#define POLICY_LIST_MAX	     256u /* entries of any list */
#define POLICY_NAME_MAX	     40u
#define POLICY_THRESHOLD_MAX 12u /* what the TPM's policy tree takes */

/* 1 if s is [a-z0-9-]{1,40} */
int policy_name_ok(const char *s);
/* Everything that one entry alone cannot show. */
int policy_check(const struct policy *p, struct diag *d) CS_WUR;
/* RFC 7512: a token, an id, nothing that is a site's fact, no PIN. */
int policy_uri_check(const char *uri, const char *token, struct diag *d) CS_WUR;
/* People who hold one of the roles; orgs: how many organisations they are of */
size_t policy_eligible(const struct policy *p,
    const struct policy_str_list *roles, size_t *ret_orgs);

#endif
