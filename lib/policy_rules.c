/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>
#include <string.h>

#include "lib/policy_impl.h"

/* Reads rules and what stands beside them: waivers and the two quorums. */
#define PATH_LEN POLICY_PATH_LEN

int
policy_parse_cap(bool present, uint64_t cap, const char *path, struct diag *d)
{
	if (present && cap == 0)
		return diag_fail(d, CS_E_POLICY_CAP, "1 or more",
		    "0 at %s/max_signatures", path);
	return 0;
}

static int
parse_window(json_t *j, const char *path, void *out, struct diag *d)
{
	struct policy_window *w = out;
	bool capped = false;
	const struct json_field f[] = {
		{ "from", JK_TIME, true, &w->from, NULL },
		{ "max_signatures", JK_U64, false, &w->max_signatures,
		    &capped },
		{ "until", JK_TIME, true, &w->until, NULL },
	};
	int r = json_fields(j, path, f, ARRAY_LEN(f), d);

	if (r != 0)
		return r;
	if (w->from >= w->until)
		return diag_fail(d, CS_E_POLICY_WINDOW, "from before until",
		    "a window that ends before it begins at %s", path);
	return policy_parse_cap(capped, w->max_signatures, path, d);
}

static int
parse_windows(const json_t *list, const char *path, struct policy_rule *u,
    struct diag *d)
{
	static const struct policy_entry window = { parse_window,
		sizeof(*u->windows), POLICY_LIST_MAX };
	size_t i;
	int r;

	r = policy_parse_entries(list, path, "windows", &window, &u->windows,
	    &u->nwindows, d);
	for (i = 1; r == 0 && i < u->nwindows; i++)
		if (u->windows[i].from <= u->windows[i - 1].until)
			r = diag_fail(d, CS_E_POLICY_WINDOW,
			    "windows that follow each other",
			    "one that begins before the end of the one before "
			    "it at %s/windows/%zu",
			    path, i);
	return r;
}

static int
parse_evidence_list(const json_t *list, const char *path, struct policy_rule *u,
    struct diag *d)
{
	static const struct policy_entry evidence = { policy_parse_evidence,
		sizeof(*u->evidence), POLICY_LIST_MAX };
	unsigned seen = 0;
	size_t i;
	int r;

	r = policy_parse_entries(list, path, "evidence", &evidence,
	    &u->evidence, &u->nevidence, d);
	for (i = 0; r == 0 && i < u->nevidence; i++) {
		if ((seen & 1u << u->evidence[i].type) != 0)
			r = diag_fail(d, CS_E_POLICY_TWICE, NULL,
			    "the type of %s/evidence/%zu twice", path, i);
		seen |= 1u << u->evidence[i].type;
	}
	return r;
}

static int
parse_artifact(const char *mode, const char *path, struct policy_rule *u,
    struct diag *d)
{
	if (mode == NULL || strcmp(mode, "present") == 0)
		return 0;
	if (strcmp(mode, "digest-only") != 0)
		return diag_fail(d, CS_E_POLICY_ARTIFACT,
		    "present or digest-only", "%.60s at %s", mode, path);
	if (u->formats.n != 1 || strcmp(u->formats.v[0], "raw") != 0)
		return diag_fail(d, CS_E_POLICY_ARTIFACT,
		    "digest-only with the format raw alone",
		    "another format at %s", path);
	u->digest_only = true;
	return 0;
}

static int
parse_approvals(json_t *j, const char *parent, struct policy_rule *u,
    struct diag *d)
{
	json_t *roles = NULL;
	const struct json_field f[] = {
		{ "ahead", JK_BOOL, false, &u->ahead, NULL },
		{ "distinct_organisations", JK_BOOL, true,
		    &u->distinct_organisations, NULL },
		{ "requester_excluded", JK_BOOL, true, &u->requester_excluded,
		    NULL },
		{ "roles", JK_ARR, true, &roles, NULL },
		{ "threshold", JK_U64, true, &u->threshold, NULL },
	};
	char path[PATH_LEN];
	int r;

	(void)snprintf(path, sizeof(path), "%.60s/approvals", parent);
	r = json_fields(j, path, f, ARRAY_LEN(f), d);
	return r != 0 ? r :
			policy_parse_list(roles, path, "roles", &u->roles, d);
}

/* The parts of one rule that are read after its fields. */
struct rule_parts {
	json_t *approvals, *formats, *keys, *requesters;
	json_t *versions, *pipelines, *branches, *commits; /* NULL: absent */
	json_t *evidence, *windows;
	const char *artifact;
};

static int
parse_parts(const struct rule_parts *x, const char *path, struct policy_rule *u,
    struct diag *d)
{
	const struct {
		const json_t *list;
		const char *name;
		struct policy_str_list *to;
	} globs[] = {
		{ x->versions, "versions", &u->versions },
		{ x->pipelines, "pipelines", &u->pipelines },
		{ x->branches, "branches", &u->branches },
		{ x->commits, "commits", &u->commits },
	};
	size_t i;
	int r;

