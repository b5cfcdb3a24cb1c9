/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "lib/change.h"
#include "lib/evaluate_impl.h"

/*
 * The count that a signature depends on.  An approval counts if it is signed
 * by one key of an eligible person, binds everything that is asked, and
 * neither the key, the person nor (where the rule says so) the organisation
 * was counted before.
 */
struct tally {
	const struct policy *p;
	const struct request *r;
	const struct policy_rule *rule;
	const struct policy_principal *requester;
	const uint8_t *nonce;
	int64_t now;
	const struct pubkey **keys;
	const struct policy_principal **people;
	size_t n;
	const struct policy_principal *voter; /* of the last one, if it was */
};

static bool
rule_of_domain(const struct policy *p, const struct policy_rule *rule,
    const struct policy_domain *m)
{
	size_t i;

	for (i = 0; i < p->nkeys; i++)
		if (strcmp(p->keys[i].domain, m->id) == 0 &&
		    policy_list_has(&rule->keys, p->keys[i].id))
			return true;
	return false;
}

/* Whose token may vote in the TPM's quorum of a domain (lib/quorum.h) */
static bool
votes_in(const struct policy *p, const struct policy_domain *m,
    const struct policy_principal *who)
{
	bool used = false;
	size_t i;

	for (i = 0; i < p->nrules; i++) {
		if (!rule_of_domain(p, &p->rules[i], m))
			continue;
		if (policy_lists_meet(&who->roles, &p->rules[i].roles))
			return true;
		used = true;
	}
	return used && p->has_break_glass &&
	    policy_lists_meet(&who->roles, &p->break_glass.roles);
}

bool
evaluate_is_voter(const struct policy *p, const struct request *r,
    const struct policy_principal *who)
{
	struct domain_list l = { 0 };
	size_t i;

	if (r->action == REQUEST_SIGN || policy_is_admin(p, who) ||
	    request_domains(p, r, &l, NULL) != 0)
		return false;
	for (i = 0; i < l.n; i++)
		if (votes_in(p, l.v[i], who))
			return true;
	return false;
}

static int
check_person(const struct policy_rule *rule,
    const struct policy_principal *requester,
    const struct policy_principal *who, bool role, int64_t now, struct diag *d)
{
	if (strcmp(who->kind, "person") != 0)
		return diag_fail(d, CS_E_APPROVAL_PERSON, "a person",
		    "%s is a %s", who->id, who->kind);
	/* an unknown requester cannot be told from the approver */
	if (requester == NULL || strcmp(requester->id, who->id) == 0)
		return diag_fail(d, CS_E_APPROVAL_REQUESTER,
		    "another person than the requester", "%s, requester %s",
		    who->id, requester == NULL ? "unknown" : requester->id);
	if (!role)
		return diag_fail(d, CS_E_APPROVAL_ROLE, "a role of the rule",
		    "%s has none of those of %s", who->id, rule->id);
	return evaluate_period(now, who->valid_from, who->valid_until,
	    CS_E_APPROVAL_EXPIRED, CS_E_APPROVAL_NOT_YET, who->id, d);
}

int
evaluate_may_approve(const struct policy *p, const struct policy_rule *rule,
    const struct policy_principal *requester,
    const struct policy_principal *who, int64_t now, struct diag *d)
{
	(void)p;
	return check_person(rule, requester, who,
	    policy_lists_meet(&who->roles, &rule->roles), now, d);
}

int
evaluate_may_decide(const struct policy *p, const struct request *r,
    const struct policy_rule *rule, const struct policy_principal *requester,
    const struct policy_principal *who, int64_t now, struct diag *d)
{
	return check_person(rule, requester, who,
	    policy_lists_meet(&who->roles, &rule->roles) ||
		evaluate_is_voter(p, r, who),
	    now, d);
}

/* A clock of an approver may be ahead of the appliance's by a day. */
#define SKEW_S 86400

/*
 * This ceremony's, or made before there was one.  What was made ahead is a
 * statement: the TPM gets no vote with it.
 */
