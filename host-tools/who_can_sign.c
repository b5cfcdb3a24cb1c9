/* SPDX-License-Identifier: Apache-2.0 */
#include "host-tools/govern.h"
#include "lib/authority.h"

enum { O_POLICY, O_AT, O_PERSON, O_KEY, O_JSON, O_CSV };

static const struct cli_opt options[] = {
	[O_POLICY] = { "policy", "FILE", CLI_REQUIRED, "the policy" },
	[O_AT] = { "at", "TIME", 0,
	    "who could then, not now: 2026-11-25T02:00:00Z" },
	[O_PERSON] = { "person", "ID", 0,
	    "only where this person or system takes part" },
	[O_KEY] = { "key", "ID", 0, "only this key" },
	[O_JSON] = { "json", NULL, 0, "machine output" },
	[O_CSV] = { "csv", NULL, 0, "a table for a spreadsheet" },
};

static int
run(const struct cli *c, struct diag *d)
{
	struct authority_opts o = { .person = cli_get(c, O_PERSON),
		.key = cli_get(c, O_KEY) };
	_cleanup_authority_ struct authority *a = NULL;
	_cleanup_policy_ struct policy *p = NULL;
	int r;

	r = govern_time(c, O_AT, &o.at, d);
	if (r == 0)
		r = govern_load(cli_get(c, O_POLICY), &p, d);
	if (r == 0)
		r = authority_of(p, &o, &a, d);
	return r != 0 ?
	    r :
	    govern_print_authority(a, cli_has(c, O_JSON), cli_has(c, O_CSV), d);
}

const struct cli_verb verb_who_can_sign = {
	.group = "who-can-sign",
	.name = "",
	.operands = "",
	.about = "Say who can make which key sign, and until when.",
	.opts = options,
	.nopts = ARRAY_LEN(options),
	.run = run,
};
