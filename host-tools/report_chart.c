/* SPDX-License-Identifier: Apache-2.0 */
/* The timeline: signatures by product, refusals and boots; refusals by check. */
#include <inttypes.h>
#include <string.h>

#include "host-tools/report.h"
#include "lib/json.h"

#define WEEK	    (7u * 86400u)
#define MONDAY	    (4u * 86400u) /* the first of 1970, after a Thursday */
#define SLOTS	    104u
#define SERIES	    6u /* products; the rest is one */
#define CHECKS	    12u
#define PRODUCT_MAX 1024u /* bytes; longer ones are told apart by these */

#define WIDTH	 1000u
#define LEFT	 46u
#define TOP	 12u
#define BARS	 180u /* height of the signatures */
#define LOWER	 46u  /* of the refusals below them */
#define BOOTS_AT (TOP + BARS + LOWER + 16u)
#define HEIGHT	 (BOOTS_AT + 34u)

enum { REFUSED = SERIES + 1, BOOTED, ROWS };

struct chart {
	uint64_t start, width; /* seconds */
	size_t slots;
	uint64_t n[ROWS][SLOTS];
	char product[SERIES][PRODUCT_MAX];
	size_t products;
	bool others;
};

/* Weeks, or as many of them to a bar as it takes. */
static int
set_scale(struct report *p, struct chart *c, struct diag *d)
{
	uint64_t first = 0, last = 0, weeks;
	int r;

	r = audit_ask_number(p->a.db, "SELECT min(claimed) FROM event", NULL, 0,
	    &first, d);
	if (r == 0)
		r = audit_ask_number(p->a.db, "SELECT max(claimed) FROM event",
		    NULL, 0, &last, d);
	if (r != 0)
		return r;
	c->start = first < MONDAY ? 0 : first - (first - MONDAY) % WEEK;
	weeks = (last - c->start) / WEEK + 1;
	c->width = (weeks + SLOTS - 1) / SLOTS * WEEK;
	c->slots = (size_t)((last - c->start) / c->width + 1);
	return 0;
}

static int
set_products(struct report *p, struct chart *c, struct diag *d)
{
	_cleanup_audit_rows_ struct audit_rows *q = NULL;
	bool any = true;
	int r;

	r = audit_rows_open(p->a.db,
	    "SELECT w.word, count(*) FROM signature s"
	    " JOIN word w ON w.id = s.product GROUP BY w.word"
	    " ORDER BY 2 DESC, 1 LIMIT 6",
	    NULL, 0, &q, d);
	while (r == 0 && c->products < SERIES) {
		r = audit_rows_next(q, &any, d);
		if (r != 0 || !any)
			break;
		(void)snprintf(c->product[c->products++], PRODUCT_MAX, "%s",
		    audit_rows_text(q, 0));
	}
	return r;
}

static size_t
row_of(const struct chart *c, const char *product)
{
	size_t i;

	for (i = 0; i < c->products; i++)
		if (strncmp(c->product[i], product, PRODUCT_MAX - 1) == 0)
			return i;
	return SERIES;
}

/* sql: slot, count, and for signatures the product; row ROWS: those */
static int
fill(struct report *p, struct chart *c, size_t row, const char *sql,
    struct diag *d)
{
	const struct audit_arg args[] = { AUDIT_NUMBER(c->start),
		AUDIT_NUMBER(c->width) };
	_cleanup_audit_rows_ struct audit_rows *q = NULL;
	bool any = true;
	size_t slot, at;
	int r;

	r = audit_rows_open(p->a.db, sql, args, 2, &q, d);
	while (r == 0) {
		r = audit_rows_next(q, &any, d);
		if (r != 0 || !any)
			break;
		slot = (size_t)audit_rows_number(q, 0);
		at = row < ROWS ? row : row_of(c, audit_rows_text(q, 2));
		if (slot < c->slots)
			c->n[at][slot] += audit_rows_number(q, 1);
		c->others = c->others || at == SERIES;
	}
	return r;
}