static int
check_session(const struct tally *t, const struct approval *a, struct diag *d)
{
	if (!a->ahead)
		return memcmp(a->nonce, t->nonce, 32) == 0 ?
		    0 :
		    diag_fail(d, CS_E_APPROVAL_NONCE, "this ceremony's nonce",
			"another nonce");
	if (!t->rule->ahead)
		return diag_fail(d, CS_E_APPROVAL_AHEAD,
		    "an approval in this ceremony",
		    "%s takes none that was made ahead", t->rule->id);
	if (a->time < t->now - APPROVAL_AHEAD_S)
		return diag_fail(d, CS_E_APPROVAL_AHEAD_OLD,
		    "one made in the last 30 days", "%lld days old",
		    (long long)((t->now - a->time) / 86400));
	if (a->time > t->now + SKEW_S)
		return diag_fail(d, CS_E_APPROVAL_AHEAD_FUTURE,
		    "one made no more than a day ahead of the clock",
		    "%lld hours ahead", (long long)((a->time - t->now) / 3600));
	return 0;
}

/* What the statement must say, and what it says. */
static int
check_binding(const struct tally *t, const struct approval *a, struct diag *d)
{
	const struct {
		const char *what, *want, *found;
	} text[] = {
		{ "request ID", t->r->id, a->request_id },
		{ "rule", t->rule->id, a->rule },
		{ "key", t->r->key, a->key },
		{ "format", t->r->format, a->format },
		{ "product", t->r->product, a->product },
		{ "version", t->r->version, a->version },
		{ "appliance", t->p->appliance, a->appliance },
	};
	const struct {
		const char *what;
		const uint8_t *want, *found;
	} digest[] = {
		{ "request", t->r->digest, a->request_digest },
		{ "policy", t->p->digest, a->policy_digest },
		{ "public key", approval_key_sha256(t->p, t->r), a->key_spki },
		{ "list of artifacts", t->r->subject_root, a->subject_root },
	};
	size_t i;

	for (i = 0; i < ARRAY_LEN(text); i++)
		if (strcmp(text[i].want, text[i].found) != 0)
			return diag_fail(d, CS_E_APPROVAL_BINDING, text[i].want,
			    "the %s %.80s", text[i].what, text[i].found);
	for (i = 0; i < ARRAY_LEN(digest); i++)
		if (digest[i].want == NULL ||
		    memcmp(digest[i].want, digest[i].found, 32) != 0)
			return diag_fail(d, CS_E_APPROVAL_BINDING,
			    "this very request, policy and key", "another %s",
			    digest[i].what);
	if (a->artifact_count != t->r->st->nsubjects)
		return diag_fail(d, CS_E_APPROVAL_BINDING,
		    "the request's number of artifacts", "%llu",
		    (unsigned long long)a->artifact_count);
	return check_session(t, a, d);
}

/* Q1: against what was counted so far. */
static int
check_distinct(const struct tally *t, const struct policy_principal *who,
    const struct pubkey *key, struct diag *d)
{
	size_t i;

	for (i = 0; i < t->n; i++) {
		if (pubkey_equal(t->keys[i], key))
			return diag_fail(d, CS_E_APPROVAL_SAME_KEY,
			    "another key", "a key of %s, counted before",
			    who->id);
		if (strcmp(t->people[i]->id, who->id) == 0)
			return diag_fail(d, CS_E_APPROVAL_SAME_PERSON,
			    "another person", "%s, counted before", who->id);
		if (t->rule->distinct_organisations &&
		    strcmp(t->people[i]->organisation, who->organisation) == 0)
			return diag_fail(d, CS_E_APPROVAL_ORGANISATION,
			    "another organisation", "%.60s, counted with %s",
			    who->organisation, t->people[i]->id);
	}
	return 0;
}

