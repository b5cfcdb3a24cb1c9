/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "lib/evaluate.h"
#include "lib/hex.h"

#define LISTED_MAX 50u /* failures of one batch, one line each */

/* Failures beyond LISTED_MAX are counted, not listed. */
struct tally {
	struct checks *c;
	bool own;	  /* the format has a digest of its own */
	bool digest_only; /* an artifact may be absent */
	size_t absent;	  /* and was */
	size_t failed;
	int code; /* of the last one */
};

static int
fail(struct tally *t, int code, const char *expected, const char *what,
    const char *name)
{
	t->code = code;
	if (++t->failed > LISTED_MAX)
		return 0;
	return checks_add(t->c, code, false, expected, "%s %.120s", what, name);
}

static int
by_sha256(const void *a, const void *b)
{
	const struct artifact *const *x = a, *const *y = b;

	return memcmp((*x)->sha256, (*y)->sha256, 32);
}

static const struct artifact *
find(const struct artifact *const *v, size_t n, const struct subject *s)
{
	struct artifact want = { 0 };
	const struct artifact *w = &want;
	const struct artifact *const *hit;

	if (n == 0 || !s->has[HASH_SHA256])
		return NULL;
	memcpy(want.sha256, s->digest[HASH_SHA256], 32);
	hit = bsearch(&w, v, n, sizeof(struct artifact *), by_sha256);
	return hit == NULL ? NULL : *hit;
}

/* Only intake has seen what the format signs of it. */
static int
check_own(const struct subject *s, const struct artifact *a, struct tally *t)
{
	if (a->refused.code != 0)
		return fail(t, a->refused.code, a->refused.expected,
		    a->refused.found, s->name);
	if (a->tbs_len == 0 || a->tbs_len != s->tbs_len ||
	    memcmp(a->tbs, s->tbs, s->tbs_len) != 0)
		return fail(t, CS_E_ARTIFACT_DIGEST, "the format's own digest",
		    "another one for", s->name);
	return 0;
}

static int
check_subject(const struct subject *s, const struct artifact *a,
    enum hash_alg h, struct tally *t)
{
	unsigned i;

	if (a == NULL && t->digest_only) {
		t->absent++;
		return 0;
	}
	if (a == NULL)
		return fail(t, CS_E_ARTIFACT_MISSING, "the artifact", "no",
		    s->name);
	if (a->size != s->size)
		return fail(t, CS_E_ARTIFACT_SIZE, "the size in the request",
		    "another size for", s->name);
	/* sha256 is what it was found by; the key's must be there */
	if (h != HASH_SHA256 && (!a->has[h] || !s->has[h]))
		return fail(t, CS_E_ARTIFACT_DIGEST, hash_name(h),
		    "not computed or not requested for", s->name);
	for (i = 0; i < HASH_COUNT; i++)
		if (a->has[i] && s->has[i] &&
		    memcmp(a->digest[i], s->digest[i],
			hash_len((enum hash_alg)i)) != 0)
			return fail(t, CS_E_ARTIFACT_DIGEST,
			    hash_name((enum hash_alg)i), "another digest for",
			    s->name);
	return t->own ? check_own(s, a, t) : 0;
}

/* v is sorted: equal ones are neighbours. */
static int
check_extra(const struct artifact *const *v, size_t n, const struct request *r,
    struct tally *t)
{
	_cleanup_free_ struct artifact *have = NULL;
	_cleanup_free_ const struct artifact **want = NULL;
	size_t i, m = r->st->nsubjects;
	char hex[65];
	int e;

	have = calloc(m, sizeof(*have));
	want = calloc(m, sizeof(struct artifact *));
	if (have == NULL || want == NULL)
		return CS_E_NOMEM;
	for (i = 0; i < m; i++) {
		memcpy(have[i].sha256, r->st->subjects[i].digest[HASH_SHA256],
		    32);
		want[i] = &have[i];
	}
	qsort(want, m, sizeof(struct artifact *), by_sha256);
	for (i = 0; i < n; i++) {
		hex_encode(v[i]->sha256, 32, hex);
		if (i > 0 && by_sha256(&v[i - 1], &v[i]) == 0) {
			e = fail(t, CS_E_ARTIFACT_TWICE, "each artifact once",
			    "twice", hex);
			if (e != 0)
				return e;
		}
		if (bsearch(&v[i], want, m, sizeof(struct artifact *),
			by_sha256) != NULL)
			continue;
		e = fail(t, CS_E_ARTIFACT_EXTRA, "only what the request names",
		    "the artifact", hex);
		if (e != 0)
			return e;
	}
	return 0;
}

int
evaluate_artifacts(const struct policy *p, const struct request *r,
    const struct policy_rule *rule, const struct artifact *a, size_t n,
    struct checks *c)
{
	_cleanup_free_ const struct artifact **v = NULL;
	const struct policy_key *k = policy_key_by_id(p, r->key);
	const struct sigfmt *f = sigfmt_by_name(r->format);
	struct tally t = { .c = c,
		.digest_only = rule != NULL && rule->digest_only };
	size_t i;
	int e = 0;

	t.own = f != NULL && f->filehash != FILEHASH_NONE;
	if (k == NULL)
		return checks_add(c, CS_E_POLICY_KEY, false,
		    "a key that the policy has", "%.80s", r->key);
	v = calloc(n + 1, sizeof(struct artifact *));
	if (v == NULL)
		return CS_E_NOMEM;
	for (i = 0; i < n; i++)
		v[i] = &a[i];
	qsort(v, n, sizeof(struct artifact *), by_sha256);
	for (i = 0; e == 0 && i < r->st->nsubjects; i++)
		e = check_subject(&r->st->subjects[i],
		    find(v, n, &r->st->subjects[i]), key_alg_hash(k->alg), &t);
	if (e == 0)
		e = check_extra(v, n, r, &t);
	if (e == 0 && t.failed > LISTED_MAX)
		e = checks_add(c, t.code, false, "no failure",
		    "%zu more artifacts", t.failed - LISTED_MAX);
	if (e == 0 && t.absent > 0)
		e = checks_add(c, CS_E_ARTIFACT_MISSING, true,
		    "digest only, as the rule allows",
		    "%zu artifacts not on the medium", t.absent);
	if (e == 0 && t.failed == 0)
		e = checks_add(c, CS_E_ARTIFACT_DIGEST, true,
		    "the sizes and digests in the request",
		    "%zu artifacts, all as requested", n);
	return e;
}