	r = policy_parse_list(x->requesters, path, "requesters", &u->requesters,
	    d);
	if (r == 0)
		r = policy_parse_list(x->keys, path, "keys", &u->keys, d);
	if (r == 0)
		r = policy_parse_list(x->formats, path, "formats", &u->formats,
		    d);
	for (i = 0; r == 0 && i < ARRAY_LEN(globs); i++)
		if (globs[i].list != NULL)
			r = policy_parse_globs(globs[i].list, path,
			    globs[i].name, globs[i].to, d);
	if (r == 0 && x->evidence != NULL)
		r = parse_evidence_list(x->evidence, path, u, d);
	if (r == 0 && x->windows != NULL)
		r = parse_windows(x->windows, path, u, d);
	if (r == 0)
		r = parse_artifact(x->artifact, path, u, d);
	return r != 0 ? r : parse_approvals(x->approvals, path, u, d);
}

static int
parse_rule(json_t *j, const char *path, void *out, struct diag *d)
{
	struct policy_rule *u = out;
	struct rule_parts x = { 0 };
	const struct json_field f[] = {
		{ "approvals", JK_OBJ, true, &x.approvals, NULL },
		{ "artifact", JK_LABEL, false, &x.artifact, NULL },
		{ "branches", JK_ARR, false, &x.branches, NULL },
		{ "commits", JK_ARR, false, &x.commits, NULL },
		{ "evidence", JK_ARR, false, &x.evidence, NULL },
		{ "formats", JK_ARR, true, &x.formats, NULL },
		{ "id", JK_LABEL, true, &u->id, NULL },
		{ "keys", JK_ARR, true, &x.keys, NULL },
		{ "pipelines", JK_ARR, false, &x.pipelines, NULL },
		{ "product", JK_LABEL, true, &u->product, NULL },
		{ "requesters", JK_ARR, true, &x.requesters, NULL },
		{ "versions", JK_ARR, false, &x.versions, NULL },
		{ "windows", JK_ARR, false, &x.windows, NULL },
	};
	int r;

	r = json_fields(j, path, f, ARRAY_LEN(f), d);
	if (r == 0)
		r = policy_parse_name(u->id, path, d);
	return r != 0 ? r : parse_parts(&x, path, u, d);
}

static int
parse_waiver(json_t *j, const char *path, void *out, struct diag *d)
{
	struct policy_waiver *w = out;
	json_t *products = NULL;
	const struct json_field f[] = {
		{ "products", JK_ARR, true, &products, NULL },
		{ "reason", JK_LABEL, true, &w->reason, NULL },
		{ "until", JK_TIME, true, &w->until, NULL },
		{ "vulnerability", JK_LABEL, true, &w->vulnerability, NULL },
	};
	int r = json_fields(j, path, f, ARRAY_LEN(f), d);

	return r != 0 ?
	    r :
	    policy_parse_list(products, path, "products", &w->products, d);
}

/* One of the two quorums that have no product, requester or key. */
static void
quorum_init(struct policy_rule *u, const char *id)
{
	u->id = id;
	u->product = id;
	u->requester_excluded = true;
}

static int
parse_administration(json_t *j, struct policy_rule *u, struct diag *d)
{
	json_t *roles = NULL;
	const struct json_field f[] = {
		{ "roles", JK_ARR, true, &roles, NULL },
		{ "threshold", JK_U64, true, &u->threshold, NULL },
	};
	int r = json_fields(j, "/administration", f, ARRAY_LEN(f), d);

	quorum_init(u, POLICY_RULE_ADMIN);
	return r != 0 ?
	    r :
	    policy_parse_list(roles, "/administration", "roles", &u->roles, d);
}

static int
parse_break_glass(json_t *j, struct policy_rule *u, struct diag *d)
{
	json_t *roles = NULL;
	const struct json_field f[] = {
		{ "distinct_organisations", JK_BOOL, true,
		    &u->distinct_organisations, NULL },
		{ "roles", JK_ARR, true, &roles, NULL },
		{ "threshold", JK_U64, true, &u->threshold, NULL },
	};
	int r = json_fields(j, "/break_glass", f, ARRAY_LEN(f), d);

	quorum_init(u, POLICY_RULE_BREAK_GLASS);
	return r != 0 ?
	    r :
	    policy_parse_list(roles, "/break_glass", "roles", &u->roles, d);
}

int
policy_parse_rules(const struct policy_lists *l, struct policy *p,
    struct diag *d)
{
	static const struct policy_entry rule = { parse_rule, sizeof(*p->rules),
		POLICY_ENTRIES_MAX },
					 waiver = { parse_waiver,
						 sizeof(*p->waivers),
						 POLICY_LIST_MAX };
	int r;

	r = policy_parse_entries(l->rules, "", "rules", &rule, &p->rules,
	    &p->nrules, d);
	if (r == 0 && l->waivers != NULL)
		r = policy_parse_entries(l->waivers, "", "waivers", &waiver,
		    &p->waivers, &p->nwaivers, d);
	if (r == 0)
		r = parse_administration(l->administration, &p->admin, d);
	if (r == 0 && l->break_glass != NULL)
		r = parse_break_glass(l->break_glass, &p->break_glass, d);
	return r;
}
