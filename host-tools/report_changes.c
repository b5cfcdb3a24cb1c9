/* SPDX-License-Identifier: Apache-2.0 */
/* Changes by ceremony: policies, keys, the clock; out of the leaves. */
#include <inttypes.h>
#include <string.h>

#include "host-tools/report.h"
#include "lib/json.h"

/* What a change made, by the members that its outcome has. */
static const struct {
	const char *path, *label;
	bool code;
} made[] = {
	{ "data.key", "key ", false },
	{ "data.algorithm", "algorithm ", false },
	{ "data.domain", "domain ", false },
	{ "data.policy_version", "policy version ", false },
	{ "data.policy", "", true },
	{ "data.seconds", "seconds ", false },
	{ "data.direction", "", false },
	{ "data.check", "", false },
	{ "data.found", "found ", false },
};

static void
put_made(struct html *h, const json_t *leaf)
{
	const json_t *v;
	size_t i;

	for (i = 0; i < ARRAY_LEN(made); i++) {
		v = leaf_get(leaf, made[i].path);
		if (v == NULL)
			continue;
		html_rawf(h, "<span class=\"sub%s\">%s",
		    made[i].code ? " code" : "", made[i].label);
		if (json_is_integer(v))
			report_number(h, leaf_number(leaf, made[i].path));
		else
			html_el(h, "span", NULL, leaf_text(leaf, made[i].path));
		html_raw(h, "</span>");
	}
}

static int
put_change(struct report *p, uint64_t idx, struct diag *d)
{
	_cleanup_json_ json_t *leaf = NULL;
	struct html *h = &p->h;
	const char *result;
	int r;

	r = audit_view_leaf(&p->a, idx, &leaf, d);
	if (r != 0)
		return r;
	result = leaf_text(leaf, "data.result");
	html_raw(h, "<tr><td class=\"n\">");
	report_number(h, idx);
	html_raw(h, "<td>");
	html_time(h, leaf_number(leaf, "time.claimed"));
	html_raw(h, "<td>");
	html_el(h, "span", NULL, leaf_text(leaf, "data.action"));
	html_raw(h, "<td>");
	html_el(h, "span", strcmp(result, "made") == 0 ? "tag ok" : "tag bad",
	    result);
	html_raw(h, "<td>");
	html_el(h, "span", NULL, leaf_text(leaf, "data.reason"));
	html_raw(h, "<td>");
	put_made(h, leaf);
	html_raw(h, "<td class=\"code\">");
	html_text(h, leaf_text(leaf, "data.request"));
	html_raw(h, "\n");
	return 0;
}

static int
put_changes(struct report *p, struct diag *d)
{
	const struct audit_arg args[] = { AUDIT_NUMBER(p->rows) };
	_cleanup_audit_rows_ struct audit_rows *q = NULL;
	struct html *h = &p->h;
	bool any = true;
	uint64_t n = 0;
	int r;

	r = audit_rows_open(p->a.db,
	    "SELECT idx FROM v_events WHERE event = 'change.outcome'"
	    " ORDER BY idx DESC LIMIT $1",
	    args, 1, &q, d);
	for (; r == 0; n++) {
		r = audit_rows_next(q, &any, d);
		if (r != 0 || !any)
			break;
		if (n == 0)
			html_raw(h,
			    "<table><thead><tr><th class=\"n\">Leaf<th>Time"
			    "<th>Action<th>Result<th>Reason<th class=\"x\">"
			    "What it made<th class=\"w\">Request"
			    "</thead><tbody>\n");
		r = put_change(p, audit_rows_number(q, 0), d);
	}
	html_raw(h, n > 0 ? "</tbody></table>\n" : "<p>None.</p>\n");
	return r;
}

int
report_changes(struct report *p, struct diag *d)
{
	struct diag why = { 0 };
	int r;

	report_section(p, "changes", "Changes by ceremony");
	html_raw(&p->h,
	    "<p>Policies, keys and the clock, changed under the "
	    "administration rule; who approved is above.</p>\n");
	r = put_changes(p, &why);
	/* a damaged leaf is what the page already says in red */
	if (r != 0 && p->verdict != 0 && err_exit(r) == CS_EXIT_REFUSED) {
		html_rawf(&p->h, "<p>%s: ", err_id(r));
		html_text(&p->h, why.found);
		html_raw(&p->h, "</p>\n");
		r = 0;
	}
	html_raw(&p->h, "</section>\n");
	return r == 0 ? 0 : diag_fail(d, r, why.expected, "%s", why.found);
}
