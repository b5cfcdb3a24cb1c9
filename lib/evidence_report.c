/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the documents come to.  A requirement is met for an artifact if one
 * document satisfies all of it and names the artifact, and nothing that
 * denies stands against it:
 *
 *	A scan with a denied finding, or a test that has not passed, is not
 *	hidden by another document that is clean.  Only a clean one that is
 *	newer than every one that denies counts; so the newest scan decides.
 *	One of the same second is not newer, and one without a time cannot be
 *	shown to be older: a test result (v0.1 has no time) that did not pass
 *	always stands.
 *
 * A document that fails is a failed check if the requirement is not met; if
 * it is met without it, the document is unused, which is said, and passes.
 */
#include <stdio.h>
#include <string.h>

#include "lib/evidence_impl.h"

#define UNDATED_GOOD (INT64_MIN + 1)
#define NEVER	     INT64_MIN

static const struct {
	enum evidence_type type;
	int code;
} denials[] = {
	{ EVIDENCE_VULNS, CS_E_EVIDENCE_SEVERITY },
	{ EVIDENCE_VULNS, CS_E_EVIDENCE_WAIVER },
	{ EVIDENCE_VULNS, CS_E_EVIDENCE_STATEMENT },
	{ EVIDENCE_TEST, CS_E_EVIDENCE_RESULT },
	{ EVIDENCE_TEST, CS_E_EVIDENCE_STATEMENT },
};

/* these are wrong whoever needs them: the document itself is broken */
static const int always[] = {
	CS_E_EVIDENCE_ENVELOPE,
	CS_E_EVIDENCE_SAME_KEY,
	CS_E_EVIDENCE_STATEMENT,
};

struct standing {	   /* of one artifact */
	int64_t good, bad; /* the newest, or NEVER */
	bool named;
};

struct report {
	const struct request *r;
	const struct policy_rule *rule;
	const struct evidence_file *f;
	size_t n;
	struct checks *c;
	struct standing *s;
	size_t unmet; /* requirements */
};

static bool
denies(enum evidence_type type, int code)
{
	size_t i;

	for (i = 0; i < ARRAY_LEN(denials); i++)
		if (denials[i].type == type && denials[i].code == code)
			return true;
	return false;
}

static bool
is_met(const struct standing *s)
{
	return s->good != NEVER && (s->bad == NEVER || s->good > s->bad);
}

static void
add_up(const struct evidence_file *f, const struct evidence_verdict *v,
    struct standing *s)
{
	const struct evidence_facts *t = &v->facts;
	int64_t good = NEVER, bad = NEVER;
	size_t i;

	if (v->d.code == 0)
		good = t->dated ? t->time : UNDATED_GOOD;
	else if (denies((enum evidence_type)f->type, v->d.code))
		bad = t->dated ? t->time : INT64_MAX;
	for (i = 0; i < f->nsubjects; i++) {
		struct standing *x = &s[f->subjects[i]];

		x->named = true;
		if (good > x->good)
			x->good = good;
		if (bad > x->bad)
			x->bad = bad;
	}
}

static int
add_document(const struct report *t, const struct evidence_file *f,
    const struct evidence_verdict *v, bool met)
{
	const char *type = evidence_type_name((enum evidence_type)f->type);
	char made[21] = "no time";

	if (v->d.code == 0) {
		if (v->facts.dated)
			time_format(v->facts.time, made);
		return checks_add(t->c, CS_E_EVIDENCE_SIGNATURE, true,
		    "evidence that satisfies the rule",
		    "%s: %.60s by %.40s, %s%s%s", type, f->doc->name, v->by->id,
		    made, v->facts.note[0] == '\0' ? "" : ", ", v->facts.note);
	}
	if (met && !denies((enum evidence_type)f->type, v->d.code))
		return checks_add(t->c, CS_E_EVIDENCE_UNUSED, true, "",
		    "%s: %.60s is not used: %s: %s", type, f->doc->name,
		    err_id(v->d.code), v->d.found);
	return checks_add(t->c, v->d.code, met, v->d.expected,
	    "%s: %.60s%s: %s", type, f->doc->name,
	    met ? ", before a newer one" : "", v->d.found);
}

