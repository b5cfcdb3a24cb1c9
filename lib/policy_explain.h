/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CS_POLICY_EXPLAIN_H
#define CS_POLICY_EXPLAIN_H

#include "lib/buf.h"
#include "lib/policy.h"

/*
 * Rules in plain sentences, one a line; every field is told.  Printable ASCII
 * and newlines.
 */

/* One rule, or one of the two beside them, and its keys. */
int policy_explain_rule(const struct policy *p, const struct policy_rule *u,
    struct buf *out) CS_WUR;
/* All of them, and what holds for all: review, waivers. */
int policy_explain(const struct policy *p, struct buf *out) CS_WUR;

#endif
