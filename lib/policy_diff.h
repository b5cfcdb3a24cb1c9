/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CS_POLICY_DIFF_H
#define CS_POLICY_DIFF_H

#include "lib/buf.h"
#include "lib/policy.h"

/*
 * What a change of policy means, one sentence a line: what is loud (waivers,
 * break-glass), then authority that is added and checks that get weaker, then
 * facts, then what is taken away or gets stricter, then what no sentence is
 * for ("other text changed: /rules/fw/x").  Nothing that differs is silent.
 * Printable ASCII; the same policies give the same text.
 */
int policy_diff(const struct policy *old, const struct policy *new,
    struct buf *out) CS_WUR;
/* the number of these lines; at least 1 */
int policy_diff_count(const struct policy *old, const struct policy *new,
    size_t *ret) CS_WUR;

#endif
