/* SPDX-License-Identifier: Apache-2.0 */
#include "host-tools/govern.h"
#include "lib/policy_review.h"

enum { O_ROLE, O_TIME, O_JSON };

static const struct cli_opt options[] = {
	[O_ROLE] = { "role", "ROLE", 0, "only this role" },
	[O_TIME] = { "time", "TIME", 0,
	    "look at it as of then, not now: 2026-11-25T02:00:00Z" },
	[O_JSON] = { "json", NULL, 0, "machine output" },
};

static int
run(const struct cli *c, struct diag *d)
{
	_cleanup_govern_ struct buf out = BUF_INIT(GOVERN_TEXT_MAX);
	_cleanup_policy_ struct policy *p = NULL;
	const char *role = cli_get(c, O_ROLE);
	json_t *j = NULL;
	int64_t at = 0;
	int r;

	r = govern_time(c, O_TIME, &at, d);
	if (r == 0)
		r = govern_load(c->args[0], &p, d);
	if (r != 0)
		return r;
	if (!cli_has(c, O_JSON))
		return govern_print(policy_review_text(p, role, at, &out, d),
		    &out, d);
	r = policy_review_json(p, role, at, &j, d);
	return r != 0 ? r : cli_print_json(j, d);
}

const struct cli_verb verb_policy_review = {
	.group = "policy",
	.name = "access-review",
	.operands = "FILE",
	.min_args = 1,
	.max_args = 1,
	.about = "Print the sheet for the review of who holds which role.",
	.opts = options,
	.nopts = ARRAY_LEN(options),
	.run = run,
};
