/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CS_AUDIT_POLICY_H
#define CS_AUDIT_POLICY_H

#include "host-tools/audit_view.h"
#include "lib/authority.h"

/* The policies that a log names, out of the documents that came with it. */
struct audit_policy {
	uint64_t leaf;		/* the first that names it */
	struct policy *p;
};

static inline void
audit_policy_done(struct audit_policy *v)
{
	policy_free(&v->p);
}
#define _cleanup_audit_policy_ _cleanup_(audit_policy_done)

/*
 * The one in force after leaf idx.  The leaf itself is read and must name it:
 * CS_E_AUDIT_INDEX.  CS_E_AUDIT_POLICY: none, CS_E_AUDIT_BLOB: not imported
 */
int audit_policy_after(struct audit_view *a, uint64_t idx,
    struct audit_policy *ret, struct diag *d) CS_WUR;
/* At that time by the appliance's clock; what it then was is in force. */
int audit_policy_at(struct audit_view *a, int64_t at, struct audit_policy *ret,
    struct diag *d) CS_WUR;
/* Who can sign under it, with the leaf that granted it. */
int audit_authority(const struct audit_policy *v, struct authority_opts *o,
    struct authority **ret, struct diag *d) CS_WUR;

#endif
