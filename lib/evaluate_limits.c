/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "lib/evaluate.h"

/*
 * What runs out: the policy's review, the rule's release windows, caps on
 * signatures.  The rule is one of the policy's, or its break-glass, which has
 * no windows.
 */
struct limits {
	const struct policy *p;
	const struct request *r;
	const struct policy_rule *rule;
	int64_t now;
	const struct evaluate_past *past;
	struct checks *c;
};

static int
check_review(const struct limits *l)
{
	/* a date that is read cannot overflow: it has four digits of year */
	int64_t stops = l->p->review_by + (int64_t)l->p->review_warning;
	char clock[21], due[21], stop[21];

	time_format(l->now, clock);
	time_format(l->p->review_by, due);
	time_format(stops, stop);
	if (l->now <= l->p->review_by)
		return checks_add(l->c, CS_E_POLICY_REVIEW, true,
		    "a policy that is reviewed in time",
		    "the policy's review is due %s", due);
	return checks_add(l->c, CS_E_POLICY_REVIEW, l->now <= stops,
	    "a policy that is reviewed in time",
	    "the policy's review was due %s; signing stops %s, the clock says "
	    "%s",
	    due, stop, clock);
}

/* Refused as a whole, before anything is signed. */
static int
check_cap(const struct limits *l, int code, uint64_t cap, uint64_t made,
    const char *what)
{
	uint64_t asked = l->r->st->nsubjects;
	uint64_t left = made < cap ? cap - made : 0;

	return checks_add(l->c, code, asked <= left,
	    "no more signatures than are left",
	    "%llu asked, %llu left of %llu %.100s", (unsigned long long)asked,
	    (unsigned long long)left, (unsigned long long)cap, what);
}

static int
count_and_check(const struct limits *l, int code, uint64_t cap,
    const char *rule, const char *key, int64_t from, int64_t until,
    const char *what)
{
	uint64_t made = 0;
	int e;

	if (cap == 0)
		return 0;
	if (l->past == NULL)
		return checks_add(l->c, code, true,
		    "no more signatures than are left",
		    "%zu asked, at most %llu %.80s; not counted here",
		    l->r->st->nsubjects, (unsigned long long)cap, what);
	e = l->past->signatures(l->past->arg, rule, key, from, until, &made);
	return e != 0 ? e : check_cap(l, code, cap, made, what);
}

/* The window that is open, or NULL; *ret_next: the first that is not over. */
static const struct policy_window *
find_window(const struct policy_rule *u, int64_t now,
    const struct policy_window **ret_next)
{
	size_t i;

	*ret_next = NULL;
	for (i = 0; i < u->nwindows; i++)
		if (now <= u->windows[i].until)
			break;
	if (i == u->nwindows)
		return NULL;
	*ret_next = &u->windows[i];
	return u->windows[i].from <= now ? &u->windows[i] : NULL;
}

static int
check_window(const struct limits *l)
{
	const struct policy_window *next, *open;
	char clock[21], from[21] = "", until[21] = "";
	int e;

	if (l->rule->nwindows == 0)
		return 0;
	open = find_window(l->rule, l->now, &next);
	time_format(l->now, clock);
	if (next != NULL) {
		time_format(next->from, from);
		time_format(next->until, until);
	}
	e = checks_add(l->c, CS_E_RULE_WINDOW, open != NULL,
	    "a time in a window of the rule",
	    "the clock says %s; %s of the rule %s%s%s%s%s", clock,
	    open != NULL     ? "in the window" :
		next != NULL ? "the next window" :
			       "no more window",
	    l->rule->id, next != NULL ? ": " : "", from,
	    next != NULL ? " to " : "", until);
	if (e != 0 || open == NULL)
		return e;
	return count_and_check(l, CS_E_RULE_CAP, open->max_signatures,
	    l->rule->id, NULL, open->from, open->until, "in this window");
}

int
evaluate_limits(const struct policy *p, const struct request *r,
    const struct policy_rule *rule, int64_t now,
    const struct evaluate_past *past, struct checks *c)
{
	const struct policy_key *k = policy_key_by_id(p, r->key);
	const struct limits l = { p, r, rule, now, past, c };
	int e;

	if (k == NULL)
		return checks_add(c, CS_E_POLICY_KEY, false,
		    "a key that the policy has", "%.80s", r->key);
	e = check_review(&l);
	if (e == 0)
		e = check_window(&l);
	return e != 0 ? e :
			count_and_check(&l, CS_E_KEY_CAP, k->max_signatures,
			    NULL, k->id, 0, INT64_MAX, "by this key");
}
