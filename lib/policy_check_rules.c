/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "lib/policy_impl.h"

/*
 * Rules and what stands beside them, against the whole policy: names that are
 * defined, thresholds that can be met, rules that do not overlap.
 */
struct crowd {
	size_t people, orgs;
	const char *org[POLICY_THRESHOLD_MAX]; /* the first ones */
};

static void
crowd_add(struct crowd *c, const struct policy_principal *w)
{
	const struct policy_str_list seen = { c->org, c->orgs };

	c->people++;
	if (c->orgs < POLICY_THRESHOLD_MAX &&
	    !policy_list_has(&seen, w->organisation))
		c->org[c->orgs++] = w->organisation;
}

/* The roles before this one of the list. */
static bool
counted_before(const struct policy_principal *w,
    const struct policy_str_list *roles, size_t upto)
{
	const struct policy_str_list before = { roles->v, upto };

	return policy_lists_meet(&w->roles, &before);
}

/*
 * People who hold one of the roles, and their organisations, each once; no
 * more than is needed to see that there are enough.
 */
static void
count_people(const struct policy *p, const struct policy_rule *u,
    struct crowd *c)
{
	const struct policy_str_list *roles = &u->roles;
	size_t i, j, n;

	for (i = 0; i < roles->n; i++) {
		const struct policy_named *v = NULL;

		n = policy_index_holders(p, roles->v[i], &v);
		for (j = 0; j < n; j++) {
			const struct policy_principal *w = v[j].entry;

			if (strcmp(w->kind, "person") != 0 ||
			    counted_before(w, roles, i))
				continue;
			crowd_add(c, w);
			if (c->people >= u->threshold &&
			    (c->orgs >= u->threshold ||
				!u->distinct_organisations))
				return;
		}
	}
}

static int
check_threshold(const struct policy *p, const struct policy_rule *u,
    struct diag *d)
{
	struct crowd c = { 0 };

	if (u->threshold == 0 || u->threshold > POLICY_THRESHOLD_MAX)
		return diag_fail(d, CS_E_POLICY_THRESHOLD, "1 to 12",
		    "%llu at %s", (unsigned long long)u->threshold, u->id);
	count_people(p, u, &c);
	if (u->threshold > c.people)
		return diag_fail(d, CS_E_POLICY_THRESHOLD,
		    "at most the people with a listed role",
		    "%llu of %zu people at %s",
		    (unsigned long long)u->threshold, c.people, u->id);
	if (u->distinct_organisations && u->threshold > c.orgs)
		return diag_fail(d, CS_E_POLICY_THRESHOLD,
		    "at most the organisations of these people",
		    "%llu of %zu organisations at %s",
		    (unsigned long long)u->threshold, c.orgs, u->id);
	return 0;
}

static int
check_rule_keys(const struct policy *p, const struct policy_rule *u,
    struct diag *d)
{
	struct policy_str_list served = { 0 };
	size_t i, j;

	for (i = 0; i < u->keys.n; i++) {
		const struct policy_key *k = policy_key_by_id(p, u->keys.v[i]);

		if (k == NULL)
			return policy_undefined(d, "the key", u->keys.v[i],
			    u->id);
		if (!policy_list_has(&k->products, u->product))
			return diag_fail(d, CS_E_POLICY_UNDEFINED,
			    "a key that lists the rule's product",
			    "the key %s in the rule %s", k->id, u->id);
		if (!policy_list_has(&u->formats, k->formats.v[0]))
			return diag_fail(d, CS_E_POLICY_FORMAT,
			    "the formats of the rule's keys",
			    "the rule %s without %.20s", u->id,
			    k->formats.v[0]);
	}
	for (i = 0; i < u->formats.n; i++) {
		for (j = 0; j < u->keys.n; j++) {
			served = policy_key_by_id(p, u->keys.v[j])->formats;
			if (policy_list_has(&served, u->formats.v[i]))
				break;
		}
		if (j == u->keys.n)
			return diag_fail(d, CS_E_POLICY_FORMAT,
			    "the formats of the rule's keys",
			    "%.40s in the rule %s", u->formats.v[i], u->id);
	}
	return 0;
}

