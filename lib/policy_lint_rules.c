/* SPDX-License-Identifier: Apache-2.0 */
#include <inttypes.h>
#include <string.h>

#include "lib/policy_lint_impl.h"

/* Rules, and the two that stand beside them. */
struct who {
	const struct policy_principal **v;
	size_t n;
};

static void
who_done(struct who *w)
{
	free(w->v);
}

static bool
valid(const struct policy_principal *w, int64_t t)
{
	return authority_valid(w->valid_from, w->valid_until, t);
}

/* Are there enough approvers at that time, without one of them? */
static bool
enough(const struct who *w, const struct policy_rule *u, int64_t t,
    const struct policy_principal *except)
{
	uint64_t n = 0;
	size_t i, k;

	for (i = 0; i < w->n && n < u->threshold; i++) {
		if (w->v[i] == except || !valid(w->v[i], t))
			continue;
		for (k = 0; u->distinct_organisations && k < i; k++)
			if (w->v[k] != except && valid(w->v[k], t) &&
			    strcmp(w->v[k]->organisation,
				w->v[i]->organisation) == 0)
				break;
		n += !u->distinct_organisations || k == i;
	}
	return n >= u->threshold;
}

/* --- a rule that cannot be satisfied, now or later ------------------------- */
struct ever {
	const struct policy *p;
	const struct policy_rule *u;
	struct who people, requesters;
};

static void
ever_done(struct ever *e)
{
	who_done(&e->people);
	who_done(&e->requesters);
}

static int
ever_make(struct ever *e, int64_t at)
{
	const struct policy_principal *w;
	size_t i;

	e->people.v = calloc(e->p->nprincipals + 1, sizeof(*e->people.v));
	e->requesters.v =
	    calloc(e->u->requesters.n + 1, sizeof(*e->requesters.v));
	if (e->people.v == NULL || e->requesters.v == NULL)
		return CS_E_NOMEM;
	for (i = 0; i < e->p->nprincipals; i++) {
		w = &e->p->principals[i];
		if (policy_may_approve(w, e->u) && w->valid_until >= at)
			e->people.v[e->people.n++] = w;
	}
	for (i = 0; i < e->u->requesters.n; i++) {
		w = policy_principal_by_id(e->p, e->u->requesters.v[i]);
		if (w != NULL && w->valid_until >= at)
			e->requesters.v[e->requesters.n++] = w;
	}
	return 0;
}

static bool
key_at(const struct ever *e, int64_t t)
{
	const struct policy_key *k;
	size_t i;

	for (i = 0; i < e->u->keys.n; i++) {
		k = policy_key_by_id(e->p, e->u->keys.v[i]);
		if (k != NULL && strcmp(k->state, "active") == 0 &&
		    authority_valid(k->valid_from, k->valid_until, t))
			return true;
	}
	return false;
}

static bool
window_at(const struct policy_rule *u, int64_t t)
{
	size_t i;

	for (i = 0; i < u->nwindows; i++)
		if (authority_valid(u->windows[i].from, u->windows[i].until, t))
			return true;
	return u->nwindows == 0;
}

static bool
possible_at(const struct ever *e, int64_t t)
{
	size_t i;

	if (!window_at(e->u, t) || !key_at(e, t))
		return false;
	for (i = 0; i < e->requesters.n; i++)
		if (valid(e->requesters.v[i], t))
			break;
	return i < e->requesters.n && enough(&e->people, e->u, t, NULL);
}

static bool
possible_from(const struct ever *e, const struct who *w, int64_t at)
{
	size_t i;

	for (i = 0; i < w->n; i++)
		if (w->v[i]->valid_from > at &&
		    (i == 0 ||
			w->v[i]->valid_from != w->v[i - 1]->valid_from) &&
		    possible_at(e, w->v[i]->valid_from))
			return true;
	return false;
}

/* What can be satisfied at all can be when the last part of it begins. */
static bool
possible_later(const struct ever *e, int64_t at)
{
	const struct policy_key *k;
	size_t i;

	for (i = 0; i < e->u->nwindows; i++)
		if (e->u->windows[i].from > at &&
		    possible_at(e, e->u->windows[i].from))
			return true;
	for (i = 0; i < e->u->keys.n; i++) {
		k = policy_key_by_id(e->p, e->u->keys.v[i]);
		if (k != NULL && k->valid_from > at &&
		    possible_at(e, k->valid_from))
			return true;
	}
	return possible_from(e, &e->people, at) ||
	    possible_from(e, &e->requesters, at);
}

void
lint_rules_never(struct lint_ctx *x)
{
	size_t i;

	for (i = 0; x->r == 0 && i < x->p->nrules; i++) {
		_cleanup_(ever_done) struct ever e = { .p = x->p,
			.u = &x->p->rules[i] };
		_cleanup_words_ struct words w = WORDS_INIT;

		x->r = ever_make(&e, x->at);
		if (x->r != 0 || possible_at(&e, x->at) ||
		    possible_later(&e, x->at))
			continue;
		words_rule(&w, e.u);
		words_putf(&w, ": from ");
		words_time(&w, x->at);
		words_putf(&w,
		    " on there is no time when enough people, a requester, "
		    "an active key and a window are valid together");
		lint_add(x, CS_E_LINT_NEVER, &w);
	}
}

