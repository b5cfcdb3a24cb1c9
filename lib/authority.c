/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "lib/authority_impl.h"

void
authority_free(struct authority **pa)
{
	struct authority *a = *pa;
	size_t i;

	if (a == NULL)
		return;
	for (i = 0; i < a->ngroups; i++) {
		free(a->groups[i].people);
		free(a->groups[i].requesters);
	}
	free(a->groups);
	free(a->rows);
	free(a);
	*pa = NULL;
}

static int
by_id(const void *va, const void *vb)
{
	const struct policy_principal *const *a = va, *const *b = vb;

	return strcmp((*a)->id, (*b)->id);
}

static void
sort_people(const struct policy_principal **v, size_t n)
{
	if (n > 1)
		qsort(v, n, sizeof(struct policy_principal *), by_id);
}

static bool
is_valid(const struct policy_principal *w, int64_t at)
{
	return authority_valid(w->valid_from, w->valid_until, at);
}

static int
add_people(const struct policy *p, struct authority_group *g, int64_t at)
{
	size_t i, n = 0;

	for (i = 0; i < p->nprincipals; i++)
		n += policy_may_approve(&p->principals[i], g->rule) &&
		    is_valid(&p->principals[i], at);
	g->people = calloc(n + 1, sizeof(struct policy_principal *));
	if (g->people == NULL)
		return CS_E_NOMEM;
	for (i = 0; i < p->nprincipals; i++)
		if (policy_may_approve(&p->principals[i], g->rule) &&
		    is_valid(&p->principals[i], at))
			g->people[g->npeople++] = &p->principals[i];
	sort_people(g->people, g->npeople);
	return 0;
}

static int
add_requesters(const struct policy *p, struct authority_group *g, int64_t at)
{
	const struct policy_str_list *l = &g->rule->requesters;
	const struct policy_principal *w;
	size_t i;

	g->requesters = calloc(l->n + 1, sizeof(struct policy_principal *));
	if (g->requesters == NULL)
		return CS_E_NOMEM;
	for (i = 0; i < l->n; i++) {
		w = policy_principal_by_id(p, l->v[i]);
		if (w != NULL && is_valid(w, at))
			g->requesters[g->nrequesters++] = w;
	}
	sort_people(g->requesters, g->nrequesters);
	/* the two rules beside the others name nobody */
	if (l->n > 0 && g->nrequesters == 0)
		g->why |= AUTHORITY_REQUESTER;
	return 0;
}

static void
ends(int64_t *until, enum authority_end *end, int64_t t, enum authority_end e)
{
	if (t >= *until)
		return;
	*until = t;
	*end = e;
}

static int
later_first(const void *va, const void *vb)
{
	const int64_t *a = va, *b = vb;

	return *a > *b ? -1 : *a < *b;
}

/* The last valid second of each person or, if these count, organisation. */
static size_t
last_seconds(const struct authority_group *g, bool by_organisation,
    int64_t *last)
{
	const struct policy_principal *w;
	size_t i, k, n = 0;

	for (i = 0; i < g->npeople; i++) {
		w = g->people[i];
		for (k = 0; by_organisation && k < i; k++)
			if (strcmp(g->people[k]->organisation,
				w->organisation) == 0)
				break;
		if (by_organisation && k < i)
			continue;
		last[n] = w->valid_until;
		for (k = i + 1; by_organisation && k < g->npeople; k++)
			if (strcmp(g->people[k]->organisation,
				w->organisation) == 0 &&
			    g->people[k]->valid_until > last[n])
				last[n] = g->people[k]->valid_until;
		n++;
	}
	if (n > 1)
		qsort(last, n, sizeof(*last), later_first);
	return n;
}

/* Enough people now, and for how long. */
static int
check_people(struct authority_group *g)
{
	_cleanup_free_ int64_t *last = NULL;
	uint64_t k = g->rule->threshold;
	size_t n;

	last = calloc(g->npeople + 1, sizeof(*last));
	if (last == NULL)
		return CS_E_NOMEM;
	g->norganisations = last_seconds(g, true, last);
	n = last_seconds(g, g->rule->distinct_organisations, last);
	if (k > g->npeople)
		g->why |= AUTHORITY_PEOPLE;
	else if (k > n)
		g->why |= AUTHORITY_ORGANISATIONS;
	else if (k > 0)
		ends(&g->until, &g->end, last[k - 1], AUTHORITY_END_PEOPLE);
	return 0;
}

