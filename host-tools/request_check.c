/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The policy's decision on a request bundle, by the very code that the
 * appliance decides with; what the appliance will say can be known before
 * anybody carries a stick.
 */
#include <inttypes.h>
#include <string.h>
#include <time.h>

#include "host-tools/cli.h"
#include "host-tools/docs.h"
#include "host-tools/reqfile.h"
#include "host-tools/show.h"
#include "lib/evaluate.h"
#include "lib/hex.h"

enum { O_POLICY, O_JSON };

static const struct cli_opt options[] = {
	[O_POLICY] = { "policy", "FILE", CLI_REQUIRED,
	    "the appliance's policy, policy.dsse" },
	[O_JSON] = { "json", NULL, 0, "machine output" },
};

struct verdict {
	struct checks checks;
	const struct policy_principal *who;
	const struct policy_rule *rule;
};

/* What intake would compute from the medium. */
static int
read_artifacts(const struct package *p, struct artifact **ret, size_t *ret_n,
    struct diag *d)
{
	static const char folder[] = "artifacts/";
	_cleanup_free_ struct artifact *a = NULL;
	size_t i, n = 0, len = strlen(folder);
	int r;

	a = calloc(p->n + 1, sizeof(*a));
	if (a == NULL)
		return diag_nomem(d);
	for (i = 0; i < p->n; i++) {
		if (strncmp(p->v[i].name, folder, len) != 0)
			continue;
		r = package_digests(p, &p->v[i], a[n].digest, d);
		if (r != 0)
			return r;
		a[n].size = p->v[i].size;
		memcpy(a[n].sha256, a[n].digest[HASH_SHA256], 32);
		memset(a[n].has, true, sizeof(a[n].has));
		n++;
	}
	*ret = take_ptr(a);
	*ret_n = n;
	return 0;
}

static int
check_evidence(const struct reqfile *f, struct checks *c)
{
	char name[101], hex[CS_SHA256_HEX + 1];
	const struct package_member *m;
	size_t i;
	int r = 0;

	for (i = 0; r == 0 && i < f->req->nevidence; i++) {
		hex_encode(f->req->evidence[i].sha256, 32, hex);
		(void)snprintf(name, sizeof(name), "evidence/%s", hex);
		m = package_find(f->bundle, name);
		r = checks_add(c, CS_E_HOST_EVIDENCE,
		    m != NULL && m->size == f->req->evidence[i].size,
		    "in the bundle", "%s", f->req->evidence[i].name);
	}
	return r;
}

static int
decide(const struct reqfile *f, const struct policy *p, struct verdict *v,
    struct diag *d)
{
	_cleanup_free_ struct artifact *a = NULL;
	int64_t now = (int64_t)time(NULL);
	size_t n = 0;
	int r;

	r = read_artifacts(f->bundle, &a, &n, d);
	if (r != 0)
		return r;
	r = evaluate_requester(p, f->env, f->req, now, &v->checks, &v->who);
	if (r == 0)
		r = evaluate_request(p, f->req, v->who, now, &v->checks,
		    &v->rule);
	if (r == 0)
		r = evaluate_artifacts(p, f->req, v->rule, a, n, &v->checks);
	if (r == 0 && v->rule != NULL)
		r = evaluate_limits(p, f->req, v->rule, now, NULL, &v->checks);
	if (r == 0)
		r = check_evidence(f, &v->checks);
	return r == 0 ? 0 : diag_fail(d, r, NULL, "evaluating the request");
}

static void
show_needed(const struct verdict *v)
{
	const struct policy_rule *u = v->rule;
	size_t i;

	if (v->who != NULL)
		show_text("requester", v->who->id);
	if (u == NULL)
		return;
	show_text("rule", u->id);
	(void)printf("%-13s%" PRIu64 " from", "approvals", u->threshold);
	for (i = 0; i < u->roles.n; i++)
		(void)printf("%s %s", i > 0 ? " or" : "", u->roles.v[i]);
	(void)printf("%s%s\n",
	    u->distinct_organisations ? ", each of another organisation" : "",
	    u->requester_excluded ? ", not the requester" : "");
}

static json_t *
to_json(const struct reqfile *f, const struct policy *p,
    const struct verdict *v)
{
	_cleanup_json_ json_t *root = NULL;
	_cleanup_json_ json_t *roles = json_array();
	size_t i;

	root = json_pack("{s:s, s:o, s:o, s:o, s:b}", "request", f->req->id,
	    "digest", json_hex(f->req->digest, 32), "policy",
	    json_hex(p->digest, 32), "checks", json_checks(&v->checks),
	    "accepted", checks_failed(&v->checks) == 0);
	if (root == NULL)
		return NULL;
	if (v->who != NULL &&
	    json_object_set_new(root, "requester", json_string(v->who->id)) !=
		0)
		return NULL;
	if (v->rule == NULL)
		return take_ptr(root);
	for (i = 0; i < v->rule->roles.n; i++)
		if (json_array_append_new(roles,
			json_string(v->rule->roles.v[i])) != 0)
			return NULL;
	if (json_object_set_new(root, "rule", json_string(v->rule->id)) != 0 ||
	    json_object_set_new(root, "approvals",
		json_integer((json_int_t)v->rule->threshold)) != 0 ||
	    json_object_set(root, "approver_roles", roles) != 0)
		return NULL;
	return take_ptr(root);
}

static int
run(const struct cli *c, struct diag *d)
{
	_cleanup_reqfile_ struct reqfile f = { 0 };
	_cleanup_policy_ struct policy *p = NULL;
	struct verdict v = { 0 };
	bool genesis = false;
	size_t failed, n;
	int r;

	r = policy_file_load(cli_get(c, O_POLICY), &p, &genesis, d);
	if (r == 0)
		r = reqfile_open(c->args[0], &f, d);
	if (r == 0)
		r = decide(&f, p, &v, d);
	if (r == 0 && cli_has(c, O_JSON)) {
		r = cli_print_json(to_json(&f, p, &v), d);
	} else if (r == 0) {
		show_text("request", f.req->id);
		show_checks(&v.checks);
		show_needed(&v);
		if (!genesis)
			show_text("note",
			    "the signatures of a changed policy "
			    "are checked by the appliance");
	}
	failed = checks_failed(&v.checks);
	n = v.checks.n;
	checks_done(&v.checks);
	if (r != 0 || failed == 0)
		return r;
	return diag_fail(d, CS_E_HOST_REFUSED, "every check passes",
	    "%zu of %zu checks failed", failed, n);
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
