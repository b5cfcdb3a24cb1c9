/* SPDX-License-Identifier: Apache-2.0 */
#include <openssl/asn1.h>
#include <openssl/err.h>
#include <openssl/x509.h>
#include <string.h>
#include <time.h>

#include "lib/evaluate_impl.h"
#include "lib/ossl.h"

/* How far a requester's clock may be ahead of the appliance's, seconds. */
#define CLOCK_SKEW 86400

int
evaluate_signer(const struct policy *p, const struct dsse *env,
    const struct policy_principal **ret_who, const struct pubkey **ret_key,
    bool *ret_alone)
{
	_cleanup_free_ const struct pubkey **keys = NULL;
	_cleanup_free_ bool *hit = NULL;
	size_t i, j, n = 0, bad = 0;
	int r;

	for (i = 0; i < p->nprincipals; i++)
		n += p->principals[i].nkeys;
	keys = calloc(n + 1, sizeof(struct pubkey *));
	hit = calloc(n + 1, sizeof(*hit));
	if (keys == NULL || hit == NULL)
		return CS_E_NOMEM;
	for (i = 0, n = 0; i < p->nprincipals; i++)
		for (j = 0; j < p->principals[i].nkeys; j++)
			keys[n++] = p->principals[i].keys[j];
	r = dsse_verify(env, keys, n, hit, &bad, NULL);
	if (r != 0)
		return r;
	for (i = 0; i < n && !hit[i]; i++)
		continue;
	*ret_key = i < n ? keys[i] : NULL;
	*ret_who = policy_principal_by_key(p, *ret_key);
	*ret_alone = *ret_who != NULL && env->nsigs == 1;
	return 0;
}

int
evaluate_period(int64_t now, int64_t from, int64_t until, int code_over,
    int code_not_yet, const char *what, struct diag *d)
{
	char clock[21], a[21], b[21];

	time_format(now, clock);
	time_format(from, a);
	time_format(until, b);
	if (now < from)
		return diag_fail(d, code_not_yet, "a time within the validity",
		    "the clock says %s, %.60s is valid from %s", clock, what,
		    a);
	if (now > until)
		return diag_fail(d, code_over, "a time within the validity",
		    "the clock says %s, %.60s was valid until %s", clock, what,
		    b);
	(void)diag_fail(d, code_over, "a time within the validity",
	    "%.60s is valid from %s until %s, the clock says %s", what, a, b,
	    clock);
	return 0;
}

static int
add_period(struct checks *c, int64_t now, int64_t from, int64_t until,
    int code_over, int code_not_yet, const char *what)
{
	struct diag d = { 0 };
	int r;

	r = evaluate_period(now, from, until, code_over, code_not_yet, what,
	    &d);
	return checks_add(c, d.code, r == 0, d.expected, "%s", d.found);
}

/* A change is also filed by those who may decide on such. */
static int
check_files(const struct policy *p, const struct request *r,
    const struct policy_principal *who, struct checks *c)
{
	const bool change = r->action != REQUEST_SIGN;
	const bool may = policy_list_has(&who->roles, "requester") ||
	    (change && policy_is_admin(p, who));

	return checks_add(c, CS_E_REQ_REQUESTER, may,
	    change ? "the role requester, or one of the administration" :
		     "the role requester",
	    "%s %s %s", who->id, may ? "has" : "has not",
	    change ? "such a role" : "the role requester");
}

int
evaluate_requester(const struct policy *p, const struct dsse *env,
    const struct request *r, int64_t now, struct checks *c,
    const struct policy_principal **ret_who)
{
	const struct policy_principal *who = NULL;
	const struct pubkey *key = NULL;
	bool alone = false, same;
	int e;

	*ret_who = NULL;
	e = evaluate_signer(p, env, &who, &key, &alone);
	if (e != 0)
		return e;
	same = memcmp(env->digest, r->digest, sizeof(r->digest)) == 0;
	e = checks_add(c, CS_E_REQ_SIGNATURE, alone && same,
	    "one signature, by a key that the policy lists",
	    "%zu signature%s, %s%s%s", env->nsigs, env->nsigs == 1 ? "" : "s",
	    who == NULL ? "none by a key that the policy lists" : "by ",
	    who == NULL ? "" : who->id, same ? "" : ", over another document");
	if (e != 0 || who == NULL)
		return e;
	*ret_who = who;
	e = check_files(p, r, who, c);
	if (e != 0)
		return e;
	return add_period(c, now, who->valid_from, who->valid_until,
	    CS_E_REQ_EXPIRED, CS_E_REQ_NOT_YET, who->id);
}

