/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "lib/change.h"
#include "lib/evaluate_impl.h"

/* What stands in the way of a change: pure functions, as lib/evaluate.c. */
int64_t
change_time(const struct request *r, int64_t clock)
{
	int64_t t;

	if (r->action != CHANGE_CLOCK ||
	    __builtin_add_overflow(clock, r->change.seconds, &t))
		return clock;
	return t;
}

static int
one_domain(const struct policy *p, const char *id, struct domain_list *ret,
    struct diag *d)
{
	const struct policy_domain *m = policy_domain_by_id(p, id);

	if (m == NULL)
		return diag_fail(d, CS_E_CHANGE_DOMAIN,
		    "a domain that the policy has", "%.60s", id);
	*ret = (struct domain_list){ { m }, 1 };
	return 0;
}

static int
all_domains(const struct policy *p, struct domain_list *ret, struct diag *d)
{
	size_t i;

	if (p->ndomains > POLICY_DOMAINS_MAX)
		return diag_fail(d, CS_E_CHANGE_DOMAINS, "at most 16 domains",
		    "%zu", p->ndomains);
	ret->n = p->ndomains;
	for (i = 0; i < p->ndomains; i++)
		ret->v[i] = &p->domains[i];
	return 0;
}

int
request_domains(const struct policy *p, const struct request *r,
    struct domain_list *ret, struct diag *d)
{
	const struct policy_key *k;

	switch (r->action) {
	case REQUEST_SIGN:
	case CHANGE_KEY_DESTROY:
		k = policy_key_by_id(p, r->key);
		if (k == NULL)
			return diag_fail(d, CS_E_POLICY_KEY,
			    "a key that the policy has", "%.80s", r->key);
		return one_domain(p, k->domain, ret, d);
	case CHANGE_KEY_GENERATE:
		return one_domain(p, r->change.domain, ret, d);
	case CHANGE_POLICY:
		return all_domains(p, ret, d);
	case CHANGE_CLOCK:
	case CHANGE_NOTE:
		ret->n = 0;
		return 0;
	default:
		return diag_fail(d, CS_E_CHANGE_ACTION, "an action", "%d",
		    (int)r->action);
	}
}

/* Everything a check of a change looks at. */
struct look {
	const struct policy *p;
	const struct request *r;
	int64_t now;
	const struct evidence_doc *docs;
	struct policy *new;
};

/* The new policy's bytes are those that the change lists. */
static int
check_document(const struct look *x, struct checks *c, bool *ret)
{
	const struct request_evidence *e = &x->r->evidence[0];
	uint8_t digest[32];
	int r;

	r = sha256(x->docs[0].data, x->docs[0].len, digest);
	if (r != 0)
		return r;
	*ret = strcmp(e->name, CHANGE_POLICY_DOC) == 0 &&
	    memcmp(digest, e->sha256, 32) == 0 && e->size == x->docs[0].len;
	return checks_add(c, CS_E_CHANGE_DOCUMENT, *ret,
	    CHANGE_POLICY_DOC " with the size and SHA-256 that it lists",
	    "%.80s, %zu bytes%s", e->name, x->docs[0].len,
	    *ret ? "" : ", other ones");
}

static bool
is_named(const struct change *n, const struct policy *new)
{
	return memcmp(n->policy, new->digest, 32) == 0 &&
	    n->policy_version == new->version;
}

static int
check_policy(struct look *x, struct checks *c)
{
	const struct change *n = &x->r->change;
	struct diag d = { 0 };
	bool good = false;
	int r;

	r = check_document(x, c, &good);
	if (r != 0 || !good)
		return r;
	r = policy_load_next(x->p, x->docs[0].data, x->docs[0].len, x->now,
	    &x->new, &d);
	if (r == CS_E_NOMEM || r == CS_E_CRYPTO || r == CS_E_INTERNAL)
		return r;
	if (r != 0)
		return checks_add_diag(c, &d);
	r = checks_add(c, CS_E_CHANGE_QUORUM, true,
	    "the next version, signed by the administration quorum",
	    "version %llu, \"%.80s\"", (unsigned long long)x->new->version,
	    x->new->name);
	good = is_named(n, x->new);
	if (r == 0)
		r = checks_add(c, CS_E_CHANGE_NAMED, good,
		    "the policy that the change names",
		    good ? "version %llu" :
			   "version %llu by number, or another digest",
		    (unsigned long long)x->new->version);
	return r;
}

