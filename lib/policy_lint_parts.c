/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "lib/policy_lint_impl.h"

/* Keys, domains, roles, principals and the policy's own dates. */
static bool
key_has_rule(const struct policy *p, const struct policy_key *k)
{
	size_t i;

	for (i = 0; i < p->nrules; i++)
		if (policy_list_has(&p->rules[i].keys, k->id))
			return true;
	return false;
}

static void
look_at_domains(struct lint_ctx *x)
{
	const struct policy *p = x->p;
	size_t i, k;

	for (i = 0; i < p->ndomains; i++) {
		for (k = 0; k < p->nkeys; k++)
			if (strcmp(p->keys[k].domain, p->domains[i].id) == 0)
				break;
		if (k == p->nkeys)
			lint_addf(x, CS_E_LINT_DOMAIN_UNUSED, "the domain %s",
			    p->domains[i].id);
	}
}

/* Of keys that may sign now or later. */
void
lint_keys(struct lint_ctx *x)
{
	const struct policy_key *k;
	size_t i;

	for (i = 0; i < x->p->nkeys; i++) {
		_cleanup_words_ struct words w = WORDS_INIT;

		k = &x->p->keys[i];
		if (strcmp(k->state, "active") != 0 &&
		    strcmp(k->state, "pending") != 0)
			continue;
		if (k->products.n > 1) {
			words_putf(&w, "the key %s serves ", k->id);
			words_list(&w, &k->products, "and", "nothing");
			if (k->shared != NULL)
				words_putf(&w, ", because: %s", k->shared);
			lint_add(x, CS_E_LINT_KEY_SHARED, &w);
		}
		if (!key_has_rule(x->p, k))
			lint_addf(x, CS_E_LINT_KEY_UNUSED, "the key %s", k->id);
	}
	look_at_domains(x);
}

void
lint_roles(struct lint_ctx *x)
{
	const struct policy_str_list *names = &x->p->role_names;
	size_t i;

	for (i = 0; i < names->n; i++) {
		if (x->role_holders[i] == 0)
			lint_addf(x, CS_E_LINT_ROLE_EMPTY, "the role %s",
			    names->v[i]);
		if (!x->role_used[i])
			lint_addf(x, CS_E_LINT_ROLE_UNUSED, "the role %s",
			    names->v[i]);
	}
}

/* Asking needs more than the role: a rule must name who asks. */
static bool
can_do_something(const struct lint_ctx *x, size_t i)
{
	const struct policy_str_list *names = &x->p->role_names;
	size_t k;

	if (x->who_asks[i])
		return true;
	for (k = 0; k < names->n; k++)
		if (x->role_used[k] && strcmp(names->v[k], "requester") != 0 &&
		    policy_list_has(&x->p->principals[i].roles, names->v[k]))
			return true;
	return false;
}

void
lint_principals(struct lint_ctx *x)
{
	const struct policy_principal *v;
	size_t i;

	for (i = 0; i < x->p->nprincipals; i++) {
		_cleanup_words_ struct words w = WORDS_INIT;

		v = &x->p->principals[i];
		if (v->valid_until < x->at) {
			words_putf(&w, "%s was valid until ", v->id);
			words_time(&w, v->valid_until);
			words_putf(&w, " and is still listed with the role ");
			words_list(&w, &v->roles, "and", "");
			lint_add(x, CS_E_LINT_ENDED, &w);
		}
		if (!can_do_something(x, i))
			lint_addf(x, CS_E_LINT_PRINCIPAL_UNUSED, "%s", v->id);
	}
}

static void
look_at_review(struct lint_ctx *x)
{
	_cleanup_words_ struct words w = WORDS_INIT;
	const struct policy *p = x->p;

	if (p->review_by == 0)
		return;
	words_putf(&w, "to be reviewed by ");
	words_time(&w, p->review_by);
	words_putf(&w, ", signing stops ");
	words_time(&w, p->review_by + (int64_t)p->review_warning);
	if (p->review_by < x->at)
		lint_add(x, CS_E_LINT_REVIEW_PAST, &w);
	else if (p->review_by - x->at <= LINT_REVIEW_DAYS * INT64_C(86400))
		lint_add(x, CS_E_LINT_REVIEW_DUE, &w);
}

void
lint_dates(struct lint_ctx *x)
{
	size_t i;

	look_at_review(x);
	for (i = 0; i < x->p->nwaivers; i++) {
		_cleanup_words_ struct words w = WORDS_INIT;

		if (x->p->waivers[i].until >= x->at)
			continue;
		words_waiver(&w, &x->p->waivers[i]);
		lint_add(x, CS_E_LINT_WAIVER_PAST, &w);
	}
}