static int
asn1_seconds(const ASN1_TIME *t, int64_t *ret)
{
	struct tm tm = { 0 };

	if (t == NULL || ASN1_TIME_to_tm(t, &tm) != 1)
		return CS_E_CRYPTO;
	*ret = timegm(&tm);
	return 0;
}

/* R7: what the request's time is compared with, named in the message. */
static int
check_created(const struct request *r, int64_t from, const char *what,
    struct checks *c)
{
	char created[21], begin[21];

	time_format(r->created, created);
	time_format(from, begin);
	return checks_add(c, CS_E_REQ_NOT_BEFORE, r->created >= from,
	    "a request made within the validity",
	    "the request was made %s, %.60s is valid from %s", created, what,
	    begin);
}

static int
x509_period(const struct policy_key *k, int64_t *ret_from, int64_t *ret_until)
{
	_cleanup_(x509_freep) X509 *x = NULL;
	const unsigned char *p = k->cert;
	int e;

	x = d2i_X509(NULL, &p, (long)k->cert_len);
	ERR_clear_error();
	if (x == NULL)
		return CS_E_CRYPTO;
	e = asn1_seconds(X509_get0_notBefore(x), ret_from);
	return e != 0 ? e : asn1_seconds(X509_get0_notAfter(x), ret_until);
}

static int
check_certificate(const struct policy_key *k, const struct request *r,
    int64_t now, struct checks *c)
{
	const struct sigfmt *f = sigfmt_by_name(k->formats.v[0]);
	int64_t from = 0, until = INT64_MAX;
	int e;

	if (k->cert == NULL)
		return 0;
	if (f != NULL && f->cert_from != NULL) {
		/* without an end: that is the policy's */
		e = f->cert_from(k, &from);
		until = k->valid_until;
	} else {
		e = x509_period(k, &from, &until);
	}
	if (e == 0)
		e = add_period(c, now, from, until, CS_E_KEY_EXPIRED,
		    CS_E_KEY_NOT_YET, "the key's certificate");
	return e != 0 ? e : check_created(r, from, "the key's certificate", c);
}

static int
check_key(const struct policy_key *k, const struct request *r, int64_t now,
    struct checks *c)
{
	int e;

	e = checks_add(c, CS_E_POLICY_KEY,
	    policy_list_has(&k->products, r->product), "a key for this product",
	    "the key %s %s %.80s", k->id,
	    policy_list_has(&k->products, r->product) ? "is for" : "is not for",
	    r->product);
	if (e == 0)
		e = checks_add(c, CS_E_POLICY_FORMAT,
		    policy_list_has(&k->formats, r->format), k->formats.v[0],
		    "%.60s for the key %s", r->format, k->id);
	if (e == 0)
		e = checks_add(c, CS_E_KEY_STATE,
		    strcmp(k->state, "active") == 0, "active",
		    "the key %s is %s", k->id, k->state);
	if (e == 0)
		e = add_period(c, now, k->valid_from, k->valid_until,
		    CS_E_KEY_EXPIRED, CS_E_KEY_NOT_YET, k->id);
	if (e == 0)
		e = check_created(r, k->valid_from, k->id, c);
	return e != 0 ? e : check_certificate(k, r, now, c);
}

/* R6: the digest that is signed is the one of the key's strength. */
static int
check_digests(const struct policy_key *k, const struct request *r,
    struct checks *c, bool *ret_good)
{
	const struct subject *s = r->st->subjects;
	enum hash_alg h = key_alg_hash(k->alg);
	size_t i;

	for (i = 0; i < r->st->nsubjects; i++)
		if (!s[i].has[h])
			return checks_add(c, CS_E_REQ_DIGEST, false,
			    hash_name(h), "no %s for %.120s", hash_name(h),
			    s[i].name);
	*ret_good = true;
	return checks_add(c, CS_E_REQ_DIGEST, true, hash_name(h),
	    "%s for %zu artifacts", hash_name(h), r->st->nsubjects);
}

