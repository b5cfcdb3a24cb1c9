/* SPDX-License-Identifier: Apache-2.0 */

/* "Who can sign what, right now?", answered from policy, clock and log. */

#include "appliance/core.h"
#include "lib/authority.h"

/* All of a policy is granted by the leaf that pins it. */
static bool
granted(void *arg, const char *rule, uint64_t *ret_leaf)
{
	const struct core *c = arg;

	(void)rule;
	*ret_leaf = ledger_policy_leaf(c->ledger);
	return true;
}

int
verb_who(struct core *c, char **argv, size_t argc, struct diag *d)
{
	const struct authority_opts o = {
		.at = core_now(),
		.person = argc > 0 ? argv[0] : NULL,
		.granted = granted,
		.arg = c,
	};
	_cleanup_authority_ struct authority *a = NULL;
	struct buf out = BUF_INIT(16u << 20);
	int r;

	r = core_clock_check(o.at, ledger_floor(c->ledger), d);
	if (r == 0)
		r = authority_of(c->policy, &o, &a, d);
	if (r == 0)
		r = authority_text(a, &out);
	if (r == 0)
		r = page_show(c, &out);
	buf_done(&out);
	return r;
}
