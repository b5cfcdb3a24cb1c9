/* SPDX-License-Identifier: Apache-2.0 */
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "lib/policy_lint_impl.h"

/* All findings that are not warnings. */
static const int errors[] = {
	CS_E_LINT_NEVER,
	CS_E_LINT_THRESHOLD,
	CS_E_LINT_SEPARATION,
	CS_E_LINT_EVIDENCE_SIGNER,
	CS_E_LINT_REVIEW_PAST,
};

static void (*const looks[])(struct lint_ctx *x) = {
	lint_dates,
	lint_rules_never,
	lint_rules_people,
	lint_rules_separation,
	lint_special,
	lint_rules_scope,
	lint_rules_windows,
	lint_keys,
	lint_principals,
	lint_roles,
};

void
lint_done(struct lint *l)
{
	while (l->n > 0)
		free(l->v[--l->n].found);
	free(l->v);
	*l = (struct lint){ 0 };
}

static bool
is_error(int code)
{
	size_t i;

	for (i = 0; i < ARRAY_LEN(errors); i++)
		if (errors[i] == code)
			return true;
	return false;
}

void
lint_add(struct lint_ctx *x, int code, struct words *w)
{
	struct lint *l = x->l;
	struct lint_finding *more;
	char *text = NULL;

	if (x->r != 0)
		return;
	if (l->n == l->cap) {
		more = reallocarray(l->v, 2 * l->cap + 64, sizeof(*more));
		if (more == NULL) {
			x->r = CS_E_NOMEM;
			return;
		}
		l->v = more;
		l->cap = 2 * l->cap + 64;
	}
	x->r = words_take(w, &text);
	buf_reset(&w->b);
	if (x->r != 0)
		return;
	l->v[l->n++] = (struct lint_finding){ code, is_error(code), text };
	l->errors += is_error(code);
}

void
lint_addf(struct lint_ctx *x, int code, const char *fmt, ...)
{
	_cleanup_words_ struct words w = WORDS_INIT;
	_cleanup_free_ char *text = NULL;
	va_list ap;
	int n;

	va_start(ap, fmt);
	n = vasprintf(&text, fmt, ap);
	va_end(ap);
	if (n < 0) {
		text = NULL; /* undefined after a failure */
		x->r = CS_E_NOMEM;
		return;
	}
	words_putf(&w, "%s", text);
	lint_add(x, code, &w);
}

/* Errors first, each kind in the order it was found. */
static int
errors_first(struct lint *l)
{
	struct lint_finding *sorted;
	size_t i, n = 0;
	int pass;

	if (l->n == 0)
		return 0;
	sorted = calloc(l->n, sizeof(*sorted));
	if (sorted == NULL)
		return CS_E_NOMEM;
	for (pass = 1; pass >= 0; pass--)
		for (i = 0; i < l->n; i++)
			if (l->v[i].error == (pass == 1))
				sorted[n++] = l->v[i];
	free(l->v);
	l->v = sorted;
	l->cap = l->n;
	return 0;
}

/* --- what is used by whom -------------------------------------------------- */
static void
use_roles(struct lint_ctx *x, const struct policy_str_list *l)
{
	const struct policy_str_list *names = &x->p->role_names;
	size_t i, k;

	for (i = 0; i < l->n; i++)
		for (k = 0; k < names->n; k++)
			if (strcmp(names->v[k], l->v[i]) == 0)
				x->role_used[k] = true;
}

static void
use_rule(struct lint_ctx *x, const struct policy_rule *u)
{
	static const char *requester[] = { "requester" };
	const struct policy_str_list asks = { requester, 1 };
	const struct policy_principal *w;
	size_t i;

	use_roles(x, &u->roles);
	for (i = 0; i < u->nevidence; i++)
		use_roles(x, &u->evidence[i].signers);
	if (u->requesters.n > 0)
		use_roles(x, &asks);
	for (i = 0; i < u->requesters.n; i++) {
		w = policy_principal_by_id(x->p, u->requesters.v[i]);
		if (w != NULL)
			x->who_asks[w - x->p->principals] = true;
	}
}

static int
find_uses(struct lint_ctx *x)
{
	const struct policy *p = x->p;
	size_t i, k;

	x->role_used = calloc(p->role_names.n + 1, sizeof(*x->role_used));
	x->role_holders = calloc(p->role_names.n + 1, sizeof(*x->role_holders));
	x->who_asks = calloc(p->nprincipals + 1, sizeof(*x->who_asks));
	if (x->role_used == NULL || x->role_holders == NULL ||
	    x->who_asks == NULL)
		return CS_E_NOMEM;
	use_rule(x, &p->admin);
	if (p->has_break_glass)
		use_rule(x, &p->break_glass);
	for (i = 0; i < p->nrules; i++)
		use_rule(x, &p->rules[i]);
	for (k = 0; k < p->role_names.n; k++)
		for (i = 0; i < p->nprincipals; i++)
			x->role_holders[k] +=
			    policy_list_has(&p->principals[i].roles,
				p->role_names.v[k]) != 0;
	return 0;
}

static void
ctx_done(struct lint_ctx *x)
{
	free(x->role_used);
	free(x->role_holders);
	free(x->who_asks);
}

int
policy_lint(const struct policy *p, int64_t at, struct lint *ret)
{
	const struct authority_opts o = { .at = at };
	_cleanup_authority_ struct authority *a = NULL;
	_cleanup_lint_ struct lint l = { 0 };
	_cleanup_(ctx_done) struct lint_ctx x = { .p = p, .at = at, .l = &l };
	size_t i;
	int r;

	r = authority_of(p, &o, &a, NULL);
	if (r == 0)
		r = find_uses(&x);
	if (r != 0)
		return r;
	x.a = a;
	for (i = 0; i < ARRAY_LEN(looks); i++)
		looks[i](&x);
	if (x.r == 0)
		x.r = errors_first(&l);
	if (x.r != 0)
		return x.r;
	*ret = l;
	l = (struct lint){ 0 };
	return 0;
}
