/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "host-tools/cli.h"
#include "host-tools/docs.h"
#include "lib/sigfmt.h"

enum { O_POLICY };

static const struct cli_opt options[] = {
	[O_POLICY] = { "policy", "FILE", CLI_REQUIRED,
	    "the appliance's policy, policy.dsse" },
};

static int
run(const struct cli *c, struct diag *d)
{
	_cleanup_policy_ struct policy *p = NULL;
	struct buf out = BUF_INIT(SIGFMT_MAX);
	const struct policy_key *k;
	const struct sigfmt *f;
	bool genesis;
	int r;

	r = policy_file_load(cli_get(c, O_POLICY), &p, &genesis, d);
	if (r != 0)
		return r;
	k = policy_key_by_id(p, c->args[0]);
	f = k == NULL ? NULL : sigfmt_by_name(k->formats.v[0]);
	if (f == NULL)
		return diag_fail(d, CS_E_POLICY_KEY, "a key of the policy",
		    "%s", c->args[0]);
	r = f->public_key(k, &out, d);
	if (r == 0)
		(void)fwrite(out.p, 1, out.len, stdout);
	buf_done(&out);
	return r;
}

const struct cli_verb verb_policy_pubkey = {
	.group = "policy",
	.name = "public-key",
	.operands = "KEY",
	.min_args = 1,
	.max_args = 1,
	.about = "Print a key as its format's stock verifier reads it.",
	.opts = options,
	.nopts = ARRAY_LEN(options),
	.run = run,
};
