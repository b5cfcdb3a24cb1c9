/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/policy_explain.h"

#include <inttypes.h>
#include <string.h>

#include "lib/authority_impl.h"

struct telling {
	const struct policy *p;
	const struct policy_rule *u;
	struct words w; /* the sentence so far */
	struct buf *out;
	int r; /* 0 or the first error */
};

static void
telling_done(struct telling *t)
{
	words_done(&t->w);
}

static void
end(struct telling *t, const char *stop)
{
	_cleanup_free_ char *text = NULL;

	words_putf(&t->w, "%s", stop);
	if (t->r == 0)
		t->r = words_take(&t->w, &text);
	if (t->r == 0)
		t->r = buf_putf(t->out, "%s\n", text);
	buf_reset(&t->w.b);
}

static void
put_approvers(struct telling *t)
{
	_cleanup_free_ const char **names = NULL;
	const struct policy_principal *v = t->p->principals;
	size_t i, n = 0;

	names = calloc(t->p->nprincipals + 1, sizeof(*names));
	if (names == NULL) {
		t->r = CS_E_NOMEM;
		return;
	}
	for (i = 0; i < t->p->nprincipals; i++)
		if (policy_may_approve(&v[i], t->u))
			names[n++] = v[i].id;
	words_putf(&t->w, "%" PRIu64 " of ", t->u->threshold);
	words_join(&t->w, names, n, "and", "nobody");
}

static void
put_conditions(struct telling *t)
{
	if (t->u->distinct_organisations)
		words_putf(&t->w, ", each of another organisation");
	words_putf(&t->w, "%s",
	    t->u->requester_excluded ? ", no one of them the requester" :
				       ", the requester among them or not");
}

static void
tell_roles(struct telling *t)
{
	words_putf(&t->w, "These are the people with the role ");
	words_list(&t->w, &t->u->roles, "or", "of nobody");
	end(t, ".");
}

static void
tell_keys(struct telling *t)
{
	const struct policy_key *k;
	size_t i;

	for (i = 0; i < t->u->keys.n; i++) {
		k = policy_key_by_id(t->p, t->u->keys.v[i]);
		if (k == NULL)
			continue;
		words_putf(&t->w, "The key %s is %s%s%s, valid from ", k->id,
		    k->state, k->reason != NULL ? " because of " : "",
		    k->reason != NULL ? k->reason : "");
		words_time(&t->w, k->valid_from);
		words_putf(&t->w, " until ");
		words_time(&t->w, k->valid_until);
		words_putf(&t->w, "; it signs with %s, in the format ",
		    key_alg_name(k->alg));
		words_list(&t->w, &k->formats, "or", "none");
		if (k->namespace != NULL)
			words_putf(&t->w, " with the namespace %s",
			    k->namespace);
		words_putf(&t->w, ", from the domain %s", k->domain);
		if (k->max_signatures != 0)
			words_putf(&t->w, ", at most %" PRIu64 " times in all",
			    k->max_signatures);
		if (k->shared != NULL) {
			words_putf(&t->w, "; it serves ");
			words_list(&t->w, &k->products, "and", "nothing");
			words_putf(&t->w, " because of %s", k->shared);
		}
		end(t, ".");
	}
}

static void
tell_patterns(struct telling *t)
{
	const struct policy_rule *u = t->u;
	const struct {
		const char *what;
		const struct policy_str_list *l;
	} patterns[] = {
		{ "version", &u->versions },
		{ "pipeline", &u->pipelines },
		{ "branch", &u->branches },
		{ "commit", &u->commits },
	};
	size_t i;

	for (i = 0; i < ARRAY_LEN(patterns); i++) {
		if (patterns[i].l->n == 0) {
			words_putf(&t->w, "Any %s will do", patterns[i].what);
		} else {
			words_putf(&t->w, "The %s must look like ",
			    patterns[i].what);
			words_list(&t->w, patterns[i].l, "or", "");
		}
		end(t, ".");
	}
}

static void
tell_evidence(struct telling *t)
{
	size_t i;

	for (i = 0; i < t->u->nevidence; i++) {
		words_putf(&t->w, "For each artifact there must be ");
		words_evidence(&t->w, &t->u->evidence[i]);
		end(t, ".");
	}
	if (i == 0)
		end(t, "No evidence is demanded.");
}

