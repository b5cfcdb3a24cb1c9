/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>
#include <string.h>

#include "lib/evidence_impl.h"

/*
 * in-toto vulns v0.1 and v0.2 (in-toto/attestation spec/predicates/vulns.md,
 * vulns_02.md).  Findings are the entries of scanner.result; v0.1's text puts
 * each below "vulnerability" and its example does not, so both are read.  A
 * result beside scanner is read as well: no list of findings is passed over.
 */
#define NAMED_MAX 3u /* findings that are named; the others are counted */

struct tally {
	const struct evidence_ask *a;
	size_t denied, expired, waived;
	char ids[130];	  /* of the denied */
	const char *over; /* a finding whose waiver has run out */
	int64_t over_since;
	const char *stands; /* one that is waived */
	int64_t until;
};

static const struct policy_waiver *
find_waiver(const struct tally *t, const char *id)
{
	const struct policy_waiver *w, *best = NULL;
	size_t i;

	for (i = 0; i < t->a->p->nwaivers; i++) {
		w = &t->a->p->waivers[i];
		if (strcmp(w->vulnerability, id) == 0 &&
		    policy_list_has(&w->products, t->a->r->product) &&
		    (best == NULL || w->until > best->until))
			best = w;
	}
	return best;
}

static void
count_denied(struct tally *t, const char *id)
{
	size_t len = strlen(t->ids);

	if (t->denied++ < NAMED_MAX)
		(void)snprintf(t->ids + len, sizeof(t->ids) - len, "%s%.40s",
		    len > 0 ? ", " : "", id);
}

static void
count(struct tally *t, const char *id)
{
	const struct policy_waiver *w = find_waiver(t, id);

	if (w == NULL) {
		count_denied(t, id);
	} else if (t->a->now > w->until) {
		t->expired++;
		t->over = id;
		t->over_since = w->until;
	} else {
		t->waived++;
		t->stands = id;
		t->until = w->until;
	}
}

static int
read_finding(json_t *j, size_t index, struct tally *t, struct diag *d)
{
	json_t *inner = json_object_get(j, "vulnerability");
	const char *id;

	if (inner != NULL &&
	    (json_object_get(j, "id") != NULL ||
		json_object_get(j, "severity") != NULL))
		return diag_fail(d, CS_E_EVIDENCE_STATEMENT,
		    "one vulnerability in each finding", "two in finding %zu",
		    index);
	if (inner != NULL)
		j = inner;
	id = evidence_text(j, "id");
	if (id == NULL)
		return diag_fail(d, CS_E_EVIDENCE_STATEMENT,
		    "an id in each finding", "none in finding %zu", index);
	if (evidence_severity_denied(json_object_get(j, "severity"),
		&t->a->want->denied))
		count(t, id);
	return 0;
}

static int
read_findings(json_t *list, struct tally *t, struct diag *d)
{
	json_t *v;
	size_t i;
	int r;

	if (list != NULL && !json_is_array(list))
		return diag_fail(d, CS_E_EVIDENCE_STATEMENT,
		    "a list of findings", "another result");
	json_array_foreach (list, i, v) {
		r = read_finding(v, i, t, d);
		if (r != 0)
			return r;
	}
	return 0;
}

static int
judge(const struct tally *t, struct evidence_facts *f, struct diag *d)
{
	char time[21];

	if (t->denied > NAMED_MAX)
		return diag_fail(d, CS_E_EVIDENCE_SEVERITY,
		    "no finding at a denied severity, or a waiver",
		    "%zu findings: %s and %zu more", t->denied, t->ids,
		    t->denied - NAMED_MAX);
	if (t->denied > 0)
		return diag_fail(d, CS_E_EVIDENCE_SEVERITY,
		    "no finding at a denied severity, or a waiver",
		    "%zu finding%s: %s", t->denied, t->denied == 1 ? "" : "s",
		    t->ids);
	if (t->expired > 0) {
		time_format(t->over_since, time);
		return diag_fail(d, CS_E_EVIDENCE_WAIVER,
		    "a waiver that is still good",
		    "the waiver for %.60s ran out at %s (%zu such)", t->over,
		    time, t->expired);
	}
	if (t->waived > 0) {
		time_format(t->until, time);
		(void)snprintf(f->note, sizeof(f->note),
		    "%zu waived, %.40s until %s", t->waived, t->stands, time);
	}
	return 0;
}

/* Findings come first: whatever else is wrong, they must not be lost. */
int
evidence_vulns(const struct evidence_ask *a, json_t *predicate,
    struct evidence_facts *f, struct diag *d)
{
	json_t *inner = evidence_get(predicate, "scanner/result");
	json_t *outer = json_object_get(predicate, "result");
	const char *scanner = evidence_text(predicate, "scanner/uri");
	struct tally t = { .a = a };
	int r;

	r = evidence_time(predicate, "metadata/scanFinishedOn", f, d);
	if (r != 0)
		return r;
	if (scanner == NULL || (inner == NULL && outer == NULL))
		return diag_fail(d, CS_E_EVIDENCE_STATEMENT,
		    "scanner.uri and scanner.result", "a scan without");
	r = read_findings(inner, &t, d);
	if (r == 0)
		r = read_findings(outer, &t, d);
	if (r == 0)
		r = judge(&t, f, d);
	if (r != 0)
		return r;
	if (!evidence_glob(&a->want->scanners, scanner))
		return diag_fail(d, CS_E_EVIDENCE_SCANNER,
		    a->want->scanners.v[0], "scanner %.120s", scanner);
	/* the newest scan counts, so one without a time does not */
	if (!f->dated)
		return diag_fail(d, CS_E_EVIDENCE_NO_TIME,
		    "metadata.scanFinishedOn", "no time");
	return 0;
}
