/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CS_POLICY_REVIEW_H
#define CS_POLICY_REVIEW_H

#include <jansson.h>

#include "lib/buf.h"
#include "lib/policy.h"

/*
 * The sheet for the periodic review of access: for each role what it lets its
 * holders do, who they are and since and until when, and room to decide.
 * role NULL: all of them; one that the policy does not have is
 * CS_E_AUTHORITY_NAME.
 */
int policy_review_text(const struct policy *p, const char *role, int64_t at,
    struct buf *out, struct diag *d) CS_WUR;
/* An array of objects, one per role; "decision" is an empty string. */
int policy_review_json(const struct policy *p, const char *role, int64_t at,
    json_t **ret, struct diag *d) CS_WUR;

#endif