static int
check_generate(struct look *x, struct checks *c)
{
	const struct change *n = &x->r->change;
	const bool name = policy_name_ok(n->key);
	const bool alg = (unsigned)n->alg < KEY_ALG_COUNT;
	bool there = policy_domain_by_id(x->p, n->domain) != NULL;
	int r;

	r = checks_add(c, CS_E_CHANGE_DOMAIN, there,
	    "a domain that the policy has", "%.60s", n->domain);
	if (r == 0)
		r = checks_add(c, CS_E_CHANGE_NAME, name,
		    "1 to 40 of a-z, 0-9 and dashes", "the key %.60s", n->key);
	there = policy_key_by_id(x->p, n->key) != NULL;
	if (r == 0)
		r = checks_add(c, CS_E_CHANGE_KEY_EXISTS, !there,
		    "an ID that no key has", "%.60s%s", n->key,
		    there ? ", which the policy has" : "");
	if (r == 0)
		r = checks_add(c, CS_E_CHANGE_ALGORITHM, alg,
		    "an algorithm that keys may have", "%s",
		    alg ? key_alg_name(n->alg) : "another");
	return r;
}

static int
check_destroy(struct look *x, struct checks *c)
{
	const char *id = x->r->change.key;
	const struct policy_key *k = policy_key_by_id(x->p, id);
	int r;

	r = checks_add(c, CS_E_CHANGE_KEY, k != NULL,
	    "a key that the policy has", "%.60s", id);
	if (r != 0 || k == NULL)
		return r;
	return checks_add(c, CS_E_CHANGE_KEY_STATE,
	    strcmp(k->state, "retired") == 0 ||
		strcmp(k->state, "revoked") == 0,
	    "retired or revoked", "the key %s is %s", k->id, k->state);
}

static int
check_clock(struct look *x, struct checks *c)
{
	const int64_t n = x->r->change.seconds;

	return checks_add(c, CS_E_CHANGE_CLOCK, change_clock_ok(n),
	    "at most ten years, not 0", "%+lld s", (long long)n);
}

static int
check_note(struct look *x, struct checks *c)
{
	(void)x;
	(void)c;
	return 0;
}

static const struct {
	size_t documents; /* how many it needs */
	int (*check)(struct look *x, struct checks *c);
} actions[REQUEST_ACTIONS] = {
	[CHANGE_POLICY] = { 1, check_policy },
	[CHANGE_KEY_GENERATE] = { 0, check_generate },
	[CHANGE_KEY_DESTROY] = { 0, check_destroy },
	[CHANGE_CLOCK] = { 0, check_clock },
	[CHANGE_NOTE] = { 0, check_note },
};

/* nothing failed of what was added after the first n */
static bool
passed(const struct checks *c, size_t n)
{
	for (; n < c->n; n++)
		if (!c->v[n].pass)
			return false;
	return true;
}

int
evaluate_change(const struct policy *p, const struct request *r, int64_t now,
    const struct evidence_doc *docs, size_t n, struct checks *c,
    struct policy **ret_new)
{
	struct look x = { p, r, now, docs, NULL };
	const char *name = change_action_name(r->action);
	const size_t before = c->n;
	bool right;
	int e;

	*ret_new = NULL;
	e = checks_add(c, CS_E_CHANGE_ACTION, name != NULL, "a change", "%s",
	    name == NULL ? "something else" : name);
	if (e != 0 || name == NULL)
		return e;
	right = n == actions[r->action].documents && r->nevidence == n;
	e = evaluate_created(r, now, c);
	if (e == 0)
		e = checks_add(c, CS_E_CHANGE_EVIDENCE, right,
		    actions[r->action].documents == 0 ? "no document" :
							"one document",
		    "%zu listed, %zu there", r->nevidence, n);
	/* one that needs documents looks at nothing without them */
	if (e == 0 && (right || actions[r->action].documents == 0))
		e = actions[r->action].check(&x, c);
	if (e == 0 && passed(c, before))
		*ret_new = take_ptr(x.new);
	policy_free(&x.new);
	return e;
}
