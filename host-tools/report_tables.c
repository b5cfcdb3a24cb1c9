/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Rows of the log, the newest first, in pieces that a reader opens.  What a
 * column shows is a table of columns; what a row is, a question.
 */
#include <inttypes.h>
#include <string.h>

#include "host-tools/report.h"

#define PIECE 500u
#define SUBS  3u

enum kind {
	END,
	LEAF, /* number of a leaf */
	TIME,
	NUMBER,
	TEXT,
	CODE,  /* digests */
	PLUS,  /* text, and the next column's beside it */
	TAG,   /* a decision */
	CHECK, /* a check ID, with what it means */
	LIST,  /* the words that another question gives for this one's value */
};

struct column {
	const char *head;
	enum kind kind;
	int at;		   /* of the question's columns */
	const char *class; /* of the heading: its width */
	/* smaller, below it: label and column; "" a digest or a format */
	struct {
		const char *label;
		int at;
	} sub[SUBS];
	const char *sql; /* LIST: $1 is the value */
};

struct table {
	const char *id, *title, *noun;
	const char *about;
	const char *sql; /* idx, claimed, then what columns show */
	struct column columns[10];
};

#define COL(h, k, a, ...)                                          \
	{                                                          \
		.head = (h), .kind = (k), .at = (a), ##__VA_ARGS__ \
	}
#define SUB(...) .sub = { __VA_ARGS__ }
#define BELOW(l, a)      \
	{                \
		(l), (a) \
	}
#define WIDE   .class = "x"
#define MIDDLE .class = "w"
#define NARROW .class = "y"

static const struct table tables[] = {
	{ "signatures", "Signatures", "signatures",
	    "One row for each signature. <code>coldseal audit trace "
	    "FILE</code> tells one of them in full, from the file on disk.",
	    "SELECT idx, claimed, name, artifact, product, version,"
	    " signing_key, format, requester, user_name, system, trace,"
	    " rule, policy_version, commit_id, branch, break_glass"
	    " FROM v_signatures",
	    {
		COL("Leaf", LEAF, 0),
		COL("Time", TIME, 1),
		COL("Artifact, SHA-256", TEXT, 2, WIDE, SUB(BELOW("", 3))),
		COL("Product, source", PLUS, 4, MIDDLE,
		    SUB(BELOW("branch ", 15), BELOW("", 14))),
		COL("Key", TEXT, 6, NARROW, SUB(BELOW("", 7))),
		COL("Requested by", TEXT, 8, NARROW,
		    SUB(BELOW("user ", 9), BELOW("on ", 10))),
		COL("Approved by", LIST, 11, NARROW,
		    .sql = "SELECT w.word FROM trace_approver a"
			   " JOIN word w ON w.id = a.person WHERE a.trace = $1"
			   " ORDER BY a.n"),
		COL("Rule", TEXT, 12, NARROW,
		    SUB(BELOW("policy version ", 13),
			BELOW("GLASS BROKEN: ", 16))),
	    } },
	{ "approvals", "Approvals", "decisions",
	    "What people decided, each with their own token.",
	    "SELECT idx, claimed, person, decision, product, version,"
	    " request, reason, key_id FROM v_approvals",
	    {
		COL("Leaf", LEAF, 0),
		COL("Time", TIME, 1),
		COL("Person", TEXT, 2),
		COL("Decision", TAG, 3),
		COL("Product, request", PLUS, 4, MIDDLE, SUB(BELOW("", 6))),
		COL("Reason", TEXT, 7),
		COL("Token's key, SHA-256", CODE, 8, WIDE),
	    } },
	{ "refusals", "Refusals", "refusals",
	    "What the appliance refused, and the check that did.",
	    "SELECT idx, claimed, event, check_id, found, person, product,"
	    " version, request FROM v_refusals",
	    {
		COL("Leaf", LEAF, 0),
		COL("Time", TIME, 1),
		COL("Event", TEXT, 2, NARROW),
		COL("Check", CHECK, 3, WIDE),
		COL("Found", TEXT, 4),
		COL("Person", TEXT, 5),
		COL("Product, request", PLUS, 6, MIDDLE, SUB(BELOW("", 8))),
	    } },
	{ "boots", "Boots", "boots",
	    "The counter is the TPM's, of boots and exports; it cannot be "
	    "set back.",
	    "SELECT idx, claimed, boot, image_version, counter,"
	    " policy_version, tpm_reset, tpm_restart, policy FROM v_boots",
	    {
		COL("Leaf", LEAF, 0),
		COL("Time", TIME, 1),
		COL("Boot", NUMBER, 2),
		COL("Image version", NUMBER, 3),
		COL("Counter", NUMBER, 4),
		COL("TPM resets", NUMBER, 6),
		COL("TPM restarts", NUMBER, 7),
		COL("Policy", TEXT, 5, WIDE, SUB(BELOW("", 8))),
	    } },
};

