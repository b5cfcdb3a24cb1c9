/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a policy, also one that nobody has signed, would say to a request at
 * some time, with evidence that has yet to be put into a bundle.
 */
#include <time.h>

#include "host-tools/cli.h"
#include "host-tools/docs.h"
#include "host-tools/show.h"
#include "host-tools/verdict.h"

enum { O_POLICY, O_EVIDENCE, O_TIME, O_JSON };

static const struct cli_opt options[] = {
	[O_POLICY] = { "policy", "FILE", CLI_REQUIRED,
	    "the policy as an envelope, however many have signed it" },
	[O_EVIDENCE] = { "evidence", "FILE", CLI_MANY,
	    "a document that would go along" },
	[O_TIME] = { "time", "TIME", 0,
	    "decide as of then, 2026-11-25T02:00:00Z (default: now)" },
	[O_JSON] = { "json", NULL, 0, "machine output" },
};

static int
read_time(const struct cli *c, int64_t *ret, struct diag *d)
{
	const char *s = cli_get(c, O_TIME);

	*ret = (int64_t)time(NULL);
	if (s == NULL || time_parse(s, ret) == 0)
		return 0;
	return diag_fail(d, CS_E_USAGE, "a time like 2026-11-25T02:00:00Z",
	    "--time %.60s", s);
}

/* JSON of the verdict, and what was assumed for it */
static json_t *
to_json(const struct reqfile *f, const struct policy *p,
    const struct verdict *v, int64_t now)
{
	_cleanup_json_ json_t *j = verdict_json(f, p, v);

	if (j == NULL ||
	    json_object_set_new(j, "artifacts_seen",
		json_boolean(f->bundle != NULL)) != 0 ||
	    json_object_set_new(j, "not_counted",
		json_pack("[s, s]", "caps", "approvals")) != 0 ||
	    json_object_set_new(j, "time", json_time(now)) != 0)
		return NULL;
	return take_ptr(j);
}

static void
show_notes(const struct reqfile *f, int64_t now)
{
	show_time("as of", now);
	show_text("note", "caps and approvals are counted by the appliance");
	show_text("note", "the policy's signatures were not looked at");
	if (f->bundle == NULL)
		show_text("note",
		    "there is no bundle: artifacts were not "
		    "looked at");
}

static int
run(const struct cli *c, struct diag *d)
{
	_cleanup_reqfile_ struct reqfile f = { 0 };
	_cleanup_evfiles_ struct evfiles e = { 0 };
	_cleanup_policy_ struct policy *p = NULL;
	_cleanup_verdict_ struct verdict v = { 0 };
	_cleanup_dsse_ struct dsse *env = NULL;
	int64_t now = 0;
	size_t i;
	int r;

	r = read_time(c, &now, d);
	if (r == 0)
		r = policy_file_parse(cli_get(c, O_POLICY), &env, &p, d);
	if (r == 0)
		r = reqfile_open_any(c->args[0], &f, d);
	if (r == 0)
		r = evfiles_read(&f, &e, d);
	for (i = 0; r == 0 && i < c->val[O_EVIDENCE].n; i++)
		r = evfiles_add(&f, c->val[O_EVIDENCE].v[i], &e, d);
	if (r == 0)
		r = verdict_decide(&f, &e, p, now, &v, d);
	if (r == 0 && cli_has(c, O_JSON)) {
		r = cli_print_json(to_json(&f, p, &v, now), d);
	} else if (r == 0) {
		verdict_show(&f, &v);
		show_notes(&f, now);
	}
	return r != 0 ? r : verdict_result(&v, d);
}

const struct cli_verb verb_policy_simulate = {
	.group = "policy",
	.name = "simulate",
	.operands = "REQUEST",
	.min_args = 1,
	.max_args = 1,
	.about = "Try a policy on a request, at any time.",
	.opts = options,
	.nopts = ARRAY_LEN(options),
	.run = run,
};
