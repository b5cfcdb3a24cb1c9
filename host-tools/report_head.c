/* SPDX-License-Identifier: Apache-2.0 */
#include <inttypes.h>
#include <string.h>

#include "host-tools/report.h"
#include "lib/b64.h"
#include "lib/hex.h"
#include "lib/sha.h"

#define WORDS_MAX 400u
#define B64_MAX	  48u

/* "12,345" */
void
report_number(struct html *h, uint64_t n)
{
	if (n >= 1000) {
		report_number(h, n / 1000);
		html_rawf(h, ",%03" PRIu64, n % 1000);
	} else {
		html_rawf(h, "%" PRIu64, n);
	}
}

void
report_section(struct report *p, const char *id, const char *title)
{
	html_rawf(&p->h, "<section id=\"%s\">\n<h2>%s</h2>\n", id, title);
}

/* Nothing may be loaded or run; the one style is named by its hash. */
static int
put_start(struct report *p, struct diag *d)
{
	struct html *h = &p->h;
	char b64[B64_MAX];
	uint8_t digest[32];

	if (sha256(report_style, strlen(report_style), digest) != 0)
		return diag_fail(d, CS_E_CRYPTO, NULL, "the style's hash");
	b64_encode(digest, sizeof(digest), b64);
	html_rawf(h,
	    "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n"
	    "<meta charset=\"utf-8\">\n"
	    "<meta http-equiv=\"Content-Security-Policy\" content=\""
	    "default-src 'none'; style-src 'sha256-%s'; base-uri 'none'; "
	    "form-action 'none'\">\n"
	    "<meta name=\"referrer\" content=\"no-referrer\">\n"
	    "<meta name=\"viewport\" content=\"width=device-width\">\n"
	    "<title>Signing log: ",
	    b64);
	html_text(h, p->a.head.c.origin);
	html_rawf(h, "</title>\n<style>%s</style>\n</head>\n<body>\n",
	    report_style);
	html_raw(h, "<header>\n<p>Signing log of</p>\n");
	html_el(h, "h1", NULL, p->a.head.c.origin);
	html_raw(h, "\n<p>Report made ");
	html_time(h, (uint64_t)p->now);
	html_raw(h,
	    " UTC by the auditor's clock. Times below are UTC by the "
	    "appliance's own clock.</p>\n</header>\n");
	return 0;
}

/* A sign that does without colour. */
static const char *const signs[] = {
	"<path d=\"M10 25l9 9 20-22\"/>",
	"<path d=\"M24 9v20M24 36v3\"/>",
	"<path d=\"M11 11l26 26M37 11L11 37\"/>",
};

static void
put_banner(struct html *h, int sign, const char *class, const char *title)
{
	html_rawf(h,
	    "<div class=\"verdict %s\" role=\"status\"><svg width=\"48\" "
	    "height=\"48\" viewBox=\"0 0 48 48\" fill=\"none\" "
	    "stroke=\"currentColor\" stroke-width=\"6\" aria-hidden=\"true\">"
	    "%s</svg><div><b>%s</b>\n<p>",
	    class, signs[sign], title);
}

static void
put_bad(struct report *p)
{
	struct html *h = &p->h;

	put_banner(h, 2, "bad",
	    p->verdict == CS_E_AUDIT_FORK ? "FORK" : "NOT VERIFIED");
	html_rawf(h, "%s: %s.</p>\n<p>Found: ", err_id(p->verdict),
	    err_text(p->verdict));
	html_text(h, p->why.found);
	if (p->why.expected[0] != '\0') {
		html_raw(h, ". Expected: ");
		html_text(h, p->why.expected);
	}
	html_rawf(h,
	    ".</p>\n<p>What to do: %s. Do not rely on the tables "
	    "below.",
	    err_advice(p->verdict));
}