/* Pieces, and where one ends, which its heading says first. */
struct piece {
	struct audit_rows *ahead, *q;
	uint64_t total, done;
};

static bool
is_number(enum kind k)
{
	return k == LEAF || k == NUMBER;
}

static void
put_heads(struct html *h, const struct table *t)
{
	const struct column *c;

	html_raw(h, "<table><thead><tr>");
	for (c = t->columns; c->kind != END; c++)
		html_rawf(h, "<th class=\"%s\">%s",
		    is_number(c->kind)	 ? "n" :
			c->class != NULL ? c->class :
					   "",
		    c->head);
	html_raw(h, "</thead><tbody>\n");
}

/* The words of another question, with commas. */
static int
put_list(struct report *p, const struct column *c, uint64_t value,
    struct diag *d)
{
	const struct audit_arg args[] = { AUDIT_NUMBER(value) };
	_cleanup_audit_rows_ struct audit_rows *q = NULL;
	bool any = true, first = true;
	int r;

	r = audit_rows_open(p->a.db, c->sql, args, 1, &q, d);
	while (r == 0) {
		r = audit_rows_next(q, &any, d);
		if (r != 0 || !any)
			break;
		html_raw(&p->h, first ? "" : ", ");
		html_el(&p->h, "span", NULL, audit_rows_text(q, 0));
		first = false;
	}
	return r;
}

static void
put_tag(struct html *h, const char *decision)
{
	html_el(h, "span",
	    strcmp(decision, "approve") == 0 ? "tag ok" : "tag bad", decision);
}

static void
put_check(struct html *h, const char *id)
{
	int code = err_from_id(id);

	html_el(h, "span", "code", id);
	if (code != 0)
		html_rawf(h, "<span class=\"sub\">%s</span>", err_text(code));
}

static int
put_cell(struct report *p, const struct column *c, struct audit_rows *q,
    struct diag *d)
{
	struct html *h = &p->h;
	const char *text = audit_rows_text(q, c->at);

	switch (c->kind) {
	case LEAF:
	case NUMBER:
		report_number(h, audit_rows_number(q, c->at));
		return 0;
	case TIME:
		html_time(h, audit_rows_number(q, c->at));
		return 0;
	case CODE:
		html_el(h, "span", "code", text);
		return 0;
	case TAG:
		put_tag(h, text);
		return 0;
	case CHECK:
		put_check(h, text);
		return 0;
	case LIST:
		return put_list(p, c, audit_rows_number(q, c->at), d);
	case PLUS:
		html_el(h, "span", NULL, text);
		html_raw(h, " ");
		html_el(h, "span", NULL, audit_rows_text(q, c->at + 1));
		return 0;
	case TEXT:
		html_el(h, "span", NULL, text);
		return 0;
	case END:
	default:
		return diag_fail(d, CS_E_INTERNAL, NULL, "a column");
	}
}

static int
put_row(struct report *p, const struct table *t, struct audit_rows *q,
    struct diag *d)
{
	const struct column *c;
	const char *text;
	size_t i;
	int r = 0;