static void
check_requesters(struct authority_group *g)
{
	int64_t last = INT64_MIN;
	size_t i;

	for (i = 0; i < g->nrequesters; i++)
		if (g->requesters[i]->valid_until > last)
			last = g->requesters[i]->valid_until;
	if (g->nrequesters > 0)
		ends(&g->until, &g->end, last, AUTHORITY_END_REQUESTER);
}

static void
check_windows(struct authority_group *g, int64_t at)
{
	const struct policy_rule *u = g->rule;
	int64_t next = INT64_MAX, past = INT64_MIN, open = INT64_MIN;
	size_t i;

	for (i = 0; i < u->nwindows; i++) {
		const struct policy_window *v = &u->windows[i];

		if (authority_valid(v->from, v->until, at) && v->until > open)
			open = v->until;
		if (v->from > at && v->from < next)
			next = v->from;
		if (v->until < at && v->until > past)
			past = v->until;
	}
	if (u->nwindows == 0)
		return;
	if (open != INT64_MIN) {
		ends(&g->until, &g->end, open, AUTHORITY_END_WINDOW);
		return;
	}
	g->why |=
	    next != INT64_MAX ? AUTHORITY_WINDOW_LATER : AUTHORITY_WINDOW_PAST;
	g->opens = next != INT64_MAX ? next : past;
}

/* An overdue review stops signing, but not the change that repairs it. */
static void
check_review(const struct policy *p, struct authority_group *g, int64_t at)
{
	int64_t stops = p->review_by + (int64_t)p->review_warning;

	if (p->review_by == 0 || g->rule == &p->admin)
		return;
	if (at > stops)
		g->why |= AUTHORITY_REVIEW;
	else
		ends(&g->until, &g->end, stops, AUTHORITY_END_REVIEW);
}

static int
make_group(const struct policy *p, const struct policy_rule *u,
    const struct authority_opts *o, struct authority_group *g)
{
	int r;

	g->rule = u;
	g->until = INT64_MAX;
	r = add_people(p, g, o->at);
	if (r == 0)
		r = add_requesters(p, g, o->at);
	if (r == 0)
		r = check_people(g);
	if (r != 0)
		return r;
	check_requesters(g);
	check_windows(g, o->at);
	check_review(p, g, o->at);
	g->granted = o->granted != NULL && o->granted(o->arg, u->id, &g->leaf);
	return authority_count(g, &g->sets);
}

static int
make_groups(const struct policy *p, const struct authority_opts *o,
    struct authority *a)
{
	size_t i;
	int r = 0;

	a->groups = calloc(p->nrules + 2, sizeof(*a->groups));
	if (a->groups == NULL)
		return CS_E_NOMEM;
	for (i = 0; r == 0 && i < p->nrules; i++)
		r = make_group(p, &p->rules[i], o, &a->groups[a->ngroups++]);
	if (r == 0)
		r = make_group(p, &p->admin, o, &a->groups[a->ngroups++]);
	if (r == 0 && p->has_break_glass)
		r = make_group(p, &p->break_glass, o, &a->groups[a->ngroups++]);
	return r;
}

int
authority_of(const struct policy *p, const struct authority_opts *o,
    struct authority **ret, struct diag *d)
{
	_cleanup_authority_ struct authority *a = calloc(1, sizeof(*a));
	int r;

	if (a == NULL)
		return diag_nomem(d);
	if (o->person != NULL && policy_principal_by_id(p, o->person) == NULL)
		return diag_fail(d, CS_E_AUTHORITY_NAME,
		    "a person or system of the policy", "%.60s", o->person);
	if (o->key != NULL && policy_key_by_id(p, o->key) == NULL)
		return diag_fail(d, CS_E_AUTHORITY_NAME, "a key of the policy",
		    "%.60s", o->key);
	a->p = p;
	a->at = o->at;
	r = make_groups(p, o, a);
	if (r == 0)
		r = authority_rows(a, o);
	if (r != 0)
		return diag_fail(d, r, NULL, "who can sign");
	a->sets_max = AUTHORITY_SETS_MAX;
	if (a->nrows > AUTHORITY_SETS_ALL / AUTHORITY_SETS_MAX)
		a->sets_max = AUTHORITY_SETS_ALL / a->nrows;
	*ret = take_ptr(a);
	return 0;
}
