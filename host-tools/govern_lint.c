/* SPDX-License-Identifier: Apache-2.0 */
#include "host-tools/govern.h"
#include "lib/policy_lint.h"

enum { O_TIME, O_JSON };

static const struct cli_opt options[] = {
	[O_TIME] = { "time", "TIME", 0,
	    "look at it as of then, not now: 2026-11-25T02:00:00Z" },
	[O_JSON] = { "json", NULL, 0, "machine output" },
};

static const char *
level(const struct lint_finding *f)
{
	return f->error ? "error" : "warning";
}

static void
show(const struct lint *l)
{
	const struct lint_finding *f;
	size_t i;

	for (i = 0; i < l->n; i++) {
		f = &l->v[i];
		(void)printf("%-8s %s: %s\n", level(f), err_id(f->code),
		    err_text(f->code));
		(void)printf("  found: %s\n  what to do: %s\n", f->found,
		    err_advice(f->code));
	}
	(void)printf("%zu error%s, %zu warning%s\n", l->errors,
	    l->errors == 1 ? "" : "s", l->n - l->errors,
	    l->n - l->errors == 1 ? "" : "s");
}

static json_t *
findings(const struct lint *l)
{
	_cleanup_json_ json_t *a = json_array();
	const struct lint_finding *f;
	size_t i;

	for (i = 0; i < l->n; i++) {
		f = &l->v[i];
		if (json_array_append_new(a,
			json_pack("{s:s, s:s, s:s, s:s, s:s}", "id",
			    err_id(f->code), "level", level(f), "found",
			    f->found, "text", err_text(f->code), "advice",
			    err_advice(f->code))) != 0)
			return NULL;
	}
	return json_pack("{s:I, s:I, s:O}", "errors", (json_int_t)l->errors,
	    "warnings", (json_int_t)(l->n - l->errors), "findings", a);
}

static int
run(const struct cli *c, struct diag *d)
{
	_cleanup_policy_ struct policy *p = NULL;
	_cleanup_lint_ struct lint l = { 0 };
	int64_t at = 0;
	int r;

	r = govern_time(c, O_TIME, &at, d);
	if (r == 0)
		r = govern_load(c->args[0], &p, d);
	if (r != 0)
		return r;
	r = policy_lint(p, at, &l);
	if (r != 0)
		return diag_fail(d, r, NULL, "the policy's findings");
	if (!cli_has(c, O_JSON))
		show(&l);
	else if ((r = cli_print_json(findings(&l), d)) != 0)
		return r;
	if (l.errors > 0)
		return diag_fail(d, CS_E_LINT_ERRORS, "none", "%zu", l.errors);
	return 0;
}

const struct cli_verb verb_policy_lint = {
	.group = "policy",
	.name = "lint",
	.operands = "FILE",
	.min_args = 1,
	.max_args = 1,
	.about = "Find what is legal in a policy, but wrong.",
	.opts = options,
	.nopts = ARRAY_LEN(options),
	.run = run,
};
