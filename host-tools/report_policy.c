/* SPDX-License-Identifier: Apache-2.0 */
/* Who can sign now, and how that came to be. */
#include <inttypes.h>
#include <string.h>

#include "host-tools/audit_policy.h"
#include "host-tools/report.h"
#include "lib/policy_diff.h"
#include "lib/policy_explain.h"
#include "lib/json.h"

#define TEXT_LIMIT (64u << 20)

/* A document that did not come, or is damaged, is no reason for no report. */
static int
put_missing(struct report *p, int r, const struct diag *why, struct diag *d)
{
	if (err_exit(r) == CS_EXIT_SYSTEM || err_exit(r) == CS_EXIT_INTERNAL)
		return diag_fail(d, r, why->expected, "%s", why->found);
	html_rawf(&p->h,
	    "<p>The policy's document cannot be used: %s: %s: ", err_id(r),
	    err_text(r));
	html_text(&p->h, why->found);
	html_raw(&p->h, ".</p>\n");
	return 0;
}

static void
put_names(struct html *h, const json_t *list, const char *none)
{
	const json_t *v;
	size_t i;

	json_array_foreach (list, i, v) {
		html_raw(h, i > 0 ? ", " : "");
		html_el(h, "span", NULL,
		    json_is_object(v) ? leaf_text(v, "id") :
					json_string_value(v));
	}
	if (json_array_size(list) == 0)
		html_raw(h, none);
}

/* One of lib/authority.h's rows, as its JSON has it. */
static void
put_row(struct html *h, const json_t *row)
{
	bool can = json_is_true(json_object_get(row, "possible"));
	const char *key = leaf_text(row, "key");

	html_raw(h, "<tr><td>");
	html_el(h, "span", NULL, leaf_text(row, "product"));
	html_raw(h, "<td>");
	html_el(h, "span", NULL, *key != '\0' ? key : "any");
	html_raw(h, "<span class=\"sub\">");
	put_names(h, json_object_get(row, "formats"), "");
	html_raw(h, "</span><td>");
	html_el(h, "span", NULL, leaf_text(row, "rule"));
	if (!can) {
		html_raw(h,
		    "<td colspan=\"3\"><span class=\"tag bad\">nobody"
		    "</span> ");
		html_el(h, "span", NULL, leaf_text(row, "why_not"));
		html_raw(h, "\n");
		return;
	}
	html_rawf(h, "<td>any %" PRIu64 " of ", leaf_number(row, "threshold"));
	put_names(h, json_object_get(row, "people"), "nobody");
	if (json_is_true(json_object_get(row, "distinct_organisations")))
		html_raw(h,
		    "<span class=\"sub\">each of another organisation"
		    "</span>");
	html_raw(h, "<td>");
	put_names(h, json_object_get(row, "requesters"), "");
	if (json_is_true(json_object_get(row, "requester_excluded")))
		html_raw(h,
		    "<span class=\"sub\">who cannot approve it"
		    "</span>");
	html_raw(h, "<td>");
	html_text(h, leaf_text(row, "until"));
	html_raw(h, "<span class=\"sub\">");
	html_text(h, leaf_text(row, "until_because"));
	html_raw(h, "</span>\n");
}

static int
put_authority(struct report *p, const struct audit_policy *v, struct diag *d)
{
	_cleanup_authority_ struct authority *who = NULL;
	struct authority_opts o = { .at = p->now };
	_cleanup_json_ json_t *rows = NULL;
	const json_t *row;
	size_t i;
	int r;

	r = audit_authority(v, &o, &who, d);
	if (r == 0 && (r = authority_json(who, &rows)) != 0)
		r = diag_fail(d, r, NULL, "who can sign");
	if (r != 0)
		return r;
	html_rawf(&p->h,
	    "<p>By policy version %" PRIu64 ", in force since leaf %" PRIu64
	    ", for the time of this report.</p>\n<table><thead><tr><th>Product"
	    "<th>Key<th>Rule<th>Who must approve<th>Asked for by<th>Until"
	    "</thead><tbody>\n",
	    v->p->version, v->leaf);
	json_array_foreach (rows, i, row) {
		put_row(&p->h, row);
	}
	html_raw(&p->h, "</tbody></table>\n");
	return 0;
}

int
report_authority(struct report *p, struct diag *d)
{
	_cleanup_audit_policy_ struct audit_policy v = { 0 };
	struct diag why = { 0 };
	int r;

	report_section(p, "authority", "Who can sign now");
	r = audit_policy_after(&p->a, p->a.head.c.size - 1, &v, &why);
	r = r != 0 ? put_missing(p, r, &why, d) : put_authority(p, &v, d);
	html_raw(&p->h, "</section>\n");
	return r;
}

/* --- policy history ------------------------------------------------------- */
static void
put_lines(struct html *h, const struct buf *text)
{
	const char *s = (const char *)text->p, *end = s + text->len, *nl;

	html_raw(h, "<ul class=\"plain\">\n");
	for (; s < end; s = nl + 1) {
		nl = memchr(s, '\n', (size_t)(end - s));
		if (nl == NULL)
			break;
		html_raw(h, "<li>");
		html_textn(h, s, (size_t)(nl - s));
		html_raw(h, "\n");
	}
	html_raw(h, "</ul>\n");
}

static void
put_policy_head(struct report *p, struct audit_rows *q)
{
	struct html *h = &p->h;

	html_rawf(h, "<h3>Version %" PRIu64 ", from leaf ",
	    audit_rows_number(q, 3));
	report_number(h, audit_rows_number(q, 0));
	html_raw(h, ", ");
	html_time(h, audit_rows_number(q, 1));
	html_raw(h, "</h3>\n<p class=\"code\">");
	html_text(h, audit_rows_text(q, 2));
	html_raw(h, "</p>\n");
}

/* The first in full, closed; the others by what they change. */
static int
put_policy(struct report *p, const struct policy *old, const struct policy *new,
    struct diag *d)
{
	struct buf text = BUF_INIT(TEXT_LIMIT);
	int r;

	r = old == NULL ? policy_explain(new, &text) :
			  policy_diff(old, new, &text);
	if (old == NULL)
		html_raw(&p->h,
		    "<details><summary>What it says, in words"
		    "</summary>\n");
	else
		html_raw(&p->h, "<p>What it changed:</p>\n");
	if (r == 0)
		put_lines(&p->h, &text);
	if (old == NULL)
		html_raw(&p->h, "</details>\n");
	buf_done(&text);
	return r == 0 ? 0 : diag_fail(d, r, NULL, "the policy in words");
}

int
report_policies(struct report *p, struct diag *d)
{
	_cleanup_audit_rows_ struct audit_rows *q = NULL;
	_cleanup_audit_policy_ struct audit_policy old = { 0 };
	bool any = true;
	int r;

	report_section(p, "policies", "Policy history");
	r = audit_rows_open(p->a.db,
	    "SELECT idx, claimed, policy, policy_version FROM v_policies"
	    " ORDER BY idx",
	    NULL, 0, &q, d);
	while (r == 0) {
		struct audit_policy v = { 0 };
		struct diag why = { 0 };

		r = audit_rows_next(q, &any, d);
		if (r != 0 || !any)
			break;
		put_policy_head(p, q);
		r = audit_policy_after(&p->a, audit_rows_number(q, 0), &v,
		    &why);
		r = r != 0 ? put_missing(p, r, &why, d) :
			     put_policy(p, old.p, v.p, d);
		audit_policy_done(&old);
		old = v;
	}
	html_raw(&p->h, "</section>\n");
	return r;
}
