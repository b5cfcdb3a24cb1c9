/* SPDX-License-Identifier: Apache-2.0 */
#include <inttypes.h>
#include <string.h>

#include "host-tools/report.h"

#define SHOWN 20u /* rows of a finding */

/*
 * What an auditor asks about.  Each question gives a leaf and up to two texts
 * about it.
 */
struct finding {
	enum report_level level;
	const char *title;
	const char *what;     /* what it means */
	const char *heads[2]; /* of the texts */
	const char *sql;
};

#define COUNTERS                                                        \
	"(SELECT idx, counter, lag(counter) OVER (ORDER BY idx) AS was" \
	" FROM (SELECT idx, counter FROM boot UNION ALL"                \
	" SELECT idx, counter FROM export) AS both_kinds) AS c"
#define OUTCOME_AFTER(t)                                \
	"(SELECT 1 FROM outcome o WHERE o.request = " t \
	".request AND o.idx > " t ".idx)"

static const struct finding findings[] = {
	{ REPORT_SERIOUS, "Signatures that nobody approved",
	    "their leaves name no approver", { "artifact", "SHA-256" },
	    "SELECT s.idx, s.name, s.artifact FROM signature s WHERE NOT"
	    " EXISTS (SELECT 1 FROM trace_approver t WHERE t.trace = s.trace)"
	    " ORDER BY s.idx" },
	{ REPORT_SERIOUS, "Requesters who approved their own request", "",
	    { "person", "artifact" },
	    "SELECT s.idx, w.word, s.name FROM signature s"
	    " JOIN trace t ON t.id = s.trace"
	    " JOIN trace_approver a ON a.trace = t.id"
	    " AND a.person = t.requester"
	    " JOIN word w ON w.id = a.person ORDER BY s.idx" },
	{ REPORT_SERIOUS, "Signatures without a ceremony that ended",
	    "no outcome follows them in this log", { "artifact", "SHA-256" },
	    "SELECT s.idx, s.name, s.artifact FROM signature s"
	    " WHERE NOT EXISTS " OUTCOME_AFTER("s") " ORDER BY s.idx" },
	{ REPORT_SERIOUS, "The TPM's counter went back",
	    "it counts boots and exports and never can: another TPM, or an "
	    "older copy of the log",
	    { "before", "after" },
	    "SELECT idx, was, counter FROM " COUNTERS
	    " WHERE counter <= was ORDER BY idx" },
	{ REPORT_SERIOUS, "An older image was booted",
	    "image version before and after", { "before", "after" },
	    "SELECT idx, was, image_version FROM (SELECT idx, image_version,"
	    " lag(image_version) OVER (ORDER BY idx) AS was FROM boot) AS b"
	    " WHERE image_version < was ORDER BY idx" },
	{ REPORT_SERIOUS, "PINs that came out without a ceremony",
	    "no intent of the request is before them", { "domain", "purpose" },
	    "SELECT u.idx, u.domain, u.purpose FROM v_unseals u"
	    " JOIN unseal s ON s.idx = u.idx WHERE u.result = 'released'"
	    " AND u.purpose <> 'audit' AND NOT EXISTS (SELECT 1 FROM intent i"
	    " WHERE i.request = s.request AND i.idx < s.idx) ORDER BY u.idx" },
	{ REPORT_SERIOUS, "Logs of an HSM that do not add up",
	    "entries are missing or altered, or the token used its keys more "
	    "or less often than the ceremonies asked for; \"coldseal audit log "
	    "--type hsm.log --json\" has the entries",
	    { "check", "found" },
	    "SELECT idx, check_id, found FROM v_token_logs"
	    " WHERE check_id IS NOT NULL ORDER BY idx" },
	{ REPORT_ATTENTION, "Glass was broken",
	    "evidence, scope and windows were passed over, for this reason",
	    { "requester", "reason" },
	    "SELECT idx, requester, break_glass FROM v_requests"
	    " WHERE break_glass IS NOT NULL ORDER BY idx" },
	{ REPORT_ATTENTION, "Boots or exports that the log does not show",
	    "the TPM's counter before and after; it also counts exports that "
	    "failed and boots that ended before their leaf was written",
	    { "before", "after" },
	    "SELECT idx, was, counter FROM " COUNTERS
	    " WHERE counter > was + 1 ORDER BY idx" },
	{ REPORT_ATTENTION, "PINs that the TPM did not give",
	    "too few votes, an older generation, another boot state: the check "
	    "says which",
	    { "check", "found" },
	    "SELECT idx, check_id, found FROM v_unseals"
	    " WHERE result <> 'released' ORDER BY idx" },
	{ REPORT_ATTENTION, "The TPM counted towards its lockout",
	    "nothing that the appliance does is counted: somebody else asked",
	    { "before", "after" },
	    "SELECT idx, was, lockout_after FROM (SELECT idx, lockout_after,"
	    " coalesce(lag(lockout_after) OVER (ORDER BY idx), 0) AS was"
	    " FROM unseal WHERE lockout_after IS NOT NULL) AS u"
	    " WHERE lockout_after > was ORDER BY idx" },
	{ REPORT_ATTENTION, "Signing or changes that failed", "",
	    { "result", "found" },
	    "SELECT idx, result, found FROM v_outcomes"
	    " WHERE result NOT IN ('signed', 'made') ORDER BY idx" },
	{ REPORT_ATTENTION, "Signing or changes without an outcome",
	    "cut off, or still going on when the log was exported",
	    { "request", "" },
	    "SELECT i.idx, r.request, '' FROM intent i"
	    " JOIN request r ON r.id = i.request"
	    " WHERE NOT EXISTS " OUTCOME_AFTER("i") " ORDER BY i.idx" },
	{ REPORT_ATTENTION, "Clock faults",
	    "the appliance found its clock behind the last logged time and "
	    "did not sign",
	    { "", "" },
	    "SELECT idx, '', '' FROM v_events WHERE event = 'clock.fault'"
	    " ORDER BY idx" },
	{ REPORT_ATTENTION, "Claimed times that go back",
	    "seconds since 1970, before and after; the order of leaves is "
	    "what counts",
	    { "before", "after" },
	    "SELECT idx, was, claimed FROM (SELECT idx, claimed,"
	    " lag(claimed) OVER (ORDER BY idx) AS was FROM event) AS e"
	    " WHERE claimed < was ORDER BY idx" },
	{ REPORT_ATTENTION, "The log began after a recovery",
	    "the log before it ended there; compare with its last checkpoint",
	    { "log before it", "its leaves" },
	    "SELECT idx, from_origin, from_size FROM start"
	    " WHERE from_origin IS NOT NULL ORDER BY idx" },
	{ REPORT_ATTENTION, "A rehearsal",
	    "its HSM may be software: nothing that it signed is for use",
	    { "appliance", "" },
	    "SELECT idx, appliance, '' FROM start WHERE rehearsal = 1"
	    " ORDER BY idx" },
	{ REPORT_ATTENTION, "Events that this version does not know",
	    "they are in the log, and in no table below", { "event", "" },
	    "SELECT idx, event, '' FROM v_events WHERE event NOT IN"
	    " ('log.start', 'boot', 'shutdown', 'clock.fault',"
	    " 'intake.accepted', 'intake.refused', 'session', 'session.end',"
	    " 'approval', 'approval.refused', 'sign.intent', 'signature',"
	    " 'sign.outcome', 'export', 'attest', 'change.intent',"
	    " 'change.outcome', 'receipt', 'tpm.unseal', 'hsm.log',"
	    " 'console.open', 'console.close') ORDER BY idx" },
	{ REPORT_NOTE, "Requests that were refused at intake",
	    "by the first check that failed", { "check", "found" },
	    "SELECT idx, check_id, found FROM v_refusals"
	    " WHERE event = 'intake.refused' ORDER BY idx" },
	{ REPORT_NOTE, "Approvals that were refused",
	    "wrong PINs, unknown tokens, people who may not",
	    { "person", "check" },
	    "SELECT idx, person, check_id FROM v_refusals"
	    " WHERE event = 'approval.refused' ORDER BY idx" },
	{ REPORT_NOTE, "Requests that somebody rejected", "with the reason",
	    { "person", "reason" },
	    "SELECT idx, person, reason FROM v_approvals"
	    " WHERE decision = 'reject' ORDER BY idx" },
	{ REPORT_NOTE, "Approvals that lapsed with the power", "",
	    { "request", "" },
	    "SELECT idx, request, '' FROM v_events"
	    " WHERE event = 'session.end' ORDER BY idx" },
	{ REPORT_NOTE, "Boots without a shutdown before them",
	    "the power went, or the appliance was killed",
	    { "event before", "" },
	    "SELECT b.idx, w.word, '' FROM boot b"
	    " JOIN event e ON e.idx = b.idx - 1 JOIN word w ON w.id = e.type"
	    " WHERE w.word NOT IN ('shutdown', 'log.start') ORDER BY b.idx" },
	{ REPORT_NOTE, "Console sessions that nobody ended",
	    "the terminal hung up, or the console was killed",
	    { "console", "reason" },
	    "SELECT idx, console, reason FROM v_consoles"
	    " WHERE event = 'console.close' AND reason <> 'shutdown'"
	    " ORDER BY idx" },
	{ REPORT_NOTE, "Accepted requests that are still open",
	    "neither signed nor rejected in this log", { "request", "product" },
	    "SELECT i.idx, r.request, w.word FROM intake i"
	    " JOIN request r ON r.id = i.request"
	    " LEFT JOIN word w ON w.id = r.product"
	    " WHERE NOT EXISTS " OUTCOME_AFTER(
		"i") " AND NOT EXISTS (SELECT 1 FROM approval a"
		     " JOIN word d ON d.id = a.decision WHERE a.request = "
		     "i.request"
		     " AND d.word = 'reject')"
		     " ORDER BY i.idx" },
};

