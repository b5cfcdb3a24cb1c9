/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CS_VERDICT_H
#define CS_VERDICT_H

#include "host-tools/evfiles.h"
#include "lib/evaluate.h"

/*
 * The policy's decision on a request, by the very code that the appliance
 * decides with: every check, passed or not.  What only the appliance has, its
 * log and the approvers, is not counted: caps and approvals.
 */
struct verdict {
	struct checks checks;
	const struct policy_principal *who;
	const struct policy_rule *rule;
	struct policy *next;	/* of a policy update that passed, or NULL */
};

void verdict_done(struct verdict *v);
#define _cleanup_verdict_ _cleanup_(verdict_done)

int verdict_decide(const struct reqfile *f, const struct evfiles *e,
    const struct policy *p, int64_t now, struct verdict *ret,
    struct diag *d) CS_WUR;
void verdict_show(const struct reqfile *f, const struct verdict *v);
/* NULL if there is no memory */
json_t *verdict_json(const struct reqfile *f, const struct policy *p,
    const struct verdict *v);
/* 0, or CS_E_HOST_REFUSED if a check failed */
int verdict_result(const struct verdict *v, struct diag *d);

#endif
