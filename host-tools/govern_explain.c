/* SPDX-License-Identifier: Apache-2.0 */
#include "host-tools/govern.h"
#include "lib/policy_explain.h"

static int
run(const struct cli *c, struct diag *d)
{
	_cleanup_govern_ struct buf out = BUF_INIT(GOVERN_TEXT_MAX);
	_cleanup_policy_ struct policy *p = NULL;
	const struct policy_rule *u;
	int r;

	r = govern_load(c->args[0], &p, d);
	if (r != 0)
		return r;
	if (c->nargs == 1)
		return govern_print(policy_explain(p, &out), &out, d);
	u = policy_rule_by_id(p, c->args[1]);
	if (u == NULL)
		return diag_fail(d, CS_E_AUTHORITY_NAME, "a rule of the policy",
		    "%.60s", c->args[1]);
	return govern_print(policy_explain_rule(p, u, &out), &out, d);
}

const struct cli_verb verb_policy_explain = {
	.group = "policy",
	.name = "explain",
	.operands = "FILE [RULE]",
	.min_args = 1,
	.max_args = 2,
	.about = "Tell a policy's rules in plain sentences.",
	.run = run,
};
