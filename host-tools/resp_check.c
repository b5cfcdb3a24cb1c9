/* SPDX-License-Identifier: Apache-2.0 */
#include "host-tools/resp_check.h"

#include <inttypes.h>
#include <string.h>

#include "lib/hex.h"

int
resp_check_envelope(struct resp_check *x, struct diag *d)
{
	const struct pubkey *keys[] = { x->record_key };
	bool hit = false;
	size_t bad = 0;
	int r;

	r = dsse_verify(x->f.env, keys, 1, &hit, &bad, d);
	if (r != 0)
		return r;
	r = checks_add(&x->checks, CS_E_RESPONSE_RECORD,
	    hit && bad == 0 && x->f.env->nsigs == 1,
	    "one good signature by the record key",
	    "%zu signatures, %zu of them by other keys or bad", x->f.env->nsigs,
	    bad);
	return r == 0 ? 0 : diag_nomem(d);
}

static const struct policy_rule *
rule_of(const struct policy *p, const char *id)
{
	size_t i;

	for (i = 0; i < p->nrules; i++)
		if (strcmp(p->rules[i].id, id) == 0)
			return &p->rules[i];
	return NULL;
}

int
resp_check_policy(struct resp_check *x, uint64_t version,
    const uint8_t digest[32], const char *origin)
{
	char hex[CS_SHA256_HEX + 1];
	int r;

	hex_encode(x->policy->digest, 32, hex);
	r = checks_add(&x->checks, CS_E_RESPONSE_POLICY,
	    version == x->policy->version &&
		memcmp(digest, x->policy->digest, 32) == 0,
	    hex, "version %" PRIu64, version);
	if (r == 0)
		r = checks_add(&x->checks, CS_E_RESPONSE_ORIGIN,
		    strcmp(origin, x->log_keys.v[0].name) == 0 &&
			policy_names_log(x->policy, origin),
		    x->log_keys.v[0].name, "%s", origin);
	return r;
}

static int
check_key(struct resp_check *x)
{
	const struct record *rec = x->f.record;

	x->key = respfile_key(&x->f, x->policy);
	return checks_add(&x->checks, CS_E_RESPONSE_KEY, x->key != NULL,
	    "a key of the policy, for this product and format", "%s, %s, %s",
	    rec->key, rec->product, rec->format);
}

int
resp_check_record(struct resp_check *x)
{
	const struct record *rec = x->f.record;
	const struct policy_rule *u = rule_of(x->policy, rec->rule);
	char want[64] = "a rule of the policy";
	size_t n = rec->napprovals; /* distinct: record_parse() */
	int r;

	r = resp_check_policy(x, rec->policy_version, rec->policy_digest,
	    rec->origin);
	if (r == 0)
		r = check_key(x);
	if (r != 0)
		return r;
	if (u != NULL)
		(void)snprintf(want, sizeof(want), "at least %" PRIu64,
		    u->threshold);
	return checks_add(&x->checks, CS_E_RESPONSE_APPROVALS,
	    u != NULL && strcmp(u->product, rec->product) == 0 &&
		n >= u->threshold,
	    want, "%zu approvals, rule %s", n, rec->rule);
}

static const struct subject *
subject_of(const struct record *rec, const struct subject *file)
{
	const struct subject *s;
	size_t i;

	for (i = 0; i < rec->st->nsubjects; i++) {
		s = &rec->st->subjects[i];
		if (s->has[HASH_SHA256] &&
		    memcmp(s->digest[HASH_SHA256], file->digest[HASH_SHA256],
			32) == 0)
			return s;
	}
	return NULL;
}

int
resp_check_artifacts(struct resp_check *x)
{
	const struct subject *s, *file;
	unsigned a;
	size_t i;
	bool good;
	int r = 0;

	for (i = 0; r == 0 && i < x->artifacts.n; i++) {
		file = &x->artifacts.v[i].s;
		s = subject_of(x->f.record, file);
		good = s != NULL;
		for (a = 0; good && a < HASH_COUNT; a++)
			good = !s->has[a] ||
			    memcmp(s->digest[a], file->digest[a],
				hash_len((enum hash_alg)a)) == 0;
		r = checks_add(&x->checks, CS_E_RESPONSE_ARTIFACT, good,
		    "an artifact of the record", "%s", x->artifacts.v[i].path);
	}
	return r;
}
