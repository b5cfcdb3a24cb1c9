/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Documents against the requirements of a rule.  One document is read at a
 * time, judged for every requirement of its type, and its JSON let go; what
 * it comes to is added up in lib/evidence_report.c.
 */
#include <stdio.h>
#include <string.h>

#include "lib/evaluate_impl.h"
#include "lib/evidence_impl.h"

struct work {
	const struct policy *p;
	const struct request *r;
	const struct policy_rule *rule;
	int64_t now;
	struct evidence_keys keys;
	const struct subject **by_digest; /* of the request, sorted */
	struct evidence_file *files;
	size_t nfiles;
};

static void
work_done(struct work *w)
{
	size_t i;

	for (i = 0; i < w->nfiles; i++) {
		free(w->files[i].subjects);
		free(w->files[i].verdicts);
	}
	free(w->files);
	free(w->by_digest);
	free(w->keys.v);
}

static int
by_sha256(const void *a, const void *b)
{
	const struct subject *const *x = a, *const *y = b;

	return memcmp((*x)->digest[HASH_SHA256], (*y)->digest[HASH_SHA256], 32);
}

static int
work_init(struct work *w, size_t n)
{
	size_t i, m = w->r->st->nsubjects;
	int r;

	r = evidence_keys(w->p, w->rule, &w->keys);
	if (r != 0)
		return r;
	w->by_digest = calloc(m, sizeof(*w->by_digest));
	w->files = calloc(n + 1, sizeof(*w->files));
	if (w->by_digest == NULL || w->files == NULL)
		return CS_E_NOMEM;
	w->nfiles = n;
	for (i = 0; i < m; i++)
		w->by_digest[i] = &w->r->st->subjects[i];
	qsort(w->by_digest, m, sizeof(*w->by_digest), by_sha256);
	return 0;
}

/* Which of the request's artifacts the statement names, by SHA-256. */
static int
find_subjects(const struct work *w, const struct evidence_statement *s,
    struct evidence_file *f)
{
	struct subject want = { .has = { [HASH_SHA256] = true } };
	const struct subject *k = &want, *const * hit;
	size_t i;

	f->subjects = calloc(s->nsha256 + 1, sizeof(*f->subjects));
	if (f->subjects == NULL)
		return CS_E_NOMEM;
	for (i = 0; i < s->nsha256; i++) {
		memcpy(want.digest[HASH_SHA256], s->sha256[i], 32);
		hit = bsearch(&k, w->by_digest, w->r->st->nsubjects,
		    sizeof(*w->by_digest), by_sha256);
		if (hit != NULL)
			f->subjects[f->nsubjects++] =
			    (size_t)(*hit - w->r->st->subjects);
	}
	return 0;
}

/* A signer with one of the roles, valid now; or why there is none. */
static int
check_signer(const struct evidence_file *f, const struct policy_evidence *want,
    int64_t now, const struct policy_principal **ret, struct diag *d)
{
	struct diag why = { 0 };
	size_t i;
	int r;

	*ret = NULL;
	for (i = 0; i < f->by.n; i++) {
		const struct policy_principal *w = f->by.who[i];

		if (!policy_lists_meet(&w->roles, &want->signers))
			continue;
		*ret = w;
		r = evaluate_period(now, w->valid_from, w->valid_until,
		    CS_E_EVIDENCE_SIGNER_EXPIRED, CS_E_EVIDENCE_SIGNER_NOT_YET,
		    w->id, &why);
		if (r == 0)
			return 0;
	}
	if (*ret != NULL) {
		*d = why;
		return why.code;
	}
	return diag_fail(d, CS_E_EVIDENCE_ROLE,
	    want->signers.n > 0 ? want->signers.v[0] : "a role",
	    "%.40s, who has no such role", f->by.who[0]->id);
}

static int
check_time(const struct evidence_ask *a, const struct evidence_facts *f,
    struct diag *d)
{
	char made[21], clock[21];

	time_format(f->time, made);
	time_format(a->now, clock);
	if (f->dated && f->time > a->now + EVIDENCE_SKEW)
		return diag_fail(d, CS_E_EVIDENCE_FUTURE, "a time before now",
		    "made at %s, the clock says %s", made, clock);
	if (a->want->max_age == 0)
		return 0;
	if (!f->dated)
		return diag_fail(d, CS_E_EVIDENCE_NO_TIME,
		    "a time, because the rule has a maximum age", "no time");
	if (f->time < a->now && (uint64_t)(a->now - f->time) > a->want->max_age)
		return diag_fail(d, CS_E_EVIDENCE_AGE,
		    "evidence within the maximum age",
		    "made at %s, at most %llu days old, the clock says %s",
		    made, (unsigned long long)(a->want->max_age / 86400),
		    clock);
	return 0;
}

