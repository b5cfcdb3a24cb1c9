/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "lib/buf.h"
#include "lib/change.h"
#include "lib/policy_impl.h"

/*
 * The next version of a policy.  The one in force decides: it says what the
 * new one follows, and whose signatures count.
 */
static int
check_version(const struct policy *old, const struct policy *new,
    struct diag *d)
{
	const unsigned long long was = old->version, is = new->version;

	/* POLICY-VERSION has seen that a version 1 follows nothing */
	if (is == was && new->has_previous &&
	    old->has_previous &&memcmp(new->previous, old->previous, 32) == 0 &&
	    memcmp(new->digest, old->digest, 32) != 0)
		return diag_fail(d, CS_E_CHANGE_FORK,
		    "a policy that follows the one in force",
		    "a fork: another version %llu of the same previous", is);
	if (is <= was)
		return diag_fail(d, CS_E_CHANGE_VERSION,
		    "one above the version in force",
		    "backwards: version %llu, version %llu is in force", is,
		    was);
	if (is != was + 1)
		return diag_fail(d, CS_E_CHANGE_VERSION,
		    "one above the version in force",
		    "a jump: version %llu, version %llu is in force", is, was);
	if (!new->has_previous || memcmp(new->previous, old->digest, 32) != 0)
		return diag_fail(d, CS_E_CHANGE_FORK,
		    "previous: the digest of the policy in force",
		    "a fork: version %llu of another version %llu", is, was);
	return 0;
}

static int
check_domains(const struct policy *old, const struct policy *new,
    struct diag *d)
{
	size_t i;

	for (i = 0; i < old->ndomains; i++) {
		const struct policy_domain *a = &old->domains[i], *b;

		b = policy_domain_by_id(new, a->id);
		if (b == NULL)
			return diag_fail(d, CS_E_CHANGE_TOKENS,
			    "the domains of the policy in force",
			    "no domain %s", a->id);
		if (strcmp(a->token, b->token) != 0)
			return diag_fail(d, CS_E_CHANGE_TOKENS, a->token,
			    "the token %.80s for the domain %s", b->token,
			    a->id);
	}
	/* names are distinct, so as many are the same */
	if (new->ndomains != old->ndomains)
		return diag_fail(d, CS_E_CHANGE_TOKENS,
		    "the domains of the policy in force", "%zu more",
		    new->ndomains - old->ndomains);
	return 0;
}

int
policy_follows(const struct policy *old, const struct policy *new,
    struct diag *d)
{
	int r = check_version(old, new, d);

	if (r != 0)
		return r;
	if (strcmp(new->appliance, old->appliance) != 0)
		return diag_fail(d, CS_E_CHANGE_APPLIANCE, old->appliance,
		    "%.100s", new->appliance);
	if (new->rehearsal != old->rehearsal)
		return diag_fail(d, CS_E_CHANGE_REHEARSAL,
		    old->rehearsal ? "a rehearsal policy" :
				     "a policy that is no rehearsal",
		    "rehearsal: %s", new->rehearsal ? "true" : "false");
	return check_domains(old, new, d);
}

/* Who signed: those who count, and a line for people about all of them. */
struct signers {
	const struct policy_principal **counted;
	size_t n, orgs;
	struct buf words;
};

static void
signers_done(struct signers *s)
{
	free(s->counted);
	buf_done(&s->words);
}

static bool
valid_at(const struct policy_principal *w, int64_t now)
{
	return now >= w->valid_from && now <= w->valid_until;
}

static int
put_signer(struct signers *s, const char *id, const char *why)
{
	return buf_putf(&s->words, "%s%s%s", s->words.len > 0 ? ", " : "", id,
	    why);
}

static int
count_signer(struct signers *s, const struct policy_principal *w, int64_t now)
{
	bool org = true;
	size_t i;

	if (!valid_at(w, now))
		return put_signer(s, w->id, " (not valid now)");
	for (i = 0; i < s->n; i++) {
		if (s->counted[i] == w)
			return 0;
		if (strcmp(s->counted[i]->organisation, w->organisation) == 0)
			org = false;
	}
	s->counted[s->n++] = w;
	s->orgs += org;
	return put_signer(s, w->id, "");
}

/* owner: of n keys, the first n_old of them administrators' of old */
static int
check_quorum(const struct policy *old,
    const struct policy_principal *const *owner, const bool *hit, size_t n_old,
    size_t n, int64_t now, struct diag *d)
{
	_cleanup_(
	    signers_done) struct signers s = { .words = BUF_INIT(64 * 1024) };
	const struct policy_rule *u = &old->admin;
	uint64_t got;
	size_t i;
	int r;

	s.counted = calloc(n_old + 1, sizeof(struct policy_principal *));
	if (s.counted == NULL)
		return diag_nomem(d);
	for (i = 0; i < n; i++) {
		if (!hit[i])
			continue;
		r = i < n_old ?
		    count_signer(&s, owner[i], now) :
		    put_signer(&s, owner[i]->id, " (only the new one's)");
		if (r != 0)
			return diag_nomem(d);
	}
	got = u->distinct_organisations ? s.orgs : s.n;
	if (got < u->threshold)
		return diag_fail(d, CS_E_CHANGE_QUORUM,
		    "the administration quorum of the policy in force",
		    "%llu of %llu %s: %.*s", (unsigned long long)got,
		    (unsigned long long)u->threshold,
		    u->distinct_organisations ? "organisations" : "people",
		    (int)s.words.len,
		    s.words.len == 0 ? "" : (const char *)s.words.p);
	return 0;
}

static int
check_signatures(const struct dsse *e, const struct policy *old,
    const struct policy *new, int64_t now, struct diag *d)
{
	_cleanup_free_ const struct policy_principal **owner = NULL;
	_cleanup_free_ const struct pubkey **keys = NULL;
	_cleanup_free_ bool *hit = NULL;
	const size_t n_old = policy_admin_keys(old, NULL, NULL);
	const size_t n = n_old + policy_admin_keys(new, NULL, NULL);
	size_t bad = 0;
	int r;

	keys = calloc(n + 1, sizeof(struct pubkey *));
	owner = calloc(n + 1, sizeof(struct policy_principal *));
	hit = calloc(n + 1, sizeof(*hit));
	if (keys == NULL || owner == NULL || hit == NULL)
		return diag_nomem(d);
	/* a key of both is the old one's: the first entry of a key is hit */
	(void)policy_admin_keys(old, keys, owner);
	(void)policy_admin_keys(new, keys + n_old, owner + n_old);
	r = dsse_verify(e, keys, n, hit, &bad, d);
	if (r != 0)
		return r;
	if (bad != 0)
		return diag_fail(d, CS_E_CHANGE_SIGNER,
		    "signatures by administrators of the old or new policy",
		    "%zu by nobody of them", bad);
	return check_quorum(old, owner, hit, n_old, n, now, d);
}

int
policy_load_next(const struct policy *old, const void *envelope, size_t len,
    int64_t now, struct policy **ret, struct diag *d)
{
	_cleanup_dsse_ struct dsse *e = NULL;
	_cleanup_policy_ struct policy *p = NULL;
	int r;

	r = dsse_parse(envelope, len, &e, d);
	if (r == 0)
		r = policy_parse(e->payload, e->payload_len, &p, d);
	if (r == 0)
		r = policy_follows(old, p, d);
	if (r == 0)
		r = check_signatures(e, old, p, now, d);
	if (r != 0)
		return r;
	*ret = take_ptr(p);
	return 0;
}