	html_raw(&p->h, "<tr>");
	for (c = t->columns; r == 0 && c->kind != END; c++) {
		html_raw(&p->h,
		    is_number(c->kind) ? "<td class=\"n\">" : "<td>");
		r = put_cell(p, c, q, d);
		for (i = 0; i < SUBS && c->sub[i].label != NULL; i++) {
			text = audit_rows_text(q, c->sub[i].at);
			if (*text == '\0')
				continue;
			html_rawf(&p->h, "<span class=\"sub%s\">%s",
			    *c->sub[i].label == '\0' ? " code" : "",
			    c->sub[i].label);
			html_el(&p->h, "span", NULL, text);
			html_raw(&p->h, "</span>");
		}
	}
	html_raw(&p->h, "\n");
	return r;
}

/* "500 signatures, 2026-11-01 ... to ..." once both ends are known */
static int
put_summary(struct report *p, const struct table *t, struct piece *x,
    struct diag *d)
{
	uint64_t n, from = 0, to = 0;
	struct html *h = &p->h;
	bool any = true;
	int r = 0;

	for (n = 0; r == 0 && n < PIECE && x->done + n < x->total; n++) {
		r = audit_rows_next(x->ahead, &any, d);
		if (r != 0 || !any)
			break;
		to = n == 0 ? audit_rows_number(x->ahead, 1) : to;
		from = audit_rows_number(x->ahead, 1);
	}
	html_rawf(h, "<details%s><summary>", x->done == 0 ? " open" : "");
	report_number(h, n);
	html_rawf(h, " %s, ", t->noun);
	html_time(h, from);
	html_raw(h, " to ");
	html_time(h, to);
	html_raw(h, "</summary>\n");
	return r;
}

static int
put_piece(struct report *p, const struct table *t, struct piece *x,
    struct diag *d)
{
	bool any = true;
	uint64_t n;
	int r = put_summary(p, t, x, d);

	put_heads(&p->h, t);
	for (n = 0; r == 0 && n < PIECE && x->done < x->total; n++, x->done++) {
		r = audit_rows_next(x->q, &any, d);
		if (r != 0 || !any)
			break;
		r = put_row(p, t, x->q, d);
	}
	html_raw(&p->h, "</tbody></table></details>\n");
	return r;
}

static int
put_pieces(struct report *p, const struct table *t, uint64_t all,
    struct diag *d)
{
	struct piece x = { .total = all < p->rows ? all : p->rows };
	char sql[1024];
	int r;

	(void)snprintf(sql, sizeof(sql), "%s ORDER BY idx DESC", t->sql);
	r = audit_rows_open(p->a.db, sql, NULL, 0, &x.ahead, d);
	if (r == 0)
		r = audit_rows_open(p->a.db, sql, NULL, 0, &x.q, d);
	while (r == 0 && x.done < x.total)
		r = put_piece(p, t, &x, d);
	audit_rows_free(&x.ahead);
	audit_rows_free(&x.q);
	return r;
}

static int
put_table(struct report *p, const struct table *t, struct diag *d)
{
	struct html *h = &p->h;
	uint64_t all = 0;
	char sql[1024];
	int r;

	(void)snprintf(sql, sizeof(sql), "SELECT count(*) FROM (%s) AS t",
	    t->sql);
	report_section(p, t->id, t->title);
	html_rawf(h, "<p>%s</p>\n", t->about);
	r = audit_ask_number(p->a.db, sql, NULL, 0, &all, d);
	if (r == 0 && all > p->rows) {
		html_raw(h, "<p><b>These are the newest ");
		report_number(h, p->rows);
		html_raw(h, " of ");
		report_number(h, all);
		html_rawf(h,
		    ".</b> <code>coldseal audit export --what %s --csv</code> "
		    "writes them all.</p>\n",
		    t->id);
	}
	if (r == 0 && all == 0)
		html_raw(h, "<p>None.</p>\n");
	if (r == 0)
		r = put_pieces(p, t, all, d);
	html_raw(h, "</section>\n");
	return r;
}

int
report_tables(struct report *p, struct diag *d)
{
	size_t i;
	int r = 0;

	for (i = 0; r == 0 && i < ARRAY_LEN(tables); i++)
		r = put_table(p, &tables[i], d);
	return r;
}
