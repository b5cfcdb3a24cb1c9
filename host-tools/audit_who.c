/* SPDX-License-Identifier: Apache-2.0 */
#include "host-tools/audit_policy.h"
#include "host-tools/govern.h"

enum { O_DB, O_TILES, O_AT, O_PERSON, O_KEY, O_JSON, O_CSV };

static const struct cli_opt options[] = {
	[O_DB] = AUDIT_OPT_DB,
	[O_TILES] = AUDIT_OPT_TILES,
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
	const struct audit_where where = audit_where(c, O_DB, O_TILES);
	_cleanup_audit_view_ struct audit_view a = AUDIT_VIEW_INIT;
	_cleanup_audit_policy_ struct audit_policy v = { 0 };
	_cleanup_authority_ struct authority *who = NULL;
	struct authority_opts o = { .person = cli_get(c, O_PERSON),
		.key = cli_get(c, O_KEY) };
	int r;

	r = govern_time(c, O_AT, &o.at, d);
	if (r == 0)
		r = audit_view_open(&where, &a, d);
	if (r == 0)
		r = audit_policy_at(&a, o.at, &v, d);
	if (r == 0)
		r = audit_authority(&v, &o, &who, d);
	return r != 0 ? r :
			govern_print_authority(who, cli_has(c, O_JSON),
			    cli_has(c, O_CSV), d);
}

const struct cli_verb verb_audit_who = {
	.group = "audit",
	.name = "who-can-sign",
	.operands = "",
	.about = "Say who could sign, by the policy that the log names.",
	.opts = options,
	.nopts = ARRAY_LEN(options),
	.run = run,
};