static void
judge(const struct work *w, const struct evidence_statement *s,
    const struct evidence_predicate *kind, size_t index,
    struct evidence_file *f)
{
	const struct evidence_ask a = { w->p, w->r, &w->rule->evidence[index],
		w->now };
	struct evidence_verdict *v = &f->verdicts[index];
	int r;

	r = check_signer(f, a.want, w->now, &v->by, &v->d);
	if (r == 0 && kind == NULL)
		r = diag_fail(&v->d, CS_E_EVIDENCE_PREDICATE,
		    "a version that is known", "%.120s", s->predicate_type);
	if (r == 0 && f->nsubjects == 0)
		r = diag_fail(&v->d, CS_E_EVIDENCE_SUBJECT,
		    "the SHA-256 of an artifact of the request",
		    "%zu subject%s, none of them", s->nsubjects,
		    s->nsubjects == 1 ? "" : "s");
	if (r == 0)
		r = kind->check(&a, s->predicate, &v->facts, &v->d);
	if (r == 0)
		r = check_time(&a, &v->facts, &v->d);
	v->d.code = r;
}

static int
read_statement(const struct work *w, const struct evidence_envelope *e,
    struct evidence_file *f)
{
	_cleanup_evidence_statement_ struct evidence_statement s = { 0 };
	const struct evidence_predicate *kind;
	size_t i;
	int r;

	r = evidence_statement(e->dsse->payload, e->dsse->payload_len, &s,
	    &f->d);
	if (r != 0)
		return r;
	kind = evidence_predicate(s.predicate_type);
	f->type =
	    kind != NULL ? (int)kind->type : evidence_family(s.predicate_type);
	if (f->type < 0)
		return diag_fail(&f->d, CS_E_EVIDENCE_PREDICATE,
		    "a predicate type that is known", "%.120s",
		    s.predicate_type);
	r = find_subjects(w, &s, f);
	if (r != 0)
		return r;
	for (i = 0; i < w->rule->nevidence; i++)
		if ((int)w->rule->evidence[i].type == f->type)
			judge(w, &s, kind, i, f);
	return 0;
}

static int
read_file(const struct work *w, const struct evidence_doc *doc,
    struct evidence_file *f)
{
	_cleanup_evidence_envelope_ struct evidence_envelope e = { 0 };
	int r;

	f->doc = doc;
	f->type = -1;
	f->verdicts = calloc(w->rule->nevidence, sizeof(*f->verdicts));
	if (f->verdicts == NULL)
		return CS_E_NOMEM;
	r = evidence_envelope(doc->data, doc->len, &e, &f->d);
	if (r == 0)
		r = evidence_signers(&e, &w->keys, &f->by, &f->d);
	if (r == 0)
		r = read_statement(w, &e, f);
	f->d.code = r;
	return evidence_fatal(r) ? r : 0;
}

/* The documents are those that the signed request names, all of them. */
static int
check_listed(const struct request *r, const struct evidence_doc *docs, size_t n,
    struct checks *c)
{
	_cleanup_free_ bool *seen = calloc(r->nevidence + 1, sizeof(*seen));
	uint8_t digest[32];
	size_t i, k;
	int e = 0;

	if (seen == NULL)
		return CS_E_NOMEM;
	for (i = 0; e == 0 && i < n; i++) {
		e = sha256(docs[i].data, docs[i].len, digest);
		if (e != 0)
			return e;
		for (k = 0; k < r->nevidence; k++)
			if (memcmp(digest, r->evidence[k].sha256, 32) == 0)
				break;
		seen[k] = true;
		if (k == r->nevidence)
			e = checks_add(c, CS_E_EVIDENCE_UNLISTED, false,
			    "only what the request names", "%.80s",
			    docs[i].name);
	}
	for (k = 0; e == 0 && k < r->nevidence; k++)
		if (!seen[k])
			e = checks_add(c, CS_E_EVIDENCE_ABSENT, false,
			    "all that the request names", "no %.80s",
			    r->evidence[k].name);
	return e;
}

int
evaluate_evidence(const struct policy *p, const struct request *r,
    const struct policy_rule *rule, const struct evidence_doc *docs, size_t n,
    int64_t now, struct checks *c)
{
	_cleanup_(work_done) struct work w = { p, r, rule, now, { 0 }, NULL,
		NULL, 0 };
	size_t i;
	int e;

	if (rule->nevidence == 0)
		return checks_add(c, CS_E_EVIDENCE_REQUIRED, true, "none",
		    "the rule demands no evidence; %zu document%s not looked "
		    "at",
		    n, n == 1 ? "" : "s");
	e = check_listed(r, docs, n, c);
	if (e == 0)
		e = work_init(&w, n);
	for (i = 0; e == 0 && i < n; i++)
		e = read_file(&w, &docs[i], &w.files[i]);
	return e != 0 ? e : evidence_report(r, rule, w.files, n, c);
}
