/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CS_POLICY_WORDS_H
#define CS_POLICY_WORDS_H

#include <string.h>

#include "lib/buf.h"
#include "lib/policy.h"

/*
 * A policy as people read it.  The first error stays and makes the rest do
 * nothing, so that only the end asks.  Texts of the policy are put as they
 * are: words_take() sanitises the whole.  Different values read differently.
 */
#define WORDS_LIMIT	(64u << 20)

struct words {
	struct buf b;
	int r;			/* 0 or the first error */
};
#define WORDS_INIT	{ .b = BUF_INIT(WORDS_LIMIT) }

static inline void
words_done(struct words *w)
{
	buf_done(&w->b);
}
#define _cleanup_words_ _cleanup_(words_done)

/* A person with one of the rule's roles, whatever the time. */
static inline bool
policy_may_approve(const struct policy_principal *w,
    const struct policy_rule *u)
{
	return strcmp(w->kind, "person") == 0 &&
	    policy_lists_meet(&w->roles, &u->roles);
}

void words_putf(struct words *w, const char *fmt, ...) CS_PRINTF(2, 3);
/* "a, b and c" with "and" for last; "nobody" or the like if there is none */
void words_join(struct words *w, const char *const *v, size_t n,
    const char *last, const char *none);
void words_list(struct words *w, const struct policy_str_list *l,
    const char *last, const char *none);
void words_time(struct words *w, int64_t t);
/* "30 days", "8 hours", "90 seconds" */
void words_duration(struct words *w, uint64_t seconds);
void words_evidence(struct words *w, const struct policy_evidence *e);
void words_window(struct words *w, const struct policy_window *v);
void words_waiver(struct words *w, const struct policy_waiver *v);
/* "firmware (rule fw)", "a change of the policy" or "break-glass" */
void words_rule(struct words *w, const struct policy_rule *u);

/* The text as text_sanitise() makes it: one line for a terminal.  free(*ret) */
int words_take(const struct words *w, char **ret) CS_WUR;

#endif
