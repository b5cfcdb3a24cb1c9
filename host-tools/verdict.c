/* SPDX-License-Identifier: Apache-2.0 */
#include "host-tools/verdict.h"

#include <inttypes.h>
#include <string.h>

#include "host-tools/change_show.h"
#include "host-tools/show.h"
#include "lib/hex.h"

void
verdict_done(struct verdict *v)
{
	checks_done(&v->checks);
	policy_free(&v->next);
}

/* What intake would compute from the medium. */
static int
read_artifacts(const struct package *p, uint32_t which, struct artifact **ret,
    size_t *ret_n, struct diag *d)
{
	static const char folder[] = "artifacts/";
	_cleanup_free_ struct artifact *a = NULL;
	size_t i, n = 0, len = strlen(folder);
	unsigned h;
	int r;

	a = calloc(p->n + 1, sizeof(*a));
	if (a == NULL)
		return diag_nomem(d);
	for (i = 0; i < p->n; i++) {
		if (strncmp(p->v[i].name, folder, len) != 0)
			continue;
		r = package_digests(p, &p->v[i], which, a[n].digest, d);
		if (r != 0)
			return r;
		a[n].size = p->v[i].size;
		memcpy(a[n].sha256, a[n].digest[HASH_SHA256], 32);
		for (h = 0; h < HASH_COUNT; h++)
			a[n].has[h] = (which & HASH_BIT(h)) != 0;
		n++;
	}
	*ret = take_ptr(a);
	*ret_n = n;
	return 0;
}

static int
check_artifacts(const struct reqfile *f, const struct policy *p,
    struct verdict *v, struct diag *d)
{
	_cleanup_free_ struct artifact *a = NULL;
	size_t n = 0;
	int r;

	r = read_artifacts(f->bundle, statement_hashes(f->req->st), &a, &n, d);
	return r != 0 ?
	    r :
	    evaluate_artifacts(p, f->req, v->rule, a, n, &v->checks);
}

/* Whether all evidence came, whatever the rule demands of it. */
static int
check_carried(const struct reqfile *f, const struct evfiles *e,
    struct checks *c)
{
	const struct request_evidence *w;
	size_t i, k;
	int r = 0;

	for (i = 0; r == 0 && i < f->req->nevidence; i++) {
		w = &f->req->evidence[i];
		/* evfiles_read() goes by the digest in the member's name */
		for (k = 0; k < e->n; k++)
			if (e->v[k].name == w->name && e->v[k].len == w->size)
				break;
		r = checks_add(c, CS_E_HOST_EVIDENCE, k < e->n, "in the bundle",
		    "%s", w->name);
	}
	return r;
}

static int
decide_signing(const struct reqfile *f, const struct evfiles *e,
    const struct policy *p, int64_t now, struct verdict *v, struct diag *d)
{
	int r;

	r = evaluate_request(p, f->req, v->who, now, &v->checks, &v->rule);
	if (r == 0 && f->bundle != NULL)
		r = check_artifacts(f, p, v, d);
	if (r == 0 && v->rule != NULL)
		r = evaluate_limits(p, f->req, v->rule, now, NULL, &v->checks);
	if (r == 0 && v->rule != NULL)
		r = evaluate_evidence(p, f->req, v->rule, e->v, e->n, now,
		    &v->checks);
	if (r == 0 && f->bundle != NULL)
		r = check_carried(f, e, &v->checks);
	return r;
}

/* A change has no artifacts, and says so. */
static int
decide_change(const struct reqfile *f, const struct evfiles *e,
    const struct policy *p, int64_t now, struct verdict *v)
{
	static const char folder[] = "artifacts/";
	size_t i, n = 0;
	int r;

	v->rule = &p->admin;
	r = evaluate_change(p, f->req, now, e->v, e->n, &v->checks, &v->next);
	if (r != 0 || f->bundle == NULL)
		return r;
	for (i = 0; i < f->bundle->n; i++)
		n += strncmp(f->bundle->v[i].name, folder, strlen(folder)) == 0;
	return checks_add(&v->checks, CS_E_ARTIFACT_EXTRA, n == 0,
	    "no artifact with a change", "%zu", n);
}

int
verdict_decide(const struct reqfile *f, const struct evfiles *e,
    const struct policy *p, int64_t now, struct verdict *v, struct diag *d)
{
	int r;

	/* this clock stands for the one that clock.set would make right */
	r = evaluate_requester(p, f->env, f->req, now, &v->checks, &v->who);
	if (r == 0)
		r = f->req->action == REQUEST_SIGN ?
		    decide_signing(f, e, p, now, v, d) :
		    decide_change(f, e, p, now, v);
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

void
verdict_show(const struct reqfile *f, const struct verdict *v)
{
	show_text("request", f->req->id);
	show_checks(&v->checks);
	show_needed(v);
}

json_t *
verdict_json(const struct reqfile *f, const struct policy *p,
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
	if (v->next != NULL &&
	    json_object_set_new(root, "changes",
		change_diff_json(p, v->next)) != 0)
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

int
verdict_result(const struct verdict *v, struct diag *d)
{
	size_t failed = checks_failed(&v->checks);

	if (failed == 0)
		return 0;
	return diag_fail(d, CS_E_HOST_REFUSED, "every check passes",
	    "%zu of %zu checks failed", failed, v->checks.n);
}
