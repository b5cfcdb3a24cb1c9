/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CS_DOCS_H
#define CS_DOCS_H

#include "lib/policy.h"

/*
 * A policy file on the connected side.  A first policy must carry the
 * signatures of all the administrators it names; a later one is checked
 * against its predecessor by the appliance, so here its signatures are only
 * counted (*ret_genesis false).
 */
int policy_file_load(const char *path, struct policy **ret,
    bool *ret_genesis, struct diag *d) CS_WUR;
/* The same without looking at signatures, for showing and signing. */
int policy_file_parse(const char *path, struct dsse **ret_env,
    struct policy **ret, struct diag *d) CS_WUR;
/*
 * Which principal's key made sig[i] of the envelope: who[i] and key[i], NULL
 * for none.  Arrays of env->nsigs.
 */
int policy_signers(const struct dsse *env, const struct policy *p,
    const struct policy_principal **who, const struct pubkey **key,
    struct diag *d) CS_WUR;

#endif
