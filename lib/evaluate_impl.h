/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CS_EVALUATE_IMPL_H
#define CS_EVALUATE_IMPL_H

#include "lib/evaluate.h"

/* Shared by lib/evaluate*.c and lib/evidence.c only. */

/*
 * Whose key, of those the policy lists for principals, made the envelope's
 * signatures.  *ret_who and *ret_key are the first that did, or NULL;
 * *ret_alone: there is one signature, and it is theirs.
 */
int evaluate_signer(const struct policy *p, const struct dsse *env,
    const struct policy_principal **ret_who, const struct pubkey **ret_key,
    bool *ret_alone) CS_WUR;

/*
 * Fills d with what the clock and the period say; 0, or one of the codes for
 * a period that is over or has not begun.
 */
int evaluate_period(int64_t now, int64_t from, int64_t until, int code_over,
    int code_not_yet, const char *what, struct diag *d);

/* Not made more than a day ahead of the clock */
int evaluate_created(const struct request *r, int64_t now, struct checks *c)
    CS_WUR;

#endif
