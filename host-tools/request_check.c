/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The policy's decision on a request bundle: what the appliance will say can
 * be known before anybody carries a stick.
 */
#include <time.h>

#include "host-tools/change_show.h"
#include "host-tools/cli.h"
#include "host-tools/docs.h"
#include "host-tools/show.h"
#include "host-tools/verdict.h"

enum { O_POLICY, O_JSON };

static const struct cli_opt options[] = {
	[O_POLICY] = { "policy", "FILE", CLI_REQUIRED,
	    "the appliance's policy, policy.dsse" },
	[O_JSON] = { "json", NULL, 0, "machine output" },
};

static int
run(const struct cli *c, struct diag *d)
{
	_cleanup_reqfile_ struct reqfile f = { 0 };
	_cleanup_evfiles_ struct evfiles e = { 0 };
	_cleanup_policy_ struct policy *p = NULL;
	_cleanup_verdict_ struct verdict v = { 0 };
	bool genesis = false;
	int r;

	r = policy_file_load(cli_get(c, O_POLICY), &p, &genesis, d);
	if (r == 0)
		r = reqfile_open(c->args[0], &f, d);
	if (r == 0)
		r = evfiles_read(&f, &e, d);
	if (r == 0)
		r = verdict_decide(&f, &e, p, (int64_t)time(NULL), &v, d);
	if (r == 0 && cli_has(c, O_JSON)) {
		r = cli_print_json(verdict_json(&f, p, &v), d);
	} else if (r == 0) {
		verdict_show(&f, &v);
		if (!genesis)
			show_text("note",
			    "the signatures of a changed policy "
			    "are checked by the appliance");
		if (v.next != NULL)
			r = change_show_diff(p, v.next, d);
	}
	return r != 0 ? r : verdict_result(&v, d);
}

const struct cli_verb verb_request_check = {
	.group = "request",
	.name = "check",
	.operands = "BUNDLE",
	.min_args = 1,
	.max_args = 1,
	.about = "Ask a policy whether it would accept a request.",
	.opts = options,
	.nopts = ARRAY_LEN(options),
	.run = run,
};