static int
check_requesters(const struct policy *p, const struct policy_rule *u,
    struct diag *d)
{
	size_t i;

	for (i = 0; i < u->requesters.n; i++) {
		const char *id = u->requesters.v[i];
		const struct policy_principal *w;

		w = policy_principal_by_id(p, id);
		if (w == NULL)
			return policy_undefined(d, "the requester", id, u->id);
		if (!policy_list_has(&w->roles, "requester"))
			return diag_fail(d, CS_E_POLICY_KIND,
			    "the role requester",
			    "the principal %s without it in the rule %s", id,
			    u->id);
	}
	return 0;
}

static int
check_evidence(const struct policy *p, const struct policy_rule *u,
    struct diag *d)
{
	const struct policy_named *v;
	size_t i, j, n;
	int r;

	for (i = 0; i < u->nevidence; i++) {
		const struct policy_str_list *l = &u->evidence[i].signers;

		r = policy_check_roles(p, l, u->id, d);
		if (r != 0)
			return r;
		for (j = 0, n = 0; j < l->n; j++)
			n += policy_index_holders(p, l->v[j], &v);
		if (n == 0)
			return diag_fail(d, CS_E_POLICY_EVIDENCE,
			    "somebody who may sign the evidence",
			    "nobody has the role %s in the rule %s", l->v[0],
			    u->id);
	}
	return 0;
}

static int
check_rule(const struct policy *p, const struct policy_rule *u, struct diag *d)
{
	int r;

	if (policy_rule_by_id(p, u->id) != u)
		return diag_fail(d, CS_E_POLICY_NAME,
		    "another name than a rule that coldseal itself has",
		    "the rule %s", u->id);
	if (!u->requester_excluded)
		return diag_fail(d, CS_E_POLICY_SEPARATION,
		    "requester_excluded true (separation of duties)",
		    "false at the rule %s", u->id);
	r = check_requesters(p, u, d);
	if (r == 0)
		r = check_rule_keys(p, u, d);
	if (r == 0)
		r = policy_check_roles(p, &u->roles, u->id, d);
	if (r == 0)
		r = check_evidence(p, u, d);
	return r != 0 ? r : check_threshold(p, u, d);
}

static int
by_product(const void *a, const void *b)
{
	const struct policy_rule *const *x = a, *const *y = b;

	return strcmp((*x)->product, (*y)->product);
}

static const struct policy_rule **
sorted_by_product(const struct policy *p)
{
	const struct policy_rule **v;
	size_t i;

	v = calloc(p->nrules, sizeof(struct policy_rule *));
	if (v == NULL)
		return NULL;
	for (i = 0; i < p->nrules; i++)
		v[i] = &p->rules[i];
	qsort(v, p->nrules, sizeof(struct policy_rule *), by_product);
	return v;
}

static bool
rules_overlap(const struct policy_rule *a, const struct policy_rule *b)
{
	return policy_lists_meet(&a->keys, &b->keys) &&
	    policy_lists_meet(&a->requesters, &b->requesters) &&
	    policy_lists_meet(&a->formats, &b->formats);
}

/* v is sorted by product: only its neighbours can meet the same request. */
static int
check_overlap(const struct policy_rule *const *v, size_t n, struct diag *d)
{
	size_t i, j;

	for (i = 1; i < n; i++)
		for (j = i; j > 0 && by_product(&v[j - 1], &v[i]) == 0; j--)
			if (rules_overlap(v[i], v[j - 1]))
				return diag_fail(d, CS_E_POLICY_OVERLAP, NULL,
				    "the rules %s and %s", v[j - 1]->id,
				    v[i]->id);
	return 0;
}