#define FINDINGS ARRAY_LEN(findings)

static const struct {
	const char *class, *word;
} levels[] = {
	[REPORT_SERIOUS] = { "bad", "serious" },
	[REPORT_ATTENTION] = { "warn", "look at" },
	[REPORT_NOTE] = { "dim", "note" },
};

static int
count(struct report *p, const struct finding *f, uint64_t *ret, struct diag *d)
{
	char sql[4096];

	(void)snprintf(sql, sizeof(sql), "SELECT count(*) FROM (%s) AS f",
	    f->sql);
	return audit_ask_number(p->a.db, sql, NULL, 0, ret, d);
}

int
report_count_findings(struct report *p, struct diag *d)
{
	uint64_t n = 0;
	size_t i;
	int r = 0;

	for (i = 0; r == 0 && i < FINDINGS; i++) {
		r = count(p, &findings[i], &n, d);
		p->findings[findings[i].level] += n > 0;
	}
	p->findings[REPORT_SERIOUS] += p->forks > 0;
	p->findings[REPORT_SERIOUS] += p->waiting > 0;
	return r;
}

static void
put_title(struct html *h, enum report_level level, const char *title,
    uint64_t n, const char *what)
{
	html_rawf(h,
	    "<details%s><summary><span class=\"tag %s\">%s</span> "
	    "<b>%s</b>: ",
	    level == REPORT_NOTE ? "" : " open", levels[level].class,
	    levels[level].word, title);
	report_number(h, n);
	html_raw(h, "</summary>\n");
	if (*what != '\0')
		html_rawf(h, "<p class=\"dim\">%s</p>\n", what);
}