static void
put_verdict(struct report *p)
{
	struct html *h = &p->h;
	uint64_t look =
	    p->findings[REPORT_SERIOUS] + p->findings[REPORT_ATTENTION];

	if (p->verdict != 0) {
		put_bad(p);
		html_raw(h, "</p></div></div>\n");
		return;
	}
	if (p->waiting > 0)
		put_banner(h, 1, "warn", "VERIFIED UP TO A GAP");
	else if (p->findings[REPORT_SERIOUS] > 0)
		put_banner(h, 1, "warn", "VERIFIED, with serious findings");
	else
		put_banner(h, 0, "ok", "VERIFIED");
	html_raw(h, "All ");
	report_number(h, p->a.head.c.size);
	html_rawf(h,
	    " leaves were hashed again and lead to the root that %s signed. "
	    "The tables say what the leaves say.</p>\n<p>",
	    p->a.keys.n > 1 ? "the log's HSM and TPM keys" : "the log's key");
	if (p->waiting > 0)
		html_rawf(h,
		    "<b class=\"warn\">%" PRIu64 " newer bundles wait for a "
		    "medium that has not come: see Findings.</b>",
		    p->waiting);
	else if (look > 0)
		html_rawf(h,
		    "The log is whole; what it says may need an answer: "
		    "<a href=\"#findings\">%" PRIu64 " finding%s to look "
		    "at</a>.",
		    look, look == 1 ? "" : "s");
	else
		html_raw(h, "Nothing in it calls for an answer.");
	html_raw(h, "</p></div></div>\n");
}

static const struct {
	const char *sql, *one, *many;
} cards[] = {
	{ "SELECT count(*) FROM signature", "signature", "signatures" },
	{ "SELECT count(*) FROM intake", "request accepted",
	    "requests accepted" },
	{ "SELECT count(*) FROM v_refusals WHERE event = 'intake.refused'",
	    "request refused", "requests refused" },
	{ "SELECT count(*) FROM v_approvals WHERE decision = 'approve'",
	    "approval", "approvals" },
	{ "SELECT count(*) FROM v_approvals WHERE decision = 'reject'",
	    "rejection", "rejections" },
	{ "SELECT count(DISTINCT person) FROM approval", "person decided",
	    "people decided" },
	{ "SELECT count(*) FROM boot", "boot", "boots" },
	{ "SELECT count(*) FROM policy", "policy", "policies" },
};

static int
put_cards(struct report *p, struct diag *d)
{
	uint64_t n = 0;
	size_t i;
	int r = 0;

	html_raw(&p->h, "<div class=\"cards\">\n");
	for (i = 0; r == 0 && i < ARRAY_LEN(cards); i++) {
		r = audit_ask_number(p->a.db, cards[i].sql, NULL, 0, &n, d);
		html_raw(&p->h, "<div><b>");
		report_number(&p->h, n);
		html_rawf(&p->h, "</b><span>%s</span></div>\n",
		    n == 1 ? cards[i].one : cards[i].many);
	}
	html_raw(&p->h, "</div>\n");
	return r;
}

static void
put_nav(struct html *h)
{
	static const char *const to[][2] = {
		{ "identity", "Log" },
		{ "findings", "Findings" },
		{ "timeline", "Timeline" },
		{ "signatures", "Signatures" },
		{ "approvals", "Approvals" },
		{ "refusals", "Refusals" },
		{ "boots", "Boots" },
		{ "changes", "Changes" },
		{ "authority", "Who can sign" },
		{ "policies", "Policy history" },
		{ "verify", "Verify it yourself" },
		{ "limits", "What is not proven" },
	};
	size_t i;

	html_raw(h, "<nav>");
	for (i = 0; i < ARRAY_LEN(to); i++)
		html_rawf(h, "<a href=\"#%s\">%s</a> ", to[i][0], to[i][1]);
	html_raw(h, "</nav>\n");
}

