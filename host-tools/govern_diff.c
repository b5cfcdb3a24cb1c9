/* SPDX-License-Identifier: Apache-2.0 */
#include "host-tools/govern.h"
#include "lib/json.h"
#include "lib/policy_diff.h"

enum { O_JSON };

static const struct cli_opt options[] = {
	[O_JSON] = { "json", NULL, 0, "machine output" },
};

static json_t *
side(const struct policy *p)
{
	return json_pack("{s:I, s:o}", "version", (json_int_t)p->version,
	    "digest", json_hex32(p->digest));
}

static int
run(const struct cli *c, struct diag *d)
{
	_cleanup_govern_ struct buf out = BUF_INIT(GOVERN_TEXT_MAX);
	_cleanup_policy_ struct policy *old = NULL, *new = NULL;
	int r;

	r = govern_load(c->args[0], &old, d);
	if (r == 0)
		r = govern_load(c->args[1], &new, d);
	if (r != 0)
		return r;
	r = policy_diff(old, new, &out);
	if (r != 0 || !cli_has(c, O_JSON))
		return govern_print(r, &out, d);
	return cli_print_json(json_pack("{s:o, s:o, s:o}", "old", side(old),
				  "new", side(new), "changes",
				  govern_lines(&out)),
	    d);
}

const struct cli_verb verb_policy_diff = {
	.group = "policy",
	.name = "diff",
	.operands = "OLD NEW",
	.min_args = 2,
	.max_args = 2,
	.about = "Say in words what a new version of a policy changes.",
	.opts = options,
	.nopts = ARRAY_LEN(options),
	.run = run,
};