/* One line for the requirement itself. */
static int
add_requirement(struct report *t, enum evidence_type type, size_t came)
{
	const struct subject *subject = t->r->st->subjects;
	size_t i, m = t->r->st->nsubjects, met = 0, named = 0, first = m;

	for (i = 0; i < m; i++) {
		met += is_met(&t->s[i]);
		named += t->s[i].named;
		if (first == m && !is_met(&t->s[i]))
			first = i;
	}
	if (met == m)
		return checks_add(t->c, CS_E_EVIDENCE_REQUIRED, true,
		    "evidence for every artifact", "%s: %zu of %zu artifacts",
		    evidence_type_name(type), met, m);
	t->unmet++;
	if (came == 0)
		return checks_add(t->c, CS_E_EVIDENCE_MISSING, false,
		    "a signed attestation of this type", "%s: none",
		    evidence_type_name(type));
	if (named < m) {
		for (first = 0; t->s[first].named; first++)
			continue;
		return checks_add(t->c, CS_E_EVIDENCE_SUBJECT, false,
		    "evidence that names every artifact",
		    "%s: %zu of %zu artifacts are not named, the first is "
		    "%.80s",
		    evidence_type_name(type), m - named, m,
		    subject[first].name);
	}
	return checks_add(t->c, CS_E_EVIDENCE_REQUIRED, false,
	    "evidence for every artifact",
	    "%s: %zu of %zu artifacts; the first without is %.80s",
	    evidence_type_name(type), met, m, subject[first].name);
}

static int
report_requirement(struct report *t, size_t index)
{
	enum evidence_type type = t->rule->evidence[index].type;
	size_t i, came = 0, before = t->unmet;
	int e;

	for (i = 0; i < t->r->st->nsubjects; i++)
		t->s[i] = (struct standing){ NEVER, NEVER, false };
	for (i = 0; i < t->n; i++) {
		if (t->f[i].d.code != 0 || t->f[i].type != (int)type)
			continue;
		came++;
		add_up(&t->f[i], &t->f[i].verdicts[index], t->s);
	}
	e = add_requirement(t, type, came);
	for (i = 0; e == 0 && i < t->n; i++)
		if (t->f[i].d.code == 0 && t->f[i].type == (int)type)
			e = add_document(t, &t->f[i], &t->f[i].verdicts[index],
			    t->unmet == before);
	return e;
}

static bool
is_demanded(const struct policy_rule *rule, int type)
{
	size_t i;

	for (i = 0; i < rule->nevidence; i++)
		if ((int)rule->evidence[i].type == type)
			return true;
	return false;
}

/* Those that no requirement has looked at. */
static int
report_other(const struct report *t, const struct evidence_file *f)
{
	bool broken = false;
	size_t i;

	if (f->d.code == 0 && is_demanded(t->rule, f->type))
		return 0;
	if (f->d.code == 0)
		return checks_add(t->c, CS_E_EVIDENCE_UNUSED, true, "",
		    "%.60s is not used: the rule demands no %s", f->doc->name,
		    evidence_type_name((enum evidence_type)f->type));
	for (i = 0; i < ARRAY_LEN(always); i++)
		broken |= always[i] == f->d.code;
	if (!broken && t->unmet == 0)
		return checks_add(t->c, CS_E_EVIDENCE_UNUSED, true, "",
		    "%.60s is not used: %s: %s", f->doc->name,
		    err_id(f->d.code), f->d.found);
	return checks_add(t->c, f->d.code, false, f->d.expected, "%.60s: %s",
	    f->doc->name, f->d.found);
}

int
evidence_report(const struct request *r, const struct policy_rule *rule,
    const struct evidence_file *f, size_t n, struct checks *c)
{
	_cleanup_free_ struct standing *s =
	    calloc(r->st->nsubjects, sizeof(*s));
	struct report t = { r, rule, f, n, c, s, 0 };
	size_t i;
	int e = 0;

	if (s == NULL)
		return CS_E_NOMEM;
	for (i = 0; e == 0 && i < rule->nevidence; i++)
		e = report_requirement(&t, i);
	for (i = 0; e == 0 && i < n; i++)
		e = report_other(&t, &f[i]);
	return e;
}