static bool
is_product(const struct policy_rule *const *v, size_t n, const char *name)
{
	const struct policy_rule want = { .product = name }, *w = &want;

	return bsearch(&w, v, n, sizeof(struct policy_rule *), by_product) !=
	    NULL;
}

static int
check_waivers(const struct policy *p, const struct policy_rule *const *v,
    struct diag *d)
{
	const struct policy_waiver *w = p->waivers;
	size_t i, j;

	for (i = 0; i < p->nwaivers; i++) {
		for (j = 0; j < w[i].products.n; j++)
			if (!is_product(v, p->nrules, w[i].products.v[j]))
				return policy_undefined(d, "the product",
				    w[i].products.v[j], w[i].vulnerability);
		for (j = 0; j < i; j++)
			if (strcmp(w[i].vulnerability, w[j].vulnerability) ==
				0 &&
			    policy_lists_meet(&w[i].products, &w[j].products))
				return diag_fail(d, CS_E_POLICY_TWICE, NULL,
				    "a waiver of %.60s for the same product "
				    "twice",
				    w[i].vulnerability);
	}
	return 0;
}

static void
mark_roles(const struct policy *p, const struct policy_str_list *roles,
    bool mark[POLICY_LIST_MAX])
{
	size_t i;

	for (i = 0; i < roles->n; i++)
		mark[policy_index_role(p, roles->v[i])] = true;
}

/* Roles are defined, as was checked before. */
static int
check_systems(const struct policy *p, struct diag *d)
{
	bool decides[POLICY_LIST_MAX] = { false };
	size_t i, j;

	mark_roles(p, &p->admin.roles, decides);
	mark_roles(p, &p->break_glass.roles, decides);
	for (i = 0; i < p->nrules; i++)
		mark_roles(p, &p->rules[i].roles, decides);
	for (i = 0; i < p->nprincipals; i++) {
		const struct policy_principal *w = &p->principals[i];

		if (strcmp(w->kind, "person") == 0)
			continue;
		for (j = 0; j < w->roles.n; j++)
			if (decides[policy_index_role(p, w->roles.v[j])])
				return diag_fail(d, CS_E_POLICY_KIND,
				    "only people approve or administer",
				    "the system %s has such a role", w->id);
	}
	return 0;
}

/* One of the two quorums that stand beside the rules. */
static int
check_quorum(const struct policy *p, const struct policy_rule *u,
    struct diag *d)
{
	int r = policy_check_roles(p, &u->roles, u->id, d);

	return r != 0 ? r : check_threshold(p, u, d);
}

static int
check_break_glass(const struct policy *p, struct diag *d)
{
	uint64_t most = 1;
	size_t i;

	if (!p->has_break_glass)
		return 0;
	for (i = 0; i < p->nrules; i++)
		if (p->rules[i].threshold > most)
			most = p->rules[i].threshold;
	if (p->break_glass.threshold <= most)
		return diag_fail(d, CS_E_POLICY_QUORUM,
		    "a threshold of 2 or more, above that of every rule",
		    "%llu, a rule needs %llu",
		    (unsigned long long)p->break_glass.threshold,
		    (unsigned long long)most);
	return check_quorum(p, &p->break_glass, d);
}

int
policy_check_rules(const struct policy *p, struct diag *d)
{
	_cleanup_free_ const struct policy_rule **v = sorted_by_product(p);
	size_t i;
	int r;

	if (v == NULL)
		return diag_nomem(d);
	r = check_overlap(v, p->nrules, d);
	for (i = 0; r == 0 && i < p->nrules; i++)
		r = check_rule(p, &p->rules[i], d);
	if (r == 0)
		r = check_waivers(p, v, d);
	if (r == 0)
		r = check_quorum(p, &p->admin, d);
	if (r == 0)
		r = check_break_glass(p, d);
	return r != 0 ? r : check_systems(p, d);
}