static int
check_statement(const struct tally *t, const struct dsse *env,
    const struct policy_principal *who, struct diag *d)
{
	_cleanup_approval_ struct approval *a = NULL;
	int e;

	e = approval_parse(env->payload, env->payload_len, &a, d);
	if (e != 0)
		return e;
	if (strcmp(a->approver, who->id) != 0)
		return diag_fail(d, CS_E_APPROVAL_APPROVER, who->id, "%.80s",
		    a->approver);
	e = check_binding(t, a, d);
	if (e == 0)
		e = evaluate_may_decide(t->p, t->r, t->rule, t->requester, who,
		    t->now, d);
	if (e != 0)
		return e;
	if (!a->approve)
		return diag_fail(d, CS_E_APPROVAL_REJECTED, "an approval",
		    "%s rejected it: %.120s", who->id,
		    a->reason[0] == '\0' ? "no reason given" : a->reason);
	return 0;
}

/* 0 and counted, or a voter's, or why not. */
static int
count_one(struct tally *t, const struct approval_doc *doc, struct diag *d)
{
	_cleanup_dsse_ struct dsse *env = NULL;
	const struct policy_principal *who = NULL;
	const struct pubkey *key = NULL;
	bool alone = false;
	int e;

	e = dsse_parse(doc->envelope, doc->len, &env, d);
	if (e == 0)
		e = evaluate_signer(t->p, env, &who, &key, &alone);
	if (e != 0)
		return e;
	if (!alone)
		return diag_fail(d, CS_E_APPROVAL_SIGNATURE,
		    "one signature, by a key that the policy lists",
		    "%zu signature%s, %s%s", env->nsigs,
		    env->nsigs == 1 ? "" : "s",
		    who == NULL ? "none by such a key" : "one by ",
		    who == NULL ? "" : who->id);
	e = check_statement(t, env, who, d);
	if (e == 0 && evaluate_is_voter(t->p, t->r, who)) {
		t->voter = who;
		return 0;
	}
	if (e == 0)
		e = check_distinct(t, who, key, d);
	if (e != 0)
		return e;
	t->keys[t->n] = key;
	t->people[t->n++] = who;
	return 0;
}

static int
add_result(struct tally *t, size_t index, int code, const struct diag *d,
    struct checks *c)
{
	if (code == CS_E_NOMEM || code == CS_E_CRYPTO || code == CS_E_INTERNAL)
		return code;
	if (code != 0)
		return checks_add(c, code, false, d->expected,
		    "approval %zu: %s", index + 1, d->found);
	if (t->voter != NULL)
		return checks_add(c, CS_E_APPROVAL_SIGNATURE, true,
		    "a valid approval",
		    "approval %zu: a voter for the TPM, not counted: %s",
		    index + 1, t->voter->id);
	return checks_add(c, CS_E_APPROVAL_SIGNATURE, true, "a valid approval",
	    "approval %zu: %s", index + 1, t->people[t->n - 1]->id);
}

int
evaluate_approvals(const struct policy *p, const struct request *r,
    const struct policy_rule *rule, const struct policy_principal *requester,
    const uint8_t nonce[32], int64_t now, const struct approval_doc *docs,
    size_t n, struct checks *c, uint64_t *ret_count)
{
	_cleanup_free_ const struct policy_principal **people = NULL;
	_cleanup_free_ const struct pubkey **keys = NULL;
	struct tally t = { p, r, rule, requester, nonce, now, NULL, NULL, 0,
		NULL };
	size_t i;
	int e;

	keys = calloc(n + 1, sizeof(struct pubkey *));
	people = calloc(n + 1, sizeof(struct policy_principal *));
	if (keys == NULL || people == NULL)
		return CS_E_NOMEM;
	t.keys = keys;
	t.people = people;
	for (i = 0; i < n; i++) {
		struct diag d = { 0 };

		t.voter = NULL;
		e = count_one(&t, &docs[i], &d);
		e = add_result(&t, i, e, &d, c);
		if (e != 0)
			return e;
	}
	*ret_count = t.n;
	return 0;
}