/* --- who approves ----------------------------------------------------------- */
static void
look_at_signers(struct lint_ctx *x, const struct policy_rule *u,
    const struct policy_evidence *e)
{
	_cleanup_words_ struct words w = WORDS_INIT;
	size_t i;

	for (i = 0; i < x->p->nprincipals; i++)
		if (policy_lists_meet(&x->p->principals[i].roles,
			&e->signers) &&
		    valid(&x->p->principals[i], x->at))
			return;
	words_rule(&w, u);
	words_putf(&w, ": ");
	words_evidence(&w, e);
	lint_add(x, CS_E_LINT_EVIDENCE_SIGNER, &w);
}

void
lint_rules_people(struct lint_ctx *x)
{
	const struct authority_group *g;
	size_t i, k;

	for (i = 0; i < x->a->ngroups; i++) {
		_cleanup_words_ struct words w = WORDS_INIT;

		g = &x->a->groups[i];
		words_rule(&w, g->rule);
		if ((g->why & AUTHORITY_PEOPLE) != 0) {
			words_putf(&w,
			    ": %" PRIu64 " people must approve and %zu can",
			    g->rule->threshold, g->npeople);
			lint_add(x, CS_E_LINT_THRESHOLD, &w);
		} else if ((g->why & AUTHORITY_ORGANISATIONS) != 0) {
			words_putf(&w,
			    ": people of %" PRIu64 " organisations must "
			    "approve and those who can are of %zu",
			    g->rule->threshold, g->norganisations);
			lint_add(x, CS_E_LINT_THRESHOLD, &w);
		}
		buf_reset(&w.b);
		words_rule(&w, g->rule);
		if (g->rule->threshold == 1)
			lint_add(x, CS_E_LINT_ONE_PERSON, &w);
		for (k = 0; k < g->rule->nevidence; k++)
			look_at_signers(x, g->rule, &g->rule->evidence[k]);
	}
}

static bool
is_one_of(const struct who *w, const struct policy_principal *v)
{
	size_t i;

	for (i = 0; i < w->n; i++)
		if (w->v[i] == v)
			return true;
	return false;
}

/* Requesters who are needed to approve what they ask for. */
void
lint_rules_separation(struct lint_ctx *x)
{
	const struct authority_group *g;
	size_t i, k;

	for (i = 0; i < x->p->nrules; i++) {
		_cleanup_words_ struct words w = WORDS_INIT;
		struct who people;
		size_t n = 0;

		g = &x->a->groups[i];
		people = (struct who){ g->people, g->npeople };
		if ((g->why & (AUTHORITY_PEOPLE | AUTHORITY_ORGANISATIONS)) !=
		    0)
			continue;
		words_rule(&w, g->rule);
		words_putf(&w, ": asked for by");
		for (k = 0; k < g->nrequesters; k++) {
			if (!is_one_of(&people, g->requesters[k]) ||
			    enough(&people, g->rule, x->at, g->requesters[k]))
				continue;
			words_putf(&w, "%s %s", n++ == 0 ? "" : ",",
			    g->requesters[k]->id);
		}
		if (n > 0)
			lint_add(x,
			    n == g->nrequesters ? CS_E_LINT_SEPARATION :
						  CS_E_LINT_SEPARATION_SOME,
			    &w);
	}
}

/* A quorum that nobody may miss. */
void
lint_special(struct lint_ctx *x)
{
	const struct authority_group *g;
	size_t i, n;

	for (i = x->p->nrules; i < x->a->ngroups; i++) {
		g = &x->a->groups[i];
		n = g->rule->distinct_organisations ? g->norganisations :
						      g->npeople;
		if (g->rule->threshold != n)
			continue;
		lint_addf(x,
		    g->rule == &x->p->admin ? CS_E_LINT_ADMIN_ALL :
					      CS_E_LINT_BREAK_GLASS_ALL,
		    "%s needs %" PRIu64 " of %zu", g->rule->id,
		    g->rule->threshold, n);
	}
}

/* --- what is asked of a request --------------------------------------------- */
void
lint_rules_scope(struct lint_ctx *x)
{
	const struct policy_rule *u;
	size_t i;

	for (i = 0; i < x->p->nrules; i++) {
		_cleanup_words_ struct words w = WORDS_INIT;

		u = &x->p->rules[i];
		words_rule(&w, u);
		if (u->nevidence == 0)
			lint_add(x, CS_E_LINT_NO_EVIDENCE, &w);
		buf_reset(&w.b);
		words_rule(&w, u);
		if (u->pipelines.n == 0 && u->branches.n == 0)
			lint_add(x, CS_E_LINT_NO_SCOPE, &w);
	}
}

static void
look_at_window(struct lint_ctx *x, const struct policy_rule *u,
    const struct policy_window *v)
{
	_cleanup_words_ struct words w = WORDS_INIT;
	const struct policy_key *k;
	size_t i;

	if (v->until < x->at) {
		words_rule(&w, u);
		words_putf(&w, ": ");
		words_window(&w, v);
		lint_add(x, CS_E_LINT_WINDOW_PAST, &w);
		return;
	}
	for (i = 0; i < u->keys.n; i++) {
		k = policy_key_by_id(x->p, u->keys.v[i]);
		if (k == NULL || k->valid_until >= v->until)
			continue;
		words_rule(&w, u);
		words_putf(&w, ": the key %s ends ", k->id);
		words_time(&w, k->valid_until);
		words_putf(&w, ", the window is ");
		words_window(&w, v);
		lint_add(x, CS_E_LINT_WINDOW_KEY, &w);
	}
}

void
lint_rules_windows(struct lint_ctx *x)
{
	size_t i, k;

	for (i = 0; i < x->p->nrules; i++)
		for (k = 0; k < x->p->rules[i].nwindows; k++)
			look_at_window(x, &x->p->rules[i],
			    &x->p->rules[i].windows[k]);
}