int
report_head(struct report *p, struct diag *d)
{
	int r = put_start(p, d);

	if (r != 0)
		return r;
	put_verdict(p);
	put_nav(&p->h);
	return put_cards(p, d);
}

/* --- log identity --------------------------------------------------------- */
static void
put_keys(struct report *p)
{
	char id[9], text[NOTE_VKEY_TEXT_MAX];
	struct html *h = &p->h;
	size_t i;

	for (i = 0; i < p->a.keys.n; i++) {
		hex_encode(p->a.keys.v[i].id, 4, id);
		note_vkey_format(&p->a.keys.v[i], text);
		html_rawf(h,
		    "<tr><th>Key %zu</th><td>%s, ID <code>%s</code>"
		    "<span class=\"sub code\">",
		    i + 1, note_type_name(p->a.keys.v[i].type), id);
		html_text(h, text);
		html_raw(h, "</span></td></tr>\n");
	}
}

static int
put_root(struct report *p, struct diag *d)
{
	char text[WORDS_MAX];
	struct html *h = &p->h;

	if (hex_groups(p->a.head.c.root, 32, text, sizeof(text)) != 0)
		return diag_fail(d, CS_E_INTERNAL, NULL, "the root");
	html_rawf(h, "<tr><th>Root</th><td><code>%s</code></td></tr>\n", text);
	if (pgp_words(p->a.head.c.root, 32, text, sizeof(text)) != 0)
		return diag_fail(d, CS_E_INTERNAL, NULL, "the root");
	html_rawf(h,
	    "<tr><th>Root in words</th><td class=\"words\">%s"
	    "<span class=\"sub\">PGP word list; the appliance's console shows "
	    "the same words at this size</span></td></tr>\n",
	    text);
	return 0;
}

static int
put_imports(struct report *p, struct diag *d)
{
	_cleanup_audit_rows_ struct audit_rows *q = NULL;
	struct html *h = &p->h;
	bool any = true;
	int r;

	html_raw(h,
	    "<details><summary>Checkpoints that were accepted, the "
	    "newest first</summary>\n<table><thead><tr>"
	    "<th class=\"n\">Leaves<th>Imported (auditor's clock)"
	    "<th>Root<th>Bundle (SHA-256 of its manifest)"
	    "</thead><tbody>\n");
	r = audit_rows_open(p->a.db,
	    "SELECT size, imported, root, bundle FROM v_checkpoints"
	    " ORDER BY size DESC LIMIT 100",
	    NULL, 0, &q, d);
	while (r == 0) {
		r = audit_rows_next(q, &any, d);
		if (r != 0 || !any)
			break;
		html_raw(h, "<tr><td class=\"n\">");
		report_number(h, audit_rows_number(q, 0));
		html_raw(h, "<td>");
		html_time(h, audit_rows_number(q, 1));
		html_raw(h, "<td class=\"code\">");
		html_text(h, audit_rows_text(q, 2));
		html_raw(h, "<td class=\"code\">");
		html_text(h, audit_rows_text(q, 3));
		html_raw(h, "\n");
	}
	html_raw(h, "</tbody></table></details>\n");
	return r;
}

int
report_identity(struct report *p, struct diag *d)
{
	struct html *h = &p->h;
	int r;

	report_section(p, "identity", "The log");
	html_raw(h, "<table class=\"facts\">\n<tr><th>Origin</th><td>");
	html_text(h, p->a.head.c.origin);
	html_raw(h, "</td></tr>\n<tr><th>Leaves</th><td>");
	report_number(h, p->a.head.c.size);
	html_raw(h, "</td></tr>\n");
	r = put_root(p, d);
	if (r != 0)
		return r;
	put_keys(p);
	html_raw(h,
	    "</table>\n<h3>The newest checkpoint, as it was signed"
	    "</h3>\n<pre>");
	html_text(h, p->a.head.note);
	html_raw(h, "</pre>\n");
	r = put_imports(p, d);
	html_raw(h, "</section>\n");
	return r;
}