static int
load(struct report *p, struct chart *c, struct diag *d)
{
	int r = set_scale(p, c, d);

	if (r == 0)
		r = set_products(p, c, d);
	if (r == 0)
		r = fill(p, c, ROWS,
		    "SELECT (e.claimed - $1) / $2, count(*), w.word"
		    " FROM signature s JOIN event e ON e.idx = s.idx"
		    " LEFT JOIN word w ON w.id = s.product GROUP BY 1, 3",
		    d);
	if (r == 0)
		r = fill(p, c, REFUSED,
		    "SELECT (e.claimed - $1) / $2, count(*)"
		    " FROM refusal f JOIN event e ON e.idx = f.idx GROUP BY 1",
		    d);
	if (r == 0)
		r = fill(p, c, BOOTED,
		    "SELECT (e.claimed - $1) / $2, count(*)"
		    " FROM boot b JOIN event e ON e.idx = b.idx GROUP BY 1",
		    d);
	return r;
}

static uint64_t
stacked(const struct chart *c, size_t slot)
{
	uint64_t sum = 0;
	size_t i;

	for (i = 0; i <= SERIES; i++)
		sum += c->n[i][slot];
	return sum;
}

/* 1, 2 or 5 times a power of ten, at least v */
static uint64_t
round_up(uint64_t v)
{
	uint64_t unit = 1;

	while (unit * 10 < v)
		unit *= 10;
	return v <= unit  ? unit :
	    v <= 2 * unit ? 2 * unit :
	    v <= 5 * unit ? 5 * unit :
			    10 * unit;
}

static double
slot_width(const struct chart *c)
{
	double w = (double)(WIDTH - LEFT) / (double)c->slots;

	return w < 64 ? w : 64;
}

static void
put_bar(struct html *h, const struct chart *c, size_t slot, double y,
    double height, const char *class, const char *what, uint64_t n)
{
	double w = slot_width(c);
	char day[21];

	time_format((int64_t)(c->start + slot * c->width), day);
	html_rawf(h,
	    "<rect class=\"%s\" x=\"%.1f\" y=\"%.1f\" width=\"%.1f\" "
	    "height=\"%.1f\"><title>%.10s, ",
	    class, LEFT + w * (double)slot + w * 0.08, y, w * 0.84, height,
	    day);
	html_text(h, what);
	html_rawf(h, ": %" PRIu64 "</title></rect>\n", n);
}

static void
put_grid(struct html *h, uint64_t top)
{
	uint64_t i, steps = top % 2 == 0 ? 2 : top % 5 == 0 ? 5 : 1;
	double y;

	for (i = 0; i <= steps; i++) {
		y = TOP + BARS - (double)BARS * (double)i / (double)steps;
		html_rawf(h,
		    "<line class=\"%s\" x1=\"%u\" x2=\"%u\" y1=\"%.1f\" "
		    "y2=\"%.1f\"/><text x=\"%u\" y=\"%.1f\" "
		    "text-anchor=\"end\">",
		    i == 0 ? "axis" : "grid", LEFT, WIDTH, y, y, LEFT - 6,
		    y + 4);
		report_number(h, top * i / steps);
		html_raw(h, "</text>\n");
	}
}

static void
put_bars(struct html *h, const struct chart *c, uint64_t top, uint64_t low)
{
	static const char *const classes[] = { "c0", "c1", "c2", "c3", "c4",
		"c5", "c6" };
	double y, height;
	size_t s, i;

	for (s = 0; s < c->slots; s++) {
		y = TOP + BARS;
		for (i = 0; i <= SERIES; i++) {
			if (c->n[i][s] == 0)
				continue;
			height =
			    (double)BARS * (double)c->n[i][s] / (double)top;
			y -= height;
			put_bar(h, c, s, y, height, classes[i],
			    i < c->products ? c->product[i] : "other products",
			    c->n[i][s]);
		}
		if (c->n[REFUSED][s] > 0)
			put_bar(h, c, s, TOP + BARS + 1,
			    (double)LOWER * (double)c->n[REFUSED][s] /
				(double)low,
			    "refused", "refusals", c->n[REFUSED][s]);
		if (c->n[BOOTED][s] > 0)
			put_bar(h, c, s, BOOTS_AT, 6, "boot", "boots",
			    c->n[BOOTED][s]);
	}
}