static void
tell_windows(struct telling *t)
{
	size_t i;

	for (i = 0; i < t->u->nwindows; i++) {
		words_putf(&t->w, "%s", i == 0 ? "It is signed only " : " or ");
		words_window(&t->w, &t->u->windows[i]);
	}
	if (i == 0)
		words_putf(&t->w, "It is signed at any time");
	end(t, ".");
}

static void
tell_rule(struct telling *t)
{
	const struct policy_rule *u = t->u;

	words_putf(&t->w, "Rule %s: requests for %s by ", u->id, u->product);
	words_list(&t->w, &u->requesters, "or", "nobody");
	words_putf(&t->w, " are signed with ");
	words_list(&t->w, &u->keys, "or", "no key");
	words_putf(&t->w, " (");
	words_list(&t->w, &u->formats, "or", "no format");
	words_putf(&t->w, ") when ");
	put_approvers(t);
	words_putf(&t->w, " approve");
	put_conditions(t);
	end(t, ".");
	tell_roles(t);
	end(t,
	    u->ahead ? "Approvals made ahead, on an approver's own machine, "
		       "count." :
		       "Everybody approves at the appliance itself.");
	tell_patterns(t);
	tell_evidence(t);
	tell_windows(t);
	end(t,
	    u->digest_only ? "A digest alone is enough: the artifact need not "
			     "be on the medium." :
			     "The artifact itself must be on the medium.");
	tell_keys(t);
}

/* A rule beside the list: what happens when these people approve. */
static void
tell_beside(struct telling *t, const char *what)
{
	words_putf(&t->w, "Rule %s: %s when ", t->u->id, what);
	put_approvers(t);
	words_putf(&t->w, " approve");
	put_conditions(t);
	end(t, ".");
	tell_roles(t);
}

static void
tell_admin(struct telling *t)
{
	tell_beside(t, "the policy, its keys and its people are changed");
}

static void
tell_break_glass(struct telling *t)
{
	tell_beside(t,
	    "a request that says why is signed past evidence, windows and "
	    "patterns");
	end(t, "The log and every report then say BREAK-GLASS.");
}

int
policy_explain_rule(const struct policy *p, const struct policy_rule *u,
    struct buf *out)
{
	_cleanup_(telling_done) struct telling t = { .p = p,
		.u = u,
		.w = WORDS_INIT,
		.out = out };

	if (u == &p->admin)
		tell_admin(&t);
	else if (u == &p->break_glass)
		tell_break_glass(&t);
	else
		tell_rule(&t);
	return t.r;
}

static void
tell_whole(struct telling *t)
{
	const struct policy *p = t->p;
	size_t i;

	if (p->review_by != 0) {
		words_putf(&t->w, "The policy must be reviewed by ");
		words_time(&t->w, p->review_by);
		words_putf(&t->w, "; signing stops ");
		words_duration(&t->w, p->review_warning);
		end(t, " after that.");
	}
	if (p->rehearsal)
		end(t,
		    "This is a rehearsal's policy: keys may be in "
		    "software, and everything says so.");
	for (i = 0; i < p->nwaivers; i++) {
		words_putf(&t->w, "WAIVER: ");
		words_waiver(&t->w, &p->waivers[i]);
		end(t, ".");
	}
	if (!p->has_break_glass)
		end(t, "There is no break-glass: no check can be passed by.");
}

int
policy_explain(const struct policy *p, struct buf *out)
{
	_cleanup_(telling_done) struct telling t = { .p = p,
		.w = WORDS_INIT,
		.out = out };
	size_t i;
	int r = 0;

	for (i = 0; r == 0 && i < p->nrules; i++) {
		r = policy_explain_rule(p, &p->rules[i], out);
		if (r == 0)
			r = buf_putf(out, "\n");
	}
	if (r == 0)
		r = policy_explain_rule(p, &p->admin, out);
	if (r == 0 && p->has_break_glass)
		r = policy_explain_rule(p, &p->break_glass, out);
	if (r != 0)
		return r;
	tell_whole(&t);
	return t.r;
}