/* What the format asks of each artifact. */
static int
check_format(const struct policy_key *k, const struct request *r,
    struct checks *c)
{
	struct sigfmt_job j = { .key = k };
	struct diag d = { 0 };
	size_t i;

	if (!policy_list_has(&k->formats, r->format))
		return 0; /* which is a failed check already */
	for (i = 0; i < r->st->nsubjects; i++) {
		j.subject = &r->st->subjects[i];
		if (sigfmt_check(r->format, &j, &d) != 0)
			return checks_add(c, d.code, false, d.expected, "%s",
			    d.found);
	}
	return checks_add(c, CS_E_FORMAT, true, "what the format can sign",
	    "%s for %zu artifacts", r->format, r->st->nsubjects);
}

static bool
rule_matches(const struct policy_rule *u, const struct request *r,
    const struct policy_principal *who)
{
	return strcmp(u->product, r->product) == 0 && who != NULL &&
	    policy_list_has(&u->requesters, who->id) &&
	    policy_list_has(&u->keys, r->key) &&
	    policy_list_has(&u->formats, r->format);
}

static int
use_rule(const struct policy_rule *u, const struct request *r, struct checks *c,
    const struct policy_rule **ret)
{
	*ret = u;
	return evaluate_scope(r, u, c);
}

/* Its quorum decides, and none of the rule's patterns, windows, evidence. */
static int
use_break_glass(const struct policy *p, const struct request *r,
    struct checks *c, const struct policy_rule **ret)
{
	if (p->has_break_glass)
		*ret = &p->break_glass;
	return checks_add(c, CS_E_POLICY_BREAK_GLASS, p->has_break_glass,
	    "a policy with break-glass", "break-glass: %.160s", r->break_glass);
}

static int
check_rule(const struct policy *p, const struct request *r,
    const struct policy_principal *who, struct checks *c,
    const struct policy_rule **ret)
{
	const struct policy_rule *u = NULL;
	size_t i, matches = 0, product = 0, listed = 0;
	int e;

	for (i = 0; i < p->nrules; i++) {
		if (strcmp(p->rules[i].product, r->product) == 0) {
			product++;
			listed += who != NULL &&
			    policy_list_has(&p->rules[i].requesters, who->id);
		}
		if (rule_matches(&p->rules[i], r, who)) {
			u = &p->rules[i];
			matches++;
		}
	}
	e = checks_add(c, CS_E_POLICY_PRODUCT, product > 0,
	    "a rule for the product", "%zu for %.80s", product, r->product);
	if (e == 0)
		e = checks_add(c, CS_E_REQ_REQUESTER, listed > 0,
		    "a requester whom a rule of this product lists",
		    "%s in %zu rules", who == NULL ? "nobody" : who->id,
		    listed);
	if (e == 0)
		e = checks_add(c, CS_E_POLICY_RULE, matches == 1,
		    "one rule for this product, requester, key and format",
		    "%zu%s%s", matches, matches == 1 ? ": " : "",
		    matches == 1 ? u->id : "");
	if (e != 0 || matches != 1)
		return e;
	return r->break_glass == NULL ? use_rule(u, r, c, ret) :
					use_break_glass(p, r, c, ret);
}

int
evaluate_created(const struct request *r, int64_t now, struct checks *c)
{
	char created[21], clock[21];

	time_format(r->created, created);
	time_format(now, clock);
	return checks_add(c, CS_E_REQ_FUTURE, r->created - now <= CLOCK_SKEW,
	    "a request made no more than a day ahead of the clock",
	    "the clock says %s, the request was made %s", clock, created);
}

int
evaluate_request(const struct policy *p, const struct request *r,
    const struct policy_principal *who, int64_t now, struct checks *c,
    const struct policy_rule **ret_rule)
{
	const struct policy_key *k = policy_key_by_id(p, r->key);
	bool digests = false;
	int e;

	*ret_rule = NULL;
	e = check_rule(p, r, who, c, ret_rule);
	if (e == 0)
		e = evaluate_created(r, now, c);
	if (e == 0 && k == NULL)
		return checks_add(c, CS_E_POLICY_KEY, false,
		    "a key that the policy has", "%.80s", r->key);
	if (e == 0)
		e = check_key(k, r, now, c);
	if (e == 0)
		e = check_digests(k, r, c, &digests);
	return e != 0 || !digests ? e : check_format(k, r, c);
}