static void
put_days(struct html *h, const struct chart *c)
{
	size_t step = (c->slots + 7) / 8, s;
	char day[21];

	for (s = 0; s < c->slots; s += step) {
		time_format((int64_t)(c->start + s * c->width), day);
		html_rawf(h, "<text x=\"%.1f\" y=\"%u\">%.10s</text>\n",
		    LEFT + slot_width(c) * (double)s, HEIGHT - 8, day);
	}
	html_rawf(h,
	    "<text x=\"%u\" y=\"%u\" text-anchor=\"end\">boots</text>\n",
	    LEFT - 6, BOOTS_AT + 7);
}

static void
put_legend(struct html *h, const struct chart *c)
{
	size_t i;

	html_raw(h, "<p class=\"legend\">Signatures");
	for (i = 0; i < c->products; i++) {
		html_rawf(h, "<i class=\"c%zu\"></i>", i);
		html_el(h, "span", NULL, c->product[i]);
	}
	if (c->others)
		html_raw(h, "<i class=\"c6\"></i>other products");
	html_raw(h,
	    "<i class=\"refused\"></i>refusals, downwards"
	    "<i class=\"boot\"></i>boots</p>\n");
}

static void
put_timeline(struct html *h, const struct chart *c)
{
	uint64_t top = 1, low = 1;
	size_t s;

	for (s = 0; s < c->slots; s++) {
		if (stacked(c, s) > top)
			top = stacked(c, s);
		if (c->n[REFUSED][s] > low)
			low = c->n[REFUSED][s];
	}
	top = round_up(top);
	if (c->width == WEEK)
		html_raw(h, "<h3>Signatures per week, by product</h3>\n");
	else
		html_rawf(h,
		    "<h3>Signatures per %" PRIu64 " weeks, by product"
		    "</h3>\n",
		    c->width / WEEK);
	html_rawf(h,
	    "<svg viewBox=\"0 0 %u %u\" width=\"100%%\" role=\"img\" "
	    "aria-label=\"Signatures by product, refusals and boots over "
	    "time\">\n",
	    WIDTH, HEIGHT);
	put_grid(h, top);
	put_bars(h, c, top, low);
	put_days(h, c);
	html_raw(h, "</svg>\n");
	put_legend(h, c);
}

/* --- refusals by check ---------------------------------------------------- */
static void
put_check(struct html *h, const char *id, uint64_t n, uint64_t top)
{
	int code = err_from_id(id);

	html_raw(h, "<tr>");
	html_el(h, "td", "code", id);
	html_rawf(h,
	    "<td><svg width=\"320\" height=\"14\" role=\"img\" "
	    "aria-label=\"%" PRIu64 "\"><rect class=\"refused\" "
	    "width=\"%.1f\" height=\"14\"/></svg><td class=\"n\">",
	    n, 320.0 * (double)n / (double)top);
	report_number(h, n);
	html_rawf(h, "<td class=\"dim\">%s\n", code != 0 ? err_text(code) : "");
}

static int
put_checks(struct report *p, struct diag *d)
{
	_cleanup_audit_rows_ struct audit_rows *q = NULL;
	struct html *h = &p->h;
	uint64_t top = 0, n, i = 0;
	bool any = true;
	int r;

	html_raw(h, "<h3>Refusals by check</h3>\n");
	r = audit_rows_open(p->a.db,
	    "SELECT check_id, count(*) FROM v_refusals GROUP BY check_id"
	    " ORDER BY 2 DESC, 1",
	    NULL, 0, &q, d);
	for (; r == 0 && i < CHECKS; i++) {
		r = audit_rows_next(q, &any, d);
		if (r != 0 || !any)
			break;
		n = audit_rows_number(q, 1);
		if (i == 0)
			html_raw(h, "<table class=\"facts\"><tbody>\n");
		top = i == 0 ? n : top;
		put_check(h, audit_rows_text(q, 0), n, top);
	}
	html_raw(h, i > 0 ? "</tbody></table>\n" : "<p>None.</p>\n");
	return r;
}

int
report_timeline(struct report *p, struct diag *d)
{
	_cleanup_free_ struct chart *c = calloc(1, sizeof(*c));
	int r;

	if (c == NULL)
		return diag_nomem(d);
	r = load(p, c, d);
	if (r != 0)
		return r;
	report_section(p, "timeline", "Timeline");
	put_timeline(&p->h, c);
	r = put_checks(p, d);
	html_raw(&p->h, "</section>\n");
	return r;
}
