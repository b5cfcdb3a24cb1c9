/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CS_POLICY_LINT_IMPL_H
#define CS_POLICY_LINT_IMPL_H

#include "lib/authority_impl.h"
#include "lib/policy_lint.h"

/* Shared by lib/policy_lint*.c only. */
#define LINT_REVIEW_DAYS	30

struct lint_ctx {
	const struct policy *p;
	int64_t at;
	const struct authority *a;	/* at that time */
	bool *role_used;	/* by p->role_names: something asks for it */
	size_t *role_holders;	/* how many have it */
	bool *who_asks;		/* by p->principals: a rule's requester */
	struct lint *l;
	int r;			/* 0 or the first error */
};

/* A finding; the words are used up. */
void lint_add(struct lint_ctx *x, int code, struct words *w);
void lint_addf(struct lint_ctx *x, int code, const char *fmt, ...)
    CS_PRINTF(3, 4);

/* Each looks for one or two things in the whole policy. */
void lint_rules_never(struct lint_ctx *x);
void lint_rules_people(struct lint_ctx *x);
void lint_rules_separation(struct lint_ctx *x);
void lint_rules_scope(struct lint_ctx *x);
void lint_rules_windows(struct lint_ctx *x);
void lint_special(struct lint_ctx *x);
void lint_keys(struct lint_ctx *x);
void lint_roles(struct lint_ctx *x);
void lint_principals(struct lint_ctx *x);
void lint_dates(struct lint_ctx *x);

#endif