static int
put_rows(struct report *p, const struct finding *f, uint64_t n, struct diag *d)
{
	_cleanup_audit_rows_ struct audit_rows *q = NULL;
	struct html *h = &p->h;
	bool any = true;
	uint64_t i;
	int r;

	html_rawf(h,
	    "<table class=\"leaves\"><thead><tr><th class=\"n\">Leaf"
	    "<th>%s<th>%s</thead><tbody>\n",
	    f->heads[0], f->heads[1]);
	r = audit_rows_open(p->a.db, f->sql, NULL, 0, &q, d);
	for (i = 0; r == 0 && i < SHOWN; i++) {
		r = audit_rows_next(q, &any, d);
		if (r != 0 || !any)
			break;
		html_raw(h, "<tr><td class=\"n\">");
		report_number(h, audit_rows_number(q, 0));
		html_el(h, "td", NULL, audit_rows_text(q, 1));
		html_el(h, "td", NULL, audit_rows_text(q, 2));
		html_raw(h, "\n");
	}
	html_raw(h, "</tbody></table>\n");
	if (n > SHOWN) {
		html_raw(h, "<p>and ");
		report_number(h, n - SHOWN);
		html_raw(h,
		    " more; <code>coldseal audit log</code> lists "
		    "them</p>\n");
	}
	return r;
}

/* What is not in the log but beside it. */
static void
put_outside(struct report *p)
{
	struct html *h = &p->h;

	if (p->forks > 0) {
		put_title(h, REPORT_SERIOUS, "Forks", p->forks,
		    "the appliance signed checkpoints that contradict each "
		    "other; both notes are kept in <code>forks/</code> beside "
		    "the database, and together are proof");
		html_raw(h, "</details>\n");
	}
	if (p->waiting > 0) {
		put_title(h, REPORT_SERIOUS, "Bundles that wait for a medium",
		    p->waiting,
		    "newer leaves came, and the ones between did not: find "
		    "the missing medium; <code>coldseal audit status</code> "
		    "says which leaves are missing");
		html_raw(h, "</details>\n");
	}
}

int
report_findings(struct report *p, struct diag *d)
{
	struct html *h = &p->h;
	uint64_t n = 0, all = p->forks + p->waiting;
	size_t i;
	int r = 0;

	report_section(p, "findings", "Findings");
	put_outside(p);
	for (i = 0; r == 0 && i < FINDINGS; i++) {
		r = count(p, &findings[i], &n, d);
		if (r != 0 || n == 0)
			continue;
		all += n;
		put_title(h, findings[i].level, findings[i].title, n,
		    findings[i].what);
		r = put_rows(p, &findings[i], n, d);
		html_raw(h, "</details>\n");
	}
	if (all == 0)
		html_raw(h, "<p>None.</p>\n");
	html_rawf(h,
	    "<p class=\"dim\">%zu questions were asked of the log: refusals, "
	    "rejections, clock faults, counters, boots, ceremonies without an "
	    "end, people who approved themselves. What is not listed was not "
	    "found.</p>\n</section>\n",
	    FINDINGS);
	return r;
}
